/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Every model of parameters.json, built from its hyper-parameters, against what transformers' own classes hold: each
 * tensor's name and shape, the total with tied tensors counted once, its parts, and the growth of the cache.
 */

#include <glib.h>
#include <stdio.h>

#include "hr-json.h"
#include "hr-model.h"

typedef struct
{
  char *shape;
  char *tied_to;
} Tensor;

static Tensor *
tensor_new (const char *shape,
            const char *tied_to)
{
  Tensor *tensor = g_new (Tensor, 1);

  tensor->shape = g_strdup (shape);
  tensor->tied_to = g_strdup (tied_to);

  return tensor;
}

static void
tensor_free (Tensor *tensor)
{
  g_free (tensor->shape);
  g_free (tensor->tied_to);
  g_free (tensor);
}

static guint64
get_number (HrJson     *object,
            const char *key)
{
  g_autoptr (GError) error = NULL;
  HrJson *member = hr_json_require_member (object, key, &error);
  guint64 value = 0;

  g_assert_no_error (error);
  hr_json_read_uint (member, 0, G_MAXUINT64, &value, &error);
  g_assert_no_error (error);

  return value;
}

static const char *
get_text (HrJson *node)
{
  g_autoptr (GError) error = NULL;
  const char *text = NULL;

  hr_json_read_string (node, &text, &error);
  g_assert_no_error (error);

  return text;
}

/* A config's text again, as the file has no model of its own for the catalogue. */
static void
append_json (GString *text,
             HrJson  *node)
{
  g_autofree char *escaped = NULL;
  gboolean flag;
  double number;

  switch (hr_json_get_node_type (node))
    {
    case HR_JSON_NULL:
      g_string_append (text, "null");
      break;

    case HR_JSON_BOOLEAN:
      g_assert_true (hr_json_read_boolean (node, &flag, NULL));
      g_string_append (text, flag ? "true" : "false");
      break;

    case HR_JSON_INTEGER:
    case HR_JSON_REAL:
      g_assert_true (hr_json_read_double (node, &number, NULL));
      g_string_append_printf (text, "%.17g", number);
      break;

    case HR_JSON_STRING:
      escaped = g_strescape (get_text (node), NULL);
      g_string_append_printf (text, "\"%s\"", escaped);
      break;

    case HR_JSON_ARRAY:
    case HR_JSON_OBJECT:
      g_string_append_c (text, hr_json_get_node_type (node) == HR_JSON_ARRAY ? '[' : '{');
      for (guint i = 0; i < hr_json_get_length (node); i++)
        {
          HrJson *child = hr_json_get_element (node, i);

          if (i > 0)
            g_string_append_c (text, ',');
          if (hr_json_get_key (child) != NULL)
            g_string_append_printf (text, "\"%s\":", hr_json_get_key (child));
          append_json (text, child);
        }
      g_string_append_c (text, hr_json_get_node_type (node) == HR_JSON_ARRAY ? ']' : '}');
      break;

    default:
      g_assert_not_reached ();
    }
}

static HrModel *
load_model (HrJson *row)
{
  const char *id = get_text (hr_json_get_member (row, "id"));
  HrJson *config = hr_json_get_member (row, "config");
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  HrModel *model;

  if (config == NULL)
    model = hr_model_new_from_id (id, &error);
  else
    {
      append_json (text, config);
      model = hr_model_new_from_data (text->str, text->len, id, &error);
    }
  g_assert_no_error (error);
  g_assert_nonnull (model);

  return model;
}

static char *
put_number (const char *pattern,
            guint       number)
{
  g_auto (GStrv) parts = g_strsplit (pattern, "{}", 2);
  g_autofree char *text = g_strdup_printf ("%u", number);

  return g_strjoinv (text, parts);
}

/* @experts is "0-63", or nothing. */
static void
add_named (GHashTable *tensors,
           const char *pattern,
           guint       layer,
           const char *experts,
           const char *shape,
           const char *tied_to)
{
  g_autofree char *name = put_number (pattern, layer);
  unsigned first = 0;
  unsigned last = 0;

  if (experts == NULL)
    {
      g_assert_true (g_hash_table_insert (tensors, g_steal_pointer (&name), tensor_new (shape, tied_to)));
      return;
    }

  g_assert_cmpint (sscanf (experts, "%u-%u", &first, &last), ==, 2);
  for (guint expert = first; expert <= last; expert++)
    g_assert_true (g_hash_table_insert (tensors, put_number (name, expert), tensor_new (shape, NULL)));
}

