/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-pdf-document.h"

#include <cairo-pdf.h>
#include <glib/gi18n-lib.h>

#include "hr-cairo-sink.h"
#include "hr-chart-text.h"

/* ISO A4, in points. */
#define PAGE_WIDTH 595.28
#define PAGE_HEIGHT 841.89
#define MARGIN 56.0
#define CONTENT_WIDTH (PAGE_WIDTH - 2 * MARGIN)
#define CONTENT_BOTTOM (PAGE_HEIGHT - MARGIN - 16)
#define FOOTER_Y (PAGE_HEIGHT - MARGIN)

#define FONT "Sans 9.5"
#define TITLE_SCALE 2.1
#define HEADING_SCALE 1.3
#define SUBHEADING_SCALE 1.05
#define LEAD_SCALE 1.3
#define NOTE_SCALE 0.9
#define TABLE_SCALE 0.92
#define LINE_SPACING 1.2
#define HEADING_SPACE 18.0      /* above a heading */
#define BLOCK_SPACE 8.0         /* below a block */
#define KEEP_WITH_NEXT 96.0     /* what must fit below a heading on its page */
#define CELL_GAP 12.0
#define CELL_PADDING 3.5

#define INK 0x241f31
#define DIM_INK 0x5e5c64
#define RULE 0xc0bfbc

typedef enum
{
  BLOCK_TEXT,
  BLOCK_HEADING,
  BLOCK_TABLE,
  BLOCK_PICTURE,
} BlockKind;

typedef struct
{
  BlockKind kind;
  char *text;
  double scale;
  PangoWeight weight;
  guint32 ink;
  GStrv cells;
  guint n_columns;
  guint n_rows;
  gboolean has_header;
  gboolean *is_number;
  HrChartPicture *picture;
} Block;

/* A page in the making. */
typedef struct
{
  HrPdfDocument *document;
  cairo_t *cr;
  double y;
  guint page;
  guint n_pages;
} Flow;

/**
 * HrPdfDocument:
 *
 * A document that is put together block by block and then written as PDF, with page numbers, an outline and fonts
 * embedded, so that its text can be searched in every language.
 */
struct _HrPdfDocument
{
  GObject parent_instance;

  char *title;
  char *creator;
  PangoContext *context;
  GPtrArray *blocks;
};

G_DEFINE_FINAL_TYPE (HrPdfDocument, hr_pdf_document, G_TYPE_OBJECT)

static void
block_free (gpointer data)
{
  Block *block = data;

  g_free (block->text);
  g_strfreev (block->cells);
  g_free (block->is_number);
  g_clear_pointer (&block->picture, hr_chart_picture_unref);
  g_free (block);
}

static void
hr_pdf_document_finalize (GObject *object)
{
  HrPdfDocument *self = HR_PDF_DOCUMENT (object);

  g_free (self->title);
  g_free (self->creator);
  g_clear_object (&self->context);
  g_ptr_array_unref (self->blocks);

  G_OBJECT_CLASS (hr_pdf_document_parent_class)->finalize (object);
}

static void
hr_pdf_document_class_init (HrPdfDocumentClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hr_pdf_document_finalize;
}

static void
hr_pdf_document_init (HrPdfDocument *self)
{
  self->blocks = g_ptr_array_new_with_free_func (block_free);
}

/**
 * hr_pdf_document_new:
 * @title: the title in the file's properties and at the foot of each page
 * @creator: the program that made it, with its version
 * @language: (nullable): the language of the texts as RFC 3066 has it, which chooses the forms of Chinese characters
 *
 * Makes a document without content.
 *
 * Returns: (transfer full): the document
 */
HrPdfDocument *
hr_pdf_document_new (const char *title,
                     const char *creator,
                     const char *language)
{
  HrPdfDocument *self;

  g_return_val_if_fail (title != NULL, NULL);
  g_return_val_if_fail (creator != NULL, NULL);

  self = g_object_new (HR_TYPE_PDF_DOCUMENT, NULL);
  self->title = g_strdup (title);
  self->creator = g_strdup (creator);
  self->context = hr_chart_create_pango_context (FONT, language);
  /* One unit of the page is a point. */
  pango_cairo_context_set_resolution (self->context, 72);

  return self;
}

