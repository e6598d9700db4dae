/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Weights beside a config: those that are stored as the config says are not remarked upon and take what the config
 * makes them take; what differs is named.
 */

#include <glib.h>
#include <string.h>

#include "hr-model-private.h"
#include "hr-weights.h"
#include "weight-files.h"

#define LLAMA \
  "'model_type': 'llama', 'architectures': ['LlamaForCausalLM'], 'hidden_size': 256, 'intermediate_size': 512, " \
  "'num_hidden_layers': 2, 'num_attention_heads': 4, 'num_key_value_heads': 2, 'vocab_size': 1000, " \
  "'tie_word_embeddings': false, 'torch_dtype': 'bfloat16'"
#define MIXTURE \
  "'model_type': 'qwen3_moe', 'hidden_size': 256, 'intermediate_size': 512, 'moe_intermediate_size': 128, " \
  "'num_hidden_layers': 2, 'num_attention_heads': 4, 'num_key_value_heads': 2, 'head_dim': 64, 'num_experts': 4, " \
  "'num_experts_per_tok': 2, 'vocab_size': 1000, 'tie_word_embeddings': false, 'torch_dtype': 'bfloat16'"
#define FUSED_MIXTURE \
  "'model_type': 'qwen3_5_moe_text', 'hidden_size': 256, 'moe_intermediate_size': 128, " \
  "'shared_expert_intermediate_size': 64, 'num_hidden_layers': 2, 'num_attention_heads': 4, " \
  "'layer_types': ['full_attention', 'full_attention'], 'linear_num_value_heads': 32, 'num_key_value_heads': 2, " \
  "'head_dim': 64, 'num_experts': 4, 'num_experts_per_tok': 2, 'vocab_size': 1000, 'tie_word_embeddings': false, " \
  "'torch_dtype': 'bfloat16'"
#define GPT_OSS \
  "'model_type': 'gpt_oss', 'hidden_size': 256, 'intermediate_size': 128, 'num_hidden_layers': 2, " \
  "'num_attention_heads': 4, 'num_key_value_heads': 2, 'head_dim': 64, 'num_local_experts': 4, " \
  "'num_experts_per_tok': 2, 'vocab_size': 1000, 'tie_word_embeddings': false, 'torch_dtype': 'bfloat16'"
#define LLAVA \
  "'model_type': 'llava', 'torch_dtype': 'bfloat16', 'text_config': {'model_type': 'llama', 'hidden_size': 64, " \
  "'intermediate_size': 128, 'num_hidden_layers': 2, 'num_attention_heads': 4, 'vocab_size': 100}, 'vision_config': " \
  "{'model_type': 'clip_vision_model', 'hidden_size': 32, 'intermediate_size': 64, 'num_hidden_layers': 3, " \
  "'num_attention_heads': 4, 'image_size': 28, 'patch_size': 14}"
#define INTERN_VL \
  "'model_type': 'internvl_chat', 'architectures': ['InternVLChatModel'], 'torch_dtype': 'bfloat16', 'llm_config': " \
  "{'model_type': 'internlm2', 'hidden_size': 64, 'intermediate_size': 128, 'num_hidden_layers': 2, " \
  "'num_attention_heads': 4, 'num_key_value_heads': 2, 'vocab_size': 100}, 'vision_config': {'model_type': " \
  "'intern_vit_6b', 'hidden_size': 32, 'intermediate_size': 64, 'num_hidden_layers': 2, 'num_attention_heads': 4, " \
  "'image_size': 28, 'patch_size': 14}"
#define INT4_GROUPS \
  "'config_groups': {'a': {'targets': ['Linear'], 'weights': {'num_bits': 4, 'type': 'int', 'symmetric': false, " \
  "'strategy': 'group', 'group_size': 32}}}"

typedef struct
{
  const char *name;
  const char *model;
  const char *settings;   /* NULL: not quantized */
} Case;

