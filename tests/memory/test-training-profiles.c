/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What frameworks do beside a plain loop. Figures are peaks of phases of the second of two steps on fake CUDA tensors,
 * with torch 2.14.1 and transformers 5.12.1, and with what the framework's own code adds to the loop.
 */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-labels.h"

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
      double ratio = (double) get_handed_out (result, HR_PHASE_LOSS) / rows[i].loss;

      g_test_message ("%s: %g", rows[i].release, ratio);
      g_assert_cmpfloat_with_epsilon (ratio, 1, TOLERANCE);
      g_assert_cmpuint (get_handed_out (result, HR_PHASE_BACKWARD_LOSS), ==, 930769920);
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
      g_assert_cmpuint (get_handed_out (result, HR_PHASE_FORWARD), >,
                        get_handed_out (left, HR_PHASE_FORWARD) + 3 * 2 * 128 * 512);
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
  return (double) get_handed_out (result, phase) / hr_model_get_n_parameters (hr_estimate_get_model (result));
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

/* The recipe that the framework takes stands where the job names none. */
static void
test_recipe_is_said (void)
{
  static const struct
  {
    const char *framework;
    const char *dtype;
    const char *recipe;
  } rows[] = {
    { "deepspeed", "auto", "mixed-16" }, { "megatron-lm", "bfloat16", "mixed-18" },
    { "deepspeed", "float32", "custom" },
    { "pytorch", "auto", "custom" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *settings[] = { "framework", rows[i].framework, "dtype", rows[i].dtype, NULL };
      g_autoptr (HrModel) model = hr_model_new_from_data (llama, -1, "llama", NULL);
      g_autoptr (HrJob) job = make_job (settings);
      g_autoptr (HrJob) resolved = hr_job_resolve (job, model);
      g_autofree char *recipe = hr_job_get_as_string (resolved, "precision-recipe");
      GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), "precision-recipe");
      g_autofree char *note = hr_job_dup_setting_note (job, setting);

      g_assert_cmpstr (recipe, ==, rows[i].recipe);
      g_assert_cmpint (note != NULL, ==, !g_str_equal (rows[i].framework, "pytorch"));
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
                      const char *attention,
                      const char *checkpointing)
{
  const char *settings[] = {
    "framework", "megatron-lm", "fine-tuning-method", "full", "micro-batch-size", "2", "sequence-length", "1024",
    "attention", attention, "gradient-checkpointing", checkpointing, "selective-checkpointing", "attention", NULL,
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
  bytes = get_handed_out (result, HR_PHASE_LOSS);
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

  g_assert_cmpuint (get_activation_bytes (4, "eager", "none") - get_activation_bytes (3, "eager", "none"), ==,
                    34 * sbh + 5 * scores + statistics);
  /* Step by step there is a buffer of scores beside that, for all layers. */
  g_assert_cmpuint (get_activation_bytes (3, "eager", "none") - 3 * (34 * sbh + 5 * scores + statistics), ==,
                    get_activation_bytes (3, "sdpa", "none") - 3 * (34 * sbh + statistics + kernel) + 2 * scores);
  g_assert_cmpuint (get_activation_bytes (4, "sdpa", "none") - get_activation_bytes (3, "sdpa", "none"), ==,
                    34 * sbh + statistics + kernel);
  /* Section 5: nothing that has as many elements as there are scores is kept where the attention is computed anew. */
  g_assert_cmpuint (get_activation_bytes (4, "eager", "selective") - get_activation_bytes (3, "eager", "selective"), ==,
                    34 * sbh + statistics);
  g_assert_cmpuint (get_activation_bytes (4, "sdpa", "selective") - get_activation_bytes (3, "sdpa", "selective"), ==,
                    34 * sbh + statistics);
}

/* Rows for tokens that never come take what those take that a model has. */
static void
test_megatron_pads_the_vocabulary (void)
{
  static const char * const configs[] = {
    "{\"model_type\": \"llama\", \"vocab_size\": 32001, \"hidden_size\": 512, \"intermediate_size\": 1376, "
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 8, \"torch_dtype\": \"bfloat16\"}",
    "{\"model_type\": \"llama\", \"vocab_size\": 32128, \"hidden_size\": 512, \"intermediate_size\": 1376, "
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 8, \"torch_dtype\": \"bfloat16\"}",
  };
  static const char * const settings[] = {
    "framework", "megatron-lm", "fine-tuning-method", "full", "sequence-length", "512", NULL,
  };
  guint64 bytes[2];

  for (guint i = 0; i < G_N_ELEMENTS (configs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_data (configs[i], -1, "llama", &error);
      g_autoptr (HrJob) job = make_job (settings);
      g_autoptr (HrEstimate) result = hr_estimator_run (model, job, NULL, 1, &error);

      g_assert_no_error (error);
      g_assert_cmpint (has_warning (result, "127 rows more"), ==, i == 0);
      bytes[i] = get_handed_out (result, HR_PHASE_BACKWARD_LOSS);
    }
  g_assert_cmpfloat_with_epsilon ((double) bytes[0] / bytes[1], 1, TOLERANCE);
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
  double saved = get_handed_out (of_transformers, HR_PHASE_LOSS) - get_handed_out (of_megatron, HR_PHASE_LOSS);

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

#define TORCHTITAN_FORMAT \
  "{\"model_type\": \"%s\", \"vocab_size\": %u, \"hidden_size\": 512, \"intermediate_size\": 1408, " \
  "\"num_hidden_layers\": %u, \"num_attention_heads\": 16, \"num_key_value_heads\": %u, \"head_dim\": %u, " \
  "\"tie_word_embeddings\": %s, \"torch_dtype\": \"bfloat16\"}"

/* The norms of gradients, each of which rounds up by itself here. */
#define NORM_BYTES 20480

#define TORCHTITAN_OF_FOUR(type, n_layers, n_key_heads, tied) \
  "{\"model_type\": \"" type "\", \"vocab_size\": 32000, \"hidden_size\": 1024, \"intermediate_size\": 2816, " \
  "\"num_hidden_layers\": " n_layers ", \"num_attention_heads\": 16, \"num_key_value_heads\": " n_key_heads ", " \
  "\"head_dim\": 64, \"tie_word_embeddings\": " tied ", \"torch_dtype\": \"bfloat16\"}"

/*
 * fully_shard of torch 2.14.1 over one fake CUDA device, around layers written like torchtitan's: peaks of the loss, of
 * the backward pass and of the optimizer's step. A short batch reaches the highest level where gradients are reduced.
 */
static void
test_torchtitan (void)
{
  static const struct
  {
    const char *model_type;
    guint vocab_size, n_layers, n_key_heads, head_dim;
    const char *tied, *tokens, *checkpointing;
    guint64 loss, backward, optimizer;
  } rows[] = {
    { "llama", 32000, 3, 4, 64, "false", "2048", "none", 1340115968, 1471187968, 692717056 },
    { "llama", 32000, 3, 4, 64, "false", "2048", "full", 1218560000, 1349632000, 692717056 },
    { "llama", 32000, 3, 4, 64, "false", "2048", "selective", 1274006528, 1405078528, 692717056 },
    { "llama", 32000, 3, 4, 64, "true", "2048", "full", 1021951488, 1153023488, 430572032 },
    { "qwen3", 64000, 3, 8, 128, "true", "2048", "selective", 2076965376, 2339109376, 785533440 },
    { "llama", 32000, 5, 4, 64, "false", "256", "none", 743896064, 933677056, 802625024 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *settings[] = {
        "framework", "torchtitan", "fine-tuning-method", "full", "sequence-length", rows[i].tokens,
        "gradient-checkpointing", rows[i].checkpointing, NULL,
      };
      g_autofree char *config = g_strdup_printf (TORCHTITAN_FORMAT, rows[i].model_type, rows[i].vocab_size,
                                                 rows[i].n_layers, rows[i].n_key_heads, rows[i].head_dim,
                                                 rows[i].tied);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "titan", &error);
      g_autoptr (HrJob) job = make_job (settings);
      g_autoptr (HrEstimate) result = NULL;
      guint64 backward;

      g_assert_no_error (error);
      result = hr_estimator_run (model, job, NULL, 1, &error);
      g_assert_no_error (error);
      backward = MAX (get_handed_out (result, HR_PHASE_BACKWARD_LOSS), get_handed_out (result, HR_PHASE_BACKWARD));
      g_test_message ("%u: %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT, i, get_handed_out (result, HR_PHASE_LOSS),
                      backward);
      g_assert_cmpfloat_with_epsilon ((double) get_handed_out (result, HR_PHASE_LOSS) / rows[i].loss, 1, TOLERANCE);
      g_assert_cmpfloat_with_epsilon ((double) backward / rows[i].backward, 1, TOLERANCE);
      g_assert_cmpfloat_with_epsilon ((double) get_handed_out (result, HR_PHASE_OPTIMIZER) / rows[i].optimizer, 1,
                                      TOLERANCE);
    }
}

/*
 * The same over four ranks, of which the first counts: fully_shard over a process group that sends nothing, states of
 * the optimizer for the parts alone. Two groups of four take the same: what they send each other are the gradients.
 */
static void
test_torchtitan_of_four_ranks (void)
{
  typedef struct
  {
    const char *config, *tokens, *checkpointing;
    guint64 loss, backward, optimizer;
  } Row;
  static const Row rows[] = {
    { TORCHTITAN_OF_FOUR ("llama", "4", "4", "false"), "4096", "none", 2321843712, 2583987712, 446861824 },
    { TORCHTITAN_OF_FOUR ("llama", "4", "4", "false"), "4096", "full", 1762817536, 2024961536, 446861824 },
    { TORCHTITAN_OF_FOUR ("qwen3", "8", "8", "false"), "256", "none", 712591872, 837431808, 640862720 },
    { TORCHTITAN_OF_FOUR ("qwen3", "4", "4", "true"), "256", "full", 384765952, 586505728, 312049152 },
  };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (rows); i++)
    {
      gboolean is_hybrid = i >= G_N_ELEMENTS (rows);
      const Row *row = &rows[i % G_N_ELEMENTS (rows)];
      const char *settings[] = {
        "framework", "torchtitan", "fine-tuning-method", "full", "sequence-length", row->tokens,
        "gradient-checkpointing", row->checkpointing, "data-parallel", is_hybrid ? "8" : "4",
        "data-parallel-replicas", is_hybrid ? "2" : "1", NULL,
      };
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_data (row->config, -1, "titan", &error);
      g_autoptr (HrJob) job = make_job (settings);
      g_autoptr (HrEstimate) result = NULL;
      guint64 backward;

      g_assert_no_error (error);
      result = hr_estimator_run (model, job, NULL, 1, &error);
      g_assert_no_error (error);
      backward = MAX (get_handed_out (result, HR_PHASE_BACKWARD_LOSS), get_handed_out (result, HR_PHASE_BACKWARD));
      g_assert_cmpfloat_with_epsilon ((double) get_handed_out (result, HR_PHASE_LOSS) / row->loss, 1, TOLERANCE);
      g_assert_cmpfloat_with_epsilon ((double) backward / row->backward, 1, TOLERANCE);
      g_assert_cmpint (ABS ((gint64) get_handed_out (result, HR_PHASE_OPTIMIZER) - (gint64) row->optimizer), <=,
                       NORM_BYTES);
      g_assert_false (hr_estimate_knows_reserved (result));
    }
}

/* The data type that torchtitan takes is said, whatever the model is stored in. */
static void
test_torchtitan_holds_fp32 (void)
{
  static const char * const settings[] = { "framework", "torchtitan", NULL };
  g_autoptr (HrModel) model = hr_model_new_from_data (llama, -1, "llama", NULL);
  g_autoptr (HrJob) job = make_job (settings);
  g_autoptr (HrJob) resolved = hr_job_resolve (job, model);
  g_autofree char *note =
    hr_job_dup_setting_note (job, g_object_class_find_property (G_OBJECT_GET_CLASS (job), "dtype"));

  g_assert_cmpint (hr_job_get_dtype (resolved), ==, HR_DTYPE_FLOAT32);
  g_assert_nonnull (strstr (note, "torchtitan"));
}

/* Parameters of 16 bits, and states like them, take half; what is reduced in fp32 is cast back. */
static void
test_torchtitan_in_16_bits (void)
{
  static const char * const wide[] = { "framework", "torchtitan", "fine-tuning-method", "full", NULL };
  static const char * const narrow[] = {
    "framework", "torchtitan", "fine-tuning-method", "full", "dtype", "bfloat16", NULL,
  };
  g_autoptr (HrEstimate) in_fp32 = estimate (wide);
  g_autoptr (HrEstimate) in_bfloat16 = estimate (narrow);

  g_assert_cmpfloat_with_epsilon (get_bytes_a_parameter (in_fp32, HR_PHASE_OPTIMIZER), 16, 0.1);
  g_assert_cmpfloat_with_epsilon (get_bytes_a_parameter (in_bfloat16, HR_PHASE_OPTIMIZER), 8, 0.1);
}

/* A job that is refused: a model, a setting, and what the sentence has to name. */
typedef struct
{
  const char *config;
  const char *setting, *value;
  const char *part;
} Refusal;

static void
check_refusals (const char    *framework,
                const char    *own_setting,
                const char    *own_value,
                const Refusal *rows,
                guint          n_rows)
{
  for (guint i = 0; i < n_rows; i++)
    {
      const char *settings[] = {
        "framework", framework, own_setting, own_value, rows[i].setting, rows[i].value, NULL,
      };
      g_autoptr (HrModel) model = hr_model_new_from_data (rows[i].config, -1, "model", NULL);
      g_autoptr (HrJob) job = make_job (settings);
      g_autoptr (GError) error = NULL;

      g_assert_null (hr_estimator_run (model, job, NULL, 1, &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, rows[i].part));
    }
}

/* What torchtitan has no model of, does not train, or decides itself. */
static void
test_torchtitan_refuses (void)
{
  static const char tied[] =
    "{\"model_type\": \"llama\", \"hidden_size\": 64, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, "
    "\"num_key_value_heads\": 2, \"intermediate_size\": 128, \"vocab_size\": 1000, \"tie_word_embeddings\": true}";
  static const Refusal rows[] = {
    { "{\"model_type\": \"gpt2\", \"n_embd\": 64, \"n_layer\": 2, \"n_head\": 2, \"vocab_size\": 1000}",
      "dtype", "auto", "Qwen3" },
    { llama, "fine-tuning-method", "lora", "fine-tuning-method" },
    { llama, "autocast", "bfloat16", "autocast" },
    { llama, "dtype", "float16", "dtype" },
    { llama, "attention", "eager", "attention" },
    { llama, "optimizer", "lion", "optimizer: expected adamw or adam" },
    { tied, "tensor-parallel", "2", "tensor-parallel: expected 1" },
  };

  check_refusals ("torchtitan", "fine-tuning-method", "full", rows, G_N_ELEMENTS (rows));
}

/* What Unsloth has no layers for, does not do, or is not known of it. */
static void
test_unsloth_refuses (void)
{
  static const Refusal rows[] = {
    { "{\"model_type\": \"gpt2\", \"n_embd\": 64, \"n_layer\": 2, \"n_head\": 2, \"vocab_size\": 1000}",
      "dtype", "bfloat16", "qwen3" },
    { llama, "fine-tuning-method", "vera", "fine-tuning-method" },
    { llama, "modules-to-save", "lm_head", "modules-to-save" },
    { llama, "attention", "eager", "attention" },
    { llama, "dtype", "float32", "dtype" },
    { llama, "quantization", "bnb-int8", "quantization" },
    { llama, "packing", "bfd", "attention" },
    { llama, "loss-implementation", "chunked-nll", "loss-implementation" },
    { llama, "activation-offload", "layer-inputs", "activation-offload" },
    { llama, "fused-kernels", "liger", "fused-kernels" },
  };

  check_refusals ("unsloth", "dtype", "bfloat16", rows, G_N_ELEMENTS (rows));
}

/* Of training on answers it is known what it does with what vLLM has written, in one row. */
static void
test_answers_of_unsloth (void)
{
  static const struct
  {
    const char *setting;
    const char *value;
    const char *found;
  } cases[] = {
    { "rollout", "transformers", "rollout" },
    { "attention", "sdpa", "attention" },
    { "algorithm", "dpo", "algorithm" },
    { "algorithm", "rloo", "algorithm" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_data (llama, -1, "llama", &error);
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_GRPO);
      g_autoptr (HrEstimate) estimate = NULL;

      g_assert_no_error (error);
      hr_job_set_all_from_string (job, "framework=unsloth dtype=bfloat16 attention=flash", &error);
      g_assert_no_error (error);
      hr_job_set_from_string (job, cases[i].setting, cases[i].value, &error);
      g_assert_no_error (error);
      estimate = hr_estimator_run (model, job, NULL, 1, &error);
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, cases[i].found));
    }
}

