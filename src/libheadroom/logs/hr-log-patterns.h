/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-log.h"

G_BEGIN_DECLS

/*
 * HrLogFigurePattern:
 * @group: the group of the pattern that has the number
 * @unit_group: (nullable): the group that has the unit, where the program writes it
 * @percent_group: (nullable): the group that says how many percent of the number are meant
 * @term: what the number is
 * @unit: the bytes of the unit, or 1 for a count
 */
typedef struct
{
  char *group;
  char *unit_group;
  char *percent_group;
  HrLogTerm term;
  guint64 unit;
} HrLogFigurePattern;

/*
 * HrLogLinePattern:
 * @has: a text that each such line has, which is looked for first
 * @regex: what the line looks like
 * @figures: (element-type HrLogFigurePattern): its figures
 * @has_device: whether it names the device that it is about
 * @adds: whether lines about one device are about several things there, which add up
 * @cuts: whether numbers without decimals are cut, not rounded
 */
typedef struct
{
  const char *has;
  GRegex *regex;
  GArray *figures;
  gboolean has_device;
  gboolean adds;
  gboolean cuts;
} HrLogLinePattern;

/*
 * HrLogDifference:
 * @term: what is worked out where the program does not say it
 * @from: what it is taken from
 * @less: what is taken away
 */
typedef struct
{
  HrLogTerm term;
  HrLogTerm from;
  HrLogTerm less;
} HrLogDifference;

/*
 * HrLogProgram:
 * @id: such as `vllm`
 * @name: such as `vLLM`
 * @is_engine: whether it runs models, rather than looking on
 * @versions: (element-type GRegex): what tells its version, each with a group `version`
 * @starts: (element-type utf8): what it writes when it starts
 * @host: (nullable): what devices are called that are no GPUs
 * @rank: (nullable): what tells which of several processes writes, with a group `device`
 * @lines: (element-type HrLogLinePattern): what it says of memory
 * @differences: (element-type HrLogDifference): what follows from what it says
 */
typedef struct
{
  const char *id;
  const char *name;
  gboolean is_engine;
  GPtrArray *versions;
  GPtrArray *starts;
  GRegex *host;
  GRegex *rank;
  GArray *lines;
  GArray *differences;
} HrLogProgram;

const GPtrArray *_hr_log_programs_get (void);

G_END_DECLS
