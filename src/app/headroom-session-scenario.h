/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-session.h"

G_BEGIN_DECLS

HeadroomPin *headroom_session_create_pin            (HeadroomSession *self,
                                                     const char      *label) G_GNUC_WARN_UNUSED_RESULT;
HrReport    *headroom_session_create_report         (HeadroomSession *self,
                                                     HrUnitSystem     unit_system) G_GNUC_WARN_UNUSED_RESULT;
HrScenario  *headroom_session_create_scenario       (HeadroomSession *self) G_GNUC_WARN_UNUSED_RESULT;
HrScenario  *headroom_session_create_whole_scenario (HeadroomSession *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
