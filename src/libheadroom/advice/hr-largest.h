/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimator.h"
#include "hr-units.h"

G_BEGIN_DECLS

/**
 * HrLargestBound: (skip)
 * @HR_LARGEST_BOUND_MEMORY: one more step does not fit
 * @HR_LARGEST_BOUND_CONTEXT: one more step is beyond the positions that the model knows
 * @HR_LARGEST_BOUND_RANGE: nothing greater can be set
 * @HR_LARGEST_BOUND_WIDTH: adapters of a higher rank can learn no more
 * @HR_LARGEST_BOUND_REFUSED: one more step cannot be estimated
 *
 * What ends a search for the largest value of a setting.
 */
typedef enum
{
  HR_LARGEST_BOUND_MEMORY,
  HR_LARGEST_BOUND_CONTEXT,
  HR_LARGEST_BOUND_RANGE,
  HR_LARGEST_BOUND_WIDTH,
  HR_LARGEST_BOUND_REFUSED,
} HrLargestBound;

/**
 * HrLargest: (skip)
 * @setting: a setting
 * @title: its title, in the user’s language
 * @fits: whether the job fits with any value of it
 * @value: the largest with which it does, as the other settings are; the least there can be where it does not
 * @free_bytes: what the fullest GPU has left then
 * @bound: why it is not greater
 * @next: the next greater value that can be set, 0 if there is none; where none fits, @value
 * @missing_bytes: what the fullest GPU lacks for @next, where memory is the bound
 * @positions: how many positions the model knows, where they are the bound
 * @is_monotone: whether more took more, of all the values that were looked at; where not, a greater one may fit as well
 * @message: (nullable): why @next cannot be estimated
 * @change: the setting with @value, as on the command line
 *
 * The largest value of a setting with which a job fits on its GPUs. Both @value and @next have been estimated.
 */
typedef struct
{
  const char *setting;
  const char *title;
  gboolean fits;
  guint64 value;
  guint64 free_bytes;
  HrLargestBound bound;
  guint64 next;
  guint64 missing_bytes;
  guint64 positions;
  gboolean is_monotone;
  char *message;
  char *change;
} HrLargest;

const char *hr_largest_bound_get_name (HrLargestBound   bound);
char       *hr_largest_dup_value      (const HrLargest *self) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_largest_dup_reason     (const HrLargest *self,
                                       HrUnitSystem     units) G_GNUC_WARN_UNUSED_RESULT;

/**
 * HrLargestSearch: (skip)
 *
 * A search for the largest values, an estimate at a time, so that a window can go on meanwhile.
 */
typedef struct _HrLargestSearch HrLargestSearch;

HrLargestSearch *hr_largest_search_new         (HrEstimate      *estimate,
                                                HrJob           *job,
                                                HrGpu           *gpu,
                                                guint            n_gpus) G_GNUC_WARN_UNUSED_RESULT;
void             hr_largest_search_free        (HrLargestSearch *self);
gboolean         hr_largest_search_step        (HrLargestSearch *self);
GPtrArray       *hr_largest_search_get_largest (HrLargestSearch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLargestSearch, hr_largest_search_free)

GPtrArray *hr_largest_list (HrEstimate *estimate,
                            HrJob      *job,
                            HrGpu      *gpu,
                            guint       n_gpus) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
