/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-expression.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

typedef struct
{
  HrExpressionLookup lookup;
  gpointer user_data;
} HrEvaluation;

typedef gboolean (*HrOperator) (HrEvaluation *evaluation,
                                HrJson       *expression,
                                HrValue      *value,
                                GError      **error);

/* Beyond this whole numbers are not exact as a double. */
#define MAX_EXACT_REAL 9007199254740992.0

static gboolean evaluate (HrEvaluation *evaluation,
                          HrJson       *expression,
                          HrValue      *value,
                          GError      **error);

static const char *
get_type_description (HrValueType type)
{
  switch (type)
    {
    case HR_VALUE_NOTHING:
      return _("nothing");

    case HR_VALUE_BOOLEAN:
      return _("true or false");

    case HR_VALUE_INTEGER:
      return _("a whole number");

    case HR_VALUE_REAL:
      return _("a number");

    case HR_VALUE_STRING:
      return _("a string");

    case HR_VALUE_JSON:
      return _("an array or an object");

    default:
      g_assert_not_reached ();
    }
}

/* An argument as the author of the file wrote it, without the dollar sign. */
static char *
describe_argument (HrJson *argument)
{
  const char *text;

  if (hr_json_get_node_type (argument) == HR_JSON_STRING && hr_json_read_string (argument, &text, NULL))
    return g_strdup (text[0] == '$' ? text + 1 : text);

  return hr_json_dup_path (argument);
}

static gboolean
set_value_error (HrJson        *argument,
                 const HrValue *value,
                 const char    *expected,
                 GError       **error)
{
  g_autofree char *name = describe_argument (argument);
  g_autofree char *found = hr_value_to_string (value);

  /* Translators: a name such as "hidden_size", what its value should be, what it is. */
  g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("%s: expected %s, found %s"), name, expected, found);

  return FALSE;
}

static HrJson *
get_argument (HrJson *expression,
              guint   index)
{
  return hr_json_get_element (expression, index + 1);
}

static guint
get_n_arguments (HrJson *expression)
{
  return hr_json_get_length (expression) - 1;
}

static gboolean
evaluate_argument (HrEvaluation *evaluation,
                   HrJson       *expression,
                   guint         index,
                   HrValue      *value,
                   GError      **error)
{
  return evaluate (evaluation, get_argument (expression, index), value, error);
}

static gboolean
evaluate_typed (HrEvaluation *evaluation,
                HrJson       *expression,
                guint         index,
                HrValueType   type,
                HrValue      *value,
                GError      **error)
{
  if (!evaluate_argument (evaluation, expression, index, value, error))
    return FALSE;

  if (value->type == type)
    return TRUE;
  if (type == HR_VALUE_REAL && value->type == HR_VALUE_INTEGER)
    {
      *value = (HrValue) { HR_VALUE_REAL, .real = value->integer };
      return TRUE;
    }

  return set_value_error (get_argument (expression, index), value, get_type_description (type), error);
}

static gboolean
set_overflow_error (HrJson  *expression,
                    GError **error)
{
  g_autofree char *path = hr_json_dup_path (expression);

  /* Translators: the name of a value, such as "values.rotary_dim". */
  g_set_error (error, HR_ERROR, HR_ERROR_TOO_LARGE, _("%s: expected sizes whose product can be counted"), path);

  return FALSE;
}

/* Folds all arguments; as whole numbers as long as they are whole. */
static gboolean
fold (HrEvaluation *evaluation,
      HrJson       *expression,
      gboolean      multiply,
      HrValue      *value,
      GError      **error)
{
  HrValue result = { HR_VALUE_INTEGER, .integer = multiply ? 1 : 0 };

  for (guint i = 0; i < get_n_arguments (expression); i++)
    {
      HrValue argument;

      if (!evaluate_argument (evaluation, expression, i, &argument, error))
        return FALSE;
      if (argument.type != HR_VALUE_INTEGER && argument.type != HR_VALUE_REAL)
        return set_value_error (get_argument (expression, i), &argument, get_type_description (HR_VALUE_REAL), error);

      if (result.type == HR_VALUE_INTEGER && argument.type == HR_VALUE_INTEGER)
        {
          if (multiply ? __builtin_mul_overflow (result.integer, argument.integer, &result.integer)
                       : __builtin_add_overflow (result.integer, argument.integer, &result.integer))
            return set_overflow_error (expression, error);
        }
      else
        {
          double first = result.type == HR_VALUE_INTEGER ? (double) result.integer : result.real;
          double second = argument.type == HR_VALUE_INTEGER ? (double) argument.integer : argument.real;

          result = (HrValue) { HR_VALUE_REAL, .real = multiply ? first * second : first + second };
        }
    }

  *value = result;

  return TRUE;
}

