/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-estimator.h"
#include "hr-inference-job.h"

#include "estimates.h"

#define LLAMA "meta-llama/Meta-Llama-3.1-8B"
#define MIXTURE "Qwen/Qwen3-30B-A3B"

static HrEstimate *
estimate (const char  *id,
          const char  *settings,
          guint        n_gpus,
          GError     **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (id, &local_error);
  g_autoptr (HrInferenceJob) job = hr_inference_job_new ();

  g_assert_no_error (local_error);
  hr_job_set_all_from_string (HR_JOB (job), settings, &local_error);
  g_assert_no_error (local_error);

  return hr_estimator_run (model, HR_JOB (job), NULL, n_gpus, error);
}

static HrEstimate *
estimate_ranks (const char *id,
                const char *settings,
                guint       n_gpus)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *result = estimate (id, settings, n_gpus, &error);

  g_assert_no_error (error);

  return result;
}

/* Llama’s plan has the matrices of attentions and perceptrons; tables and norms are whole on each rank. */
static void
embeddings_norms_and_the_head_are_whole_on_each_rank (void)
{
  const guint64 tables = 2 * G_GUINT64_CONSTANT (128256) * 4096;
  const guint64 norms = 65 * 4096;
  const guint64 matrices = 8030261248 - tables - norms;
  g_autoptr (HrEstimate) one = estimate_ranks (LLAMA, "tensor-parallel=4 dtype=bfloat16", 1);
  guint64 found = get_component_bytes (one, HR_COMPONENT_WEIGHTS);

  g_assert_cmpuint (found, >=, 2 * (tables + norms + matrices / 4));
  g_assert_cmpuint (found, <, 2 * (tables + norms + matrices / 4) + 4096);
}

static void
heads_of_keys_and_values_are_divided (void)
{
  g_autoptr (HrEstimate) whole = estimate_ranks (LLAMA, "prompt-length=1024", 1);
  g_autoptr (HrEstimate) divided = estimate_ranks (LLAMA, "prompt-length=1024 tensor-parallel=8", 1);

  g_assert_cmpuint (get_component_bytes (whole, HR_COMPONENT_KV_CACHE), ==,
                    8 * get_component_bytes (divided, HR_COMPONENT_KV_CACHE));
}

/* Ranks that have experts of their own have rows for all pairs of tokens and experts, so that only weights go down. */
static void
experts_are_divided_and_their_rows_are_not (void)
{
  g_autoptr (HrEstimate) whole = estimate_ranks (MIXTURE, "prompt-length=2048", 1);
  g_autoptr (HrEstimate) divided = estimate_ranks (MIXTURE, "prompt-length=2048 expert-parallel=8", 1);

  g_assert_cmpuint (get_component_bytes (divided, HR_COMPONENT_WEIGHTS), <,
                    get_component_bytes (whole, HR_COMPONENT_WEIGHTS) / 5);
  g_assert_cmpuint (get_component_bytes (divided, HR_COMPONENT_KV_CACHE), ==,
                    get_component_bytes (whole, HR_COMPONENT_KV_CACHE));
  g_assert_cmpuint (get_component_bytes (divided, HR_COMPONENT_ACTIVATIONS) + 65536, >,
                    get_component_bytes (whole, HR_COMPONENT_ACTIVATIONS));
}

static void
copies_take_more_gpus_and_no_more_memory (void)
{
  g_autoptr (HrEstimate) one = estimate_ranks (LLAMA, "tensor-parallel=2", 2);
  g_autoptr (HrEstimate) four = estimate_ranks (LLAMA, "tensor-parallel=2", 8);
  g_autoptr (HrEstimate) spread = estimate_ranks (LLAMA, "data-parallel=2", 4);

  g_assert_cmpuint (hr_estimate_get_n_ranks (one), ==, 2);
  g_assert_cmpuint (hr_estimate_get_n_ranks (four), ==, 8);
  g_assert_cmpuint (hr_estimate_get_n_devices (four), ==, 1);
  g_assert_cmpuint (hr_estimate_get_total_bytes (one), ==, hr_estimate_get_total_bytes (four));
  g_assert_cmpuint (hr_estimate_get_n_devices (spread), ==, 2);
  g_assert_cmpuint (hr_estimate_get_n_ranks (spread), ==, 4);
}

