/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib.h>
#include <glib/gstdio.h>

#include "hr-architecture.h"
#include "hr-model.h"

/* The class's defaults, but for what a class has no default for. */
static char *
make_config (const char *model_type)
{
  const char *more = "";

  if (g_str_equal (model_type, "nemotron-nas"))
    more = ", \"num_hidden_layers\": 1, \"intermediate_size\": 256, "
           "\"block_configs\": [{\"attention\": {\"n_heads_in_group\": 8}, \"ffn\": {\"ffn_mult\": 1.5}}]";

  return g_strdup_printf ("{\"model_type\": \"%s\"%s}", model_type, more);
}

/* The classes that write text have a head, those that are the model itself (Qwen2VLTextModel) have none. */
static gboolean
writes_text (HrArchitecture *architecture)
{
  HrJson *head = hr_architecture_get_member (architecture, "head");

  return head == NULL || hr_json_get_length (head) > 0;
}

/* A model of nothing but the class's defaults has tensors, layers, a head and a source. */
static void
test_every_file_makes_a_model (gconstpointer data)
{
  const char *model_type = data;
  g_autofree char *text = make_config (model_type);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrArchitecture) architecture = hr_architecture_new (model_type, &error);
  g_autoptr (HrModel) model = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (hr_architecture_get_model_type (architecture), ==, model_type);
  g_assert_nonnull (hr_architecture_get_class_name (architecture));
  g_assert_nonnull (hr_architecture_get_source (architecture));

  model = hr_model_new_from_data (text, -1, model_type, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_model_get_n_parameters (model), >, 0);
  g_assert_cmpuint (hr_model_get_n_stacks (model), >=, 1);
  if (hr_model_find_stack (model, HR_STACK_DECODER) == NULL)
    return;

  /* GPT has no cache. */
  if (!g_str_equal (model_type, "openai-gpt"))
    g_assert_cmpuint (hr_model_get_cache_elements_per_token (model) +
                      hr_model_get_state_elements_per_sequence (model), >, 0);
  g_assert_cmpuint (hr_model_get_head (model)->n_blocks >= 1, ==,
                    writes_text (architecture));
}

/* Encoders and towers have sizes of their own. */
static gboolean
is_language_model (const char *model_type)
{
  g_autofree char *text = make_config (model_type);
  g_autoptr (HrModel) model = hr_model_new_from_data (text, -1, model_type, NULL);

  return model != NULL && hr_model_find_stack (model, HR_STACK_DECODER) != NULL;
}

static void
test_the_usual_sizes_have_one_name (gconstpointer data)
{
  static const char * const names[] = {
    "vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads",
    "head_dim",
  };
  guint n_names = G_N_ELEMENTS (names);
  g_autofree char *text = make_config (data);
  g_autoptr (HrModel) model = hr_model_new_from_data (text, -1, data, NULL);

  /* The last four are those of attention and MLP. */
  if (hr_model_get_cache_elements_per_token (model) == 0)
    n_names -= 4;

  for (guint i = 0; i < n_names; i++)
    {
      guint64 value = 0;

      g_test_message ("%s", names[i]);
      g_assert_true (hr_model_get_hyper_parameter (model, names[i], &value));
      g_assert_cmpuint (value, >, 0);
    }
}

static void
test_a_class_belongs_to_one_file (void)
{
  g_auto (GStrv) model_types = hr_architecture_list ();
  g_autoptr (GHashTable) owners = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; model_types[i] != NULL; i++)
    {
      g_autoptr (HrArchitecture) architecture = hr_architecture_new (model_types[i], NULL);
      g_autoptr (HrArchitecture) found = hr_architecture_new_for_class (hr_architecture_get_class_name (architecture),
                                                                        NULL);

      g_assert_nonnull (found);
      g_hash_table_add (owners, g_strdup (hr_architecture_get_class_name (architecture)));
    }

  g_assert_cmpuint (g_hash_table_size (owners), >=, 20);
}

static void
test_an_alias_leads_to_its_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrArchitecture) architecture = hr_architecture_new ("RefinedWebModel", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (hr_architecture_get_model_type (architecture), ==, "falcon");
}

static void
test_an_unknown_name_is_no_error (void)
{
  static const char * const names[] = { "nothing", "", "..", "a/b", "_decoder", "llama.json" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrArchitecture) architecture = hr_architecture_new (names[i], &error);

      g_assert_no_error (error);
      g_assert_null (architecture);
    }
}

typedef struct
{
  const char *name;
  const char *text;       /* single quotes stand for double ones */
  HrError code;
  const char *message;
} BadFile;

