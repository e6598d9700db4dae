/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * ZeRO as DeepSpeed runs it: its own estimators, recomputed from their published formulas for ten models, and how the
 * exact figure differs from them.
 */

#include <math.h>

#include "hr-estimator.h"
#include "hr-fine-tuning-job.h"
#include "hr-grpo-job.h"
#include "hr-training-job.h"

#include "estimates.h"

/* Parameters, and those of the largest module, counted by hand from the hyper-parameters. */
static const struct
{
  const char *id;
  guint64 n_parameters;
  guint64 n_largest;
} models[] = {
{ "meta-llama/Llama-2-7b-hf", G_GUINT64_CONSTANT (6738415616), 131072000 },
    { "meta-llama/Llama-2-13b-hf", G_GUINT64_CONSTANT (13015864320), 163840000 },
    { "meta-llama/Llama-2-70b-hf", G_GUINT64_CONSTANT (68976648192), 262144000 },
    { "meta-llama/Meta-Llama-3.1-8B", G_GUINT64_CONSTANT (8030261248), 525336576 },
    { "meta-llama/Meta-Llama-3.1-70B", G_GUINT64_CONSTANT (70553706496), 1050673152 },
    { "mistralai/Mistral-7B-v0.1", G_GUINT64_CONSTANT (7241732096), 131072000 },
    { "Qwen/Qwen2.5-7B", G_GUINT64_CONSTANT (7615616512), 544997376 },
    { "Qwen/Qwen2.5-1.5B", G_GUINT64_CONSTANT (1543714304), 233373696 },
    { "Qwen/Qwen2.5-0.5B", G_GUINT64_CONSTANT (494032768), 136134656 },
    { "TinyLlama/TinyLlama-1.1B-Chat-v1.0", G_GUINT64_CONSTANT (1100048384), 65536000 },
};

static HrEstimate *
run (const char  *id,
     GError     **error,
     const char  *first_setting,
     va_list      settings)
{
  g_autoptr (HrModel) model = hr_model_new_from_id (id, error);
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();

  if (model == NULL)
    return NULL;

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_DEEPSPEED, "gradient-checkpointing",
                HR_GRADIENT_CHECKPOINTING_FULL, "sequence-length", (guint64) 512, NULL);
  g_object_set_valist (G_OBJECT (job), first_setting, settings);

  return hr_estimator_run (model, HR_JOB (job), NULL, 1, error);
}

static HrEstimate *
estimate_zero (const char *id,
               const char *first_setting,
               ...)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *estimate;
  va_list settings;

  va_start (settings, first_setting);
  estimate = run (id, &error, first_setting, settings);
  va_end (settings);
  g_assert_no_error (error);

  return estimate;
}

static void
refuse (const char *sentence,
        const char *first_setting,
        ...)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *estimate;
  va_list settings;

  va_start (settings, first_setting);
  estimate = run (models[0].id, &error, first_setting, settings);
  va_end (settings);
  g_assert_null (estimate);
  g_assert_nonnull (strstr (error->message, sentence));
}

/*
 * estimate_zero2_model_states_mem_needs and estimate_zero3_model_states_mem_needs of DeepSpeed edaa7221, without
 * offload; of the first stage there is figure 1 of the paper.
 */
static void
deepspeeds_estimators_are_reproduced_for_ten_models (void)
{
  static const guint64 ranks[] = { 8, 64 };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      for (guint j = 0; j < G_N_ELEMENTS (ranks); j++)
        {
          guint64 n = models[i].n_parameters;
          const guint64 expected[] = {
            4 * n + 12 * n / ranks[j], 2 * n + 18 * n / ranks[j], 4 * models[i].n_largest + 18 * n / ranks[j],
          };

          for (guint64 stage = 1; stage <= 3; stage++)
            {
              g_autoptr (HrEstimate) estimate =
                estimate_zero (models[i].id, "method-of-estimate", HR_ESTIMATE_METHOD_RULE_OF_THUMB, "zero-stage",
                               stage, "data-parallel", ranks[j], NULL);

              g_assert_cmpuint (hr_estimate_get_total_bytes (estimate), ==, expected[stage - 1]);
              g_assert_cmpint (has_warning (estimate, "Of live parameters"), ==, stage == 3);
            }
        }
    }
}

