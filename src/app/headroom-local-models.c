/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-local-models.h"

#include <hr-local-models.h>

/*
 * HeadroomLocalModels:
 *
 * The models that were downloaded to this computer. A cache may lie on a slow disk: it is read in a thread, and what is
 * known by then is listed meanwhile.
 */
struct _HeadroomLocalModels
{
  GObject parent_instance;

  GPtrArray *models;      /* of HrLocalModel */
  gboolean scanning;
};

enum
{
  CHANGED,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomLocalModels, headroom_local_models, G_TYPE_OBJECT)

static guint signals[N_SIGNALS];

static void
headroom_local_models_finalize (GObject *object)
{
  g_ptr_array_unref (HEADROOM_LOCAL_MODELS (object)->models);

  G_OBJECT_CLASS (headroom_local_models_parent_class)->finalize (object);
}

static void
headroom_local_models_class_init (HeadroomLocalModelsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = headroom_local_models_finalize;

  /* There are others than before. */
  signals[CHANGED] =
    g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
headroom_local_models_init (HeadroomLocalModels *self)
{
  self->models = g_ptr_array_new ();
}

/*
 * Gets the one that all windows share.
 */
HeadroomLocalModels *
headroom_local_models_get_default (void)
{
  static HeadroomLocalModels *local_models;

  if (local_models == NULL)
    local_models = g_object_new (HEADROOM_TYPE_LOCAL_MODELS, NULL);

  return local_models;
}

static void
scan_thread (GTask        *task,
             gpointer      source_object,
             gpointer      task_data,
             GCancellable *cancellable)
{
  g_task_return_pointer (task, hr_local_models_list (), (GDestroyNotify) g_ptr_array_unref);
}

static gboolean
are_alike (GPtrArray *a,
           GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;

  for (guint i = 0; i < a->len; i++)
    {
      const HrLocalModel *first = g_ptr_array_index (a, i);
      const HrLocalModel *second = g_ptr_array_index (b, i);

      if (!g_str_equal (first->id, second->id) || !g_file_equal (first->folder, second->folder))
        return FALSE;
    }

  return TRUE;
}

static void
headroom_local_models_scanned_cb (GObject      *source_object,
                                  GAsyncResult *result,
                                  gpointer      user_data)
{
  HeadroomLocalModels *self = HEADROOM_LOCAL_MODELS (source_object);
  g_autoptr (GPtrArray) models = g_task_propagate_pointer (G_TASK (result), NULL);

  self->scanning = FALSE;
  if (models == NULL || are_alike (models, self->models))
    return;

  g_ptr_array_unref (self->models);
  self->models = g_steal_pointer (&models);
  g_signal_emit (self, signals[CHANGED], 0);
}

/*
 * Looks for models again, unless it is being done.
 */
void
headroom_local_models_scan (HeadroomLocalModels *self)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (HEADROOM_IS_LOCAL_MODELS (self));

  if (self->scanning)
    return;

  self->scanning = TRUE;
  task = g_task_new (self, NULL, headroom_local_models_scanned_cb, NULL);
  g_task_set_source_tag (task, headroom_local_models_scan);
  g_task_run_in_thread (task, scan_thread);
}

/*
 * Gets the HrLocalModel that were found the last time.
 */
GPtrArray *
headroom_local_models_list (HeadroomLocalModels *self)
{
  g_return_val_if_fail (HEADROOM_IS_LOCAL_MODELS (self), NULL);

  return self->models;
}
