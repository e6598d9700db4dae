/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-listing.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "hr-architecture.h"
#include "hr-base-enums.h"
#include "hr-document.h"
#include "hr-gguf-mixture.h"
#include "hr-gpu-catalogue.h"
#include "hr-help.h"
#include "hr-job.h"
#include "hr-labels.h"
#include "hr-local-models.h"
#include "hr-matrix-format.h"
#include "hr-model-catalogue.h"
#include "hr-number-format.h"
#include "hr-number-text.h"
#include "hr-published-speeds.h"
#include "hr-report-private.h"
#include "hr-units.h"

#define MAX_COLUMNS 10

typedef enum
{
  COLUMN_TEXT,
  COLUMN_COUNT,
  COLUMN_BYTES,
  COLUMN_NUMBER,
  COLUMN_PATH,
  COLUMN_DECIMAL,
  COLUMN_PROSE,
} ColumnKind;

typedef struct
{
  const char *key;
  const char *title;
  ColumnKind kind;
} Column;

/* A row has a cell for each column, as a machine reads it; what is not known is empty. */
typedef struct
{
  const char *name;
  Column columns[MAX_COLUMNS];
  gboolean (*add_rows) (GPtrArray  *rows,
                        GError    **error);
} List;

static void
add_cells (GPtrArray          *rows,
           const char * const *texts,
           guint               n_texts)
{
  char **cells = g_new0 (char *, MAX_COLUMNS + 1);

  for (guint i = 0; i < MAX_COLUMNS; i++)
    cells[i] = g_strdup (i < n_texts && texts[i] != NULL ? texts[i] : "");

  g_ptr_array_add (rows, cells);
}

static void
add_row (GPtrArray  *rows,
         const char *first,
         const char *second,
         const char *third,
         const char *fourth,
         const char *fifth)
{
  const char * const texts[] = { first, second, third, fourth, fifth };

  add_cells (rows, texts, G_N_ELEMENTS (texts));
}

static char *
print_number (guint64 number)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

/* The folder of a model that was downloaded, which is then no longer among those that the catalogue lacks. */
static char *
take_local_folder (GPtrArray  *locals,
                   const char *id)
{
  for (guint i = 0; i < locals->len; i++)
    {
      HrLocalModel *local = g_ptr_array_index (locals, i);

      if (g_ascii_strcasecmp (local->id, id) == 0)
        {
          char *path = g_file_get_parse_name (local->folder);

          g_ptr_array_remove_index (locals, i);
          return path;
        }
    }

  return NULL;
}

/* It may have been downloaded under any of its names. */
static char *
take_folder_of_entry (GPtrArray    *locals,
                      HrModelEntry *entry)
{
  GPtrArray *aliases = hr_model_entry_get_aliases (entry);
  char *path = take_local_folder (locals, hr_model_entry_get_id (entry));

  for (guint i = 0; path == NULL && aliases != NULL && i < aliases->len; i++)
    path = take_local_folder (locals, hr_model_entry_get_id (g_ptr_array_index (aliases, i)));

  return path;
}

static char *
print_decimal (double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup (g_ascii_formatd (text, sizeof text, "%.4g", number));
}

/* What an element of a large matrix takes with its scales; of a file of llama.cpp, in the type of most matrices. */
static double
get_quantized_bits (HrQuantization quantization)
{
  return hr_quantization_is_gguf (quantization) ? hr_gguf_mixture_get_bits (quantization)
                                                : hr_matrix_format_get_bits (hr_matrix_format_get (quantization));
}

static gboolean
add_models (GPtrArray  *rows,
            GError    **error)
{
  GListModel *models = hr_model_catalogue_get_default ();
  g_autoptr (GPtrArray) locals = hr_local_models_list ();

  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (models, i);
      g_autofree char *local = take_folder_of_entry (locals, entry);
      g_autofree char *count = NULL;
      guint64 n_parameters;

      if (hr_model_entry_get_n_parameters (entry, &n_parameters))
        count = print_number (n_parameters);

      add_row (rows, hr_model_entry_get_id (entry), hr_model_entry_get_family (entry), count, local,
               hr_model_entry_get_source (entry));
    }

  for (guint i = 0; i < locals->len; i++)
    {
      HrLocalModel *local = g_ptr_array_index (locals, i);
      g_autofree char *path = g_file_get_parse_name (local->folder);

      add_row (rows, local->id, NULL, NULL, path, path);
    }

  return TRUE;
}

