/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-estimator.h"
#include "hr-framework.h"
#include "hr-gpu-catalogue.h"
#include "hr-layout.h"
#include "hr-model-private.h"
#include "hr-training-job.h"

#include "estimates.h"

#define MODEL "meta-llama/Meta-Llama-3.1-8B"

/* vocabulary, layers, width, heads of keys and values in all, and inside of the perceptron */
#define V 128256
#define L 32
#define H 4096
#define K 1024
#define I 14336
#define NORMS (2 * L + 1)

static HrModel *
load (void)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_id (MODEL, &error);

  g_assert_no_error (error);

  return model;
}

static HrEstimate *
estimate_layout (const char *first_setting,
                 ...)
{
  g_autoptr (HrModel) model = load ();
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();
  g_autoptr (GError) error = NULL;
  HrEstimate *estimate;
  va_list settings;

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, "sequence-length", (guint64) 4096, NULL);
  va_start (settings, first_setting);
  g_object_set_valist (G_OBJECT (job), first_setting, settings);
  va_end (settings);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);

  return estimate;
}

static void
refuse_by (HrTrainingFramework  framework,
           const char          *setting,
           guint64              value,
           const char          *sentence)
{
  g_autoptr (HrModel) model = load ();
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = NULL;

  g_object_set (job, "framework", framework, "sequence-parallel", TRUE, setting, value, NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_null (estimate);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, sentence));
}

static void
refuse (const char *setting,
        guint64     value,
        const char *sentence)
{
  refuse_by (HR_TRAINING_FRAMEWORK_MEGATRON_LM, setting, value, sentence);
}

/* Rows of the table of tokens and of the head, padded to a multiple of 128 for each rank. */
static guint64
pad (guint64 tensor)
{
  guint64 multiple = 128 * tensor;

  return (V + multiple - 1) / multiple * multiple / tensor;
}

static guint64
count_layer (guint64 tensor)
{
  return (2 * H * H + 3 * H * I) / tensor + 2 * H * MAX (K / tensor, 128) + 2 * H;
}

static void
each_rank_has_its_share_of_the_matrices_and_all_of_the_norms (void)
{
  g_autoptr (HrModel) model = load ();

  for (guint64 tensor = 1; tensor <= 32; tensor *= 2)
    {
      const HrShard shard = {
        .tensor = tensor, .vocabulary_multiple = 128 * tensor, .n_layers = L, .has_embedding = TRUE, .has_head = TRUE,
      };
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) part = _hr_model_new_shard (model, &shard, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (hr_model_get_n_parameters (part), ==, 2 * pad (tensor) * H + L * count_layer (tensor) + H);
    }
}

static void
stages_have_all_layers_between_them (void)
{
  g_autoptr (HrModel) model = load ();
  guint64 total = 0;

  for (guint i = 0; i < 4; i++)
    {
      const HrShard shard = {
        .tensor = 1, .vocabulary_multiple = 1, .first_layer = i * L / 4, .n_layers = L / 4,
        .has_embedding = i == 0, .has_head = i == 3,
      };
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) part = _hr_model_new_shard (model, &shard, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (hr_model_get_stack (part, 0)->n_layers, ==, L / 4);
      total += hr_model_get_n_parameters (part);
    }
  g_assert_cmpuint (total, ==, hr_model_get_n_parameters (model));
}

static void
the_last_stage_has_a_copy_of_a_tied_table (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B", &error);
  const HrShard shard = {
    .tensor = 1, .vocabulary_multiple = 1, .first_layer = 12, .n_layers = 12, .has_head = TRUE,
  };
  g_autoptr (HrModel) part = NULL;

  g_assert_no_error (error);
  part = _hr_model_new_shard (model, &shard, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_model_get_n_parameters_of_part (part, HR_PART_OUTPUT), ==, 151936 * 896);
}

/* 2 + 4 + 4 + 8 bytes a parameter, of which the optimizer's 12 are shared by those that read different data. */
static void
a_distributed_optimizer_is_shared_by_data_parallel_ranks (void)
{
  g_autoptr (HrEstimate) alone = estimate_layout ("tensor-parallel", (guint64) 4, NULL);
  g_autoptr (HrEstimate) shared = estimate_layout ("tensor-parallel", (guint64) 4, "data-parallel", (guint64) 8,
                                                   "zero-stage", (guint64) 1, NULL);
  guint64 n = 2 * pad (4) * H + L * count_layer (4) + H;

  g_assert_cmpuint (get_component_bytes (alone, HR_COMPONENT_MASTER_WEIGHTS), ==, 4 * n);
  g_assert_cmpuint (get_component_bytes (shared, HR_COMPONENT_MASTER_WEIGHTS), ==, (4 * n / 8 + 511) / 512 * 512);
  g_assert_cmpuint (get_component_bytes (alone, HR_COMPONENT_GRADIENTS), ==,
                    get_component_bytes (shared, HR_COMPONENT_GRADIENTS));
  g_assert_cmpuint (hr_estimate_get_n_ranks (shared), ==, 32);
}

/*
 * Korthikanti et al., arXiv:2205.05198: with tensor and sequence parallelism all of what a layer keeps is divided, with
 * tensor parallelism alone what stands between the matrices is not.
 */
/* Parameters in fp32 are stepped as they are: ranks share Adam’s states alone. */
static void
states_of_wide_parameters_are_shared (void)
{
  guint64 states[2];

  for (guint stage = 0; stage < 2; stage++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = load ();
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (HrEstimate) estimate = NULL;

      g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, "dtype", HR_DTYPE_FLOAT32, "data-parallel",
                    (guint64) 8, "zero-stage", (guint64) stage, "sequence-length", (guint64) 512, NULL);
      estimate = hr_estimator_run (model, HR_JOB (job), NULL, 8, &error);
      g_assert_no_error (error);
      states[stage] = get_component_bytes (estimate, HR_COMPONENT_OPTIMIZER);
      g_assert_cmpuint (get_component_bytes (estimate, HR_COMPONENT_MASTER_WEIGHTS), ==, 0);
    }
  g_assert_cmpfloat_with_epsilon ((double) states[0] / states[1], 8, 0.001);
}

static void
sequence_parallelism_divides_what_tensor_parallelism_does_not (void)
{
  g_autoptr (HrEstimate) whole = estimate_layout ("tensor-parallel", (guint64) 1, NULL);
  g_autoptr (HrEstimate) tensor = estimate_layout ("tensor-parallel", (guint64) 8, NULL);
  g_autoptr (HrEstimate) both = estimate_layout ("tensor-parallel", (guint64) 8, "sequence-parallel", TRUE, NULL);
  guint64 all = get_component_bytes (whole, HR_COMPONENT_ACTIVATIONS);
  guint64 divided = get_component_bytes (both, HR_COMPONENT_ACTIVATIONS);

  g_assert_cmpuint (get_component_bytes (tensor, HR_COMPONENT_ACTIVATIONS), >, 2 * divided);
  g_assert_cmpfloat_with_epsilon (8.0 * divided / all, 1, 0.001);
}

/* A stage keeps what the backward passes of as many micro-batches need as there are stages from it on. */
static void
earlier_stages_keep_more_micro_batches (void)
{
  g_autoptr (HrEstimate) estimate = estimate_layout ("pipeline-parallel", (guint64) 4,
                                                     "gradient-accumulation-steps", (guint64) 8, NULL);
  guint64 kept[4];

  g_assert_cmpuint (hr_estimate_get_n_devices (estimate), ==, 4);
  for (guint i = 0; i < 4; i++)
    {
      GListModel *components = hr_estimate_get_device_components (estimate, i);

      kept[i] = 0;
      for (guint j = 0; j < g_list_model_get_n_items (components); j++)
        {
          g_autoptr (HrComponent) component = g_list_model_get_item (components, j);

          if (hr_component_get_id (component) == HR_COMPONENT_ACTIVATIONS)
            kept[i] = hr_component_get_bytes (component);
        }
    }
  g_assert_cmpuint (kept[0], >, kept[1]);
  g_assert_cmpuint (kept[1], >, kept[2]);
  g_assert_cmpfloat_with_epsilon ((double) (kept[1] - kept[2]) / kept[2] * 2, 1, 0.05);
  g_assert_cmpuint (hr_estimate_get_total_bytes (estimate), ==, hr_estimate_get_device_bytes (estimate, 0));
}

