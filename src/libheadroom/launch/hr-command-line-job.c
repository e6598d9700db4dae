/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-command-line-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-command-model.h"
#include "hr-launch-scope.h"
#include "hr-scenario.h"

/*
 * The settings that a command stands for, by the data that it would be written from. An option stands for what it is
 * written for; "words" are values of its own for that, "others" what any other value stands for, "bare" the one that
 * counts where none is given. Where an option stands for more than a setting, "read" says for what, and "absent" what
 * counts where it is not given.
 */

/* The value of an option, in what is said of it. */
#define VALUE "value"

/* What the names begin with that stand for what was given for another option. */
#define GIVEN "given."

/* Likewise, for how many values were given for it with commas between them. */
#define LISTED "listed."

/* How the settings that a block stands for name what is not one of them. */
#define NOT '!'

/* The settings that are so for all that a block is for. */
static gboolean
apply_block (const HrCommandLine  *self,
             HrJob                *job,
             GError              **error)
{
  HrJson *when = NULL;

  if (!hr_json_get_object (self->block, "when", &when, error))
    return FALSE;

  for (guint i = 0; when != NULL && i < hr_json_get_length (when); i++)
    {
      HrJson *condition = hr_json_get_element (when, i);
      const char *value;

      if (hr_json_get_node_type (condition) != HR_JSON_STRING)
        continue;
      if (!hr_json_read_string (condition, &value, error))
        return FALSE;
      if (value[0] != NOT && !hr_job_set_from_string (job, hr_json_get_key (condition), value, error))
        return FALSE;
    }

  return TRUE;
}

/* What names of an expression stand for: those of launch settings, the value of the option, and those of others. */
typedef struct
{
  const HrCommandLine *command;
  HrLaunchScope *scope;
  const HrValue *value;
} Reading;

static HrValue
value_from_text (const char *text)
{
  gint64 integer;
  double real;
  char *end;

  if (text == NULL)
    return (HrValue) { HR_VALUE_BOOLEAN, .boolean = TRUE };
  if (g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &integer, NULL))
    return (HrValue) { HR_VALUE_INTEGER, .integer = integer };

  real = g_ascii_strtod (text, &end);
  if (end != text && *end == '\0')
    return (HrValue) { HR_VALUE_REAL, .real = real };

  return (HrValue) { HR_VALUE_STRING, .string = text };
}

/* What is given for another option, by its name as the data has it; nothing where it is not given. */
static HrValue
find_given (const HrCommandLine *self,
            const char          *name)
{
  for (guint i = self->given->len; i > 0; i--)
    {
      const HrGivenOption *given = &g_array_index (self->given, HrGivenOption, i - 1);

      const char *own_name = NULL;

      if (given->value != NULL && hr_json_get_string (given->option, "name", &own_name, NULL) &&
          (g_str_equal (given->word, name) || g_strcmp0 (own_name, name) == 0))
        return value_from_text (given->value);
    }

  return (HrValue) { HR_VALUE_NOTHING };
}

/* How many values another option has, nothing where it is not given. */
static HrValue
count_listed (const HrCommandLine *self,
              const char          *name)
{
  HrValue given = find_given (self, name);
  gint64 n = 1;

  if (given.type != HR_VALUE_STRING)
    return (HrValue) { HR_VALUE_NOTHING };

  for (const char *comma = strchr (given.string, ','); comma != NULL; comma = strchr (comma + 1, ','))
    n++;

  return (HrValue) { HR_VALUE_INTEGER, .integer = n };
}

static HrLookup
look_up (const char  *name,
         gpointer     data,
         HrValue     *value,
         GError     **error)
{
  Reading *self = data;

  if (g_str_has_prefix (name, GIVEN))
    {
      *value = find_given (self->command, name + strlen (GIVEN));
      return HR_LOOKUP_FOUND;
    }
  if (g_str_has_prefix (name, LISTED))
    {
      *value = count_listed (self->command, name + strlen (LISTED));
      return HR_LOOKUP_FOUND;
    }
  if (!g_str_equal (name, VALUE))
    return hr_launch_scope_lookup (name, self->scope, value, error);

  *value = *self->value;

  return HR_LOOKUP_FOUND;
}

