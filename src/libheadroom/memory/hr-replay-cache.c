/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-blocks.h"

/*
 * The layers of transformers' caches (transformers/cache_utils.py): new keys and values are joined to the old ones by
 * torch.cat, which makes the longer tensor beside the shorter one.
 */

/* The width of what is kept of a token: that of keys, unless values have one of their own. */
static HrSymbol
get_cached_features (HrValue like)
{
  HrSymbol features = like.symbols[like.n_symbols - 1];

  return features == HR_SYMBOL_VALUE || features == HR_SYMBOL_KEY_VALUE ? features : HR_SYMBOL_CACHED;
}

/* torch.cat promotes to the wider of two dtypes. */
static HrValue
join_old (HrReplay   *replay,
          const char *name,
          HrValue     old,
          HrValue     latest,
          HrValue     shape)
{
  HrValue parts[2];
  HrValue result;

  shape.element = hr_element_promote (old.element, latest.element);
  parts[0] = hr_op_cast (replay, old, shape.element);
  parts[1] = hr_op_cast (replay, latest, shape.element);
  result = hr_op_cat (replay, name, parts, G_N_ELEMENTS (parts), shape);
  hr_replay_drop (replay, parts[1]);
  hr_replay_drop (replay, parts[0]);

  return result;
}

/*
 * In training it is what autograd keeps as well. A new layer's empty tensors both have the type of the first keys
 * (DynamicLayer.lazy_initialization), so that values are no narrower.
 */
static HrValue
make_cached (HrReplay      *replay,
             const char    *name,
             HrComponentId  component,
             HrValue        old,
             HrValue        like,
             HrElement      first_key)
{
  HrSymbol features = get_cached_features (like);
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, features);

  shape.heads_first = TRUE;
  if (replay->training)
    {
      shape.element = hr_element_get_bytes (first_key) > hr_element_get_bytes (like.element) ? first_key : like.element;
      return old.storage >= 0 ? join_old (replay, name, old, like, shape)
                              : hr_op_cat (replay, name, &like, 1, shape);
    }

  return hr_replay_make (replay, "cat", name, component, shape);
}

/* DynamicLayer: each of the two is replaced in turn. */
static void
update_dynamic (HrReplay  *replay,
                HrForward *forward,
                HrValue   *key,
                HrValue   *value)
{
  HrValue keys, values;

  hr_replay_reassign_component (replay, forward->old_keys, HR_COMPONENT_TEMPORARY);
  keys = make_cached (replay, "keys", HR_COMPONENT_KV_CACHE, forward->old_keys, *key, key->element);
  hr_replay_assign (replay, &forward->old_keys, HR_NO_VALUE);
  hr_replay_reassign_component (replay, forward->old_values, HR_COMPONENT_TEMPORARY);
  values = make_cached (replay, "values", HR_COMPONENT_KV_CACHE, forward->old_values, *value, key->element);
  hr_replay_assign (replay, &forward->old_values, HR_NO_VALUE);

  hr_replay_assign (replay, key, keys);
  hr_replay_assign (replay, value, values);
}

/*
 * `past_key_value = (key_states, value_states)`: what a tuple holds of a prompt are views of what the matrices made,
 * all that one matrix has made included; later it is joined by torch.cat, and what it held before stays until the step
 * ends.
 */
static void
update_tuple (HrReplay  *replay,
              HrForward *forward,
              HrValue   *key,
              HrValue   *value)
{
  if (forward->first)
    {
      hr_replay_reassign_component (replay, *key, HR_COMPONENT_KV_CACHE);
      hr_replay_reassign_component (replay, *value, HR_COMPONENT_KV_CACHE);
      return;
    }

  hr_replay_reassign_component (replay, forward->old_keys, HR_COMPONENT_TEMPORARY);
  hr_replay_reassign_component (replay, forward->old_values, HR_COMPONENT_TEMPORARY);
  hr_replay_assign (replay, key, make_cached (replay, "key_states", HR_COMPONENT_KV_CACHE, forward->old_keys, *key,
                                              key->element));
  hr_replay_assign (replay, value, make_cached (replay, "value_states", HR_COMPONENT_KV_CACHE, forward->old_values,
                                                *value, key->element));
  hr_replay_leave (replay, forward->old_keys);
  hr_replay_leave (replay, forward->old_values);
}

/*
 * DynamicSlidingWindowLayer: both are made before the old ones go. What stays is a view of the last window - 1 tokens,
 * which holds the whole storage. A new layer also keeps its window as a scalar on the device.
 */
