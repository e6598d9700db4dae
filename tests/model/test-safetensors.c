/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hr-error.h"
#include "hr-model.h"
#include "hr-safetensors.h"
#include "weight-files.h"

#define TENSOR(name, type, shape, begin, end) \
  "\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape "],\"data_offsets\":[" #begin "," #end "]}"

static HrCheckpoint *
read_bytes (GBytes  *bytes,
            GError **error)
{
  g_autoptr (HrFileReader) reader = hr_file_reader_new_for_bytes (bytes, "x.safetensors");
  g_autoptr (HrCheckpoint) checkpoint = hr_checkpoint_new ();

  return hr_safetensors_read (reader, checkpoint, error) ? g_steal_pointer (&checkpoint) : NULL;
}

static HrCheckpoint *
read_header (const char  *header,
             guint64      n_data_bytes,
             GError     **error)
{
  g_autoptr (GBytes) bytes = safetensors_new (header, n_data_bytes);

  return read_bytes (bytes, error);
}

static void
test_each_type_has_its_size (void)
{
  static const struct
  {
    const char *name;
    guint64 bits;
  } types[] = {
    { "BOOL", 8 }, { "F4", 4 }, { "F6_E2M3", 6 }, { "F6_E3M2", 6 }, { "U8", 8 }, { "I8", 8 }, { "F8_E5M2", 8 },
    { "F8_E4M3", 8 }, { "F8_E8M0", 8 }, { "F8_E4M3FNUZ", 8 }, { "F8_E5M2FNUZ", 8 }, { "I16", 16 }, { "U16", 16 },
    { "F16", 16 }, { "BF16", 16 }, { "I32", 32 }, { "U32", 32 }, { "F32", 32 }, { "C64", 64 }, { "F64", 64 },
    { "I64", 64 }, { "U64", 64 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      guint64 n_bytes = 24 * types[i].bits / 8;
      g_autofree char *header = g_strdup_printf ("{\"__metadata__\":{\"format\":\"pt\"},\"w\":{\"dtype\":\"%s\","
                                                 "\"shape\":[4,6],\"data_offsets\":[0,%" G_GUINT64_FORMAT "]}}   ",
                                                 types[i].name, n_bytes);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrCheckpoint) checkpoint = read_header (header, n_bytes, &error);
      const HrStoredTensor *tensor;

      g_assert_no_error (error);
      g_assert_cmpuint (checkpoint->tensors->len, ==, 1);
      tensor = hr_checkpoint_find (checkpoint, "w");
      g_assert_cmpstr (tensor->type, ==, types[i].name);
      g_assert_cmpuint (tensor->n_elements, ==, 24);
      g_assert_cmpuint (tensor->n_bytes, ==, n_bytes);
      g_assert_cmpuint (checkpoint->n_bytes, ==, n_bytes);
    }
}

static void
test_scalars_and_empty_tensors_are_allowed (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrCheckpoint) checkpoint = NULL;

  checkpoint = read_header ("{" TENSOR ("s", "F32", "", 0, 4) "," TENSOR ("e", "F32", "0,7", 4, 4) ","
                            TENSOR ("t", "F16", "2,1,1,1,1", 4, 8) "}", 8, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_checkpoint_find (checkpoint, "s")->n_elements, ==, 1);
  g_assert_cmpuint (hr_checkpoint_find (checkpoint, "e")->n_elements, ==, 0);
  g_assert_cmpuint (hr_checkpoint_find (checkpoint, "t")->n_dimensions, ==, 5);
}

typedef struct
{
  const char *name;
  const char *header;
  guint64 n_data_bytes;
  const char *expected;   /* in the message */
} FaultCase;

