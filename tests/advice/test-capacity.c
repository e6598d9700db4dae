/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * How many requests are served at once, and how long they may be; in which formats the weights fit. Each answer is
 * asked for anew: the job that it tells of has to fit, and the next longer one must not.
 */

#include <string.h>

#include "hr-capacity.h"
#include "hr-fit.h"
#include "hr-format-choice.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"

#define STEP 16

typedef struct
{
  const char *model;
  const char *gpu;
  const char *settings;
} Case;

static const Case cases[] = {
  { "Qwen/Qwen3-8B", "rtx-4090", "engine=vllm" },
  { "google/gemma-3-12b-it", "a100-pcie-40gb", "engine=vllm" },
  { "Qwen/Qwen3-8B", "rtx-4090", "engine=sglang" },
  { "Qwen/Qwen3-Next-80B-A3B-Instruct", "h200-sxm5-141gb", "engine=vllm quantization=fp8" },
  { "Qwen/Qwen3-8B", "rtx-4090", "engine=lmdeploy" },
  { "Qwen/Qwen3-8B", "rtx-4090", "engine=tensorrt-llm" },
  { "Qwen/Qwen3-8B", "rtx-4090", "engine=llama.cpp" },
  { "Qwen/Qwen3-8B", "rtx-4090", "engine=ollama quantization=q4_k_m" },
  { "Qwen/Qwen3-8B", "rtx-4090", "engine=transformers" },
  { "Qwen/Qwen3-32B", "rtx-4090", "engine=vllm quantization=awq-int4" },
};

static HrJob *
make_job (const char *settings)
{
  HrJob *job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (GError) error = NULL;

  hr_job_set_all_from_string (job, settings, &error);
  g_assert_no_error (error);

  return job;
}

/* A case with its estimate. */
typedef struct
{
  HrModel *model;
  HrJob *job;
  HrGpu *gpu;
  HrEstimate *estimate;
} Question;

static void
question_clear (Question *self)
{
  g_clear_object (&self->model);
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);
  g_clear_object (&self->estimate);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Question, question_clear)

static void
question_init (Question   *self,
               const Case *one)
{
  g_autoptr (GError) error = NULL;

  self->model = hr_model_new_from_id (one->model, &error);
  g_assert_no_error (error);
  self->job = make_job (one->settings);
  self->gpu = hr_gpu_catalogue_lookup (one->gpu, &error);
  g_assert_no_error (error);
  self->estimate = hr_estimator_run (self->model, self->job, self->gpu, 1, &error);
  g_assert_no_error (error);
}

static GPtrArray *
list_capacities (const Question *self)
{
  return hr_capacity_list (self->estimate, self->job, self->gpu, 1);
}

static GPtrArray *
list_formats (const Question *self)
{
  return hr_format_choice_list (self->estimate, self->job, self->gpu, 1);
}

static gboolean
serves (HrEstimate *estimate,
        HrJob      *job,
        HrGpu      *gpu,
        guint64     requests)
{
  guint64 tokens, at_once;
  HrFit fit;

  if (hr_inference_job_runs_server (HR_INFERENCE_JOB (job)))
    return hr_estimate_get_room (estimate, &tokens, &at_once) && at_once >= requests;

  hr_estimate_compare_with_gpu (estimate, gpu, 1, &fit);

  return fit.fits;
}

static void
change (HrJob      *job,
        const char *name,
        guint64     value)
{
  g_object_set (job, name, value, NULL);
}

/* The job that a capacity tells of, with some tokens more of the prompt. */
static HrJob *
make_told (HrJob            *job,
           const HrCapacity *capacity,
           guint64           more)
{
  HrJob *told = hr_job_copy (job);
  g_autoptr (GError) error = NULL;
  guint64 prompt, context;

  hr_job_set_all_from_string (told, capacity->change, &error);
  g_assert_no_error (error);
  g_object_get (told, "prompt-length", &prompt, "max-model-len", &context, NULL);
  change (told, "prompt-length", prompt + more);
  if (context > 0)
    change (told, "max-model-len", context + more);

  return told;
}

