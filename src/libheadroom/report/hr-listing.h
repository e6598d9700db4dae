/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

#include "hr-report.h"

G_BEGIN_DECLS

/**
 * HrListing:
 * @HR_LISTING_MODELS: the models of the catalogue
 * @HR_LISTING_GPUS: the GPUs of the catalogue
 * @HR_LISTING_ARCHITECTURES: the architectures that models are read by
 * @HR_LISTING_PRECISIONS: data types and formats of quantization
 * @HR_LISTING_FORMATS: formats of numbers, by what their bits mean
 * @HR_LISTING_ENGINES: the programs that run a model
 * @HR_LISTING_SPEEDS: published speeds, beside what is estimated
 * @HR_LISTING_GLOSSARY: the terms of the field and the symbols of formulas, with what they mean
 *
 * What Headroom can list.
 */
typedef enum
{
  HR_LISTING_MODELS,
  HR_LISTING_GPUS,
  HR_LISTING_ARCHITECTURES,
  HR_LISTING_PRECISIONS,
  HR_LISTING_FORMATS,
  HR_LISTING_ENGINES,
  HR_LISTING_SPEEDS,
  HR_LISTING_GLOSSARY,
  HR_N_LISTINGS, /*< skip >*/
} HrListing;

const char *hr_listing_get_name  (HrListing           listing);
gboolean    hr_listing_from_name (const char         *name,
                                  HrListing          *listing);
char       *hr_listing_to_text   (HrListing           listing,
                                  HrReportTextStyle   style,
                                  GError            **error) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_listing_to_json   (HrListing           listing,
                                  GError            **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