static const FaultCase fault_cases[] = {
  { "is_not_json", "{\"w\"", 0, "“x.safetensors”, line 1, column 5" },
  { "is_no_object", "[1]", 0, "an object" },
  { "has_a_name_twice", "{" TENSOR ("w", "U8", "1", 0, 1) "," TENSOR ("w", "U8", "1", 1, 2) "}", 2, "each key once" },
  { "has_a_type_that_does_not_exist", "{" TENSOR ("w", "F7", "1", 0, 1) "}", 1, "w.dtype (line 1)" },
  { "has_a_name_of_two_lines", "{\"w\\nv\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, "the key “w v.shape”" },
  { "has_no_shape", "{\"w\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, "w.shape" },
  { "has_a_negative_size", "{" TENSOR ("w", "U8", "-1", 0, 1) "}", 1, "w.shape[0]" },
  { "has_sizes_beyond_counting", "{" TENSOR ("w", "U8", "4294967296,4294967296,2", 0, 1) "}", 1, "w.shape[1]" },
  { "has_nine_dimensions", "{" TENSOR ("w", "U8", "1,1,1,1,1,1,1,1,1", 0, 1) "}", 1, "at most 8 dimensions" },
  { "has_one_offset", "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "w.data_offsets" },
  { "has_offsets_the_wrong_way_round", "{" TENSOR ("w", "U8", "1", 1, 0) "}", 1, "w.data_offsets[1]" },
  { "has_fewer_bytes_than_elements", "{" TENSOR ("w", "BF16", "4,4", 0, 31) "}", 31,
    "tensor “w”: expected as many bytes as BF16 of the shape [4, 4] takes, found 31" },
  { "has_half_a_byte", "{" TENSOR ("w", "F4", "3", 0, 1) "}", 1, "tensor “w”" },
  { "overlaps", "{" TENSOR ("a", "U8", "4", 0, 4) "," TENSOR ("b", "U8", "4", 2, 6) "}", 6,
    "tensor “b”: expected data that begins at byte 4, where the tensor before it ends, found 2" },
  { "has_a_hole", "{" TENSOR ("a", "U8", "4", 0, 4) "," TENSOR ("b", "U8", "4", 6, 10) "}", 10, "tensor “b”" },
  { "begins_with_a_hole", "{" TENSOR ("a", "U8", "4", 1, 5) "}", 5, "expected data that begins at byte 0" },
  { "is_cut_short", "{" TENSOR ("a", "U8", "4", 0, 4) "}", 3,
    "expected 4 bytes of data behind the header, found 3; the file" },
  { "is_too_long", "{" TENSOR ("a", "U8", "4", 0, 4) "}", 5, "expected 4 bytes of data behind the header, found 5" },
  { "has_metadata_of_another_type", "{\"__metadata__\":3}", 0, "__metadata__" },
};

static void
test_a_fault_is_named (gconstpointer data)
{
  const FaultCase *fault = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrCheckpoint) checkpoint = read_header (fault->header, fault->n_data_bytes, &error);

  g_assert_null (checkpoint);
  g_assert_nonnull (error);
  g_assert_true (error->domain == HR_ERROR);
  if (strstr (error->message, fault->expected) == NULL || strstr (error->message, "“x.safetensors”") == NULL)
    g_error ("expected “%s” in: %s", fault->expected, error->message);
}

/* 100 MB, and 2^63: refused at their first eight bytes, before anything is read or allocated. */
static void
test_a_huge_header_is_refused_at_once (void)
{
  static const guint64 lengths[] = { HR_SAFETENSORS_MAX_HEADER_BYTES + 1, 100000000, G_GUINT64_CONSTANT (1) << 63 };
  g_autofree char *folder = test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "huge.safetensors", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrCheckpoint) checkpoint = NULL;
      guint64 length = GUINT64_TO_LE (lengths[i]);
      gint64 start;

      g_file_set_contents (path, (const char *) &length, sizeof length, &error);
      g_assert_no_error (error);
      g_assert_cmpint (truncate (path, 200000000), ==, 0);

      start = g_get_monotonic_time ();
      checkpoint = hr_safetensors_load (file, &error);
      g_assert_error (error, HR_ERROR, HR_ERROR_TOO_LARGE);
      g_assert_cmpint (g_get_monotonic_time () - start, <, 100000);
    }

  test_folder_free (g_steal_pointer (&folder));
}

