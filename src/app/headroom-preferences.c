/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-preferences.h"

#include <glib/gi18n.h>
#include <hr-architecture-file.h>

#include "headroom-settings.h"
#include "headroom-window.h"

/*
 * HeadroomPreferences:
 *
 * The preferences. The page is made in C rather than by a template, so that it can be made again in another language
 * while
 * the window stays where it is.
 */
struct _HeadroomPreferences
{
  AdwPreferencesWindow parent_instance;

  GSettings *settings;
  AdwPreferencesPage *page;
};

G_DEFINE_FINAL_TYPE (HeadroomPreferences, headroom_preferences, ADW_TYPE_PREFERENCES_WINDOW)

typedef struct
{
  const char *value;
  const char *label;
} Choice;

/* The names of languages stay as their speakers write them, whatever language the window is in. */
static const Choice languages[] = {
  { "", N_("Same as the system") },
  { "zh_CN", "简体中文" },
  { "en", "English" },
  { NULL }
};

static const Choice color_schemes[] = {
  { "system", N_("Same as the system") },
  { "light", N_("Light") },
  { "dark", N_("Dark") },
  { NULL }
};

static const Choice unit_systems[] = {
  { "binary", N_("Binary: GiB, powers of 1024") },
  { "decimal", N_("Decimal: GB, powers of 1000") },
  { NULL }
};

static gboolean
value_to_position (GValue   *value,
                   GVariant *variant,
                   gpointer  user_data)
{
  const Choice *choices = user_data;

  for (guint i = 0; choices[i].value != NULL; i++)
    {
      if (g_strcmp0 (choices[i].value, g_variant_get_string (variant, NULL)) == 0)
        {
          g_value_set_uint (value, i);
          return TRUE;
        }
    }

  return FALSE;
}

static GVariant *
position_to_value (const GValue       *value,
                   const GVariantType *expected_type,
                   gpointer            user_data)
{
  const Choice *choices = user_data;
  guint position = g_value_get_uint (value);

  return position != GTK_INVALID_LIST_POSITION ? g_variant_new_string (choices[position].value) : NULL;
}

static void
add_choice (HeadroomPreferences *self,
            AdwPreferencesGroup *group,
            const char          *key,
            const char          *title,
            const char          *subtitle,
            const Choice        *choices)
{
  g_autoptr (GtkStringList) labels = gtk_string_list_new (NULL);
  GtkWidget *row;

  for (guint i = 0; choices[i].value != NULL; i++)
    gtk_string_list_append (labels, _(choices[i].label));

  row = g_object_new (ADW_TYPE_COMBO_ROW,
                      "title", title,
                      "subtitle", subtitle,
                      "use-underline", TRUE,
                      "model", labels,
                      NULL);
  gtk_widget_set_name (row, key);
  g_settings_bind_with_mapping (self->settings, key, row, "selected", G_SETTINGS_BIND_DEFAULT,
                                value_to_position, position_to_value, (gpointer) choices, NULL);
  adw_preferences_group_add (group, row);
}

static void
add_switch (HeadroomPreferences *self,
            AdwPreferencesGroup *group,
            const char          *key,
            const char          *title,
            const char          *subtitle)
{
  GtkWidget *toggle = gtk_switch_new ();
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW,
                                 "title", title,
                                 "subtitle", subtitle,
                                 "use-underline", TRUE,
                                 "activatable-widget", toggle,
                                 NULL);

  gtk_widget_set_name (row, key);
  gtk_widget_set_valign (toggle, GTK_ALIGN_CENTER);
  g_settings_bind (self->settings, key, toggle, "active", G_SETTINGS_BIND_DEFAULT);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), toggle);
  adw_preferences_group_add (group, row);
}

static void
headroom_preferences_remove_cb (HeadroomPreferences *self,
                                GtkButton           *button)
{
  const char *model_type = g_object_get_data (G_OBJECT (button), "model-type");
  g_autoptr (GError) error = NULL;

  if (!hr_architecture_file_remove (model_type, &error))
    {
      adw_preferences_window_add_toast (ADW_PREFERENCES_WINDOW (self), adw_toast_new (error->message));
      return;
    }

  headroom_window_reload_models ();
  headroom_preferences_rebuild (self);
}

