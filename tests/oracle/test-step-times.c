/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Step times on many GPUs that others have published, beside what the planner of layouts says of the same layout.
 * Nothing is fitted: the table says how far off a roofline with communication is.
 */

#include <math.h>

#include "hr-gpu-catalogue.h"
#include "hr-layout-time.h"

#include "oracle.h"

static JsonNode *root;

static guint64
get_number (JsonObject *test,
            const char *name)
{
  return json_object_get_int_member (test, name);
}

static HrJob *
create_job (JsonObject *test)
{
  static const char * const settings[] = {
    "sequence-length", "tensor-parallel", "pipeline-parallel", "context-parallel", "data-parallel", "micro-batch-size",
    "zero-stage",
  };
  HrJob *job = hr_job_new (HR_MODE_TRAINING);
  g_autoptr (GError) error = NULL;

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, "sequence-parallel",
                json_object_get_boolean_member (test, "sequence-parallel"), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    g_object_set (job, settings[i], get_number (test, settings[i]), NULL);
  hr_job_set_from_string (job, "gradient-checkpointing",
                          json_object_get_string_member (test, "gradient-checkpointing"), &error);
  g_assert_no_error (error);

  return job;
}

/* Of parts that are not told the number with which a step is fastest. */
static void
find_time (JsonObject          *test,
           const HrLayoutParts *parts,
           const HrCluster     *cluster,
           HrLayoutStep        *step,
           HrLayoutTime        *best)
{
  guint64 told = json_object_has_member (test, "virtual-pipeline-parallel")
                   ? get_number (test, "virtual-pipeline-parallel") : 0;
  guint n_layers = hr_layout_parts_get_n_layers (parts);

  best->total = INFINITY;
  for (step->layout.parts = 1; step->layout.parts <= n_layers / step->layout.pipeline; step->layout.parts++)
    {
      HrDivision *division;
      HrLayoutTime time;

      if ((told > 0 && step->layout.parts != told) || !hr_layout_divides_layers (&step->layout, n_layers) ||
          !hr_layout_can_interleave (&step->layout, step->n_micro_batches))
        continue;

      division = hr_layout_parts_divide (parts, &step->layout);
      hr_layout_time_init (&time, parts, cluster, step, division);
      hr_division_free (division);
      if (time.total < best->total)
        *best = time;
    }
}

/* Returns: the time that is estimated by the time that was measured */
static double
compare (JsonObject *test)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = oracle_parse_model (json_object_get_member (test, "config"), "model", &error);
  g_autoptr (HrJob) job = create_job (test);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (json_object_get_string_member (test, "gpu"), &error);
  g_autoptr (HrLayoutParts) parts = NULL;
  HrCluster cluster = { gpu, 1, 8, get_number (test, "network-bytes-per-second") };
  HrLayoutStep step = { .micro_batch = get_number (test, "micro-batch-size") };
  guint64 throughput = 0;
  HrLayoutTime time = { 0 };

  g_assert_no_error (error);
  g_assert_true (hr_layout_init (&step.layout, HR_TRAINING_JOB (job), 1, &error));
  step.checkpointing = hr_training_job_get_gradient_checkpointing (HR_TRAINING_JOB (job));
  step.n_micro_batches = get_number (test, "sequences") / (step.layout.data * step.micro_batch);
  cluster.n_gpus = step.layout.n_ranks;
  parts = hr_layout_parts_new (model, HR_TRAINING_JOB (job), step.layout.tensor, &error);
  g_assert_no_error (error);
  find_time (test, parts, &cluster, &step, &time);
  hr_gpu_get_throughput (gpu, HR_DTYPE_BFLOAT16, &throughput);
  g_test_message ("%s: %.2f s, of which products %.2f, sharing layers %.2f, sequences %.2f, stages %.2f, copies %.2f; "
                  "%.0f TFLOP/s of each GPU",
                  json_object_get_string_member (test, "id"), time.total, time.compute, time.layer, time.sequence,
                  time.pipeline, time.data, time.utilization * throughput / 1e12);
  if (json_object_has_member (test, "seconds"))
    return time.total / json_object_get_double_member (test, "seconds");

  return get_number (test, "teraflops-per-gpu") * 1e12 / (time.utilization * throughput);
}

static void
published_step_times_are_this_far_off (void)
{
  JsonObject *object = json_node_get_object (root);
  JsonArray *cases = json_object_get_array_member (object, "cases");
  JsonObject *bounds = json_object_get_object_member (object, "bounds");
  g_autoptr (GArray) errors = oracle_errors_new ();

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);
      double ratio = compare (test);

      g_test_message ("%-32s %.2f of what was measured", json_object_get_string_member (test, "id"), ratio);
      oracle_errors_add (errors, 100 * fabs (ratio - 1));
    }

  oracle_errors_judge (errors, "step times", json_object_get_int_member (bounds, "median-percent"),
                       json_object_get_int_member (bounds, "worst-percent"));
}

int
main (int    argc,
      char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  root = oracle_load_file ("step-times.json");

  g_test_add_func ("/oracle/step_times/published_step_times_are_this_far_off", published_step_times_are_this_far_off);

  status = g_test_run ();
  json_node_unref (root);

  return status;
}
