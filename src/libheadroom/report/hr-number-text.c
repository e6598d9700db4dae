/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-number-text.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "hr-units.h"

#define MINUS_SIGN "\u2212"

/* What a format is for, by its key. */
static const struct
{
  const char *id;
  const char *use;
} uses[] = {
  { "fp64", N_("Double precision, for scientific computing; language models have no use for it.") },
  { "fp32", N_("Single precision: master copies of weights, states of optimizers, sums. Twice the memory of a "
               "half.") },
  { "tf32", N_("What tensor cores (from the A100 on) make of FP32 factors: the range of FP32 with the mantissa of "
               "FP16. It is never in memory: values are stored as FP32, rounded on the way into the product, and the "
               "sum is FP32 again.") },
  { "bf16", N_("The usual type of weights and training today. By Google, for TPUs: the upper half of an FP32, so that "
               "the range is the same and a conversion only drops bits; loss scaling is not needed.") },
  { "fp16", N_("Half precision: three bits more than BF16, but nothing above 65504; training needs loss scaling.") },
  { "fp8-e5m2", N_("Gradients in FP8 training: range before precision. Built like an IEEE format.") },
  { "fp8-e4m3", N_("Weights and activations in FP8, in training and serving. Without infinities, so that it reaches "
                   "448 and not 240. torch calls it float8_e4m3fn.") },
  { "fp8-e5m2fnuz", N_("E5M2 as the AMD Instinct MI300 has it: without infinities and without a minus zero.") },
  { "fp8-e4m3fnuz", N_("E4M3 as the AMD Instinct MI300 has it: half the range of the one of the OCP, and no minus "
                       "zero.") },
  { "fp6-e3m2", N_("Elements of MXFP6, the form with more range; blocks of 32 share a scale.") },
  { "fp6-e2m3", N_("Elements of MXFP6, the form with more precision; blocks of 32 share a scale.") },
  { "fp4-e2m1", N_("Elements of MXFP4 (blocks of 32, scales in E8M0) and of NVFP4 (blocks of 16, scales in E4M3).") },
  { "e8m0", N_("The scales of MX formats: powers of two, no sign, no zero.") },
  { "int8", N_("Quantized weights and activations, as multiples of a scale.") },
  { "int4", N_("Quantized weights (GPTQ, AWQ and others), as multiples of a scale that a group shares; two in a "
               "byte.") },
  { "nf4", N_("QLoRA's type: sixteen quantiles of the normal distribution, times the largest value of a block of 64. "
              "No sign, exponent and mantissa: a place in a table.") },
};

static void
fact_free (gpointer data)
{
  HrNumberFact *fact = data;

  g_free (fact->text);
  g_free (fact);
}

static GPtrArray *
fact_list_new (void)
{
  return g_ptr_array_new_with_free_func (fact_free);
}

/* Takes @text. */
static void
add_fact (GPtrArray  *facts,
          const char *id,
          const char *label,
          char       *text)
{
  HrNumberFact *fact = g_new0 (HrNumberFact, 1);

  fact->id = id;
  fact->label = label;
  fact->text = text;
  g_ptr_array_add (facts, fact);
}

/* A power of two, with its exponent above the line. */
static char *
dup_power (int exponent)
{
  static const char * const digits[] = { "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹" };
  g_autofree char *number = g_strdup_printf ("%d", ABS (exponent));
  GString *text = g_string_new (exponent < 0 ? "2⁻" : "2");

  for (const char *digit = number; *digit != '\0'; digit++)
    g_string_append (text, digits[*digit - '0']);

  return g_string_free (text, FALSE);
}

/* A number to the base of two, with what it is. */
static char *
dup_binary (guint64 number,
            guint   n_bits)
{
  GString *text = g_string_new (NULL);

  for (guint i = n_bits; i > 0; i--)
    g_string_append_c (text, number >> (i - 1) & 1 ? '1' : '0');
  g_string_append (text, "₂");

  return g_string_free (text, FALSE);
}

