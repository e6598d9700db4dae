/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-layout-parts.h"

G_BEGIN_DECLS

/**
 * HrLayoutGroup:
 * @layout: degrees of all kinds but copies of the model, which are 1; nothing of ZeRO
 * @division: what its stages have
 *
 * Layouts that differ only by their copies, by what these share, by micro-batches and by what is computed anew.
 */
typedef struct
{
  HrLayout layout;
  const HrDivision *division;
} HrLayoutGroup;

/**
 * HrLayoutFunc:
 * @step: a layout whose settings go together
 * @division: what its stages have
 * @user_data: what the caller handed over
 */
typedef void (*HrLayoutFunc) (const HrLayoutStep *step,
                              const HrDivision   *division,
                              gpointer            user_data);

/**
 * HrLayoutSpace:
 *
 * All layouts of a job.
 */
typedef struct _HrLayoutSpace HrLayoutSpace;

HrLayoutSpace       *hr_layout_space_new             (const HrLayoutParts  *parts,
                                                      HrTrainingJob        *job,
                                                      guint64               max_gpus,
                                                      guint64               n_sequences,
                                                      const char * const   *fixed) G_GNUC_WARN_UNUSED_RESULT;
void                 hr_layout_space_free            (HrLayoutSpace        *self);
guint                hr_layout_space_get_n_groups    (const HrLayoutSpace  *self);
void                 hr_layout_space_visit           (const HrLayoutSpace  *self,
                                                      guint                 group,
                                                      HrLayoutFunc          func,
                                                      gpointer              user_data);
void                 hr_layout_space_visit_least     (const HrLayoutSpace  *self,
                                                      guint                 group,
                                                      HrLayoutFunc          func,
                                                      gpointer              user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLayoutSpace, hr_layout_space_free)

G_END_DECLS
