/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <math.h>
#include <string.h>

#include "hr-compute.h"
#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-fine-tuning-job.h"
#include "hr-gpu-catalogue.h"
#include "hr-layout-space.h"
#include "hr-least-gpus.h"
#include "hr-planner.h"
#include "hr-sharing.h"
#include "hr-roofline.h"

/* The heads and the layers of this one have several divisors each. */
#define SMALL_LLAMA \
  "{ \"model_type\": \"llama\", \"vocab_size\": 32000, \"hidden_size\": 1536, \"intermediate_size\": 4608," \
  "  \"num_hidden_layers\": 12, \"num_attention_heads\": 12, \"num_key_value_heads\": 4, \"head_dim\": 128," \
  "  \"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\" }"

#define NETWORK G_GUINT64_CONSTANT (50000000000)

static HrModel *
create_model (void)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_data (SMALL_LLAMA, -1, "small", &error);

  g_assert_no_error (error);

  return model;
}

static HrJob *
create_job (void)
{
  HrJob *job = hr_job_new (HR_MODE_TRAINING);

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, "sequence-length", (guint64) 1024, NULL);

  return job;
}

static HrGpu *
look_up_gpu (const char *name)
{
  g_autoptr (GError) error = NULL;
  HrGpu *gpu = hr_gpu_catalogue_lookup (name, &error);

  g_assert_no_error (error);

  return gpu;
}

static void
set_layout (HrJob              *job,
            const HrLayoutStep *step)
{
  const HrLayout *layout = &step->layout;

  g_object_set (job, "tensor-parallel", layout->tensor, "sequence-parallel", layout->divides_sequence,
                "pipeline-parallel", layout->pipeline, "virtual-pipeline-parallel", layout->parts, "context-parallel",
                layout->context, "ulysses-parallel", MAX (layout->exchange, 1), "expert-parallel", layout->expert,
                "data-parallel", layout->data, "zero-stage", layout->zero_stage, "count-embedding-as-layer",
                layout->counts_embedding, "count-loss-as-layer", layout->counts_loss, "first-stage-layers",
                layout->first_layers, "last-stage-layers", layout->last_layers, "micro-batch-size", step->micro_batch,
                "gradient-accumulation-steps", step->n_micro_batches, "gradient-checkpointing",
                step->checkpointing, "selective-checkpointing", HR_SELECTIVE_CHECKPOINTING_ATTENTION,
                "expert-tensor-parallel", G_GUINT64_CONSTANT (1), "moe-dispatcher", HR_MOE_DISPATCHER_ALLTOALL, NULL);
}

/* Formulas held against the estimator, over a sample of the layouts that it replays. */
typedef struct
{
  HrModel *model;
  HrJob *job;
  HrGpu *gpu;
  HrLayoutParts *parts;
  guint every;
  guint n;
  GArray *errors;
} Comparison;

static void
compare (const HrLayoutStep *step,
         const HrDivision   *division,
         gpointer            user_data)
{
  Comparison *self = user_data;
  g_autoptr (HrJob) job = NULL;
  g_autoptr (HrEstimate) estimate = NULL;
  double formula, exact, error;
  guint stage;

  if (step->layout.zero_stage > 1 || self->n++ % self->every != 0)
    return;

  job = hr_job_copy (self->job);
  set_layout (job, step);
  estimate = hr_estimator_run_for_sizes (self->model, job, self->gpu, step->layout.n_ranks, NULL);
  g_assert_nonnull (estimate);
  formula = hr_layout_parts_get_peak (self->parts, step, division, &stage) +
            hr_cluster_get_beside (self->gpu, hr_layout_parts_groups_products (self->parts));
  exact = hr_estimate_get_least_bytes (estimate);
  error = fabs (formula / exact - 1);
  g_array_append_val (self->errors, error);
}

static gint
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  return *(const double *) a < *(const double *) b ? -1 : *(const double *) a > *(const double *) b;
}

/*
 * What is measured is said. The layouts are those of Megatron-LM that the estimator replays to the byte, with rings of
 * keys and values or without, and with experts to which tokens are sent.
 */
static void
check_formulas (const char *name,
                const char *settings,
                gboolean    with_rings,
                guint64     tokens,
                guint       n_gpus,
                guint       n_sequences,
                guint       every,
                double      most_median,
                double      most)
{
  const char * const fixed[] = { with_rings ? NULL : "context-parallel", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (name, &error);
  g_autoptr (HrJob) job = create_job ();
  g_autoptr (HrGpu) gpu = look_up_gpu ("h100-sxm5-80gb");
  g_autoptr (HrLayoutParts) parts = NULL;
  g_autoptr (HrLayoutSpace) space = NULL;
  g_autoptr (GArray) errors = g_array_new (FALSE, FALSE, sizeof (double));
  Comparison comparison = { model, job, gpu, NULL, every, 0, errors };

  g_assert_no_error (error);
  g_object_set (job, "sequence-length", tokens, "dtype", HR_DTYPE_BFLOAT16, "quantization", HR_QUANTIZATION_NONE, NULL);
  hr_job_set_all_from_string (job, settings, &error);
  g_assert_no_error (error);
  comparison.parts = parts = hr_layout_parts_new (model, HR_TRAINING_JOB (job), n_gpus, &error);
  g_assert_no_error (error);
  space = hr_layout_space_new (parts, HR_TRAINING_JOB (job), n_gpus, n_sequences, fixed);
  for (guint i = 0; i < hr_layout_space_get_n_groups (space); i++)
    hr_layout_space_visit (space, i, compare, &comparison);

  g_assert_cmpuint (errors->len, >, 20);
  g_array_sort (errors, compare_doubles);
  g_test_message ("%s: %u of %u layouts, median %.3f %%, worst %.3f %%", name, errors->len, comparison.n,
                  100 * g_array_index (errors, double, errors->len / 2),
                  100 * g_array_index (errors, double, errors->len - 1));
  g_assert_cmpfloat (g_array_index (errors, double, errors->len / 2), <, most_median);
  g_assert_cmpfloat (g_array_index (errors, double, errors->len - 1), <, most);
}

static void
formulas_are_near_what_is_replayed (void)
{
  check_formulas ("meta-llama/Meta-Llama-3-8B", "", FALSE, 4096, 64, 64, 17, 0.0001, 0.001);
  check_formulas ("meta-llama/Meta-Llama-3-70B", "", FALSE, 8192, 512, 1024, 97, 0.0001, 0.001);
  check_formulas ("meta-llama/Meta-Llama-3.1-405B", "", FALSE, 8192, 2048, 2048, 97, 0.0001, 0.001);
  check_formulas ("openai-community/gpt2-xl", "", FALSE, 1024, 64, 64, 7, 0.0001, 0.005);
  check_formulas ("meta-llama/Meta-Llama-3-8B", "", TRUE, 8192, 64, 64, 37, 0.0001, 0.015);
  check_formulas ("mistralai/Mixtral-8x7B-v0.1", "", FALSE, 4096, 64, 64, 97, 0.0005, 0.015);
  check_formulas ("deepseek-ai/DeepSeek-V3", "", FALSE, 4096, 256, 512, 29, 0.0005, 0.015);
  check_formulas ("Qwen/Qwen3-30B-A3B", "", FALSE, 4096, 64, 64, 97, 0.0005, 0.015);
  check_formulas ("meta-llama/Meta-Llama-3-8B", "loss-implementation=megatron-fused", FALSE, 4096, 64, 64, 17, 0.0001,
                  0.001);
  check_formulas ("meta-llama/Meta-Llama-3-8B", "deferred-head-gradients=2", FALSE, 4096, 64, 64, 17, 0.0001, 0.001);
}

/* All layouts that the planner finds, as text. */
static void
note (const HrLayoutStep *step,
      const HrDivision   *division,
      gpointer            user_data)
{
  const HrLayout *layout = &step->layout;

  g_assert_cmpuint (division->layout.pipeline, ==, layout->pipeline);
  g_hash_table_add (user_data,
                    g_strdup_printf ("%d %d %d %d %d %d %d %d %d", (int) layout->tensor, (int) layout->pipeline,
                                     (int) layout->parts, (int) layout->data, (int) layout->zero_stage,
                                     (int) step->micro_batch, (int) step->n_micro_batches, layout->counts_loss,
                                     (int) layout->first_layers));
}

#define MOST_GPUS 12
#define SEQUENCES 12

static GHashTable *
list_found (HrModel *model)
{
  static const char * const fixed[] = { "context-parallel", "expert-parallel", "gradient-checkpointing",
                                        "data-parallel", NULL };
  GHashTable *found = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (HrJob) job = create_job ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrLayoutParts) parts = hr_layout_parts_new (model, HR_TRAINING_JOB (job), MOST_GPUS, &error);

  g_assert_no_error (error);
  for (guint64 data = 1; data <= MOST_GPUS; data++)
    {
      g_autoptr (HrLayoutSpace) space = NULL;

      g_object_set (job, "data-parallel", data, NULL);
      space = hr_layout_space_new (parts, HR_TRAINING_JOB (job), MOST_GPUS, SEQUENCES, fixed);
      for (guint i = 0; i < hr_layout_space_get_n_groups (space); i++)
        hr_layout_space_visit (space, i, note, found);
    }

  return found;
}

