/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-exllama-estimate.h"

#include "hr-component-text.h"
#include "hr-estimate-parts.h"
#include "hr-exllama-run.h"
#include "hr-framework.h"
#include "hr-inference-cache.h"
#include "hr-ledger.h"
#include "hr-matrix-format.h"
#include "hr-rule-estimate.h"
#include "hr-serving-estimate.h"

/*
 * What ExLlamaV3 takes, as TabbyAPI has it load a model: layer by layer, each with its cache, through which a chunk of
 * a prompt is sent as soon as it is there (Model_LSMixin._load_autosplit of exllamav3/model/model_ls.py); where that
 * does not fit, the layer goes to the next GPU.
 */

#define SOURCE_WEIGHTS "exllamav3/modules: quant/exl3.py, quant/fp16.py, embedding.py"
#define SOURCE_CACHE "exllamav3/cache: fp16.py, quant.py"
#define SOURCE_RUN \
  "exllamav3/modules: transformer.py, attn.py, mlp.py, block_sparse_mlp.py, quant/exl3.py, attention_fn/triton_paged.py"
#define SOURCE_BUFFERS \
  "exllamav3/util/tensor.py, g_tensor_cache; exllamav3_ext/quant/exl3_devctx.cuh; attention_fn/triton_paged.py"

#define MIB (G_GUINT64_CONSTANT (1) << 20)

/* DevCtx: the workspace of cuBLAS, and locks and counters of its own kernels. */
#define CONTEXT_BUFFERS (16 * MIB + (1024 * 1024 + 2 * 1024 + 66) * 4)

/* max_output_size of Model.load: tokens whose logits are computed when the head is loaded. */
#define TRIED_LOGITS 32

/* reserve_per_device of Model.load, of all GPUs but those that TabbyAPI names. */
#define OTHER_RESERVE (512 * MIB)

/* Beyond this nobody could count the tokens. */
#define MAX_TOKENS (G_GUINT64_CONSTANT (1) << 32)

/* What layers of a class make: when they are loaded, of a prompt, of the tokens that are generated. */
typedef struct
{
  HrReplay tried;
  HrReplay prompt;
  HrReplay tokens;
  guint64 cache;
  guint64 staged;
  guint64 buffers;
} Layers;

/* A moment of a GPU. */
typedef struct
{
  HrPhaseId phase;
  guint64 weights;
  guint64 bytes;
  const HrMoment *moment;
} Moment;

typedef struct
{
  guint64 weights;
  guint64 cache;
  guint64 staged;
  guint64 buffers;
  guint first, n_layers;
  gboolean has_head;
  Moment load;
  Moment prefill;
  Moment decode;
} Device;

typedef struct
{
  HrExllamaPlan plan;
  HrExllamaWeights weights;
  Layers *layers;          /* of each class, with its experts on the GPU, and on the host */
  guint n_layers;
  HrReplay tried_head;
  HrReplay head;
  Device *devices;
  guint n_devices;
  guint64 context;         /* what the driver holds on a GPU */
  guint64 memory;          /* of a GPU; 0: none is named */
} Run;

