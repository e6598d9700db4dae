/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-ggml-type.h"

/*
 * The numbers are those of enum ggml_type (llama.cpp, ggml/include/ggml.h); the sizes are those of the structures of
 * ggml/src/ggml-common.h: a half-precision scale is 2 bytes, a super-block has 256 elements. They are in the order of
 * their numbers, of which some are missing.
 */
static const HrGgmlType types[] = {
  { 0, "F32", 1, 4, HR_DTYPE_FLOAT32 },
  { 1, "F16", 1, 2, HR_DTYPE_FLOAT16 },
  { 2, "Q4_0", 32, 2 + 16, HR_DTYPE_AUTO },
  { 3, "Q4_1", 32, 2 + 2 + 16, HR_DTYPE_AUTO },
  { 6, "Q5_0", 32, 2 + 4 + 16, HR_DTYPE_AUTO },
  { 7, "Q5_1", 32, 2 + 2 + 4 + 16, HR_DTYPE_AUTO },
  { 8, "Q8_0", 32, 2 + 32, HR_DTYPE_AUTO },
  { 9, "Q8_1", 32, 2 + 2 + 32, HR_DTYPE_AUTO },
  { 10, "Q2_K", 256, 16 + 64 + 2 + 2, HR_DTYPE_AUTO },
  { 11, "Q3_K", 256, 32 + 64 + 12 + 2, HR_DTYPE_AUTO },
  { 12, "Q4_K", 256, 2 + 2 + 12 + 128, HR_DTYPE_AUTO },
  { 13, "Q5_K", 256, 2 + 2 + 12 + 32 + 128, HR_DTYPE_AUTO },
  { 14, "Q6_K", 256, 128 + 64 + 16 + 2, HR_DTYPE_AUTO },
  { 15, "Q8_K", 256, 4 + 256 + 32, HR_DTYPE_AUTO },
  { 16, "IQ2_XXS", 256, 2 + 64, HR_DTYPE_AUTO },
  { 17, "IQ2_XS", 256, 2 + 64 + 8, HR_DTYPE_AUTO },
  { 18, "IQ3_XXS", 256, 2 + 96, HR_DTYPE_AUTO },
  { 19, "IQ1_S", 256, 2 + 32 + 16, HR_DTYPE_AUTO },
  { 20, "IQ4_NL", 32, 2 + 16, HR_DTYPE_AUTO },
  { 21, "IQ3_S", 256, 2 + 64 + 8 + 32 + 4, HR_DTYPE_AUTO },
  { 22, "IQ2_S", 256, 2 + 64 + 8 + 8, HR_DTYPE_AUTO },
  { 23, "IQ4_XS", 256, 2 + 2 + 4 + 128, HR_DTYPE_AUTO },
  { 24, "I8", 1, 1, HR_DTYPE_INT8 },
  { 25, "I16", 1, 2, HR_DTYPE_AUTO },
  { 26, "I32", 1, 4, HR_DTYPE_AUTO },
  { 27, "I64", 1, 8, HR_DTYPE_AUTO },
  { 28, "F64", 1, 8, HR_DTYPE_FLOAT64 },
  { 29, "IQ1_M", 256, 32 + 16 + 8, HR_DTYPE_AUTO },
  { 30, "BF16", 1, 2, HR_DTYPE_BFLOAT16 },
  { 34, "TQ1_0", 256, 48 + 4 + 2, HR_DTYPE_AUTO },
  { 35, "TQ2_0", 256, 64 + 2, HR_DTYPE_AUTO },
  { 39, "MXFP4", 32, 1 + 16, HR_DTYPE_AUTO },
  { 40, "NVFP4", 64, 4 + 32, HR_DTYPE_AUTO },
  { 41, "Q1_0", 128, 2 + 16, HR_DTYPE_AUTO },
  { 42, "Q2_0", 64, 2 + 16, HR_DTYPE_AUTO },
};

/* Numbers that were in use once, and that no llama.cpp of today reads. */
static const struct
{
  guint32 id;
  const char *name;
} withdrawn[] = {
  { 4, "Q4_2" }, { 5, "Q4_3" }, { 31, "Q4_0_4_4" }, { 32, "Q4_0_4_8" }, { 33, "Q4_0_8_8" }, { 36, "IQ4_NL_4_4" },
  { 37, "IQ4_NL_4_8" }, { 38, "IQ4_NL_8_8" },
};

/* The type of a number; %NULL if there is none. */
const HrGgmlType *
hr_ggml_type_get (guint32 id)
{
  guint i = MIN (id, G_N_ELEMENTS (types) - 1);

  while (i > 0 && types[i].id > id)
    i--;

  return types[i].id == id ? &types[i] : NULL;
}

guint
hr_ggml_type_get_n_types (void)
{
  return G_N_ELEMENTS (types);
}

const HrGgmlType *
hr_ggml_type_get_nth (guint index)
{
  g_return_val_if_fail (index < G_N_ELEMENTS (types), NULL);

  return &types[index];
}

/* The name of a type that is no longer read; %NULL if @id was never one. */
const char *
hr_ggml_type_get_withdrawn (guint32 id)
{
  for (guint i = 0; i < G_N_ELEMENTS (withdrawn); i++)
    {
      if (withdrawn[i].id == id)
        return withdrawn[i].name;
    }

  return NULL;
}

/*
 * hr_ggml_type_get_bytes:
 * @self: a type
 * @row_elements: the elements of a row, which are stored together
 * @n_elements: all elements
 * @n_bytes: (out): what they take
 *
 * Gets the size of a tensor.
 *
 * Returns: whether rows are whole blocks, and the size can be counted
 */
gboolean
hr_ggml_type_get_bytes (const HrGgmlType *self,
                        guint64           row_elements,
                        guint64           n_elements,
                        guint64          *n_bytes)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return row_elements % self->block_size == 0 &&
         g_uint64_checked_mul (n_bytes, n_elements / self->block_size, self->block_bytes);
}
