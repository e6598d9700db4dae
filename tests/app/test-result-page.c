/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "headroom-capacity-bar.h"
#include "headroom-comparison.h"
#include "headroom-component-table.h"
#include "headroom-compute-view.h"
#include "headroom-explanation.h"
#include "headroom-machine.h"
#include "headroom-measurement.h"
#include "headroom-legend.h"
#include "headroom-phase-list.h"
#include "headroom-pie-chart.h"
#include "headroom-rank-list.h"
#include "headroom-rank-row.h"
#include "headroom-result-page.h"
#include "headroom-test.h"
#include "hr-article-reason.h"
#include "hr-compute-text.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"
#include "hr-labels.h"
#include "hr-report-calibration.h"
#include "hr-report.h"

typedef struct
{
  HrModel *model;
  HrJob *job;
  HrGpu *gpu;
  HrEstimate *estimate;
  GtkWidget *window;
  GtkWidget *page;
} Fixture;

static HrEstimate *
estimate (Fixture *fixture)
{
  g_autoptr(GError) error = NULL;
  HrEstimate *result = hr_estimator_run (fixture->model, fixture->job, fixture->gpu, 1, &error);

  g_assert_no_error (error);

  return result;
}

static void
show (Fixture *fixture,
      int      width)
{
  if (fixture->window != NULL)
    {
      gtk_window_set_child (GTK_WINDOW (fixture->window), NULL);
      gtk_window_destroy (GTK_WINDOW (fixture->window));
    }

  fixture->window = gtk_window_new ();
  gtk_window_set_child (GTK_WINDOW (fixture->window), fixture->page);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), width, 600);
  gtk_widget_show (fixture->window);
  HEADROOM_TEST_WAIT_FOR (gtk_widget_get_mapped (adw_bin_get_child (ADW_BIN (fixture->page))));
  headroom_test_settle ();
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr(GFile) file = headroom_test_write_config ("config.json");
  g_autoptr(GError) error = NULL;

  fixture->model = hr_model_new_from_file (file, &error);
  g_assert_no_error (error);
  fixture->gpu = hr_gpu_catalogue_lookup (data, &error);
  g_assert_no_error (error);
  fixture->job = HR_JOB (hr_inference_job_new ());
  fixture->estimate = estimate (fixture);

  fixture->page = g_object_ref_sink (headroom_result_page_new ());
  g_object_set (fixture->page,
                "job", fixture->job,
                "gpu", fixture->gpu,
                "estimate", fixture->estimate,
                NULL);
  show (fixture, 1000);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_assert_finalize_object (fixture->page);
  g_object_unref (fixture->estimate);
  g_object_unref (fixture->model);
  g_object_unref (fixture->job);
  g_clear_object (&fixture->gpu);
}

static gpointer
find (Fixture *fixture,
      GType    type)
{
  GtkWidget *widget = headroom_test_find (fixture->page, type, NULL);

  g_assert_nonnull (widget);

  return widget;
}

static int
get_selected (gpointer widget)
{
  int selected;

  g_object_get (widget, "selected", &selected, NULL);

  return selected;
}

static char *
get_title_of_component (Fixture *fixture,
                        guint    index)
{
  g_autoptr(HrComponent) component = g_list_model_get_item (hr_estimate_get_components (fixture->estimate), index);
  g_autofree char *size = hr_format_bytes (hr_component_get_bytes (component), HR_UNIT_SYSTEM_BINARY);

  return g_strdup_printf (_("%1$s: %2$s"), hr_component_id_get_label (hr_component_get_id (component)), size);
}

