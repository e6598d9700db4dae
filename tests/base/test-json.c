/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hr-json.h"

/* The user that owns nothing. */
#define NOBODY 65534

typedef struct
{
  const char *name;
  const char *text;
  HrError code;
  const char *place;   /* what the message has to contain */
} BadText;

static const BadText bad_texts[] = {
  { "an_empty_file", "", HR_ERROR_SYNTAX, "line 1, column 1: expected a JSON value, found the end of the file" },
  { "a_web_page", "<!DOCTYPE html>", HR_ERROR_SYNTAX, "line 1, column 1: expected a JSON value, found “<”" },
  { "python_words", "{\n \"a\": True}", HR_ERROR_SYNTAX, "line 2, column 7: expected a JSON value, found “True”" },
  { "two_commas", "{\"a\": 1,, \"b\": 2}", HR_ERROR_SYNTAX, "line 1, column 9: expected a string in double quotes" },
  { "a_missing_comma", "[1 2]", HR_ERROR_SYNTAX, "line 1, column 4: expected “,” or “]”, found “2”" },
  { "a_missing_colon", "{\"a\" 1}", HR_ERROR_SYNTAX, "line 1, column 6: expected “:”, found “1”" },
  { "something_after_the_end", "{} x", HR_ERROR_SYNTAX, "line 1, column 4: expected the end of the file, found “x”" },
  { "a_column_of_characters", "{\"é\": \"é\" x}", HR_ERROR_SYNTAX, "line 1, column 11" },
  { "an_open_string", "{\"a\": \"b", HR_ERROR_SYNTAX, "the end of the file" },
  { "a_line_break_in_a_string", "{\"a\": \"b\nc\"}", HR_ERROR_SYNTAX, "line 1, column 9" },
  { "a_bad_escape", "{\"a\": \"\\x\"}", HR_ERROR_SYNTAX, "backslash" },
  { "a_short_unicode_escape", "{\"a\": \"\\u12\"}", HR_ERROR_SYNTAX, "four hexadecimal digits" },
  { "a_leading_zero", "{\"a\": 01}", HR_ERROR_SYNTAX, "leading zero" },
  { "a_lonely_minus", "-", HR_ERROR_SYNTAX, "a digit" },
  { "a_number_that_ends_with_a_point", "[1.]", HR_ERROR_SYNTAX, "a digit" },
  { "an_open_comment", "/* {}", HR_ERROR_SYNTAX, "*/" },
  { "a_byte_that_is_not_utf_8", "{\"a\":\n \"\xff\"}", HR_ERROR_SYNTAX,
    "line 2, column 3: expected text in UTF-8, found the byte 0xFF" },
  { "utf_16", "\xff\xfe{", HR_ERROR_SYNTAX, "UTF-16" },
};

static void
test_bad_text (gconstpointer data)
{
  const BadText *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) root = hr_json_new_from_data (test->text, -1, "some.json", HR_JSON_TOLERANT, &error);

  g_assert_null (root);
  g_assert_error (error, HR_ERROR, (int) test->code);
  g_assert_true (g_str_has_prefix (error->message, "“some.json”"));
  g_assert_nonnull (strstr (error->message, test->place));
}

/* What people paste goes through with a warning that has the right line; our own data may not have it. */
static const BadText tolerated_texts[] = {
  { "a_line_comment", "{\n  // said\n  \"a\": 1\n}", HR_ERROR_SYNTAX, "line 2: comments" },
  { "a_hash_comment", "{\n  # said\n  \"a\": 1\n}", HR_ERROR_SYNTAX, "line 2: comments" },
  { "a_block_comment", "{ \"a\": /* one\n two */ 1 }", HR_ERROR_SYNTAX, "line 1: comments" },
  { "a_trailing_comma_in_an_object", "{\n  \"a\": 1,\n}", HR_ERROR_SYNTAX, "line 2: a comma" },
  { "a_trailing_comma_in_an_array", "{ \"a\": 1, \"b\": [1, 2,] }", HR_ERROR_SYNTAX, "line 1: a comma" },
  { "a_repeated_key", "{\n \"a\": 7,\n \"a\": 1}", HR_ERROR_SYNTAX, "line 3: “a” is given more than once" },
  { "not_a_number", "{ \"a\": 1, \"b\": NaN }", HR_ERROR_SYNTAX, "line 1: NaN" },
  { "infinity", "{ \"a\": 1, \"b\": -Infinity }", HR_ERROR_SYNTAX, "line 1: NaN" },
};

