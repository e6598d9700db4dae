/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-quantizer.h"

G_BEGIN_DECLS

gboolean hr_quantization_config_read (HrJson       *settings,
                                      const char   *model_type,
                                      const char   *expert_dtype,
                                      HrQuantizer **quantizer,
                                      char        **unknown,
                                      GPtrArray    *warnings,
                                      GError      **error);

G_END_DECLS
