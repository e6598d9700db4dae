/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-advice.h"
#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"
#include "hr-medium.h"
#include "hr-multimodal-job.h"

#define MODEL "Qwen/Qwen2.5-VL-7B-Instruct"

static HrEstimate *
run (HrModel *model,
     HrJob   *job)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *estimate = hr_estimator_run (model, job, NULL, 1, &error);

  g_assert_no_error (error);

  return estimate;
}

static HrModel *
open_model (void)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_id (MODEL, &error);

  g_assert_no_error (error);

  return model;
}

static HrJob *
make_job (guint64     images,
          const char *further)
{
  HrJob *job = hr_job_new (HR_MODE_MULTIMODAL);

  g_object_set (job, "images", images, "further-inputs", further, NULL);

  return job;
}

/* Does what an advice says. */
static void
follow (HrJob      *job,
        const char *change)
{
  g_autoptr (GError) error = NULL;

  hr_job_set_all_from_string (job, change, &error);
  g_assert_no_error (error);
}

static gboolean
has_change (GPtrArray  *advice,
            const char *change)
{
  for (guint i = 0; i < advice->len; i++)
    {
      if (g_str_equal (((HrAdvice *) g_ptr_array_index (advice, i))->change, change))
        return TRUE;
    }

  return FALSE;
}

static void
test_saving (void)
{
  g_autoptr (HrModel) model = open_model ();
  g_autoptr (HrJob) job = make_job (2, "video-120-2-1280x720");
  g_autoptr (HrEstimate) estimate = run (model, job);
  g_autoptr (GPtrArray) advice = hr_advice_list (estimate, job, NULL, 1);

  g_assert_cmpuint (advice->len, >=, 4);
  for (guint i = 0; i < advice->len; i++)
    {
      const HrAdvice *item = g_ptr_array_index (advice, i);
      g_autoptr (HrJob) changed = hr_job_copy (job);
      g_autoptr (HrEstimate) other = NULL;

      g_test_message ("%s: %s", item->change, item->text);
      follow (changed, item->change);
      other = run (model, changed);
      g_assert_cmpuint (item->saves_bytes, >, 0);
      g_assert_cmpuint (hr_estimate_get_total_bytes (estimate) - hr_estimate_get_total_bytes (other), ==,
                        item->saves_bytes);
    }
}

static void
test_of_images (void)
{
  g_autoptr (HrModel) model = open_model ();
  g_autoptr (HrJob) job = make_job (4, "none");
  g_autoptr (HrEstimate) estimate = run (model, job);
  g_autoptr (GPtrArray) advice = hr_advice_list (estimate, job, NULL, 1);

  g_assert_true (has_change (advice, "image-width=512 image-height=512"));
}

