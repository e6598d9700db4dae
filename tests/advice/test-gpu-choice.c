/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The GPUs that would do: each is estimated here once more, as are those that are said not to. */

#include "hr-gpu-catalogue.h"
#include "hr-gpu-choice.h"
#include "hr-report.h"

/* Several GPUs with less than that are not told unless as many have been chosen. */
#define SMALL (G_GUINT64_CONSTANT (15) << 29)

typedef struct
{
  const char *model;
  HrMode mode;
  const char *settings;
  guint n_gpus;
} Row;

static const Row rows[] = {
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "batch-size=4", 1 },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "quantization=fp8", 1 },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE, "attention=flash", 1 },
  { "meta-llama/Meta-Llama-3.1-70B-Instruct", HR_MODE_INFERENCE, "", 3 },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_FINE_TUNING, "fine-tuning-method=lora", 1 },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_TRAINING,
    "framework=transformers fsdp=full-shard autocast=bfloat16 dtype=float32", 4 },
  { "Qwen/Qwen2.5-7B-Instruct", HR_MODE_TRAINING, "framework=megatron-lm tensor-parallel=2 autocast=none", 2 },
  { "meta-llama/Meta-Llama-3.1-70B-Instruct", HR_MODE_INFERENCE, "engine=vllm max-model-len=8192", 1 },
  { "meta-llama/Meta-Llama-3.1-70B-Instruct", HR_MODE_FINE_TUNING, "", 1 },
  { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_GRPO, "rollout=vllm-colocated", 1 },
  { "Qwen/Qwen2.5-VL-7B-Instruct", HR_MODE_MULTIMODAL, "images=2", 1 },
  { "Qwen/Qwen2.5-VL-3B-Instruct", HR_MODE_MULTIMODAL, "task=fine-tuning images=1", 1 },
};

typedef struct
{
  HrModel *model;
  HrJob *job;
  HrEstimate *estimate;
  GPtrArray *choices;
} Case;

static void
set_up (Case      *self,
        const Row *row)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h200-sxm5-141gb", &error);

  g_assert_no_error (error);
  g_test_message ("%s %s", row->model, row->settings);
  self->model = hr_model_new_from_id (row->model, &error);
  g_assert_no_error (error);
  self->job = hr_job_new (row->mode);
  hr_job_set_all_from_string (self->job, row->settings, &error);
  g_assert_no_error (error);
  self->estimate = hr_estimator_run (self->model, self->job, gpu, row->n_gpus, &error);
  g_assert_no_error (error);
  self->choices = hr_gpu_choice_list (self->estimate, self->job, NULL, row->n_gpus);
}

static void
tear_down (Case *self)
{
  g_object_unref (self->model);
  g_object_unref (self->job);
  g_object_unref (self->estimate);
  g_ptr_array_unref (self->choices);
}

/* What a report says of so many GPUs, with a change of the job or without; none where the estimate is refused. */
static HrReport *
look_at (Case       *self,
         HrGpu      *gpu,
         guint       n_gpus,
         const char *change)
{
  g_autoptr (HrJob) job = hr_job_copy (self->job);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;

  if (change != NULL)
    hr_job_set_all_from_string (job, change, &error);
  g_assert_no_error (error);
  estimate = hr_estimator_run (self->model, job, gpu, n_gpus, NULL);

  return estimate != NULL ? hr_report_new (estimate, job, gpu, n_gpus, HR_UNIT_SYSTEM_BINARY) : NULL;
}

static const HrGpuChoice *
find (Case  *self,
      HrGpu *gpu)
{
  for (guint i = 0; i < self->choices->len; i++)
    {
      const HrGpuChoice *choice = g_ptr_array_index (self->choices, i);

      if (choice->gpu == gpu)
        return choice;
    }

  return NULL;
}

/* With the number that is told it fits, with less it does not. */
static void
check_gpu (Case      *self,
           const Row *row,
           HrGpu     *gpu)
{
  const guint counts[] = { 1, 2, row->n_gpus, 4, 8 };
  const HrGpuChoice *choice = find (self, gpu);

  for (guint i = 0; i < G_N_ELEMENTS (counts) && (choice == NULL || counts[i] < choice->n_gpus); i++)
    {
      g_autoptr (HrReport) report = NULL;

      if (counts[i] > 1 && counts[i] != row->n_gpus && hr_gpu_get_memory (gpu) < SMALL)
        continue;
      report = look_at (self, gpu, counts[i], NULL);
      g_assert_true (report == NULL || !hr_report_get_fits (report));
    }
  if (choice != NULL)
    {
      g_autoptr (HrReport) report = look_at (self, gpu, choice->n_gpus, choice->change);

      g_assert_nonnull (report);
      g_assert_true (hr_report_get_fits (report));
      g_assert_cmpuint (hr_report_get_free_bytes (report), ==, choice->free_bytes);
    }
}

