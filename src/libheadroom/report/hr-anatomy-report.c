/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-anatomy-private.h"

#include <glib/gi18n-lib.h>

#include "hr-formula-text.h"
#include "hr-labels.h"
#include "hr-palette.h"
#include "hr-report-private.h"

/* Labels of rows further in are moved by this for each step; other spaces go where text is set. */
#define INDENTATION "\u00a0\u00a0"

/* The first column, a formula, its numbers, the values, a remark, and the end. */
#define MAX_CELLS (HR_ANATOMY_MAX_VALUES + 5)

static char *
describe_shape (const HrTensor *tensor)
{
  g_autoptr (GString) string = g_string_new ("[");

  for (guint i = 0; i < tensor->n_dimensions; i++)
    g_string_append_printf (string, "%s%" G_GUINT64_FORMAT, i == 0 ? "" : ", ", tensor->shape[i]);
  g_string_append_c (string, ']');

  return g_string_free (g_steal_pointer (&string), FALSE);
}

/* Which of the columns that not every table has are wanted. */
static void
find_columns (HrAnatomyTable *table,
              gboolean       *has_formula,
              gboolean       *has_substitution,
              gboolean       *has_note)
{
  *has_formula = *has_substitution = *has_note = FALSE;

  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (table, i);

      *has_formula = *has_formula || row->formula != NULL;
      *has_substitution = *has_substitution || row->substitution != NULL;
      *has_note = *has_note || row->note != NULL;
    }
}

static char *
indent (const HrAnatomyRow *row)
{
  g_autoptr (GString) string = g_string_new (NULL);

  for (guint i = 0; i < row->depth; i++)
    g_string_append (string, INDENTATION);
  g_string_append (string, row->label);

  return g_string_free (g_steal_pointer (&string), FALSE);
}

static void
add_row (HrAnatomyTable     *table,
         const HrAnatomyRow *row,
         gboolean            has_formula,
         gboolean            has_substitution,
         gboolean            has_note,
         HrUnitSystem        unit_system,
         HrDocumentBlock    *block)
{
  g_autofree char *label = indent (row);
  g_autofree char *formula = hr_formula_to_text (row->formula != NULL ? row->formula : "");
  g_autofree char *numbers = hr_formula_to_text (row->substitution != NULL ? row->substitution : "");
  g_auto (GStrv) values = g_new0 (char *, HR_ANATOMY_MAX_VALUES + 1);
  const char *cells[MAX_CELLS] = { NULL };
  guint n_cells = 0;
  HrDocumentRow *document_row;

  cells[n_cells++] = label;
  if (has_formula)
    cells[n_cells++] = formula;
  if (has_substitution)
    cells[n_cells++] = numbers;
  for (guint i = 0; i < table->n_columns; i++)
    {
      values[i] = hr_anatomy_row_format (row, i, unit_system);
      cells[n_cells++] = values[i];
    }
  if (has_note)
    cells[n_cells++] = row->note != NULL ? row->note : "";

  document_row = hr_document_block_add_row (block, cells);
  document_row->is_total = row->is_total;
  if (row->part < HR_N_PARTS)
    {
      document_row->has_color = TRUE;
      document_row->color = hr_palette_get_part_color (row->part, HR_PALETTE_SCHEME_LIGHT);
    }
}

/* Adds a table alone, without what it is called. */
void
hr_anatomy_table_add_to (HrAnatomyTable *table,
                         HrUnitSystem    unit_system,
                         HrDocument     *document)
{
  const char *titles[MAX_CELLS] = { NULL };
  gboolean numeric[MAX_CELLS] = { FALSE };
  gboolean has_formula, has_substitution, has_note;
  HrDocumentBlock *block;
  guint n_titles = 0;

  find_columns (table, &has_formula, &has_substitution, &has_note);
  titles[n_titles++] = table->label_title;
  if (has_formula)
    titles[n_titles++] = _("Formula");
  if (has_substitution)
    titles[n_titles++] = _("Numbers");
  for (guint i = 0; i < table->n_columns; i++)
    {
      numeric[n_titles] = TRUE;
      titles[n_titles++] = table->column_titles[i];
    }
  if (has_note)
    titles[n_titles++] = _("Remark");

  block = hr_document_add_table (document, titles, numeric);
  for (guint i = 0; i < table->rows->len; i++)
    add_row (table, hr_anatomy_table_get_row (table, i), has_formula, has_substitution, has_note, unit_system, block);
}

