/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-loss.h"

#include "hr-fusion.h"
#include "hr-operator.h"
#include "hr-operator-select.h"
#include "hr-operator-sequence.h"
#include "hr-replay-ulysses.h"

/* The losses of transformers' classes, from the logits to a number. */

/*
 * hr_training_upcast_logits:
 * @replay: a tape
 * @logits: (inout): the logits
 *
 * `logits = logits.float ()`, before the loss.
 */
void
hr_training_upcast_logits (HrReplay *replay,
                           HrValue  *logits)
{
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->component = HR_COMPONENT_LOGITS;
  hr_replay_assign (replay, logits, hr_op_cast (replay, *logits, HR_ELEMENT_FLOAT32));
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_end (replay);
}

/* Whatever is returned in 16 bits: convert_to_fp32 of accelerate/utils/operations.py. */
static void
upcast_returned (HrReplay *replay,
                 HrValue  *returned)
{
  HrValue wide = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_KEPT);

  if (returned->storage < 0 || hr_element_get_bytes (returned->element) >= sizeof (float))
    return;

  replay->symbols[HR_SYMBOL_KEPT] = hr_replay_get_bytes (replay, *returned) /
                                    hr_element_get_bytes (returned->element);
  hr_replay_assign (replay, returned, hr_op_like (replay, "_to_copy", "image_hidden_states", wide));
}

/*
 * hr_training_upcast_outputs:
 * @replay: a tape
 * @logits: (inout): logits
 * @returned: (inout) (array length=n_returned): what the model's function returns beside them
 * @n_returned: how many values that are
 *
 * Casts all that the model returns to fp32, and then lets go of what that was.
 */
void
hr_training_upcast_outputs (HrReplay *replay,
                            HrValue  *logits,
                            HrValue  *returned,
                            guint     n_returned)
{
  HrValue narrow = hr_replay_hold (replay, *logits);
  HrStretch stretch;

  hr_training_upcast_logits (replay, logits);
  hr_replay_begin (replay, &stretch, "loss", -1);
  for (guint i = 0; i < n_returned; i++)
    upcast_returned (replay, &returned[i]);
  hr_replay_end (replay);
  hr_replay_drop (replay, narrow);
}

/*
 * hr_training_loss_nll:
 * @replay: a tape
 * @probabilities: the logarithms of the probabilities, which the caller holds
 * @labels: which of each row is right, or none where they stay anyway
 *
 * F.nll_loss, the mean or sum of one element of each row.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_nll (HrReplay *replay,
                      HrValue   probabilities,
                      HrValue   labels)
{
  HrValue loss = hr_op_like (replay, "nll_loss_forward", "loss", HR_SHAPE (probabilities.element));
  HrValue weight = hr_op_like (replay, "nll_loss_forward", "total_weight", HR_SHAPE (probabilities.element));

  /* Zeros, of which one element of each row is set. */
  if (hr_op_record (replay, &loss, HR_GRADIENT_TYPED_AS_INPUT, "nll_loss_backward", &probabilities, 1))
    {
      hr_autograd_save (replay, loss, probabilities);
      hr_autograd_save (replay, loss, labels);
      hr_autograd_save (replay, loss, weight);
    }
  hr_replay_drop (replay, weight);

  return loss;
}

/* F.cross_entropy: log_softmax, of which nll_loss, which autocast computes in fp32, picks one of each row. */
static HrValue
compute_cross_entropy (HrReplay *replay,
                       HrValue   logits,
                       HrValue   labels)
{
  HrValue probabilities = hr_op_log_softmax (replay, logits);
  HrValue loss;

  if (replay->autocast != HR_ELEMENT_NONE)
    hr_replay_assign (replay, &probabilities, hr_op_cast (replay, probabilities, hr_element_widen (logits.element)));
  loss = hr_training_loss_nll (replay, probabilities, labels);
  hr_replay_drop (replay, probabilities);

  return loss;
}

