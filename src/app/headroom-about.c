/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-about.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <hr-gpu-catalogue.h>
#include <hr-model-catalogue.h>
#include <locale.h>

static void
append_version (GString    *text,
                const char *name,
                guint       major,
                guint       minor,
                guint       micro)
{
  g_string_append_printf (text, "- %s: %u.%u.%u\n", name, major, minor, micro);
}

/*
 * Gets what whoever looks into a problem asks for first. Not translated: it goes into bug reports.
 */
char *
headroom_about_get_debug_info (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *os = g_get_os_info (G_OS_INFO_KEY_PRETTY_NAME);
  GdkDisplay *display = gdk_display_get_default ();
  const char *language = g_getenv ("LANGUAGE");

  g_string_append_printf (text, "Headroom %s (%s)\n\n", PACKAGE_VERSION, APPLICATION_ID);
  append_version (text, "GLib", glib_major_version, glib_minor_version, glib_micro_version);
  append_version (text, "GTK", gtk_get_major_version (), gtk_get_minor_version (), gtk_get_micro_version ());
  append_version (text, "libadwaita", adw_get_major_version (), adw_get_minor_version (), adw_get_micro_version ());
  g_string_append_printf (text, "- System: %s\n", os != NULL ? os : "unknown");
  g_string_append_printf (text, "- Display: %s\n", display != NULL ? G_OBJECT_TYPE_NAME (display) : "none");
  g_string_append_printf (text, "- Locale: %s, LANGUAGE=%s\n", setlocale (LC_MESSAGES, NULL),
                          language != NULL ? language : "");
  g_string_append_printf (text, "- Models in the catalogue: %u\n",
                          g_list_model_get_n_items (hr_model_catalogue_get_default ()));
  g_string_append_printf (text, "- GPUs in the catalogue: %u\n",
                          g_list_model_get_n_items (hr_gpu_catalogue_get_default ()));

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/*
 * Says what Headroom is, and of which version.
 */
void
headroom_about_present (GtkWindow *parent)
{
  g_autofree char *debug_info = headroom_about_get_debug_info ();
  static const char * const developers[] = { "The Headroom contributors", NULL };
  GtkWidget *about;

  about = g_object_new (ADW_TYPE_ABOUT_WINDOW,
                        "transient-for", parent,
                        "application-name", _("Headroom"),
                        "application-icon", APPLICATION_ID,
                        "version", PACKAGE_VERSION,
                        "developer-name", _("The Headroom contributors"),
                        "developers", developers,
                        "comments", _("How much GPU memory a language model takes, where it goes, and what to change "
                                      "so that it fits."),
                        "license-type", GTK_LICENSE_GPL_3_0,
                        "debug-info", debug_info,
                        "debug-info-filename", "headroom-debug-info.txt",
                        NULL);
  gtk_window_present (GTK_WINDOW (about));
}
