/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-block.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

/* The most tensors that a file has one of a model's divided into, in layers. */
#define HR_GGUF_MAX_NAMES 2

const char * const *hr_gguf_names_find         (const HrBlock     *block,
                                                HrModule           module);
const HrBlock      *hr_gguf_names_find_block   (const HrStack     *stack,
                                                const HrTensor    *tensor,
                                                guint              layer,
                                                const HrSublayer **sublayer);
const char         *hr_gguf_names_find_outside (const HrTensor    *tensor);

G_END_DECLS