static Block *
add_block (HrPdfDocument *self,
           BlockKind      kind)
{
  Block *block = g_new0 (Block, 1);

  block->kind = kind;
  block->scale = 1;
  block->weight = PANGO_WEIGHT_NORMAL;
  block->ink = INK;
  g_ptr_array_add (self->blocks, block);

  return block;
}

static Block *
add_text (HrPdfDocument *self,
          BlockKind      kind,
          const char    *text,
          double         scale,
          PangoWeight    weight,
          guint32        ink)
{
  Block *block = add_block (self, kind);

  block->text = g_strdup (text);
  block->scale = scale;
  block->weight = weight;
  block->ink = ink;

  return block;
}

/**
 * hr_pdf_document_add_title:
 * @self: a document
 * @text: the title
 * @subtitle: (nullable): a line below it
 */
void
hr_pdf_document_add_title (HrPdfDocument *self,
                           const char    *text,
                           const char    *subtitle)
{
  g_return_if_fail (HR_IS_PDF_DOCUMENT (self));
  g_return_if_fail (text != NULL);

  add_text (self, BLOCK_TEXT, text, TITLE_SCALE, PANGO_WEIGHT_BOLD, INK);
  if (subtitle != NULL)
    add_text (self, BLOCK_TEXT, subtitle, 1, PANGO_WEIGHT_NORMAL, DIM_INK);
}

/**
 * hr_pdf_document_add_heading:
 * @self: a document
 * @text: the heading of what follows; it also stands in the outline
 */
void
hr_pdf_document_add_heading (HrPdfDocument *self,
                             const char    *text)
{
  g_return_if_fail (HR_IS_PDF_DOCUMENT (self));
  g_return_if_fail (text != NULL);

  add_text (self, BLOCK_HEADING, text, HEADING_SCALE, PANGO_WEIGHT_BOLD, INK);
}

/**
 * hr_pdf_document_add_subheading:
 * @self: a document
 * @text: the heading of a part of what a heading begins; it also stands in the outline
 */
void
hr_pdf_document_add_subheading (HrPdfDocument *self,
                                const char    *text)
{
  g_return_if_fail (HR_IS_PDF_DOCUMENT (self));
  g_return_if_fail (text != NULL);

  add_text (self, BLOCK_HEADING, text, SUBHEADING_SCALE, PANGO_WEIGHT_BOLD, INK);
}

/**
 * hr_pdf_document_add_paragraph:
 * @self: a document
 * @text: a paragraph
 */
void
hr_pdf_document_add_paragraph (HrPdfDocument *self,
                               const char    *text)
{
  g_return_if_fail (HR_IS_PDF_DOCUMENT (self));
  g_return_if_fail (text != NULL);

  add_text (self, BLOCK_TEXT, text, 1, PANGO_WEIGHT_NORMAL, INK);
}

/**
 * hr_pdf_document_add_lead:
 * @self: a document
 * @text: a paragraph that matters more than others, in larger type
 */
void
hr_pdf_document_add_lead (HrPdfDocument *self,
                          const char    *text)
{
  g_return_if_fail (HR_IS_PDF_DOCUMENT (self));
  g_return_if_fail (text != NULL);

  add_text (self, BLOCK_TEXT, text, LEAD_SCALE, PANGO_WEIGHT_SEMIBOLD, INK);
}

/**
 * hr_pdf_document_add_note:
 * @self: a document
 * @text: a paragraph that matters less than others, in smaller type
 */
void
hr_pdf_document_add_note (HrPdfDocument *self,
                          const char    *text)
{
  g_return_if_fail (HR_IS_PDF_DOCUMENT (self));
  g_return_if_fail (text != NULL);

  add_text (self, BLOCK_TEXT, text, NOTE_SCALE, PANGO_WEIGHT_NORMAL, DIM_INK);
}

/**
 * hr_pdf_document_add_facts:
 * @self: a document
 * @names: (array length=n_facts): what each fact is about
 * @values: (array length=n_facts): the facts
 * @n_facts: how many there are
 *
 * Adds a list of facts in two columns.
 */
