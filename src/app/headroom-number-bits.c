/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-number-bits.h"

#include <glib/gi18n.h>
#include <hr-number-text.h>

/* Bits in a line, so that a narrow window has room for them. */
#define BITS_PER_LINE 16

/*
 * HeadroomNumberBits:
 *
 * The bits of a number, as buttons to press or to type 0 and 1 on, in the colours of sign, exponent and mantissa. A
 * number of up to 16 bits is one line; of a longer one the mantissa begins on a line of its own.
 */
struct _HeadroomNumberBits
{
  AdwBin parent_instance;

  const HrNumberFormat *format;
  GtkGrid *grid;
  GtkBox *legend;
  GtkToggleButton *buttons[64];
  guint64 pattern;
  gboolean is_updating;
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomNumberBits, headroom_number_bits, ADW_TYPE_BIN)

static guint signals[N_SIGNALS];

static guint
headroom_number_bits_get_n_bits (HeadroomNumberBits *self)
{
  return self->format != NULL ? hr_number_format_get_n_bits (self->format) : 0;
}

static const char *
get_css_class (HrNumberField field)
{
  switch (field)
    {
    case HR_NUMBER_FIELD_SIGN:
      return "sign";

    case HR_NUMBER_FIELD_EXPONENT:
      return "exponent";

    case HR_NUMBER_FIELD_MANTISSA:
      return "mantissa";

    case HR_NUMBER_FIELD_VALUE:
    default:
      return "value";
    }
}

/* A bit counts from the lowest of its field, as its weight does. */
static char *
dup_bit_label (const HrNumberFormat *format,
               guint                 bit)
{
  HrNumberField field = hr_number_format_get_field (format, bit);
  g_autofree char *weight = hr_number_format_dup_weight_of_bit (format, bit);

  if (weight == NULL)
    return field == HR_NUMBER_FIELD_SIGN ? g_strdup (hr_number_field_get_label (field))
                                         /* Translators: %u is the number of a bit, 0 for the lowest. */
                                         : g_strdup_printf (_("Bit %u"), bit);

  /* Translators: a bit of a number: what it belongs to (“Exponent”), and what it adds to it (“2³”). */
  return g_strdup_printf (_("%1$s, bit of %2$s"), hr_number_field_get_label (field), weight);
}

static void
headroom_number_bits_show_bit (HeadroomNumberBits *self,
                               guint               bit)
{
  gboolean is_set = self->pattern >> bit & 1;

  gtk_label_set_label (GTK_LABEL (gtk_button_get_child (GTK_BUTTON (self->buttons[bit]))), is_set ? "1" : "0");
  gtk_toggle_button_set_active (self->buttons[bit], is_set);
}

static void
headroom_number_bits_show (HeadroomNumberBits *self)
{
  self->is_updating = TRUE;
  for (guint i = 0; i < headroom_number_bits_get_n_bits (self); i++)
    headroom_number_bits_show_bit (self, i);
  self->is_updating = FALSE;
}

static void
headroom_number_bits_change (HeadroomNumberBits *self,
                             guint64             pattern)
{
  if (self->pattern == pattern)
    return;

  headroom_number_bits_set_pattern (self, pattern);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static guint
get_bit (GtkWidget *button)
{
  return GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), "bit"));
}

static void
headroom_number_bits_toggled_cb (HeadroomNumberBits *self,
                                 GtkToggleButton    *button)
{
  if (!self->is_updating)
    headroom_number_bits_change (self, self->pattern ^ (G_GUINT64_CONSTANT (1) << get_bit (GTK_WIDGET (button))));
}

/* A typed digit sets the bit and goes on to the next lower one, so that a pattern can be typed as it is written. */
static gboolean
headroom_number_bits_key_cb (HeadroomNumberBits    *self,
                             guint                  keyval,
                             guint                  keycode,
                             GdkModifierType        state,
                             GtkEventControllerKey *controller)
{
  GtkWidget *button = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (controller));
  gboolean is_one = keyval == GDK_KEY_1 || keyval == GDK_KEY_KP_1;
  guint bit = get_bit (button);
  guint64 mask = G_GUINT64_CONSTANT (1) << bit;

  if (!is_one && keyval != GDK_KEY_0 && keyval != GDK_KEY_KP_0)
    return GDK_EVENT_PROPAGATE;
  if ((state & (GDK_CONTROL_MASK | GDK_ALT_MASK)) != 0)
    return GDK_EVENT_PROPAGATE;

  headroom_number_bits_change (self, is_one ? self->pattern | mask : self->pattern & ~mask);
  if (bit > 0)
    gtk_widget_grab_focus (GTK_WIDGET (self->buttons[bit - 1]));

  return GDK_EVENT_STOP;
}