static gboolean
operator_product (HrEvaluation *evaluation,
                  HrJson       *expression,
                  HrValue      *value,
                  GError      **error)
{
  return fold (evaluation, expression, TRUE, value, error);
}

static gboolean
operator_sum (HrEvaluation *evaluation,
              HrJson       *expression,
              HrValue      *value,
              GError      **error)
{
  return fold (evaluation, expression, FALSE, value, error);
}

static gboolean
evaluate_pair (HrEvaluation *evaluation,
               HrJson       *expression,
               gint64        minimum_of_second,
               gint64       *first,
               gint64       *second,
               GError      **error)
{
  HrValue values[2];

  for (guint i = 0; i < 2; i++)
    {
      if (!evaluate_typed (evaluation, expression, i, HR_VALUE_INTEGER, &values[i], error))
        return FALSE;
    }
  if (values[1].integer < minimum_of_second)
    return set_value_error (get_argument (expression, 1), &values[1], _("a positive whole number"), error);

  *first = values[0].integer;
  *second = values[1].integer;

  return TRUE;
}

static gboolean
operator_difference (HrEvaluation *evaluation,
                     HrJson       *expression,
                     HrValue      *value,
                     GError      **error)
{
  gint64 first, second;

  value->type = HR_VALUE_INTEGER;
  if (!evaluate_pair (evaluation, expression, G_MININT64, &first, &second, error))
    return FALSE;

  return !__builtin_sub_overflow (first, second, &value->integer) || set_overflow_error (expression, error);
}

/* With a number that is not whole the quotient is not either. */
static gboolean
divide_reals (HrJson         *expression,
              const HrValue  *first,
              const HrValue  *second,
              HrValue        *value,
              GError        **error)
{
  double dividend = first->type == HR_VALUE_REAL ? first->real : first->integer;
  double divisor = second->type == HR_VALUE_REAL ? second->real : second->integer;

  if (!(divisor > 0))
    return set_value_error (get_argument (expression, 1), second, _("a positive number"), error);

  *value = (HrValue) { HR_VALUE_REAL, .real = dividend / divisor };

  return TRUE;
}

/* Of whole numbers nothing is left over: a hidden size that its heads do not divide is a mistake in the config. */
static gboolean
operator_quotient (HrEvaluation *evaluation,
                   HrJson       *expression,
                   HrValue      *value,
                   GError      **error)
{
  HrValue values[2];
  gint64 first, second;

  if (!evaluate_argument (evaluation, expression, 0, &values[0], error) ||
      !evaluate_argument (evaluation, expression, 1, &values[1], error))
    return FALSE;
  if ((values[0].type == HR_VALUE_REAL && (values[1].type == HR_VALUE_REAL || values[1].type == HR_VALUE_INTEGER)) ||
      (values[0].type == HR_VALUE_INTEGER && values[1].type == HR_VALUE_REAL))
    return divide_reals (expression, &values[0], &values[1], value, error);

  if (!evaluate_pair (evaluation, expression, 1, &first, &second, error))
    return FALSE;

  if (first % second != 0)
    {
      g_autofree char *dividend = describe_argument (get_argument (expression, 0));
      g_autofree char *whole = g_strdup_printf ("%" G_GINT64_FORMAT, first);
      /* Translators: a name such as "hidden_size", and its value. */
      g_autofree char *expected = g_strdup_printf (_("a divisor of %s, which is %s"), dividend, whole);

      return set_value_error (get_argument (expression, 1), &(HrValue) { HR_VALUE_INTEGER, .integer = second },
                              expected, error);
    }

  *value = (HrValue) { HR_VALUE_INTEGER, .integer = first / second };

  return TRUE;
}

static gboolean
operator_remainder (HrEvaluation *evaluation,
                    HrJson       *expression,
                    HrValue      *value,
                    GError      **error)
{
  gint64 first, second;

  if (!evaluate_pair (evaluation, expression, 1, &first, &second, error))
    return FALSE;

  *value = (HrValue) { HR_VALUE_INTEGER, .integer = first % second };

  return TRUE;
}

