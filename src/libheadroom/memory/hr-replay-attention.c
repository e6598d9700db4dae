/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-liger.h"
#include "hr-operator-select.h"
#include "hr-replay-attention-private.h"
#include "hr-replay-ulysses.h"

/*
 * The attention modules of transformers (transformers/models/…/modeling_….py). Each variable of a module's function
 * holds its tensor until it is bound to another or the function returns.
 */

typedef HrAttentionVariables Variables;

void
hr_attention_keep_local (Variables *variables,
                         HrValue    value)
{
  variables->locals[variables->n_locals++] = value;
}

void
hr_attention_drop_variables (HrReplay  *replay,
                             Variables *variables)
{
  for (guint i = 0; i < variables->n_locals; i++)
    hr_replay_drop (replay, variables->locals[i]);

  hr_replay_drop (replay, variables->gate);
  hr_replay_drop (replay, variables->value);
  hr_replay_drop (replay, variables->key);
  hr_replay_drop (replay, variables->query);
}

/* A part of the features of a tensor. */
static HrValue
get_part (HrReplay *replay,
          HrValue   x,
          HrSymbol  features)
{
  HrValue shape = x;

  shape.symbols[shape.n_symbols - 1] = features;
  shape.count = 1;
  shape.divisor = 1;

  return hr_op_slice (replay, x, shape);
}

/*
 * The queries. A gate of the output that comes of the same matrix is put apart in a variable of its own
 * (Qwen3NextAttention).
 */
static HrValue
project_query (HrReplay          *replay,
               Variables         *variables,
               HrValue            x,
               const char        *name,
               const HrAttention *attention)
{
  gboolean is_double = attention->output_gate == HR_OUTPUT_GATE_QUERY;
  HrValue query = hr_op_linear (replay, x, HR_MODULE_QUERY, name,
                                HR_SYMBOL_QUERY, is_double ? 2 : 1, attention->has_query_bias);
  HrValue halves[2];

  if (!is_double)
    return query;

  hr_op_chunk (replay, query, 2, halves);
  hr_replay_drop (replay, query);
  variables->gate = hr_op_copy (replay, "gate", halves[1], hr_value_detach (halves[1]));
  hr_replay_drop (replay, halves[1]);

  return halves[0];
}

/* (x).view ().transpose (1, 2).contiguous (), which copies where there is more than one token. */
static void
put_heads_first (HrReplay *replay,
                 HrValue  *x)
{
  HrValue shape = *x;

  shape.heads_first = TRUE;
  if (replay->symbols[x->symbols[1]] > 1)
    hr_replay_assign (replay, x, hr_op_copy (replay, "query_states", *x, hr_value_detach (shape)));
}

/* The norm of each head: the tensor as [B, S, H, d]. */
static HrValue
norm_heads (HrReplay     *replay,
            HrValue       x,
            HrSymbol      heads,
            const HrNorm *norm)
{
  HrValue view = x;
  HrValue result;

  view.symbols[view.n_symbols - 1] = heads;
  view.symbols[view.n_symbols++] = HR_SYMBOL_HEAD;
  result = hr_replay_norm (replay, view, norm);
  result.n_symbols = x.n_symbols;
  result.symbols[result.n_symbols - 1] = x.symbols[x.n_symbols - 1];

  return result;
}

/* Each head by a norm of its own, their results joined by torch.cat (StableLmLayerNormPerHead). */
static HrValue
norm_each_head (HrReplay     *replay,
                HrValue       x,
                HrSymbol      heads,
                const HrNorm *norm)
{
  HrValue normalized = norm_heads (replay, x, heads, norm);
  HrValue shape = x;
  HrValue result;

  shape.heads_first = TRUE;
  shape.element = normalized.element;
  result = hr_op_cat (replay, "query_states", &normalized, 1, shape);
  hr_replay_drop (replay, normalized);

  return result;
}

static HrValue
run_norm (HrReplay          *replay,
          HrValue            x,
          HrSymbol           heads,
          const HrAttention *attention)
{
  HrNorm norm = {
    .kind = attention->qk_norm_kind, .has_weight = TRUE, .has_bias = attention->qk_norm_has_bias,
    .per_head = attention->qk_norm == HR_QK_NORM_PER_HEAD, .is_list = attention->qk_norm == HR_QK_NORM_LIST,
  };

  switch (attention->qk_norm)
    {
    case HR_QK_NORM_FULL:
      return hr_replay_norm (replay, x, &norm);

    case HR_QK_NORM_LIST:
      return norm_each_head (replay, x, heads, &norm);

    case HR_QK_NORM_HEAD:
    case HR_QK_NORM_PER_HEAD:
      return norm_heads (replay, x, heads, &norm);

    case HR_QK_NORM_NONE:
    default:
      return hr_replay_hold (replay, x);
    }
}

static HrValue
norm_query_or_key (HrReplay          *replay,
                   HrValue            x,
                   HrSymbol           heads,
                   const HrAttention *attention)
{
  const HrLiger *liger = replay->liger;
  HrValue result;

  if (liger != NULL && liger->leaves_head_norms)
    replay->liger = NULL;
  result = run_norm (replay, x, heads, attention);
  replay->liger = liger;

  return result;
}

/* What the cache holds of an encoder or a tower, as the layer had put it there. */
static HrValue
take_cached (HrReplay  *replay,
             HrValue    cached,
             HrElement  element)
{
  HrValue value = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_KEY);

  value.heads_first = TRUE;
  value.storage = hr_replay_hold (replay, cached).storage;

  return value;
}

static void
project_separately (HrReplay          *replay,
                    const HrForward   *forward,
                    Variables         *variables,
                    HrValue            x,
                    const HrAttention *attention)
{
  HrValue source = attention->is_cross || attention->joins_source ? forward->source : x;

  variables->query = project_query (replay, variables, x, "query_states", attention);
  if (attention->scaled_query)
    hr_replay_assign (replay, &variables->query,
                      hr_op_unary (replay, HR_UNARY_MUL, "query_states", variables->query));
  if (attention->qk_norm_place == HR_QK_NORM_EACH_IN_TURN)
    hr_replay_assign (replay, &variables->query,
                      norm_query_or_key (replay, variables->query, HR_SYMBOL_HEADS, attention));
  if (attention->contiguous_heads)
    put_heads_first (replay, &variables->query);

  if (attention->is_cross && forward->use_cache && !forward->first)
    {
      variables->key = take_cached (replay, forward->cross_keys, x.element);
      variables->value = take_cached (replay, forward->cross_values, x.element);
      return;
    }

  variables->key = hr_op_linear (replay, source, HR_MODULE_KEY, "key_states",
                                 HR_SYMBOL_KEY, 1, attention->has_key_bias);
  if (attention->contiguous_heads)
    put_heads_first (replay, &variables->key);
  variables->value = hr_op_linear (replay, source, HR_MODULE_VALUE, "value_states",
                                   attention->value_head_dim > 0 ? HR_SYMBOL_KEY_VALUE : HR_SYMBOL_KEY, 1,
                                   attention->has_value_bias);
  if (attention->scaled_value)
    hr_replay_assign (replay, &variables->value,
                      hr_op_unary (replay, HR_UNARY_MUL, "value_states", variables->value));
  if (attention->contiguous_heads)
    put_heads_first (replay, &variables->value);
  if (attention->qk_norm_place == HR_QK_NORM_EACH_IN_TURN)
    hr_replay_assign (replay, &variables->key,
                      norm_query_or_key (replay, variables->key, HR_SYMBOL_KEY_HEADS, attention));
}

/* Those of this use of a block that several layers share (Zamba2Attention). */
static void
add_adapters (HrReplay          *replay,
              Variables         *variables,
              HrValue            x,
              const HrAttention *attention)
{
  if (attention->adapter_rank == 0)
    return;

  hr_replay_add_adapter (replay, &variables->query, x, attention->adapter_rank, "query_states");
  hr_replay_add_adapter (replay, &variables->key, x, attention->adapter_rank, "key_states");
  hr_replay_add_adapter (replay, &variables->value, x, attention->adapter_rank, "value_states");
}

