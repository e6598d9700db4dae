/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-facts.h"

static GByteArray *
make_fact (guint number)
{
  GByteArray *fact = g_byte_array_new ();

  return g_byte_array_append (fact, (const guint8 *) &number, sizeof number);
}

static gboolean
knows (HrFacts *facts,
       guint    number)
{
  g_autoptr (GByteArray) fact = make_fact (number);

  return hr_facts_know (facts, fact);
}

static void
learn (HrFacts *facts,
       guint    number)
{
  g_autoptr (GByteArray) fact = make_fact (number);

  hr_facts_learn (facts, fact);
}

static void
test_knowledge (void)
{
  HrFacts facts;

  hr_facts_init (&facts);
  g_assert_false (knows (&facts, 7));
  learn (&facts, 7);
  g_assert_true (knows (&facts, 7));
  g_assert_false (knows (&facts, 8));
  hr_facts_clear (&facts);
}

static void
test_values (void)
{
  HrFacts facts;
  g_autoptr (GByteArray) fact = make_fact (7);
  guint value = 42, found = 0;

  hr_facts_init (&facts);
  g_assert_false (hr_facts_recall (&facts, fact, &found, sizeof found));
  hr_facts_learn_value (&facts, fact, &value, sizeof value);
  hr_facts_learn_value (&facts, fact, &value, sizeof value);
  g_assert_true (hr_facts_recall (&facts, fact, &found, sizeof found));
  g_assert_cmpuint (found, ==, 42);
  g_assert_cmpuint (facts.n_learnt, ==, 1);
  hr_facts_clear (&facts);
}

static void
test_oblivion (void)
{
  HrFacts facts;

  hr_facts_init (&facts);
  for (guint i = 0; i <= HR_FACTS_MAX; i++)
    learn (&facts, i);
  g_assert_false (knows (&facts, 0));
  for (guint i = 1; i <= HR_FACTS_MAX; i++)
    g_assert_true (knows (&facts, i));
  hr_facts_clear (&facts);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/facts/what_was_learnt_is_known_and_nothing_else", test_knowledge);
  g_test_add_func ("/facts/what_was_found_out_is_recalled_and_learnt_once", test_values);
  g_test_add_func ("/facts/what_was_learnt_first_is_forgotten_first", test_oblivion);

  return g_test_run ();
}
