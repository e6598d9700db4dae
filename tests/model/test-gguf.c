/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hr-error.h"
#include "hr-ggml-type.h"
#include "hr-gguf-config.h"
#include "hr-gguf.h"
#include "hr-model.h"
#include "weight-files.h"

/* Elements and bytes of a block: gguf-py/gguf/constants.py, GGML_QUANT_SIZES; Q8_1 as ggml-common.h has it. */
static const struct
{
  const char *name;
  guint block_size;
  guint block_bytes;
} blocks[] = {
  { "F32", 1, 4 },       { "F16", 1, 2 },        { "BF16", 1, 2 },       { "F64", 1, 8 },      { "I8", 1, 1 },
  { "I16", 1, 2 },       { "I32", 1, 4 },        { "I64", 1, 8 },        { "Q4_0", 32, 18 },   { "Q4_1", 32, 20 },
  { "Q5_0", 32, 22 },    { "Q5_1", 32, 24 },     { "Q8_0", 32, 34 },     { "Q8_1", 32, 36 },   { "Q2_K", 256, 84 },
  { "Q3_K", 256, 110 },  { "Q4_K", 256, 144 },   { "Q5_K", 256, 176 },   { "Q6_K", 256, 210 }, { "Q8_K", 256, 292 },
  { "IQ1_S", 256, 50 },  { "IQ1_M", 256, 56 },   { "IQ2_XXS", 256, 66 }, { "IQ2_XS", 256, 74 }, { "IQ2_S", 256, 82 },
  { "IQ3_XXS", 256, 98 }, { "IQ3_S", 256, 110 }, { "IQ4_NL", 32, 18 },   { "IQ4_XS", 256, 136 }, { "TQ1_0", 256, 54 },
  { "TQ2_0", 256, 66 },  { "MXFP4", 32, 17 },    { "NVFP4", 64, 36 },    { "Q1_0", 128, 18 },  { "Q2_0", 64, 18 },
};

static void
test_each_type_has_its_blocks (void)
{
  g_assert_cmpuint (hr_ggml_type_get_n_types (), ==, G_N_ELEMENTS (blocks));

  for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
    {
      const HrGgmlType *type = NULL;
      guint64 n_bytes;

      for (guint j = 0; j < hr_ggml_type_get_n_types (); j++)
        {
          if (g_str_equal (hr_ggml_type_get_nth (j)->name, blocks[i].name))
            type = hr_ggml_type_get_nth (j);
        }

      g_assert_nonnull (type);
      g_assert_true (hr_ggml_type_get (type->id) == type);
      g_assert_null (hr_ggml_type_get_withdrawn (type->id));
      g_assert_true (hr_ggml_type_get_bytes (type, 512, 3 * 512, &n_bytes));
      g_assert_cmpuint (n_bytes, ==, 3 * 512 / blocks[i].block_size * blocks[i].block_bytes);
      g_assert_true (hr_ggml_type_get_bytes (type, 17, 17, &n_bytes) == (blocks[i].block_size == 1));
    }
}

static HrGguf *
read_bytes (GBytes  *bytes,
            GError **error)
{
  g_autoptr (HrFileReader) reader = hr_file_reader_new_for_bytes (bytes, "x.gguf");

  return hr_gguf_new_from_reader (reader, error);
}

static void
test_values_of_all_types_are_read (void)
{
  static const struct
  {
    guint32 type;
    const char *bytes;
    gsize length;
    double value;
  } numbers[] = {
    { 0, "\xff", 1, 255 },
    { 1, "\xff", 1, -1 },
    { 2, "\xff\xfe", 2, 0xfeff },
    { 3, "\xff\xff", 2, -1 },
    { 4, "\x01\x02\x03\x84", 4, 0x84030201 },
    { 5, "\xfe\xff\xff\xff", 4, -2 },
    { 6, "\x00\x00\xc0\x3f", 4, 1.5 },
    { 10, "\x00\x00\x00\x00\x01\x00\x00\x00", 8, 4294967296.0 },
    { 11, "\xfd\xff\xff\xff\xff\xff\xff\xff", 8, -3 },
    { 12, "\x00\x00\x00\x00\x00\x00\xf8\x3f", 8, 1.5 },
  };

  for (guint32 version = 2; version <= 3; version++)
    {
      g_auto (GgufWriter) writer;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (HrGguf) gguf = NULL;
      g_autoptr (GError) error = NULL;
      gboolean boolean = FALSE;
      guint64 length;

      gguf_writer_init (&writer);
      for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
        {
          g_autofree char *key = g_strdup_printf ("number.%u", numbers[i].type);

          gguf_writer_add_key (&writer, key, numbers[i].type);
          gguf_writer_add_raw (&writer, numbers[i].bytes, numbers[i].length);
        }
      gguf_writer_add_key (&writer, "flag", 7);
      gguf_writer_add_raw (&writer, "\x01", 1);
      gguf_writer_add_string (&writer, "text", "Grüße");
      gguf_writer_add_key (&writer, "list", 9);
      gguf_writer_add_raw (&writer, "\x03\0\0\0" "\x02\0\0\0\0\0\0\0" "\x05\0" "\xff\xff", 16);
      gguf_writer_add_key (&writer, "nested", 9);
      gguf_writer_add_raw (&writer, "\x09\0\0\0" "\x01\0\0\0\0\0\0\0" "\0\0\0\0" "\x02\0\0\0\0\0\0\0" "ab", 26);
      bytes = gguf_writer_finish (&writer, version, TRUE);

      gguf = read_bytes (bytes, &error);
      g_assert_no_error (error);
      for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
        {
          g_autofree char *key = g_strdup_printf ("number.%u", numbers[i].type);
          double value;

          g_assert_true (hr_gguf_get_number (gguf, key, &value));
          g_assert_cmpfloat (value, ==, numbers[i].value);
        }
      g_assert_true (hr_gguf_get_boolean (gguf, "flag", &boolean));
      g_assert_true (boolean);
      g_assert_cmpstr (hr_gguf_get_string (gguf, "text"), ==, "Grüße");
      g_assert_cmpuint (hr_gguf_get_numbers (gguf, "list")->len, ==, 2);
      g_assert_cmpfloat (g_array_index (hr_gguf_get_numbers (gguf, "list"), double, 1), ==, -1);
      g_assert_true (hr_gguf_get_array_length (gguf, "nested", &length));
      g_assert_cmpuint (length, ==, 1);
      g_assert_null (hr_gguf_get_string (gguf, "absent"));
      g_assert_false (hr_gguf_get_array_length (gguf, "text", &length));
    }
}

typedef struct
{
  const char *name;
  const char *bytes;      /* what begins the file */
  gsize length;
  const char *expected;   /* in the message */
} FaultCase;

#define PREFIX "GGUF\x03\0\0\0"
#define NONE "\0\0\0\0\0\0\0\0"
#define ONE "\x01\0\0\0\0\0\0\0"
#define FAULT(name, bytes, expected) { name, bytes, sizeof bytes - 1, expected }