/* self.q_norm (self.q_proj (x)) in one expression (Qwen3, OLMo 2). */
static void
project_and_norm (HrReplay          *replay,
                  Variables         *variables,
                  HrValue            x,
                  const HrAttention *attention)
{
  HrValue projected = project_query (replay, variables, x, "q_proj(x)", attention);

  variables->query = norm_query_or_key (replay, projected, HR_SYMBOL_HEADS, attention);
  hr_replay_drop (replay, projected);
  projected = hr_op_linear (replay, x, HR_MODULE_KEY, "k_proj(x)", HR_SYMBOL_KEY, 1, attention->has_key_bias);
  variables->key = norm_query_or_key (replay, projected, HR_SYMBOL_KEY_HEADS, attention);
  hr_replay_drop (replay, projected);
  variables->value = hr_op_linear (replay, x, HR_MODULE_VALUE, "value_states",
                                   HR_SYMBOL_KEY, 1, attention->has_value_bias);
}

static void
norm_both (HrReplay          *replay,
           Variables         *variables,
           const HrAttention *attention)
{
  hr_replay_assign (replay, &variables->query,
                    norm_query_or_key (replay, variables->query, HR_SYMBOL_HEADS, attention));
  hr_replay_assign (replay, &variables->key,
                    norm_query_or_key (replay, variables->key, HR_SYMBOL_KEY_HEADS, attention));
}

/* Where one matrix makes all three, they are clamped before they are split (project_fused). */
static void
clamp_separately (HrReplay          *replay,
                  Variables         *variables,
                  const HrAttention *attention)
{
  if (!attention->clip_qkv)
    return;

  hr_op_clamp_in_place (replay, &variables->query);
  hr_op_clamp_in_place (replay, &variables->key);
  hr_op_clamp_in_place (replay, &variables->value);
}

/* The gate is as wide as the queries, and made when they are; a variable holds it until the end (AfmoeAttention). */
static void
project_gate (HrReplay          *replay,
              Variables         *variables,
              HrValue            x,
              const HrAttention *attention)
{
  if (attention->output_gate == HR_OUTPUT_GATE_FULL)
    variables->gate = hr_op_linear (replay, x, HR_MODULE_OUTPUT_GATE, "gate_states", HR_SYMBOL_QUERY, 1, FALSE);
}

/* The queries, keys and values of one matrix's output, in the same memory: by chunk () or split (), or by slices. */
static void
split_fused (HrReplay          *replay,
             Variables         *variables,
             HrValue            fused,
             const HrAttention *attention)
{
  HrValue parts[3];

  /* fused_qkv[..., 0, :] of FalconAttention._split_heads is a slice as well. */
  if (attention->path == HR_ATTENTION_FALCON ||
      (attention->projection != HR_PROJECTION_CONV1D && attention->projection != HR_PROJECTION_FUSED_HEADS &&
       attention->path != HR_ATTENTION_CODEGEN))
    {
      variables->query = get_part (replay, fused, HR_SYMBOL_QUERY);
      variables->key = get_part (replay, fused, HR_SYMBOL_KEY);
      variables->value = get_part (replay, fused, HR_SYMBOL_KEY);
      return;
    }

  hr_op_chunk (replay, fused, 3, parts);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      parts[i].symbols[parts[i].n_symbols - 1] = i == 0 ? HR_SYMBOL_QUERY : HR_SYMBOL_KEY;
      parts[i].count = 1;
      parts[i].divisor = 1;
    }
  variables->query = parts[0];
  variables->key = parts[1];
  variables->value = parts[2];
}

/* x[:, :, :, [-1]], by a list of one index (FalconAttention._split_heads). */
static HrValue
pick (HrReplay   *replay,
      HrValue     x,
      const char *name,
      HrValue     shape)
{
  HrValue index = hr_op_like (replay, "_to_copy", "[-1]", HR_SHAPE (HR_ELEMENT_INT64));
  HrValue result = hr_op_take (replay, name, x, index, shape);

  hr_replay_drop (replay, index);

  return result;
}

/*
 * One matrix. The queries are a view of its output, and so are keys and values, but where they are picked by a list of
 * indices (Falcon), which copies, and where they are spread to every head as well.
 */
static void
project_fused (HrReplay          *replay,
               Variables         *variables,
               HrValue            x,
               const HrAttention *attention)
{
  HrValue fused = attention->path == HR_ATTENTION_FALCON
                    ? hr_op_linear_apart (replay, x, HR_MODULE_QUERY_KEY_VALUE, "qkv",
                                          HR_SYMBOL_FUSED, attention->has_query_bias)
                    : hr_op_linear (replay, x, HR_MODULE_QUERY_KEY_VALUE, "qkv",
                                    HR_SYMBOL_FUSED, 1, attention->has_query_bias);
  HrValue key, value, shape;

  /* DbrxAttention clamps into a tensor of its own. */
  if (attention->clip_qkv)
    hr_replay_assign (replay, &fused, hr_op_unary (replay, HR_UNARY_CLAMP, "qkv_states", fused));

  hr_attention_keep_local (variables, fused);
  if (attention->projection != HR_PROJECTION_FUSED_GROUPS ||
      attention->num_key_value_heads == attention->num_attention_heads)
    {
      split_fused (replay, variables, fused, attention);
      if (attention->path == HR_ATTENTION_CODEGEN)
        hr_replay_split_codegen (replay, variables);
      return;
    }

  variables->query = get_part (replay, fused, HR_SYMBOL_QUERY);
  shape = variables->query;
  shape.symbols[shape.n_symbols - 1] = HR_SYMBOL_KEY;
  variables->key = pick (replay, fused, "key_layer", shape);
  variables->value = pick (replay, fused, "value_layer", shape);
  if (attention->cached_heads == attention->num_key_value_heads)
    return;

  hr_replay_assign (replay, &variables->query,
                    hr_op_copy (replay, "query_layer", variables->query, variables->query));
  shape.symbols[shape.n_symbols - 1] = HR_SYMBOL_CACHED;
  key = hr_op_copy (replay, "key_layer", variables->key, shape);
  value = hr_op_copy (replay, "value_layer", variables->value, shape);
  hr_replay_assign (replay, &variables->key, key);
  hr_replay_assign (replay, &variables->value, value);
}

/* One matrix for the queries, one of which keys and values are views (TeleChatAttention). */
static void
project_query_and_pair (HrReplay  *replay,
                        Variables *variables,
                        HrValue    x)
{
  HrValue pair;

  variables->query = hr_op_linear (replay, x, HR_MODULE_QUERY, "query_layer", HR_SYMBOL_QUERY, 1, FALSE);
  pair = hr_op_linear (replay, x, HR_MODULE_KEY_VALUE, "mixed_kv_layer", HR_SYMBOL_KEY, 2, FALSE);
  hr_attention_keep_local (variables, pair);
  variables->key = get_part (replay, pair, HR_SYMBOL_KEY);
  variables->value = get_part (replay, pair, HR_SYMBOL_KEY);
}

static void
project (HrReplay          *replay,
         const HrForward   *forward,
         Variables         *variables,
         HrValue            x,
         const HrAttention *attention)
{
  gboolean norm_after = attention->qk_norm == HR_QK_NORM_PER_HEAD || attention->qk_norm == HR_QK_NORM_LIST ||
                        attention->qk_norm_kind == HR_NORM_LAYER ||
                        attention->qk_norm_place == HR_QK_NORM_AFTER_PROJECTIONS;

  switch (attention->projection)
    {
    case HR_PROJECTION_SEPARATE:
      if (attention->qk_norm != HR_QK_NORM_NONE && !norm_after &&
          attention->qk_norm_place == HR_QK_NORM_AT_PROJECTION)
        {
          project_and_norm (replay, variables, x, attention);
          clamp_separately (replay, variables, attention);
          project_gate (replay, variables, x, attention);
          break;
        }
      project_separately (replay, forward, variables, x, attention);
      add_adapters (replay, variables, x, attention);
      clamp_separately (replay, variables, attention);
      project_gate (replay, variables, x, attention);
      if (norm_after)
        norm_both (replay, variables, attention);
      break;

    case HR_PROJECTION_KEY_VALUE:
      project_query_and_pair (replay, variables, x);
      break;

    case HR_PROJECTION_CONV1D:
    case HR_PROJECTION_FUSED:
    case HR_PROJECTION_FUSED_HEADS:
    case HR_PROJECTION_FUSED_GROUPS:
    default:
      project_fused (replay, variables, x, attention);
      if (norm_after)
        norm_both (replay, variables, attention);
      break;
    }
}

