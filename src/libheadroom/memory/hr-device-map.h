/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"
#include "hr-weights.h"

G_BEGIN_DECLS

/**
 * HrDeviceShare:
 * @weights: the weights on the device
 * @first_layer: the first layer on it
 * @n_layers: how many layers are on it
 * @has_embeddings: whether the embeddings are on it
 * @has_norm: whether the final norm is on it
 * @has_head: whether the output head is on it
 *
 * What one of several devices holds.
 */
typedef struct
{
  HrWeights weights;
  guint first_layer;
  guint n_layers;
  gboolean has_embeddings;
  gboolean has_norm;
  gboolean has_head;
} HrDeviceShare;

gboolean hr_device_map_divide (const HrWeightStorage *storage,
                               const HrStack         *stack,
                               guint64                device_memory,
                               HrDeviceShare         *shares,
                               guint                  n_devices);

G_END_DECLS
