/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Where the answers come from that a model is trained on, and what that does to the phases of a step. */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-grpo-job.h"
#include "hr-job-enums.h"

#include "check-estimate.h"
#include "estimates.h"

#define SHARE 0.25

static HrGpu *
find_gpu (void)
{
  g_autoptr (GError) error = NULL;
  HrGpu *gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", &error);

  g_assert_no_error (error);

  return gpu;
}

static HrJob *
make_job (HrRollout rollout)
{
  HrJob *job = hr_job_new (HR_MODE_GRPO);

  g_object_set (job, "rollout", rollout, "micro-batch-size", G_GUINT64_CONSTANT (4), "gpu-memory-utilization", SHARE,
                "fine-tuning-method", HR_FINE_TUNING_METHOD_FULL, NULL);

  return job;
}

static HrEstimate *
estimate (HrJob *job)
{
  g_autoptr (HrGpu) gpu = find_gpu ();

  return estimate_llama (job, gpu);
}

static guint64
get_share (void)
{
  g_autoptr (HrGpu) gpu = find_gpu ();
  guint64 bytes = SHARE * hr_gpu_get_usable_memory (gpu);

  return (bytes + 511) / 512 * 512;
}

static void
test_awake (void)
{
  g_autoptr (HrJob) elsewhere = make_job (HR_ROLLOUT_VLLM_SERVER);
  g_autoptr (HrJob) beside = make_job (HR_ROLLOUT_VLLM_COLOCATED);
  g_autoptr (HrEstimate) without = estimate (elsewhere);
  g_autoptr (HrEstimate) with = estimate (beside);
  static const HrPhaseId phases[] = { HR_PHASE_OLD_POLICY, HR_PHASE_REFERENCE, HR_PHASE_FORWARD, HR_PHASE_BACKWARD_LOSS,
                                      HR_PHASE_OPTIMIZER };

  for (guint i = 0; i < G_N_ELEMENTS (phases); i++)
    g_assert_cmpuint (get_handed_out (with, phases[i]), ==, get_handed_out (without, phases[i]) + get_share ());
  g_assert_cmpuint (get_phase_bytes (without, HR_PHASE_GENERATION), ==, 0);
  g_assert_cmpuint (hr_estimate_get_reserved_bytes (with), ==, hr_estimate_get_reserved_bytes (without) + get_share ());
}

/* Of its share Unsloth’s trainer reads the weights as well, and there is no second copy of them. */
static void
test_shared_weights (void)
{
  g_autoptr (HrJob) job = make_job (HR_ROLLOUT_VLLM_COLOCATED);
  g_autoptr (HrEstimate) shared = NULL;
  guint64 weights, engine;

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_UNSLOTH, "fine-tuning-method", HR_FINE_TUNING_METHOD_LORA,
                "dtype", HR_DTYPE_BFLOAT16, "attention", HR_ATTENTION_IMPLEMENTATION_FLASH, NULL);
  shared = estimate (job);
  engine = hr_estimate_get_component_bytes (shared, HR_COMPONENT_ROLLOUT_ENGINE);
  weights = hr_model_get_n_parameters (hr_estimate_get_model (shared)) * 2;
  g_assert_cmpuint (engine + weights, <=, get_share ());
  g_assert_cmpuint (engine + weights + weights / 100, >=, get_share ());
}

static void
test_asleep (void)
{
  static const HrRolloutSleep levels[] = { HR_ROLLOUT_SLEEP_LEVEL_1, HR_ROLLOUT_SLEEP_LEVEL_2 };
  g_autoptr (HrJob) elsewhere = make_job (HR_ROLLOUT_VLLM_SERVER);
  g_autoptr (HrEstimate) without = estimate (elsewhere);

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_autoptr (HrJob) beside = make_job (HR_ROLLOUT_VLLM_COLOCATED);
      g_autoptr (HrEstimate) with = NULL;

      g_object_set (beside, "rollout-sleep", levels[i], NULL);
      with = estimate (beside);
      g_assert_cmpuint (get_handed_out (with, HR_PHASE_BACKWARD_LOSS), ==,
                        get_handed_out (without, HR_PHASE_BACKWARD_LOSS));
      g_assert_cmpuint (get_phase_bytes (with, HR_PHASE_GENERATION), >, get_share ());
      g_assert_cmpint (hr_estimate_get_peak_phase (with), ==, HR_PHASE_GENERATION);
    }
}