/* With a true minus sign. */
static char *
dup_signed (const char *number)
{
  return *number == '-' ? g_strconcat (MINUS_SIGN, number + 1, NULL) : g_strdup (number);
}

static char *
dup_integer (gint64 number)
{
  return number < 0 ? g_strdup_printf (MINUS_SIGN "%" G_GINT64_FORMAT, -number)
                    : g_strdup_printf ("%" G_GINT64_FORMAT, number);
}

static char *
dup_value (const HrNumberFormat *format,
           guint64               bits)
{
  g_autofree char *decimal = hr_number_format_dup_decimal (format, bits);

  return dup_signed (decimal);
}

/* A power of two and its value. */
static char *
dup_power_and_value (const HrNumberFormat *format,
                     guint64               bits)
{
  g_autofree char *value = dup_value (format, bits);
  g_autofree char *power = NULL;
  int exponent;

  if (frexp (hr_number_format_decode (format, bits), &exponent) != 0.5)
    return g_steal_pointer (&value);

  power = dup_power (exponent - 1);

  return g_strdup_printf ("%s = %s", power, value);
}

/**
 * hr_number_field_get_label:
 * @field: what a bit belongs to
 *
 * Gets what the field is called in the user's language.
 *
 * Returns: (transfer none): the label
 */
const char *
hr_number_field_get_label (HrNumberField field)
{
  switch (field)
    {
    case HR_NUMBER_FIELD_SIGN:
      return _("Sign");

    case HR_NUMBER_FIELD_EXPONENT:
      return _("Exponent");

    case HR_NUMBER_FIELD_MANTISSA:
      return _("Mantissa");

    case HR_NUMBER_FIELD_VALUE:
    default:
      return C_("field of bits", "Value");
    }
}

/**
 * hr_number_class_get_label:
 * @number_class: a kind of value
 *
 * Gets what the kind is called in the user's language.
 *
 * Returns: (transfer none): the label
 */
const char *
hr_number_class_get_label (HrNumberClass number_class)
{
  switch (number_class)
    {
    case HR_NUMBER_CLASS_ZERO:
      return _("Zero");

    case HR_NUMBER_CLASS_SUBNORMAL:
      return _("Subnormal number");

    case HR_NUMBER_CLASS_INFINITE:
      return _("Infinity");

    case HR_NUMBER_CLASS_NAN:
      return _("Not a number (NaN)");

    case HR_NUMBER_CLASS_NORMAL:
    default:
      return _("Normal number");
    }
}

/**
 * hr_number_format_get_use: (skip)
 * @format: a format
 *
 * Gets what a format is for, in the user's language.
 *
 * Returns: (transfer none): one or two sentences
 */
const char *
hr_number_format_get_use (const HrNumberFormat *format)
{
  g_return_val_if_fail (format != NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (uses); i++)
    {
      if (g_str_equal (uses[i].id, format->id))
        return _(uses[i].use);
    }

  g_return_val_if_reached ("");
}

/**
 * hr_number_format_dup_layout: (skip)
 * @format: a format
 *
 * Writes how the bits are shared out, such as "1 + 8 + 23 = 32".
 *
 * Returns: (transfer full): the sum
 */
char *
hr_number_format_dup_layout (const HrNumberFormat *format)
{
  const guint widths[] = { format->n_sign_bits, format->n_exponent_bits, format->n_mantissa_bits };
  GString *text = g_string_new (NULL);
  guint n_widths = 0;

  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    {
      if (widths[i] == 0)
        continue;
      g_string_append_printf (text, n_widths > 0 ? " + %u" : "%u", widths[i]);
      n_widths++;
    }
  if (n_widths > 1)
    g_string_append_printf (text, " = %u", hr_number_format_get_n_bits (format));

  return g_string_free (text, FALSE);
}

