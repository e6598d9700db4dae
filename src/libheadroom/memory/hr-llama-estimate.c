/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-llama-estimate.h"

#include "hr-cuda-context.h"
#include "hr-estimate-parts.h"
#include "hr-framework.h"
#include "hr-ggml-type.h"
#include "hr-llama-draft.h"
#include "hr-llama-fit.h"
#include "hr-llama-plan.h"
#include "hr-llama-projector.h"
#include "hr-message.h"
#include "hr-rule-estimate.h"

/* llama.cpp takes all that it needs when it starts: the model, the caches, and buffers for the largest graphs. */

#define SOURCE_WEIGHTS "llama.cpp: src/llama-model.cpp, llama_model::load_tensors; src/llama-quant.cpp"
#define SOURCE_CACHE "llama.cpp: src/llama-kv-cache.cpp, src/llama-kv-cache-iswa.cpp, src/llama-memory-recurrent.cpp"
#define SOURCE_COMPUTE \
  "llama.cpp: src/llama-context.cpp, sched_reserve; src/llama-graph.cpp; ggml/src/ggml-backend.cpp, " \
  "ggml/src/ggml-alloc.c"

#define SOURCE_POOL \
  "ggml/src/ggml-cuda/ggml-cuda.cu, ggml_cuda_pool_vmm; mmq.cu, ggml_cuda_mul_mat_q; fattn-common.cuh, launch_fattn"

/* Parts of what may be more than is counted (set_margin ()). */
#define COMPUTE_PERCENT 8
#define KERNEL_SPREAD (G_GUINT64_CONSTANT (90) << 20)

/* Beyond this nobody could count the cells. */
#define MAX_CONTEXT (G_GUINT64_CONSTANT (1) << 32)

/* mmprojOffloadHeadroom of Ollama's llm/llama_server.go: what it leaves beside the weights of a projector. */
#define PROJECTOR_ROOM (G_GUINT64_CONSTANT (1) << 30)

#define SOURCE_PROJECTOR "llama.cpp: tools/mtmd/clip.cpp, load_tensors, reserve_compute_meta"

/* A model that llama.cpp has loaded: the one that answers, or the one that guesses ahead for it. */
typedef struct
{
  const HrLlamaPlan *plan;        /* NULL: of a projector */
  HrLlamaBuffers buffers;
} Loaded;

typedef struct
{
  Loaded models[3];
  guint n_models;
  const HrLlamaProjector *projector;
  HrLlamaBuffers projector_start;
} Run;

static guint64
add_weights (HrEstimate *estimate,
             guint       device,
             const Run  *run)
{
  g_autoptr (GString) substitution = g_string_new (NULL);
  guint64 sum = 0;

  for (guint i = 0; i < run->n_models; i++)
    {
      const HrLlamaBuffers *buffers = &run->models[i].buffers;
      guint64 bytes = buffers->weights[device];

      if (bytes == 0)
        continue;
      g_string_append_printf (substitution, "%s%" G_GUINT64_FORMAT "·%.4g/8", substitution->len > 0 ? " + " : "",
                              buffers->elements[device], 8.0 * bytes / MAX (buffers->elements[device], 1));
      sum += bytes;
    }
  if (sum > 0)
    _hr_estimate_add_component (estimate, device, HR_COMPONENT_WEIGHTS, sum, "Σ blocks · bytes of a block",
                                substitution->str, run->projector->kind != HR_CLIP_NONE
                                                     ? SOURCE_WEIGHTS "; " SOURCE_PROJECTOR : SOURCE_WEIGHTS);

  return sum;
}

static void
load (Loaded            *self,
      const HrLlamaPlan *plan)
{
  self->plan = plan;
  hr_llama_plan_measure_all (plan, &self->buffers);
}

