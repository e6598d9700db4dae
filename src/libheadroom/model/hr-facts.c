/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-facts.h"

#include <string.h>

/*
 * hr_facts_init:
 * @self: (out): facts
 *
 * Begins to know nothing.
 */
void
hr_facts_init (HrFacts *self)
{
  *self = (HrFacts) { .n_learnt = 0 };
  g_mutex_init (&self->lock);
  self->known = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref,
                                       (GDestroyNotify) g_bytes_unref);
}

/*
 * hr_facts_clear:
 * @self: facts
 *
 * Forgets all.
 */
void
hr_facts_clear (HrFacts *self)
{
  g_hash_table_unref (self->known);
  g_mutex_clear (&self->lock);
}

/*
 * hr_facts_know:
 * @self: facts
 * @fact: bytes of all that something depends on
 *
 * Returns: whether it has been learnt, and is not forgotten
 */
gboolean
hr_facts_know (HrFacts          *self,
               const GByteArray *fact)
{
  return hr_facts_recall (self, fact, NULL, 0);
}

/*
 * hr_facts_learn:
 * @self: facts
 * @fact: bytes of all that something depends on
 *
 * Learns that it is so, and forgets what was learnt first if it is too much.
 */
void
hr_facts_learn (HrFacts          *self,
                const GByteArray *fact)
{
  hr_facts_learn_value (self, fact, NULL, 0);
}

/*
 * hr_facts_recall:
 * @self: facts
 * @fact: bytes of all that something depends on
 * @value: (out caller-allocates) (nullable): what it is
 * @size: the size of that, as it was learnt
 *
 * Gets what has been found out.
 *
 * Returns: whether it has been learnt, and is not forgotten
 */
gboolean
hr_facts_recall (HrFacts          *self,
                 const GByteArray *fact,
                 gpointer          value,
                 gsize             size)
{
  g_autoptr (GBytes) key = g_bytes_new_static (fact->data, fact->len);
  GBytes *known;

  g_mutex_lock (&self->lock);
  known = g_hash_table_lookup (self->known, key);
  if (known != NULL && size > 0)
    memcpy (value, g_bytes_get_data (known, NULL), size);
  g_mutex_unlock (&self->lock);

  return known != NULL;
}

/*
 * hr_facts_learn_value:
 * @self: facts
 * @fact: bytes of all that something depends on
 * @value: (nullable): what it is
 * @size: the size of that
 *
 * Learns what has been found out, and forgets what was learnt first if it is too much.
 */
void
hr_facts_learn_value (HrFacts          *self,
                      const GByteArray *fact,
                      gconstpointer     value,
                      gsize             size)
{
  GBytes *key = g_bytes_new (fact->data, fact->len);
  GBytes **place;

  g_mutex_lock (&self->lock);
  if (g_hash_table_contains (self->known, key))
    {
      g_bytes_unref (key);
    }
  else
    {
      place = &self->order[self->n_learnt++ % HR_FACTS_MAX];
      if (*place != NULL)
        g_hash_table_remove (self->known, *place);
      *place = key;
      g_hash_table_insert (self->known, key, g_bytes_new (value, size));
    }
  g_mutex_unlock (&self->lock);
}
