/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What programs write about memory, as people have reported it, against what is read of it. */

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "hr-error.h"
#include "hr-log.h"
#include "hr-log-labels.h"

/* Loaded once; each test reads a row. */
static JsonNode *root;

static JsonNode *
load_rows (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "logs", "figures.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);

  return json_parser_steal_root (parser);
}

static char *
join_lines (JsonObject *row)
{
  JsonArray *lines = json_object_get_array_member (row, "lines");
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (lines); i++)
    g_string_append_printf (text, "%s\n", json_array_get_string_element (lines, i));

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static double
get_unit (const char *name)
{
  static const struct
  {
    const char *name;
    double bytes;
  } units[] = {
    { "count", 1 }, { "bytes", 1 }, { "thousand-million", 1e9 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 },
    { "GB", 1e9 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      if (g_str_equal (units[i].name, name))
        return units[i].bytes;
    }

  g_assert_not_reached ();
}

/* @device is NULL where a row does not say which. */
static gboolean
has_figure (HrLog      *log,
            HrLogTerm   term,
            const char *device,
            double      value)
{
  guint n_figures;
  const HrLogFigure *figures = hr_log_get_figures (log, &n_figures);

  for (guint i = 0; i < n_figures; i++)
    {
      if (figures[i].term == term && (device == NULL || g_strcmp0 (figures[i].device, device) == 0) &&
          fabs (figures[i].value - value) <= figures[i].margin + 1.0)
        return TRUE;
    }

  return FALSE;
}

static void
check_figure (HrLog      *log,
              const char *name,
              JsonObject *expected)
{
  double unit = get_unit (json_object_get_string_member (expected, "unit"));
  g_autoptr (GList) devices = NULL;
  JsonObject *of_devices;
  HrLogTerm term;

  g_assert_true (hr_log_term_from_name (name, &term));
  if (json_object_has_member (expected, "value"))
    {
      double value = json_object_get_double_member (expected, "value") * unit;

      if (!has_figure (log, term, NULL, value))
        g_error ("%s: %.0f was expected", name, value);
      return;
    }

  of_devices = json_object_get_object_member (expected, "devices");
  devices = json_object_get_members (of_devices);
  for (GList *i = devices; i != NULL; i = i->next)
    {
      double value = json_object_get_double_member (of_devices, i->data) * unit;

      if (!has_figure (log, term, i->data, value))
        g_error ("%s of %s: %.0f was expected", name, (const char *) i->data, value);
    }
}

static void
test_row (gconstpointer data)
{
  JsonObject *row = (JsonObject *) data;
  JsonObject *figures = json_object_get_object_member (row, "figures");
  g_autofree char *text = join_lines (row);
  g_autoptr (GList) names = json_object_get_members (figures);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrLog) log = hr_log_new_from_text (text, -1, "row", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (hr_log_get_program (log), ==, json_object_get_string_member (row, "program"));
  if (json_object_has_member (row, "version"))
    g_assert_cmpstr (hr_log_get_version (log), ==, json_object_get_string_member (row, "version"));
  g_assert_nonnull (names);
  for (GList *i = names; i != NULL; i = i->next)
    check_figure (log, i->data, json_object_get_object_member (figures, i->data));
}

static void
test_every_line_that_says_something_is_the_one_that_is_named (void)
{
  const char *text = "first\n\nModel loading took 14.2717 GiB and 4.99 seconds\r\nGPU KV cache size: 97,680 tokens";
  g_autoptr (GError) error = NULL;
  g_autoptr (HrLog) log = hr_log_new_from_text (text, -1, "text", &error);
  const HrLogFigure *figures;
  guint n_figures;

  g_assert_no_error (error);
  figures = hr_log_get_figures (log, &n_figures);
  g_assert_cmpuint (n_figures, ==, 2);
  g_assert_cmpuint (figures[0].line, ==, 3);
  g_assert_cmpuint (figures[0].margin, ==, 53687);
  g_assert_cmpuint (figures[1].line, ==, 4);
  g_assert_cmpuint (figures[1].value, ==, 97680);
  g_assert_cmpuint (figures[1].margin, ==, 0);
}

static void
test_a_text_without_figures_is_refused_with_the_programs_that_are_known (void)
{
  static const char * const texts[] = { "", "\n\n", "a config { }", "Model loading took long", "weights: 4 GiB" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrLog) log = hr_log_new_from_text (texts[i], -1, "start.log", &error);

      g_assert_null (log);
      g_assert_error (error, HR_ERROR, HR_ERROR_SYNTAX);
      g_assert_true (g_str_has_prefix (error->message, "start.log: "));
      g_assert_nonnull (strstr (error->message, "vLLM"));
      g_assert_nonnull (strstr (error->message, "nvidia-smi"));
    }
}

