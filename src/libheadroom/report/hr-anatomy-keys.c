/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-anatomy-private.h"

#include <glib/gi18n-lib.h>

#include "hr-labels.h"
#include "hr-report-private.h"

/* A key of a configuration, by the name that most of them use, and what it means. */
typedef struct
{
  const char *name;
  const char *explanation;
} Key;

typedef struct
{
  const char *id;
  const char *title;
  const Key *keys;
  guint n_keys;
} Group;

static const Key dimension_keys[] = {
  { "hidden_size", N_("h: how many numbers stand for a token between the layers; weights grow with its square") },
  { "intermediate_size", N_("i: the width inside the feed-forward blocks, most of the weights of a dense model") },
  { "num_hidden_layers", N_("L: layers, one after the other; weights and cache grow with it") },
};

static const Key attention_keys[] = {
  { "num_attention_heads", N_("H: heads of the queries") },
  { "num_key_value_heads", N_("K: heads of keys and values, the ones that the cache keeps") },
  { "head_dim", N_("d: how many numbers a head works with") },
  { "sliding_window", N_("w: tokens that a layer with a window sees and keeps") },
  { "max_position_embeddings", N_("the longest sequence that the configuration allows, in tokens") },
};

static const Key expert_keys[] = {
  { "num_experts", N_("E: experts of a layer, all of which are kept in memory") },
  { "num_experts_per_tok", N_("t: experts that a token passes") },
  { "moe_intermediate_size", N_("m: the width inside an expert") },
};

static const Key token_keys[] = {
  { "vocab_size", N_("V: tokens that the model knows; embedding, output head and logits grow with it") },
};

static const Group groups[] = {
  { "dimensions", N_("Dimensions"), dimension_keys, G_N_ELEMENTS (dimension_keys) },
  { "attention", N_("Attention and positions"), attention_keys, G_N_ELEMENTS (attention_keys) },
  { "experts", N_("Experts"), expert_keys, G_N_ELEMENTS (expert_keys) },
  { "tokens", N_("Tokens"), token_keys, G_N_ELEMENTS (token_keys) },
};

/* The first of that kind, those of the decoder before those of other stacks. */
static const HrBlock *
find_block (HrAnatomy   *self,
            HrBlockKind  kind)
{
  GPtrArray *blocks = hr_anatomy_get_blocks (self);
  const HrBlock *found = NULL;

  for (guint i = 0; i < blocks->len; i++)
    {
      const HrAnatomyBlock *block = g_ptr_array_index (blocks, i);

      if (block->block->kind != kind)
        continue;
      if (hr_anatomy_keeps_cache (block))
        return block->block;
      if (found == NULL)
        found = block->block;
    }

  return found;
}

static void
add_text (HrAnatomyTable *table,
          const char     *name,
          const char     *explanation,
          const char     *text)
{
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 1, name, name);

  row->note = g_strdup (explanation);
  row->text = g_strdup (text);
}

static void
add_derived (HrAnatomyTable *table,
             const char     *name,
             const char     *explanation,
             const char     *formula,
             char           *substitution,
             guint64         value)
{
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 1, name, name);

  row->note = g_strdup (explanation);
  hr_anatomy_row_set_formula (row, formula, substitution);
  hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_COUNT, value);
  g_free (substitution);
}

#define N G_GUINT64_FORMAT

