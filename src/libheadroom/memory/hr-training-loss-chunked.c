/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-loss.h"

#include "hr-operator.h"
#include "hr-operator-select.h"

/*
 * TRL's chunked cross entropy (_chunked_cross_entropy_loss and _chunk of trl/trainer/sft_trainer.py, July 2026): the
 * output head and the loss of 256 tokens at a time, each of which is computed anew in the backward pass, in fp32, with
 * the matrix of the head cast as well. All labels are taken to be valid.
 */
#define CHUNK_LENGTH 256

/*
 * @hidden: the hidden states of the tokens
 * @labels: their labels
 * @weight: the matrix of the output head
 * @softcap: whether logits are capped
 * @n_needed: how many tensors are made until the last is there that is kept
 *
 * What a chunk is computed anew from.
 */
typedef struct
{
  HrValue hidden;
  HrValue labels;
  HrValue weight;
  gboolean softcap;
  guint n_needed;
} Chunk;

static HrValue
make (HrReplay   *replay,
      const char *operation,
      HrElement   element,
      HrSymbol    tokens)
{
  return hr_op_like (replay, operation, operation, HR_SHAPE (element, tokens));
}

static HrValue
make_number (HrReplay   *replay,
             const char *operation,
             HrElement   element)
{
  return hr_op_like (replay, operation, operation, HR_SHAPE (element));
}

/* final_logit_softcapping * torch.tanh (logits / final_logit_softcapping), in one statement. */
static void
cap (HrReplay *replay,
     HrValue  *logits)
{
  HrValue capped = hr_op_unary (replay, HR_UNARY_DIV, "logits", *logits);

  hr_replay_assign (replay, &capped, hr_op_unary (replay, HR_UNARY_TANH, "logits", capped));
  hr_replay_assign (replay, &capped, hr_op_unary (replay, HR_UNARY_MUL, "logits", capped));
  hr_replay_assign (replay, logits, capped);
}

/* w.float ().t (), whose gradient is a view as well: the engine does not add that of the next chunk into it. */
static HrValue
transpose (HrReplay *replay,
           HrValue   weight)
{
  HrValue wide = hr_op_cast (replay, weight, HR_ELEMENT_FLOAT32);
  HrValue view = hr_op_view (replay, wide, wide);

  hr_op_record (replay, &view, HR_GRADIENT_VIEW, NULL, &wide, 1);
  hr_replay_drop (replay, wide);
  /* The cache of autocast holds no views. */
  view.is_trained = FALSE;

  return view;
}

/* h.float () @ w.float ().t () */
static HrValue
compute_logits (HrReplay    *replay,
                const Chunk *chunk)
{
  HrSymbol tokens = chunk->hidden.symbols[0];
  HrValue hidden = hr_op_cast (replay, chunk->hidden, HR_ELEMENT_FLOAT32);
  HrValue weight = transpose (replay, chunk->weight);
  HrValue logits;

  logits = hr_op_linear_by (replay, hidden, "logits", weight, HR_NO_VALUE,
                            HR_SHAPE (HR_ELEMENT_FLOAT32, tokens, HR_SYMBOL_VOCABULARY));
  hr_replay_drop (replay, weight);
  hr_replay_drop (replay, hidden);

  return logits;
}

/*
 * How many tokens are right, and the entropy, from which no gradient comes, though they are recorded: what the graph
 * keeps of them counts when it is told how far to compute anew, and only the graph of that holds it then.
 */
static void
measure (HrReplay *replay,
         HrSymbol  tokens,
         HrValue   probabilities,
         HrValue  *results)
{
  HrGraph *graph = g_steal_pointer (&replay->graph);
  gboolean is_held = graph != NULL && !graph->only_counts;
  HrValue valid = make (replay, "ne", HR_ELEMENT_BOOL, tokens);
  HrValue part = make (replay, "argmax", HR_ELEMENT_INT64, tokens);
  HrValue exponentials, product;

  probabilities.node = HR_NO_NODE;
  hr_replay_assign (replay, &part, make (replay, "eq", HR_ELEMENT_BOOL, tokens));
  hr_replay_assign (replay, &part, make (replay, "bitwise_and", HR_ELEMENT_BOOL, tokens));
  hr_replay_assign (replay, &part, make_number (replay, "sum", HR_ELEMENT_INT64));
  results[0] = make_number (replay, "_to_copy", HR_ELEMENT_FLOAT32);
  hr_replay_drop (replay, part);
  exponentials = hr_op_unary (replay, HR_UNARY_EXP, "exp(log_p)", probabilities);
  product = hr_op_binary (replay, HR_BINARY_MUL, "exp(log_p)·log_p", exponentials, probabilities);
  if (!is_held)
    hr_replay_assign (replay, &exponentials, HR_NO_VALUE);
  part = make (replay, "sum", HR_ELEMENT_FLOAT32, tokens);
  hr_replay_drop (replay, product);
  hr_replay_assign (replay, &part, make (replay, "neg", HR_ELEMENT_FLOAT32, tokens));
  replay->n_needed = replay->n_made;
  hr_replay_assign (replay, &part, make (replay, "mul", HR_ELEMENT_FLOAT32, tokens));
  results[1] = make_number (replay, "sum", HR_ELEMENT_FLOAT32);
  hr_replay_drop (replay, part);
  hr_replay_drop (replay, exponentials);
  hr_replay_drop (replay, valid);
  replay->graph = graph;
}

