/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-article-reason.h"

#include <glib/gi18n-lib.h>

/* Why a figure or a formula of an article is not what is so. */
static const struct
{
  const char *id;
  const char *text;
} reasons[] = {
  { "D01", N_("The config.json shown is that of Qwen2.5-3B, not of 7B: 3,085,938,688 parameters and not "
              "7,615,616,512.") },
  { "D02", N_("The output head is tied to the embedding here (tie_word_embeddings), so it adds no parameters.") },
  { "D03", N_("The biases of the query, key and value projections and the weights of the norms are left out.") },
  { "D04", N_("K and M are powers of 1024 here, though the text does not say so: KiB, MiB, and Mi parameters.") },
  { "D05", N_("1152 MiB are 1.125 GiB or 1.208 GB: a binary figure was divided by 1000.") },
  { "D06", N_("The width of the cache already is heads times head size; multiplying by the heads once more counts "
              "them twice.") },
  { "D07", N_("It is the other way round: without grouped queries the cache is that many times larger.") },
  { "D08", N_("The factor 3 comes from the gate of the feed-forward block, not from its activation function; without a "
              "gate it is 2.") },
  { "D09", N_("The head size is not always hidden size by heads: configs may state head_dim.") },
  { "D12", N_("Layers with a sliding window keep no more tokens than the window holds; the formula counts all of "
              "them.") },
  { "D13", N_("TF32 has 19 significant bits, but in memory it takes 32: it saves none.") },
  { "D14", N_("The leading one is counted twice if M already holds it: the largest fraction is 1 − 2⁻²³.") },
  { "D15", N_("Digits are doubled in the text; meant are 0, 254, 255 and 1.") },
  { "D19", N_("7,000,559,616 are the parameters of Baichuan-7B; LLaMA-7B has 6,738,415,616.") },
  { "D20", N_("Some of these “G” are GiB and some GB.") },
  { "D21", N_("The bytes of an element are missing in one place of the calculation; the sum is right.") },
  { "D22", N_("Four times the weights holds in FP32 with Adam only; mixed precision takes 16 to 20 bytes a "
              "parameter, not 8.") },
  { "D23", N_("Mixed precision keeps master weights and optimizer states in FP32: it saves activations and time, "
              "not states.") },
  { "D24", N_("A factor on the weights knows neither the context nor the batch: the KV cache is not in it.") },
  { "D26", N_("Ratios against FP32 must not be multiplied by the bytes of FP16: that counts the quantization "
              "twice.") },
  { "D27", N_("These ratios are against FP32; against FP16 or BF16 they are half as large.") },
  { "D28", N_("INT4 is more than half a byte: scales and zero points come on top, and embeddings, head and norms "
              "stay in 16 bits.") },
  { "D30", N_("The KV cache grows linearly with the sequence; only the scores of attention without flash grow "
              "with its square.") },
  { "D31", N_("The hidden size stands for keys and values only where every query head has its own; grouped "
              "queries take num_key_value_heads × head_dim.") },
  { "D35", N_("The factor of the optimizer has no bytes, and the FP32 master weights are missing: 2 + 2 + 4 + 8 = "
              "16 bytes a parameter.") },
  { "D36", N_("SGD keeps a state only with momentum.") },
  { "D37", N_("LoRA is far below one percent at usual ranks: the sum of r × (d_in + d_out) over the chosen "
              "matrices.") },
  { "D38", N_("Half of the parameters and square matrices are assumed; the chosen modules and their real shapes "
              "decide.") },
  { "D39", N_("AdamW keeps two states in FP32: 12 bytes for each adapter parameter, 16 with FP32 adapters.") },
  { "D40", N_("The prefix has length × layers × 2 × kv_dim parameters, whatever the model weighs.") },
  { "D41", N_("The scores are one matrix for each head, and several copies are alive; with FlashAttention there "
              "is none.") },
  { "D42", N_("Inputs of norms, the output of attention, dropout masks, the gate and the logits are left out.") },
  { "D43", N_("Full recomputation keeps about 6 percent and one layer at work, and costs up to a third of the time.") },
  { "D44", N_("An overhead of 10 percent is added in one place and not in another.") },
  { "D46", N_("k times holds only if all k completions of a prompt share one micro-batch; trainers count "
              "completions and accumulate.") },
  { "D47", N_("Adapters are not one percent, and their states take 12 to 16 bytes a parameter.") },
  { "D49", N_("30 × 30 × 4096 is 3,686,400: the printed figure is ten times too large.") },
  { "D50", N_("These are patches of the vision encoder; the processor of the model resizes and merges them before "
              "they become tokens.") },
  { "D51", N_("How long an audio token is depends on the model: 20, 40 or 80 ms.") },
  { "D52", N_("Models take a few frames a second, merge two at a time and bound their number.") },
  { "D53", N_("The vision encoder is missing in the weights.") },
  { "D54", N_("The product is 1,879,048,192 bytes, half of what is printed.") },
  { "D55", N_("Qwen2.5-7B has a hidden size of 3584 and four key-value heads: its cache is 16 times smaller.") },
  { "D56", N_("“7B” is 7,615,616,512 parameters.") },
  { "D57", N_("This figure comes without a formula.") },
  { "D58", N_("NF4 layers and 16-bit embeddings are 39.5 GB, and the adapters 3.3 GB, both with their real sizes.") },
  { "D59", N_("The article’s own formula gives 112.5 GiB here; with checkpointing it is far less.") },
  { "D60", N_("The product is 7,562,067,968 bytes, half of what is printed, and for the real model it is 0.95 GB.") },
  { "D61", N_("Qwen2.5-VL makes 1,369 tokens of such a picture, not 4,096.") },
  { "D62", N_("With a quantized base this is QLoRA, and the article’s own formulas give other figures.") },
  { "D64", N_("Half precision does not halve training: see mixed precision.") },
  { "D68", N_("PaLM is a decoder alone; T5 is an encoder and a decoder.") },
  { "D69", N_("Gate and up each have a bias of the intermediate size, and down one of the hidden size.") },
  { "D70", N_("Qwen’s MLP uses half of intermediate_size, so it has half of these parameters.") },
  { "D72", N_("With grouped queries a block of attention has fewer parameters than 4h².") },
  { "D73", N_("16, 18 and 20 bytes a parameter all exist: they are different recipes of mixed precision.") },
  { "D74", N_("Gradients of weights are split like the weights, by pipeline and tensor parallelism.") },
  { "D75", N_("Optimizer states are split over data parallel ranks with ZeRO or a distributed optimizer only.") },
  { "D76", N_("Activations are split fully with sequence parallelism only, and early stages hold several "
              "micro-batches.") },
  { "D78", N_("The result is in GiB, and the formula is for blocks of GPT with two bytes an element.") },
  { "D79", N_("The layer that is computed anew comes on top.") },
  { "D80", N_("N is the number of data parallel ranks, which is that of all GPUs only without other parallelism.") },
  { "D81", N_("The rule is from EleutherAI’s “Transformer Math 101”, and leaves out the KV cache.") },
  { "D82", N_("4 × 1024 happens to be 4096: the width of keys and values is 1024 here.") },
  { "D83", N_("One is in GB and the other in GiB.") },
  { "D85", N_("It is 50 percent of the estimate and 33 percent of the measurement.") },
  { "D86", N_("The section is empty in the article; the form is s × b × h × (34 + 5as/h).") },
  { "D87", N_("RMSNorm has one vector, not two, and the final norm is missing.") },
  { "D89", N_("The formula is left blank in the article; it is 2h² + 2h² × num_key_value_heads / "
              "num_attention_heads.") },
  { "D91", N_("M stands for MiB and G for GB.") },
  { "D92", N_("A product of matrices takes 2 × m × n × k operations: the ratio of heads is not squared.") },
  { "D93", N_("Sizes of both operands were multiplied: a product of matrices takes 2 × m × n × k operations.") },
  { "D94", N_("A token takes about two operations for each parameter of a matrix: 25,704,038,400 and not 1.07 × "
              "10¹⁴.") },
  { "D95", N_("This is for one token without a past; decoding reads all earlier tokens, and prefill may skip "
              "half.") },
};

