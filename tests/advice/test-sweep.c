/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-sweep-context.h"
#include "hr-sweep.h"

static const char config[] =
    "{ \"model_type\": \"llama\", \"vocab_size\": 32000, \"hidden_size\": 256, \"intermediate_size\": 512,"
    "  \"num_hidden_layers\": 4, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"head_dim\": 32,"
    "  \"max_position_embeddings\": 4096, \"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\" }";

static HrModel *
load_model (void)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_data (config, -1, "small", &error);

  g_assert_no_error (error);

  return model;
}

static HrSweep *
create_sweep (HrModel    *model,
              HrJob      *job,
              HrGpu      *gpu,
              const char *setting,
              const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) values = hr_sweep_values_parse (job, setting, text, &error);
  HrSweep *sweep;

  g_assert_no_error (error);
  sweep = hr_sweep_new (setting, (const double *) values->data, values->len);
  hr_sweep_add_line (sweep, "one", model, job, gpu, 1);

  return sweep;
}

static const struct
{
  const char *name;
  HrMode mode;
  const char *settings;
  const char *setting;
  const char *values;
} sweeps[] = {
  { "prompts", HR_MODE_INFERENCE, "batch-size=2", "prompt-length", "64..2048" },
  { "batches", HR_MODE_INFERENCE, "prompt-length=128", "batch-size", "1,2,3,5" },
  { "gpus", HR_MODE_INFERENCE, "prompt-length=128", HR_SWEEP_GPUS, "1..4..1" },
  { "sequences", HR_MODE_TRAINING, "micro-batch-size=2", "sequence-length", "64..512" },
  { "ranks", HR_MODE_FINE_TUNING, "fine-tuning-method=lora sequence-length=128", "lora-rank", "4..64" },
};

static void
test_each_point_is_an_estimate (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", &error);
  g_autoptr (HrJob) job = hr_job_new (sweeps[index].mode);
  g_autoptr (HrSweep) sweep = NULL;
  const double *values;
  guint n_values;

  g_assert_true (hr_job_set_all_from_string (job, sweeps[index].settings, &error));
  sweep = create_sweep (model, job, gpu, sweeps[index].setting, sweeps[index].values);
  hr_sweep_run (sweep);
  g_assert_true (hr_sweep_is_done (sweep));

  values = hr_sweep_get_values (sweep, &n_values);
  g_assert_cmpuint (n_values, >, 3);
  for (guint i = 0; i < n_values; i++)
    {
      const HrSweepPoint *point = &hr_sweep_get_line (sweep, 0)->points[i];
      gboolean is_gpus = g_str_equal (sweeps[index].setting, HR_SWEEP_GPUS);
      g_autoptr (HrEstimate) estimate = NULL;

      if (!is_gpus)
        g_object_set (job, sweeps[index].setting, (guint64) values[i], NULL);
      estimate = hr_estimator_run (model, job, gpu, is_gpus ? (guint) values[i] : 1, &error);
      g_assert_no_error (error);
      g_assert_cmpint (point->state, ==, HR_SWEEP_POINT_KNOWN);
      g_assert_cmpuint (point->total_bytes, ==, hr_estimate_get_total_bytes (estimate));
      g_assert_cmpuint (point->reserved_bytes, ==, hr_estimate_get_reserved_bytes (estimate));
      g_assert_cmpuint (point->allocated_bytes, ==, hr_estimate_get_allocated_bytes (estimate));
    }
}

/* What is known quickly comes first for all points, and is never more than the total. */
static void
test_a_line_is_there_before_what_is_reserved (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_TRAINING);
  g_autoptr (HrSweep) sweep = create_sweep (model, job, gpu, "sequence-length", "64,128,256");
  const HrSweepPoint *points = hr_sweep_get_line (sweep, 0)->points;
  guint64 least[3];

  g_assert_cmpint (points[2].state, ==, HR_SWEEP_POINT_PENDING);
  while (!hr_sweep_has_all_least (sweep))
    g_assert_true (hr_sweep_step (sweep));
  g_assert_false (hr_sweep_is_done (sweep));
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (points[i].state, ==, HR_SWEEP_POINT_LEAST);
      least[i] = points[i].total_bytes;
      g_assert_cmpuint (least[i], >, points[i].allocated_bytes);
    }

  hr_sweep_run (sweep);
  g_assert_true (hr_sweep_is_done (sweep));
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (points[i].total_bytes, >, least[i]);
}

