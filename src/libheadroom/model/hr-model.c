/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-model.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-config.h"
#include "hr-error.h"
#include "hr-gguf-mixture.h"
#include "hr-inclusion.h"
#include "hr-json.h"
#include "hr-local-models.h"
#include "hr-model-builder.h"
#include "hr-model-catalogue.h"
#include "hr-model-copy.h"
#include "hr-model-entry-private.h"
#include "hr-model-private.h"
#include "hr-model-size.h"
#include "hr-model-source.h"
#include "hr-processor-private.h"
#include "hr-quantization-config.h"
#include "hr-stored-names.h"
#include "hr-stored-weights.h"
#include "hr-units.h"

/**
 * HrModel:
 *
 * A model as its configuration describes it: hyper-parameters, layers, tensors and what it keeps in its cache.
 *
 * A model does not change, and may be used by several threads at once.
 */
struct _HrModel
{
  GObject parent_instance;

  char *name;
  char *model_type;
  char *class_name;
  char *source;
  char *architecture_source;      /* NULL if the architecture file names none */
  HrDtype dtype;
  HrQuantization quantization;
  HrQuantizer *quantizer;         /* NULL if the config names no quantization that is known */
  HrAdapterRules adapter_rules;
  HrParallelRules *rules[HR_N_MODEL_DIVISIONS];  /* NULL where transformers has none */
  HrParallelPlan *plan;           /* NULL if it is not what a rank has */
  char *unknown_quantization;     /* the method, if it is not known in this form */
  guint64 n_parameters;
  guint64 n_parameters_of_part[HR_N_PARTS];
  guint64 n_active_parameters;
  guint64 cache_elements_per_token;
  guint64 latent_cache_elements_per_token;
  guint64 state_elements_per_sequence;
  GHashTable *hyper_parameters;   /* name, guint64 * */
  GPtrArray *warnings;            /* of char *, null-terminated */
  HrModelParts parts;
  HrProcessor processor;
  gboolean is_converted;          /* the files name its tensors as another class does */
  HrStoredWeights *stored;        /* NULL if no weights were read, or they name other tensors */
  guint64 stored_bytes;
  char *obstacle;                 /* NULL if the model can be estimated */
  HrJson *config;                 /* NULL if there is none */
  GMutex scorer_lock;
  HrModel *scorer;                /* NULL until it is asked for */
  HrFacts facts;
};

G_DEFINE_FINAL_TYPE (HrModel, hr_model, G_TYPE_OBJECT)

static void
hr_model_finalize (GObject *object)
{
  HrModel *self = HR_MODEL (object);

  g_free (self->name);
  g_free (self->model_type);
  g_free (self->class_name);
  g_free (self->source);
  g_free (self->architecture_source);
  g_hash_table_unref (self->hyper_parameters);
  g_ptr_array_unref (self->warnings);
  hr_model_parts_clear (&self->parts);
  g_clear_pointer (&self->quantizer, hr_quantizer_free);
  g_free (self->unknown_quantization);
  hr_adapter_rules_clear (&self->adapter_rules);
  for (guint i = 0; i < HR_N_MODEL_DIVISIONS; i++)
    g_clear_pointer (&self->rules[i], hr_parallel_rules_free);
  g_clear_pointer (&self->plan, hr_parallel_plan_free);
  hr_processor_clear (&self->processor);
  g_clear_pointer (&self->stored, hr_stored_weights_free);
  g_free (self->obstacle);
  g_clear_pointer (&self->config, hr_json_free);
  g_clear_object (&self->scorer);
  g_mutex_clear (&self->scorer_lock);
  hr_facts_clear (&self->facts);

  G_OBJECT_CLASS (hr_model_parent_class)->finalize (object);
}

static void
hr_model_class_init (HrModelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = hr_model_finalize;
}

static void
hr_model_init (HrModel *self)
{
  self->hyper_parameters = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->warnings = g_ptr_array_new_null_terminated (0, g_free, TRUE);
  g_mutex_init (&self->scorer_lock);
  hr_facts_init (&self->facts);
}

/* torch's allocator hands out multiples of 512 bytes. */
static guint64
round_up (guint64 bytes)
{
  return (bytes + 511) / 512 * 512;
}

/* Whether a row has a tensor of a name: its own, or that of one of its layers. */
static gboolean
row_has_name (const HrTensor *tensor,
              const char     *name)
{
  const char *place = strstr (tensor->pattern, "{}");
  guint64 layer;
  char *end;

  if (g_str_equal (tensor->pattern, name))
    return TRUE;
  if (place == NULL || tensor->n_items > 0 || strncmp (tensor->pattern, name, place - tensor->pattern) != 0)
    return FALSE;

  layer = g_ascii_strtoull (name + (place - tensor->pattern), &end, 10);
  for (guint i = 0; i < tensor->n_layers; i++)
    {
      if (tensor->layers[i] == layer)
        return g_str_equal (end, place + 2);
    }

  return FALSE;
}

static const HrTensor *
find_tensor (HrModel    *self,
             const char *name)
{
  for (guint i = 0; i < self->parts.tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (self->parts.tensors, i);

      if (row_has_name (tensor, name))
        return tensor;
    }

  return NULL;
}

/* Of routed experts those that a token passes. */
static guint64
get_active_elements (const HrTensor *tensor,
                     guint64         n_elements)
{
  return tensor->n_experts > 0 ? n_elements / tensor->n_experts * tensor->n_active_experts : n_elements;
}

static gboolean
count_parameters (HrModel  *self,
                  HrScope  *scope,
                  GError  **error)
{
  for (guint i = 0; i < self->parts.tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (self->parts.tensors, i);
      guint64 n_elements;

      if (tensor->tied_to != NULL)
        {
          const HrTensor *storage = find_tensor (self, tensor->tied_to);

          if (storage != NULL && storage->n_elements == tensor->n_elements)
            continue;
          hr_scope_set_error (scope, error, HR_ERROR_VALUE, _("%s: expected the shape of %s, with which it is tied"),
                              tensor->pattern, tensor->tied_to);
          return FALSE;
        }
      if (!g_uint64_checked_mul (&n_elements, tensor->n_elements, hr_tensor_get_copies (tensor)) ||
          !g_uint64_checked_add (&self->n_parameters, self->n_parameters, n_elements) ||
          self->n_parameters > G_MAXINT64)
        {
          hr_scope_set_error (scope, error, HR_ERROR_TOO_LARGE,
                              _("expected a number of parameters that can be counted"));
          return FALSE;
        }
      self->n_parameters_of_part[tensor->part] += n_elements;
      self->n_active_parameters += get_active_elements (tensor, n_elements);
    }

  return TRUE;
}

/* Keys and values of a token in transformers' cache, and the key of an indexer. */
static gboolean
count_expanded (const HrAttention *attention,
                guint64           *n_elements)
{
  guint64 value_head_dim = attention->value_head_dim > 0 ? attention->value_head_dim : attention->head_dim;
  guint64 index_head_dim = attention->index_num_heads > 0 ? attention->index_head_dim : 0;

  return g_uint64_checked_mul (n_elements, attention->cached_heads, attention->head_dim + value_head_dim) &&
         g_uint64_checked_add (n_elements, *n_elements, index_head_dim);
}

/* What serving engines keep of a token: the latent and the rotated key, where there is a latent. */
static gboolean
count_latent (const HrAttention *attention,
              guint64           *n_elements)
{
  *n_elements = attention->latent_size + attention->rotary_dim;

  return attention->latent_size > 0 || count_expanded (attention, n_elements);
}

/* What a layer keeps: for each token, and of a sequence however long it is. */
typedef struct
{
  guint64 per_token;
  guint64 latent_per_token;
  guint64 per_sequence;
} Kept;

