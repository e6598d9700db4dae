/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-division.h"

#include <string.h>

/* Parts come in turn: the first of all stages, the second of all, and so on. */
static void
count_layers (const HrLayout *layout,
              const guint    *class_of,
              guint           n_layers,
              guint           n_classes,
              guint          *counts)
{
  guint next = 0;

  for (guint part = 0; part < layout->parts; part++)
    {
      for (guint stage = 0; stage < layout->pipeline; stage++)
        {
          guint n = hr_layout_count_layers (layout, n_layers, stage, part);

          for (guint i = 0; i < n; i++)
            counts[stage * n_classes + class_of[next++]]++;
        }
    }
}

/*
 * hr_division_new:
 * @layout: how many stages and parts, which divide the layers
 * @class_of: the class of each layer
 * @n_layers: how many layers
 * @n_classes: how many classes
 *
 * Divides layers into stages.
 *
 * Returns: (transfer full): what stages have
 */
HrDivision *
hr_division_new (const HrLayout *layout,
                 const guint    *class_of,
                 guint           n_layers,
                 guint           n_classes)
{
  HrDivision *self = g_new0 (HrDivision, 1);
  gsize size = sizeof (guint) * n_classes;
  g_autofree guint *all = g_new0 (guint, layout->pipeline * n_classes);

  self->layout = *layout;
  self->stages = g_new (guint, layout->pipeline);
  self->counts = g_new (guint, layout->pipeline * n_classes);
  count_layers (layout, class_of, n_layers, n_classes, all);
  for (guint stage = 0; stage < layout->pipeline; stage++)
    {
      const guint *counts = all + (gsize) stage * n_classes;
      gboolean is_known = FALSE;

      for (guint i = 0; i < self->n_stages && !is_known; i++)
        is_known = memcmp (self->counts + (gsize) i * n_classes, counts, size) == 0;
      if (is_known && stage + 1 < layout->pipeline)
        continue;

      memcpy (self->counts + (gsize) self->n_stages * n_classes, counts, size);
      self->stages[self->n_stages++] = stage;
    }

  return self;
}

void
hr_division_free (HrDivision *self)
{
  g_free (self->counts);
  g_free (self->stages);
  g_free (self);
}

/* Returns: (transfer none): how many layers of each class a stage that has to be looked at has */
const guint *
hr_division_get_counts (const HrDivision *self,
                        guint             n_classes,
                        guint             index)
{
  return self->counts + (gsize) index * n_classes;
}
