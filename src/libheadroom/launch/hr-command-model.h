/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void hr_command_model_find      (char       **model,
                                 char       **quantization);
void hr_command_model_read_file (const char  *file,
                                 char       **quantization);
void hr_command_model_assume    (const char  *model,
                                 char       **quantization);

void hr_command_model_read_ollama (char      **model,
                                   char      **quantization,
                                   char      **tensor_types);

G_END_DECLS