/* Of the largest picture, and of the one that buffers are reserved for at first. */
static void
load_projector (Run *self)
{
  const HrLlamaProjector *projector = self->projector;
  Loaded *loaded = &self->models[self->n_models];

  if (projector->kind == HR_CLIP_NONE)
    return;

  self->n_models++;
  hr_llama_projector_measure (projector, projector->start, &self->projector_start);
  hr_llama_projector_measure (projector, projector->largest, &loaded->buffers);
  for (guint i = 0; i <= projector->plan->n_devices; i++)
    {
      loaded->buffers.compute[i] = MAX (loaded->buffers.compute[i], self->projector_start.compute[i]);
      loaded->buffers.pools[i] = MAX (loaded->buffers.pools[i], self->projector_start.pools[i]);
    }
}

static void
append_key_value_term (GString           *substitution,
                       const HrLlamaPlan *plan,
                       const HrAttention *a,
                       guint              n_layers)
{
  const HrGgmlType *keys = hr_ggml_type_get (plan->key_type);
  const HrGgmlType *values = hr_ggml_type_get (plan->value_type);
  guint64 cells = a->sliding_window > 0 && plan->window > 0 ? plan->window_cells : plan->cells;

  g_string_append_printf (substitution,
                          "%s%u·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·(%" G_GUINT64_FORMAT "·%g + %"
                          G_GUINT64_FORMAT "·%g)",
                          substitution->len > 0 ? " + " : "", n_layers, plan->n_streams, cells,
                          hr_llama_plan_get_key_width (a), (double) keys->block_bytes / keys->block_size,
                          hr_llama_plan_get_value_width (a), (double) values->block_bytes / values->block_size);
}

static void
append_cache_term (GString           *substitution,
                   const HrLlamaPlan *plan,
                   guint              layer,
                   guint              n_layers)
{
  const HrAttention *a = hr_llama_plan_get_attention (plan, layer);
  HrBlockState state;

  if (a != NULL)
    append_key_value_term (substitution, plan, a, n_layers);
  if (hr_llama_plan_get_state (plan, layer, &state))
    g_string_append_printf (substitution,
                            "%s%u·%" G_GUINT64_FORMAT "·4·(%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT ")",
                            substitution->len > 0 ? " + " : "", n_layers, plan->n_slots, state.conv, state.recurrent);
}

/* Layers of a class that are on the same device are one term. */
static void
append_cache_terms (GString           *substitution,
                    const HrLlamaPlan *plan,
                    guint              device)
{
  const HrStack *stack = plan->pass->stack;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      guint first = 0, n = 0;

      for (guint j = 0; j < stack->n_layers; j++)
        {
          if (stack->layer_class_of[j] != i || hr_llama_plan_get_cache_place (plan, j) != (gint) device)
            continue;
          first = n++ == 0 ? j : first;
        }
      if (n > 0)
        append_cache_term (substitution, plan, first, n);
    }
}

static guint64
add_cache (HrEstimate *estimate,
           guint       device,
           const Run  *run)
{
  g_autoptr (GString) substitution = g_string_new (NULL);
  guint64 sum = 0;

  for (guint i = 0; i < run->n_models; i++)
    {
      if (run->models[i].plan != NULL)
        append_cache_terms (substitution, run->models[i].plan, device);
      sum += run->models[i].buffers.cache[device];
    }
  if (sum > 0)
    _hr_estimate_add_component (estimate, device, HR_COMPONENT_KV_CACHE, sum, "L·n·C·(k·e_k + v·e_v)",
                                substitution->str, SOURCE_CACHE);

  return sum;
}

static guint64
get_compute (const Run *run,
             guint      device)
{
  guint64 sum = 0;

  for (guint i = 0; i < run->n_models; i++)
    sum += run->models[i].buffers.compute[device];

  return sum;
}

/* Each context has a buffer of its own. */
static guint64
add_compute (HrEstimate *estimate,
             guint       device,
             const Run  *run)
{
  g_autoptr (GString) substitution = g_string_new (NULL);
  guint64 sum = get_compute (run, device);

  for (guint i = 0; i < run->n_models; i++)
    g_string_append_printf (substitution, "%s%" G_GUINT64_FORMAT, i > 0 ? " + " : "",
                            run->models[i].buffers.compute[device]);
  _hr_estimate_add_component (estimate, device, HR_COMPONENT_ACTIVATIONS, sum, "compute buffer", substitution->str,
                              run->projector->kind != HR_CLIP_NONE
                                ? SOURCE_COMPUTE "; " SOURCE_PROJECTOR : SOURCE_COMPUTE);

  return sum;
}

