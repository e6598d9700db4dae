/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-llama-plan.h"

G_BEGIN_DECLS

void hr_llama_fit_context (HrLlamaPlan   *plan,
                           guint64        memory,
                           const guint64 *beside,
                           const guint64 *beside_weights,
                           const guint64 *beside_least);
void hr_llama_fit         (HrLlamaPlan   *plan,
                           guint64        memory,
                           const guint64 *beside);

G_END_DECLS
