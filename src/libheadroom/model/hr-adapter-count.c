/* SPDX-License-Identifier: LGPL-3.0-or-later */

/*
 * What PEFT trains for a LoRA, parameter by parameter. Modules are those of the classes whose tensors' names the
 * published files have: experts with matrices of their own are linear modules.
 */

#include "config.h"

#include "hr-adapter-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-message.h"
#include "hr-model-private.h"

typedef struct
{
  HrAdapter *adapter;
  HrModel *model;
  HrModuleSet targets;
  const char * const *expert_names;   /* of modules that are targets as parameters; NULL if there are none */
  gboolean is_part_given[HR_N_EXPERT_PARTS];
  gboolean has_linear_router;
  gboolean has_linear_experts;
  const HrAdapterRules *rules;
  GHashTable *adapted;   /* the names of the modules that have a LoRA */
  HrAdapterVisitor visitor;
  gpointer user_data;
  guint64 n_parameters;
  guint n_modules;
} Count;

/* A name is that of the module, or the end of it from a dot on. */
static gboolean
ends_with_name (const char *module,
                const char *name)
{
  gsize length = strlen (module);
  gsize name_length = strlen (name);

  return name_length > 0 && g_str_has_suffix (module, name) &&
         (length == name_length || module[length - name_length - 1] == '.');
}

static gboolean
is_listed (const HrModuleSet *set,
           const char        *module)
{
  if (set->regex != NULL)
    return g_regex_match (set->regex, module, 0, NULL);

  for (guint i = 0; set->names != NULL && set->names[i] != NULL; i++)
    {
      if (ends_with_name (module, set->names[i]))
        return TRUE;
    }

  return FALSE;
}

/* Limits what a list of names matches; the whole name of a module is not limited. */
static gboolean
is_in_layers (const Count *self,
              const char  *module)
{
  HrAdapter *adapter = self->adapter;

  if (adapter->layers == NULL || self->targets.names == NULL ||
      g_strv_contains ((const char * const *) self->targets.names, module))
    return TRUE;

  for (guint i = 0; i < adapter->layer_regexes->len; i++)
    {
      g_autoptr (GMatchInfo) match = NULL;
      g_autofree char *number = NULL;
      guint64 layer;

      if (!g_regex_match (g_ptr_array_index (adapter->layer_regexes, i), module, 0, &match))
        continue;
      number = g_match_info_fetch (match, 1);
      layer = g_ascii_strtoull (number, NULL, 10);
      for (guint j = 0; j < adapter->layers->len; j++)
        {
          if (g_array_index (adapter->layers, guint64, j) == layer)
            return TRUE;
        }
      return FALSE;
    }

  return FALSE;
}

/* Whether the module is one of those that are saved whole, or lies in one: no LoRA is put there. */
static gboolean
is_in_saved (HrAdapter  *adapter,
             const char *module)
{
  for (guint i = 0; adapter->saved.names != NULL && adapter->saved.names[i] != NULL; i++)
    {
      g_autofree char *name = g_strconcat (".", adapter->saved.names[i], ".", NULL);
      g_autofree char *path = g_strconcat (".", module, ".", NULL);

      if (strstr (path, name) != NULL)
        return TRUE;
    }

  return FALSE;
}

static gboolean
is_linear (const Count    *self,
           const HrTensor *tensor)
{
  if (tensor->role == HR_TENSOR_ROLE_ROUTER)
    return self->has_linear_router;

  if (tensor->role == HR_TENSOR_ROLE_EXPERT)
    return self->has_linear_experts && tensor->n_items > 0;

  return tensor->role == HR_TENSOR_ROLE_LINEAR;
}

static const char *
find_refused_name (const Count *self,
                   const char  *module)
{
  for (guint i = 0; self->rules->refused != NULL && self->rules->refused[i] != NULL; i++)
    {
      if (ends_with_name (module, self->rules->refused[i]))
        return self->rules->refused[i];
    }

  return NULL;
}

