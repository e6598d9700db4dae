/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-timeline-data.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_TIMELINE_VIEW (headroom_timeline_view_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomTimelineView, headroom_timeline_view, HEADROOM, TIMELINE_VIEW, AdwBin)

GtkWidget *headroom_timeline_view_new    (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_timeline_view_show   (HeadroomTimelineView *self,
                                          HrTimelineData       *data);
void       headroom_timeline_view_select (HeadroomTimelineView *self,
                                          const char           *id);

G_END_DECLS
