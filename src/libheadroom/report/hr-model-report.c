/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-report-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-labels.h"
#include "hr-palette.h"

/* The hyper-parameters that people compare models by, under the names that configurations use. */
static const char * const hyper_parameters[] = {
  "num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim",
  "vocab_size", "max_position_embeddings", "sliding_window",
};

static gboolean
chain_has_window (const HrChain *chain)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];

      if ((block->kind == HR_BLOCK_ATTENTION && block->attention.sliding_window > 0) ||
          (block->kind == HR_BLOCK_COMPRESSED_ATTENTION && block->compressed.sliding_window > 0))
        return TRUE;
    }

  return FALSE;
}

static gboolean
class_has_window (const HrLayerClass *klass)
{
  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      for (guint branch = 0; branch < klass->sublayers[i].n_branches; branch++)
        {
          if (chain_has_window (&klass->sublayers[i].branches[branch]))
            return TRUE;
        }
    }

  return FALSE;
}

/* Whether a layer of the text sees a window: some configurations give one that no layer uses. */
gboolean
hr_model_uses_window (HrModel *self)
{
  for (guint i = 0; i < hr_model_get_n_stacks (self); i++)
    {
      const HrStack *stack = hr_model_get_stack (self, i);
      gboolean is_text = stack->role == HR_STACK_DECODER || stack->role == HR_STACK_ENCODER;

      for (guint j = 0; is_text && j < stack->n_layer_classes; j++)
        {
          if (class_has_window (&stack->layer_classes[j]))
            return TRUE;
        }
    }

  return FALSE;
}

/* Gets a hyper-parameter that says something of the model: not a window that no layer uses. */
gboolean
hr_model_get_fact (HrModel    *self,
                   const char *name,
                   guint64    *value)
{
  return hr_model_get_hyper_parameter (self, name, value) &&
         (!g_str_equal (name, "sliding_window") || hr_model_uses_window (self));
}

static guint64
get_kv_cache_bytes_per_token (HrModel *self,
                              HrDtype  dtype)
{
  return hr_dtype_get_bytes (dtype, hr_model_get_cache_elements_per_token (self));
}

static gboolean
has_latent_cache (HrModel *model)
{
  return hr_model_get_latent_cache_elements_per_token (model) != hr_model_get_cache_elements_per_token (model);
}

/* What serving engines keep, where that is not what transformers keeps. */
static guint64
get_latent_cache_bytes_per_token (HrModel *model,
                                  HrDtype  dtype)
{
  return hr_dtype_get_bytes (dtype, hr_model_get_latent_cache_elements_per_token (model));
}

static guint64
get_state_bytes_per_sequence (HrModel *self,
                              HrDtype  dtype)
{
  return hr_dtype_get_bytes (dtype, hr_model_get_state_elements_per_sequence (self));
}

static void
add_parameters (JsonBuilder *builder,
                HrModel     *model,
                guint64      n_trainable)
{
  json_builder_set_member_name (builder, "parameters");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "total");
  json_builder_add_int_value (builder, hr_model_get_n_parameters (model));
  json_builder_set_member_name (builder, "trainable");
  json_builder_add_int_value (builder, n_trainable);
  json_builder_set_member_name (builder, "active");
  json_builder_add_int_value (builder, hr_model_get_n_active_parameters (model));

  for (HrPart part = 0; part < HR_N_PARTS; part++)
    {
      json_builder_set_member_name (builder, hr_part_get_id (part));
      json_builder_add_int_value (builder, hr_model_get_n_parameters_of_part (model, part));
    }

  json_builder_end_object (builder);
}

static void
add_hyper_parameters (JsonBuilder *builder,
                      HrModel     *model)
{
  json_builder_set_member_name (builder, "hyper-parameters");
  json_builder_begin_object (builder);

  for (guint i = 0; i < G_N_ELEMENTS (hyper_parameters); i++)
    {
      guint64 value;

      if (!hr_model_get_fact (model, hyper_parameters[i], &value))
        continue;

      json_builder_set_member_name (builder, hyper_parameters[i]);
      json_builder_add_int_value (builder, value);
    }

  json_builder_end_object (builder);
}

/* What to call the kind of a model: its class, or its type where the configuration names none. */
const char *
hr_model_get_class_label (HrModel *self)
{
  const char *architecture = hr_model_get_architecture (self);

  return architecture != NULL ? architecture : hr_model_get_model_type (self);
}

/* What files about a model are called: its name, in a form that is good in every file system. */
char *
hr_model_dup_file_name (HrModel *self)
{
  char *name = g_strdup (hr_model_get_short_name (self));

  for (char *p = name; *p != '\0'; p++)
    {
      if ((guchar) *p < 0x20 || strchr ("/\\:*?\"<>|", *p) != NULL)
        *p = '_';
    }

  return name;
}

/*
 * Where a model is from. Of a file its name alone: reports are given away, and where somebody keeps their files is
 * nobody else's business.
 */
static char *
dup_source (HrModel *self)
{
  const char *source = hr_model_get_source (self);

  return source != NULL && g_path_is_absolute (source) ? g_path_get_basename (source) : g_strdup (source);
}

