/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * HrMode:
 *
 * What a job does; each has a type of its own, derived from #HrJob.
 */
typedef enum
{
  HR_MODE_INFERENCE,
  HR_MODE_FINE_TUNING,
  HR_MODE_TRAINING,
  HR_MODE_GRPO,
  HR_MODE_MULTIMODAL,
} HrMode;

/**
 * HrSettingGroup:
 * @HR_SETTING_GROUP_METHOD: what is done, and by which program
 * @HR_SETTING_GROUP_PRECISION: what numbers are held and computed in
 * @HR_SETTING_GROUP_BATCH: how much goes through the model at once
 * @HR_SETTING_GROUP_SAVERS: what saves memory
 * @HR_SETTING_GROUP_OPTIMIZER: what steps the parameters
 * @HR_SETTING_GROUP_PARALLEL: how the job is divided among GPUs
 * @HR_SETTING_GROUP_EXPERT: what few people change
 *
 * What a setting is about, in the order in which people think.
 */
typedef enum
{
  HR_SETTING_GROUP_METHOD,
  HR_SETTING_GROUP_PRECISION,
  HR_SETTING_GROUP_BATCH,
  HR_SETTING_GROUP_SAVERS,
  HR_SETTING_GROUP_OPTIMIZER,
  HR_SETTING_GROUP_PARALLEL,
  HR_SETTING_GROUP_EXPERT,
  HR_N_SETTING_GROUPS, /*< skip >*/
} HrSettingGroup;

/**
 * HrEstimateMethod:
 * @HR_ESTIMATE_METHOD_EXACT: replay the job's allocations
 * @HR_ESTIMATE_METHOD_RULE_OF_THUMB: the formulas that people know
 *
 * How an estimate is made.
 */
typedef enum
{
  HR_ESTIMATE_METHOD_EXACT,
  HR_ESTIMATE_METHOD_RULE_OF_THUMB,
} HrEstimateMethod;

/**
 * HrMultimodalTask:
 * @HR_MULTIMODAL_TASK_INFERENCE: the model answers
 * @HR_MULTIMODAL_TASK_FINE_TUNING: the model is trained
 *
 * What is done with text that comes with images, sounds or videos.
 */
typedef enum
{
  HR_MULTIMODAL_TASK_INFERENCE,
  HR_MULTIMODAL_TASK_FINE_TUNING,
} HrMultimodalTask;

/**
 * HrAttentionImplementation:
 * @HR_ATTENTION_IMPLEMENTATION_EAGER: matrix products and a softmax, with the scores in memory
 * @HR_ATTENTION_IMPLEMENTATION_SDPA: torch's scaled_dot_product_attention, which takes its flash kernel where it can
 * @HR_ATTENTION_IMPLEMENTATION_SDPA_EFFICIENT: the same, held to the memory-efficient kernel
 * @HR_ATTENTION_IMPLEMENTATION_SDPA_MATH: the same, held to the math fallback
 * @HR_ATTENTION_IMPLEMENTATION_FLASH: the flash-attn package
 *
 * How the attention is computed.
 */
typedef enum
{
  HR_ATTENTION_IMPLEMENTATION_EAGER,
  HR_ATTENTION_IMPLEMENTATION_SDPA,
  HR_ATTENTION_IMPLEMENTATION_SDPA_EFFICIENT,
  HR_ATTENTION_IMPLEMENTATION_SDPA_MATH,
  HR_ATTENTION_IMPLEMENTATION_FLASH,
} HrAttentionImplementation;

/**
 * HrAttentionMask:
 * @HR_ATTENTION_MASK_NONE: no mask is passed
 * @HR_ATTENTION_MASK_ONES: a mask without padding is passed
 * @HR_ATTENTION_MASK_PADDED: the batch has sequences of different lengths
 *
 * The attention mask that comes with the batch.
 */
typedef enum
{
  HR_ATTENTION_MASK_NONE,
  HR_ATTENTION_MASK_ONES,
  HR_ATTENTION_MASK_PADDED,
} HrAttentionMask;

/**
 * HrEngine: (skip)
 * @HR_ENGINE_TRANSFORMERS: Hugging Face transformers' generate()
 * @HR_ENGINE_LLAMA_CPP: llama.cpp
 * @HR_ENGINE_VLLM: vLLM
 * @HR_ENGINE_OLLAMA: Ollama since 0.30, which starts llama.cpp's server
 * @HR_ENGINE_SGLANG: SGLang
 * @HR_ENGINE_LMDEPLOY: LMDeploy
 * @HR_ENGINE_TENSORRT_LLM: TensorRT-LLM with its PyTorch backend
 * @HR_ENGINE_MLX: mlx-lm, on the GPUs of Apple's machines
 * @HR_ENGINE_EXLLAMA: ExLlamaV3, as TabbyAPI serves it
 *
 * The program that runs the model.
 */
typedef enum
{
  HR_ENGINE_TRANSFORMERS,
  HR_ENGINE_LLAMA_CPP, /*< nick=llama.cpp >*/
  HR_ENGINE_VLLM,
  HR_ENGINE_OLLAMA,
  HR_ENGINE_SGLANG,
  HR_ENGINE_LMDEPLOY,
  HR_ENGINE_TENSORRT_LLM,
  HR_ENGINE_MLX,
  HR_ENGINE_EXLLAMA,
} HrEngine;

/**
 * HrLmdeployBackend:
 * @HR_LMDEPLOY_BACKEND_AUTO: TurboMind where it knows the model, otherwise PyTorch
 * @HR_LMDEPLOY_BACKEND_TURBOMIND: TurboMind
 * @HR_LMDEPLOY_BACKEND_PYTORCH: PyTorch
 *
 * What runs the layers of a model for LMDeploy.
 */
typedef enum
{
  HR_LMDEPLOY_BACKEND_AUTO,
  HR_LMDEPLOY_BACKEND_TURBOMIND,
  HR_LMDEPLOY_BACKEND_PYTORCH,
} HrLmdeployBackend;

