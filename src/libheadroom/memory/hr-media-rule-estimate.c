/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "hr-media-rule-estimate.h"

#include "hr-estimate-private.h"
#include "hr-rule-estimate.h"
#include "hr-rule-of-thumb-training.h"
#include "hr-rule-of-thumb.h"

/* What people reckon with who do not ask how a model sees and hears: patches of 16 pixels, 80 ms of sound a token. */
#define PATCH_SIZE 16
#define TOKEN_MILLISECONDS 80

#define SOURCE_CACHE \
  N_("rule of thumb: keys and values of every token of text, pictures, sounds and videos; knows no grouped heads, " \
     "and no processor that makes fewer tokens of a picture")
#define SOURCE_ACTIVATIONS \
  N_("rule of thumb: queries, keys, values, scores and the feed-forward block of the layer that runs; knows no " \
     "tower, no norms and no logits")
#define SOURCE_OVERHEAD N_("rule of thumb: a tenth of all else")

static void
count (const HrMedium *medium,
       HrMediumTokens *item)
{
  double tokens = 0;

  *item = (HrMediumTokens) {
    .medium = *medium, .kind = medium->kind, .width = medium->width, .height = medium->height, .frames = 1,
  };
  switch (medium->kind)
    {
    case HR_MEDIUM_IMAGE:
      tokens = hr_rule_of_thumb_image_tokens (medium->width, medium->height, PATCH_SIZE, 1);
      g_snprintf (item->formula, sizeof item->formula, "(%" G_GUINT64_FORMAT "/%d)·(%" G_GUINT64_FORMAT "/%d)",
                  medium->height, PATCH_SIZE, medium->width, PATCH_SIZE);
      break;

    case HR_MEDIUM_AUDIO:
      tokens = hr_rule_of_thumb_audio_tokens (medium->seconds * 1000, TOKEN_MILLISECONDS);
      g_snprintf (item->formula, sizeof item->formula, "%.17g/%d", medium->seconds * 1000, TOKEN_MILLISECONDS);
      break;

    case HR_MEDIUM_VIDEO:
    case HR_N_MEDIUM_KINDS:
    default:
      tokens = hr_rule_of_thumb_video_tokens (medium->seconds, medium->fps, medium->width, medium->height, PATCH_SIZE);
      item->frames = ceil (medium->seconds * medium->fps);
      g_snprintf (item->formula, sizeof item->formula,
                  "%.17g·%.17g·(%" G_GUINT64_FORMAT "/%d)·(%" G_GUINT64_FORMAT "/%d)", medium->seconds, medium->fps,
                  medium->height, PATCH_SIZE, medium->width, PATCH_SIZE);
      break;
    }
  item->seen = item->tokens = (guint64) round (tokens);
}

/*
 * hr_media_rule_estimate_list_tokens:
 * @media: (element-type HrMedium): images, sounds and videos
 * @items: (element-type HrMediumTokens): where to add what they come to
 *
 * Counts tokens as people do who know a picture's size and no model.
 *
 * Returns: how many there are of all
 */
guint64
hr_media_rule_estimate_list_tokens (GArray *media,
                                    GArray *items)
{
  guint64 tokens = 0;

  for (guint i = 0; i < media->len; i++)
    {
      HrMediumTokens item;

      count (&g_array_index (media, HrMedium, i), &item);
      g_array_append_val (items, item);
      tokens += item.tokens;
    }

  return tokens;
}

/* What the counts of tokens get wrong, for each kind of input. */
static void
doubt_tokens (HrEstimate *estimate,
              GArray     *media)
{
  static const char * const faults[HR_N_MEDIUM_KINDS] = {
    [HR_MEDIUM_IMAGE] = "D50",
    [HR_MEDIUM_AUDIO] = "D51",
    [HR_MEDIUM_VIDEO] = "D52",
  };
  gboolean is_said[HR_N_MEDIUM_KINDS] = { FALSE };

  for (guint i = 0; i < media->len; i++)
    {
      HrMediumKind kind = g_array_index (media, HrMediumTokens, i).kind;

      if (!is_said[kind])
        hr_rule_estimate_doubt (estimate, faults[kind]);
      is_said[kind] = TRUE;
    }
}

