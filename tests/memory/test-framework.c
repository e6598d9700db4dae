/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-framework.h"
#include "hr-gpu-catalogue.h"
#include "hr-matrix-format.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)

static void
test_small_blocks (void)
{
  const HrAllocation allocations[] = { { 512, 4 }, { MIB, 1 } };

  /* All of them in one segment of 2 MiB. */
  g_assert_cmpuint (hr_allocator_get_waste (allocations, G_N_ELEMENTS (allocations)), ==, MIB - 4 * 512);
}

static void
test_large_blocks (void)
{
  const HrAllocation middle[] = { { 6 * MIB, 4 } };
  const HrAllocation large[] = { { 11 * MIB, 3 } };
  const HrAllocation whole[] = { { 12 * MIB, 3 } };

  /* Three blocks of 6 MiB fit in a segment of 20 MiB. */
  g_assert_cmpuint (hr_allocator_get_waste (middle, 1), ==, (40 - 24) * MIB);
  g_assert_cmpuint (hr_allocator_get_waste (large, 1), ==, 3 * MIB);
  g_assert_cmpuint (hr_allocator_get_waste (whole, 1), ==, 0);
}

typedef struct
{
  const char *name;
  HrQuantization quantization;
  guint64 bytes;          /* of a matrix of 4096 rows and 2048 columns, without rounding */
} FormatCase;

#define ELEMENTS (4096 * 2048)

static const FormatCase format_cases[] = {
  { "bnb-int8", HR_QUANTIZATION_BNB_INT8, ELEMENTS + 4096 * 4 },
  { "bnb-nf4", HR_QUANTIZATION_BNB_NF4, ELEMENTS / 2 + ELEMENTS / 64 * 4 + 64 },
  { "bnb-nf4-dq", HR_QUANTIZATION_BNB_NF4_DQ, ELEMENTS / 2 + ELEMENTS / 64 + ELEMENTS / 64 / 256 * 4 + 64 + 4 },
  { "gptq-int4", HR_QUANTIZATION_GPTQ_INT4, ELEMENTS / 2 + ELEMENTS / 128 * 2 + ELEMENTS / 128 / 2 + 2048 * 4 },
  { "awq-int4", HR_QUANTIZATION_AWQ_INT4, ELEMENTS / 2 + ELEMENTS / 128 * 2 + ELEMENTS / 128 / 2 },
  { "fp8", HR_QUANTIZATION_FP8, ELEMENTS + (4096 / 128) * (2048 / 128) * 4 },
  { "mxfp4", HR_QUANTIZATION_MXFP4, ELEMENTS / 2 + ELEMENTS / 32 },
  { "nvfp4", HR_QUANTIZATION_NVFP4, ELEMENTS / 2 + ELEMENTS / 16 + 4 + 4 },
  { "bnb-fp4", HR_QUANTIZATION_BNB_FP4, ELEMENTS / 2 + ELEMENTS / 64 * 4 + 64 },
  { "gptq-int8", HR_QUANTIZATION_GPTQ_INT8, ELEMENTS + ELEMENTS / 128 * 2 + ELEMENTS / 128 + 2048 * 4 },
  { "gptq-int3", HR_QUANTIZATION_GPTQ_INT3,
    ELEMENTS / 8 * 3 + ELEMENTS / 128 * 2 + ELEMENTS / 128 / 8 * 3 + 2048 * 4 },
  { "gptq-int2", HR_QUANTIZATION_GPTQ_INT2, ELEMENTS / 4 + ELEMENTS / 128 * 2 + ELEMENTS / 128 / 4 + 2048 * 4 },
  { "fp8-channel", HR_QUANTIZATION_FP8_CHANNEL, ELEMENTS + 4096 * 4 },
  { "fp8-tensor", HR_QUANTIZATION_FP8_TENSOR, ELEMENTS + 4 + 4 },
  { "mxfp8", HR_QUANTIZATION_MXFP8, ELEMENTS + ELEMENTS / 32 * 4 },
  { "w8a8-int8", HR_QUANTIZATION_W8A8_INT8, ELEMENTS + 4096 * 2 },
  { "w8a16-int8", HR_QUANTIZATION_W8A16_INT8, ELEMENTS + ELEMENTS / 128 * 2 + 16 },
  { "w4a16-int4", HR_QUANTIZATION_W4A16_INT4, ELEMENTS / 2 + ELEMENTS / 128 * 2 + 16 },
  { "hqq-int8", HR_QUANTIZATION_HQQ_INT8, ELEMENTS + ELEMENTS / 64 * 4 },
  { "hqq-int4", HR_QUANTIZATION_HQQ_INT4, ELEMENTS / 2 + ELEMENTS / 64 * 4 },
  /* Ten elements in 32 bits, and one row of groups that is not full. */
  { "hqq-int3", HR_QUANTIZATION_HQQ_INT3, (ELEMENTS / 64 / 10 + 1) * 64 * 4 + ELEMENTS / 64 * 4 },
  { "hqq-int2", HR_QUANTIZATION_HQQ_INT2, ELEMENTS / 4 + ELEMENTS / 64 * 4 },
  { "hqq-int1", HR_QUANTIZATION_HQQ_INT1, ELEMENTS / 8 + ELEMENTS / 64 * 4 },
  { "quanto-int8", HR_QUANTIZATION_QUANTO_INT8, ELEMENTS + 4096 * 2 + 2 + 2 },
  { "quanto-int4", HR_QUANTIZATION_QUANTO_INT4, ELEMENTS / 2 + ELEMENTS / 128 * 4 + 2 + 2 },
  { "eetq-int8", HR_QUANTIZATION_EETQ_INT8, ELEMENTS + 4096 * 2 },
  { "torchao-int8", HR_QUANTIZATION_TORCHAO_INT8, ELEMENTS + 4096 * 2 },
  { "torchao-int4", HR_QUANTIZATION_TORCHAO_INT4, ELEMENTS / 2 + ELEMENTS / 128 * 4 },
  { "aqlm-int2", HR_QUANTIZATION_AQLM_INT2, ELEMENTS / 8 * 2 + 65536 * 8 * 2 + 4096 * 2 },
  { "bitnet", HR_QUANTIZATION_BITNET, ELEMENTS / 4 + 2 },
  { "mlx-int8", HR_QUANTIZATION_MLX_INT8, ELEMENTS + ELEMENTS / 64 * 4 },
  { "mlx-int4", HR_QUANTIZATION_MLX_INT4, ELEMENTS / 2 + ELEMENTS / 64 * 4 },
  { "mlx-int3", HR_QUANTIZATION_MLX_INT3, ELEMENTS / 8 * 3 + ELEMENTS / 64 * 4 },
  { "mlx-mxfp4", HR_QUANTIZATION_MLX_MXFP4, ELEMENTS / 2 + ELEMENTS / 32 },
  { "mlx-nvfp4", HR_QUANTIZATION_MLX_NVFP4, ELEMENTS / 2 + ELEMENTS / 16 },
  { "exl3", HR_QUANTIZATION_EXL3, ELEMENTS / 2 + 2048 * 2 + 4096 * 2 },
};

