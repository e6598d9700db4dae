/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "hr-llama-placement.h"

#include "hr-message.h"

/*
 * Where tensors are that are not with their layer (llama_model_loader::create_tensor): the first of the patterns that
 * is found in the name of a tensor says where. What --n-cpu-moe, --n-cpu-ffn and --fit move are patterns as well
 * (llm_add_n_cpu_moe_overrides of common/arg.cpp, get_overflow_pattern of common/fit.cpp), which are known here without
 * their text.
 */

static gboolean
is_of_experts (const char *name)
{
  return g_str_has_prefix (name, "ffn_") && strstr (name, "_exps") != NULL;
}

static gboolean
is_dense (const char *name)
{
  return g_str_has_prefix (name, "ffn_up.") || g_str_has_prefix (name, "ffn_gate.") ||
         g_str_has_prefix (name, "ffn_down.");
}

/* What moves a tensor; the patterns end with anything, so that they are for the router and shared experts as well. */
static guint
find_moves (const char *name)
{
  gboolean is_gate = g_str_has_prefix (name, "ffn_gate");
  gboolean is_up = g_str_has_prefix (name, "ffn_up");
  gboolean is_down = g_str_has_prefix (name, "ffn_down");

  return (is_of_experts (name) ? HR_LLAMA_MOVE_EXPERTS : 0) |
         (is_dense (name) ? HR_LLAMA_MOVE_DENSE : 0) |
         (is_gate || is_up || is_down ? HR_LLAMA_MOVE_FEED_FORWARD : 0) |
         (is_gate || is_down ? HR_LLAMA_MOVE_GATE_DOWN : 0) |
         (is_down ? HR_LLAMA_MOVE_DOWN : 0);
}

static const HrLlamaOverride *
find_override (const HrLlamaPlan *plan,
               const char        *name)
{
  for (guint i = 0; plan->overrides != NULL && i < plan->overrides->len; i++)
    {
      const HrLlamaOverride *override = &g_array_index (plan->overrides, HrLlamaOverride, i);

      if (g_regex_match (override->pattern, name, 0, NULL))
        return override;
    }

  return NULL;
}

static HrLlamaRule
find_rule (const HrLlamaPlan *plan,
           guint              layer,
           const char        *name)
{
  gboolean is_in_layer = layer < plan->pass->stack->n_layers;
  const HrLlamaOverride *override = NULL;

  if (plan->overrides != NULL)
    {
      g_autofree char *full = is_in_layer ? g_strdup_printf ("blk.%u.%s", layer, name) : g_strdup (name);

      override = find_override (plan, full);
    }

  return (HrLlamaRule) {
    .override = override != NULL ? override->place : HR_GGML_NONE,
    .moves = is_in_layer ? find_moves (name) : 0,
  };
}

/*
 * hr_llama_placement_apply:
 * @plan: a plan
 * @layer: a layer, or the number of layers for what is in none
 * @rule: what moves a tensor
 * @place: where it is if nothing moves it
 *
 * Finds out where a tensor is.
 *
 * Returns: a device, or the host
 */
gint
hr_llama_placement_apply (const HrLlamaPlan *plan,
                          guint              layer,
                          const HrLlamaRule *rule,
                          gint               place)
{
  if (rule->override != HR_GGML_NONE)
    return rule->override;

  return rule->moves != 0 && (plan->moves[layer] & rule->moves) != 0 ? plan->move_places[layer] : place;
}

/*
 * hr_llama_placement_find:
 * @plan: a plan
 * @layer: a layer, or the number of layers for what is in none
 * @name: the name of a tensor in a file, without that of its layer
 * @place: where it is if nothing moves it
 *
 * Finds out where a tensor is.
 *
 * Returns: a device, or the host
 */
gint
hr_llama_placement_find (const HrLlamaPlan *plan,
                         guint              layer,
                         const char        *name,
                         gint               place)
{
  const HrLlamaRule rule = find_rule (plan, layer, name);

  return hr_llama_placement_apply (plan, layer, &rule, place);
}

/*
 * hr_llama_placement_find_module:
 * @plan: a plan
 * @layer: a layer
 * @block: a block of it
 * @module: one of its modules
 * @ending: what the name of the tensor ends with, such as `.weight`
 * @place: where it is if nothing moves it
 *
 * Finds out where the tensor of a module is, or the first of several.
 *
 * Returns: a device, or the host
 */
