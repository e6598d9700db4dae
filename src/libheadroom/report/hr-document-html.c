/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-document.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-formula-text.h"

static const char style_sheet[] =
  ":root{color-scheme:light dark;--fg:#1e1e1e;--dim:#5e5c64;--bg:#fafafa;--card:#fff;--line:#d8d6d3;"
  "--good:#1b7f3f;--bad:#c01c28}"
  "@media(prefers-color-scheme:dark){:root{--fg:#f0f0f0;--dim:#b0aeb6;--bg:#242424;--card:#303030;--line:#4a4a4a;"
  "--good:#57d98a;--bad:#ff7b7b}}"
  "*{box-sizing:border-box}"
  "body{margin:0;background:var(--bg);color:var(--fg);"
  "font:16px/1.55 system-ui,'Cantarell','Noto Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif}"
  "main{max-width:56rem;margin:0 auto;padding:2.5rem 1.25rem}"
  "h1{font-size:1.9rem;line-height:1.2;margin:0;overflow-wrap:anywhere}"
  "h2{font-size:1.2rem;margin:2.4rem 0 .7rem}"
  "h3{font-size:1rem;margin:1.6rem 0 .3rem}"
  "p{margin:.4rem 0}"
  ".subtitle,footer,th,dt{color:var(--dim)}"
  ".verdict{font-size:1.15rem;font-weight:600;margin:1.2rem 0}"
  ".good{color:var(--good)}.bad{color:var(--bad)}"
  "figure{margin:1.5rem 0;padding:1rem;background:#fff;color:#1e1e1e;"
  "border:1px solid var(--line);border-radius:12px;text-align:center;color-scheme:light}"
  "figure svg{max-width:100%;height:auto}"
  ".scroll{overflow-x:auto}"
  "table{width:100%;border-collapse:collapse;background:var(--card);font-variant-numeric:tabular-nums}"
  "th,td{padding:.45rem .7rem;border-bottom:1px solid var(--line);text-align:start;vertical-align:top}"
  "th{font-weight:600}.number{text-align:end;white-space:nowrap}"
  "tr.total td{font-weight:700;border-bottom:0}"
  ".swatch{display:inline-block;width:.75em;height:.75em;margin-inline-end:.5em;border-radius:3px}"
  "dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem;margin:.5rem 0}"
  "dd{margin:0;overflow-wrap:anywhere}"
  "code{font-family:ui-monospace,'Source Code Pro','Noto Sans Mono CJK SC',monospace;font-size:.9em}"
  "a{color:inherit}"
  "footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.9rem}"
  "@media(max-width:30rem){dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}}"
  "@media print{:root{--fg:#000;--dim:#444;--bg:#fff;--card:#fff;--line:#bbb;--good:#0b5a2a;--bad:#8f0f1a}"
  "main{max-width:none;padding:0}figure{border:0;padding:0}h2,h3{break-after:avoid}tr,figure,dl{break-inside:avoid}"
  ".swatch{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

static void
append_escaped (GString    *string,
                const char *text)
{
  g_autofree char *escaped = g_markup_escape_text (text, -1);

  g_string_append (string, escaped);
}

static void
append_element (GString    *string,
                const char *start,
                const char *text,
                const char *end)
{
  g_string_append (string, start);
  append_escaped (string, text);
  g_string_append (string, end);
  g_string_append_c (string, '\n');
}

/* A source is an address, or words with addresses among them. */
static void
append_linked (GString    *string,
               const char *text)
{
  const char *address;

  while ((address = strstr (text, "https://")) != NULL)
    {
      g_autofree char *before = g_markup_escape_text (text, address - text);
      gsize length = strcspn (address, " ,;)\"<>\n");
      g_autofree char *escaped = g_markup_escape_text (address, length);

      g_string_append_printf (string, "%s<a href=\"%s\">%s</a>", before, escaped, escaped);
      text = address + length;
    }

  append_escaped (string, text);
}

static void
append_formula (GString    *string,
                const char *formula)
{
  g_autofree char *markup = hr_formula_to_markup (formula);

  g_string_append_printf (string, "<code>%s</code>\n", markup);
}

static void
append_value (GString              *string,
              const HrDocumentFact *fact)
{
  if (fact->style == HR_DOCUMENT_LINK)
    append_linked (string, fact->value);
  else if (fact->style == HR_DOCUMENT_CODE)
    append_element (string, "<code>", fact->value, "</code>");
  else if (fact->style == HR_DOCUMENT_FORMULA)
    append_formula (string, fact->value);
  else
    append_escaped (string, fact->value);
}

static void
append_facts (GString               *string,
              const HrDocumentBlock *block)
{
  g_string_append (string, "<dl>\n");
  for (guint i = 0; i < block->facts->len; i++)
    {
      const HrDocumentFact *fact = g_ptr_array_index (block->facts, i);

      append_element (string, "<dt>", fact->name, "</dt>");
      g_string_append (string, "<dd>");
      append_value (string, fact);
      g_string_append (string, "</dd>\n");
    }
  g_string_append (string, "</dl>\n");
}

