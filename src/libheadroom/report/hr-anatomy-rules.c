/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-anatomy-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "hr-model-catalogue.h"
#include "hr-rule-of-thumb.h"

/* Models whose feed-forward blocks guides set side by side. */
static const char * const known_models[] = {
  "huggyllama/llama-7b", "meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-13b-hf", "mistralai/Mistral-7B-v0.1",
  "HuggingFaceH4/zephyr-7b-beta", "berkeley-nest/Starling-LM-7B-alpha", "Qwen/Qwen-7B", "Qwen/Qwen-14B",
};

/* What the rules know of a model. */
typedef struct
{
  guint64 vocab_size;
  guint64 hidden_size;
  guint64 intermediate_size;
  guint64 n_layers;
  double group_size;
  gboolean gated;
} Sizes;

/* The feed-forward block of the first layers that have one; of a mixture there is none. */
gboolean
hr_anatomy_find_feed_forward (HrAnatomy *self,
                              guint64   *hidden_size,
                              guint64   *intermediate_size,
                              gboolean  *gated,
                              guint64   *n_parameters)
{
  GPtrArray *blocks = hr_anatomy_get_blocks (self);

  for (guint i = 0; i < blocks->len; i++)
    {
      const HrAnatomyBlock *block = g_ptr_array_index (blocks, i);

      if (block->block->kind != HR_BLOCK_MLP || !hr_anatomy_keeps_cache (block))
        continue;
      *hidden_size = block->block->mlp.hidden_size;
      *intermediate_size = block->block->mlp.intermediate_size;
      *gated = block->block->mlp.gated;
      *n_parameters = block->n_parameters;
      return TRUE;
    }

  return FALSE;
}

static gboolean
get_sizes (HrAnatomy *self,
           Sizes     *sizes)
{
  HrModel *model = hr_anatomy_get_model (self);
  guint64 heads, key_value_heads, hidden_size, n_parameters;

  if (hr_model_find_stack (model, HR_STACK_ENCODER) != NULL ||
      !hr_model_get_hyper_parameter (model, "vocab_size", &sizes->vocab_size) ||
      !hr_model_get_hyper_parameter (model, "hidden_size", &sizes->hidden_size) ||
      !hr_model_get_hyper_parameter (model, "num_hidden_layers", &sizes->n_layers) ||
      !hr_model_get_hyper_parameter (model, "num_attention_heads", &heads) ||
      !hr_model_get_hyper_parameter (model, "num_key_value_heads", &key_value_heads) || key_value_heads == 0 ||
      !hr_anatomy_find_feed_forward (self, &hidden_size, &sizes->intermediate_size, &sizes->gated, &n_parameters))
    return FALSE;

  sizes->group_size = (double) heads / key_value_heads;

  return sizes->hidden_size > 0 && sizes->vocab_size > 0 && sizes->n_layers > 0;
}

static HrAnatomyRow *
add_rule (HrAnatomyTable *table,
          const char     *id,
          const char     *label,
          const char     *formula,
          char           *substitution,
          double          value,
          guint64         exact)
{
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, id, label);
  guint64 number = (guint64) round (value);

  hr_anatomy_row_set_formula (row, formula, substitution);
  hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_PARAMETERS, number);
  hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_PARAMETERS, exact);
  hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_DIFFERENCE, number - exact);
  g_free (substitution);

  return row;
}

#define N G_GUINT64_FORMAT

static void
add_attention_rules (HrAnatomyTable *table,
                     const Sizes    *sizes,
                     guint64         exact)
{
  guint64 layers = sizes->n_layers;
  guint64 hidden = sizes->hidden_size;
  double group = sizes->group_size;
  HrAnatomyRow *row;

  add_rule (table, "attention", _("Attention"), "L·h²·(2 + 2/g)",
            g_strdup_printf ("%" N "·%" N "²·(2 + 2/%g)", layers, hidden, group),
            layers * hr_rule_of_thumb_attention (hidden, group), exact);

  row = add_rule (table, "attention-mha", _("Attention, as if no heads were grouped"), "L·4·h²",
                  g_strdup_printf ("%" N "·4·%" N "²", layers, hidden), layers * hr_rule_of_thumb_attention (hidden, 1),
                  exact);
  row->note = g_strdup (_("overstates grouped heads"));

  row = add_rule (table, "attention-mha-bias", _("Attention, likewise, with biases"), "L·(4·h² + 4·h)",
                  g_strdup_printf ("%1$" N "·(4·%2$" N "² + 4·%2$" N ")", layers, hidden),
                  layers * hr_rule_of_thumb_attention_with_bias (hidden), exact);
  row->note = g_strdup (_("right only for models that have a bias everywhere"));
}

