/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-llama-states.h"

/*
 * Layers that keep a state of each sequence (src/models/ and src/llama-graph.cpp, build_rs, at b11669): convolutions
 * over a few tokens, state spaces, gated delta rules.
 */

/* What is kept of the sequences, of which what a new one begins with is set to nothing. */
static gint
add_states (HrLlamaBuilder *b,
            guint64         width,
            gint           *cache)
{
  guint64 n = b->plan->n_slots;
  gint states, zero;

  *cache = hr_ggml_graph_add (b->graph, HR_GGML_F32, width * n, 1, 1, 1);
  g_array_index (b->graph->tensors, HrGgmlTensor, *cache).place = hr_llama_plan_get_cache_place (b->plan, b->layer);
  states = hr_ggml_graph_add_reshape (b->graph, *cache, width, n, 1, 1);
  zero = hr_ggml_graph_add_reshape (b->graph, states, width, 1, 1, 1);
  g_array_index (b->graph->tensors, HrGgmlTensor, zero).op = HR_GGML_OP_SCALE;
  hr_ggml_graph_expand (b->graph, zero);

  return states;
}

/* What is kept of other sequences, of whom there are none where all are computed, is moved. */
static void
move_others (HrLlamaBuilder *b,
             gint            cache,
             gint            others)
{
  HrGgmlTensor rows = *hr_ggml_graph_get (b->graph, others);
  gint target = hr_ggml_graph_add_reshape (b->graph, cache, 0, 1, 1, 1);

  others = hr_ggml_graph_add_reshape (b->graph, others, rows.ne[0], 0, 1, 1);
  hr_ggml_graph_expand (b->graph, hr_ggml_graph_add_set_rows (b->graph, target, others, HR_GGML_NONE));
}

/* build_rs: what is kept of the sequences is looked up. */
static gint
add_state (HrLlamaBuilder *b,
           guint64         width,
           gint           *cache)
{
  gint states = add_states (b, width, cache);
  gint rows = hr_ggml_graph_add_rows (b->graph, states, b->state_ids);
  gint used = hr_ggml_graph_add_reshape (b->graph, rows, width, b->plan->n_slots, 1, 1);

  hr_ggml_graph_expand (b->graph, used);
  move_others (b, *cache, rows);

  return used;
}

/*
 * A convolution over the tokens of each sequence, behind the last ones of those that have gone, whose place the last
 * ones of these take. What is convolved is a row for each token; @state is what add_state() has made.
 */
static gint
add_convolved (HrLlamaBuilder *b,
               gint            input,
               gint            state,
               gint            cache,
               guint64         n_channels,
               guint64         kernel)
{
  static const guint transposed[] = { 1, 0, 2, 3 };
  guint64 n_sequences = b->plan->n_slots;
  guint64 n_each = b->n_tokens / n_sequences;
  const guint64 kept[] = { kernel - 1, n_channels, n_sequences, 1 };
  const guint64 joined[] = { kernel - 1 + n_each, n_channels, n_sequences, 1 };
  gint both, last;

  state = hr_ggml_graph_add_view (b->graph, state, kept, NULL);
  both = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONCAT, HR_GGML_F32, joined,
                                 (const gint[]) { state, hr_ggml_graph_add_permutation (b->graph, input, transposed) },
                                 2);
  last = hr_ggml_graph_add_view (b->graph, both, kept, hr_ggml_graph_get (b->graph, both)->nb);
  hr_ggml_graph_expand (b->graph, hr_ggml_graph_add_set_rows (b->graph, cache, last, HR_GGML_NONE));

  return both;
}

static gint
add_convolution (HrLlamaBuilder *b,
                 gint            joined,
                 guint64         n_channels,
                 guint64         kernel)
{
  guint64 n_sequences = b->plan->n_slots;
  const guint64 ne[] = { n_channels, b->n_tokens / n_sequences, n_sequences, 1 };
  gboolean has_kernel = hr_ggml_backend_has_convolution (b->plan->backend, n_channels);
  gint matrix = hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, has_kernel ? b->place : (gint) b->plan->n_devices,
                                          kernel, n_channels, 1);

  return hr_ggml_graph_add_made (b->graph, HR_GGML_OP_SSM_CONV, HR_GGML_F32, ne, (const gint[]) { joined, matrix }, 2);
}

