/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <hr-gpu-catalogue.h>
#include <hr-training-job.h>

#include "headroom-plan-table.h"
#include "headroom-plan-window.h"
#include "headroom-test.h"

typedef struct
{
  HeadroomSession *session;
  GtkWidget *window;
} Fixture;

static void
open_window (Fixture *fixture)
{
  fixture->window = headroom_plan_window_new (fixture->session);
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (fixture->window);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  const char *model = data != NULL ? data : "meta-llama/Meta-Llama-3-8B";
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", NULL);

  fixture->session = headroom_session_new ();
  headroom_session_choose_model (fixture->session, model, &error);
  g_assert_no_error (error);
  headroom_session_set_mode (fixture->session, HR_MODE_TRAINING);
  headroom_session_change_job (fixture->session, "sequence-length=4096", &error);
  g_assert_no_error (error);
  headroom_session_set_gpu (fixture->session, gpu);
  headroom_session_set_n_gpus (fixture->session, data != NULL ? 2048 : 16);
  headroom_session_update (fixture->session);
  open_window (fixture);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  headroom_test_close (fixture->window);
  g_assert_finalize_object (fixture->session);
}

static HeadroomPlanTable *
get_table (Fixture *fixture)
{
  return HEADROOM_PLAN_TABLE (headroom_test_find (fixture->window, HEADROOM_TYPE_PLAN_TABLE, NULL));
}

static guint
get_n_layouts (Fixture *fixture)
{
  return g_list_model_get_n_items (G_LIST_MODEL (headroom_plan_table_get_items (get_table (fixture))));
}

/* A button by its label, whose letter for the keyboard is not shown with its underscore. */
static GtkWidget *
find_button (Fixture    *fixture,
             const char *label)
{
  g_autoptr (GString) text = g_string_new (label);

  g_string_replace (text, "_", "", 1);

  return headroom_test_find_label (fixture->window, text->str);
}

static void
click (Fixture    *fixture,
       const char *label)
{
  GtkWidget *found = find_button (fixture, label);

  g_assert_nonnull (found);
  while (!GTK_IS_BUTTON (found))
    found = gtk_widget_get_parent (found);
  g_signal_emit_by_name (found, "clicked");
}

/* Whether the first of all layouts has been held against the estimator. */
static gboolean
is_checked (Fixture *fixture)
{
  g_autoptr (HeadroomPlanItem) item =
    g_list_model_get_item (G_LIST_MODEL (headroom_plan_table_get_items (get_table (fixture))), 0);

  return item != NULL && headroom_plan_item_get_choice (item)->check != HR_PLAN_CHECK_PENDING;
}

static void
test_layouts_come_by_themselves (Fixture       *fixture,
                                 gconstpointer  data)
{
  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 20);
  HEADROOM_TEST_WAIT_FOR (is_checked (fixture));
  g_assert_true (headroom_test_is_shown (fixture->window, _("Layouts")));
  g_assert_nonnull (headroom_plan_table_get_selected (get_table (fixture)));
}

static void
test_a_layout_is_applied_and_undone (Fixture       *fixture,
                                     gconstpointer  data)
{
  guint64 micro_batch, data_parallel, before;
  int framework, framework_before;
  const HrPlanChoice *choice;

  HEADROOM_TEST_WAIT_FOR (is_checked (fixture));
  choice = headroom_plan_item_get_choice (headroom_plan_table_get_selected (get_table (fixture)));
  g_object_get (headroom_session_get_job (fixture->session), "framework", &framework_before, "data-parallel", &before,
                NULL);
  g_assert_cmpint (framework_before, !=, HR_TRAINING_FRAMEWORK_MEGATRON_LM);

  click (fixture, _("_Apply"));
  g_object_get (headroom_session_get_job (fixture->session), "framework", &framework, "micro-batch-size", &micro_batch,
                "data-parallel", &data_parallel, NULL);
  g_assert_cmpint (framework, ==, HR_TRAINING_FRAMEWORK_MEGATRON_LM);
  g_assert_cmpuint (micro_batch, ==, choice->step.micro_batch);
  g_assert_cmpuint (data_parallel, ==, choice->step.layout.data);
  g_assert_cmpuint (headroom_session_get_n_gpus (fixture->session), ==, choice->step.layout.n_ranks);

  headroom_session_undo (fixture->session);
  g_object_get (headroom_session_get_job (fixture->session), "framework", &framework, "data-parallel", &data_parallel,
                NULL);
  g_assert_cmpint (framework, ==, framework_before);
  g_assert_cmpuint (data_parallel, ==, before);
}

