/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-nearest.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-checkpoint.h"

/*
 * What a model is read with whose type nobody knows: what the config says of its code, what its type is called after,
 * what its keys tell of it. Whatever is assumed is said.
 */

/*
 * Keys of what a generic decoder does not have: a guess without it would be far off. They are what the configuration
 * classes of transformers, of flash-linear-attention and of remote code call the sizes of such layers.
 */
static const struct
{
  const char *key;
  const char *what;
} foreign_keys[] = {
  { "state_size", N_("state-space layers") },
  { "ssm_cfg", N_("state-space layers") },
  { "ssm_state_size", N_("state-space layers") },
  { "ssm_config", N_("state-space layers") },
  { "d_state", N_("state-space layers") },
  { "mamba_d_state", N_("state-space layers") },
  { "mamba_d_conv", N_("state-space layers") },
  { "mamba_expand", N_("state-space layers") },
  { "mamba_num_heads", N_("state-space layers") },
  { "mamba_step", N_("state-space layers") },
  { "hybrid_override_pattern", N_("state-space layers") },
  { "hyena_filter_groups", N_("long convolutions") },
  { "hyena_layer_idxs", N_("long convolutions") },
  { "conv_L_cache", N_("short convolutions") },
  { "short_conv_kernel_size", N_("short convolutions") },
  { "use_short_conv", N_("linear attention") },
  { "linear_num_key_heads", N_("linear attention") },
  { "linear_num_value_heads", N_("linear attention") },
  { "linear_attn_config", N_("linear attention") },
  { "linear_attention_config", N_("linear attention") },
  { "layer_group_size", N_("linear attention") },
  { "attn_type_list", N_("linear attention") },
  { "attention_hidden_size", N_("linear attention") },
  { "feature_map", N_("linear attention") },
  { "expand_k", N_("linear attention") },
  { "expand_v", N_("linear attention") },
  { "decay_low_rank_dim", N_("linear attention") },
  { "gate_low_rank_dim", N_("linear attention") },
  { "lru_width", N_("recurrent layers") },
  { "slstm_at", N_("recurrent layers") },
  { "num_slots", N_("recurrent layers") },
  { "block_configs", N_("layers of different shapes") },
  { "block_types", N_("layers of different shapes") },
  { "_block_types", N_("layers of different shapes") },
  { "layers_block_type", N_("layers of different shapes") },
  { "attn_layer_period", N_("layers of different shapes") },
  { "attn_layer_indices", N_("layers of different shapes") },
  { "attn_layer_idxs", N_("layers of different shapes") },
  { "full_attn_idxs", N_("layers of different shapes") },
  { "attention_other_setting", N_("layers of different shapes") },
  { "share_q_dim", N_("an attention of its own kind") },
  { "index_topk", N_("an attention of its own kind") },
  { "attn_layers", N_("an attention of its own kind") },
  { "repmixer_kernel_size", N_("short convolutions") },
  { "hc_mult", N_("residual connections of its own kind") },
  { "altup_num_inputs", N_("residual connections of its own kind") },
  { "hidden_size_per_layer_input", N_("embeddings of each layer") },
  { "zero_expert_num", N_("experts that compute nothing") },
  { "vision_config", N_("an image encoder") },
  { "vision_cfg", N_("an image encoder") },
  { "img_processor", N_("an image encoder") },
  { "image_size", N_("an image encoder") },
  { "patch_size", N_("an image encoder") },
  { "mm_vision_tower", N_("an image encoder") },
  { "vision_tower", N_("an image encoder") },
  { "audio_config", N_("an audio encoder") },
  { "num_mel_bins", N_("an audio encoder") },
  { "num_feat_extract_layers", N_("an audio encoder") },
  { "feature_projection_input_dim", N_("an audio encoder") },
  { "spectrogram_bins", N_("an audio encoder") },
  { "num_codebooks", N_("codes of audio") },
  { "vision_vocab_size", N_("codes of images") },
  { "speech_encoder", N_("an audio encoder") },
  { "mm_audio_tower", N_("an audio encoder") },
  { "text_config", N_("a language model inside of another model") },
  { "encoder_layers", N_("an encoder") },
  { "num_decoder_layers", N_("an encoder") },
  { "type_vocab_size", N_("attention in both directions") },
  { "local_attention", N_("attention in both directions") },
};

/* Kinds of layers that "layer_types" may name and a decoder of attention and MLPs has. */
static const char * const plain_layers[] = {
  "full_attention", "sliding_attention", "chunked_attention", "attention", "dense", "sparse", "moe",
};

/* What a config of a model has: two of them in an object say that there is another model inside. */
static const char * const model_keys[] = {
  "hidden_size", "embed_dim", "d_model", "width", "num_hidden_layers", "num_layers", "n_layer", "depth",
  "num_attention_heads", "num_heads", "n_head", "intermediate_size",
};