static void
test_selection_is_the_same_everywhere (Fixture       *fixture,
                                       gconstpointer  data)
{
  const GType types[] = {
    HEADROOM_TYPE_PIE_CHART, HEADROOM_TYPE_CAPACITY_BAR, HEADROOM_TYPE_LEGEND, HEADROOM_TYPE_COMPONENT_TABLE,
  };
  guint n_components = g_list_model_get_n_items (hr_estimate_get_components (fixture->estimate));

  g_assert_cmpuint (n_components, >, 2);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      int selected = i % 2 + 1;
      g_autofree char *title = get_title_of_component (fixture, selected);

      g_object_set (find (fixture, types[i]), "selected", selected, NULL);

      g_assert_cmpint (get_selected (fixture->page), ==, selected);
      for (guint j = 0; j < G_N_ELEMENTS (types); j++)
        g_assert_cmpint (get_selected (find (fixture, types[j])), ==, selected);
      g_assert_true (headroom_test_is_shown (find (fixture, HEADROOM_TYPE_EXPLANATION), title));
    }
}

/* Below each figure stands that of the rule of thumb, if there is one, and what its formula gets wrong. */
static void
test_explanation_has_both_ways (Fixture       *fixture,
                                gconstpointer  data)
{
  HrEstimate *rule = hr_estimate_get_rule_of_thumb (fixture->estimate);
  GListModel *components = hr_estimate_get_components (fixture->estimate);
  GtkWidget *explanation = find (fixture, HEADROOM_TYPE_EXPLANATION);
  guint n_faults = 0;

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr(HrComponent) component = g_list_model_get_item (components, i);
      HrComponent *same = hr_estimate_find_component (rule, hr_component_get_id (component));
      g_autofree char *exact = hr_format_bytes_in_full (hr_component_get_bytes (component));
      g_autofree char *other = same != NULL ? hr_format_bytes_in_full (hr_component_get_bytes (same)) : NULL;
      g_autofree char *faults = same != NULL ? hr_component_dup_faults (same) : NULL;

      headroom_result_page_set_selected (HEADROOM_RESULT_PAGE (fixture->page), i);
      headroom_test_settle ();

      g_assert_true (headroom_test_is_shown (explanation, exact));
      g_assert_true (headroom_test_is_shown (explanation, _("What it gets wrong")) == (faults != NULL));
      if (other != NULL)
        g_assert_true (headroom_test_is_shown (explanation, other));
      if (faults != NULL)
        g_assert_true (headroom_test_is_shown (explanation, faults));
      n_faults += faults != NULL;
    }

  g_assert_cmpuint (n_faults, >, 1);
}

/* Weights and cache have steps, which are made once somebody opens them. */
static void
test_steps_are_there (Fixture       *fixture,
                      gconstpointer  data)
{
  GListModel *components = hr_estimate_get_components (fixture->estimate);
  GtkWidget *explanation = find (fixture, HEADROOM_TYPE_EXPLANATION);
  GtkExpander *steps = GTK_EXPANDER (headroom_test_find (explanation, GTK_TYPE_EXPANDER, NULL));
  guint n_with_steps = 0;

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);

      headroom_result_page_set_selected (HEADROOM_RESULT_PAGE (fixture->page), i);
      headroom_test_settle ();
      g_assert_cmpint (gtk_widget_get_visible (GTK_WIDGET (steps)), ==,
                       id == HR_COMPONENT_WEIGHTS || id == HR_COMPONENT_KV_CACHE);
      if (!gtk_widget_get_visible (GTK_WIDGET (steps)))
        continue;

      n_with_steps++;
      gtk_expander_set_expanded (steps, FALSE);
      g_assert_null (gtk_expander_get_child (steps));
      gtk_expander_set_expanded (steps, TRUE);
      headroom_test_settle ();
      g_assert_true (headroom_test_is_shown (explanation, id == HR_COMPONENT_WEIGHTS
                                                            ? _("How the Parameters Add Up")
                                                            : _("A key and a value")));
    }

  g_assert_cmpuint (n_with_steps, ==, 2);
}

