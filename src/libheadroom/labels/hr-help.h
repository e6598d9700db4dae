/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrHelpSection: (skip)
 * @HR_HELP_SECTION_GUIDE: how figures are made, and what to make of them
 * @HR_HELP_SECTION_TERM: words of the field
 * @HR_HELP_SECTION_COMPONENT: what memory is held for
 * @HR_HELP_SECTION_PHASE: stretches of a job
 * @HR_HELP_SECTION_SETTING: what each setting does
 * @HR_HELP_SECTION_SYMBOL: letters of formulas
 *
 * What a topic of the help is about.
 */
typedef enum
{
  HR_HELP_SECTION_GUIDE,
  HR_HELP_SECTION_TERM,
  HR_HELP_SECTION_COMPONENT,
  HR_HELP_SECTION_PHASE,
  HR_HELP_SECTION_SETTING,
  HR_HELP_SECTION_SYMBOL,
  HR_N_HELP_SECTIONS, /*< skip >*/
} HrHelpSection;

/**
 * HrHelpTopic: (skip)
 * @section: what it is about
 * @id: a key that is the same in all languages, such as `setting:batch-size`
 * @title: what it is called
 * @text: paragraphs, with an empty line between them
 * @links: (array zero-terminated=1): addresses
 *
 * A topic of the help, in the user's language.
 */
typedef struct
{
  HrHelpSection section;
  char *id;
  char *title;
  char *text;
  char **links;
} HrHelpTopic;

const char        *hr_help_section_get_label (HrHelpSection      section);
const char        *hr_help_section_get_name  (HrHelpSection      section);
GPtrArray         *hr_help_list_topics       (void) G_GNUC_WARN_UNUSED_RESULT;
const HrHelpTopic *hr_help_find              (GPtrArray         *topics,
                                              const char        *id);
guint              hr_help_topic_match       (const HrHelpTopic *self,
                                              const char        *query);
GPtrArray         *hr_help_search            (GPtrArray         *topics,
                                              const char        *query) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