static gboolean
add_kept_by_chain (const HrChain *chain,
                   Kept          *kept)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];
      guint64 expanded, latent, constant;
      HrBlockState state;

      if (block->kind == HR_BLOCK_ATTENTION && block->attention.source_positions > 0)
        {
          if (!count_expanded (&block->attention, &expanded) ||
              !g_uint64_checked_mul (&constant, expanded, block->attention.source_positions) ||
              !g_uint64_checked_add (&kept->per_sequence, kept->per_sequence, constant))
            return FALSE;
          continue;
        }
      if (block->kind == HR_BLOCK_ATTENTION && !block->attention.reuses_cache &&
          (!count_expanded (&block->attention, &expanded) || !count_latent (&block->attention, &latent) ||
           !g_uint64_checked_add (&kept->per_token, kept->per_token, expanded) ||
           !g_uint64_checked_add (&kept->latent_per_token, kept->latent_per_token, latent)))
        return FALSE;
      if (hr_block_get_state (block, &state) &&
          (!g_uint64_checked_add (&constant, state.conv, state.recurrent) ||
           !g_uint64_checked_add (&kept->per_token, kept->per_token, state.per_token) ||
           !g_uint64_checked_add (&kept->latent_per_token, kept->latent_per_token, state.per_token) ||
           !g_uint64_checked_add (&kept->per_sequence, kept->per_sequence, constant)))
        return FALSE;
    }

  return TRUE;
}

static gboolean
add_kept_by_class (const HrLayerClass *layer_class,
                   HrModel            *self)
{
  Kept of_layer = { 0 };
  guint64 tokens, latents, sequences;

  if (layer_class->skipped)
    return TRUE;

  for (guint i = 0; i < layer_class->n_sublayers; i++)
    {
      for (guint j = 0; j < layer_class->sublayers[i].n_branches; j++)
        {
          if (!add_kept_by_chain (&layer_class->sublayers[i].branches[j], &of_layer))
            return FALSE;
        }
    }

  return g_uint64_checked_mul (&tokens, of_layer.per_token, layer_class->n_layers) &&
         g_uint64_checked_add (&self->cache_elements_per_token, self->cache_elements_per_token, tokens) &&
         g_uint64_checked_mul (&latents, of_layer.latent_per_token, layer_class->n_layers) &&
         g_uint64_checked_add (&self->latent_cache_elements_per_token, self->latent_cache_elements_per_token,
                               latents) &&
         g_uint64_checked_mul (&sequences, of_layer.per_sequence, layer_class->n_layers) &&
         g_uint64_checked_add (&self->state_elements_per_sequence, self->state_elements_per_sequence, sequences);
}

static gboolean
count_cache (HrModel  *self,
             HrScope  *scope,
             GError  **error)
{
  for (guint i = 0; i < self->parts.stacks->len; i++)
    {
      const HrStack *stack = g_ptr_array_index (self->parts.stacks, i);

      if (stack->role != HR_STACK_DECODER)
        continue;

      for (guint j = 0; j < stack->n_layer_classes; j++)
        {
          if (add_kept_by_class (&stack->layer_classes[j], self))
            continue;
          hr_scope_set_error (scope, error, HR_ERROR_TOO_LARGE, _("expected a cache whose size can be counted"));
          return FALSE;
        }
    }

  return TRUE;
}

static void
add_hyper_parameter (gpointer key,
                     gpointer value,
                     gpointer user_data)
{
  GHashTable *hyper_parameters = user_data;

  g_hash_table_insert (hyper_parameters, g_strdup (key), g_memdup2 (value, sizeof (guint64)));
}

static void
report_assumptions (HrModel *self,
                    HrScope *scope)
{
  g_autofree char *assumptions = hr_scope_dup_assumptions (scope);

  if (assumptions != NULL)
    g_ptr_array_add (self->warnings,
                     g_strdup_printf (_("The config does not give all sizes; transformers’ defaults were taken: %s."),
                                      assumptions));
}

static gboolean
has_own_head (const HrChain *chain)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == HR_BLOCK_HEAD && !chain->blocks[i].head.every_token)
        return !chain->blocks[i].head.tied;
    }

  return FALSE;
}

/*
 * From 5.0 on transformers ties a head where the outer config says so, which by default it does, or always (T5);
 * before, the text's config or the saved one decided. Weights that hold both are not tied by either
 * (PreTrainedModel.tie_weights in modeling_utils.py).
 */
static gboolean
warn_of_ties (HrModel              *self,
              HrArchitecture       *architecture,
              const HrModelSource  *source,
              HrScope              *scope,
              GError              **error)
{
  HrJson *expression = hr_architecture_get_member (architecture, "ties-from-config");
  gboolean ties = FALSE;

  if (expression == NULL || source->is_published || source->checkpoint != NULL || !has_own_head (&self->parts.head))
    return TRUE;
  if (!hr_scope_evaluate_boolean (scope, expression, &ties, error))
    return FALSE;

  if (ties)
    g_ptr_array_add (self->warnings,
                     g_strdup (_("Built from its config alone, without weights, transformers 5 ties the head of this "
                                 "model to its embedding, and transformers 4 does not: they are counted apart, as "
                                 "published weights that hold both are")));

  return TRUE;
}

/* Adds what the matrices of experts that compute nothing would hold. */
static gboolean
add_idle (const HrChain *chain,
          guint          n_layers,
          guint64       *total)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrMixture *mixture = &chain->blocks[i].mixture;
      guint64 elements;

      if (chain->blocks[i].kind == HR_BLOCK_MIXTURE && mixture->num_zero_experts > 0 &&
          (!g_uint64_checked_mul (&elements, 2 * mixture->intermediate_size, mixture->hidden_size) ||
           !g_uint64_checked_mul (&elements, elements, mixture->num_zero_experts) ||
           !g_uint64_checked_mul (&elements, elements, n_layers) || !g_uint64_checked_add (total, *total, elements)))
        return FALSE;
    }

  return TRUE;
}

/*
 * transformers 5 makes gate_up_proj for the experts that return their input too (modeling_longcat_flash.py,
 * LongcatFlashExperts); those of transformers 4 and of the published files have none.
 */
static void
warn_of_idle_experts (HrModel *self)
{
  g_autofree char *count = NULL;
  guint64 total = 0;

  for (guint i = 0; i < self->parts.stacks->len; i++)
    {
      const HrStack *stack = g_ptr_array_index (self->parts.stacks, i);

      for (guint j = 0; j < stack->n_layer_classes; j++)
        {
          const HrLayerClass *layer_class = &stack->layer_classes[j];

          for (guint k = 0; k < layer_class->n_sublayers; k++)
            {
              for (guint l = 0; l < layer_class->sublayers[k].n_branches; l++)
                {
                  if (!add_idle (&layer_class->sublayers[k].branches[l], layer_class->n_layers, &total))
                    return;
                }
            }
        }
    }
  if (total == 0)
    return;

  count = hr_format_count (total);
  g_ptr_array_add (self->warnings,
                   /* Translators: a number of parameters. */
                   g_strdup_printf (_("The published files hold no matrices for the experts that return their input, "
                                      "and none are counted. The class of transformers 5 makes some all the same: "
                                      "%s parameters more, which nothing reads."), count));
}

/* The ranks of adapters that the weights of a model carry, as the config has them; those that are not there are 0. */
static gboolean
list_ranks (HrScope  *scope,
            HrJson   *expressions,
            char    **ranks,
            GError  **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; expressions != NULL && i < hr_json_get_length (expressions); i++)
    {
      guint64 rank = 0;

      if (!hr_scope_evaluate_size (scope, hr_json_get_element (expressions, i), &rank, error))
        return FALSE;
      if (rank > 0)
        g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, text->len > 0 ? C_("between names in a list", ", ") : "",
                                rank);
    }
  *ranks = text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;

  return TRUE;
}

/* What LoRA's matrices hold: lora_A and lora_B of PEFT, with the name of each adapter (peft/tuners/lora/layer.py). */
static guint64
count_adapters (HrModel *self)
{
  guint64 total = 0;

  for (guint i = 0; i < self->parts.tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (self->parts.tensors, i);
      g_autofree char *name = hr_tensor_get_name (tensor, 0);

      if (strstr (name, ".lora_A.") != NULL || strstr (name, ".lora_B.") != NULL)
        total += tensor->n_elements * hr_tensor_get_copies (tensor);
    }

  return total;
}

/* The converter that makes a class of transformers of the weights leaves such adapters out; PEFT adds them again. */
static gboolean
warn_of_carried_adapters (HrModel         *self,
                          HrArchitecture  *architecture,
                          HrScope         *scope,
                          GError         **error)
{
  g_autofree char *ranks = NULL;
  g_autofree char *count = NULL;

  if (!list_ranks (scope, hr_architecture_get_member (architecture, "carried-adapters"), &ranks, error))
    return FALSE;
  if (ranks == NULL)
    return TRUE;

  count = hr_format_count (count_adapters (self));
  g_ptr_array_add (self->warnings,
                   /* Translators: ranks of LoRA, a number of parameters. */
                   g_strdup_printf (_("The adapters that the weights carry for images and sounds (LoRA of rank %s, "
                                      "with %s parameters) are counted as weights that are not trained, and what "
                                      "they compute is left out."), ranks, count));

  return TRUE;
}

