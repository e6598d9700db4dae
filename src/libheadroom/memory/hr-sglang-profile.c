/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-sglang-profile.h"

#include <math.h>

/*
 * What SGLang leaves to itself: ServerArgs.__post_init__ of sglang/srt/server_args.py, which has been
 * _handle_gpu_memory_settings since 0.5.4. The memory of a GPU is what nvidia-smi tells (get_nvgpu_memory_capacity), in
 * MiB. That the releases are these is so of their logs: 0.83 of eight ranks in 0.2 and 0.3; 0.8718 of an H200 in 0.4.6,
 * 0.874 of an H100 in 0.4.8 and 0.5.
 */

#define MIB (G_GUINT64_CONSTANT (1) << 20)

/* A hundredth of a GiB, which logs have two digits of. */
#define HUNDREDTHS(n_) ((n_) * (G_GUINT64_CONSTANT (1) << 30) / 100)

#define GRAPHS \
  { HUNDREDTHS (93), HUNDREDTHS (144), HUNDREDTHS (251), \
    "measured: “Capture cuda graph end … mem usage”, 0.93 to 2.51 GiB, median 1.44, in 5 logs of 0.4.3 to 0.5" }

/* What is left for a layer, or a model, that guesses tokens ahead and its graphs, in MiB. */
#define GUESSING_ROOM (2 * 1024)
#define DRAFT_ROOM (6 * 1024)

#define LAYERS \
  { .is_eager = TRUE, .sampler = HR_SERVING_SAMPLER_SOFTMAX, .shares_head = TRUE, .vocabulary_padding = 64, \
    .counts_segments = TRUE }

/* Releases, the newest first. */
static const HrSglangProfile profiles[] = {
  { HR_SGLANG_RELEASE_0_5_8, LAYERS, .has_windows = TRUE, .has_states = TRUE, .most_requests = 4096, .extra_tokens = 4,
    .graphs = GRAPHS },
  { HR_SGLANG_RELEASE_0_5, LAYERS, .most_requests = 4096, .extra_tokens = 4, .graphs = GRAPHS },
  { HR_SGLANG_RELEASE_0_4_6, LAYERS, .most_requests = 4096, .extra_tokens = 4, .seeing_share = 0.90, .graphs = GRAPHS },
  { HR_SGLANG_RELEASE_0_4, LAYERS, .most_requests = 4097, .extra_tokens = 4, .seeing_share = 0.95, .graphs = GRAPHS },
  { HR_SGLANG_RELEASE_0_3, LAYERS, .most_requests = 5120, .extra_tokens = 8, .seeing_share = 0.95, .graphs = GRAPHS },
};

/*
 * hr_sglang_profile_get:
 * @release: a release
 *
 * Gets what a release does.
 *
 * Returns: (transfer none): its profile
 */
const HrSglangProfile *
hr_sglang_profile_get (HrSglangRelease release)
{
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (profiles) && profiles[i].release != release)
    i++;

  return &profiles[i];
}

/* A size for GPUs of less than so many MiB: for one to three ranks, and for four and more. */
typedef struct
{
  guint64 below;
  guint64 few;
  guint64 many;
} Step;

static guint64
look_up (const Step          *steps,
         guint                n_steps,
         const HrSglangSizes *sizes)
{
  guint i = 0;

  while (i + 1 < n_steps && sizes->memory >= steps[i].below * MIB)
    i++;

  return sizes->tensor < 4 ? steps[i].few : steps[i].many;
}

#define LOOK_UP(steps_, sizes_) (look_up ((steps_), G_N_ELEMENTS (steps_), (sizes_)))

/*
 * hr_sglang_profile_get_chunked_prefill:
 * @self: a profile
 * @sizes: what it reckons with
 *
 * Gets how many tokens of prompts are computed at once where nothing is said.
 *
 * Returns: how many
 */
guint64
hr_sglang_profile_get_chunked_prefill (const HrSglangProfile *self,
                                       const HrSglangSizes   *sizes)
{
  static const Step newest[] = {
    { 35 * 1024, 2048, 2048 }, { 60 * 1024, 4096, 4096 }, { 160 * 1024, 8192, 8192 }, { 0, 16384, 16384 },
  };
  static const Step by_memory[] = { { 35 * 1024, 2048, 2048 }, { 160 * 1024, 8192, 8192 }, { 0, 16384, 16384 } };
  static const Step large[] = { { 25000, 2048, 2048 }, { 96 * 1024, 8192, 8192 }, { 0, 16384, 16384 } };
  static const Step small[] = { { 25000, 2048, 2048 }, { 0, 8192, 8192 } };
  guint64 tokens = 8192;

  switch ((guint) self->release)
    {
    case HR_SGLANG_RELEASE_0_5_8:
      tokens = LOOK_UP (newest, sizes);
      break;

    case HR_SGLANG_RELEASE_0_5:
      tokens = LOOK_UP (by_memory, sizes);
      break;

    case HR_SGLANG_RELEASE_0_4_6:
      tokens = LOOK_UP (large, sizes);
      break;

    case HR_SGLANG_RELEASE_0_4:
      tokens = LOOK_UP (small, sizes);
      break;

    case HR_SGLANG_RELEASE_0_3:
      break;

    default:
      g_assert_not_reached ();
    }

  return MAX (tokens / sizes->attention_copies, 1);
}

/*
 * hr_sglang_profile_get_largest_graph:
 * @self: a profile
 * @sizes: what it reckons with
 *
 * Gets the largest batch that a CUDA graph is captured of where nothing is said; 160 and 256 are those of
 * get_batch_sizes_to_capture of sglang/srt/model_executor/cuda_graph_runner.py.
 *
 * Returns: how many requests
 */