static void
append_cell (GString             *string,
             const char          *tag,
             const char          *text,
             gboolean             numeric,
             const HrDocumentRow *row)
{
  g_string_append_printf (string, "<%s%s>", tag, numeric ? " class=\"number\"" : "");
  if (row != NULL && row->has_color)
    /* A word joiner, so that the swatch stays with the first word. */
    g_string_append_printf (string, "<span class=\"swatch\" style=\"background:#%06x\"></span>&#8288;", row->color);
  append_escaped (string, text);
  g_string_append_printf (string, "</%s>", tag);
}

static void
append_table (GString               *string,
              const HrDocumentBlock *table)
{
  g_string_append (string, "<div class=\"scroll\"><table>\n<thead><tr>");
  for (guint column = 0; table->columns[column] != NULL; column++)
    append_cell (string, "th", table->columns[column], table->numeric[column], NULL);
  g_string_append (string, "</tr></thead>\n<tbody>\n");

  for (guint i = 0; i < table->rows->len; i++)
    {
      const HrDocumentRow *row = g_ptr_array_index (table->rows, i);

      g_string_append (string, row->is_total ? "<tr class=\"total\">" : "<tr>");
      for (guint column = 0; row->cells[column] != NULL; column++)
        append_cell (string, "td", row->cells[column], table->numeric[column], column == 0 ? row : NULL);
      g_string_append (string, "</tr>\n");
    }

  g_string_append (string, "</tbody>\n</table></div>\n");
}

static void
append_list (GString               *string,
             const HrDocumentBlock *block)
{
  g_string_append (string, "<ul>\n");
  for (guint i = 0; i < block->items->len; i++)
    append_element (string, "<li>", g_ptr_array_index (block->items, i), "</li>");
  g_string_append (string, "</ul>\n");
}

/* An inline picture has no XML declaration. */
static void
append_chart (GString    *string,
              const char *chart)
{
  const char *svg = chart == NULL ? NULL : strstr (chart, "<svg");

  if (svg != NULL)
    g_string_append_printf (string, "<figure>\n%s\n</figure>\n", svg);
}

static void
append_block (GString               *string,
              const HrDocumentBlock *block,
              const char            *chart,
              const char            *timeline)
{
  switch (block->kind)
    {
    case HR_DOCUMENT_TITLE:
      append_element (string, "<h1>", block->text, "</h1>");
      break;

    case HR_DOCUMENT_SUBTITLE:
      append_element (string, "<p class=\"subtitle\">", block->text, "</p>");
      break;

    case HR_DOCUMENT_HEADING:
      append_element (string, "<h2>", block->text, "</h2>");
      break;

    case HR_DOCUMENT_SUBHEADING:
      append_element (string, "<h3>", block->text, "</h3>");
      break;

    case HR_DOCUMENT_PARAGRAPH:
      append_element (string, "<p>", block->text, "</p>");
      break;

    case HR_DOCUMENT_VERDICT:
      append_element (string, block->is_good ? "<p class=\"verdict good\">" : "<p class=\"verdict bad\">",
                      block->text, "</p>");
      break;

    case HR_DOCUMENT_FACTS:
      append_facts (string, block);
      break;

    case HR_DOCUMENT_LIST:
      append_list (string, block);
      break;

    case HR_DOCUMENT_TABLE:
      append_table (string, block);
      break;

    case HR_DOCUMENT_CHART:
      append_chart (string, chart);
      break;

    case HR_DOCUMENT_TIMELINE:
      append_chart (string, timeline);
      break;

    case HR_DOCUMENT_FOOTER:
      append_element (string, "<footer>", block->text, "</footer>");
      break;

    default:
      g_assert_not_reached ();
    }
}

/* Writes a document as one HTML file that needs nothing else; the pictures are SVG, or %NULL for none. */
char *
hr_document_to_html (HrDocument *self,
                     const char *chart,
                     const char *timeline)
{
  GString *string;

  g_return_val_if_fail (self != NULL, NULL);

  string = g_string_new ("<!DOCTYPE html>\n");
  /* Translators: the tag of your language as HTML wants it, such as "zh-CN" or "pt-BR" */
  g_string_append_printf (string, "<html lang=\"%s\">\n", C_("HTML language tag", "en"));
  g_string_append (string,
                   "<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                   "<meta name=\"generator\" content=\"Headroom " PACKAGE_VERSION "\">\n");
  append_element (string, "<title>", hr_document_get_title (self), "</title>");
  g_string_append_printf (string, "<style>%s</style>\n</head>\n<body>\n<main>\n", style_sheet);

  for (guint i = 0; i < hr_document_get_n_blocks (self); i++)
    append_block (string, hr_document_get_block (self, i), chart, timeline);

  g_string_append (string, "</main>\n</body>\n</html>\n");

  return g_string_free (string, FALSE);
}
