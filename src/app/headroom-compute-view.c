/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-compute-view.h"

#include <glib/gi18n.h>

#include "headroom-anatomy-row.h"
#include "headroom-columns.h"
#include "hr-compute-text.h"
#include "hr-formula-text.h"
#include "hr-labels.h"
#include "hr-published-speeds.h"
#include "hr-report-steps.h"
#include "hr-units.h"

/*
 * HeadroomComputeView:
 *
 * What a job computes in each phase, part by part, how long that takes on the GPU and what limits it; beside it the
 * formulas that people know. How the figures come about is written down when somebody opens it.
 */
struct _HeadroomComputeView
{
  AdwBin parent_instance;

  GtkBox *box;
  HrReport *report;
};

G_DEFINE_FINAL_TYPE (HeadroomComputeView, headroom_compute_view, ADW_TYPE_BIN)

static void
headroom_compute_view_dispose (GObject *object)
{
  g_clear_object (&HEADROOM_COMPUTE_VIEW (object)->report);

  G_OBJECT_CLASS (headroom_compute_view_parent_class)->dispose (object);
}

static void
headroom_compute_view_class_init (HeadroomComputeViewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_compute_view_dispose;
}

static void
headroom_compute_view_init (HeadroomComputeView *self)
{
  self->box = GTK_BOX (gtk_box_new (GTK_ORIENTATION_VERTICAL, 12));
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->box));
}

GtkWidget *
headroom_compute_view_new (void)
{
  return g_object_new (HEADROOM_TYPE_COMPUTE_VIEW, NULL);
}

static GtkWidget *
create_label (const char *text,
              double      xalign,
              const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), xalign);
  gtk_label_set_wrap (GTK_LABEL (label), xalign == 0);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_widget_set_hexpand (label, xalign == 0);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);

  return label;
}

/* A caption and what it is about; a formula can be selected. */
static void
append_fact (GtkBox     *box,
             const char *name,
             const char *value,
             gboolean    is_formula)
{
  GtkWidget *fact = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *caption = create_label (name, 0, "caption-heading");
  g_autofree char *markup = is_formula ? hr_formula_to_markup (value) : NULL;
  GtkWidget *label = create_label (is_formula ? NULL : value, 0, is_formula ? "monospace" : NULL);

  if (is_formula)
    gtk_label_set_markup (GTK_LABEL (label), markup);
  gtk_widget_add_css_class (caption, "dim-label");
  gtk_label_set_selectable (GTK_LABEL (label), is_formula);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (label), GTK_ACCESSIBLE_RELATION_LABELLED_BY, caption, NULL, -1);
  gtk_box_append (GTK_BOX (fact), caption);
  gtk_box_append (GTK_BOX (fact), label);
  gtk_box_append (box, fact);
}

static GtkWidget *
create_bar (const char *name,
            const char *value,
            double      share)
{
  GtkWidget *bar = gtk_level_bar_new_for_interval (0, 1);

  /* Without them the bar would change its colour with its length, as a battery does. */
  gtk_level_bar_remove_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_LOW);
  gtk_level_bar_remove_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_HIGH);
  gtk_level_bar_remove_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_FULL);
  gtk_widget_add_css_class (bar, "phase");
  gtk_level_bar_set_value (GTK_LEVEL_BAR (bar), share);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                  GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, value, -1);

  return bar;
}

static void
append_part (GtkBox               *box,
             const HrComputePhase *phase,
             HrFlopPart            part)
{
  guint64 all = hr_flops_get_training (&phase->total);
  guint64 operations = hr_flops_get_training (&phase->count->parts[part]);
  g_autofree char *size = hr_format_operations (operations);
  g_autofree char *share = hr_format_percentage (operations, all);
  /* Translators: a number of operations, and its share of all in percent */
  g_autofree char *text = g_strdup_printf (_("%1$s, %2$s"), size, share);
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_VERTICAL, 4);
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *value = create_label (text, 1, "numeric");

  gtk_box_append (GTK_BOX (line), create_label (hr_flop_part_get_label (part), 0, NULL));
  gtk_box_append (GTK_BOX (line), value);
  gtk_box_append (GTK_BOX (row), line);
  gtk_box_append (GTK_BOX (row), create_bar (hr_flop_part_get_label (part), text,
                                             all > 0 ? (double) operations / all : 0));
  gtk_box_append (box, row);
}

static void
append_rules (HeadroomComputeView  *self,
              GtkBox               *box,
              const HrComputePhase *phase)
{
  const HrCompute *compute = hr_report_get_compute (self->report, NULL);
  g_autoptr (GPtrArray) rules = hr_compute_phase_list_rules (compute, phase, hr_report_get_model (self->report));

  for (guint i = 0; i < rules->len; i++)
    {
      const HrComputeRule *rule = g_ptr_array_index (rules, i);
      g_autofree char *text = hr_compute_rule_dup_text (rule, phase);

      append_fact (box, rule->label, text, FALSE);
    }
}