/* A part of each sequence as `….contiguous ()` makes it: that of a single sequence lies in one piece already. */
static gboolean
is_part_contiguous (const HrReplay *replay)
{
  return replay->symbols[HR_SYMBOL_BATCH] == 1;
}

/* `logits[..., :-1, :].contiguous ()` of what was cast, and the labels that belong to it, a part of the batch's. */
static HrValue
compute_shifted (HrReplay *replay,
                 HrValue   logits32,
                 gboolean  in_place)
{
  HrValue shape = HR_SHAPE (logits32.element, HR_SYMBOL_BATCH, HR_SYMBOL_EARLIER, HR_SYMBOL_VOCABULARY);
  HrValue shifted, loss;
  HrValue labels = HR_NO_VALUE;

  replay->symbols[HR_SYMBOL_EARLIER] = replay->symbols[HR_SYMBOL_SEQUENCE] - 1;
  shifted = hr_op_slice (replay, logits32, shape);
  if (!is_part_contiguous (replay))
    {
      hr_replay_assign (replay, &shifted, hr_op_copy (replay, "shift_logits", shifted, shape));
      labels = hr_op_like (replay, "clone", "shift_labels", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH,
                                                                      HR_SYMBOL_EARLIER));
    }
  loss = in_place ? hr_training_loss_liger (replay, shifted) : compute_cross_entropy (replay, shifted, labels);
  hr_replay_drop (replay, labels);
  hr_replay_drop (replay, shifted);

  return loss;
}

/* Labels that are shifted: padded by one, of which the first is left out; those of a part come shifted as they are. */
static HrValue
compute_with_shifted_labels (HrReplay *replay,
                             HrValue   logits32,
                             gboolean  in_place)
{
  HrValue padded, labels, loss;

  if (hr_ulysses_is_used (replay))
    return in_place ? hr_training_loss_liger (replay, logits32)
                    : compute_cross_entropy (replay, logits32, HR_NO_VALUE);

  replay->symbols[HR_SYMBOL_LABELS] = replay->symbols[HR_SYMBOL_SEQUENCE] + 1;
  padded = hr_op_like (replay, "constant_pad_nd", "labels",
                       HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_LABELS));
  /* `labels[..., 1:].contiguous ()` */
  if (is_part_contiguous (replay))
    labels = hr_replay_hold (replay, padded);
  else
    labels = hr_op_like (replay, "clone", "shift_labels",
                         HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  loss = in_place ? hr_training_loss_liger (replay, logits32) : compute_cross_entropy (replay, logits32, labels);
  hr_replay_drop (replay, labels);
  hr_replay_drop (replay, padded);

  return loss;
}

