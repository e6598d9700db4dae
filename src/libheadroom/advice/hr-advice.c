/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-advice-private.h"

#include <glib/gi18n-lib.h>

#include "hr-estimator.h"
#include "hr-grpo-job-private.h"
#include "hr-inference-job.h"
#include "hr-job-context.h"
#include "hr-labels.h"
#include "hr-medium.h"
#include "hr-multimodal-job.h"
#include "hr-units.h"

/* What else could be asked for: each change is estimated anew, and told only if it saves something. */

/* A video shorter than this is not worth cutting, in seconds. */
#define MIN_PART_SECONDS 2

/* As many parts as a video is cut into at most. */
#define MAX_PARTS 4096

/* So many layers are all of them (gpu-layers), but told by somebody, as this is not the default. */
#define ALL_LAYERS 9998

typedef void (*Change) (HrMedium *medium);

static void
halve_image (HrMedium *medium)
{
  if (medium->kind != HR_MEDIUM_IMAGE)
    return;

  medium->width = MAX (medium->width / 2, 1);
  medium->height = MAX (medium->height / 2, 1);
}

static void
halve_video (HrMedium *medium)
{
  if (medium->kind != HR_MEDIUM_VIDEO)
    return;

  medium->width = MAX (medium->width / 2, 1);
  medium->height = MAX (medium->height / 2, 1);
}

static void
halve_rate (HrMedium *medium)
{
  if (medium->kind == HR_MEDIUM_VIDEO)
    medium->fps /= 2;
}

static void
halve_sound (HrMedium *medium)
{
  if (medium->kind == HR_MEDIUM_AUDIO)
    medium->seconds /= 2;
}

void
_hr_advice_free (gpointer data)
{
  HrAdvice *self = data;

  g_free (self->change);
  g_free (self->text);
  g_free (self->cost);
  g_free (self);
}

/* What is further, after a change. */
static char *
change_further (HrJob  *job,
                Change  change)
{
  g_autofree char *inputs = NULL;
  g_auto (GStrv) parts = NULL;

  g_object_get (job, "further-inputs", &inputs, NULL);
  parts = g_strsplit (inputs, ",", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      HrMedium medium;

      if (!hr_medium_from_text (parts[i], &medium))
        continue;
      change (&medium);
      g_free (parts[i]);
      parts[i] = hr_medium_to_text (&medium);
    }

  return g_strjoinv (",", parts);
}

/* The job with every image and video changed, in the settings that they come from. */
static HrJob *
change_media (HrJob  *job,
              Change  change)
{
  HrJob *changed = hr_job_copy (job);
  g_autofree char *further = change_further (job, change);
  HrMedium image = { .kind = HR_MEDIUM_IMAGE }, video = { .kind = HR_MEDIUM_VIDEO };
  HrMedium sound = { .kind = HR_MEDIUM_AUDIO };
  guint64 images;

  g_object_get (job, "images", &images, "image-width", &image.width, "image-height", &image.height, NULL);
  if (images > 0)
    change (&image);
  g_object_set (changed, "image-width", image.width, "image-height", image.height, "further-inputs", further, NULL);
  if (!HR_IS_MULTIMODAL_JOB (job))
    return changed;

  g_object_get (job, "video-seconds", &video.seconds, "video-width", &video.width, "video-height", &video.height,
                "video-fps", &video.fps, "audio-seconds", &sound.seconds, NULL);
  if (video.seconds > 0)
    change (&video);
  change (&sound);
  g_object_set (changed, "video-width", video.width, "video-height", video.height, "video-fps", video.fps,
                "audio-seconds", sound.seconds, NULL);

  return changed;
}

/* Every video as long as one of so many parts of it. */
static HrJob *
cut_videos (HrJob *job,
            guint  parts)
{
  HrJob *changed = hr_job_copy (job);
  g_autofree char *inputs = NULL;
  g_autofree char *further = NULL;
  g_auto (GStrv) texts = NULL;
  double seconds;

  g_object_get (job, "video-seconds", &seconds, "further-inputs", &inputs, NULL);
  texts = g_strsplit (inputs, ",", -1);
  for (guint i = 0; texts[i] != NULL; i++)
    {
      HrMedium medium;

      if (!hr_medium_from_text (texts[i], &medium) || medium.kind != HR_MEDIUM_VIDEO)
        continue;
      medium.seconds /= parts;
      g_free (texts[i]);
      texts[i] = hr_medium_to_text (&medium);
    }
  further = g_strjoinv (",", texts);
  g_object_set (changed, "video-seconds", seconds / parts, "further-inputs", further, NULL);

  return changed;
}

/* Whether the framework starts a job: what it would refuse is no advice. */
gboolean
_hr_advice_starts (HrEstimate *estimate,
                   HrJob      *job)
{
  g_autofree char *refusal = NULL;

  if (HR_IS_GRPO_JOB (job))
    refusal = hr_grpo_job_dup_refusal (HR_GRPO_JOB (job), hr_estimate_get_n_ranks (estimate));

  return refusal == NULL;
}