static void
assert_refused (HrJob      *job,
                HrGpu      *gpu,
                const char *message)
{
  g_autoptr (HrModel) model = load_llama ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) result = hr_estimator_run (model, job, gpu, 1, &error);

  g_assert_null (result);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_refusals (void)
{
  g_autoptr (HrJob) job = make_job (HR_ROLLOUT_VLLM_COLOCATED);
  g_autoptr (HrModel) huge = NULL;
  g_autoptr (HrGpu) gpu = find_gpu ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) result = NULL;

  assert_refused (job, NULL,
                  "rollout: expected a GPU to be chosen, as vLLM on the same GPU takes a share of its memory; found "
                  "none");

  huge = hr_model_new_from_id ("Qwen/Qwen2.5-14B-Instruct", &error);
  g_assert_no_error (error);
  result = hr_estimator_run (huge, job, gpu, 1, &error);
  g_assert_null (result);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_true (g_str_has_prefix (error->message, "gpu-memory-utilization: expected more than 0.3"));
}

/* Quantized weights that are shared take what they take in the trainer, whose embeddings are not quantized. */
static void
test_least_share_of_quantized_weights (void)
{
  g_autoptr (HrJob) job = make_job (HR_ROLLOUT_VLLM_COLOCATED);
  g_autoptr (HrGpu) gpu = find_gpu ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("meta-llama/Meta-Llama-3.1-8B", &error);
  g_autoptr (HrEstimate) result = NULL;
  g_autoptr (HrEstimate) refused = NULL;

  g_assert_no_error (error);
  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_UNSLOTH, "fine-tuning-method", HR_FINE_TUNING_METHOD_QLORA,
                "attention", HR_ATTENTION_IMPLEMENTATION_FLASH, "gpu-memory-utilization", 0.08, NULL);
  result = hr_estimator_run (model, job, gpu, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_component_bytes (result, HR_COMPONENT_ROLLOUT_ENGINE), >, 0);

  /* More than half a byte for each parameter, and less than the weights. */
  g_object_set (job, "gpu-memory-utilization", 0.06, NULL);
  g_assert_cmpuint (hr_gpu_get_usable_memory (gpu) * 0.06, >, hr_model_get_n_parameters (model) / 2);
  refused = hr_estimator_run (model, job, gpu, 1, &error);
  g_assert_null (refused);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_true (g_str_has_prefix (error->message, "gpu-memory-utilization: expected more than 0.07"));
}

/* Copies of Unsloth's models are in DistributedDataParallel, whose buckets are as large as what is trained. */
static void
test_copies (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", NULL);
  g_autoptr (HrModel) model = hr_model_new_from_id ("meta-llama/Meta-Llama-3.1-8B", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (HrJob) answers = make_job (HR_ROLLOUT_VLLM_COLOCATED);
  g_autoptr (HrEstimate) result = NULL;
  g_autoptr (HrEstimate) refused = NULL;

  g_assert_no_error (error);
  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_UNSLOTH, NULL);
  result = hr_estimator_run (model, job, gpu, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_component_bytes (result, HR_COMPONENT_COMMUNICATION), ==,
                    4 * hr_estimate_get_n_trainable_parameters (result));

  g_object_set (answers, "framework", HR_TRAINING_FRAMEWORK_UNSLOTH, "fine-tuning-method", HR_FINE_TUNING_METHOD_LORA,
                "attention", HR_ATTENTION_IMPLEMENTATION_FLASH, NULL);
  refused = hr_estimator_run (model, answers, gpu, 2, &error);
  g_assert_null (refused);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_true (g_str_has_prefix (error->message, "gpus: expected 1"));
}