/* Whether an estimate is made of a layout. */
static gboolean
is_estimated (HrModel            *model,
              const HrLayoutStep *step)
{
  g_autoptr (HrJob) job = create_job ();
  g_autoptr (HrEstimate) estimate = NULL;

  set_layout (job, step);
  estimate = hr_estimator_run_for_sizes (model, job, NULL, 1, NULL);

  return estimate != NULL;
}

typedef struct
{
  HrModel *model;
  GHashTable *found;
  guint n;
  guint n_refused;
} Sweep;

static void
check_layout (Sweep        *self,
              HrLayoutStep *step)
{
  const HrLayout *layout = &step->layout;
  guint64 each = SEQUENCES / layout->data;
  g_autofree char *key = NULL;
  gboolean is_found;

  if (SEQUENCES % layout->data != 0 || each % step->micro_batch != 0)
    return;

  step->n_micro_batches = each / step->micro_batch;
  key = g_strdup_printf ("%d %d %d %d %d %d %d %d %d", (int) layout->tensor, (int) layout->pipeline,
                         (int) layout->parts, (int) layout->data, (int) layout->zero_stage, (int) step->micro_batch,
                         (int) step->n_micro_batches, layout->counts_loss, (int) layout->first_layers);
  is_found = g_hash_table_contains (self->found, key);
  if (is_found != is_estimated (self->model, step))
    g_error ("%s: found %d", key, is_found);
  self->n++;
  self->n_refused += !is_found;
}

static void
check_copies (Sweep        *self,
              HrLayoutStep *step)
{
  HrLayout *layout = &step->layout;

  for (layout->data = 1; layout->tensor * layout->pipeline * layout->data <= MOST_GPUS; layout->data++)
    {
      for (layout->zero_stage = 0; layout->zero_stage <= (layout->data > 1 ? 1 : 0); layout->zero_stage++)
        {
          for (step->micro_batch = 1; step->micro_batch <= SEQUENCES; step->micro_batch++)
            check_layout (self, step);
        }
    }
}

/* The planner takes what the estimator takes, and nothing else, of all degrees that there might be. */
static void
layouts_are_those_that_are_estimated (void)
{
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (GHashTable) found = list_found (model);
  Sweep sweep = { model, found, 0, 0 };
  HrLayoutStep step = { .layout = { .context = 1, .expert = 1 } };
  HrLayout *layout = &step.layout;

  for (layout->tensor = 1; layout->tensor <= MOST_GPUS; layout->tensor++)
    {
      layout->divides_sequence = layout->tensor > 1;
      for (layout->pipeline = 1; layout->tensor * layout->pipeline <= MOST_GPUS; layout->pipeline++)
        {
          for (layout->parts = 1; layout->parts <= 4; layout->parts++)
            {
              layout->counts_embedding = layout->counts_loss = FALSE;
              check_copies (&sweep, &step);
              layout->counts_embedding = layout->counts_loss = TRUE;
              if (layout->pipeline > 1 && 2 * layout->pipeline * layout->parts <= 12 + 2)
                check_copies (&sweep, &step);
            }
        }
    }

  g_assert_cmpuint (sweep.n_refused, >, 100);
  g_assert_cmpuint (sweep.n - sweep.n_refused, >, 100);
}

/* Twelve layers on @pipeline stages: what the layouts that are found say of the outer ones. */
typedef struct
{
  guint64 pipeline;
  guint64 first_layers;
  guint64 last_layers;
  guint n;
} Outer;

static void
note_outer (const HrLayoutStep *step,
            const HrDivision   *division G_GNUC_UNUSED,
            gpointer            user_data)
{
  Outer *self = user_data;

  if (step->layout.pipeline != self->pipeline)
    return;
  g_assert_true (self->n == 0 || self->first_layers == step->layout.first_layers);
  self->first_layers = step->layout.first_layers;
  self->last_layers = step->layout.last_layers;
  self->n++;
}

static void
find_outer (Outer              *self,
            HrJob              *job,
            const char * const *fixed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrLayoutParts) parts = hr_layout_parts_new (model, HR_TRAINING_JOB (job), MOST_GPUS, &error);
  g_autoptr (HrLayoutSpace) space = NULL;

  g_assert_no_error (error);
  space = hr_layout_space_new (parts, HR_TRAINING_JOB (job), MOST_GPUS, SEQUENCES, fixed);
  for (guint i = 0; i < hr_layout_space_get_n_groups (space); i++)
    hr_layout_space_visit (space, i, note_outer, self);
}

/* Five stages of twelve layers have 2, 3, 3, 3 and 1; eight would leave none for the outer ones. */
static void
stages_that_layers_do_not_divide_have_fewer_at_the_ends (void)
{
  static const char * const fixed[] = { "first-stage-layers", "last-stage-layers", NULL };
  g_autoptr (HrJob) job = create_job ();
  Outer five = { .pipeline = 5 }, eight = { .pipeline = 8 }, four = { .pipeline = 4 }, said = { .pipeline = 4 };

  find_outer (&five, job, NULL);
  g_assert_cmpuint (five.n, >, 0);
  g_assert_cmpuint (five.first_layers, ==, 2);
  g_assert_cmpuint (five.last_layers, ==, 1);
  find_outer (&eight, job, NULL);
  g_assert_cmpuint (eight.n, ==, 0);
  find_outer (&four, job, NULL);
  g_assert_cmpuint (four.n, >, 0);
  g_assert_cmpuint (four.first_layers + four.last_layers, ==, 0);

  g_object_set (job, "first-stage-layers", G_GUINT64_CONSTANT (3), "last-stage-layers", G_GUINT64_CONSTANT (1), NULL);
  find_outer (&said, job, fixed);
  g_assert_cmpuint (said.n, >, 0);
  g_assert_cmpuint (said.first_layers, ==, 3);
  g_assert_cmpuint (said.last_layers, ==, 1);
}