/* How many GPUs a layout needs is another question: whether each part fits on one is asked here. */
void
_hr_advice_compare (HrEstimate *estimate,
                    HrGpu      *gpu,
                    HrFit      *fit)
{
  guint n_devices = hr_estimate_get_n_devices (estimate);
  g_autofree guint64 *bytes = g_new (guint64, n_devices);

  for (guint i = 0; i < n_devices; i++)
    bytes[i] = hr_estimate_get_device_bytes (estimate, i);
  hr_fit_init (fit, gpu, n_devices, bytes, n_devices, n_devices);
}

/* Where an engine may leave layers to the processor as it likes, all of them are to be on GPUs. */
void
_hr_advice_keep_layers (HrJob *job)
{
  if (HR_IS_INFERENCE_JOB (job) && hr_inference_job_leaves_layers (HR_INFERENCE_JOB (job)))
    g_object_set (job, "gpu-layers", (guint64) ALL_LAYERS, NULL);
}

/* The settings in which two jobs differ, as they stand on the command line. */
char *
_hr_advice_describe_change (HrJob *job,
                            HrJob *changed)
{
  g_autoptr (GString) string = g_string_new (NULL);
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_auto (GValue) before = G_VALUE_INIT;
      g_auto (GValue) after = G_VALUE_INIT;
      g_autofree char *value = NULL;

      g_object_get_property (G_OBJECT (job), settings[i]->name, &before);
      g_object_get_property (G_OBJECT (changed), settings[i]->name, &after);
      if (g_param_values_cmp (settings[i], &before, &after) == 0 || !hr_job_uses_setting (changed, settings[i], NULL))
        continue;
      value = hr_job_get_as_string (changed, settings[i]->name);
      g_string_append_printf (string, "%s%s=%s", string->len > 0 ? " " : "", settings[i]->name, value);
    }

  return g_string_free (g_steal_pointer (&string), FALSE);
}

/*
 * _hr_advice_make_change:
 * @job: a job
 * @change: settings, each as `name=value`, with blanks between
 *
 * Changes settings of a job.
 *
 * Returns: whether it uses each of them then, and had another value of at least one
 */
gboolean
_hr_advice_make_change (HrJob      *job,
                        const char *change)
{
  g_auto (GStrv) parts = g_strsplit (change, " ", -1);
  gboolean is_change = FALSE;

  for (guint i = 0; parts[i] != NULL; i++)
    {
      char *value = strchr (parts[i], '=');
      g_autofree char *before = NULL;
      GParamSpec *setting;

      *value++ = '\0';
      setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), parts[i]);
      if (setting == NULL)
        return FALSE;

      before = hr_job_get_as_string (job, parts[i]);
      if (!hr_job_set_from_string (job, parts[i], value, NULL) || !hr_job_uses_setting (job, setting, NULL))
        return FALSE;
      is_change |= !g_str_equal (before, value);
    }

  return is_change;
}

/* An advice, if the changed job can be estimated and takes less; its number of tokens goes into the text. */
static void
try (GPtrArray  *advice,
     HrEstimate *estimate,
     HrJob      *job,
     HrJob      *changed,
     HrGpu      *gpu,
     guint       n_gpus,
     char     *(*describe) (HrJob      *changed,
                            HrEstimate *other))
{
  HrModel *model = hr_estimate_get_model (estimate);
  g_autoptr (HrEstimate) other = hr_estimator_run_for_sizes (model, changed, gpu, n_gpus, NULL);
  HrAdvice *item;

  if (other == NULL || hr_estimate_get_total_bytes (other) >= hr_estimate_get_total_bytes (estimate))
    return;

  item = g_new0 (HrAdvice, 1);
  item->change = _hr_advice_describe_change (job, changed);
  item->saves_bytes = hr_estimate_get_total_bytes (estimate) - hr_estimate_get_total_bytes (other);
  item->text = describe (changed, other);
  g_ptr_array_add (advice, item);
}

static char *
describe_images (HrJob      *changed G_GNUC_UNUSED,
                 HrEstimate *other)
{
  g_autofree char *tokens = hr_format_integer (hr_estimate_count_media_tokens (other));

  /* Translators: a number of tokens */
  return g_strdup_printf (_("Halve the width and height of the images: each sequence then has %s tokens"), tokens);
}

static char *
describe_videos (HrJob      *changed G_GNUC_UNUSED,
                 HrEstimate *other)
{
  g_autofree char *tokens = hr_format_integer (hr_estimate_count_media_tokens (other));

  /* Translators: a number of tokens */
  return g_strdup_printf (_("Halve the width and height of the videos: each sequence then has %s tokens"), tokens);
}

