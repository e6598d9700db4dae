/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-rule-of-thumb-training.h"

#include <math.h>

#include "hr-grpo-job.h"
#include "hr-rule-of-thumb.h"

/* What training is said to take beside all else: a tenth of it. */
#define OVERHEAD_TENTHS 11

/* What checkpointing is said to leave of the activations. */
#define CHECKPOINTED_TENTHS 3

/* The states of an optimizer are in fp32. */
#define STATE_BYTES 4

/* What prefix tuning is said to train: a hundredth of the parameters. */
#define PREFIX_SHARE 0.01

/**
 * hr_rule_of_thumb_training_total:
 * @parameters: N
 * @bytes: D, of a parameter
 * @activations: A, in bytes
 * @buffers: B, in bytes
 *
 * What training with Adam takes in one precision: 4·N·D + A + B, for weights, gradients and two moments. In mixed
 * precision it leaves out that the moments, and a copy of the weights, stay in fp32.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_training_total (double parameters,
                                 double bytes,
                                 double activations,
                                 double buffers)
{
  return 4 * parameters * bytes + activations + buffers;
}

/**
 * hr_rule_of_thumb_training_states:
 * @parameter_bytes: bytes of a parameter
 * @master_bytes: bytes of its copy that the optimizer works on, 0 if there is none
 * @gradient_bytes: bytes of its gradient
 * @master_gradient_bytes: bytes of a copy of the gradient, 0 if there is none
 * @optimizer_factor: numbers that the optimizer keeps of it, in fp32
 *
 * Bytes of a parameter with its model states. With Adam: 4 + 4 + 8 = 16 in single precision, (2 + 4) + 2 + 8 = 16 as
 * the ZeRO paper counts (arXiv:1910.02054, section 3.1), (2 + 4) + 4 + 8 = 18 where bf16 gradients are added up in fp32
 * (Megatron-LM), (2 + 4) + (2 + 4) + 8 = 20 where fp16 gradients have a copy in fp32.
 *
 * Returns: how many bytes
 */
double
hr_rule_of_thumb_training_states (double parameter_bytes,
                                  double master_bytes,
                                  double gradient_bytes,
                                  double master_gradient_bytes,
                                  double optimizer_factor)
{
  return parameter_bytes + master_bytes + gradient_bytes + master_gradient_bytes +
         hr_rule_of_thumb_optimizer (1, optimizer_factor);
}

/**
 * hr_rule_of_thumb_optimizer:
 * @trained: P_train, parameters that are trained
 * @optimizer_factor: numbers that the optimizer keeps of each: 2 for AdamW, 1 for SGD with momentum, 0 for plain SGD
 *
 * What the optimizer keeps, in fp32: P_train · factor · 4.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_optimizer (double trained,
                            double optimizer_factor)
{
  return trained * optimizer_factor * STATE_BYTES;
}

/**
 * hr_rule_of_thumb_overhead:
 * @bytes: what all parts take
 *
 * What is added for all else: a tenth.
 *
 * Returns: the sum, in bytes
 */
double
hr_rule_of_thumb_overhead (double bytes)
{
  return OVERHEAD_TENTHS * bytes / 10;
}

/**
 * hr_rule_of_thumb_zero_states:
 * @stage: a stage of ZeRO, 0 to 3
 * @parameters: P
 * @n_ranks: N
 *
 * What a GPU holds of weights, gradients and the optimizer's states by figure 1 of Rajbhandari et al.
 * (arXiv:1910.02054), with K = 12: (2 + 2 + K)·P where nothing is shared; stage 1 shares K·P among N, stage 2 the
 * gradients' 2·P as well, stage 3 all. In whole bytes.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_zero_states (guint64 stage,
                              guint64 parameters,
                              guint64 n_ranks)
{
  double optimizer = HR_RULE_OF_THUMB_ZERO_OPTIMIZER_BYTES;
  double whole = stage == 0 ? 4 + optimizer : stage == 1 ? 4 : stage == 2 ? 2 : 0;

  return floor (whole * parameters + (4 + optimizer - whole) * parameters / n_ranks);
}

/**
 * hr_rule_of_thumb_zero_shared:
 * @stage: a stage of ZeRO, 1 to 3
 * @parameters: P
 * @n_ranks: N
 *
 * What a GPU holds of what is shared: 12·P/N of stage 1, copies of parameters in fp32 and two numbers of Adam for each
 * (Rajbhandari et al., arXiv:1910.02054, figure 1), and 18·P/N of the others, in whole bytes: gradients of 16 bits and
 * in fp32 as well, and parameters of 16 bits, or what takes as much (estimate_zero2_model_states_mem_needs of
 * deepspeed/runtime/zero/stage_1_and_2.py, estimate_zero3_model_states_mem_needs of stage3.py).
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_zero_shared (guint64 stage,
                              guint64 parameters,
                              guint64 n_ranks)
{
  return floor ((stage == 1 ? 12.0 : 18.0) * parameters / n_ranks);
}

/**
 * hr_rule_of_thumb_zero_whole:
 * @stage: a stage of ZeRO, 1 to 3
 * @parameters: P
 * @largest: parameters of the largest module
 *
 * What a GPU holds whole: parameters and gradients of 16 bits in stage 1, parameters in stage 2, both of the largest
 * module in stage 3.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_zero_whole (guint64 stage,
                             guint64 parameters,
                             guint64 largest)
{
  if (stage == 3)
    return 4.0 * largest;

  return (stage == 1 ? 4.0 : 2.0) * parameters;
}

/**
 * hr_rule_of_thumb_tuning_total:
 * @parameters: P_total
 * @trained: P_train
 * @bytes: bytes of a parameter and of its gradient
 * @optimizer_factor: numbers that the optimizer keeps of each that is trained
 * @activations: in bytes
 *
 * What training takes: (P_total · bytes + P_train · factor · 4 + P_train · bytes + activations) · 1.1. It knows no
 * master weights.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_tuning_total (double parameters,
                               double trained,
                               double bytes,
                               double optimizer_factor,
                               double activations)
{
  return hr_rule_of_thumb_overhead (parameters * bytes + hr_rule_of_thumb_optimizer (trained, optimizer_factor) +
                                    trained * bytes + activations);
}

/**
 * hr_rule_of_thumb_lora:
 * @rank: r
 * @parameters: P, of the model
 * @target_ratio: the share of them in matrices that get an adapter; a half, where it is not known
 * @hidden_size: h
 *
 * What LoRA trains: 2·r·P·ratio/h, as if all matrices were square.
 *
 * Returns: how many parameters
 */