/* Its loss is its own. */
static void
test_loss_of_unsloth (void)
{
  static const char * const settings[] = { "framework", "trl", "loss-implementation", "unsloth-fused", NULL };
  g_autoptr (HrModel) model = hr_model_new_from_data (llama, -1, "llama", NULL);
  g_autoptr (HrJob) job = make_job (settings);
  g_autoptr (GError) error = NULL;

  g_assert_null (hr_estimator_run (model, job, NULL, 1, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "unsloth-fused"));
}

/* So is that of Megatron-LM, and the gradient in fp32 that its compiled kernels make is counted. */
static void
test_loss_of_megatron (void)
{
  static const char * const settings[] = { "framework", "trl", "loss-implementation", "megatron-fused", NULL };
  static const char * const plain[] = {
    "framework", "megatron-lm", "fine-tuning-method", "full", "dtype", "bfloat16", "gradient-checkpointing", "full",
    "sequence-length", "8192", NULL,
  };
  static const char * const fused[] = {
    "framework", "megatron-lm", "fine-tuning-method", "full", "dtype", "bfloat16", "gradient-checkpointing", "full",
    "sequence-length", "8192", "loss-implementation", "megatron-fused", NULL,
  };
  g_autoptr (HrModel) model = hr_model_new_from_data (llama, -1, "llama", NULL);
  g_autoptr (HrJob) job = make_job (settings);
  g_autoptr (HrEstimate) without = estimate (plain);
  g_autoptr (HrEstimate) with = estimate (fused);
  g_autoptr (GError) error = NULL;

  g_assert_null (hr_estimator_run (model, job, NULL, 1, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "megatron-fused"));
  g_assert_cmpuint (hr_estimate_get_total_bytes (with), >, hr_estimate_get_total_bytes (without));
}

