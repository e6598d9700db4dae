/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-labels.h"

#include <glib/gi18n-lib.h>

#include "hr-units.h"

#include "hr-base-enums.h"
#include "hr-inference-job.h"
#include "hr-job-enums.h"
#include "hr-training-job.h"
#include "hr-training-profile.h"

static const struct
{
  const char *label;
  const char *description;
} component_texts[] = {
  [HR_COMPONENT_WEIGHTS] = {
    N_("Weights"),
    N_("The parameters of the model, each tensor in the type it is stored in, and its buffers. A matrix that two "
       "layers share is held once. Quantization shrinks the matrices it touches and adds its scales; the rest stays "
       "as it was loaded."),
  },
  [HR_COMPONENT_ADAPTERS] = {
    N_("Adapters"),
    N_("The small matrices that are trained beside the frozen weights, such as those of LoRA."),
  },
  [HR_COMPONENT_KV_CACHE] = {
    N_("KV cache"),
    N_("The keys and values of every token so far, kept for each layer so that a new token need not read the whole "
       "sequence again. It grows with the batch and the length; layers with a sliding window stop growing at the "
       "window."),
  },
  [HR_COMPONENT_ACTIVATIONS] = {
    N_("Activations"),
    N_("What the layers compute on their way: the hidden states, queries, keys and values, the attention, the "
       "inside of the feed-forward blocks. While generating, only the buffers of one layer are alive at a time; "
       "while training, those that the way back needs stay."),
  },
  [HR_COMPONENT_LOGITS] = {
    N_("Logits"),
    N_("A score for each word of the vocabulary, for each position that is asked for, with the copies that are made "
       "of it. A large vocabulary makes these large."),
  },
  [HR_COMPONENT_GRADIENTS] = {
    N_("Gradients"),
    N_("The derivative of the loss for each parameter that is trained."),
  },
  [HR_COMPONENT_OPTIMIZER] = {
    N_("Optimizer states"),
    N_("What the optimizer remembers of each parameter that is trained; Adam keeps two numbers for each."),
  },
  [HR_COMPONENT_MASTER_WEIGHTS] = {
    N_("Master weights"),
    N_("A second copy of the parameters in single precision, on which the optimizer works in mixed-precision "
       "training."),
  },
  [HR_COMPONENT_REFERENCE_MODEL] = {
    N_("Reference model"),
    N_("The frozen copy of the model that the trained one is compared with."),
  },
  [HR_COMPONENT_VALUE_MODEL] = {
    N_("Value model"),
    N_("The model that foresees how an answer will be rewarded. It is trained beside the policy."),
  },
  [HR_COMPONENT_REWARD_MODEL] = {
    N_("Reward model"),
    N_("The model that scores the answers. It is not trained."),
  },
  [HR_COMPONENT_ROLLOUT_ENGINE] = {
    N_("Rollout engine"),
    N_("What vLLM takes on the same GPU to answer the prompts: its own copy of the weights, its KV cache and what it "
       "computes in, together the share of the memory that it was given."),
  },
  [HR_COMPONENT_TEMPORARY] = {
    N_("Temporary buffers"),
    N_("What single operations need while they run and give back at once."),
  },
  [HR_COMPONENT_COMMUNICATION] = {
    N_("Communication"),
    N_("Buffers through which the GPUs exchange data."),
  },
  [HR_COMPONENT_CUDA_GRAPHS] = {
    N_("CUDA graphs"),
    N_("What recorded sequences of kernels hold so that they can be replayed without the CPU."),
  },
  [HR_COMPONENT_INPUTS] = {
    N_("Inputs"),
    N_("The batch itself: token ids, positions and masks."),
  },
  [HR_COMPONENT_FRAMEWORK] = {
    N_("CUDA context"),
    N_("What the driver and the libraries take on the device before the first tensor exists: the CUDA context, "
       "kernels and workspaces. PyTorch does not count it, the driver does."),
  },
  [HR_COMPONENT_FRAGMENTATION] = {
    N_("Fragmentation"),
    N_("What the caching allocator has taken from the device beyond what is in use: rounding and gaps between "
       "blocks."),
  },
  [HR_COMPONENT_RESERVE] = {
    N_("Kept free"),
    N_("A buffer of your own, which is to stay free on each GPU: the setting “Memory to keep free”. Where the share of "
       "the memory that vLLM is given is too small, the rest of the GPU’s memory, which it leaves alone."),
  },
};

G_STATIC_ASSERT (G_N_ELEMENTS (component_texts) == HR_N_COMPONENTS);

static const struct
{
  const char *label;
  const char *description;
} phase_texts[] = {
  [HR_PHASE_LOAD] = { N_("Load"), N_("The weights are put on the device") },
  [HR_PHASE_PREFILL] = { N_("Prefill"), N_("The layers read the whole prompt at once and fill the cache") },
  [HR_PHASE_HEAD] = { N_("Output head"), N_("The logits of the prompt are computed") },
  [HR_PHASE_DECODE] = { N_("Decode"), N_("The answer is generated, a token at a time") },
  [HR_PHASE_GENERATION] = { N_("Generation"), N_("The model answers the prompts") },
  [HR_PHASE_OLD_POLICY] = { N_("Old policy"), N_("The model that wrote the answers reads them, without gradients") },
  [HR_PHASE_REFERENCE] = { N_("Reference"), N_("The model as it was at the start reads the answers") },
  [HR_PHASE_VALUE] = { N_("Value model"), N_("The value model reads the answers, without gradients") },
  [HR_PHASE_REWARD] = { N_("Reward model"), N_("The reward model scores the answers") },
  [HR_PHASE_FORWARD] = { N_("Forward"), N_("The layers compute, and keep what the backward pass needs") },
  [HR_PHASE_LOSS] = { N_("Loss"), N_("The logits are turned into the loss") },
  [HR_PHASE_BACKWARD_LOSS] = { N_("Backward, loss"), N_("The gradient flows back through loss and output head") },
  [HR_PHASE_BACKWARD] = { N_("Backward, layers"), N_("The gradient flows back through the layers") },
  [HR_PHASE_OPTIMIZER] = { N_("Optimizer step"), N_("The parameters are updated") },
  [HR_PHASE_STATISTICS] = { N_("Statistics"), N_("What the log says of the step is computed") },
};

G_STATIC_ASSERT (G_N_ELEMENTS (phase_texts) == HR_N_PHASES);

static const char * const part_labels[] = {
  [HR_PART_EMBEDDING] = NC_("part of a model", "Embedding"),
  [HR_PART_ATTENTION] = NC_("part of a model", "Attention"),
  [HR_PART_MLP] = NC_("part of a model", "Feed-forward"),
  [HR_PART_STATE_SPACE] = NC_("part of a model", "State space"),
  [HR_PART_NORM] = NC_("part of a model", "Norms"),
  [HR_PART_OUTPUT] = NC_("part of a model", "Output head"),
  [HR_PART_VISION] = NC_("part of a model", "Vision"),
  [HR_PART_AUDIO] = NC_("part of a model", "Audio"),
  [HR_PART_PROJECTOR] = NC_("part of a model", "Projector"),
  [HR_PART_SPEECH] = NC_("part of a model", "Speech"),
  [HR_PART_OTHER] = NC_("part of a model", "Other"),
};

G_STATIC_ASSERT (G_N_ELEMENTS (part_labels) == HR_N_PARTS);

static const char * const medium_labels[] = {
  [HR_MEDIUM_IMAGE] = N_("Image"),
  [HR_MEDIUM_AUDIO] = N_("Sound"),
  [HR_MEDIUM_VIDEO] = N_("Video"),
};

G_STATIC_ASSERT (G_N_ELEMENTS (medium_labels) == HR_N_MEDIUM_KINDS);

static const char * const group_labels[] = {
  [HR_SETTING_GROUP_METHOD] = N_("Settings"),
  [HR_SETTING_GROUP_PRECISION] = N_("Precision"),
  [HR_SETTING_GROUP_BATCH] = N_("Batch and Length"),
  [HR_SETTING_GROUP_SAVERS] = N_("Memory Savers"),
  [HR_SETTING_GROUP_OPTIMIZER] = N_("Optimizer"),
  [HR_SETTING_GROUP_PARALLEL] = N_("Many GPUs"),
  [HR_SETTING_GROUP_EXPERT] = N_("Expert settings"),
};

G_STATIC_ASSERT (G_N_ELEMENTS (group_labels) == HR_N_SETTING_GROUPS);