static void
test_what_is_no_safetensors_file_is_told_apart (void)
{
  static const struct
  {
    const char *text;
    const char *expected;
  } cases[] = {
    { "", "found the end of the file" },
    { "1234567", "found the end of the file" },
    { "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "found a Git LFS pointer" },
    { "\x10\0\0\0\0\0\0\0{", "expected a header of 16 bytes, found 1 bytes" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = g_bytes_new (cases[i].text, i == 3 ? 9 : strlen (cases[i].text));
      g_autoptr (HrCheckpoint) checkpoint = read_bytes (bytes, &error);

      g_assert_null (checkpoint);
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, cases[i].expected));
    }
}

/* valgrind and the sanitizers make everything slow. */
static gboolean
is_instrumented (void)
{
  const char *preloaded = g_getenv ("LD_PRELOAD");

#if defined (__SANITIZE_ADDRESS__)
  return TRUE;
#endif

  return preloaded != NULL && strstr (preloaded, "valgrind") != NULL;
}

/* 700 tensors, as a model of 70 layers has: below 10 ms, the best of some tries. */
static void
test_a_long_header_is_read_quickly (void)
{
  g_autoptr (GString) header = g_string_new ("{");
  g_autoptr (GBytes) bytes = NULL;
  gint64 best = G_MAXINT64;

  for (guint i = 0; i < 700; i++)
    g_string_append_printf (header,
                            "%s\"model.layers.%u.self_attn.projection_%u.weight\":{\"dtype\":\"BF16\",\"shape\":[2,4],"
                            "\"data_offsets\":[%u,%u]}", i > 0 ? "," : "", i / 10, i % 10, i * 16, i * 16 + 16);
  g_string_append_c (header, '}');
  bytes = safetensors_new (header->str, 700 * 16);

  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (GError) error = NULL;
      gint64 start = g_get_monotonic_time ();
      g_autoptr (HrCheckpoint) checkpoint = read_bytes (bytes, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (checkpoint->tensors->len, ==, 700);
      best = MIN (best, g_get_monotonic_time () - start);
    }

  g_test_minimized_result (best / 1000.0, "a header of 700 tensors takes %.2f ms", best / 1000.0);
  g_assert_cmpint (best, <, is_instrumented () ? 1000000 : 10000);
}

#define CONFIG \
  "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], \"vocab_size\": 8, \"hidden_size\": 4, " \
  "\"intermediate_size\": 6, \"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"num_key_value_heads\": 1"

/* The tensors of CONFIG in the order of the class, so that a test can leave out or change one. */
static const struct
{
  const char *name;
  guint rows;
  guint columns;
} llama_tensors[] = {
  { "model.embed_tokens.weight", 8, 4 },
  { "model.layers.0.input_layernorm.weight", 4, 0 },
  { "model.layers.0.self_attn.q_proj.weight", 4, 4 },
  { "model.layers.0.self_attn.k_proj.weight", 2, 4 },
  { "model.layers.0.self_attn.v_proj.weight", 2, 4 },
  { "model.layers.0.self_attn.o_proj.weight", 4, 4 },
  { "model.layers.0.post_attention_layernorm.weight", 4, 0 },
  { "model.layers.0.mlp.gate_proj.weight", 6, 4 },
  { "model.layers.0.mlp.up_proj.weight", 6, 4 },
  { "model.layers.0.mlp.down_proj.weight", 4, 6 },
  { "model.norm.weight", 4, 0 },
  { "lm_head.weight", 8, 4 },
};