static const Case cases[] = {
  { "plain", LLAMA, NULL },
  { "gptq", LLAMA, "{'quant_method': 'gptq', 'bits': 4, 'group_size': 128}" },
  { "gptq_of_experts", MIXTURE, "{'quant_method': 'gptq', 'bits': 8, 'group_size': 64}" },
  { "awq", LLAMA, "{'quant_method': 'awq', 'bits': 4, 'group_size': 64}" },
  { "bitsandbytes_int8", LLAMA, "{'load_in_8bit': true}" },
  { "bitsandbytes_nf4", LLAMA, "{'load_in_4bit': true, 'bnb_4bit_quant_type': 'nf4', "
                               "'bnb_4bit_use_double_quant': true}" },
  { "fp8_of_experts", MIXTURE, "{'quant_method': 'fp8', 'weight_block_size': [128, 128]}" },
  { "fp8_with_a_scale_for_all", LLAMA, "{'quant_method': 'modelopt', 'quant_algo': 'FP8', 'ignore': ['lm_head']}" },
  { "nvfp4", LLAMA, "{'quant_method': 'modelopt', 'quant_algo': 'NVFP4', 'ignore': ['lm_head']}" },
  { "compressed_tensors", MIXTURE, "{'quant_method': 'compressed-tensors', 'format': 'pack-quantized', 'ignore': "
                                   "['lm_head'], " INT4_GROUPS "}" },
  { "eetq", LLAMA, "{'quant_method': 'eetq'}" },
  { "hqq", LLAMA, "{'quant_method': 'hqq', 'quant_config': {'weight_quant_params': {'nbits': 4, 'group_size': 64}}, "
                  "'skip_modules': ['lm_head']}" },
  { "mxfp4", GPT_OSS, "{'quant_method': 'mxfp4', 'modules_to_not_convert': ['lm_head']}" },
};

typedef struct
{
  GString *header;
  guint64 offset;
} Writer;

static void
add_tensor (Writer        *writer,
            const char    *name,
            const char    *type,
            const guint64 *shape,
            guint          n_dimensions,
            guint64        n_bytes)
{
  g_string_append_printf (writer->header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", writer->header->len > 1 ? "," : "",
                          name, type);
  for (guint i = 0; i < n_dimensions; i++)
    g_string_append_printf (writer->header, "%s%" G_GUINT64_FORMAT, i > 0 ? "," : "", shape[i]);
  g_string_append_printf (writer->header, "],\"data_offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}",
                          writer->offset, writer->offset + n_bytes);
  writer->offset += n_bytes;
}

static void
add_pieces (Writer               *writer,
            const HrTensor       *tensor,
            const HrMatrixFormat *format,
            const char           *name)
{
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint64 n_matrices, out_features, in_features;
  guint n_pieces;
  gsize length = strlen (name) - (g_str_has_suffix (name, ".weight") ? strlen (".weight") : 0);

  hr_tensor_get_matrix (tensor, &n_matrices, &out_features, &in_features);
  n_pieces = hr_matrix_format_list_pieces (format, HR_DTYPE_BFLOAT16, out_features, in_features, pieces);
  for (guint i = 0; i < n_pieces; i++)
    {
      g_autofree char *piece_name = g_strdup_printf ("%.*s%s", (int) length, name, pieces[i].suffix);
      guint64 shape[HR_MATRIX_MAX_DIMENSIONS + 1] = { n_matrices };

      /* bitsandbytes keeps it on the host, among its settings. */
      if (g_str_has_suffix (piece_name, "nested_offset"))
        continue;
      memcpy (shape + 1, pieces[i].shape, pieces[i].n_dimensions * sizeof (guint64));
      add_tensor (writer, piece_name, pieces[i].type, n_matrices > 1 ? shape : shape + 1,
                  pieces[i].n_dimensions + (n_matrices > 1), n_matrices * pieces[i].n_bytes);
    }
}