/* CUDA pins the caches and the compute buffers of the host; models are mapped from their files. */
static guint64
add_pages (const Run *run,
           GString   *substitution)
{
  guint host = run->models[0].plan->n_devices;
  guint64 pinned = 0, bytes;

  for (guint i = 0; i < run->n_models; i++)
    pinned += run->models[i].buffers.cache[host] + run->models[i].buffers.compute[host];
  bytes = hr_cuda_context_get_page_bytes (pinned);
  if (bytes > 0)
    g_string_append_printf (substitution, " + %" G_GUINT64_FORMAT, bytes);

  return bytes;
}

static guint64
add_framework (HrEstimate        *estimate,
               guint              device,
               const Run         *run,
               const HrFramework *framework)
{
  g_autofree char *source = g_strconcat (framework->source, "; " SOURCE_POOL, NULL);
  g_autoptr (GString) substitution = g_string_new (NULL);
  guint64 sum = framework->context_bytes;

  g_string_append_printf (substitution, "%" G_GUINT64_FORMAT, framework->context_bytes);
  for (guint i = 0; i < run->n_models; i++)
    {
      g_string_append_printf (substitution, " + %" G_GUINT64_FORMAT, run->models[i].buffers.pools[device]);
      sum += run->models[i].buffers.pools[device];
    }
  sum += add_pages (run, substitution);
  _hr_estimate_add_component (estimate, device, HR_COMPONENT_FRAMEWORK, sum, "context + pool + page tables",
                              substitution->str, source);

  return sum;
}

static guint64
add_device (HrEstimate        *estimate,
            const Run         *run,
            const HrFramework *framework)
{
  guint device = _hr_estimate_add_device (estimate);
  guint64 bytes = add_weights (estimate, device, run);

  bytes += add_cache (estimate, device, run);
  bytes += add_compute (estimate, device, run);
  if (framework != NULL)
    bytes += add_framework (estimate, device, run, framework);
  _hr_estimate_set_device_bytes (estimate, device, bytes);

  return bytes;
}

/*
 * Buffers are what llama.cpp reserves; of other builds, those of compute buffers were up to 8 % larger in 20 logs
 * (tests/oracle/llama-logs.json), and contexts with their kernels up to 90 MiB larger (llama-processes.json).
 */
static void
set_margin (HrEstimate *estimate,
            const Run  *run,
            gboolean    has_framework)
{
  guint64 margin = 0;

  for (guint i = 0; i < run->models[0].plan->n_devices; i++)
    margin = MAX (margin, get_compute (run, i) / 100 * COMPUTE_PERCENT);
  margin += has_framework ? KERNEL_SPREAD : 0;
  _hr_estimate_set_margin (estimate, margin,
                           N_("Compute buffers of other builds of llama.cpp, and CUDA contexts with the kernels that "
                              "are loaded into them, were up to this much larger."));
}

static char *
dup_mebibytes (guint64 bytes)
{
  return g_strdup_printf ("%.2f MiB", bytes / 1048576.0);
}

static guint
count_layers_on_gpus (const HrLlamaPlan *plan)
{
  guint n = plan->output_place != (gint) plan->n_devices;

  for (guint i = 0; i < plan->pass->stack->n_layers; i++)
    n += plan->layer_places[i] != (gint) plan->n_devices;

  return n;
}

static guint
count_divided_layers (const HrLlamaPlan *plan)
{
  guint n = 0;

  for (guint i = 0; i < plan->pass->stack->n_layers; i++)
    n += plan->moves[i] != 0 && plan->layer_places[i] != (gint) plan->n_devices;

  return n;
}

