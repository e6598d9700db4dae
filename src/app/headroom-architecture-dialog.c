/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-architecture-dialog.h"

#include <glib/gi18n.h>
#include <hr-architecture-file.h>

typedef struct
{
  GtkWindow *parent;
  GFile *file;
  char *model_type;
  HeadroomArchitectureAdded added;
} Offer;

static void
offer_free (Offer *offer)
{
  g_object_unref (offer->parent);
  g_object_unref (offer->file);
  g_free (offer->model_type);
  g_free (offer);
}

static void
response_cb (AdwMessageDialog *dialog,
             const char       *response,
             Offer            *offer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) copy = NULL;

  if (!g_str_equal (response, "add"))
    return;

  copy = hr_architecture_file_install (offer->file, &error);
  offer->added (offer->parent, offer->model_type, error);
}

/*
 * Asks whether to keep an architecture file as one of the user's own. @added is called when it is there, or could not
 * be copied.
 *
 * Returns FALSE with @error set if the file has a fault; then nothing is asked.
 */
gboolean
headroom_architecture_dialog_offer (GtkWindow                  *parent,
                                    GFile                      *file,
                                    HeadroomArchitectureAdded   added,
                                    GError                    **error)
{
  g_autofree char *model_type = hr_architecture_file_check (file, error);
  g_autofree char *heading = NULL;
  g_autofree char *body = NULL;
  g_autofree char *place = NULL;
  g_autoptr (GFile) copy = NULL;
  GtkWidget *dialog;
  Offer *offer;

  if (model_type == NULL)
    return FALSE;

  copy = hr_architecture_file_get (model_type);
  place = g_file_get_parse_name (copy);
  /* Translators: the name of an architecture, such as “qwen2”. */
  heading = g_strdup_printf (_("Add the Architecture “%s”?"), model_type);
  if (g_file_query_exists (copy, NULL))
    /* Translators: the path of a file. */
    body = g_strdup_printf (_("Models of this type are read with it from then on. It replaces “%s”."), place);
  else
    /* Translators: the path of a file. */
    body = g_strdup_printf (_("Models of this type are read with it from then on. It is copied to “%s”, and can be "
                              "removed in the preferences."),
                            place);

  offer = g_new0 (Offer, 1);
  offer->parent = g_object_ref (parent);
  offer->file = g_object_ref (file);
  offer->model_type = g_steal_pointer (&model_type);
  offer->added = added;

  dialog = adw_message_dialog_new (parent, heading, body);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Cancel"), "add", _("_Add"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "add", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "add");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_object_set_data_full (G_OBJECT (dialog), "offer", offer, (GDestroyNotify) offer_free);
  g_signal_connect (dialog, "response", G_CALLBACK (response_cb), offer);
  gtk_window_present (GTK_WINDOW (dialog));

  return TRUE;
}
