/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-number-format.h"

#include <fenv.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define IEEE_754 "IEEE 754-2019, table 3.5"
#define OCP_FP8 "OCP 8-bit Floating Point Specification (OFP8), revision 1.0, tables 1 and 2"
#define OCP_MX "OCP Microscaling Formats (MX) Specification, version 1.0, section 5.3"
#define TWOS_COMPLEMENT "ISO/IEC 9899:2024, 6.2.6.2: two's complement"

static const HrNumberFormat formats[] = {
  { "fp64", "FP64", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_IEEE, 1, 11, 52, 64, 1023, IEEE_754 },
  { "fp32", "FP32", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_IEEE, 1, 8, 23, 32, 127, IEEE_754 },
  { "tf32", "TF32", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_IEEE, 1, 8, 10, 32, 127,
    "NVIDIA A100 Tensor Core GPU Architecture, V1.0, “TF32”: in memory it is an FP32" },
  { "bf16", "BF16", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_IEEE, 1, 8, 7, 16, 127,
    "Google, “BFloat16: The secret to high performance on Cloud TPUs”" },
  { "fp16", "FP16", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_IEEE, 1, 5, 10, 16, 15, IEEE_754 },
  { "fp8-e5m2", "FP8 E5M2", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_IEEE, 1, 5, 2, 8, 15, OCP_FP8 },
  { "fp8-e4m3", "FP8 E4M3", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_ALL_ONES, 1, 4, 3, 8, 7, OCP_FP8 },
  { "fp8-e5m2fnuz", "FP8 E5M2 FNUZ", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_NEGATIVE_ZERO, 1, 5, 2, 8, 16,
    "arXiv:2206.02915; torch.float8_e5m2fnuz" },
  { "fp8-e4m3fnuz", "FP8 E4M3 FNUZ", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_NEGATIVE_ZERO, 1, 4, 3, 8, 8,
    "arXiv:2206.02915; torch.float8_e4m3fnuz" },
  { "fp6-e3m2", "FP6 E3M2", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_NONE, 1, 3, 2, 6, 3, OCP_MX },
  { "fp6-e2m3", "FP6 E2M3", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_NONE, 1, 2, 3, 6, 1, OCP_MX },
  { "fp4-e2m1", "FP4 E2M1", HR_NUMBER_KIND_FLOAT, HR_NUMBER_SPECIALS_NONE, 1, 2, 1, 4, 1, OCP_MX },
  { "e8m0", "E8M0", HR_NUMBER_KIND_EXPONENT, HR_NUMBER_SPECIALS_ALL_ONES, 0, 8, 0, 8, 127,
    "OCP Microscaling Formats (MX) Specification, version 1.0, section 5.4.1" },
  { "int8", "INT8", HR_NUMBER_KIND_INTEGER, HR_NUMBER_SPECIALS_NONE, 1, 0, 7, 8, 0, TWOS_COMPLEMENT },
  { "int4", "INT4", HR_NUMBER_KIND_INTEGER, HR_NUMBER_SPECIALS_NONE, 1, 0, 3, 4, 0, TWOS_COMPLEMENT },
  { "nf4", "NF4", HR_NUMBER_KIND_TABLE, HR_NUMBER_SPECIALS_NONE, 0, 0, 4, 4, 0,
    "QLoRA, arXiv:2305.14314, appendix E; bitsandbytes 0.49, functional.py: get_4bit_type" },
};

/* Quantiles of the normal distribution, in the order of their patterns and of their values. */
static const float nf4_values[] = {
  -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
  -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
  0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
};

/**
 * hr_get_n_number_formats:
 *
 * Gets how many formats of numbers there are.
 *
 * Returns: their number
 */
guint
hr_get_n_number_formats (void)
{
  return G_N_ELEMENTS (formats);
}

/**
 * hr_number_format_get: (skip)
 * @index: which one, below hr_get_n_number_formats()
 *
 * Gets a format; the widest come first.
 *
 * Returns: (transfer none): the format
 */
const HrNumberFormat *
hr_number_format_get (guint index)
{
  g_return_val_if_fail (index < G_N_ELEMENTS (formats), NULL);

  return &formats[index];
}

/**
 * hr_number_format_find: (skip)
 * @id: a key, such as `fp8-e4m3`
 *
 * Gets a format by its key.
 *
 * Returns: (transfer none) (nullable): the format
 */
