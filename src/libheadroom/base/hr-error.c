/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-error.h"

G_DEFINE_QUARK (hr-error-quark, hr_error)