/* Sets what a list of settings says, an expression each; one that comes to nothing leaves its setting as it is. */
static gboolean
apply_expressions (const HrCommandLine  *self,
                   HrJson               *settings,
                   HrLaunchScope        *scope,
                   const HrValue        *given,
                   HrJob                *job,
                   GError              **error)
{
  Reading reading = { self, scope, given };

  for (guint i = 0; i < hr_json_get_length (settings); i++)
    {
      HrJson *expression = hr_json_get_element (settings, i);
      g_autofree char *text = NULL;
      HrValue value;

      if (!hr_expression_evaluate (expression, look_up, &reading, &value, error))
        return FALSE;
      if (value.type == HR_VALUE_NOTHING)
        continue;
      text = value.type == HR_VALUE_STRING ? g_strdup (value.string) : hr_value_to_string (&value);
      if (!hr_job_set_from_string (job, hr_json_get_key (expression), text, error))
        return FALSE;
    }

  return TRUE;
}

/*
 * A number with a letter behind it, in which small ones are powers of a thousand and large ones of 1,024
 * (human_readable_int of vllm/engine/arg_utils.py); %NULL if it is none.
 */
static char *
expand_suffix (const char *text)
{
  static const char letters[] = "kmgt";
  gsize length = strlen (text);
  const char *letter = length > 1 ? strchr (letters, g_ascii_tolower (text[length - 1])) : NULL;
  g_autofree char *digits = letter != NULL ? g_strndup (text, length - 1) : NULL;
  double number = digits != NULL ? g_ascii_strtod (digits, NULL) : 0;
  char *end;

  if (digits == NULL || digits[strspn (digits, "0123456789.")] != '\0')
    return NULL;

  g_ascii_strtod (digits, &end);
  if (*end != '\0' || number <= 0)
    return NULL;

  for (gssize i = 0; i <= letter - letters; i++)
    number *= g_ascii_islower (text[length - 1]) ? 1000 : 1024;

  return number < G_MAXINT64 ? g_strdup_printf ("%" G_GINT64_FORMAT, (gint64) number) : NULL;
}

/* The text of a setting that a word of the program stands for: an empty one leaves the setting as it is. */
static gboolean
translate (const HrGivenOption  *given,
           char        **text,
           GError      **error)
{
  HrJson *words = NULL, *names = NULL;
  HrJson *word;
  const char *bare = NULL, *others = NULL;
  gboolean has_suffixes = FALSE;

  if (!hr_json_get_boolean (given->option, "suffixes", &has_suffixes, error) ||
      !hr_json_get_object (given->option, "words", &words, error) ||
      !hr_json_get_object (given->option, "names", &names, error) ||
      !hr_json_get_string (given->option, "bare", &bare, error) ||
      !hr_json_get_string (given->option, "others", &others, error))
    return FALSE;

  if (given->value == NULL)
    {
      *text = g_strdup (bare);
      return TRUE;
    }
  if (hr_json_get_member (given->option, "filed") != NULL)
    {
      *text = NULL;
      hr_command_model_read_file (given->value, text);
      return TRUE;
    }

  word = words != NULL ? hr_json_get_member (words, given->value) : NULL;
  for (guint i = 0; names != NULL && i < hr_json_get_length (names); i++)
    {
      HrJson *name = hr_json_get_element (names, i);
      const char *value;

      if (hr_json_get_node_type (name) == HR_JSON_STRING && hr_json_read_string (name, &value, NULL) &&
          g_str_equal (value, given->value))
        {
          *text = g_strdup (hr_json_get_key (name));
          return TRUE;
        }
    }
  if (word != NULL)
    {
      const char *value;

      if (!hr_json_read_string (word, &value, error))
        return FALSE;
      *text = g_strdup (value);
      return TRUE;
    }

  *text = has_suffixes ? expand_suffix (given->value) : g_strdup (others);
  if (*text == NULL)
    *text = g_strdup (given->value);

  return TRUE;
}

