/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-serving-cache.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-serving-run.h"

/* What a token takes of the cache of engines whose layers are vLLM's. */

/* CacheEngine._align_cache of vllm/worker/cache_engine.py: elements that the latent of a token is padded to. */
#define LATENT_ALIGNMENT 128

/*
 * hr_serving_cache_get_element_bytes:
 * @self: a plan
 * @job: a job
 * @bytes: (out): the size in bytes
 * @error: return location for an error
 *
 * Gets what an element of keys and values takes.
 *
 * Returns: whether there is such a cache
 */
gboolean
hr_serving_cache_get_element_bytes (const HrServingPlan  *self,
                                    HrInferenceJob       *job,
                                    guint                *bytes,
                                    GError              **error)
{
  HrDtype dtype = hr_inference_job_get_kv_cache_dtype (job);

  if (dtype == HR_DTYPE_AUTO)
    dtype = self->pass->dtype;
  *bytes = hr_dtype_get_bits (dtype) / 8;
  if (dtype == self->pass->dtype || dtype == HR_DTYPE_FLOAT8)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a dtype, such as bfloat16, a program, and a dtype. */
                        N_("kv-cache-dtype: expected auto, float8 or the model's own dtype %s, which are what %s "
                           "offers; found %s"),
                        hr_dtype_get_name (self->pass->dtype), self->program, hr_dtype_get_name (dtype));

  return FALSE;
}

/*
 * hr_serving_cache_resolve_state_dtype:
 * @self: a plan
 * @job: a job
 * @error: return location for an error
 *
 * Finds out what states are kept in, which may be left to the model (MambaDType of vllm/config/cache.py,
 * mamba_ssm_dtype of sglang/srt/server_args.py).
 *
 * Returns: whether the engine keeps states in that
 */
gboolean
hr_serving_cache_resolve_state_dtype (HrServingPlan   *self,
                                      HrInferenceJob  *job,
                                      GError         **error)
{
  HrDtype dtype = hr_inference_job_get_engine_state_dtype (job);

  self->state_dtype = dtype;
  if (dtype == HR_DTYPE_AUTO || dtype == HR_DTYPE_FLOAT32 || dtype == HR_DTYPE_FLOAT16 || dtype == HR_DTYPE_BFLOAT16)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a program and a data type. */
                        N_("state-dtype: expected auto, float32, float16 or bfloat16, which %s keeps states in; "
                           "found %s"),
                        self->program, hr_dtype_get_name (dtype));

  return FALSE;
}

/*
 * hr_serving_cache_get_token_elements:
 * @self: a plan
 * @attention: an attention
 *
 * Gets how many elements a token's keys and values have; of latent attention there is one row for both.
 *
 * Returns: how many
 */
guint64
hr_serving_cache_get_token_elements (const HrServingPlan *self,
                                     const HrAttention   *attention)
{
  guint64 value_dim = attention->value_head_dim > 0 ? attention->value_head_dim : attention->head_dim;
  guint64 latent = attention->latent_size + attention->rotary_dim;

  if (attention->latent_size > 0)
    return self->profile->pads_latent ? (latent + LATENT_ALIGNMENT - 1) / LATENT_ALIGNMENT * LATENT_ALIGNMENT : latent;

  return attention->num_key_value_heads * (attention->head_dim + value_dim);
}

/*
 * hr_serving_cache_get_state_bytes:
 * @self: a plan
 * @klass: layers
 * @guessed: how many tokens a convolution keeps for guesses
 *
 * Gets what a layer keeps of a sequence, however long that is: what its convolution still needs, and a state that the
 * config may want in fp32 (MambaStateShapeCalculator and MambaStateDtypeCalculator of
 * vllm/model_executor/layers/mamba/mamba_utils.py, Mamba2StateShape of sglang/srt/configs/mamba_utils.py).
 *
 * Returns: the size in bytes; 0 where it keeps no state
 */
guint64
hr_serving_cache_get_state_bytes (const HrServingPlan *self,
                                  const HrLayerClass  *klass,
                                  guint64              guessed)
{
  const HrBlock *block = hr_serving_run_find_state (klass);
  HrDtype wanted = self->state_dtype;
  guint e = hr_element_get_bytes (self->pass->element);
  guint s = wanted != HR_DTYPE_AUTO ? hr_dtype_get_bits (wanted) / 8 : e;
  const HrMamba2 *mamba2;
  const HrGatedDelta *delta;
  guint64 channels;

  if (block == NULL)
    return 0;

  mamba2 = &block->mamba2;
  delta = &block->gated_delta;
  switch ((guint) block->kind)
    {
    case HR_BLOCK_MAMBA:
      return block->mamba.intermediate_size * ((block->mamba.conv_kernel - 1) * e + block->mamba.state_size * s);

    case HR_BLOCK_MAMBA2:
      channels = mamba2->intermediate_size + 2 * mamba2->n_groups * mamba2->state_size;
      return channels * (mamba2->conv_kernel - 1 + guessed) * e +
             mamba2->intermediate_size * mamba2->state_size *
               (mamba2->fp32_state && wanted == HR_DTYPE_AUTO ? sizeof (float) : s);

    case HR_BLOCK_GATED_DELTA:
      channels = 2 * delta->num_key_heads * delta->key_head_dim + delta->num_value_heads * delta->value_head_dim;
      return channels * (delta->conv_kernel - 1 + guessed) * e +
             delta->num_value_heads * delta->value_head_dim * delta->key_head_dim *
               (delta->fp32_state && wanted == HR_DTYPE_AUTO ? sizeof (float) : s);

    case HR_BLOCK_SHORT_CONVOLUTION:
      return block->short_convolution.hidden_size * (block->short_convolution.conv_kernel - 1) * e;

    default:
      return 0;
    }
}