/**
 * HrLmdeployRelease: (skip)
 * @HR_LMDEPLOY_RELEASE_0_13: 0.13 and later
 * @HR_LMDEPLOY_RELEASE_0_12: 0.12, whose PyTorch backend computes half as many tokens of prompts at once
 * @HR_LMDEPLOY_RELEASE_0_9_2: 0.9.2 to 0.11, whose TurboMind has more tables of tokens
 * @HR_LMDEPLOY_RELEASE_0_6: 0.6.0 to 0.9.1, whose PyTorch backend sets more apart
 * @HR_LMDEPLOY_RELEASE_0_3: 0.2.2 to 0.5, which compute 128 requests at once on every GPU
 * @HR_LMDEPLOY_RELEASE_0_2: 0.2.0 and 0.2.1, whose TurboMind takes a share of all memory
 *
 * The release of LMDeploy, as far as what it takes changed between them.
 */
typedef enum
{
  HR_LMDEPLOY_RELEASE_0_13,  /*< nick=0.13 >*/
  HR_LMDEPLOY_RELEASE_0_12,  /*< nick=0.12 >*/
  HR_LMDEPLOY_RELEASE_0_9_2, /*< nick=0.9.2 >*/
  HR_LMDEPLOY_RELEASE_0_6,   /*< nick=0.6 >*/
  HR_LMDEPLOY_RELEASE_0_3,   /*< nick=0.3 >*/
  HR_LMDEPLOY_RELEASE_0_2,   /*< nick=0.2 >*/
} HrLmdeployRelease;

/**
 * HrExllamaRelease: (skip)
 * @HR_EXLLAMA_RELEASE_1_4: 1.0 and later, whose layers add in place and whose attention reads a quantized cache
 * @HR_EXLLAMA_RELEASE_0_0_3: up to 0.0.4, which expand a quantized cache for each layer
 *
 * The release of ExLlamaV3, as far as what it takes changed between them.
 */
typedef enum
{
  HR_EXLLAMA_RELEASE_1_4,   /*< nick=1.4 >*/
  HR_EXLLAMA_RELEASE_0_0_3, /*< nick=0.0.3 >*/
} HrExllamaRelease;

/**
 * HrSglangRelease: (skip)
 * @HR_SGLANG_RELEASE_0_5_8: 0.5.4 and later, which leave room by the sizes of their batches
 * @HR_SGLANG_RELEASE_0_5: 0.4.8 to 0.5.3, which leave room by the memory of the GPU
 * @HR_SGLANG_RELEASE_0_4_6: 0.4.5 to 0.4.7, which take more of large GPUs
 * @HR_SGLANG_RELEASE_0_4: 0.4.0 to 0.4.4
 * @HR_SGLANG_RELEASE_0_3: 0.2 and 0.3
 *
 * The release of SGLang, as far as what it takes changed between them.
 */
typedef enum
{
  HR_SGLANG_RELEASE_0_5_8, /*< nick=0.5.8 >*/
  HR_SGLANG_RELEASE_0_5,   /*< nick=0.5 >*/
  HR_SGLANG_RELEASE_0_4_6, /*< nick=0.4.6 >*/
  HR_SGLANG_RELEASE_0_4,   /*< nick=0.4 >*/
  HR_SGLANG_RELEASE_0_3,   /*< nick=0.3 >*/
} HrSglangRelease;

/**
 * HrKtMethod:
 * @HR_KT_METHOD_NONE: the GPU has all experts
 * @HR_KT_METHOD_AMXINT4: four bits, a scale for each row
 * @HR_KT_METHOD_AMXINT8: eight bits, a scale for each row
 * @HR_KT_METHOD_RAWINT4: the four bits of the checkpoint, a scale for each of its groups
 * @HR_KT_METHOD_FP8: the eight-bit floats of the checkpoint, a scale for each block
 * @HR_KT_METHOD_FP8_PERCHANNEL: the eight-bit floats of the checkpoint, a scale for each row
 * @HR_KT_METHOD_BF16: sixteen bits
 *
 * The format in which kt-kernel of KTransformers keeps experts in the memory of the host.
 */
typedef enum
{
  HR_KT_METHOD_NONE,
  HR_KT_METHOD_AMXINT4,
  HR_KT_METHOD_AMXINT8,
  HR_KT_METHOD_RAWINT4,
  HR_KT_METHOD_FP8,
  HR_KT_METHOD_FP8_PERCHANNEL,
  HR_KT_METHOD_BF16,
} HrKtMethod;

/**
 * HrVllmRelease: (skip)
 * @HR_VLLM_RELEASE_0_28: 0.23 and later, with the model runner V2
 * @HR_VLLM_RELEASE_0_22: 0.21 and 0.22, which count CUDA graphs within their share of the memory
 * @HR_VLLM_RELEASE_0_20: 0.17 to 0.20, whose sampler has kernels of its own
 * @HR_VLLM_RELEASE_0_11: 0.9 to 0.16
 * @HR_VLLM_RELEASE_0_8: 0.8, with the engine that is its default, V1
 * @HR_VLLM_RELEASE_0_7: the engine V0: 0.6.5 to 0.7, and of later releases where they are told to use it
 *
 * The release of vLLM, as far as what it takes changed between them.
 */
typedef enum
{
  HR_VLLM_RELEASE_0_28, /*< nick=0.28 >*/
  HR_VLLM_RELEASE_0_22, /*< nick=0.22 >*/
  HR_VLLM_RELEASE_0_20, /*< nick=0.20 >*/
  HR_VLLM_RELEASE_0_11, /*< nick=0.11 >*/
  HR_VLLM_RELEASE_0_8,  /*< nick=0.8 >*/
  HR_VLLM_RELEASE_0_7,  /*< nick=0.7 >*/
} HrVllmRelease;

