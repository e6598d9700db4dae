/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-explanation.h"

#include <glib/gi18n.h>

#include "headroom-anatomy-row.h"
#include "headroom-chart-scheme.h"
#include "headroom-derivation.h"
#include "headroom-swatch.h"
#include "hr-labels.h"
#include "hr-report-steps.h"

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
  GtkLabel *growth;
  GtkWidget *rule_box;
  GtkLabel *rule_title;
  HeadroomDerivation *rule;
  GtkExpander *steps;
  GtkExpander *stages;

  HrReport *report;
  HrComponentId id;
};

G_DEFINE_FINAL_TYPE (HeadroomExplanation, headroom_explanation, ADW_TYPE_BIN)

static GtkWidget *
create_paragraph (const char *text)
{
  return g_object_new (GTK_TYPE_LABEL, "label", text, "xalign", 0.0, "wrap", TRUE, "wrap-mode", PANGO_WRAP_WORD_CHAR,
                       "selectable", TRUE, NULL);
}

/* The lines of a table, each with its formula, the numbers and what they come to. */
static GtkWidget *
headroom_explanation_create_steps (HeadroomExplanation *self,
                                   HrAnatomyTable      *table)
{
  g_autofree char *note = hr_report_dup_steps_note (self->report, self->id);
  GtkWidget *box = headroom_anatomy_rows_new (table, hr_report_get_unit_system (self->report));

  if (note != NULL)
    gtk_box_append (GTK_BOX (box), create_paragraph (note));

  return box;
}

/* Made only when somebody wants to see them, as a model may have many. */
static void
headroom_explanation_show_steps (HeadroomExplanation *self)
{
  HrAnatomyTable *table = NULL;

  if (self->report != NULL)
    table = hr_report_get_steps (self->report, self->id);

  gtk_widget_set_visible (GTK_WIDGET (self->steps), table != NULL);
  gtk_expander_set_child (self->steps, table != NULL && gtk_expander_get_expanded (self->steps)
                                         ? headroom_explanation_create_steps (self, table)
                                         : NULL);
}

static void
headroom_explanation_expanded_cb (HeadroomExplanation *self)
{
  headroom_explanation_show_steps (self);
}

/* Whether stages of ZeRO divide what is explained. */
static gboolean
is_divided (HrComponentId id)
{
  return id == HR_COMPONENT_WEIGHTS || id == HR_COMPONENT_GRADIENTS || id == HR_COMPONENT_OPTIMIZER ||
         id == HR_COMPONENT_MASTER_WEIGHTS;
}

static GtkWidget *
headroom_explanation_create_stages (HeadroomExplanation *self)
{
  g_autoptr (HrAnatomyTable) table = hr_report_create_zero (self->report);
  GtkWidget *box = headroom_anatomy_rows_new (table, hr_report_get_unit_system (self->report));

  gtk_box_prepend (GTK_BOX (box), create_paragraph (table->description));

  return box;
}

/* Worked out when somebody opens it: other estimates. */
static void
headroom_explanation_show_stages (HeadroomExplanation *self)
{
  gboolean has_stages = self->report != NULL && is_divided (self->id) && hr_report_has_zero (self->report);

  gtk_widget_set_visible (GTK_WIDGET (self->stages), has_stages);
  gtk_expander_set_child (self->stages, has_stages && gtk_expander_get_expanded (self->stages)
                                          ? headroom_explanation_create_stages (self)
                                          : NULL);
}

static void
headroom_explanation_stages_expanded_cb (HeadroomExplanation *self)
{
  headroom_explanation_show_stages (self);
}

static void
headroom_explanation_dispose (GObject *object)
{
  g_clear_object (&HEADROOM_EXPLANATION (object)->report);

  G_OBJECT_CLASS (headroom_explanation_parent_class)->dispose (object);
}

static void
headroom_explanation_class_init (HeadroomExplanationClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = headroom_explanation_dispose;

  g_type_ensure (HEADROOM_TYPE_DERIVATION);
  g_type_ensure (HEADROOM_TYPE_SWATCH);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-explanation.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, swatch);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, title);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, help);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, description);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, exact);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, growth);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, rule_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, rule_title);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, rule);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, steps);
  gtk_widget_class_bind_template_child (widget_class, HeadroomExplanation, stages);
  gtk_widget_class_bind_template_callback (widget_class, headroom_explanation_expanded_cb);
  gtk_widget_class_bind_template_callback (widget_class, headroom_explanation_stages_expanded_cb);
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
show_growth (HeadroomExplanation *self,
             HrReport            *report,
             HrComponentId        id)
{
  g_autofree char *text = hr_report_dup_growth (report, id);

  gtk_label_set_label (self->growth, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (self->growth), text != NULL);
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
 * @report: (nullable): what @component is of
 * @component: (nullable): what to explain; nothing hides the explanation
 * @rule: (nullable): the same part by the rule of thumb
 */
void
headroom_explanation_show (HeadroomExplanation *self,
                           HrReport            *report,
                           HrComponent         *component,
                           HrComponent         *rule)
{
  HrUnitSystem unit_system;
  HrComponentId id;
  g_autofree char *size = NULL;
  g_autofree char *title = NULL;
  g_autofree char *topic = NULL;

  g_return_if_fail (HEADROOM_IS_EXPLANATION (self));

  gtk_widget_set_visible (GTK_WIDGET (self), component != NULL && report != NULL);
  if (component == NULL || report == NULL)
    return;

  unit_system = hr_report_get_unit_system (report);
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
  show_growth (self, report, id);
  show_rule (self, component, rule, unit_system);

  g_set_object (&self->report, report);
  self->id = id;
  headroom_explanation_show_steps (self);
  headroom_explanation_show_stages (self);
}