/* get_pp_rank_microbatches and get_schedule_table of megatron/core/pipeline_parallel/schedules.py, by hand. */
static void
an_interleaved_schedule_runs_parts_in_turn (void)
{
  const HrLayout layout = { .tensor = 1, .pipeline = 4, .parts = 2, .context = 1, .expert = 1, .data = 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = load ();
  guint64 total = 0;

  g_assert_cmpuint (hr_layout_count_in_flight (&layout, 0, 8), ==, 2 * 3 + 4 + 1);
  g_assert_cmpuint (hr_layout_count_first_in_flight (&layout, 0, 8), ==, 4 + 3);
  g_assert_cmpuint (hr_layout_count_in_flight (&layout, 3, 8), ==, 4 + 1);
  g_assert_cmpuint (hr_layout_count_first_in_flight (&layout, 3, 8), ==, 4);
  g_assert_cmpuint (hr_layout_count_in_flight (&layout, 0, 4), ==, 4 * 2);

  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (HrModel) part = hr_layout_divide_model (&layout, model, i, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (hr_model_get_stack (part, 0)->n_layers, ==, L / 4);
      total += hr_model_get_n_parameters (part);
    }
  g_assert_cmpuint (total, ==, hr_model_get_n_parameters (model));
}

/* get_num_layers_to_build of megatron/core/transformer/transformer_block.py, by hand; the first and the last part. */
static void
stages_may_have_different_numbers_of_layers (void)
{
  static const struct
  {
    HrLayout layout;
    guint n_layers;
    guint first, inner, last;
  } cases[] = {
    { { .pipeline = 16, .parts = 1, .counts_embedding = TRUE, .counts_loss = TRUE }, 126, 7, 8, 7 },
    { { .pipeline = 16, .parts = 1, .first_layers = 3, .last_layers = 2 }, 61, 3, 4, 2 },
    { { .pipeline = 4, .parts = 2, .counts_embedding = TRUE, .counts_loss = TRUE }, 6, 0, 1, 0 },
    { { .pipeline = 2, .parts = 1, .first_layers = 20, .last_layers = 12 }, 32, 20, 0, 12 },
    { { .pipeline = 4, .parts = 1, .last_layers = 2 }, 32, 10, 10, 2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const HrLayout *layout = &cases[i].layout;
      guint last = layout->pipeline - 1;
      guint64 total = 0;

      for (guint stage = 0; stage <= last; stage++)
        {
          for (guint part = 0; part < layout->parts; part++)
            total += hr_layout_count_layers (layout, cases[i].n_layers, stage, part);
        }
      g_assert_cmpuint (total, ==, cases[i].n_layers);
      g_assert_cmpuint (hr_layout_count_layers (layout, cases[i].n_layers, 0, 0), ==, cases[i].first);
      g_assert_cmpuint (hr_layout_count_layers (layout, cases[i].n_layers, last, layout->parts - 1), ==, cases[i].last);
      if (last > 1)
        g_assert_cmpuint (hr_layout_count_layers (layout, cases[i].n_layers, 1, 0), ==, cases[i].inner);
    }
}

/* The first stage waits for more micro-batches the more a part runs before the next. */
static void
groups_of_micro_batches_may_be_longer (void)
{
  const HrLayout layout = { .tensor = 1, .pipeline = 4, .parts = 3, .group = 5, .context = 1, .expert = 1, .data = 1 };

  g_assert_cmpuint (hr_layout_count_in_flight (&layout, 0, 10), ==, 2 * 3 + 2 * 5 + 1);
  g_assert_cmpuint (hr_layout_count_first_in_flight (&layout, 0, 10), ==, 5 + 2);
  g_assert_cmpuint (hr_layout_count_in_flight (&layout, 3, 5), ==, 2 * 5 + 1);
}

/* A stage keeps parts of its layers, but of more micro-batches: (1 + (p - 1)/(p·m)) as much on the first. */
static void
an_interleaved_schedule_keeps_more (void)
{
  g_autoptr (HrEstimate) plain = estimate_layout ("pipeline-parallel", (guint64) 4, "gradient-accumulation-steps",
                                                  (guint64) 8, NULL);
  g_autoptr (HrEstimate) interleaved = estimate_layout ("pipeline-parallel", (guint64) 4, "virtual-pipeline-parallel",
                                                        (guint64) 2, "gradient-accumulation-steps", (guint64) 8, NULL);
  double ratio = (double) get_component_bytes (interleaved, HR_COMPONENT_ACTIVATIONS) /
                 get_component_bytes (plain, HR_COMPONENT_ACTIVATIONS);

  g_assert_cmpfloat_with_epsilon (ratio, 1 + 3.0 / 8, 0.02);
}

/* A rank has the logits of its own tokens, and shares the optimizer with all that have the same parameters. */
static void
ranks_that_share_a_sequence_have_their_tokens_alone (void)
{
  g_autoptr (HrEstimate) shared = estimate_layout ("context-parallel", (guint64) 2, "data-parallel", (guint64) 1,
                                                   "zero-stage", (guint64) 1, NULL);
  g_autoptr (HrEstimate) shorter = estimate_layout ("sequence-length", (guint64) 2048, "data-parallel", (guint64) 2,
                                                    "zero-stage", (guint64) 1, NULL);
  const HrComponentId ids[] = {
    HR_COMPONENT_WEIGHTS, HR_COMPONENT_GRADIENTS, HR_COMPONENT_OPTIMIZER, HR_COMPONENT_MASTER_WEIGHTS,
    HR_COMPONENT_LOGITS,
  };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    g_assert_cmpuint (get_component_bytes (shared, ids[i]), ==, get_component_bytes (shorter, ids[i]));
}

/* Where one rank's tokens are alone, queries lie in one matrix with keys and values, which is kept as it is. */
static void
a_ring_and_an_exchange_keep_the_same (void)
{
  const guint64 tokens = 4096 / 4;
  const guint64 query = tokens * H * 2, key = tokens * K * 2, state = 512;
  g_autoptr (HrEstimate) whole = estimate_layout ("sequence-length", (guint64) tokens, NULL);
  g_autoptr (HrEstimate) ring = estimate_layout ("context-parallel", (guint64) 4, NULL);
  g_autoptr (HrEstimate) exchange = estimate_layout ("context-parallel", (guint64) 4, "ulysses-parallel", (guint64) 4,
                                                     NULL);
  g_autoptr (HrEstimate) both = estimate_layout ("context-parallel", (guint64) 4, "ulysses-parallel", (guint64) 2,
                                                 NULL);
  guint64 plain = get_component_bytes (whole, HR_COMPONENT_ACTIVATIONS);
  const guint64 kept[] = {
    get_component_bytes (ring, HR_COMPONENT_ACTIVATIONS), get_component_bytes (exchange, HR_COMPONENT_ACTIVATIONS),
    get_component_bytes (both, HR_COMPONENT_ACTIVATIONS),
  };

  /*
   * The query and key of the fused matrix go; of one sequence the output is no copy but where it was exchanged. The
   * state of random numbers is one tensor in the flash-attn package, two in torch.
   */
  g_assert_cmpint (plain - kept[0], ==, L * (query + key + state));
  g_assert_cmpint (plain - kept[1], ==, L * (key + state));
  g_assert_cmpint (plain - kept[2], ==, L * (key + state));
}

#define MIXTURE "mistralai/Mixtral-8x7B-v0.1"

/* A layer of Mixtral has eight experts of three matrices. */
#define EXPERTS (32 * 8 * 3 * 4096ull * 14336)

static void
experts_are_divided_among_ranks_of_their_own (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (MIXTURE, &error);

  g_assert_no_error (error);
  for (guint64 expert = 1; expert <= 8; expert *= 2)
    {
      for (guint64 tensor = 1; tensor <= 4; tensor *= 2)
        {
          const HrShard shard = {
            .tensor = 1, .expert = expert, .expert_tensor = tensor, .vocabulary_multiple = 1, .n_layers = 32,
            .has_embedding = TRUE, .has_head = TRUE,
          };
          g_autoptr (HrModel) part = _hr_model_new_shard (model, &shard, &error);

          g_assert_no_error (error);
          g_assert_cmpuint (hr_model_get_n_parameters (part), ==,
                            hr_model_get_n_parameters (model) - EXPERTS + EXPERTS / (expert * tensor));
        }
    }
}

static HrEstimate *
estimate_mixture (const char *first_setting,
                  ...)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (MIXTURE, &error);
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();
  HrEstimate *estimate;
  va_list settings;

  g_assert_no_error (error);
  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, "sequence-length", (guint64) 4096, NULL);
  va_start (settings, first_setting);
  g_object_set_valist (G_OBJECT (job), first_setting, settings);
  va_end (settings);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);

  return estimate;
}

