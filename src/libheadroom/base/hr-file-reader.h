/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Reads pieces of a large regular file, such as the header of a file of weights. */
typedef struct _HrFileReader HrFileReader;

HrFileReader *hr_file_reader_new           (GFile         *file,
                                            GError       **error) G_GNUC_WARN_UNUSED_RESULT;
HrFileReader *hr_file_reader_new_for_bytes (GBytes        *bytes,
                                            const char    *name) G_GNUC_WARN_UNUSED_RESULT;
void          hr_file_reader_free          (HrFileReader  *self);
const char   *hr_file_reader_get_name      (HrFileReader  *self);
guint64       hr_file_reader_get_size      (HrFileReader  *self);
gboolean      hr_file_reader_read          (HrFileReader  *self,
                                            guint64        offset,
                                            gpointer       buffer,
                                            gsize          length,
                                            GError       **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrFileReader, hr_file_reader_free)

G_END_DECLS