/*
 * At the peak of the step a rank has its gradients of 16 bits, one piece of them and that in fp32 (2 + 2 + 4), beside
 * copies of parameters and Adam's states (4 + 8): 20 bytes of a shared parameter, where the estimator has 18. Where a
 * tensor is large, what is made to look for overflows in it takes more than the last two: a copy in fp32, three masks
 * and these in fp32.
 */
static void
the_step_has_pieces_of_gradients_that_the_estimator_does_not_count (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (HrEstimate) estimate =
        estimate_zero (models[i].id, "zero-stage", (guint64) 2, "data-parallel", (guint64) 8, "reduce-bucket-size",
                       (guint64) 10000000, "sequence-length", (guint64) 64, NULL);
      double n = models[i].n_parameters;
      double pieces = MAX (6 * n / 8, 11 * MIN (models[i].n_largest, n / 8));
      double found = get_handed_out (estimate, HR_PHASE_OPTIMIZER);
      double rule = hr_estimate_get_total_bytes (hr_estimate_get_rule_of_thumb (estimate));

      /* A rank has room for all of each parameter of which it has a part: two are not its own as a whole. */
      g_assert_cmpfloat (found, >=, (2 * n + 14 * n / 8 + pieces) * (1 - 1e-4));
      g_assert_cmpfloat (found, <=, (2 * n + 14 * n / 8 + pieces) * (1 + 1e-4) + 4 * models[i].n_largest);
      g_assert_cmpfloat (found - rule, >=, 0.99 * (pieces - 4 * n / 8));
    }
}

static void
a_second_bucket_is_there_while_gradients_are_computed (void)
{
  guint64 bucket = 200000000;
  g_autoptr (HrEstimate) one = estimate_zero (models[5].id, "zero-stage", (guint64) 2, "data-parallel", (guint64) 8,
                                              "reduce-bucket-size", bucket, NULL);
  g_autoptr (HrEstimate) two = estimate_zero (models[5].id, "zero-stage", (guint64) 2, "data-parallel", (guint64) 8,
                                              "reduce-bucket-size", bucket, "overlap-comm", TRUE, NULL);

  g_assert_cmpuint (get_handed_out (two, HR_PHASE_BACKWARD) - get_handed_out (one, HR_PHASE_BACKWARD), ==,
                    bucket * 2);
  g_assert_cmpuint (get_handed_out (two, HR_PHASE_OPTIMIZER), ==, get_handed_out (one, HR_PHASE_OPTIMIZER));
  g_assert_cmpuint (get_handed_out (two, HR_PHASE_FORWARD), ==, get_handed_out (one, HR_PHASE_FORWARD));
}

/* Stage 1 keeps all gradients of 16 bits until the backward pass is over; both step the same. */
static void
gradients_are_whole_in_the_first_stage (void)
{
  g_autoptr (HrEstimate) first = estimate_zero (models[5].id, "zero-stage", (guint64) 1, "data-parallel", (guint64) 64,
                                                NULL);
  g_autoptr (HrEstimate) second = estimate_zero (models[5].id, "zero-stage", (guint64) 2, "data-parallel",
                                                 (guint64) 64, NULL);
  guint64 n = models[5].n_parameters;
  gint64 apart = get_handed_out (first, HR_PHASE_BACKWARD) - get_handed_out (second, HR_PHASE_BACKWARD);

  g_assert_cmpint (apart, >, n);
  g_assert_cmpint (apart, <, 2 * n);
  g_assert_cmpuint (get_handed_out (first, HR_PHASE_OPTIMIZER), ==, get_handed_out (second, HR_PHASE_OPTIMIZER));
}

/* What is kept between micro-batches is added to: each has room for a part of its own. */
static void
micro_batches_have_a_second_part_of_gradients (void)
{
  guint64 n = models[0].n_parameters;
  g_autoptr (HrEstimate) one = estimate_zero (models[0].id, "zero-stage", (guint64) 2, "data-parallel", (guint64) 8,
                                              NULL);
  g_autoptr (HrEstimate) two = estimate_zero (models[0].id, "zero-stage", (guint64) 2, "data-parallel", (guint64) 8,
                                              "gradient-accumulation-steps", (guint64) 2, NULL);
  double apart;

  /* With what it has no part of, of the parameters at its ends. */
  apart = get_handed_out (two, HR_PHASE_BACKWARD) - get_handed_out (one, HR_PHASE_BACKWARD);
  g_assert_cmpfloat (apart, >=, 2.0 * n / 8);
  g_assert_cmpfloat (apart, <=, 2.0 * n / 8 + 4 * models[0].n_largest);
}

