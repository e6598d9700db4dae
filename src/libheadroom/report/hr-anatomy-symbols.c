/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-anatomy-private.h"

/* A symbol of hr-formula-symbols.c, or a sum of them, and what it is in a block. */
typedef struct
{
  const char *symbol;
  guint64 value;
} Symbol;

#define MAX_SYMBOLS 16

typedef struct
{
  Symbol symbols[MAX_SYMBOLS];
  guint n_symbols;
} Symbols;

static void
add_symbol (Symbols    *self,
            const char *symbol,
            guint64     value)
{
  if (self->n_symbols < MAX_SYMBOLS && value > 0)
    self->symbols[self->n_symbols++] = (Symbol) { symbol, value };
}

static void
add_attention_symbols (Symbols           *self,
                       const HrAttention *attention)
{
  guint64 queries = attention->num_attention_heads * attention->head_dim;
  guint64 keys = attention->num_key_value_heads * attention->head_dim;

  if (attention->latent_size > 0)
    {
      guint64 values = attention->num_attention_heads * attention->value_head_dim;
      guint64 rotated = attention->num_attention_heads * attention->rotary_dim;

      add_symbol (self, "q", queries);
      add_symbol (self, "c_q", attention->query_latent_size);
      add_symbol (self, "(c + r)", attention->latent_size + attention->rotary_dim);
      add_symbol (self, "(q − H·r + v)", queries - rotated + values);
      add_symbol (self, "v", values);
      add_symbol (self, "c", attention->latent_size);
    }
  else
    {
      add_symbol (self, "q", queries);
      add_symbol (self, "(q + 2·k)", queries + 2 * keys);
      add_symbol (self, "k", keys);
    }
  add_symbol (self, "h", attention->hidden_size);
  add_symbol (self, "d", attention->head_dim);
  add_symbol (self, "H", attention->num_attention_heads);
  add_symbol (self, "K", attention->num_key_value_heads);
}

static void
add_mixture_symbols (Symbols         *self,
                     const HrMixture *mixture)
{
  add_symbol (self, "E", mixture->num_experts);
  add_symbol (self, "E·m", mixture->num_experts * mixture->intermediate_size);
  add_symbol (self, "m", mixture->intermediate_size);
  add_symbol (self, "2·m", 2 * mixture->intermediate_size);
  add_symbol (self, "h", mixture->hidden_size);
}

static void
add_mamba_symbols (Symbols       *self,
                   const HrMamba *mamba)
{
  add_symbol (self, "m_s", mamba->intermediate_size);
  add_symbol (self, "2·m_s", 2 * mamba->intermediate_size);
  add_symbol (self, "(r_s + 2·n_s)", mamba->time_step_rank + 2 * mamba->state_size);
  add_symbol (self, "r_s", mamba->time_step_rank);
  add_symbol (self, "n_s", mamba->state_size);
  add_symbol (self, "w_s", mamba->conv_kernel);
  add_symbol (self, "h", mamba->hidden_size);
}

static void
add_mamba2_symbols (Symbols        *self,
                    const HrMamba2 *mamba2)
{
  guint64 states = mamba2->n_groups * mamba2->state_size;

  add_symbol (self, "m_s", mamba2->intermediate_size);
  add_symbol (self, "(m_s + 2·g_s·n_s)", mamba2->intermediate_size + 2 * states);
  add_symbol (self, "(2·m_s + 2·g_s·n_s + H_s)", 2 * mamba2->intermediate_size + 2 * states + mamba2->num_heads);
  add_symbol (self, "H_s", mamba2->num_heads);
  add_symbol (self, "w_s", mamba2->conv_kernel);
  add_symbol (self, "h", mamba2->hidden_size);
}

/* Of a kind that is not here the sizes stand for themselves, but for those of the whole model. */
static void
add_block_symbols (Symbols       *self,
                   const HrBlock *block)
{
  if (block->kind == HR_BLOCK_ATTENTION)
    add_attention_symbols (self, &block->attention);
  else if (block->kind == HR_BLOCK_MLP)
    {
      add_symbol (self, "i", block->mlp.intermediate_size);
      add_symbol (self, "2·i", 2 * block->mlp.intermediate_size);
      add_symbol (self, "h", block->mlp.hidden_size);
    }
  else if (block->kind == HR_BLOCK_MIXTURE)
    add_mixture_symbols (self, &block->mixture);
  else if (block->kind == HR_BLOCK_MAMBA)
    add_mamba_symbols (self, &block->mamba);
  else if (block->kind == HR_BLOCK_MAMBA2)
    add_mamba2_symbols (self, &block->mamba2);
  else if (block->kind == HR_BLOCK_TOKEN_EMBEDDING)
    {
      add_symbol (self, "V", block->token_embedding.vocab_size);
      add_symbol (self, "h", block->token_embedding.hidden_size);
    }
  else if (block->kind == HR_BLOCK_HEAD)
    {
      add_symbol (self, "V", block->head.vocab_size);
      add_symbol (self, "h", block->head.hidden_size);
    }
}