static HrPlanner *
create_planner (HrModel *model,
                guint    n_gpus,
                guint64  network)
{
  g_autoptr (HrJob) job = create_job ();
  g_autoptr (HrGpu) gpu = look_up_gpu ("a100-sxm4-40gb");
  const HrCluster cluster = { gpu, n_gpus, 8, network };
  g_autoptr (GError) error = NULL;
  HrPlanner *planner = hr_planner_new (model, job, &cluster, 48, NULL, &error);

  g_assert_no_error (error);

  return planner;
}

static void
assert_same (const HrPlanner *one,
             const HrPlanner *other)
{
  g_assert_cmpuint (hr_planner_get_n_layouts (one), ==, hr_planner_get_n_layouts (other));
  g_assert_cmpuint (hr_planner_get_n_fitting (one), ==, hr_planner_get_n_fitting (other));
  g_assert_cmpuint (hr_planner_get_n_choices (one), ==, hr_planner_get_n_choices (other));
  g_assert_cmpuint (hr_planner_get_n_listed (one), ==, hr_planner_get_n_listed (other));
  for (guint i = 0; i < hr_planner_get_n_listed (one); i++)
    {
      const HrPlanChoice *a = hr_planner_get_choice (one, i), *b = hr_planner_get_choice (other, i);

      g_assert_cmpmem (&a->step, sizeof a->step, &b->step, sizeof b->step);
      g_assert_cmpuint (a->formula_bytes, ==, b->formula_bytes);
    }
}

/* Of layouts that take as long, to the microsecond, those that divide less come first. */
static void
check_order (const HrPlanChoice *one,
             const HrPlanChoice *other)
{
  const HrLayout *a = &one->step.layout, *b = &other->step.layout;
  gint64 one_time = one->time.total * 1e6, other_time = other->time.total * 1e6;

  g_assert_cmpint (one_time, <=, other_time);
  if (one_time == other_time)
    g_assert_cmpuint (a->tensor * a->pipeline * a->context * a->expert, <=,
                      b->tensor * b->pipeline * b->context * b->expert);
}

static void
the_fastest_come_first_and_fit (void)
{
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrPlanner) planner = create_planner (model, 16, NETWORK);
  const HrPlanChoice *before = NULL;

  g_assert_true (hr_planner_run (planner, NULL));
  g_assert_null (hr_planner_get_missing (planner));
  g_assert_cmpuint (hr_planner_get_n_choices (planner), >, 100);
  for (guint i = 0; i < hr_planner_get_n_choices (planner); i++)
    {
      const HrPlanChoice *choice = hr_planner_get_choice (planner, i);

      g_assert_true (choice->has_time);
      if (before != NULL)
        check_order (before, choice);
      g_assert_cmpuint (choice->formula_bytes, <=, hr_gpu_get_usable_memory (hr_planner_get_cluster (planner)->gpu));
      g_assert_cmpuint (choice->step.layout.n_ranks, <=, 16);
      g_assert_cmpuint (choice->step.layout.data * choice->step.micro_batch * choice->step.n_micro_batches, ==, 48);
      before = choice;
    }
}

/* What does not fit follows what does, so that one sees how much is missing. */
static void
what_takes_least_of_the_others_follows (void)
{
  static const struct
  {
    guint64 n_gpus;
    gboolean fits;
  } cases[] = { { 2, FALSE }, { 4, TRUE } };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("meta-llama/Meta-Llama-3-8B", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrPlanner) planner = create_planner (model, cases[i].n_gpus, NETWORK);
      guint64 memory = hr_gpu_get_usable_memory (hr_planner_get_cluster (planner)->gpu);
      guint64 before = memory + 1;

      g_assert_true (hr_planner_run (planner, NULL));
      g_assert_cmpint (hr_planner_get_n_choices (planner) > 0, ==, cases[i].fits);
      g_assert_cmpuint (hr_planner_get_n_listed (planner), >, hr_planner_get_n_choices (planner));
      g_assert_cmpuint (hr_planner_get_n_listed (planner), ==,
                        MIN (hr_planner_get_n_layouts (planner), HR_PLANNER_MAX_CHOICES));
      for (guint j = hr_planner_get_n_choices (planner); j < hr_planner_get_n_listed (planner); j++)
        {
          const HrPlanChoice *choice = hr_planner_get_choice (planner, j);

          g_assert_true (choice->has_time);
          g_assert_cmpuint (choice->formula_bytes, >=, before);
          before = choice->formula_bytes;
        }
      if (!cases[i].fits)
        g_assert_cmpuint (hr_planner_get_choice (planner, 0)->formula_bytes, ==, hr_planner_get_least_bytes (planner));
      g_assert_false (hr_planner_step (planner));
    }
}

static void
what_is_found_does_not_depend_on_chance (void)
{
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrPlanner) one = create_planner (model, 16, NETWORK);
  g_autoptr (HrPlanner) other = create_planner (model, 16, NETWORK);

  g_assert_true (hr_planner_run (one, NULL));
  while (hr_planner_step (other))
    continue;
  assert_same (one, other);
}

/* A search that is given up keeps what it has, and goes on where it was. */
static void
a_search_can_be_cancelled_and_goes_on (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("meta-llama/Meta-Llama-3.1-405B", &error);
  g_autoptr (HrPlanner) planner = NULL;
  g_autoptr (HrPlanner) whole = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_assert_no_error (error);
  planner = create_planner (model, 2048, NETWORK);
  whole = create_planner (model, 2048, NETWORK);
  g_assert_true (hr_planner_step (planner));
  g_assert_cmpfloat (hr_planner_get_progress (planner), >, 0);
  g_assert_cmpfloat (hr_planner_get_progress (planner), <, 1);

  g_cancellable_cancel (cancellable);
  g_assert_false (hr_planner_run (planner, cancellable));
  g_assert_false (hr_planner_is_done (planner));

  g_assert_true (hr_planner_run (planner, NULL));
  g_assert_cmpfloat (hr_planner_get_progress (planner), ==, 1);
  g_assert_true (hr_planner_run (whole, NULL));
  assert_same (planner, whole);
}

