/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <cairo.h>
#include <glib/gstdio.h>
#include <string.h>

#include "hr-chart-picture.h"
#include "hr-pdf-document.h"
#include "hr-pie-picture.h"

/* A stream that takes some bytes, and then has no room for more. */
#define TEST_TYPE_FULL_STREAM (test_full_stream_get_type ())
G_DECLARE_FINAL_TYPE (TestFullStream, test_full_stream, TEST, FULL_STREAM, GOutputStream)

struct _TestFullStream
{
  GOutputStream parent_instance;

  gsize room;
};

G_DEFINE_FINAL_TYPE (TestFullStream, test_full_stream, G_TYPE_OUTPUT_STREAM)

static gssize
test_full_stream_write (GOutputStream  *stream,
                        const void     *buffer,
                        gsize           count,
                        GCancellable   *cancellable,
                        GError        **error)
{
  TestFullStream *self = TEST_FULL_STREAM (stream);

  if (self->room == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "No space left");
      return -1;
    }

  count = MIN (count, self->room);
  self->room -= count;

  return count;
}

static void
test_full_stream_class_init (TestFullStreamClass *klass)
{
  G_OUTPUT_STREAM_CLASS (klass)->write_fn = test_full_stream_write;
}

static void
test_full_stream_init (TestFullStream *self)
{
}

static HrChartData *
create_data (void)
{
  HrChartData *data = hr_chart_data_new ("Qwen2.5 & <7B>", "17.2 GiB", "at the peak");

  hr_chart_data_add_part (data, "weights", "权重", 1420, "14.2 GiB", "82.6 %", 0x2863c5, 0);
  hr_chart_data_add_part (data, "kv-cache", "KV 缓存", 200, "2.0 GiB", "11.6 %", 0x0f9d6c, 1);
  hr_chart_data_add_part (data, "framework", "CUDA 上下文", 100, "1.0 GiB", "5.8 %", 0x6f6f74, 2);
  hr_chart_data_set_capacity (data, 2400, "24.0 GiB", "6.8 GiB free");

  return data;
}

typedef gboolean (*Writer) (GOutputStream  *stream,
                            GError        **error);

static gboolean
write_svg (GOutputStream  *stream,
           GError        **error)
{
  g_autoptr(HrChartData) data = create_data ();
  g_autoptr(HrChartPicture) picture = hr_pie_picture_new (data, HR_CHART_SCHEME_LIGHT, NULL, "zh-cn");

  return hr_chart_picture_write_svg (picture, stream, NULL, error);
}

static gboolean
write_png (GOutputStream  *stream,
           GError        **error)
{
  g_autoptr(HrChartData) data = create_data ();
  g_autoptr(HrChartPicture) picture = hr_pie_picture_new (data, HR_CHART_SCHEME_DARK, NULL, "zh-cn");

  return hr_chart_picture_write_png (picture, 2, stream, NULL, error);
}

static HrPdfDocument *
create_document (guint n_rows)
{
  const char *names[] = { "模型", "Data type" };
  const char *values[] = { "Qwen2.5-7B-Instruct", "bfloat16" };
  const gboolean is_number[] = { FALSE, TRUE, FALSE };
  g_autoptr(HrChartData) data = create_data ();
  g_autoptr(HrChartPicture) picture = hr_pie_picture_new (data, HR_CHART_SCHEME_LIGHT, NULL, "zh-cn");
  g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func (g_free);
  HrPdfDocument *document = hr_pdf_document_new ("显存报告", "Headroom 0.1.0", "zh-cn");

  hr_pdf_document_add_title (document, "显存报告", "Qwen2.5-7B-Instruct");
  hr_pdf_document_add_lead (document, "可以放进一块 RTX 4090，还剩 6.8 GiB。");
  hr_pdf_document_add_facts (document, names, values, 2);
  hr_pdf_document_add_picture (document, picture);
  hr_pdf_document_add_heading (document, "Components");
  hr_pdf_document_add_paragraph (document, "Every byte can explain itself.");

  g_ptr_array_add (cells, g_strdup ("Component"));
  g_ptr_array_add (cells, g_strdup ("Bytes"));
  g_ptr_array_add (cells, g_strdup ("Formula"));
  for (guint i = 0; i < n_rows; i++)
    {
      g_ptr_array_add (cells, g_strdup_printf ("Row-%u", i));
      g_ptr_array_add (cells, g_strdup_printf ("%u", i * 1000));
      g_ptr_array_add (cells, g_strdup ("2 × num_hidden_layers × num_key_value_heads × head_dim × tokens × bytes, "
                                        "for each of the layers whose attention is not held to a sliding window"));
    }
  hr_pdf_document_add_table (document, (const char * const *) cells->pdata, 3, n_rows + 1, is_number);
  hr_pdf_document_add_note (document, "Made by Headroom 0.1.0");

  return document;
}

