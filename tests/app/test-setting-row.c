/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <hr-labels.h>

#include "headroom-input-popover.h"
#include "headroom-inputs-row.h"
#include "headroom-mode-page.h"
#include "headroom-modules-row.h"
#include "headroom-setting-row.h"
#include "headroom-test.h"

/* The rows of a page that stand for settings, by the name of the setting. */
static void
collect_rows (GtkWidget  *widget,
              GHashTable *rows)
{
  if (ADW_IS_PREFERENCES_ROW (widget) && g_strcmp0 (gtk_widget_get_name (widget), G_OBJECT_TYPE_NAME (widget)) != 0)
    g_hash_table_add (rows, (gpointer) gtk_widget_get_name (widget));

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    collect_rows (child, rows);
}

static void
test_a_page_has_a_row_for_each_setting (gconstpointer data)
{
  g_autoptr (HrJob) job = hr_job_new (GPOINTER_TO_INT (data));
  GtkWidget *page = g_object_ref_sink (headroom_mode_page_new (job));
  g_autoptr (GHashTable) rows = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  collect_rows (page, rows);

  for (guint i = 0; i < n_settings; i++)
    g_assert_true (g_hash_table_contains (rows, settings[i]->name));

  g_assert_finalize_object (page);
}

static void
test_a_row_says_what_the_setting_is (gconstpointer data)
{
  g_autoptr (HrJob) job = hr_job_new (GPOINTER_TO_INT (data));
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      GtkWidget *row = g_object_ref_sink (headroom_setting_row_new (job, settings[i]));

      g_assert_cmpstr (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row)), ==,
                       hr_setting_get_label (settings[i]));
      g_assert_cmpstr (gtk_widget_get_tooltip_text (row), ==, hr_setting_get_description (settings[i]));
      g_assert_finalize_object (row);
    }
}

static GtkWidget *
row_new (HrJob      *job,
         const char *setting)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (job), setting);

  return g_object_ref_sink (headroom_setting_row_new (job, pspec));
}

static void
test_a_count_is_bound_both_ways (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  GtkWidget *row = row_new (job, "batch-size");
  GtkSpinButton *spin = GTK_SPIN_BUTTON (headroom_test_find (row, GTK_TYPE_SPIN_BUTTON, NULL));
  guint64 batch_size;

  g_object_set (job, "batch-size", (guint64) 5, NULL);
  g_assert_cmpfloat (gtk_spin_button_get_value (spin), ==, 5);

  gtk_spin_button_set_value (spin, 9);
  g_object_get (job, "batch-size", &batch_size, NULL);
  g_assert_cmpuint (batch_size, ==, 9);

  g_assert_finalize_object (row);
}

static void
test_shares_of_gpus_are_typed (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  GtkWidget *row = row_new (job, "tensor-split");
  GtkWidget *entry = headroom_test_find (row, GTK_TYPE_ENTRY, NULL);
  g_autofree char *shares = NULL;

  g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (entry)), ==, "");
  g_object_set (job, "tensor-split", "3,1", NULL);
  g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (entry)), ==, "3,1");
  gtk_editable_set_text (GTK_EDITABLE (entry), "");
  g_signal_emit_by_name (entry, "activate");
  g_object_get (job, "tensor-split", &shares, NULL);
  g_assert_cmpstr (shares, ==, "even");

  g_assert_finalize_object (row);
}

static void
test_a_length_can_be_typed_with_its_unit (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  GtkWidget *row = row_new (job, "prompt-length");
  GtkSpinButton *spin = GTK_SPIN_BUTTON (headroom_test_find (row, GTK_TYPE_SPIN_BUTTON, NULL));
  guint64 length;

  gtk_editable_set_text (GTK_EDITABLE (spin), "32k");
  gtk_spin_button_update (spin);
  g_object_get (job, "prompt-length", &length, NULL);
  g_assert_cmpuint (length, ==, 32768);
  g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (spin)), ==, "32768");

  gtk_editable_set_text (GTK_EDITABLE (spin), "many");
  gtk_spin_button_update (spin);
  g_object_get (job, "prompt-length", &length, NULL);
  g_assert_cmpuint (length, ==, 32768);

  g_assert_finalize_object (row);
}