/*
 * A rank has its part of all: parameters and gradients of 16 bits, copies in fp32 and Adam's states (2 + 2 + 4 + 8),
 * and at the peak of the step one piece of its gradients and that in fp32 (2 + 4): 22 bytes of a shared parameter,
 * where the estimator has 18. Beside them a bucket stays, for which the estimator has the largest layer instead.
 */
static void
the_third_stage_has_its_bucket_and_pieces_of_gradients (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      guint64 bucket = 20000000;
      g_autoptr (HrEstimate) estimate =
        estimate_zero (models[i].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 64, "reduce-bucket-size",
                       bucket, "sequence-length", (guint64) 64, "stage3-param-persistence-threshold", (guint64) 0,
                       "sub-group-size", (guint64) 2000000000, NULL);
      double n = models[i].n_parameters;
      double found = get_handed_out (estimate, HR_PHASE_OPTIMIZER);

      g_assert_cmpfloat_with_epsilon ((found - 2 * bucket) / (22 * n / 64), 1, 1e-4);
    }
}

/* No more parameters are gathered ahead than may be there, and one more; none stay that are not used soon. */
static void
fewer_parameters_are_there_where_fewer_may_be (void)
{
  static const guint64 live[] = { 0, 100000000, 1000000000 };
  guint64 before = 0;

  for (guint i = 0; i < G_N_ELEMENTS (live); i++)
    {
      g_autoptr (HrEstimate) estimate =
        estimate_zero (models[0].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 8,
                       "stage3-max-live-parameters", live[i], "stage3-max-reuse-distance", live[i],
                       "stage3-prefetch-bucket-size", (guint64) 50000000, NULL);
      guint64 found = get_handed_out (estimate, HR_PHASE_FORWARD);

      g_assert_cmpuint (found, >, before);
      if (i > 0)
        g_assert_cmpuint (found - before, <, 2 * (live[i] - live[i - 1]) + 4 * 50000000 + 2 * models[0].n_largest);
      before = found;
    }
}

/*
 * Of groups that are stepped one after the other, what the step makes is there of the largest alone. In fp16 all
 * gradients of a rank are looked through before, of which their absolute values are made and a mask (2 + 1).
 */
static void
a_group_is_stepped_at_a_time (void)
{
  guint64 n = models[0].n_parameters / 8;
  guint64 group = n / 4;
  g_autoptr (HrEstimate) one = estimate_zero (models[0].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 8,
                                              "dtype", HR_DTYPE_BFLOAT16, NULL);
  g_autoptr (HrEstimate) four = estimate_zero (models[0].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 8,
                                               "dtype", HR_DTYPE_BFLOAT16, "sub-group-size", group, NULL);
  g_autoptr (HrEstimate) half = estimate_zero (models[0].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 8,
                                               "dtype", HR_DTYPE_FLOAT16, "sub-group-size", group, NULL);

  g_assert_cmpfloat_with_epsilon ((get_handed_out (one, HR_PHASE_OPTIMIZER) -
                                   get_handed_out (four, HR_PHASE_OPTIMIZER)) / (6.0 * (n - group)), 1, 0.01);
  g_assert_cmpfloat_with_epsilon ((get_handed_out (half, HR_PHASE_OPTIMIZER) -
                                   get_handed_out (four, HR_PHASE_OPTIMIZER)) / (3.0 * n - 6.0 * group), 1, 0.02);
}

/* Parameters that are small stay on each rank whole between steps. */
static void
small_parameters_stay (void)
{
  guint64 n = 65 * 4096;
  g_autoptr (HrEstimate) none = estimate_zero (models[0].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 8,
                                               "stage3-param-persistence-threshold", (guint64) 0, NULL);
  g_autoptr (HrEstimate) norms = estimate_zero (models[0].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 8,
                                                NULL);

  g_assert_cmpuint (get_handed_out (norms, HR_PHASE_LOAD) - get_handed_out (none, HR_PHASE_LOAD), ==, 2 * n);
}

/*
 * Of what is offloaded a rank has nothing between steps but small parameters: 2 bytes of a parameter less, or 2 + 4 + 8
 * of its gradients, copies and states. Where both are, the step takes nothing on the device.
 */