static void
run_clear (Run *self)
{
  for (guint i = 0; i < self->n_layers; i++)
    {
      hr_replay_clear (&self->layers[i].tried);
      hr_replay_clear (&self->layers[i].prompt);
      hr_replay_clear (&self->layers[i].tokens);
    }
  if (self->n_layers > 0)
    {
      hr_replay_clear (&self->tried_head);
      hr_replay_clear (&self->head);
    }
  g_clear_pointer (&self->layers, g_free);
  g_clear_pointer (&self->devices, g_free);
  hr_exllama_weights_clear (&self->weights);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static guint64
get_peak (const HrReplay *replay)
{
  return replay->peak.level.total;
}

/* All tokens of a prompt but the last, which is computed with those that are generated (Job.prefill). */
static guint64
get_prompt_rows (const HrExllamaPlan *plan)
{
  return CLAMP (plan->pass->inference.prompt - 1, 1, plan->chunk);
}

static void
measure_layers (Run                *self,
                Layers             *layers,
                const HrLayerClass *klass,
                gboolean            is_on_host)
{
  const HrExllamaPlan *plan = &self->plan;
  const HrAttention *attention = hr_layer_class_get_attention (klass);

  hr_inference_plan_init_replay (plan->pass, &layers->tried);
  hr_inference_plan_init_replay (plan->pass, &layers->prompt);
  hr_inference_plan_init_replay (plan->pass, &layers->tokens);
  hr_ledger_enter_phase (&layers->tried.ledger, HR_PHASE_LOAD);
  hr_ledger_enter_phase (&layers->prompt.ledger, HR_PHASE_PREFILL);
  hr_ledger_enter_phase (&layers->tokens.ledger, HR_PHASE_DECODE);
  hr_exllama_run_layer (plan, &layers->tried, klass, plan->chunk, plan->profile->tries_cache ? plan->chunk : 0,
                        is_on_host);
  hr_exllama_run_layer (plan, &layers->prompt, klass, get_prompt_rows (plan), plan->request_tokens, is_on_host);
  hr_exllama_run_layer (plan, &layers->tokens, klass, plan->requests, plan->request_tokens, is_on_host);
  layers->buffers = is_on_host ? 0 : hr_exllama_run_get_buffers (plan, klass);
  if (attention == NULL)
    return;

  layers->cache = hr_exllama_plan_get_cache_bytes (plan, attention, plan->cache_tokens);
  layers->staged = hr_exllama_plan_get_staged_bytes (plan, attention, plan->cache_tokens);
}

static void
measure (Run *self)
{
  const HrStack *stack = self->plan.pass->stack;

  self->n_layers = 2 * stack->n_layer_classes;
  self->layers = g_new0 (Layers, self->n_layers);
  for (guint i = 0; i < self->n_layers; i++)
    measure_layers (self, &self->layers[i], &stack->layer_classes[i / 2], i % 2 == 1);
  hr_inference_plan_init_replay (self->plan.pass, &self->tried_head);
  hr_inference_plan_init_replay (self->plan.pass, &self->head);
  hr_ledger_enter_phase (&self->tried_head.ledger, HR_PHASE_LOAD);
  hr_ledger_enter_phase (&self->head.ledger, HR_PHASE_DECODE);
  hr_exllama_run_head (&self->plan, &self->tried_head, MIN (TRIED_LOGITS, self->plan.chunk));
  hr_exllama_run_head (&self->plan, &self->head, self->plan.requests);
  hr_exllama_plan_add_weights (&self->plan, &self->weights);
}

static const Layers *
get_layers (const Run *self,
            guint      layer)
{
  return &self->layers[2 * self->plan.pass->stack->layer_class_of[layer] +
                       (hr_exllama_plan_is_on_host (&self->plan, layer) ? 1 : 0)];
}

/* Buffers and expanded caches are there once for all layers that are alike: the largest stand for the others. */
static guint64
get_held (const Device *device)
{
  return device->weights + device->cache + device->staged + device->buffers + CONTEXT_BUFFERS;
}

static guint64
get_limit (const Run *self,
           guint      device)
{
  guint64 reserve = device == 0 ? self->plan.reserve : OTHER_RESERVE;

  if (self->memory == 0)
    return G_MAXUINT64;

  return self->memory - MIN (self->memory, self->context + reserve);
}

static void
note (Moment       *moment,
      HrPhaseId     phase,
      const Device *device,
      const HrReplay *replay)
{
  guint64 bytes = get_held (device) + get_peak (replay);

  if (bytes > moment->bytes || moment->moment == NULL)
    *moment = (Moment) { phase, device->weights, bytes, &replay->peak };
}

static gboolean
place_layer (Run      *self,
             guint     index,
             guint     layer,
             gboolean  must)
{
  const Layers *layers = get_layers (self, layer);
  Device with = self->devices[index];

  with.weights += self->weights.layers[layer];
  with.cache += layers->cache;
  with.staged = MAX (with.staged, layers->staged);
  with.buffers = MAX (with.buffers, layers->buffers);
  if (!must && with.n_layers > 0 && get_held (&with) + get_peak (&layers->tried) > get_limit (self, index))
    return FALSE;

  with.first = with.n_layers == 0 ? layer : with.first;
  with.n_layers++;
  note (&with.load, HR_PHASE_LOAD, &with, &layers->tried);
  self->devices[index] = with;

  return TRUE;
}

static gboolean
place_head (Run      *self,
            guint     index,
            gboolean  must)
{
  Device with = self->devices[index];

  with.weights += self->weights.head;
  if (!must && get_held (&with) + get_peak (&self->tried_head) > get_limit (self, index))
    return FALSE;

  with.has_head = TRUE;
  note (&with.load, HR_PHASE_LOAD, &with, &self->tried_head);
  self->devices[index] = with;

  return TRUE;
}

/* Each layer is tried where the last one is; what fits nowhere is counted on the last GPU. */
static void
place (Run *self)
{
  guint index = 0;

  for (guint i = 0; i < self->plan.pass->stack->n_layers; i++)
    {
      while (!place_layer (self, index, i, index + 1 == self->n_devices))
        index++;
    }
  while (!place_head (self, index, index + 1 == self->n_devices))
    index++;

  for (guint i = 0; i < self->n_devices; i++)
    {
      Device *device = &self->devices[i];

      for (guint j = 0; j < device->n_layers; j++)
        {
          const Layers *layers = get_layers (self, device->first + j);

          note (&device->prefill, HR_PHASE_PREFILL, device, &layers->prompt);
          note (&device->decode, HR_PHASE_DECODE, device, &layers->tokens);
        }
      if (device->has_head)
        note (&device->decode, HR_PHASE_DECODE, device, &self->head);
    }
}

static const Moment *
get_highest (const Device *device)
{
  const Moment *highest = &device->prefill;

  if (device->load.bytes > highest->bytes)
    highest = &device->load;
  if (device->decode.bytes > highest->bytes)
    highest = &device->decode;

  return highest;
}

static void
add_weights (HrEstimate    *estimate,
             guint          index,
             const Run     *self,
             guint64        bytes)
{
  const HrWeightStorage *storage = &self->plan.pass->storage;
  const char *format = hr_matrix_format_get_source (storage->quantization);
  g_autofree char *source = format != NULL ? g_strconcat (format, "; " SOURCE_WEIGHTS, NULL)
                                           : g_strdup (SOURCE_WEIGHTS);
  guint64 elements = self->weights.elements / 8 / self->n_devices;
  g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·%.4g/8", 8 * elements,
                                                   (double) bytes / MAX (elements, 1));

  _hr_estimate_add_component (estimate, index, HR_COMPONENT_WEIGHTS, bytes,
                              "Σ in·out·bits/8 + 2·in + 2·out + rest·2", substitution, source);
}

