/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <math.h>

#include "hr-inference-job.h"
#include "hr-serving-layout.h"
#include "hr-weights.h"

#define GIB 1073741824.0

static HrModel *
load (const char *id)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_id (id, &error);

  g_assert_no_error (error);

  return model;
}

static gboolean
init_layout (HrServingLayout  *layout,
             const char       *settings,
             guint             n_gpus,
             GError          **error)
{
  g_autoptr (HrInferenceJob) job = hr_inference_job_new ();
  g_autoptr (GError) local_error = NULL;

  hr_job_set_all_from_string (HR_JOB (job), settings, &local_error);
  g_assert_no_error (local_error);

  return hr_serving_layout_init (layout, HR_JOB (job), n_gpus, error);
}

/* What each kind of ranks has of a model, in the order of the list. */
static GPtrArray *
divide (HrModel    *model,
        const char *settings,
        GArray    **ranks)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *parts = g_ptr_array_new_with_free_func (g_object_unref);
  HrServingLayout layout;

  init_layout (&layout, settings, 1, &error);
  g_assert_no_error (error);
  *ranks = hr_serving_layout_list_ranks (&layout, model);
  for (guint i = 0; i < (*ranks)->len; i++)
    {
      const HrServingRank *rank = &g_array_index (*ranks, HrServingRank, i);
      HrModel *part = hr_serving_layout_divide_model (&layout, model, rank, &error);

      g_assert_no_error (error);
      g_ptr_array_add (parts, part);
    }

  return parts;
}

static guint64
count_bytes (HrModel *model,
             HrDtype  dtype)
{
  g_auto (HrWeightStorage) storage = { 0 };
  HrWeights weights;

  hr_weight_storage_init (&storage, model, dtype, hr_model_get_quantization (model), NULL);
  hr_weights_init_model (&weights, &storage);

  return weights.bytes;
}

/*
 * What engines write when the model is loaded, on each of the ranks: GiB, and how far the figure may be off. vLLM’s
 * have the angles of rotary positions in them, and what is made of the expansion of a latent; SGLang’s are differences
 * of free memory, rounded to the hundredth.
 */
static const struct
{
  const char *id;
  const char *settings;
  HrDtype dtype;
  double gib;
  double percent;
  const char *source;
} logs[] = {
  { "meta-llama/Meta-Llama-3-8B", "tensor-parallel=2", HR_DTYPE_BFLOAT16, 7.48, 0.1,
    "vllm-project/vllm#10511: model weights take 7.48GiB" },
  { "Qwen/Qwen2-7B-Instruct", "tensor-parallel=2", HR_DTYPE_BFLOAT16, 7.1217, 0.5,
    "a log of vLLM 0.8.5: Model loading took 7.1217 GiB" },
  { "mistralai/Mixtral-8x7B-Instruct-v0.1", "tensor-parallel=8", HR_DTYPE_BFLOAT16, 10.9, 0.5,
    "sgl-project/sglang#1191: avail mem before and after" },
  { "Qwen/Qwen2-72B-Instruct", "tensor-parallel=8", HR_DTYPE_BFLOAT16, 17.0, 0.5,
    "sgl-project/sglang#1386: avail mem before and after" },
  { "deepseek-ai/DeepSeek-V3", "tensor-parallel=16", HR_DTYPE_BFLOAT16, 40.3172, 0.5,
    "vllm-project/vllm#15453: Model loading took 40.3172 GB" },
};

static void
test_ranks_load_what_engines_write (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (logs); i++)
    {
      g_autoptr (HrModel) model = load (logs[i].id);
      g_autoptr (GArray) ranks = NULL;
      g_autoptr (GPtrArray) parts = divide (model, logs[i].settings, &ranks);
      double found = count_bytes (g_ptr_array_index (parts, 0), logs[i].dtype) / GIB;
      double percent = 100 * (found / logs[i].gib - 1);

      g_print ("# %-40s %-20s %9.4f %9.4f %+.2f %%\n", logs[i].id, logs[i].settings, logs[i].gib, found, percent);
      g_assert_cmpfloat (fabs (percent), <=, logs[i].percent);
    }
}

#define MIXTURE "Qwen/Qwen3-30B-A3B"