static void
add_table (HrAnatomyTable *table,
           HrUnitSystem    unit_system,
           HrDocument     *document)
{
  if (table == NULL)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, table->title);
  if (table->description != NULL)
    hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, table->description);
  hr_anatomy_table_add_to (table, unit_system, document);
}

static void
add_tensor_row (HrAnatomy       *self,
                guint            index,
                guint            copy,
                HrUnitSystem     unit_system,
                HrDocumentBlock *table)
{
  const HrTensor *tensor = hr_model_get_tensor (hr_anatomy_get_model (self), index);
  const char *type;
  g_autofree char *size = hr_format_bytes (hr_anatomy_get_tensor_bytes (self, index, copy, &type), unit_system);
  g_autofree char *name = hr_tensor_get_name (tensor, copy);
  g_autofree char *shape = describe_shape (tensor);
  g_autofree char *count = hr_format_integer (tensor->n_elements);
  const char *tied_to = tensor->tied_to == NULL ? "" : tensor->tied_to;
  const char * const cells[] = { name, shape, type, count, size, tied_to, NULL };

  hr_document_block_add_row (table, cells);
}

static void
add_tensors_table (HrAnatomy    *self,
                   HrUnitSystem  unit_system,
                   HrDocument   *document)
{
  static const gboolean numeric[] = { FALSE, TRUE, FALSE, TRUE, TRUE, FALSE };
  const char * const columns[] = {
    _("Tensor"), _("Shape"), _("Data type"), _("Parameters"), _("Size"), _("Tied to"), NULL,
  };
  HrDocumentBlock *table;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Tensors"));
  table = hr_document_add_table (document, columns, numeric);

  for (guint i = 0; i < hr_anatomy_get_n_all_tensors (self); i++)
    {
      guint index, copy;

      hr_anatomy_get_tensor (self, i, &index, &copy);
      add_tensor_row (self, index, copy, unit_system, table);
    }
}

static void
add_warnings (HrModel    *model,
              HrDocument *document)
{
  const char * const *warnings = hr_model_get_warnings (model);
  HrDocumentBlock *list;

  if (warnings[0] == NULL)
    return;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("What was assumed"));
  list = hr_document_add_list (document);
  for (guint i = 0; warnings[i] != NULL; i++)
    hr_document_block_add_item (list, hr_text_translate (warnings[i]));
}

static void
add_title (HrAnatomy  *self,
           HrDocument *document)
{
  HrModel *model = hr_anatomy_get_model (self);
  g_autofree char *count = hr_format_count (hr_model_get_n_parameters (model));
  g_autofree char *subtitle = NULL;

  if (hr_model_check_can_be_estimated (model, NULL))
    /* Translators: a number of parameters such as “7.6 B”, the class of a model, a data type */
    subtitle = g_strdup_printf (_("%s parameters · %s · %s"), count, hr_model_get_class_label (model),
                                hr_dtype_get_name (hr_anatomy_get_dtype (self)));
  else
    subtitle = g_strdup_printf (_("%s parameters"), count);

  hr_document_add_text (document, HR_DOCUMENT_TITLE, hr_model_get_name (model));
  hr_document_add_text (document, HR_DOCUMENT_SUBTITLE, subtitle);
}

