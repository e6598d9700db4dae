/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-opener.h"

/*
 * HeadroomOpener:
 *
 * Reads models and scenarios in threads: they may lie on a slow disk or on the network. An open that is under way when
 * another begins is cancelled.
 */
struct _HeadroomOpener
{
  GObject parent_instance;

  GCancellable *opening;
};

G_DEFINE_FINAL_TYPE (HeadroomOpener, headroom_opener, G_TYPE_OBJECT)

static void
open_thread (GTask        *task,
             gpointer      source_object,
             gpointer      task_data,
             GCancellable *cancellable)
{
  GError *error = NULL;
  HeadroomOpened *opened = headroom_opened_new_from_file (task_data, &error);

  if (opened != NULL)
    g_task_return_pointer (task, opened, (GDestroyNotify) headroom_opened_free);
  else
    g_task_return_error (task, error);
}

static void
restore_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  g_task_return_pointer (task, headroom_opened_new_from_scenario (task_data), (GDestroyNotify) headroom_opened_free);
}

/* A command, and the model that is open, if any is. */
typedef struct
{
  char *text;
  HrModel *model;
} CommandRequest;

static void
command_request_free (gpointer data)
{
  CommandRequest *self = data;

  g_clear_object (&self->model);
  g_free (self->text);
  g_free (self);
}

static void
command_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  CommandRequest *request = task_data;
  GError *error = NULL;
  HeadroomOpened *opened = headroom_opened_new_from_command (request->text, request->model, &error);

  if (opened != NULL)
    g_task_return_pointer (task, opened, (GDestroyNotify) headroom_opened_free);
  else
    g_task_return_error (task, error);
}

/* Takes @what over. */
static void
headroom_opener_run (HeadroomOpener      *self,
                     gpointer             source_object,
                     GTaskThreadFunc      thread,
                     gpointer             what,
                     GDestroyNotify       free_what,
                     gpointer             source_tag,
                     GAsyncReadyCallback  callback,
                     gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;

  headroom_opener_cancel (self);
  g_clear_object (&self->opening);
  self->opening = g_cancellable_new ();

  task = g_task_new (source_object, self->opening, callback, user_data);
  g_task_set_source_tag (task, source_tag);
  g_task_set_task_data (task, what, free_what);
  g_task_run_in_thread (task, thread);
}

static void
headroom_opener_dispose (GObject *object)
{
  HeadroomOpener *self = HEADROOM_OPENER (object);

  headroom_opener_cancel (self);
  g_clear_object (&self->opening);

  G_OBJECT_CLASS (headroom_opener_parent_class)->dispose (object);
}

static void
headroom_opener_class_init (HeadroomOpenerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_opener_dispose;
}

static void
headroom_opener_init (HeadroomOpener *self)
{
}

HeadroomOpener *
headroom_opener_new (void)
{
  return g_object_new (HEADROOM_TYPE_OPENER, NULL);
}

/*
 * Cancels what is under way, if anything is.
 */
void
headroom_opener_cancel (HeadroomOpener *self)
{
  g_return_if_fail (HEADROOM_IS_OPENER (self));

  g_cancellable_cancel (self->opening);
}

/*
 * Reads a model or a scenario from @file. @callback gets @source_object, which lives until then.
 */
void
headroom_opener_open_async (HeadroomOpener      *self,
                            gpointer             source_object,
                            GFile               *file,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  g_return_if_fail (HEADROOM_IS_OPENER (self));
  g_return_if_fail (G_IS_FILE (file));

  headroom_opener_run (self, source_object, open_thread, g_object_ref (file), g_object_unref,
                       headroom_opener_open_async, callback, user_data);
}

/*
 * Reads what @scenario names, which somebody was working on the last time; what cannot be had any more is left out.
 * @callback gets @source_object, which lives until then.
 */
void
headroom_opener_restore_async (HeadroomOpener      *self,
                               gpointer             source_object,
                               HrScenario          *scenario,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  g_return_if_fail (HEADROOM_IS_OPENER (self));
  g_return_if_fail (HR_IS_SCENARIO (scenario));

  headroom_opener_run (self, source_object, restore_thread, g_object_ref (scenario), g_object_unref,
                       headroom_opener_restore_async, callback, user_data);
}

/*
 * Reads the command that a server is started with; @model is the one that is open, or NULL. @callback gets
 * @source_object, which lives until then.
 */
void
headroom_opener_read_command_async (HeadroomOpener      *self,
                                    gpointer             source_object,
                                    const char          *text,
                                    HrModel             *model,
                                    GAsyncReadyCallback  callback,
                                    gpointer             user_data)
{
  CommandRequest *request;

  g_return_if_fail (HEADROOM_IS_OPENER (self));
  g_return_if_fail (text != NULL);
  g_return_if_fail (model == NULL || HR_IS_MODEL (model));

  request = g_new (CommandRequest, 1);
  *request = (CommandRequest) { .text = g_strdup (text) };
  g_set_object (&request->model, model);
  headroom_opener_run (self, source_object, command_thread, request, command_request_free,
                       headroom_opener_read_command_async, callback, user_data);
}

/*
 * Finishes any of them.
 *
 * @is_last: (out): whether it is what somebody was working on the last time
 */
HeadroomOpened *
headroom_opener_finish (GAsyncResult  *result,
                        gboolean      *is_last,
                        GError       **error)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);

  *is_last = g_task_get_source_tag (G_TASK (result)) == headroom_opener_restore_async;

  return g_task_propagate_pointer (G_TASK (result), error);
}
