/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-precision-window.h"

#include <glib/gi18n.h>
#include <hr-number-format.h>
#include <hr-number-text.h>

#include "headroom-anatomy-list.h"
#include "headroom-columns.h"
#include "headroom-number-card.h"
#include "headroom-settings.h"

#define N_CARDS 2

/*
 * HeadroomPrecisionWindow:
 *
 * The formats of numbers to play with: a number in two formats side by side, and a table of all of them with what the
 * weights of the session's model take in each.
 */
struct _HeadroomPrecisionWindow
{
  AdwWindow parent_instance;

  HeadroomSession *session;
  GSettings *settings;

  AdwViewStack *stack;
  GtkEditable *entry;
  GtkLabel *error;
  HeadroomNumberCard *first;
  HeadroomNumberCard *second;
  HeadroomAnatomyList *formats;
  gboolean is_updating;
};

G_DEFINE_FINAL_TYPE (HeadroomPrecisionWindow, headroom_precision_window, ADW_TYPE_WINDOW)

/* What is typed for a number that the exact one leads to: as few digits as tell doubles apart. */
static char *
dup_entry_text (const char *exact)
{
  const HrNumberFormat *format = hr_number_format_find ("fp64");
  guint64 pattern;

  if (!hr_number_format_parse (format, exact, &pattern))
    return g_strdup (exact);

  return hr_number_format_dup_shortest (format, pattern);
}

static void
headroom_precision_window_set_error (HeadroomPrecisionWindow *self,
                                     const char              *text)
{
  gtk_label_set_label (self->error, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (self->error), text != NULL);
  if (text != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self->entry), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->entry), "error");
}

static void
headroom_precision_window_entry_cb (HeadroomPrecisionWindow *self)
{
  const char *text = gtk_editable_get_text (self->entry);
  g_autofree char *message = NULL;
  guint64 pattern;

  if (self->is_updating)
    return;

  if (!hr_number_format_parse (hr_number_format_find ("fp64"), text, &pattern))
    {
      /* Translators: %s is what was typed */
      message = g_strdup_printf (_("“%s” is not a number: expected something like 0.1, -3, 1e-8, 0x1.8p3, inf or nan"),
                                 text);
      headroom_precision_window_set_error (self, message);
      return;
    }

  headroom_precision_window_set_error (self, NULL);
  headroom_number_card_set_text (self->first, text);
  headroom_number_card_set_text (self->second, text);
}

/* The user has changed bits of one of the two: the other follows. */
static void
headroom_precision_window_card_cb (HeadroomPrecisionWindow *self,
                                   HeadroomNumberCard      *card)
{
  g_autofree char *exact = headroom_number_card_dup_text (card);
  g_autofree char *text = dup_entry_text (exact);

  headroom_number_card_set_text (card == self->first ? self->second : self->first, exact);
  self->is_updating = TRUE;
  gtk_editable_set_text (self->entry, text);
  self->is_updating = FALSE;
  headroom_precision_window_set_error (self, NULL);
}

static void
headroom_precision_window_update (HeadroomPrecisionWindow *self)
{
  HrModel *model = headroom_session_get_model (self->session);
  HrUnitSystem unit_system = headroom_settings_get_unit_system (self->settings);
  g_autoptr (HrAnatomyTable) table = hr_number_format_tabulate (model);

  headroom_number_card_set_model (self->first, model, unit_system);
  headroom_number_card_set_model (self->second, model, unit_system);
  headroom_anatomy_list_show (self->formats, &table, 1, unit_system);
}

static void
headroom_precision_window_show_page_action (GtkWidget  *widget,
                                            const char *action_name,
                                            GVariant   *parameter)
{
  headroom_precision_window_show_page (HEADROOM_PRECISION_WINDOW (widget), g_variant_get_string (parameter, NULL));
}

