/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "headroom.h"

#define NBSP "\u00a0"
#define KIB G_GUINT64_CONSTANT (1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static const struct
{
  guint64 bytes;
  const char *binary;
  const char *decimal;
} sizes[] = {
  { 0, "0" NBSP "B", "0" NBSP "B" },
  { 1, "1" NBSP "B", "1" NBSP "B" },
  { 999, "999" NBSP "B", "999" NBSP "B" },
  { 1000, "1000" NBSP "B", "1.00" NBSP "kB" },
  { 1023, "1023" NBSP "B", "1.02" NBSP "kB" },
  { 1024, "1.00" NBSP "KiB", "1.02" NBSP "kB" },
  { 57344, "56.0" NBSP "KiB", "57.3" NBSP "kB" },
  /* Rounding may carry into the next unit, and into another number of decimals. */
  { MIB - 1, "1.00" NBSP "MiB", "1.05" NBSP "MB" },
  { 10 * GIB - 1, "10.0" NBSP "GiB", "10.7" NBSP "GB" },
  { 24 * GIB, "24.0" NBSP "GiB", "25.8" NBSP "GB" },
  { 15231233024, "14.2" NBSP "GiB", "15.2" NBSP "GB" },
  { 1023 * GIB, "1023.0" NBSP "GiB", "1.10" NBSP "TB" },
  { 1024 * GIB, "1.00" NBSP "TiB", "1.10" NBSP "TB" },
  { G_MAXUINT64, "16.0" NBSP "EiB", "18.4" NBSP "EB" },
};

static const struct
{
  gint64 bytes;
  const char *text;
} differences[] = {
  { 0, "0" NBSP "B" },
  { 512, "+512" NBSP "B" },
  { -512, "\u2212512" NBSP "B" },
  { -22978100429, "\u221221.4" NBSP "GiB" },
  { G_MININT64, "\u22128.00" NBSP "EiB" },
};

static const struct
{
  guint64 number;
  const char *integer;
  const char *count;
} numbers[] = {
  { 0, "0", "0" },
  { 999, "999", "999" },
  { 1000, "1,000", "1.00" NBSP "K" },
  { 494032768, "494,032,768", "494" NBSP "M" },
  { 999999999, "999,999,999", "1.00" NBSP "B" },
  { 7615616512, "7,615,616,512", "7.62" NBSP "B" },
  { 70553706496, "70,553,706,496", "70.6" NBSP "B" },
  { G_MAXUINT64, "18,446,744,073,709,551,615", "18446744" NBSP "T" },
};

static const struct
{
  guint64 part;
  guint64 whole;
  const char *text;
} shares[] = {
  { 0, 0, "0.0" NBSP "%" },
  { 0, 100, "0.0" NBSP "%" },
  { 1, 100000, "<0.1" NBSP "%" },
  { 1, 3, "33.3" NBSP "%" },
  { 99999, 100000, ">99.9" NBSP "%" },
  { 100, 100, "100.0" NBSP "%" },
};

static void
test_sizes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *binary = hr_format_bytes (sizes[i].bytes, HR_UNIT_SYSTEM_BINARY);
      g_autofree char *decimal = hr_format_bytes (sizes[i].bytes, HR_UNIT_SYSTEM_DECIMAL);

      g_assert_cmpstr (binary, ==, sizes[i].binary);
      g_assert_cmpstr (decimal, ==, sizes[i].decimal);
    }
}

static void
test_differences (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (differences); i++)
    {
      g_autofree char *text = hr_format_bytes_difference (differences[i].bytes, HR_UNIT_SYSTEM_BINARY);

      g_assert_cmpstr (text, ==, differences[i].text);
    }
}

static void
test_numbers (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autofree char *integer = hr_format_integer (numbers[i].number);
      g_autofree char *count = hr_format_count (numbers[i].number);

      g_assert_cmpstr (integer, ==, numbers[i].integer);
      g_assert_cmpstr (count, ==, numbers[i].count);
    }
}

static void
test_shares (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      g_autofree char *text = hr_format_percentage (shares[i].part, shares[i].whole);

      g_assert_cmpstr (text, ==, shares[i].text);
    }
}

static void
test_operations (void)
{
  static const struct
  {
    double operations;
    const char *text;
  } cases[] = {
    { 0, "0" NBSP "FLOP" }, { 12, "12" NBSP "FLOP" }, { 15009841152, "15.0" NBSP "GFLOP" },
    { 999.6e9, "1.00" NBSP "TFLOP" }, { 3.3e24, "3300000.0" NBSP "EFLOP" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = hr_format_operations (cases[i].operations);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_times (void)
{
  static const struct
  {
    double seconds;
    const char *text;
  } cases[] = {
    { 0.0000125, "12.5" NBSP "µs" }, { 0.00099951, "1.00" NBSP "ms" }, { 0.0123, "12.3" NBSP "ms" },
    { 1.5, "1.50" NBSP "s" }, { 90, "1.50" NBSP "min" }, { 9000, "2.50" NBSP "h" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = hr_format_seconds (cases[i].seconds);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

/* A size that grows never reads as a smaller one. */
static void
test_monotone (void)
{
  static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
  double last = -1;

  for (double size = 1; size < 1.8e19; size *= 1.003)
    {
      g_autofree char *text = hr_format_bytes (size, HR_UNIT_SYSTEM_BINARY);
      g_auto (GStrv) words = g_strsplit (text, NBSP, 2);
      double value = g_ascii_strtod (words[0], NULL);
      guint unit = 0;

      while (!g_str_equal (units[unit], words[1]))
        unit++;
      for (guint i = 0; i < unit; i++)
        value *= 1024;

      g_assert_cmpfloat (value, >=, last);
      g_assert_cmpfloat (ABS (value - size) / size, <, size < 1024 ? 1 : 0.0055);
      last = value;
    }
}

static const struct
{
  const char *text;
  guint64 bytes;
} readings[] = {
  { "1", 1 }, { "1024", 1024 }, { "1 KiB", 1024 }, { "1kb", 1000 }, { "23.5GiB", 25232932864 },
  { "23991MiB", 25156386816 }, { "2\302\240TB", 2000000000000 }, { "1e3 B", 1000 },
  { "", 0 }, { "GiB", 0 }, { "-1 GiB", 0 }, { "0", 0 }, { "1 parsec", 0 }, { "nan", 0 }, { "1e30", 0 },
  { "1 GiB and more", 0 },
};

static void
test_sizes_are_read (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (readings); i++)
    {
      g_autoptr (GError) error = NULL;
      guint64 bytes = 0;

      g_test_message ("%s", readings[i].text);
      g_assert_cmpint (hr_parse_bytes (readings[i].text, &bytes, &error), ==, readings[i].bytes > 0);
      g_assert_cmpuint (bytes, ==, readings[i].bytes);
      g_assert_true ((error == NULL) == (readings[i].bytes > 0));
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/units/a_size_has_three_digits_and_its_true_unit", test_sizes);
  g_test_add_func ("/units/a_difference_has_a_sign", test_differences);
  g_test_add_func ("/units/an_integer_is_exact_and_a_count_is_short", test_numbers);
  g_test_add_func ("/units/a_share_that_is_there_is_never_nothing", test_shares);
  g_test_add_func ("/units/operations_have_a_unit_in_powers_of_a_thousand", test_operations);
  g_test_add_func ("/units/a_time_has_the_unit_that_people_say", test_times);
  g_test_add_func ("/units/a_size_that_grows_reads_as_a_larger_one", test_monotone);
  g_test_add_func ("/units/sizes_are_read", test_sizes_are_read);

  return g_test_run ();
}