/**
 * hr_number_format_dup_weight_of_bit: (skip)
 * @format: a format
 * @bit: a bit, 0 for the lowest
 *
 * Writes what a bit adds to its field: powers of two.
 *
 * Returns: (transfer full) (nullable): the weight; %NULL of a sign, and of a place in a table
 */
char *
hr_number_format_dup_weight_of_bit (const HrNumberFormat *format,
                                    guint                 bit)
{
  g_autofree char *power = NULL;

  g_return_val_if_fail (format != NULL, NULL);

  switch (hr_number_format_get_field (format, bit))
    {
    case HR_NUMBER_FIELD_EXPONENT:
      return dup_power (bit - format->n_mantissa_bits);

    case HR_NUMBER_FIELD_MANTISSA:
      return dup_power ((int) bit - (int) format->n_mantissa_bits);

    case HR_NUMBER_FIELD_SIGN:
      if (format->kind != HR_NUMBER_KIND_INTEGER)
        return NULL;
      power = dup_power (bit);
      return g_strconcat (MINUS_SIGN, power, NULL);

    case HR_NUMBER_FIELD_VALUE:
    default:
      return format->kind == HR_NUMBER_KIND_INTEGER ? dup_power (bit) : NULL;
    }
}

/* The factor of the mantissa: with the leading one, or without it below the smallest normal number. */
static double
get_significand (const HrNumberFormat *format,
                 guint64               bits)
{
  double fraction = ldexp (hr_number_format_get_mantissa (format, bits), -(int) format->n_mantissa_bits);

  return hr_number_format_get_exponent (format, bits) > 0 ? 1 + fraction : fraction;
}

static char *
dup_float_calculation (const HrNumberFormat *format,
                       guint64               bits)
{
  const char *sign = hr_number_format_is_negative (format, bits) ? MINUS_SIGN : "";
  g_autofree char *significand = hr_number_format_dup_exact (get_significand (format, bits));
  guint field = MAX (hr_number_format_get_exponent (format, bits), 1);
  g_autofree char *power = dup_power ((int) field - format->bias);

  return g_strdup_printf ("%s2^(%u " MINUS_SIGN " %d) × %s = %s%s × %s", sign, field, format->bias, significand, sign,
                          power, significand);
}

/**
 * hr_number_format_dup_calculation: (skip)
 * @format: a format
 * @bits: a pattern
 *
 * Writes how the value of a pattern comes about, such as "2^(124 − 127) × 1.25 = 2⁻³ × 1.25".
 *
 * Returns: (transfer full) (nullable): the formula; %NULL where there is nothing to calculate
 */
char *
hr_number_format_dup_calculation (const HrNumberFormat *format,
                                  guint64               bits)
{
  HrNumberClass number_class = hr_number_format_classify (format, bits);
  g_autofree char *power = NULL;
  guint field;

  if (number_class == HR_NUMBER_CLASS_INFINITE || number_class == HR_NUMBER_CLASS_NAN)
    return NULL;

  switch (format->kind)
    {
    case HR_NUMBER_KIND_FLOAT:
      return number_class == HR_NUMBER_CLASS_ZERO ? NULL : dup_float_calculation (format, bits);

    case HR_NUMBER_KIND_EXPONENT:
      field = hr_number_format_get_exponent (format, bits);
      power = dup_power ((int) field - format->bias);
      return g_strdup_printf ("2^(%u " MINUS_SIGN " %d) = %s", field, format->bias, power);

    case HR_NUMBER_KIND_INTEGER:
      if (!hr_number_format_is_negative (format, bits))
        return NULL;
      power = dup_power (format->n_mantissa_bits);
      return g_strdup_printf ("%" G_GUINT64_FORMAT " " MINUS_SIGN " %s", hr_number_format_get_mantissa (format, bits),
                              power);

    case HR_NUMBER_KIND_TABLE:
    default:
      /* Translators: %u is a place in a table of sixteen values, from 0 on. */
      return g_strdup_printf (_("entry %u of the table"), (guint) bits);
    }
}