const HrNumberFormat *
hr_number_format_find (const char *id)
{
  g_return_val_if_fail (id != NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      if (g_str_equal (formats[i].id, id))
        return &formats[i];
    }

  return NULL;
}

static guint64
ones (guint n_bits)
{
  return (G_GUINT64_CONSTANT (1) << n_bits) - 1;
}

static guint64
get_sign_bit (const HrNumberFormat *self)
{
  return self->n_sign_bits > 0 ? G_GUINT64_CONSTANT (1) << (self->n_exponent_bits + self->n_mantissa_bits) : 0;
}

/* The pattern without its sign. */
static guint64
get_magnitude (const HrNumberFormat *self,
               guint64               bits)
{
  return bits & ones (self->n_exponent_bits + self->n_mantissa_bits);
}

/* The pattern of one, of a format with an exponent; what is larger has a larger pattern. */
static guint64
get_one (const HrNumberFormat *self)
{
  return (guint64) self->bias << self->n_mantissa_bits;
}

/**
 * hr_number_format_get_n_bits: (skip)
 * @self: a format
 *
 * Gets how many bits have a meaning: 19 for TF32, though an element takes 32.
 *
 * Returns: the number of bits
 */
guint
hr_number_format_get_n_bits (const HrNumberFormat *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_sign_bits + self->n_exponent_bits + self->n_mantissa_bits;
}

/**
 * hr_number_format_get_field: (skip)
 * @self: a format
 * @bit: a bit, 0 for the lowest
 *
 * Gets what a bit belongs to.
 *
 * Returns: the field
 */
HrNumberField
hr_number_format_get_field (const HrNumberFormat *self,
                            guint                 bit)
{
  g_return_val_if_fail (self != NULL, HR_NUMBER_FIELD_VALUE);
  g_return_val_if_fail (bit < hr_number_format_get_n_bits (self), HR_NUMBER_FIELD_VALUE);

  if (bit >= self->n_mantissa_bits + self->n_exponent_bits)
    return HR_NUMBER_FIELD_SIGN;
  if (bit >= self->n_mantissa_bits)
    return HR_NUMBER_FIELD_EXPONENT;

  return self->kind == HR_NUMBER_KIND_FLOAT ? HR_NUMBER_FIELD_MANTISSA : HR_NUMBER_FIELD_VALUE;
}

/**
 * hr_number_format_get_exponent: (skip)
 * @self: a format
 * @bits: a pattern
 *
 * Gets the field of the exponent as it stands there, with the bias.
 *
 * Returns: the field
 */
guint
hr_number_format_get_exponent (const HrNumberFormat *self,
                               guint64               bits)
{
  g_return_val_if_fail (self != NULL, 0);

  return (bits >> self->n_mantissa_bits) & ones (self->n_exponent_bits);
}

/**
 * hr_number_format_get_mantissa: (skip)
 * @self: a format
 * @bits: a pattern
 *
 * Gets the field of the mantissa as a whole number.
 *
 * Returns: the field
 */
guint64
hr_number_format_get_mantissa (const HrNumberFormat *self,
                               guint64               bits)
{
  g_return_val_if_fail (self != NULL, 0);

  return bits & ones (self->n_mantissa_bits);
}

/**
 * hr_number_format_is_negative: (skip)
 * @self: a format
 * @bits: a pattern
 *
 * Gets whether the bit of the sign is set.
 *
 * Returns: whether it is set
 */
gboolean
hr_number_format_is_negative (const HrNumberFormat *self,
                              guint64               bits)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return (bits & get_sign_bit (self)) != 0;
}

/**
 * hr_number_format_classify: (skip)
 * @self: a format
 * @bits: a pattern
 *
 * Gets what kind of value a pattern has.
 *
 * Returns: the kind
 */
HrNumberClass
hr_number_format_classify (const HrNumberFormat *self,
                           guint64               bits)
{
  guint64 magnitude, infinity;

  g_return_val_if_fail (self != NULL, HR_NUMBER_CLASS_NAN);

  magnitude = get_magnitude (self, bits);
  infinity = ones (self->n_exponent_bits) << self->n_mantissa_bits;

  if (self->specials == HR_NUMBER_SPECIALS_IEEE && magnitude >= infinity)
    return magnitude == infinity ? HR_NUMBER_CLASS_INFINITE : HR_NUMBER_CLASS_NAN;
  if (self->specials == HR_NUMBER_SPECIALS_ALL_ONES &&
      magnitude == ones (self->n_exponent_bits + self->n_mantissa_bits))
    return HR_NUMBER_CLASS_NAN;
  if (self->specials == HR_NUMBER_SPECIALS_NEGATIVE_ZERO && bits == get_sign_bit (self))
    return HR_NUMBER_CLASS_NAN;

  if (self->kind != HR_NUMBER_KIND_FLOAT)
    return hr_number_format_decode (self, bits) == 0 ? HR_NUMBER_CLASS_ZERO : HR_NUMBER_CLASS_NORMAL;
  if (magnitude == 0)
    return HR_NUMBER_CLASS_ZERO;

  return hr_number_format_get_exponent (self, bits) == 0 ? HR_NUMBER_CLASS_SUBNORMAL : HR_NUMBER_CLASS_NORMAL;
}