/* What is checked is marked as exact where it is replayed, and has what an estimate says. */
static void
what_is_checked_is_what_an_estimate_says (void)
{
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrPlanner) planner = create_planner (model, 16, NETWORK);
  guint n, n_exact = 0;

  g_assert_true (hr_planner_run (planner, NULL));
  n = MIN (hr_planner_get_n_choices (planner), 60);
  hr_planner_check (planner, n);
  for (guint i = 0; i < n; i++)
    {
      const HrPlanChoice *choice = hr_planner_get_choice (planner, i);
      g_autoptr (HrJob) job = hr_planner_create_job (planner, choice);
      g_autoptr (HrEstimate) estimate =
        hr_estimator_run_for_sizes (model, job, hr_planner_get_cluster (planner)->gpu, choice->step.layout.n_ranks,
                                    NULL);

      g_assert_cmpint (choice->check, ==, estimate != NULL ? HR_PLAN_CHECK_EXACT : HR_PLAN_CHECK_FORMULA);
      if (estimate == NULL)
        continue;
      n_exact++;
      g_assert_cmpuint (hr_plan_choice_get_bytes (choice), ==, hr_estimate_get_total_bytes (estimate));
    }
  g_assert_cmpuint (n_exact, >, 0);
}

static void
no_time_is_invented_without_a_network (void)
{
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrPlanner) within = create_planner (model, 8, 0);
  g_autoptr (HrPlanner) beyond = create_planner (model, 16, 0);
  guint64 before = 0;

  g_assert_null (hr_planner_get_missing (within));
  g_assert_nonnull (hr_planner_get_missing (beyond));
  g_assert_true (hr_planner_run (beyond, NULL));
  for (guint i = 0; i < hr_planner_get_n_choices (beyond); i++)
    {
      const HrPlanChoice *choice = hr_planner_get_choice (beyond, i);

      g_assert_false (choice->has_time);
      g_assert_cmpuint (choice->formula_bytes, >=, before);
      before = choice->formula_bytes;
    }
}

/* Volta has tensor cores for fp16 and none for bf16, so that a step has a time by what it is computed in. */
static void
what_is_multiplied_decides_whether_there_is_a_time (void)
{
  static const char * const dtypes[] = { "bfloat16", "float16" };

  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = create_model ();
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("v100-sxm2-32gb", &error);
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
      const HrCluster cluster = { gpu, 2, 8, 0, FALSE };
      HrPlanner *planner;

      g_assert_no_error (error);
      g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_TRANSFORMERS, NULL);
      g_assert_true (hr_job_set_from_string (job, "autocast", dtypes[i], &error));
      planner = hr_planner_new (model, job, &cluster, 2, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (hr_planner_get_missing (planner) == NULL, ==, i == 1);
      g_assert_true (hr_planner_run (planner, NULL));
      g_assert_cmpuint (hr_planner_get_n_choices (planner), >, 0);
      g_assert_cmpint (hr_planner_get_choice (planner, 0)->has_time, ==, i == 1);
      hr_planner_free (planner);
    }
}

/* Degrees that are said stay; all others vary. */
static void
what_is_fixed_stays (void)
{
  static const char * const fixed[] = { "tensor-parallel", "micro-batch-size", "gradient-checkpointing", NULL };
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrJob) job = create_job ();
  g_autoptr (HrGpu) gpu = look_up_gpu ("a100-sxm4-40gb");
  const HrCluster cluster = { gpu, 16, 8, NETWORK };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrPlanner) planner = NULL;
  guint64 pipelines = 0;

  g_object_set (job, "tensor-parallel", (guint64) 4, "micro-batch-size", (guint64) 2, "gradient-checkpointing",
                HR_GRADIENT_CHECKPOINTING_FULL, NULL);
  planner = hr_planner_new (model, job, &cluster, 48, fixed, &error);
  g_assert_no_error (error);
  g_assert_true (hr_planner_run (planner, NULL));
  for (guint i = 0; i < hr_planner_get_n_choices (planner); i++)
    {
      const HrLayoutStep *step = &hr_planner_get_choice (planner, i)->step;

      g_assert_cmpuint (step->layout.tensor, ==, 4);
      g_assert_cmpuint (step->micro_batch, ==, 2);
      g_assert_cmpint (step->checkpointing, ==, HR_GRADIENT_CHECKPOINTING_FULL);
      pipelines |= G_GUINT64_CONSTANT (1) << step->layout.pipeline;
    }
  g_assert_cmpuint (pipelines, >, 1 << 1);
}

static void
assert_refused (HrModel    *model,
                HrJob      *job,
                const char *reason)
{
  g_autoptr (HrGpu) gpu = look_up_gpu ("a100-sxm4-40gb");
  const HrCluster cluster = { gpu, 8, 8, 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrPlanner) planner = hr_planner_new (model, job, &cluster, 8, NULL, &error);

  g_assert_null (planner);
  g_assert_nonnull (error);
  if (strstr (error->message, reason) == NULL)
    g_error ("expected “%s” in “%s”", reason, error->message);
}

static void
jobs_without_known_layouts_are_refused (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrModel) encoder = hr_model_new_from_id ("google-t5/t5-small", &error);
  g_autoptr (HrJob) answers = hr_job_new (HR_MODE_MULTIMODAL);
  g_autoptr (HrJob) tuning = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (HrJob) job = create_job ();
  g_autoptr (HrJob) eager = create_job ();

  g_assert_no_error (error);
  assert_refused (model, answers, "fine-tuning");
  g_object_set (tuning, "fine-tuning-method", HR_FINE_TUNING_METHOD_LORA, "framework",
                HR_TRAINING_FRAMEWORK_MEGATRON_LM, NULL);
  assert_refused (model, tuning, "training");
  assert_refused (encoder, job, "decoder");
  g_object_set (job, "optimizer", HR_OPTIMIZER_KIND_ADAFACTOR, NULL);
  assert_refused (model, job, "optimizer");
  g_object_set (eager, "attention", HR_ATTENTION_IMPLEMENTATION_EAGER, NULL);
  assert_refused (model, eager, "attention");
}

static HrPlanner *
plan (HrModel    *model,
      HrMode      mode,
      const char *settings,
      guint       n_gpus,
      guint64     sequences)
{
  g_autoptr (HrJob) job = hr_job_new (mode);
  g_autoptr (HrGpu) gpu = look_up_gpu ("h100-sxm5-80gb");
  const HrCluster cluster = { gpu, n_gpus, 8, NETWORK };
  g_autoptr (GError) error = NULL;
  HrPlanner *planner;

  hr_job_set_all_from_string (job, settings, &error);
  g_assert_no_error (error);
  planner = hr_planner_new (model, job, &cluster, sequences, NULL, &error);
  g_assert_no_error (error);
  hr_planner_run (planner, NULL);

  return planner;
}

static HrPlanner *
plan_serving (HrModel    *model,
              const char *settings,
              guint       n_gpus)
{
  return plan (model, HR_MODE_INFERENCE, settings, n_gpus, 8);
}

/* A GPU alone takes what its roofline says, and exchanges nothing. */
static void
a_lone_gpu_answers_as_fast_as_its_roofline_says (void)
{
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrPlanner) planner = plan_serving (model, "engine=vllm prompt-length=512 output-length=65", 1);
  const HrPlanChoice *choice = hr_planner_get_choice (planner, 0);
  g_autoptr (HrJob) job = hr_planner_create_job (planner, choice);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrCompute) compute = hr_compute_new (model, job, hr_planner_get_cluster (planner)->gpu, 1, &error);
  double prompt, token;

  g_assert_no_error (error);
  g_assert_cmpuint (hr_planner_get_n_layouts (planner), ==, 1);
  prompt = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_PREFILL)->fused.typical;
  token = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_DECODE)->fused.typical;
  g_assert_cmpfloat_with_epsilon (choice->serving.prompt, prompt, 1e-12);
  g_assert_cmpfloat_with_epsilon (choice->serving.token, token, 1e-12);
  g_assert_cmpfloat_with_epsilon (choice->time.total, prompt + 64 * token, 1e-9);
  g_assert_cmpfloat_with_epsilon (choice->serving.rate, 8 * 65 / choice->time.total, 1e-6);
}

