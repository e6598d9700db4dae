/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-serving-layout.h"

#include "hr-inference-job.h"
#include "hr-layout.h"
#include "hr-message.h"
#include "hr-model-private.h"
#include "hr-pass.h"
#include "hr-serving-compressed.h"

/*
 * What a rank of an engine has of a model: vLLM’s layers, which SGLang’s are made after. Matrices and heads are divided
 * as Megatron-LM has them; where there are fewer heads of keys and values than ranks, each rank has one
 * (QKVParallelLinear of vllm/model_executor/layers/linear.py). The latent of multi-head latent attention, and what it
 * is made with, each rank has whole, as well as routers (ReplicatedLinear).
 */

/* DEFAULT_VOCAB_PADDING_SIZE of vllm/model_executor/layers/vocab_parallel_embedding.py: of the rows of all ranks. */
#define VOCABULARY_MULTIPLE 64

static char *
format_number (guint64 number)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

/* As many copies as the GPUs allow, at least one. */
static gboolean
resolve_data (HrServingLayout  *self,
              guint             n_gpus,
              GError          **error)
{
  guint64 n_inner = self->tensor * self->pipeline;

  if (!hr_layout_resolve_copies (n_inner, n_gpus, &self->data, error))
    return FALSE;

  self->n_ranks = n_inner * self->data;

  return TRUE;
}

/*
 * All ranks of a stage share experts, those that answer other requests included: each has some of them, or all of them
 * have a part of each (FusedMoEParallelConfig.make of vllm/model_executor/layers/fused_moe/config.py).
 */
static gboolean
resolve_experts (HrServingLayout  *self,
                 HrJob            *job,
                 GError          **error)
{
  guint64 degree = hr_job_get_expert_parallel (job);
  guint64 n_sharers = self->shares_experts ? self->tensor * self->data : self->tensor;
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  self->expert = degree;
  self->expert_tensor = degree > 1 ? 1 : n_sharers;
  if (degree == 1 || degree == n_sharers)
    return TRUE;

  found = format_number (degree);
  if (n_sharers == 1)
    {
      hr_message_set_error (error, HR_ERROR_VALUE,
                            self->shares_experts
                              ? N_("expert-parallel: expected 1, as one rank has all experts where tensor-parallel and "
                                   "data-parallel are 1; found %s")
                              : N_("expert-parallel: expected 1, as each copy has experts of its own and "
                                   "tensor-parallel is 1; found %s"), found);
      return FALSE;
    }

  expected = format_number (n_sharers);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        self->shares_experts
                          ? N_("expert-parallel: expected 1 or %s, which is tensor-parallel × data-parallel, as all "
                               "ranks of a stage share experts; found %s")
                          : N_("expert-parallel: expected 1 or %s, which is tensor-parallel, as each copy has experts "
                               "of its own; found %s"), expected, found);

  return FALSE;
}

/*
 * Copies that engines other than vLLM make are whole, unless SGLang is told to make them of the attention alone
 * (--enable-dp-attention).
 */
static gboolean
shares_experts (HrJob *job)
{
  if (!HR_IS_INFERENCE_JOB (job))
    return TRUE;

  switch ((guint) hr_inference_job_get_engine (HR_INFERENCE_JOB (job)))
    {
    case HR_ENGINE_SGLANG:
      return hr_inference_job_get_dp_attention (HR_INFERENCE_JOB (job));

    case HR_ENGINE_LMDEPLOY:
    case HR_ENGINE_TENSORRT_LLM:
      return FALSE;

    default:
      return TRUE;
    }
}

/* Ranks of vLLM may have towers whole, and each look at some of the images (--mm-encoder-tp-mode data). */
static gboolean
copies_towers (HrJob *job)
{
  return HR_IS_INFERENCE_JOB (job) && hr_inference_job_get_engine (HR_INFERENCE_JOB (job)) == HR_ENGINE_VLLM &&
         hr_inference_job_get_mm_encoder_data_parallel (HR_INFERENCE_JOB (job));
}

/*
 * hr_serving_layout_init:
 * @self: (out): a layout
 * @job: a job of inference
 * @n_gpus: how many GPUs there are
 * @error: return location for an error
 *
 * Works out how an engine divides a job among GPUs.
 *
 * Returns: whether its settings go together
 */