void
hr_pdf_document_add_facts (HrPdfDocument      *self,
                           const char * const *names,
                           const char * const *values,
                           guint               n_facts)
{
  Block *block;

  g_return_if_fail (HR_IS_PDF_DOCUMENT (self));
  g_return_if_fail (n_facts == 0 || (names != NULL && values != NULL));

  block = add_block (self, BLOCK_TABLE);
  block->n_columns = 2;
  block->n_rows = n_facts;
  block->is_number = g_new0 (gboolean, 2);
  block->cells = g_new0 (char *, 2 * n_facts + 1);
  for (guint i = 0; i < n_facts; i++)
    {
      block->cells[2 * i] = g_strdup (names[i]);
      block->cells[2 * i + 1] = g_strdup (values[i]);
    }
}

/**
 * hr_pdf_document_add_table:
 * @self: a document
 * @cells: the texts, row by row, @n_columns times @n_rows of them; the first row has the headings
 * @n_columns: how many columns there are
 * @n_rows: how many rows there are, with that of the headings
 * @is_number: (array length=n_columns): which columns have figures, that are aligned to the right and never wrapped
 *
 * Adds a table. Texts wrap, and where the page ends it goes on below a repetition of the headings.
 */
void
hr_pdf_document_add_table (HrPdfDocument      *self,
                           const char * const *cells,
                           guint               n_columns,
                           guint               n_rows,
                           const gboolean     *is_number)
{
  Block *block;

  g_return_if_fail (HR_IS_PDF_DOCUMENT (self));
  g_return_if_fail (cells != NULL && is_number != NULL);
  g_return_if_fail (n_columns > 0 && n_rows > 0);

  block = add_block (self, BLOCK_TABLE);
  block->n_columns = n_columns;
  block->n_rows = n_rows;
  block->has_header = TRUE;
  block->is_number = g_memdup2 (is_number, n_columns * sizeof (gboolean));
  block->cells = g_new0 (char *, n_columns * n_rows + 1);
  for (guint i = 0; i < n_columns * n_rows; i++)
    block->cells[i] = g_strdup (cells[i]);
}

/**
 * hr_pdf_document_add_picture:
 * @self: a document
 * @picture: a picture
 *
 * Adds a picture as wide as the text, with its parts as vectors.
 */
void
hr_pdf_document_add_picture (HrPdfDocument  *self,
                             HrChartPicture *picture)
{
  Block *block;

  g_return_if_fail (HR_IS_PDF_DOCUMENT (self));
  g_return_if_fail (picture != NULL);

  block = add_block (self, BLOCK_PICTURE);
  block->picture = hr_chart_picture_ref (picture);
}

static PangoLayout *
create_text (Flow        *flow,
             const char  *text,
             double       scale,
             PangoWeight  weight,
             double       width)
{
  PangoLayout *layout = hr_chart_create_layout (flow->document->context, text, scale, weight);

  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_line_spacing (layout, LINE_SPACING);
  if (width >= 0)
    pango_layout_set_width (layout, width * PANGO_SCALE);

  return layout;
}

static double
get_text_width (PangoLayout *layout)
{
  PangoRectangle extents;

  pango_layout_get_extents (layout, NULL, &extents);

  return (double) extents.width / PANGO_SCALE;
}

static double
get_text_height (PangoLayout *layout)
{
  int height;

  pango_layout_get_size (layout, NULL, &height);

  return (double) height / PANGO_SCALE;
}

static void
draw_footer (Flow *flow)
{
  g_autofree char *number = NULL;
  g_autoptr(PangoLayout) title = NULL;
  g_autoptr(PangoLayout) page = NULL;

  /* Translators: at the foot of a report: 1 the number of this page, 2 how many pages there are */
  number = g_strdup_printf (_("Page %1$u of %2$u"), flow->page, flow->n_pages);
  page = create_text (flow, number, NOTE_SCALE, PANGO_WEIGHT_NORMAL, -1);
  title = create_text (flow, flow->document->title, NOTE_SCALE, PANGO_WEIGHT_NORMAL,
                       CONTENT_WIDTH - get_text_width (page) - CELL_GAP);
  pango_layout_set_height (title, -1);
  pango_layout_set_ellipsize (title, PANGO_ELLIPSIZE_END);

  hr_chart_set_source_color (flow->cr, DIM_INK, 1);
  cairo_move_to (flow->cr, MARGIN, FOOTER_Y);
  pango_cairo_show_layout (flow->cr, title);
  cairo_move_to (flow->cr, PAGE_WIDTH - MARGIN - get_text_width (page), FOOTER_Y);
  pango_cairo_show_layout (flow->cr, page);
}

