/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-picker.h"

/* How far the Page keys go. */
#define PAGE_STEP 8

/*
 * HeadroomPicker:
 *
 * A ranked list that follows what is typed in an entry, which keeps the focus: arrows move through the list, Enter
 * picks.
 */
struct _HeadroomPicker
{
  AdwBin parent_instance;

  HeadroomPickerSearch search;
  gpointer search_data;
  GtkEditable *entry;

  GtkStack *stack;
  GtkListView *list;
  GtkSingleSelection *selection;
};

enum
{
  PICKED,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomPicker, headroom_picker, ADW_TYPE_BIN)

static guint signals[N_SIGNALS];

static void
headroom_picker_select (HeadroomPicker *self,
                        guint           position)
{
  gtk_single_selection_set_selected (self->selection, position);
  gtk_widget_activate_action (GTK_WIDGET (self->list), "list.scroll-to-item", "u", position);
}

static void
headroom_picker_move (HeadroomPicker *self,
                      int             step)
{
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  guint position = gtk_single_selection_get_selected (self->selection);

  if (n_items == 0)
    return;

  if (position == GTK_INVALID_LIST_POSITION)
    position = 0;

  headroom_picker_select (self, CLAMP ((int) position + step, 0, (int) n_items - 1));
}

static gboolean
headroom_picker_key_pressed_cb (HeadroomPicker        *self,
                                guint                  keyval,
                                guint                  keycode,
                                GdkModifierType        modifiers,
                                GtkEventControllerKey *controller)
{
  g_assert (HEADROOM_IS_PICKER (self));

  if ((modifiers & gtk_accelerator_get_default_mod_mask ()) != 0 || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return GDK_EVENT_PROPAGATE;

  switch (keyval)
    {
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
      headroom_picker_move (self, 1);
      return GDK_EVENT_STOP;

    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
      headroom_picker_move (self, -1);
      return GDK_EVENT_STOP;

    case GDK_KEY_Page_Down:
    case GDK_KEY_KP_Page_Down:
      headroom_picker_move (self, PAGE_STEP);
      return GDK_EVENT_STOP;

    case GDK_KEY_Page_Up:
    case GDK_KEY_KP_Page_Up:
      headroom_picker_move (self, -PAGE_STEP);
      return GDK_EVENT_STOP;

    default:
      return GDK_EVENT_PROPAGATE;
    }
}

static void
headroom_picker_list_activate_cb (HeadroomPicker *self,
                                  guint           position)
{
  g_autoptr (HeadroomPickerItem) item = NULL;

  g_assert (HEADROOM_IS_PICKER (self));

  item = g_list_model_get_item (G_LIST_MODEL (self->selection), position);
  if (item != NULL)
    g_signal_emit (self, signals[PICKED], 0, item);
}

static void
headroom_picker_entry_activate_cb (HeadroomPicker *self)
{
  g_assert (HEADROOM_IS_PICKER (self));

  headroom_picker_pick (self);
}

static void
headroom_picker_dispose (GObject *object)
{
  HeadroomPicker *self = HEADROOM_PICKER (object);

  /* The bin disposes of its child, the stack: disposing of the template would do so a second time. */
  g_clear_object (&self->entry);

  G_OBJECT_CLASS (headroom_picker_parent_class)->dispose (object);
}

static void
headroom_picker_class_init (HeadroomPickerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_picker_dispose;

  /* Someone picked an item, by click or by key. */
  signals[PICKED] =
    g_signal_new ("picked", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 1, HEADROOM_TYPE_PICKER_ITEM);

  g_type_ensure (HEADROOM_TYPE_PICKER_ITEM);

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/headroom/Headroom/ui/headroom-picker.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomPicker, stack);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPicker, list);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPicker, selection);
  gtk_widget_class_bind_template_callback (widget_class, headroom_picker_list_activate_cb);
}

static void
headroom_picker_init (HeadroomPicker *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
headroom_picker_new (void)
{
  return g_object_new (HEADROOM_TYPE_PICKER, NULL);
}

/*
 * Sets what finds the items. @user_data has to outlive the picker.
 */
void
headroom_picker_set_search (HeadroomPicker       *self,
                            HeadroomPickerSearch  search,
                            gpointer              user_data)
{
  g_return_if_fail (HEADROOM_IS_PICKER (self));

  self->search = search;
  self->search_data = user_data;
}

/*
 * Sets the entry whose text is searched for, and whose keys move through the list.
 */
void
headroom_picker_set_entry (HeadroomPicker *self,
                           GtkEditable    *entry)
{
  GtkEventController *keys;

  g_return_if_fail (HEADROOM_IS_PICKER (self));
  g_return_if_fail (GTK_IS_EDITABLE (entry));
  g_return_if_fail (self->entry == NULL);

  self->entry = g_object_ref (entry);
  g_signal_connect_object (entry, "changed", G_CALLBACK (headroom_picker_refresh), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (entry, "activate", G_CALLBACK (headroom_picker_entry_activate_cb), self, G_CONNECT_SWAPPED);

  /* Before the text widget inside the entry, which would take the arrows for its own. */
  keys = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (headroom_picker_key_pressed_cb), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (entry), keys);
}

/*
 * Searches again, as when the text changes.
 */
void
headroom_picker_refresh (HeadroomPicker *self)
{
  g_autoptr (GListModel) results = NULL;

  g_return_if_fail (HEADROOM_IS_PICKER (self));
  g_return_if_fail (self->search != NULL);

  results = self->search (self->entry != NULL ? gtk_editable_get_text (self->entry) : "", self->search_data);

  gtk_single_selection_set_model (self->selection, results);
  if (g_list_model_get_n_items (results) > 0)
    {
      headroom_picker_select (self, 0);
      gtk_stack_set_visible_child_name (self->stack, "list");
    }
  else
    {
      gtk_stack_set_visible_child_name (self->stack, "empty");
    }
}

/*
 * Empties the list while it is out of sight; screen readers would still find its rows.
 */
void
headroom_picker_clear (HeadroomPicker *self)
{
  g_return_if_fail (HEADROOM_IS_PICKER (self));

  gtk_single_selection_set_model (self->selection, NULL);
}

GListModel *
headroom_picker_get_results (HeadroomPicker *self)
{
  g_return_val_if_fail (HEADROOM_IS_PICKER (self), NULL);

  return gtk_single_selection_get_model (self->selection);
}

/*
 * Picks the selected item, as Enter does. Returns whether there was one.
 */
gboolean
headroom_picker_pick (HeadroomPicker *self)
{
  HeadroomPickerItem *item;

  g_return_val_if_fail (HEADROOM_IS_PICKER (self), FALSE);

  item = gtk_single_selection_get_selected_item (self->selection);
  if (item == NULL)
    return FALSE;

  g_signal_emit (self, signals[PICKED], 0, item);
  return TRUE;
}
