/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-modules-row.h"

#include <glib/gi18n.h>
#include <string.h>

#include "headroom-entry-box.h"

#define ALL_LINEAR "all-linear"

/*
 * HeadroomModulesRow:
 *
 * The row of a setting that names modules of the model: they can be typed, or chosen from those that the model has.
 *
 * What is typed holds once it is done with, by Enter or by going elsewhere, for half a name is none.
 */
struct _HeadroomModulesRow
{
  AdwPreferencesRow parent_instance;

  HrJob *job;
  GParamSpec *setting;
  HrModel *model;

  GtkBox *header;
  GtkEntry *entry;
  GtkBox *choices;
  gboolean updating;
};

G_DEFINE_FINAL_TYPE (HeadroomModulesRow, headroom_modules_row, ADW_TYPE_PREFERENCES_ROW)

static char *
headroom_modules_row_dup_value (HeadroomModulesRow *self)
{
  char *value;

  g_object_get (self->job, self->setting->name, &value, NULL);

  return value;
}

static void
headroom_modules_row_update_checks (HeadroomModulesRow *self)
{
  g_autofree char *value = headroom_modules_row_dup_value (self);
  g_auto (GStrv) names = g_strsplit (value, ",", -1);

  self->updating = TRUE;
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->choices)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (GTK_IS_CHECK_BUTTON (child))
        gtk_check_button_set_active (GTK_CHECK_BUTTON (child),
                                     g_strv_contains ((const char * const *) names, gtk_widget_get_name (child)));
    }
  self->updating = FALSE;
}

/* What the setting says where nothing is named: those that PEFT takes by itself, or none. */
static const char *
headroom_modules_row_get_default (HeadroomModulesRow *self)
{
  return G_PARAM_SPEC_STRING (self->setting)->default_value;
}

static const char *
headroom_modules_row_get_default_label (HeadroomModulesRow *self)
{
  /* Translators: of a setting that names modules of a model: those that the library PEFT takes by itself */
  const char *automatic = _("Automatic");

  /* Translators: of a setting that names modules of a model: no module */
  return g_str_equal (headroom_modules_row_get_default (self), "auto") ? automatic : C_("modules", "None");
}

/* An empty entry stands for the default, and shows what that is called. */
static void
headroom_modules_row_value_cb (HeadroomModulesRow *self)
{
  g_autofree char *value = headroom_modules_row_dup_value (self);
  const char *names = g_str_equal (value, headroom_modules_row_get_default (self)) ? "" : value;

  if (g_strcmp0 (names, gtk_editable_get_text (GTK_EDITABLE (self->entry))) != 0)
    gtk_editable_set_text (GTK_EDITABLE (self->entry), names);
  headroom_modules_row_update_checks (self);
}

static void
headroom_modules_row_apply_cb (HeadroomModulesRow *self)
{
  g_autoptr (GString) text = g_string_new (gtk_editable_get_text (GTK_EDITABLE (self->entry)));

  g_string_replace (text, " ", "", 0);
  g_object_set (self->job, self->setting->name, text->len > 0 ? text->str : headroom_modules_row_get_default (self),
                NULL);
  headroom_modules_row_value_cb (self);
}

/* Whether a choice is no name of a module that others can stand beside. */
static gboolean
headroom_modules_row_stands_alone (HeadroomModulesRow *self,
                                   const char         *name)
{
  return g_str_equal (name, headroom_modules_row_get_default (self)) || g_str_equal (name, ALL_LINEAR);
}

/* The names that are checked, or the default if none is. */
static char *
headroom_modules_row_dup_checked (HeadroomModulesRow *self)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (self->choices)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      const char *name = gtk_widget_get_name (child);

      if (!GTK_IS_CHECK_BUTTON (child) || headroom_modules_row_stands_alone (self, name) ||
          !gtk_check_button_get_active (GTK_CHECK_BUTTON (child)))
        continue;

      g_string_append_printf (names, "%s%s", names->len > 0 ? "," : "", name);
    }

  return g_strdup (names->len > 0 ? names->str : headroom_modules_row_get_default (self));
}

static void
headroom_modules_row_toggled_cb (HeadroomModulesRow *self,
                                 GtkCheckButton     *check)
{
  const char *name = gtk_widget_get_name (GTK_WIDGET (check));
  g_autofree char *value = NULL;

  if (self->updating)
    return;

  if (headroom_modules_row_stands_alone (self, name) && gtk_check_button_get_active (check))
    value = g_strdup (name);
  else
    value = headroom_modules_row_dup_checked (self);

  g_object_set (self->job, self->setting->name, value, NULL);
  headroom_modules_row_update_checks (self);
}

static void
headroom_modules_row_add_choice (HeadroomModulesRow *self,
                                 const char         *name,
                                 const char         *label)
{
  GtkWidget *check = gtk_check_button_new_with_label (label);

  gtk_widget_set_name (check, name);
  g_signal_connect_object (check, "toggled", G_CALLBACK (headroom_modules_row_toggled_cb), self, G_CONNECT_SWAPPED);
  gtk_box_append (self->choices, check);
}

/* Copies are trained of what stands around the layers, such as the head; adapters are for what is in them. */
static gboolean
headroom_modules_row_offers (HeadroomModulesRow *self,
                             const HrTensor     *tensor)
{
  if (g_str_equal (self->setting->name, "modules-to-save"))
    return tensor->n_layers == 0;

  return tensor->role == HR_TENSOR_ROLE_LINEAR && tensor->n_layers > 0;
}

