/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The largest values of settings: each is estimated here once more, as is the next one. */

#include "hr-gpu-catalogue.h"
#include "hr-largest.h"

typedef struct
{
  HrModel *model;
  HrJob *job;
  HrGpu *gpu;
  HrEstimate *estimate;
  GPtrArray *largest;
} Case;

static void
set_up (Case       *self,
        const char *model,
        HrMode      mode,
        const char *settings,
        const char *gpu)
{
  g_autoptr (GError) error = NULL;

  self->model = hr_model_new_from_id (model, &error);
  g_assert_no_error (error);
  self->job = hr_job_new (mode);
  hr_job_set_all_from_string (self->job, settings, &error);
  g_assert_no_error (error);
  self->gpu = hr_gpu_catalogue_lookup (gpu, &error);
  g_assert_no_error (error);
  self->estimate = hr_estimator_run (self->model, self->job, self->gpu, 1, &error);
  g_assert_no_error (error);
  self->largest = hr_largest_list (self->estimate, self->job, self->gpu, 1);
}

static void
tear_down (Case *self)
{
  g_object_unref (self->model);
  g_object_unref (self->job);
  g_object_unref (self->gpu);
  g_object_unref (self->estimate);
  g_ptr_array_unref (self->largest);
}

static const HrLargest *
find (Case       *self,
      const char *setting)
{
  for (guint i = 0; i < self->largest->len; i++)
    {
      const HrLargest *largest = g_ptr_array_index (self->largest, i);

      if (g_str_equal (largest->setting, setting))
        return largest;
    }

  return NULL;
}

/* What the fullest GPU has left, negative where it lacks something. */
static gint64
get_left (Case       *self,
          const char *setting,
          guint64     value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, value);
  g_autoptr (HrJob) job = hr_job_copy (self->job);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = NULL;

  hr_job_set_from_string (job, setting, text, &error);
  g_assert_no_error (error);
  estimate = hr_estimator_run (self->model, job, self->gpu, 1, &error);
  g_assert_no_error (error);

  return (gint64) hr_gpu_get_usable_memory (self->gpu) - (gint64) hr_estimate_get_total_bytes (estimate);
}

static void
check_largest (Case            *self,
               const HrLargest *largest)
{
  g_autofree char *value = hr_largest_dup_value (largest);
  g_autofree char *reason = hr_largest_dup_reason (largest, HR_UNIT_SYSTEM_BINARY);

  g_test_message ("%s: %s. %s", largest->title, value, reason);
  if (largest->fits)
    g_assert_cmpint (get_left (self, largest->setting, largest->value), ==, (gint64) largest->free_bytes);
  if (largest->bound == HR_LARGEST_BOUND_MEMORY)
    {
      g_assert_cmpuint (largest->missing_bytes, >, 0);
      g_assert_cmpint (get_left (self, largest->setting, largest->next), ==, -(gint64) largest->missing_bytes);
    }
}

static const struct
{
  const char *model;
  HrMode mode;
  const char *settings;
  const char *gpu;
} jobs[] = {
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "batch-size=4", "rtx-4090" },
  { "mistralai/Mixtral-8x7B-Instruct-v0.1", HR_MODE_INFERENCE, "prompt-length=9000", "h200-sxm5-141gb" },
  { "google/gemma-2-9b-it", HR_MODE_INFERENCE, "attention=eager", "rtx-4090" },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_FINE_TUNING, "fine-tuning-method=lora", "h100-sxm5-80gb" },
  { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_FINE_TUNING, "fine-tuning-method=lora gradient-checkpointing=full",
    "rtx-4090" },
  { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_TRAINING, "micro-batch-size=3 sequence-length=700", "rtx-4090" },
  { "Qwen/Qwen2.5-1.5B-Instruct", HR_MODE_GRPO, "micro-batch-size=8", "h100-sxm5-80gb" },
  { "Qwen/Qwen2.5-VL-7B-Instruct", HR_MODE_MULTIMODAL, "images=2", "rtx-4090" },
};