/* Tensors from @first to before @last in @type, under names without the first @cut characters, and then @more. */
static GBytes *
write_llama (guint       first,
             guint       last,
             const char *type,
             guint       element_bytes,
             gsize       cut,
             const char *skipped,
             const char *more,
             guint64     more_bytes)
{
  g_autoptr (GString) header = g_string_new ("{");
  guint64 offset = more_bytes;

  g_string_append (header, more);
  for (guint i = first; i < last; i++)
    {
      const char *name = llama_tensors[i].name;
      guint64 n_bytes = llama_tensors[i].rows * MAX (llama_tensors[i].columns, 1) * element_bytes;
      g_autofree char *shape = llama_tensors[i].columns > 0
                                 ? g_strdup_printf ("%u,%u", llama_tensors[i].rows, llama_tensors[i].columns)
                                 : g_strdup_printf ("%u", llama_tensors[i].rows);

      if (g_strcmp0 (name, skipped) == 0)
        continue;
      g_string_append_printf (header,
                              "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%" G_GUINT64_FORMAT
                              ",%" G_GUINT64_FORMAT "]}",
                              header->len > 1 ? "," : "", name + cut, type, shape, offset, offset + n_bytes);
      offset += n_bytes;
    }
  g_string_append_c (header, '}');

  return safetensors_new (header->str, offset);
}

static HrModel *
load (GFile *file)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_file (file, &error);

  g_assert_no_error (error);
  g_assert_nonnull (model);

  return model;
}

static gboolean
warns (HrModel    *model,
       const char *text)
{
  const char * const *warnings = hr_model_get_warnings (model);

  for (guint i = 0; warnings[i] != NULL; i++)
    {
      if (strstr (warnings[i], text) != NULL)
        return TRUE;
    }

  return FALSE;
}

static void
test_weights_that_fit_their_config_are_not_remarked_upon (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) bytes = write_llama (0, G_N_ELEMENTS (llama_tensors), "BF16", 2, 0, NULL, "", 0);
  g_autoptr (GFile) config = test_folder_write_text (folder, "config.json", CONFIG "}");
  g_autoptr (GFile) weights = test_folder_write (folder, "model.safetensors", bytes);
  g_autoptr (GFile) parent = g_file_new_for_path (folder);
  GFile *ways[] = { config, weights, parent };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (HrModel) model = load (ways[i]);
      const char *type = NULL;
      guint64 n_bytes = 0;
      guint64 allocated_bytes = 0;

      g_assert_cmpstr (hr_model_get_warnings (model)[0], ==, NULL);
      g_assert_cmpint (hr_model_get_dtype (model), ==, HR_DTYPE_BFLOAT16);
      g_assert_cmpuint (hr_model_get_stored_bytes (model), ==, 2 * hr_model_get_n_parameters (model));
      g_assert_true (hr_model_get_stored (model, 0, 0, &type, &n_bytes, &allocated_bytes));
      g_assert_cmpstr (type, ==, "bfloat16");
      g_assert_cmpuint (n_bytes, ==, 64);
      g_assert_cmpuint (allocated_bytes, ==, 512);
      g_assert_true (hr_model_check_can_be_estimated (model, NULL));
    }

  test_folder_free (g_steal_pointer (&folder));
}

static void
test_differences_from_the_config_are_named (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GFile) config = test_folder_write_text (folder, "config.json", CONFIG ", \"torch_dtype\": \"bfloat16\", "
                                                     "\"tie_word_embeddings\": true}");
  g_autoptr (GFile) weights = NULL;
  g_autoptr (HrModel) model = NULL;

  /* The head is tied, and there all the same; k_proj has another shape; the class has no multi-token prediction. */
  bytes = write_llama (0, G_N_ELEMENTS (llama_tensors), "F32", 4, 0, "model.layers.0.self_attn.k_proj.weight",
                       TENSOR ("model.layers.0.self_attn.k_proj.weight", "F32", "4,4", 0, 64) ","
                       TENSOR ("model.layers.1.eh_proj.weight", "F32", "4", 64, 80), 80);
  weights = test_folder_write (folder, "model.safetensors", bytes);
  model = load (weights);

  g_assert_true (warns (model, "a tensor for predicting further tokens, which LlamaForCausalLM does not load"));
  g_assert_true (warns (model, "model.layers.1.eh_proj.weight"));
  g_assert_true (warns (model, "model.layers.0.self_attn.k_proj.weight [4, 4] instead of [2, 4]"));
  g_assert_true (warns (model, "a tied tensor a second time, which is counted once: lm_head.weight"));
  g_assert_true (warns (model, "stored in float32; the config has them loaded in bfloat16"));
  g_assert_false (warns (model, "lack"));
  g_assert_cmpint (hr_model_get_dtype (model), ==, HR_DTYPE_BFLOAT16);

  test_folder_free (g_steal_pointer (&folder));
}

