/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-count.h"

/* Beyond this a double, which adjustments hold, skips whole numbers. */
#define MAX_EXACT (G_GUINT64_CONSTANT (1) << 53)

static guint64
unit_from_text (const char *text)
{
  if (*text == '\0')
    return 1;

  if (g_ascii_strcasecmp (text, "k") == 0)
    return 1024;

  if (g_ascii_strcasecmp (text, "m") == 0)
    return 1024 * 1024;

  return 0;
}

/*
 * Reads a count as people write one: "4096", "32 768", "32,768", "32k", "1.5k", "1M". As lengths of contexts go, k is
 * 1024. Full-width digits, which an input method for Chinese may give, are digits too.
 */
gboolean
headroom_count_parse (const char *text,
                      guint64    *value)
{
  g_autofree char *normal = NULL;
  g_autoptr (GString) digits = NULL;
  guint64 unit;
  double number;
  const char *p;
  char *end;

  g_return_val_if_fail (text != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  normal = g_utf8_normalize (text, -1, G_NORMALIZE_ALL);
  if (normal == NULL)
    return FALSE;

  g_strstrip (normal);
  digits = g_string_new (NULL);

  for (p = normal; g_ascii_isdigit (*p) || *p == '.' || *p == ',' || *p == ' ' || *p == '_'; p++)
    {
      if (g_ascii_isdigit (*p) || *p == '.')
        g_string_append_c (digits, *p);
    }

  unit = unit_from_text (p);
  if (digits->len == 0 || unit == 0)
    return FALSE;

  number = g_ascii_strtod (digits->str, &end) * unit;
  if (*end != '\0' || number > MAX_EXACT || (unit == 1 && strchr (digits->str, '.') != NULL))
    return FALSE;

  *value = (guint64) number;
  return TRUE;
}

static int
count_input_cb (GtkSpinButton *spin,
                double        *new_value)
{
  guint64 value;

  if (!headroom_count_parse (gtk_editable_get_text (GTK_EDITABLE (spin)), &value))
    return GTK_INPUT_ERROR;

  *new_value = value;
  return TRUE;
}

/* Lengths go in steps of a block of tokens, small counts one by one. */
static double
step_for (guint64 typical)
{
  return typical >= 256 ? 128 : 1;
}

/*
 * Creates a spin button for a whole number between @minimum and @maximum; @typical says what steps make sense.
 */
GtkWidget *
headroom_count_spin_new (guint64 minimum,
                         guint64 maximum,
                         guint64 typical)
{
  double step = step_for (typical);
  GtkAdjustment *adjustment;
  GtkWidget *spin;

  adjustment = gtk_adjustment_new (minimum, minimum, MIN (maximum, MAX_EXACT), step, step * 8, 0);
  spin = gtk_spin_button_new (adjustment, step, 0);
  gtk_spin_button_set_update_policy (GTK_SPIN_BUTTON (spin), GTK_UPDATE_IF_VALID);
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 7);
  gtk_editable_set_alignment (GTK_EDITABLE (spin), 1);
  gtk_widget_set_valign (spin, GTK_ALIGN_CENTER);
  g_signal_connect (spin, "input", G_CALLBACK (count_input_cb), NULL);

  return spin;
}
