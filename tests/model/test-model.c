/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib.h>
#include <glib/gstdio.h>

#include "hr-error.h"
#include "hr-model.h"
#include "hr-units.h"

static HrModel *
load (const char *text)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_data (text, -1, "config.json", &error);

  g_assert_no_error (error);
  g_assert_nonnull (model);

  return model;
}

static const HrTensor *
find (HrModel    *model,
      const char *pattern)
{
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (g_str_equal (tensor->pattern, pattern))
        return tensor;
    }

  return NULL;
}

static const HrAttention *
get_attention (HrModel *model,
               guint    layer)
{
  const HrStack *stack = hr_model_get_stack (model, 0);
  const HrLayerClass *layer_class = &stack->layer_classes[stack->layer_class_of[layer]];

  for (guint i = 0; i < layer_class->n_sublayers; i++)
    {
      for (guint j = 0; j < layer_class->sublayers[i].n_branches; j++)
        {
          const HrChain *chain = &layer_class->sublayers[i].branches[j];

          for (guint k = 0; k < chain->n_blocks; k++)
            {
              if (chain->blocks[k].kind == HR_BLOCK_ATTENTION)
                return &chain->blocks[k].attention;
            }
        }
    }

  g_assert_not_reached ();
}

#define SIZES "\"vocab_size\": 1000, \"hidden_size\": 64, \"intermediate_size\": 256, \"num_hidden_layers\": 4, " \
              "\"num_attention_heads\": 4"
#define SMALL SIZES ", \"num_key_value_heads\": 4"

/* What is typed where nothing but the size is known. */
static void
test_a_size_is_read (void)
{
  static const struct
  {
    const char *text;
    guint64 size;   /* 0: no size */
  } cases[] = {
    { "7B", 7000000000 },      { "0.5b", 500000000 }, { " 13 B ", 13000000000 }, { "350M", 350000000 },
    { "1.5T", 1500000000000 }, { "7", 0 },            { "B", 0 },                { "7BB", 0 },
    { "7K", 0 },               { "1M", 0 },           { "999999T", 0 },          { "-7B", 0 },
    { "Qwen2.5-7B", 0 },       { "7..5B", 0 },        { "8x7B", 0 },             { "7B\xff", 0 },
    { "", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint64 size = 0;

      g_test_message ("%u", i);
      g_assert_cmpint (hr_model_parse_size (cases[i].text, &size), ==, cases[i].size > 0);
      g_assert_cmpuint (size, ==, cases[i].size);
    }
}

/* A model of a size has nearly that size, says what was assumed and how many parameters it has in truth. */
static void
test_a_model_of_a_size_has_it (void)
{
  static const char * const sizes[] = {
    "10M", "100M", "0.5B", "1B",  "2B",  "3B",   "4B",   "7B", "8B",
    "9B",  "13B",  "20B",  "34B", "70B", "100B", "405B", "1T", "100T",
  };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (sizes[i], &error);
      g_autofree char *n_parameters = NULL;
      guint64 size;

      g_assert_no_error (error);
      g_assert_true (hr_model_parse_size (sizes[i], &size));
      g_test_message ("%s: %" G_GUINT64_FORMAT, sizes[i], hr_model_get_n_parameters (model));
      g_assert_cmpfloat_with_epsilon ((double) hr_model_get_n_parameters (model) / size, 1, 0.04);
      g_assert_cmpstr (hr_model_get_name (model), ==, sizes[i]);
      g_assert_cmpint (hr_model_get_dtype (model), ==, HR_DTYPE_BFLOAT16);
      n_parameters = hr_format_integer (hr_model_get_n_parameters (model));
      g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (model)), ==, 1);
      g_assert_nonnull (strstr (hr_model_get_warnings (model)[0], n_parameters));
    }
}

/* A published size has the published shape. */
static void
test_a_published_size_has_its_shape (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("8.03b", &error);
  guint64 layers;

  g_assert_no_error (error);
  g_assert_cmpuint (hr_model_get_n_parameters (model), ==, 8030261248);
  g_assert_true (hr_model_get_hyper_parameter (model, "num_hidden_layers", &layers));
  g_assert_cmpuint (layers, ==, 32);
}

typedef struct
{
  const char *name;
  const char *config;
  guint64 n_parameters;
  guint64 cache_elements;
} CountCase;

/*
 * Configurations that no model of the catalogue has. The counts of Falcon-RW, Falcon-7B and OPT-350m are the published
 * ones; the others were added up by hand from the shapes.
 */