/* Rounds the first argument up to a multiple of the second. */
static gboolean
operator_round_up (HrEvaluation *evaluation,
                   HrJson       *expression,
                   HrValue      *value,
                   GError      **error)
{
  gint64 first, second, padded;

  if (!evaluate_pair (evaluation, expression, 1, &first, &second, error))
    return FALSE;
  if (__builtin_add_overflow (first, second - 1, &padded))
    return set_overflow_error (expression, error);

  *value = (HrValue) { HR_VALUE_INTEGER, .integer = padded / second * second };

  return TRUE;
}

static gboolean
operator_floor (HrEvaluation *evaluation,
                HrJson       *expression,
                HrValue      *value,
                GError      **error)
{
  HrValue argument;

  if (!evaluate_typed (evaluation, expression, 0, HR_VALUE_REAL, &argument, error))
    return FALSE;
  if (fabs (argument.real) > MAX_EXACT_REAL)
    return set_overflow_error (expression, error);

  *value = (HrValue) { HR_VALUE_INTEGER, .integer = (gint64) floor (argument.real) };

  return TRUE;
}

static gboolean
operator_equal (HrEvaluation *evaluation,
                HrJson       *expression,
                HrValue      *value,
                GError      **error)
{
  HrValue first, second;

  if (!evaluate_argument (evaluation, expression, 0, &first, error) ||
      !evaluate_argument (evaluation, expression, 1, &second, error))
    return FALSE;

  *value = (HrValue) { HR_VALUE_BOOLEAN, .boolean = hr_value_equal (&first, &second) };

  return TRUE;
}

static gboolean
operator_less (HrEvaluation *evaluation,
               HrJson       *expression,
               HrValue      *value,
               GError      **error)
{
  HrValue first, second;

  if (!evaluate_typed (evaluation, expression, 0, HR_VALUE_REAL, &first, error) ||
      !evaluate_typed (evaluation, expression, 1, HR_VALUE_REAL, &second, error))
    return FALSE;

  *value = (HrValue) { HR_VALUE_BOOLEAN, .boolean = first.real < second.real };

  return TRUE;
}

static gboolean
operator_not (HrEvaluation *evaluation,
              HrJson       *expression,
              HrValue      *value,
              GError      **error)
{
  if (!evaluate_typed (evaluation, expression, 0, HR_VALUE_BOOLEAN, value, error))
    return FALSE;

  value->boolean = !value->boolean;

  return TRUE;
}

/* Stops at the first argument that decides. */
static gboolean
evaluate_until (HrEvaluation *evaluation,
                HrJson       *expression,
                gboolean      deciding,
                HrValue      *value,
                GError      **error)
{
  for (guint i = 0; i < get_n_arguments (expression); i++)
    {
      if (!evaluate_typed (evaluation, expression, i, HR_VALUE_BOOLEAN, value, error))
        return FALSE;
      if (value->boolean == deciding)
        return TRUE;
    }

  *value = (HrValue) { HR_VALUE_BOOLEAN, .boolean = !deciding };

  return TRUE;
}

static gboolean
operator_and (HrEvaluation *evaluation,
              HrJson       *expression,
              HrValue      *value,
              GError      **error)
{
  return evaluate_until (evaluation, expression, FALSE, value, error);
}

static gboolean
operator_or (HrEvaluation *evaluation,
             HrJson       *expression,
             HrValue      *value,
             GError      **error)
{
  return evaluate_until (evaluation, expression, TRUE, value, error);
}

/* Evaluates only the branch that is taken. */
static gboolean
operator_if (HrEvaluation *evaluation,
             HrJson       *expression,
             HrValue      *value,
             GError      **error)
{
  if (!evaluate_typed (evaluation, expression, 0, HR_VALUE_BOOLEAN, value, error))
    return FALSE;

  return evaluate_argument (evaluation, expression, value->boolean ? 1 : 2, value, error);
}

static gboolean
operator_present (HrEvaluation *evaluation,
                  HrJson       *expression,
                  HrValue      *value,
                  GError      **error)
{
  HrValue argument;

  if (!evaluate_argument (evaluation, expression, 0, &argument, error))
    return FALSE;

  *value = (HrValue) { HR_VALUE_BOOLEAN, .boolean = argument.type != HR_VALUE_NOTHING };

  return TRUE;
}