static gboolean
write_pdf (GOutputStream  *stream,
           GError        **error)
{
  g_autoptr(HrPdfDocument) document = create_document (60);

  return hr_pdf_document_write (document, stream, NULL, error);
}

static GBytes *
write_to_memory (Writer writer)
{
  g_autoptr(GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autoptr(GError) error = NULL;

  writer (stream, &error);
  g_assert_no_error (error);
  g_output_stream_close (stream, NULL, &error);
  g_assert_no_error (error);

  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (stream));
}

static void
start_element (GMarkupParseContext  *context,
               const char           *element,
               const char          **names,
               const char          **values,
               gpointer              user_data,
               GError              **error)
{
  g_string_append_printf (user_data, "<%s>", element);
}

static void
append_text (GMarkupParseContext  *context,
             const char           *text,
             gsize                 length,
             gpointer              user_data,
             GError              **error)
{
  g_string_append_len (user_data, text, length);
}

static void
test_svg_is_well_formed_and_described (void)
{
  const GMarkupParser parser = { .start_element = start_element, .text = append_text };
  g_autoptr(GBytes) bytes = write_to_memory (write_svg);
  g_autoptr(GString) seen = g_string_new (NULL);
  g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, seen, NULL);
  g_autoptr(GError) error = NULL;

  g_markup_parse_context_parse (context, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &error);
  g_assert_no_error (error);
  g_markup_parse_context_end_parse (context, &error);
  g_assert_no_error (error);

  g_assert_true (g_str_has_prefix (seen->str, "<svg>"));
  g_assert_nonnull (strstr (seen->str, "<title>Qwen2.5 & <7B>: 17.2 GiB, room for 24.0 GiB"));
  g_assert_nonnull (strstr (seen->str, "<desc>权重: 14.2 GiB, 82.6 %; KV 缓存: 2.0 GiB"));
  g_assert_nonnull (strstr (seen->str, "<path>"));
}

typedef struct
{
  const unsigned char *data;
  gsize length;
} Input;

static cairo_status_t
read_bytes (void          *closure,
            unsigned char *data,
            unsigned int   length)
{
  Input *input = closure;

  if (length > input->length)
    return CAIRO_STATUS_READ_ERROR;

  memcpy (data, input->data, length);
  input->data += length;
  input->length -= length;

  return CAIRO_STATUS_SUCCESS;
}

static void
test_png_can_be_read_back (void)
{
  g_autoptr(GBytes) bytes = write_to_memory (write_png);
  g_autoptr(HrChartData) data = create_data ();
  g_autoptr(HrChartPicture) picture = hr_pie_picture_new (data, HR_CHART_SCHEME_DARK, NULL, "zh-cn");
  Input input = { g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes) };
  cairo_surface_t *surface = cairo_image_surface_create_from_png_stream (read_bytes, &input);
  double width, height;

  g_assert_cmpint (cairo_surface_status (surface), ==, CAIRO_STATUS_SUCCESS);
  hr_chart_picture_get_size (picture, &width, &height);
  g_assert_cmpint (cairo_image_surface_get_width (surface), ==, 2 * width);
  g_assert_cmpint (cairo_image_surface_get_height (surface), ==, 2 * height);
  cairo_surface_destroy (surface);
}