static const CountCase count_cases[] = {
  { "falcon_7b_by_its_first_name",
    "{\"model_type\": \"RefinedWebModel\", \"alibi\": false, \"bias\": false, \"hidden_size\": 4544, "
    "\"multi_query\": true, "
    "\"n_head\": 71, \"n_layer\": 32, \"parallel_attn\": true, \"vocab_size\": 65024}",
    6921720704, 32 * 2 * 64 },
  { "falcon_rw_with_alibi_and_biases",
    "{\"model_type\": \"falcon\", \"alibi\": true, \"bias\": true, \"hidden_size\": 2048, \"multi_query\": false, "
    "\"num_attention_heads\": 32, \"num_hidden_layers\": 24, \"parallel_attn\": false, \"vocab_size\": 50304}",
    1311625216, 24 * 2 * 2048 },
  { "opt_350m_with_projections_and_norms_behind",
    "{\"model_type\": \"opt\", \"do_layer_norm_before\": false, \"ffn_dim\": 4096, \"hidden_size\": 1024, "
    "\"max_position_embeddings\": 2048, \"num_attention_heads\": 16, \"num_hidden_layers\": 24, \"vocab_size\": 50272, "
    "\"word_embed_proj_dim\": 512}",
    331196416, 24 * 2 * 1024 },
  { "gpt2_of_124_million", "{\"model_type\": \"gpt2\", \"n_inner\": null}", 124439808, 12 * 2 * 768 },
  { "stablelm_with_a_norm_for_each_head",
    "{\"model_type\": \"stablelm\", " SIZES ", \"num_key_value_heads\": 2, \"qk_layernorm\": true, "
    "\"use_parallel_residual\": true}",
    2 * 64000 + 4 * (2 * 64 + 64 * 64 * 2 + 64 * 32 * 2 + 6 * 16 + 3 * 64 * 256) + 2 * 64, 4 * 2 * 32 },
  { "llama_with_all_biases",
    "{\"model_type\": \"llama\", " SMALL ", \"attention_bias\": true, \"mlp_bias\": true, \"head_dim\": 32}",
    2 * 64000 + 4 * (2 * 64 + 4 * 64 * 128 + 3 * 128 + 64 + 3 * 64 * 256 + 2 * 256 + 64) + 64, 4 * 2 * 128 },
};

static void
test_count (gconstpointer data)
{
  const CountCase *test = data;
  g_autoptr (HrModel) model = load (test->config);

  g_assert_cmpuint (hr_model_get_n_parameters (model), ==, test->n_parameters);
  g_assert_cmpuint (hr_model_get_cache_elements_per_token (model), ==, test->cache_elements);
}

static void
test_a_tied_head_is_counted_once (void)
{
  g_autoptr (HrModel) tied = load ("{\"model_type\": \"llama\", " SMALL ", \"tie_word_embeddings\": true}");
  g_autoptr (HrModel) untied = load ("{\"model_type\": \"llama\", " SMALL ", \"tie_word_embeddings\": false}");

  g_assert_cmpuint (hr_model_get_n_parameters (untied) - hr_model_get_n_parameters (tied), ==, 64000);
  g_assert_cmpstr (find (tied, "lm_head.weight")->tied_to, ==, "model.embed_tokens.weight");
  g_assert_null (find (untied, "lm_head.weight")->tied_to);
  g_assert_cmpuint (hr_model_get_n_parameters_of_part (tied, HR_PART_OUTPUT), ==, 0);
  g_assert_cmpuint (hr_model_get_n_parameters_of_part (untied, HR_PART_OUTPUT), ==, 64000);
}

static void
test_a_row_stands_for_a_tensor_of_each_layer (void)
{
  g_autoptr (HrModel) model = load ("{\"model_type\": \"qwen3\", " SMALL "}");
  const HrTensor *tensor = find (model, "model.layers.{}.self_attn.q_norm.weight");
  g_autofree char *last = hr_tensor_get_name (tensor, 3);

  g_assert_cmpuint (hr_tensor_get_copies (tensor), ==, 4);
  g_assert_cmpuint (tensor->n_dimensions, ==, 1);
  g_assert_cmpuint (tensor->shape[0], ==, 128);
  g_assert_cmpint (tensor->part, ==, HR_PART_NORM);
  g_assert_cmpstr (last, ==, "model.layers.3.self_attn.q_norm.weight");
}

static void
test_missing_sizes_are_the_class_s_and_are_said (void)
{
  g_autoptr (HrModel) model = load ("{\"model_type\": \"llama\"}");
  const char * const *warnings = hr_model_get_warnings (model);
  guint64 value;

  g_assert_cmpuint (hr_model_get_n_parameters (model), ==, 6738415616);
  g_assert_true (hr_model_get_hyper_parameter (model, "hidden_size", &value));
  g_assert_cmpuint (value, ==, 4096);
  g_assert_cmpuint (g_strv_length ((char **) warnings), ==, 1);
  g_assert_nonnull (strstr (warnings[0], "hidden_size = 4096"));
}

/* Where the outer config of transformers 5 ties a head that is held apart, and nowhere else. */
static void
test_a_head_that_transformers_5_ties_is_said (void)
{
  static const struct
  {
    const char *config;
    gboolean is_said;
  } cases[] = {
    { "{\"model_type\": \"t5\", \"tie_word_embeddings\": false}", TRUE },
    { "{\"model_type\": \"t5\", \"tie_word_embeddings\": true}", FALSE },
    { "{\"model_type\": \"longt5\", \"tie_word_embeddings\": false}", FALSE },
    { "{\"model_type\": \"internvl\", \"text_config\": {\"model_type\": \"qwen2\", " SMALL ","
      " \"tie_word_embeddings\": false}, \"vision_config\": {\"model_type\": \"internvl_vision\"}}", TRUE },
    { "{\"model_type\": \"internvl\", \"tie_word_embeddings\": false, \"text_config\": {\"model_type\": "
      "\"qwen2\", " SMALL ", \"tie_word_embeddings\": false}, \"vision_config\": {\"model_type\": "
      "\"internvl_vision\"}}", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrModel) model = load (cases[i].config);
      const char * const *warnings = hr_model_get_warnings (model);
      gboolean is_said = FALSE;

      for (guint j = 0; warnings[j] != NULL; j++)
        is_said |= strstr (warnings[j], "ties the head") != NULL;
      g_test_message ("%s", cases[i].config);
      g_assert_cmpint (is_said, ==, cases[i].is_said);
    }
}