/* What Unsloth would turn on is said, where the job has it off. */
static void
test_defaults_of_unsloth (void)
{
  static const char * const off[] = { "framework", "unsloth", "dtype", "bfloat16", NULL };
  static const char * const on[] = {
    "framework", "unsloth", "dtype", "bfloat16", "fine-tuning-method", "qlora", "gradient-checkpointing", "full",
    "activation-offload", "layer-inputs", NULL,
  };
  g_autoptr (HrEstimate) without = estimate (off);
  g_autoptr (HrEstimate) with = estimate (on);

  g_assert_true (has_warning (without, "gradient-checkpointing is none"));
  g_assert_true (has_warning (without, "four bits"));
  g_assert_true (has_warning (without, "under autocast"));
  g_assert_false (has_warning (with, "gradient-checkpointing is none"));
  g_assert_false (has_warning (with, "activation-offload is none"));
  g_assert_false (has_warning (with, "from_pretrained"));
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
  g_test_add_func ("/memory/training-profiles/torchtitan_gathers_and_reduces_group_by_group", test_torchtitan);
  g_test_add_func ("/memory/training-profiles/torchtitan_shards_parameters_by_rows", test_torchtitan_of_four_ranks);
  g_test_add_func ("/memory/training-profiles/torchtitan_trains_parameters_of_16_bits", test_torchtitan_in_16_bits);
  g_test_add_func ("/memory/training-profiles/torchtitan_holds_parameters_in_fp32", test_torchtitan_holds_fp32);
  g_test_add_func ("/memory/training-profiles/torchtitan_refuses_what_it_does_not_do", test_torchtitan_refuses);
  g_test_add_func ("/memory/training-profiles/unsloth_refuses_what_it_does_not_do", test_unsloth_refuses);
  g_test_add_func ("/memory/training-profiles/unsloth_trains_on_answers_of_vllm_in_one_row", test_answers_of_unsloth);
  g_test_add_func ("/memory/training-profiles/the_loss_of_unsloth_is_its_own", test_loss_of_unsloth);
  g_test_add_func ("/training-profiles/the_fused_loss_of_megatron_lm_makes_a_gradient_beside_the_probabilities",
                   test_loss_of_megatron);
  g_test_add_func ("/memory/training-profiles/what_unsloth_would_turn_on_is_said", test_defaults_of_unsloth);
  g_test_add_func ("/memory/training-profiles/a_recipe_takes_the_bytes_that_name_it", test_recipes);
  g_test_add_func ("/memory/training-profiles/the_recipe_of_a_framework_is_said", test_recipe_is_said);
  g_test_add_func ("/memory/training-profiles/what_contradicts_a_recipe_is_refused", test_contradictions);
  g_test_add_func ("/memory/training-profiles/deepspeed_steps_flat_copies", test_deepspeed);
  g_test_add_func ("/memory/training-profiles/a_layer_of_megatron_keeps_what_its_authors_count", test_megatron);
  g_test_add_func ("/memory/training-profiles/megatron_pads_the_vocabulary", test_megatron_pads_the_vocabulary);
  g_test_add_func ("/memory/training-profiles/megatron_keeps_less_of_llama", test_megatron_llama);
  g_test_add_func ("/memory/training-profiles/megatron_has_layers_of_its_own_only", test_megatron_refusals);

  return g_test_run ();
}
