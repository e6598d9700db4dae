/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-sharing.h"

#include <string.h>

#include "hr-advice-private.h"
#include "hr-grpo-job.h"
#include "hr-inference-job.h"
#include "hr-multimodal-job.h"
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

/* A loop of one’s own on answers: TRL’s trainers have what shards the model. */
static const char * const own_loop_on_answers[] = {
  "framework=trl fsdp=full-shard fsdp-version=2",
  "framework=trl fsdp=full-shard fsdp-version=1",
};

static gboolean
is_on_answers (HrJob *job)
{
  return HR_IS_GRPO_JOB (job) && hr_grpo_job_get_algorithm (HR_GRPO_JOB (job)) != HR_ALGORITHM_SFT;
}

static gboolean
has_setting (HrJob      *job,
             const char *name)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (job), name) != NULL;
}

/*
 * hr_sharing_trains:
 * @job: a job
 *
 * Returns: whether it trains, whatever it reads
 */
gboolean
hr_sharing_trains (HrJob *job)
{
  return HR_IS_TRAINING_JOB (job) ||
         (HR_IS_MULTIMODAL_JOB (job) &&
          hr_multimodal_job_get_task (HR_MULTIMODAL_JOB (job)) == HR_MULTIMODAL_TASK_FINE_TUNING);
}

/*
 * hr_sharing_get_framework:
 * @job: a job that trains
 *
 * Returns: the program that runs it
 */
HrTrainingFramework
hr_sharing_get_framework (HrJob *job)
{
  int framework;

  g_object_get (job, "framework", &framework, NULL);

  return framework;
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
  HrTrainingFramework framework = hr_sharing_get_framework (job);

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
  if (hr_sharing_trains (job) && hr_sharing_get_framework (job) == HR_TRAINING_FRAMEWORK_PYTORCH)
    add_changes (ways, job, is_on_answers (job) ? own_loop_on_answers : own_loop, G_N_ELEMENTS (own_loop));
  else
    add_changes (ways, job, training, G_N_ELEMENTS (training));
  if (hr_sharing_trains (job))
    add_tensor_ways (ways, job, n_gpus);

  return ways;
}

/* All ways are looked for in a job that divides nothing but what is fixed. */
typedef struct
{
  HrJob *job;
  gboolean has_experts;
  guint64 n_gpus;
  const char * const *fixed;
  GPtrArray *ways;
} AllWays;

static gboolean
is_fixed (const AllWays *self,
          const char    *setting)
{
  return self->fixed != NULL && g_strv_contains (self->fixed, setting);
}

/* Whether the program that runs the job has such a setting. */
static gboolean
uses (const AllWays *self,
      const char    *setting)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (self->job), setting);

  return pspec != NULL && hr_job_uses_setting (self->job, pspec, NULL);
}

/* Whether a degree may be @value. */
static gboolean
allows (const AllWays *self,
        const char    *setting,
        guint64        value)
{
  guint64 given;

  if (!uses (self, setting))
    return value == 1;
  if (!is_fixed (self, setting))
    return TRUE;

  g_object_get (self->job, setting, &given, NULL);

  /* 0 copies are as many as there is room for. */
  return given == value || given == 0;
}

static void
append_degree (const AllWays *self,
               GString       *change,
               const char    *setting,
               guint64        value)
{
  if (uses (self, setting))
    g_string_append_printf (change, "%s%s=%" G_GUINT64_FORMAT, change->len > 0 ? " " : "", setting, value);
}

static void
take_engine_way (AllWays       *self,
                 const guint64 *degrees,
                 guint64        experts,
                 const char    *further)
{
  GString *change;

  if (!allows (self, "expert-parallel", experts))
    return;

  change = g_string_new (NULL);
  append_degree (self, change, "tensor-parallel", degrees[0]);
  append_degree (self, change, "pipeline-parallel", degrees[1]);
  append_degree (self, change, "data-parallel", degrees[2]);
  append_degree (self, change, "expert-parallel", experts);
  if (further != NULL)
    g_string_append_printf (change, " %s", further);
  g_ptr_array_add (self->ways, g_string_free (change, FALSE));
}

/* Experts are divided one by one, or each of them, among all that share them (hr-serving-layout). */
static void
take_expert_ways (AllWays       *self,
                  const guint64 *degrees,
                  guint64        n_sharers,
                  const char    *further)
{
  take_engine_way (self, degrees, 1, further);
  if (self->has_experts && n_sharers > 1)
    take_engine_way (self, degrees, n_sharers, further);
}