static gboolean
build (HrModel         *self,
       HrArchitecture  *architecture,
       HrJson          *config,
       HrModelSource   *source,
       gboolean         is_generic,
       GError         **error)
{
  HrJson *processor = hr_architecture_get_member (architecture, "processor");
  HrProcessorFiles files = { source->image_processor, source->video_processor, source->processor };
  g_autoptr (HrScope) scope = hr_scope_new (architecture, config, "", error);

  if (scope == NULL || (is_generic && !hr_scope_check_missing (scope, error)) ||
      !hr_config_warn_of_uncounted (config, architecture, self->warnings, error) ||
      !hr_inclusion_load_all (scope, architecture, self->warnings, error) || !hr_scope_resolve_all (scope, error) ||
      !hr_model_parts_build (&self->parts, architecture, scope, error) ||
      !warn_of_ties (self, architecture, source, scope, error) ||
      !warn_of_carried_adapters (self, architecture, scope, error) || !count_parameters (self, scope, error) ||
      !count_cache (self, scope, error) ||
      !hr_config_warn_of_approximation (architecture, scope, self->warnings, error) ||
      (processor != NULL && !hr_processor_read (&self->processor, processor, scope, &files, error)))
    return FALSE;

  hr_config_warn_of_conversion (architecture, self->warnings);
  warn_of_idle_experts (self);
  report_assumptions (self, scope);
  hr_scope_foreach_size (scope, add_hyper_parameter, self->hyper_parameters);

  return TRUE;
}

/* What the config says about how the checkpoint was quantized, or else a file beside it. */
static gboolean
read_quantization (HrModel  *self,
                   HrJson   *config,
                   HrJson   *beside,
                   GError  **error)
{
  HrJson *converted = hr_json_get_member (config, "quantization");
  HrJson *text_config = hr_json_get_member (config, "text_config");
  HrJson *settings = NULL;
  const char *expert_dtype = NULL;

  self->quantization = HR_QUANTIZATION_NONE;
  if (!hr_json_get_object (config, "quantization_config", &settings, error))
    return FALSE;
  /* Where Kimi-K2.5 has it, and vLLM looks for it (ModelConfig._parse_quant_hf_config of vllm/config/model.py). */
  if (settings == NULL && text_config != NULL && hr_json_get_node_type (text_config) == HR_JSON_OBJECT &&
      !hr_json_get_object (text_config, "quantization_config", &settings, error))
    return FALSE;
  /* What mlx-lm wrote before it had both (save_config of mlx_lm/utils.py). */
  if (settings == NULL && converted != NULL && hr_json_get_node_type (converted) == HR_JSON_OBJECT)
    settings = converted;
  if (settings == NULL)
    settings = beside;
  if (settings == NULL)
    return TRUE;

  if (!hr_json_check_type (settings, HR_JSON_OBJECT, error) ||
      !hr_json_get_string (config, "expert_dtype", &expert_dtype, error) ||
      !hr_quantization_config_read (settings, self->model_type, expert_dtype, &self->quantizer,
                                    &self->unknown_quantization, self->warnings, error))
    return FALSE;
  if (self->quantizer == NULL)
    return TRUE;

  self->quantization = self->quantizer->quantization;
  hr_quantizer_adapt (self->quantizer, self->model_type);
  hr_quantizer_apply (self->quantizer, self->parts.tensors);

  return TRUE;
}

/* A file has them for itself: those that extend it are other types of models. */
static void
read_adapter_rules (HrModel        *self,
                    HrArchitecture *architecture)
{
  HrJson *section = hr_json_get_member (hr_architecture_get_file (architecture, 0), "adapters");

  if (section != NULL)
    hr_adapter_rules_read (&self->adapter_rules, section);
  if (g_strcmp0 (self->model_type, hr_architecture_get_model_type (architecture)) != 0)
    hr_adapter_rules_drop_defaults (&self->adapter_rules);
}

/* Likewise: transformers has a plan for a type of models that it knows, not for those that are read like it. */
static void
read_parallel_rules (HrModel        *self,
                     HrArchitecture *architecture)
{
  static const char * const members[] = { "tensor-parallel", "expert-parallel" };

  if (g_strcmp0 (self->model_type, hr_architecture_get_model_type (architecture)) != 0)
    return;

  for (guint i = 0; i < HR_N_MODEL_DIVISIONS; i++)
    {
      HrJson *section = hr_json_get_member (hr_architecture_get_file (architecture, 0), members[i]);

      if (section != NULL)
        self->rules[i] = hr_parallel_rules_new (section);
    }
}

/* Fills in what a config says. */
static gboolean
read_config (HrModel        *self,
             HrModelSource  *source,
             GError        **error)
{
  HrJson *config = source->config;
  g_autoptr (HrArchitecture) architecture = NULL;
  const char * const *warnings = hr_json_get_warnings (config);
  const char *class_name, *model_type;
  gboolean is_generic = FALSE;

  for (guint i = 0; warnings != NULL && warnings[i] != NULL; i++)
    g_ptr_array_add (self->warnings, g_strdup (warnings[i]));

  if (source->architecture != NULL)
    architecture = hr_config_use_architecture (config, g_steal_pointer (&source->architecture), self->warnings, error);
  else
    architecture = hr_config_load_architecture (config, &is_generic, self->warnings, error);
  if (architecture == NULL || !build (self, architecture, config, source, is_generic, error) ||
      !hr_config_get_dtype (config, &self->dtype, self->warnings, error) ||
      !hr_config_get_model_type (config, &model_type, error))
    return FALSE;

  class_name = hr_config_get_class_name (config);
  self->class_name = g_strdup (class_name != NULL ? class_name : hr_architecture_get_class_name (architecture));
  self->model_type = g_strdup (model_type != NULL ? model_type : hr_architecture_get_model_type (architecture));
  self->name = hr_config_dup_name (config, source->file);
  if (self->name == NULL)
    self->name = g_strdup (self->model_type);
  self->source = g_strdup (hr_json_get_origin (config));
  self->architecture_source = g_strdup (hr_architecture_get_source (architecture));
  self->is_converted = hr_architecture_get_converted_class (architecture) != NULL;
  read_adapter_rules (self, architecture);
  read_parallel_rules (self, architecture);

  return read_quantization (self, config, source->quantization, error);
}

/*
 * The files of a model that is converted name and divide its tensors as its own code does: only how many numbers there
 * are can be compared.
 */
static void
compare_count (HrModel      *self,
               HrCheckpoint *checkpoint)
{
  g_autofree char *stored = NULL;
  g_autofree char *expected = NULL;
  guint64 n_stored = 0;

  for (guint i = 0; i < checkpoint->tensors->len; i++)
    {
      const HrStoredTensor *tensor = g_ptr_array_index (checkpoint->tensors, i);

      if (!hr_stored_name_is_buffer (tensor->name))
        n_stored += tensor->n_elements;
    }
  if (checkpoint->has_names_only || self->quantization != HR_QUANTIZATION_NONE || n_stored == self->n_parameters)
    return;

  stored = hr_format_integer (n_stored);
  expected = hr_format_integer (self->n_parameters);
  g_ptr_array_add (self->warnings,
                   /* Translators: two numbers of parameters, and the name of a class. */
                   g_strdup_printf (_("The weights hold %s parameters, and not the %s that %s has."), stored, expected,
                                    self->class_name));
}