static guint64
add_cache (HrEstimate            *estimate,
           const HrInferencePlan *plan,
           GArray                *media)
{
  const HrInference *inference = &plan->inference;
  guint64 hidden = hr_rule_estimate_get_hidden_size (plan->stack);
  guint64 layers = plan->stack->n_layers;
  guint bytes = hr_element_get_bytes (plan->element);
  guint64 size;

  if (!inference->use_cache)
    return 0;

  size = hr_rule_estimate_add (estimate, HR_COMPONENT_KV_CACHE,
                               hr_rule_of_thumb_cache (inference->batch, layers, hidden, inference->prompt, bytes),
                               "2·e·b·l·h·s",
                               g_strdup_printf ("2·%u·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT
                                                "·%" G_GUINT64_FORMAT,
                                                bytes, inference->batch, layers, hidden, inference->prompt),
                               SOURCE_CACHE);
  hr_rule_estimate_doubt_cache (estimate, plan);
  doubt_tokens (estimate, media);

  return size;
}

/* A generation holds the buffers of one layer at a time. */
static guint64
add_activations (HrEstimate            *estimate,
                 const HrInferencePlan *plan)
{
  const HrInference *inference = &plan->inference;
  guint64 hidden = hr_rule_estimate_get_hidden_size (plan->stack);
  guint bytes = hr_element_get_bytes (plan->element);
  guint64 size;

  size = hr_rule_estimate_add (estimate, HR_COMPONENT_ACTIVATIONS,
                               hr_rule_of_thumb_activations (inference->batch, inference->prompt, hidden, bytes, 1),
                               "(11·b·s·h + b·s²)·e",
                               g_strdup_printf ("(11·%1$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT "·%3$"
                                                G_GUINT64_FORMAT " + %1$" G_GUINT64_FORMAT "·%2$" G_GUINT64_FORMAT
                                                "²)·%4$u",
                                                inference->batch, inference->prompt, hidden, bytes),
                               SOURCE_ACTIVATIONS);
  hr_rule_estimate_doubt (estimate, "D41");
  hr_rule_estimate_doubt (estimate, "D42");

  return size;
}

/*
 * hr_media_rule_estimate_new:
 * @plan: a plan of inference, over the tokens by the rule
 * @media: (element-type HrMediumTokens): what hr_media_rule_estimate_list_tokens() made of the inputs
 *
 * Estimates a job with pictures, sounds and videos by the formulas that people know: (weights + activations + cache of
 * all tokens) · 1.1.
 *
 * Returns: (transfer full): an estimate
 */
HrEstimate *
hr_media_rule_estimate_new (const HrInferencePlan *plan,
                            GArray                *media)
{
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_RULE_OF_THUMB, plan->model);
  double weights = 0;
  guint64 bytes;

  _hr_estimate_add_device (estimate);
  bytes = hr_rule_estimate_add_weights (estimate, plan, &weights);
  bytes += add_cache (estimate, plan, media);
  bytes += add_activations (estimate, plan);
  bytes += hr_rule_estimate_add (estimate, HR_COMPONENT_TEMPORARY, hr_rule_of_thumb_overhead (bytes) - bytes, "0.1·Σ",
                                 g_strdup_printf ("0.1·%" G_GUINT64_FORMAT, bytes), SOURCE_OVERHEAD);
  _hr_estimate_set_device_bytes (estimate, 0, bytes);
  _hr_estimate_add_phase (estimate, HR_PHASE_PREFILL, bytes);
  _hr_estimate_set_peak (estimate, 0, HR_PHASE_PREFILL, NULL, NULL);

  return estimate;
}