/* torch.cat ((-x2, x1)), of halves or of every other element; the latter are stacked. */
static HrValue
rotate_half (HrReplay *replay,
             HrValue   x)
{
  HrValue half = x;
  HrValue first, second, turned;

  half.divisor *= 2;
  first = hr_op_slice (replay, x, half);
  second = hr_op_slice (replay, x, half);
  hr_replay_assign (replay, &second, hr_op_unary (replay, HR_UNARY_NEG, "−x₂", second));
  turned = hr_op_cat (replay, "rotate_half(x)", (HrValue[]) { second, first }, 2, x);
  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);

  return turned;
}

/*
 * hr_replay_rotate:
 * @replay: a tape
 * @x: what is rotated, which the caller holds
 * @cos: the cosines
 * @sin: the sines
 * @name: the variable that the result is for
 *
 * (x * cos) + (rotate_half (x) * sin); the products have the wider dtype.
 *
 * Returns: the result
 */
HrValue
hr_replay_rotate (HrReplay   *replay,
                  HrValue     x,
                  HrValue     cos,
                  HrValue     sin,
                  const char *name)
{
  HrValue cosines = hr_op_binary (replay, HR_BINARY_MUL, "x·cos", x, cos);
  HrValue turned = rotate_half (replay, x);
  HrValue sines = hr_op_binary (replay, HR_BINARY_MUL, "rotate_half(x)·sin", turned, sin);
  HrValue result;

  hr_replay_drop (replay, turned);
  result = hr_op_binary (replay, HR_BINARY_ADD, name, cosines, sines);
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);

  return result;
}

/* torch.cat of what is rotated and what is not; the result is laid out heads first. */
static HrValue
join (HrReplay   *replay,
      HrValue     rotated,
      HrValue     whole,
      const char *name)
{
  HrValue rest = hr_op_slice (replay, whole, whole);
  HrValue shape = whole;
  HrValue result;

  shape.heads_first = TRUE;
  shape.element = rotated.element;
  result = hr_op_cat (replay, name, (HrValue[]) { rotated, rest }, 2, shape);
  hr_replay_drop (replay, rest);

  return result;
}

static HrValue
get_rotated_part (HrReplay          *replay,
                  HrValue            x,
                  const HrAttention *attention,
                  HrSymbol           features)
{
  HrValue shape = x;

  shape.symbols[shape.n_symbols - 1] = features;
  /* A slice that leaves nothing out is the tensor itself (torch/csrc/autograd/python_variable_indexing.cpp). */
  if (attention->rotary_join == HR_ROTARY_WHOLE ||
      hr_value_get_elements (shape, replay->symbols) == hr_value_get_elements (x, replay->symbols))
    return hr_replay_hold (replay, x);

  return hr_op_slice (replay, x, shape);
}

/* The part that is rotated, then the other is joined to it, of the query before the key (Phi-3). */
static void
rotate_and_join_each (HrReplay        *replay,
                      const HrForward *forward,
                      Variables       *variables,
                      HrValue          query_part,
                      HrValue          key_part)
{
  HrValue part = hr_replay_rotate (replay, query_part, forward->cos, forward->sin, "query_rot");
  HrValue query = join (replay, part, variables->query, "query_states");
  HrValue key;

  hr_replay_drop (replay, part);
  part = hr_replay_rotate (replay, key_part, forward->cos, forward->sin, "key_rot");
  key = join (replay, part, variables->key, "key_states");
  hr_replay_drop (replay, part);
  hr_replay_assign (replay, &variables->query, query);
  hr_replay_assign (replay, &variables->key, key);
}

/* The function's variables keep the rotated parts, and by the other parts the projections. */
static void
join_outside (HrReplay  *replay,
              Variables *variables,
              HrValue    query_part,
              HrValue    key_part)
{
  HrValue query, key;

  hr_attention_keep_local (variables, query_part);
  hr_attention_keep_local (variables, key_part);
  hr_attention_keep_local (variables, hr_replay_hold (replay, variables->query));
  hr_attention_keep_local (variables, hr_replay_hold (replay, variables->key));
  query = join (replay, query_part, variables->query, "query_states");
  hr_replay_assign (replay, &variables->query, query);
  key = join (replay, key_part, variables->key, "key_states");
  hr_replay_assign (replay, &variables->key, key);
}

static void
rotate_and_join_after (HrReplay          *replay,
                       const HrForward   *forward,
                       Variables         *variables,
                       HrValue            query_part,
                       HrValue            key_part,
                       const HrAttention *attention)
{
  HrValue query = hr_replay_rotate (replay, query_part, forward->cos, forward->sin, "query_states");
  HrValue key = hr_replay_rotate (replay, key_part, forward->cos, forward->sin, "key_states");

  if (attention->rotary_join == HR_ROTARY_JOINED_OUTSIDE)
    {
      join_outside (replay, variables, query, key);
      return;
    }

  if (attention->rotary_join == HR_ROTARY_JOINED_AFTER)
    {
      /* Both are joined in one expression, until which variables hold the parts (modeling_nemotron.py). */
      HrValue part = attention->path == HR_ATTENTION_REPEATING ? hr_replay_hold (replay, query) : HR_NO_VALUE;

      hr_replay_assign (replay, &query, join (replay, query, variables->query, "query_states"));
      hr_replay_assign (replay, &key, join (replay, key, variables->key, "key_states"));
      hr_replay_drop (replay, part);
    }

  hr_replay_assign (replay, &variables->query, query);
  hr_replay_assign (replay, &variables->key, key);
}

static void
rotate_both (HrReplay          *replay,
             const HrForward   *forward,
             Variables         *variables,
             const HrAttention *attention)
{
  HrValue query_part = get_rotated_part (replay, variables->query, attention, HR_SYMBOL_QUERY_ROTARY);
  HrValue key_part = get_rotated_part (replay, variables->key, attention, HR_SYMBOL_KEY_ROTARY);

  if (attention->rotary_join == HR_ROTARY_JOINED_EACH)
    rotate_and_join_each (replay, forward, variables, query_part, key_part);
  else
    rotate_and_join_after (replay, forward, variables, query_part, key_part, attention);

  hr_replay_drop (replay, key_part);
  hr_replay_drop (replay, query_part);
}

/* What was rotated in fp32 becomes queries and keys in the dtype that these had. */
static void
cast_back (HrReplay  *replay,
           Variables *variables,
           HrValue    query_embed,
           HrValue    key_embed)
{
  HrValue query = hr_op_cast (replay, query_embed, variables->query.element);
  HrValue key = hr_op_cast (replay, key_embed, variables->key.element);

  hr_replay_drop (replay, key_embed);
  hr_replay_drop (replay, query_embed);
  hr_replay_assign (replay, &variables->query, query);
  hr_replay_assign (replay, &variables->key, key);
}

static void
rotate_and_cast (HrReplay        *replay,
                 const HrForward *forward,
                 Variables       *variables,
                 HrValue          query,
                 HrValue          key)
{
  HrValue query_embed = hr_replay_rotate (replay, query, forward->cos, forward->sin, "q_embed");
  HrValue key_embed = hr_replay_rotate (replay, key, forward->cos, forward->sin, "k_embed");

  cast_back (replay, variables, query_embed, key_embed);
}

