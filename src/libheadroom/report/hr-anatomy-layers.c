/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-anatomy-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-labels.h"

/* Runs of layers that are named before the rest is an ellipsis. */
#define MAX_RUNS 4

/* “0–27”, “0, 2, 4, 6 … 26”. */
static char *
dup_layers (const HrStack *stack,
            guint          class_index)
{
  g_autoptr (GString) string = g_string_new (NULL);
  guint n_runs = 0;
  guint last = 0;

  for (guint layer = 0; layer < stack->n_layers; layer++)
    {
      guint end = layer;

      if (stack->layer_class_of[layer] != class_index)
        continue;
      while (end + 1 < stack->n_layers && stack->layer_class_of[end + 1] == class_index)
        end++;

      if (++n_runs <= MAX_RUNS)
        {
          g_string_append_printf (string, "%s%u", string->len > 0 ? ", " : "", layer);
          if (end > layer)
            g_string_append_printf (string, "–%u", end);
        }
      last = end;
      layer = end;
    }

  if (n_runs > MAX_RUNS)
    g_string_append_printf (string, " … %u", last);

  return g_string_free (g_steal_pointer (&string), FALSE);
}

static const char *
get_stack_label (HrStackRole role)
{
  static const char * const labels[] = {
    [HR_STACK_DECODER] = N_("Decoder"),
    [HR_STACK_ENCODER] = N_("Encoder"),
    [HR_STACK_VISION] = N_("Vision tower"),
    [HR_STACK_AUDIO] = N_("Audio tower"),
    [HR_STACK_PROJECTOR] = N_("Projector"),
    [HR_STACK_SPEECH] = N_("Speech"),
  };

  G_STATIC_ASSERT (G_N_ELEMENTS (labels) == HR_N_STACK_ROLES);

  return _(labels[role]);
}

/* The decoder is the only stack that keeps anything of the past. */
gboolean
hr_anatomy_keeps_cache (const HrAnatomyBlock *block)
{
  return block->klass != NULL && block->stack->role == HR_STACK_DECODER;
}

/* The layers of a class; a model with several stacks says which one they are in. */
char *
hr_anatomy_dup_class_label (HrAnatomy     *self,
                            const HrStack *stack,
                            guint          class_index)
{
  guint n_layers = stack->layer_classes[class_index].n_layers;
  g_autofree char *layers = dup_layers (stack, class_index);

  if (hr_model_get_n_stacks (hr_anatomy_get_model (self)) > 1)
    /* Translators: a stack of layers, such as “Encoder”; the numbers of layers, such as “0–27”. */
    return g_strdup_printf (ngettext ("%s, layer %s", "%s, layers %s", n_layers), get_stack_label (stack->role),
                            layers);

  /* Translators: the numbers of layers, such as “0–27”. */
  return g_strdup_printf (ngettext ("Layer %s", "Layers %s", n_layers), layers);
}

static HrPart
get_part (HrAnatomy            *self,
          const HrAnatomyBlock *block)
{
  return block->rows->len > 0
         ? hr_model_get_tensor (hr_anatomy_get_model (self), g_array_index (block->rows, guint, 0))->part : HR_N_PARTS;
}

HrAnatomyTable *
hr_anatomy_create_parts (HrAnatomy *self)
{
  HrModel *model = hr_anatomy_get_model (self);
  HrAnatomyTable *table = hr_anatomy_table_new ("parts", _("Parts"), NULL, _("Part"));
  HrAnatomyRow *total;

  hr_anatomy_table_add_column (table, "parameters", _("Parameters"));
  hr_anatomy_table_add_column (table, "active-parameters", _("Active"));
  hr_anatomy_table_add_column (table, "bytes", _("Size"));

  for (HrPart part = 0; part < HR_N_PARTS; part++)
    {
      guint64 n_parameters = hr_model_get_n_parameters_of_part (model, part);
      HrAnatomyRow *row;

      if (n_parameters == 0)
        continue;

      row = hr_anatomy_table_add_row (table, 0, hr_part_get_id (part), hr_part_get_label (part));
      row->part = part;
      hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_PARAMETERS, n_parameters);
      hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_PARAMETERS, hr_anatomy_get_n_active_of_part (self, part));
      hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_BYTES, hr_anatomy_get_n_bytes_of_part (self, part));
    }

  total = hr_anatomy_table_add_row (table, 0, "total", _("Total"));
  total->is_total = TRUE;
  hr_anatomy_row_set (total, 0, HR_ANATOMY_UNIT_PARAMETERS, hr_model_get_n_parameters (model));
  hr_anatomy_row_set (total, 1, HR_ANATOMY_UNIT_PARAMETERS, hr_model_get_n_active_parameters (model));
  hr_anatomy_row_set (total, 2, HR_ANATOMY_UNIT_BYTES, hr_anatomy_get_n_bytes (self));

  return table;
}