/* Answers that are used once, by the policy that wrote them, have a ratio of one: nothing is read for it. */
static void
test_old_policy (void)
{
  static const struct
  {
    guint64 accumulation;
    guint64 steps;
    guint64 iterations;
    gboolean is_read;
  } cases[] = {
    { 1, 0, 1, FALSE }, { 4, 0, 1, FALSE }, { 4, 2, 1, FALSE }, { 4, 2, 2, FALSE },
    { 1, 0, 2, TRUE },  { 1, 2, 1, TRUE },  { 4, 3, 1, TRUE },  { 4, 0, 2, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrJob) job = make_job (HR_ROLLOUT_NONE);
      g_autoptr (HrEstimate) result = NULL;

      g_object_set (job, "gradient-accumulation-steps", cases[i].accumulation, "steps-per-generation", cases[i].steps,
                    "num-iterations", cases[i].iterations, NULL);
      result = estimate (job);
      g_assert_cmpint (get_phase_bytes (result, HR_PHASE_OLD_POLICY) > 0, ==, cases[i].is_read);
    }
}

/* Between the micro-batches of a step there are gradients of those before. */
static void
test_generation_within_step (void)
{
  g_autoptr (HrJob) job = make_job (HR_ROLLOUT_TRANSFORMERS);
  g_autoptr (HrEstimate) before = NULL;
  g_autoptr (HrEstimate) within = NULL;
  guint64 gradients, answers;

  g_object_set (job, "gradient-accumulation-steps", G_GUINT64_CONSTANT (4), "steps-per-generation",
                G_GUINT64_CONSTANT (4), NULL);
  before = estimate (job);
  g_object_set (job, "steps-per-generation", G_GUINT64_CONSTANT (1), NULL);
  within = estimate (job);

  gradients = 2 * hr_estimate_get_n_trainable_parameters (within);
  /*
   * Ids, masks, advantages and log-probabilities by the reference model of the three other micro-batches, and their ids
   * and masks once more, of prompts and answers as one.
   */
  answers = 3 * (4 * 4 * 512 * 8 + 512 + 4 * 512 * 4 + 2 * 4 * 1024 * 8);
  g_assert_cmpuint (get_handed_out (before, HR_PHASE_REFERENCE) + gradients, ==,
                    get_handed_out (within, HR_PHASE_REFERENCE) + answers);
}

/* The sentence beside the rule of thumb: when its factor is that of the sequences in memory. */
static void
test_when_the_factor_holds (void)
{
  static const struct
  {
    HrAlgorithm algorithm;
    guint64 batch;
    const char *words;
  } cases[] = {
    { HR_ALGORITHM_GRPO, 16, "the 16 of a micro-batch are all answers to 2 prompts" },
    { HR_ALGORITHM_GRPO, 4, "k times does not hold" },
    { HR_ALGORITHM_RLOO, 12, "k times (k = 8) counts the micro-batch in prompts: 96 answers at once" },
    { HR_ALGORITHM_DPO, 3, "a micro-batch of pairs (here 3) is twice as many sequences (6)" },
  };
  g_autoptr (HrJob) supervised = make_job (HR_ROLLOUT_NONE);
  g_autoptr (HrEstimate) without = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrJob) job = make_job (HR_ROLLOUT_NONE);
      g_autoptr (HrEstimate) result = NULL;

      g_object_set (job, "algorithm", cases[i].algorithm, "micro-batch-size", cases[i].batch, NULL);
      result = estimate (job);
      g_assert_nonnull (strstr (hr_estimate_get_warnings (hr_estimate_get_rule_of_thumb (result))[0], cases[i].words));
    }

  g_object_set (supervised, "algorithm", HR_ALGORITHM_SFT, NULL);
  without = estimate (supervised);
  g_assert_null (hr_estimate_get_warnings (hr_estimate_get_rule_of_thumb (without))[0]);
}