static void
what_waits_on_the_host_is_not_on_the_device (void)
{
  double n = models[0].n_parameters / 8.0;
  g_autoptr (HrEstimate) here = estimate_zero (models[0].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 8,
                                               NULL);
  g_autoptr (HrEstimate) parameters =
    estimate_zero (models[0].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 8, "parameter-offload",
                   HR_OFFLOAD_CPU, NULL);
  g_autoptr (HrEstimate) optimizer =
    estimate_zero (models[0].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 8, "optimizer-offload",
                   HR_OFFLOAD_CPU, NULL);
  g_autoptr (HrEstimate) both =
    estimate_zero (models[0].id, "zero-stage", (guint64) 3, "data-parallel", (guint64) 8, "parameter-offload",
                   HR_OFFLOAD_NVME, "optimizer-offload", HR_OFFLOAD_NVME, NULL);

  g_assert_cmpfloat_with_epsilon ((get_handed_out (here, HR_PHASE_OPTIMIZER) -
                                   get_handed_out (parameters, HR_PHASE_OPTIMIZER)) / (2 * n), 1, 1e-4);
  g_assert_cmpfloat_with_epsilon ((get_handed_out (here, HR_PHASE_FORWARD) -
                                   get_handed_out (optimizer, HR_PHASE_FORWARD)) / (14 * n), 1, 1e-4);
  /* The bucket of gradients, and little else. */
  g_assert_cmpuint (get_handed_out (both, HR_PHASE_OPTIMIZER), <, 1000000000 + 2000000);
}

/* accelerate hands the job on; the Trainer's group without weight decay is stepped later, with its gradients there. */
static void
a_trainer_hands_zero_on_to_deepspeed (void)
{
  double n = models[5].n_parameters / 8.0;

  for (guint64 stage = 1; stage <= 3; stage++)
    {
      g_autoptr (HrEstimate) engine =
        estimate_zero (models[5].id, "zero-stage", stage, "data-parallel", (guint64) 8, "attention-mask",
                       HR_ATTENTION_MASK_ONES, NULL);
      g_autoptr (HrEstimate) trainer =
        estimate_zero (models[5].id, "zero-stage", stage, "data-parallel", (guint64) 8, "framework",
                       HR_TRAINING_FRAMEWORK_TRANSFORMERS, "autocast", HR_AUTOCAST_BFLOAT16, NULL);
      double apart = (double) get_handed_out (trainer, HR_PHASE_OPTIMIZER) -
                     (double) get_handed_out (engine, HR_PHASE_OPTIMIZER);

      g_assert_cmpuint (get_handed_out (trainer, HR_PHASE_FORWARD), ==, get_handed_out (engine, HR_PHASE_FORWARD));
      g_assert_cmpfloat (fabs (apart), <, 2.01 * n);
      g_assert_true (has_warning (trainer, "accelerate hands bf16 on to DeepSpeed"));
    }
}

/* What accelerate hands on is what DeepSpeed trains in, whatever the parameters were loaded in. */
static void
a_trainer_hands_fp16_on_and_trains_in_fp32_without_either (void)
{
  for (guint64 stage = 1; stage <= 3; stage++)
    {
      g_autoptr (HrEstimate) engine =
        estimate_zero (models[5].id, "zero-stage", stage, "data-parallel", (guint64) 8, "attention-mask",
                       HR_ATTENTION_MASK_ONES, "dtype", HR_DTYPE_FLOAT16, NULL);
      g_autoptr (HrEstimate) half =
        estimate_zero (models[5].id, "zero-stage", stage, "data-parallel", (guint64) 8, "framework",
                       HR_TRAINING_FRAMEWORK_TRANSFORMERS, "autocast", HR_AUTOCAST_FLOAT16, NULL);
      g_autoptr (HrEstimate) wide =
        estimate_zero (models[5].id, "zero-stage", stage, "data-parallel", (guint64) 8, "framework",
                       HR_TRAINING_FRAMEWORK_TRANSFORMERS, "dtype", HR_DTYPE_FLOAT32, NULL);

      g_assert_cmpuint (get_handed_out (half, HR_PHASE_FORWARD), ==, get_handed_out (engine, HR_PHASE_FORWARD));
      g_assert_cmpuint (get_component_bytes (wide, HR_COMPONENT_MASTER_WEIGHTS), ==,
                        get_component_bytes (half, HR_COMPONENT_MASTER_WEIGHTS));
      g_assert_cmpuint (get_component_bytes (wide, HR_COMPONENT_OPTIMIZER), ==,
                        get_component_bytes (half, HR_COMPONENT_OPTIMIZER));
      g_assert_true (has_warning (half, "accelerate hands fp16 on to DeepSpeed"));
      g_assert_true (has_warning (wide, "Without bf16 and fp16 DeepSpeed trains in fp32"));
    }
}

