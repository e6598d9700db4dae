/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Every advice, and every value that is said to fit, made and estimated again: over modes, frameworks, methods, engines
 * and layouts. Each row is tried on every other model; what cannot be estimated as it is is passed over.
 */

#include "hr-advice.h"
#include "hr-gpu-catalogue.h"
#include "hr-largest.h"

typedef struct
{
  HrMode mode;
  guint n_gpus;
  const char *settings;
} Row;

static const char * const models[] = {
  "Qwen/Qwen2.5-0.5B-Instruct", "meta-llama/Llama-3.2-1B-Instruct", "google/gemma-2-2b-it",
  "allenai/OLMoE-1B-7B-0125-Instruct", "openai-community/gpt2", "google-t5/t5-base", "Qwen/Qwen2.5-VL-3B-Instruct",
};

static const Row rows[] = {
  { HR_MODE_INFERENCE, 1, "" },
  { HR_MODE_INFERENCE, 1, "batch-size=8 prompt-length=1024 attention=eager logits-to-keep=all" },
  { HR_MODE_INFERENCE, 1, "quantization=bnb-nf4 beams=4" },
  { HR_MODE_INFERENCE, 1, "dtype=float32 kv-cache-dtype=int8" },
  { HR_MODE_INFERENCE, 2, "batch-size=4" },
  { HR_MODE_FINE_TUNING, 1, "" },
  { HR_MODE_FINE_TUNING, 1, "fine-tuning-method=full framework=transformers autocast=bfloat16 dtype=float32" },
  { HR_MODE_FINE_TUNING, 1, "fine-tuning-method=qlora framework=trl micro-batch-size=4" },
  { HR_MODE_FINE_TUNING, 1, "fine-tuning-method=lora framework=unsloth adapter-dtype=float32 autocast=bfloat16" },
  { HR_MODE_FINE_TUNING, 1, "fine-tuning-method=dora micro-batch-size=2" },
  { HR_MODE_FINE_TUNING, 1, "fine-tuning-method=prefix" },
  { HR_MODE_FINE_TUNING, 1, "fine-tuning-method=ia3" },
  { HR_MODE_FINE_TUNING, 1, "fine-tuning-method=freeze" },
  { HR_MODE_FINE_TUNING, 2, "fine-tuning-method=full framework=transformers fsdp=full-shard" },
  { HR_MODE_FINE_TUNING, 2, "fine-tuning-method=lora framework=transformers fsdp=full-shard" },
  { HR_MODE_TRAINING, 1, "micro-batch-size=4" },
  { HR_MODE_TRAINING, 1, "optimizer=adafactor gradient-checkpointing=selective" },
  { HR_MODE_TRAINING, 1, "framework=torchtitan" },
  { HR_MODE_TRAINING, 1, "framework=deepspeed precision-recipe=mixed-16" },
  { HR_MODE_TRAINING, 1, "torch-compile=true" },
  { HR_MODE_TRAINING, 2, "framework=transformers" },
  { HR_MODE_TRAINING, 4, "framework=transformers fsdp=full-shard autocast=bfloat16 dtype=float32" },
  { HR_MODE_TRAINING, 4, "framework=megatron-lm tensor-parallel=2" },
  { HR_MODE_TRAINING, 4, "framework=megatron-lm pipeline-parallel=2 zero-stage=1 gradient-accumulation-steps=4" },
  { HR_MODE_TRAINING, 4, "framework=torchtitan" },
  { HR_MODE_GRPO, 1, "" },
  { HR_MODE_GRPO, 1, "algorithm=grpo rollout=transformers" },
  { HR_MODE_GRPO, 1, "algorithm=grpo rollout=vllm-colocated" },
  { HR_MODE_GRPO, 1, "algorithm=dpo fine-tuning-method=full" },
  { HR_MODE_GRPO, 1, "algorithm=sft" },
  { HR_MODE_GRPO, 1, "algorithm=kto" },
  { HR_MODE_GRPO, 1, "algorithm=orpo" },
  { HR_MODE_GRPO, 1, "algorithm=reward fine-tuning-method=full" },
  { HR_MODE_GRPO, 1, "algorithm=ppo fine-tuning-method=full" },
  { HR_MODE_GRPO, 1, "framework=verl fine-tuning-method=full" },
  { HR_MODE_GRPO, 1, "framework=openrlhf fine-tuning-method=full" },
  { HR_MODE_GRPO, 2, "framework=colossalai algorithm=dpo fine-tuning-method=full" },
  { HR_MODE_MULTIMODAL, 1, "images=2" },
  { HR_MODE_MULTIMODAL, 1, "task=fine-tuning images=1" },
};

