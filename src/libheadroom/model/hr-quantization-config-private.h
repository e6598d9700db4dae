/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-quantizer.h"

G_BEGIN_DECLS

#define HR_QUANTIZATION_MAX_GROUP_SIZE (1 << 24)

/**
 * HrQuantizationContext:
 * @settings: what a config says about the quantization
 * @model_type: (nullable): the type of the model
 * @expert_dtype: (nullable): what the config says that the experts are stored in
 * @warnings: (element-type utf8): where what is not understood is added
 *
 * What those who read the settings of a method need.
 */
typedef struct
{
  HrJson *settings;
  const char *model_type;
  const char *expert_dtype;
  GPtrArray *warnings;
} HrQuantizationContext;

HrMatrixFormat *hr_quantization_get_only_format (HrQuantizer *quantizer);
gboolean        hr_quantization_get_group_size  (HrJson       *settings,
                                                 const char   *key,
                                                 guint64      *group_size,
                                                 GError      **error);
gboolean hr_quantization_add_patterns    (const HrQuantizationContext  *context,
                                          HrJson                       *array,
                                          HrModulePatterns             *patterns,
                                          GError                      **error);
gboolean hr_quantization_read_skipped    (const HrQuantizationContext  *context,
                                          HrJson                       *settings,
                                          const char                   *key,
                                          HrPatternStyle                style,
                                          HrQuantizer                  *quantizer,
                                          GError                      **error);
gboolean hr_quantization_read_modules_to_not_convert (const HrQuantizationContext  *context,
                                                      const char                   *key,
                                                      HrQuantizer                  *quantizer,
                                                      GError                      **error);
gboolean hr_quantization_read_compressed (const HrQuantizationContext  *context,
                                          HrQuantizer                 **quantizer,
                                          GError                      **error);
gboolean hr_quantization_read_modelopt (const HrQuantizationContext  *context,
                                        HrQuantizer                 **quantizer,
                                        GError                      **error);
gboolean hr_quantization_read_hqq (const HrQuantizationContext  *context,
                                   HrQuantizer                 **quantizer,
                                   GError                      **error);
gboolean hr_quantization_read_quanto (const HrQuantizationContext  *context,
                                      HrQuantizer                 **quantizer,
                                      GError                      **error);
gboolean hr_quantization_read_eetq (const HrQuantizationContext  *context,
                                    HrQuantizer                 **quantizer,
                                    GError                      **error);
gboolean hr_quantization_read_torchao (const HrQuantizationContext  *context,
                                       HrQuantizer                 **quantizer,
                                       GError                      **error);
gboolean hr_quantization_read_aqlm (const HrQuantizationContext  *context,
                                    HrQuantizer                 **quantizer,
                                    GError                      **error);
gboolean hr_quantization_read_bitnet (const HrQuantizationContext  *context,
                                      HrQuantizer                 **quantizer,
                                      GError                      **error);
gboolean hr_quantization_read_mlx (const HrQuantizationContext  *context,
                                   HrQuantizer                 **quantizer,
                                   GError                      **error);
gboolean hr_quantization_read_exl3 (const HrQuantizationContext  *context,
                                    HrQuantizer                 **quantizer,
                                    GError                      **error);

G_END_DECLS
