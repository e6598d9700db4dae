/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-draft-kind.h"

#include <string.h>

#define SETTING "draft-model"

/*
 * hr_draft_kind_of_job:
 * @job: a job
 *
 * Finds out what guesses tokens ahead, by the name of the draft model, and by its class where it has been read, as
 * engines know it (SpeculativeConfig of vllm/config/speculative.py).
 *
 * Returns: the kind
 */
HrDraftKind
hr_draft_kind_of_job (HrInferenceJob *job)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (job), SETTING);
  HrModel *model = hr_job_get_model (HR_JOB (job), SETTING);
  g_autofree char *asked = hr_job_get_as_string (HR_JOB (job), SETTING);
  const char *class_name = model != NULL ? hr_model_get_architecture (model) : NULL;
  g_autofree char *name = g_strconcat (asked, " ", class_name, NULL);
  g_autofree char *folded = g_ascii_strdown (name, -1);

  if (g_str_equal (asked, G_PARAM_SPEC_STRING (pspec)->default_value))
    return HR_DRAFT_NONE;
  if (strstr (folded, "eagle3") != NULL)
    return HR_DRAFT_EAGLE3;

  return strstr (folded, "eagle") != NULL ? HR_DRAFT_EAGLE : HR_DRAFT_MODEL;
}