/* Sizes that follow from the keys, with how they do. */
static void
add_derived_sizes (HrAnatomy      *self,
                   HrAnatomyTable *table)
{
  const HrBlock *block = find_block (self, HR_BLOCK_ATTENTION);
  const HrAttention *attention;
  guint64 heads, key_value_heads;

  if (block == NULL || block->attention.latent_size > 0 || block->attention.num_key_value_heads == 0)
    return;

  attention = &block->attention;
  heads = attention->num_attention_heads;
  key_value_heads = attention->num_key_value_heads;

  hr_anatomy_table_add_row (table, 0, "derived", _("What follows from them"))->is_heading = TRUE;
  if (heads % key_value_heads == 0)
    add_derived (table, "group_size", _("g: query heads that share a key-value head"), "H / K",
                 g_strdup_printf ("%" N " / %" N, heads, key_value_heads), heads / key_value_heads);
  if (attention->hidden_size % heads == 0 && attention->hidden_size / heads == attention->head_dim)
    add_derived (table, "head_dim", _("d: where the configuration does not give it"), "h / H",
                 g_strdup_printf ("%" N " / %" N, attention->hidden_size, heads), attention->head_dim);
  add_derived (table, "q_dim", _("q: the width of the queries"), "H·d",
               g_strdup_printf ("%" N "·%" N, heads, attention->head_dim), heads * attention->head_dim);
  add_derived (table, "kv_dim", _("k: the width of the keys, and of the values"), "K·d",
               g_strdup_printf ("%" N "·%" N, key_value_heads, attention->head_dim),
               key_value_heads * attention->head_dim);
}

/* What is no number. */
static void
add_choices (HrAnatomy      *self,
             HrAnatomyTable *table)
{
  HrModel *model = hr_anatomy_get_model (self);
  const HrBlock *head = find_block (self, HR_BLOCK_HEAD);
  const HrBlock *mlp = find_block (self, HR_BLOCK_MLP);
  HrDtype dtype = hr_model_get_dtype (model);
  HrQuantization quantization = hr_model_get_quantization (model);

  hr_anatomy_table_add_row (table, 0, "choices", _("Activation and storage"))->is_heading = TRUE;
  if (mlp != NULL)
    {
      g_autofree char *note = hr_anatomy_block_dup_note (mlp);

      add_text (table, "hidden_act", _("the function inside the feed-forward blocks, which have three matrices with a "
                                       "gate and two without"), note);
    }
  if (head != NULL)
    add_text (table, "tie_word_embeddings", _("whether the output head shares the matrix of the token embedding, which "
                                              "then counts once"),
              head->head.tied ? _("yes") : _("no"));
  if (dtype != HR_DTYPE_AUTO)
    add_text (table, "torch_dtype", _("what the weights are stored in"), hr_dtype_get_name (dtype));
  if (quantization != HR_QUANTIZATION_NONE && quantization != HR_QUANTIZATION_AUTO)
    add_text (table, "quantization_config", _("how the weights are quantized"),
              hr_quantization_get_name (quantization));
}

static void
add_group (HrAnatomy      *self,
           HrAnatomyTable *table,
           const Group    *group)
{
  gboolean has_heading = FALSE;

  for (guint i = 0; i < group->n_keys; i++)
    {
      HrAnatomyRow *row;
      guint64 value;

      if (!hr_model_get_hyper_parameter (hr_anatomy_get_model (self), group->keys[i].name, &value))
        continue;
      if (!has_heading)
        hr_anatomy_table_add_row (table, 0, group->id, _(group->title))->is_heading = TRUE;
      has_heading = TRUE;

      row = hr_anatomy_table_add_row (table, 1, group->keys[i].name, group->keys[i].name);
      if (g_str_equal (group->keys[i].name, "sliding_window") && !hr_model_uses_window (hr_anatomy_get_model (self)))
        row->note = g_strdup (_("w: the configuration gives a window, but no layer uses it"));
      else
        row->note = g_strdup (_(group->keys[i].explanation));
      hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_COUNT, value);
    }
}

HrAnatomyTable *
hr_anatomy_create_keys (HrAnatomy *self)
{
  HrAnatomyTable *table;

  if (hr_anatomy_get_blocks (self)->len == 0)
    return NULL;

  table = hr_anatomy_table_new ("keys", _("Key Figures"),
                                _("The keys of config.json that memory follows from, by the names that most "
                                  "configurations use, and the letters of the formulas."),
                                _("Key"));
  hr_anatomy_table_add_column (table, "value", _("Value"));

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
    add_group (self, table, &groups[i]);
  add_derived_sizes (self, table);
  add_choices (self, table);

  return table;
}
