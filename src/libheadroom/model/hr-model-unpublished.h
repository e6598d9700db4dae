/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrModelUnpublished: (skip)
 * @name: what people call the model
 * @size: how many parameters it has, as hr_model_parse_size() takes them
 *
 * A model that people know, and of which not every tensor is known.
 */
typedef struct
{
  const char *name;
  const char *size;
} HrModelUnpublished;

const HrModelUnpublished *hr_model_unpublished_find       (const char *text,
                                                           guint      *n_found);
const char               *hr_model_unpublished_get_reason (void);

G_END_DECLS