static void
type (GtkSpinButton *spin,
      const char    *text)
{
  gtk_editable_set_text (GTK_EDITABLE (spin), text);
  gtk_spin_button_update (spin);
}

/* A number that the program takes by itself is a word, which can be typed as well; so is nothing at all. */
static void
test_a_number_can_be_left_to_the_program (gconstpointer data)
{
  const char *setting = data;
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  GtkWidget *row = row_new (job, setting);
  GtkSpinButton *spin = GTK_SPIN_BUTTON (headroom_test_find (row, GTK_TYPE_SPIN_BUTTON, NULL));
  const char *label = hr_setting_get_open_label (g_object_class_find_property (G_OBJECT_GET_CLASS (job), setting));
  g_autofree char *lower = g_utf8_strdown (label, -1);
  const char * const words[] = { label, lower, "", "0" };

  g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (spin)), ==, label);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autofree char *set = NULL;
      g_autofree char *left = NULL;

      type (spin, "4");
      set = hr_job_get_as_string (job, setting);
      g_assert_cmpstr (set, ==, "4");

      type (spin, words[i]);
      left = hr_job_get_as_string (job, setting);
      g_assert_cmpstr (left, ==, "0");
      g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (spin)), ==, label);
    }

  g_assert_finalize_object (row);
}

static void
test_a_choice_is_bound_both_ways (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  GtkWidget *row = row_new (job, "dtype");
  HrDtype dtype;
  guint selected;

  g_object_set (job, "dtype", HR_DTYPE_FLOAT16, NULL);
  g_object_get (row, "selected", &selected, NULL);
  g_assert_cmpuint (selected, ==, HR_DTYPE_FLOAT16);

  g_object_set (row, "selected", 2, NULL);
  g_object_get (job, "dtype", &dtype, NULL);
  g_assert_cmpint (dtype, ==, HR_DTYPE_FLOAT32);

  g_assert_finalize_object (row);
}

static void
test_a_switch_is_bound_both_ways (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  GtkWidget *row = row_new (job, "use-cache");
  GtkSwitch *toggle = GTK_SWITCH (headroom_test_find (row, GTK_TYPE_SWITCH, NULL));
  gboolean use_cache;

  g_assert_true (gtk_switch_get_active (toggle));
  g_object_set (job, "use-cache", FALSE, NULL);
  g_assert_false (gtk_switch_get_active (toggle));

  gtk_switch_set_active (toggle, TRUE);
  g_object_get (job, "use-cache", &use_cache, NULL);
  g_assert_true (use_cache);

  g_assert_finalize_object (row);
}

static void
test_a_row_shows_and_undoes_what_differs_from_the_default (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      GtkWidget *row = g_object_ref_sink (headroom_setting_row_new (job, settings[i]));
      GtkWidget *reset = headroom_test_find (row, GTK_TYPE_BUTTON, "reset");
      g_auto (GValue) value = G_VALUE_INIT;

      g_assert_nonnull (reset);
      g_assert_false (gtk_widget_get_visible (reset));

      g_object_get_property (G_OBJECT (job), settings[i]->name, &value);
      if (G_VALUE_HOLDS_UINT64 (&value))
        g_value_set_uint64 (&value, g_value_get_uint64 (&value) + 1);
      else if (G_VALUE_HOLDS_BOOLEAN (&value))
        g_value_set_boolean (&value, !g_value_get_boolean (&value));
      else if (G_VALUE_HOLDS_DOUBLE (&value))
        g_value_set_double (&value, g_value_get_double (&value) / 2);
      else if (G_VALUE_HOLDS_STRING (&value))
        g_value_set_static_string (&value, "3,1");
      else
        g_value_set_enum (&value, G_PARAM_SPEC_ENUM (settings[i])->enum_class->maximum);

      if (!g_param_value_defaults (settings[i], &value))
        {
          g_object_set_property (G_OBJECT (job), settings[i]->name, &value);
          g_assert_true (gtk_widget_get_visible (reset));

          g_signal_emit_by_name (reset, "clicked");
          g_object_get_property (G_OBJECT (job), settings[i]->name, &value);
          g_assert_true (g_param_value_defaults (settings[i], &value));
          g_assert_false (gtk_widget_get_visible (reset));
        }

      g_assert_finalize_object (row);
    }
}

