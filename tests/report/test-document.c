/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "headroom.h"
#include "hr-document.h"

#define HOSTILE "<script>alert(1)</script> | `a` *b* [c](d) \"e\" & \\f\n\x1b[31m\x07"

/* A document with one block of each kind, and a hostile text in each place. */
static HrDocument *
create_document (const char *text)
{
  static const gboolean numeric[] = { FALSE, TRUE };
  const char * const columns[] = { text, "Size", NULL };
  const char * const cells[] = { text, "1", NULL };
  HrDocument *document = hr_document_new ();
  HrDocumentBlock *block;
  HrDocumentRow *row;

  hr_document_add_text (document, HR_DOCUMENT_TITLE, text);
  hr_document_add_text (document, HR_DOCUMENT_SUBTITLE, text);
  hr_document_add_verdict (document, text, TRUE);
  hr_document_add_text (document, HR_DOCUMENT_HEADING, text);
  hr_document_add_text (document, HR_DOCUMENT_SUBHEADING, text);
  hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, text);
  hr_document_add_chart (document);

  block = hr_document_add_facts (document);
  hr_document_block_add_fact (block, text, text, HR_DOCUMENT_PLAIN);
  hr_document_block_add_fact (block, text, text, HR_DOCUMENT_CODE);
  hr_document_block_add_fact (block, text, text, HR_DOCUMENT_LINK);
  hr_document_block_add_fact (block, "Source", "see https://example.org/?a=1&b=2, https://example.org/<b>.",
                              HR_DOCUMENT_LINK);

  block = hr_document_add_list (document);
  hr_document_block_add_item (block, text);

  block = hr_document_add_table (document, columns, numeric);
  row = hr_document_block_add_row (block, cells);
  row->has_color = TRUE;
  row->color = 0x3584e4;
  row->share = 0.5;
  hr_document_block_add_row (block, cells)->is_total = TRUE;

  hr_document_add_text (document, HR_DOCUMENT_FOOTER, text);

  return document;
}

static void
test_html (void)
{
  g_autoptr (HrDocument) document = create_document (HOSTILE);
  g_autofree char *html = hr_document_to_html (document, "<?xml version=\"1.0\"?>\n<svg id=\"chart\"></svg>",
                                               "<svg id=\"timeline\"></svg>");

  g_assert_true (g_str_has_prefix (html, "<!DOCTYPE html>\n<html lang=\"en\">"));
  g_assert_null (strstr (html, "<script"));
  g_assert_null (strstr (html, "<?xml"));
  g_assert_nonnull (strstr (html, "<svg id=\"chart\"></svg>"));
  g_assert_nonnull (strstr (html, "&lt;script&gt;"));
  g_assert_nonnull (strstr (html,
                            "see <a href=\"https://example.org/?a=1&amp;b=2\">https://example.org/?a=1&amp;b=2</a>, "
                            "<a href=\"https://example.org/\">https://example.org/</a>&lt;b&gt;."));
  g_assert_nonnull (strstr (html, "background:#3584e4"));
  g_assert_nonnull (strstr (html, "prefers-color-scheme:dark"));
  g_assert_nonnull (strstr (html, "@media print"));

  /* One file: nothing is loaded. */
  g_assert_null (strstr (html, "src="));
  g_assert_null (strstr (html, "<link"));
  g_assert_null (strstr (html, "@import"));
  g_assert_null (strstr (html, "url("));
}

static void
test_html_without_chart (void)
{
  g_autoptr (HrDocument) document = create_document ("x");
  g_autofree char *html = hr_document_to_html (document, NULL, NULL);

  g_assert_null (strstr (html, "<figure"));
}

static void
test_markdown (void)
{
  g_autoptr (HrDocument) document = create_document (HOSTILE);
  g_autofree char *markdown = hr_document_to_markdown (document);
  g_auto (GStrv) lines = g_strsplit (markdown, "\n", -1);

  g_assert_true (g_str_has_prefix (markdown, "# \\<script\\>alert(1)\\</script\\> \\| \\`a\\` \\*b\\* \\[c\\](d)"));
  g_assert_true (g_str_has_suffix (markdown, "\n"));
  g_assert_false (g_str_has_suffix (markdown, "\n\n"));
  /* A code span that holds a backtick is fenced by two. */
  g_assert_nonnull (strstr (markdown, "`` <script>alert(1)</script> | `a`"));

  for (guint i = 0; lines[i] != NULL; i++)
    {
      guint n_bars = 0;

      if (lines[i][0] != '|')
        continue;

      for (const char *p = lines[i]; *p != '\0'; p++)
        n_bars += *p == '|' && (p == lines[i] || p[-1] != '\\') ? 1 : 0;
      g_assert_cmpuint (n_bars, ==, 3);
    }
}