static void
test_missing_tensors_are_named (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) bytes = write_llama (0, 9, "BF16", 2, 0, NULL, "", 0);
  g_autoptr (GFile) config = test_folder_write_text (folder, "config.json", CONFIG "}");
  g_autoptr (GFile) weights = test_folder_write (folder, "model.safetensors", bytes);
  g_autoptr (HrModel) model = load (weights);

  g_assert_true (warns (model, "lack 3 tensors that LlamaForCausalLM has: model.layers.0.mlp.down_proj.weight, "
                               "model.norm.weight, lm_head.weight."));

  test_folder_free (g_steal_pointer (&folder));
}

/* A checkpoint of the model without its head has names without the first part, and a tied head need not be there. */
static void
test_names_without_the_prefix_are_known (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) bytes = write_llama (0, 11, "F16", 2, strlen ("model."), NULL, "", 0);
  g_autoptr (GFile) config = test_folder_write_text (folder, "config.json", CONFIG ", \"tie_word_embeddings\": true}");
  g_autoptr (GFile) weights = test_folder_write (folder, "model.safetensors", bytes);
  g_autoptr (HrModel) model = load (weights);

  g_assert_cmpstr (hr_model_get_warnings (model)[0], ==, NULL);
  g_assert_cmpint (hr_model_get_dtype (model), ==, HR_DTYPE_FLOAT16);

  test_folder_free (g_steal_pointer (&folder));
}

static void
test_the_pieces_of_a_quantised_matrix_belong_together (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GFile) config = NULL;
  g_autoptr (GFile) weights = NULL;
  g_autoptr (HrModel) model = NULL;
  const char *type;
  guint64 n_bytes, allocated_bytes;

  config = test_folder_write_text (folder, "config.json", CONFIG ", \"torch_dtype\": \"float16\", "
                                   "\"quantization_config\": "
                                   "{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 128, "
                                   "\"modules_in_block_to_quantize\": [[\"mlp.up_proj\"]]}}");
  bytes = write_llama (0, G_N_ELEMENTS (llama_tensors), "F16", 2, 0, "model.layers.0.mlp.up_proj.weight",
                       TENSOR ("model.layers.0.mlp.up_proj.qweight", "I32", "1,6", 0, 24) ","
                       TENSOR ("model.layers.0.mlp.up_proj.qzeros", "I32", "1,1", 24, 28) ","
                       TENSOR ("model.layers.0.mlp.up_proj.scales", "F16", "1,6", 28, 40) ","
                       TENSOR ("model.layers.0.mlp.up_proj.g_idx", "I32", "4", 40, 56), 56);
  weights = test_folder_write (folder, "model.safetensors", bytes);
  model = load (weights);

  g_assert_cmpstr (hr_model_get_warnings (model)[0], ==, NULL);
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      if (!g_str_has_suffix (hr_model_get_tensor (model, i)->pattern, "up_proj.weight"))
        continue;
      g_assert_true (hr_model_get_stored (model, i, 0, &type, &n_bytes, &allocated_bytes));
      g_assert_cmpstr (type, ==, "I32");
      g_assert_cmpuint (n_bytes, ==, 56);
      g_assert_cmpuint (allocated_bytes, ==, 4 * 512);
    }

  test_folder_free (g_steal_pointer (&folder));
}

