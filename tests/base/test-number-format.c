/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <float.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "hr-number-format.h"

/* Formats of which every pattern is tried; of the others, some. */
#define MAX_BITS_TO_SWEEP 16

static const HrNumberFormat *
get_format (const char *id)
{
  const HrNumberFormat *format = hr_number_format_find (id);

  g_assert_nonnull (format);

  return format;
}

static double
get_value (const char *id,
           guint64     bits)
{
  return hr_number_format_decode (get_format (id), bits);
}

static guint64
encode (const char *id,
        double      value)
{
  guint64 bits;

  g_assert_true (hr_number_format_encode (get_format (id), value, &bits));

  return bits;
}

static guint64
parse (const char *id,
       const char *text)
{
  guint64 bits;

  g_assert_true (hr_number_format_parse (get_format (id), text, &bits));

  return bits;
}

static gboolean
is_finite (const HrNumberFormat *format,
           guint64               bits)
{
  return isfinite (hr_number_format_decode (format, bits));
}

static void
check_round_trip (const HrNumberFormat *format,
                  guint64               bits)
{
  g_autofree char *shortest = NULL;
  g_autofree char *exact = NULL;
  double value = hr_number_format_decode (format, bits);
  guint64 found;

  if (isnan (value))
    {
      g_assert_true (hr_number_format_encode (format, value, &found));
      g_assert_cmpint (hr_number_format_classify (format, found), ==, HR_NUMBER_CLASS_NAN);
      return;
    }

  g_assert_true (hr_number_format_encode (format, value, &found));
  g_assert_cmphex (found, ==, bits);

  shortest = hr_number_format_dup_shortest (format, bits);
  g_assert_true (hr_number_format_parse (format, shortest, &found));
  g_assert_cmphex (found, ==, bits);

  exact = hr_number_format_dup_exact (value);
  g_assert_true (g_ascii_strtod (exact, NULL) == value);
}

static void
test_every_pattern_leads_to_a_value_and_back (void)
{
  for (guint i = 0; i < hr_get_n_number_formats (); i++)
    {
      const HrNumberFormat *format = hr_number_format_get (i);
      guint n_bits = hr_number_format_get_n_bits (format);
      guint64 step = n_bits <= MAX_BITS_TO_SWEEP ? 1 : (G_GUINT64_CONSTANT (1) << (n_bits - 12)) - 3;
      guint64 last = n_bits == 64 ? G_MAXUINT64 : (G_GUINT64_CONSTANT (1) << n_bits) - 1;

      for (guint64 bits = 0;; bits += step)
        {
          check_round_trip (format, bits);
          if (last - bits < step)
            break;
        }
    }
}

/* Halfway between two neighbours the even pattern wins, and a hair beside it the nearer one. */
static void
test_floats_are_rounded_to_nearest_with_ties_to_even (void)
{
  for (guint i = 0; i < hr_get_n_number_formats (); i++)
    {
      const HrNumberFormat *format = hr_number_format_get (i);
      guint64 largest = hr_number_format_get_largest (format);
      guint64 step = MAX (largest / 5000, 1);

      if (format->kind != HR_NUMBER_KIND_FLOAT || format->n_mantissa_bits == DBL_MANT_DIG - 1)
        continue;

      for (guint64 bits = 0; bits < largest; bits += step)
        {
          double low = hr_number_format_decode (format, bits), high = hr_number_format_decode (format, bits + 1);
          double middle = (low + high) / 2;

          g_assert_cmpfloat (low, <, high);
          g_assert_cmphex (encode (format->id, middle), ==, bits % 2 == 0 ? bits : bits + 1);
          g_assert_cmphex (encode (format->id, nextafter (middle, low)), ==, bits);
          g_assert_cmphex (encode (format->id, nextafter (middle, high)), ==, bits + 1);
        }
    }
}

