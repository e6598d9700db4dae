/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib.h>

#include "hr-expression.h"

/* The names that the expressions below may use. */
static const char names_text[] = "{\"heads\": 8, \"size\": 100, \"factor\": 0.25, \"yes\": true, \"word\": \"full\", "
                                 "\"list\": [1, 0, \"sliding\"], \"object\": {\"n\": 3}, \"nothing\": null}";

static HrLookup
lookup (const char  *name,
        gpointer     user_data,
        HrValue     *value,
        GError     **error)
{
  HrJson *names = user_data;
  HrJson *found = hr_json_get_member (names, name);

  if (found != NULL)
    return hr_value_from_json (found, value, error) ? HR_LOOKUP_FOUND : HR_LOOKUP_FAILED;
  if (hr_json_has_null_member (names, name))
    {
      *value = (HrValue) { HR_VALUE_NOTHING };
      return HR_LOOKUP_FOUND;
    }

  return HR_LOOKUP_UNKNOWN;
}

typedef struct
{
  const char *expression;
  const char *result;   /* as JSON */
} Case;

static const Case cases[] = {
  { "7", "7" },
  { "true", "true" },
  { "\"word\"", "\"word\"" },
  { "\"$word\"", "\"full\"" },
  { "\"$nothing\"", "null" },
  { "[\"product\", \"$heads\", \"$size\"]", "800" },
  { "[\"product\", 2, 3, 4]", "24" },
  { "[\"product\", \"$size\", \"$factor\"]", "25.0" },
  { "[\"sum\", \"$heads\", 1, 1]", "10" },
  { "[\"difference\", \"$heads\", 10]", "-2" },
  { "[\"quotient\", \"$size\", 4]", "25" },
  { "[\"quotient\", 1, 0.25]", "4.0" },
  { "[\"quotient\", 0.5, 2]", "0.25" },
  { "[\"remainder\", \"$size\", \"$heads\"]", "4" },
  { "[\"round-up\", \"$size\", 64]", "128" },
  { "[\"round-up\", 128, 64]", "128" },
  { "[\"floor\", [\"product\", 30, \"$factor\"]]", "7" },
  { "[\"equal\", \"$word\", \"full\"]", "true" },
  { "[\"equal\", \"$heads\", 8.0]", "true" },
  { "[\"equal\", \"$nothing\", 0]", "false" },
  { "[\"equal\", \"$heads\", \"8\"]", "false" },
  { "[\"less\", 0, \"$factor\"]", "true" },
  { "[\"less\", \"$heads\", 8]", "false" },
  { "[\"not\", \"$yes\"]", "false" },
  { "[\"and\", \"$yes\", [\"equal\", 1, 1]]", "true" },
  { "[\"and\", false, \"$unknown\"]", "false" },
  { "[\"or\", true, \"$unknown\"]", "true" },
  { "[\"or\", false, false]", "false" },
  { "[\"if\", \"$yes\", 1, \"$unknown\"]", "1" },
  { "[\"if\", false, \"$unknown\", \"no\"]", "\"no\"" },
  { "[\"present\", \"$nothing\"]", "false" },
  { "[\"present\", \"$heads\"]", "true" },
  { "[\"element\", \"$list\", 2]", "\"sliding\"" },
  { "[\"element\", \"$word\", 1]", "\"u\"" },
  { "[\"length\", \"$list\"]", "3" },
  { "[\"length\", \"$word\"]", "4" },
  { "[\"count\", \"$list\", 1]", "1" },
  { "[\"count\", \"$word\", \"l\"]", "2" },
  { "[\"count\", \"$word\", \"x\"]", "0" },
  { "[\"count\", \"$word\", \"l\", 3]", "1" },
  { "[\"count\", \"$word\", \"l\", 99]", "2" },
  { "[\"position\", \"$word\", \"l\", 0]", "2" },
  { "[\"position\", \"$word\", \"l\", 1]", "3" },
  { "[\"present\", [\"position\", \"$word\", \"l\", 2]]", "false" },
  { "[\"square-root\", 16384]", "128" },
  { "[\"square-root\", 99]", "9" },
  { "[\"square-root\", 0]", "0" },
  { "[\"contains\", \"$nothing\", 2]", "false" },
  { "[\"contains\", \"$list\", 0]", "true" },
  { "[\"contains\", \"$list\", 2]", "false" },
  { "[\"contains\", \"$list\", \"sliding\"]", "true" },
  { "[\"contains\", \"$word\", \"ul\"]", "true" },
  { "[\"contains\", \"$word\", \"lu\"]", "false" },
  { "[\"contains\", \"4,5, 16\", 16]", "true" },
  { "[\"contains\", \"4,5, 16\", 1]", "false" },
  { "[\"member\", \"$object\", \"n\"]", "3" },
  { "[\"present\", [\"member\", \"$object\", \"m\"]]", "false" },
  { "[\"length\", \"$list\"]", "3" },
  { "[\"length\", \"$object\"]", "1" },
  { "[\"is-list\", \"$list\"]", "true" },
  { "[\"is-list\", \"$object\"]", "false" },
  { "[\"is-list\", 3]", "false" },
  { "[\"ends-with\", \"$word\", \"ll\"]", "true" },
  { "[\"ends-with\", \"$word\", \"fu\"]", "false" },
};