/* What gets no adapter where nobody has said which modules get one. */
static gboolean
is_left (const Count    *self,
         const HrTensor *tensor,
         const char     *module)
{
  return self->adapter->leaves_others &&
         (tensor->role == HR_TENSOR_ROLE_ROUTER || tensor->role == HR_TENSOR_ROLE_EXPERT ||
          find_refused_name (self, module) != NULL);
}

static gboolean
is_target (const Count    *self,
           const HrTensor *tensor,
           const char     *module)
{
  gboolean is_matrix = is_linear (self, tensor);

  if (tensor->n_dimensions != 2 || is_listed (&self->adapter->excluded, module) || is_in_saved (self->adapter, module))
    return FALSE;
  if (self->expert_names != NULL && _hr_adapter_find_expert_part (self->expert_names, module) >= 0)
    return FALSE;
  if (self->targets.all_linear)
    return is_matrix && !is_left (self, tensor, module);

  return (is_matrix || tensor->role == HR_TENSOR_ROLE_EMBEDDING || tensor->role == HR_TENSOR_ROLE_OUTPUT) &&
         is_listed (&self->targets, module) && is_in_layers (self, module);
}

static guint64
get_rank_of (HrAdapter  *adapter,
             const char *module)
{
  for (guint i = 0; i < adapter->rank_patterns->len; i++)
    {
      const HrRankPattern *pattern = g_ptr_array_index (adapter->rank_patterns, i);

      if (g_regex_match (pattern->regex, module, 0, NULL))
        return pattern->rank;
    }

  return adapter->rank;
}

/* Whether the name of the module of a tensor, or of one that it is in, ends with a name. */
static gboolean
is_in_module (const char *tensor,
              const char *name)
{
  g_autofree char *module = g_strdup (tensor);
  char *dot;

  while ((dot = strrchr (module, '.')) != NULL)
    {
      *dot = '\0';
      if (g_str_has_suffix (module, name))
        return TRUE;
    }

  return FALSE;
}

/* Whether a tensor is of a module that is copied whole. */
static gboolean
is_saved (HrAdapter  *adapter,
          const char *name)
{
  for (guint i = 0; adapter->saved.names != NULL && adapter->saved.names[i] != NULL; i++)
    {
      if (is_in_module (name, adapter->saved.names[i]))
        return TRUE;
    }

  return FALSE;
}

static char *
dup_module (const char *name)
{
  const char *dot = strrchr (name, '.');

  return dot != NULL ? g_strndup (name, dot - name) : g_strdup ("");
}

/* How many outputs a matrix has; an embedding has its vectors as rows. */
static guint64
get_outputs (const HrTensor *tensor)
{
  return tensor->is_transposed || tensor->role == HR_TENSOR_ROLE_EMBEDDING ? tensor->shape[1] : tensor->shape[0];
}

static void
visit (Count               *self,
       HrAdapterTargetKind  kind,
       const HrTensor      *tensor,
       guint                copy,
       guint                n_copies,
       guint64              rank,
       guint64              outputs)
{
  HrAdapterTarget target = { .kind = kind, .tensor = tensor, .copy = copy, .n_copies = n_copies, .rank = rank };

  if (self->visitor == NULL)
    return;

  if (kind == HR_ADAPTER_TARGET_FACTORS)
    {
      target.out_features = outputs;
      target.in_features = tensor->n_elements / outputs;
    }
  self->visitor (&target, self->user_data);
}