static HrEstimate *
estimate_rank (const char  *settings,
               GError     **error)
{
  g_autoptr (HrJob) job = make_job (HR_ROLLOUT_NONE);
  g_autoptr (HrModel) model = load_llama ();
  g_autoptr (HrGpu) gpu = find_gpu ();

  hr_job_set_all_from_string (job, "framework=trl dtype=bfloat16 data-parallel=2 fsdp=full-shard micro-batch-size=1 "
                                   "sequence-length=64 prompt-length=32 completion-length=32", NULL);
  hr_job_set_all_from_string (job, settings, error);
  g_assert_no_error (*error);

  return hr_estimator_run (model, job, gpu, 1, error);
}

/* Twice in bfloat16: what is gathered, and what the modules see of it. */
static void
test_whole_reference (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = estimate_rank ("algorithm=dpo fsdp-version=2", &error);
  guint64 n;

  g_assert_no_error (error);
  n = hr_model_get_n_parameters (hr_estimate_get_model (estimate));
  g_assert_cmpint (hr_estimate_get_peak_phase (estimate), ==, HR_PHASE_REFERENCE);
  g_assert_cmpuint (hr_estimate_get_component_bytes (estimate, HR_COMPONENT_COMMUNICATION), ==, 2 * n);
  g_assert_cmpuint (hr_estimate_get_component_bytes (estimate, HR_COMPONENT_TEMPORARY), >=, 2 * n);
}

/* A half of each, and what is around the layers as a whole beside that. */
static void
test_rest_of_reference (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = estimate_rank ("algorithm=dpo fsdp-version=1", &error);
  guint64 n;

  g_assert_no_error (error);
  n = hr_model_get_n_parameters (hr_estimate_get_model (estimate));
  g_assert_cmpuint (hr_estimate_get_component_bytes (estimate, HR_COMPONENT_REFERENCE_MODEL), >, n);
  g_assert_cmpuint (hr_estimate_get_component_bytes (estimate, HR_COMPONENT_REFERENCE_MODEL), <, 2 * n);
}

static void
test_refused_rollouts (void)
{
  static const struct
  {
    const char *settings;
    const char *setting;
  } cases[] = {
    { "fine-tuning-method=lora fsdp-version=2 rollout=transformers", "rollout: " },
    { "fine-tuning-method=lora fsdp-version=1 rollout=vllm-colocated", "rollout: " },
    { "fine-tuning-method=lora fsdp-version=1 rollout=vllm-server", "rollout: " },
    { "fine-tuning-method=qlora fsdp-version=2 rollout=vllm-server", "quantization: " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = estimate_rank (cases[i].settings, &error);

      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_assert_true (g_str_has_prefix (error->message, cases[i].setting));
      g_assert_null (estimate);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rollout/unsloth_trains_copies_on_several_gpus", test_copies);
  g_test_add_func ("/memory/rollout/an_engine_that_stays_awake_takes_its_share_of_every_phase", test_awake);
  g_test_add_func ("/memory/rollout/one_of_unsloth_shares_its_weights_with_the_trainer", test_shared_weights);
  g_test_add_func ("/memory/rollout/one_that_sleeps_takes_it_while_it_generates", test_asleep);
  g_test_add_func ("/memory/rollout/a_share_without_a_gpu_or_below_the_weights_is_refused", test_refusals);
  g_test_add_func ("/memory/rollout/quantized_weights_that_are_shared_need_their_whole_share",
                   test_least_share_of_quantized_weights);
  g_test_add_func ("/memory/rollout/the_old_policy_reads_only_answers_that_are_used_after_training", test_old_policy);
  g_test_add_func ("/memory/rollout/generating_within_a_step_finds_the_gradients_of_its_first_part",
                   test_generation_within_step);
  g_test_add_func ("/memory/rollout/the_rule_of_thumb_says_when_its_factor_holds", test_when_the_factor_holds);

  g_test_add_func ("/memory/rollout/fsdp_2_gathers_a_reference_model_as_a_whole", test_whole_reference);
  g_test_add_func ("/memory/rollout/fsdp_1_keeps_what_is_around_the_layers_of_a_reference_model",
                   test_rest_of_reference);
  g_test_add_func ("/memory/rollout/fsdp_does_not_let_every_policy_with_adapters_answer", test_refused_rollouts);

  return g_test_run ();
}
