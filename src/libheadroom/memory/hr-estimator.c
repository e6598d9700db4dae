/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "hr-component-text.h"
#include "hr-device-map.h"
#include "hr-error.h"
#include "hr-estimate-private.h"
#include "hr-estimator.h"
#include "hr-framework.h"
#include "hr-inference-job.h"
#include "hr-job-enums.h"
#include "hr-quantization-format.h"
#include "hr-rule-of-thumb.h"
#include "hr-weights.h"

#define MAX_DEVICES 64

#define SOURCE_WEIGHTS "torch.nn.Module: the sum over parameters and buffers, each rounded up to 512 bytes (c10/cuda/CUDACachingAllocator.cpp)"
#define SOURCE_CACHE "transformers/cache_utils.py: DynamicLayer, DynamicSlidingWindowLayer"
#define SOURCE_QUANTIZED_CACHE "transformers/cache_utils.py: QuantizedLayer"
#define SOURCE_ACTIVATIONS "transformers/models/…/modeling_….py: what the variables of its functions hold at the moment of the peak"
#define SOURCE_LOGITS "transformers/models/…/modeling_….py: lm_head of …ForCausalLM.forward, logits_to_keep"
#define SOURCE_TEMPORARY "transformers/cache_utils.py: torch.cat makes the new keys beside the old; kernels' own buffers"
#define SOURCE_INPUTS "token ids, the new token and the mask of the batch, 64-bit integers"
#define SOURCE_FRAGMENTATION "c10/cuda/CUDACachingAllocator.cpp: kSmallBuffer, kLargeBuffer, kRoundLarge"
#define SOURCE_RULE_WEIGHTS "rule of thumb: the matrices of a decoder without biases and norms, the head counted beside the embeddings"
#define SOURCE_RULE_CACHE "rule of thumb: Sheng et al., FlexGen, arXiv:2303.06865, section 3 (every head with keys of its own)"
#define SOURCE_RULE_OVERHEAD "rule of thumb: EleutherAI, Transformer Math 101 (total ≈ 1.2 × weights)"

/* A job, resolved: what is left to the model or to the framework is filled in. */
typedef struct
{
  HrModel *model;
  const HrStack *stack;
  HrDtype dtype;
  HrElement element;
  HrQuantization quantization;
  HrInference inference;
  GPtrArray *warnings;
} Plan;

/* What a device holds and reaches. */
typedef struct
{
  HrReplay replay;
  HrWeights weights;
  HrInference inference;
} Device;

static void
warn (Plan *plan,
      char *sentence)
{
  g_ptr_array_add (plan->warnings, sentence);
}

static void
resolve_dtype (Plan  *plan,
               HrJob *job)
{
  plan->dtype = hr_job_get_dtype (job);
  if (plan->dtype == HR_DTYPE_AUTO)
    plan->dtype = hr_model_get_dtype (plan->model);
  if (plan->dtype == HR_DTYPE_AUTO)
    {
      plan->dtype = HR_DTYPE_FLOAT32;
      warn (plan, g_strdup (_("The config does not state a dtype: float32 is assumed, as torch does")));
    }

  switch (plan->dtype)
    {
    case HR_DTYPE_FLOAT64:
      plan->element = HR_ELEMENT_FLOAT64;
      break;

    case HR_DTYPE_FLOAT32:
      plan->element = HR_ELEMENT_FLOAT32;
      break;

    case HR_DTYPE_FLOAT16:
      plan->element = HR_ELEMENT_FLOAT16;
      break;

    case HR_DTYPE_FLOAT8:
    case HR_DTYPE_INT8:
    case HR_DTYPE_INT4:
      /* Translators: the two places are names of dtypes, such as int8 and bfloat16. */
      warn (plan, g_strdup_printf (_("transformers does not compute in %s: weights are counted as plain %s, "
                                     "all that is computed as bfloat16; a quantization also counts its scales"),
                                   hr_dtype_get_name (plan->dtype), hr_dtype_get_name (plan->dtype)));
      plan->element = HR_ELEMENT_BFLOAT16;
      break;

    case HR_DTYPE_AUTO:
    case HR_DTYPE_BFLOAT16:
    default:
      plan->element = HR_ELEMENT_BFLOAT16;
      break;
    }
}

