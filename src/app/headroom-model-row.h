/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-job.h>

G_BEGIN_DECLS

GtkWidget *headroom_model_row_new (HrJob      *job,
                                   GParamSpec *setting) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