static void
test_what_is_refused_is_a_gap_that_says_why (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrJob) other = hr_job_new (HR_MODE_TRAINING);
  g_autoptr (HrSweep) sweep = NULL;
  const HrSweepPoint *points;

  g_object_set (job, "attention", HR_ATTENTION_IMPLEMENTATION_EAGER, "batch-size", G_GUINT64_CONSTANT (65536), NULL);
  sweep = create_sweep (model, job, NULL, "prompt-length", "8,16,16777216");
  hr_sweep_add_line (sweep, "other", model, other, NULL, 1);
  hr_sweep_run (sweep);

  points = hr_sweep_get_line (sweep, 0)->points;
  g_assert_cmpint (points[1].state, ==, HR_SWEEP_POINT_KNOWN);
  g_assert_null (points[1].refusal);
  g_assert_cmpint (points[2].state, ==, HR_SWEEP_POINT_REFUSED);
  g_assert_cmpuint (points[2].total_bytes, ==, 0);
  g_assert_nonnull (strstr (points[2].refusal, "more memory than can be counted"));

  /* Training has no prompts, so that the whole line is refused. */
  points = hr_sweep_get_line (sweep, 1)->points;
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpint (points[i].state, ==, HR_SWEEP_POINT_REFUSED);
      g_assert_nonnull (strstr (points[i].refusal, "training"));
    }
}

/* Grows by as many bytes with each value, from an end that is not estimated by multiples that are. */
typedef struct
{
  gint64 multiple;
  gboolean falls;
  guint n_estimates;
} Slope;

static gboolean
find_total (double    value,
            HrGpu    *gpu,
            guint64  *total_bytes,
            gpointer  user_data)
{
  Slope *slope = user_data;

  slope->n_estimates++;
  if (slope->multiple > 0 && (gint64) value % slope->multiple != 0)
    return FALSE;

  *total_bytes = hr_gpu_get_usable_memory (gpu) + 100 * (slope->falls ? 1000 - value : value - 1000);

  return TRUE;
}

static const struct
{
  const char *name;
  gboolean is_whole;
  gint64 multiple;
  gboolean falls;
  double values[3];
  HrSweepFit fit;
  double value;
} edges[] = {
  { "up_to", TRUE, 0, FALSE, { 64, 512, 4096 }, HR_SWEEP_FIT_UP_TO, 1000 },
  { "from", TRUE, 0, TRUE, { 64, 512, 4096 }, HR_SWEEP_FIT_FROM, 1000 },
  { "multiples", TRUE, 64, FALSE, { 64, 512, 4096 }, HR_SWEEP_FIT_UP_TO, 960 },
  { "multiples_from", TRUE, 64, TRUE, { 64, 512, 4096 }, HR_SWEEP_FIT_FROM, 1024 },
  { "neighbours", TRUE, 0, FALSE, { 999, 1000, 1001 }, HR_SWEEP_FIT_UP_TO, 1000 },
  { "nothing_between", TRUE, 4096, FALSE, { 0, 512, 4096 }, HR_SWEEP_FIT_UP_TO, 0 },
  { "hundredths", FALSE, 0, FALSE, { 900.5, 950.5, 1200.25 }, HR_SWEEP_FIT_UP_TO, 1000 },
  { "always", TRUE, 0, FALSE, { 1, 2, 3 }, HR_SWEEP_FIT_ALWAYS, 3 },
  { "never", TRUE, 0, FALSE, { 1001, 1002, 1003 }, HR_SWEEP_FIT_NEVER, 0 },
};

static void
test_an_edge_is_found_between_values (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);
  Slope slope = { edges[index].multiple, edges[index].falls, 0 };
  guint64 totals[3] = { 0 };
  HrSweepEdge edge;

  for (guint i = 0; i < 3; i++)
    find_total (edges[index].values[i], gpu, &totals[i], &slope);
  hr_sweep_edge_init (&edge, gpu, edges[index].is_whole, edges[index].values, totals, 3);
  slope.n_estimates = 0;
  while (hr_sweep_edge_step (&edge, edges[index].is_whole, find_total, &slope))
    continue;

  g_assert_cmpint (edge.fit, ==, edges[index].fit);
  if (edge.fit != HR_SWEEP_FIT_NEVER)
    g_assert_cmpfloat_with_epsilon (edge.value, edges[index].value, 0.011);
  g_assert_cmpuint (slope.n_estimates, <, 32);
  hr_sweep_edge_clear (&edge);
}