/* Adds what a model is as an object, with how many parameters a job trains. */
void
hr_model_build_json (HrModel     *self,
                     HrDtype      kv_cache_dtype,
                     guint64      n_trainable,
                     JsonBuilder *builder)
{
  g_autofree char *source = dup_source (self);

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "name", hr_model_get_name (self));
  hr_json_build_string (builder, "model-type", hr_model_get_model_type (self));
  hr_json_build_string (builder, "architecture", hr_model_get_architecture (self));
  hr_json_build_string (builder, "source", source);
  add_parameters (builder, self, n_trainable);
  if (hr_model_check_can_be_estimated (self, NULL))
    {
      json_builder_set_member_name (builder, "kv-cache-bytes-per-token");
      json_builder_add_int_value (builder, get_kv_cache_bytes_per_token (self, kv_cache_dtype));
      json_builder_set_member_name (builder, "state-bytes-per-sequence");
      json_builder_add_int_value (builder, get_state_bytes_per_sequence (self, kv_cache_dtype));
    }
  if (has_latent_cache (self))
    {
      json_builder_set_member_name (builder, "latent-cache-bytes-per-token");
      json_builder_add_int_value (builder, get_latent_cache_bytes_per_token (self, kv_cache_dtype));
    }
  if (hr_model_get_stored_bytes (self) > 0)
    {
      json_builder_set_member_name (builder, "stored-bytes");
      json_builder_add_int_value (builder, hr_model_get_stored_bytes (self));
    }
  add_hyper_parameters (builder, self);
  json_builder_end_object (builder);
}

/* Adds the split of the parameters. */
static void
add_parts_table (HrModel    *self,
                 HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, TRUE };
  const char * const columns[] = { _("Part"), _("Parameters"), _("Share"), NULL };
  guint64 total = hr_model_get_n_parameters (self);
  g_autofree char *total_text = hr_format_integer (total);
  g_autofree char *total_share = hr_format_percentage (total, total);
  const char * const cells[] = { _("Total"), total_text, total_share, NULL };
  HrDocumentBlock *table = hr_document_add_table (document, columns, numeric);

  for (HrPart part = 0; part < HR_N_PARTS; part++)
    {
      guint64 count = hr_model_get_n_parameters_of_part (self, part);
      g_autofree char *text = hr_format_integer (count);
      g_autofree char *share = hr_format_percentage (count, total);
      const char * const part_cells[] = { hr_part_get_label (part), text, share, NULL };
      HrDocumentRow *row;

      if (count == 0)
        continue;

      row = hr_document_block_add_row (table, part_cells);
      row->share = (double) count / total;
      row->has_color = TRUE;
      row->color = hr_palette_get_part_color (part, HR_PALETTE_SCHEME_LIGHT);
    }

  hr_document_block_add_row (table, cells)->is_total = TRUE;
}

/* Adds the split of the parameters and the key facts of a model. */
void
hr_model_add_facts (HrModel      *self,
                    HrDtype       kv_cache_dtype,
                    HrUnitSystem  unit_system,
                    HrDocument   *document)
{
  g_autofree char *active = hr_format_integer (hr_model_get_n_active_parameters (self));
  g_autofree char *cache = hr_format_bytes (get_kv_cache_bytes_per_token (self, kv_cache_dtype), unit_system);
  g_autofree char *latent = hr_format_bytes (get_latent_cache_bytes_per_token (self, kv_cache_dtype), unit_system);
  g_autofree char *source = dup_source (self);
  HrDocumentBlock *facts;

  add_parts_table (self, document);

  facts = hr_document_add_facts (document);
  if (hr_model_get_model_type (self) != NULL)
    hr_document_block_add_fact (facts, _("Model type"), hr_model_get_model_type (self), HR_DOCUMENT_CODE);
  if (hr_model_get_n_active_parameters (self) != hr_model_get_n_parameters (self))
    hr_document_block_add_fact (facts, _("Active parameters"), active, HR_DOCUMENT_PLAIN);
  if (hr_model_check_can_be_estimated (self, NULL))
    hr_document_block_add_fact (facts, _("KV cache per token"), cache, HR_DOCUMENT_PLAIN);
  if (has_latent_cache (self))
    hr_document_block_add_fact (facts, _("Latent cache per token, in serving engines"), latent, HR_DOCUMENT_PLAIN);

  for (guint i = 0; i < G_N_ELEMENTS (hyper_parameters); i++)
    {
      g_autofree char *text = NULL;
      guint64 value;

      if (!hr_model_get_fact (self, hyper_parameters[i], &value))
        continue;

      text = hr_format_integer (value);
      hr_document_block_add_fact (facts, hyper_parameters[i], text, HR_DOCUMENT_PLAIN);
    }

  if (hr_model_get_stored_bytes (self) > 0)
    {
      g_autofree char *stored = hr_format_bytes (hr_model_get_stored_bytes (self), unit_system);

      hr_document_block_add_fact (facts, _("Stored weights"), stored, HR_DOCUMENT_PLAIN);
    }
  if (source != NULL)
    hr_document_block_add_fact (facts, _("Source"), source, HR_DOCUMENT_LINK);
}
