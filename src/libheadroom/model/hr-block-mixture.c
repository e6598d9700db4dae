/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Mixtures of experts: the tensors of the router, of the routed experts and of the shared ones. */

static const HrChoice layouts[] = {
  { "separate", HR_EXPERTS_SEPARATE },
  { "fused", HR_EXPERTS_FUSED },
  { "fused-linear", HR_EXPERTS_FUSED_LINEAR },
  { "stacked", HR_EXPERTS_STACKED },
  { "joined", HR_EXPERTS_JOINED },
  { NULL }
};

static const HrChoice gates[] = {
  { "plain", HR_EXPERT_GATE_PLAIN },
  { "clamped", HR_EXPERT_GATE_CLAMPED },
  { "none", HR_EXPERT_GATE_NONE },
  { "limited", HR_EXPERT_GATE_LIMITED },
  { NULL }
};

static const HrChoice paths[] = {
  { "grouped", HR_EXPERTS_GROUPED },
  { "lists", HR_EXPERTS_LISTS },
  { "dense", HR_EXPERTS_DENSE },
  { "loop", HR_EXPERTS_LOOP },
  { NULL }
};

static const HrChoice scores[] = {
  { "softmax", HR_ROUTER_SOFTMAX },
  { "softmax-plain", HR_ROUTER_SOFTMAX_PLAIN },
  { "sigmoid", HR_ROUTER_SIGMOID },
  { NULL }
};

static const HrChoice choices[] = {
  { "highest", HR_ROUTER_HIGHEST },
  { "biased", HR_ROUTER_BIASED },
  { "groups", HR_ROUTER_GROUPS },
  { NULL }
};

static const HrChoice scores_norms[] = {
  { "none", HR_ROUTER_NORM_NONE },
  { "in-place", HR_ROUTER_NORM_IN_PLACE },
  { "apart", HR_ROUTER_NORM_APART },
  { "clamped", HR_ROUTER_NORM_CLAMPED },
  { NULL }
};

static const HrParameter mixture_parameters[] = {
  COUNT ("hidden-size", mixture.hidden_size),
  COUNT ("intermediate-size", mixture.intermediate_size),
  COUNT ("num-experts", mixture.num_experts),
  COUNT ("num-experts-per-tok", mixture.num_experts_per_tok),
  SIZE ("shared-intermediate-size", mixture.shared_intermediate_size),
  SIZE ("latent-size", mixture.latent_size),
  CHOICE ("layout", mixture.layout, layouts),
  CHOICE ("gate", mixture.gate, gates),
  CHOICE ("code-path", mixture.path, paths),
  CHOICE ("scores", mixture.scores, scores),
  CHOICE ("choice", mixture.choice, choices),
  CHOICE ("scores-norm", mixture.scores_norm, scores_norms),
  CHOICE ("activation", mixture.activation, hr_block_activations),
  SIZE ("num-jitters", mixture.num_jitters),
  SIZE ("num-zero-experts", mixture.num_zero_experts),
  SIZE ("router-parameter-rows", mixture.router_parameter_rows),
  BOOLEAN ("bias", mixture.has_bias),
  BOOLEAN ("output-bias", mixture.has_output_bias),
  BOOLEAN ("output-dropout", mixture.has_output_dropout),
  BOOLEAN ("shared-bias", mixture.has_shared_bias),
  BOOLEAN ("shared-fused", mixture.shared_fused),
  BOOLEAN ("router-bias", mixture.has_router_bias),
  BOOLEAN ("router-kept-fp32", mixture.router_kept_fp32),
  BOOLEAN ("shared-gate", mixture.has_shared_gate),
  BOOLEAN ("shared-first", mixture.shared_first),
  BOOLEAN ("scores-scaled", mixture.scores_scaled),
  BOOLEAN ("scores-weighted", mixture.scores_weighted),
  BOOLEAN ("router-norm", mixture.router_norm),
  BOOLEAN ("fp32-router", mixture.fp32_router),
  BOOLEAN ("fp32-logits", mixture.fp32_logits),
  BOOLEAN ("fp32-scores", mixture.fp32_scores),
  BOOLEAN ("softmax-after", mixture.softmax_after),
  BOOLEAN ("output-scaled", mixture.output_scaled),
  BOOLEAN ("fp32-sum", mixture.fp32_sum),
  BOOLEAN ("sum-scaled", mixture.sum_scaled),
  { NULL }
};

