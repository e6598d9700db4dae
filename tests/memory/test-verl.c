/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The actor of verl, on one device and on several: what is held when, and what of its settings is refused. */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-grpo-job.h"
#include "hr-job-enums.h"

#include "check-estimate.h"
#include "estimates.h"

#define COMPLETION G_GUINT64_CONSTANT (64)
#define BUCKET (G_GUINT64_CONSTANT (2048) << 20)

static HrJob *
make_job (void)
{
  HrJob *job = hr_job_new (HR_MODE_GRPO);

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_VERL, "fine-tuning-method", HR_FINE_TUNING_METHOD_FULL,
                "gradient-checkpointing", HR_GRADIENT_CHECKPOINTING_FULL, "micro-batch-size", G_GUINT64_CONSTANT (4),
                "prompt-length", G_GUINT64_CONSTANT (192), "completion-length", COMPLETION, NULL);

  return job;
}

/* Parameters, gradients and both states are in fp32. */
static void
test_fp32 (void)
{
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (HrEstimate) result = NULL;
  guint64 n = count_llama ();

  result = estimate_llama (job, NULL);
  g_assert_cmpuint (hr_estimate_get_n_trainable_parameters (result), ==, n);
  g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_WEIGHTS), >=, 4 * n);
  g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_WEIGHTS), <, 4 * n + 100000);
  g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_OPTIMIZER), >=, 8 * n);
  g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_OPTIMIZER), <, 8 * n + 100000);
}

/* The reference model reads, and is not on the device otherwise. */
static void
test_reference_waits (void)
{
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (HrEstimate) with = estimate_llama (job, NULL);
  g_autoptr (HrEstimate) without = NULL;

  g_assert_cmpuint (get_component_bytes (with, HR_COMPONENT_REFERENCE_MODEL), ==, 0);
  g_assert_cmpuint (get_handed_out (with, HR_PHASE_REFERENCE), >, get_handed_out (with, HR_PHASE_OLD_POLICY));
  g_object_set (job, "reference-model", FALSE, NULL);
  without = estimate_llama (job, NULL);
  g_assert_cmpuint (get_phase_bytes (without, HR_PHASE_REFERENCE), ==, 0);
  g_assert_cmpuint (get_handed_out (without, HR_PHASE_OPTIMIZER), <=, get_handed_out (with, HR_PHASE_OPTIMIZER));
}

static void
test_read_at_once (void)
{
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (HrEstimate) few = estimate_llama (job, NULL);
  g_autoptr (HrEstimate) many = NULL;

  g_object_set (job, "log-prob-micro-batch-size", G_GUINT64_CONSTANT (64), NULL);
  many = estimate_llama (job, NULL);
  g_assert_cmpuint (get_handed_out (many, HR_PHASE_OLD_POLICY), >, get_handed_out (few, HR_PHASE_OLD_POLICY));
  g_assert_cmpuint (get_handed_out (many, HR_PHASE_BACKWARD), ==, get_handed_out (few, HR_PHASE_BACKWARD));
}

/* A copy in fp32 of all parameters and a bucket, while vLLM has its weights. */
static void
test_handed_over (void)
{
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", NULL);
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (HrEstimate) beside = NULL;
  g_autoptr (HrEstimate) elsewhere = NULL;
  guint64 n = count_llama ();
  guint64 handed;

  g_object_set (job, "rollout", HR_ROLLOUT_VLLM_COLOCATED, "rollout-sleep", HR_ROLLOUT_SLEEP_LEVEL_2,
                "gpu-memory-utilization", 0.02, NULL);
  beside = estimate_llama (job, gpu);
  g_object_set (job, "rollout", HR_ROLLOUT_VLLM_SERVER, NULL);
  elsewhere = estimate_llama (job, gpu);
  g_assert_cmpuint (get_handed_out (beside, HR_PHASE_GENERATION), ==,
                    get_handed_out (elsewhere, HR_PHASE_GENERATION) + (2 * n + 511) / 512 * 512);
  handed = get_handed_out (elsewhere, HR_PHASE_GENERATION) - get_handed_out (elsewhere, HR_PHASE_LOAD);
  g_assert_cmpuint (handed, >=, 8 * n + 4 * n + BUCKET);
  g_assert_cmpuint (handed, <, 8 * n + 4 * n + BUCKET + 1000000);
}

static HrEstimate *
estimate_ranks (HrJob *job,
                guint  n_gpus)
{
  g_autoptr (HrModel) model = load_llama ();
  g_autoptr (GError) error = NULL;
  HrEstimate *result = hr_estimator_run (model, job, NULL, n_gpus, &error);

  g_assert_no_error (error);

  return result;
}