/* Of sixteen ranks eight have the same layers, and two the same experts; Adam has two numbers of 32 bits for each. */
static void
experts_have_an_optimizer_that_other_ranks_share (void)
{
  g_autoptr (HrEstimate) estimate = estimate_mixture ("tensor-parallel", (guint64) 2, "sequence-parallel", TRUE,
                                                      "data-parallel", (guint64) 8, "expert-parallel", (guint64) 8,
                                                      "expert-tensor-parallel", (guint64) 1, "zero-stage", (guint64) 1,
                                                      NULL);
  g_autoptr (HrEstimate) whole = estimate_mixture ("tensor-parallel", (guint64) 2, "sequence-parallel", TRUE,
                                                   "data-parallel", (guint64) 8, "expert-parallel", (guint64) 8,
                                                   "expert-tensor-parallel", (guint64) 1, NULL);
  double all = get_component_bytes (whole, HR_COMPONENT_OPTIMIZER);
  double experts = EXPERTS / 8 * 8;

  g_assert_cmpfloat_with_epsilon (get_component_bytes (estimate, HR_COMPONENT_OPTIMIZER) /
                                  (experts / 2 + (all - experts) / 8), 1, 0.001);
}

/* Each expert takes half as many tokens more than its share, however many come. */
static void
a_capacity_says_what_experts_compute (void)
{
  g_autoptr (HrEstimate) all = estimate_mixture ("expert-parallel", (guint64) 8, "data-parallel", (guint64) 8,
                                                 "moe-dispatcher", HR_MOE_DISPATCHER_ALLTOALL, NULL);
  g_autoptr (HrEstimate) padded = estimate_mixture ("expert-parallel", (guint64) 8, "data-parallel", (guint64) 8,
                                                    "moe-dispatcher", HR_MOE_DISPATCHER_ALLTOALL,
                                                    "expert-capacity-factor", 1.5, "pad-to-capacity", TRUE, NULL);
  /* Of half as many pairs more: what goes into the experts, gate and up, and what their last matrix reads. */
  double more = 32 * 4096ull * 2 / 2 * 2 * (4096 + 3 * 14336ull);
  double found = (double) get_component_bytes (padded, HR_COMPONENT_ACTIVATIONS) -
                 get_component_bytes (all, HR_COMPONENT_ACTIVATIONS);

  g_assert_cmpfloat_with_epsilon (found / more, 1, 0.02);
}

/* What goes into a layer is b·s·h numbers of 16 bits. */
static void
layers_that_are_computed_anew_at_once_keep_one_input (void)
{
  const guint64 input = 4096 * H * 2;
  g_autoptr (HrEstimate) each = estimate_layout ("tensor-parallel", (guint64) 4, "gradient-checkpointing",
                                                 HR_GRADIENT_CHECKPOINTING_FULL, NULL);
  g_autoptr (HrEstimate) pairs = estimate_layout ("tensor-parallel", (guint64) 4, "gradient-checkpointing",
                                                  HR_GRADIENT_CHECKPOINTING_FULL, "layers-per-checkpoint",
                                                  (guint64) 2, NULL);
  g_autoptr (HrEstimate) divided = estimate_layout ("tensor-parallel", (guint64) 4, "gradient-checkpointing",
                                                    HR_GRADIENT_CHECKPOINTING_FULL, "distribute-checkpoints", TRUE,
                                                    NULL);
  guint64 kept = get_component_bytes (each, HR_COMPONENT_ACTIVATIONS);

  g_assert_cmpuint (kept - get_component_bytes (pairs, HR_COMPONENT_ACTIVATIONS), ==, L / 2 * input);
  g_assert_cmpuint (kept - get_component_bytes (divided, HR_COMPONENT_ACTIVATIONS), ==, L * input * 3 / 4);
}

/* Model/(PP·TP) + Optimizer/N + Activation/TP + Gradient/PP, as articles have it. */
static void
the_rule_of_thumb_is_divided_as_it_is_usually_written (void)
{
  g_autoptr (HrEstimate) whole = estimate_layout ("tensor-parallel", (guint64) 1, NULL);
  g_autoptr (HrEstimate) divided = estimate_layout ("tensor-parallel", (guint64) 2, "pipeline-parallel", (guint64) 4,
                                                    "data-parallel", (guint64) 3, NULL);
  static const struct
  {
    HrComponentId id;
    guint divisor;
  } parts[] = {
    { HR_COMPONENT_WEIGHTS, 8 }, { HR_COMPONENT_OPTIMIZER, 24 }, { HR_COMPONENT_MASTER_WEIGHTS, 24 },
    { HR_COMPONENT_ACTIVATIONS, 2 }, { HR_COMPONENT_GRADIENTS, 4 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    g_assert_cmpuint (get_component_bytes (hr_estimate_get_rule_of_thumb (divided), parts[i].id), ==,
                      (get_component_bytes (hr_estimate_get_rule_of_thumb (whole), parts[i].id) +
                       parts[i].divisor / 2) / parts[i].divisor);
}

/* What is held between steps, and at most, of PyTorch's allocator, which has workspaces of products as well. */
typedef struct
{
  guint64 steady;
  guint64 peak;
} Logged;

static Logged
get_logged (HrEstimate *estimate,
            HrGpu      *gpu)
{
  guint last = hr_estimate_get_n_devices (estimate) - 1;
  GListModel *components = hr_estimate_get_device_components (estimate, last);
  Logged logged = { 0 };
  HrFramework framework;

  g_assert_true (hr_framework_init_for_gpu (&framework, gpu));
  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);
      guint64 bytes = hr_component_get_bytes (component);

      if (id == HR_COMPONENT_FRAGMENTATION)
        continue;
      if (id == HR_COMPONENT_FRAMEWORK)
        bytes -= framework.context_bytes + framework.backward_bytes;
      logged.peak += bytes;
      if (id == HR_COMPONENT_WEIGHTS || id == HR_COMPONENT_GRADIENTS || id == HR_COMPONENT_OPTIMIZER ||
          id == HR_COMPONENT_MASTER_WEIGHTS || id == HR_COMPONENT_FRAMEWORK)
        logged.steady += bytes;
    }

  return logged;
}