static gboolean
add_gpus (GPtrArray  *rows,
          GError    **error)
{
  GListModel *gpus = hr_gpu_catalogue_get_default ();

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (gpus, i);
      g_autofree char *memory = print_number (hr_gpu_get_memory (gpu));
      g_autofree char *year = NULL;
      guint number;

      if (hr_gpu_get_year (gpu, &number))
        year = print_number (number);

      add_row (rows, hr_gpu_get_id (gpu), hr_gpu_get_name (gpu), memory, year, hr_gpu_get_source (gpu));
    }

  return TRUE;
}

static gboolean
add_architectures (GPtrArray  *rows,
                   GError    **error)
{
  g_auto (GStrv) names = hr_architecture_list ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (HrArchitecture) architecture = hr_architecture_new (names[i], error);

      if (architecture == NULL)
        return FALSE;

      add_row (rows, names[i], hr_architecture_get_class_name (architecture), hr_architecture_get_source (architecture),
               NULL, NULL);
    }

  return TRUE;
}

/* The choices of a setting of the inference job, without "auto", which is none of the things that are listed. */
static void
add_choices (GPtrArray  *rows,
             const char *property,
             const char *kind)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), property);
  GEnumClass *enum_class = G_PARAM_SPEC_ENUM (setting)->enum_class;

  for (guint i = 0; i < enum_class->n_values; i++)
    {
      const GEnumValue *choice = &enum_class->values[i];
      g_autofree char *bits = NULL;
      const char *source = NULL;

      if (g_str_equal (choice->value_nick, "auto") || g_str_equal (choice->value_nick, "none"))
        continue;

      if (setting->value_type == HR_TYPE_DTYPE)
        bits = print_number (hr_dtype_get_bits (choice->value));
      else if (setting->value_type == HR_TYPE_QUANTIZATION)
        {
          bits = print_decimal (get_quantized_bits (choice->value));
          source = hr_matrix_format_get_source (choice->value);
        }

      add_row (rows, choice->value_nick, hr_setting_get_choice_label (setting, choice->value), kind, bits, source);
    }
}

static gboolean
add_precisions (GPtrArray  *rows,
                GError    **error)
{
  add_choices (rows, "dtype", "dtype");
  add_choices (rows, "quantization", "quantization");

  return TRUE;
}

static gboolean
add_formats (GPtrArray  *rows,
             GError    **error)
{
  for (guint i = 0; i < hr_get_n_number_formats (); i++)
    {
      const HrNumberFormat *format = hr_number_format_get (i);
      guint64 normal = hr_number_format_get_smallest_normal (format), subnormal;
      g_autofree char *stored = print_number (format->n_stored_bits);
      g_autofree char *layout = hr_number_format_dup_layout (format);
      g_autofree char *largest = hr_number_format_dup_decimal (format, hr_number_format_get_largest (format));
      g_autofree char *smallest_normal = hr_number_format_dup_decimal (format, normal);
      g_autofree char *smallest_subnormal = NULL;
      g_autofree char *epsilon_text = NULL;
      g_autofree char *digits = NULL;
      guint n_kept, n_needed;
      double epsilon;

      if (hr_number_format_get_smallest_subnormal (format, &subnormal))
        smallest_subnormal = hr_number_format_dup_decimal (format, subnormal);
      if (hr_number_format_get_epsilon (format, &epsilon))
        epsilon_text = print_decimal (epsilon);
      if (hr_number_format_get_n_digits (format, &n_kept, &n_needed))
        digits = print_number (n_kept);

      add_cells (rows,
                 (const char * const[]) { format->id, format->name, stored, layout, largest, smallest_normal,
                                          smallest_subnormal, epsilon_text, digits, format->source },
                 MAX_COLUMNS);
    }

  return TRUE;
}

