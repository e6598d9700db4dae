/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-component.h"

G_BEGIN_DECLS

const char *hr_article_reason_get_text (const char         *id);
char       *hr_article_reasons_join    (const char * const *ids) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_component_dup_faults    (HrComponent        *component) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
