/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Models inside of models: where their sizes come from, what their tensors are called, what messages say of them. */

#include <glib.h>

#include "hr-device-map.h"
#include "hr-error.h"
#include "hr-model.h"

#define TEXT "'hidden_size': 64, 'intermediate_size': 96, 'num_hidden_layers': 2, 'num_attention_heads': 4"
#define VISION "'vision_config': {'hidden_size': 32, 'intermediate_size': 48, 'num_hidden_layers': 3, " \
               "'num_attention_heads': 2, 'image_size': 28, 'patch_size': 14}"

static HrModel *
try_model (const char  *text,
           GError     **error)
{
  g_autofree char *json = g_strdelimit (g_strdup (text), "'", '"');

  return hr_model_new_from_data (json, -1, "config.json", error);
}

static HrModel *
make_model (const char *text)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = try_model (text, &error);

  g_assert_no_error (error);

  return model;
}

static const HrTensor *
find_tensor (HrModel    *model,
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

static guint64
get_size (HrModel    *model,
          const char *name)
{
  guint64 value = 0;

  g_assert_true (hr_model_get_hyper_parameter (model, name, &value));

  return value;
}

static void
test_the_nested_object_gives_the_sizes (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'llava', 'text_config': {" TEXT ", 'vocab_size': 100}, "
                                          VISION "}");
  const HrTensor *tensor = find_tensor (model, "model.language_model.layers.{}.self_attn.q_proj.weight");

  g_assert_nonnull (tensor);
  g_assert_cmpuint (tensor->n_layers, ==, 2);
  g_assert_cmpuint (tensor->shape[0], ==, 64);
  g_assert_nonnull (find_tensor (model, "model.language_model.embed_tokens.weight"));
  g_assert_nonnull (find_tensor (model, "lm_head.weight"));
  g_assert_cmpuint (get_size (model, "hidden_size"), ==, 64);
  g_assert_cmpuint (get_size (model, "num_hidden_layers"), ==, 2);
  g_assert_cmpuint (get_size (model, "vision.hidden_size"), ==, 32);
}

static void
test_what_is_missing_takes_the_default_of_the_inner_class (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'llava', 'text_config': {'model_type': 'mistral'}, "
                                          VISION "}");

  g_assert_cmpuint (get_size (model, "intermediate_size"), ==, 14336);
  g_assert_cmpuint (get_size (model, "num_key_value_heads"), ==, 8);
  g_assert_nonnull (hr_model_get_warnings (model)[0]);
  g_assert_nonnull (g_strrstr (hr_model_get_warnings (model)[0], "text_config.hidden_size = 4096"));
}

static void
test_no_object_at_all_is_all_defaults (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'llava'}");

  g_assert_cmpuint (get_size (model, "hidden_size"), ==, 4096);
  g_assert_cmpuint (get_size (model, "vision.hidden_size"), ==, 768);
}

static void
test_parts_are_counted_apart (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'llava', 'text_config': {" TEXT ", 'vocab_size': 100}, "
                                          VISION "}");
  guint64 sum = 0;

  for (HrPart part = 0; part < HR_N_PARTS; part++)
    sum += hr_model_get_n_parameters_of_part (model, part);

  g_assert_cmpuint (sum, ==, hr_model_get_n_parameters (model));
  g_assert_cmpuint (hr_model_get_n_parameters_of_part (model, HR_PART_PROJECTOR), ==, 32 * 64 + 64 + 64 * 64 + 64);
  g_assert_cmpuint (hr_model_get_n_parameters_of_part (model, HR_PART_EMBEDDING), ==, 100 * 64);
  g_assert_cmpuint (hr_model_get_n_parameters_of_part (model, HR_PART_VISION), >, 0);
}

static void
test_only_the_language_model_keeps_a_cache (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'llava', 'text_config': {" TEXT "}, " VISION "}");

  g_assert_cmpuint (hr_model_get_cache_elements_per_token (model), ==, 2 * 2 * 64);
  g_assert_cmpuint (hr_model_get_n_stacks (model), ==, 3);
  g_assert_cmpuint (hr_model_find_stack (model, HR_STACK_DECODER)->n_layers, ==, 2);
  g_assert_cmpuint (hr_model_find_stack (model, HR_STACK_VISION)->n_layers, ==, 3);
  g_assert_cmpuint (hr_model_find_stack (model, HR_STACK_PROJECTOR)->n_layers, ==, 0);
}

