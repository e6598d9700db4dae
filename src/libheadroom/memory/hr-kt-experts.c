/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-kt-experts.h"

#include "hr-inference-cache.h"
#include "hr-job-enums.h"
#include "hr-matrix-format.h"
#include "hr-message.h"

/*
 * Experts that kt-kernel of KTransformers keeps in the memory of the host, beside SGLang (KTEPWrapperMethod of
 * sglang/srt/layers/moe/kt_ep_wrapper.py of its branch of SGLang). The host has all of them, those that the GPU has as
 * well included (AMX_MOE_BASE::init of kt-kernel/operators/amx/moe_base.hpp).
 */

/* Parts that each expert is divided into: one for each pool of threads (kt_threadpool_count of ServerArgs). */
#define N_POOLS 2

/* Rows and columns of a matrix in eight-bit floats that share a scale (NativeMoEWrapper.load_weights). */
#define SCALE_BLOCK 128

/* What a matrix begins at, and is rounded to where its scales are of blocks (BufferBFP8Impl). */
#define ALIGNMENT 64

static const HrMixture *
find_mixture (const HrLayerClass *klass)
{
  const HrBlock *block = hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE);

  return block != NULL ? &block->mixture : NULL;
}

static gboolean
has_mixture (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      if (find_mixture (&stack->layer_classes[i]) != NULL)
        return TRUE;
    }

  return FALSE;
}

/* How many elements along a row of the experts share a scale in four bits; 0: they are stored otherwise. */
static guint64
get_group_size (const HrServingPlan *plan)
{
  const HrQuantizer *quantizer = hr_weight_storage_get_quantizer (&plan->pass->storage);
  HrModel *model = plan->pass->model;

  for (guint i = 0; quantizer != NULL && i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      const HrMatrixFormat *format;

      if (tensor->n_experts == 0 || tensor->n_dimensions < 2)
        continue;
      format = hr_quantizer_get_format (quantizer, tensor, i, 0);

      return format != NULL && format->packing == HR_PACKING_WORDS && format->bits == 4 && !format->is_float &&
             format->group_size != HR_MATRIX_WHOLE ? format->group_size : 0;
    }

  return 0;
}

/* What a method that takes the checkpoint's own elements expects of it (NativeMoEWrapper of kt-kernel/python). */
static gboolean
suits_checkpoint (const HrServingPlan *plan,
                  HrKtMethod           method)
{
  HrQuantization quantization = plan->pass->quantization;

  switch (method)
    {
    case HR_KT_METHOD_RAWINT4:
      return get_group_size (plan) > 0;

    case HR_KT_METHOD_FP8:
      return quantization == HR_QUANTIZATION_FP8;

    case HR_KT_METHOD_FP8_PERCHANNEL:
      return quantization == HR_QUANTIZATION_FP8_CHANNEL;

    case HR_KT_METHOD_BF16:
      return quantization == HR_QUANTIZATION_NONE && plan->pass->element == HR_ELEMENT_BFLOAT16;

    case HR_KT_METHOD_NONE:
    case HR_KT_METHOD_AMXINT4:
    case HR_KT_METHOD_AMXINT8:
    default:
      return !hr_quantization_is_gguf (quantization);
    }
}

static const char *
get_nick (HrKtMethod method)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (HR_TYPE_KT_METHOD);

  return g_enum_get_value (klass, method)->value_nick;
}

/*
 * hr_kt_experts_check:
 * @plan: a plan of SGLang
 * @whole: the model
 * @job: a job
 * @layout: how ranks share the model
 * @error: return location for an error
 *
 * Checks whether it is known what KTransformers makes of a model and of the settings. Tensor parallelism is: the GPU's
 * experts are divided as others are, and the first rank has those of the host.
 *
 * Returns: whether it is
 */
