/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * `quantization_config` in all forms that checkpoints have it in: which format it is, which tensors of the model it is
 * for, and what stands for them.
 */

#include <glib.h>

#include "hr-job.h"
#include "hr-model-private.h"

/* Two layers, and nothing tied. */
#define LLAMA \
  "\"model_type\": \"llama\", \"hidden_size\": 512, \"intermediate_size\": 1024, \"num_hidden_layers\": 2, " \
  "\"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"vocab_size\": 1000, \"tie_word_embeddings\": false"
#define MIXTURE \
  "\"model_type\": \"qwen3_moe\", \"hidden_size\": 512, \"intermediate_size\": 1024, \"moe_intermediate_size\": 256, " \
  "\"num_hidden_layers\": 2, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"head_dim\": 64, " \
  "\"num_experts\": 4, \"num_experts_per_tok\": 2, \"vocab_size\": 1000, \"tie_word_embeddings\": false"
/* Its experts are one tensor in transformers. */
#define JOINED \
  "\"model_type\": \"nemotron_h\", \"hidden_size\": 512, \"num_hidden_layers\": 2, " \
  "\"layers_block_type\": [\"moe\", \"attention\"], \"n_routed_experts\": 4, \"num_experts_per_tok\": 2, " \
  "\"moe_intermediate_size\": 256, \"moe_shared_expert_intermediate_size\": 256, \"num_attention_heads\": 8, " \
  "\"mamba_num_heads\": 8, " \
  "\"num_key_value_heads\": 2, \"head_dim\": 64, \"vocab_size\": 1000, \"tie_word_embeddings\": false"
#define GPT2 \
  "\"model_type\": \"gpt2\", \"n_embd\": 512, \"n_layer\": 2, \"n_head\": 8, \"vocab_size\": 1000, \"n_positions\": 64"
#define GPT_OSS \
  "\"model_type\": \"gpt_oss\", \"hidden_size\": 512, \"intermediate_size\": 256, \"num_hidden_layers\": 2, " \
  "\"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"head_dim\": 64, \"num_local_experts\": 4, " \
  "\"num_experts_per_tok\": 2, \"vocab_size\": 1000, \"tie_word_embeddings\": false"

#define LINEAR_7 "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj"

typedef struct
{
  const char *name;
  const char *model;
  const char *settings;
  HrQuantization quantization;
  guint n_tensors;        /* how many are quantized */
  const char *modules;    /* the last words of those of layer 0, and of those outside of the layers */
  const char *pieces;     /* what stands for the first of them */
} Case;