/* Copies of SGLang are whole, or of the attention alone (--enable-dp-attention). */
static void
take_sglang_ways (AllWays       *self,
                  const guint64 *degrees)
{
  static const char * const ways[] = { "dp-attention=false", "dp-attention=true" };
  gboolean given;

  g_object_get (self->job, "dp-attention", &given, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      gboolean shares = i == 1;

      if ((is_fixed (self, "dp-attention") && shares != given) || (shares && (!self->has_experts || degrees[2] == 1)))
        continue;

      take_expert_ways (self, degrees, shares ? degrees[0] * degrees[2] : degrees[0], ways[i]);
    }
}

/* transformers divides a model in one way at a time (hr_layout_init_inference()). */
static void
take_transformers_ways (AllWays       *self,
                        const guint64 *degrees)
{
  const guint64 copies[] = { 1, 1, degrees[2] };

  if (degrees[0] > 1 && degrees[1] > 1)
    return;

  take_engine_way (self, degrees, 1, NULL);
  if (self->has_experts && degrees[0] > 1)
    take_engine_way (self, copies, degrees[0], NULL);
}

static void
take_degrees (AllWays       *self,
              const guint64 *degrees)
{
  switch ((guint) hr_inference_job_get_engine (HR_INFERENCE_JOB (self->job)))
    {
    case HR_ENGINE_SGLANG:
      take_sglang_ways (self, degrees);
      break;

    case HR_ENGINE_TRANSFORMERS:
      take_transformers_ways (self, degrees);
      break;

    case HR_ENGINE_LMDEPLOY:
    case HR_ENGINE_TENSORRT_LLM:
      take_expert_ways (self, degrees, degrees[0], NULL);
      break;

    default:
      take_expert_ways (self, degrees, degrees[0] * degrees[2], NULL);
      break;
    }
}

/* Engines that divide by degrees: all that use each GPU. */
static void
list_degrees (AllWays *self)
{
  for (guint64 tensor = 1; tensor <= self->n_gpus; tensor++)
    {
      guint64 n_groups = self->n_gpus / tensor;

      if (self->n_gpus % tensor != 0 || !allows (self, "tensor-parallel", tensor))
        continue;
      for (guint64 pipeline = 1; pipeline <= n_groups; pipeline++)
        {
          const guint64 degrees[] = { tensor, pipeline, n_groups / pipeline };

          if (n_groups % pipeline == 0 && allows (self, "pipeline-parallel", pipeline) &&
              allows (self, "data-parallel", degrees[2]))
            take_degrees (self, degrees);
        }
    }
}

/* What copies of a model that is trained share; with @is_group there are several groups of ranks that do. */
static const struct
{
  const char *settings;
  gboolean is_group;
} shares[] = {
  { "fsdp=none zero-stage=0" },
  { "fsdp=full-shard fsdp-version=2 zero-stage=0" },
  { "fsdp=shard-grad-op fsdp-version=2 zero-stage=0" },
  { "fsdp=hybrid-shard fsdp-version=2 zero-stage=0", TRUE },
  { "fsdp=full-shard fsdp-version=1 zero-stage=0" },
  { "fsdp=shard-grad-op fsdp-version=1 zero-stage=0" },
  { "fsdp=hybrid-shard fsdp-version=1 zero-stage=0", TRUE },
  { "fsdp=none zero-stage=1" },
  { "fsdp=none zero-stage=2" },
  { "fsdp=none zero-stage=3" },
};

/* Whether a value divides nothing. */
static gboolean
is_undivided (const char *setting,
              const char *value)
{
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      if (g_str_equal (settings[i].setting, setting))
        return g_str_equal (settings[i].undivided, value);
    }

  return g_str_equal (value, "1");
}

/* Leaves out what says nothing; %NULL where the program has no such setting, or it is to stay as it is. */
static char *
keep_used (const AllWays *self,
           const char    *change)
{
  g_auto (GStrv) parts = g_strsplit (change, " ", -1);
  g_autoptr (HrJob) job = hr_job_copy (self->job);
  g_autoptr (GString) kept = g_string_new (NULL);

  if (!hr_job_set_all_from_string (job, change, NULL))
    return NULL;

  for (guint i = 0; parts[i] != NULL; i++)
    {
      char *value = strchr (parts[i], '=');
      g_autofree char *given = NULL;
      GParamSpec *setting;
      gboolean is_used;

      *value++ = '\0';
      setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), parts[i]);
      is_used = hr_job_uses_setting (job, setting, NULL);
      given = hr_job_get_as_string (self->job, parts[i]);
      if (!is_used && !is_undivided (parts[i], value) && !g_str_equal (parts[i], "fsdp-version"))
        return NULL;
      if (is_fixed (self, parts[i]) && !g_str_equal (given, value) &&
          !(g_str_equal (parts[i], "data-parallel") && g_str_equal (given, "0")))
        return NULL;
      if (is_used)
        g_string_append_printf (kept, "%s%s=%s", kept->len > 0 ? " " : "", parts[i], value);
    }

  return g_string_free (g_steal_pointer (&kept), FALSE);
}

