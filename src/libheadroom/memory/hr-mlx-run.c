/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-mlx-run.h"

#include "hr-inference-cache.h"
#include "hr-mlx-tape.h"
#include "hr-pass.h"

/*
 * The graphs that generate_step of mlx_lm/generate.py has MLX evaluate: chunks of the prompt, of which only the caches
 * are asked for, so that what the last layer makes behind its cache, and the head, are not computed; then token by
 * token. Layers are those of mlx_lm/models (llama.py, qwen3.py, switch_layers.py), operators those of
 * mlx/backend/metal: a norm, a sum, an activation write into the array that they read where nobody else needs it.
 */

/* KVCache.step. */
#define CACHE_STEP 256

/* SwitchGLU sorts tokens by expert from so many on. */
#define SORTED_ROWS 64

/* Tokens up to which ScaledDotProductAttention has kernels for a vector. */
#define VECTOR_TOKENS 8

typedef struct
{
  guint keys;
  guint values;
  guint64 slots;
  gboolean is_quantized;
} Cache;

typedef struct
{
  const HrMlxPlan *plan;
  HrMlxTape tape;
  Cache *caches;
  guint64 past;
  guint64 length;
  guint64 rows;
  guint mask;
} Run;

static guint64
round_up (guint64 value,
          guint64 multiple)
{
  return (value + multiple - 1) / multiple * multiple;
}

static guint
make (Run     *run,
      guint64  elements)
{
  return hr_mlx_tape_make (&run->tape, elements * run->plan->element_bytes, elements);
}

static void
operate (Run   *run,
         guint  input,
         guint  other,
         guint  output)
{
  const guint inputs[] = { input, other };

  hr_mlx_tape_run (&run->tape, inputs, other != HR_MLX_NO_BUFFER ? 2 : 1, output);
}

/* What has as many elements as it reads, and takes the place of what it reads where nobody else holds that. */
static guint
replace (Run     *run,
         guint    input,
         guint64  elements)
{
  guint output = input;

  if (!hr_mlx_tape_is_donated (&run->tape, input))
    output = make (run, elements);
  operate (run, input, HR_MLX_NO_BUFFER, output);
  if (output != input)
    hr_mlx_tape_drop (&run->tape, input);

  return output;
}

static guint
multiply (Run     *run,
          guint    x,
          guint64  rows,
          guint64  out_features,
          guint64  weight_elements)
{
  guint output = make (run, rows * out_features);
  guint weight = hr_mlx_tape_hold (&run->tape, weight_elements);

  operate (run, x, weight, output);
  hr_mlx_tape_drop (&run->tape, weight);

  return output;
}

static guint
project (Run     *run,
         guint    x,
         guint64  in_features,
         guint64  out_features)
{
  return multiply (run, x, run->rows, out_features,
                   hr_mlx_plan_get_matrix_elements (run->plan, out_features, in_features));
}

static guint64
get_value_dim (const HrAttention *attention)
{
  return attention->value_head_dim > 0 ? attention->value_head_dim : attention->head_dim;
}

static guint64
get_key_width (const HrAttention *attention)
{
  return attention->num_key_value_heads * attention->head_dim;
}

static guint64
get_value_width (const HrAttention *attention)
{
  return attention->num_key_value_heads * get_value_dim (attention);
}

static guint
make_cache (Run     *run,
            guint64  width,
            guint64  slots,
            gboolean is_quantized)
{
  return hr_mlx_tape_make (&run->tape, hr_mlx_plan_get_cache_bytes (run->plan, width, slots, is_quantized),
                           run->plan->batch * slots * width);
}

/* Positions of a cache when tokens have been added (KVCache and RotatingKVCache.update_and_fetch). */
static guint64
get_new_slots (const Run   *run,
               const Cache *cache,
               guint64      window)
{
  guint64 past = run->past, length = run->length;

  if (window > 0 && length > 1)
    return MIN (cache->slots, window - 1) + length;
  if (window > 0 && cache->slots >= window)
    return window;
  if (past + length <= cache->slots)
    return cache->slots;
  if (window > 0)
    return MIN (cache->slots + CACHE_STEP, window);

  return (past % CACHE_STEP != 0 ? past : cache->slots) + round_up (length, CACHE_STEP);
}

