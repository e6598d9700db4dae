/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-serving-cache.h"

#include "hr-inference-cache.h"
#include "hr-message.h"

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