static void
test_controls_are_named_after_their_rows (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  GtkWidget *count = row_new (job, "batch-size");
  GtkWidget *toggle = row_new (job, "use-cache");

  gtk_test_accessible_assert_role (headroom_test_find (count, GTK_TYPE_SPIN_BUTTON, NULL),
                                   GTK_ACCESSIBLE_ROLE_SPIN_BUTTON);
  g_assert_true (gtk_test_accessible_has_relation (GTK_ACCESSIBLE (headroom_test_find (count, GTK_TYPE_SPIN_BUTTON,
                                                                                          NULL)),
                                                   GTK_ACCESSIBLE_RELATION_LABELLED_BY));
  g_assert_true (gtk_test_accessible_has_relation (GTK_ACCESSIBLE (headroom_test_find (toggle, GTK_TYPE_SWITCH, NULL)),
                                                   GTK_ACCESSIBLE_RELATION_LABELLED_BY));

  g_assert_finalize_object (count);
  g_assert_finalize_object (toggle);
}

static void
test_rows_of_other_methods_are_not_there (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  GtkWidget *page = g_object_ref_sink (headroom_mode_page_new (job));
  GtkWidget *rank = headroom_test_find (page, GTK_TYPE_WIDGET, "lora-rank");
  GtkWidget *layers = headroom_test_find (page, GTK_TYPE_WIDGET, "trained-layers");
  GtkWidget *batch = headroom_test_find (page, GTK_TYPE_WIDGET, "micro-batch-size");

  g_object_set (job, "fine-tuning-method", HR_FINE_TUNING_METHOD_LORA, NULL);
  g_assert_true (gtk_widget_get_visible (rank));
  g_assert_false (gtk_widget_get_visible (layers));

  g_object_set (job, "fine-tuning-method", HR_FINE_TUNING_METHOD_FREEZE, NULL);
  g_assert_false (gtk_widget_get_visible (rank));
  g_assert_true (gtk_widget_get_visible (layers));
  g_assert_true (gtk_widget_get_visible (batch));

  g_assert_finalize_object (page);
}

static void
test_a_row_without_effect_says_why (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_TRAINING);
  GtkWidget *page = g_object_ref_sink (headroom_mode_page_new (job));
  GtkWidget *row = headroom_test_find (page, GTK_TYPE_WIDGET, "reentrant-checkpointing");

  g_assert_false (gtk_widget_get_sensitive (row));
  g_assert_cmpstr (adw_action_row_get_subtitle (ADW_ACTION_ROW (row)), !=, "");

  g_object_set (job, "gradient-checkpointing", HR_GRADIENT_CHECKPOINTING_FULL, NULL);
  g_assert_true (gtk_widget_get_sensitive (row));
  g_assert_cmpstr (adw_action_row_get_subtitle (ADW_ACTION_ROW (row)), ==, "");

  g_assert_finalize_object (page);
}

static void
check_targets (HrJob      *job,
               const char *expected)
{
  g_autofree char *targets = NULL;

  g_object_get (job, "lora-targets", &targets, NULL);
  g_assert_cmpstr (targets, ==, expected);
}

