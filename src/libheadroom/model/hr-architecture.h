/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"

G_BEGIN_DECLS

/*
 * An architecture file, and those that it extends. data/architectures/README.md describes the format.
 */

typedef struct _HrArchitecture HrArchitecture;

HrArchitecture *hr_architecture_new               (const char          *model_type,
                                                   GError             **error) G_GNUC_WARN_UNUSED_RESULT;
HrArchitecture *hr_architecture_new_from_json     (HrJson              *root,
                                                   GError             **error) G_GNUC_WARN_UNUSED_RESULT;
HrArchitecture *hr_architecture_new_for_class     (const char          *class_name,
                                                   GError             **error) G_GNUC_WARN_UNUSED_RESULT;
HrArchitecture *hr_architecture_new_generic       (gboolean             is_mixture,
                                                   GError             **error) G_GNUC_WARN_UNUSED_RESULT;
void            hr_architecture_free              (HrArchitecture      *self);
gboolean        hr_architecture_is_file_name      (const char          *model_type);
char           *hr_architecture_dup_user_folder   (void) G_GNUC_WARN_UNUSED_RESULT;
char          **hr_architecture_list              (void) G_GNUC_WARN_UNUSED_RESULT;
const char     *hr_architecture_get_model_type    (HrArchitecture      *self);
const char     *hr_architecture_get_class_name    (HrArchitecture      *self);
gboolean        hr_architecture_has_class         (HrArchitecture      *self,
                                                   const char          *class_name);
gboolean        hr_architecture_set_class         (HrArchitecture      *self,
                                                   const char          *class_name,
                                                   gboolean            *found,
                                                   GError             **error);
HrJson         *hr_architecture_get_task          (HrArchitecture      *self);
const char     *hr_architecture_get_source        (HrArchitecture      *self);
HrJson         *hr_architecture_get_approximate   (HrArchitecture      *self);
const char     *hr_architecture_get_converted_class (HrArchitecture *self);
gboolean        hr_architecture_is_counted_only   (HrArchitecture      *self);
GStrv           hr_architecture_list_engines      (HrArchitecture      *self);
HrJson         *hr_architecture_get_member        (HrArchitecture      *self,
                                                   const char          *key);
guint           hr_architecture_get_n_files       (HrArchitecture      *self);
HrJson         *hr_architecture_get_file          (HrArchitecture      *self,
                                                   guint                index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrArchitecture, hr_architecture_free)

G_END_DECLS
