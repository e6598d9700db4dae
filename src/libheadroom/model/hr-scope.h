/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-architecture.h"
#include "hr-expression.h"

G_BEGIN_DECLS

/*
 * The names that the expressions of an architecture see: its hyper-parameters as a config gives them or as they
 * default, the values derived from those, and, in a layer, the values of that layer.
 */

typedef struct _HrScope HrScope;

/*
 * HrInclusion:
 * @id: what expressions of the architecture around it call it: `$decoder.hidden_size`
 * @description: the stack of that architecture which includes the other
 * @architecture: what is included; %NULL if the model has no such part
 * @empty: (nullable): stands for the object of the config that gives its values, where the config has none
 * @scope: the names of @architecture
 * @is_generic: whether nothing is known of the part, and its sizes have to be in the config
 *
 * An architecture that is part of another one.
 */
typedef struct
{
  char *id;
  HrJson *description;
  HrArchitecture *architecture;
  HrJson *empty;
  HrScope *scope;
  gboolean is_generic;
} HrInclusion;

HrScope  *hr_scope_new              (HrArchitecture  *architecture,
                                     HrJson          *config,
                                     const char      *place,
                                     GError         **error) G_GNUC_WARN_UNUSED_RESULT;
void      hr_scope_free             (HrScope         *self);
HrJson   *hr_scope_get_config       (HrScope         *self);
const char *hr_scope_get_place      (HrScope         *self);
void      hr_scope_take_inclusion   (HrScope         *self,
                                     HrInclusion     *inclusion);
HrInclusion *hr_scope_find_inclusion (HrScope        *self,
                                     HrJson          *description);
gboolean  hr_scope_set_value        (HrScope         *self,
                                     HrJson          *definition,
                                     HrScope         *definer,
                                     GError         **error);
gboolean  hr_scope_evaluate         (HrScope         *self,
                                     HrJson          *expression,
                                     HrValue         *value,
                                     GError         **error);
gboolean  hr_scope_evaluate_boolean (HrScope         *self,
                                     HrJson          *expression,
                                     gboolean        *value,
                                     GError         **error);
gboolean  hr_scope_evaluate_size    (HrScope         *self,
                                     HrJson          *expression,
                                     guint64         *value,
                                     GError         **error);
gboolean  hr_scope_resolve_all      (HrScope         *self,
                                     GError         **error);
void      hr_scope_enter_layer      (HrScope         *self,
                                     guint            layer);
void      hr_scope_leave_layer      (HrScope         *self);
void      hr_scope_enter_item       (HrScope         *self,
                                     guint            item);
void      hr_scope_leave_item       (HrScope         *self);
gboolean  hr_scope_get_item         (HrScope         *self,
                                     guint           *item);
gboolean  hr_scope_get_layer_values (HrScope         *self,
                                     GArray          *values,
                                     GError         **error);
void      hr_scope_foreach_size     (HrScope         *self,
                                     GHFunc           function,
                                     gpointer         user_data);
const char *hr_scope_get_name       (HrScope         *self,
                                     HrJson          *expression,
                                     const char      *otherwise);
void      hr_scope_set_error        (HrScope         *self,
                                     GError         **error,
                                     HrError          code,
                                     const char      *format,
                                     ...) G_GNUC_PRINTF (4, 5);
gboolean  hr_scope_check_missing    (HrScope         *self,
                                     GError         **error);
char     *hr_scope_dup_assumptions  (HrScope         *self) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrScope, hr_scope_free)

G_END_DECLS
