/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-anatomy-private.h"

#include <glib/gi18n-lib.h>

/* A sequence of this length is what guides reckon with. */
#define EXAMPLE_TOKENS 1024

/* Layers whose attention keeps the same for each token. */
typedef struct
{
  const HrAttention *attention;
  guint n_layers;
} Kept;

static guint64
get_value_head_dim (const HrAttention *attention)
{
  return attention->value_head_dim > 0 ? attention->value_head_dim : attention->head_dim;
}

static gboolean
keeps_alike (const HrAttention *a,
             const HrAttention *b)
{
  return a->cached_heads == b->cached_heads && a->head_dim == b->head_dim &&
         get_value_head_dim (a) == get_value_head_dim (b) && a->sliding_window == b->sliding_window &&
         a->latent_size == b->latent_size && a->rotary_dim == b->rotary_dim &&
         a->source_positions == b->source_positions;
}

/* Whether it keeps what an encoder made, once, and nothing of the tokens that are generated. */
static gboolean
reads_source (const HrAttention *attention)
{
  return attention->is_cross || attention->source_positions > 0;
}

/* The attentions of the model to its own tokens, or to a source, those that keep the same put together. */
static GArray *
collect_kept (HrAnatomy *self,
              gboolean   of_source)
{
  GPtrArray *blocks = hr_anatomy_get_blocks (self);
  GArray *all = g_array_new (FALSE, FALSE, sizeof (Kept));

  if (of_source && hr_model_find_stack (hr_anatomy_get_model (self), HR_STACK_ENCODER) == NULL)
    return all;

  for (guint i = 0; i < blocks->len; i++)
    {
      const HrAnatomyBlock *block = g_ptr_array_index (blocks, i);
      Kept kept = { .attention = &block->block->attention };
      guint found = 0;

      if (block->block->kind != HR_BLOCK_ATTENTION || !hr_anatomy_keeps_cache (block) || block->klass->skipped ||
          kept.attention->reuses_cache || reads_source (kept.attention) != of_source ||
          kept.attention->cached_heads == 0)
        continue;

      while (found < all->len &&
             !keeps_alike (g_array_index (all, Kept, found).attention, kept.attention))
        found++;
      if (found == all->len)
        g_array_append_val (all, kept);
      g_array_index (all, Kept, found).n_layers += block->klass->n_layers;
    }

  return all;
}

/* How many layers take the keys and values of one before them. */
static guint
count_sharing (HrAnatomy *self)
{
  GPtrArray *blocks = hr_anatomy_get_blocks (self);
  guint n_layers = 0;

  for (guint i = 0; i < blocks->len; i++)
    {
      const HrAnatomyBlock *block = g_ptr_array_index (blocks, i);

      if (block->block->kind == HR_BLOCK_ATTENTION && hr_anatomy_keeps_cache (block) &&
          block->block->attention.reuses_cache)
        n_layers += block->klass->n_layers;
    }

  return n_layers;
}

/* What the keys and values of a token take in one layer, with so many heads. */
static guint64
get_elements (const HrAttention *attention,
              guint64            heads)
{
  return heads * (attention->head_dim + get_value_head_dim (attention));
}

static guint64
get_tokens (const HrAttention *attention,
            guint64            tokens)
{
  return attention->sliding_window > 0 ? MIN (tokens, attention->sliding_window) : tokens;
}

static guint64
multiply (guint64 a,
          guint64 b)
{
  guint64 product;

  return g_uint64_checked_mul (&product, a, b) ? product : G_MAXUINT64;
}

static HrAnatomyRow *
add_step (HrAnatomyTable *table,
          const char     *id,
          const char     *label,
          const char     *formula,
          char           *substitution,
          HrAnatomyUnit   unit,
          guint64         number)
{
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 1, id, label);

  hr_anatomy_row_set_formula (row, formula, substitution);
  hr_anatomy_row_set (row, 0, unit, number);
  g_free (substitution);

  return row;
}

#define N G_GUINT64_FORMAT

static char *
dup_product (guint64 a,
             guint64 b)
{
  return g_strdup_printf ("%" N "·%" N, a, b);
}