static void
test_without_a_config_tensors_are_counted_and_nothing_is_estimated (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) bytes = write_llama (0, G_N_ELEMENTS (llama_tensors), "BF16", 2, 0, NULL, "", 0);
  g_autoptr (GFile) weights = test_folder_write (folder, "model.safetensors", bytes);
  g_autoptr (GFile) parent = g_file_new_for_path (folder);
  g_autoptr (HrModel) model = load (weights);
  g_autoptr (HrModel) same = load (parent);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (hr_model_get_n_tensors (model), ==, G_N_ELEMENTS (llama_tensors));
  g_assert_cmpuint (hr_model_get_n_parameters (model), ==, hr_model_get_stored_bytes (model) / 2);
  g_assert_cmpuint (hr_model_get_n_parameters_of_part (model, HR_PART_OUTPUT), ==, 32);
  g_assert_cmpuint (hr_model_get_n_parameters (same), ==, hr_model_get_n_parameters (model));
  g_assert_false (hr_model_check_can_be_estimated (model, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "expected a config.json beside it"));

  test_folder_free (g_steal_pointer (&folder));
}

static const char index_text[] =
  "{\"metadata\": {\"total_size\": 400}, \"weight_map\": {"
  "\"model.embed_tokens.weight\": \"model-00001-of-00002.safetensors\", "
  "\"lm_head.weight\": \"model-00002-of-00002.safetensors\", \"absent.weight\": \"model-00002-of-00002.safetensors\"}}";

static void
test_the_files_of_a_checkpoint_belong_together (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) first_bytes = write_llama (0, 6, "BF16", 2, 0, NULL, "", 0);
  g_autoptr (GBytes) second_bytes = write_llama (6, G_N_ELEMENTS (llama_tensors), "BF16", 2, 0, NULL, "", 0);
  g_autofree char *blob = g_build_filename (folder, "blob", NULL);
  g_autofree char *link = g_build_filename (folder, "model-00002-of-00002.safetensors", NULL);
  g_autoptr (GFile) config = test_folder_write_text (folder, "config.json", CONFIG "}");
  g_autoptr (GFile) first = test_folder_write (folder, "model-00001-of-00002.safetensors", first_bytes);
  g_autoptr (GFile) second = test_folder_write (folder, "blob", second_bytes);
  g_autoptr (GFile) second_link = g_file_new_for_path (link);
  g_autoptr (GFile) index = NULL;

  /* As in a Hugging Face cache, where a snapshot's files are links to blobs. */
  g_assert_cmpint (symlink (blob, link), ==, 0);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (HrModel) model = load (i == 0 ? first : second_link);

      g_assert_cmpstr (hr_model_get_warnings (model)[0], ==, NULL);
      g_assert_cmpuint (hr_model_get_stored_bytes (model), ==, 2 * hr_model_get_n_parameters (model));
    }

  index = test_folder_write_text (folder, "model.safetensors.index.json", index_text);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (HrModel) model = load (i == 0 ? first : i == 1 ? index : config);

      g_assert_true (warns (model, "a tensor") || warns (model, "10 tensors that their index does not list"));
      g_assert_true (warns (model, "lists 1 tensors that no file holds: absent.weight"));
      g_assert_true (warns (model, "states 400 bytes"));
    }

  test_folder_free (g_steal_pointer (&folder));
}

static void
test_a_missing_file_is_named (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) bytes = write_llama (0, 6, "BF16", 2, 0, NULL, "", 0);
  g_autoptr (GFile) first = test_folder_write (folder, "model-00001-of-00003.safetensors", bytes);
  g_autoptr (GFile) index = test_folder_write_text (folder, "other.safetensors.index.json",
                                                    "{\"weight_map\": {\"a\": \"not-there.safetensors\"}}");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_file (first, &error);

  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "did not find 2 of 3: model-00002-of-00003.safetensors"));

  g_clear_error (&error);
  model = hr_model_new_from_file (index, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "not-there.safetensors"));

  test_folder_free (g_steal_pointer (&folder));
}