static gboolean
add_engines (GPtrArray  *rows,
             GError    **error)
{
  add_choices (rows, "engine", NULL);

  return TRUE;
}

/* What others have measured, what is estimated, and what is estimated without having looked at the source of a row. */
static gboolean
add_speeds (GPtrArray  *rows,
            GError    **error)
{
  g_autoptr (GPtrArray) speeds = hr_published_speeds_list (error);

  if (speeds == NULL)
    return FALSE;

  for (guint i = 0; i < speeds->len; i++)
    {
      const HrPublishedSpeed *speed = g_ptr_array_index (speeds, i);
      g_autofree char *measured = print_decimal (speed->measured);
      g_autofree char *estimated = print_decimal (speed->estimated);
      g_autofree char *ratio = print_decimal (speed->estimated / speed->measured);
      g_autofree char *held_out = speed->held_out > 0 ? print_decimal (speed->held_out / speed->measured) : NULL;
      const char * const texts[] = { speed->id, measured, estimated, ratio, held_out, speed->source };

      add_cells (rows, texts, G_N_ELEMENTS (texts));
    }

  return TRUE;
}

/* The terms of the field and the letters of formulas, as the help has them. */
static gboolean
add_glossary (GPtrArray  *rows,
              GError    **error)
{
  g_autoptr (GPtrArray) topics = hr_help_list_topics ();

  for (guint i = 0; i < topics->len; i++)
    {
      const HrHelpTopic *topic = g_ptr_array_index (topics, i);

      if (topic->section == HR_HELP_SECTION_TERM || topic->section == HR_HELP_SECTION_SYMBOL)
        add_row (rows, topic->id, topic->title, topic->text, NULL, NULL);
    }

  return TRUE;
}

static const List lists[HR_N_LISTINGS] = {
  [HR_LISTING_MODELS] = {
    "models",
    {
      { "id", N_("Model"), COLUMN_TEXT },
      { "family", N_("Family"), COLUMN_TEXT },
      { "parameters", N_("Parameters"), COLUMN_COUNT },
      { "local-path", N_("On this computer"), COLUMN_PATH },
      { "source", N_("Source"), COLUMN_TEXT },
    },
    add_models,
  },
  [HR_LISTING_GPUS] = {
    "gpus",
    {
      { "id", N_("Id"), COLUMN_TEXT },
      { "name", N_("GPU"), COLUMN_TEXT },
      { "memory-bytes", N_("Memory"), COLUMN_BYTES },
      { "year", N_("Year"), COLUMN_NUMBER },
      { "source", N_("Source"), COLUMN_TEXT },
    },
    add_gpus,
  },
  [HR_LISTING_ARCHITECTURES] = {
    "architectures",
    {
      { "id", N_("Model type"), COLUMN_TEXT },
      { "class", N_("Class"), COLUMN_TEXT },
      { "source", N_("Source"), COLUMN_TEXT },
    },
    add_architectures,
  },
  [HR_LISTING_PRECISIONS] = {
    "precisions",
    {
      { "id", N_("Name"), COLUMN_TEXT },
      { "label", N_("Description"), COLUMN_TEXT },
      { "kind", N_("Setting"), COLUMN_TEXT },
      { "bits", N_("Bits"), COLUMN_DECIMAL },
      { "source", N_("Source"), COLUMN_TEXT },
    },
    add_precisions,
  },
  [HR_LISTING_FORMATS] = {
    "formats",
    {
      { "id", N_("Name"), COLUMN_TEXT },
      { "label", N_("Format"), COLUMN_TEXT },
      { "bits", N_("Bits"), COLUMN_NUMBER },
      { "layout", N_("Sign, exponent, mantissa"), COLUMN_TEXT },
      { "largest", N_("Largest"), COLUMN_DECIMAL },
      { "smallest-normal", N_("Smallest normal"), COLUMN_DECIMAL },
      { "smallest-subnormal", N_("Smallest subnormal"), COLUMN_DECIMAL },
      { "epsilon", N_("Epsilon"), COLUMN_DECIMAL },
      { "digits", N_("Decimal digits"), COLUMN_NUMBER },
      { "source", N_("Source"), COLUMN_TEXT },
    },
    add_formats,
  },
  [HR_LISTING_ENGINES] = {
    "engines",
    {
      { "id", N_("Name"), COLUMN_TEXT },
      { "label", N_("Description"), COLUMN_TEXT },
    },
    add_engines,
  },
  [HR_LISTING_SPEEDS] = {
    "speeds",
    {
      { "id", N_("Measurement"), COLUMN_TEXT },
      { "measured", N_("Tokens per second, measured"), COLUMN_DECIMAL },
      { "estimated", N_("Estimated"), COLUMN_DECIMAL },
      { "ratio", N_("Ratio"), COLUMN_DECIMAL },
      { "held-out-ratio", N_("Ratio, held out"), COLUMN_DECIMAL },
      { "source", N_("Source"), COLUMN_TEXT },
    },
    add_speeds,
  },
  [HR_LISTING_GLOSSARY] = {
    "glossary",
    {
      { "id", N_("Name"), COLUMN_TEXT },
      { "title", N_("Term"), COLUMN_TEXT },
      { "text", N_("Meaning"), COLUMN_PROSE },
    },
    add_glossary,
  },
};