/* "4,5,6": whether a number is one of those that a text of the config lists. */
static gboolean
find_listed (HrJson         *expression,
             const HrValue  *list,
             gint64          sought,
             gboolean       *found,
             GError        **error)
{
  g_auto (GStrv) numbers = g_strsplit (list->string, ",", -1);

  for (guint i = 0; numbers[i] != NULL; i++)
    {
      gint64 number;

      if (!g_ascii_string_to_signed (g_strstrip (numbers[i]), 10, 0, G_MAXINT32, &number, NULL))
        return set_value_error (get_argument (expression, 0), list, _("whole numbers with commas between them"), error);
      *found = *found || number == sought;
    }

  return TRUE;
}

/*
 * Whether a list of the config has a number or a text in it, such as the layers that are dense, or a text has another
 * in it, or lists a number; nothing has none.
 */
static gboolean
operator_contains (HrEvaluation *evaluation,
                   HrJson       *expression,
                   HrValue      *value,
                   GError      **error)
{
  HrValue list, sought, element;

  if (!evaluate_argument (evaluation, expression, 0, &list, error) ||
      !evaluate_argument (evaluation, expression, 1, &sought, error))
    return FALSE;

  value->type = HR_VALUE_BOOLEAN;
  value->boolean = FALSE;
  if (list.type == HR_VALUE_NOTHING)
    return TRUE;
  if (list.type == HR_VALUE_STRING && sought.type == HR_VALUE_STRING)
    {
      value->boolean = strstr (list.string, sought.string) != NULL;
      return TRUE;
    }
  if (list.type == HR_VALUE_STRING && sought.type == HR_VALUE_INTEGER)
    return find_listed (expression, &list, sought.integer, &value->boolean, error);
  if (list.type != HR_VALUE_JSON || hr_json_get_node_type (list.json) != HR_JSON_ARRAY)
    return set_value_error (get_argument (expression, 0), &list, _("an array"), error);

  for (guint i = 0; i < hr_json_get_length (list.json) && !value->boolean; i++)
    {
      if (!hr_value_from_json (hr_json_get_element (list.json, i), &element, error))
        return FALSE;
      value->boolean = hr_value_equal (&element, &sought);
    }

  return TRUE;
}

/* How many characters a string of the config has. */
static gint64
count_characters (const char *string)
{
  return g_utf8_strlen (string, -1);
}

/* A character of a string of the config that says what each layer is, as a string. */
static gboolean
pick_character (HrJson         *expression,
                const HrValue  *string,
                gint64          index,
                HrValue        *value,
                GError        **error)
{
  char character[8] = { 0 };

  if (index < 0 || index >= count_characters (string->string))
    return set_value_error (get_argument (expression, 0), string, _("a character for each layer"), error);

  g_utf8_strncpy (character, g_utf8_offset_to_pointer (string->string, index), 1);
  *value = (HrValue) { HR_VALUE_STRING, .string = g_intern_string (character) };

  return TRUE;
}

/* An element of a list of the config, such as the type of a layer, or a character of a string. */
static gboolean
operator_element (HrEvaluation *evaluation,
                  HrJson       *expression,
                  HrValue      *value,
                  GError      **error)
{
  HrValue list, index;

  if (!evaluate_argument (evaluation, expression, 0, &list, error) ||
      !evaluate_typed (evaluation, expression, 1, HR_VALUE_INTEGER, &index, error))
    return FALSE;
  if (list.type == HR_VALUE_STRING)
    return pick_character (expression, &list, index.integer, value, error);
  if (list.type != HR_VALUE_JSON)
    return set_value_error (get_argument (expression, 0), &list, get_type_description (HR_VALUE_JSON), error);
  if (!hr_json_check_type (list.json, HR_JSON_ARRAY, error))
    return FALSE;

  if (index.integer < 0 || index.integer >= hr_json_get_length (list.json))
    {
      g_autofree char *name = describe_argument (get_argument (expression, 0));

      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   _("“%s”, %s: expected an element for each layer, found %u elements"),
                   hr_json_get_origin (list.json), name, hr_json_get_length (list.json));
      return FALSE;
    }

  return hr_value_from_json (hr_json_get_element (list.json, index.integer), value, error);
}

