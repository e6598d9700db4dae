/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-exllama-plan.h"

G_BEGIN_DECLS

void    hr_exllama_run_layer            (const HrExllamaPlan *plan,
                                         HrReplay            *replay,
                                         const HrLayerClass  *klass,
                                         guint64              tokens,
                                         guint64              context,
                                         gboolean             is_on_host);
void    hr_exllama_run_head             (const HrExllamaPlan *plan,
                                         HrReplay            *replay,
                                         guint64              rows);
guint64 hr_exllama_run_get_buffers      (const HrExllamaPlan *plan,
                                         const HrLayerClass  *klass);

G_END_DECLS