static void
warn_of_context (HrLlamaPlan *plan)
{
  guint64 positions = 0;
  g_autofree char *context = g_strdup_printf ("%" G_GUINT64_FORMAT, plan->cells);
  g_autofree char *longest = NULL;

  if (!plan->is_context_left)
    return;

  hr_model_get_hyper_parameter (plan->pass->model, "max_position_embeddings", &positions);
  longest = g_strdup_printf ("%" G_GUINT64_FORMAT, positions);
  if (plan->cells < positions)
    hr_inference_plan_warn (plan->pass,
                            /* Translators: numbers of tokens. */
                            N_("Of the %s tokens that the model knows llama.cpp by itself takes a context of %s, as "
                               "the memory of the GPU has no room for more; -c 0 asks for all of them"),
                            longest, context);
  else
    hr_inference_plan_warn (plan->pass,
                            /* Translators: a number of tokens. */
                            N_("llama.cpp by itself takes the context that the model knows, %s tokens"), context);
}

static void
warn_of_layers (HrLlamaPlan *plan)
{
  g_autofree char *left = g_strdup_printf ("%" G_GUINT64_FORMAT, plan->fit_target >> 20);
  g_autofree char *n_divided = g_strdup_printf ("%u", count_divided_layers (plan));
  g_autofree char *n_placed = g_strdup_printf ("%u", count_layers_on_gpus (plan));
  g_autofree char *n_layers = g_strdup_printf ("%u", plan->pass->stack->n_layers + 1);

  if (plan->is_fitted)
    hr_inference_plan_warn (plan->pass,
                            /* Translators: numbers of layers, and a size. */
                            N_("%s of %s layers are on the GPU, the head being one of them: llama.cpp by itself takes "
                               "as many as leave %s MiB free"),
                            n_placed, n_layers, left);
  if (plan->is_fitted && count_divided_layers (plan) > 0)
    hr_inference_plan_warn (plan->pass,
                            /* Translators: a number of layers. */
                            N_("Of %s of these layers the experts are not all on that GPU: llama.cpp by itself leaves "
                               "them to the host before it leaves it whole layers"),
                            n_divided);
}

static void
warn_of_ollama (HrLlamaPlan *plan)
{
  hr_inference_plan_warn (plan->pass,
                          N_("This is Ollama since 0.30, which starts llama.cpp’s server; before, it computed newer "
                             "models with an engine of its own, whose buffers are not known here, and models of MLX "
                             "still run so"));
}

static const Loaded *
find_draft (const Run *run)
{
  return run->n_models > 1 && run->models[1].plan != NULL ? &run->models[1] : NULL;
}

/* What a model beside the one that answers takes of the fullest GPU. */
static void
warn_of_draft (HrLlamaPlan *plan,
               const Run   *run)
{
  guint64 most = 0;
  g_autofree char *size = NULL;

  if (find_draft (run) == NULL)
    return;

  for (guint i = 0; i < plan->n_devices; i++)
    {
      const HrLlamaBuffers *draft = &find_draft (run)->buffers;

      most = MAX (most, draft->weights[i] + draft->cache[i] + draft->compute[i]);
    }
  size = dup_mebibytes (most);
  hr_inference_plan_warn (plan->pass,
                          /* Translators: a size such as 281.81 MiB. */
                          N_("Weights, keys and values and compute buffers are those of the model and of its draft "
                             "model, which takes %s of a GPU"),
                          size);
}

static void
warn_of_no_projector (HrLlamaPlan *plan)
{
  if (hr_model_get_n_stacks (plan->pass->model) < 2)
    return;

  if (hr_inference_job_get_engine (plan->pass->job) == HR_ENGINE_OLLAMA)
    hr_inference_plan_warn (plan->pass,
                            N_("Ollama loads the projector of a model that sees as well; what its release of llama.cpp "
                               "takes for the one of this model is not known here and not counted: leave room for it"));
  else if (hr_inference_job_get_mmproj (plan->pass->job) == HR_PROJECTOR_FILE_AUTO)
    hr_inference_plan_warn (plan->pass,
                            N_("llama-server -hf loads the file with the towers and projectors as well (mmproj); what "
                               "this release takes for those of this model is not known here and not counted: start "
                               "it with --no-mmproj, or leave room for them"));
  else
    hr_inference_plan_warn (plan->pass,
                            N_("Towers and projectors are in a file of their own for llama.cpp (mmproj), and are "
                               "not counted where none is chosen"));
}

