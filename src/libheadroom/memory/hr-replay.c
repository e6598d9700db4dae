/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay.h"

#include <string.h>

#include "hr-operator-cache.h"

static const guint8 element_bytes[] = {
  [HR_ELEMENT_BOOL] = 1,
  [HR_ELEMENT_INT8] = 1,
  [HR_ELEMENT_FLOAT8] = 1,
  [HR_ELEMENT_INT32] = 4,
  [HR_ELEMENT_INT64] = 8,
  [HR_ELEMENT_FLOAT16] = 2,
  [HR_ELEMENT_BFLOAT16] = 2,
  [HR_ELEMENT_FLOAT32] = 4,
  [HR_ELEMENT_FLOAT64] = 8,
};

static const char * const symbol_names[HR_N_SYMBOLS] = {
  [HR_SYMBOL_ONE] = "1",
  [HR_SYMBOL_BATCH] = "B",
  [HR_SYMBOL_SEQUENCE] = "S",
  [HR_SYMBOL_CONTEXT] = "C",
  [HR_SYMBOL_CONTEXT_PADDED] = "⌈C⌉₁₆",
  [HR_SYMBOL_HIDDEN] = "h",
  [HR_SYMBOL_EMBEDDING] = "p",
  [HR_SYMBOL_INTERMEDIATE] = "i",
  [HR_SYMBOL_QUERY] = "q",
  [HR_SYMBOL_KEY] = "k",
  [HR_SYMBOL_CACHED] = "k",
  [HR_SYMBOL_FUSED] = "(q + 2·k)",
  [HR_SYMBOL_HEADS] = "H",
  [HR_SYMBOL_KEY_HEADS] = "K",
  [HR_SYMBOL_HEAD] = "d",
  [HR_SYMBOL_HEAD_ALLOCATED] = "⌈d⌉",
  [HR_SYMBOL_QUERY_ROTARY] = "H·r",
  [HR_SYMBOL_KEY_ROTARY] = "K·r",
  [HR_SYMBOL_ROTARY] = "r",
  [HR_SYMBOL_TABLE] = "P",
  [HR_SYMBOL_VALUE] = "v",
  [HR_SYMBOL_KEY_VALUE] = "v_k",
  [HR_SYMBOL_QUERY_LATENT] = "c_q",
  [HR_SYMBOL_LATENT] = "c",
  [HR_SYMBOL_LATENT_JOINED] = "(c + r)",
  [HR_SYMBOL_EXPANDED] = "(q − H·r + v)",
  [HR_SYMBOL_CONTEXT_SINK] = "(C + 1)",
  [HR_SYMBOL_INDEX_HEADS] = "H_x",
  [HR_SYMBOL_INDEX_HEAD] = "d_x",
  [HR_SYMBOL_INDEX] = "H_x·d_x",
  [HR_SYMBOL_INDEX_ROTARY] = "H_x·r",
  [HR_SYMBOL_SELECTED] = "k_x",
  [HR_SYMBOL_TOP_K] = "t",
  [HR_SYMBOL_EXPERTS] = "E",
  [HR_SYMBOL_EXPERTS_HELD] = "E_r",
  [HR_SYMBOL_ROUTED] = "R_t",
  [HR_SYMBOL_DISPATCHED] = "R_e",
  [HR_SYMBOL_GATHERED_TOKENS] = "T_g",
  [HR_SYMBOL_EXPERT] = "m",
  [HR_SYMBOL_EXPERT_LATENT] = "c_m",
  [HR_SYMBOL_PER_EXPERT] = "⌈B · S · t / E⌉",
  [HR_SYMBOL_VOCABULARY] = "V",
  [HR_SYMBOL_SEQUENCE_32] = "⌈S⌉₃₂",
  [HR_SYMBOL_SEQUENCE_128] = "⌈S⌉₁₂₈",
  [HR_SYMBOL_HEAD_ROUNDED] = "⌈d⌉",
  [HR_SYMBOL_HEAD_8] = "⌈d⌉₈",
  [HR_SYMBOL_EXAMPLE_STARTS] = "(n_e + 1)",
  [HR_SYMBOL_STARTS] = "(B + 1)",
  [HR_SYMBOL_LABELS] = "(S + 1)",
  [HR_SYMBOL_POSITIONS] = "P",
  [HR_SYMBOL_MIXER] = "m_s",
  [HR_SYMBOL_MIXER_HEADS] = "H_s",
  [HR_SYMBOL_MIXER_KEY] = "k_s",
  [HR_SYMBOL_MIXER_KEYS] = "k_h",
  [HR_SYMBOL_GROUPS] = "g_s",
  [HR_SYMBOL_GROUP] = "d_g",
  [HR_SYMBOL_STATE] = "n_s",
  [HR_SYMBOL_RANK] = "r_s",
  [HR_SYMBOL_OWN_RANK] = "r_o",
  [HR_SYMBOL_SELECTION] = "(r_s + 2·n_s)",
  [HR_SYMBOL_PROJECTED] = "(2·m_s + 2·g_s·n_s + H_s)",
  [HR_SYMBOL_CONVOLVED] = "(m_s + 2·g_s·n_s)",
  [HR_SYMBOL_KERNEL] = "w_s",
  [HR_SYMBOL_CONVOLUTION] = "(S + w_s − 1)",
  [HR_SYMBOL_EARLIER] = "(S − 1)",
  [HR_SYMBOL_CHUNK] = "c_s",
  [HR_SYMBOL_LOSS_CHUNK] = "c_l",
  [HR_SYMBOL_LAST_LOSS_CHUNK] = "c_l′",
  [HR_SYMBOL_LOOKED_UP] = "n_t",
  [HR_SYMBOL_TOKENS_16] = "⌈B · S⌉",
  [HR_SYMBOL_SEGMENTS] = "min(n_t, V)",
  [HR_SYMBOL_LARGEST] = "w",
  [HR_SYMBOL_RELOADED] = "max(2²⁰, B·S·h)",
  [HR_SYMBOL_LOSS_POOL] = "b_l",
  [HR_SYMBOL_PARTIAL_SEGMENTS] = "(⌊n_t/10⌋ + min(n_t, V))",
  [HR_SYMBOL_TOKEN_BLOCKS] = "⌈B·(S − 1)/128⌉",
  [HR_SYMBOL_VOCABULARY_BLOCKS] = "⌈V/128⌉",
  [HR_SYMBOL_WIDTH_BLOCKS] = "⌈h/64⌉",
  [HR_SYMBOL_VOCABULARY_CHUNK] = "V_l",
  [HR_SYMBOL_MICRO_BATCHES] = "A",
  [HR_SYMBOL_ROLLOUT] = "N_r",
  [HR_SYMBOL_ANSWERED] = "N_a",
  [HR_SYMBOL_ANSWERS] = "A",
  [HR_SYMBOL_CHUNKED] = "⌈S/c_s⌉·c_s",
  [HR_SYMBOL_CHUNKS] = "⌈S/c_s⌉",
  [HR_SYMBOL_BOUNDARIES] = "(⌈S/c_s⌉ + 1)",
  [HR_SYMBOL_OTHERS] = "n_o",
  [HR_SYMBOL_STEP_KEPT] = "a_s",
  [HR_SYMBOL_ROWS_KEPT] = "a_r",
  [HR_SYMBOL_SOURCE] = "N",
  [HR_SYMBOL_TARGET] = "C",
  [HR_SYMBOL_CLASSES] = "Y",
  [HR_SYMBOL_TYPES] = "t_e",
  [HR_SYMBOL_BUCKETS] = "b",
  [HR_SYMBOL_KEPT] = "state",
  [HR_SYMBOL_VIRTUAL] = "v",
  [HR_SYMBOL_TEXT] = "S_t",
  [HR_SYMBOL_PREFIX] = "2·L·k",
  [HR_SYMBOL_COMPLETION] = "S_c",
  [HR_SYMBOL_SCORED] = "(S_c + 1)",
  [HR_SYMBOL_PAIRS] = "(B/2)",
  [HR_SYMBOL_PREFIXED] = "(v + S)",
  [HR_SYMBOL_EMBEDDING_SHARD] = "p_e",
  [HR_SYMBOL_EMBEDDING_PART] = "⌈p_e/N_d⌉",
  [HR_SYMBOL_EMBEDDING_GATHERED] = "N_d·⌈p_e/N_d⌉",
  [HR_SYMBOL_EMBEDDING_CAST] = "c_e",
  [HR_SYMBOL_LAYER_SHARD] = "p_l",
  [HR_SYMBOL_LAYER_PART] = "⌈p_l/N_d⌉",
  [HR_SYMBOL_LAYER_GATHERED] = "N_d·⌈p_l/N_d⌉",
  [HR_SYMBOL_LAYER_CAST] = "c_l",
  [HR_SYMBOL_HEAD_SHARD] = "p_o",
  [HR_SYMBOL_HEAD_PART] = "⌈p_o/N_d⌉",
  [HR_SYMBOL_HEAD_GATHERED] = "N_d·⌈p_o/N_d⌉",
  [HR_SYMBOL_HEAD_CAST] = "c_o",
  [HR_SYMBOL_UNIT_SHARD] = "p_u",
  [HR_SYMBOL_UNIT_PART] = "⌈p_u/N_d⌉",
  [HR_SYMBOL_UNIT_GATHERED] = "N_d·⌈p_u/N_d⌉",
  [HR_SYMBOL_UNIT_CAST] = "c_u",
  [HR_SYMBOL_ROOT_SHARD] = "p_r",
  [HR_SYMBOL_ROOT_PART] = "⌈p_r/N_d⌉",
  [HR_SYMBOL_ROOT_GATHERED] = "N_d·⌈p_r/N_d⌉",
  [HR_SYMBOL_ROOT_CAST] = "c_r",
  [HR_SYMBOL_REACHED_SHARD] = "p_t",
  [HR_SYMBOL_REACHED_PART] = "⌈p_t/N_d⌉",
  [HR_SYMBOL_REACHED_GATHERED] = "N_d·⌈p_t/N_d⌉",
  [HR_SYMBOL_REACHED_CAST] = "c_t",
  [HR_SYMBOL_SEQUENCE_SHARE] = "S_r",
  [HR_SYMBOL_PIXELS] = "p_v",
  [HR_SYMBOL_PATCHES] = "N_p",
  [HR_SYMBOL_PICTURE] = "p_i",
  [HR_SYMBOL_HEARD] = "N_h",
  [HR_SYMBOL_SUBSAMPLED] = "N_1",
  [HR_SYMBOL_SUBSAMPLED_TWICE] = "N_2",
  [HR_SYMBOL_CHANNELS] = "c",
  [HR_SYMBOL_FRAMES] = "N_f",
  [HR_SYMBOL_SEEN] = "N_v",
  [HR_SYMBOL_SEEN_EACH] = "N_e",
  [HR_SYMBOL_QUERIES] = "N_q",
  [HR_SYMBOL_QUERY_HEADS] = "H_q",
  [HR_SYMBOL_MERGED] = "h_m",
  [HR_SYMBOL_PROJECTOR] = "h_p",
  [HR_SYMBOL_TEXT_HIDDEN] = "h_t",
  [HR_SYMBOL_TILES_SEEN] = "N_i",
  [HR_SYMBOL_TILED] = "N_t",
  [HR_SYMBOL_CUT] = "N_c",
  [HR_SYMBOL_MAPPED] = "N_m",
  [HR_SYMBOL_MAP_ROWS] = "rows",
  [HR_SYMBOL_MAP_ENDED] = "(N_m + rows)",
  [HR_SYMBOL_PACKED] = "N_f",
  [HR_SYMBOL_ONE_CHUNK] = "S_1",
  [HR_SYMBOL_MORE_CHUNKS] = "(S − S_1)",
  [HR_SYMBOL_ONE_CHUNK_32] = "⌈S_1/32⌉·32",
  [HR_SYMBOL_ONE_CHUNK_128] = "⌈S_1/128⌉·128",
  [HR_SYMBOL_CHUNK_SUMS] = "H·(S − S_1)",
  [HR_SYMBOL_CHUNK_STATES] = "n_c",
  [HR_SYMBOL_ADAPTER_RANK] = "r_a",
  [HR_SYMBOL_ADAPTER_RANK_2] = "r_b",
  [HR_SYMBOL_ADAPTER_RANK_3] = "r_c",
  [HR_SYMBOL_ADAPTER_RANK_LAST] = "r_d",
  [HR_SYMBOL_ADAPTER_SIZE + 0] = "f_a",
  [HR_SYMBOL_ADAPTER_SIZE + 1] = "f_b",
  [HR_SYMBOL_ADAPTER_SIZE + 2] = "f_c",
  [HR_SYMBOL_ADAPTER_SIZE + 3] = "f_d",
  [HR_SYMBOL_ADAPTER_SIZE + 4] = "f_e",
  [HR_SYMBOL_ADAPTER_SIZE + 5] = "f_f",
  [HR_SYMBOL_ADAPTER_SIZE + 6] = "f_g",
  [HR_SYMBOL_ADAPTER_SIZE + 7] = "f_h",
  [HR_SYMBOL_ADAPTER_SIZE + 8] = "f_i",
  [HR_SYMBOL_ADAPTER_SIZE + 9] = "f_j",
  [HR_SYMBOL_ADAPTER_SIZE + 10] = "f_k",
  [HR_SYMBOL_ADAPTER_SIZE + 11] = "f_l",
  [HR_SYMBOL_ADAPTER_SIZE + 12] = "f_m",
  [HR_SYMBOL_ADAPTER_SIZE + 13] = "f_n",
  [HR_SYMBOL_ADAPTER_SIZE + 14] = "f_o",
  [HR_SYMBOL_ADAPTER_SIZE + 15] = "f_p",
};