static double
decode_float (const HrNumberFormat *self,
              guint64               bits)
{
  int exponent = hr_number_format_get_exponent (self, bits);
  guint64 mantissa = hr_number_format_get_mantissa (self, bits);

  if (exponent == 0)
    exponent = 1;
  else
    mantissa |= G_GUINT64_CONSTANT (1) << self->n_mantissa_bits;

  return ldexp (mantissa, exponent - self->bias - (int) self->n_mantissa_bits);
}

/**
 * hr_number_format_decode: (skip)
 * @self: a format
 * @bits: a pattern
 *
 * Gets the value of a pattern, exactly.
 *
 * Returns: the value
 */
double
hr_number_format_decode (const HrNumberFormat *self,
                         guint64               bits)
{
  double magnitude;

  g_return_val_if_fail (self != NULL, NAN);

  switch (self->kind)
    {
    case HR_NUMBER_KIND_INTEGER:
      return (double) get_magnitude (self, bits) - (double) (bits & get_sign_bit (self));

    case HR_NUMBER_KIND_TABLE:
      return nf4_values[hr_number_format_get_mantissa (self, bits)];

    case HR_NUMBER_KIND_EXPONENT:
      if (get_magnitude (self, bits) == ones (self->n_exponent_bits))
        return NAN;
      return ldexp (1, (int) hr_number_format_get_exponent (self, bits) - self->bias);

    case HR_NUMBER_KIND_FLOAT:
    default:
      break;
    }

  switch (hr_number_format_classify (self, bits))
    {
    case HR_NUMBER_CLASS_NAN:
      return NAN;

    case HR_NUMBER_CLASS_INFINITE:
      magnitude = INFINITY;
      break;

    case HR_NUMBER_CLASS_ZERO:
    case HR_NUMBER_CLASS_SUBNORMAL:
    case HR_NUMBER_CLASS_NORMAL:
    default:
      magnitude = decode_float (self, bits);
      break;
    }

  return hr_number_format_is_negative (self, bits) ? -magnitude : magnitude;
}

/* The usual pattern of what is not a number. */
static gboolean
encode_nan (const HrNumberFormat *self,
            guint64              *bits)
{
  switch (self->specials)
    {
    case HR_NUMBER_SPECIALS_IEEE:
      *bits = (ones (self->n_exponent_bits) << self->n_mantissa_bits) | (ones (1) << (self->n_mantissa_bits - 1));
      return TRUE;

    case HR_NUMBER_SPECIALS_ALL_ONES:
      *bits = ones (self->n_exponent_bits + self->n_mantissa_bits);
      return TRUE;

    case HR_NUMBER_SPECIALS_NEGATIVE_ZERO:
      *bits = get_sign_bit (self);
      return TRUE;

    case HR_NUMBER_SPECIALS_NONE:
    default:
      return FALSE;
    }
}

/* What is beyond the largest number, as torch 2.14 converts: c10/util/Float8_*.h. The formats of MX saturate. */
static guint64
encode_overflow (const HrNumberFormat *self)
{
  switch (self->specials)
    {
    case HR_NUMBER_SPECIALS_IEEE:
      return ones (self->n_exponent_bits) << self->n_mantissa_bits;

    case HR_NUMBER_SPECIALS_NEGATIVE_ZERO:
      return get_sign_bit (self);

    case HR_NUMBER_SPECIALS_ALL_ONES:
    case HR_NUMBER_SPECIALS_NONE:
    default:
      return hr_number_format_get_largest (self);
    }
}