/* Whether a block begins something new: the layers of a class, or what is around them. */
static gboolean
begins_class (HrAnatomy *self,
              guint      index)
{
  GPtrArray *blocks = hr_anatomy_get_blocks (self);
  const HrAnatomyBlock *block = g_ptr_array_index (blocks, index);
  const HrAnatomyBlock *previous = index > 0 ? g_ptr_array_index (blocks, index - 1) : NULL;

  return block->klass != NULL && (previous == NULL || previous->klass != block->klass);
}

/* The sums over the blocks of a class, for one layer. */
static void
sum_class (HrAnatomy *self,
           guint      index,
           guint64   *n_parameters,
           guint64   *n_active,
           guint64   *n_bytes)
{
  GPtrArray *blocks = hr_anatomy_get_blocks (self);
  const HrAnatomyBlock *first = g_ptr_array_index (blocks, index);

  *n_parameters = *n_active = *n_bytes = 0;
  for (guint i = index; i < blocks->len; i++)
    {
      const HrAnatomyBlock *block = g_ptr_array_index (blocks, i);

      if (block->klass != first->klass)
        return;
      *n_parameters += block->n_parameters;
      *n_active += block->n_active;
      *n_bytes += block->n_bytes;
    }
}

/* The row over the blocks of a class. */
static HrAnatomyRow *
add_class_row (HrAnatomy            *self,
               HrAnatomyTable       *table,
               const HrAnatomyBlock *block)
{
  g_autofree char *label = hr_anatomy_dup_class_label (self, block->stack, block->class_index);
  g_autofree char *id = g_strdup_printf ("%s.layers.%u", block->stack->id, block->class_index);

  return hr_anatomy_table_add_row (table, 0, id, label);
}

static HrAnatomyRow *
add_block_row (HrAnatomy            *self,
               HrAnatomyTable       *table,
               const HrAnatomyBlock *block,
               guint                 depth)
{
  g_autofree char *label = hr_anatomy_block_dup_label (block->block);
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, depth, block->block->path, label);

  row->part = get_part (self, block);

  return row;
}

HrAnatomyTable *
hr_anatomy_create_layers (HrAnatomy *self)
{
  GPtrArray *blocks = hr_anatomy_get_blocks (self);
  HrAnatomyTable *table = hr_anatomy_table_new ("layers", _("Layers in Detail"),
                                                _("What the layers consist of, in the order in which a token passes "
                                                  "them. Layers that are alike are listed once; the numbers are those "
                                                  "of one layer."),
                                                _("Block"));

  hr_anatomy_table_add_column (table, "layers", _("Layers"));
  hr_anatomy_table_add_column (table, "parameters", _("Parameters of a layer"));
  hr_anatomy_table_add_column (table, "active-parameters", _("Active"));
  hr_anatomy_table_add_column (table, "bytes", _("Size"));

  for (guint i = 0; i < blocks->len; i++)
    {
      const HrAnatomyBlock *block = g_ptr_array_index (blocks, i);
      guint depth = block->klass != NULL ? 1 : 0;
      HrAnatomyRow *row;

      if (begins_class (self, i))
        {
          guint64 n_parameters, n_active, n_bytes;

          sum_class (self, i, &n_parameters, &n_active, &n_bytes);
          row = add_class_row (self, table, block);
          hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_COUNT, block->klass->n_layers);
          hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_PARAMETERS, n_parameters);
          hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_PARAMETERS, n_active);
          hr_anatomy_row_set (row, 3, HR_ANATOMY_UNIT_BYTES, n_bytes);
        }

      row = add_block_row (self, table, block, depth);
      row->note = hr_anatomy_block_dup_note (block->block);
      hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_PARAMETERS, block->n_parameters);
      hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_PARAMETERS, block->n_active);
      hr_anatomy_row_set (row, 3, HR_ANATOMY_UNIT_BYTES, block->n_bytes);
    }

  return table;
}

/* The name of a tensor without that of the block, and with an ellipsis where the number of an expert stands. */
static char *
dup_short_name (const HrBlock  *block,
                const HrTensor *tensor)
{
  const char *name = tensor->pattern + strlen (block->path) + 1;
  const char *place = strstr (name, "{}");

  return place == NULL ? g_strdup (name) : g_strdup_printf ("%.*s…%s", (int) (place - name), name, place + 2);
}

static guint64
get_parameters (const HrTensor *tensor)
{
  return tensor->tied_to != NULL ? 0 : tensor->n_elements * hr_tensor_get_copies_of_layer (tensor);
}

static void
set_tensor (HrAnatomy            *self,
            HrAnatomyRow         *row,
            const HrAnatomyBlock *block,
            const HrTensor       *tensor)
{
  g_autofree char *formula = NULL;
  g_autofree char *substitution = NULL;

  hr_anatomy_describe_tensor (self, block->block, tensor, &formula, &substitution);
  hr_anatomy_row_set_formula (row, formula, substitution);
  if (tensor->tied_to != NULL && row->note == NULL)
    /* Translators: the name of a tensor. */
    row->note = g_strdup_printf (_("shared with %s, counted there"), tensor->tied_to);
}