static HrEstimate *
estimate_adapters (HrTrainingFramework   framework,
                   HrDtype               dtype,
                   guint64               stage,
                   GError              **error)
{
  g_autoptr (HrModel) model = hr_model_new_from_id (models[5].id, error);
  g_autoptr (HrFineTuningJob) job = hr_fine_tuning_job_new ();

  if (model == NULL)
    return NULL;

  g_object_set (job, "framework", framework, "zero-stage", stage, "data-parallel", (guint64) 8, "autocast",
                framework == HR_TRAINING_FRAMEWORK_DEEPSPEED ? HR_AUTOCAST_NONE : HR_AUTOCAST_BFLOAT16, "dtype",
                HR_DTYPE_BFLOAT16, "adapter-dtype", dtype, "sequence-length", (guint64) 512, "attention-mask",
                HR_ATTENTION_MASK_ONES, NULL);

  return hr_estimator_run (model, HR_JOB (job), NULL, 1, error);
}

static guint64
get_adapter_bytes (HrTrainingFramework framework,
                   HrDtype             dtype,
                   guint64             stage)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = estimate_adapters (framework, dtype, stage, &error);

  g_assert_no_error (error);

  return get_component_bytes (estimate, HR_COMPONENT_ADAPTERS);
}

static guint64
get_handed_out_by_adapters (HrTrainingFramework framework)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = estimate_adapters (framework, HR_DTYPE_BFLOAT16, 3, &error);

  g_assert_no_error (error);

  return get_handed_out (estimate, HR_PHASE_FORWARD);
}

static guint64
get_part_bytes (HrTrainingFramework framework,
                HrDtype             dtype)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = estimate_adapters (framework, dtype, 3, &error);

  g_assert_no_error (error);

  return get_component_bytes (estimate, HR_COMPONENT_WEIGHTS);
}

/* Of a model that was loaded in parts nothing is cast: adapters stay as PEFT made them. */
static void
adapters_of_a_model_loaded_in_parts_stay_in_fp32 (void)
{
  guint64 wide = get_part_bytes (HR_TRAINING_FRAMEWORK_TRANSFORMERS, HR_DTYPE_AUTO);

  g_assert_cmpuint (wide, ==, get_part_bytes (HR_TRAINING_FRAMEWORK_TRANSFORMERS, HR_DTYPE_FLOAT32));
  g_assert_cmpuint (wide, >, get_part_bytes (HR_TRAINING_FRAMEWORK_TRANSFORMERS, HR_DTYPE_BFLOAT16));
  g_assert_cmpuint (wide, >, get_part_bytes (HR_TRAINING_FRAMEWORK_DEEPSPEED, HR_DTYPE_AUTO));
}

/* PEFT makes them in fp32, and the engine casts all parameters to what it trains in. */
static void
adapters_are_cast_with_the_module (void)
{
  guint64 expected = get_adapter_bytes (HR_TRAINING_FRAMEWORK_DEEPSPEED, HR_DTYPE_BFLOAT16, 2);

  g_assert_cmpuint (expected, >, 0);
  for (guint64 stage = 1; stage <= 2; stage++)
    {
      g_assert_cmpuint (get_adapter_bytes (HR_TRAINING_FRAMEWORK_DEEPSPEED, HR_DTYPE_FLOAT32, stage), ==, expected);
      g_assert_cmpuint (get_adapter_bytes (HR_TRAINING_FRAMEWORK_TRANSFORMERS, HR_DTYPE_AUTO, stage), ==, expected);
    }

  /* In the third stage the model was loaded in parts, and nothing is cast. */
  g_assert_cmpuint (get_handed_out_by_adapters (HR_TRAINING_FRAMEWORK_TRANSFORMERS), ==,
                    get_handed_out_by_adapters (HR_TRAINING_FRAMEWORK_DEEPSPEED));
}

