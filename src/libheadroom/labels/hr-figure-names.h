/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"

G_BEGIN_DECLS

/*
 * HrFigureNames: (skip)
 * @has_allocator: whether a caching allocator stands between what is used and the driver, so that there are two figures
 * @used: what people read off as what is used, in the program's own words
 * @reserved: what they read off as what has been taken from the driver, or %NULL where there is no such figure
 * @is_peak: whether a program without such an allocator tells the peak in the end, and not its buffers when it starts
 *
 * What the program that runs a job calls the figures that an estimate is about.
 */
typedef struct
{
  gboolean has_allocator;
  const char *used;
  const char *reserved;
  gboolean is_peak;
} HrFigureNames;

const HrFigureNames *hr_job_get_figure_names (HrJob *job);

G_END_DECLS