static void
test_text (void)
{
  g_autoptr (HrDocument) document = create_document (HOSTILE);
  g_autofree char *plain = hr_document_to_text (document, HR_REPORT_TEXT_STYLE_PLAIN);
  g_autofree char *bars = hr_document_to_text (document, HR_REPORT_TEXT_STYLE_BARS);
  g_autofree char *colors = hr_document_to_text (document, HR_REPORT_TEXT_STYLE_COLORS);

  g_assert_null (strchr (plain, '\033'));
  g_assert_null (strchr (plain, '\a'));
  g_assert_null (strstr (plain, "█"));
  g_assert_null (strchr (bars, '\033'));
  g_assert_nonnull (strstr (bars, "████████████"));
  /* The terminal's own escapes, and none of the text's. */
  g_assert_nonnull (strstr (colors, "\033[38;2;53;132;228m"));
  g_assert_null (strstr (colors, "\033[31m"));
}

/* Chinese characters take two columns of a terminal. */
static void
test_alignment (void)
{
  static const gboolean numeric[] = { FALSE, TRUE };
  static const char * const columns[] = { "组成部分", "大小", NULL };
  static const char * const rows[][3] = {
    { "权重", "14.2 GiB", NULL }, { "KV 缓存", "1 B", NULL }, { "e\u0301", "2 B", NULL },
  };
  g_autoptr (HrDocument) document = hr_document_new ();
  HrDocumentBlock *table = hr_document_add_table (document, columns, numeric);
  g_autofree char *text = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    hr_document_block_add_row (table, rows[i]);

  text = hr_document_to_text (document, HR_REPORT_TEXT_STYLE_PLAIN);
  g_assert_cmpstr (text, ==,
                   "  组成部分      大小\n"
                   "  ──────────────────\n"
                   "  权重      14.2 GiB\n"
                   "  KV 缓存        1 B\n"
                   "  e\u0301              2 B\n");
}

/* Lines end where a terminal does, between words or between characters of Chinese, and go on in the same column. */
static void
test_wrapping (void)
{
  g_autoptr (HrDocument) document = hr_document_new ();
  HrDocumentBlock *facts = hr_document_add_facts (document);
  g_autofree char *english = g_strnfill (150, 'x');
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  for (guint i = 5; i < 150; i += 6)
    english[i] = ' ';
  hr_document_block_add_fact (facts, "公式", english, HR_DOCUMENT_PLAIN);
  hr_document_block_add_fact (facts, "b",
                              "所有层的键和值都保存在缓存中，这样生成新的词元时就不必重新读取整个序列，它随批大小和长度而增长，"
                              "使用滑动窗口的层到达窗口长度后便不再增长", HR_DOCUMENT_PLAIN);

  text = hr_document_to_text (document, HR_REPORT_TEXT_STYLE_PLAIN);
  lines = g_strsplit (text, "\n", -1);
  g_assert_true (g_str_has_prefix (lines[0], "  公式  xxxxx xxxxx"));
  g_assert_true (g_str_has_prefix (lines[1], "        xxxxx"));
  g_assert_true (g_str_has_prefix (lines[3], "  b     所有"));
  g_assert_cmpint (g_utf8_strlen (lines[3], -1), ==, 8 + 36);
  g_assert_true (g_str_has_prefix (lines[4], "        "));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/document/html_shows_what_it_is_given_and_runs_none_of_it", test_html);
  g_test_add_func ("/document/html_without_a_chart_has_no_figure", test_html_without_chart);
  g_test_add_func ("/document/markdown_takes_no_text_for_markup", test_markdown);
  g_test_add_func ("/document/text_lets_no_control_character_through", test_text);
  g_test_add_func ("/document/columns_are_aligned_in_chinese", test_alignment);
  g_test_add_func ("/document/long_lines_go_on_in_the_same_column", test_wrapping);

  return g_test_run ();
}