/* Not earlier: what has the focus before the window is there has no parent for a screen reader (GTK 4.8). */
static void
headroom_precision_window_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (headroom_precision_window_parent_class)->map (widget);

  gtk_widget_grab_focus (GTK_WIDGET (HEADROOM_PRECISION_WINDOW (widget)->entry));
}

static void
headroom_precision_window_dispose (GObject *object)
{
  HeadroomPrecisionWindow *self = HEADROOM_PRECISION_WINDOW (object);

  g_clear_object (&self->session);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (headroom_precision_window_parent_class)->dispose (object);
}

static void
headroom_precision_window_class_init (HeadroomPrecisionWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = headroom_precision_window_dispose;
  widget_class->map = headroom_precision_window_map;

  g_type_ensure (HEADROOM_TYPE_ANATOMY_LIST);
  g_type_ensure (HEADROOM_TYPE_COLUMNS);
  g_type_ensure (HEADROOM_TYPE_NUMBER_CARD);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-precision-window.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomPrecisionWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPrecisionWindow, entry);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPrecisionWindow, error);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPrecisionWindow, first);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPrecisionWindow, second);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPrecisionWindow, formats);
  gtk_widget_class_bind_template_callback (widget_class, headroom_precision_window_card_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_precision_window_entry_cb);

  gtk_widget_class_install_action (widget_class, "precision.show-page", "s",
                                   headroom_precision_window_show_page_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_1, GDK_ALT_MASK, "precision.show-page", "s", "number");
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_2, GDK_ALT_MASK, "precision.show-page", "s", "formats");
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
headroom_precision_window_init (HeadroomPrecisionWindow *self)
{
  self->settings = headroom_settings_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_window_set_icon_name (GTK_WINDOW (self), APPLICATION_ID);
  headroom_number_card_set_format (self->first, hr_number_format_find ("bf16"));
  headroom_number_card_set_format (self->second, hr_number_format_find ("fp16"));
  headroom_precision_window_set_text (self, "0.1");
}

GtkWidget *
headroom_precision_window_new (HeadroomSession *session)
{
  HeadroomPrecisionWindow *self;

  g_return_val_if_fail (HEADROOM_IS_SESSION (session), NULL);

  self = g_object_new (HEADROOM_TYPE_PRECISION_WINDOW, NULL);
  self->session = g_object_ref (session);
  g_signal_connect_object (session, "notify::model", G_CALLBACK (headroom_precision_window_update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->settings, "changed::unit-system", G_CALLBACK (headroom_precision_window_update), self,
                           G_CONNECT_SWAPPED);
  headroom_precision_window_update (self);

  return GTK_WIDGET (self);
}

/*
 * Puts the user where they were in @old, which is about to go.
 */
void
headroom_precision_window_take_view (HeadroomPrecisionWindow *self,
                                     HeadroomPrecisionWindow *old)
{
  g_return_if_fail (HEADROOM_IS_PRECISION_WINDOW (self));
  g_return_if_fail (HEADROOM_IS_PRECISION_WINDOW (old));

  headroom_precision_window_show_page (self, adw_view_stack_get_visible_child_name (old->stack));
  headroom_number_card_set_format (self->first, headroom_number_card_get_format (old->first));
  headroom_number_card_set_format (self->second, headroom_number_card_get_format (old->second));
  headroom_precision_window_set_text (self, gtk_editable_get_text (old->entry));
}

/*
 * Goes to a page: “number” or “formats”.
 */
void
headroom_precision_window_show_page (HeadroomPrecisionWindow *self,
                                     const char              *name)
{
  g_return_if_fail (HEADROOM_IS_PRECISION_WINDOW (self));
  g_return_if_fail (name != NULL);

  adw_view_stack_set_visible_child_name (self->stack, name);
}

/*
 * Types a number.
 */
void
headroom_precision_window_set_text (HeadroomPrecisionWindow *self,
                                    const char              *text)
{
  g_return_if_fail (HEADROOM_IS_PRECISION_WINDOW (self));
  g_return_if_fail (text != NULL);

  gtk_editable_set_text (self->entry, text);
}
