/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The formulas that people know of Megatron-LM: the activations of Korthikanti et al., “Reducing Activation
 * Recomputation in Large Transformer Models” (arXiv:2205.05198), and the report that Megatron-LM prints before it
 * trains (megatron/training/theoretical_memory_usage.py), and how the exact figure differs from them.
 */

#include "hr-estimator.h"
#include "hr-training-job.h"

#include "estimates.h"

/* Table 3 of the paper: sequences of 2,048 tokens, 51,200 words. */
#define S G_GUINT64_CONSTANT (2048)
#define V G_GUINT64_CONSTANT (51200)

static const struct
{
  const char *name;
  guint64 heads, hidden, layers, tensor, pipeline, parts, batch;
} papers[] = {
  { "22B", 64, 6144, 48, 8, 1, 1, 4 },
  { "175B", 96, 12288, 96, 8, 8, 3, 1 },
  { "530B", 128, 20480, 105, 8, 35, 3, 1 },
  { "1T", 160, 25600, 128, 8, 64, 1, 1 },
};

static HrModel *
make_gpt (guint64 heads,
          guint64 hidden,
          guint64 layers)
{
  g_autofree char *config =
    g_strdup_printf ("{\"model_type\": \"gpt2\", \"architectures\": [\"GPT2LMHeadModel\"], \"vocab_size\": %d, "
                     "\"n_positions\": %d, \"n_embd\": %d, \"n_layer\": %d, \"n_head\": %d, \"resid_pdrop\": 0.1, "
                     "\"embd_pdrop\": 0.1, \"attn_pdrop\": 0.1, \"activation_function\": \"gelu_new\", "
                     "\"torch_dtype\": \"bfloat16\"}",
                     (int) V, (int) S, (int) hidden, (int) layers, (int) heads);
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_data (config, -1, "config.json", &error);

  g_assert_no_error (error);

  return model;
}

static HrEstimate *
estimate (HrModel    *model,
          const char *first_setting,
          ...)
{
  g_autoptr (HrTrainingJob) job = hr_training_job_new ();
  g_autoptr (GError) error = NULL;
  HrEstimate *result;
  va_list settings;

  g_object_set (job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, "sequence-length", S, NULL);
  va_start (settings, first_setting);
  g_object_set_valist (G_OBJECT (job), first_setting, settings);
  va_end (settings);
  result = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);

  return result;
}

static const struct
{
  gboolean sequence;
  HrGradientCheckpointing checkpointing;
} rows[] = {
  { FALSE, HR_GRADIENT_CHECKPOINTING_NONE },
  { TRUE, HR_GRADIENT_CHECKPOINTING_NONE },
  { FALSE, HR_GRADIENT_CHECKPOINTING_SELECTIVE },
  { TRUE, HR_GRADIENT_CHECKPOINTING_SELECTIVE },
  { FALSE, HR_GRADIENT_CHECKPOINTING_FULL },
  { TRUE, HR_GRADIENT_CHECKPOINTING_FULL },
};

/* Table 2, in whole numbers: what a layer keeps, times t. */
static guint64
count_layer (guint paper,
             guint row)
{
  guint64 t = papers[paper].tensor;
  guint64 sbh = S * papers[paper].batch * papers[paper].hidden;
  guint64 scores = 5 * papers[paper].heads * S * S * papers[paper].batch;
  guint64 between = rows[row].sequence ? 10 * sbh : 10 * sbh * t;

  if (rows[row].checkpointing == HR_GRADIENT_CHECKPOINTING_FULL)
    return 2 * sbh * t;

  return between + 24 * sbh + (rows[row].checkpointing == HR_GRADIENT_CHECKPOINTING_NONE ? scores : 0);
}

/* Section 4.3: sbhL/t (p/L + δ·4/L (1 + v/h)) beside the layers, which an interleaved schedule keeps more of. */
static guint64
count_all (guint paper,
           guint row)
{
  guint64 t = papers[paper].tensor;
  guint64 p = papers[paper].pipeline;
  guint64 m = papers[paper].parts;
  guint64 between = rows[row].sequence ? 1 : t;
  guint64 layers = papers[paper].layers * count_layer (paper, row);
  guint64 sb = S * papers[paper].batch;
  guint64 others = sb * papers[paper].hidden * p * between;

  if (m > 1)
    layers = layers / (p * m) * (p * m + p - 1);
  if (p == 1)
    others += 4 * sb * (papers[paper].hidden * between + V);

  return (layers + others) / t;
}

