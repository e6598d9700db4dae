/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Under full gradient checkpointing a training step's forward computes each layer as inference without a cache does, so
 * that its highest moment checks the replay in further dtypes, batches and attentions: to the byte.
 */

#include "hr-estimator.h"
#include "hr-inference-job.h"

#include "estimates.h"
#include "oracle.h"

/* The last step of a generation without a cache computes the whole sequence: the prompt and a token. */
static HrJob *
make_job (JsonObject *test)
{
  HrJob *job = HR_JOB (hr_inference_job_new ());
  g_autoptr (GError) error = NULL;

  hr_job_set_from_string (job, "dtype", json_object_get_string_member (test, "dtype"), &error);
  g_assert_no_error (error);
  hr_job_set_from_string (job, "attention", json_object_get_string_member (test, "attention"), &error);
  g_assert_no_error (error);
  g_object_set (job, "use-cache", FALSE, "output-length", (guint64) 1,
                "batch-size", (guint64) json_object_get_int_member (test, "batch-size"),
                "prompt-length", (guint64) json_object_get_int_member (test, "sequence-length") - 1, NULL);

  return job;
}

static void
test_peaks (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("forward-peaks.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");

  g_assert_cmpuint (json_array_get_length (cases), >, 0);
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);
      const char *name = json_object_get_string_member (test, "model");
      g_autoptr (HrModel) model = oracle_load_model (root, name);
      g_autoptr (HrJob) job = make_job (test);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);

      g_assert_no_error (error);
      g_test_message ("%s, %s, %s", name, json_object_get_string_member (test, "dtype"),
                      json_object_get_string_member (test, "attention"));
      g_assert_cmpuint (get_component_bytes (estimate, HR_COMPONENT_ACTIVATIONS) +
                          get_component_bytes (estimate, HR_COMPONENT_TEMPORARY),
                        ==, json_object_get_int_member (test, "bytes"));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/a_layer_takes_what_it_takes_in_the_framework", test_peaks);

  return g_test_run ();
}