gboolean
hr_serving_layout_init (HrServingLayout  *self,
                        HrJob            *job,
                        guint             n_gpus,
                        GError          **error)
{
  guint64 context = hr_job_get_context_parallel (job);
  g_autofree char *found = NULL;

  *self = (HrServingLayout) {
    .data = hr_job_get_data_parallel (job),
    .tensor = hr_job_get_tensor_parallel (job),
    .pipeline = hr_job_get_pipeline_parallel (job),
    .shares_experts = shares_experts (job),
    .copies_towers = copies_towers (job),
  };
  if (context > 1)
    {
      found = format_number (context);
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("context-parallel: expected 1, as it is not known here how an engine divides the tokens "
                               "of a request; found %s"), found);
      return FALSE;
    }

  return resolve_data (self, n_gpus, error) && resolve_experts (self, job, error);
}

/*
 * hr_serving_layout_count_layers:
 * @self: a layout
 * @n_layers: how many layers the decoder has, at least one for each stage
 * @stage: a stage of its pipeline
 *
 * Counts the layers of a stage. What is left over goes to the stages before the last one, from behind (get_pp_indices
 * of vllm/distributed/utils.py).
 *
 * Returns: how many
 */
guint64
hr_serving_layout_count_layers (const HrServingLayout *self,
                                guint64                n_layers,
                                guint                  stage)
{
  guint64 n_left = n_layers % self->pipeline;

  return n_layers / self->pipeline + (stage + 1 < self->pipeline && stage + 1 + n_left >= self->pipeline);
}

/* The place of the stack that writes, which others may see and hear for. */
static guint
find_decoder (HrModel *model)
{
  guint i = 0;

  while (i + 1 < hr_model_get_n_stacks (model) && hr_model_get_stack (model, i)->role != HR_STACK_DECODER)
    i++;

  return i;
}

/* How many experts a layer has; 0: no layer has any. */
static guint64
count_experts (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[i];

      for (guint j = 0; j < klass->n_sublayers; j++)
        {
          for (guint k = 0; k < klass->sublayers[j].n_branches; k++)
            {
              const HrBlock *block = hr_chain_find_block (&klass->sublayers[j].branches[k], HR_BLOCK_MIXTURE);

              if (block != NULL)
                return block->mixture.num_experts;
            }
        }
    }

  return 0;
}

/*
 * hr_serving_layout_list_ranks:
 * @self: a layout
 * @model: a model
 *
 * Lists the ranks that differ: stages, and of each those that have one expert more where their number does not come out
 * even (determine_expert_map of vllm/model_executor/layers/fused_moe).
 *
 * Returns: (transfer full) (element-type HrServingRank): the ranks
 */
GArray *
hr_serving_layout_list_ranks (const HrServingLayout *self,
                              HrModel               *model)
{
  GArray *ranks = g_array_new (FALSE, FALSE, sizeof (HrServingRank));
  guint64 n_stage = self->n_ranks / self->pipeline;
  guint64 n_more = count_experts (hr_model_get_stack (model, find_decoder (model))) % self->expert;

  for (guint i = 0; i < self->pipeline; i++)
    {
      const HrServingRank more = { i, 0, n_more };
      const HrServingRank others = { i, n_more, n_stage - n_more };

      if (n_more > 0)
        g_array_append_val (ranks, more);
      g_array_append_val (ranks, others);
    }

  return ranks;
}

/* Blocks of which it is known what a rank has. */
static gboolean
is_known (const HrBlock *block)
{
  switch ((guint) block->kind)
    {
    case HR_BLOCK_TOKEN_EMBEDDING:
    case HR_BLOCK_POSITION_EMBEDDING:
    case HR_BLOCK_NORM:
    case HR_BLOCK_PARAMETER:
    case HR_BLOCK_ATTENTION:
    case HR_BLOCK_MLP:
    case HR_BLOCK_MIXTURE:
    case HR_BLOCK_MAMBA:
    case HR_BLOCK_MAMBA2:
    case HR_BLOCK_GATED_DELTA:
    case HR_BLOCK_SHORT_CONVOLUTION:
    case HR_BLOCK_HEAD:
      return TRUE;

    default:
      return FALSE;
    }
}

