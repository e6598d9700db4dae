/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-multimodal-job.h"

#include <glib/gi18n-lib.h>

#include "hr-fine-tuning-job.h"
#include "hr-inference-job.h"
#include "hr-inputs.h"
#include "hr-job-enums.h"
#include "hr-job-private.h"

/**
 * HrMultimodalJob:
 *
 * Text with images, sounds or videos, for a model that sees or hears: what a job of inference or of fine-tuning reads.
 *
 * It has the settings of both. Each is that of a job of its own, to which it is handed on.
 */
struct _HrMultimodalJob
{
  HrJob parent_instance;

  HrJob *tasks[2];          /* for each HrMultimodalTask what it does */
  HrMultimodalTask task;
  guint64 text_tokens;
  guint64 images;
  guint64 image_width;
  guint64 image_height;
  double audio_seconds;
  double video_seconds;
  double video_fps;
  guint64 video_width;
  guint64 video_height;
  char *further_inputs;
};

enum
{
  PROP_0,
  PROP_TASK,
  PROP_TEXT_TOKENS,
  PROP_IMAGES,
  PROP_IMAGE_WIDTH,
  PROP_IMAGE_HEIGHT,
  PROP_AUDIO_SECONDS,
  PROP_VIDEO_SECONDS,
  PROP_VIDEO_FPS,
  PROP_VIDEO_WIDTH,
  PROP_VIDEO_HEIGHT,
  PROP_FURTHER_INPUTS,
  N_PROPS              /* those of the tasks follow */
};

G_DEFINE_FINAL_TYPE (HrMultimodalJob, hr_multimodal_job, HR_TYPE_JOB)

static GParamSpec *properties[N_PROPS];

static GType
get_task_type (HrMultimodalTask task)
{
  return task == HR_MULTIMODAL_TASK_INFERENCE ? HR_TYPE_INFERENCE_JOB : HR_TYPE_FINE_TUNING_JOB;
}

/* The lengths of what is read come from the inputs. */
static gboolean
is_length (const char *name)
{
  return g_str_equal (name, "prompt-length") || g_str_equal (name, "sequence-length");
}

/* Which task has a setting that is not one of all jobs. */
static gboolean
find_task (GParamSpec       *pspec,
           HrMultimodalTask *task)
{
  for (guint i = 0; i < 2; i++)
    {
      GObjectClass *task_class = g_type_class_peek (get_task_type (i));
      GParamSpec *own = g_object_class_find_property (task_class, pspec->name);

      if (own == NULL || own->owner_type == HR_TYPE_JOB)
        continue;
      *task = i;
      return TRUE;
    }

  return FALSE;
}

static void
hr_multimodal_job_finalize (GObject *object)
{
  HrMultimodalJob *self = HR_MULTIMODAL_JOB (object);

  for (guint i = 0; i < G_N_ELEMENTS (self->tasks); i++)
    g_clear_object (&self->tasks[i]);
  g_free (self->further_inputs);

  G_OBJECT_CLASS (hr_multimodal_job_parent_class)->finalize (object);
}

