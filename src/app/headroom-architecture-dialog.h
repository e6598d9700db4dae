/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

typedef void (* HeadroomArchitectureAdded) (GtkWindow    *parent,
                                            const char   *model_type,
                                            const GError *error);

gboolean headroom_architecture_dialog_offer (GtkWindow                  *parent,
                                             GFile                      *file,
                                             HeadroomArchitectureAdded   added,
                                             GError                    **error);

G_END_DECLS