static const char * const mixture_names[] = {
  "router", "gate", "experts", "experts", "gate", "gate_proj", "up", "up_proj", "fused", "gate_up_proj",
  "down", "down_proj", "shared", "shared_experts", "shared-gate", "shared_expert_gate", "router-parameter", "",
  "router-scale", "router.scale",
  "latent-down", "fc1_latent_proj", "latent-up", "fc2_latent_proj",
  "shared-gate-proj", "gate_proj", "shared-up", "up_proj", "shared-fused", "gate_up_proj", "shared-down", "down_proj",
  NULL,
};

/* The three matrices of an expert. */
static const struct
{
  const char *key;
  HrModule kind;
} matrices[] = {
  { "gate", HR_MODULE_EXPERT_GATE },
  { "up", HR_MODULE_EXPERT_UP },
  { "down", HR_MODULE_EXPERT_DOWN },
};

/* A module that is the block itself has an empty name. */
static const char *
get_submodule (const char *name)
{
  return name[0] != '\0' ? name : NULL;
}

/* Says of the row that was added last that routed experts share it. */
static void
mark_row (const HrBlockContext *context,
          const HrMixture      *mixture,
          HrModule              kind,
          gboolean              is_each)
{
  HrTensor *tensor = g_ptr_array_index (context->tensors, context->tensors->len - 1);

  tensor->module = kind;
  tensor->n_items = is_each ? mixture->num_experts : 0;
  tensor->n_experts = mixture->num_experts;
  tensor->n_active_experts = mixture->num_experts_per_tok;
}

static gboolean
has_gate (const HrMixture *mixture)
{
  return mixture->gate != HR_EXPERT_GATE_NONE;
}

/* The width of what goes into an expert and comes out of it. */
static guint64
get_outer_size (const HrMixture *mixture)
{
  return mixture->latent_size > 0 ? mixture->latent_size : mixture->hidden_size;
}

/* A tensor of all experts: [experts, first, second], or [experts, first] for a bias. */
static gboolean
add_fused (const HrBlockContext  *context,
           const HrBlock         *block,
           const char            *experts,
           const char            *name,
           HrModule               kind,
           HrTensorRole           role,
           guint64                first_size,
           guint64                second_size,
           GError               **error)
{
  guint64 size = first_size;
  HrTensor *tensor;

  if (second_size > 0 && !g_uint64_checked_mul (&size, first_size, second_size))
    return hr_block_set_too_large_error (context, block->path, error);
  if (!hr_block_add_tensor (context, block->path, get_submodule (experts), name, HR_PART_MLP, role,
                            block->mixture.num_experts, size, error))
    return FALSE;

  tensor = g_ptr_array_index (context->tensors, context->tensors->len - 1);
  tensor->shape[1] = first_size;
  tensor->shape[2] = second_size;
  tensor->n_dimensions = second_size > 0 ? 3 : 2;
  tensor->is_transposed = second_size > 0 && block->mixture.layout == HR_EXPERTS_FUSED;
  mark_row (context, &block->mixture, kind, FALSE);

  return TRUE;
}