/* The steps by which guides explain the cache: a key, a key and a value, bytes, layers, sequence, batch. */
static guint64
add_ladder (HrAnatomy           *self,
            HrAnatomyTable      *table,
            const Kept *kept)
{
  static const char * const alike[] = { "2·K·d", "e·2·K·d", "L·e·2·K·d", "C·L·e·2·K·d", "B·C·L·e·2·K·d" };
  static const char * const apart[] = {
    "K·d + v", "e·(K·d + v)", "L·e·(K·d + v)", "C·L·e·(K·d + v)", "B·C·L·e·(K·d + v)",
  };
  const HrAttention *attention = kept->attention;
  HrDtype dtype = hr_anatomy_get_cache_dtype (self);
  double element_bytes = hr_dtype_get_bits (dtype) / 8.0;
  guint64 head_dim = attention->head_dim;
  guint64 value_head_dim = get_value_head_dim (attention);
  guint64 both = get_elements (attention, attention->cached_heads);
  guint64 in_layer = hr_dtype_get_bytes (dtype, both);
  guint64 per_token = multiply (in_layer, kept->n_layers);
  guint64 n_tokens = reads_source (attention) ? hr_anatomy_get_n_source_tokens (self)
                                              : hr_anatomy_get_n_tokens (self);
  guint64 tokens = attention->source_positions > 0 ? attention->source_positions : get_tokens (attention, n_tokens);
  guint64 sequence = multiply (per_token, tokens);
  guint64 batch = hr_anatomy_get_n_sequences (self);
  const char * const *formulas = value_head_dim == head_dim ? alike : apart;
  HrAnatomyRow *row;

  add_step (table, "key", _("A key of one token in one layer, in elements"), "K·d",
            dup_product (attention->cached_heads, head_dim), HR_ANATOMY_UNIT_ELEMENTS,
            attention->cached_heads * head_dim);
  add_step (table, "key-and-value", _("A key and a value"), formulas[0],
            g_strdup_printf ("%" N " + %" N, attention->cached_heads * head_dim,
                             attention->cached_heads * value_head_dim),
            HR_ANATOMY_UNIT_ELEMENTS, both);

  row = add_step (table, "bytes", _("In bytes"), formulas[1], g_strdup_printf ("%g·%" N, element_bytes, both),
                  HR_ANATOMY_UNIT_BYTES, in_layer);
  row->note = g_strdup (hr_dtype_get_name (dtype));

  add_step (table, "layers", _("In all layers: for each token"), formulas[2], dup_product (kept->n_layers, in_layer),
            HR_ANATOMY_UNIT_BYTES, per_token);
  row = add_step (table, "sequence", _("For the whole sequence"), formulas[3], dup_product (tokens, per_token),
                  HR_ANATOMY_UNIT_BYTES, sequence);
  if (attention->source_positions == 0 && tokens < n_tokens)
    row->note = g_strdup (_("no more than the window, once an answer is generated"));
  add_step (table, "batch", _("For the whole batch"), formulas[4], dup_product (batch, sequence),
            HR_ANATOMY_UNIT_BYTES, multiply (batch, sequence));

  return multiply (batch, sequence);
}

static HrAnatomyRow *
add_group (HrAnatomyTable      *table,
           const Kept *kept,
           gboolean             is_only)
{
  g_autofree char *layers = hr_format_integer (kept->n_layers);
  g_autofree char *window = hr_format_integer (kept->attention->sliding_window);
  g_autofree char *label = NULL;
  HrAnatomyRow *row;

  if (reads_source (kept->attention))
    /* Translators: a number of layers. */
    label = g_strdup_printf (ngettext ("%s layer of cross attention, which keeps what the encoder made",
                                       "%s layers of cross attention, which keep what the encoder made",
                                       kept->n_layers),
                             layers);
  else if (kept->attention->sliding_window > 0)
    /* Translators: a number of layers, and a number of tokens. */
    label = g_strdup_printf (ngettext ("%s layer with a window of %s tokens", "%s layers with a window of %s tokens",
                                       kept->n_layers),
                             layers, window);
  else if (is_only)
    label = g_strdup (_("Keys and values"));
  else
    /* Translators: a number of layers. */
    label = g_strdup_printf (ngettext ("%s layer that keeps every token", "%s layers that keep every token",
                                       kept->n_layers),
                             layers);

  row = hr_anatomy_table_add_row (table, 0, reads_source (kept->attention) ? "source" : "keys-and-values", label);
  row->is_heading = TRUE;

  return row;
}