/* One that is at one place fits, and the next does not, on the GPU that is asked for. */
static gboolean
fits (HrModel    *model,
      HrJob      *job,
      HrGpu      *gpu,
      const char *setting,
      guint64     value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJob) changed = hr_job_copy (job);
  g_autoptr (HrEstimate) estimate = NULL;

  g_object_set (changed, setting, value, NULL);
  estimate = hr_estimator_run (model, changed, gpu, 1, &error);
  g_assert_no_error (error);

  return hr_estimate_get_total_bytes (estimate) <= hr_gpu_get_usable_memory (gpu);
}

static const struct
{
  const char *name;
  HrMode mode;
  const char *settings;
  const char *setting;
  const char *values;
  const char *gpu;
  const char *capacity;
} crossings[] = {
  { "prompts", HR_MODE_INFERENCE, "batch-size=256", "prompt-length", "512..131072", "rtx-4090", "h100-sxm" },
  { "prompts_without_a_gpu", HR_MODE_INFERENCE, "batch-size=256", "prompt-length", "512..131072", NULL, "rtx-3060" },
  { "sequences", HR_MODE_TRAINING, "micro-batch-size=4", "sequence-length", "512..131072", "rtx-4090", "rtx-3060" },
  { "batches", HR_MODE_TRAINING, "sequence-length=512", "micro-batch-size", "1..4096", "l40s", "h100-sxm" },
};

static void
test_what_fits_is_exact (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrGpu) gpu = crossings[index].gpu != NULL ? hr_gpu_catalogue_lookup (crossings[index].gpu, &error) : NULL;
  g_autoptr (HrGpu) capacity = hr_gpu_catalogue_lookup (crossings[index].capacity, &error);
  g_autoptr (HrJob) job = hr_job_new (crossings[index].mode);
  g_autoptr (HrSweep) sweep = NULL;
  GPtrArray *gpus;

  g_assert_no_error (error);
  g_assert_true (hr_job_set_all_from_string (job, crossings[index].settings, &error));
  sweep = create_sweep (model, job, gpu, crossings[index].setting, crossings[index].values);
  hr_sweep_add_gpu (sweep, capacity);
  hr_sweep_add_gpu (sweep, capacity);
  g_assert_false (hr_sweep_is_done (sweep));
  hr_sweep_run (sweep);
  g_assert_true (hr_sweep_is_done (sweep));

  gpus = hr_sweep_get_gpus (sweep);
  g_assert_cmpuint (gpus->len, ==, gpu != NULL ? 2 : 1);
  for (guint i = 0; i < gpus->len; i++)
    {
      HrGpu *asked = g_ptr_array_index (gpus, i);
      g_autofree char *text = hr_sweep_dup_fit_text (sweep, 0, i);
      g_autofree char *number = NULL;
      double value;

      g_assert_cmpint (hr_sweep_find_fit (sweep, 0, i, &value), ==, HR_SWEEP_FIT_UP_TO);
      g_test_message ("%s: %.15g", hr_gpu_get_name (asked), value);
      g_assert_true (fits (model, job, asked, crossings[index].setting, (guint64) value));
      g_assert_false (fits (model, job, asked, crossings[index].setting, (guint64) value + 1));
      number = hr_sweep_dup_value_text (value);
      g_assert_nonnull (strstr (text, number));
    }
}

static void
test_more_gpus_fit_from_a_number_on (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-14B-Instruct", &error);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrSweep) sweep = NULL;
  double value;

  g_assert_no_error (error);
  sweep = create_sweep (model, job, gpu, HR_SWEEP_GPUS, "1,4,8");
  hr_sweep_run (sweep);
  g_assert_cmpint (hr_sweep_find_fit (sweep, 0, 0, &value), ==, HR_SWEEP_FIT_FROM);
  g_assert_cmpfloat (value, ==, 2);
}

