/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-llama-fit.h"

#include <string.h>

/*
 * How llama.cpp makes a model fit (common/fit.cpp, common_params_fit_impl: --fit). Where it is not told how long the
 * context is, it takes a shorter one. Where that is not enough and it is not told how many layers there are to be on
 * GPUs either, it takes layers off those that cannot hold all of them: from the last GPU to the first, each gets as
 * many of the last layers that are left as it can hold, and the host gets the others. Of a mixture these layers are
 * without their experts, which then come to the GPUs as far as there is room.
 */

/* What a context is rounded down to. */
#define CONTEXT_STEP 256

/* On several GPUs parts of layers are thought to find no room: of a layer, or of its experts' matrices. */
#define LAYER_PARTS 2
#define EXPERT_LAYER_PARTS 6

/* What a GPU has, the head being a layer of the last one. */
typedef struct
{
  guint n_layers;
  guint n_parts;        /* the last of them, whose experts are elsewhere */
  HrLlamaMove moves;    /* what is elsewhere of the first of these */
  gint place;           /* where that is */
} Share;

typedef struct
{
  HrLlamaPlan *plan;
  const guint64 *beside;                /* what else is on each GPU */
  gint64 target;                        /* what may be used of each GPU */
  gboolean has_experts;
  Share shares[HR_GGML_MAX_PLACES];
  gint64 bytes[HR_GGML_MAX_PLACES];     /* of each GPU with these */
  guint first;                          /* the first GPU that has layers without their experts */
} Fit;

static guint
get_n_full (const Share *share)
{
  return share->n_layers - share->n_parts;
}

static guint
get_last (const Fit *self)
{
  return self->plan->n_devices - 1;
}

static void
measure (Fit    *self,
         gint64 *sums)
{
  HrLlamaPlan *plan = self->plan;
  guint64 bytes[HR_GGML_MAX_PLACES] = { 0 }, elements[HR_GGML_MAX_PLACES] = { 0 };
  guint64 compute[HR_GGML_MAX_PLACES];

  hr_llama_plan_add_weights (plan, bytes, elements);
  hr_llama_plan_add_cache (plan, bytes);
  hr_llama_plan_measure (plan, compute);
  for (guint i = 0; i < plan->n_devices; i++)
    sums[i] = bytes[i] + compute[i] + self->beside[i];
}

/* set_ngl_tensor_split_tbo: experts of layers behind the first one that has not all go to the host. */
static void
set_shares (Fit         *self,
            const Share *shares)
{
  HrLlamaPlan *plan = self->plan;
  guint counts[HR_GGML_MAX_PLACES];
  guint layer = plan->pass->stack->n_layers + 1;

  for (guint i = 0; i < plan->n_devices; i++)
    {
      counts[i] = shares[i].n_layers;
      layer -= shares[i].n_layers;
    }
  hr_llama_plan_set_layers (plan, counts);
  for (guint i = 0; i < plan->n_devices; i++)
    {
      layer += get_n_full (&shares[i]);
      for (guint j = 0; j < shares[i].n_parts; j++)
        hr_llama_plan_set_move (plan, layer + j, j == 0 ? shares[i].moves : HR_LLAMA_MOVE_EXPERTS,
                                j == 0 ? shares[i].place : (gint) plan->n_devices);
      layer += shares[i].n_parts;
    }
  hr_llama_plan_resolve_flash (plan);
}

static void
measure_shares (Fit         *self,
                const Share *shares,
                gint64      *bytes)
{
  set_shares (self, shares);
  measure (self, bytes);
}

static void
take_shares (Fit          *self,
             const Share  *shares,
             const gint64 *bytes)
{
  memcpy (self->shares, shares, sizeof self->shares);
  memcpy (self->bytes, bytes, sizeof self->bytes);
}

/* The method of false position between as many layers as fit and as many as do not. */
static guint
get_step (guint  n,
          gint64 low,
          gint64 high,
          gint64 target)
{
  gint64 room = high - low;
  gint64 step = room > 0 ? (gint64) n * (target - low) / room : (gint64) n - 1;

  return CLAMP (step, 1, (gint64) n - 1);
}

/* Of a mixture layers without their experts are given; the head, which is the first to go to the last GPU, is whole. */
static void
give_layers (const Fit *self,
             Share     *share,
             guint      n,
             gboolean   is_last)
{
  if (self->has_experts)
    share->n_parts += is_last && share->n_parts == 0 ? n - 1 : n;
  share->n_layers += n;
}

/* Stops where both are neighbours: what it finds fits, though not always the most, as memory does not grow evenly. */
static void
fill (Fit   *self,
      guint  device,
      guint  n_unassigned)
{
  gboolean is_last = device == get_last (self);
  Share shares[HR_GGML_MAX_PLACES];
  gint64 bytes[HR_GGML_MAX_PLACES], high;
  guint delta = n_unassigned;

  if (n_unassigned == 0)
    return;

  memcpy (shares, self->shares, sizeof shares);
  give_layers (self, &shares[device], n_unassigned, is_last);
  measure_shares (self, shares, bytes);
  if (bytes[device] <= self->target)
    {
      take_shares (self, shares, bytes);
      return;
    }

  high = bytes[device];
  while (delta > 1)
    {
      guint step = get_step (delta, self->bytes[device], high, self->target);

      memcpy (shares, self->shares, sizeof shares);
      give_layers (self, &shares[device], step, is_last);
      measure_shares (self, shares, bytes);
      if (bytes[device] <= self->target)
        {
          take_shares (self, shares, bytes);
          delta -= step;
        }
      else
        {
          high = bytes[device];
          delta = step;
        }
    }
}

