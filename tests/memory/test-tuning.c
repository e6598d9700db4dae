/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-json.h"
#include "hr-model.h"
#include "hr-tuning.h"

/* What methods of fine-tuning do to the modules of a model, and what they train. */

#define CONFIG \
  "{ \"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": 64, " \
  "\"intermediate_size\": 128, \"num_hidden_layers\": 4, \"num_attention_heads\": 4, " \
  "\"num_key_value_heads\": 2, \"vocab_size\": 256 }"

static HrModel *
load_model (void)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_data (CONFIG, -1, "config.json", &error);

  g_assert_no_error (error);

  return model;
}

static HrTuning *
tune (HrModel    *model,
      const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) json = hr_json_new_from_data (text, -1, "adapter_config.json", HR_JSON_STRICT, &error);
  g_autoptr (HrAdapter) adapter = NULL;
  HrTuning *tuning;

  g_assert_no_error (error);
  adapter = hr_adapter_new_from_json (json, &error);
  g_assert_no_error (error);
  tuning = hr_tuning_new_for_adapter (adapter, HR_TUNED_BY_LORA, model, HR_ELEMENT_BFLOAT16, HR_ELEMENT_FLOAT32,
                                      &error);
  g_assert_no_error (error);

  return tuning;
}

static const char *
find_block (HrModel    *model,
            const char *pattern)
{
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      if (g_str_equal (hr_model_get_tensor (model, i)->pattern, pattern))
        return hr_model_get_tensor (model, i)->block;
    }

  g_assert_not_reached ();
}

static void
test_a_named_module_is_tuned_in_all_layers (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrTuning) tuning = tune (model, "{ \"peft_type\": \"LORA\", \"r\": 8, "
                                             "\"target_modules\": [\"q_proj\"] }");
  const char *block = find_block (model, "model.layers.{}.self_attn.q_proj.weight");

  for (int layer = 0; layer < 4; layer++)
    {
      g_assert_nonnull (hr_tuning_find (tuning, block, HR_MODULE_QUERY, layer));
      g_assert_null (hr_tuning_find (tuning, block, HR_MODULE_KEY, layer));
      g_assert_cmpuint (hr_tuning_get_group (tuning, layer), ==, 0);
    }
  g_assert_cmpuint (hr_trainables_get_n_elements (hr_tuning_get_trainables (tuning)), ==, 4 * 8 * (64 + 64));
}

static void
test_layers_that_are_left_out_are_a_group_of_their_own (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrTuning) tuning = tune (model, "{ \"peft_type\": \"LORA\", \"r\": 8, "
                                             "\"target_modules\": [\"v_proj\"], "
                                             "\"layers_to_transform\": [1, 3] }");
  const char *block = find_block (model, "model.layers.{}.self_attn.v_proj.weight");

  g_assert_null (hr_tuning_find (tuning, block, HR_MODULE_VALUE, 0));
  g_assert_nonnull (hr_tuning_find (tuning, block, HR_MODULE_VALUE, 1));
  g_assert_null (hr_tuning_find (tuning, block, HR_MODULE_VALUE, 2));
  g_assert_nonnull (hr_tuning_find (tuning, block, HR_MODULE_VALUE, 3));
  g_assert_cmpuint (hr_tuning_get_group (tuning, 0), ==, hr_tuning_get_group (tuning, 2));
  g_assert_cmpuint (hr_tuning_get_group (tuning, 1), ==, hr_tuning_get_group (tuning, 3));
  g_assert_cmpuint (hr_tuning_get_group (tuning, 0), !=, hr_tuning_get_group (tuning, 1));
  g_assert_cmpuint (hr_trainables_get_n_elements (hr_tuning_get_trainables (tuning)), ==, 2 * 8 * (64 + 32));
}

static void
test_ranks_that_differ_have_symbols_of_their_own (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrTuning) tuning = tune (model, "{ \"peft_type\": \"LORA\", \"r\": 8, "
                                             "\"target_modules\": [\"q_proj\", \"v_proj\"], "
                                             "\"rank_pattern\": { \"v_proj\": 4 } }");
  const char *block = find_block (model, "model.layers.{}.self_attn.v_proj.weight");
  g_autofree HrReplay *replay = g_new0 (HrReplay, 1);

  hr_replay_init (replay, HR_ELEMENT_BFLOAT16, HR_QUANTIZATION_NONE);
  hr_tuning_set_symbols (tuning, replay);
  g_assert_cmpuint (replay->symbols[hr_tuning_find (tuning, block, HR_MODULE_QUERY, 0)->rank], ==, 8);
  g_assert_cmpuint (replay->symbols[hr_tuning_find (tuning, block, HR_MODULE_VALUE, 0)->rank], ==, 4);
}

