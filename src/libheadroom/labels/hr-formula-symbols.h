/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

guint       hr_formula_get_n_symbols          (void);
const char *hr_formula_get_symbol             (guint        symbol);
const char *hr_formula_get_symbol_description (guint        symbol);
gboolean    hr_formula_find_symbol            (const char  *name,
                                               guint       *symbol);
gboolean    hr_formula_has_symbol             (const char  *formula,
                                               guint        symbol);

G_END_DECLS