/* Compares the weights with the model, and takes from them what the config does not say. */
static void
read_weights (HrModel       *self,
              HrModelSource *source)
{
  HrDtype stored_dtype = hr_checkpoint_get_dtype (source->checkpoint);

  self->stored_bytes = source->checkpoint->n_bytes;
  if (self->is_converted)
    compare_count (self, source->checkpoint);
  else
    self->stored = hr_stored_weights_new (self->parts.tensors, source->checkpoint, source->words, self->quantizer,
                                          self->class_name != NULL ? self->class_name : self->model_type,
                                          self->warnings);

  /* Names say nothing of how the tensors are stored. */
  if (source->checkpoint->has_names_only)
    {
      g_clear_pointer (&self->stored, hr_stored_weights_free);
      return;
    }

  /* transformers expands a GGUF file to float32, whatever it holds. */
  if (source->gguf != NULL || self->quantization != HR_QUANTIZATION_NONE || stored_dtype == HR_DTYPE_AUTO)
    return;

  if (self->dtype == HR_DTYPE_AUTO)
    self->dtype = stored_dtype;
  else if (self->dtype != stored_dtype)
    /* Translators: two data types, such as float32 and bfloat16. */
    g_ptr_array_add (self->warnings,
                     g_strdup_printf (_("The weights are stored in %s; the config has them loaded in %s."),
                                      hr_dtype_get_name (stored_dtype), hr_dtype_get_name (self->dtype)));
}

/* The mixture that a file was made as, or is most like; the sizes are those of its tensors either way. */
static void
read_file_type (HrModel      *self,
                HrGguf       *gguf,
                HrCheckpoint *checkpoint)
{
  const char *type = hr_checkpoint_get_main_type (checkpoint);
  double file_type = -1;

  hr_gguf_get_number (gguf, "general.file_type", &file_type);
  if (hr_gguf_mixture_from_file_type (file_type, &self->quantization))
    return;

  if (type != NULL && hr_gguf_mixture_from_type (type, &self->quantization))
    /* Translators: 1 a type of tensors such as Q4_K, 2 a file type such as q4_k_m */
    g_ptr_array_add (self->warnings,
                     g_strdup_printf (_("The file names no file type that is known; most of it is %1$s, so that it "
                                        "counts as %2$s, with the sizes of its own tensors."),
                                      type, hr_quantization_get_name (self->quantization)));
  else
    g_ptr_array_add (self->warnings,
                     g_strdup (_("transformers expands the weights of a GGUF file when it loads them.")));
}

static void
describe_adapter (HrModel   *self,
                  HrAdapter *adapter)
{
  g_autofree char *rank = NULL;
  g_autofree char *count = NULL;
  guint64 n_parameters;
  guint n_modules;

  if (hr_adapter_get_rank (adapter) == 0)
    {
      g_autofree char *kind = hr_checkpoint_dup_shown (hr_adapter_get_kind (adapter));

      /* Translators: a method of fine-tuning, such as IA3 or PREFIX_TUNING. */
      g_ptr_array_add (self->warnings,
                       g_strdup_printf (_("This is the base model of an adapter (%s), which is not counted."),
                                        kind));
      return;
    }

  rank = g_strdup_printf ("%" G_GUINT64_FORMAT, hr_adapter_get_rank (adapter));
  if (!hr_adapter_count_parameters (adapter, self, &n_parameters, &n_modules, NULL))
    {
      g_ptr_array_add (self->warnings,
                       g_strdup_printf (_("This is the base model of a LoRA adapter of rank %s, which is not counted."),
                                        rank));
      return;
    }

  count = hr_format_integer (n_parameters);
  /* Translators: two numbers. */
  g_ptr_array_add (self->warnings,
                   g_strdup_printf (_("This is the base model of a LoRA adapter of rank %s, whose %s parameters are "
                                      "not counted."),
                                    rank, count));
  if (hr_adapter_meets_joined_experts (adapter, self))
    g_ptr_array_add (self->warnings,
                     g_strdup (_("The count of the adapter takes the matrices of each expert for modules of their own, "
                                 "as the published files have them; the class of transformers 5 joins them, and PEFT "
                                 "0.21 trains the joined ones, of twice the rank, or none, and counts otherwise.")));
}

/* Where a tensor belongs, as far as its name says so. */
static HrPart
guess_part (const char *name)
{
  static const struct
  {
    const char *word;
    HrPart part;
  } words[] = {
    { "projector", HR_PART_PROJECTOR }, { "audio", HR_PART_AUDIO },
    { "vision", HR_PART_VISION },   { "visual", HR_PART_VISION },      { "norm", HR_PART_NORM },
    { "ln_", HR_PART_NORM },        { "embed", HR_PART_EMBEDDING },    { "token_embd", HR_PART_EMBEDDING },
    { "wte", HR_PART_EMBEDDING },   { "attn", HR_PART_ATTENTION },     { "attention", HR_PART_ATTENTION },
    { "mlp", HR_PART_MLP },         { "ffn", HR_PART_MLP },            { "experts", HR_PART_MLP },
    { "lm_head", HR_PART_OUTPUT },  { "output.weight", HR_PART_OUTPUT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if (strstr (name, words[i].word) != NULL)
        return words[i].part;
    }

  return HR_PART_OTHER;
}

/* A model of which nothing is known but its tensors: they are listed and counted. */
static gboolean
read_tensors (HrModel        *self,
              HrModelSource  *source,
              GError        **error)
{
  GPtrArray *stored = source->checkpoint->tensors;
  const char *architecture = NULL;

  self->source = g_file_get_parse_name (source->file);
  if (stored->len == 0)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL, _("“%s”: expected the tensors of a model, found none"),
                   self->source);
      return FALSE;
    }

  self->parts = (HrModelParts) {
    .tensors = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_tensor_free),
    .stacks = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_stack_free),
  };

  for (guint i = 0; i < stored->len; i++)
    {
      const HrStoredTensor *tensor = g_ptr_array_index (stored, i);
      HrTensor *row = g_new0 (HrTensor, 1);

      g_ptr_array_add (self->parts.tensors, row);
      row->pattern = g_strdup (tensor->name);
      row->n_dimensions = tensor->n_dimensions;
      memcpy (row->shape, tensor->shape, sizeof row->shape);
      row->n_elements = tensor->n_elements;
      row->part = guess_part (tensor->name);
      row->role = HR_TENSOR_ROLE_PARAMETER;

      if (!g_uint64_checked_add (&self->n_parameters, self->n_parameters, row->n_elements) ||
          self->n_parameters > G_MAXINT64)
        {
          g_set_error (error, HR_ERROR, HR_ERROR_TOO_LARGE,
                       _("“%s”: expected a number of parameters that can be counted"),
                       self->source);
          return FALSE;
        }
      self->n_parameters_of_part[row->part] += row->n_elements;
    }

  if (source->gguf != NULL)
    architecture = hr_gguf_get_string (source->gguf, "general.architecture");
  self->model_type = g_strdup (architecture);
  self->obstacle = g_strdup (source->obstacle);
  self->stored_bytes = source->checkpoint->n_bytes;
  self->stored = hr_stored_weights_new (self->parts.tensors, source->checkpoint, NULL, NULL, NULL, self->warnings);
  self->dtype = hr_checkpoint_get_dtype (source->checkpoint);
  g_ptr_array_add (self->warnings, g_strdup_printf (_("Only the tensors are known. %s."), source->obstacle));

  return TRUE;
}

/* A warning is one line, whatever the names in a file are. */
static void
tidy_warnings (HrModel *self)
{
  for (guint i = 0; i < self->warnings->len; i++)
    {
      for (char *c = g_ptr_array_index (self->warnings, i); *c != '\0'; c++)
        {
          if (g_ascii_iscntrl (*c))
            *c = ' ';
        }
    }
}

static HrModel *
hr_model_new_from_source (HrModelSource  *source,
                          GError        **error)
{
  g_autoptr (HrModel) self = g_object_new (HR_TYPE_MODEL, NULL);

  if (source->config != NULL)
    {
      if (!read_config (self, source, error))
        return NULL;
    }
  else if (!read_tensors (self, source, error))
    return NULL;

  if (source->name != NULL)
    {
      g_free (self->name);
      self->name = g_strdup (source->name);
    }
  if (source->origin != NULL)
    {
      g_free (self->source);
      self->source = g_strdup (source->origin);
    }
  for (guint i = 0; i < source->warnings->len; i++)
    g_ptr_array_add (self->warnings, g_strdup (g_ptr_array_index (source->warnings, i)));

  if (source->config != NULL && source->checkpoint != NULL)
    read_weights (self, source);
  if (source->config != NULL && source->gguf != NULL)
    read_file_type (self, source->gguf, source->checkpoint);
  for (guint i = 0; i < source->adapters->len; i++)
    describe_adapter (self, g_ptr_array_index (source->adapters, i));

  tidy_warnings (self);
  self->config = g_steal_pointer (&source->config);

  return g_steal_pointer (&self);
}

