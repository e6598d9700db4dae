/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-explanation.h"

#include <glib/gi18n.h>

#include "headroom-chart-scheme.h"
#include "headroom-derivation.h"
#include "headroom-swatch.h"
#include "hr-labels.h"

/*
 * HeadroomExplanation:
 *
 * Where a component of an estimate comes from: in words, and how its figure comes about, exactly and by the rule of
 * thumb.
 */
struct _HeadroomExplanation
{
  AdwBin parent_instance;

  HeadroomSwatch *swatch;
  GtkLabel *title;
  GtkWidget *help;
  GtkLabel *description;
  HeadroomDerivation *exact;
  GtkWidget *rule_box;
  GtkLabel *rule_title;
  HeadroomDerivation *rule;
};

G_DEFINE_FINAL_TYPE (HeadroomExplanation, headroom_explanation, ADW_TYPE_BIN)

static void
headroom_explanation_class_init (HeadroomExplanationClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  g_type_ensure (HEADROOM_TYPE_DERIVATION);
  g_type_ensure (HEADROOM_TYPE_SWATCH);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-explanation.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, swatch);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, title);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, help);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, description);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, exact);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, rule_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, rule_title);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, rule);
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

/* What the rule of thumb says of the same part, below. */
static void
show_rule (HeadroomExplanation *self,
           HrComponent         *component,
           HrComponent         *rule,
           HrUnitSystem         unit_system)
{
  g_autofree char *size = NULL;
  g_autofree char *difference = NULL;
  g_autofree char *title = NULL;

  gtk_widget_set_visible (self->rule_box, rule != NULL);
  if (rule == NULL)
    return;

  size = hr_format_bytes (hr_component_get_bytes (rule), unit_system);
  difference = hr_format_bytes_difference ((gint64) (hr_component_get_bytes (rule) -
                                                     hr_component_get_bytes (component)), unit_system);
  /* Translators: the heading of what the rule of thumb says: 1 a size, 2 how far that is from the exact one */
  title = g_strdup_printf (_("By the rule of thumb: %1$s (%2$s)"), size, difference);
  gtk_label_set_label (self->rule_title, title);
  headroom_derivation_show (self->rule, rule);
}

/*
 * headroom_explanation_show:
 * @self: an explanation
 * @component: (nullable): what to explain; nothing hides the explanation
 * @rule: (nullable): the same part by the rule of thumb
 * @unit_system: the units of the user
 */
void
headroom_explanation_show (HeadroomExplanation *self,
                           HrComponent         *component,
                           HrComponent         *rule,
                           HrUnitSystem         unit_system)
{
  HrComponentId id;
  g_autofree char *size = NULL;
  g_autofree char *title = NULL;
  g_autofree char *topic = NULL;

  g_return_if_fail (HEADROOM_IS_EXPLANATION (self));

  gtk_widget_set_visible (GTK_WIDGET (self), component != NULL);
  if (component == NULL)
    return;

  id = hr_component_get_id (component);
  size = hr_format_bytes (hr_component_get_bytes (component), unit_system);
  /* Translators: the heading of an explanation: 1 the name of a component, 2 its size */
  title = g_strdup_printf (_("%1$s: %2$s"), hr_component_id_get_label (id), size);

  headroom_swatch_set (self->swatch, hr_palette_get_color (id, headroom_get_palette_scheme ()), id);
  gtk_label_set_label (self->title, title);
  topic = g_strdup_printf ("component:%s", hr_component_id_get_name (id));
  gtk_actionable_set_action_target (GTK_ACTIONABLE (self->help), "s", topic);
  gtk_label_set_label (self->description, hr_component_id_get_description (id));
  headroom_derivation_show (self->exact, component);
  show_rule (self, component, rule, unit_system);
}