static void
take_training_way (AllWays    *self,
                   const char *change)
{
  char *kept = keep_used (self, change);

  if (kept != NULL && *kept != '\0' && !g_ptr_array_find_with_equal_func (self->ways, kept, g_str_equal, NULL))
    g_ptr_array_add (self->ways, kept);
  else
    g_free (kept);
}

/* The ranks of a layout that read different data share what they may share; of groups all numbers are taken. */
static void
take_shares (AllWays    *self,
             const char *degrees,
             guint64     n_copies)
{
  HrTrainingFramework framework = hr_sharing_get_framework (self->job);

  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      guint64 most = shares[i].is_group ? n_copies / 2 : 1;

      if (i > 0 && n_copies == 1)
        break;
      /* OpenRLHF has no copies that share nothing: its second stage is what it does where nothing is said. */
      if (i == 0 && n_copies > 1 && framework == HR_TRAINING_FRAMEWORK_OPENRLHF)
        continue;
      for (guint64 n_groups = shares[i].is_group ? 2 : 1; n_groups <= most; n_groups++)
        {
          g_autofree char *change = NULL;

          if (n_copies % n_groups != 0)
            continue;
          change = g_strdup_printf ("%s %s data-parallel-replicas=%" G_GUINT64_FORMAT, degrees, shares[i].settings,
                                    n_groups);
          take_training_way (self, change);
        }
    }
}

/*
 * torchtitan always shards, with copies of that where it is told so; what is gathered may stay until its gradients are
 * there (fsdp_reshard_after_forward never), as it does beside a pipeline.
 */
static void
take_titan_shares (AllWays    *self,
                   const char *degrees,
                   guint64     n_copies,
                   gboolean    has_pipeline)
{
  for (guint64 n_groups = 1; n_groups <= n_copies; n_groups++)
    {
      g_autofree char *change = NULL;
      g_autofree char *stays = NULL;

      if (n_copies % n_groups != 0)
        continue;
      change = g_strdup_printf ("%s data-parallel-replicas=%" G_GUINT64_FORMAT, degrees, n_groups);
      take_training_way (self, change);
      if (n_groups == n_copies || has_pipeline)
        continue;
      stays = g_strconcat (change, " fsdp=shard-grad-op", NULL);
      take_training_way (self, stays);
    }
}

/* Ranks of torchtitan may share sequences as well, two, four or eight of them and so on. */
static void
take_titan_ways (AllWays *self,
                 guint64  tensor,
                 guint64  pipeline,
                 guint64  n_sharers)
{
  for (guint64 context = 1; context <= n_sharers; context *= 2)
    {
      guint64 n_copies = n_sharers / context;
      g_autofree char *degrees = NULL;

      if (n_sharers % context != 0)
        continue;
      degrees = g_strdup_printf ("tensor-parallel=%" G_GUINT64_FORMAT " pipeline-parallel=%" G_GUINT64_FORMAT
                                 " context-parallel=%" G_GUINT64_FORMAT " data-parallel=%" G_GUINT64_FORMAT "%s",
                                 tensor, pipeline, context, n_copies, tensor > 1 ? " sequence-parallel=true" : "");
      take_titan_shares (self, degrees, n_copies, pipeline > 1);
    }
}

static void
list_training (AllWays    *self,
               const char *prefix)
{
  gboolean is_titan = hr_sharing_get_framework (self->job) == HR_TRAINING_FRAMEWORK_TORCHTITAN;

  for (guint64 tensor = 1; tensor <= self->n_gpus; tensor++)
    {
      guint64 n_groups = self->n_gpus / tensor;

      for (guint64 pipeline = 1; pipeline <= n_groups && self->n_gpus % tensor == 0; pipeline++)
        {
          guint64 n_copies = n_groups / pipeline;
          g_autofree char *degrees = NULL;

          if (n_groups % pipeline != 0)
            continue;
          if (is_titan)
            {
              take_titan_ways (self, tensor, pipeline, n_copies);
              continue;
            }
          degrees = g_strdup_printf ("%stensor-parallel=%" G_GUINT64_FORMAT " pipeline-parallel=%" G_GUINT64_FORMAT
                                     " data-parallel=%" G_GUINT64_FORMAT, prefix, tensor, pipeline, n_copies);
          take_shares (self, degrees, n_copies);
        }
    }
}