static const HrPlanChoice *
find_choice (const HrPlanner *planner,
             guint64          tensor,
             guint64          pipeline,
             guint64          data)
{
  for (guint i = 0; i < hr_planner_get_n_listed (planner); i++)
    {
      const HrPlanChoice *choice = hr_planner_get_choice (planner, i);
      const HrLayout *layout = &choice->step.layout;

      if (layout->tensor == tensor && layout->pipeline == pipeline && layout->data == data)
        return choice;
    }

  g_assert_not_reached ();
}

/*
 * Copies answer half of the requests each, as fast as one GPU does; of a pipeline each stage has its turn with half of
 * them; ranks that share layers have more than half of what one takes, as heads of keys and values are divided but what
 * is added up has to be sent.
 */
static void
divided_models_answer_as_their_parts_do (void)
{
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrPlanner) two = plan_serving (model, "engine=vllm output-length=64", 2);
  const HrPlanChoice *copies = find_choice (two, 1, 1, 2);
  const HrPlanChoice *stages = find_choice (two, 1, 2, 1);
  const HrPlanChoice *shares = find_choice (two, 2, 1, 1);
  g_autoptr (HrPlanner) whole = plan_serving (model, "engine=vllm output-length=64", 1);
  const HrPlanChoice *one = hr_planner_get_choice (whole, 0);

  g_assert_cmpuint (hr_planner_get_n_layouts (two), ==, 3);
  g_assert_cmpuint (copies->serving.running, ==, 8);
  g_assert_cmpfloat (copies->serving.token, <, one->serving.token);
  g_assert_cmpfloat (stages->serving.token, >, copies->serving.token);
  g_assert_cmpfloat (shares->serving.token, >, one->serving.token / 2);
  g_assert_cmpfloat (shares->serving.prompt, <, one->serving.prompt);
  g_assert_cmpuint (copies->serving.at_once, >, one->serving.at_once);
}

/*
 * Copies that exchange nothing but gradients take what one GPU does of the same micro-batches, and no longer where the
 * way back hides that; what is computed anew takes longer; those that share their states step less of them.
 */
static void
steps_are_shared_as_the_framework_shares_them (void)
{
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrPlanner) planner = plan (model, HR_MODE_FINE_TUNING, "framework=transformers fine-tuning-method=full "
                                        "dtype=bfloat16 sequence-length=2048", 4, 16);
  g_autoptr (GError) error = NULL;
  const HrPlanChoice *copies = NULL, *sharded = NULL, *again = NULL;
  g_autoptr (HrCompute) compute = NULL;
  g_autoptr (HrJob) alone = NULL;

  for (guint i = 0; i < hr_planner_get_n_listed (planner); i++)
    {
      const HrPlanChoice *choice = hr_planner_get_choice (planner, i);
      gboolean keeps = choice->step.checkpointing == HR_GRADIENT_CHECKPOINTING_NONE;

      if (choice->step.layout.tensor != 1 || choice->step.micro_batch != 2)
        continue;
      if (strstr (choice->change, "fsdp=none zero-stage=0") != NULL)
        *(keeps ? &copies : &again) = choice;
      if (strstr (choice->change, "fsdp=full-shard fsdp-version=2") != NULL && keeps)
        sharded = choice;
    }
  g_assert_true (copies != NULL && again != NULL && sharded != NULL);

  alone = hr_planner_create_job (planner, copies);
  g_object_set (alone, "data-parallel", (guint64) 1, NULL);
  compute = hr_compute_new (model, alone, hr_planner_get_cluster (planner)->gpu, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (copies->step.n_micro_batches, ==, 2);
  g_assert_cmpfloat_with_epsilon (copies->time.compute + copies->time.optimizer,
                                  hr_compute_get_phase (compute, 0)->time.typical, 1e-9);
  g_assert_cmpfloat_with_epsilon (copies->time.total, copies->time.compute + copies->time.optimizer + copies->time.data,
                                  1e-9);
  g_assert_cmpfloat_with_epsilon (sharded->time.optimizer, copies->time.optimizer / 4, 1e-12);
  g_assert_cmpfloat (again->time.total, >, copies->time.total);
  g_assert_cmpuint (sharded->exact_bytes, <, copies->exact_bytes);
}

/* Parameters of torchtitan that stay when they are whole take memory, and are gathered once less. */
static void
parameters_may_stay_gathered (void)
{
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrPlanner) planner = plan (model, HR_MODE_TRAINING, "framework=torchtitan sequence-length=2048", 4, 4);
  const HrPlanChoice *anew = NULL, *stays = NULL;

  for (guint i = 0; i < hr_planner_get_n_listed (planner); i++)
    {
      const HrPlanChoice *choice = hr_planner_get_choice (planner, i);
      g_autofree char *shares = choice->change != NULL ? hr_sharing_dup_shares (choice->change) : NULL;

      if (choice->step.layout.data != 4 || choice->step.checkpointing != HR_GRADIENT_CHECKPOINTING_NONE)
        continue;
      if (g_strcmp0 (shares, "FSDP 2") == 0)
        anew = choice;
      if (g_strcmp0 (shares, "SGO 2") == 0)
        stays = choice;
    }
  g_assert_true (anew != NULL && stays != NULL);
  g_assert_cmpuint (stays->exact_bytes, >, anew->exact_bytes);
  g_assert_cmpfloat (stays->time.total, <=, anew->time.total);
}

/*
 * torchtitan's layouts of all kinds are listed, and a rank that has half of a sequence, and half of what copies share,
 * takes less than one of as many copies, though each gathers keys and values.
 */
static void
layouts_of_torchtitan_share_layers_stages_and_sequences (void)
{
  g_autoptr (HrModel) model = create_model ();
  g_autoptr (HrPlanner) planner = plan (model, HR_MODE_TRAINING, "framework=torchtitan sequence-length=2048", 8, 8);
  const HrPlanChoice *whole = NULL, *half = NULL;
  gboolean has_all = FALSE;

  for (guint i = 0; i < hr_planner_get_n_listed (planner); i++)
    {
      const HrPlanChoice *choice = hr_planner_get_choice (planner, i);
      const HrLayout *layout = &choice->step.layout;
      g_autofree char *shares = choice->change != NULL ? hr_sharing_dup_shares (choice->change) : NULL;

      has_all |= layout->tensor == 2 && layout->pipeline == 2 && layout->context == 2;
      if (layout->tensor * layout->pipeline > 1 || choice->step.checkpointing != HR_GRADIENT_CHECKPOINTING_NONE ||
          choice->step.micro_batch > 1 || g_strcmp0 (shares, "FSDP 2") != 0)
        continue;
      if (layout->data == 8)
        whole = choice;
      if (layout->data == 4 && layout->context == 2)
        half = choice;
    }
  g_assert_true (has_all && whole != NULL && half != NULL);
  g_assert_cmpuint (half->exact_bytes, <, whole->exact_bytes);
  g_assert_true (half->has_time && whole->has_time);
  g_assert_cmpfloat (half->time.total, >, whole->time.total);
}