static gboolean
get_first_fits (Fixture *fixture)
{
  return headroom_plan_item_fits (headroom_plan_table_get_selected (get_table (fixture)));
}

static GtkWidget *
get_switch (Fixture    *fixture,
            const char *name)
{
  return GTK_WIDGET (gtk_widget_get_template_child (fixture->window, HEADROOM_TYPE_PLAN_WINDOW, name));
}

/* There is something to choose of cards that a bridge is known for, and of no others. */
static void
test_a_bridge_is_chosen_where_there_is_one (Fixture       *fixture,
                                            gconstpointer  data)
{
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-3090", NULL);
  GtkWidget *bridged = get_switch (fixture, "bridged");

  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 0);
  g_assert_false (gtk_widget_get_sensitive (bridged));

  headroom_session_set_gpu (fixture->session, gpu);
  click (fixture, _("_Plan"));
  g_assert_true (gtk_widget_get_sensitive (bridged));
}

/* Where nothing fits, what is nearest to it is listed; “only what fits” leaves nothing. */
static void
test_what_does_not_fit_is_listed_as_too_large (Fixture       *fixture,
                                               gconstpointer  data)
{
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-3060-8gb", NULL);
  GtkWidget *only_fitting = get_switch (fixture, "only_fitting");

  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 0);
  g_assert_true (get_first_fits (fixture));
  gtk_switch_set_active (GTK_SWITCH (only_fitting), TRUE);
  g_assert_true (get_first_fits (fixture));

  headroom_session_set_gpu (fixture->session, gpu);
  click (fixture, _("_Plan"));
  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 0);
  g_assert_null (headroom_plan_table_get_selected (get_table (fixture)));
  gtk_switch_set_active (GTK_SWITCH (only_fitting), FALSE);
  g_assert_false (get_first_fits (fixture));
}

/* A search of many layouts gives the main loop its turn, and ends when it is told to. */
static void
test_a_long_search_is_cancelled (Fixture       *fixture,
                                 gconstpointer  data)
{
  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 0);

  click (fixture, _("_Plan"));
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (get_n_layouts (fixture), ==, 0);
  click (fixture, _("_Cancel"));
  g_assert_true (headroom_test_is_shown (fixture->window, _("Cancelled")));
  headroom_test_settle ();
  g_assert_cmpuint (get_n_layouts (fixture), ==, 0);

  click (fixture, _("_Plan"));
  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 0);
}

static void
test_the_fewest_gpus_are_listed (Fixture       *fixture,
                                 gconstpointer  data)
{
  GtkWidget *stack = headroom_test_find (fixture->window, ADW_TYPE_VIEW_STACK, NULL);

  adw_view_stack_set_visible_child_name (ADW_VIEW_STACK (stack), "least");
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (fixture->window, "H100 SXM5 80GB"));
}

static void
choose_serving (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  headroom_session_set_mode (fixture->session, HR_MODE_INFERENCE);
  headroom_session_change_job (fixture->session, "engine=vllm max-model-len=8192 batch-size=32 gpus=4", &error);
  g_assert_no_error (error);
  headroom_test_close (fixture->window);
  open_window (fixture);
  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 1);
}

