/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-nearest.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/*
 * What a model is read with whose type nobody knows: what the config says of its code, what its type is called after,
 * what its keys tell of it. Whatever is assumed is said.
 */

/* Keys of what a generic decoder does not have: a guess without it would be far off. */
static const struct
{
  const char *key;
  const char *what;
} foreign_keys[] = {
  { "state_size", N_("state-space layers") },
  { "ssm_cfg", N_("state-space layers") },
  { "ssm_state_size", N_("state-space layers") },
  { "mamba_d_state", N_("state-space layers") },
  { "linear_num_key_heads", N_("linear attention") },
  { "attention_hidden_size", N_("linear attention") },
  { "lru_width", N_("recurrent layers") },
  { "block_configs", N_("layers of different shapes") },
  { "vision_config", N_("an image encoder") },
  { "img_processor", N_("an image encoder") },
  { "audio_config", N_("an audio encoder") },
  { "text_config", N_("a language model inside of another model") },
  { "encoder_layers", N_("an encoder") },
  { "num_decoder_layers", N_("an encoder") },
  { "type_vocab_size", N_("attention in both directions") },
  { "local_attention", N_("attention in both directions") },
};

/* What a config calls the number of its experts. */
static const char * const expert_keys[] = {
  "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "n_experts", "num_moe_experts",
};

/* Keys of rotary positions, which GPT-2 does not have. */
static const char * const rotary_keys[] = {
  "rope_theta", "rope_parameters", "rope_scaling", "rotary_dim", "rotary_pct", "rotary_emb_base", "rotary",
};

static gboolean
check_foreign_keys (HrJson  *config,
                    GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (foreign_keys); i++)
    {
      if (hr_json_get_member (config, foreign_keys[i].key) == NULL)
        continue;

      /* Translators: a file's name, a key in it, what it stands for, such as "a mixture of experts". */
      g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                   _("“%s”, %s: the model has %s; its architecture is not known, so it cannot be estimated"),
                   hr_json_get_origin (config), foreign_keys[i].key, _(foreign_keys[i].what));
      return FALSE;
    }

  return TRUE;
}

/* "gpt_neox_reward_model" is likely to be built like "gpt_neox": the longest name that a word of the type ends with. */
static HrArchitecture *
load_by_prefix (const char  *model_type,
                GPtrArray   *warnings,
                GError     **error)
{
  g_auto (GStrv) names = hr_architecture_list ();
  const char *best = NULL;

  for (guint i = 0; names[i] != NULL; i++)
    {
      gsize length = strlen (names[i]);

      if (g_str_has_prefix (model_type, names[i]) && strchr ("_-.", model_type[length]) != NULL &&
          (best == NULL || length > strlen (best)))
        best = names[i];
    }

  if (best == NULL)
    return NULL;

  g_ptr_array_add (warnings,
                   g_strdup_printf (_("The architecture “%s” is not known. It was read as “%s”, after its name."),
                                    model_type, best));

  return hr_architecture_new (best, error);
}

/* "auto_map" names the class and, before it, the file of the code that comes with the model. */
static gboolean
get_code (HrJson      *config,
          char       **module,
          char       **class_name,
          GError     **error)
{
  HrJson *map = NULL;
  const char *name = NULL;
  const char *dot;

  *module = *class_name = NULL;
  if (!hr_json_get_object (config, "auto_map", &map, error))
    return FALSE;
  if (map == NULL)
    return TRUE;
  if (!hr_json_get_string (map, "AutoModel", &name, error) ||
      !hr_json_get_string (map, "AutoModelForCausalLM", &name, error))
    return FALSE;

  dot = name != NULL ? strrchr (name, '.') : NULL;
  if (dot == NULL)
    return TRUE;

  *class_name = g_strdup (dot + 1);
  if (strstr (name, "modeling_") != NULL && strstr (name, "modeling_") < dot)
    {
      name = strstr (name, "modeling_") + strlen ("modeling_");
      *module = g_strndup (name, dot - name);
    }

  return TRUE;
}

