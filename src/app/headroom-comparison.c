/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-comparison.h"

#include <glib/gi18n.h>

#include "headroom-columns.h"
#include "hr-formula-text.h"
#include "hr-labels.h"

/* Below twice that, names go above their figures. */
#define COLUMN_WIDTH 240

/*
 * HeadroomComparison:
 *
 * The exact figures beside those of the rule of thumb, and what makes the difference.
 */
struct _HeadroomComparison
{
  AdwBin parent_instance;

  GtkLabel *sentence;
  GtkBox *rows;
  GtkWidget *formulas_box;
  GtkLabel *formulas;
};

G_DEFINE_FINAL_TYPE (HeadroomComparison, headroom_comparison, ADW_TYPE_BIN)

/* What one estimate has for each component; a component that it knows nothing of is not there, which is not zero. */
typedef struct
{
  guint64 bytes[HR_N_COMPONENTS];
  gboolean is_there[HR_N_COMPONENTS];
} Figures;

static void
collect_figures (HrEstimate *estimate,
                 Figures    *figures)
{
  GListModel *components = hr_estimate_get_components (estimate);

  *figures = (Figures) { { 0 } };
  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr(HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);

      figures->bytes[id] += hr_component_get_bytes (component);
      figures->is_there[id] = TRUE;
    }
}

static void
headroom_comparison_class_init (HeadroomComparisonClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-comparison.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomComparison, sentence);
  gtk_widget_class_bind_template_child (widget_class, HeadroomComparison, rows);
  gtk_widget_class_bind_template_child (widget_class, HeadroomComparison, formulas_box);
  gtk_widget_class_bind_template_child (widget_class, HeadroomComparison, formulas);
}

static void
headroom_comparison_init (HeadroomComparison *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
headroom_comparison_new (void)
{
  return g_object_new (HEADROOM_TYPE_COMPARISON, NULL);
}

static void
headroom_comparison_add_texts (HeadroomComparison *self,
                               const char         *label,
                               const char         *exact,
                               const char         *rule,
                               const char         *difference,
                               const char         *css_class)
{
  const char *figures[] = { exact, rule, difference };
  GtkWidget *row = headroom_columns_new_row (label, figures, G_N_ELEMENTS (figures), 6, css_class);

  g_object_set (row, "column-width", COLUMN_WIDTH, NULL);
  gtk_box_append (self->rows, row);
}

static void
headroom_comparison_add_row (HeadroomComparison *self,
                             const char         *label,
                             const guint64      *exact,
                             const guint64      *rule,
                             HrUnitSystem        unit_system,
                             const char         *css_class)
{
  /* Translators: stands where a method has no figure */
  const char *nothing = C_("no figure", "—");
  g_autofree char *exact_text = exact != NULL ? hr_format_bytes (*exact, unit_system) : g_strdup (nothing);
  g_autofree char *rule_text = rule != NULL ? hr_format_bytes (*rule, unit_system) : g_strdup (nothing);
  gint64 difference = (gint64) (rule != NULL ? *rule : 0) - (gint64) (exact != NULL ? *exact : 0);
  g_autofree char *difference_text = hr_format_bytes_difference (difference, unit_system);

  headroom_comparison_add_texts (self, label, exact_text, rule_text, difference_text, css_class);
}

static void
headroom_comparison_clear (HeadroomComparison *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->rows))) != NULL)
    gtk_box_remove (self->rows, child);
}

static void
headroom_comparison_fill (HeadroomComparison *self,
                          const Figures      *exact,
                          const Figures      *rule,
                          guint64             exact_total,
                          guint64             rule_total,
                          HrUnitSystem        unit_system)
{
  headroom_comparison_clear (self);
  headroom_comparison_add_texts (self, _("Component"), _("Exact"), _("Rule of thumb"), _("Difference"), "dim-label");

  for (guint id = 0; id < HR_N_COMPONENTS; id++)
    if (exact->is_there[id] || rule->is_there[id])
      headroom_comparison_add_row (self, hr_component_id_get_label (id),
                                   exact->is_there[id] ? &exact->bytes[id] : NULL,
                                   rule->is_there[id] ? &rule->bytes[id] : NULL,
                                   unit_system, NULL);

  headroom_comparison_add_row (self, _("Total"), &exact_total, &rule_total, unit_system, "heading");
}

static gint64
get_difference (const Figures *exact,
                const Figures *rule,
                guint          id)
{
  return (gint64) rule->bytes[id] - (gint64) exact->bytes[id];
}

/* The component that makes most of a difference of this direction, or HR_N_COMPONENTS. */
static guint
find_largest_difference (const Figures *exact,
                         const Figures *rule,
                         gboolean       is_higher)
{
  guint largest = HR_N_COMPONENTS;
  gint64 most = 0;

  for (guint id = 0; id < HR_N_COMPONENTS; id++)
    {
      gint64 difference = get_difference (exact, rule, id) * (is_higher ? 1 : -1);

      if (difference > most)
        {
          most = difference;
          largest = id;
        }
    }

  return largest;
}