static void
test_a_complete_config_raises_no_warning (void)
{
  g_autoptr (HrModel) model = load ("{\"model_type\": \"llama\", " SMALL "}");

  g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (model)), ==, 0);
  g_assert_cmpint (hr_model_get_dtype (model), ==, HR_DTYPE_AUTO);
  g_assert_cmpint (hr_model_get_quantization (model), ==, HR_QUANTIZATION_NONE);
  g_assert_cmpstr (hr_model_get_architecture (model), ==, "LlamaForCausalLM");
  g_assert_cmpstr (hr_model_get_name (model), ==, "llama");
  g_assert_false (hr_model_get_hyper_parameter (model, "no_such_thing", NULL));
}

static void
test_null_is_absent_but_for_a_window (void)
{
  g_autoptr (HrModel) head =
    load ("{\"model_type\": \"mistral\", " SIZES ", \"head_dim\": null, \"num_key_value_heads\": null}");
  g_autoptr (HrModel) null = load ("{\"model_type\": \"mistral\", " SMALL ", \"sliding_window\": null}");

  g_assert_cmpuint (get_attention (head, 0)->head_dim, ==, 16);
  g_assert_cmpuint (get_attention (head, 0)->num_key_value_heads, ==, 4);
  g_assert_cmpuint (get_attention (head, 0)->sliding_window, ==, 4096);
  g_assert_cmpuint (get_attention (null, 0)->sliding_window, ==, 0);
}

static void
test_layers_alike_form_a_class (void)
{
  g_autoptr (HrModel) model = load ("{\"model_type\": \"gemma2\", " SMALL ", \"sliding_window\": 8}");
  const HrStack *stack = hr_model_get_stack (model, 0);

  g_assert_cmpuint (hr_model_get_n_stacks (model), ==, 1);
  g_assert_cmpstr (stack->id, ==, "decoder");
  g_assert_cmpuint (stack->n_layers, ==, 4);
  g_assert_cmpuint (stack->n_layer_classes, ==, 2);
  g_assert_cmpuint (stack->layer_classes[0].n_layers, ==, 2);
  g_assert_cmpuint (get_attention (model, 0)->sliding_window, ==, 8);
  g_assert_cmpuint (get_attention (model, 1)->sliding_window, ==, 0);
  g_assert_cmpuint (get_attention (model, 2)->sliding_window, ==, 8);
}

static void
test_qwen_s_window_has_to_be_switched_on (void)
{
  g_autoptr (HrModel) off = load ("{\"model_type\": \"qwen2\", " SMALL ", \"sliding_window\": 8, "
                                  "\"max_window_layers\": 2, \"use_sliding_window\": false}");
  g_autoptr (HrModel) on = load ("{\"model_type\": \"qwen2\", " SMALL ", \"sliding_window\": 8, "
                                 "\"max_window_layers\": 2, \"use_sliding_window\": true}");
  g_autoptr (HrModel) listed = load ("{\"model_type\": \"qwen2\", " SMALL ", \"sliding_window\": 8, "
                                     "\"use_sliding_window\": true, \"layer_types\": [\"sliding_attention\", "
                                     "\"full_attention\", \"full_attention\", \"full_attention\"]}");

  g_assert_cmpuint (get_attention (off, 3)->sliding_window, ==, 0);
  g_assert_cmpuint (get_attention (on, 1)->sliding_window, ==, 0);
  g_assert_cmpuint (get_attention (on, 2)->sliding_window, ==, 8);
  g_assert_cmpuint (get_attention (listed, 0)->sliding_window, ==, 8);
  g_assert_cmpuint (get_attention (listed, 3)->sliding_window, ==, 0);
}

static void
test_some_layers_of_smollm_have_no_positions (void)
{
  g_autoptr (HrModel) model = load ("{\"model_type\": \"smollm3\", " SIZES ", \"num_key_value_heads\": 2}");

  g_assert_cmpint (get_attention (model, 2)->position, ==, HR_POSITION_ROTARY);
  g_assert_cmpint (get_attention (model, 3)->position, ==, HR_POSITION_NONE);
}

static void
test_partial_rotation_is_found_in_either_place (void)
{
  g_autoptr (HrModel) plain = load ("{\"model_type\": \"phi\", " SMALL ", \"partial_rotary_factor\": 0.25}");
  g_autoptr (HrModel) nested = load ("{\"model_type\": \"phi\", " SMALL ", "
                                     "\"rope_parameters\": {\"partial_rotary_factor\": 0.25}}");
  g_autoptr (HrModel) neither = load ("{\"model_type\": \"phi\", " SMALL "}");

  g_assert_cmpuint (get_attention (plain, 0)->rotary_dim, ==, 4);
  g_assert_cmpuint (get_attention (nested, 0)->rotary_dim, ==, 4);
  g_assert_cmpuint (get_attention (neither, 0)->rotary_dim, ==, 8);
}