static void
resolve_quantization (Plan  *plan,
                      HrJob *job)
{
  plan->quantization = hr_job_get_quantization (job);
  if (plan->quantization == HR_QUANTIZATION_AUTO)
    plan->quantization = hr_model_get_quantization (plan->model);
  if (plan->quantization == HR_QUANTIZATION_AUTO)
    plan->quantization = HR_QUANTIZATION_NONE;

  if (hr_quantization_format_is_gguf (plan->quantization))
    {
      /* Translators: the places are a format such as q4_k_m and a dtype such as bfloat16. */
      warn (plan, g_strdup_printf (_("transformers expands %s weights when it loads them: they are counted as %s"),
                                   hr_quantization_get_name (plan->quantization), hr_dtype_get_name (plan->dtype)));
      plan->quantization = HR_QUANTIZATION_NONE;
    }
  else if (plan->quantization == HR_QUANTIZATION_MXFP4 || plan->quantization == HR_QUANTIZATION_NVFP4)
    {
      /* Translators: the place is a format such as mxfp4. */
      warn (plan, g_strdup_printf (_("Matrices in %s are assumed to be expanded one at a time, as they are where no "
                                     "kernel computes in the format"),
                                   hr_quantization_get_name (plan->quantization)));
    }
}

static gboolean
resolve_cache (Plan            *plan,
               HrInferenceJob  *job,
               GError         **error)
{
  HrDtype dtype = hr_inference_job_get_kv_cache_dtype (job);

  if (dtype == HR_DTYPE_AUTO || dtype == plan->dtype)
    return TRUE;

  if (dtype == HR_DTYPE_INT8 || dtype == HR_DTYPE_INT4)
    {
      plan->inference.cache_bits = hr_dtype_get_bits (dtype);
      return TRUE;
    }

  g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
               _("kv-cache-dtype: expected auto, int8, int4 or the model's own dtype %s, which are what transformers "
                 "offers; found %s"),
               hr_dtype_get_name (plan->dtype), hr_dtype_get_name (dtype));

  return FALSE;
}

static gboolean
resolve_attention (Plan    *plan,
                   HrJob   *job,
                   GError **error)
{
  plan->inference.attention = hr_job_get_attention (job);
  plan->inference.mask = hr_job_get_attention_mask (job);

  if (plan->inference.attention == HR_ATTENTION_IMPLEMENTATION_FLASH &&
      (plan->element == HR_ELEMENT_FLOAT32 || plan->element == HR_ELEMENT_FLOAT64))
    {
      g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                   _("attention: flash, which is the flash-attn package, computes in float16 and bfloat16 only; "
                     "found dtype %s"),
                   hr_dtype_get_name (plan->dtype));
      return FALSE;
    }

  return TRUE;
}

static gboolean
resolve_stack (Plan    *plan,
               GError **error)
{
  plan->stack = hr_model_get_n_stacks (plan->model) > 0 ? hr_model_get_stack (plan->model, 0) : NULL;
  if (plan->stack != NULL && plan->stack->n_layers > 0 && plan->stack->n_layer_classes > 0 &&
      hr_model_get_head (plan->model) != NULL)
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
               /* Translators: the place is the name of a model. */
               _("“%s”: expected a decoder with layers and an output head, found none; its memory cannot be estimated"),
               hr_model_get_name (plan->model));

  return FALSE;
}