/* Keys, or values: a cache that has no room is copied into a longer one; what comes is written into it. */
static void
update (Run     *run,
        Cache   *cache,
        guint   *buffer,
        guint64  width,
        guint64  slots,
        guint    added)
{
  gboolean is_new = *buffer == HR_MLX_NO_BUFFER;

  if (is_new || slots != cache->slots)
    {
      guint longer = make_cache (run, width, slots, cache->is_quantized);

      operate (run, is_new ? added : *buffer, HR_MLX_NO_BUFFER, longer);
      hr_mlx_tape_drop (&run->tape, *buffer);
      *buffer = longer;
    }
  operate (run, added, HR_MLX_NO_BUFFER, *buffer);
  hr_mlx_tape_drop (&run->tape, added);
}

/* Kernels that keep no scores (ScaledDotProductAttention::use_fallback); none for a quantized cache. */
static gboolean
is_fused (const Run         *run,
          const HrAttention *a,
          const Cache       *cache)
{
  guint64 dim = a->head_dim;

  if (cache->is_quantized || a->softcap || dim != get_value_dim (a))
    return FALSE;
  if (run->length <= VECTOR_TOKENS)
    return dim == 64 || dim == 96 || dim == 128 || dim == 256;
  if (dim == 256)
    return run->plan->has_accelerators && run->length >= 1024 && run->mask == HR_MLX_NO_BUFFER;

  return dim == 64 || dim == 72 || dim == 80 || dim == 96 || dim == 128;
}

/* Scores of all keys, masked and normalised in their place. */
static guint
attend_unfused (Run               *run,
                const HrAttention *a,
                const Cache       *cache,
                guint              query)
{
  guint64 context = MIN (run->past + run->length, cache->slots);
  guint64 heads = run->rows * a->num_attention_heads;
  guint scores = make (run, heads * context);
  guint output;

  operate (run, query, cache->keys, scores);
  if (run->mask == HR_MLX_NO_BUFFER && run->length > 1)
    {
      guint mask = hr_mlx_tape_make (&run->tape, run->length * context, run->length * context);

      operate (run, mask, scores, scores);
      hr_mlx_tape_drop (&run->tape, mask);
    }
  else if (run->length > 1)
    operate (run, run->mask, scores, scores);
  operate (run, scores, HR_MLX_NO_BUFFER, scores);
  output = make (run, heads * get_value_dim (a));
  operate (run, scores, cache->values, output);
  hr_mlx_tape_drop (&run->tape, scores);
  if (run->length > 1)
    {
      guint reshaped = make (run, heads * get_value_dim (a));

      operate (run, output, HR_MLX_NO_BUFFER, reshaped);
      hr_mlx_tape_drop (&run->tape, output);
      output = reshaped;
    }

  return output;
}

static guint
attend (Run               *run,
        const HrAttention *a,
        const Cache       *cache,
        guint              query)
{
  guint output;

  if (!is_fused (run, a, cache))
    return attend_unfused (run, a, cache, query);

  output = make (run, run->rows * a->num_attention_heads * get_value_dim (a));
  operate (run, query, cache->keys, output);
  if (run->mask != HR_MLX_NO_BUFFER)
    operate (run, run->mask, cache->values, output);

  return output;
}

/* A rotation makes a new array, as heads are not side by side in the one it reads (RoPE::eval_gpu). */
static guint
rotate (Run               *run,
        const HrAttention *a,
        guint              x,
        guint64            width)
{
  guint output;

  if (a->position == HR_POSITION_NONE || a->position == HR_POSITION_LEARNED || a->position == HR_POSITION_ALIBI)
    return x;

  output = make (run, run->rows * width);
  operate (run, x, HR_MLX_NO_BUFFER, output);
  hr_mlx_tape_drop (&run->tape, x);

  return output;
}

typedef struct
{
  guint query;
  guint key;
  guint value;
  guint gate;
} Projections;

static Projections
project_heads (Run               *run,
               const HrAttention *a,
               guint              x)
{
  guint64 query_width = a->num_attention_heads * a->head_dim;
  guint64 widths = query_width + get_key_width (a) + get_value_width (a);
  Projections self = { .gate = HR_MLX_NO_BUFFER };

  if (a->projection != HR_PROJECTION_SEPARATE)
    {
      guint joined = project (run, x, a->hidden_size, widths);

      self.query = make (run, run->rows * query_width);
      operate (run, joined, HR_MLX_NO_BUFFER, self.query);
      self.key = make (run, run->rows * get_key_width (a));
      operate (run, joined, HR_MLX_NO_BUFFER, self.key);
      self.value = joined;
      return self;
    }

  self.query = project (run, x, a->hidden_size,
                        query_width * (a->output_gate == HR_OUTPUT_GATE_QUERY ? 2 : 1));
  self.key = project (run, x, a->hidden_size, get_key_width (a));
  self.value = project (run, x, a->hidden_size, get_value_width (a));
  if (a->output_gate == HR_OUTPUT_GATE_FULL)
    self.gate = project (run, x, a->hidden_size, query_width);
  if (a->qk_norm != HR_QK_NORM_NONE)
    {
      self.query = replace (run, self.query, run->rows * query_width);
      self.key = replace (run, self.key, run->rows * get_key_width (a));
    }
  self.query = rotate (run, a, self.query, query_width);
  self.key = rotate (run, a, self.key, get_key_width (a));

  return self;
}