/**
 * HrFlashAttention:
 * @HR_FLASH_ATTENTION_AUTO: where the device has it for the heads of the model
 * @HR_FLASH_ATTENTION_ON: always
 * @HR_FLASH_ATTENTION_OFF: never
 *
 * Whether llama.cpp computes the attention without keeping its scores.
 */
typedef enum
{
  HR_FLASH_ATTENTION_AUTO,
  HR_FLASH_ATTENTION_ON,
  HR_FLASH_ATTENTION_OFF,
} HrFlashAttention;

/**
 * HrSplitMode:
 * @HR_SPLIT_MODE_LAYER: whole layers, and their keys and values
 * @HR_SPLIT_MODE_NONE: not at all: one GPU is used
 *
 * How llama.cpp divides a model among GPUs.
 */
typedef enum
{
  HR_SPLIT_MODE_LAYER,
  HR_SPLIT_MODE_NONE,
} HrSplitMode;

/**
 * HrProjectorFile:
 * @HR_PROJECTOR_FILE_AUTO: the one that llama.cpp finds beside a model that it takes from Hugging Face
 * @HR_PROJECTOR_FILE_NONE: none is loaded
 * @HR_PROJECTOR_FILE_F16: matrices in 16-bit floats
 * @HR_PROJECTOR_FILE_BF16: in bfloat16
 * @HR_PROJECTOR_FILE_Q8_0: in eight bits, blocks of 32
 * @HR_PROJECTOR_FILE_F32: in 32-bit floats
 *
 * The multimodal projector that llama.cpp loads beside a model.
 */
typedef enum
{
  HR_PROJECTOR_FILE_AUTO,
  HR_PROJECTOR_FILE_NONE,
  HR_PROJECTOR_FILE_F16,
  HR_PROJECTOR_FILE_BF16,
  HR_PROJECTOR_FILE_Q8_0, /*< nick=q8_0 >*/
  HR_PROJECTOR_FILE_F32,
} HrProjectorFile;

/**
 * HrLlamaRelease:
 * @HR_LLAMA_RELEASE_B11669: of October 2026, which has room for a mixture of tokens and vectors; its server, as others
 *   since June 2026, for the logits of one token of each sequence
 * @HR_LLAMA_RELEASE_B10488: of August 2026, and others from June to September, which Ollama starts
 * @HR_LLAMA_RELEASE_B9272: of May 2026, and those since January 2026, which have room for the logits of all tokens
 * @HR_LLAMA_RELEASE_B7522: of December 2025, and those since spring 2025, whose flash attention keeps more beside
 * @HR_LLAMA_RELEASE_B4500: of January 2025, and those from May 2024 to spring 2025
 *
 * The release of llama.cpp, as far as what it reserves changed between them.
 */
typedef enum
{
  HR_LLAMA_RELEASE_B11669, /*< nick=b11669 >*/
  HR_LLAMA_RELEASE_B10488, /*< nick=b10488 >*/
  HR_LLAMA_RELEASE_B9272,  /*< nick=b9272 >*/
  HR_LLAMA_RELEASE_B7522,  /*< nick=b7522 >*/
  HR_LLAMA_RELEASE_B4500,  /*< nick=b4500 >*/
} HrLlamaRelease;

/**
 * HrLlamaCacheType:
 * @HR_LLAMA_CACHE_TYPE_AUTO: that of the KV cache's data type, or 16-bit floats
 * @HR_LLAMA_CACHE_TYPE_F32: 32-bit floats
 * @HR_LLAMA_CACHE_TYPE_F16: 16-bit floats
 * @HR_LLAMA_CACHE_TYPE_BF16: bfloat16
 * @HR_LLAMA_CACHE_TYPE_Q8_0: eight bits, blocks of 32
 * @HR_LLAMA_CACHE_TYPE_Q5_1: five bits with an offset, blocks of 32
 * @HR_LLAMA_CACHE_TYPE_Q5_0: five bits, blocks of 32
 * @HR_LLAMA_CACHE_TYPE_IQ4_NL: four bits by a table, blocks of 32
 * @HR_LLAMA_CACHE_TYPE_Q4_1: four bits with an offset, blocks of 32
 * @HR_LLAMA_CACHE_TYPE_Q4_0: four bits, blocks of 32
 *
 * What llama.cpp keeps keys or values in.
 */
typedef enum
{
  HR_LLAMA_CACHE_TYPE_AUTO,
  HR_LLAMA_CACHE_TYPE_F32,
  HR_LLAMA_CACHE_TYPE_F16,
  HR_LLAMA_CACHE_TYPE_BF16,
  HR_LLAMA_CACHE_TYPE_Q8_0,   /*< nick=q8_0 >*/
  HR_LLAMA_CACHE_TYPE_Q5_1,   /*< nick=q5_1 >*/
  HR_LLAMA_CACHE_TYPE_Q5_0,   /*< nick=q5_0 >*/
  HR_LLAMA_CACHE_TYPE_IQ4_NL, /*< nick=iq4_nl >*/
  HR_LLAMA_CACHE_TYPE_Q4_1,   /*< nick=q4_1 >*/
  HR_LLAMA_CACHE_TYPE_Q4_0,   /*< nick=q4_0 >*/
} HrLlamaCacheType;

/**
 * HrLogitsToKeep:
 * @HR_LOGITS_TO_KEEP_LAST: logits of the last position, as generate() asks for
 * @HR_LOGITS_TO_KEEP_ALL: logits of every position of the prompt
 *
 * The positions for which prefill computes logits.
 */
typedef enum
{
  HR_LOGITS_TO_KEEP_LAST,
  HR_LOGITS_TO_KEEP_ALL,
} HrLogitsToKeep;

