/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-help.h"

G_BEGIN_DECLS

#define HR_HELP_MAX_LINKS 16

/* A text of its own, before it is in the user's language. */
typedef struct
{
  HrHelpSection section;
  const char *id;
  const char *title;
  const char *text;
  const char *links[HR_HELP_MAX_LINKS + 1];
} HrHelpText;

const HrHelpText *_hr_help_list_guides (guint *n_texts);
const HrHelpText *_hr_help_list_terms  (guint *n_texts);

G_END_DECLS
