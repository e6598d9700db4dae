/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib/gstdio.h>
#include <string.h>
#include <time.h>

#include "hr-error.h"
#include "hr-model.h"

/*
 * How long it takes to open a model: from a config that is in memory, and from the header of a file of weights beside
 * it. The figure is the processor's time in the best of several rounds.
 */

#define ROUNDS 60
#define MAX_MICROSECONDS_OF_CONFIG 1000.0
#define MAX_MICROSECONDS_OF_HEADER 10000.0
#define MAX_MICROSECONDS_OF_HOSTILE_HEADER 1000.0

#define N_LAYERS 77
#define HOSTILE_HEADER_BYTES (100 * 1024 * 1024)

static const char config[] =
    "{ \"model_type\": \"llama\", \"vocab_size\": 1000, \"hidden_size\": 64, \"intermediate_size\": 128,"
    "  \"num_hidden_layers\": 77, \"num_attention_heads\": 4, \"num_key_value_heads\": 2,"
    "  \"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\" }";

static double
get_microseconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);

  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static void
add_tensor (GString    *header,
            const char *name,
            guint       rows,
            guint       columns,
            guint64    *offset)
{
  guint64 end = *offset + (guint64) rows * MAX (columns, 1) * 2;

  g_string_append_printf (header, "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[%u", header->len > 1 ? "," : "", name, rows);
  if (columns > 0)
    g_string_append_printf (header, ",%u", columns);
  g_string_append_printf (header, "],\"data_offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}", *offset, end);
  *offset = end;
}

/* The header of the model of the config above: nine tensors in each layer, and three around them. */
static char *
make_header (gsize   *length,
             guint64 *data_bytes)
{
  static const struct
  {
    const char *name;
    guint rows;
    guint columns;
  } tensors[] = {
    { "input_layernorm", 64, 0 }, { "self_attn.q_proj", 64, 64 }, { "self_attn.k_proj", 32, 64 },
    { "self_attn.v_proj", 32, 64 }, { "self_attn.o_proj", 64, 64 }, { "post_attention_layernorm", 64, 0 },
    { "mlp.gate_proj", 128, 64 }, { "mlp.up_proj", 128, 64 }, { "mlp.down_proj", 64, 128 },
  };
  GString *header = g_string_new ("{");

  *data_bytes = 0;
  add_tensor (header, "model.embed_tokens.weight", 1000, 64, data_bytes);
  for (guint layer = 0; layer < N_LAYERS; layer++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (tensors); i++)
        {
          g_autofree char *name = g_strdup_printf ("model.layers.%u.%s.weight", layer, tensors[i].name);

          add_tensor (header, name, tensors[i].rows, tensors[i].columns, data_bytes);
        }
    }
  add_tensor (header, "model.norm.weight", 64, 0, data_bytes);
  add_tensor (header, "lm_head.weight", 1000, 64, data_bytes);
  g_string_append_c (header, '}');
  *length = header->len;

  return g_string_free (header, FALSE);
}

/* Writes the size of a header, the header, and as many bytes as it says that there are behind it. */
static void
write_weights (const char *path,
               guint64     header_bytes,
               const char *header,
               gsize       length,
               guint64     data_bytes)
{
  guint64 size = GUINT64_TO_LE (header_bytes);
  FILE *file = g_fopen (path, "wb");

  g_assert_nonnull (file);
  g_assert_cmpuint (fwrite (&size, 1, sizeof size, file), ==, sizeof size);
  g_assert_cmpuint (fwrite (header, 1, length, file), ==, length);
  if (data_bytes > 0)
    {
      g_assert_cmpint (fseek (file, data_bytes - 1, SEEK_CUR), ==, 0);
      g_assert_cmpint (fputc (0, file), ==, 0);
    }
  g_assert_cmpint (fclose (file), ==, 0);
}

typedef HrModel *(*OpenFunction) (const char *path, GError **error);

static HrModel *
open_config (const char  *path,
             GError     **error)
{
  return hr_model_new_from_data (config, -1, path, error);
}

static HrModel *
open_folder (const char  *path,
             GError     **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);

  return hr_model_new_from_file (file, error);
}

static double
find_best (OpenFunction  open,
           const char   *path,
           gboolean      opens)
{
  double best = G_MAXDOUBLE;

  for (guint i = 0; i < ROUNDS; i++)
    {
      g_autoptr (GError) error = NULL;
      double start = get_microseconds ();
      g_autoptr (HrModel) model = open (path, &error);

      best = MIN (best, get_microseconds () - start);
      g_assert_cmpint (model != NULL, ==, opens);
      g_assert_cmpint (error == NULL, ==, opens);
    }

  return best;
}

static void
test_config (void)
{
  double best = find_best (open_config, "test", TRUE);

  g_test_minimized_result (best, "a config of %u layers: %.0f µs", N_LAYERS, best);
  g_assert_cmpfloat (best, <, MAX_MICROSECONDS_OF_CONFIG);
}

static void
test_header (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("headroom-bench-XXXXXX", &error);
  g_autofree char *config_path = g_build_filename (folder, "config.json", NULL);
  g_autofree char *weights_path = g_build_filename (folder, "model.safetensors", NULL);
  gsize length;
  guint64 data_bytes;
  g_autofree char *header = make_header (&length, &data_bytes);
  double best;

  g_assert_no_error (error);
  g_assert_true (g_file_set_contents (config_path, config, -1, &error));
  write_weights (weights_path, length, header, length, data_bytes);
  best = find_best (open_folder, folder, TRUE);
  g_test_minimized_result (best, "a config and a header of %u tensors: %.0f µs", N_LAYERS * 9 + 3, best);
  g_remove (weights_path);
  g_remove (config_path);
  g_rmdir (folder);
  g_assert_cmpfloat (best, <, MAX_MICROSECONDS_OF_HEADER);
}

/* A header of 100 MB, which no model has, is refused by its size. */
static void
test_hostile_header (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("headroom-bench-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  double best;

  g_assert_no_error (error);
  write_weights (path, HOSTILE_HEADER_BYTES, "{", 1, HOSTILE_HEADER_BYTES);
  best = find_best (open_folder, path, FALSE);
  g_test_minimized_result (best, "a header of %u MB: %.0f µs", HOSTILE_HEADER_BYTES >> 20, best);
  g_remove (path);
  g_rmdir (folder);
  g_assert_cmpfloat (best, <, MAX_MICROSECONDS_OF_HOSTILE_HEADER);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/bench/a_config_is_opened_within_a_millisecond", test_config);
  g_test_add_func ("/bench/a_header_of_696_tensors_is_opened_within_ten_milliseconds", test_header);
  g_test_add_func ("/bench/a_hostile_header_is_refused_at_once", test_hostile_header);

  return g_test_run ();
}