/* Of the last layer of a chunk nothing but the cache is asked for. */
static guint
run_attention (Run               *run,
               const HrAttention *a,
               guint              layer,
               guint              x,
               gboolean           is_last)
{
  Cache *cache = &run->caches[layer];
  Projections heads = project_heads (run, a, x);
  guint64 slots = get_new_slots (run, cache, hr_mlx_plan_get_window (run->plan, a));
  guint output = HR_MLX_NO_BUFFER, attended;

  update (run, cache, &cache->keys, get_key_width (a), slots, heads.key);
  update (run, cache, &cache->values, get_value_width (a), slots, heads.value);
  cache->slots = slots;
  if (!is_last)
    {
      attended = attend (run, a, cache, heads.query);
      if (heads.gate != HR_MLX_NO_BUFFER)
        operate (run, heads.gate, attended, attended);
      output = project (run, attended, a->num_attention_heads * get_value_dim (a), a->hidden_size);
      hr_mlx_tape_drop (&run->tape, attended);
    }
  hr_mlx_tape_drop (&run->tape, heads.gate);
  hr_mlx_tape_drop (&run->tape, heads.query);

  return output;
}

static guint
run_mlp (Run      *run,
         guint     x,
         guint64   hidden_size,
         guint64   width,
         gboolean  is_gated,
         gboolean  is_fused_gate)
{
  guint inner = project (run, x, hidden_size, is_fused_gate ? 2 * width : width);
  guint output;

  if (is_fused_gate)
    {
      guint split = make (run, run->rows * width);

      operate (run, inner, HR_MLX_NO_BUFFER, split);
      hr_mlx_tape_drop (&run->tape, inner);
      inner = split;
    }
  else if (is_gated)
    {
      guint up = project (run, x, hidden_size, width);

      operate (run, inner, up, inner);
      hr_mlx_tape_drop (&run->tape, up);
    }
  else
    operate (run, inner, HR_MLX_NO_BUFFER, inner);
  output = project (run, inner, width, hidden_size);
  hr_mlx_tape_drop (&run->tape, inner);

  return output;
}

/* The scores of the experts that are chosen, and their numbers, which argpartition makes for all experts. */
static guint
choose_experts (Run             *run,
                const HrMixture *m,
                guint            x,
                guint           *numbers)
{
  guint64 all = run->rows * m->num_experts, chosen = run->rows * m->num_experts_per_tok;
  guint gates = project (run, x, m->hidden_size, m->num_experts);
  guint order = hr_mlx_tape_make (&run->tape, 4 * all, all);
  guint scores;

  operate (run, gates, HR_MLX_NO_BUFFER, gates);
  operate (run, gates, HR_MLX_NO_BUFFER, order);
  scores = make (run, chosen);
  operate (run, gates, order, scores);
  hr_mlx_tape_drop (&run->tape, gates);
  *numbers = hr_mlx_tape_make (&run->tape, 4 * chosen, chosen);
  operate (run, order, HR_MLX_NO_BUFFER, *numbers);
  hr_mlx_tape_drop (&run->tape, order);

  return scores;
}

static guint
multiply_experts (Run             *run,
                  const HrMixture *m,
                  guint            x,
                  guint64          in_features,
                  guint64          out_features)
{
  guint64 elements = hr_mlx_plan_get_matrix_elements (run->plan, out_features, in_features);

  return multiply (run, x, run->rows * m->num_experts_per_tok, out_features, elements * m->num_experts);
}