/* Layers that add nothing: what they read is that of others. */
static void
add_sharing (HrAnatomy      *self,
             HrAnatomyTable *table)
{
  guint n_layers = count_sharing (self);
  g_autofree char *layers = hr_format_integer (n_layers);
  g_autofree char *label = NULL;

  if (n_layers == 0)
    return;

  /* Translators: a number of layers. */
  label = g_strdup_printf (ngettext ("%s layer that reads the keys and values of another one",
                                     "%s layers that read the keys and values of others", n_layers),
                           layers);
  hr_anatomy_row_set (hr_anatomy_table_add_row (table, 0, "sharing", label), 0, HR_ANATOMY_UNIT_BYTES, 0);
}

/* What is kept of a source of a fixed length counts as a state of the model, and is listed apart. */
static guint64
count_source_elements (GArray *of_source)
{
  guint64 elements = 0;

  for (guint i = 0; i < of_source->len; i++)
    {
      const Kept *kept = &g_array_index (of_source, Kept, i);

      elements += multiply (multiply (get_elements (kept->attention, kept->attention->cached_heads), kept->n_layers),
                            kept->attention->source_positions);
    }

  return elements;
}

/* The states of state-space layers. */
static guint64
add_states (HrAnatomy      *self,
            HrAnatomyTable *table,
            guint64         source_elements)
{
  HrModel *model = hr_anatomy_get_model (self);
  guint64 elements = hr_model_get_state_elements_per_sequence (model) - source_elements;
  guint64 bytes = hr_dtype_get_bytes (hr_anatomy_get_dtype (self), elements);
  guint64 batch = hr_anatomy_get_n_sequences (self);
  GPtrArray *blocks = hr_anatomy_get_blocks (self);
  guint64 listed = 0;

  if (elements == 0)
    return 0;

  hr_anatomy_table_add_row (table, 0, "states", _("States, however long the sequence is"))->is_heading = TRUE;
  for (guint i = 0; i < blocks->len; i++)
    {
      const HrAnatomyBlock *block = g_ptr_array_index (blocks, i);
      HrAnatomyRow *row;
      HrBlockState state;

      if (!hr_anatomy_keeps_cache (block) || !hr_block_get_state (block->block, &state))
        continue;
      row = add_step (table, "state-of-layer", _("Convolution and state of one layer"), "conv + state",
                      g_strdup_printf ("%" N " + %" N, state.conv, state.recurrent), HR_ANATOMY_UNIT_ELEMENTS,
                      state.conv + state.recurrent);
      row->note = hr_anatomy_dup_class_label (self, block->stack, block->class_index);
      listed += multiply (state.conv + state.recurrent, block->klass->n_layers);
    }
  if (listed == elements)
    add_step (table, "states-of-layers", _("In all layers"), "L_s·(conv + state)", NULL, HR_ANATOMY_UNIT_ELEMENTS,
              elements);
  add_step (table, "state-bytes", _("In bytes: for each sequence"), NULL,
            g_strdup_printf ("%g·%" N, hr_dtype_get_bits (hr_anatomy_get_dtype (self)) / 8.0, elements),
            HR_ANATOMY_UNIT_BYTES, bytes);
  add_step (table, "state-batch", _("For the whole batch"), NULL, dup_product (batch, bytes), HR_ANATOMY_UNIT_BYTES,
            multiply (batch, bytes));

  return multiply (batch, bytes);
}

static guint64
get_cache (HrAnatomy *self,
           GArray    *all,
           guint64    tokens)
{
  guint64 bytes = 0;

  for (guint i = 0; i < all->len; i++)
    {
      const Kept *kept = &g_array_index (all, Kept, i);
      guint64 elements = get_elements (kept->attention, kept->attention->cached_heads);

      bytes += multiply (multiply (hr_dtype_get_bytes (hr_anatomy_get_cache_dtype (self), elements), kept->n_layers),
                         get_tokens (kept->attention, tokens));
    }

  return bytes;
}

