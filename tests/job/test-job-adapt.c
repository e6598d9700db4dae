/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "headroom.h"

#include <string.h>

/* Lengths as hr_job_resolve() has them, of what somebody has said of a job: settings as text, with blanks between. */
static const struct
{
  const char *model;
  const char *said;
  guint64 prompt;
  guint64 output;
} lengths[] = {
  /*
   * Positions: 32,768, 2,048, 1,024, 2,048 (a decoder without a head), 512 (an encoder, which writes nothing), 1,024 of
   * encoder and decoder.
   */
  { "Qwen/Qwen2.5-7B-Instruct", "", 2048, 512 },
  { "facebook/opt-6.7b", "", 1536, 512 },
  { "facebook/opt-6.7b", "engine=vllm", 1536, 512 },
  { "openai-community/gpt2", "", 512, 512 },
  { "cerebras/Cerebras-GPT-13B", "engine=vllm", 1536, 512 },
  { "google-bert/bert-base-uncased", "", 512, 512 },
  { "facebook/bart-large", "", 1024, 512 },
  /* What has been said stays, also where it is what it would be by default, and leaves the rest to the other. */
  { "facebook/opt-6.7b", "prompt-length=2048", 2048, 512 },
  { "facebook/opt-6.7b", "prompt-length=1900", 1900, 148 },
  { "facebook/opt-6.7b", "output-length=100", 1948, 100 },
  { "facebook/opt-6.7b", "prompt-length=2048 output-length=512", 2048, 512 },
  { "openai-community/gpt2", "prompt-length=4096", 4096, 512 },
  /* The context that a server is started with. */
  { "Qwen/Qwen2.5-7B-Instruct", "engine=vllm max-model-len=2048", 1536, 512 },
  { "Qwen/Qwen2.5-7B-Instruct", "max-model-len=2048", 2048, 512 },
};

static HrModel *
load (const char *id)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_id (id, &error);

  g_assert_no_error (error);

  return model;
}

static HrJob *
create (HrMode      mode,
        const char *said)
{
  g_autoptr (GError) error = NULL;
  HrJob *job = hr_job_new (mode);

  g_assert_true (hr_job_set_all_from_string (job, said, &error));
  g_assert_no_error (error);

  return job;
}

static void
test_lengths_that_nobody_gave_are_no_longer_than_the_context (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (HrModel) model = load (lengths[i].model);
      g_autoptr (HrJob) job = create (HR_MODE_INFERENCE, lengths[i].said);
      g_autoptr (HrJob) copy = hr_job_copy (job);
      g_autoptr (HrJob) resolved = hr_job_resolve (copy, model);
      guint64 prompt, output;

      g_test_message ("%s %s", lengths[i].model, lengths[i].said);
      g_object_get (resolved, "prompt-length", &prompt, "output-length", &output, NULL);
      g_assert_cmpuint (prompt, ==, lengths[i].prompt);
      g_assert_cmpuint (output, ==, lengths[i].output);
    }
}

static gboolean
warns (HrEstimate *estimate,
       const char *of)
{
  const char * const *warnings = hr_estimate_get_warnings (estimate);

  for (guint i = 0; warnings[i] != NULL; i++)
    {
      if (strstr (warnings[i], of) != NULL)
        return TRUE;
    }

  return FALSE;
}