/*
 * Megatron-LM d98e8a64, tests/functional_tests/test_cases/gpt/gpt3_mcore_te_…: mem-allocated-bytes and
 * mem-max-allocated-bytes of the last rank (golden_values_dev_dgx_h100.json, …_a100.json). Twelve layers of 512, four
 * sequences of 1,024 tokens, on eight GPUs.
 */
static void
small_models_take_what_megatron_lm_logs (void)
{
  static const char config[] =
    "{\"model_type\": \"gpt2\", \"architectures\": [\"GPT2LMHeadModel\"], \"vocab_size\": 50257, "
    "\"n_positions\": 1024, \"n_embd\": 512, \"n_layer\": 12, \"n_head\": 8, \"resid_pdrop\": 0.1, "
    "\"embd_pdrop\": 0.1, \"attn_pdrop\": 0.1, \"activation_function\": \"gelu_new\", \"torch_dtype\": \"bfloat16\"}";
  static const struct
  {
    const char *gpu;
    guint64 tensor, pipeline, data, steps, stage;
    HrGradientCheckpointing checkpointing;
    guint64 steady, peak;
    double steady_error, peak_error;
  } rows[] = {
    /* tp1_pp1_resume_torch_dist_dist_optimizer */
    { "h100-sxm5-80gb", 1, 1, 8, 1, 1, HR_GRADIENT_CHECKPOINTING_NONE, 581489664, 2690743808, 0.001, 0.002 },
    /* tp1_pp1_resume_torch_dist_uniform_full_recompute */
    { "h100-sxm5-80gb", 1, 1, 8, 1, 0, HR_GRADIENT_CHECKPOINTING_FULL, 1259751936, 2561334272, 0.005, 0.005 },
    /* tp4_pp1_resume_torch_dist_dist_optimizer_overlap_grad_reduce */
    { "h100-sxm5-80gb", 4, 1, 2, 4, 1, HR_GRADIENT_CHECKPOINTING_NONE, 299204096, 1042465280, 0.003, 0.02 },
    /* tp2_pp2_resume_torch_dist_reshard_1x4xNone */
    { "h100-sxm5-80gb", 2, 2, 2, 4, 0, HR_GRADIENT_CHECKPOINTING_NONE, 516456960, 1426598400, 0.03, 0.02 },
    /* the same on A100, where both workspaces are smaller */
    { "a100-sxm4-80gb", 2, 2, 2, 4, 0, HR_GRADIENT_CHECKPOINTING_NONE, 438469120, 1361717760, 0.04, 0.03 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "config.json", &error);
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (rows[i].gpu, NULL);
      g_autoptr (HrEstimate) estimate = NULL;
      Logged logged;

      g_assert_no_error (error);
      g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, "sequence-length", (guint64) 1024,
                    "micro-batch-size", (guint64) 4, "gradient-accumulation-steps", rows[i].steps,
                    "tensor-parallel", rows[i].tensor, "pipeline-parallel", rows[i].pipeline,
                    "data-parallel", rows[i].data, "zero-stage", rows[i].stage,
                    "gradient-checkpointing", rows[i].checkpointing, NULL);
      estimate = hr_estimator_run (model, HR_JOB (job), gpu, 8, &error);
      g_assert_no_error (error);
      logged = get_logged (estimate, gpu);
      g_test_message ("%u: %+.3f %%, %+.3f %%", i, 100 * ((double) logged.steady / rows[i].steady - 1),
                      100 * ((double) logged.peak / rows[i].peak - 1));
      g_assert_cmpfloat_with_epsilon ((double) logged.steady / rows[i].steady, 1, rows[i].steady_error);
      g_assert_cmpfloat_with_epsilon ((double) logged.peak / rows[i].peak, 1, rows[i].peak_error);
    }
}

/*
 * Megatron-LM d98e8a64, tests/functional_tests/test_cases/gpt/gpt3_7b_tp4_pp1_memory_speed (eight H100):
 * mem-allocated-bytes 20,663,519,232 and mem-max-allocated-bytes 57,143,791,616. The class that stands for it has
 * rotated positions where that has a table of 8,192 rows.
 */
static void
a_model_of_seven_billion_takes_what_megatron_lm_logs (void)
{
  static const char config[] =
    "{\"model_type\": \"starcoder2\", \"architectures\": [\"Starcoder2ForCausalLM\"], \"vocab_size\": 131073, "
    "\"hidden_size\": 4096, \"intermediate_size\": 16384, \"num_hidden_layers\": 32, \"num_attention_heads\": 32, "
    "\"num_key_value_heads\": 8, \"hidden_act\": \"gelu_pytorch_tanh\", \"max_position_embeddings\": 8192, "
    "\"use_bias\": true, \"residual_dropout\": 0.1, \"embedding_dropout\": 0.1, \"attention_dropout\": 0.1, "
    "\"tie_word_embeddings\": false, \"sliding_window\": null, \"torch_dtype\": \"bfloat16\"}";
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "config.json", &error);
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", NULL);
  g_autoptr (HrEstimate) estimate = NULL;
  Logged logged;

  g_assert_no_error (error);
  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, "sequence-length", (guint64) 8192,
                "micro-batch-size", (guint64) 2, "gradient-accumulation-steps", (guint64) 2,
                "tensor-parallel", (guint64) 4, "data-parallel", (guint64) 2, "zero-stage", (guint64) 1, NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), gpu, 8, &error);
  g_assert_no_error (error);
  logged = get_logged (estimate, gpu);
  g_assert_cmpfloat_with_epsilon ((double) (logged.steady + 12 * 8192 * 4096ull) / 20663519232, 1, 0.001);
  g_assert_cmpfloat_with_epsilon ((double) logged.peak / 57143791616, 1, 0.02);
}

#define SMALL "{'model_type': 'llama', 'hidden_size': 512, 'intermediate_size': 1376, 'num_hidden_layers': 4, " \
  "'num_attention_heads': 8, 'num_key_value_heads': 4, 'vocab_size': 4000, 'tie_word_embeddings': false}"

static HrEstimate *
estimate_groups (HrFsdp         fsdp,
                 HrFsdpVersion  version,
                 guint64        data,
                 guint64        replicas,
                 GError       **error)
{
  g_autofree char *text = g_strdelimit (g_strdup (SMALL), "'", '"');
  g_autoptr (HrModel) model = hr_model_new_from_data (text, -1, "small", NULL);
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();

  g_assert_nonnull (model);
  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_TRANSFORMERS, "fsdp", fsdp, "fsdp-version", version,
                "data-parallel", data, "data-parallel-replicas", replicas, "dtype", HR_DTYPE_FLOAT32, "autocast",
                HR_AUTOCAST_BFLOAT16, "gradient-checkpointing", HR_GRADIENT_CHECKPOINTING_FULL,
                "gradient-accumulation-steps", (guint64) 2, "micro-batch-size", (guint64) 2, "sequence-length",
                (guint64) 256, NULL);

  return hr_estimator_run (model, HR_JOB (job), NULL, 1, error);
}

static guint64
get_peak_of_backward (HrFsdp        fsdp,
                      HrFsdpVersion version,
                      guint64       data,
                      guint64       replicas)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = estimate_groups (fsdp, version, data, replicas, &error);

  g_assert_no_error (error);

  return get_phase_bytes (estimate, HR_PHASE_BACKWARD);
}

/*
 * fully_shard over two dimensions holds what was sent to the other group until all groups of parameters are reduced:
 * where the peak is, that of the head and the last norm, a quarter of 4000·512 + 512 values in bfloat16. torch 2.14.1
 * and accelerate, over a process group that sends nothing, take 1021952 bytes more with two replicas of four ranks
 * than with four ranks, which is that without five blocks of 512 bytes that come and go with the number of ranks.
 */
static void
groups_of_ranks_hold_what_they_send_each_other (void)
{
  guint64 one = get_peak_of_backward (HR_FSDP_FULL_SHARD, HR_FSDP_VERSION_2, 4, 1);
  guint64 two = get_peak_of_backward (HR_FSDP_HYBRID_SHARD, HR_FSDP_VERSION_2, 8, 2);

  g_assert_cmpuint (two - one, ==, 1024512);
}