/* All tensors of a model as its config says they are stored; @old of their names becomes @new. */
static void
add_model (Writer     *writer,
           HrModel    *model,
           const char *old,
           const char *new)
{
  const HrQuantizer *quantizer = _hr_model_get_quantizer (model);

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      for (guint copy = 0; tensor->tied_to == NULL && copy < hr_tensor_get_copies (tensor); copy++)
        {
          const HrMatrixFormat *format = quantizer != NULL ? hr_quantizer_get_format (quantizer, tensor, i, copy)
                                                           : NULL;
          g_autoptr (GString) name = NULL;
          g_autofree char *own_name = hr_tensor_get_name (tensor, copy);

          name = g_string_new (own_name);
          if (old != NULL && g_str_has_prefix (own_name, old))
            {
              g_string_erase (name, 0, strlen (old));
              g_string_prepend (name, new);
            }
          if (format != NULL)
            add_pieces (writer, tensor, format, name->str);
          else
            add_tensor (writer, name->str, "BF16", tensor->shape, tensor->n_dimensions, 2 * tensor->n_elements);
        }
    }
}

static char *
make_config (const char *model,
             const char *settings)
{
  g_autofree char *text = settings != NULL ? g_strdup_printf ("{%s, 'quantization_config': %s}", model, settings)
                                           : g_strdup_printf ("{%s}", model);

  return g_strdelimit (g_steal_pointer (&text), "'", '"');
}

static HrModel *
make_model (const char *config)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_data (config, -1, "config.json", &error);

  g_assert_no_error (error);

  return model;
}

/* Writes a config and its weights, and opens them. */
static HrModel *
open_both (const char *config,
           Writer     *writer)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GFile) config_file = test_folder_write_text (folder, "config.json", config);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GFile) weights = NULL;
  g_autoptr (GError) error = NULL;
  HrModel *model;

  g_string_append_c (writer->header, '}');
  bytes = safetensors_new (writer->header->str, writer->offset);
  weights = test_folder_write (folder, "model.safetensors", bytes);
  model = hr_model_new_from_file (config_file, &error);
  g_assert_no_error (error);
  test_folder_free (g_steal_pointer (&folder));
  g_string_free (writer->header, TRUE);

  return model;
}

static guint64
get_weights (HrModel *model)
{
  g_auto (HrWeightStorage) storage = { 0 };
  HrWeights weights;

  hr_weight_storage_init (&storage, model, HR_DTYPE_BFLOAT16, hr_model_get_quantization (model), NULL);
  hr_weights_init_model (&weights, &storage);

  return weights.bytes;
}

static guint
count_quantized (HrModel *model)
{
  const HrQuantizer *quantizer = _hr_model_get_quantizer (model);
  guint count = 0;

  for (guint i = 0; quantizer != NULL && i < hr_model_get_n_tensors (model); i++)
    {
      for (guint copy = 0; copy < hr_tensor_get_copies (hr_model_get_tensor (model, i)); copy++)
        count += hr_quantizer_get_format (quantizer, hr_model_get_tensor (model, i), i, copy) != NULL;
    }

  return count;
}

static void
test_what_is_stored_as_configured_is_not_remarked_upon (gconstpointer data)
{
  const Case *test = data;
  g_autofree char *config = make_config (test->model, test->settings);
  g_autoptr (HrModel) alone = make_model (config);
  Writer writer = { g_string_new ("{"), 0 };
  g_autoptr (HrModel) both = NULL;
  guint64 expected = get_weights (alone);

  add_model (&writer, alone, NULL, NULL);
  both = open_both (config, &writer);

  g_assert_cmpstr (hr_model_get_warnings (both)[0], ==, NULL);
  /* The scalars that bitsandbytes makes when it loads a matrix are not in the file. */
  if (hr_model_get_quantization (alone) == HR_QUANTIZATION_BNB_NF4_DQ)
    expected -= 512 * count_quantized (alone);
  g_assert_cmpuint (get_weights (both), ==, expected);
}

static void
expect (HrModel    *model,
        const char *text)
{
  const char * const *warnings = hr_model_get_warnings (model);

  g_assert_cmpuint (g_strv_length ((char **) warnings), ==, 1);
  if (strstr (warnings[0], text) == NULL)
    g_error ("“%s” is not in “%s”", text, warnings[0]);
}

