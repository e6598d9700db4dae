/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define HR_FACTS_MAX 1024

/**
 * HrFacts:
 * @lock: guards the others
 * @known: (element-type GBytes GBytes): what is known, by bytes of all that it depends on
 * @order: what of it was learnt when
 * @n_learnt: how much has been learnt so far, of which the last are known
 *
 * What has been found out, so that it is not found out again. It can be asked from any thread.
 */
typedef struct
{
  GMutex lock;
  GHashTable *known;
  GBytes *order[HR_FACTS_MAX];
  guint n_learnt;
} HrFacts;

void     hr_facts_init        (HrFacts          *self);
void     hr_facts_clear       (HrFacts          *self);
gboolean hr_facts_know        (HrFacts          *self,
                               const GByteArray *fact);
void     hr_facts_learn       (HrFacts          *self,
                               const GByteArray *fact);
gboolean hr_facts_recall      (HrFacts          *self,
                               const GByteArray *fact,
                               gpointer          value,
                               gsize             size);
void     hr_facts_learn_value (HrFacts          *self,
                               const GByteArray *fact,
                               gconstpointer     value,
                               gsize             size);

G_END_DECLS
