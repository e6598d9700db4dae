/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-setting-row.h"

#include <glib/gi18n.h>
#include <hr-estimator.h>
#include <hr-labels.h>

#include "headroom-count.h"
#include "headroom-help-menu.h"
#include "headroom-inputs-row.h"
#include "headroom-model-row.h"
#include "headroom-modules-row.h"

/*
 * Rows of the form are made from the job's properties: the nick is the title, the blurb the tooltip, the type says
 * which control. A new setting of the library appears in the window without a line here.
 */

/* The width of a number, as headroom_count_spin_new() has it. */
#define MIN_CHARS 7

static const char *
choice_get_label (GtkListItem *list_item,
                  GParamSpec  *setting)
{
  AdwEnumListItem *item = gtk_list_item_get_item (list_item);

  return hr_setting_get_choice_label (setting, adw_enum_list_item_get_value (item));
}

static GtkWidget *
choice_label_new (float xalign)
{
  return g_object_new (GTK_TYPE_LABEL, "xalign", xalign, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
}

/* What the row shows: libadwaita's own label stops at twenty characters, however wide the row. */
static void
choice_setup_cb (GtkSignalListItemFactory *factory,
                 GtkListItem              *list_item)
{
  gtk_list_item_set_child (list_item, choice_label_new (1));
}

static void
choice_bind_cb (GtkSignalListItemFactory *factory,
                GtkListItem              *list_item,
                GParamSpec               *setting)
{
  gtk_label_set_label (GTK_LABEL (gtk_list_item_get_child (list_item)), choice_get_label (list_item, setting));
}

/* What cannot be estimated so far is there, and cannot be chosen. */
static void
choice_list_mark (GtkListItem *list_item,
                  GtkWidget   *label,
                  gboolean     is_known)
{
  gtk_list_item_set_selectable (list_item, is_known);
  gtk_list_item_set_activatable (list_item, is_known);
  gtk_widget_set_sensitive (label, is_known);
  gtk_widget_set_tooltip_text (label, is_known ? NULL : _("This cannot be estimated so far"));
}

/* What its list shows: a choice, a mark if it holds, and over the first of a family what the family is called. */
static void
choice_list_setup_cb (GtkSignalListItemFactory *factory,
                      GtkListItem              *list_item)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *heading = choice_label_new (0);
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *label = choice_label_new (0);
  GtkWidget *mark = gtk_image_new_from_icon_name ("object-select-symbolic");

  gtk_widget_add_css_class (heading, "caption-heading");
  gtk_widget_add_css_class (heading, "dim-label");
  gtk_widget_set_hexpand (label, TRUE);
  gtk_box_append (GTK_BOX (line), label);
  gtk_box_append (GTK_BOX (line), mark);
  gtk_box_append (GTK_BOX (box), heading);
  gtk_box_append (GTK_BOX (box), line);
  g_object_bind_property (list_item, "selected", mark, "visible", G_BINDING_SYNC_CREATE);
  gtk_list_item_set_child (list_item, box);
}

static void
choice_list_bind_cb (GtkSignalListItemFactory *factory,
                     GtkListItem              *list_item,
                     GParamSpec               *setting)
{
  GtkWidget *heading = gtk_widget_get_first_child (gtk_list_item_get_child (list_item));
  GtkWidget *label = gtk_widget_get_first_child (gtk_widget_get_next_sibling (heading));
  AdwEnumListItem *item = gtk_list_item_get_item (list_item);
  const char *family = hr_setting_get_choice_heading (setting, adw_enum_list_item_get_value (item));

  gtk_widget_set_visible (heading, family != NULL);
  gtk_label_set_label (GTK_LABEL (heading), family != NULL ? family : "");
  gtk_label_set_label (GTK_LABEL (label), choice_get_label (list_item, setting));
  choice_list_mark (list_item, label, hr_estimator_knows_choice (g_object_get_data (G_OBJECT (factory), "job"), setting,
                                                                 adw_enum_list_item_get_value (item)));
}

static GtkListItemFactory *
factory_new (GCallback   setup,
             GCallback   bind,
             GParamSpec *setting)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();

  g_signal_connect (factory, "setup", setup, NULL);
  g_signal_connect (factory, "bind", bind, setting);

  return factory;
}

static gboolean
choice_to_position (GBinding     *binding,
                    const GValue *from_value,
                    GValue       *to_value,
                    gpointer      user_data)
{
  guint position = adw_enum_list_model_find_position (user_data, g_value_get_enum (from_value));

  g_value_set_uint (to_value, position);
  return position != GTK_INVALID_LIST_POSITION;
}