static void
add_mlp_rules (HrAnatomyTable *table,
               const Sizes    *sizes,
               guint64         exact)
{
  guint64 layers = sizes->n_layers;
  guint64 hidden = sizes->hidden_size;
  guint64 inside = sizes->intermediate_size;
  HrAnatomyRow *row;

  row = add_rule (table, "mlp-gated", _("Feed-forward with a gate"), "L·3·h·i",
                  g_strdup_printf ("%" N "·3·%" N "·%" N, layers, hidden, inside),
                  layers * hr_rule_of_thumb_mlp (hidden, inside, TRUE, FALSE), exact);
  if (!sizes->gated)
    row->note = g_strdup (_("this model has no gate"));

  row = add_rule (table, "mlp-plain", _("Feed-forward without a gate"), "L·2·h·i",
                  g_strdup_printf ("%" N "·2·%" N "·%" N, layers, hidden, inside),
                  layers * hr_rule_of_thumb_mlp (hidden, inside, FALSE, FALSE), exact);
  if (sizes->gated)
    row->note = g_strdup (_("this model has a gate"));
}

/* NULL for a model that the formulas do not know: they are of decoders with feed-forward blocks. */
HrAnatomyTable *
hr_anatomy_create_rules (HrAnatomy *self)
{
  HrModel *model = hr_anatomy_get_model (self);
  guint64 embedding = hr_model_get_n_parameters_of_part (model, HR_PART_EMBEDDING);
  guint64 total = hr_model_get_n_parameters (model);
  HrAnatomyTable *table;
  HrAnatomyRow *row;
  Sizes sizes;

  if (!get_sizes (self, &sizes))
    return NULL;

  table = hr_anatomy_table_new ("rules", _("Rules of Thumb"),
                                _("The formulas that people know by heart, as they are usually written, beside the "
                                  "exact counts."),
                                _("Formula for"));
  hr_anatomy_table_add_column (table, "rule-of-thumb", _("Rule of thumb"));
  hr_anatomy_table_add_column (table, "exact", _("Exact"));
  hr_anatomy_table_add_column (table, "difference", _("Difference"));

  add_rule (table, "embedding", _("Embedding"), "V·h",
            g_strdup_printf ("%" N "·%" N, sizes.vocab_size, sizes.hidden_size),
            hr_rule_of_thumb_embedding (sizes.vocab_size, sizes.hidden_size), embedding);
  add_attention_rules (table, &sizes, hr_model_get_n_parameters_of_part (model, HR_PART_ATTENTION));
  add_mlp_rules (table, &sizes, hr_model_get_n_parameters_of_part (model, HR_PART_MLP));

  row = add_rule (table, "norm", _("Norms"), "L·4·h",
                  g_strdup_printf ("%" N "·4·%" N, sizes.n_layers, sizes.hidden_size),
                  sizes.n_layers * hr_rule_of_thumb_norms (sizes.hidden_size),
                  hr_model_get_n_parameters_of_part (model, HR_PART_NORM));
  row->note = g_strdup (_("counts a bias in each norm and leaves out the last norm"));

  row = add_rule (table, "output", _("Output head"), "V·h",
                  g_strdup_printf ("%" N "·%" N, sizes.vocab_size, sizes.hidden_size),
                  hr_rule_of_thumb_embedding (sizes.vocab_size, sizes.hidden_size),
                  hr_model_get_n_parameters_of_part (model, HR_PART_OUTPUT));
  if (hr_model_get_n_parameters_of_part (model, HR_PART_OUTPUT) == 0)
    row->note = g_strdup (_("the head shares the matrix of the embedding"));

  row = add_rule (table, "total", _("Total"), "2·V·h + L·h²·(2 + 2/g) + L·3·h·i",
                  g_strdup_printf ("2·%1$" N "·%2$" N " + %3$" N "·%2$" N "²·(2 + 2/%5$g) + %3$" N "·3·%2$" N "·%4$" N,
                                   sizes.vocab_size, sizes.hidden_size, sizes.n_layers, sizes.intermediate_size,
                                   sizes.group_size),
                  hr_rule_of_thumb_parameters (sizes.vocab_size, sizes.hidden_size, sizes.intermediate_size,
                                               sizes.n_layers, sizes.group_size),
                  total);
  row->note = g_strdup (_("leaves out norms and biases, counts a tied head twice"));

  row = add_rule (table, "total-with-norms", _("Total with norms"), "2·V·h + L·(h²·(2 + 2/g) + 3·h·i + 4·h)",
                  g_strdup_printf ("2·%1$" N "·%2$" N " + %3$" N "·(%2$" N "²·(2 + 2/%5$g) + 3·%2$" N "·%4$" N
                                   " + 4·%2$" N ")",
                                   sizes.vocab_size, sizes.hidden_size, sizes.n_layers, sizes.intermediate_size,
                                   sizes.group_size),
                  hr_rule_of_thumb_parameters_with_norms (sizes.vocab_size, sizes.hidden_size, sizes.intermediate_size,
                                                          sizes.n_layers, sizes.group_size),
                  total);
  row->note = g_strdup (_("likewise, with two norms of a weight and a bias in each layer"));

  return table;
}

