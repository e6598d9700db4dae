/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-document.h"

#include <math.h>

#define BAR_COLUMNS 24
#define TEXT_COLUMNS 80

#define ESCAPE_BOLD "\033[1m"
#define ESCAPE_DIM "\033[2m"
#define ESCAPE_GOOD "\033[1;32m"
#define ESCAPE_BAD "\033[1;31m"
#define ESCAPE_END "\033[0m"

/* How many columns of a terminal a text takes: two for wide characters, none for combining ones. */
static guint
get_width (const char *text)
{
  guint width = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (!g_unichar_iszerowidth (c))
        width += g_unichar_iswide (c) ? 2 : 1;
    }

  return width;
}

static void
append_spaces (GString *string,
               guint    n_spaces)
{
  for (guint i = 0; i < n_spaces; i++)
    g_string_append_c (string, ' ');
}

/* Names come from files: a control character in one must not reach the terminal. */
static void
append_printable (GString    *string,
                  const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      g_string_append_unichar (string, g_unichar_iscntrl (c) ? ' ' : c);
    }
}

/* The end of what must not be broken: a word, or one character of a language that has no spaces. */
static const char *
find_end_of_word (const char *p)
{
  if (g_unichar_iswide (g_utf8_get_char (p)))
    return g_utf8_next_char (p);

  while (*p != '\0' && *p != ' ' && !g_unichar_iswide (g_utf8_get_char (p)))
    p = g_utf8_next_char (p);

  return p;
}

/*
 * Appends a text that begins in a column of its line, broken where a terminal ends; the lines that follow begin in the
 * same column. Names come from files, so that control characters are left out.
 */
void
hr_document_append_wrapped (GString    *string,
                            const char *text,
                            guint       indentation)
{
  guint column = indentation;
  gboolean after_space = FALSE;

  while (*text != '\0')
    {
      g_autofree char *word = NULL;
      const char *end;
      guint width;

      if (*text == ' ')
        {
          after_space = TRUE;
          text++;
          continue;
        }

      end = find_end_of_word (text);
      word = g_strndup (text, end - text);
      width = get_width (word);
      if (column + after_space + width > TEXT_COLUMNS && column > indentation)
        {
          g_string_append_c (string, '\n');
          append_spaces (string, indentation);
          column = indentation;
        }
      else if (after_space)
        {
          g_string_append_c (string, ' ');
          column++;
        }

      append_printable (string, word);
      column += width;
      after_space = FALSE;
      text = end;
    }

  g_string_append_c (string, '\n');
}

static void
append_escape (GString     *string,
               const char  *escape,
               HrReportTextStyle  style)
{
  if (style == HR_REPORT_TEXT_STYLE_COLORS)
    g_string_append (string, escape);
}

static void
append_padded (GString    *string,
               const char *text,
               guint       width,
               gboolean    flush_right)
{
  guint padding = width - MIN (width, get_width (text));

  if (flush_right)
    append_spaces (string, padding);
  append_printable (string, text);
  if (!flush_right)
    append_spaces (string, padding);
}

/* An eighth of a column is the finest that a bar of characters can show. */
static void
append_bar (GString             *string,
            const HrDocumentRow *row,
            HrReportTextStyle          style)
{
  static const char * const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
  guint n_eighths;

  if (style == HR_REPORT_TEXT_STYLE_PLAIN || row->share < 0)
    return;

  n_eighths = lround (row->share * BAR_COLUMNS * 8);
  if (n_eighths == 0 && row->share > 0)
    n_eighths = 1;

  g_string_append (string, "  ");
  if (style == HR_REPORT_TEXT_STYLE_COLORS && row->has_color)
    g_string_append_printf (string, "\033[38;2;%u;%u;%um",
                            row->color >> 16 & 0xff, row->color >> 8 & 0xff, row->color & 0xff);
  for (guint i = 0; i < n_eighths / 8; i++)
    g_string_append (string, "█");
  g_string_append (string, eighths[n_eighths % 8]);
  append_escape (string, ESCAPE_END, style);
}

static guint *
measure_columns (const HrDocumentBlock *table)
{
  guint n_columns = g_strv_length (table->columns);
  guint *widths = g_new (guint, n_columns);

  for (guint column = 0; column < n_columns; column++)
    {
      widths[column] = get_width (table->columns[column]);

      for (guint i = 0; i < table->rows->len; i++)
        {
          const HrDocumentRow *row = g_ptr_array_index (table->rows, i);

          widths[column] = MAX (widths[column], get_width (row->cells[column]));
        }
    }

  return widths;
}

static void
append_cells (GString               *string,
              const HrDocumentBlock *table,
              char                 **cells,
              const guint           *widths)
{
  for (guint column = 0; cells[column] != NULL; column++)
    {
      gboolean is_last_text = cells[column + 1] == NULL && !table->numeric[column];

      g_string_append (string, "  ");
      append_padded (string, cells[column], is_last_text ? 0 : widths[column], table->numeric[column]);
    }
}