static void
forget_peak (HrReplay *self)
{
  self->peak.level.total = 0;
  self->peak.n_storages = 0;
  self->peak.element = self->dtype;
  self->peak.layer = self->peak.replayed_layer = -1;
  self->peak.block = NULL;
  self->peak.operation = NULL;
  self->peak.sentence = NULL;
}

static void
use_own_storages (HrReplay *self)
{
  self->storages = self->own_storages;
  self->noted = self->own_noted;
  self->peak.storages = self->own_peak;
  self->capacity = self->noted_capacity = self->peak_capacity = HR_REPLAY_OWN_STORAGES;
}

/*
 * hr_replay_init:
 * @self: a tape
 * @dtype: what the model computes in
 * @quantization: how its linear layers are stored
 *
 * Begins a replay on an empty device. The tape is to be cleared.
 */
void
hr_replay_init (HrReplay       *self,
                HrElement       dtype,
                HrQuantization  quantization)
{
  memset (self, 0, G_STRUCT_OFFSET (HrReplay, peak));
  hr_ledger_init (&self->ledger);
  use_own_storages (self);
  self->symbols[HR_SYMBOL_ONE] = 1;
  self->dtype = dtype;
  self->parameter_dtype = dtype;
  self->upcast = HR_UPCAST_NONE;
  self->quantized_dtype = dtype;
  self->autocast = HR_ELEMENT_NONE;
  self->component = HR_COMPONENT_ACTIVATIONS;
  self->layer_code = HR_LAYER_CODE_TRANSFORMERS;
  self->gathered = self->reloaded = self->received = self->received_gradient = HR_NO_VALUE;
  self->quantization = quantization;
  self->layer = -1;
  self->make_limit = G_MAXUINT;
  self->waiting = self->returned[0] = self->returned[1] = HR_NO_VALUE;
  self->sharded_rest[0] = self->sharded_rest[1] = HR_NO_VALUE;
  forget_peak (self);
}

