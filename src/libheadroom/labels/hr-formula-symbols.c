/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-formula-symbols.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What the letters of formulas stand for; the small ones further down are those of the rule of thumb. */
static const struct
{
  const char *name;
  const char *description;
} symbols[] = {
  { "B", N_("sequences in the batch, beams included") },
  { "S", N_("tokens of a sequence that are computed at once") },
  { "C", N_("tokens of a sequence that are attended to") },
  { "N", N_("positions that the encoder makes of the input") },
  { "Y", N_("num_labels: the labels of a classifier") },
  { "L", N_("layers") },
  { "L_w", N_("layers with a sliding window") },
  { "w", N_("tokens in the window") },
  { "h", N_("hidden_size: the width of a hidden state") },
  { "p", N_("the width of an embedding that is projected to h") },
  { "i", N_("intermediate_size: the width inside the feed-forward blocks") },
  { "q", N_("the width of the queries: query heads × head_dim") },
  { "k", N_("the width of the keys: key-value heads × head_dim") },
  { "H", N_("num_attention_heads: query heads") },
  { "K", N_("num_key_value_heads: key-value heads") },
  { "d", N_("head_dim: the width of a head") },
  { "r", N_("the part of a head that is rotated") },
  { "v", N_("the width of the values, where it is not that of the keys: heads × v_head_dim") },
  { "c", N_("kv_lora_rank: the width of the latent that keys and values are expanded from") },
  { "c_q", N_("q_lora_rank: the width of the latent that queries are expanded from") },
  { "H_x", N_("index_n_heads: heads of the indexer that chooses keys") },
  { "d_x", N_("index_head_dim: the width of its heads, and of the key that it keeps of a token") },
  { "k_x", N_("index_topk: keys that it chooses for a query, at most C") },
  { "E", N_("experts that a router chooses from") },
  { "E_r", N_("those of them that a rank has") },
  { "t", N_("num_experts_per_tok: experts that are chosen for a token") },
  { "R_t", N_("pairs of a rank’s tokens and the experts that are chosen for them") },
  { "R_e", N_("pairs of tokens and experts that come to a rank, if all experts are chosen alike") },
  { "T_g", N_("tokens of all ranks that share experts") },
  { "m", N_("moe_intermediate_size: the width inside an expert") },
  { "c_m", N_("moe_latent_size: the width that the experts compute in, where it is not h") },
  { "L_s", N_("layers with a state") },
  { "conv", N_("what a layer keeps of a sequence for its convolution") },
  { "state", N_("the state that a layer keeps of a sequence") },
  { "m_s", N_("channels of a state-space layer") },
  { "n_s", N_("state_size: the state of a channel") },
  { "r_s", N_("time_step_rank: the width that the time step is projected from") },
  { "w_s", N_("conv_kernel: tokens that the convolution sees") },
  { "H_s", N_("heads of a state-space layer") },
  { "k_s", N_("the width of the keys of a linear attention") },
  { "k_h", N_("the width of its keys, for each head of the values") },
  { "g_s", N_("groups of such heads") },
  { "c_s", N_("chunk_size: tokens that are computed together") },
  { "d_g", N_("channels of such a group, or of a head") },
  { "n_o", N_("tokens or chunks that are computed one after the other, but for the first and the last two") },
  { "a_s", N_("bytes that each of them keeps for the backward pass") },
  { "a_r", N_("bytes that solving the chunks row by row keeps for the backward pass, but for the last row") },
  { "V", N_("vocab_size: words of the vocabulary") },
  { "p_l", N_("parameters of a layer, where they are sharded") },
  { "p_e", N_("parameters of the table of tokens, where they are sharded") },
  { "p_o", N_("parameters around the layers, where they are sharded") },
  { "p_u", N_("parameters of a matrix that is added beside another, where each is gathered by itself") },
  { "p_r", N_("parameters beside those, which stay gathered from the beginning of a micro-batch to its end") },
  { "p_t", N_("those of them that get a gradient") },
  { "p_m", N_("parameters of the largest module") },
  { "N_d", N_("ranks that share parameters") },
  { "R_f", N_("MiB that are to stay free, a figure of your own") },
  { "B_r", N_("temporary buffers, a figure of your own") },
  { "P_r", N_("parameters of the rank that has most") },
  { "n_t", N_("ranks that share each layer (tensor parallelism)") },
  { "n_p", N_("stages of the pipeline") },
  { "n_v", N_("parts of the layers that each stage has (interleaved schedule)") },
  { "e", N_("bytes of an element") },
  { "P", N_("parameters") },
  { "S_r", N_("tokens of a sequence that each GPU has between the matrices of a layer") },
  { "p_v", N_("numbers of a patch of an image, its colours and frames included") },
  { "N_p", N_("patches of a picture") },
  { "p_i", N_("numbers of a picture, its colours included") },
  { "N_h", N_("frames of a spectrogram that are of sounds") },
  { "N_f", N_("frames of all chunks of sounds, with what pads them") },
  { "N_v", N_("vectors that a tower hands to the language model") },
  { "N_e", N_("vectors of what was seen that are put into one sequence") },
  { "N_q", N_("queries of a resampler, as many as it makes vectors of a picture") },
  { "H_q", N_("heads of the queries of a resampler") },
  { "h_m", N_("the width of patches that are merged") },
  { "h_p", N_("the width inside a projector") },
  { "h_t", N_("the width of what a projector makes for the language model") },
  { "S_1", N_("patches of the first image, frame or window, which attend to each other") },
  { "n_c", N_("random states of all further images, frames or windows") },
  { "r_a", N_("lora_rank: the width inside an adapter") },
  { "P_t", N_("parameters that are trained") },
  { "P_a", N_("parameters that a method of fine-tuning adds to the model") },
  { "P_g", N_("parameters that have a gradient at that moment") },
  { "P_s", N_("parameters that the optimizer steps, as they get a gradient") },
  { "o", N_("bytes that the optimizer keeps of a parameter") },
  { "A", N_("micro-batches of a step") },
  { "A_l", N_("what a layer keeps for the backward pass") },
  { "bits", N_("bits of an element") },
  { "g", N_("query heads that share a key-value head") },
  { "b", N_("sequences in the batch") },
  { "S_c", N_("tokens of an answer that have a loss") },
  { "k_g", N_("answers to each prompt, or the 2 of a pair") },
  { "l", N_("layers") },
  { "s", N_("tokens of the prompt") },
  { "n", N_("tokens of the answer") },
};

