/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-component.h"
#include "hr-estimate.h"
#include "hr-job-types.h"
#include "hr-job.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

const char *hr_component_id_get_label       (HrComponentId  id);
const char *hr_component_id_get_description (HrComponentId  id);
const char *hr_phase_id_get_label           (HrPhaseId      id);
const char *hr_phase_id_get_description     (HrPhaseId      id);
char       *hr_estimate_dup_peak_sentence   (HrEstimate    *estimate) G_GNUC_WARN_UNUSED_RESULT;
const char *hr_part_get_label               (HrPart         part);
const char *hr_medium_kind_get_label        (HrMediumKind   kind);
char       *hr_medium_dup_label             (const HrMedium *medium) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_medium_tokens_dup_origin     (const HrMediumTokens *tokens) G_GNUC_WARN_UNUSED_RESULT;
const char *hr_mode_get_label               (HrMode         mode);
const char *hr_setting_group_get_label      (HrSettingGroup group);
char       *hr_job_dup_setting_note         (HrJob         *job,
                                             GParamSpec    *setting) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_job_dup_unused_reason        (HrJob         *job,
                                             GParamSpec    *setting) G_GNUC_WARN_UNUSED_RESULT;
const char *hr_setting_get_label            (GParamSpec    *setting);
const char *hr_setting_get_open_label       (GParamSpec    *setting);
const char *hr_setting_get_description      (GParamSpec    *setting);
const char *hr_setting_get_choice_label     (GParamSpec    *setting,
                                             int            choice);
const char *hr_setting_get_choice_heading   (GParamSpec    *setting,
                                             int            choice);
const char *hr_reserved_range_get_reason    (void);
const char *hr_text_translate               (const char    *text);

G_END_DECLS
