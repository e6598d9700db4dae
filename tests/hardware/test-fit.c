/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "headroom.h"

static HrGpu *
look_up (const char *name)
{
  g_autoptr (GError) error = NULL;
  HrGpu *gpu = hr_gpu_catalogue_lookup (name, &error);

  g_assert_no_error (error);

  return gpu;
}

static void
test_peak_below_memory_leaves_the_rest_free (void)
{
  g_autoptr (HrGpu) gpu = look_up ("rtx-4090");
  guint64 memory = hr_gpu_get_usable_memory (gpu);
  guint64 peak = memory - 1000;
  HrFit fit;

  hr_fit_init (&fit, gpu, 1, &peak, 1, 1);

  g_assert_true (fit.fits);
  g_assert_cmpuint (fit.memory_bytes, ==, memory);
  g_assert_cmpuint (fit.peak_bytes, ==, peak);
  g_assert_cmpuint (fit.free_bytes, ==, 1000);
  g_assert_cmpuint (fit.missing_bytes, ==, 0);
  g_assert_cmpuint (fit.missing_gpus, ==, 0);
}

static void
test_peak_of_exactly_the_memory_fits (void)
{
  g_autoptr (HrGpu) gpu = look_up ("rtx-4090");
  guint64 peak = hr_gpu_get_usable_memory (gpu);
  HrFit fit;

  hr_fit_init (&fit, gpu, 1, &peak, 1, 1);

  g_assert_true (fit.fits);
  g_assert_cmpuint (fit.free_bytes, ==, 0);
}

static void
test_one_byte_more_than_the_memory_is_missing (void)
{
  g_autoptr (HrGpu) gpu = look_up ("rtx-4090");
  guint64 peak = hr_gpu_get_usable_memory (gpu) + 1;
  HrFit fit;

  hr_fit_init (&fit, gpu, 1, &peak, 1, 1);

  g_assert_false (fit.fits);
  g_assert_cmpuint (fit.missing_bytes, ==, 1);
  g_assert_cmpuint (fit.free_bytes, ==, 0);
}

static void
test_the_fullest_device_decides (void)
{
  g_autoptr (HrGpu) gpu = look_up ("rtx-4090");
  guint64 memory = hr_gpu_get_usable_memory (gpu);
  guint64 peaks[] = { memory / 2, memory - 7, memory / 3 };
  HrFit fit;

  hr_fit_init (&fit, gpu, 3, peaks, 3, 3);

  g_assert_true (fit.fits);
  g_assert_cmpuint (fit.free_bytes, ==, 7);
}

static void
test_each_device_needs_a_gpu_of_its_own (void)
{
  g_autoptr (HrGpu) gpu = look_up ("rtx-4090");
  guint64 peaks[] = { 10, 10, 10 };
  HrFit fit;

  hr_fit_init (&fit, gpu, 1, peaks, 3, 3);

  g_assert_false (fit.fits);
  g_assert_cmpuint (fit.missing_gpus, ==, 2);
  g_assert_cmpuint (fit.missing_bytes, ==, 0);
}

static void
test_more_gpus_than_devices_fit (void)
{
  g_autoptr (HrGpu) gpu = look_up ("rtx-4090");
  guint64 peak = 10;
  HrFit fit;

  hr_fit_init (&fit, gpu, 8, &peak, 1, 1);

  g_assert_true (fit.fits);
  g_assert_cmpuint (fit.missing_gpus, ==, 0);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/fit/peak-below-memory-leaves-the-rest-free", test_peak_below_memory_leaves_the_rest_free);
  g_test_add_func ("/fit/peak-of-exactly-the-memory-fits", test_peak_of_exactly_the_memory_fits);
  g_test_add_func ("/fit/one-byte-more-than-the-memory-is-missing", test_one_byte_more_than_the_memory_is_missing);
  g_test_add_func ("/fit/the-fullest-device-decides", test_the_fullest_device_decides);
  g_test_add_func ("/fit/each-device-needs-a-gpu-of-its-own", test_each_device_needs_a_gpu_of_its_own);
  g_test_add_func ("/fit/more-gpus-than-devices-fit", test_more_gpus_than_devices_fit);

  return g_test_run ();
}