static void
test_values_and_conversions_are_those_of_torch (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "base", "number-formats.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  JsonArray *all;

  g_assert_true (json_parser_load_from_file (parser, path, &error));
  g_assert_no_error (error);

  all = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "formats");
  g_assert_cmpuint (json_array_get_length (all), ==, 5);
  for (guint i = 0; i < json_array_get_length (all); i++)
    {
      JsonObject *one = json_array_get_object_element (all, i);
      const HrNumberFormat *format = get_format (json_object_get_string_member (one, "id"));
      JsonArray *values = json_object_get_array_member (one, "values");
      JsonArray *conversions = json_object_get_array_member (one, "conversions");

      g_assert_cmpuint (json_array_get_length (values), ==, 256);
      for (guint bits = 0; bits < 256; bits++)
        {
          double value = hr_number_format_decode (format, bits);
          double expected = g_ascii_strtod (json_array_get_string_element (values, bits), NULL);

          if (isnan (expected))
            g_assert_true (isnan (value));
          else
            g_assert_true (value == expected && !signbit (value) == !signbit (expected));
        }

      g_assert_cmpuint (json_array_get_length (conversions), >, 100);
      for (guint j = 0; j < json_array_get_length (conversions); j++)
        {
          JsonArray *pair = json_array_get_array_element (conversions, j);
          double value = g_ascii_strtod (json_array_get_string_element (pair, 0), NULL);
          guint64 bits;

          g_assert_true (hr_number_format_encode (format, value, &bits));
          if (isnan (value))
            g_assert_cmpint (hr_number_format_classify (format, bits), ==, HR_NUMBER_CLASS_NAN);
          else
            g_assert_cmphex (bits, ==, json_array_get_int_element (pair, 1));
        }
    }
}

static void
test_fp32_and_fp64_are_those_of_the_processor (void)
{
  static const double values[] = { 0.1, -1.0 / 3, 3.14159265358979, 1e-40, 1e-45, 3.4e38, 16777217, 1e300, 5e-324 };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      float single = values[i];
      guint32 single_bits;
      guint64 double_bits;

      memcpy (&single_bits, &single, sizeof single);
      memcpy (&double_bits, &values[i], sizeof double_bits);
      g_assert_cmphex (encode ("fp32", values[i]), ==, single_bits);
      g_assert_cmphex (encode ("fp64", values[i]), ==, double_bits);
      g_assert_true (get_value ("fp32", single_bits) == single);
      g_assert_true (get_value ("fp64", double_bits) == values[i]);
      /* A BF16 is the upper half of an FP32. */
      g_assert_true (get_value ("bf16", single_bits >> 16) == get_value ("fp32", single_bits & 0xffff0000));
    }
}

#ifdef __FLT16_MAX__
static void
test_fp16_is_that_of_the_compiler (void)
{
  for (guint bits = 0; bits < 0x10000; bits++)
    {
      guint16 pattern = bits;
      _Float16 half;
      double value = get_value ("fp16", bits);

      memcpy (&half, &pattern, sizeof half);
      g_assert_true (isnan (value) ? isnan ((float) half) : value == (double) half);

      if (bits < 0x7bff)
        {
          double between = value + (get_value ("fp16", bits + 1) - value) * ((bits * 37) % 64) / 64;

          half = (_Float16) between;
          memcpy (&pattern, &half, sizeof half);
          g_assert_cmphex (encode ("fp16", between), ==, pattern);
        }
    }
}
#endif

