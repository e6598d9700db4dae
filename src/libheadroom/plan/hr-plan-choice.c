/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-plan-choice.h"

#include "hr-job-enums.h"
#include "hr-sharing.h"

/*
 * hr_layout_step_init_from_job:
 * @self: (out): a layout
 * @job: a job
 * @n_gpus: how many GPUs it has
 *
 * Fills in the degrees by which a job is divided, for tables that have a column of each.
 */
void
hr_layout_step_init_from_job (HrLayoutStep *self,
                              HrJob        *job,
                              guint         n_gpus)
{
  HrLayout *layout = &self->layout;
  guint64 data;

  *self = (HrLayoutStep) {
    .layout = { .data = 1, .parts = 1, .context = 1, .expert = 1, .n_ranks = n_gpus },
    .micro_batch = 1, .n_micro_batches = 1,
  };
  g_object_get (job, "tensor-parallel", &layout->tensor, "pipeline-parallel", &layout->pipeline, "data-parallel", &data,
                "expert-parallel", &layout->expert, "context-parallel", &layout->context, NULL);
  layout->data = MAX (1, data);
  if (!hr_sharing_trains (job))
    return;

  if (data == 0)
    layout->data = MAX (1, n_gpus / (layout->tensor * layout->pipeline * layout->context));
  g_object_get (job, "zero-stage", &layout->zero_stage, "gradient-checkpointing", &self->checkpointing,
                "micro-batch-size", &self->micro_batch, "gradient-accumulation-steps", &self->n_micro_batches, NULL);
  layout->is_flat = hr_sharing_get_framework (job) == HR_TRAINING_FRAMEWORK_VERL;
}

/**
 * hr_plan_choice_get_bytes: (skip)
 * @self: a layout
 *
 * Returns: what a rank of it holds at its peak, as exactly as it is known
 */
guint64
hr_plan_choice_get_bytes (const HrPlanChoice *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->check == HR_PLAN_CHECK_EXACT ? self->exact_bytes : self->formula_bytes;
}

/**
 * hr_plan_choice_dup_change: (skip)
 * @self: a layout
 *
 * Writes a layout down as settings with their values, as hr_job_set_all_from_string() takes them, and how many GPUs it
 * has, as `gpus=8`.
 *
 * Returns: (transfer full): the settings
 */
char *
hr_plan_choice_dup_change (const HrPlanChoice *self)
{
  const HrLayout *layout = &self->step.layout;
  const struct
  {
    const char *setting;
    guint64 value;
  } numbers[] = {
    { "tensor-parallel", layout->tensor }, { "pipeline-parallel", layout->pipeline },
    { "virtual-pipeline-parallel", layout->parts },
    { "first-stage-layers", layout->first_layers }, { "last-stage-layers", layout->last_layers },
    { "context-parallel", layout->context }, { "ulysses-parallel", layout->exchange },
    { "expert-parallel", layout->expert }, { "data-parallel", layout->data }, { "zero-stage", layout->zero_stage },
    { "micro-batch-size", self->step.micro_batch }, { "gradient-accumulation-steps", self->step.n_micro_batches },
  };
  g_autoptr (GEnumClass) klass = g_type_class_ref (HR_TYPE_GRADIENT_CHECKPOINTING);
  g_autoptr (GString) text = g_string_new ("framework=megatron-lm");

  if (self->change != NULL)
    return g_strdup_printf ("%s gpus=%" G_GUINT64_FORMAT, self->change, layout->n_ranks);

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    g_string_append_printf (text, " %s=%" G_GUINT64_FORMAT, numbers[i].setting, numbers[i].value);
  g_string_append_printf (text, " sequence-parallel=%s count-embedding-as-layer=%s count-loss-as-layer=%s "
                                "gradient-checkpointing=%s",
                          layout->divides_sequence ? "true" : "false", layout->counts_embedding ? "true" : "false",
                          layout->counts_loss ? "true" : "false",
                          g_enum_get_value (klass, self->step.checkpointing)->value_nick);
  if (self->step.checkpointing == HR_GRADIENT_CHECKPOINTING_SELECTIVE)
    g_string_append (text, " selective-checkpointing=attention");
  if (layout->expert_tensor > 0)
    g_string_append_printf (text, " expert-tensor-parallel=%" G_GUINT64_FORMAT " moe-dispatcher=alltoall",
                            layout->expert_tensor);
  g_string_append_printf (text, " quantization=none gpus=%" G_GUINT64_FORMAT, layout->n_ranks);

  return g_string_free (g_steal_pointer (&text), FALSE);
}