/* How many elements a list of the config, or characters a string, has; an error if it is neither. */
static gboolean
get_list_length (HrJson         *expression,
                 const HrValue  *list,
                 gint64         *length,
                 GError        **error)
{
  if (list->type == HR_VALUE_STRING)
    *length = count_characters (list->string);
  else if (list->type == HR_VALUE_JSON && hr_json_get_node_type (list->json) == HR_JSON_ARRAY)
    *length = hr_json_get_length (list->json);
  else
    return set_value_error (get_argument (expression, 0), list, _("an array or a string"), error);

  return TRUE;
}

static gboolean
pick_element (HrJson         *expression,
              const HrValue  *list,
              gint64          index,
              HrValue        *value,
              GError        **error)
{
  if (list->type == HR_VALUE_STRING)
    return pick_character (expression, list, index, value, error);

  return hr_value_from_json (hr_json_get_element (list->json, index), value, error);
}

/* How many elements of a list of the config, or characters of a string, are a value; of the first so many, if asked. */
static gboolean
operator_count (HrEvaluation *evaluation,
                HrJson       *expression,
                HrValue      *value,
                GError      **error)
{
  HrValue list, wanted, element, end;
  gint64 n = 0;
  gint64 length;

  if (!evaluate_argument (evaluation, expression, 0, &list, error) ||
      !evaluate_argument (evaluation, expression, 1, &wanted, error) ||
      !get_list_length (expression, &list, &length, error))
    return FALSE;
  if (get_n_arguments (expression) > 2)
    {
      if (!evaluate_typed (evaluation, expression, 2, HR_VALUE_INTEGER, &end, error))
        return FALSE;
      length = MIN (length, end.integer);
    }

  for (gint64 i = 0; i < length; i++)
    {
      if (!pick_element (expression, &list, i, &element, error))
        return FALSE;
      n += hr_value_equal (&element, &wanted);
    }

  *value = (HrValue) { HR_VALUE_INTEGER, .integer = n };

  return TRUE;
}

/* Where in a list of the config, or a string, a value stands for the nth time, counted from 0; nothing if nowhere. */
static gboolean
operator_position (HrEvaluation *evaluation,
                   HrJson       *expression,
                   HrValue      *value,
                   GError      **error)
{
  HrValue list, wanted, element, nth;
  gint64 n = 0;
  gint64 length;

  if (!evaluate_argument (evaluation, expression, 0, &list, error) ||
      !evaluate_argument (evaluation, expression, 1, &wanted, error) ||
      !evaluate_typed (evaluation, expression, 2, HR_VALUE_INTEGER, &nth, error) ||
      !get_list_length (expression, &list, &length, error))
    return FALSE;

  *value = (HrValue) { HR_VALUE_NOTHING };
  for (gint64 i = 0; i < length; i++)
    {
      if (!pick_element (expression, &list, i, &element, error))
        return FALSE;
      if (!hr_value_equal (&element, &wanted) || n++ < nth.integer)
        continue;
      *value = (HrValue) { HR_VALUE_INTEGER, .integer = i };
      break;
    }

  return TRUE;
}

/* A member of an object of the config; nothing if it is not there. */
static gboolean
operator_member (HrEvaluation *evaluation,
                 HrJson       *expression,
                 HrValue      *value,
                 GError      **error)
{
  HrValue object, key;
  HrJson *member;

  if (!evaluate_typed (evaluation, expression, 0, HR_VALUE_JSON, &object, error) ||
      !evaluate_typed (evaluation, expression, 1, HR_VALUE_STRING, &key, error) ||
      !hr_json_check_type (object.json, HR_JSON_OBJECT, error))
    return FALSE;

  *value = (HrValue) { HR_VALUE_NOTHING };
  member = hr_json_get_member (object.json, key.string);

  return member == NULL || hr_value_from_json (member, value, error);
}

/* How many elements a list or an object of the config has, or characters a string. */
static gboolean
operator_length (HrEvaluation *evaluation,
                 HrJson       *expression,
                 HrValue      *value,
                 GError      **error)
{
  HrValue argument;

  if (!evaluate_argument (evaluation, expression, 0, &argument, error))
    return FALSE;
  if (argument.type != HR_VALUE_STRING && argument.type != HR_VALUE_JSON)
    return set_value_error (get_argument (expression, 0), &argument, get_type_description (HR_VALUE_JSON), error);

  *value = (HrValue) { HR_VALUE_INTEGER, .integer = argument.type == HR_VALUE_STRING
                                                      ? count_characters (argument.string)
                                                      : hr_json_get_length (argument.json) };

  return TRUE;
}