static HrEstimate *
estimate_method (HrTrainingFramework framework,
                 HrFineTuningMethod  method,
                 HrDtype             dtype)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B", NULL);
  g_autoptr (HrFineTuningJob) job = hr_fine_tuning_job_new ();
  HrEstimate *estimate;

  g_object_set (job, "framework", framework, "fine-tuning-method", method, "dtype", dtype, "zero-stage", (guint64) 2,
                "data-parallel", (guint64) 4, NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);

  return estimate;
}

/* transformers loads what a checkpoint is stored in where nothing is said. */
static void
a_checkpoint_in_bfloat16_needs_no_word_of_its_data_type (void)
{
  static const HrTrainingFramework frameworks[] = { HR_TRAINING_FRAMEWORK_TRANSFORMERS, HR_TRAINING_FRAMEWORK_TRL };

  for (guint i = 0; i < G_N_ELEMENTS (frameworks); i++)
    {
      g_autoptr (HrEstimate) left = estimate_method (frameworks[i], HR_FINE_TUNING_METHOD_LORA, HR_DTYPE_AUTO);
      g_autoptr (HrEstimate) said = estimate_method (frameworks[i], HR_FINE_TUNING_METHOD_LORA, HR_DTYPE_BFLOAT16);

      g_assert_cmpuint (hr_estimate_get_total_bytes (left), ==, hr_estimate_get_total_bytes (said));
    }
}

static guint64
count_trained (HrAlgorithm algorithm)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B", &error);
  g_autoptr (HrGrpoJob) job = hr_grpo_job_new ();
  g_autoptr (HrEstimate) estimate = NULL;

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_TRL, "fine-tuning-method", HR_FINE_TUNING_METHOD_LORA,
                "algorithm", algorithm, "zero-stage", (guint64) 3, "data-parallel", (guint64) 4, NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);

  return hr_estimate_get_n_trainable_parameters (estimate);
}

/* PEFT trains a copy of the matrix that scores, of 896 numbers; what it stands for is divided and never gathered. */
static void
a_reward_model_is_adapted_in_the_third_stage (void)
{
  g_assert_cmpuint (count_trained (HR_ALGORITHM_REWARD), ==, count_trained (HR_ALGORITHM_SFT) + 896);
}

static guint64
get_loaded_bytes (HrEstimate *estimate)
{
  guint n_phases;
  const HrPhase *phases = hr_estimate_get_phases (estimate, &n_phases);

  g_assert_cmpuint (n_phases, >, 0);
  g_assert_cmpint (phases[0].id, ==, HR_PHASE_LOAD);

  return phases[0].peak_bytes;
}

/* What is quantized is neither cast nor held in 16 bits while the engine is made. */
static void
quantized_matrices_are_loaded_as_they_are (void)
{
  static const HrTrainingFramework frameworks[] = {
    HR_TRAINING_FRAMEWORK_DEEPSPEED, HR_TRAINING_FRAMEWORK_TRANSFORMERS, HR_TRAINING_FRAMEWORK_TRL,
  };

  for (guint i = 0; i < G_N_ELEMENTS (frameworks); i++)
    {
      g_autoptr (HrEstimate) whole = estimate_method (frameworks[i], HR_FINE_TUNING_METHOD_LORA, HR_DTYPE_BFLOAT16);
      g_autoptr (HrEstimate) small = estimate_method (frameworks[i], HR_FINE_TUNING_METHOD_QLORA, HR_DTYPE_BFLOAT16);
      guint64 saved = get_component_bytes (whole, HR_COMPONENT_WEIGHTS) -
                      get_component_bytes (small, HR_COMPONENT_WEIGHTS);
      guint64 least = get_loaded_bytes (whole) - get_loaded_bytes (small);

      g_assert_cmpuint (get_component_bytes (small, HR_COMPONENT_ADAPTERS), ==,
                        get_component_bytes (whole, HR_COMPONENT_ADAPTERS));
      g_assert_cmpuint (least, >, saved / 2);
    }
}

static guint64
get_activations (guint64 n_layers)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *config = g_strdup_printf (
    "{ \"model_type\": \"llama\", \"vocab_size\": 32000, \"hidden_size\": 1024, \"intermediate_size\": 2816,"
    "  \"num_hidden_layers\": %" G_GUINT64_FORMAT ", \"num_attention_heads\": 8, \"num_key_value_heads\": 8,"
    "  \"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\" }", n_layers);
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "deep", &error);
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();
  g_autoptr (HrEstimate) estimate = NULL;

  g_assert_no_error (error);
  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_DEEPSPEED, "zero-stage", (guint64) 3, "data-parallel",
                (guint64) 64, "sequence-length", (guint64) 8192, NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (hr_estimate_get_peak_phase (estimate), !=, HR_PHASE_OPTIMIZER);

  return hr_estimate_get_component_bytes (estimate, HR_COMPONENT_ACTIVATIONS);
}