static const FaultCase fault_cases[] = {
  FAULT ("is_empty", "", "byte 0: expected 4 more bytes, found the end of the file"),
  FAULT ("begins_otherwise", "PK\x03\x04 and more", "the bytes 50 4B 03 04"),
  FAULT ("is_a_pointer", "version https://git-lfs", "a Git LFS pointer"),
  FAULT ("has_version_1", "GGUF\x01\0\0\0" NONE NONE,
         "byte 4: expected version 2 or 3 of GGUF, little-endian, found 1"),
  FAULT ("is_big_endian", "GGUF\0\0\0\x03" NONE NONE, "found a big-endian file"),
  FAULT ("has_too_many_tensors", PREFIX "\0\0\0\0\0\0\0\x01" NONE, "byte 8: expected at most 1000000 tensors"),
  FAULT ("has_too_many_keys", PREFIX NONE "\xff\xff\xff\xff\xff\xff\xff\xff", "byte 16: expected at most 65536 keys"),
  FAULT ("ends_in_its_keys", PREFIX NONE ONE, "byte 24: expected 8 more bytes"),
  FAULT ("has_a_key_of_no_length", PREFIX NONE ONE NONE "\0\0\0\0",
         "byte 24: expected a name of 1 to 65535 bytes, found 0"),
  FAULT ("has_an_endless_key", PREFIX NONE ONE "\xff\xff\xff\xff\xff\xff\xff\x7f", "a name of 1 to 65535 bytes"),
  FAULT ("has_a_key_that_is_no_text", PREFIX NONE ONE ONE "\xff\0\0\0\0", "a name in UTF-8"),
  FAULT ("has_an_unknown_value", PREFIX NONE ONE ONE "k\x0d\0\0\0",
         "byte 33: expected the type of a value, from 0 to 12, found 13"),
  FAULT ("has_an_endless_string", PREFIX NONE ONE ONE "k\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", "more bytes"),
  FAULT ("has_an_endless_array", PREFIX NONE ONE ONE "k\x09\0\0\0\x0a\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
         "an array whose size can be counted"),
  FAULT ("has_an_endless_array_of_texts", PREFIX NONE ONE ONE "k\x09\0\0\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
         "the end of the file"),
  FAULT ("has_deep_arrays", PREFIX NONE ONE ONE "k\x09\0\0\0" "\x09\0\0\0" ONE "\x09\0\0\0" ONE "\x09\0\0\0" ONE
         "\x09\0\0\0" ONE "\x09\0\0\0" ONE, "four deep at most"),
  FAULT ("has_a_key_twice", PREFIX NONE "\x02\0\0\0\0\0\0\0" ONE "k\x07\0\0\0\x01" ONE "k\x07\0\0\0\x01",
         "byte 38: expected each key once, found “k” once more"),
  FAULT ("has_five_dimensions", PREFIX ONE NONE ONE "t\x05\0\0\0",
         "tensor “t”: expected at most 4 dimensions, found 5"),
  FAULT ("has_sizes_beyond_counting", PREFIX ONE NONE ONE "t\x02\0\0\0" "\0\0\0\0\0\0\0\x40" "\0\0\0\0\0\0\0\x40",
         "tensor “t”: expected sizes whose product can be counted"),
  FAULT ("has_an_unknown_type", PREFIX ONE NONE ONE "t\x01\0\0\0" ONE "\x63\0\0\0" NONE,
         "tensor “t”: expected a type of ggml that is known, found the type 99"),
  FAULT ("has_a_withdrawn_type", PREFIX ONE NONE ONE "t\x01\0\0\0" ONE "\x1f\0\0\0" NONE,
         "found the type 31 (Q4_0_4_4), which was withdrawn"),
  FAULT ("has_half_a_block", PREFIX ONE NONE ONE "t\x01\0\0\0" "\x11\0\0\0\0\0\0\0" "\x02\0\0\0" NONE,
         "expected rows of whole blocks of 32 elements, as Q4_0 has them, found [17]"),
  FAULT ("has_an_odd_offset", PREFIX ONE NONE ONE "t\x01\0\0\0" ONE "\0\0\0\0" "\x08\0\0\0\0\0\0\0",
         "expected an offset that is a multiple of 32, found 8"),
  FAULT ("has_no_data", PREFIX ONE NONE ONE "t\x01\0\0\0" ONE "\0\0\0\0" NONE,
         "tensor “t”: expected 4 bytes of data, found the end of the file; it is not complete"),
  FAULT ("has_an_odd_alignment", PREFIX NONE ONE "\x11\0\0\0\0\0\0\0" "general.alignment\x04\0\0\0\x21\0\0\0",
         "key “general.alignment”: expected a power of two, found 33"),
};

static void
test_a_fault_is_named (gconstpointer data)
{
  const FaultCase *fault = data;
  g_autoptr (GBytes) bytes = g_bytes_new (fault->bytes, fault->length);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGguf) gguf = read_bytes (bytes, &error);

  g_assert_null (gguf);
  g_assert_nonnull (error);
  g_assert_true (error->domain == HR_ERROR);
  if (strstr (error->message, fault->expected) == NULL || strstr (error->message, "“x.gguf”") == NULL)
    g_error ("expected “%s” in: %s", fault->expected, error->message);
}

static void
test_overlapping_and_repeated_tensors_are_refused (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_auto (GgufWriter) writer;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (HrGguf) gguf = NULL;

      gguf_writer_init (&writer);
      gguf_writer_add_tensor (&writer, "a", 0, 16, 0);
      gguf_writer_add_tensor_at (&writer, i == 0 ? "b" : "a", 0, 16, 0, i == 0 ? 32 : 64);
      writer.data_bytes += 128;
      bytes = gguf_writer_finish (&writer, 3, TRUE);
      gguf = read_bytes (bytes, &error);
      g_assert_error (error, HR_ERROR, HR_ERROR_SYNTAX);
      g_assert_nonnull (strstr (error->message,
                                i == 0 ? "tensor “b”: expected data from byte 64 on" : "each tensor once"));
    }
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

static const char *
get_type (HrModel    *model,
          const char *name)
{
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        {
          g_autofree char *tensor_name = hr_tensor_get_name (tensor, copy);
          const char *type = NULL;

          if (g_str_equal (tensor_name, name) && hr_model_get_stored (model, i, copy, &type, NULL, NULL))
            return type;
        }
    }

  return NULL;
}

static void
test_a_file_is_a_model_with_its_own_sizes (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) bytes = gguf_new_llama ();
  g_autoptr (GFile) file = test_folder_write (folder, "tiny-Q4_K_M.gguf", bytes);
  g_autoptr (GFile) blob = test_folder_write (folder, "sub/sha256-0", bytes);
  g_autoptr (HrModel) model = load (file);
  g_autoptr (HrModel) nameless = load (blob);
  guint64 value;

  g_assert_cmpstr (hr_model_get_name (model), ==, "tiny-Q4_K_M");
  g_assert_cmpstr (hr_model_get_name (nameless), ==, "Tiny");
  g_assert_cmpstr (hr_model_get_model_type (model), ==, "llama");
  g_assert_cmpstr (hr_model_get_architecture (model), ==, "LlamaForCausalLM");
  g_assert_cmpuint (hr_model_get_n_parameters (model), ==,
                    1000 * 256 + 256 + 2 * (2 * 256 + 2 * 256 * 256 + 2 * 128 * 256 + 3 * 512 * 256));
  g_assert_cmpuint (hr_model_get_cache_elements_per_token (model), ==, 2 * 2 * 4 * 32);
  g_assert_true (hr_model_get_hyper_parameter (model, "max_position_embeddings", &value));
  g_assert_cmpuint (value, ==, 2048);
  g_assert_cmpint (hr_model_get_quantization (model), ==, HR_QUANTIZATION_Q4_K_M);
  g_assert_cmpstr (hr_model_get_warnings (model)[0], ==, NULL);
  g_assert_cmpstr (get_type (model, "model.layers.1.self_attn.v_proj.weight"), ==, "Q6_K");
  g_assert_cmpstr (get_type (model, "model.layers.1.self_attn.k_proj.weight"), ==, "Q4_K");
  g_assert_cmpstr (get_type (model, "model.norm.weight"), ==, "float32");

  test_folder_free (g_steal_pointer (&folder));
}

static void
test_an_unknown_architecture_is_listed_and_not_estimated (void)
{
  static const struct
  {
    const char *architecture;
    const char *key;
    const char *expected;
  } cases[] = {
    { "unheard-of", NULL, "the architecture “unheard-of” is not known" },
    { "qwen2", "qwen2.expert_count", "the model has a mixture of experts" },
    { NULL, NULL, "expected the key “general.architecture”, found none" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *folder = test_folder_new ();
      g_auto (GgufWriter) writer;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GFile) file = NULL;
      g_autoptr (HrModel) model = NULL;
      g_autoptr (GError) error = NULL;

      gguf_writer_init (&writer);
      if (cases[i].architecture != NULL)
        gguf_writer_add_string (&writer, "general.architecture", cases[i].architecture);
      if (cases[i].key != NULL)
        gguf_writer_add_uint (&writer, cases[i].key, 8);
      gguf_writer_add_tensor (&writer, "token_embd.weight", 8, 10, 32);
      bytes = gguf_writer_finish (&writer, 3, TRUE);
      file = test_folder_write (folder, "x.gguf", bytes);
      model = load (file);

      g_assert_cmpuint (hr_model_get_n_parameters (model), ==, 320);
      g_assert_cmpuint (hr_model_get_stored_bytes (model), ==, 340);
      g_assert_false (hr_model_check_can_be_estimated (model, &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, cases[i].expected));
      test_folder_free (g_steal_pointer (&folder));
    }
}

