/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-report.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_CHANGE_LIST (headroom_change_list_get_type ())

G_DECLARE_DERIVABLE_TYPE (HeadroomChangeList, headroom_change_list, HEADROOM, CHANGE_LIST, AdwBin)

/*
 * HeadroomChangeListClass:
 * @title: what is in the list, for screen readers; translated when it is shown
 * @delay: how long the settings have to be left alone, in milliseconds
 * @create_search: begins to look for changes to the job of a report
 * @step: looks at one more; says whether there is more to look at
 * @free_search: gives a search up
 * @fill: appends what was found
 *
 * What each kind of list does its own way.
 */
struct _HeadroomChangeListClass
{
  AdwBinClass parent_class;

  const char *title;
  guint delay;
  gpointer (*create_search) (HrReport *report);
  gboolean (*step) (gpointer search);
  void (*free_search) (gpointer search);
  void (*fill) (HeadroomChangeList *self,
                gpointer            search);
};

void          headroom_change_list_show              (HeadroomChangeList *self,
                                                      HrReport           *report);
HrUnitSystem  headroom_change_list_get_unit_system   (HeadroomChangeList *self);
gboolean      headroom_change_list_is_set            (HeadroomChangeList *self,
                                                      const char         *change);
const char   *headroom_change_list_get_applied       (HeadroomChangeList *self);
const char   *headroom_change_list_get_applied_title (HeadroomChangeList *self);
void          headroom_change_list_append            (HeadroomChangeList *self,
                                                      const char         *title,
                                                      const char         *subtitle);
void          headroom_change_list_append_apply      (HeadroomChangeList *self,
                                                      const char         *title,
                                                      const char         *subtitle,
                                                      const char         *change,
                                                      const char         *label);
void          headroom_change_list_append_undo       (HeadroomChangeList *self,
                                                      const char         *title,
                                                      const char         *subtitle);

G_END_DECLS