/* In fp32, and cast back (apply_rotary_pos_emb of modeling_cohere.py). */
void
hr_attention_rotate_in_fp32 (HrReplay        *replay,
                             const HrForward *forward,
                             Variables       *variables)
{
  HrValue query32 = hr_op_cast (replay, variables->query, HR_ELEMENT_FLOAT32);
  HrValue key32 = hr_op_cast (replay, variables->key, HR_ELEMENT_FLOAT32);
  HrForward wide = *forward;

  /* apply_rotary_pos_emb_vision of modeling_qwen2_5_vl.py: cos.float (), sin.float () */
  if (replay->tower != NULL)
    {
      wide.cos = hr_op_cast (replay, forward->cos, HR_ELEMENT_FLOAT32);
      wide.sin = hr_op_cast (replay, forward->sin, HR_ELEMENT_FLOAT32);
    }
  rotate_and_cast (replay, &wide, variables, query32, key32);
  if (replay->tower != NULL)
    {
      hr_replay_drop (replay, wide.sin);
      hr_replay_drop (replay, wide.cos);
    }
  hr_replay_drop (replay, key32);
  hr_replay_drop (replay, query32);
}

/* cos[..., :n // 2].repeat_interleave (2, dim=-1), and likewise the sines, anew in each layer. */
static HrForward
spread_angles (HrReplay        *replay,
               const HrForward *forward)
{
  HrForward spread = *forward;

  spread.cos = hr_op_like (replay, "repeat_interleave", "cos", hr_value_detach (forward->cos));
  spread.sin = hr_op_like (replay, "repeat_interleave", "sin", hr_value_detach (forward->sin));

  return spread;
}

/* (x.float () * cos) + (rotate_half (x).float () * sin), with pairs for halves (modeling_ernie4_5.py). */
static HrValue
rotate_pairs_in_fp32 (HrReplay        *replay,
                      const HrForward *angles,
                      HrValue          x,
                      HrElement        element,
                      const char      *name)
{
  HrValue cast = hr_op_cast (replay, x, element);
  HrValue cosines = hr_op_binary (replay, HR_BINARY_MUL, "x·cos", cast, angles->cos);
  HrValue turned, sines, result;

  hr_replay_drop (replay, cast);
  turned = rotate_half (replay, x);
  hr_replay_assign (replay, &turned, hr_op_cast (replay, turned, element));
  sines = hr_op_binary (replay, HR_BINARY_MUL, "rotate_half(x)·sin", turned, angles->sin);
  hr_replay_drop (replay, turned);
  result = hr_op_binary (replay, HR_BINARY_ADD, name, cosines, sines);
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);

  return result;
}

static void
rotate_both_pairs_in_fp32 (HrReplay        *replay,
                           const HrForward *forward,
                           Variables       *variables)
{
  HrElement element = hr_element_widen (variables->query.element);
  HrForward angles = spread_angles (replay, forward);
  HrValue query_embed = rotate_pairs_in_fp32 (replay, &angles, variables->query, element, "q_embed");
  HrValue key_embed = rotate_pairs_in_fp32 (replay, &angles, variables->key, element, "k_embed");

  cast_back (replay, variables, query_embed, key_embed);
  hr_replay_drop (replay, angles.sin);
  hr_replay_drop (replay, angles.cos);
}

/* With angles that are spread to pairs (apply_rotary_pos_emb of modeling_glm.py). */
static void
rotate_both_pairs (HrReplay          *replay,
                   const HrForward   *forward,
                   Variables         *variables,
                   const HrAttention *attention)
{
  HrForward angles = spread_angles (replay, forward);

  rotate_both (replay, &angles, variables, attention);
  hr_replay_drop (replay, angles.sin);
  hr_replay_drop (replay, angles.cos);
}

/* The angles of three axes are joined anew in each layer (apply_multimodal_rotary_pos_emb of modeling_qwen2_vl.py). */
static void
rotate_both_by_sections (HrReplay          *replay,
                         const HrForward   *forward,
                         Variables         *variables,
                         const HrAttention *attention)
{
  HrValue shape = HR_SHAPE (forward->cos.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);
  HrForward angles = *forward;

  angles.cos = hr_op_like (replay, "cat", "cos", shape);
  angles.sin = hr_op_like (replay, "cat", "sin", shape);
  rotate_both (replay, &angles, variables, attention);
  hr_replay_drop (replay, angles.sin);
  hr_replay_drop (replay, angles.cos);
}

/* (x.float () * cos) + (rotate_half (x.float ()) * sin) */
static HrValue
rotate_cast (HrReplay        *replay,
             const HrForward *forward,
             HrValue          x,
             HrElement        element,
             const char      *name)
{
  HrValue cast = hr_op_cast (replay, x, element);
  HrValue cosines = hr_op_binary (replay, HR_BINARY_MUL, "x·cos", cast, forward->cos);
  HrValue turned, sines, result;

  hr_replay_drop (replay, cast);
  cast = hr_op_cast (replay, x, element);
  turned = rotate_half (replay, cast);
  hr_replay_drop (replay, cast);
  sines = hr_op_binary (replay, HR_BINARY_MUL, "rotate_half(x)·sin", turned, forward->sin);
  hr_replay_drop (replay, turned);
  result = hr_op_binary (replay, HR_BINARY_ADD, name, cosines, sines);
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);

  return result;
}

/* Each is cast twice, the results are cast back at the end (apply_rotary_pos_emb of modeling_modernbert.py). */
static void
rotate_both_cast (HrReplay        *replay,
                  const HrForward *forward,
                  Variables       *variables)
{
  HrElement element = hr_element_widen (variables->query.element);
  HrValue query_embed = rotate_cast (replay, forward, variables->query, element, "q_embed");
  HrValue key_embed = rotate_cast (replay, forward, variables->key, element, "k_embed");

  cast_back (replay, variables, query_embed, key_embed);
}

/* In pairs, as complex numbers of fp32, both cast back at the end (apply_rotary_emb of modeling_llama4.py). */
static void
rotate_both_complex (HrReplay        *replay,
                     const HrForward *forward,
                     Variables       *variables)
{
  HrElement element = hr_element_widen (variables->query.element);
  HrValue query32 = hr_op_cast (replay, variables->query, element);
  HrValue key32 = hr_op_cast (replay, variables->key, element);
  HrValue turned_query = hr_op_binary (replay, HR_BINARY_MUL, "xq_out", query32, forward->cos);
  HrValue turned_key = hr_op_binary (replay, HR_BINARY_MUL, "xk_out", key32, forward->cos);
  HrValue query = hr_op_cast (replay, turned_query, variables->query.element);
  HrValue key = hr_op_cast (replay, turned_key, variables->key.element);

  hr_replay_drop (replay, turned_key);
  hr_replay_drop (replay, turned_query);
  hr_replay_drop (replay, key32);
  hr_replay_drop (replay, query32);
  hr_replay_assign (replay, &variables->query, query);
  hr_replay_assign (replay, &variables->key, key);
}

/* The halves by themselves, then joined (_apply_rotary_emb of modeling_gpt_oss.py). */
static HrValue
rotate_in_halves (HrReplay        *replay,
                  const HrForward *forward,
                  HrValue          x,
                  const char      *name)
{
  HrValue halves[2];
  HrValue cosines, sines, first, second, result;
  HrValue shape = x;

  hr_op_chunk (replay, x, 2, halves);
  cosines = hr_op_binary (replay, HR_BINARY_MUL, "x₁·cos", halves[0], forward->cos);
  sines = hr_op_binary (replay, HR_BINARY_MUL, "x₂·sin", halves[1], forward->sin);
  first = hr_op_binary (replay, HR_BINARY_SUB, "first_", cosines, sines);
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);
  cosines = hr_op_binary (replay, HR_BINARY_MUL, "x₂·cos", halves[1], forward->cos);
  sines = hr_op_binary (replay, HR_BINARY_MUL, "x₁·sin", halves[0], forward->sin);
  second = hr_op_binary (replay, HR_BINARY_ADD, "second_", cosines, sines);
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);
  shape.heads_first = TRUE;
  result = hr_op_cat (replay, name, (HrValue[]) { first, second }, 2, shape);
  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);
  hr_replay_drop (replay, halves[1]);
  hr_replay_drop (replay, halves[0]);

  return result;
}

static void
rotate_both_in_halves (HrReplay        *replay,
                       const HrForward *forward,
                       Variables       *variables)
{
  HrValue query = rotate_in_halves (replay, forward, variables->query, "query_states");
  HrValue key = rotate_in_halves (replay, forward, variables->key, "key_states");

  hr_replay_assign (replay, &variables->query, query);
  hr_replay_assign (replay, &variables->key, key);
}