static const char * const mode_labels[] = {
  [HR_MODE_INFERENCE] = N_("Inference"),
  [HR_MODE_FINE_TUNING] = N_("Fine-tuning"),
  [HR_MODE_TRAINING] = N_("Training"),
  [HR_MODE_GRPO] = "GRPO",
  [HR_MODE_MULTIMODAL] = N_("Multimodal"),
};

static const char * const multimodal_task_labels[] = {
  [HR_MULTIMODAL_TASK_INFERENCE] = N_("Inference"),
  [HR_MULTIMODAL_TASK_FINE_TUNING] = N_("Fine-tuning"),
};

static const char * const dtype_labels[] = {
  /* Translators: a choice of a setting: Headroom finds the value */
  [HR_DTYPE_AUTO] = N_("Automatic"),
  [HR_DTYPE_FLOAT64] = "FP64",
  [HR_DTYPE_FLOAT32] = "FP32",
  [HR_DTYPE_FLOAT16] = "FP16",
  [HR_DTYPE_BFLOAT16] = "BF16",
  [HR_DTYPE_FLOAT8] = "FP8",
  [HR_DTYPE_INT8] = "INT8",
  [HR_DTYPE_INT4] = "INT4",
};

static const char * const quantization_labels[] = {
  [HR_QUANTIZATION_AUTO] = N_("Automatic"),
  /* Translators: a choice of the setting “Quantization”: the weights are not quantized */
  [HR_QUANTIZATION_NONE] = N_("None"),
  [HR_QUANTIZATION_BNB_INT8] = N_("INT8 (bitsandbytes)"),
  [HR_QUANTIZATION_BNB_NF4] = N_("NF4 (bitsandbytes)"),
  [HR_QUANTIZATION_BNB_NF4_DQ] = N_("NF4, double-quantized (bitsandbytes)"),
  [HR_QUANTIZATION_BNB_FP4] = N_("FP4 (bitsandbytes)"),
  [HR_QUANTIZATION_BNB_FP4_DQ] = N_("FP4, double-quantized (bitsandbytes)"),
  [HR_QUANTIZATION_GPTQ_INT8] = "GPTQ INT8",
  [HR_QUANTIZATION_GPTQ_INT4] = "GPTQ INT4",
  [HR_QUANTIZATION_GPTQ_INT3] = "GPTQ INT3",
  [HR_QUANTIZATION_GPTQ_INT2] = "GPTQ INT2",
  [HR_QUANTIZATION_AWQ_INT4] = "AWQ INT4",
  [HR_QUANTIZATION_FP8] = N_("FP8, scales by block"),
  [HR_QUANTIZATION_FP8_CHANNEL] = N_("FP8, scales by row"),
  [HR_QUANTIZATION_FP8_TENSOR] = N_("FP8, one scale per matrix"),
  [HR_QUANTIZATION_MXFP8] = "MXFP8",
  [HR_QUANTIZATION_W8A8_INT8] = "INT8 W8A8 (compressed-tensors)",
  [HR_QUANTIZATION_W8A16_INT8] = "INT8 W8A16 (compressed-tensors)",
  [HR_QUANTIZATION_W4A16_INT4] = "INT4 W4A16 (compressed-tensors)",
  [HR_QUANTIZATION_MXFP4] = "MXFP4",
  [HR_QUANTIZATION_NVFP4] = "NVFP4",
  [HR_QUANTIZATION_HQQ_INT8] = "HQQ INT8",
  [HR_QUANTIZATION_HQQ_INT4] = "HQQ INT4",
  [HR_QUANTIZATION_HQQ_INT3] = "HQQ INT3",
  [HR_QUANTIZATION_HQQ_INT2] = "HQQ INT2",
  [HR_QUANTIZATION_HQQ_INT1] = "HQQ INT1",
  [HR_QUANTIZATION_QUANTO_INT8] = "quanto INT8",
  [HR_QUANTIZATION_QUANTO_FLOAT8] = "quanto FP8",
  [HR_QUANTIZATION_QUANTO_INT4] = "quanto INT4",
  [HR_QUANTIZATION_QUANTO_INT2] = "quanto INT2",
  [HR_QUANTIZATION_EETQ_INT8] = "EETQ INT8",
  [HR_QUANTIZATION_TORCHAO_INT8] = "torchao INT8",
  [HR_QUANTIZATION_TORCHAO_FLOAT8] = "torchao FP8",
  [HR_QUANTIZATION_TORCHAO_INT4] = "torchao INT4",
  [HR_QUANTIZATION_AQLM_INT2] = "AQLM, 2 bit",
  [HR_QUANTIZATION_BITNET] = "BitNet b1.58",
  [HR_QUANTIZATION_MLX_INT8] = "MLX INT8",
  [HR_QUANTIZATION_MLX_INT6] = "MLX INT6",
  [HR_QUANTIZATION_MLX_INT5] = "MLX INT5",
  [HR_QUANTIZATION_MLX_INT4] = "MLX INT4",
  [HR_QUANTIZATION_MLX_INT3] = "MLX INT3",
  [HR_QUANTIZATION_MLX_INT2] = "MLX INT2",
  [HR_QUANTIZATION_MLX_MXFP8] = "MLX MXFP8",
  [HR_QUANTIZATION_MLX_MXFP4] = "MLX MXFP4",
  [HR_QUANTIZATION_MLX_NVFP4] = "MLX NVFP4",
  [HR_QUANTIZATION_EXL3] = "EXL3",
  [HR_QUANTIZATION_Q8_0] = "Q8_0 (GGUF)",
  [HR_QUANTIZATION_Q6_K] = "Q6_K (GGUF)",
  [HR_QUANTIZATION_Q5_K_M] = "Q5_K_M (GGUF)",
  [HR_QUANTIZATION_Q5_K_S] = "Q5_K_S (GGUF)",
  [HR_QUANTIZATION_Q5_1] = "Q5_1 (GGUF)",
  [HR_QUANTIZATION_Q5_0] = "Q5_0 (GGUF)",
  [HR_QUANTIZATION_Q4_K_M] = "Q4_K_M (GGUF)",
  [HR_QUANTIZATION_Q4_K_S] = "Q4_K_S (GGUF)",
  [HR_QUANTIZATION_IQ4_NL] = "IQ4_NL (GGUF)",
  [HR_QUANTIZATION_IQ4_XS] = "IQ4_XS (GGUF)",
  [HR_QUANTIZATION_Q4_1] = "Q4_1 (GGUF)",
  [HR_QUANTIZATION_Q4_0] = "Q4_0 (GGUF)",
  [HR_QUANTIZATION_MXFP4_MOE] = "MXFP4 MoE (GGUF)",
  [HR_QUANTIZATION_NVFP4_GGUF] = "NVFP4 (GGUF)",
  [HR_QUANTIZATION_Q3_K_L] = "Q3_K_L (GGUF)",
  [HR_QUANTIZATION_Q3_K_M] = "Q3_K_M (GGUF)",
  [HR_QUANTIZATION_Q3_K_S] = "Q3_K_S (GGUF)",
  [HR_QUANTIZATION_IQ3_M] = "IQ3_M (GGUF)",
  [HR_QUANTIZATION_IQ3_S] = "IQ3_S (GGUF)",
  [HR_QUANTIZATION_IQ3_XS] = "IQ3_XS (GGUF)",
  [HR_QUANTIZATION_IQ3_XXS] = "IQ3_XXS (GGUF)",
  [HR_QUANTIZATION_Q2_K] = "Q2_K (GGUF)",
  [HR_QUANTIZATION_Q2_K_S] = "Q2_K_S (GGUF)",
  [HR_QUANTIZATION_Q2_0] = "Q2_0 (GGUF)",
  [HR_QUANTIZATION_IQ2_M] = "IQ2_M (GGUF)",
  [HR_QUANTIZATION_IQ2_S] = "IQ2_S (GGUF)",
  [HR_QUANTIZATION_IQ2_XS] = "IQ2_XS (GGUF)",
  [HR_QUANTIZATION_IQ2_XXS] = "IQ2_XXS (GGUF)",
  [HR_QUANTIZATION_TQ2_0] = "TQ2_0 (GGUF)",
  [HR_QUANTIZATION_TQ1_0] = "TQ1_0 (GGUF)",
  [HR_QUANTIZATION_IQ1_M] = "IQ1_M (GGUF)",
  [HR_QUANTIZATION_IQ1_S] = "IQ1_S (GGUF)",
  [HR_QUANTIZATION_Q1_0] = "Q1_0 (GGUF)",
  [HR_QUANTIZATION_BF16] = "BF16 (GGUF)",
  [HR_QUANTIZATION_F16] = "F16 (GGUF)",
  [HR_QUANTIZATION_F32] = "F32 (GGUF)",
};