static void
begin_page (Flow *flow)
{
  flow->page++;
  flow->y = MARGIN;
}

static void
end_page (Flow *flow)
{
  draw_footer (flow);
  cairo_show_page (flow->cr);
}

static void
break_page (Flow *flow)
{
  end_page (flow);
  begin_page (flow);
}

static gboolean
is_at_top (Flow *flow)
{
  return flow->y <= MARGIN;
}

/*
 * Draws the lines of @layout from @first on that fit on the page, with its left edge at @x and its top at @y.
 * At least one line is drawn on an empty page, so that the flow always ends. Returns the first line that is left over.
 */
static int
draw_lines (Flow        *flow,
            PangoLayout *layout,
            int          first,
            double       x,
            double       y,
            double      *used)
{
  PangoLayoutIter *iter = pango_layout_get_iter (layout);
  double top = 0;
  int line = 0;

  *used = 0;
  do
    {
      PangoRectangle logical;
      int line_top, line_bottom;

      pango_layout_iter_get_line_extents (iter, NULL, &logical);
      pango_layout_iter_get_line_yrange (iter, &line_top, &line_bottom);
      if (line < first)
        continue;

      if (line == first)
        top = (double) line_top / PANGO_SCALE;

      if (y + (double) line_bottom / PANGO_SCALE - top > CONTENT_BOTTOM && !(is_at_top (flow) && line == first))
        break;

      cairo_move_to (flow->cr, x + (double) logical.x / PANGO_SCALE,
                     y + (double) pango_layout_iter_get_baseline (iter) / PANGO_SCALE - top);
      pango_cairo_show_layout_line (flow->cr, pango_layout_iter_get_line_readonly (iter));
      *used = (double) line_bottom / PANGO_SCALE - top;
    }
  while (line++, pango_layout_iter_next_line (iter));

  pango_layout_iter_free (iter);

  return line;
}

static void
flow_text (Flow        *flow,
           const Block *block)
{
  g_autoptr(PangoLayout) layout = create_text (flow, block->text, block->scale, block->weight, CONTENT_WIDTH);
  int n_lines = pango_layout_get_line_count (layout);
  double used;

  hr_chart_set_source_color (flow->cr, block->ink, 1);
  for (int line = 0; line < n_lines;)
    {
      line = draw_lines (flow, layout, line, MARGIN, flow->y, &used);
      flow->y += used;
      if (line < n_lines)
        {
          break_page (flow);
          hr_chart_set_source_color (flow->cr, block->ink, 1);
        }
    }
  flow->y += BLOCK_SPACE;
}

static void
flow_heading (Flow        *flow,
              const Block *block)
{
  if (!is_at_top (flow))
    flow->y += HEADING_SPACE - BLOCK_SPACE;
  if (flow->y + KEEP_WITH_NEXT > CONTENT_BOTTOM)
    break_page (flow);

  if (cairo_surface_get_type (cairo_get_target (flow->cr)) == CAIRO_SURFACE_TYPE_PDF)
    {
      g_autofree char *target = g_strdup_printf ("page=%u pos=[%d %d]", flow->page, (int) MARGIN, (int) flow->y);

      cairo_pdf_surface_add_outline (cairo_get_target (flow->cr), CAIRO_PDF_OUTLINE_ROOT, block->text, target, 0);
    }

  flow_text (flow, block);
}

static void
flow_picture (Flow        *flow,
              const Block *block)
{
  double width, height, scale;

  hr_chart_picture_get_size (block->picture, &width, &height);
  scale = MIN (CONTENT_WIDTH / width, (CONTENT_BOTTOM - MARGIN) / height);

  if (flow->y + height * scale > CONTENT_BOTTOM && !is_at_top (flow))
    break_page (flow);

  /* Drawn anew each time: cairo 1.16 leaks a recording that is painted on a page. */
  cairo_save (flow->cr);
  cairo_translate (flow->cr, MARGIN, flow->y);
  cairo_scale (flow->cr, scale, scale);
  hr_chart_picture_draw (block->picture, flow->cr);
  cairo_restore (flow->cr);
  flow->y += height * scale + BLOCK_SPACE;
}