/* Rotates one variable alone. */
static void
rotate_one (HrReplay        *replay,
            const HrForward *forward,
            HrValue         *x,
            const char      *name)
{
  replay->sentence = N_("in the attention, while queries and keys are rotated");
  hr_replay_assign (replay, x, hr_replay_rotate (replay, *x, forward->cos, forward->sin, name));
}

/* Queries, keys and values one after the other, each in a variable from its projection on (Gemma4TextAttention). */
static void
project_one_by_one (HrReplay          *replay,
                    const HrForward   *forward,
                    Variables         *variables,
                    HrValue            x,
                    const HrAttention *attention)
{
  const HrNorm value_norm = { .kind = attention->qk_norm_kind };
  const char *sentence = replay->sentence;

  variables->query = project_query (replay, variables, x, "query_states", attention);
  hr_replay_assign (replay, &variables->query,
                    norm_query_or_key (replay, variables->query, HR_SYMBOL_HEADS, attention));
  rotate_one (replay, forward, &variables->query, "query_states");

  replay->sentence = sentence;
  variables->key = hr_op_linear (replay, x, HR_MODULE_KEY, "key_states", HR_SYMBOL_KEY, 1, attention->has_key_bias);
  variables->value = attention->value_is_key ? hr_replay_hold (replay, variables->key)
                                             : hr_op_linear (replay, x, HR_MODULE_VALUE, "value_states",
                                                             HR_SYMBOL_KEY, 1, attention->has_value_bias);
  hr_replay_assign (replay, &variables->key,
                    norm_query_or_key (replay, variables->key, HR_SYMBOL_KEY_HEADS, attention));
  rotate_one (replay, forward, &variables->key, "key_states");

  replay->sentence = sentence;
  if (attention->value_norm)
    hr_replay_assign (replay, &variables->value,
                      norm_heads (replay, variables->value, HR_SYMBOL_KEY_HEADS, &value_norm));
}

/* Only the query is the layer's own: keys and values are the tensors of an earlier layer (Gemma3nTextAttention). */
static void
project_query_only (HrReplay          *replay,
                    const HrForward   *forward,
                    Variables         *variables,
                    HrValue            x,
                    const HrAttention *attention)
{
  HrValue projected = project_query (replay, variables, x, "q_proj(x)", attention);

  variables->query = norm_query_or_key (replay, projected, HR_SYMBOL_HEADS, attention);
  hr_replay_drop (replay, projected);
  rotate_one (replay, forward, &variables->query, "query_states");

  variables->key = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_KEY);
  variables->value = variables->key;
}

static void
apply_position (HrReplay          *replay,
                const HrForward   *forward,
                Variables         *variables,
                const HrAttention *attention)
{
  replay->sentence = N_("in the attention, while queries and keys are rotated");

  if (replay->liger != NULL && attention->position != HR_POSITION_NONE)
    hr_liger_rotate (replay, forward, &variables->query, &variables->key);
  else if (attention->position == HR_POSITION_ROTARY)
    rotate_both (replay, forward, variables, attention);
  else if (attention->position == HR_POSITION_ROTARY_INTERLEAVED)
    hr_attention_rotate_in_fp32 (replay, forward, variables);
  else if (attention->position == HR_POSITION_ROTARY_FP32)
    /* cos and sin stay in fp32, so that the products are too (modeling_olmo.py). */
    rotate_and_cast (replay, forward, variables, variables->query, variables->key);
  else if (attention->position == HR_POSITION_ROTARY_CAST)
    rotate_both_cast (replay, forward, variables);
  else if (attention->position == HR_POSITION_ROTARY_FP32_PAIRS)
    rotate_both_pairs_in_fp32 (replay, forward, variables);
  else if (attention->position == HR_POSITION_ROTARY_SECTIONS)
    rotate_both_by_sections (replay, forward, variables, attention);
  else if (attention->position == HR_POSITION_ROTARY_PAIRS)
    rotate_both_pairs (replay, forward, variables, attention);
  else if (attention->position == HR_POSITION_ROTARY_HALVES)
    rotate_both_in_halves (replay, forward, variables);
  else if (attention->position == HR_POSITION_ROTARY_TABLE)
    hr_replay_rotate_by_table (replay, forward, variables, attention);
  else if (attention->position == HR_POSITION_ROTARY_COMPLEX)
    rotate_both_complex (replay, forward, variables);

  if (attention->qk_norm_place == HR_QK_NORM_AFTER_ROTATION)
    norm_both (replay, variables, attention);
}

/* The temperature of each position: get_llama_4_attn_scale of modeling_ministral3.py, Llama4TextAttention.forward. */
static void
scale_by_position (HrReplay          *replay,
                   Variables         *variables,
                   const HrAttention *attention)
{
  HrElement dtype = variables->query.element;
  HrValue scales, product;

  if (attention->position_scale == HR_POSITION_SCALE_NONE)
    return;

  if (attention->position_scale == HR_POSITION_SCALE_DTYPE)
    {
      scales = hr_op_like (replay, "_to_copy", "attn_scales", HR_SHAPE (dtype, HR_SYMBOL_SEQUENCE));
      hr_replay_assign (replay, &variables->query,
                        hr_op_binary (replay, HR_BINARY_MUL, "query_states", variables->query, scales));
      hr_replay_drop (replay, scales);
      return;
    }

  hr_attention_keep_local (variables,
                           hr_op_like (replay, "add", "positions", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE)));
  scales = hr_op_like (replay, "add", "attn_scales", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE));
  hr_attention_keep_local (variables, scales);
  product = hr_op_binary (replay, HR_BINARY_MUL, "query_states·attn_scales", variables->query, scales);
  hr_replay_assign (replay, &variables->query, hr_op_cast (replay, product, dtype));
  hr_replay_drop (replay, product);
}

/* What the heads made, gated: AfmoeAttention.forward, LagunaAttention.forward. */
static void
gate_output (HrReplay          *replay,
             Variables         *variables,
             HrValue           *output,
             HrValue            x,
             const HrAttention *attention)
{
  HrElement element = hr_element_widen (x.element);
  HrValue gate, gate32;

  if (attention->output_gate == HR_OUTPUT_GATE_FULL || attention->output_gate == HR_OUTPUT_GATE_QUERY)
    {
      gate = hr_op_unary (replay, HR_UNARY_SIGMOID, "sigmoid(gate_states)", variables->gate);
      hr_replay_assign (replay, output, hr_op_binary (replay, HR_BINARY_MUL, "output", *output, gate));
      hr_replay_drop (replay, gate);
    }
  else if (attention->output_gate == HR_OUTPUT_GATE_HEADS)
    {
      gate = hr_op_linear (replay, x, HR_MODULE_OUTPUT_GATE, "g_proj(x)", HR_SYMBOL_HEADS, 1, FALSE);
      gate32 = hr_op_cast (replay, gate, element);
      hr_replay_drop (replay, gate);
      hr_replay_assign (replay, &gate32, hr_op_unary (replay, HR_UNARY_SOFTPLUS, "softplus(…)", gate32));
      variables->gate = hr_op_cast (replay, gate32, x.element);
      hr_replay_drop (replay, gate32);
      hr_replay_assign (replay, output,
                        hr_op_binary (replay, HR_BINARY_MUL, "attn_output", *output, variables->gate));
    }
}

/* The width of all heads of queries, or of the values that belong to them, where these have one of their own. */
static HrSymbol
get_repeated_features (HrValue x)
{
  HrSymbol features = x.symbols[x.n_symbols - 1];

  return features == HR_SYMBOL_VALUE || features == HR_SYMBOL_KEY_VALUE ? HR_SYMBOL_VALUE : HR_SYMBOL_QUERY;
}

/* A single head, shown as all of them by a stride of 0. */
static HrValue
expand_head (HrReplay *replay,
             HrValue   x)
{
  HrSymbol features = get_repeated_features (x);
  HrValue view = x;

  if (replay->symbols[x.symbols[2]] == replay->symbols[features])
    return hr_replay_hold (replay, x);

  view.symbols[2] = features;
  view.expanded = TRUE;

  return hr_op_expand (replay, x, view);
}

