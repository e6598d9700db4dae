/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Operations by torch's own formulas (torch.utils.flop_counter) for every operator that transformers runs, of the
 * models and jobs of other files: what a prompt, a token and a step of training compute. Counts are exact.
 */

#include "hr-compute.h"

#include "oracle.h"

static JsonNode *root;
static GHashTable *files;

typedef struct
{
  guint n_equal;
  guint n_compared;
  GHashTable *models;
} Score;

static JsonNode *
get_file (const char *name)
{
  JsonNode *file = g_hash_table_lookup (files, name);

  if (file == NULL)
    {
      g_autofree char *file_name = g_strconcat (name, ".json", NULL);

      file = oracle_load_file (file_name);
      g_hash_table_insert (files, g_strdup (name), file);
    }

  return file;
}

static JsonObject *
find_case (JsonNode   *file,
           const char *id)
{
  JsonArray *cases = json_object_get_array_member (json_node_get_object (file), "cases");

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);

      if (g_str_equal (json_object_get_string_member (test, "id"), id))
        return test;
    }

  g_error ("no case %s", id);
}

/* What torch has no formula for, or computes number by number, is left out of what is compared. */
static guint64
leave_out (const HrComputePhase *phase,
           JsonObject           *row,
           guint64 (*get) (const HrFlops *flops))
{
  guint64 sum = get (&phase->total) - get (&phase->count->parts[HR_FLOP_PART_STATE]);

  return json_object_has_member (row, "no-formula") ? sum - get (&phase->count->parts[HR_FLOP_PART_EXPERTS]) : sum;
}

static guint64
get_forward (const HrFlops *flops)
{
  return flops->forward;
}

static guint64
get_backward (const HrFlops *flops)
{
  return hr_flops_get_training (flops) - flops->forward;
}

static void
compare (Score      *score,
         const char *id,
         const char *what,
         guint64     found,
         gint64      expected)
{
  score->n_compared++;
  score->n_equal += found == (guint64) expected;
  if (found != (guint64) expected)
    g_test_message ("%s, %s: %" G_GUINT64_FORMAT ", torch %" G_GINT64_FORMAT " (%+.5f %%)", id, what, found, expected,
                    oracle_get_percent (found, expected));
}

static HrMode
get_mode (const char *file_name,
          gboolean    trains)
{
  if (g_str_has_prefix (file_name, "multimodal"))
    return HR_MODE_MULTIMODAL;

  return trains ? HR_MODE_FINE_TUNING : HR_MODE_INFERENCE;
}

static void
run_case (Score      *score,
          JsonObject *row)
{
  const char *id = json_object_get_string_member (row, "id");
  const char *file_name = json_object_get_string_member (row, "file");
  JsonNode *file = get_file (file_name);
  JsonObject *test = find_case (file, id);
  gboolean trains = json_object_has_member (row, "backward");
  g_autoptr (HrModel) model = oracle_load_model (file, json_object_get_string_member (test, "model"));
  g_autoptr (HrJob) job = oracle_make_job (get_mode (file_name, trains),
                                           json_object_get_object_member (test, "settings"));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrCompute) compute = hr_compute_new (model, job, NULL, 1, &error);
  const HrComputePhase *phase;

  g_assert_no_error (error);
  g_hash_table_add (score->models, g_strconcat (hr_model_get_model_type (model), NULL));
  phase = hr_compute_get_phase (compute, 0);
  compare (score, id, trains ? "forward" : "prefill", leave_out (phase, row, get_forward),
           json_object_get_int_member (row, trains ? "forward" : "prefill"));
  if (trains)
    compare (score, id, "backward", leave_out (phase, row, get_backward),
             json_object_get_int_member (row, "backward"));

  phase = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_DECODE);
  if (json_object_has_member (row, "decode"))
    compare (score, id, "decode", leave_out (phase, row, get_forward), json_object_get_int_member (row, "decode"));
}

static void
test_operations (void)
{
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  Score score = { .models = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };

  for (guint i = 0; i < json_array_get_length (cases); i++)
    run_case (&score, json_array_get_object_element (cases, i));

  g_test_message ("operations: %u of %u counts of %u types of models are equal", score.n_equal, score.n_compared,
                  g_hash_table_size (score.models));
  g_assert_cmpuint (score.n_equal, ==, score.n_compared);
  g_assert_cmpuint (g_hash_table_size (score.models), >=, 30);
  g_hash_table_unref (score.models);
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (JsonNode) file = NULL;

  g_test_init (&argc, &argv, NULL);
  file = oracle_load_file ("flops.json");
  root = file;
  files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) json_node_unref);
  g_test_add_func ("/oracle/a_pass_computes_what_torch_counts", test_operations);

  return g_test_run ();
}
