/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-exact-estimate.h"

#include "hr-component-text.h"
#include "hr-device-map.h"
#include "hr-estimate-parts.h"
#include "hr-estimate-private.h"
#include "hr-framework.h"
#include "hr-message.h"
#include "hr-rule-estimate.h"

#define MAX_DEVICES 64

#define SOURCE_CACHE "transformers/cache_utils.py: DynamicLayer, DynamicSlidingWindowLayer, LinearAttentionLayer"
#define SOURCE_QUANTIZED_CACHE "transformers/cache_utils.py: QuantizedLayer"
#define SOURCE_INPUTS N_("token ids, the new token and the mask of the batch, 64-bit integers")
#define SOURCE_FEATURES N_("frames of the sound in the model's dtype, and the new token, a 64-bit integer")

/* What a device holds and reaches. */
typedef struct
{
  HrReplay replay;
  HrWeights weights;
  HrInference inference;
} Device;

typedef struct
{
  Device *devices;
  guint n_devices;
} Devices;

static void
devices_clear (Devices *self)
{
  for (guint i = 0; i < self->n_devices; i++)
    hr_replay_clear (&self->devices[i].replay);
  g_free (self->devices);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Devices, devices_clear)

static gboolean
run_device (const HrInferencePlan  *plan,
            Device                 *device,
            HrTimeline             *timeline,
            GError                **error)
{
  device->replay.timeline = timeline;
  device->inference.weight_bytes = device->weights.bytes;
  hr_inference_replay (&device->inference, &device->replay, NULL);
  if (!device->replay.ledger.overflowed)
    return TRUE;

  hr_estimate_set_too_large (error, plan->model);

  return FALSE;
}

static void
init_single_device (const HrInferencePlan *plan,
                    Device                *device)
{
  device->inference = plan->inference;
  device->inference.n_layers = plan->stack->n_layers;
  device->inference.has_inputs = device->inference.has_norm = device->inference.has_head = TRUE;
  hr_weights_init_model (&device->weights, &plan->storage);
}

static void
divide_among_devices (HrInferencePlan *plan,
                      Device          *devices,
                      guint            n_devices,
                      HrGpu           *gpu)
{
  HrDeviceShare shares[MAX_DEVICES];
  guint64 memory = gpu != NULL ? hr_gpu_get_usable_memory (gpu) : 0;

  if (!hr_device_map_divide (&plan->storage, plan->stack, memory, shares, n_devices))
    {
      hr_inference_plan_warn (plan, N_("The model does not fit on the GPUs; it is divided as if it did"));
      hr_device_map_divide (&plan->storage, plan->stack, 0, shares, n_devices);
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
          devices[i].weights.buffer_bytes = hr_model_get_loaded_buffer_bytes (plan->model, plan->dtype);
          devices[i].weights.bytes += devices[i].weights.buffer_bytes;
        }
    }
}

static Devices
create_devices (HrInferencePlan *plan,
                guint            n_devices,
                HrGpu           *gpu)
{
  Devices self = { g_new (Device, n_devices), n_devices };

  if (n_devices > 1)
    divide_among_devices (plan, self.devices, n_devices, gpu);
  else
    init_single_device (plan, self.devices);
  for (guint i = 0; i < n_devices; i++)
    hr_inference_plan_init_replay (plan, &self.devices[i].replay);

  return self;
}

static void
append_state_term (GString           *formula,
                   GString           *substitution,
                   const HrInference *inference,
                   const HrCacheTerm *term,
                   const char        *bytes)
{
  if (term->state.conv > 0)
    {
      g_string_append (formula, "B·L_s·conv·e");
      g_string_append_printf (substitution, "%" G_GUINT64_FORMAT "·%u·%" G_GUINT64_FORMAT "·%s", inference->batch,
                              term->n_layers, term->state.conv, bytes);
    }
  if (term->state.recurrent > 0)
    {
      const char *separator = term->state.conv > 0 ? " + " : "";

      g_string_append_printf (formula, "%sB·L_s·state·%s", separator, term->state.fp32 ? "4" : "e");
      g_string_append_printf (substitution, "%s%" G_GUINT64_FORMAT "·%u·%" G_GUINT64_FORMAT "·%s", separator,
                              inference->batch, term->n_recurrent_layers, term->state.recurrent,
                              term->state.fp32 ? "4" : bytes);
    }
}

