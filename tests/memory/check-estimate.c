/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "check-estimate.h"

#include "hr-timeline.h"

#include "estimates.h"

static const char llama[] =
  "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], \"vocab_size\": 4000, \"hidden_size\": 512, "
  "\"intermediate_size\": 1376, \"num_hidden_layers\": 6, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, "
  "\"torch_dtype\": \"bfloat16\"}";

/* A decoder of six layers, 4000 tokens and vectors of 512 numbers. */
HrModel *
load_llama (void)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_data (llama, -1, "llama", &error);

  g_assert_no_error (error);

  return model;
}

/* An estimate of what can be estimated. */
HrEstimate *
run_with_timeline (HrModel *model,
                   HrJob   *job)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *estimate = hr_estimator_run_with_timeline (model, job, NULL, 1, &error);

  g_assert_no_error (error);
  g_assert_nonnull (estimate);

  return estimate;
}

static void
check_text (const char *text)
{
  g_assert_nonnull (text);
  g_assert_cmpstr (text, !=, "");
}

/* Each component takes something, and is explained; a device takes their sum. */
void
check_device (HrEstimate *estimate,
              guint       device)
{
  GListModel *components = hr_estimate_get_device_components (estimate, device);
  guint64 sum = 0;

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);

      check_text (hr_component_get_formula (component));
      check_text (hr_component_get_substitution (component));
      check_text (hr_component_get_source (component));
      g_assert_cmpuint (hr_component_get_bytes (component), >, 0);
      sum += hr_component_get_bytes (component);
    }

  g_assert_cmpuint (sum, ==, hr_estimate_get_device_bytes (estimate, device));
}

/* The total is the highest of the phases, and that of the one that is called the peak. */
static void
check_phases (HrEstimate *estimate)
{
  guint n_phases;
  const HrPhase *phases = hr_estimate_get_phases (estimate, &n_phases);
  guint64 highest = 0;
  gboolean has_peak = FALSE;

  for (guint i = 0; i < n_phases; i++)
    {
      highest = MAX (highest, phases[i].peak_bytes);
      if (phases[i].id != hr_estimate_get_peak_phase (estimate))
        continue;

      has_peak = TRUE;
      g_assert_cmpuint (phases[i].peak_bytes, ==, hr_estimate_get_total_bytes (estimate));
    }

  g_assert_true (has_peak);
  g_assert_cmpuint (highest, ==, hr_estimate_get_total_bytes (estimate));
  check_text (hr_estimate_get_peak_moment (estimate));
}

/*
 * Each point is the sum of its parts, time goes on, and the highest points, of all and of each phase, are what the
 * estimate states.
 */
static void
check_timeline (HrEstimate *estimate)
{
  const HrTimeline *timeline = hr_estimate_get_timeline (estimate);
  guint64 beside = get_beside_bytes (estimate);
  guint64 peaks[HR_N_PHASES] = { 0 };
  guint n_phases, n_points, peak;
  const HrPhase *phases = hr_estimate_get_phases (estimate, &n_phases);
  g_autofree HrTimelinePoint *points = hr_timeline_dup_points (timeline, &n_points);

  for (guint i = 0; i < n_points; i++)
    {
      guint64 sum = 0;

      for (guint j = 0; j < HR_N_COMPONENTS; j++)
        sum += points[i].level.by_component[j];
      g_assert_cmpuint (sum, ==, points[i].level.total);
      g_assert_true (i == 0 || points[i].position >= points[i - 1].position);
      peaks[points[i].phase] = MAX (peaks[points[i].phase], points[i].level.total);
    }

  peak = hr_timeline_find_peak (timeline, points, n_points);
  g_assert_cmpuint (points[peak].level.total, ==, get_allocated_bytes (estimate));
  g_assert_cmpint (points[peak].phase, ==, hr_estimate_get_peak_phase (estimate));
  g_assert_cmpstr (points[peak].moment, ==, hr_estimate_get_peak_moment (estimate));
  for (guint i = 0; i < n_phases; i++)
    g_assert_cmpuint (peaks[phases[i].id] + beside, ==, phases[i].peak_bytes);
}

/* What holds of every estimate with a timeline. */
void
check_estimate (HrEstimate *estimate)
{
  for (guint i = 0; i < hr_estimate_get_n_devices (estimate); i++)
    check_device (estimate, i);
  check_phases (estimate);
  check_timeline (estimate);
}

guint64
count_llama (void)
{
  g_autoptr (HrModel) model = load_llama ();

  return hr_model_get_n_parameters (model);
}

/* An estimate of the small Llama that adds up. */
HrEstimate *
estimate_llama (HrJob *job,
                HrGpu *gpu)
{
  g_autoptr (HrModel) model = load_llama ();
  g_autoptr (GError) error = NULL;
  HrEstimate *estimate = hr_estimator_run_with_timeline (model, job, gpu, 1, &error);

  g_assert_no_error (error);
  check_estimate (estimate);

  return estimate;
}