/* pipeline-parallel says how many GPUs accelerate spreads a copy over, as --gpus does of one. */
static void
stages_are_what_accelerate_spreads_layers_over (void)
{
  g_autoptr (HrEstimate) gpus = estimate_ranks (LLAMA, "prompt-length=512", 4);
  g_autoptr (HrEstimate) stages = estimate_ranks (LLAMA, "prompt-length=512 pipeline-parallel=4", 8);

  g_assert_cmpuint (hr_estimate_get_n_devices (stages), ==, 4);
  g_assert_cmpuint (hr_estimate_get_total_bytes (gpus), ==, hr_estimate_get_total_bytes (stages));
}

static void
what_transformers_does_not_divide_is_refused (void)
{
  static const struct
  {
    const char *model;
    const char *settings;
    guint n_gpus;
    const char *sentence;
  } rows[] = {
    { LLAMA, "tensor-parallel=16", 1, "*num_key_value_heads*8 and 16*" },
    { LLAMA, "tensor-parallel=3", 1, "*num_attention_heads*32 and 3*" },
    { "openai-community/gpt2", "tensor-parallel=2", 1, "*tensor-parallel*no plan*gpt2*found 2*" },
    { LLAMA, "expert-parallel=2", 1, "*expert-parallel*no plan*found 2*" },
    { MIXTURE, "expert-parallel=3", 1, "*num_experts*128 and 3*" },
    { LLAMA, "tensor-parallel=2 pipeline-parallel=2", 4, "*pipeline-parallel: expected 1 beside tensor-parallel*" },
    { LLAMA, "context-parallel=2", 2, "*context-parallel: expected 1*found 2*" },
    { LLAMA, "tensor-parallel=4", 6, "*gpus: expected a multiple of 4*found 6*" },
    { LLAMA, "data-parallel=4", 6, "*gpus: expected a multiple of 4*found 6*" },
    { LLAMA, "tensor-parallel=128", 1, "*no more than 64*found 128*" },
    { LLAMA, "tensor-parallel=2 quantization=bnb-nf4", 1, "*quantization: expected none*found bnb-nf4*" },
    { "google-t5/t5-small", "tensor-parallel=2", 1, "*a decoder alone*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) result = estimate (rows[i].model, rows[i].settings, rows[i].n_gpus, &error);

      g_assert_null (result);
      g_test_message ("%s", error->message);
      g_assert_true (g_pattern_match_simple (rows[i].sentence, error->message));
    }
}

/* What people write down is of one GPU: all of it divided by those that share a model. */
static void
the_rule_of_thumb_is_divided_by_those_that_share (void)
{
  g_autoptr (HrEstimate) whole = estimate_ranks (LLAMA, "method-of-estimate=rule-of-thumb", 1);
  g_autoptr (HrEstimate) rule =
    estimate_ranks (LLAMA, "tensor-parallel=4 method-of-estimate=rule-of-thumb", 4);
  g_autoptr (HrEstimate) exact = estimate_ranks (LLAMA, "tensor-parallel=4", 4);
  guint64 bytes = hr_estimate_get_total_bytes (whole);
  g_autoptr (HrComponent) weights = g_list_model_get_item (hr_estimate_get_components (rule), 0);

  g_assert_cmpuint (hr_estimate_get_total_bytes (rule), >=, bytes / 4 - 4);
  g_assert_cmpuint (hr_estimate_get_total_bytes (rule), <=, bytes / 4 + 4);
  g_assert_cmpuint (hr_estimate_get_total_bytes (hr_estimate_get_rule_of_thumb (exact)), ==,
                    hr_estimate_get_total_bytes (rule));
  g_assert_nonnull (strstr (hr_component_get_formula (weights), "/(PP·TP)"));
  g_assert_cmpuint (hr_estimate_get_n_ranks (rule), ==, 4);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name) g_test_add_func ("/inference-ranks/" #name, name)
  ADD (embeddings_norms_and_the_head_are_whole_on_each_rank);
  ADD (heads_of_keys_and_values_are_divided);
  ADD (experts_are_divided_and_their_rows_are_not);
  ADD (copies_take_more_gpus_and_no_more_memory);
  ADD (stages_are_what_accelerate_spreads_layers_over);
  ADD (the_rule_of_thumb_is_divided_by_those_that_share);
  ADD (what_transformers_does_not_divide_is_refused);
#undef ADD

  return g_test_run ();
}
