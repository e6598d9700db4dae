/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-input-popover.h"

#include <glib/gi18n.h>

#include <hr-labels.h>
#include <hr-medium.h>

/*
 * HeadroomInputPopover:
 *
 * Asks for an image, a sound or a video, and what there is to know of it.
 */

typedef enum
{
  FIELD_WIDTH,
  FIELD_HEIGHT,
  FIELD_SECONDS,
  FIELD_FPS,
  N_FIELDS,
} Field;

struct _HeadroomInputPopover
{
  GtkPopover parent_instance;

  GtkDropDown *kind;
  GtkWidget *labels[N_FIELDS];
  GtkWidget *entries[N_FIELDS];
};

enum
{
  SIGNAL_ADDED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (HeadroomInputPopover, headroom_input_popover, GTK_TYPE_POPOVER)

static const struct
{
  const char *label;
  double minimum;
  double maximum;
  double value;
  guint digits;
} fields[N_FIELDS] = {
  [FIELD_WIDTH] = { N_("Width in pixels"), 1, HR_MEDIUM_MAX_SIDE, 1024, 0 },
  [FIELD_HEIGHT] = { N_("Height in pixels"), 1, HR_MEDIUM_MAX_SIDE, 1024, 0 },
  [FIELD_SECONDS] = { N_("Length in seconds"), 0.1, HR_MEDIUM_MAX_SECONDS, 30, 1 },
  [FIELD_FPS] = { N_("Frames a second"), 0.01, HR_MEDIUM_MAX_FPS, 2, 2 },
};

static gboolean
has_field (HrMediumKind kind,
           Field        field)
{
  switch (field)
    {
    case FIELD_WIDTH:
    case FIELD_HEIGHT:
      return kind != HR_MEDIUM_AUDIO;

    case FIELD_SECONDS:
      return kind != HR_MEDIUM_IMAGE;

    case FIELD_FPS:
    case N_FIELDS:
    default:
      return kind == HR_MEDIUM_VIDEO;
    }
}

static void
headroom_input_popover_kind_cb (HeadroomInputPopover *self)
{
  HrMediumKind kind = gtk_drop_down_get_selected (self->kind);

  for (guint i = 0; i < N_FIELDS; i++)
    {
      gtk_widget_set_visible (self->labels[i], has_field (kind, i));
      gtk_widget_set_visible (self->entries[i], has_field (kind, i));
    }
}

static double
headroom_input_popover_get (HeadroomInputPopover *self,
                            Field                 field)
{
  gtk_spin_button_update (GTK_SPIN_BUTTON (self->entries[field]));

  return gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->entries[field]));
}

static void
headroom_input_popover_add_cb (HeadroomInputPopover *self)
{
  HrMedium medium = { .kind = gtk_drop_down_get_selected (self->kind) };
  g_autofree char *text = NULL;

  medium.width = headroom_input_popover_get (self, FIELD_WIDTH);
  medium.height = headroom_input_popover_get (self, FIELD_HEIGHT);
  medium.seconds = headroom_input_popover_get (self, FIELD_SECONDS);
  medium.fps = headroom_input_popover_get (self, FIELD_FPS);
  text = hr_medium_to_text (&medium);
  gtk_popover_popdown (GTK_POPOVER (self));
  g_signal_emit (self, signals[SIGNAL_ADDED], 0, text);
}

static void
headroom_input_popover_class_init (HeadroomInputPopoverClass *klass)
{
  /* Somebody has asked for an input, which comes as text. */
  signals[SIGNAL_ADDED] = g_signal_new ("added", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                        G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
headroom_input_popover_add_field (HeadroomInputPopover *self,
                                  GtkGrid              *grid,
                                  Field                 field)
{
  GtkWidget *label = gtk_label_new (_(fields[field].label));
  GtkWidget *entry = gtk_spin_button_new_with_range (fields[field].minimum, fields[field].maximum,
                                                     fields[field].digits > 0 ? 0.5 : 1);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (entry), fields[field].digits);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (entry), fields[field].value);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_RELATION_LABELLED_BY, label, NULL, -1);
  gtk_grid_attach (grid, label, 0, 1 + field, 1, 1);
  gtk_grid_attach (grid, entry, 1, 1 + field, 1, 1);
  self->labels[field] = label;
  self->entries[field] = entry;
}

static GtkWidget *
headroom_input_popover_create_kind (HeadroomInputPopover *self)
{
  const char *names[HR_N_MEDIUM_KINDS + 1] = { NULL };
  GtkWidget *kind;

  for (guint i = 0; i < HR_N_MEDIUM_KINDS; i++)
    names[i] = hr_medium_kind_get_label (i);
  kind = gtk_drop_down_new_from_strings (names);
  gtk_accessible_update_property (GTK_ACCESSIBLE (kind), GTK_ACCESSIBLE_PROPERTY_LABEL, _("What to add"), -1);
  self->kind = GTK_DROP_DOWN (kind);

  return kind;
}

static void
headroom_input_popover_init (HeadroomInputPopover *self)
{
  GtkWidget *grid = gtk_grid_new ();
  GtkWidget *button = gtk_button_new_with_mnemonic (_("_Add"));

  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  gtk_widget_set_margin_top (grid, 6);
  gtk_widget_set_margin_bottom (grid, 6);
  gtk_widget_set_margin_start (grid, 6);
  gtk_widget_set_margin_end (grid, 6);
  gtk_grid_attach (GTK_GRID (grid), headroom_input_popover_create_kind (self), 0, 0, 2, 1);
  for (guint i = 0; i < N_FIELDS; i++)
    headroom_input_popover_add_field (self, GTK_GRID (grid), i);
  gtk_widget_add_css_class (button, "suggested-action");
  gtk_grid_attach (GTK_GRID (grid), button, 0, 1 + N_FIELDS, 2, 1);
  gtk_popover_set_child (GTK_POPOVER (self), grid);
  gtk_popover_set_default_widget (GTK_POPOVER (self), button);

  g_signal_connect_object (button, "clicked", G_CALLBACK (headroom_input_popover_add_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->kind, "notify::selected", G_CALLBACK (headroom_input_popover_kind_cb), self,
                           G_CONNECT_SWAPPED);
  headroom_input_popover_kind_cb (self);
}

GtkWidget *
headroom_input_popover_new (void)
{
  return g_object_new (HEADROOM_TYPE_INPUT_POPOVER, NULL);
}
