/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate-private.h"
#include "hr-inference-job.h"
#include "hr-serving-layout.h"
#include "hr-serving-plan.h"

G_BEGIN_DECLS

/**
 * HrServingStart:
 * @model: the model
 * @job: a job of the engine
 * @gpu: (nullable): the GPU to run on
 * @layout: how the ranks work together
 * @length: how many tokens a request has, prompt and output
 * @requests: how many requests each group of ranks has at once
 *
 * What an engine is started with.
 */
typedef struct
{
  HrModel *model;
  HrInferenceJob *job;
  HrGpu *gpu;
  HrServingLayout layout;
  guint64 length;
  guint64 requests;
} HrServingStart;

/**
 * HrServingShare:
 * @part: (nullable): what the rank has of the model, where it has not all
 * @pass: how that is stored, and what is generated
 * @replay: its trial run
 * @weights: what is counted of its weights
 * @room: the tokens or blocks that there is room for in its cache
 *
 * What a kind of rank has and takes; the head of what an engine knows of it.
 */
typedef struct
{
  HrModel *part;
  HrInferencePlan pass;
  HrReplay replay;
  HrWeights weights;
  guint64 room;
} HrServingShare;

/**
 * HrServingEngine:
 * @share_size: what an engine's #HrServingShare takes
 * @init_plan: fills in what the job leaves open; returns the plan within the share, or %NULL with the error set
 * @measure: says what the rank takes, and sets its room
 * @warn: writes down what there is to say of the rank with the least room, which all have by then
 * @create_estimate: makes an estimate of a rank
 *
 * What differs from one engine that serves requests to the next.
 */
typedef struct
{
  gsize share_size;
  HrServingPlan *(*init_plan) (gpointer               share,
                               const HrServingStart  *start,
                               GError               **error);
  void (*measure) (gpointer              share,
                   const HrServingStart *start);
  void (*warn) (gpointer              share,
                const HrServingStart *start);
  HrEstimate *(*create_estimate) (gpointer              share,
                                  const HrServingStart *start,
                                  HrEstimateDetail      detail);
} HrServingEngine;

HrEstimate *hr_serving_estimate_ranks (const HrServingEngine  *engine,
                                       HrModel                *model,
                                       HrInferenceJob         *job,
                                       HrGpu                  *gpu,
                                       guint                   n_gpus,
                                       HrEstimateDetail        detail,
                                       GError                **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