static HrEstimate *
change (HrModel    *model,
        HrJob      *job,
        HrGpu      *gpu,
        guint       n_gpus,
        const char *text)
{
  g_autoptr (HrJob) changed = hr_job_copy (job);
  g_autoptr (GError) error = NULL;
  HrEstimate *estimate;

  g_test_message ("  %s", text);
  hr_job_set_all_from_string (changed, text, &error);
  g_assert_no_error (error);
  estimate = hr_estimator_run (model, changed, gpu, n_gpus, &error);
  g_assert_no_error (error);

  return estimate;
}

static guint
check_advice (HrModel    *model,
              HrJob      *job,
              HrEstimate *estimate,
              HrGpu      *gpu,
              guint       n_gpus)
{
  g_autoptr (GPtrArray) advice = hr_advice_list (estimate, job, gpu, n_gpus);

  for (guint i = 0; i < advice->len; i++)
    {
      const HrAdvice *item = g_ptr_array_index (advice, i);
      g_autoptr (HrEstimate) other = change (model, job, gpu, n_gpus, item->change);

      g_assert_cmpuint (hr_estimate_get_total_bytes (other) + item->saves_bytes, ==,
                        hr_estimate_get_total_bytes (estimate));
    }

  return advice->len;
}

static guint
check_largest (HrModel    *model,
               HrJob      *job,
               HrEstimate *estimate,
               HrGpu      *gpu,
               guint       n_gpus)
{
  g_autoptr (GPtrArray) largest = hr_largest_list (estimate, job, gpu, n_gpus);

  for (guint i = 0; i < largest->len; i++)
    {
      const HrLargest *item = g_ptr_array_index (largest, i);
      g_autoptr (HrEstimate) other = NULL;

      if (!item->fits)
        continue;
      other = change (model, job, gpu, n_gpus, item->change);
      g_assert_cmpuint (hr_estimate_get_total_bytes (other) + item->free_bytes, ==, hr_gpu_get_usable_memory (gpu));
    }

  return largest->len;
}

static guint n_estimates, n_refused, n_changes;

static void
test_row (gconstpointer data)
{
  const Row *row = data;

  guint first = (row - rows) % 2;

  for (guint i = first; i < G_N_ELEMENTS (models); i += 2)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (models[i], &error);
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-sxm5-80gb", &error);
      g_autoptr (HrJob) job = hr_job_new (row->mode);
      g_autoptr (HrEstimate) estimate = NULL;
      g_autoptr (GError) refused = NULL;

      g_assert_no_error (error);
      g_test_message ("%s: %s", models[i], row->settings);
      hr_job_set_all_from_string (job, row->settings, &error);
      g_assert_no_error (error);
      estimate = hr_estimator_run (model, job, gpu, row->n_gpus, &refused);
      if (estimate == NULL)
        {
          g_test_message ("  refused: %s", refused->message);
          n_refused++;
          continue;
        }
      n_estimates++;
      n_changes += check_advice (model, job, estimate, gpu, row->n_gpus);
      /* It takes longer: one model of each row. */
      if (i == first + 2 * (row - rows) % 6)
        n_changes += check_largest (model, job, estimate, gpu, row->n_gpus);
    }
}

/* Otherwise nothing has been looked at. */
static void
test_sum (void)
{
  g_test_message ("%u jobs, %u refused, %u changes", n_estimates, n_refused, n_changes);
  g_assert_cmpuint (n_estimates, >=, 90);
  g_assert_cmpuint (n_changes, >=, 550);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/advice/every_change_can_be_made_and_saves_what_it_says/%u", i);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/advice/every_change_can_be_made_and_saves_what_it_says/of_many_jobs", test_sum);

  return g_test_run ();
}
