/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-chart-data.h"

#include <glib/gi18n-lib.h>

/**
 * HrChartData:
 *
 * What a pie, a capacity bar and their legends show: named parts of a whole, and what the whole is measured against.
 *
 * It knows no units and no formats: all texts are passed in, in the language of the user. It is filled once, by whoever
 * makes it, and only read after that.
 */
struct _HrChartData
{
  GObject parent_instance;

  char *title;
  char *total_text;
  char *caption;
  GArray *parts;
  guint64 capacity;
  char *capacity_text;
  char *rest_text;
  guint64 low, high;  /* between which the sum ends; alike if it is known */
};

G_DEFINE_FINAL_TYPE (HrChartData, hr_chart_data, G_TYPE_OBJECT)

static void
clear_part (gpointer data)
{
  HrChartPart *part = data;

  g_free (part->id);
  g_free (part->label);
  g_free (part->value_text);
  g_free (part->share_text);
}

static void
hr_chart_data_finalize (GObject *object)
{
  HrChartData *self = HR_CHART_DATA (object);

  g_free (self->title);
  g_free (self->total_text);
  g_free (self->caption);
  g_free (self->capacity_text);
  g_free (self->rest_text);
  g_array_unref (self->parts);

  G_OBJECT_CLASS (hr_chart_data_parent_class)->finalize (object);
}

static void
hr_chart_data_class_init (HrChartDataClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hr_chart_data_finalize;
}

static void
hr_chart_data_init (HrChartData *self)
{
  self->parts = g_array_new (FALSE, FALSE, sizeof (HrChartPart));
  g_array_set_clear_func (self->parts, clear_part);
}

/**
 * hr_chart_data_new:
 * @title: what the whole is
 * @total_text: how much it is, as the middle of the ring shows it
 * @caption: (nullable): a word or two under @total_text
 *
 * Makes data without parts.
 *
 * Returns: (transfer full): the data
 */
HrChartData *
hr_chart_data_new (const char *title,
                   const char *total_text,
                   const char *caption)
{
  HrChartData *self;

  g_return_val_if_fail (title != NULL, NULL);
  g_return_val_if_fail (total_text != NULL, NULL);

  self = g_object_new (HR_TYPE_CHART_DATA, NULL);
  self->title = g_strdup (title);
  self->total_text = g_strdup (total_text);
  self->caption = g_strdup (caption);

  return self;
}

/**
 * hr_chart_data_add_part:
 * @self: chart data
 * @id: what the caller knows the part by
 * @label: what it is called
 * @value: how much it is, in the unit of all the others
 * @value_text: @value as text
 * @share_text: (nullable): its share of the sum as text
 * @color: its colour, as 0xRRGGBB
 * @pattern: which pattern it has in high contrast
 *
 * Adds a part, after those that are there.
 */
void
hr_chart_data_add_part (HrChartData *self,
                        const char  *id,
                        const char  *label,
                        guint64      value,
                        const char  *value_text,
                        const char  *share_text,
                        guint32      color,
                        guint        pattern)
{
  HrChartPart part = { .value = value, .color = color, .pattern = pattern };

  g_return_if_fail (HR_IS_CHART_DATA (self));
  g_return_if_fail (id != NULL && label != NULL && value_text != NULL);

  part.id = g_strdup (id);
  part.label = g_strdup (label);
  part.value_text = g_strdup (value_text);
  part.share_text = g_strdup (share_text);
  g_array_append_val (self->parts, part);
}

/**
 * hr_chart_data_set_range:
 * @self: chart data
 * @low: where the sum ends at least
 * @high: where it ends at most
 *
 * Says that the sum of the values is not known for sure.
 */
void
hr_chart_data_set_range (HrChartData *self,
                         guint64      low,
                         guint64      high)
{
  g_return_if_fail (HR_IS_CHART_DATA (self));
  g_return_if_fail (low <= high);

  self->low = low;
  self->high = high;
}

/**
 * hr_chart_data_get_range:
 * @self: chart data
 * @low: (out): where the sum ends at least
 * @high: (out): where it ends at most
 *
 * Returns: whether there is a range
 */
gboolean
hr_chart_data_get_range (HrChartData *self,
                         guint64     *low,
                         guint64     *high)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), FALSE);
  g_return_val_if_fail (low != NULL && high != NULL, FALSE);

  *low = self->low;
  *high = self->high;

  return self->high > self->low;
}

/**
 * hr_chart_data_set_capacity:
 * @self: chart data
 * @capacity: what the parts are measured against, in their unit; 0 if it is not known
 * @capacity_text: (nullable): @capacity as text
 * @rest_text: (nullable): what is left, or missing, as text
 *
 * Sets how much there may be of all parts together.
 */
void
hr_chart_data_set_capacity (HrChartData *self,
                            guint64      capacity,
                            const char  *capacity_text,
                            const char  *rest_text)
{
  g_return_if_fail (HR_IS_CHART_DATA (self));

  self->capacity = capacity;
  g_free (self->capacity_text);
  self->capacity_text = g_strdup (capacity_text);
  g_free (self->rest_text);
  self->rest_text = g_strdup (rest_text);
}