static void
append_rule (GString     *string,
             const guint *widths,
             guint        n_columns)
{
  guint width = 2 * (n_columns - 1);

  for (guint column = 0; column < n_columns; column++)
    width += widths[column];

  g_string_append (string, "  ");
  for (guint i = 0; i < width; i++)
    g_string_append (string, "─");
  g_string_append_c (string, '\n');
}

static void
append_table (GString               *string,
              const HrDocumentBlock *table,
              HrReportTextStyle            style)
{
  g_autofree guint *widths = measure_columns (table);
  guint n_columns = g_strv_length (table->columns);

  append_escape (string, ESCAPE_DIM, style);
  append_cells (string, table, table->columns, widths);
  append_escape (string, ESCAPE_END, style);
  g_string_append_c (string, '\n');
  append_rule (string, widths, n_columns);

  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrDocumentRow *row = g_ptr_array_index (table->rows, i);

      if (row->is_total)
        {
          append_rule (string, widths, n_columns);
          append_escape (string, ESCAPE_BOLD, style);
        }
      append_cells (string, table, row->cells, widths);
      if (row->is_total)
        append_escape (string, ESCAPE_END, style);
      append_bar (string, row, style);
      g_string_append_c (string, '\n');
    }

  g_string_append_c (string, '\n');
}

static void
append_facts (GString               *string,
              const HrDocumentBlock *block,
              HrReportTextStyle            style)
{
  guint width = 0;

  for (guint i = 0; i < block->facts->len; i++)
    {
      const HrDocumentFact *fact = g_ptr_array_index (block->facts, i);

      width = MAX (width, get_width (fact->name));
    }

  for (guint i = 0; i < block->facts->len; i++)
    {
      const HrDocumentFact *fact = g_ptr_array_index (block->facts, i);
      g_autofree char *value = hr_document_fact_dup_text (fact);

      g_string_append (string, "  ");
      append_escape (string, ESCAPE_DIM, style);
      append_padded (string, fact->name, width, FALSE);
      append_escape (string, ESCAPE_END, style);
      g_string_append (string, "  ");
      hr_document_append_wrapped (string, value, width + 4);
    }

  g_string_append_c (string, '\n');
}

static void
append_line (GString     *string,
             const char  *escape,
             const char  *text,
             HrReportTextStyle  style)
{
  append_escape (string, escape, style);
  append_printable (string, text);
  append_escape (string, ESCAPE_END, style);
  g_string_append_c (string, '\n');
}

static void
append_block (GString               *string,
              const HrDocumentBlock *block,
              HrReportTextStyle            style)
{
  switch (block->kind)
    {
    case HR_DOCUMENT_TITLE:
      append_line (string, ESCAPE_BOLD, block->text, style);
      break;

    case HR_DOCUMENT_HEADING:
      append_line (string, ESCAPE_BOLD, block->text, style);
      g_string_append_c (string, '\n');
      break;

    case HR_DOCUMENT_SUBHEADING:
      g_string_append (string, "  ");
      append_line (string, ESCAPE_BOLD, block->text, style);
      break;

    case HR_DOCUMENT_VERDICT:
      append_line (string, block->is_good ? ESCAPE_GOOD : ESCAPE_BAD, block->text, style);
      g_string_append_c (string, '\n');
      break;

    case HR_DOCUMENT_SUBTITLE:
    case HR_DOCUMENT_FOOTER:
      append_line (string, ESCAPE_DIM, block->text, style);
      g_string_append_c (string, '\n');
      break;

    case HR_DOCUMENT_PARAGRAPH:
      g_string_append (string, "  ");
      hr_document_append_wrapped (string, block->text, 2);
      break;

    case HR_DOCUMENT_FACTS:
      append_facts (string, block, style);
      break;

    case HR_DOCUMENT_LIST:
      for (guint i = 0; i < block->items->len; i++)
        {
          g_string_append (string, "  • ");
          hr_document_append_wrapped (string, g_ptr_array_index (block->items, i), 4);
        }
      g_string_append_c (string, '\n');
      break;

    case HR_DOCUMENT_TABLE:
      append_table (string, block, style);
      break;

    case HR_DOCUMENT_CHART:
    case HR_DOCUMENT_TIMELINE:
      break;

    default:
      g_assert_not_reached ();
    }
}

/* Writes a document for a terminal or a pipe; the text ends with one line break. */
char *
hr_document_to_text (HrDocument  *self,
                     HrReportTextStyle  style)
{
  GString *string;

  g_return_val_if_fail (self != NULL, NULL);

  string = g_string_new (NULL);
  for (guint i = 0; i < hr_document_get_n_blocks (self); i++)
    {
      const HrDocumentBlock *block = hr_document_get_block (self, i);

      append_block (string, block, style);
      if (block->kind == HR_DOCUMENT_PARAGRAPH && i + 1 < hr_document_get_n_blocks (self) &&
          hr_document_get_block (self, i + 1)->kind == HR_DOCUMENT_TABLE)
        g_string_append_c (string, '\n');
    }

  while (g_str_has_suffix (string->str, "\n\n"))
    g_string_truncate (string, string->len - 1);

  return g_string_free (string, FALSE);
}