static void
add_architecture (HeadroomPreferences *self,
                  AdwPreferencesGroup *group,
                  const char          *model_type)
{
  g_autoptr (GFile) file = hr_architecture_file_get (model_type);
  g_autofree char *path = g_file_get_parse_name (file);
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", model_type, "subtitle", path, "use-markup", FALSE, NULL);
  GtkWidget *button = gtk_button_new_from_icon_name ("user-trash-symbolic");
  /* Translators: the name of an architecture, such as “qwen2”. */
  g_autofree char *name = g_strdup_printf (_("Remove the architecture “%s”"), model_type);
  g_autofree char *widget_name = g_strconcat ("remove-", model_type, NULL);

  gtk_widget_set_name (button, widget_name);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_object_set_data_full (G_OBJECT (button), "model-type", g_strdup (model_type), g_free);
  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_preferences_remove_cb), self, G_CONNECT_SWAPPED);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  adw_preferences_group_add (group, row);
}

/* Only who has any is shown them. */
static void
add_architectures (HeadroomPreferences *self)
{
  g_auto (GStrv) model_types = hr_architecture_file_list ();
  AdwPreferencesGroup *group;

  if (model_types[0] == NULL)
    return;

  group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  adw_preferences_group_set_title (group, _("Architectures of Your Own"));
  for (guint i = 0; model_types[i] != NULL; i++)
    add_architecture (self, group, model_types[i]);
  adw_preferences_page_add (self->page, group);
}

static void
headroom_preferences_build (HeadroomPreferences *self)
{
  AdwPreferencesGroup *group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());

  add_choice (self, group, "language", _("_Language"), _("Of the window and of reports"), languages);
  add_choice (self, group, "color-scheme", _("_Appearance"), NULL, color_schemes);
  add_choice (self, group, "unit-system", _("_Units of memory"), NULL, unit_systems);
  add_switch (self, group, "restore-session", _("_Go on where you were"),
              _("Open at start what was open the last time"));

  self->page = ADW_PREFERENCES_PAGE (adw_preferences_page_new ());
  adw_preferences_page_add (self->page, group);
  add_architectures (self);
  adw_preferences_window_add (ADW_PREFERENCES_WINDOW (self), self->page);

  gtk_window_set_title (GTK_WINDOW (self), _("Preferences"));
}

static void
headroom_preferences_dispose (GObject *object)
{
  HeadroomPreferences *self = HEADROOM_PREFERENCES (object);

  g_clear_object (&self->settings);

  G_OBJECT_CLASS (headroom_preferences_parent_class)->dispose (object);
}

static void
headroom_preferences_class_init (HeadroomPreferencesClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = headroom_preferences_dispose;
}

static void
headroom_preferences_init (HeadroomPreferences *self)
{
  self->settings = headroom_settings_new ();

  gtk_window_set_modal (GTK_WINDOW (self), TRUE);
  gtk_window_set_default_size (GTK_WINDOW (self), 560, 360);
  adw_preferences_window_set_search_enabled (ADW_PREFERENCES_WINDOW (self), FALSE);
  headroom_preferences_build (self);
}

GtkWidget *
headroom_preferences_new (void)
{
  return g_object_new (HEADROOM_TYPE_PREFERENCES, NULL);
}

static gboolean
headroom_preferences_rebuild_cb (gpointer user_data)
{
  HeadroomPreferences *self = HEADROOM_PREFERENCES (user_data);
  AdwPreferencesPage *old = self->page;

  /* The window shows no page at all once the one that it shows is removed. */
  headroom_preferences_build (self);
  adw_preferences_window_set_visible_page (ADW_PREFERENCES_WINDOW (self), self->page);
  adw_preferences_window_remove (ADW_PREFERENCES_WINDOW (self), old);

  return G_SOURCE_REMOVE;
}

/*
 * Builds the page anew, for another language. Not at once: the row that asked for it is on the page.
 */
void
headroom_preferences_rebuild (HeadroomPreferences *self)
{
  g_return_if_fail (HEADROOM_IS_PREFERENCES (self));

  g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, headroom_preferences_rebuild_cb, g_object_ref (self), g_object_unref);
}
