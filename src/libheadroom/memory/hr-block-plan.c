/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-block-plan.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-serving-cache.h"

/*
 * hr_block_plan_check_layers:
 * @self: a plan
 * @error: return location for an error
 *
 * Checks whether all layers attend to keys and values, as latents and states have caches of their own.
 *
 * Returns: whether they do
 */
gboolean
hr_block_plan_check_layers (const HrBlockPlan  *self,
                            GError            **error)
{
  const HrStack *stack = self->layers.pass->stack;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      if (attention != NULL && attention->index_num_heads == 0 &&
          (attention->latent_size == 0 || !self->runs_turbomind))
        continue;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are the name of a model and a program. */
                            N_("“%s”: expected attention to keys and values in all layers, as it is not known here "
                               "what else %s keeps; found others"),
                            hr_model_get_name (self->layers.pass->model), self->layers.program);
      return FALSE;
    }

  return TRUE;
}

static gboolean
is_integer (HrDtype dtype)
{
  return dtype == HR_DTYPE_INT8 || dtype == HR_DTYPE_INT4;
}

/* Keys and values in four or eight bits have a scale and a zero of sixteen bits each for each head and token. */
static guint64
get_scale_bytes (const HrAttention *attention,
                 HrDtype            dtype)
{
  if (!is_integer (dtype))
    return 0;

  return attention->num_key_value_heads * 2 * 2 * sizeof (guint16);
}

/*
 * hr_block_plan_resolve_cache:
 * @self: a plan, of which the size of blocks is known
 * @job: a job
 * @error: return location for an error
 *
 * Works out what a block of the cache takes.
 *
 * Returns: whether the engine has such a cache
 */
gboolean
hr_block_plan_resolve_cache (HrBlockPlan     *self,
                             HrInferenceJob  *job,
                             GError         **error)
{
  const HrStack *stack = self->layers.pass->stack;
  HrDtype dtype = hr_inference_job_get_kv_cache_dtype (job);
  guint bytes = 0;

  if (!(self->has_integer_cache && is_integer (dtype)) &&
      !hr_serving_cache_get_element_bytes (&self->layers, job, &bytes, error))
    return FALSE;

  self->block_bytes = 0;
  for (guint i = 0; i < stack->n_layers; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[stack->layer_class_of[i]]);
      guint64 elements = hr_serving_cache_get_token_elements (&self->layers, attention);
      guint64 token = bytes > 0 ? elements * bytes : elements * hr_dtype_get_bits (dtype) / 8;

      self->block_bytes += (token + get_scale_bytes (attention, dtype)) * self->layers.block_size;
    }

  return TRUE;
}

/*
 * hr_block_plan_get_reserved:
 * @self: a plan
 * @tokens: how many tokens of prompts are computed at once
 *
 * Gets what is set apart of what is free before the cache takes its share.
 *
 * Returns: the size in bytes
 */
guint64
hr_block_plan_get_reserved (const HrBlockPlan *self,
                            guint64            tokens)
{
  return self->runtime_bytes > 0 ? (tokens + self->runtime_tokens) * self->runtime_bytes : 0;
}

/*
 * hr_block_plan_count_tokens:
 * @self: a plan
 * @free_bytes: what the cache takes a share of
 *
 * Counts the tokens that there is room for: whole blocks.
 *
 * Returns: how many
 */
guint64
hr_block_plan_count_tokens (const HrBlockPlan *self,
                            guint64            free_bytes)
{
  guint64 block = self->layers.block_size;
  guint64 bytes = self->fraction * free_bytes;
  guint64 tokens = self->rounds_up ? bytes / (self->block_bytes / block) : bytes / self->block_bytes * block;

  if (self->max_tokens > 0)
    tokens = MIN (tokens, self->max_tokens);

  return (tokens + (self->rounds_up ? block - 1 : 0)) / block * block;
}