/* Makes room for @n tensors in what a tape has of its own, or has taken instead. */
static void
make_room (HrStorage       **storages,
           guint            *capacity,
           const HrStorage  *own,
           guint             n)
{
  guint before = *capacity;

  if (n <= before)
    return;

  *capacity = MAX (2 * before, n);
  if (*storages != own)
    {
      *storages = g_renew (HrStorage, *storages, *capacity);
      return;
    }

  *storages = g_new (HrStorage, *capacity);
  memcpy (*storages, own, before * sizeof *own);
}

/*
 * hr_replay_copy_empty:
 * @self: a tape on which nothing has been made yet but what stays
 *
 * Copies what a tape stands for.
 *
 * Returns: (transfer full): a tape of its own
 */
HrReplay *
hr_replay_copy_empty (const HrReplay *self)
{
  HrReplay *copy = g_new (HrReplay, 1);

  memcpy (copy, self, G_STRUCT_OFFSET (HrReplay, peak));
  use_own_storages (copy);
  make_room (&copy->storages, &copy->capacity, copy->own_storages, self->n_storages);
  memcpy (copy->storages, self->storages, self->n_storages * sizeof *self->storages);
  memcpy (copy->used, self->used, sizeof self->used);
  copy->has_open_moment = FALSE;
  forget_peak (copy);

  return copy;
}

/* What of a tape lies between two of its members. */
static void
append_between (const HrReplay *self,
                gsize           start,
                gsize           end,
                GByteArray     *bytes)
{
  g_byte_array_append (bytes, (const guint8 *) self + start, end - start);
}

/*
 * hr_replay_append_start:
 * @self: a tape on which nothing has been made yet
 * @bytes: where to append to
 *
 * Appends all that a tape stands for: replays of the same on tapes whose bytes are the same come to the same.
 */
void
hr_replay_append_start (const HrReplay *self,
                        GByteArray     *bytes)
{
  append_between (self, 0, G_STRUCT_OFFSET (HrReplay, storages), bytes);
  append_between (self, G_STRUCT_OFFSET (HrReplay, n_storages), G_STRUCT_OFFSET (HrReplay, noted), bytes);
  append_between (self, G_STRUCT_OFFSET (HrReplay, noted_capacity), G_STRUCT_OFFSET (HrReplay, peak), bytes);
}

