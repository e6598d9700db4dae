/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The four models of PPO: what each takes, and what is held between the parts of a step. */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-grpo-job.h"
#include "hr-job-enums.h"

#include "check-estimate.h"
#include "estimates.h"

#define VOCABULARY G_GUINT64_CONSTANT (4000)
#define HIDDEN G_GUINT64_CONSTANT (512)
#define COMPLETION G_GUINT64_CONSTANT (64)

static HrJob *
make_job (HrFineTuningMethod method)
{
  HrJob *job = hr_job_new (HR_MODE_GRPO);

  g_object_set (job, "algorithm", HR_ALGORITHM_PPO, "fine-tuning-method", method, "micro-batch-size",
                G_GUINT64_CONSTANT (4), "prompt-length", G_GUINT64_CONSTANT (192), "completion-length", COMPLETION,
                NULL);

  return job;
}

static HrEstimate *
estimate (HrJob *job)
{
  g_autoptr (HrModel) model = load_llama ();
  HrEstimate *result = run_with_timeline (model, job);

  check_estimate (result);

  return result;
}

static guint64
count_parameters (gboolean of_scorer)
{
  g_autoptr (HrModel) model = load_llama ();
  g_autoptr (GError) error = NULL;
  HrModel *counted = of_scorer ? hr_model_get_scorer (model, &error) : model;

  g_assert_no_error (error);

  return hr_model_get_n_parameters (counted);
}

/* Of the value model its own parameters, those that a method adds, or its head, a row as wide as the model. */
static void
test_trained (void)
{
  static const struct
  {
    HrValueModel value_model;
    gboolean is_whole;
    guint64 n_trained;
  } cases[] = {
    { HR_VALUE_MODEL_FULL, TRUE, 0 },
    { HR_VALUE_MODEL_HEAD, FALSE, HIDDEN },
    { HR_VALUE_MODEL_SHARED, FALSE, HIDDEN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrJob) job = make_job (HR_FINE_TUNING_METHOD_FULL);
      g_autoptr (HrEstimate) result = NULL;
      guint64 of_value_model = cases[i].is_whole ? count_parameters (TRUE) : cases[i].n_trained;

      g_object_set (job, "value-model", cases[i].value_model, NULL);
      result = estimate (job);
      g_assert_cmpuint (hr_estimate_get_n_trainable_parameters (result), ==,
                        count_parameters (FALSE) + of_value_model);
    }
}

static void
test_adapters_of_both (void)
{
  g_autoptr (HrJob) head = make_job (HR_FINE_TUNING_METHOD_LORA);
  g_autoptr (HrJob) likewise = make_job (HR_FINE_TUNING_METHOD_LORA);
  g_autoptr (HrEstimate) one = NULL, two = NULL;
  guint64 of_policy;

  g_object_set (head, "value-model", HR_VALUE_MODEL_HEAD, NULL);
  g_object_set (likewise, "value-model", HR_VALUE_MODEL_LORA, NULL);
  one = estimate (head);
  two = estimate (likewise);
  of_policy = hr_estimate_get_n_trainable_parameters (one) - HIDDEN;
  g_assert_cmpuint (hr_estimate_get_n_trainable_parameters (two), ==, 2 * of_policy + HIDDEN);
}

static void
test_weights (void)
{
  static const struct
  {
    HrValueModel value_model;
    HrRewardModel reward_model;
    gboolean has_value_model;
    gboolean has_reward_model;
  } cases[] = {
    { HR_VALUE_MODEL_FULL, HR_REWARD_MODEL_OWN, TRUE, TRUE },
    { HR_VALUE_MODEL_SHARED, HR_REWARD_MODEL_SHARED, FALSE, FALSE },
    { HR_VALUE_MODEL_LORA, HR_REWARD_MODEL_ELSEWHERE, TRUE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrJob) job = make_job (HR_FINE_TUNING_METHOD_LORA);
      g_autoptr (HrEstimate) result = NULL;
      guint64 least = 2 * count_parameters (TRUE);

      g_object_set (job, "value-model", cases[i].value_model, "reward-model", cases[i].reward_model, NULL);
      result = estimate (job);
      g_assert_cmpint (get_component_bytes (result, HR_COMPONENT_VALUE_MODEL) >= least, ==, cases[i].has_value_model);
      g_assert_cmpint (get_component_bytes (result, HR_COMPONENT_REWARD_MODEL) >= least, ==, cases[i].has_reward_model);
      g_assert_cmpint (get_phase_bytes (result, HR_PHASE_REWARD) > 0, ==,
                       cases[i].reward_model != HR_REWARD_MODEL_ELSEWHERE);
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_REFERENCE_MODEL), ==, 0);
    }
}