static void
test_values (void)
{
  guint n = 0, n_monotone = 0;

  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    {
      Case one;

      set_up (&one, jobs[i].model, jobs[i].mode, jobs[i].settings, jobs[i].gpu);
      for (guint j = 0; j < one.largest->len; j++, n++)
        {
          const HrLargest *largest = g_ptr_array_index (one.largest, j);

          check_largest (&one, largest);
          n_monotone += largest->is_monotone ? 1 : 0;
        }
      tear_down (&one);
    }

  /* What is reserved can fall where more is asked for, but seldom. */
  g_assert_cmpuint (n, >=, 25);
  g_assert_cmpuint (n_monotone, >=, n - 2);
}

/* No value is passed over: all of them are looked at here, up to twice what was found. */
static void
test_all (void)
{
  const HrLargest *largest;
  guint64 value = 0;
  Case one;

  set_up (&one, "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_FINE_TUNING, "fine-tuning-method=lora sequence-length=300",
          "rtx-3060");
  largest = find (&one, "micro-batch-size");
  for (guint64 i = 1; i <= 2 * largest->value; i++)
    {
      if (get_left (&one, "micro-batch-size", i) >= 0)
        value = i;
    }
  g_assert_cmpuint (value, >, 4);
  g_assert_cmpuint (value, ==, largest->value);
  tear_down (&one);
}