/* A sound is read in halves, where that saves something: Voxtral pads what is shorter than half a minute. */
static void
test_of_sounds (void)
{
  static const struct
  {
    const char *model;
    double seconds;
    const char *change;
    gboolean saves;
  } cases[] = {
    { "Qwen/Qwen2-Audio-7B-Instruct", 25, "audio-seconds=12.5", TRUE },
    { "Qwen/Qwen2.5-Omni-7B", 90, "audio-seconds=45", TRUE },
    { "mistralai/Voxtral-Mini-3B-2507", 90, "audio-seconds=45", TRUE },
    { "mistralai/Voxtral-Mini-3B-2507", 25, "audio-seconds=12.5", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (cases[i].model, &error);
      g_autoptr (HrJob) job = make_job (0, "none");
      g_autoptr (HrEstimate) estimate = NULL;
      g_autoptr (GPtrArray) advice = NULL;

      g_assert_no_error (error);
      g_object_set (job, "audio-seconds", cases[i].seconds, NULL);
      estimate = run (model, job);
      advice = hr_advice_list (estimate, job, NULL, 1);
      g_assert_cmpint (has_change (advice, cases[i].change), ==, cases[i].saves);
    }
}

static void
test_of_text (void)
{
  g_autoptr (HrModel) model = open_model ();
  g_autoptr (HrJob) job = make_job (0, "none");
  g_autoptr (HrEstimate) estimate = run (model, job);
  g_autoptr (GPtrArray) advice = hr_advice_list (estimate, job, NULL, 1);

  g_assert_false (has_change (advice, "image-width=512 image-height=512"));
  g_assert_true (has_change (advice, "quantization=bnb-nf4"));
}

/* Whatever is advised in any mode can be done, and saves what is said. */
static void
test_settings (void)
{
  static const struct
  {
    const char *model;
    HrMode mode;
    const char *settings;
    const char *expected;
    const char *unexpected;
  } cases[] = {
    { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_INFERENCE, "prompt-length=8192 batch-size=8 logits-to-keep=all beams=4",
      "logits-to-keep=last", "quantization=awq-int4" },
    { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_INFERENCE, "quantization=awq-int4", "kv-cache-dtype=int4",
      "quantization=bnb-nf4" },
    { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_FINE_TUNING, "micro-batch-size=4",
      "micro-batch-size=2 gradient-accumulation-steps=2", "quantization=bnb-nf4" },
    { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_FINE_TUNING, "fine-tuning-method=full attention=eager", "attention=sdpa",
      "fine-tuning-method=full" },
    { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_TRAINING, "gradient-checkpointing=full", "optimizer=adamw-8bit",
      "gradient-checkpointing=full" },
    { "Qwen/Qwen2.5-0.5B-Instruct", HR_MODE_GRPO, "micro-batch-size=8", "gradient-checkpointing=full", "beams=1" },
    { "google-bert/bert-base-uncased", HR_MODE_TRAINING, "micro-batch-size=16", "optimizer=adafactor", "beams=1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrModel) model = hr_model_new_from_id (cases[i].model, &error);
      g_autoptr (HrJob) job = hr_job_new (cases[i].mode);
      g_autoptr (HrEstimate) estimate = NULL;
      g_autoptr (GPtrArray) advice = NULL;

      g_assert_no_error (error);
      follow (job, cases[i].settings);
      estimate = run (model, job);
      advice = hr_advice_list (estimate, job, NULL, 1);
      g_assert_true (has_change (advice, cases[i].expected));
      g_assert_false (has_change (advice, cases[i].unexpected));

      for (guint j = 0; j < advice->len; j++)
        {
          const HrAdvice *item = g_ptr_array_index (advice, j);
          g_autoptr (HrJob) changed = hr_job_copy (job);
          g_autoptr (HrEstimate) other = NULL;

          g_test_message ("%u: %s (%s): %" G_GUINT64_FORMAT, i, item->change, item->cost, item->saves_bytes);
          follow (changed, item->change);
          other = run (model, changed);
          g_assert_cmpuint (hr_estimate_get_total_bytes (estimate) - hr_estimate_get_total_bytes (other), ==,
                            item->saves_bytes);
          g_assert_true (j == 0 || item->saves_bytes <= ((HrAdvice *) g_ptr_array_index (advice, j - 1))->saves_bytes);
        }
    }
}

/* The rule of thumb is there to compare with. */
static void
test_of_rule (void)
{
  g_autoptr (HrModel) model = open_model ();
  g_autoptr (HrJob) job = make_job (4, "none");
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GPtrArray) advice = NULL;

  g_object_set (job, "method-of-estimate", HR_ESTIMATE_METHOD_RULE_OF_THUMB, NULL);
  estimate = run (model, job);
  advice = hr_advice_list (estimate, job, NULL, 1);
  g_assert_cmpuint (advice->len, ==, 0);
}

/* A video that is longer than the model is made for is cut until its parts are not. */
static void
test_parts (void)
{
  g_autoptr (HrModel) model = open_model ();
  g_autoptr (HrJob) job = make_job (0, "video-800-2-1280x720");
  g_autoptr (HrEstimate) estimate = run (model, job);
  g_autoptr (GPtrArray) advice = hr_advice_list (estimate, job, NULL, 1);
  const char * const *warnings = hr_estimate_get_warnings (estimate);
  guint n_warnings = 0;

  g_assert_true (has_change (advice, "further-inputs=video-100-2-1280x720"));
  for (guint i = 0; warnings[i] != NULL; i++)
    n_warnings += strstr (warnings[i], "made for") != NULL || strstr (warnings[i], "Videos are") != NULL;
  g_assert_cmpuint (n_warnings, ==, 2);
}

static void
test_rule (void)
{
  g_autoptr (HrModel) model = open_model ();
  g_autoptr (HrJob) job = make_job (4, "audio-10,video-30-30-1024x1024");
  g_autoptr (HrEstimate) estimate = NULL;
  const HrMediumTokens *media;
  guint64 tokens = 0;
  guint n_media;

  g_object_set (job, "text-tokens", G_GUINT64_CONSTANT (100), "method-of-estimate", HR_ESTIMATE_METHOD_RULE_OF_THUMB,
                NULL);
  estimate = run (model, job);
  media = hr_estimate_get_media (estimate, &n_media);
  g_assert_cmpuint (n_media, ==, 6);
  for (guint i = 0; i < n_media; i++)
    tokens += media[i].tokens;
  g_assert_cmpuint (media[5].tokens, ==, 3686400);
  g_assert_cmpuint (hr_estimate_get_text_tokens (estimate) + tokens, ==, 3703009);
}

static void
test_text_form (void)
{
  static const char * const texts[] = { "image-640x480", "audio-12.5", "video-60-2-1280x720", "video-0.5-0.25-10x20" };
  HrMedium medium;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *text = NULL;

      g_assert_true (hr_medium_from_text (texts[i], &medium));
      text = hr_medium_to_text (&medium);
      g_assert_cmpstr (text, ==, texts[i]);
    }
  g_assert_false (hr_medium_from_text ("image-640", &medium));
  g_assert_false (hr_medium_from_text ("sound-3", &medium));
}