/* The two factors of a matrix; DoRA's length of each output's row; a bias. */
static void
count_factors (Count          *self,
               const HrTensor *tensor,
               guint           first,
               guint           n_copies,
               const char     *module)
{
  HrAdapter *adapter = self->adapter;
  guint64 outputs = get_outputs (tensor);
  guint64 rank = get_rank_of (adapter, module);

  self->n_parameters += n_copies * rank * (tensor->shape[0] + tensor->shape[1]);
  visit (self, HR_ADAPTER_TARGET_FACTORS, tensor, first, n_copies, rank, outputs);
  if (adapter->use_dora)
    self->n_parameters += n_copies * outputs;
  if (adapter->lora_bias)
    self->n_parameters += n_copies * outputs;
  self->n_modules += n_copies;
  if (!g_hash_table_contains (self->adapted, module))
    g_hash_table_add (self->adapted, g_strdup (module));
}

/* Says that a parameter with a matrix for each of @n_experts is a target. */
static void
visit_parameter (Count          *self,
                 const HrTensor *tensor,
                 guint           copy,
                 guint64         rank,
                 guint64         n_experts,
                 guint64         in_features,
                 guint64         out_features)
{
  HrAdapterTarget target = {
    .kind = HR_ADAPTER_TARGET_PARAMETER, .tensor = tensor, .copy = copy, .n_copies = 1, .rank = rank,
    .in_features = in_features, .out_features = out_features, .n_experts = n_experts,
  };

  self->n_parameters += rank * n_experts * (target.in_features + out_features);
  self->n_modules += 1;
  self->visitor (&target, self->user_data);
}

/* Experts that the files hold joined as well, each matrix as [out, in]. */
static void
count_joined (Count          *self,
              const HrTensor *tensor,
              guint           copy)
{
  guint64 rank = self->adapter->rank;

  if (tensor->module == HR_MODULE_EXPERT_GATE_UP && self->is_part_given[HR_EXPERT_PART_GATE])
    visit_parameter (self, tensor, copy, 2 * rank, tensor->shape[0], tensor->shape[2], tensor->shape[1]);
  else if (tensor->module == HR_MODULE_EXPERT_DOWN && self->is_part_given[HR_EXPERT_PART_DOWN])
    visit_parameter (self, tensor, copy, rank, tensor->shape[0], tensor->shape[2], tensor->shape[1]);
}

/*
 * What names of the published files' modules stand for in the class of transformers 5: the matrix of the router, gates
 * and inputs of all experts in one parameter, with twice the rank, and their outputs (_convert_peft_config_moe in
 * peft/utils/transformers_weight_conversion.py).
 */
static void
count_converted (Count          *self,
                 const HrTensor *tensor,
                 guint           copy,
                 const char     *module)
{
  int part = _hr_adapter_find_expert_part (self->expert_names, module);
  gboolean is_expert = tensor->role == HR_TENSOR_ROLE_EXPERT && tensor->n_items > 0;
  guint64 rank = self->adapter->rank;

  if (tensor->role == HR_TENSOR_ROLE_EXPERT && tensor->n_items == 0 && tensor->n_dimensions == 3)
    {
      count_joined (self, tensor, copy);
      return;
    }

  if (part < 0 || !self->is_part_given[part] || (!is_expert && tensor->role != HR_TENSOR_ROLE_ROUTER))
    return;

  if (part == HR_EXPERT_PART_ROUTER)
    visit_parameter (self, tensor, copy, rank, 1, tensor->shape[1], tensor->shape[0]);
  else if (part == HR_EXPERT_PART_GATE && copy % tensor->n_items == 0)
    visit_parameter (self, tensor, copy / tensor->n_items, 2 * rank, tensor->n_items, tensor->shape[1],
                     2 * tensor->shape[0]);
  else if (part == HR_EXPERT_PART_DOWN && copy % tensor->n_items == 0)
    visit_parameter (self, tensor, copy / tensor->n_items, rank, tensor->n_items, tensor->shape[1], tensor->shape[0]);
}

/* A parameter that is a target itself has two factors, for each expert in it. */
static void
count_parameter (Count          *self,
                 const HrTensor *tensor,
                 const char     *name,
                 guint64         n_experts,
                 guint64         size)
{
  if (!is_listed (&self->adapter->parameters, name))
    return;

  visit (self, HR_ADAPTER_TARGET_PARAMETER, tensor, 0, 1, get_rank_of (self->adapter, name), 0);

  self->n_parameters += get_rank_of (self->adapter, name) * n_experts * size;
  self->n_modules += 1;
}

