/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-phase-list.h"

#include <glib/gi18n.h>

#include "headroom-help-menu.h"
#include "hr-labels.h"

/*
 * HeadroomPhaseList:
 *
 * The phases of a job in their order, each with its peak, and the moment of the highest one in words.
 */
struct _HeadroomPhaseList
{
  AdwBin parent_instance;

  GtkBox *phases;
  GtkLabel *moment;
  GtkLabel *operation;
};

G_DEFINE_FINAL_TYPE (HeadroomPhaseList, headroom_phase_list, ADW_TYPE_BIN)

static void
headroom_phase_list_class_init (HeadroomPhaseListClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/io/github/headroom/Headroom/ui/headroom-phase-list.ui");
  gtk_widget_class_bind_template_child (widget_class, HeadroomPhaseList, phases);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPhaseList, moment);
  gtk_widget_class_bind_template_child (widget_class, HeadroomPhaseList, operation);
}

static void
headroom_phase_list_init (HeadroomPhaseList *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
headroom_phase_list_new (void)
{
  return g_object_new (HEADROOM_TYPE_PHASE_LIST, NULL);
}

static GtkWidget *
create_label (const char *text,
              double      xalign,
              const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), xalign);
  gtk_label_set_wrap (GTK_LABEL (label), xalign == 0);
  gtk_widget_set_hexpand (label, xalign == 0);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);

  return label;
}

static GtkWidget *
create_bar (const HrPhase *phase,
            guint64        highest,
            const char    *size)
{
  GtkWidget *bar = gtk_level_bar_new_for_interval (0, 1);

  /* Without them the bar would change its colour with its length, as a battery does. */
  gtk_level_bar_remove_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_LOW);
  gtk_level_bar_remove_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_HIGH);
  gtk_level_bar_remove_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_FULL);
  gtk_widget_add_css_class (bar, "phase");
  gtk_level_bar_set_value (GTK_LEVEL_BAR (bar), highest > 0 ? (double) phase->peak_bytes / highest : 0);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, hr_phase_id_get_label (phase->id),
                                  GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, size,
                                  -1);

  return bar;
}

static GtkWidget *
create_row (const HrPhase *phase,
            guint64        highest,
            gboolean       is_peak,
            HrUnitSystem   unit_system)
{
  g_autofree char *size = hr_format_bytes (phase->peak_bytes, unit_system);
  g_autofree char *topic = g_strconcat ("phase:", hr_phase_id_get_name (phase->id), NULL);
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_VERTICAL, 4);
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *value = create_label (size, 1, is_peak ? "heading" : NULL);

  gtk_widget_add_css_class (value, "numeric");
  gtk_box_append (GTK_BOX (line), create_label (hr_phase_id_get_label (phase->id), 0, is_peak ? "heading" : NULL));
  gtk_box_append (GTK_BOX (line), value);

  gtk_box_append (GTK_BOX (row), line);
  gtk_box_append (GTK_BOX (row), create_bar (phase, highest, size));
  gtk_box_append (GTK_BOX (row), create_label (hr_phase_id_get_description (phase->id), 0, "caption"));
  gtk_widget_add_css_class (gtk_widget_get_last_child (row), "dim-label");
  headroom_help_menu_attach (row, topic, hr_phase_id_get_label (phase->id));

  return row;
}

static void
headroom_phase_list_clear (HeadroomPhaseList *self)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->phases))) != NULL)
    gtk_box_remove (self->phases, child);
}

static void
headroom_phase_list_show_moment (HeadroomPhaseList *self,
                                 HrEstimate        *estimate)
{
  const char *operation = hr_estimate_get_peak_operation (estimate);
  g_autofree char *sentence = hr_estimate_dup_peak_sentence (estimate);

  gtk_label_set_label (self->moment, sentence);
  gtk_label_set_label (self->operation, operation != NULL ? operation : "");
  gtk_widget_set_visible (GTK_WIDGET (self->operation), operation != NULL && *operation != '\0');
}

/*
 * headroom_phase_list_show:
 * @self: a list of phases
 * @estimate: (nullable): an estimate; one without phases, such as a rule of thumb, hides the list
 * @unit_system: the units of the user
 */
void
headroom_phase_list_show (HeadroomPhaseList *self,
                          HrEstimate        *estimate,
                          HrUnitSystem       unit_system)
{
  const HrPhase *phases = NULL;
  guint64 highest = 0;
  guint n_phases = 0;

  g_return_if_fail (HEADROOM_IS_PHASE_LIST (self));

  if (estimate != NULL)
    phases = hr_estimate_get_phases (estimate, &n_phases);

  headroom_phase_list_clear (self);
  gtk_widget_set_visible (GTK_WIDGET (self), n_phases > 0);
  if (n_phases == 0)
    return;

  for (guint i = 0; i < n_phases; i++)
    highest = MAX (highest, phases[i].peak_bytes);
  for (guint i = 0; i < n_phases; i++)
    {
      gboolean is_peak = phases[i].id == hr_estimate_get_peak_phase (estimate);

      gtk_box_append (self->phases, create_row (&phases[i], highest, is_peak, unit_system));
    }

  headroom_phase_list_show_moment (self, estimate);
}