static HrDocument *
create_document (HrAnatomy    *self,
                 HrAnatomy    *other,
                 gboolean      with_tensors,
                 HrUnitSystem  unit_system)
{
  HrDocument *document = hr_document_new ();

  add_title (self, document);
  hr_document_add_chart (document);
  hr_model_add_facts (hr_anatomy_get_model (self), hr_anatomy_get_cache_dtype (self), unit_system, document);
  add_warnings (hr_anatomy_get_model (self), document);
  if (other != NULL)
    {
      g_autoptr (HrAnatomyTable) comparison = hr_anatomy_compare (self, other);

      add_table (comparison, unit_system, document);
    }

  for (HrAnatomySection section = 0; section < HR_N_ANATOMY_SECTIONS; section++)
    {
      if (section != HR_ANATOMY_SECTION_PARTS)
        add_table (hr_anatomy_get_table (self, section), unit_system, document);
    }

  if (with_tensors)
    add_tensors_table (self, unit_system, document);

  return document;
}

/**
 * hr_anatomy_to_text:
 * @self: an anatomy
 * @other: (nullable): what to set beside it
 * @with_tensors: whether to list every tensor
 * @unit_system: the units to write sizes in
 * @style: what the text is for
 *
 * Writes what a model is as text in columns.
 *
 * Returns: (transfer full): the text
 */
char *
hr_anatomy_to_text (HrAnatomy         *self,
                    HrAnatomy         *other,
                    gboolean           with_tensors,
                    HrUnitSystem       unit_system,
                    HrReportTextStyle  style)
{
  g_autoptr (HrDocument) document = NULL;

  g_return_val_if_fail (HR_IS_ANATOMY (self), NULL);
  g_return_val_if_fail (other == NULL || HR_IS_ANATOMY (other), NULL);

  document = create_document (self, other, with_tensors, unit_system);

  return hr_document_to_text (document, style);
}

/**
 * hr_anatomy_to_markdown:
 * @self: an anatomy
 * @other: (nullable): what to set beside it
 * @with_tensors: whether to list every tensor
 * @unit_system: the units to write sizes in
 *
 * Writes what a model is as Markdown.
 *
 * Returns: (transfer full): the Markdown
 */
char *
hr_anatomy_to_markdown (HrAnatomy    *self,
                        HrAnatomy    *other,
                        gboolean      with_tensors,
                        HrUnitSystem  unit_system)
{
  g_autoptr (HrDocument) document = NULL;

  g_return_val_if_fail (HR_IS_ANATOMY (self), NULL);
  g_return_val_if_fail (other == NULL || HR_IS_ANATOMY (other), NULL);

  document = create_document (self, other, with_tensors, unit_system);

  return hr_document_to_markdown (document);
}

/**
 * hr_anatomy_to_html:
 * @self: an anatomy
 * @other: (nullable): what to set beside it
 * @with_tensors: whether to list every tensor
 * @unit_system: the units to write sizes in
 * @chart: (nullable): a picture of the parts as SVG
 *
 * Writes what a model is as one HTML file.
 *
 * Returns: (transfer full): the HTML
 */
char *
hr_anatomy_to_html (HrAnatomy    *self,
                    HrAnatomy    *other,
                    gboolean      with_tensors,
                    HrUnitSystem  unit_system,
                    const char   *chart)
{
  g_autoptr (HrDocument) document = NULL;

  g_return_val_if_fail (HR_IS_ANATOMY (self), NULL);
  g_return_val_if_fail (other == NULL || HR_IS_ANATOMY (other), NULL);

  document = create_document (self, other, with_tensors, unit_system);

  return hr_document_to_html (document, chart, NULL);
}

/**
 * hr_anatomy_dup_file_name:
 * @self: an anatomy
 * @suffix: what the name ends with, such as `anatomy.html`
 *
 * Suggests a name for a file, such as `Qwen2.5-7B-Instruct-anatomy.html`.
 *
 * Returns: (transfer full): a name that is good in every file system
 */
