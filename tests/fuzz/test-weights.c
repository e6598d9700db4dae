/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Headers of weights and adapters with seeded damage: whatever they hold, there is a result or an error that names the
 * file, and nothing crashes, hangs or grows. `-m slow` makes many more rounds.
 */

#include <glib.h>
#include <string.h>

#include "corpus.h"
#include "hr-adapter.h"
#include "hr-gguf-config.h"
#include "hr-gguf.h"
#include "hr-safetensors.h"
#include "weight-files.h"

/* Sizes and counts where arithmetic overflows. */
static const guint64 odd_numbers[] = {
  0, 1, 7, 8, 31, 32, 255, 65535, 65536, G_MAXINT32, G_MAXUINT32, G_GUINT64_CONSTANT (1) << 40, G_MAXINT64, G_MAXUINT64,
  G_MAXUINT64 - 7, G_GUINT64_CONSTANT (1) << 63,
};

static guint
get_n_rounds (void)
{
  return g_test_slow () ? 1000000 : 5000;
}

static void
damage (GByteArray *bytes)
{
  guint n_changes = g_test_rand_int_range (1, 6);

  for (guint i = 0; i < n_changes && bytes->len > 16; i++)
    {
      guint place = g_test_rand_int_range (0, bytes->len);

      switch (g_test_rand_int_range (0, 7))
        {
        case 0:
          bytes->data[place] = g_test_rand_int_range (0, 256);
          break;

        case 1:
          bytes->data[place] ^= 1 << g_test_rand_int_range (0, 8);
          break;

        case 2:
          {
            guint64 number = GUINT64_TO_LE (odd_numbers[g_test_rand_int_range (0, G_N_ELEMENTS (odd_numbers))]);

            memcpy (bytes->data + MIN (place, bytes->len - 8), &number, 8);
          }
          break;

        case 3:
          {
            guint32 number = GUINT32_TO_LE (g_test_rand_int_range (0, 50));

            memcpy (bytes->data + MIN (place, bytes->len - 4), &number, 4);
          }
          break;

        case 4:
          g_byte_array_remove_range (bytes, place, g_test_rand_int_range (1, MIN (bytes->len - place, 24) + 1));
          break;

        case 5:
          g_byte_array_set_size (bytes, place);
          break;

        default:
          {
            g_autofree guint8 *copy = g_memdup2 (bytes->data + place, MIN (bytes->len - place, 40));

            g_byte_array_append (bytes, copy, MIN (bytes->len - place, 40));
          }
        }
    }
}

static void
check_error (const GError *error,
             const char   *name)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == HR_ERROR);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  if (strchr (error->message, '\n') != NULL)
    g_error ("%s", error->message);
  if (strstr (error->message, name) == NULL)
    g_error ("%s", error->message);
}

static void
check_checkpoint (HrCheckpoint *checkpoint)
{
  guint64 sum = 0;

  for (guint i = 0; i < checkpoint->tensors->len; i++)
    {
      const HrStoredTensor *tensor = g_ptr_array_index (checkpoint->tensors, i);

      g_assert_nonnull (tensor->type);
      g_assert_true (hr_checkpoint_find (checkpoint, tensor->name) == tensor);
      sum += tensor->n_bytes;
    }
  g_assert_cmpuint (sum, ==, checkpoint->n_bytes);
}

/* Damages the header more often than the data behind it. */
static GBytes *
make_damaged (GBytes *seed,
              gsize   header_bytes)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (seed, &length);
  g_autoptr (GByteArray) head = g_byte_array_new ();

  header_bytes = MIN (header_bytes, length);
  g_byte_array_append (head, data, header_bytes);
  damage (head);
  if (g_test_rand_int_range (0, 4) > 0)
    g_byte_array_append (head, data + header_bytes, length - header_bytes);

  return g_byte_array_free_to_bytes (g_steal_pointer (&head));
}

static void
test_a_damaged_safetensors_file_is_read_or_refused (void)
{
  static const char header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},\"model.embed_tokens.weight\":{\"dtype\":\"BF16\",\"shape\":[8,4],"
    "\"data_offsets\":[0,64]},\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[64,68]},\"b\":{\"dtype\":\"F4\","
    "\"shape\":[2,2],\"data_offsets\":[68,70]},\"c\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[70,70]}}";
  g_autoptr (GBytes) seed = safetensors_new (header, 70);
  guint n_rounds = get_n_rounds ();

  for (guint i = 0; i < n_rounds; i++)
    {
      g_autoptr (GBytes) bytes = make_damaged (seed, 8 + strlen (header));
      g_autoptr (HrFileReader) reader = hr_file_reader_new_for_bytes (bytes, "fuzz.safetensors");
      g_autoptr (HrCheckpoint) checkpoint = hr_checkpoint_new ();
      g_autoptr (GError) error = NULL;

      if (hr_safetensors_read (reader, checkpoint, &error))
        check_checkpoint (checkpoint);
      else
        check_error (error, "“fuzz.safetensors”");
    }
}