static void
test_the_last_layers_are_trained_whole (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrTuning) tuning = hr_tuning_new_for_layers (model, HR_ELEMENT_BFLOAT16, 1);
  g_autofree HrReplay *replay = g_new0 (HrReplay, 1);

  hr_tuning_choose_trained (tuning, replay, 2);
  g_assert_false (replay->trains_weights);
  hr_tuning_choose_trained (tuning, replay, 3);
  g_assert_true (replay->trains_weights);
  hr_tuning_choose_trained (tuning, replay, -1);
  g_assert_false (replay->trains_weights);
  g_assert_cmpuint (hr_trainables_get_n_elements (hr_tuning_get_trainables (tuning)), ==,
                    2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128 + 2 * 64);
  g_assert_cmpuint (hr_tuning_get_added_bytes (tuning), ==, 0);
}

#define MIXTURE \
  "{ \"model_type\": \"mixtral\", \"architectures\": [\"MixtralForCausalLM\"], \"hidden_size\": 64, " \
  "\"intermediate_size\": 128, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, " \
  "\"num_key_value_heads\": 2, \"vocab_size\": 256, \"num_local_experts\": 4, \"num_experts_per_tok\": 2 }"

/* Gates and inputs of all experts are one parameter, whose factors have twice the rank. */
#define LLAVA \
  "{ \"model_type\": \"llava\", \"architectures\": [\"LlavaForConditionalGeneration\"], \"text_config\": " \
  "{ \"model_type\": \"llama\", \"hidden_size\": 64, \"intermediate_size\": 128, \"num_hidden_layers\": 2, " \
  "\"num_attention_heads\": 4, \"vocab_size\": 256 }, \"vision_config\": { \"model_type\": " \
  "\"clip_vision_model\", \"hidden_size\": 32, \"intermediate_size\": 64, \"num_hidden_layers\": 2, " \
  "\"num_attention_heads\": 2, \"image_size\": 28, \"patch_size\": 14 } }"

/* The projector of LLaVA has two matrices with biases: 32 · 64 + 64 and 64 · 64 + 64. */
#define PROJECTOR (32 * 64 + 64 + 64 * 64 + 64)

static guint64
count_trained (HrModel       *model,
               HrFrozenParts  parts)
{
  g_autoptr (HrTuning) tuning = hr_tuning_new_for_parts (model, HR_ELEMENT_BFLOAT16, parts);

  return hr_trainables_get_n_elements (hr_tuning_get_trainables (tuning));
}

static void
test_parts_are_frozen (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (LLAVA, -1, "config.json", &error);
  g_autoptr (HrTuning) tuning = NULL;
  guint64 n_towers = 0;

  g_assert_no_error (error);
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (hr_trainable_get_stack_role (model, tensor) == HR_STACK_VISION)
        n_towers += tensor->n_elements * MAX (tensor->n_layers, 1);
    }
  g_assert_cmpuint (n_towers, >, 0);
  g_assert_cmpuint (count_trained (model, HR_FROZEN_PARTS_TOWERS), ==,
                    hr_model_get_n_parameters (model) - n_towers);
  g_assert_cmpuint (count_trained (model, HR_FROZEN_PARTS_TOWERS_AND_PROJECTORS), ==,
                    hr_model_get_n_parameters (model) - n_towers - PROJECTOR);
  g_assert_cmpuint (count_trained (model, HR_FROZEN_PARTS_ALL_BUT_PROJECTORS), ==, PROJECTOR);

  tuning = hr_tuning_new_for_parts (model, HR_ELEMENT_BFLOAT16, HR_FROZEN_PARTS_ALL_BUT_PROJECTORS);
  g_assert_true (hr_tuning_freezes (tuning, find_block (model, "lm_head.weight")));
  g_assert_false (hr_tuning_freezes (tuning, find_block (model, "model.multi_modal_projector.linear_1.weight")));
  g_assert_false (hr_tuning_freezes (NULL, find_block (model, "lm_head.weight")));
}