/* Every layer is replayed, and what all of them keep is on the tape at once: of 126 (Llama 3.1 405B) as well. */
static void
each_layer_of_a_deep_model_keeps_as_much_without_checkpointing (void)
{
  guint64 few = get_activations (42), more = get_activations (84), most = get_activations (126);

  g_assert_cmpuint (more, >, few);
  g_assert_cmpuint (most - more, ==, more - few);
}

static void
what_is_not_followed_is_refused_in_a_sentence (void)
{
  refuse ("contiguous-gradients: expected true", "zero-stage", (guint64) 2, "contiguous-gradients", FALSE, NULL);
  refuse ("overlap-comm: expected false", "zero-stage", (guint64) 1, "overlap-comm", TRUE,
          "gradient-accumulation-steps", (guint64) 2, NULL);
  refuse ("optimizer-offload: expected none", "zero-stage", (guint64) 2, "optimizer-offload", HR_OFFLOAD_CPU, NULL);
  refuse ("optimizer: expected one of what is known of ZeRO, adamw, adam, sgd, sgd-momentum, lion; found muon",
          "zero-stage", (guint64) 2, "optimizer", HR_OPTIMIZER_KIND_MUON, NULL);
  refuse ("zero-stage: expected 0 beside fsdp", "framework", HR_TRAINING_FRAMEWORK_TRL, "zero-stage", (guint64) 2,
          "fsdp", HR_FSDP_FULL_SHARD, NULL);
  refuse ("dtype: expected bfloat16, float16 or float32", "framework", HR_TRAINING_FRAMEWORK_TRL, "zero-stage",
          (guint64) 2, "dtype", HR_DTYPE_FLOAT64, NULL);
  refuse ("zero-hpz-partition-size: expected a divisor of 8", "zero-stage", (guint64) 3, "data-parallel", (guint64) 8,
          "zero-hpz-partition-size", (guint64) 3, NULL);
  refuse ("zero-quantized-weights: expected parameters of which each rank has a multiple of 8", "zero-stage",
          (guint64) 3, "data-parallel", (guint64) 7, "zero-quantized-weights", TRUE, NULL);
  refuse ("gpus-per-node: expected a divisor of 12", "zero-stage", (guint64) 3, "data-parallel", (guint64) 12,
          "zero-quantized-gradients", TRUE, NULL);
  refuse ("gradient-dtype", "zero-stage", (guint64) 2, "gradient-dtype", HR_GRADIENT_DTYPE_FLOAT32, NULL);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name) g_test_add_func ("/zero/" #name, name)
  ADD (deepspeeds_estimators_are_reproduced_for_ten_models);
  ADD (the_step_has_pieces_of_gradients_that_the_estimator_does_not_count);
  ADD (a_second_bucket_is_there_while_gradients_are_computed);
  ADD (gradients_are_whole_in_the_first_stage);
  ADD (micro_batches_have_a_second_part_of_gradients);
  ADD (the_third_stage_has_its_bucket_and_pieces_of_gradients);
  ADD (fewer_parameters_are_there_where_fewer_may_be);
  ADD (a_group_is_stepped_at_a_time);
  ADD (small_parameters_stay);
  ADD (what_waits_on_the_host_is_not_on_the_device);
  ADD (a_trainer_hands_zero_on_to_deepspeed);
  ADD (a_trainer_hands_fp16_on_and_trains_in_fp32_without_either);
  ADD (adapters_are_cast_with_the_module);
  ADD (a_checkpoint_in_bfloat16_needs_no_word_of_its_data_type);
  ADD (a_reward_model_is_adapted_in_the_third_stage);
  ADD (quantized_matrices_are_loaded_as_they_are);
  ADD (adapters_of_a_model_loaded_in_parts_stay_in_fp32);
  ADD (each_layer_of_a_deep_model_keeps_as_much_without_checkpointing);
  ADD (what_is_not_followed_is_refused_in_a_sentence);
#undef ADD

  return g_test_run ();
}