/* Of what answers requests there are other columns, and a layout sets all that its engine is told. */
static void
test_a_layout_of_an_engine_is_applied (Fixture       *fixture,
                                       gconstpointer  data)
{
  guint64 tensor, pipeline, copies, requests;
  const HrPlanChoice *choice;

  choose_serving (fixture);
  g_assert_true (headroom_test_is_shown (fixture->window, _("Tokens/s")));
  g_assert_true (headroom_test_is_shown (fixture->window, _("Requests at once")));
  g_assert_false (headroom_test_is_shown (fixture->window, _("Micro-batches")));
  choice = headroom_plan_item_get_choice (headroom_plan_table_get_selected (get_table (fixture)));
  g_assert_cmpint (choice->check, ==, HR_PLAN_CHECK_EXACT);

  click (fixture, _("_Apply"));
  g_object_get (headroom_session_get_job (fixture->session), "tensor-parallel", &tensor, "pipeline-parallel", &pipeline,
                "data-parallel", &copies, "batch-size", &requests, NULL);
  g_assert_cmpuint (tensor, ==, choice->step.layout.tensor);
  g_assert_cmpuint (pipeline, ==, choice->step.layout.pipeline);
  g_assert_cmpuint (copies, ==, choice->step.layout.data);
  g_assert_cmpuint (tensor * pipeline * copies, ==, headroom_session_get_n_gpus (fixture->session));
  g_assert_cmpuint (requests, ==, 32);
}

/* How a framework shares a job takes the place of how it was shared before. */
static void
test_a_layout_of_a_framework_is_applied (Fixture       *fixture,
                                         gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *fsdp = NULL, *zero = NULL, *replicas = NULL;
  const HrPlanChoice *choice;

  headroom_session_set_mode (fixture->session, HR_MODE_FINE_TUNING);
  headroom_session_change_job (fixture->session,
                               "framework=transformers fine-tuning-method=lora dtype=bfloat16 zero-stage=3 gpus=8",
                               &error);
  g_assert_no_error (error);
  click (fixture, _("_Plan"));
  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 1);
  g_assert_true (headroom_test_is_shown (fixture->window, _("Shared by")));
  choice = headroom_plan_item_get_choice (headroom_plan_table_get_selected (get_table (fixture)));

  click (fixture, _("_Apply"));
  fsdp = hr_job_get_as_string (headroom_session_get_job (fixture->session), "fsdp");
  zero = hr_job_get_as_string (headroom_session_get_job (fixture->session), "zero-stage");
  if (strstr (choice->change, "zero-stage=3") == NULL)
    g_assert_cmpstr (zero, ==, "0");
  replicas = g_strdup_printf ("fsdp=%s", fsdp);
  g_assert_nonnull (strstr (choice->change, replicas));
}

/* What is the least that is needed is taken over with a button as well, with its GPUs. */
static void
test_the_fewest_gpus_are_applied (Fixture       *fixture,
                                  gconstpointer  data)
{
  GtkWidget *stack, *list, *button;
  g_autoptr (GError) error = NULL;
  guint64 tensor;

  headroom_session_change_job (fixture->session, "gpus=1", &error);
  g_assert_no_error (error);
  choose_serving (fixture);
  stack = headroom_test_find (fixture->window, ADW_TYPE_VIEW_STACK, NULL);
  adw_view_stack_set_visible_child_name (ADW_VIEW_STACK (stack), "least");
  list = headroom_test_find (fixture->window, GTK_TYPE_LIST_BOX, NULL);
  HEADROOM_TEST_WAIT_FOR (gtk_list_box_get_row_at_index (GTK_LIST_BOX (list), 0) != NULL);
  headroom_session_change_job (fixture->session, "tensor-parallel=8 gpus=8", &error);
  g_assert_no_error (error);
  button = headroom_test_find (GTK_WIDGET (gtk_list_box_get_row_at_index (GTK_LIST_BOX (list), 0)), GTK_TYPE_BUTTON,
                               NULL);
  g_signal_emit_by_name (button, "clicked");

  g_object_get (headroom_session_get_job (fixture->session), "tensor-parallel", &tensor, NULL);
  g_assert_cmpuint (headroom_session_get_n_gpus (fixture->session), ==, 1);
  g_assert_cmpuint (tensor, ==, 1);
  g_assert_cmpstr (hr_gpu_get_id (headroom_session_get_gpu (fixture->session)), !=, "h100-sxm5-80gb");
}