/*
 * hr_replay_clear:
 * @self: a tape
 *
 * Frees what a tape has taken for more tensors than it has room for itself.
 */
void
hr_replay_clear (HrReplay *self)
{
  if (self->storages != self->own_storages)
    g_free (self->storages);
  if (self->noted != self->own_noted)
    g_free (self->noted);
  if (self->peak.storages != self->own_peak)
    g_free (self->peak.storages);
  use_own_storages (self);
}

void
hr_replay_free (HrReplay *self)
{
  hr_replay_clear (self);
  g_free (self);
}

static void
copy_to_peak (HrReplay       *self,
              const HrMoment *from)
{
  HrMoment *moment = &self->peak;

  if (!self->is_for_sizes)
    {
      make_room (&moment->storages, &self->peak_capacity, self->own_peak, from->n_storages);
      if (from->n_storages > 0)
        memcpy (moment->storages, from->storages, from->n_storages * sizeof from->storages[0]);
      memcpy (moment->symbols, from->symbols, sizeof from->symbols);
    }
  moment->level = from->level;
  moment->n_storages = from->n_storages;
  moment->block = from->block;
  moment->layer = from->layer;
  moment->replayed_layer = from->replayed_layer;
  moment->operation = from->operation;
  moment->sentence = from->sentence;
}

/* What is on the tape goes to the moment that has been noted, before anything of it changes. */
static void
close_moment (HrReplay *self)
{
  HrMoment *moment = &self->stretch->moment;

  self->has_open_moment = FALSE;
  make_room (&self->noted, &self->noted_capacity, self->own_noted, self->n_storages);
  moment->storages = self->noted;
  moment->n_storages = 0;
  for (guint i = 0; i < self->n_storages; i++)
    {
      if (self->storages[i].references > 0)
        moment->storages[moment->n_storages++] = self->storages[i];
    }
}

static inline void
prepare_change (HrReplay *self)
{
  if (self->has_open_moment)
    close_moment (self);
}

/*
 * A pass makes one tensor after the other: what is on the tape is copied when the last of them is there. Where
 * parameters are gathered one by one no stretch is repeated, and only what is above all before it is asked for.
 */
static void
note_moment (HrReplay   *self,
             const char *operation)
{
  HrMoment *moment;

  if (self->stretch == NULL || self->heap != NULL || self->is_rehearsal ||
      self->ledger.live.total <= self->stretch->moment.level.total)
    return;

  moment = &self->stretch->moment;
  moment->level = self->ledger.live;
  moment->block = self->block;
  moment->layer = moment->replayed_layer = self->layer;
  moment->operation = operation;
  moment->sentence = self->sentence;
  if (self->is_for_sizes)
    return;

  memcpy (moment->symbols, self->symbols, sizeof self->symbols);
  self->has_open_moment = self->live == NULL || self->ledger.live.total > self->peak.level.total;
}

/*
 * hr_replay_begin:
 * @self: a tape
 * @stretch: where to record the work that follows
 * @block: the path of the module that does it
 * @layer: the index of the layer, -1 outside of the layers
 *
 * Begins a stretch of work. The tape must be as it was before the stretch, but for sizes, when it ends.
 */
void
hr_replay_begin (HrReplay   *self,
                 HrStretch  *stretch,
                 const char *block,
                 int         layer)
{
  stretch->before = self->ledger.live;
  stretch->n_made = self->n_made;
  if (self->kernels != NULL)
    stretch->kernels_before = self->kernels[self->ledger.phase];
  stretch->moment.level.total = 0;
  stretch->moment.storages = NULL;
  stretch->moment.n_storages = 0;
  stretch->moment.operation = NULL;
  stretch->moment.sentence = NULL;
  self->stretch = stretch;
  self->block = block;
  self->layer = layer;
  self->sentence = NULL;
}

static void
note_peak (HrReplay        *self,
           const HrStretch *stretch,
           const HrLevel   *level,
           int              layer)
{
  if (self->heap != NULL || self->is_rehearsal || level->total <= self->peak.level.total)
    return;

  copy_to_peak (self, &stretch->moment);
  self->peak.level = *level;
  self->peak.layer = layer;
}

/* A stretch that makes nothing is at its highest when it begins. */
static const HrLevel *
get_highest (const HrStretch *stretch)
{
  return stretch->moment.level.total > 0 ? &stretch->moment.level : &stretch->before;
}

/*
 * hr_replay_end:
 * @self: a tape
 *
 * Ends a stretch of work.
 */
void
hr_replay_end (HrReplay *self)
{
  HrStretch *stretch = self->stretch;

  g_return_if_fail (stretch != NULL);

  prepare_change (self);
  stretch->after = self->ledger.live;
  if (self->kernels != NULL)
    stretch->kernels_after = self->kernels[self->ledger.phase];
  self->stretch = NULL;
  note_peak (self, stretch, &stretch->moment.level, self->layer);
  if (self->timeline != NULL)
    hr_timeline_add (self->timeline, &stretch->before, get_highest (stretch), &stretch->after, self->ledger.phase,
                     self->layer, stretch->moment.sentence);
}

/* @level, and @count times what happens between @from and @to. */
static HrLevel
move_level (const HrLevel *level,
            const HrLevel *from,
            const HrLevel *to,
            guint          count)
{
  HrLevel moved;

  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    moved.by_component[i] = level->by_component[i] + count * (to->by_component[i] - from->by_component[i]);
  for (guint i = 0; i < HR_N_GROWTHS; i++)
    moved.activations[i] = level->activations[i] + count * (to->activations[i] - from->activations[i]);
  moved.total = level->total + count * (to->total - from->total);

  return moved;
}

