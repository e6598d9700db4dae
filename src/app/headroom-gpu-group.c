/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-gpu-group.h"

#include <glib/gi18n.h>
#include <hr-gpu-catalogue.h>

#include "headroom-count.h"
#include "headroom-gpu-items.h"
#include "headroom-picker.h"
#include "headroom-settings.h"

#define MAX_GPUS 1024

/*
 * HeadroomGpuGroup:
 *
 * The kind of GPU that an estimate is held against, and how many there are of it.
 */
struct _HeadroomGpuGroup
{
  AdwBin parent_instance;

  HeadroomSession *session;
  GListModel *local_gpus;
  GSettings *settings;

  AdwActionRow *kind_row;
  AdwActionRow *count_row;
  GtkMenuButton *kind;
  GtkLabel *kind_label;
  GtkPopover *popover;
  GtkEditable *search;
  HeadroomPicker *picker;
};

G_DEFINE_FINAL_TYPE (HeadroomGpuGroup, headroom_gpu_group, ADW_TYPE_BIN)

static char *
format_memory (HeadroomGpuGroup *self,
               guint64           bytes)
{
  return hr_format_bytes (bytes, headroom_settings_get_unit_system (self->settings));
}

static GListModel *
headroom_gpu_group_search (const char *text,
                           gpointer    user_data)
{
  HeadroomGpuGroup *self = HEADROOM_GPU_GROUP (user_data);
  HrUnitSystem unit_system = headroom_settings_get_unit_system (self->settings);
  g_autoptr (GListStore) items = g_list_store_new (HEADROOM_TYPE_PICKER_ITEM);

  headroom_gpu_items_append (items, self->local_gpus, text, unit_system);

  if (*text == '\0')
    {
      g_autoptr (HeadroomPickerItem) none = NULL;

      none = headroom_picker_item_new (NULL, _("No GPU"), _("Only how much memory it takes"), NULL, NULL);
      g_list_store_append (items, none);
    }

  headroom_gpu_items_append (items, hr_gpu_catalogue_get_default (), text, unit_system);

  return G_LIST_MODEL (g_steal_pointer (&items));
}