static void
test_full_disk_is_an_error (gconstpointer data)
{
  const gsize rooms[] = { 0, 100, 3000 };
  Writer writer = (Writer) data;

  for (guint i = 0; i < G_N_ELEMENTS (rooms); i++)
    {
      TestFullStream *stream = g_object_new (TEST_TYPE_FULL_STREAM, NULL);
      g_autoptr(GError) error = NULL;

      stream->room = rooms[i];
      g_assert_false (writer (G_OUTPUT_STREAM (stream), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
      g_object_unref (stream);
    }
}

static void
test_cancelled_write_is_an_error (void)
{
  g_autoptr(HrPdfDocument) document = create_document (2);
  g_autoptr(GOutputStream) stream = g_memory_output_stream_new_resizable ();
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (hr_pdf_document_write (document, stream, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Writes the document to a file and runs a program of poppler on it; NULL if there is none. */
static char *
inspect_pdf (const char *program,
             const char *argument)
{
  g_autoptr(GBytes) bytes = write_to_memory (write_pdf);
  g_autofree char *path = NULL, *found = g_find_program_in_path (program);
  g_autoptr(GError) error = NULL;
  char *output = NULL;
  int fd, status;

  if (found == NULL)
    return NULL;

  fd = g_file_open_tmp ("headroom-XXXXXX.pdf", &path, &error);
  g_assert_no_error (error);
  g_close (fd, NULL);
  g_file_set_contents (path, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &error);
  g_assert_no_error (error);

  char *argv[] = { found, path, (char *) argument, NULL };
  g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  g_unlink (path);

  return output;
}

static void
test_pdf_embeds_its_fonts (void)
{
  g_autofree char *output = inspect_pdf ("pdffonts", NULL);
  g_auto(GStrv) lines = NULL;
  gboolean has_cjk = FALSE;
  int embedded;

  if (output == NULL)
    {
      g_test_skip ("pdffonts is not installed");
      return;
    }

  lines = g_strsplit (g_strchomp (output), "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), >, 2);
  embedded = strstr (lines[0], "emb") - lines[0];
  for (guint i = 2; lines[i] != NULL; i++)
    {
      g_assert_true (g_str_has_prefix (lines[i] + embedded, "yes"));
      has_cjk |= strstr (lines[i], "CJK") != NULL;
    }
  g_assert_true (has_cjk || lines[3] != NULL);
}

static void
test_pdf_can_be_searched (void)
{
  g_autofree char *output = inspect_pdf ("pdftotext", "-");

  if (output == NULL)
    {
      g_test_skip ("pdftotext is not installed");
      return;
    }

  g_assert_nonnull (strstr (output, "显存报告"));
  g_assert_nonnull (strstr (output, "还剩"));
  g_assert_nonnull (strstr (output, "KV 缓存"));
  g_assert_nonnull (strstr (output, "num_key_value_heads"));
  g_assert_nonnull (strstr (output, "Row-0"));
  g_assert_nonnull (strstr (output, "Row-59"));
}

static void
test_pdf_repeats_headings_and_numbers_its_pages (void)
{
  g_autofree char *output = inspect_pdf ("pdftotext", "-");
  g_auto(GStrv) pages = NULL;
  guint n_pages;

  if (output == NULL)
    {
      g_test_skip ("pdftotext is not installed");
      return;
    }

  pages = g_strsplit (output, "\f", -1);
  n_pages = g_strv_length (pages) - 1;
  g_assert_cmpuint (n_pages, >, 2);

  for (guint i = 0; i < n_pages; i++)
    {
      g_autofree char *number = g_strdup_printf ("Page %u of %u", i + 1, n_pages);

      g_assert_nonnull (strstr (pages[i], number));
      g_assert_nonnull (strstr (pages[i], "Formula"));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/charts/svg/it_is_well_formed_and_described", test_svg_is_well_formed_and_described);
  g_test_add_func ("/charts/png/it_can_be_read_back", test_png_can_be_read_back);
  g_test_add_data_func ("/charts/svg/a_full_disk_is_an_error", write_svg, test_full_disk_is_an_error);
  g_test_add_data_func ("/charts/png/a_full_disk_is_an_error", write_png, test_full_disk_is_an_error);
  g_test_add_data_func ("/charts/pdf/a_full_disk_is_an_error", write_pdf, test_full_disk_is_an_error);
  g_test_add_func ("/charts/pdf/a_cancelled_write_is_an_error", test_cancelled_write_is_an_error);
  g_test_add_func ("/charts/pdf/it_embeds_its_fonts", test_pdf_embeds_its_fonts);
  g_test_add_func ("/charts/pdf/it_can_be_searched", test_pdf_can_be_searched);
  g_test_add_func ("/charts/pdf/it_repeats_headings_and_numbers_its_pages",
                   test_pdf_repeats_headings_and_numbers_its_pages);

  return g_test_run ();
}
