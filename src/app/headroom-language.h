/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void headroom_language_init (void);
void headroom_language_set  (const char *language);

G_END_DECLS
