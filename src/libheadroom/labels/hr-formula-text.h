/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *hr_formula_to_text         (const char *formula) G_GNUC_WARN_UNUSED_RESULT;
char *hr_formula_to_markup       (const char *formula) G_GNUC_WARN_UNUSED_RESULT;
char *hr_formula_describe_symbol (const char *symbol,
                                  const char *description) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