/*
 * The matrices of a layer's experts as transformers 5 joins them, by which names parameters are targets: those of the
 * gates and of the inputs in one, those of the outputs in another (transformers/conversion_mapping.py).
 */
static void
count_joined_experts (Count          *self,
                      const HrTensor *tensor,
                      const char     *name)
{
  const char *experts = strstr (name, ".experts.0.");
  g_auto (GStrv) words = NULL;
  g_autofree char *owner = NULL;
  g_autofree char *joined = NULL;
  const char *last;
  gboolean is_gate;

  if (experts == NULL)
    return;

  owner = g_strndup (name, experts - name);
  if (g_str_has_suffix (owner, ".block_sparse_moe"))
    memcpy (strrchr (owner, '.'), ".mlp", 5);
  words = g_strsplit (experts + strlen (".experts.0."), ".", 2);
  last = words[0];
  is_gate = g_str_equal (last, "gate_proj") || g_str_equal (last, "w1");
  if (!is_gate && !g_str_equal (last, "down_proj") && !g_str_equal (last, "w2"))
    return;

  joined = g_strconcat (owner, ".experts.", is_gate ? "gate_up_proj" : "down_proj", NULL);
  count_parameter (self, tensor, joined, tensor->n_items,
                   is_gate ? 2 * tensor->shape[0] + tensor->shape[1] : tensor->shape[0] + tensor->shape[1]);
}

static void
count_as_parameter (Count          *self,
                    const HrTensor *tensor,
                    const char     *name)
{
  if (self->adapter->parameters.names == NULL)
    return;

  if (tensor->role == HR_TENSOR_ROLE_EXPERT && tensor->n_items > 0)
    count_joined_experts (self, tensor, name);
  else if (tensor->n_dimensions == 3)
    count_parameter (self, tensor, name, tensor->shape[0], tensor->shape[1] + tensor->shape[2]);
  else if (tensor->n_dimensions == 2)
    count_parameter (self, tensor, name, 1, tensor->shape[0] + tensor->shape[1]);
}

static void
count_whole (Count          *self,
             const HrTensor *tensor,
             guint           copy)
{
  self->n_parameters += tensor->n_elements;
  visit (self, HR_ADAPTER_TARGET_WHOLE, tensor, copy, 1, 0, 0);
}

/* Some of the copies of a tensor, which are treated alike. */
static void
count_copies (Count          *self,
              const HrTensor *tensor,
              guint           first,
              guint           n_copies,
              const char     *name)
{
  HrAdapter *adapter = self->adapter;
  g_autofree char *module = dup_module (name);
  gboolean is_bias = g_str_has_suffix (name, ".bias");
  gboolean is_whole = is_saved (adapter, name) ||
                      (is_bias && (g_str_equal (adapter->bias, "all") ||
                                   (g_str_equal (adapter->bias, "lora_only") &&
                                    g_hash_table_contains (self->adapted, module))));
  gboolean has_factors = !is_whole && !is_bias && is_target (self, tensor, module);

  if (has_factors)
    {
      count_factors (self, tensor, first, n_copies, module);
      return;
    }

  for (guint copy = first; copy < first + n_copies; copy++)
    {
      if (is_whole)
        count_whole (self, tensor, copy);
      else if (self->expert_names != NULL)
        count_converted (self, tensor, copy, module);
      else if (!is_bias)
        count_as_parameter (self, tensor, name);
    }
}

static gboolean
has_digits (const HrModuleSet *set)
{
  for (guint i = 0; set->names != NULL && set->names[i] != NULL; i++)
    {
      if (strpbrk (set->names[i], "0123456789") != NULL)
        return TRUE;
    }

  return FALSE;
}