/*
 * hr_replay_repeat:
 * @self: a tape
 * @stretch: a stretch that was recorded
 * @layer: the index of the first layer that does the same
 * @step: what leads from the index of a layer to that of the next: 1, or -1 on the way back
 * @count: how many layers do, at least 1
 *
 * Does the same again, from the present level, without replaying it; with a heap the levels alone. The highest time is
 * the last, or the first if each leaves less than it found.
 */
void
hr_replay_repeat (HrReplay        *self,
                  const HrStretch *stretch,
                  int              layer,
                  int              step,
                  guint            count)
{
  gboolean falls = stretch->after.total < stretch->before.total;
  guint earlier = falls ? 0 : count - 1;
  HrLevel start = move_level (&self->ledger.live, &stretch->before, &stretch->after, earlier);
  HrLevel level;

  if (self->kernels != NULL)
    hr_kernels_repeat (&self->kernels[self->ledger.phase], &stretch->kernels_before, &stretch->kernels_after, count);

  if (self->heap != NULL)
    {
      level = move_level (&self->ledger.live, &stretch->before, &stretch->after, count);
      hr_ledger_set (&self->ledger, &level);
      return;
    }

  level = move_level (&start, &stretch->before, get_highest (stretch), 1);
  if (self->timeline != NULL)
    hr_timeline_repeat (self->timeline, &self->ledger.live, &stretch->before, get_highest (stretch), &stretch->after,
                        self->ledger.phase, layer, step, count, stretch->moment.sentence);

  hr_ledger_reach (&self->ledger, &level);
  note_peak (self, stretch, &level, layer + step * (int) earlier);
  level = move_level (&self->ledger.live, &stretch->before, &stretch->after, count);
  hr_ledger_set (&self->ledger, &level);
}

/*
 * hr_stretch_keep:
 * @self: a stretch that has just ended
 *
 * Has a stretch keep what it needs to be repeated when others have been recorded. It is to be cleared.
 */
void
hr_stretch_keep (HrStretch *self)
{
  HrMoment *moment = &self->moment;

  moment->storages = g_memdup2 (moment->storages, moment->n_storages * sizeof *moment->storages);
}

/*
 * hr_stretch_clear:
 * @self: a stretch that hr_stretch_keep() has kept
 *
 * Lets go of what a stretch keeps.
 */
void
hr_stretch_clear (HrStretch *self)
{
  g_clear_pointer (&self->moment.storages, g_free);
}

/* Tensors alike are noted together; what there is no room for is not noted, and explained as the rest. */
static void
note_inputs (HrReplay *self,
             guint64   count,
             guint64   bytes)
{
  guint i = 0;

  if (count == 0 || bytes == 0)
    return;

  while (i < self->n_inputs && self->inputs[i].bytes != bytes)
    i++;
  if (i == G_N_ELEMENTS (self->inputs))
    return;

  if (i == self->n_inputs)
    self->inputs[self->n_inputs++] = (HrInputTensors) { 0, bytes };
  self->inputs[i].count += count;
}

/*
 * hr_replay_add_inputs:
 * @self: a tape
 * @count: how many tensors
 * @bytes: of each
 *
 * Brings what is read to the device, where it stays. On the heap all of it lies together.
 */
void
hr_replay_add_inputs (HrReplay *self,
                      guint64   count,
                      guint64   bytes)
{
  note_inputs (self, count, bytes);
  bytes = count * hr_ledger_round (bytes);
  if (self->heap != NULL)
    hr_heap_take (self->heap, bytes);
  hr_ledger_add (&self->ledger, HR_COMPONENT_INPUTS, bytes);
}

/*
 * hr_replay_rest:
 * @self: a tape
 * @sentence: (nullable): what is alive, a message id
 *
 * Writes the present level down, where no work is done.
 */
void
hr_replay_rest (HrReplay   *self,
                const char *sentence)
{
  const HrLevel *level = &self->ledger.live;

  if (self->timeline != NULL)
    hr_timeline_add (self->timeline, level, level, level, self->ledger.phase, -1, sentence);
}

/* Tensors are numbered anew as they come and go, the lowest number first. */
static guint
find_lowest_number (HrReplay *self)
{
  guint n_words = (self->n_storages + 63) / 64;

  while (self->first_free < n_words && self->used[self->first_free] == G_MAXUINT64)
    self->first_free++;
  if (self->first_free == n_words)
    self->used[n_words] = 0;

  return self->first_free * 64 + __builtin_ctzll (~self->used[self->first_free]);
}

/* Finds a place on the tape. Returns -1, and gives the replay up, if more is held than values have numbers for. */
static int
find_free_storage (HrReplay *self)
{
  guint index;

  if (self->n_storages == HR_REPLAY_MAX_STORAGES)
    {
      self->ledger.overflowed = TRUE;
      return -1;
    }

  index = find_lowest_number (self);
  if (index == self->n_storages)
    {
      make_room (&self->storages, &self->capacity, self->own_storages, index + 1);
      self->n_storages++;
    }
  self->used[index / 64] |= G_GUINT64_CONSTANT (1) << index % 64;

  return index;
}

static void
free_storage (HrReplay *self,
              guint     index)
{
  self->storages[index].references = 0;
  self->used[index / 64] &= ~(G_GUINT64_CONSTANT (1) << index % 64);
  self->first_free = MIN (self->first_free, index / 64);
}

/* Whether an operator is one of the matrix library's. */
static gboolean
is_product (const char *operation)
{
  static const char * const products[] = { "mm", "addmm", "bmm", "baddbmm" };

  for (guint i = 0; i < G_N_ELEMENTS (products); i++)
    {
      if (strcmp (operation, products[i]) == 0)
        return TRUE;
    }

  return FALSE;
}

/* The result is there before the library is called. */
static void
take_from_heap (HrReplay   *self,
                HrStorage  *storage,
                const char *operation)
{
  gboolean is_backward = self->ledger.phase == HR_PHASE_BACKWARD || self->ledger.phase == HR_PHASE_BACKWARD_LOSS;

  storage->block = hr_heap_take (self->heap, storage->bytes);
  if (is_product (operation))
    hr_heap_multiply (self->heap, is_backward ? HR_HEAP_THREAD_BACKWARD : HR_HEAP_THREAD_FORWARD);
}