static void
test_split_files_belong_together (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) whole = gguf_new_llama ();
  g_auto (GgufWriter) writer;
  g_autoptr (GBytes) second = NULL;
  g_autoptr (GFile) first_file = test_folder_write (folder, "m-00001-of-00002.gguf", whole);
  g_autoptr (GFile) second_file = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_file (first_file, &error);

  g_assert_null (model);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "did not find 1 of 2: m-00002-of-00002.gguf"));

  gguf_writer_init (&writer);
  gguf_writer_add_tensor (&writer, "output.weight", 14, 1000, 256);
  second = gguf_writer_finish (&writer, 3, TRUE);
  second_file = test_folder_write (folder, "m-00002-of-00002.gguf", second);

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GFile) parent = g_file_new_for_path (folder);
      g_autoptr (HrModel) split = load (i == 0 ? first_file : i == 1 ? second_file : parent);

      g_assert_cmpstr (hr_model_get_name (split), ==, "m");
      g_assert_cmpuint (hr_model_get_n_parameters_of_part (split, HR_PART_OUTPUT), ==, 256000);
      g_assert_cmpstr (get_type (split, "lm_head.weight"), ==, "Q6_K");
    }

  test_folder_free (g_steal_pointer (&folder));
}

static void
test_a_folder_with_several_models_says_so (void)
{
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) bytes = gguf_new_llama ();
  g_autoptr (GFile) first = test_folder_write (folder, "a.gguf", bytes);
  g_autoptr (GFile) second = test_folder_write (folder, "b.gguf", bytes);
  g_autoptr (GFile) parent = g_file_new_for_path (folder);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_file (parent, &error);

  g_assert_null (model);
  g_assert_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL);
  g_assert_nonnull (strstr (error->message, "open one of them"));

  test_folder_free (g_steal_pointer (&folder));
}

static HrJson *
load_words (void)
{
  g_autoptr (GError) error = NULL;
  HrJson *words = hr_json_new_from_resource ("/io/github/headroom/Headroom/data/formats/gguf.json", &error);

  g_assert_no_error (error);

  return words;
}

/* The names of tensors that llama.cpp has for each architecture. */
static HrJson *
load_llama_tensors (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "model", "llama-tensors.json", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  HrJson *tensors = hr_json_new_from_file (file, HR_JSON_STRICT, &error);

  g_assert_no_error (error);

  return tensors;
}

/* `blk.3.attn_q.weight` without its layer and what it holds. */
static char *
get_base_name (const char *name)
{
  const char *start = g_str_has_prefix (name, "blk.") ? strchr (name + strlen ("blk."), '.') + 1 : name;
  gsize length = strlen (start);

  if (g_str_has_suffix (start, ".weight"))
    length -= strlen (".weight");
  else if (g_str_has_suffix (start, ".bias"))
    length -= strlen (".bias");
  else if (g_str_has_suffix (start, ".scale"))
    length -= strlen (".scale");

  return g_strndup (start, length);
}

/* The name of an architecture in a file: the words for it may stand apart by what is in that. */
static char *
get_llama_name (HrJson *architecture)
{
  g_auto (GStrv) parts = g_strsplit (hr_json_get_key (architecture), " with ", 2);

  return g_strdup (parts[0]);
}

static gboolean
has_llama_tensor (HrJson     *tensors,
                  const char *architecture,
                  const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *base_name = get_base_name (name);
  g_auto (GStrv) names = NULL;
  const char *text = NULL;

  if (!hr_json_get_string (hr_json_get_member (tensors, "architectures"), architecture, &text, &error) || text == NULL)
    return FALSE;
  names = g_strsplit (text, " ", -1);

  return g_strv_contains ((const char * const *) names, base_name);
}

/* The words for an architecture name each tensor that its class has, as llama.cpp does. */
static void
test_every_tensor_of_a_known_architecture_has_a_name (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) words = load_words ();
  g_autoptr (HrJson) tensors = load_llama_tensors ();
  HrJson *architectures = hr_json_get_member (words, "architectures");

  g_assert_cmpuint (hr_json_get_length (architectures), >, 15);

  for (guint i = 0; i < hr_json_get_length (architectures); i++)
    {
      HrJson *architecture = hr_json_get_element (architectures, i);
      const char *model_type = NULL;
      g_autofree char *llama_name = get_llama_name (architecture);
      g_autofree char *mixture_name = g_strconcat (llama_name, "_moe", NULL);   /* one class may be both */
      g_autofree char *text = NULL;
      g_autoptr (HrModel) model = NULL;
      g_auto (GgufWriter) writer;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (HrGguf) gguf = NULL;
      g_autoptr (HrGgufConfig) names = NULL;

      g_assert_true (hr_json_get_string (architecture, "model-type", &model_type, &error));
      text = g_strdup_printf ("{\"model_type\": \"%s\"}", model_type);
      model = hr_model_new_from_data (text, -1, NULL, &error);
      g_assert_no_error (error);

      gguf_writer_init (&writer);
      gguf_writer_add_string (&writer, "general.architecture", hr_json_get_key (architecture));
      bytes = gguf_writer_finish (&writer, 3, TRUE);
      gguf = read_bytes (bytes, &error);
      g_assert_no_error (error);
      names = hr_gguf_config_new (gguf, &error);
      g_assert_no_error (error);

      for (guint j = 0; j < hr_model_get_n_tensors (model); j++)
        {
          const HrTensor *tensor = hr_model_get_tensor (model, j);
          guint layer = 3;
          g_autoptr (GPtrArray) found = hr_gguf_config_list_stored_names (names, tensor->pattern,
                                                                          tensor->n_layers > 0 ? &layer : NULL);

          if (found->len == 0 || strstr (g_ptr_array_index (found, 0), "{}") != NULL)
            g_error ("%s: no name for %s", model_type, tensor->pattern);
          for (guint k = 0; k < found->len; k++)
            {
              const char *name = g_ptr_array_index (found, k);

              if (tensor->tied_to == NULL && !has_llama_tensor (tensors, llama_name, name) &&
                  !has_llama_tensor (tensors, mixture_name, name))
                g_error ("%s: llama.cpp has no %s", hr_json_get_key (architecture), name);
            }
        }
    }
}

static void
add_base_name (GHashTable *names,
               HrJson     *node)
{
  g_autoptr (GError) error = NULL;
  const char *name = NULL;

  if (hr_json_get_node_type (node) == HR_JSON_ARRAY)
    {
      for (guint i = 0; i < hr_json_get_length (node); i++)
        add_base_name (names, hr_json_get_element (node, i));
      return;
    }

  hr_json_read_string (node, &name, &error);
  g_assert_no_error (error);
  g_hash_table_add (names, get_base_name (name));
}

static void
add_names_of (GHashTable *names,
              HrJson     *words)
{
  static const char * const sections[] = { "modules", "tensors", "rows", "not-parameters" };

  for (guint i = 0; i < G_N_ELEMENTS (sections); i++)
    {
      HrJson *section = hr_json_get_member (words, sections[i]);

      for (guint j = 0; section != NULL && j < hr_json_get_length (section); j++)
        add_base_name (names, hr_json_get_element (section, j));
    }
}

