/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-chart-picture.h"

G_BEGIN_DECLS

#define HR_TYPE_PDF_DOCUMENT (hr_pdf_document_get_type ())

G_DECLARE_FINAL_TYPE (HrPdfDocument, hr_pdf_document, HR, PDF_DOCUMENT, GObject)

HrPdfDocument *hr_pdf_document_new            (const char          *title,
                                               const char          *creator,
                                               const char          *language) G_GNUC_WARN_UNUSED_RESULT;
void           hr_pdf_document_add_title      (HrPdfDocument       *self,
                                               const char          *text,
                                               const char          *subtitle);
void           hr_pdf_document_add_heading    (HrPdfDocument       *self,
                                               const char          *text);
void           hr_pdf_document_add_subheading (HrPdfDocument       *self,
                                               const char          *text);
void           hr_pdf_document_add_paragraph  (HrPdfDocument       *self,
                                               const char          *text);
void           hr_pdf_document_add_lead       (HrPdfDocument       *self,
                                               const char          *text);
void           hr_pdf_document_add_note       (HrPdfDocument       *self,
                                               const char          *text);
void           hr_pdf_document_add_facts      (HrPdfDocument       *self,
                                               const char * const  *names,
                                               const char * const  *values,
                                               guint                n_facts);
void           hr_pdf_document_add_table      (HrPdfDocument       *self,
                                               const char * const  *cells,
                                               guint                n_columns,
                                               guint                n_rows,
                                               const gboolean      *is_number);
void           hr_pdf_document_add_picture    (HrPdfDocument       *self,
                                               HrChartPicture      *picture);
gboolean       hr_pdf_document_write          (HrPdfDocument       *self,
                                               GOutputStream       *stream,
                                               GCancellable        *cancellable,
                                               GError             **error);

G_END_DECLS
