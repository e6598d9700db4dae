/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <string.h>

#include "headroom-anatomy-comparison.h"
#include "headroom-anatomy-item.h"
#include "headroom-anatomy-list.h"
#include "headroom-anatomy-overview.h"
#include "headroom-anatomy-window.h"
#include "headroom-pie-chart.h"
#include "headroom-tensor-item.h"
#include "headroom-tensor-list.h"
#include "headroom-test.h"

typedef struct
{
  HeadroomSession *session;
  GtkWidget *window;
} Fixture;

static void
open_window (Fixture    *fixture,
             const char *id,
             int         width)
{
  g_autoptr (GError) error = NULL;

  fixture->session = headroom_session_new ();
  g_assert_true (headroom_session_choose_model (fixture->session, id, &error));
  g_assert_no_error (error);

  fixture->window = headroom_anatomy_window_new (fixture->session);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), width, 700);
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (fixture->window);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  id)
{
  open_window (fixture, id, 920);
}

static void
set_up_narrow (Fixture       *fixture,
               gconstpointer  id)
{
  open_window (fixture, id, 360);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  id)
{
  headroom_test_close (fixture->window);
  g_assert_finalize_object (fixture->session);
}

static gpointer
show (Fixture    *fixture,
      const char *page,
      GType       type,
      const char *name)
{
  GtkWidget *found;

  headroom_anatomy_window_show_page (HEADROOM_ANATOMY_WINDOW (fixture->window), page);
  found = headroom_test_find (fixture->window, type, name);
  g_assert_nonnull (found);
  HEADROOM_TEST_WAIT_FOR (gtk_widget_get_mapped (found));

  return found;
}

/* Whether a label on the screen has @text in it, whatever the language around it is. */
static gboolean
shows (GtkWidget  *widget,
       const char *text)
{
  if (!gtk_widget_get_mapped (widget))
    return FALSE;
  if (GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), text) != NULL)
    return TRUE;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (shows (child, text))
        return TRUE;
    }

  return FALSE;
}

/* The line whose formula or name this is. */
static HeadroomAnatomyItem *
find_item (HeadroomAnatomyList *list,
           const char          *label)
{
  GListModel *items = headroom_anatomy_list_get_items (list);

  for (guint i = 0; i < g_list_model_get_n_items (items); i++)
    {
      g_autoptr (HeadroomAnatomyItem) item = g_list_model_get_item (items, i);

      if (g_strcmp0 (item->label, label) == 0 || g_strcmp0 (item->formula, label) == 0)
        return item;
    }

  g_error ("There is no line “%s”", label);
}

static void
test_overview (Fixture       *fixture,
               gconstpointer  id)
{
  HeadroomAnatomyOverview *overview = show (fixture, "overview", HEADROOM_TYPE_ANATOMY_OVERVIEW, NULL);
  HeadroomPieChart *pie = HEADROOM_PIE_CHART (headroom_test_find (fixture->window, HEADROOM_TYPE_PIE_CHART, NULL));

  g_assert_cmpstr (hr_chart_data_get_total_text (headroom_chart_get_data (HEADROOM_CHART (pie))), ==, "494\u00a0M");
  g_assert_true (headroom_test_is_shown (fixture->window, "494,032,768"));

  /* Attention comes second, and what is said follows what is selected. */
  headroom_chart_set_selected (HEADROOM_CHART (pie), 1);
  g_assert_cmpint (headroom_anatomy_overview_get_selected (overview), ==, 1);
  g_assert_true (shows (fixture->window, "44,067,840"));
  g_assert_true (shows (fixture->window, "84.1\u00a0MiB"));
}

static void
test_sizes_follow_the_session (Fixture       *fixture,
                               gconstpointer  id)
{
  show (fixture, "overview", HEADROOM_TYPE_ANATOMY_OVERVIEW, NULL);
  g_assert_true (headroom_test_is_shown (fixture->window, "942.3\u00a0MiB"));

  g_object_set (headroom_session_get_job (fixture->session), "dtype", HR_DTYPE_FLOAT32, NULL);
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (fixture->window, "1.84\u00a0GiB"));
}