static void
test_modules_are_typed_or_chosen (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-7B-Instruct", NULL);
  GtkWidget *row = row_new (job, "lora-targets");
  GtkEditable *entry = GTK_EDITABLE (headroom_test_find (row, GTK_TYPE_ENTRY, NULL));
  GtkCheckButton *query, *down, *all;

  headroom_modules_row_set_model (HEADROOM_MODULES_ROW (row), model);
  query = GTK_CHECK_BUTTON (headroom_test_find (row, GTK_TYPE_CHECK_BUTTON, "q_proj"));
  down = GTK_CHECK_BUTTON (headroom_test_find (row, GTK_TYPE_CHECK_BUTTON, "down_proj"));
  all = GTK_CHECK_BUTTON (headroom_test_find (row, GTK_TYPE_CHECK_BUTTON, "all-linear"));
  g_assert_null (headroom_test_find (row, GTK_TYPE_CHECK_BUTTON, "lm_head"));

  gtk_check_button_set_active (down, TRUE);
  gtk_check_button_set_active (query, TRUE);
  check_targets (job, "q_proj,down_proj");
  g_assert_cmpstr (gtk_editable_get_text (entry), ==, "q_proj,down_proj");

  gtk_check_button_set_active (all, TRUE);
  check_targets (job, "all-linear");
  g_assert_false (gtk_check_button_get_active (query));

  gtk_editable_set_text (entry, "q_proj, v_proj");
  check_targets (job, "all-linear");
  g_signal_emit_by_name (entry, "activate");
  check_targets (job, "q_proj,v_proj");
  g_assert_true (gtk_check_button_get_active (query));

  gtk_check_button_set_active (query, FALSE);
  gtk_check_button_set_active (GTK_CHECK_BUTTON (headroom_test_find (row, GTK_TYPE_CHECK_BUTTON, "v_proj")), FALSE);
  check_targets (job, "auto");
  g_assert_cmpstr (gtk_editable_get_text (entry), ==, "");

  gtk_editable_set_text (entry, "all-linear");
  g_signal_emit_by_name (entry, "activate");
  check_targets (job, "all-linear");
  gtk_editable_set_text (entry, " ");
  g_signal_emit_by_name (entry, "activate");
  check_targets (job, "auto");

  g_assert_finalize_object (row);
}

static void
test_copies_are_trained_of_what_is_around_the_layers (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-7B-Instruct", NULL);
  GtkWidget *row = row_new (job, "modules-to-save");
  GtkEditable *entry = GTK_EDITABLE (headroom_test_find (row, GTK_TYPE_ENTRY, NULL));
  GtkCheckButton *head;
  g_autofree char *names = NULL;
  g_autofree char *none = NULL;

  headroom_modules_row_set_model (HEADROOM_MODULES_ROW (row), model);
  g_assert_null (headroom_test_find (row, GTK_TYPE_CHECK_BUTTON, "q_proj"));
  g_assert_cmpstr (gtk_editable_get_text (entry), ==, "");
  head = GTK_CHECK_BUTTON (headroom_test_find (row, GTK_TYPE_CHECK_BUTTON, "lm_head"));
  gtk_check_button_set_active (head, TRUE);
  g_object_get (job, "modules-to-save", &names, NULL);
  g_assert_cmpstr (names, ==, "lm_head");
  gtk_check_button_set_active (GTK_CHECK_BUTTON (headroom_test_find (row, GTK_TYPE_CHECK_BUTTON, "none")), TRUE);
  g_object_get (job, "modules-to-save", &none, NULL);
  g_assert_cmpstr (none, ==, "none");
  g_assert_cmpstr (gtk_editable_get_text (entry), ==, "");

  g_assert_finalize_object (row);
}

/* The widgets of a type below another, in the order in which they stand. */
static void
collect (GtkWidget *widget,
         GType      type,
         GPtrArray *found)
{
  if (g_type_is_a (G_OBJECT_TYPE (widget), type))
    g_ptr_array_add (found, widget);

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    collect (child, type, found);
}

static gboolean
has_text (GtkWidget  *widget,
          const char *text)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new ();

  collect (widget, GTK_TYPE_LABEL, labels);
  for (guint i = 0; i < labels->len; i++)
    {
      if (strstr (gtk_label_get_label (g_ptr_array_index (labels, i)), text) != NULL)
        return TRUE;
    }

  return FALSE;
}