static gboolean
plan_init (Plan            *plan,
           HrModel         *model,
           HrInferenceJob  *job,
           GError         **error)
{
  guint64 beams = hr_inference_job_get_beams (job);
  guint64 batch = hr_inference_job_get_batch_size (job);

  plan->model = model;
  if (!resolve_stack (plan, error))
    return FALSE;

  resolve_dtype (plan, HR_JOB (job));
  resolve_quantization (plan, HR_JOB (job));
  plan->inference.stack = plan->stack;
  plan->inference.head = hr_model_get_head (model);
  plan->inference.beams = beams;
  plan->inference.batch = batch * beams;
  plan->inference.prompt = hr_inference_job_get_prompt_length (job);
  plan->inference.output = hr_inference_job_get_output_length (job);
  plan->inference.use_cache = hr_inference_job_get_use_cache (job);
  plan->inference.all_logits = hr_inference_job_get_logits_to_keep (job) == HR_LOGITS_TO_KEEP_ALL;

  return resolve_attention (plan, HR_JOB (job), error) && resolve_cache (plan, job, error);
}

static gboolean
run_device (const Plan  *plan,
            Device      *device,
            GError     **error)
{
  hr_replay_init (&device->replay, plan->element, plan->quantization);
  device->inference.weight_bytes = device->weights.bytes;
  hr_inference_replay (&device->inference, &device->replay, NULL);
  if (!device->replay.ledger.overflowed)
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_TOO_LARGE,
               /* Translators: the place is the name of a model. */
               _("“%s”: this job takes more memory than can be counted; expected fewer sequences or tokens"),
               hr_model_get_name (plan->model));

  return FALSE;
}

static void
init_single_device (const Plan *plan,
                    Device     *device)
{
  device->inference = plan->inference;
  device->inference.n_layers = plan->stack->n_layers;
  device->inference.has_inputs = device->inference.has_norm = device->inference.has_head = TRUE;
  hr_weights_init_model (&device->weights, plan->model, plan->dtype, plan->quantization);
}

static void
init_devices (Plan   *plan,
              Device *devices,
              guint   n_devices,
              HrGpu  *gpu)
{
  HrDeviceShare shares[MAX_DEVICES];
  guint64 memory = gpu != NULL ? hr_gpu_get_memory (gpu) : 0;

  if (!hr_device_map_divide (plan->model, plan->stack, plan->dtype, plan->quantization, memory, shares, n_devices))
    {
      warn (plan, g_strdup (_("The model does not fit on the GPUs; it is divided as if it did")));
      hr_device_map_divide (plan->model, plan->stack, plan->dtype, plan->quantization, 0, shares, n_devices);
    }

  for (guint i = 0; i < n_devices; i++)
    {
      devices[i].inference = plan->inference;
      devices[i].inference.first_layer = shares[i].first_layer;
      devices[i].inference.n_layers = shares[i].n_layers;
      devices[i].inference.has_inputs = shares[i].has_embeddings;
      devices[i].inference.has_norm = shares[i].has_norm;
      devices[i].inference.has_head = shares[i].has_head;
      devices[i].weights = shares[i].weights;
      if (i == 0)
        {
          devices[i].weights.buffer_bytes = hr_model_get_buffer_bytes (plan->model);
          devices[i].weights.bytes += devices[i].weights.buffer_bytes;
        }
    }
}

static void
add_weights (const Plan   *plan,
             const Device *device,
             HrEstimate   *estimate,
             guint         index,
             guint64       bytes)
{
  const HrWeights *weights = &device->weights;
  const char *format = hr_quantization_format_get_formula (plan->quantization);
  double element = hr_dtype_get_bits (plan->dtype) / 8.0;
  g_autofree char *substitution = NULL;

  if (format == NULL)
    {
      substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·%g + %" G_GUINT64_FORMAT, weights->other_elements, element,
                                      weights->buffer_bytes);
      _hr_estimate_add_component (estimate, index, HR_COMPONENT_WEIGHTS, bytes, "Σ parameters·e + buffers", substitution,
                                  SOURCE_WEIGHTS);
      return;
    }

  substitution = g_strdup_printf ("linear = %" G_GUINT64_FORMAT ", rest = %" G_GUINT64_FORMAT ", e = %g",
                                  weights->quantized_elements, weights->other_elements, element);
  _hr_estimate_add_component (estimate, index, HR_COMPONENT_WEIGHTS, bytes, format, substitution,
                              hr_quantization_format_get_source (plan->quantization));
}