/* The model’s widths: 48 layers, 32 heads of 128, 4 of keys and values, 128 experts of 768, a table for each end. */
#define WIDTH G_GUINT64_CONSTANT (2048)
#define LAYERS 48
#define TABLE (151936 * WIDTH)
#define NORMS (LAYERS * (2 * WIDTH + 2 * 128) + WIDTH)
#define ROUTERS (LAYERS * 128 * WIDTH)
#define EXPERT (3 * 768 * WIDTH)

static guint64
count_attention (guint64 tensor)
{
  return LAYERS * WIDTH * 128 * (2 * 32 / tensor + 2 * MAX (4 / tensor, 1));
}

static const HrBlock *
find_block (HrModel     *model,
            HrBlockKind  kind)
{
  const HrLayerClass *klass = &hr_model_get_stack (model, 0)->layer_classes[0];

  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      for (guint j = 0; j < klass->sublayers[i].branches[0].n_blocks; j++)
        {
          if (klass->sublayers[i].branches[0].blocks[j].kind == kind)
            return &klass->sublayers[i].branches[0].blocks[j];
        }
    }

  g_assert_not_reached ();
}

/* Where there are more ranks than heads of keys and values, each has one, and keeps what it makes. */
static void
test_heads_are_copied_where_there_are_fewer_than_ranks (void)
{
  for (guint64 tensor = 1; tensor <= 32; tensor *= 2)
    {
      g_autofree char *settings = g_strdup_printf ("tensor-parallel=%" G_GUINT64_FORMAT, tensor);
      g_autoptr (HrModel) model = load (MIXTURE);
      g_autoptr (GArray) ranks = NULL;
      g_autoptr (GPtrArray) parts = divide (model, settings, &ranks);
      HrModel *part = g_ptr_array_index (parts, 0);

      g_assert_cmpuint (parts->len, ==, 1);
      g_assert_cmpuint (g_array_index (ranks, HrServingRank, 0).n_alike, ==, tensor);
      g_assert_cmpuint (find_block (part, HR_BLOCK_ATTENTION)->attention.cached_heads, ==, MAX (4 / tensor, 1));
      g_assert_cmpuint (hr_model_get_cache_elements_per_token (part), ==, LAYERS * 2 * 128 * MAX (4 / tensor, 1));
      g_assert_cmpuint (hr_model_get_n_parameters (part), ==, 2 * TABLE / tensor + NORMS + ROUTERS +
                        count_attention (tensor) + LAYERS * 128 * EXPERT / tensor);
    }
}

/* Experts are shared by all ranks of a stage: as they are, by as many as there are, or each of them by all. */
static void
test_experts_are_shared_by_all_ranks_of_a_stage (void)
{
  const struct { const char *settings; guint64 tensor; guint64 sharers; guint64 held; guint64 width; } cases[] = {
    { "tensor-parallel=4", 4, 4, 128, 768 / 4 },
    { "tensor-parallel=4 expert-parallel=4", 4, 4, 32, 768 },
    { "tensor-parallel=2 data-parallel=4", 2, 8, 128, 768 / 8 },
    { "tensor-parallel=2 data-parallel=4 expert-parallel=8", 2, 8, 16, 768 },
    { "data-parallel=8 expert-parallel=8", 1, 8, 16, 768 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrModel) model = load (MIXTURE);
      g_autoptr (GArray) ranks = NULL;
      g_autoptr (GPtrArray) parts = divide (model, cases[i].settings, &ranks);
      HrModel *part = g_ptr_array_index (parts, 0);
      const HrMixture *mixture = &find_block (part, HR_BLOCK_MIXTURE)->mixture;

      g_assert_cmpuint (mixture->num_held_experts, ==, cases[i].held);
      g_assert_cmpuint (mixture->intermediate_size, ==, cases[i].width);
      g_assert_cmpuint (hr_model_get_n_parameters (part), ==, 2 * TABLE / cases[i].tensor + NORMS + ROUTERS +
                        count_attention (cases[i].tensor) + LAYERS * 128 * EXPERT / cases[i].sharers);
    }
}

