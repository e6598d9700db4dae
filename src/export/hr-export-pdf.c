/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-export-pdf.h"

#include <glib/gi18n-lib.h>

#include "hr-pdf-document.h"

static void
add_facts (HrPdfDocument         *pdf,
           const HrDocumentBlock *block)
{
  guint n_facts = block->facts->len;
  g_autofree const char **names = g_new (const char *, n_facts);
  g_auto (GStrv) values = g_new0 (char *, n_facts + 1);

  for (guint i = 0; i < n_facts; i++)
    {
      const HrDocumentFact *fact = g_ptr_array_index (block->facts, i);

      names[i] = fact->name;
      values[i] = hr_document_fact_dup_text (fact);
    }

  if (n_facts > 0)
    hr_pdf_document_add_facts (pdf, names, (const char * const *) values, n_facts);
}

static void
add_list (HrPdfDocument         *pdf,
          const HrDocumentBlock *block)
{
  for (guint i = 0; i < block->items->len; i++)
    {
      g_autofree char *text = g_strdup_printf ("• %s", (const char *) g_ptr_array_index (block->items, i));

      hr_pdf_document_add_paragraph (pdf, text);
    }
}

static void
add_table (HrPdfDocument         *pdf,
           const HrDocumentBlock *block)
{
  guint n_columns = g_strv_length (block->columns);
  guint n_rows = block->rows->len + 1;
  g_autofree const char **cells = g_new (const char *, n_columns * n_rows);

  for (guint column = 0; column < n_columns; column++)
    {
      cells[column] = block->columns[column];

      for (guint i = 0; i < block->rows->len; i++)
        {
          const HrDocumentRow *row = g_ptr_array_index (block->rows, i);

          cells[(i + 1) * n_columns + column] = row->cells[column];
        }
    }

  hr_pdf_document_add_table (pdf, cells, n_columns, n_rows, block->numeric);
}

static void
add_block (HrPdfDocument         *pdf,
           const HrDocumentBlock *block,
           HrChartPicture        *picture,
           HrChartPicture        *timeline)
{
  switch (block->kind)
    {
    case HR_DOCUMENT_TITLE:
      hr_pdf_document_add_title (pdf, block->text, NULL);
      break;

    case HR_DOCUMENT_SUBTITLE:
    case HR_DOCUMENT_FOOTER:
      hr_pdf_document_add_note (pdf, block->text);
      break;

    case HR_DOCUMENT_HEADING:
      hr_pdf_document_add_heading (pdf, block->text);
      break;

    case HR_DOCUMENT_SUBHEADING:
      hr_pdf_document_add_subheading (pdf, block->text);
      break;

    case HR_DOCUMENT_PARAGRAPH:
      hr_pdf_document_add_paragraph (pdf, block->text);
      break;

    case HR_DOCUMENT_VERDICT:
      hr_pdf_document_add_lead (pdf, block->text);
      break;

    case HR_DOCUMENT_FACTS:
      add_facts (pdf, block);
      break;

    case HR_DOCUMENT_LIST:
      add_list (pdf, block);
      break;

    case HR_DOCUMENT_TABLE:
      add_table (pdf, block);
      break;

    case HR_DOCUMENT_CHART:
      if (picture != NULL)
        hr_pdf_document_add_picture (pdf, picture);
      break;

    case HR_DOCUMENT_TIMELINE:
      if (timeline != NULL)
        hr_pdf_document_add_picture (pdf, timeline);
      break;

    default:
      g_assert_not_reached ();
    }
}

/* Writes a document as PDF, with the pictures that there are where it has them. */
gboolean
hr_export_document_to_pdf (HrDocument      *document,
                           HrChartPicture  *picture,
                           HrChartPicture  *timeline,
                           GOutputStream   *stream,
                           GError         **error)
{
  g_autoptr (HrPdfDocument) pdf = NULL;

  pdf = hr_pdf_document_new (hr_document_get_title (document), "Headroom " PACKAGE_VERSION,
                             C_("HTML language tag", "en"));
  for (guint i = 0; i < hr_document_get_n_blocks (document); i++)
    add_block (pdf, hr_document_get_block (document, i), picture, timeline);

  return hr_pdf_document_write (pdf, stream, NULL, error);
}
