/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What frameworks do beside a plain loop. Figures are peaks of phases of the second of two steps on fake CUDA tensors,
 * with torch 2.14.1 and transformers 5.12.1, and with what the framework's own code adds to the loop.
 */

#include <string.h>

#include "hr-error.h"
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
    { "0-22", 996316160 },
    { "1-3", 1061342208 },
    { "1-6", 979677184 },
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

/*
 * Before 0.26 SFTTrainer left adapters in fp32, and held norms so where it computed in bfloat16: 7 vectors of 512, and
 * all that a layer hands on but the embeddings, as the second matrices of perceptrons see inputs of fp32.
 */
static void
test_quantized_before (void)
{
  static const char * const releases[] = { "0-14", "0-23", "0-25" };
  static const char * const latest[] = {
    "framework", "trl", "fine-tuning-method", "qlora", "sequence-length", "128", "autocast", "bfloat16",
    "gradient-checkpointing", "full", NULL,
  };
  g_autoptr (HrEstimate) left = estimate (latest);

  for (guint i = 0; i < G_N_ELEMENTS (releases); i++)
    {
      const char *settings[] = {
        "framework", "trl", "fine-tuning-method", "qlora", "sequence-length", "128", "autocast", "bfloat16",
        "gradient-checkpointing", "full", "trl-release", releases[i], NULL,
      };
      g_autoptr (HrEstimate) result = estimate (settings);

      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_ADAPTERS), ==,
                        2 * get_component_bytes (left, HR_COMPONENT_ADAPTERS));
      g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_WEIGHTS), ==,
                        get_component_bytes (left, HR_COMPONENT_WEIGHTS) + 2 * 7 * 512);
      /* What goes into the second and the third layer, and into the last norm. */
      g_assert_cmpuint (get_phase_bytes (result, HR_PHASE_FORWARD), >,
                        get_phase_bytes (left, HR_PHASE_FORWARD) + 3 * 2 * 128 * 512);
    }
}

/* A head of 16 bits behind a norm in fp32 runs under autocast alone. */
static void
test_norms_without_autocast (void)
{
  static const char * const settings[] = {
    "framework", "trl", "fine-tuning-method", "qlora", "trl-release", "0-25", NULL,
  };
  g_autoptr (HrModel) model = hr_model_new_from_data (llama, -1, "llama", NULL);
  g_autoptr (HrJob) job = make_job (settings);
  g_autoptr (GError) error = NULL;

  g_assert_null (hr_estimator_run (model, job, NULL, 1, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "autocast"));
}

/* What a parameter takes where most is held in a phase, in bytes. */
static double
get_bytes_a_parameter (HrEstimate *result,
                       HrPhaseId   phase)
{
  return (double) get_phase_bytes (result, phase) / hr_model_get_n_parameters (hr_estimate_get_model (result));
}

