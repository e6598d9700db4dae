/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-job.h"

G_BEGIN_DECLS

/* QLoRA quantizes to NF4 with quantized scales (Dettmers et al., arXiv:2305.14314), where nothing else is said. */
#define HR_QLORA_QUANTIZATION HR_QUANTIZATION_BNB_NF4_DQ

#define HR_TYPE_FINE_TUNING_JOB (hr_fine_tuning_job_get_type ())

G_DECLARE_DERIVABLE_TYPE (HrFineTuningJob, hr_fine_tuning_job, HR, FINE_TUNING_JOB, HrTrainingJob)

/**
 * HrFineTuningJobClass:
 * @parent_class: the parent class
 */
struct _HrFineTuningJobClass
{
  HrTrainingJobClass parent_class;

  /*< private >*/
  gpointer padding[8];
};

HrFineTuningJob   *hr_fine_tuning_job_new                    (void) G_GNUC_WARN_UNUSED_RESULT;
HrFineTuningMethod hr_fine_tuning_job_get_fine_tuning_method (HrFineTuningJob *self);
gboolean           hr_fine_tuning_job_adds_matrices          (HrFineTuningJob *self);
guint64            hr_fine_tuning_job_get_lora_rank          (HrFineTuningJob *self);
const char        *hr_fine_tuning_job_get_lora_targets       (HrFineTuningJob *self);
const char        *hr_fine_tuning_job_get_modules_to_save    (HrFineTuningJob *self);
guint64            hr_fine_tuning_job_get_trained_layers     (HrFineTuningJob *self);
HrFrozenParts      hr_fine_tuning_job_get_frozen_parts       (HrFineTuningJob *self);
guint64            hr_fine_tuning_job_get_lora_alpha         (HrFineTuningJob *self);
double             hr_fine_tuning_job_get_lora_dropout       (HrFineTuningJob *self);
HrDtype            hr_fine_tuning_job_get_adapter_dtype      (HrFineTuningJob *self);
guint64            hr_fine_tuning_job_get_virtual_tokens     (HrFineTuningJob *self);
const char        *hr_fine_tuning_job_get_ia3_targets        (HrFineTuningJob *self);
const char        *hr_fine_tuning_job_get_ia3_feedforward    (HrFineTuningJob *self);
guint64            hr_fine_tuning_job_get_reduction_factor   (HrFineTuningJob *self);
gboolean           hr_fine_tuning_job_get_upcast_unquantized (HrFineTuningJob *self);
HrGptqKernel       hr_fine_tuning_job_get_gptq_kernel        (HrFineTuningJob *self);
guint64            hr_fine_tuning_job_get_lokr_factor        (HrFineTuningJob *self);
gboolean           hr_fine_tuning_job_get_lokr_decompose_both (HrFineTuningJob *self);

G_END_DECLS
