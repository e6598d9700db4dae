/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Logs with seeded damage: whatever they hold, there are figures or an error that names the text, and nothing crashes,
 * hangs or grows. `-m slow` makes many more rounds.
 */

#include <json-glib/json-glib.h>
#include <string.h>

#include "hr-error.h"
#include "hr-log.h"

/* The texts of the logs that are known. */
static GPtrArray *seeds;

static void
load_seeds (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "logs", "figures.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  JsonArray *rows;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);

  seeds = g_ptr_array_new_with_free_func (g_free);
  rows = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "rows");
  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonArray *lines = json_object_get_array_member (json_array_get_object_element (rows, i), "lines");
      g_autoptr (GString) text = g_string_new (NULL);

      for (guint j = 0; j < json_array_get_length (lines); j++)
        g_string_append_printf (text, "%s\n", json_array_get_string_element (lines, j));
      g_ptr_array_add (seeds, g_string_free (g_steal_pointer (&text), FALSE));
    }
}

static void
damage (GString *text)
{
  static const char odd[] = "0123456789.,=:|()[] \n\r\t\033\"-eE";
  guint n_changes = g_test_rand_int_range (1, 6);

  for (guint i = 0; i < n_changes && text->len > 0; i++)
    {
      gsize place = g_test_rand_int_range (0, text->len);

      switch (g_test_rand_int_range (0, 6))
        {
        case 0:
          text->str[place] = g_test_rand_int_range (0, 256);
          break;

        case 1:
          g_string_erase (text, place, g_test_rand_int_range (1, MIN (text->len - place, 30) + 1));
          break;

        case 2:
          g_string_insert_c (text, place, odd[g_test_rand_int_range (0, sizeof odd - 1)]);
          break;

        case 3:
          g_string_truncate (text, place);
          break;

        case 4:
          for (guint j = 0; j < 400; j++)
            g_string_insert_c (text, place, odd[g_test_rand_int_range (0, 14)]);
          break;

        default:
          g_string_insert (text, place, g_ptr_array_index (seeds, g_test_rand_int_range (0, seeds->len)));
        }
    }
}

static void
check (const GString *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrLog) log = hr_log_new_from_text (text->str, text->len, "damaged.log", &error);
  const HrLogFigure *figures;
  guint n_figures;

  if (log == NULL)
    {
      g_assert_true (error->domain == HR_ERROR);
      g_assert_nonnull (strstr (error->message, "damaged.log"));
      g_assert_null (strchr (error->message, '\n'));
      return;
    }

  g_assert_no_error (error);
  g_assert_nonnull (hr_log_get_program_name (log));
  figures = hr_log_get_figures (log, &n_figures);
  g_assert_cmpuint (n_figures, >, 0);
  for (guint i = 0; i < n_figures; i++)
    {
      g_assert_cmpuint (figures[i].term, <, HR_N_LOG_TERMS);
      g_assert_cmpuint (figures[i].line, >, 0);
      g_assert_true (figures[i].device == NULL || g_utf8_validate (figures[i].device, -1, NULL));
    }
}

static void
test_damaged_logs_are_read_or_refused (void)
{
  guint n_rounds = g_test_slow () ? 400 : 12;

  for (guint i = 0; i < seeds->len; i++)
    {
      for (guint j = 0; j < n_rounds; j++)
        {
          g_autoptr (GString) text = g_string_new (g_ptr_array_index (seeds, i));

          damage (text);
          check (text);
        }
    }
}

static void
test_logs_cut_anywhere_are_read_or_refused (void)
{
  for (guint i = 0; i < seeds->len; i++)
    {
      const char *seed = g_ptr_array_index (seeds, i);

      for (gsize length = 0; length < strlen (seed); length += g_test_slow () ? 1 : 17)
        {
          g_autoptr (GString) text = g_string_new_len (seed, length);

          check (text);
        }
    }
}

int
main (int    argc,
      char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  load_seeds ();
  g_test_add_func ("/fuzz/log/damaged-logs-are-read-or-refused", test_damaged_logs_are_read_or_refused);
  g_test_add_func ("/fuzz/log/logs-cut-anywhere-are-read-or-refused", test_logs_cut_anywhere_are_read_or_refused);
  status = g_test_run ();
  g_ptr_array_unref (seeds);

  return status;
}
