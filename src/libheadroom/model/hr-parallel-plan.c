/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-parallel-plan.h"

#include <glib/gi18n-lib.h>

#include "hr-error.h"

/*
 * What transformers’ tensor parallelism leaves of a model on a rank (transformers/integrations/tensor_parallel.py): the
 * functions of the layers stay as they are, and see smaller matrices. What no rule divides, each rank has whole.
 */

#define N_MODULES (HR_MODULE_TIME_STEP + 1)

/* What there is of the modules of a block. */
typedef struct
{
  gboolean has[N_MODULES];
  HrParallelStyle styles[N_MODULES];
} BlockStyles;

/* What a block is divided by. */
typedef struct
{
  const HrParallelPlan *plan;
  const BlockStyles *styles;
  const char *name;
  const char *path;
  GError **error;
} Division;

/*
 * hr_parallel_plan_new:
 * @rules: which modules are divided, which outlive the plan
 * @n_ranks: among how many ranks
 * @rank: one of them
 * @tensors: (element-type HrTensor): the tensors of the whole model
 *
 * Finds out what is divided of each block.
 *
 * Returns: (transfer full): a plan
 */
HrParallelPlan *
hr_parallel_plan_new (const HrParallelRules *rules,
                      guint64                n_ranks,
                      guint64                rank,
                      const GPtrArray       *tensors)
{
  HrParallelPlan *self = g_new0 (HrParallelPlan, 1);

  *self = (HrParallelPlan) { rules, n_ranks, rank, g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free) };
  for (guint i = 0; i < tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (tensors, i);
      HrParallelStyle style;
      BlockStyles *block;

      if (tensor->block == NULL || tensor->role == HR_TENSOR_ROLE_NORM || tensor->role == HR_TENSOR_ROLE_BIAS ||
          tensor->role == HR_TENSOR_ROLE_PARAMETER)
        continue;

      block = g_hash_table_lookup (self->styles, tensor->block);
      if (block == NULL)
        {
          block = g_new0 (BlockStyles, 1);
          g_hash_table_insert (self->styles, g_strdup (tensor->block), block);
        }
      style = hr_parallel_rules_find (rules, tensor);
      block->has[tensor->module] = TRUE;
      block->styles[tensor->module] = style;
    }

  return self;
}

void
hr_parallel_plan_free (HrParallelPlan *self)
{
  g_hash_table_unref (self->styles);
  g_free (self);
}

/*
 * hr_parallel_plan_find:
 * @self: (nullable): a plan
 * @block: (nullable): the path of a block
 * @module: one of its modules
 *
 * Finds what a rank has of a module.
 *
 * Returns: the style; %HR_PARALLEL_WHOLE without a plan
 */
HrParallelStyle
hr_parallel_plan_find (const HrParallelPlan *self,
                       const char           *block,
                       HrModule              module)
{
  const BlockStyles *styles = self != NULL && block != NULL ? g_hash_table_lookup (self->styles, block) : NULL;

  return styles != NULL ? styles->styles[module] : HR_PARALLEL_WHOLE;
}

static gboolean
check_divides (const Division *division,
               const char     *what,
               guint64         number)
{
  g_autofree char *found = NULL;
  g_autofree char *divisor = NULL;

  if (number % division->plan->n_ranks == 0)
    return TRUE;

  found = g_strdup_printf ("%" G_GUINT64_FORMAT, number);
  divisor = g_strdup_printf ("%" G_GUINT64_FORMAT, division->plan->n_ranks);
  g_set_error (division->error, HR_ERROR, HR_ERROR_VALUE,
               /* Translators: the places are the name of a model, of one of its sizes, and two numbers. */
               _("“%s”: expected %s that the number of ranks divides, as transformers gives each the same part; found "
                 "%s and %s"),
               division->name, what, found, divisor);

  return FALSE;
}

/* A combination that no plan of transformers has is not guessed at. */
static gboolean
fail_unknown (const Division *division)
{
  g_set_error (division->error, HR_ERROR, HR_ERROR_UNSUPPORTED,
               /* Translators: the places are the name of a model and the path of one of its modules. */
               _("“%s”: expected modules whose matrices are divided in a way that is known; found %s"),
               division->name, division->path);

  return FALSE;
}

static gboolean
is_rows (HrParallelStyle style)
{
  return style == HR_PARALLEL_ROWS || style == HR_PARALLEL_ROWS_SPLIT;
}

/* Of the first of some modules that the block has. */
static HrParallelStyle
find_first (const Division *division,
            const HrModule *modules,
            guint           n_modules)
{
  for (guint i = 0; i < n_modules; i++)
    {
      if (division->styles->has[modules[i]])
        return division->styles->styles[modules[i]];
    }

  return HR_PARALLEL_WHOLE;
}