static const Case cases[] = {
  { "bitsandbytes_int8", LLAMA, "{'quant_method': 'bitsandbytes', 'load_in_8bit': true}", HR_QUANTIZATION_BNB_INT8, 14,
    LINEAR_7, ".weight I8 [512, 512] .SCB F32 [512]" },
  { "bitsandbytes_fp4_is_what_no_type_means", LLAMA, "{'load_in_4bit': true, 'bnb_4bit_use_double_quant': true}",
    HR_QUANTIZATION_BNB_FP4_DQ, 14, LINEAR_7,
    ".weight U8 [131072, 1] .weight.absmax U8 [4096] .weight.nested_absmax F32 [16] .weight.nested_quant_map F32 [256] "
    ".weight.nested_offset F32 [1] .weight.quant_map F32 [16]" },
  { "bitsandbytes_nf4", LLAMA,
    "{'quant_method': 'bitsandbytes', 'load_in_4bit': true, 'bnb_4bit_quant_type': 'nf4', "
    "'llm_int8_skip_modules': null}",
    HR_QUANTIZATION_BNB_NF4, 14, LINEAR_7,
    ".weight U8 [131072, 1] .weight.absmax F32 [4096] .weight.quant_map F32 [16]" },
  { "bitsandbytes_takes_the_head_unless_it_is_listed", LLAMA,
    "{'quant_method': 'bitsandbytes', 'load_in_8bit': true, 'llm_int8_skip_modules': ['q_proj', 'model.layers.1']}",
    HR_QUANTIZATION_BNB_INT8, 7, "k_proj v_proj o_proj gate_proj up_proj down_proj lm_head", NULL },
  { "bitsandbytes_leaves_fused_experts", MIXTURE, "{'quant_method': 'bitsandbytes', 'load_in_8bit': true}",
    HR_QUANTIZATION_BNB_INT8, 8, "q_proj k_proj v_proj o_proj", NULL },
  { "bitsandbytes_takes_conv1d", GPT2, "{'quant_method': 'bitsandbytes', 'load_in_8bit': true}",
    HR_QUANTIZATION_BNB_INT8, 8, "c_attn c_proj c_fc c_proj", ".weight I8 [1536, 512] .SCB F32 [1536]" },
  { "gptq_int4", LLAMA, "{'quant_method': 'gptq', 'bits': 4, 'group_size': 128, 'desc_act': false, 'sym': true}",
    HR_QUANTIZATION_GPTQ_INT4, 14, LINEAR_7,
    ".qweight I32 [64, 512] .qzeros I32 [4, 64] .scales F16 [4, 512] .g_idx I32 [512]" },
  { "gptq_int3_in_whole_rows", LLAMA, "{'quant_method': 'gptq', 'bits': 3, 'group_size': -1}",
    HR_QUANTIZATION_GPTQ_INT3, 14, LINEAR_7,
    ".qweight I32 [48, 512] .qzeros I32 [1, 48] .scales F16 [1, 512] .g_idx I32 [512]" },
  { "gptq_with_dynamic_settings", LLAMA,
    "{'quant_method': 'gptq', 'bits': 4, 'dynamic': {'-:.*gate_proj': {}, '-:model\\\\.layers\\\\.1': {}, "
    "'+:.*q_proj': {'bits': 8, 'group_size': 64}}}",
    HR_QUANTIZATION_GPTQ_INT4, 6, "q_proj k_proj v_proj o_proj up_proj down_proj",
    ".qweight I32 [128, 512] .qzeros I32 [8, 128] .scales F16 [8, 512] .g_idx I32 [512]" },
  { "gptq_of_some_modules", LLAMA,
    "{'quant_method': 'gptq', 'bits': 8, 'modules_in_block_to_quantize': [['self_attn.q_proj'], ['mlp.down_proj']]}",
    HR_QUANTIZATION_GPTQ_INT8, 4, "q_proj down_proj", NULL },
  { "gptq_of_experts", MIXTURE, "{'quant_method': 'gptq', 'bits': 4}", HR_QUANTIZATION_GPTQ_INT4, 32,
    "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj", NULL },
  { "awq_gemm", LLAMA, "{'quant_method': 'awq', 'bits': 4, 'group_size': 128, 'zero_point': true, 'version': 'gemm'}",
    HR_QUANTIZATION_AWQ_INT4, 14, LINEAR_7, ".qweight I32 [512, 64] .qzeros I32 [4, 64] .scales F16 [4, 512]" },
  { "awq_gemv", LLAMA, "{'quant_method': 'awq', 'bits': 4, 'group_size': 64, 'zero_point': true, 'version': 'GEMV'}",
    HR_QUANTIZATION_AWQ_INT4, 14, LINEAR_7, ".qweight I32 [512, 64] .qzeros I32 [512, 2] .scales F16 [512, 16]" },
  { "awq_always_leaves_the_head", LLAMA,
    "{'quant_method': 'awq', 'bits': 4, 'modules_to_not_convert': ['mlp.up_proj']}", HR_QUANTIZATION_AWQ_INT4, 12,
    "q_proj k_proj v_proj o_proj gate_proj down_proj", NULL },
  { "awq_does_not_know_conv1d", GPT2, "{'quant_method': 'awq', 'bits': 4}", HR_QUANTIZATION_AWQ_INT4, 0, "", NULL },
  { "fp8_in_blocks", LLAMA,
    "{'quant_method': 'fp8', 'activation_scheme': 'dynamic', 'fmt': 'e4m3', 'weight_block_size': [128, 128]}",
    HR_QUANTIZATION_FP8, 14, LINEAR_7, ".weight F8_E4M3 [512, 512] .weight_scale_inv F32 [4, 4]" },
  { "fp8_of_experts", MIXTURE,
    "{'quant_method': 'fp8', 'modules_to_not_convert': ['lm_head', 'model.layers.0.self_attn', "
    "'model.layers.1.self_attn']}",
    HR_QUANTIZATION_FP8, 24, "gate_proj up_proj down_proj", ".weight F8_E4M3 [256, 512] .weight_scale_inv F32 [2, 4]" },
  { "fp8_with_a_scale_for_all", LLAMA,
    "{'quant_method': 'fp8', 'activation_scheme': 'static', 'ignored_layers': ['lm_head']}",
    HR_QUANTIZATION_FP8_TENSOR, 14, LINEAR_7,
    ".weight F8_E4M3 [512, 512] .weight_scale_inv F32 [1] .input_scale F32 [1]" },
  { "fbgemm_fp8", LLAMA, "{'quant_method': 'fbgemm_fp8', 'modules_to_not_convert': ['lm_head', 'self_attn.q_proj']}",
    HR_QUANTIZATION_FP8_CHANNEL, 12, "k_proj v_proj o_proj gate_proj up_proj down_proj",
    ".weight F8_E4M3 [128, 512] .weight_scale F32 [128, 1]" },
  { "compressed_tensors_int4", LLAMA,
    "{'quant_method': 'compressed-tensors', 'format': 'pack-quantized', 'ignore': ['lm_head'], 'config_groups': "
    "{'group_0': {'targets': ['Linear'], 'input_activations': null, 'weights': {'num_bits': 4, 'type': 'int', "
    "'symmetric': false, 'strategy': 'group', 'group_size': 128, 'actorder': 'group'}}}}",
    HR_QUANTIZATION_W4A16_INT4, 14, LINEAR_7,
    ".weight_packed I32 [512, 64] .weight_scale BF16 [512, 4] .weight_zero_point I32 [64, 4] .weight_g_idx I32 [512] "
    ".weight_shape I64 [2]" },
  { "compressed_tensors_int8", LLAMA,
    "{'quant_method': 'compressed-tensors', 'format': 'int-quantized', 'ignore': ['lm_head'], 'config_groups': "
    "{'group_0': {'targets': ['Linear'], 'input_activations': {'dynamic': true, 'num_bits': 8}, 'weights': "
    "{'num_bits': 8, 'type': 'int', 'symmetric': true, 'strategy': 'channel'}}}}",
    HR_QUANTIZATION_W8A8_INT8, 14, LINEAR_7, ".weight I8 [512, 512] .weight_scale BF16 [512, 1]" },
  { "compressed_tensors_fp8", LLAMA,
    "{'quant_method': 'compressed-tensors', 'format': 'float-quantized', 'ignore': ['lm_head', 're:.*o_proj'], "
    "'config_groups': {'group_0': {'targets': ['Linear'], 'input_activations': {'dynamic': false}, 'weights': "
    "{'num_bits': 8, 'type': 'float', 'strategy': 'tensor'}}}}",
    HR_QUANTIZATION_FP8_TENSOR, 12, "q_proj k_proj v_proj gate_proj up_proj down_proj",
    ".weight F8_E4M3 [512, 512] .weight_scale BF16 [1] .input_scale BF16 [1]" },
  { "compressed_tensors_takes_the_head_unless_it_is_ignored", LLAMA,
    "{'quant_method': 'compressed-tensors', 'format': 'float-quantized', 'config_groups': {'a': {'targets': "
    "['re:.*q_proj', 'lm_head'], 'weights': {'num_bits': 8, 'type': 'float', 'strategy': 'channel'}}}}",
    HR_QUANTIZATION_FP8_CHANNEL, 3, "q_proj lm_head", ".weight F8_E4M3 [512, 512] .weight_scale BF16 [512, 1]" },
  { "compressed_tensors_nvfp4", LLAMA,
    "{'quant_method': 'compressed-tensors', 'format': 'nvfp4-pack-quantized', 'ignore': ['lm_head'], 'config_groups': "
    "{'group_0': {'targets': ['Linear'], 'input_activations': {'dynamic': 'local', 'num_bits': 4}, 'weights': "
    "{'num_bits': 4, 'type': 'float', 'strategy': 'tensor_group', 'group_size': 16}}}}",
    HR_QUANTIZATION_NVFP4, 14, LINEAR_7,
    ".weight_packed U8 [512, 256] .weight_scale F8_E4M3 [512, 32] .weight_global_scale F32 [1] "
    ".input_global_scale F32 [1]" },
  { "modelopt_nvfp4", LLAMA,
    "{'quant_method': 'modelopt', 'quant_algo': 'NVFP4', 'ignore': ['lm_head', 'model.layers.1*', '*k_proj']}",
    HR_QUANTIZATION_NVFP4, 6, "q_proj v_proj o_proj gate_proj up_proj down_proj",
    ".weight U8 [512, 256] .weight_scale F8_E4M3 [512, 32] .weight_scale_2 F32 [1] .input_scale F32 [1]" },
  { "modelopt_fp8_in_a_file_of_its_own", LLAMA,
    "{'producer': {'name': 'modelopt'}, 'quantization': {'quant_algo': 'FP8', 'exclude_modules': ['lm_head']}}",
    HR_QUANTIZATION_FP8_TENSOR, 14, LINEAR_7, ".weight F8_E4M3 [512, 512] .weight_scale F32 [1] .input_scale F32 [1]" },
  { "modelopt_without_scales_of_inputs", LLAMA,
    "{'quant_method': 'modelopt', 'quant_algo': 'W4A16_NVFP4', 'ignore': ['lm_head', '*self_attn*']}",
    HR_QUANTIZATION_NVFP4, 6, "gate_proj up_proj down_proj",
    ".weight U8 [1024, 256] .weight_scale F8_E4M3 [1024, 32] .weight_scale_2 F32 [1]" },
  { "modelopt_names_the_algorithm_of_each_module", LLAMA,
    "{'quant_method': 'modelopt', 'quant_algo': 'MIXED_PRECISION', 'ignore': ['lm_head', '*down_proj'], "
    "'quantized_layers': {'model.layers.0.mlp': {'quant_algo': 'NVFP4', 'group_size': 16}, "
    "'model.layers.0.self_attn.q_proj': {'quant_algo': 'FP8'}, 'model.layers.1.mlp.up_proj': {'quant_algo': 'FP8'}, "
    "'lm_head': {'quant_algo': 'UNQUANTIZED'}}}",
    HR_QUANTIZATION_NVFP4, 4, "q_proj gate_proj up_proj",
    ".weight F8_E4M3 [512, 512] .weight_scale F32 [1] .input_scale F32 [1]" },
  { "modelopt_names_each_expert_of_those_that_are_one_tensor", JOINED,
    "{'producer': {'name': 'modelopt'}, 'quantization': {'quant_algo': 'MIXED_PRECISION', 'quantized_layers': {"
    "'backbone.layers.0.mixer.experts.0.up_proj': {'quant_algo': 'W4A16_NVFP4', 'group_size': 16}, "
    "'backbone.layers.0.mixer.experts.0.down_proj': {'quant_algo': 'W4A16_NVFP4', 'group_size': 16}, "
    "'backbone.layers.0.mixer.experts.1.up_proj': {'quant_algo': 'W4A16_NVFP4', 'group_size': 16}, "
    "'backbone.layers.0.mixer.experts.1.down_proj': {'quant_algo': 'W4A16_NVFP4', 'group_size': 16}}}}",
    HR_QUANTIZATION_NVFP4, 2, "up_proj down_proj", NULL },
  { "modelopt_groups_modules_by_their_numbers", LLAMA,
    "{'quantization': {'quant_algo': 'MIXED_PRECISION', 'config_groups': {'group_0': {'weights': {'num_bits': 8, "
    "'type': 'float'}, 'targets': ['model.layers.0.self_attn.k_proj']}, 'group_1': {'weights': {'num_bits': 4, "
    "'type': 'float', 'group_size': 16}, 'targets': ['model.layers.0.mlp.up_proj']}}}, "
    "'producer': {'name': 'modelopt'}}",
    HR_QUANTIZATION_NVFP4, 2, "k_proj up_proj",
    ".weight F8_E4M3 [128, 512] .weight_scale F32 [1] .input_scale F32 [1]" },
  { "mxfp4_is_for_experts", GPT_OSS,
    "{'quant_method': 'mxfp4', 'modules_to_not_convert': ['model.layers.*.self_attn', 'model.layers.*.mlp.router', "
    "'model.embed_tokens', 'lm_head']}",
    HR_QUANTIZATION_MXFP4, 4, "gate_up_proj down_proj", "_blocks U8 [512, 16, 16] _scales U8 [512, 16]" },
  { "hqq_for_all", LLAMA,
    "{'quant_method': 'hqq', 'quant_config': {'weight_quant_params': {'nbits': 4, 'group_size': 64, 'axis': 1}}, "
    "'skip_modules': ['lm_head', 'mlp.down_proj']}",
    HR_QUANTIZATION_HQQ_INT4, 12, "q_proj k_proj v_proj o_proj gate_proj up_proj",
    ".W_q U8 [2048, 64] .scale BF16 [4096, 1] .zero BF16 [4096, 1]" },
  { "hqq_for_kinds_of_layers", LLAMA,
    "{'quant_method': 'hqq', 'quant_config': {'self_attn.q_proj': {'weight_quant_params': {'nbits': 8, "
    "'group_size': 64}}, 'mlp.up_proj': {'weight_quant_params': {'nbits': 2, 'group_size': 32}}}}",
    HR_QUANTIZATION_HQQ_INT2, 4, "q_proj up_proj", ".W_q U8 [4096, 64] .scale BF16 [4096, 1] .zero BF16 [4096, 1]" },
  { "quanto_int4", LLAMA, "{'quant_method': 'quanto', 'weights': 'int4', 'activations': null}",
    HR_QUANTIZATION_QUANTO_INT4, 14, LINEAR_7, NULL },
  { "eetq", LLAMA, "{'quant_method': 'eetq', 'weights': 'int8'}", HR_QUANTIZATION_EETQ_INT8, 14, LINEAR_7,
    ".weight I8 [512, 512] .weight_scales F16 [512, 1]" },
  { "torchao_by_name", LLAMA,
    "{'quant_method': 'torchao', 'quant_type': 'int4_weight_only', 'quant_type_kwargs': {'group_size': 64}}",
    HR_QUANTIZATION_TORCHAO_INT4, 14, LINEAR_7, ".weight.qdata I32 [512, 64] .weight.scale_and_zero BF16 [8, 512, 2]" },
  { "torchao_by_class", LLAMA,
    "{'quant_method': 'torchao', 'quant_type': {'default': {'_type': 'Int8WeightOnlyConfig', '_data': {}}}}",
    HR_QUANTIZATION_TORCHAO_INT8, 14, LINEAR_7, ".weight I8 [512, 512] .weight_scale BF16 [512, 1]" },
  { "aqlm", LLAMA,
    "{'quant_method': 'aqlm', 'in_group_size': 8, 'nbits_per_codebook': 8, 'num_codebooks': 2, "
    "'linear_weights_not_to_quantize': ['model.layers.0.self_attn.q_proj.weight', 'lm_head.weight']}",
    HR_QUANTIZATION_AQLM_INT2, 13, "k_proj v_proj o_proj gate_proj up_proj down_proj",
    ".codes I8 [512, 64, 2] .codebooks F16 [2, 256, 1, 8] .scales F16 [512, 1, 1, 1]" },
  { "bitnet", LLAMA, "{'quant_method': 'bitnet'}", HR_QUANTIZATION_BITNET, 14, LINEAR_7,
    ".weight U8 [128, 512] .weight_scale BF16 [1]" },
};