/* The buffer grows with the largest picture that has come. */
static void
warn_of_projector (HrLlamaPlan *plan,
                   const Run   *run)
{
  const HrLlamaBuffers *start = &run->projector_start;
  guint place = run->projector->is_on_host ? plan->n_devices : 0;
  g_autofree char *weights = dup_mebibytes (start->weights[place]);
  g_autofree char *first = dup_mebibytes (start->compute[place]);
  g_autofree char *largest = NULL;

  if (run->projector->kind == HR_CLIP_NONE)
    {
      warn_of_no_projector (plan);
      return;
    }

  largest = dup_mebibytes (run->models[run->n_models - 1].buffers.compute[place]);
  hr_inference_plan_warn (plan->pass,
                          /* Translators: sizes such as 281.81 MiB. */
                          N_("The projector’s file holds %s; its compute buffer is %s when the server starts, and %s "
                             "with the largest picture, which is counted"),
                          weights, first, largest);
  if (hr_inference_job_get_engine (plan->pass->job) == HR_ENGINE_OLLAMA)
    hr_inference_plan_warn (plan->pass,
                            N_("Ollama loads the projector that the model’s file holds; where llama.cpp finds out how "
                               "many layers fit, it is told to leave as much free as that takes, and a GiB"));
  else if (hr_inference_job_get_mmproj (plan->pass->job) == HR_PROJECTOR_FILE_AUTO)
    hr_inference_plan_warn (plan->pass,
                            N_("The projector is counted as llama-server -hf loads it by itself, here in 16 bits; "
                               "where a repository has one of 8 bits as well, that goes with a quantized model; "
                               "--no-mmproj leaves it off"));
}

/* What is beside the GPUs, and what a user might take for granted. */
static void
warn (HrLlamaPlan *plan,
      const Run   *run)
{
  guint host = plan->n_devices;
  guint64 sums[3] = { 0 };
  g_autofree char *weights = NULL;
  g_autofree char *cache = NULL;
  g_autofree char *compute = NULL;

  for (guint i = 0; i < run->n_models; i++)
    {
      sums[0] += run->models[i].buffers.weights[host];
      sums[1] += run->models[i].buffers.cache[host];
      sums[2] += run->models[i].buffers.compute[host];
    }
  weights = dup_mebibytes (sums[0]);
  cache = dup_mebibytes (sums[1]);
  compute = dup_mebibytes (sums[2]);

  /* Translators: sizes such as 281.81 MiB. */
  hr_inference_plan_warn (plan->pass,
                          N_("Beside the GPUs the host holds %s of the model, %s of keys and values and a compute "
                             "buffer of %s"),
                          weights, cache, compute);
  warn_of_draft (plan, run);
  hr_inference_plan_warn (plan->pass,
                          N_("Buffers are those that llama.cpp logs when it starts, built for CUDA; with the CUDA "
                             "context stands what its kernels keep for themselves once a prompt has been computed"));
  warn_of_context (plan);
  warn_of_layers (plan);
  if (hr_inference_job_get_engine (plan->pass->job) == HR_ENGINE_OLLAMA)
    warn_of_ollama (plan);
  warn_of_projector (plan, run);
}

/* Of a GPU whose multiprocessors are not known, what is taken for other engines. */
static gboolean
find_framework (HrLlamaPlan *plan,
                HrGpu       *gpu,
                HrFramework *framework)
{
  if (gpu != NULL && hr_cuda_context_init_for_ggml (framework, gpu) && framework->measured)
    return TRUE;

  return hr_inference_plan_find_framework (plan->pass, gpu, framework);
}

