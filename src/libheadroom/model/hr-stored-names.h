/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * What the names of stored tensors tell: checkpoints put the same modules below different ones, and hold more than the
 * parameters of a class.
 */

const char *hr_stored_name_get_canonical (const char *name);
gboolean    hr_stored_name_is_buffer     (const char *name);
gboolean    hr_stored_name_get_layer     (const char *name,
                                          gsize      *prefix_length,
                                          guint      *layer);
gboolean    hr_stored_name_is_next_token (const char *name);
gboolean    hr_stored_name_is_projection (const char *leaf,
                                          const char *projection);

G_END_DECLS
