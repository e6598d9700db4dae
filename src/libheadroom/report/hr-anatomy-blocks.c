/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-anatomy-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What blocks are called; a kind that is not here goes by the name of its module. */
static const struct
{
  HrBlockKind kind;
  const char *label;
} block_labels[] = {
  { HR_BLOCK_TOKEN_EMBEDDING, N_("Token embedding") },
  { HR_BLOCK_POSITION_EMBEDDING, N_("Position embedding") },
  { HR_BLOCK_TYPE_EMBEDDING, N_("Type embedding") },
  { HR_BLOCK_PARAMETER, N_("Parameter") },
  { HR_BLOCK_CONVOLUTION, N_("Convolution") },
  { HR_BLOCK_ACTIVATION, N_("Activation function") },
  { HR_BLOCK_REGROUPING, N_("Regrouping of patches") },
  { HR_BLOCK_LINEAR, N_("Projection") },
  { HR_BLOCK_NORM, N_("Norm") },
  { HR_BLOCK_ATTENTION, N_("Attention block") },
  { HR_BLOCK_MLP, N_("Feed-forward block") },
  { HR_BLOCK_MIXTURE, N_("Mixture of experts") },
  { HR_BLOCK_MAMBA, N_("Mamba mixer") },
  { HR_BLOCK_MAMBA2, N_("Mamba 2 mixer") },
  { HR_BLOCK_HEAD, N_("Output head") },
};

static const char * const activation_names[] = {
  [HR_ACTIVATION_SILU] = "SiLU",
  [HR_ACTIVATION_GELU] = "GELU",
  [HR_ACTIVATION_GELU_NEW] = "GELU (tanh)",
  [HR_ACTIVATION_GELU_BLOOM] = "GELU (tanh)",
  [HR_ACTIVATION_GELU_FAST] = "GELU (tanh)",
  [HR_ACTIVATION_QUICK_GELU] = "QuickGELU",
  [HR_ACTIVATION_RELU] = "ReLU",
  [HR_ACTIVATION_RELU2] = "ReLU²",
};

static const char *
get_activation_name (HrActivation activation)
{
  return (guint) activation < G_N_ELEMENTS (activation_names) ? activation_names[activation] : NULL;
}

/* What a block is called, in the user's language. */
char *
hr_anatomy_block_dup_label (const HrBlock *block)
{
  const char *last = strrchr (block->path, '.');

  for (guint i = 0; i < G_N_ELEMENTS (block_labels); i++)
    {
      if (block_labels[i].kind == block->kind)
        return g_strdup (_(block_labels[i].label));
    }

  return g_strdup (last != NULL ? last + 1 : block->path);
}

static void
add_note (GString    *notes,
          const char *format,
          ...) G_GNUC_PRINTF (2, 3);

static void
add_note (GString    *notes,
          const char *format,
          ...)
{
  va_list arguments;

  if (notes->len > 0)
    /* Translators: stands between facts about a block. */
    g_string_append (notes, _("; "));

  va_start (arguments, format);
  g_string_append_vprintf (notes, format, arguments);
  va_end (arguments);
}

/* NULL where the positions are no matter of the attention. */
static const char *
describe_position (HrPosition position)
{
  if (position == HR_POSITION_ALIBI)
    return _("ALiBi positions");

  return position != HR_POSITION_NONE && position != HR_POSITION_LEARNED ? _("rotary positions") : NULL;
}

static void
note_heads (GString           *notes,
            const HrAttention *attention)
{
  g_autofree char *heads = hr_format_integer (attention->num_attention_heads);
  g_autofree char *head_dim = hr_format_integer (attention->head_dim);
  g_autofree char *key_value_heads = hr_format_integer (attention->num_key_value_heads);

  if (attention->latent_size > 0)
    {
      g_autofree char *latent = hr_format_integer (attention->latent_size);
      g_autofree char *rotated = hr_format_integer (attention->rotary_dim);

      /* Translators: heads, the width of a head, widths of the latent and of the rotated key. */
      add_note (notes, _("latent (MLA), %s heads of %s; a latent of %s and a rotated key of %s"), heads, head_dim,
                latent, rotated);
    }
  else if (attention->num_key_value_heads == attention->num_attention_heads)
    /* Translators: heads, and the width of a head. */
    add_note (notes, _("multi-head (MHA), %s heads of %s"), heads, head_dim);
  else if (attention->num_key_value_heads == 1)
    /* Translators: heads of the queries, and the width of a head. */
    add_note (notes, _("multi-query (MQA), %s query heads of %s share one key-value head"), heads, head_dim);
  else
    /* Translators: heads of the queries, the width of a head, heads of keys and values. */
    add_note (notes, _("grouped-query (GQA), %s query heads of %s, %s key-value heads"), heads, head_dim,
              key_value_heads);
}

static void
note_attention (GString           *notes,
                const HrAttention *attention)
{
  const char *position = describe_position (attention->position);

  note_heads (notes, attention);
  if (attention->is_cross)
    add_note (notes, "%s", _("over what the encoder made, whose keys and values are kept once"));
  if (attention->sliding_window > 0)
    {
      g_autofree char *window = hr_format_integer (attention->sliding_window);

      /* Translators: a number of tokens. */
      add_note (notes, _("sliding window of %s tokens"), window);
    }
  if (position != NULL)
    add_note (notes, "%s", position);
  if (attention->qk_norm != HR_QK_NORM_NONE)
    add_note (notes, "%s", _("norms on queries and keys"));
  if (attention->has_query_bias || attention->has_key_bias || attention->has_value_bias)
    add_note (notes, "%s", attention->has_output_bias ? _("biases") : _("biases on queries, keys and values"));
  if (attention->has_sinks)
    add_note (notes, "%s", _("sinks"));
}

