/* SPDX-License-Identifier: GPL-3.0-or-later */

/* ColossalChat with low-level ZeRO: what ranks share, what variables of its trainers hold, and what is refused. */

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-grpo-job.h"
#include "hr-job-enums.h"

#include "check-estimate.h"
#include "estimates.h"

#define VOCABULARY G_GUINT64_CONSTANT (4000)
#define HIDDEN G_GUINT64_CONSTANT (512)
#define LAYERS G_GUINT64_CONSTANT (6)
#define LENGTH G_GUINT64_CONSTANT (256)
#define RANKS G_GUINT64_CONSTANT (4)

/* Keys and values of a token, in 16 bits, in 2 heads of 64. */
#define CACHED (2 * 2 * 64 * 2 * LAYERS)

/* What one piece more or less is rounded to, and what tensors with a number a token take. */
#define SLACK G_GUINT64_CONSTANT (200000)

static HrJob *
make_job (const char *algorithm)
{
  HrJob *job = hr_job_new (HR_MODE_GRPO);

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_COLOSSALAI, "fine-tuning-method", HR_FINE_TUNING_METHOD_FULL,
                "gradient-checkpointing", HR_GRADIENT_CHECKPOINTING_FULL, "micro-batch-size", G_GUINT64_CONSTANT (1),
                "sequence-length", LENGTH, "data-parallel", RANKS, NULL);
  g_assert_true (hr_job_set_from_string (job, "algorithm", algorithm, NULL));

  return job;
}

static guint64
get_phase (HrJob     *job,
           HrPhaseId  phase)
{
  g_autoptr (HrEstimate) result = estimate_llama (job, NULL);

  return get_handed_out (result, phase);
}

static void
check_step (HrJob   *job,
            guint64  expected)
{
  guint64 held = get_phase (job, HR_PHASE_OPTIMIZER);

  expected += LENGTH * VOCABULARY * sizeof (guint16);
  g_assert_cmpuint (held, >=, expected);
  g_assert_cmpuint (held, <, expected + SLACK);
}

/*
 * 2 bytes for each parameter, 2 for its gradient, 4 for that in fp32, 4 and 8 in the optimizer. The norm of the largest
 * gradient is that of a copy in fp64.
 */
static void
test_one (void)
{
  g_autoptr (HrJob) job = make_job ("sft");

  g_object_set (job, "data-parallel", G_GUINT64_CONSTANT (1), NULL);
  check_step (job, 20 * count_llama () + VOCABULARY * HIDDEN * sizeof (double));
}

/* Parts of all parameters in one piece, those of all ranks, and the largest that is put together of them. */
static guint64
count_gathered (void)
{
  guint64 n = count_llama ();

  return 2 * (n / RANKS + n / RANKS + n + VOCABULARY * HIDDEN);
}

/* Of gradients and of what the optimizer has each rank has a part; those in fp32 go before parameters are gathered. */
static void
test_shares (void)
{
  g_autoptr (HrJob) job = make_job ("sft");
  guint64 n = count_llama ();

  check_step (job, 2 * n + 14 * n / RANKS + count_gathered ());
}

/* On the host are the copies in fp32 and the states; gradients wait on the device until the step is over. */
static void
test_offload (void)
{
  g_autoptr (HrJob) job = make_job ("sft");
  guint64 n = count_llama ();

  g_object_set (job, "optimizer-offload", HR_OFFLOAD_CPU, NULL);
  check_step (job, 2 * n + 2 * n / RANKS + count_gathered ());
}

/* Gradients that are there already are added to, and pieces of them come beside. */
static void
test_accumulation (void)
{
  g_autoptr (HrJob) one = make_job ("sft");
  g_autoptr (HrJob) many = make_job ("sft");
  guint64 step;

  g_object_set (many, "gradient-accumulation-steps", G_GUINT64_CONSTANT (3), NULL);
  step = get_phase (one, HR_PHASE_OPTIMIZER);
  g_assert_cmpuint (get_phase (many, HR_PHASE_OPTIMIZER), ==, step);
  g_assert_cmpuint (get_phase (many, HR_PHASE_BACKWARD), >, get_phase (one, HR_PHASE_BACKWARD));
}

/* What variables hold of logits, in 16 bits, until the next micro-batch brings others. */
static void
test_logits_stay (void)
{
  static const struct { const char *algorithm; guint64 n_bytes; } rows[] = {
    { "sft", 2 }, { "simpo", 2 * 2 }, { "dpo", 2 * (2 + 2) }, { "orpo", 2 * (2 + 4) }, { "kto", 2 + 2 + 2 + 2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (HrJob) job = make_job (rows[i].algorithm);
      guint64 few = get_phase (job, HR_PHASE_OPTIMIZER);
      guint64 more;

      g_object_set (job, "micro-batch-size", G_GUINT64_CONSTANT (5), NULL);
      more = get_phase (job, HR_PHASE_OPTIMIZER) - few;
      g_assert_cmpuint (more, >=, 4 * LENGTH * VOCABULARY * rows[i].n_bytes);
      g_assert_cmpuint (more, <, 4 * LENGTH * VOCABULARY * rows[i].n_bytes + SLACK);
    }
}

/*
 * While the reference model reads, with a cache that nobody asked for: the logits of the policy and their log-softmax,
 * what the reference model has returned before and returns now, what goes into the layers of the policy, and 16 bytes
 * for each number of what the last norms of both have made and read.
 */
static void
test_reference (void)
{
  g_autoptr (HrJob) job = make_job ("dpo");
  guint64 few = get_phase (job, HR_PHASE_REFERENCE);
  guint64 tokens = 2 * 4 * LENGTH;
  guint64 most = 4 * VOCABULARY * sizeof (guint16) + CACHED + HIDDEN * (2 * LAYERS + 16);
  guint64 more;

  g_object_set (job, "micro-batch-size", G_GUINT64_CONSTANT (5), NULL);
  more = get_phase (job, HR_PHASE_REFERENCE) - few;
  g_assert_cmpuint (more, >=, tokens * most);
  g_assert_cmpuint (more, <, tokens * (most + HIDDEN));
}

static void
test_refused (void)
{
  static const char * const settings[][2] = {
    { "dtype", "float32" }, { "fine-tuning-method", "lora" }, { "zero-stage", "3" }, { "algorithm", "grpo" },
    { "autocast", "bfloat16" }, { "optimizer", "sgd" }, { "optimizer-offload", "nvme" }, { "tensor-parallel", "2" },
  };
  g_autoptr (HrModel) model = load_llama ();

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (HrJob) job = make_job ("dpo");
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

  g_test_add_func ("/colossalai/a_step_has_gradients_of_16_bits_beside_those_in_fp32", test_one);
  g_test_add_func ("/colossalai/ranks_share_each_parameter_and_gather_it", test_shares);
  g_test_add_func ("/colossalai/an_optimizer_on_the_host_leaves_gradients_of_16_bits", test_offload);
  g_test_add_func ("/colossalai/gradients_of_more_micro_batches_are_added_to_the_first", test_accumulation);
  g_test_add_func ("/colossalai/logits_stay_until_others_come", test_logits_stay);
  g_test_add_func ("/colossalai/the_reference_model_fills_a_cache", test_reference);
  g_test_add_func ("/colossalai/what_is_not_known_of_it_is_refused", test_refused);

  return g_test_run ();
}
