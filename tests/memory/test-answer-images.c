/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Images of the prompts that a model is trained to answer: who reads them, and how often they are in memory. */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"

#define QWEN "Qwen/Qwen2.5-VL-3B-Instruct"
#define ONE_VISION "llava-hf/llava-onevision-qwen2-7b-ov-hf"
#define INTERN_VL "OpenGVLab/InternVL3-1B-hf"
#define QWEN_3 "Qwen/Qwen3-VL-2B-Instruct"

static HrEstimate *
run (const char  *id,
     const char  *settings,
     GError     **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id (id, &local_error);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_GRPO);

  g_assert_no_error (local_error);
  hr_job_set_all_from_string (job, settings, &local_error);
  g_assert_no_error (local_error);

  return hr_estimator_run (model, job, NULL, 1, error);
}

static guint64
get_bytes (const char    *settings,
           HrComponentId  id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = run (QWEN, settings, &error);

  g_assert_no_error (error);

  return hr_estimate_get_component_bytes (estimate, id);
}

/* 1024 × 1024 pixels are 74 × 74 patches of 3 × 2 × 14 × 14 numbers in fp32, and 1369 tokens between two marks. */
#define PIXELS (G_GUINT64_CONSTANT (74) * 74 * 1176 * 4)
#define TOKENS 1371

static void
test_answers (void)
{
  static const struct
  {
    const char *images;
    guint64 sequences;
  } cases[] = {
    { "algorithm=grpo micro-batch-size=4", 4 },
    { "algorithm=rloo micro-batch-size=4 gradient-accumulation-steps=2", 8 },
    { "algorithm=dpo micro-batch-size=2 sequence-length=1024", 4 },
    { "algorithm=kto micro-batch-size=4 sequence-length=1024", 4 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *with = g_strconcat (cases[i].images, " images=1", NULL);
      guint64 least = cases[i].sequences * PIXELS;
      guint64 seen = get_bytes (with, HR_COMPONENT_INPUTS);
      guint64 read = get_bytes (cases[i].images, HR_COMPONENT_INPUTS);

      /* Ids and masks of the tokens of images are a few KiB. */
      g_assert_cmpuint (seen, >, read + least);
      g_assert_cmpuint (seen, <, read + least + cases[i].sequences * TOKENS * 8 * 9 + 65536);
    }
}

static void
test_refusals (void)
{
  static const struct
  {
    const char *model;
    const char *settings;
    const char *found;
  } cases[] = {
    { QWEN, "algorithm=ppo images=1", "PPOTrainer of TRL takes no images" },
    { QWEN, "algorithm=orpo images=1 sequence-length=1024", "ORPOTrainer of TRL takes no images" },
    { QWEN, "algorithm=simpo images=1 sequence-length=1024", "CPOTrainer of TRL takes no images" },
    { ONE_VISION, "algorithm=grpo images=1 reference-model=true micro-batch-size=1", "batch_num_images" },
    { ONE_VISION, "algorithm=grpo images=1 rollout=vllm-server micro-batch-size=1", "batch_num_images" },
    { ONE_VISION, "algorithm=rloo images=1 reference-model=false micro-batch-size=1", "batch_num_images" },
    { QWEN_3, "algorithm=online-dpo images=1", "found qwen3_vl" },
    { INTERN_VL, "algorithm=online-dpo images=1", "found internvl" },
    { QWEN, "algorithm=online-dpo images=2", "images: expected 1" },
    { QWEN, "algorithm=online-dpo images=1 rollout=vllm-server", "rollout: " },
    { QWEN, "algorithm=online-dpo images=1 rollout=vllm-colocated", "rollout: " },
    { QWEN, "framework=verl images=1 fine-tuning-method=full", "framework: " },
    { QWEN, "loss-implementation=liger-grpo images=1", "loss-implementation: " },
    { QWEN, "further-inputs=video-4-2-640x480", "further-inputs: " },
    { INTERN_VL, "images=2 image-width=448 image-height=448", "found 2" },
    { INTERN_VL, "images=1 image-width=896 image-height=448", "found 3" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) estimate = run (cases[i].model, cases[i].settings, &error);

      g_assert_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, cases[i].found));
    }
}

/* Pairs are handed over with the pixels as the processor has made them, in whatever rows. */
static void
test_pairs (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate =
    run (INTERN_VL, "algorithm=dpo images=2 image-width=896 image-height=448 micro-batch-size=1", &error);

  g_assert_no_error (error);
}

/* Two answers to each prompt, whose pixels OnlineDPOTrainer hands on in the dtype of the model, of 16 bits here. */
static void
test_cast (void)
{
  const char *settings = "algorithm=online-dpo rollout=none micro-batch-size=2";
  g_autofree char *with = g_strconcat (settings, " images=1", NULL);
  guint64 least = get_bytes (settings, HR_COMPONENT_INPUTS) + 4 * PIXELS / 2;
  guint64 seen = get_bytes (with, HR_COMPONENT_INPUTS);

  g_assert_cmpuint (seen, >, least);
  g_assert_cmpuint (seen, <, least + 4 * TOKENS * 8 * 6 + 65536);
}

/* Prompts with images are answered with a cache of their tokens, beside pixels that are there twice. */
static void
test_generation (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) estimate = run (QWEN, "rollout=transformers images=1 micro-batch-size=2", &error);
  guint n_phases;
  const HrPhase *phases;

  g_assert_no_error (error);
  phases = hr_estimate_get_phases (estimate, &n_phases);
  for (guint i = 0; i < n_phases; i++)
    {
      if (phases[i].id == HR_PHASE_GENERATION)
        return;
    }
  g_assert_not_reached ();
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/memory/each_answer_brings_the_images_of_its_prompt_along", test_answers);
  g_test_add_func ("/memory/images_are_refused_where_no_trainer_hands_them_on", test_refusals);
  g_test_add_func ("/memory/pairs_have_as_many_images_as_one_likes", test_pairs);
  g_test_add_func ("/memory/prompts_with_images_are_answered", test_generation);
  g_test_add_func ("/memory/pixels_of_prompts_that_are_answered_anew_are_cast_once", test_cast);

  return g_test_run ();
}
