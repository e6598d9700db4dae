/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"

guint64 get_component_bytes (HrEstimate    *estimate,
                             HrComponentId  id);
guint64 get_phase_bytes     (HrEstimate    *estimate,
                             HrPhaseId      id);
guint64 get_allocated_bytes (HrEstimate *estimate);
guint64 get_beside_bytes    (HrEstimate *estimate);
guint64 get_handed_out      (HrEstimate *estimate,
                             HrPhaseId   id);
gboolean has_warning       (HrEstimate *estimate,
                             const char *part);
gboolean is_new_kind       (GHashTable *seen,
                             HrModel    *model);
