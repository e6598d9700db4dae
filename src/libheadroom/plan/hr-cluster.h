/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu.h"

G_BEGIN_DECLS

/* How many GPUs a machine has where nobody says so: HGX and DGX machines have that many. */
#define HR_CLUSTER_DEFAULT_PER_NODE 8

/**
 * HrCluster: (skip)
 * @gpu: the kind of GPU
 * @n_gpus: how many there are
 * @n_per_node: how many of them a machine has, which exchange data by the interconnect of the catalogue
 * @network: bytes a second that each GPU can send to those of other machines; 0 where that is not known
 * @bridged: whether the cards that stand beside each other have the bridge of the catalogue
 *
 * GPUs that a job may have.
 */
typedef struct
{
  HrGpu *gpu;
  guint n_gpus;
  guint n_per_node;
  guint64 network;
  gboolean bridged;
} HrCluster;

gboolean hr_cluster_check             (const HrCluster  *self,
                                       GError          **error);
double   hr_cluster_get_rate          (const HrCluster  *self,
                                       guint64           n_ranks,
                                       guint64           stride);
double   hr_cluster_get_exchange_time (const HrCluster  *self,
                                       guint64           n_ranks,
                                       guint64           stride,
                                       guint64           n_steps,
                                       double            bytes);
guint64  hr_cluster_get_beside        (HrGpu            *gpu,
                                       gboolean          groups_products);
gboolean hr_cluster_parse_network     (const char       *text,
                                       guint64          *bytes_per_second);

G_END_DECLS