static GArray *
list_least (HrModel   *model,
            GPtrArray *gpus,
            guint      most)
{
  g_autoptr (HrJob) job = create_job ();
  g_autoptr (GError) error = NULL;
  GArray *found = hr_least_gpus_list (model, job, gpus, 64, most, NULL, NULL, &error);

  g_assert_no_error (error);

  return found;
}

/* One GPU less is not enough, and those that are enough are. */
static void
the_fewest_gpus_are_the_fewest (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("meta-llama/Meta-Llama-3-8B", &error);
  g_autoptr (GPtrArray) gpus = g_ptr_array_new_with_free_func (g_object_unref);
  static const char * const names[] = { "rtx-4090", "a100-sxm4-40gb", "a100-sxm4-80gb", "h200-sxm5-141gb" };
  g_autoptr (GArray) found = NULL;
  guint64 before = 0;

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_ptr_array_add (gpus, look_up_gpu (names[i]));
  found = list_least (model, gpus, 256);
  g_assert_cmpuint (found->len, ==, G_N_ELEMENTS (names));

  for (guint i = 0; i < found->len; i++)
    {
      const HrLeastGpus *least = &g_array_index (found, HrLeastGpus, i);
      g_autoptr (GPtrArray) one = g_ptr_array_new ();
      g_autoptr (GArray) fewer = NULL;

      g_assert_cmpuint (least->n_gpus, >=, MAX (before, 1));
      g_assert_cmpuint (least->n_gpus, ==, least->step.layout.n_ranks);
      g_assert_cmpuint (least->bytes, <=, hr_gpu_get_usable_memory (least->gpu));
      before = least->n_gpus;
      if (least->n_gpus == 1)
        continue;

      g_ptr_array_add (one, least->gpu);
      fewer = list_least (model, one, least->n_gpus - 1);
      g_assert_cmpuint (g_array_index (fewer, HrLeastGpus, 0).n_gpus, ==, 0);
    }
}

/* What an estimate says of so many GPUs with a change of a job. */
static gboolean
fits_on (HrModel    *model,
         HrJob      *job,
         HrGpu      *gpu,
         guint       n_gpus,
         const char *change,
         guint64    *bytes)
{
  g_autoptr (HrJob) changed = hr_job_copy (job);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;
  HrFit fit;

  if (change != NULL)
    hr_job_set_all_from_string (changed, change, &error);
  g_assert_no_error (error);
  estimate = hr_estimator_run (model, changed, gpu, n_gpus, NULL);
  if (estimate == NULL)
    return FALSE;

  hr_estimate_compare_with_gpu (estimate, gpu, n_gpus, &fit);
  *bytes = fit.peak_bytes;

  return fit.fits;
}

/* Jobs that are not planned are estimated: as many GPUs as are told are enough, and fewer are not. */
static void
the_fewest_gpus_of_other_jobs_are_the_fewest (void)
{
  static const struct
  {
    HrMode mode;
    const char *settings;
    const char *gpu;
    guint64 n_gpus;
    const char *change;   /* of those that are as many */
    const char *fewer;    /* of one less */
  } cases[] = {
    { HR_MODE_INFERENCE, "engine=vllm max-model-len=8192", "h100-sxm5-80gb", 2, "tensor-parallel=2", NULL },
    { HR_MODE_INFERENCE, "engine=vllm max-model-len=8192", "a100-sxm4-40gb", 4, "tensor-parallel=4",
      "pipeline-parallel=3" },
    { HR_MODE_INFERENCE, "", "a100-sxm4-40gb", 4, NULL, NULL },
    { HR_MODE_FINE_TUNING, "framework=trl gradient-checkpointing=full", "a100-sxm4-40gb", 5,
      "fsdp=full-shard fsdp-version=2", "fsdp=full-shard fsdp-version=2" },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("meta-llama/Meta-Llama-3.1-70B-Instruct", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrJob) job = hr_job_new (cases[i].mode);
      g_autoptr (GPtrArray) gpus = g_ptr_array_new_with_free_func (g_object_unref);
      g_autoptr (GArray) found = NULL;
      const HrLeastGpus *least;
      guint64 bytes = 0;

      hr_job_set_all_from_string (job, cases[i].settings, &error);
      g_assert_no_error (error);
      g_ptr_array_add (gpus, look_up_gpu (cases[i].gpu));
      found = hr_least_gpus_list (model, job, gpus, 1, 64, NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (found->len, ==, 1);
      least = &g_array_index (found, HrLeastGpus, 0);
      g_test_message ("%s: %s", cases[i].settings, least->change);
      g_assert_true (least->is_exact);
      g_assert_cmpuint (least->n_gpus, ==, cases[i].n_gpus);
      g_assert_cmpstr (least->change, ==, cases[i].change);
      g_assert_true (fits_on (model, job, least->gpu, least->n_gpus, least->change, &bytes));
      g_assert_cmpuint (bytes, ==, least->bytes);
      g_assert_false (fits_on (model, job, least->gpu, least->n_gpus - 1, cases[i].fewer, &bytes));
    }
}

/* What a step computes is that of the towers too, and the tokens of images count among those of a sequence. */
static void
models_that_see_are_shared_as_others_are (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-VL-3B-Instruct", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_MULTIMODAL);
  g_autoptr (HrGpu) gpu = look_up_gpu ("h100-sxm5-80gb");
  const HrCluster cluster = { gpu, 4, 8, NETWORK };
  g_autoptr (HrPlanner) planner = NULL;
  g_autoptr (HrJob) text = NULL;
  g_autoptr (HrPlanner) of_text = NULL;
  const HrPlanChoice *zero = NULL, *sharded = NULL;

  g_assert_no_error (error);
  hr_job_set_all_from_string (job, "task=fine-tuning framework=transformers fine-tuning-method=full dtype=bfloat16 "
                              "text-tokens=256 images=1 image-width=448 image-height=448", &error);
  g_assert_no_error (error);
  planner = hr_planner_new (model, job, &cluster, 4, NULL, &error);
  g_assert_no_error (error);
  hr_planner_run (planner, NULL);
  for (guint i = 0; i < hr_planner_get_n_listed (planner); i++)
    {
      const HrPlanChoice *choice = hr_planner_get_choice (planner, i);

      if (choice->step.checkpointing != HR_GRADIENT_CHECKPOINTING_NONE)
        continue;
      if (strstr (choice->change, "zero-stage=3") != NULL)
        zero = choice;
      if (strstr (choice->change, "fsdp=full-shard fsdp-version=2") != NULL)
        sharded = choice;
    }
  g_assert_true (zero != NULL && sharded != NULL);
  g_assert_true (zero->has_time && sharded->has_time);

  /* 448 × 448 pixels are 16 × 16 merged patches. */
  g_assert_cmpuint (hr_planner_get_n_tokens (planner), ==, 4 * (256 + 256));
  text = hr_job_copy (job);
  g_object_set (text, "images", (guint64) 0, "text-tokens", (guint64) 512, NULL);
  of_text = hr_planner_new (model, text, &cluster, 4, NULL, &error);
  g_assert_no_error (error);
  hr_planner_run (of_text, NULL);
  g_assert_cmpuint (hr_planner_get_n_tokens (of_text), ==, hr_planner_get_n_tokens (planner));
  g_assert_cmpfloat (hr_planner_get_choice (of_text, 0)->time.compute, <, sharded->time.compute);
}

/* Where nothing can be estimated it is said why. */
static void
the_fewest_gpus_of_what_is_not_known_are_not_told (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("google-t5/t5-small", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (GPtrArray) gpus = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GArray) found = NULL;

  g_assert_no_error (error);
  g_object_set (job, "engine", HR_ENGINE_VLLM, NULL);
  g_ptr_array_add (gpus, look_up_gpu ("a100-sxm4-40gb"));
  found = hr_least_gpus_list (model, job, gpus, 1, 64, NULL, NULL, &error);
  g_assert_null (found);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
}

/* The time of a layout, by hand. */
static void
get_time (HrModel            *model,
          const HrLayoutStep *step,
          guint64             network,
          HrLayoutTime       *time,
          double             *operations)
{
  g_autoptr (HrJob) job = create_job ();
  g_autoptr (HrGpu) gpu = look_up_gpu ("a100-sxm4-40gb");
  const HrCluster cluster = { gpu, step->layout.n_ranks, 8, network };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrLayoutParts) parts = hr_layout_parts_new (model, HR_TRAINING_JOB (job), 16, &error);
  HrDivision *division;

  g_assert_no_error (error);
  division = hr_layout_parts_divide (parts, &step->layout);
  hr_layout_time_init (time, parts, &cluster, step, division);
  *operations = hr_layout_parts_get_operations (parts);
  hr_division_free (division);
}

