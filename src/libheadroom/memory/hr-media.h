/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"
#include "hr-processor.h"
#include "hr-tower.h"

G_BEGIN_DECLS

typedef struct _HrMedia HrMedia;

/**
 * HrMedia:
 * @items: (element-type HrMediumTokens): what each sequence has beside its text
 * @text_tokens: tokens of text
 * @tokens: tokens of each sequence, of both
 * @towers: (element-type HrTower): what sees them, for all sequences of a batch
 * @has_type_ids: whether the batch says of each token what it is of
 *
 * Images, sounds and videos of a job, and the towers that see or hear them.
 */
struct _HrMedia
{
  GArray *items;
  guint64 text_tokens;
  guint64 tokens;
  GArray *towers;
  gboolean has_type_ids;
};

HrMedia *hr_media_new        (HrModel          *model,
                              HrJob            *job,
                              GError          **error) G_GNUC_WARN_UNUSED_RESULT;
HrMedia *hr_media_new_alike  (const HrMediumTokens *item,
                              guint64           n) G_GNUC_WARN_UNUSED_RESULT;
HrMedia *hr_media_ref        (HrMedia          *self) G_GNUC_WARN_UNUSED_RESULT;
void     hr_media_unref      (HrMedia          *self);
HrMedia *hr_media_copy       (HrMedia          *self) G_GNUC_WARN_UNUSED_RESULT;
gboolean hr_media_is_of_images (const HrMedia  *self);
void     hr_media_cast_pixels  (HrMedia        *self);
guint64  hr_media_count_rows (const HrMedia    *self);
gboolean hr_media_check_tokens (guint64         tokens,
                                GError        **error);
gboolean hr_media_add_towers (HrMedia          *self,
                              HrModel          *model,
                              guint64           batch,
                              GError          **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrMedia, hr_media_unref)

G_END_DECLS
