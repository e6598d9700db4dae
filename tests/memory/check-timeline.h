/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"

void check_timeline (HrEstimate *result);