/* expand and reshape: a copy for each head, but a view where there is a single head to repeat. */
HrValue
hr_attention_repeat_kv (HrReplay   *replay,
                        HrValue     x,
                        const char *name)
{
  HrSymbol features = get_repeated_features (x);
  HrValue shape = HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, features);

  if (replay->symbols[HR_SYMBOL_KEY_HEADS] == replay->symbols[HR_SYMBOL_HEADS] ||
      x.symbols[x.n_symbols - 1] == features)
    return hr_replay_hold (replay, x);
  if (replay->symbols[HR_SYMBOL_KEY_HEADS] == 1)
    return expand_head (replay, x);

  shape.heads_first = TRUE;

  return hr_op_copy (replay, name, x, shape);
}

/* torch.matmul of tensors with four dimensions joins the first two: a copy where they do not follow each other. */
HrValue
hr_attention_flatten_batch (HrReplay   *replay,
                            HrValue     x,
                            const char *name)
{
  HrValue shape = x;

  if (replay->symbols[HR_SYMBOL_BATCH] == 1 ||
      (!x.expanded && (x.heads_first || replay->symbols[x.symbols[1]] == 1)))
    return hr_replay_hold (replay, x);

  shape.heads_first = TRUE;

  return hr_op_copy (replay, name, x, shape);
}

HrValue
hr_attention_get_scores_shape (HrReplay *replay)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);

  shape.heads_first = TRUE;

  return shape;
}

HrValue
hr_attention_multiply (HrReplay   *replay,
                       HrValue     a,
                       HrValue     b,
                       const char *name,
                       HrValue     shape)
{
  HrValue left = hr_attention_flatten_batch (replay, a, "query");
  HrValue right = hr_attention_flatten_batch (replay, b, "key");
  HrValue result = hr_op_matmul (replay, name, left, right, shape);

  hr_replay_drop (replay, right);
  hr_replay_drop (replay, left);

  return result;
}

/* softmax (scores, dtype=float32).to (dtype) */
static HrValue
replay_softmax_fp32 (HrReplay  *replay,
                     HrValue    scores,
                     HrElement  result)
{
  HrValue weights32 = hr_op_softmax (replay, "softmax(attn_weights)", scores, hr_element_widen (scores.element));
  HrValue weights = hr_op_cast (replay, weights32, result);

  hr_replay_drop (replay, weights32);

  return weights;
}

/* softmax in the dtype of the scores. */
HrValue
hr_attention_softmax (HrReplay *replay,
                      HrValue   scores)
{
  return hr_op_softmax (replay, "attn_weights", scores, scores.element);
}

/* The highest score of each query is subtracted, then a softmax in the dtype of the model. */
static HrValue
softmax_below_highest (HrReplay   *replay,
                       const char *name,
                       HrValue    *scores)
{
  HrValue highest = hr_op_max (replay, "attn_weights.max()", *scores);

  hr_replay_assign (replay, scores, hr_op_binary (replay, HR_BINARY_SUB, "attn_weights", *scores, highest));
  hr_replay_drop (replay, highest);

  return hr_op_softmax_typed (replay, name, *scores);
}

/*
 * A sink beside the scores of each query: in a variable of its own (eager_attention_forward of modeling_gpt_oss.py), or
 * in that of the scores (that of modeling_mimo_v2_flash.py).
 */
static void
apply_sinks (HrReplay *replay,
             HrValue  *weights,
             gboolean  replaces_scores)
{
  HrValue scores = *weights;
  HrValue shape = *weights;
  HrValue rows = *weights;
  HrValue sinks = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HEADS));
  HrValue combined, probabilities;

  rows.n_symbols--;
  sinks = hr_op_expand (replay, sinks, rows);

  shape.symbols[shape.n_symbols - 1] = HR_SYMBOL_CONTEXT_SINK;
  combined = hr_op_cat (replay, "combined_logits", (HrValue[]) { *weights, sinks }, 2, shape);
  if (replaces_scores)
    hr_replay_assign (replay, weights, HR_NO_VALUE);
  probabilities = softmax_below_highest (replay, "probs", &combined);
  hr_replay_drop (replay, combined);
  hr_replay_assign (replay, weights, hr_op_slice (replay, probabilities, hr_value_detach (scores)));
  hr_replay_drop (replay, probabilities);
}

/* Whether the heads of values have a width of their own; of values in the cache nothing but their size is known. */
static gboolean
has_own_width (HrValue value)
{
  return value.n_symbols > 0 && get_repeated_features (value) == HR_SYMBOL_VALUE;
}

/* What the attention makes of the queries: heads as wide as those of the values. */
static HrValue
get_output_shape (const Variables *variables)
{
  HrValue shape = variables->query;

  if (has_own_width (variables->value))
    shape.symbols[shape.n_symbols - 1] = HR_SYMBOL_VALUE;

  return shape;
}

/* eager_attention_forward of the modelling files. */
static HrAttentionResult
replay_eager (HrReplay          *replay,
              HrForward         *forward,
              Variables         *variables,
              const HrAttention *attention)
{
  HrValue keys = hr_attention_repeat_kv (replay, variables->key, "key_states");
  HrValue values = hr_attention_repeat_kv (replay, variables->value, "value_states");
  HrValue shape = hr_attention_get_scores_shape (replay);
  HrValue weights = hr_attention_multiply (replay, variables->query, keys, "attn_weights", shape);
  HrValue output_shape = get_output_shape (variables);
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");

  hr_replay_assign (replay, &weights, hr_op_unary (replay, HR_UNARY_MUL, "attn_weights", weights));
  if (attention->softcap)
    {
      hr_replay_assign (replay, &weights, hr_op_unary (replay, HR_UNARY_DIV, "attn_weights", weights));
      hr_replay_assign (replay, &weights, hr_op_unary (replay, HR_UNARY_TANH, "attn_weights", weights));
      hr_replay_assign (replay, &weights, hr_op_unary (replay, HR_UNARY_MUL, "attn_weights", weights));
    }
  if (forward->mask.storage >= 0)
    hr_replay_assign (replay, &weights,
                      hr_op_binary (replay, HR_BINARY_ADD, "attn_weights", weights, forward->mask));

  if (attention->has_sinks)
    apply_sinks (replay, &weights, attention->stable_softmax);
  else if (attention->stable_softmax)
    hr_replay_assign (replay, &weights, softmax_below_highest (replay, "attn_weights", &weights));
  else if (attention->plain_softmax)
    hr_replay_assign (replay, &weights, hr_attention_softmax (replay, weights));
  else
    hr_replay_assign (replay, &weights, replay_softmax_fp32 (replay, weights, variables->query.element));
  if (attention->casts_weights)
    hr_replay_assign (replay, &weights, hr_op_cast (replay, weights, values.element));

  hr_op_dropout (replay, &weights, attention->has_dropout);
  output_shape.heads_first = TRUE;
  result.output = hr_attention_multiply (replay, weights, values, "attn_output", output_shape);
  if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_assign (replay, &result.output, hr_op_contiguous (replay, result.output));
  result.weights = weights;

  hr_replay_drop (replay, values);
  hr_replay_drop (replay, keys);

  return result;
}

/* transformers/integrations/sdpa_attention.py: with a mask, keys and values are repeated for each head. */
static HrAttentionResult
replay_sdpa_interface (HrReplay          *replay,
                       HrForward         *forward,
                       Variables         *variables,
                       const HrAttention *attention)
{
  gboolean repeated = forward->mask.storage >= 0;
  HrValue keys = repeated ? hr_attention_repeat_kv (replay, variables->key, "key")
                          : hr_replay_hold (replay, variables->key);
  HrValue values = repeated ? hr_attention_repeat_kv (replay, variables->value, "value")
                            : hr_replay_hold (replay, variables->value);
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;

  forward->drops_weights = attention->has_dropout;
  result.output = hr_replay_sdpa (replay, forward, variables->query, keys, values);
  if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_assign (replay, &result.output, hr_op_contiguous (replay, result.output));

  hr_replay_drop (replay, values);
  hr_replay_drop (replay, keys);

  return result;
}

