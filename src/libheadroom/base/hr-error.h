/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrError:
 * @HR_ERROR_SYNTAX: a file is not what its format says (JSON, safetensors, GGUF)
 * @HR_ERROR_SCHEMA: a key is missing, or has the wrong type
 * @HR_ERROR_VALUE: a value is out of its range
 * @HR_ERROR_UNKNOWN_NAME: a model, a GPU, a property or a format that does not exist
 * @HR_ERROR_NOT_A_MODEL: the file or folder holds nothing that a model can be read from
 * @HR_ERROR_TOO_LARGE: a file or a product of sizes is larger than anything sensible
 * @HR_ERROR_UNSUPPORTED: it is understood, and cannot be estimated
 *
 * Why something could not be read or estimated. Errors of files carry #GIOErrorEnum instead.
 * Each message names the file or the option, the place in it, what was expected and what was found.
 */
typedef enum
{
  HR_ERROR_SYNTAX,
  HR_ERROR_SCHEMA,
  HR_ERROR_VALUE,
  HR_ERROR_UNKNOWN_NAME,
  HR_ERROR_NOT_A_MODEL,
  HR_ERROR_TOO_LARGE,
  HR_ERROR_UNSUPPORTED,
} HrError;

#define HR_ERROR (hr_error_quark ())

GQuark hr_error_quark (void);

G_END_DECLS
