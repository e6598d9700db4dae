/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-stored-weights.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* torch's allocator rounds each tensor up to this. */
#define ALLOCATION_BYTES 512

/* How many names a warning lists. */
#define MAX_SHOWN 3

/*
 * What stands behind the name of a module whose matrix is quantised, in place of its weight or beside it. Sources: the
 * quantizers of transformers 5.12 and the libraries they call: gptqmodel and autoawq (qweight …), bitsandbytes
 * (absmax …, SCB), fine-grained FP8 (weight_scale_inv), compressed-tensors (weight_packed …), modelopt
 * (weight_scale_2).
 */
static const char * const piece_suffixes[] = {
  ".qweight", ".qzeros", ".scales", ".g_idx", ".SCB", ".weight_format", ".weight_scale", ".weight_scale_inv",
  ".weight_scale_2", ".weight_packed", ".weight_shape", ".weight_zero_point", ".weight_g_idx", ".weight_global_scale",
  ".input_scale", ".input_global_scale", ".weight.absmax", ".weight.quant_map", ".weight.nested_absmax",
  ".weight.nested_quant_map",
};

/* How bitsandbytes keeps its settings: in a tensor of the file that stays on the host. */
#define STATE_INFIX ".weight.quant_state."

struct _HrStoredWeights
{
  GPtrArray *rows;          /* of HrStoredWeight *, one for each copy */
};

typedef struct
{
  HrStoredWeights *weights;
  GPtrArray *tensors;
  HrCheckpoint *checkpoint;
  HrGgufConfig *words;
  GHashTable *pieces;       /* module, GPtrArray of const HrStoredTensor */
  GHashTable *claimed;      /* of const HrStoredTensor */
  GPtrArray *missing;       /* of char * */
  GPtrArray *different;     /* of char * */
  GPtrArray *repeated;      /* of char * */
} HrMatcher;

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

  return NULL;
}

static void
collect_pieces (HrMatcher *self)
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

/* What a file of another format calls a tensor, or what a checkpoint of the model without its head does. */
static GPtrArray *
list_stored_names (HrMatcher      *self,
                   const HrTensor *tensor,
                   guint           copy)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  char *name;
  const char *dot;

  if (self->words != NULL)
    {
      guint layer = copy / hr_tensor_get_copies_of_layer (tensor);

      name = hr_gguf_config_dup_stored_name (self->words, tensor->pattern,
                                             tensor->n_layers > 0 ? &tensor->layers[layer] : NULL);
      if (name != NULL)
        g_ptr_array_add (names, name);
      return g_steal_pointer (&names);
    }

  name = hr_tensor_get_name (tensor, copy);
  g_ptr_array_add (names, name);
  dot = strchr (name, '.');
  if (dot != NULL)
    g_ptr_array_add (names, g_strdup (dot + 1));

  return g_steal_pointer (&names);
}

