/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-fine-tuning-job.h"

G_BEGIN_DECLS

#define HR_TYPE_GRPO_JOB (hr_grpo_job_get_type ())

G_DECLARE_FINAL_TYPE (HrGrpoJob, hr_grpo_job, HR, GRPO_JOB, HrFineTuningJob)

HrGrpoJob     *hr_grpo_job_new                        (void) G_GNUC_WARN_UNUSED_RESULT;
HrAlgorithm    hr_grpo_job_get_algorithm              (HrGrpoJob *self);
guint64        hr_grpo_job_get_num_generations        (HrGrpoJob *self);
guint64        hr_grpo_job_get_prompt_length          (HrGrpoJob *self);
guint64        hr_grpo_job_get_completion_length      (HrGrpoJob *self);
gboolean       hr_grpo_job_get_reference_model        (HrGrpoJob *self);
HrRollout      hr_grpo_job_get_rollout                (HrGrpoJob *self);
HrRolloutSleep hr_grpo_job_get_rollout_sleep          (HrGrpoJob *self);
double         hr_grpo_job_get_gpu_memory_utilization (HrGrpoJob *self);
guint64        hr_grpo_job_get_num_iterations         (HrGrpoJob *self);
guint64        hr_grpo_job_get_steps_per_generation   (HrGrpoJob *self);
HrValueModel   hr_grpo_job_get_value_model            (HrGrpoJob *self);
HrRewardModel  hr_grpo_job_get_reward_model           (HrGrpoJob *self);
const char    *hr_grpo_job_get_value_model_path       (HrGrpoJob *self);
const char    *hr_grpo_job_get_reward_model_path      (HrGrpoJob *self);
guint64        hr_grpo_job_get_rollout_batch_size     (HrGrpoJob *self);
guint64        hr_grpo_job_get_num_mini_batches       (HrGrpoJob *self);
guint64        hr_grpo_job_get_log_prob_micro_batch_size (HrGrpoJob *self);

gboolean       hr_algorithm_is_policy                 (HrAlgorithm algorithm);
gboolean       hr_algorithm_generates                 (HrAlgorithm algorithm);
gboolean       hr_algorithm_is_preference             (HrAlgorithm algorithm);
gboolean       hr_algorithm_has_reference             (HrAlgorithm algorithm);

G_END_DECLS