static void
test_what_cannot_be_planned_says_why (Fixture       *fixture,
                                      gconstpointer  data)
{
  GtkWidget *stack = headroom_test_find (fixture->window, ADW_TYPE_VIEW_STACK, NULL);
  const char *reason = _("Layouts of what answers to images, sounds and videos are not known; task: expected "
                         "fine-tuning, found inference");

  headroom_session_set_mode (fixture->session, HR_MODE_MULTIMODAL);
  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 0);
  click (fixture, _("_Plan"));
  g_assert_cmpuint (get_n_layouts (fixture), ==, 0);

  /* The fewest GPUs may be known all the same. */
  g_assert_cmpstr (adw_view_stack_get_visible_child_name (ADW_VIEW_STACK (stack)), ==, "least");
  adw_view_stack_set_visible_child_name (ADW_VIEW_STACK (stack), "layouts");
  g_assert_true (headroom_test_is_shown (fixture->window, reason));
}

static void
test_a_wrong_network_is_marked (Fixture       *fixture,
                                gconstpointer  data)
{
  GtkWidget *entry = headroom_test_find (fixture->window, GTK_TYPE_ENTRY, NULL);

  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 0);
  gtk_editable_set_text (GTK_EDITABLE (entry), "fast");
  click (fixture, _("_Plan"));
  g_assert_true (gtk_widget_has_css_class (entry, "error"));
  g_assert_cmpuint (get_n_layouts (fixture), ==, 0);

  gtk_editable_set_text (GTK_EDITABLE (entry), "400Gb/s");
  click (fixture, _("_Plan"));
  g_assert_false (gtk_widget_has_css_class (entry, "error"));
  HEADROOM_TEST_WAIT_FOR (get_n_layouts (fixture) > 0);
}

/* The number of GPUs is the first that the window asks for. */
static void
test_it_begins_with_the_gpus_of_the_job (Fixture       *fixture,
                                         gconstpointer  data)
{
  static const struct { guint n_gpus; int asked; } cases[] = { { 4, 4 }, { 1, 8 }, { 16, 16 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GtkWidget *n_gpus;

      headroom_test_close (fixture->window);
      headroom_session_set_n_gpus (fixture->session, cases[i].n_gpus);
      open_window (fixture);
      n_gpus = headroom_test_find (fixture->window, GTK_TYPE_SPIN_BUTTON, NULL);
      g_assert_cmpint (gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (n_gpus)), ==, cases[i].asked);
    }
}

int
main (int    argc,
      char **argv)
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

#define ADD(path, model, test) g_test_add ("/app/plan_window/" path, Fixture, model, set_up, test, tear_down)
  ADD ("layouts_come_by_themselves", NULL, test_layouts_come_by_themselves);
  ADD ("a_layout_is_applied_and_undone", NULL, test_a_layout_is_applied_and_undone);
  ADD ("what_does_not_fit_is_listed_as_too_large", NULL, test_what_does_not_fit_is_listed_as_too_large);
  ADD ("it_begins_with_the_gpus_of_the_job", NULL, test_it_begins_with_the_gpus_of_the_job);
  ADD ("a_long_search_is_cancelled", "deepseek-ai/DeepSeek-V3", test_a_long_search_is_cancelled);
  ADD ("the_fewest_gpus_are_listed", NULL, test_the_fewest_gpus_are_listed);
  ADD ("a_layout_of_an_engine_is_applied", NULL, test_a_layout_of_an_engine_is_applied);
  ADD ("a_layout_of_a_framework_is_applied", NULL, test_a_layout_of_a_framework_is_applied);
  ADD ("the_fewest_gpus_are_applied", NULL, test_the_fewest_gpus_are_applied);
  ADD ("what_cannot_be_planned_says_why", NULL, test_what_cannot_be_planned_says_why);
  ADD ("a_bridge_is_chosen_where_there_is_one", NULL, test_a_bridge_is_chosen_where_there_is_one);
  ADD ("a_wrong_network_is_marked", NULL, test_a_wrong_network_is_marked);
#undef ADD

  return g_test_run ();
}
