/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-model-builder.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-block-factory.h"
#include "hr-inclusion.h"

/* torch's allocator rounds each tensor up to this. */
#define ALLOCATION_BYTES 512

static const char * const known_stack_members[] = {
  "id", "role", "if", "path", "embeddings", "embeds", "tower", "keeps-outputs",
  "never-recomputed", "hooks-embeddings", "projector", "feature-layer",
  "drops-class", "keeps-pixels", "frames", "joins", "heard", "masks-both", "block-mask", "layers", "final", NULL,
};
static const char * const known_layers_members[] = {
  "count", "repeats", "path", "skipped", "keeps-layers", "keeps-past", "mask-window", "hands-on", "sublayers",
  NULL,
};
static const char * const known_sublayer_members[] = {
  "if", "skipped", "shared", "branches", "after", "residual", "residual-fp32", "residual-scaled", "norms-first",
  "keeps-input", "keeps-output", "keeps-norm", "keeps-sum", "keeps-branch", "joins-embeddings", "routes-input",
  "scaled-in-place", NULL,
};
static const char * const known_buffer_members[] = { "if", "name", "shape", "count", "dtype", NULL };

/* A member that may be absent: then @value stays as it is. */
static gboolean
get_boolean (HrScope     *scope,
             HrJson      *description,
             const char  *key,
             gboolean    *value,
             GError     **error)
{
  HrJson *expression = hr_json_get_member (description, key);

  return expression == NULL || hr_scope_evaluate_boolean (scope, expression, value, error);
}

/* Whether something with a condition is there; without one it is. */
static gboolean
check_condition (HrScope   *scope,
                 HrJson    *description,
                 gboolean  *holds,
                 GError   **error)
{
  *holds = TRUE;

  return get_boolean (scope, description, "if", holds, error);
}

/* How often a block is there: "items" of it, or once. */
static gboolean
count_items (HrScope  *scope,
             HrJson   *description,
             guint64  *n_items,
             GError  **error)
{
  HrJson *expression = hr_json_get_member (description, "items");

  *n_items = 1;
  if (expression == NULL)
    return TRUE;
  if (!hr_scope_evaluate_size (scope, expression, n_items, error))
    return FALSE;
  if (*n_items <= G_MAXUINT16)
    return TRUE;

  hr_scope_set_error (scope, error, HR_ERROR_TOO_LARGE, _("the number of items: expected at most %u"), G_MAXUINT16);

  return FALSE;
}

static gboolean
build_items (const HrBlockContext *context,
             HrJson               *description,
             guint64               n_items,
             HrChain              *chain,
             GError              **error)
{
  gboolean is_list = hr_json_get_member (description, "items") != NULL;

  for (guint64 i = 0; i < n_items; i++)
    {
      gboolean holds, success;

      if (is_list)
        hr_scope_enter_item (context->scope, i);
      success = check_condition (context->scope, description, &holds, error) &&
                (!holds || hr_block_factory_build (context, description, &chain->blocks[chain->n_blocks++], error));
      if (is_list)
        hr_scope_leave_item (context->scope);
      if (!success)
        return FALSE;
    }

  return TRUE;
}

static gboolean
build_chain (const HrBlockContext  *context,
             HrJson                *descriptions,
             HrChain               *chain,
             GError               **error)
{
  guint64 n_blocks = 0;

  if (descriptions == NULL)
    return TRUE;
  if (!hr_json_check_type (descriptions, HR_JSON_ARRAY, error))
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (descriptions); i++)
    {
      guint64 n_items;

      if (!count_items (context->scope, hr_json_get_element (descriptions, i), &n_items, error))
        return FALSE;
      n_blocks += n_items;
    }

  chain->blocks = g_new0 (HrBlock, n_blocks);
  for (guint i = 0; i < hr_json_get_length (descriptions); i++)
    {
      HrJson *description = hr_json_get_element (descriptions, i);
      guint64 n_items;

      if (!count_items (context->scope, description, &n_items, error) ||
          !build_items (context, description, n_items, chain, error))
        return FALSE;
    }

  return TRUE;
}