static guint
get_n_columns (const List *list)
{
  guint n_columns = 0;

  while (n_columns < MAX_COLUMNS && list->columns[n_columns].key != NULL)
    n_columns++;

  return n_columns;
}

static char *
format_cell (const Column *column,
             const char   *cell)
{
  guint64 number = g_ascii_strtoull (cell, NULL, 10);

  if (*cell == '\0')
    return g_strdup ("–");

  switch (column->kind)
    {
    case COLUMN_COUNT:
      return hr_format_count (number);

    case COLUMN_BYTES:
      return hr_format_bytes (number, HR_UNIT_SYSTEM_BINARY);

    case COLUMN_PATH:
      /* Where, is for JSON. */
      return g_strdup ("✓");

    case COLUMN_TEXT:
    case COLUMN_NUMBER:
    case COLUMN_DECIMAL:
    case COLUMN_PROSE:
    default:
      return g_strdup (cell);
    }
}

static gboolean
has_prose (const List *list)
{
  for (guint i = 0; i < get_n_columns (list); i++)
    {
      if (list->columns[i].kind == COLUMN_PROSE)
        return TRUE;
    }

  return FALSE;
}

/* Sentences go below what they are about, which is in the column before them; columns would be too wide. */
static char *
print_as_paragraphs (GPtrArray         *rows,
                     HrReportTextStyle  style)
{
  g_autoptr (HrDocument) document = hr_document_new ();

  for (guint i = 0; i < rows->len; i++)
    {
      char **cells = g_ptr_array_index (rows, i);
      g_auto (GStrv) paragraphs = g_strsplit (cells[2], "\n\n", -1);

      hr_document_add_text (document, HR_DOCUMENT_SUBHEADING, cells[1]);
      for (guint j = 0; paragraphs[j] != NULL; j++)
        hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, paragraphs[j]);
    }

  return hr_document_to_text (document, style);
}