/**
 * HrTrainingFramework:
 * @HR_TRAINING_FRAMEWORK_PYTORCH: a plain loop in PyTorch over the transformers implementation
 * @HR_TRAINING_FRAMEWORK_TRANSFORMERS: Hugging Face transformers' Trainer
 * @HR_TRAINING_FRAMEWORK_TRL: TRL's SFTTrainer
 * @HR_TRAINING_FRAMEWORK_MEGATRON_LM: NVIDIA's Megatron-LM
 * @HR_TRAINING_FRAMEWORK_DEEPSPEED: DeepSpeed
 * @HR_TRAINING_FRAMEWORK_TORCHTITAN: PyTorch's torchtitan
 * @HR_TRAINING_FRAMEWORK_UNSLOTH: Unsloth
 * @HR_TRAINING_FRAMEWORK_VERL: verl, with FSDP
 * @HR_TRAINING_FRAMEWORK_OPENRLHF: OpenRLHF, with DeepSpeed
 * @HR_TRAINING_FRAMEWORK_COLOSSALAI: ColossalChat, with ColossalAI's low-level ZeRO
 *
 * The program that trains the model.
 */
typedef enum
{
  HR_TRAINING_FRAMEWORK_PYTORCH,
  HR_TRAINING_FRAMEWORK_TRANSFORMERS,
  HR_TRAINING_FRAMEWORK_TRL,
  HR_TRAINING_FRAMEWORK_MEGATRON_LM,
  HR_TRAINING_FRAMEWORK_DEEPSPEED,
  HR_TRAINING_FRAMEWORK_TORCHTITAN,
  HR_TRAINING_FRAMEWORK_UNSLOTH,
  HR_TRAINING_FRAMEWORK_VERL,
  HR_TRAINING_FRAMEWORK_OPENRLHF,
  HR_TRAINING_FRAMEWORK_COLOSSALAI,
} HrTrainingFramework;

/**
 * HrTrlRelease:
 * @HR_TRL_RELEASE_0_14: TRL until 0.14, which computes nothing of the logits but the loss
 * @HR_TRL_RELEASE_0_15: TRL 0.15 to 0.21, which counts how many tokens a copy of the logits predicts
 * @HR_TRL_RELEASE_0_22: TRL 0.22, which computes the entropy of each sequence as well
 * @HR_TRL_RELEASE_0_23: TRL 0.23 and 0.24, which compute it for 128 tokens at a time
 * @HR_TRL_RELEASE_0_25: TRL 0.25, which holds but the norms of quantized models in fp32
 * @HR_TRL_RELEASE_0_26: TRL 0.26 to 1.2, which does not prepare quantized models any more
 * @HR_TRL_RELEASE_1_3: TRL 1.3 to 1.5, which makes a copy for each of the two
 * @HR_TRL_RELEASE_1_6: TRL from 1.6 on, which makes one for both
 *
 * What SFTTrainer logs of the logits, beside their loss, changed between its releases, and what it makes of quantized
 * models.
 */
typedef enum
{
  HR_TRL_RELEASE_0_14,
  HR_TRL_RELEASE_0_15,
  HR_TRL_RELEASE_0_22,
  HR_TRL_RELEASE_0_23,
  HR_TRL_RELEASE_0_25,
  HR_TRL_RELEASE_0_26,
  HR_TRL_RELEASE_1_3,
  HR_TRL_RELEASE_1_6,
} HrTrlRelease;

/**
 * HrAutocast:
 * @HR_AUTOCAST_NONE: all is computed in the dtype of the parameters
 * @HR_AUTOCAST_BFLOAT16: products are computed in bfloat16
 * @HR_AUTOCAST_FLOAT16: products are computed in float16
 *
 * What `torch.autocast` computes products in.
 */
typedef enum
{
  HR_AUTOCAST_NONE,
  HR_AUTOCAST_BFLOAT16,
  HR_AUTOCAST_FLOAT16,
} HrAutocast;

/**
 * HrMasterDtype:
 * @HR_MASTER_DTYPE_NONE: the optimizer works on the parameters themselves
 * @HR_MASTER_DTYPE_FLOAT32: it works on a copy of them in fp32
 *
 * What a separate copy of the parameters is kept in.
 */
typedef enum
{
  HR_MASTER_DTYPE_NONE,
  HR_MASTER_DTYPE_FLOAT32,
} HrMasterDtype;

/**
 * HrPrecisionRecipe:
 * @HR_PRECISION_RECIPE_CUSTOM: what the settings of precision say one by one
 * @HR_PRECISION_RECIPE_FP32: everything in fp32; with Adam 16 bytes a parameter
 * @HR_PRECISION_RECIPE_AUTOCAST: parameters in fp32 under torch.autocast; 16 bytes, and copies that autocast makes
 * @HR_PRECISION_RECIPE_HALF: everything in 16 bits; 8 bytes
 * @HR_PRECISION_RECIPE_MIXED_16: parameters and gradients in 16 bits, master weights in fp32; 2 + 2 + 4 + 8 bytes
 * @HR_PRECISION_RECIPE_MIXED_18: gradients in fp32 instead; 2 + 4 + 4 + 8 bytes
 * @HR_PRECISION_RECIPE_MIXED_20: gradients in 16 bits and their sums in fp32; 2 + 2 + 4 + 4 + 8 bytes
 *
 * What parameters, gradients and copies of them are held in.
 */
typedef enum
{
  HR_PRECISION_RECIPE_CUSTOM,
  HR_PRECISION_RECIPE_FP32,
  HR_PRECISION_RECIPE_AUTOCAST,
  HR_PRECISION_RECIPE_HALF,
  HR_PRECISION_RECIPE_MIXED_16,
  HR_PRECISION_RECIPE_MIXED_18,
  HR_PRECISION_RECIPE_MIXED_20,
} HrPrecisionRecipe;

/**
 * HrGradientDtype:
 * @HR_GRADIENT_DTYPE_SAME: what the parameters are held in
 * @HR_GRADIENT_DTYPE_FLOAT32: fp32
 * @HR_GRADIENT_DTYPE_BOTH: what the parameters are held in, and their sums in fp32 beside them
 *
 * What gradients are added up in.
 */
