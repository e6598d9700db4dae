/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-estimate.h"
#include "hr-gpu.h"
#include "hr-job.h"
#include "hr-units.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_RESULT_PAGE (headroom_result_page_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomResultPage, headroom_result_page, HEADROOM, RESULT_PAGE, AdwBin)

GtkWidget    *headroom_result_page_new             (void) G_GNUC_WARN_UNUSED_RESULT;
HrEstimate   *headroom_result_page_get_estimate    (HeadroomResultPage *self);
void          headroom_result_page_set_estimate    (HeadroomResultPage *self,
                                                    HrEstimate         *estimate);
HrJob        *headroom_result_page_get_job         (HeadroomResultPage *self);
void          headroom_result_page_set_job         (HeadroomResultPage *self,
                                                    HrJob              *job);
HrGpu        *headroom_result_page_get_gpu         (HeadroomResultPage *self);
void          headroom_result_page_set_gpu         (HeadroomResultPage *self,
                                                    HrGpu              *gpu);
guint         headroom_result_page_get_n_gpus      (HeadroomResultPage *self);
void          headroom_result_page_set_n_gpus      (HeadroomResultPage *self,
                                                    guint               n_gpus);
HrUnitSystem  headroom_result_page_get_unit_system (HeadroomResultPage *self);
void          headroom_result_page_set_unit_system (HeadroomResultPage *self,
                                                    HrUnitSystem        unit_system);
int           headroom_result_page_get_selected    (HeadroomResultPage *self);
void          headroom_result_page_set_selected    (HeadroomResultPage *self,
                                                    int                 selected);
int           headroom_result_page_get_device      (HeadroomResultPage *self);
void          headroom_result_page_set_device      (HeadroomResultPage *self,
                                                    int                 device);

void          headroom_result_page_set_pins        (HeadroomResultPage *self,
                                                    GListStore         *pins);
void          headroom_result_page_append_sections (HeadroomResultPage *self,
                                                    GPtrArray          *sections);
void          headroom_result_page_set_capacities  (HeadroomResultPage *self,
                                                    GListStore         *gpus);

G_END_DECLS
