/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-layout.h"

G_BEGIN_DECLS

/**
 * HrDivision:
 * @layout: how many stages there are, how many parts each has, and what counts as a layer
 * @n_stages: how many stages have to be looked at
 * @stages: (array length=n_stages): which they are
 * @counts: how many layers of each class each of these has
 *
 * How the layers of a model are divided into stages. Of stages that have the same layers the first has most
 * micro-batches in flight, and the very first the embeddings; the last has the head.
 */
typedef struct
{
  HrLayout layout;
  guint n_stages;
  guint *stages;
  guint *counts;
} HrDivision;

HrDivision  *hr_division_new        (const HrLayout   *layout,
                                     const guint      *class_of,
                                     guint             n_layers,
                                     guint             n_classes) G_GNUC_WARN_UNUSED_RESULT;
void         hr_division_free       (HrDivision       *self);
const guint *hr_division_get_counts (const HrDivision *self,
                                     guint             n_classes,
                                     guint             index);

G_END_DECLS