static void
test_limits_are_those_of_the_standards (void)
{
  static const struct
  {
    const char *id;
    double largest;
    double smallest_normal;
    double smallest_subnormal;
    double epsilon;
    guint n_kept, n_needed;
  } cases[] = {
    { "fp64", DBL_MAX, DBL_MIN, DBL_TRUE_MIN, DBL_EPSILON, DBL_DIG, DBL_DECIMAL_DIG },
    { "fp32", FLT_MAX, FLT_MIN, FLT_TRUE_MIN, FLT_EPSILON, FLT_DIG, FLT_DECIMAL_DIG },
    { "tf32", 0x1.ffcp127, 0x1p-126, 0x1p-136, 0x1p-10, 3, 5 },
    { "bf16", 0x1.fep127, 0x1p-126, 0x1p-133, 0x1p-7, 2, 4 },
    { "fp16", 65504, 0x1p-14, 0x1p-24, 0x1p-10, 3, 5 },
    { "fp8-e5m2", 57344, 0x1p-14, 0x1p-16, 0.25, 0, 2 },
    { "fp8-e4m3", 448, 0x1p-6, 0x1p-9, 0.125, 0, 3 },
    { "fp8-e5m2fnuz", 57344, 0x1p-15, 0x1p-17, 0.25, 0, 2 },
    { "fp8-e4m3fnuz", 240, 0x1p-7, 0x1p-10, 0.125, 0, 3 },
    { "fp6-e3m2", 28, 0.25, 0.0625, 0.25, 0, 2 },
    { "fp6-e2m3", 7.5, 1, 0.125, 0.125, 0, 3 },
    { "fp4-e2m1", 6, 1, 0.5, 0.5, 0, 2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const HrNumberFormat *format = get_format (cases[i].id);
      guint n_kept, n_needed;
      guint64 subnormal;
      double epsilon;

      g_assert_true (hr_number_format_decode (format, hr_number_format_get_largest (format)) == cases[i].largest);
      g_assert_true (hr_number_format_decode (format, hr_number_format_get_smallest_normal (format)) ==
                     cases[i].smallest_normal);
      g_assert_true (hr_number_format_get_smallest_subnormal (format, &subnormal));
      g_assert_true (hr_number_format_decode (format, subnormal) == cases[i].smallest_subnormal);
      g_assert_true (hr_number_format_get_epsilon (format, &epsilon) && epsilon == cases[i].epsilon);
      g_assert_true (hr_number_format_get_n_digits (format, &n_kept, &n_needed));
      g_assert_cmpuint (n_kept, ==, cases[i].n_kept);
      g_assert_cmpuint (n_needed, ==, cases[i].n_needed);
    }
}

static void
test_special_patterns_are_as_many_as_are_counted (void)
{
  for (guint i = 0; i < hr_get_n_number_formats (); i++)
    {
      const HrNumberFormat *format = hr_number_format_get (i);
      guint64 n_infinite, n_nan, n_infinite_found = 0, n_nan_found = 0;

      if (hr_number_format_get_n_bits (format) > MAX_BITS_TO_SWEEP)
        continue;

      for (guint64 bits = 0; bits >> hr_number_format_get_n_bits (format) == 0; bits++)
        {
          HrNumberClass class = hr_number_format_classify (format, bits);

          n_infinite_found += class == HR_NUMBER_CLASS_INFINITE;
          n_nan_found += class == HR_NUMBER_CLASS_NAN;
          g_assert_cmpint (class == HR_NUMBER_CLASS_INFINITE || class == HR_NUMBER_CLASS_NAN, ==,
                           !is_finite (format, bits));
        }

      hr_number_format_count_specials (format, &n_infinite, &n_nan);
      g_assert_cmpuint (n_infinite_found, ==, n_infinite);
      g_assert_cmpuint (n_nan_found, ==, n_nan);
    }
}

/* Each text rounds to the other side if it is first rounded to double precision. */
static void
test_long_numbers_are_rounded_once (void)
{
  g_assert_cmphex (parse ("fp16", "1.00048828125"), ==, 0x3c00);
  g_assert_cmphex (parse ("fp16", "1.000488281250000000000000000000000000000001"), ==, 0x3c01);
  g_assert_cmphex (parse ("fp16", "1.001464843749999999999999999999999999999999"), ==, 0x3c01);
  g_assert_cmphex (parse ("fp16", "1.00146484375"), ==, 0x3c02);
  g_assert_cmphex (parse ("fp32", "1.000000059604644775390625000000000000000001"), ==, 0x3f800001);
  g_assert_cmphex (parse ("fp64", "0.1"), ==, 0x3fb999999999999a);
  g_assert_cmphex (parse ("bf16", "1e5000"), ==, 0x7f80);
  g_assert_cmphex (parse ("fp8-e4m3", "-1e5000"), ==, 0xfe);
  g_assert_cmphex (parse ("fp16", "-1e-5000"), ==, 0x8000);
}

static void
test_what_is_no_number_is_not_read (void)
{
  static const char * const texts[] = { "", " ", "one", "1,5", "0x", "1 2", "--1", "1e", "٣" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      guint64 bits = 42;

      for (guint j = 0; j < hr_get_n_number_formats (); j++)
        g_assert_false (hr_number_format_parse (hr_number_format_get (j), texts[i], &bits));
      g_assert_cmphex (bits, ==, 42);
    }

  g_assert_cmphex (parse ("fp16", "  0.5\n"), ==, 0x3800);
  g_assert_cmphex (parse ("fp16", "0x1p-1"), ==, 0x3800);
  g_assert_cmphex (parse ("fp16", "inf"), ==, 0x7c00);
}

static void
test_formats_without_a_pattern_for_it_refuse_what_is_not_a_number (void)
{
  static const char * const ids[] = { "fp6-e3m2", "fp6-e2m3", "fp4-e2m1", "int8", "int4", "nf4" };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      guint64 bits = 42;

      g_assert_false (hr_number_format_encode (get_format (ids[i]), NAN, &bits));
      g_assert_cmphex (bits, ==, 42);
      g_assert_cmphex (encode (ids[i], INFINITY), ==, hr_number_format_get_largest (get_format (ids[i])));
    }
}