static const char * const method_labels[] = {
  /* Translators: a way to estimate */
  [HR_ESTIMATE_METHOD_EXACT] = N_("Exact"),
  /* Translators: a way to estimate: the formulas that people know by heart */
  [HR_ESTIMATE_METHOD_RULE_OF_THUMB] = N_("Rule of thumb"),
};

static const char * const attention_labels[] = {
  [HR_ATTENTION_IMPLEMENTATION_EAGER] = N_("Eager"),
  [HR_ATTENTION_IMPLEMENTATION_SDPA] = N_("SDPA (PyTorch)"),
  [HR_ATTENTION_IMPLEMENTATION_SDPA_EFFICIENT] = N_("SDPA, memory-efficient kernel"),
  [HR_ATTENTION_IMPLEMENTATION_SDPA_MATH] = N_("SDPA, math fallback"),
  [HR_ATTENTION_IMPLEMENTATION_FLASH] = N_("FlashAttention (flash-attn)"),
};

static const char * const attention_mask_labels[] = {
  [HR_ATTENTION_MASK_NONE] = N_("No mask"),
  [HR_ATTENTION_MASK_ONES] = N_("Mask without padding"),
  [HR_ATTENTION_MASK_PADDED] = N_("Padded batch"),
};

static const char * const engine_labels[] = {
  [HR_ENGINE_TRANSFORMERS] = "Transformers (Hugging Face)",
  [HR_ENGINE_LLAMA_CPP] = "llama.cpp",
  [HR_ENGINE_VLLM] = "vLLM",
  [HR_ENGINE_OLLAMA] = "Ollama",
  [HR_ENGINE_SGLANG] = "SGLang",
  [HR_ENGINE_LMDEPLOY] = "LMDeploy",
  [HR_ENGINE_TENSORRT_LLM] = "TensorRT-LLM",
  [HR_ENGINE_MLX] = "MLX (mlx-lm)",
  [HR_ENGINE_EXLLAMA] = "ExLlamaV3 (TabbyAPI)",
};

static const char * const flash_attention_labels[] = {
  [HR_FLASH_ATTENTION_AUTO] = N_("Automatic"),
  [HR_FLASH_ATTENTION_ON] = N_("On"),
  [HR_FLASH_ATTENTION_OFF] = N_("Off"),
};

static const char * const split_mode_labels[] = {
  [HR_SPLIT_MODE_LAYER] = N_("Whole layers"),
  [HR_SPLIT_MODE_NONE] = N_("One GPU alone"),
};

static const char * const projector_file_labels[] = {
  [HR_PROJECTOR_FILE_AUTO] = N_("The one beside the model"),
  [HR_PROJECTOR_FILE_NONE] = N_("None"),
  [HR_PROJECTOR_FILE_F16] = N_("16-bit floats"),
  [HR_PROJECTOR_FILE_BF16] = N_("bfloat16"),
  [HR_PROJECTOR_FILE_Q8_0] = N_("8 bits"),
  [HR_PROJECTOR_FILE_F32] = N_("32-bit floats"),
};

static const char * const llama_release_labels[] = {
  [HR_LLAMA_RELEASE_B11669] = N_("b11669 (since October 2026)"),
  [HR_LLAMA_RELEASE_B10488] = N_("b10488 (June to September 2026)"),
  [HR_LLAMA_RELEASE_B9272] = N_("b9272 (January to May 2026)"),
  [HR_LLAMA_RELEASE_B7522] = N_("b7522 (spring to December 2025)"),
  [HR_LLAMA_RELEASE_B4500] = N_("b4500 (May 2024 to spring 2025)"),
};

static const char * const vllm_release_labels[] = {
  [HR_VLLM_RELEASE_0_28] = N_("0.28 (since 0.23)"),
  [HR_VLLM_RELEASE_0_22] = N_("0.22 (0.21 and 0.22)"),
  [HR_VLLM_RELEASE_0_20] = N_("0.20 (0.17 to 0.20)"),
  [HR_VLLM_RELEASE_0_11] = N_("0.11 (0.9 to 0.16)"),
  [HR_VLLM_RELEASE_0_8] = N_("0.8 (engine V1)"),
  [HR_VLLM_RELEASE_0_7] = N_("0.7 (engine V0)"),
};

static const char * const kt_method_labels[] = {
  [HR_KT_METHOD_NONE] = N_("None"),
  [HR_KT_METHOD_AMXINT4] = N_("4-bit integers (AMXINT4)"),
  [HR_KT_METHOD_AMXINT8] = N_("8-bit integers (AMXINT8)"),
  [HR_KT_METHOD_RAWINT4] = N_("The checkpoint’s 4 bits (RAWINT4)"),
  [HR_KT_METHOD_FP8] = N_("The checkpoint’s FP8 in blocks (FP8)"),
  [HR_KT_METHOD_FP8_PERCHANNEL] = N_("The checkpoint’s FP8 by rows (FP8_PERCHANNEL)"),
  [HR_KT_METHOD_BF16] = "BF16",
};

static const char * const exllama_release_labels[] = {
  [HR_EXLLAMA_RELEASE_1_4] = N_("1.4 (since 1.0)"),
  [HR_EXLLAMA_RELEASE_0_0_3] = N_("0.0.3 (up to 0.0.4)"),
};

static const char * const sglang_release_labels[] = {
  [HR_SGLANG_RELEASE_0_5_8] = N_("0.5.8 (since 0.5.4)"),
  [HR_SGLANG_RELEASE_0_5] = N_("0.5 (0.4.8 to 0.5.3)"),
  [HR_SGLANG_RELEASE_0_4_6] = N_("0.4.6 (0.4.5 to 0.4.7)"),
  [HR_SGLANG_RELEASE_0_4] = N_("0.4 (0.4.0 to 0.4.4)"),
  [HR_SGLANG_RELEASE_0_3] = N_("0.3 (0.2 and 0.3)"),
};

static const char * const lmdeploy_backend_labels[] = {
  [HR_LMDEPLOY_BACKEND_AUTO] = N_("Automatic"),
  [HR_LMDEPLOY_BACKEND_TURBOMIND] = "TurboMind",
  [HR_LMDEPLOY_BACKEND_PYTORCH] = "PyTorch",
};

static const char * const lmdeploy_release_labels[] = {
  [HR_LMDEPLOY_RELEASE_0_13] = N_("0.13 and later"),
  [HR_LMDEPLOY_RELEASE_0_12] = "0.12",
  [HR_LMDEPLOY_RELEASE_0_9_2] = N_("0.9.2 to 0.11"),
  [HR_LMDEPLOY_RELEASE_0_6] = N_("0.6 to 0.9.1"),
  [HR_LMDEPLOY_RELEASE_0_3] = N_("0.3 (0.2.2 to 0.5)"),
  [HR_LMDEPLOY_RELEASE_0_2] = N_("0.2 (0.2.0 and 0.2.1)"),
};

static const char * const llama_cache_type_labels[] = {
  [HR_LLAMA_CACHE_TYPE_AUTO] = N_("Automatic"),
  [HR_LLAMA_CACHE_TYPE_F32] = "F32",
  [HR_LLAMA_CACHE_TYPE_F16] = "F16",
  [HR_LLAMA_CACHE_TYPE_BF16] = "BF16",
  [HR_LLAMA_CACHE_TYPE_Q8_0] = "Q8_0",
  [HR_LLAMA_CACHE_TYPE_Q5_1] = "Q5_1",
  [HR_LLAMA_CACHE_TYPE_Q5_0] = "Q5_0",
  [HR_LLAMA_CACHE_TYPE_IQ4_NL] = "IQ4_NL",
  [HR_LLAMA_CACHE_TYPE_Q4_1] = "Q4_1",
  [HR_LLAMA_CACHE_TYPE_Q4_0] = "Q4_0",
};

static const char * const logits_to_keep_labels[] = {
  [HR_LOGITS_TO_KEEP_LAST] = N_("Last position"),
  [HR_LOGITS_TO_KEEP_ALL] = N_("Every position"),
};