static void
headroom_gpu_group_update (HeadroomGpuGroup *self)
{
  HrGpu *gpu = headroom_session_get_gpu (self->session);
  g_autofree char *subtitle = NULL;
  g_autofree char *label = NULL;
  const char *name = gpu != NULL ? hr_gpu_get_name (gpu) : _("No GPU");

  gtk_label_set_label (self->kind_label, name);
  gtk_widget_set_sensitive (GTK_WIDGET (self->count_row), gpu != NULL);

  if (gpu != NULL)
    {
      g_autofree char *memory = format_memory (self, hr_gpu_get_memory (gpu));

      /* Translators: memory of one GPU, such as “24.0 GiB of memory each” */
      subtitle = g_strdup_printf (_("%s of memory each"), memory);
    }

  adw_action_row_set_subtitle (self->count_row, subtitle != NULL ? subtitle : "");

  /* Translators: %s is the name of a GPU */
  label = g_strdup_printf (_("GPU: %s"), name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->kind), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static void
headroom_gpu_group_picked_cb (HeadroomGpuGroup   *self,
                              HeadroomPickerItem *item)
{
  HrGpu *gpu = (HrGpu *) headroom_picker_item_get_object (item);
  const char *id = gpu != NULL ? hr_gpu_get_id (gpu) : HEADROOM_SETTINGS_NO_GPU;

  g_assert (HEADROOM_IS_GPU_GROUP (self));

  headroom_session_set_gpu (self->session, gpu);
  /* A device of this machine that the catalogue does not have will be found again. */
  g_settings_set_string (self->settings, "gpu", id != NULL ? id : "");
  gtk_popover_popdown (self->popover);
}

static void
headroom_gpu_group_count_cb (HeadroomGpuGroup *self)
{
  g_assert (HEADROOM_IS_GPU_GROUP (self));

  g_settings_set_uint (self->settings, "gpu-count", MIN (headroom_session_get_n_gpus (self->session), MAX_GPUS));
}

static void
headroom_gpu_group_popover_show_cb (HeadroomGpuGroup *self)
{
  g_assert (HEADROOM_IS_GPU_GROUP (self));

  gtk_editable_set_text (self->search, "");
  headroom_picker_refresh (self->picker);
  gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

static void
headroom_gpu_group_stop_search_cb (HeadroomGpuGroup *self)
{
  g_assert (HEADROOM_IS_GPU_GROUP (self));

  gtk_popover_popdown (self->popover);
}

static void
headroom_gpu_group_dispose (GObject *object)
{
  HeadroomGpuGroup *self = HEADROOM_GPU_GROUP (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), HEADROOM_TYPE_GPU_GROUP);
  g_clear_object (&self->session);
  g_clear_object (&self->local_gpus);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (headroom_gpu_group_parent_class)->dispose (object);
}

static void
headroom_gpu_group_class_init (HeadroomGpuGroupClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_gpu_group_dispose;

  g_type_ensure (HEADROOM_TYPE_PICKER);

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/headroom/Headroom/ui/headroom-gpu-group.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomGpuGroup, kind_row);
  gtk_widget_class_bind_template_child (widget_class, HeadroomGpuGroup, count_row);
  gtk_widget_class_bind_template_child (widget_class, HeadroomGpuGroup, kind);
  gtk_widget_class_bind_template_child (widget_class, HeadroomGpuGroup, kind_label);
  gtk_widget_class_bind_template_child (widget_class, HeadroomGpuGroup, popover);
  gtk_widget_class_bind_template_child (widget_class, HeadroomGpuGroup, search);
  gtk_widget_class_bind_template_child (widget_class, HeadroomGpuGroup, picker);
  gtk_widget_class_bind_template_callback (widget_class, headroom_gpu_group_picked_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_gpu_group_popover_show_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_gpu_group_stop_search_cb);
}

static void
headroom_gpu_group_init (HeadroomGpuGroup *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  self->settings = headroom_settings_new ();
  headroom_picker_set_search (self->picker, headroom_gpu_group_search, self);
  headroom_picker_set_entry (self->picker, self->search);
}

/*
 * Shows the GPUs of @session, and offers @local_gpus, those of this machine, before all others.
 */
void
headroom_gpu_group_set_session (HeadroomGpuGroup *self,
                                HeadroomSession  *session,
                                GListModel       *local_gpus)
{
  GtkWidget *spin;

  g_return_if_fail (HEADROOM_IS_GPU_GROUP (self));
  g_return_if_fail (HEADROOM_IS_SESSION (session));
  g_return_if_fail (G_IS_LIST_MODEL (local_gpus));
  g_return_if_fail (self->session == NULL);

  self->session = g_object_ref (session);
  self->local_gpus = g_object_ref (local_gpus);

  spin = headroom_count_spin_new (1, MAX_GPUS, 1);
  adw_action_row_add_suffix (self->count_row, spin);
  adw_action_row_set_activatable_widget (self->count_row, spin);
  g_object_bind_property (session, "n-gpus", gtk_spin_button_get_adjustment (GTK_SPIN_BUTTON (spin)), "value",
                          G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);

  g_signal_connect_object (session, "notify::n-gpus", G_CALLBACK (headroom_gpu_group_count_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::gpu", G_CALLBACK (headroom_gpu_group_update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->settings, "changed::unit-system", G_CALLBACK (headroom_gpu_group_update), self,
                           G_CONNECT_SWAPPED);
  headroom_gpu_group_update (self);
}

/*
 * Opens the list of GPUs.
 */
void
headroom_gpu_group_choose (HeadroomGpuGroup *self)
{
  g_return_if_fail (HEADROOM_IS_GPU_GROUP (self));

  gtk_menu_button_popup (self->kind);
}