/* What somebody types is set beside each figure; what is no size is answered with what one is. */
static void
test_a_measurement_is_compared (Fixture       *fixture,
                                gconstpointer  data)
{
  GtkWidget *measurement = find (fixture, HEADROOM_TYPE_MEASUREMENT);
  GtkWidget *entry = headroom_test_find (measurement, GTK_TYPE_ENTRY, NULL);
  g_autofree char *difference =
    hr_format_bytes_difference ((gint64) (hr_estimate_get_allocated_bytes (fixture->estimate) - 1024),
                                HR_UNIT_SYSTEM_BINARY);

  gtk_editable_set_text (GTK_EDITABLE (entry), "1 KiB");
  headroom_test_settle ();
  g_assert_true (headroom_test_is_shown (measurement, _("Compared With a Measurement")));
  g_assert_true (headroom_test_is_shown (measurement, difference));
  gtk_editable_set_text (GTK_EDITABLE (entry), "much");
  headroom_test_settle ();
  g_assert_false (headroom_test_is_shown (measurement, _("Compared With a Measurement")));
}

/* The lines are those of vLLM 0.8.5 with a Qwen2.5-7B. */
static void
test_a_log_is_compared (Fixture       *fixture,
                        gconstpointer  data)
{
  GtkWidget *measurement = find (fixture, HEADROOM_TYPE_MEASUREMENT);
  GtkWidget *forget = headroom_test_find (measurement, GTK_TYPE_BUTTON, "forget-log");

  g_assert_false (gtk_widget_get_visible (forget));
  headroom_measurement_read (HEADROOM_MEASUREMENT (measurement),
                             "Model loading took 14.2717 GiB and 4.991946 seconds\n"
                             "GPU KV cache size: 97,680 tokens\n"
                             "Graph capturing finished in 24 secs, took 1.44 GiB\n");
  HEADROOM_TEST_WAIT_FOR (gtk_widget_get_visible (forget));
  headroom_test_settle ();
  g_assert_true (headroom_test_is_shown (measurement, _("Compared With a Log")));
  g_assert_true (headroom_test_is_shown (measurement, "14.3\302\240GiB"));

  headroom_measurement_read (HEADROOM_MEASUREMENT (measurement), "nothing of the kind");
  HEADROOM_TEST_WAIT_FOR (!headroom_test_is_shown (measurement, _("Compared With a Log")));
  g_assert_true (gtk_widget_get_visible (forget));

  g_signal_emit_by_name (forget, "clicked");
  headroom_test_settle ();
  g_assert_false (gtk_widget_get_visible (forget));
}

/* What is kept is told below the total, in reports, and after the next start; the file is that of the test alone. */
static void
test_what_a_machine_shows_is_kept (Fixture       *fixture,
                                   gconstpointer  data)
{
  GtkWidget *measurement = find (fixture, HEADROOM_TYPE_MEASUREMENT);
  GtkWidget *entry = headroom_test_find (measurement, GTK_TYPE_ENTRY, NULL);
  GtkWidget *keep = headroom_test_find (measurement, GTK_TYPE_BUTTON, "keep-calibration");
  GtkWidget *drop = headroom_test_find (measurement, GTK_TYPE_BUTTON, "drop-calibration");
  guint64 measured = hr_estimate_get_total_bytes (fixture->estimate) + 256 * 1024 * 1024;
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT " B", measured);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("l40s", NULL);
  g_autoptr (HrReport) report = NULL;
  g_autofree char *sentence = NULL;

  g_object_set (fixture->page, "gpu", gpu, NULL);
  headroom_test_settle ();
  g_assert_false (gtk_widget_get_visible (keep));
  gtk_editable_set_text (GTK_EDITABLE (entry), text);
  headroom_test_settle ();
  g_assert_true (gtk_widget_get_visible (keep));
  g_assert_false (gtk_widget_get_visible (drop));
  g_signal_emit_by_name (keep, "clicked");
  headroom_test_settle ();

  report = hr_report_new (fixture->estimate, fixture->job, gpu, 1, HR_UNIT_SYSTEM_BINARY);
  hr_report_set_calibration (report, headroom_machine_get_calibration (NULL));
  sentence = hr_report_dup_calibrated (report);
  g_assert_nonnull (strstr (sentence, "256.0\302\240MiB"));
  g_assert_true (headroom_test_is_shown (measurement, sentence));
  g_assert_true (gtk_widget_get_visible (drop));

  g_signal_emit_by_name (drop, "clicked");
  headroom_test_settle ();
  g_assert_false (headroom_test_is_shown (measurement, sentence));
  g_assert_false (gtk_widget_get_visible (drop));
}