static HrModel *
load (const char *model,
      const char *settings)
{
  g_autofree char *text = g_strdup_printf ("{%s, \"quantization_config\": %s}", model, settings);
  g_autoptr (GError) error = NULL;
  HrModel *loaded;

  g_strdelimit (text, "'", '"');
  loaded = hr_model_new_from_data (text, -1, "config.json", &error);
  g_assert_no_error (error);
  g_assert_nonnull (loaded);

  return loaded;
}

static void
append_pieces (GString              *text,
               const HrMatrixFormat *format,
               const HrTensor       *tensor)
{
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint64 n_matrices, out_features, in_features;
  guint n_pieces;

  hr_tensor_get_matrix (tensor, &n_matrices, &out_features, &in_features);
  n_pieces = hr_matrix_format_list_pieces (format, HR_DTYPE_BFLOAT16, out_features, in_features, pieces);
  for (guint i = 0; i < n_pieces; i++)
    {
      g_string_append_printf (text, "%s%s %s [", i > 0 ? " " : "", pieces[i].suffix, pieces[i].type);
      for (guint j = 0; j < pieces[i].n_dimensions; j++)
        g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, j > 0 ? ", " : "", pieces[i].shape[j]);
      g_string_append_c (text, ']');
    }
}

/* "q_proj" of "model.layers.{}.self_attn.q_proj.weight" */
static void
append_word (GString    *text,
             const char *pattern)
{
  g_auto (GStrv) words = g_strsplit (pattern, ".", -1);
  guint last = g_strv_length (words) - 1;

  if (g_str_equal (words[last], "weight"))
    last--;
  g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", words[last]);
}

