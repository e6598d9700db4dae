/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-sharing.h"

#include <string.h>

#include "hr-advice-private.h"
#include "hr-inference-job.h"
#include "hr-training-job.h"

/*
 * How several GPUs share one copy of a model: each engine and framework has ways of its own, which have to be asked
 * for. Without one of them more GPUs hold more copies, and a model that is too large for one stays so.
 */

/* Ranks that share a layer talk to each other several times in each, which they do within a machine. */
#define MAX_TENSOR_PARALLEL 8

/* What a job may divide, and what it is where nothing is divided. */
static const struct
{
  const char *setting;
  const char *undivided;
} settings[] = {
  { "tensor-parallel", "1" },
  { "pipeline-parallel", "1" },
  { "expert-parallel", "1" },
  { "context-parallel", "1" },
  { "data-parallel", "0" },
  { "fsdp", "none" },
  { "zero-stage", "0" },
};

/* Of jobs that train: parameters, gradients and states of the optimizer are divided among copies. */
static const char * const training[] = {
  "fsdp=full-shard fsdp-version=2",
  "fsdp=full-shard fsdp-version=1",
  "zero-stage=3",
};

/* A loop of one’s own has nothing that shards a model; Transformers’ Trainer has. */
static const char * const own_loop[] = {
  "framework=transformers fsdp=full-shard fsdp-version=2",
  "framework=transformers fsdp=full-shard fsdp-version=1",
};

static gboolean
has_setting (HrJob      *job,
             const char *name)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (job), name) != NULL;
}

/* Whether the job says itself how it is divided. */
static gboolean
is_divided (HrJob *job)
{
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autofree char *value = has_setting (job, settings[i].setting)
                                 ? hr_job_get_as_string (job, settings[i].setting) : NULL;

      if (value != NULL && !g_str_equal (value, settings[i].undivided) && !g_str_equal (value, "1"))
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_sharing_reset:
 * @job: a job
 * @fixed: (nullable) (array zero-terminated=1): settings that stay
 *
 * Has a job divide nothing.
 */
void
hr_sharing_reset (HrJob              *job,
                  const char * const *fixed)
{
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      if (has_setting (job, settings[i].setting) &&
          (fixed == NULL || !g_strv_contains (fixed, settings[i].setting)))
        hr_job_set_from_string (job, settings[i].setting, settings[i].undivided, NULL);
    }
}

/* Takes @change. */
static void
add_way (GPtrArray *ways,
         HrJob     *job,
         char      *change)
{
  g_autoptr (HrJob) changed = hr_job_copy (job);

  if (_hr_advice_make_change (changed, change))
    g_ptr_array_add (ways, change);
  else
    g_free (change);
}

static void
add_changes (GPtrArray          *ways,
             HrJob              *job,
             const char * const *changes,
             guint               n_changes)
{
  for (guint i = 0; i < n_changes; i++)
    add_way (ways, job, g_strdup (changes[i]));
}

/* As many as may share each layer do, as no other way is faster; the others are stages. */
static void
add_engine_ways (GPtrArray *ways,
                 HrJob     *job,
                 guint      n_gpus)
{
  for (guint tensor = MIN (n_gpus, MAX_TENSOR_PARALLEL); tensor > 0; tensor--)
    {
      if (n_gpus % tensor != 0)
        continue;
      if (tensor == n_gpus)
        add_way (ways, job, g_strdup_printf ("tensor-parallel=%u", tensor));
      else if (tensor > 1)
        add_way (ways, job, g_strdup_printf ("tensor-parallel=%u pipeline-parallel=%u", tensor, n_gpus / tensor));
      else
        add_way (ways, job, g_strdup_printf ("pipeline-parallel=%u", n_gpus));
    }
}

/* Of frameworks that divide a model in training: torchtitan beside what it shards anyway, transformers for itself. */
static void
add_tensor_ways (GPtrArray *ways,
                 HrJob     *job,
                 guint      n_gpus)
{
  HrTrainingFramework framework = hr_training_job_get_framework (HR_TRAINING_JOB (job));

  for (guint tensor = MIN (n_gpus, MAX_TENSOR_PARALLEL); tensor > 1; tensor--)
    {
      if (framework == HR_TRAINING_FRAMEWORK_TORCHTITAN && n_gpus % tensor == 0)
        add_way (ways, job, g_strdup_printf ("tensor-parallel=%u sequence-parallel=true", tensor));
      if (framework == HR_TRAINING_FRAMEWORK_TRANSFORMERS && n_gpus == tensor)
        add_way (ways, job, g_strdup_printf ("tensor-parallel=%u", tensor));
    }
}

/*
 * hr_sharing_list:
 * @job: a job
 * @n_gpus: how many GPUs there are
 *
 * Lists the ways in which GPUs may share the model of a job; whether one of them can be estimated is for the estimator
 * to say.
 *
 * Returns: (transfer full) (element-type utf8): changes of the job, each settings as `name=value` with blanks between,
 *   the fastest first; none where there is one GPU, or the job says itself how it is divided
 */
GPtrArray *
hr_sharing_list (HrJob *job,
                 guint  n_gpus)
{
  GPtrArray *ways = g_ptr_array_new_with_free_func (g_free);

  if (n_gpus < 2 || is_divided (job))
    return ways;

  if (HR_IS_INFERENCE_JOB (job))
    add_engine_ways (ways, job, n_gpus);
  if (HR_IS_TRAINING_JOB (job) &&
      hr_training_job_get_framework (HR_TRAINING_JOB (job)) == HR_TRAINING_FRAMEWORK_PYTORCH)
    add_changes (ways, job, own_loop, G_N_ELEMENTS (own_loop));
  else
    add_changes (ways, job, training, G_N_ELEMENTS (training));
  if (HR_IS_TRAINING_JOB (job))
    add_tensor_ways (ways, job, n_gpus);

  return ways;
}

/*
 * hr_sharing_dup_text:
 * @change: one of those that hr_sharing_list() lists
 *
 * Writes a way down, with the names that are the same in all languages.
 *
 * Returns: (transfer full): a text, such as “TP 4 · PP 2”
 */
char *
hr_sharing_dup_text (const char *change)
{
  static const struct
  {
    const char *setting;
    const char *name;
  } names[] = {
    { "tensor-parallel", "TP" }, { "pipeline-parallel", "PP" }, { "fsdp-version", "FSDP" }, { "zero-stage", "ZeRO" },
  };
  g_auto (GStrv) parts = g_strsplit (change, " ", -1);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      char *value = strchr (parts[i], '=');

      *value++ = '\0';
      for (guint j = 0; j < G_N_ELEMENTS (names); j++)
        {
          if (g_str_equal (parts[i], names[j].setting))
            g_string_append_printf (text, "%s%s %s", text->len > 0 ? " · " : "", names[j].name, value);
        }
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}