static char *
describe_left_out (const Figures *exact,
                   const Figures *rule)
{
  g_autoptr(GPtrArray) labels = g_ptr_array_new ();
  g_autofree char *list = NULL;

  for (guint id = 0; id < HR_N_COMPONENTS; id++)
    if (exact->bytes[id] > 0 && !rule->is_there[id])
      g_ptr_array_add (labels, (char *) hr_component_id_get_label (id));

  if (labels->len == 0)
    return NULL;

  g_ptr_array_add (labels, NULL);
  /* Translators: between the names in a list such as "Activations, Logits, CUDA context" */
  list = g_strjoinv (C_("between names in a list", ", "), (char **) labels->pdata);

  /* Translators: %s is a list of components, such as "Activations, Logits" */
  return g_strdup_printf (_("It has no figure of its own for: %s."), list);
}

static char *
describe_difference (const Figures *exact,
                     const Figures *rule,
                     guint64        exact_total,
                     guint64        rule_total,
                     HrUnitSystem   unit_system)
{
  gboolean is_higher = rule_total > exact_total;
  guint64 size = is_higher ? rule_total - exact_total : exact_total - rule_total;
  guint largest = find_largest_difference (exact, rule, is_higher);
  g_autofree char *size_text = hr_format_bytes (size, unit_system);
  g_autofree char *most_text = NULL;

  if (size == 0)
    return g_strdup (_("Both ways come to the same figure."));

  /* Parts that differ in this direction add up to more than nothing, so there is a largest one. */
  g_assert (largest < HR_N_COMPONENTS);
  most_text = hr_format_bytes_difference (get_difference (exact, rule, largest), unit_system);

  return is_higher
    /* Translators: 1 and 3 are sizes, 2 is the name of a component */
    ? g_strdup_printf (_("The rule of thumb comes out %1$s too high, most of all in: %2$s (%3$s)."),
                       size_text, hr_component_id_get_label (largest), most_text)
    /* Translators: 1 and 3 are sizes, 2 is the name of a component */
    : g_strdup_printf (_("The rule of thumb comes out %1$s too low, most of all in: %2$s (%3$s)."),
                       size_text, hr_component_id_get_label (largest), most_text);
}

/* What is said of the rule itself, such as when it holds. */
static char *
append_notes (char       *sentence,
              HrEstimate *rule_of_thumb)
{
  GString *text = g_string_new (sentence);

  for (const char * const *notes = hr_estimate_get_warnings (rule_of_thumb); *notes != NULL; notes++)
    g_string_append_printf (text, "\n%s", *notes);
  g_free (sentence);

  return g_string_free (text, FALSE);
}

/* Returns markup, for symbols have indices. */
static char *
describe_formulas (HrEstimate *rule_of_thumb)
{
  GListModel *components = hr_estimate_get_components (rule_of_thumb);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr(HrComponent) component = g_list_model_get_item (components, i);
      const char *name = hr_component_id_get_label (hr_component_get_id (component));
      g_autofree char *label = g_markup_escape_text (name, -1);
      g_autofree char *formula = hr_formula_to_markup (hr_text_translate (hr_component_get_formula (component)));
      g_autofree char *substitution =
        hr_formula_to_markup (hr_text_translate (hr_component_get_substitution (component)));

      if (text->len > 0)
        g_string_append_c (text, '\n');

      /* Translators: how the rule of thumb comes to a figure: 1 the name of a component, 2 a formula */
      g_string_append_printf (text, _("%1$s: %2$s"), label, formula);
      if (*substitution != '\0')
        g_string_append_printf (text, " = %s", substitution);
    }

  return g_string_free (text, FALSE);
}

/*
 * headroom_comparison_show:
 * @self: a comparison
 * @estimate: (nullable): an exact estimate; one without a rule of thumb beside it hides the comparison
 * @unit_system: the units of the user
 */
void
headroom_comparison_show (HeadroomComparison *self,
                          HrEstimate         *estimate,
                          HrUnitSystem        unit_system)
{
  HrEstimate *rule_of_thumb = estimate != NULL ? hr_estimate_get_rule_of_thumb (estimate) : NULL;
  g_autofree char *difference = NULL;
  g_autofree char *left_out = NULL;
  g_autofree char *sentence = NULL;
  g_autofree char *formulas = NULL;
  guint64 exact_total, rule_total;
  Figures exact, rule;

  g_return_if_fail (HEADROOM_IS_COMPARISON (self));

  gtk_widget_set_visible (GTK_WIDGET (self), rule_of_thumb != NULL);
  if (rule_of_thumb == NULL)
    return;

  exact_total = hr_estimate_get_total_bytes (estimate);
  rule_total = hr_estimate_get_total_bytes (rule_of_thumb);
  collect_figures (estimate, &exact);
  collect_figures (rule_of_thumb, &rule);

  headroom_comparison_fill (self, &exact, &rule, exact_total, rule_total, unit_system);

  difference = describe_difference (&exact, &rule, exact_total, rule_total, unit_system);
  left_out = describe_left_out (&exact, &rule);
  /* Translators: two sentences, one after the other */
  sentence = left_out != NULL ? g_strdup_printf (C_("sentences", "%1$s %2$s"), difference, left_out)
                              : g_steal_pointer (&difference);
  sentence = append_notes (g_steal_pointer (&sentence), rule_of_thumb);
  gtk_label_set_label (self->sentence, sentence);

  formulas = describe_formulas (rule_of_thumb);
  gtk_widget_set_visible (self->formulas_box, *formulas != '\0');
  gtk_label_set_markup (self->formulas, formulas);
}
