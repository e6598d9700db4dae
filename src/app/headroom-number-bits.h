/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-number-format.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_NUMBER_BITS (headroom_number_bits_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomNumberBits, headroom_number_bits, HEADROOM, NUMBER_BITS, AdwBin)

GtkWidget *headroom_number_bits_new         (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_number_bits_set_format  (HeadroomNumberBits   *self,
                                             const HrNumberFormat *format);
void       headroom_number_bits_set_pattern (HeadroomNumberBits   *self,
                                             guint64               pattern);
guint64    headroom_number_bits_get_pattern (HeadroomNumberBits   *self);

G_END_DECLS