/**
 * hr_article_reason_get_text:
 * @id: a key, such as `D31`
 *
 * Gets why a figure of an article is not what is so, in the user's language.
 *
 * Returns: (transfer none) (nullable): a sentence
 */
const char *
hr_article_reason_get_text (const char *id)
{
  g_return_val_if_fail (id != NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++)
    {
      if (g_str_equal (reasons[i].id, id))
        return _(reasons[i].text);
    }

  return NULL;
}

/**
 * hr_article_reasons_join: (skip)
 * @ids: (array zero-terminated=1): keys, such as `D31`
 *
 * Gets the sentences of several keys, one after the other.
 *
 * Returns: (transfer full) (nullable): sentences in the user's language, or %NULL if there are none
 */
char *
hr_article_reasons_join (const char * const *ids)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_return_val_if_fail (ids != NULL, NULL);

  for (guint i = 0; ids[i] != NULL; i++)
    {
      const char *reason = hr_article_reason_get_text (ids[i]);

      if (reason == NULL)
        continue;
      if (text->len > 0)
        g_string_append_c (text, ' ');
      g_string_append (text, reason);
    }

  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

/**
 * hr_component_dup_faults:
 * @component: a component of an estimate by the rule of thumb
 *
 * Gets what the formula of a component gets wrong for its job, a sentence for each.
 *
 * Returns: (transfer full) (nullable): sentences in the user's language, or %NULL if there is nothing to say
 */
char *
hr_component_dup_faults (HrComponent *component)
{
  g_return_val_if_fail (HR_IS_COMPONENT (component), NULL);

  return hr_article_reasons_join (hr_component_get_faults (component));
}