/* Whether those of some modules that the block has are all divided in one way. */
static gboolean
are_all (const Division  *division,
         const HrModule  *modules,
         guint            n_modules,
         HrParallelStyle  style)
{
  for (guint i = 0; i < n_modules; i++)
    {
      if (division->styles->has[modules[i]] && division->styles->styles[modules[i]] != style)
        return FALSE;
    }

  return TRUE;
}

/* What comes of whole matrices, or is gathered, may be divided for the last matrix, or not. */
static gboolean
check_last (const Division  *division,
            HrParallelStyle  first,
            HrModule         module)
{
  HrParallelStyle last = division->styles->styles[module];

  if (first == HR_PARALLEL_COLUMNS)
    return last == HR_PARALLEL_ROWS || fail_unknown (division);

  return last == HR_PARALLEL_WHOLE || last == HR_PARALLEL_ROWS_SPLIT || fail_unknown (division);
}

static gboolean
divide_attention (const Division *division,
                  HrAttention    *attention)
{
  static const HrModule heads[] = {
    HR_MODULE_QUERY, HR_MODULE_QUERY_EXPANSION, HR_MODULE_KEY, HR_MODULE_VALUE, HR_MODULE_KEY_VALUE,
    HR_MODULE_QUERY_KEY_VALUE, HR_MODULE_EXPANSION, HR_MODULE_OUTPUT_GATE,
  };
  HrParallelStyle first = find_first (division, heads, G_N_ELEMENTS (heads));

  if (!are_all (division, heads, G_N_ELEMENTS (heads), first))
    return fail_unknown (division);
  if (!check_last (division, first, HR_MODULE_OUTPUT))
    return FALSE;
  if (first == HR_PARALLEL_WHOLE)
    return TRUE;
  if (first == HR_PARALLEL_COLUMNS_GATHERED)
    return check_divides (division, "num_attention_heads·head_dim",
                          attention->num_attention_heads * attention->head_dim) &&
           check_divides (division, "num_key_value_heads·head_dim",
                          attention->num_key_value_heads * attention->head_dim);
  if (!check_divides (division, "num_attention_heads", attention->num_attention_heads) ||
      !check_divides (division, "num_key_value_heads", attention->num_key_value_heads) ||
      !check_divides (division, "num_key_value_heads", attention->cached_heads))
    return FALSE;

  attention->num_attention_heads /= division->plan->n_ranks;
  attention->num_key_value_heads /= division->plan->n_ranks;
  attention->cached_heads /= division->plan->n_ranks;

  return TRUE;
}

/* As torch.chunk does: all but the last ranks that have any have as much as the first. */
static guint64
get_part (const HrParallelPlan *plan,
          guint64               size)
{
  guint64 part = (size + plan->n_ranks - 1) / plan->n_ranks;
  guint64 start = MIN (size, plan->rank * part);

  return MIN (part, size - start);
}

static gboolean
divide_mlp (const Division *division,
            HrMlp          *mlp)
{
  static const HrModule inner[] = { HR_MODULE_GATE, HR_MODULE_UP, HR_MODULE_GATE_UP };
  HrParallelStyle first = find_first (division, inner, G_N_ELEMENTS (inner));

  if (!are_all (division, inner, G_N_ELEMENTS (inner), first))
    return fail_unknown (division);
  if (!check_last (division, first, HR_MODULE_DOWN))
    return FALSE;
  if (first != HR_PARALLEL_COLUMNS)
    return first == HR_PARALLEL_WHOLE || check_divides (division, "intermediate_size", mlp->intermediate_size);

  if (mlp->intermediate_size < division->plan->n_ranks)
    return check_divides (division, "intermediate_size", mlp->intermediate_size);

  mlp->intermediate_size = get_part (division->plan, mlp->intermediate_size);

  return TRUE;
}

/* Routed experts are divided one by one, or each of them is. */
static gboolean
divide_experts (const Division *division,
                HrMixture      *mixture)
{
  static const HrModule inner[] = { HR_MODULE_EXPERT_GATE, HR_MODULE_EXPERT_UP, HR_MODULE_EXPERT_GATE_UP };
  HrParallelStyle first = find_first (division, inner, G_N_ELEMENTS (inner));
  HrParallelStyle last = division->styles->styles[HR_MODULE_EXPERT_DOWN];

  if (!are_all (division, inner, G_N_ELEMENTS (inner), first))
    return fail_unknown (division);
  if (first == HR_PARALLEL_WHOLE && last == HR_PARALLEL_WHOLE)
    return TRUE;
  if (first == HR_PARALLEL_EXPERTS && last == HR_PARALLEL_EXPERTS)
    {
      if (!check_divides (division, "num_experts", mixture->num_experts))
        return FALSE;
      if (mixture->path != HR_EXPERTS_GROUPED)
        return fail_unknown (division);
      mixture->num_held_experts = mixture->num_experts / division->plan->n_ranks;
      return TRUE;
    }
  if (!(first == HR_PARALLEL_COLUMNS && is_rows (last)) && !(is_rows (first) && last == HR_PARALLEL_COLUMNS))
    return fail_unknown (division);
  if (!check_divides (division, "moe_intermediate_size", mixture->intermediate_size))
    return FALSE;

  mixture->intermediate_size /= division->plan->n_ranks;

  return TRUE;
}