static void
test_selection_survives_a_new_estimate (Fixture       *fixture,
                                        gconstpointer  data)
{
  g_autoptr(HrEstimate) next = NULL;
  g_autoptr(HrComponent) component = NULL;

  headroom_result_page_set_selected (HEADROOM_RESULT_PAGE (fixture->page), 1);
  component = g_list_model_get_item (hr_estimate_get_components (fixture->estimate), 1);

  g_object_set (fixture->job, "batch-size", (guint64) 8, NULL);
  next = estimate (fixture);
  headroom_result_page_set_estimate (HEADROOM_RESULT_PAGE (fixture->page), next);
  headroom_test_settle ();

  g_autoptr(HrComponent) selected = g_list_model_get_item (hr_estimate_get_components (next),
                                                           get_selected (fixture->page));

  g_assert_cmpint (hr_component_get_id (selected), ==, hr_component_get_id (component));
}

static void
test_first_selection_is_the_largest_component (Fixture       *fixture,
                                               gconstpointer  data)
{
  GListModel *components = hr_estimate_get_components (fixture->estimate);
  g_autoptr(HrComponent) selected = g_list_model_get_item (components, get_selected (fixture->page));

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr(HrComponent) component = g_list_model_get_item (components, i);

      g_assert_cmpuint (hr_component_get_bytes (component), <=, hr_component_get_bytes (selected));
    }
}

static void
test_verdict_and_total_are_shown (Fixture       *fixture,
                                  gconstpointer  data)
{
  guint64 total = hr_estimate_get_total_bytes (fixture->estimate);
  g_autoptr(HrReport) report = hr_report_new (fixture->estimate, fixture->job, fixture->gpu, 1, HR_UNIT_SYSTEM_BINARY);
  g_autofree char *verdict = hr_report_dup_verdict (report);
  g_autofree char *total_text = hr_format_bytes (total, HR_UNIT_SYSTEM_BINARY);
  g_autofree char *decimal_text = hr_format_bytes (total, HR_UNIT_SYSTEM_DECIMAL);

  g_assert_true (headroom_test_is_shown (fixture->page, total_text));
  g_assert_true (headroom_test_is_shown (fixture->page, verdict));

  headroom_result_page_set_unit_system (HEADROOM_RESULT_PAGE (fixture->page), HR_UNIT_SYSTEM_DECIMAL);
  headroom_test_settle ();
  g_assert_true (headroom_test_is_shown (fixture->page, decimal_text));

  headroom_result_page_set_gpu (HEADROOM_RESULT_PAGE (fixture->page), NULL);
  headroom_test_settle ();
  g_assert_false (headroom_test_is_shown (fixture->page, verdict));
}

static void
test_phases_and_rule_of_thumb_are_shown (Fixture       *fixture,
                                         gconstpointer  data)
{
  HrEstimate *rule_of_thumb = hr_estimate_get_rule_of_thumb (fixture->estimate);
  g_autofree char *rule_text = hr_format_bytes (hr_estimate_get_total_bytes (rule_of_thumb), HR_UNIT_SYSTEM_BINARY);
  const HrPhase *phases;
  guint n_phases;

  g_assert_true (headroom_test_is_shown (find (fixture, HEADROOM_TYPE_COMPARISON), rule_text));

  phases = hr_estimate_get_phases (fixture->estimate, &n_phases);
  g_assert_cmpuint (n_phases, >, 1);
  for (guint i = 0; i < n_phases; i++)
    g_assert_true (headroom_test_is_shown (find (fixture, HEADROOM_TYPE_PHASE_LIST),
                                           hr_phase_id_get_label (phases[i].id)));
}

