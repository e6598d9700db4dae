/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-kernels.h"

#include <stdlib.h>
#include <string.h>

/*
 * In eager mode each operator is a kernel of its own: it reads its operands from the memory and writes its result there
 * (https://pytorch.org/docs/stable/torch.compiler_faq.html; Horace He, Making Deep Learning Go Brrrr From First
 * Principles). What is written is what the tape makes; what is read follows from what the operator is.
 */
typedef enum
{
  KERNEL_NONE,    /* room alone is made, or another program writes it */
  KERNEL_PRODUCT, /* as fast as it multiplies */
  KERNEL_FILL,    /* reads nothing */
  KERNEL_CAST,    /* reads the other one of two types */
  KERNEL_UNARY,   /* reads as much as it writes */
  KERNEL_BINARY,  /* reads two tensors like its result */
} KernelKind;

typedef struct
{
  const char *operation;
  KernelKind kind;
} Kernel;

/* Sorted by name; what is not named reads as much as it writes. */
static const Kernel kernels[] = {
  { "_efficient_attention_backward", KERNEL_PRODUCT },
  { "_efficient_attention_forward", KERNEL_PRODUCT },
  { "_grouped_mm", KERNEL_PRODUCT },
  { "_log_softmax_backward_data", KERNEL_BINARY },
  { "_scaled_dot_product_efficient_attention", KERNEL_PRODUCT },
  { "_scaled_dot_product_efficient_attention_backward", KERNEL_PRODUCT },
  { "_scaled_dot_product_flash_attention", KERNEL_PRODUCT },
  { "_scaled_dot_product_flash_attention_backward", KERNEL_PRODUCT },
  { "_scaled_mm", KERNEL_PRODUCT },
  { "_softmax_backward_data", KERNEL_BINARY },
  { "_to_copy", KERNEL_CAST },
  { "add", KERNEL_BINARY },
  { "addmm", KERNEL_PRODUCT },
  { "all_gather", KERNEL_NONE },
  { "arange", KERNEL_FILL },
  { "baddbmm", KERNEL_PRODUCT },
  { "bmm", KERNEL_PRODUCT },
  { "convolution", KERNEL_PRODUCT },
  { "convolution_backward", KERNEL_PRODUCT },
  { "div", KERNEL_BINARY },
  { "empty", KERNEL_NONE },
  { "empty_like", KERNEL_NONE },
  { "empty_strided", KERNEL_NONE },
  { "flash_attn", KERNEL_PRODUCT },
  { "flash_attn_backward", KERNEL_PRODUCT },
  { "full", KERNEL_FILL },
  { "full_like", KERNEL_FILL },
  { "gelu_backward", KERNEL_BINARY },
  { "gemm_forward", KERNEL_PRODUCT },
  { "generic_gemm", KERNEL_PRODUCT },
  { "int8_linear_matmul", KERNEL_PRODUCT },
  { "maximum", KERNEL_BINARY },
  { "minimum", KERNEL_BINARY },
  { "mm", KERNEL_PRODUCT },
  { "mul", KERNEL_BINARY },
  { "native_layer_norm_backward", KERNEL_BINARY },
  { "new_empty_strided", KERNEL_NONE },
  { "new_ones", KERNEL_FILL },
  { "new_zeros", KERNEL_FILL },
  { "nll_loss_backward", KERNEL_FILL },
  { "ones", KERNEL_FILL },
  { "ones_like", KERNEL_FILL },
  { "reduce_scatter", KERNEL_NONE },
  { "rsub", KERNEL_BINARY },
  { "silu_backward", KERNEL_BINARY },
  { "sub", KERNEL_BINARY },
  { "tanh_backward", KERNEL_BINARY },
  { "threshold_backward", KERNEL_BINARY },
  { "w8a8_block_fp8_matmul", KERNEL_PRODUCT },
  { "where", KERNEL_BINARY },
  { "zeros", KERNEL_FILL },
  { "zeros_like", KERNEL_FILL },
};

static int
compare_names (const void *name,
               const void *kernel)
{
  return strcmp (name, ((const Kernel *) kernel)->operation);
}

static KernelKind
find_kind (const char *operation)
{
  const Kernel *kernel = bsearch (operation, kernels, G_N_ELEMENTS (kernels), sizeof *kernels, compare_names);

  return kernel != NULL ? kernel->kind : KERNEL_UNARY;
}

/* A cast is between a type of 16 bits and one of 32, whatever it is that is written. */
static double
count_read (KernelKind kind,
            double     bytes,
            gsize      element_bytes)
{
  switch (kind)
    {
    case KERNEL_CAST:
      return element_bytes > sizeof (guint16) ? bytes / 2 : 2 * bytes;

    case KERNEL_BINARY:
      return 2 * bytes;

    case KERNEL_UNARY:
      return bytes;

    case KERNEL_NONE:
    case KERNEL_PRODUCT:
    case KERNEL_FILL:
    default:
      return 0;
    }
}

/*
 * hr_kernels_note:
 * @self: what is run
 * @operation: the operator that makes a tensor
 * @bytes: its size
 * @element_bytes: that of an element
 *
 * Counts the kernel that makes a tensor.
 */
void
hr_kernels_note (HrKernels  *self,
                 const char *operation,
                 guint64     bytes,
                 gsize       element_bytes)
{
  KernelKind kind = find_kind (operation);

  if (kind == KERNEL_NONE)
    return;

  self->n_kernels++;
  if (kind != KERNEL_PRODUCT)
    self->bytes += bytes + count_read (kind, bytes, element_bytes);
}

/*
 * hr_kernels_note_read:
 * @self: what is run
 * @bytes: a size
 *
 * Counts what a kernel reads beside what its result says: a sum's result is small.
 */
void
hr_kernels_note_read (HrKernels *self,
                      guint64    bytes)
{
  self->bytes += bytes;
}

/*
 * hr_kernels_repeat:
 * @self: what is run
 * @before: what had been run before a stretch of work
 * @after: and what after it
 * @times: how often the stretch is run again
 *
 * Counts a stretch again.
 */
void
hr_kernels_repeat (HrKernels       *self,
                   const HrKernels *before,
                   const HrKernels *after,
                   guint64          times)
{
  self->n_kernels += times * (after->n_kernels - before->n_kernels);
  self->bytes += times * (after->bytes - before->bytes);
}