static void
test_falcon_keeps_its_keys_for_every_head (void)
{
  g_autoptr (HrModel) grouped = load ("{\"model_type\": \"falcon\", " SMALL ", \"num_kv_heads\": 2, "
                                      "\"new_decoder_architecture\": true}");
  g_autoptr (HrModel) single = load ("{\"model_type\": \"falcon\", " SMALL "}");

  g_assert_cmpuint (get_attention (grouped, 0)->num_key_value_heads, ==, 2);
  g_assert_cmpuint (get_attention (grouped, 0)->cached_heads, ==, 4);
  g_assert_cmpuint (get_attention (single, 0)->cached_heads, ==, 1);
}

static void
test_buffers_are_rounded_as_the_allocator_does (void)
{
  g_autoptr (HrModel) rotary = load ("{\"model_type\": \"llama\", " SMALL "}");
  g_autoptr (HrModel) wide = load ("{\"model_type\": \"llama\", " SMALL ", \"head_dim\": 512}");
  g_autoptr (HrModel) scaled = load ("{\"model_type\": \"gemma2\", " SMALL "}");
  g_autoptr (HrModel) learned = load ("{\"model_type\": \"gpt2\"}");

  g_assert_cmpuint (hr_model_get_buffer_bytes (rotary), ==, 2 * 512);
  g_assert_cmpuint (hr_model_get_buffer_bytes (wide), ==, 2 * 1024);
  g_assert_cmpuint (hr_model_get_buffer_bytes (scaled), ==, 3 * 512);
  g_assert_cmpuint (hr_model_get_buffer_bytes (learned), ==, 0);
}

static void
test_the_dtype_has_two_names (void)
{
  g_autoptr (HrModel) before = load ("{\"model_type\": \"llama\", " SMALL ", \"torch_dtype\": \"float16\"}");
  g_autoptr (HrModel) now =
    load ("{\"model_type\": \"llama\", " SMALL ", \"torch_dtype\": \"float16\", \"dtype\": \"bfloat16\"}");
  g_autoptr (HrModel) unknown = load ("{\"model_type\": \"llama\", " SMALL ", \"dtype\": \"float12\"}");

  g_assert_cmpint (hr_model_get_dtype (before), ==, HR_DTYPE_FLOAT16);
  g_assert_cmpint (hr_model_get_dtype (now), ==, HR_DTYPE_BFLOAT16);
  g_assert_cmpint (hr_model_get_dtype (unknown), ==, HR_DTYPE_AUTO);
  g_assert_nonnull (strstr (hr_model_get_warnings (unknown)[0], "float12"));
}

typedef struct
{
  const char *name;
  const char *config;
  const char *warning;
} NearestCase;

static const NearestCase nearest_cases[] = {
  { "by_the_class_that_it_names",
    "{\"model_type\": \"my-llama\", \"architectures\": [\"LlamaForCausalLM\"], " SMALL "}", "“llama”" },
  { "by_the_beginning_of_its_name", "{\"model_type\": \"gpt_neox_reward\", " SMALL "}", "“gpt_neox”" },
  { "by_the_beginning_of_its_name_where_it_has_words",
    "{\"model_type\": \"gemma_vqmodel\", \"num_embeddings\": 64, " SMALL "}", "“gemma”" },
  { "as_a_common_decoder", "{\"model_type\": \"orca\", " SMALL "}", "common decoder" },
  { "as_a_common_decoder_where_a_key_says_that_there_is_no_encoder",
    "{\"model_type\": \"orca\", " SMALL ", \"vision_config\": null, \"layer_types\": [\"full_attention\"], "
    "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}}",
    "common decoder" },
  { "as_a_common_decoder_without_a_type", "{" SMALL "}", "common decoder" },
  { "by_the_class_of_its_code",
    "{\"model_type\": \"invented\", "
    "\"auto_map\": {\"AutoModelForCausalLM\": \"org/repo--modeling_x.Qwen3ForCausalLM\"}, " SMALL "}",
    "“qwen3”" },
  { "by_the_file_of_its_code",
    "{\"model_type\": \"invented\", \"auto_map\": {\"AutoModel\": \"modeling_orion.Invented\"}, " SMALL "}",
    "“orion”" },
  { "as_a_common_mixture",
    "{\"model_type\": \"invented\", \"num_experts\": 8, \"num_experts_per_tok\": 2, " SMALL "}", "mixture of experts" },
  { "as_a_common_mixture_in_other_words",
    "{\"model_type\": \"invented\", \"moe_num_experts\": 8, \"moe_topk\": 2, \"moe_num_shared_experts\": 1, "
    SMALL "}",
    "mixture of experts" },
  { "as_a_decoder_without_experts", "{\"model_type\": \"invented\", \"num_experts\": 0, " SMALL "}", "common decoder" },
  { "as_a_decoder_with_latent_attention",
    "{\"model_type\": \"invented\", \"kv_lora_rank\": 32, \"q_lora_rank\": null, \"qk_nope_head_dim\": 16, "
    "\"qk_rope_head_dim\": 16, \"v_head_dim\": 16, " SMALL "}",
    "latent attention" },
  { "as_gpt2_by_its_words",
    "{\"model_type\": \"invented\", \"n_embd\": 64, \"n_layer\": 2, \"n_head\": 4, \"vocab_size\": 100, "
    "\"n_positions\": 64}",
    "GPT-2" },
  { "never_by_the_name_of_a_base", "{\"model_type\": \"_decoder\", " SMALL "}", "common decoder" },
  { "never_by_a_path", "{\"model_type\": \"../llama\", " SMALL "}", "common decoder" },
};