/* What is read beside the embeddings is added to what a second branch reads, by a linear layer. */
static gboolean
check_joined (const HrBlockContext  *context,
              const HrSublayer      *sublayer,
              GError               **error)
{
  const HrChain *first = &sublayer->branches[0];

  if (!sublayer->joins_embeddings ||
      (sublayer->n_branches == 2 && first->n_blocks > 0 && first->blocks[first->n_blocks - 1].kind == HR_BLOCK_LINEAR))
    return TRUE;

  hr_scope_set_error (context->scope, error, HR_ERROR_SCHEMA,
                      _("joins-embeddings: expected two branches, the first of which ends with a linear layer"));

  return FALSE;
}

/* Both what the router reads and what the experts do has a place of its own. */
static gboolean
check_routed (const HrBlockContext  *context,
              const HrSublayer      *sublayer,
              GError               **error)
{
  const HrChain *second = &sublayer->branches[1];

  if (!sublayer->routes_input ||
      (sublayer->n_branches == 3 && second->n_blocks == 3 && second->blocks[0].kind == HR_BLOCK_NORM &&
       second->blocks[1].kind == HR_BLOCK_MIXTURE && second->blocks[2].kind == HR_BLOCK_NORM))
    return TRUE;

  hr_scope_set_error (context->scope, error, HR_ERROR_SCHEMA,
                      _("routes-input: expected three branches, the second of which is a norm, a mixture and a norm"));

  return FALSE;
}

static gboolean
build_sublayer (const HrBlockContext  *context,
                HrJson                *description,
                HrSublayer            *sublayer,
                GError               **error)
{
  HrJson *branches = hr_json_require_member (description, "branches", error);

  if (branches == NULL || !hr_json_check_type (branches, HR_JSON_ARRAY, error))
    return FALSE;

  sublayer->residual = TRUE;
  if (!get_boolean (context->scope, description, "residual", &sublayer->residual, error) ||
      !get_boolean (context->scope, description, "residual-fp32", &sublayer->residual_fp32, error) ||
      !get_boolean (context->scope, description, "residual-scaled", &sublayer->residual_scaled, error) ||
      !get_boolean (context->scope, description, "norms-first", &sublayer->norms_first, error) ||
      !get_boolean (context->scope, description, "keeps-input", &sublayer->keeps_input, error) ||
      !get_boolean (context->scope, description, "keeps-output", &sublayer->keeps_output, error) ||
      !get_boolean (context->scope, description, "keeps-norm", &sublayer->keeps_norm, error) ||
      !get_boolean (context->scope, description, "keeps-sum", &sublayer->keeps_sum, error) ||
      !get_boolean (context->scope, description, "keeps-branch", &sublayer->keeps_branch, error) ||
      !get_boolean (context->scope, description, "joins-embeddings", &sublayer->joins_embeddings, error) ||
      !get_boolean (context->scope, description, "routes-input", &sublayer->routes_input, error) ||
      !get_boolean (context->scope, description, "scaled-in-place", &sublayer->scaled_in_place, error) ||
      !build_chain (context, hr_json_get_member (description, "shared"), &sublayer->shared, error))
    return FALSE;

  sublayer->branches = g_new0 (HrChain, hr_json_get_length (branches));
  for (guint i = 0; i < hr_json_get_length (branches); i++)
    {
      sublayer->n_branches++;
      if (!build_chain (context, hr_json_get_element (branches, i), &sublayer->branches[i], error))
        return FALSE;
    }

  return check_joined (context, sublayer, error) && check_routed (context, sublayer, error) &&
         build_chain (context, hr_json_get_member (description, "after"), &sublayer->after, error);
}