/* Each recipe, by the bytes that name it: in the step of fused Adam, which makes nothing else. */
static void
test_recipes (void)
{
  static const struct
  {
    const char *recipe;
    double bytes;
  } rows[] = {
    { "fp32", 16 }, { "half", 8 }, { "autocast", 16 }, { "mixed-18", 18 }, { "mixed-20", 20 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *settings[] = {
        "precision-recipe", rows[i].recipe, "fine-tuning-method", "full", "sequence-length", "8",
        "optimizer-implementation", "fused", NULL,
      };
      g_autoptr (HrEstimate) result = estimate (settings);

      g_test_message ("%s: %g", rows[i].recipe, get_bytes_a_parameter (result, HR_PHASE_OPTIMIZER));
      g_assert_cmpfloat_with_epsilon (get_bytes_a_parameter (result, HR_PHASE_OPTIMIZER), rows[i].bytes, 0.01);
    }
}

/* What is said twice, and not alike, is refused by name. */
static void
test_contradictions (void)
{
  static const char * const rows[][4] = {
    { "precision-recipe", "fp32", "dtype", "bfloat16" },
    { "precision-recipe", "mixed-16", "dtype", "float32" },
    { "precision-recipe", "mixed-16", "autocast", "bfloat16" },
    { "precision-recipe", "half", "master-dtype", "float32" },
    { "precision-recipe", "mixed-20", "gradient-dtype", "float32" },
    { "framework", "deepspeed", "precision-recipe", "mixed-18" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *settings[] = { rows[i][0], rows[i][1], rows[i][2], rows[i][3], "fine-tuning-method", "full", NULL };
      g_autoptr (HrModel) model = hr_model_new_from_data (llama, -1, "llama", NULL);
      g_autoptr (HrJob) job = make_job (settings);
      g_autoptr (GError) error = NULL;

      g_assert_null (hr_estimator_run (model, job, NULL, 1, &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, i + 1 < G_N_ELEMENTS (rows) ? rows[i][2] : "gradient-dtype"));
      g_assert_nonnull (strstr (error->message, i + 1 < G_N_ELEMENTS (rows) ? rows[i][3] : "DeepSpeed"));
    }
}

/*
 * DeepSpeed's optimizers hold 14 bytes for a parameter beside its gradient. FP16_Optimizer makes a copy of all
 * gradients in fp32, and one piece of these copies, before it lets go of those of 16 bits: 2 + 4 + 4 more.
 * BF16_Optimizer has sums of all gradients: 4 more, and 2 until the step is over.
 */
static void
test_deepspeed (void)
{
  static const char * const plain[] = {
    "framework", "deepspeed", "fine-tuning-method", "full", "sequence-length", "8", NULL,
  };
  static const char * const summed[] = {
    "framework", "deepspeed", "fine-tuning-method", "full", "sequence-length", "8",
    "precision-recipe", "mixed-20", NULL,
  };
  g_autoptr (HrEstimate) fp16_optimizer = estimate (plain);
  g_autoptr (HrEstimate) bf16_optimizer = estimate (summed);

  g_assert_cmpfloat_with_epsilon (get_bytes_a_parameter (fp16_optimizer, HR_PHASE_OPTIMIZER), 24, 0.01);
  g_assert_cmpfloat_with_epsilon (get_bytes_a_parameter (bf16_optimizer, HR_PHASE_OPTIMIZER), 20, 0.01);
  g_assert_true (has_warning (fp16_optimizer, "mixed-16"));
  g_assert_false (has_warning (bf16_optimizer, "mixed-"));
}

#define GPT_FORMAT \
  "{\"model_type\": \"gpt2\", \"vocab_size\": 32000, \"n_embd\": 2048, \"n_layer\": %u, \"n_head\": 16, " \
  "\"n_positions\": 1024, \"torch_dtype\": \"bfloat16\"}"

/* What is held of all layers at the peak of the loss, but for what parameters take. */
static guint64
get_activation_bytes (guint       n_layers,
                      const char *attention)
{
  const char *settings[] = {
    "framework", "megatron-lm", "fine-tuning-method", "full", "micro-batch-size", "2", "sequence-length", "1024",
    "attention", attention, NULL,
  };
  static const HrComponentId held[] = {
    HR_COMPONENT_WEIGHTS, HR_COMPONENT_GRADIENTS, HR_COMPONENT_MASTER_WEIGHTS, HR_COMPONENT_OPTIMIZER,
  };
  g_autofree char *config = g_strdup_printf (GPT_FORMAT, n_layers);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "gpt", &error);
  g_autoptr (HrJob) job = make_job (settings);
  g_autoptr (HrEstimate) result = hr_estimator_run (model, job, NULL, 1, &error);
  guint64 bytes;

  g_assert_no_error (error);
  g_assert_true (has_warning (result, "mixed-18"));
  bytes = get_phase_bytes (result, HR_PHASE_LOSS);
  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    bytes -= get_component_bytes (result, held[i]);

  return bytes;
}

/*
 * Korthikanti et al., “Reducing Activation Recomputation in Large Transformer Models” (2022), section 4: a layer keeps
 * sbh (34 + 5as/h) bytes; the statistics of the norms, two numbers a token in fp32 for each, are left out there. The
 * kernel of Transformer Engine keeps two numbers of its random state, and one in fp32 a token and head, in place of the
 * scores.
 */
static void
test_megatron (void)
{
  const guint64 sbh = G_GUINT64_CONSTANT (1024) * 2 * 2048;
  const guint64 scores = G_GUINT64_CONSTANT (16) * 1024 * 1024 * 2;
  const guint64 statistics = G_GUINT64_CONSTANT (2) * 2 * 4 * 1024 * 2;
  const guint64 kernel = G_GUINT64_CONSTANT (16) * 1024 * 2 * 4 + 2 * 512;

  g_assert_cmpuint (get_activation_bytes (4, "eager") - get_activation_bytes (3, "eager"), ==,
                    34 * sbh + 5 * scores + statistics);
  /* Step by step there is a buffer of scores beside that, for all layers. */
  g_assert_cmpuint (get_activation_bytes (3, "eager") - 3 * (34 * sbh + 5 * scores + statistics), ==,
                    get_activation_bytes (3, "sdpa") - 3 * (34 * sbh + statistics + kernel) + 2 * scores);
  g_assert_cmpuint (get_activation_bytes (4, "sdpa") - get_activation_bytes (3, "sdpa"), ==,
                    34 * sbh + statistics + kernel);
}

static void
test_megatron_llama (void)
{
  static const char * const plain[] = {
    "fine-tuning-method", "full", "sequence-length", "1024", "precision-recipe", "mixed-18", NULL,
  };
  static const char * const megatron[] = {
    "framework", "megatron-lm", "fine-tuning-method", "full", "sequence-length", "1024", NULL,
  };
  g_autoptr (HrEstimate) of_transformers = estimate (plain);
  g_autoptr (HrEstimate) of_megatron = estimate (megatron);
  guint64 hidden = G_GUINT64_CONSTANT (1024) * 512;
  guint64 intermediate = G_GUINT64_CONSTANT (1024) * 1376;
  guint64 words = G_GUINT64_CONSTANT (1024) * 32000;
  guint64 query = G_GUINT64_CONSTANT (1024) * 512;
  guint64 key = G_GUINT64_CONSTANT (1024) * 128;
  /*
   * A norm keeps its input, and not a cast of it to fp32 and what that becomes; the output of the matrix of gate and up
   * is kept, and not the activated gate beside both; that of queries, keys and values stays for the values beside what
   * is rotated. The logits have one copy in fp32, and not a log-softmax beside it.
   */
  guint64 of_layer = 2 * (4 + 2 - 2) * hidden + 2 * intermediate - 2 * (query + key);
  guint64 of_rest = (4 + 2 - 2) * hidden + 4 * words;
  double saved = get_phase_bytes (of_transformers, HR_PHASE_LOSS) - get_phase_bytes (of_megatron, HR_PHASE_LOSS);

  /* Labels and statistics of the loss are a few bytes a token. */
  g_assert_cmpfloat_with_epsilon (saved / (3 * of_layer + of_rest), 1, 0.0001);
}

static void
test_megatron_refusals (void)
{
  static const struct
  {
    const char *config;
    const char *property;
    const char *value;
    const char *part;
  } rows[] = {
    { llama, "fine-tuning-method", "lora", "fine-tuning-method" },
    { llama, "attention", "flash", "Transformer Engine" },
    { "{\"model_type\": \"gemma2\", \"num_hidden_layers\": 2}", "attention", "eager", "like GPT or Llama" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *settings[] = {
        "framework", "megatron-lm", "dtype", "bfloat16", "fine-tuning-method", "full",
        rows[i].property, rows[i].value, NULL,
      };
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_data (rows[i].config, -1, "model", &error);
      g_autoptr (HrJob) job = make_job (settings);

      g_assert_no_error (error);
      g_assert_null (hr_estimator_run (model, job, NULL, 1, &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, rows[i].part));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/memory/training-profiles/trl_computes_metrics_of_the_logits", test_log);
  g_test_add_func ("/memory/training-profiles/what_trl_would_turn_on_is_said", test_defaults);
  g_test_add_func ("/memory/training-profiles/trl_leaves_quantized_models_as_they_are", test_quantized);
  g_test_add_func ("/memory/training-profiles/trl_held_norms_of_quantized_models_in_fp32_before",
                   test_quantized_before);
  g_test_add_func ("/memory/training-profiles/norms_in_fp32_before_a_head_of_16_bits_need_autocast",
                   test_norms_without_autocast);
  g_test_add_func ("/memory/training-profiles/a_recipe_takes_the_bytes_that_name_it", test_recipes);
  g_test_add_func ("/memory/training-profiles/what_contradicts_a_recipe_is_refused", test_contradictions);
  g_test_add_func ("/memory/training-profiles/deepspeed_steps_flat_copies", test_deepspeed);
  g_test_add_func ("/memory/training-profiles/a_layer_of_megatron_keeps_what_its_authors_count", test_megatron);
  g_test_add_func ("/memory/training-profiles/megatron_keeps_less_of_llama", test_megatron_llama);
  g_test_add_func ("/memory/training-profiles/megatron_has_layers_of_its_own_only", test_megatron_refusals);

  return g_test_run ();
}