static void
set_counts (HrAnatomyRow         *row,
            const HrAnatomyBlock *block,
            guint64               n_parameters)
{
  guint64 n_layers = block->klass != NULL ? block->klass->n_layers : 1;

  if (block->klass != NULL)
    hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_PARAMETERS, n_parameters);
  hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_PARAMETERS, n_parameters * n_layers);
}

/* What the block is called, and its module: there are several norms in a layer. */
static void
name_module (HrAnatomyRow  *row,
             const HrBlock *block)
{
  const char *last = strrchr (block->path, '.');
  g_autofree char *label = g_steal_pointer (&row->label);

  row->label = g_strdup_printf ("%s · %s", label, last != NULL ? last + 1 : block->path);
}

/* A block of one tensor is one row; one of several has a row for each below it. */
static void
add_expanded_block (HrAnatomy            *self,
                    HrAnatomyTable       *table,
                    const HrAnatomyBlock *block)
{
  HrModel *model = hr_anatomy_get_model (self);
  guint depth = block->klass != NULL ? 1 : 0;
  HrAnatomyRow *row;

  if (block->rows->len == 0)
    return;

  row = add_block_row (self, table, block, depth);
  name_module (row, block->block);
  set_counts (row, block, block->n_parameters);
  if (block->rows->len == 1)
    {
      set_tensor (self, row, block, hr_model_get_tensor (model, g_array_index (block->rows, guint, 0)));
      return;
    }

  for (guint i = 0; i < block->rows->len; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, g_array_index (block->rows, guint, i));
      g_autofree char *name = dup_short_name (block->block, tensor);
      HrAnatomyRow *tensor_row = hr_anatomy_table_add_row (table, depth + 1, tensor->pattern, name);

      tensor_row->part = tensor->part;
      set_tensor (self, tensor_row, block, tensor);
      set_counts (tensor_row, block, get_parameters (tensor));
    }
}

/* Adds a term to the sum that the total is. */
static void
add_term (GString *sum,
          guint64  n_layers,
          guint64  n_parameters)
{
  g_autofree char *text = hr_format_integer (n_parameters);

  if (n_parameters == 0)
    return;
  if (sum->len > 0)
    g_string_append (sum, " + ");
  if (n_layers > 1)
    g_string_append_printf (sum, "%" G_GUINT64_FORMAT "·", n_layers);
  g_string_append (sum, text);
}

/* Tensors that no block has made: those of weights of which nothing else is known. */
static guint64
count_unowned (HrAnatomy *self)
{
  GPtrArray *blocks = hr_anatomy_get_blocks (self);
  guint64 n_parameters = hr_model_get_n_parameters (hr_anatomy_get_model (self));

  for (guint i = 0; i < blocks->len; i++)
    {
      const HrAnatomyBlock *block = g_ptr_array_index (blocks, i);

      n_parameters -= block->n_parameters * (block->klass != NULL ? block->klass->n_layers : 1);
    }

  return n_parameters;
}

HrAnatomyTable *
hr_anatomy_create_expansion (HrAnatomy *self)
{
  GPtrArray *blocks = hr_anatomy_get_blocks (self);
  g_autoptr (GString) sum = g_string_new (NULL);
  guint64 unowned = count_unowned (self);
  HrAnatomyTable *table;
  HrAnatomyRow *total;

  if (blocks->len == 0)
    return NULL;

  table = hr_anatomy_table_new ("expansion", _("How the Parameters Add Up"),
                                _("Every tensor with its sizes, multiplied. Within layers, first what one layer holds, "
                                  "then all layers of its kind."),
                                _("Tensor"));
  hr_anatomy_table_add_column (table, "of-a-layer", _("In a layer"));
  hr_anatomy_table_add_column (table, "parameters", _("Parameters"));

  for (guint i = 0; i < blocks->len; i++)
    {
      const HrAnatomyBlock *block = g_ptr_array_index (blocks, i);

      if (begins_class (self, i))
        {
          guint64 n_parameters, n_active, n_bytes;
          g_autofree char *text = NULL;
          g_autofree char *substitution = NULL;
          HrAnatomyRow *row = add_class_row (self, table, block);

          sum_class (self, i, &n_parameters, &n_active, &n_bytes);
          text = hr_format_integer (n_parameters);
          substitution = g_strdup_printf ("%u·%s", block->klass->n_layers, text);
          hr_anatomy_row_set_formula (row, NULL, substitution);
          set_counts (row, block, n_parameters);
          add_term (sum, block->klass->n_layers, n_parameters);
        }
      else if (block->klass == NULL)
        add_term (sum, 1, block->n_parameters);
      add_expanded_block (self, table, block);
    }

  if (unowned > 0)
    {
      HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, "other", _("Other tensors"));

      hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_PARAMETERS, unowned);
      add_term (sum, 1, unowned);
    }

  total = hr_anatomy_table_add_row (table, 0, "total", _("Total"));
  total->is_total = TRUE;
  hr_anatomy_row_set_formula (total, NULL, sum->str);
  hr_anatomy_row_set (total, 1, HR_ANATOMY_UNIT_PARAMETERS,
                      hr_model_get_n_parameters (hr_anatomy_get_model (self)));

  return table;
}
