/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-cluster.h"
#include "hr-inference-job.h"
#include "hr-model.h"
#include "hr-serving-layout.h"

G_BEGIN_DECLS

/**
 * HrServingFigures: (skip)
 * @has_room: whether the engine’s cache takes a share of the memory, so that @cache_tokens and @at_once are known
 * @cache_tokens: tokens that the caches of all copies of the model have room for
 * @at_once: requests of the job’s prompt and output that they have room for
 * @running: requests that are answered at once on the GPUs, of those of the job
 * @prompt: seconds until the prompts of requests that come together have been read
 * @token: seconds from one token of a request to the next
 * @rate: tokens of output a second, of all requests, the time for prompts included
 *
 * What a layout of a job that answers requests gives.
 */
typedef struct
{
  gboolean has_room;
  guint64 cache_tokens;
  guint64 at_once;
  guint64 running;
  double prompt;
  double token;
  double rate;
} HrServingFigures;

/**
 * HrServingTime:
 *
 * How fast layouts of a job answer requests.
 */
typedef struct _HrServingTime HrServingTime;

HrServingTime *hr_serving_time_new  (HrModel               *model,
                                     HrInferenceJob        *job,
                                     const HrCluster       *cluster) G_GNUC_WARN_UNUSED_RESULT;
void           hr_serving_time_free (HrServingTime         *self);
gboolean       hr_serving_time_look (HrServingTime         *self,
                                     const HrServingLayout *layout,
                                     guint64                most,
                                     HrServingFigures      *figures,
                                     double                *seconds,
                                     GError               **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrServingTime, hr_serving_time_free)

G_END_DECLS
