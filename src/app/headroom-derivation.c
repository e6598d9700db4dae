/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-derivation.h"

#include "hr-article-reason.h"
#include "hr-formula-symbols.h"
#include "hr-formula-text.h"
#include "hr-labels.h"
#include "hr-units.h"

/*
 * HeadroomDerivation:
 *
 * How a figure comes about: a formula, the same in numbers, the result, whose it is, and what it gets wrong. All texts
 * can be selected and copied.
 */
struct _HeadroomDerivation
{
  AdwBin parent_instance;

  GtkWidget *formula_box;
  GtkLabel *formula;
  GtkWidget *symbols_box;
  GtkLabel *symbols;
  GtkWidget *substitution_box;
  GtkLabel *substitution;
  GtkLabel *result;
  GtkWidget *source_box;
  GtkLabel *source;
  GtkWidget *faults_box;
  GtkLabel *faults;
};

G_DEFINE_FINAL_TYPE (HeadroomDerivation, headroom_derivation, ADW_TYPE_BIN)

static void
headroom_derivation_class_init (HeadroomDerivationClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-derivation.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, formula_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, formula);
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, symbols_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, symbols);
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, substitution_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, substitution);
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, result);
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, source_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, source);
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, faults_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomDerivation, faults);
}

static void
headroom_derivation_init (HeadroomDerivation *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

static void
show_if_any (GtkWidget  *box,
             GtkLabel   *label,
             const char *text)
{
  gtk_widget_set_visible (box, text != NULL && *text != '\0');
  gtk_label_set_label (label, text != NULL ? text : "");
}

/* A source that is an address can be opened; anything else is shown as it is. */
static void
show_source (HeadroomDerivation *self,
             const char         *source)
{
  gboolean is_address = source != NULL && strchr (source, ' ') == NULL &&
                        (g_str_has_prefix (source, "https://") || g_str_has_prefix (source, "http://"));
  g_autofree char *markup = NULL;

  gtk_label_set_use_markup (self->source, is_address);
  if (is_address)
    markup = g_markup_printf_escaped ("<a href=\"%s\">%s</a>", source, source);

  show_if_any (self->source_box, self->source, markup != NULL ? markup : source);
}

static void
show_formula (GtkWidget  *box,
              GtkLabel   *label,
              const char *formula)
{
  g_autofree char *markup = formula != NULL ? hr_formula_to_markup (formula) : NULL;

  show_if_any (box, label, markup);
}

/* What the symbols of a formula stand for, each in a line of its own. */
static char *
describe_symbols (const char *formula)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < hr_formula_get_n_symbols (); i++)
    {
      g_autofree char *line = NULL;

      if (!hr_formula_has_symbol (formula, i))
        continue;

      line = hr_formula_describe_symbol (hr_formula_get_symbol (i), hr_formula_get_symbol_description (i));
      if (text->len > 0)
        g_string_append_c (text, '\n');
      g_string_append (text, line);
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/*
 * headroom_derivation_show:
 * @self: a derivation
 * @component: what to show
 */
void
headroom_derivation_show (HeadroomDerivation *self,
                          HrComponent        *component)
{
  g_autofree char *result = NULL;
  g_autofree char *faults = NULL;
  g_autofree char *symbols = NULL;

  g_return_if_fail (HEADROOM_IS_DERIVATION (self));
  g_return_if_fail (HR_IS_COMPONENT (component));

  result = hr_format_bytes_in_full (hr_component_get_bytes (component));
  faults = hr_component_dup_faults (component);

  show_formula (self->formula_box, self->formula, hr_text_translate (hr_component_get_formula (component)));
  symbols = describe_symbols (hr_component_get_formula (component));
  show_if_any (self->symbols_box, self->symbols, symbols);
  show_formula (self->substitution_box, self->substitution,
                hr_text_translate (hr_component_get_substitution (component)));
  gtk_label_set_label (self->result, result);
  show_source (self, hr_text_translate (hr_component_get_source (component)));
  show_if_any (self->faults_box, self->faults, faults);
}
