/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate-private.h"
#include "hr-inference-job.h"
#include "hr-serving-layout.h"
#include "hr-serving-plan.h"

G_BEGIN_DECLS

/**
 * HrServingPart:
 * @rank: the ranks
 * @model: (nullable): what each has of the model, where it has not all
 *
 * What ranks that are alike have.
 */
typedef struct
{
  HrServingRank rank;
  HrModel *model;
} HrServingPart;

/* Returns: (transfer full): a rank, or %NULL with the error set */
typedef gpointer (*HrServingRankFunc) (gconstpointer          data,
                                       const HrServingPart   *part,
                                       GError               **error);

GPtrArray  *hr_serving_create_ranks (const HrServingLayout *layout,
                                     HrModel               *model,
                                     HrServingRankFunc      create,
                                     gconstpointer          data,
                                     GDestroyNotify         free_rank,
                                     GError               **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean    hr_serving_init_pass    (HrInferencePlan       *pass,
                                     HrModel               *model,
                                     HrInferenceJob        *job,
                                     GError               **error);
gboolean    hr_serving_check_length (const HrServingPlan      *plan,
                                     HrInferenceJob        *job,
                                     GError               **error);
char       *hr_serving_dup_number   (guint64                number) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_serving_dup_size     (guint64                bytes) G_GNUC_WARN_UNUSED_RESULT;
void        hr_serving_tell_waiting (HrInferencePlan       *pass,
                                     guint64                requests,
                                     guint64                room);
void        hr_serving_add_weights  (HrEstimate            *estimate,
                                     const HrServingPlan      *plan,
                                     const HrWeights       *weights,
                                     guint64                bytes,
                                     const char            *source);
void        hr_serving_add_run      (HrEstimate            *estimate,
                                     const HrMoment        *peak,
                                     HrEstimateDetail       detail,
                                     const char            *source);
void        hr_serving_end          (HrEstimate            *estimate,
                                     const HrServingPlan      *plan,
                                     const HrMoment        *peak,
                                     guint64                loaded,
                                     guint64                total,
                                     HrEstimateDetail       detail);
HrEstimate *hr_serving_join         (GPtrArray             *estimates,
                                     HrInferencePlan       *pass,
                                     const HrServingLayout *layout) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