static GtkToggleButton *
headroom_number_bits_create_button (HeadroomNumberBits *self,
                                    guint               bit)
{
  g_autofree char *label = dup_bit_label (self->format, bit);
  GtkWidget *button = gtk_toggle_button_new ();
  GtkEventController *controller = gtk_event_controller_key_new ();

  /* Not the button's own label, which would be its name for a screen reader: the state says whether it is 1. */
  gtk_button_set_child (GTK_BUTTON (button), gtk_label_new (NULL));
  g_object_set_data (G_OBJECT (button), "bit", GUINT_TO_POINTER (bit));
  gtk_widget_add_css_class (button, "bit");
  gtk_widget_add_css_class (button, get_css_class (hr_number_format_get_field (self->format, bit)));
  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_signal_connect_object (button, "toggled", G_CALLBACK (headroom_number_bits_toggled_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (controller, "key-pressed", G_CALLBACK (headroom_number_bits_key_cb), self,
                           G_CONNECT_SWAPPED);
  gtk_widget_add_controller (button, controller);

  return GTK_TOGGLE_BUTTON (button);
}

static void
headroom_number_bits_fill (HeadroomNumberBits *self)
{
  guint n_bits = hr_number_format_get_n_bits (self->format);
  guint n_mantissa_bits = self->format->n_mantissa_bits;
  guint column = 0, row = 0;

  for (guint i = n_bits; i > 0; i--)
    {
      guint bit = i - 1;

      if (column == BITS_PER_LINE || (n_bits > BITS_PER_LINE && i == n_mantissa_bits))
        {
          column = 0;
          row++;
        }
      self->buttons[bit] = headroom_number_bits_create_button (self, bit);
      gtk_grid_attach (self->grid, GTK_WIDGET (self->buttons[bit]), column, row, 1, 1);
      column++;
    }
}

/* Says which colour is which, and how many bits it has. */
static void
headroom_number_bits_fill_legend (HeadroomNumberBits *self)
{
  guint n_bits = hr_number_format_get_n_bits (self->format), count = 0;
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->legend))) != NULL)
    gtk_box_remove (self->legend, child);

  for (guint i = n_bits; i > 0; i--)
    {
      HrNumberField field = hr_number_format_get_field (self->format, i - 1);
      g_autofree char *text = NULL;
      GtkWidget *label;

      count++;
      if (i > 1 && hr_number_format_get_field (self->format, i - 2) == field)
        continue;

      /* Translators: a field of bits and how many it has, such as “Exponent: 8”. */
      text = g_strdup_printf (_("%s: %u"), hr_number_field_get_label (field), count);
      label = gtk_label_new (text);
      gtk_widget_add_css_class (label, "bit");
      gtk_widget_add_css_class (label, get_css_class (field));
      gtk_box_append (self->legend, label);
      count = 0;
    }
}

static void
headroom_number_bits_class_init (HeadroomNumberBitsClass *klass)
{
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                          g_cclosure_marshal_VOID__VOID, G_TYPE_NONE, 0);

  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "numberbits");
}

static void
headroom_number_bits_init (HeadroomNumberBits *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  self->grid = GTK_GRID (gtk_grid_new ());
  gtk_grid_set_row_spacing (self->grid, 3);
  gtk_grid_set_column_spacing (self->grid, 1);
  /* The highest bit is on the left, whatever the direction of the text. */
  gtk_widget_set_direction (GTK_WIDGET (self->grid), GTK_TEXT_DIR_LTR);
  gtk_widget_set_halign (GTK_WIDGET (self->grid), GTK_ALIGN_START);
  self->legend = GTK_BOX (gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6));

  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->grid));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->legend));
  adw_bin_set_child (ADW_BIN (self), box);
}

GtkWidget *
headroom_number_bits_new (void)
{
  return g_object_new (HEADROOM_TYPE_NUMBER_BITS, NULL);
}

/*
 * Shows the bits of another format, all of them zero.
 */
void
headroom_number_bits_set_format (HeadroomNumberBits   *self,
                                 const HrNumberFormat *format)
{
  g_return_if_fail (HEADROOM_IS_NUMBER_BITS (self));
  g_return_if_fail (format != NULL);

  for (guint i = 0; i < headroom_number_bits_get_n_bits (self); i++)
    gtk_grid_remove (self->grid, GTK_WIDGET (self->buttons[i]));

  self->format = format;
  self->pattern = 0;
  headroom_number_bits_fill (self);
  headroom_number_bits_fill_legend (self);
  headroom_number_bits_show (self);
}

/*
 * Shows @pattern, without the signal “changed”, which tells of what the user does.
 */
void
headroom_number_bits_set_pattern (HeadroomNumberBits *self,
                                  guint64             pattern)
{
  g_return_if_fail (HEADROOM_IS_NUMBER_BITS (self));

  self->pattern = pattern;
  headroom_number_bits_show (self);
}

guint64
headroom_number_bits_get_pattern (HeadroomNumberBits *self)
{
  g_return_val_if_fail (HEADROOM_IS_NUMBER_BITS (self), 0);

  return self->pattern;
}