static void
add_model_symbols (Symbols *self,
                   HrModel *model)
{
  guint64 hidden_size = 0;

  if (hr_model_get_hyper_parameter (model, "hidden_size", &hidden_size))
    add_symbol (self, "h", hidden_size);
}

/*
 * The symbol of a size; where several have the same value, the first for the rows of a matrix, for its columns the last
 * that was not taken for the rows: what comes in is most often a hidden state.
 */
static const char *
find_symbol (const Symbols *self,
             guint64        value,
             gboolean       is_first,
             const char    *taken)
{
  const char *found = NULL;

  for (guint i = 0; i < self->n_symbols; i++)
    {
      if (self->symbols[i].value != value)
        continue;
      if (is_first)
        return self->symbols[i].symbol;
      if (found == NULL || g_strcmp0 (self->symbols[i].symbol, taken) != 0)
        found = self->symbols[i].symbol;
    }

  return found;
}

static void
append_factor (GString    *string,
               const char *factor)
{
  if (string->len > 0)
    g_string_append (string, "·");
  g_string_append (string, factor);
}

static void
append_number (GString *string,
               guint64  number)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, number);

  append_factor (string, text);
}

/* A sum in brackets needs none where it stands alone. */
static char *
finish (GString *string)
{
  gsize length = string->len;

  if (length > 2 && string->str[0] == '(' && g_utf8_strchr (string->str, -1, ')') == string->str + length - 1)
    {
      g_string_truncate (string, length - 1);
      g_string_erase (string, 0, 1);
    }

  return g_string_free (string, FALSE);
}

/*
 * hr_anatomy_describe_tensor:
 * @self: an anatomy
 * @block: the block that made the tensor
 * @tensor: a row of tensors
 * @formula: (out): how many parameters it has in a layer, in symbols
 * @substitution: (out): the same in numbers
 *
 * Writes down the shape of a tensor by what its sizes are in the block.
 */
void
hr_anatomy_describe_tensor (HrAnatomy       *self,
                            const HrBlock   *block,
                            const HrTensor  *tensor,
                            char           **formula,
                            char           **substitution)
{
  GString *symbols_text = g_string_new (NULL);
  GString *numbers_text = g_string_new (NULL);
  Symbols symbols = { 0 };
  const char *taken = NULL;

  /* The norms of queries and keys are as wide as a head, even where there is only one. */
  if (tensor->role == HR_TENSOR_ROLE_NORM && block->kind == HR_BLOCK_ATTENTION && block->attention.latent_size == 0)
    add_symbol (&symbols, "d", block->attention.head_dim);
  add_block_symbols (&symbols, block);
  add_model_symbols (&symbols, hr_anatomy_get_model (self));

  if (tensor->n_items > 0)
    {
      const char *symbol = block->kind == HR_BLOCK_MIXTURE ? find_symbol (&symbols, tensor->n_items, TRUE, NULL) : NULL;

      if (symbol != NULL)
        append_factor (symbols_text, symbol);
      else
        append_number (symbols_text, tensor->n_items);
      append_number (numbers_text, tensor->n_items);
    }

  for (guint i = 0; i < tensor->n_dimensions; i++)
    {
      const char *symbol = tensor->shape[i] > 1 ? find_symbol (&symbols, tensor->shape[i], i == 0, taken)
                                                : NULL;

      /* A dimension of one says nothing where there are others. */
      if (tensor->shape[i] == 1 && tensor->n_dimensions > 1)
        continue;
      if (symbol != NULL)
        append_factor (symbols_text, symbol);
      else
        append_number (symbols_text, tensor->shape[i]);
      append_number (numbers_text, tensor->shape[i]);
      taken = symbol;
    }

  if (numbers_text->len == 0)
    {
      append_number (symbols_text, tensor->n_elements);
      append_number (numbers_text, tensor->n_elements);
    }

  *formula = finish (symbols_text);
  *substitution = finish (numbers_text);
}