/*
 * A row of the file: name, shape, the layers as "0-3,5,7-11/2" (or nothing), what it is tied to (or nothing), the
 * experts of each layer.
 */
static void
add_row (GHashTable *tensors,
         HrJson     *row)
{
  const char *pattern = get_text (hr_json_get_element (row, 0));
  HrJson *sizes = hr_json_get_element (row, 1);
  const char *layers = hr_json_get_length (row) > 2 ? get_text (hr_json_get_element (row, 2)) : "";
  const char *experts = hr_json_get_length (row) > 4 ? get_text (hr_json_get_element (row, 4)) : NULL;
  const char *tied_to = hr_json_get_length (row) == 4 ? get_text (hr_json_get_element (row, 3)) : NULL;
  g_autoptr (GString) shape = g_string_new (NULL);
  g_auto (GStrv) ranges = g_strsplit (layers, ",", -1);

  for (guint i = 0; i < hr_json_get_length (sizes); i++)
    {
      guint64 size = 0;

      g_assert_true (hr_json_read_uint (hr_json_get_element (sizes, i), 1, G_MAXUINT64, &size, NULL));
      g_string_append_printf (shape, "%s%" G_GUINT64_FORMAT, i > 0 ? "," : "", size);
    }

  if (layers[0] == '\0')
    {
      add_named (tensors, pattern, 0, NULL, shape->str, tied_to);
      return;
    }

  for (guint i = 0; ranges[i] != NULL; i++)
    {
      unsigned first = 0;
      unsigned last = 0;
      unsigned step = 1;
      int n_read = sscanf (ranges[i], "%u-%u/%u", &first, &last, &step);

      for (guint layer = first; layer <= (n_read > 1 ? last : first); layer += step)
        add_named (tensors, pattern, layer, experts, shape->str, tied_to);
    }
}

static GHashTable *
list_tensors (HrModel *model)
{
  GHashTable *tensors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) tensor_free);

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      g_autoptr (GString) shape = g_string_new (NULL);

      for (guint j = 0; j < tensor->n_dimensions; j++)
        g_string_append_printf (shape, "%s%" G_GUINT64_FORMAT, j > 0 ? "," : "", tensor->shape[j]);
      for (guint j = 0; j < hr_tensor_get_copies (tensor); j++)
        g_assert_true (g_hash_table_insert (tensors, hr_tensor_get_name (tensor, j),
                                            tensor_new (shape->str, tensor->tied_to)));
    }

  return tensors;
}

static void
test_every_tensor_is_the_implementations (gconstpointer data)
{
  HrJson *row = (HrJson *) data;
  HrJson *rows = hr_json_get_member (row, "tensors");
  g_autoptr (HrModel) model = load_model (row);
  g_autoptr (GHashTable) found = list_tensors (model);
  g_autoptr (GHashTable) expected = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                                           (GDestroyNotify) tensor_free);
  GHashTableIter iter;
  gpointer name, value;

  for (guint i = 0; i < hr_json_get_length (rows); i++)
    add_row (expected, hr_json_get_element (rows, i));

  g_hash_table_iter_init (&iter, expected);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      const Tensor *wanted = value;
      const Tensor *tensor = g_hash_table_lookup (found, name);

      if (tensor == NULL)
        g_error ("%s is missing", (const char *) name);
      g_test_message ("%s", (const char *) name);
      g_assert_cmpstr (tensor->shape, ==, wanted->shape);
      g_assert_cmpstr (tensor->tied_to, ==, wanted->tied_to);
    }
  g_assert_cmpuint (g_hash_table_size (found), ==, g_hash_table_size (expected));
}