static void
test_a_quantization_is_read (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (HrModel) model = load (test->model, test->settings);
  const HrQuantizer *quantizer = _hr_model_get_quantizer (model);
  g_autoptr (GString) modules = g_string_new (NULL);
  g_autoptr (GString) pieces = g_string_new (NULL);
  guint n_tensors = 0;

  g_assert_cmpint (hr_model_get_quantization (model), ==, test->quantization);
  g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (model)), ==, 0);
  g_assert_nonnull (quantizer);

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        {
          const HrMatrixFormat *format = hr_quantizer_get_format (quantizer, tensor, i, copy);

          if (format == NULL)
            continue;
          if (n_tensors++ == 0)
            append_pieces (pieces, format, tensor);
          if (copy == 0 && (tensor->n_layers == 0 || tensor->layers[0] == 0))
            append_word (modules, tensor->pattern);
        }
    }

  g_assert_cmpstr (modules->str, ==, test->modules);
  g_assert_cmpuint (n_tensors, ==, test->n_tensors);
  if (test->pieces != NULL)
    g_assert_cmpstr (pieces->str, ==, test->pieces);
}

static void
test_what_is_not_known_is_said (void)
{
  static const char * const settings[] = {
    "{}", "{'quant_method': 'vptq', 'config_for_layers': {}}", "{'quant_method': 'gptq', 'bits': 5}",
    "{'quant_method': 'awq', 'bits': 3}", "{'quant_method': 'compressed-tensors', 'format': 'marlin-24'}",
    "{'quant_method': 'modelopt', 'quant_algo': 'W4A8_AWQ'}",
    "{'quant_method': 'modelopt', 'quant_algo': 'MIXED_PRECISION', "
    "'quantized_layers': {'lm_head': {'quant_algo': 'W4A8_AWQ'}}}",
    "{'quant_method': 'hqq', 'quant_config': {}}",
    "{'quant_method': 'torchao', 'quant_type': 'autoquant'}", "{'quant_method': 'quanto', 'weights': 'int3'}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (HrModel) model = load (LLAMA, settings[i]);

      g_test_message ("%s", settings[i]);
      g_assert_cmpint (hr_model_get_quantization (model), ==, HR_QUANTIZATION_NONE);
      g_assert_cmpuint (g_strv_length ((char **) hr_model_get_warnings (model)), ==, 1);
      g_assert_nonnull (strstr (hr_model_get_warnings (model)[0], "not known in this form"));
      g_assert_cmpint (hr_model_get_unknown_quantization (model) != NULL, ==, strstr (settings[i], "method") != NULL);
    }
}