typedef enum
{
  HR_GRADIENT_DTYPE_SAME,
  HR_GRADIENT_DTYPE_FLOAT32,
  HR_GRADIENT_DTYPE_BOTH,
} HrGradientDtype;

/**
 * HrGradientCheckpointing:
 * @HR_GRADIENT_CHECKPOINTING_NONE: what the backward pass needs is kept
 * @HR_GRADIENT_CHECKPOINTING_FULL: of each layer only what goes into it is kept
 * @HR_GRADIENT_CHECKPOINTING_SELECTIVE: what is cheap to compute is computed anew, such as the inside of the attention
 *
 * What is computed anew in the backward pass.
 */
typedef enum
{
  HR_GRADIENT_CHECKPOINTING_NONE,
  HR_GRADIENT_CHECKPOINTING_FULL,
  HR_GRADIENT_CHECKPOINTING_SELECTIVE,
} HrGradientCheckpointing;

/**
 * HrSelectiveCheckpointing:
 * @HR_SELECTIVE_CHECKPOINTING_OPERATORS: all of a layer but for what every second product and the attention make, as
 *   torchtitan does
 * @HR_SELECTIVE_CHECKPOINTING_ATTENTION: the attention alone, from queries, keys and values to its output, as
 *   Megatron-LM does
 * @HR_SELECTIVE_CHECKPOINTING_EVERY_NTH: one of some layers, as a whole
 * @HR_SELECTIVE_CHECKPOINTING_FIRST: the first layers, as a whole
 *
 * What selective checkpointing computes anew.
 */
typedef enum
{
  HR_SELECTIVE_CHECKPOINTING_OPERATORS,
  HR_SELECTIVE_CHECKPOINTING_ATTENTION,
  HR_SELECTIVE_CHECKPOINTING_EVERY_NTH,
  HR_SELECTIVE_CHECKPOINTING_FIRST,
} HrSelectiveCheckpointing;

/**
 * HrRuleOfThumb:
 * @HR_RULE_OF_THUMB_ARTICLES: the formulas of articles
 * @HR_RULE_OF_THUMB_KORTHIKANTI: the activations of “Reducing Activation Recomputation in Large Transformer Models”
 * @HR_RULE_OF_THUMB_MEGATRON_LM: what Megatron-LM reports before it trains
 *
 * Which formulas stand beside the exact figure.
 */
typedef enum
{
  HR_RULE_OF_THUMB_ARTICLES,
  HR_RULE_OF_THUMB_KORTHIKANTI,
  HR_RULE_OF_THUMB_MEGATRON_LM,
} HrRuleOfThumb;

/**
 * HrFp8Recipe:
 * @HR_FP8_RECIPE_NONE: none is
 * @HR_FP8_RECIPE_TENSORWISE: with one scale for a tensor, which is found when it is cast
 * @HR_FP8_RECIPE_ROWWISE: with a scale for each row, or each column, that a product sums over
 * @HR_FP8_RECIPE_ROWWISE_WITH_GW_HP: the same, but the gradients of weights are products of what has not been cast
 * @HR_FP8_RECIPE_DELAYED: with one scale for a tensor, from the largest values of steps before (Transformer Engine)
 *
 * How the factors of products are cast to 8 bits in training, as the recipes of torchao.float8 and Transformer Engine
 * name it.
 */
typedef enum
{
  HR_FP8_RECIPE_NONE,
  HR_FP8_RECIPE_TENSORWISE,
  HR_FP8_RECIPE_ROWWISE,
  HR_FP8_RECIPE_ROWWISE_WITH_GW_HP,
  HR_FP8_RECIPE_DELAYED,
} HrFp8Recipe;

/**
 * HrFp8Backend:
 * @HR_FP8_BACKEND_TORCHAO: torchao.float8
 * @HR_FP8_BACKEND_TRANSFORMER_ENGINE: NVIDIA's Transformer Engine
 *
 * Whose linear layers compute in fp8.
 */
typedef enum
{
  HR_FP8_BACKEND_TORCHAO,
  HR_FP8_BACKEND_TRANSFORMER_ENGINE,
} HrFp8Backend;

/**
 * HrFusedKernels:
 * @HR_FUSED_KERNELS_NONE: torch's own operators
 * @HR_FUSED_KERNELS_LIGER: those of Liger-Kernel
 *
 * Whose kernels take the place of norms, activations and rotations.
 */
typedef enum
{
  HR_FUSED_KERNELS_NONE,
  HR_FUSED_KERNELS_LIGER,
} HrFusedKernels;

/**
 * HrLossImplementation:
 * @HR_LOSS_IMPLEMENTATION_AUTO: what the fused kernels come with for the type of model, torch's without them
 * @HR_LOSS_IMPLEMENTATION_CROSS_ENTROPY: torch's, of logits in fp32
 * @HR_LOSS_IMPLEMENTATION_LIGER_CROSS_ENTROPY: Liger-Kernel's, which writes the gradient over these logits
 * @HR_LOSS_IMPLEMENTATION_LIGER_FUSED_LINEAR_CROSS_ENTROPY: Liger-Kernel's, together with the output head, a part of
 *   the tokens at a time
 * @HR_LOSS_IMPLEMENTATION_CUT_CROSS_ENTROPY: Apple's cut cross entropy, together with the output head, without logits
 * @HR_LOSS_IMPLEMENTATION_CHUNKED_NLL: TRL's, the output head and the loss of 256 tokens at a time
 * @HR_LOSS_IMPLEMENTATION_LIGER_GRPO: Liger-Kernel's loss of GRPO, together with the output head, an answer at a time
 * @HR_LOSS_IMPLEMENTATION_UNSLOTH_FUSED: Unsloth's, together with the output head, as many tokens at a time as have
 *   logits of 4 GiB in fp32
 * @HR_LOSS_IMPLEMENTATION_MEGATRON_FUSED: Megatron-LM's, in kernels that torch compiles
 *
 * What computes the cross entropy.
 */
