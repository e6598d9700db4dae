/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Images, sounds and videos of a job: which are taken, and what they are beside the same job of text. */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-multimodal-job.h"

#define WHISPER "openai/whisper-small"
#define MINICPM_V "openbmb/MiniCPM-V-4"
#define QWEN_VL "Qwen/Qwen2.5-VL-3B-Instruct"

/* Of a picture of 672 pixels a side, patches in two times as a processor gives them in fp32. */
#define PIXELS (48 * 48 * 3 * 2 * 14 * 14)

static HrModel *
open_model (const char *id)
{
  g_autoptr (GError) error = NULL;
  HrModel *model = hr_model_new_from_id (id, &error);

  g_assert_no_error (error);

  return model;
}

static HrJob *
make_hearing_job (const char *task,
                  double      seconds,
                  const char *further)
{
  HrJob *job = hr_job_new (HR_MODE_MULTIMODAL);
  g_autoptr (GError) error = NULL;

  hr_job_set_from_string (job, "task", task, &error);
  g_assert_no_error (error);
  g_object_set (job, "images", G_GUINT64_CONSTANT (0), "audio-seconds", seconds, "text-tokens",
                G_GUINT64_CONSTANT (32), "further-inputs", further, NULL);

  return job;
}

/* The encoder is given a window of a sound in either job: it is padded, whatever is heard in it. */
static void
test_window (void)
{
  static const struct
  {
    const char *task;
    HrMode mode;
    const char *length;
  } cases[] = {
    { "inference", HR_MODE_INFERENCE, "prompt-length" },
    { "fine-tuning", HR_MODE_FINE_TUNING, "sequence-length" },
  };
  g_autoptr (HrModel) model = open_model (WHISPER);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrJob) hearing = make_hearing_job (cases[i].task, 20, "none");
      g_autoptr (HrJob) reading = hr_job_new (cases[i].mode);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) heard = hr_estimator_run (model, hearing, NULL, 1, &error);
      g_autoptr (HrEstimate) read = NULL;

      g_assert_no_error (error);
      g_object_set (reading, cases[i].length, G_GUINT64_CONSTANT (32), NULL);
      read = hr_estimator_run (model, reading, NULL, 1, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (hr_estimate_get_total_bytes (heard), ==, hr_estimate_get_total_bytes (read));
    }
}

static void
test_windows (void)
{
  g_autoptr (HrModel) model = open_model (WHISPER);
  g_autoptr (HrJob) job = make_hearing_job ("inference", 20, "audio-3");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = hr_estimator_run (model, job, NULL, 1, &error);

  g_assert_null (estimate);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "found 2"));
}

/* Slices of pictures are written into embeddings, which torch refuses of a leaf that a hook has made. */
static void
test_slices (void)
{
  static const struct
  {
    const char *settings;
    const char *found;
  } cases[] = {
    { "task=inference images=2", NULL },
    { "task=inference images=1 attention=flash", "attention: " },
    { "task=fine-tuning images=1 fine-tuning-method=full", NULL },
    { "task=fine-tuning images=1 fine-tuning-method=full micro-batch-size=4", "at most 16 parts" },
    { "task=fine-tuning images=1 fine-tuning-method=lora", NULL },
    { "task=fine-tuning images=1 fine-tuning-method=lora gradient-checkpointing=full", "expected embed_tokens" },
    { "task=fine-tuning images=1 fine-tuning-method=lora gradient-checkpointing=full modules-to-save=embed_tokens",
      NULL },
  };
  g_autoptr (HrModel) model = open_model (MINICPM_V);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_MULTIMODAL);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = NULL;

      hr_job_set_all_from_string (job, cases[i].settings, &error);
      g_assert_no_error (error);
      estimate = hr_estimator_run (model, job, NULL, 1, &error);
      if (cases[i].found == NULL)
        {
          g_assert_no_error (error);
          continue;
        }
      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, cases[i].found));
    }
}

static HrEstimate *
see (HrModel    *model,
     const char *settings,
     guint       n_gpus,
     GError    **error)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_MULTIMODAL);
  g_autoptr (GError) failure = NULL;

  hr_job_set_all_from_string (job, settings, &failure);
  g_assert_no_error (failure);
  g_object_set (job, "images", G_GUINT64_CONSTANT (1), "image-width", G_GUINT64_CONSTANT (672), "image-height",
                G_GUINT64_CONSTANT (672), NULL);

  return hr_estimator_run (model, job, NULL, n_gpus, error);
}

/* Each rank sees the pictures of its own sequences; what it reduces gradients through is all that is more. */
static void
test_ranks (void)
{
  g_autoptr (HrModel) model = open_model (QWEN_VL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) alone = see (model, "task=fine-tuning fine-tuning-method=lora", 1, &error);
  g_autoptr (HrEstimate) rank = see (model, "task=fine-tuning fine-tuning-method=lora", 4, &error);
  g_autoptr (HrEstimate) copies = NULL;
  g_autoptr (HrEstimate) copy = NULL;
  g_autoptr (HrEstimate) divided = NULL;
  guint64 buckets;

  g_assert_no_error (error);
  buckets = hr_estimate_get_component_bytes (rank, HR_COMPONENT_COMMUNICATION);
  g_assert_cmpuint (buckets >> 20, ==, hr_estimate_get_component_bytes (rank, HR_COMPONENT_ADAPTERS) >> 20);
  g_assert_cmpuint (hr_estimate_get_allocated_bytes (rank), ==, hr_estimate_get_allocated_bytes (alone) + buckets);

  copies = see (model, "task=inference data-parallel=4", 4, &error);
  g_assert_no_error (error);
  copy = see (model, "task=inference", 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hr_estimate_get_allocated_bytes (copies), ==, hr_estimate_get_allocated_bytes (copy));

  divided = see (model, "task=inference", 4, &error);
  g_assert_null (divided);
  g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
}

/* Pixels come to the device in 16 bits where transformers’ Trainer hands them to DeepSpeed. */
static void
test_cast_pixels (void)
{
  static const char * const frameworks[] = { "deepspeed", "transformers" };
  g_autoptr (HrModel) model = open_model (QWEN_VL);
  guint64 bytes[G_N_ELEMENTS (frameworks)];

  for (guint i = 0; i < G_N_ELEMENTS (frameworks); i++)
    {
      g_autofree char *settings =
        g_strdup_printf ("task=fine-tuning fine-tuning-method=lora zero-stage=2 dtype=bfloat16 attention-mask=ones "
                         "framework=%s",
                         frameworks[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = see (model, settings, 4, &error);

      g_assert_no_error (error);
      bytes[i] = hr_estimate_get_component_bytes (estimate, HR_COMPONENT_INPUTS);
    }
  g_assert_cmpuint (bytes[0] - bytes[1], ==, PIXELS * 2);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/memory/an_encoder_of_sounds_hears_one_window_whatever_is_in_it", test_window);
  g_test_add_func ("/memory/an_encoder_of_sounds_hears_no_second_one", test_windows);
  g_test_add_func ("/memory/slices_of_pictures_are_written_into_embeddings", test_slices);

  g_test_add_func ("/memory/each_rank_sees_the_pictures_of_its_own_sequences", test_ranks);
  g_test_add_func ("/memory/the_trainer_hands_pixels_of_16_bits_to_deepspeed", test_cast_pixels);

  return g_test_run ();
}
