/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-medium.h"

#include <string.h>

static const char * const kind_names[] = {
  [HR_MEDIUM_IMAGE] = "image",
  [HR_MEDIUM_AUDIO] = "audio",
  [HR_MEDIUM_VIDEO] = "video",
};

G_STATIC_ASSERT (G_N_ELEMENTS (kind_names) == HR_N_MEDIUM_KINDS);

/**
 * hr_medium_kind_get_name:
 * @kind: what a model sees or hears
 *
 * Gets its name, as in files and in the JSON of an estimate.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_medium_kind_get_name (HrMediumKind kind)
{
  g_return_val_if_fail ((guint) kind < HR_N_MEDIUM_KINDS, NULL);

  return kind_names[kind];
}

static gboolean
read_number (const char *text,
             double      maximum,
             double     *number)
{
  char *end;

  if (text == NULL || !g_ascii_isdigit (text[0]) || strspn (text, "0123456789.") != strlen (text))
    return FALSE;

  *number = g_ascii_strtod (text, &end);

  return *end == '\0' && *number > 0 && *number <= maximum;
}

/* `640x480` */
static gboolean
read_size (const char *text,
           HrMedium   *medium)
{
  g_auto (GStrv) sides = g_strsplit (text != NULL ? text : "", "x", 3);

  return g_strv_length (sides) == 2 &&
         g_ascii_string_to_unsigned (sides[0], 10, 1, HR_MEDIUM_MAX_SIDE, &medium->width, NULL) &&
         g_ascii_string_to_unsigned (sides[1], 10, 1, HR_MEDIUM_MAX_SIDE, &medium->height, NULL);
}

/**
 * hr_medium_from_text:
 * @text: `image-640x480`, `audio-12.5` (seconds) or `video-60-2-1280x720` (seconds, frames a second, size)
 * @medium: (out): what it says
 *
 * Reads an image, a sound or a video, as the setting `further-inputs` has them.
 *
 * Returns: whether it is one of these
 */
gboolean
hr_medium_from_text (const char *text,
                     HrMedium   *medium)
{
  g_auto (GStrv) parts = g_strsplit (text, "-", 5);
  guint n = g_strv_length (parts);

  *medium = (HrMedium) { 0 };
  if (n == 2 && g_str_equal (parts[0], "image"))
    return read_size (parts[1], medium);

  if (n == 2 && g_str_equal (parts[0], "audio"))
    {
      medium->kind = HR_MEDIUM_AUDIO;
      return read_number (parts[1], HR_MEDIUM_MAX_SECONDS, &medium->seconds);
    }

  medium->kind = HR_MEDIUM_VIDEO;

  return n == 4 && g_str_equal (parts[0], "video") && read_number (parts[1], HR_MEDIUM_MAX_SECONDS, &medium->seconds) &&
         read_number (parts[2], HR_MEDIUM_MAX_FPS, &medium->fps) && read_size (parts[3], medium);
}

static void
append_number (GString *string,
               double   number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (string, g_ascii_formatd (text, sizeof text, "%.10g", number));
}

/**
 * hr_medium_to_text:
 * @medium: an image, a sound or a video
 *
 * Writes it as the setting `further-inputs` has it, which [func@medium_from_text] reads.
 *
 * Returns: (transfer full): the text
 */
char *
hr_medium_to_text (const HrMedium *medium)
{
  g_autoptr (GString) string = NULL;

  g_return_val_if_fail (medium != NULL && (guint) medium->kind < HR_N_MEDIUM_KINDS, NULL);

  string = g_string_new (kind_names[medium->kind]);
  if (medium->kind != HR_MEDIUM_IMAGE)
    {
      g_string_append_c (string, '-');
      append_number (string, medium->seconds);
    }
  if (medium->kind == HR_MEDIUM_VIDEO)
    {
      g_string_append_c (string, '-');
      append_number (string, medium->fps);
    }
  if (medium->kind != HR_MEDIUM_AUDIO)
    g_string_append_printf (string, "-%" G_GUINT64_FORMAT "x%" G_GUINT64_FORMAT, medium->width, medium->height);

  return g_string_free (g_steal_pointer (&string), FALSE);
}