/*
 * hr_training_loss_causal:
 * @replay: a tape
 * @logits: the logits, which the caller holds
 * @shifts_logits: whether the logits are shifted, and not the labels
 * @in_fp32: whether they are cast to fp32 first, or left as they are (ModernBertDecoderForCausalLM)
 * @in_place: whether Liger-Kernel's cross entropy writes the gradient over them
 *
 * ForCausalLMLoss of transformers/loss/loss_utils.py: the logits in fp32, the labels shifted by one, the cross entropy.
 * Until transformers 4.48 the logits were shifted.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_causal (HrReplay *replay,
                         HrValue   logits,
                         gboolean  shifts_logits,
                         gboolean  in_fp32,
                         gboolean  in_place)
{
  HrStretch stretch;
  HrValue logits32, loss;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->component = HR_COMPONENT_LOGITS;
  replay->sentence = shifts_logits
                       ? N_("in the loss, while the logits, copies of them in fp32 and their log-softmax are alive")
                       : N_("in the loss, while the logits, their copy in fp32 and their log-softmax are alive");
  logits32 = in_fp32 ? hr_op_cast (replay, logits, hr_element_widen (logits.element)) : hr_replay_hold (replay, logits);
  loss = shifts_logits ? compute_shifted (replay, logits32, in_place)
                       : compute_with_shifted_labels (replay, logits32, in_place);
  hr_replay_drop (replay, logits32);
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_end (replay);

  return loss;
}

/*
 * hr_training_loss_masked:
 * @replay: a tape
 * @logits: the logits, which the caller holds
 *
 * `logits[..., :-1, :][shift_attention_mask != 0].contiguous ()`, and the labels likewise: without padding, of which
 * there is taken to be none (Qwen2AudioForConditionalGeneration.forward).
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_masked (HrReplay *replay,
                         HrValue   logits)
{
  HrValue shape = HR_SHAPE (logits.element, HR_SYMBOL_BATCH, HR_SYMBOL_EARLIER, HR_SYMBOL_VOCABULARY);
  HrValue row = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_EARLIER);
  HrStretch stretch;
  HrValue part, mask, shifted, labels, loss;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->component = HR_COMPONENT_LOGITS;
  replay->sentence = N_("in the loss, while the logits, their copy in fp32 and their log-softmax are alive");
  replay->symbols[HR_SYMBOL_EARLIER] = replay->symbols[HR_SYMBOL_SEQUENCE] - 1;
  part = hr_op_slice (replay, logits, shape);
  mask = hr_op_like (replay, "ne", "shift_attention_mask != 0", row);
  shifted = hr_op_take (replay, "shift_logits", part, mask, shape);
  hr_replay_drop (replay, mask);
  row.element = HR_ELEMENT_INT64;
  labels = hr_op_like (replay, "index", "shift_labels", row);
  loss = compute_cross_entropy (replay, shifted, labels);
  hr_replay_drop (replay, labels);
  hr_replay_drop (replay, shifted);
  hr_replay_drop (replay, part);
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_end (replay);

  return loss;
}

/* Zeros for what the loop does not differentiate, the logits that come out of the graph, until both are added. */
static void
backward_compiled (HrReplay     *replay,
                   const HrNode *node,
                   HrValue       gradient,
                   HrValue      *gradients)
{
  HrValue zeros = hr_op_make_gradient (replay, "zeros", node->inputs[0]);

  gradients[0] = hr_op_make_gradient (replay, "_log_softmax_backward_data", node->inputs[0]);
  hr_replay_drop (replay, zeros);
}