/*
 * Products of one GPU: three forward passes, of attention three and a half, at the efficiency of the roofline. Stages
 * wait (p − 1)/m of the time.
 */
static void
times_are_those_of_their_formulas (void)
{
  g_autoptr (HrModel) model = create_model ();
  HrLayoutStep step = {
    .layout = { .data = 1, .tensor = 1, .pipeline = 1, .parts = 1, .context = 1, .expert = 1, .n_ranks = 1 },
    .micro_batch = 2, .n_micro_batches = 8,
  };
  double efficiency = hr_roofline_get_efficiency (HR_BOUND_COMPUTE, TRUE)->typical;
  double attention = 12.0 * 2 * 512 * 2 * 1536, operations, waiting, share, sent;
  HrLayoutTime one, divided, faster;

  get_time (model, &step, NETWORK, &one, &operations);
  g_assert_cmpfloat_with_epsilon (one.compute,
                                  (3 * operations + 0.5 * attention) * 1024 * 2 * 8 / (312e12 * efficiency), 1e-9);
  g_assert_cmpfloat (one.layer + one.sequence + one.experts + one.pipeline + one.data, ==, 0);

  /* A part of the model each, and the rest of the time with stages that wait. */
  step.layout.pipeline = 4;
  step.layout.n_ranks = 4;
  get_time (model, &step, NETWORK, &divided, &operations);
  waiting = divided.compute * 3 / 8;
  g_assert_cmpfloat (divided.pipeline, >, waiting);
  g_assert_cmpfloat (divided.pipeline, <, 1.1 * waiting);
  g_assert_cmpfloat (divided.compute, <, one.compute / 2.5);

  /*
   * Twelve that share each layer are two machines, between which the network decides: eight exchanges of a layer, each
   * of which waits for ten steps within a machine and one between them (hwLatencies of NCCL's src/graph/tuning.cc).
   */
  step.layout.pipeline = 1;
  step.layout.tensor = 12;
  step.layout.n_ranks = 12;
  step.layout.divides_sequence = TRUE;
  get_time (model, &step, NETWORK / 100, &divided, &operations);
  get_time (model, &step, NETWORK / 50, &faster, &operations);
  waiting = 8 * 12 * 8 * (8.4 + 10 * 3.4 + 14) / 1e6;
  g_assert_cmpfloat_with_epsilon (divided.layer - waiting, 2 * (faster.layer - waiting), 1e-9);

  /* However fast the network, NVLink takes its time, and messages theirs: NCCL sends at half the rate, for less. */
  get_time (model, &step, NETWORK * 1000, &faster, &operations);
  share = hr_roofline_get_efficiency (HR_BOUND_INTERCONNECT, TRUE)->typical;
  sent = 2.0 * 2048 * 1536 * 11 / 12 / (300e9 * share * 0.5);
  g_assert_cmpfloat_with_epsilon (faster.layer, 8 * 12 * 8 * ((6.6 + 10 * 0.6 + 2.7) / 1e6 + sent), 1e-9);
}

/* Two tokens at a time: matrices are read twice, and gradients in fp32 read and written. */
static void
few_tokens_take_as_long_as_the_matrices_are_read (void)
{
  g_autoptr (HrModel) model = create_model ();
  const HrLayoutStep step = {
    .layout = { .data = 1, .tensor = 1, .pipeline = 1, .parts = 1, .context = 512, .expert = 1, .n_ranks = 512 },
    .micro_batch = 1, .n_micro_batches = 8,
  };
  double share = hr_roofline_get_efficiency (HR_BOUND_MEMORY, TRUE)->typical, operations, expected;
  HrLayoutTime time;

  get_time (model, &step, NETWORK, &time, &operations);
  expected = 8.0 * hr_model_get_n_parameters (model) * (2 + 2 + 2 * 4) / (1555e9 * share);
  g_assert_cmpfloat (time.compute, >, 0.99 * expected);
  g_assert_cmpfloat (time.compute, <, 1.01 * expected);
}

/* Of a mixture of experts: what stages and ranks have adds up to the model, however it is divided. */
static void
parameters_of_all_ranks_are_those_of_the_model (void)
{
  static const struct
  {
    guint64 pipeline;
    guint64 expert;
  } cases[] = { { 1, 1 }, { 1, 64 }, { 61, 1 }, { 61, 256 }, { 9, 8 } };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("deepseek-ai/DeepSeek-V3", &error);
  g_autoptr (HrJob) job = create_job ();
  g_autoptr (HrLayoutParts) parts = NULL;

  g_assert_no_error (error);
  parts = hr_layout_parts_new (model, HR_TRAINING_JOB (job), 8, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_layout_parts_get_n_experts (parts), ==, 256);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gboolean counts = 61 % cases[i].pipeline != 0;
      const HrLayout layout = {
        .tensor = 1, .pipeline = cases[i].pipeline, .parts = 1, .context = 1, .expert = cases[i].expert,
        .counts_embedding = counts, .counts_loss = counts,
      };
      double sum = 0;

      g_assert_true (hr_layout_divides_layers (&layout, 61));
      for (guint stage = 0; stage < layout.pipeline; stage++)
        {
          guint counts_of[2] = { 0 };
          guint first = 0;
          HrStageSizes sizes;

          for (guint j = 0; j < stage; j++)
            first += hr_layout_count_layers (&layout, 61, j, 0);
          /* The first three layers have no experts. */
          for (guint j = first; j < first + hr_layout_count_layers (&layout, 61, stage, 0); j++)
            counts_of[j >= 3]++;
          hr_layout_parts_get_parameters (parts, &layout, counts_of, stage, &sizes);
          sum += sizes.dense + sizes.experts * layout.expert;
        }
      g_assert_cmpuint ((guint64) (sum + 0.5), ==, hr_model_get_n_parameters (model));
    }
}

