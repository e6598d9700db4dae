/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-compute.h"
#include "hr-units.h"

G_BEGIN_DECLS

/**
 * HrComputeRule: (skip)
 * @label: what it is called
 * @formula: how it is written
 * @substitution: the same with numbers
 * @flops: what it comes to
 * @note: what it leaves out, or what is wrong with it
 *
 * A formula for operations that people know, beside what is counted.
 */
typedef struct
{
  const char *label;
  const char *formula;
  char *substitution;
  double flops;
  const char *note;
} HrComputeRule;

/**
 * HrComputeFact: (skip)
 * @name: what it is called
 * @value: what it is, in words
 *
 * Something to be said of a phase.
 */
typedef struct
{
  const char *name;
  char *value;
} HrComputeFact;

const char *hr_flop_part_get_label           (HrFlopPart            part);
const char *hr_flop_part_get_formula         (HrFlopPart            part);
const char *hr_flop_part_get_source          (HrFlopPart            part);
char       *hr_flop_part_dup_substitution    (const HrComputePhase *phase,
                                              HrFlopPart            part) G_GNUC_WARN_UNUSED_RESULT;
const char *hr_compute_phase_id_get_label    (HrComputePhaseId      id);
char       *hr_compute_phase_dup_title       (const HrComputePhase *phase) G_GNUC_WARN_UNUSED_RESULT;
const char *hr_bound_get_label               (HrBound               bound);
char       *hr_compute_phase_dup_speed       (const HrCompute      *compute,
                                              const HrComputePhase *phase) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_compute_phase_dup_time        (const HrComputePhase *phase) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_compute_phase_dup_bound       (const HrComputePhase *phase) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray  *hr_compute_phase_list_rules      (const HrCompute      *compute,
                                              const HrComputePhase *phase,
                                              HrModel              *model) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_compute_rule_dup_text         (const HrComputeRule  *rule,
                                              const HrComputePhase *phase) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray  *hr_compute_phase_list_facts      (const HrComputePhase *phase,
                                              const HrCompute      *compute,
                                              HrUnitSystem          unit_system) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_compute_dup_step              (const HrCompute      *compute) G_GNUC_WARN_UNUSED_RESULT;
gboolean    hr_compute_phase_has_part        (const HrComputePhase *phase,
                                              HrFlopPart            part);
const char * const *hr_compute_get_limits    (void);

G_END_DECLS
