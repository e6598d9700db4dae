/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-exl3-allocation.h"

#include <math.h>

/*
 * How many bits each matrix of a model gets where ExLlamaV3 is asked for an average: create_q_strategy of
 * exllamav3/conversion/allocation.py of 1.4. All get the whole bits of the average; what is left of it goes to groups
 * of matrices, one more bit for each at a time: those of attention first, then those of the outer layers.
 */

/* Elements that both sizes of a matrix are padded to. */
#define BLOCK 128

/* q_priority of exllamav3/modules: attn.py, mlp.py (perceptrons without a gate), gated_delta_net.py and mamba2.py. */
#define PRIORITY_ATTENTION 2
#define PRIORITY_PLAIN 1
#define PRIORITY_NONE 0

/* Which matrices of a layer get a further bit together (qgroup), in the order in which they are asked. */
typedef enum
{
  KIND_INPUT,
  KIND_OUTPUT,
  KIND_EXPERTS,
  KIND_GATE_UP,
  KIND_DOWN,
  N_KINDS,
} Kind;

typedef struct
{
  guint stack;
  guint layer;
  guint distance;   /* to the nearer end of the stack */
  Kind kind;
  guint priority;
  guint bits;
  guint64 elements;
} Group;

static guint64
pad (guint64 size)
{
  return (size + BLOCK - 1) / BLOCK * BLOCK;
}

/*
 * hr_exl3_split:
 * @tensor: a tensor of two dimensions or more
 * @out_features: (out): the rows of a matrix
 * @in_features: (out): its columns
 *
 * Gets the matrices that ExLlamaV3 has in the place of a tensor: what is gate and up in one elsewhere is two of them
 * there (key_fused_gate_up, key_gate_up_split). Queries, keys and values in one have a part for each likewise; as
 * their heads are of whole blocks in the models that have such, the one matrix is as large.
 *
 * Returns: how many there are
 */
guint64
hr_exl3_split (const HrTensor *tensor,
               guint64        *out_features,
               guint64        *in_features)
{
  guint64 n_matrices;

  hr_tensor_get_matrix (tensor, &n_matrices, out_features, in_features);
  if (tensor->module != HR_MODULE_GATE_UP && tensor->module != HR_MODULE_EXPERT_GATE_UP)
    return n_matrices;

  *out_features /= 2;

  return 2 * n_matrices;
}

static gboolean
is_taken (const HrQuantizer *quantizer,
          const HrTensor    *tensor)
{
  if (tensor->n_dimensions < 2 || tensor->n_layers == 0 || !hr_part_is_text (tensor->part))
    return FALSE;

  return tensor->module != HR_MODULE_SHARED_GATE &&
         (tensor->role == HR_TENSOR_ROLE_LINEAR || (tensor->role == HR_TENSOR_ROLE_EXPERT && quantizer->takes_experts));
}

static Kind
get_kind (const HrTensor *tensor)
{
  if (tensor->n_experts > 0 || tensor->role == HR_TENSOR_ROLE_EXPERT)
    return KIND_EXPERTS;

  switch ((guint) tensor->module)
    {
    case HR_MODULE_GATE:
    case HR_MODULE_UP:
    case HR_MODULE_GATE_UP:
      return KIND_GATE_UP;

    case HR_MODULE_DOWN:
      return KIND_DOWN;

    case HR_MODULE_OUTPUT:
      return KIND_OUTPUT;

    default:
      return KIND_INPUT;
    }
}

static gboolean
has_gate (GPtrArray      *tensors,
          const HrTensor *tensor)
{
  for (guint i = 0; i < tensors->len; i++)
    {
      const HrTensor *other = g_ptr_array_index (tensors, i);

      if (other->block == tensor->block &&
          (other->module == HR_MODULE_GATE || other->module == HR_MODULE_GATE_UP))
        return TRUE;
    }

  return FALSE;
}

static guint
get_priority (GPtrArray      *tensors,
              const HrTensor *tensor)
{
  switch (get_kind (tensor))
    {
    case KIND_INPUT:
    case KIND_OUTPUT:
      return tensor->part == HR_PART_ATTENTION ? PRIORITY_ATTENTION : PRIORITY_PLAIN;

    case KIND_GATE_UP:
    case KIND_DOWN:
      return has_gate (tensors, tensor) ? PRIORITY_NONE : PRIORITY_PLAIN;

    case KIND_EXPERTS:
    case N_KINDS:
    default:
      return PRIORITY_NONE;
    }
}

static Group *
find_group (GArray         *groups,
            const HrTensor *tensor,
            guint           layer)
{
  Kind kind = get_kind (tensor);

  for (guint i = 0; i < groups->len; i++)
    {
      Group *group = &g_array_index (groups, Group, i);

      if (group->stack == tensor->stack && group->layer == layer && group->kind == kind)
        return group;
    }

  return NULL;
}