/* A model of which nothing is known yet but what it has in common with that which it is a part of. */
static HrModel *
new_part (HrModel *self)
{
  HrModel *part = g_object_new (HR_TYPE_MODEL, NULL);

  part->name = g_strdup (self->name);
  part->model_type = g_strdup (self->model_type);
  part->class_name = g_strdup (self->class_name);
  part->source = g_strdup (self->source);
  part->architecture_source = g_strdup (self->architecture_source);
  part->dtype = self->dtype;
  part->quantization = self->quantization;
  g_hash_table_foreach (self->hyper_parameters, add_hyper_parameter, part->hyper_parameters);
  for (guint i = 0; i < self->warnings->len; i++)
    g_ptr_array_add (part->warnings, g_strdup (g_ptr_array_index (self->warnings, i)));

  return part;
}

/* What is done with the tensors of a part is what is done with those that they are parts of. */
static void
share_quantizer (HrModel       *self,
                 const HrShard *shard,
                 HrModel       *part)
{
  guint row = 0;

  /* What is trained by Megatron-LM is not quantized. */
  if (self->quantizer == NULL || shard->n_predictions > 0)
    return;

  part->quantizer = hr_quantizer_new_part (self->quantizer);
  for (guint i = 0; i < part->parts.tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (part->parts.tensors, i);
      g_autofree guint *copies = NULL;
      guint n_copies;

      while (!hr_shard_is_part (shard, hr_model_get_tensor (self, row), tensor))
        row++;
      copies = hr_shard_list_copies (shard, hr_model_get_tensor (self, row), tensor, &n_copies);
      hr_quantizer_add_part_row (part->quantizer, self->quantizer, row++, copies, n_copies);
    }
}

/*
 * _hr_model_new_shard:
 * @self: a model of one stack
 * @shard: what a rank has of it
 * @error: return location for an error
 *
 * Creates the model that a rank has: the layers of its stage, divided among those that share them.
 *
 * Returns: (transfer full): a model, or %NULL with @error set if its sizes cannot be divided
 */
HrModel *
_hr_model_new_shard (HrModel        *self,
                     const HrShard  *shard,
                     GError        **error)
{
  g_autoptr (HrModel) part = new_part (self);

  if (!hr_shard_divide (shard, &self->parts, self->name, &part->parts, error) ||
      !count_parameters (part, NULL, error) || !count_cache (part, NULL, error))
    return NULL;

  share_quantizer (self, shard, part);

  return g_steal_pointer (&part);
}

/*
 * _hr_model_get_rules:
 * @self: a model
 * @division: by what it is divided
 *
 * Gets what transformers divides among ranks that compute each layer together.
 *
 * Returns: (nullable): the rules, or %NULL if it has none for such models
 */
const HrParallelRules *
_hr_model_get_rules (HrModel         *self,
                     HrModelDivision  division)
{
  return self->rules[division];
}

/*
 * _hr_model_new_share:
 * @self: a model of one stack that has rules
 * @division: by what it is divided
 * @n_ranks: among how many ranks
 * @rank: one of them
 * @error: return location for an error
 *
 * Creates the model that a rank has, which must not outlive @self.
 *
 * Returns: (transfer full): a model, or %NULL with @error set if its sizes cannot be divided
 */
HrModel *
_hr_model_new_share (HrModel          *self,
                     HrModelDivision   division,
                     guint64           n_ranks,
                     guint64           rank,
                     GError          **error)
{
  const HrStack *stack = hr_model_get_stack (self, 0);
  g_autoptr (HrModel) part = new_part (self);
  HrShard shard = { .tensor = 1, .vocabulary_multiple = 1, .n_layers = stack->n_layers, .has_embedding = TRUE,
                    .has_head = TRUE };

  shard.plan = part->plan = hr_parallel_plan_new (self->rules[division], n_ranks, rank, self->parts.tensors);
  if (!hr_shard_divide (&shard, &self->parts, self->name, &part->parts, error) ||
      !count_parameters (part, NULL, error) || !count_cache (part, NULL, error))
    return NULL;

  return g_steal_pointer (&part);
}

/*
 * _hr_model_get_facts:
 * @self: a model
 *
 * Gets what has been found out about a model by going through it, as far as that does not change what is found out.
 *
 * Returns: (transfer none): the facts
 */
HrFacts *
_hr_model_get_facts (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return &self->facts;
}

/*
 * _hr_model_get_plan:
 * @self: a model
 *
 * Returns: (nullable): how its modules are divided, if it is what a rank has of another
 */
const HrParallelPlan *
_hr_model_get_plan (HrModel *self)
{
  return self->plan;
}

/**
 * hr_model_new_from_file:
 * @file: a `config.json`, a folder that holds one, an entry of a Hugging Face cache, weights (`.safetensors`, their
 *   index, `.gguf`), or an `adapter_config.json`
 * @error: return location for an error
 *
 * Reads a model. Of weights only the headers are read; with a config beside them, the two are compared. Without one,
 * the tensors are known, and hr_model_check_can_be_estimated() says what is missing.
 *
 * Returns: (transfer full): the model, or %NULL with @error set: a #GIOErrorEnum if the file cannot be read, an
 *   #HrError if what it says makes no model
 */
HrModel *
hr_model_new_from_file (GFile   *file,
                        GError **error)
{
  g_auto (HrModelSource) source;

  hr_model_source_init (&source);

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  return hr_model_source_open (&source, file, error) ? hr_model_new_from_source (&source, error) : NULL;
}

/**
 * hr_model_new_from_file_with:
 * @file: as for hr_model_new_from_file()
 * @architecture: an architecture file
 * @error: return location for an error
 *
 * Reads a model by an architecture file, whatever its configuration says that it is.
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 */
HrModel *
hr_model_new_from_file_with (GFile   *file,
                             GFile   *architecture,
                             GError **error)
{
  g_auto (HrModelSource) source;

  hr_model_source_init (&source);

  g_return_val_if_fail (G_IS_FILE (file), NULL);
  g_return_val_if_fail (G_IS_FILE (architecture), NULL);

  source.architecture = hr_json_new_from_file (architecture, HR_JSON_STRICT, error);
  if (source.architecture == NULL || !hr_json_check_type (source.architecture, HR_JSON_OBJECT, error))
    return NULL;

  return hr_model_source_open (&source, file, error) ? hr_model_new_from_source (&source, error) : NULL;
}

static HrModel *
hr_model_new_from_text (const char  *data,
                        gssize       length,
                        const char  *origin,
                        gboolean     is_published,
                        GError     **error)
{
  g_auto (HrModelSource) source;

  hr_model_source_init (&source);
  source.is_published = is_published;
  source.config = hr_json_new_from_data (data, length, origin, HR_JSON_TOLERANT, error);

  return source.config != NULL ? hr_model_new_from_source (&source, error) : NULL;
}

/**
 * hr_model_new_from_data:
 * @data: (array length=length) (element-type guint8): the text of a `config.json`
 * @length: the length of @data, or -1 if it ends with a zero byte
 * @origin: (nullable): what to call it in messages
 * @error: return location for an error
 *
 * Reads a model from the text of its configuration.
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 */
HrModel *
hr_model_new_from_data (const char  *data,
                        gssize       length,
                        const char  *origin,
                        GError     **error)
{
  g_return_val_if_fail (data != NULL || length == 0, NULL);

  return hr_model_new_from_text (data, length, origin != NULL ? origin : "config.json", FALSE, error);
}

/* What is assumed of a model of which only the size is known, as a sentence. */
static char *
describe_size (HrModel           *self,
               const HrModelSize *size)
{
  g_autofree char *layers = hr_format_integer (size->num_hidden_layers);
  g_autofree char *hidden_size = hr_format_integer (size->hidden_size);
  g_autofree char *heads = hr_format_integer (size->num_attention_heads);
  g_autofree char *key_value_heads = hr_format_integer (size->num_key_value_heads);
  g_autofree char *vocab_size = hr_format_integer (size->vocab_size);
  g_autofree char *n_parameters = hr_format_integer (self->n_parameters);

  /* Translators: first the name of a model, then six numbers. */
  return g_strdup_printf (_("Only the size is known. A decoder in the shape of %s was assumed, in bfloat16: %s layers, "
                            "a hidden size of %s, %s attention heads, %s key-value heads, a vocabulary of %s; "
                            "it has %s parameters."),
                          size->reference, layers, hidden_size, heads, key_value_heads, vocab_size, n_parameters);
}

