/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-change-list.h"

G_BEGIN_DECLS

/* A list of changes to a fine-tuning job in a window of its own, which makes them as that of the application does. */
typedef struct
{
  HrModel *model;
  HrJob *job;
  char *choice;               /* the GPUs that were chosen last */
  GtkWidget *window;
  HeadroomChangeList *list;
} HeadroomTestChanges;

void       headroom_test_changes_set_up      (HeadroomTestChanges *self,
                                              GType                type);
void       headroom_test_changes_tear_down   (HeadroomTestChanges *self);
HrReport  *headroom_test_changes_show        (HeadroomTestChanges *self,
                                              HrGpu               *gpu) G_GNUC_WARN_UNUSED_RESULT;
GtkWidget *headroom_test_changes_find_button (HeadroomTestChanges *self,
                                              const char          *label);
void       headroom_test_changes_apply_first (HeadroomTestChanges *self);

G_END_DECLS
