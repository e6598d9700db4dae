/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-log.h"

/*
 * What SFTTrainer.compute_loss of trl/trainer/sft_trainer.py makes of the logits after the loss, for its log: how
 * many tokens they predict (argmax), and their entropy (entropy_from_logits of trl/trainer/utils.py).
 */

typedef enum
{
  ENTROPY_NONE,
  ENTROPY_OF_SEQUENCE,
  ENTROPY_OF_CHUNK,
} Entropy;

/* How many tokens are a chunk (chunk_size of entropy_from_logits). */
#define CHUNK G_GUINT64_CONSTANT (128)

/*
 * Metrics:
 * @entropy: for how many tokens at a time the entropy is computed
 * @of_copy: whether that is of the copy without the last token
 * @has_predictions: whether what is predicted is counted
 * @copies_again: whether that makes a copy of its own
 */
static const struct
{
  Entropy entropy;
  gboolean of_copy;
  gboolean has_predictions;
  gboolean copies_again;
} metrics[] = {
  [HR_TRL_RELEASE_0_14] = { ENTROPY_NONE },
  [HR_TRL_RELEASE_0_15] = { ENTROPY_NONE, .has_predictions = TRUE, .copies_again = TRUE },
  [HR_TRL_RELEASE_0_22] = { ENTROPY_OF_SEQUENCE, .has_predictions = TRUE, .copies_again = TRUE },
  [HR_TRL_RELEASE_0_23] = { ENTROPY_OF_CHUNK, .has_predictions = TRUE, .copies_again = TRUE },
  [HR_TRL_RELEASE_0_25] = { ENTROPY_OF_CHUNK, .has_predictions = TRUE, .copies_again = TRUE },
  [HR_TRL_RELEASE_0_26] = { ENTROPY_OF_CHUNK, .has_predictions = TRUE, .copies_again = TRUE },
  [HR_TRL_RELEASE_1_3] = { ENTROPY_OF_CHUNK, .of_copy = TRUE, .has_predictions = TRUE, .copies_again = TRUE },
  [HR_TRL_RELEASE_1_6] = { ENTROPY_OF_CHUNK, .of_copy = TRUE, .has_predictions = TRUE },
};

/* `logits[..., :-1, :]` in one piece, as `.contiguous ()` and `.reshape ()` make it: a view of a single sequence. */
static HrValue
copy_shifted (HrReplay *replay,
              HrValue   logits)
{
  replay->symbols[HR_SYMBOL_EARLIER] = replay->symbols[HR_SYMBOL_SEQUENCE] - 1;
  if (replay->symbols[HR_SYMBOL_BATCH] == 1)
    return hr_replay_hold (replay, logits);

  return hr_op_like (replay, "clone", "shift_logits",
                     HR_SHAPE (logits.element, HR_SYMBOL_BATCH, HR_SYMBOL_EARLIER, HR_SYMBOL_VOCABULARY));
}

/*
 * hr_training_compute_entropy:
 * @replay: a tape
 * @shape: the logits that the entropy is computed of at a time
 *
 * `logps = F.log_softmax (chunk); -(torch.exp (logps) * logps).sum (-1)`, of chunk after chunk; what is left of it is
 * little.
 */
void
hr_training_compute_entropy (HrReplay *replay,
                             HrValue   shape)
{
  HrValue logps = hr_op_like (replay, "log_softmax", "logps", shape);
  HrValue exponential = hr_op_like (replay, "exp", "probabilities", shape);
  HrValue product = hr_op_like (replay, "mul", "chunk_entropy", shape);

  hr_replay_drop (replay, exponential);
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, logps);
}

/*
 * hr_training_get_entropy_chunk:
 * @element: what logits are in
 * @n_tokens: of how many tokens there are logits
 *
 * Returns: the shape of the logits that entropy_from_logits of trl/trainer/utils.py takes at a time
 */
HrValue
hr_training_get_entropy_chunk (HrElement element,
                               guint64   n_tokens)
{
  HrValue chunk = HR_SHAPE (element, HR_SYMBOL_VOCABULARY);

  chunk.count = MIN (CHUNK, n_tokens);

  return chunk;
}

/* In the releases that took a sequence at a time, and in those that take chunks. */
static HrValue
get_entropy_shape (HrReplay *replay,
                   HrValue   logits,
                   Entropy   entropy)
{
  if (entropy == ENTROPY_OF_SEQUENCE)
    return HR_SHAPE (logits.element, HR_SYMBOL_SEQUENCE, HR_SYMBOL_VOCABULARY);

  return hr_training_get_entropy_chunk (logits.element,
                                        replay->symbols[HR_SYMBOL_BATCH] * replay->symbols[HR_SYMBOL_SEQUENCE]);
}

/* Indices, 64-bit integers. */
static void
predict (HrReplay *replay)
{
  hr_replay_drop (replay, hr_op_like (replay, "argmax", "predictions",
                                      HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_EARLIER)));
}

/*
 * hr_training_log_metrics:
 * @replay: a tape
 * @logits: what the model returned, which the caller holds
 * @release: the release of TRL
 *
 * Replays what is computed of the logits for the log.
 */
void
hr_training_log_metrics (HrReplay     *replay,
                         HrValue       logits,
                         HrTrlRelease  release)
{
  HrComponentId component = replay->component;
  HrStretch stretch;
  HrValue shifted = HR_NO_VALUE;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->sentence = N_("after the loss, while the entropy of the logits, and what they predict, is computed for the "
                        "log");
  replay->component = HR_COMPONENT_LOGITS;
  if (metrics[release].of_copy)
    shifted = copy_shifted (replay, logits);
  if (metrics[release].entropy != ENTROPY_NONE)
    hr_training_compute_entropy (replay, get_entropy_shape (replay, logits, metrics[release].entropy));
  if (metrics[release].copies_again)
    hr_replay_assign (replay, &shifted, copy_shifted (replay, logits));
  if (metrics[release].has_predictions)
    predict (replay);
  hr_replay_drop (replay, shifted);
  replay->component = component;
  hr_replay_end (replay);
}
