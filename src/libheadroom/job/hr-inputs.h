/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

#include "hr-medium.h"

G_BEGIN_DECLS

GParamSpec *hr_inputs_new_images_setting  (guint64      n_images);
GParamSpec *hr_inputs_new_width_setting   (void);
GParamSpec *hr_inputs_new_height_setting  (void);
GParamSpec *hr_inputs_new_further_setting (void);
void        hr_inputs_add_images          (GArray      *media,
                                           guint64      n_images,
                                           guint64      width,
                                           guint64      height);
gboolean    hr_inputs_add_further         (GArray      *media,
                                           const char  *texts,
                                           GError     **error);
void        hr_inputs_count_others        (GArray      *media);

G_END_DECLS
