/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-job-private.h"

#include "hr-medium.h"

/* What a job reads beside text. */

/**
 * hr_job_list_media: (skip)
 * @self: a job
 * @error: return location for an error
 *
 * Lists the images, sounds and videos of each sequence.
 *
 * Returns: (transfer full) (nullable): an array of #HrMedium, which is empty where the job reads text alone, or %NULL
 *   with @error set
 */
GArray *
hr_job_list_media (HrJob   *self,
                   GError **error)
{
  g_return_val_if_fail (HR_IS_JOB (self), NULL);

  if (HR_JOB_GET_CLASS (self)->list_media == NULL)
    return g_array_new (FALSE, FALSE, sizeof (HrMedium));

  return HR_JOB_GET_CLASS (self)->list_media (self, error);
}

/**
 * hr_job_count_text_tokens:
 * @self: a job that may read images, sounds or videos
 *
 * Gets how many tokens of text each sequence has beside those of images, sounds and videos. Answers that a model writes
 * itself are not among them.
 *
 * Returns: the number of tokens, or 0 for a job that reads text alone
 */
guint64
hr_job_count_text_tokens (HrJob *self)
{
  g_return_val_if_fail (HR_IS_JOB (self), 0);

  return HR_JOB_GET_CLASS (self)->count_text_tokens != NULL ? HR_JOB_GET_CLASS (self)->count_text_tokens (self) : 0;
}

/**
 * hr_job_dup_reading: (skip)
 * @self: a job that may read images, sounds or videos
 * @tokens: tokens of each sequence, those of images, sounds and videos included
 *
 * Creates the job that reads so many tokens, whatever they are of.
 *
 * Returns: (transfer full): a new job
 */
HrJob *
hr_job_dup_reading (HrJob   *self,
                    guint64  tokens)
{
  g_return_val_if_fail (HR_IS_JOB (self), NULL);

  return HR_JOB_GET_CLASS (self)->dup_reading != NULL ? HR_JOB_GET_CLASS (self)->dup_reading (self, tokens)
                                                      : hr_job_copy (self);
}