static void
update_sliding (HrReplay  *replay,
                HrForward *forward,
                HrValue   *key,
                HrValue   *value)
{
  HrValue keys, values;

  if (forward->first)
    hr_replay_leave (replay, hr_replay_make (replay, "tensor", "sliding_window", HR_COMPONENT_KV_CACHE,
                                             HR_SHAPE (HR_ELEMENT_INT64)));

  hr_replay_reassign_component (replay, forward->old_keys, HR_COMPONENT_TEMPORARY);
  hr_replay_reassign_component (replay, forward->old_values, HR_COMPONENT_TEMPORARY);
  keys = make_cached (replay, "keys", HR_COMPONENT_KV_CACHE, forward->old_keys, *key, key->element);
  values = make_cached (replay, "values", HR_COMPONENT_KV_CACHE, forward->old_values, *value, key->element);
  hr_replay_assign (replay, &forward->old_keys, HR_NO_VALUE);
  hr_replay_assign (replay, &forward->old_values, HR_NO_VALUE);

  hr_replay_assign (replay, key, keys);
  hr_replay_assign (replay, value, values);
}

/* Payload, and a scale and a shift in the dtype of the model for each group of 64 (QuantizedLayer, optimum-quanto). */
static HrValue
quantize (HrReplay   *replay,
          HrForward  *forward,
          const char *name,
          HrValue     like)
{
  HrSymbol features = get_cached_features (like);
  HrValue shape = HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, features);
  guint per_64 = forward->cache_bits * 64 / 8 + 2 * hr_element_get_bytes (replay->dtype);

  shape.count = per_64;
  shape.divisor = 64;

  return hr_replay_make (replay, "quantize", name, HR_COMPONENT_KV_CACHE, shape);
}

static void
update_quantized_first (HrReplay  *replay,
                        HrForward *forward,
                        HrValue    key,
                        HrValue    value)
{
  forward->quantized_keys = quantize (replay, forward, "quantized keys", key);
  forward->quantized_values = quantize (replay, forward, "quantized values", value);
}

/* The whole cache of the layer is expanded for each token; what is new waits beside it until there are 128. */
static void
update_quantized (HrReplay  *replay,
                  HrForward *forward,
                  HrValue   *key,
                  HrValue   *value)
{
  HrValue dequantized_keys = make_cached (replay, "dequantized keys", HR_COMPONENT_TEMPORARY, HR_NO_VALUE, *key,
                                     key->element);
  HrValue dequantized_values = make_cached (replay, "dequantized values", HR_COMPONENT_TEMPORARY, HR_NO_VALUE, *value,
                                       value->element);
  HrValue keys = make_cached (replay, "keys_to_return", HR_COMPONENT_TEMPORARY, HR_NO_VALUE, *key,
                         key->element);
  HrValue values = make_cached (replay, "values_to_return", HR_COMPONENT_TEMPORARY, HR_NO_VALUE, *value,
                           value->element);

  if (forward->cache_flush)
    {
      hr_replay_assign (replay, &forward->quantized_keys, quantize (replay, forward, "quantized keys", *key));
      hr_replay_assign (replay, &forward->quantized_values,
                        quantize (replay, forward, "quantized values", *value));
    }

  hr_replay_assign (replay, key, keys);
  hr_replay_assign (replay, value, values);
  hr_replay_drop (replay, dequantized_values);
  hr_replay_drop (replay, dequantized_keys);
}

/*
 * hr_replay_cache_source:
 * @replay: a tape
 * @forward: the pass
 * @key: (inout): the variable of the keys of what the encoder made, bound to those that the cache holds
 * @value: (inout): likewise
 *
 * `past_key_values.cross_attention_cache.update ()`, with the first token; from then on they are only read.
 */
void
hr_replay_cache_source (HrReplay  *replay,
                        HrForward *forward,
                        HrValue   *key,
                        HrValue   *value)
{
  HrValue keys, values;

  if (!forward->use_cache)
    return;

  keys = make_cached (replay, "cross keys", HR_COMPONENT_KV_CACHE, HR_NO_VALUE, *key, key->element);
  values = make_cached (replay, "cross values", HR_COMPONENT_KV_CACHE, HR_NO_VALUE, *value, key->element);
  hr_replay_assign (replay, key, keys);
  hr_replay_assign (replay, value, values);
  forward->cross_keys = hr_replay_hold (replay, keys);
  forward->cross_values = hr_replay_hold (replay, values);
}

/*
 * hr_replay_cache_update:
 * @replay: a tape
 * @forward: the pass
 * @key: (inout): the variable of the new keys, bound to all keys
 * @value: (inout): likewise
 * @sliding: whether the layer keeps a window only
 *
 * `past_key_values.update ()`. The cache's own hold on its tensors is in @forward afterwards.
 */
void
hr_replay_cache_update (HrReplay  *replay,
                        HrForward *forward,
                        HrValue   *key,
                        HrValue   *value,
                        gboolean   sliding)
{
  if (!forward->use_cache)
    return;

  if (forward->cache_bits > 0)
    {
      if (forward->first)
        update_quantized_first (replay, forward, *key, *value);
      else
        update_quantized (replay, forward, key, value);
      return;
    }

  if (forward->keeps_past)
    update_tuple (replay, forward, key, value);
  else if (sliding)
    update_sliding (replay, forward, key, value);
  else
    update_dynamic (replay, forward, key, value);

  forward->old_keys = hr_replay_hold (replay, *key);
  forward->old_values = value->storage != key->storage ? hr_replay_hold (replay, *value) : HR_NO_VALUE;
}