static void
add_piece (HrMatcher            *self,
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
add_pieces (HrMatcher      *self,
            HrStoredWeight *weight,
            const char     *name)
{
  g_autofree char *module = NULL;
  GPtrArray *pieces;
  const HrStoredTensor *largest = NULL;

  if (!g_str_has_suffix (name, ".weight"))
    return;

  module = g_strndup (name, strlen (name) - strlen (".weight"));
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
has_shape (HrMatcher            *self,
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
check_shape (HrMatcher            *self,
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
match_name (HrMatcher      *self,
            const HrTensor *tensor,
            const char     *name,
            HrStoredWeight *weight)
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

static void
match_copy (HrMatcher      *self,
            const HrTensor *tensor,
            guint           copy,
            HrStoredWeight *weight)
{
  g_autoptr (GPtrArray) names = list_stored_names (self, tensor, copy);

  for (guint i = 0; i < names->len; i++)
    {
      if (!match_name (self, tensor, g_ptr_array_index (names, i), weight))
        continue;
      if (tensor->tied_to != NULL)
        g_ptr_array_add (self->repeated, g_strdup (g_ptr_array_index (names, i)));
      return;
    }

  if (tensor->tied_to == NULL)
    g_ptr_array_add (self->missing, hr_tensor_get_name (tensor, copy));
}

/* Of two tied tensors only the second may be stored. */
static void
find_missing_among_tied (HrMatcher *self)
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

static char *
list_names (GPtrArray *names)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GString *shown;

  for (guint i = 0; i < MIN (names->len, MAX_SHOWN); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", (char *) g_ptr_array_index (names, i));
  if (names->len > MAX_SHOWN)
    g_string_append (text, ", …");

  /* A warning is one line, and not endless. */
  shown = g_string_new (NULL);
  for (const char *c = text->str; *c != '\0' && shown->len < 400; c = g_utf8_next_char (c))
    g_string_append_unichar (shown, g_unichar_iscntrl (g_utf8_get_char (c)) ? ' ' : g_utf8_get_char (c));

  return g_string_free (shown, FALSE);
}

static void
warn (GPtrArray  *warnings,
      const char *sentence,
      GPtrArray  *names,
      const char *class_name)
{
  g_autofree char *count = g_strdup_printf ("%u", names->len);
  g_autofree char *list = list_names (names);
  GString *text;

  if (names->len == 0)
    return;

  text = g_string_new (sentence);
  g_string_replace (text, "{count}", count, 1);
  g_string_replace (text, "{class}", class_name, 1);
  g_string_replace (text, "{names}", list, 1);
  g_ptr_array_add (warnings, g_string_free (text, FALSE));
}

static void
report (HrMatcher  *self,
        const char *class_name,
        GPtrArray  *warnings)
{
  g_autoptr (GPtrArray) extra = g_ptr_array_new ();

  for (guint i = 0; i < self->checkpoint->tensors->len; i++)
    {
      const HrStoredTensor *tensor = g_ptr_array_index (self->checkpoint->tensors, i);

      if (!g_hash_table_contains (self->claimed, tensor) &&
          (self->words == NULL || hr_gguf_config_is_parameter (self->words, tensor->name)))
        g_ptr_array_add (extra, tensor->name);
    }

  /* Translators: leave {count}, {class} and {names} as they are. A class is a program's class, as LlamaForCausalLM. */
  warn (warnings,
        ngettext ("The weights lack a tensor that {class} has: {names}.",
                  "The weights lack {count} tensors that {class} has: {names}.", self->missing->len),
        self->missing, class_name);
  /* Translators: leave {count}, {class} and {names} as they are. */
  warn (warnings,
        ngettext ("The weights hold a tensor that {class} does not have, which is not counted: {names}.",
                  "The weights hold {count} tensors that {class} does not have, which are not counted: {names}.",
                  extra->len),
        extra, class_name);
  /* Translators: leave {count}, {class} and {names} as they are; a name is followed by two shapes. */
  warn (warnings,
        ngettext ("A tensor of the weights has another shape than {class} gives it: {names}.",
                  "{count} tensors of the weights have another shape than {class} gives them: {names}.",
                  self->different->len),
        self->different, class_name);
  /* Translators: leave {count} and {names} as they are. */
  warn (warnings,
        ngettext ("The weights hold a tied tensor a second time, which is counted once: {names}.",
                  "The weights hold {count} tied tensors a second time, which are counted once: {names}.",
                  self->repeated->len),
        self->repeated, class_name);
}

/*
 * hr_stored_weights_new:
 * @tensors: (element-type HrTensor): the tensors of a model
 * @checkpoint: what is stored
 * @words: (nullable): how to name the tensors in a GGUF file; %NULL for safetensors, which have the model's names
 * @class_name: (nullable): what to call the model in warnings; %NULL if @tensors are those of @checkpoint themselves
 * @warnings: (element-type utf8): where differences are added
 *
 * Finds each tensor of a model among the stored ones.
 *
 * Returns: (transfer full): what was found
 */
HrStoredWeights *
hr_stored_weights_new (GPtrArray    *tensors,
                       HrCheckpoint *checkpoint,
                       HrGgufConfig *words,
                       const char   *class_name,
                       GPtrArray    *warnings)
{
  g_autoptr (HrStoredWeights) self = g_new0 (HrStoredWeights, 1);
  g_autoptr (GHashTable) pieces = NULL;
  g_autoptr (GHashTable) claimed = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) missing = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) different = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) repeated = g_ptr_array_new_with_free_func (g_free);
  HrMatcher matcher;

  pieces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  self->rows = g_ptr_array_new_with_free_func (g_free);
  matcher = (HrMatcher) { self, tensors, checkpoint, words, pieces, claimed, missing, different, repeated };

  if (words == NULL && class_name != NULL)
    collect_pieces (&matcher);

  for (guint i = 0; i < tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (tensors, i);
      HrStoredWeight *row = g_new0 (HrStoredWeight, hr_tensor_get_copies (tensor));

      g_ptr_array_add (self->rows, row);
      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        match_copy (&matcher, tensor, copy, &row[copy]);
    }

  find_missing_among_tied (&matcher);
  if (class_name != NULL)
    report (&matcher, class_name, warnings);

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