/* The scores of all answers over the vocabulary, in fp32: half as many answers make half of it. */
static void
test_scores_stay (void)
{
  g_autoptr (HrJob) four = make_job (HR_FINE_TUNING_METHOD_LORA);
  g_autoptr (HrJob) eight = make_job (HR_FINE_TUNING_METHOD_LORA);
  g_autoptr (HrEstimate) few = NULL, many = NULL;
  guint64 scores = 4 * COMPLETION * VOCABULARY * sizeof (float);

  g_object_set (eight, "gradient-accumulation-steps", G_GUINT64_CONSTANT (2), "num-mini-batches",
                G_GUINT64_CONSTANT (2), NULL);
  few = estimate (four);
  many = estimate (eight);
  g_assert_cmpuint (get_phase_bytes (many, HR_PHASE_FORWARD), >=, get_phase_bytes (few, HR_PHASE_FORWARD) + scores);
}

static void
test_fewer_at_once (void)
{
  g_autoptr (HrJob) all = make_job (HR_FINE_TUNING_METHOD_LORA);
  g_autoptr (HrJob) one = make_job (HR_FINE_TUNING_METHOD_LORA);
  g_autoptr (HrEstimate) at_once = NULL, by_one = NULL;

  g_object_set (one, "rollout-batch-size", G_GUINT64_CONSTANT (1), NULL);
  at_once = estimate (all);
  by_one = estimate (one);
  g_assert_cmpuint (get_phase_bytes (by_one, HR_PHASE_REFERENCE), <, get_phase_bytes (at_once, HR_PHASE_REFERENCE));
  g_assert_cmpuint (get_phase_bytes (by_one, HR_PHASE_FORWARD), <=, get_phase_bytes (at_once, HR_PHASE_FORWARD));
}

/* Within a mini-batch the logits of a micro-batch are there while the next one is read. */
static void
test_outputs_stay (void)
{
  g_autoptr (HrJob) apart = make_job (HR_FINE_TUNING_METHOD_LORA);
  g_autoptr (HrJob) together = make_job (HR_FINE_TUNING_METHOD_LORA);
  g_autoptr (HrEstimate) two = NULL, one = NULL;
  guint64 logits = 4 * (192 + COMPLETION) * VOCABULARY * 2;

  g_object_set (apart, "gradient-accumulation-steps", G_GUINT64_CONSTANT (2), "num-mini-batches",
                G_GUINT64_CONSTANT (2), NULL);
  g_object_set (together, "gradient-accumulation-steps", G_GUINT64_CONSTANT (2), NULL);
  two = estimate (apart);
  one = estimate (together);
  g_assert_cmpuint (get_phase_bytes (one, HR_PHASE_FORWARD), >=, get_phase_bytes (two, HR_PHASE_FORWARD) + logits);
}

static void
assert_refused (const char *setting,
                const char *value,
                gboolean    has_reference)
{
  g_autoptr (HrModel) model = load_llama ();
  g_autoptr (HrJob) job = make_job (HR_FINE_TUNING_METHOD_LORA);
  g_autoptr (GError) error = NULL;

  g_object_set (job, "reference-model", has_reference, NULL);
  g_assert_true (hr_job_set_from_string (job, setting, value, NULL));
  g_assert_null (hr_estimator_run (model, job, NULL, 1, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, setting));
}

