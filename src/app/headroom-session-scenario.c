/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-session-scenario.h"

#include "headroom-machine.h"
#include "headroom-state.h"

/*
 * What a session is about at a moment, as a value: a configuration to be pinned, a report, a scenario to be saved.
 */

static HeadroomPin *
create_pin_of (HeadroomSession *session,
               const char      *label,
               HrJob           *job)
{
  return headroom_pin_new (label, headroom_session_get_model (session), headroom_session_get_file (session), job,
                           headroom_session_get_gpu (session), headroom_session_get_n_gpus (session));
}

static HrScenario *
create_scenario_of (HeadroomSession *session,
                    HrJob           *job)
{
  g_autoptr (HeadroomPin) pin = create_pin_of (session, "", job);

  return headroom_pin_create_scenario (pin);
}

/*
 * Creates a configuration of what is set now, called @label, to be looked at beside others. There has to be a model.
 */
HeadroomPin *
headroom_session_create_pin (HeadroomSession *self,
                             const char      *label)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);
  g_return_val_if_fail (headroom_session_get_model (self) != NULL, NULL);

  return create_pin_of (self, label, headroom_session_get_job (self));
}

/*
 * Creates a report of the estimate, which does not change with what is set later, and carries the scenario that it is
 * about. There has to be an estimate.
 */
HrReport *
headroom_session_create_report (HeadroomSession *self,
                                HrUnitSystem     unit_system)
{
  HrEstimate *estimate;
  HrReport *report;
  HrJob *job;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  estimate = headroom_session_get_estimate (self);
  job = headroom_session_get_estimated_job (self);
  g_return_val_if_fail (estimate != NULL, NULL);

  report = hr_report_new (estimate, job, headroom_session_get_gpu (self), headroom_session_get_n_gpus (self),
                          unit_system);
  hr_report_set_calibration (report, headroom_machine_get_calibration (NULL));
  /* An estimate that is still that of the model before has a file that is not known any more. */
  if (hr_report_get_model (report) == headroom_session_get_model (self))
    {
      g_autoptr (HrScenario) scenario = create_scenario_of (self, job);

      hr_report_set_scenario (report, scenario);
    }

  return report;
}

/*
 * Creates a scenario of what is set now, and of what is pinned. There has to be a model.
 */
HrScenario *
headroom_session_create_scenario (HeadroomSession *self)
{
  HrScenario *scenario;
  GListModel *pins;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);
  g_return_val_if_fail (headroom_session_get_model (self) != NULL, NULL);

  scenario = create_scenario_of (self, headroom_session_get_job (self));
  pins = G_LIST_MODEL (headroom_session_get_pins (self));
  for (guint i = 0; i < g_list_model_get_n_items (pins); i++)
    {
      g_autoptr (HeadroomPin) pin = g_list_model_get_item (pins, i);
      g_autoptr (HrScenario) pinned = headroom_pin_create_scenario (pin);

      hr_scenario_add_pin (scenario, headroom_pin_get_label (pin), pinned);
    }

  return scenario;
}

/*
 * Creates a scenario of all that somebody is working on: with what is set in the other modes. There has to be a model.
 */
HrScenario *
headroom_session_create_whole_scenario (HeadroomSession *self)
{
  HrScenario *scenario;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);
  g_return_val_if_fail (headroom_session_get_model (self) != NULL, NULL);

  scenario = headroom_session_create_scenario (self);
  for (HrMode mode = 0; mode < HEADROOM_N_MODES; mode++)
    {
      HrJob *job = headroom_session_peek_job_of_mode (self, mode);

      if (job != NULL && mode != headroom_session_get_mode (self))
        hr_scenario_add_job (scenario, job);
    }

  return scenario;
}
