/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

double hr_flop_rule_forward        (double n_parameters,
                                    double tokens);
double hr_flop_rule_training       (double n_parameters,
                                    double tokens);
double hr_flop_rule_checkpointed   (double n_parameters,
                                    double tokens);
double hr_flop_rule_head           (double batch,
                                    double sequence,
                                    double hidden_size,
                                    double vocab_size);
double hr_flop_rule_projection     (double batch,
                                    double sequence,
                                    double hidden_size);
double hr_flop_rule_key_value      (double batch,
                                    double sequence,
                                    double hidden_size,
                                    double num_attention_heads,
                                    double num_key_value_heads);
double hr_flop_rule_scores         (double batch,
                                    double sequence,
                                    double hidden_size);
double hr_flop_rule_gate_up        (double batch,
                                    double sequence,
                                    double hidden_size,
                                    double intermediate_size);
double hr_flop_rule_down           (double batch,
                                    double sequence,
                                    double hidden_size,
                                    double intermediate_size);
double hr_flop_rule_total          (double batch,
                                    double sequence,
                                    double hidden_size,
                                    double intermediate_size,
                                    double num_hidden_layers,
                                    double vocab_size);

G_END_DECLS