/* More GPUs are more copies or shards in training, where their number is left open. */
static void
test_training_is_swept_over_gpus_and_layouts (void)
{
  static const struct
  {
    const char *settings;
    const char *with;
    const char *without;
  } cases[] = {
    { "framework=pytorch", "gpus data-parallel tensor-parallel", "pipeline-parallel zero-stage expert-parallel" },
    { "framework=megatron-lm", "gpus data-parallel tensor-parallel pipeline-parallel zero-stage context-parallel",
      "expert-parallel" },
    { "framework=deepspeed", "gpus data-parallel zero-stage", "tensor-parallel" },
    { "framework=transformers data-parallel=4", "data-parallel tensor-parallel", "gpus" },
    { "framework=unsloth", "gpus data-parallel micro-batch-size", "tensor-parallel zero-stage" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
      g_auto (GStrv) with = g_strsplit (cases[i].with, " ", -1);
      g_auto (GStrv) without = g_strsplit (cases[i].without, " ", -1);
      g_auto (GStrv) settings = NULL;

      g_assert_true (hr_job_set_all_from_string (job, cases[i].settings, &error));
      settings = hr_sweep_list_settings (job);
      for (guint j = 0; with[j] != NULL; j++)
        g_assert_true (g_strv_contains ((const char * const *) settings, with[j]));
      for (guint j = 0; without[j] != NULL; j++)
        {
          g_assert_false (g_strv_contains ((const char * const *) settings, without[j]));
          g_assert_false (hr_sweep_has_setting (job, without[j], &error));
          g_assert_nonnull (error);
          g_clear_error (&error);
        }
    }
}

/* Each part is what an estimate says of it, and they add up. */
static void
test_points_have_their_parts (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrJob) job = hr_job_new (sweeps[index].mode);
  g_autoptr (HrSweep) sweep = NULL;
  const HrSweepPoint *point;
  guint64 sum = 0;

  g_assert_true (hr_job_set_all_from_string (job, sweeps[index].settings, &error));
  sweep = create_sweep (model, job, NULL, sweeps[index].setting, sweeps[index].values);
  hr_sweep_run (sweep);
  point = &hr_sweep_get_line (sweep, 0)->points[1];
  g_assert_cmpuint (hr_sweep_get_bytes (sweep, point), ==, point->total_bytes);
  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    {
      hr_sweep_set_component (sweep, id);
      g_assert_cmpuint (hr_sweep_get_bytes (sweep, point), ==, point->component_bytes[id]);
      sum += point->component_bytes[id];
    }
  g_assert_cmpuint (sum, ==, point->total_bytes);
}

static void
test_the_cache_grows_with_the_prompt (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrSweep) sweep = create_sweep (model, job, NULL, "prompt-length", "512..4096");
  const HrSweepPoint *points = hr_sweep_get_line (sweep, 0)->points;

  hr_sweep_run (sweep);
  hr_sweep_set_component (sweep, HR_COMPONENT_KV_CACHE);
  g_assert_cmpuint (hr_sweep_get_bytes (sweep, &points[0]), >, 0);
  for (guint i = 1; i < 4; i++)
    g_assert_cmpuint (hr_sweep_get_bytes (sweep, &points[i]), ==, hr_sweep_get_bytes (sweep, &points[0]) << i);
}

static const struct
{
  const char *setting;
  const char *text;
  const char *values;      /* NULL where it is refused */
} texts[] = {
  { "prompt-length", "1024..8192", "1024 2048 4096 8192" },
  { "prompt-length", "1000..9000", "1000 2000 4000 8000 9000" },
  { "prompt-length", "100..130..10", "100 110 120 130" },
  { "prompt-length", "100..125..10", "100 110 120 125" },
  { "prompt-length", "1..81..x3", "1 3 9 27 81" },
  { "batch-size", "7", "7" },
  { "batch-size", "1,3,9", "1 3 9" },
  { "batch-size", "1..4", "1 2 3 4" },
  { HR_SWEEP_GPUS, "1..8..x2", "1 2 4 8" },
  { "prompt-length", "", NULL },
  { "prompt-length", "8192..1024", NULL },
  { "prompt-length", "0..10", NULL },
  { "prompt-length", "1..100..0", NULL },
  { "prompt-length", "1..100..x1", NULL },
  { "prompt-length", "1..100000..1", NULL },
  { "prompt-length", "1..16777217", NULL },
  { "prompt-length", "1,2,2", NULL },
  { "prompt-length", "1.5", NULL },
  { "prompt-length", "-4..8", NULL },
  { "prompt-length", "4..8..", NULL },
  { "prompt-length", "4..inf", NULL },
  { "prompt-length", "1..10..x1.0000001", NULL },
};

static void
test_values_are_read (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GArray) values = hr_sweep_values_parse (job, texts[i].setting, texts[i].text, &error);
      g_autoptr (GString) found = g_string_new (NULL);

      g_test_message ("%s=%s", texts[i].setting, texts[i].text);
      if (texts[i].values == NULL)
        {
          g_assert_null (values);
          g_assert_nonnull (error);
          g_assert_nonnull (strstr (error->message, texts[i].setting));
          g_assert_null (strchr (error->message, '\n'));
          continue;
        }

      g_assert_no_error (error);
      for (guint j = 0; j < values->len; j++)
        {
          g_autofree char *value = hr_sweep_format_value (g_array_index (values, double, j));

          g_string_append_printf (found, "%s%s", j > 0 ? " " : "", value);
        }
      g_assert_cmpstr (found->str, ==, texts[i].values);
    }
}

