/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-number-card.h"

#include <glib/gi18n.h>
#include <hr-number-text.h>
#include <math.h>

#include "headroom-drop-down.h"
#include "headroom-facts.h"
#include "headroom-number-bits.h"

/*
 * HeadroomNumberCard:
 *
 * A number in a format that the user picks: its bits, what they mean, all of its digits, and what is so about the
 * format.
 */
struct _HeadroomNumberCard
{
  AdwBin parent_instance;

  const HrNumberFormat *format;
  char *text;                     /* the number as it was given, of which the pattern is the nearest */
  gboolean has_pattern;           /* whether the format can express it */
  HrModel *model;
  HrUnitSystem unit_system;

  GtkDropDown *choice;
  HeadroomNumberBits *bits;
  GtkLabel *value;
  GtkLabel *kind;
  GtkLabel *calculation;
  GtkLabel *exact;
  GtkLabel *pattern;
  GtkLabel *rounding;
  GtkGrid *facts;
  GtkGrid *steps;
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomNumberCard, headroom_number_card, ADW_TYPE_BIN)

static guint signals[N_SIGNALS];

static void
show_if_any (GtkLabel   *label,
             const char *text)
{
  gtk_label_set_label (label, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (label), text != NULL);
}

/* Takes @facts. Returns the next row. */
static int
fill_grid (GtkGrid   *grid,
           GPtrArray *facts)
{
  GtkWidget *child;
  int row = 0;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (grid))) != NULL)
    gtk_grid_remove (grid, child);

  for (guint i = 0; i < facts->len; i++)
    {
      const HrNumberFact *fact = g_ptr_array_index (facts, i);

      headroom_facts_attach (grid, row, fact->label, fact->text, "numeric");
      row++;
    }
  g_ptr_array_unref (facts);

  return row;
}

static void
headroom_number_card_show_facts (HeadroomNumberCard *self)
{
  int row = fill_grid (self->facts, hr_number_format_list_facts (self->format));

  if (self->model != NULL)
    {
      guint64 bytes = hr_number_format_get_bytes (self->format, hr_model_get_n_parameters (self->model));
      g_autofree char *size = hr_format_bytes (bytes, self->unit_system);

      headroom_facts_attach (self->facts, row, _("Weights of this model"), size, "numeric");
    }

  fill_grid (self->steps, hr_number_format_list_steps (self->format));
}

/* How far the number that was given is from the one that stands there. */
static char *
headroom_number_card_dup_rounding (HeadroomNumberCard *self,
                                   double              value)
{
  double given = g_ascii_strtod (self->text, NULL);
  double difference = value - given;
  char absolute[G_ASCII_DTOSTR_BUF_SIZE], relative[G_ASCII_DTOSTR_BUF_SIZE];

  if (!isfinite (given) || !isfinite (value) || difference == 0)
    return NULL;

  g_ascii_formatd (absolute, sizeof absolute, "%+.3g", difference);
  if (given == 0)
    return g_strdup_printf (_("Rounded by %s"), absolute);

  g_ascii_formatd (relative, sizeof relative, "%+.2g", difference / fabs (given) * 100);

  /* Translators: a difference, such as −2.4e-05, and the same in percent. */
  return g_strdup_printf (_("Rounded by %1$s (%2$s %%)"), absolute, relative);
}