/* What llama.cpp has names for and nothing here reads. */
static gboolean
is_left_out (const char *architecture,
             const char *name)
{
  static const struct
  {
    const char *architecture;   /* NULL: any */
    const char *name;
  } left_out[] = {
    { NULL, "attn_rot_embd" },              /* frequencies, which its converter drops */
    { NULL, "nextn." },                     /* layers that predict further tokens */
    { NULL, "ffn_gate_up_exps" },           /* two in one, which its converter only makes on demand */
    { "bert", "cls" },                      /* a head of classes */
    { "lfm2", "dense_2" },                  /* of an embedding model */
    { "nemotron_h_moe", "ffn_latent_" },    /* experts in a narrower space */
    { "minicpm", "ffn_" },                  /* a mixture of experts, which is refused by its metadata */
    { "mistral3", "ffn_" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (left_out); i++)
    {
      if ((left_out[i].architecture == NULL || g_str_equal (left_out[i].architecture, architecture)) &&
          g_str_has_prefix (name, left_out[i].name))
        return TRUE;
    }

  return FALSE;
}

/* And each name that llama.cpp has for one is that of something here. */
static void
test_every_name_of_a_known_architecture_is_read (void)
{
  g_autoptr (HrJson) words = load_words ();
  g_autoptr (HrJson) tensors = load_llama_tensors ();
  HrJson *architectures = hr_json_get_member (words, "architectures");
  HrJson *tables = hr_json_get_member (tensors, "architectures");

  for (guint i = 0; i < hr_json_get_length (tables); i++)
    {
      HrJson *table = hr_json_get_element (tables, i);
      const char *architecture = hr_json_get_key (table);
      g_autoptr (GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) names = NULL;
      const char *text = NULL;

      add_names_of (known, words);
      for (guint j = 0; j < hr_json_get_length (architectures); j++)
        {
          g_autofree char *llama_name = get_llama_name (hr_json_get_element (architectures, j));

          if (g_str_equal (llama_name, architecture))
            add_names_of (known, hr_json_get_element (architectures, j));
        }

      hr_json_read_string (table, &text, &error);
      g_assert_no_error (error);
      names = g_strsplit (text, " ", -1);
      for (guint j = 0; names[j] != NULL; j++)
        {
          if (!g_hash_table_contains (known, names[j]) && !is_left_out (architecture, names[j]))
            g_error ("%s: nothing reads %s", architecture, names[j]);
        }
    }
}

typedef struct
{
  const char *architecture;
  const char *model_type;
  const char *config;
  guint n_further;              /* layers that predict further tokens */
  const char *numbers;          /* further ones of its metadata, NULL if none */
} MixtureCase;

#define LATENT \
  "\"n_routed_experts\": 4, \"intermediate_size\": 128, \"moe_intermediate_size\": 128, \"n_shared_experts\": 1, " \
  "\"first_k_dense_replace\": 1, \"kv_lora_rank\": 32, \"qk_rope_head_dim\": 8, \"qk_nope_head_dim\": 16, " \
  "\"v_head_dim\": 16"

static const MixtureCase mixture_cases[] = {
  { "llama", "mixtral", "\"num_local_experts\": 4, \"intermediate_size\": 128, \"num_key_value_heads\": 2" },
  { "qwen2moe", "qwen2_moe", "\"num_experts\": 4, \"moe_intermediate_size\": 128, \"num_key_value_heads\": 2, "
                             "\"shared_expert_intermediate_size\": 96" },
  { "qwen3moe", "qwen3_moe", "\"num_experts\": 4, \"moe_intermediate_size\": 128, \"num_key_value_heads\": 2, "
                             "\"head_dim\": 16" },
  { "olmoe", "olmoe", "\"num_experts\": 4, \"intermediate_size\": 128, \"num_key_value_heads\": 2" },
  { "granitemoe", "granitemoeshared", "\"num_local_experts\": 4, \"intermediate_size\": 128, "
                                      "\"num_key_value_heads\": 2, \"shared_intermediate_size\": 96" },
  { "glm4moe", "glm4_moe", "\"n_routed_experts\": 4, \"intermediate_size\": 128, \"moe_intermediate_size\": 128, "
                           "\"num_key_value_heads\": 2, \"n_shared_experts\": 1, \"first_k_dense_replace\": 1", 1 },
  { "dots1", "dots1", "\"n_routed_experts\": 4, \"intermediate_size\": 128, \"moe_intermediate_size\": 128, "
                      "\"num_key_value_heads\": 2, \"n_shared_experts\": 1, \"first_k_dense_replace\": 1" },
  { "ernie4_5-moe", "ernie4_5_moe", "\"moe_num_experts\": 4, \"moe_k\": 2, \"intermediate_size\": 128, "
                                    "\"moe_intermediate_size\": 128, \"num_key_value_heads\": 2, "
                                    "\"moe_num_shared_experts\": 1, \"moe_layer_start_index\": 1" },
  { "gpt-oss", "gpt_oss", "\"num_local_experts\": 4, \"intermediate_size\": 128, \"num_key_value_heads\": 2, "
                          "\"head_dim\": 16, \"sliding_window\": 32" },
  { "deepseek2", "deepseek_v2", LATENT ", \"q_lora_rank\": null", 0,
    "attention.kv_lora_rank=32 attention.key_length_mla=24 attention.value_length_mla=16 rope.dimension_count=8" },
  { "deepseek2", "deepseek_v3", LATENT ", \"q_lora_rank\": 48", 1,
    "attention.kv_lora_rank=32 attention.key_length_mla=24 attention.value_length_mla=16 rope.dimension_count=8 "
    "attention.q_lora_rank=48 expert_gating_func=2" },
  { "minimax-m2", "minimax_m2", "\"num_local_experts\": 4, \"intermediate_size\": 128, \"head_dim\": 16, "
                                "\"num_key_value_heads\": 2, \"rotary_dim\": 8", 0, "rope.dimension_count=8" },
  { "qwen3next", "qwen3_next", "\"num_experts\": 4, \"moe_intermediate_size\": 128, \"num_key_value_heads\": 2, "
                               "\"shared_expert_intermediate_size\": 96, \"head_dim\": 16, "
                               "\"partial_rotary_factor\": 0.5, \"linear_conv_kernel_dim\": 4, "
                               "\"linear_key_head_dim\": 8, \"linear_value_head_dim\": 16, "
                               "\"linear_num_key_heads\": 2, \"linear_num_value_heads\": 4, "
                               "\"full_attention_interval\": 2", 0,
    "rope.dimension_count=8 ssm.conv_kernel=4 ssm.state_size=8 ssm.inner_size=64 ssm.group_count=2 "
    "ssm.time_step_rank=4 full_attention_interval=2" },
  { "qwen35", "qwen3_5_text", "\"intermediate_size\": 128, \"num_key_value_heads\": 2, \"head_dim\": 16, "
                              "\"partial_rotary_factor\": 0.5, \"linear_conv_kernel_dim\": 4, "
                              "\"linear_key_head_dim\": 8, \"linear_value_head_dim\": 16, "
                              "\"linear_num_key_heads\": 2, \"linear_num_value_heads\": 4, "
                              "\"full_attention_interval\": 2", 0,
    "rope.dimension_count=8 ssm.conv_kernel=4 ssm.state_size=8 ssm.inner_size=64 ssm.group_count=2 "
    "ssm.time_step_rank=4 full_attention_interval=2" },
  { "qwen35moe", "qwen3_5_moe_text", "\"num_experts\": 4, \"moe_intermediate_size\": 128, "
                                     "\"num_key_value_heads\": 2, \"shared_expert_intermediate_size\": 96, "
                                     "\"head_dim\": 16, \"partial_rotary_factor\": 0.5, "
                                     "\"linear_conv_kernel_dim\": 4, \"linear_key_head_dim\": 8, "
                                     "\"linear_value_head_dim\": 16, \"linear_num_key_heads\": 2, "
                                     "\"linear_num_value_heads\": 4, \"full_attention_interval\": 2", 1,
    "rope.dimension_count=8 ssm.conv_kernel=4 ssm.state_size=8 ssm.inner_size=64 ssm.group_count=2 "
    "ssm.time_step_rank=4 full_attention_interval=2" },
  { "bert", "bert_embedding", "\"intermediate_size\": 128, \"max_position_embeddings\": 64, \"type_vocab_size\": 3", 0,
    "context_length=64" },
  { "exaone", "exaone", "\"intermediate_size\": 128, \"num_key_value_heads\": 2" },
  { "exaone4", "exaone4", "\"intermediate_size\": 128, \"num_key_value_heads\": 2, \"sliding_window\": null" },
  { "llama4", "llama4_text", "\"num_local_experts\": 4, \"intermediate_size\": 128, \"intermediate_size_mlp\": 128, "
                             "\"num_key_value_heads\": 2, \"head_dim\": 16, \"interleave_moe_layer_step\": 2", 0,
    "interleave_moe_layer_step=2" },
  { "deepseek", "deepseek", "\"n_routed_experts\": 4, \"intermediate_size\": 128, \"moe_intermediate_size\": 128, "
                            "\"num_key_value_heads\": 2, \"n_shared_experts\": 1, \"first_k_dense_replace\": 1" },
  { "mamba2", "mamba2", "\"state_size\": 16, \"conv_kernel\": 4, \"num_heads\": 8, \"head_dim\": 16, "
                        "\"n_groups\": 2, \"expand\": 2", 0,
    "ssm.conv_kernel=4 ssm.state_size=16 ssm.inner_size=128 ssm.group_count=2 ssm.time_step_rank=8" },
  { "orion", "orion", "\"intermediate_size\": 128, \"num_key_value_heads\": 2" },
  { "xverse", "xverse", "\"intermediate_size\": 128, \"num_key_value_heads\": 2" },
  { "minicpm", "minicpm", "\"intermediate_size\": 128, \"num_key_value_heads\": 2" },
  { "hunyuan-moe", "hunyuan_v1_moe", "\"num_experts\": 4, \"moe_topk\": 2, \"intermediate_size\": 96, "
                                     "\"moe_intermediate_size\": 128, \"num_key_value_heads\": 2, "
                                     "\"head_dim\": 16" },
  { "glm-dsa", "glm_moe_dsa", LATENT ", \"q_lora_rank\": 48, \"index_n_heads\": 2, \"index_head_dim\": 16, "
                              "\"index_topk\": 8", 1,
    "attention.kv_lora_rank=32 attention.key_length_mla=24 attention.value_length_mla=16 rope.dimension_count=8 "
    "attention.q_lora_rank=48 attention.indexer.head_count=2 attention.indexer.key_length=16 "
    "attention.indexer.top_k=8" },
  { "starcoder", "gpt_bigcode", "\"n_inner\": 128, \"n_positions\": 64, \"multi_query\": true", 0,
    "context_length=64" },
  { "phimoe", "phimoe", "\"num_local_experts\": 4, \"intermediate_size\": 128, \"num_key_value_heads\": 2, "
                        "\"head_dim\": 16" },
  { "pangu-embedded", "PanguEmbedded", "\"intermediate_size\": 128, \"num_key_value_heads\": 2" },
  { "jais2", "jais2", "\"intermediate_size\": 128, \"num_key_value_heads\": 2, \"head_dim\": 16" },
  { "exaone-moe", "exaone_moe", "\"num_experts\": 4, \"intermediate_size\": 128, \"moe_intermediate_size\": 128, "
                                "\"num_key_value_heads\": 2, \"num_shared_experts\": 1, "
                                "\"first_k_dense_replace\": 1, \"head_dim\": 16", 1 },
  { "afmoe", "afmoe", "\"num_experts\": 4, \"intermediate_size\": 128, \"moe_intermediate_size\": 128, "
                      "\"num_key_value_heads\": 2, \"num_shared_experts\": 1, \"num_dense_layers\": 1, "
                      "\"head_dim\": 16" },
  { "bailingmoe", "bailing_moe", "\"num_experts\": 4, \"intermediate_size\": 128, "
                                 "\"moe_intermediate_size\": 128, \"num_key_value_heads\": 2, "
                                 "\"num_shared_experts\": 1, \"first_k_dense_replace\": 1, \"head_dim\": 16" },
};

/* Writes a tensor of a model under its names in a file, the experts of a layer as one. */
static void
add_to_file (GgufWriter     *writer,
             HrGgufConfig   *names,
             const HrTensor *tensor,
             guint           layer)
{
  g_autoptr (GPtrArray) found = hr_gguf_config_list_stored_names (names, tensor->pattern,
                                                                  tensor->n_layers > 0 ? &layer : NULL);
  guint64 n_items = hr_tensor_get_copies_of_layer (tensor);
  guint64 columns = tensor->shape[tensor->n_dimensions - 1];
  guint64 n_rows = n_items * tensor->n_elements / columns;

  /* In equal parts, and what is left with the last. */
  for (guint i = 0; i < found->len; i++)
    gguf_writer_add_tensor (writer, g_ptr_array_index (found, i), 0,
                            i + 1 < found->len ? n_rows / found->len : n_rows - n_rows / found->len * i, columns);
}

/* "key=number key=number", of an architecture. */
static void
add_numbers (GgufWriter *writer,
             const char *architecture,
             const char *numbers)
{
  g_auto (GStrv) words = g_strsplit (numbers != NULL ? numbers : "", " ", -1);

  for (guint i = 0; words[i] != NULL && words[i][0] != '\0'; i++)
    {
      const char *value = strchr (words[i], '=');
      g_autofree char *key = g_strdup_printf ("%s.%.*s", architecture, (int) (value - words[i]), words[i]);

      gguf_writer_add_uint (writer, key, g_ascii_strtoull (value + 1, NULL, 10));
    }
}

typedef struct
{
  const char *architecture;
  const char *model_type;
  const char *config;
  const char *numbers;
  guint32 key_value_heads[4];   /* of each layer */
  guint32 feed_forward[4];
} HybridCase;

static const HybridCase hybrid_cases[] = {
  { "lfm2", "lfm2", "\"layer_types\": [\"conv\", \"full_attention\", \"conv\", \"conv\"], "
                    "\"block_auto_adjust_ff_dim\": false, \"conv_L_cache\": 3", "shortconv.l_cache=3",
    { 0, 2, 0, 0 }, { 128, 128, 128, 128 } },
  { "granitehybrid", "granitemoehybrid", "\"layer_types\": [\"mamba\", \"mamba\", \"attention\", \"mamba\"], "
                                         "\"num_local_experts\": 0, \"shared_intermediate_size\": 128, "
                                         "\"mamba_n_heads\": 8, \"mamba_d_state\": 16, \"mamba_d_conv\": 4, "
                                         "\"mamba_n_groups\": 1",
    "ssm.conv_kernel=4 ssm.state_size=16 ssm.inner_size=128 ssm.group_count=1 ssm.time_step_rank=8",
    { 0, 0, 2, 0 }, { 128, 128, 128, 128 } },
  { "nemotron_h", "nemotron_h", "\"hybrid_override_pattern\": \"M-*-\", \"mamba_num_heads\": 4, "
                                "\"mamba_head_dim\": 8, \"n_groups\": 2, \"ssm_state_size\": 16, \"head_dim\": 16",
    "ssm.conv_kernel=4 ssm.state_size=16 ssm.inner_size=32 ssm.group_count=2 ssm.time_step_rank=4 "
    "attention.key_length=16",
    { 0, 0, 2, 0 }, { 0, 128, 0, 128 } },
  { "jamba", "jamba", "\"layers_block_type\": [\"mamba\", \"attention\", \"mamba\", \"mamba\"], "
                      "\"num_experts\": 4, \"num_experts_per_tok\": 2, \"mamba_expand\": 2, "
                      "\"mamba_d_state\": 16, \"mamba_d_conv\": 4, \"mamba_dt_rank\": 4",
    "ssm.conv_kernel=4 ssm.state_size=16 ssm.inner_size=128 ssm.time_step_rank=4 expert_count=4 expert_used_count=2",
    { 0, 2, 0, 0 }, { 128, 128, 128, 128 } },
  { "plamo2", "plamo2", "\"hidden_size_per_head\": 16, \"mamba_num_heads\": 4, \"mamba_d_state\": 16, "
                        "\"mamba_d_conv\": 4",
    "ssm.conv_kernel=4 ssm.state_size=16 ssm.inner_size=64 ssm.time_step_rank=4 attention.key_length=16",
    { 0, 2, 0, 2 }, { 128, 128, 128, 128 } },
};

static void
add_array (GgufWriter    *writer,
           const char    *key,
           const guint32 *numbers,
           guint          n_numbers)
{
  /* Elements of a uint32, and how many there are. */
  guint32 head[] = { GUINT32_TO_LE (4), GUINT32_TO_LE (n_numbers), 0 };

  gguf_writer_add_key (writer, key, 9);
  gguf_writer_add_raw (writer, head, sizeof head);
  for (guint i = 0; i < n_numbers; i++)
    {
      guint32 number = GUINT32_TO_LE (numbers[i]);

      gguf_writer_add_raw (writer, &number, sizeof number);
    }
}

/* Which layers are of which kind, a file tells by the numbers of their heads and features. */
static void
test_a_hybrid_is_found_in_its_file (gconstpointer data)
{
  const HybridCase *test = data;
  g_autofree char *text = g_strdup_printf ("{\"model_type\": \"%s\", \"vocab_size\": 100, \"hidden_size\": 64, "
                                           "\"num_hidden_layers\": 4, \"num_attention_heads\": 4, "
                                           "\"num_key_value_heads\": 2, \"intermediate_size\": 128, "
                                           "\"tie_word_embeddings\": true, \"tie_embedding\": true, %s}",
                                           test->model_type, test->config);
  g_autofree char *sizes = g_strdup_printf (
    "block_count=4 embedding_length=64 attention.head_count=4 %s", test->numbers);
  g_autofree char *heads_key = g_strconcat (test->architecture, ".attention.head_count_kv", NULL);
  g_autofree char *features_key = g_strconcat (test->architecture, ".feed_forward_length", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) alone = hr_model_new_from_data (text, -1, NULL, &error);
  g_autofree char *folder = test_folder_new ();
  g_auto (GgufWriter) writer;
  g_auto (GgufWriter) empty;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) no_tensors = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (HrGguf) head = NULL;
  g_autoptr (HrGgufConfig) names = NULL;
  g_autoptr (HrModel) model = NULL;

  g_assert_no_error (error);
  gguf_writer_init (&empty);
  gguf_writer_add_string (&empty, "general.architecture", test->architecture);
  no_tensors = gguf_writer_finish (&empty, 3, TRUE);
  head = read_bytes (no_tensors, &error);
  g_assert_no_error (error);
  names = hr_gguf_config_new (head, &error);
  g_assert_no_error (error);

  gguf_writer_init (&writer);
  gguf_writer_add_string (&writer, "general.architecture", test->architecture);
  gguf_writer_add_uint (&writer, "general.file_type", 0);
  add_numbers (&writer, test->architecture, sizes);
  add_array (&writer, heads_key, test->key_value_heads, G_N_ELEMENTS (test->key_value_heads));
  add_array (&writer, features_key, test->feed_forward, G_N_ELEMENTS (test->feed_forward));
  for (guint i = 0; i < hr_model_get_n_tensors (alone); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (alone, i);

      if (tensor->n_layers == 0 && tensor->tied_to == NULL)
        add_to_file (&writer, names, tensor, 0);
      for (guint j = 0; j < tensor->n_layers; j++)
        add_to_file (&writer, names, tensor, tensor->layers[j]);
    }
  bytes = gguf_writer_finish (&writer, 3, TRUE);
  file = test_folder_write (folder, "hybrid.gguf", bytes);
  model = load (file);

  g_assert_cmpstr (hr_model_get_model_type (model), ==, test->model_type);
  g_assert_cmpuint (hr_model_get_n_parameters (model), ==, hr_model_get_n_parameters (alone));
  g_assert_cmpuint (hr_model_get_stored_bytes (model), ==, 4 * hr_model_get_n_parameters (alone));
  g_assert_cmpstr (hr_model_get_warnings (model)[0], ==, NULL);
  g_assert_true (hr_model_check_can_be_estimated (model, NULL) == hr_model_check_can_be_estimated (alone, NULL));

  test_folder_free (g_steal_pointer (&folder));
}