/* Sources are for JSON: an address in each row would leave no room for the rest. */
static char *
print_as_text (const List        *list,
               GPtrArray         *rows,
               HrReportTextStyle  style)
{
  g_autoptr (HrDocument) document = hr_document_new ();
  const char *titles[MAX_COLUMNS + 1] = { NULL, };
  gboolean numeric[MAX_COLUMNS] = { FALSE, };
  guint n_columns = 0;
  HrDocumentBlock *table;

  if (has_prose (list))
    return print_as_paragraphs (rows, style);

  for (guint i = 0; i < get_n_columns (list) && !g_str_equal (list->columns[i].key, "source"); i++)
    {
      titles[n_columns] = _(list->columns[i].title);
      numeric[n_columns] = list->columns[i].kind != COLUMN_TEXT && list->columns[i].kind != COLUMN_PATH;
      n_columns++;
    }

  table = hr_document_add_table (document, titles, numeric);
  for (guint i = 0; i < rows->len; i++)
    {
      char **cells = g_ptr_array_index (rows, i);
      g_auto (GStrv) texts = g_new0 (char *, n_columns + 1);

      for (guint column = 0; column < n_columns; column++)
        texts[column] = format_cell (&list->columns[column], cells[column]);
      hr_document_block_add_row (table, (const char * const *) texts);
    }

  return hr_document_to_text (document, style);
}

static void
add_cell (JsonBuilder  *builder,
          const Column *column,
          const char   *cell)
{
  json_builder_set_member_name (builder, column->key);

  if (*cell == '\0')
    json_builder_add_null_value (builder);
  else if (column->kind == COLUMN_TEXT || column->kind == COLUMN_PATH || column->kind == COLUMN_PROSE)
    json_builder_add_string_value (builder, cell);
  else if (column->kind == COLUMN_DECIMAL && strpbrk (cell, ".e") != NULL)
    json_builder_add_double_value (builder, g_ascii_strtod (cell, NULL));
  else
    json_builder_add_int_value (builder, g_ascii_strtoll (cell, NULL, 10));
}

static char *
print_as_json (const List *list,
               GPtrArray  *rows)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "schema");
  json_builder_add_string_value (builder, "headroom-list/1");
  json_builder_set_member_name (builder, list->name);
  json_builder_begin_array (builder);

  for (guint i = 0; i < rows->len; i++)
    {
      char **cells = g_ptr_array_index (rows, i);

      json_builder_begin_object (builder);
      for (guint column = 0; column < get_n_columns (list); column++)
        add_cell (builder, &list->columns[column], cells[column]);
      json_builder_end_object (builder);
    }

  json_builder_end_array (builder);
  json_builder_end_object (builder);

  return hr_json_builder_to_text (builder);
}

/**
 * hr_listing_get_name:
 * @listing: a list
 *
 * Gets what the command line calls a list.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_listing_get_name (HrListing listing)
{
  g_return_val_if_fail ((guint) listing < HR_N_LISTINGS, NULL);

  return lists[listing].name;
}

/**
 * hr_listing_from_name:
 * @name: a name, such as `models`
 * @listing: (out): the list
 *
 * Finds the list of a name.
 *
 * Returns: whether there is one
 */
gboolean
hr_listing_from_name (const char *name,
                      HrListing  *listing)
{
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (listing != NULL, FALSE);

  for (guint i = 0; i < HR_N_LISTINGS; i++)
    {
      if (g_str_equal (lists[i].name, name))
        {
          *listing = i;
          return TRUE;
        }
    }

  return FALSE;
}

/**
 * hr_listing_to_text:
 * @listing: a list
 * @style: what the text is for
 * @error: return location for a #GError
 *
 * Writes a list as text in columns.
 *
 * Returns: (transfer full): the text, or %NULL with @error set if something that is listed cannot be read
 */
char *
hr_listing_to_text (HrListing           listing,
                    HrReportTextStyle   style,
                    GError            **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);

  g_return_val_if_fail ((guint) listing < HR_N_LISTINGS, NULL);

  return lists[listing].add_rows (rows, error) ? print_as_text (&lists[listing], rows, style) : NULL;
}

/**
 * hr_listing_to_json:
 * @listing: a list
 * @error: return location for a #GError
 *
 * Writes a list as JSON with the schema `headroom-list/1`.
 *
 * Returns: (transfer full): the JSON, or %NULL with @error set if something that is listed cannot be read
 */
char *
hr_listing_to_json (HrListing   listing,
                    GError    **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);

  g_return_val_if_fail ((guint) listing < HR_N_LISTINGS, NULL);

  return lists[listing].add_rows (rows, error) ? print_as_json (&lists[listing], rows) : NULL;
}