static void
append_cache_term (GString           *formula,
                   GString           *substitution,
                   const HrInference *inference,
                   const HrCacheTerm *term,
                   const char        *bytes)
{
  gboolean sliding = term->attention->sliding_window > 0;

  if (formula->len > 0)
    {
      g_string_append (formula, " + ");
      g_string_append (substitution, " + ");
    }
  g_string_append_printf (formula, "2·%s·B·%s·k·e", sliding ? "L_w" : "L", sliding ? "w" : "C");
  g_string_append_printf (substitution, "2·%u·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%s",
                          term->n_layers, inference->batch, term->tokens,
                          term->attention->cached_heads * term->attention->head_dim, bytes);
}

static void
add_cache (const Plan   *plan,
           const Device *device,
           HrEstimate   *estimate,
           guint         index,
           guint64       bytes)
{
  HrCacheTerm terms[HR_INFERENCE_MAX_CLASSES];
  guint n_terms = hr_inference_get_cache_terms (&device->inference, &device->replay.peak,
                                                device->replay.ledger.peak_phase, terms);
  g_autoptr (GString) formula = g_string_sized_new (64);
  g_autoptr (GString) substitution = g_string_sized_new (64);
  guint element = hr_element_get_bytes (plan->element);
  guint bits = device->inference.cache_bits;
  char element_text[32];

  if (bits > 0)
    g_snprintf (element_text, sizeof element_text, "(%u/8 + %u/64)", bits, 2 * element);
  else
    g_snprintf (element_text, sizeof element_text, "%u", element);

  for (guint i = 0; i < n_terms; i++)
    append_cache_term (formula, substitution, &device->inference, &terms[i], element_text);

  _hr_estimate_add_component (estimate, index, HR_COMPONENT_KV_CACHE, bytes, formula->str, substitution->str,
                              bits > 0 ? SOURCE_QUANTIZED_CACHE : SOURCE_CACHE);
}

static const char *
get_source (HrComponentId id)
{
  if (id == HR_COMPONENT_LOGITS)
    return SOURCE_LOGITS;

  if (id == HR_COMPONENT_TEMPORARY)
    return SOURCE_TEMPORARY;

  return SOURCE_ACTIVATIONS;
}

static void
add_from_tape (const Device  *device,
               HrEstimate    *estimate,
               guint          index,
               HrComponentId  id,
               guint64        bytes)
{
  const HrMoment *moment = &device->replay.peak;
  g_autofree char *formula = hr_component_text_new_formula (moment, id);
  g_autofree char *substitution = hr_component_text_new_substitution (moment, id);

  _hr_estimate_add_component (estimate, index, id, bytes, formula, substitution, get_source (id));
}

static void
add_inputs (const Device *device,
            HrEstimate   *estimate,
            guint         index,
            guint64       bytes)
{
  const HrInference *inference = &device->inference;
  gboolean has_mask = inference->mask != HR_ATTENTION_MASK_NONE;
  g_autofree char *substitution = NULL;

  substitution = g_strdup_printf ("%s%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT " + 8·%" G_GUINT64_FORMAT,
                                  has_mask ? "2·8·" : "8·", inference->batch, inference->prompt, inference->batch);
  _hr_estimate_add_component (estimate, index, HR_COMPONENT_INPUTS, bytes,
                              has_mask ? "2·8·B·S + 8·B" : "8·B·S + 8·B", substitution, SOURCE_INPUTS);
}

static guint64
add_framework (HrEstimate        *estimate,
               guint              index,
               const HrFramework *framework)
{
  guint64 bytes = framework->context_bytes + framework->workspace_bytes;
  g_autofree char *substitution = NULL;

  substitution = g_strdup_printf ("%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT, framework->context_bytes,
                                  framework->workspace_bytes);
  _hr_estimate_add_component (estimate, index, HR_COMPONENT_FRAMEWORK, bytes, "context + cuBLAS workspace", substitution,
                              framework->source);

  return bytes;
}

