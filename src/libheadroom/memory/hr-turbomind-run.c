/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-turbomind-run.h"

#include "hr-inference-cache.h"
#include "hr-pass.h"

/*
 * What TurboMind makes of as many tokens of prompts as it computes at once (src/turbomind/models/llama of LMDeploy 0.9
 * and later: UnifiedDecoder::Forward, UnifiedAttentionLayer::core_attention, LlamaFfnLayer::forward and
 * MoeFfnLayer::Forward): the residual and the hidden states are two buffers, which each layer reads and writes.
 */

#define T HR_SYMBOL_SEQUENCE
#define H HR_SYMBOL_HIDDEN

static HrValue
make (HrReplay   *replay,
      const char *operation,
      const char *name,
      HrValue     shape)
{
  return hr_replay_make (replay, operation, name, HR_COMPONENT_ACTIVATIONS, shape);
}

/* Queries, keys and values, what attention makes of them, and keys and values in a row of all tokens (tmp_kv). */
static void
replay_attention (HrReplay *replay)
{
  HrElement e = replay->dtype;
  HrValue qkv = make (replay, "linear", "qkv", HR_SHAPE (e, T, HR_SYMBOL_FUSED));
  HrValue heads = make (replay, "core_attention", "attn", HR_SHAPE (e, T, HR_SYMBOL_QUERY));
  HrValue shape = HR_SHAPE (e, T, HR_SYMBOL_KEY);
  HrValue keys;

  shape.count = 2;
  keys = make (replay, "core_attention", "tmp_kv", shape);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, heads);
  hr_replay_drop (replay, qkv);
}

/* Two halves of a product, of which quantized weights and experts write one alone, as they activate it (fused_silu). */
static void
replay_perceptron (HrReplay *replay,
                   gboolean  is_fused)
{
  HrValue shape = HR_SHAPE (replay->dtype, T, HR_SYMBOL_INTERMEDIATE);
  HrValue gating;

  shape.count = is_fused ? 1 : 2;
  gating = make (replay, "linear", "gating", shape);
  hr_replay_drop (replay, gating);
}

static void
replay_experts (HrReplay *replay)
{
  HrElement e = replay->dtype;
  HrValue logits = make (replay, "linear", "logits", HR_SHAPE (HR_ELEMENT_FLOAT32, T, HR_SYMBOL_EXPERTS));
  HrValue outputs = make (replay, "moe", "temp_", HR_SHAPE (e, HR_SYMBOL_ROUTED, H));
  HrValue inner = make (replay, "linear", "inter", HR_SHAPE (e, HR_SYMBOL_ROUTED, HR_SYMBOL_EXPERT));

  hr_replay_drop (replay, inner);
  hr_replay_drop (replay, outputs);
  hr_replay_drop (replay, logits);
}

static void
replay_layer (const HrServingPlan *plan,
              HrReplay            *replay,
              const HrLayerClass  *klass)
{
  const HrBlock *mlp = hr_layer_class_find_block (klass, HR_BLOCK_MLP);
  const HrBlock *mixture = hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE);
  HrValue residual, hidden;

  hr_pass_set_attention_symbols (replay, hr_layer_class_get_attention (klass));
  if (mlp != NULL)
    replay->symbols[HR_SYMBOL_INTERMEDIATE] = mlp->mlp.intermediate_size;
  if (mixture != NULL)
    {
      replay->symbols[HR_SYMBOL_EXPERTS] = mixture->mixture.num_experts;
      replay->symbols[HR_SYMBOL_EXPERT] = mixture->mixture.intermediate_size;
      replay->symbols[HR_SYMBOL_ROUTED] = replay->symbols[T] * mixture->mixture.num_experts_per_tok;
    }

  residual = make (replay, "embedding", "local_residual", HR_SHAPE (replay->dtype, T, H));
  hidden = make (replay, "rms_norm", "hidden_states", HR_SHAPE (replay->dtype, T, H));
  replay_attention (replay);
  if (mlp != NULL)
    replay_perceptron (replay, plan->pass->quantization != HR_QUANTIZATION_NONE);
  if (mixture != NULL)
    replay_experts (replay);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, residual);
}

/*
 * hr_turbomind_run_replay:
 * @plan: a plan
 * @replay: a tape, on which nothing has happened
 *
 * Replays how TurboMind computes prompts.
 */
void
hr_turbomind_run_replay (const HrServingPlan *plan,
                         HrReplay            *replay)
{
  const HrStack *stack = plan->pass->stack;

  hr_pass_set_model_symbols (&plan->pass->inference, replay);
  replay->symbols[T] = plan->max_num_batched_tokens;
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_PREFILL);
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      HrStretch stretch;

      hr_replay_begin (replay, &stretch, "UnifiedDecoder::Forward", -1);
      replay->sentence = N_("while as many tokens of prompts as are computed at once go through a layer");
      replay_layer (plan, replay, &stack->layer_classes[i]);
      hr_replay_end (replay);
    }
}