/* Whether all layers that have a module are treated alike, so that one name with a place for their index will do. */
static gboolean
is_alike_in_all_layers (const Count *self)
{
  HrAdapter *adapter = self->adapter;

  return adapter->rank_patterns->len == 0 && adapter->layers == NULL && !adapter->parameters.is_given &&
         self->targets.regex == NULL && adapter->excluded.regex == NULL && !has_digits (&self->targets) &&
         !has_digits (&adapter->excluded) && !has_digits (&adapter->saved);
}

static const HrTensor *
find_embedding (HrModel    *model,
                const char *module)
{
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      g_autofree char *name = dup_module (tensor->pattern);

      if (tensor->role == HR_TENSOR_ROLE_EMBEDDING && (module == NULL || ends_with_name (name, module)))
        return tensor;
    }

  return NULL;
}

/* Rows of an embedding; a matrix that shares its storage is another module with the same rows. */
static void
count_rows (Count      *self,
            const char *module,
            guint64     n_rows)
{
  const HrTensor *embedding = find_embedding (self->model, module);

  if (embedding == NULL || n_rows == 0)
    return;

  self->n_parameters += n_rows * embedding->shape[1];
  visit (self, HR_ADAPTER_TARGET_ROWS, embedding, 0, 1, n_rows, 0);
  self->n_modules += 1;
  for (guint i = 0; i < hr_model_get_n_tensors (self->model); i++)
    {
      if (g_strcmp0 (hr_model_get_tensor (self->model, i)->tied_to, embedding->pattern) == 0)
        self->n_modules += 1;
    }
}

/* The targets of the config, or those that PEFT takes for the type of model. */
static void
resolve_targets (Count *self)
{
  self->targets = self->adapter->targets;
  if (!self->targets.is_given && !self->adapter->parameters.is_given && self->rules->lora != NULL)
    self->targets = (HrModuleSet) { .is_given = TRUE, .names = self->rules->lora };
}

/* Which parts of the experts the targets name. */
static void
find_expert_parts (Count *self)
{
  for (guint i = 0; i < HR_N_EXPERT_PARTS; i++)
    self->is_part_given[i] = self->targets.all_linear && !self->adapter->leaves_others;
  for (guint i = 0; self->targets.names != NULL && self->targets.names[i] != NULL; i++)
    {
      int part = _hr_adapter_find_expert_part (self->expert_names, self->targets.names[i]);

      if (part >= 0)
        self->is_part_given[part] = TRUE;
    }
}

