/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-stored-weights.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-stored-names.h"
#include "hr-stored-weights-private.h"

/* torch's allocator rounds each tensor up to this. */
#define ALLOCATION_BYTES 512

/*
 * What stands behind the name of a module whose matrix is quantised, in place of its weight or beside it. Sources: the
 * quantizers of transformers 5.12 and the libraries they call: gptqmodel and autoawq (qweight …), bitsandbytes
 * (absmax …, SCB), fine-grained FP8 (weight_scale_inv), compressed-tensors (weight_packed …), modelopt
 * (weight_scale_2), EETQ (weight_scales), AQLM (codes), HQQ (W_q …), and ExLlamaV3 (trellis …).
 */
static const char * const piece_suffixes[] = {
  ".qweight", ".qzeros", ".scales", ".g_idx", ".SCB", ".weight_format", ".weight_scale", ".weight_scale_inv",
  ".weight_scale_2", ".weight_packed", ".weight_shape", ".weight_zero_point", ".weight_g_idx", ".weight_global_scale",
  ".input_scale", ".input_global_scale", ".weight.absmax", ".weight.quant_map", ".weight.nested_absmax",
  ".weight.nested_quant_map", ".weight_scales", ".activation_scale", ".output_scale", ".codes", ".codebooks", ".W_q",
  ".scale", ".zero", ".meta", ".trellis", ".suh", ".svh", ".su", ".sv", ".mcg", ".mul1",
};

/* The same of experts that are fused in one tensor, whose name ends with that of the projection. */
static const char * const fused_suffixes[] = { "_blocks", "_scales" };

/* How bitsandbytes keeps its settings: in a tensor of the file that stays on the host. */
#define STATE_INFIX ".weight.quant_state."

struct _HrStoredWeights
{
  GPtrArray *rows;          /* of HrStoredWeight *, one for each copy */
};

static guint64
round_up (guint64 n_bytes)
{
  guint64 n_blocks = n_bytes / ALLOCATION_BYTES + (n_bytes % ALLOCATION_BYTES != 0);

  return n_blocks * ALLOCATION_BYTES;
}

static const char *
get_type_name (const HrStoredTensor *tensor)
{
  switch (tensor->dtype)
    {
    case HR_DTYPE_FLOAT64:
    case HR_DTYPE_FLOAT32:
    case HR_DTYPE_FLOAT16:
    case HR_DTYPE_BFLOAT16:
      return hr_dtype_get_name (tensor->dtype);

    /* There are several of eight bits: the file's name says which. */
    case HR_DTYPE_FLOAT8:
    case HR_DTYPE_INT8:
    case HR_DTYPE_INT4:
    case HR_DTYPE_AUTO:
    default:
      return tensor->type;
    }
}

/* The module of a quantised matrix's piece; %NULL if it is none. */
static char *
dup_module (const char *name)
{
  const char *state = strstr (name, STATE_INFIX);

  if (state != NULL)
    return g_strndup (name, state - name);

  for (guint i = 0; i < G_N_ELEMENTS (piece_suffixes); i++)
    {
      if (g_str_has_suffix (name, piece_suffixes[i]))
        return g_strndup (name, strlen (name) - strlen (piece_suffixes[i]));
    }
  for (guint i = 0; i < G_N_ELEMENTS (fused_suffixes); i++)
    {
      if (g_str_has_suffix (name, fused_suffixes[i]))
        return g_strndup (name, strlen (name) - strlen (fused_suffixes[i]));
    }

  return NULL;
}

static void
collect_pieces (HrStoredMatcher *self)
{
  for (guint i = 0; i < self->checkpoint->tensors->len; i++)
    {
      const HrStoredTensor *tensor = g_ptr_array_index (self->checkpoint->tensors, i);
      g_autofree char *module = dup_module (tensor->name);
      GPtrArray *pieces;

      if (module == NULL)
        continue;
      pieces = g_hash_table_lookup (self->pieces, module);
      if (pieces == NULL)
        {
          pieces = g_ptr_array_new ();
          g_hash_table_insert (self->pieces, g_steal_pointer (&module), pieces);
        }
      g_ptr_array_add (pieces, (gpointer) tensor);
    }
}

