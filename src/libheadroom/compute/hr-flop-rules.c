/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-flop-rules.h"

/*
 * The formulas that people know, computed as they are written. Those of a document that counts the operations of
 * llama2-13B part by part are right for its projections, scores and head; of a perceptron it multiplies the sizes of
 * both operands, and of keys and values that several heads share it divides by a square.
 */

/* 2·N for each token: Kaplan et al., Scaling Laws for Neural Language Models (arXiv 2001.08361), section 2.1. */
double
hr_flop_rule_forward (double n_parameters,
                      double tokens)
{
  return 2 * n_parameters * tokens;
}

/* 6·N for each token: the backward pass computes twice as much as the forward pass (likewise). */
double
hr_flop_rule_training (double n_parameters,
                       double tokens)
{
  return 6 * n_parameters * tokens;
}

/* 8·N for each token, where the forward pass is computed anew (Narayanan et al., arXiv 2104.04473, section 5.1). */
double
hr_flop_rule_checkpointed (double n_parameters,
                           double tokens)
{
  return 8 * n_parameters * tokens;
}

/* 2·b·s·h·V */
double
hr_flop_rule_head (double batch,
                   double sequence,
                   double hidden_size,
                   double vocab_size)
{
  return 2 * batch * sequence * hidden_size * vocab_size;
}

/* 2·b·s·h² */
double
hr_flop_rule_projection (double batch,
                         double sequence,
                         double hidden_size)
{
  return 2 * batch * sequence * hidden_size * hidden_size;
}

/* 2·(2·b·s·h²), and with heads that are shared 2·(2·b·s·h² / (n_h·n_kv)²): the factor is n_kv / n_h in truth. */
double
hr_flop_rule_key_value (double batch,
                        double sequence,
                        double hidden_size,
                        double num_attention_heads,
                        double num_key_value_heads)
{
  double both = 2 * hr_flop_rule_projection (batch, sequence, hidden_size);
  double divisor = num_attention_heads * num_key_value_heads;

  return num_attention_heads == num_key_value_heads ? both : both / (divisor * divisor);
}

/* 2·b·s²·h, of scores and of their product with the values each */
double
hr_flop_rule_scores (double batch,
                     double sequence,
                     double hidden_size)
{
  return 2 * batch * sequence * sequence * hidden_size;
}

/* 2·(b·s·h)·(h·i): the sizes of both operands are multiplied, and h counts twice. */
double
hr_flop_rule_gate_up (double batch,
                      double sequence,
                      double hidden_size,
                      double intermediate_size)
{
  return 2 * (batch * sequence * hidden_size) * (hidden_size * intermediate_size);
}

/* 2·(b·s·i)·(i·h), as the example of the document has it; its rule leaves the 2 away. */
double
hr_flop_rule_down (double batch,
                   double sequence,
                   double hidden_size,
                   double intermediate_size)
{
  return 2 * (batch * sequence * intermediate_size) * (intermediate_size * hidden_size);
}

/* All of it, with a head of keys and values for each head of queries, as the document adds it up. */
double
hr_flop_rule_total (double batch,
                    double sequence,
                    double hidden_size,
                    double intermediate_size,
                    double num_hidden_layers,
                    double vocab_size)
{
  double layer = 2 * hr_flop_rule_projection (batch, sequence, hidden_size) +
                 hr_flop_rule_key_value (batch, sequence, hidden_size, 1, 1) +
                 2 * hr_flop_rule_scores (batch, sequence, hidden_size) +
                 hr_flop_rule_gate_up (batch, sequence, hidden_size, intermediate_size) +
                 hr_flop_rule_down (batch, sequence, hidden_size, intermediate_size);

  return hr_flop_rule_head (batch, sequence, hidden_size, vocab_size) + num_hidden_layers * layer;
}