static const char * const training_framework_labels[] = {
  [HR_TRAINING_FRAMEWORK_PYTORCH] = N_("PyTorch, a plain loop"),
  [HR_TRAINING_FRAMEWORK_TRANSFORMERS] = "Transformers Trainer (Hugging Face)",
  [HR_TRAINING_FRAMEWORK_TRL] = "TRL SFTTrainer (Hugging Face)",
  [HR_TRAINING_FRAMEWORK_MEGATRON_LM] = "Megatron-LM",
  [HR_TRAINING_FRAMEWORK_DEEPSPEED] = "DeepSpeed",
  [HR_TRAINING_FRAMEWORK_TORCHTITAN] = "torchtitan",
  [HR_TRAINING_FRAMEWORK_UNSLOTH] = "Unsloth",
  [HR_TRAINING_FRAMEWORK_VERL] = "verl",
  [HR_TRAINING_FRAMEWORK_OPENRLHF] = "OpenRLHF",
  [HR_TRAINING_FRAMEWORK_COLOSSALAI] = "ColossalChat (ColossalAI)",
};

static const char * const trl_release_labels[] = {
  [HR_TRL_RELEASE_0_14] = N_("Until 0.14"),
  [HR_TRL_RELEASE_0_15] = N_("0.15 to 0.21"),
  [HR_TRL_RELEASE_0_22] = "0.22",
  [HR_TRL_RELEASE_0_23] = N_("0.23 and 0.24"),
  [HR_TRL_RELEASE_0_25] = "0.25",
  [HR_TRL_RELEASE_0_26] = N_("0.26 to 1.2"),
  [HR_TRL_RELEASE_1_3] = N_("1.3 to 1.5"),
  [HR_TRL_RELEASE_1_6] = N_("1.6 and later"),
};

static const char * const autocast_labels[] = {
  /* Translators: a choice of the setting “Autocast”: all is computed in the type of the parameters */
  [HR_AUTOCAST_NONE] = N_("Off"),
  [HR_AUTOCAST_BFLOAT16] = "BF16",
  [HR_AUTOCAST_FLOAT16] = "FP16",
};

static const char * const master_dtype_labels[] = {
  [HR_MASTER_DTYPE_NONE] = N_("Off"),
  [HR_MASTER_DTYPE_FLOAT32] = "FP32",
};

static const char * const gradient_dtype_labels[] = {
  /* Translators: a choice of the setting “Data type of gradients” */
  [HR_GRADIENT_DTYPE_SAME] = N_("As the parameters"),
  [HR_GRADIENT_DTYPE_FLOAT32] = "FP32",
  [HR_GRADIENT_DTYPE_BOTH] = N_("As the parameters, and their sums in FP32"),
};

/* Translators: choices of the setting “Precision recipe”; the bytes are those of a parameter, with Adam. */
static const char * const precision_recipe_labels[] = {
  [HR_PRECISION_RECIPE_CUSTOM] = N_("As set below"),
  [HR_PRECISION_RECIPE_FP32] = N_("FP32 (16 bytes)"),
  [HR_PRECISION_RECIPE_AUTOCAST] = N_("FP32 under autocast (16 bytes and casts)"),
  [HR_PRECISION_RECIPE_HALF] = N_("16 bits throughout (8 bytes)"),
  [HR_PRECISION_RECIPE_MIXED_16] = N_("16 bits, FP32 master weights (16 bytes)"),
  [HR_PRECISION_RECIPE_MIXED_18] = N_("16 bits, FP32 master weights and gradients (18 bytes)"),
  [HR_PRECISION_RECIPE_MIXED_20] = N_("16 bits, FP32 master weights, gradients in both (20 bytes)"),
};

static const char * const gradient_checkpointing_labels[] = {
  /* Translators: a choice of the setting “Gradient checkpointing”: nothing is computed again */
  [HR_GRADIENT_CHECKPOINTING_NONE] = N_("Off"),
  [HR_GRADIENT_CHECKPOINTING_FULL] = N_("Every layer"),
  [HR_GRADIENT_CHECKPOINTING_SELECTIVE] = N_("Selective"),
};

static const char * const selective_checkpointing_labels[] = {
  /* Translators: choices of the setting “Selective checkpointing” */
  [HR_SELECTIVE_CHECKPOINTING_OPERATORS] = N_("Cheap operations"),
  [HR_SELECTIVE_CHECKPOINTING_ATTENTION] = N_("Attention"),
  [HR_SELECTIVE_CHECKPOINTING_EVERY_NTH] = N_("Every n-th layer"),
  [HR_SELECTIVE_CHECKPOINTING_FIRST] = N_("First n layers"),
};

static const char * const rule_of_thumb_labels[] = {
  /* Translators: choices of the setting “Rule of thumb” */
  [HR_RULE_OF_THUMB_ARTICLES] = N_("Formulas of articles"),
  [HR_RULE_OF_THUMB_KORTHIKANTI] = N_("Korthikanti et al."),
  [HR_RULE_OF_THUMB_MEGATRON_LM] = N_("Report of Megatron-LM"),
};

static const char * const fp8_recipe_labels[] = {
  /* Translators: choices of the setting “FP8 recipe” */
  [HR_FP8_RECIPE_NONE] = N_("None"),
  [HR_FP8_RECIPE_TENSORWISE] = N_("One scale for a tensor (tensorwise)"),
  [HR_FP8_RECIPE_ROWWISE] = N_("A scale for each row (rowwise)"),
  [HR_FP8_RECIPE_ROWWISE_WITH_GW_HP] = N_("Rowwise, gradients of weights not in fp8"),
  [HR_FP8_RECIPE_DELAYED] = N_("Scales of steps before (delayed)"),
};

static const char * const fp8_backend_labels[] = {
  [HR_FP8_BACKEND_TORCHAO] = "torchao",
  [HR_FP8_BACKEND_TRANSFORMER_ENGINE] = "Transformer Engine",
};

static const char * const fused_kernels_labels[] = {
  /* Translators: choices of the setting “Fused kernels” */
  [HR_FUSED_KERNELS_NONE] = N_("None"),
  [HR_FUSED_KERNELS_LIGER] = "Liger-Kernel",
};

static const char * const loss_implementation_labels[] = {
  /* Translators: choices of the setting “Implementation of the loss” */
  [HR_LOSS_IMPLEMENTATION_AUTO] = N_("Automatic"),
  [HR_LOSS_IMPLEMENTATION_CROSS_ENTROPY] = N_("Cross entropy (PyTorch)"),
  [HR_LOSS_IMPLEMENTATION_LIGER_CROSS_ENTROPY] = N_("Cross entropy (Liger)"),
  [HR_LOSS_IMPLEMENTATION_LIGER_FUSED_LINEAR_CROSS_ENTROPY] = N_("Fused with the output head (Liger)"),
  [HR_LOSS_IMPLEMENTATION_CUT_CROSS_ENTROPY] = N_("Cut cross entropy (Apple)"),
  [HR_LOSS_IMPLEMENTATION_CHUNKED_NLL] = N_("256 tokens at a time (TRL)"),
  [HR_LOSS_IMPLEMENTATION_LIGER_GRPO] = N_("GRPO, fused with the output head (Liger)"),
  [HR_LOSS_IMPLEMENTATION_UNSLOTH_FUSED] = N_("Fused with the output head (Unsloth)"),
  [HR_LOSS_IMPLEMENTATION_MEGATRON_FUSED] = N_("Fused cross entropy (Megatron-LM)"),
};

static const char * const example_packing_labels[] = {
  /* Translators: choices of the setting “Packing” */
  [HR_EXAMPLE_PACKING_NONE] = N_("Padded rows"),
  [HR_EXAMPLE_PACKING_PADDING_FREE] = N_("One row, no padding"),
  [HR_EXAMPLE_PACKING_BFD] = N_("Packed, best fit (BFD)"),
  [HR_EXAMPLE_PACKING_WRAPPED] = N_("Packed, cut (wrapped)"),
};

static const char * const activation_offload_labels[] = {
  /* Translators: choices of the setting “Activation offload” */
  [HR_ACTIVATION_OFFLOAD_NONE] = N_("None"),
  [HR_ACTIVATION_OFFLOAD_SAVE_ON_CPU] = N_("To the host (save_on_cpu)"),
  [HR_ACTIVATION_OFFLOAD_LAYER_INPUTS] = N_("Inputs of layers (Unsloth)"),
};