/*
 * Of eight GPUs of which each is joined to each, two use one link of seven (RCCL got 48 and 313 of 64 and 448 GB/s:
 * https://github.com/stas00/ml-engineering, network/README.md). A bridge joins two cards, and no more of them.
 */
static void
links_reach_as_far_as_they_do (void)
{
  static const struct
  {
    const char *gpu;
    gboolean bridged;
    guint64 n_ranks;
    guint64 stride;
    double rate;
  } cases[] = {
    { "mi300x", FALSE, 2, 1, 64e9 },
    { "mi300x", FALSE, 4, 2, 192e9 },
    { "mi300x", FALSE, 8, 1, 448e9 },
    { "h100-sxm5-80gb", FALSE, 2, 1, 450e9 },
    { "rtx-3090", FALSE, 2, 1, 32e9 },
    { "rtx-3090", TRUE, 2, 1, 56.25e9 },
    { "rtx-3090", TRUE, 2, 2, 32e9 },
    { "rtx-3090", TRUE, 4, 1, 32e9 },
    { "mi210", TRUE, 2, 1, 50e9 },
    { "mi210", TRUE, 4, 1, 150e9 },
    { "mi210", TRUE, 8, 1, 32e9 },
    /* Two of each of two machines: faster adapters than the link between them. */
    { "mi300x", FALSE, 4, 4, 64e9 },
    { "h100-sxm5-80gb", FALSE, 4, 4, 2 * NETWORK },
  };
  double share = hr_roofline_get_efficiency (HR_BOUND_INTERCONNECT, TRUE)->typical;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (cases[i].gpu, &error);
      const HrCluster cluster = { gpu, 16, 8, NETWORK, cases[i].bridged };

      g_assert_no_error (error);
      g_test_message ("%s, %d", cases[i].gpu, (int) i);
      g_assert_cmpfloat_with_epsilon (hr_cluster_get_rate (&cluster, cases[i].n_ranks, cases[i].stride),
                                      cases[i].rate * share, 1);
    }
}

static void
a_bridge_that_is_not_known_is_refused (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", &error);
  const HrCluster cluster = { gpu, 2, 2, 0, TRUE };

  g_assert_no_error (error);
  g_assert_false (hr_cluster_check (&cluster, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "bridge"));
}

static void
a_network_is_read_in_bits_and_bytes (void)
{
  static const struct
  {
    const char *text;
    guint64 bytes;
  } cases[] = {
    { "400Gb/s", G_GUINT64_CONSTANT (50000000000) }, { "50 GB/s", G_GUINT64_CONSTANT (50000000000) },
    { "100Gbit/s", G_GUINT64_CONSTANT (12500000000) }, { "1.6Tb/s", G_GUINT64_CONSTANT (200000000000) },
    { "800Mbps", G_GUINT64_CONSTANT (100000000) },
    { "", 0 }, { "400", 0 }, { "400G", 0 }, { "-1GB/s", 0 }, { "0Gb/s", 0 }, { "fast", 0 }, { "nanGB/s", 0 },
    { "1e30TB/s", 0 }, { "50 KB/s", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint64 bytes = 0;

      g_assert_cmpint (hr_cluster_parse_network (cases[i].text, &bytes), ==, cases[i].bytes > 0);
      g_assert_cmpuint (bytes, ==, cases[i].bytes);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/plan/formulas_are_near_what_is_replayed", formulas_are_near_what_is_replayed);
  g_test_add_func ("/plan/layouts_are_those_that_are_estimated", layouts_are_those_that_are_estimated);
  g_test_add_func ("/plan/stages_that_layers_do_not_divide_have_fewer_at_the_ends",
                   stages_that_layers_do_not_divide_have_fewer_at_the_ends);
  g_test_add_func ("/plan/the_fastest_come_first_and_fit", the_fastest_come_first_and_fit);
  g_test_add_func ("/plan/what_takes_least_of_the_others_follows", what_takes_least_of_the_others_follows);
  g_test_add_func ("/plan/what_is_found_does_not_depend_on_chance", what_is_found_does_not_depend_on_chance);
  g_test_add_func ("/plan/a_search_can_be_cancelled_and_goes_on", a_search_can_be_cancelled_and_goes_on);
  g_test_add_func ("/plan/what_is_checked_is_what_an_estimate_says", what_is_checked_is_what_an_estimate_says);
  g_test_add_func ("/plan/no_time_is_invented_without_a_network", no_time_is_invented_without_a_network);
  g_test_add_func ("/plan/what_is_fixed_stays", what_is_fixed_stays);
  g_test_add_func ("/plan/jobs_without_known_layouts_are_refused", jobs_without_known_layouts_are_refused);
  g_test_add_func ("/plan/a_lone_gpu_answers_as_fast_as_its_roofline_says",
                   a_lone_gpu_answers_as_fast_as_its_roofline_says);
  g_test_add_func ("/plan/divided_models_answer_as_their_parts_do", divided_models_answer_as_their_parts_do);
  g_test_add_func ("/plan/parameters_of_torchtitan_may_stay_gathered", parameters_may_stay_gathered);
  g_test_add_func ("/plan/layouts_of_torchtitan_share_layers_stages_and_sequences",
                   layouts_of_torchtitan_share_layers_stages_and_sequences);
  g_test_add_func ("/plan/steps_are_shared_as_the_framework_shares_them",
                   steps_are_shared_as_the_framework_shares_them);
  g_test_add_func ("/plan/models_that_see_are_shared_as_others_are", models_that_see_are_shared_as_others_are);
  g_test_add_func ("/plan/the_fewest_gpus_are_the_fewest", the_fewest_gpus_are_the_fewest);
  g_test_add_func ("/plan/the_fewest_gpus_of_other_jobs_are_the_fewest", the_fewest_gpus_of_other_jobs_are_the_fewest);
  g_test_add_func ("/plan/the_fewest_gpus_of_what_is_not_known_are_not_told",
                   the_fewest_gpus_of_what_is_not_known_are_not_told);
  g_test_add_func ("/plan/times_are_those_of_their_formulas", times_are_those_of_their_formulas);
  g_test_add_func ("/plan/few_tokens_take_as_long_as_the_matrices_are_read",
                   few_tokens_take_as_long_as_the_matrices_are_read);
  g_test_add_func ("/plan/parameters_of_all_ranks_are_those_of_the_model",
                   parameters_of_all_ranks_are_those_of_the_model);
  g_test_add_func ("/plan/what_is_multiplied_decides_whether_there_is_a_time",
                   what_is_multiplied_decides_whether_there_is_a_time);
  g_test_add_func ("/plan/links_reach_as_far_as_they_do", links_reach_as_far_as_they_do);
  g_test_add_func ("/plan/a_bridge_that_is_not_known_is_refused", a_bridge_that_is_not_known_is_refused);
  g_test_add_func ("/plan/a_network_is_read_in_bits_and_bytes", a_network_is_read_in_bits_and_bytes);

  return g_test_run ();
}