/* FullyShardedDataParallel over all ranks: parts of each layer, and of what is around them, rounded up. */
static void
test_ranks (void)
{
  static const guint ranks[] = { 2, 4, 8 };
  g_autoptr (HrJob) job = make_job ();
  guint64 n = count_llama ();

  for (guint i = 0; i < G_N_ELEMENTS (ranks); i++)
    {
      g_autoptr (HrEstimate) result = estimate_ranks (job, ranks[i]);
      guint64 part = n / ranks[i];

      g_test_message ("%u ranks", ranks[i]);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_WEIGHTS), >=, 4 * part);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_WEIGHTS), <, 4 * part + 100000);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_OPTIMIZER), >=, 8 * part);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_OPTIMIZER), <, 8 * part + 100000);
    }
}

/*
 * update_policy knows no no_sync: gradients of each micro-batch are reduced and added to this rank's part, so that
 * more micro-batches take no more than the second does, which is that part beside what is reduced.
 */
static void
test_micro_batches (void)
{
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (HrEstimate) one = estimate_ranks (job, 4);
  g_autoptr (HrEstimate) many = NULL;
  guint64 part = 4 * count_llama () / 4;
  guint64 more;

  g_object_set (job, "gradient-accumulation-steps", G_GUINT64_CONSTANT (8), NULL);
  many = estimate_ranks (job, 4);
  more = get_handed_out (many, HR_PHASE_BACKWARD) - get_handed_out (one, HR_PHASE_BACKWARD);
  g_assert_cmpuint (more, >, 0);
  g_assert_cmpuint (more, <=, part + 100000);
  g_assert_cmpuint (get_handed_out (many, HR_PHASE_OPTIMIZER), <=, get_handed_out (one, HR_PHASE_OPTIMIZER) + 100000);
}

/* What is around the layers is gathered to read with, and gone when the answers have been read (reshard). */
static void
test_reading (void)
{
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (HrEstimate) result = estimate_ranks (job, 4);
  g_autoptr (HrModel) model = load_llama ();
  guint64 around = 0, read;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (tensor->n_layers == 0 && tensor->tied_to == NULL)
        around += tensor->n_elements;
    }
  read = get_handed_out (result, HR_PHASE_OLD_POLICY);
  g_assert_cmpuint (read, >, get_handed_out (result, HR_PHASE_LOAD) + 2 * around);
  g_assert_cmpuint (get_handed_out (result, HR_PHASE_FORWARD), <, read + 2 * around);
}

static void
test_refused (void)
{
  static const char * const settings[][2] = {
    { "dtype", "bfloat16" }, { "fine-tuning-method", "lora" }, { "attention", "eager" }, { "algorithm", "ppo" },
    { "algorithm", "dpo" }, { "master-dtype", "float32" }, { "packing", "bfd" },
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

static void
test_other_mode (void)
{
  g_autoptr (HrModel) model = load_llama ();
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) result = NULL;

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_VERL, NULL);
  result = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_null (result);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
}

/* The first layer of this model is dense, and the others are mixtures of experts. */
static void
test_unlike_layers (void)
{
  g_autoptr (HrModel) model = hr_model_new_from_id ("deepseek-ai/DeepSeek-V2-Lite", NULL);
  g_autoptr (HrJob) job = make_job ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) alone = NULL, shared = NULL;

  g_assert_nonnull (model);
  alone = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  g_object_set (job, "data-parallel", 8, NULL);
  shared = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_allocated_bytes (shared), <, hr_estimate_get_allocated_bytes (alone) / 3);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/verl/all_that_is_trained_is_held_in_fp32", test_fp32);
  g_test_add_func ("/verl/the_reference_model_waits_on_the_host", test_reference_waits);
  g_test_add_func ("/verl/more_answers_are_read_at_once", test_read_at_once);
  g_test_add_func ("/verl/a_copy_of_all_parameters_is_handed_to_vllm", test_handed_over);
  g_test_add_func ("/verl/ranks_have_parts_of_all_that_is_trained", test_ranks);
  g_test_add_func ("/verl/each_micro_batch_is_reduced", test_micro_batches);
  g_test_add_func ("/verl/what_is_gathered_to_read_with_goes", test_reading);
  g_test_add_func ("/verl/what_is_not_known_of_it_is_refused", test_refused);
  g_test_add_func ("/verl/it_trains_on_answers_alone", test_other_mode);
  g_test_add_func ("/verl/layers_that_differ_are_divided_as_well", test_unlike_layers);

  return g_test_run ();
}