/* Times come with a GPU whose figures are known; without one there is what is computed. */
static void
test_operations_and_times_are_shown (Fixture       *fixture,
                                     gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrCompute) compute = hr_compute_new (hr_estimate_get_model (fixture->estimate), fixture->job, fixture->gpu,
                                                  1, &error);
  const HrComputePhase *phase;
  g_autofree char *operations = NULL;
  g_autofree char *time = NULL;

  g_assert_no_error (error);
  phase = hr_compute_get_phase (compute, 0);
  operations = hr_format_operations (hr_flops_get_training (&phase->total));
  time = hr_compute_phase_dup_time (phase);
  g_assert_true (headroom_test_is_shown (find (fixture, HEADROOM_TYPE_COMPUTE_VIEW), operations));
  g_assert_true (headroom_test_is_shown (find (fixture, HEADROOM_TYPE_COMPUTE_VIEW), time));

  headroom_result_page_set_gpu (HEADROOM_RESULT_PAGE (fixture->page), NULL);
  headroom_test_settle ();
  g_assert_true (headroom_test_is_shown (find (fixture, HEADROOM_TYPE_COMPUTE_VIEW), operations));
  g_assert_false (headroom_test_is_shown (find (fixture, HEADROOM_TYPE_COMPUTE_VIEW), time));
}

static void
test_charts_have_names (Fixture       *fixture,
                        gconstpointer  data)
{
  const GType types[] = { HEADROOM_TYPE_PIE_CHART, HEADROOM_TYPE_CAPACITY_BAR };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      GtkAccessible *chart = find (fixture, types[i]);

      gtk_test_accessible_assert_role (chart, GTK_ACCESSIBLE_ROLE_IMG);
      g_assert_true (gtk_test_accessible_has_property (chart, GTK_ACCESSIBLE_PROPERTY_LABEL));
      g_assert_true (gtk_test_accessible_has_property (chart, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION));
    }
}

