/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-architecture.h"
#include "hr-dtype.h"
#include "hr-json.h"
#include "hr-scope.h"

G_BEGIN_DECLS

/*
 * The config.json of a model: where to find it, and what it says apart from its hyper-parameters. Functions that can go
 * on in spite of something odd add a translated sentence to their warnings.
 */

GFile          *hr_config_find              (GFile       *file,
                                             GError     **error) G_GNUC_WARN_UNUSED_RESULT;
GFile          *hr_config_find_folder       (GFile       *folder) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_config_dup_name          (HrJson      *config,
                                             GFile       *file) G_GNUC_WARN_UNUSED_RESULT;
HrArchitecture *hr_config_use_architecture  (HrJson      *config,
                                             HrJson      *file,
                                             GPtrArray   *warnings,
                                             GError     **error) G_GNUC_WARN_UNUSED_RESULT;
HrArchitecture *hr_config_load_architecture (HrJson      *config,
                                             gboolean    *is_generic,
                                             GPtrArray   *warnings,
                                             GError     **error) G_GNUC_WARN_UNUSED_RESULT;
void            hr_config_warn_of_conversion    (HrArchitecture *architecture,
                                                 GPtrArray      *warnings);
gboolean        hr_config_warn_of_approximation (HrArchitecture  *architecture,
                                                 HrScope         *scope,
                                                 GPtrArray       *warnings,
                                                 GError         **error);
gboolean        hr_config_warn_of_uncounted     (HrJson         *config,
                                                 HrArchitecture *architecture,
                                                 GPtrArray      *warnings,
                                                 GError        **error);
gboolean        hr_config_get_model_type    (HrJson      *config,
                                             const char **model_type,
                                             GError     **error);
const char     *hr_config_get_class_name    (HrJson      *config);
gboolean        hr_config_get_dtype         (HrJson      *config,
                                             HrDtype     *dtype,
                                             GPtrArray   *warnings,
                                             GError     **error);

G_END_DECLS