static void
test_refused (void)
{
  assert_refused ("reward-model", "shared", FALSE);
  assert_refused ("num-mini-batches", "3", TRUE);
  assert_refused ("loss-implementation", "liger-grpo", TRUE);
}

/* The policy alone is quantized. */
static void
test_quantized (void)
{
  g_autoptr (HrJob) job = make_job (HR_FINE_TUNING_METHOD_QLORA);
  g_autoptr (HrEstimate) result = NULL;

  g_object_set (job, "quantization", HR_QUANTIZATION_BNB_NF4, NULL);
  result = estimate (job);
  g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_VALUE_MODEL), >=, 2 * count_parameters (TRUE));
  g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_WEIGHTS), <, 2 * count_parameters (TRUE));
}

/* The weights of a model that is named are its own, in the head of a row. */
static void
test_named_models (void)
{
  g_autoptr (HrModel) other = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B", NULL);
  g_autoptr (HrJob) job = make_job (HR_FINE_TUNING_METHOD_FULL);
  g_autoptr (HrJob) copy = NULL;
  g_autoptr (HrEstimate) result = NULL;
  g_autoptr (GError) error = NULL;
  guint64 n;

  g_assert_nonnull (other);
  n = hr_model_get_n_parameters (hr_model_get_scorer (other, &error));
  hr_job_set_model (job, "reward-model-path", "any name", other);
  copy = hr_job_copy (job);
  g_assert_true (hr_job_get_model (copy, "reward-model-path") == other);
  result = estimate (copy);
  g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_REWARD_MODEL), >=, 2 * n);
  g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_REWARD_MODEL), <, 2 * n + 1000000);
  g_assert_cmpuint (hr_estimate_get_n_trainable_parameters (result), ==,
                    count_parameters (FALSE) + count_parameters (TRUE));

  g_clear_object (&result);
  hr_job_set_model (copy, "value-model-path", "any name", other);
  result = estimate (copy);
  g_assert_cmpuint (hr_estimate_get_n_trainable_parameters (result), ==, count_parameters (FALSE) + n);
}

/* A name alone is none: whoever asks for an estimate has the model read before. */
static void
test_named_models_are_read (void)
{
  g_autoptr (HrModel) model = load_llama ();
  g_autoptr (HrJob) job = make_job (HR_FINE_TUNING_METHOD_FULL);
  g_autoptr (HrEstimate) result = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (job, "value-model-path", "no/such-model", NULL);
  result = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_null (result);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_clear_error (&error);

  g_assert_false (hr_job_load_models (job, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
  g_assert_nonnull (strstr (error->message, "value-model-path"));
  g_clear_error (&error);

  /* What says nothing is not read. */
  g_object_set (job, "value-model", HR_VALUE_MODEL_SHARED, NULL);
  g_assert_true (hr_job_load_models (job, &error));
  g_object_set (job, "value-model", HR_VALUE_MODEL_FULL, "value-model-path", "Qwen/Qwen2.5-0.5B", NULL);
  g_assert_true (hr_job_load_models (job, &error));
  g_assert_nonnull (hr_job_get_model (job, "value-model-path"));
  result = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/ppo/what_is_trained_of_the_value_model_is_counted", test_trained);
  g_test_add_func ("/ppo/a_value_model_with_adapters_trains_its_head_as_well", test_adapters_of_both);
  g_test_add_func ("/ppo/models_take_their_weights_unless_they_share_layers", test_weights);
  g_test_add_func ("/ppo/the_scores_of_all_answers_stay", test_scores_stay);
  g_test_add_func ("/ppo/fewer_answers_are_read_at_once", test_fewer_at_once);
  g_test_add_func ("/ppo/outputs_stay_within_a_mini_batch", test_outputs_stay);
  g_test_add_func ("/ppo/what_cannot_be_is_refused", test_refused);
  g_test_add_func ("/ppo/the_policy_alone_is_quantized", test_quantized);
  g_test_add_func ("/ppo/models_that_are_named_take_their_own_weights", test_named_models);
  g_test_add_func ("/ppo/models_that_are_named_are_read_before", test_named_models_are_read);

  return g_test_run ();
}