static void
test_modules_that_were_moved_are_found (void)
{
  static const struct
  {
    const char *old;
    const char *new;
  } moves[] = {
    { "model.language_model.", "language_model.model." }, { "model.vision_tower.", "vision_tower." },
    { "model.multi_modal_projector.", "multi_modal_projector." },
  };
  g_autofree char *config = make_config (LLAVA, NULL);
  g_autoptr (HrModel) alone = make_model (config);

  for (guint i = 0; i < G_N_ELEMENTS (moves); i++)
    {
      Writer writer = { g_string_new ("{"), 0 };
      g_autoptr (HrModel) both = NULL;

      add_model (&writer, alone, moves[i].old, moves[i].new);
      both = open_both (config, &writer);
      g_assert_cmpstr (hr_model_get_warnings (both)[0], ==, NULL);
      g_assert_cmpuint (hr_model_get_stored_bytes (both), ==, 2 * hr_model_get_n_parameters (both));
    }
}

/* The experts of a layer, which @model lists one by one, in one tensor, as transformers 5 may save them. */
static void
add_model_with_fused_experts (Writer  *writer,
                              HrModel *model)
{
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        {
          g_autofree char *name = hr_tensor_get_name (tensor, copy);
          guint64 n_experts = hr_tensor_get_copies_of_layer (tensor);
          char *experts = strstr (name, ".experts.");

          if (experts == NULL)
            {
              add_tensor (writer, name, "BF16", tensor->shape, tensor->n_dimensions, 2 * tensor->n_elements);
              continue;
            }
          if (copy % n_experts != 0 || strstr (name, "up_proj") != NULL)
            continue;
          else
            {
              gboolean is_gate = strstr (name, "gate_proj") != NULL;
              guint64 shape[] = { n_experts, (is_gate + 1) * tensor->shape[0], tensor->shape[1] };
              g_autofree char *fused = g_strdup_printf ("%.*s.experts.%s", (int) (experts - name), name,
                                                        is_gate ? "gate_up_proj" : "down_proj");

              add_tensor (writer, fused, "BF16", shape, 3, 2 * shape[0] * shape[1] * shape[2]);
            }
        }
    }
}

static void
test_experts_may_be_stored_in_one_tensor (void)
{
  g_autofree char *config = make_config (MIXTURE, NULL);
  g_autoptr (HrModel) alone = make_model (config);
  Writer writer = { g_string_new ("{"), 0 };
  g_autoptr (HrModel) both = NULL;

  add_model_with_fused_experts (&writer, alone);
  both = open_both (config, &writer);

  g_assert_cmpstr (hr_model_get_warnings (both)[0], ==, NULL);
  g_assert_cmpuint (hr_model_get_stored_bytes (both), ==, 2 * hr_model_get_n_parameters (both));
  g_assert_cmpuint (get_weights (both), ==, get_weights (alone));
}

/* The other way round, for a class that has them in one. */
static void
test_experts_may_be_stored_one_by_one (void)
{
  g_autofree char *config = make_config (FUSED_MIXTURE, NULL);
  g_autoptr (HrModel) alone = make_model (config);

  for (guint n_left_out = 0; n_left_out < 2; n_left_out++)
    {
      Writer writer = { g_string_new ("{"), 0 };
      g_autoptr (HrModel) both = NULL;

      for (guint i = 0; i < hr_model_get_n_tensors (alone); i++)
        {
          const HrTensor *tensor = hr_model_get_tensor (alone, i);

          for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
            {
              g_autofree char *name = hr_tensor_get_name (tensor, copy);
              gboolean is_gate = g_str_has_suffix (name, "experts.gate_up_proj");
              guint64 shape[] = { tensor->shape[1] >> is_gate, tensor->shape[2] };

              if (!is_gate && !g_str_has_suffix (name, "experts.down_proj"))
                {
                  add_tensor (&writer, name, "BF16", tensor->shape, tensor->n_dimensions, 2 * tensor->n_elements);
                  continue;
                }
              for (guint64 expert = n_left_out; expert < tensor->shape[0]; expert++)
                {
                  for (guint j = 0; j < (is_gate ? 2 : 1); j++)
                    {
                      g_autofree char *one = g_strdup_printf ("%.*s.experts.%" G_GUINT64_FORMAT ".%s.weight",
                                                              (int) (strstr (name, ".experts.") - name), name, expert,
                                                              !is_gate ? "down_proj" : j == 0 ? "gate_proj"
                                                                                              : "up_proj");

                      add_tensor (&writer, one, "BF16", shape, 2, 2 * shape[0] * shape[1]);
                    }
                }
            }
        }

      both = open_both (config, &writer);
      if (n_left_out > 0)
        g_assert_nonnull (strstr (hr_model_get_warnings (both)[0], "mlp.experts.gate_up_proj"));
      else
        g_assert_cmpstr (hr_model_get_warnings (both)[0], ==, NULL);
      g_assert_cmpuint (hr_model_get_stored_bytes (both) == 2 * hr_model_get_n_parameters (both), ==, n_left_out == 0);
    }
}