/* Layers without their experts become whole ones of a GPU in front. */
static guint
convert (const Fit *self,
         Share     *shares,
         guint      device,
         guint      n)
{
  guint first = self->first;

  for (; first < self->plan->n_devices; first++)
    {
      guint n_moved = MIN (n, shares[first].n_parts);

      shares[first].n_layers -= n_moved;
      shares[first].n_parts -= n_moved;
      shares[device].n_layers += n_moved;
      n -= n_moved;
      if (shares[first].n_parts > 0)
        break;
    }

  return first;
}

static void
convert_all (const Fit *self,
             Share     *shares,
             guint      device)
{
  for (guint i = self->first; i < self->plan->n_devices; i++)
    {
      guint n = i < get_last (self) ? shares[i].n_layers : shares[i].n_layers - 1;

      shares[device].n_layers += n;
      shares[i].n_layers -= n;
      shares[i].n_parts = 0;
    }
}

static void
fill_with_experts (Fit   *self,
                   guint  device)
{
  Share shares[HR_GGML_MAX_PLACES];
  gint64 bytes[HR_GGML_MAX_PLACES], high;
  guint delta;

  memcpy (shares, self->shares, sizeof shares);
  convert_all (self, shares, device);
  measure_shares (self, shares, bytes);
  if (bytes[device] <= self->target)
    {
      take_shares (self, shares, bytes);
      self->first = get_last (self);
      return;
    }

  high = bytes[device];
  delta = get_n_full (&shares[device]) - get_n_full (&self->shares[device]);
  while (delta > 1)
    {
      guint step = get_step (delta, self->bytes[device], high, self->target);
      guint n_full = get_n_full (&self->shares[device]);
      guint first;

      memcpy (shares, self->shares, sizeof shares);
      first = convert (self, shares, device, step);
      measure_shares (self, shares, bytes);
      if (bytes[device] <= self->target)
        {
          take_shares (self, shares, bytes);
          self->first = first;
          delta -= get_n_full (&shares[device]) - n_full;
        }
      else
        {
          high = bytes[device];
          delta = get_n_full (&shares[device]) - n_full;
        }
    }
}

static gboolean
try_part (Fit         *self,
          Share       *shares,
          guint        device,
          guint        first,
          HrLlamaMove  moves)
{
  gint64 bytes[HR_GGML_MAX_PLACES];

  shares[device].moves = moves;
  measure_shares (self, shares, bytes);
  if (bytes[device] >= self->target || (device < get_last (self) && bytes[device + 1] >= self->target))
    return FALSE;

  take_shares (self, shares, bytes);
  self->first = first;

  return TRUE;
}

/* A part of one more layer: first matrices of its experts, then gates as well, or neither. */
static void
add_part (Fit   *self,
          guint  device)
{
  guint first = self->first;
  Share shares[HR_GGML_MAX_PLACES];

  if (first > get_last (self) || self->shares[first].n_parts == 0)
    return;

  memcpy (shares, self->shares, sizeof shares);
  shares[first].n_layers--;
  shares[first].n_parts--;
  shares[device].n_layers++;
  shares[device].n_parts++;
  if (device < get_last (self))
    shares[device].place = device + 1;
  if (shares[first].n_parts == 0)
    first++;
  if (try_part (self, shares, device, first, HR_LLAMA_MOVE_GATE_DOWN))
    try_part (self, shares, device, first, HR_LLAMA_MOVE_DOWN);
  else
    try_part (self, shares, device, first, HR_LLAMA_MOVE_FEED_FORWARD);
}

/* Whether all but the experts fits, of all GPUs together. */
static gboolean
fits_without_experts (Fit *self)
{
  HrLlamaPlan *plan = self->plan;
  gint64 bytes[HR_GGML_MAX_PLACES], room = 0;

  for (guint i = 0; i < plan->pass->stack->n_layers; i++)
    hr_llama_plan_set_move (plan, i, HR_LLAMA_MOVE_EXPERTS, plan->n_devices);
  hr_llama_plan_resolve_flash (plan);
  measure (self, bytes);
  for (guint i = 0; i < plan->n_devices; i++)
    room += self->target - bytes[i];

  return room > 0;
}

static gboolean
fits_all (Fit *self)
{
  gint64 bytes[HR_GGML_MAX_PLACES];

  measure (self, bytes);
  for (guint i = 0; i < self->plan->n_devices; i++)
    {
      if (bytes[i] > self->target)
        return FALSE;
    }

  return TRUE;
}

