/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-cluster.h"

#include <math.h>
#include <string.h>

#include "hr-framework.h"
#include "hr-message.h"
#include "hr-roofline.h"

/**
 * hr_cluster_check: (skip)
 * @self: GPUs
 * @error: return location for an error
 *
 * Checks whether enough is known of some GPUs to say how fast they exchange data.
 *
 * Returns: whether it is
 */
gboolean
hr_cluster_check (const HrCluster  *self,
                  GError          **error)
{
  guint64 rate;

  g_return_val_if_fail (self != NULL && HR_IS_GPU (self->gpu), FALSE);

  if (self->n_gpus > 1 && self->n_per_node > 1 && (hr_gpu_get_interconnect (self->gpu, &rate) == NULL || rate == 0))
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the name of a GPU */
                            N_("It is not known how fast several %s of a machine exchange data, so that no time can be "
                               "given"), hr_gpu_get_name (self->gpu));
      return FALSE;
    }
  if (self->bridged && hr_gpu_get_bridge (self->gpu, NULL, NULL) == NULL)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the name of a GPU */
                            N_("No bridge is known that joins two %s, so that no time can be given"),
                            hr_gpu_get_name (self->gpu));
      return FALSE;
    }
  if (self->n_gpus > self->n_per_node && self->network == 0)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("It is not said how fast the network between machines is (network), so that no time can "
                               "be given"));
      return FALSE;
    }

  return TRUE;
}

/* Whether all members of a group stand beside each other, with a bridge between them. */
static gboolean
has_bridge (const HrCluster *self,
            guint64          n_ranks,
            guint64          stride)
{
  guint n_bridged = 0;

  return self->bridged && hr_gpu_get_bridge (self->gpu, NULL, &n_bridged) != NULL && n_ranks * stride <= n_bridged;
}

/*
 * How fast GPUs of a machine send to each other, in one direction, as data sheets state the sum of both. Where each is
 * joined to each by links of its own, those to GPUs of other groups are of no use.
 */
static double
get_near_rate (const HrCluster *self,
               guint64          n_ranks,
               guint64          stride)
{
  guint64 rate = 0, peer = hr_gpu_get_peer_bandwidth (self->gpu);
  guint n_bridged = 0;

  if (has_bridge (self, n_ranks, stride))
    {
      hr_gpu_get_bridge (self->gpu, &rate, &n_bridged);
      peer = rate / (n_bridged - 1);
    }
  else
    hr_gpu_get_interconnect (self->gpu, &rate);

  return (peer > 0 ? MIN (rate, peer * (n_ranks - 1)) : rate) / 2.0;
}

/*
 * hr_cluster_get_rate:
 * @self: GPUs of which enough is known
 * @n_ranks: how many of them exchange data, at least 2
 * @stride: how many places each of them is behind the one before it
 *
 * Gets how fast each rank of a group sends to the next in a ring. Within a machine that is the interconnect in one
 * direction, or a bridge; between machines the network adapters of all members that a machine has are used side by side
 * (NCCL’s rings), though none is faster than the interconnect. How near to these figures an exchange comes is that of
 * the roofline.
 *
 * Returns: bytes a second
 */
double
hr_cluster_get_rate (const HrCluster *self,
                     guint64          n_ranks,
                     guint64          stride)
{
  double share = hr_roofline_get_efficiency (HR_BOUND_INTERCONNECT, TRUE)->typical;
  guint64 members = MAX (1, self->n_per_node / MAX (stride, 1));
  double between;

  if (n_ranks * stride <= self->n_per_node)
    return share * get_near_rate (self, n_ranks, stride);

  between = (double) self->network * members;

  return share * (members > 1 ? fmin (between, get_near_rate (self, members, stride)) : between);
}

/*
 * The ways in which NCCL sends, of which it takes the fastest for each exchange: what it costs to begin one, what each
 * step costs within a machine and between machines, in microseconds, and what of the bandwidth is left for the data
 * (NCCL 2.30, src/graph/tuning.cc: baseLatencies, hwLatencies and busBw of NCCL_ALGO_RING; between machines that have
 * one rank each the latencies are those of NCCL_ALGO_TREE).
 */