/* Its loss, how many tokens are right, and their entropy. */
static HrValue
run_chunk (HrReplay    *replay,
           const Chunk *chunk,
           HrValue     *results)
{
  HrSymbol tokens = chunk->hidden.symbols[0];
  HrValue logits = compute_logits (replay, chunk);
  HrValue wide, probabilities, loss;

  if (chunk->softcap)
    cap (replay, &logits);
  wide = hr_op_cast (replay, logits, HR_ELEMENT_FLOAT32);
  probabilities = hr_op_log_softmax (replay, wide);
  hr_replay_drop (replay, wide);
  loss = hr_training_loss_nll (replay, probabilities, HR_NO_VALUE);
  measure (replay, tokens, probabilities, results);
  hr_replay_drop (replay, probabilities);
  hr_replay_drop (replay, logits);

  return loss;
}

static void
release_chunk (HrReplay *replay,
               gpointer  data)
{
  Chunk *self = data;

  hr_replay_drop (replay, self->labels);
  hr_replay_drop (replay, self->hidden);
  g_free (self);
}

static void
recompute_chunk (HrReplay *replay,
                 gpointer  data)
{
  Chunk chunk = *(Chunk *) data;
  HrValue results[2];

  if (hr_value_needs_gradient (chunk.hidden))
    chunk.hidden = hr_autograd_boundary (replay, chunk.hidden);
  if (hr_value_needs_gradient (chunk.weight))
    chunk.weight = hr_autograd_boundary (replay, chunk.weight);
  hr_replay_limit (replay, chunk.n_needed);
  hr_replay_drop (replay, run_chunk (replay, &chunk, results));
  hr_replay_limit (replay, G_MAXUINT);
  hr_replay_drop (replay, results[1]);
  hr_replay_drop (replay, results[0]);
}

/* torch.utils.checkpoint.checkpoint (_chunk, …, use_reentrant=False) */
static HrValue
checkpoint_chunk (HrReplay *replay,
                  HrValue   packed,
                  HrValue   labels,
                  HrValue   weight,
                  HrSymbol  tokens,
                  gboolean  softcap,
                  HrValue  *results)
{
  HrSymbol width = packed.symbols[packed.n_symbols - 1];
  HrValue hidden = hr_op_slice (replay, packed, HR_SHAPE (packed.element, tokens, width));
  HrRegion *region = hr_autograd_begin_region (replay);
  Chunk *chunk = g_new (Chunk, 1);
  guint n_made = replay->n_made;
  HrValue loss;

  *chunk = (Chunk) { .hidden = hidden, .labels = hr_replay_hold (replay, labels), .weight = weight,
                     .softcap = softcap };
  loss = run_chunk (replay, chunk, results);
  chunk->n_needed = replay->n_needed - n_made;
  if (region != NULL)
    hr_autograd_end_region (replay, region, recompute_chunk, release_chunk, chunk);
  else
    release_chunk (replay, chunk);

  return loss;
}

/* loss = loss + chunk_loss, and likewise what is counted; the chunk's own numbers stay until those of the next. */
static void
add_numbers (HrReplay *replay,
             HrValue  *sums,
             HrValue  *numbers)
{
  for (guint i = 0; i < 3; i++)
    hr_replay_assign (replay, &sums[i], hr_op_binary (replay, HR_BINARY_ADD, "loss", sums[i], numbers[i]));
}