static const char * const optimizer_labels[] = {
  [HR_OPTIMIZER_KIND_ADAMW] = "AdamW",
  [HR_OPTIMIZER_KIND_ADAM] = "Adam",
  [HR_OPTIMIZER_KIND_SGD] = "SGD",
  [HR_OPTIMIZER_KIND_SGD_MOMENTUM] = N_("SGD with momentum"),
  [HR_OPTIMIZER_KIND_ADAFACTOR] = N_("Adafactor (transformers)"),
  [HR_OPTIMIZER_KIND_ADAMW_8BIT] = N_("AdamW, 8-bit (bitsandbytes)"),
  [HR_OPTIMIZER_KIND_PAGED_ADAMW_8BIT] = N_("AdamW, 8-bit, paged (bitsandbytes)"),
  [HR_OPTIMIZER_KIND_PAGED_ADAMW] = N_("AdamW, paged (bitsandbytes)"),
  [HR_OPTIMIZER_KIND_ADAMW_4BIT] = N_("AdamW, 4-bit (torchao)"),
  [HR_OPTIMIZER_KIND_LION] = "Lion",
  [HR_OPTIMIZER_KIND_LION_8BIT] = N_("Lion, 8-bit (bitsandbytes)"),
  [HR_OPTIMIZER_KIND_SOPHIA] = "Sophia",
  [HR_OPTIMIZER_KIND_MUON] = "Muon",
  [HR_OPTIMIZER_KIND_GALORE] = "GaLore",
  [HR_OPTIMIZER_KIND_APOLLO] = "APOLLO",
  [HR_OPTIMIZER_KIND_LOMO] = "LOMO",
  [HR_OPTIMIZER_KIND_ADALOMO] = "AdaLomo",
  [HR_OPTIMIZER_KIND_ADAM_MINI] = "Adam-mini",
  [HR_OPTIMIZER_KIND_SHAMPOO] = "Shampoo",
  [HR_OPTIMIZER_KIND_SOAP] = "SOAP",
  [HR_OPTIMIZER_KIND_TORCH_ADAFACTOR] = N_("Adafactor (torch.optim)"),
};

static const char * const optimizer_implementation_labels[] = {
  [HR_OPTIMIZER_IMPLEMENTATION_AUTO] = N_("Automatic"),
  /* Translators: an implementation of an optimizer: it works on all parameters at once */
  [HR_OPTIMIZER_IMPLEMENTATION_FOREACH] = N_("All at once (foreach)"),
  [HR_OPTIMIZER_IMPLEMENTATION_FOR_LOOP] = N_("One by one (for-loop)"),
  [HR_OPTIMIZER_IMPLEMENTATION_FUSED] = N_("In one kernel (fused)"),
};

static const char * const logits_upcast_labels[] = {
  [HR_LOGITS_UPCAST_LOSS] = N_("In the loss (4.49 and later)"),
  [HR_LOGITS_UPCAST_SHIFTED] = N_("In the loss, with a shifted copy (4.46 to 4.48)"),
  [HR_LOGITS_UPCAST_FORWARD] = N_("In the model, with a shifted copy (until 4.45)"),
};

static const char * const gptq_kernel_labels[] = {
  [HR_GPTQ_KERNEL_TORCH] = N_("Torch (GPTQModel)"),
  [HR_GPTQ_KERNEL_TRITON] = N_("Triton (AutoGPTQ)"),
};

static const char * const zero_grad_labels[] = {
  [HR_ZERO_GRAD_AFTER_STEP] = N_("After the optimizer’s step"),
  [HR_ZERO_GRAD_BEFORE_BACKWARD] = N_("Before the backward pass"),
  [HR_ZERO_GRAD_KEPT] = N_("Never: set to zero and kept"),
};

static const char * const fsdp_labels[] = {
  [HR_FSDP_NONE] = N_("None"),
  [HR_FSDP_FULL_SHARD] = N_("Everything, gathered for each use (FULL_SHARD)"),
  [HR_FSDP_SHARD_GRAD_OP] = N_("Everything, gathered once a step (SHARD_GRAD_OP)"),
  [HR_FSDP_HYBRID_SHARD] = N_("Within groups of ranks (HYBRID_SHARD)"),
};

static const char * const fsdp_version_labels[] = {
  [HR_FSDP_VERSION_1] = "1 (FullyShardedDataParallel)",
  [HR_FSDP_VERSION_2] = "2 (fully_shard)",
};

static const char * const pipeline_schedule_labels[] = {
  [HR_PIPELINE_SCHEDULE_1F1B] = N_("1F1B: forward and backward passes in turns"),
  [HR_PIPELINE_SCHEDULE_GPIPE] = N_("GPipe: all forward passes first"),
  [HR_PIPELINE_SCHEDULE_ZERO_BUBBLE] = N_("Zero bubble: gradients of weights later (ZB1P)"),
  [HR_PIPELINE_SCHEDULE_ZBV] = N_("Zero bubble with two parts that come and go (ZBV)"),
  [HR_PIPELINE_SCHEDULE_DUALPIPE_V] = N_("Forward and backward passes in pairs, with such parts (DualPipeV)"),
};

static const char * const moe_dispatcher_labels[] = {
  [HR_MOE_DISPATCHER_ALLGATHER] = N_("All tokens to all ranks (all-gather)"),
  [HR_MOE_DISPATCHER_ALLTOALL] = N_("Tokens to their experts (all-to-all)"),
};

static const char * const backward_prefetch_labels[] = {
  [HR_BACKWARD_PREFETCH_NONE] = N_("When it is needed"),
  [HR_BACKWARD_PREFETCH_BACKWARD_PRE] = N_("Before the layer behind it (BACKWARD_PRE)"),
  [HR_BACKWARD_PREFETCH_BACKWARD_POST] = N_("After the layer behind it (BACKWARD_POST)"),
};

static const char * const offload_labels[] = {
  [HR_OFFLOAD_NONE] = N_("None"),
  [HR_OFFLOAD_CPU] = N_("Memory of the host"),
  [HR_OFFLOAD_NVME] = N_("Disk of the host (NVMe)"),
};

static const char * const algorithm_labels[] = {
  [HR_ALGORITHM_SFT] = "SFT",
  [HR_ALGORITHM_DPO] = "DPO",
  [HR_ALGORITHM_IPO] = "IPO",
  [HR_ALGORITHM_GRPO] = "GRPO",
  [HR_ALGORITHM_DR_GRPO] = "Dr. GRPO",
  [HR_ALGORITHM_DAPO] = "DAPO",
  [HR_ALGORITHM_GSPO] = "GSPO",
  [HR_ALGORITHM_RLOO] = "RLOO",
  [HR_ALGORITHM_KTO] = "KTO",
  [HR_ALGORITHM_ORPO] = "ORPO",
  [HR_ALGORITHM_SIMPO] = "SimPO",
  /* Translators: a choice of the setting “Algorithm”: a model is trained that rates answers */
  [HR_ALGORITHM_REWARD] = N_("Reward model"),
  /* Translators: likewise: DPO on answers that the model generates itself */
  [HR_ALGORITHM_ONLINE_DPO] = N_("Online DPO"),
  [HR_ALGORITHM_PPO] = "PPO",
};

static const char * const value_model_labels[] = {
  /* Translators: a choice of the setting “Value model” */
  [HR_VALUE_MODEL_FULL] = N_("Its own, all of it trained"),
  /* Translators: likewise: with LoRA or whatever else trains the policy */
  [HR_VALUE_MODEL_LORA] = N_("Its own, fine-tuned as the policy is"),
  [HR_VALUE_MODEL_HEAD] = N_("Its own, only its head trained"),
  [HR_VALUE_MODEL_SHARED] = N_("A head on the layers of the policy"),
};

static const char * const reward_model_labels[] = {
  /* Translators: a choice of the setting “Reward model”: a model of its own */
  [HR_REWARD_MODEL_OWN] = N_("Its own"),
  [HR_REWARD_MODEL_SHARED] = N_("A head on the layers of the reference model"),
  /* Translators: likewise: what scores the answers is not on this GPU */
  [HR_REWARD_MODEL_ELSEWHERE] = N_("Elsewhere, or a function"),
};

static const char * const rollout_labels[] = {
  /* Translators: a choice of the setting “Rollout”: answers are generated on another device */
  [HR_ROLLOUT_NONE] = N_("Elsewhere"),
  /* Translators: likewise: by the trainer itself */
  [HR_ROLLOUT_TRANSFORMERS] = N_("In the trainer (transformers)"),
  /* Translators: likewise: by vLLM, in a share of the same GPU’s memory */
  [HR_ROLLOUT_VLLM_COLOCATED] = N_("By vLLM on the same GPU"),
  /* Translators: likewise: by a vLLM server */
  [HR_ROLLOUT_VLLM_SERVER] = N_("By a vLLM server on other GPUs"),
};