/* What a checkpoint calls a tensor, or one of the model without its head does. */
static GPtrArray *
list_stored_names (const HrTensor *tensor,
                   guint           copy)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  char *name;
  const char *dot;

  name = hr_tensor_get_name (tensor, copy);
  g_ptr_array_add (names, name);
  dot = strchr (name, '.');
  if (dot != NULL)
    g_ptr_array_add (names, g_strdup (dot + 1));

  return g_steal_pointer (&names);
}

static void
add_piece (HrStoredMatcher      *self,
           HrStoredWeight       *weight,
           const HrStoredTensor *piece)
{
  if (!g_hash_table_add (self->claimed, (gpointer) piece))
    return;

  weight->n_bytes += piece->n_bytes;
  if (strstr (piece->name, STATE_INFIX) == NULL)
    weight->allocated_bytes += round_up (piece->n_bytes);
}

/* The pieces of a quantised matrix; the largest is what its elements are stored in. */
static void
add_pieces (HrStoredMatcher *self,
            HrStoredWeight  *weight,
            const char      *name)
{
  g_autofree char *module = NULL;
  GPtrArray *pieces;
  const HrStoredTensor *largest = NULL;

  module = g_str_has_suffix (name, ".weight") ? g_strndup (name, strlen (name) - strlen (".weight"))
                                              : g_strdup (name);
  pieces = g_hash_table_lookup (self->pieces, module);
  for (guint i = 0; pieces != NULL && i < pieces->len; i++)
    {
      const HrStoredTensor *piece = g_ptr_array_index (pieces, i);

      add_piece (self, weight, piece);
      if (largest == NULL || piece->n_bytes > largest->n_bytes)
        largest = piece;
    }
  if (weight->type == NULL && largest != NULL)
    weight->type = get_type_name (largest);
}

/* GGUF stores the matrices of Conv1D the other way round, and knows no dimensions of 1. */
static gboolean
has_shape (HrStoredMatcher      *self,
           const HrStoredTensor *stored,
           const HrTensor       *tensor)
{
  if (self->words != NULL && stored->n_dimensions == 2 && tensor->n_dimensions == 2 &&
      stored->shape[0] == tensor->shape[1] && stored->shape[1] == tensor->shape[0])
    return TRUE;

  if (stored->n_dimensions != tensor->n_dimensions)
    return self->words != NULL && stored->n_elements == tensor->n_elements;

  return memcmp (stored->shape, tensor->shape, tensor->n_dimensions * sizeof (guint64)) == 0;
}

static void
check_shape (HrStoredMatcher      *self,
             const HrStoredTensor *stored,
             const HrTensor       *tensor)
{
  g_autofree char *found = NULL;
  g_autofree char *expected = NULL;
  HrStoredTensor wanted = { .n_dimensions = tensor->n_dimensions };

  if (has_shape (self, stored, tensor))
    return;

  memcpy (wanted.shape, tensor->shape, tensor->n_dimensions * sizeof (guint64));
  found = hr_stored_tensor_dup_shape (stored);
  expected = hr_stored_tensor_dup_shape (&wanted);
  /* Translators: the name of a tensor, the shape that it has, the shape that it should have. */
  g_ptr_array_add (self->different, g_strdup_printf (_("%s %s instead of %s"), stored->name, found, expected));
}

static gboolean
match_name (HrStoredMatcher *self,
            const HrTensor  *tensor,
            const char      *name,
            HrStoredWeight  *weight)
{
  const HrStoredTensor *stored = hr_checkpoint_find (self->checkpoint, name);

  if (stored != NULL)
    {
      weight->type = get_type_name (stored);
      add_piece (self, weight, stored);
    }
  add_pieces (self, weight, name);

  /* The matrix of a quantised module may be packed. */
  if (stored != NULL && stored->is_float && weight->n_bytes == stored->n_bytes)
    check_shape (self, stored, tensor);

  return weight->type != NULL;
}

/* Whether a tensor is stored in fewer bits than a dtype has. */
static gboolean
is_packed (const HrStoredWeight *weight)
{
  HrDtype dtype;

  return !hr_dtype_from_name (weight->type, &dtype) || hr_dtype_get_bits (dtype) < 16;
}