/* What TRL refuses to start is no advice: single answers of a micro-batch are no whole groups. */
static void
test_what_is_refused_is_not_told (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B-Instruct", &error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_GRPO);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GPtrArray) advice = NULL;

  g_assert_no_error (error);
  hr_job_set_all_from_string (job, "algorithm=grpo framework=trl num-generations=8 micro-batch-size=8 "
                                   "gradient-accumulation-steps=1 steps-per-generation=1", &error);
  g_assert_no_error (error);
  estimate = hr_estimator_run (model, job, NULL, 1, &error);
  g_assert_no_error (error);
  advice = hr_advice_list (estimate, job, NULL, 1);
  g_assert_cmpuint (advice->len, >, 0);
  for (guint i = 0; i < advice->len; i++)
    {
      const HrAdvice *item = g_ptr_array_index (advice, i);

      g_test_message ("%s", item->change);
      g_assert_null (strstr (item->change, "micro-batch-size=1"));
      g_assert_null (strstr (item->change, "micro-batch-size=4"));
    }
}

/* On two GPUs even a model without experts takes less where its tensors are told to be elsewhere. */
static void
test_experts (void)
{
  static const char * const models[] = { "Qwen/Qwen2.5-7B-Instruct", "mistralai/Mixtral-8x7B-Instruct-v0.1" };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (HrModel) model = hr_model_new_from_id (models[i], &error);
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
      g_autoptr (HrEstimate) estimate = NULL;
      g_autoptr (GPtrArray) advice = NULL;

      g_assert_no_error (error);
      follow (job, "engine=llama.cpp quantization=q4_k_m");
      estimate = hr_estimator_run (model, job, gpu, 2, &error);
      g_assert_no_error (error);
      advice = hr_advice_list (estimate, job, gpu, 2);
      g_assert_cmpint (has_change (advice, "n-cpu-moe=9999"), ==, hr_model_has_experts (model));

      g_clear_pointer (&advice, g_ptr_array_unref);
      g_clear_object (&estimate);
      follow (job, "engine=sglang quantization=auto tensor-parallel=2");
      estimate = hr_estimator_run (model, job, gpu, 2, &error);
      g_assert_no_error (error);
      advice = hr_advice_list (estimate, job, gpu, 2);
      g_assert_cmpint (has_change (advice, "kt-method=amxint4"), ==, hr_model_has_experts (model));
    }
}