static void
test_copy_has_every_byte (Fixture       *fixture,
                          gconstpointer  data)
{
  HeadroomComponentTable *table = find (fixture, HEADROOM_TYPE_COMPONENT_TABLE);
  GListModel *components = hr_estimate_get_components (fixture->estimate);
  g_autofree char *text = headroom_component_table_dup_text (table);
  g_auto(GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  guint64 sum = 0;

  g_assert_cmpuint (g_strv_length (lines), ==, g_list_model_get_n_items (components) + 1);
  for (guint i = 1; lines[i] != NULL; i++)
    {
      g_auto(GStrv) cells = g_strsplit (lines[i], "\t", -1);

      g_assert_cmpuint (g_strv_length (cells), ==, 4);
      sum += g_ascii_strtoull (cells[2], NULL, 10);
    }
  g_assert_cmpuint (sum, ==, hr_estimate_get_total_bytes (fixture->estimate));
}

static void
test_page_is_narrow_enough_for_a_phone (Fixture       *fixture,
                                        gconstpointer  data)
{
  int minimum;

  gtk_widget_measure (fixture->page, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  g_assert_cmpint (minimum, >, 200);
  g_assert_cmpint (minimum, <=, 330);
}

static void
test_page_draws_at_every_width (Fixture       *fixture,
                                gconstpointer  data)
{
  const int widths[] = { 360, 700, 1000, 1600 };

  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    {
      HeadroomPieChart *pie = find (fixture, HEADROOM_TYPE_PIE_CHART);
      graphene_rect_t bounds;

      show (fixture, widths[i]);

      g_assert_cmpint (gtk_widget_get_width (fixture->page), <=, widths[i]);
      g_assert_cmpint (gtk_widget_get_width (GTK_WIDGET (pie)), >=, 160);
      g_assert_true (gtk_widget_compute_bounds (GTK_WIDGET (pie), fixture->page, &bounds));
      g_assert_cmpfloat (bounds.origin.x, >=, 0);
      g_assert_cmpfloat (bounds.origin.x + bounds.size.width, <=, gtk_widget_get_width (fixture->page));
    }
}

static void
test_nothing_is_shown_without_an_estimate (Fixture       *fixture,
                                           gconstpointer  data)
{
  headroom_result_page_set_estimate (HEADROOM_RESULT_PAGE (fixture->page), NULL);
  headroom_test_settle ();

  g_assert_cmpint (get_selected (fixture->page), ==, -1);
  g_assert_false (gtk_widget_get_visible (adw_bin_get_child (ADW_BIN (fixture->page))));
}

static void
count_cb (guint *count)
{
  (*count)++;
}

static void
test_properties_notify_once (Fixture       *fixture,
                             gconstpointer  data)
{
  const char *names[] = { "estimate", "job", "gpu", "n-gpus", "unit-system" };
  HeadroomResultPage *page = HEADROOM_RESULT_PAGE (fixture->page);
  guint counts[G_N_ELEMENTS (names)] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *signal = g_strconcat ("notify::", names[i], NULL);

      g_signal_connect_swapped (page, signal, G_CALLBACK (count_cb), &counts[i]);
    }

  for (guint round = 0; round < 2; round++)
    {
      headroom_result_page_set_gpu (page, NULL);
      headroom_result_page_set_job (page, NULL);
      headroom_result_page_set_estimate (page, NULL);
      headroom_result_page_set_n_gpus (page, 4);
      headroom_result_page_set_unit_system (page, HR_UNIT_SYSTEM_DECIMAL);
    }

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpuint (counts[i], ==, 1);
}

/* As the application does. */
static void
load_style (void)
{
  g_autoptr(GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, "/io/github/headroom/Headroom/style.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (), GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

#define ADD(name, function) g_test_add ("/app/result_page/" name, Fixture, "RTX 4090", set_up, function, tear_down)

/* What the pie shows adds up to what a device takes. */
static void
assert_shown (Fixture    *fixture,
              HrEstimate *shown,
              guint       device)
{
  HrChartData *data = headroom_chart_get_data (HEADROOM_CHART (find (fixture, HEADROOM_TYPE_PIE_CHART)));

  g_assert_cmpint (headroom_result_page_get_device (HEADROOM_RESULT_PAGE (fixture->page)), ==, device);
  g_assert_cmpuint (hr_chart_data_get_total (data), ==, hr_estimate_get_device_bytes (shown, device));
}

static void
test_a_gpu_is_picked (Fixture       *fixture,
                      gconstpointer  data)
{
  HeadroomRankList *ranks = find (fixture, HEADROOM_TYPE_RANK_LIST);
  g_autoptr(GError) error = NULL;
  g_autoptr(HrEstimate) several = hr_estimator_run (fixture->model, fixture->job, fixture->gpu, 2, &error);
  GtkListBoxRow *row;
  guint worst, other;

  g_assert_no_error (error);
  g_assert_false (gtk_widget_get_visible (GTK_WIDGET (ranks)));
  worst = hr_estimate_get_worst_device (several);
  other = 1 - worst;

  g_object_set (fixture->page, "n-gpus", 2, "estimate", several, NULL);
  headroom_test_settle ();
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (ranks)));
  g_assert_cmpint (headroom_rank_list_get_selected (ranks), ==, worst);
  assert_shown (fixture, several, worst);

  row = GTK_LIST_BOX_ROW (headroom_test_find (GTK_WIDGET (ranks), HEADROOM_TYPE_RANK_ROW, NULL));
  g_assert_nonnull (row);
  g_assert_true (gtk_test_accessible_has_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL));
  g_assert_true (gtk_test_accessible_has_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION));
  headroom_rank_list_set_selected (ranks, other);
  assert_shown (fixture, several, other);

  /* What was picked stays, as long as there are as many. */
  g_object_set (fixture->page, "unit-system", HR_UNIT_SYSTEM_DECIMAL, NULL);
  headroom_test_settle ();
  assert_shown (fixture, several, other);
  g_object_set (fixture->page, "n-gpus", 1, "estimate", fixture->estimate, NULL);
  headroom_test_settle ();
  g_assert_false (gtk_widget_get_visible (GTK_WIDGET (ranks)));
  assert_shown (fixture, fixture->estimate, 0);
}