double
hr_rule_of_thumb_lora (guint64 rank,
                       double  parameters,
                       double  target_ratio,
                       guint64 hidden_size)
{
  return 2.0 * rank * parameters * target_ratio / hidden_size;
}

/**
 * hr_rule_of_thumb_qlora:
 * @parameters: P, of the model
 * @trained: parameters of the adapters
 *
 * What QLoRA takes without activations: P · 4/8 + trained · 2 · 3, for adapters, gradients and optimizer in 16 bits. It
 * knows one state of AdamW's two, and no scales.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_qlora (double parameters,
                        double trained)
{
  return hr_rule_of_thumb_weights (parameters, 4) + trained * 2 * 3;
}

/**
 * hr_rule_of_thumb_prefix:
 * @parameters: P, of the model
 *
 * What prefix tuning trains: P/100, however long the prefix.
 *
 * Returns: how many parameters
 */
double
hr_rule_of_thumb_prefix (double parameters)
{
  return parameters * PREFIX_SHARE;
}

/**
 * hr_rule_of_thumb_activations:
 * @batch: b, sequences
 * @tokens: s, of each
 * @hidden_size: h
 * @bytes: bytes of an element
 * @num_hidden_layers: L
 *
 * What is kept for the backward pass: (3·b·s·h + b·s² + 8·b·s·h) · bytes · L, for queries, keys and values, scores and
 * the feed-forward blocks. It knows no heads, no norms, no gates and no logits.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_activations (guint64 batch,
                              guint64 tokens,
                              guint64 hidden_size,
                              double  bytes,
                              guint64 num_hidden_layers)
{
  double rows = (double) batch * tokens;

  return (3 * rows * hidden_size + rows * tokens + 8 * rows * hidden_size) * bytes * num_hidden_layers;
}

/**
 * hr_rule_of_thumb_checkpointed:
 * @activations: what is kept without checkpointing
 *
 * What checkpointing leaves of the activations: 30 %.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_checkpointed (double activations)
{
  return CHECKPOINTED_TENTHS * activations / 10;
}

/*
 * hr_rule_of_thumb_algorithm:
 * @algorithm: what a model is trained by
 * @num_generations: k, the answers to each prompt
 *
 * How many times the activations of supervised fine-tuning are said to be kept: once, twice for pairs, k times for
 * groups of k. That holds where a micro-batch has that many prompts, with all their answers.
 *
 * Returns: the factor
 */
double
hr_rule_of_thumb_algorithm (HrAlgorithm algorithm,
                            guint64     num_generations)
{
  if (hr_algorithm_is_policy (algorithm))
    return num_generations;

  return hr_algorithm_is_preference (algorithm) ? 2 : 1;
}

/**
 * hr_rule_of_thumb_gpt_activations:
 * @batch: b, sequences
 * @tokens: s, of each
 * @hidden_size: h
 * @num_attention_heads: a
 * @num_hidden_layers: L
 * @tensor_parallel: t, devices that share each layer; 1 without
 * @sequence_parallel: whether they share what lies between the matrices as well
 * @recomputation: what is computed anew
 *
 * What a GPT block keeps for the backward pass in 16 bits, with dropout and a feed-forward block of 4·h (Korthikanti et
 * al., arXiv:2205.05198, table 2): s·b·h·(10 + 24/t + 5·a·s/(h·t))·L without recomputation, which is
 * s·b·h·(34 + 5·a·s/h)·L on one device; without the term in a if the inside of the attention is computed anew, with
 * 34/t in place of 10 + 24/t if sequences are shared; 2·s·b·h·L if all of it is.
 *
 * Returns: the size in bytes
 */
double
hr_rule_of_thumb_gpt_activations (guint64         batch,
                                  guint64         tokens,
                                  guint64         hidden_size,
                                  guint64         num_attention_heads,
                                  guint64         num_hidden_layers,
                                  guint64         tensor_parallel,
                                  gboolean        sequence_parallel,
                                  HrRecomputation recomputation)
{
  double t = tensor_parallel;
  double factor = sequence_parallel ? 34 / t : 10 + 24 / t;

  if (recomputation == HR_RECOMPUTATION_FULL)
    factor = 2;
  else if (recomputation == HR_RECOMPUTATION_NONE)
    factor += 5.0 * num_attention_heads * tokens / (hidden_size * t);

  return (double) tokens * batch * hidden_size * factor * num_hidden_layers;
}
