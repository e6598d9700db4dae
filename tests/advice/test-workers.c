/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-workers.h"

#define MANY 1000

static void
count (guint    index,
       gpointer user_data)
{
  guint *times = user_data;

  g_atomic_int_inc (&times[index]);
}

static void
test_each_piece_is_done_once (gconstpointer data)
{
  guint n = GPOINTER_TO_UINT (data);
  guint times[MANY + 1] = { 0 };

  hr_workers_run (n, count, times);

  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (times[i], ==, 1);
  g_assert_cmpuint (times[n], ==, 0);
}

static void
count_many (guint    index,
            gpointer user_data)
{
  guint (*times)[MANY] = user_data;

  hr_workers_run (MANY, count, times[index]);
}

/* Work may hand out work, however many threads wait for theirs. */
static void
test_work_within_work (void)
{
  guint n = 4 * hr_workers_get_n ();
  g_autofree guint (*times)[MANY] = g_malloc0 (n * sizeof *times);

  hr_workers_run (n, count_many, times);

  for (guint i = 0; i < n; i++)
    {
      for (guint j = 0; j < MANY; j++)
        g_assert_cmpuint (times[i][j], ==, 1);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/advice/workers/each_piece_is_done_once/none", GUINT_TO_POINTER (0),
                        test_each_piece_is_done_once);
  g_test_add_data_func ("/advice/workers/each_piece_is_done_once/one", GUINT_TO_POINTER (1),
                        test_each_piece_is_done_once);
  g_test_add_data_func ("/advice/workers/each_piece_is_done_once/many", GUINT_TO_POINTER (MANY),
                        test_each_piece_is_done_once);
  g_test_add_func ("/advice/workers/work_may_hand_out_work", test_work_within_work);

  return g_test_run ();
}
