/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gguf.h"
#include "hr-json.h"

G_BEGIN_DECLS

/* What differs between the layers of a file: the sections `layers`, `of-layers` and `differs` of its words. */
void hr_gguf_layers_add (HrGguf     *gguf,
                         const char *name,
                         HrJson     *section,
                         GHashTable *config);

G_END_DECLS
