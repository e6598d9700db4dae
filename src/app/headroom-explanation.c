/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-explanation.h"

#include <glib/gi18n.h>

#include "headroom-chart-scheme.h"
#include "headroom-swatch.h"
#include "hr-labels.h"

/*
 * HeadroomExplanation:
 *
 * Where a component of an estimate comes from: in words, as a formula, with the numbers of the model, and by whom.
 * All texts can be selected and copied.
 */
struct _HeadroomExplanation
{
  AdwBin parent_instance;

  HeadroomSwatch *swatch;
  GtkLabel *title;
  GtkLabel *description;
  GtkWidget *formula_box;
  GtkLabel *formula;
  GtkWidget *substitution_box;
  GtkLabel *substitution;
  GtkLabel *result;
  GtkWidget *source_box;
  GtkLabel *source;
};

G_DEFINE_FINAL_TYPE (HeadroomExplanation, headroom_explanation, ADW_TYPE_BIN)

static void
headroom_explanation_class_init (HeadroomExplanationClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  g_type_ensure (HEADROOM_TYPE_SWATCH);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-explanation.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, swatch);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, title);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, description);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, formula_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, formula);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, substitution_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, substitution);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, result);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, source_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, source);
}

static void
headroom_explanation_init (HeadroomExplanation *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
headroom_explanation_new (void)
{
  return g_object_new (HEADROOM_TYPE_EXPLANATION, NULL);
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
show_source (HeadroomExplanation *self,
             const char          *source)
{
  gboolean is_address = source != NULL && strchr (source, ' ') == NULL &&
                        (g_str_has_prefix (source, "https://") || g_str_has_prefix (source, "http://"));
  g_autofree char *markup = NULL;

  gtk_label_set_use_markup (self->source, is_address);
  if (is_address)
    markup = g_markup_printf_escaped ("<a href=\"%s\">%s</a>", source, source);

  show_if_any (self->source_box, self->source, markup != NULL ? markup : source);
}

static char *
describe_size (guint64 bytes)
{
  g_autofree char *exact = hr_format_integer (bytes);
  g_autofree char *binary = hr_format_bytes (bytes, HR_UNIT_SYSTEM_BINARY);
  g_autofree char *decimal = hr_format_bytes (bytes, HR_UNIT_SYSTEM_DECIMAL);

  /* Translators: a size in three ways: 1 the number of bytes, 2 in GiB or MiB, 3 in GB or MB */
  return g_strdup_printf (_("%1$s bytes = %2$s = %3$s"), exact, binary, decimal);
}

/*
 * headroom_explanation_show:
 * @self: an explanation
 * @component: (nullable): what to explain; nothing hides the explanation
 * @unit_system: the units of the user
 */
void
headroom_explanation_show (HeadroomExplanation *self,
                           HrComponent         *component,
                           HrUnitSystem         unit_system)
{
  HrComponentId id;
  g_autofree char *size = NULL;
  g_autofree char *title = NULL;
  g_autofree char *result = NULL;

  g_return_if_fail (HEADROOM_IS_EXPLANATION (self));

  gtk_widget_set_visible (GTK_WIDGET (self), component != NULL);
  if (component == NULL)
    return;

  id = hr_component_get_id (component);
  size = hr_format_bytes (hr_component_get_bytes (component), unit_system);
  /* Translators: the heading of an explanation: 1 the name of a component, 2 its size */
  title = g_strdup_printf (_("%1$s: %2$s"), hr_component_id_get_label (id), size);
  result = describe_size (hr_component_get_bytes (component));

  headroom_swatch_set (self->swatch, hr_palette_get_color (id, headroom_get_palette_scheme ()), id);
  gtk_label_set_label (self->title, title);
  gtk_label_set_label (self->description, hr_component_id_get_description (id));
  show_if_any (self->formula_box, self->formula, hr_text_translate (hr_component_get_formula (component)));
  show_if_any (self->substitution_box, self->substitution,
               hr_text_translate (hr_component_get_substitution (component)));
  gtk_label_set_label (self->result, result);
  show_source (self, hr_text_translate (hr_component_get_source (component)));
}