static char *
describe_rate (HrJob      *changed G_GNUC_UNUSED,
               HrEstimate *other)
{
  g_autofree char *tokens = hr_format_integer (hr_estimate_count_media_tokens (other));

  /* Translators: a number of tokens */
  return g_strdup_printf (_("Sample half as many frames of each second of video: each sequence then has %s tokens"),
                          tokens);
}

static char *
describe_sounds (HrJob      *changed G_GNUC_UNUSED,
                 HrEstimate *other)
{
  g_autofree char *tokens = hr_format_integer (hr_estimate_count_media_tokens (other));

  /* Translators: a number of tokens */
  return g_strdup_printf (_("Split the sounds into halves that are read one after the other: each half then has %s "
                            "tokens"), tokens);
}

static char *
describe_parts (HrJob      *changed G_GNUC_UNUSED,
                HrEstimate *other)
{
  g_autofree char *tokens = hr_format_integer (hr_estimate_count_media_tokens (other));

  /* Translators: a number of tokens */
  return g_strdup_printf (_("Split the videos into parts that are read one after the other: each part then has %s "
                            "tokens"), tokens);
}

static double
get_longest_video (HrEstimate *estimate)
{
  guint n_media;
  const HrMediumTokens *media = hr_estimate_get_media (estimate, &n_media);
  double seconds = 0;

  for (guint i = 0; i < n_media; i++)
    {
      if (media[i].kind == HR_MEDIUM_VIDEO)
        seconds = MAX (seconds, media[i].medium.seconds);
    }

  return seconds;
}

static gboolean
has_kind (HrEstimate   *estimate,
          HrMediumKind  kind)
{
  guint n_media;
  const HrMediumTokens *media = hr_estimate_get_media (estimate, &n_media);

  for (guint i = 0; i < n_media; i++)
    {
      if (media[i].kind == kind)
        return TRUE;
    }

  return FALSE;
}

/* Two parts, or as many as it takes until each is no longer than the model is made for. */
static guint
count_parts (HrEstimate *estimate)
{
  guint64 longest = 0, tokens = hr_estimate_count_media_tokens (estimate);
  guint64 text = hr_estimate_get_text_tokens (estimate);
  double seconds = get_longest_video (estimate);
  guint parts = 2;

  hr_model_get_hyper_parameter (hr_estimate_get_model (estimate), "max_position_embeddings", &longest);
  while (longest > text && parts < MAX_PARTS && text + (tokens - text) / parts > longest)
    parts *= 2;

  return seconds / parts >= MIN_PART_SECONDS ? parts : 0;
}

/*
 * _hr_advice_add_media:
 * @advice: what has been found so far
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Adds what a job with images, sounds and videos could do with: smaller pictures, fewer frames, shorter parts of
 * sounds and videos.
 */
void
_hr_advice_add_media (GPtrArray  *advice,
                      HrEstimate *estimate,
                      HrJob      *job,
                      HrGpu      *gpu,
                      guint       n_gpus)
{
  static const struct
  {
    HrMediumKind kind;
    Change change;
    char *(*describe) (HrJob      *changed,
                       HrEstimate *other);
  } changes[] = {
    { HR_MEDIUM_IMAGE, halve_image, describe_images },
    { HR_MEDIUM_VIDEO, halve_video, describe_videos },
    { HR_MEDIUM_VIDEO, halve_rate, describe_rate },
    { HR_MEDIUM_AUDIO, halve_sound, describe_sounds },
  };
  guint parts;

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autoptr (HrJob) changed = NULL;

      if (!has_kind (estimate, changes[i].kind))
        continue;
      changed = change_media (job, changes[i].change);
      try (advice, estimate, job, changed, gpu, n_gpus, changes[i].describe);
    }

  parts = HR_IS_MULTIMODAL_JOB (job) && has_kind (estimate, HR_MEDIUM_VIDEO) ? count_parts (estimate) : 0;
  if (parts > 0)
    {
      g_autoptr (HrJob) changed = cut_videos (job, parts);

      try (advice, estimate, job, changed, gpu, n_gpus, describe_parts);
    }
}

/**
 * hr_advice_list: (skip)
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Lists what could be asked for instead, to take less memory: other settings and useful pairs of them; of a job with
 * images, sounds and videos smaller pictures, fewer frames, shorter parts of videos. What each saves is estimated anew,
 * so that nothing is advised that cannot be combined with the rest. The rule of thumb, which is there to compare with,
 * gives no advice.
 *
 * Returns: (transfer full) (element-type HrAdvice): changes, those that save most first; there may be none
 */
GPtrArray *
hr_advice_list (HrEstimate *estimate,
                HrJob      *job,
                HrGpu      *gpu,
                guint       n_gpus)
{
  g_autoptr (HrAdviceSearch) search = hr_advice_search_new (estimate, job, gpu, n_gpus);

  g_return_val_if_fail (search != NULL, NULL);

  while (hr_advice_search_step (search))
    continue;

  return g_ptr_array_ref (hr_advice_search_get_advice (search));
}
