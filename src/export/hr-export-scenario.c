/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-export-scenario.h"

#include <string.h>

#include "hr-scenario-seal.h"

/* What ends a PNG: the chunk IEND, which is empty. */
#define PNG_END_SIZE 12

/* How long lines of a comment in a PDF are; the standard asks for at most 255. */
#define PDF_LINE 200

/* The checksum of chunks of PNG: that of ISO 3309, as annex D of the specification of PNG has it. */
static guint32
get_crc (const guint8 *data,
         gsize         length)
{
  guint32 crc = 0xffffffffu;

  for (gsize i = 0; i < length; i++)
    {
      crc ^= data[i];
      for (guint bit = 0; bit < 8; bit++)
        crc = crc & 1 ? 0xedb88320u ^ (crc >> 1) : crc >> 1;
    }

  return crc ^ 0xffffffffu;
}

static void
append_number (GByteArray *array,
               guint32     number)
{
  guint32 big_endian = GUINT32_TO_BE (number);

  g_byte_array_append (array, (const guint8 *) &big_endian, sizeof big_endian);
}

/* A chunk of text: its length, its type, a keyword, a zero byte, the text, the checksum of all after the length. */
static GBytes *
create_chunk (const char *word)
{
  static const char keyword[] = "headroom-scenario";
  GByteArray *chunk = g_byte_array_new ();

  append_number (chunk, (guint32) (sizeof keyword + strlen (word)));
  g_byte_array_append (chunk, (const guint8 *) "tEXt", 4);
  g_byte_array_append (chunk, (const guint8 *) keyword, sizeof keyword);
  g_byte_array_append (chunk, (const guint8 *) word, (guint) strlen (word));
  append_number (chunk, get_crc (chunk->data + 4, chunk->len - 4));

  return g_byte_array_free_to_bytes (chunk);
}

/* Lines of a comment. */
static GBytes *
create_pdf_comment (const char *word)
{
  GString *string = g_string_new (NULL);
  gsize length = strlen (word);

  for (gsize i = 0; i < length; i += PDF_LINE)
    g_string_append_printf (string, "%%%.*s\n", PDF_LINE, word + i);

  return g_string_free_to_bytes (string);
}

static GBytes *
take_string (char *string)
{
  return g_bytes_new_take (string, strlen (string));
}

/* Where the last @mark begins, or the end if there is none; contents may have zero bytes in them. */
static gsize
find_last (GBytes     *contents,
           const char *mark)
{
  gsize length;
  const char *data = g_bytes_get_data (contents, &length);
  gsize size = strlen (mark);

  for (gsize i = length; i >= size; i--)
    {
      if (memcmp (data + i - size, mark, size) == 0)
        return i - size;
    }

  return length;
}

static GBytes *
insert (GBytes *contents,
        gsize   position,
        GBytes *addition)
{
  gsize length, n_added;
  const guint8 *data = g_bytes_get_data (contents, &length);
  const guint8 *added = g_bytes_get_data (addition, &n_added);
  GByteArray *array = g_byte_array_sized_new ((guint) (length + n_added));

  g_byte_array_append (array, data, (guint) position);
  g_byte_array_append (array, added, (guint) n_added);
  g_byte_array_append (array, data + position, (guint) (length - position));

  return g_byte_array_free_to_bytes (array);
}

/*
 * hr_export_add_scenario:
 * @contents: the contents of a file
 * @format: what they are
 * @scenario: the scenario that they are about
 *
 * Puts a scenario into a file where readers of the format leave it alone, so that somebody else can open it. JSON has
 * it as a member; text and CSV have no place for it.
 *
 * In a PDF it is a comment before the last `startxref`: offsets in the file are counted from its beginning.
 *
 * Returns: (transfer full): the contents with the scenario
 */
GBytes *
hr_export_add_scenario (GBytes         *contents,
                        HrExportFormat  format,
                        HrScenario     *scenario)
{
  g_autofree char *json = hr_scenario_to_json (scenario);
  g_autofree char *word = hr_scenario_seal (json);
  g_autoptr (GBytes) addition = NULL;
  gsize position = g_bytes_get_size (contents);

  switch (format)
    {
    case HR_EXPORT_FORMAT_MARKDOWN:
      addition = take_string (g_strdup_printf ("\n<!-- %s -->\n", word));
      break;

    case HR_EXPORT_FORMAT_HTML:
      addition = take_string (g_strdup_printf ("<!-- %s -->\n", word));
      position = find_last (contents, "</body>");
      break;

    case HR_EXPORT_FORMAT_SVG:
      addition = take_string (g_strdup_printf ("<metadata>%s</metadata>\n", word));
      position = find_last (contents, "</svg>");
      break;

    case HR_EXPORT_FORMAT_PDF:
      addition = create_pdf_comment (word);
      position = find_last (contents, "startxref");
      break;

    case HR_EXPORT_FORMAT_PNG:
      addition = create_chunk (word);
      position -= PNG_END_SIZE;
      break;

    case HR_EXPORT_FORMAT_TEXT:
    case HR_EXPORT_FORMAT_JSON:
    case HR_EXPORT_FORMAT_CSV:
    case HR_N_EXPORT_FORMATS:
    default:
      return g_bytes_ref (contents);
    }

  return insert (contents, position, addition);
}