static void
the_table_of_korthikanti_is_reproduced_to_the_byte (void)
{
  /* 5as/h is 80 for GPT-3 and 64 for MT-NLG (section 5). */
  g_assert_cmpuint (5 * papers[1].heads * S / papers[1].hidden, ==, 80);
  g_assert_cmpuint (5 * papers[2].heads * S / papers[2].hidden, ==, 64);

  for (guint i = 0; i < G_N_ELEMENTS (papers); i++)
    {
      g_autoptr (HrModel) model = make_gpt (papers[i].heads, papers[i].hidden, papers[i].layers);

      for (guint j = 0; j < G_N_ELEMENTS (rows); j++)
        {
          g_autoptr (HrEstimate) result =
            estimate (model, "method-of-estimate", HR_ESTIMATE_METHOD_RULE_OF_THUMB, "rule-of-thumb",
                      HR_RULE_OF_THUMB_KORTHIKANTI, "tensor-parallel", papers[i].tensor, "pipeline-parallel",
                      papers[i].pipeline, "virtual-pipeline-parallel", papers[i].parts, "micro-batch-size",
                      papers[i].batch, "sequence-parallel", rows[j].sequence, "gradient-checkpointing",
                      rows[j].checkpointing, "selective-checkpointing", HR_SELECTIVE_CHECKPOINTING_ATTENTION,
                      "gradient-accumulation-steps", (guint64) 512, NULL);

          g_assert_cmpuint (get_component_bytes (result, HR_COMPONENT_ACTIVATIONS), ==, count_all (i, j));
        }
    }
}

/* What each layer more adds to the activations at the peak. */
static guint64
count_exact_layer (guint paper,
                   guint row)
{
  guint64 bytes[2];

  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++)
    {
      g_autoptr (HrModel) model = make_gpt (papers[paper].heads, papers[paper].hidden, 8 + i);
      g_autoptr (HrEstimate) result =
        estimate (model, "tensor-parallel", papers[paper].tensor, "micro-batch-size", papers[paper].batch,
                  "attention", HR_ATTENTION_IMPLEMENTATION_EAGER, "sequence-parallel", rows[row].sequence,
                  "gradient-checkpointing", rows[row].checkpointing, "selective-checkpointing",
                  HR_SELECTIVE_CHECKPOINTING_ATTENTION, NULL);

      bytes[i] = get_component_bytes (result, HR_COMPONENT_ACTIVATIONS);
    }

  return bytes[1] - bytes[0];
}

/*
 * The paper leaves out mean and deviation of each token, in fp32, for both norms. What goes into a layer that is
 * computed anew is divided with sequence parallelism, which the table's last row does not say.
 */
static void
the_exact_layer_differs_by_the_statistics_of_its_norms (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (papers); i++)
    {
      for (guint j = 0; j < G_N_ELEMENTS (rows); j++)
        {
          guint64 t = papers[i].tensor;
          guint64 between = rows[j].sequence ? t : 1;
          guint64 rule = count_layer (i, j) / t;
          guint64 statistics = 2 * 2 * sizeof (float) * S * papers[i].batch / between;

          if (rows[j].checkpointing == HR_GRADIENT_CHECKPOINTING_FULL)
            g_assert_cmpuint (count_exact_layer (i, j), ==, rule / between);
          else
            g_assert_cmpuint (count_exact_layer (i, j), ==, rule + statistics);
        }
    }
}

/* The layouts for which the report was printed. */
static const struct
{
  guint64 tensor, pipeline, parts, data, stage, micro_batches, length, batch;
  gboolean sequence;
} layouts[] = {
  { 1, 1, 1, 1, 0, 1, 2048, 1, FALSE },
  { 4, 2, 1, 2, 1, 8, 4096, 2, TRUE },
  { 1, 4, 1, 8, 1, 2, 2048, 1, FALSE },
  { 2, 4, 2, 1, 0, 8, 4096, 1, TRUE },
};

