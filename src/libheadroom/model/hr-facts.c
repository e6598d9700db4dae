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
  for (guint i = 0; i < HR_FACTS_MAX; i++)
    g_clear_pointer (&self->known[i], g_byte_array_unref);
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
  gboolean is_known = FALSE;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < HR_FACTS_MAX && !is_known; i++)
    {
      const GByteArray *known = self->known[i];

      is_known = known != NULL && known->len == fact->len && memcmp (known->data, fact->data, fact->len) == 0;
    }
  g_mutex_unlock (&self->lock);

  return is_known;
}

/*
 * hr_facts_learn:
 * @self: facts
 * @fact: bytes of all that something depends on, which do not change any more
 *
 * Learns that it is so, and forgets what was learnt first if it is too much.
 */
void
hr_facts_learn (HrFacts    *self,
                GByteArray *fact)
{
  GByteArray **place;

  g_mutex_lock (&self->lock);
  place = &self->known[self->n_learnt++ % HR_FACTS_MAX];
  g_clear_pointer (place, g_byte_array_unref);
  *place = g_byte_array_ref (fact);
  g_mutex_unlock (&self->lock);
}