/* What a config calls the number of its experts. */
static const char * const expert_keys[] = {
  "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "n_experts", "num_moe_experts",
};

/* Keys of rotary positions, which GPT-2 does not have. */
static const char * const rotary_keys[] = {
  "rope_theta", "rope_parameters", "rope_scaling", "rotary_dim", "rotary_pct", "rotary_emb_base", "rotary",
};

static void
set_foreign (HrJson      *config,
             const char  *key,
             const char  *what,
             GError     **error)
{
  g_autofree char *shown = hr_checkpoint_dup_shown (key);

  /* Translators: a file's name, a key in it, what it stands for, such as "a mixture of experts". */
  g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
               _("“%s”, %s: the model has %s; its architecture is not known, so it cannot be estimated"),
               hr_json_get_origin (config), shown, what);
}

/* A null, a false, a zero or an empty list says that the model has none of it, in configs that state every key. */
static gboolean
says_something (HrJson *value)
{
  gboolean is_true = TRUE;
  double number = 1;

  switch (hr_json_get_node_type (value))
    {
    case HR_JSON_NULL:
      return FALSE;

    case HR_JSON_BOOLEAN:
      return hr_json_read_boolean (value, &is_true, NULL) && is_true;

    case HR_JSON_INTEGER:
    case HR_JSON_REAL:
      return !hr_json_read_double (value, &number, NULL) || number != 0;

    case HR_JSON_ARRAY:
      return hr_json_get_length (value) > 0;

    case HR_JSON_STRING:
    case HR_JSON_OBJECT:
    default:
      return TRUE;
    }
}

static gboolean
has_unusual_layers (HrJson *config)
{
  HrJson *types = hr_json_get_member (config, "layer_types");

  if (types == NULL || hr_json_get_node_type (types) != HR_JSON_ARRAY)
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (types); i++)
    {
      const char *type = NULL;
      gboolean is_plain = FALSE;

      if (!hr_json_read_string (hr_json_get_element (types, i), &type, NULL))
        return TRUE;
      for (guint j = 0; j < G_N_ELEMENTS (plain_layers) && !is_plain; j++)
        is_plain = g_str_equal (type, plain_layers[j]);
      if (!is_plain)
        return TRUE;
    }

  return FALSE;
}

/* The first object of a config that has the sizes of a model of its own; %NULL if there is none. */
static const char *
find_inner_model (HrJson *config)
{
  for (guint i = 0; i < hr_json_get_length (config); i++)
    {
      HrJson *member = hr_json_get_element (config, i);
      guint n_found = 0;

      if (hr_json_get_node_type (member) != HR_JSON_OBJECT)
        continue;
      for (guint j = 0; j < G_N_ELEMENTS (model_keys); j++)
        n_found += hr_json_get_member (member, model_keys[j]) != NULL;
      if (n_found > 1)
        return hr_json_get_key (member);
    }

  return NULL;
}

static gboolean
check_foreign_keys (HrJson  *config,
                    GError **error)
{
  const char *inner;

  for (guint i = 0; i < G_N_ELEMENTS (foreign_keys); i++)
    {
      HrJson *value = hr_json_get_member (config, foreign_keys[i].key);

      if (value == NULL || !says_something (value))
        continue;

      set_foreign (config, foreign_keys[i].key, _(foreign_keys[i].what), error);
      return FALSE;
    }

  if (has_unusual_layers (config))
    {
      set_foreign (config, "layer_types", _("layers of different shapes"), error);
      return FALSE;
    }

  inner = find_inner_model (config);
  if (inner != NULL)
    {
      set_foreign (config, inner, _("a language model inside of another model"), error);
      return FALSE;
    }

  return TRUE;
}

/* Whether a config gives the number of words of the model, or of one inside of it: a tower or a codec has none. */
static gboolean
has_words (HrJson *config)
{
  static const char * const keys[] = { "vocab_size", "padded_vocab_size", "n_vocab" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (hr_json_get_member (config, keys[i]) != NULL)
        return TRUE;
    }
  for (guint i = 0; i < hr_json_get_length (config); i++)
    {
      HrJson *member = hr_json_get_element (config, i);

      if (hr_json_get_node_type (member) == HR_JSON_OBJECT && has_words (member))
        return TRUE;
    }

  return FALSE;
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

  architecture = model_type != NULL && has_words (config) ? load_by_prefix (model_type, warnings, &local_error) : NULL;
  if (architecture != NULL || local_error != NULL)
    {
      if (local_error != NULL)
        g_propagate_error (error, g_steal_pointer (&local_error));
      return g_steal_pointer (&architecture);
    }

  *is_generic = TRUE;

  return load_generic (config, model_type, warnings, error);
}