static void
test_context (void)
{
  const HrLargest *largest;
  Case one;

  set_up (&one, "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "output-length=768", "h100-sxm5-80gb");
  largest = find (&one, "prompt-length");
  g_assert_nonnull (largest);
  g_assert_cmpuint (largest->value, ==, 32768 - 768);
  g_assert_cmpint (largest->bound, ==, HR_LARGEST_BOUND_CONTEXT);
  g_assert_cmpuint (largest->positions, ==, 32768);
  largest = find (&one, "batch-size");
  g_assert_cmpint (largest->bound, ==, HR_LARGEST_BOUND_MEMORY);
  tear_down (&one);
}

/* A job that needs more positions than the model knows may be given more sequences nevertheless. */
static void
test_beyond_context (void)
{
  Case one;

  set_up (&one, "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "prompt-length=40000", "h100-sxm5-80gb");
  g_assert_true (find (&one, "batch-size")->fits);
  g_assert_cmpuint (find (&one, "prompt-length")->value, ==, 32768 - 512);
  tear_down (&one);
}

static void
test_nothing (void)
{
  const HrLargest *largest;
  Case one;

  set_up (&one, "Qwen/Qwen2.5-7B-Instruct", HR_MODE_TRAINING, "micro-batch-size=4", "rtx-4090");
  largest = find (&one, "micro-batch-size");
  g_assert_nonnull (largest);
  g_assert_false (largest->fits);
  g_assert_cmpuint (largest->value, ==, 1);
  check_largest (&one, largest);
  tear_down (&one);
}

/* The adapters of a rank above the width of the layers are of no use, and what changes nothing is not told. */
static void
test_no_use (void)
{
  const HrLargest *largest;
  Case one;

  set_up (&one, "Qwen/Qwen2.5-1.5B-Instruct", HR_MODE_GRPO, "", "h100-sxm5-80gb");
  largest = find (&one, "lora-rank");
  g_assert_nonnull (largest);
  g_assert_cmpuint (largest->value, ==, 1536);
  g_assert_cmpint (largest->bound, ==, HR_LARGEST_BOUND_WIDTH);
  g_assert_cmpuint (largest->next, ==, 0);
  g_assert_null (find (&one, "num-generations"));
  tear_down (&one);
}

/* Where only multiples can be estimated, the next one is meant. */
static void
test_multiples (void)
{
  const HrLargest *largest;
  Case one;

  set_up (&one, "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_TRAINING,
          "fp8-recipe=tensorwise autocast=bfloat16 dtype=float32 micro-batch-size=1 sequence-length=512", "l40s");
  largest = find (&one, "sequence-length");
  g_assert_nonnull (largest);
  check_largest (&one, largest);
  g_assert_cmpint (largest->bound, ==, HR_LARGEST_BOUND_MEMORY);
  g_assert_cmpuint (largest->value % 16, ==, 0);
  g_assert_cmpuint (largest->next, ==, largest->value + 16);
  tear_down (&one);
}

static void
test_no_gpu (void)
{
  g_autoptr (GPtrArray) largest = NULL;
  Case one;

  set_up (&one, "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_INFERENCE, "", "rtx-4090");
  largest = hr_largest_list (one.estimate, one.job, NULL, 1);
  g_assert_cmpuint (largest->len, ==, 0);
  tear_down (&one);
}

/* TRL wants whole groups of answers: no number of them is told that it would refuse, though less would be needed. */
static void
test_micro_batches_are_whole_groups (void)
{
  static const guint64 groups[] = { 4, 6, 8 };

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
    {
      g_autofree char *settings =
        g_strdup_printf ("algorithm=grpo framework=trl fine-tuning-method=lora prompt-length=128 completion-length=128 "
                         "gradient-accumulation-steps=1 steps-per-generation=1 num-generations=%" G_GUINT64_FORMAT
                         " micro-batch-size=%" G_GUINT64_FORMAT, groups[i], groups[i]);
      const HrLargest *largest;
      Case self;

      set_up (&self, "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_GRPO, settings, "rtx-4090");
      largest = find (&self, "micro-batch-size");
      g_assert_nonnull (largest);
      g_test_message ("%" G_GUINT64_FORMAT ": %" G_GUINT64_FORMAT, groups[i], largest->value);
      g_assert_cmpuint (largest->value, >, groups[i]);
      g_assert_cmpuint (largest->value % groups[i], ==, 0);
      tear_down (&self);
    }
}

/* Also where it is left to the engine, which takes the model's; it has room for prompt and output at the least. */
static void
test_context_of_engines (void)
{
  static const struct
  {
    const char *settings;
    guint64 least;
  } rows[] = {
    { "engine=vllm quantization=awq-int4", 2560 },
    { "engine=llama.cpp quantization=q4_k_m max-model-len=4096", 4096 },
    { "engine=ollama quantization=q4_k_m gpu-layers=9999", 2048 },
    { "engine=llama.cpp quantization=q8_0", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const HrLargest *largest;
      Case self;

      set_up (&self, "Qwen/Qwen2.5-32B-Instruct", HR_MODE_INFERENCE, rows[i].settings, "rtx-4090");
      largest = find (&self, "max-model-len");
      g_assert_nonnull (largest);
      g_test_message ("%s: %" G_GUINT64_FORMAT, rows[i].settings, largest->value);
      if (rows[i].least > 0)
        {
          g_assert_cmpuint (largest->value, >, rows[i].least);
          g_assert_cmpuint (largest->value, <, 32768);
          check_largest (&self, largest);
        }
      else
        g_assert_false (largest->fits);
      tear_down (&self);
    }
}

/* Where all of it fits, whether it is left to the engine or said. */
static void
test_whole_context_of_engines (void)
{
  static const struct
  {
    const char *settings;
    gboolean is_told;
  } rows[] = {
    { "engine=vllm", FALSE },
    { "engine=sglang", FALSE },
    { "engine=sglang max-model-len=8192", TRUE },
    { "engine=llama.cpp", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const HrLargest *largest;
      Case self;

      set_up (&self, "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, rows[i].settings, "l40s");
      largest = find (&self, "max-model-len");
      g_assert_cmpint (largest != NULL, ==, rows[i].is_told);
      if (largest != NULL)
        g_assert_cmpuint (largest->value, ==, 32768);
      tear_down (&self);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/largest/it_fits_and_the_next_one_does_not", test_values);
  g_test_add_func ("/largest/none_is_passed_over", test_all);
  g_test_add_func ("/largest/the_model_knows_no_more_positions", test_context);
  g_test_add_func ("/largest/positions_do_not_bound_the_number_of_sequences", test_beyond_context);
  g_test_add_func ("/largest/where_nothing_fits_it_says_what_is_lacking", test_nothing);
  g_test_add_func ("/largest/what_is_of_no_use_is_not_told", test_no_use);
  g_test_add_func ("/largest/only_multiples_are_told_where_others_are_refused", test_multiples);
  g_test_add_func ("/largest/without_a_gpu_there_is_none", test_no_gpu);

  g_test_add_func ("/largest/the_longest_context_of_an_engine_is_told", test_context_of_engines);
  g_test_add_func ("/largest/no_context_is_longer_than_the_model_s", test_whole_context_of_engines);
  g_test_add_func ("/largest/micro_batches_are_whole_groups", test_micro_batches_are_whole_groups);

  return g_test_run ();
}
