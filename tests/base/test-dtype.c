/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib.h>

#include "hr-dtype.h"

static void
test_names_and_their_other_spellings_are_known (void)
{
  static const struct
  {
    const char *name;
    HrDtype dtype;
  } cases[] = {
    { "bfloat16", HR_DTYPE_BFLOAT16 }, { "torch.bfloat16", HR_DTYPE_BFLOAT16 }, { "bf16", HR_DTYPE_BFLOAT16 },
    { "half", HR_DTYPE_FLOAT16 },      { "torch.float32", HR_DTYPE_FLOAT32 },   { "float8_e4m3fn", HR_DTYPE_FLOAT8 },
    { "int4", HR_DTYPE_INT4 },         { "float64", HR_DTYPE_FLOAT64 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      HrDtype dtype = HR_DTYPE_AUTO;

      g_assert_true (hr_dtype_from_name (cases[i].name, &dtype));
      g_assert_cmpint (dtype, ==, cases[i].dtype);
    }
}

static void
test_an_unknown_name_is_not_taken (void)
{
  HrDtype dtype = HR_DTYPE_INT8;

  g_assert_false (hr_dtype_from_name ("float12", &dtype));
  g_assert_false (hr_dtype_from_name ("", &dtype));
  g_assert_cmpint (dtype, ==, HR_DTYPE_INT8);
}

static void
test_every_name_leads_back (void)
{
  for (HrDtype dtype = HR_DTYPE_AUTO; dtype <= HR_DTYPE_INT4; dtype++)
    {
      HrDtype found = HR_DTYPE_AUTO;

      g_assert_true (hr_dtype_from_name (hr_dtype_get_name (dtype), &found));
      g_assert_cmpint (found, ==, dtype);
    }
}

static void
test_bytes_are_rounded_up_and_do_not_overflow (void)
{
  g_assert_cmpuint (hr_dtype_get_bytes (HR_DTYPE_BFLOAT16, 3), ==, 6);
  g_assert_cmpuint (hr_dtype_get_bytes (HR_DTYPE_INT4, 3), ==, 2);
  g_assert_cmpuint (hr_dtype_get_bytes (HR_DTYPE_FLOAT64, G_MAXUINT64), ==, G_MAXUINT64);
  g_assert_cmpuint (hr_dtype_get_bytes (HR_DTYPE_BFLOAT16, G_MAXUINT64 / 2), ==, G_MAXUINT64 - 1);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/dtype/names_and_their_other_spellings_are_known", test_names_and_their_other_spellings_are_known);
  g_test_add_func ("/dtype/an_unknown_name_is_not_taken", test_an_unknown_name_is_not_taken);
  g_test_add_func ("/dtype/every_name_leads_back", test_every_name_leads_back);
  g_test_add_func ("/dtype/bytes_are_rounded_up_and_do_not_overflow", test_bytes_are_rounded_up_and_do_not_overflow);

  return g_test_run ();
}
