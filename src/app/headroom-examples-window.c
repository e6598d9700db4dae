/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-examples-window.h"

#include <glib/gi18n.h>
#include <hr-article.h>
#include <hr-labels.h>

#include "headroom-figure-row.h"
#include "headroom-settings.h"

/*
 * HeadroomExamplesWindow:
 *
 * The figures of widely read articles, by article and section: who has read them finds every number again, sees what it
 * really is, and can open the examples as jobs.
 */
struct _HeadroomExamplesWindow
{
  AdwWindow parent_instance;

  HeadroomSession *session;
  GSettings *settings;
  GPtrArray *figures;

  AdwToastOverlay *toasts;
  AdwPreferencesPage *page;
};

G_DEFINE_FINAL_TYPE (HeadroomExamplesWindow, headroom_examples_window, ADW_TYPE_WINDOW)

/* The figures of a section, from @first on; they are shown when the user looks at them. */
typedef struct
{
  HeadroomExamplesWindow *window;
  guint first;
  guint n_figures;
  gboolean is_filled;
} Section;

static void
section_expanded_cb (AdwExpanderRow *row,
                     GParamSpec     *pspec,
                     Section        *section)
{
  HrUnitSystem unit_system = headroom_settings_get_unit_system (section->window->settings);

  if (section->is_filled || !adw_expander_row_get_expanded (row))
    return;

  section->is_filled = TRUE;
  for (guint i = 0; i < section->n_figures; i++)
    adw_expander_row_add_row (row, headroom_figure_row_new (g_ptr_array_index (section->window->figures,
                                                                               section->first + i),
                                                            unit_system));
}

static void
headroom_examples_window_open_cb (HeadroomExamplesWindow *self,
                                  GtkWidget              *button)
{
  const HrArticleExample *example = g_object_get_data (G_OBJECT (button), "example");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJob) job = hr_article_example_create_job (example, &error);

  if (job == NULL || !headroom_session_choose_job (self->session, example->model, job, &error))
    {
      adw_toast_overlay_add_toast (self->toasts, adw_toast_new (error->message));
      return;
    }

  gtk_window_close (GTK_WINDOW (self));
}

static void
headroom_examples_window_add_button (HeadroomExamplesWindow *self,
                                     AdwExpanderRow         *row,
                                     const HrArticleExample *example)
{
  GtkWidget *button = gtk_button_new_with_label (_("Open"));
  g_autofree char *label = g_strdup_printf (_("Open “%s”"), hr_text_translate (example->title));

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, _("Estimate the memory of this example"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, label, -1);
  g_object_set_data (G_OBJECT (button), "example", (gpointer) example);
  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_examples_window_open_cb), self, G_CONNECT_SWAPPED);
  adw_expander_row_add_action (row, button);
}

static GtkWidget *
headroom_examples_window_create_section (HeadroomExamplesWindow *self,
                                         guint                   first,
                                         guint                   n_figures)
{
  const HrArticleFigure *figure = g_ptr_array_index (self->figures, first);
  const HrArticleExample *example = hr_article_find_example (figure);
  GtkWidget *row = adw_expander_row_new ();
  Section *section = g_new0 (Section, 1);

  section->window = self;
  section->first = first;
  section->n_figures = n_figures;
  g_object_set_data_full (G_OBJECT (row), "section", section, g_free);
  g_signal_connect (row, "notify::expanded", G_CALLBACK (section_expanded_cb), section);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  /* Before libadwaita 1.3 there is no room for more than one line. */
  gtk_widget_set_tooltip_text (row, figure->section);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row),
                                 example != NULL ? hr_text_translate (example->title) : figure->section);
  if (example != NULL)
    {
      adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (row), figure->section);
      headroom_examples_window_add_button (self, ADW_EXPANDER_ROW (row), example);
    }

  return row;
}

static gboolean
is_same_section (const HrArticleFigure *a,
                 const HrArticleFigure *b)
{
  const HrArticleExample *example = hr_article_find_example (a);

  return g_strcmp0 (a->article, b->article) == 0 &&
         (example != NULL ? example == hr_article_find_example (b) : g_strcmp0 (a->section, b->section) == 0);
}

/* Figures of an article, and of a section in it, follow each other. */
static void
headroom_examples_window_fill (HeadroomExamplesWindow *self)
{
  AdwPreferencesGroup *group = NULL;
  const char *article = NULL;
  guint i = 0;

  while (i < self->figures->len)
    {
      const HrArticleFigure *figure = g_ptr_array_index (self->figures, i);
      guint n_figures = 1;

      if (figure->article == NULL)
        {
          i++;
          continue;
        }

      while (i + n_figures < self->figures->len &&
             is_same_section (figure, g_ptr_array_index (self->figures, i + n_figures)))
        n_figures++;

      if (g_strcmp0 (article, figure->article) != 0)
        {
          article = figure->article;
          group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
          adw_preferences_group_set_title (group, article);
          adw_preferences_page_add (self->page, group);
        }

      adw_preferences_group_add (group, headroom_examples_window_create_section (self, i, n_figures));
      i += n_figures;
    }
}

static void
headroom_examples_window_dispose (GObject *object)
{
  HeadroomExamplesWindow *self = HEADROOM_EXAMPLES_WINDOW (object);

  g_clear_object (&self->session);
  g_clear_object (&self->settings);
  g_clear_pointer (&self->figures, g_ptr_array_unref);

  G_OBJECT_CLASS (headroom_examples_window_parent_class)->dispose (object);
}

static void
headroom_examples_window_class_init (HeadroomExamplesWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = headroom_examples_window_dispose;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-examples-window.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomExamplesWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExamplesWindow, page);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
headroom_examples_window_init (HeadroomExamplesWindow *self)
{
  g_autoptr (GError) error = NULL;

  self->settings = headroom_settings_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_window_set_icon_name (GTK_WINDOW (self), APPLICATION_ID);

  self->figures = hr_article_list_figures (&error);
  if (self->figures == NULL)
    g_warning ("The figures of articles cannot be read: %s", error->message);
  else
    headroom_examples_window_fill (self);
}

/*
 * Creates a window of the examples that opens them in @session.
 */
GtkWidget *
headroom_examples_window_new (HeadroomSession *session)
{
  HeadroomExamplesWindow *self;

  g_return_val_if_fail (HEADROOM_IS_SESSION (session), NULL);

  self = g_object_new (HEADROOM_TYPE_EXAMPLES_WINDOW, NULL);
  self->session = g_object_ref (session);

  return GTK_WIDGET (self);
}