/* @name is a size, such as "7b". */
static HrModel *
hr_model_new_from_size (const char  *name,
                        guint64      n_parameters,
                        GError     **error)
{
  g_autoptr (HrModel) self = NULL;
  g_autofree char *config = NULL;
  HrModelSize size;

  if (!hr_model_size_init (&size, n_parameters, error))
    return NULL;

  config = hr_model_size_dup_config (&size);
  self = hr_model_new_from_data (config, -1, name, error);
  if (self == NULL)
    return NULL;

  g_free (self->name);
  self->name = g_strstrip (g_ascii_strup (name, -1));
  g_free (self->source);
  self->source = g_strdup (_("only the size is known"));
  g_ptr_array_add (self->warnings, describe_size (self, &size));

  return g_steal_pointer (&self);
}

/* What a row of the catalogue says of the files of weights counts where the config is silent, as the files would. */
static void
take_stored_dtype (HrModel      *self,
                   HrModelEntry *entry)
{
  if (self->dtype == HR_DTYPE_AUTO)
    self->dtype = _hr_model_entry_get_stored_dtype (entry);
}

/* What somebody has quantized is known by the model, and by what its name says of the format. */
static HrModel *
hr_model_new_from_copy (const char   *id,
                        HrModelEntry *original,
                        const char   *settings,
                        GError      **error)
{
  const char * const keys[] = { "quantization_config", NULL };
  const char * const texts[] = { settings, NULL };
  g_autofree char *original_config = _hr_model_entry_dup_config (original);
  g_autoptr (HrJson) json = hr_json_new_from_data (original_config, -1, id, HR_JSON_STRICT, error);
  g_autoptr (HrModel) self = NULL;
  g_autofree char *config = NULL;

  if (json == NULL)
    return NULL;

  config = hr_json_dup_text_with (json, keys, texts);
  self = hr_model_new_from_text (config, -1, id, TRUE, error);
  if (self == NULL)
    return NULL;

  take_stored_dtype (self, original);
  g_free (self->name);
  self->name = g_strdup (id);
  g_free (self->source);
  self->source = g_strdup (hr_model_entry_get_source (original));
  /* Translators: 1 a name that somebody typed, 2 the name of a model, 3 a format such as “AWQ INT4” */
  g_ptr_array_add (self->warnings,
                   g_strdup_printf (_("“%1$s” is not in the catalogue. Its name says that it is a copy of %2$s in "
                                      "another format: what copies of such a name usually have was assumed, %3$s. Open "
                                      "its own config.json to be sure."),
                                    id, hr_model_entry_get_id (original),
                                    hr_quantization_get_name (self->quantization)));

  return g_steal_pointer (&self);
}

/**
 * hr_model_new_from_id:
 * @id: the id of a model of the built-in catalogue, such as `Qwen/Qwen2.5-7B-Instruct`; case does not matter, and the
 *   organisation may be left out. Or the size of a model of which nothing else is known, such as `7B`
 * @error: return location for an error
 *
 * Makes a model of the catalogue, or a common decoder of a size (see hr_model_parse_size()). An id that is not in the
 * catalogue and ends like those of copies in other formats, such as `-AWQ`, is one of the model that it is called like,
 * with a warning of what was assumed.
 *
 * Returns: (transfer full): the model, or %NULL with @error set to %HR_ERROR_UNKNOWN_NAME
 */
HrModel *
hr_model_new_from_id (const char  *id,
                      GError     **error)
{
  g_autoptr (HrModel) self = NULL;
  g_autoptr (HrModelEntry) entry = NULL;
  g_autoptr (HrModelEntry) original = NULL;
  g_autoptr (GError) local_error = NULL;
  g_autofree char *config = NULL;
  const char *settings;
  guint64 n_parameters;

  g_return_val_if_fail (id != NULL, NULL);

  if (hr_model_parse_size (id, &n_parameters))
    return hr_model_new_from_size (id, n_parameters, error);

  entry = hr_model_catalogue_lookup (id, &local_error);
  original = entry == NULL ? hr_model_copy_find (id, &settings) : NULL;
  if (original != NULL)
    return hr_model_new_from_copy (id, original, settings, error);
  if (entry == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  config = _hr_model_entry_dup_config (entry);
  self = hr_model_new_from_text (config, -1, hr_model_entry_get_id (entry), TRUE, error);
  if (self == NULL)
    return NULL;

  take_stored_dtype (self, entry);
  /* What was typed may differ from the true name in case, or lack the organisation. */
  g_free (self->name);
  self->name = g_strdup (hr_model_entry_get_id (entry));
  g_free (self->source);
  self->source = g_strdup (hr_model_entry_get_source (entry));

  return g_steal_pointer (&self);
}

static gboolean
is_path (const char *name)
{
  if (g_file_test (name, G_FILE_TEST_EXISTS))
    return TRUE;

  /* What cannot be the id of a model was meant as a path, and is reported as one. */
  return g_str_has_prefix (name, "/") || g_str_has_prefix (name, "./") || g_str_has_prefix (name, "../")
         || g_str_has_suffix (name, ".json") || g_str_has_suffix (name, ".safetensors")
         || g_str_has_suffix (name, ".gguf");
}

static gboolean
is_in_catalogue (const char *name)
{
  g_autoptr (HrModelEntry) entry = NULL;
  guint64 n_parameters;

  if (hr_model_parse_size (name, &n_parameters))
    return TRUE;
  entry = hr_model_catalogue_lookup (name, NULL);

  return entry != NULL;
}

/**
 * hr_model_new_from_name:
 * @name: a path, as for hr_model_new_from_file(), or an id, as for hr_model_new_from_id() or of a model among those
 *   that were downloaded
 * @error: return location for an error
 *
 * Makes a model of what somebody typed.
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 */
HrModel *
hr_model_new_from_name (const char  *name,
                        GError     **error)
{
  g_autoptr (GFile) file = NULL;

  g_return_val_if_fail (name != NULL, NULL);

  if (is_path (name))
    {
      file = g_file_new_for_path (name);
      return hr_model_new_from_file (file, error);
    }

  /* What was downloaded is known better than a name. */
  if (!is_in_catalogue (name))
    file = hr_local_models_find (name);

  return file != NULL ? hr_model_new_from_file (file, error) : hr_model_new_from_id (name, error);
}

/**
 * hr_model_get_name:
 * @self: a model
 *
 * Gets what the model is called: its id, or the name of its folder or file.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_model_get_name (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return self->name;
}

/**
 * hr_model_get_short_name:
 * @self: a model
 *
 * Gets the name without the organisation that an id begins with.
 *
 * Returns: (transfer none): the name, such as `Qwen2.5-7B-Instruct`
 */
const char *
hr_model_get_short_name (HrModel *self)
{
  const char *slash;

  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  slash = strrchr (self->name, '/');

  return slash != NULL && slash[1] != '\0' ? slash + 1 : self->name;
}

/**
 * hr_model_get_model_type:
 * @self: a model
 *
 * Gets the `model_type` of the configuration, such as `qwen2`.
 *
 * Returns: (transfer none) (nullable): the model type, or %NULL if only the tensors are known
 */
const char *
hr_model_get_model_type (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return self->model_type;
}

/**
 * hr_model_get_architecture:
 * @self: a model
 *
 * Gets the class that implements the model, such as `Qwen2ForCausalLM`.
 *
 * Returns: (transfer none) (nullable): the name of the class, or %NULL if it is not known
 */
const char *
hr_model_get_architecture (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return self->class_name;
}

/**
 * hr_model_get_source:
 * @self: a model
 *
 * Gets where the configuration comes from: a file, or the source that the catalogue gives.
 *
 * Returns: (transfer none): the source
 */
const char *
hr_model_get_source (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return self->source;
}

/**
 * hr_model_get_architecture_source:
 * @self: a model
 *
 * Gets where the architecture was read from: the version of the framework, and the folder of the model's code in it.
 *
 * Returns: (transfer none) (nullable): the source, or %NULL if it is not known
 */
const char *
hr_model_get_architecture_source (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return self->architecture_source;
}

/**
 * hr_model_get_dtype:
 * @self: a model
 *
 * Gets the dtype that the configuration states.
 *
 * Returns: the dtype, or %HR_DTYPE_AUTO if the configuration states none
 */
HrDtype
hr_model_get_dtype (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), HR_DTYPE_AUTO);

  return self->dtype;
}