/* Rows of each sequence in a dimension of their own. */
static gint
divide_sequences (HrLlamaBuilder *b,
                  gint            input)
{
  guint64 width = hr_ggml_graph_get (b->graph, input)->ne[0];

  return hr_ggml_graph_add_reshape (b->graph, input, width, b->n_tokens / b->plan->n_slots, b->plan->n_slots, 1);
}

/* LFM2's gated convolution over a few tokens (build_shortconv_block of src/models/lfm2.cpp). */
static gint
add_short_convolution (HrLlamaBuilder *b,
                       const HrBlock  *block,
                       gint            input)
{
  const HrShortConvolution *convolution = &block->short_convolution;
  guint64 hidden = convolution->hidden_size;
  guint64 kernel = convolution->conv_kernel;
  const guint64 part[] = { hidden, b->n_tokens / b->plan->n_slots, b->plan->n_slots, 1 };
  gint all, parts[3], product, state, cache, joined, result;
  HrGgmlTensor row;

  input = divide_sequences (b, input);
  all = hr_ggml_graph_add_product (b->graph, hr_llama_add_matrix (b, block, HR_MODULE_PROJECTION, hidden, 3 * hidden),
                                   input);
  row = *hr_ggml_graph_get (b->graph, all);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    parts[i] = hr_ggml_graph_add_view (b->graph, all, part, row.nb);
  product = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_MUL, HR_GGML_F32, part,
                                    (const gint[]) { parts[0], parts[2] }, 2);

  state = add_state (b, (kernel - 1) * hidden, &cache);
  joined = add_convolved (b, product, state, cache, hidden, kernel);
  result = add_convolution (b, joined, hidden, kernel);
  result = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_MUL, HR_GGML_F32, part, (const gint[]) { parts[1], result },
                                   2);
  result = hr_ggml_graph_add_product (b->graph, hr_llama_add_matrix (b, block, HR_MODULE_OUTPUT, hidden, hidden),
                                      result);

  return hr_ggml_graph_add_reshape (b->graph, result, hidden, b->n_tokens, 1, 1);
}

/* A part of each token's row, cut into pieces of a size that are in a dimension of their own. */
static gint
add_pieces (HrLlamaBuilder *b,
            gint            rows,
            guint64         size,
            guint64         n)
{
  HrGgmlTensor row = *hr_ggml_graph_get (b->graph, rows);
  const guint64 ne[] = { size, n, row.ne[1], row.ne[2] };
  const guint64 nb[] = { row.nb[0], row.nb[0] * size, row.nb[1], row.nb[2] };

  return hr_ggml_graph_add_view (b->graph, rows, ne, nb);
}

/* A part of each token's row. */
static gint
add_part (HrLlamaBuilder *b,
          gint            rows,
          guint64         size)
{
  HrGgmlTensor row = *hr_ggml_graph_get (b->graph, rows);
  const guint64 ne[] = { size, row.ne[1], row.ne[2], row.ne[3] };

  return hr_ggml_graph_add_view (b->graph, rows, ne, row.nb);
}

static gint
add_copy (HrLlamaBuilder *b,
          gint            input)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, input);

  return hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONT, tensor.type, tensor.ne, (const gint[]) { input }, 1);
}

/* How fast states decay, where that is read. */
static gint
add_decay (HrLlamaBuilder *b,
           guint64         state_size,
           guint64         head_dim,
           guint64         n_heads)
{
  gboolean has_scan = hr_ggml_backend_has_scan (b->plan->backend, state_size, head_dim, n_heads);

  return hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, has_scan ? b->place : (gint) b->plan->n_devices,
                                   head_dim == 1 ? state_size : 1, n_heads, 1);
}

