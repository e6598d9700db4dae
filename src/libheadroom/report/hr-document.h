/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-report.h"

G_BEGIN_DECLS

/*
 * What a report says, before it is text, Markdown, HTML or pages: a list of blocks. All texts are in the user's
 * language and not escaped.
 */

typedef enum
{
  HR_DOCUMENT_TITLE,
  HR_DOCUMENT_SUBTITLE,
  HR_DOCUMENT_HEADING,
  HR_DOCUMENT_SUBHEADING,
  HR_DOCUMENT_PARAGRAPH,
  HR_DOCUMENT_VERDICT,     /* a paragraph that answers the question */
  HR_DOCUMENT_FACTS,       /* names and values */
  HR_DOCUMENT_LIST,
  HR_DOCUMENT_TABLE,
  HR_DOCUMENT_CHART,       /* where the picture of the parts goes, if there is one */
  HR_DOCUMENT_TIMELINE,    /* where the picture of the time goes, if there is one */
  HR_DOCUMENT_FOOTER,
} HrDocumentKind;

typedef enum
{
  HR_DOCUMENT_PLAIN,
  HR_DOCUMENT_CODE,        /* a name from a program */
  HR_DOCUMENT_FORMULA,     /* a formula, in symbols or in numbers, as a component has it */
  HR_DOCUMENT_LINK,        /* an address, or a source that may be one */
} HrDocumentStyle;

typedef struct
{
  char *name;
  char *value;
  HrDocumentStyle style;
} HrDocumentFact;

/**
 * HrDocumentRow:
 * @cells: (array zero-terminated=1): as many as the table has columns
 * @has_color: whether the row has the colour of a component
 * @color: 0xRRGGBB
 * @share: its share of the whole, for a bar; negative if it has none
 * @is_total: whether the row sums up the ones above
 */
typedef struct
{
  char **cells;
  gboolean has_color;
  guint32 color;
  double share;
  gboolean is_total;
} HrDocumentRow;

/**
 * HrDocumentBlock:
 * @kind: which of the members hold
 * @text: the text of all but facts, lists, tables and pictures
 * @is_good: whether a verdict is a good one
 * @facts: (element-type HrDocumentFact): the rows of facts
 * @items: (element-type utf8): the items of a list
 * @columns: (array zero-terminated=1): the titles of a table's columns
 * @numeric: for each column whether it holds numbers, which are set flush right
 * @rows: (element-type HrDocumentRow): the rows of a table
 */
typedef struct
{
  HrDocumentKind kind;
  char *text;
  gboolean is_good;
  GPtrArray *facts;
  GPtrArray *items;
  char **columns;
  gboolean *numeric;
  GPtrArray *rows;
} HrDocumentBlock;

typedef struct _HrDocument HrDocument;

HrDocument            *hr_report_create_document  (HrReport            *report) G_GNUC_WARN_UNUSED_RESULT;
HrDocument            *hr_document_new            (void) G_GNUC_WARN_UNUSED_RESULT;
void                   hr_document_free           (HrDocument          *self);
guint                  hr_document_get_n_blocks   (HrDocument          *self);
const HrDocumentBlock *hr_document_get_block      (HrDocument          *self,
                                                   guint                index);
const char            *hr_document_get_title      (HrDocument          *self);

void                   hr_document_add_text       (HrDocument          *self,
                                                   HrDocumentKind       kind,
                                                   const char          *text);
void                   hr_document_add_verdict    (HrDocument          *self,
                                                   const char          *text,
                                                   gboolean             is_good);
void                   hr_document_add_chart      (HrDocument          *self);
void                   hr_document_add_timeline   (HrDocument          *self);
HrDocumentBlock       *hr_document_add_facts      (HrDocument          *self);
HrDocumentBlock       *hr_document_add_list       (HrDocument          *self);
HrDocumentBlock       *hr_document_add_table      (HrDocument          *self,
                                                   const char * const  *columns,
                                                   const gboolean      *numeric);
void                   hr_document_block_add_fact (HrDocumentBlock     *self,
                                                   const char          *name,
                                                   const char          *value,
                                                   HrDocumentStyle      style);
char                  *hr_document_fact_dup_text  (const HrDocumentFact *self) G_GNUC_WARN_UNUSED_RESULT;
void                   hr_document_block_add_item (HrDocumentBlock     *self,
                                                   const char          *text);
HrDocumentRow         *hr_document_block_add_row  (HrDocumentBlock     *self,
                                                   const char * const  *cells);

char                  *hr_document_to_text        (HrDocument          *self,
                                                   HrReportTextStyle          style) G_GNUC_WARN_UNUSED_RESULT;
void                   hr_document_append_wrapped (GString             *string,
                                                   const char          *text,
                                                   guint                indentation);
char                  *hr_document_to_markdown    (HrDocument          *self) G_GNUC_WARN_UNUSED_RESULT;
char                  *hr_document_to_html        (HrDocument          *self,
                                                   const char          *chart,
                                                   const char          *timeline) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrDocument, hr_document_free)

G_END_DECLS