static void
add_cache (HrEstimate   *estimate,
           guint         index,
           const Run    *self,
           const Device *device)
{
  const HrExllamaPlan *plan = &self->plan;
  g_autofree char *substitution =
    g_strdup_printf ("%u·%" G_GUINT64_FORMAT "·(%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT " bit) ⇒ %"
                     G_GUINT64_FORMAT,
                     device->n_layers, plan->cache_tokens, plan->key_bits, plan->value_bits, device->cache);

  _hr_estimate_add_component (estimate, index, HR_COMPONENT_KV_CACHE, device->cache, "L·n·h_kv·d·(b_k + b_v)/8",
                              substitution, SOURCE_CACHE);
}

static void
add_run (HrEstimate       *estimate,
         guint             index,
         const HrMoment   *moment,
         HrEstimateDetail  detail)
{
  static const HrComponentId ids[] = { HR_COMPONENT_ACTIVATIONS, HR_COMPONENT_LOGITS };
  gboolean is_short = detail == HR_ESTIMATE_DETAIL_SIZES;

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      guint64 bytes = moment->level.by_component[ids[i]];
      g_autofree char *formula = is_short ? NULL : hr_component_text_new_formula (moment, ids[i]);
      g_autofree char *substitution = is_short ? NULL : hr_component_text_new_substitution (moment, ids[i]);

      if (bytes > 0)
        _hr_estimate_add_component (estimate, index, ids[i], bytes, formula, substitution, SOURCE_RUN);
    }
}

