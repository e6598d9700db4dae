/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What frameworks do beside a plain loop. Figures are peaks of phases of the second of two steps on fake CUDA tensors,
 * with torch 2.14.1 and transformers 5.12.1, and with what the framework's own code adds to the loop.
 */

#include <string.h>

#include "hr-estimator.h"

#include "estimates.h"

/* A relative error of what scalars and short vectors take that are not followed. */
#define TOLERANCE 0.00002

static const char llama[] =
  "{\"model_type\": \"llama\", \"vocab_size\": 32000, \"hidden_size\": 512, \"intermediate_size\": 1376, "
  "\"num_hidden_layers\": 3, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"torch_dtype\": \"bfloat16\"}";

static HrJob *
make_job (const char * const *settings)
{
  HrJob *job = hr_job_new (HR_MODE_FINE_TUNING);

  for (guint i = 0; settings[i] != NULL; i += 2)
    {
      g_autoptr (GError) error = NULL;

      hr_job_set_from_string (job, settings[i], settings[i + 1], &error);
      g_assert_no_error (error);
    }

  return job;
}

static HrEstimate *
estimate (const char * const *settings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (llama, -1, "llama", &error);
  g_autoptr (HrJob) job = make_job (settings);
  HrEstimate *result;

  g_assert_no_error (error);
  result = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);

  return result;
}

static guint64
get_phase_bytes (HrEstimate *result,
                 HrPhaseId   phase)
{
  guint n_phases;
  const HrPhase *phases = hr_estimate_get_phases (result, &n_phases);

  for (guint i = 0; i < n_phases; i++)
    {
      if (phases[i].id == phase)
        return phases[i].peak_bytes - get_component_bytes (result, HR_COMPONENT_FRAGMENTATION);
    }

  return 0;
}

static gboolean
has_warning (HrEstimate *result,
             const char *part)
{
  const char * const *warnings = hr_estimate_get_warnings (result);

  for (guint i = 0; warnings[i] != NULL; i++)
    {
      if (strstr (warnings[i], part) != NULL)
        return TRUE;
    }

  return FALSE;
}

/* compute_loss of each release, over two sequences of 512 tokens in fp32 under autocast. */
static void
test_log (void)
{
  static const struct
  {
    const char *release;
    guint64 loss;
  } rows[] = {
    { "0.22", 996316160 },
    { "1.3", 1061342208 },
    { "1.6", 979677184 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *settings[] = {
        "framework", "trl", "trl-release", rows[i].release, "fine-tuning-method", "full", "micro-batch-size", "2",
        "sequence-length", "512", "gradient-checkpointing", "full", "dtype", "float32", "autocast", "bfloat16", NULL,
      };
      g_autoptr (HrEstimate) result = estimate (settings);
      double ratio = (double) get_phase_bytes (result, HR_PHASE_LOSS) / rows[i].loss;

      g_test_message ("%s: %g", rows[i].release, ratio);
      g_assert_cmpfloat_with_epsilon (ratio, 1, TOLERANCE);
      g_assert_cmpuint (get_phase_bytes (result, HR_PHASE_BACKWARD_LOSS), ==, 930769920);
    }
}

/* What TRL's configuration would turn on is said, where the job has it off. */
static void
test_defaults (void)
{
  static const char * const off[] = { "framework", "trl", "sequence-length", "128", NULL };
  static const char * const on[] = {
    "framework", "trl", "sequence-length", "128", "gradient-checkpointing", "full", "autocast", "bfloat16", NULL,
  };
  g_autoptr (HrEstimate) without = estimate (off);
  g_autoptr (HrEstimate) with = estimate (on);

  g_assert_true (has_warning (without, "gradient-checkpointing is none"));
  g_assert_true (has_warning (without, "autocast is none"));
  g_assert_false (has_warning (with, "gradient-checkpointing is none"));
  g_assert_false (has_warning (with, "autocast is none"));
  g_assert_true (has_warning (with, "chunked_nll"));
}

/* Factors of rank 16 beside two matrices of each layer: in fp32 as PEFT holds them, in bfloat16 as TRL does. */
static void
test_quantized (void)
{
  static const char * const transformers[] = {
    "framework", "transformers", "fine-tuning-method", "qlora", "sequence-length", "128", NULL,
  };
  static const char * const trl[] = {
    "framework", "trl", "fine-tuning-method", "qlora", "sequence-length", "128", NULL,
  };
  g_autoptr (HrEstimate) prepared = estimate (transformers);
  g_autoptr (HrEstimate) left = estimate (trl);

  g_assert_cmpuint (get_component_bytes (prepared, HR_COMPONENT_ADAPTERS), ==,
                    2 * get_component_bytes (left, HR_COMPONENT_ADAPTERS));
  /* Embeddings, head and norms in 16 bits more. */
  g_assert_cmpuint (get_component_bytes (prepared, HR_COMPONENT_WEIGHTS), ==,
                    get_component_bytes (left, HR_COMPONENT_WEIGHTS) + 2 * (2 * 32000 + 7) * 512);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/memory/training-profiles/trl_computes_metrics_of_the_logits", test_log);
  g_test_add_func ("/memory/training-profiles/what_trl_would_turn_on_is_said", test_defaults);
  g_test_add_func ("/memory/training-profiles/trl_leaves_quantized_models_as_they_are", test_quantized);

  return g_test_run ();
}
