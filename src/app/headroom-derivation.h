/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-component.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_DERIVATION (headroom_derivation_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomDerivation, headroom_derivation, HEADROOM, DERIVATION, AdwBin)

void headroom_derivation_show (HeadroomDerivation *self,
                               HrComponent        *component);

G_END_DECLS
