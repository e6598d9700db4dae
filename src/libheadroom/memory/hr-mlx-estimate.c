/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-mlx-estimate.h"

#include "hr-estimate-parts.h"
#include "hr-inference-cache.h"
#include "hr-mlx-run.h"
#include "hr-rule-estimate.h"

/* What mx.get_peak_memory() says, which mlx-lm prints as “Peak memory”. */

#define SOURCE_CACHE "mlx-lm: mlx_lm/models/cache.py, KVCache, RotatingKVCache, QuantizedKVCache"
#define SOURCE_COMPUTE \
  "MLX: mlx/transforms.cpp, eval_impl; mlx/backend/metal/eval.cpp, device.cpp; mlx-lm: mlx_lm/generate.py, " \
  "generate_step"

/* By how much published peaks are above what is counted at the most, of the arrays in flight. */
#define MARGIN_PERCENT 22

/* wired_limit of mlx_lm/generate.py warns from this share of the working set on. */
#define CLOSE_PERCENT 90

/* Beyond this nobody could count the tokens. */
#define MAX_TOKENS (G_GUINT64_CONSTANT (1) << 32)

typedef struct
{
  guint64 weights;
  guint64 elements;
  guint64 kept;
  HrMlxMoment prefill;
  HrMlxMoment decode;
} Sizes;

static void
add_weights (HrEstimate      *estimate,
             const HrMlxPlan *plan,
             const Sizes     *sizes)
{
  const HrWeightStorage *storage = &plan->pass->storage;
  const char *source = hr_matrix_format_get_source (storage->quantization);
  g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·%.4g/8", sizes->elements,
                                                   8.0 * sizes->weights / MAX (sizes->elements, 1));

  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_WEIGHTS, sizes->weights, "Σ parameters·bits/8", substitution,
                              source != NULL ? source : "mlx-lm: mlx_lm/utils.py, load_model");
}

/* Layers of a class have caches of one size. */
static char *
dup_cache_terms (const HrMlxPlan *plan,
                 guint64          bytes)
{
  const HrStack *stack = plan->pass->stack;
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *a = hr_layer_class_get_attention (&stack->layer_classes[i]);
      guint64 value_dim = a->value_head_dim > 0 ? a->value_head_dim : a->head_dim;

      g_string_append_printf (text, "%s%u·%" G_GUINT64_FORMAT "·(%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT ")",
                              text->len > 0 ? " + " : "", stack->layer_classes[i].n_layers, a->num_key_value_heads,
                              a->head_dim, value_dim);
    }
  g_string_append_printf (text, " ⇒ %" G_GUINT64_FORMAT, bytes);

  return g_string_free (text, FALSE);
}

static void
set_margin (HrEstimate *estimate,
            guint64     transient)
{
  _hr_estimate_set_margin (estimate, transient / 100 * MARGIN_PERCENT,
                           N_("MLX frees what a kernel has read when the GPU has run it: how far the processor is "
                              "ahead of it differs from one run to the next; published peaks were up to this much "
                              "higher."));
}

static char *
dup_gibibytes (guint64 bytes)
{
  return g_strdup_printf ("%.2f GiB", bytes / 1073741824.0);
}

static void
warn (const HrMlxPlan *plan,
      const Sizes     *sizes,
      HrGpu           *gpu)
{
  g_autofree char *weights = dup_gibibytes (sizes->weights);
  g_autofree char *memory = gpu != NULL ? dup_gibibytes (hr_gpu_get_memory (gpu)) : NULL;

  hr_inference_plan_warn (plan->pass,
                          N_("The figure is what mlx-lm prints as “Peak memory”: MLX keeps freed buffers for later "
                             "beside it, which mx.set_cache_limit() bounds, and macOS and other programs share the "
                             "memory"));
  if (gpu == NULL)
    return;

  if (sizes->weights / CLOSE_PERCENT > hr_gpu_get_memory (gpu) / 100)
    hr_inference_plan_warn (plan->pass,
                            /* Translators: both are sizes such as 10.67 GiB. */
                            N_("Weights of %s are close to the %s that macOS recommends the GPU to use, so that "
                               "mlx-lm warns and may be slow; “sudo sysctl iogpu.wired_limit_mb=N” raises that until "
                               "the next start"),
                            weights, memory);
}