static void
test_a_log_without_end_is_refused (void)
{
  g_autofree char *text = g_malloc (HR_LOG_MAX_BYTES + 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrLog) log = NULL;

  memset (text, '\n', HR_LOG_MAX_BYTES + 1);
  log = hr_log_new_from_text (text, HR_LOG_MAX_BYTES + 1, "start.log", &error);
  g_assert_null (log);
  g_assert_error (error, HR_ERROR, HR_ERROR_TOO_LARGE);
}

static void
test_what_is_on_the_host_is_no_figure_of_a_gpu (void)
{
  const char *text = "load_tensors:   CPU_Mapped model buffer size =   125.00 MiB\n"
                     "load_tensors:        CUDA0 model buffer size =    64.00 MiB\n"
                     "load_tensors:        CUDA1 model buffer size =    80.00 MiB\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (HrLog) log = hr_log_new_from_text (text, -1, "text", &error);
  guint64 bytes;
  guint64 margin;

  g_assert_no_error (error);
  g_assert_true (hr_log_get_largest (log, HR_LOG_WEIGHTS, &bytes, &margin));
  g_assert_cmpuint (bytes, ==, 80 << 20);
  g_assert_cmpuint (margin, ==, 5243);
  g_assert_false (hr_log_get_largest (log, HR_LOG_KV_CACHE, &bytes, NULL));
}

static void
test_every_term_has_a_name_and_a_label (void)
{
  for (guint i = 0; i < HR_N_LOG_TERMS; i++)
    {
      HrLogTerm term;

      g_assert_true (hr_log_term_from_name (hr_log_term_get_name (i), &term));
      g_assert_cmpuint (term, ==, i);
      g_assert_cmpuint (strlen (hr_log_term_get_label (i)), >, 0);
    }
}

int
main (int    argc,
      char **argv)
{
  JsonArray *rows;
  int status;

  g_test_init (&argc, &argv, NULL);

  root = load_rows ();
  rows = json_object_get_array_member (json_node_get_object (root), "rows");
  /* A hundred logs at least, whatever else goes. */
  g_assert_cmpuint (json_array_get_length (rows), >=, 100);
  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);
      g_autofree char *path = g_strconcat ("/log/rows/", json_object_get_string_member (row, "id"), NULL);

      g_test_add_data_func (path, row, test_row);
    }

  g_test_add_func ("/log/every-line-that-says-something-is-the-one-that-is-named",
                   test_every_line_that_says_something_is_the_one_that_is_named);
  g_test_add_func ("/log/a-text-without-figures-is-refused-with-the-programs-that-are-known",
                   test_a_text_without_figures_is_refused_with_the_programs_that_are_known);
  g_test_add_func ("/log/a-log-without-end-is-refused", test_a_log_without_end_is_refused);
  g_test_add_func ("/log/what-is-on-the-host-is-no-figure-of-a-gpu", test_what_is_on_the_host_is_no_figure_of_a_gpu);
  g_test_add_func ("/log/every-term-has-a-name-and-a-label", test_every_term_has_a_name_and_a_label);

  status = g_test_run ();
  json_node_unref (root);

  return status;
}