/* Releases of vLLM up to 0.20 take less of the memory by themselves; what has been said stays. */
static void
test_releases_take_shares_of_their_own (void)
{
  static const struct
  {
    const char *said;
    double share;
  } rows[] = {
    { "engine=vllm", 0.92 },
    { "engine=vllm vllm-release=0.22", 0.92 },
    { "engine=vllm vllm-release=0.20", 0.9 },
    { "engine=vllm vllm-release=0.7", 0.9 },
    { "engine=vllm vllm-release=0.11 gpu-memory-utilization=0.92", 0.92 },
    { "engine=vllm vllm-release=0.11 gpu-memory-utilization=0.5", 0.5 },
    { "vllm-release=0.11", 0.92 },
  };
  g_autoptr (HrModel) model = load ("Qwen/Qwen2.5-7B-Instruct");

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (HrJob) job = create (HR_MODE_INFERENCE, rows[i].said);
      g_autoptr (HrJob) resolved = hr_job_resolve (job, model);
      g_autoptr (HrEstimate) estimate = NULL;
      g_autoptr (GError) error = NULL;
      double share;

      g_test_message ("%s", rows[i].said);
      g_object_get (resolved, "gpu-memory-utilization", &share, NULL);
      g_assert_cmpfloat (share, ==, rows[i].share);
      estimate = hr_estimator_run (model, job, NULL, 1, &error);
      g_assert_no_error (error);
      g_assert_cmpint (warns (estimate, "gpu-memory-utilization is counted as 0.9"), ==, rows[i].share == 0.9);
      g_assert_false (warns (estimate, "Prompt and output are counted"));
    }
}

/* The estimate is that of the lengths that the resolved job has, and says so. */
static void
test_estimate_is_of_the_adapted_lengths_and_says_so (void)
{
  g_autoptr (HrModel) model = load ("facebook/opt-125m");
  g_autoptr (HrJob) job = create (HR_MODE_INFERENCE, "");
  g_autoptr (HrJob) given = create (HR_MODE_INFERENCE, "prompt-length=1536 output-length=512");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_autoptr (HrEstimate) expected = hr_estimator_run (model, given, NULL, 1, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_total_bytes (estimate), ==, hr_estimate_get_total_bytes (expected));
  g_assert_true (warns (estimate, "1536 and 512 tokens"));
  g_assert_false (warns (expected, "1536 and 512 tokens"));
}

static void
test_experts_beside_tensor_parallelism_divide_sequences_unless_that_is_ruled_out (void)
{
  const char *said = "framework=megatron-lm tensor-parallel=2";
  g_autoptr (HrModel) mixture = load ("Qwen/Qwen3-30B-A3B");
  g_autoptr (HrModel) dense = load ("Qwen/Qwen3-8B");
  g_autoptr (HrJob) job = create (HR_MODE_TRAINING, said);
  g_autoptr (HrJob) ruled_out = create (HR_MODE_TRAINING, "framework=megatron-lm tensor-parallel=2 "
                                                          "sequence-parallel=false");
  g_autoptr (HrJob) resolved = hr_job_resolve (job, mixture);
  g_autoptr (HrJob) resolved_dense = hr_job_resolve (job, dense);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) refusal = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (mixture, job, NULL, 2, &error);

  g_assert_no_error (error);
  g_assert_true (warns (estimate, "sequence-parallel is counted as true"));
  g_assert_true (hr_training_job_get_sequence_parallel (HR_TRAINING_JOB (resolved)));
  g_assert_false (hr_training_job_get_sequence_parallel (HR_TRAINING_JOB (resolved_dense)));
  g_assert_null (hr_estimator_run (mixture, ruled_out, NULL, 2, &refusal));
  g_assert_nonnull (strstr (refusal->message, "sequence-parallel: expected true"));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/job-adapt/releases_of_vllm_take_shares_of_their_own", test_releases_take_shares_of_their_own);
  g_test_add_func ("/job-adapt/lengths-that-nobody-gave-are-no-longer-than-the-context",
                   test_lengths_that_nobody_gave_are_no_longer_than_the_context);
  g_test_add_func ("/job-adapt/estimate-is-of-the-adapted-lengths-and-says-so",
                   test_estimate_is_of_the_adapted_lengths_and_says_so);
  g_test_add_func ("/job-adapt/experts-beside-tensor-parallelism-divide-sequences-unless-that-is-ruled-out",
                   test_experts_beside_tensor_parallelism_divide_sequences_unless_that_is_ruled_out);

  return g_test_run ();
}
