/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gguf.h"
#include "hr-json.h"

G_BEGIN_DECLS

/*
 * What the metadata of a GGUF file says in the words of a config.json, and which of its tensors is which of the
 * model's. data/formats/gguf.json has the words.
 */
typedef struct _HrGgufConfig HrGgufConfig;

HrGgufConfig *hr_gguf_config_new             (HrGguf        *gguf,
                                              GError       **error) G_GNUC_WARN_UNUSED_RESULT;
void          hr_gguf_config_free            (HrGgufConfig  *self);
HrJson       *hr_gguf_config_build           (HrGgufConfig  *self,
                                              HrGguf        *gguf,
                                              GError       **error) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray    *hr_gguf_config_list_stored_names (HrGgufConfig  *self,
                                                const char    *pattern,
                                                const guint   *layer) G_GNUC_WARN_UNUSED_RESULT;
char         *hr_gguf_config_dup_module_name (HrGgufConfig  *self,
                                              const char    *pattern,
                                              const guint   *layer) G_GNUC_WARN_UNUSED_RESULT;
gboolean      hr_gguf_config_is_parameter    (HrGgufConfig  *self,
                                              const char    *stored_name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrGgufConfig, hr_gguf_config_free)

G_END_DECLS