typedef enum
{
  HR_LOSS_IMPLEMENTATION_AUTO,
  HR_LOSS_IMPLEMENTATION_CROSS_ENTROPY,
  HR_LOSS_IMPLEMENTATION_LIGER_CROSS_ENTROPY,
  HR_LOSS_IMPLEMENTATION_LIGER_FUSED_LINEAR_CROSS_ENTROPY,
  HR_LOSS_IMPLEMENTATION_CUT_CROSS_ENTROPY,
  HR_LOSS_IMPLEMENTATION_CHUNKED_NLL,
  HR_LOSS_IMPLEMENTATION_LIGER_GRPO,
  HR_LOSS_IMPLEMENTATION_UNSLOTH_FUSED,
  HR_LOSS_IMPLEMENTATION_MEGATRON_FUSED,
} HrLossImplementation;

/**
 * HrExamplePacking:
 * @HR_EXAMPLE_PACKING_NONE: each example is a row, padded to the length of the others
 * @HR_EXAMPLE_PACKING_PADDING_FREE: the examples of a batch are one row, without padding
 * @HR_EXAMPLE_PACKING_BFD: examples are packed into rows of one length, best fit decreasing, and a batch is one row of
 *   all of these
 * @HR_EXAMPLE_PACKING_WRAPPED: a stream of all examples is cut into rows of the same length
 *
 * How examples become the rows of a batch.
 */
typedef enum
{
  HR_EXAMPLE_PACKING_NONE,
  HR_EXAMPLE_PACKING_PADDING_FREE,
  HR_EXAMPLE_PACKING_BFD,
  HR_EXAMPLE_PACKING_WRAPPED,
} HrExamplePacking;

/**
 * HrActivationOffload:
 * @HR_ACTIVATION_OFFLOAD_NONE: on the device
 * @HR_ACTIVATION_OFFLOAD_SAVE_ON_CPU: on the host, each tensor by itself, as torch.autograd.graph.save_on_cpu does
 * @HR_ACTIVATION_OFFLOAD_LAYER_INPUTS: on the host what goes into layers that are computed anew, as Unsloth does
 *
 * Where what the backward pass needs waits for it.
 */
typedef enum
{
  HR_ACTIVATION_OFFLOAD_NONE,
  HR_ACTIVATION_OFFLOAD_SAVE_ON_CPU,
  HR_ACTIVATION_OFFLOAD_LAYER_INPUTS,
} HrActivationOffload;

/**
 * HrOptimizerKind:
 *
 * What turns gradients into new parameters.
 */
typedef enum
{
  HR_OPTIMIZER_KIND_ADAMW,
  HR_OPTIMIZER_KIND_ADAM,
  HR_OPTIMIZER_KIND_SGD,
  HR_OPTIMIZER_KIND_SGD_MOMENTUM,
  HR_OPTIMIZER_KIND_ADAFACTOR,
  HR_OPTIMIZER_KIND_ADAMW_8BIT,
  HR_OPTIMIZER_KIND_PAGED_ADAMW_8BIT,
  HR_OPTIMIZER_KIND_PAGED_ADAMW,
  HR_OPTIMIZER_KIND_ADAMW_4BIT,
  HR_OPTIMIZER_KIND_LION,
  HR_OPTIMIZER_KIND_LION_8BIT,
  HR_OPTIMIZER_KIND_SOPHIA,
  HR_OPTIMIZER_KIND_MUON,
  HR_OPTIMIZER_KIND_GALORE,
  HR_OPTIMIZER_KIND_APOLLO,
  HR_OPTIMIZER_KIND_LOMO,
  HR_OPTIMIZER_KIND_ADALOMO,
  HR_OPTIMIZER_KIND_ADAM_MINI,
  HR_OPTIMIZER_KIND_SHAMPOO,
  HR_OPTIMIZER_KIND_SOAP,
  HR_OPTIMIZER_KIND_TORCH_ADAFACTOR,
} HrOptimizerKind;

/**
 * HrOptimizerImplementation:
 * @HR_OPTIMIZER_IMPLEMENTATION_AUTO: what the framework takes
 * @HR_OPTIMIZER_IMPLEMENTATION_FOREACH: all parameters at once
 * @HR_OPTIMIZER_IMPLEMENTATION_FOR_LOOP: one parameter after the other
 * @HR_OPTIMIZER_IMPLEMENTATION_FUSED: in one kernel
 *
 * Which of torch's implementations steps the parameters.
 */
typedef enum
{
  HR_OPTIMIZER_IMPLEMENTATION_AUTO,
  HR_OPTIMIZER_IMPLEMENTATION_FOREACH,
  HR_OPTIMIZER_IMPLEMENTATION_FOR_LOOP,
  HR_OPTIMIZER_IMPLEMENTATION_FUSED,
} HrOptimizerImplementation;

/**
 * HrLogitsUpcast:
 * @HR_LOGITS_UPCAST_LOSS: in the loss function, which shifts the labels (transformers from 4.49 on)
 * @HR_LOGITS_UPCAST_SHIFTED: in the loss function, which makes a shifted copy of the logits (transformers 4.46 to 4.48)
 * @HR_LOGITS_UPCAST_FORWARD: in the model's own function, which makes a shifted copy as well (transformers until 4.45)
 *
 * Where logits are cast to fp32 for the loss.
 */
typedef enum
{
  HR_LOGITS_UPCAST_LOSS,
  HR_LOGITS_UPCAST_SHIFTED,
  HR_LOGITS_UPCAST_FORWARD,
} HrLogitsUpcast;

/**
 * HrGptqKernel:
 * @HR_GPTQ_KERNEL_TORCH: torch’s own product of the expanded matrix, which is kept for the backward pass
 * @HR_GPTQ_KERNEL_TRITON: a function that expands the matrix once more in the backward pass
 *
 * What multiplies with the matrices of GPTQ where adapters are trained beside them.
 */
