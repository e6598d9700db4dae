/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-document.h"

#include <string.h>

/* Characters that mean something in the middle of a line of CommonMark or of a table of GFM. */
#define SPECIAL_CHARACTERS "\\`*_[]<>|~&$#!"

/* Escapes a text, and folds it into one line. */
static void
append_escaped (GString    *string,
                const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_iscntrl (c))
        c = ' ';
      else if (c < 0x80 && strchr (SPECIAL_CHARACTERS, c) != NULL)
        g_string_append_c (string, '\\');

      g_string_append_unichar (string, c);
    }
}

static guint
get_longest_run_of_backticks (const char *text)
{
  guint longest = 0;
  guint run = 0;

  for (const char *p = text; *p != '\0'; p++)
    {
      run = *p == '`' ? run + 1 : 0;
      longest = MAX (longest, run);
    }

  return longest;
}

/* A code span is fenced by more backticks than it holds. */
static void
append_code (GString    *string,
             const char *text)
{
  g_autofree char *line = g_strdelimit (g_strdup (text), "\n\r\t", ' ');
  g_autofree char *fence = g_strnfill (get_longest_run_of_backticks (line) + 1, '`');
  const char *space = strchr (line, '`') != NULL ? " " : "";

  g_string_append_printf (string, "%s%s%s%s%s", fence, space, line, space, fence);
}

static void
append_value (GString              *string,
              const HrDocumentFact *fact)
{
  g_autofree char *text = hr_document_fact_dup_text (fact);

  if (fact->style == HR_DOCUMENT_FORMULA || fact->style == HR_DOCUMENT_CODE)
    append_code (string, text);
  else if (fact->style == HR_DOCUMENT_LINK && g_str_has_prefix (fact->value, "https://")
           && strpbrk (fact->value, " <>\n") == NULL)
    g_string_append_printf (string, "<%s>", fact->value);
  else
    append_escaped (string, fact->value);
}

static void
append_row (GString   *string,
            char     **cells,
            gboolean   bold)
{
  g_string_append_c (string, '|');
  for (guint i = 0; cells[i] != NULL; i++)
    {
      const char *mark = bold && cells[i][0] != '\0' ? "**" : "";

      g_string_append_c (string, ' ');
      g_string_append (string, mark);
      append_escaped (string, cells[i]);
      g_string_append (string, mark);
      g_string_append (string, " |");
    }
  g_string_append_c (string, '\n');
}

static void
append_table (GString               *string,
              const HrDocumentBlock *table)
{
  append_row (string, table->columns, FALSE);

  g_string_append_c (string, '|');
  for (guint i = 0; table->columns[i] != NULL; i++)
    g_string_append (string, table->numeric[i] ? " ---: |" : " --- |");
  g_string_append_c (string, '\n');

  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrDocumentRow *row = g_ptr_array_index (table->rows, i);

      append_row (string, row->cells, row->is_total);
    }
}

static void
append_facts (GString               *string,
              const HrDocumentBlock *block)
{
  for (guint i = 0; i < block->facts->len; i++)
    {
      const HrDocumentFact *fact = g_ptr_array_index (block->facts, i);

      g_string_append (string, "- **");
      append_escaped (string, fact->name);
      g_string_append (string, "**: ");
      append_value (string, fact);
      g_string_append_c (string, '\n');
    }
}

static void
append_line (GString    *string,
             const char *before,
             const char *text,
             const char *after)
{
  g_string_append (string, before);
  append_escaped (string, text);
  g_string_append (string, after);
  g_string_append_c (string, '\n');
}

static void
append_block (GString               *string,
              const HrDocumentBlock *block)
{
  switch (block->kind)
    {
    case HR_DOCUMENT_TITLE:
      append_line (string, "# ", block->text, "");
      break;

    case HR_DOCUMENT_HEADING:
      append_line (string, "## ", block->text, "");
      break;

    case HR_DOCUMENT_SUBHEADING:
      append_line (string, "### ", block->text, "");
      break;

    case HR_DOCUMENT_VERDICT:
      append_line (string, "> **", block->text, "**");
      break;

    case HR_DOCUMENT_SUBTITLE:
    case HR_DOCUMENT_PARAGRAPH:
      append_line (string, "", block->text, "");
      break;

    case HR_DOCUMENT_FOOTER:
      append_line (string, "---\n\n", block->text, "");
      break;

    case HR_DOCUMENT_FACTS:
      append_facts (string, block);
      break;

    case HR_DOCUMENT_LIST:
      for (guint i = 0; i < block->items->len; i++)
        append_line (string, "- ", g_ptr_array_index (block->items, i), "");
      break;

    case HR_DOCUMENT_TABLE:
      append_table (string, block);
      break;

    case HR_DOCUMENT_CHART:
    case HR_DOCUMENT_TIMELINE:
      return;

    default:
      g_assert_not_reached ();
    }

  g_string_append_c (string, '\n');
}

/* Writes a document as GitHub-flavoured Markdown. */
char *
hr_document_to_markdown (HrDocument *self)
{
  GString *string;

  g_return_val_if_fail (self != NULL, NULL);

  string = g_string_new (NULL);
  for (guint i = 0; i < hr_document_get_n_blocks (self); i++)
    append_block (string, hr_document_get_block (self, i));

  g_string_truncate (string, string->len - MIN (string->len, 1));

  return g_string_free (string, FALSE);
}
