/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"
#include "hr-model.h"

G_BEGIN_DECLS

/* An adapter_config.json, as PEFT writes it. */
typedef struct _HrAdapter HrAdapter;

/* What of a module an adapter trains. */
typedef enum
{
  HR_ADAPTER_TARGET_FACTORS,     /* two factors of a matrix of a module */
  HR_ADAPTER_TARGET_PARAMETER,   /* likewise of a parameter that is a target itself, for each expert in it */
  HR_ADAPTER_TARGET_WHOLE,       /* a tensor that is trained as it is */
  HR_ADAPTER_TARGET_ROWS,        /* rows of it */
} HrAdapterTargetKind;

/**
 * HrAdapterTarget:
 * @kind: what is trained
 * @tensor: the row of the model
 * @copy: which of its tensors, the first of several
 * @n_copies: how many of them, which are treated alike
 * @rank: the width between the factors
 * @in_features: the inputs of the matrix
 * @out_features: its outputs
 * @n_experts: how many experts have such a matrix in one parameter; 0 for a module
 *
 * A tensor that an adapter is for.
 */
typedef struct
{
  HrAdapterTargetKind kind;
  const HrTensor *tensor;
  guint copy;
  guint n_copies;
  guint64 rank;
  guint64 in_features;
  guint64 out_features;
  guint64 n_experts;
} HrAdapterTarget;

typedef void (*HrAdapterVisitor) (const HrAdapterTarget *target,
                                  gpointer               user_data);

HrAdapter  *hr_adapter_new_lora         (guint64      rank,
                                         const char  *targets);
void        hr_adapter_set_other_method (HrAdapter   *self);
void        hr_adapter_leave_others     (HrAdapter   *self);
void        hr_adapter_set_saved        (HrAdapter   *self,
                                         const char  *names);
const char *hr_adapter_find_missing     (HrAdapter   *self,
                                         HrModel     *model);
gboolean    hr_adapter_visit_targets    (HrAdapter   *self,
                                         HrModel     *model,
                                         HrAdapterVisitor visitor,
                                         gpointer     user_data,
                                         GError     **error);
gboolean    hr_adapter_is_config        (HrJson      *json);
HrAdapter  *hr_adapter_new_from_json    (HrJson      *json,
                                         GError     **error) G_GNUC_WARN_UNUSED_RESULT;
void        hr_adapter_free             (HrAdapter   *self);
const char *hr_adapter_get_kind         (HrAdapter   *self);
const char *hr_adapter_get_base         (HrAdapter   *self);
guint64     hr_adapter_get_rank         (HrAdapter   *self);
gboolean    hr_adapter_get_alpha        (HrAdapter   *self,
                                         double      *alpha);
gboolean    hr_adapter_count_parameters (HrAdapter   *self,
                                         HrModel     *model,
                                         guint64     *n_parameters,
                                         guint       *n_modules,
                                         GError     **error);
gboolean    hr_adapter_meets_joined_experts (HrAdapter *self,
                                             HrModel   *model);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrAdapter, hr_adapter_free)

G_END_DECLS