typedef struct
{
  const char *name;
  const char *config;
  const char *numbers;
  guint n_layers;
  guint period;                 /* the last of so many layers sees all tokens */
  guint n_shared;               /* layers at the end with the cache of others */
  guint32 key_value_heads[2];   /* of layers with a window, of those that see all */
  guint32 feed_forward[2];      /* of layers with a cache of their own, of the others */
} GemmaCase;

/* As the headers of Gemma 4 E2B and 26B-A4B have it, with smaller numbers: llama.cpp 061b8c5f, conversion/gemma.py. */
static const GemmaCase gemma_cases[] = {
  { "with_shared_caches", "\"hidden_size_per_layer_input\": 8, \"vocab_size_per_layer_input\": 90, "
                          "\"num_kv_shared_layers\": 4, \"use_double_wide_mlp\": true, \"num_key_value_heads\": 1",
    "attention.shared_kv_layers=4 embedding_length_per_layer_input=8", 10, 5, 4, { 1, 1 }, { 128, 256 } },
  { "with_experts", "\"hidden_size_per_layer_input\": 0, \"attention_k_eq_v\": true, \"num_key_value_heads\": 2, "
                    "\"num_global_key_value_heads\": 1, \"enable_moe_block\": true, \"num_experts\": 4, "
                    "\"top_k_experts\": 2, \"moe_intermediate_size\": 48",
    "attention.shared_kv_layers=0 embedding_length_per_layer_input=0 expert_count=4 expert_used_count=2 "
    "expert_feed_forward_length=48", 12, 6, 0, { 2, 1 }, { 128, 128 } },
};

