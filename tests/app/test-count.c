/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-count.h"
#include "headroom-test.h"

typedef struct
{
  const char *text;
  gboolean valid;
  guint64 value;
} Case;

static const Case cases[] = {
  { "0", TRUE, 0 },
  { "4096", TRUE, 4096 },
  { " 4096 ", TRUE, 4096 },
  { "32,768", TRUE, 32768 },
  { "32 768", TRUE, 32768 },
  { "32_768", TRUE, 32768 },
  { "32\302\240768", TRUE, 32768 },
  { "32k", TRUE, 32768 },
  { "32 K", TRUE, 32768 },
  { "1.5k", TRUE, 1536 },
  { "1M", TRUE, 1048576 },
  { "３２ｋ", TRUE, 32768 },
  { "9007199254740992", TRUE, 9007199254740992 },
  { "", FALSE, 0 },
  { "k", FALSE, 0 },
  { "-1", FALSE, 0 },
  { "1.5", FALSE, 0 },
  { "1.2.3k", FALSE, 0 },
  { "12x", FALSE, 0 },
  { "12kk", FALSE, 0 },
  { "9007199254740993k", FALSE, 0 },
  { "\xff", FALSE, 0 },
};

static void
test_count_as_people_write_it (gconstpointer data)
{
  const Case *test = data;
  guint64 value = 0;

  g_assert_true (headroom_count_parse (test->text, &value) == test->valid);
  g_assert_cmpuint (value, ==, test->value);
}

int
main (int   argc,
      char *argv[])
{
  headroom_test_init (&argc, &argv);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/app/count/as_people_write_it/%u", i);

      g_test_add_data_func (path, &cases[i], test_count_as_people_write_it);
    }

  return g_test_run ();
}
