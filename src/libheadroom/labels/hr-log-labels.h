/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-log.h"

G_BEGIN_DECLS

const char *hr_log_term_get_label (HrLogTerm term);

G_END_DECLS
