/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-anatomy-table.h"
#include "hr-job.h"
#include "hr-model.h"
#include "hr-report.h"

G_BEGIN_DECLS

/**
 * HrAnatomySection:
 * @HR_ANATOMY_SECTION_SUMMARY: the figures that a model is known by
 * @HR_ANATOMY_SECTION_PARTS: parameters, active parameters and bytes by part
 * @HR_ANATOMY_SECTION_LAYERS: what the layers of each class consist of
 * @HR_ANATOMY_SECTION_EXPANSION: how the parameters add up, tensor by tensor
 * @HR_ANATOMY_SECTION_RULES: the formulas that people know by heart, beside the exact counts
 * @HR_ANATOMY_SECTION_CACHE: what is kept of a token and of a sequence, step by step
 * @HR_ANATOMY_SECTION_HEADS: the model with all, its own and one key-value head
 * @HR_ANATOMY_SECTION_KEYS: the keys of the configuration, explained
 * @HR_ANATOMY_SECTION_FEED_FORWARD: the feed-forward blocks of well-known models beside those of this one
 *
 * The tables of an anatomy.
 */
typedef enum
{
  HR_ANATOMY_SECTION_SUMMARY,
  HR_ANATOMY_SECTION_PARTS,
  HR_ANATOMY_SECTION_LAYERS,
  HR_ANATOMY_SECTION_EXPANSION,
  HR_ANATOMY_SECTION_RULES,
  HR_ANATOMY_SECTION_CACHE,
  HR_ANATOMY_SECTION_HEADS,
  HR_ANATOMY_SECTION_KEYS,
  HR_ANATOMY_SECTION_FEED_FORWARD,
  HR_N_ANATOMY_SECTIONS, /*< skip >*/
} HrAnatomySection;

#define HR_TYPE_ANATOMY (hr_anatomy_get_type ())

G_DECLARE_FINAL_TYPE (HrAnatomy, hr_anatomy, HR, ANATOMY, GObject)

HrAnatomy      *hr_anatomy_new                 (HrModel           *model,
                                                HrJob             *job) G_GNUC_WARN_UNUSED_RESULT;
HrModel        *hr_anatomy_get_model           (HrAnatomy         *self);
HrDtype         hr_anatomy_get_dtype           (HrAnatomy         *self);
HrQuantization  hr_anatomy_get_quantization    (HrAnatomy         *self);
HrDtype         hr_anatomy_get_cache_dtype     (HrAnatomy         *self);
gboolean        hr_anatomy_is_as_stored        (HrAnatomy         *self);
guint64         hr_anatomy_get_n_tokens        (HrAnatomy         *self);
guint64         hr_anatomy_get_n_sequences     (HrAnatomy         *self);
guint64         hr_anatomy_get_n_bytes         (HrAnatomy         *self);
guint64         hr_anatomy_get_n_bytes_of_part (HrAnatomy         *self,
                                                HrPart             part);
guint64         hr_anatomy_get_n_active_of_part (HrAnatomy        *self,
                                                HrPart             part);
guint           hr_anatomy_get_n_all_tensors   (HrAnatomy         *self);
void            hr_anatomy_get_tensor          (HrAnatomy         *self,
                                                guint              position,
                                                guint             *index,
                                                guint             *copy);
guint64         hr_anatomy_get_tensor_bytes    (HrAnatomy         *self,
                                                guint              index,
                                                guint              copy,
                                                const char       **type);
HrAnatomyTable *hr_anatomy_get_table           (HrAnatomy         *self,
                                                HrAnatomySection   section);
HrAnatomyTable *hr_anatomy_compare             (HrAnatomy         *self,
                                                HrAnatomy         *other) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_anatomy_dup_file_name       (HrAnatomy         *self,
                                                const char        *suffix) G_GNUC_WARN_UNUSED_RESULT;

char           *hr_anatomy_to_text             (HrAnatomy         *self,
                                                HrAnatomy         *other,
                                                gboolean           with_tensors,
                                                HrUnitSystem       unit_system,
                                                HrReportTextStyle  style) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_anatomy_to_markdown         (HrAnatomy         *self,
                                                HrAnatomy         *other,
                                                gboolean           with_tensors,
                                                HrUnitSystem       unit_system) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_anatomy_to_html             (HrAnatomy         *self,
                                                HrAnatomy         *other,
                                                gboolean           with_tensors,
                                                HrUnitSystem       unit_system,
                                                const char        *chart) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_anatomy_to_json             (HrAnatomy         *self,
                                                HrAnatomy         *other) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_anatomy_to_csv              (HrAnatomy         *self,
                                                HrAnatomy         *other) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_anatomy_tensors_to_csv      (HrAnatomy         *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