static void
test_whole_numbers_and_tables_take_the_nearest (void)
{
  g_assert_cmphex (encode ("int8", -128), ==, 0x80);
  g_assert_cmphex (encode ("int8", -1e9), ==, 0x80);
  g_assert_cmphex (encode ("int8", 2.5), ==, 2);
  g_assert_cmphex (encode ("int8", 3.5), ==, 4);
  g_assert_cmphex (encode ("int4", 9), ==, 7);
  g_assert_true (get_value ("int4", 0xf) == -1);
  g_assert_cmphex (encode ("nf4", -3), ==, 0);
  g_assert_cmphex (encode ("nf4", 0.03), ==, 7);
  g_assert_cmphex (encode ("nf4", 0.04), ==, 8);
  g_assert_cmphex (encode ("nf4", 0.8614784181118011), ==, 14);
  g_assert_cmphex (encode ("nf4", 0.8614784181118013), ==, 15);
}

static void
test_every_digit_is_written (void)
{
  g_autofree char *largest = hr_number_format_dup_exact (get_value ("fp32", 0x7f7fffff));
  g_autofree char *tenth = hr_number_format_dup_exact (get_value ("fp16", 0x2e66));
  g_autofree char *smallest = hr_number_format_dup_exact (get_value ("bf16", 1));
  g_autofree char *shortest = hr_number_format_dup_shortest (get_format ("fp16"), 0x2e66);
  g_autofree char *decimal = hr_number_format_dup_decimal (get_format ("fp16"), 0x2e66);
  g_autofree char *plain = hr_number_format_dup_decimal (get_format ("fp6-e2m3"), 0x1f);
  g_autofree char *negative = hr_number_format_dup_exact (-INFINITY);

  g_assert_cmpstr (largest, ==, "340282346638528859811704183484516925440");
  g_assert_cmpstr (tenth, ==, "0.0999755859375");
  g_assert_cmpstr (shortest, ==, "0.1");
  g_assert_cmpstr (decimal, ==, "0.099976");
  g_assert_cmpstr (plain, ==, "7.5");
  g_assert_cmpstr (negative, ==, "-inf");
  g_assert_true (g_str_has_prefix (smallest, "0.00000000000000000000000000000000000000009183549615799121"));
  g_assert_cmpuint (strlen (smallest), ==, 2 + 133);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/base/number-format/every pattern leads to a value and back",
                   test_every_pattern_leads_to_a_value_and_back);
  g_test_add_func ("/base/number-format/floats are rounded to nearest with ties to even",
                   test_floats_are_rounded_to_nearest_with_ties_to_even);
  g_test_add_func ("/base/number-format/values and conversions are those of torch",
                   test_values_and_conversions_are_those_of_torch);
  g_test_add_func ("/base/number-format/FP32 and FP64 are those of the processor",
                   test_fp32_and_fp64_are_those_of_the_processor);
#ifdef __FLT16_MAX__
  g_test_add_func ("/base/number-format/FP16 is that of the compiler", test_fp16_is_that_of_the_compiler);
#endif
  g_test_add_func ("/base/number-format/limits are those of the standards", test_limits_are_those_of_the_standards);
  g_test_add_func ("/base/number-format/special patterns are as many as are counted",
                   test_special_patterns_are_as_many_as_are_counted);
  g_test_add_func ("/base/number-format/long numbers are rounded once", test_long_numbers_are_rounded_once);
  g_test_add_func ("/base/number-format/what is no number is not read", test_what_is_no_number_is_not_read);
  g_test_add_func ("/base/number-format/formats without a pattern for it refuse what is not a number",
                   test_formats_without_a_pattern_for_it_refuse_what_is_not_a_number);
  g_test_add_func ("/base/number-format/whole numbers and tables take the nearest",
                   test_whole_numbers_and_tables_take_the_nearest);
  g_test_add_func ("/base/number-format/every digit is written", test_every_digit_is_written);

  return g_test_run ();
}
