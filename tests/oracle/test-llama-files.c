/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Files of llama.cpp: what the rules of its quantizer make of a config and the name of a file type, against the model
 * buffers that llama.cpp wrote into its logs. Half a percent is what the importance matrix and the version of the
 * quantizer, which a log does not name, may change.
 */

#include <math.h>

#include "hr-gguf-mixture.h"

#include "oracle.h"

#define MAX_PERCENT 0.5

/* Sizes of Ollama's library are cut or rounded to two digits, and a file says more than its tensors have. */
#define MAX_LIBRARY_PERCENT 4
#define MIN_LIBRARY_SIZES 180

/* What a file says beside its tensors, of which the words of a tokenizer are most: 6 MB for Qwen's, 16 for Gemma's. */
#define MAX_WORDS_MEGABYTES 16
#define MIN_EXACT_SIZES 27

static guint64
get_file_bytes (JsonObject *row)
{
  const char *name = json_object_get_string_member (row, "quantization");
  g_autoptr (HrModel) model = oracle_load_model_of (row, json_object_get_string_member (row, "model"));
  const char *types = json_object_get_string_member_with_default (row, "tensor-types", "none");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGgufTypes) own_types = NULL;
  g_autoptr (HrGgufMixture) mixture = NULL;
  guint64 bytes = 0;
  guint head = G_MAXUINT;

  hr_gguf_types_read (types, &own_types, &error);
  g_assert_no_error (error);
  mixture = hr_gguf_mixture_new (model, oracle_get_quantization (name), own_types);
  hr_gguf_mixture_find_head (mixture, &head);

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (!hr_part_is_text (tensor->part) || (tensor->tied_to != NULL && i != head))
        continue;
      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        bytes += hr_gguf_mixture_get_bytes (mixture, i, copy);
    }

  return bytes;
}

/*
 * The quantization that a name of Ollama's library stands for is the one that makes a file of the size that it says.
 */
static void
test_names_of_ollama_stand_for_files_of_their_sizes (void)
{
  g_autoptr (GBytes) bytes = g_resources_lookup_data ("/io/github/headroom/Headroom/data/launch/ollama-library.json", 0,
                                                      NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  JsonArray *rows;
  guint n = 0, n_exact = 0;

  g_assert_nonnull (bytes);
  json_parser_load_from_data (parser, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &error);
  g_assert_no_error (error);
  rows = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "models");
  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);
      double expected = json_object_get_double_member_with_default (row, "gigabytes", 0);
      gint64 exact = json_object_get_int_member_with_default (row, "bytes", 0);
      double found, percent;

      expected = exact > 0 ? exact / 1e9 : expected;
      if (expected == 0 || json_object_has_member (row, "sees"))
        continue;

      found = get_file_bytes (row) / 1e9;
      percent = (found / expected - 1) * 100;
      g_print ("# %-18s %-45s %-7s %8.3f %8.3f GB  %+.1f %%\n", json_object_get_string_member (row, "name"),
               json_object_get_string_member (row, "model"), json_object_get_string_member (row, "quantization"),
               expected, found, percent);
      if (exact > 0)
        g_assert_cmpfloat (fabs (found - expected) * 1e3, <=, MAX_WORDS_MEGABYTES);
      else
        g_assert_cmpfloat (fabs (percent), <=, MAX_LIBRARY_PERCENT);
      n_exact += exact > 0;
      n++;
    }

  g_assert_cmpuint (n, >=, MIN_LIBRARY_SIZES);
  g_assert_cmpuint (n_exact, >=, MIN_EXACT_SIZES);
}

static void
test_a_file_is_as_large_as_its_log_says (gconstpointer data)
{
  JsonObject *row = (JsonObject *) data;
  const char *name = json_object_get_string_member (row, "quantization");
  double expected = json_object_get_double_member (row, "mebibytes");
  double found = get_file_bytes (row) / 1048576.0;
  double percent;

  percent = (found / expected - 1) * 100;
  g_print ("# %-28s %-45s %-9s %12.2f %12.2f MiB  %+.3f %%\n", json_object_get_string_member (row, "source"),
           json_object_get_string_member (row, "model"), name, expected, found, percent);
  g_assert_cmpfloat (fabs (percent), <=, MAX_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (JsonNode) root = NULL;
  JsonArray *files;

  g_test_init (&argc, &argv, NULL);

  root = oracle_load_file ("llama-files.json");
  files = json_object_get_array_member (json_node_get_object (root), "files");
  g_assert_cmpuint (json_array_get_length (files), >=, 54);

  for (guint i = 0; i < json_array_get_length (files); i++)
    {
      JsonObject *row = json_array_get_object_element (files, i);
      g_autofree char *name = g_strdup_printf ("%s_%s_%s", json_object_get_string_member (row, "source"),
                                               json_object_get_string_member (row, "model"),
                                               json_object_get_string_member (row, "quantization"));
      g_autofree char *test = g_strconcat ("/oracle/a_file_is_as_large_as_its_log_says/", g_strdelimit (name, "/", '_'),
                                           NULL);

      g_test_add_data_func (test, row, test_a_file_is_as_large_as_its_log_says);
    }

  g_test_add_func ("/oracle/names_of_ollama_stand_for_files_of_their_sizes",
                   test_names_of_ollama_stand_for_files_of_their_sizes);

  return g_test_run ();
}