static void
test_evaluates (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) names = hr_json_new_from_data (names_text, -1, "names", HR_JSON_STRICT, &error);
  g_autoptr (HrJson) expression = hr_json_new_from_data (test->expression, -1, "expression", HR_JSON_STRICT, &error);
  g_autoptr (HrJson) expected_json = hr_json_new_from_data (test->result, -1, "result", HR_JSON_STRICT, &error);
  HrValue value, expected;

  g_assert_true (hr_expression_evaluate (expression, lookup, names, &value, &error));
  g_assert_no_error (error);
  g_assert_true (hr_value_from_json (expected_json, &expected, &error));
  g_assert_cmpint (value.type, ==, expected.type);
  g_assert_true (hr_value_equal (&value, &expected));
}

typedef struct
{
  const char *expression;
  HrError code;
  const char *message;
} BadCase;

static const BadCase bad_cases[] = {
  { "[]", HR_ERROR_SCHEMA, "an operation" },
  { "[1, 2]", HR_ERROR_SCHEMA, "a string" },
  { "[\"power\", 2, 3]", HR_ERROR_UNKNOWN_NAME, "“power”" },
  { "[\"not\"]", HR_ERROR_SCHEMA, "arguments" },
  { "[\"quotient\", 1, 2, 3]", HR_ERROR_SCHEMA, "arguments" },
  { "\"$unknown\"", HR_ERROR_UNKNOWN_NAME, "found the string “$unknown”" },
  { "[\"product\", \"$word\", 2]", HR_ERROR_VALUE, "word: expected a number" },
  { "[\"quotient\", \"$size\", \"$heads\"]", HR_ERROR_VALUE,
    "heads: expected a divisor of size, which is 100, found 8" },
  { "[\"quotient\", 1, 0]", HR_ERROR_VALUE, "positive" },
  { "[\"quotient\", 0.5, 0]", HR_ERROR_VALUE, "positive" },
  { "[\"remainder\", 1, 0]", HR_ERROR_VALUE, "positive" },
  { "[\"round-up\", 9223372036854775807, 64]", HR_ERROR_TOO_LARGE, "counted" },
  { "[\"product\", 9223372036854775807, 2]", HR_ERROR_TOO_LARGE, "counted" },
  { "[\"sum\", 9223372036854775807, 1]", HR_ERROR_TOO_LARGE, "counted" },
  { "[\"floor\", 1e300]", HR_ERROR_TOO_LARGE, "counted" },
  { "[\"if\", 1, 2, 3]", HR_ERROR_VALUE, "true or false" },
  { "[\"element\", \"$list\", 3]", HR_ERROR_VALUE, "list: expected an element for each layer, found 3 elements" },
  { "[\"element\", \"$word\", 4]", HR_ERROR_VALUE, "word: expected a character for each layer" },
  { "[\"element\", \"$word\", -1]", HR_ERROR_VALUE, "word: expected a character for each layer" },
  { "[\"length\", \"$heads\"]", HR_ERROR_VALUE, "heads: expected an array or an object" },
  { "[\"count\", \"$object\", 1]", HR_ERROR_VALUE, "object: expected an array or a string" },
  { "[\"element\", \"$object\", 0]", HR_ERROR_SCHEMA, "an array" },
  { "[\"contains\", \"$heads\", 0]", HR_ERROR_VALUE, "an array" },
  { "[\"contains\", \"$word\", 0]", HR_ERROR_VALUE, "word: expected whole numbers with commas between them" },
  { "[\"element\", \"$heads\", 0]", HR_ERROR_VALUE, "heads" },
  { "[\"member\", \"$list\", \"n\"]", HR_ERROR_SCHEMA, "an object" },
  { "[\"length\", \"$heads\"]", HR_ERROR_VALUE, "heads" },
  { "[\"ends-with\", \"$heads\", \"8\"]", HR_ERROR_VALUE, "heads" },
};

static void
test_is_an_error (gconstpointer data)
{
  const BadCase *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) names = hr_json_new_from_data (names_text, -1, "names", HR_JSON_STRICT, &error);
  g_autoptr (HrJson) expression = hr_json_new_from_data (test->expression, -1, "expression", HR_JSON_STRICT, &error);
  HrValue value;

  g_assert_no_error (error);
  g_assert_false (hr_expression_evaluate (expression, lookup, names, &value, &error));
  g_assert_error (error, HR_ERROR, (int) test->code);
  g_assert_nonnull (strstr (error->message, test->message));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/expression/evaluates/%u", i);

      g_test_add_data_func (path, &cases[i], test_evaluates);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/expression/is_an_error/%u", i);

      g_test_add_data_func (path, &bad_cases[i], test_is_an_error);
    }

  return g_test_run ();
}