static void
hr_multimodal_job_get_property (GObject    *object,
                                guint       prop_id,
                                GValue     *value,
                                GParamSpec *pspec)
{
  HrMultimodalJob *self = HR_MULTIMODAL_JOB (object);
  HrMultimodalTask task;

  switch (prop_id)
    {
    case PROP_TASK:
      g_value_set_enum (value, self->task);
      break;

    case PROP_TEXT_TOKENS:
      g_value_set_uint64 (value, self->text_tokens);
      break;

    case PROP_IMAGES:
      g_value_set_uint64 (value, self->images);
      break;

    case PROP_IMAGE_WIDTH:
      g_value_set_uint64 (value, self->image_width);
      break;

    case PROP_IMAGE_HEIGHT:
      g_value_set_uint64 (value, self->image_height);
      break;

    case PROP_AUDIO_SECONDS:
      g_value_set_double (value, self->audio_seconds);
      break;

    case PROP_VIDEO_SECONDS:
      g_value_set_double (value, self->video_seconds);
      break;

    case PROP_VIDEO_FPS:
      g_value_set_double (value, self->video_fps);
      break;

    case PROP_VIDEO_WIDTH:
      g_value_set_uint64 (value, self->video_width);
      break;

    case PROP_VIDEO_HEIGHT:
      g_value_set_uint64 (value, self->video_height);
      break;

    case PROP_FURTHER_INPUTS:
      g_value_set_string (value, self->further_inputs);
      break;

    default:
      if (find_task (pspec, &task))
        g_object_get_property (G_OBJECT (self->tasks[task]), pspec->name, value);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
set_own (HrMultimodalJob *self,
         guint            prop_id,
         const GValue    *value)
{
  switch (prop_id)
    {
    case PROP_TASK:
      self->task = g_value_get_enum (value);
      break;

    case PROP_TEXT_TOKENS:
      self->text_tokens = g_value_get_uint64 (value);
      break;

    case PROP_IMAGES:
      self->images = g_value_get_uint64 (value);
      break;

    case PROP_IMAGE_WIDTH:
      self->image_width = g_value_get_uint64 (value);
      break;

    case PROP_IMAGE_HEIGHT:
      self->image_height = g_value_get_uint64 (value);
      break;

    case PROP_AUDIO_SECONDS:
      self->audio_seconds = g_value_get_double (value);
      break;

    case PROP_VIDEO_SECONDS:
      self->video_seconds = g_value_get_double (value);
      break;

    case PROP_VIDEO_FPS:
      self->video_fps = g_value_get_double (value);
      break;

    case PROP_VIDEO_WIDTH:
      self->video_width = g_value_get_uint64 (value);
      break;

    case PROP_VIDEO_HEIGHT:
      self->video_height = g_value_get_uint64 (value);
      break;

    case PROP_FURTHER_INPUTS:
    default:
      g_free (self->further_inputs);
      self->further_inputs = g_value_dup_string (value);
      break;
    }
}

static void
hr_multimodal_job_set_property (GObject      *object,
                                guint         prop_id,
                                const GValue *value,
                                GParamSpec   *pspec)
{
  HrMultimodalJob *self = HR_MULTIMODAL_JOB (object);
  g_auto (GValue) old_value = G_VALUE_INIT;
  HrMultimodalTask task;

  g_value_init (&old_value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  hr_multimodal_job_get_property (object, prop_id, &old_value, pspec);
  if (g_param_values_cmp (pspec, &old_value, value) == 0)
    return;

  if (prop_id < N_PROPS)
    {
      set_own (self, prop_id, value);
    }
  else if (find_task (pspec, &task))
    {
      g_object_set_property (G_OBJECT (self->tasks[task]), pspec->name, value);
    }
  else
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  g_object_notify_by_pspec (object, pspec);
}

/* Copies the settings of all jobs to those that do the tasks. */
static void
copy_common (HrMultimodalJob *self,
             HrJob           *task)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (HR_JOB (self), &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      if (settings[i]->owner_type != HR_TYPE_JOB)
        continue;
      g_object_get_property (G_OBJECT (self), settings[i]->name, &value);
      g_object_set_property (G_OBJECT (task), settings[i]->name, &value);
    }
}

static void
hr_multimodal_job_resolve (HrJob   *job,
                           HrModel *model)
{
  HrMultimodalJob *self = HR_MULTIMODAL_JOB (job);

  /* Whether a checkpoint stays quantized is for the task to say. */
  if (hr_job_get_quantization (job) == HR_QUANTIZATION_AUTO)
    {
      g_autoptr (HrJob) task = hr_job_resolve (self->tasks[self->task], model);

      g_object_set (job, "quantization", hr_job_get_quantization (task), NULL);
    }
  HR_JOB_CLASS (hr_multimodal_job_parent_class)->resolve (job, model);

  for (guint i = 0; i < G_N_ELEMENTS (self->tasks); i++)
    {
      copy_common (self, self->tasks[i]);
      HR_JOB_GET_CLASS (self->tasks[i])->resolve (self->tasks[i], model);
    }
}

/* A setting of the other task says nothing; one of this task says what it says there. */
static gboolean
hr_multimodal_job_uses_setting (HrJob       *job,
                                GParamSpec  *setting,
                                GParamSpec **because)
{
  HrMultimodalJob *self = HR_MULTIMODAL_JOB (job);
  HrMultimodalTask task;
  GParamSpec *own;
  gboolean used;

  if (!find_task (setting, &task))
    return HR_JOB_CLASS (hr_multimodal_job_parent_class)->uses_setting (job, setting, because);

  if (task != self->task)
    {
      if (because != NULL)
        *because = properties[PROP_TASK];
      return FALSE;
    }

  own = g_object_class_find_property (G_OBJECT_GET_CLASS (self->tasks[task]), setting->name);
  used = hr_job_uses_setting (self->tasks[task], own, because);
  if (because != NULL && *because != NULL)
    *because = g_object_class_find_property (G_OBJECT_GET_CLASS (self), (*because)->name);

  return used;
}

/* Those of the settings come first, then the further ones. */
static GArray *
hr_multimodal_job_list_media (HrJob   *job,
                              GError **error)
{
  HrMultimodalJob *self = HR_MULTIMODAL_JOB (job);
  g_autoptr (GArray) media = g_array_new (FALSE, FALSE, sizeof (HrMedium));
  HrMedium audio = { .kind = HR_MEDIUM_AUDIO, .seconds = self->audio_seconds };
  HrMedium video = {
    .kind = HR_MEDIUM_VIDEO, .width = self->video_width, .height = self->video_height,
    .seconds = self->video_seconds, .fps = self->video_fps,
  };

  hr_inputs_add_images (media, self->images, self->image_width, self->image_height);
  if (self->audio_seconds > 0)
    g_array_append_val (media, audio);
  if (self->video_seconds > 0)
    g_array_append_val (media, video);
  if (!hr_inputs_add_further (media, self->further_inputs, error))
    return NULL;

  hr_inputs_count_others (media);

  return g_steal_pointer (&media);
}

static guint64
hr_multimodal_job_count_text_tokens (HrJob *job)
{
  return HR_MULTIMODAL_JOB (job)->text_tokens;
}

/* The job of inference or of fine-tuning that reads the inputs. */
static HrJob *
hr_multimodal_job_dup_reading (HrJob   *job,
                               guint64  tokens)
{
  HrMultimodalJob *self = HR_MULTIMODAL_JOB (job);
  gboolean is_inference = self->task == HR_MULTIMODAL_TASK_INFERENCE;
  HrJob *reading = hr_job_copy (self->tasks[self->task]);

  copy_common (self, reading);
  g_object_set (reading, is_inference ? "prompt-length" : "sequence-length", CLAMP (tokens, 1, 16777216), NULL);

  return reading;
}

/* The same property, for a class of its own. */
static GParamSpec *
clone_setting (GParamSpec *pspec)
{
  const char *name = pspec->name;
  const char *nick = g_param_spec_get_nick (pspec);
  const char *blurb = g_param_spec_get_blurb (pspec);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  if (G_IS_PARAM_SPEC_ENUM (pspec))
    return g_param_spec_enum (name, nick, blurb, pspec->value_type, G_PARAM_SPEC_ENUM (pspec)->default_value, flags);

  if (G_IS_PARAM_SPEC_UINT64 (pspec))
    {
      GParamSpecUInt64 *range = G_PARAM_SPEC_UINT64 (pspec);

      return g_param_spec_uint64 (name, nick, blurb, range->minimum, range->maximum, range->default_value, flags);
    }

  if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    {
      GParamSpecDouble *range = G_PARAM_SPEC_DOUBLE (pspec);

      return g_param_spec_double (name, nick, blurb, range->minimum, range->maximum, range->default_value, flags);
    }

  if (G_IS_PARAM_SPEC_STRING (pspec))
    return g_param_spec_string (name, nick, blurb, G_PARAM_SPEC_STRING (pspec)->default_value, flags);

  g_assert (G_IS_PARAM_SPEC_BOOLEAN (pspec));

  return g_param_spec_boolean (name, nick, blurb, G_PARAM_SPEC_BOOLEAN (pspec)->default_value, flags);
}

/* Gives the class the settings of a task, in the positions that they have there. */
static guint
install_settings_of (GObjectClass     *object_class,
                     HrMultimodalTask  task,
                     guint             first)
{
  g_autoptr (HrJob) job = g_object_new (get_task_type (task), NULL);
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      GParamSpec *clone;

      if (settings[i]->owner_type == HR_TYPE_JOB || is_length (settings[i]->name))
        continue;
      clone = clone_setting (settings[i]);
      hr_job_mark_setting (clone, hr_job_setting_get_position (settings[i]), hr_job_setting_is_expert (settings[i]));
      g_object_class_install_property (object_class, first++, clone);
    }

  return first;
}

static void
hr_multimodal_job_class_init (HrMultimodalJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  guint next = N_PROPS;

  object_class->finalize = hr_multimodal_job_finalize;
  object_class->get_property = hr_multimodal_job_get_property;
  object_class->set_property = hr_multimodal_job_set_property;

  HR_JOB_CLASS (klass)->mode = HR_MODE_MULTIMODAL;
  HR_JOB_CLASS (klass)->resolve = hr_multimodal_job_resolve;
  HR_JOB_CLASS (klass)->uses_setting = hr_multimodal_job_uses_setting;
  HR_JOB_CLASS (klass)->list_media = hr_multimodal_job_list_media;
  HR_JOB_CLASS (klass)->count_text_tokens = hr_multimodal_job_count_text_tokens;
  HR_JOB_CLASS (klass)->dup_reading = hr_multimodal_job_dup_reading;

  /**
   * HrMultimodalJob:task:
   *
   * What is done with the inputs.
   */
  properties[PROP_TASK] =
    g_param_spec_enum ("task",
                       N_("Task"),
                       N_("Whether the model answers what it reads, or is fine-tuned on it"),
                       HR_TYPE_MULTIMODAL_TASK, HR_MULTIMODAL_TASK_INFERENCE, flags);

  /**
   * HrMultimodalJob:text-tokens:
   *
   * How many tokens of text each sequence has beside those of its images, sounds and videos.
   */
  properties[PROP_TEXT_TOKENS] =
    g_param_spec_uint64 ("text-tokens",
                         N_("Tokens of text"),
                         N_("Tokens of each sequence beside those of its images, sounds and videos, marks around "
                            "these included"),
                         0, 16777216, 128, flags);

  /**
   * HrMultimodalJob:images:
   *
   * How many images of one size each sequence has.
   */
  properties[PROP_IMAGES] = hr_inputs_new_images_setting (1);

  /**
   * HrMultimodalJob:image-width:
   *
   * How many pixels a row of an image has.
   */
  properties[PROP_IMAGE_WIDTH] = hr_inputs_new_width_setting ();

  /**
   * HrMultimodalJob:image-height:
   *
   * How many rows of pixels an image has.
   */
  properties[PROP_IMAGE_HEIGHT] = hr_inputs_new_height_setting ();

  /**
   * HrMultimodalJob:audio-seconds:
   *
   * How long the sound of each sequence is.
   */
  properties[PROP_AUDIO_SECONDS] =
    g_param_spec_double ("audio-seconds",
                         N_("Seconds of sound"),
                         N_("How long the sound of each sequence is; 0 for none"),
                         0, HR_MEDIUM_MAX_SECONDS, 0, flags);

  /**
   * HrMultimodalJob:video-seconds:
   *
   * How long the video of each sequence is.
   */
  properties[PROP_VIDEO_SECONDS] =
    g_param_spec_double ("video-seconds",
                         N_("Seconds of video"),
                         N_("How long the video of each sequence is; 0 for none"),
                         0, HR_MEDIUM_MAX_SECONDS, 0, flags);

  /**
   * HrMultimodalJob:video-fps:
   *
   * How many frames of each second of video the model gets.
   */
  properties[PROP_VIDEO_FPS] =
    g_param_spec_double ("video-fps",
                         N_("Frames a second"),
                         N_("Frames of each second of video that are sampled for the model"),
                         0.001, HR_MEDIUM_MAX_FPS, 2, flags);

  /**
   * HrMultimodalJob:video-width:
   *
   * How many pixels a row of a video has.
   */
  properties[PROP_VIDEO_WIDTH] =
    g_param_spec_uint64 ("video-width",
                         N_("Width of the video"),
                         N_("Pixels of a row of the video, as it comes to the processor of the model"),
                         1, HR_MEDIUM_MAX_SIDE, 1280, flags);

  /**
   * HrMultimodalJob:video-height:
   *
   * How many rows of pixels a video has.
   */
  properties[PROP_VIDEO_HEIGHT] =
    g_param_spec_uint64 ("video-height",
                         N_("Height of the video"),
                         N_("Rows of pixels of the video, as it comes to the processor of the model"),
                         1, HR_MEDIUM_MAX_SIDE, 720, flags);

  /**
   * HrMultimodalJob:further-inputs:
   *
   * Images, sounds and videos beside those of the other settings, with commas between them: `image-640x480`,
   * `audio-12.5` (seconds), `video-60-2-1280x720` (seconds, frames a second, size); `none` for none.
   */
  properties[PROP_FURTHER_INPUTS] = hr_inputs_new_further_setting ();

  g_object_class_install_properties (object_class, N_PROPS, properties);

  hr_job_mark_setting (properties[PROP_TASK], 5, FALSE);
  hr_job_mark_setting (properties[PROP_TEXT_TOKENS], 400, FALSE);
  hr_job_mark_setting (properties[PROP_IMAGES], 410, FALSE);
  hr_job_mark_setting (properties[PROP_IMAGE_WIDTH], 420, FALSE);
  hr_job_mark_setting (properties[PROP_IMAGE_HEIGHT], 430, FALSE);
  hr_job_mark_setting (properties[PROP_AUDIO_SECONDS], 440, FALSE);
  hr_job_mark_setting (properties[PROP_VIDEO_SECONDS], 450, FALSE);
  hr_job_mark_setting (properties[PROP_VIDEO_FPS], 460, FALSE);
  hr_job_mark_setting (properties[PROP_VIDEO_WIDTH], 470, FALSE);
  hr_job_mark_setting (properties[PROP_VIDEO_HEIGHT], 480, FALSE);
  hr_job_mark_setting (properties[PROP_FURTHER_INPUTS], 490, FALSE);

  for (guint i = 0; i < 2; i++)
    next = install_settings_of (object_class, i, next);
}

static void
hr_multimodal_job_init (HrMultimodalJob *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->tasks); i++)
    self->tasks[i] = g_object_new (get_task_type (i), NULL);

  self->task = G_PARAM_SPEC_ENUM (properties[PROP_TASK])->default_value;
  self->text_tokens = G_PARAM_SPEC_UINT64 (properties[PROP_TEXT_TOKENS])->default_value;
  self->images = G_PARAM_SPEC_UINT64 (properties[PROP_IMAGES])->default_value;
  self->image_width = G_PARAM_SPEC_UINT64 (properties[PROP_IMAGE_WIDTH])->default_value;
  self->image_height = G_PARAM_SPEC_UINT64 (properties[PROP_IMAGE_HEIGHT])->default_value;
  self->video_fps = G_PARAM_SPEC_DOUBLE (properties[PROP_VIDEO_FPS])->default_value;
  self->video_width = G_PARAM_SPEC_UINT64 (properties[PROP_VIDEO_WIDTH])->default_value;
  self->video_height = G_PARAM_SPEC_UINT64 (properties[PROP_VIDEO_HEIGHT])->default_value;
  self->further_inputs = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_FURTHER_INPUTS])->default_value);
}

/**
 * hr_multimodal_job_new:
 *
 * Creates a job with every setting at its default.
 *
 * Returns: (transfer full): a new job
 */
HrMultimodalJob *
hr_multimodal_job_new (void)
{
  return g_object_new (HR_TYPE_MULTIMODAL_JOB, NULL);
}

/**
 * hr_multimodal_job_get_task:
 * @self: a job
 *
 * Gets what is done with the inputs.
 *
 * Returns: the value of the setting
 */
HrMultimodalTask
hr_multimodal_job_get_task (HrMultimodalJob *self)
{
  g_return_val_if_fail (HR_IS_MULTIMODAL_JOB (self), HR_MULTIMODAL_TASK_INFERENCE);

  return self->task;
}