gint
hr_llama_placement_find_module (const HrLlamaPlan *plan,
                                guint              layer,
                                const HrBlock     *block,
                                HrModule           module,
                                const char        *ending,
                                gint               place)
{
  const char *stem = hr_gguf_names_find (block, module)[0];
  g_autofree char *name = NULL;

  if (stem == NULL || (plan->overrides == NULL && (layer >= plan->pass->stack->n_layers || plan->moves[layer] == 0)))
    return place;

  name = g_strconcat (stem, ending, NULL);

  return hr_llama_placement_find (plan, layer, name, place);
}

/*
 * hr_llama_placement_name_norm:
 * @plan: a plan
 * @sublayer: a sublayer
 * @norm: a norm that is one of its blocks
 *
 * Gets what a file calls a norm.
 *
 * Returns: the name, without that of the layer
 */
const char *
hr_llama_placement_name_norm (const HrLlamaPlan *plan,
                              const HrSublayer  *sublayer,
                              const HrBlock     *norm)
{
  const char *type = hr_model_get_model_type (plan->pass->model);
  gboolean is_behind = norm >= sublayer->after.blocks && norm < sublayer->after.blocks + sublayer->after.n_blocks;

  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      const HrChain *chain = &sublayer->branches[i];
      gboolean is_of_perceptron = FALSE;

      for (guint j = 0; j < chain->n_blocks; j++)
        {
          const HrBlock *block = &chain->blocks[j];

          is_of_perceptron = is_of_perceptron || block->kind == HR_BLOCK_MLP || block->kind == HR_BLOCK_MIXTURE;
          is_behind = is_behind ||
                      (block->kind != HR_BLOCK_NORM && block < norm && norm < chain->blocks + chain->n_blocks);
        }
      if (is_of_perceptron && is_behind)
        return "post_ffw_norm.weight";
      if (is_of_perceptron && sublayer->n_branches == 1)
        return g_str_equal (type, "qwen3_next") || g_str_has_prefix (type, "qwen3_5") ? "post_attention_norm.weight"
                                                                                      : "ffn_norm.weight";
    }

  return is_behind ? "post_attention_norm.weight" : "attn_norm.weight";
}

