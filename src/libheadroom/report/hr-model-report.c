/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-model-report.h"

#include <glib/gi18n-lib.h>

#include "hr-job-private.h"
#include "hr-labels.h"
#include "hr-report-private.h"

/* The hyper-parameters that people compare models by, under the names that configurations use. */
static const char * const hyper_parameters[] = {
  "num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim",
  "vocab_size", "max_position_embeddings", "sliding_window",
};

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
                HrModel     *model)
{
  json_builder_set_member_name (builder, "parameters");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "total");
  json_builder_add_int_value (builder, hr_model_get_n_parameters (model));
  /* Inference trains nothing. */
  json_builder_set_member_name (builder, "trainable");
  json_builder_add_int_value (builder, 0);
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

      if (!hr_model_get_hyper_parameter (model, hyper_parameters[i], &value))
        continue;

      json_builder_set_member_name (builder, hyper_parameters[i]);
      json_builder_add_int_value (builder, value);
    }

  json_builder_end_object (builder);
}

static void
add_string (JsonBuilder *builder,
            const char  *name,
            const char  *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

/* What to call the kind of a model: its class, or its type where the configuration names none. */
const char *
hr_model_get_class_label (HrModel *self)
{
  const char *architecture = hr_model_get_architecture (self);

  return architecture != NULL ? architecture : hr_model_get_model_type (self);
}

/* Adds what a model is as an object. */
void
hr_model_build_json (HrModel     *self,
                     HrDtype      kv_cache_dtype,
                     JsonBuilder *builder)
{
  json_builder_begin_object (builder);
  add_string (builder, "name", hr_model_get_name (self));
  add_string (builder, "model-type", hr_model_get_model_type (self));
  add_string (builder, "architecture", hr_model_get_architecture (self));
  add_string (builder, "source", hr_model_get_source (self));
  add_parameters (builder, self);
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

      if (count == 0)
        continue;

      hr_document_block_add_row (table, part_cells)->share = (double) count / total;
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

      if (!hr_model_get_hyper_parameter (self, hyper_parameters[i], &value))
        continue;

      text = hr_format_integer (value);
      hr_document_block_add_fact (facts, hyper_parameters[i], text, HR_DOCUMENT_PLAIN);
    }

  if (hr_model_get_stored_bytes (self) > 0)
    {
      g_autofree char *stored = hr_format_bytes (hr_model_get_stored_bytes (self), unit_system);

      hr_document_block_add_fact (facts, _("Stored weights"), stored, HR_DOCUMENT_PLAIN);
    }
  if (hr_model_get_source (self) != NULL)
    hr_document_block_add_fact (facts, _("Source"), hr_model_get_source (self), HR_DOCUMENT_LINK);
}

static char *
describe_shape (const HrTensor *tensor)
{
  g_autoptr (GString) string = g_string_new ("[");

  for (guint i = 0; i < tensor->n_dimensions; i++)
    g_string_append_printf (string, "%s%" G_GUINT64_FORMAT, i == 0 ? "" : ", ", tensor->shape[i]);
  g_string_append_c (string, ']');

  return g_string_free (g_steal_pointer (&string), FALSE);
}

/* What the model is loaded in when nobody says anything. */
static HrDtype
get_default_dtype (HrModel *self)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrJob) resolved = hr_job_resolve (job, self);

  return hr_job_get_dtype (resolved);
}

/* What a tensor is stored as, or, if that is not known, loaded in. */
static const char *
get_type (HrModel    *self,
          guint       index,
          guint       copy,
          const char *dtype)
{
  const char *tied_to = hr_model_get_tensor (self, index)->tied_to;
  const char *type = dtype;

  if (hr_model_get_stored (self, index, copy, &type, NULL, NULL) || tied_to == NULL)
    return type;

  for (guint i = 0; i < hr_model_get_n_tensors (self); i++)
    {
      if (g_str_equal (hr_model_get_tensor (self, i)->pattern, tied_to))
        hr_model_get_stored (self, i, 0, &type, NULL, NULL);
    }

  return type;
}

static void
add_tensors_table (HrModel    *self,
                   HrDocument *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, FALSE, TRUE, FALSE };
  const char * const columns[] = { _("Tensor"), _("Shape"), _("Data type"), _("Parameters"), _("Tied to"), NULL };
  const char *dtype = hr_dtype_get_name (get_default_dtype (self));
  HrDocumentBlock *table;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Tensors"));
  table = hr_document_add_table (document, columns, numeric);

  for (guint i = 0; i < hr_model_get_n_tensors (self); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (self, i);
      g_autofree char *shape = describe_shape (tensor);
      g_autofree char *count = hr_format_integer (tensor->n_elements);

      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        {
          g_autofree char *name = hr_tensor_get_name (tensor, copy);
          const char *tied_to = tensor->tied_to == NULL ? "" : tensor->tied_to;
          const char * const cells[] = { name, shape, get_type (self, i, copy, dtype), count, tied_to, NULL };

          hr_document_block_add_row (table, cells);
        }
    }
}