static void
add_feed_forward (HrAnatomyTable *table,
                  HrAnatomy      *anatomy,
                  gboolean        is_own)
{
  const char *name = hr_model_get_name (hr_anatomy_get_model (anatomy));
  guint64 hidden_size, intermediate_size, n_parameters;
  HrAnatomyRow *row;
  gboolean gated;

  if (!hr_anatomy_find_feed_forward (anatomy, &hidden_size, &intermediate_size, &gated, &n_parameters))
    return;

  row = hr_anatomy_table_add_row (table, 0, is_own ? "own" : name, name);
  row->is_total = is_own;
  hr_anatomy_row_set_formula (row, gated ? "3·h·i" : "2·h·i", NULL);
  hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_COUNT, hidden_size);
  hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_COUNT, intermediate_size);
  hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_PARAMETERS, n_parameters);
}

HrAnatomyTable *
hr_anatomy_create_feed_forward (HrAnatomy *self)
{
  const char *own_name = hr_model_get_name (hr_anatomy_get_model (self));
  guint64 hidden_size, intermediate_size, n_parameters;
  HrAnatomyTable *table;
  gboolean gated;

  if (!hr_anatomy_find_feed_forward (self, &hidden_size, &intermediate_size, &gated, &n_parameters))
    return NULL;

  table = hr_anatomy_table_new ("feed-forward", _("Feed-Forward Blocks Compared"),
                                _("The widths of this model’s feed-forward blocks beside those of well-known models, "
                                  "with the parameters of one block."),
                                _("Model"));
  hr_anatomy_table_add_column (table, "hidden-size", "hidden_size");
  hr_anatomy_table_add_column (table, "intermediate-size", "intermediate_size");
  hr_anatomy_table_add_column (table, "parameters", _("Parameters"));

  for (guint i = 0; i < G_N_ELEMENTS (known_models); i++)
    {
      g_autoptr (HrModel) model = NULL;
      g_autoptr (HrAnatomy) anatomy = NULL;

      if (g_strcmp0 (known_models[i], own_name) == 0)
        continue;
      model = hr_model_new_from_id (known_models[i], NULL);
      if (model == NULL)
        continue;
      anatomy = hr_anatomy_new (model, NULL);
      add_feed_forward (table, anatomy, FALSE);
    }
  add_feed_forward (table, self, TRUE);

  return table;
}
