/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-launch-block.h"

G_BEGIN_DECLS

/*
 * HrLaunchSyntax:
 * @HR_LAUNCH_SYNTAX_PYTHON: calls in Python
 * @HR_LAUNCH_SYNTAX_JSON: an object of JSON
 * @HR_LAUNCH_SYNTAX_YAML: YAML
 * @HR_LAUNCH_SYNTAX_TOML: TOML
 * @HR_LAUNCH_SYNTAX_COMMAND_LINE: commands of a POSIX shell
 * @HR_LAUNCH_SYNTAX_MODELFILE: instructions of a Modelfile, in which values are not quoted
 *
 * How launch settings are written.
 */
typedef enum
{
  HR_LAUNCH_SYNTAX_PYTHON,
  HR_LAUNCH_SYNTAX_JSON,
  HR_LAUNCH_SYNTAX_YAML,
  HR_LAUNCH_SYNTAX_TOML,
  HR_LAUNCH_SYNTAX_COMMAND_LINE,
  HR_LAUNCH_SYNTAX_MODELFILE,
} HrLaunchSyntax;

char *hr_launch_text_write (GPtrArray      *blocks,
                            HrLaunchSyntax  syntax) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