static void
test_a_damaged_gguf_file_is_read_or_refused (void)
{
  g_autoptr (GBytes) seed = gguf_new_llama ();
  guint n_rounds = get_n_rounds ();

  for (guint i = 0; i < n_rounds; i++)
    {
      g_autoptr (GBytes) bytes = make_damaged (seed, 2000);
      g_autoptr (HrFileReader) reader = hr_file_reader_new_for_bytes (bytes, "fuzz.gguf");
      g_autoptr (GError) error = NULL;
      g_autoptr (HrGguf) gguf = hr_gguf_new_from_reader (reader, &error);
      g_autoptr (HrGgufConfig) words = NULL;
      g_autoptr (HrJson) config = NULL;

      if (gguf == NULL)
        {
          check_error (error, "“fuzz.gguf”");
          continue;
        }
      check_checkpoint (hr_gguf_get_checkpoint (gguf));

      words = hr_gguf_config_new (gguf, &error);
      config = words != NULL ? hr_gguf_config_build (words, gguf, &error) : NULL;
      if (config == NULL)
        check_error (error, "“fuzz.gguf”");
    }
}

/* A file cut off at each of its first bytes is refused with an error. */
static void
test_a_file_that_ends_anywhere_is_refused (void)
{
  g_autoptr (GBytes) whole = gguf_new_llama ();

  for (gsize length = 0; length < 3000; length++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_from_bytes (whole, 0, length);
      g_autoptr (HrFileReader) reader = hr_file_reader_new_for_bytes (bytes, "fuzz.gguf");
      g_autoptr (GError) error = NULL;
      g_autoptr (HrGguf) gguf = hr_gguf_new_from_reader (reader, &error);

      g_assert_null (gguf);
      check_error (error, "“fuzz.gguf”");
    }
}

static void
check_adapter (HrModel    *model,
               const char *data,
               gsize       length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) json = hr_json_new_from_data (data, length, "fuzz.json", HR_JSON_TOLERANT, &error);
  g_autoptr (HrAdapter) adapter = json != NULL ? hr_adapter_new_from_json (json, &error) : NULL;
  guint64 n_parameters;
  guint n_modules;

  if (adapter == NULL || !hr_adapter_count_parameters (adapter, model, &n_parameters, &n_modules, &error))
    check_error (error, "“fuzz.json”");
}

static void
test_a_damaged_adapter_is_read_or_refused (void)
{
  static const char config[] =
    "{\"model_type\": \"llama\", \"vocab_size\": 100, \"hidden_size\": 64, \"intermediate_size\": 256, "
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 4}";
  g_autoptr (GPtrArray) seeds = load_corpus ("adapter");
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, NULL, NULL);
  guint n_rounds = get_n_rounds ();

  /* What was found once is not to come back. */
  for (guint i = 0; i < seeds->len; i++)
    check_adapter (model, g_ptr_array_index (seeds, i), strlen (g_ptr_array_index (seeds, i)));

  for (guint i = 0; i < n_rounds; i++)
    {
      const char *text = g_ptr_array_index (seeds, g_test_rand_int_range (0, seeds->len));
      g_autoptr (GBytes) seed = g_bytes_new_static (text, strlen (text));
      g_autoptr (GBytes) bytes = make_damaged (seed, strlen (text));
      gsize length;
      const char *data = g_bytes_get_data (bytes, &length);

      check_adapter (model, data, length);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/fuzz/a_damaged_safetensors_file_is_read_or_refused",
                   test_a_damaged_safetensors_file_is_read_or_refused);
  g_test_add_func ("/fuzz/a_damaged_gguf_file_is_read_or_refused", test_a_damaged_gguf_file_is_read_or_refused);
  g_test_add_func ("/fuzz/a_file_that_ends_anywhere_is_refused", test_a_file_that_ends_anywhere_is_refused);
  g_test_add_func ("/fuzz/a_damaged_adapter_is_read_or_refused", test_a_damaged_adapter_is_read_or_refused);

  return g_test_run ();
}