static gboolean
add_fused_experts (const HrBlockContext  *context,
                   HrJson                *description,
                   const HrBlock         *block,
                   GError               **error)
{
  const HrMixture *mixture = &block->mixture;
  const char *experts = hr_block_get_module_name (description, mixture_names, "experts");
  const char *fused = hr_block_get_module_name (description, mixture_names, has_gate (mixture) ? "fused" : "up");
  const char *down = hr_block_get_module_name (description, mixture_names, "down");
  g_autofree char *fused_bias = g_strconcat (fused, "_bias", NULL);
  g_autofree char *down_bias = g_strconcat (down, "_bias", NULL);
  gboolean is_linear = mixture->layout == HR_EXPERTS_FUSED_LINEAR;
  guint64 hidden = get_outer_size (mixture);
  guint64 both = (has_gate (mixture) ? 2 : 1) * mixture->intermediate_size;
  HrModule up_kind = has_gate (mixture) ? HR_MODULE_EXPERT_GATE_UP : HR_MODULE_EXPERT_UP;

  return add_fused (context, block, experts, fused, up_kind, HR_TENSOR_ROLE_EXPERT, is_linear ? both : hidden,
                    is_linear ? hidden : both, error) &&
         (!mixture->has_bias || add_fused (context, block, experts, fused_bias, up_kind, HR_TENSOR_ROLE_BIAS, both, 0,
                                           error)) &&
         add_fused (context, block, experts, down, HR_MODULE_EXPERT_DOWN, HR_TENSOR_ROLE_EXPERT,
                    is_linear ? hidden : mixture->intermediate_size, is_linear ? mixture->intermediate_size : hidden,
                    error) &&
         (!mixture->has_bias || add_fused (context, block, experts, down_bias, HR_MODULE_EXPERT_DOWN,
                                           HR_TENSOR_ROLE_BIAS, hidden, 0, error));
}

/* Matrices of the experts, one below the other: [experts * intermediate, hidden]. */
static gboolean
add_stacked_experts (const HrBlockContext  *context,
                     HrJson                *description,
                     const HrBlock         *block,
                     GError               **error)
{
  const HrMixture *mixture = &block->mixture;
  const char *experts = hr_block_get_module_name (description, mixture_names, "experts");
  guint64 rows;

  if (!g_uint64_checked_mul (&rows, mixture->num_experts, mixture->intermediate_size))
    return hr_block_set_too_large_error (context, block->path, error);

  for (guint i = has_gate (mixture) ? 0 : 1; i < G_N_ELEMENTS (matrices); i++)
    {
      if (!hr_block_add_tensor (context, block->path, experts,
                                hr_block_get_module_name (description, mixture_names, matrices[i].key), HR_PART_MLP,
                                HR_TENSOR_ROLE_EXPERT, rows, get_outer_size (mixture), error))
        return FALSE;
      mark_row (context, mixture, matrices[i].kind, FALSE);
    }

  return TRUE;
}