static void
count_model (Count *self)
{
  gboolean is_alike = is_alike_in_all_layers (self);

  for (guint i = 0; i < hr_model_get_n_tensors (self->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (self->model, i);

      guint n_copies = hr_tensor_get_copies (tensor);

      if (is_alike)
        {
          count_copies (self, tensor, 0, n_copies, tensor->pattern);
          continue;
        }

      for (guint copy = 0; copy < n_copies; copy++)
        {
          g_autofree char *name = hr_tensor_get_name (tensor, copy);

          count_copies (self, tensor, copy, 1, name);
        }
    }
}

/* A target that PEFT refuses to adapt, or nothing. */
static const char *
find_refused (const Count *self)
{
  GHashTableIter iter;
  gpointer module;

  g_hash_table_iter_init (&iter, self->adapted);
  while (g_hash_table_iter_next (&iter, &module, NULL))
    {
      const char *refused = find_refused_name (self, module);

      if (refused != NULL)
        return refused;
    }

  return NULL;
}

/* The targets as they were given. */
static char *
describe_targets (const Count *self)
{
  const HrModuleSet *targets = &self->targets;

  if (targets->all_linear)
    return g_strdup ("all-linear");
  if (targets->regex != NULL)
    return g_strdup (g_regex_get_pattern (targets->regex));

  return targets->names != NULL ? g_strjoinv (", ", targets->names) : g_strdup ("null");
}

/* The names of the model's linear modules, each once. */
static char *
describe_modules (const Count *self)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_null_terminated (0, g_free, TRUE);

  for (guint i = 0; i < hr_model_get_n_tensors (self->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (self->model, i);
      g_autofree char *module = dup_module (tensor->pattern);
      const char *dot = strrchr (module, '.');
      const char *name = dot != NULL ? dot + 1 : module;

      if (tensor->n_dimensions == 2 && is_linear (self, tensor) &&
          !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
        g_ptr_array_add (names, g_strdup (name));
    }

  return names->len > 0 ? g_strjoinv (", ", (char **) names->pdata) : g_strdup (_("none"));
}

/* Puts the place before a message, where the adapter is a file. */
static gboolean
fail (const Count *self,
      const char  *setting,
      GError     **error,
      const char  *message)
{
  if (self->adapter->origin != NULL)
    /* Translators: a file's name, a setting of it, then what is wrong with it. */
    g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED, _("“%s”, %s: %s"), self->adapter->origin, setting, message);
  else
    g_set_error_literal (error, HR_ERROR, HR_ERROR_UNSUPPORTED, message);

  return FALSE;
}

static gboolean
check_targets (const Count  *self,
               GError      **error)
{
  const char *refused = find_refused (self);
  g_autofree char *message = NULL;

  if (refused != NULL)
    {
      /* Translators: the first place is the name of a model, the second that of a module in it. */
      message = g_strdup_printf (_("expected modules that PEFT can adapt in “%s”; found %s, whose matrix is read by a "
                                   "kernel of its layer"),
                                 hr_model_get_name (self->model), refused);
    }
  else if (self->n_modules == 0)
    {
      g_autofree char *targets = describe_targets (self);
      g_autofree char *modules = describe_modules (self);

      hr_message_make_line (targets);
      /* Translators: the name of a model, a list of its modules, and what a setting names instead. */
      message = g_strdup_printf (_("expected names of modules in “%s”, whose linear ones are %s; found %s"),
                                 hr_model_get_name (self->model), modules, targets);
    }

  return message == NULL || fail (self, "target_modules", error, message);
}

/* Gates and inputs are in one parameter, and cannot be adapted apart. */
static gboolean
check_experts (Count   *self,
               GError **error)
{
  const char *gate = self->expert_names[HR_EXPERT_PART_GATE];
  const char *up = self->expert_names[HR_EXPERT_PART_UP];
  gboolean has_gate, has_up;
  g_autofree char *message = NULL;

  find_expert_parts (self);
  has_gate = self->is_part_given[HR_EXPERT_PART_GATE];
  has_up = self->is_part_given[HR_EXPERT_PART_UP];
  if (has_gate == has_up)
    return TRUE;

  /* Translators: the places are the names of two modules, then that of one of them. */
  message = g_strdup_printf (_("expected both or none of %s and %s, which the class of transformers 5 has in one "
                               "parameter; found %s"), gate, up, has_gate ? gate : up);

  return fail (self, "target_modules", error, message);
}

static gboolean
run (Count   *self,
     GError **error)
{
  HrAdapter *adapter = self->adapter;
  const char *uncounted = adapter->rank == 0 ? "peft_type" : adapter->uncounted;

  if (uncounted != NULL)
    return fail (self, uncounted, error, _("the parameters of such an adapter cannot be counted"));

  resolve_targets (self);
  if (self->expert_names != NULL && !check_experts (self, error))
    return FALSE;
  count_model (self);
  if (!check_targets (self, error))
    return FALSE;

  count_rows (self, NULL, adapter->n_tokens);
  for (guint i = 0; i < adapter->token_rows->len; i++)
    {
      const HrTokenRows *rows = g_ptr_array_index (adapter->token_rows, i);

      count_rows (self, rows->module, rows->n_rows);
    }

  return TRUE;
}

/* Goes through all that an adapter trains, and counts it. */
static gboolean
go_through (Count      *count,
            HrAdapter  *self,
            HrModel    *model,
            GError    **error)
{
  const HrAdapterRules *rules = _hr_model_get_adapter_rules (model);
  gboolean is_joined = count->visitor != NULL && rules->joins_experts &&
                       (rules->keeps_targets || !self->is_converted);
  gboolean success;

  count->adapter = self;
  count->model = model;
  count->rules = rules;
  count->expert_names = count->visitor != NULL && self->is_converted ? _hr_adapter_get_expert_names (model) : NULL;
  count->has_linear_experts = !is_joined && count->expert_names == NULL;
  count->has_linear_router = !is_joined && !rules->own_router;
  count->adapted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  success = run (count, error);
  g_hash_table_unref (count->adapted);

  return success;
}

/*
 * hr_adapter_count_parameters:
 * @self: an adapter
 * @model: the model that it belongs to
 * @n_parameters: (out): how many parameters the adapter trains, as PEFT's print_trainable_parameters() counts them
 * @n_modules: (out): how many modules have a LoRA, or rows that are trained
 * @error: return location for an error
 *
 * Counts the parameters of a LoRA: r · (in + out) for each target (Hu et al., arXiv:2106.09685, 4.1; the choice of the
 * targets follows peft/tuners/tuners_utils.py, check_target_module_exists), and the modules that are trained whole.
 *
 * Returns: whether they can be counted; otherwise @error is %HR_ERROR_UNSUPPORTED
 */
gboolean
hr_adapter_count_parameters (HrAdapter  *self,
                             HrModel    *model,
                             guint64    *n_parameters,
                             guint      *n_modules,
                             GError    **error)
{
  Count count = { 0 };

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (HR_IS_MODEL (model), FALSE);

  if (!go_through (&count, self, model, error))
    return FALSE;

  *n_parameters = count.n_parameters;
  *n_modules = count.n_modules;

  return TRUE;
}

/*
 * hr_adapter_visit_targets:
 * @self: an adapter
 * @model: the model that it belongs to
 * @visitor: (scope call): what to call for each tensor that it is for
 * @user_data: what @visitor gets
 * @error: return location for an error
 *
 * Goes through the tensors that an adapter is for, as hr_adapter_count_parameters() counts them: row by row of the
 * model, and of each row in the order of its tensors. The experts of a layer are joined as in the classes of
 * transformers 5, where those that hr_adapter_count_parameters() counts are apart: a copy of a row of theirs is that of
 * a layer.
 *
 * Returns: whether they are known; otherwise @error is %HR_ERROR_UNSUPPORTED
 */
gboolean
hr_adapter_visit_targets (HrAdapter         *self,
                          HrModel           *model,
                          HrAdapterVisitor   visitor,
                          gpointer           user_data,
                          GError           **error)
{
  Count count = { .visitor = visitor, .user_data = user_data };

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (HR_IS_MODEL (model), FALSE);
  g_return_val_if_fail (visitor != NULL, FALSE);

  return go_through (&count, self, model, error);
}

/*
 * hr_adapter_find_missing:
 * @self: an adapter
 * @model: the model that it belongs to
 *
 * Looks for a module that is to be trained whole and that the model has not.
 *
 * Returns: (transfer none) (nullable): its name, or %NULL if all are there
 */
const char *
hr_adapter_find_missing (HrAdapter *self,
                         HrModel   *model)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (HR_IS_MODEL (model), NULL);

  for (guint i = 0; self->saved.names != NULL && self->saved.names[i] != NULL; i++)
    {
      gboolean is_there = FALSE;

      for (guint j = 0; !is_there && j < hr_model_get_n_tensors (model); j++)
        is_there = is_in_module (hr_model_get_tensor (model, j)->pattern, self->saved.names[i]);
      if (!is_there)
        return self->saved.names[i];
    }

  return NULL;
}