/*
 * hr_replay_limit:
 * @self: a tape
 * @n_makes: after how many tensors the work ends, %G_MAXUINT if it does not
 *
 * Ends the work that follows after a number of tensors: what comes then is recorded, but takes no memory.
 */
void
hr_replay_limit (HrReplay *self,
                 guint     n_makes)
{
  self->make_limit = n_makes < G_MAXUINT - self->n_made ? self->n_made + n_makes : G_MAXUINT;
}

/* Books what a tensor of activations takes, or no longer does, by how that grows with the length of sequences. */
static void
note_growth (HrReplay        *self,
             const HrStorage *storage,
             guint64          bytes)
{
  if (storage->component == HR_COMPONENT_ACTIVATIONS && !self->ledger.overflowed)
    self->ledger.live.activations[storage->growth] += bytes;
}

static HrValue
make_storage (HrReplay      *self,
              const char    *operation,
              const char    *name,
              HrComponentId  component,
              HrValue        shape,
              guint64        bytes)
{
  gboolean is_made = self->n_made++ < self->make_limit;
  HrStorage *storage;
  int index;

  if (self->has_open_moment && (!is_made || self->ledger.live.total + bytes <= self->stretch->moment.level.total))
    close_moment (self);

  index = find_free_storage (self);
  shape.storage = index;
  shape.expanded = FALSE;
  shape.is_trained = FALSE;
  shape.is_view = FALSE;
  shape.node = HR_NO_NODE;
  if (index < 0)
    return shape;

  storage = &self->storages[index];
  storage->shape = shape;
  storage->references = 1;
  storage->component = component;
  storage->bytes = is_made ? bytes : 0;
  storage->name = name;
  storage->n_before = self->n_made - 1;
  storage->growth = component == HR_COMPONENT_ACTIVATIONS ? hr_value_get_growth (shape, self->symbols) : HR_GROWTH_NONE;
  storage->kept_by = 0;
  storage->block = HR_NO_BLOCK;
  if (!is_made)
    return shape;

  if (self->heap != NULL)
    take_from_heap (self, storage, operation);
  if (self->kernels != NULL)
    hr_kernels_note (&self->kernels[self->ledger.phase], operation, storage->bytes, element_bytes[shape.element]);
  note_growth (self, storage, storage->bytes);
  hr_ledger_add (&self->ledger, component, storage->bytes);
  note_moment (self, operation);

  return shape;
}

/* What the allocator hands out for a shape. */
static guint64
get_shape_bytes (HrReplay *self,
                 HrValue   shape)
{
  guint64 bytes;

  if (!g_uint64_checked_mul (&bytes, hr_value_get_elements (shape, self->symbols), element_bytes[shape.element]))
    bytes = G_MAXUINT64;

  return hr_ledger_round (bytes);
}

/* What an operator made that is not run again. */
static HrValue
take_kept (HrReplay *self,
           HrValue   shape)
{
  self->n_made++;
  shape.storage = hr_operator_cache_take (self->operator_cache).storage;
  shape.expanded = FALSE;
  shape.is_trained = FALSE;
  shape.is_view = FALSE;
  shape.node = HR_NO_NODE;

  return shape;
}

/*
 * hr_replay_make:
 * @self: a tape
 * @operation: the operator that makes it
 * @name: the variable that it is for, in the framework's own code
 * @component: what it is for
 * @shape: its shape
 *
 * Makes a tensor.
 *
 * Returns: the tensor; to be let go of with hr_replay_drop()
 */
HrValue
hr_replay_make (HrReplay      *self,
                const char    *operation,
                const char    *name,
                HrComponentId  component,
                HrValue        shape)
{
  HrOperatorCache *cache = self->operator_cache;
  gboolean is_kept = cache != NULL && hr_operator_cache_keeps (cache, operation);
  HrValue value;

  if (is_kept && cache->is_recomputing && self->n_made < self->make_limit)
    return take_kept (self, shape);

  value = make_storage (self, operation, name, component, shape, get_shape_bytes (self, shape));
  if (is_kept && !cache->is_recomputing && value.storage >= 0)
    hr_operator_cache_add (cache, self, value);

  return value;
}

/*
 * hr_replay_make_elements:
 * @self: a tape
 * @operation: the operator that makes it
 * @name: the variable that it is for, in the framework's own code
 * @component: what it is for
 * @element: what its numbers are
 * @n_elements: how many they are
 *
 * Makes a flat tensor.
 *
 * Returns: the tensor; to be let go of with hr_replay_drop()
 */
HrValue
hr_replay_make_elements (HrReplay      *self,
                         const char    *operation,
                         const char    *name,
                         HrComponentId  component,
                         HrElement      element,
                         guint64        n_elements)
{
  self->symbols[HR_SYMBOL_KEPT] = n_elements;

  return hr_replay_make (self, operation, name, component, HR_SHAPE (element, HR_SYMBOL_KEPT));
}

/*
 * hr_replay_make_bytes:
 * @self: a tape
 * @operation: the operator that makes it
 * @name: the variable that it is for, in the framework's own code
 * @component: what it is for
 * @bytes: how large it is
 *
 * Makes a tensor of which the size alone matters.
 *
 * Returns: the tensor; to be let go of with hr_replay_drop()
 */
HrValue
hr_replay_make_bytes (HrReplay      *self,
                      const char    *operation,
                      const char    *name,
                      HrComponentId  component,
                      guint64        bytes)
{
  return hr_replay_make_elements (self, operation, name, component, HR_ELEMENT_INT8, bytes);
}

/*
 * hr_replay_make_others:
 * @self: a tape
 * @like: a tensor that a step of a loop has made
 *
 * Makes what all those steps make that do as this one does (%HR_SYMBOL_OTHERS), a tensor each.
 *
 * Returns: the tensors, as one; to be let go of with hr_replay_drop()
 */