static void
test_a_tower_takes_its_place_on_a_device (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'llava', 'text_config': {" TEXT "}, " VISION "}");
  const HrStack *decoder = hr_model_find_stack (model, HR_STACK_DECODER);
  HrWeightStorage storage = { .model = model, .dtype = HR_DTYPE_BFLOAT16, .quantization = HR_QUANTIZATION_NONE };
  HrDeviceShare shares[2];
  HrWeights all = { 0 };
  guint64 sum;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    hr_weights_add_tensor (&all, &storage, i, 0, hr_tensor_get_copies (hr_model_get_tensor (model, i)));

  g_assert_true (hr_device_map_divide (&storage, decoder, 0, shares, 2));
  sum = shares[0].weights.bytes + shares[1].weights.bytes;
  g_assert_cmpuint (sum, ==, all.bytes);
  g_assert_cmpuint (shares[0].n_layers + shares[1].n_layers, ==, decoder->n_layers);
}

static void
test_a_tie_reaches_into_the_inner_model (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'llava', 'tie_word_embeddings': true, 'text_config': {" TEXT
                                          "}, " VISION "}");

  g_assert_cmpstr (find_tensor (model, "lm_head.weight")->tied_to, ==, "model.language_model.embed_tokens.weight");
  g_assert_cmpuint (hr_model_get_n_parameters_of_part (model, HR_PART_OUTPUT), ==, 0);
}

static void
test_the_data_type_may_stand_inside (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'llava', 'text_config': {'dtype': 'bfloat16', " TEXT "}, "
                                          VISION "}");
  g_autoptr (HrModel) outer = make_model ("{'model_type': 'llava', 'torch_dtype': 'float16', 'text_config': "
                                          "{'dtype': 'bfloat16', " TEXT "}, " VISION "}");

  g_assert_cmpint (hr_model_get_dtype (model), ==, HR_DTYPE_BFLOAT16);
  g_assert_cmpint (hr_model_get_dtype (outer), ==, HR_DTYPE_FLOAT16);
}

static void
test_what_is_not_counted_is_said (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'kimi_k25', 'vision_config': {'patch_size': 14}}");
  g_autoptr (HrModel) text = make_model ("{'model_type': 'kimi_k25'}");
  g_autoptr (HrModel) tower = make_model ("{'model_type': 'llama', 'vision_config': {'hidden_size': 64}}");
  g_autoptr (HrModel) none = make_model ("{'model_type': 'llama', 'vision_config': null}");
  const char *message = "What “vision_config” in the config describes is not counted";

  g_assert_nonnull (g_strrstr (hr_model_get_warnings (model)[0], message));
  for (guint i = 0; hr_model_get_warnings (text)[i] != NULL; i++)
    g_assert_null (g_strrstr (hr_model_get_warnings (text)[i], message));

  /* Nor does a decoder alone know what to do with a tower. */
  g_assert_nonnull (g_strrstr (hr_model_get_warnings (tower)[0], message));
  for (guint i = 0; hr_model_get_warnings (none)[i] != NULL; i++)
    g_assert_null (g_strrstr (hr_model_get_warnings (none)[i], message));
}

static void
test_layers_for_images_keep_nothing_of_a_text (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'mllama_text_model', 'num_key_value_heads': 2, "
                                          "'cross_attention_layers': [1], 'vocab_size': 100, " TEXT "}");

  g_assert_cmpuint (hr_model_get_cache_elements_per_token (model), ==, 2 * 2 * 16);
  g_assert_nonnull (find_tensor (model, "model.layers.{}.cross_attn.q_proj.weight"));
}

static void
test_layers_that_share_a_cache_add_nothing_to_it (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'gemma4_text', 'num_key_value_heads': 2, 'head_dim': 16, "
                                          "'num_kv_shared_layers': 1, 'layer_types': ['sliding_attention', "
                                          "'sliding_attention'], 'vocab_size': 100, " TEXT "}");
  const HrTensor *key = find_tensor (model, "model.layers.{}.self_attn.k_proj.weight");

  g_assert_cmpuint (hr_model_get_cache_elements_per_token (model), ==, 2 * 2 * 16);
  g_assert_nonnull (key);
  g_assert_cmpuint (key->n_layers, ==, 1);
  g_assert_nonnull (g_strrstr (hr_model_get_warnings (model)[0], "compute more than is followed"));
}

typedef struct
{
  const char *name;
  const char *text;
  HrError code;
  const char *message;
} BadConfig;

