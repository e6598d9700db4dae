/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-processor.h"
#include "hr-scope.h"

G_BEGIN_DECLS

/* Files beside a config that say how inputs are prepared; %NULL where there is none. */
typedef struct
{
  HrJson *image;      /* preprocessor_config.json */
  HrJson *video;      /* video_preprocessor_config.json */
  HrJson *processor;  /* processor_config.json */
} HrProcessorFiles;

typedef gboolean (*HrProcessorCount) (const HrProcessorEntry  *entry,
                                      const HrMedium          *medium,
                                      HrMediumTokens          *tokens,
                                      GError                 **error);

gboolean      hr_processor_check                 (HrJson                  *section,
                                                  GError                 **error);
gboolean      hr_processor_read                  (HrProcessor             *self,
                                                  HrJson                  *section,
                                                  HrScope                 *scope,
                                                  const HrProcessorFiles  *files,
                                                  GError                 **error);
gboolean      hr_processor_find_rule             (const char              *name,
                                                  HrProcessorRule         *rule);
char         *hr_processor_dup_rule_names        (void) G_GNUC_WARN_UNUSED_RESULT;

guint64       hr_processor_count_frames          (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium);
HrMediumGrid *hr_processor_add_grid              (HrMediumTokens          *tokens,
                                                  guint64                  pieces,
                                                  guint64                  rows,
                                                  guint64                  columns);
void          hr_processor_explain               (HrMediumTokens          *tokens,
                                                  const char              *format,
                                                  ...) G_GNUC_PRINTF (2, 3);
void          hr_processor_set_pieces            (const HrProcessorEntry  *entry,
                                                  HrMediumTokens          *tokens,
                                                  guint64                  pieces);
void          hr_processor_set_tiles             (const HrProcessorEntry  *entry,
                                                  HrMediumTokens          *tokens,
                                                  guint64                  rows,
                                                  guint64                  columns);

/* The rules. */
gboolean      hr_processor_smart_resize          (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_fixed                 (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_rows                  (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_padded                (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_any_resolution        (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_tiles_by_ratio        (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_tiles_by_scale        (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_splits                (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_quarters              (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_crops                 (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_slices                (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_hd                    (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_dynamic_hd            (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_spectrogram           (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);
gboolean      hr_processor_windows               (const HrProcessorEntry  *entry,
                                                  const HrMedium          *medium,
                                                  HrMediumTokens          *tokens,
                                                  GError                 **error);

G_END_DECLS