static void
test_every_count_is_exact (gconstpointer data)
{
  HrJson *row = (HrJson *) data;
  HrJson *parts = hr_json_get_member (row, "parts");
  g_autoptr (HrModel) model = load_model (row);
  guint64 sum = 0;

  g_assert_cmpuint (hr_model_get_n_parameters (model), ==, get_number (row, "parameters"));
  g_assert_cmpuint (hr_model_get_n_active_parameters (model), ==,
                    get_number (row, hr_json_get_member (row, "active") != NULL ? "active" : "parameters"));
  /* There is no cache of the class to measure where the layers differ in their heads. */
  if (hr_json_get_member (row, "cache-elements-per-token") != NULL)
    g_assert_cmpuint (hr_model_get_cache_elements_per_token (model), ==, get_number (row, "cache-elements-per-token"));
  if (hr_json_get_member (row, "state-elements-per-sequence") != NULL)
    g_assert_cmpuint (hr_model_get_state_elements_per_sequence (model), ==,
                      get_number (row, "state-elements-per-sequence"));

  if (hr_json_get_member (row, "latent-cache-elements-per-token") != NULL)
    g_assert_cmpuint (hr_model_get_latent_cache_elements_per_token (model), ==,
                      get_number (row, "latent-cache-elements-per-token"));

  for (HrPart part = 0; part < HR_N_PARTS; part++)
    {
      guint64 expected = 0;

      g_assert_true (hr_json_get_uint (parts, hr_part_get_id (part), 0, G_MAXUINT64, &expected, NULL));
      g_assert_cmpuint (hr_model_get_n_parameters_of_part (model, part), ==, expected);
      sum += expected;
    }
  g_assert_cmpuint (sum, ==, get_number (row, "parameters"));
}

static gboolean
is_matrix (const HrTensor *tensor)
{
  return tensor->role == HR_TENSOR_ROLE_LINEAR || tensor->role == HR_TENSOR_ROLE_ROUTER ||
         tensor->role == HR_TENSOR_ROLE_EXPERT;
}

/* The code that computes with a matrix asks for it by the block that runs and the module of that block. */
static void
test_a_module_of_a_block_has_one_matrix (gconstpointer data)
{
  g_autoptr (HrModel) model = load_model ((HrJson *) data);

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      g_test_message ("%s", tensor->pattern);
      g_assert_nonnull (tensor->block);
      g_assert_true (g_str_has_prefix (tensor->pattern, tensor->block));
      for (guint j = 0; is_matrix (tensor) && j < i; j++)
        {
          const HrTensor *other = hr_model_get_tensor (model, j);

          g_assert_false (is_matrix (other) && other->block == tensor->block && other->module == tensor->module);
        }
    }
}

int
main (int   argc,
      char *argv[])
{
  g_autofree char *path = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (HrJson) root = NULL;
  g_autoptr (GError) error = NULL;
  HrJson *models;

  g_test_init (&argc, &argv, NULL);

  path = g_test_build_filename (G_TEST_DIST, "oracle", "parameters.json", NULL);
  file = g_file_new_for_path (path);
  root = hr_json_new_from_file (file, HR_JSON_STRICT, &error);
  g_assert_no_error (error);
  models = hr_json_get_member (root, "models");
  g_assert_cmpuint (hr_json_get_length (models), >=, 121);

  for (guint i = 0; i < hr_json_get_length (models); i++)
    {
      HrJson *row = hr_json_get_element (models, i);
      g_autofree char *id = g_strdelimit (g_strdup (get_text (hr_json_get_member (row, "id"))), "/", '_');
      g_autofree char *tensors = g_strconcat ("/oracle/every_tensor_is_the_implementations/", id, NULL);
      g_autofree char *counts = g_strconcat ("/oracle/every_count_is_exact/", id, NULL);
      g_autofree char *modules = g_strconcat ("/oracle/a_module_of_a_block_has_one_matrix/", id, NULL);

      g_assert_nonnull (hr_json_get_member (row, "provenance"));
      g_test_add_data_func (tensors, row, test_every_tensor_is_the_implementations);
      g_test_add_data_func (counts, row, test_every_count_is_exact);
      g_test_add_data_func (modules, row, test_a_module_of_a_block_has_one_matrix);
    }

  return g_test_run ();
}