static void
append_cache_term (GString           *formula,
                   GString           *substitution,
                   const HrInference *inference,
                   const HrCacheTerm *term,
                   const char        *bytes)
{
  gboolean sliding = term->attention != NULL && term->attention->sliding_window > 0;

  if (formula->len > 0)
    {
      g_string_append (formula, " + ");
      g_string_append (substitution, " + ");
    }
  if (term->attention == NULL)
    {
      append_state_term (formula, substitution, inference, term, bytes);
      return;
    }
  if (term->attention->value_head_dim > 0)
    {
      g_string_append (formula, "L·B·C·(q + v)·e");
      g_string_append_printf (substitution,
                              "%u·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·(%" G_GUINT64_FORMAT " + %"
                              G_GUINT64_FORMAT ")·%s",
                              term->n_layers, inference->batch, term->tokens,
                              term->attention->cached_heads * term->attention->head_dim,
                              term->attention->cached_heads * term->attention->value_head_dim, bytes);
      if (term->index_bytes == 0)
        return;
      g_string_append (formula, " + L·B·C·d_x·e");
      g_string_append_printf (substitution,
                              " + %u·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%s",
                              term->n_layers, inference->batch, term->tokens, term->attention->index_head_dim, bytes);
      return;
    }
  if (term->bytes > 0 && term->value_bytes == 0)
    {
      g_string_append (formula, "L·B·C·(q + 2·k)·e");
      g_string_append_printf (substitution,
                              "%u·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·(%" G_GUINT64_FORMAT " + 2·%"
                              G_GUINT64_FORMAT ")·%s",
                              term->n_layers, inference->batch, term->tokens,
                              term->attention->num_attention_heads * term->attention->head_dim,
                              term->attention->num_key_value_heads * term->attention->head_dim, bytes);
      return;
    }
  if (term->attention->is_cross)
    g_string_append (formula, "2·L·B·N·k·e");
  else
    g_string_append_printf (formula, "2·%s·B·%s·k·e", sliding ? "L_w" : "L", sliding ? "w" : "C");
  g_string_append_printf (substitution, "2·%u·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%s",
                          term->n_layers, inference->batch, term->tokens,
                          term->attention->cached_heads * term->attention->head_dim, bytes);
}

static void
add_cache (const HrInferencePlan *plan,
           const Device          *device,
           HrEstimate            *estimate,
           guint                  index,
           guint64                bytes)
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