/* Each fourth GPU will do for those that are listed and those that are not. */
static void
test_verdicts (gconstpointer data)
{
  const Row *row = data;
  GListModel *catalogue = hr_gpu_catalogue_get_default ();
  Case one;

  set_up (&one, row);
  g_assert_cmpuint (one.choices->len, >, 0);
  for (guint i = 0; i < g_list_model_get_n_items (catalogue); i += 4)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (catalogue, i);

      if (g_str_equal (hr_gpu_get_vendor (gpu), "NVIDIA"))
        check_gpu (&one, row, gpu);
      else
        g_assert_null (find (&one, gpu));
    }
  tear_down (&one);
}

static void
test_order (gconstpointer data)
{
  const Row *row = data;
  guint64 last = 0;
  Case one;

  set_up (&one, row);
  for (guint i = 0; i < one.choices->len; i++)
    {
      const HrGpuChoice *choice = g_ptr_array_index (one.choices, i);
      guint64 size = choice->n_gpus * hr_gpu_get_memory (choice->gpu);

      g_assert_cmpuint (size, >=, last);
      g_assert_true (choice->price == hr_gpu_find_price (choice->gpu));
      last = size;
    }
  tear_down (&one);
}

static double
get_price (const HrGpuChoice *choice)
{
  return choice->price->per_hour * choice->n_gpus;
}

/* None that has a price is cheaper than the first, and none is smaller than the smallest that is picked. */
static void
test_picked (gconstpointer data)
{
  const HrGpuChoice *cheapest;
  guint64 smallest = G_MAXUINT64;
  Case one;

  set_up (&one, data);
  {
    g_autoptr (GPtrArray) picked = hr_gpu_choice_pick (one.choices);

    cheapest = g_ptr_array_index (picked, 0);
    g_assert_nonnull (cheapest->price);
    for (guint i = 0; i < picked->len; i++)
      {
        const HrGpuChoice *choice = g_ptr_array_index (picked, i);

        smallest = MIN (smallest, choice->n_gpus * hr_gpu_get_memory (choice->gpu));
      }
    g_assert_cmpuint (picked->len, <=, 7);
  }
  for (guint i = 0; i < one.choices->len; i++)
    {
      const HrGpuChoice *choice = g_ptr_array_index (one.choices, i);

      if (choice->price != NULL)
        g_assert_cmpfloat (get_price (choice), >=, get_price (cheapest));
      g_assert_cmpuint (choice->n_gpus * hr_gpu_get_memory (choice->gpu) * 20, >=, smallest * 19);
    }
  tear_down (&one);
}

/* What is said to be alike differs by what is said. */
static void
check_alike (Case   *self,
             HrGpu  *gpu,
             HrGpu  *other,
             guint   n_gpus,
             gint64  difference)
{
  g_autoptr (HrEstimate) one = hr_estimator_run (self->model, self->job, gpu, n_gpus, NULL);
  g_autoptr (HrEstimate) another = hr_estimator_run (self->model, self->job, other, n_gpus, NULL);

  g_assert_true ((one == NULL) == (another == NULL));
  if (one == NULL)
    return;

  g_assert_cmpuint (hr_estimate_get_n_devices (one), ==, hr_estimate_get_n_devices (another));
  for (guint i = 0; i < hr_estimate_get_n_devices (one); i++)
    g_assert_cmpuint (hr_estimate_get_device_bytes (one, i) + difference, ==,
                      hr_estimate_get_device_bytes (another, i));
}

static void
test_alike (gconstpointer data)
{
  const Row *row = data;
  GListModel *catalogue = hr_gpu_catalogue_get_default ();
  const guint n_gpus[] = { 1, row->n_gpus };
  guint n = g_list_model_get_n_items (catalogue);
  Case one;

  set_up (&one, row);
  for (guint i = 0; i < n; i += 7)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (catalogue, i);
      g_autoptr (HrGpu) other = g_list_model_get_item (catalogue, (i + 84) % n);

      for (guint j = 0; j < G_N_ELEMENTS (n_gpus); j++)
        {
          gint64 difference;

          if (hr_estimator_compare_gpus (one.job, gpu, other, n_gpus[j], &difference))
            check_alike (&one, gpu, other, n_gpus[j], difference);
        }
    }
  tear_down (&one);
}

