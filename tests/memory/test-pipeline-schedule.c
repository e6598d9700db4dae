/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What ranks of a pipeline keep, against the lists of actions that torch 2.14.1 makes for each of them
 * (_calculate_single_rank_operations of torch/distributed/pipelining/schedules.py), counted there.
 */

#include "hr-pipeline-schedule.h"

#define MAX_RANKS 8

static const struct
{
  HrPipelineSchedule schedule;
  guint64 n_ranks;
  guint64 n_parts;
  guint64 n_micro_batches;
  HrPipelineLoad loads[MAX_RANKS];
} cases[] = {
  { HR_PIPELINE_SCHEDULE_1F1B, 2, 2, 2, { { 4, 0, 2 }, { 3, 0, 2 }, { 4, 0, 2 }, { 3, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 2, 2, 4, { { 5, 0, 3 }, { 3, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 2, 2, 8, { { 5, 0, 3 }, { 3, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 2, 2, 10, { { 5, 0, 3 }, { 3, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 2, 3, 2, { { 6, 0, 2 }, { 5, 0, 2 }, { 6, 0, 2 }, { 5, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 2, 3, 4, { { 7, 0, 3 }, { 5, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 2, 3, 8, { { 7, 0, 3 }, { 5, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 2, 3, 10, { { 7, 0, 3 }, { 5, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 3, 2, 2, { { 4, 0, 2 }, { 4, 0, 2 }, { 3, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 3, 2, 3, { { 6, 0, 3 }, { 6, 0, 3 }, { 4, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 3, 2, 6, { { 8, 0, 5 }, { 6, 0, 3 }, { 4, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 3, 2, 12, { { 8, 0, 5 }, { 6, 0, 3 }, { 4, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 3, 2, 15, { { 8, 0, 5 }, { 6, 0, 3 }, { 4, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 3, 3, 2, { { 6, 0, 2 }, { 6, 0, 2 }, { 5, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 3, 3, 3, { { 9, 0, 3 }, { 9, 0, 3 }, { 7, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 3, 3, 6, { { 11, 0, 5 }, { 9, 0, 3 }, { 7, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 3, 3, 12, { { 11, 0, 5 }, { 9, 0, 3 }, { 7, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 3, 3, 15, { { 11, 0, 5 }, { 9, 0, 3 }, { 7, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 2, 1, { { 2, 0, 1 }, { 2, 0, 1 }, { 2, 0, 1 }, { 2, 0, 1 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 2, 2, { { 4, 0, 2 }, { 4, 0, 2 }, { 4, 0, 2 }, { 3, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 2, 4, { { 8, 0, 4 }, { 8, 0, 4 }, { 7, 0, 4 }, { 5, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 2, 8, { { 11, 0, 7 }, { 9, 0, 5 }, { 7, 0, 4 }, { 5, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 2, 16, { { 11, 0, 7 }, { 9, 0, 5 }, { 7, 0, 4 }, { 5, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 2, 20, { { 11, 0, 7 }, { 9, 0, 5 }, { 7, 0, 4 }, { 5, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 3, 1, { { 3, 0, 1 }, { 3, 0, 1 }, { 3, 0, 1 }, { 3, 0, 1 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 3, 2, { { 6, 0, 2 }, { 6, 0, 2 }, { 6, 0, 2 }, { 5, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 3, 4, { { 12, 0, 4 }, { 12, 0, 4 }, { 11, 0, 4 }, { 9, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 3, 8, { { 15, 0, 7 }, { 13, 0, 5 }, { 11, 0, 4 }, { 9, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 3, 16, { { 15, 0, 7 }, { 13, 0, 5 }, { 11, 0, 4 }, { 9, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 4, 3, 20, { { 15, 0, 7 }, { 13, 0, 5 }, { 11, 0, 4 }, { 9, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 8, 2, 2, { { 4, 0, 2 }, { 4, 0, 2 }, { 4, 0, 2 }, { 4, 0, 2 }, { 4, 0, 2 }, { 4,
    0, 2 }, { 4, 0, 2 }, { 3, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 8, 2, 8, { { 16, 0, 8 }, { 16, 0, 8 }, { 16, 0, 8 }, { 16, 0, 8 }, { 15, 0, 8 },
    { 13, 0, 8 }, { 11, 0, 8 }, { 9, 0, 8 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 8, 2, 16, { { 23, 0, 15 }, { 21, 0, 13 }, { 19, 0, 11 }, { 17, 0, 9 }, { 15, 0,
    8 }, { 13, 0, 8 }, { 11, 0, 8 }, { 9, 0, 8 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 8, 2, 32, { { 23, 0, 15 }, { 21, 0, 13 }, { 19, 0, 11 }, { 17, 0, 9 }, { 15, 0,
    8 }, { 13, 0, 8 }, { 11, 0, 8 }, { 9, 0, 8 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 8, 2, 40, { { 23, 0, 15 }, { 21, 0, 13 }, { 19, 0, 11 }, { 17, 0, 9 }, { 15, 0,
    8 }, { 13, 0, 8 }, { 11, 0, 8 }, { 9, 0, 8 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 8, 3, 2, { { 6, 0, 2 }, { 6, 0, 2 }, { 6, 0, 2 }, { 6, 0, 2 }, { 6, 0, 2 }, { 6,
    0, 2 }, { 6, 0, 2 }, { 5, 0, 2 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 8, 3, 8, { { 24, 0, 8 }, { 24, 0, 8 }, { 24, 0, 8 }, { 24, 0, 8 }, { 23, 0, 8 },
    { 21, 0, 8 }, { 19, 0, 8 }, { 17, 0, 8 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 8, 3, 16, { { 31, 0, 15 }, { 29, 0, 13 }, { 27, 0, 11 }, { 25, 0, 9 }, { 23, 0,
    8 }, { 21, 0, 8 }, { 19, 0, 8 }, { 17, 0, 8 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 8, 3, 32, { { 31, 0, 15 }, { 29, 0, 13 }, { 27, 0, 11 }, { 25, 0, 9 }, { 23, 0,
    8 }, { 21, 0, 8 }, { 19, 0, 8 }, { 17, 0, 8 } } },
  { HR_PIPELINE_SCHEDULE_1F1B, 8, 3, 40, { { 31, 0, 15 }, { 29, 0, 13 }, { 27, 0, 11 }, { 25, 0, 9 }, { 23, 0,
    8 }, { 21, 0, 8 }, { 19, 0, 8 }, { 17, 0, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 1, 2, { { 2, 1, 2 }, { 2, 2, 2 }, { 2, 1, 2 }, { 2, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 1, 4, { { 2, 1, 2 }, { 2, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 1, 8, { { 2, 1, 2 }, { 2, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 1, 10, { { 2, 1, 2 }, { 2, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 2, 2, { { 4, 1, 2 }, { 4, 2, 2 }, { 4, 1, 2 }, { 4, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 2, 4, { { 4, 1, 2 }, { 4, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 2, 8, { { 4, 1, 2 }, { 4, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 2, 10, { { 4, 1, 2 }, { 4, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 3, 2, { { 6, 1, 2 }, { 6, 2, 2 }, { 6, 1, 2 }, { 6, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 3, 4, { { 6, 1, 2 }, { 6, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 3, 8, { { 6, 1, 2 }, { 6, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 3, 10, { { 6, 1, 2 }, { 6, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 1, 2, { { 2, 1, 2 }, { 2, 2, 2 }, { 2, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 1, 3, { { 3, 1, 3 }, { 3, 2, 3 }, { 3, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 1, 6, { { 3, 1, 3 }, { 3, 2, 3 }, { 3, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 1, 12, { { 3, 1, 3 }, { 3, 2, 3 }, { 3, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 1, 15, { { 3, 1, 3 }, { 3, 2, 3 }, { 3, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 2, 2, { { 4, 1, 2 }, { 4, 2, 2 }, { 4, 3, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 2, 3, { { 6, 1, 3 }, { 6, 2, 3 }, { 6, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 2, 6, { { 6, 1, 3 }, { 6, 2, 3 }, { 6, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 2, 12, { { 6, 1, 3 }, { 6, 2, 3 }, { 6, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 2, 15, { { 6, 1, 3 }, { 6, 2, 3 }, { 6, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 3, 2, { { 6, 1, 2 }, { 6, 2, 2 }, { 6, 3, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 3, 3, { { 9, 1, 3 }, { 9, 2, 3 }, { 9, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 3, 6, { { 9, 1, 3 }, { 9, 2, 3 }, { 9, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 3, 12, { { 9, 1, 3 }, { 9, 2, 3 }, { 9, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 3, 3, 15, { { 9, 1, 3 }, { 9, 2, 3 }, { 9, 3, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 1, 1, { { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 1, 2, { { 2, 1, 2 }, { 2, 2, 2 }, { 2, 2, 2 }, { 2, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 1, 4, { { 4, 1, 4 }, { 4, 2, 4 }, { 4, 3, 4 }, { 4, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 1, 8, { { 4, 1, 4 }, { 4, 2, 4 }, { 4, 3, 4 }, { 4, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 1, 16, { { 4, 1, 4 }, { 4, 2, 4 }, { 4, 3, 4 }, { 4, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 1, 20, { { 4, 1, 4 }, { 4, 2, 4 }, { 4, 3, 4 }, { 4, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 2, 1, { { 2, 1, 1 }, { 2, 2, 1 }, { 2, 2, 1 }, { 2, 2, 1 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 2, 2, { { 4, 1, 2 }, { 4, 2, 2 }, { 4, 3, 2 }, { 4, 4, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 2, 4, { { 8, 1, 4 }, { 8, 2, 4 }, { 8, 3, 4 }, { 8, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 2, 8, { { 8, 1, 4 }, { 8, 2, 4 }, { 8, 3, 4 }, { 8, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 2, 16, { { 8, 1, 4 }, { 8, 2, 4 }, { 8, 3, 4 }, { 8, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 2, 20, { { 8, 1, 4 }, { 8, 2, 4 }, { 8, 3, 4 }, { 8, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 3, 1, { { 3, 1, 1 }, { 3, 2, 1 }, { 3, 3, 1 }, { 3, 3, 1 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 3, 2, { { 6, 1, 2 }, { 6, 2, 2 }, { 6, 3, 2 }, { 6, 4, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 3, 4, { { 12, 1, 4 }, { 12, 2, 4 }, { 12, 3, 4 }, { 12, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 3, 8, { { 12, 1, 4 }, { 12, 2, 4 }, { 12, 3, 4 }, { 12, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 3, 16, { { 12, 1, 4 }, { 12, 2, 4 }, { 12, 3, 4 }, { 12, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 4, 3, 20, { { 12, 1, 4 }, { 12, 2, 4 }, { 12, 3, 4 }, { 12, 4, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 1, 2, { { 2, 1, 2 }, { 2, 2, 2 }, { 2, 2, 2 }, { 2, 2, 2 }, { 2, 2, 2 }, { 2,
    2, 2 }, { 2, 2, 2 }, { 2, 2, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 1, 8, { { 8, 1, 8 }, { 8, 2, 8 }, { 8, 3, 8 }, { 8, 4, 8 }, { 8, 5, 8 }, { 8,
    6, 8 }, { 8, 7, 8 }, { 8, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 1, 16, { { 8, 1, 8 }, { 8, 2, 8 }, { 8, 3, 8 }, { 8, 4, 8 }, { 8, 5, 8 }, {
    8, 6, 8 }, { 8, 7, 8 }, { 8, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 1, 32, { { 8, 1, 8 }, { 8, 2, 8 }, { 8, 3, 8 }, { 8, 4, 8 }, { 8, 5, 8 }, {
    8, 6, 8 }, { 8, 7, 8 }, { 8, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 1, 40, { { 8, 1, 8 }, { 8, 2, 8 }, { 8, 3, 8 }, { 8, 4, 8 }, { 8, 5, 8 }, {
    8, 6, 8 }, { 8, 7, 8 }, { 8, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 2, 2, { { 4, 1, 2 }, { 4, 2, 2 }, { 4, 3, 2 }, { 4, 4, 2 }, { 4, 4, 2 }, { 4,
    4, 2 }, { 4, 4, 2 }, { 4, 4, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 2, 8, { { 16, 1, 8 }, { 16, 2, 8 }, { 16, 3, 8 }, { 16, 4, 8 }, { 16, 5, 8 },
    { 16, 6, 8 }, { 16, 7, 8 }, { 16, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 2, 16, { { 16, 1, 8 }, { 16, 2, 8 }, { 16, 3, 8 }, { 16, 4, 8 }, { 16, 5, 8
    }, { 16, 6, 8 }, { 16, 7, 8 }, { 16, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 2, 32, { { 16, 1, 8 }, { 16, 2, 8 }, { 16, 3, 8 }, { 16, 4, 8 }, { 16, 5, 8
    }, { 16, 6, 8 }, { 16, 7, 8 }, { 16, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 2, 40, { { 16, 1, 8 }, { 16, 2, 8 }, { 16, 3, 8 }, { 16, 4, 8 }, { 16, 5, 8
    }, { 16, 6, 8 }, { 16, 7, 8 }, { 16, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 3, 2, { { 6, 1, 2 }, { 6, 2, 2 }, { 6, 3, 2 }, { 6, 4, 2 }, { 6, 5, 2 }, { 6,
    6, 2 }, { 6, 6, 2 }, { 6, 6, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 3, 8, { { 24, 1, 8 }, { 24, 2, 8 }, { 24, 3, 8 }, { 24, 4, 8 }, { 24, 5, 8 },
    { 24, 6, 8 }, { 24, 7, 8 }, { 24, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 3, 16, { { 24, 1, 8 }, { 24, 2, 8 }, { 24, 3, 8 }, { 24, 4, 8 }, { 24, 5, 8
    }, { 24, 6, 8 }, { 24, 7, 8 }, { 24, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 3, 32, { { 24, 1, 8 }, { 24, 2, 8 }, { 24, 3, 8 }, { 24, 4, 8 }, { 24, 5, 8
    }, { 24, 6, 8 }, { 24, 7, 8 }, { 24, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 8, 3, 40, { { 24, 1, 8 }, { 24, 2, 8 }, { 24, 3, 8 }, { 24, 4, 8 }, { 24, 5, 8
    }, { 24, 6, 8 }, { 24, 7, 8 }, { 24, 8, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 2, 2, 2, { { 3, 1, 2 }, { 4, 1, 2 }, { 3, 1, 2 }, { 4, 1, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 2, 2, 4, { { 4, 1, 3 }, { 4, 1, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 2, 2, 8, { { 4, 1, 3 }, { 4, 1, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 2, 2, 9, { { 4, 1, 3 }, { 4, 1, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 3, 2, 2, { { 3, 1, 2 }, { 4, 1, 2 }, { 4, 1, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 3, 2, 3, { { 4, 1, 3 }, { 5, 1, 3 }, { 6, 1, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 3, 2, 6, { { 6, 1, 5 }, { 6, 1, 4 }, { 6, 1, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 3, 2, 12, { { 6, 1, 5 }, { 6, 1, 4 }, { 6, 1, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 3, 2, 13, { { 6, 1, 5 }, { 6, 1, 4 }, { 6, 1, 3 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 4, 2, 1, { { 2, 1, 1 }, { 2, 1, 1 }, { 2, 1, 1 }, { 2, 1, 1 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 4, 2, 2, { { 3, 1, 2 }, { 4, 1, 2 }, { 4, 1, 2 }, { 4, 1, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 4, 2, 4, { { 5, 1, 4 }, { 6, 1, 4 }, { 7, 1, 4 }, { 8, 1, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 4, 2, 8, { { 8, 1, 7 }, { 8, 1, 6 }, { 8, 1, 5 }, { 8, 1, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 4, 2, 16, { { 8, 1, 7 }, { 8, 1, 6 }, { 8, 1, 5 }, { 8, 1, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 4, 2, 17, { { 8, 1, 7 }, { 8, 1, 6 }, { 8, 1, 5 }, { 8, 1, 4 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 8, 2, 2, { { 3, 1, 2 }, { 4, 1, 2 }, { 4, 1, 2 }, { 4, 1, 2 }, { 4, 1, 2 }, { 4, 1, 2 },
    { 4, 1, 2 }, { 4, 1, 2 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 8, 2, 8, { { 9, 1, 8 }, { 10, 1, 8 }, { 11, 1, 8 }, { 12, 1, 8 }, { 13, 1, 8 }, { 14, 1,
    8 }, { 15, 1, 8 }, { 16, 1, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 8, 2, 16, { { 16, 1, 15 }, { 16, 1, 14 }, { 16, 1, 13 }, { 16, 1, 12 }, { 16, 1, 11 }, {
    16, 1, 10 }, { 16, 1, 9 }, { 16, 1, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 8, 2, 32, { { 16, 1, 15 }, { 16, 1, 14 }, { 16, 1, 13 }, { 16, 1, 12 }, { 16, 1, 11 }, {
    16, 1, 10 }, { 16, 1, 9 }, { 16, 1, 8 } } },
  { HR_PIPELINE_SCHEDULE_ZBV, 8, 2, 33, { { 16, 1, 15 }, { 16, 1, 14 }, { 16, 1, 13 }, { 16, 1, 12 }, { 16, 1, 11 }, {
    16, 1, 10 }, { 16, 1, 9 }, { 16, 1, 8 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 2, 2, 4, { { 5, 0, 4 }, { 5, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 2, 2, 5, { { 5, 0, 4 }, { 5, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 2, 2, 8, { { 5, 0, 4 }, { 5, 0, 3 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 3, 2, 6, { { 7, 0, 6 }, { 7, 0, 5 }, { 7, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 3, 2, 7, { { 7, 0, 6 }, { 7, 0, 5 }, { 7, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 3, 2, 12, { { 7, 0, 6 }, { 7, 0, 5 }, { 7, 0, 4 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 4, 2, 8, { { 9, 0, 8 }, { 9, 0, 7 }, { 9, 0, 6 }, { 9, 0, 5 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 4, 2, 9, { { 9, 0, 8 }, { 9, 0, 7 }, { 9, 0, 6 }, { 9, 0, 5 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 4, 2, 16, { { 9, 0, 8 }, { 9, 0, 7 }, { 9, 0, 6 }, { 9, 0, 5 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 8, 2, 16, { { 17, 0, 16 }, { 17, 0, 15 }, { 17, 0, 14 }, { 17, 0, 13 }, { 17, 0,
    12 }, { 17, 0, 11 }, { 17, 0, 10 }, { 17, 0, 9 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 8, 2, 17, { { 17, 0, 16 }, { 17, 0, 15 }, { 17, 0, 14 }, { 17, 0, 13 }, { 17, 0,
    12 }, { 17, 0, 11 }, { 17, 0, 10 }, { 17, 0, 9 } } },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 8, 2, 32, { { 17, 0, 16 }, { 17, 0, 15 }, { 17, 0, 14 }, { 17, 0, 13 }, { 17, 0,
    12 }, { 17, 0, 11 }, { 17, 0, 10 }, { 17, 0, 9 } } },
};

static void
ranks_keep_what_torch_has_them_run (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_true (hr_pipeline_schedule_is_known (cases[i].schedule, cases[i].n_ranks, cases[i].n_parts,
                                                    cases[i].n_micro_batches));
      for (guint64 rank = 0; rank < cases[i].n_ranks; rank++)
        {
          const HrPipelineLoad *expected = &cases[i].loads[rank];
          HrPipelineLoad load;

          hr_pipeline_schedule_count (cases[i].schedule, cases[i].n_ranks, cases[i].n_parts, cases[i].n_micro_batches,
                                      rank, &load);
          g_assert_cmpuint (load.n_kept, ==, expected->n_kept);
          g_assert_cmpuint (load.n_waiting, ==, expected->n_waiting);
          g_assert_cmpuint (load.n_first, ==, expected->n_first);
        }
    }
}

/* What a rank computes: F a forward pass, B a backward pass, I gradients of inputs, W of weights; part.micro-batch. */
static const struct
{
  HrPipelineSchedule schedule;
  guint64 n_ranks;
  guint64 n_parts;
  guint64 n_micro_batches;
  guint64 rank;
  const char *actions;
} lists[] = {
  { HR_PIPELINE_SCHEDULE_1F1B, 2, 2, 4, 0,
    "F0.0 F0.1 F1.0 F1.1 F0.2 B1.0 F0.3 B1.1 F1.2 B0.0 F1.3 B0.1 B1.2 B1.3 B0.2 B0.3" },
  { HR_PIPELINE_SCHEDULE_1F1B, 2, 2, 4, 1,
    "F0.0 F0.1 F1.0 B1.0 F1.1 B1.1 F0.2 B0.0 F0.3 B0.1 F1.2 B1.2 F1.3 B1.3 B0.2 B0.3" },
  { HR_PIPELINE_SCHEDULE_GPIPE, 2, 2, 2, 0,
    "F0.0 F0.1 F1.0 F1.1 B1.1 B1.0 B0.1 B0.0" },
  { HR_PIPELINE_SCHEDULE_GPIPE, 2, 2, 2, 1,
    "F0.0 F0.1 F1.0 F1.1 B1.1 B1.0 B0.1 B0.0" },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 1, 3, 0,
    "F0.0 F0.1 I0.0 W0.0 F0.2 I0.1 W0.1 I0.2 W0.2" },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 1, 3, 1,
    "F0.0 I0.0 F0.1 I0.1 W0.0 F0.2 I0.2 W0.1 W0.2" },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 2, 2, 0,
    "F0.0 F0.1 F1.0 F1.1 I1.0 W1.0 I1.1 W1.1 I0.0 W0.0 I0.1 W0.1" },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 2, 2, 1,
    "F0.0 F0.1 F1.0 I1.0 F1.1 I1.1 W1.0 I0.0 W1.1 I0.1 W0.0 W0.1" },
  { HR_PIPELINE_SCHEDULE_ZBV, 2, 2, 3, 0,
    "F0.0 F0.1 F0.2 F1.0 I1.0 W1.0 F1.1 I1.1 W1.1 I0.0 W0.0 F1.2 I1.2 W1.2 I0.1 W0.1 I0.2 W0.2" },
  { HR_PIPELINE_SCHEDULE_ZBV, 2, 2, 3, 1,
    "F0.0 F1.0 F0.1 F1.1 I1.0 W1.0 F0.2 I0.0 W0.0 F1.2 I1.1 W1.1 I0.1 I1.2 I0.2 W0.1 W1.2 W0.2" },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 2, 2, 4, 0,
    "F0.0 F0.1 F0.2 F1.0 I1.0 W1.0 F1.1 F0.3 B1.1 F1.2 B0.0 B1.2 F1.3 B0.1 B1.3 I0.2 W0.2 I0.3 W0.3" },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 2, 2, 4, 1,
    "F0.0 F1.0 F0.1 F1.1 F0.2 B1.0 F1.2 B0.0 F0.3 B1.1 F1.3 B0.1 B1.2 B0.2 I1.3 I0.3 W1.3 W0.3" },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 3, 2, 7, 0,
    "F0.0 F0.1 F0.2 F0.3 F0.4 F1.0 I1.0 W1.0 F1.1 I1.1 W1.1 F1.2 F0.5 B1.2 F1.3 B0.0 F0.6 B1.3 F1.4 B0.1 "
    "B1.4 F1.5 B0.2 B1.5 F1.6 B0.3 B1.6 I0.4 W0.4 I0.5 W0.5 I0.6 W0.6" },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 3, 2, 7, 1,
    "F0.0 F0.1 F0.2 F1.0 F0.3 F1.1 I1.0 W1.0 F1.2 F0.4 B1.1 F1.3 B0.0 F0.5 B1.2 F1.4 B0.1 F0.6 B1.3 F1.5 "
    "B0.2 B1.4 F1.6 B0.3 B1.5 B0.4 I1.6 I0.5 W1.6 I0.6 W0.5 W0.6" },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 3, 2, 7, 2,
    "F0.0 F1.0 F0.1 F1.1 F0.2 F1.2 F0.3 B1.0 F1.3 B0.0 F0.4 B1.1 F1.4 B0.1 F0.5 B1.2 F1.5 B0.2 F0.6 B1.3 "
    "F1.6 B0.3 B1.4 B0.4 B1.5 I0.5 I1.6 I0.6 W0.5 W1.6 W0.6" },
};

static void
ranks_compute_what_torch_has_them_compute (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autoptr (GArray) actions = hr_pipeline_schedule_list (lists[i].schedule, lists[i].n_ranks, lists[i].n_parts,
                                                              lists[i].n_micro_batches, lists[i].rank);
      g_autoptr (GString) text = g_string_new (NULL);

      for (guint j = 0; j < actions->len; j++)
        {
          const HrPipelineAction *action = &g_array_index (actions, HrPipelineAction, j);

          g_string_append_printf (text, "%s%c%u.%u", j > 0 ? " " : "", "FBIW"[action->kind], action->part,
                                  action->micro_batch);
        }
      g_assert_cmpstr (text->str, ==, lists[i].actions);
    }
}

static void
simple_schedules_keep_all_or_those_of_stages_behind (void)
{
  for (guint64 rank = 0; rank < 4; rank++)
    {
      HrPipelineLoad all, behind;

      hr_pipeline_schedule_count (HR_PIPELINE_SCHEDULE_GPIPE, 4, 1, 16, rank, &all);
      hr_pipeline_schedule_count (HR_PIPELINE_SCHEDULE_1F1B, 4, 1, 16, rank, &behind);
      g_assert_cmpuint (all.n_kept, ==, 16);
      g_assert_cmpuint (behind.n_kept, ==, 4 - rank);
    }
}

static void
schedules_say_what_they_are_for (void)
{
  g_assert_false (hr_pipeline_schedule_is_known (HR_PIPELINE_SCHEDULE_ZBV, 4, 1, 8));
  g_assert_false (hr_pipeline_schedule_is_known (HR_PIPELINE_SCHEDULE_1F1B, 4, 2, 9));
  g_assert_true (hr_pipeline_schedule_is_known (HR_PIPELINE_SCHEDULE_1F1B, 4, 2, 12));
  g_assert_false (hr_pipeline_schedule_is_known (HR_PIPELINE_SCHEDULE_GPIPE, 1, 1, 8));
  g_assert_false (hr_pipeline_schedule_is_known (HR_PIPELINE_SCHEDULE_DUALPIPE_V, 4, 2, 7));
  g_assert_false (hr_pipeline_schedule_is_known (HR_PIPELINE_SCHEDULE_GPIPE, 4, 1, G_MAXUINT32));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name) g_test_add_func ("/pipeline-schedule/" #name, name)
  ADD (ranks_keep_what_torch_has_them_run);
  ADD (ranks_compute_what_torch_has_them_compute);
  ADD (simple_schedules_keep_all_or_those_of_stages_behind);
  ADD (schedules_say_what_they_are_for);
#undef ADD

  return g_test_run ();
}