/* A program that stands for nvidia-smi, in a folder that is looked into first. */
static char *
write_driver (const char *free_mebibytes)
{
  char *folder = g_dir_make_tmp ("headroom-driver-XXXXXX", NULL);
  g_autofree char *program = g_build_filename (folder, "nvidia-smi", NULL);
  g_autofree char *path = g_strdup_printf ("%s:%s", folder, g_getenv ("PATH"));
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\n"
                                           "case $1 in\n"
                                           "--query-gpu=*) echo 'NVIDIA GeForce RTX 4090, GPU-1, 580, 24564, %s' ;;\n"
                                           "*) echo 'GPU-1, 7, 500, /usr/bin/python3' ;;\n"
                                           "esac\n", free_mebibytes);

  g_assert_true (g_file_set_contents_full (program, text, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
  g_setenv ("PATH", path, TRUE);

  return folder;
}

/* What the driver says is asked for by itself. */
static void
test_what_is_free_now_is_shown (Fixture       *fixture,
                                gconstpointer  data)
{
  g_autofree char *old_path = g_strdup (g_getenv ("PATH"));
  g_autofree char *folder = write_driver ("24000");
  g_autofree char *program = g_build_filename (folder, "nvidia-smi", NULL);
  /* Translators: 1 a size, 2 a list of programs, each with a size */
  g_autofree char *processes = g_strdup_printf (_("%1$s are in use, by %2$s"), "564.0 MiB", "python3 500.0 MiB");

  gtk_window_set_child (GTK_WINDOW (fixture->window), NULL);
  show (fixture, 1000);
  HEADROOM_TEST_WAIT_FOR (headroom_test_find_label (fixture->page, processes) != NULL);

  g_setenv ("PATH", old_path, TRUE);
  g_assert_no_errno (g_remove (program));
  g_assert_no_errno (g_rmdir (folder));
}

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  load_style ();

  ADD ("a_selection_is_the_same_everywhere", test_selection_is_the_same_everywhere);
  ADD ("the_explanation_has_both_ways", test_explanation_has_both_ways);
  ADD ("a_measurement_is_compared", test_a_measurement_is_compared);
  ADD ("a_log_is_compared", test_a_log_is_compared);
  ADD ("what_a_machine_shows_is_kept", test_what_a_machine_shows_is_kept);
  ADD ("weights_and_cache_come_about_step_by_step", test_steps_are_there);
  ADD ("a_selection_survives_a_new_estimate", test_selection_survives_a_new_estimate);
  ADD ("the_first_selection_is_the_largest_component", test_first_selection_is_the_largest_component);
  ADD ("the_verdict_and_the_total_are_shown", test_verdict_and_total_are_shown);
  ADD ("phases_and_rule_of_thumb_are_shown", test_phases_and_rule_of_thumb_are_shown);
  ADD ("operations_and_times_are_shown", test_operations_and_times_are_shown);
  ADD ("charts_have_names", test_charts_have_names);
  ADD ("a_copy_has_every_byte", test_copy_has_every_byte);
  ADD ("the_page_is_narrow_enough_for_a_phone", test_page_is_narrow_enough_for_a_phone);
  ADD ("the_page_draws_at_every_width", test_page_draws_at_every_width);
  ADD ("what_is_free_now_is_shown", test_what_is_free_now_is_shown);
  ADD ("a_gpu_is_picked", test_a_gpu_is_picked);
  ADD ("nothing_is_shown_without_an_estimate", test_nothing_is_shown_without_an_estimate);
  ADD ("properties_notify_once", test_properties_notify_once);

  return g_test_run ();
}