static const BadConfig bad_configs[] = {
  { "a_nested_size", "{'model_type': 'llava', 'text_config': {'hidden_size': 'x'}}", HR_ERROR_SCHEMA,
    "text_config.hidden_size" },
  { "nested_heads", "{'model_type': 'llava', 'text_config': {'num_attention_heads': 32, 'num_key_value_heads': 5}}",
    HR_ERROR_VALUE, "“config.json”, text_config, num_key_value_heads: expected a divisor" },
  { "a_nested_object", "{'model_type': 'llava', 'text_config': [1]}", HR_ERROR_SCHEMA, "text_config" },
  { "an_unknown_tower", "{'model_type': 'llava', 'vision_config': {'model_type': 'eye'}}", HR_ERROR_UNSUPPORTED,
    "“config.json”, vision_config: the architecture “eye” is not known" },
  { "a_tower_that_is_a_whole_model", "{'model_type': 'llava', 'vision_config': {'model_type': 'clip'}}",
    HR_ERROR_UNSUPPORTED, "vision_config: expected a model that has hidden_size, found the architecture “clip”" },
  { "a_picture_that_is_too_large", "{'model_type': 'llava', 'vision_config': {'image_size': 4294967296, "
    "'patch_size': 14, 'hidden_size': 32, 'num_attention_heads': 4, 'intermediate_size': 64}}",
    HR_ERROR_TOO_LARGE, "“config.json”, expected images, sounds and videos of a size that can be counted" },
  { "an_unknown_language_model_without_sizes", "{'model_type': 'llava', 'text_config': {'model_type': 'tongue'}}",
    HR_ERROR_SCHEMA, "“config.json”, text_config, the architecture is not known" },
};

static void
test_a_fault_names_the_nested_place (gconstpointer data)
{
  const BadConfig *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = try_model (test->text, &error);

  g_assert_null (model);
  g_assert_error (error, HR_ERROR, (int) test->code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (g_strrstr (error->message, test->message));
}

static void
test_an_unknown_language_model_is_read_as_a_common_one (void)
{
  g_autoptr (HrModel) model = make_model ("{'model_type': 'llava', 'text_config': {'model_type': 'tongue', "
                                          "'vocab_size': 100, " TEXT "}, " VISION "}");

  g_assert_nonnull (hr_model_get_warnings (model)[0]);
  g_assert_nonnull (g_strrstr (hr_model_get_warnings (model)[0], "“tongue”"));
  g_assert_nonnull (find_tensor (model, "model.language_model.layers.{}.mlp.gate_proj.weight"));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/inclusion/the_nested_object_gives_the_sizes", test_the_nested_object_gives_the_sizes);
  g_test_add_func ("/inclusion/what_is_missing_takes_the_default_of_the_inner_class",
                   test_what_is_missing_takes_the_default_of_the_inner_class);
  g_test_add_func ("/inclusion/no_object_at_all_is_all_defaults", test_no_object_at_all_is_all_defaults);
  g_test_add_func ("/inclusion/parts_are_counted_apart", test_parts_are_counted_apart);
  g_test_add_func ("/inclusion/only_the_language_model_keeps_a_cache", test_only_the_language_model_keeps_a_cache);
  g_test_add_func ("/inclusion/a_tower_takes_its_place_on_a_device", test_a_tower_takes_its_place_on_a_device);
  g_test_add_func ("/inclusion/a_tie_reaches_into_the_inner_model", test_a_tie_reaches_into_the_inner_model);
  g_test_add_func ("/inclusion/an_unknown_language_model_is_read_as_a_common_one",
                   test_an_unknown_language_model_is_read_as_a_common_one);
  g_test_add_func ("/inclusion/the_data_type_may_stand_inside", test_the_data_type_may_stand_inside);
  g_test_add_func ("/inclusion/what_is_not_counted_is_said", test_what_is_not_counted_is_said);
  g_test_add_func ("/inclusion/layers_for_images_keep_nothing_of_a_text",
                   test_layers_for_images_keep_nothing_of_a_text);
  g_test_add_func ("/inclusion/layers_that_share_a_cache_add_nothing_to_it",
                   test_layers_that_share_a_cache_add_nothing_to_it);
  for (guint i = 0; i < G_N_ELEMENTS (bad_configs); i++)
    {
      g_autofree char *path = g_strconcat ("/inclusion/a_fault_names_the_nested_place/", bad_configs[i].name, NULL);

      g_test_add_data_func (path, &bad_configs[i], test_a_fault_names_the_nested_place);
    }

  return g_test_run ();
}