static void
test_an_unknown_type_is_read (gconstpointer data)
{
  const NearestCase *test = data;
  g_autoptr (HrModel) model = load (test->config);
  const char * const *warnings = hr_model_get_warnings (model);

  g_assert_cmpuint (hr_model_get_n_parameters (model), >, 0);
  g_assert_cmpuint (g_strv_length ((char **) warnings), ==, 1);
  g_assert_nonnull (strstr (warnings[0], test->warning));
}

static void
test_a_class_for_another_task_is_said (void)
{
  g_autoptr (HrModel) model =
    load ("{\"model_type\": \"llama\", \"architectures\": [\"LlamaForMultipleChoice\"], " SMALL "}");

  g_assert_nonnull (strstr (hr_model_get_warnings (model)[0], "LlamaForMultipleChoice"));
}

/* transformers 5.12, modeling_longcat_flash.py: gate_up_proj is there for experts that return their input, too. */
static void
test_experts_that_no_file_has_are_said (void)
{
  g_autoptr (HrModel) model =
    load ("{\"model_type\": \"longcat_flash\", \"num_layers\": 2, \"hidden_size\": 64, \"ffn_hidden_size\": 32, "
          "\"expert_ffn_hidden_size\": 1000, \"zero_expert_num\": 4, \"n_routed_experts\": 8, \"moe_topk\": 2, "
          "\"vocab_size\": 100, \"num_attention_heads\": 4}");

  g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (model)), ==, 1);
  g_assert_nonnull (strstr (hr_model_get_warnings (model)[0], "M parameters more"));
}

#define PHI_4_MM \
  "{\"model_type\": \"phi4mm\", \"hidden_size\": 64, \"vocab_size\": 100, " \
  "\"intermediate_size\": 128, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2"

/* Ranks of 1024 and 512: 1536 × (64 + 128 + 64 + 64 + 64 + 256 + 128 + 64) elements in each of two layers. */
static void
test_adapters_that_weights_carry_are_said (void)
{
  static const guint64 n_elements = 2 * 1536 * 832;
  g_autoptr (HrModel) bare = load (PHI_4_MM "}");
  g_autoptr (HrModel) model = load (PHI_4_MM ", \"vision_lora\": {\"r\": 1024}, \"speech_lora\": {\"r\": 512}}");
  g_autofree char *count = hr_format_count (n_elements);

  g_assert_cmpuint (hr_model_get_n_parameters (model) - hr_model_get_n_parameters (bare), ==, n_elements);
  g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (bare)), ==, 1);
  g_assert_nonnull (strstr (hr_model_get_warnings (bare)[0], "Phi4MultimodalForCausalLM"));
  g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (model)), ==, 2);
  g_assert_nonnull (strstr (hr_model_get_warnings (model)[0], "rank 1024, 512"));
  g_assert_nonnull (strstr (hr_model_get_warnings (model)[0], count));
  g_assert_cmpstr (hr_model_get_warnings (model)[1], ==, hr_model_get_warnings (bare)[0]);
}