static HrEstimate *
create_estimate (const HrMlxPlan  *plan,
                 const Sizes      *sizes,
                 HrEstimateDetail  detail)
{
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_EXACT, plan->pass->model);
  gboolean is_decode = sizes->decode.peak > sizes->prefill.peak;
  const HrMlxMoment *moment = is_decode ? &sizes->decode : &sizes->prefill;
  guint64 transient = moment->peak - MIN (moment->peak, moment->cache);
  guint64 base = sizes->weights + sizes->kept;
  g_autofree char *cache = dup_cache_terms (plan, moment->cache + sizes->kept);
  g_autofree char *compute = g_strdup_printf ("%" G_GUINT64_FORMAT, transient);

  _hr_estimate_add_device (estimate);
  add_weights (estimate, plan, sizes);
  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_KV_CACHE, moment->cache + sizes->kept,
                              "L·n·h_kv·(d_k + d_v)·e", cache, SOURCE_CACHE);
  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_ACTIVATIONS, transient, "arrays in flight", compute,
                              SOURCE_COMPUTE);
  _hr_estimate_set_device_bytes (estimate, 0, base + moment->cache + transient);
  set_margin (estimate, transient);
  _hr_estimate_add_phase (estimate, HR_PHASE_LOAD, sizes->weights);
  _hr_estimate_add_phase (estimate, HR_PHASE_PREFILL, base + sizes->prefill.peak);
  _hr_estimate_add_phase (estimate, HR_PHASE_DECODE, base + sizes->decode.peak);
  _hr_estimate_set_peak (estimate, 0, is_decode ? HR_PHASE_DECODE : HR_PHASE_PREFILL, NULL, NULL);
  if (detail != HR_ESTIMATE_DETAIL_SIZES)
    {
      g_autoptr (HrEstimate) rule = hr_rule_estimate_new (plan->pass);

      _hr_estimate_set_rule_of_thumb (estimate, rule);
    }

  return estimate;
}

static gboolean
check_size (const HrMlxPlan  *plan,
            GError          **error)
{
  if (plan->batch * (plan->prompt + plan->output + plan->step) <= MAX_TOKENS)
    return TRUE;

  hr_estimate_set_too_large (error, plan->pass->model);

  return FALSE;
}

/*
 * hr_mlx_estimate_new:
 * @model: a model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @n_gpus: how many of them
 * @detail: what is to be known
 * @error: return location for an error
 *
 * Estimates what mlx-lm takes.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_mlx_estimate_new (HrModel           *model,
                     HrInferenceJob    *job,
                     HrGpu             *gpu,
                     guint              n_gpus,
                     HrEstimateDetail   detail,
                     GError           **error)
{
  g_auto (HrInferencePlan) pass = { 0 };
  HrMlxPlan plan = { 0 };
  Sizes sizes = { 0 };
  HrEstimate *estimate;

  if (!hr_inference_plan_init_pass (&pass, model, HR_JOB (job), error) ||
      !hr_mlx_plan_init (&plan, &pass, job, gpu, MAX (n_gpus, 1), error) || !check_size (&plan, error))
    return NULL;

  if (hr_job_get_method_of_estimate (HR_JOB (job)) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    {
      estimate = hr_rule_estimate_new (&pass);
    }
  else
    {
      sizes.weights = hr_mlx_plan_get_weights (&plan, &sizes.elements);
      hr_mlx_run (&plan, &sizes.prefill, &sizes.decode);
      sizes.kept = plan.n_kept * sizes.decode.cache;
      warn (&plan, &sizes, gpu);
      estimate = create_estimate (&plan, &sizes, detail);
    }
  hr_estimate_add_warnings (estimate, &pass);

  return estimate;
}
