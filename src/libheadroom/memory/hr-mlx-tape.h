/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrMlxTape:
 * @buffers: (element-type HrMlxBuffer): buffers, by the number that names them
 * @unused: (element-type guint): numbers that are free again
 * @open: (element-type guint): what the command buffer that is being written retains
 * @in_flight: (element-type GArray): what those that have been handed to the GPU retain, the oldest first
 * @max_elements: elements of arrays that a command buffer reads and writes before it is handed over
 * @max_operations: kernels that it has before it is
 * @elements: elements that the open one reads and writes
 * @n_operations: its kernels
 * @serial: its number
 * @bytes: what is allocated
 * @peak: the most that was
 *
 * The memory of MLX while it evaluates a graph: buffers, and the command buffers that retain what they read until the
 * GPU has run them.
 */
typedef struct
{
  GArray *buffers;
  GArray *unused;
  GArray *open;
  GPtrArray *in_flight;
  guint64 max_elements;
  guint max_operations;
  guint64 elements;
  guint n_operations;
  guint serial;
  guint64 bytes;
  guint64 peak;
} HrMlxTape;

#define HR_MLX_NO_BUFFER G_MAXUINT

void     hr_mlx_tape_init       (HrMlxTape   *self,
                                 gboolean     is_large);
void     hr_mlx_tape_clear      (HrMlxTape   *self);
guint    hr_mlx_tape_make       (HrMlxTape   *self,
                                 guint64      bytes,
                                 guint64      elements);
guint    hr_mlx_tape_hold       (HrMlxTape   *self,
                                 guint64      elements);
void     hr_mlx_tape_drop       (HrMlxTape   *self,
                                 guint        buffer);
gboolean hr_mlx_tape_is_donated (HrMlxTape   *self,
                                 guint        buffer);
void     hr_mlx_tape_run        (HrMlxTape   *self,
                                 const guint *inputs,
                                 guint        n_inputs,
                                 guint        output);
void     hr_mlx_tape_wait       (HrMlxTape   *self);
guint64  hr_mlx_round           (guint64      bytes);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrMlxTape, hr_mlx_tape_clear)

G_END_DECLS