/**
 * hr_model_get_quantization:
 * @self: a model
 *
 * Gets how the checkpoint's weights are quantized.
 *
 * Returns: the format, %HR_QUANTIZATION_NONE if they are not
 */
HrQuantization
hr_model_get_quantization (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), HR_QUANTIZATION_NONE);

  return self->quantization;
}

/**
 * hr_model_get_unknown_quantization:
 * @self: a model
 *
 * Gets the method that the checkpoint's weights were quantized with, if how they are stored is not known.
 *
 * Returns: (transfer none) (nullable): the method, as the config names it
 */
const char *
hr_model_get_unknown_quantization (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return self->unknown_quantization;
}

/*
 * _hr_model_get_adapter_rules:
 * @self: a model
 *
 * Gets what PEFT knows of the model's type.
 *
 * Returns: (transfer none): the rules
 */
const HrAdapterRules *
_hr_model_get_adapter_rules (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return &self->adapter_rules;
}

/*
 * _hr_model_get_processor:
 * @self: a model
 *
 * Returns: (transfer none): what is done with images, sounds and videos before the model gets them
 */
const HrProcessor *
_hr_model_get_processor (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return &self->processor;
}

/**
 * hr_model_count_tokens: (skip)
 * @self: a model
 * @medium: an image, a sound or a video
 * @tokens: (out): what it comes to
 * @error: return location for an error
 *
 * Counts the tokens that the model gets of something, as its processor makes them, and what its tower sees.
 *
 * Returns: whether the model takes it
 */
gboolean
hr_model_count_tokens (HrModel         *self,
                       const HrMedium  *medium,
                       HrMediumTokens  *tokens,
                       GError         **error)
{
  g_return_val_if_fail (HR_IS_MODEL (self), FALSE);
  g_return_val_if_fail (medium != NULL && (guint) medium->kind < HR_N_MEDIUM_KINDS, FALSE);
  g_return_val_if_fail (tokens != NULL, FALSE);

  return hr_processor_count (&self->processor, medium, tokens, error);
}

/*
 * _hr_model_get_quantizer:
 * @self: a model
 *
 * Gets what was done to the checkpoint's tensors.
 *
 * Returns: (transfer none) (nullable): the quantizer, or %NULL if the config names none that is known
 */
const HrQuantizer *
_hr_model_get_quantizer (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return self->quantizer;
}

/*
 * _hr_model_apply:
 * @self: a model
 * @quantizer: a quantizer that is not the checkpoint's
 *
 * Adapts a quantizer to a model, and finds out which of its tensors it is for.
 */
void
_hr_model_apply (HrModel     *self,
                 HrQuantizer *quantizer)
{
  g_return_if_fail (HR_IS_MODEL (self));
  g_return_if_fail (quantizer != NULL);

  hr_quantizer_adapt (quantizer, self->model_type);
  /* Without names of modules, what a tensor is says it all. */
  if (quantizer->skipped != NULL || quantizer->bits_per_weight > 0)
    hr_quantizer_apply (quantizer, self->parts.tensors);
}

/**
 * hr_model_get_n_parameters:
 * @self: a model
 *
 * Gets the number of parameters, with tied tensors counted once, as `sum(p.numel() for p in model.parameters())` does.
 *
 * Returns: the number of parameters
 */
guint64
hr_model_get_n_parameters (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), 0);

  return self->n_parameters;
}

/**
 * hr_model_get_n_active_parameters:
 * @self: a model
 *
 * Gets the number of parameters that take part in the computation of one token: all of them in a dense model; in a
 * mixture of experts the shared experts, those that the router chooses, and everything that is not an expert.
 *
 * Returns: the number of parameters
 */
guint64
hr_model_get_n_active_parameters (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), 0);

  return self->n_active_parameters;
}

/**
 * hr_model_has_experts:
 * @self: a model
 *
 * Checks whether a model is a mixture of experts, whose tokens pass a part of its parameters only.
 *
 * Returns: whether it is
 */
gboolean
hr_model_has_experts (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), FALSE);

  return self->n_active_parameters < self->n_parameters;
}

/**
 * hr_model_get_n_parameters_of_part:
 * @self: a model
 * @part: a part
 *
 * Gets the number of parameters of a part. The parts add up to hr_model_get_n_parameters().
 *
 * Returns: the number of parameters
 */
guint64
hr_model_get_n_parameters_of_part (HrModel *self,
                                   HrPart   part)
{
  g_return_val_if_fail (HR_IS_MODEL (self), 0);
  g_return_val_if_fail (part < HR_N_PARTS, 0);

  return self->n_parameters_of_part[part];
}

/**
 * hr_model_get_hyper_parameter:
 * @self: a model
 * @name: a canonical name, such as `num_hidden_layers`, whatever the configuration calls it
 * @value: (out) (optional): the value
 *
 * Gets a hyper-parameter that is a whole number, as the configuration states it or as it defaults.
 *
 * Returns: whether the model has it
 */
gboolean
hr_model_get_hyper_parameter (HrModel    *self,
                              const char *name,
                              guint64    *value)
{
  const guint64 *found;

  g_return_val_if_fail (HR_IS_MODEL (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  found = g_hash_table_lookup (self->hyper_parameters, name);
  if (found == NULL)
    return FALSE;
  if (value != NULL)
    *value = *found;

  return TRUE;
}

/**
 * hr_model_get_cache_elements_per_token:
 * @self: a model
 *
 * Gets how many elements transformers' cache grows by with each token of a sequence, as long as no layer's sliding
 * window is full.
 *
 * Returns: the number of elements
 */
guint64
hr_model_get_cache_elements_per_token (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), 0);

  return self->cache_elements_per_token;
}

/**
 * hr_model_get_latent_cache_elements_per_token:
 * @self: a model
 *
 * Gets the number of elements that a serving engine keeps for each token of a sequence where it keeps the latent of
 * multi-head latent attention, and not the keys and values that transformers expands from it.
 *
 * Returns: the number of elements; that of hr_model_get_cache_elements_per_token() if no layer has a latent
 */
guint64
hr_model_get_latent_cache_elements_per_token (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), 0);

  return self->latent_cache_elements_per_token;
}

/**
 * hr_model_get_state_elements_per_sequence:
 * @self: a model
 *
 * Gets how many elements transformers keeps of each sequence however long it is: the states of state-space and
 * linear-attention layers and of their convolutions, which transformers keeps as wide as the kernel.
 *
 * Returns: the number of elements, 0 for a model whose memory of a sequence only grows
 */
guint64
hr_model_get_state_elements_per_sequence (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), 0);

  return self->state_elements_per_sequence;
}

/**
 * hr_model_get_warnings:
 * @self: a model
 *
 * Gets what was assumed or ignored while the configuration was read, as translated sentences.
 *
 * Returns: (transfer none) (array zero-terminated=1): the warnings
 */
const char * const *
hr_model_get_warnings (HrModel *self)
{
  static const char * const none[] = { NULL };

  g_return_val_if_fail (HR_IS_MODEL (self), none);

  return self->warnings->len > 0 ? (const char * const *) self->warnings->pdata : none;
}

/**
 * hr_model_get_tensor: (skip)
 * @self: a model
 * @index: which row, below hr_model_get_n_tensors()
 *
 * Gets a row of the model's tensors.
 *
 * Returns: (transfer none): the row
 */
const HrTensor *
hr_model_get_tensor (HrModel *self,
                     guint    index)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);
  g_return_val_if_fail (index < self->parts.tensors->len, NULL);

  return g_ptr_array_index (self->parts.tensors, index);
}

/**
 * hr_model_get_n_tensors: (skip)
 * @self: a model
 *
 * Gets the number of rows; each stands for one tensor, or for one of each layer of a class.
 *
 * Returns: the number of rows
 */
guint
hr_model_get_n_tensors (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), 0);

  return self->parts.tensors->len;
}

/**
 * hr_model_get_stack: (skip)
 * @self: a model
 * @index: which stack, below hr_model_get_n_stacks()
 *
 * Gets a stack of layers.
 *
 * Returns: (transfer none): the stack
 */
const HrStack *
hr_model_get_stack (HrModel *self,
                    guint    index)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);
  g_return_val_if_fail (index < self->parts.stacks->len, NULL);

  return g_ptr_array_index (self->parts.stacks, index);
}

