/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-arguments.h"

#include <glib/gi18n.h>
#include <string.h>

/*
 * GOption is not used: the options of a verb depend on the mode, which is an option itself, and its messages are
 * GLib's, in the languages that the system has GLib's translations for.
 */

/* Options that take no value. */
static const char * const flags[] = { "bridged", "help", "least", "tensors", "version", NULL };

static void
headroom_option_free (HeadroomOption *self)
{
  g_free (self->name);
  g_free (self->value);
  g_free (self);
}

static void
add_option (HeadroomArguments *self,
            char              *name,
            const char        *value)
{
  HeadroomOption *option = g_new0 (HeadroomOption, 1);

  option->name = name;
  option->value = g_strdup (value);
  g_ptr_array_add (self->options, option);
}

/* Takes in one option, and returns how many arguments it was made of; 0 with @error set if it is none. */
static guint
parse_option (HeadroomArguments  *self,
              char              **argv,
              GError            **error)
{
  const char *equals = strchr (argv[0], '=');
  g_autofree char *name = NULL;

  if (g_str_equal (argv[0], "-h"))
    {
      add_option (self, g_strdup ("help"), NULL);
      return 1;
    }

  if (!g_str_has_prefix (argv[0], "--"))
    {
      g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“%s”: there is no such option"), argv[0]);
      return 0;
    }

  name = equals != NULL ? g_strndup (argv[0] + 2, equals - argv[0] - 2) : g_strdup (argv[0] + 2);

  if (g_strv_contains (flags, name))
    {
      if (equals != NULL)
        {
          g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“--%s”: expected no value, found “%s”"), name, equals + 1);
          return 0;
        }

      add_option (self, g_steal_pointer (&name), NULL);
      return 1;
    }

  if (equals != NULL)
    {
      add_option (self, g_steal_pointer (&name), equals + 1);
      return 1;
    }

  if (argv[1] == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“--%s”: expected a value after it, found none"), name);
      return 0;
    }

  add_option (self, g_steal_pointer (&name), argv[1]);
  return 2;
}

/* Takes apart a command line without the name of the program; what follows `--` is no option. */
HeadroomArguments *
headroom_arguments_new (char   **argv,
                        GError **error)
{
  g_autoptr (HeadroomArguments) self = g_new0 (HeadroomArguments, 1);

  self->words = g_ptr_array_new_null_terminated (4, g_free, TRUE);
  self->options = g_ptr_array_new_with_free_func ((GDestroyNotify) headroom_option_free);

  while (*argv != NULL)
    {
      if (g_str_equal (*argv, "--"))
        {
          for (argv++; *argv != NULL; argv++)
            g_ptr_array_add (self->words, g_strdup (*argv));
        }
      else if (**argv != '-' || g_str_equal (*argv, "-"))
        g_ptr_array_add (self->words, g_strdup (*argv++));
      else
        {
          guint n_taken = parse_option (self, argv, error);

          if (n_taken == 0)
            return NULL;

          argv += n_taken;
        }
    }

  return g_steal_pointer (&self);
}

void
headroom_arguments_free (HeadroomArguments *self)
{
  g_ptr_array_unref (self->words);
  g_ptr_array_unref (self->options);
  g_free (self);
}

static const HeadroomOption *
find_option (HeadroomArguments *self,
             const char        *name)
{
  /* The last one holds, so that a script can append to what it was given. */
  for (guint i = self->options->len; i > 0; i--)
    {
      const HeadroomOption *option = g_ptr_array_index (self->options, i - 1);

      if (g_str_equal (option->name, name))
        return option;
    }

  return NULL;
}

gboolean
headroom_arguments_has (HeadroomArguments *self,
                        const char        *name)
{
  return find_option (self, name) != NULL;
}

/* The value of an option; %NULL if it was not given. */
const char *
headroom_arguments_get (HeadroomArguments *self,
                        const char        *name)
{
  const HeadroomOption *option = find_option (self, name);

  return option == NULL ? NULL : option->value;
}

/* Checks that there are no more words than @n_words. */
gboolean
headroom_arguments_check_words (HeadroomArguments  *self,
                                guint               n_words,
                                GError            **error)
{
  if (self->words->len <= n_words)
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("expected nothing more, found “%s”"),
               (const char *) g_ptr_array_index (self->words, n_words));
  return FALSE;
}

/* Checks that there are no options but those of @names, and no more words than @n_words. */
gboolean
headroom_arguments_check (HeadroomArguments   *self,
                          const char * const  *names,
                          guint                n_words,
                          GError             **error)
{
  for (guint i = 0; i < self->options->len; i++)
    {
      const HeadroomOption *option = g_ptr_array_index (self->options, i);

      if (!g_strv_contains (names, option->name))
        {
          g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“--%s”: there is no such option"), option->name);
          return FALSE;
        }
    }

  return headroom_arguments_check_words (self, n_words, error);
}

/*
 * Sets the settings of a job to what the options say, but for @own_options, which are those of the verb.
 */
gboolean
headroom_arguments_set_job (HeadroomArguments   *self,
                            HrJob               *job,
                            const char * const  *own_options,
                            GError             **error)
{
  for (guint i = 0; i < self->options->len; i++)
    {
      const HeadroomOption *option = g_ptr_array_index (self->options, i);

      if (g_strv_contains (own_options, option->name))
        continue;

      if (option->value == NULL)
        {
          g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“--%s”: there is no such option"), option->name);
          return FALSE;
        }

      if (!hr_job_set_from_string (job, option->name, option->value, error))
        return FALSE;
    }

  return TRUE;
}