/* Bytes of weights and optimizer, and of activations; 0 where the layers cannot be divided so. */
static const struct
{
  const char *id;
  guint64 states[G_N_ELEMENTS (layouts)];
  guint64 activations[G_N_ELEMENTS (layouts)];
  guint64 n_biases;
} reports[] = {
  { "meta-llama/Llama-2-7b-hf",
    { G_GUINT64_CONSTANT (121291481088), G_GUINT64_CONSTANT (10111967232), G_GUINT64_CONSTANT (13126049280),
      G_GUINT64_CONSTANT (15751858176) },
    { G_GUINT64_CONSTANT (9747212698), G_GUINT64_CONSTANT (7734329344), G_GUINT64_CONSTANT (4809223373),
      G_GUINT64_CONSTANT (10657816576) }, 0 },
  { "meta-llama/Llama-2-13b-hf",
    { G_GUINT64_CONSTANT (234285557760), G_GUINT64_CONSTANT (19529594880), G_GUINT64_CONSTANT (25019145600),
      G_GUINT64_CONSTANT (30023907840) },
    { G_GUINT64_CONSTANT (15144338227), G_GUINT64_CONSTANT (12100599808), G_GUINT64_CONSTANT (7508887142),
      G_GUINT64_CONSTANT (16667205632) }, 0 },
  { "meta-llama/Llama-2-70b-hf",
    { G_GUINT64_CONSTANT (1241579667456), G_GUINT64_CONSTANT (103477198848), G_GUINT64_CONSTANT (130314255360),
      G_GUINT64_CONSTANT (156380073984) },
    { G_GUINT64_CONSTANT (48106219930), G_GUINT64_CONSTANT (42983260160), G_GUINT64_CONSTANT (23993131008),
      G_GUINT64_CONSTANT (59148165120) }, 0 },
  { "meta-llama/Meta-Llama-3.1-8B",
    { G_GUINT64_CONSTANT (144544702464), G_GUINT64_CONSTANT (12049735680), G_GUINT64_CONSTANT (17026752000),
      G_GUINT64_CONSTANT (20432701440) },
    { G_GUINT64_CONSTANT (10161190502), G_GUINT64_CONSTANT (8606744576), G_GUINT64_CONSTANT (4809223373),
      G_GUINT64_CONSTANT (11857387520) }, 0 },
  { "meta-llama/Meta-Llama-3.1-70B",
    { G_GUINT64_CONSTANT (1269966716928), G_GUINT64_CONSTANT (105842786304), G_GUINT64_CONSTANT (136228224000),
      G_GUINT64_CONSTANT (163476836352) },
    { G_GUINT64_CONSTANT (48520197734), G_GUINT64_CONSTANT (42983260160), G_GUINT64_CONSTANT (23993131008),
      G_GUINT64_CONSTANT (59148165120) }, 0 },
  { "meta-llama/Llama-3.2-1B",
    { G_GUINT64_CONSTANT (22244659200), G_GUINT64_CONSTANT (2249601024), G_GUINT64_CONSTANT (3794661120),
      G_GUINT64_CONSTANT (4553745408) },
    { G_GUINT64_CONSTANT (2960619110), G_GUINT64_CONSTANT (2290122752), 1206735667,
      G_GUINT64_CONSTANT (3160498176) }, 0 },
  { "Qwen/Qwen2.5-7B",
    { G_GUINT64_CONSTANT (137078774784), G_GUINT64_CONSTANT (11424150528), G_GUINT64_CONSTANT (16322779200), 0 },
    { G_GUINT64_CONSTANT (8014231142), G_GUINT64_CONSTANT (8059387904), G_GUINT64_CONSTANT (3683996467), 0 }, 129024 },
  { "Qwen/Qwen2.5-1.5B",
    { G_GUINT64_CONSTANT (27785825280), G_GUINT64_CONSTANT (2666529792), G_GUINT64_CONSTANT (4207083840), 0 },
    { G_GUINT64_CONSTANT (3807842304), G_GUINT64_CONSTANT (3646980096), 1578875290, 0 }, 57344 },
  { "openai-community/gpt2-xl",
    { G_GUINT64_CONSTANT (27996422400), 0, G_GUINT64_CONSTANT (3369030000), 0 },
    { G_GUINT64_CONSTANT (5841811046), 0, G_GUINT64_CONSTANT (2814477926), 0 }, 691200 },
  { "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    { G_GUINT64_CONSTANT (19800870912), 1652060160, 0, 0 },
    { G_GUINT64_CONSTANT (3445061222), G_GUINT64_CONSTANT (2684387328), 0, 0 }, 0 },
};