static HrEstimate *
create_estimate (HrLlamaPlan      *plan,
                 const Run        *run,
                 HrGpu            *gpu,
                 HrEstimateDetail  detail)
{
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_EXACT, plan->pass->model);
  HrFramework framework;
  gboolean has_framework = find_framework (plan, gpu, &framework);
  guint worst = 0;
  guint64 most = 0;

  for (guint i = 0; i < plan->n_devices; i++)
    {
      guint64 bytes = add_device (estimate, run, has_framework ? &framework : NULL);

      worst = bytes > most ? i : worst;
      most = MAX (bytes, most);
    }

  set_margin (estimate, run, has_framework);
  _hr_estimate_add_phase (estimate, HR_PHASE_LOAD, most - get_compute (run, worst));
  _hr_estimate_add_phase (estimate, HR_PHASE_PREFILL, most);
  _hr_estimate_add_phase (estimate, HR_PHASE_DECODE, most);
  _hr_estimate_set_peak (estimate, worst, HR_PHASE_PREFILL, NULL, NULL);
  _hr_estimate_set_host_layers (estimate, plan->pass->stack->n_layers + 1,
                                plan->pass->stack->n_layers + 1 - count_layers_on_gpus (plan),
                                count_divided_layers (plan));
  if (detail != HR_ESTIMATE_DETAIL_SIZES)
    {
      g_autoptr (HrEstimate) rule = hr_rule_estimate_new (plan->pass);

      _hr_estimate_set_rule_of_thumb (estimate, rule);
    }

  return estimate;
}

/* cudaMemGetInfo counts what the context of the process takes as used. */
static guint64
get_free_memory (HrGpu *gpu)
{
  HrFramework framework = { 0 };
  guint64 bytes;

  if (!hr_cuda_context_get_bytes (gpu, &bytes))
    {
      hr_framework_init_for_gpu (&framework, gpu);
      bytes = framework.context_bytes;
    }

  return hr_gpu_get_usable_memory (gpu) - bytes;
}

/*
 * Of a projector the fit knows nothing before b11669, so that Ollama has it leave as much free as that takes, and a
 * GiB, unless it is told what to leave (mmprojFitTargetMiB of llm/llama_server.go).
 */
static void
leave_projector (HrLlamaPlan *plan,
                 const Run   *run)
{
  guint64 weights = run->projector_start.weights[0];
  GParamSpec *target = g_object_class_find_property (G_OBJECT_GET_CLASS (plan->pass->job), "fit-target");

  if (hr_inference_job_get_engine (plan->pass->job) != HR_ENGINE_OLLAMA || weights == 0 ||
      hr_inference_job_get_fit_target (plan->pass->job) != G_PARAM_SPEC_UINT64 (target)->default_value)
    return;

  plan->fit_target = (weights + PROJECTOR_ROOM + (1 << 20) - 1) >> 20 << 20;
}

/* What a draft model and a projector take, which are not moved. */
static void
sum_beside (const Run            *run,
            const HrLlamaBuffers *draft,
            guint64              *sums,
            guint64              *weights)
{
  gboolean is_seen = run->projector->plan->release == HR_LLAMA_RELEASE_B11669;

  for (guint i = 0; i < HR_GGML_MAX_PLACES; i++)
    {
      guint64 own = is_seen ? run->projector_start.weights[i] : 0;

      sums[i] = own + (is_seen ? run->projector_start.compute[i] : 0);
      if (draft != NULL)
        sums[i] += draft->weights[i] + draft->cache[i] + draft->compute[i];
      if (weights != NULL)
        weights[i] = own + (draft != NULL ? draft->weights[i] : 0);
    }
}

static void
set_draft_context (HrLlamaDraft *draft,
                   guint64       context)
{
  hr_llama_plan_set_context (&draft->plan, context);
  hr_llama_plan_resolve_flash (&draft->plan);
}