/* A setting that names a second model; "quantization" is the one for how that is stored. */
static gboolean
apply_model (HrJson      *option,
             const char  *name,
             const char  *text,
             HrJob       *job,
             GError     **error)
{
  g_autofree char *model = g_strdup (text);
  g_autofree char *quantization = NULL;
  const char *setting = NULL;

  if (!hr_json_get_string (option, "quantization", &setting, error))
    return FALSE;

  hr_command_model_find (&model, &quantization);

  return (setting == NULL || quantization == NULL || hr_job_set_from_string (job, setting, quantization, error)) &&
         hr_job_set_from_string (job, name, model, error);
}

/* The setting that an option is written for: that of its value, or that of its one condition. */
static gboolean
apply_setting (const HrGivenOption  *given,
               const char   *text,
               HrJob        *job,
               GError      **error)
{
  HrJson *value = hr_json_get_member (given->option, "value");
  HrJson *when = hr_json_get_member (given->option, "when");
  const char *name, *state;

  /* The model is read apart. */
  if (value == NULL || hr_json_get_member (given->option, "model") != NULL)
    return TRUE;

  if (hr_json_get_node_type (value) == HR_JSON_STRING && hr_json_read_string (value, &name, NULL) && name[0] == '$')
    {
      GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (job), name + 1);

      if (text == NULL || text[0] == '\0')
        return TRUE;
      if (pspec != NULL && hr_job_setting_is_model (pspec))
        return apply_model (given->option, name + 1, text, job, error);

      return hr_job_set_from_string (job, name + 1, text, error);
    }

  if (when == NULL || hr_json_get_length (when) != 1)
    return TRUE;

  if (!_hr_command_line_is_flag (given->option) &&
      (text == NULL || text[0] == '\0' || !hr_json_read_string (value, &name, NULL) || !g_str_equal (name, text)))
    return TRUE;

  if (!hr_json_read_string (hr_json_get_element (when, 0), &state, error))
    return FALSE;

  return state[0] == NOT || hr_job_set_from_string (job, hr_json_get_key (hr_json_get_element (when, 0)), state, error);
}

/* Whether an option is given, and not with a word that leaves it to the program. */
static gboolean
is_given (const HrCommandLine *self,
          HrJson              *option)
{
  for (guint i = 0; i < self->given->len; i++)
    {
      const HrGivenOption *given = &g_array_index (self->given, HrGivenOption, i);
      g_autofree char *text = NULL;

      if (given->option == option && translate (given, &text, NULL) && (text == NULL || text[0] != '\0'))
        return TRUE;
    }

  return FALSE;
}