static void
add_length (HrAnatomy      *self,
            HrAnatomyTable *table,
            GArray         *all,
            const char     *id,
            char           *label,
            guint64         tokens)
{
  add_step (table, id, label, NULL, NULL, HR_ANATOMY_UNIT_BYTES, get_cache (self, all, tokens));
  g_free (label);
}

/* The same for lengths that people ask for. */
static void
add_lengths (HrAnatomy      *self,
             HrAnatomyTable *table,
             GArray         *all,
             gboolean        has_source)
{
  g_autofree char *example = hr_format_integer (EXAMPLE_TOKENS);
  g_autofree char *half = hr_format_integer (EXAMPLE_TOKENS / 2);
  g_autofree char *label = NULL;
  g_autofree char *most = NULL;
  guint64 longest = 0;

  hr_anatomy_table_add_row (table, 0, "lengths",
                            has_source ? _("One answer, by its length, without the cross attention")
                                       : _("One sequence, by its length"))->is_heading = TRUE;
  add_length (self, table, all, "example-length",
              /* Translators: a number of tokens. */
              g_strdup_printf (_("%s tokens"), example), EXAMPLE_TOKENS);
  /* Translators: two numbers of tokens. */
  label = g_strdup_printf (_("What is added from %s to %s tokens"), half, example);
  add_step (table, "growth", label, NULL, NULL, HR_ANATOMY_UNIT_BYTES,
            get_cache (self, all, EXAMPLE_TOKENS) - get_cache (self, all, EXAMPLE_TOKENS / 2));

  if (!hr_model_get_hyper_parameter (hr_anatomy_get_model (self), "max_position_embeddings", &longest) || longest == 0)
    return;
  most = hr_format_integer (longest);
  add_length (self, table, all, "longest",
              /* Translators: a number of tokens. */
              g_strdup_printf (_("%s tokens, the most that the configuration allows"), most), longest);
}

/* What serving engines keep of a model with a latent. */
static void
add_latent (HrAnatomy      *self,
            HrAnatomyTable *table,
            GArray         *all)
{
  HrModel *model = hr_anatomy_get_model (self);
  HrDtype dtype = hr_anatomy_get_cache_dtype (self);
  guint64 elements = hr_model_get_latent_cache_elements_per_token (model);
  guint64 bytes = hr_dtype_get_bytes (dtype, elements);
  guint64 tokens = hr_anatomy_get_n_tokens (self);
  guint64 batch = hr_anatomy_get_n_sequences (self);

  if (elements == hr_model_get_cache_elements_per_token (model))
    return;

  hr_anatomy_table_add_row (table, 0, "latent", _("Latent cache, as serving engines keep it"))->is_heading = TRUE;
  for (guint i = 0; i < all->len; i++)
    {
      const HrAttention *attention = g_array_index (all, Kept, i).attention;

      if (attention->latent_size > 0)
        add_step (table, "latent-of-token", _("The latent and the rotated key of one token in one layer"), "c + r",
                  g_strdup_printf ("%" N " + %" N, attention->latent_size, attention->rotary_dim),
                  HR_ANATOMY_UNIT_ELEMENTS, attention->latent_size + attention->rotary_dim);
    }
  add_step (table, "latent-layers", _("In all layers: for each token"), "L·e·(c + r)",
            g_strdup_printf ("%g·%" N, hr_dtype_get_bits (dtype) / 8.0, elements), HR_ANATOMY_UNIT_BYTES, bytes);
  add_step (table, "latent-batch", _("For the whole batch"), "B·C·L·e·(c + r)",
            g_strdup_printf ("%" N "·%" N "·%" N, batch, tokens, bytes), HR_ANATOMY_UNIT_BYTES,
            multiply (batch, multiply (tokens, bytes)));
}