/* SwitchGLU: tokens once for each of their experts, sorted, and back again. */
static guint
run_experts (Run             *run,
             const HrMixture *m,
             guint            x,
             guint            numbers)
{
  guint64 rows = run->rows * m->num_experts_per_tok;
  gboolean is_sorted = rows >= SORTED_ROWS;
  guint order = hr_mlx_tape_make (&run->tape, 3 * 4 * rows, 3 * rows);
  guint read = x, inner, output;

  operate (run, numbers, HR_MLX_NO_BUFFER, order);
  if (is_sorted)
    {
      read = make (run, rows * m->hidden_size);
      operate (run, x, order, read);
    }
  inner = multiply_experts (run, m, read, m->hidden_size, m->intermediate_size);
  if (m->gate != HR_EXPERT_GATE_NONE)
    {
      guint gate = multiply_experts (run, m, read, m->hidden_size, m->intermediate_size);

      operate (run, gate, inner, inner);
      hr_mlx_tape_drop (&run->tape, gate);
    }
  if (is_sorted)
    hr_mlx_tape_drop (&run->tape, read);
  output = multiply_experts (run, m, inner, m->intermediate_size, m->hidden_size);
  hr_mlx_tape_drop (&run->tape, inner);
  if (is_sorted)
    {
      guint unsorted = make (run, rows * m->hidden_size);

      operate (run, output, order, unsorted);
      hr_mlx_tape_drop (&run->tape, output);
      output = unsorted;
    }
  hr_mlx_tape_drop (&run->tape, order);

  return output;
}

static guint
run_mixture (Run             *run,
             const HrMixture *m,
             guint            x)
{
  guint numbers;
  guint scores = choose_experts (run, m, x, &numbers);
  guint outputs = run_experts (run, m, x, numbers);
  guint sum = make (run, run->rows * m->hidden_size);

  operate (run, outputs, scores, outputs);
  hr_mlx_tape_drop (&run->tape, scores);
  hr_mlx_tape_drop (&run->tape, numbers);
  operate (run, outputs, HR_MLX_NO_BUFFER, sum);
  hr_mlx_tape_drop (&run->tape, outputs);
  if (m->shared_intermediate_size > 0)
    {
      guint shared = run_mlp (run, x, m->hidden_size, m->shared_intermediate_size, TRUE, FALSE);

      operate (run, shared, sum, sum);
      hr_mlx_tape_drop (&run->tape, shared);
    }

  return sum;
}

/* Takes @x if it is not @kept. */
static guint
run_block (Run           *run,
           const HrBlock *block,
           guint          layer,
           guint          x,
           guint          kept,
           gboolean       is_last)
{
  guint output;

  switch ((guint) block->kind)
    {
    case HR_BLOCK_ATTENTION:
      output = run_attention (run, &block->attention, layer, x, is_last);
      break;

    case HR_BLOCK_MLP:
      output = run_mlp (run, x, block->mlp.hidden_size, block->mlp.intermediate_size, block->mlp.gated,
                        block->mlp.fused_gate_up);
      break;

    case HR_BLOCK_MIXTURE:
      output = run_mixture (run, &block->mixture, x);
      break;

    case HR_BLOCK_NORM:
    default:
      if (x != kept)
        return replace (run, x, run->rows * block->norm.size);
      output = make (run, run->rows * block->norm.size);
      operate (run, x, HR_MLX_NO_BUFFER, output);
      return output;
    }
  if (x != kept)
    hr_mlx_tape_drop (&run->tape, x);

  return output;
}

/* What a chain makes of @x, which stays; nothing behind the cache of the last layer of a chunk. */
static guint
run_chain (Run           *run,
           const HrChain *chain,
           guint          layer,
           guint          x,
           gboolean       is_last)
{
  guint value = x;

  for (guint i = 0; i < chain->n_blocks && value != HR_MLX_NO_BUFFER; i++)
    value = run_block (run, &chain->blocks[i], layer, value, x, is_last);

  return value;
}

static guint
run_sublayer (Run              *run,
              const HrSublayer *sublayer,
              guint             layer,
              guint             x,
              gboolean          is_last)
{
  guint shared = run_chain (run, &sublayer->shared, layer, x, is_last);
  guint sum = HR_MLX_NO_BUFFER;

  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      guint value = run_chain (run, &sublayer->branches[i], layer, shared, is_last);

      if (value == HR_MLX_NO_BUFFER)
        continue;
      if (sum != HR_MLX_NO_BUFFER)
        {
          operate (run, sum, value, value);
          hr_mlx_tape_drop (&run->tape, sum);
        }
      sum = value;
    }
  if (shared != x)
    hr_mlx_tape_drop (&run->tape, shared);
  if (sum != HR_MLX_NO_BUFFER && sublayer->residual)
    operate (run, x, sum, sum);
  hr_mlx_tape_drop (&run->tape, x);
  if (sum != HR_MLX_NO_BUFFER && sublayer->after.n_blocks > 0)
    {
      guint after = run_chain (run, &sublayer->after, layer, sum, FALSE);

      hr_mlx_tape_drop (&run->tape, sum);
      sum = after;
    }

  return sum;
}