/**
 * hr_formula_get_n_symbols:
 *
 * Gets how many symbols the formulas of components are made of.
 *
 * Returns: the number of symbols
 */
guint
hr_formula_get_n_symbols (void)
{
  return G_N_ELEMENTS (symbols);
}

/**
 * hr_formula_get_symbol:
 * @symbol: the index of a symbol
 *
 * Gets a symbol as it stands in a formula, such as `B`.
 *
 * Returns: (transfer none): the symbol
 */
const char *
hr_formula_get_symbol (guint symbol)
{
  g_return_val_if_fail (symbol < G_N_ELEMENTS (symbols), NULL);

  return symbols[symbol].name;
}

/**
 * hr_formula_get_symbol_description:
 * @symbol: the index of a symbol
 *
 * Gets what a symbol stands for.
 *
 * Returns: (transfer none): a noun in the user's language
 */
const char *
hr_formula_get_symbol_description (guint symbol)
{
  g_return_val_if_fail (symbol < G_N_ELEMENTS (symbols), NULL);

  return _(symbols[symbol].description);
}

/**
 * hr_formula_find_symbol:
 * @name: a symbol as it stands in a formula
 * @symbol: (out) (optional): its index
 *
 * Looks a symbol up by its name.
 *
 * Returns: whether there is one
 */
gboolean
hr_formula_find_symbol (const char *name,
                        guint      *symbol)
{
  g_return_val_if_fail (name != NULL, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (symbols); i++)
    {
      if (!g_str_equal (symbols[i].name, name))
        continue;
      if (symbol != NULL)
        *symbol = i;
      return TRUE;
    }

  return FALSE;
}

static gboolean
is_part_of_name (gunichar c)
{
  return c == '_' || g_unichar_isalpha (c);
}

/* The last of several words is the name of a variable, such as “philox state”. */
static gboolean
ends_words (const char *formula,
            const char *found)
{
  return found - formula > 1 && found[-1] == ' ' && g_ascii_isalpha (found[-2]);
}

/**
 * hr_formula_has_symbol:
 * @formula: a formula of a component
 * @symbol: the index of a symbol
 *
 * Checks whether a symbol stands in a formula, by itself and not as a letter of a name.
 *
 * Returns: whether it does
 */
gboolean
hr_formula_has_symbol (const char *formula,
                       guint       symbol)
{
  const char *found;
  gsize length;

  g_return_val_if_fail (formula != NULL, FALSE);
  g_return_val_if_fail (symbol < G_N_ELEMENTS (symbols), FALSE);

  length = strlen (symbols[symbol].name);

  for (found = strstr (formula, symbols[symbol].name); found != NULL; found = strstr (found + 1, symbols[symbol].name))
    {
      const char *before = g_utf8_find_prev_char (formula, found);

      if ((before == NULL || !is_part_of_name (g_utf8_get_char (before)))
          && !is_part_of_name (g_utf8_get_char (found + length)) && !ends_words (formula, found))
        return TRUE;
    }

  return FALSE;
}
