/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-block.h"
#include "hr-dtype.h"
#include "hr-medium.h"
#include "hr-quantization.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

#define HR_TYPE_MODEL (hr_model_get_type ())

G_DECLARE_FINAL_TYPE (HrModel, hr_model, HR, MODEL, GObject)

HrModel            *hr_model_new_from_file               (GFile                *file,
                                                          GError              **error) G_GNUC_WARN_UNUSED_RESULT;
HrModel            *hr_model_new_from_file_with          (GFile                *file,
                                                          GFile                *architecture,
                                                          GError              **error) G_GNUC_WARN_UNUSED_RESULT;
HrModel            *hr_model_new_from_id                 (const char           *id,
                                                          GError              **error) G_GNUC_WARN_UNUSED_RESULT;
HrModel            *hr_model_new_from_name               (const char           *name,
                                                          GError              **error) G_GNUC_WARN_UNUSED_RESULT;
HrModel            *hr_model_new_from_data               (const char           *data,
                                                          gssize                length,
                                                          const char           *origin,
                                                          GError              **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean            hr_model_parse_size                  (const char           *text,
                                                          guint64              *n_parameters);
const char         *hr_model_get_name                    (HrModel              *self);
const char         *hr_model_get_short_name              (HrModel              *self);
const char         *hr_model_get_model_type              (HrModel              *self);
const char         *hr_model_get_architecture            (HrModel              *self);
const char         *hr_model_get_source                  (HrModel              *self);
const char         *hr_model_get_architecture_source     (HrModel              *self);
HrDtype             hr_model_get_dtype                   (HrModel              *self);
HrQuantization      hr_model_get_quantization            (HrModel              *self);
const char         *hr_model_get_unknown_quantization    (HrModel              *self);
guint64             hr_model_get_n_parameters            (HrModel              *self);
guint64             hr_model_get_n_active_parameters     (HrModel              *self);
gboolean            hr_model_has_experts                 (HrModel              *self);
guint64             hr_model_get_n_parameters_of_part    (HrModel              *self,
                                                          HrPart                part);
gboolean            hr_model_get_hyper_parameter         (HrModel              *self,
                                                          const char           *name,
                                                          guint64              *value);
guint64             hr_model_get_cache_elements_per_token (HrModel             *self);
guint64             hr_model_get_latent_cache_elements_per_token (HrModel      *self);
guint64             hr_model_get_state_elements_per_sequence (HrModel          *self);
gboolean            hr_model_count_tokens                (HrModel              *self,
                                                          const HrMedium       *medium,
                                                          HrMediumTokens       *tokens,
                                                          GError              **error);
const char * const *hr_model_get_warnings                (HrModel              *self);
const HrTensor     *hr_model_get_tensor                  (HrModel              *self,
                                                          guint                 index);
guint               hr_model_get_n_tensors               (HrModel              *self);
const HrStack      *hr_model_get_stack                   (HrModel              *self,
                                                          guint                 index);
const HrStack      *hr_model_find_stack                  (HrModel              *self,
                                                          HrStackRole           role);
guint               hr_model_get_n_stacks                (HrModel              *self);
const HrChain      *hr_model_get_head                    (HrModel              *self);
guint64             hr_model_get_buffer_bytes            (HrModel              *self);
guint64             hr_model_get_loaded_buffer_bytes     (HrModel              *self,
                                                          HrDtype               dtype);
guint64             hr_model_get_stored_bytes            (HrModel              *self);
gboolean            hr_model_get_stored                  (HrModel              *self,
                                                          guint                 index,
                                                          guint                 copy,
                                                          const char          **type,
                                                          guint64              *n_bytes,
                                                          guint64              *allocated_bytes);
HrModel            *hr_model_get_scorer                  (HrModel              *self,
                                                          GError              **error);
gboolean            hr_model_is_counted_only             (HrModel              *self);
gboolean            hr_model_check_can_be_estimated      (HrModel              *self,
                                                          GError              **error);

G_END_DECLS