gboolean
hr_kt_experts_check (const HrServingPlan    *plan,
                     HrModel                *whole,
                     HrInferenceJob         *job,
                     const HrServingLayout  *layout,
                     GError                **error)
{
  static const char * const foreign[] = {
    "pipeline-parallel", "expert-parallel", "dp-attention", "num-speculative-tokens", NULL
  };
  HrKtMethod method = hr_inference_job_get_kt_method (job);
  g_autofree char *release = hr_job_get_as_string (HR_JOB (job), "sglang-release");
  const char *name = layout->data > 1 ? "data-parallel" : hr_job_find_changed (HR_JOB (job), foreign);

  if (method == HR_KT_METHOD_NONE)
    return TRUE;

  if (!has_mixture (plan->pass->stack))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          /* Translators: the places are the name of a model and the value of a setting. */
                          N_("kt-method: expected none, as “%s” has no experts; found %s"),
                          hr_model_get_name (whole), get_nick (method));
  else if (hr_inference_job_get_sglang_release (job) != HR_SGLANG_RELEASE_0_5_8)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("sglang-release: expected 0.5.8 beside kt-method, as KTransformers runs beside none "
                             "before; found %s"), release);
  else if (name != NULL)
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          N_("kt-method: expected none beside %s, of which it is not known here what KTransformers "
                             "takes with it; found %s"),
                          name, get_nick (method));
  else if (!suits_checkpoint (plan, method))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          /* Translators: the places are the values of settings. */
                          N_("kt-method: expected rawint4 beside four bits of compressed-tensors in groups, fp8 beside "
                             "fp8, fp8-perchannel beside fp8-channel, bf16 beside weights in bfloat16, or amxint4 or "
                             "amxint8 beside any format but those of llama.cpp; found %s beside %s"),
                          get_nick (method), hr_quantization_get_name (plan->pass->quantization));
  else
    return TRUE;

  return FALSE;
}

/*
 * What a part of a matrix takes (required_size of BufferBInt4Impl, BufferBInt4KGroupImpl, BufferBFP8Impl,
 * BufferBFP8PerChannelImpl and BufferBBF16Impl of kt-kernel/operators/amx/la, and of GemmKernel224Int8::BufferB).
 */
static guint64
get_matrix_bytes (HrKtMethod method,
                  guint64    group_size,
                  guint64    rows,
                  guint64    columns)
{
  guint64 n_blocks = (rows + SCALE_BLOCK - 1) / SCALE_BLOCK * ((columns + SCALE_BLOCK - 1) / SCALE_BLOCK);
  guint64 bytes;

  switch (method)
    {
    case HR_KT_METHOD_AMXINT4:
      return rows * columns / 2 + rows * sizeof (float);

    case HR_KT_METHOD_AMXINT8:
    case HR_KT_METHOD_FP8_PERCHANNEL:
      return rows * columns + rows * sizeof (float);

    case HR_KT_METHOD_RAWINT4:
      return rows * columns / 2 + rows * (columns / group_size) * sizeof (float);

    case HR_KT_METHOD_FP8:
      bytes = rows * columns + n_blocks * sizeof (float);
      return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    case HR_KT_METHOD_BF16:
      return rows * columns * 2;

    case HR_KT_METHOD_NONE:
    default:
      return 0;
    }
}

/* The decoder of the model, of which the plan may have a part. */
static const HrStack *
get_decoder (const HrServingPlan *plan,
             HrModel             *whole)
{
  guint i = 0;

  while (hr_model_get_stack (plan->pass->model, i) != plan->pass->stack)
    i++;

  return hr_model_get_stack (whole, i);
}

/*
 * hr_kt_experts_get_host_bytes:
 * @plan: a plan of SGLang
 * @whole: the model, of which ranks may have parts
 * @method: a format that hr_kt_experts_check() has let pass
 *
 * Gets what the experts take of the host's memory: of each the gate, what it is multiplied with, and the way back, with
 * the inner size divided among the pools of threads (TP_MOE_Common of kt-kernel/operators/moe-tp.hpp).
 *
 * Returns: the size in bytes
 */
guint64
hr_kt_experts_get_host_bytes (const HrServingPlan *plan,
                              HrModel             *whole,
                              HrKtMethod           method)
{
  const HrStack *stack = get_decoder (plan, whole);
  guint64 group_size = method == HR_KT_METHOD_RAWINT4 ? get_group_size (plan) : 0;
  guint64 bytes = 0;

  for (guint i = 0; i < stack->n_layers; i++)
    {
      const HrMixture *mixture = find_mixture (&stack->layer_classes[stack->layer_class_of[i]]);
      guint64 outer, inner;

      if (mixture == NULL)
        continue;
      outer = mixture->latent_size > 0 ? mixture->latent_size : mixture->hidden_size;
      inner = mixture->intermediate_size / N_POOLS;
      bytes += mixture->num_experts * N_POOLS * (2 * get_matrix_bytes (method, group_size, inner, outer) +
                                                 get_matrix_bytes (method, group_size, outer, inner));
    }

  return bytes;
}