/* A video of the same size is not one. */
static gboolean
has_image (GtkWidget *widget,
           guint64    width,
           guint64    height)
{
  const HrMedium medium = { .kind = HR_MEDIUM_IMAGE, .width = width, .height = height };
  g_autofree char *text = hr_medium_dup_label (&medium);

  return has_text (widget, text);
}

/* The buttons that remove an input, whose icon says so. */
static GtkWidget *
find_remove (GtkWidget *row,
             guint      index)
{
  g_autoptr (GPtrArray) buttons = g_ptr_array_new ();
  guint n = 0;

  collect (row, GTK_TYPE_BUTTON, buttons);
  for (guint i = 0; i < buttons->len; i++)
    {
      GtkButton *button = g_ptr_array_index (buttons, i);

      if (g_strcmp0 (gtk_button_get_icon_name (button), "user-trash-symbolic") == 0 && n++ == index)
        return GTK_WIDGET (button);
    }

  return NULL;
}

static void
test_inputs_are_added_and_removed (gconstpointer data)
{
  g_autoptr (HrJob) job = hr_job_new (GPOINTER_TO_INT (data));
  GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), "further-inputs");
  g_autoptr (GPtrArray) popovers = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-VL-7B-Instruct", &error);
  GtkWidget *row = g_object_ref_sink (headroom_setting_row_new (job, setting));
  g_autofree char *value = NULL;

  g_assert_no_error (error);
  g_object_set (job, "images", G_GUINT64_CONSTANT (1), NULL);
  headroom_inputs_row_set_model (HEADROOM_INPUTS_ROW (row), model);
  g_assert_true (has_image (row, 1024, 1024));
  g_assert_true (has_text (row, "1,369"));
  g_assert_null (find_remove (row, 0));

  collect (row, HEADROOM_TYPE_INPUT_POPOVER, popovers);
  g_assert_cmpuint (popovers->len, ==, 1);
  g_signal_emit_by_name (g_ptr_array_index (popovers, 0), "added", "image-640x480");
  g_signal_emit_by_name (g_ptr_array_index (popovers, 0), "added", "video-10-2-640x480");
  g_object_get (job, "further-inputs", &value, NULL);
  g_assert_cmpstr (value, ==, "image-640x480,video-10-2-640x480");
  g_assert_true (has_image (row, 640, 480));
  g_assert_true (has_text (row, "391"));

  g_signal_emit_by_name (find_remove (row, 0), "clicked");
  g_free (g_steal_pointer (&value));
  g_object_get (job, "further-inputs", &value, NULL);
  g_assert_cmpstr (value, ==, "video-10-2-640x480");
  g_assert_false (has_image (row, 640, 480));

  g_signal_emit_by_name (find_remove (row, 0), "clicked");
  g_free (g_steal_pointer (&value));
  g_object_get (job, "further-inputs", &value, NULL);
  g_assert_cmpstr (value, ==, "none");
  g_assert_null (find_remove (row, 0));

  g_assert_finalize_object (row);
}

static void
remember (GPtrArray  *texts,
          const char *text)
{
  g_ptr_array_add (texts, g_strdup (text));
}