static const char * const rollout_sleep_labels[] = {
  /* Translators: a choice of the setting “Sleep of the rollout engine”: it keeps all of its memory */
  [HR_ROLLOUT_SLEEP_NONE] = N_("Stays awake"),
  [HR_ROLLOUT_SLEEP_LEVEL_1] = N_("Level 1: weights go to the host"),
  [HR_ROLLOUT_SLEEP_LEVEL_2] = N_("Level 2: weights are given up"),
};

static const char * const frozen_parts_labels[] = {
  /* Translators: a choice of the setting “Frozen parts”: all of the model is trained */
  [HR_FROZEN_PARTS_NONE] = N_("Nothing"),
  /* Translators: likewise: what sees and hears; the language model and what projects to it are trained */
  [HR_FROZEN_PARTS_TOWERS] = N_("The towers"),
  [HR_FROZEN_PARTS_TOWERS_AND_PROJECTORS] = N_("The towers and projectors"),
  [HR_FROZEN_PARTS_ALL_BUT_PROJECTORS] = N_("All but the projectors"),
};

static const char * const fine_tuning_method_labels[] = {
  /* Translators: a method of fine-tuning: all parameters are trained */
  [HR_FINE_TUNING_METHOD_FULL] = N_("Full fine-tuning"),
  [HR_FINE_TUNING_METHOD_FREEZE] = N_("The last layers only (freeze)"),
  [HR_FINE_TUNING_METHOD_LORA] = "LoRA",
  [HR_FINE_TUNING_METHOD_QLORA] = "QLoRA",
  [HR_FINE_TUNING_METHOD_RSLORA] = "rsLoRA",
  [HR_FINE_TUNING_METHOD_DORA] = "DoRA",
  [HR_FINE_TUNING_METHOD_LORA_PLUS] = "LoRA+",
  [HR_FINE_TUNING_METHOD_PISSA] = "PiSSA",
  [HR_FINE_TUNING_METHOD_LORA_FA] = "LoRA-FA",
  [HR_FINE_TUNING_METHOD_VERA] = "VeRA",
  [HR_FINE_TUNING_METHOD_ADALORA] = "AdaLoRA",
  [HR_FINE_TUNING_METHOD_LOHA] = "LoHa",
  [HR_FINE_TUNING_METHOD_LOKR] = "LoKr",
  [HR_FINE_TUNING_METHOD_PREFIX] = N_("Prefix tuning"),
  [HR_FINE_TUNING_METHOD_P_TUNING] = "P-tuning",
  [HR_FINE_TUNING_METHOD_PROMPT] = N_("Prompt tuning"),
  [HR_FINE_TUNING_METHOD_IA3] = "(IA)³",
  [HR_FINE_TUNING_METHOD_HOULSBY] = N_("Bottleneck adapters (Houlsby)"),
  [HR_FINE_TUNING_METHOD_BITFIT] = N_("Biases only (BitFit)"),
};

static const struct
{
  GType (*get_type) (void);
  const char * const *labels;
  guint n_labels;
} choice_labels[] = {
  { hr_multimodal_task_get_type, multimodal_task_labels, G_N_ELEMENTS (multimodal_task_labels) },
  { hr_dtype_get_type, dtype_labels, G_N_ELEMENTS (dtype_labels) },
  { hr_quantization_get_type, quantization_labels, G_N_ELEMENTS (quantization_labels) },
  { hr_estimate_method_get_type, method_labels, G_N_ELEMENTS (method_labels) },
  { hr_attention_implementation_get_type, attention_labels, G_N_ELEMENTS (attention_labels) },
  { hr_attention_mask_get_type, attention_mask_labels, G_N_ELEMENTS (attention_mask_labels) },
  { hr_engine_get_type, engine_labels, G_N_ELEMENTS (engine_labels) },
  { hr_flash_attention_get_type, flash_attention_labels, G_N_ELEMENTS (flash_attention_labels) },
  { hr_split_mode_get_type, split_mode_labels, G_N_ELEMENTS (split_mode_labels) },
  { hr_projector_file_get_type, projector_file_labels, G_N_ELEMENTS (projector_file_labels) },
  { hr_llama_release_get_type, llama_release_labels, G_N_ELEMENTS (llama_release_labels) },
  { hr_kt_method_get_type, kt_method_labels, G_N_ELEMENTS (kt_method_labels) },
  { hr_exllama_release_get_type, exllama_release_labels, G_N_ELEMENTS (exllama_release_labels) },
  { hr_sglang_release_get_type, sglang_release_labels, G_N_ELEMENTS (sglang_release_labels) },
  { hr_lmdeploy_backend_get_type, lmdeploy_backend_labels, G_N_ELEMENTS (lmdeploy_backend_labels) },
  { hr_lmdeploy_release_get_type, lmdeploy_release_labels, G_N_ELEMENTS (lmdeploy_release_labels) },
  { hr_vllm_release_get_type, vllm_release_labels, G_N_ELEMENTS (vllm_release_labels) },
  { hr_llama_cache_type_get_type, llama_cache_type_labels, G_N_ELEMENTS (llama_cache_type_labels) },
  { hr_logits_to_keep_get_type, logits_to_keep_labels, G_N_ELEMENTS (logits_to_keep_labels) },
  { hr_training_framework_get_type, training_framework_labels, G_N_ELEMENTS (training_framework_labels) },
  { hr_trl_release_get_type, trl_release_labels, G_N_ELEMENTS (trl_release_labels) },
  { hr_autocast_get_type, autocast_labels, G_N_ELEMENTS (autocast_labels) },
  { hr_master_dtype_get_type, master_dtype_labels, G_N_ELEMENTS (master_dtype_labels) },
  { hr_gradient_dtype_get_type, gradient_dtype_labels, G_N_ELEMENTS (gradient_dtype_labels) },
  { hr_precision_recipe_get_type, precision_recipe_labels, G_N_ELEMENTS (precision_recipe_labels) },
  { hr_gradient_checkpointing_get_type, gradient_checkpointing_labels, G_N_ELEMENTS (gradient_checkpointing_labels) },
  { hr_selective_checkpointing_get_type, selective_checkpointing_labels,
    G_N_ELEMENTS (selective_checkpointing_labels) },
  { hr_rule_of_thumb_get_type, rule_of_thumb_labels, G_N_ELEMENTS (rule_of_thumb_labels) },
  { hr_fp8_backend_get_type, fp8_backend_labels, G_N_ELEMENTS (fp8_backend_labels) },
  { hr_fp8_recipe_get_type, fp8_recipe_labels, G_N_ELEMENTS (fp8_recipe_labels) },
  { hr_fused_kernels_get_type, fused_kernels_labels, G_N_ELEMENTS (fused_kernels_labels) },
  { hr_loss_implementation_get_type, loss_implementation_labels, G_N_ELEMENTS (loss_implementation_labels) },
  { hr_example_packing_get_type, example_packing_labels, G_N_ELEMENTS (example_packing_labels) },
  { hr_activation_offload_get_type, activation_offload_labels, G_N_ELEMENTS (activation_offload_labels) },
  { hr_optimizer_kind_get_type, optimizer_labels, G_N_ELEMENTS (optimizer_labels) },
  { hr_optimizer_implementation_get_type, optimizer_implementation_labels,
    G_N_ELEMENTS (optimizer_implementation_labels) },
  { hr_logits_upcast_get_type, logits_upcast_labels, G_N_ELEMENTS (logits_upcast_labels) },
  { hr_gptq_kernel_get_type, gptq_kernel_labels, G_N_ELEMENTS (gptq_kernel_labels) },
  { hr_zero_grad_get_type, zero_grad_labels, G_N_ELEMENTS (zero_grad_labels) },
  { hr_fsdp_get_type, fsdp_labels, G_N_ELEMENTS (fsdp_labels) },
  { hr_fsdp_version_get_type, fsdp_version_labels, G_N_ELEMENTS (fsdp_version_labels) },
  { hr_backward_prefetch_get_type, backward_prefetch_labels, G_N_ELEMENTS (backward_prefetch_labels) },
  { hr_pipeline_schedule_get_type, pipeline_schedule_labels, G_N_ELEMENTS (pipeline_schedule_labels) },
  { hr_moe_dispatcher_get_type, moe_dispatcher_labels, G_N_ELEMENTS (moe_dispatcher_labels) },
  { hr_offload_get_type, offload_labels, G_N_ELEMENTS (offload_labels) },
  { hr_algorithm_get_type, algorithm_labels, G_N_ELEMENTS (algorithm_labels) },
  { hr_value_model_get_type, value_model_labels, G_N_ELEMENTS (value_model_labels) },
  { hr_reward_model_get_type, reward_model_labels, G_N_ELEMENTS (reward_model_labels) },
  { hr_rollout_get_type, rollout_labels, G_N_ELEMENTS (rollout_labels) },
  { hr_frozen_parts_get_type, frozen_parts_labels, G_N_ELEMENTS (frozen_parts_labels) },
  { hr_rollout_sleep_get_type, rollout_sleep_labels, G_N_ELEMENTS (rollout_sleep_labels) },
  { hr_fine_tuning_method_get_type, fine_tuning_method_labels, G_N_ELEMENTS (fine_tuning_method_labels) },
};

