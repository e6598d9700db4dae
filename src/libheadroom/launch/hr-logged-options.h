/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"

G_BEGIN_DECLS

gboolean hr_logged_options_parse (HrJson      *lines,
                                  const char  *text,
                                  char      ***words,
                                  char       **quantization,
                                  GError     **error);

G_END_DECLS