/* To nearest, ties to even: the pattern of a magnitude, of which larger ones follow each other. */
static guint64
round_magnitude (const HrNumberFormat *self,
                 double                magnitude)
{
  int smallest = 1 - self->bias - (int) self->n_mantissa_bits;
  int exponent, quantum;
  guint64 mantissa;

  if (magnitude == 0)
    return 0;

  frexp (magnitude, &exponent);
  quantum = MAX (exponent - 1 - (int) self->n_mantissa_bits, smallest);
  mantissa = nearbyint (ldexp (magnitude, -quantum));

  /* The leading one of a normal number adds one to the exponent, as does a mantissa that was rounded up to two. */
  return ((guint64) (quantum - smallest) << self->n_mantissa_bits) + mantissa;
}

static guint64
encode_float (const HrNumberFormat *self,
              double                value)
{
  guint64 sign = signbit (value) ? get_sign_bit (self) : 0;
  guint64 bits = isinf (value) ? G_MAXUINT64 : round_magnitude (self, fabs (value));

  if (bits > hr_number_format_get_largest (self))
    bits = encode_overflow (self);
  if (bits == 0 && self->specials == HR_NUMBER_SPECIALS_NEGATIVE_ZERO)
    return 0;

  return bits | sign;
}

/* Of the magnitude, to nearest, ties away from zero, as torch 2.14 does: c10/util/Float8_e8m0fnu.h. */
static guint64
encode_exponent (const HrNumberFormat *self,
                 double                value)
{
  guint64 largest = ones (self->n_exponent_bits);
  int exponent;
  double fraction;

  if (value == 0)
    return 0;
  if (isinf (value))
    return largest;

  fraction = frexp (fabs (value), &exponent);
  exponent += self->bias - (fraction < 0.75 ? 1 : 0);

  return CLAMP (exponent, 0, (int) largest);
}

/* To nearest, ties to even, and saturated, as quantizers round: torch.round and torch.clamp. */
static guint64
encode_integer (const HrNumberFormat *self,
                double                value)
{
  double limit = get_sign_bit (self);

  return (guint64) (gint64) nearbyint (CLAMP (value, -limit, limit - 1)) & ones (hr_number_format_get_n_bits (self));
}

/* The nearest value; halfway it is the lower one, as in dQuantizeNF4 of bitsandbytes, csrc/kernels.cu. */
static guint64
encode_table (double value)
{
  guint64 index = 0;

  while (index + 1 < G_N_ELEMENTS (nf4_values) &&
         value > ((double) nf4_values[index] + (double) nf4_values[index + 1]) / 2)
    index++;

  return index;
}

/**
 * hr_number_format_encode: (skip)
 * @self: a format
 * @value: a value
 * @bits: (out): the pattern
 *
 * Rounds a value to the format: floating-point formats to nearest with ties to even.
 *
 * What is beyond the largest number becomes what torch 2.14 makes of it: an infinity where there is one, and the
 * largest number in FP8 E4M3; formats without any special pattern saturate.
 *
 * Returns: whether the format can express @value at all: what is not a number has no pattern in some
 */
gboolean
hr_number_format_encode (const HrNumberFormat *self,
                         double                value,
                         guint64              *bits)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (bits != NULL, FALSE);

  if (isnan (value))
    return encode_nan (self, bits);

  switch (self->kind)
    {
    case HR_NUMBER_KIND_EXPONENT:
      *bits = encode_exponent (self, value);
      break;

    case HR_NUMBER_KIND_INTEGER:
      *bits = encode_integer (self, value);
      break;

    case HR_NUMBER_KIND_TABLE:
      *bits = encode_table (value);
      break;

    case HR_NUMBER_KIND_FLOAT:
    default:
      *bits = encode_float (self, value);
      break;
    }

  return TRUE;
}

static gboolean
parse_double (const char *text,
              int         rounding,
              double     *value)
{
  int previous = fegetround ();
  char *end;

  fesetround (rounding);
  *value = g_ascii_strtod (text, &end);
  fesetround (previous);

  return end != text && *end == '\0';
}

/*
 * Reads a decimal number so that rounding it once more to a narrower format is as good as rounding the number itself:
 * what is not exact gets an odd last bit (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
 */
static gboolean
parse_to_odd (const char *text,
              double     *value)
{
  double up, down;
  guint64 pattern;

  if (!parse_double (text, FE_DOWNWARD, &down) || !parse_double (text, FE_UPWARD, &up))
    return FALSE;

  *value = down;
  if (down == up || isnan (down))
    return TRUE;

  /* The two are neighbours, so one of them is odd; an infinity is even. */
  memcpy (&pattern, &down, sizeof pattern);
  if (pattern % 2 == 0)
    *value = up;

  return TRUE;
}

