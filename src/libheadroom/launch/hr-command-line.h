/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"

G_BEGIN_DECLS

/**
 * HR_COMMAND_LINE_MAX_BYTES:
 *
 * As much text as a command may have.
 */
#define HR_COMMAND_LINE_MAX_BYTES 65536

/**
 * HrCommandLine: (skip)
 *
 * The command that a server is started with, as somebody has written it.
 */
typedef struct _HrCommandLine HrCommandLine;

HrCommandLine      *hr_command_line_new          (const char           *text,
                                                  GError              **error) G_GNUC_WARN_UNUSED_RESULT;
void                hr_command_line_free         (HrCommandLine        *self);
const char         *hr_command_line_get_model    (const HrCommandLine  *self);
const char * const *hr_command_line_get_unread   (const HrCommandLine  *self);
HrJob              *hr_command_line_create_job   (const HrCommandLine  *self,
                                                  HrModel              *model,
                                                  guint                *n_gpus,
                                                  GError              **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrCommandLine, hr_command_line_free)

G_END_DECLS
