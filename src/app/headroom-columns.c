/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-columns.h"

/*
 * HeadroomColumns:
 *
 * Puts its children side by side in columns of the same width where they have room, and below each other where not.
 *
 * CSS node: columns.
 */
struct _HeadroomColumns
{
  GtkWidget parent_instance;

  int column_width;
  int spacing;
};

enum
{
  PROP_0,
  PROP_COLUMN_WIDTH,
  PROP_SPACING,
  N_PROPS
};

static void headroom_columns_buildable_init (GtkBuildableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HeadroomColumns, headroom_columns, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_BUILDABLE, headroom_columns_buildable_init))

static GParamSpec *properties[N_PROPS];
static GtkBuildableIface *parent_buildable;

static GtkWidget *
next_visible (GtkWidget *child)
{
  while (child != NULL && !gtk_widget_should_layout (child))
    child = gtk_widget_get_next_sibling (child);

  return child;
}

static GtkWidget *
first_visible_child (HeadroomColumns *self)
{
  return next_visible (gtk_widget_get_first_child (GTK_WIDGET (self)));
}

static GtkWidget *
next_visible_child (GtkWidget *child)
{
  return next_visible (gtk_widget_get_next_sibling (child));
}

static int
headroom_columns_get_n_visible (HeadroomColumns *self)
{
  int n_visible = 0;

  for (GtkWidget *child = first_visible_child (self); child != NULL; child = next_visible_child (child))
    n_visible++;

  return n_visible;
}

/* The width of a column when the whole is @width wide, or 0 if the children go below each other. */
static int
headroom_columns_get_width_of_column (HeadroomColumns *self,
                                      int              width)
{
  int n_visible = headroom_columns_get_n_visible (self);
  int column_width;

  if (n_visible < 2 || width < 0)
    return 0;

  column_width = (width - (n_visible - 1) * self->spacing) / n_visible;
  if (column_width < self->column_width)
    return 0;

  for (GtkWidget *child = first_visible_child (self); child != NULL; child = next_visible_child (child))
    {
      int minimum;

      gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
      if (minimum > column_width)
        return 0;
    }

  return column_width;
}

static void
headroom_columns_measure (GtkWidget      *widget,
                          GtkOrientation  orientation,
                          int             for_size,
                          int            *minimum,
                          int            *natural,
                          int            *minimum_baseline,
                          int            *natural_baseline)
{
  HeadroomColumns *self = HEADROOM_COLUMNS (widget);
  gboolean is_vertical = orientation == GTK_ORIENTATION_VERTICAL;
  int column_width = is_vertical ? headroom_columns_get_width_of_column (self, for_size) : 0;
  gboolean is_stacked = is_vertical && column_width == 0;
  gboolean is_first = TRUE;

  *minimum = *natural = 0;
  for (GtkWidget *child = first_visible_child (self); child != NULL; child = next_visible_child (child))
    {
      int child_minimum, child_natural, gap = is_first ? 0 : self->spacing;

      gtk_widget_measure (child, orientation, column_width > 0 ? column_width : for_size,
                          &child_minimum, &child_natural, NULL, NULL);

      if (is_stacked)
        {
          *minimum += child_minimum + gap;
          *natural += child_natural + gap;
        }
      else if (is_vertical)
        {
          *minimum = MAX (*minimum, child_minimum);
          *natural = MAX (*natural, child_natural);
        }
      else
        {
          *minimum = MAX (*minimum, child_minimum);
          *natural += child_natural + gap;
        }
      is_first = FALSE;
    }
}

static void
headroom_columns_size_allocate (GtkWidget *widget,
                                int        width,
                                int        height,
                                int        baseline)
{
  HeadroomColumns *self = HEADROOM_COLUMNS (widget);
  gboolean is_rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  int column_width = headroom_columns_get_width_of_column (self, width);
  int x = 0, y = 0;

  for (GtkWidget *child = first_visible_child (self); child != NULL; child = next_visible_child (child))
    {
      GtkAllocation allocation = { 0, y, width, 0 };

      if (column_width > 0)
        {
          allocation = (GtkAllocation) { is_rtl ? width - x - column_width : x, 0, column_width, height };
          x += column_width + self->spacing;
        }
      else
        {
          gtk_widget_measure (child, GTK_ORIENTATION_VERTICAL, width, NULL, &allocation.height, NULL, NULL);
          y += allocation.height + self->spacing;
        }

      gtk_widget_size_allocate (child, &allocation, -1);
    }
}

