/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;
  char *value;
} HeadroomOption;

/**
 * HeadroomArguments:
 * @words: (element-type utf8): what is no option, in order
 * @options: (element-type HeadroomOption): the options without their dashes, in order; flags have no value
 *
 * A command line, taken apart but not yet understood.
 */
typedef struct
{
  GPtrArray *words;
  GPtrArray *options;
} HeadroomArguments;

HeadroomArguments *headroom_arguments_new         (char              **argv,
                                                   GError            **error) G_GNUC_WARN_UNUSED_RESULT;
void               headroom_arguments_free        (HeadroomArguments  *self);
gboolean           headroom_arguments_has         (HeadroomArguments  *self,
                                                   const char         *name);
const char        *headroom_arguments_get         (HeadroomArguments  *self,
                                                   const char         *name);
gboolean           headroom_arguments_check       (HeadroomArguments  *self,
                                                   const char * const *names,
                                                   guint               n_words,
                                                   GError            **error);
gboolean           headroom_arguments_check_words (HeadroomArguments  *self,
                                                   guint               n_words,
                                                   GError            **error);
gboolean           headroom_arguments_set_job     (HeadroomArguments  *self,
                                                   HrJob              *job,
                                                   const char * const *own_options,
                                                   GError            **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HeadroomArguments, headroom_arguments_free)

G_END_DECLS