static void
test_weights_that_are_expanded_count_as_such (void)
{
  static const char * const settings[] = {
    "{'quant_method': 'fp8', 'dequantize': true}", "{'quant_method': 'bitnet', 'linear_class': 'autobitlinear'}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (HrModel) model = load (LLAMA, settings[i]);

      g_assert_cmpint (hr_model_get_quantization (model), ==, HR_QUANTIZATION_NONE);
      g_assert_nonnull (strstr (hr_model_get_warnings (model)[0], "expanded when they are loaded"));
    }
}

static void
test_what_is_wrong_is_named (void)
{
  static const struct
  {
    const char *settings;
    const char *place;
  } wrong[] = {
    { "7", "quantization_config" },
    { "{'quant_method': 3}", "quantization_config.quant_method" },
    { "{'quant_method': 'gptq', 'bits': 'four'}", "quantization_config.bits" },
    { "{'quant_method': 'gptq', 'group_size': 0}", "quantization_config.group_size" },
    { "{'quant_method': 'awq', 'modules_to_not_convert': 'lm_head'}", "quantization_config.modules_to_not_convert" },
    { "{'quant_method': 'awq', 'modules_to_not_convert': [1]}", "quantization_config.modules_to_not_convert" },
    { "{'quant_method': 'fp8', 'weight_block_size': [128]}", "quantization_config.weight_block_size" },
    { "{'quant_method': 'fp8', 'weight_block_size': [128, -3]}", "quantization_config.weight_block_size" },
    { "{'quant_method': 'compressed-tensors', 'config_groups': {'a': 1}}", "quantization_config.config_groups.a" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *text = g_strdup_printf ("{" LLAMA ", \"quantization_config\": %s}", wrong[i].settings);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = NULL;

      g_strdelimit (text, "'", '"');
      model = hr_model_new_from_data (text, -1, "config.json", &error);
      g_assert_null (model);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, wrong[i].place));
      g_assert_nonnull (strstr (error->message, "expected"));
    }
}

