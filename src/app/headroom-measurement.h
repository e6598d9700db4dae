/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-report.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_MEASUREMENT (headroom_measurement_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomMeasurement, headroom_measurement, HEADROOM, MEASUREMENT, AdwBin)

void headroom_measurement_read (HeadroomMeasurement *self,
                                const char          *text);
void headroom_measurement_show (HeadroomMeasurement *self,
                                HrReport            *report);

G_END_DECLS
