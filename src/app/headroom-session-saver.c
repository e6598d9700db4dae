/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-session-saver.h"

#include "headroom-last-session.h"
#include "headroom-session-scenario.h"
#include "headroom-settings.h"

/* Long enough for what is typed or dragged to be one write, short enough for little to be lost. */
#define DELAY_MS 1000

/*
 * HeadroomSessionSaver:
 *
 * Keeps what a session is about for the next start, a moment after each change. A session without a model has nothing
 * to keep: what was kept before stays.
 */
struct _HeadroomSessionSaver
{
  GObject parent_instance;

  HeadroomSession *session;
  GSettings *settings;
  guint source;
  gboolean has_failed;
};

enum
{
  FAILED,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomSessionSaver, headroom_session_saver, G_TYPE_OBJECT)

static guint signals[N_SIGNALS];

static gboolean
headroom_session_saver_save_cb (gpointer user_data)
{
  HeadroomSessionSaver *self = HEADROOM_SESSION_SAVER (user_data);

  self->source = 0;
  headroom_session_saver_save (self);

  return G_SOURCE_REMOVE;
}

static void
headroom_session_saver_queue (HeadroomSessionSaver *self)
{
  if (self->source == 0)
    self->source = g_timeout_add (DELAY_MS, headroom_session_saver_save_cb, self);
}

static void
headroom_session_saver_pins_changed_cb (HeadroomSessionSaver *self,
                                        guint                 position,
                                        guint                 n_removed,
                                        guint                 n_added,
                                        GListModel           *pins)
{
  for (guint i = position; i < position + n_added; i++)
    {
      g_autoptr (HeadroomPin) pin = g_list_model_get_item (pins, i);

      g_signal_connect_object (pin, "notify::label", G_CALLBACK (headroom_session_saver_queue), self,
                               G_CONNECT_SWAPPED);
    }

  headroom_session_saver_queue (self);
}

static void
headroom_session_saver_dispose (GObject *object)
{
  HeadroomSessionSaver *self = HEADROOM_SESSION_SAVER (object);

  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_object (&self->session);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (headroom_session_saver_parent_class)->dispose (object);
}

static void
headroom_session_saver_class_init (HeadroomSessionSaverClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_session_saver_dispose;

  /* failed: (message): what is worked on could not be kept; said once, for it would be the same the next time. */
  signals[FAILED] = g_signal_new ("failed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
headroom_session_saver_init (HeadroomSessionSaver *self)
{
  self->settings = headroom_settings_new ();
}

/*
 * Creates what keeps @session from now on.
 */
HeadroomSessionSaver *
headroom_session_saver_new (HeadroomSession *session)
{
  HeadroomSessionSaver *self;

  g_return_val_if_fail (HEADROOM_IS_SESSION (session), NULL);

  self = g_object_new (HEADROOM_TYPE_SESSION_SAVER, NULL);
  self->session = g_object_ref (session);

  g_signal_connect_object (session, "notify", G_CALLBACK (headroom_session_saver_queue), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (headroom_session_get_pins (session), "items-changed",
                           G_CALLBACK (headroom_session_saver_pins_changed_cb), self, G_CONNECT_SWAPPED);
  for (HrMode mode = HR_MODE_INFERENCE; mode <= HR_MODE_MULTIMODAL; mode++)
    g_signal_connect_object (headroom_session_get_job_of_mode (session, mode), "notify",
                             G_CALLBACK (headroom_session_saver_queue), self, G_CONNECT_SWAPPED);

  return self;
}

/*
 * Keeps the session now, unless the user does not want that.
 */
void
headroom_session_saver_save (HeadroomSessionSaver *self)
{
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (HEADROOM_IS_SESSION_SAVER (self));

  g_clear_handle_id (&self->source, g_source_remove);

  if (headroom_session_get_model (self->session) == NULL || !headroom_settings_get_restore_session (self->settings))
    return;

  scenario = headroom_session_create_whole_scenario (self->session);
  if (headroom_last_session_write (scenario, &error) || self->has_failed)
    return;

  self->has_failed = TRUE;
  g_signal_emit (self, signals[FAILED], 0, error->message);
}