/* What is asked for an image, a sound or a video comes as the setting has it. */
static void
test_an_input_is_asked_for (void)
{
  GtkWidget *popover = g_object_ref_sink (headroom_input_popover_new ());
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autoptr (GPtrArray) buttons = g_ptr_array_new ();
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  GtkWidget *add = NULL;

  g_signal_connect_swapped (popover, "added", G_CALLBACK (remember), texts);
  collect (popover, GTK_TYPE_DROP_DOWN, found);
  collect (popover, GTK_TYPE_BUTTON, buttons);
  for (guint i = 0; i < buttons->len; i++)
    {
      if (gtk_widget_has_css_class (g_ptr_array_index (buttons, i), "suggested-action"))
        add = g_ptr_array_index (buttons, i);
    }
  g_assert_nonnull (add);
  for (guint i = 0; i < 3; i++)
    {
      gtk_drop_down_set_selected (g_ptr_array_index (found, 0), i);
      g_signal_emit_by_name (add, "clicked");
    }
  g_assert_cmpuint (texts->len, ==, 3);
  g_assert_cmpstr (g_ptr_array_index (texts, 0), ==, "image-1024x1024");
  g_assert_cmpstr (g_ptr_array_index (texts, 1), ==, "audio-30");
  g_assert_cmpstr (g_ptr_array_index (texts, 2), ==, "video-30-2-1024x1024");

  g_assert_finalize_object (popover);
}

int
main (int   argc,
      char *argv[])
{
  static const HrMode modes[] = {
    HR_MODE_INFERENCE, HR_MODE_FINE_TUNING, HR_MODE_TRAINING, HR_MODE_GRPO, HR_MODE_MULTIMODAL,
  };

  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *rows = g_strconcat ("/app/setting_row/a_page_has_a_row_for_each_setting/",
                                           hr_mode_get_name (modes[i]), NULL);
      g_autofree char *texts = g_strconcat ("/app/setting_row/a_row_says_what_the_setting_is/",
                                            hr_mode_get_name (modes[i]), NULL);

      g_test_add_data_func (rows, GINT_TO_POINTER (modes[i]), test_a_page_has_a_row_for_each_setting);
      g_test_add_data_func (texts, GINT_TO_POINTER (modes[i]), test_a_row_says_what_the_setting_is);
    }
  g_test_add_func ("/app/setting_row/rows_of_other_methods_are_not_there", test_rows_of_other_methods_are_not_there);
  g_test_add_func ("/app/setting_row/a_row_without_effect_says_why", test_a_row_without_effect_says_why);
  g_test_add_data_func ("/app/setting_row/inputs_are_added_and_removed", GINT_TO_POINTER (HR_MODE_MULTIMODAL),
                        test_inputs_are_added_and_removed);
  g_test_add_data_func ("/app/setting_row/images_of_prompts_are_added_and_removed", GINT_TO_POINTER (HR_MODE_GRPO),
                        test_inputs_are_added_and_removed);
  g_test_add_func ("/app/setting_row/an_input_is_asked_for", test_an_input_is_asked_for);
  g_test_add_func ("/app/setting_row/modules_are_typed_or_chosen", test_modules_are_typed_or_chosen);
  g_test_add_func ("/app/setting_row/copies_are_trained_of_what_is_around_the_layers",
                   test_copies_are_trained_of_what_is_around_the_layers);
  g_test_add_func ("/app/setting_row/a_count_is_bound_both_ways", test_a_count_is_bound_both_ways);
  g_test_add_func ("/app/setting_row/shares_of_gpus_are_typed", test_shares_of_gpus_are_typed);
  g_test_add_func ("/app/setting_row/a_length_can_be_typed_with_its_unit", test_a_length_can_be_typed_with_its_unit);
  g_test_add_data_func ("/app/setting_row/a_count_can_be_left_to_the_program", "max-num-seqs",
                        test_a_number_can_be_left_to_the_program);
  g_test_add_data_func ("/app/setting_row/a_number_can_be_left_to_the_program", "kv-cache-memory",
                        test_a_number_can_be_left_to_the_program);
  g_test_add_func ("/app/setting_row/a_choice_is_bound_both_ways", test_a_choice_is_bound_both_ways);
  g_test_add_func ("/app/setting_row/a_switch_is_bound_both_ways", test_a_switch_is_bound_both_ways);
  g_test_add_func ("/app/setting_row/a_row_shows_and_undoes_what_differs_from_the_default",
                   test_a_row_shows_and_undoes_what_differs_from_the_default);
  g_test_add_func ("/app/setting_row/controls_are_named_after_their_rows", test_controls_are_named_after_their_rows);

  return g_test_run ();
}
