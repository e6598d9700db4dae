/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"

G_BEGIN_DECLS

/*
 * The formulas that people know of training, as they are written down: of plain numbers, not of a model. They leave out
 * much; the exact method does not use them.
 */

/* K of ZeRO's paper: for each parameter a copy in fp32 and two averages of Adam, 4 + 4 + 4 bytes. */
#define HR_RULE_OF_THUMB_ZERO_OPTIMIZER_BYTES 12

/* What is kept of the activations (Korthikanti et al., arXiv:2205.05198, table 2). */
typedef enum
{
  HR_RECOMPUTATION_NONE,
  HR_RECOMPUTATION_SELECTIVE,
  HR_RECOMPUTATION_FULL,
} HrRecomputation;

double hr_rule_of_thumb_training_total   (double          parameters,
                                          double          bytes,
                                          double          activations,
                                          double          buffers);
double hr_rule_of_thumb_training_states  (double          parameter_bytes,
                                          double          master_bytes,
                                          double          gradient_bytes,
                                          double          master_gradient_bytes,
                                          double          optimizer_factor);
double hr_rule_of_thumb_tuning_total     (double          parameters,
                                          double          trained,
                                          double          bytes,
                                          double          optimizer_factor,
                                          double          activations);
double hr_rule_of_thumb_overhead         (double          bytes);
double hr_rule_of_thumb_zero_states      (guint64         stage,
                                          guint64         parameters,
                                          guint64         n_ranks);
double hr_rule_of_thumb_zero_shared      (guint64         stage,
                                          guint64         parameters,
                                          guint64         n_ranks);
double hr_rule_of_thumb_zero_whole       (guint64         stage,
                                          guint64         parameters,
                                          guint64         largest);
double hr_rule_of_thumb_optimizer        (double          trained,
                                          double          optimizer_factor);
double hr_rule_of_thumb_lora             (guint64         rank,
                                          double          parameters,
                                          double          target_ratio,
                                          guint64         hidden_size);
double hr_rule_of_thumb_qlora            (double          parameters,
                                          double          trained);
double hr_rule_of_thumb_prefix           (double          parameters);
double hr_rule_of_thumb_activations      (guint64         batch,
                                          guint64         tokens,
                                          guint64         hidden_size,
                                          double          bytes,
                                          guint64         num_hidden_layers);
double hr_rule_of_thumb_checkpointed     (double          activations);
double hr_rule_of_thumb_algorithm        (HrAlgorithm     algorithm,
                                          guint64         num_generations);
double hr_rule_of_thumb_gpt_activations  (guint64         batch,
                                          guint64         tokens,
                                          guint64         hidden_size,
                                          guint64         num_attention_heads,
                                          guint64         num_hidden_layers,
                                          guint64         tensor_parallel,
                                          gboolean        sequence_parallel,
                                          HrRecomputation recomputation);

G_END_DECLS
