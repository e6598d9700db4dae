/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-usage-view.h"

#include <hr-gpu-usage.h>

#include "hr-gpu-usage-text.h"

/* How long until the driver is asked again, in milliseconds. */
#define INTERVAL 2000

/*
 * HeadroomUsageView:
 *
 * Whether a job fits into what is free now of a GPU of this machine, and who uses the rest. The driver is asked again
 * and again, as long as there is such a GPU and it can be seen.
 */
struct _HeadroomUsageView
{
  AdwBin parent_instance;

  GtkWidget *box;
  GtkImage *icon;
  GtkLabel *verdict;
  GtkLabel *processes;
  HrGpu *gpu;
  guint n_gpus;
  guint64 bytes;
  HrUnitSystem unit_system;
  GPtrArray *usages;
  GCancellable *reading;
  guint timeout;
};

G_DEFINE_FINAL_TYPE (HeadroomUsageView, headroom_usage_view, ADW_TYPE_BIN)

static void
headroom_usage_view_update (HeadroomUsageView *self)
{
  g_autofree char *verdict = NULL;
  g_autofree char *processes = NULL;
  gboolean fits;

  gtk_widget_set_visible (self->box, self->usages != NULL);
  if (self->usages == NULL)
    return;

  verdict = hr_gpu_usage_dup_verdict (self->usages, self->n_gpus, self->bytes, self->unit_system);
  processes = hr_gpu_usage_dup_processes (self->usages, self->n_gpus, self->unit_system);
  fits = hr_gpu_usage_get_verdict (self->usages, self->n_gpus, self->bytes) == HR_GPU_USAGE_FITS;
  gtk_image_set_from_icon_name (self->icon, fits ? "emblem-ok-symbolic" : "dialog-warning-symbolic");
  gtk_label_set_label (self->verdict, verdict);
  gtk_label_set_label (self->processes, processes != NULL ? processes : "");
  gtk_widget_set_visible (GTK_WIDGET (self->processes), processes != NULL);
}

static void headroom_usage_view_read (HeadroomUsageView *self);

static gboolean
timeout_cb (gpointer user_data)
{
  HeadroomUsageView *self = user_data;

  self->timeout = 0;
  headroom_usage_view_read (self);

  return G_SOURCE_REMOVE;
}

static void
usage_read_cb (GObject      *source_object,
               GAsyncResult *result,
               gpointer      user_data)
{
  g_autoptr (HeadroomUsageView) self = user_data;
  g_autoptr (GError) error = NULL;
  GPtrArray *usages = hr_gpu_usage_read_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  g_clear_pointer (&self->usages, g_ptr_array_unref);
  self->usages = usages;
  headroom_usage_view_update (self);
  if (usages != NULL)
    self->timeout = g_timeout_add (INTERVAL, timeout_cb, self);
}

static void
headroom_usage_view_stop (HeadroomUsageView *self)
{
  g_cancellable_cancel (self->reading);
  g_clear_object (&self->reading);
  g_clear_handle_id (&self->timeout, g_source_remove);
}

static void
headroom_usage_view_read (HeadroomUsageView *self)
{
  headroom_usage_view_stop (self);
  if (self->gpu == NULL || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;

  self->reading = g_cancellable_new ();
  hr_gpu_usage_read_async (self->gpu, self->reading, usage_read_cb, g_object_ref (self));
}

static void
headroom_usage_view_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (headroom_usage_view_parent_class)->map (widget);
  headroom_usage_view_read (HEADROOM_USAGE_VIEW (widget));
}

static void
headroom_usage_view_unmap (GtkWidget *widget)
{
  headroom_usage_view_stop (HEADROOM_USAGE_VIEW (widget));
  GTK_WIDGET_CLASS (headroom_usage_view_parent_class)->unmap (widget);
}

static void
headroom_usage_view_dispose (GObject *object)
{
  HeadroomUsageView *self = HEADROOM_USAGE_VIEW (object);

  headroom_usage_view_stop (self);
  g_clear_object (&self->gpu);
  g_clear_pointer (&self->usages, g_ptr_array_unref);

  G_OBJECT_CLASS (headroom_usage_view_parent_class)->dispose (object);
}

static void
headroom_usage_view_class_init (HeadroomUsageViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_usage_view_dispose;
  widget_class->map = headroom_usage_view_map;
  widget_class->unmap = headroom_usage_view_unmap;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-usage-view.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomUsageView, box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomUsageView, icon);
  gtk_widget_class_bind_template_child (widget_class, HeadroomUsageView, verdict);
  gtk_widget_class_bind_template_child (widget_class, HeadroomUsageView, processes);
}

static void
headroom_usage_view_init (HeadroomUsageView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/*
 * Shows whether what takes @bytes of the fullest of @n_gpus fits into what is free now of those like @gpu in this
 * machine; nothing if it has none.
 */
void
headroom_usage_view_show (HeadroomUsageView *self,
                          HrGpu             *gpu,
                          guint              n_gpus,
                          guint64            bytes,
                          HrUnitSystem       unit_system)
{
  gboolean is_other;

  g_return_if_fail (HEADROOM_IS_USAGE_VIEW (self));
  g_return_if_fail (gpu == NULL || HR_IS_GPU (gpu));

  is_other = g_set_object (&self->gpu, gpu);
  self->n_gpus = n_gpus;
  self->bytes = bytes;
  self->unit_system = unit_system;
  if (is_other)
    {
      g_clear_pointer (&self->usages, g_ptr_array_unref);
      headroom_usage_view_read (self);
    }
  headroom_usage_view_update (self);
}