/*
 * ggml_ssm_scan: what the tokens come to, and behind that the states after the last ones, which take the place of those
 * before. What is given is looked up in all states by the scan itself.
 */
static gint
add_scan (HrLlamaBuilder *b,
          guint64         state_size,
          guint64         head_dim,
          guint64         n_heads,
          const gint     *inputs,
          guint           n_inputs)
{
  guint64 n_sequences = b->plan->n_slots;
  guint64 width = state_size * head_dim * n_heads;
  gint sources[HR_GGML_MAX_SOURCES];
  gint cache, scan, last;
  gint states = add_states (b, width, &cache);

  sources[0] = hr_ggml_graph_add_reshape (b->graph, states, state_size, head_dim, n_heads, n_sequences);
  for (guint i = 0; i < n_inputs; i++)
    sources[1 + i] = inputs[i];
  sources[1 + n_inputs] = b->used_state_ids;
  scan = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_SSM_SCAN, HR_GGML_F32,
                                 (const guint64[]) { head_dim * n_heads * b->n_tokens + width * n_sequences, 1, 1, 1 },
                                 sources, 2 + n_inputs);
  hr_ggml_graph_expand (b->graph, scan);
  move_others (b, cache, hr_ggml_graph_add_rows (b->graph, states, b->other_state_ids));
  last = hr_ggml_graph_add_reshape (b->graph, scan, width * n_sequences, 1, 1, 1);
  hr_ggml_graph_expand (b->graph, hr_ggml_graph_add_set_rows (b->graph, cache, last, HR_GGML_NONE));

  return scan;
}

/* What was scanned, and the skip connection around it, multiplied by the gate. */
static gint
add_gated_scan (HrLlamaBuilder *b,
                gint            scan,
                gint            input,
                gint            gate,
                guint64         n_skips)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, input);
  gint result = hr_ggml_graph_add_view (b->graph, scan, tensor.ne, NULL);

  result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_ADD, result,
                                   hr_llama_add_vector (b, "ssm_d", HR_GGML_OP_MUL, input, n_skips), HR_GGML_NONE);

  return hr_ggml_graph_add_like (b->graph, HR_GGML_OP_GLU, add_copy (b, gate), result, HR_GGML_NONE);
}

/* build_mamba2_layer (src/models/mamba-base.cpp). */
static gint
add_mamba2 (HrLlamaBuilder *b,
            const HrBlock  *block,
            gint            input)
{
  const HrMamba2 *m = &block->mamba2;
  guint64 inner = m->intermediate_size;
  guint64 n_channels = inner + 2 * m->n_groups * m->state_size;
  guint64 n_all = inner + n_channels + m->num_heads;
  gint all, gate, steps, mixed, heads, cache, result, inputs[5];
  gint state = add_state (b, (m->conv_kernel - 1) * n_channels, &cache);

  all = hr_llama_add_product (b, block, HR_MODULE_PROJECTION, input, m->hidden_size, n_all, FALSE);
  all = divide_sequences (b, all);
  gate = add_pieces (b, all, m->head_dim, m->num_heads);
  steps = add_part (b, all, m->num_heads);
  mixed = add_convolved (b, add_part (b, all, n_channels), state, cache, n_channels, m->conv_kernel);
  mixed = add_convolution (b, mixed, n_channels, m->conv_kernel);
  if (m->has_conv_bias)
    mixed = hr_llama_add_vector (b, "ssm_conv1d.bias", HR_GGML_OP_ADD, mixed, n_channels);
  mixed = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, mixed, HR_GGML_NONE, HR_GGML_NONE);

  heads = add_pieces (b, mixed, m->head_dim, m->num_heads);
  inputs[0] = heads;
  inputs[1] = hr_llama_add_vector (b, "ssm_dt.bias", HR_GGML_OP_ADD, add_copy (b, steps), m->num_heads);
  inputs[2] = add_decay (b, m->state_size, m->head_dim, m->num_heads);
  inputs[3] = add_pieces (b, mixed, m->state_size, m->n_groups);
  inputs[4] = add_pieces (b, mixed, m->state_size, m->n_groups);
  result = add_scan (b, m->state_size, m->head_dim, m->num_heads, inputs, G_N_ELEMENTS (inputs));
  result = add_gated_scan (b, result, heads, gate, m->num_heads);
  if (m->norm != HR_MAMBA2_NORM_NONE)
    {
      result = hr_ggml_graph_add_reshape (b->graph, result, inner / m->n_groups, m->n_groups, b->n_tokens, 1);
      result = hr_llama_add_norm (b, "ssm_norm.weight", HR_NORM_RMS, result, TRUE, FALSE);
    }
  result = hr_ggml_graph_add_reshape (b->graph, result, inner, b->n_tokens, 1, 1);

  return hr_llama_add_product (b, block, HR_MODULE_OUTPUT, result, inner, m->hidden_size, FALSE);
}