static gboolean
position_to_choice (GBinding     *binding,
                    const GValue *from_value,
                    GValue       *to_value,
                    gpointer      user_data)
{
  guint position = g_value_get_uint (from_value);
  g_autoptr (AdwEnumListItem) item = NULL;

  if (position == GTK_INVALID_LIST_POSITION)
    return FALSE;

  item = g_list_model_get_item (user_data, position);
  g_value_set_enum (to_value, adw_enum_list_item_get_value (item));
  return TRUE;
}

static GtkWidget *
choice_row_new (HrJob      *job,
                GParamSpec *setting)
{
  g_autoptr (AdwEnumListModel) model = adw_enum_list_model_new (setting->value_type);
  g_autoptr (GtkListItemFactory) factory = NULL;
  g_autoptr (GtkListItemFactory) list_factory = NULL;
  GtkWidget *row;

  factory = factory_new (G_CALLBACK (choice_setup_cb), G_CALLBACK (choice_bind_cb), setting);
  list_factory = factory_new (G_CALLBACK (choice_list_setup_cb), G_CALLBACK (choice_list_bind_cb), setting);
  g_object_set_data_full (G_OBJECT (list_factory), "job", g_object_ref (job), g_object_unref);

  row = g_object_new (ADW_TYPE_COMBO_ROW, "factory", factory, "list-factory", list_factory, "model", model, NULL);
  g_object_bind_property_full (job, setting->name, row, "selected", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE,
                               choice_to_position, position_to_choice, g_object_ref (model), g_object_unref);

  return row;
}

/* What is typed for a number that may be left to the program: the word for that, or nothing. */
static gboolean
is_left_open (GtkSpinButton *spin,
              GParamSpec    *setting)
{
  g_autofree char *text = g_utf8_casefold (gtk_editable_get_text (GTK_EDITABLE (spin)), -1);
  g_autofree char *open = NULL;

  if (hr_setting_get_open_label (setting) == NULL)
    return FALSE;

  open = g_utf8_casefold (hr_setting_get_open_label (setting), -1);

  return *g_strstrip (text) == '\0' || g_str_equal (text, open);
}

static int
count_input_cb (GtkSpinButton *spin,
                double        *new_value,
                GParamSpec    *setting)
{
  guint64 value = 0;

  if (!is_left_open (spin, setting) &&
      !headroom_count_parse (gtk_editable_get_text (GTK_EDITABLE (spin)), &value))
    return GTK_INPUT_ERROR;

  *new_value = value;

  return TRUE;
}

/* Other numbers are read by the button itself. */
static int
number_input_cb (GtkSpinButton *spin,
                 double        *new_value,
                 GParamSpec    *setting)
{
  *new_value = 0;

  return is_left_open (spin, setting);
}

static gboolean
output_cb (GtkSpinButton *spin,
           GParamSpec    *setting)
{
  if (gtk_spin_button_get_value (spin) != 0)
    return FALSE;

  if (!g_str_equal (gtk_editable_get_text (GTK_EDITABLE (spin)), hr_setting_get_open_label (setting)))
    gtk_editable_set_text (GTK_EDITABLE (spin), hr_setting_get_open_label (setting));

  return TRUE;
}

/* A number that may be left to the program is a word then. */
static void
leave_open (GtkWidget  *spin,
            GParamSpec *setting,
            GCallback   input)
{
  const char *word = hr_setting_get_open_label (setting);

  if (word == NULL)
    return;

  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (spin), FALSE);
  gtk_spin_button_set_update_policy (GTK_SPIN_BUTTON (spin), GTK_UPDATE_IF_VALID);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), MAX (MIN_CHARS, g_utf8_strlen (word, -1)));
  g_signal_connect (spin, "input", input, setting);
  g_signal_connect (spin, "output", G_CALLBACK (output_cb), setting);
  output_cb (GTK_SPIN_BUTTON (spin), setting);
}

static GtkWidget *
count_row_new (HrJob      *job,
               GParamSpec *setting)
{
  GParamSpecUInt64 *count = G_PARAM_SPEC_UINT64 (setting);
  GtkWidget *spin = headroom_count_spin_new (count->minimum, count->maximum, count->default_value);
  GtkWidget *row = adw_action_row_new ();

  leave_open (spin, setting, G_CALLBACK (count_input_cb));
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), spin);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), spin);
  g_object_bind_property (job, setting->name, gtk_spin_button_get_adjustment (GTK_SPIN_BUTTON (spin)), "value",
                          G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);

  return row;
}

