/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-llama-layers.h"

#include <string.h>

#include "hr-llama-tensors.h"

/*
 * Layers that are alike, at the same places, do the same to a buffer: where the allocator finds it at the begin of one
 * as it was at the begin of the one before, as many more as one likes make it no larger. So of layers that repeat, each
 * by itself or several in turn, the first ones and the last are enough to find out how large it is
 * (hr_ggml_schedule_measure() tells whether it was found so).
 */

/* The longest of what takes turns in layers: eight kinds of them, and three of types (use_more_bits of llama-quant). */
#define MAX_PERIOD 24

/* What tells layers apart. */
typedef struct
{
  guint kind;
  gint place;
  guint moves;
  gint move_place;
} Layer;

static HrLlamaLayers *
layers_new (void)
{
  HrLlamaLayers *self = g_new0 (HrLlamaLayers, 1);

  self->layers = g_array_new (FALSE, FALSE, sizeof (guint));
  self->repeats = g_array_new (FALSE, FALSE, sizeof (HrLlamaRepeat));
  self->looks = g_byte_array_new ();

  return self;
}

void
hr_llama_layers_free (HrLlamaLayers *self)
{
  g_array_unref (self->layers);
  g_array_unref (self->repeats);
  g_byte_array_unref (self->looks);
  g_free (self);
}

/* What is on the GPU of its layer is not copied, so that its types do not matter. */
static gboolean
has_types (const HrLlamaPlan *plan,
           guint              layer,
           HrLlamaLikeness    likeness)
{
  if (likeness == HR_LLAMA_LIKENESS_COPIES)
    return plan->moves[layer] != 0 || plan->layer_places[layer] == (gint) plan->n_devices;

  return likeness == HR_LLAMA_LIKENESS_TYPES;
}

/* A pattern of names may move anything of any layer. */
static guint
get_kind (const HrLlamaPlan *plan,
          guint              layer,
          HrLlamaLikeness    likeness)
{
  if (plan->overrides != NULL)
    return layer;

  return has_types (plan, layer, likeness) ? plan->tensors->kinds[layer] : plan->pass->stack->layer_class_of[layer];
}

static Layer
describe (const HrLlamaPlan *plan,
          guint              layer,
          HrLlamaLikeness    likeness)
{
  return (Layer) {
    .kind = get_kind (plan, layer, likeness),
    .place = plan->layer_places[layer],
    .moves = plan->moves[layer],
    .move_place = plan->moves[layer] != 0 ? plan->move_places[layer] : 0,
  };
}

/* How many layers behind one are as those are that are @period in front of them, it and its period included. */
static guint
count_alike (const Layer *layers,
             guint        first,
             guint        n_layers,
             guint        period)
{
  guint i = MIN (first + period, n_layers);

  while (i < n_layers && memcmp (&layers[i], &layers[i - period], sizeof *layers) == 0)
    i++;

  return i - first;
}

/* The first one has other neighbours, and two layers behind these a buffer is as layers leave it. */
static guint
get_n_kept (guint period)
{
  return period == 1 ? 4 : 3;
}

/* The period that leaves most layers out, of all that begin at a layer. */
static guint
find_period (const Layer *layers,
             guint        first,
             guint        n_layers,
             guint        n_turns,
             guint       *n_periods)
{
  guint best = 0, most = 0;

  for (guint i = n_turns; i <= MAX_PERIOD; i += n_turns)
    {
      guint n = count_alike (layers, first, n_layers, i) / i;

      if (n <= get_n_kept (i) || (n - get_n_kept (i)) * i <= most)
        continue;
      best = i;
      most = (n - get_n_kept (i)) * i;
      *n_periods = n;
    }

  return best;
}

static void
add (HrLlamaLayers *self,
     guint          layer,
     const Layer   *look)
{
  g_array_append_val (self->layers, layer);
  g_byte_array_append (self->looks, (const guint8 *) look, sizeof *look);
}

static void
keep (HrLlamaLayers *self,
      const Layer   *layers,
      guint          first,
      guint          n)
{
  for (guint i = first; i < first + n; i++)
    add (self, i, &layers[i]);
}

static void
keep_periods (HrLlamaLayers *self,
              const Layer   *layers,
              guint          first,
              guint          period,
              guint          n_periods)
{
  HrLlamaRepeat repeat;

  keep (self, layers, first, (get_n_kept (period) - 1) * period);
  repeat.second = self->layers->len;
  repeat.first = repeat.second - period;
  g_array_append_val (self->repeats, repeat);
  keep (self, layers, first + (n_periods - 1) * period, period);
}

/*
 * hr_llama_layers_new:
 * @plan: a plan
 * @likeness: which layers are alike
 * @n_turns: a number that the layers of a period are a multiple of, as values may lie in several places by turns
 *
 * Finds layers that stand for all. The last one, in which only tokens go on that logits are asked of, is always kept,
 * and like no other.
 *
 * Returns: (transfer full): the layers
 */
HrLlamaLayers *
hr_llama_layers_new (const HrLlamaPlan *plan,
                     HrLlamaLikeness    likeness,
                     guint              n_turns)
{
  HrLlamaLayers *self = layers_new ();
  guint n_layers = plan->pass->stack->n_layers;
  g_autofree Layer *layers = g_new0 (Layer, n_layers);
  guint i = 0;

  self->likeness = likeness;
  for (guint j = 0; j < n_layers; j++)
    layers[j] = describe (plan, j, likeness);
  while (i < n_layers)
    {
      guint n_periods = 1;
      guint period = find_period (layers, i, n_layers - 1, n_turns, &n_periods);

      if (period > 0)
        keep_periods (self, layers, i, period, n_periods);
      else
        keep (self, layers, i, 1);
      i += MAX (period, 1) * n_periods;
    }

  return self;
}

/*
 * hr_llama_layers_new_all:
 * @plan: a plan
 *
 * Lists all layers.
 *
 * Returns: (transfer full): the layers
 */
HrLlamaLayers *
hr_llama_layers_new_all (const HrLlamaPlan *plan)
{
  HrLlamaLayers *self = layers_new ();

  self->likeness = HR_LLAMA_LIKENESS_TYPES;
  for (guint i = 0; i < plan->pass->stack->n_layers; i++)
    {
      const Layer layer = describe (plan, i, HR_LLAMA_LIKENESS_TYPES);

      add (self, i, &layer);
    }

  return self;
}

/*
 * hr_llama_layers_add_to_key:
 * @self: layers
 * @key: bytes
 *
 * Adds what tells layers of a plan from others, wherever these are.
 */
void
hr_llama_layers_add_to_key (const HrLlamaLayers *self,
                            GByteArray          *key)
{
  const guint head[] = { self->likeness, self->repeats->len };

  g_byte_array_append (key, (const guint8 *) head, sizeof head);
  g_byte_array_append (key, (const guint8 *) self->repeats->data, self->repeats->len * sizeof (HrLlamaRepeat));
  g_byte_array_append (key, self->looks->data, self->looks->len);
}
