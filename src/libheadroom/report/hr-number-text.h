/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-anatomy-table.h"
#include "hr-model.h"
#include "hr-number-format.h"

G_BEGIN_DECLS

/**
 * HrNumberFact: (skip)
 * @id: a key that does not depend on the language
 * @label: what it is about, in the user's language
 * @text: what is so
 *
 * Something that is so about a format of numbers, or a step of how it comes about.
 */
typedef struct
{
  const char *id;
  const char *label;
  char *text;
} HrNumberFact;

const char     *hr_number_field_get_label          (HrNumberField         field);
const char     *hr_number_class_get_label          (HrNumberClass         number_class);
const char     *hr_number_format_get_use           (const HrNumberFormat *format);
char           *hr_number_format_dup_layout        (const HrNumberFormat *format) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_number_format_dup_weight_of_bit (const HrNumberFormat *format,
                                                    guint                 bit) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_number_format_dup_calculation   (const HrNumberFormat *format,
                                                    guint64               bits) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray      *hr_number_format_list_facts        (const HrNumberFormat *format) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray      *hr_number_format_list_steps        (const HrNumberFormat *format) G_GNUC_WARN_UNUSED_RESULT;
guint64         hr_number_format_get_bytes         (const HrNumberFormat *format,
                                                    guint64               n_elements);
HrAnatomyTable *hr_number_format_tabulate          (HrModel              *model) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
