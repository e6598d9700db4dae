/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "hr-processor-private.h"

/* Processors of sounds: samples, frames of a spectrogram, positions of the tower, tokens. */

/* Samples of a sound, as many as its length comes to. */
static guint64
count_samples (const HrProcessorEntry *entry,
               const HrMedium         *medium)
{
  guint64 samples = floor (medium->seconds * entry->values[HR_PROCESSOR_SAMPLING_RATE] + 1e-6);
  guint64 multiple = entry->values[HR_PROCESSOR_SAMPLE_MULTIPLE];

  return multiple > 0 ? (samples + multiple - 1) / multiple * multiple : samples;
}

/*
 * Frames of the spectrogram that are of the sound: one for each hop that has begun where the sound is padded to a
 * length of its own (the mask of WhisperFeatureExtractor), or as many as are whole.
 */
static guint64
count_frames (const HrProcessorEntry *entry,
              const HrMedium         *medium)
{
  guint64 samples = count_samples (entry, medium);
  guint64 hop = MAX (entry->values[HR_PROCESSOR_HOP_LENGTH], 1);
  guint64 length = entry->values[HR_PROCESSOR_FRAME_LENGTH];
  guint64 limit = entry->values[HR_PROCESSOR_MAX_FRAMES];
  guint64 frames;

  if (length == 0)
    frames = (samples + hop - 1) / hop;
  else
    frames = samples < length ? 0 : (samples - length) / hop + 1;

  return limit > 0 ? MIN (frames, limit) : frames;
}

/* Convolutions with a stride of 2 and padding. */
static guint64
count_positions (const HrProcessorEntry *entry,
                 guint64                 frames)
{
  for (guint64 i = 0; frames > 0 && i < MIN (entry->values[HR_PROCESSOR_STRIDES], 32); i++)
    frames = (frames - 1) / 2 + 1;

  return frames;
}

static void
add_chunks (const HrProcessorEntry *entry,
            HrMediumTokens         *tokens,
            guint64                 chunks,
            guint64                 frames)
{
  HrMediumGrid *grid;

  if (chunks == 0 || frames == 0)
    return;

  grid = hr_processor_add_grid (tokens, chunks, 1, 1);
  grid->patches_t = count_positions (entry, frames);
  grid->frames = frames;
}

/* What the tower hears at once. */
static void
set_chunks (const HrProcessorEntry *entry,
            HrMediumTokens         *tokens)
{
  guint64 length = entry->values[HR_PROCESSOR_CHUNK_FRAMES];

  if (length == 0)
    {
      add_chunks (entry, tokens, 1, tokens->frames);
    }
  else if (entry->values[HR_PROCESSOR_PADS])
    {
      add_chunks (entry, tokens, MAX ((tokens->frames + length - 1) / length, 1), length);
    }
  else
    {
      add_chunks (entry, tokens, tokens->frames / length, length);
      add_chunks (entry, tokens, 1, tokens->frames % length);
    }
}

/*
 * A token for a number of frames: pairs of positions (processing_qwen2_audio.py, processing_qwen2_5_omni.py), the
 * positions of chunks that are convolved one by one (_get_feat_extract_output_lengths of processing_qwen3_omni_moe.py),
 * or so many frames begun (_compute_audio_embed_size of feature_extraction_phi4_multimodal.py).
 */
gboolean
hr_processor_spectrogram (const HrProcessorEntry  *entry,
                          const HrMedium          *medium,
                          HrMediumTokens          *tokens,
                          GError                 **error G_GNUC_UNUSED)
{
  guint64 compression = MAX (entry->values[HR_PROCESSOR_COMPRESSION], 1);
  guint64 frames = count_frames (entry, medium);

  tokens->frames = frames;
  set_chunks (entry, tokens);
  if (entry->values[HR_PROCESSOR_BLOCKS])
    {
      for (guint i = 0; i < tokens->n_grids; i++)
        tokens->seen += tokens->grids[i].pieces * tokens->grids[i].patches_t;
      hr_processor_explain (tokens, "%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT " + %"
                            G_GUINT64_FORMAT, frames - frames % MAX (entry->values[HR_PROCESSOR_CHUNK_FRAMES], 1),
                            MAX (entry->values[HR_PROCESSOR_CHUNK_FRAMES], 1),
                            count_positions (entry, entry->values[HR_PROCESSOR_CHUNK_FRAMES]),
                            count_positions (entry, frames % MAX (entry->values[HR_PROCESSOR_CHUNK_FRAMES], 1)));
    }
  else if (entry->values[HR_PROCESSOR_POOLS])
    {
      tokens->seen = count_positions (entry, frames) / 2;
      hr_processor_explain (tokens, "%" G_GUINT64_FORMAT "/%u", frames, 2u << entry->values[HR_PROCESSOR_STRIDES]);
    }
  else
    {
      tokens->seen = (frames + compression - 1) / compression;
      hr_processor_explain (tokens, "%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, frames, compression);
    }
  tokens->markers = entry->values[HR_PROCESSOR_MARKERS];

  return TRUE;
}

/*
 * Windows of one length, the last of them padded, each of which becomes as many tokens: of processing_voxtral.py 30
 * seconds, of Whisper the only one, of processing_gemma3n.py the whole sound.
 */
gboolean
hr_processor_windows (const HrProcessorEntry  *entry,
                      const HrMedium          *medium,
                      HrMediumTokens          *tokens,
                      GError                 **error G_GNUC_UNUSED)
{
  guint64 windows = 0;

  tokens->frames = count_frames (entry, medium);
  set_chunks (entry, tokens);
  for (guint i = 0; i < tokens->n_grids; i++)
    windows += tokens->grids[i].pieces;
  tokens->seen = windows * entry->values[HR_PROCESSOR_TOKENS];
  tokens->crossed = windows * entry->values[HR_PROCESSOR_CROSSED];
  tokens->markers = entry->values[HR_PROCESSOR_MARKERS];
  hr_processor_explain (tokens, "%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, windows,
                        entry->values[HR_PROCESSOR_TOKENS]);

  return TRUE;
}