/* Options that stand for a setting come before those that are reckoned with other settings. */
static gboolean
apply_given (const HrCommandLine  *self,
             HrJob                *job,
             GError              **error)
{
  for (guint i = 0; i < self->given->len; i++)
    {
      const HrGivenOption *given = &g_array_index (self->given, HrGivenOption, i);
      g_autofree char *text = NULL;

      if (hr_json_get_member (given->option, "read") != NULL)
        continue;
      if (!translate (given, &text, error) || !apply_setting (given, text, job, error))
        {
          g_prefix_error (error, "%s: ", given->word);
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
apply_read (const HrCommandLine  *self,
            HrLaunchScope        *scope,
            HrJob                *job,
            GError              **error)
{
  for (guint i = 0; i < self->given->len; i++)
    {
      const HrGivenOption *given = &g_array_index (self->given, HrGivenOption, i);
      g_autofree char *text = NULL;
      HrJson *read = NULL;
      HrValue value;

      if (!hr_json_get_object (given->option, "read", &read, error) || !translate (given, &text, error))
        return FALSE;
      if (read == NULL || (text != NULL && text[0] == '\0'))
        continue;

      value = value_from_text (text);
      if (value.type == HR_VALUE_STRING)
        {
          g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected a whole number, found “%s”"), given->word,
                       given->value);
          return FALSE;
        }
      if (!apply_expressions (self, read, scope, &value, job, error))
        {
          g_prefix_error (error, "%s: ", given->word);
          return FALSE;
        }
    }

  return TRUE;
}

/* What counts where options are not given; a later one may be reckoned with what an earlier one has come to. */
static gboolean
apply_absent (const HrCommandLine  *self,
              HrLaunchScope        *scope,
              gboolean              is_read,
              HrJob                *job,
              GError              **error)
{
  HrJson *options = hr_json_get_member (self->block, "options");
  const HrValue nothing = { HR_VALUE_NOTHING };

  for (guint i = 0; i < hr_json_get_length (options); i++)
    {
      HrJson *option = hr_json_get_element (options, i);
      HrJson *absent = NULL;

      if (!hr_json_get_object (option, "absent", &absent, error))
        return FALSE;
      if (absent == NULL || is_given (self, option) || (hr_json_get_member (option, "read") != NULL) != is_read)
        continue;
      if (!apply_expressions (self, absent, scope, &nothing, job, error))
        return FALSE;
    }

  return TRUE;
}

/* What is stored quantized is not quantized once more: the option names the format that it is stored in. */
static gboolean
leave_quantization (HrModel  *model,
                    HrJob    *job,
                    GError  **error)
{
  return hr_model_get_quantization (model) == HR_QUANTIZATION_NONE ||
         hr_job_set_from_string (job, "quantization", hr_quantization_get_name (HR_QUANTIZATION_AUTO), error);
}

/* A copy of the model for each, if the command does not say how many there are. */
static void
count_copies (HrLaunchScope *scope)
{
  guint64 data_parallel;

  g_object_get (scope->job, "data-parallel", &data_parallel, NULL);
  scope->data_parallel = MAX (data_parallel, 1);
}

/* How many GPUs the command is for, 0 if it does not say. */
static gboolean
count_gpus (const HrCommandLine  *self,
            HrLaunchScope        *scope,
            guint                *n_gpus,
            GError              **error)
{
  HrJson *gpus = hr_json_get_member (self->block, "gpus");
  HrValue value = { HR_VALUE_NOTHING };
  Reading reading = { self, scope, &value };

  if (gpus != NULL && !hr_expression_evaluate (gpus, look_up, &reading, &value, error))
    return FALSE;

  *n_gpus = value.type == HR_VALUE_INTEGER ? CLAMP (value.integer, 0, HR_SCENARIO_MAX_GPUS) : 0;

  return TRUE;
}

static gboolean
apply (const HrCommandLine  *self,
       HrModel              *model,
       HrJob                *job,
       guint                *n_gpus,
       GError              **error)
{
  g_auto (HrLaunchScope) scope = { 0 };

  if (!apply_block (self, job, error) || !hr_launch_scope_init (&scope, model, job, 1, error))
    return FALSE;

  /* Expressions see the settings as they come to be. */
  g_set_object (&scope.job, job);

  if (!apply_absent (self, &scope, FALSE, job, error) || !apply_given (self, job, error) ||
      !leave_quantization (model, job, error))
    return FALSE;

  count_copies (&scope);

  return apply_absent (self, &scope, TRUE, job, error) && apply_read (self, &scope, job, error) &&
         (self->quantization == NULL || hr_job_set_from_string (job, "quantization", self->quantization, error)) &&
         (self->tensor_types == NULL || hr_job_set_from_string (job, "tensor-types", self->tensor_types, error)) &&
         count_gpus (self, &scope, n_gpus, error);
}

/**
 * hr_command_line_create_job: (skip)
 * @self: a command
 * @model: the model
 * @n_gpus: (out): how many GPUs the command is for, 0 if it does not say
 * @error: return location for a #GError
 *
 * Makes the job that the command starts.
 *
 * Fails with %HR_ERROR_VALUE if an option has a value that the setting does not take; the message names both.
 *
 * Returns: (transfer full): the job
 */
HrJob *
hr_command_line_create_job (const HrCommandLine  *self,
                            HrModel              *model,
                            guint                *n_gpus,
                            GError              **error)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);

  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (n_gpus != NULL, NULL);

  return apply (self, model, job, n_gpus, error) ? g_steal_pointer (&job) : NULL;
}