/* A piece in another shape; one bit pattern may be stored as several types of elements. */
static void
check_piece (HrStoredMatcher      *self,
             const HrMatrixPiece  *piece,
             const HrStoredTensor *stored)
{
  HrStoredTensor wanted = { .n_dimensions = piece->n_dimensions };
  g_autofree char *found = NULL;
  g_autofree char *expected = NULL;
  guint64 n_elements = 1;

  for (guint i = 0; i < piece->n_dimensions; i++)
    n_elements *= wanted.shape[i] = piece->shape[i];
  if (stored->n_bytes == piece->n_bytes || stored->n_elements == n_elements)
    return;

  found = hr_stored_tensor_dup_shape (stored);
  expected = hr_stored_tensor_dup_shape (&wanted);
  g_ptr_array_add (self->different, g_strdup_printf (_("%s %s instead of %s"), stored->name, found, expected));
}

static void
check_pieces (HrStoredMatcher      *self,
              const HrTensor       *tensor,
              const HrMatrixFormat *format,
              const char           *name)
{
  g_autofree char *module = g_str_has_suffix (name, ".weight") ? g_strndup (name, strlen (name) - strlen (".weight"))
                                                                : g_strdup (name);
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint64 n_matrices, out_features, in_features;
  guint n_pieces;

  /* The average does not say which matrix has more bits than others: releases, and people, spend it as they like. */
  if (format->packing == HR_PACKING_EXL3)
    return;

  hr_tensor_get_matrix (tensor, &n_matrices, &out_features, &in_features);
  n_pieces = hr_matrix_format_list_pieces (format, HR_DTYPE_BFLOAT16, out_features, in_features, pieces);
  for (guint i = 0; n_matrices == 1 && i < n_pieces; i++)
    {
      g_autofree char *stored_name = g_strconcat (module, pieces[i].suffix, NULL);
      const HrStoredTensor *stored = hr_checkpoint_find (self->checkpoint, stored_name);

      if (stored != NULL)
        check_piece (self, &pieces[i], stored);
    }
}

/* Whether a tensor is stored as the config says that it was quantised. */
static void
check_quantization (HrStoredMatcher      *self,
                    const HrTensor       *tensor,
                    guint                 row,
                    guint                 copy,
                    const char           *name,
                    const HrStoredWeight *weight)
{
  const HrMatrixFormat *format;

  if (self->quantizer == NULL || self->checkpoint->has_names_only || tensor->n_dimensions < 2 ||
      tensor->tied_to != NULL)
    return;

  format = hr_quantizer_get_format (self->quantizer, tensor, row, copy);
  if (format == NULL && is_packed (weight))
    g_ptr_array_add (self->packed, g_strdup (name));
  else if (format != NULL && !is_packed (weight))
    g_ptr_array_add (self->plain, g_strdup (name));
  else if (format != NULL)
    check_pieces (self, tensor, format, name);
}

/* Stored tensors by their names without the modules that hold the model; %NULL where two have the same. */
static void
collect_canonical (HrStoredMatcher *self)
{
  self->canonical = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < self->checkpoint->tensors->len; i++)
    {
      HrStoredTensor *tensor = g_ptr_array_index (self->checkpoint->tensors, i);
      const char *name = hr_stored_name_get_canonical (tensor->name);

      g_hash_table_insert (self->canonical, (gpointer) name,
                           g_hash_table_contains (self->canonical, name) ? NULL : tensor);
    }
}

/* What a checkpoint that puts the modules of a model below others calls a tensor; %NULL if it has none. */
static char *
dup_moved_name (HrStoredMatcher *self,
                const char      *name)
{
  static const char * const suffixes[] = { "", ".weight_packed", ".qweight" };
  const char *canonical = hr_stored_name_get_canonical (name);
  gsize module_length;

  if (self->canonical == NULL)
    collect_canonical (self);

  module_length = strlen (canonical) - (g_str_has_suffix (canonical, ".weight") ? strlen (".weight") : 0);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *wanted = i == 0 ? g_strdup (canonical)
                                       : g_strdup_printf ("%.*s%s", (int) module_length, canonical, suffixes[i]);
      const HrStoredTensor *stored = g_hash_table_lookup (self->canonical, wanted);

      if (stored != NULL)
        return g_strdup_printf ("%.*s%s", (int) (strlen (stored->name) - strlen (wanted)), stored->name, canonical);
    }

  return NULL;
}