static void
headroom_compute_view_explain_cb (GtkExpander *expander,
                                  GParamSpec  *pspec,
                                  gpointer     user_data)
{
  HeadroomComputeView *self = user_data;
  guint index = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (expander), "phase"));
  const HrComputePhase *phase = hr_compute_get_phase (hr_report_get_compute (self->report, NULL), index);
  GtkWidget *box;

  if (gtk_expander_get_child (expander) != NULL)
    return;

  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gtk_widget_set_margin_top (box, 12);
  for (guint i = 0; i < HR_N_FLOP_PARTS; i++)
    {
      g_autofree char *substitution = NULL;
      g_autofree char *result = NULL;

      if (!hr_compute_phase_has_part (phase, i))
        continue;

      substitution = hr_flop_part_dup_substitution (phase, i);
      result = hr_format_operations_in_full (phase->count->parts[i].forward);
      gtk_box_append (GTK_BOX (box), create_label (hr_flop_part_get_label (i), 0, "heading"));
      append_fact (GTK_BOX (box), _("Formula"), hr_flop_part_get_formula (i), TRUE);
      append_fact (GTK_BOX (box), _("In numbers"), substitution, TRUE);
      append_fact (GTK_BOX (box), _("Result"), result, FALSE);
      append_fact (GTK_BOX (box), _("Source"), hr_flop_part_get_source (i), FALSE);
    }
  gtk_expander_set_child (expander, box);
}

static GtkWidget *
create_expander (HeadroomComputeView *self,
                 guint                index)
{
  GtkWidget *expander = gtk_expander_new (_("How the operations come about"));

  gtk_accessible_update_property (GTK_ACCESSIBLE (expander), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("How the operations come about"), -1);
  g_object_set_data (G_OBJECT (expander), "phase", GUINT_TO_POINTER (index));
  g_signal_connect_object (expander, "notify::expanded", G_CALLBACK (headroom_compute_view_explain_cb), self, 0);

  return expander;
}

/* What was measured, what is estimated, and what is estimated by what others have measured. */
static GtkWidget *
create_speed (const HrPublishedSpeed *speed)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  g_autofree char *measured = hr_format_integer (speed->measured + 0.5);
  g_autofree char *estimated = hr_format_integer (speed->estimated + 0.5);
  g_autofree char *held_out = speed->held_out > 0 ? g_strdup_printf ("%.2f", speed->held_out / speed->measured)
                                                  : g_strdup ("–");
  g_autofree char *ratio = g_strdup_printf ("%.2f", speed->estimated / speed->measured);
  /* Translators: 1 and 2 numbers, 3 and 4 ratios such as 0.97 */
  g_autofree char *text = g_strdup_printf (_("%1$s tokens per second measured, %2$s estimated: ratio %3$s, held out "
                                             "%4$s"), measured, estimated, ratio, held_out);
  g_autofree char *link = g_markup_printf_escaped ("<a href=\"%s\">%s</a>", speed->source, speed->id);
  GtkWidget *name = create_label (NULL, 0, NULL);

  gtk_label_set_markup (GTK_LABEL (name), link);
  gtk_box_append (GTK_BOX (row), name);
  gtk_box_append (GTK_BOX (row), create_label (text, 0, "caption"));

  return row;
}

/* Worked out when somebody opens it. */
static void
expand_speeds_cb (GtkExpander *expander)
{
  g_autoptr (GPtrArray) speeds = NULL;
  g_autoptr (GError) error = NULL;
  GtkWidget *box;

  if (gtk_expander_get_child (expander) != NULL)
    return;

  speeds = hr_published_speeds_list (&error);
  if (speeds == NULL)
    {
      gtk_expander_set_child (expander, create_label (error->message, 0, NULL));
      return;
    }

  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 9);
  gtk_widget_set_margin_top (box, 12);
  for (guint i = 0; i < speeds->len; i++)
    gtk_box_append (GTK_BOX (box), create_speed (g_ptr_array_index (speeds, i)));
  gtk_expander_set_child (expander, box);
}

/* Worked out when somebody opens it: other estimates. */
static void
headroom_compute_view_compare_cb (GtkExpander         *expander,
                                  GParamSpec          *pspec,
                                  HeadroomComputeView *self)
{
  g_autoptr (HrAnatomyTable) table = NULL;

  if (gtk_expander_get_child (expander) != NULL)
    return;

  table = hr_report_create_checkpointing (self->report);
  gtk_expander_set_child (expander, table != NULL
                                      ? headroom_anatomy_rows_new (table, hr_report_get_unit_system (self->report))
                                      : create_label (_("No other way of it is known for this job"), 0, NULL));
}

