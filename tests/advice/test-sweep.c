/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
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
  for (guint i = 0; i < 3; i++)
    g_assert_true (hr_sweep_step (sweep));
  g_assert_true (hr_sweep_has_all_least (sweep));
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

static void
test_it_says_which_values_fit (void)
{
  g_autoptr (HrModel) model = load_model ();
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrSweep) sweep = create_sweep (model, job, NULL, "batch-size", "64,128,256,512");
  g_autoptr (HrSweep) gpus = NULL;
  const HrSweepPoint *points = hr_sweep_get_line (sweep, 0)->points;
  g_autofree char *text = NULL;
  guint index;

  g_assert_cmpint (hr_sweep_find_fit (sweep, 0, G_MAXUINT64, &index), ==, HR_SWEEP_FIT_UNKNOWN);
  hr_sweep_run (sweep);
  g_object_set (job, "prompt-length", G_GUINT64_CONSTANT (8), "output-length", G_GUINT64_CONSTANT (8), NULL);
  gpus = create_sweep (model, job, NULL, HR_SWEEP_GPUS, "1,2,4");
  hr_sweep_run (gpus);

  g_assert_cmpint (hr_sweep_find_fit (sweep, 0, points[3].total_bytes, &index), ==, HR_SWEEP_FIT_ALWAYS);
  g_assert_cmpuint (index, ==, 3);
  g_assert_cmpint (hr_sweep_find_fit (sweep, 0, points[3].total_bytes - 1, &index), ==, HR_SWEEP_FIT_UP_TO);
  g_assert_cmpuint (index, ==, 2);
  g_assert_cmpint (hr_sweep_find_fit (sweep, 0, points[0].total_bytes - 1, &index), ==, HR_SWEEP_FIT_NEVER);
  text = hr_sweep_dup_fit_text (sweep, 0, points[1].total_bytes);
  g_assert_nonnull (strstr (text, "128"));

  points = hr_sweep_get_line (gpus, 0)->points;
  g_assert_cmpuint (points[0].total_bytes, >, points[2].total_bytes);
  g_assert_cmpint (hr_sweep_find_fit (gpus, 0, points[0].total_bytes - 1, &index), ==, HR_SWEEP_FIT_FROM);
  g_assert_cmpuint (index, ==, 1);
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
    { HR_MODE_TRAINING, HR_SWEEP_GPUS, "sequence-length" },
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
  g_test_add_func ("/sweep/it_says_which_values_fit", test_it_says_which_values_fit);
  g_test_add_func ("/sweep/values_are_read", test_values_are_read);
  g_test_add_func ("/sweep/usual_ranges_are_those_of_the_settings", test_usual_ranges_are_those_of_the_settings);
  g_test_add_func ("/sweep/lengths_go_as_far_as_the_model", test_lengths_go_as_far_as_the_model);
  g_test_add_func ("/sweep/settings_that_cannot_be_swept_are_refused", test_settings_that_cannot_be_swept_are_refused);
  g_test_add_func ("/sweep/what_is_known_is_taken_over", test_what_is_known_is_taken_over);

  return g_test_run ();
}
