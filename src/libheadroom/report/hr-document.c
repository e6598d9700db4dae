/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-document.h"

#include "hr-formula-text.h"

struct _HrDocument
{
  GPtrArray *blocks;
};

static void
hr_document_fact_free (HrDocumentFact *self)
{
  g_free (self->name);
  g_free (self->value);
  g_free (self);
}

static void
hr_document_row_free (HrDocumentRow *self)
{
  g_strfreev (self->cells);
  g_free (self);
}

static void
hr_document_block_free (HrDocumentBlock *self)
{
  g_clear_pointer (&self->facts, g_ptr_array_unref);
  g_clear_pointer (&self->items, g_ptr_array_unref);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_strfreev (self->columns);
  g_free (self->numeric);
  g_free (self->text);
  g_free (self);
}

static HrDocumentBlock *
add_block (HrDocument     *self,
           HrDocumentKind  kind)
{
  HrDocumentBlock *block = g_new0 (HrDocumentBlock, 1);

  block->kind = kind;
  g_ptr_array_add (self->blocks, block);

  return block;
}

HrDocument *
hr_document_new (void)
{
  HrDocument *self = g_new0 (HrDocument, 1);

  self->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_document_block_free);

  return self;
}

void
hr_document_free (HrDocument *self)
{
  g_ptr_array_unref (self->blocks);
  g_free (self);
}

guint
hr_document_get_n_blocks (HrDocument *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->blocks->len;
}

const HrDocumentBlock *
hr_document_get_block (HrDocument *self,
                       guint       index)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < self->blocks->len, NULL);

  return g_ptr_array_index (self->blocks, index);
}

/* The text of the title block; %NULL if there is none. */
const char *
hr_document_get_title (HrDocument *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  for (guint i = 0; i < self->blocks->len; i++)
    {
      const HrDocumentBlock *block = hr_document_get_block (self, i);

      if (block->kind == HR_DOCUMENT_TITLE)
        return block->text;
    }

  return NULL;
}

void
hr_document_add_text (HrDocument     *self,
                      HrDocumentKind  kind,
                      const char     *text)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (text != NULL);

  add_block (self, kind)->text = g_strdup (text);
}

void
hr_document_add_verdict (HrDocument *self,
                         const char *text,
                         gboolean    is_good)
{
  HrDocumentBlock *block;

  g_return_if_fail (self != NULL);
  g_return_if_fail (text != NULL);

  block = add_block (self, HR_DOCUMENT_VERDICT);
  block->text = g_strdup (text);
  block->is_good = is_good;
}

void
hr_document_add_chart (HrDocument *self)
{
  g_return_if_fail (self != NULL);

  add_block (self, HR_DOCUMENT_CHART);
}

void
hr_document_add_timeline (HrDocument *self)
{
  g_return_if_fail (self != NULL);

  add_block (self, HR_DOCUMENT_TIMELINE);
}

HrDocumentBlock *
hr_document_add_facts (HrDocument *self)
{
  HrDocumentBlock *block;

  g_return_val_if_fail (self != NULL, NULL);

  block = add_block (self, HR_DOCUMENT_FACTS);
  block->facts = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_document_fact_free);

  return block;
}

HrDocumentBlock *
hr_document_add_list (HrDocument *self)
{
  HrDocumentBlock *block;

  g_return_val_if_fail (self != NULL, NULL);

  block = add_block (self, HR_DOCUMENT_LIST);
  block->items = g_ptr_array_new_with_free_func (g_free);

  return block;
}

HrDocumentBlock *
hr_document_add_table (HrDocument         *self,
                       const char * const *columns,
                       const gboolean     *numeric)
{
  HrDocumentBlock *block;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (columns != NULL && columns[0] != NULL, NULL);

  block = add_block (self, HR_DOCUMENT_TABLE);
  block->columns = g_strdupv ((char **) columns);
  block->numeric = g_memdup2 (numeric, sizeof (gboolean) * g_strv_length (block->columns));
  block->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_document_row_free);

  return block;
}

void
hr_document_block_add_fact (HrDocumentBlock *self,
                            const char      *name,
                            const char      *value,
                            HrDocumentStyle  style)
{
  HrDocumentFact *fact;

  g_return_if_fail (self != NULL && self->kind == HR_DOCUMENT_FACTS);
  g_return_if_fail (name != NULL);
  g_return_if_fail (value != NULL);

  fact = g_new0 (HrDocumentFact, 1);
  fact->name = g_strdup (name);
  fact->value = g_strdup (value);
  fact->style = style;
  g_ptr_array_add (self->facts, fact);
}

/* What a fact says, where letters cannot stand below the line. */
char *
hr_document_fact_dup_text (const HrDocumentFact *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->style == HR_DOCUMENT_FORMULA ? hr_formula_to_text (self->value) : g_strdup (self->value);
}

void
hr_document_block_add_item (HrDocumentBlock *self,
                            const char      *text)
{
  g_return_if_fail (self != NULL && self->kind == HR_DOCUMENT_LIST);
  g_return_if_fail (text != NULL);

  g_ptr_array_add (self->items, g_strdup (text));
}

/* The row has no colour and no share yet; there have to be as many cells as columns. */
HrDocumentRow *
hr_document_block_add_row (HrDocumentBlock    *self,
                           const char * const *cells)
{
  HrDocumentRow *row;

  g_return_val_if_fail (self != NULL && self->kind == HR_DOCUMENT_TABLE, NULL);
  g_return_val_if_fail (g_strv_length ((char **) cells) == g_strv_length (self->columns), NULL);

  row = g_new0 (HrDocumentRow, 1);
  row->cells = g_strdupv ((char **) cells);
  row->share = -1;
  g_ptr_array_add (self->rows, row);

  return row;
}
