/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * HrLocalModel:
 * @id: what the model is called, as `org/name`
 * @folder: the folder that holds it
 *
 * A model in the cache of a hub on this computer.
 */
typedef struct
{
  char *id;
  GFile *folder;
} HrLocalModel;

GPtrArray *hr_local_models_list (void) G_GNUC_WARN_UNUSED_RESULT;
GFile     *hr_local_models_find (const char *id) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
