/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Checkpoints that were quantized beforehand: what follows from their config alone, tensor by tensor, against the sizes
 * that were published. A row says how far off it may be, and why: nothing where the size is that of the tensors.
 */

#include "hr-model-private.h"

#include "oracle.h"

static guint64
get_stored_bytes (HrModel        *model,
                  const HrTensor *tensor,
                  guint           row,
                  guint           copy)
{
  const HrQuantizer *quantizer = _hr_model_get_quantizer (model);
  const HrMatrixFormat *format = quantizer != NULL ? hr_quantizer_get_format (quantizer, tensor, row, copy) : NULL;
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint64 n_matrices, out_features, in_features;
  guint64 bytes = 0;
  guint n_pieces;

  if (format == NULL)
    return hr_dtype_get_bytes (hr_model_get_dtype (model), tensor->n_elements);

  hr_tensor_get_matrix (tensor, &n_matrices, &out_features, &in_features);
  n_pieces = hr_matrix_format_list_pieces (format, hr_model_get_dtype (model), out_features, in_features, pieces);
  for (guint i = 0; i < n_pieces; i++)
    bytes += pieces[i].n_bytes * n_matrices;

  return bytes;
}

static void
test_a_checkpoint_is_as_large_as_published (gconstpointer data)
{
  JsonObject *row = (JsonObject *) data;
  g_autoptr (HrModel) model = oracle_load_model_of (row, json_object_get_string_member (row, "id"));
  gint64 published = json_object_get_int_member (row, "bytes");
  gint64 tolerance = json_object_get_int_member_with_default (row, "tolerance", 0);
  gint64 explained = json_object_get_int_member_with_default (row, "not-in-the-class", 0);
  gint64 found = explained;

  if (tolerance != 0 || explained != 0)
    g_assert_cmpstr (json_object_get_string_member (row, "reason"), !=, "");

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      for (guint copy = 0; tensor->tied_to == NULL && copy < hr_tensor_get_copies (tensor); copy++)
        found += get_stored_bytes (model, tensor, i, copy);
    }

  g_print ("# %-50s %16" G_GINT64_FORMAT " %16" G_GINT64_FORMAT " %+" G_GINT64_FORMAT "\n",
           json_object_get_string_member (row, "id"), published, found, found - published);
  g_assert_cmpint (ABS (found - published), <=, tolerance);
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (JsonNode) root = NULL;
  JsonArray *rows;

  g_test_init (&argc, &argv, NULL);

  root = oracle_load_file ("published-sizes.json");
  rows = json_object_get_array_member (json_node_get_object (root), "checkpoints");

  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);
      g_autofree char *id = g_strdelimit (g_strdup (json_object_get_string_member (row, "id")), "/", '_');
      g_autofree char *test = g_strconcat ("/oracle/a_checkpoint_is_as_large_as_published/", id, NULL);

      g_test_add_data_func (test, row, test_a_checkpoint_is_as_large_as_published);
    }

  return g_test_run ();
}