static void
test_format (gconstpointer data)
{
  const FormatCase *test = data;
  const HrMatrixFormat *format = hr_matrix_format_get (test->quantization);
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint n_pieces = hr_matrix_format_list_pieces (format, HR_DTYPE_BFLOAT16, 4096, 2048, pieces);
  g_autofree char *formula = hr_matrix_format_dup_formula (format, HR_DTYPE_BFLOAT16);
  guint64 bytes = 0;

  for (guint i = 0; i < n_pieces; i++)
    bytes += pieces[i].n_bytes;

  g_assert_cmpuint (bytes, ==, test->bytes);
  g_assert_cmpstr (hr_quantization_get_name (test->quantization), ==, test->name);
  g_assert_nonnull (hr_matrix_format_get_source (test->quantization));
  g_assert_true (g_str_has_prefix (formula, "linear·"));
}

/* Every format is one of matrices or a mixture of types, and says where it is from. */
static void
test_sources (void)
{
  for (HrQuantization i = HR_QUANTIZATION_BNB_INT8; i < HR_N_QUANTIZATIONS; i++)
    {
      g_assert_nonnull (hr_matrix_format_get_source (i));
      g_assert_cmpfloat (hr_matrix_format_get_width (i), >, 0);
      g_assert_cmpint (hr_matrix_format_get (i)->packing == HR_PACKING_NONE, ==, hr_quantization_is_gguf (i));
    }

  g_assert_null (hr_matrix_format_get_source (HR_QUANTIZATION_NONE));
}

/*
 * Contexts of GPUs without kernels, as somebody measured them (tests/oracle/llama-processes.json): torch's has its
 * kernels as well, and is nearer to them than that of an A100.
 */
static void
test_contexts (void)
{
  static const struct
  {
    const char *gpu;
    gint bare;       /* MiB */
  } cases[] = {
    { "rtx-3060", 119 }, { "rtx-4070", 169 }, { "rtx-3090", 264 }, { "rtx-3090-ti", 281 }, { "rtx-4060-ti-16gb", 107 },
    { "rtx-4090", 470 },
  };
  const gint a100 = 481;
  gint error = 0, other = 0;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (cases[i].gpu, NULL);
      HrFramework framework;
      gint found;

      g_assert_true (hr_framework_init_for_gpu (&framework, gpu));
      g_assert_true (framework.measured);
      found = framework.context_bytes / MIB;
      g_test_message ("%s: %d MiB, of which %d without kernels", cases[i].gpu, found, cases[i].bare);
      error += ABS (found - cases[i].bare);
      other += ABS (a100 - cases[i].bare);
      g_assert_cmpint (found - cases[i].bare, <, 80);
    }
  g_assert_cmpint (5 * error, <, other);
}

static void
test_context_that_was_measured (void)
{
  static const struct
  {
    const char *gpu;
    guint64 bytes;
  } cases[] = { { "t4", 147 * MIB }, { "a100-sxm4-40gb", 481 * MIB }, { "h100-sxm5-80gb", 726466560 },
                { "h200-sxm5-141gb", 726466560 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (cases[i].gpu, NULL);
      HrFramework framework;

      g_assert_true (hr_framework_init_for_gpu (&framework, gpu));
      g_assert_cmpuint (framework.context_bytes, ==, cases[i].bytes);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/memory/allocator/small_blocks_share_a_segment", test_small_blocks);
  g_test_add_func ("/memory/allocator/large_blocks_are_rounded_to_their_segments", test_large_blocks);
  g_test_add_func ("/memory/framework/contexts_grow_with_the_gpu", test_contexts);
  g_test_add_func ("/memory/framework/a_context_that_was_measured_is_that", test_context_that_was_measured);
  g_test_add_func ("/memory/quantization/every_format_names_its_source", test_sources);

  for (guint i = 0; i < G_N_ELEMENTS (format_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/memory/format/%s", format_cases[i].name);

      g_test_add_data_func (path, &format_cases[i], test_format);
    }

  return g_test_run ();
}