static void
test_buffers_are_not_missed (void)
{
  static const char * const buffers[] = {
    "model.layers.0.self_attn.rotary_emb.inv_freq", "model.layers.1.mlp.gate.e_score_correction_bias",
    "model.layers.0.self_attn.k_scale", "model.audio_embed.encoder.encoder_embedding.global_mean",
  };
  g_autofree char *config = make_config (LLAMA, NULL);
  g_autoptr (HrModel) alone = make_model (config);
  Writer writer = { g_string_new ("{"), 0 };
  g_autoptr (HrModel) both = NULL;
  guint64 shape = 32;

  add_model (&writer, alone, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (buffers); i++)
    add_tensor (&writer, buffers[i], "F32", &shape, 1, 128);
  both = open_both (config, &writer);

  g_assert_cmpstr (hr_model_get_warnings (both)[0], ==, NULL);
}

typedef struct
{
  const char *name;
  const char *settings;     /* of the config */
  const char *stored;       /* of the file, where that differs */
  const char *extra;        /* a tensor more */
  const char *warning;
} Difference;

static const Difference differences[] = {
  { "layers_for_further_tokens", NULL, NULL, "model.layers.2.eh_proj.weight", "for predicting further tokens" },
  { "modules_for_further_tokens", NULL, NULL, "mtp.fc.weight", "for predicting further tokens" },
  { "a_tensor_that_is_not_known", NULL, NULL, "model.visual.patch_embed.weight", "does not have" },
  { "biases_of_quantized_matrices", "{'quant_method': 'gptq', 'bits': 4}", NULL,
    "model.layers.0.self_attn.o_proj.bias", "a bias of a quantized matrix" },
  { "matrices_that_are_not_quantized", "{'quant_method': 'gptq', 'bits': 4}",
    "{'quant_method': 'gptq', 'bits': 4, 'dynamic': {'-:.*up_proj': {}}}", NULL,
    "2 tensors of the weights are not quantized, though the config says so: model.layers.0.mlp.up_proj.weight" },
  { "matrices_that_are_quantized", "{'quant_method': 'fp8', 'modules_to_not_convert': ['lm_head', 'q_proj']}",
    "{'quant_method': 'fp8'}", NULL,
    "2 tensors of the weights are quantized, which the config does not say: model.layers.0.self_attn.q_proj.weight" },
  { "groups_of_another_size", "{'quant_method': 'gptq', 'bits': 4, 'group_size': 64, "
                              "'modules_in_block_to_quantize': [['q_proj']]}",
    "{'quant_method': 'gptq', 'bits': 4, 'group_size': 128, 'modules_in_block_to_quantize': [['q_proj']]}", NULL,
    "model.layers.0.self_attn.q_proj.qzeros [2, 32] instead of [4, 32]" },
};

static void
test_a_difference_is_named (gconstpointer data)
{
  const Difference *test = data;
  g_autofree char *config = make_config (LLAMA, test->settings);
  g_autofree char *stored_config = make_config (LLAMA, test->stored != NULL ? test->stored : test->settings);
  g_autoptr (HrModel) stored = make_model (stored_config);
  Writer writer = { g_string_new ("{"), 0 };
  g_autoptr (HrModel) both = NULL;
  guint64 shape = 4;

  add_model (&writer, stored, NULL, NULL);
  if (test->extra != NULL)
    add_tensor (&writer, test->extra, "BF16", &shape, 1, 8);
  both = open_both (config, &writer);

  expect (both, test->warning);
}

