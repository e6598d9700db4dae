/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-job-context.h"

#include "hr-job-adapt.h"
#include "hr-medium.h"
#include "hr-multimodal-job.h"

/* What a setting says, 0 where it says nothing. */
static guint64
get_length (HrJob      *job,
            const char *setting)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (job), setting);
  guint64 length = 0;

  if (pspec != NULL && hr_job_uses_setting (job, pspec, NULL))
    g_object_get (job, setting, &length, NULL);

  return length;
}

/**
 * hr_estimate_count_media_tokens: (skip)
 * @estimate: an estimate of a job with images, sounds or videos
 *
 * Counts the tokens of each sequence, of text and of what is seen and heard.
 *
 * Returns: the number of tokens
 */
guint64
hr_estimate_count_media_tokens (HrEstimate *estimate)
{
  guint n_media;
  const HrMediumTokens *media = hr_estimate_get_media (estimate, &n_media);
  guint64 tokens = hr_estimate_get_text_tokens (estimate);

  for (guint i = 0; i < n_media; i++)
    tokens += media[i].tokens;

  return tokens;
}

/* What is there before anything is written. */
static guint64
count_read (HrEstimate *estimate,
            HrJob      *job)
{
  guint64 examples = get_length (job, "example-length");
  guint64 sequence = examples > 0 ? examples : get_length (job, "sequence-length");

  if (HR_IS_MULTIMODAL_JOB (job))
    return hr_estimate_count_media_tokens (estimate);

  return sequence > 0 ? sequence : get_length (job, "prompt-length");
}

/**
 * hr_estimate_get_context_tokens: (skip)
 * @estimate: an estimate
 * @job: what it is of
 *
 * Counts the tokens whose positions a model has to know at a time, of text and of what is seen and heard. Of an encoder
 * and a decoder these are those of the longer. Examples that are packed into a row each begin at the first position.
 *
 * Returns: the number of tokens
 */
guint64
hr_estimate_get_context_tokens (HrEstimate *estimate,
                                HrJob      *job)
{
  g_autoptr (HrJob) adapted = NULL;
  guint64 read, written;

  g_return_val_if_fail (HR_IS_ESTIMATE (estimate), 0);
  g_return_val_if_fail (HR_IS_JOB (job), 0);

  adapted = hr_job_dup_adapted (job, hr_estimate_get_model (estimate));
  read = count_read (estimate, adapted);
  written = get_length (adapted, "output-length") + get_length (adapted, "completion-length");

  return hr_model_find_stack (hr_estimate_get_model (estimate), HR_STACK_ENCODER) != NULL ? MAX (read, written)
                                                                                         : read + written;
}
