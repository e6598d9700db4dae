/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-plan-item.h"

#include <glib/gi18n.h>
#include <hr-plan-report.h>

/*
 * HeadroomPlanItem:
 *
 * A layout as a row of a table. It says `changed` when more is known of it.
 */
struct _HeadroomPlanItem
{
  GObject parent_instance;

  HrPlanChoice choice;
  char *change;       /* that of the choice, which outlives the planner here */
  guint rank;
  guint64 memory;
};

enum
{
  CHANGED,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomPlanItem, headroom_plan_item, G_TYPE_OBJECT)

static guint signals[N_SIGNALS];

static void
headroom_plan_item_take (HeadroomPlanItem   *self,
                         const HrPlanChoice *choice)
{
  char *change = g_strdup (choice->change);

  self->choice = *choice;
  g_free (self->change);
  self->choice.change = self->change = change;
}

static void
headroom_plan_item_finalize (GObject *object)
{
  g_free (HEADROOM_PLAN_ITEM (object)->change);

  G_OBJECT_CLASS (headroom_plan_item_parent_class)->finalize (object);
}

static void
headroom_plan_item_class_init (HeadroomPlanItemClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = headroom_plan_item_finalize;

  /*
   * HeadroomPlanItem::changed:
   *
   * What is known of the layout has changed.
   */
  signals[CHANGED] = g_signal_new ("changed", HEADROOM_TYPE_PLAN_ITEM, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 0);
}

static void
headroom_plan_item_init (HeadroomPlanItem *self)
{
}

/*
 * Creates a row of a layout, the @rank-th of all, on GPUs of so much @memory.
 */
HeadroomPlanItem *
headroom_plan_item_new (const HrPlanChoice *choice,
                        guint               rank,
                        guint64             memory)
{
  HeadroomPlanItem *self = g_object_new (HEADROOM_TYPE_PLAN_ITEM, NULL);

  headroom_plan_item_take (self, choice);
  self->rank = rank;
  self->memory = memory;

  return self;
}

const HrPlanChoice *
headroom_plan_item_get_choice (HeadroomPlanItem *self)
{
  g_return_val_if_fail (HEADROOM_IS_PLAN_ITEM (self), NULL);

  return &self->choice;
}

void
headroom_plan_item_set_choice (HeadroomPlanItem   *self,
                               const HrPlanChoice *choice)
{
  g_return_if_fail (HEADROOM_IS_PLAN_ITEM (self));

  headroom_plan_item_take (self, choice);
  g_signal_emit (self, signals[CHANGED], 0);
}

/* Whether it fits, as exactly as its memory is known. */
gboolean
headroom_plan_item_fits (HeadroomPlanItem *self)
{
  g_return_val_if_fail (HEADROOM_IS_PLAN_ITEM (self), FALSE);

  return hr_plan_choice_get_bytes (&self->choice) <= self->memory;
}

/*
 * Gets the number in a column, which rows are sorted by.
 */
double
headroom_plan_item_get_value (HeadroomPlanItem   *self,
                              HeadroomPlanColumn  column)
{
  const HrLayoutStep *step = &self->choice.step;
  double bytes = hr_plan_choice_get_bytes (&self->choice);
  const double values[HEADROOM_N_PLAN_COLUMNS] = {
    [HEADROOM_PLAN_COLUMN_RANK] = self->rank,
    [HEADROOM_PLAN_COLUMN_RATE] = hr_plan_get_figure (&self->choice, HR_PLAN_FIGURE_RATE),
    [HEADROOM_PLAN_COLUMN_TOKEN] = hr_plan_get_figure (&self->choice, HR_PLAN_FIGURE_TOKEN),
    [HEADROOM_PLAN_COLUMN_PROMPT] = hr_plan_get_figure (&self->choice, HR_PLAN_FIGURE_PROMPT),
    [HEADROOM_PLAN_COLUMN_RUNNING] = hr_plan_get_figure (&self->choice, HR_PLAN_FIGURE_RUNNING),
    [HEADROOM_PLAN_COLUMN_AT_ONCE] = hr_plan_get_figure (&self->choice, HR_PLAN_FIGURE_AT_ONCE),
    [HEADROOM_PLAN_COLUMN_CACHE] = hr_plan_get_figure (&self->choice, HR_PLAN_FIGURE_CACHE),
    [HEADROOM_PLAN_COLUMN_SHARES] = self->choice.index,
    [HEADROOM_PLAN_COLUMN_STEP] = self->choice.time.total,
    [HEADROOM_PLAN_COLUMN_MEMORY] = bytes,
    [HEADROOM_PLAN_COLUMN_FREE] = self->memory - bytes,
    [HEADROOM_PLAN_COLUMN_TENSOR] = step->layout.tensor,
    [HEADROOM_PLAN_COLUMN_PIPELINE] = step->layout.pipeline,
    [HEADROOM_PLAN_COLUMN_PARTS] = step->layout.parts,
    [HEADROOM_PLAN_COLUMN_CONTEXT] = step->layout.context,
    [HEADROOM_PLAN_COLUMN_EXPERT] = step->layout.expert,
    [HEADROOM_PLAN_COLUMN_DATA] = step->layout.data,
    [HEADROOM_PLAN_COLUMN_ZERO] = step->layout.zero_stage,
    [HEADROOM_PLAN_COLUMN_CHECKPOINTING] = step->checkpointing,
    [HEADROOM_PLAN_COLUMN_MICRO_BATCH] = step->micro_batch,
    [HEADROOM_PLAN_COLUMN_MICRO_BATCHES] = step->n_micro_batches,
    [HEADROOM_PLAN_COLUMN_GPUS] = step->layout.n_ranks,
    [HEADROOM_PLAN_COLUMN_UTILIZATION] = self->choice.time.utilization,
    [HEADROOM_PLAN_COLUMN_CHECK] = self->choice.check == HR_PLAN_CHECK_EXACT ? 0 : 1,
  };

  g_return_val_if_fail (HEADROOM_IS_PLAN_ITEM (self) && column < HEADROOM_N_PLAN_COLUMNS, 0);

  return values[column];
}