static GtkWidget *
switch_row_new (HrJob      *job,
                GParamSpec *setting)
{
  GtkWidget *toggle = g_object_new (GTK_TYPE_SWITCH, "valign", GTK_ALIGN_CENTER, NULL);
  GtkWidget *row = adw_action_row_new ();

  adw_action_row_add_suffix (ADW_ACTION_ROW (row), toggle);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), toggle);
  g_object_bind_property (job, setting->name, toggle, "active", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);

  return row;
}

/* A number between two bounds, in hundredths. */
static GtkWidget *
number_row_new (HrJob      *job,
                GParamSpec *setting)
{
  GParamSpecDouble *number = G_PARAM_SPEC_DOUBLE (setting);
  GtkWidget *spin = gtk_spin_button_new_with_range (number->minimum, number->maximum, 0.01);
  GtkWidget *row = adw_action_row_new ();

  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (spin), 2);
  gtk_editable_set_alignment (GTK_EDITABLE (spin), 1);
  gtk_widget_set_valign (spin, GTK_ALIGN_CENTER);
  leave_open (spin, setting, G_CALLBACK (number_input_cb));
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), spin);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), spin);
  g_object_bind_property (job, setting->name, gtk_spin_button_get_adjustment (GTK_SPIN_BUTTON (spin)), "value",
                          G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);

  return row;
}

static gboolean
value_to_changed (GBinding     *binding,
                  const GValue *from_value,
                  GValue       *to_value,
                  gpointer      user_data)
{
  g_value_set_boolean (to_value, !g_param_value_defaults (user_data, from_value));
  return TRUE;
}

static void
reset_clicked_cb (GtkButton *button,
                  HrJob     *job)
{
  GParamSpec *setting = g_object_get_data (G_OBJECT (button), "setting");

  g_object_set_property (G_OBJECT (job), setting->name, g_param_spec_get_default_value (setting));
}

/* Shown while the setting differs from its default; that is also how the row shows that it does. */
static GtkWidget *
reset_button_new (HrJob      *job,
                  GParamSpec *setting,
                  const char *title)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("edit-undo-symbolic");
  g_autofree char *label = NULL;

  /* Translators: %s is the title of a setting, such as “Batch size” */
  label = g_strdup_printf (_("Reset “%s” to its default"), title);
  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "reset");
  gtk_widget_set_name (button, "reset");

  g_object_set_data (G_OBJECT (button), "setting", setting);
  g_signal_connect_object (button, "clicked", G_CALLBACK (reset_clicked_cb), job, 0);
  g_object_bind_property_full (job, setting->name, button, "visible", G_BINDING_SYNC_CREATE,
                               value_to_changed, NULL, setting, NULL);

  return button;
}

/*
 * Creates the row of a setting, bound to the job both ways.
 */
GtkWidget *
headroom_setting_row_new (HrJob      *job,
                          GParamSpec *setting)
{
  const char *title;
  g_autofree char *topic = NULL;
  GtkWidget *row;

  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), NULL);

  if (G_IS_PARAM_SPEC_ENUM (setting))
    row = choice_row_new (job, setting);
  else if (G_IS_PARAM_SPEC_UINT64 (setting))
    row = count_row_new (job, setting);
  else if (G_IS_PARAM_SPEC_BOOLEAN (setting))
    row = switch_row_new (job, setting);
  else if (G_IS_PARAM_SPEC_DOUBLE (setting))
    row = number_row_new (job, setting);
  else if (hr_job_setting_is_model (setting) || g_str_equal (setting->name, "tensor-split") ||
           g_str_equal (setting->name, "override-tensor") || g_str_equal (setting->name, "tensor-types"))
    row = headroom_model_row_new (job, setting);
  else if (G_IS_PARAM_SPEC_STRING (setting))
    row = g_str_equal (setting->name, "further-inputs") ? headroom_inputs_row_new (job, setting)
                                                        : headroom_modules_row_new (job, setting);
  else
    g_return_val_if_reached (NULL);

  title = hr_setting_get_label (setting);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  gtk_widget_set_tooltip_text (row, hr_setting_get_description (setting));
  gtk_widget_set_name (row, setting->name);
  topic = g_strconcat ("setting:", setting->name, NULL);
  headroom_help_menu_attach (row, topic, title);
  if (HEADROOM_IS_INPUTS_ROW (row))
    headroom_inputs_row_add_suffix (HEADROOM_INPUTS_ROW (row), reset_button_new (job, setting, title));
  else if (HEADROOM_IS_MODULES_ROW (row))
    headroom_modules_row_add_suffix (HEADROOM_MODULES_ROW (row), reset_button_new (job, setting, title));
  else if (HEADROOM_IS_MODEL_ROW (row))
    headroom_model_row_add_suffix (HEADROOM_MODEL_ROW (row), reset_button_new (job, setting, title));
  else
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), reset_button_new (job, setting, title));

  return row;
}
