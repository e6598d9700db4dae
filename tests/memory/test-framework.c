/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-framework.h"
#include "hr-quantization-format.h"

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
  { "bnb-nf4-dq", HR_QUANTIZATION_BNB_NF4_DQ, ELEMENTS / 2 + ELEMENTS / 64 + ELEMENTS / 64 / 256 * 4 + 64 + 1024 + 4 },
  { "gptq-int4", HR_QUANTIZATION_GPTQ_INT4, ELEMENTS / 2 + ELEMENTS / 128 * 2 + ELEMENTS / 128 / 2 + 2048 * 4 },
  { "awq-int4", HR_QUANTIZATION_AWQ_INT4, ELEMENTS / 2 + ELEMENTS / 128 * 2 + ELEMENTS / 128 / 2 },
  { "fp8", HR_QUANTIZATION_FP8, ELEMENTS + (4096 / 128) * (2048 / 128) * 4 },
  { "mxfp4", HR_QUANTIZATION_MXFP4, ELEMENTS / 2 + ELEMENTS / 32 },
  { "nvfp4", HR_QUANTIZATION_NVFP4, ELEMENTS / 2 + ELEMENTS / 16 + 4 },
  { "q4_k_m", HR_QUANTIZATION_Q4_K_M, ELEMENTS / 256 * 144 },
  { "q8_0", HR_QUANTIZATION_Q8_0, ELEMENTS / 32 * 34 },
};

static void
test_format (gconstpointer data)
{
  const FormatCase *test = data;
  HrQuantizedMatrix matrix = hr_quantization_format_get_matrix (test->quantization, 4096, 2048);

  g_assert_cmpuint (matrix.payload + matrix.scales + matrix.zeros + matrix.second_scales + matrix.tables, ==,
                    test->bytes);
  g_assert_cmpstr (hr_quantization_get_name (test->quantization), ==, test->name);
  g_assert_nonnull (hr_quantization_format_get_source (test->quantization));
  g_assert_nonnull (hr_quantization_format_get_formula (test->quantization));
}

static void
test_untouched_tensors (void)
{
  g_assert_true (hr_quantization_format_applies (HR_QUANTIZATION_BNB_NF4, HR_TENSOR_ROLE_LINEAR));
  g_assert_false (hr_quantization_format_applies (HR_QUANTIZATION_BNB_NF4, HR_TENSOR_ROLE_EMBEDDING));
  g_assert_false (hr_quantization_format_applies (HR_QUANTIZATION_BNB_NF4, HR_TENSOR_ROLE_OUTPUT));
  g_assert_false (hr_quantization_format_applies (HR_QUANTIZATION_BNB_NF4, HR_TENSOR_ROLE_NORM));
  g_assert_false (hr_quantization_format_applies (HR_QUANTIZATION_NONE, HR_TENSOR_ROLE_LINEAR));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/memory/allocator/small_blocks_share_a_segment", test_small_blocks);
  g_test_add_func ("/memory/allocator/large_blocks_are_rounded_to_their_segments", test_large_blocks);
  g_test_add_func ("/memory/format/embeddings_norms_and_heads_are_left_alone", test_untouched_tensors);

  for (guint i = 0; i < G_N_ELEMENTS (format_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/memory/format/%s", format_cases[i].name);

      g_test_add_data_func (path, &format_cases[i], test_format);
    }

  return g_test_run ();
}