/* Pickled files are not opened, but their index has names. */
static void
test_an_index_of_pickled_files_is_compared_by_name (void)
{
  g_autofree char *config = make_config (LLAMA, NULL);
  g_autoptr (HrModel) alone = make_model (config);
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GFile) config_file = test_folder_write_text (folder, "config.json", config);
  g_autoptr (GString) index = g_string_new ("{\"metadata\": {\"total_size\": 7000000}, "
                                            "\"weight_map\": {\"odd\": \"a\"");
  g_autoptr (GFile) index_file = NULL;
  g_autoptr (HrModel) model = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < hr_model_get_n_tensors (alone); i++)
    {
      for (guint copy = 0; copy < hr_tensor_get_copies (hr_model_get_tensor (alone, i)); copy++)
        {
          g_autofree char *name = hr_tensor_get_name (hr_model_get_tensor (alone, i), copy);

          if (!g_str_equal (name, "model.norm.weight"))
            g_string_append_printf (index, ", \"%s\": \"pytorch_model-00001-of-00001.bin\"", name);
        }
    }
  g_string_append (index, "}}");
  index_file = test_folder_write_text (folder, "pytorch_model.bin.index.json", index->str);
  model = hr_model_new_from_file (config_file, &error);
  g_assert_no_error (error);

  g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (model)), ==, 2);
  g_assert_nonnull (strstr (hr_model_get_warnings (model)[0], "model.norm.weight"));
  g_assert_nonnull (strstr (hr_model_get_warnings (model)[1], "odd"));
  g_assert_cmpuint (hr_model_get_stored_bytes (model), ==, 7000000);
  g_assert_false (hr_model_get_stored (model, 0, 0, NULL, NULL, NULL));

  test_folder_free (g_steal_pointer (&folder));
}

/* Their names and the matrices that they are in are those of another class: only numbers can be compared. */
static void
test_of_converted_weights_the_count_is_compared (void)
{
  static const struct
  {
    guint64 more;
    guint n_warnings;
  } counts[] = { { 0, 1 }, { 3, 2 } };
  g_autofree char *config = make_config (INTERN_VL, NULL);
  g_autoptr (HrModel) alone = make_model (config);

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      guint64 n_elements = hr_model_get_n_parameters (alone) + counts[i].more;
      Writer writer = { g_string_new ("{"), 0 };
      g_autoptr (HrModel) both = NULL;
      const char * const *warnings;

      add_tensor (&writer, "vision_model.encoder.layers.0.attn.qkv.weight", "BF16", &n_elements, 1, 2 * n_elements);
      both = open_both (config, &writer);
      warnings = hr_model_get_warnings (both);

      g_assert_cmpuint (g_strv_length ((char **) warnings), ==, counts[i].n_warnings);
      g_assert_nonnull (strstr (warnings[0], "InternVLForConditionalGeneration"));
      if (counts[i].more > 0)
        g_assert_nonnull (strstr (warnings[1], "The weights hold "));
      g_assert_cmpuint (get_weights (both), ==, get_weights (alone));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/model/stored/what_is_stored_as_configured_is_not_remarked_upon/",
                                           cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_what_is_stored_as_configured_is_not_remarked_upon);
    }
  for (guint i = 0; i < G_N_ELEMENTS (differences); i++)
    {
      g_autofree char *path = g_strconcat ("/model/stored/a_difference_is_named/", differences[i].name, NULL);

      g_test_add_data_func (path, &differences[i], test_a_difference_is_named);
    }
  g_test_add_func ("/model/stored/modules_that_were_moved_are_found", test_modules_that_were_moved_are_found);
  g_test_add_func ("/model/stored/experts_may_be_stored_in_one_tensor", test_experts_may_be_stored_in_one_tensor);
  g_test_add_func ("/model/stored/experts_may_be_stored_one_by_one", test_experts_may_be_stored_one_by_one);
  g_test_add_func ("/model/stored/of_converted_weights_the_count_is_compared",
                   test_of_converted_weights_the_count_is_compared);
  g_test_add_func ("/model/stored/buffers_are_not_missed", test_buffers_are_not_missed);
  g_test_add_func ("/model/stored/an_index_of_pickled_files_is_compared_by_name",
                   test_an_index_of_pickled_files_is_compared_by_name);

  return g_test_run ();
}