static void
test_tensors (Fixture       *fixture,
              gconstpointer  id)
{
  HeadroomTensorList *list = show (fixture, "tensors", HEADROOM_TYPE_TENSOR_LIST, NULL);
  GListModel *rows = headroom_tensor_list_get_rows (list);
  g_autoptr (HeadroomTensorItem) first = NULL;
  g_autofree char *sum = NULL;

  HEADROOM_TEST_WAIT_FOR (g_list_model_get_n_items (rows) == 291);
  headroom_tensor_list_set_text (list, "k_proj.weight");
  g_assert_cmpuint (g_list_model_get_n_items (rows), ==, 24);
  sum = headroom_tensor_list_dup_sum (list);
  g_assert_nonnull (strstr (sum, "24"));
  g_assert_nonnull (strstr (sum, "2,752,512"));
  g_assert_nonnull (strstr (sum, "5.25\u00a0MiB"));

  headroom_tensor_list_set_part (list, HR_PART_NORM);
  g_assert_cmpuint (g_list_model_get_n_items (rows), ==, 0);
  headroom_tensor_list_set_text (list, "");
  g_assert_cmpuint (g_list_model_get_n_items (rows), ==, 49);

  /* The head shares the matrix of the embedding, and counts nothing. */
  headroom_tensor_list_set_part (list, HR_N_PARTS);
  headroom_tensor_list_set_text (list, "lm_head");
  first = g_list_model_get_item (rows, 0);
  g_assert_cmpstr (headroom_tensor_item_get_tied_to (first), ==, "model.embed_tokens.weight");
  g_assert_cmpuint (headroom_tensor_item_get_bytes (first), ==, 0);
}

static void
test_tensors_are_sorted (Fixture       *fixture,
                         gconstpointer  id)
{
  HeadroomTensorList *list = show (fixture, "tensors", HEADROOM_TYPE_TENSOR_LIST, NULL);
  GtkColumnView *view = GTK_COLUMN_VIEW (headroom_test_find (GTK_WIDGET (list), GTK_TYPE_COLUMN_VIEW, NULL));
  GListModel *columns = gtk_column_view_get_columns (view);
  GListModel *rows = headroom_tensor_list_get_rows (list);
  g_autoptr (GtkColumnViewColumn) parameters = g_list_model_get_item (columns, 4);
  g_autoptr (HeadroomTensorItem) first = NULL;

  headroom_tensor_list_set_text (list, "layers.3.");
  gtk_column_view_sort_by_column (view, parameters, GTK_SORT_DESCENDING);
  HEADROOM_TEST_WAIT_FOR (gtk_sort_list_model_get_pending (GTK_SORT_LIST_MODEL (rows)) == 0);
  first = g_list_model_get_item (rows, 0);
  g_assert_cmpstr (headroom_tensor_item_get_name (first), ==, "model.layers.3.mlp.gate_proj.weight");
}

static void
test_a_hundred_thousand_tensors (Fixture       *fixture,
                                 gconstpointer  id)
{
  HeadroomTensorList *list;
  gint64 start = g_get_monotonic_time ();

  list = show (fixture, "tensors", HEADROOM_TYPE_TENSOR_LIST, NULL);
  headroom_tensor_list_set_text (list, "experts.383.down_proj");
  g_assert_cmpuint (g_list_model_get_n_items (headroom_tensor_list_get_rows (list)), ==, 60);
  /* Generous, for sanitizers and slow machines: it takes a quarter of a second. */
  g_assert_cmpint (g_get_monotonic_time () - start, <, 8 * G_USEC_PER_SEC);
}

static void
test_formulas (Fixture       *fixture,
               gconstpointer  id)
{
  HeadroomAnatomyList *list = show (fixture, "formulas", HEADROOM_TYPE_ANATOMY_LIST, "formulas");

  g_assert_cmpstr (find_item (list, "L × e × 2 × K × d = 24 × 512")->values[0], ==, "12.0\u00a0KiB");
  g_assert_cmpstr (find_item (list, "V × h = 151,936 × 896")->values[1], ==, "136,134,656");
}