static guint
run_layers (Run     *run,
            guint    x,
            gboolean is_chunk)
{
  const HrStack *stack = run->plan->pass->stack;

  for (guint i = 0; i < stack->n_layers; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[stack->layer_class_of[i]];
      gboolean is_last = is_chunk && i + 1 == stack->n_layers;

      for (guint j = 0; j < klass->n_sublayers && x != HR_MLX_NO_BUFFER; j++)
        x = run_sublayer (run, &klass->sublayers[j], i, x, is_last);
    }

  return x;
}

/* Arrays of masks, where a word says it all no longer: beside windows, and of prompts that are padded. */
static void
make_mask (Run     *run,
           guint64  window)
{
  guint64 context = run->past + run->length;
  guint64 elements = (run->plan->batch > 1 ? run->plan->batch : 1) * run->length * context;

  run->mask = HR_MLX_NO_BUFFER;
  if (run->length > 1 && (run->plan->batch > 1 || (window > 0 && context > window)))
    run->mask = hr_mlx_tape_make (&run->tape, elements, elements);
}

static guint64
find_window (const HrMlxPlan *plan)
{
  const HrStack *stack = plan->pass->stack;
  guint64 window = 0;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    window = MAX (window, hr_mlx_plan_get_window (plan, hr_layer_class_get_attention (&stack->layer_classes[i])));

  return window;
}

static const HrAttention *
get_attention (const Run *run,
               guint      layer)
{
  const HrStack *stack = run->plan->pass->stack;

  return hr_layer_class_get_attention (&stack->layer_classes[stack->layer_class_of[layer]]);
}

/* maybe_quantize_kv_cache, with the chunk that has made the cache long enough. */
static void
quantize_caches (Run *run)
{
  for (guint i = 0; i < run->plan->pass->stack->n_layers; i++)
    {
      const HrAttention *a = get_attention (run, i);
      Cache *cache = &run->caches[i];
      guint keys, values;

      if (run->plan->kv_bits == 0 || cache->is_quantized || run->past < run->plan->kv_start)
        continue;
      keys = make_cache (run, get_key_width (a), cache->slots, TRUE);
      operate (run, cache->keys, HR_MLX_NO_BUFFER, keys);
      hr_mlx_tape_drop (&run->tape, cache->keys);
      values = make_cache (run, get_value_width (a), cache->slots, TRUE);
      operate (run, cache->values, HR_MLX_NO_BUFFER, values);
      hr_mlx_tape_drop (&run->tape, cache->values);
      *cache = (Cache) { keys, values, cache->slots, TRUE };
    }
}

static void
begin (Run     *run,
       guint64  length)
{
  run->length = length;
  run->rows = run->plan->batch * length;
}

static void
evaluate (Run     *run,
          guint64  length,
          gboolean is_chunk)
{
  const HrChain *chain = run->plan->pass->inference.head;
  const HrBlock *head = chain != NULL ? hr_chain_find_block (chain, HR_BLOCK_HEAD) : NULL;
  guint64 hidden_size = get_attention (run, 0)->hidden_size;
  guint x;

  begin (run, length);
  make_mask (run, find_window (run->plan));
  x = make (run, run->rows * hidden_size);
  x = run_layers (run, x, is_chunk);
  if (x != HR_MLX_NO_BUFFER && head != NULL)
    {
      guint logits = project (run, x, head->head.hidden_size, head->head.vocab_size);
      guint probabilities = make (run, run->rows * head->head.vocab_size);

      operate (run, logits, HR_MLX_NO_BUFFER, probabilities);
      hr_mlx_tape_drop (&run->tape, logits);
      hr_mlx_tape_drop (&run->tape, probabilities);
    }
  hr_mlx_tape_drop (&run->tape, x);
  hr_mlx_tape_drop (&run->tape, run->mask);
  run->past += length;
  quantize_caches (run);
  hr_mlx_tape_wait (&run->tape);
}