const char *
hr_chart_data_get_title (HrChartData *self)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), NULL);

  return self->title;
}

const char *
hr_chart_data_get_total_text (HrChartData *self)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), NULL);

  return self->total_text;
}

const char *
hr_chart_data_get_caption (HrChartData *self)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), NULL);

  return self->caption;
}

guint
hr_chart_data_get_n_parts (HrChartData *self)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), 0);

  return self->parts->len;
}

const HrChartPart *
hr_chart_data_get_part (HrChartData *self,
                        guint        index)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), NULL);
  g_return_val_if_fail (index < self->parts->len, NULL);

  return &g_array_index (self->parts, HrChartPart, index);
}

/**
 * hr_chart_data_find_part:
 * @self: chart data
 * @id: (nullable): the id of a part
 *
 * Returns: the index of the part, or -1 if there is none of that id
 */
int
hr_chart_data_find_part (HrChartData *self,
                         const char  *id)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), -1);

  for (guint i = 0; i < self->parts->len; i++)
    if (g_strcmp0 (g_array_index (self->parts, HrChartPart, i).id, id) == 0)
      return i;

  return -1;
}

/**
 * hr_chart_data_get_total:
 * @self: chart data
 *
 * Returns: the sum of the parts
 */
guint64
hr_chart_data_get_total (HrChartData *self)
{
  guint64 total = 0;

  g_return_val_if_fail (HR_IS_CHART_DATA (self), 0);

  for (guint i = 0; i < self->parts->len; i++)
    total += g_array_index (self->parts, HrChartPart, i).value;

  return total;
}

guint64
hr_chart_data_get_capacity (HrChartData *self)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), 0);

  return self->capacity;
}

const char *
hr_chart_data_get_capacity_text (HrChartData *self)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), NULL);

  return self->capacity_text;
}

const char *
hr_chart_data_get_rest_text (HrChartData *self)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), NULL);

  return self->rest_text;
}

/**
 * hr_chart_data_dup_values:
 * @self: chart data
 *
 * Returns: (transfer full): the values of the parts, as many as there are parts
 */
guint64 *
hr_chart_data_dup_values (HrChartData *self)
{
  guint64 *values;

  g_return_val_if_fail (HR_IS_CHART_DATA (self), NULL);

  values = g_new0 (guint64, self->parts->len + 1);
  for (guint i = 0; i < self->parts->len; i++)
    values[i] = g_array_index (self->parts, HrChartPart, i).value;

  return values;
}

/**
 * hr_chart_data_dup_label:
 * @self: chart data
 *
 * Says in a sentence what the chart shows, as its accessible name.
 *
 * Returns: (transfer full): the sentence
 */
char *
hr_chart_data_dup_label (HrChartData *self)
{
  g_return_val_if_fail (HR_IS_CHART_DATA (self), NULL);

  if (self->capacity_text != NULL)
    /* Translators: what a chart shows, for screen readers: 1 its title, 2 the total, 3 what there is room for;
     * for example "Memory at the peak: 17.2 GiB, room for 24.0 GiB" */
    return g_strdup_printf (_("%1$s: %2$s, room for %3$s"), self->title, self->total_text, self->capacity_text);

  /* Translators: what a chart shows, for screen readers: 1 its title, 2 the total */
  return g_strdup_printf (_("%1$s: %2$s"), self->title, self->total_text);
}

static void
append_part (GString           *description,
             const HrChartPart *part)
{
  if (description->len > 0)
    /* Translators: between the parts in a list of what a chart shows, for screen readers */
    g_string_append (description, C_("between parts of a chart", "; "));

  if (part->share_text != NULL)
    /* Translators: a part of a chart, for screen readers: 1 its name, 2 its size, 3 its share;
     * for example "Weights: 14.2 GiB, 82.9 %" */
    g_string_append_printf (description, _("%1$s: %2$s, %3$s"), part->label, part->value_text, part->share_text);
  else
    /* Translators: a part of a chart, for screen readers: 1 its name, 2 its size */
    g_string_append_printf (description, _("%1$s: %2$s"), part->label, part->value_text);
}

/**
 * hr_chart_data_dup_description:
 * @self: chart data
 *
 * Lists the parts with their sizes and what is left or missing, as the chart's accessible description.
 *
 * Returns: (transfer full): the description
 */
char *
hr_chart_data_dup_description (HrChartData *self)
{
  GString *description;

  g_return_val_if_fail (HR_IS_CHART_DATA (self), NULL);

  description = g_string_new (NULL);
  for (guint i = 0; i < self->parts->len; i++)
    append_part (description, &g_array_index (self->parts, HrChartPart, i));

  if (self->rest_text != NULL)
    {
      if (description->len > 0)
        g_string_append (description, C_("between parts of a chart", "; "));
      g_string_append (description, self->rest_text);
    }

  return g_string_free (description, FALSE);
}
