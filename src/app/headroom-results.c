/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-results.h"

#include "headroom-state.h"

typedef struct
{
  HrEstimate *estimate;
  HrJob *job;
} Result;

struct _HeadroomResults
{
  Result results[HEADROOM_N_MODES];
};

static void
result_clear (Result *self)
{
  g_clear_object (&self->estimate);
  g_clear_object (&self->job);
}

HeadroomResults *
headroom_results_new (void)
{
  return g_new0 (HeadroomResults, 1);
}

void
headroom_results_free (HeadroomResults *self)
{
  headroom_results_clear (self);
  g_free (self);
}

/*
 * Takes over @estimate as the latest of the mode of @job, of whose settings a copy is kept.
 */
void
headroom_results_take (HeadroomResults *self,
                       HrEstimate      *estimate,
                       HrJob           *job)
{
  Result *result = &self->results[hr_job_get_mode (job)];

  result_clear (result);
  result->estimate = estimate;
  result->job = hr_job_copy (job);
}

/*
 * Gets the latest estimate of @mode, or NULL if there was none yet.
 */
HrEstimate *
headroom_results_get_estimate (HeadroomResults *self,
                               HrMode           mode)
{
  return self->results[mode].estimate;
}

/*
 * Gets the settings that the latest estimate of @mode was made for, or NULL if there was none yet.
 */
HrJob *
headroom_results_get_job (HeadroomResults *self,
                          HrMode           mode)
{
  return self->results[mode].job;
}

/*
 * Forgets the estimates of all modes but @mode.
 */
void
headroom_results_keep_only (HeadroomResults *self,
                            HrMode           mode)
{
  for (HrMode i = 0; i < G_N_ELEMENTS (self->results); i++)
    {
      if (i != mode)
        result_clear (&self->results[i]);
    }
}

void
headroom_results_clear (HeadroomResults *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->results); i++)
    result_clear (&self->results[i]);
}
