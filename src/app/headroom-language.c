/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-language.h"

#include <locale.h>
#include <glib/gi18n.h>

/* The value of LANGUAGE that the program was started with; what "follow the system" goes back to. */
static char *system_language;

/*
 * Has to run before GTK is initialised and before any thread is started: it reads and sets the locale.
 */
void
headroom_language_init (void)
{
  const char *directory = g_getenv ("HEADROOM_LOCALEDIR");
  const char *messages;

  /*
   * GLib decides once, when a library first asks for a string, whether libraries translate: not if the program has no
   * translation for the language that it starts in. Asked before there is a locale and a domain it says yes, so that a
   * language chosen later reaches them too.
   */
  (void) g_dgettext (GETTEXT_PACKAGE, "Headroom");

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

  g_free (system_language);
  system_language = g_strdup (g_getenv ("LANGUAGE"));
}

/*
 * Translates what is asked for from now on into @language, or into the system's for an empty string. Strings that are
 * already on the screen stay as they are: the window's content has to be built anew.
 */
void
headroom_language_set (const char *language)
{
  const char *wanted;

  g_return_if_fail (language != NULL);

  wanted = *language != '\0' ? language : system_language;

  /* Most never choose another: leave the environment alone while other threads may look at it. */
  if (g_strcmp0 (wanted, g_getenv ("LANGUAGE")) == 0)
    return;

  if (wanted != NULL)
    g_setenv ("LANGUAGE", wanted, TRUE);
  else
    g_unsetenv ("LANGUAGE");

  /* gettext keeps the catalogues it found; setting the domain is what makes it look again. */
  textdomain (GETTEXT_PACKAGE);
}
