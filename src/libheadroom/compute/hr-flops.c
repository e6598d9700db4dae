/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-flops.h"

static const char * const part_ids[] = {
  [HR_FLOP_PART_EMBEDDING] = "embedding", [HR_FLOP_PART_PROJECTIONS] = "attention-projections",
  [HR_FLOP_PART_SCORES] = "attention-scores", [HR_FLOP_PART_MLP] = "mlp", [HR_FLOP_PART_ROUTER] = "router",
  [HR_FLOP_PART_EXPERTS] = "experts", [HR_FLOP_PART_MIXER] = "mixer", [HR_FLOP_PART_STATE] = "state",
  [HR_FLOP_PART_HEAD] = "head", [HR_FLOP_PART_ADAPTERS] = "adapters", [HR_FLOP_PART_VISION] = "vision",
  [HR_FLOP_PART_AUDIO] = "audio", [HR_FLOP_PART_OTHER] = "other",
};

G_STATIC_ASSERT (G_N_ELEMENTS (part_ids) == HR_N_FLOP_PARTS);

/**
 * hr_flop_part_get_id:
 * @part: a part
 *
 * Returns: its name in files
 */
const char *
hr_flop_part_get_id (HrFlopPart part)
{
  g_return_val_if_fail (part < HR_N_FLOP_PARTS, NULL);

  return part_ids[part];
}

HrFlopCount *
hr_flop_count_new (void)
{
  HrFlopCount *self = g_new0 (HrFlopCount, 1);

  for (guint i = 0; i < HR_N_FLOP_PARTS; i++)
    self->terms[i] = g_array_new (FALSE, FALSE, sizeof (HrFlopTerm));

  return self;
}

void
hr_flop_count_free (HrFlopCount *self)
{
  for (guint i = 0; i < HR_N_FLOP_PARTS; i++)
    g_array_unref (self->terms[i]);
  g_free (self);
}

/**
 * hr_flop_count_sum: (skip)
 * @self: a count
 * @sum: (inout): a number of it
 * @addend: what is added
 *
 * Adds, and notes if that cannot be counted: JSON has no whole numbers beyond 63 bits.
 */
void
hr_flop_count_sum (HrFlopCount *self,
                   guint64     *sum,
                   guint64      addend)
{
  if (!g_uint64_checked_add (sum, *sum, addend) || *sum > G_MAXINT64)
    {
      self->is_too_large = TRUE;
      *sum = G_MAXINT64;
    }
}

static guint64
multiply (HrFlopCount *self,
          guint64      a,
          guint64      b)
{
  guint64 product;

  if (g_uint64_checked_mul (&product, a, b) && product <= G_MAXINT64)
    return product;

  self->is_too_large = TRUE;

  return G_MAXINT64;
}

static void
add_term (GArray           *terms,
          const HrFlopTerm *term)
{
  for (guint i = 0; i < terms->len; i++)
    {
      HrFlopTerm *other = &g_array_index (terms, HrFlopTerm, i);

      if (other->rows == term->rows && other->size == term->size)
        {
          other->times += term->times;
          return;
        }
    }

  g_array_append_val (terms, *term);
}

/**
 * hr_flop_count_add: (skip)
 * @self: a count
 * @part: what computes
 * @rows: rows that are multiplied
 * @size: multiplications for each
 *
 * Adds a product to the forward pass. The product of an m × k and a k × n matrix is m·k·n multiplications and about as
 * many additions (mm_flop of torch/utils/flop_counter.py).
 *
 * Returns: the operations of it
 */
guint64
hr_flop_count_add (HrFlopCount *self,
                   HrFlopPart   part,
                   guint64      rows,
                   guint64      size)
{
  guint64 n = multiply (self, 2, multiply (self, rows, size));
  HrFlopTerm term = { rows, size, 1 };

  if (n == 0)
    return 0;

  hr_flop_count_sum (self, &self->parts[part].forward, n);
  add_term (self->terms[part], &term);

  return n;
}

/**
 * hr_flop_count_move: (skip)
 * @self: a count
 * @part: what computes
 * @rows: rows
 * @width: numbers of each
 *
 * Notes that a product of the forward pass reads or writes numbers beside weights and caches.
 */
void
hr_flop_count_move (HrFlopCount *self,
                    HrFlopPart   part,
                    guint64      rows,
                    guint64      width)
{
  hr_flop_count_sum (self, &self->parts[part].elements, multiply (self, rows, width));
}

/**
 * hr_flop_count_merge: (skip)
 * @self: a count
 * @other: another one
 * @times: how often it is there
 *
 * Adds another pass.
 */
void
hr_flop_count_merge (HrFlopCount       *self,
                     const HrFlopCount *other,
                     guint64            times)
{
  self->is_too_large |= other->is_too_large;
  for (guint i = 0; i < HR_N_FLOP_PARTS; i++)
    {
      const HrFlops *part = &other->parts[i];

      hr_flop_count_sum (self, &self->parts[i].forward, multiply (self, part->forward, times));
      hr_flop_count_sum (self, &self->parts[i].hidden, multiply (self, part->hidden, times));
      hr_flop_count_sum (self, &self->parts[i].left_out, multiply (self, part->left_out, times));
      hr_flop_count_sum (self, &self->parts[i].recomputed, multiply (self, part->recomputed, times));
      hr_flop_count_sum (self, &self->parts[i].input_gradients, multiply (self, part->input_gradients, times));
      hr_flop_count_sum (self, &self->parts[i].weight_gradients, multiply (self, part->weight_gradients, times));
      hr_flop_count_sum (self, &self->parts[i].elements, multiply (self, part->elements, times));
      for (guint j = 0; j < other->terms[i]->len; j++)
        {
          HrFlopTerm term = g_array_index (other->terms[i], HrFlopTerm, j);

          term.times = multiply (self, term.times, times);
          add_term (self->terms[i], &term);
        }
    }
}

/**
 * hr_flop_count_get_total: (skip)
 * @self: a count
 *
 * Returns: all parts together, at most the largest number that can be counted
 */
HrFlops
hr_flop_count_get_total (const HrFlopCount *self)
{
  HrFlopCount sum = { 0 };
  HrFlops *total = &sum.parts[0];

  for (guint i = 0; i < HR_N_FLOP_PARTS; i++)
    {
      hr_flop_count_sum (&sum, &total->forward, self->parts[i].forward);
      hr_flop_count_sum (&sum, &total->hidden, self->parts[i].hidden);
      hr_flop_count_sum (&sum, &total->left_out, self->parts[i].left_out);
      hr_flop_count_sum (&sum, &total->recomputed, self->parts[i].recomputed);
      hr_flop_count_sum (&sum, &total->input_gradients, self->parts[i].input_gradients);
      hr_flop_count_sum (&sum, &total->weight_gradients, self->parts[i].weight_gradients);
      hr_flop_count_sum (&sum, &total->elements, self->parts[i].elements);
    }

  return *total;
}

/**
 * hr_flops_get_training: (skip)
 * @self: what is computed
 *
 * Returns: the operations of forward and backward pass, at most the largest number that can be counted
 */
guint64
hr_flops_get_training (const HrFlops *self)
{
  HrFlopCount sum = { 0 };
  guint64 total = self->forward;

  hr_flop_count_sum (&sum, &total, self->recomputed);
  hr_flop_count_sum (&sum, &total, self->input_gradients);
  hr_flop_count_sum (&sum, &total, self->weight_gradients);

  return total;
}