typedef enum
{
  HR_GPTQ_KERNEL_TORCH,
  HR_GPTQ_KERNEL_TRITON,
} HrGptqKernel;

/**
 * HrZeroGrad:
 * @HR_ZERO_GRAD_AFTER_STEP: gradients go after the optimizer's step
 * @HR_ZERO_GRAD_BEFORE_BACKWARD: they stay until the next backward pass begins
 * @HR_ZERO_GRAD_KEPT: they are set to zero and stay (set_to_none=False)
 *
 * When the loop lets go of gradients.
 */
typedef enum
{
  HR_ZERO_GRAD_AFTER_STEP,
  HR_ZERO_GRAD_BEFORE_BACKWARD,
  HR_ZERO_GRAD_KEPT,
} HrZeroGrad;

/**
 * HrFsdp:
 * @HR_FSDP_NONE: parameters are not sharded
 * @HR_FSDP_FULL_SHARD: parameters, gradients and states are, and what a layer needs is gathered each time it runs
 * @HR_FSDP_SHARD_GRAD_OP: likewise, but what was gathered stays until the layer has been differentiated
 * @HR_FSDP_HYBRID_SHARD: as the first among some of the ranks, of which there are several groups
 *
 * How parameters are sharded among the ranks of data parallelism.
 */
typedef enum
{
  HR_FSDP_NONE,
  HR_FSDP_FULL_SHARD,
  HR_FSDP_SHARD_GRAD_OP,
  HR_FSDP_HYBRID_SHARD,
} HrFsdp;

/**
 * HrFsdpVersion:
 * @HR_FSDP_VERSION_1: FullyShardedDataParallel, with flat parameters
 * @HR_FSDP_VERSION_2: fully_shard, which shards each parameter
 *
 * Which of torch's two shards parameters.
 */
typedef enum
{
  HR_FSDP_VERSION_1,
  HR_FSDP_VERSION_2,
} HrFsdpVersion;

/**
 * HrOffload:
 * @HR_OFFLOAD_NONE: on the device
 * @HR_OFFLOAD_CPU: in the memory of the host
 * @HR_OFFLOAD_NVME: on a disk
 *
 * Where what is not needed waits.
 */
typedef enum
{
  HR_OFFLOAD_NONE,
  HR_OFFLOAD_CPU,
  HR_OFFLOAD_NVME,
} HrOffload;

/**
 * HrPipelineSchedule:
 * @HR_PIPELINE_SCHEDULE_1F1B: backward passes as soon as they can be, in turns with forward passes; interleaved where
 *   ranks have several parts of the layers
 * @HR_PIPELINE_SCHEDULE_GPIPE: all forward passes, then all backward passes
 * @HR_PIPELINE_SCHEDULE_ZERO_BUBBLE: gradients of weights are computed behind those of inputs, where ranks would wait
 *   (ZB1P)
 * @HR_PIPELINE_SCHEDULE_ZBV: the same with two parts on each rank, of which the second ones come in the opposite order
 * @HR_PIPELINE_SCHEDULE_DUALPIPE_V: with such parts, forward and backward passes in pairs (DualPipeV)
 *
 * In which order the ranks of a pipeline run micro-batches (torch/distributed/pipelining/schedules.py).
 */
typedef enum
{
  HR_PIPELINE_SCHEDULE_1F1B,
  HR_PIPELINE_SCHEDULE_GPIPE,
  HR_PIPELINE_SCHEDULE_ZERO_BUBBLE,
  HR_PIPELINE_SCHEDULE_ZBV,
  HR_PIPELINE_SCHEDULE_DUALPIPE_V,
} HrPipelineSchedule;

/**
 * HrMoeDispatcher:
 * @HR_MOE_DISPATCHER_ALLGATHER: all tokens come to all ranks that share experts
 * @HR_MOE_DISPATCHER_ALLTOALL: tokens are sent to the ranks that have their experts
 *
 * How tokens come to their experts.
 */
typedef enum
{
  HR_MOE_DISPATCHER_ALLGATHER,
  HR_MOE_DISPATCHER_ALLTOALL,
} HrMoeDispatcher;

/**
 * HrBackwardPrefetch:
 * @HR_BACKWARD_PREFETCH_NONE: when it is needed
 * @HR_BACKWARD_PREFETCH_BACKWARD_PRE: before the layer behind it is differentiated
 * @HR_BACKWARD_PREFETCH_BACKWARD_POST: when that has let go of what was gathered for it
 *
 * When what a layer needs in the backward pass is gathered.
 */
typedef enum
{
  HR_BACKWARD_PREFETCH_NONE,
  HR_BACKWARD_PREFETCH_BACKWARD_PRE,
  HR_BACKWARD_PREFETCH_BACKWARD_POST,
} HrBackwardPrefetch;

/**
 * HrAlgorithm:
 * @HR_ALGORITHM_SFT: supervised fine-tuning: the next token
 * @HR_ALGORITHM_DPO: direct preference optimization: a chosen and a rejected answer
 * @HR_ALGORITHM_IPO: identity preference optimization, whose loss is made of the same log-probabilities
 * @HR_ALGORITHM_GRPO: group relative policy optimization: several answers to each prompt, compared with each other
 * @HR_ALGORITHM_DR_GRPO: the same without the division by lengths and deviations
 * @HR_ALGORITHM_DAPO: the same with the loss over all tokens
 * @HR_ALGORITHM_GSPO: the same with ratios of whole sequences
 * @HR_ALGORITHM_RLOO: REINFORCE, each answer compared with the others to its prompt
 * @HR_ALGORITHM_KTO: Kahneman-Tversky optimization: answers that are each good or bad
 * @HR_ALGORITHM_ORPO: odds ratio preference optimization: pairs and the next token of the chosen one, no reference
 * @HR_ALGORITHM_SIMPO: simple preference optimization: pairs, no reference
 * @HR_ALGORITHM_REWARD: a reward model: a number for each of a chosen and a rejected answer
 * @HR_ALGORITHM_ONLINE_DPO: the same as DPO, with two answers that the model has generated itself
 * @HR_ALGORITHM_PPO: proximal policy optimization: answers that a reward model scores and a value model foresees
 *
 * What a model is trained by.
 */
