/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-job-private.h"

#define MAX_VALUES 16

/*
 * Settings that say something only while another setting has one of some values, or not the one behind a “!”; or else
 * the one of the row before.
 */
static const struct
{
  const char *setting;
  const char *other;
  const char *values[MAX_VALUES];
  gboolean is_alternative;
} uses[] = {
  { "lora-rank", "fine-tuning-method",
    { "lora", "qlora", "rslora", "dora", "lora-plus", "pissa", "lora-fa", "vera", "adalora", "loha", "lokr" } },
  { "lora-targets", "fine-tuning-method",
    { "lora", "qlora", "rslora", "dora", "lora-plus", "pissa", "lora-fa", "vera", "adalora", "loha", "lokr" } },
  { "modules-to-save", "fine-tuning-method",
    { "lora", "qlora", "rslora", "dora", "lora-plus", "pissa", "lora-fa", "vera", "adalora", "loha", "lokr", "ia3" } },
  { "lora-alpha", "fine-tuning-method",
    { "lora", "qlora", "rslora", "dora", "lora-plus", "pissa", "lora-fa", "adalora", "loha", "lokr" } },
  { "lora-dropout", "fine-tuning-method",
    { "lora", "qlora", "rslora", "dora", "lora-plus", "pissa", "lora-fa", "vera", "adalora" } },
  { "lokr-factor", "fine-tuning-method", { "lokr" } },
  { "lokr-decompose-both", "fine-tuning-method", { "lokr" } },
  { "reduction-factor", "fine-tuning-method", { "houlsby" } },
  { "trained-layers", "fine-tuning-method", { "freeze" } },
  { "frozen-parts", "fine-tuning-method", { "full" } },
  { "virtual-tokens", "fine-tuning-method", { "prefix", "p-tuning", "prompt" } },
  { "ia3-targets", "fine-tuning-method", { "ia3" } },
  { "ia3-feedforward", "fine-tuning-method", { "ia3" } },
  { "adapter-dtype", "fine-tuning-method",
    { "lora", "qlora", "rslora", "dora", "lora-plus", "pissa", "lora-fa", "vera", "adalora", "loha", "lokr", "prefix",
      "p-tuning", "prompt", "ia3", "houlsby" } },
  { "upcast-unquantized", "fine-tuning-method", { "lora", "qlora", "rslora", "lora-plus", "pissa", "lora-fa" } },
  { "int8-outliers", "quantization", { "bnb-int8" } },
  { "gptq-kernel", "quantization", { "gptq-int8", "gptq-int4", "gptq-int3", "gptq-int2" } },
  { "reentrant-checkpointing", "gradient-checkpointing", { "full", "selective" } },
  { "selective-checkpointing", "gradient-checkpointing", { "selective" } },
  { "checkpointing-layers", "gradient-checkpointing", { "selective" } },
  { "checkpointing-layers", "selective-checkpointing", { "every-nth", "first" } },
  { "layers-per-checkpoint", "gradient-checkpointing", { "full" } },
  { "layers-per-checkpoint", "framework", { "megatron-lm" } },
  { "distribute-checkpoints", "gradient-checkpointing", { "full" } },
  { "distribute-checkpoints", "framework", { "megatron-lm" } },
  { "fp8-backend", "fp8-recipe", { "tensorwise", "rowwise", "rowwise-with-gw-hp", "delayed" } },
  { "optimizer-implementation", "optimizer", { "adamw", "adam", "sgd", "sgd-momentum", "adafactor" } },
  { "example-length", "packing", { "padding-free", "bfd" } },
  { "fsdp", "framework", { "transformers", "trl", "torchtitan" } },
  { "fsdp-version", "framework", { "transformers", "trl" } },
  { "fsdp-version", "fsdp", { "full-shard", "shard-grad-op", "hybrid-shard" } },
  { "data-parallel-replicas", "fsdp", { "hybrid-shard" } },
  { "data-parallel-replicas", "framework", { "torchtitan" }, TRUE },
  { "fsdp-backward-prefetch", "framework", { "transformers", "trl" } },
  { "fsdp-backward-prefetch", "fsdp", { "full-shard", "shard-grad-op", "hybrid-shard" } },
  { "fsdp-backward-prefetch", "fsdp-version", { "1" } },
  { "fsdp-use-orig-params", "framework", { "transformers", "trl" } },
  { "fsdp-use-orig-params", "fsdp", { "full-shard", "shard-grad-op", "hybrid-shard" } },
  { "fsdp-use-orig-params", "fsdp-version", { "1" } },
  { "reduce-bucket-size", "framework", { "deepspeed", "transformers", "trl" } },
  { "reduce-bucket-size", "zero-stage", { "1", "2", "3" } },
  { "overlap-comm", "framework", { "deepspeed", "transformers", "trl" } },
  { "overlap-comm", "zero-stage", { "1", "2", "3" } },
  { "contiguous-gradients", "framework", { "deepspeed", "transformers", "trl" } },
  { "contiguous-gradients", "zero-stage", { "1", "2", "3" } },
  { "stage3-prefetch-bucket-size", "framework", { "deepspeed", "transformers", "trl" } },
  { "stage3-prefetch-bucket-size", "zero-stage", { "3" } },
  { "stage3-max-live-parameters", "framework", { "deepspeed", "transformers", "trl" } },
  { "stage3-max-live-parameters", "zero-stage", { "3" } },
  { "stage3-max-reuse-distance", "framework", { "deepspeed", "transformers", "trl" } },
  { "stage3-max-reuse-distance", "zero-stage", { "3" } },
  { "stage3-param-persistence-threshold", "framework", { "deepspeed", "transformers", "trl" } },
  { "stage3-param-persistence-threshold", "zero-stage", { "3" } },
  { "sub-group-size", "framework", { "deepspeed", "transformers", "trl" } },
  { "sub-group-size", "zero-stage", { "3" } },
  { "parameter-offload", "fsdp", { "full-shard", "shard-grad-op", "hybrid-shard" } },
  { "parameter-offload", "zero-stage", { "3" }, TRUE },
  { "optimizer-offload", "framework", { "deepspeed", "transformers", "trl", "colossalai" } },
  { "optimizer-offload", "zero-stage", { "1", "2", "3" } },
  { "optimizer-offload", "framework", { "colossalai" }, TRUE },
  { "pipeline-schedule", "framework", { "megatron-lm", "pytorch", "torchtitan" } },
  { "virtual-pipeline-parallel", "framework", { "megatron-lm", "pytorch", "torchtitan" } },
  { "ulysses-parallel", "framework", { "megatron-lm" } },
  { "first-stage-layers", "framework", { "megatron-lm" } },
  { "last-stage-layers", "framework", { "megatron-lm" } },
  { "count-embedding-as-layer", "framework", { "megatron-lm", "torchtitan" } },
  { "count-loss-as-layer", "framework", { "megatron-lm", "torchtitan" } },
  { "micro-batch-group-size", "framework", { "megatron-lm" } },
  { "deferred-head-gradients", "framework", { "megatron-lm" } },
  { "mtp-num-layers", "framework", { "megatron-lm" } },
  { "expert-tensor-parallel", "framework", { "megatron-lm" } },
  { "moe-dispatcher", "framework", { "megatron-lm" } },
  { "expert-capacity-factor", "framework", { "megatron-lm" } },
  { "pad-to-capacity", "framework", { "megatron-lm" } },
  { "moe-grouped-gemm", "framework", { "megatron-lm" } },
  { "gpus-per-node", "zero-quantized-gradients", { "true" } },
  { "zero-quantized-gradients", "framework", { "deepspeed", "transformers", "trl" } },
  { "zero-quantized-gradients", "zero-stage", { "3" } },
  { "zero-quantized-weights", "framework", { "deepspeed", "transformers", "trl" } },
  { "zero-quantized-weights", "zero-stage", { "3" } },
  { "zero-hpz-partition-size", "framework", { "deepspeed", "transformers", "trl" } },
  { "zero-hpz-partition-size", "zero-stage", { "3" } },
  { "rule-of-thumb", "framework", { "megatron-lm" } },
  { "trl-release", "framework", { "trl" } },
  { "autocast", "precision-recipe", { "custom", "autocast" } },
  { "master-dtype", "precision-recipe", { "custom" } },
  { "gradient-dtype", "precision-recipe", { "custom" } },
  { "kv-cache-dtype", "use-cache", { "true" } },
  { "kv-cache-dtype", "engine",
    { "transformers", "llama.cpp", "ollama", "vllm", "sglang", "lmdeploy", "tensorrt-llm" } },
  { "state-dtype", "engine", { "vllm", "sglang" } },
  { "beams", "engine", { "transformers" } },
  { "use-cache", "engine", { "transformers" } },
  { "logits-to-keep", "engine", { "transformers" } },
  { "attention", "engine", { "transformers" } },
  { "attention-mask", "engine", { "transformers" } },
  { "data-parallel", "engine", { "transformers", "vllm", "sglang", "lmdeploy" } },
  { "tensor-parallel", "engine", { "transformers", "vllm", "sglang", "lmdeploy", "tensorrt-llm" } },
  { "pipeline-parallel", "engine", { "transformers", "vllm", "sglang", "tensorrt-llm" } },
  { "context-parallel", "engine", { "transformers" } },
  { "expert-parallel", "engine", { "transformers", "vllm", "sglang", "lmdeploy", "tensorrt-llm" } },
  { "max-model-len", "engine", { "llama.cpp", "ollama", "vllm", "sglang", "lmdeploy", "tensorrt-llm", "exllama" } },
  { "max-num-seqs", "engine", { "llama.cpp", "ollama", "vllm", "sglang", "lmdeploy", "tensorrt-llm", "exllama" } },
  { "max-num-batched-tokens", "engine",
    { "llama.cpp", "ollama", "vllm", "sglang", "lmdeploy", "tensorrt-llm", "mlx", "exllama" } },
  { "gpu-layers", "engine", { "llama.cpp", "ollama" } },
  { "n-cpu-moe", "engine", { "llama.cpp", "exllama" } },
  { "n-cpu-ffn", "engine", { "llama.cpp" } },
  { "override-tensor", "engine", { "llama.cpp" } },
  { "tensor-types", "engine", { "llama.cpp", "ollama" } },
  { "op-offload", "engine", { "llama.cpp" } },
  { "gpu-overhead", "engine", { "ollama" } },
  { "gpu-overhead", "max-model-len", { "0" } },
  { "sched-spread", "engine", { "ollama" } },
  { "fit", "engine", { "llama.cpp" } },
  { "fit-target", "engine", { "llama.cpp", "ollama" } },
  { "fit-target", "fit", { "true" } },
  { "fit-target", "engine", { "ollama" }, TRUE },
  { "fit-ctx", "engine", { "llama.cpp" } },
  { "fit-ctx", "fit", { "true" } },
  { "split-mode", "engine", { "llama.cpp" } },
  { "tensor-split", "engine", { "llama.cpp" } },
  { "tensor-split", "split-mode", { "layer" } },
  { "flash-attention", "engine", { "llama.cpp", "ollama" } },
  { "cache-type-k", "engine", { "llama.cpp", "ollama" } },
  { "cache-type-v", "engine", { "llama.cpp" } },
  { "kv-unified", "engine", { "llama.cpp" } },
  { "kv-offload", "engine", { "llama.cpp" } },
  { "swa-full", "engine", { "llama.cpp" } },
  { "draft-model", "engine", { "llama.cpp", "vllm", "sglang" } },
  { "mmproj", "engine", { "llama.cpp" } },
  { "mmproj-offload", "engine", { "llama.cpp" } },
  { "mmproj-offload", "mmproj", { "!none" } },
  { "image-max-tokens", "engine", { "llama.cpp" } },
  { "image-max-tokens", "mmproj", { "!none" } },
  { "draft-quantization", "engine", { "llama.cpp", "vllm", "sglang" } },
  { "draft-quantization", "draft-model", { "!none" } },
  { "draft-gpu-layers", "engine", { "llama.cpp" } },
  { "draft-gpu-layers", "draft-model", { "!none" } },
  { "draft-cache-type-k", "engine", { "llama.cpp" } },
  { "draft-cache-type-k", "draft-model", { "!none" } },
  { "draft-cache-type-v", "engine", { "llama.cpp" } },
  { "draft-cache-type-v", "draft-model", { "!none" } },
  { "draft-batched-tokens", "engine", { "llama.cpp" } },
  { "draft-batched-tokens", "draft-model", { "!none" } },
  { "llama-release", "engine", { "llama.cpp" } },
  { "gpu-memory-utilization", "engine", { "vllm" } },
  { "gpu-memory-utilization", "kv-cache-memory", { "0" } },
  { "kv-cache-memory", "engine", { "vllm" } },
  { "num-gpu-blocks-override", "engine", { "vllm" } },
  { "block-size", "engine", { "vllm", "sglang", "lmdeploy", "tensorrt-llm" } },
  { "max-loras", "engine", { "vllm", "sglang" } },
  { "max-lora-rank", "engine", { "vllm", "sglang" } },
  { "num-speculative-tokens", "engine", { "vllm", "sglang" } },
  { "speculative-eagle-topk", "engine", { "sglang" } },
  { "speculative-num-draft-tokens", "engine", { "sglang" } },
  { "enforce-eager", "engine", { "vllm", "sglang", "lmdeploy", "tensorrt-llm" } },
  { "vllm-release", "engine", { "vllm" } },
  { "ngram-speculation", "engine", { "vllm" } },
  { "ngram-speculation", "num-speculative-tokens", { "!0" } },
  { "ngram-speculation", "draft-model", { "none" } },
  { "language-model-only", "engine", { "vllm" } },
  { "skip-mm-profiling", "engine", { "vllm" } },
  { "skip-mm-profiling", "language-model-only", { "false" } },
  { "mm-encoder-data-parallel", "engine", { "vllm" } },
  { "mm-encoder-data-parallel", "language-model-only", { "false" } },
  { "mm-encoder-data-parallel", "tensor-parallel", { "!1" } },
  { "chunked-prefill", "engine", { "vllm" } },
  { "cpu-offload-gb", "engine", { "vllm", "sglang" } },
  { "max-mamba-cache-size", "engine", { "sglang" } },
  { "mm-max-pixels", "engine", { "vllm" } },
  { "mm-max-pixels", "language-model-only", { "false" } },
  { "mm-max-pixels", "skip-mm-profiling", { "false" } },
  { "mem-fraction-static", "engine", { "sglang" } },
  { "max-total-tokens", "engine", { "sglang", "tensorrt-llm", "exllama" } },
  { "cuda-graph-max-bs", "engine", { "vllm", "sglang" } },
  { "cuda-graph-max-bs", "enforce-eager", { "false" } },
  { "dp-attention", "engine", { "sglang" } },
  { "sglang-release", "engine", { "sglang" } },
  { "kt-method", "engine", { "sglang" } },
  { "kt-num-gpu-experts", "engine", { "sglang" } },
  { "kt-num-gpu-experts", "kt-method", { "!none" } },
  { "kt-gpu-prefill-token-threshold", "engine", { "sglang" } },
  { "kt-gpu-prefill-token-threshold", "kt-method", { "!none" } },
  { "cache-max-entry-count", "engine", { "lmdeploy" } },
  { "lmdeploy-backend", "engine", { "lmdeploy" } },
  { "lmdeploy-release", "engine", { "lmdeploy" } },
  { "free-gpu-memory-fraction", "engine", { "tensorrt-llm" } },
  { "mlx-group-size", "engine", { "mlx" } },
  { "kv-bits", "engine", { "mlx" } },
  { "kv-group-size", "engine", { "mlx" } },
  { "quantized-kv-start", "engine", { "mlx" } },
  { "max-kv-size", "engine", { "mlx" } },
  { "prompt-cache-size", "engine", { "mlx" } },
  { "bits-per-weight", "engine", { "exllama" } },
  { "head-bits", "engine", { "exllama" } },
  { "cache-mode", "engine", { "exllama" } },
  { "autosplit-reserve", "engine", { "exllama" } },
  { "exllama-release", "engine", { "exllama" } },
  { "num-generations", "algorithm", { "grpo", "dr-grpo", "dapo", "gspo", "rloo" } },
  { "completion-length", "algorithm", { "grpo", "dr-grpo", "dapo", "gspo", "rloo", "online-dpo", "ppo" } },
  { "rollout", "algorithm", { "grpo", "dr-grpo", "dapo", "gspo", "rloo", "online-dpo" } },
  { "num-iterations", "algorithm", { "grpo", "dr-grpo", "dapo", "gspo", "rloo", "ppo" } },
  { "steps-per-generation", "algorithm", { "grpo", "dr-grpo", "dapo", "gspo", "rloo" } },
  { "gpu-memory-utilization", "algorithm", { "grpo", "dr-grpo", "dapo", "gspo", "rloo", "online-dpo" } },
  { "gpu-memory-utilization", "rollout", { "vllm-colocated" } },
  { "rollout-sleep", "algorithm", { "grpo", "dr-grpo", "dapo", "gspo", "rloo", "online-dpo" } },
  { "rollout-sleep", "rollout", { "vllm-colocated" } },
  { "reference-model", "algorithm",
    { "dpo", "ipo", "kto", "grpo", "dr-grpo", "dapo", "gspo", "rloo", "online-dpo" } },
  { "value-model", "algorithm", { "ppo" } },
  { "reward-model", "algorithm", { "ppo" } },
  { "value-model-path", "algorithm", { "ppo" } },
  { "value-model-path", "value-model", { "full", "lora", "head" } },
  { "reward-model-path", "algorithm", { "ppo" } },
  { "reward-model-path", "reward-model", { "own" } },
  { "rollout-batch-size", "algorithm", { "ppo" } },
  { "log-prob-micro-batch-size", "framework", { "verl", "openrlhf" } },
  { "num-mini-batches", "algorithm", { "ppo" } },
  { "sequence-length", "algorithm", { "sft", "dpo", "ipo", "kto", "orpo", "simpo", "reward" } },
};

