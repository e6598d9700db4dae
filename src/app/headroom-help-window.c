/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-help-window.h"

#include "hr-formula-text.h"
#include "hr-help.h"

/* What is shown first. */
#define FIRST_TOPIC "guide:exact"

/*
 * HeadroomHelpWindow:
 *
 * The help: topics that can be searched, and the text of the one that is chosen. On a narrow window one covers the
 * other.
 */
struct _HeadroomHelpWindow
{
  AdwWindow parent_instance;

  GPtrArray *topics;
  const HrHelpTopic *shown;

  AdwLeaflet *leaflet;
  GtkSearchEntry *entry;
  GtkStack *stack;
  GtkListBox *list;
  GtkWidget *back;
  GtkScrolledWindow *scrolled;
  GtkLabel *section;
  GtkLabel *title;
  GtkLabel *text;
  GtkBox *links;
};

G_DEFINE_FINAL_TYPE (HeadroomHelpWindow, headroom_help_window, ADW_TYPE_WINDOW)

static const HrHelpTopic *
get_topic (GtkListBoxRow *row)
{
  return g_object_get_data (G_OBJECT (row), "topic");
}

static GtkWidget *
create_label (const char *text,
              gboolean    is_markup)
{
  GtkWidget *label = gtk_label_new (NULL);

  if (is_markup)
    gtk_label_set_markup (GTK_LABEL (label), text);
  else
    gtk_label_set_label (GTK_LABEL (label), text);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);

  return label;
}

static GtkWidget *
create_row (const HrHelpTopic *topic)
{
  g_autofree char *title = NULL;
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *label;

  title = topic->section == HR_HELP_SECTION_SYMBOL ? hr_formula_describe_symbol (topic->title, topic->text)
                                                   : g_markup_escape_text (topic->title, -1);
  label = create_label (title, TRUE);
  gtk_widget_set_margin_top (label, 6);
  gtk_widget_set_margin_bottom (label, 6);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), label);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_RELATION_LABELLED_BY, label, NULL, -1);
  g_object_set_data (G_OBJECT (row), "topic", (gpointer) topic);

  return row;
}

/* Over the first topic of a section stands what the section is called, but where the best matches come first. */
static void
update_header (GtkListBoxRow *row,
               GtkListBoxRow *before,
               gpointer       user_data)
{
  HeadroomHelpWindow *self = user_data;
  HrHelpSection section = get_topic (row)->section;
  GtkWidget *header;

  if (*gtk_editable_get_text (GTK_EDITABLE (self->entry)) != '\0' ||
      (before != NULL && get_topic (before)->section == section))
    {
      gtk_list_box_row_set_header (row, NULL);
      return;
    }

  header = create_label (hr_help_section_get_label (section), FALSE);
  gtk_widget_add_css_class (header, "heading");
  gtk_widget_set_margin_top (header, before != NULL ? 18 : 6);
  gtk_widget_set_margin_bottom (header, 6);
  gtk_widget_set_margin_start (header, 12);
  gtk_list_box_row_set_header (row, header);
}

static void
headroom_help_window_fill (HeadroomHelpWindow *self)
{
  g_autoptr (GPtrArray) found = hr_help_search (self->topics, gtk_editable_get_text (GTK_EDITABLE (self->entry)));
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (self->list, 0)) != NULL)
    gtk_list_box_remove (self->list, GTK_WIDGET (row));

  for (guint i = 0; i < found->len; i++)
    gtk_list_box_append (self->list, create_row (g_ptr_array_index (found, i)));

  gtk_stack_set_visible_child_name (self->stack, found->len > 0 ? "list" : "nothing");
}

static void
headroom_help_window_show_links (HeadroomHelpWindow *self,
                                 const HrHelpTopic  *topic)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->links))) != NULL)
    gtk_box_remove (self->links, child);

  for (guint i = 0; topic->links[i] != NULL; i++)
    {
      g_autofree char *markup = g_markup_printf_escaped ("<a href=\"%s\">%s</a>", topic->links[i], topic->links[i]);

      gtk_box_append (self->links, create_label (markup, TRUE));
    }
  gtk_widget_set_visible (GTK_WIDGET (self->links), topic->links[0] != NULL);
}

static void
headroom_help_window_show_topic (HeadroomHelpWindow *self,
                                 const HrHelpTopic  *topic)
{
  g_autofree char *title = NULL;

  self->shown = topic;
  title = topic->section == HR_HELP_SECTION_SYMBOL ? hr_formula_to_markup (topic->title)
                                                   : g_markup_escape_text (topic->title, -1);
  gtk_label_set_label (self->section, hr_help_section_get_label (topic->section));
  gtk_label_set_markup (self->title, title);
  gtk_label_set_label (self->text, topic->text);
  headroom_help_window_show_links (self, topic);
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (self->scrolled), 0);
}