/* Eight GPUs hold eight copies until they are told to share one. */
static void
test_sharing (void)
{
  static const struct
  {
    HrMode mode;
    const char *settings;
    const char *change;     /* nothing where it is divided already */
  } cases[] = {
    { HR_MODE_INFERENCE, "engine=vllm max-model-len=8192", "tensor-parallel=8" },
    { HR_MODE_INFERENCE, "engine=sglang max-model-len=8192", "tensor-parallel=8" },
    { HR_MODE_INFERENCE, "engine=vllm max-model-len=8192 tensor-parallel=8", NULL },
    { HR_MODE_FINE_TUNING, "framework=trl", "fsdp=full-shard fsdp-version=2" },
    { HR_MODE_TRAINING, "framework=deepspeed", "zero-stage=3" },
    { HR_MODE_TRAINING, "framework=torchtitan", "tensor-parallel=8 sequence-parallel=true" },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("a100-sxm4-80gb", &error);
  g_autoptr (HrModel) model = hr_model_new_from_id ("meta-llama/Meta-Llama-3.1-70B-Instruct", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrJob) job = hr_job_new (cases[i].mode);
      g_autoptr (HrEstimate) estimate = NULL;
      g_autoptr (GPtrArray) advice = NULL;

      g_test_message ("%s", cases[i].settings);
      follow (job, cases[i].settings);
      estimate = hr_estimator_run (model, job, gpu, 8, &error);
      g_assert_no_error (error);
      advice = hr_advice_list (estimate, job, gpu, 8);
      if (cases[i].change != NULL)
        g_assert_true (has_change (advice, cases[i].change));
      for (guint j = 0; cases[i].change == NULL && j < advice->len; j++)
        g_assert_null (strstr (((HrAdvice *) g_ptr_array_index (advice, j))->change, "-parallel="));
    }
}

/* What lacks goes to the host, with which vLLM starts; where it fits, nothing does. */
static void
test_offload (void)
{
  static const struct
  {
    const char *gpu;
    const char *change;
  } cases[] = { { "a100-sxm4-80gb", "cpu-offload-gb=" }, { "b200", NULL } };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("meta-llama/Meta-Llama-3.1-70B-Instruct", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (cases[i].gpu, &error);
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
      g_autoptr (HrEstimate) estimate = NULL;
      g_autoptr (GPtrArray) advice = NULL;
      const HrAdvice *found = NULL;

      g_assert_no_error (error);
      follow (job, "engine=vllm max-model-len=8192");
      estimate = hr_estimator_run (model, job, gpu, 1, &error);
      g_assert_no_error (error);
      advice = hr_advice_list (estimate, job, gpu, 1);
      for (guint j = 0; j < advice->len; j++)
        {
          if (strstr (((HrAdvice *) g_ptr_array_index (advice, j))->change, "cpu-offload-gb=") != NULL)
            found = g_ptr_array_index (advice, j);
        }
      g_assert_cmpint (found != NULL, ==, cases[i].change != NULL);
      if (found == NULL)
        continue;

      follow (job, found->change);
      g_clear_object (&estimate);
      estimate = hr_estimator_run (model, job, gpu, 1, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (hr_estimate_get_device_bytes (estimate, 0), <=, hr_gpu_get_usable_memory (gpu));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/report/an_advice_saves_what_another_estimate_says", test_saving);
  g_test_add_func ("/report/images_can_be_made_smaller", test_of_images);
  g_test_add_func ("/report/sounds_can_be_read_in_halves", test_of_sounds);
  g_test_add_func ("/report/a_text_alone_has_no_advice_on_images", test_of_text);
  g_test_add_func ("/report/advice_on_settings_can_be_done_in_every_mode", test_settings);
  g_test_add_func ("/report/a_rule_of_thumb_gives_no_advice", test_of_rule);
  g_test_add_func ("/report/a_video_is_cut_until_its_parts_are_not_too_long", test_parts);
  g_test_add_func ("/report/the_rule_of_thumb_counts_patches_whatever_the_model_does", test_rule);
  g_test_add_func ("/report/an_input_is_written_as_it_is_read", test_text_form);

  g_test_add_func ("/advice/what_is_refused_is_not_told", test_what_is_refused_is_not_told);
  g_test_add_func ("/advice/gpus_share_a_model_that_one_cannot_hold", test_sharing);
  g_test_add_func ("/advice/the_host_keeps_experts_of_models_that_have_them", test_experts);
  g_test_add_func ("/advice/the_host_gets_what_one_gpu_lacks", test_offload);

  return g_test_run ();
}
