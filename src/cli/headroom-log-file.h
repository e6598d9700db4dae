/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom.h"

G_BEGIN_DECLS

HrLog *headroom_log_file_read (const char  *path,
                               GError     **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