char *
hr_anatomy_dup_file_name (HrAnatomy  *self,
                          const char *suffix)
{
  g_autofree char *name = NULL;

  g_return_val_if_fail (HR_IS_ANATOMY (self), NULL);
  g_return_val_if_fail (suffix != NULL, NULL);

  name = hr_model_dup_file_name (hr_anatomy_get_model (self));

  return g_strconcat (name, "-", suffix, NULL);
}

static void
add_table_json (JsonBuilder    *builder,
                HrAnatomyTable *table)
{
  if (table == NULL)
    return;

  json_builder_set_member_name (builder, table->id);
  json_builder_begin_array (builder);
  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (table, i);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "id", row->id);
      hr_json_build_string (builder, "label", row->label);
      json_builder_set_member_name (builder, "depth");
      json_builder_add_int_value (builder, row->depth);
      if (row->formula != NULL)
        hr_json_build_string (builder, "formula", row->formula);
      if (row->substitution != NULL)
        hr_json_build_string (builder, "substitution", row->substitution);
      if (row->text != NULL)
        hr_json_build_string (builder, table->column_ids[0], row->text);
      for (guint column = 0; column < table->n_columns; column++)
        {
          if (row->values[column].unit == HR_ANATOMY_UNIT_NONE)
            continue;
          json_builder_set_member_name (builder, table->column_ids[column]);
          json_builder_add_int_value (builder, (gint64) row->values[column].number);
        }
      if (row->note != NULL)
        hr_json_build_string (builder, "note", row->note);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/* What stands for a quantized matrix, by what follows the name of its module. */
static void
add_pieces (JsonBuilder *builder,
            HrAnatomy   *self,
            guint        index,
            guint        copy)
{
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint n_pieces = hr_anatomy_list_pieces (self, index, copy, pieces);

  if (n_pieces == 0)
    return;

  json_builder_set_member_name (builder, "pieces");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n_pieces; i++)
    {
      json_builder_begin_object (builder);
      hr_json_build_string (builder, "suffix", pieces[i].suffix);
      json_builder_set_member_name (builder, "shape");
      json_builder_begin_array (builder);
      for (guint j = 0; j < pieces[i].n_dimensions; j++)
        json_builder_add_int_value (builder, pieces[i].shape[j]);
      json_builder_end_array (builder);
      hr_json_build_string (builder, "dtype", pieces[i].type);
      json_builder_set_member_name (builder, "bytes");
      json_builder_add_int_value (builder, pieces[i].n_bytes);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_tensor (JsonBuilder *builder,
            HrAnatomy   *self,
            guint        index,
            guint        copy)
{
  HrModel *model = hr_anatomy_get_model (self);
  const HrTensor *tensor = hr_model_get_tensor (model, index);
  g_autofree char *name = hr_tensor_get_name (tensor, copy);
  guint64 bytes, stored_bytes;
  const char *type;

  bytes = hr_anatomy_get_tensor_bytes (self, index, copy, &type);

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "name", name);
  json_builder_set_member_name (builder, "shape");
  json_builder_begin_array (builder);
  for (guint i = 0; i < tensor->n_dimensions; i++)
    json_builder_add_int_value (builder, tensor->shape[i]);
  json_builder_end_array (builder);
  hr_json_build_string (builder, "dtype", type);
  json_builder_set_member_name (builder, "bytes");
  json_builder_add_int_value (builder, bytes);
  if (hr_model_get_stored (model, index, copy, NULL, &stored_bytes, NULL))
    {
      json_builder_set_member_name (builder, "stored-bytes");
      json_builder_add_int_value (builder, stored_bytes);
    }
  hr_json_build_string (builder, "part", hr_part_get_id (tensor->part));
  json_builder_set_member_name (builder, "parameters");
  json_builder_add_int_value (builder, tensor->n_elements);
  hr_json_build_string (builder, "tied-to", tensor->tied_to);
  add_pieces (builder, self, index, copy);
  json_builder_end_object (builder);
}

