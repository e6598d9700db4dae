/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-ledger.h"

static void
test_rounding (void)
{
  g_assert_cmpuint (hr_ledger_round (0), ==, 0);
  g_assert_cmpuint (hr_ledger_round (1), ==, 512);
  g_assert_cmpuint (hr_ledger_round (512), ==, 512);
  g_assert_cmpuint (hr_ledger_round (513), ==, 1024);
}

static void
test_peak (void)
{
  HrLedger ledger;

  hr_ledger_init (&ledger);
  hr_ledger_add (&ledger, HR_COMPONENT_WEIGHTS, 1024);
  hr_ledger_enter_phase (&ledger, HR_PHASE_PREFILL);
  hr_ledger_add (&ledger, HR_COMPONENT_ACTIVATIONS, 4096);
  hr_ledger_remove (&ledger, HR_COMPONENT_ACTIVATIONS, 4096);
  hr_ledger_enter_phase (&ledger, HR_PHASE_DECODE);
  hr_ledger_add (&ledger, HR_COMPONENT_LOGITS, 2048);

  g_assert_cmpuint (ledger.peak.total, ==, 5120);
  g_assert_cmpuint (ledger.peak.by_component[HR_COMPONENT_ACTIVATIONS], ==, 4096);
  g_assert_cmpuint (ledger.peak.by_component[HR_COMPONENT_LOGITS], ==, 0);
  g_assert_cmpint (ledger.peak_phase, ==, HR_PHASE_PREFILL);
  g_assert_cmpuint (ledger.phase_peaks[HR_PHASE_LOAD], ==, 1024);
  g_assert_cmpuint (ledger.phase_peaks[HR_PHASE_PREFILL], ==, 5120);
  g_assert_cmpuint (ledger.phase_peaks[HR_PHASE_DECODE], ==, 3072);
}

static void
test_move (void)
{
  HrLedger ledger;

  hr_ledger_init (&ledger);
  hr_ledger_add (&ledger, HR_COMPONENT_KV_CACHE, 1024);
  hr_ledger_move (&ledger, HR_COMPONENT_KV_CACHE, HR_COMPONENT_TEMPORARY, 512);

  g_assert_cmpuint (ledger.live.total, ==, 1024);
  g_assert_cmpuint (ledger.live.by_component[HR_COMPONENT_KV_CACHE], ==, 512);
  g_assert_cmpuint (ledger.live.by_component[HR_COMPONENT_TEMPORARY], ==, 512);
}

static void
test_overflow (void)
{
  HrLedger ledger;

  hr_ledger_init (&ledger);
  hr_ledger_add (&ledger, HR_COMPONENT_WEIGHTS, hr_ledger_round (G_MAXUINT64));

  g_assert_true (ledger.overflowed);
}

static void
test_remove_too_much (void)
{
  if (g_test_subprocess ())
    {
      HrLedger ledger;

      hr_ledger_init (&ledger);
      hr_ledger_remove (&ledger, HR_COMPONENT_WEIGHTS, 512);
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*assertion*bytes*failed*");
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/memory/ledger/a_request_is_rounded_up_to_a_block", test_rounding);
  g_test_add_func ("/memory/ledger/the_peak_keeps_its_phase_and_its_parts", test_peak);
  g_test_add_func ("/memory/ledger/moved_bytes_stay_where_they_are", test_move);
  g_test_add_func ("/memory/ledger/what_cannot_be_counted_is_said_to_be_so", test_overflow);
  g_test_add_func ("/memory/ledger/nothing_is_given_back_that_was_not_taken", test_remove_too_much);

  return g_test_run ();
}
