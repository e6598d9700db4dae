/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"

G_BEGIN_DECLS

/**
 * HrLaunchFile: (skip)
 * @id: a short name for the command line, such as `deepspeed`
 * @title: what it is, in the user’s language
 * @name: what to call the file
 * @programs: (array zero-terminated=1): the programs that take it, with their versions; one may be there more than once
 * @sources: (array zero-terminated=1): where it is said what each of them takes
 * @text: the contents
 *
 * A file with settings that a program is launched with.
 */
typedef struct
{
  const char *id;
  const char *title;
  const char *name;
  char **programs;
  char **sources;
  char *text;
} HrLaunchFile;

/**
 * HrLaunch: (skip)
 * @files: (element-type HrLaunchFile): the files
 * @refusal: (nullable): why the framework does not start the job, in the user's language
 * @unsaid: (array zero-terminated=1): settings that differ from their defaults and that none of the files says
 *
 * What to launch a job with.
 */
typedef struct
{
  GPtrArray *files;
  char *refusal;
  char **unsaid;
} HrLaunch;

HrLaunch *hr_launch_new  (HrModel         *model,
                          HrJob           *job,
                          guint            n_gpus,
                          GError         **error) G_GNUC_WARN_UNUSED_RESULT;
void      hr_launch_free (HrLaunch        *self);
char     *hr_launch_dup_unsaid (const HrLaunch *self,
                                HrJob          *job) G_GNUC_WARN_UNUSED_RESULT;
char     *hr_launch_dup_notes  (const HrLaunch *self,
                                HrJob          *job) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLaunch, hr_launch_free)

G_END_DECLS