/*
 * Weights lie in one allocation that transformers makes ahead (caching_allocator_warmup in modeling_utils.py); the cache
 * and what is on the tape are tensors of their own.
 */
static guint64
get_fragmentation (const Device *device)
{
  HrAllocation allocations[HR_REPLAY_MAX_STORAGES + HR_INFERENCE_MAX_CLASSES + 1];
  HrCacheTerm terms[HR_INFERENCE_MAX_CLASSES];
  const HrMoment *moment = &device->replay.peak;
  guint n_terms = hr_inference_get_cache_terms (&device->inference, moment, device->replay.ledger.peak_phase, terms);
  guint n = 0;

  allocations[n++] = (HrAllocation) { device->weights.bytes, 1 };
  for (guint i = 0; i < n_terms; i++)
    allocations[n++] = (HrAllocation) { terms[i].bytes, 2 * terms[i].n_layers };
  for (guint i = 0; i < moment->n_storages; i++)
    {
      if (moment->storages[i].component != HR_COMPONENT_KV_CACHE)
        allocations[n++] = (HrAllocation) { moment->storages[i].bytes, 1 };
    }

  return hr_allocator_get_waste (allocations, n);
}

static guint64
add_components (const Plan        *plan,
                const Device      *device,
                HrEstimate        *estimate,
                guint              index,
                const HrFramework *framework)
{
  const HrLevel *level = &device->replay.peak.level;
  guint64 bytes = level->total;
  guint64 waste;

  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    {
      guint64 part = level->by_component[i];

      if (part == 0)
        continue;
      if (i == HR_COMPONENT_WEIGHTS)
        add_weights (plan, device, estimate, index, part);
      else if (i == HR_COMPONENT_KV_CACHE)
        add_cache (plan, device, estimate, index, part);
      else if (i == HR_COMPONENT_INPUTS)
        add_inputs (device, estimate, index, part);
      else
        add_from_tape (device, estimate, index, i, part);
    }

  if (framework != NULL)
    bytes += add_framework (estimate, index, framework);

  waste = get_fragmentation (device);
  if (waste > 0)
    {
      g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT, waste);

      _hr_estimate_add_component (estimate, index, HR_COMPONENT_FRAGMENTATION, waste, "Σ (⌈x⌉ − x)", substitution,
                                  SOURCE_FRAGMENTATION);
    }

  return bytes + waste;
}

static void
add_phases (const Device *device,
            HrEstimate   *estimate,
            guint64       beside)
{
  for (guint i = 0; i < HR_N_PHASES; i++)
    {
      if (device->replay.ledger.phase_peaks[i] > 0)
        _hr_estimate_add_phase (estimate, i, device->replay.ledger.phase_peaks[i] + beside);
    }
}

static void
add_devices (const Plan        *plan,
             const Device      *devices,
             guint              n_devices,
             HrEstimate        *estimate,
             const HrFramework *framework)
{
  guint worst = 0;
  guint64 most = 0;

  for (guint i = 0; i < n_devices; i++)
    {
      guint index = _hr_estimate_add_device (estimate);
      guint64 bytes = add_components (plan, &devices[i], estimate, index, framework);

      _hr_estimate_set_device_bytes (estimate, index, bytes);
      if (bytes > most)
        {
          most = bytes;
          worst = i;
        }
    }

  add_phases (&devices[worst], estimate, most - devices[worst].replay.peak.level.total);
  _hr_estimate_set_peak (estimate, worst, devices[worst].replay.ledger.peak_phase,
                         devices[worst].replay.peak.sentence,
                         hr_component_text_new_operation (&devices[worst].replay.peak));
}

static gboolean
get_hyper_parameters (HrModel *model,
                      guint64 *values)
{
  static const char * const names[] = { "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (!hr_model_get_hyper_parameter (model, names[i], &values[i]) || values[i] == 0)
        return FALSE;
    }

  return TRUE;
}

