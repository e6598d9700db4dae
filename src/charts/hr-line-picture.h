/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-chart-picture.h"
#include "hr-chart-style.h"
#include "hr-line-data.h"

G_BEGIN_DECLS

HrChartPicture *hr_line_picture_new (HrLineData    *data,
                                     HrChartScheme  scheme,
                                     const char    *font,
                                     const char    *language) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