static void
note_mlp (GString     *notes,
          const HrMlp *mlp)
{
  g_autofree char *hidden = hr_format_integer (mlp->hidden_size);
  g_autofree char *inside = hr_format_integer (mlp->intermediate_size);
  const char *activation = get_activation_name (mlp->activation);

  /* Translators: the width of a hidden state, and the width inside the block. */
  add_note (notes, mlp->gated ? _("gated, three matrices, %s → %s") : _("two matrices, %s → %s"), hidden, inside);
  if (activation != NULL)
    add_note (notes, "%s", activation);
  if (mlp->has_bias)
    add_note (notes, "%s", _("biases"));
}

static void
note_mixture (GString         *notes,
              const HrMixture *mixture)
{
  g_autofree char *experts = hr_format_integer (mixture->num_experts);
  g_autofree char *chosen = hr_format_integer (mixture->num_experts_per_tok);
  g_autofree char *inside = hr_format_integer (mixture->intermediate_size);
  g_autofree char *shared = hr_format_integer (mixture->shared_intermediate_size);

  /* Translators: experts, those that are chosen for a token, the width inside an expert. */
  add_note (notes, _("%s experts, %s for each token, width %s"), experts, chosen, inside);
  if (mixture->shared_intermediate_size > 0)
    /* Translators: the width inside the shared experts. */
    add_note (notes, _("shared experts of width %s"), shared);
}

static void
note_state_space (GString *notes,
                  guint64  channels,
                  guint64  state_size,
                  guint64  kernel)
{
  g_autofree char *channels_text = hr_format_integer (channels);
  g_autofree char *state_text = hr_format_integer (state_size);
  g_autofree char *kernel_text = hr_format_integer (kernel);

  /* Translators: channels, the state of a channel, tokens that a convolution sees. */
  add_note (notes, _("%s channels with a state of %s; a convolution of %s"), channels_text, state_text, kernel_text);
}

static void
note_sizes (GString *notes,
            guint64  first,
            guint64  second)
{
  g_autofree char *first_text = hr_format_integer (first);
  g_autofree char *second_text = hr_format_integer (second);

  add_note (notes, "%s × %s", first_text, second_text);
}

static void
note_convolution (GString             *notes,
                  const HrConvolution *convolution)
{
  g_autoptr (GString) kernel = g_string_new (NULL);
  g_autofree char *in_channels = hr_format_integer (convolution->in_channels);
  g_autofree char *out_channels = hr_format_integer (convolution->out_channels);

  for (guint i = 0; i < convolution->kernel.n_dimensions; i++)
    g_string_append_printf (kernel, "%s%" G_GUINT64_FORMAT, i > 0 ? "×" : "", convolution->kernel.sizes[i]);

  /* Translators: channels that come in and go out, and the size of the kernel, such as “14×14”. */
  add_note (notes, _("%s → %s channels, kernel %s"), in_channels, out_channels, kernel->str);
}

static void
note_norm (GString      *notes,
           const HrNorm *norm)
{
  gboolean is_layer_norm = norm->kind == HR_NORM_LAYER || norm->kind == HR_NORM_LAYER_FP32 ||
                           norm->kind == HR_NORM_LAYER_COMPOSITE;

  add_note (notes, "%s", is_layer_norm ? "LayerNorm" : "RMSNorm");
  if (!norm->has_weight)
    add_note (notes, "%s", _("without a weight"));
}

/* Tells what is known about a block beside its tensors; NULL for nothing. */
char *
hr_anatomy_block_dup_note (const HrBlock *block)
{
  g_autoptr (GString) notes = g_string_new (NULL);

  if (block->kind == HR_BLOCK_ATTENTION)
    note_attention (notes, &block->attention);
  else if (block->kind == HR_BLOCK_MLP)
    note_mlp (notes, &block->mlp);
  else if (block->kind == HR_BLOCK_MIXTURE)
    note_mixture (notes, &block->mixture);
  else if (block->kind == HR_BLOCK_MAMBA)
    note_state_space (notes, block->mamba.intermediate_size, block->mamba.state_size, block->mamba.conv_kernel);
  else if (block->kind == HR_BLOCK_MAMBA2)
    note_state_space (notes, block->mamba2.intermediate_size, block->mamba2.state_size, block->mamba2.conv_kernel);
  else if (block->kind == HR_BLOCK_CONVOLUTION)
    note_convolution (notes, &block->convolution);
  else if (block->kind == HR_BLOCK_LINEAR)
    note_sizes (notes, block->linear.out_features, block->linear.in_features);
  else if (block->kind == HR_BLOCK_NORM)
    note_norm (notes, &block->norm);
  else if (block->kind == HR_BLOCK_TOKEN_EMBEDDING)
    note_sizes (notes, block->token_embedding.vocab_size, block->token_embedding.hidden_size);
  else if (block->kind == HR_BLOCK_POSITION_EMBEDDING)
    note_sizes (notes, block->position_embedding.n_positions, block->position_embedding.hidden_size);
  else if (block->kind == HR_BLOCK_HEAD && block->head.tied)
    add_note (notes, "%s", _("shares the matrix of the token embedding"));

  return notes->len > 0 ? g_string_free (g_steal_pointer (&notes), FALSE) : NULL;
}
