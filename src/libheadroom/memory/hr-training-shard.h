/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-sharding-flat.h"
#include "hr-training-plan.h"

G_BEGIN_DECLS

gboolean hr_training_shard_check         (const HrTrainingPlan  *plan,
                                          GError               **error);
gboolean hr_training_shard_resolve       (HrTrainingPlan        *plan,
                                          GError               **error);
gboolean hr_training_shard_take_trained  (HrTrainingPlan        *plan,
                                          GError               **error);
gboolean hr_training_shard_finish        (HrTrainingPlan        *plan,
                                          GError               **error);
void     hr_training_shard_add_buckets   (const HrTrainingPlan  *plan,
                                          HrEstimate            *estimate,
                                          guint64                bytes);
gboolean hr_training_shard_is_divided       (const HrTrainingPlan  *plan);
guint64  hr_training_shard_get_reference_bytes (const HrTrainingPlan *plan);
guint64  hr_training_shard_get_bytes     (const HrTrainingPlan  *plan);
void     hr_training_shard_add_component (const HrTrainingPlan  *plan,
                                          HrEstimate            *estimate,
                                          HrComponentId          id,
                                          guint64                bytes,
                                          guint64                buffer_bytes);

G_END_DECLS