/**
 * hr_model_find_stack: (skip)
 * @self: a model
 * @role: what the stack is for
 *
 * Finds the stack of a role.
 *
 * Returns: (transfer none) (nullable): the stack, or %NULL if the model has none
 */
const HrStack *
hr_model_find_stack (HrModel     *self,
                     HrStackRole  role)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  for (guint i = 0; i < self->parts.stacks->len; i++)
    {
      const HrStack *stack = g_ptr_array_index (self->parts.stacks, i);

      if (stack->role == role)
        return stack;
    }

  return NULL;
}

/**
 * hr_model_get_n_stacks: (skip)
 * @self: a model
 *
 * Gets the number of stacks; one for a decoder.
 *
 * Returns: the number of stacks
 */
guint
hr_model_get_n_stacks (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), 0);

  return self->parts.stacks->len;
}

/**
 * hr_model_get_head: (skip)
 * @self: a model
 *
 * Gets what follows the last stack: the language-model head.
 *
 * Returns: (transfer none): the chain of blocks
 */
const HrChain *
hr_model_get_head (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return &self->parts.head;
}

/**
 * hr_model_get_buffer_bytes:
 * @self: a model
 *
 * Gets what the model's buffers take on the device, such as the frequencies of rotary positions, each rounded up as
 * torch's allocator does.
 *
 * Returns: the size in bytes
 */
guint64
hr_model_get_buffer_bytes (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), 0);

  return self->parts.buffer_bytes;
}

/**
 * hr_model_get_loaded_buffer_bytes: (skip)
 * @self: a model
 * @dtype: what the model is loaded in
 *
 * Gets what the model's buffers take on the device, those included that are loaded in its data type.
 *
 * Returns: the size in bytes
 */
guint64
hr_model_get_loaded_buffer_bytes (HrModel *self,
                                  HrDtype  dtype)
{
  guint64 bytes;

  g_return_val_if_fail (HR_IS_MODEL (self), 0);

  bytes = self->parts.buffer_bytes;
  for (guint i = 0; self->parts.cast_buffers != NULL && i < self->parts.cast_buffers->len; i++)
    bytes += round_up (hr_dtype_get_bytes (dtype, g_array_index (self->parts.cast_buffers, guint64, i)));

  return bytes;
}

/**
 * hr_model_get_stored_bytes:
 * @self: a model
 *
 * Gets what the tensors of the files take that the model was read from.
 *
 * Returns: the size in bytes; 0 if no weights were read
 */
guint64
hr_model_get_stored_bytes (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), 0);

  return self->stored_bytes;
}

/**
 * hr_model_get_stored: (skip)
 * @self: a model
 * @index: which row, below hr_model_get_n_tensors()
 * @copy: which tensor of the row, below hr_tensor_get_copies()
 * @type: (out) (optional): what its elements are stored as: the name of a dtype, or else what the file calls it, such
 *   as `Q4_K`
 * @n_bytes: (out) (optional): what it takes in the files, with the scales and tables of a quantized one
 * @allocated_bytes: (out) (optional): the same, with each of those rounded up as torch's allocator does
 *
 * Gets how a tensor is stored.
 *
 * Returns: whether it is stored in weights that were read
 */
gboolean
hr_model_get_stored (HrModel     *self,
                     guint        index,
                     guint        copy,
                     const char **type,
                     guint64     *n_bytes,
                     guint64     *allocated_bytes)
{
  const HrStoredWeight *weight;

  g_return_val_if_fail (HR_IS_MODEL (self), FALSE);
  g_return_val_if_fail (index < self->parts.tensors->len, FALSE);
  g_return_val_if_fail (copy < hr_tensor_get_copies (hr_model_get_tensor (self, index)), FALSE);

  weight = self->stored != NULL ? hr_stored_weights_get (self->stored, index, copy) : NULL;
  if (weight == NULL || weight->type == NULL)
    return FALSE;

  if (type != NULL)
    *type = weight->type;
  if (n_bytes != NULL)
    *n_bytes = weight->n_bytes;
  if (allocated_bytes != NULL)
    *allocated_bytes = weight->allocated_bytes;

  return TRUE;
}

/**
 * hr_model_is_counted_only:
 * @self: a model
 *
 * Checks whether only the model's tensors and its cache are known, and not what it makes while it runs.
 *
 * Returns: whether it is counted, and not estimated
 */
gboolean
hr_model_is_counted_only (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), FALSE);

  return self->parts.counted_only;
}

/*
 * _hr_model_get_engines:
 * @self: a model that is counted only
 *
 * Gets the engines of which is known all the same what they do with the model.
 *
 * Returns: (transfer none) (nullable): their names, or %NULL if there are none
 */
const char * const *
_hr_model_get_engines (HrModel *self)
{
  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  return (const char * const *) self->parts.served_by;
}

/**
 * hr_model_check_can_be_estimated:
 * @self: a model
 * @error: return location for an error
 *
 * Checks whether more than its tensors is known of a model.
 *
 * Returns: whether it is; otherwise @error is %HR_ERROR_UNSUPPORTED, and says what is missing
 */
gboolean
hr_model_check_can_be_estimated (HrModel  *self,
                                 GError  **error)
{
  g_return_val_if_fail (HR_IS_MODEL (self), FALSE);

  if (self->obstacle == NULL)
    return TRUE;

  g_set_error_literal (error, HR_ERROR, HR_ERROR_UNSUPPORTED, self->obstacle);

  return FALSE;
}

/* Whether the class gives a sequence a number. */
static gboolean
is_scorer (HrModel *self)
{
  const HrBlock *blocks = self->parts.head.blocks;

  for (guint i = 0; i < self->parts.head.n_blocks; i++)
    {
      if (blocks[i].kind == HR_BLOCK_HEAD && blocks[i].head.vocab_size == 1 && blocks[i].head.every_token)
        return TRUE;
    }

  return FALSE;
}

/* `AutoModelForSequenceClassification.from_pretrained (…, num_labels=1)` of a model that writes text. */
static HrModel *
build_scorer (HrModel  *self,
              GError  **error)
{
  static const char * const keys[] = { "architectures", "num_labels", "id2label", NULL };
  static const char * const suffixes[] = { "ForCausalLM", "LMHeadModel" };
  g_autofree char *classes = NULL;
  g_autofree char *text = NULL;
  const char *texts[] = { NULL, "1", "{ \"0\": \"LABEL_0\" }", NULL };

  for (guint i = 0; self->class_name != NULL && classes == NULL && i < G_N_ELEMENTS (suffixes); i++)
    {
      if (g_str_has_suffix (self->class_name, suffixes[i]))
        classes = g_strdup_printf ("[\"%.*sForSequenceClassification\"]",
                                   (int) (strlen (self->class_name) - strlen (suffixes[i])), self->class_name);
    }
  if (classes == NULL || self->config == NULL)
    return NULL;

  texts[0] = classes;
  text = hr_json_dup_text_with (self->config, keys, texts);

  return hr_model_new_from_data (text, -1, self->source, error);
}

/**
 * hr_model_get_scorer:
 * @self: a model
 * @error: return location for an error
 *
 * Gets the class of the same model that gives each sequence a number, as a model of rewards or of values does: with a
 * head of one row in place of that over the vocabulary. It is built when somebody first asks for it; of a model that is
 * such a class it is the model itself.
 *
 * Returns: (transfer none): the model, or %NULL with @error set
 */
HrModel *
hr_model_get_scorer (HrModel  *self,
                     GError  **error)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (HR_IS_MODEL (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (is_scorer (self))
    return self;

  locker = g_mutex_locker_new (&self->scorer_lock);
  if (self->scorer == NULL)
    {
      g_autoptr (HrModel) scorer = build_scorer (self, error);

      if (scorer == NULL || !is_scorer (scorer))
        {
          if (error == NULL || *error == NULL)
            g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                         /* Translators: the places are the names of a model and of a class, such as BertModel. */
                         _("“%s”: expected a class that writes text, or one that gives a sequence a number "
                           "(…ForSequenceClassification with one label); found %s"),
                         self->name, self->class_name != NULL ? self->class_name : self->model_type);
          return NULL;
        }
      g_free (scorer->name);
      scorer->name = g_strdup (self->name);
      self->scorer = g_steal_pointer (&scorer);
    }

  return self->scorer;
}