static void
headroom_number_card_show_number (HeadroomNumberCard *self)
{
  guint64 pattern = headroom_number_bits_get_pattern (self->bits);
  double value = hr_number_format_decode (self->format, pattern);
  g_autofree char *decimal = hr_number_format_dup_decimal (self->format, pattern);
  g_autofree char *exact = hr_number_format_dup_exact (value);
  g_autofree char *calculation = hr_number_format_dup_calculation (self->format, pattern);
  g_autofree char *rounding = headroom_number_card_dup_rounding (self, value);
  int n_nibbles = (hr_number_format_get_n_bits (self->format) + 3) / 4;
  g_autofree char *hexadecimal = g_strdup_printf ("0x%0*" G_GINT64_MODIFIER "X", n_nibbles, pattern);

  gtk_label_set_label (self->value, decimal);
  gtk_label_set_label (self->kind, hr_number_class_get_label (hr_number_format_classify (self->format, pattern)));
  gtk_label_set_label (self->pattern, hexadecimal);
  gtk_label_set_label (self->exact, exact);
  gtk_widget_set_visible (GTK_WIDGET (self->exact), !g_str_equal (exact, decimal));
  show_if_any (self->calculation, calculation);
  show_if_any (self->rounding, rounding);
}

static void
headroom_number_card_show_nothing (HeadroomNumberCard *self)
{
  headroom_number_bits_set_pattern (self->bits, 0);
  gtk_label_set_label (self->value, "—");
  gtk_label_set_label (self->kind, _("This format has no pattern for what is not a number."));
  gtk_label_set_label (self->pattern, "");
  gtk_widget_set_visible (GTK_WIDGET (self->exact), FALSE);
  show_if_any (self->calculation, NULL);
  show_if_any (self->rounding, NULL);
}

static void
headroom_number_card_update (HeadroomNumberCard *self)
{
  guint64 pattern;

  self->has_pattern = hr_number_format_parse (self->format, self->text, &pattern);
  if (!self->has_pattern)
    {
      headroom_number_card_show_nothing (self);
      return;
    }

  headroom_number_bits_set_pattern (self->bits, pattern);
  headroom_number_card_show_number (self);
}

/* The pattern is the user's: the number is what it stands for. */
static void
headroom_number_card_bits_cb (HeadroomNumberCard *self)
{
  double value = hr_number_format_decode (self->format, headroom_number_bits_get_pattern (self->bits));

  g_free (self->text);
  self->text = hr_number_format_dup_exact (value);
  self->has_pattern = TRUE;
  headroom_number_card_show_number (self);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
headroom_number_card_choice_cb (HeadroomNumberCard *self)
{
  guint selected = gtk_drop_down_get_selected (self->choice);

  if (selected < hr_get_n_number_formats ())
    headroom_number_card_set_format (self, hr_number_format_get (selected));
}

static void
headroom_number_card_go_to_action (GtkWidget  *widget,
                                   const char *action_name,
                                   GVariant   *parameter)
{
  HeadroomNumberCard *self = HEADROOM_NUMBER_CARD (widget);
  const char *name = g_variant_get_string (parameter, NULL);
  guint64 pattern = 0;

  if (g_str_equal (name, "largest"))
    pattern = hr_number_format_get_largest (self->format);
  else if (g_str_equal (name, "smallest-normal"))
    pattern = hr_number_format_get_smallest_normal (self->format);
  else if (g_str_equal (name, "one"))
    hr_number_format_encode (self->format, 1, &pattern);
  else if (!hr_number_format_get_smallest_subnormal (self->format, &pattern))
    pattern = hr_number_format_get_smallest_normal (self->format);

  headroom_number_bits_set_pattern (self->bits, pattern);
  headroom_number_card_bits_cb (self);
}

static void
headroom_number_card_finalize (GObject *object)
{
  HeadroomNumberCard *self = HEADROOM_NUMBER_CARD (object);

  g_clear_object (&self->model);
  g_clear_pointer (&self->text, g_free);

  G_OBJECT_CLASS (headroom_number_card_parent_class)->finalize (object);
}

static void
headroom_number_card_class_init (HeadroomNumberCardClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = headroom_number_card_finalize;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                          g_cclosure_marshal_VOID__VOID, G_TYPE_NONE, 0);

  g_type_ensure (HEADROOM_TYPE_NUMBER_BITS);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-number-card.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomNumberCard, choice);
  gtk_widget_class_bind_template_child (widget_class, HeadroomNumberCard, bits);
  gtk_widget_class_bind_template_child (widget_class, HeadroomNumberCard, value);
  gtk_widget_class_bind_template_child (widget_class, HeadroomNumberCard, kind);
  gtk_widget_class_bind_template_child (widget_class, HeadroomNumberCard, calculation);
  gtk_widget_class_bind_template_child (widget_class, HeadroomNumberCard, exact);
  gtk_widget_class_bind_template_child (widget_class, HeadroomNumberCard, pattern);
  gtk_widget_class_bind_template_child (widget_class, HeadroomNumberCard, rounding);
  gtk_widget_class_bind_template_child (widget_class, HeadroomNumberCard, facts);
  gtk_widget_class_bind_template_child (widget_class, HeadroomNumberCard, steps);
  gtk_widget_class_bind_template_callback (widget_class, headroom_number_card_bits_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_number_card_choice_cb);
  gtk_widget_class_install_action (widget_class, "number.go-to", "s", headroom_number_card_go_to_action);
}

