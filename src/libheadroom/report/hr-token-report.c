/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-token-report.h"

#include <glib/gi18n-lib.h>

#include "hr-labels.h"
#include "hr-multimodal-job.h"
#include "hr-report-private.h"

/* What a model's processor makes of images, sounds and videos, whether or not their memory is known. */

static GArray *
count (HrModel     *model,
       const char  *inputs,
       GError     **error)
{
  g_autoptr (HrMultimodalJob) job = hr_multimodal_job_new ();
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (HrMediumTokens));
  g_autoptr (GArray) media = NULL;

  g_object_set (job, "images", G_GUINT64_CONSTANT (0), "further-inputs", inputs, NULL);
  media = hr_job_list_media (HR_JOB (job), error);
  if (media == NULL)
    return NULL;

  for (guint i = 0; i < media->len; i++)
    {
      HrMediumTokens item;

      if (!hr_model_count_tokens (model, &g_array_index (media, HrMedium, i), &item, error))
        return NULL;
      g_array_append_val (items, item);
    }

  return g_steal_pointer (&items);
}

/**
 * hr_token_report_to_text:
 * @model: a model
 * @inputs: images, sounds and videos, as the setting `further-inputs` has them
 * @style: what the text is for
 * @error: return location for an error
 *
 * Writes the tokens that a model gets of each input as text in columns.
 *
 * Returns: (transfer full) (nullable): the text, or %NULL with @error set
 */
char *
hr_token_report_to_text (HrModel            *model,
                         const char         *inputs,
                         HrReportTextStyle   style,
                         GError            **error)
{
  static const gboolean numeric[] = { FALSE, TRUE, FALSE };
  const char * const columns[] = { _("Input"), _("Tokens"), _("How they come about"), NULL };
  g_autoptr (HrDocument) document = NULL;
  g_autoptr (GArray) items = NULL;
  HrDocumentBlock *table;

  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (inputs != NULL, NULL);

  items = count (model, inputs, error);
  if (items == NULL)
    return NULL;

  document = hr_document_new ();
  hr_document_add_text (document, HR_DOCUMENT_TITLE, hr_model_get_name (model));
  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Tokens of each input"));
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < items->len; i++)
    {
      const HrMediumTokens *item = &g_array_index (items, HrMediumTokens, i);
      g_autofree char *input = hr_medium_dup_label (&item->medium);
      g_autofree char *tokens = hr_format_integer (item->tokens);
      g_autofree char *origin = hr_medium_tokens_dup_origin (item);

      hr_document_block_add_row (table, (const char * const []) { input, tokens, origin, NULL });
    }

  return hr_document_to_text (document, style);
}

/**
 * hr_token_report_to_json:
 * @model: a model
 * @inputs: images, sounds and videos, as the setting `further-inputs` has them
 * @error: return location for an error
 *
 * Writes the tokens that a model gets of each input as JSON with the schema `headroom-tokens/1`.
 *
 * Returns: (transfer full) (nullable): the JSON, or %NULL with @error set
 */
char *
hr_token_report_to_json (HrModel     *model,
                         const char  *inputs,
                         GError     **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GArray) items = NULL;

  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (inputs != NULL, NULL);

  items = count (model, inputs, error);
  if (items == NULL)
    return NULL;

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "schema", "headroom-tokens/1");
  hr_json_build_string (builder, "model", hr_model_get_name (model));
  json_builder_set_member_name (builder, "inputs");
  json_builder_begin_array (builder);
  for (guint i = 0; i < items->len; i++)
    hr_medium_tokens_build_json (&g_array_index (items, HrMediumTokens, i), builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);

  return hr_json_builder_to_text (builder);
}
