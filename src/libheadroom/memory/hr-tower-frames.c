/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-operator.h"
#include "hr-operator-sequence.h"
#include "hr-tower.h"

/*
 * Frames of videos, each of which a tower sees as a picture, and of each of which fewer vectors are made: after the
 * projector (get_video_features and apply_pooling of modeling_llava_onevision.py), or before it
 * (LlavaNextVideoPooler of modeling_llava_next_video.py).
 */

static HrValue
get_shape (HrElement element,
           HrSymbol  positions,
           HrSymbol  width)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, positions, width);
}

/*
 * `image_features.permute (…).contiguous ()`, then `interpolate (…, mode="bilinear")`, whose result has channels first
 * in memory, and which autocast runs in fp32. The gradient comes back so, and the last linear layer copies it to see it
 * as rows.
 */
static HrValue
resize (HrReplay *replay,
        HrValue   projected)
{
  HrValue all = get_shape (projected.element, HR_SYMBOL_PATCHES, HR_SYMBOL_TEXT_HIDDEN);
  HrValue view = hr_op_view (replay, projected, all);
  HrValue turned = hr_op_view (replay, view, view);
  HrValue channels, wide, resized;

  if (replay->symbols[HR_SYMBOL_BATCH] > 1)
    hr_op_record (replay, &turned, HR_GRADIENT_LIKE_RESULT, "clone", &view, 1);
  channels = hr_op_copy (replay, "image_features", turned, hr_value_detach (all));
  wide = replay->autocast == HR_ELEMENT_NONE ? hr_replay_hold (replay, channels)
                                             : hr_op_cast (replay, channels, hr_element_widen (channels.element));
  resized = hr_op_like (replay, "upsample_bilinear2d", "image_features",
                        get_shape (wide.element, HR_SYMBOL_MAPPED, HR_SYMBOL_TEXT_HIDDEN));
  hr_op_record (replay, &resized, HR_GRADIENT_LIKE_INPUT, "upsample_bilinear2d_backward", &wide, 1);
  hr_replay_drop (replay, wide);
  hr_replay_drop (replay, channels);
  hr_replay_drop (replay, turned);
  hr_replay_drop (replay, view);

  return resized;
}

/*
 * hr_tower_resize_frames:
 * @self: a tower
 * @replay: a tape
 * @projected: (inout): what the projector has made of all frames, whose variable gets the result
 *
 * Makes fewer vectors of each frame. Frames of a video then lie one after the other, for which they are copied.
 */
void
hr_tower_resize_frames (const HrTower *self,
                        HrReplay      *replay,
                        HrValue       *projected)
{
  HrValue resized;

  replay->symbols[HR_SYMBOL_MAPPED] = self->mapped;
  resized = resize (replay, *projected);
  hr_replay_assign (replay, projected, resized);
  if (self->batch > self->videos)
    hr_replay_assign (replay, projected, hr_op_copy (replay, "video_features", resized, hr_value_detach (resized)));
}

/*
 * hr_tower_end_videos:
 * @self: a tower
 * @replay: a tape
 * @pass: the variables of its function
 * @seen: vectors of all frames
 *
 * `torch.cat ((video_features, self.image_newline[None, None, :].repeat (…)), dim=1)`.
 *
 * Returns: the vectors of all videos, each with its end
 */
HrValue
hr_tower_end_videos (const HrTower *self,
                     HrReplay      *replay,
                     HrPass        *pass,
                     HrValue        seen)
{
  HrValue row = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_TEXT_HIDDEN);
  HrValue ends = row;
  HrValue parts[2];
  HrValue joined;

  replay->block = self->newline->path;
  ends.count = self->videos;
  parts[0] = seen;
  parts[1] = hr_op_like (replay, "repeat", "image_newline", ends);
  row = hr_autograd_parameter (replay, row);
  hr_op_record (replay, &parts[1], HR_GRADIENT_TYPED_AS_INPUT, "sum", &row, 1);
  joined = hr_op_cat (replay, "video_features", parts, G_N_ELEMENTS (parts),
                      HR_SHAPE (hr_element_promote (seen.element, parts[1].element), HR_SYMBOL_SEEN,
                                HR_SYMBOL_TEXT_HIDDEN));
  hr_replay_drop (replay, seen);
  pass->returned[pass->n_returned++] = hr_value_detach (parts[1]);

  return joined;
}

/*
 * hr_tower_average_frames:
 * @self: a tower
 * @replay: a tape
 * @x: what it has made of each position of each frame
 *
 * Averages of squares of four patches, of what is behind the token of the class.
 *
 * Returns: the averages
 */
HrValue
hr_tower_average_frames (const HrTower *self,
                         HrReplay      *replay,
                         HrValue        x)
{
  HrValue part = hr_replay_hold (replay, x);
  HrValue pooled;

  if (self->projector->drops_class)
    hr_replay_assign (replay, &part, hr_op_slice (replay, x, get_shape (x.element, HR_SYMBOL_PATCHES,
                                                                         HR_SYMBOL_HIDDEN)));
  replay->symbols[HR_SYMBOL_MAPPED] = self->mapped;
  pooled = hr_op_like (replay, "avg_pool2d", "video_features", get_shape (x.element, HR_SYMBOL_MAPPED,
                                                                          HR_SYMBOL_HIDDEN));
  if (hr_op_record (replay, &pooled, HR_GRADIENT_TYPED_AS_INPUT, "avg_pool2d_backward", &part, 1))
    hr_autograd_save (replay, pooled, part);
  hr_replay_drop (replay, part);

  return pooled;
}