/* Of the chunks between the second and the last each does what the second does. */
static void
run_chunks (HrReplay *replay,
            HrValue   packed,
            HrValue   labels,
            HrValue   weight,
            gboolean  softcap,
            guint64   n_tokens,
            HrValue  *sums)
{
  guint64 n_chunks = (n_tokens + CHUNK_LENGTH - 1) / CHUNK_LENGTH;
  guint64 n_replayed = MIN (n_chunks, 3);
  HrValue numbers[3] = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE };

  replay->symbols[HR_SYMBOL_LOSS_CHUNK] = CHUNK_LENGTH;
  replay->symbols[HR_SYMBOL_LAST_LOSS_CHUNK] = n_tokens - (n_chunks - 1) * CHUNK_LENGTH;
  for (guint64 i = 0; i < n_replayed; i++)
    {
      HrSymbol tokens = i + 1 < n_replayed ? HR_SYMBOL_LOSS_CHUNK : HR_SYMBOL_LAST_LOSS_CHUNK;
      HrValue results[2];

      hr_replay_assign (replay, &numbers[0],
                        checkpoint_chunk (replay, packed, labels, weight, tokens, softcap, results));
      hr_replay_assign (replay, &numbers[1], results[0]);
      hr_replay_assign (replay, &numbers[2], results[1]);
      add_numbers (replay, sums, numbers);
    }
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    hr_replay_drop (replay, numbers[i]);
}

/* Valid tokens come first, by a stable sort of the mask; the hidden states and labels are copied in that order. */
static HrValue
pack (HrReplay *replay,
      HrValue   rows,
      HrValue   shifted,
      HrValue  *labels)
{
  HrValue shape = rows;
  HrValue small, sorted, order, packed;

  shape.element = HR_ELEMENT_INT8;
  small = hr_op_like (replay, "_to_copy", "valid", shape);
  sorted = hr_op_like (replay, "sort", "valid", shape);
  shape.element = HR_ELEMENT_INT64;
  order = hr_op_like (replay, "sort", "order", shape);
  hr_replay_drop (replay, sorted);
  hr_replay_drop (replay, small);
  packed = hr_op_take (replay, "hidden", shifted, order, shifted);
  hr_replay_assign (replay, labels, hr_op_like (replay, "index", "labels", shape));
  hr_replay_drop (replay, order);

  return packed;
}

/* hidden_states[..., :-1, :].reshape (-1, h), and the labels that belong to it: views of a single sequence. */
static HrValue
shift (HrReplay *replay,
       HrValue   hidden,
       HrValue   rows,
       HrValue  *labels)
{
  HrSymbol width = hidden.symbols[hidden.n_symbols - 1];
  HrValue shape = HR_SHAPE (hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_EARLIER, width);
  HrValue shifted = hr_op_slice (replay, hidden, shape);

  *labels = HR_NO_VALUE;
  if (replay->symbols[HR_SYMBOL_BATCH] == 1)
    return shifted;

  hr_replay_assign (replay, &shifted, hr_op_copy (replay, "hidden", shifted, shape));
  rows.element = HR_ELEMENT_INT64;
  *labels = hr_op_like (replay, "clone", "labels", rows);

  return shifted;
}

/*
 * hr_training_loss_chunked:
 * @replay: a tape
 * @hidden: the last hidden states, which the caller holds
 * @weight: the matrix of the output head
 * @softcap: whether logits are capped
 * @beside: (out) (array length=3): what the model returns beside the loss, numbers for the log
 *
 * _chunked_cross_entropy_loss.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_chunked (HrReplay *replay,
                          HrValue   hidden,
                          HrValue   weight,
                          gboolean  softcap,
                          HrValue  *beside)
{
  HrValue rows = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_EARLIER);
  HrValue sums[3];
  HrValue labels, shifted, valid, n_valid, n_padded, packed, loss;
  guint64 n_tokens;

  replay->sentence = N_("in the loss, while the logits of a chunk of tokens, their log-softmax and products of it are "
                        "alive");
  replay->symbols[HR_SYMBOL_EARLIER] = replay->symbols[HR_SYMBOL_SEQUENCE] - 1;
  n_tokens = hr_value_get_elements (rows, replay->symbols);
  shifted = shift (replay, hidden, rows, &labels);
  valid = hr_op_like (replay, "ne", "valid", rows);
  n_valid = make_number (replay, "sum", HR_ELEMENT_INT64);
  sums[1] = make_number (replay, "new_zeros", HR_ELEMENT_FLOAT32);
  sums[2] = make_number (replay, "new_zeros", HR_ELEMENT_FLOAT32);
  packed = pack (replay, rows, shifted, &labels);
  hr_replay_drop (replay, shifted);
  n_padded = make_number (replay, "mul", HR_ELEMENT_INT64);
  sums[0] = make_number (replay, "new_zeros", HR_ELEMENT_FLOAT32);
  run_chunks (replay, packed, labels, weight, softcap, n_tokens, sums);
  loss = hr_op_binary_as (replay, HR_BINARY_DIV, "loss", sums[0], n_valid, sums[0]);
  hr_replay_drop (replay, sums[0]);
  hr_replay_drop (replay, n_padded);
  hr_replay_drop (replay, packed);
  hr_replay_drop (replay, labels);
  hr_replay_drop (replay, valid);
  beside[0] = sums[1];
  beside[1] = sums[2];
  beside[2] = n_valid;

  return loss;
}
