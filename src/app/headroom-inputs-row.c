/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-inputs-row.h"

#include <glib/gi18n.h>

#include <hr-labels.h>
#include <hr-medium.h>
#include <hr-units.h>

#include "headroom-input-popover.h"

/*
 * HeadroomInputsRow:
 *
 * The images, sounds and videos of a job as a list, each with the tokens that the model makes of it: those that other
 * settings give first, then those of the row's own setting, which can be added and removed.
 */
struct _HeadroomInputsRow
{
  AdwPreferencesRow parent_instance;

  HrJob *job;
  GParamSpec *setting;
  HrModel *model;
  char *shown;

  GtkBox *header;
  GtkWidget *add;
  GtkBox *list;
};

G_DEFINE_FINAL_TYPE (HeadroomInputsRow, headroom_inputs_row, ADW_TYPE_PREFERENCES_ROW)

static void headroom_inputs_row_update (HeadroomInputsRow *self);

static char **
headroom_inputs_row_dup_texts (HeadroomInputsRow *self)
{
  g_autofree char *value = NULL;

  g_object_get (self->job, self->setting->name, &value, NULL);
  if (g_str_equal (value, G_PARAM_SPEC_STRING (self->setting)->default_value))
    return g_new0 (char *, 1);

  return g_strsplit (value, ",", -1);
}

static void
headroom_inputs_row_set_texts (HeadroomInputsRow *self,
                               char             **texts)
{
  g_autofree char *value = g_strjoinv (",", texts);

  g_object_set (self->job, self->setting->name,
                *value != '\0' ? value : G_PARAM_SPEC_STRING (self->setting)->default_value, NULL);
}

static void
headroom_inputs_row_added_cb (HeadroomInputsRow *self,
                              const char        *text)
{
  g_auto (GStrv) texts = headroom_inputs_row_dup_texts (self);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) longer = NULL;

  g_strv_builder_addv (builder, (const char **) texts);
  g_strv_builder_add (builder, text);
  longer = g_strv_builder_end (builder);
  headroom_inputs_row_set_texts (self, longer);
}

static void
headroom_inputs_row_remove_cb (HeadroomInputsRow *self,
                               GtkWidget         *button)
{
  guint index = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), "index"));
  g_auto (GStrv) texts = headroom_inputs_row_dup_texts (self);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) shorter = NULL;

  for (guint i = 0; texts[i] != NULL; i++)
    {
      if (i != index)
        g_strv_builder_add (builder, texts[i]);
    }
  shorter = g_strv_builder_end (builder);
  /* The button that has the focus goes away. */
  gtk_widget_grab_focus (self->add);
  headroom_inputs_row_set_texts (self, shorter);
}

static GtkWidget *
create_label (const char *text,
              const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);

  return label;
}

/* “1,369 tokens: 1·(1036/28)·(1036/28)”, or why they are not known. */
static char *
headroom_inputs_row_dup_tokens (HeadroomInputsRow *self,
                                const HrMedium    *medium)
{
  g_autofree char *number = NULL;
  g_autofree char *origin = NULL;
  g_autoptr (GError) error = NULL;
  HrMediumTokens tokens;

  if (self->model == NULL)
    return NULL;
  if (!hr_model_count_tokens (self->model, medium, &tokens, &error))
    /* Translators: beside an image, a sound or a video, where the model’s processor is not known */
    return g_strdup (_("How many tokens this model makes of it is not known"));

  number = hr_format_integer (tokens.tokens);
  origin = hr_medium_tokens_dup_origin (&tokens);

  /* Translators: a number of tokens, and the formula that it comes from */
  return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%s token: %s", "%s tokens: %s", tokens.tokens), number,
                          origin);
}

static GtkWidget *
headroom_inputs_row_create_remove (HeadroomInputsRow *self,
                                   guint              index,
                                   const char        *name)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("user-trash-symbolic");
  g_autofree char *label = NULL;

  /* Translators: what stands there is an input, such as “Image, 640 × 480” */
  label = g_strdup_printf (_("Remove “%s”"), name);
  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  g_object_set_data (G_OBJECT (button), "index", GUINT_TO_POINTER (index));
  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_inputs_row_remove_cb), self, G_CONNECT_SWAPPED);

  return button;
}

/* @count of one kind, which other settings give, or one that can be removed. */
static void
headroom_inputs_row_append (HeadroomInputsRow *self,
                            const HrMedium    *medium,
                            guint              count,
                            int                index)
{
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *words = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  g_autofree char *name = hr_medium_dup_label (medium);
  g_autofree char *tokens = headroom_inputs_row_dup_tokens (self, medium);
  g_autofree char *title = NULL;

  /* Translators: how many there are of an input, such as “4 × Image, 640 × 480” */
  title = count > 1 ? g_strdup_printf (_("%u × %s"), count, name) : g_strdup (name);
  gtk_widget_set_hexpand (words, TRUE);
  gtk_box_append (GTK_BOX (words), create_label (title, NULL));
  if (tokens != NULL)
    {
      GtkWidget *label = create_label (tokens, "caption");

      gtk_widget_add_css_class (label, "dim-label");
      gtk_box_append (GTK_BOX (words), label);
    }
  gtk_box_append (GTK_BOX (line), words);
  if (index >= 0)
    gtk_box_append (GTK_BOX (line), headroom_inputs_row_create_remove (self, index, name));
  gtk_box_append (self->list, line);
}

static gboolean
is_same (const HrMedium *a,
         const HrMedium *b)
{
  g_autofree char *one = hr_medium_to_text (a);
  g_autofree char *other = hr_medium_to_text (b);

  return g_str_equal (one, other);
}