/* The last part of the name of a module that can be chosen, or nothing. */
static char *
headroom_modules_row_dup_module_name (HeadroomModulesRow *self,
                                      const HrTensor     *tensor)
{
  g_autofree char *path = NULL;
  const char *name;

  if (!headroom_modules_row_offers (self, tensor) || !g_str_has_suffix (tensor->pattern, ".weight"))
    return NULL;

  path = g_strndup (tensor->pattern, strlen (tensor->pattern) - strlen (".weight"));
  name = strrchr (path, '.');

  if (name == NULL)
    return g_steal_pointer (&path);

  return strchr (name, '{') == NULL ? g_strdup (name + 1) : NULL;
}

static GPtrArray *
headroom_modules_row_list_names (HeadroomModulesRow *self)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < hr_model_get_n_tensors (self->model); i++)
    {
      g_autofree char *name = headroom_modules_row_dup_module_name (self, hr_model_get_tensor (self->model, i));

      if (name != NULL && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
        g_ptr_array_add (names, g_steal_pointer (&name));
    }

  return names;
}

static void
headroom_modules_row_update_choices (HeadroomModulesRow *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->choices))) != NULL)
    gtk_box_remove (self->choices, child);

  headroom_modules_row_add_choice (self, headroom_modules_row_get_default (self),
                                   headroom_modules_row_get_default_label (self));
  if (g_str_equal (self->setting->name, "lora-targets"))
    headroom_modules_row_add_choice (self, ALL_LINEAR, _("All linear layers"));

  if (self->model != NULL)
    {
      g_autoptr (GPtrArray) names = headroom_modules_row_list_names (self);

      if (names->len > 0)
        gtk_box_append (self->choices, gtk_separator_new (GTK_ORIENTATION_HORIZONTAL));
      for (guint i = 0; i < names->len; i++)
        headroom_modules_row_add_choice (self, g_ptr_array_index (names, i), g_ptr_array_index (names, i));
    }

  headroom_modules_row_update_checks (self);
}

static void
headroom_modules_row_dispose (GObject *object)
{
  HeadroomModulesRow *self = HEADROOM_MODULES_ROW (object);

  g_clear_object (&self->job);
  g_clear_object (&self->model);

  G_OBJECT_CLASS (headroom_modules_row_parent_class)->dispose (object);
}

static void
headroom_modules_row_class_init (HeadroomModulesRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_modules_row_dispose;
}

static GtkWidget *
headroom_modules_row_create_popover (HeadroomModulesRow *self)
{
  GtkWidget *scroller = gtk_scrolled_window_new ();
  GtkWidget *popover = gtk_popover_new ();

  self->choices = GTK_BOX (gtk_box_new (GTK_ORIENTATION_VERTICAL, 6));
  gtk_widget_set_margin_top (GTK_WIDGET (self->choices), 6);
  gtk_widget_set_margin_bottom (GTK_WIDGET (self->choices), 6);
  gtk_widget_set_margin_start (GTK_WIDGET (self->choices), 6);
  gtk_widget_set_margin_end (GTK_WIDGET (self->choices), 6);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), 360);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), GTK_WIDGET (self->choices));
  gtk_popover_set_child (GTK_POPOVER (popover), scroller);

  return popover;
}

static GtkWidget *
headroom_modules_row_create_button (HeadroomModulesRow *self)
{
  GtkWidget *button = gtk_menu_button_new ();
  const char *label = _("Choose from the modules of the model");

  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (button), "view-more-symbolic");
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (button), headroom_modules_row_create_popover (self));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_add_css_class (button, "flat");

  return button;
}

static void
headroom_modules_row_init (HeadroomModulesRow *self)
{
  self->entry = headroom_entry_box_fill (ADW_PREFERENCES_ROW (self), G_CALLBACK (headroom_modules_row_apply_cb),
                                         &self->header);
  gtk_box_append (self->header, headroom_modules_row_create_button (self));
}

/*
 * Creates the row of @setting, bound to @job both ways.
 */
GtkWidget *
headroom_modules_row_new (HrJob      *job,
                          GParamSpec *setting)
{
  g_autofree char *signal = NULL;
  HeadroomModulesRow *self;

  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (G_IS_PARAM_SPEC_STRING (setting), NULL);

  self = g_object_new (HEADROOM_TYPE_MODULES_ROW, NULL);
  self->job = g_object_ref (job);
  self->setting = setting;
  signal = g_strconcat ("notify::", setting->name, NULL);
  g_signal_connect_object (job, signal, G_CALLBACK (headroom_modules_row_value_cb), self, G_CONNECT_SWAPPED);
  gtk_entry_set_placeholder_text (self->entry, headroom_modules_row_get_default_label (self));
  headroom_modules_row_update_choices (self);
  headroom_modules_row_value_cb (self);

  return GTK_WIDGET (self);
}

/*
 * Sets the model whose modules can be chosen.
 */
void
headroom_modules_row_set_model (HeadroomModulesRow *self,
                                HrModel            *model)
{
  g_return_if_fail (HEADROOM_IS_MODULES_ROW (self));
  g_return_if_fail (model == NULL || HR_IS_MODEL (model));

  if (g_set_object (&self->model, model))
    headroom_modules_row_update_choices (self);
}

/*
 * Puts a button beside the title.
 */
void
headroom_modules_row_add_suffix (HeadroomModulesRow *self,
                                 GtkWidget          *widget)
{
  g_return_if_fail (HEADROOM_IS_MODULES_ROW (self));
  g_return_if_fail (GTK_IS_WIDGET (widget));

  gtk_box_append (self->header, widget);
}