/* The variables of NemotronAttention hold keys and values as they are repeated for each head, mask or not. */
static void
repeat_variables (HrReplay  *replay,
                  Variables *variables)
{
  hr_replay_assign (replay, &variables->key, hr_attention_repeat_kv (replay, variables->key, "key_states"));
  hr_replay_assign (replay, &variables->value, hr_attention_repeat_kv (replay, variables->value, "value_states"));
}

static HrAttentionResult
replay_interface (HrReplay          *replay,
                  HrForward         *forward,
                  Variables         *variables,
                  const HrAttention *attention)
{
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;

  if (hr_ulysses_is_used (replay))
    return hr_ulysses_attention (replay, forward->attention == HR_ATTENTION_IMPLEMENTATION_FLASH, variables);

  if (attention->path == HR_ATTENTION_REPEATING && forward->attention != HR_ATTENTION_IMPLEMENTATION_FLASH)
    repeat_variables (replay, variables);

  if (forward->attention == HR_ATTENTION_IMPLEMENTATION_EAGER)
    return replay_eager (replay, forward, variables, attention);

  if (forward->attention == HR_ATTENTION_IMPLEMENTATION_FLASH)
    {
      result.output = hr_replay_flash_package (replay, forward, variables);
      return result;
    }

  return replay_sdpa_interface (replay, forward, variables, attention);
}

/* What the attention is computed anew from: what went into it, and the sizes of its layer. */
typedef struct
{
  HrForward forward;
  Variables variables;
  const HrAttention *attention;
  guint64 symbols[HR_N_SYMBOLS];
  guint n_needed;
} CheckpointedAttention;

static void
release_attention (HrReplay *replay,
                   gpointer  data)
{
  CheckpointedAttention *self = data;

  hr_replay_drop (replay, self->forward.mask);
  hr_replay_drop (replay, self->variables.value);
  hr_replay_drop (replay, self->variables.key);
  hr_replay_drop (replay, self->variables.query);
  g_free (self);
}

/* Ends when the last tensor is there that the backward pass needs (_StopRecomputationError). */
static void
recompute_attention (HrReplay *replay,
                     gpointer  data)
{
  CheckpointedAttention *self = data;
  HrForward forward = self->forward;
  Variables variables = self->variables;
  HrValue *inputs[] = { &variables.query, &variables.key, &variables.value };
  const char *sentence = replay->sentence;
  guint64 symbols[HR_N_SYMBOLS];
  HrAttentionResult result;

  memcpy (symbols, replay->symbols, sizeof symbols);
  memcpy (replay->symbols, self->symbols, sizeof symbols);
  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
    {
      if (hr_value_needs_gradient (*inputs[i]))
        *inputs[i] = hr_autograd_boundary (replay, *inputs[i]);
      /* A class may let go of keys and values for copies that are repeated. */
      hr_replay_hold (replay, *inputs[i]);
    }
  hr_replay_limit (replay, self->n_needed);
  replay->sentence = N_("in the backward pass, while an attention is computed anew");
  result = replay_interface (replay, &forward, &variables, self->attention);
  hr_replay_limit (replay, G_MAXUINT);
  hr_replay_drop (replay, result.weights);
  hr_replay_drop (replay, result.output);
  for (guint i = 0; i < variables.n_locals; i++)
    hr_replay_drop (replay, variables.locals[i]);
  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
    hr_replay_drop (replay, *inputs[i]);
  replay->sentence = sentence;
  memcpy (replay->symbols, symbols, sizeof symbols);
}

/*
 * torch.utils.checkpoint around the function of the attention: of what is between queries, keys and values and what it
 * makes of them nothing is kept (`--recompute-granularity selective` of Megatron-LM, _checkpointed_attention_forward
 * in megatron/core/transformer/attention.py).
 */
static HrAttentionResult
checkpoint_interface (HrReplay          *replay,
                      HrForward         *forward,
                      Variables         *variables,
                      const HrAttention *attention)
{
  HrRegion *region = forward->checkpoints_attention ? hr_autograd_begin_region (replay) : NULL;
  CheckpointedAttention *data;
  HrAttentionResult result;
  guint n_made = replay->n_made;

  if (region == NULL)
    return replay_interface (replay, forward, variables, attention);

  data = g_new (CheckpointedAttention, 1);
  data->forward = *forward;
  data->variables = *variables;
  data->variables.n_locals = 0;
  data->attention = attention;
  memcpy (data->symbols, replay->symbols, sizeof data->symbols);
  hr_replay_hold (replay, variables->query);
  hr_replay_hold (replay, variables->key);
  hr_replay_hold (replay, variables->value);
  hr_replay_hold (replay, forward->mask);
  result = replay_interface (replay, forward, variables, attention);
  data->n_needed = replay->n_needed > n_made ? replay->n_needed - n_made : 0;
  hr_autograd_end_region (replay, region, recompute_attention, release_attention, data);

  return result;
}

/* With a mask that leaves each query the keys that an indexer has chosen, this layer's own or that of one before. */
static HrAttentionResult
replay_sparse (HrReplay          *replay,
               HrForward         *forward,
               Variables         *variables,
               HrValue            x,
               const HrAttention *attention)
{
  HrForward masked = *forward;
  HrValue locals[2] = { HR_NO_VALUE, HR_NO_VALUE };
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue chosen;

  chosen = attention->index_num_heads > 0 ? hr_replay_choose_keys (replay, forward, x, attention)
                                          : hr_replay_hold (replay, forward->chosen_keys);
  masked.mask = HR_NO_VALUE;
  if (forward->attention != HR_ATTENTION_IMPLEMENTATION_FLASH)
    masked.mask = hr_replay_chosen_mask (replay, forward, locals);
  result = replay_interface (replay, &masked, variables, attention);
  hr_attention_keep_local (variables, masked.mask);
  hr_attention_keep_local (variables, locals[0]);
  hr_attention_keep_local (variables, locals[1]);
  if (attention->shares_index)
    result.chosen_keys = chosen;
  else
    hr_attention_keep_local (variables, chosen);

  return result;
}

/* F.softmax (x, dtype): the input is cast first, if it has another dtype. */
static HrValue
replay_softmax_in (HrReplay  *replay,
                   HrValue    scores,
                   HrElement  element)
{
  HrValue cast = hr_op_cast (replay, scores, element);
  HrValue weights = hr_attention_softmax (replay, cast);

  hr_replay_drop (replay, cast);

  return weights;
}

/* The scores with ALiBi, in fp32; each step has a variable of its own but for the mask. */
static HrValue
weigh_with_alibi (HrReplay  *replay,
                  Variables *variables,
                  HrValue    scores)
{
  HrElement element = hr_element_widen (scores.element);
  HrElement dtype = scores.element;
  HrValue cast = hr_op_cast (replay, scores, element);
  HrValue logits = hr_op_unary (replay, HR_UNARY_ADD, "attention_logits", cast);
  HrValue sum = hr_op_unary (replay, HR_UNARY_ADD, "attention_logits + attention_mask", logits);
  HrValue weights = replay_softmax_in (replay, sum, dtype);

  hr_replay_drop (replay, sum);
  hr_attention_keep_local (variables, scores);
  hr_attention_keep_local (variables, cast);
  hr_attention_keep_local (variables, logits);

  return weights;
}

/* Scores that are divided in place, and a softmax in the dtype of the model. */
static HrValue
weigh (HrReplay *replay,
       HrValue   scores)
{
  HrValue sum, weights;

  hr_op_divide_in_place (replay, &scores, HR_NO_VALUE);
  sum = hr_op_unary (replay, HR_UNARY_ADD, "attention_scores + attention_mask", scores);
  weights = hr_attention_softmax (replay, sum);

  hr_replay_drop (replay, sum);
  hr_replay_drop (replay, scores);

  return weights;
}