/* Whether a value is a list, where configs give either one size or several. */
static gboolean
operator_is_list (HrEvaluation *evaluation,
                  HrJson       *expression,
                  HrValue      *value,
                  GError      **error)
{
  HrValue argument;

  if (!evaluate_argument (evaluation, expression, 0, &argument, error))
    return FALSE;

  *value = (HrValue) {
    HR_VALUE_BOOLEAN,
    .boolean = argument.type == HR_VALUE_JSON && hr_json_get_node_type (argument.json) == HR_JSON_ARRAY,
  };

  return TRUE;
}

/* Whether a text ends with another, such as the name of a class with its task. */
static gboolean
operator_ends_with (HrEvaluation *evaluation,
                    HrJson       *expression,
                    HrValue      *value,
                    GError      **error)
{
  HrValue text, ending;

  if (!evaluate_typed (evaluation, expression, 0, HR_VALUE_STRING, &text, error) ||
      !evaluate_typed (evaluation, expression, 1, HR_VALUE_STRING, &ending, error))
    return FALSE;

  *value = (HrValue) { HR_VALUE_BOOLEAN, .boolean = g_str_has_suffix (text.string, ending.string) };

  return TRUE;
}

/* The whole part of the square root of a whole number. */
static gboolean
operator_square_root (HrEvaluation *evaluation,
                      HrJson       *expression,
                      HrValue      *value,
                      GError      **error)
{
  HrValue argument;
  gint64 root;

  if (!evaluate_typed (evaluation, expression, 0, HR_VALUE_INTEGER, &argument, error))
    return FALSE;
  if (argument.integer < 0)
    return set_value_error (get_argument (expression, 0), &argument, _("a number of at least 0"), error);

  root = sqrt ((double) argument.integer);
  while (root > 0 && root > argument.integer / root)
    root--;
  while (root + 1 <= argument.integer / (root + 1))
    root++;
  *value = (HrValue) { HR_VALUE_INTEGER, .integer = root };

  return TRUE;
}

static const struct
{
  const char *name;
  HrOperator function;
  guint minimum;
  guint maximum;
} operators[] = {
  { "product", operator_product, 2, G_MAXUINT },
  { "sum", operator_sum, 2, G_MAXUINT },
  { "difference", operator_difference, 2, 2 },
  { "quotient", operator_quotient, 2, 2 },
  { "remainder", operator_remainder, 2, 2 },
  { "round-up", operator_round_up, 2, 2 },
  { "floor", operator_floor, 1, 1 },
  { "square-root", operator_square_root, 1, 1 },
  { "equal", operator_equal, 2, 2 },
  { "less", operator_less, 2, 2 },
  { "not", operator_not, 1, 1 },
  { "and", operator_and, 2, G_MAXUINT },
  { "or", operator_or, 2, G_MAXUINT },
  { "if", operator_if, 3, 3 },
  { "present", operator_present, 1, 1 },
  { "contains", operator_contains, 2, 2 },
  { "element", operator_element, 2, 2 },
  { "count", operator_count, 2, 3 },
  { "position", operator_position, 3, 3 },
  { "member", operator_member, 2, 2 },
  { "length", operator_length, 1, 1 },
  { "is-list", operator_is_list, 1, 1 },
  { "ends-with", operator_ends_with, 2, 2 },
};