/* _init_intra_and_inter_node_groups of torch/distributed/fsdp/_init_utils.py */
static void
groups_of_ranks_are_machines_where_nothing_is_said (void)
{
  guint64 said = get_peak_of_backward (HR_FSDP_HYBRID_SHARD, HR_FSDP_VERSION_1, 16, 2);
  guint64 alone = get_peak_of_backward (HR_FSDP_FULL_SHARD, HR_FSDP_VERSION_1, 4, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = estimate_groups (HR_FSDP_HYBRID_SHARD, HR_FSDP_VERSION_1, 16, 1, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (get_phase_bytes (estimate, HR_PHASE_BACKWARD), ==, said);
  g_assert_true (has_warning (estimate, "counted as one machine of up to 8 GPUs"));
  g_assert_cmpuint (get_peak_of_backward (HR_FSDP_HYBRID_SHARD, HR_FSDP_VERSION_1, 4, 1), ==, alone);
  g_assert_null (estimate_groups (HR_FSDP_HYBRID_SHARD, HR_FSDP_VERSION_1, 12, 1, &error));
  g_assert_nonnull (strstr (error->message, "data-parallel-replicas: expected a divisor of 12"));
  g_clear_error (&error);
  g_assert_null (estimate_groups (HR_FSDP_HYBRID_SHARD, HR_FSDP_VERSION_2, 16, 1, &error));
  g_assert_nonnull (strstr (error->message, "data-parallel-replicas: expected a divisor of 16"));
}

/* What the last of two stages has of a part at its peak, where so many gradients of the head wait. */
static guint64
get_deferred (HrComponentId id,
              guint64       n_deferred,
              guint64       n_micro_batches)
{
  g_autoptr (HrEstimate) estimate = estimate_layout ("pipeline-parallel", (guint64) 2, "gradient-accumulation-steps",
                                                     n_micro_batches, "dtype", HR_DTYPE_BFLOAT16,
                                                     "gradient-checkpointing", HR_GRADIENT_CHECKPOINTING_FULL,
                                                     "deferred-head-gradients", n_deferred, NULL);
  GListModel *components = hr_estimate_get_device_components (estimate, 1);

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);

      if (hr_component_get_id (component) == id)
        return hr_component_get_bytes (component);
    }

  return 0;
}

/* Those of the logits of 4096 tokens in bfloat16 wait, with what the head has read, but not those of the last. */
static void
gradients_of_the_head_wait_until_all_have_gone_back (void)
{
  guint64 logits = get_deferred (HR_COMPONENT_LOGITS, 0, 4);
  guint64 activations = get_deferred (HR_COMPONENT_ACTIVATIONS, 0, 4);

  g_assert_cmpuint (get_deferred (HR_COMPONENT_LOGITS, 2, 4) - logits, ==, G_GUINT64_CONSTANT (2) * 4096 * V * 2);
  g_assert_cmpuint (get_deferred (HR_COMPONENT_ACTIVATIONS, 2, 4) - activations, ==, 2 * 4096 * H * 2);
  g_assert_cmpuint (get_deferred (HR_COMPONENT_LOGITS, 9, 4) - logits, ==, G_GUINT64_CONSTANT (3) * 4096 * V * 2);
}

/* What the first of four stages has at most while the optimizer steps, of so many micro-batches. */
static guint64
get_optimizer_phase (guint64 n_micro_batches)
{
  g_autoptr (HrEstimate) estimate = estimate_layout ("pipeline-parallel", (guint64) 4, "gradient-accumulation-steps",
                                                     n_micro_batches, "dtype", HR_DTYPE_BFLOAT16, NULL);

  return get_phase_bytes (estimate, HR_PHASE_OPTIMIZER);
}

/* A fourth micro-batch waits with the others on the first stage, and is gone but for its tokens and labels. */
static void
no_micro_batch_waits_while_the_optimizer_steps (void)
{
  guint64 inputs = 2 * 4096 * sizeof (gint64);

  g_assert_cmpuint (get_optimizer_phase (4), ==, get_optimizer_phase (3) + inputs);
}

static void
what_does_not_divide_is_refused_in_a_sentence (void)
{
  refuse ("tensor-parallel", 3, "num_attention_heads");
  refuse ("pipeline-parallel", 5, "pipeline-parallel: expected a divisor of 32");
  refuse ("expert-parallel", 2, "expert-parallel: expected a divisor of 1");
  refuse ("first-stage-layers", 2, "first-stage-layers, last-stage-layers: expected 0 without a pipeline");
  refuse ("virtual-pipeline-parallel", 2, "virtual-pipeline-parallel: expected 1, as there is no pipeline");
  refuse ("context-parallel", 3, "sequence-length: expected a multiple of 6");
  refuse ("ulysses-parallel", 2, "ulysses-parallel: expected a divisor of 1");
  refuse ("zero-stage", 2, "zero-stage: expected no more than 1");
}

/* Llama 3.1 8B has 8 heads of keys and values, which torchtitan repeats on no rank (Decoder.update_from_config). */
static void
what_torchtitan_does_not_divide_is_refused_in_a_sentence (void)
{
  refuse_by (HR_TRAINING_FRAMEWORK_TORCHTITAN, "tensor-parallel", 3, "num_attention_heads");
  refuse_by (HR_TRAINING_FRAMEWORK_TORCHTITAN, "tensor-parallel", 16, "num_key_value_heads");
  refuse_by (HR_TRAINING_FRAMEWORK_TORCHTITAN, "expert-parallel", 2, "expert-parallel: expected");
  refuse_by (HR_TRAINING_FRAMEWORK_TORCHTITAN, "context-parallel", 3, "sequence-length: expected a multiple of 384");
}

static void
what_transformers_does_not_divide_is_refused_in_a_sentence (void)
{
  static const struct
  {
    const char *model;
    const char *setting;
    const char *value;
    const char *sentence;
  } cases[] = {
    { MODEL, "data-parallel", "2", "data-parallel: expected 1 beside tensor-parallel" },
    { MODEL, "pipeline-parallel", "2", "pipeline-parallel: expected" },
    { MODEL, "sequence-parallel", "true", "sequence-parallel: expected one of what is known of tp_plan, false" },
    { MODEL, "tensor-parallel", "3", "num_attention_heads" },
    { "Qwen/Qwen2.5-0.5B", "gpus-per-node", "8", "where the head is tied" },
    { "mistralai/Mixtral-8x7B-v0.1", "gpus-per-node", "8", "experts that transformers divides" },
    { MODEL, "gpus-per-node", "8", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (cases[i].model, &error);
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (HrEstimate) estimate = NULL;

      g_assert_no_error (error);
      g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_TRANSFORMERS, "tensor-parallel", G_GUINT64_CONSTANT (2),
                    NULL);
      g_assert_true (hr_job_set_from_string (HR_JOB (job), cases[i].setting, cases[i].value, &error));
      estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
      g_assert_true ((cases[i].sentence == NULL) == (estimate != NULL));
      if (error != NULL)
        g_test_message ("%s", error->message);
      g_assert_true (cases[i].sentence == NULL || strstr (error->message, cases[i].sentence) != NULL);
    }
  refuse_by (HR_TRAINING_FRAMEWORK_TRL, "tensor-parallel", 2, "tensor-parallel: expected 1");
}

static HrEstimate *
estimate_titan (guint64  tensor,
                guint64  length,
                GError **error)
{
  g_autoptr (HrModel) model = load ();
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_TORCHTITAN, "tensor-parallel", tensor, "sequence-parallel",
                TRUE, "sequence-length", length, NULL);

  return hr_estimator_run (model, HR_JOB (job), NULL, 1, error);
}