/* A part of what selects: without a norm the time step alone is copied. */
static gint
add_selected (HrLlamaBuilder *b,
              const HrMamba  *m,
              gint            rows,
              guint64         size)
{
  gint part = add_part (b, rows, size);

  if (m->norm == HR_MAMBA_NORM_NONE)
    return size == m->time_step_rank ? add_copy (b, part) : part;

  return hr_llama_add_norm (b, "ssm_norm.weight", HR_NORM_RMS, part, m->norm == HR_MAMBA_NORM_WEIGHTED, FALSE);
}

/* build_mamba_layer, likewise. */
static gint
add_mamba (HrLlamaBuilder *b,
           const HrBlock  *block,
           gint            input)
{
  const HrMamba *m = &block->mamba;
  guint64 inner = m->intermediate_size;
  gint all, gate, mixed, selection, steps, cache, result, inputs[5];
  gint state = add_state (b, (m->conv_kernel - 1) * inner, &cache);

  all = hr_llama_add_product (b, block, HR_MODULE_PROJECTION, divide_sequences (b, input), m->hidden_size, 2 * inner,
                              FALSE);
  gate = add_part (b, all, inner);
  mixed = add_convolved (b, add_part (b, all, inner), state, cache, inner, m->conv_kernel);
  mixed = hr_llama_add_vector (b, "ssm_conv1d.bias", HR_GGML_OP_ADD, add_convolution (b, mixed, inner, m->conv_kernel),
                               inner);
  mixed = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, mixed, HR_GGML_NONE, HR_GGML_NONE);

  selection = hr_llama_add_product (b, block, HR_MODULE_SELECTION, mixed, inner, m->time_step_rank + 2 * m->state_size,
                                    FALSE);
  steps = add_selected (b, m, selection, m->time_step_rank);
  inputs[0] = add_pieces (b, mixed, 1, inner);
  inputs[1] = hr_llama_add_product (b, block, HR_MODULE_TIME_STEP, steps, m->time_step_rank, inner, TRUE);
  inputs[2] = add_decay (b, m->state_size, 1, inner);
  inputs[3] = add_pieces (b, add_selected (b, m, selection, m->state_size), m->state_size, 1);
  inputs[4] = add_pieces (b, add_selected (b, m, selection, m->state_size), m->state_size, 1);
  result = add_scan (b, m->state_size, 1, inner, inputs, G_N_ELEMENTS (inputs));
  result = add_gated_scan (b, result, mixed, gate, inner);
  result = hr_llama_add_product (b, block, HR_MODULE_OUTPUT, result, inner, m->hidden_size, FALSE);

  return hr_ggml_graph_add_reshape (b->graph, result, m->hidden_size, b->n_tokens, 1, 1);
}

/* ggml_l2_norm of each head. */
static gint
add_unit_heads (HrLlamaBuilder *b,
                gint            heads)
{
  gint result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_RMS_NORM, heads, HR_GGML_NONE, HR_GGML_NONE);

  return hr_ggml_graph_add_like (b->graph, HR_GGML_OP_SCALE, result, HR_GGML_NONE, HR_GGML_NONE);
}

