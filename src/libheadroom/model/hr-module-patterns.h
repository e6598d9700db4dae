/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrPatternStyle:
 * @HR_PATTERN_NAME: a regular expression that a name begins with, or what it ends with, as transformers has them
 *   (`should_convert_module` in quantizers/quantizers_utils.py)
 * @HR_PATTERN_REGEX: a regular expression that a name begins with, as GPTQModel has them (`dynamic`)
 * @HR_PATTERN_EXACT: a name, or a regular expression after `re:` that a name begins with, as compressed-tensors has
 *   them
 * @HR_PATTERN_GLOB: a name with `*`, as NVIDIA ModelOpt has them
 * @HR_PATTERN_TAG: a name without the index of its layer, as HQQ has them
 * @HR_PATTERN_PART: a part of a name
 *
 * How a quantizer names modules.
 */
typedef enum
{
  HR_PATTERN_NAME,
  HR_PATTERN_REGEX,
  HR_PATTERN_EXACT,
  HR_PATTERN_GLOB,
  HR_PATTERN_TAG,
  HR_PATTERN_PART,
} HrPatternStyle;

/* Names of modules that a quantizer treats alike. */
typedef struct _HrModulePatterns HrModulePatterns;

HrModulePatterns *hr_module_patterns_new           (HrPatternStyle    style) G_GNUC_WARN_UNUSED_RESULT;
void              hr_module_patterns_free          (HrModulePatterns *self);
gboolean          hr_module_patterns_add           (HrModulePatterns *self,
                                                    const char       *text);
gboolean          hr_module_patterns_match         (HrModulePatterns *self,
                                                    const char       *module);
gboolean          hr_module_patterns_name_experts  (HrModulePatterns *self);
gboolean          hr_module_patterns_is_empty      (HrModulePatterns *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrModulePatterns, hr_module_patterns_free)

G_END_DECLS