HrValue
hr_replay_make_others (HrReplay *self,
                       HrValue   like)
{
  const HrStorage *storage = &self->storages[like.storage];
  guint64 bytes;

  g_return_val_if_fail (like.n_symbols < HR_VALUE_MAX_SYMBOLS, HR_NO_VALUE);

  if (!g_uint64_checked_mul (&bytes, get_shape_bytes (self, like), self->symbols[HR_SYMBOL_OTHERS]))
    bytes = G_MAXUINT64 / HR_LEDGER_BLOCK_BYTES * HR_LEDGER_BLOCK_BYTES;
  like.symbols[like.n_symbols++] = HR_SYMBOL_OTHERS;

  return make_storage (self, "loop", storage->name, storage->component, like, bytes);
}

/*
 * hr_replay_adopt:
 * @self: a tape
 * @name: the variable that holds it
 * @component: what it is for
 * @bytes: its size
 *
 * Puts on the tape what is in the books already.
 *
 * Returns: the tensor
 */
HrValue
hr_replay_adopt (HrReplay      *self,
                 const char    *name,
                 HrComponentId  component,
                 guint64        bytes)
{
  HrValue value = { .node = HR_NO_NODE, .count = 1, .divisor = 1 };
  /* Caches of layers come by in turns, however far they have grown. */
  guint64 size = component == HR_COMPONENT_KV_CACHE ? HR_ANY_SIZE : bytes;

  prepare_change (self);
  value.storage = find_free_storage (self);
  if (value.storage < 0)
    return value;

  self->storages[value.storage] = (HrStorage) {
    .shape = value, .references = 1, .component = component, .bytes = bytes, .name = name,
    .block = self->heap != NULL ? hr_heap_adopt (self->heap, component, size) : HR_NO_BLOCK,
  };

  return value;
}

/*
 * hr_replay_leave:
 * @self: a tape
 * @value: a tensor that nothing else holds
 *
 * Takes a tensor from the tape that stays in the books.
 */
void
hr_replay_leave (HrReplay *self,
                 HrValue   value)
{
  HrStorage *storage;

  if (value.storage < 0)
    return;

  storage = &self->storages[value.storage];
  g_return_if_fail (storage->references == 1);

  prepare_change (self);
  if (self->heap != NULL)
    hr_heap_leave (self->heap, storage->block, storage->component, storage->bytes);
  free_storage (self, value.storage);
}

/*
 * hr_replay_hold:
 * @self: a tape
 * @value: a tensor
 *
 * Lets one more variable hold @value, or a view of it.
 *
 * Returns: @value
 */
HrValue
hr_replay_hold (HrReplay *self,
                HrValue   value)
{
  if (value.storage >= 0)
    self->storages[value.storage].references++;

  return value;
}

/*
 * hr_replay_drop:
 * @self: a tape
 * @value: a tensor, or none
 *
 * Lets a variable go; the storage goes with the last of them.
 */
void
hr_replay_drop (HrReplay *self,
                HrValue   value)
{
  HrStorage *storage;

  if (value.storage < 0)
    return;

  storage = &self->storages[value.storage];
  g_return_if_fail (storage->references > 0);

  if (storage->references > 1)
    {
      storage->references--;
      return;
    }

  prepare_change (self);
  if (self->heap != NULL)
    hr_heap_give (self->heap, storage->block);
  note_growth (self, storage, -storage->bytes);
  hr_ledger_remove (&self->ledger, storage->component, storage->bytes);
  free_storage (self, value.storage);
}

/*
 * hr_replay_remove:
 * @self: a tape
 * @component: what memory was for
 * @bytes: how much, all of it but for what was in the books from the start
 *
 * Lets go of what is in the books and not on the tape.
 */
void
hr_replay_remove (HrReplay      *self,
                  HrComponentId  component,
                  guint64        bytes)
{
  if (self->heap != NULL)
    hr_heap_give_left (self->heap, component);
  hr_ledger_remove (&self->ledger, component, bytes);
}

/*
 * hr_replay_drop_casts:
 * @self: a tape
 *
 * Lets go of what the cache of autocast holds, which ends with the forward pass.
 */
void
hr_replay_drop_casts (HrReplay *self)
{
  if (self->keeps_casts)
    hr_replay_remove (self, HR_COMPONENT_TEMPORARY, self->ledger.live.by_component[HR_COMPONENT_TEMPORARY]);
  self->keeps_casts = FALSE;
}

/*
 * hr_replay_assign:
 * @self: a tape
 * @variable: (inout): a variable
 * @value: (transfer full): what it holds from now on
 *
 * Binds a variable to a new value; what it held before goes after the new value has been made.
 */
void
hr_replay_assign (HrReplay *self,
                  HrValue  *variable,
                  HrValue   value)
{
  HrValue before = *variable;

  *variable = value;
  hr_replay_drop (self, before);
}

/*
 * hr_replay_reassign_component:
 * @self: a tape
 * @value: a tensor
 * @component: what it is for from now on
 *
 * Says that a tensor serves another purpose.
 */
void
hr_replay_reassign_component (HrReplay      *self,
                              HrValue        value,
                              HrComponentId  component)
{
  HrStorage *storage;

  if (value.storage < 0)
    return;

  prepare_change (self);
  storage = &self->storages[value.storage];
  note_growth (self, storage, -storage->bytes);
  hr_ledger_move (&self->ledger, storage->component, component, storage->bytes);
  storage->component = component;
  storage->growth = hr_value_get_growth (storage->shape, self->symbols);
  note_growth (self, storage, storage->bytes);
}

/*
 * hr_replay_rename:
 * @self: a tape
 * @value: a tensor, or none
 * @name: the variable that holds it from now on
 *
 * Says what a tensor is called.
 */
void
hr_replay_rename (HrReplay   *self,
                  HrValue     value,
                  const char *name)
{
  if (value.storage < 0)
    return;

  prepare_change (self);
  self->storages[value.storage].name = name;
}

/*
 * hr_replay_get_bytes:
 * @self: a tape
 * @value: a tensor, or none
 *
 * Gets what the allocator handed out for the storage of a tensor.
 *
 * Returns: the size in bytes
 */
