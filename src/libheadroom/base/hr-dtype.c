/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-dtype.h"

#include "hr-base-enums.h"

static const guint dtype_bits[] = {
  [HR_DTYPE_AUTO] = 0,
  [HR_DTYPE_FLOAT64] = 64,
  [HR_DTYPE_FLOAT32] = 32,
  [HR_DTYPE_FLOAT16] = 16,
  [HR_DTYPE_BFLOAT16] = 16,
  [HR_DTYPE_FLOAT8] = 8,
  [HR_DTYPE_INT8] = 8,
  [HR_DTYPE_INT4] = 4,
};

/* Spellings that checkpoints and programs use for the same thing. */
static const struct
{
  const char *name;
  HrDtype dtype;
} dtype_aliases[] = {
  { "double", HR_DTYPE_FLOAT64 },      { "fp64", HR_DTYPE_FLOAT64 },         { "float", HR_DTYPE_FLOAT32 },
  { "fp32", HR_DTYPE_FLOAT32 },        { "half", HR_DTYPE_FLOAT16 },         { "fp16", HR_DTYPE_FLOAT16 },
  { "bf16", HR_DTYPE_BFLOAT16 },       { "float8_e4m3fn", HR_DTYPE_FLOAT8 }, { "float8_e5m2", HR_DTYPE_FLOAT8 },
  { "fp8", HR_DTYPE_FLOAT8 },
};

/**
 * hr_dtype_get_name:
 * @dtype: a dtype
 *
 * Gets the name that torch and the command line use, such as `bfloat16`.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_dtype_get_name (HrDtype dtype)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (HR_TYPE_DTYPE);
  const GEnumValue *value = g_enum_get_value (enum_class, dtype);

  g_return_val_if_fail (value != NULL, NULL);

  return value->value_nick;
}

/**
 * hr_dtype_from_name:
 * @name: a name, as in `torch_dtype`; a leading `torch.` is ignored
 * @dtype: (out): the dtype
 *
 * Finds the dtype of a name.
 *
 * Returns: whether @name is known; @dtype is untouched when it is not
 */
gboolean
hr_dtype_from_name (const char *name,
                    HrDtype    *dtype)
{
  g_autoptr (GEnumClass) enum_class = NULL;
  const GEnumValue *value;

  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (dtype != NULL, FALSE);

  if (g_str_has_prefix (name, "torch."))
    name += strlen ("torch.");

  for (guint i = 0; i < G_N_ELEMENTS (dtype_aliases); i++)
    {
      if (g_str_equal (dtype_aliases[i].name, name))
        {
          *dtype = dtype_aliases[i].dtype;
          return TRUE;
        }
    }

  enum_class = g_type_class_ref (HR_TYPE_DTYPE);
  value = g_enum_get_value_by_nick (enum_class, name);
  if (value == NULL)
    return FALSE;

  *dtype = value->value;
  return TRUE;
}

/**
 * hr_dtype_get_bits:
 * @dtype: a dtype, not %HR_DTYPE_AUTO
 *
 * Gets the width of an element.
 *
 * Returns: the width in bits
 */
guint
hr_dtype_get_bits (HrDtype dtype)
{
  g_return_val_if_fail (dtype > HR_DTYPE_AUTO && dtype <= HR_DTYPE_INT4, 0);

  return dtype_bits[dtype];
}

/**
 * hr_dtype_get_bytes:
 * @dtype: a dtype, not %HR_DTYPE_AUTO
 * @n_elements: a number of elements
 *
 * Gets what @n_elements take, rounded up to a whole byte.
 *
 * Returns: the size in bytes; %G_MAXUINT64 if it does not fit
 */
guint64
hr_dtype_get_bytes (HrDtype dtype,
                    guint64 n_elements)
{
  guint64 bits;

  if (!g_uint64_checked_mul (&bits, n_elements, hr_dtype_get_bits (dtype)))
    {
      guint64 bytes;

      return g_uint64_checked_mul (&bytes, n_elements, MAX (hr_dtype_get_bits (dtype) / 8, 1)) ? bytes : G_MAXUINT64;
    }

  return bits / 8 + (bits % 8 != 0);
}