static void
check_capacity (HrModel          *model,
                HrJob            *job,
                HrGpu            *gpu,
                const HrCapacity *capacity)
{
  g_autoptr (HrJob) told = make_told (job, capacity, 0);
  g_autoptr (HrJob) longer = make_told (job, capacity, STEP);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (HrEstimate) other = NULL;
  g_autoptr (GError) error = NULL;
  guint64 prompt, output;

  g_test_message ("%" G_GUINT64_FORMAT " requests of %" G_GUINT64_FORMAT " tokens: %s", capacity->requests,
                  capacity->tokens, capacity->change);
  g_object_get (told, "prompt-length", &prompt, "output-length", &output, NULL);
  g_assert_cmpuint (prompt + output, ==, capacity->tokens);
  estimate = hr_estimator_run_for_sizes (model, told, gpu, 1, &error);
  g_assert_no_error (error);
  g_assert_true (serves (estimate, told, gpu, capacity->requests));
  if (capacity->is_longest)
    return;

  other = hr_estimator_run_for_sizes (model, longer, gpu, 1, NULL);
  g_assert_true (other == NULL || !serves (other, longer, gpu, capacity->requests));
}

static void
test_capacities (gconstpointer data)
{
  g_auto (Question) question = { NULL };
  g_autoptr (GPtrArray) capacities = NULL;
  g_autoptr (GPtrArray) picked = NULL;
  guint64 last = G_MAXUINT64;

  question_init (&question, data);
  capacities = list_capacities (&question);
  g_assert_cmpuint (capacities->len, >, 0);
  for (guint i = 0; i < capacities->len; i++)
    {
      const HrCapacity *capacity = g_ptr_array_index (capacities, i);
      g_autofree char *title = hr_capacity_dup_title (capacity);
      g_autofree char *length = hr_capacity_dup_length (capacity);

      g_assert_cmpuint (capacity->requests, ==, 1 << i);
      g_assert_cmpuint (capacity->tokens, >, 0);
      g_assert_cmpuint (capacity->tokens, <=, last);
      g_assert_true (*title != '\0' && *length != '\0');
      check_capacity (question.model, question.job, question.gpu, capacity);
      last = capacity->tokens;
    }

  picked = hr_capacity_pick (capacities);
  g_assert_true (g_ptr_array_index (picked, picked->len - 1) == g_ptr_array_index (capacities, capacities->len - 1));
  for (guint i = 1; i < picked->len; i++)
    g_assert_cmpuint (((HrCapacity *) g_ptr_array_index (picked, i))->tokens, <,
                      ((HrCapacity *) g_ptr_array_index (picked, i - 1))->tokens);
}

/* 18 GiB of weights leave room on 24 GiB, but not for a request of 40,960 tokens. */
static void
test_a_format_may_need_a_shorter_context (void)
{
  static const Case one = { "Qwen/Qwen3-32B", "rtx-4090", "engine=vllm" };
  g_auto (Question) question = { NULL };
  g_autoptr (GPtrArray) choices = NULL;

  question_init (&question, &one);
  choices = list_formats (&question);
  for (guint i = 0; i < choices->len; i++)
    {
      const HrFormatChoice *choice = g_ptr_array_index (choices, i);

      if (choice->quantization != HR_QUANTIZATION_AWQ_INT4)
        continue;
      g_assert_true (choice->fits);
      g_assert_cmpuint (choice->context, >, 2560);
      g_assert_cmpuint (choice->context, <, 40960);
      return;
    }
  g_assert_not_reached ();
}

static void
test_nothing_fits (void)
{
  static const Case one = { "meta-llama/Llama-3.3-70B-Instruct", "rtx-4090", "engine=vllm" };
  g_auto (Question) question = { NULL };
  g_autoptr (GPtrArray) capacities = NULL;
  const HrCapacity *capacity;

  question_init (&question, &one);
  capacities = list_capacities (&question);
  g_assert_cmpuint (capacities->len, ==, 1);
  capacity = g_ptr_array_index (capacities, 0);
  g_assert_cmpuint (capacity->tokens, ==, 0);
  g_assert_null (capacity->change);
}

/* The longest context that vLLM tells of when it does not start (find_longest) is what is found here by trying. */
static void
test_a_shorter_context_lets_an_engine_start (void)
{
  static const Case one = { "Qwen/Qwen2.5-14B-Instruct", "rtx-4090",
                            "engine=vllm quantization=fp8 max-model-len=131072" };
  g_auto (Question) question = { NULL };
  g_autoptr (GPtrArray) capacities = NULL;
  g_autofree char *length = NULL;
  const HrCapacity *capacity;

  question_init (&question, &one);
  capacities = list_capacities (&question);
  capacity = g_ptr_array_index (capacities, 0);
  g_assert_nonnull (strstr (capacity->change, "max-model-len="));
  length = g_strdup_printf ("max-model-len %" G_GUINT64_FORMAT, capacity->tokens);
  g_assert_nonnull (strstr (hr_estimate_get_warnings (question.estimate)[0], length));
}