static const struct
{
  double base;
  double nvlink;
  double pcie;
  double network;
  double lone_network;
  double share;
} protocols[] = {
  { 6.6, 0.6, 1.0, 2.7, 5.0, 0.5 },       /* LL */
  { 14.0, 1.9, 2.5, 4.0, 8.5, 0.92 },     /* LL128 */
  { 8.4, 3.4, 5.7, 14.0, 14.0, 1.0 },     /* Simple */
};

/* Steps of a ring that lead to another machine: from each machine to the next, but for the last. */
static guint64
count_far_steps (const HrCluster *self,
                 guint64          n_ranks,
                 guint64          stride,
                 guint64          n_steps)
{
  guint64 members = MAX (1, self->n_per_node / MAX (stride, 1));

  return MIN (n_steps, (n_ranks + members - 1) / members - 1);
}

/*
 * hr_cluster_get_exchange_time:
 * @self: GPUs of which enough is known
 * @n_ranks: how many of them exchange data, at least 2
 * @stride: how many places each of them is behind the one before it
 * @n_steps: from how many ranks, one after the other, something has to come before a rank goes on: `n_ranks - 1` where
 *   tensors are gathered or scattered in a ring, 1 where one is sent
 * @bytes: what each rank sends
 *
 * Gets how long an exchange takes: what is sent, at the rate of the links, and what passes until it arrives.
 *
 * Returns: seconds
 */
double
hr_cluster_get_exchange_time (const HrCluster *self,
                              guint64          n_ranks,
                              guint64          stride,
                              guint64          n_steps,
                              double           bytes)
{
  double rate = hr_cluster_get_rate (self, n_ranks, stride);
  const char *kind = hr_gpu_get_interconnect (self->gpu, NULL);
  gboolean has_pcie = kind != NULL && g_str_has_prefix (kind, "PCIe") && !has_bridge (self, n_ranks, stride);
  guint64 far = count_far_steps (self, n_ranks, stride, n_steps);
  gboolean is_lone = stride >= self->n_per_node;
  double least = G_MAXDOUBLE;

  for (guint i = 0; i < G_N_ELEMENTS (protocols); i++)
    {
      double near_step = has_pcie ? protocols[i].pcie : protocols[i].nvlink;
      double far_step = is_lone ? protocols[i].lone_network : protocols[i].network;
      double waiting = protocols[i].base + (n_steps - far) * near_step + far * far_step;

      least = fmin (least, waiting / 1e6 + bytes / (rate * protocols[i].share));
    }

  return least;
}

/*
 * hr_cluster_get_beside:
 * @gpu: a GPU
 * @groups_products: whether the matrices of several experts are multiplied at once
 *
 * Gets what CUDA and the libraries take of a GPU beside the tensors of a step, as an estimate of training with
 * Megatron-LM has it.
 *
 * Returns: bytes; 0 where nothing is known
 */
guint64
hr_cluster_get_beside (HrGpu    *gpu,
                       gboolean  groups_products)
{
  HrFramework framework;

  if (!hr_framework_init_for_gpu (&framework, gpu))
    return 0;
  hr_framework_add_engine (&framework, gpu, groups_products);

  return framework.context_bytes + framework.backward_bytes + 2 * framework.workspace_bytes + framework.engine_bytes;
}

/**
 * hr_cluster_parse_network: (skip)
 * @text: how fast a network is, such as "400Gb/s" or "50GB/s"
 * @bytes_per_second: (out): the same in bytes
 *
 * Reads the speed of a network as adapters are sold, in bits, or in bytes; units are decimal.
 *
 * Returns: whether @text is one
 */
gboolean
hr_cluster_parse_network (const char *text,
                          guint64    *bytes_per_second)
{
  char *end = NULL;
  double number = g_ascii_strtod (text, &end);
  gboolean in_bits;
  double unit;

  while (g_ascii_isspace (*end))
    end++;
  if (end == text || !isfinite (number) || number <= 0 || strchr ("MGT", *end) == NULL || *end == '\0')
    return FALSE;
  unit = *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1e12;
  end++;
  in_bits = g_str_equal (end, "b/s") || g_str_equal (end, "bit/s") || g_str_equal (end, "bps");
  if (!in_bits && !g_str_equal (end, "B/s"))
    return FALSE;

  number *= unit / (in_bits ? 8 : 1);
  if (number >= 1e18)
    return FALSE;
  *bytes_per_second = number;

  return TRUE;
}