/* As many labels as the config names, and no matrix of the vocabulary. */
/* The class of rewards has a row in place of the head, whatever labels the config names. */
static void
test_a_scorer_has_one_row (void)
{
  g_autoptr (HrModel) writer =
    load ("{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], \"vocab_size\": 100, "
          "\"hidden_size\": 8, \"intermediate_size\": 16, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, "
          "\"id2label\": {\"0\": \"a\", \"1\": \"b\", \"2\": \"c\"}, \"num_labels\": 3}");
  g_autoptr (HrModel) encoder = load ("{\"model_type\": \"bert\", \"architectures\": [\"BertForMaskedLM\"]}");
  g_autoptr (GError) error = NULL;
  HrModel *scorer = hr_model_get_scorer (writer, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (hr_model_get_architecture (scorer), ==, "LlamaForSequenceClassification");
  g_assert_cmpstr (hr_model_get_name (scorer), ==, hr_model_get_name (writer));
  g_assert_cmpuint (hr_model_get_n_parameters (scorer), ==, hr_model_get_n_parameters (writer) - 99 * 8);
  g_assert_true (hr_model_get_scorer (writer, &error) == scorer);
  g_assert_true (hr_model_get_scorer (scorer, &error) == scorer);

  g_assert_null (hr_model_get_scorer (encoder, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
}

static void
test_a_classifier_has_a_row_for_each_label (void)
{
  g_autoptr (HrModel) writer = load ("{\"model_type\": \"llama\", " SMALL "}");
  g_autoptr (HrModel) model =
    load ("{\"model_type\": \"llama\", \"architectures\": [\"LlamaForSequenceClassification\"], "
          "\"id2label\": {\"0\": \"a\", \"1\": \"b\", \"2\": \"c\"}, " SMALL "}");
  guint64 vocab_size, hidden_size;

  g_assert_true (hr_model_get_hyper_parameter (model, "vocab_size", &vocab_size));
  g_assert_true (hr_model_get_hyper_parameter (model, "hidden_size", &hidden_size));
  g_assert_null (hr_model_get_warnings (model)[0]);
  g_assert_cmpuint (hr_model_get_n_parameters (writer) - hr_model_get_n_parameters (model), ==,
                    (vocab_size - 3) * hidden_size);
}

typedef struct
{
  const char *name;
  const char *config;
  HrError code;
  const char *message;
} BadCase;

static const BadCase bad_cases[] = {
  { "an_array", "[1]", HR_ERROR_SCHEMA, "“config.json”: expected an object, found an array" },
  { "an_empty_object", "{}", HR_ERROR_NOT_A_MODEL, "model_type" },
  { "another_json_file", "{\"name\": \"left-pad\", \"version\": \"1.0\"}", HR_ERROR_NOT_A_MODEL, "model_type" },
  { "a_model_type_that_is_a_number", "{\"model_type\": 5}", HR_ERROR_SCHEMA,
    "model_type (line 1): expected a string, found 5" },
  { "a_size_that_is_a_string", "{\"model_type\": \"llama\",\n\"vocab_size\": \"32000\"}", HR_ERROR_SCHEMA,
    "vocab_size (line 2)" },
  { "a_size_of_zero", "{\"model_type\": \"llama\", \"hidden_size\": 0}", HR_ERROR_VALUE, "found 0" },
  { "a_negative_size", "{\"model_type\": \"llama\", \"num_hidden_layers\": -3}", HR_ERROR_VALUE, "found -3" },
  { "a_size_that_is_half", "{\"model_type\": \"llama\", \"num_hidden_layers\": 1.5}", HR_ERROR_SCHEMA, "found 1.5" },
  { "an_absurd_size", "{\"model_type\": \"llama\", \"hidden_size\": 1e12}", HR_ERROR_VALUE,
    "from 1 to 1048576, found 1e12" },
  { "absurd_sizes_together",
    "{\"model_type\": \"llama\", \"hidden_size\": 1048576, \"num_hidden_layers\": 4096, "
    "\"intermediate_size\": 16777216, "
    "\"head_dim\": 65536, \"num_attention_heads\": 65536, \"vocab_size\": 16777216}",
    HR_ERROR_TOO_LARGE, "counted" },
  { "heads_that_do_not_divide", "{\"model_type\": \"llama\", \"num_attention_heads\": 33}", HR_ERROR_VALUE,
    "“config.json”, num_attention_heads: expected a divisor of hidden_size, which is 4096, found 33" },
  { "key_value_heads_that_do_not_divide", "{\"model_type\": \"llama\", \"num_key_value_heads\": 5}", HR_ERROR_VALUE,
    "num_key_value_heads: expected a divisor of num_attention_heads, which is 32, found 5" },
  { "an_unknown_activation", "{\"model_type\": \"llama\", \"hidden_act\": \"whoosh\"}", HR_ERROR_UNSUPPORTED,
    "hidden_act: expected one of silu" },
  { "a_list_that_is_too_short", "{\"model_type\": \"gemma2\", \"layer_types\": [\"full_attention\"]}", HR_ERROR_VALUE,
    "layer_types" },
  { "a_list_that_is_none", "{\"model_type\": \"gemma2\", \"layer_types\": 5}", HR_ERROR_SCHEMA, "an array" },
  { "a_flag_that_is_a_number", "{\"model_type\": \"llama\", \"tie_word_embeddings\": 1}", HR_ERROR_SCHEMA,
    "true or false" },
  { "more_rotated_than_there_is", "{\"model_type\": \"phi\", \"partial_rotary_factor\": 1.5}", HR_ERROR_VALUE,
    "rotary" },
  { "rope_parameters_that_are_a_number", "{\"model_type\": \"llama\", \"rope_parameters\": 5}", HR_ERROR_SCHEMA,
    "rope_parameters (line 1): expected an object" },
  { "a_dtype_that_is_a_number", "{\"model_type\": \"llama\", \"torch_dtype\": 16}", HR_ERROR_SCHEMA, "torch_dtype" },
  { "a_quantization_that_is_a_string", "{\"model_type\": \"llama\", \"quantization_config\": \"nf4\"}", HR_ERROR_SCHEMA,
    "quantization_config" },
  { "an_unknown_type_without_sizes", "{\"model_type\": \"orca\", \"hidden_size\": 64}", HR_ERROR_SCHEMA,
    "did not find vocab_size, intermediate_size, num_hidden_layers, num_attention_heads" },
  { "a_codec_that_is_called_after_a_model", "{\"model_type\": \"gemma_vqmodel\", \"num_embeddings\": 64}",
    HR_ERROR_SCHEMA, "did not find vocab_size, hidden_size" },
  { "an_unknown_type_with_experts", "{\"model_type\": \"orca\", " SMALL ", \"num_experts\": 8}", HR_ERROR_VALUE,
    "num_experts_per_tok: expected a whole number of at least 1, found 0" },
  { "an_unknown_type_with_eyes", "{\"model_type\": \"orca\", " SMALL ", \"vision_config\": {}}",
    HR_ERROR_UNSUPPORTED, "vision_config: the model has an image encoder" },
  { "an_unknown_type_with_a_mixer_of_its_own", "{\"model_type\": \"orca\", " SMALL ", \"decay_low_rank_dim\": 64}",
    HR_ERROR_UNSUPPORTED, "decay_low_rank_dim: the model has linear attention" },
  { "an_unknown_type_with_layers_of_another_kind",
    "{\"model_type\": \"orca\", " SMALL ", \"layer_types\": [\"full_attention\", \"conv\"]}",
    HR_ERROR_UNSUPPORTED, "layer_types: the model has layers of different shapes" },
  { "an_unknown_type_with_a_model_inside",
    "{\"model_type\": \"orca\", " SMALL ", \"reader\": {\"hidden_size\": 64, \"depth\": 2}}",
    HR_ERROR_UNSUPPORTED, "reader: the model has a language model inside of another model" },
  { "a_code_that_is_a_number", "{\"model_type\": \"orca\", " SMALL ", \"auto_map\": {\"AutoModel\": 5}}",
    HR_ERROR_SCHEMA, "AutoModel" },
};

static void
test_is_an_error (gconstpointer data)
{
  const BadCase *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (test->config, -1, "config.json", &error);

  g_assert_null (model);
  g_assert_error (error, HR_ERROR, (int) test->code);
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, "“config.json”"));
  g_assert_nonnull (strstr (error->message, test->message));
  g_assert_null (strchr (error->message, '\n'));
}

typedef struct
{
  char *folder;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("headroom-model-XXXXXX", &error);
  g_assert_no_error (error);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) folder = g_file_test (path, G_FILE_TEST_IS_DIR) ? g_dir_open (path, 0, NULL) : NULL;
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_remove (path);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  remove_tree (fixture->folder);
  g_free (fixture->folder);
}