/* What is like what has been evaluated already but for the size of the cache. */
static void
skip (Run     *run,
      guint64  length)
{
  begin (run, length);
  for (guint i = 0; i < run->plan->pass->stack->n_layers; i++)
    {
      const HrAttention *a = get_attention (run, i);
      Cache *cache = &run->caches[i];
      guint64 slots = get_new_slots (run, cache, hr_mlx_plan_get_window (run->plan, a));

      if (slots == cache->slots)
        continue;
      hr_mlx_tape_drop (&run->tape, cache->keys);
      hr_mlx_tape_drop (&run->tape, cache->values);
      cache->slots = slots;
      cache->keys = make_cache (run, get_key_width (a), slots, cache->is_quantized);
      cache->values = make_cache (run, get_value_width (a), slots, cache->is_quantized);
    }
  run->past += length;
}

static guint64
get_cached_bytes (const Run *run)
{
  guint64 bytes = 0;

  for (guint i = 0; i < run->plan->pass->stack->n_layers; i++)
    {
      const HrAttention *a = get_attention (run, i);
      const Cache *cache = &run->caches[i];

      bytes += hr_mlx_plan_get_cache_bytes (run->plan, get_key_width (a), cache->slots, cache->is_quantized) +
               hr_mlx_plan_get_cache_bytes (run->plan, get_value_width (a), cache->slots, cache->is_quantized);
    }

  return bytes;
}

/* The last chunks have the longest caches; the one that quantizes the cache has both. */
static void
run_prompt (Run *run)
{
  guint64 length = run->plan->prompt - 1;
  guint64 start = run->plan->kv_bits > 0 ? run->plan->kv_start : G_MAXUINT64;

  while (run->past < length)
    {
      guint64 chunk = MIN (run->plan->step, length - run->past);
      gboolean quantizes = run->past < start && run->past + chunk >= start;

      if (length - run->past <= 2 * run->plan->step || quantizes)
        evaluate (run, chunk, TRUE);
      else
        skip (run, chunk);
    }
}

/* Up to where no cache grows. */
static guint64
find_growth (const Run *run,
             guint64    end)
{
  guint64 growth = end;

  for (guint i = 0; i < run->plan->pass->stack->n_layers; i++)
    {
      const Cache *cache = &run->caches[i];

      if (get_new_slots (run, cache, hr_mlx_plan_get_window (run->plan, get_attention (run, i))) != cache->slots)
        return run->past;
      if (cache->slots > run->past)
        growth = MIN (growth, cache->slots);
    }

  return growth;
}

/* A token is much like any other, but for those that make the caches grow, of which the last have the longest. */
static void
run_answer (Run *run)
{
  guint64 end = run->plan->prompt + run->plan->output;
  guint64 start = run->plan->kv_bits > 0 ? run->plan->kv_start : G_MAXUINT64;

  while (run->past < end)
    {
      guint64 growth;

      begin (run, 1);
      growth = find_growth (run, end);
      if (run->past < run->plan->prompt + 2 || (growth == run->past && end - run->past <= CACHE_STEP) ||
          (run->past < start && run->past + 1 >= start))
        evaluate (run, 1, FALSE);
      else if (growth == run->past)
        skip (run, 1);
      else
        run->past = run->past < start ? MIN (growth, start - 1 > run->past ? start - 1 : growth) : growth;
    }
}

/*
 * hr_mlx_run:
 * @plan: a job
 * @prefill: (out): what the prompt takes
 * @decode: (out): what the answer takes
 *
 * Replays a prompt and the answer to it.
 */
void
hr_mlx_run (const HrMlxPlan *plan,
            HrMlxMoment     *prefill,
            HrMlxMoment     *decode)
{
  guint n_layers = plan->pass->stack->n_layers;
  Run run = { .plan = plan, .caches = g_new (Cache, n_layers), .mask = HR_MLX_NO_BUFFER };

  for (guint i = 0; i < n_layers; i++)
    run.caches[i] = (Cache) { HR_MLX_NO_BUFFER, HR_MLX_NO_BUFFER, 0, FALSE };
  hr_mlx_tape_init (&run.tape, plan->is_large);
  run_prompt (&run);
  *prefill = (HrMlxMoment) { run.tape.peak, get_cached_bytes (&run) };
  run.tape.peak = run.tape.bytes;
  run_answer (&run);
  *decode = (HrMlxMoment) { run.tape.peak, get_cached_bytes (&run) };

  hr_mlx_tape_clear (&run.tape);
  g_free (run.caches);
}