/**
 * hr_number_format_parse: (skip)
 * @self: a format
 * @text: a number as C writes it, with a point: `0.1`, `1e-3`, `0x1.8p3`, `inf`, `nan`; spaces around it are ignored
 * @bits: (out): the pattern
 *
 * Reads a number of any length and rounds it once to the format.
 *
 * Returns: whether @text is a number that the format can express
 */
gboolean
hr_number_format_parse (const HrNumberFormat *self,
                        const char           *text,
                        guint64              *bits)
{
  g_autofree char *stripped = NULL;
  double value;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (text != NULL, FALSE);
  g_return_val_if_fail (bits != NULL, FALSE);

  stripped = g_strstrip (g_strdup (text));
  if (self->n_mantissa_bits == DBL_MANT_DIG - 1 ? !parse_double (stripped, FE_TONEAREST, &value)
                                                : !parse_to_odd (stripped, &value))
    return FALSE;

  return hr_number_format_encode (self, value, bits);
}

/**
 * hr_number_format_get_largest: (skip)
 * @self: a format
 *
 * Gets the largest finite number.
 *
 * Returns: its pattern
 */
guint64
hr_number_format_get_largest (const HrNumberFormat *self)
{
  guint64 all;

  g_return_val_if_fail (self != NULL, 0);

  all = ones (self->n_exponent_bits + self->n_mantissa_bits);

  switch (self->specials)
    {
    case HR_NUMBER_SPECIALS_IEEE:
      return (ones (self->n_exponent_bits) << self->n_mantissa_bits) - 1;

    case HR_NUMBER_SPECIALS_ALL_ONES:
      return all - 1;

    case HR_NUMBER_SPECIALS_NONE:
    case HR_NUMBER_SPECIALS_NEGATIVE_ZERO:
    default:
      return all;
    }
}

/**
 * hr_number_format_get_smallest_normal: (skip)
 * @self: a format
 *
 * Gets the smallest positive number of full precision.
 *
 * Returns: its pattern
 */
guint64
hr_number_format_get_smallest_normal (const HrNumberFormat *self)
{
  g_return_val_if_fail (self != NULL, 0);

  switch (self->kind)
    {
    case HR_NUMBER_KIND_FLOAT:
      return G_GUINT64_CONSTANT (1) << self->n_mantissa_bits;

    case HR_NUMBER_KIND_EXPONENT:
      return 0;

    case HR_NUMBER_KIND_TABLE:
      return encode_table (0) + 1;

    case HR_NUMBER_KIND_INTEGER:
    default:
      return 1;
    }
}

/**
 * hr_number_format_get_smallest_subnormal: (skip)
 * @self: a format
 * @bits: (out): its pattern
 *
 * Gets the smallest positive number without the leading one.
 *
 * Returns: whether the format has such numbers
 */
gboolean
hr_number_format_get_smallest_subnormal (const HrNumberFormat *self,
                                         guint64              *bits)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (bits != NULL, FALSE);

  if (self->kind != HR_NUMBER_KIND_FLOAT)
    return FALSE;

  *bits = 1;

  return TRUE;
}

/**
 * hr_number_format_get_epsilon: (skip)
 * @self: a format
 * @epsilon: (out): the distance
 *
 * Gets the distance from one to the next larger number.
 *
 * Returns: whether the format is one of floating-point numbers
 */
gboolean
hr_number_format_get_epsilon (const HrNumberFormat *self,
                              double               *epsilon)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (epsilon != NULL, FALSE);

  if (self->kind != HR_NUMBER_KIND_FLOAT)
    return FALSE;

  *epsilon = hr_number_format_decode (self, get_one (self) + 1) - 1;

  return TRUE;
}

/**
 * hr_number_format_get_n_digits: (skip)
 * @self: a format
 * @n_kept: (out): how many decimal digits survive the way into the format and back
 * @n_needed: (out): how many decimal digits tell every number of the format from its neighbours
 *
 * Gets the precision in decimal digits, as C's `FLT_DIG` and `FLT_DECIMAL_DIG` count them.
 *
 * Returns: whether the format is one of floating-point numbers
 */
gboolean
hr_number_format_get_n_digits (const HrNumberFormat *self,
                               guint                *n_kept,
                               guint                *n_needed)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (n_kept != NULL, FALSE);
  g_return_val_if_fail (n_needed != NULL, FALSE);

  if (self->kind != HR_NUMBER_KIND_FLOAT)
    return FALSE;

  *n_kept = floor (self->n_mantissa_bits * log10 (2));
  *n_needed = ceil (1 + (self->n_mantissa_bits + 1) * log10 (2));

  return TRUE;
}

