/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What Megatron-LM writes into its own logs, against the estimate of the last stage: the peak of what PyTorch's
 * allocator handed out, and what is handed out between two steps. A row that ran what is not followed says so
 * ("skipped").
 */

#include "hr-estimator.h"
#include "hr-framework.h"
#include "hr-gpu-catalogue.h"
#include "hr-training-job.h"

#include "estimates.h"
#include "oracle.h"

#define N_ROWS 231
#define N_COMPARABLE 207

#define MAX_MEDIAN_PERCENT 1
#define MAX_WORST_PERCENT 4

/* Sequences are divided in rows with two stages or two ranks for a matrix, which are off most in other rows as well. */
#define MAX_DIVIDED_MEDIAN_PERCENT 1.6
#define MAX_DIVIDED_WORST_PERCENT 2.5

/* Of mixtures of experts, which are small, what their dispatchers hold from layer to layer is not all followed. */
#define MAX_EXPERT_MEDIAN_PERCENT 3
#define MAX_EXPERT_WORST_PERCENT 7

/* Of what is handed out between steps a third is workspaces, and blocks of the allocator are handed out whole. */
#define MAX_STEADY_MEDIAN_PERCENT 0.6
#define MAX_STEADY_WORST_PERCENT 2.5

typedef struct
{
  guint64 steady;
  guint64 peak;
} Logged;

static gboolean
is_steady (HrComponentId id)
{
  return id == HR_COMPONENT_WEIGHTS || id == HR_COMPONENT_GRADIENTS || id == HR_COMPONENT_OPTIMIZER ||
         id == HR_COMPONENT_MASTER_WEIGHTS || id == HR_COMPONENT_FRAMEWORK;
}

static gboolean
has_experts (JsonObject *row)
{
  return g_str_has_prefix (json_object_get_string_member (row, "model"), "experts");
}

/*
 * What the last of its parts has received, and the gradient of that, stays until the next step: in each part that is
 * not the first of all (TransformerBlock.set_input_tensor in megatron/core/transformer/transformer_block.py).
 */
static guint64
count_received (HrTrainingJob *job,
                guint64        hidden_size)
{
  guint64 n_parts = hr_training_job_get_virtual_pipeline_parallel (job);
  guint64 share = hr_job_get_context_parallel (HR_JOB (job)) *
                  (hr_training_job_get_sequence_parallel (job) ? hr_job_get_tensor_parallel (HR_JOB (job)) : 1);

  if (hr_job_get_pipeline_parallel (HR_JOB (job)) == 1)
    return 0;

  return n_parts * 2 * 2 * hr_training_job_get_micro_batch_size (job) * hr_training_job_get_sequence_length (job) *
         hidden_size / share;
}

/*
 * Tokens of all ranks that share experts are gathered into a buffer that stays (MoEAllGatherTokenDispatcher in
 * megatron/core/transformer/moe/token_dispatcher.py).
 */
static guint64
count_gathered (HrTrainingJob *job,
                JsonObject    *row,
                guint64        hidden_size)
{
  guint64 tensor = hr_job_get_tensor_parallel (HR_JOB (job));
  guint64 expert_tensor = hr_training_job_get_expert_tensor_parallel (job);
  guint64 n_ranks = hr_job_get_expert_parallel (HR_JOB (job)) * (expert_tensor > 0 ? expert_tensor : tensor);

  if (!has_experts (row) || hr_training_job_get_moe_dispatcher (job) != HR_MOE_DISPATCHER_ALLGATHER || n_ranks == 1)
    return 0;

  return 2 * hr_training_job_get_micro_batch_size (job) * hr_training_job_get_sequence_length (job) * hidden_size *
         n_ranks / (tensor * hr_job_get_context_parallel (HR_JOB (job)));
}

/* Adds up what the allocator has, with the workspaces that the run has asked for. */
static Logged
get_logged (HrEstimate *estimate,
            HrGpu      *gpu,
            guint64     workspace)
{
  GListModel *parts = hr_estimate_get_device_components (estimate, hr_estimate_get_n_devices (estimate) - 1);
  Logged logged = { 0 };
  HrFramework framework;

  g_assert_true (hr_framework_init_for_gpu (&framework, gpu));
  for (guint i = 0; i < g_list_model_get_n_items (parts); i++)
    {
      g_autoptr (HrComponent) part = g_list_model_get_item (parts, i);
      HrComponentId id = hr_component_get_id (part);
      guint64 bytes = hr_component_get_bytes (part);

      if (id == HR_COMPONENT_FRAGMENTATION)
        continue;
      if (id == HR_COMPONENT_FRAMEWORK)
        bytes -= framework.context_bytes + framework.backward_bytes;
      if (id == HR_COMPONENT_FRAMEWORK && workspace > 0)
        bytes += 2 * (workspace - framework.workspace_bytes);
      logged.peak += bytes;
      logged.steady += is_steady (id) ? bytes : 0;
    }

  return logged;
}