/* Each has values that can be estimated, and goes as far as the model and as the job. */
static void
test_usual_ranges_are_those_of_the_settings (void)
{
  g_autoptr (HrModel) model = load_model ();

  for (HrMode mode = HR_MODE_INFERENCE; mode <= HR_MODE_MULTIMODAL; mode++)
    {
      g_autoptr (HrJob) job = hr_job_new (mode);
      g_auto (GStrv) settings = hr_sweep_list_settings (job);

      g_assert_cmpuint (g_strv_length (settings), >=, 3);
      g_assert_false (g_strv_contains ((const char * const *) settings, "dtype"));
      for (guint i = 0; settings[i] != NULL; i++)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (GArray) values = NULL;
          HrSweepRange range;

          hr_sweep_range_init (&range, job, model, settings[i]);
          g_assert_true (hr_sweep_has_setting (job, settings[i], &error));
          g_assert_true (hr_sweep_range_check (&range, job, settings[i], &error));
          values = hr_sweep_range_list (&range, hr_sweep_setting_is_whole (job, settings[i]));
          g_assert_cmpuint (values->len, >, 2);
          g_assert_cmpuint (values->len, <, 40);
        }
    }
}

static void
test_lengths_go_as_far_as_the_model (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  HrSweepRange range;

  hr_sweep_range_init (&range, job, model, "prompt-length");
  g_assert_cmpfloat (range.to, ==, 4096);
  g_object_set (job, "prompt-length", G_GUINT64_CONSTANT (6000), NULL);
  hr_sweep_range_init (&range, job, model, "prompt-length");
  g_assert_cmpfloat (range.to, ==, 8192);
  hr_sweep_range_init (&range, job, NULL, "prompt-length");
  g_assert_cmpfloat (range.to, ==, 131072);
}

/* The output takes positions of its own; what does not lengthen sequences, or not far enough, reaches no end. */
static void
test_the_longest_context_is_found (void)
{
  static const struct
  {
    HrMode mode;
    const char *settings;
    const char *setting;
    const char *values;
    double value;     /* 0 where it is not reached */
  } cases[] = {
    { HR_MODE_INFERENCE, "output-length=96", "prompt-length", "512..8192", 4000 },
    { HR_MODE_INFERENCE, "output-length=1", "prompt-length", "511,4095", 4095 },
    { HR_MODE_INFERENCE, "output-length=96", "prompt-length", "512..2048", 0 },
    { HR_MODE_INFERENCE, "output-length=96", "prompt-length", "4096..16384", 0 },
    { HR_MODE_INFERENCE, "prompt-length=1024", "output-length", "512..4096", 3072 },
    { HR_MODE_INFERENCE, "prompt-length=8192", "batch-size", "1..4", 0 },
    { HR_MODE_TRAINING, "micro-batch-size=1", "sequence-length", "512..8192", 4096 },
  };
  g_autoptr (HrModel) model = load_model ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrJob) job = hr_job_new (cases[i].mode);
      g_autoptr (HrSweep) sweep = NULL;
      guint64 tokens = 0;
      double value = 0;

      g_assert_true (hr_job_set_all_from_string (job, cases[i].settings, &error));
      sweep = create_sweep (model, job, NULL, cases[i].setting, cases[i].values);
      hr_sweep_run (sweep);
      g_assert_cmpint (hr_sweep_find_longest_context (sweep, 0, &tokens, &value), ==, cases[i].value > 0);
      if (cases[i].value == 0)
        continue;

      g_assert_cmpuint (tokens, ==, 4096);
      g_assert_cmpfloat (value, ==, cases[i].value);
    }
}

static void
test_settings_that_cannot_be_swept_are_refused (void)
{
  static const struct
  {
    HrMode mode;
    const char *setting;
    const char *part;
  } cases[] = {
    { HR_MODE_INFERENCE, "dtype", "prompt-length" },
    { HR_MODE_INFERENCE, "no-such", "batch-size" },
    { HR_MODE_FINE_TUNING, "trained-layers", "Has no effect" },
    { HR_MODE_TRAINING, "zero-stage", "PyTorch" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrJob) job = hr_job_new (cases[i].mode);

      g_assert_false (hr_sweep_has_setting (job, cases[i].setting, &error));
      g_assert_nonnull (strstr (error->message, cases[i].setting));
      g_assert_nonnull (strstr (error->message, cases[i].part));
    }
}