/* compute_weight_and_optimizer_memory and compute_activation_memory of Megatron-LM d98e8a64, run for ten models. */
static void
megatron_lms_report_is_reproduced_for_ten_models (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (reports); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (reports[i].id, &error);

      g_assert_no_error (error);
      for (guint j = 0; j < G_N_ELEMENTS (layouts); j++)
        {
          g_autoptr (HrEstimate) result = NULL;
          guint64 activations;

          if (reports[i].states[j] == 0)
            continue;
          result = estimate (model, "method-of-estimate", HR_ESTIMATE_METHOD_RULE_OF_THUMB, "rule-of-thumb",
                             HR_RULE_OF_THUMB_MEGATRON_LM, "tensor-parallel", layouts[j].tensor, "pipeline-parallel",
                             layouts[j].pipeline, "virtual-pipeline-parallel", layouts[j].parts, "data-parallel",
                             layouts[j].data, "zero-stage", layouts[j].stage, "gradient-accumulation-steps",
                             layouts[j].micro_batches, "sequence-length", layouts[j].length, "micro-batch-size",
                             layouts[j].batch, "sequence-parallel", layouts[j].sequence, "gradient-checkpointing",
                             layouts[j].sequence ? HR_GRADIENT_CHECKPOINTING_SELECTIVE : HR_GRADIENT_CHECKPOINTING_NONE,
                             "selective-checkpointing", HR_SELECTIVE_CHECKPOINTING_ATTENTION, NULL);
          activations = get_component_bytes (result, HR_COMPONENT_ACTIVATIONS);
          g_assert_cmpuint (activations, ==, reports[i].activations[j]);
          /* Four parts, each of which is rounded. */
          g_assert_cmpuint (hr_estimate_get_total_bytes (result) - activations + 2, >=, reports[i].states[j]);
          g_assert_cmpuint (hr_estimate_get_total_bytes (result) - activations, <=, reports[i].states[j] + 2);
        }
    }
}

/* A block of the allocator for the number of steps of each tensor, and angles. */
#define MOST_BYTES_BESIDE (1200 * 512)

/* 18 bytes for each bias and position that the report does not know. */
static void
the_report_leaves_out_biases_and_positions (void)
{
  static const HrComponentId states[] = {
    HR_COMPONENT_WEIGHTS, HR_COMPONENT_GRADIENTS, HR_COMPONENT_MASTER_WEIGHTS, HR_COMPONENT_OPTIMIZER,
  };

  for (guint i = 0; i < G_N_ELEMENTS (reports); i++)
    {
      guint64 positions = g_str_equal (reports[i].id, "openai-community/gpt2-xl") ? 1024 * 1600 : 0;
      guint64 expected = reports[i].states[0] + 18 * (reports[i].n_biases + positions);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (reports[i].id, &error);
      g_autoptr (HrEstimate) result = NULL;
      guint64 found = 0;

      g_assert_no_error (error);
      result = estimate (model, "dtype", HR_DTYPE_BFLOAT16, "sequence-length", (guint64) 512, NULL);
      for (guint j = 0; j < G_N_ELEMENTS (states); j++)
        found += get_component_bytes (result, states[j]);
      g_test_message ("%s: %" G_GINT64_FORMAT " bytes beside", reports[i].id, (gint64) (found - expected));
      g_assert_cmpuint (found, >=, expected);
      g_assert_cmpuint (found, <=, expected + MOST_BYTES_BESIDE);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name) g_test_add_func ("/megatron-rules/" #name, name)
  ADD (the_table_of_korthikanti_is_reproduced_to_the_byte);
  ADD (the_exact_layer_differs_by_the_statistics_of_its_norms);
  ADD (megatron_lms_report_is_reproduced_for_ten_models);
  ADD (the_report_leaves_out_biases_and_positions);
#undef ADD

  return g_test_run ();
}
