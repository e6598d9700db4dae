/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

gboolean  hr_upcast_takes       (HrUpcast        self,
                                 HrTensorRole    role,
                                 const char     *name);
HrElement hr_upcast_get_element (const HrReplay *replay,
                                 HrTensorRole    role,
                                 const char     *name);

G_END_DECLS