/* It divides tokens by itself, where Headroom's setting is off unless it is set. */
static void
torchtitan_without_sequence_parallelism_is_told (void)
{
  g_autoptr (HrModel) model = load ();
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = NULL;

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_TORCHTITAN, "tensor-parallel", G_GUINT64_CONSTANT (8), NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);
  g_assert_true (has_warning (estimate, "enable_sequence_parallel"));
}

/* Tokens are divided between matrices, and rows of the table of tokens without padding: 4 + 4 + 8 bytes a parameter. */
static void
ranks_of_torchtitan_share_layers_tokens_and_the_vocabulary (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = estimate_titan (8, 4096, &error);
  g_autoptr (HrEstimate) refused = NULL;
  guint64 n_parameters = 2 * V / 8 * H + L * count_layer (8) + H;

  g_assert_no_error (error);
  g_assert_cmpfloat_with_epsilon ((double) get_handed_out (estimate, HR_PHASE_OPTIMIZER) / n_parameters, 16, 0.1);

  g_assert_false (has_warning (estimate, "enable_sequence_parallel"));

  refused = estimate_titan (8, 4100, &error);
  g_assert_error (error, HR_ERROR, HR_ERROR_VALUE);
  g_assert_nonnull (strstr (error->message, "sequence-length: expected a multiple of 8"));
}

/* Says what a setting is to be, even if that is the default. */
static void
give (HrTrainingJob *job,
      const char    *name,
      guint64        value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, value);
  g_autoptr (GError) error = NULL;

  hr_job_set_from_string (HR_JOB (job), name, text, &error);
  g_assert_no_error (error);
}

static guint64
get_weights_of_titan (guint64 context,
                      guint64 data,
                      guint64 replicas)
{
  g_autoptr (HrModel) model = load ();
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = NULL;

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_TORCHTITAN, "context-parallel", context, "data-parallel", data,
                "data-parallel-replicas", replicas, NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);

  return hr_estimate_get_component_bytes (estimate, HR_COMPONENT_WEIGHTS);
}

/* Those of one copy that have a part of each sequence hold a part of its parameters as well. */
static void
ranks_of_torchtitan_that_share_sequences_share_parameters (void)
{
  g_assert_cmpuint (get_weights_of_titan (2, 4, 4), ==, get_weights_of_titan (1, 2, 1));
  g_assert_cmpuint (get_weights_of_titan (2, 4, 2), ==, get_weights_of_titan (1, 4, 1));
  g_assert_cmpuint (get_weights_of_titan (2, 4, 1), ==, get_weights_of_titan (1, 8, 1));
}

static void
a_schedule_that_a_framework_has_not_is_refused (void)
{
  static const struct
  {
    HrTrainingFramework framework;
    HrPipelineSchedule schedule;
    guint64 n_parts;
    guint64 n_micro_batches;
    const char *sentence;
  } cases[] = {
    { HR_TRAINING_FRAMEWORK_MEGATRON_LM, HR_PIPELINE_SCHEDULE_GPIPE, 1, 8, "as Megatron-LM has no other" },
    { HR_TRAINING_FRAMEWORK_PYTORCH, HR_PIPELINE_SCHEDULE_ZBV, 1, 8, "expects two parts on each rank; found" },
    { HR_TRAINING_FRAMEWORK_PYTORCH, HR_PIPELINE_SCHEDULE_DUALPIPE_V, 2, 7, "twice as many micro-batches as ranks" },
    { HR_TRAINING_FRAMEWORK_PYTORCH, HR_PIPELINE_SCHEDULE_1F1B, 1, 2,
      "gradient-accumulation-steps: expected 4 at least" },
    { HR_TRAINING_FRAMEWORK_PYTORCH, HR_PIPELINE_SCHEDULE_1F1B, 2, 9, "expects rounds of equally many micro-batches" },
    { HR_TRAINING_FRAMEWORK_TORCHTITAN, HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 1, 8,
      "virtual-pipeline-parallel: expected 2 at least, as torchtitan" },
    { HR_TRAINING_FRAMEWORK_TORCHTITAN, HR_PIPELINE_SCHEDULE_ZBV, 2, 1, "gradient-accumulation-steps: expected 2" },
    { HR_TRAINING_FRAMEWORK_TORCHTITAN, HR_PIPELINE_SCHEDULE_1F1B, 9, 8, "expected a layer for each stage at least" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrModel) model = load ();
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = NULL;

      g_object_set (job, "framework", cases[i].framework, "pipeline-parallel", G_GUINT64_CONSTANT (4),
                    "pipeline-schedule", cases[i].schedule, NULL);
      give (job, "virtual-pipeline-parallel", cases[i].n_parts);
      give (job, "gradient-accumulation-steps", cases[i].n_micro_batches);
      estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
      g_assert_null (estimate);
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, cases[i].sentence));
    }
}

/* With one micro-batch, which is torchtitan's default, 1F1B and schedules that split backward passes do not run. */
static void
pipelines_of_torchtitan_have_what_their_schedules_need (void)
{
  static const struct { HrPipelineSchedule schedule; guint64 n_parts, n_micro_batches; } cases[] = {
    { HR_PIPELINE_SCHEDULE_1F1B, 1, 4 },
    { HR_PIPELINE_SCHEDULE_GPIPE, 1, 1 },
    { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, 2, 4 },
    { HR_PIPELINE_SCHEDULE_ZBV, 2, 4 },
    { HR_PIPELINE_SCHEDULE_DUALPIPE_V, 2, 8 },
  };
  g_autoptr (HrModel) model = load ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (HrTrainingJob) told = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = NULL;
      g_autoptr (HrEstimate) expected = NULL;

      g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_TORCHTITAN, "pipeline-parallel", G_GUINT64_CONSTANT (4),
                    "pipeline-schedule", cases[i].schedule, NULL);
      told = HR_TRAINING_JOB (hr_job_copy (HR_JOB (job)));
      give (told, "virtual-pipeline-parallel", cases[i].n_parts);
      give (told, "gradient-accumulation-steps", cases[i].n_micro_batches);
      estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
      g_assert_no_error (error);
      expected = hr_estimator_run (model, HR_JOB (told), NULL, 1, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (hr_estimate_get_total_bytes (estimate), ==, hr_estimate_get_total_bytes (expected));
      g_assert_cmpint (has_warning (estimate, "num_pp_microbatches) does not"), ==, cases[i].n_micro_batches > 1);
      g_assert_cmpint (has_warning (estimate, "virtual-pipeline-parallel is counted as 2"), ==, cases[i].n_parts > 1);
      g_assert_false (has_warning (expected, "-steps is counted as"));
      g_assert_false (has_warning (expected, "-parallel is counted as"));
    }
}

/* Zero-bubble schedules go with neither checkpointing nor copies; a backward pass within another is not followed. */
static void
what_a_pipeline_of_torch_is_not_known_with_is_refused (void)
{
  static const struct
  {
    HrPipelineSchedule schedule;
    gboolean is_reentrant;
    guint64 n_copies;
    const char *sentence;
  } cases[] = {
    { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, FALSE, 1, "gradient-checkpointing: expected none beside the schedule zero-" },
    { HR_PIPELINE_SCHEDULE_ZERO_BUBBLE, FALSE, 2, "data-parallel: expected 1 beside the schedule zero-bubble" },
    { HR_PIPELINE_SCHEDULE_GPIPE, TRUE, 1, "reentrant-checkpointing: expected one of what is known" },
    { HR_PIPELINE_SCHEDULE_GPIPE, FALSE, 1, NULL },
    { HR_PIPELINE_SCHEDULE_GPIPE, FALSE, 2, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrModel) model = load ();
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = NULL;

      g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_PYTORCH, "pipeline-parallel", G_GUINT64_CONSTANT (4),
                    "pipeline-schedule", cases[i].schedule, "gradient-accumulation-steps", G_GUINT64_CONSTANT (8),
                    "gradient-checkpointing", HR_GRADIENT_CHECKPOINTING_FULL,
                    "reentrant-checkpointing", cases[i].is_reentrant, "data-parallel", cases[i].n_copies, NULL);
      estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
      g_assert_true ((cases[i].sentence == NULL) == (estimate != NULL));
      g_assert_true (cases[i].sentence == NULL || strstr (error->message, cases[i].sentence) != NULL);
    }
}