/* Queries or keys: Qwen3-Next repeats them for the heads of values that share them, the kernel does it for Qwen3.5. */
static gint
add_delta_heads (HrLlamaBuilder     *b,
                 const HrGatedDelta *d,
                 gint                mixed)
{
  guint64 n_sequences = b->plan->n_slots;
  guint64 ratio = d->num_value_heads / d->num_key_heads;
  const guint64 repeated[] = { d->key_head_dim, ratio, d->num_key_heads, b->n_tokens };
  gint heads = add_unit_heads (b, add_pieces (b, mixed, d->key_head_dim, d->num_key_heads));

  if (d->projection != HR_DELTA_PROJECTION_FUSED || ratio == 1)
    return heads;

  heads = hr_ggml_graph_add_reshape (b->graph, heads, d->key_head_dim, 1, d->num_key_heads, b->n_tokens);
  heads = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_REPEAT, HR_GGML_F32, repeated, (const gint[]) { heads }, 1);

  return hr_ggml_graph_add_reshape (b->graph, heads, d->key_head_dim, d->num_value_heads, b->n_tokens / n_sequences,
                                    n_sequences);
}

/* Both rates of a head: how fast its state decays, and how much of it is replaced. */
static void
add_delta_rates (HrLlamaBuilder *b,
                 const HrBlock  *block,
                 gint            input,
                 gint           *decay,
                 gint           *replacement)
{
  const HrGatedDelta *d = &block->gated_delta;
  guint64 n_sequences = b->plan->n_slots;
  guint64 n_each = b->n_tokens / n_sequences;
  guint64 n = d->num_value_heads;
  guint64 ratio = n / d->num_key_heads;
  gint both;

  if (d->projection == HR_DELTA_PROJECTION_FUSED)
    {
      both = hr_llama_add_product (b, block, HR_MODULE_RATES, input, d->hidden_size, 2 * n, FALSE);
      both = hr_ggml_graph_add_reshape (b->graph, both, 2 * ratio, d->num_key_heads, n_each, n_sequences);
      *replacement = add_part (b, both, ratio);
      *decay = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONT, HR_GGML_F32,
                                       (const guint64[]) { n, n_each, n_sequences, 1 },
                                       (const gint[]) { add_part (b, both, ratio) }, 1);
    }
  else
    {
      *replacement = hr_llama_add_product (b, block, HR_MODULE_REPLACEMENT_RATE, input, d->hidden_size, n, FALSE);
      *replacement = hr_ggml_graph_add_reshape (b->graph, *replacement, 1, n, n_each, n_sequences);
      *decay = hr_llama_add_product (b, block, HR_MODULE_DECAY_RATE, input, d->hidden_size, n, FALSE);
      *decay = divide_sequences (b, *decay);
    }

  *replacement = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, *replacement, HR_GGML_NONE, HR_GGML_NONE);
  *replacement = hr_ggml_graph_add_reshape (b->graph, *replacement, 1, n, n_each, n_sequences);
  *decay = hr_llama_add_vector (b, "ssm_dt.bias", HR_GGML_OP_ADD, *decay, n);
  *decay = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, *decay, HR_GGML_NONE, HR_GGML_NONE);
  *decay = hr_llama_add_vector (b, "ssm_a", HR_GGML_OP_MUL, *decay, n);
  *decay = hr_ggml_graph_add_reshape (b->graph, *decay, 1, n, n_each, n_sequences);
}

/*
 * build_layer_attn_linear (src/models/qwen3next.cpp, qwen35.cpp), whose rule is one kernel
 * (build_delta_net_fused of src/models/delta-net-base.cpp), with the states behind what the tokens come to.
 */