static gboolean
match_as (HrStoredMatcher *self,
          const HrTensor  *tensor,
          guint            row,
          guint            copy,
          const char      *name,
          HrStoredWeight  *weight)
{
  if (!match_name (self, tensor, name, weight))
    return FALSE;

  if (tensor->tied_to != NULL)
    g_ptr_array_add (self->repeated, g_strdup (name));
  check_quantization (self, tensor, row, copy, name, weight);

  return TRUE;
}

/* Files have what newer versions of the converter divide in one tensor, if they are older. */
static GPtrArray *
list_names_in_gguf (HrStoredMatcher *self,
                    const char      *pattern,
                    const guint     *layer)
{
  g_autoptr (GPtrArray) names = hr_gguf_config_list_stored_names (self->words, pattern, layer);
  g_autofree char *whole = names->len > 1 ? hr_gguf_config_dup_module_name (self->words, pattern, layer) : NULL;

  if (whole != NULL && hr_checkpoint_find (self->checkpoint, whole) != NULL)
    {
      g_ptr_array_set_size (names, 0);
      g_ptr_array_add (names, g_steal_pointer (&whole));
    }

  return g_steal_pointer (&names);
}

/*
 * A file of llama.cpp has the experts of a layer in one tensor, and what a class has in one perhaps in several.
 */
static void
match_in_gguf (HrStoredMatcher *self,
               const HrTensor  *tensor,
               guint            copy,
               HrStoredWeight  *weight)
{
  guint n_items = hr_tensor_get_copies_of_layer (tensor);
  guint layer = copy / n_items;
  g_autoptr (GPtrArray) names = NULL;
  guint64 n_elements = 0;
  guint n_found = 0;

  names = list_names_in_gguf (self, tensor->pattern, tensor->n_layers > 0 ? &tensor->layers[layer] : NULL);
  for (guint i = 0; i < names->len; i++)
    {
      const HrStoredTensor *stored = hr_checkpoint_find (self->checkpoint, g_ptr_array_index (names, i));

      if (stored == NULL)
        continue;
      n_found++;
      n_elements += stored->n_elements;
      weight->type = get_type_name (stored);
      weight->n_bytes += stored->n_bytes / n_items;
      weight->allocated_bytes += round_up (stored->n_bytes / n_items);
      g_hash_table_add (self->claimed, (gpointer) stored);
      if (names->len == 1 && n_items == 1)
        check_shape (self, stored, tensor);
      else if (i == names->len - 1 && n_found == names->len && n_elements != n_items * tensor->n_elements &&
               copy % n_items == 0)
        check_shape (self, stored, tensor);
    }

  if (n_found == names->len && n_found > 0 && tensor->tied_to != NULL)
    g_ptr_array_add (self->repeated, g_strdup (g_ptr_array_index (names, 0)));
  if (n_found < MAX (names->len, 1) && tensor->tied_to == NULL && copy % n_items == 0)
    g_ptr_array_add (self->missing, hr_tensor_get_name (tensor, copy));
}

/*
 * Projections of an expert, and the tensor that versions of transformers since 5 keep those of all experts of a layer
 * in. Checkpoints have the one or the other, whichever the class has that is built. Source: transformers 5.12,
 * conversion_mapping.py.
 */
static const struct
{
  const char *fused;
  const char *first;
  const char *second;       /* NULL if the tensor is of one projection */
} expert_projections[] = {
  { "gate_up_proj", "gate_proj", "up_proj" },
  { "gate_up_proj", "w1", "w3" },
  { "down_proj", "down_proj", NULL },
  { "down_proj", "w2", NULL },
};

#define EXPERTS ".experts."

/* The stored tensor of a name, wherever the checkpoint has the module. */
static const HrStoredTensor *
find_stored (HrStoredMatcher *self,
             const char      *name)
{
  const HrStoredTensor *stored = hr_checkpoint_find (self->checkpoint, name);
  g_autofree char *moved = stored == NULL ? dup_moved_name (self, name) : NULL;

  return moved != NULL ? hr_checkpoint_find (self->checkpoint, moved) : stored;
}