/* What the file has of each layer, of all where it is the same. */
static void
add_layer_numbers (GgufWriter    *writer,
                   const char    *key,
                   const guint32  numbers[2],
                   const gboolean is_second[],
                   guint          n_layers)
{
  g_autofree char *full_key = g_strconcat ("gemma4.", key, NULL);
  g_autofree guint32 *of_layers = g_new (guint32, n_layers);

  for (guint i = 0; i < n_layers; i++)
    of_layers[i] = numbers[is_second[i] ? 1 : 0];
  if (numbers[0] == numbers[1])
    gguf_writer_add_uint (writer, full_key, numbers[0]);
  else
    add_array (writer, full_key, of_layers, n_layers);
}

static void
add_window_pattern (GgufWriter    *writer,
                    const gboolean sees_all[],
                    guint          n_layers)
{
  /* Elements of a boolean, and how many there are. */
  guint32 head[] = { GUINT32_TO_LE (7), GUINT32_TO_LE (n_layers), 0 };

  gguf_writer_add_key (writer, "gemma4.attention.sliding_window_pattern", 9);
  gguf_writer_add_raw (writer, head, sizeof head);
  for (guint i = 0; i < n_layers; i++)
    gguf_writer_add_raw (writer, sees_all[i] ? "\0" : "\1", 1);
}

/* Its layers differ in their heads, and may have the cache of others; files have keys and values for those too. */
static void
test_gemma_4_is_found_in_its_file (gconstpointer data)
{
  const GemmaCase *test = data;
  g_autofree gboolean *sees_all = g_new (gboolean, test->n_layers);
  g_autofree gboolean *is_shared = g_new (gboolean, test->n_layers);
  g_autoptr (GString) text = g_string_new ("{\"model_type\": \"gemma4_text\", \"vocab_size\": 100, "
                                           "\"hidden_size\": 64, \"num_attention_heads\": 4, \"head_dim\": 16, "
                                           "\"global_head_dim\": 32, \"intermediate_size\": 128, "
                                           "\"sliding_window\": 32, \"tie_word_embeddings\": true, ");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) alone = NULL;
  g_autofree char *folder = test_folder_new ();
  g_auto (GgufWriter) writer;
  g_auto (GgufWriter) empty;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) no_tensors = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (HrGguf) head = NULL;
  g_autoptr (HrGgufConfig) names = NULL;
  g_autoptr (HrModel) model = NULL;

  g_string_append_printf (text, "%s, \"num_hidden_layers\": %u, \"layer_types\": [", test->config, test->n_layers);
  for (guint i = 0; i < test->n_layers; i++)
    {
      sees_all[i] = (i + 1) % test->period == 0;
      is_shared[i] = i >= test->n_layers - test->n_shared;
      g_string_append_printf (text, "%s\"%s_attention\"", i > 0 ? ", " : "", sees_all[i] ? "full" : "sliding");
    }
  g_string_append (text, "]}");
  alone = hr_model_new_from_data (text->str, text->len, NULL, &error);
  g_assert_no_error (error);

  gguf_writer_init (&empty);
  gguf_writer_add_string (&empty, "general.architecture", "gemma4");
  no_tensors = gguf_writer_finish (&empty, 3, TRUE);
  head = read_bytes (no_tensors, &error);
  g_assert_no_error (error);
  names = hr_gguf_config_new (head, &error);
  g_assert_no_error (error);

  gguf_writer_init (&writer);
  gguf_writer_add_string (&writer, "general.architecture", "gemma4");
  gguf_writer_add_uint (&writer, "general.file_type", 0);
  gguf_writer_add_uint (&writer, "gemma4.block_count", test->n_layers);
  add_numbers (&writer, "gemma4", "embedding_length=64 attention.head_count=4 attention.key_length=32 "
                                  "attention.key_length_swa=16 attention.sliding_window=32");
  add_numbers (&writer, "gemma4", test->numbers);
  add_layer_numbers (&writer, "attention.head_count_kv", test->key_value_heads, sees_all, test->n_layers);
  add_layer_numbers (&writer, "feed_forward_length", test->feed_forward, is_shared, test->n_layers);
  add_window_pattern (&writer, sees_all, test->n_layers);
  for (guint i = 0; i < hr_model_get_n_tensors (alone); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (alone, i);

      if (tensor->n_layers == 0 && tensor->tied_to == NULL)
        add_to_file (&writer, names, tensor, 0);
      for (guint j = 0; j < tensor->n_layers; j++)
        add_to_file (&writer, names, tensor, tensor->layers[j]);
    }
  for (guint i = test->n_layers - test->n_shared; i < test->n_layers; i++)
    {
      g_autofree char *name = g_strdup_printf ("blk.%u.attn_k.weight", i);

      gguf_writer_add_tensor (&writer, name, 0, sees_all[i] ? 32 : 16, 64);
    }
  bytes = gguf_writer_finish (&writer, 3, TRUE);
  file = test_folder_write (folder, "gemma.gguf", bytes);
  model = load (file);

  g_assert_cmpstr (hr_model_get_model_type (model), ==, "gemma4_text");
  g_assert_cmpuint (hr_model_get_n_parameters (model), ==, hr_model_get_n_parameters (alone));
  g_assert_cmpuint (hr_model_get_cache_elements_per_token (model), ==, hr_model_get_cache_elements_per_token (alone));
  g_assert_true (g_strv_equal (hr_model_get_warnings (model), hr_model_get_warnings (alone)));
  g_assert_true (hr_model_check_can_be_estimated (model, NULL));

  test_folder_free (g_steal_pointer (&folder));
}

