/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *hr_compose_dup_command (const char *text) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