static void
test_what_is_known_is_taken_over (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrSweep) first = create_sweep (model, job, NULL, "batch-size", "1,2,4");
  g_autoptr (HrSweep) same = NULL;
  g_autoptr (HrSweep) changed = NULL;
  g_autoptr (HrSweep) shorter = NULL;

  hr_sweep_run (first);

  /* What the job has of the setting itself does not matter. */
  g_object_set (job, "batch-size", G_GUINT64_CONSTANT (7), NULL);
  same = create_sweep (model, job, NULL, "batch-size", "1,2,4");
  hr_sweep_take_known (same, first);
  g_assert_true (hr_sweep_is_done (same));
  g_assert_cmpuint (hr_sweep_get_line (same, 0)->points[1].total_bytes, ==,
                    hr_sweep_get_line (first, 0)->points[1].total_bytes);

  shorter = create_sweep (model, job, NULL, "batch-size", "1,2");
  hr_sweep_take_known (shorter, first);
  g_assert_false (hr_sweep_has_all_least (shorter));

  /* So is where a line crosses the memory of a GPU. */
  {
    g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-3060", NULL);
    g_autoptr (HrSweep) held = create_sweep (model, job, NULL, "batch-size", "1,65536");
    g_autoptr (HrSweep) again = create_sweep (model, job, NULL, "batch-size", "1,65536");
    double value, other;

    hr_sweep_add_gpu (held, gpu);
    hr_sweep_add_gpu (again, gpu);
    hr_sweep_run (held);
    hr_sweep_take_known (again, held);
    g_assert_true (hr_sweep_is_done (again));
    g_assert_cmpint (hr_sweep_find_fit (again, 0, 0, &value), ==, hr_sweep_find_fit (held, 0, 0, &other));
    g_assert_cmpfloat (value, ==, other);
  }

  g_object_set (job, "prompt-length", G_GUINT64_CONSTANT (100), NULL);
  changed = create_sweep (model, job, NULL, "batch-size", "1,2,4");
  hr_sweep_take_known (changed, first);
  g_assert_false (hr_sweep_has_all_least (changed));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sweeps); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sweep/each_point_is_an_estimate/%s", sweeps[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_each_point_is_an_estimate);
    }
  g_test_add_func ("/sweep/a_line_is_there_before_what_is_reserved", test_a_line_is_there_before_what_is_reserved);
  g_test_add_func ("/sweep/what_is_refused_is_a_gap_that_says_why", test_what_is_refused_is_a_gap_that_says_why);
  for (guint i = 0; i < G_N_ELEMENTS (edges); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sweep/an_edge_is_found_between_values/%s", edges[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_an_edge_is_found_between_values);
    }
  for (guint i = 0; i < G_N_ELEMENTS (crossings); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sweep/what_fits_is_exact/%s", crossings[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_what_fits_is_exact);
    }
  for (guint i = 0; i < G_N_ELEMENTS (sweeps); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sweep/points_have_their_parts/%s", sweeps[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_points_have_their_parts);
    }
  g_test_add_func ("/sweep/more_gpus_fit_from_a_number_on", test_more_gpus_fit_from_a_number_on);
  g_test_add_func ("/sweep/training_is_swept_over_gpus_and_layouts", test_training_is_swept_over_gpus_and_layouts);
  g_test_add_func ("/sweep/the_cache_grows_with_the_prompt", test_the_cache_grows_with_the_prompt);
  g_test_add_func ("/sweep/values_are_read", test_values_are_read);
  g_test_add_func ("/sweep/usual_ranges_are_those_of_the_settings", test_usual_ranges_are_those_of_the_settings);
  g_test_add_func ("/sweep/lengths_go_as_far_as_the_model", test_lengths_go_as_far_as_the_model);
  g_test_add_func ("/sweep/the_longest_context_is_found", test_the_longest_context_is_found);
  g_test_add_func ("/sweep/settings_that_cannot_be_swept_are_refused", test_settings_that_cannot_be_swept_are_refused);
  g_test_add_func ("/sweep/what_is_known_is_taken_over", test_what_is_known_is_taken_over);

  return g_test_run ();
}