/* What DeepSpeed's Ulysses asks for: heads that can be exchanged, a kernel, tokens that come out even. */
static void
sequences_that_deepspeed_cannot_share_are_refused (void)
{
  static const struct
  {
    HrTrainingFramework framework;
    guint64 n_ranks;
    guint64 length;
    HrAttentionImplementation attention;
    const char *sentence;
  } cases[] = {
    { HR_TRAINING_FRAMEWORK_DEEPSPEED, 64, 4096, HR_ATTENTION_IMPLEMENTATION_SDPA,
      "context-parallel: expected a divisor of 32, the heads of queries" },
    { HR_TRAINING_FRAMEWORK_DEEPSPEED, 8, 4100, HR_ATTENTION_IMPLEMENTATION_SDPA,
      "sequence-length: expected a multiple of 8" },
    { HR_TRAINING_FRAMEWORK_DEEPSPEED, 8, 4096, HR_ATTENTION_IMPLEMENTATION_EAGER,
      "attention: expected sdpa or flash" },
    { HR_TRAINING_FRAMEWORK_TRANSFORMERS, 8, 4096, HR_ATTENTION_IMPLEMENTATION_SDPA,
      "context-parallel: expected 1 without ZeRO" },
    { HR_TRAINING_FRAMEWORK_DEEPSPEED, 8, 4096, HR_ATTENTION_IMPLEMENTATION_SDPA, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrModel) model = load ();
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = NULL;

      g_object_set (job, "framework", cases[i].framework, "context-parallel", cases[i].n_ranks, "sequence-length",
                    cases[i].length, "attention", cases[i].attention, "dtype", HR_DTYPE_BFLOAT16, "master-dtype",
                    HR_MASTER_DTYPE_FLOAT32, NULL);
      estimate = hr_estimator_run (model, HR_JOB (job), NULL, 8, &error);
      g_assert_true ((cases[i].sentence == NULL) == (estimate != NULL));
      g_assert_true (cases[i].sentence == NULL || strstr (error->message, cases[i].sentence) != NULL);
    }
}

/* PipelineEngine asserts it (deepspeed/runtime/pipe/engine.py). */
static void
gradients_that_are_divided_as_they_come_are_refused_beside_a_pipeline_of_deepspeed (void)
{
  for (guint64 stage = 1; stage <= 3; stage++)
    {
      g_autoptr (HrModel) model = load ();
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = NULL;

      g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_DEEPSPEED, "pipeline-parallel", G_GUINT64_CONSTANT (2),
                    "zero-stage", stage, "dtype", HR_DTYPE_BFLOAT16, NULL);
      estimate = hr_estimator_run (model, HR_JOB (job), NULL, 8, &error);
      g_assert_true ((estimate == NULL) == (stage > 1));
      g_assert_true (stage == 1 ||
                     strstr (error->message, "zero-stage: expected 0 or 1 beside pipeline-parallel") != NULL);
    }
}

/* TrainSchedule and PipelineEngine of DeepSpeed, and BF16_Optimizer, which sums up in fp32 beside ZeRO alone. */
static void
what_a_pipeline_of_deepspeed_has_not_is_refused (void)
{
  const struct { const char *setting; const char *value; const char *sentence; } cases[] = {
    { "pipeline-schedule", "gpipe", "pipeline-schedule: expected 1f1b, as DeepSpeed’s pipeline has no other" },
    { "virtual-pipeline-parallel", "2", "virtual-pipeline-parallel: expected one of what is known of DeepSpeed’s" },
    { "context-parallel", "2", "context-parallel: expected one of what is known of DeepSpeed’s PipelineEngine, 1" },
    { "tensor-parallel", "2", "tensor-parallel: expected 1, as what each GPU holds where DeepSpeed divides" },
    { "gradient-dtype", "both", "gradient-dtype: expected one of what is known of DeepSpeed’s PipelineEngine without" },
    { "gradient-checkpointing", "selective", "gradient-checkpointing: expected one of what is known of DeepSpeed’s" },
    { "gradient-checkpointing", "full", NULL },
    { "zero-grad", "after-step", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrModel) model = load ();
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = NULL;

      g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_DEEPSPEED, "pipeline-parallel", G_GUINT64_CONSTANT (2),
                    "dtype", HR_DTYPE_BFLOAT16, "master-dtype", HR_MASTER_DTYPE_FLOAT32, "sequence-length",
                    G_GUINT64_CONSTANT (512), NULL);
      g_assert_true (hr_job_set_from_string (HR_JOB (job), cases[i].setting, cases[i].value, &error));
      estimate = hr_estimator_run (model, HR_JOB (job), NULL, 8, &error);
      g_assert_true ((estimate == NULL) == (cases[i].sentence != NULL));
      g_assert_true (estimate != NULL || strstr (error->message, cases[i].sentence) != NULL);
    }
}

static gboolean
has_source (HrEstimate    *estimate,
            HrComponentId  id,
            const char    *source)
{
  GListModel *parts = hr_estimate_get_device_components (estimate, 0);

  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (HrComponent) part = g_list_model_get_item (parts, i);

      if (hr_component_get_id (part) == id)
        return strstr (hr_component_get_source (part), source) != NULL;
    }

  return FALSE;
}

/* BF16_Optimizer has a copy in fp32 of no more than its part, though ZeRO is off, and all gradients once more. */
static void
copies_of_a_stage_of_deepspeed_share_what_is_in_fp32_without_zero (void)
{
  guint64 masters[2], gradients[2];

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (HrModel) model = load ();
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = NULL;

      g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_DEEPSPEED, "pipeline-parallel", G_GUINT64_CONSTANT (2),
                    "data-parallel", G_GUINT64_CONSTANT (1) + 3 * i, "dtype", HR_DTYPE_BFLOAT16, "master-dtype",
                    HR_MASTER_DTYPE_FLOAT32, "sequence-length", G_GUINT64_CONSTANT (512), NULL);
      estimate = hr_estimator_run (model, HR_JOB (job), NULL, 8, &error);
      g_assert_no_error (error);
      masters[i] = hr_estimate_get_component_bytes (estimate, HR_COMPONENT_MASTER_WEIGHTS);
      gradients[i] = hr_estimate_get_component_bytes (estimate, HR_COMPONENT_GRADIENTS);
      g_assert_true (has_source (estimate, HR_COMPONENT_MASTER_WEIGHTS, "deepspeed/runtime/bf16_optimizer.py"));
    }

  g_assert_cmpuint (masters[1], ==, masters[0] / 4);
  g_assert_cmpuint (gradients[1], >=, masters[0]);
}

/* Eight layers, the first of which may have a small perceptron in the place of experts. */
static HrEstimate *
estimate_mixed (const char *dense_layers,
                guint64     n_parts,
                guint64     n_predictions)
{
  g_autofree char *config =
    g_strdup_printf ("{\"model_type\": \"qwen3_moe\", \"architectures\": [\"Qwen3MoeForCausalLM\"], "
                     "\"hidden_size\": 512, \"intermediate_size\": 512, \"moe_intermediate_size\": 512, "
                     "\"num_hidden_layers\": 8, \"num_attention_heads\": 8, \"num_key_value_heads\": 8, "
                     "\"head_dim\": 64, \"vocab_size\": 1024, \"num_experts\": 8, \"num_experts_per_tok\": 2, "
                     "\"mlp_only_layers\": [%s], \"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\"}",
                     dense_layers);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "mixed", &error);
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();
  HrEstimate *estimate;

  g_assert_no_error (error);
  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, "sequence-length", (guint64) 2048,
                "pipeline-parallel", (guint64) 2, "virtual-pipeline-parallel", n_parts, "gradient-accumulation-steps",
                (guint64) 8, "mtp-num-layers", n_predictions, NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 2, &error);
  g_assert_no_error (error);

  return estimate;
}

