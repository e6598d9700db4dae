/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define HR_FACTS_MAX 16

/**
 * HrFacts:
 * @lock: guards the others
 * @known: what is known, as bytes of all that it depends on
 * @n_learnt: how much has been learnt so far, of which the last are known
 *
 * What has been found out, so that it is not found out again. It can be asked from any thread.
 */
typedef struct
{
  GMutex lock;
  GByteArray *known[HR_FACTS_MAX];
  guint n_learnt;
} HrFacts;

void     hr_facts_init  (HrFacts          *self);
void     hr_facts_clear (HrFacts          *self);
gboolean hr_facts_know  (HrFacts          *self,
                         const GByteArray *fact);
void     hr_facts_learn (HrFacts          *self,
                         GByteArray       *fact);

G_END_DECLS