/* Matching that takes forever is given up. */
static void
test_a_hostile_pattern_is_given_up (void)
{
  g_autoptr (GString) settings = g_string_new ("{'quant_method': 'compressed-tensors', 'format': 'int-quantized', "
                                               "'ignore': ['re:(([a-z_.]+)+)+!', 're:(', 're:.*q_proj'], "
                                               "'config_groups': {'a': {'targets': ['Linear'], 'weights': "
                                               "{'num_bits': 8, 'strategy': 'channel'}}}}");
  g_autoptr (HrModel) model = load (LLAMA, settings->str);

  g_assert_cmpint (hr_model_get_quantization (model), ==, HR_QUANTIZATION_W8A8_INT8);
  g_assert_nonnull (strstr (hr_model_get_warnings (model)[0], "“re:(”"));
}

/* The model's own settings are used for its own format, those of the package for another one. */
static void
test_a_job_takes_what_the_model_carries (void)
{
  g_autoptr (HrModel) model = load (LLAMA ", \"torch_dtype\": \"float16\"",
                                    "{'quant_method': 'gptq', 'bits': 8, 'group_size': 32}");
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrJob) resolved = hr_job_resolve (job, model);

  g_assert_cmpint (hr_job_get_quantization (resolved), ==, HR_QUANTIZATION_GPTQ_INT8);
  g_assert_cmpint (hr_job_get_dtype (resolved), ==, HR_DTYPE_FLOAT16);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/model/quantization/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_a_quantization_is_read);
    }
  g_test_add_func ("/model/quantization/what_is_not_known_is_said", test_what_is_not_known_is_said);
  g_test_add_func ("/model/quantization/weights_that_are_expanded_count_as_such",
                   test_weights_that_are_expanded_count_as_such);
  g_test_add_func ("/model/quantization/what_is_wrong_is_named", test_what_is_wrong_is_named);
  g_test_add_func ("/model/quantization/a_hostile_pattern_is_given_up", test_a_hostile_pattern_is_given_up);
  g_test_add_func ("/model/quantization/a_job_takes_what_the_model_carries", test_a_job_takes_what_the_model_carries);

  return g_test_run ();
}