/* By the code that the config names: a class that an architecture lists, or a file called after a model type. */
static HrArchitecture *
load_by_code (HrJson      *config,
              const char  *model_type,
              GPtrArray   *warnings,
              GError     **error)
{
  g_autofree char *module = NULL;
  g_autofree char *class_name = NULL;
  g_autoptr (HrArchitecture) architecture = NULL;
  g_autoptr (GError) local_error = NULL;

  if (!get_code (config, &module, &class_name, error))
    return NULL;

  if (class_name != NULL)
    architecture = hr_architecture_new_for_class (class_name, &local_error);
  if (architecture == NULL && local_error == NULL && module != NULL)
    architecture = hr_architecture_new (module, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (architecture != NULL)
    g_ptr_array_add (warnings,
                     g_strdup_printf (_("The architecture “%s” is not known. It was read as “%s”, "
                                        "after the code that the config names."),
                                      model_type != NULL ? model_type : _("(none)"),
                                      hr_architecture_get_model_type (architecture)));

  return g_steal_pointer (&architecture);
}

static gboolean
has_experts (HrJson *config)
{
  for (guint i = 0; i < G_N_ELEMENTS (expert_keys); i++)
    {
      guint64 n_experts = 0;

      if (hr_json_get_uint (config, expert_keys[i], 0, G_MAXUINT32, &n_experts, NULL) && n_experts > 1)
        return TRUE;
    }

  return FALSE;
}

/* GPT-2's own words for the sizes, and nothing of rotary positions. */
static gboolean
speaks_like_gpt2 (HrJson *config)
{
  if (hr_json_get_member (config, "n_embd") == NULL || hr_json_get_member (config, "n_layer") == NULL ||
      hr_json_get_member (config, "n_head") == NULL || hr_json_get_member (config, "hidden_size") != NULL)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (rotary_keys); i++)
    {
      if (hr_json_get_member (config, rotary_keys[i]) != NULL)
        return FALSE;
    }

  return TRUE;
}

/* What the keys tell of a model of which nothing else is known. */
static HrArchitecture *
load_generic (HrJson      *config,
              const char  *model_type,
              GPtrArray   *warnings,
              GError     **error)
{
  const char *name = model_type != NULL ? model_type : _("(none)");

  if (hr_json_get_member (config, "kv_lora_rank") != NULL)
    {
      g_ptr_array_add (warnings,
                       g_strdup_printf (_("The architecture “%s” is not known. It was read as a decoder with "
                                          "multi-head latent attention, as DeepSeek’s: gated MLPs or experts, RMS "
                                          "norms, no tied weights unless the config says so."),
                                        name));
      return hr_architecture_new_generic (TRUE, error);
    }
  if (has_experts (config))
    {
      g_ptr_array_add (warnings,
                       g_strdup_printf (_("The architecture “%s” is not known. It was read as a common mixture of "
                                          "experts: grouped-query attention with rotary positions, gated experts in "
                                          "every layer unless the config says otherwise, RMS norms, no tied weights "
                                          "unless the config says so."),
                                        name));
      return hr_architecture_new_generic (TRUE, error);
    }
  if (speaks_like_gpt2 (config))
    {
      g_ptr_array_add (warnings,
                       g_strdup_printf (_("The architecture “%s” is not known. It was read as GPT-2, whose words for "
                                          "its sizes the config uses: learned positions, a plain MLP, layer norms, "
                                          "tied weights unless the config says otherwise."),
                                        name));
      return hr_architecture_new ("gpt2", error);
    }

  g_ptr_array_add (warnings,
                   g_strdup_printf (_("The architecture “%s” is not known. It was read as a common decoder: "
                                      "grouped-query attention with rotary positions, a gated MLP, RMS norms, "
                                      "no tied weights unless the config says so."),
                                    name));

  return hr_architecture_new_generic (FALSE, error);
}

/*
 * hr_nearest_load:
 * @config: a config
 * @model_type: (nullable): its model type, which nobody knows
 * @is_generic: (out): whether nothing is known of the model, and the sizes have to be in the config
 * @warnings: (element-type utf8): where what was assumed is added
 * @error: return location for an error
 *
 * Loads the nearest that is known to a model type that is not, or to a config that states none.
 */
HrArchitecture *
hr_nearest_load (HrJson      *config,
                 const char  *model_type,
                 gboolean    *is_generic,
                 GPtrArray   *warnings,
                 GError     **error)
{
  g_autoptr (HrArchitecture) architecture = NULL;
  g_autoptr (GError) local_error = NULL;

  *is_generic = FALSE;
  if (model_type == NULL && hr_json_get_member (config, "hidden_size") == NULL &&
      hr_json_get_member (config, "n_embd") == NULL && hr_json_get_member (config, "d_model") == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL,
                   _("“%s”: expected the config of a model, with the key “model_type”, found none"),
                   hr_json_get_origin (config));
      return NULL;
    }

  architecture = load_by_code (config, model_type, warnings, &local_error);
  if (architecture != NULL || local_error != NULL)
    {
      if (local_error != NULL)
        g_propagate_error (error, g_steal_pointer (&local_error));
      return g_steal_pointer (&architecture);
    }
  if (!check_foreign_keys (config, error))
    return NULL;

  architecture = model_type != NULL ? load_by_prefix (model_type, warnings, &local_error) : NULL;
  if (architecture != NULL || local_error != NULL)
    {
      if (local_error != NULL)
        g_propagate_error (error, g_steal_pointer (&local_error));
      return g_steal_pointer (&architecture);
    }

  *is_generic = TRUE;

  return load_generic (config, model_type, warnings, error);
}