/* Whether the setting that a row names has one of its values. */
static gboolean
is_met (HrJob *self,
        guint  index)
{
  g_autofree char *value = hr_job_get_as_string (self, uses[index].other);

  if (uses[index].values[0][0] == '!')
    return !g_str_equal (value, uses[index].values[0] + 1);

  return g_strv_contains (uses[index].values, value);
}

/* What all kinds of jobs have in common. */
gboolean
hr_job_real_uses_setting (HrJob       *self,
                          GParamSpec  *setting,
                          GParamSpec **because)
{
  for (guint i = 0; i < G_N_ELEMENTS (uses); i++)
    {
      GParamSpec *other = g_object_class_find_property (G_OBJECT_GET_CLASS (self), uses[i].other);
      guint next = i + 1;

      if (!g_str_equal (uses[i].setting, setting->name) || other == NULL || uses[i].is_alternative || is_met (self, i))
        continue;
      if (next < G_N_ELEMENTS (uses) && uses[next].is_alternative && is_met (self, next))
        continue;

      if (because != NULL)
        *because = other;
      return FALSE;
    }

  return TRUE;
}

/**
 * hr_job_uses_setting:
 * @self: a job
 * @setting: one of its settings
 * @because: (out) (optional) (nullable) (transfer none): the setting whose value makes @setting say nothing
 *
 * Finds out whether a setting says anything, as the others are.
 *
 * Returns: whether it does
 */
gboolean
hr_job_uses_setting (HrJob       *self,
                     GParamSpec  *setting,
                     GParamSpec **because)
{
  g_return_val_if_fail (HR_IS_JOB (self), FALSE);
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), FALSE);

  if (because != NULL)
    *because = NULL;

  return HR_JOB_GET_CLASS (self)->uses_setting (self, setting, because);
}