/* NULL for a model that keeps nothing of the past. */
HrAnatomyTable *
hr_anatomy_create_cache (HrAnatomy *self)
{
  g_autoptr (GArray) all = collect_kept (self, FALSE);
  g_autoptr (GArray) of_source = collect_kept (self, TRUE);
  gboolean is_only = all->len == 1 && of_source->len == 0 && count_sharing (self) == 0;
  HrAnatomyTable *table;
  HrAnatomyRow *total;
  guint64 bytes = 0;

  if (all->len == 0 && hr_model_get_state_elements_per_sequence (hr_anatomy_get_model (self)) == 0)
    return NULL;

  table = hr_anatomy_table_new ("cache", _("KV Cache, Step by Step"),
                                _("What is kept of the tokens so far, so that a new one need not read them again: for "
                                  "the batch and the lengths that are set."),
                                _("Step"));
  hr_anatomy_table_add_column (table, "value", _("Value"));

  for (guint i = 0; i < all->len; i++)
    {
      add_group (table, &g_array_index (all, Kept, i), is_only);
      bytes += add_ladder (self, table, &g_array_index (all, Kept, i));
    }
  if (all->len > 0)
    add_sharing (self, table);
  for (guint i = 0; i < of_source->len; i++)
    {
      add_group (table, &g_array_index (of_source, Kept, i), FALSE);
      bytes += add_ladder (self, table, &g_array_index (of_source, Kept, i));
    }
  bytes += add_states (self, table, count_source_elements (of_source));

  total = hr_anatomy_table_add_row (table, 0, "total", _("Total"));
  total->is_total = TRUE;
  hr_anatomy_row_set (total, 0, HR_ANATOMY_UNIT_BYTES, bytes);

  if (all->len > 0)
    add_lengths (self, table, all, of_source->len > 0);
  add_latent (self, table, all);

  return table;
}

/* By how much the parameters of a layer grow with a key-value head more. */
static guint64
get_parameters_of_head (const HrAttention *attention)
{
  guint64 value_head_dim = get_value_head_dim (attention);
  guint64 parameters = attention->hidden_size * (attention->head_dim + value_head_dim);

  if (attention->has_key_bias)
    parameters += attention->head_dim;
  if (attention->has_value_bias)
    parameters += value_head_dim;
  if (attention->qk_norm == HR_QK_NORM_FULL || attention->qk_norm == HR_QK_NORM_PER_HEAD ||
      attention->qk_norm == HR_QK_NORM_LIST)
    parameters += attention->head_dim * (attention->qk_norm_has_bias ? 2 : 1);

  return parameters;
}

typedef enum
{
  HEADS_ALL,
  HEADS_OWN,
  HEADS_ONE,
} Heads;

static guint64
get_heads (const HrAttention *attention,
           Heads              heads)
{
  switch (heads)
    {
    case HEADS_ALL:
      return attention->num_attention_heads;

    case HEADS_ONE:
      return 1;

    case HEADS_OWN:
    default:
      return attention->num_key_value_heads;
    }
}

static guint64
count_parameters (HrAnatomy *self,
                  Heads      heads)
{
  GPtrArray *blocks = hr_anatomy_get_blocks (self);
  guint64 parameters = hr_model_get_n_parameters (hr_anatomy_get_model (self));

  for (guint i = 0; i < blocks->len; i++)
    {
      const HrAnatomyBlock *block = g_ptr_array_index (blocks, i);
      const HrAttention *attention = &block->block->attention;

      /* Of the unsigned difference only the low bits are wrong, which the sum mends. */
      if (block->block->kind == HR_BLOCK_ATTENTION && hr_anatomy_keeps_cache (block))
        parameters += (get_heads (attention, heads) - attention->num_key_value_heads) *
                      get_parameters_of_head (attention) * block->klass->n_layers;
    }

  return parameters;
}