static gboolean
has_experts (const MixtureCase *test)
{
  return strstr (test->config, "experts") != NULL;
}

/* What the experts of a layer have in one tensor, and a class in one what a file has in two, is found and not odd. */
static void
test_a_mixture_is_found_in_its_file (gconstpointer data)
{
  const MixtureCase *test = data;
  g_autofree char *text = g_strdup_printf ("{\"model_type\": \"%s\", \"vocab_size\": 100, \"hidden_size\": 64, "
                                           "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, "
                                           "\"tie_word_embeddings\": false, \"num_experts_per_tok\": 2, %s}",
                                           test->model_type, test->config);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) alone = hr_model_new_from_data (text, -1, NULL, &error);
  g_autofree char *folder = test_folder_new ();
  g_auto (GgufWriter) writer;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (HrGguf) head = NULL;
  g_autoptr (HrGgufConfig) names = NULL;
  g_autoptr (HrModel) model = NULL;
  const char * const *warnings;
  struct
  {
    const char *key;
    guint32 value;
  } numbers[] = {
    { "block_count", 2 + test->n_further }, { "nextn_predict_layers", test->n_further }, { "embedding_length", 64 },
    { "feed_forward_length", 128 }, { "attention.head_count", 4 },
    { "attention.head_count_kv", 2 }, { "attention.key_length", 16 },
  }, numbers_of_experts[] = {
    { "expert_count", 4 }, { "expert_used_count", 2 }, { "expert_feed_forward_length", 128 },
    { "expert_shared_feed_forward_length", 96 }, { "attention.sliding_window", 32 }, { "expert_shared_count", 1 },
    { "leading_dense_block_count", 1 },
  };
  guint n_numbers_of_experts = has_experts (test) ? G_N_ELEMENTS (numbers_of_experts) : 0;

  g_assert_no_error (error);
  gguf_writer_init (&writer);
  gguf_writer_add_string (&writer, "general.architecture", test->architecture);
  gguf_writer_add_uint (&writer, "general.file_type", 0);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autofree char *key = g_strdup_printf ("%s.%s", test->architecture, numbers[i].key);

      gguf_writer_add_uint (&writer, key, numbers[i].value);
    }
  for (guint i = 0; i < n_numbers_of_experts; i++)
    {
      g_autofree char *key = g_strdup_printf ("%s.%s", test->architecture, numbers_of_experts[i].key);

      gguf_writer_add_uint (&writer, key, numbers_of_experts[i].value);
    }
  add_numbers (&writer, test->architecture, test->numbers);
  {
    g_auto (GgufWriter) empty;
    g_autoptr (GBytes) no_tensors = NULL;
    g_autofree char *key = g_strconcat (test->architecture, ".expert_count", NULL);

    gguf_writer_init (&empty);
    gguf_writer_add_string (&empty, "general.architecture", test->architecture);
    if (has_experts (test))
      gguf_writer_add_uint (&empty, key, 4);
    add_numbers (&empty, test->architecture, test->numbers);
    no_tensors = gguf_writer_finish (&empty, 3, TRUE);
    head = read_bytes (no_tensors, &error);
    g_assert_no_error (error);
    names = hr_gguf_config_new (head, &error);
    g_assert_no_error (error);
  }

  for (guint i = 0; i < hr_model_get_n_tensors (alone); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (alone, i);

      if (tensor->n_layers == 0)
        add_to_file (&writer, names, tensor, 0);
      for (guint j = 0; j < tensor->n_layers; j++)
        add_to_file (&writer, names, tensor, tensor->layers[j]);
    }
  if (test->n_further > 0)
    gguf_writer_add_tensor (&writer, "blk.2.nextn.eh_proj.weight", 0, 64, 128);
  bytes = gguf_writer_finish (&writer, 3, TRUE);
  file = test_folder_write (folder, "mixture.gguf", bytes);
  model = load (file);

  g_assert_cmpstr (hr_model_get_model_type (model), ==, test->model_type);
  g_assert_cmpuint (hr_model_get_n_parameters (model), ==, hr_model_get_n_parameters (alone));
  g_assert_cmpuint (hr_model_get_stored_bytes (model), ==,
                    4 * (hr_model_get_n_parameters (alone) + test->n_further * 64 * 128));
  warnings = hr_model_get_warnings (model);
  g_assert_cmpuint (g_strv_length ((char **) warnings), ==, test->n_further);
  if (test->n_further > 0)
    g_assert_nonnull (strstr (warnings[0], "blk.2.nextn.eh_proj.weight"));
  g_assert_true (hr_model_check_can_be_estimated (model, NULL));

  test_folder_free (g_steal_pointer (&folder));
}

/* How llama-quantize chooses the types: src/llama-quant.cpp, llama_tensor_get_type. */
typedef enum
{
  RULE_F16,
  RULE_Q8_0,
  RULE_Q6_K,
  RULE_Q4_0,
  RULE_Q4_0_IMATRIX,
  RULE_Q4_K_M,
} Rule;

typedef struct
{
  const char *name;
  const char *source;
  const char *architecture;
  Rule rule;
  guint n_layers;
  guint hidden_size;
  guint intermediate_size;
  guint n_heads;
  guint n_kv_heads;
  guint head_dim;
  guint vocab_size;
  gboolean tied;
  double billions;        /* of parameters, as the log states them */
  double mib;             /* of all model buffers, as the log states them */
} LogCase;

static const LogCase log_cases[] = {
  { "llama_2_7b_q8_0", "ggml-org/llama.cpp#6184", "llama", RULE_Q8_0, 32, 4096, 11008, 32, 32, 128, 32000, FALSE,
    6.74, 6828.64 },
  { "llama_2_13b_q8_0", "ikawrakow/ik_llama.cpp#328", "llama", RULE_Q8_0, 40, 5120, 13824, 40, 40, 128, 32000, FALSE,
    13.016, 13189.86 },
  { "llama_2_7b_q4_k_m", "ggml-org/llama.cpp#9271", "llama", RULE_Q4_K_M, 32, 4096, 11008, 32, 32, 128, 32000, FALSE,
    6.74, 3891.24 },
  { "llama_2_7b_q4_0", "ggml-org/llama.cpp#10850", "llama", RULE_Q4_0, 32, 4096, 11008, 32, 32, 128, 32000, FALSE,
    6.74, 3647.87 },
  { "mistral_7b_v0_3_q8_0", "ggml-org/llama.cpp#8213", "llama", RULE_Q8_0, 32, 4096, 14336, 32, 8, 128, 32768, FALSE,
    7.25, 7345.02 },
  { "llama_3_1_8b_q4_k_m", "ggml-org/llama.cpp#10701", "llama", RULE_Q4_K_M, 32, 4096, 14336, 32, 8, 128, 128256,
    FALSE, 8.03, 4685.30 },
  { "llama_3_1_70b_q6_k", "ggml-org/llama.cpp#14075", "llama", RULE_Q6_K, 80, 8192, 28672, 64, 8, 128, 128256, FALSE,
    70.55, 55198.94 },
  { "qwen2_7b_q8_0", "ggml-org/llama.cpp#8503", "qwen2", RULE_Q8_0, 28, 3584, 18944, 28, 4, 128, 152064, FALSE, 7.62,
    7717.68 },
  { "qwen3_32b_q4_0", "ikawrakow/ik_llama.cpp#539", "qwen3", RULE_Q4_0_IMATRIX, 64, 5120, 25600, 64, 8, 128, 151936,
    FALSE, 32.762, 17830.96 },
  { "phi_3_5_mini_q8_0", "ggml-org/llama.cpp#9112", "phi3", RULE_Q8_0, 32, 3072, 8192, 32, 32, 96, 32064, FALSE, 3.82,
    3872.39 },
  { "qwen3_embedding_8b_f16", "ggml-org/llama.cpp#13795", "qwen3", RULE_F16, 36, 4096, 12288, 32, 8, 128, 151665,
    FALSE, 8.19, 15618.94 },
};