/* Those of the other settings come first; what is alike is one line. */
static void
headroom_inputs_row_fill (HeadroomInputsRow *self,
                          GArray            *media,
                          guint              n_own)
{
  guint n_others = media->len - n_own;

  for (guint i = 0; i < n_others;)
    {
      const HrMedium *medium = &g_array_index (media, HrMedium, i);
      guint count = 1;

      while (i + count < n_others && is_same (medium, &g_array_index (media, HrMedium, i + count)))
        count++;
      headroom_inputs_row_append (self, medium, count, -1);
      i += count;
    }
  for (guint i = 0; i < n_own; i++)
    headroom_inputs_row_append (self, &g_array_index (media, HrMedium, n_others + i), 1, i);
}

static void
headroom_inputs_row_clear (HeadroomInputsRow *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->list))) != NULL)
    gtk_box_remove (self->list, child);
}

/* What is to be seen, in a line: nothing is built anew that is there already. */
static char *
headroom_inputs_row_dup_state (HeadroomInputsRow *self,
                               GArray            *media)
{
  g_autoptr (GString) string = g_string_new (NULL);

  g_string_printf (string, "%p", self->model);
  for (guint i = 0; media != NULL && i < media->len; i++)
    {
      g_autofree char *text = hr_medium_to_text (&g_array_index (media, HrMedium, i));

      g_string_append_printf (string, " %s", text);
    }

  return g_string_free (g_steal_pointer (&string), FALSE);
}

static void
headroom_inputs_row_update (HeadroomInputsRow *self)
{
  g_auto (GStrv) texts = headroom_inputs_row_dup_texts (self);
  g_autoptr (GArray) media = hr_job_list_media (self->job, NULL);
  g_autofree char *state = headroom_inputs_row_dup_state (self, media);

  if (g_strcmp0 (state, self->shown) == 0)
    return;

  g_free (self->shown);
  self->shown = g_steal_pointer (&state);
  headroom_inputs_row_clear (self);
  if (media != NULL)
    headroom_inputs_row_fill (self, media, g_strv_length (texts));
  gtk_widget_set_visible (GTK_WIDGET (self->list), media != NULL && media->len > 0);
}

static void
headroom_inputs_row_dispose (GObject *object)
{
  HeadroomInputsRow *self = HEADROOM_INPUTS_ROW (object);

  g_clear_object (&self->job);
  g_clear_object (&self->model);
  g_clear_pointer (&self->shown, g_free);

  G_OBJECT_CLASS (headroom_inputs_row_parent_class)->dispose (object);
}

static void
headroom_inputs_row_class_init (HeadroomInputsRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_inputs_row_dispose;
}

static GtkWidget *
headroom_inputs_row_create_add (HeadroomInputsRow *self)
{
  GtkWidget *button = gtk_menu_button_new ();
  GtkWidget *popover = headroom_input_popover_new ();
  const char *label = _("Add an image, a sound or a video");

  g_signal_connect_object (popover, "added", G_CALLBACK (headroom_inputs_row_added_cb), self, G_CONNECT_SWAPPED);
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (button), "list-add-symbolic");
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (button), popover);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_set_name (button, "add-input");
  gtk_widget_add_css_class (button, "flat");

  return button;
}

static void
headroom_inputs_row_init (HeadroomInputsRow *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 9);
  GtkWidget *title = create_label (NULL, NULL);

  gtk_widget_set_hexpand (title, TRUE);
  g_object_bind_property (self, "title", title, "label", G_BINDING_SYNC_CREATE);
  self->add = headroom_inputs_row_create_add (self);
  self->header = GTK_BOX (gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6));
  gtk_box_append (self->header, title);
  gtk_box_append (self->header, self->add);
  self->list = GTK_BOX (gtk_box_new (GTK_ORIENTATION_VERTICAL, 9));

  gtk_widget_set_margin_top (box, 8);
  gtk_widget_set_margin_bottom (box, 12);
  gtk_widget_set_margin_start (box, 12);
  gtk_widget_set_margin_end (box, 12);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->header));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->list));
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (self), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), FALSE);
  gtk_widget_set_focusable (GTK_WIDGET (self), FALSE);
}

/*
 * Creates the row of @setting, which lists further inputs of @job.
 */
GtkWidget *
headroom_inputs_row_new (HrJob      *job,
                         GParamSpec *setting)
{
  HeadroomInputsRow *self;

  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (G_IS_PARAM_SPEC_STRING (setting), NULL);

  self = g_object_new (HEADROOM_TYPE_INPUTS_ROW, NULL);
  self->job = g_object_ref (job);
  self->setting = setting;
  g_signal_connect_object (job, "notify", G_CALLBACK (headroom_inputs_row_update), self, G_CONNECT_SWAPPED);
  headroom_inputs_row_update (self);

  return GTK_WIDGET (self);
}

/*
 * Sets the model whose tokens are counted.
 */
void
headroom_inputs_row_set_model (HeadroomInputsRow *self,
                               HrModel           *model)
{
  g_return_if_fail (HEADROOM_IS_INPUTS_ROW (self));
  g_return_if_fail (model == NULL || HR_IS_MODEL (model));

  if (g_set_object (&self->model, model))
    headroom_inputs_row_update (self);
}

/*
 * Puts a button beside the title.
 */
void
headroom_inputs_row_add_suffix (HeadroomInputsRow *self,
                                GtkWidget         *widget)
{
  g_return_if_fail (HEADROOM_IS_INPUTS_ROW (self));
  g_return_if_fail (GTK_IS_WIDGET (widget));

  gtk_box_append (self->header, widget);
}