/* One expert's matrix, where the checkpoint has those of all experts of the layer in one tensor. */
static gboolean
match_fused_expert (HrStoredMatcher *self,
                    const HrTensor  *tensor,
                    guint            copy,
                    const char      *name,
                    HrStoredWeight  *weight)
{
  guint n_experts = hr_tensor_get_copies_of_layer (tensor);
  const char *place = g_strrstr (name, EXPERTS);
  const char *leaf = place != NULL ? strchr (place + strlen (EXPERTS), '.') : NULL;

  for (guint i = 0; leaf != NULL && n_experts > 1 && i < G_N_ELEMENTS (expert_projections); i++)
    {
      gboolean is_first = hr_stored_name_is_projection (leaf + 1, expert_projections[i].first);
      gboolean is_second = expert_projections[i].second != NULL &&
                           hr_stored_name_is_projection (leaf + 1, expert_projections[i].second);
      guint n_projections = expert_projections[i].second != NULL ? 2 : 1;
      g_autofree char *fused = NULL;
      const HrStoredTensor *stored;

      if (!is_first && !is_second)
        continue;
      fused = g_strdup_printf ("%.*s" EXPERTS "%s", (int) (place - name), name, expert_projections[i].fused);
      stored = find_stored (self, fused);
      if (stored == NULL)
        continue;

      weight->type = get_type_name (stored);
      weight->n_bytes = stored->n_bytes / n_experts / n_projections;
      weight->allocated_bytes = round_up (weight->n_bytes);
      g_hash_table_add (self->claimed, (gpointer) stored);
      if (copy % n_experts == 0 && !is_second && stored->n_elements != n_experts * n_projections * tensor->n_elements)
        check_shape (self, stored, tensor);
      return TRUE;
    }

  return FALSE;
}

/* A matrix of one expert, whole or in pieces. */
static gboolean
add_expert (HrStoredMatcher *self,
            HrStoredWeight  *weight,
            const char      *name)
{
  const HrStoredTensor *stored = find_stored (self, name);
  g_autofree char *moved = stored == NULL ? dup_moved_name (self, name) : NULL;
  HrStoredWeight one = { NULL };

  if (stored != NULL)
    {
      one.type = get_type_name (stored);
      add_piece (self, &one, stored);
    }
  add_pieces (self, &one, stored != NULL ? stored->name : moved != NULL ? moved : name);
  if (one.type == NULL)
    return FALSE;

  weight->type = one.type;
  weight->n_bytes += one.n_bytes;
  weight->allocated_bytes += one.allocated_bytes;

  return TRUE;
}

/* The experts of a layer in one tensor of the class, where the checkpoint has a tensor for each projection of each. */
static gboolean
match_expert_list (HrStoredMatcher *self,
                   const HrTensor  *tensor,
                   const char      *name,
                   HrStoredWeight  *weight)
{
  const char *place = g_strrstr (name, EXPERTS);
  const char *leaf = place != NULL ? place + strlen (EXPERTS) : NULL;

  for (guint i = 0; leaf != NULL && tensor->n_dimensions == 3 && i < G_N_ELEMENTS (expert_projections); i++)
    {
      const char * const projections[] = { expert_projections[i].first, expert_projections[i].second };
      HrStoredWeight found = { NULL };
      gboolean is_whole = hr_stored_name_is_projection (leaf, expert_projections[i].fused);

      for (guint64 expert = 0; is_whole && expert < tensor->shape[0]; expert++)
        {
          for (guint j = 0; j < G_N_ELEMENTS (projections) && projections[j] != NULL && is_whole; j++)
            {
              g_autofree char *one = g_strdup_printf ("%.*s" EXPERTS "%" G_GUINT64_FORMAT ".%s.weight",
                                                      (int) (place - name), name, expert, projections[j]);

              is_whole = add_expert (self, &found, one);
            }
        }
      if (!is_whole || found.type == NULL)
        continue;

      *weight = found;
      return TRUE;
    }

  return FALSE;
}