static void
test_tolerated_text (gconstpointer data)
{
  const BadText *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) root = hr_json_new_from_data (test->text, -1, "some.json", HR_JSON_TOLERANT, &error);
  g_autoptr (HrJson) strict = NULL;
  const char * const *warnings;
  guint64 value = 0;

  g_assert_no_error (error);
  g_assert_true (hr_json_get_uint (root, "a", 0, 10, &value, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (value, ==, 1);

  warnings = hr_json_get_warnings (root);
  g_assert_cmpuint (g_strv_length ((char **) warnings), ==, 1);
  g_assert_nonnull (strstr (warnings[0], test->place));

  strict = hr_json_new_from_data (test->text, -1, "some.json", HR_JSON_STRICT, &error);
  g_assert_null (strict);
  g_assert_error (error, HR_ERROR, (int) test->code);
}

static HrJson *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  HrJson *root = hr_json_new_from_data (text, -1, "some.json", HR_JSON_TOLERANT, &error);

  g_assert_no_error (error);
  g_assert_nonnull (root);

  return root;
}

static void
test_a_byte_order_mark_is_skipped (void)
{
  g_autoptr (HrJson) root = parse ("\xef\xbb\xbf{\"a\": 1}");

  g_assert_nonnull (hr_json_get_member (root, "a"));
}

static void
test_escapes_are_resolved (void)
{
  g_autoptr (HrJson) root = parse ("{\"a\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\ud83d\"}");
  const char *value = NULL;

  g_assert_true (hr_json_get_string (root, "a", &value, NULL));
  g_assert_cmpstr (value, ==, "\"\\/\b\f\n\r\té😀\xef\xbf\xbd");
}

static void
test_deep_nesting_is_an_error (void)
{
  g_autofree char *text = g_strnfill (1000000, '[');
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) root = hr_json_new_from_data (text, -1, "deep.json", HR_JSON_TOLERANT, &error);

  g_assert_null (root);
  g_assert_error (error, HR_ERROR, HR_ERROR_SYNTAX);
  g_assert_nonnull (strstr (error->message, "nested"));
}