/* A tensor of each of the three: [experts, out, in]. */
static gboolean
add_joined_experts (const HrBlockContext  *context,
                    HrJson                *description,
                    const HrBlock         *block,
                    GError               **error)
{
  const HrMixture *mixture = &block->mixture;
  const char *experts = hr_block_get_module_name (description, mixture_names, "experts");
  guint64 outer = get_outer_size (mixture);

  for (guint i = has_gate (mixture) ? 0 : 1; i < G_N_ELEMENTS (matrices); i++)
    {
      g_autofree char *name = g_strconcat (hr_block_get_module_name (description, mixture_names, matrices[i].key),
                                           ".weight", NULL);
      gboolean is_down = i == G_N_ELEMENTS (matrices) - 1;

      if (!add_fused (context, block, experts, name, matrices[i].kind, HR_TENSOR_ROLE_EXPERT,
                      is_down ? outer : mixture->intermediate_size, is_down ? mixture->intermediate_size : outer,
                      error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
add_each_expert (const HrBlockContext  *context,
                 HrJson                *description,
                 const HrBlock         *block,
                 GError               **error)
{
  const HrMixture *mixture = &block->mixture;
  const char *experts = hr_block_get_module_name (description, mixture_names, "experts");
  guint64 outer = get_outer_size (mixture);

  for (guint i = has_gate (mixture) ? 0 : 1; i < G_N_ELEMENTS (matrices); i++)
    {
      const char *name = hr_block_get_module_name (description, mixture_names, matrices[i].key);
      g_autofree char *module = g_strdup_printf (strstr (experts, "{}") != NULL ? "%s.%s" : "%s.{}.%s", experts, name);
      gboolean is_down = i == G_N_ELEMENTS (matrices) - 1;

      if (!hr_block_add_tensor (context, block->path, module, "weight", HR_PART_MLP, HR_TENSOR_ROLE_EXPERT,
                                is_down ? outer : mixture->intermediate_size,
                                is_down ? mixture->intermediate_size : outer, error))
        return FALSE;
      mark_row (context, mixture, matrices[i].kind, TRUE);
      if (!mixture->has_bias)
        continue;
      if (!hr_block_add_tensor (context, block->path, module, "bias", HR_PART_MLP, HR_TENSOR_ROLE_BIAS,
                                is_down ? outer : mixture->intermediate_size, 0, error))
        return FALSE;
      mark_row (context, mixture, matrices[i].kind, TRUE);
    }

  return TRUE;
}

static gboolean
add_experts (const HrBlockContext  *context,
             HrJson                *description,
             const HrBlock         *block,
             GError               **error)
{
  switch (block->mixture.layout)
    {
    case HR_EXPERTS_FUSED:
    case HR_EXPERTS_FUSED_LINEAR:
      return add_fused_experts (context, description, block, error);

    case HR_EXPERTS_STACKED:
      return add_stacked_experts (context, description, block, error);

    case HR_EXPERTS_JOINED:
      return add_joined_experts (context, description, block, error);

    case HR_EXPERTS_SEPARATE:
    default:
      return add_each_expert (context, description, block, error);
    }
}

static gboolean
add_shared_matrix (const HrBlockContext  *context,
                   HrJson                *description,
                   const HrBlock         *block,
                   const char            *key,
                   HrModule               kind,
                   guint64                out_features,
                   guint64                in_features,
                   GError               **error)
{
  g_autofree char *module = g_strconcat (hr_block_get_module_name (description, mixture_names, "shared"), ".",
                                         hr_block_get_module_name (description, mixture_names, key), NULL);

  return hr_block_add_linear (context, block->path, module, kind, HR_PART_MLP, out_features, in_features,
                              block->mixture.has_shared_bias, FALSE, error);
}

static gboolean
add_shared (const HrBlockContext  *context,
            HrJson                *description,
            const HrBlock         *block,
            GError               **error)
{
  const HrMixture *mixture = &block->mixture;
  guint64 hidden = mixture->hidden_size;
  guint64 inner = mixture->shared_intermediate_size;
  gboolean added;

  if (inner == 0)
    return TRUE;

  if (mixture->shared_fused)
    added = add_shared_matrix (context, description, block, "shared-fused", HR_MODULE_GATE_UP, 2 * inner, hidden,
                               error);
  else
    added = (!has_gate (mixture) ||
             add_shared_matrix (context, description, block, "shared-gate-proj", HR_MODULE_GATE, inner, hidden,
                                error)) &&
            add_shared_matrix (context, description, block, "shared-up", HR_MODULE_UP, inner, hidden, error);
  if (!added || !add_shared_matrix (context, description, block, "shared-down", HR_MODULE_DOWN, hidden, inner, error))
    return FALSE;

  return !mixture->has_shared_gate ||
         hr_block_add_linear (context, block->path,
                              hr_block_get_module_name (description, mixture_names, "shared-gate"),
                              HR_MODULE_SHARED_GATE, HR_PART_MLP, 1, mixture->hidden_size, FALSE, FALSE, error);
}

/* The matrices around the routed experts, where they compute in a space of their own. */
static gboolean
add_latent (const HrBlockContext  *context,
            HrJson                *description,
            const HrBlock         *block,
            GError               **error)
{
  const HrMixture *mixture = &block->mixture;

  return mixture->latent_size == 0 ||
         (hr_block_add_linear (context, block->path,
                               hr_block_get_module_name (description, mixture_names, "latent-down"),
                               HR_MODULE_LATENT_DOWN, HR_PART_MLP, mixture->latent_size, mixture->hidden_size,
                               mixture->has_shared_bias, FALSE, error) &&
          hr_block_add_linear (context, block->path,
                               hr_block_get_module_name (description, mixture_names, "latent-up"),
                               HR_MODULE_LATENT_UP, HR_PART_MLP, mixture->hidden_size, mixture->latent_size,
                               mixture->has_shared_bias, FALSE, error));
}

/*
 * A tensor of one element for each expert. Where it takes part in the choice, no gradient flows to it (ERNIE); where it
 * is a buffer, the architecture file has it.
 */
static gboolean
add_router_parameter (const HrBlockContext  *context,
                      HrJson                *description,
                      const HrBlock         *block,
                      GError               **error)
{
  const char *parameter = hr_block_get_module_name (description, mixture_names, "router-parameter");
  guint64 rows = block->mixture.router_parameter_rows;
  guint64 n_experts = block->mixture.num_experts;

  HrTensor *tensor;

  if (parameter[0] == '\0')
    return TRUE;
  if (!hr_block_add_tensor (context, block->path, NULL, parameter, HR_PART_MLP, HR_TENSOR_ROLE_PARAMETER,
                            rows > 0 ? rows : n_experts, rows > 0 ? n_experts : 0, error))
    return FALSE;

  tensor = g_ptr_array_index (context->tensors, context->tensors->len - 1);
  tensor->is_frozen = block->mixture.choice != HR_ROUTER_HIGHEST;

  return TRUE;
}

/* What the normalised input of the router is multiplied by. */
static gboolean
add_router_scale (const HrBlockContext  *context,
                  HrJson                *description,
                  const HrBlock         *block,
                  GError               **error)
{
  const char *scale = hr_block_get_module_name (description, mixture_names, "router-scale");

  return !block->mixture.router_norm ||
         hr_block_add_tensor (context, block->path, NULL, scale, HR_PART_MLP, HR_TENSOR_ROLE_PARAMETER,
                              block->mixture.hidden_size, 0, error);
}

static gboolean
add_router (const HrBlockContext  *context,
            HrJson                *description,
            const HrBlock         *block,
            GError               **error)
{
  const HrMixture *mixture = &block->mixture;
  const char *router = hr_block_get_module_name (description, mixture_names, "router");
  guint64 n_choices = mixture->num_experts + mixture->num_zero_experts;
  guint first = context->tensors->len;

  if (!hr_block_add_tensor (context, block->path, router, "weight", HR_PART_MLP, HR_TENSOR_ROLE_ROUTER, n_choices,
                            mixture->hidden_size, error) ||
      (mixture->has_router_bias && !hr_block_add_tensor (context, block->path, router, "bias", HR_PART_MLP,
                                                         HR_TENSOR_ROLE_BIAS, n_choices, 0, error)) ||
      !add_router_parameter (context, description, block, error) ||
      !add_router_scale (context, description, block, error))
    return FALSE;

  for (guint i = first; i < context->tensors->len; i++)
    {
      HrTensor *tensor = g_ptr_array_index (context->tensors, i);

      tensor->kept_fp32 = mixture->router_kept_fp32;
      tensor->module = HR_MODULE_ROUTER;
    }

  return TRUE;
}

static gboolean
build_mixture (const HrBlockContext  *context,
               HrJson                *description,
               HrBlock               *block,
               GError               **error)
{
  const HrMixture *mixture = &block->mixture;
  guint64 both;

  if (mixture->num_experts > G_MAXUINT16 || mixture->num_zero_experts > G_MAXUINT16 ||
      !g_uint64_checked_mul (&both, mixture->intermediate_size, 2) ||
      !g_uint64_checked_mul (&both, mixture->shared_intermediate_size, 2))
    return hr_block_set_too_large_error (context, block->path, error);
  if (mixture->num_experts_per_tok > mixture->num_experts)
    {
      g_autofree char *experts = g_strdup_printf ("%" G_GUINT64_FORMAT, mixture->num_experts);
      g_autofree char *found = g_strdup_printf ("%" G_GUINT64_FORMAT, mixture->num_experts_per_tok);

      hr_scope_set_error (context->scope, error, HR_ERROR_VALUE,
                          _("num_experts_per_tok: expected at most the number of experts, which is %s, found %s"),
                          experts, found);
      return FALSE;
    }

  return add_router (context, description, block, error) && add_experts (context, description, block, error) &&
         add_latent (context, description, block, error) && add_shared (context, description, block, error) &&
         (!mixture->has_output_bias ||
          hr_block_add_tensor (context, block->path, NULL, "bias", HR_PART_MLP, HR_TENSOR_ROLE_BIAS,
                               mixture->hidden_size, 0, error));
}

const HrBlockClass hr_block_class_mixture = {
  "mixture", HR_BLOCK_MIXTURE, mixture_parameters, mixture_names, build_mixture,
};