/* What is read, in 64-bit integers or the dtype of the model, the new token and the mask. */
static void
add_inputs (const HrInferencePlan *plan,
            const Device          *device,
            HrEstimate            *estimate,
            guint                  index,
            guint64                bytes)
{
  const HrInference *inference = &device->inference;
  gboolean has_mask = inference->mask != HR_ATTENTION_MASK_NONE && inference->features == 0;
  gboolean has_token = inference->stack->role == HR_STACK_DECODER;
  guint64 read = hr_inference_get_input_bytes (inference, plan->element);
  guint64 media = hr_inference_get_media_bytes (inference, inference->prompt, device->replay.parameter_dtype);
  g_autoptr (GString) formula = g_string_new (inference->features > 0 ? "features·e" : "8·B·S");
  g_autoptr (GString) substitution = g_string_new (NULL);

  g_string_append_printf (substitution, "%" G_GUINT64_FORMAT, read);
  if (has_mask)
    {
      guint64 tokens = inference->encoder != NULL ? inference->source_length : inference->prompt;

      g_string_append (formula, " + 8·B·S");
      g_string_append_printf (substitution, " + 8·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, inference->batch, tokens);
    }
  if (has_token)
    {
      g_string_append (formula, " + 8·B");
      g_string_append_printf (substitution, " + 8·%" G_GUINT64_FORMAT, inference->batch);
    }
  if (media > 0)
    {
      g_string_append (formula, " + pixels");
      g_string_append_printf (substitution, " + %" G_GUINT64_FORMAT, media);
    }
  _hr_estimate_add_component (estimate, index, HR_COMPONENT_INPUTS, bytes, formula->str, substitution->str,
                              inference->features > 0 ? SOURCE_FEATURES : SOURCE_INPUTS);
}

/*
 * Weights lie in one allocation that transformers makes ahead (caching_allocator_warmup in modeling_utils.py); the
 * cache and what is on the tape are tensors of their own.
 */
static guint64
get_waste (const Device *device)
{
  const HrMoment *moment = &device->replay.peak;
  g_autofree HrAllocation *allocations = g_new (HrAllocation, moment->n_storages + 3 * HR_INFERENCE_MAX_CLASSES + 1);
  HrCacheTerm terms[HR_INFERENCE_MAX_CLASSES];
  guint n_terms = hr_inference_get_cache_terms (&device->inference, moment, device->replay.ledger.peak_phase, terms);
  guint n = 0;

  allocations[n++] = (HrAllocation) { device->weights.bytes, 1 };
  for (guint i = 0; i < n_terms; i++)
    {
      allocations[n++] = (HrAllocation) { terms[i].bytes, terms[i].n_layers };
      allocations[n++] = (HrAllocation) { terms[i].value_bytes, terms[i].n_layers };
      allocations[n++] = (HrAllocation) { terms[i].index_bytes, terms[i].n_layers };
    }
  for (guint i = 0; i < moment->n_storages; i++)
    {
      if (moment->storages[i].component != HR_COMPONENT_KV_CACHE)
        allocations[n++] = (HrAllocation) { moment->storages[i].bytes, 1 };
    }

  return hr_allocator_get_waste (allocations, n);
}

static guint64
add_components (const HrInferencePlan *plan,
                const Device          *device,
                guint                  n_devices,
                HrEstimate            *estimate,
                guint                  index,
                const HrFramework     *framework,
                HrEstimateDetail       detail)
{
  const HrLevel *level = &device->replay.peak.level;
  guint64 bytes = level->total;

  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    {
      guint64 part = level->by_component[i];

      if (part == 0)
        continue;
      if (detail == HR_ESTIMATE_DETAIL_SIZES)
        _hr_estimate_add_component (estimate, index, i, part, NULL, NULL, NULL);
      else if (i == HR_COMPONENT_WEIGHTS)
        hr_estimate_add_weights (estimate, index, HR_COMPONENT_WEIGHTS, &plan->storage, &device->weights, part);
      else if (i == HR_COMPONENT_KV_CACHE)
        add_cache (plan, device, estimate, index, part);
      else if (i == HR_COMPONENT_INPUTS)
        add_inputs (plan, device, estimate, index, part);
      else
        hr_estimate_add_from_tape (estimate, index, plan->model, &device->replay.peak, i, part);
    }

  if (framework != NULL)
    bytes += hr_estimate_add_framework (estimate, index, framework);

  /* On one device the requests themselves tell (hr-inference-heap). */
  if (n_devices > 1)
    bytes += hr_estimate_add_fragmentation (estimate, index, get_waste (device));

  return bytes;
}

/* Of several timelines that of the device that takes the most is kept. */
static void
set_peak (HrEstimate   *estimate,
          guint         device,
          const Device *worst,
          GPtrArray    *timelines)
{
  const HrMoment *peak = &worst->replay.peak;
  HrPhaseId phase = worst->replay.ledger.peak_phase;

  _hr_estimate_set_peak (estimate, device, phase, peak->sentence, hr_component_text_new_operation (peak));
  if (timelines == NULL)
    return;

  hr_timeline_set_peak (worst->replay.timeline, phase, peak->layer);
  _hr_estimate_take_timeline (estimate, g_ptr_array_steal_index (timelines, device));
}

static void
add_devices (const HrInferencePlan *plan,
             const Device          *devices,
             guint                  n_devices,
             HrEstimate            *estimate,
             const HrFramework     *framework,
             HrEstimateDetail       detail,
             GPtrArray             *timelines)
{
  guint worst = 0;
  guint64 most = 0;

  for (guint i = 0; i < n_devices; i++)
    {
      guint index = _hr_estimate_add_device (estimate);
      guint64 bytes = add_components (plan, &devices[i], n_devices, estimate, index, framework, detail);

      _hr_estimate_set_device_bytes (estimate, index, bytes);
      if (bytes > most)
        {
          most = bytes;
          worst = i;
        }
    }

  hr_estimate_add_phases (estimate, &devices[worst].replay.ledger, most - devices[worst].replay.peak.level.total);
  set_peak (estimate, worst, &devices[worst], timelines);
}

static GPtrArray *
create_timelines (guint n_devices)
{
  GPtrArray *timelines = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_timeline_free);

  for (guint i = 0; i < n_devices; i++)
    g_ptr_array_add (timelines, hr_timeline_new ());

  return timelines;
}

