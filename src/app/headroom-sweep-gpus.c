/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-sweep-gpus.h"

#include <glib/gi18n.h>
#include <hr-gpu-catalogue.h>

#include "headroom-gpu-items.h"
#include "headroom-picker.h"
#include "headroom-settings.h"

/*
 * HeadroomSweepGpus:
 *
 * The GPUs whose memory is shown beside that of the configurations' own: one is added from the catalogue, and each can
 * be taken away.
 */
struct _HeadroomSweepGpus
{
  AdwBin parent_instance;

  GListStore *gpus;
  GSettings *settings;

  GtkListBox *list;
  GtkMenuButton *button;
  GtkPopover *popover;
  GtkEditable *search;
  HeadroomPicker *picker;
};

G_DEFINE_FINAL_TYPE (HeadroomSweepGpus, headroom_sweep_gpus, ADW_TYPE_BIN)

static GListModel *
headroom_sweep_gpus_search (const char *text,
                            gpointer    user_data)
{
  HeadroomSweepGpus *self = user_data;
  GListStore *items = g_list_store_new (HEADROOM_TYPE_PICKER_ITEM);

  headroom_gpu_items_append (items, hr_gpu_catalogue_get_default (), text,
                             headroom_settings_get_unit_system (self->settings));

  return G_LIST_MODEL (items);
}

static void
headroom_sweep_gpus_picked_cb (HeadroomSweepGpus  *self,
                               HeadroomPickerItem *item)
{
  GObject *gpu = headroom_picker_item_get_object (item);

  if (gpu != NULL && !g_list_store_find (self->gpus, gpu, NULL))
    g_list_store_append (self->gpus, gpu);
  gtk_popover_popdown (self->popover);
}

static void
headroom_sweep_gpus_popover_show_cb (HeadroomSweepGpus *self)
{
  gtk_editable_set_text (self->search, "");
  headroom_picker_refresh (self->picker);
  gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

static void
headroom_sweep_gpus_stop_search_cb (HeadroomSweepGpus *self)
{
  gtk_popover_popdown (self->popover);
}

static void
headroom_sweep_gpus_remove_cb (HeadroomSweepGpus *self,
                               GtkWidget         *button)
{
  GtkWidget *row = gtk_widget_get_ancestor (button, GTK_TYPE_LIST_BOX_ROW);

  /* The button goes with its row. */
  gtk_widget_grab_focus (GTK_WIDGET (self->button));
  g_list_store_remove (self->gpus, gtk_list_box_row_get_index (GTK_LIST_BOX_ROW (row)));
}

static GtkWidget *
headroom_sweep_gpus_create_row (gpointer item,
                                gpointer user_data)
{
  HeadroomSweepGpus *self = user_data;
  HrGpu *gpu = item;
  HrUnitSystem unit_system = headroom_settings_get_unit_system (self->settings);
  g_autofree char *memory = hr_format_bytes (hr_gpu_get_memory (gpu), unit_system);
  g_autofree char *text = g_strdup_printf (_("%1$s: %2$s"), hr_gpu_get_name (gpu), memory);
  /* Translators: the name of a GPU, whose memory is a line in a chart */
  g_autofree char *name = g_strdup_printf (_("Remove the line of “%s”"), hr_gpu_get_name (gpu));
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *label = gtk_label_new (text);
  GtkWidget *button = gtk_button_new_from_icon_name ("user-trash-symbolic");

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_sweep_gpus_remove_cb), self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), button);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);

  return row;
}

static void
headroom_sweep_gpus_changed_cb (HeadroomSweepGpus *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self->list), g_list_model_get_n_items (G_LIST_MODEL (self->gpus)) > 0);
}

static void
headroom_sweep_gpus_dispose (GObject *object)
{
  HeadroomSweepGpus *self = HEADROOM_SWEEP_GPUS (object);

  gtk_widget_dispose_template (GTK_WIDGET (object), HEADROOM_TYPE_SWEEP_GPUS);
  g_clear_object (&self->gpus);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (headroom_sweep_gpus_parent_class)->dispose (object);
}

static void
headroom_sweep_gpus_class_init (HeadroomSweepGpusClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = headroom_sweep_gpus_dispose;

  g_type_ensure (HEADROOM_TYPE_PICKER);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-sweep-gpus.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepGpus, list);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepGpus, button);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepGpus, popover);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepGpus, search);
  gtk_widget_class_bind_template_child (widget_class, HeadroomSweepGpus, picker);
  gtk_widget_class_bind_template_callback (widget_class, headroom_sweep_gpus_picked_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_sweep_gpus_popover_show_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_sweep_gpus_stop_search_cb);
}

static void
headroom_sweep_gpus_init (HeadroomSweepGpus *self)
{
  self->settings = headroom_settings_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  headroom_picker_set_search (self->picker, headroom_sweep_gpus_search, self);
  headroom_picker_set_entry (self->picker, self->search);
}

/*
 * headroom_sweep_gpus_set_gpus:
 * @self: a list of GPUs
 * @gpus: (element-type HrGpu): what it shows, adds to and takes from
 */
void
headroom_sweep_gpus_set_gpus (HeadroomSweepGpus *self,
                              GListStore        *gpus)
{
  g_return_if_fail (HEADROOM_IS_SWEEP_GPUS (self));
  g_return_if_fail (G_IS_LIST_STORE (gpus));

  if (self->gpus != NULL)
    g_signal_handlers_disconnect_by_func (self->gpus, headroom_sweep_gpus_changed_cb, self);
  g_set_object (&self->gpus, gpus);
  g_signal_connect_object (gpus, "items-changed", G_CALLBACK (headroom_sweep_gpus_changed_cb), self,
                           G_CONNECT_SWAPPED);
  gtk_list_box_bind_model (self->list, G_LIST_MODEL (gpus), headroom_sweep_gpus_create_row, self, NULL);
  headroom_sweep_gpus_changed_cb (self);
}
