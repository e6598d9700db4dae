/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-inputs.h"

#include <glib/gi18n-lib.h>

#include "hr-message.h"

/* The settings that images come from, and what they come to: one place for all jobs that have some. */

/* As many entries as a list of inputs may have. */
#define MAX_INPUTS 256

#define FLAGS (G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)

GParamSpec *
hr_inputs_new_images_setting (guint64 n_images)
{
  return g_param_spec_uint64 ("images",
                              N_("Images"),
                              N_("Images of each sequence, all of the size that follows"),
                              0, 4096, n_images, FLAGS);
}

GParamSpec *
hr_inputs_new_width_setting (void)
{
  return g_param_spec_uint64 ("image-width",
                              N_("Width of an image"),
                              N_("Pixels of a row of each image, as it comes to the processor of the model"),
                              1, HR_MEDIUM_MAX_SIDE, 1024, FLAGS);
}

GParamSpec *
hr_inputs_new_height_setting (void)
{
  return g_param_spec_uint64 ("image-height",
                              N_("Height of an image"),
                              N_("Rows of pixels of each image, as it comes to the processor of the model"),
                              1, HR_MEDIUM_MAX_SIDE, 1024, FLAGS);
}

GParamSpec *
hr_inputs_new_further_setting (void)
{
  return g_param_spec_string ("further-inputs",
                              N_("Further inputs"),
                              N_("More of them, with commas between: image-640x480, audio-12.5 (seconds), "
                                 "video-60-2-1280x720 (seconds, frames a second, size)"),
                              "none", FLAGS);
}

/*
 * hr_inputs_add_images:
 * @media: (element-type HrMedium): where to add them
 * @n_images: how many there are
 * @width: pixels of a row of each
 * @height: rows of each
 *
 * Adds images of one size.
 */
void
hr_inputs_add_images (GArray  *media,
                      guint64  n_images,
                      guint64  width,
                      guint64  height)
{
  HrMedium image = { .kind = HR_MEDIUM_IMAGE, .width = width, .height = height };

  for (guint64 i = 0; i < n_images; i++)
    g_array_append_val (media, image);
}

/*
 * hr_inputs_add_further:
 * @media: (element-type HrMedium): where to add them
 * @texts: the value of the setting that lists them
 * @error: return location for an error
 *
 * Adds images, sounds and videos each of which stands by itself.
 *
 * Returns: whether each is one
 */
gboolean
hr_inputs_add_further (GArray      *media,
                       const char  *texts,
                       GError     **error)
{
  g_auto (GStrv) inputs = g_strsplit (texts, ",", MAX_INPUTS + 1);

  if (g_str_equal (texts, "none"))
    return TRUE;

  for (guint i = 0; inputs[i] != NULL; i++)
    {
      HrMedium medium;

      if (i == MAX_INPUTS || !hr_medium_from_text (inputs[i], &medium))
        {
          hr_message_set_error (error, HR_ERROR_VALUE,
                                /* Translators: what stands in place of an input; the three forms stay as they are. */
                                N_("further-inputs: expected image-WIDTHxHEIGHT, audio-SECONDS or "
                                   "video-SECONDS-FPS-WIDTHxHEIGHT with commas between them, at most 256; found %s"),
                                inputs[i]);
          return FALSE;
        }
      g_array_append_val (media, medium);
    }

  return TRUE;
}

/*
 * hr_inputs_count_others:
 * @media: (element-type HrMedium): images, sounds and videos of a sequence
 *
 * Tells each how many images are beside it: some processors do other things with several images than with one.
 */
void
hr_inputs_count_others (GArray *media)
{
  guint64 images = 0;

  for (guint i = 0; i < media->len; i++)
    images += g_array_index (media, HrMedium, i).kind == HR_MEDIUM_IMAGE;

  for (guint i = 0; i < media->len; i++)
    {
      HrMedium *medium = &g_array_index (media, HrMedium, i);

      medium->others = medium->kind == HR_MEDIUM_IMAGE ? images - 1 : images;
    }
}
