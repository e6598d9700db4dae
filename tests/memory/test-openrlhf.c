/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The actor of OpenRLHF, on one device and on several: what is held when, and what of its settings is refused. */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-grpo-job.h"
#include "hr-job-enums.h"

#include "check-estimate.h"
#include "estimates.h"

#define VOCABULARY G_GUINT64_CONSTANT (4000)
#define COMPLETION G_GUINT64_CONSTANT (64)
#define BUCKET G_GUINT64_CONSTANT (1000000000)

static HrJob *
make_job (void)
{
  HrJob *job = hr_job_new (HR_MODE_GRPO);

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_OPENRLHF, "fine-tuning-method", HR_FINE_TUNING_METHOD_FULL,
                "gradient-checkpointing", HR_GRADIENT_CHECKPOINTING_FULL, "micro-batch-size", G_GUINT64_CONSTANT (4),
                "prompt-length", G_GUINT64_CONSTANT (192), "completion-length", COMPLETION, NULL);

  return job;
}

/* 2 bytes for each parameter, and 4, 4 and 4 in the optimizer; gradients of 16 bits, in one piece, and that in fp32. */
static void
test_zero (void)
{
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (HrEstimate) result = NULL;
  guint64 n = count_llama ();
  guint64 held;

  g_object_set (job, "reference-model", FALSE, NULL);
  result = estimate_llama (job, NULL);
  held = get_handed_out (result, HR_PHASE_OPTIMIZER);
  g_assert_cmpuint (held, >, 22 * n);
  g_assert_cmpuint (held, <, 22 * n + 40000000);
  g_assert_cmpuint (get_handed_out (result, HR_PHASE_BACKWARD), >, 14 * n + BUCKET);
}

/* The output of the model is a variable until the optimizer has stepped. */
static void
test_logits_stay (void)
{
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (HrEstimate) few = NULL;
  g_autoptr (HrEstimate) many = NULL;
  guint64 more;

  g_object_set (job, "reference-model", FALSE, NULL);
  few = estimate_llama (job, NULL);
  g_object_set (job, "micro-batch-size", G_GUINT64_CONSTANT (8), NULL);
  many = estimate_llama (job, NULL);
  more = get_handed_out (many, HR_PHASE_OPTIMIZER) - get_handed_out (few, HR_PHASE_OPTIMIZER);
  g_assert_cmpuint (more, >=, 4 * (192 + COMPLETION) * VOCABULARY * sizeof (float));
  g_assert_cmpuint (more, <, 4 * (192 + COMPLETION) * VOCABULARY * sizeof (float) + 200000);
}

static void
test_reference (void)
{
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (HrEstimate) result = estimate_llama (job, NULL);
  guint64 n = count_llama ();

  g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_REFERENCE_MODEL), >=, 2 * n);
  g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_REFERENCE_MODEL), <, 2 * n + 100000);
}

/* ZeRO-2 where nothing else is said: parameters whole, and parts of the copies in fp32 and of the states. */
static void
test_ranks (void)
{
  static const guint ranks[] = { 2, 4, 8 };
  guint64 n = count_llama ();

  for (guint i = 0; i < G_N_ELEMENTS (ranks); i++)
    {
      g_autoptr (HrModel) model = load_llama ();
      g_autoptr (HrJob) job = make_job ();
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) result = hr_estimator_run (model, job, NULL, ranks[i], &error);
      g_autoptr (HrEstimate) stage = NULL;

      g_test_message ("%u ranks", ranks[i]);
      g_assert_no_error (error);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_WEIGHTS), >=, 2 * n);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_WEIGHTS), <, 2 * n + 100000);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_MASTER_WEIGHTS), >=, 4 * n / ranks[i]);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_MASTER_WEIGHTS), <, 4 * n / ranks[i] + 100000);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_OPTIMIZER), >=, 8 * n / ranks[i]);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_OPTIMIZER), <, 8 * n / ranks[i] + 100000);

      g_object_set (job, "zero-stage", G_GUINT64_CONSTANT (2), NULL);
      stage = hr_estimator_run (model, job, NULL, ranks[i], &error);
      g_assert_no_error (error);
      g_assert_cmpuint (hr_estimate_get_total_bytes (stage), ==, hr_estimate_get_total_bytes (result));
    }
}

static void
test_third_stage (void)
{
  g_autoptr (HrModel) model = load_llama ();
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) result = NULL;

  g_object_set (job, "zero-stage", G_GUINT64_CONSTANT (3), NULL);
  result = hr_estimator_run (model, job, NULL, 4, &error);
  g_assert_null (result);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_true (g_str_has_prefix (error->message, "zero-stage"));
}

static void
test_refused (void)
{
  static const char * const settings[][2] = {
    { "dtype", "float32" }, { "fine-tuning-method", "lora" }, { "attention", "eager" }, { "algorithm", "ppo" },
    { "autocast", "bfloat16" }, { "optimizer", "sgd" }, { "packing", "padding-free" },
  };
  g_autoptr (HrModel) model = load_llama ();

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (HrJob) job = make_job ();
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) result = NULL;

      g_assert_true (hr_job_set_from_string (job, settings[i][0], settings[i][1], NULL));
      result = hr_estimator_run (model, job, NULL, 1, &error);
      g_assert_null (result);
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_assert_true (g_str_has_prefix (error->message, settings[i][0]));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/openrlhf/gradients_go_through_buckets_into_fp32", test_zero);
  g_test_add_func ("/openrlhf/the_logits_stay_until_the_step_ends", test_logits_stay);
  g_test_add_func ("/openrlhf/the_reference_model_is_on_the_device", test_reference);
  g_test_add_func ("/openrlhf/ranks_share_by_the_second_stage", test_ranks);
  g_test_add_func ("/openrlhf/the_third_stage_is_refused", test_third_stage);
  g_test_add_func ("/openrlhf/what_is_not_known_of_it_is_refused", test_refused);

  return g_test_run ();
}