static gboolean
divide_mixture (const Division *division,
                HrMixture      *mixture)
{
  static const HrModule shared[] = { HR_MODULE_GATE, HR_MODULE_UP, HR_MODULE_GATE_UP };
  static const HrModule others[] = { HR_MODULE_ROUTER, HR_MODULE_SHARED_GATE, HR_MODULE_LATENT_DOWN,
                                     HR_MODULE_LATENT_UP };
  HrParallelStyle first = find_first (division, shared, G_N_ELEMENTS (shared));

  if (!are_all (division, others, G_N_ELEMENTS (others), HR_PARALLEL_WHOLE) ||
      !are_all (division, shared, G_N_ELEMENTS (shared), first))
    return fail_unknown (division);
  if (!divide_experts (division, mixture) || !check_last (division, first, HR_MODULE_DOWN))
    return FALSE;
  if (first != HR_PARALLEL_COLUMNS)
    return TRUE;
  if (!check_divides (division, "shared_expert_intermediate_size", mixture->shared_intermediate_size))
    return FALSE;

  mixture->shared_intermediate_size /= division->plan->n_ranks;

  return TRUE;
}

/*
 * The logits of the ranks are put together, which takes parts of one size. A head that is tied has the whole table
 * nonetheless.
 */
static gboolean
divide_head (const Division *division,
             const HrHead   *head)
{
  switch ((guint) division->styles->styles[HR_MODULE_SELF])
    {
    case HR_PARALLEL_WHOLE:
      return TRUE;

    case HR_PARALLEL_COLUMNS_GATHERED:
      return check_divides (division, "vocab_size", head->vocab_size);

    default:
      return fail_unknown (division);
    }
}

/*
 * hr_parallel_plan_divide_block:
 * @self: a plan
 * @name: the name of the model
 * @block: (inout): one of its blocks
 * @error: return location for an error
 *
 * Leaves of a block what a rank has of it.
 *
 * Returns: whether its sizes can be divided
 */
gboolean
hr_parallel_plan_divide_block (const HrParallelPlan  *self,
                               const char            *name,
                               HrBlock               *block,
                               GError               **error)
{
  const Division division = { self, g_hash_table_lookup (self->styles, block->path), name, block->path, error };

  if (division.styles == NULL)
    return TRUE;

  switch ((guint) block->kind)
    {
    case HR_BLOCK_ATTENTION:
      return divide_attention (&division, &block->attention);

    case HR_BLOCK_MLP:
      return divide_mlp (&division, &block->mlp);

    case HR_BLOCK_MIXTURE:
      return divide_mixture (&division, &block->mixture);

    case HR_BLOCK_HEAD:
      return divide_head (&division, &block->head);

    default:
      for (guint i = 0; i < N_MODULES; i++)
        {
          if (division.styles->styles[i] != HR_PARALLEL_WHOLE)
            return fail_unknown (&division);
        }
      return TRUE;
    }
}

/* Which dimension is divided; -1: none is. */
static int
find_divided (const HrTensor  *tensor,
              HrParallelStyle  style)
{
  int last = (int) tensor->n_dimensions - 1;

  switch (style)
    {
    case HR_PARALLEL_COLUMNS:
    case HR_PARALLEL_COLUMNS_GATHERED:
      return MAX (0, last - 1);

    case HR_PARALLEL_ROWS:
    case HR_PARALLEL_ROWS_SPLIT:
      return last > 0 ? last : -1;

    case HR_PARALLEL_EXPERTS:
      return tensor->n_items > 0 ? -1 : 0;

    case HR_PARALLEL_WHOLE:
    default:
      return -1;
    }
}

/*
 * hr_parallel_plan_divide_tensor:
 * @self: a plan
 * @whole: a tensor of the whole model
 * @tensor: (inout): a copy of it
 *
 * Leaves of a tensor what a rank has of it (get_expected_sharded_shape).
 */
void
hr_parallel_plan_divide_tensor (const HrParallelPlan *self,
                                const HrTensor       *whole,
                                HrTensor             *tensor)
{
  HrParallelStyle style = hr_parallel_rules_find (self->rules, whole);
  int divided = find_divided (whole, style);

  if (style == HR_PARALLEL_EXPERTS && tensor->n_items > 0)
    tensor->n_items /= self->n_ranks;
  if (divided >= 0 && tensor->n_dimensions > 0)
    tensor->shape[divided] = get_part (self, tensor->shape[divided]);
}