static gboolean
build_layer_class (const HrBlockContext  *context,
                   HrJson                *descriptions,
                   HrLayerClass          *layer_class,
                   GError               **error)
{
  layer_class->sublayers = g_new0 (HrSublayer, hr_json_get_length (descriptions));
  layer_class->skipped_sublayers = g_new0 (HrSublayer, hr_json_get_length (descriptions));
  layer_class->n_layers = context->n_layers;

  for (guint i = 0; i < hr_json_get_length (descriptions); i++)
    {
      HrJson *description = hr_json_get_element (descriptions, i);
      gboolean skipped = FALSE;
      gboolean holds;

      if (!hr_json_check_members (description, known_sublayer_members, error) ||
          !check_condition (context->scope, description, &holds, error) ||
          !get_boolean (context->scope, description, "skipped", &skipped, error))
        return FALSE;
      if (holds &&
          !build_sublayer (context, description,
                           skipped ? &layer_class->skipped_sublayers[layer_class->n_skipped_sublayers++]
                                   : &layer_class->sublayers[layer_class->n_sublayers++],
                           error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
values_equal (GArray *a,
              GArray *b)
{
  if (a->len != b->len)
    return FALSE;

  for (guint i = 0; i < a->len; i++)
    {
      if (!hr_value_equal (&g_array_index (a, HrValue, i), &g_array_index (b, HrValue, i)))
        return FALSE;
    }

  return TRUE;
}

/* Sorts the layers into classes of those whose values are equal. */
static gboolean
classify_layers (HrScope  *scope,
                 HrStack  *stack,
                 GError  **error)
{
  g_autoptr (GPtrArray) classes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  stack->layer_class_of = g_new0 (guint, stack->n_layers);
  for (guint layer = 0; layer < stack->n_layers; layer++)
    {
      g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (HrValue));
      guint class_index = 0;

      hr_scope_enter_layer (scope, layer);
      if (!hr_scope_get_layer_values (scope, values, error))
        return FALSE;

      while (class_index < classes->len && !values_equal (g_ptr_array_index (classes, class_index), values))
        class_index++;
      if (class_index == classes->len)
        g_ptr_array_add (classes, g_steal_pointer (&values));
      stack->layer_class_of[layer] = class_index;
    }

  stack->n_layer_classes = classes->len;
  stack->layer_classes = g_new0 (HrLayerClass, stack->n_layer_classes);

  return TRUE;
}

/* Each layer is computed @n_repeats times in a row, with the same tensors (ALBERT). */
static gboolean
repeat_layers (HrScope  *scope,
               HrJson   *repeats,
               HrStack  *stack,
               GError  **error)
{
  guint64 n_repeats, n_layers;
  guint *class_of;

  if (repeats == NULL)
    return TRUE;
  if (!hr_scope_evaluate_size (scope, repeats, &n_repeats, error))
    return FALSE;
  if (n_repeats == 0 || !g_uint64_checked_mul (&n_layers, stack->n_layers, n_repeats) || n_layers > G_MAXUINT16)
    {
      hr_scope_set_error (scope, error, HR_ERROR_VALUE, _("the number of layers: expected 1 to %u"), G_MAXUINT16);
      return FALSE;
    }

  class_of = g_new0 (guint, n_layers);
  for (guint i = 0; i < n_layers; i++)
    class_of[i] = stack->layer_class_of[i / n_repeats];
  g_free (stack->layer_class_of);
  stack->layer_class_of = class_of;
  stack->n_layers = n_layers;
  stack->n_repeats = n_repeats;
  for (guint i = 0; i < stack->n_layer_classes; i++)
    stack->layer_classes[i].n_layers *= n_repeats;

  return TRUE;
}

/* Which layers of a tower hand what they make to the decoder as well (deepstack_visual_indexes of Qwen3-VL). */
static gboolean
read_handing_layers (HrScope  *scope,
                     HrJson   *description,
                     HrStack  *stack,
                     GError  **error)
{
  if (hr_json_get_member (description, "hands-on") == NULL)
    return TRUE;

  stack->hands_on = g_new0 (gboolean, MAX (stack->n_layers, 1));
  for (guint i = 0; i < stack->n_layers; i++)
    {
      hr_scope_enter_layer (scope, i);
      if (!get_boolean (scope, description, "hands-on", &stack->hands_on[i], error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
build_layers (HrBlockContext  *context,
              HrJson          *description,
              const char      *stack_path,
              HrStack         *stack,
              GError         **error)
{
  g_autofree char *prefix = NULL;
  g_autofree guint *layers = NULL;
  HrJson *sublayers = NULL;
  HrJson *count, *window;
  const char *path = NULL;
  guint64 n_layers;

  if (!hr_json_check_members (description, known_layers_members, error) ||
      !hr_json_get_array (description, "sublayers", &sublayers, error) ||
      !hr_json_get_string (description, "path", &path, error))
    return FALSE;

  window = hr_json_get_member (description, "mask-window");
  if (!get_boolean (context->scope, description, "keeps-layers", &stack->keeps_layers, error) ||
      !get_boolean (context->scope, description, "keeps-past", &stack->keeps_past, error) ||
      (window != NULL && !hr_scope_evaluate_size (context->scope, window, &stack->mask_window, error)))
    return FALSE;

  count = hr_json_require_member (description, "count", error);
  if (count == NULL || hr_json_require_member (description, "sublayers", error) == NULL ||
      hr_json_require_member (description, "path", error) == NULL ||
      !hr_scope_evaluate_size (context->scope, count, &n_layers, error))
    return FALSE;

  if (n_layers > G_MAXUINT16)
    {
      hr_scope_set_error (context->scope, error, HR_ERROR_TOO_LARGE, _("the number of layers: expected at most %u"),
                          G_MAXUINT16);
      return FALSE;
    }

  stack->n_layers = n_layers;
  if (!classify_layers (context->scope, stack, error) ||
      !read_handing_layers (context->scope, description, stack, error))
    return FALSE;

  prefix = g_strconcat (stack_path, stack_path[0] != '\0' && path[0] != '\0' ? "." : "", path, NULL);
  layers = g_new0 (guint, MAX (stack->n_layers, 1));
  context->prefix = prefix;
  context->layers = layers;
  context->part = HR_PART_NORM;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      context->n_layers = 0;
      for (guint layer = 0; layer < stack->n_layers; layer++)
        {
          if (stack->layer_class_of[layer] == i)
            layers[context->n_layers++] = layer;
        }

      hr_scope_enter_layer (context->scope, layers[0]);
      if (!get_boolean (context->scope, description, "skipped", &stack->layer_classes[i].skipped, error) ||
          !build_layer_class (context, sublayers, &stack->layer_classes[i], error))
        return FALSE;
    }

  hr_scope_leave_layer (context->scope);
  context->layers = NULL;
  context->n_layers = 0;

  return repeat_layers (context->scope, hr_json_get_member (description, "repeats"), stack, error);
}

/* Such as the path of a stack, which may depend on the class: BertModel has no prefix, BertForMaskedLM has one. */
static gboolean
evaluate_string (HrScope     *scope,
                 HrJson      *expression,
                 const char **string,
                 GError     **error)
{
  HrValue value;

  if (!hr_scope_evaluate (scope, expression, &value, error))
    return FALSE;

  *string = value.string;
  if (value.type == HR_VALUE_STRING)
    return TRUE;

  hr_json_set_error (expression, HR_ERROR_SCHEMA, _("an expression whose value is a string"), error);

  return FALSE;
}

/* A member that is one of some names, the first where it is absent. */
static gboolean
read_choice (HrJson              *description,
             const char          *key,
             const char * const  *names,
             guint               *choice,
             GError             **error)
{
  g_autofree char *expected = NULL;
  const char *name = names[0];

  if (!hr_json_get_string (description, key, &name, error))
    return FALSE;

  for (*choice = 0; names[*choice] != NULL; (*choice)++)
    {
      if (g_str_equal (names[*choice], name))
        return TRUE;
    }

  expected = g_strjoinv (", ", (char **) names);
  hr_json_set_error (hr_json_get_member (description, key), HR_ERROR_UNKNOWN_NAME, expected, error);

  return FALSE;
}

static gboolean
read_embeds (HrJson    *description,
             HrEmbeds  *embeds,
             GError   **error)
{
  static const char * const names[] = { "inside", "apart", "narrow", NULL };
  guint choice;

  if (!read_choice (description, "embeds", names, &choice, error))
    return FALSE;

  *embeds = choice;

  return TRUE;
}

/* Classes that are alike but for it have one file. */
static gboolean
evaluate_choice (HrScope             *scope,
                 HrJson              *expression,
                 const char * const  *names,
                 guint               *choice,
                 GError             **error)
{
  g_autofree char *all = NULL;
  const char *name;

  *choice = 0;
  if (expression == NULL)
    return TRUE;
  if (!evaluate_string (scope, expression, &name, error))
    return FALSE;

  for (; names[*choice] != NULL; (*choice)++)
    {
      if (g_str_equal (names[*choice], name))
        return TRUE;
    }

  all = g_strjoinv (", ", (char **) names);
  hr_json_set_error (expression, HR_ERROR_UNKNOWN_NAME, all, error);

  return FALSE;
}

static gboolean
read_tower (HrScope  *scope,
            HrJson   *description,
            HrStack  *stack,
            GError  **error)
{
  static const char * const names[] = {
    "unknown", "qwen-vl", "pixtral", "padded", "vit", "whisper", "chunked",
    "tiles", "again", "unfolded", "crops", "resampler", "slices", "rows", "conformer", NULL,
  };
  guint choice;

  if (!evaluate_choice (scope, hr_json_get_member (description, "tower"), names, &choice, error) ||
      !hr_json_get_boolean (description, "keeps-outputs", &stack->keeps_outputs, error) ||
      !hr_json_get_boolean (description, "never-recomputed", &stack->is_never_recomputed, error) ||
      !hr_json_get_boolean (description, "hooks-embeddings", &stack->hooks_embeddings, error))
    return FALSE;

  stack->tower = choice;

  return TRUE;
}

static gboolean
read_paths (HrScope  *scope,
            HrJson   *description,
            HrStack  *stack,
            GError  **error)
{
  static const char * const join_names[] = { "scatter", "inside", "cross", "blocks", "put", "in-place", NULL };
  static const char * const frame_names[] = { "unknown", "resized", "averaged", NULL };
  static const char * const hearing_names[] = { "anyhow", "alone", "beside-images", NULL };
  guint joins, frames, heard;

  if (!evaluate_choice (scope, hr_json_get_member (description, "joins"), join_names, &joins, error) ||
      !evaluate_choice (scope, hr_json_get_member (description, "frames"), frame_names, &frames, error) ||
      !evaluate_choice (scope, hr_json_get_member (description, "heard"), hearing_names, &heard, error))
    return FALSE;

  stack->heard = heard;
  stack->joins = joins;
  stack->frames = frames;

  return TRUE;
}

static gboolean
read_projector (HrScope  *scope,
                HrJson   *description,
                HrStack  *stack,
                GError  **error)
{
  static const char * const names[] = {
    "unknown", "llava", "linear", "pooling", "merger", "packed", "chain", "qwen2-audio", "voxtral", "queries", NULL,
  };
  HrJson *layer = hr_json_get_member (description, "feature-layer");
  HrJson *drops = hr_json_get_member (description, "drops-class");
  HrJson *masks = hr_json_get_member (description, "masks-both");
  guint choice;

  if (!evaluate_choice (scope, hr_json_get_member (description, "projector"), names, &choice, error) ||
      !hr_json_get_boolean (description, "keeps-pixels", &stack->keeps_pixels, error) ||
      !hr_json_get_boolean (description, "block-mask", &stack->has_block_mask, error))
    return FALSE;

  stack->projector = choice;

  return read_paths (scope, description, stack, error) &&
         (layer == NULL || hr_scope_evaluate_size (scope, layer, &stack->feature_layer, error)) &&
         (drops == NULL || hr_scope_evaluate_boolean (scope, drops, &stack->drops_class, error)) &&
         (masks == NULL || hr_scope_evaluate_boolean (scope, masks, &stack->masks_both, error));
}

/* What a stack is for: its role, which may depend on the class, or else its id. */
static gboolean
read_role (HrScope      *scope,
           HrJson       *description,
           HrStackRole  *role,
           GError      **error)
{
  const char *key = hr_json_get_member (description, "role") != NULL ? "role" : "id";
  HrJson *member = hr_json_require_member (description, key, error);
  const char *name;

  if (member == NULL || !evaluate_string (scope, member, &name, error))
    return FALSE;
  if (hr_stack_role_from_name (name, role))
    return TRUE;

  hr_json_set_error (member, HR_ERROR_UNKNOWN_NAME, _("the name of a stack"), error);

  return FALSE;
}

/* Tensors of a tower are counted as its own, whatever they do in it. */
static HrPart
get_part (HrStackRole role)
{
  switch (role)
    {
    case HR_STACK_VISION:
      return HR_PART_VISION;

    case HR_STACK_AUDIO:
      return HR_PART_AUDIO;

    case HR_STACK_PROJECTOR:
      return HR_PART_PROJECTOR;

    case HR_STACK_SPEECH:
      return HR_PART_SPEECH;

    case HR_STACK_DECODER:
    case HR_STACK_ENCODER:
    case HR_N_STACK_ROLES:
    default:
      return HR_N_PARTS;
    }
}

/* A class for another task may call the model's module otherwise, or be that module. */
static char *
replace_root (const char *path,
              const char *root)
{
  const char *rest = strchr (path, '.');

  if (root == NULL)
    return g_strdup (path);
  if (root[0] == '\0')
    return g_strdup (rest != NULL ? rest + 1 : "");

  return g_strconcat (root, rest, NULL);
}

static gboolean
build_stack (HrBlockContext  *context,
             HrJson          *description,
             HrStack         *stack,
             GError         **error)
{
  const char *id = NULL;
  const char *path = NULL;
  g_autofree char *place = NULL;
  g_autofree char *rooted = NULL;
  HrJson *layers = NULL;

  if (!hr_json_check_members (description, known_stack_members, error) ||
      hr_json_require_member (description, "id", error) == NULL ||
      hr_json_require_member (description, "path", error) == NULL ||
      !hr_json_get_string (description, "id", &id, error) ||
      !evaluate_string (context->scope, hr_json_get_member (description, "path"), &path, error) ||
      !hr_json_get_object (description, "layers", &layers, error))
    return FALSE;

  stack->id = g_strdup (id);
  stack->is_included = context->outer_path != NULL;
  rooted = replace_root (path, context->root);
  place = hr_block_dup_place (context, rooted);

  context->prefix = place;
  context->part = HR_PART_EMBEDDING;
  if (!read_embeds (description, &stack->embeds, error) || !read_tower (context->scope, description, stack, error) ||
      !read_projector (context->scope, description, stack, error) ||
      !build_chain (context, hr_json_get_member (description, "embeddings"), &stack->embeddings, error) ||
      (layers != NULL && !build_layers (context, layers, place, stack, error)))
    return FALSE;

  context->prefix = place;
  context->part = HR_PART_NORM;

  return build_chain (context, hr_json_get_member (description, "final"), &stack->final, error);
}

static gboolean
set_buffers_too_large (HrScope  *scope,
                       GError  **error)
{
  hr_scope_set_error (scope, error, HR_ERROR_TOO_LARGE, _("expected buffers whose size can be counted"));

  return FALSE;
}

/* How many bytes an element of a buffer takes; 0 if it is of the dtype of the model. */
static gboolean
read_element_bytes (HrJson   *description,
                    guint64  *bytes,
                    GError  **error)
{
  static const struct
  {
    const char *name;
    gsize bytes;
  } dtypes[] = { { "float32", sizeof (float) }, { "int64", sizeof (gint64) }, { "bool", 1 }, { "model", 0 } };
  const char *dtype = "float32";

  if (!hr_json_get_string (description, "dtype", &dtype, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    {
      if (!g_str_equal (dtypes[i].name, dtype))
        continue;
      *bytes = dtypes[i].bytes;
      return TRUE;
    }

  hr_json_set_error (hr_json_get_member (description, "dtype"), HR_ERROR_UNKNOWN_NAME, "float32, int64, bool, model",
                     error);

  return FALSE;
}

/* One whose dtype is that of the model is noted by its size, the others are added up. */
static gboolean
note_buffer (HrModelParts *self,
             guint64       n_elements,
             guint64       copies,
             guint64       element_bytes)
{
  guint64 bytes = n_elements * (element_bytes > 0 ? element_bytes : sizeof (double));

  bytes = (bytes + ALLOCATION_BYTES - 1) / ALLOCATION_BYTES * ALLOCATION_BYTES;
  if (!g_uint64_checked_mul (&bytes, bytes, copies) || !g_uint64_checked_add (&bytes, bytes, self->buffer_bytes))
    return FALSE;

  if (element_bytes > 0)
    self->buffer_bytes = bytes;
  for (guint64 i = 0; element_bytes == 0 && i < MIN (copies, G_MAXUINT16); i++)
    g_array_append_val (self->cast_buffers, n_elements);

  return TRUE;
}

static gboolean
add_buffer (HrModelParts  *self,
            HrScope       *scope,
            HrJson        *description,
            GError       **error)
{
  HrJson *count = hr_json_get_member (description, "count");
  guint64 element_bytes = 0;
  HrJson *shape;
  guint64 n_elements = 1;
  guint64 copies = 1;
  gboolean holds;

  if (!hr_json_check_members (description, known_buffer_members, error) ||
      !read_element_bytes (description, &element_bytes, error) || !check_condition (scope, description, &holds, error))
    return FALSE;
  if (!holds)
    return TRUE;

  shape = hr_json_require_member (description, "shape", error);
  if (shape == NULL || !hr_json_check_type (shape, HR_JSON_ARRAY, error))
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (shape); i++)
    {
      guint64 size;

      if (!hr_scope_evaluate_size (scope, hr_json_get_element (shape, i), &size, error))
        return FALSE;
      if (!g_uint64_checked_mul (&n_elements, n_elements, size) || n_elements > G_MAXINT64 / 16)
        return set_buffers_too_large (scope, error);
    }

  if (count != NULL && !hr_scope_evaluate_size (scope, count, &copies, error))
    return FALSE;

  return note_buffer (self, n_elements, copies, element_bytes) || set_buffers_too_large (scope, error);
}

static gboolean
add_buffers (HrModelParts    *self,
             HrArchitecture  *architecture,
             HrScope         *scope,
             GError         **error)
{
  HrJson *buffers = hr_architecture_get_member (architecture, "buffers");

  for (guint i = 0; buffers != NULL && i < hr_json_get_length (buffers); i++)
    {
      if (!add_buffer (self, scope, hr_json_get_element (buffers, i), error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
add_stack (HrModelParts    *self,
           HrBlockContext  *context,
           HrJson          *description,
           HrStackRole      role,
           GError         **error)
{
  HrStack *stack = g_new0 (HrStack, 1);

  stack->role = role;
  stack->n_repeats = 1;
  context->role_part = get_part (role);
  context->stack = self->stacks->len;
  g_ptr_array_add (self->stacks, stack);

  return build_stack (context, description, stack, error);
}

static gboolean build_inclusion (HrModelParts    *self,
                                 HrBlockContext  *outer,
                                 HrJson          *description,
                                 HrStackRole      role,
                                 GError         **error);

/* @role: what all stacks of the architecture are for, %HR_N_STACK_ROLES where each says it itself. */
static gboolean
build_architecture (HrModelParts    *self,
                    HrBlockContext  *context,
                    HrArchitecture  *architecture,
                    HrStackRole      role,
                    GError         **error)
{
  HrJson *stacks = hr_architecture_get_member (architecture, "stacks");

  /* A prompt of text does not pass a tower. */
  if (role == HR_N_STACK_ROLES || role == HR_STACK_ENCODER)
    {
      self->counted_only = self->counted_only || hr_architecture_is_counted_only (architecture);
      if (self->served_by == NULL)
        self->served_by = hr_architecture_list_engines (architecture);
    }

  for (guint i = 0; stacks != NULL && i < hr_json_get_length (stacks); i++)
    {
      HrJson *description = hr_json_get_element (stacks, i);
      HrStackRole own_role;
      gboolean holds;

      if (!read_role (context->scope, description, &own_role, error) ||
          !check_condition (context->scope, description, &holds, error))
        return FALSE;
      if (role < HR_N_STACK_ROLES && own_role != HR_STACK_PROJECTOR)
        own_role = role;
      if (!holds)
        continue;
      if (hr_inclusion_is_described (description)
            ? !build_inclusion (self, context, description, own_role, error)
            : !add_stack (self, context, description, own_role, error))
        return FALSE;
    }

  return add_buffers (self, architecture, context->scope, error);
}

static gboolean
build_head (HrModelParts    *self,
            HrBlockContext  *context,
            HrArchitecture  *architecture,
            HrStackRole      role,
            GError         **error)
{
  g_autofree char *place = hr_block_dup_place (context, "");
  gboolean is_own = self->head.n_blocks == 0 && role == HR_STACK_DECODER;
  HrChain further = { 0 };
  gboolean success;

  context->prefix = place;
  context->part = HR_PART_OUTPUT;
  context->role_part = get_part (role);
  /* Stacks may follow, as may those of a talker behind its thinker. */
  context->stack = is_own ? HR_TENSOR_NO_STACK : self->stacks->len - 1;
  success = build_chain (context, hr_architecture_get_member (architecture, "head"),
                         is_own ? &self->head : &further, error);
  /* The tensors name the blocks that they are of. */
  if (!is_own)
    g_array_append_val (self->further_heads, further);

  return success;
}

/*
 * Builds what is included: the whole class where its head is wanted, else the model in it, whose own name falls away
 * together with the head.
 */
static gboolean
build_inclusion (HrModelParts    *self,
                 HrBlockContext  *outer,
                 HrJson          *description,
                 HrStackRole      role,
                 GError         **error)
{
  const HrInclusion *inclusion = hr_scope_find_inclusion (outer->scope, description);
  HrBlockContext context = { .scope = inclusion->scope, .tensors = self->tensors };
  HrStackRole inner_role = role == HR_STACK_DECODER ? HR_N_STACK_ROLES : role;
  g_autofree char *place = NULL;
  const char *path = NULL;
  gboolean has_head = FALSE;

  if (hr_json_require_member (description, "path", error) == NULL ||
      !hr_json_get_string (description, "path", &path, error) ||
      !hr_json_get_boolean (description, "head", &has_head, error))
    return FALSE;

  place = hr_block_dup_place (outer, path);
  context.outer_path = place;
  context.drops_base = !has_head && hr_architecture_get_member (inclusion->architecture, "head") != NULL;

  return build_architecture (self, &context, inclusion->architecture, inner_role, error) &&
         (!has_head || build_head (self, &context, inclusion->architecture, role, error));
}

/* A tower is told which of its layers what a projector reads is made by: none that comes behind gets a gradient. */
static void
note_feature_layers (GPtrArray *stacks)
{
  HrStack *tower = NULL;

  for (guint i = 0; i < stacks->len; i++)
    {
      HrStack *stack = g_ptr_array_index (stacks, i);

      if (stack->tower != HR_TOWER_UNKNOWN)
        tower = stack;
      else if (tower != NULL && stack->projector != HR_PROJECTOR_UNKNOWN)
        tower->feature_layer = stack->feature_layer;
    }
}

/* Parts of which there are none yet. */
void
hr_model_parts_init (HrModelParts *self)
{
  *self = (HrModelParts) {
    .tensors = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_tensor_free),
    .stacks = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_stack_free),
    .cast_buffers = g_array_new (FALSE, FALSE, sizeof (guint64)),
    .further_heads = g_array_new (FALSE, FALSE, sizeof (HrChain)),
  };
  g_array_set_clear_func (self->further_heads, (GDestroyNotify) hr_chain_clear);
}

/*
 * hr_model_parts_build:
 * @self: what is filled; to be cleared also after an error
 * @architecture: what the model is made of
 * @scope: the values of @architecture's names, with what it includes
 * @error: return location for an error
 *
 * Builds the parts of a model.
 */
gboolean
hr_model_parts_build (HrModelParts    *self,
                      HrArchitecture  *architecture,
                      HrScope         *scope,
                      GError         **error)
{
  HrBlockContext context = { .scope = scope };
  HrJson *root = hr_architecture_get_member (architecture, "root");

  hr_model_parts_init (self);
  context.tensors = self->tensors;
  if (root != NULL && !hr_json_read_string (root, &context.root, error))
    return FALSE;

  if (!build_architecture (self, &context, architecture, HR_N_STACK_ROLES, error) ||
      !build_head (self, &context, architecture, HR_STACK_DECODER, error))
    return FALSE;

  note_feature_layers (self->stacks);

  return TRUE;
}

void
hr_model_parts_clear (HrModelParts *self)
{
  g_clear_pointer (&self->tensors, g_ptr_array_unref);
  g_clear_pointer (&self->stacks, g_ptr_array_unref);
  g_clear_pointer (&self->cast_buffers, g_array_unref);
  g_clear_pointer (&self->further_heads, g_array_unref);
  g_clear_pointer (&self->served_by, g_strfreev);
  hr_chain_clear (&self->head);
}