/* --moe-layer-freq: the first part of the first stage has one of its two layers without experts. */
static void
parts_of_a_stage_may_have_other_layers_than_the_rest (void)
{
  g_autoptr (HrEstimate) mixed = estimate_mixed ("0", 2, 0);
  g_autoptr (HrEstimate) experts = estimate_mixed ("", 2, 0);
  g_autoptr (HrEstimate) two = estimate_mixed ("0,1", 2, 0);
  guint64 first[] = { hr_estimate_get_device_bytes (experts, 0), hr_estimate_get_device_bytes (mixed, 0),
                      hr_estimate_get_device_bytes (two, 0) };

  /* The second stage has experts in all of its layers. */
  g_assert_cmpuint (hr_estimate_get_device_bytes (mixed, 1), ==, hr_estimate_get_device_bytes (experts, 1));
  g_assert_cmpuint (first[0], >, first[1]);
  /* Each layer without experts saves as much, for each micro-batch of the part, while a layer with them runs. */
  g_assert_cmpuint (first[0] - first[1], ==, first[1] - first[2]);
}

/*
 * A layer that predicts tokens further on is on the last stage: its parameters are those of the last layer, three
 * norms, a matrix of 2·h·h, and the table of tokens, which the stage has not without it.
 */
static void
a_layer_that_predicts_further_tokens_is_on_the_last_stage (void)
{
  const guint64 hidden = 512, vocabulary = 1024, experts = 8 * 3 * 512 * 512 + 8 * 512;
  /* Norms of heads take a block of the allocator each. */
  const guint64 layer = 4 * hidden * hidden + 2 * 256 + 2 * hidden + experts;
  const guint64 more = layer + 3 * hidden + 2 * hidden * hidden + vocabulary * hidden;
  g_autoptr (HrEstimate) without = estimate_mixed ("", 1, 0);
  g_autoptr (HrEstimate) with = estimate_mixed ("", 1, 1);
  guint64 weights[2];

  g_assert_cmpuint (hr_estimate_get_device_bytes (with, 0), ==, hr_estimate_get_device_bytes (without, 0));
  for (guint i = 0; i < 2; i++)
    {
      GListModel *parts = hr_estimate_get_device_components (i == 0 ? without : with, 1);
      g_autoptr (HrComponent) part = g_list_model_get_item (parts, 0);

      g_assert_cmpint (hr_component_get_id (part), ==, HR_COMPONENT_WEIGHTS);
      weights[i] = hr_component_get_bytes (part);
    }
  g_assert_cmpuint (weights[1] - weights[0], ==, 2 * more);
}

static void
layers_that_predict_further_tokens_need_a_head_of_their_own (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("openai-community/gpt2", &error);
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();
  g_autoptr (HrEstimate) estimate = NULL;

  g_assert_no_error (error);
  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, "sequence-length", (guint64) 512, "mtp-num-layers",
                (guint64) 1, NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_null (estimate);
  g_assert_nonnull (strstr (error->message, "mtp-num-layers: expected 0, as"));
}

/* Eight ranks that share sequences have an eighth of the tokens, and of what ZeRO divides. */
static void
ranks_that_share_a_sequence_share_what_zero_divides (void)
{
  guint64 bytes[2];

  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++)
    {
      g_autoptr (HrModel) model = load ();
      g_autoptr (HrTrainingJob) job = hr_training_job_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = NULL;

      g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_DEEPSPEED, i == 0 ? "data-parallel" : "context-parallel",
                    G_GUINT64_CONSTANT (8), "zero-stage", G_GUINT64_CONSTANT (1), "dtype", HR_DTYPE_BFLOAT16,
                    "master-dtype", HR_MASTER_DTYPE_FLOAT32, "sequence-length", G_GUINT64_CONSTANT (4096), NULL);
      estimate = hr_estimator_run (model, HR_JOB (job), NULL, 8, &error);
      g_assert_no_error (error);
      bytes[i] = hr_estimate_get_component_bytes (estimate, HR_COMPONENT_OPTIMIZER);
    }

  g_assert_cmpuint (bytes[0], >, 0);
  g_assert_cmpuint (bytes[1], ==, bytes[0]);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name) g_test_add_func ("/layout/" #name, name)
  ADD (each_rank_has_its_share_of_the_matrices_and_all_of_the_norms);
  ADD (stages_have_all_layers_between_them);
  ADD (the_last_stage_has_a_copy_of_a_tied_table);
  ADD (a_distributed_optimizer_is_shared_by_data_parallel_ranks);
  ADD (states_of_wide_parameters_are_shared);
  ADD (sequence_parallelism_divides_what_tensor_parallelism_does_not);
  ADD (earlier_stages_keep_more_micro_batches);
  ADD (an_interleaved_schedule_runs_parts_in_turn);
  ADD (stages_may_have_different_numbers_of_layers);
  ADD (groups_of_micro_batches_may_be_longer);
  ADD (an_interleaved_schedule_keeps_more);
  ADD (ranks_that_share_a_sequence_have_their_tokens_alone);
  ADD (a_ring_and_an_exchange_keep_the_same);
  ADD (experts_are_divided_among_ranks_of_their_own);
  ADD (experts_have_an_optimizer_that_other_ranks_share);
  ADD (a_capacity_says_what_experts_compute);
  ADD (layers_that_are_computed_anew_at_once_keep_one_input);
  ADD (the_rule_of_thumb_is_divided_as_it_is_usually_written);
  ADD (small_models_take_what_megatron_lm_logs);
  ADD (a_model_of_seven_billion_takes_what_megatron_lm_logs);
  ADD (groups_of_ranks_hold_what_they_send_each_other);
  ADD (groups_of_ranks_are_machines_where_nothing_is_said);
  ADD (gradients_of_the_head_wait_until_all_have_gone_back);
  ADD (no_micro_batch_waits_while_the_optimizer_steps);
  ADD (what_does_not_divide_is_refused_in_a_sentence);
  ADD (what_torchtitan_does_not_divide_is_refused_in_a_sentence);
  ADD (what_transformers_does_not_divide_is_refused_in_a_sentence);
  ADD (torchtitan_without_sequence_parallelism_is_told);
  ADD (ranks_of_torchtitan_share_layers_tokens_and_the_vocabulary);
  ADD (a_schedule_that_a_framework_has_not_is_refused);
  ADD (pipelines_of_torchtitan_have_what_their_schedules_need);
  ADD (ranks_of_torchtitan_that_share_sequences_share_parameters);
  ADD (what_a_pipeline_of_torch_is_not_known_with_is_refused);
  ADD (sequences_that_deepspeed_cannot_share_are_refused);
  ADD (gradients_that_are_divided_as_they_come_are_refused_beside_a_pipeline_of_deepspeed);
  ADD (what_a_pipeline_of_deepspeed_has_not_is_refused);
  ADD (parts_of_a_stage_may_have_other_layers_than_the_rest);
  ADD (a_layer_that_predicts_further_tokens_is_on_the_last_stage);
  ADD (layers_that_predict_further_tokens_need_a_head_of_their_own);
  ADD (copies_of_a_stage_of_deepspeed_share_what_is_in_fp32_without_zero);
  ADD (ranks_that_share_a_sequence_share_what_zero_divides);
#undef ADD

  return g_test_run ();
}