static double
get_group_size (HrModel *model)
{
  guint64 heads, key_value_heads;

  if (!hr_model_get_hyper_parameter (model, "num_attention_heads", &heads) ||
      !hr_model_get_hyper_parameter (model, "num_key_value_heads", &key_value_heads) || key_value_heads == 0)
    return 1;

  return (double) heads / key_value_heads;
}

static guint64
add_rule_component (HrEstimate    *estimate,
                    HrComponentId  id,
                    double         bytes,
                    const char    *formula,
                    char          *substitution,
                    const char    *source)
{
  guint64 whole = (guint64) round (bytes);

  _hr_estimate_add_component (estimate, 0, id, whole, formula, substitution, source);
  g_free (substitution);

  return whole;
}

static guint64
add_rule_weights (HrEstimate *estimate,
                  const Plan *plan,
                  double     *weights)
{
  guint64 values[4];
  double group = get_group_size (plan->model);
  double bits = hr_dtype_get_bits (plan->dtype);

  if (plan->quantization != HR_QUANTIZATION_NONE)
    bits = hr_quantization_format_get_bits (plan->quantization);

  if (!get_hyper_parameters (plan->model, values))
    {
      guint64 parameters = hr_model_get_n_parameters (plan->model);

      *weights = hr_rule_of_thumb_weights (parameters, bits);
      return add_rule_component (estimate, HR_COMPONENT_WEIGHTS, *weights, "P·bits/8",
                                 g_strdup_printf ("%" G_GUINT64_FORMAT "·%g/8", parameters, bits), SOURCE_RULE_WEIGHTS);
    }

  *weights = hr_rule_of_thumb_weights (hr_rule_of_thumb_parameters (values[0], values[1], values[2], values[3], group),
                                       bits);

  return add_rule_component (estimate, HR_COMPONENT_WEIGHTS, *weights, "(2·V·h + L·h²·(2 + 2/g) + 3·L·h·i)·bits/8",
                             g_strdup_printf ("(2·%1$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT
                                              " + %4$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT "²·(2 + 2/%5$g)"
                                              " + 3·%4$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT "·%3$" G_GUINT64_FORMAT
                                              ")·%6$g/8",
                                              values[0], values[1], values[2], values[3], group, bits),
                             SOURCE_RULE_WEIGHTS);
}

static guint64
add_rule_cache (HrEstimate *estimate,
                const Plan *plan)
{
  const HrInference *inference = &plan->inference;
  const HrBlock *token = plan->stack->embeddings.n_blocks > 0 ? &plan->stack->embeddings.blocks[0] : NULL;
  guint64 hidden = token != NULL && token->kind == HR_BLOCK_TOKEN_EMBEDDING ? token->token_embedding.hidden_size : 0;
  guint64 layers = plan->stack->n_layers;
  guint bytes = hr_element_get_bytes (plan->element);

  if (!inference->use_cache)
    return 0;

  return add_rule_component (estimate, HR_COMPONENT_KV_CACHE,
                             hr_rule_of_thumb_cache (inference->batch, layers, hidden,
                                                     inference->prompt + inference->output, bytes),
                             "2·e·b·l·h·(s + n)",
                             g_strdup_printf ("2·%u·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT
                                              "·(%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT ")",
                                              bytes, inference->batch, layers, hidden, inference->prompt,
                                              inference->output),
                             SOURCE_RULE_CACHE);
}

/* 1.2 · weights, and the cache as if each head had keys of its own. */
static HrEstimate *
estimate_by_rule (const Plan *plan)
{
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, plan->model);
  double weights = 0;
  guint64 bytes;

  _hr_estimate_add_device (estimate);
  bytes = add_rule_weights (estimate, plan, &weights);
  bytes += add_rule_cache (estimate, plan);
  bytes += add_rule_component (estimate, HR_COMPONENT_ACTIVATIONS, hr_rule_of_thumb_total (weights) - weights,
                               "0.2·weights", g_strdup_printf ("0.2·%.0f", weights), SOURCE_RULE_OVERHEAD);
  _hr_estimate_set_device_bytes (estimate, 0, bytes);
  _hr_estimate_add_phase (estimate, HR_PHASE_DECODE, bytes);
  _hr_estimate_set_peak (estimate, 0, HR_PHASE_DECODE, NULL, NULL);

  return estimate;
}