static void
add_heads (HrAnatomy      *self,
           HrAnatomyTable *table,
           GArray         *all,
           const char     *id,
           const char     *label,
           Heads           heads)
{
  HrDtype dtype = hr_anatomy_get_cache_dtype (self);
  guint64 batch = hr_anatomy_get_n_sequences (self);
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, id, label);
  guint64 first_heads = get_heads (g_array_index (all, Kept, 0).attention, heads);
  guint64 per_token = 0, at_length = 0;
  gboolean same = TRUE;

  for (guint i = 0; i < all->len; i++)
    {
      const Kept *kept = &g_array_index (all, Kept, i);
      guint64 n_heads = heads == HEADS_OWN ? kept->attention->cached_heads : get_heads (kept->attention, heads);
      guint64 bytes = multiply (hr_dtype_get_bytes (dtype, get_elements (kept->attention, n_heads)), kept->n_layers);

      same = same && get_heads (kept->attention, heads) == first_heads;
      per_token += bytes;
      at_length += multiply (bytes, get_tokens (kept->attention, hr_anatomy_get_n_tokens (self)));
    }

  if (same)
    hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_COUNT, first_heads);
  hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_PARAMETERS, count_parameters (self, heads));
  hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_BYTES, per_token);
  hr_anatomy_row_set (row, 3, HR_ANATOMY_UNIT_BYTES, multiply (batch, at_length));
}

static const char *
get_own_label (const HrAttention *attention)
{
  if (attention->num_key_value_heads == attention->num_attention_heads)
    return _("As the model is: multi-head attention (MHA)");
  if (attention->num_key_value_heads == 1)
    return _("As the model is: multi-query attention (MQA)");

  return _("As the model is: grouped-query attention (GQA)");
}

/* A latent has no heads to share: what it saves is the other comparison. */
static void
add_latent_heads (HrAnatomy      *self,
                  HrAnatomyTable *table,
                  GArray         *all)
{
  HrModel *model = hr_anatomy_get_model (self);
  guint64 bytes = hr_dtype_get_bytes (hr_anatomy_get_cache_dtype (self),
                                      hr_model_get_latent_cache_elements_per_token (model));
  HrAnatomyRow *row;

  add_heads (self, table, all, "expanded", _("Expanded to every head, as transformers keeps it"), HEADS_OWN);
  row = hr_anatomy_table_add_row (table, 0, "latent", _("The latent alone (MLA), as serving engines keep it"));
  hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_PARAMETERS, hr_model_get_n_parameters (model));
  hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_BYTES, bytes);
  hr_anatomy_row_set (row, 3, HR_ANATOMY_UNIT_BYTES,
                      multiply (multiply (bytes, hr_anatomy_get_n_tokens (self)), hr_anatomy_get_n_sequences (self)));
}

/* NULL for a model without attention. */
HrAnatomyTable *
hr_anatomy_create_heads (HrAnatomy *self)
{
  g_autoptr (GArray) all = collect_kept (self, FALSE);
  g_autofree char *tokens = hr_format_integer (hr_anatomy_get_n_tokens (self));
  g_autofree char *sequences = hr_format_integer (hr_anatomy_get_n_sequences (self));
  g_autofree char *at_length = NULL;
  const HrAttention *first;
  HrAnatomyTable *table;

  if (all->len == 0)
    return NULL;

  /* Translators: a number of tokens, and a number of sequences. */
  at_length = g_strdup_printf (_("Cache at %s tokens × %s"), tokens, sequences);
  table = hr_anatomy_table_new ("heads", _("MHA, GQA and MQA"),
                                _("What the model would take if every query head had keys and values of its own, as "
                                  "it is, and if all shared one."),
                                _("Attention"));
  hr_anatomy_table_add_column (table, "key-value-heads", _("Key-value heads"));
  hr_anatomy_table_add_column (table, "parameters", _("Parameters"));
  hr_anatomy_table_add_column (table, "bytes-per-token", _("Cache per token"));
  hr_anatomy_table_add_column (table, "bytes", at_length);

  first = g_array_index (all, Kept, 0).attention;
  if (first->latent_size > 0)
    {
      add_latent_heads (self, table, all);
      return table;
    }

  if (first->num_key_value_heads != first->num_attention_heads)
    add_heads (self, table, all, "mha", _("Multi-head attention (MHA): each query head has its own"), HEADS_ALL);
  add_heads (self, table, all, "own", get_own_label (first), HEADS_OWN);
  if (first->num_key_value_heads != 1)
    add_heads (self, table, all, "mqa", _("Multi-query attention (MQA): all share one"), HEADS_ONE);

  return table;
}
