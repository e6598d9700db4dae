/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What a machine has shown, kept in a file from one start to the next. */

#include <glib/gstdio.h>
#include <string.h>

#include "hr-calibration.h"
#include "hr-error.h"

typedef struct
{
  char *folder;
  GFile *file;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  fixture->folder = g_dir_make_tmp ("headroom-calibration-XXXXXX", &error);
  g_assert_no_error (error);
  /* The folder is made with the first figure. */
  path = g_build_filename (fixture->folder, "headroom", "calibration.json", NULL);
  fixture->file = g_file_new_for_path (path);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr (GFile) folder = g_file_get_parent (fixture->file);

  g_file_delete (fixture->file, NULL, NULL);
  g_file_delete (folder, NULL, NULL);
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_object_unref (fixture->file);
}

static HrCalibration *
read_file (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  HrCalibration *calibration = hr_calibration_new_from_file (fixture->file, &error);

  g_assert_no_error (error);

  return calibration;
}

static void
save (Fixture       *fixture,
      HrCalibration *calibration)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (hr_calibration_save (calibration, fixture->file, &error));
  g_assert_no_error (error);
}

static void
what_is_kept_is_there_the_next_time (Fixture       *fixture,
                                     gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr (HrCalibration) first = read_file (fixture);
  g_autoptr (HrCalibration) second = NULL;
  g_autoptr (HrCalibration) third = NULL;
  const HrCalibrationRow *row;

  g_assert_null (hr_calibration_find (first, "vllm", "l40s"));
  hr_calibration_keep (first, "vllm", "l40s", 314572800, "vLLM 0.8.5");
  hr_calibration_keep (first, "vllm", "h200", -1048576, "vLLM “0.9”");
  hr_calibration_keep (first, "transformers", "l40s", 1, "transformers");
  hr_calibration_keep (first, "vllm", "l40s", 209715200, "vLLM 0.9.1");
  save (fixture, first);

  second = read_file (fixture);
  row = hr_calibration_find (second, "vllm", "l40s");
  g_assert_cmpint (row->difference, ==, 209715200);
  g_assert_cmpstr (row->origin, ==, "vLLM 0.9.1");
  g_assert_cmpuint (strlen (row->date), ==, 10);
  row = hr_calibration_find (second, "vllm", "h200");
  g_assert_cmpint (row->difference, ==, -1048576);
  g_assert_cmpstr (row->origin, ==, "vLLM “0.9”");
  g_assert_null (hr_calibration_find (second, "transformers", "h200"));

  g_assert_true (hr_calibration_forget (second, "vllm", "l40s"));
  g_assert_false (hr_calibration_forget (second, "vllm", "l40s"));
  save (fixture, second);
  third = read_file (fixture);
  g_assert_null (hr_calibration_find (third, "vllm", "l40s"));
  g_assert_nonnull (hr_calibration_find (third, "transformers", "l40s"));
}

static void
a_damaged_file_is_an_error_that_names_the_place (Fixture       *fixture,
                                                 gconstpointer  data G_GNUC_UNUSED)
{
  static const struct
  {
    const char *text;
    const char *place;
  } cases[] = {
    { "[]", "calibration.json" },
    { "{ \"schema\": \"headroom-calibration/2\", \"rows\": [] }", "schema" },
    { "{ \"schema\": \"headroom-calibration/1\", \"rows\": [ 1 ] }", "rows[0]" },
    { "{ \"schema\": \"headroom-calibration/1\", \"rows\": [ { \"program\": \"vllm\" } ] }", "gpu" },
    { "{ \"schema\": \"headroom-calibration/1\", \"rows\": [ { \"program\": \"vllm\", \"gpu\": \"l40s\", "
      "\"origin\": \"vLLM\", \"date\": \"2026-11-28\", \"difference-bytes\": \"1 GiB\" } ] }", "difference-bytes" },
    { "{ \"schema\": \"headroom-calibration/1\", \"rows\": [", "calibration.json" },
  };
  g_autoptr (HrCalibration) empty = read_file (fixture);

  save (fixture, empty);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      const char *path = g_file_peek_path (fixture->file);
      gboolean is_written = g_file_set_contents (path, cases[i].text, -1, NULL);

      g_assert_true (is_written);
      g_assert_null (hr_calibration_new_from_file (fixture->file, &error));
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, cases[i].place));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/calibration/what_is_kept_is_there_the_next_time", Fixture, NULL, set_up,
              what_is_kept_is_there_the_next_time, tear_down);
  g_test_add ("/calibration/a_damaged_file_is_an_error_that_names_the_place", Fixture, NULL, set_up,
              a_damaged_file_is_an_error_that_names_the_place, tear_down);

  return g_test_run ();
}
