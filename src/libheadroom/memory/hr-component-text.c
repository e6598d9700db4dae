/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-component-text.h"

#include <string.h>

/*
 * What is on the tape, written down: tensors of the same shape together, the largest first, each shape as bytes of an
 * element and symbols, with the variables that hold it.
 */

typedef struct
{
  const HrStorage *first;
  guint n_storages;
} Group;

#define NO_GROUP G_MAXUINT16

static gboolean
has_same_shape (const HrStorage *a,
                const HrStorage *b)
{
  return a->bytes == b->bytes && a->shape.n_symbols == b->shape.n_symbols && a->shape.count == b->shape.count &&
         a->shape.divisor == b->shape.divisor && a->shape.element == b->shape.element &&
         memcmp (a->shape.symbols, b->shape.symbols, a->shape.n_symbols) == 0;
}

static guint
group_storages (const HrMoment *moment,
                HrComponentId   component,
                Group          *groups,
                guint16        *group_of)
{
  guint n_groups = 0;

  for (guint i = 0; i < moment->n_storages; i++)
    {
      const HrStorage *storage = &moment->storages[i];
      guint at = 0;

      group_of[i] = NO_GROUP;
      if (storage->component != component || storage->bytes == 0)
        continue;

      while (at < n_groups && !has_same_shape (groups[at].first, storage))
        at++;
      if (at == n_groups)
        groups[n_groups++] = (Group) { .first = storage };
      groups[at].n_storages++;
      group_of[i] = at;
    }

  return n_groups;
}

static guint64
get_group_bytes (const Group *group)
{
  return group->n_storages * group->first->bytes;
}

/* The order in which groups are written: by insertion, there are few. */
static void
order_groups (const Group *groups,
              guint        n_groups,
              guint16     *order)
{
  for (guint i = 0; i < n_groups; i++)
    {
      guint at = i;

      for (; at > 0 && get_group_bytes (&groups[order[at - 1]]) < get_group_bytes (&groups[i]); at--)
        order[at] = order[at - 1];
      order[at] = i;
    }
}

static void
append_number (GString *text,
               guint64  number)
{
  char digits[24];
  guint at = sizeof digits;

  do
    digits[--at] = '0' + number % 10;
  while ((number /= 10) > 0);

  g_string_append_len (text, digits + at, sizeof digits - at);
}

/* Symbols may stand for the sizes of one thing after the other, as those of a picture do. */
static gboolean
has_symbols_of_now (const HrMoment  *moment,
                    const HrStorage *storage)
{
  guint64 elements = hr_value_get_elements (storage->shape, moment->symbols);

  return hr_ledger_round (elements * hr_element_get_bytes (storage->shape.element)) == storage->bytes;
}

static void
append_size (GString        *text,
             const HrMoment *moment,
             const Group    *group,
             gboolean        numbers)
{
  HrValue shape = group->first->shape;

  if (group->n_storages > 1)
    {
      append_number (text, group->n_storages);
      g_string_append (text, "·");
    }
  if (numbers && !has_symbols_of_now (moment, group->first))
    {
      append_number (text, group->first->bytes);
      return;
    }
  append_number (text, hr_element_get_bytes (shape.element));
  if (shape.count > 1)
    {
      g_string_append (text, "·");
      append_number (text, shape.count);
    }

  for (guint i = 0; i < shape.n_symbols; i++)
    {
      g_string_append (text, "·");
      if (numbers)
        append_number (text, moment->symbols[shape.symbols[i]]);
      else
        g_string_append (text, hr_symbol_get_name (shape.symbols[i]));
    }

  if (shape.divisor > 1)
    {
      g_string_append (text, "/");
      append_number (text, shape.divisor);
    }
}

static void
append_names (GString        *text,
              const HrMoment *moment,
              const guint16  *group_of,
              guint           group)
{
  gboolean is_first = TRUE;

  g_string_append (text, " (");
  for (guint i = 0; i < moment->n_storages; i++)
    {
      if (group_of[i] != group)
        continue;
      if (!is_first)
        g_string_append (text, ", ");
      g_string_append (text, moment->storages[i].name);
      is_first = FALSE;
    }
  g_string_append (text, ")");
}

static char *
write_groups (const HrMoment *moment,
              HrComponentId   component,
              gboolean        numbers)
{
  g_autofree Group *groups = g_new (Group, moment->n_storages);
  g_autofree guint16 *order = g_new (guint16, moment->n_storages);
  g_autofree guint16 *group_of = g_new (guint16, moment->n_storages);
  guint n_groups = group_storages (moment, component, groups, group_of);
  GString *text = g_string_sized_new (256);

  order_groups (groups, n_groups, order);
  for (guint i = 0; i < n_groups; i++)
    {
      if (i > 0)
        g_string_append (text, " + ");
      append_size (text, moment, &groups[order[i]], numbers);
      if (!numbers)
        append_names (text, moment, group_of, order[i]);
    }

  return g_string_free (text, FALSE);
}

/*
 * hr_component_text_new_formula:
 * @moment: a moment
 * @component: a component
 *
 * Writes down what @component consists of at @moment, in symbols.
 *
 * Returns: (transfer full): the formula
 */
char *
hr_component_text_new_formula (const HrMoment *moment,
                               HrComponentId   component)
{
  return write_groups (moment, component, FALSE);
}

/*
 * hr_component_text_new_substitution:
 * @moment: a moment
 * @component: a component
 *
 * Writes down what @component consists of at @moment, in numbers.
 *
 * Returns: (transfer full): the formula in numbers
 */
char *
hr_component_text_new_substitution (const HrMoment *moment,
                                    HrComponentId   component)
{
  return write_groups (moment, component, TRUE);
}

/*
 * hr_component_text_new_operation:
 * @moment: a moment
 *
 * Names the module and the operation of a moment, as the framework does.
 *
 * Returns: (transfer full) (nullable): the name
 */
char *
hr_component_text_new_operation (const HrMoment *moment)
{
  GString *text;
  const char *brace;

  if (moment->operation == NULL)
    return NULL;
  if (moment->block == NULL)
    return g_strdup (moment->operation);

  text = g_string_sized_new (64);
  brace = strstr (moment->block, "{}");
  if (brace != NULL && moment->layer >= 0)
    {
      g_string_append_len (text, moment->block, brace - moment->block);
      append_number (text, moment->layer);
      g_string_append (text, brace + strlen ("{}"));
    }
  else
    {
      g_string_append (text, moment->block);
    }
  g_string_append (text, ", ");
  g_string_append (text, moment->operation);

  return g_string_free (text, FALSE);
}
