/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-training-profile.h"

#include <glib.h>

/* What each framework does; those without a row are not known well enough. */
static const struct
{
  HrTrainingFramework framework;
  HrTrainingProfile profile;
} profiles[] = {
  { HR_TRAINING_FRAMEWORK_PYTORCH,
    { .implementation = HR_OPTIMIZER_IMPLEMENTATION_FOREACH, .name = "PyTorch",
      .source = "torch/optim/optimizer.py: _default_to_fused_or_foreach" } },
  { HR_TRAINING_FRAMEWORK_TRANSFORMERS,
    { .implementation = HR_OPTIMIZER_IMPLEMENTATION_FUSED, .fp32_outputs = TRUE, .clips_gradients = TRUE,
      .passes_mask = TRUE, .fp32_embeddings = TRUE,
      .name = "transformers.Trainer",
      .source = "transformers 5.12: training_args.py (optim, max_grad_norm), trainer.py (create_optimizer), "
                "data/data_collator.py; accelerate: accelerator.py (convert_outputs_to_fp32)" } },
  /* SFTTrainer is a Trainer, whose loss is that of the model, and whose log has more of the logits. */
  { HR_TRAINING_FRAMEWORK_TRL,
    { .implementation = HR_OPTIMIZER_IMPLEMENTATION_FUSED, .fp32_outputs = TRUE, .clips_gradients = TRUE,
      .passes_mask = TRUE, .fp32_embeddings = TRUE, .logs_metrics = TRUE,
      .name = "trl.SFTTrainer",
      .source = "trl/trainer/sft_trainer.py (compute_loss), trl/trainer/utils.py (entropy_from_logits)" } },
  /*
   * Without ZeRO, FP16_Optimizer of deepspeed/runtime/fp16/fused_optimizer.py, for bfloat16 as well
   * (DeepSpeedEngine._do_optimizer_sanity_check); where gradients are summed up in fp32
   * (data_types.grad_accum_dtype), BF16_Optimizer, which is ZeRO's first stage of one rank. Both step with DeepSpeed's
   * own FusedAdam (_configure_basic_optimizer).
   */
  { HR_TRAINING_FRAMEWORK_DEEPSPEED,
    { .implementation = HR_OPTIMIZER_IMPLEMENTATION_FUSED, .recipe = HR_PRECISION_RECIPE_MIXED_16,
      .flattens_gradients = TRUE, .name = "DeepSpeed",
      .source = "deepspeed/runtime/engine.py, runtime/fp16/fused_optimizer.py, runtime/bf16_optimizer.py" } },
  /* DistributedOptimizer of one rank holds the same as Float16OptimizerWithFloat16Params; --bf16 adds up in fp32. */
  { HR_TRAINING_FRAMEWORK_MEGATRON_LM,
    { .implementation = HR_OPTIMIZER_IMPLEMENTATION_FUSED, .clips_gradients = TRUE,
      .recipe = HR_PRECISION_RECIPE_MIXED_18, .name = "Megatron-LM",
      .source = "megatron/core/optimizer, megatron/core/distributed, megatron/training/arguments.py (clip_grad, "
                "accumulate_allreduce_grads_in_fp32)" } },
  { HR_TRAINING_FRAMEWORK_TORCHTITAN,
    { .implementation = HR_OPTIMIZER_IMPLEMENTATION_FUSED, .clips_gradients = TRUE, .holds_fp32 = TRUE,
      .name = "torchtitan",
      .source = "torchtitan b5bcd76c: trainer.py, distributed/fsdp.py, components/optimizer, config/configs.py "
                "(max_norm)" } },
  /* Its SFTTrainer is that of TRL, which transformers' Trainer steps; what it logs needs no logits. */
  { HR_TRAINING_FRAMEWORK_UNSLOTH,
    { .implementation = HR_OPTIMIZER_IMPLEMENTATION_FUSED, .clips_gradients = TRUE, .fp32_embeddings = TRUE,
      .name = "Unsloth",
      .source = "unsloth 2026.8.19: models/llama.py, models/qwen3.py, kernels; unsloth_zoo 2026.8.13: "
                "training_utils.py, gradient_checkpointing.py, fused_losses/cross_entropy_loss.py, "
                "rl_replacements.py" } },
  { HR_TRAINING_FRAMEWORK_VERL,
    { .implementation = HR_OPTIMIZER_IMPLEMENTATION_FOREACH, .clips_gradients = TRUE, .holds_fp32 = TRUE,
      .name = "verl",
      .source = "verl b178a3cd: workers/actor/dp_actor.py, workers/fsdp_workers.py, trainer/config; "
                "torch/distributed/fsdp" } },
  { HR_TRAINING_FRAMEWORK_OPENRLHF,
    { .implementation = HR_OPTIMIZER_IMPLEMENTATION_FUSED, .recipe = HR_PRECISION_RECIPE_MIXED_16, .name = "OpenRLHF",
      .source = "OpenRLHF 3c3be623: models/actor.py, trainer/ray/ppo_actor.py, cli/train_ppo_ray.py; "
                "DeepSpeed edaa7221: runtime/zero/stage_1_and_2.py" } },
  /* HybridAdam steps what is on a GPU in one kernel; the norm of the gradients is that of LowLevelZeroOptimizer. */
  { HR_TRAINING_FRAMEWORK_COLOSSALAI,
    { .implementation = HR_OPTIMIZER_IMPLEMENTATION_FUSED, .recipe = HR_PRECISION_RECIPE_MIXED_16,
      .passes_mask = TRUE, .name = "ColossalChat",
      .source = "ColossalAI 4f9953be: applications/ColossalChat/coati/trainer, "
                "colossalai/zero/low_level/low_level_optim.py, colossalai/nn/optimizer/hybrid_adam.py" } },
};

/*
 * hr_training_profile_get:
 * @framework: a framework
 *
 * Gets what a framework does.
 *
 * Returns: (transfer none) (nullable): its profile, or %NULL if it is not known
 */
const HrTrainingProfile *
hr_training_profile_get (HrTrainingFramework framework)
{
  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    {
      if (profiles[i].framework == framework)
        return &profiles[i].profile;
    }

  return NULL;
}

/*
 * hr_training_profile_get_implementation:
 * @self: (nullable): a profile
 * @optimizer: an optimizer
 * @setting: what is asked for
 *
 * Gets what "auto" comes to: torch's foreach kernels step parameters on a GPU (_default_to_fused_or_foreach in
 * torch/optim/optimizer.py), unless the framework asks for others.
 *
 * Returns: the implementation
 */
HrOptimizerImplementation
hr_training_profile_get_implementation (const HrTrainingProfile   *self,
                                        HrOptimizerKind            optimizer,
                                        HrOptimizerImplementation  setting)
{
  if (setting != HR_OPTIMIZER_IMPLEMENTATION_AUTO)
    return setting;

  return self != NULL && optimizer == HR_OPTIMIZER_KIND_ADAMW ? self->implementation
                                                              : HR_OPTIMIZER_IMPLEMENTATION_FOREACH;
}