static void
test_an_index_does_not_reach_outside_its_folder (void)
{
  static const char * const names[] = { "../x.safetensors", "/etc/passwd", "a/b.safetensors", "x.bin", "" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *folder = test_folder_new ();
      g_autofree char *text = g_strdup_printf ("{\"weight_map\": {\"a\": \"%s\"}}", names[i]);
      g_autoptr (GFile) index = test_folder_write_text (folder, "model.safetensors.index.json", text);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_file (index, &error);

      g_assert_error (error, HR_ERROR, HR_ERROR_VALUE);
      g_assert_nonnull (strstr (error->message, "weight_map.a"));
      test_folder_free (g_steal_pointer (&folder));
    }
}

static void
test_damaged_weights_beside_a_config_are_a_warning (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GFile) config = test_folder_write_text (folder, "config.json", CONFIG "}");
  g_autoptr (GFile) weights = test_folder_write_text (folder, "model.safetensors", "damaged, and long enough");
  g_autoptr (HrModel) model = load (config);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) none = hr_model_new_from_file (weights, &error);

  g_assert_true (warns (model, "The weights beside the config were not read."));
  g_assert_true (hr_model_check_can_be_estimated (model, NULL));
  g_assert_null (none);
  g_assert_error (error, HR_ERROR, HR_ERROR_TOO_LARGE);

  test_folder_free (g_steal_pointer (&folder));
}

static void
test_a_pipe_does_not_block (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = NULL;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  model = hr_model_new_from_file (file, &error);
  g_assert_null (model);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);

  test_folder_free (g_steal_pointer (&folder));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/safetensors/each_type_has_its_size", test_each_type_has_its_size);
  g_test_add_func ("/safetensors/scalars_and_empty_tensors_are_allowed", test_scalars_and_empty_tensors_are_allowed);
  for (guint i = 0; i < G_N_ELEMENTS (fault_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/safetensors/a_file_is_refused_that_", fault_cases[i].name, NULL);

      g_test_add_data_func (path, &fault_cases[i], test_a_fault_is_named);
    }
  g_test_add_func ("/safetensors/a_huge_header_is_refused_at_once", test_a_huge_header_is_refused_at_once);
  g_test_add_func ("/safetensors/what_is_no_safetensors_file_is_told_apart",
                   test_what_is_no_safetensors_file_is_told_apart);
  g_test_add_func ("/safetensors/a_long_header_is_read_quickly", test_a_long_header_is_read_quickly);
  g_test_add_func ("/safetensors/weights_that_fit_their_config_are_not_remarked_upon",
                   test_weights_that_fit_their_config_are_not_remarked_upon);
  g_test_add_func ("/safetensors/differences_from_the_config_are_named", test_differences_from_the_config_are_named);
  g_test_add_func ("/safetensors/missing_tensors_are_named", test_missing_tensors_are_named);
  g_test_add_func ("/safetensors/names_without_the_prefix_are_known", test_names_without_the_prefix_are_known);
  g_test_add_func ("/safetensors/the_pieces_of_a_quantised_matrix_belong_together",
                   test_the_pieces_of_a_quantised_matrix_belong_together);
  g_test_add_func ("/safetensors/without_a_config_tensors_are_counted_and_nothing_is_estimated",
                   test_without_a_config_tensors_are_counted_and_nothing_is_estimated);
  g_test_add_func ("/safetensors/the_files_of_a_checkpoint_belong_together",
                   test_the_files_of_a_checkpoint_belong_together);
  g_test_add_func ("/safetensors/a_missing_file_is_named", test_a_missing_file_is_named);
  g_test_add_func ("/safetensors/an_index_does_not_reach_outside_its_folder",
                   test_an_index_does_not_reach_outside_its_folder);
  g_test_add_func ("/safetensors/damaged_weights_beside_a_config_are_a_warning",
                   test_damaged_weights_beside_a_config_are_a_warning);
  g_test_add_func ("/safetensors/a_pipe_does_not_block", test_a_pipe_does_not_block);

  return g_test_run ();
}