static void
add_tensors (JsonBuilder *builder,
             HrAnatomy   *self)
{
  json_builder_set_member_name (builder, "tensors");
  json_builder_begin_array (builder);
  for (guint i = 0; i < hr_anatomy_get_n_all_tensors (self); i++)
    {
      guint index, copy;

      hr_anatomy_get_tensor (self, i, &index, &copy);
      add_tensor (builder, self, index, copy);
    }
  json_builder_end_array (builder);
}

static void
add_warnings_json (JsonBuilder *builder,
                   HrModel     *model)
{
  const char * const *warnings = hr_model_get_warnings (model);

  json_builder_set_member_name (builder, "warnings");
  json_builder_begin_array (builder);
  for (guint i = 0; warnings[i] != NULL; i++)
    json_builder_add_string_value (builder, hr_text_translate (warnings[i]));
  json_builder_end_array (builder);
}

/* What the sizes of an anatomy are those of. */
static void
add_load (JsonBuilder *builder,
          HrAnatomy   *self)
{
  json_builder_set_member_name (builder, "load");
  json_builder_begin_object (builder);
  hr_json_build_string (builder, "dtype", hr_dtype_get_name (hr_anatomy_get_dtype (self)));
  hr_json_build_string (builder, "quantization", hr_quantization_get_name (hr_anatomy_get_quantization (self)));
  hr_json_build_string (builder, "kv-cache-dtype", hr_dtype_get_name (hr_anatomy_get_cache_dtype (self)));
  json_builder_set_member_name (builder, "tokens");
  json_builder_add_int_value (builder, hr_anatomy_get_n_tokens (self));
  json_builder_set_member_name (builder, "sequences");
  json_builder_add_int_value (builder, hr_anatomy_get_n_sequences (self));
  json_builder_set_member_name (builder, "bytes");
  json_builder_add_int_value (builder, hr_anatomy_get_n_bytes (self));
  json_builder_set_member_name (builder, "buffer-bytes");
  json_builder_add_int_value (builder, hr_model_get_buffer_bytes (hr_anatomy_get_model (self)));
  json_builder_end_object (builder);
}

/**
 * hr_anatomy_to_json:
 * @self: an anatomy
 * @other: (nullable): what to set beside it
 *
 * Writes what a model is, with every tensor, as JSON with the schema `headroom-model/1`.
 *
 * A tensor that is tied to another one names it, and is not counted in the total.
 *
 * Returns: (transfer full): the JSON
 */
char *
hr_anatomy_to_json (HrAnatomy *self,
                    HrAnatomy *other)
{
  g_autoptr (JsonBuilder) builder = NULL;
  HrModel *model;

  g_return_val_if_fail (HR_IS_ANATOMY (self), NULL);
  g_return_val_if_fail (other == NULL || HR_IS_ANATOMY (other), NULL);

  model = hr_anatomy_get_model (self);
  builder = json_builder_new ();

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "schema", "headroom-model/1");
  json_builder_set_member_name (builder, "model");
  hr_model_build_json (model, hr_anatomy_get_cache_dtype (self), 0, builder);
  add_load (builder, self);
  for (HrAnatomySection section = 0; section < HR_N_ANATOMY_SECTIONS; section++)
    add_table_json (builder, hr_anatomy_get_table (self, section));
  if (other != NULL)
    {
      g_autoptr (HrAnatomyTable) comparison = hr_anatomy_compare (self, other);

      json_builder_set_member_name (builder, "compared-with");
      hr_model_build_json (hr_anatomy_get_model (other), hr_anatomy_get_cache_dtype (other), 0, builder);
      add_table_json (builder, comparison);
    }
  add_tensors (builder, self);
  add_warnings_json (builder, model);
  json_builder_end_object (builder);

  return hr_json_builder_to_text (builder);
}

static void
append_number (GString *string,
               guint64  number)
{
  g_string_append_printf (string, ",%" G_GUINT64_FORMAT, number);
}