/* Vectors of an attention and of what keeps states, by their names in the model. */
static const char *
name_vector (const HrTensor *tensor)
{
  static const struct
  {
    const char *ending;
    const char *name;
  } vectors[] = {
    { "q_norm.weight", "attn_q_norm.weight" }, { "k_norm.weight", "attn_k_norm.weight" },
    { "q_a_layernorm.weight", "attn_q_a_norm.weight" }, { "kv_a_layernorm.weight", "attn_kv_a_norm.weight" },
    { "q_layernorm.weight", "attn_q_norm.weight" }, { "k_layernorm.weight", "attn_k_norm.weight" },
    { "sinks", "attn_sinks.weight" }, { "conv1d.weight", "ssm_conv1d.weight" }, { "conv1d.bias", "ssm_conv1d.bias" },
    { "conv.conv.weight", "shortconv.conv.weight" }, { "dt_bias", "ssm_dt.bias" }, { "A_log", "ssm_a" },
    { ".D", "ssm_d" }, { "e_score_correction_bias", "exp_probs_b.bias" }, { "norm.weight", "ssm_norm.weight" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      if (g_str_has_suffix (tensor->pattern, vectors[i].ending))
        return vectors[i].name;
    }

  return NULL;
}

/*
 * hr_llama_placement_find_rules:
 * @plan: a plan
 * @tensor: a tensor of the model
 * @layer: which layer's, or the number of layers if it is in none
 * @rules: (out caller-allocates) (array): for each of the tensors that a file has it divided into
 *
 * Finds out what moves a tensor of a model.
 *
 * Returns: how many tensors a file has it divided into
 */
guint
hr_llama_placement_find_rules (const HrLlamaPlan *plan,
                               const HrTensor    *tensor,
                               guint              layer,
                               HrLlamaRule       *rules)
{
  gboolean is_in_layer = layer < plan->pass->stack->n_layers;
  const char *ending = tensor->role == HR_TENSOR_ROLE_BIAS ? ".bias" : ".weight";
  const HrSublayer *sublayer = NULL;
  const HrBlock *block = is_in_layer ? hr_gguf_names_find_block (plan->pass->stack, tensor, layer, &sublayer) : NULL;
  const char * const *stems = block != NULL ? hr_gguf_names_find (block, tensor->module) : NULL;
  const char *name = NULL;
  guint n = 0;

  for (; stems != NULL && n < HR_GGUF_MAX_NAMES && stems[n] != NULL; n++)
    {
      g_autofree char *full = g_strconcat (stems[n], ending, NULL);

      rules[n] = find_rule (plan, layer, full);
    }
  if (n > 0)
    return n;

  if (block != NULL)
    name = block->kind == HR_BLOCK_NORM ? hr_llama_placement_name_norm (plan, sublayer, block) : name_vector (tensor);
  else if (!is_in_layer)
    name = hr_gguf_names_find_outside (tensor);
  if (name == NULL && !is_in_layer)
    name = "output_norm.weight";
  rules[0] = name != NULL ? find_rule (plan, layer, name) : (HrLlamaRule) { HR_GGML_NONE, 0 };

  return 1;
}

/* "CPU", or a GPU by the name of what computes there and its number. */
static gboolean
read_place (const HrLlamaPlan *plan,
            const char        *name,
            gint              *place)
{
  gsize n_letters = strcspn (name, "0123456789");
  guint64 number;

  if (g_str_equal (name, "CPU"))
    {
      *place = plan->n_devices;
      return TRUE;
    }
  if (n_letters == 0 || !g_ascii_string_to_unsigned (name + n_letters, 10, 0, G_MAXINT, &number, NULL))
    return FALSE;

  *place = number;

  return number < plan->n_devices;
}

static gboolean
read_override (HrLlamaPlan *plan,
               const char  *text)
{
  const char *sign = strchr (text, '=');
  g_autofree char *pattern = NULL;
  HrLlamaOverride override;

  if (sign == NULL || !read_place (plan, sign + 1, &override.place))
    return FALSE;

  pattern = g_strndup (text, sign - text);
  override.pattern = g_regex_new (pattern, G_REGEX_OPTIMIZE, 0, NULL);
  if (override.pattern == NULL)
    return FALSE;

  g_array_append_val (plan->overrides, override);

  return TRUE;
}

static void
clear_override (gpointer data)
{
  g_regex_unref (((HrLlamaOverride *) data)->pattern);
}

/* Halves are alike; other tensors that a file has divided are not. */
static gboolean
check_pieces (const HrLlamaPlan  *plan,
              GError            **error)
{
  HrModel *model = plan->pass->model;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      HrLlamaRule rules[HR_GGUF_MAX_NAMES];
      g_autofree char *name = NULL;

      if (!hr_part_is_text (tensor->part) || tensor->module == HR_MODULE_EXPERT_GATE_UP ||
          tensor->module == HR_MODULE_GATE_UP)
        continue;
      for (guint j = 0; j < tensor->n_layers; j++)
        {
          guint layer = tensor->layers[j];

          if (hr_llama_placement_find_rules (plan, tensor, layer, rules) < 2 ||
              hr_llama_placement_apply (plan, layer, &rules[0], 0) ==
                hr_llama_placement_apply (plan, layer, &rules[1], 0))
            continue;
          name = hr_tensor_get_name (tensor, j);
          hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                                /* Translators: the name of a tensor. */
                                N_("override-tensor: expected patterns that leave together what a file has of %s; "
                                   "found some for a part of it"), name);
          return FALSE;
        }
    }

  return TRUE;
}

/*
 * hr_llama_placement_read:
 * @plan: a plan whose devices are known
 * @overrides: patterns and places, as llama.cpp takes them
 * @error: return location for an error
 *
 * Reads where tensors are to be (parse_tensor_buffer_overrides of common/arg.cpp).
 *
 * Fails with %HR_ERROR_UNSUPPORTED where a pattern is none or a place is not known, where the table of the embeddings
 * is moved to a GPU, and where tensors of a file that are one of the model's part.
 *
 * Returns: whether it is known where they are
 */
gboolean
hr_llama_placement_read (HrLlamaPlan  *plan,
                         const char   *overrides,
                         GError      **error)
{
  g_auto (GStrv) words = g_strsplit (overrides, ",", -1);
  gint host = plan->n_devices;

  if (g_str_equal (overrides, "none"))
    return TRUE;

  plan->has_overrides = TRUE;
  plan->overrides = g_array_new (FALSE, FALSE, sizeof (HrLlamaOverride));
  g_array_set_clear_func (plan->overrides, clear_override);
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (read_override (plan, words[i]))
        continue;
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("override-tensor: expected a pattern of names and the place of their tensors, CPU or "
                               "one of the GPUs, such as exps=CPU or blk\\.1\\.=CUDA0; found %s"), words[i]);
      return FALSE;
    }

  if (hr_llama_placement_find (plan, plan->pass->stack->n_layers, "token_embd.weight", host) != host)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("override-tensor: expected patterns that leave token_embd.weight on the host, as it is "
                               "not known here what looking tokens up on a GPU takes; found one for it"));
      return FALSE;
    }

  return check_pieces (plan, error);
}