/*
 * Puts what stands in a column into words.
 */
char *
headroom_plan_item_dup_text (HeadroomPlanItem   *self,
                             HeadroomPlanColumn  column,
                             HrUnitSystem        unit_system)
{
  double value = headroom_plan_item_get_value (self, column);

  switch (column)
    {
    case HEADROOM_PLAN_COLUMN_MEMORY:
      return hr_format_bytes (value, unit_system);

    case HEADROOM_PLAN_COLUMN_FREE:
      return value < 0 ? g_strdup (_("too large")) : hr_format_bytes (value, unit_system);

    case HEADROOM_PLAN_COLUMN_STEP:
      return self->choice.has_time ? hr_format_seconds (value) : g_strdup (C_("no figure", "—"));

    case HEADROOM_PLAN_COLUMN_UTILIZATION:
      return self->choice.has_time ? g_strdup_printf ("%.0f %%", 100 * value) : g_strdup (C_("no figure", "—"));

    case HEADROOM_PLAN_COLUMN_CHECKPOINTING:
      return g_strdup (hr_plan_get_checkpointing_label (&self->choice));

    case HEADROOM_PLAN_COLUMN_PIPELINE:
      return hr_plan_dup_stages (&self->choice.step);

    case HEADROOM_PLAN_COLUMN_CONTEXT:
      return hr_plan_dup_sharers (&self->choice.step);

    case HEADROOM_PLAN_COLUMN_CHECK:
      return g_strdup (hr_plan_check_get_label (self->choice.check));

    case HEADROOM_PLAN_COLUMN_RATE:
      return hr_plan_dup_figure (&self->choice, HR_PLAN_FIGURE_RATE);

    case HEADROOM_PLAN_COLUMN_TOKEN:
      return hr_plan_dup_figure (&self->choice, HR_PLAN_FIGURE_TOKEN);

    case HEADROOM_PLAN_COLUMN_PROMPT:
      return hr_plan_dup_figure (&self->choice, HR_PLAN_FIGURE_PROMPT);

    case HEADROOM_PLAN_COLUMN_RUNNING:
      return hr_plan_dup_figure (&self->choice, HR_PLAN_FIGURE_RUNNING);

    case HEADROOM_PLAN_COLUMN_AT_ONCE:
      return hr_plan_dup_figure (&self->choice, HR_PLAN_FIGURE_AT_ONCE);

    case HEADROOM_PLAN_COLUMN_CACHE:
      return hr_plan_dup_figure (&self->choice, HR_PLAN_FIGURE_CACHE);

    case HEADROOM_PLAN_COLUMN_SHARES:
      return hr_plan_dup_shares (&self->choice);

    case HEADROOM_PLAN_COLUMN_EXPERT:
      return hr_plan_dup_expert_sharers (&self->choice);

    case HEADROOM_PLAN_COLUMN_RANK:
    case HEADROOM_PLAN_COLUMN_TENSOR:
    case HEADROOM_PLAN_COLUMN_PARTS:
    case HEADROOM_PLAN_COLUMN_DATA:
    case HEADROOM_PLAN_COLUMN_ZERO:
    case HEADROOM_PLAN_COLUMN_MICRO_BATCH:
    case HEADROOM_PLAN_COLUMN_MICRO_BATCHES:
    case HEADROOM_PLAN_COLUMN_GPUS:
    case HEADROOM_N_PLAN_COLUMNS:
    default:
      return hr_format_integer (value);
    }
}