/* A row for each value of a table. */
static void
append_table (GString        *string,
              HrAnatomyTable *table)
{
  if (table == NULL)
    return;

  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrAnatomyRow *row = hr_anatomy_table_get_row (table, i);

      for (guint column = 0; column < table->n_columns; column++)
        {
          const HrAnatomyValue *value = &row->values[column];
          const char *text = column == 0 ? row->text : NULL;

          if (value->unit == HR_ANATOMY_UNIT_NONE && text == NULL)
            continue;

          hr_csv_append_field (string, table->id);
          g_string_append_c (string, ',');
          hr_csv_append_field (string, row->id);
          g_string_append_c (string, ',');
          hr_csv_append_field (string, row->label);
          g_string_append_c (string, ',');
          hr_csv_append_field (string, table->column_ids[column]);
          if (text != NULL)
            {
              g_string_append_c (string, ',');
              hr_csv_append_field (string, text);
            }
          else
            g_string_append_printf (string, ",%" G_GINT64_FORMAT, (gint64) value->number);
          g_string_append_c (string, ',');
          hr_csv_append_field (string, column == 0 || table->n_columns == 2 ? row->formula : NULL);
          g_string_append_c (string, ',');
          hr_csv_append_field (string, column == 0 || table->n_columns == 2 ? row->substitution : NULL);
          g_string_append (string, "\r\n");
        }
    }
}

/**
 * hr_anatomy_to_csv:
 * @self: an anatomy
 * @other: (nullable): what to set beside it
 *
 * Writes the tables of an anatomy as comma-separated values, one row for each figure, in UTF-8.
 *
 * Returns: (transfer full): the table
 */
char *
hr_anatomy_to_csv (HrAnatomy *self,
                   HrAnatomy *other)
{
  GString *string;

  g_return_val_if_fail (HR_IS_ANATOMY (self), NULL);
  g_return_val_if_fail (other == NULL || HR_IS_ANATOMY (other), NULL);

  string = g_string_new ("section,id,label,figure,value,formula,substitution\r\n");
  for (HrAnatomySection section = 0; section < HR_N_ANATOMY_SECTIONS; section++)
    append_table (string, hr_anatomy_get_table (self, section));
  if (other != NULL)
    {
      g_autoptr (HrAnatomyTable) comparison = hr_anatomy_compare (self, other);

      append_table (string, comparison);
    }

  return g_string_free (string, FALSE);
}

static void
append_tensor (GString   *string,
               HrAnatomy *self,
               guint      index,
               guint      copy)
{
  const HrTensor *tensor = hr_model_get_tensor (hr_anatomy_get_model (self), index);
  g_autofree char *name = hr_tensor_get_name (tensor, copy);
  g_autofree char *shape = describe_shape (tensor);
  const char *type;
  guint64 bytes = hr_anatomy_get_tensor_bytes (self, index, copy, &type);

  hr_csv_append_field (string, name);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, hr_part_get_id (tensor->part));
  g_string_append_c (string, ',');
  hr_csv_append_field (string, shape);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, type);
  append_number (string, tensor->n_elements);
  append_number (string, bytes);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, tensor->tied_to);
  g_string_append (string, "\r\n");
}

/**
 * hr_anatomy_tensors_to_csv:
 * @self: an anatomy
 *
 * Writes the list of all tensors as comma-separated values, in UTF-8.
 *
 * Returns: (transfer full): the table
 */
char *
hr_anatomy_tensors_to_csv (HrAnatomy *self)
{
  GString *string;

  g_return_val_if_fail (HR_IS_ANATOMY (self), NULL);

  string = g_string_new ("name,part,shape,dtype,parameters,bytes,tied-to\r\n");
  for (guint i = 0; i < hr_anatomy_get_n_all_tensors (self); i++)
    {
      guint index, copy;

      hr_anatomy_get_tensor (self, i, &index, &copy);
      append_tensor (string, self, index, copy);
    }

  return g_string_free (string, FALSE);
}
