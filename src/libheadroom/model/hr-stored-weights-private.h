/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-stored-weights.h"

G_BEGIN_DECLS

/* What is known while the tensors of a model are looked for among the stored ones, and what comes of it. */
typedef struct
{
  HrStoredWeights *weights;
  GPtrArray *tensors;
  HrCheckpoint *checkpoint;
  HrGgufConfig *words;
  GHashTable *pieces;       /* module, GPtrArray of const HrStoredTensor */
  GHashTable *claimed;      /* of const HrStoredTensor */
  GHashTable *canonical;    /* name, const HrStoredTensor; NULL until it is needed */
  const HrQuantizer *quantizer;
  GPtrArray *packed;        /* of char *: quantised though the config does not say so */
  GPtrArray *plain;         /* of char *: the other way round */
  GPtrArray *missing;       /* of char * */
  GPtrArray *different;     /* of char * */
  GPtrArray *repeated;      /* of char * */
} HrStoredMatcher;

void hr_stored_weights_report (HrStoredMatcher *self,
                               const char      *class_name,
                               GPtrArray       *warnings);

G_END_DECLS