/**
 * hr_component_id_get_label:
 * @id: a component
 *
 * Gets the name of a component in the user's language.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_component_id_get_label (HrComponentId id)
{
  g_return_val_if_fail ((guint) id < HR_N_COMPONENTS, NULL);

  return _(component_texts[id].label);
}

/**
 * hr_component_id_get_description:
 * @id: a component
 *
 * Gets a paragraph in the user's language that says what a component is.
 *
 * Returns: (transfer none): the paragraph
 */
const char *
hr_component_id_get_description (HrComponentId id)
{
  g_return_val_if_fail ((guint) id < HR_N_COMPONENTS, NULL);

  return _(component_texts[id].description);
}

/**
 * hr_phase_id_get_label:
 * @id: a phase
 *
 * Gets the name of a phase in the user's language.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_phase_id_get_label (HrPhaseId id)
{
  g_return_val_if_fail ((guint) id < HR_N_PHASES, NULL);

  return _(phase_texts[id].label);
}

/**
 * hr_phase_id_get_description:
 * @id: a phase
 *
 * Gets a sentence in the user's language, with no full stop, that says what happens in a phase.
 *
 * Returns: (transfer none): the sentence
 */
const char *
hr_phase_id_get_description (HrPhaseId id)
{
  g_return_val_if_fail ((guint) id < HR_N_PHASES, NULL);

  return _(phase_texts[id].description);
}

/**
 * hr_estimate_dup_peak_sentence:
 * @estimate: an estimate with phases
 *
 * Says in the user's language when the peak is reached, and what happens then.
 *
 * Returns: (transfer full): a sentence
 */
char *
hr_estimate_dup_peak_sentence (HrEstimate *estimate)
{
  const char *phase, *moment;

  g_return_val_if_fail (HR_IS_ESTIMATE (estimate), NULL);

  phase = hr_phase_id_get_label (hr_estimate_get_peak_phase (estimate));
  moment = hr_text_translate (hr_estimate_get_peak_moment (estimate));
  if (moment != NULL && *moment != '\0')
    /* Translators: when memory is at its peak: 1 the name of a phase, 2 what happens in it */
    return g_strdup_printf (_("The peak is reached in the phase “%1$s”: %2$s"), phase, moment);

  /* Translators: %s is the name of a phase */
  return g_strdup_printf (_("The peak is reached in the phase “%s”."), phase);
}

/**
 * hr_medium_kind_get_label:
 * @kind: what a model sees or hears
 *
 * Gets its name in the user's language.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_medium_kind_get_label (HrMediumKind kind)
{
  g_return_val_if_fail ((guint) kind < HR_N_MEDIUM_KINDS, NULL);

  return _(medium_labels[kind]);
}

/**
 * hr_medium_dup_label: (skip)
 * @medium: an image, a sound or a video
 *
 * Says in the user's language what it is: “Image, 1024 × 768”.
 *
 * Returns: (transfer full): the words
 */
char *
hr_medium_dup_label (const HrMedium *medium)
{
  g_autofree char *size = NULL;

  g_return_val_if_fail (medium != NULL && (guint) medium->kind < HR_N_MEDIUM_KINDS, NULL);

  size = g_strdup_printf ("%" G_GUINT64_FORMAT " × %" G_GUINT64_FORMAT, medium->width, medium->height);
  switch (medium->kind)
    {
    case HR_MEDIUM_IMAGE:
      /* Translators: width and height in pixels, “1024 × 768” */
      return g_strdup_printf (_("Image, %s"), size);

    case HR_MEDIUM_AUDIO:
      /* Translators: how long a sound is, in seconds */
      return g_strdup_printf (_("Sound, %g s"), medium->seconds);

    case HR_MEDIUM_VIDEO:
    case HR_N_MEDIUM_KINDS:
    default:
      /* Translators: how long a video is, in seconds; frames of each second; width and height, “1280 × 720” */
      return g_strdup_printf (_("Video, %g s, %g frames a second, %s"), medium->seconds, medium->fps, size);
    }
}

/**
 * hr_medium_tokens_dup_origin: (skip)
 * @tokens: what a processor makes of something
 *
 * Says in the user's language how its tokens come about.
 *
 * Returns: (transfer full): the words
 */
char *
hr_medium_tokens_dup_origin (const HrMediumTokens *tokens)
{
  g_autoptr (GString) string = NULL;

  g_return_val_if_fail (tokens != NULL, NULL);

  string = g_string_new (tokens->formula);
  if (tokens->markers > 0)
    {
      g_autofree char *markers = hr_format_integer (tokens->markers);

      /* Translators: follows a formula; tokens that a processor puts around an image or between its rows */
      g_string_append_printf (string, _("; %s of them are marks"), markers);
    }
  if (tokens->around > 0)
    {
      g_autofree char *around = hr_format_integer (tokens->around);

      /* Translators: follows a formula; tokens around an image that the prompt has already */
      g_string_append_printf (string, _("; %s more stand around it in the text"), around);
    }
  if (tokens->crossed > 0)
    {
      g_autofree char *crossed = hr_format_integer (tokens->crossed);

      /* Translators: follows a formula; vectors of an image that are no tokens of the text */
      g_string_append_printf (string, _("; %s vectors are read by cross attention"), crossed);
    }

  return g_string_free (g_steal_pointer (&string), FALSE);
}

/**
 * hr_part_get_label:
 * @part: a part of a model
 *
 * Gets the name of a part in the user's language.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_part_get_label (HrPart part)
{
  g_return_val_if_fail ((guint) part < HR_N_PARTS, NULL);

  return g_dpgettext2 (GETTEXT_PACKAGE, "part of a model", part_labels[part]);
}

/**
 * hr_mode_get_label:
 * @mode: a mode
 *
 * Gets the name of a mode in the user's language.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_mode_get_label (HrMode mode)
{
  g_return_val_if_fail ((guint) mode < G_N_ELEMENTS (mode_labels), NULL);

  return _(mode_labels[mode]);
}

/**
 * hr_setting_group_get_label:
 * @group: a group of settings
 *
 * Gets what a group of settings is about, in the user's language.
 *
 * Returns: (transfer none): a title
 */
const char *
hr_setting_group_get_label (HrSettingGroup group)
{
  g_return_val_if_fail ((guint) group < HR_N_SETTING_GROUPS, NULL);

  return _(group_labels[group]);
}

/* The word for the value of a setting; of a text, such as that which names a model, “none” is one. */
static char *
dup_value_label (HrJob      *job,
                 GParamSpec *setting)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_object_get_property (G_OBJECT (job), setting->name, &value);
  if (G_IS_PARAM_SPEC_ENUM (setting))
    return g_strdup (hr_setting_get_choice_label (setting, g_value_get_enum (&value)));
  if (G_IS_PARAM_SPEC_BOOLEAN (setting))
    return g_strdup (g_value_get_boolean (&value) ? _("on") : _("off"));
  if (G_IS_PARAM_SPEC_STRING (setting) && g_str_equal (g_value_get_string (&value), "none"))
    return g_strdup (_("None"));

  return hr_job_get_as_string (job, setting->name);
}

/**
 * hr_job_dup_unused_reason:
 * @job: a job
 * @setting: one of its settings
 *
 * Says why a setting has no effect, as the others are.
 *
 * Returns: (transfer full) (nullable): a sentence in the user's language, or %NULL if it has one
 */