static void
match_copy (HrStoredMatcher *self,
            const HrTensor  *tensor,
            guint            row,
            guint            copy,
            HrStoredWeight  *weight)
{
  g_autoptr (GPtrArray) names = NULL;
  g_autofree char *name = NULL;
  g_autofree char *moved = NULL;

  if (self->words != NULL)
    {
      match_in_gguf (self, tensor, copy, weight);
      return;
    }
  names = list_stored_names (tensor, copy);

  for (guint i = 0; i < names->len; i++)
    {
      if (match_as (self, tensor, row, copy, g_ptr_array_index (names, i), weight))
        return;
    }
  name = hr_tensor_get_name (tensor, copy);
  moved = dup_moved_name (self, name);
  if (moved != NULL && match_as (self, tensor, row, copy, moved, weight))
    return;
  if (match_fused_expert (self, tensor, copy, name, weight) || match_expert_list (self, tensor, name, weight))
    return;

  if (tensor->tied_to == NULL)
    g_ptr_array_add (self->missing, g_steal_pointer (&name));
}

/* Of two tied tensors only the second may be stored. */
static void
find_missing_among_tied (HrStoredMatcher *self)
{
  for (guint i = 0; i < self->repeated->len; i++)
    {
      for (guint row = 0; row < self->tensors->len; row++)
        {
          const HrTensor *tensor = g_ptr_array_index (self->tensors, row);
          guint index;

          if (tensor->tied_to == NULL ||
              !g_ptr_array_find_with_equal_func (self->missing, tensor->tied_to, g_str_equal, &index))
            continue;
          g_ptr_array_remove_index (self->missing, index);
          g_ptr_array_remove_index (self->repeated, i--);
          break;
        }
    }
}

/*
 * hr_stored_weights_new:
 * @tensors: (element-type HrTensor): the tensors of a model
 * @checkpoint: what is stored
 * @words: (nullable): how to name the tensors in a GGUF file; %NULL for safetensors, which have the model's names
 * @quantizer: (nullable): what the config says was done to the tensors
 * @class_name: (nullable): what to call the model in warnings; %NULL if @tensors are those of @checkpoint themselves
 * @warnings: (element-type utf8): where differences are added
 *
 * Finds each tensor of a model among the stored ones.
 *
 * Returns: (transfer full): what was found
 */
HrStoredWeights *
hr_stored_weights_new (GPtrArray         *tensors,
                       HrCheckpoint      *checkpoint,
                       HrGgufConfig      *words,
                       const HrQuantizer *quantizer,
                       const char        *class_name,
                       GPtrArray         *warnings)
{
  g_autoptr (HrStoredWeights) self = g_new0 (HrStoredWeights, 1);
  g_autoptr (GHashTable) pieces = NULL;
  g_autoptr (GHashTable) claimed = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) missing = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) different = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) repeated = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) packed = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) plain = g_ptr_array_new_with_free_func (g_free);
  HrStoredMatcher matcher;

  pieces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  self->rows = g_ptr_array_new_with_free_func (g_free);
  matcher = (HrStoredMatcher) {
    .weights = self, .tensors = tensors, .checkpoint = checkpoint, .words = words, .quantizer = quantizer,
    .pieces = pieces, .claimed = claimed, .missing = missing, .different = different, .repeated = repeated,
    .packed = packed, .plain = plain,
  };

  if (words == NULL && class_name != NULL)
    collect_pieces (&matcher);

  for (guint i = 0; i < tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (tensors, i);
      HrStoredWeight *row = g_new0 (HrStoredWeight, hr_tensor_get_copies (tensor));

      g_ptr_array_add (self->rows, row);
      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        match_copy (&matcher, tensor, i, copy, &row[copy]);
    }

  find_missing_among_tied (&matcher);
  g_clear_pointer (&matcher.canonical, g_hash_table_unref);
  if (class_name != NULL)
    hr_stored_weights_report (&matcher, class_name, warnings);

  return g_steal_pointer (&self);
}

void
hr_stored_weights_free (HrStoredWeights *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_free (self);
}

/* How one tensor of a row is stored; its type is %NULL if it is not. */
const HrStoredWeight *
hr_stored_weights_get (HrStoredWeights *self,
                       guint            row,
                       guint            copy)
{
  const HrStoredWeight *weights;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (row < self->rows->len, NULL);

  weights = g_ptr_array_index (self->rows, row);

  return &weights[copy];
}