/* Of another vendor only where one of its GPUs has been chosen: what is not counted there is not known. */
static void
test_vendor (void)
{
  static const Row row = { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_INFERENCE, "", 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("mi300x", &error);
  Case one;

  g_assert_no_error (error);
  set_up (&one, &row);
  g_assert_null (find (&one, gpu));
  g_ptr_array_unref (one.choices);
  one.choices = hr_gpu_choice_list (one.estimate, one.job, gpu, 1);
  g_assert_nonnull (find (&one, gpu));
  tear_down (&one);
}

/* More GPUs are of no use to a model that does not fit on one unless they share it, in the way of the program. */
static void
test_sharing (void)
{
  static const struct
  {
    Row row;
    const char *gpu;
    guint n_gpus;
    const char *change;
    const char *sharing;
  } cases[] = {
    { { "meta-llama/Meta-Llama-3.1-70B-Instruct", HR_MODE_INFERENCE, "engine=vllm max-model-len=8192", 1 },
      "h100-sxm5-80gb", 2, "tensor-parallel=2", "TP 2" },
    { { "meta-llama/Meta-Llama-3.1-70B-Instruct", HR_MODE_FINE_TUNING, "framework=trl", 1 },
      "h200-sxm5-141gb", 2, "fsdp=full-shard fsdp-version=2", "FSDP 2" },
    { { "meta-llama/Meta-Llama-3.1-70B-Instruct", HR_MODE_FINE_TUNING, "", 1 },
      "h200-sxm5-141gb", 2, "framework=transformers fsdp=full-shard fsdp-version=2", "FSDP 2" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (cases[i].gpu, &error);
      const HrGpuChoice *choice;
      Case one;

      g_assert_no_error (error);
      set_up (&one, &cases[i].row);
      choice = find (&one, gpu);
      g_assert_nonnull (choice);
      g_assert_cmpuint (choice->n_gpus, ==, cases[i].n_gpus);
      g_assert_cmpstr (choice->change, ==, cases[i].change);
      g_assert_cmpstr (choice->sharing, ==, cases[i].sharing);
      tear_down (&one);
    }
}

/* What says itself how it is divided stays so. */
static void
test_job_that_is_divided_stays_so (void)
{
  static const Row row = { "meta-llama/Meta-Llama-3.1-70B-Instruct", HR_MODE_INFERENCE,
                           "engine=vllm max-model-len=8192 tensor-parallel=4", 4 };
  Case one;

  set_up (&one, &row);
  g_assert_cmpuint (one.choices->len, >, 0);
  for (guint i = 0; i < one.choices->len; i++)
    {
      const HrGpuChoice *choice = g_ptr_array_index (one.choices, i);

      g_assert_null (choice->change);
      g_assert_cmpuint (choice->n_gpus % 4, ==, 0);
    }
  tear_down (&one);
}

static void
test_rule_of_thumb (void)
{
  static const Row row = { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_INFERENCE, "method-of-estimate=rule-of-thumb", 1 };
  Case one;

  set_up (&one, &row);
  g_assert_cmpuint (one.choices->len, ==, 0);
  tear_down (&one);
}

static void
add (const char     *name,
     GTestDataFunc   function)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/gpu-choice/%s/%u", name, i);

      g_test_add_data_func (path, &rows[i], function);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("the_verdict_is_that_of_an_estimate", test_verdicts);
  add ("the_smallest_comes_first", test_order);
  add ("the_cheapest_and_the_smallest_are_picked", test_picked);
  add ("gpus_that_are_alike_differ_by_what_the_driver_holds", test_alike);
  g_test_add_func ("/gpu-choice/others_are_listed_where_one_of_them_was_chosen", test_vendor);
  g_test_add_func ("/gpu-choice/gpus_share_a_model_that_one_cannot_hold", test_sharing);
  g_test_add_func ("/gpu-choice/a_job_that_is_divided_stays_so", test_job_that_is_divided_stays_so);
  g_test_add_func ("/gpu-choice/the_rule_of_thumb_chooses_none", test_rule_of_thumb);

  return g_test_run ();
}