guint64
hr_replay_get_bytes (HrReplay *self,
                     HrValue   value)
{
  return value.storage >= 0 ? self->storages[value.storage].bytes : 0;
}

/* How a size grows with the number of tokens of a sequence; sizes that are not listed do not depend on it. */
static const guint8 symbol_growths[HR_N_SYMBOLS] = {
  [HR_SYMBOL_SEQUENCE] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_SEQUENCE_SHARE] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_CONTEXT] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_CONTEXT_PADDED] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_CONTEXT_SINK] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_PER_EXPERT] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_SEQUENCE_32] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_SEQUENCE_128] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_LABELS] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_CONVOLUTION] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_EARLIER] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_CHUNKED] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_CHUNKS] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_BOUNDARIES] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_TARGET] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_TEXT] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_COMPLETION] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_SCORED] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_PREFIXED] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_LOOKED_UP] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_TOKENS_16] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_TOKEN_BLOCKS] = HR_GROWTH_LINEAR,
  [HR_SYMBOL_TABLE] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_OTHERS] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_STEP_KEPT] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_ROWS_KEPT] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_SOURCE] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_KEPT] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_SEGMENTS] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_RELOADED] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_LOSS_POOL] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_PARTIAL_SEGMENTS] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_ROLLOUT] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_ANSWERED] = HR_GROWTH_UNKNOWN,
  [HR_SYMBOL_ANSWERS] = HR_GROWTH_UNKNOWN,
};

/* A window that is shorter than the sequence does not grow with it. */
static gboolean
is_window (HrSymbol       symbol,
           const guint64 *symbols)
{
  return (symbol == HR_SYMBOL_CONTEXT || symbol == HR_SYMBOL_CONTEXT_PADDED || symbol == HR_SYMBOL_CONTEXT_SINK) &&
         symbols[HR_SYMBOL_CONTEXT] < symbols[HR_SYMBOL_SEQUENCE];
}

/*
 * hr_value_get_growth:
 * @value: a shape
 * @symbols: what the symbols stand for
 *
 * Finds out how a shape grows with the length of sequences: by how many of its sizes count tokens.
 *
 * Returns: how it grows
 */
HrGrowth
hr_value_get_growth (HrValue        value,
                     const guint64 *symbols)
{
  guint n_lengths = 0;

  for (guint i = 0; i < value.n_symbols; i++)
    {
      HrSymbol symbol = value.symbols[i];

      if (symbol_growths[symbol] == HR_GROWTH_UNKNOWN)
        return HR_GROWTH_UNKNOWN;
      n_lengths += symbol_growths[symbol] == HR_GROWTH_LINEAR && !is_window (symbol, symbols);
    }

  return n_lengths == 0 ? HR_GROWTH_NONE : n_lengths == 1 ? HR_GROWTH_LINEAR : HR_GROWTH_SQUARE;
}

/*
 * hr_value_get_elements:
 * @value: a shape
 * @symbols: what the symbols stand for
 *
 * Counts the elements of a shape.
 *
 * Returns: how many; %G_MAXUINT64 if they cannot be counted
 */
guint64
hr_value_get_elements (HrValue        value,
                       const guint64 *symbols)
{
  guint64 elements = value.count;

  for (guint i = 0; i < value.n_symbols; i++)
    {
      if (!g_uint64_checked_mul (&elements, elements, symbols[value.symbols[i]]))
        return G_MAXUINT64;
    }

  return value.divisor == 1 ? elements : elements / value.divisor;
}

/*
 * hr_element_get_bytes:
 * @element: the type of an element
 *
 * Gets the size of an element.
 *
 * Returns: the size in bytes
 */
guint
hr_element_get_bytes (HrElement element)
{
  return element_bytes[element];
}

/*
 * hr_element_promote:
 * @a: the type of an element
 * @b: another
 *
 * Gets the type of what is computed of two tensors (torch.result_type): the wider of theirs, and fp32 of the kinds of
 * 16 bits.
 *
 * Returns: the type
 */
HrElement
hr_element_promote (HrElement a,
                    HrElement b)
{
  if (a != b && (a == HR_ELEMENT_FLOAT16 || a == HR_ELEMENT_BFLOAT16) &&
      (b == HR_ELEMENT_FLOAT16 || b == HR_ELEMENT_BFLOAT16))
    return HR_ELEMENT_FLOAT32;

  return element_bytes[b] > element_bytes[a] ? b : a;
}

/*
 * hr_element_widen:
 * @element: the type of an element
 *
 * Gets what a type becomes beside fp32: fp32, or fp64, which is wider.
 *
 * Returns: the type
 */
HrElement
hr_element_widen (HrElement element)
{
  return element == HR_ELEMENT_FLOAT64 ? HR_ELEMENT_FLOAT64 : HR_ELEMENT_FLOAT32;
}

/*
 * hr_symbol_get_name:
 * @symbol: a symbol
 *
 * Gets what stands for @symbol in a formula.
 *
 * Returns: the name
 */
const char *
hr_symbol_get_name (HrSymbol symbol)
{
  return symbol_names[symbol];
}

/*
 * hr_replay_note_reduced:
 * @self: a tape
 * @x: what a kernel adds up, whose result is small
 *
 * Counts what is read, where that is counted.
 */
void
hr_replay_note_reduced (HrReplay *self,
                        HrValue   x)
{
  if (self->kernels != NULL)
    hr_kernels_note_read (&self->kernels[self->ledger.phase], get_shape_bytes (self, x));
}

/*
 * hr_op_like:
 * @self: a tape
 * @operation: the operator
 * @name: the variable that its result is for
 * @like: a shape
 *
 * An operator that makes one tensor of the shape of another, and through which no gradient flows.
 *
 * Returns: the result
 */
HrValue
hr_op_like (HrReplay   *self,
            const char *operation,
            const char *name,
            HrValue     like)
{
  return hr_replay_make (self, operation, name, self->component, like);
}