static void
write_file (Fixture    *fixture,
            const char *path,
            const char *text)
{
  g_autofree char *full = g_build_filename (fixture->folder, path, NULL);
  g_autofree char *parent = g_path_get_dirname (full);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  g_assert_true (g_file_set_contents (full, text, -1, NULL));
}

static HrModel *
open_path (Fixture     *fixture,
           const char  *path,
           GError     **error)
{
  g_autoptr (GFile) file = g_file_new_build_filename (fixture->folder, path, NULL);

  return hr_model_new_from_file (file, error);
}

static const char small_llama[] = "{\"model_type\": \"llama\", " SMALL "}";

static void
assert_name (Fixture    *fixture,
             const char *path,
             const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = open_path (fixture, path, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (hr_model_get_name (model), ==, name);
}

static void
test_a_folder_stands_for_its_config (Fixture       *fixture,
                                     gconstpointer  data)
{
  write_file (fixture, "my-model/config.json", small_llama);
  assert_name (fixture, "my-model", "my-model");
  assert_name (fixture, "my-model/config.json", "my-model");
}

static void
test_weights_stand_for_the_config_beside_them (Fixture       *fixture,
                                               gconstpointer  data)
{
  write_file (fixture, "my-model/config.json", small_llama);
  write_file (fixture, "my-model/pytorch_model.bin", "");
  write_file (fixture, "my-model/pytorch_model.bin.index.json", "{}");
  assert_name (fixture, "my-model/pytorch_model.bin", "my-model");
  assert_name (fixture, "my-model/pytorch_model.bin.index.json", "my-model");
}

static void
test_a_cache_entry_stands_for_its_current_snapshot (Fixture       *fixture,
                                                    gconstpointer  data)
{
  write_file (fixture, "models--org--name-7B/snapshots/abc/config.json", small_llama);
  write_file (fixture, "models--org--name-7B/refs/main", "abc\n");
  assert_name (fixture, "models--org--name-7B", "org/name-7B");
  assert_name (fixture, "models--org--name-7B/snapshots/abc", "org/name-7B");
  assert_name (fixture, "models--org--name-7B/snapshots/abc/config.json", "org/name-7B");
}

static void
test_a_file_of_another_name_gives_its_own (Fixture       *fixture,
                                           gconstpointer  data)
{
  write_file (fixture, "tiny.json", small_llama);
  write_file (fixture, "named.json", "{\"_name_or_path\": \"org/model\", \"model_type\": \"llama\", " SMALL "}");
  write_file (fixture, "pathed.json", "{\"_name_or_path\": \"/home/me/model\", \"model_type\": \"llama\", " SMALL "}");
  assert_name (fixture, "tiny.json", "tiny");
  assert_name (fixture, "named.json", "org/model");
  assert_name (fixture, "pathed.json", "pathed");
}

static void
test_a_folder_without_a_config_is_no_model (Fixture       *fixture,
                                            gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = open_path (fixture, ".", &error);

  g_assert_null (model);
  g_assert_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL);
  g_clear_error (&error);

  write_file (fixture, "pytorch_model.bin", "");
  model = open_path (fixture, "pytorch_model.bin", &error);
  g_assert_null (model);
  g_assert_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL);
  g_assert_nonnull (strstr (error->message, "beside"));
}

static void
test_a_gguf_file_is_named_for_what_it_is (Fixture       *fixture,
                                          gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = NULL;

  write_file (fixture, "model.gguf", "something else");
  model = open_path (fixture, "model.gguf", &error);
  g_assert_null (model);
  g_assert_error (error, HR_ERROR, HR_ERROR_SYNTAX);
  g_assert_nonnull (strstr (error->message, "GGUF"));
}

static void
test_a_missing_file_is_not_found (Fixture       *fixture,
                                  gconstpointer  data)
{
  static const char * const names[] = { "no.json", "no.safetensors", "no/config.json" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = open_path (fixture, names[i], &error);

      g_assert_null (model);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
    }
}

