/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-report-steps.h"

#include <glib/gi18n-lib.h>

#include "hr-estimator.h"
#include "hr-labels.h"
#include "hr-pipeline-schedule.h"
#include "hr-report-private.h"

/*
 * What each stage of a pipeline keeps for backward passes, by the schedule that its ranks go by, and what its GPU takes
 * where torch runs it.
 */

/* Of a longer pipeline the first stage, one between, and the last. */
#define MAX_STAGES 8

/* How many parts a rank has where a schedule has several, and the job does not say. */
#define USUAL_PARTS 2

/* Those that have labels of their own are values of the setting with several parts on each rank. */
static const struct
{
  HrPipelineSchedule schedule;
  const char *id;
  gboolean has_parts;
  const char *label;
} schedules[] = {
  { HR_PIPELINE_SCHEDULE_GPIPE, "gpipe", FALSE, NULL },
  { HR_PIPELINE_SCHEDULE_GPIPE, "looped-bfs", TRUE, N_("Looped BFS: GPipe with several parts on each rank") },
  { HR_PIPELINE_SCHEDULE_1F1B, "1f1b", FALSE, NULL },
  { HR_PIPELINE_SCHEDULE_1F1B, "interleaved", TRUE, N_("Interleaved 1F1B: several parts on each rank") },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, "zero-bubble", FALSE, NULL },
  { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, "interleaved-zero-bubble", TRUE,
    N_("Zero bubble with several parts on each rank") },
  { HR_PIPELINE_SCHEDULE_ZBV, "zbv", TRUE, NULL },
  { HR_PIPELINE_SCHEDULE_DUALPIPE_V, "dualpipe-v", TRUE, NULL },
};

static const char *
get_label (HrReport *self,
           guint     schedule)
{
  HrJob *job = hr_report_get_job (self);
  GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), "pipeline-schedule");

  return schedules[schedule].label != NULL ? _(schedules[schedule].label)
                                           : hr_setting_get_choice_label (setting, schedules[schedule].schedule);
}

static guint64
get_number (HrReport   *self,
            const char *name)
{
  g_autofree char *text = hr_job_get_as_string (hr_report_get_job (self), name);

  return text != NULL ? g_ascii_strtoull (text, NULL, 10) : 0;
}

static HrEstimate *
estimate (HrReport   *self,
          const char *n_micro_batches)
{
  g_autoptr (HrJob) job = hr_job_copy (hr_report_get_job (self));

  if (!hr_job_set_from_string (job, "gradient-accumulation-steps", n_micro_batches, NULL) ||
      !hr_job_set_from_string (job, "virtual-pipeline-parallel", "1", NULL))
    return NULL;

  return hr_estimator_run_for_sizes (hr_report_get_model (self), job, NULL, 1, NULL);
}

/*
 * What a stage keeps of a micro-batch: what two of them take beyond one, on a stage that keeps both. The last one never
 * does, and has as many layers as the one before it.
 */
static gboolean
count_kept (HrReport *self,
            guint64   n_stages,
            guint64  *bytes)
{
  g_autoptr (HrEstimate) one = estimate (self, "1");
  g_autoptr (HrEstimate) two = estimate (self, "2");

  if (one == NULL || two == NULL || hr_estimate_get_n_devices (one) != n_stages ||
      hr_estimate_get_n_devices (two) != n_stages)
    return FALSE;

  for (guint64 i = 0; i < n_stages; i++)
    {
      guint64 stage = MIN (i, n_stages - 2);
      guint64 less = hr_estimate_get_device_bytes (one, stage);
      guint64 more = hr_estimate_get_device_bytes (two, stage);

      if (more < less)
        return FALSE;
      bytes[i] = more - less;
    }

  return TRUE;
}

static gboolean
is_torch (HrReport *self)
{
  g_autofree char *framework = hr_job_get_as_string (hr_report_get_job (self), "framework");

  return g_strcmp0 (framework, "pytorch") == 0 || g_strcmp0 (framework, "torchtitan") == 0;
}

/* What the GPUs of all stages take where torch runs the pipeline by a schedule. */
static HrEstimate *
estimate_schedule (HrReport *self,
                   guint     schedule,
                   guint64   n_parts)
{
  g_autoptr (HrJob) job = hr_job_copy (hr_report_get_job (self));

  if (!is_torch (self))
    return NULL;

  g_object_set (job, "pipeline-schedule", schedules[schedule].schedule, "virtual-pipeline-parallel", n_parts, NULL);

  return hr_estimator_run_for_sizes (hr_report_get_model (self), job, NULL, hr_report_get_n_gpus (self), NULL);
}

