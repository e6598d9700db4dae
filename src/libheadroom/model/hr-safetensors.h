/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-checkpoint.h"
#include "hr-file-reader.h"

G_BEGIN_DECLS

/*
 * The most that the header of a safetensors file may take. The format allows 100 MB; a tensor takes about 100 bytes
 * of it, so that this is enough for 160 000 tensors in one file, more than any model has in all its files.
 */
#define HR_SAFETENSORS_MAX_HEADER_BYTES (16 * 1024 * 1024)

HrCheckpoint *hr_safetensors_load (GFile         *file,
                                   GError       **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean      hr_safetensors_read (HrFileReader  *reader,
                                   HrCheckpoint  *checkpoint,
                                   GError       **error);

G_END_DECLS