static PangoLayout *
create_cell (Flow        *flow,
             const Block *block,
             guint        row,
             guint        column,
             double       width)
{
  const char *text = block->cells[row * block->n_columns + column];
  gboolean is_heading = block->has_header && row == 0;

  return create_text (flow, text != NULL ? text : "", TABLE_SCALE,
                      is_heading ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL, width);
}

/*
 * Columns are as wide as their texts want. Where the page is too narrow for that, those with words give way in
 * proportion to what they have beyond a fair share, and wrap; where it is wider, the last one with words takes it up.
 */
static double *
create_column_widths (Flow        *flow,
                      const Block *block)
{
  double *widths = g_new0 (double, block->n_columns);
  double room = CONTENT_WIDTH - CELL_GAP * (block->n_columns - 1);
  double total = 0, wrapping = 0, fair, excess = 0, missing;
  guint n_wrapping = 0, last = 0;

  for (guint column = 0; column < block->n_columns; column++)
    {
      for (guint row = 0; row < block->n_rows; row++)
        {
          g_autoptr(PangoLayout) cell = create_cell (flow, block, row, column, -1);

          /* Pango rounds: a width of exactly the text would wrap it. */
          widths[column] = MAX (widths[column], get_text_width (cell) + 1);
        }

      total += widths[column];
      if (!block->is_number[column])
        {
          wrapping += widths[column];
          n_wrapping++;
          last = column;
        }
    }

  missing = total - room;
  if (missing <= 0)
    {
      if (n_wrapping > 0)
        widths[last] -= missing;
      return widths;
    }

  if (n_wrapping == 0)
    {
      for (guint column = 0; column < block->n_columns; column++)
        widths[column] *= room / total;
      return widths;
    }

  fair = MAX ((wrapping - missing) / n_wrapping, 20);
  for (guint column = 0; column < block->n_columns; column++)
    if (!block->is_number[column])
      excess += MAX (widths[column] - fair, 0);
  for (guint column = 0; column < block->n_columns; column++)
    if (!block->is_number[column] && excess > 0)
      widths[column] -= missing * MAX (widths[column] - fair, 0) / excess;

  return widths;
}

static void
draw_rule (Flow   *flow,
           double  width,
           guint32 color)
{
  hr_chart_set_source_color (flow->cr, color, 1);
  cairo_rectangle (flow->cr, MARGIN, flow->y - width / 2, CONTENT_WIDTH, width);
  cairo_fill (flow->cr);
}

static void flow_row (Flow         *flow,
                      const Block  *block,
                      const double *widths,
                      guint         row);

static void
continue_table (Flow         *flow,
                const Block  *block,
                const double *widths,
                guint         row)
{
  break_page (flow);
  if (block->has_header && row > 0)
    flow_row (flow, block, widths, 0);
}

static double
get_baseline (PangoLayout *layout)
{
  return (double) pango_layout_get_baseline (layout) / PANGO_SCALE;
}

/* Draws what fits of a row on the page; @lines tells for each column which line comes next. */
static gboolean
draw_row_part (Flow         *flow,
               const Block  *block,
               const double *widths,
               guint         row,
               GPtrArray    *cells,
               int          *lines)
{
  double x = MARGIN, height = 0, baseline = 0;
  gboolean is_complete = TRUE;

  /* The first lines of a row share a baseline, whatever fonts their scripts have. */
  for (guint column = 0; column < block->n_columns; column++)
    baseline = MAX (baseline, get_baseline (g_ptr_array_index (cells, column)));

  for (guint column = 0; column < block->n_columns; column++)
    {
      PangoLayout *cell = g_ptr_array_index (cells, column);
      gboolean is_name = !block->has_header && column == 0;
      double shift = baseline - get_baseline (cell), used;

      hr_chart_set_source_color (flow->cr, is_name ? DIM_INK : INK, 1);
      lines[column] = draw_lines (flow, cell, lines[column], x, flow->y + CELL_PADDING + shift, &used);
      is_complete &= lines[column] >= pango_layout_get_line_count (cell);
      height = MAX (height, used + shift);
      x += widths[column] + CELL_GAP;
    }

  flow->y += height + 2 * CELL_PADDING;

  return is_complete;
}