static gboolean
evaluate_operation (HrEvaluation *evaluation,
                    HrJson       *expression,
                    HrValue      *value,
                    GError      **error)
{
  const char *name;

  if (hr_json_get_length (expression) == 0)
    {
      hr_json_set_error (expression, HR_ERROR_SCHEMA, _("an operation and its arguments"), error);
      return FALSE;
    }
  if (!hr_json_read_string (hr_json_get_element (expression, 0), &name, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (operators); i++)
    {
      if (!g_str_equal (operators[i].name, name))
        continue;

      if (get_n_arguments (expression) < operators[i].minimum || get_n_arguments (expression) > operators[i].maximum)
        {
          hr_json_set_error (expression, HR_ERROR_SCHEMA, _("another number of arguments"), error);
          return FALSE;
        }
      return operators[i].function (evaluation, expression, value, error);
    }

  hr_json_set_error (hr_json_get_element (expression, 0), HR_ERROR_UNKNOWN_NAME, _("the name of an operation"), error);

  return FALSE;
}

static gboolean
evaluate (HrEvaluation *evaluation,
          HrJson       *expression,
          HrValue      *value,
          GError      **error)
{
  if (hr_json_get_node_type (expression) == HR_JSON_ARRAY)
    return evaluate_operation (evaluation, expression, value, error);

  if (!hr_value_from_json (expression, value, error))
    return FALSE;

  if (value->type != HR_VALUE_STRING || value->string[0] != '$')
    return TRUE;

  switch (evaluation->lookup (value->string + 1, evaluation->user_data, value, error))
    {
    case HR_LOOKUP_FOUND:
      return TRUE;

    case HR_LOOKUP_UNKNOWN:
      hr_json_set_error (expression, HR_ERROR_UNKNOWN_NAME, _("a name that is defined"), error);
      return FALSE;

    case HR_LOOKUP_FAILED:
      return FALSE;

    default:
      g_assert_not_reached ();
    }
}

/*
 * hr_expression_evaluate:
 * @expression: the expression
 * @lookup: finds the values of names
 * @user_data: for @lookup
 * @value: (out): the result; strings and lists belong to the documents they come from
 * @error: return location for an error
 *
 * Evaluates an expression of an architecture file. The depth is bounded by that of the JSON parser.
 */
gboolean
hr_expression_evaluate (HrJson              *expression,
                        HrExpressionLookup   lookup,
                        gpointer             user_data,
                        HrValue             *value,
                        GError             **error)
{
  HrEvaluation evaluation = { lookup, user_data };

  return evaluate (&evaluation, expression, value, error);
}

/* Takes a value from a config as it stands. */
gboolean
hr_value_from_json (HrJson   *node,
                    HrValue  *value,
                    GError  **error)
{
  switch (hr_json_get_node_type (node))
    {
    case HR_JSON_NULL:
      value->type = HR_VALUE_NOTHING;
      return TRUE;

    case HR_JSON_BOOLEAN:
      value->type = HR_VALUE_BOOLEAN;
      return hr_json_read_boolean (node, &value->boolean, error);

    case HR_JSON_INTEGER:
      value->type = HR_VALUE_INTEGER;
      return hr_json_read_int (node, &value->integer, error);

    case HR_JSON_REAL:
      value->type = HR_VALUE_REAL;
      return hr_json_read_double (node, &value->real, error);

    case HR_JSON_STRING:
      value->type = HR_VALUE_STRING;
      return hr_json_read_string (node, &value->string, error);

    case HR_JSON_ARRAY:
    case HR_JSON_OBJECT:
      value->type = HR_VALUE_JSON;
      value->json = node;
      return TRUE;

    default:
      g_assert_not_reached ();
    }
}

/* Whole numbers and others compare by value; nothing equals nothing only. */
gboolean
hr_value_equal (const HrValue *a,
                const HrValue *b)
{
  if (a->type == HR_VALUE_INTEGER && b->type == HR_VALUE_REAL)
    return (double) a->integer == b->real;
  if (a->type == HR_VALUE_REAL && b->type == HR_VALUE_INTEGER)
    return a->real == (double) b->integer;
  if (a->type != b->type)
    return FALSE;

  switch (a->type)
    {
    case HR_VALUE_NOTHING:
      return TRUE;

    case HR_VALUE_BOOLEAN:
      return a->boolean == b->boolean;

    case HR_VALUE_INTEGER:
      return a->integer == b->integer;

    case HR_VALUE_REAL:
      return a->real == b->real;

    case HR_VALUE_STRING:
      return g_str_equal (a->string, b->string);

    case HR_VALUE_JSON:
      return a->json == b->json;

    default:
      g_assert_not_reached ();
    }
}

/* For messages. */
char *
hr_value_to_string (const HrValue *self)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  switch (self->type)
    {
    case HR_VALUE_BOOLEAN:
      return g_strdup (self->boolean ? "true" : "false");

    case HR_VALUE_INTEGER:
      return g_strdup_printf ("%" G_GINT64_FORMAT, self->integer);

    case HR_VALUE_REAL:
      return g_strdup (g_ascii_dtostr (buffer, sizeof buffer, self->real));

    case HR_VALUE_STRING:
      return g_strdup_printf (_("the string “%s”"), self->string);

    case HR_VALUE_NOTHING:
    case HR_VALUE_JSON:
      return g_strdup (get_type_description (self->type));

    default:
      g_assert_not_reached ();
    }
}