typedef enum
{
  HR_ALGORITHM_SFT,
  HR_ALGORITHM_DPO,
  HR_ALGORITHM_IPO,
  HR_ALGORITHM_GRPO,
  HR_ALGORITHM_DR_GRPO,
  HR_ALGORITHM_DAPO,
  HR_ALGORITHM_GSPO,
  HR_ALGORITHM_RLOO,
  HR_ALGORITHM_KTO,
  HR_ALGORITHM_ORPO,
  HR_ALGORITHM_SIMPO,
  HR_ALGORITHM_REWARD,
  HR_ALGORITHM_ONLINE_DPO,
  HR_ALGORITHM_PPO,
} HrAlgorithm;

/**
 * HrValueModel:
 * @HR_VALUE_MODEL_FULL: a model of its own, all of which is trained
 * @HR_VALUE_MODEL_LORA: a model of its own, fine-tuned as the policy is
 * @HR_VALUE_MODEL_HEAD: a model of its own, of which the head alone is trained
 * @HR_VALUE_MODEL_SHARED: a head of its own on the layers of the policy
 *
 * What foresees the rewards of answers that are not written to their end.
 */
typedef enum
{
  HR_VALUE_MODEL_FULL,
  HR_VALUE_MODEL_LORA,
  HR_VALUE_MODEL_HEAD,
  HR_VALUE_MODEL_SHARED,
} HrValueModel;

/**
 * HrRewardModel:
 * @HR_REWARD_MODEL_OWN: a model of its own
 * @HR_REWARD_MODEL_SHARED: a head of its own on the layers of the reference model
 * @HR_REWARD_MODEL_ELSEWHERE: on another device, or a function
 *
 * What scores answers.
 */
typedef enum
{
  HR_REWARD_MODEL_OWN,
  HR_REWARD_MODEL_SHARED,
  HR_REWARD_MODEL_ELSEWHERE,
} HrRewardModel;

/**
 * HrRollout:
 * @HR_ROLLOUT_NONE: elsewhere, so that nothing of it is on this device
 * @HR_ROLLOUT_TRANSFORMERS: by transformers, in the trainer itself
 * @HR_ROLLOUT_VLLM_COLOCATED: by vLLM, on the same device, in a share of its memory
 * @HR_ROLLOUT_VLLM_SERVER: by a vLLM server on other devices
 *
 * Where the answers are generated that the model is trained on.
 */
typedef enum
{
  HR_ROLLOUT_NONE,
  HR_ROLLOUT_TRANSFORMERS,
  HR_ROLLOUT_VLLM_COLOCATED,
  HR_ROLLOUT_VLLM_SERVER,
} HrRollout;

/**
 * HrRolloutSleep:
 * @HR_ROLLOUT_SLEEP_NONE: it keeps its weights and its cache
 * @HR_ROLLOUT_SLEEP_LEVEL_1: its weights are moved to the host, its cache is given up
 * @HR_ROLLOUT_SLEEP_LEVEL_2: both are given up, and the weights are copied in anew
 *
 * What an engine on the same device lets go of while the trainer works.
 */
typedef enum
{
  HR_ROLLOUT_SLEEP_NONE,
  HR_ROLLOUT_SLEEP_LEVEL_1,
  HR_ROLLOUT_SLEEP_LEVEL_2,
} HrRolloutSleep;

/**
 * HrFineTuningMethod:
 *
 * Which parameters are trained.
 */
typedef enum
{
  HR_FINE_TUNING_METHOD_FULL,
  HR_FINE_TUNING_METHOD_FREEZE,
  HR_FINE_TUNING_METHOD_LORA,
  HR_FINE_TUNING_METHOD_QLORA,
  HR_FINE_TUNING_METHOD_RSLORA,
  HR_FINE_TUNING_METHOD_DORA,
  HR_FINE_TUNING_METHOD_LORA_PLUS,
  HR_FINE_TUNING_METHOD_PISSA,
  HR_FINE_TUNING_METHOD_LORA_FA,
  HR_FINE_TUNING_METHOD_VERA,
  HR_FINE_TUNING_METHOD_ADALORA,
  HR_FINE_TUNING_METHOD_LOHA,
  HR_FINE_TUNING_METHOD_LOKR,
  HR_FINE_TUNING_METHOD_PREFIX,
  HR_FINE_TUNING_METHOD_P_TUNING,
  HR_FINE_TUNING_METHOD_PROMPT,
  HR_FINE_TUNING_METHOD_IA3,
  HR_FINE_TUNING_METHOD_HOULSBY,
  HR_FINE_TUNING_METHOD_BITFIT,
} HrFineTuningMethod;

/**
 * HrFrozenParts:
 * @HR_FROZEN_PARTS_NONE: nothing is frozen
 * @HR_FROZEN_PARTS_TOWERS: what sees and hears is
 * @HR_FROZEN_PARTS_TOWERS_AND_PROJECTORS: so is what makes of that what the language model reads
 * @HR_FROZEN_PARTS_ALL_BUT_PROJECTORS: so are the towers and the language model, and that alone is trained
 *
 * Which parts of a model that sees or hears are not trained where the others are.
 */
typedef enum
{
  HR_FROZEN_PARTS_NONE,
  HR_FROZEN_PARTS_TOWERS,
  HR_FROZEN_PARTS_TOWERS_AND_PROJECTORS,
  HR_FROZEN_PARTS_ALL_BUT_PROJECTORS,
} HrFrozenParts;

G_END_DECLS
