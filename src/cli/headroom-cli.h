/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-arguments.h"
#include "headroom.h"

G_BEGIN_DECLS

/**
 * HeadroomStatus:
 * @HEADROOM_STATUS_FITS: it was made, and fits where a GPU was named
 * @HEADROOM_STATUS_DOES_NOT_FIT: it was made, and does not fit
 * @HEADROOM_STATUS_FAILED: it could not be made
 *
 * The exit status of the program.
 */
typedef enum
{
  HEADROOM_STATUS_FITS = 0,
  HEADROOM_STATUS_DOES_NOT_FIT = 1,
  HEADROOM_STATUS_FAILED = 2,
} HeadroomStatus;

int             headroom_cli_run         (char              **argv);
HeadroomStatus  headroom_cli_estimate    (HeadroomArguments  *arguments,
                                          GError            **error);
HeadroomStatus  headroom_cli_help        (HeadroomArguments  *arguments,
                                          GError            **error);
HeadroomStatus  headroom_cli_inspect     (HeadroomArguments  *arguments,
                                          GError            **error);
HeadroomStatus  headroom_cli_launch      (HeadroomArguments  *arguments,
                                          GError            **error);
HeadroomStatus  headroom_cli_list        (HeadroomArguments  *arguments,
                                          GError            **error);
HeadroomStatus  headroom_cli_log         (HeadroomArguments  *arguments,
                                          GError            **error);
HeadroomStatus  headroom_cli_compare     (HeadroomArguments  *arguments,
                                          GError            **error);
HeadroomStatus  headroom_cli_plan       (HeadroomArguments  *arguments,
                                         GError            **error);
HeadroomStatus  headroom_cli_sweep       (HeadroomArguments  *arguments,
                                          GError            **error);
gboolean        headroom_cli_read_units  (HeadroomArguments  *arguments,
                                          HrUnitSystem       *units,
                                          GError            **error);
gboolean        headroom_cli_read_format (HeadroomArguments  *arguments,
                                          gboolean           *as_json,
                                          GError            **error);
char           *headroom_cli_dup_help    (const char         *verb) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