/* A loop of one’s own has nothing that shards a model; Transformers’ Trainer has, and so have those of TRL. */
static void
list_own_loop (AllWays *self)
{
  gboolean is_trl = is_on_answers (self->job);

  list_training (self, "");
  if (hr_sharing_get_framework (self->job) != HR_TRAINING_FRAMEWORK_PYTORCH ||
      is_fixed (self, "framework"))
    return;

  g_object_set (self->job, "framework", is_trl ? HR_TRAINING_FRAMEWORK_TRL : HR_TRAINING_FRAMEWORK_TRANSFORMERS, NULL);
  list_training (self, is_trl ? "framework=trl " : "framework=transformers ");
}

/*
 * hr_sharing_list_all:
 * @job: a job of inference or training
 * @model: its model
 * @n_gpus: how many GPUs there are
 * @fixed: (nullable) (array zero-terminated=1): settings that stay
 *
 * Lists all ways in which the program of a job divides it among so many GPUs, with copies of the model where it makes
 * any. Whether one of them can be estimated is for the estimator to say.
 *
 * Returns: (transfer full) (element-type utf8): changes of the job that set all that the program is told of it, each
 *   settings as `name=value` with blanks between, which may be none
 */
GPtrArray *
hr_sharing_list_all (HrJob              *job,
                     HrModel            *model,
                     guint               n_gpus,
                     const char * const *fixed)
{
  g_autoptr (HrJob) copy = hr_job_copy (job);
  AllWays self = { copy, hr_model_has_experts (model), n_gpus, fixed, g_ptr_array_new_with_free_func (g_free) };

  hr_sharing_reset (copy, fixed);
  if (hr_sharing_trains (job))
    list_own_loop (&self);
  else
    list_degrees (&self);
  /* What is told nothing divides the model by itself. */
  if (self.ways->len == 0 && !uses (&self, "tensor-parallel"))
    g_ptr_array_add (self.ways, g_strdup (""));

  return self.ways;
}

/**
 * hr_sharing_complete_change: (skip)
 * @job: a job
 * @change: a way to share it, as hr_sharing_list() or hr_sharing_list_all() has it, with more settings behind it
 *
 * Adds to a change of a job that divides nothing what makes any job of the kind of @job such a one.
 *
 * Returns: (transfer full): a change
 */
char *
hr_sharing_complete_change (HrJob      *job,
                            const char *change)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_return_val_if_fail (HR_IS_JOB (job) && change != NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      if (has_setting (job, settings[i].setting))
        g_string_append_printf (text, "%s=%s ", settings[i].setting, settings[i].undivided);
    }
  g_string_append (text, change);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/*
 * hr_sharing_dup_shares:
 * @change: one of those that hr_sharing_list_all() lists
 *
 * Writes down what ranks share that read different data, with the names that are the same in all languages.
 *
 * Returns: (transfer full): a text such as “FSDP 2”, “ZeRO 3” or “HSDP 2 × 4”, which are four groups that share by
 *   FSDP 2; “DDP” where each has all
 */
char *
hr_sharing_dup_shares (const char *change)
{
  g_auto (GStrv) parts = g_strsplit (change, " ", -1);
  const char *fsdp = NULL, *version = NULL, *zero = NULL, *groups = NULL;

  for (guint i = 0; parts[i] != NULL; i++)
    {
      const char *value = strchr (parts[i], '=');

      if (g_str_has_prefix (parts[i], "fsdp="))
        fsdp = value + 1;
      else if (g_str_has_prefix (parts[i], "fsdp-version="))
        version = value + 1;
      else if (g_str_has_prefix (parts[i], "zero-stage="))
        zero = value + 1;
      else if (g_str_has_prefix (parts[i], "data-parallel-replicas=") && !g_str_has_suffix (parts[i], "=1"))
        groups = value + 1;
    }

  if (zero != NULL && !g_str_equal (zero, "0"))
    return g_strdup_printf ("ZeRO %s", zero);
  if (groups != NULL)
    return g_strdup_printf ("%s %s × %s", g_strcmp0 (fsdp, "shard-grad-op") == 0 ? "SGO" : "HSDP",
                            version != NULL ? version : "2", groups);
  if (fsdp != NULL && !g_str_equal (fsdp, "none"))
    return g_strdup_printf ("%s %s", g_str_equal (fsdp, "shard-grad-op") ? "SGO" : "FSDP",
                            version != NULL ? version : "2");

  return g_strdup (fsdp != NULL || zero != NULL ? "DDP" : "FSDP 2");
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