static void
add_buffers (HrEstimate   *estimate,
             guint         index,
             const Device *device)
{
  g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT,
                                                   (guint64) CONTEXT_BUFFERS, device->buffers, device->staged);

  _hr_estimate_add_component (estimate, index, HR_COMPONENT_TEMPORARY,
                              CONTEXT_BUFFERS + device->buffers + device->staged,
                              "workspace + buffers + expanded cache", substitution, SOURCE_BUFFERS);
}

static void
add_device (HrEstimate        *estimate,
            const Run         *self,
            guint              i,
            const HrFramework *framework,
            HrEstimateDetail   detail)
{
  const Device *device = &self->devices[i];
  const Moment *highest = get_highest (device);
  guint index = _hr_estimate_add_device (estimate);
  g_autofree char *context = g_strdup_printf ("%" G_GUINT64_FORMAT, self->context);

  if (highest->moment == NULL)
    return;

  add_weights (estimate, index, self, highest->weights);
  if (device->cache > 0)
    add_cache (estimate, index, self, device);
  add_run (estimate, index, highest->moment, detail);
  add_buffers (estimate, index, device);
  if (framework != NULL)
    _hr_estimate_add_component (estimate, index, HR_COMPONENT_FRAMEWORK, self->context, "context", context,
                                framework->source);
  _hr_estimate_set_device_bytes (estimate, index, highest->bytes + self->context);
}

static char *
dup_number (guint64 number)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

/* How many tokens more the cache of a GPU has room for, in whole pages. */
static void
tell_room (Run *self)
{
  const HrExllamaPlan *plan = &self->plan;
  guint64 room = G_MAXUINT64;
  g_autofree char *tokens = NULL, *requests = NULL, *length = NULL, *asked = NULL;

  for (guint i = 0; i < self->n_devices; i++)
    {
      const Device *device = &self->devices[i];
      guint64 grows = device->cache + device->staged;
      guint64 limit = self->memory - MIN (self->memory, self->context);
      guint64 beside = device->n_layers > 0 ? get_highest (device)->bytes - grows : 0;

      if (grows > 0)
        room = MIN (room, (double) (limit - MIN (limit, beside)) / grows * plan->cache_tokens);
    }
  room = room / 256 * 256;
  tokens = dup_number (room);
  asked = dup_number (plan->cache_tokens);
  length = dup_number (plan->request_tokens);
  requests = dup_number (room / plan->request_tokens);
  hr_inference_plan_warn (plan->pass,
                          /* Translators: the places are numbers of tokens and of requests. */
                          N_("The memory has room for a cache of %s tokens (cache_size), where %s are asked for: for "
                             "%s requests of prompt and output, %s tokens in whole pages, at once"),
                          tokens, asked, requests, length);
}

static void
tell_split (Run *self)
{
  for (guint i = 0; self->n_devices > 1 && i < self->n_devices; i++)
    {
      const Device *device = &self->devices[i];
      g_autofree char *number = g_strdup_printf ("%u", i);
      g_autofree char *layers = g_strdup_printf ("%u", device->n_layers);

      hr_inference_plan_warn (self->plan.pass,
                              device->has_head
                                /* Translators: the number of a GPU and of layers. */
                                ? N_("GPU %s has %s layers and the head, as they are loaded one GPU after the other")
                                : N_("GPU %s has %s layers, as they are loaded one GPU after the other"),
                              number, layers);
    }
}

static void
tell_host (Run *self)
{
  guint64 experts = 0;
  g_autofree char *table = hr_serving_dup_size (self->weights.embedding);
  g_autofree char *size = NULL;

  for (guint i = 0; i < self->plan.pass->stack->n_layers; i++)
    experts += self->weights.host_layers[i];
  size = hr_serving_dup_size (experts);
  if (experts > 0)
    hr_inference_plan_warn (self->plan.pass,
                            /* Translators: sizes such as 1.50 GiB. */
                            N_("The host keeps the table of tokens, %s, and experts of %s; buffers through which "
                               "experts come to the GPU for prompts are not counted"), table, size);
  else
    hr_inference_plan_warn (self->plan.pass, N_("The host keeps the table of tokens, %s"), table);
}

