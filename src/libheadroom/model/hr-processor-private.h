/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-processor.h"
#include "hr-scope.h"

G_BEGIN_DECLS

gboolean      hr_processor_check        (HrJson                  *section,
                                         GError                 **error);
gboolean      hr_processor_read         (HrProcessor             *self,
                                         HrJson                  *section,
                                         HrScope                 *scope,
                                         HrJson                  *image_file,
                                         HrJson                  *video_file,
                                         GError                 **error);
gboolean      hr_processor_smart_resize (const HrProcessorEntry  *entry,
                                         const HrMedium          *medium,
                                         HrMediumTokens          *tokens,
                                         GError                 **error);
gboolean      hr_processor_fixed        (const HrProcessorEntry  *entry,
                                         const HrMedium          *medium,
                                         HrMediumTokens          *tokens,
                                         GError                 **error);
guint64       hr_processor_count_frames (const HrProcessorEntry  *entry,
                                         const HrMedium          *medium);
HrMediumGrid *hr_processor_add_grid     (HrMediumTokens          *tokens,
                                         guint64                  pieces,
                                         guint64                  rows,
                                         guint64                  columns);

G_END_DECLS