static guint32
choose_type (const LogCase *log,
             const char    *module,
             guint          layer)
{
  guint n = log->n_layers;
  gboolean more_bits = layer < n / 8 || layer >= 7 * n / 8 || (layer - n / 8) % 3 == 2;
  gboolean is_output = g_str_equal (module, "output") || (log->tied && g_str_equal (module, "token_embd"));

  switch (log->rule)
    {
    case RULE_F16:
      return 1;

    case RULE_Q8_0:
      return 8;

    case RULE_Q6_K:
      return 14;

    case RULE_Q4_0:
      return is_output ? 14 : 2;

    case RULE_Q4_0_IMATRIX:
      if (g_str_equal (module, "ffn_down") && layer < n / 8)
        return 3;
      return is_output ? 14 : 2;

    case RULE_Q4_K_M:
    default:
      if (is_output || (more_bits && (g_str_equal (module, "attn_v") || g_str_equal (module, "ffn_down"))))
        return 14;
      return 12;
    }
}

static void
add_matrix (GgufWriter    *writer,
            const LogCase *log,
            const char    *module,
            int            layer,
            guint64        rows,
            guint64        columns)
{
  g_autofree char *name = layer >= 0 ? g_strdup_printf ("blk.%d.%s.weight", layer, module)
                                     : g_strconcat (module, ".weight", NULL);

  gguf_writer_add_tensor (writer, name, columns > 0 ? choose_type (log, module, MAX (layer, 0)) : 0, rows, columns);
}

static void
add_bias (GgufWriter *writer,
          const char *module,
          int         layer,
          guint64     size)
{
  g_autofree char *name = g_strdup_printf ("blk.%d.%s.bias", layer, module);

  gguf_writer_add_tensor (writer, name, 0, size, 0);
}

static void
add_layer (GgufWriter    *writer,
           const LogCase *log,
           int            layer)
{
  guint64 query = log->n_heads * log->head_dim;
  guint64 key = log->n_kv_heads * log->head_dim;

  add_matrix (writer, log, "attn_norm", layer, log->hidden_size, 0);
  add_matrix (writer, log, "ffn_norm", layer, log->hidden_size, 0);
  add_matrix (writer, log, "attn_output", layer, log->hidden_size, query);
  add_matrix (writer, log, "ffn_down", layer, log->hidden_size, log->intermediate_size);
  if (g_str_equal (log->architecture, "phi3"))
    {
      add_matrix (writer, log, "attn_qkv", layer, query + 2 * key, log->hidden_size);
      add_matrix (writer, log, "ffn_up", layer, 2 * log->intermediate_size, log->hidden_size);
      return;
    }

  add_matrix (writer, log, "attn_q", layer, query, log->hidden_size);
  add_matrix (writer, log, "attn_k", layer, key, log->hidden_size);
  add_matrix (writer, log, "attn_v", layer, key, log->hidden_size);
  add_matrix (writer, log, "ffn_gate", layer, log->intermediate_size, log->hidden_size);
  add_matrix (writer, log, "ffn_up", layer, log->intermediate_size, log->hidden_size);
  if (g_str_equal (log->architecture, "qwen2"))
    {
      add_bias (writer, "attn_q", layer, query);
      add_bias (writer, "attn_k", layer, key);
      add_bias (writer, "attn_v", layer, key);
    }
  if (g_str_equal (log->architecture, "qwen3"))
    {
      add_matrix (writer, log, "attn_q_norm", layer, log->head_dim, 0);
      add_matrix (writer, log, "attn_k_norm", layer, log->head_dim, 0);
    }
}

static void
add_architecture_uint (GgufWriter    *writer,
                       const LogCase *log,
                       const char    *key,
                       guint          value)
{
  g_autofree char *full_key = g_strconcat (log->architecture, ".", key, NULL);

  gguf_writer_add_uint (writer, full_key, value);
}

/* A file with the header of a real model; its data is a hole. */
static void
test_a_real_model_has_the_size_that_llama_cpp_logs (gconstpointer data)
{
  const LogCase *log = data;
  g_autofree char *folder = test_folder_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (HrModel) model = NULL;
  g_auto (GgufWriter) writer;
  double mib;

  gguf_writer_init (&writer);
  gguf_writer_add_string (&writer, "general.architecture", log->architecture);
  add_architecture_uint (&writer, log, "block_count", log->n_layers);
  add_architecture_uint (&writer, log, "embedding_length", log->hidden_size);
  add_architecture_uint (&writer, log, "feed_forward_length", log->intermediate_size);
  add_architecture_uint (&writer, log, "attention.head_count", log->n_heads);
  add_architecture_uint (&writer, log, "attention.head_count_kv", log->n_kv_heads);
  add_architecture_uint (&writer, log, "attention.key_length", log->head_dim);
  add_matrix (&writer, log, "token_embd", -1, log->vocab_size, log->hidden_size);
  add_matrix (&writer, log, "output_norm", -1, log->hidden_size, 0);
  if (!log->tied)
    add_matrix (&writer, log, "output", -1, log->vocab_size, log->hidden_size);
  for (guint i = 0; i < log->n_layers; i++)
    add_layer (&writer, log, i);

  bytes = gguf_writer_finish (&writer, 3, FALSE);
  file = test_folder_write (folder, "model.gguf", bytes);
  if (truncate (g_file_peek_path (file), g_bytes_get_size (bytes) + writer.data_bytes) != 0)
    {
      g_test_skip ("the file system has no room for a large file with a hole");
      test_folder_free (g_steal_pointer (&folder));
      return;
    }

  model = load (file);
  mib = hr_model_get_stored_bytes (model) / 1048576.0;
  g_test_message ("%s: %.2f MiB, logged %.2f MiB (%s)", log->name, mib, log->mib, log->source);
  g_assert_cmpfloat_with_epsilon (mib, log->mib, log->mib * 0.0005);
  g_assert_cmpfloat_with_epsilon (hr_model_get_n_parameters (model) / 1e9, log->billions, 0.006);
  for (const char * const *warning = hr_model_get_warnings (model); *warning != NULL; warning++)
    g_assert_true (g_str_has_prefix (*warning, "The file names no file type that is known; most of it is "));

  test_folder_free (g_steal_pointer (&folder));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/gguf/each_type_has_its_blocks", test_each_type_has_its_blocks);
  g_test_add_func ("/gguf/values_of_all_types_are_read", test_values_of_all_types_are_read);
  for (guint i = 0; i < G_N_ELEMENTS (fault_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/gguf/a_file_is_refused_that_", fault_cases[i].name, NULL);

      g_test_add_data_func (path, &fault_cases[i], test_a_fault_is_named);
    }
  g_test_add_func ("/gguf/overlapping_and_repeated_tensors_are_refused",
                   test_overlapping_and_repeated_tensors_are_refused);
  g_test_add_func ("/gguf/a_file_is_a_model_with_its_own_sizes", test_a_file_is_a_model_with_its_own_sizes);
  g_test_add_func ("/gguf/an_unknown_architecture_is_listed_and_not_estimated",
                   test_an_unknown_architecture_is_listed_and_not_estimated);
  g_test_add_func ("/gguf/split_files_belong_together", test_split_files_belong_together);
  g_test_add_func ("/gguf/a_folder_with_several_models_says_so", test_a_folder_with_several_models_says_so);
  g_test_add_func ("/gguf/every_tensor_of_a_known_architecture_has_a_name",
                   test_every_tensor_of_a_known_architecture_has_a_name);
  g_test_add_func ("/gguf/every_name_of_a_known_architecture_is_read", test_every_name_of_a_known_architecture_is_read);
  for (guint i = 0; i < G_N_ELEMENTS (log_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/gguf/the_buffers_have_the_size_that_is_logged_for_", log_cases[i].name,
                                           NULL);

      g_test_add_data_func (path, &log_cases[i], test_a_real_model_has_the_size_that_llama_cpp_logs);
    }

  for (guint i = 0; i < G_N_ELEMENTS (mixture_cases); i++)
    {
      g_autofree char *path = g_strconcat (has_experts (&mixture_cases[i]) ? "/gguf/a_mixture_is_found_in_its_file/"
                                                                           : "/gguf/a_decoder_is_found_in_its_file/",
                                           mixture_cases[i].model_type,
                                           NULL);

      g_test_add_data_func (path, &mixture_cases[i], test_a_mixture_is_found_in_its_file);
    }
  for (guint i = 0; i < G_N_ELEMENTS (hybrid_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/gguf/a_hybrid_is_found_in_its_file/", hybrid_cases[i].model_type, NULL);

      g_test_add_data_func (path, &hybrid_cases[i], test_a_hybrid_is_found_in_its_file);
    }
  for (guint i = 0; i < G_N_ELEMENTS (gemma_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/gguf/gemma_4_is_found_in_its_file/", gemma_cases[i].name, NULL);

      g_test_add_data_func (path, &gemma_cases[i], test_gemma_4_is_found_in_its_file);
    }

  return g_test_run ();
}
