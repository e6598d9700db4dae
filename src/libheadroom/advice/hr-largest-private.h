/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-largest.h"

G_BEGIN_DECLS

/*
 * HrLargestProbe:
 * @number: which of the values
 * @fits: whether the job fits with it
 * @bound: why not
 * @bytes: what the fullest device needs, 0 where that is not known
 * @free_bytes: what it has left
 * @missing_bytes: what it lacks
 * @context: how many positions the job needs then
 * @reason: why the job cannot be estimated
 *
 * What comes of a value of a setting.
 */
typedef struct
{
  guint64 number;
  gboolean fits;
  HrLargestBound bound;
  guint64 bytes;
  guint64 free_bytes;
  guint64 missing_bytes;
  guint64 context;
  char *reason;
} HrLargestProbe;

void _hr_largest_probe_clear (HrLargestProbe *self);
void _hr_largest_free        (gpointer        data);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrLargestProbe, _hr_largest_probe_clear)

G_END_DECLS