char *
hr_job_dup_unused_reason (HrJob      *job,
                          GParamSpec *setting)
{
  GParamSpec *because;
  g_autofree char *value = NULL;

  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), NULL);

  if (hr_job_uses_setting (job, setting, &because))
    return NULL;

  value = dup_value_label (job, because);

  /* Translators: 1 the title of another setting, 2 its value, such as “Gradient checkpointing” and “None” */
  return g_strdup_printf (_("Has no effect while “%1$s” is “%2$s”"), hr_setting_get_label (because), value);
}

/* What is taken for llama.cpp where a setting is left open that it does not decide itself. */
static const struct
{
  const char *name;
  const char *note;
} llama_notes[] = {
  { "max-model-len", N_("Prompt and output together") },
  { "max-num-seqs", N_("As many as the batch") },
};

static const char *
find_llama_note (HrJob      *job,
                 GParamSpec *setting)
{
  HrInferenceJob *inference = HR_IS_INFERENCE_JOB (job) ? HR_INFERENCE_JOB (job) : NULL;

  if (inference == NULL || hr_inference_job_get_engine (inference) != HR_ENGINE_LLAMA_CPP ||
      hr_inference_job_leaves_context (inference))
    return NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (llama_notes); i++)
    {
      if (g_str_equal (setting->name, llama_notes[i].name))
        return _(llama_notes[i].note);
    }

  return NULL;
}

static char *
dup_open_note (HrJob      *job,
               GParamSpec *setting)
{
  GParamSpec *engine = g_object_class_find_property (G_OBJECT_GET_CLASS (job), "engine");
  g_autofree char *value = hr_job_get_as_string (job, setting->name);
  g_autofree char *program = NULL;

  if (engine == NULL || !g_str_equal (value, "0") || !hr_job_setting_may_be_left_open (setting) ||
      !hr_job_uses_setting (job, setting, NULL))
    return NULL;
  if (find_llama_note (job, setting) != NULL)
    return g_strdup (find_llama_note (job, setting));

  program = dup_value_label (job, engine);

  /* Translators: the place is a program that serves models, such as vLLM */
  return g_strdup_printf (_("Left to %s"), program);
}

/**
 * hr_job_dup_setting_note:
 * @job: a job
 * @setting: one of its settings
 *
 * Says what is taken where the job leaves a setting open.
 *
 * Returns: (transfer full) (nullable): a sentence in the user's language, or %NULL if there is nothing to say
 */
char *
hr_job_dup_setting_note (HrJob      *job,
                         GParamSpec *setting)
{
  const HrTrainingProfile *profile;

  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), NULL);

  if (g_str_equal (setting->name, "data-parallel") && hr_job_get_data_parallel (job) == 0)
    return g_strdup (_("As many as the GPUs allow"));

  if (!HR_IS_TRAINING_JOB (job))
    return dup_open_note (job, setting);

  profile = hr_training_profile_get (hr_training_job_get_framework (HR_TRAINING_JOB (job)));
  if (profile == NULL)
    return NULL;

  if (g_str_equal (setting->name, "dtype") && profile->holds_fp32 && hr_job_get_dtype (job) == HR_DTYPE_AUTO)
    /* Translators: the place is a framework, such as torchtitan */
    return g_strdup_printf (_("%s holds parameters in FP32, and computes in BF16"), profile->name);
  if (!g_str_equal (setting->name, "precision-recipe") || profile->recipe == HR_PRECISION_RECIPE_CUSTOM ||
      hr_training_job_get_precision_recipe (HR_TRAINING_JOB (job)) != HR_PRECISION_RECIPE_CUSTOM)
    return NULL;

  /* Translators: 1 a framework, 2 a recipe, such as “16 bits, FP32 master weights (16 bytes)” */
  return g_strdup_printf (_("%1$s has for parameters of 16 bits, where nothing else is set: %2$s"), profile->name,
                          hr_setting_get_choice_label (setting, profile->recipe));
}

/**
 * hr_setting_get_label:
 * @setting: a setting of a job
 *
 * Gets the title of a setting in the user's language.
 *
 * Returns: (transfer none): the title
 */
const char *
hr_setting_get_label (GParamSpec *setting)
{
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), NULL);

  return _(g_param_spec_get_nick (setting));
}

/**
 * hr_setting_get_open_label:
 * @setting: a setting of a job
 *
 * Gets what a setting is called where it is left to the program.
 *
 * Returns: (transfer none) (nullable): a word in the user's language, or %NULL where no number stands for that
 */
const char *
hr_setting_get_open_label (GParamSpec *setting)
{
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), NULL);

  return hr_job_setting_may_be_left_open (setting) ? _("Automatic") : NULL;
}

/**
 * hr_setting_get_description:
 * @setting: a setting of a job
 *
 * Gets what a setting means in the user's language, for a tooltip or the help of an option.
 *
 * Returns: (transfer none): the text
 */
const char *
hr_setting_get_description (GParamSpec *setting)
{
  g_return_val_if_fail (G_IS_PARAM_SPEC (setting), NULL);

  return _(g_param_spec_get_blurb (setting));
}

/**
 * hr_setting_get_choice_label:
 * @setting: a setting of a job whose values are an enumeration
 * @choice: one of the values
 *
 * Gets the name of a choice in the user's language.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_setting_get_choice_label (GParamSpec *setting,
                             int         choice)
{
  g_return_val_if_fail (G_IS_PARAM_SPEC_ENUM (setting), NULL);

  for (guint i = 0; i < G_N_ELEMENTS (choice_labels); i++)
    {
      if (choice_labels[i].get_type () != setting->value_type)
        continue;

      g_return_val_if_fail (choice >= 0 && (guint) choice < choice_labels[i].n_labels, NULL);
      return _(choice_labels[i].labels[choice]);
    }

  g_return_val_if_reached (NULL);
}

/* What families of formats of quantization are called, and which of them comes first. */
static const struct
{
  HrQuantization first;
  const char *heading;
} quantization_headings[] = {
  { HR_QUANTIZATION_BNB_INT8, "bitsandbytes" },
  { HR_QUANTIZATION_GPTQ_INT8, "GPTQ" },
  { HR_QUANTIZATION_AWQ_INT4, "AWQ" },
  /* Translators: the heading of formats that store weights as floating-point numbers of eight bits */
  { HR_QUANTIZATION_FP8, N_("Eight-bit floats") },
  { HR_QUANTIZATION_W8A8_INT8, "compressed-tensors" },
  /* Translators: the heading of formats that store weights as floating-point numbers of four bits */
  { HR_QUANTIZATION_MXFP4, N_("Four-bit floats") },
  { HR_QUANTIZATION_HQQ_INT8, "HQQ" },
  { HR_QUANTIZATION_QUANTO_INT8, "optimum-quanto" },
  /* Translators: the heading of the remaining formats of quantization */
  { HR_QUANTIZATION_EETQ_INT8, N_("Other methods") },
  { HR_QUANTIZATION_Q8_0, "GGUF (llama.cpp)" },
};

/**
 * hr_setting_get_choice_heading:
 * @setting: a setting of a job whose values are an enumeration
 * @choice: one of the values
 *
 * Gets what to write over a choice in a list of all: the name of the family that begins with it, where there are
 * families.
 *
 * Returns: (transfer none) (nullable): the heading, or %NULL if no family begins here
 */
const char *
hr_setting_get_choice_heading (GParamSpec *setting,
                               int         choice)
{
  g_return_val_if_fail (G_IS_PARAM_SPEC_ENUM (setting), NULL);

  for (guint i = 0; setting->value_type == HR_TYPE_QUANTIZATION && i < G_N_ELEMENTS (quantization_headings); i++)
    {
      if (quantization_headings[i].first == (HrQuantization) choice)
        return _(quantization_headings[i].heading);
    }

  return NULL;
}

/**
 * hr_reserved_range_get_reason:
 *
 * Says why it is not known exactly what PyTorch reserves.
 *
 * Returns: (transfer none): sentences in the user's language
 */
const char *
hr_reserved_range_get_reason (void)
{
  return _("The order of all requests is replayed; which workspaces and kernels the libraries choose, in which order "
           "the weights were loaded, and what other streams hold, is not known. Texts of several lengths leave more "
           "holes; so does a cache that grows token by token, and the device shows them as used until it has no "
           "more and gets them back.");
}

/**
 * hr_text_translate:
 * @text: (nullable): a text that the estimator gave: a formula, a moment, a source
 *
 * Translates a text of the estimator, which has no language of its own.
 *
 * Returns: (transfer none) (nullable): the text in the user's language
 */
const char *
hr_text_translate (const char *text)
{
  return text == NULL || *text == '\0' ? text : _(text);
}
