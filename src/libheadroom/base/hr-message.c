/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-message.h"

#include <glib/gi18n-lib.h>

/*
 * Sentences of a floor that knows no language: it marks them with N_() and says what goes into them, and here they are
 * put into the language of the user.
 */

/*
 * hr_message_format:
 * @msgid: a message id, as for printf
 * @arguments: what goes into it
 *
 * Puts a sentence into the language of the user.
 *
 * Returns: (transfer full): the sentence
 */
char *
hr_message_format (const char *msgid,
                   va_list     arguments)
{
  return g_strdup_vprintf (_(msgid), arguments);
}

/*
 * hr_message_set_error:
 * @error: (nullable): return location for an error
 * @code: the code
 * @msgid: a message id, as for printf
 * @...: what goes into it
 *
 * Sets an error whose message is in the language of the user.
 */
void
hr_message_set_error (GError     **error,
                      HrError      code,
                      const char  *msgid,
                      ...)
{
  g_autofree char *message = NULL;
  va_list arguments;

  va_start (arguments, msgid);
  message = hr_message_format (msgid, arguments);
  va_end (arguments);

  g_set_error_literal (error, HR_ERROR, code, message);
}

/* A message is one line, whatever the text that it quotes holds: control characters become spaces. */
void
hr_message_make_line (char *text)
{
  g_return_if_fail (text != NULL);

  for (; *text != '\0'; text++)
    {
      if (g_ascii_iscntrl (*text))
        *text = ' ';
    }
}