static void
test_what_people_paste_is_read_with_a_warning (void)
{
  g_autoptr (HrModel) model = load ("{\n // from the model card\n \"model_type\": \"llama\", " SMALL ",\n}");

  g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (model)), ==, 2);
}

static void
test_an_unknown_id_is_an_error (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("nobody/nothing", &error);

  g_assert_null (model);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
}

static void
test_a_config_is_read_in_a_millisecond (void)
{
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (HrModel) model = load ("{\"model_type\": \"gemma2\", \"num_hidden_layers\": 80}");

      g_assert_cmpuint (hr_model_get_n_stacks (model), ==, 1);
    }
  g_test_minimized_result ((g_get_monotonic_time () - start) / 1e5, "milliseconds a config");
  /* Far more than it takes, so that only a change of kind fails it, also under valgrind. */
  g_assert_cmpint (g_get_monotonic_time () - start, <, 100 * 100000);
}

#define ADD(name, function) g_test_add ("/model/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (count_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/model/count_is_exact/", count_cases[i].name, NULL);

      g_test_add_data_func (path, &count_cases[i], test_count);
    }
  for (guint i = 0; i < G_N_ELEMENTS (nearest_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/model/an_unknown_type_is_read/", nearest_cases[i].name, NULL);

      g_test_add_data_func (path, &nearest_cases[i], test_an_unknown_type_is_read);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/model/is_an_error/", bad_cases[i].name, NULL);

      g_test_add_data_func (path, &bad_cases[i], test_is_an_error);
    }

  g_test_add_func ("/model/a_tied_head_is_counted_once", test_a_tied_head_is_counted_once);
  g_test_add_func ("/model/a_row_stands_for_a_tensor_of_each_layer", test_a_row_stands_for_a_tensor_of_each_layer);
  g_test_add_func ("/model/missing_sizes_are_the_class_s_and_are_said",
                   test_missing_sizes_are_the_class_s_and_are_said);
  g_test_add_func ("/model/a_complete_config_raises_no_warning", test_a_complete_config_raises_no_warning);
  g_test_add_func ("/model/null_is_absent_but_for_a_window", test_null_is_absent_but_for_a_window);
  g_test_add_func ("/model/layers_alike_form_a_class", test_layers_alike_form_a_class);
  g_test_add_func ("/model/qwen_s_window_has_to_be_switched_on", test_qwen_s_window_has_to_be_switched_on);
  g_test_add_func ("/model/some_layers_of_smollm_have_no_positions", test_some_layers_of_smollm_have_no_positions);
  g_test_add_func ("/model/partial_rotation_is_found_in_either_place", test_partial_rotation_is_found_in_either_place);
  g_test_add_func ("/model/falcon_keeps_its_keys_for_every_head", test_falcon_keeps_its_keys_for_every_head);
  g_test_add_func ("/model/buffers_are_rounded_as_the_allocator_does", test_buffers_are_rounded_as_the_allocator_does);
  g_test_add_func ("/model/the_dtype_has_two_names", test_the_dtype_has_two_names);
  g_test_add_func ("/model/a_class_for_another_task_is_said", test_a_class_for_another_task_is_said);
  g_test_add_func ("/model/experts_that_no_file_has_are_said", test_experts_that_no_file_has_are_said);
  g_test_add_func ("/model/adapters_that_weights_carry_are_said", test_adapters_that_weights_carry_are_said);
  g_test_add_func ("/model/a_size_is_read", test_a_size_is_read);
  g_test_add_func ("/model/a_model_of_a_size_has_it", test_a_model_of_a_size_has_it);
  g_test_add_func ("/model/a_published_size_has_its_shape", test_a_published_size_has_its_shape);
  g_test_add_func ("/model/a_scorer_has_one_row_in_place_of_the_head", test_a_scorer_has_one_row);
  g_test_add_func ("/model/a_classifier_has_a_row_for_each_label", test_a_classifier_has_a_row_for_each_label);
  g_test_add_func ("/model/a_head_that_transformers_5_ties_is_said", test_a_head_that_transformers_5_ties_is_said);
  g_test_add_func ("/model/what_people_paste_is_read_with_a_warning", test_what_people_paste_is_read_with_a_warning);
  g_test_add_func ("/model/an_unknown_id_is_an_error", test_an_unknown_id_is_an_error);
  g_test_add_func ("/model/a_config_is_read_in_a_millisecond", test_a_config_is_read_in_a_millisecond);

  ADD ("a_folder_stands_for_its_config", test_a_folder_stands_for_its_config);
  ADD ("weights_stand_for_the_config_beside_them", test_weights_stand_for_the_config_beside_them);
  ADD ("a_cache_entry_stands_for_its_current_snapshot", test_a_cache_entry_stands_for_its_current_snapshot);
  ADD ("a_file_of_another_name_gives_its_own", test_a_file_of_another_name_gives_its_own);
  ADD ("a_folder_without_a_config_is_no_model", test_a_folder_without_a_config_is_no_model);
  ADD ("a_gguf_file_is_named_for_what_it_is", test_a_gguf_file_is_named_for_what_it_is);
  ADD ("a_missing_file_is_not_found", test_a_missing_file_is_not_found);

  return g_test_run ();
}
