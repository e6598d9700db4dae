/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"
#include "hr-tuning.h"

G_BEGIN_DECLS

/**
 * HrAdaptedWeight:
 * @tuned: (nullable): what is done to a parameter, or %NULL for nothing
 * @factors: what is multiplied to be added to it; the first is the product already where there are no experts
 * @folded: the sum
 *
 * A parameter that no module of PEFT's wraps, while the module that has it runs.
 */
typedef struct
{
  const HrTunedModule *tuned;
  HrValue factors[2];
  HrValue folded;
} HrAdaptedWeight;

HrValue hr_replay_adapter_weight    (HrReplay            *replay,
                                     const HrTunedModule *tuned,
                                     HrValue              shape);
HrValue hr_replay_adapter_bias      (HrReplay            *replay,
                                     const HrTunedModule *tuned,
                                     HrValue              shape);
HrValue hr_replay_adapter_input     (HrReplay            *replay,
                                     const HrTunedModule *tuned,
                                     HrValue              x);
void    hr_replay_adapter           (HrReplay            *replay,
                                     const HrTunedModule *tuned,
                                     HrValue              x,
                                     gboolean             has_bias,
                                     gboolean             is_quantized,
                                     HrValue             *result);
void    hr_replay_adapter_enter     (HrReplay            *replay,
                                     HrModule             module,
                                     HrValue              weight,
                                     HrSymbol             in_features,
                                     HrAdaptedWeight     *adapted);
HrValue hr_replay_adapter_fold      (HrReplay            *replay,
                                     HrValue              weight,
                                     HrAdaptedWeight     *adapted);
void    hr_replay_adapter_leave     (HrReplay            *replay,
                                     HrAdaptedWeight     *adapted);
void    hr_replay_adapter_embedding (HrReplay            *replay,
                                     const HrTunedModule *tuned,
                                     HrValue              ids,
                                     gboolean             is_scaled,
                                     HrValue             *result);

G_END_DECLS