/*
 * The local specification has other workspaces between steps than are known, and a row may say what else stays that is
 * not followed ("beside"); the peak counts.
 */
static gboolean
has_others_beside (JsonObject *row)
{
  JsonObject *settings = json_object_get_object_member (row, "settings");

  return g_strcmp0 (json_object_get_string_member_with_default (settings, "attention", NULL), "eager") == 0 ||
         json_object_has_member (row, "beside");
}

static guint64
get_hidden_size (JsonNode   *root,
                 const char *name)
{
  JsonObject *models = json_object_get_object_member (json_node_get_object (root), "models");
  JsonObject *model = json_object_get_object_member (models, name);

  return json_object_get_int_member (model, json_object_has_member (model, "n_embd") ? "n_embd" : "hidden_size");
}

static gboolean
is_divided (JsonObject *row)
{
  return json_object_has_member (json_object_get_object_member (row, "settings"), "context-parallel");
}

static void
compare (JsonNode   *root,
         JsonObject *row,
         GArray     *steady,
         GArray     *peaks)
{
  const char *id = json_object_get_string_member (row, "id");
  guint64 workspace = json_object_get_int_member_with_default (row, "workspace", 0);
  guint64 hidden_size = get_hidden_size (root, json_object_get_string_member (row, "model"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (row, "model"));
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (json_object_get_string_member (row, "gpu"), &error);
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_TRAINING, json_object_get_object_member (row, "settings"));
  g_autoptr (HrEstimate) estimate = NULL;
  double steady_percent, peak_percent;
  Logged logged;

  g_assert_no_error (error);
  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, NULL);
  estimate = hr_estimator_run (model, job, gpu, 8, &error);
  g_assert_no_error (error);
  logged = get_logged (estimate, gpu, workspace);
  logged.steady += count_received (HR_TRAINING_JOB (job), hidden_size) +
                   count_gathered (HR_TRAINING_JOB (job), row, hidden_size);
  steady_percent = oracle_get_percent (logged.steady, json_object_get_int_member (row, "steady"));
  peak_percent = oracle_get_percent (logged.peak, json_object_get_int_member (row, "peak"));
  g_test_message ("%-90s steady %+7.2f %%%s, peak %+7.2f %%", id, steady_percent,
                  has_others_beside (row) ? " (does not count)" : "", peak_percent);
  if (!has_others_beside (row))
    oracle_errors_add (steady, steady_percent);
  oracle_errors_add (peaks, peak_percent);
}

static void
test_logs (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("megatron-logs.json");
  JsonArray *rows = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) steady = oracle_errors_new ();
  g_autoptr (GArray) peaks = oracle_errors_new ();
  g_autoptr (GArray) divided_steady = oracle_errors_new ();
  g_autoptr (GArray) divided = oracle_errors_new ();
  g_autoptr (GArray) expert_steady = oracle_errors_new ();
  g_autoptr (GArray) experts = oracle_errors_new ();

  g_assert_cmpuint (json_array_get_length (rows), ==, N_ROWS);
  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);

      if (json_object_has_member (row, "skipped"))
        g_test_message ("%-90s not estimated: %s", json_object_get_string_member (row, "id"),
                        json_object_get_string_member (row, "skipped"));
      else if (has_experts (row))
        compare (root, row, expert_steady, experts);
      else if (is_divided (row))
        compare (root, row, divided_steady, divided);
      else
        compare (root, row, steady, peaks);
    }
  g_assert_cmpuint (peaks->len + divided->len + experts->len, ==, N_COMPARABLE);
  oracle_errors_judge (steady, "handed out between steps", MAX_STEADY_MEDIAN_PERCENT, MAX_STEADY_WORST_PERCENT);
  oracle_errors_judge (peaks, "peak", MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
  oracle_errors_judge (expert_steady, "handed out between steps, experts", MAX_EXPERT_MEDIAN_PERCENT,
                       MAX_EXPERT_WORST_PERCENT);
  oracle_errors_judge (experts, "peak, experts", MAX_EXPERT_MEDIAN_PERCENT, MAX_EXPERT_WORST_PERCENT);
  oracle_errors_judge (divided_steady, "handed out between steps, sequences divided", MAX_DIVIDED_MEDIAN_PERCENT,
                       MAX_DIVIDED_WORST_PERCENT);
  oracle_errors_judge (divided, "peak, sequences divided", MAX_DIVIDED_MEDIAN_PERCENT, MAX_DIVIDED_WORST_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_autofree char *folder = NULL;

  g_test_init (&argc, &argv, NULL);
  folder = g_test_build_filename (G_TEST_DIST, "oracle", "user", NULL);
  g_setenv ("XDG_DATA_HOME", folder, TRUE);

  g_test_add_func ("/oracle/stages_take_what_megatron_lm_writes_into_its_logs", test_logs);

  return g_test_run ();
}
