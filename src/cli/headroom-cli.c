/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <signal.h>

#include "headroom-output.h"

static const struct
{
  const char *name;
  HeadroomStatus (*run) (HeadroomArguments  *arguments,
                         GError            **error);
} verbs[] = {
  { "estimate", headroom_cli_estimate },
  { "inspect", headroom_cli_inspect },
  { "list", headroom_cli_list },
  { "sweep", headroom_cli_sweep },
  { "compare", headroom_cli_compare },
  { "plan", headroom_cli_plan },
  { "launch", headroom_cli_launch },
  { "log", headroom_cli_log },
  { "help", headroom_cli_help },
};

static void
set_up (void)
{
  const char *directory = g_getenv ("HEADROOM_LOCALEDIR");
  const char *messages;

  setlocale (LC_ALL, "");

  /* In the locale "C" gettext never translates, whatever LANGUAGE says; C.UTF-8 is the same in all else. */
  messages = setlocale (LC_MESSAGES, NULL);
  if (g_strcmp0 (messages, "C") == 0 || g_strcmp0 (messages, "POSIX") == 0)
    {
      setlocale (LC_CTYPE, "C.UTF-8");
      setlocale (LC_MESSAGES, "C.UTF-8");
    }

  bindtextdomain (GETTEXT_PACKAGE, directory != NULL ? directory : LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  /* Only files of this machine are read, so that nothing is gained by starting the user's virtual file system. */
  g_setenv ("GIO_USE_VFS", "local", TRUE);

  /* A reader that goes away is an error of write() like others. */
  signal (SIGPIPE, SIG_IGN);
}

static char *
join_verbs (void)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    g_string_append_printf (names, "%s%s", i == 0 ? "" : ", ", verbs[i].name);

  return g_string_free (g_steal_pointer (&names), FALSE);
}

static HeadroomStatus
dispatch (HeadroomArguments  *arguments,
          GError            **error)
{
  const char *verb = arguments->words->len == 0 ? NULL : g_ptr_array_index (arguments->words, 0);
  g_autofree char *names = join_verbs ();
  g_autofree char *help = NULL;

  if (verb == NULL && headroom_arguments_has (arguments, "version"))
    return headroom_output_print ("headroom-cli " PACKAGE_VERSION "\n", error) ? HEADROOM_STATUS_FITS
                                                                              : HEADROOM_STATUS_FAILED;

  if (verb == NULL && headroom_arguments_has (arguments, "help"))
    {
      help = headroom_cli_dup_help (NULL);
      return headroom_output_print (help, error) ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_FAILED;
    }

  if (verb == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("expected one of %s; see “headroom-cli --help”"), names);
      return HEADROOM_STATUS_FAILED;
    }

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      if (!g_str_equal (verbs[i].name, verb))
        continue;

      if (headroom_arguments_has (arguments, "help"))
        {
          help = headroom_cli_dup_help (verb);
          return headroom_output_print (help, error) ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_FAILED;
        }

      g_ptr_array_remove_index (arguments->words, 0);
      return verbs[i].run (arguments, error);
    }

  g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“%s”: expected one of %s"), verb, names);
  return HEADROOM_STATUS_FAILED;
}

/* Runs a command line without the name of the program, and returns the exit status. */
int
headroom_cli_run (char **argv)
{
  g_autoptr (HeadroomArguments) arguments = NULL;
  g_autoptr (GError) error = NULL;
  HeadroomStatus status = HEADROOM_STATUS_FAILED;

  set_up ();

  arguments = headroom_arguments_new (argv, &error);
  if (arguments != NULL)
    status = dispatch (arguments, &error);

  /* Whoever closed the pipe has seen enough. */
  if (error != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
    headroom_output_print_error (error);

  return status;
}

/* Reads an option that takes one of two names. */
static gboolean
read_alternative (HeadroomArguments  *arguments,
                  const char         *option,
                  const char         *first,
                  const char         *second,
                  gboolean           *is_second,
                  GError            **error)
{
  const char *name = headroom_arguments_get (arguments, option);

  *is_second = g_strcmp0 (name, second) == 0;

  if (name == NULL || *is_second || g_str_equal (name, first))
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“--%s”: expected “%s” or “%s”, found “%s”"),
               option, first, second, name);
  return FALSE;
}

gboolean
headroom_cli_read_units (HeadroomArguments  *arguments,
                         HrUnitSystem       *units,
                         GError            **error)
{
  gboolean is_decimal;

  if (!read_alternative (arguments, "units", "binary", "decimal", &is_decimal, error))
    return FALSE;

  *units = is_decimal ? HR_UNIT_SYSTEM_DECIMAL : HR_UNIT_SYSTEM_BINARY;
  return TRUE;
}

/* Reads the format of what is text or JSON. */
gboolean
headroom_cli_read_format (HeadroomArguments  *arguments,
                          gboolean           *as_json,
                          GError            **error)
{
  return read_alternative (arguments, "format", "text", "json", as_json, error);
}
