/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-model.h>
#include <hr-number-format.h>
#include <hr-units.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_NUMBER_CARD (headroom_number_card_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomNumberCard, headroom_number_card, HEADROOM, NUMBER_CARD, AdwBin)

GtkWidget            *headroom_number_card_new           (void) G_GNUC_WARN_UNUSED_RESULT;
void                  headroom_number_card_set_format    (HeadroomNumberCard   *self,
                                                          const HrNumberFormat *format);
const HrNumberFormat *headroom_number_card_get_format    (HeadroomNumberCard   *self);
void                  headroom_number_card_set_text      (HeadroomNumberCard   *self,
                                                          const char           *text);
char                 *headroom_number_card_dup_text      (HeadroomNumberCard   *self) G_GNUC_WARN_UNUSED_RESULT;
void                  headroom_number_card_set_model     (HeadroomNumberCard   *self,
                                                          HrModel              *model,
                                                          HrUnitSystem          unit_system);

G_END_DECLS
