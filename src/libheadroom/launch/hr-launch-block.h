/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <json-glib/json-glib.h>

#include "hr-launch-scope.h"

G_BEGIN_DECLS

/*
 * HrLaunchBlock:
 * @program: the program that takes it, with its version
 * @source: where it is said what the program takes
 * @from: (nullable): in Python, the module that @call is of
 * @call: (nullable): in Python, what is called
 * @variable: (nullable): in Python, the variable that holds what the call gives
 * @command: (nullable): on a command line, the command with its first words
 * @arguments: what is said, objects within objects
 * @references: those of @arguments that are variables of Python
 *
 * A call, a command or the contents of a file.
 */
typedef struct
{
  char *program;
  char *source;
  char *from;
  char *call;
  char *variable;
  char *command;
  JsonObject *arguments;
  GHashTable *references;
} HrLaunchBlock;

gboolean       hr_launch_block_applies (HrJson         *data,
                                        HrLaunchScope  *scope,
                                        gboolean       *applies,
                                        GError        **error);
HrLaunchBlock *hr_launch_block_new     (HrJson         *data,
                                        HrJson         *shared,
                                        HrLaunchScope  *scope,
                                        GHashTable     *said,
                                        GError        **error) G_GNUC_WARN_UNUSED_RESULT;
void           hr_launch_block_free    (HrLaunchBlock  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLaunchBlock, hr_launch_block_free)

G_END_DECLS