/* 128 experts among 24 ranks: eight of them have six, the others five. */
static void
test_experts_that_are_left_over_go_to_the_first_ranks (void)
{
  g_autoptr (HrModel) model = load (MIXTURE);
  g_autoptr (GArray) ranks = NULL;
  g_autoptr (GPtrArray) parts = divide (model, "data-parallel=24 expert-parallel=24", &ranks);
  guint64 more = hr_model_get_n_parameters (g_ptr_array_index (parts, 0));
  guint64 others = hr_model_get_n_parameters (g_ptr_array_index (parts, 1));

  g_assert_cmpuint (parts->len, ==, 2);
  g_assert_cmpuint (g_array_index (ranks, HrServingRank, 0).n_alike, ==, 8);
  g_assert_cmpuint (g_array_index (ranks, HrServingRank, 1).n_alike, ==, 16);
  g_assert_cmpuint (more, ==, others + LAYERS * EXPERT);
  g_assert_cmpuint (8 * more + 16 * others, ==, 24 * (2 * TABLE + NORMS + ROUTERS + count_attention (1)) +
                    LAYERS * 128 * EXPERT);
}

/* get_pp_indices gives what is left over to the stages before the last, from behind. */
static void
test_stages_before_the_last_have_what_is_left_over (void)
{
  const struct { guint64 n_layers; guint64 pipeline; guint64 layers[5]; } cases[] = {
    { 32, 4, { 8, 8, 8, 8 } }, { 33, 4, { 8, 8, 9, 8 } }, { 34, 4, { 8, 9, 9, 8 } }, { 35, 4, { 9, 9, 9, 8 } },
    { 61, 2, { 31, 30 } }, { 5, 5, { 1, 1, 1, 1, 1 } }, { 62, 5, { 12, 12, 13, 13, 12 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const HrServingLayout layout = { .tensor = 1, .data = 1, .pipeline = cases[i].pipeline };

      for (guint j = 0; j < cases[i].pipeline; j++)
        g_assert_cmpuint (hr_serving_layout_count_layers (&layout, cases[i].n_layers, j), ==, cases[i].layers[j]);
    }
}

/*
 * Layers of several classes have rows that are called alike; each stage stores its own as the whole model does, and has
 * the buffers of all layers, 58 biases of 256 routed experts in fp32 and the frequencies of positions.
 */
static void
test_stages_store_what_is_theirs_of_a_quantized_checkpoint (void)
{
  g_autoptr (HrModel) model = load ("deepseek-ai/DeepSeek-V3");
  g_autoptr (GArray) one = NULL, ranks = NULL;
  g_autoptr (GPtrArray) whole = divide (model, "tensor-parallel=4", &one);
  g_autoptr (GPtrArray) parts = divide (model, "tensor-parallel=4 pipeline-parallel=61", &ranks);
  guint64 total = 0;

  for (guint i = 0; i < parts->len; i++)
    total += count_bytes (g_ptr_array_index (parts, i), HR_DTYPE_BFLOAT16);
  g_assert_cmpuint (total, >=, count_bytes (g_ptr_array_index (whole, 0), HR_DTYPE_BFLOAT16));
  g_assert_cmpuint (total - count_bytes (g_ptr_array_index (whole, 0), HR_DTYPE_BFLOAT16), <=, 61 * (58 * 1024 + 512));
}

static void
test_stages_have_the_model_between_them (void)
{
  g_autoptr (HrModel) model = load (MIXTURE);
  g_autoptr (GArray) ranks = NULL;
  g_autoptr (GPtrArray) parts = divide (model, "pipeline-parallel=5", &ranks);
  guint64 total = 0;

  g_assert_cmpuint (parts->len, ==, 5);
  for (guint i = 0; i < parts->len; i++)
    total += hr_model_get_n_parameters (g_ptr_array_index (parts, i));
  g_assert_cmpuint (total, ==, hr_model_get_n_parameters (model));
}

/* GPT-2 has 50257 tokens: 50304 rows of all ranks together, those of a single one as well. */
static void
test_tables_are_padded_before_they_are_divided (void)
{
  for (guint64 tensor = 1; tensor <= 4; tensor *= 2)
    {
      g_autofree char *settings = g_strdup_printf ("tensor-parallel=%" G_GUINT64_FORMAT, tensor);
      g_autoptr (HrModel) model = load ("openai-community/gpt2");
      g_autoptr (GArray) ranks = NULL;
      g_autoptr (GPtrArray) parts = divide (model, settings, &ranks);

      g_assert_cmpuint (hr_model_get_n_parameters_of_part (g_ptr_array_index (parts, 0), HR_PART_EMBEDDING), ==,
                        (50304 / tensor + 1024) * 768);
    }
}

/* Of a latent there is nothing to divide: DeepSeek-V2-Lite keeps 512 + 64 values of a token in each of 27 layers. */
static void
test_latents_are_whole_on_each_rank (void)
{
  for (guint64 tensor = 1; tensor <= 8; tensor *= 2)
    {
      g_autofree char *settings = g_strdup_printf ("tensor-parallel=%" G_GUINT64_FORMAT, tensor);
      g_autoptr (HrModel) model = load ("deepseek-ai/DeepSeek-V2-Lite");
      g_autoptr (GArray) ranks = NULL;
      g_autoptr (GPtrArray) parts = divide (model, settings, &ranks);

      g_assert_cmpuint (hr_model_get_latent_cache_elements_per_token (g_ptr_array_index (parts, 0)), ==,
                        27 * (512 + 64));
    }
}

static void
test_what_cannot_be_divided_is_refused (void)
{
  const struct { const char *id; const char *settings; guint n_gpus; const char *sentence; } cases[] = {
    { MIXTURE, "tensor-parallel=2 expert-parallel=3", 1, "expert-parallel: expected 1 or 2" },
    { MIXTURE, "expert-parallel=2", 1, "expert-parallel: expected 1, as one rank has all experts" },
    { MIXTURE, "context-parallel=2", 1, "context-parallel: expected 1" },
    { MIXTURE, "tensor-parallel=4", 6, "gpus: expected a multiple of 4" },
    { MIXTURE, "pipeline-parallel=64", 1, "pipeline-parallel: expected no more than 48" },
    { MIXTURE, "tensor-parallel=3", 1, "vocab_size that tensor-parallel divides; found 151936 and 3" },
    { "Qwen/Qwen2.5-7B", "tensor-parallel=8", 1, "num_attention_heads that tensor-parallel divides; found 28 and 8" },
    { "Qwen/Qwen2.5-7B", "tensor-parallel=2 expert-parallel=2", 1, "has no experts" },
    { "google/recurrentgemma-2b", "tensor-parallel=2", 1, "expected attention, state spaces, perceptrons" },
    { "google-t5/t5-small", "tensor-parallel=2", 1, "expected a decoder alone" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const HrServingRank rank = { 0, 0, 1 };
      g_autoptr (HrModel) model = load (cases[i].id);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) part = NULL;
      HrServingLayout layout;

      if (init_layout (&layout, cases[i].settings, cases[i].n_gpus, &error))
        part = hr_serving_layout_divide_model (&layout, model, &rank, &error);
      g_assert_null (part);
      g_assert_nonnull (error);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, cases[i].sentence));
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/serving-layout/ranks_load_what_engines_write", test_ranks_load_what_engines_write);
  g_test_add_func ("/serving-layout/heads_are_copied_where_there_are_fewer_than_ranks",
                   test_heads_are_copied_where_there_are_fewer_than_ranks);
  g_test_add_func ("/serving-layout/experts_are_shared_by_all_ranks_of_a_stage",
                   test_experts_are_shared_by_all_ranks_of_a_stage);
  g_test_add_func ("/serving-layout/experts_that_are_left_over_go_to_the_first_ranks",
                   test_experts_that_are_left_over_go_to_the_first_ranks);
  g_test_add_func ("/serving-layout/stages_before_the_last_have_what_is_left_over",
                   test_stages_before_the_last_have_what_is_left_over);
  g_test_add_func ("/serving-layout/stages_store_what_is_theirs_of_a_quantized_checkpoint",
                   test_stages_store_what_is_theirs_of_a_quantized_checkpoint);
  g_test_add_func ("/serving-layout/stages_have_the_model_between_them", test_stages_have_the_model_between_them);
  g_test_add_func ("/serving-layout/tables_are_padded_before_they_are_divided",
                   test_tables_are_padded_before_they_are_divided);
  g_test_add_func ("/serving-layout/latents_are_whole_on_each_rank", test_latents_are_whole_on_each_rank);
  g_test_add_func ("/serving-layout/what_cannot_be_divided_is_refused", test_what_cannot_be_divided_is_refused);

  return g_test_run ();
}