guint64
hr_sglang_profile_get_largest_graph (const HrSglangProfile *self,
                                     const HrSglangSizes   *sizes)
{
  static const Step newest[] = {
    { 20 * 1024, 8, 8 }, { 35 * 1024, 24, 80 }, { 60 * 1024, 32, 160 }, { 160 * 1024, 256, 512 }, { 0, 512, 512 },
  };
  static const Step by_memory[] = { { 35 * 1024, 8, 80 }, { 96 * 1024, 160, 160 }, { 0, 256, 256 } };
  static const Step large[] = { { 25000, 8, 80 }, { 96 * 1024, 160, 160 }, { 0, 256, 256 } };
  static const Step small[] = { { 25000, 8, 80 }, { 0, 160, 160 } };

  switch ((guint) self->release)
    {
    case HR_SGLANG_RELEASE_0_5_8:
      return LOOK_UP (newest, sizes);

    case HR_SGLANG_RELEASE_0_5:
      return LOOK_UP (by_memory, sizes);

    case HR_SGLANG_RELEASE_0_4_6:
      return LOOK_UP (large, sizes);

    case HR_SGLANG_RELEASE_0_4:
      return LOOK_UP (small, sizes);

    default:
      return 160;
    }
}

/* The share by the number of ranks alone. */
static double
get_fraction_of_ranks (const HrSglangProfile *self,
                       const HrSglangSizes   *sizes)
{
  if (sizes->tensor >= 16)
    return 0.79;
  if (sizes->tensor >= 8)
    return self->release == HR_SGLANG_RELEASE_0_3 ? 0.83 : 0.81;
  if (sizes->tensor >= 4)
    return 0.85;

  return sizes->tensor >= 2 ? 0.87 : 0.88;
}

static double
get_guessing_room (const HrSglangSizes *sizes)
{
  if (!sizes->guesses)
    return 0;

  return sizes->has_draft_model ? DRAFT_ROOM : GUESSING_ROOM;
}

/* What 0.4.8 leaves, in MiB. */
static double
get_room_by_memory (const HrSglangSizes *sizes)
{
  double mib = sizes->memory / MIB, ranks = sizes->tensor * sizes->pipeline;
  double room;

  if (mib < 35 * 1024)
    room = (2.8 + ranks / 10) * 1024;
  else if (mib < 90 * 1024)
    room = (9.5 + ranks / 2) * 1024;
  else if (mib < 160 * 1024)
    room = (12 + ranks / 2) * 1024;
  else
    room = 32 * 1024;

  return room + get_guessing_room (sizes) + (sizes->attention_copies > 1 ? 4 * 1024 : 0);
}

/* What 0.5.4 leaves, in MiB: for what is constant, for prompts, graphs and ranks. */
static double
get_room_by_sizes (const HrSglangSizes *sizes)
{
  double graph = sizes->cuda_graph_max_bs;
  double room = 512 + MAX (sizes->chunked_prefill_size, 2048) * 1.5 + graph * 2 +
                sizes->tensor * sizes->pipeline / 8.0 * 1024;

  if (sizes->attention_copies > 1)
    room += graph * sizes->attention_copies * (graph > 300 ? 4.5 : 3);

  if (sizes->memory > 60 * 1024 * MIB)
    room = MAX (room, 10 * 1024);

  return room + get_guessing_room (sizes);
}

/*
 * hr_sglang_profile_get_fraction:
 * @self: a profile
 * @sizes: what it reckons with; @memory is not 0
 *
 * Gets the share of the memory that is taken for the weights and the cache where nothing is said (mem_fraction_static).
 *
 * Returns: the share, from 0 to 1
 */
double
hr_sglang_profile_get_fraction (const HrSglangProfile *self,
                                const HrSglangSizes   *sizes)
{
  double mib = sizes->memory / MIB;
  double fraction = get_fraction_of_ranks (self, sizes);

  switch ((guint) self->release)
    {
    case HR_SGLANG_RELEASE_0_5_8:
      return MAX (round ((mib - get_room_by_sizes (sizes)) / mib * 1000) / 1000, 0);

    case HR_SGLANG_RELEASE_0_5:
      return MAX (round ((mib - get_room_by_memory (sizes)) / mib * 1000) / 1000, 0);

    case HR_SGLANG_RELEASE_0_4_6:
      if (mib > 96 * 1024)
        return MIN (fraction + 48 * 1024 * (1 - fraction) / mib, (mib - 1024 * 18) / mib);
      return fraction;

    default:
      return fraction;
    }
}

/* A tower like that of CLIP's large model, whose share is a twentieth, and how much larger ones change that. */
#define USUAL_LAYERS 24
#define USUAL_HIDDEN 1024
#define USUAL_SHARE 0.95
#define SENSITIVITY 0.1

/*
 * hr_sglang_profile_get_seeing_share:
 * @self: a profile
 * @layers: the layers of the tower, as its config has them
 * @hidden: their width, likewise
 * @is_said: whether the share of the memory has been said
 *
 * Gets what of its share SGLang takes of a model that sees, as images need more room: ModelRunner's
 * model_specific_adjustment, and since 0.4.8, where nothing is said, ServerArgs.adjust_mem_fraction_for_vlm.
 *
 * Returns: a factor
 */
double
hr_sglang_profile_get_seeing_share (const HrSglangProfile *self,
                                    guint64                layers,
                                    guint64                hidden,
                                    gboolean               is_said)
{
  double ratio = (double) (layers * hidden * hidden) / (USUAL_LAYERS * USUAL_HIDDEN * USUAL_HIDDEN);

  if (self->seeing_share > 0)
    return self->seeing_share;

  return is_said ? 1 : USUAL_SHARE * CLAMP (1 - SENSITIVITY * (ratio - 1), 0.8, 1.05);
}
