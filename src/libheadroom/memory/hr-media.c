/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-media.h"

#include "hr-message.h"
#include "hr-model-private.h"

/* More tokens than any sequence may have. */
#define MAX_TOKENS 16777216

/*
 * hr_media_new:
 * @model: a model
 * @job: a job
 * @error: return location for an error
 *
 * Counts the tokens of a job's images, sounds and videos, as the model's processor does.
 *
 * Returns: (transfer full) (nullable): what is seen and heard, or %NULL with @error set if the model does not take it
 */
HrMedia *
hr_media_new (HrModel  *model,
              HrJob    *job,
              GError  **error)
{
  const HrProcessor *processor = _hr_model_get_processor (model);
  g_autoptr (HrMedia) self = g_atomic_rc_box_new0 (HrMedia);
  g_autoptr (GArray) media = NULL;

  *self = (HrMedia) {
    .items = g_array_new (FALSE, FALSE, sizeof (HrMediumTokens)),
    .text_tokens = hr_job_count_text_tokens (job), .has_type_ids = processor->has_type_ids,
  };
  self->tokens = self->text_tokens;
  media = hr_job_list_media (job, error);
  if (media == NULL)
    return NULL;

  for (guint i = 0; i < media->len; i++)
    {
      HrMediumTokens item;

      if (!hr_processor_count (processor, &g_array_index (media, HrMedium, i), &item, error))
        return NULL;
      g_array_append_val (self->items, item);
      self->tokens += item.tokens;
    }

  return hr_media_check_tokens (self->tokens, error) ? g_steal_pointer (&self) : NULL;
}

/*
 * hr_media_new_alike:
 * @item: what a processor makes of something
 * @n: how often
 *
 * Creates as many of one and the same, without any text.
 *
 * Returns: (transfer full): what is seen and heard
 */
HrMedia *
hr_media_new_alike (const HrMediumTokens *item,
                    guint64               n)
{
  HrMedia *self = g_atomic_rc_box_new0 (HrMedia);

  self->items = g_array_sized_new (FALSE, FALSE, sizeof (HrMediumTokens), n);
  for (guint64 i = 0; i < n; i++)
    g_array_append_val (self->items, *item);
  self->tokens = n * item->tokens;

  return self;
}

/*
 * hr_media_check_tokens:
 * @tokens: of a sequence
 * @error: return location for an error
 *
 * Checks that there is something to read, and no more than can be.
 *
 * Returns: whether it is so
 */
gboolean
hr_media_check_tokens (guint64   tokens,
                       GError  **error)
{
  if (tokens > 0 && tokens <= MAX_TOKENS)
    return TRUE;

  if (tokens == 0)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("text-tokens: expected some text, or images, sounds or videos; found none of them"));
  else
    hr_message_set_error (error, HR_ERROR_TOO_LARGE,
                          N_("expected fewer or smaller images, sounds and videos, which come to at most 16777216 "
                             "tokens; found more"));

  return FALSE;
}

static void
media_clear (gpointer data)
{
  HrMedia *self = data;

  for (guint i = 0; self->towers != NULL && i < self->towers->len; i++)
    hr_tower_clear (&g_array_index (self->towers, HrTower, i));
  g_clear_pointer (&self->towers, g_array_unref);
  g_clear_pointer (&self->items, g_array_unref);
}

HrMedia *
hr_media_ref (HrMedia *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
hr_media_unref (HrMedia *self)
{
  g_atomic_rc_box_release_full (self, media_clear);
}

/*
 * hr_media_copy:
 * @self: what is seen and heard
 *
 * Creates the same, for towers that see another number of sequences.
 *
 * Returns: (transfer full): the same
 */
HrMedia *
hr_media_copy (HrMedia *self)
{
  HrMedia *copy = g_atomic_rc_box_new0 (HrMedia);

  *copy = *self;
  copy->items = g_array_ref (self->items);
  copy->towers = NULL;

  return copy;
}

/*
 * hr_media_is_of_images:
 * @self: what is seen and heard
 *
 * Returns: whether there are images, and nothing else
 */
gboolean
hr_media_is_of_images (const HrMedia *self)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      if (g_array_index (self->items, HrMediumTokens, i).kind != HR_MEDIUM_IMAGE)
        return FALSE;
    }

  return self->items->len > 0;
}

/*
 * hr_media_cast_pixels:
 * @self: images whose towers have been added
 *
 * Says that pixels come in the dtype of the model.
 */
void
hr_media_cast_pixels (HrMedia *self)
{
  for (guint i = 0; i < self->towers->len; i++)
    g_array_index (self->towers, HrTower, i).is_cast = TRUE;
}

/*
 * hr_media_count_rows:
 * @self: images of a sequence, whose towers have been added
 *
 * Counts the rows of the tensor that a processor makes of the images of a sequence: images, or tiles of them.
 *
 * Returns: how many there are, or 0 where the tensor says itself what is of which sequence
 */
guint64
hr_media_count_rows (const HrMedia *self)
{
  const HrTower *tower = &g_array_index (self->towers, HrTower, 0);
  guint64 rows = 0;

  /* A row of patches with a grid beside it, or all tiles of a sequence in a dimension of their own. */
  if (tower->stack->tower == HR_TOWER_QWEN_VL || tower->stack->tower == HR_TOWER_PADDED ||
      tower->stack->tower == HR_TOWER_RESAMPLER)
    return 0;
  /* Those of any size, and those whose tiles have a dimension of their own. */
  if (tower->stack->tower == HR_TOWER_PIXTRAL || tower->maps != NULL)
    return self->items->len;

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (self->items, HrMediumTokens, i);

      for (guint j = 0; j < item->n_grids; j++)
        rows += item->grids[j].pieces;
    }

  return rows;
}