/* Shows a topic, and where it stands in the list of all. */
static void
headroom_help_window_select (HeadroomHelpWindow *self,
                             const HrHelpTopic  *topic)
{
  guint i;

  gtk_editable_set_text (GTK_EDITABLE (self->entry), "");
  headroom_help_window_fill (self);
  if (g_ptr_array_find (self->topics, topic, &i))
    gtk_list_box_select_row (self->list, gtk_list_box_get_row_at_index (self->list, i));
  headroom_help_window_show_topic (self, topic);
}

static void
headroom_help_window_row_activated_cb (HeadroomHelpWindow *self,
                                       GtkListBoxRow      *row)
{
  headroom_help_window_show_topic (self, get_topic (row));
  adw_leaflet_navigate (self->leaflet, ADW_NAVIGATION_DIRECTION_FORWARD);
}

/* The best match is shown beside the list, where there is room for both. */
static void
headroom_help_window_search_changed_cb (HeadroomHelpWindow *self)
{
  GtkListBoxRow *first;

  headroom_help_window_fill (self);
  first = gtk_list_box_get_row_at_index (self->list, 0);
  if (first == NULL || *gtk_editable_get_text (GTK_EDITABLE (self->entry)) == '\0')
    return;

  gtk_list_box_select_row (self->list, first);
  headroom_help_window_show_topic (self, get_topic (first));
}

/* Return shows the best match. */
static void
headroom_help_window_search_activated_cb (HeadroomHelpWindow *self)
{
  GtkListBoxRow *first = gtk_list_box_get_row_at_index (self->list, 0);

  if (first != NULL)
    headroom_help_window_row_activated_cb (self, first);
}

static void
headroom_help_window_back_cb (HeadroomHelpWindow *self)
{
  adw_leaflet_navigate (self->leaflet, ADW_NAVIGATION_DIRECTION_BACK);
}

static void
headroom_help_window_dispose (GObject *object)
{
  HeadroomHelpWindow *self = HEADROOM_HELP_WINDOW (object);

  self->shown = NULL;
  /* The window may be disposed of before its entry, which tells of its last text. */
  if (self->list != NULL)
    gtk_list_box_set_header_func (self->list, NULL, NULL, NULL);

  G_OBJECT_CLASS (headroom_help_window_parent_class)->dispose (object);
}

static void
headroom_help_window_finalize (GObject *object)
{
  HeadroomHelpWindow *self = HEADROOM_HELP_WINDOW (object);

  g_clear_pointer (&self->topics, g_ptr_array_unref);

  G_OBJECT_CLASS (headroom_help_window_parent_class)->finalize (object);
}

static void
headroom_help_window_class_init (HeadroomHelpWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = headroom_help_window_dispose;
  object_class->finalize = headroom_help_window_finalize;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-help-window.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomHelpWindow, leaflet);
  gtk_widget_class_bind_template_child (widget_class, HeadroomHelpWindow, entry);
  gtk_widget_class_bind_template_child (widget_class, HeadroomHelpWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, HeadroomHelpWindow, list);
  gtk_widget_class_bind_template_child (widget_class, HeadroomHelpWindow, back);
  gtk_widget_class_bind_template_child (widget_class, HeadroomHelpWindow, scrolled);
  gtk_widget_class_bind_template_child (widget_class, HeadroomHelpWindow, section);
  gtk_widget_class_bind_template_child (widget_class, HeadroomHelpWindow, title);
  gtk_widget_class_bind_template_child (widget_class, HeadroomHelpWindow, text);
  gtk_widget_class_bind_template_child (widget_class, HeadroomHelpWindow, links);
  gtk_widget_class_bind_template_callback (widget_class, headroom_help_window_row_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_help_window_search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_help_window_search_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_help_window_back_cb);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
headroom_help_window_init (HeadroomHelpWindow *self)
{
  self->topics = hr_help_list_topics ();
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_window_set_icon_name (GTK_WINDOW (self), APPLICATION_ID);
  gtk_list_box_set_header_func (self->list, update_header, self, NULL);
  g_object_bind_property (self->leaflet, "folded", self->back, "visible", G_BINDING_SYNC_CREATE);

  headroom_help_window_select (self, hr_help_find (self->topics, FIRST_TOPIC));
}

/*
 * Creates a window with the help.
 */
GtkWidget *
headroom_help_window_new (void)
{
  return g_object_new (HEADROOM_TYPE_HELP_WINDOW, NULL);
}

/*
 * Shows the topic of the key @id, if there is one, and forgets what was searched for.
 */
void
headroom_help_window_show (HeadroomHelpWindow *self,
                           const char         *id)
{
  const HrHelpTopic *topic;

  g_return_if_fail (HEADROOM_IS_HELP_WINDOW (self));
  g_return_if_fail (id != NULL);

  topic = hr_help_find (self->topics, id);
  if (topic == NULL)
    return;

  headroom_help_window_select (self, topic);
  adw_leaflet_navigate (self->leaflet, ADW_NAVIGATION_DIRECTION_FORWARD);
}

/*
 * Gets the key of the topic that is shown.
 */
const char *
headroom_help_window_get_shown (HeadroomHelpWindow *self)
{
  g_return_val_if_fail (HEADROOM_IS_HELP_WINDOW (self), NULL);

  return self->shown->id;
}