static void
add_stage (HrAnatomyTable *table,
           guint           schedule,
           guint64         n_stages,
           guint64         n_parts,
           guint64         n_micro_batches,
           guint64         stage,
           const guint64  *bytes,
           HrEstimate     *whole)
{
  g_autofree char *id = g_strdup_printf ("%s-%" G_GUINT64_FORMAT, schedules[schedule].id, stage + 1);
  g_autofree char *number = hr_format_integer (stage + 1);
  /* Translators: the number of a stage of a pipeline */
  g_autofree char *label = g_strdup_printf (_("Stage %s of the pipeline"), number);
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 1, id, label);
  HrPipelineLoad load;

  hr_pipeline_schedule_count (schedules[schedule].schedule, n_stages, n_parts, n_micro_batches, stage, &load);
  hr_anatomy_row_set (row, 0, HR_ANATOMY_UNIT_COUNT, load.n_kept);
  hr_anatomy_row_set (row, 1, HR_ANATOMY_UNIT_COUNT, load.n_waiting);
  if (whole != NULL && hr_estimate_get_n_devices (whole) == n_stages)
    hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_BYTES, hr_estimate_get_device_bytes (whole, stage));
  if (bytes == NULL)
    return;

  hr_anatomy_row_set (row, 2, HR_ANATOMY_UNIT_BYTES, bytes[stage] / n_parts * load.n_kept);
  row->formula = g_strdup ("n·A/v");
  row->substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, load.n_kept,
                                       bytes[stage], n_parts);
}

static void
add_schedule (HrReport       *self,
              HrAnatomyTable *table,
              guint           schedule,
              guint64         n_stages,
              const guint64  *bytes)
{
  guint64 n_micro_batches = get_number (self, "gradient-accumulation-steps");
  guint64 set = get_number (self, "virtual-pipeline-parallel");
  guint64 n_parts = !schedules[schedule].has_parts ? 1
                    : !hr_pipeline_schedule_goes_back (schedules[schedule].schedule) && set > 1 ? set : USUAL_PARTS;
  g_autoptr (HrEstimate) whole = NULL;
  HrAnatomyRow *row = hr_anatomy_table_add_row (table, 0, schedules[schedule].id, get_label (self, schedule));

  row->is_heading = TRUE;
  if (!hr_pipeline_schedule_is_known (schedules[schedule].schedule, n_stages, n_parts, n_micro_batches))
    {
      row->note = g_strdup (_("not for so many micro-batches"));
      return;
    }

  whole = estimate_schedule (self, schedule, n_parts);
  for (guint64 i = 0; i < n_stages; i++)
    {
      if (n_stages <= MAX_STAGES || i == 0 || i == n_stages / 2 || i + 1 == n_stages)
        add_stage (table, schedule, n_stages, n_parts, n_micro_batches, i, bytes, whole);
    }
}

static const char *
get_explanation (HrReport *self)
{
  if (is_torch (self))
    return _("How many micro-batches of a part of the layers a stage keeps what backward passes need of, and what its "
             "GPU takes at the most, with all that waits for gradients of weights and all that is sent and received. "
             "Where a layout is not known in bytes, the cell is empty.");

  return _("What a stage keeps of a micro-batch between its forward and its backward pass is A, a v-th of it where a "
           "rank has v parts of the layers. Where gradients of weights are computed later, that stays until then, and "
           "what each matrix was given as the gradient of its output waits with it, which is not counted. GPipe, 1F1B "
           "and the others are those of torch.distributed.pipelining, which torchtitan runs; Megatron-LM has 1F1B, "
           "interleaved or not, and DeepSpeed 1F1B.");
}

/**
 * hr_report_create_pipeline: (skip)
 * @self: a report
 *
 * Sets the schedules of a pipeline side by side: how many micro-batches each stage keeps what backward passes need of,
 * at the most, for how many of them gradients of weights wait, and what that takes; where torch runs the pipeline, what
 * the whole GPU takes.
 *
 * Returns: (transfer full) (nullable): a table, or %NULL if the job has no pipeline
 */
HrAnatomyTable *
hr_report_create_pipeline (HrReport *self)
{
  HrMode mode;
  guint64 n_stages;
  g_autofree guint64 *bytes = NULL;
  gboolean has_bytes;
  HrAnatomyTable *table;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  mode = hr_job_get_mode (hr_report_get_job (self));
  n_stages = get_number (self, "pipeline-parallel");
  if ((mode != HR_MODE_TRAINING && mode != HR_MODE_FINE_TUNING) || n_stages < 2 ||
      hr_estimate_get_method (hr_report_get_estimate (self)) != HR_ESTIMATE_METHOD_EXACT)
    return NULL;

  bytes = g_new0 (guint64, n_stages);
  has_bytes = !is_torch (self) && count_kept (self, n_stages, bytes);
  table = hr_anatomy_table_new ("pipeline", _("Schedules of the Pipeline Compared"), get_explanation (self),
                                _("Schedule"));
  hr_anatomy_table_add_column (table, "kept", _("Kept at once (n)"));
  hr_anatomy_table_add_column (table, "waiting", _("Of these, weights wait"));
  if (is_torch (self))
    hr_anatomy_table_add_column (table, "whole", _("The GPU takes"));
  else
    hr_anatomy_table_add_column (table, "bytes", _("Kept activations"));
  for (guint i = 0; i < G_N_ELEMENTS (schedules); i++)
    add_schedule (self, table, i, n_stages, has_bytes ? bytes : NULL);

  return table;
}