/*
 * hr_training_loss_compiled:
 * @replay: a tape
 * @logits: the logits, which the caller holds
 *
 * ForCausalLMLoss as torch.compile runs it: no copy in fp32 is made, as the kernels read the logits as they are, and
 * keep the largest of each row, the logarithm of its sum, the shifted labels and which of them count.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_compiled (HrReplay *replay,
                           HrValue   logits)
{
  HrValue rows[] = {
    HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE),
    HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE),
    HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE),
    HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE),
  };
  static const char * const names[] = { "amax", "log", "labels", "labels != -100" };
  HrStretch stretch;
  HrValue loss;
  gboolean is_recorded;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->sentence = N_("in the loss, while the logits are alive");
  loss = hr_op_like (replay, "nll_loss_forward", "loss", HR_SHAPE (HR_ELEMENT_FLOAT32));
  is_recorded = hr_autograd_record (replay, &loss, backward_compiled, &logits, 1);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      rows[i] = hr_op_like (replay, "cross_entropy", names[i], rows[i]);
      if (is_recorded)
        hr_autograd_save (replay, loss, rows[i]);
      hr_replay_drop (replay, rows[i]);
    }
  if (is_recorded)
    {
      hr_fusion_join (replay, loss);
      hr_autograd_save (replay, loss, logits);
    }
  hr_replay_end (replay);

  return loss;
}

/*
 * hr_training_loss_last_token:
 * @replay: a tape
 * @logits: the scores of all tokens, which the caller holds
 *
 * The cross entropy of the scores of each sequence's last token, which is found among the tokens that are no padding
 * (GenericForSequenceClassification of transformers/modeling_layers.py, ForSequenceClassificationLoss).
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_last_token (HrReplay *replay,
                             HrValue   logits)
{
  HrValue picked = HR_SHAPE (logits.element, HR_SYMBOL_BATCH, HR_SYMBOL_CLASSES);
  HrStretch stretch;
  HrValue truths, found, indices, product, last, loss;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->sentence = N_("in the loss, while the logits and their log-softmax are alive");
  truths = hr_op_like (replay, "ne", "input_ids != pad_token_id",
                       HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  found = hr_op_like (replay, "_to_copy", "non_pad_mask",
                      HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  hr_replay_drop (replay, truths);
  indices = hr_op_like (replay, "arange", "token_indices", HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_SEQUENCE));
  product = hr_op_like (replay, "mul", "token_indices · non_pad_mask",
                        HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  last = hr_op_like (replay, "argmax", "last_non_pad_token", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH));
  hr_replay_drop (replay, product);
  replay->component = HR_COMPONENT_LOGITS;
  hr_replay_assign (replay, &picked, hr_op_slice (replay, logits, picked));
  hr_replay_assign (replay, &picked, hr_op_copy (replay, "pooled_logits", picked, hr_value_detach (picked)));
  loss = compute_cross_entropy (replay, picked, HR_NO_VALUE);
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_drop (replay, picked);
  hr_replay_drop (replay, last);
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, found);
  hr_replay_end (replay);

  return loss;
}

/*
 * hr_training_loss_span:
 * @replay: a tape
 * @logits: two scores of each token, which the caller holds
 *
 * The mean of two cross entropies over the tokens of each sequence, of where an answer begins and of where it ends
 * (ForQuestionAnsweringLoss of transformers/loss/loss_utils.py).
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_span (HrReplay *replay,
                       HrValue   logits)
{
  HrValue row = HR_SHAPE (logits.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  const HrValue shapes[] = { row, row };
  HrValue parts[2], losses[2], positions[2];
  HrStretch stretch;
  HrValue loss;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->component = HR_COMPONENT_LOGITS;
  replay->sentence = N_("in the loss, while the logits and their log-softmax are alive");
  hr_op_split (replay, logits, shapes, G_N_ELEMENTS (shapes), parts);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_assign (replay, &parts[i], hr_op_copy (replay, "start_logits, end_logits", parts[i], row));
  for (guint i = 0; i < G_N_ELEMENTS (positions); i++)
    positions[i] = hr_op_like (replay, "clamp", "positions", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH));
  for (guint i = 0; i < G_N_ELEMENTS (losses); i++)
    losses[i] = compute_cross_entropy (replay, parts[i], positions[i]);
  loss = hr_op_binary (replay, HR_BINARY_ADD, "total_loss", losses[0], losses[1]);
  hr_replay_assign (replay, &loss, hr_op_unary (replay, HR_UNARY_DIV, "total_loss", loss));
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      hr_replay_drop (replay, losses[i]);
      hr_replay_drop (replay, positions[i]);
      hr_replay_drop (replay, parts[i]);
    }
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_end (replay);

  return loss;
}

/*
 * hr_training_loss_cross_entropy:
 * @replay: a tape
 * @logits: the logits, which the caller holds
 * @in_fp32: whether they are cast to fp32 first (ForMaskedLMLoss of transformers/loss/loss_utils.py), or left as they
 *   are (CrossEntropyLoss, as in BertForMaskedLM and T5ForConditionalGeneration)
 *
 * The cross entropy of each row and its label, as the batch has them.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_cross_entropy (HrReplay *replay,
                                HrValue   logits,
                                gboolean  in_fp32)
{
  HrStretch stretch;
  HrValue cast, loss;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->component = HR_COMPONENT_LOGITS;
  replay->sentence = N_("in the loss, while the logits and their log-softmax are alive");
  cast = in_fp32 ? hr_op_cast (replay, logits, hr_element_widen (logits.element)) : hr_replay_hold (replay, logits);
  loss = compute_cross_entropy (replay, cast, HR_NO_VALUE);
  hr_replay_drop (replay, cast);
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_end (replay);

  return loss;
}
