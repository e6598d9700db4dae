/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What is said of the GPUs of a machine as they are now. */

#include "hr-gpu-usage-text.h"

#define GIBIBYTE (G_GUINT64_CONSTANT (1) << 30)

static HrGpuUsage *
usage_new (guint64 memory,
           guint64 free)
{
  HrGpuUsage *self = g_new (HrGpuUsage, 1);

  *self = (HrGpuUsage) {
    .memory_bytes = memory * GIBIBYTE, .free_bytes = free * GIBIBYTE, .processes = g_ptr_array_new (),
  };

  return self;
}

static GPtrArray *
usages_new (void)
{
  GPtrArray *self = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_gpu_usage_free);

  g_ptr_array_add (self, usage_new (24, 20));
  g_ptr_array_add (self, usage_new (24, 8));

  return self;
}

static void
assert_verdict (GPtrArray         *usages,
                guint              n_gpus,
                guint64            gibibytes,
                HrGpuUsageVerdict  verdict,
                const char        *expected)
{
  g_autofree char *text = hr_gpu_usage_dup_verdict (usages, n_gpus, gibibytes * GIBIBYTE, HR_UNIT_SYSTEM_BINARY);

  g_assert_cmpint (hr_gpu_usage_get_verdict (usages, n_gpus, gibibytes * GIBIBYTE), ==, verdict);
  g_assert_cmpstr (text, ==, expected);
}

/* Of several GPUs those with most free memory are taken, and the fullest of them counts. */
static void
test_verdict (void)
{
  g_autoptr (GPtrArray) usages = usages_new ();

  assert_verdict (usages, 1, 16, HR_GPU_USAGE_FITS,
                  "On this machine now: fits, 20.0 GiB of 24.0 GiB are free, and 4.00 GiB would be left");
  assert_verdict (usages, 1, 20, HR_GPU_USAGE_FITS,
                  "On this machine now: fits, 20.0 GiB of 24.0 GiB are free, and 0 B would be left");
  assert_verdict (usages, 1, 22, HR_GPU_USAGE_FITS_WHEN_FREED,
                  "On this machine now: 20.0 GiB of 24.0 GiB are free, and it fits when 2.00 GiB more are freed");
  assert_verdict (usages, 2, 16, HR_GPU_USAGE_FITS_WHEN_FREED,
                  "On this machine now: 8.00 GiB of 24.0 GiB are free, and it fits when 8.00 GiB more are freed");
  assert_verdict (usages, 1, 25, HR_GPU_USAGE_NEVER_FITS, "On this machine now: 20.0 GiB of 24.0 GiB are free");
  assert_verdict (usages, 4, 1, HR_GPU_USAGE_NEVER_FITS,
                  "On this machine now: the job is for 4 GPUs, and this machine has 2 of them");
}

static void
test_processes (void)
{
  g_autoptr (GPtrArray) usages = usages_new ();
  HrGpuProcess processes[] = {
    { 1, (char *) "python3", 14 * GIBIBYTE }, { 2, (char *) "Xorg", GIBIBYTE }, { 3, (char *) "kwin", 0 },
    { 4, (char *) "fourth", 0 }, { 5, (char *) "fifth", 0 },
  };
  g_autofree char *text = NULL;

  g_assert_null (hr_gpu_usage_dup_processes (usages, 2, HR_UNIT_SYSTEM_BINARY));
  for (guint i = 0; i < G_N_ELEMENTS (processes); i++)
    g_ptr_array_add (((HrGpuUsage *) g_ptr_array_index (usages, 1))->processes, &processes[i]);
  text = hr_gpu_usage_dup_processes (usages, 2, HR_UNIT_SYSTEM_BINARY);
  g_assert_cmpstr (text, ==, "16.0 GiB are in use, by python3 14.0 GiB, Xorg 1.00 GiB, kwin, fourth");
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/gpu-usage-text/what_is_free_now_is_held_against_the_job", test_verdict);
  g_test_add_func ("/gpu-usage-text/programs_are_named_with_what_they_have", test_processes);

  return g_test_run ();
}
