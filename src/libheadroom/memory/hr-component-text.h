/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference.h"

G_BEGIN_DECLS

char *hr_component_text_new_formula      (const HrMoment    *moment,
                                          HrComponentId      component);
char *hr_component_text_new_substitution (const HrMoment    *moment,
                                          HrComponentId      component);
char *hr_component_text_new_operation    (const HrMoment    *moment);

G_END_DECLS