static char *
dup_specials (const HrNumberFormat *format)
{
  guint64 n_infinite, n_nan;
  g_autofree char *nan_count = NULL;

  hr_number_format_count_specials (format, &n_infinite, &n_nan);
  nan_count = hr_format_integer (n_nan);
  if (n_infinite > 0)
    /* Translators: %1$u is a number of infinities (2), %2$s a number of patterns that are not a number. */
    return g_strdup_printf (_("%1$u infinities, %2$s patterns for NaN"), (guint) n_infinite, nan_count);
  if (n_nan > 0)
    return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "no infinity, %s pattern for NaN",
                                         "no infinity, %s patterns for NaN", n_nan),
                            nan_count);

  return g_strdup (_("none: every pattern is a number"));
}

static char *
dup_stored (const HrNumberFormat *format)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (number, sizeof number, "%g", format->n_stored_bits / 8.0);

  /* Translators: %s is a number such as 4 or 0.5. */
  return g_strdup_printf (format->n_stored_bits == 8 ? _("%s byte") : _("%s bytes"), number);
}

static void
add_float_facts (GPtrArray            *facts,
                 const HrNumberFormat *format)
{
  char epsilon_text[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *power = dup_power (-(int) format->n_mantissa_bits);
  g_autofree char *whole = NULL;
  guint n_kept, n_needed;
  guint64 subnormal;
  double epsilon;

  if (hr_number_format_get_smallest_subnormal (format, &subnormal))
    add_fact (facts, "smallest-subnormal", _("Smallest subnormal number"), dup_power_and_value (format, subnormal));
  if (hr_number_format_get_epsilon (format, &epsilon))
    add_fact (facts, "epsilon", _("Distance from 1 to the next number (epsilon)"),
              g_strdup_printf ("%s = %s", power, g_ascii_formatd (epsilon_text, sizeof epsilon_text, "%.8g", epsilon)));
  if (hr_number_format_get_n_digits (format, &n_kept, &n_needed))
    /* Translators: how many decimal digits a format keeps, and how many tell each of its numbers from the next. */
    add_fact (facts, "digits", _("Decimal digits"),
              g_strdup_printf (_("%u are kept, %u tell numbers apart"), n_kept, n_needed));

  /* All whole numbers up to two to the power of the mantissa with its leading one, unless the range ends before. */
  whole = hr_format_integer (MIN ((double) (G_GUINT64_CONSTANT (1) << (format->n_mantissa_bits + 1)),
                                  hr_number_format_decode (format, hr_number_format_get_largest (format))));
  add_fact (facts, "integers", _("Whole numbers are exact up to"), g_steal_pointer (&whole));
}

/**
 * hr_number_format_list_facts: (skip)
 * @format: a format
 *
 * Lists what is so about a format, in the user's language.
 *
 * Returns: (transfer full) (element-type HrNumberFact): the facts
 */
GPtrArray *
hr_number_format_list_facts (const HrNumberFormat *format)
{
  GPtrArray *facts = fact_list_new ();
  guint64 smallest = hr_number_format_get_smallest_normal (format);

  g_return_val_if_fail (format != NULL, facts);

  add_fact (facts, "layout", _("Bits"), hr_number_format_dup_layout (format));
  add_fact (facts, "stored", _("In memory"), dup_stored (format));
  if (format->n_exponent_bits > 0)
    add_fact (facts, "bias", _("Bias of the exponent"), dup_integer (format->bias));
  add_fact (facts, "largest", _("Largest number"), dup_value (format, hr_number_format_get_largest (format)));
  if (format->kind == HR_NUMBER_KIND_INTEGER)
    add_fact (facts, "lowest", _("Lowest number"), dup_value (format, smallest << format->n_mantissa_bits));
  else
    add_fact (facts, "smallest-normal",
              format->kind == HR_NUMBER_KIND_FLOAT ? _("Smallest normal number") : _("Smallest positive number"),
              dup_power_and_value (format, smallest));
  if (format->kind == HR_NUMBER_KIND_FLOAT)
    add_float_facts (facts, format);
  add_fact (facts, "specials", _("Special values"), dup_specials (format));
  add_fact (facts, "use", _("Use"), g_strdup (hr_number_format_get_use (format)));
  add_fact (facts, "source", _("Source"), g_strdup (format->source));

  return facts;
}

/* The exponent, and why it is not larger. */
static void
add_exponent_steps (GPtrArray            *steps,
                    const HrNumberFormat *format,
                    guint64               largest)
{
  guint field = hr_number_format_get_exponent (format, largest);
  g_autofree char *binary = dup_binary (field, format->n_exponent_bits);
  g_autofree char *exponent = dup_integer ((int) field - format->bias);

  if (field < (1u << format->n_exponent_bits) - 1)
    add_fact (steps, "field", _("Field of the exponent"),
              /* Translators: %1$s is a binary number, %2$u the same in decimal. */
              g_strdup_printf (_("%1$s = %2$u; all ones is kept for infinities and NaN"), binary, field));
  else
    add_fact (steps, "field", _("Field of the exponent"), g_strdup_printf ("%s = %u", binary, field));
  add_fact (steps, "exponent", _("Exponent, without the bias"),
            g_strdup_printf ("%u " MINUS_SIGN " %d = %s", field, format->bias, exponent));
}

static void
add_mantissa_step (GPtrArray            *steps,
                   const HrNumberFormat *format,
                   guint64               largest)
{
  guint64 field = hr_number_format_get_mantissa (format, largest);
  gboolean is_full = field == (G_GUINT64_CONSTANT (1) << format->n_mantissa_bits) - 1;
  g_autofree char *binary = dup_binary (field, format->n_mantissa_bits);
  g_autofree char *power = dup_power (-(int) format->n_mantissa_bits);
  g_autofree char *value = hr_number_format_dup_exact (get_significand (format, largest));

  add_fact (steps, "mantissa", _("Mantissa, with the leading one"),
            is_full ? g_strdup_printf ("1.%s = 2 " MINUS_SIGN " %s = %s", binary, power, value)
                    : g_strdup_printf (_("1.%1$s = %2$s, as all ones is NaN"), binary, value));
}

static void
add_value_steps (GPtrArray            *steps,
                 const HrNumberFormat *format,
                 guint64               largest)
{
  double value = hr_number_format_decode (format, largest);
  char scientific[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *exact = hr_number_format_dup_exact (value);
  g_autofree char *power = dup_power ((int) hr_number_format_get_exponent (format, largest) - format->bias);
  g_autofree char *significand = hr_number_format_dup_exact (get_significand (format, largest));

  if (format->kind == HR_NUMBER_KIND_FLOAT)
    add_fact (steps, "product", _("Product"), g_strdup_printf ("%s × %s", power, significand));
  add_fact (steps, "value", _("Value, in full"), g_steal_pointer (&exact));
  add_fact (steps, "scientific", _("Value, rounded"),
            g_strdup (g_ascii_formatd (scientific, sizeof scientific, "%e", value)));
}

/**
 * hr_number_format_list_steps: (skip)
 * @format: a format
 *
 * Lists, step by step, how the largest number of a format comes about, in the user's language.
 *
 * Returns: (transfer full) (element-type HrNumberFact): the steps
 */
GPtrArray *
hr_number_format_list_steps (const HrNumberFormat *format)
{
  GPtrArray *steps = fact_list_new ();
  guint64 largest;
  g_autofree char *power = NULL;

  g_return_val_if_fail (format != NULL, steps);

  largest = hr_number_format_get_largest (format);

  switch (format->kind)
    {
    case HR_NUMBER_KIND_INTEGER:
      power = dup_power (format->n_mantissa_bits);
      add_fact (steps, "pattern", _("Pattern"), dup_binary (largest, hr_number_format_get_n_bits (format)));
      add_fact (steps, "value", _("Value, in full"),
                g_strdup_printf ("%s " MINUS_SIGN " 1 = %" G_GUINT64_FORMAT, power, largest));
      break;

    case HR_NUMBER_KIND_TABLE:
      add_fact (steps, "value", _("Value, in full"), g_strdup (_("1, the last entry of the table")));
      break;

    case HR_NUMBER_KIND_EXPONENT:
    case HR_NUMBER_KIND_FLOAT:
    default:
      if (format->n_sign_bits > 0)
        add_fact (steps, "sign", _("Sign"), g_strdup ("(" MINUS_SIGN "1)⁰ = 1"));
      add_exponent_steps (steps, format, largest);
      if (format->n_mantissa_bits > 0)
        add_mantissa_step (steps, format, largest);
      add_value_steps (steps, format, largest);
      break;
    }

  return steps;
}

/**
 * hr_number_format_get_bytes: (skip)
 * @format: a format
 * @n_elements: a number of elements
 *
 * Gets what elements take by themselves, packed, without scales.
 *
 * Returns: the size in bytes, rounded up; %G_MAXUINT64 if it does not fit
 */
guint64
hr_number_format_get_bytes (const HrNumberFormat *format,
                            guint64               n_elements)
{
  guint64 eighths, rest;

  g_return_val_if_fail (format != NULL, 0);

  if (!g_uint64_checked_mul (&eighths, n_elements / 8, format->n_stored_bits))
    return G_MAXUINT64;

  rest = (n_elements % 8 * format->n_stored_bits + 7) / 8;

  return g_uint64_checked_add (&eighths, eighths, rest) ? eighths : G_MAXUINT64;
}

static char *
dup_summary (const HrNumberFormat *format)
{
  static const char * const ids[] = { "layout", "largest", "lowest", "smallest-normal", "epsilon", "digits", NULL };
  g_autoptr (GPtrArray) facts = hr_number_format_list_facts (format);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < facts->len; i++)
    {
      const HrNumberFact *fact = g_ptr_array_index (facts, i);

      if (!g_strv_contains (ids, fact->id))
        continue;
      if (text->len > 0)
        g_string_append (text, " · ");
      /* Translators: a fact about a format, such as “Largest number: 65504”. */
      g_string_append_printf (text, _("%1$s: %2$s"), fact->label, fact->text);
    }

  return g_string_free (text, FALSE);
}

/**
 * hr_number_format_tabulate: (skip)
 * @model: (nullable): a model
 *
 * Makes a table of all formats: their bits, and what the parameters of @model would take in each.
 *
 * Returns: (transfer full): the table
 */
HrAnatomyTable *
hr_number_format_tabulate (HrModel *model)
{
  HrAnatomyTable *table;

  g_return_val_if_fail (model == NULL || HR_IS_MODEL (model), NULL);

  table = hr_anatomy_table_new ("number-formats", _("Formats of numbers"),
                                _("What the parameters take in each by themselves: scales of groups and what a program "
                                  "leaves in another type come on top."),
                                _("Format"));
  hr_anatomy_table_add_column (table, "bits", _("Bits in memory"));
  if (model != NULL)
    hr_anatomy_table_add_column (table, "weights", _("Weights of this model"));

  for (guint i = 0; i < hr_get_n_number_formats (); i++)
    {
      const HrNumberFormat *format = hr_number_format_get (i);
      HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, format->id, format->name);

      hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_COUNT, format->n_stored_bits);
      if (model != NULL)
        hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_BYTES,
                            hr_number_format_get_bytes (format, hr_model_get_n_parameters (model)));
      row->note = dup_summary (format);
    }

  return table;
}