static void
flow_row (Flow         *flow,
          const Block  *block,
          const double *widths,
          guint         row)
{
  g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree int *lines = g_new0 (int, block->n_columns);
  double height = 0, ascent = 0, rest = 0;

  for (guint column = 0; column < block->n_columns; column++)
    {
      PangoLayout *cell = create_cell (flow, block, row, column, widths[column]);

      pango_layout_set_alignment (cell, block->is_number[column] ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
      ascent = MAX (ascent, get_baseline (cell));
      rest = MAX (rest, get_text_height (cell) - get_baseline (cell));
      g_ptr_array_add (cells, cell);
    }
  height = ascent + rest + 2 * CELL_PADDING;

  /* A row stays together unless no page can hold it. */
  if (flow->y + height > CONTENT_BOTTOM && !is_at_top (flow) && height < (CONTENT_BOTTOM - MARGIN) / 2)
    continue_table (flow, block, widths, row);

  while (!draw_row_part (flow, block, widths, row, cells, lines))
    continue_table (flow, block, widths, row);

  draw_rule (flow, block->has_header && row == 0 ? 1 : 0.5, block->has_header && row == 0 ? DIM_INK : RULE);
}

static void
flow_table (Flow        *flow,
            const Block *block)
{
  g_autofree double *widths = create_column_widths (flow, block);

  for (guint row = 0; row < block->n_rows; row++)
    flow_row (flow, block, widths, row);
  flow->y += BLOCK_SPACE;
}

static void
flow_block (Flow        *flow,
            const Block *block)
{
  switch (block->kind)
    {
    case BLOCK_TEXT:
      flow_text (flow, block);
      break;

    case BLOCK_HEADING:
      flow_heading (flow, block);
      break;

    case BLOCK_TABLE:
      flow_table (flow, block);
      break;

    case BLOCK_PICTURE:
      flow_picture (flow, block);
      break;

    default:
      g_assert_not_reached ();
    }
}

/* Draws the whole document, and returns how many pages it took and how it went. */
static cairo_status_t
draw_document (HrPdfDocument   *self,
               cairo_surface_t *surface,
               guint           *n_pages)
{
  Flow flow = { .document = self, .cr = cairo_create (surface), .n_pages = *n_pages };
  cairo_status_t status;

  begin_page (&flow);
  for (guint i = 0; i < self->blocks->len; i++)
    flow_block (&flow, g_ptr_array_index (self->blocks, i));
  end_page (&flow);

  status = cairo_status (flow.cr);
  *n_pages = flow.page;
  cairo_destroy (flow.cr);

  return status;
}

/**
 * hr_pdf_document_write:
 * @self: a document
 * @stream: where to write it
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Writes the document.
 *
 * Returns: whether everything was written; @stream is left open
 */
gboolean
hr_pdf_document_write (HrPdfDocument  *self,
                       GOutputStream  *stream,
                       GCancellable   *cancellable,
                       GError        **error)
{
  HrCairoSink sink = { stream, cancellable, NULL };
  cairo_surface_t *surface;
  cairo_status_t status;
  guint n_pages = 0;

  g_return_val_if_fail (HR_IS_PDF_DOCUMENT (self), FALSE);
  g_return_val_if_fail (G_IS_OUTPUT_STREAM (stream), FALSE);

  /* The foot of each page names the number of all, so the pages are counted first. */
  surface = cairo_recording_surface_create (CAIRO_CONTENT_COLOR_ALPHA, NULL);
  draw_document (self, surface, &n_pages);
  cairo_surface_destroy (surface);

  surface = cairo_pdf_surface_create_for_stream (hr_cairo_sink_write, &sink, PAGE_WIDTH, PAGE_HEIGHT);
  cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_TITLE, self->title);
  cairo_pdf_surface_set_metadata (surface, CAIRO_PDF_METADATA_CREATOR, self->creator);
  status = draw_document (self, surface, &n_pages);
  cairo_surface_finish (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_status (surface);
  cairo_surface_destroy (surface);

  return hr_cairo_sink_finish (&sink, status, error);
}