static HrEstimate *
estimate_devices (HrInferencePlan   *plan,
                  HrGpu             *gpu,
                  guint              n_devices,
                  HrEstimateDetail   detail,
                  guint64           *least_bytes,
                  GError           **error)
{
  g_auto (Devices) all = create_devices (plan, n_devices, gpu);
  Device *devices = all.devices;
  g_autoptr (GPtrArray) timelines = NULL;
  g_autoptr (HrEstimate) rule = NULL;
  HrFramework framework;
  HrEstimate *estimate;
  gboolean has_framework;

  if (detail == HR_ESTIMATE_DETAIL_TIMELINE)
    timelines = create_timelines (n_devices);

  for (guint i = 0; i < n_devices; i++)
    {
      if (!run_device (plan, &devices[i], timelines != NULL ? g_ptr_array_index (timelines, i) : NULL, error))
        return NULL;
    }

  has_framework = hr_inference_plan_find_framework (plan, gpu, &framework);
  estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_EXACT,
                               plan->whole != NULL ? plan->whole : plan->model);
  add_devices (plan, devices, n_devices, estimate, has_framework ? &framework : NULL, detail, timelines);
  *least_bytes = n_devices > 1 ? 0 : devices[0].replay.peak.level.total + get_waste (&devices[0]);
  if (detail != HR_ESTIMATE_DETAIL_SIZES)
    {
      rule = hr_rule_estimate_new (plan);
      _hr_estimate_set_rule_of_thumb (estimate, rule);
    }

  return estimate;
}

/*
 * hr_exact_estimate_new:
 * @plan: a plan
 * @gpu: (nullable): the GPU to run on
 * @n_gpus: how many of them
 * @detail: what is to be known
 * @least_bytes: (out): what one device reserves at least for the peak, 0 if it is counted already
 * @error: return location for an error
 *
 * Estimates by replaying the job's allocations on each device.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_exact_estimate_new (HrInferencePlan   *plan,
                       HrGpu             *gpu,
                       guint              n_gpus,
                       HrEstimateDetail   detail,
                       guint64           *least_bytes,
                       GError           **error)
{
  guint n_devices = CLAMP (n_gpus, 1, MAX_DEVICES);
  g_autofree char *number = g_strdup_printf ("%u", n_gpus);

  if (!hr_inference_plan_adapt_to_gpu (plan, gpu, error))
    return NULL;
  if (n_devices > 1 && hr_model_find_stack (plan->model, HR_STACK_ENCODER) != NULL)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("gpus: expected 1, as it is not known how a model with an encoder is divided; found %s"),
                            number);
      return NULL;
    }

  return estimate_devices (plan, gpu, n_devices, detail, least_bytes, error);
}