static const BadFile bad_files[] = {
  { "an_unknown_member", "{'model-type': 'x', 'source': 'y', 'stack': []}", HR_ERROR_SCHEMA, "“stack”" },
  { "no_source", "{'model-type': 'x'}", HR_ERROR_SCHEMA, "source" },
  { "an_unknown_base", "{'model-type': 'x', 'source': 'y', 'extends': 'nothing'}", HR_ERROR_UNKNOWN_NAME, "extends" },
  { "an_unknown_key_of_a_hyper_parameter",
    "{'model-type': 'x', 'source': 'y', 'hyper-parameters': {'a': {'max': 1}}}", HR_ERROR_SCHEMA,
    "hyper-parameters.a.max" },
  { "an_unknown_type_of_a_hyper_parameter",
    "{'model-type': 'x', 'source': 'y', 'hyper-parameters': {'a': {'type': 'int'}}}", HR_ERROR_UNKNOWN_NAME,
    "hyper-parameters.a.type" },
  { "the_default_of_nothing", "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'defaults': {'a': 1}}",
    HR_ERROR_UNKNOWN_NAME, "defaults.a" },
  { "a_value_that_needs_itself",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'values': {'norm': '$a', 'a': '$norm'}}",
    HR_ERROR_SCHEMA,
    "depend on itself" },
  { "a_name_that_nothing_defines",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'values': {'norm': '$a'}}", HR_ERROR_UNKNOWN_NAME,
    "values.norm (line 1): expected a name that is defined, found the string “$a”" },
  { "a_layer_outside_of_the_layers",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'values': {'embedding_scaled': ['equal', '$layer', 0]}}",
    HR_ERROR_UNKNOWN_NAME, "“$layer”" },
  { "an_unknown_stack",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'stacks': [{'id': 'codec', 'path': 'a', 'layers': {}}]}",
    HR_ERROR_UNKNOWN_NAME, "stacks[0].id" },
  { "an_included_model_without_a_config",
    "{'model-type': 'x', 'source': 'y', 'stacks': [{'id': 'decoder', 'architecture': 'llama', 'path': 'a'}]}",
    HR_ERROR_SCHEMA, "stacks[0].config" },
  { "an_included_model_whose_name_is_a_number",
    "{'model-type': 'x', 'source': 'y', 'stacks': [{'id': 'decoder', 'architecture': 1, 'config': 't', 'path': 'a'}]}",
    HR_ERROR_SCHEMA, "stacks[0].architecture" },
  { "an_unknown_value_of_an_included_model",
    "{'model-type': 'x', 'source': 'y', 'stacks': [{'id': 'decoder', 'architecture': 'llama', 'config': 't', "
    "'path': 'a', 'values': {'colour': 1}}]}",
    HR_ERROR_UNKNOWN_NAME, "stacks[0].values.colour" },
  { "a_model_that_includes_itself",
    "{'model-type': 'x', 'source': 'y', 'stacks': [{'id': 'decoder', 'architecture': 'x', 'config': '', "
    "'path': 'a'}]}",
    HR_ERROR_SCHEMA, "does not include itself" },
  { "a_name_of_a_model_that_is_not_included",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'values': {'norm': '$vision.norm'}}",
    HR_ERROR_UNKNOWN_NAME, "“$vision.norm”" },
  { "a_convolution_whose_groups_do_not_divide_its_channels",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'head': [{'block': 'convolution', 'path': 'a', "
    "'in-channels': 4, 'out-channels': 6, 'groups': 4, 'kernel': [3]}]}",
    HR_ERROR_VALUE, "a: expected channels" },
  { "a_size_of_nothing_in_a_shape",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'head': [{'block': 'parameter', 'path': 'a', "
    "'shape': [2, '$sliding_window']}]}",
    HR_ERROR_VALUE, "sliding_window: expected a whole number of at least 1" },
  { "a_shape_of_too_many_dimensions",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'head': [{'block': 'parameter', 'path': 'a', "
    "'shape': [1, 1, 1, 1, 1, 1, 1]}]}",
    HR_ERROR_SCHEMA, "head[0].shape" },
  { "an_unknown_block",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'head': [{'block': 'tail', 'path': 'a'}]}",
    HR_ERROR_UNKNOWN_NAME, "head[0].block" },
  { "a_block_without_a_path",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'head': [{'block': 'norm', 'size': 1}]}",
    HR_ERROR_SCHEMA, "head[0].path" },
  { "an_unknown_parameter_of_a_block",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'head': [{'block': 'norm', 'path': 'a', 'size': 1, "
    "'eps': 1}]}",
    HR_ERROR_SCHEMA, "head[0].eps" },
  { "a_missing_parameter_of_a_block",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'head': [{'block': 'norm', 'path': 'a'}]}",
    HR_ERROR_SCHEMA,
    "head[0].size" },
  { "an_unknown_choice",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'values': {'norm': 'batch'}}", HR_ERROR_UNSUPPORTED,
    "“batch”" },
  { "a_condition_that_is_a_number",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'head': [{'block': 'norm', 'path': 'a', 'size': 1, "
    "'if': 1}]}",
    HR_ERROR_SCHEMA, "true or false" },
  { "a_tie_with_nothing",
    "{'model-type': 'x', 'source': 'y', 'extends': '_decoder', 'head': [{'block': 'head', 'path': 'a', "
    "'hidden-size': 1, "
    "'vocab-size': 1, 'tied': true, 'names': {'tied-to': 'b'}}]}",
    HR_ERROR_VALUE, "tied" },
};

static HrModel *
build_with_user_file (const char  *text,
                      GError     **error)
{
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "headroom", "architectures", NULL);
  g_autofree char *parent = g_path_get_dirname (folder);
  g_autofree char *path = g_build_filename (folder, "x.json", NULL);
  g_autofree char *json = g_strdelimit (g_strdup (text), "'", '"');
  HrModel *model;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, json, -1, NULL));
  model = hr_model_new_from_data ("{\"model_type\": \"x\"}", -1, "config.json", error);
  g_remove (path);
  g_rmdir (folder);
  g_rmdir (parent);

  return model;
}

static void
test_a_fault_in_a_file_is_an_error (gconstpointer data)
{
  const BadFile *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = build_with_user_file (test->text, &error);

  g_assert_null (model);
  g_assert_error (error, HR_ERROR, (int) test->code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, test->message));
}

static void
test_a_file_of_the_user_is_enough_for_a_new_model (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model =
    build_with_user_file ("{'model-type': 'x', 'architectures': ['XForCausalLM'], 'source': 'my own', "
                          "'extends': '_decoder', "
                          "'defaults': {'hidden_size': 64, 'num_attention_heads': 4, 'vocab_size': 10, "
                          "'num_hidden_layers': 1, "
                          "'intermediate_size': 8}, 'values': {'qk_norm': 'head'}}",
                          &error);

  g_assert_no_error (error);
  g_assert_cmpuint (hr_model_get_n_parameters (model), ==, 2 * 640 + 4 * 64 * 64 + 3 * 64 * 8 + 3 * 64 + 2 * 16);
  g_assert_cmpstr (hr_model_get_architecture (model), ==, "XForCausalLM");
}

/* Layers of one block, a norm of a single weight. */
#define STACK(id, path) \
  "{'id': '" id "', 'path': '" path "', 'layers': {'count': 2, 'path': 'layers.{}', 'sublayers': [{'branches': [[" \
  "{'block': 'attention', 'path': 'attn', 'hidden-size': 8, 'num-attention-heads': 1, 'num-key-value-heads': 1, " \
  "'head-dim': 8}]]}]}}"

static void
test_a_stack_is_found_by_its_role (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model =
    build_with_user_file ("{'model-type': 'x', 'source': 'my own', "
                          "'stacks': [" STACK ("vision", "tower") ", " STACK ("decoder", "") "]}",
                          &error);
  const HrStack *decoder;
  g_autofree char *name = NULL;

  g_assert_no_error (error);
  decoder = hr_model_find_stack (model, HR_STACK_DECODER);
  g_assert_true (decoder == hr_model_get_stack (model, 1));
  g_assert_true (hr_model_find_stack (model, HR_STACK_VISION) == hr_model_get_stack (model, 0));
  g_assert_null (hr_model_find_stack (model, HR_STACK_ENCODER));
  name = hr_tensor_get_name (hr_model_get_tensor (model, 4), 0);
  g_assert_cmpstr (name, ==, "layers.0.attn.q_proj.weight");

  /* A tower keeps nothing of the tokens. */
  g_assert_cmpuint (hr_model_get_cache_elements_per_token (model), ==, 2 * 2 * 8);
}

int
main (int   argc,
      char *argv[])
{
  g_auto (GStrv) model_types = NULL;
  g_autofree char *data_folder = NULL;
  int result;

  /* Before anybody asks for it: the user's own files are of no interest here. */
  data_folder = g_dir_make_tmp ("headroom-architecture-XXXXXX", NULL);
  g_setenv ("XDG_DATA_HOME", data_folder, TRUE);

  g_test_init (&argc, &argv, NULL);

  model_types = hr_architecture_list ();
  g_assert_cmpuint (g_strv_length (model_types), >=, 20);
  for (guint i = 0; model_types[i] != NULL; i++)
    {
      g_autofree char *makes = g_strconcat ("/architecture/every_file_makes_a_model/", model_types[i], NULL);
      g_autofree char *named = g_strconcat ("/architecture/the_usual_sizes_have_one_name/", model_types[i], NULL);

      g_test_add_data_func (makes, model_types[i], test_every_file_makes_a_model);
      if (is_language_model (model_types[i]))
        g_test_add_data_func (named, model_types[i], test_the_usual_sizes_have_one_name);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad_files); i++)
    {
      g_autofree char *path = g_strconcat ("/architecture/a_fault_in_a_file_is_an_error/", bad_files[i].name, NULL);

      g_test_add_data_func (path, &bad_files[i], test_a_fault_in_a_file_is_an_error);
    }

  g_test_add_func ("/architecture/a_class_belongs_to_one_file", test_a_class_belongs_to_one_file);
  g_test_add_func ("/architecture/an_alias_leads_to_its_file", test_an_alias_leads_to_its_file);
  g_test_add_func ("/architecture/a_stack_is_found_by_its_role", test_a_stack_is_found_by_its_role);
  g_test_add_func ("/architecture/an_unknown_name_is_no_error", test_an_unknown_name_is_no_error);
  g_test_add_func ("/architecture/a_file_of_the_user_is_enough_for_a_new_model",
                   test_a_file_of_the_user_is_enough_for_a_new_model);

  result = g_test_run ();
  g_rmdir (data_folder);

  return result;
}