static GtkWidget *
headroom_compute_view_create_checkpointing (HeadroomComputeView *self)
{
  GtkWidget *expander = gtk_expander_new (_("Gradient Checkpointing Compared"));

  gtk_accessible_update_property (GTK_ACCESSIBLE (expander), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("Gradient Checkpointing Compared"), -1);
  g_signal_connect_object (expander, "notify::expanded", G_CALLBACK (headroom_compute_view_compare_cb), self, 0);

  return expander;
}

static GtkWidget *
create_speeds_expander (void)
{
  GtkWidget *expander = gtk_expander_new (_("Measured Speeds"));

  gtk_accessible_update_property (GTK_ACCESSIBLE (expander), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Measured Speeds"),
                                  -1);
  g_signal_connect (expander, "notify::expanded", G_CALLBACK (expand_speeds_cb), NULL);

  return expander;
}

static GtkWidget *
create_card (void)
{
  GtkWidget *card = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  gtk_widget_add_css_class (card, "card");
  gtk_widget_set_margin_top (content, 18);
  gtk_widget_set_margin_bottom (content, 18);
  gtk_widget_set_margin_start (content, 18);
  gtk_widget_set_margin_end (content, 18);
  gtk_widget_set_hexpand (content, TRUE);
  gtk_box_append (GTK_BOX (card), content);

  return card;
}

static GtkWidget *
headroom_compute_view_create_phase (HeadroomComputeView *self,
                                    guint                index)
{
  const HrCompute *compute = hr_report_get_compute (self->report, NULL);
  const HrComputePhase *phase = hr_compute_get_phase (compute, index);
  g_autofree char *title = hr_compute_phase_dup_title (phase);
  g_autoptr (GPtrArray) facts = hr_compute_phase_list_facts (phase, compute,
                                                             hr_report_get_unit_system (self->report));
  GtkWidget *card = create_card ();
  GtkBox *content = GTK_BOX (gtk_widget_get_first_child (card));

  gtk_box_append (content, create_label (title, 0, "heading"));
  for (guint i = 0; i < facts->len; i++)
    {
      const HrComputeFact *fact = g_ptr_array_index (facts, i);

      append_fact (content, fact->name, fact->value, FALSE);
    }
  for (guint i = 0; i < HR_N_FLOP_PARTS; i++)
    {
      if (hr_compute_phase_has_part (phase, i))
        append_part (content, phase, i);
    }
  append_rules (self, content, phase);
  gtk_box_append (content, create_expander (self, index));
  gtk_widget_set_valign (card, GTK_ALIGN_START);

  return card;
}

static void
headroom_compute_view_append_phases (HeadroomComputeView *self,
                                     const HrCompute     *compute)
{
  GtkWidget *columns = g_object_new (HEADROOM_TYPE_COLUMNS, "column-width", 400, "spacing", 24, NULL);

  for (guint i = 0; i < hr_compute_get_n_phases (compute); i++)
    headroom_columns_append (HEADROOM_COLUMNS (columns), headroom_compute_view_create_phase (self, i));
  gtk_box_append (self->box, columns);
}

static void
headroom_compute_view_append_note (HeadroomComputeView *self,
                                   const char          *text)
{
  GtkWidget *label = create_label (text, 0, "caption");

  gtk_widget_add_css_class (label, "dim-label");
  gtk_box_append (self->box, label);
}

/*
 * headroom_compute_view_show:
 * @self: a view
 * @report: what to show
 */
void
headroom_compute_view_show (HeadroomComputeView *self,
                            HrReport            *report)
{
  const char *reason = NULL;
  const HrCompute *compute;
  g_autofree char *step = NULL;
  g_autofree char *summary = NULL;
  GtkWidget *child;

  g_return_if_fail (HEADROOM_IS_COMPUTE_VIEW (self));
  g_return_if_fail (HR_IS_REPORT (report));

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->box))) != NULL)
    gtk_box_remove (self->box, child);

  g_set_object (&self->report, report);
  compute = hr_report_get_compute (report, &reason);
  if (compute == NULL)
    {
      headroom_compute_view_append_note (self, reason);
      return;
    }

  if (hr_compute_get_missing (compute) != NULL)
    headroom_compute_view_append_note (self, hr_compute_get_missing (compute));
  headroom_compute_view_append_phases (self, compute);
  step = hr_compute_dup_step (compute);
  if (step != NULL)
    append_fact (self->box, _("A step altogether"), step, FALSE);
  if (hr_compute_find_phase (compute, HR_COMPUTE_PHASE_TRAINING_STEP) != NULL)
    gtk_box_append (self->box, headroom_compute_view_create_checkpointing (self));
  for (const char * const *limit = hr_compute_get_limits (); *limit != NULL; limit++)
    headroom_compute_view_append_note (self, hr_text_translate (*limit));
  summary = hr_published_speeds_dup_summary ();
  headroom_compute_view_append_note (self, summary);
  gtk_box_append (self->box, create_speeds_expander ());
}