static void
check_format (HrModel              *model,
              HrJob                *job,
              HrGpu                *gpu,
              const HrFormatChoice *choice)
{
  g_autoptr (HrJob) told = hr_job_copy (job);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;

  hr_job_set_all_from_string (told, choice->change, &error);
  g_assert_no_error (error);
  estimate = hr_estimator_run_for_sizes (model, told, gpu, 1, &error);
  g_assert_no_error (error);
  g_assert_true (serves (estimate, told, gpu, 1));
}

static void
test_formats (gconstpointer data)
{
  g_auto (Question) question = { NULL };
  g_autoptr (GPtrArray) choices = NULL;
  g_autoptr (GPtrArray) picked = NULL;
  guint n_asked = 0;
  guint64 last = G_MAXUINT64;

  question_init (&question, data);
  choices = list_formats (&question);
  picked = hr_format_choice_pick (choices);
  g_assert_cmpuint (picked->len, >, 0);
  for (guint i = 0; i < choices->len; i++)
    {
      const HrFormatChoice *choice = g_ptr_array_index (choices, i);

      g_test_message ("%s: %" G_GUINT64_FORMAT " bytes", choice->change, choice->weight_bytes);
      g_assert_cmpuint (choice->weight_bytes, <=, last);
      last = choice->weight_bytes;
      if (choice->fits)
        check_format (question.model, question.job, question.gpu, choice);
      if (!choice->is_asked)
        continue;
      n_asked++;
      g_assert_cmpuint (choice->weight_bytes, ==,
                        hr_estimate_get_component_bytes (question.estimate, HR_COMPONENT_WEIGHTS));
    }
  g_assert_cmpuint (n_asked, ==, 1);
  for (guint i = 1; i < picked->len; i++)
    g_assert_cmpuint (((HrFormatChoice *) g_ptr_array_index (picked, i))->weight_bytes, <,
                      ((HrFormatChoice *) g_ptr_array_index (picked, i - 1))->weight_bytes);
}

static void
test_there_is_none (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen3-8B", &error);
  g_autoptr (HrJob) inference = make_job ("engine=vllm");
  g_autoptr (HrJob) training = hr_job_new (HR_MODE_TRAINING);
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);
  HrJob * const jobs[] = { inference, training };
  HrGpu * const gpus[] = { NULL, gpu };

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    {
      g_autoptr (HrEstimate) estimate = hr_estimator_run (model, jobs[i], gpus[i], 1, &error);
      g_autoptr (GPtrArray) capacities = NULL;
      g_autoptr (GPtrArray) choices = NULL;

      g_assert_no_error (error);
      capacities = hr_capacity_list (estimate, jobs[i], gpus[i], 1);
      choices = hr_format_choice_list (estimate, jobs[i], gpus[i], 1);
      g_assert_cmpuint (capacities->len, ==, 0);
      g_assert_cmpuint (choices->len, ==, 0);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("%s %s", cases[i].model, cases[i].settings);
      g_autofree char *capacities = NULL;
      g_autofree char *formats = NULL;

      g_strdelimit (name, "/ =", '-');
      capacities = g_strdup_printf ("/capacity/what_is_told_fits_and_longer_requests_do_not/%s", name);
      formats = g_strdup_printf ("/formats/each_has_its_size_and_one_is_what_is_asked_for/%s", name);
      g_test_add_data_func (capacities, &cases[i], test_capacities);
      g_test_add_data_func (formats, &cases[i], test_formats);
    }
  g_test_add_func ("/formats/one_may_need_a_shorter_context", test_a_format_may_need_a_shorter_context);
  g_test_add_func ("/capacity/a_model_that_does_not_fit_serves_nobody", test_nothing_fits);
  g_test_add_func ("/capacity/a_shorter_context_lets_an_engine_start", test_a_shorter_context_lets_an_engine_start);
  g_test_add_func ("/capacity/there_is_none_without_a_gpu_or_where_nothing_is_served", test_there_is_none);

  return g_test_run ();
}