static GtkSizeRequestMode
headroom_columns_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
headroom_columns_add_child (GtkBuildable *buildable,
                            GtkBuilder   *builder,
                            GObject      *child,
                            const char   *type)
{
  if (GTK_IS_WIDGET (child))
    headroom_columns_append (HEADROOM_COLUMNS (buildable), GTK_WIDGET (child));
  else
    parent_buildable->add_child (buildable, builder, child, type);
}

static void
headroom_columns_buildable_init (GtkBuildableIface *iface)
{
  parent_buildable = g_type_interface_peek_parent (iface);
  iface->add_child = headroom_columns_add_child;
}

static void
headroom_columns_dispose (GObject *object)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);

  G_OBJECT_CLASS (headroom_columns_parent_class)->dispose (object);
}

static void
headroom_columns_get_property (GObject    *object,
                               guint       prop_id,
                               GValue     *value,
                               GParamSpec *pspec)
{
  HeadroomColumns *self = HEADROOM_COLUMNS (object);

  switch (prop_id)
    {
    case PROP_COLUMN_WIDTH:
      g_value_set_int (value, self->column_width);
      break;

    case PROP_SPACING:
      g_value_set_int (value, self->spacing);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_columns_set_property (GObject      *object,
                               guint         prop_id,
                               const GValue *value,
                               GParamSpec   *pspec)
{
  HeadroomColumns *self = HEADROOM_COLUMNS (object);
  int *field = NULL;

  switch (prop_id)
    {
    case PROP_COLUMN_WIDTH:
      field = &self->column_width;
      break;

    case PROP_SPACING:
      field = &self->spacing;
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  if (*field == g_value_get_int (value))
    return;

  *field = g_value_get_int (value);
  gtk_widget_queue_resize (GTK_WIDGET (self));
  g_object_notify_by_pspec (object, pspec);
}

static void
headroom_columns_class_init (HeadroomColumnsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_columns_dispose;
  object_class->get_property = headroom_columns_get_property;
  object_class->set_property = headroom_columns_set_property;

  widget_class->measure = headroom_columns_measure;
  widget_class->size_allocate = headroom_columns_size_allocate;
  widget_class->get_request_mode = headroom_columns_get_request_mode;

  /*
   * HeadroomColumns:column-width:
   *
   * How wide a column must be at least, in pixels; where columns would be narrower, the children go below each other.
   */
  properties[PROP_COLUMN_WIDTH] =
    g_param_spec_int ("column-width", NULL, NULL, 0, G_MAXINT, 0,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomColumns:spacing:
   *
   * The space between the children, in pixels.
   */
  properties[PROP_SPACING] =
    g_param_spec_int ("spacing", NULL, NULL, 0, G_MAXINT, 0,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_css_name (widget_class, "columns");
}

static void
headroom_columns_init (HeadroomColumns *self)
{
}

GtkWidget *
headroom_columns_new (void)
{
  return g_object_new (HEADROOM_TYPE_COLUMNS, NULL);
}

static GtkWidget *
create_cell (const char *text,
             double      xalign,
             const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), xalign);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  /* A figure that is broken cannot be read: where there is no room for it, it goes below its name. */
  gtk_label_set_wrap_mode (GTK_LABEL (label), xalign > 0 ? PANGO_WRAP_WORD : PANGO_WRAP_WORD_CHAR);
  gtk_label_set_justify (GTK_LABEL (label), xalign > 0 ? GTK_JUSTIFY_RIGHT : GTK_JUSTIFY_LEFT);
  gtk_widget_set_valign (label, GTK_ALIGN_END);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);

  return label;
}

/*
 * Creates a row of a table: a name, and beside or below it cells of one width, flush right.
 */
GtkWidget *
headroom_columns_new_row (const char         *name,
                          const char * const *cells,
                          guint               n_cells,
                          int                 spacing,
                          const char         *css_class)
{
  GtkWidget *row = headroom_columns_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, spacing);

  gtk_box_set_homogeneous (GTK_BOX (box), TRUE);
  for (guint i = 0; i < n_cells; i++)
    {
      GtkWidget *cell = create_cell (cells[i], 1, css_class);

      gtk_widget_add_css_class (cell, "numeric");
      gtk_box_append (GTK_BOX (box), cell);
    }

  headroom_columns_append (HEADROOM_COLUMNS (row), create_cell (name, 0, css_class));
  headroom_columns_append (HEADROOM_COLUMNS (row), box);

  return row;
}

/*
 * headroom_columns_append:
 * @self: columns
 * @child: another column, the last one
 */
void
headroom_columns_append (HeadroomColumns *self,
                         GtkWidget       *child)
{
  g_return_if_fail (HEADROOM_IS_COLUMNS (self));
  g_return_if_fail (GTK_IS_WIDGET (child));

  gtk_widget_set_parent (child, GTK_WIDGET (self));
}