static gint
add_gated_delta (HrLlamaBuilder *b,
                 const HrBlock  *block,
                 gint            input)
{
  const HrGatedDelta *d = &block->gated_delta;
  gboolean is_fused = d->projection == HR_DELTA_PROJECTION_FUSED;
  guint64 n_sequences = b->plan->n_slots;
  guint64 n_each = b->n_tokens / n_sequences;
  guint64 dim = d->value_head_dim, n = d->num_value_heads, values = dim * n;
  guint64 n_channels = 2 * d->num_key_heads * d->key_head_dim + values;
  guint64 width = d->key_head_dim * values;
  gint mixed, conv, conv_cache, state, cache, net, last, gate, result, sources[6];

  hr_ggml_graph_expand (b->graph, input);
  conv = add_state (b, (d->conv_kernel - 1) * n_channels, &conv_cache);
  mixed = hr_llama_add_product (b, block, is_fused ? HR_MODULE_PROJECTION : HR_MODULE_QUERY_KEY_VALUE, input,
                                d->hidden_size, n_channels, FALSE);
  mixed = add_convolved (b, divide_sequences (b, mixed), conv, conv_cache, n_channels, d->conv_kernel);
  state = add_state (b, width, &cache);
  mixed = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, add_convolution (b, mixed, n_channels, d->conv_kernel),
                                  HR_GGML_NONE, HR_GGML_NONE);

  sources[0] = add_delta_heads (b, d, mixed);
  sources[1] = add_delta_heads (b, d, mixed);
  sources[2] = add_pieces (b, mixed, dim, n);
  add_delta_rates (b, block, input, &sources[3], &sources[4]);
  sources[5] = hr_ggml_graph_add_reshape (b->graph, state, dim, dim, n, n_sequences);
  net = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_GATED_DELTA_NET, HR_GGML_F32,
                                (const guint64[]) { values, b->n_tokens + dim * n_sequences, 1, 1 }, sources,
                                G_N_ELEMENTS (sources));
  last = hr_ggml_graph_add_reshape (b->graph, net, width, n_sequences, 1, 1);
  hr_ggml_graph_expand (b->graph, hr_ggml_graph_add_set_rows (b->graph, cache, last, HR_GGML_NONE));

  result = hr_llama_add_norm (b, "ssm_norm.weight", HR_NORM_RMS,
                              hr_ggml_graph_add_reshape (b->graph, net, dim, n, n_each, n_sequences), TRUE, FALSE);
  gate = hr_llama_add_product (b, block, is_fused ? HR_MODULE_PROJECTION : HR_MODULE_OUTPUT_GATE, input, d->hidden_size,
                               values, FALSE);
  gate = hr_ggml_graph_add_reshape (b->graph, gate, dim, n, n_each, n_sequences);
  gate = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, gate, HR_GGML_NONE, HR_GGML_NONE);
  result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_MUL, result, gate, HR_GGML_NONE);
  result = hr_ggml_graph_add_reshape (b->graph, result, values, n_each, n_sequences, 1);
  result = hr_llama_add_product (b, block, HR_MODULE_OUTPUT, result, values, d->hidden_size, FALSE);

  return hr_ggml_graph_add_reshape (b->graph, result, d->hidden_size, b->n_tokens, 1, 1);
}

/*
 * hr_llama_add_state:
 * @b: a graph that is built
 * @block: what mixes tokens by a state of each sequence
 * @input: a tensor
 *
 * Adds what a state space, a convolution over a few tokens or a gated delta rule computes.
 *
 * Returns: the index of what comes of it
 */
gint
hr_llama_add_state (HrLlamaBuilder *b,
                    const HrBlock  *block,
                    gint            input)
{
  switch ((guint) block->kind)
    {
    case HR_BLOCK_SHORT_CONVOLUTION:
      return add_short_convolution (b, block, input);

    case HR_BLOCK_MAMBA:
      return add_mamba (b, block, input);

    case HR_BLOCK_MAMBA2:
      return add_mamba2 (b, block, input);

    case HR_BLOCK_GATED_DELTA:
    default:
      return add_gated_delta (b, block, input);
    }
}
