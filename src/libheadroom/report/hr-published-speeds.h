/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-compute.h"

G_BEGIN_DECLS

/**
 * HrPublishedSpeed: (skip)
 * @id: what was measured, in one word
 * @engine: by which program
 * @source: the page that says so
 * @n_parameters: parameters of the model
 * @trains: whether it is a step of training
 * @is_eager: whether each operator is a kernel of its own, which the processor starts
 * @bound: what limits it by the roofline
 * @compute: seconds for the operations at the peak of the data sheet
 * @memory: seconds for the bytes at its bandwidth
 * @streaming: of these the seconds of kernels that multiply no matrices, where each operator is one
 * @n_kernels: kernels that are started then
 * @n_layers: layers that wait for each other, 0 in training
 * @tokens: tokens that go through the model
 * @measured: tokens per second, as published
 * @estimated: the same by the typical time
 * @held_out: the same with efficiencies that were read off all other sources; 0 where these have none of the kind
 *
 * A speed that somebody has measured and published, beside what is estimated.
 */
typedef struct
{
  char *id;
  char *engine;
  char *source;
  guint64 n_parameters;
  gboolean trains;
  gboolean is_eager;
  HrBound bound;
  double compute;
  double memory;
  double streaming;
  guint64 n_kernels;
  guint64 n_layers;
  guint64 tokens;
  double measured;
  double estimated;
  double held_out;
} HrPublishedSpeed;

/**
 * HrSpeedErrors: (skip)
 * @n_fitted: how many speeds are estimated
 * @median: the median of how far that is off, in percent
 * @worst: the largest of that
 * @n_held_out: how many are estimated with efficiencies of other sources
 * @held_out_median: the median of how far that is off, in percent
 * @held_out_worst: the largest of that
 *
 * How far estimates of published speeds are off.
 */
typedef struct
{
  guint n_fitted;
  guint median;
  guint worst;
  guint n_held_out;
  guint held_out_median;
  guint held_out_worst;
} HrSpeedErrors;

GPtrArray *hr_published_speeds_list       (GError         **error) G_GNUC_WARN_UNUSED_RESULT;
void       hr_published_speeds_get_errors (GPtrArray       *speeds,
                                           gboolean         held_out,
                                           guint           *n_speeds,
                                           double          *median,
                                           double          *worst);
const HrSpeedErrors *hr_published_speeds_get_stated (void);
gboolean   hr_published_speed_waits       (const HrPublishedSpeed *self);
double     hr_published_speed_get_share   (const HrPublishedSpeed *self);
char      *hr_published_speeds_dup_summary (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
