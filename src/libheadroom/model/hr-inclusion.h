/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-scope.h"

G_BEGIN_DECLS

/*
 * The architectures that are part of another one: the language model and the towers of a model that sees and hears.
 */

gboolean hr_inclusion_is_described (HrJson          *stack);
gboolean hr_inclusion_load_all     (HrScope         *scope,
                                    HrArchitecture  *architecture,
                                    GPtrArray       *warnings,
                                    GError         **error);

G_END_DECLS
