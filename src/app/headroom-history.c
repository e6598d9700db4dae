/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-history.h"

/* Changes of the same setting that follow each other within this time are one step: holding a spin button's plus. */
#define MERGE_TIME (G_USEC_PER_SEC)

/* Older steps are forgotten. */
#define MAX_STATES 200

/*
 * The states that a window went through. `position` is the index of the one that is shown.
 */
struct _HeadroomHistory
{
  GObject parent_instance;

  GPtrArray *states;
  guint position;
  const char *last_what;
  gint64 last_time;
};

enum
{
  PROP_0,
  PROP_CAN_UNDO,
  PROP_CAN_REDO,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomHistory, headroom_history, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
headroom_history_notify_changes (HeadroomHistory *self,
                                 gboolean         could_undo,
                                 gboolean         could_redo)
{
  if (could_undo != headroom_history_can_undo (self))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CAN_UNDO]);

  if (could_redo != headroom_history_can_redo (self))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CAN_REDO]);
}

static const HeadroomState *
headroom_history_move (HeadroomHistory *self,
                       int              step)
{
  gboolean could_undo = headroom_history_can_undo (self);
  gboolean could_redo = headroom_history_can_redo (self);

  if (step < 0 ? !could_undo : !could_redo)
    return NULL;

  self->position += step;
  self->last_what = NULL;
  headroom_history_notify_changes (self, could_undo, could_redo);

  return g_ptr_array_index (self->states, self->position);
}

static void
headroom_history_finalize (GObject *object)
{
  HeadroomHistory *self = HEADROOM_HISTORY (object);

  g_clear_pointer (&self->states, g_ptr_array_unref);

  G_OBJECT_CLASS (headroom_history_parent_class)->finalize (object);
}

static void
headroom_history_get_property (GObject    *object,
                               guint       prop_id,
                               GValue     *value,
                               GParamSpec *pspec)
{
  HeadroomHistory *self = HEADROOM_HISTORY (object);

  switch (prop_id)
    {
    case PROP_CAN_UNDO:
      g_value_set_boolean (value, headroom_history_can_undo (self));
      break;

    case PROP_CAN_REDO:
      g_value_set_boolean (value, headroom_history_can_redo (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_history_class_init (HeadroomHistoryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = headroom_history_finalize;
  object_class->get_property = headroom_history_get_property;

  properties[PROP_CAN_UNDO] =
    g_param_spec_boolean ("can-undo", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_CAN_REDO] =
    g_param_spec_boolean ("can-redo", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
headroom_history_init (HeadroomHistory *self)
{
  self->states = g_ptr_array_new_with_free_func ((GDestroyNotify) headroom_state_free);
}

HeadroomHistory *
headroom_history_new (void)
{
  return g_object_new (HEADROOM_TYPE_HISTORY, NULL);
}

/*
 * Forgets every state.
 */
void
headroom_history_clear (HeadroomHistory *self)
{
  gboolean could_undo;
  gboolean could_redo;

  g_return_if_fail (HEADROOM_IS_HISTORY (self));

  could_undo = headroom_history_can_undo (self);
  could_redo = headroom_history_can_redo (self);

  g_ptr_array_set_size (self->states, 0);
  self->position = 0;
  self->last_what = NULL;

  headroom_history_notify_changes (self, could_undo, could_redo);
}

/*
 * Adds @state, which the history owns from here on, as the latest; what could be redone is forgotten.
 *
 * @what names the setting that changed, as an interned string, @time is when, in microseconds: a change of the same
 * setting that follows quickly replaces the state before it.
 */
void
headroom_history_record (HeadroomHistory *self,
                         HeadroomState   *state,
                         const char      *what,
                         gint64           time)
{
  gboolean could_undo;
  gboolean could_redo;

  g_return_if_fail (HEADROOM_IS_HISTORY (self));
  g_return_if_fail (state != NULL);

  if (self->states->len > 0 &&
      headroom_state_equal (g_ptr_array_index (self->states, self->position), state))
    {
      headroom_state_free (state);
      return;
    }

  could_undo = headroom_history_can_undo (self);
  could_redo = headroom_history_can_redo (self);

  if (self->states->len > 0)
    g_ptr_array_set_size (self->states, self->position + 1);

  if (self->position > 0 && what != NULL && what == self->last_what && time - self->last_time < MERGE_TIME)
    g_ptr_array_set_size (self->states, self->position);

  if (self->states->len == MAX_STATES)
    g_ptr_array_remove_index (self->states, 0);

  g_ptr_array_add (self->states, state);
  self->position = self->states->len - 1;
  self->last_what = what;
  self->last_time = time;

  headroom_history_notify_changes (self, could_undo, could_redo);
}

/*
 * Steps back, and returns the state to show, or NULL where there is none.
 */
const HeadroomState *
headroom_history_undo (HeadroomHistory *self)
{
  g_return_val_if_fail (HEADROOM_IS_HISTORY (self), NULL);

  return headroom_history_move (self, -1);
}

/*
 * Takes a step back back, and returns the state to show, or NULL where there is none.
 */
const HeadroomState *
headroom_history_redo (HeadroomHistory *self)
{
  g_return_val_if_fail (HEADROOM_IS_HISTORY (self), NULL);

  return headroom_history_move (self, 1);
}

/*
 * Puts @new_model in place of @old_model in every state: the same model, read again in another language.
 */
void
headroom_history_replace_model (HeadroomHistory *self,
                                HrModel         *old_model,
                                HrModel         *new_model)
{
  g_return_if_fail (HEADROOM_IS_HISTORY (self));

  for (guint i = 0; i < self->states->len; i++)
    {
      HeadroomState *state = g_ptr_array_index (self->states, i);

      if (state->model == old_model)
        g_set_object (&state->model, new_model);
    }
}

/*
 * Gets the state that is shown, or NULL where there is none yet.
 */
const HeadroomState *
headroom_history_get_current (HeadroomHistory *self)
{
  g_return_val_if_fail (HEADROOM_IS_HISTORY (self), NULL);

  return self->states->len > 0 ? g_ptr_array_index (self->states, self->position) : NULL;
}

gboolean
headroom_history_can_undo (HeadroomHistory *self)
{
  g_return_val_if_fail (HEADROOM_IS_HISTORY (self), FALSE);

  return self->position > 0;
}

gboolean
headroom_history_can_redo (HeadroomHistory *self)
{
  g_return_val_if_fail (HEADROOM_IS_HISTORY (self), FALSE);

  return self->position + 1 < self->states->len;
}