static void
test_layers_leave_out_what_repeats (Fixture       *fixture,
                                    gconstpointer  id)
{
  HeadroomAnatomyList *list = show (fixture, "layers", HEADROOM_TYPE_ANATOMY_LIST, "layers");
  g_autoptr (HeadroomAnatomyItem) titles = g_list_model_get_item (headroom_anatomy_list_get_items (list), 1);

  /* Of a dense model all parameters are active. */
  g_assert_cmpint (titles->kind, ==, HEADROOM_ANATOMY_ITEM_COLUMNS);
  g_assert_cmpuint (titles->n_values, ==, 3);
  g_assert_cmpstr (titles->titles[1], ==, _("Parameters of a layer"));
  g_assert_cmpstr (titles->titles[2], ==, _("Size"));
}

static void
test_numbers_go_below_in_a_narrow_window (Fixture       *fixture,
                                          gconstpointer  id)
{
  HeadroomAnatomyList *list = show (fixture, "layers", HEADROOM_TYPE_ANATOMY_LIST, "layers");

  g_assert_cmpint (gtk_widget_get_width (fixture->window), <=, 360);
  /* The title of a column stands beside each number then. */
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (GTK_WIDGET (list), _("Parameters of a layer")));
}

static void
test_comparison (Fixture       *fixture,
                 gconstpointer  id)
{
  g_autoptr (HrModel) other = hr_model_new_from_id ("mistralai/Mixtral-8x7B-Instruct-v0.1", NULL);
  HeadroomAnatomyComparison *comparison;
  HeadroomAnatomyList *list;
  HeadroomAnatomyItem *item;

  headroom_anatomy_window_compare (HEADROOM_ANATOMY_WINDOW (fixture->window), other);
  comparison = show (fixture, "comparison", HEADROOM_TYPE_ANATOMY_COMPARISON, NULL);
  g_assert_true (hr_anatomy_get_model (headroom_anatomy_comparison_get_other (comparison)) == other);

  list = HEADROOM_ANATOMY_LIST (headroom_test_find (GTK_WIDGET (comparison), HEADROOM_TYPE_ANATOMY_LIST, NULL));
  item = find_item (list, _("Parameters"));
  g_assert_cmpstr (item->values[0], ==, "494,032,768");
  g_assert_cmpstr (item->values[1], ==, "46,702,792,704");
  g_assert_cmpstr (item->values[2], ==, "+46,208,759,936");
}

int
main (int   argc,
      char *argv[])
{
  static const char qwen[] = "Qwen/Qwen2.5-0.5B-Instruct";

  if (!headroom_test_init_display (&argc, &argv))
    return 0;

#define ADD(name, model, function) g_test_add ("/app/anatomy/" name, Fixture, model, set_up, function, tear_down)

  ADD ("the_overview_tells_of_the_selected_part", qwen, test_overview);
  ADD ("sizes_follow_the_session", qwen, test_sizes_follow_the_session);
  ADD ("tensors_are_searched_by_name_and_part", qwen, test_tensors);
  ADD ("tensors_are_sorted", qwen, test_tensors_are_sorted);
  ADD ("many_tensors_are_searched_at_once", "moonshotai/Kimi-K2-Instruct", test_a_hundred_thousand_tensors);
  ADD ("formulas_have_their_numbers", qwen, test_formulas);
  ADD ("layers_leave_out_what_repeats", qwen, test_layers_leave_out_what_repeats);
  g_test_add ("/app/anatomy/numbers_go_below_in_a_narrow_window", Fixture, qwen, set_up_narrow,
              test_numbers_go_below_in_a_narrow_window, tear_down);
  ADD ("two_models_stand_side_by_side", qwen, test_comparison);

#undef ADD

  return g_test_run ();
}