static gboolean
has_experts (const HrLlamaPlan *plan)
{
  for (guint i = 0; i < hr_model_get_n_tensors (plan->pass->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (plan->pass->model, i);

      if (tensor->n_experts > 0 && hr_part_is_text (tensor->part))
        return TRUE;
    }

  return FALSE;
}

static void
set_context (HrLlamaPlan *plan,
             guint64      context)
{
  hr_llama_plan_set_context (plan, context);
  hr_llama_plan_resolve_flash (plan);
}

static void
fit_init (Fit           *self,
          HrLlamaPlan   *plan,
          guint64        memory,
          const guint64 *beside)
{
  *self = (Fit) {
    .plan = plan,
    .beside = beside,
    .target = (gint64) memory - (gint64) plan->fit_target,
    .has_experts = has_experts (plan),
  };
}

static gint64
measure_sum (Fit *self)
{
  gint64 bytes[HR_GGML_MAX_PLACES], sum = 0;

  measure (self, bytes);
  for (guint i = 0; i < self->plan->n_devices; i++)
    sum += bytes[i];

  return sum;
}

/* What all GPUs may have in use; on several, half a layer of each of them and of one more is left out. */
static gint64
get_sum_target (const Fit     *self,
                const guint64 *weights)
{
  const HrLlamaPlan *plan = self->plan;
  guint n = plan->n_devices;
  guint n_layers = 0;
  gint64 model = 0;

  if (n == 1)
    return self->target;

  for (guint i = 0; i < plan->pass->stack->n_layers; i++)
    n_layers += plan->layer_places[i] != (gint) n;
  for (guint i = 0; i < n; i++)
    model += weights[i];

  return n * self->target - (n + 1) * (model / MAX (n_layers, 1)) / (self->has_experts ? EXPERT_LAYER_PARTS
                                                                                      : LAYER_PARTS);
}

/*
 * hr_llama_fit_context:
 * @plan: a plan with the longest context
 * @memory: what each GPU has free
 * @beside: (array): what else is on each, such as a draft model with that context
 * @beside_weights: (array): weights among it
 * @beside_least: (array): what else is on each with the shortest context that llama.cpp takes
 *
 * Makes a context that is left to llama.cpp shorter if what is on the GPUs does not fit with the longest one: as short
 * as it has to be, if memory grows evenly with it.
 */
void
hr_llama_fit_context (HrLlamaPlan   *plan,
                      guint64        memory,
                      const guint64 *beside,
                      const guint64 *beside_weights,
                      const guint64 *beside_least)
{
  guint64 n_contexts = hr_llama_plan_count_contexts (plan);
  guint64 longest = plan->context, shortest = plan->fit_context * n_contexts, step = CONTEXT_STEP * n_contexts;
  guint64 weights[HR_GGML_MAX_PLACES], elements[HR_GGML_MAX_PLACES] = { 0 };
  gint64 most, least, target;
  Fit self;

  fit_init (&self, plan, memory, beside);
  most = measure_sum (&self);
  if (fits_all (&self) || most <= (gint64) plan->n_devices * self.target || longest <= shortest)
    return;

  memcpy (weights, beside_weights, sizeof weights);
  hr_llama_plan_add_weights (plan, weights, elements);
  target = get_sum_target (&self, weights);

  set_context (plan, shortest);
  self.beside = beside_least;
  least = measure_sum (&self);
  if (target <= least || most <= least)
    return;

  shortest += (longest - shortest) * (target - least) / (most - least);
  set_context (plan, MAX (shortest / step * step, plan->fit_context * n_contexts));
}

/*
 * hr_llama_fit:
 * @plan: a plan that has all layers on GPUs
 * @memory: what each GPU has free
 * @beside: (array): what a draft model takes of each, which is not moved (common_fit_extra_model)
 *
 * Moves to the host what GPUs cannot hold, as llama.cpp does by itself: of models without experts whole layers; of
 * mixtures first the experts of all layers, from the last GPU to the first, and then as many of them as fit come back,
 * from the first GPU to the last, and at the end of each a part of those of one more layer.
 */
void
hr_llama_fit (HrLlamaPlan   *plan,
              guint64        memory,
              const guint64 *beside)
{
  guint n_unassigned = plan->pass->stack->n_layers + 1;
  gboolean converts;
  Fit self;

  fit_init (&self, plan, memory, beside);
  if (fits_all (&self))
    return;

  converts = self.has_experts && fits_without_experts (&self);
  for (guint i = 0; i < plan->n_devices; i++)
    self.shares[i] = (Share) { .moves = HR_LLAMA_MOVE_EXPERTS, .place = plan->n_devices };
  measure_shares (&self, self.shares, self.bytes);
  for (guint i = plan->n_devices; i > 0; i--)
    {
      fill (&self, i - 1, n_unassigned);
      n_unassigned -= self.shares[i - 1].n_layers;
    }

  while (self.first < get_last (&self) && self.shares[self.first].n_layers == 0)
    self.first++;
  for (guint i = 0; converts && i <= self.first; i++)
    {
      fill_with_experts (&self, i);
      add_part (&self, i);
    }
  set_shares (&self, self.shares);
}
