/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimator.h"
#include "hr-units.h"

G_BEGIN_DECLS

/**
 * HrFormatChoice: (skip)
 * @quantization: a format
 * @is_asked: whether it is what the job has
 * @fits: whether the job fits with it, and its engine starts
 * @weight_bytes: what the weights take on all GPUs
 * @bytes: what the fullest GPU needs
 * @free_bytes: what it has left
 * @missing_bytes: what it lacks
 * @has_room: whether the engine’s cache is a share of the memory
 * @room_tokens: how many tokens it has room for then
 * @context: how long a request may be at the most, where the engine does not start with the job’s context; 0 otherwise
 * @change: the settings that this takes, as on the command line
 *
 * A format that a model’s weights can be in.
 */
typedef struct
{
  HrQuantization quantization;
  gboolean is_asked;
  gboolean fits;
  guint64 weight_bytes;
  guint64 bytes;
  guint64 free_bytes;
  guint64 missing_bytes;
  gboolean has_room;
  guint64 room_tokens;
  guint64 context;
  char *change;
} HrFormatChoice;

const char *hr_format_choice_get_title   (const HrFormatChoice *self);
char       *hr_format_choice_dup_verdict (const HrFormatChoice *self,
                                          HrUnitSystem          units) G_GNUC_WARN_UNUSED_RESULT;

/**
 * HrFormatSearch: (skip)
 *
 * A search for formats, an estimate at a time, so that a window can go on meanwhile.
 */
typedef struct _HrFormatSearch HrFormatSearch;

HrFormatSearch *hr_format_search_new         (HrEstimate     *estimate,
                                              HrJob          *job,
                                              HrGpu          *gpu,
                                              guint           n_gpus) G_GNUC_WARN_UNUSED_RESULT;
void            hr_format_search_free        (HrFormatSearch *self);
gboolean        hr_format_search_step        (HrFormatSearch *self);
GPtrArray      *hr_format_search_get_choices (HrFormatSearch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrFormatSearch, hr_format_search_free)

GPtrArray *hr_format_choice_list (HrEstimate *estimate,
                                  HrJob      *job,
                                  HrGpu      *gpu,
                                  guint       n_gpus) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *hr_format_choice_pick (GPtrArray  *choices) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