static gboolean
check_chain (HrModel        *model,
             const HrChain  *chain,
             GError        **error)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (is_known (&chain->blocks[i]))
        continue;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are the name of a model and the path of one of its modules. */
                            N_("“%s”: expected attention, state spaces, perceptrons and experts, as it is not known "
                               "here how engines divide other blocks; found %s"), hr_model_get_name (model),
                            chain->blocks[i].path);
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_sublayer (HrModel           *model,
                const HrSublayer  *sublayer,
                GError           **error)
{
  if (!check_chain (model, &sublayer->shared, error) || !check_chain (model, &sublayer->after, error))
    return FALSE;

  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      if (!check_chain (model, &sublayer->branches[i], error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
check_blocks (HrModel        *model,
              const HrStack  *stack,
              GError        **error)
{
  /* Its file says of each matrix what ranks have of it. */
  if (hr_serving_compressed_is_all (stack))
    return TRUE;

  if (!check_chain (model, &stack->embeddings, error) || !check_chain (model, &stack->final, error) ||
      !check_chain (model, hr_model_get_head (model), error))
    return FALSE;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      for (guint j = 0; j < stack->layer_classes[i].n_sublayers; j++)
        {
          if (!check_sublayer (model, &stack->layer_classes[i].sublayers[j], error))
            return FALSE;
        }
    }

  return TRUE;
}

static gboolean
check_stacks (HrModel  *model,
              GError  **error)
{
  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      HrStackRole role = hr_model_get_stack (model, i)->role;

      if (role != HR_STACK_ENCODER && role != HR_STACK_SPEECH)
        continue;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("“%s”: expected a decoder alone, or one that sees or hears, as it is not known how "
                               "others are divided"),
                            hr_model_get_name (model));
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_model (const HrServingLayout  *self,
             HrModel                *model,
             GError                **error)
{
  const HrStack *stack = hr_model_get_stack (model, find_decoder (model));
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (!check_stacks (model, error))
    return FALSE;
  if (stack->n_layers < self->pipeline)
    {
      expected = format_number (stack->n_layers);
      found = format_number (self->pipeline);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("pipeline-parallel: expected no more than %s, the number of layers; found %s"), expected,
                            found);
      return FALSE;
    }
  if (self->expert > 1 && count_experts (stack) == 0)
    {
      found = format_number (self->expert);
      hr_message_set_error (error, HR_ERROR_VALUE,
                            N_("expert-parallel: expected 1, as “%s” has no experts; found %s"),
                            hr_model_get_name (model), found);
      return FALSE;
    }

  return check_blocks (model, stack, error);
}

/*
 * hr_serving_layout_divide_model:
 * @self: a layout
 * @model: a model
 * @rank: one of the ranks
 * @error: return location for an error
 *
 * Creates what a rank has of a model: its weights, and the heads whose keys and values it keeps. Tables of tokens are
 * padded, on a single GPU as well. Where ranks that share layers answer requests of their own beside others, and share
 * experts one by one, each has the shared experts whole (use_sequence_parallel_moe of vllm/config/parallel.py).
 *
 * Returns: (transfer full): a model, or %NULL with @error set if it cannot be divided so
 */
HrModel *
hr_serving_layout_divide_model (const HrServingLayout  *self,
                                HrModel                *model,
                                const HrServingRank    *rank,
                                GError                **error)
{
  guint decoder = find_decoder (model);
  const HrStack *stack = hr_model_get_stack (model, decoder);
  HrShard shard = {
    .stack = decoder, .tensor = self->tensor, .expert = self->expert, .expert_tensor = self->expert_tensor,
    .expert_rank = rank->expert_rank, .divides_unevenly = TRUE, .copies_towers = self->copies_towers,
    .copies_shared = self->expert > 1 && self->tensor > 1 && self->data > 1,
    .vocabulary_multiple = VOCABULARY_MULTIPLE,
    .has_embedding = rank->stage == 0, .has_head = rank->stage + 1 == self->pipeline,
  };

  if (!check_model (self, model, error))
    return NULL;

  for (guint i = 0; i < rank->stage; i++)
    shard.first_layer += hr_serving_layout_count_layers (self, stack->n_layers, i);
  shard.n_layers = hr_serving_layout_count_layers (self, stack->n_layers, rank->stage);

  return _hr_model_new_shard (model, &shard, error);
}