static gboolean
has_experts (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      if (hr_layer_class_find_block (&stack->layer_classes[i], HR_BLOCK_MIXTURE) != NULL)
        return TRUE;
    }

  return FALSE;
}

static void
warn (Run *self)
{
  HrInferencePlan *pass = self->plan.pass;

  if (self->memory > 0)
    tell_room (self);
  tell_split (self);
  tell_host (self);
  hr_inference_plan_warn (pass,
                          N_("ExLlamaV3 sends a chunk of a prompt through each layer when it loads it, so that there "
                             "has to be room for one, however short prompts are; what its kernels take as they are "
                             "loaded, and what the allocator keeps beside, is not counted"));
  if (has_experts (pass->stack))
    hr_inference_plan_warn (pass, N_("Every expert is taken to be chosen by as many tokens of a prompt as any other"));
  if (hr_model_get_n_stacks (pass->model) > 1)
    hr_inference_plan_warn (pass, N_("Towers and projectors are not counted, as TabbyAPI loads them with “vision: "
                                     "true” alone"));
}

static HrEstimate *
create_estimate (Run               *self,
                 const HrFramework *framework,
                 HrEstimateDetail   detail)
{
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_EXACT, self->plan.pass->model);
  const Device *worst = &self->devices[0];
  const Moment *highest;

  for (guint i = 0; i < self->n_devices; i++)
    {
      add_device (estimate, self, i, framework, detail);
      if (get_highest (&self->devices[i])->bytes > get_highest (worst)->bytes)
        worst = &self->devices[i];
    }

  highest = get_highest (worst);
  _hr_estimate_add_phase (estimate, HR_PHASE_LOAD, worst->load.bytes + self->context);
  _hr_estimate_add_phase (estimate, HR_PHASE_PREFILL, worst->prefill.bytes + self->context);
  _hr_estimate_add_phase (estimate, HR_PHASE_DECODE, worst->decode.bytes + self->context);
  _hr_estimate_set_peak (estimate, worst - self->devices, highest->phase, highest->moment->sentence,
                         hr_component_text_new_operation (highest->moment));
  if (detail != HR_ESTIMATE_DETAIL_SIZES)
    {
      g_autoptr (HrEstimate) rule = hr_rule_estimate_new (self->plan.pass);

      _hr_estimate_set_rule_of_thumb (estimate, rule);
    }

  return estimate;
}

static gboolean
check_size (const HrExllamaPlan  *plan,
            GError              **error)
{
  if (plan->cache_tokens <= MAX_TOKENS)
    return TRUE;

  hr_estimate_set_too_large (error, plan->pass->model);

  return FALSE;
}

/*
 * hr_exllama_estimate_new:
 * @model: a model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @n_gpus: how many of them
 * @detail: what is to be known
 * @error: return location for an error
 *
 * Estimates what ExLlamaV3 takes.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_exllama_estimate_new (HrModel           *model,
                         HrInferenceJob    *job,
                         HrGpu             *gpu,
                         guint              n_gpus,
                         HrEstimateDetail   detail,
                         GError           **error)
{
  g_auto (HrInferencePlan) pass = { 0 };
  g_auto (Run) run = { { 0 } };
  HrFramework framework = { 0 };
  gboolean has_framework;
  HrEstimate *estimate;

  if (!hr_inference_plan_init_pass (&pass, model, HR_JOB (job), error) ||
      !hr_exllama_plan_init (&run.plan, &pass, job, gpu, error) || !check_size (&run.plan, error))
    return NULL;

  if (hr_job_get_method_of_estimate (HR_JOB (job)) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    {
      estimate = hr_rule_estimate_new (&pass);
    }
  else
    {
      has_framework = hr_inference_plan_find_framework (&pass, gpu, &framework);
      run.context = has_framework ? framework.context_bytes : 0;
      run.memory = gpu != NULL ? hr_gpu_get_usable_memory (gpu) : 0;
      run.n_devices = MAX (n_gpus, 1);
      run.devices = g_new0 (Device, run.n_devices);
      measure (&run);
      place (&run);
      warn (&run);
      estimate = create_estimate (&run, has_framework ? &framework : NULL, detail);
    }
  hr_estimate_add_warnings (estimate, &pass);

  return estimate;
}