/* A draft model has the context of the model. */
static void
fit_context (HrLlamaPlan  *plan,
             Run          *run,
             HrLlamaDraft *draft,
             guint64       memory)
{
  guint64 beside[HR_GGML_MAX_PLACES], weights[HR_GGML_MAX_PLACES], least[HR_GGML_MAX_PLACES];
  HrLlamaBuffers shortest;

  sum_beside (run, draft->job != NULL ? &run->models[1].buffers : NULL, beside, weights);
  if (draft->job != NULL)
    {
      set_draft_context (draft, plan->fit_context * hr_llama_plan_count_contexts (plan));
      hr_llama_plan_measure_all (&draft->plan, &shortest);
    }
  sum_beside (run, draft->job != NULL ? &shortest : NULL, least, NULL);
  hr_llama_fit_context (plan, memory, beside, weights, least);

  if (draft->job == NULL)
    return;
  set_draft_context (draft, plan->context);
  load (&run->models[1], &draft->plan);
}

static void
fit (HrLlamaPlan  *plan,
     Run          *run,
     HrLlamaDraft *draft,
     HrGpu        *gpu)
{
  guint64 beside[HR_GGML_MAX_PLACES];

  if (gpu == NULL)
    return;

  if (plan->is_context_left)
    fit_context (plan, run, draft, get_free_memory (gpu));
  if (!plan->is_fitted)
    return;

  sum_beside (run, draft->job != NULL ? &run->models[1].buffers : NULL, beside, NULL);
  hr_llama_fit (plan, get_free_memory (gpu), beside);
}

static gboolean
check_size (const HrLlamaPlan  *plan,
            guint               n_gpus,
            GError            **error)
{
  g_autofree char *number = g_strdup_printf ("%u", n_gpus);
  g_autofree char *most = g_strdup_printf ("%u", HR_GGML_MAX_PLACES - 1);

  if (n_gpus >= HR_GGML_MAX_PLACES)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("gpus: expected at most %s, as llama.cpp knows no more; found %s"), most, number);
      return FALSE;
    }
  if (plan != NULL && plan->context > MAX_CONTEXT)
    {
      hr_estimate_set_too_large (error, plan->pass->model);
      return FALSE;
    }

  return TRUE;
}

/*
 * hr_llama_estimate_new:
 * @model: a model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @n_gpus: how many of them
 * @detail: what is to be known
 * @error: return location for an error
 *
 * Estimates what llama.cpp takes.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_llama_estimate_new (HrModel           *model,
                       HrInferenceJob    *job,
                       HrGpu             *gpu,
                       guint              n_gpus,
                       HrEstimateDetail   detail,
                       GError           **error)
{
  g_auto (HrInferencePlan) pass = { 0 };
  g_auto (HrLlamaPlan) plan = { 0 };
  g_auto (HrLlamaDraft) draft = { 0 };
  HrLlamaProjector projector;
  Run run = { .projector = &projector };
  HrEstimate *estimate;

  if (!check_size (NULL, n_gpus, error) || !hr_inference_plan_init_pass (&pass, model, HR_JOB (job), error) ||
      !hr_llama_plan_init (&plan, &pass, job, gpu, MAX (n_gpus, 1), error) || !check_size (&plan, n_gpus, error) ||
      !hr_llama_draft_init (&draft, &plan, job, gpu, error) ||
      !hr_llama_projector_init (&projector, &plan, job, error))
    return NULL;

  if (hr_job_get_method_of_estimate (HR_JOB (job)) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    {
      estimate = hr_rule_estimate_new (&pass);
    }
  else
    {
      run.n_models = 1;
      if (draft.job != NULL)
        load (&run.models[run.n_models++], &draft.plan);
      load_projector (&run);
      leave_projector (&plan, &run);
      fit (&plan, &run, &draft, gpu);
      load (&run.models[0], &plan);
      warn (&plan, &run);
      estimate = create_estimate (&plan, &run, gpu, detail);
    }
  hr_estimate_add_warnings (estimate, &pass);

  return estimate;
}
