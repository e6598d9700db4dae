/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* How many things a formula may get wrong. */
#define HR_COMPONENT_MAX_FAULTS 6

/**
 * HrComponentId:
 *
 * What memory is held for. The ids are the keys of the JSON result, and each has one label and one colour everywhere.
 */
typedef enum
{
  HR_COMPONENT_WEIGHTS,
  HR_COMPONENT_ADAPTERS,
  HR_COMPONENT_KV_CACHE,
  HR_COMPONENT_ACTIVATIONS,
  HR_COMPONENT_LOGITS,
  HR_COMPONENT_GRADIENTS,
  HR_COMPONENT_OPTIMIZER,
  HR_COMPONENT_MASTER_WEIGHTS,
  HR_COMPONENT_REFERENCE_MODEL,
  HR_COMPONENT_VALUE_MODEL,
  HR_COMPONENT_REWARD_MODEL,
  HR_COMPONENT_ROLLOUT_ENGINE,
  HR_COMPONENT_TEMPORARY,
  HR_COMPONENT_COMMUNICATION,
  HR_COMPONENT_CUDA_GRAPHS,
  HR_COMPONENT_INPUTS,
  HR_COMPONENT_FRAMEWORK,
  HR_COMPONENT_FRAGMENTATION,
  HR_COMPONENT_RESERVE,
  HR_N_COMPONENTS, /*< skip >*/
} HrComponentId;

#define HR_TYPE_COMPONENT (hr_component_get_type ())

G_DECLARE_FINAL_TYPE (HrComponent, hr_component, HR, COMPONENT, GObject)

HrComponent   *hr_component_new              (HrComponentId  id,
                                              guint64        bytes,
                                              const char    *formula,
                                              const char    *substitution,
                                              const char    *source) G_GNUC_WARN_UNUSED_RESULT;
HrComponentId  hr_component_get_id           (HrComponent   *self);
guint64        hr_component_get_bytes        (HrComponent   *self);
const char    *hr_component_get_formula      (HrComponent   *self);
const char    *hr_component_get_substitution (HrComponent   *self);
const char    *hr_component_get_source       (HrComponent   *self);
const char * const *hr_component_get_faults  (HrComponent   *self);
void           _hr_component_add_fault       (HrComponent   *self,
                                              const char    *id);

const char    *hr_component_id_get_name      (HrComponentId  id);
gboolean       hr_component_id_is_allocated  (HrComponentId  id);
gboolean       hr_component_id_is_static     (HrComponentId  id);

G_END_DECLS
