/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

/* Tensors that are no module's weight or bias: what vision and audio encoders keep beside their layers. */

static const HrChoice uses[] = {
  { "unknown", HR_PARAMETER_UNKNOWN },
  { "class", HR_PARAMETER_CLASS },
  { "positions", HR_PARAMETER_POSITIONS },
  { "newline", HR_PARAMETER_NEWLINE },
  { "gate", HR_PARAMETER_GATE },
  { "gate-inline", HR_PARAMETER_GATE_INLINE },
  { "gate-rows", HR_PARAMETER_GATE_ROWS },
  { "latents", HR_PARAMETER_LATENTS },
  { "scale", HR_PARAMETER_SCALE },
  { NULL }
};

static const HrParameter parameter_parameters[] = {
  CHOICE ("use", parameter.use, uses),
  CHOICE ("part", parameter.part, hr_block_parts),
  SHAPE ("shape", parameter.shape),
  { NULL }
};

static const char * const no_names[] = { NULL };

static gboolean
build_parameter (const HrBlockContext *context,
                 HrJson               *description,
                 HrBlock              *block,
                 GError              **error)
{
  const HrShape *shape = &block->parameter.shape;
  HrPart part = context->part == HR_PART_NORM ? HR_PART_OTHER : context->part;

  if (hr_json_get_member (description, "part") != NULL)
    part = block->parameter.part;
  if (hr_json_require_member (description, "shape", error) == NULL)
    return FALSE;

  return hr_block_add_shape (context, block->path, NULL, part, HR_TENSOR_ROLE_PARAMETER, shape->sizes,
                             shape->n_dimensions, error);
}

const HrBlockClass hr_block_class_parameter = {
  "parameter", HR_BLOCK_PARAMETER, parameter_parameters, no_names, build_parameter,
};