static void
test_an_absent_member_is_not_a_wrong_one (void)
{
  g_autoptr (HrJson) root = parse ("{\"nothing\": null, \"text\": \"4096\", \"flag\": true, \"list\": []}");
  g_autoptr (GError) error = NULL;
  guint64 value = 17;

  g_assert_true (hr_json_get_uint (root, "absent", 1, 10, &value, &error));
  g_assert_true (hr_json_get_uint (root, "nothing", 1, 10, &value, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (value, ==, 17);
  g_assert_false (hr_json_has_null_member (root, "absent"));
  g_assert_true (hr_json_has_null_member (root, "nothing"));

  g_assert_false (hr_json_get_uint (root, "text", 1, 10, &value, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_SCHEMA);
  g_assert_cmpstr (error->message, ==,
                   "“some.json”, text (line 1): expected a whole number from 1 to 10, found the string “4096”");
  g_clear_error (&error);

  g_assert_false (hr_json_get_uint (root, "flag", 1, 10, &value, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_SCHEMA);
  g_clear_error (&error);

  g_assert_false (hr_json_get_uint (root, "list", 1, 10, &value, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_SCHEMA);
  g_clear_error (&error);

  g_assert_null (hr_json_require_member (root, "absent", &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_SCHEMA);
  g_assert_cmpstr (error->message, ==, "“some.json”: expected the key “absent”, found none");
}

static void
test_a_message_names_the_place (void)
{
  g_autoptr (HrJson) root = parse ("{\n \"text_config\": {\n  \"layers\": [{}, {\"size\": -5}]}}");
  HrJson *layers = hr_json_get_member (hr_json_get_member (root, "text_config"), "layers");
  g_autoptr (GError) error = NULL;
  guint64 value = 0;

  g_assert_false (hr_json_get_uint (hr_json_get_element (layers, 1), "size", 1, G_MAXUINT64, &value, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_VALUE);
  g_assert_cmpstr (error->message, ==,
                   "“some.json”, text_config.layers[1].size (line 3): expected a whole number of at least 1, found -5");
}

typedef struct
{
  const char *text;
  gboolean is_valid;
  guint64 value;
  HrError code;
} NumberCase;

static void
test_whole_numbers_are_whole_and_in_range (void)
{
  static const NumberCase cases[] = {
    { "0", TRUE, 0 },
    { "4096", TRUE, 4096 },
    { "4096.0", TRUE, 4096 },
    { "1e3", TRUE, 1000 },
    { "9223372036854775807", TRUE, G_MAXINT64 },
    { "0.5", FALSE, 0, HR_ERROR_SCHEMA },
    { "-1", FALSE, 0, HR_ERROR_VALUE },
    { "-1e3", FALSE, 0, HR_ERROR_VALUE },
    { "9223372036854775808", FALSE, 0, HR_ERROR_VALUE },
    { "12345678901234567890", FALSE, 0, HR_ERROR_VALUE },
    { "1e400", FALSE, 0, HR_ERROR_SCHEMA },
    { "NaN", FALSE, 0, HR_ERROR_SCHEMA },
    { "Infinity", FALSE, 0, HR_ERROR_SCHEMA },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"n\": %s}", cases[i].text);
      g_autoptr (HrJson) root = parse (text);
      g_autoptr (GError) error = NULL;
      guint64 value = 99;

      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (hr_json_get_uint (root, "n", 0, G_MAXUINT64, &value, &error), ==, cases[i].is_valid);
      if (cases[i].is_valid)
        g_assert_cmpuint (value, ==, cases[i].value);
      else
        {
          g_assert_error (error, HR_ERROR, (int) cases[i].code);
          g_assert_cmpuint (value, ==, 99);
          g_assert_nonnull (strstr (error->message, cases[i].text));
        }
    }
}

static void
test_members_keep_the_order_of_the_file (void)
{
  g_autoptr (HrJson) root = parse ("{\"c\": 1, \"a\": 2, \"c\": 3, \"b\": 4}");

  g_assert_cmpuint (hr_json_get_length (root), ==, 3);
  g_assert_cmpstr (hr_json_get_key (hr_json_get_element (root, 0)), ==, "a");
  g_assert_cmpstr (hr_json_get_key (hr_json_get_element (root, 1)), ==, "c");
  g_assert_cmpstr (hr_json_get_key (hr_json_get_element (root, 2)), ==, "b");
}

static void
test_an_unknown_member_is_named (void)
{
  static const char * const known[] = { "a", "b", NULL };
  g_autoptr (HrJson) root = parse ("{\"a\": 1,\n \"z\": 2}");
  g_autoptr (GError) error = NULL;

  g_assert_false (hr_json_check_members (root, known, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_SCHEMA);
  g_assert_cmpstr (error->message, ==, "“some.json”, line 2: expected one of the keys a, b, found “z”");
}

static void
test_many_members_take_no_long (void)
{
  g_autoptr (GString) text = g_string_new ("{");
  g_autoptr (HrJson) root = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 200000; i++)
    g_string_append_printf (text, "\"key-%u\": %u, ", i, i);
  g_string_append (text, "\"last\": 1}");

  g_test_timer_start ();
  root = hr_json_new_from_data (text->str, text->len, "many.json", HR_JSON_STRICT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_json_get_length (root), ==, 200001);
  g_assert_cmpfloat (g_test_timer_elapsed (), <, 5.);
}

typedef struct
{
  char *folder;
  char *path;
  GFile *file;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("headroom-json-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->folder, "config.json", NULL);
  fixture->file = g_file_new_for_path (fixture->path);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_chmod (fixture->folder, 0700);
  g_remove (fixture->path);
  g_rmdir (fixture->folder);
  g_clear_object (&fixture->file);
  g_clear_pointer (&fixture->path, g_free);
  g_clear_pointer (&fixture->folder, g_free);
}

static void
assert_unreadable (Fixture *fixture,
                   GQuark   domain,
                   int      code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) root = hr_json_new_from_file (fixture->file, HR_JSON_TOLERANT, &error);

  g_assert_null (root);
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, fixture->path));
}

static void
test_a_file_is_read (Fixture       *fixture,
                     gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) root = NULL;

  g_assert_true (g_file_set_contents (fixture->path, "{\"a\": 1}", -1, NULL));
  root = hr_json_new_from_file (fixture->file, HR_JSON_STRICT, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (hr_json_get_origin (root), ==, fixture->path);
}

static void
test_a_missing_file_is_an_error (Fixture       *fixture,
                                 gconstpointer  data)
{
  assert_unreadable (fixture, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_a_folder_is_no_file (Fixture       *fixture,
                          gconstpointer  data)
{
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  assert_unreadable (fixture, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  g_rmdir (fixture->path);
}

static void
test_a_pipe_does_not_block (Fixture       *fixture,
                            gconstpointer  data)
{
  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  assert_unreadable (fixture, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);
}

static void
test_a_device_is_not_opened (Fixture       *fixture,
                             gconstpointer  data)
{
  g_assert_cmpint (symlink ("/dev/zero", fixture->path), ==, 0);
  assert_unreadable (fixture, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);
}

static void
test_a_file_of_2_gigabytes_is_refused_unread (Fixture       *fixture,
                                              gconstpointer  data)
{
  g_assert_true (g_file_set_contents (fixture->path, "", 0, NULL));
  if (truncate (fixture->path, G_GINT64_CONSTANT (2) * 1024 * 1024 * 1024) != 0)
    {
      g_test_skip ("no sparse files here");
      return;
    }

  g_test_timer_start ();
  assert_unreadable (fixture, HR_ERROR, HR_ERROR_TOO_LARGE);
  g_assert_cmpfloat (g_test_timer_elapsed (), <, 1.);
}

static void
test_a_file_without_permission_is_an_error (Fixture       *fixture,
                                            gconstpointer  data)
{
  gboolean is_root = geteuid () == 0;

  g_assert_true (g_file_set_contents (fixture->path, "{}", -1, NULL));
  g_chmod (fixture->path, 0000);

  /* Root may read everything: for a moment this is somebody else. */
  g_assert_true (!is_root || seteuid (NOBODY) == 0);
  assert_unreadable (fixture, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_true (!is_root || seteuid (0) == 0);
}

#define ADD(name, function) g_test_add ("/json/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (bad_texts); i++)
    {
      g_autofree char *path = g_strconcat ("/json/is_an_error/", bad_texts[i].name, NULL);

      g_test_add_data_func (path, &bad_texts[i], test_bad_text);
    }
  for (guint i = 0; i < G_N_ELEMENTS (tolerated_texts); i++)
    {
      g_autofree char *path = g_strconcat ("/json/is_tolerated_with_a_warning/", tolerated_texts[i].name, NULL);

      g_test_add_data_func (path, &tolerated_texts[i], test_tolerated_text);
    }

  g_test_add_func ("/json/a_byte_order_mark_is_skipped", test_a_byte_order_mark_is_skipped);
  g_test_add_func ("/json/escapes_are_resolved", test_escapes_are_resolved);
  g_test_add_func ("/json/deep_nesting_is_an_error", test_deep_nesting_is_an_error);
  g_test_add_func ("/json/an_absent_member_is_not_a_wrong_one", test_an_absent_member_is_not_a_wrong_one);
  g_test_add_func ("/json/a_message_names_the_place", test_a_message_names_the_place);
  g_test_add_func ("/json/whole_numbers_are_whole_and_in_range", test_whole_numbers_are_whole_and_in_range);
  g_test_add_func ("/json/members_keep_the_order_of_the_file", test_members_keep_the_order_of_the_file);
  g_test_add_func ("/json/an_unknown_member_is_named", test_an_unknown_member_is_named);
  g_test_add_func ("/json/many_members_take_no_long", test_many_members_take_no_long);

  ADD ("a_file_is_read", test_a_file_is_read);
  ADD ("a_missing_file_is_an_error", test_a_missing_file_is_an_error);
  ADD ("a_folder_is_no_file", test_a_folder_is_no_file);
  ADD ("a_pipe_does_not_block", test_a_pipe_does_not_block);
  ADD ("a_device_is_not_opened", test_a_device_is_not_opened);
  ADD ("a_file_of_2_gigabytes_is_refused_unread", test_a_file_of_2_gigabytes_is_refused_unread);
  ADD ("a_file_without_permission_is_an_error", test_a_file_without_permission_is_an_error);

  return g_test_run ();
}