static gboolean
find_framework (Plan        *plan,
                HrGpu       *gpu,
                HrFramework *framework)
{
  if (gpu == NULL)
    return FALSE;

  if (!hr_framework_init_for_gpu (framework, gpu))
    {
      /* Translators: the place is the name of a GPU. */
      warn (plan, g_strdup_printf (_("What the runtime itself holds on %s is not known, and not counted"),
                                   hr_gpu_get_name (gpu)));
      return FALSE;
    }

  if (!framework->measured)
    {
      /* Translators: the place is the name of a GPU. */
      warn (plan, g_strdup_printf (_("The CUDA context of %s is taken to be as large as on an A100"),
                                   hr_gpu_get_name (gpu)));
    }

  return TRUE;
}

static void
add_warnings (const Plan *plan,
              HrEstimate *estimate)
{
  const char * const *model_warnings = hr_model_get_warnings (plan->model);

  for (guint i = 0; model_warnings != NULL && model_warnings[i] != NULL; i++)
    _hr_estimate_take_warning (estimate, g_strdup (model_warnings[i]));

  for (guint i = 0; i < plan->warnings->len; i++)
    _hr_estimate_take_warning (estimate, g_strdup (g_ptr_array_index (plan->warnings, i)));
}

static HrEstimate *
estimate_by_replay (Plan    *plan,
                    HrGpu   *gpu,
                    guint    n_gpus,
                    GError **error)
{
  guint n_devices = CLAMP (n_gpus, 1, MAX_DEVICES);
  Device single;
  g_autofree Device *several = n_devices > 1 ? g_new0 (Device, n_devices) : NULL;
  Device *devices = n_devices > 1 ? several : &single;
  g_autoptr (HrEstimate) rule = NULL;
  HrFramework framework;
  HrEstimate *estimate;
  gboolean has_framework;

  if (n_devices > 1)
    init_devices (plan, devices, n_devices, gpu);
  else
    init_single_device (plan, devices);

  for (guint i = 0; i < n_devices; i++)
    {
      if (!run_device (plan, &devices[i], error))
        return NULL;
    }

  has_framework = find_framework (plan, gpu, &framework);
  estimate = _hr_estimate_new (HR_MODE_INFERENCE, plan->model);
  add_devices (plan, devices, n_devices, estimate, has_framework ? &framework : NULL);
  rule = estimate_by_rule (plan);
  _hr_estimate_set_rule_of_thumb (estimate, rule);

  return estimate;
}

/**
 * hr_estimator_run:
 * @model: a model
 * @job: what to do with it
 * @gpu: (nullable): the GPU to do it on, or %NULL to leave out what depends on it
 * @n_gpus: how many of them; layers are spread over them as accelerate does
 * @error: return location for an error
 *
 * Estimates the memory that a job takes. It reads nothing but its arguments, and can be called from any thread.
 *
 * A job that is understood and cannot be done fails with %HR_ERROR_UNSUPPORTED; one whose sizes are beyond counting with
 * %HR_ERROR_TOO_LARGE.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_estimator_run (HrModel  *model,
                  HrJob    *job,
                  HrGpu    *gpu,
                  guint     n_gpus,
                  GError  **error)
{
  g_autoptr (GPtrArray) warnings = NULL;
  Plan plan = { 0 };
  HrEstimate *estimate;

  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (job), NULL);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  warnings = g_ptr_array_new_with_free_func (g_free);
  plan.warnings = warnings;
  if (!plan_init (&plan, model, HR_INFERENCE_JOB (job), error))
    return NULL;

  if (hr_job_get_method_of_estimate (job) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    estimate = estimate_by_rule (&plan);
  else
    estimate = estimate_by_replay (&plan, gpu, n_gpus, error);

  if (estimate != NULL)
    add_warnings (&plan, estimate);

  return estimate;
}