static void
test_experts_are_adapted_as_parameters (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (MIXTURE, -1, "config.json", &error);
  g_autoptr (HrAdapter) both = hr_adapter_new_lora (8, "w1,w3");
  g_autoptr (HrAdapter) half = hr_adapter_new_lora (8, "w1,w2");
  g_autoptr (HrAdapter) router = hr_adapter_new_lora (8, "gate");
  g_autoptr (HrTuning) of_both = NULL;
  g_autoptr (HrTuning) of_router = NULL;
  const char *block;

  g_assert_no_error (error);
  of_both = hr_tuning_new_for_adapter (both, HR_TUNED_BY_LORA, model, HR_ELEMENT_BFLOAT16, HR_ELEMENT_FLOAT32,
                                       &error);
  g_assert_no_error (error);
  block = find_block (model, "model.layers.{}.block_sparse_moe.gate.weight");
  g_assert_nonnull (hr_tuning_find (of_both, block, HR_MODULE_EXPERT_GATE, 1));
  g_assert_null (hr_tuning_find (of_both, block, HR_MODULE_EXPERT_DOWN, 1));
  g_assert_null (hr_tuning_find (of_both, block, HR_MODULE_ROUTER, 1));
  g_assert_true (hr_tuning_has_parameters (of_both));
  g_assert_cmpuint (hr_trainables_get_n_elements (hr_tuning_get_trainables (of_both)), ==,
                    2 * (2 * 8) * 4 * (64 + 2 * 128));

  of_router = hr_tuning_new_for_adapter (router, HR_TUNED_BY_LORA, model, HR_ELEMENT_BFLOAT16, HR_ELEMENT_FLOAT32,
                                         &error);
  g_assert_no_error (error);
  g_assert_nonnull (hr_tuning_find (of_router, block, HR_MODULE_ROUTER, 0));
  g_assert_cmpuint (hr_trainables_get_n_elements (hr_tuning_get_trainables (of_router)), ==, 2 * 8 * (64 + 4));

  g_assert_null (hr_tuning_new_for_adapter (half, HR_TUNED_BY_LORA, model, HR_ELEMENT_BFLOAT16, HR_ELEMENT_FLOAT32,
                                            &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "w3"));
}

/* The singular values and the number of ranks of AdaLoRA are trained as well; a Kronecker factor may be a product. */
static void
test_other_adapters_train_what_peft_counts (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrAdapter) adapter = hr_adapter_new_lora (4, "q_proj");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrTuning) adalora = hr_tuning_new_for_adapter (adapter, HR_TUNED_BY_ADALORA, model, HR_ELEMENT_BFLOAT16,
                                                            HR_ELEMENT_FLOAT32, &error);
  g_autoptr (HrTuning) loha = hr_tuning_new_for_adapter (adapter, HR_TUNED_BY_LOHA, model, HR_ELEMENT_BFLOAT16,
                                                         HR_ELEMENT_FLOAT32, &error);
  g_autoptr (HrTuning) whole = hr_tuning_new_for_kronecker (adapter, 0, FALSE, model, HR_ELEMENT_BFLOAT16,
                                                            HR_ELEMENT_FLOAT32, &error);
  g_autoptr (HrTuning) halves = hr_tuning_new_for_kronecker (adapter, 2, FALSE, model, HR_ELEMENT_BFLOAT16,
                                                             HR_ELEMENT_FLOAT32, &error);
  guint64 before, n_adalora = 4 * (4 * (64 + 64) + 4 + 1);

  g_assert_no_error (error);
  g_assert_cmpuint (hr_trainables_get_n_elements (hr_tuning_get_trainables (adalora)), ==, n_adalora);
  g_assert_cmpuint (hr_trainables_get_n_elements (hr_tuning_get_trainables (loha)), ==, 4 * 2 * 4 * (64 + 64));
  /* 64 is 8 by 8, of which 4 is the half; with a factor of 2 it is 2 by 32, and the larger one is of rank 4. */
  g_assert_cmpuint (hr_trainables_get_n_elements (hr_tuning_get_trainables (whole)), ==, 4 * (8 * 8 + 8 * 8));
  g_assert_cmpuint (hr_trainables_get_n_elements (hr_tuning_get_trainables (halves)), ==, 4 * (2 * 2 + 4 * (32 + 32)));

  before = hr_tuning_get_added_bytes (adalora);
  hr_tuning_hold_importance (adalora);
  g_assert_cmpuint (hr_tuning_get_added_bytes (adalora) - before, ==, 4 * 3 * 4 * (4 * (64 + 64) + 128));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/tuning/a_named_module_is_tuned_in_all_layers", test_a_named_module_is_tuned_in_all_layers);
  g_test_add_func ("/tuning/layers_that_are_left_out_are_a_group_of_their_own",
                   test_layers_that_are_left_out_are_a_group_of_their_own);
  g_test_add_func ("/tuning/ranks_that_differ_have_symbols_of_their_own",
                   test_ranks_that_differ_have_symbols_of_their_own);
  g_test_add_func ("/tuning/parts_of_a_model_are_frozen", test_parts_are_frozen);
  g_test_add_func ("/tuning/experts_are_adapted_as_parameters", test_experts_are_adapted_as_parameters);
  g_test_add_func ("/tuning/other_adapters_train_what_peft_counts", test_other_adapters_train_what_peft_counts);
  g_test_add_func ("/tuning/the_last_layers_are_trained_whole", test_the_last_layers_are_trained_whole);

  return g_test_run ();
}