static void
add_tensor (JsonBuilder *builder,
            HrModel     *self,
            guint        index,
            guint        copy,
            HrDtype      dtype)
{
  const HrTensor *tensor = hr_model_get_tensor (self, index);
  g_autofree char *name = hr_tensor_get_name (tensor, copy);
  guint64 stored_bytes;

  json_builder_begin_object (builder);
  add_string (builder, "name", name);
  json_builder_set_member_name (builder, "shape");
  json_builder_begin_array (builder);
  for (guint i = 0; i < tensor->n_dimensions; i++)
    json_builder_add_int_value (builder, tensor->shape[i]);
  json_builder_end_array (builder);
  add_string (builder, "dtype", get_type (self, index, copy, hr_dtype_get_name (dtype)));
  if (hr_model_get_stored (self, index, copy, NULL, &stored_bytes, NULL))
    {
      json_builder_set_member_name (builder, "stored-bytes");
      json_builder_add_int_value (builder, stored_bytes);
    }
  add_string (builder, "part", hr_part_get_id (tensor->part));
  json_builder_set_member_name (builder, "parameters");
  json_builder_add_int_value (builder, tensor->n_elements);
  add_string (builder, "tied-to", tensor->tied_to);
  json_builder_end_object (builder);
}

/**
 * hr_model_to_text:
 * @self: a model
 * @with_tensors: whether to list every tensor
 * @unit_system: the units to write sizes in
 * @style: what the text is for
 *
 * Writes what a model is as text in columns.
 *
 * Returns: (transfer full): the text
 */
char *
hr_model_to_text (HrModel           *self,
                  gboolean           with_tensors,
                  HrUnitSystem       unit_system,
                  HrReportTextStyle  style)
{
  g_autoptr (HrDocument) document = NULL;
  g_autofree char *count = NULL;
  g_autofree char *subtitle = NULL;
  const char * const *warnings;

  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  document = hr_document_new ();
  count = hr_format_count (hr_model_get_n_parameters (self));
  if (hr_model_check_can_be_estimated (self, NULL))
    /* Translators: a number of parameters such as “7.6 B”, the class of a model, a data type */
    subtitle = g_strdup_printf (_("%s parameters · %s · %s"), count, hr_model_get_class_label (self),
                                hr_dtype_get_name (get_default_dtype (self)));
  else
    subtitle = g_strdup_printf (_("%s parameters"), count);

  hr_document_add_text (document, HR_DOCUMENT_TITLE, hr_model_get_name (self));
  hr_document_add_text (document, HR_DOCUMENT_SUBTITLE, subtitle);
  hr_model_add_facts (self, get_default_dtype (self), unit_system, document);

  warnings = hr_model_get_warnings (self);
  if (warnings != NULL && warnings[0] != NULL)
    {
      HrDocumentBlock *list;

      hr_document_add_text (document, HR_DOCUMENT_HEADING, _("What was assumed"));
      list = hr_document_add_list (document);
      for (guint i = 0; warnings[i] != NULL; i++)
        hr_document_block_add_item (list, hr_text_translate (warnings[i]));
    }

  if (with_tensors)
    add_tensors_table (self, document);

  return hr_document_to_text (document, style);
}

/**
 * hr_model_to_json:
 * @self: a model
 *
 * Writes what a model is, with every tensor, as JSON with the schema `headroom-model/1`.
 *
 * A tensor that is tied to another one names it, and is not counted in the total.
 *
 * Returns: (transfer full): the JSON
 */
char *
hr_model_to_json (HrModel *self)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *json = NULL;
  const char * const *warnings;
  HrDtype dtype;

  g_return_val_if_fail (HR_IS_MODEL (self), NULL);

  dtype = get_default_dtype (self);
  builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_string (builder, "schema", "headroom-model/1");
  json_builder_set_member_name (builder, "model");
  hr_model_build_json (self, dtype, builder);

  json_builder_set_member_name (builder, "tensors");
  json_builder_begin_array (builder);
  for (guint i = 0; i < hr_model_get_n_tensors (self); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (self, i);

      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        add_tensor (builder, self, i, copy, dtype);
    }
  json_builder_end_array (builder);

  json_builder_set_member_name (builder, "warnings");
  json_builder_begin_array (builder);
  warnings = hr_model_get_warnings (self);
  for (guint i = 0; warnings != NULL && warnings[i] != NULL; i++)
    json_builder_add_string_value (builder, hr_text_translate (warnings[i]));
  json_builder_end_array (builder);
  json_builder_end_object (builder);

  root = json_builder_get_root (builder);
  json = json_to_string (root, TRUE);

  return g_strconcat (json, "\n", NULL);
}