/* FalconAttention.forward. A single head of keys is broadcast by torch.matmul. */
static HrAttentionResult
replay_falcon (HrReplay          *replay,
               HrForward         *forward,
               Variables         *variables,
               const HrAttention *attention)
{
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue keys, values, output_shape;

  if (forward->attention != HR_ATTENTION_IMPLEMENTATION_EAGER)
    {
      HrForward broadcasting = *forward;

      broadcasting.broadcasts_heads = TRUE;
      result.output = hr_replay_sdpa (replay, &broadcasting, variables->query, variables->key, variables->value);
      if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
        hr_replay_assign (replay, &result.output, hr_op_contiguous (replay, result.output));
      return result;
    }

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  keys = expand_head (replay, variables->key);
  values = expand_head (replay, variables->value);
  result.weights = hr_attention_multiply (replay, variables->query, keys, "attention_scores",
                                          hr_attention_get_scores_shape (replay));
  if (attention->position == HR_POSITION_ALIBI)
    result.weights = weigh_with_alibi (replay, variables, result.weights);
  else
    result.weights = weigh (replay, result.weights);
  hr_op_dropout (replay, &result.weights, attention->has_dropout);

  output_shape = variables->query;
  output_shape.heads_first = TRUE;
  result.output = hr_attention_multiply (replay, result.weights, values, "attn_output", output_shape);
  if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_assign (replay, &result.output, hr_op_contiguous (replay, result.output));
  hr_replay_drop (replay, values);
  hr_replay_drop (replay, keys);

  return result;
}

/* BloomAttention.forward: alibi.baddbmm, the mask, a softmax in fp32; each step has a variable of its own. */
static HrAttentionResult
replay_bloom (HrReplay          *replay,
              HrForward         *forward,
              Variables         *variables,
              const HrAttention *attention)
{
  HrValue shape = hr_attention_get_scores_shape (replay);
  HrValue scores, sum, weights, output_shape;
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  hr_replay_assign (replay, &variables->query, hr_attention_flatten_batch (replay, variables->query, "query_layer"));
  hr_replay_assign (replay, &variables->key, hr_attention_flatten_batch (replay, variables->key, "key_layer"));
  hr_replay_assign (replay, &variables->value, hr_attention_flatten_batch (replay, variables->value, "value_layer"));
  scores = hr_op_matmul (replay, "matmul_result", variables->query, variables->key, shape);
  hr_attention_keep_local (variables, scores);
  sum = hr_op_unary (replay, HR_UNARY_ADD, "attn_weights", scores);
  hr_attention_keep_local (variables, sum);
  weights = replay_softmax_fp32 (replay, sum, scores.element);
  hr_op_dropout (replay, &weights, attention->has_dropout);
  output_shape = variables->query;
  output_shape.heads_first = TRUE;
  result.output = hr_op_matmul (replay, "context_layer", weights, variables->value, output_shape);
  if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_assign (replay, &result.output, hr_op_contiguous (replay, result.output));
  result.weights = weights;

  return result;
}

/* The norm of what the heads made, before the output projection (BitNetAttention). */
static HrValue
norm_output (HrReplay          *replay,
             HrValue            output,
             const HrAttention *attention)
{
  const HrNorm norm = { .kind = attention->output_norm_kind, .has_weight = TRUE };

  return hr_replay_norm (replay, output, &norm);
}

static HrValue
project_output (HrReplay          *replay,
                HrValue            output,
                const HrAttention *attention)
{
  if (attention->path == HR_ATTENTION_FALCON)
    return hr_op_linear_apart (replay, output, HR_MODULE_OUTPUT, "o_proj(…)", HR_SYMBOL_HIDDEN,
                               attention->has_output_bias);

  return hr_op_linear (replay, output, HR_MODULE_OUTPUT, "o_proj(…)", HR_SYMBOL_HIDDEN, 1,
                       attention->has_output_bias);
}

/*
 * `shared_kv_states[self.layer_type] = key_states, value_states` (Gemma4TextAttention). With a cache it holds them as
 * well.
 */
static void
store_key_value (HrReplay        *replay,
                 HrForward       *forward,
                 const Variables *variables,
                 gboolean         sliding)
{
  if (forward->use_cache)
    return;

  hr_replay_assign (replay, &forward->stored_keys[sliding], hr_replay_hold (replay, variables->key));
  hr_replay_assign (replay, &forward->stored_values[sliding], hr_replay_hold (replay, variables->value));
}

/*
 * hr_replay_attention:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @attention: the block
 *
 * A module of self-attention, with its projections and its cache.
 *
 * Returns: what the module returns
 */
HrAttentionResult
hr_replay_attention (HrReplay          *replay,
                     HrForward         *forward,
                     HrValue            x,
                     const HrAttention *attention)
{
  Variables variables = { .gate = HR_NO_VALUE };
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;

  if (hr_attention_is_relative (attention))
    return hr_replay_relative (replay, forward, x, attention);
  if (attention->path == HR_ATTENTION_DISENTANGLED)
    return hr_replay_disentangled (replay, forward, x, attention);
  if (attention->path == HR_ATTENTION_VISION)
    return hr_replay_vision_attention (replay, forward, x, attention);

  replay->sentence = N_("in the attention, while queries, keys and values are projected");
  if (attention->latent_size > 0)
    {
      hr_replay_latent (replay, forward, x, attention, &variables.query, &variables.key, &variables.value,
                        variables.locals);
      variables.n_locals = HR_REPLAY_LATENT_LOCALS;
    }
  else if (attention->reuses_cache)
    project_query_only (replay, forward, &variables, x, attention);
  else if (attention->qk_norm_place == HR_QK_NORM_BEFORE_ROTATION)
    project_one_by_one (replay, forward, &variables, x, attention);
  else
    {
      project (replay, forward, &variables, x, attention);
      apply_position (replay, forward, &variables, attention);
    }
  scale_by_position (replay, &variables, attention);
  if (attention->is_cross && (forward->first || !forward->use_cache))
    hr_replay_cache_source (replay, forward, &variables.key, &variables.value);
  else if (!attention->is_cross && !attention->reuses_cache)
    hr_replay_cache_update (replay, forward, &variables.key, &variables.value,
                            attention->sliding_window > 0 && !attention->cached_whole);
  if (attention->stores_key_value)
    store_key_value (replay, forward, &variables, attention->sliding_window > 0);

  switch (attention->path)
    {
    case HR_ATTENTION_BLOOM:
      result = replay_bloom (replay, forward, &variables, attention);
      break;

    case HR_ATTENTION_FALCON:
      result = replay_falcon (replay, forward, &variables, attention);
      break;

    case HR_ATTENTION_MPT:
      result = hr_replay_attention_mpt (replay, forward, &variables, attention);
      break;

    case HR_ATTENTION_GPT_J:
    case HR_ATTENTION_CODEGEN:
    case HR_ATTENTION_GPT_NEO:
      result = hr_replay_attention_gpt_j (replay, forward, &variables, attention);
      break;

    case HR_ATTENTION_MVP:
      result = hr_replay_attention_mvp (replay, forward, &variables, attention);
      break;

    case HR_ATTENTION_XGLM:
      result = hr_replay_attention_xglm (replay, forward, &variables, attention);
      break;

    case HR_ATTENTION_CTRL:
      result = hr_replay_attention_ctrl (replay, &variables);
      break;

    case HR_ATTENTION_BAICHUAN:
      result = hr_replay_attention_baichuan (replay, &variables);
      break;

    case HR_ATTENTION_T5:
    case HR_ATTENTION_UMT5:
    case HR_ATTENTION_DISENTANGLED:
    case HR_ATTENTION_VISION:
    case HR_ATTENTION_REPEATING:
    case HR_ATTENTION_UNKNOWN:
    case HR_ATTENTION_INTERFACE:
    default:
      result = attention->index_topk > 0 ? replay_sparse (replay, forward, &variables, x, attention)
                                         : checkpoint_interface (replay, forward, &variables, attention);
      break;
    }

  replay->sentence = N_("in the attention, in its output projection");
  gate_output (replay, &variables, &result.output, x, attention);
  if (attention->has_output_norm)
    hr_replay_assign (replay, &result.output, norm_output (replay, result.output, attention));
  if (attention->output_apart)
    {
      hr_attention_drop_variables (replay, &variables);
      result.joined = hr_replay_hold (replay, result.output);
    }
  hr_replay_assign (replay, &result.output, project_output (replay, result.output, attention));
  hr_op_dropout (replay, &result.output, attention->has_output_dropout);
  if (!attention->output_apart)
    hr_attention_drop_variables (replay, &variables);

  return result;
}