static void
add_to_groups (GArray         *groups,
               GPtrArray      *tensors,
               const HrTensor *tensor,
               guint           bits)
{
  guint64 out_features, in_features;
  guint64 n_matrices = hr_exl3_split (tensor, &out_features, &in_features) * hr_tensor_get_copies_of_layer (tensor);
  guint64 elements = n_matrices * pad (out_features) * pad (in_features);

  for (guint i = 0; i < tensor->n_layers; i++)
    {
      Group *group = find_group (groups, tensor, tensor->layers[i]);
      Group added = { tensor->stack, tensor->layers[i], 0, get_kind (tensor), 0, bits, 0 };

      if (group == NULL)
        {
          g_array_append_val (groups, added);
          group = &g_array_index (groups, Group, groups->len - 1);
        }
      group->elements += elements;
      group->priority = MAX (group->priority, get_priority (tensors, tensor));
    }
}

static void
measure_distances (GArray *groups)
{
  for (guint i = 0; i < groups->len; i++)
    {
      Group *group = &g_array_index (groups, Group, i);
      guint last = 0;

      for (guint j = 0; j < groups->len; j++)
        {
          const Group *other = &g_array_index (groups, Group, j);

          if (other->stack == group->stack)
            last = MAX (last, other->layer);
        }
      group->distance = MIN (group->layer, last - group->layer);
    }
}

static int
compare_groups (gconstpointer a,
                gconstpointer b)
{
  const Group *one = a, *two = b;

  if (one->priority != two->priority)
    return one->priority > two->priority ? -1 : 1;
  if (one->distance != two->distance)
    return one->distance < two->distance ? -1 : 1;
  if (one->layer != two->layer)
    return one->layer < two->layer ? -1 : 1;

  return (int) one->kind - (int) two->kind;
}

/* One more bit for each group that there is enough left for, until there is for none. */
static void
spend (GArray *groups,
       double  average,
       guint   base)
{
  guint64 elements = 0, bits, most;
  gboolean is_spent = FALSE;

  for (guint i = 0; i < groups->len; i++)
    elements += g_array_index (groups, Group, i).elements;
  bits = elements * base;
  most = average * elements;

  while (!is_spent)
    {
      is_spent = TRUE;
      for (guint i = 0; i < groups->len; i++)
        {
          Group *group = &g_array_index (groups, Group, i);

          if (group->bits >= HR_EXL3_MAX_BITS || bits + group->elements > most)
            continue;
          group->bits++;
          bits += group->elements;
          is_spent = FALSE;
        }
    }
}

/* A rule for each width, that of most matrices first. */
static void
set_rules (HrQuantizer *quantizer,
           guint        base)
{
  HrMatrixFormat format = *hr_matrix_format_get (HR_QUANTIZATION_EXL3);

  g_array_unref (quantizer->rules);
  quantizer->rules = g_array_new (FALSE, FALSE, sizeof (HrQuantizerRule));
  for (guint i = 0; i < HR_EXL3_MAX_BITS; i++)
    {
      format.bits = (base - 1 + i) % HR_EXL3_MAX_BITS + 1;
      hr_quantizer_add_rule (quantizer, NULL, &format);
    }
}

/* The rule of a width, and 1 more. */
static guint8
get_decision (guint base,
              guint bits)
{
  return (bits + HR_EXL3_MAX_BITS - base) % HR_EXL3_MAX_BITS + 1;
}

static void
decide (HrQuantizer    *quantizer,
        GArray         *groups,
        const HrTensor *tensor,
        guint           base)
{
  GByteArray *row = g_byte_array_new ();
  gboolean is_head = tensor->role == HR_TENSOR_ROLE_OUTPUT && quantizer->head_bits <= HR_EXL3_MAX_BITS;

  g_ptr_array_add (quantizer->decisions, row);
  for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
    {
      guint8 decision = is_head ? get_decision (base, quantizer->head_bits) : 0;

      if (is_taken (quantizer, tensor))
        {
          guint layer = tensor->layers[copy / hr_tensor_get_copies_of_layer (tensor)];

          decision = get_decision (base, find_group (groups, tensor, layer)->bits);
        }
      g_byte_array_append (row, &decision, 1);
    }
}

/*
 * hr_exl3_allocate:
 * @quantizer: a quantizer of EXL3, of which the average and the bits of the head are known
 * @tensors: (element-type HrTensor): the tensors of a model
 *
 * Decides how many bits each matrix has. A head that is tied is quantized as well, beside the table that it is tied to.
 */
void
hr_exl3_allocate (HrQuantizer *quantizer,
                  GPtrArray   *tensors)
{
  g_autoptr (GArray) groups = g_array_new (FALSE, FALSE, sizeof (Group));
  guint base = CLAMP (floor (quantizer->bits_per_weight), 1, HR_EXL3_MAX_BITS);

  for (guint i = 0; i < tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (tensors, i);

      if (is_taken (quantizer, tensor))
        add_to_groups (groups, tensors, tensor, base);
    }
  measure_distances (groups);
  g_array_sort (groups, compare_groups);
  spend (groups, quantizer->bits_per_weight, base);
  set_rules (quantizer, base);
  quantizer->decisions = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  for (guint i = 0; i < tensors->len; i++)
    decide (quantizer, groups, g_ptr_array_index (tensors, i), base);
}
