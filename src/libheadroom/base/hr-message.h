/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-error.h"

G_BEGIN_DECLS

char *hr_message_format    (const char  *msgid,
                            va_list      arguments) G_GNUC_PRINTF (1, 0) G_GNUC_WARN_UNUSED_RESULT;
void  hr_message_set_error (GError     **error,
                            HrError      code,
                            const char  *msgid,
                            ...) G_GNUC_PRINTF (3, 4);
void  hr_message_make_line (char        *text);

G_END_DECLS