/**
 * hr_number_format_count_specials: (skip)
 * @self: a format
 * @n_infinite: (out): how many patterns are infinities
 * @n_nan: (out): how many patterns are not numbers
 *
 * Counts the patterns that are no finite numbers.
 */
void
hr_number_format_count_specials (const HrNumberFormat *self,
                                 guint64              *n_infinite,
                                 guint64              *n_nan)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (n_infinite != NULL);
  g_return_if_fail (n_nan != NULL);

  *n_infinite = *n_nan = 0;

  switch (self->specials)
    {
    case HR_NUMBER_SPECIALS_IEEE:
      *n_infinite = 2;
      *n_nan = 2 * ones (self->n_mantissa_bits);
      break;

    case HR_NUMBER_SPECIALS_ALL_ONES:
      *n_nan = self->n_sign_bits + 1;
      break;

    case HR_NUMBER_SPECIALS_NEGATIVE_ZERO:
      *n_nan = 1;
      break;

    case HR_NUMBER_SPECIALS_NONE:
    default:
      break;
    }
}

/* The digits of a value that is exact with them. */
#define MAX_PLAIN_DIGITS 9

/**
 * hr_number_format_dup_decimal: (skip)
 * @self: a format
 * @bits: a pattern
 *
 * Writes a value to read: all of its digits if they are few, such as `448`, else as many as tell the numbers of the
 * format apart, such as `0.099976` for the FP16 next to 0.1.
 *
 * Returns: (transfer full): the text, with a point, for any locale
 */
char *
hr_number_format_dup_decimal (const HrNumberFormat *self,
                              guint64               bits)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  double value = hr_number_format_decode (self, bits);
  guint n_kept, n_needed = MAX_PLAIN_DIGITS;
  g_autofree char *format = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  if (isnan (value))
    return g_strdup ("nan");

  g_ascii_formatd (text, sizeof text, "%." G_STRINGIFY (MAX_PLAIN_DIGITS) "g", value);
  if (g_ascii_strtod (text, NULL) == value)
    return g_strdup (text);

  hr_number_format_get_n_digits (self, &n_kept, &n_needed);
  format = g_strdup_printf ("%%.%ug", n_needed);

  return g_strdup (g_ascii_formatd (text, sizeof text, format, value));
}

/**
 * hr_number_format_dup_shortest: (skip)
 * @self: a format
 * @bits: a pattern
 *
 * Writes a value to type, with as few digits as lead back to it, such as `0.1` for the FP16 next to it.
 *
 * Returns: (transfer full): the text, with a point, for any locale
 */
char *
hr_number_format_dup_shortest (const HrNumberFormat *self,
                               guint64               bits)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  double value = hr_number_format_decode (self, bits);

  g_return_val_if_fail (self != NULL, NULL);

  if (isnan (value))
    return g_strdup ("nan");

  for (guint n_digits = 1; n_digits <= DBL_DECIMAL_DIG; n_digits++)
    {
      char format[] = "%.00g";
      guint64 found;

      format[2] = '0' + n_digits / 10;
      format[3] = '0' + n_digits % 10;
      g_ascii_formatd (text, sizeof text, format, value);
      if (hr_number_format_parse (self, text, &found) && found == bits)
        break;
    }

  return g_strdup (text);
}

/* More than the smallest double has: 1,074 digits after the point. */
#define MAX_EXACT_LENGTH 1536

/**
 * hr_number_format_dup_exact: (skip)
 * @value: a value
 *
 * Writes a value with all of its digits: every binary fraction is a decimal one.
 *
 * Returns: (transfer full): the text, with a point, for any locale
 */
char *
hr_number_format_dup_exact (double value)
{
  char text[MAX_EXACT_LENGTH];
  g_autofree char *format = NULL;
  guint n_places = 0;
  double rest = value;

  if (!isfinite (value))
    return g_strdup (isnan (value) ? "nan" : value < 0 ? "-inf" : "inf");

  /* Each doubling takes one place off, and is exact. */
  while (rest != trunc (rest))
    {
      rest *= 2;
      n_places++;
    }

  format = g_strdup_printf ("%%.%uf", n_places);

  return g_strdup (g_ascii_formatd (text, sizeof text, format, value));
}