static void
headroom_number_card_init (HeadroomNumberCard *self)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  for (guint i = 0; i < hr_get_n_number_formats (); i++)
    gtk_string_list_append (names, hr_number_format_get (i)->name);

  self->text = g_strdup ("0");
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_drop_down_set_model (self->choice, G_LIST_MODEL (names));
  headroom_drop_down_set_title (self->choice, _("Format"));
  headroom_number_card_set_format (self, hr_number_format_get (0));
}

GtkWidget *
headroom_number_card_new (void)
{
  return g_object_new (HEADROOM_TYPE_NUMBER_CARD, NULL);
}

/*
 * Shows the number in another format.
 */
void
headroom_number_card_set_format (HeadroomNumberCard   *self,
                                 const HrNumberFormat *format)
{
  g_return_if_fail (HEADROOM_IS_NUMBER_CARD (self));
  g_return_if_fail (format != NULL);

  if (self->format == format)
    return;

  self->format = format;
  for (guint i = 0; i < hr_get_n_number_formats (); i++)
    {
      if (hr_number_format_get (i) == format)
        gtk_drop_down_set_selected (self->choice, i);
    }
  headroom_number_bits_set_format (self->bits, format);
  headroom_number_card_show_facts (self);
  headroom_number_card_update (self);
}

const HrNumberFormat *
headroom_number_card_get_format (HeadroomNumberCard *self)
{
  g_return_val_if_fail (HEADROOM_IS_NUMBER_CARD (self), NULL);

  return self->format;
}

/*
 * Shows the number that @text, which has to be one, is rounded to.
 */
void
headroom_number_card_set_text (HeadroomNumberCard *self,
                               const char         *text)
{
  g_return_if_fail (HEADROOM_IS_NUMBER_CARD (self));
  g_return_if_fail (text != NULL);

  g_free (self->text);
  self->text = g_strdup (text);
  headroom_number_card_update (self);
}

/*
 * Gets the number that is shown, with all of its digits; NULL if the format cannot express what was given.
 */
char *
headroom_number_card_dup_text (HeadroomNumberCard *self)
{
  g_return_val_if_fail (HEADROOM_IS_NUMBER_CARD (self), NULL);

  if (!self->has_pattern)
    return NULL;

  return hr_number_format_dup_exact (hr_number_format_decode (self->format,
                                                              headroom_number_bits_get_pattern (self->bits)));
}

/*
 * Tells what the weights of @model, which may be NULL, take in the format.
 */
void
headroom_number_card_set_model (HeadroomNumberCard *self,
                                HrModel            *model,
                                HrUnitSystem        unit_system)
{
  g_return_if_fail (HEADROOM_IS_NUMBER_CARD (self));
  g_return_if_fail (model == NULL || HR_IS_MODEL (model));

  g_set_object (&self->model, model);
  self->unit_system = unit_system;
  headroom_number_card_show_facts (self);
}
