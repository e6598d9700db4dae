/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-grpo-job.h"

#include <glib/gi18n-lib.h>

#include "hr-grpo-job-private.h"
#include "hr-inputs.h"
#include "hr-job-enums.h"
#include "hr-job-private.h"

/**
 * HrGrpoJob:
 *
 * Training a model by preferences or rewards, as GRPO and its kin do: on answers that are compared with each other.
 *
 * The micro-batch counts answers, as per_device_train_batch_size of TRL does, and pairs of them where the algorithm is
 * DPO.
 */
struct _HrGrpoJob
{
  HrFineTuningJob parent_instance;

  HrAlgorithm algorithm;
  guint64 num_generations;
  guint64 prompt_length;
  guint64 completion_length;
  gboolean reference_model;
  HrRollout rollout;
  HrRolloutSleep rollout_sleep;
  double gpu_memory_utilization;
  guint64 num_iterations;
  guint64 steps_per_generation;
  HrValueModel value_model;
  HrRewardModel reward_model;
  char *value_model_path;
  char *reward_model_path;
  guint64 rollout_batch_size;
  guint64 num_mini_batches;
  guint64 log_prob_micro_batch_size;
  guint64 images;
  guint64 image_width;
  guint64 image_height;
  char *further_inputs;
};

enum
{
  PROP_0,
  PROP_ALGORITHM,
  PROP_NUM_GENERATIONS,
  PROP_PROMPT_LENGTH,
  PROP_COMPLETION_LENGTH,
  PROP_REFERENCE_MODEL,
  PROP_ROLLOUT,
  PROP_ROLLOUT_SLEEP,
  PROP_GPU_MEMORY_UTILIZATION,
  PROP_NUM_ITERATIONS,
  PROP_STEPS_PER_GENERATION,
  PROP_VALUE_MODEL,
  PROP_REWARD_MODEL,
  PROP_VALUE_MODEL_PATH,
  PROP_REWARD_MODEL_PATH,
  PROP_ROLLOUT_BATCH_SIZE,
  PROP_NUM_MINI_BATCHES,
  PROP_LOG_PROB_MICRO_BATCH_SIZE,
  PROP_IMAGES,
  PROP_IMAGE_WIDTH,
  PROP_IMAGE_HEIGHT,
  PROP_FURTHER_INPUTS,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HrGrpoJob, hr_grpo_job, HR_TYPE_FINE_TUNING_JOB)

static GParamSpec *properties[N_PROPS];

static void
hr_grpo_job_get_property (GObject    *object,
                          guint       prop_id,
                          GValue     *value,
                          GParamSpec *pspec)
{
  HrGrpoJob *self = HR_GRPO_JOB (object);

  switch (prop_id)
    {
    case PROP_ALGORITHM:
      g_value_set_enum (value, self->algorithm);
      break;

    case PROP_NUM_GENERATIONS:
      g_value_set_uint64 (value, self->num_generations);
      break;

    case PROP_PROMPT_LENGTH:
      g_value_set_uint64 (value, self->prompt_length);
      break;

    case PROP_COMPLETION_LENGTH:
      g_value_set_uint64 (value, self->completion_length);
      break;

    case PROP_REFERENCE_MODEL:
      g_value_set_boolean (value, self->reference_model);
      break;

    case PROP_ROLLOUT:
      g_value_set_enum (value, self->rollout);
      break;

    case PROP_ROLLOUT_SLEEP:
      g_value_set_enum (value, self->rollout_sleep);
      break;

    case PROP_GPU_MEMORY_UTILIZATION:
      g_value_set_double (value, self->gpu_memory_utilization);
      break;

    case PROP_NUM_ITERATIONS:
      g_value_set_uint64 (value, self->num_iterations);
      break;

    case PROP_STEPS_PER_GENERATION:
      g_value_set_uint64 (value, self->steps_per_generation);
      break;

    case PROP_VALUE_MODEL:
      g_value_set_enum (value, self->value_model);
      break;

    case PROP_REWARD_MODEL:
      g_value_set_enum (value, self->reward_model);
      break;

    case PROP_VALUE_MODEL_PATH:
      g_value_set_string (value, self->value_model_path);
      break;

    case PROP_REWARD_MODEL_PATH:
      g_value_set_string (value, self->reward_model_path);
      break;

    case PROP_ROLLOUT_BATCH_SIZE:
      g_value_set_uint64 (value, self->rollout_batch_size);
      break;

    case PROP_NUM_MINI_BATCHES:
      g_value_set_uint64 (value, self->num_mini_batches);
      break;

    case PROP_LOG_PROB_MICRO_BATCH_SIZE:
      g_value_set_uint64 (value, self->log_prob_micro_batch_size);
      break;

    case PROP_IMAGES:
      g_value_set_uint64 (value, self->images);
      break;

    case PROP_IMAGE_WIDTH:
      g_value_set_uint64 (value, self->image_width);
      break;

    case PROP_IMAGE_HEIGHT:
      g_value_set_uint64 (value, self->image_height);
      break;

    case PROP_FURTHER_INPUTS:
      g_value_set_string (value, self->further_inputs);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}
static void
hr_grpo_job_finalize (GObject *object)
{
  HrGrpoJob *self = HR_GRPO_JOB (object);

  g_free (self->value_model_path);
  g_free (self->reward_model_path);
  g_free (self->further_inputs);

  G_OBJECT_CLASS (hr_grpo_job_parent_class)->finalize (object);
}

static void
hr_grpo_job_set_property (GObject      *object,
                          guint         prop_id,
                          const GValue *value,
                          GParamSpec   *pspec)
{
  HrGrpoJob *self = HR_GRPO_JOB (object);
  g_auto (GValue) old_value = G_VALUE_INIT;

  g_value_init (&old_value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  hr_grpo_job_get_property (object, prop_id, &old_value, pspec);
  if (g_param_values_cmp (pspec, &old_value, value) == 0)
    return;

  switch (prop_id)
    {
    case PROP_ALGORITHM:
      self->algorithm = g_value_get_enum (value);
      break;

    case PROP_NUM_GENERATIONS:
      self->num_generations = g_value_get_uint64 (value);
      break;

    case PROP_PROMPT_LENGTH:
      self->prompt_length = g_value_get_uint64 (value);
      break;

    case PROP_COMPLETION_LENGTH:
      self->completion_length = g_value_get_uint64 (value);
      break;

    case PROP_REFERENCE_MODEL:
      self->reference_model = g_value_get_boolean (value);
      break;

    case PROP_ROLLOUT:
      self->rollout = g_value_get_enum (value);
      break;

    case PROP_ROLLOUT_SLEEP:
      self->rollout_sleep = g_value_get_enum (value);
      break;

    case PROP_GPU_MEMORY_UTILIZATION:
      self->gpu_memory_utilization = g_value_get_double (value);
      break;

    case PROP_NUM_ITERATIONS:
      self->num_iterations = g_value_get_uint64 (value);
      break;

    case PROP_STEPS_PER_GENERATION:
      self->steps_per_generation = g_value_get_uint64 (value);
      break;

    case PROP_VALUE_MODEL:
      self->value_model = g_value_get_enum (value);
      break;

    case PROP_REWARD_MODEL:
      self->reward_model = g_value_get_enum (value);
      break;

    case PROP_VALUE_MODEL_PATH:
      hr_job_set_text (&self->value_model_path, value, pspec);
      break;

    case PROP_REWARD_MODEL_PATH:
      hr_job_set_text (&self->reward_model_path, value, pspec);
      break;

    case PROP_ROLLOUT_BATCH_SIZE:
      self->rollout_batch_size = g_value_get_uint64 (value);
      break;

    case PROP_NUM_MINI_BATCHES:
      self->num_mini_batches = g_value_get_uint64 (value);
      break;

    case PROP_LOG_PROB_MICRO_BATCH_SIZE:
      self->log_prob_micro_batch_size = g_value_get_uint64 (value);
      break;

    case PROP_IMAGES:
      self->images = g_value_get_uint64 (value);
      break;

    case PROP_IMAGE_WIDTH:
      self->image_width = g_value_get_uint64 (value);
      break;

    case PROP_IMAGE_HEIGHT:
      self->image_height = g_value_get_uint64 (value);
      break;

    case PROP_FURTHER_INPUTS:
      hr_job_set_text (&self->further_inputs, value, pspec);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  g_object_notify_by_pspec (object, pspec);
}

static GArray *
hr_grpo_job_list_media (HrJob   *job,
                        GError **error)
{
  HrGrpoJob *self = HR_GRPO_JOB (job);
  g_autoptr (GArray) media = g_array_new (FALSE, FALSE, sizeof (HrMedium));

  hr_inputs_add_images (media, self->images, self->image_width, self->image_height);
  if (!hr_inputs_add_further (media, self->further_inputs, error))
    return NULL;

  hr_inputs_count_others (media);

  return g_steal_pointer (&media);
}

/* Prompts are given, and answers come from the model; or both are given as one. */
static const char *
get_length (HrGrpoJob *self)
{
  return hr_algorithm_generates (self->algorithm) ? "prompt-length" : "sequence-length";
}

static guint64
hr_grpo_job_count_text_tokens (HrJob *job)
{
  guint64 tokens;

  g_object_get (job, get_length (HR_GRPO_JOB (job)), &tokens, NULL);

  return tokens;
}

static HrJob *
hr_grpo_job_dup_reading (HrJob   *job,
                         guint64  tokens)
{
  HrJob *reading = hr_job_copy (job);

  g_object_set (reading, get_length (HR_GRPO_JOB (job)), CLAMP (tokens, 1, 16777216), NULL);

  return reading;
}

static void
hr_grpo_job_class_init (HrGrpoJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = hr_grpo_job_finalize;
  object_class->get_property = hr_grpo_job_get_property;
  object_class->set_property = hr_grpo_job_set_property;

  HR_JOB_CLASS (klass)->mode = HR_MODE_GRPO;
  HR_JOB_CLASS (klass)->list_media = hr_grpo_job_list_media;
  HR_JOB_CLASS (klass)->count_text_tokens = hr_grpo_job_count_text_tokens;
  HR_JOB_CLASS (klass)->dup_reading = hr_grpo_job_dup_reading;

  /**
   * HrGrpoJob:algorithm:
   *
   * What the model is trained by.
   */
  properties[PROP_ALGORITHM] =
    g_param_spec_enum ("algorithm",
                       N_("Algorithm"),
                       N_("What the model is trained by: single answers, pairs of a better and a worse one, or groups "
                          "of answers that are compared with each other"),
                       HR_TYPE_ALGORITHM, HR_ALGORITHM_GRPO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:num-generations:
   *
   * How many answers to each prompt are compared with each other.
   */
  properties[PROP_NUM_GENERATIONS] =
    g_param_spec_uint64 ("num-generations",
                         N_("Generations per prompt"),
                         N_("Answers to each prompt that are compared with each other; how many of them are in "
                            "memory at once is set by the micro-batch size"),
                         2, 65536, 8,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:prompt-length:
   *
   * How many tokens each prompt has.
   */
  properties[PROP_PROMPT_LENGTH] =
    g_param_spec_uint64 ("prompt-length",
                         N_("Prompt length"),
                         N_("Tokens of each prompt"),
                         1, 16777216, 512,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:completion-length:
   *
   * How many tokens each answer has.
   */
  properties[PROP_COMPLETION_LENGTH] =
    g_param_spec_uint64 ("completion-length",
                         N_("Completion length"),
                         N_("Tokens of each answer that is generated"),
                         1, 16777216, 512,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:reference-model:
   *
   * Whether the model is compared with what it was at the start.
   */
  properties[PROP_REFERENCE_MODEL] =
    g_param_spec_boolean ("reference-model",
                          N_("Reference model"),
                          N_("Compare the model with what it was at the start: a copy of it, or the model without "
                             "its adapters"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:rollout:
   *
   * Where the answers are generated that the model is trained on.
   */
  properties[PROP_ROLLOUT] =
    g_param_spec_enum ("rollout",
                       N_("Rollout"),
                       N_("Where answers are generated: elsewhere, by the trainer itself with transformers, by vLLM on "
                          "the same GPU, or by a vLLM server on other GPUs"),
                       HR_TYPE_ROLLOUT, HR_ROLLOUT_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:rollout-sleep:
   *
   * What vLLM lets go of while the trainer works, where it is on the same device.
   */
  properties[PROP_ROLLOUT_SLEEP] =
    g_param_spec_enum ("rollout-sleep",
                       N_("Sleep of the rollout engine"),
                       N_("What vLLM on the same GPU lets go of while the trainer works: nothing, or weights and "
                          "cache, with the weights kept in the memory of the host (level 1) or copied in anew (level "
                          "2)"),
                       HR_TYPE_ROLLOUT_SLEEP, HR_ROLLOUT_SLEEP_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:gpu-memory-utilization:
   *
   * The share of the device's memory that vLLM is given, where it is on the same device.
   */
  properties[PROP_GPU_MEMORY_UTILIZATION] =
    g_param_spec_double ("gpu-memory-utilization",
                         N_("vLLM’s share of the memory"),
                         N_("The share of the GPU’s memory that vLLM takes for its weights, its work and its KV "
                            "cache, which gets what the others leave; 0.92 (0.9 up to release 0.20), or 0.3 "
                            "beside a trainer"),
                         0.01, 1, 0.3,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:num-iterations:
   *
   * How many times the model is trained on the same answers.
   */
  properties[PROP_NUM_ITERATIONS] =
    g_param_spec_uint64 ("num-iterations",
                         N_("Iterations per generation"),
                         N_("How many times the model is trained on the same answers; from the second time on their "
                            "probabilities by the model that wrote them are needed"),
                         1, 65536, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:steps-per-generation:
   *
   * For how many micro-batches answers are generated at once; 0 for those of an optimizer's step.
   */
  properties[PROP_STEPS_PER_GENERATION] =
    g_param_spec_uint64 ("steps-per-generation",
                         N_("Micro-batches per generation"),
                         N_("For how many micro-batches answers are generated at once; 0 stands for the gradient "
                            "accumulation steps"),
                         0, 65536, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:value-model:
   *
   * What of the model that foresees rewards is its own, and trained.
   */
  properties[PROP_VALUE_MODEL] =
    g_param_spec_enum ("value-model",
                       N_("Value model"),
                       N_("What foresees the reward of an answer at each token: a model of its own, all of "
                          "which is trained, or with adapters like the policy’s, or its head alone; or a head on the "
                          "layers of the policy"),
                       HR_TYPE_VALUE_MODEL, HR_VALUE_MODEL_FULL,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:reward-model:
   *
   * What scores the answers.
   */
  properties[PROP_REWARD_MODEL] =
    g_param_spec_enum ("reward-model",
                       N_("Reward model"),
                       N_("What scores the answers: a model of its own, a head on the layers of the reference model, "
                          "or something that is not on this GPU"),
                       HR_TYPE_REWARD_MODEL, HR_REWARD_MODEL_OWN,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:value-model-path:
   *
   * Which model foresees rewards, by its path or its id; `policy` for a model like the one that is trained.
   */
  properties[PROP_VALUE_MODEL_PATH] =
    g_param_spec_string ("value-model-path",
                         N_("Model of the values"),
                         N_("The path or the id of the model that foresees rewards, or “policy” for one like the model "
                            "that is trained"),
                         "policy",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:reward-model-path:
   *
   * Which model scores answers, by its path or its id; `policy` for a model like the one that is trained.
   */
  properties[PROP_REWARD_MODEL_PATH] =
    g_param_spec_string ("reward-model-path",
                         N_("Model of the rewards"),
                         N_("The path or the id of the model that scores answers, or “policy” for one like the model "
                            "that is trained"),
                         "policy",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:rollout-batch-size:
   *
   * How many prompts are answered, and answers read without gradients, at once.
   */
  properties[PROP_ROLLOUT_BATCH_SIZE] =
    g_param_spec_uint64 ("rollout-batch-size",
                         N_("Rollout batch size"),
                         N_("How many prompts are answered at once, and how many answers are read at once by the "
                            "models that are not trained on them (local_rollout_forward_batch_size)"),
                         1, 1048576, 64,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:num-mini-batches:
   *
   * Into how many parts the answers of a rollout are split.
   */
  properties[PROP_NUM_MINI_BATCHES] =
    g_param_spec_uint64 ("num-mini-batches",
                         N_("Mini-batches per rollout"),
                         N_("Into how many parts the answers of a rollout are split; within a part the outputs of a "
                            "micro-batch stay until those of the next are there"),
                         1, 1048576, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:log-prob-micro-batch-size:
   *
   * How many answers are read at once without gradients; 0 for as many as are trained on at once.
   */
  properties[PROP_LOG_PROB_MICRO_BATCH_SIZE] =
    g_param_spec_uint64 ("log-prob-micro-batch-size",
                         N_("Answers read at once"),
                         N_("How many answers the policy and the reference model read at once for their "
                            "log-probabilities; 0 stands for the micro-batch size"),
                         0, 1048576, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrGrpoJob:images:
   *
   * How many images of one size each prompt has; their tokens come beside those of the prompt or the sequence.
   */
  properties[PROP_IMAGES] = hr_inputs_new_images_setting (0);

  /**
   * HrGrpoJob:image-width:
   *
   * How many pixels a row of an image has.
   */
  properties[PROP_IMAGE_WIDTH] = hr_inputs_new_width_setting ();

  /**
   * HrGrpoJob:image-height:
   *
   * How many rows of pixels an image has.
   */
  properties[PROP_IMAGE_HEIGHT] = hr_inputs_new_height_setting ();

  /**
   * HrGrpoJob:further-inputs:
   *
   * Images beside those of the other settings, as [property@MultimodalJob:further-inputs] has them.
   */
  properties[PROP_FURTHER_INPUTS] = hr_inputs_new_further_setting ();

  g_object_class_install_properties (object_class, N_PROPS, properties);

  hr_job_mark_setting (properties[PROP_ALGORITHM], 10, FALSE);
  hr_job_mark_setting (properties[PROP_REFERENCE_MODEL], 90, FALSE);
  hr_job_mark_setting (properties[PROP_VALUE_MODEL], 91, FALSE);
  hr_job_mark_setting (properties[PROP_VALUE_MODEL_PATH], 92, FALSE);
  hr_job_mark_model (properties[PROP_VALUE_MODEL_PATH]);
  hr_job_mark_setting (properties[PROP_REWARD_MODEL], 93, FALSE);
  hr_job_mark_setting (properties[PROP_REWARD_MODEL_PATH], 94, FALSE);
  hr_job_mark_model (properties[PROP_REWARD_MODEL_PATH]);
  hr_job_mark_setting (properties[PROP_ROLLOUT], 95, FALSE);
  hr_job_mark_setting (properties[PROP_GPU_MEMORY_UTILIZATION], 96, FALSE);
  hr_job_mark_setting (properties[PROP_ROLLOUT_SLEEP], 97, FALSE);
  hr_job_mark_setting (properties[PROP_NUM_GENERATIONS], 350, FALSE);
  hr_job_mark_setting (properties[PROP_PROMPT_LENGTH], 420, FALSE);
  hr_job_mark_setting (properties[PROP_COMPLETION_LENGTH], 430, FALSE);
  hr_job_mark_setting (properties[PROP_IMAGES], 440, FALSE);
  hr_job_mark_setting (properties[PROP_IMAGE_WIDTH], 450, FALSE);
  hr_job_mark_setting (properties[PROP_IMAGE_HEIGHT], 460, FALSE);
  hr_job_mark_setting (properties[PROP_FURTHER_INPUTS], 490, FALSE);
  hr_job_mark_setting (properties[PROP_ROLLOUT_BATCH_SIZE], 500, FALSE);
  hr_job_mark_setting (properties[PROP_NUM_MINI_BATCHES], 505, FALSE);
  hr_job_mark_setting (properties[PROP_LOG_PROB_MICRO_BATCH_SIZE], 507, FALSE);
  hr_job_mark_setting (properties[PROP_STEPS_PER_GENERATION], 510, FALSE);
  hr_job_mark_setting (properties[PROP_NUM_ITERATIONS], 520, FALSE);
}

static void
hr_grpo_job_init (HrGrpoJob *self)
{
  self->algorithm = G_PARAM_SPEC_ENUM (properties[PROP_ALGORITHM])->default_value;
  self->num_generations = G_PARAM_SPEC_UINT64 (properties[PROP_NUM_GENERATIONS])->default_value;
  self->prompt_length = G_PARAM_SPEC_UINT64 (properties[PROP_PROMPT_LENGTH])->default_value;
  self->completion_length = G_PARAM_SPEC_UINT64 (properties[PROP_COMPLETION_LENGTH])->default_value;
  self->reference_model = G_PARAM_SPEC_BOOLEAN (properties[PROP_REFERENCE_MODEL])->default_value;
  self->rollout = G_PARAM_SPEC_ENUM (properties[PROP_ROLLOUT])->default_value;
  self->rollout_sleep = G_PARAM_SPEC_ENUM (properties[PROP_ROLLOUT_SLEEP])->default_value;
  self->gpu_memory_utilization = G_PARAM_SPEC_DOUBLE (properties[PROP_GPU_MEMORY_UTILIZATION])->default_value;
  self->num_iterations = G_PARAM_SPEC_UINT64 (properties[PROP_NUM_ITERATIONS])->default_value;
  self->steps_per_generation = G_PARAM_SPEC_UINT64 (properties[PROP_STEPS_PER_GENERATION])->default_value;
  self->value_model = G_PARAM_SPEC_ENUM (properties[PROP_VALUE_MODEL])->default_value;
  self->reward_model = G_PARAM_SPEC_ENUM (properties[PROP_REWARD_MODEL])->default_value;
  self->value_model_path = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_VALUE_MODEL_PATH])->default_value);
  self->reward_model_path = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_REWARD_MODEL_PATH])->default_value);
  self->rollout_batch_size = G_PARAM_SPEC_UINT64 (properties[PROP_ROLLOUT_BATCH_SIZE])->default_value;
  self->num_mini_batches = G_PARAM_SPEC_UINT64 (properties[PROP_NUM_MINI_BATCHES])->default_value;
  self->log_prob_micro_batch_size =
    G_PARAM_SPEC_UINT64 (properties[PROP_LOG_PROB_MICRO_BATCH_SIZE])->default_value;
  self->images = G_PARAM_SPEC_UINT64 (properties[PROP_IMAGES])->default_value;
  self->image_width = G_PARAM_SPEC_UINT64 (properties[PROP_IMAGE_WIDTH])->default_value;
  self->image_height = G_PARAM_SPEC_UINT64 (properties[PROP_IMAGE_HEIGHT])->default_value;
  self->further_inputs = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_FURTHER_INPUTS])->default_value);
}

/**
 * hr_grpo_job_new:
 *
 * Creates a job with every setting at its default.
 *
 * Returns: (transfer full): a new job
 */
HrGrpoJob *
hr_grpo_job_new (void)
{
  return g_object_new (HR_TYPE_GRPO_JOB, NULL);
}

/**
 * hr_grpo_job_get_algorithm:
 * @self: a job
 *
 * Gets what the model is trained by.
 *
 * Returns: the value of the setting
 */
HrAlgorithm
hr_grpo_job_get_algorithm (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), HR_ALGORITHM_GRPO);

  return self->algorithm;
}

/**
 * hr_grpo_job_get_num_generations:
 * @self: a job
 *
 * Gets how many answers to each prompt are compared.
 *
 * Returns: the value of the setting
 */
guint64
hr_grpo_job_get_num_generations (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), 0);

  return self->num_generations;
}

/**
 * hr_grpo_job_get_prompt_length:
 * @self: a job
 *
 * Gets how many tokens each prompt has.
 *
 * Returns: the value of the setting
 */
guint64
hr_grpo_job_get_prompt_length (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), 0);

  return self->prompt_length;
}

/**
 * hr_grpo_job_get_completion_length:
 * @self: a job
 *
 * Gets how many tokens each answer has.
 *
 * Returns: the value of the setting
 */
guint64
hr_grpo_job_get_completion_length (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), 0);

  return self->completion_length;
}

/**
 * hr_grpo_job_get_reference_model:
 * @self: a job
 *
 * Gets whether the model is compared with what it was at the start.
 *
 * Returns: the value of the setting
 */
gboolean
hr_grpo_job_get_reference_model (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), FALSE);

  return self->reference_model;
}

/**
 * hr_grpo_job_get_rollout:
 * @self: a job
 *
 * Gets where the answers are generated.
 *
 * Returns: the value of the setting
 */
HrRollout
hr_grpo_job_get_rollout (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), HR_ROLLOUT_NONE);

  return self->rollout;
}

/**
 * hr_grpo_job_get_rollout_sleep:
 * @self: a job
 *
 * Gets what an engine on the same device lets go of while the trainer works.
 *
 * Returns: the value of the setting
 */
HrRolloutSleep
hr_grpo_job_get_rollout_sleep (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), HR_ROLLOUT_SLEEP_NONE);

  return self->rollout_sleep;
}

/**
 * hr_grpo_job_get_gpu_memory_utilization:
 * @self: a job
 *
 * Gets the share of the device's memory that an engine on the same device takes.
 *
 * Returns: the value of the setting
 */
double
hr_grpo_job_get_gpu_memory_utilization (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), 0);

  return self->gpu_memory_utilization;
}

/**
 * hr_grpo_job_get_num_iterations:
 * @self: a job
 *
 * Gets how many times the model is trained on the same answers.
 *
 * Returns: the value of the setting
 */
guint64
hr_grpo_job_get_num_iterations (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), 0);

  return self->num_iterations;
}

/**
 * hr_grpo_job_get_steps_per_generation:
 * @self: a job
 *
 * Gets for how many micro-batches answers are generated at once.
 *
 * Returns: the value of the setting, 0 where it is as many as gradients are accumulated of
 */
guint64
hr_grpo_job_get_steps_per_generation (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), 0);

  return self->steps_per_generation;
}

/**
 * hr_grpo_job_get_value_model:
 * @self: a job
 *
 * Gets what of the model that foresees rewards is its own, and trained.
 *
 * Returns: the value of the setting
 */
HrValueModel
hr_grpo_job_get_value_model (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), HR_VALUE_MODEL_FULL);

  return self->value_model;
}

/**
 * hr_grpo_job_get_reward_model:
 * @self: a job
 *
 * Gets what scores the answers.
 *
 * Returns: the value of the setting
 */
HrRewardModel
hr_grpo_job_get_reward_model (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), HR_REWARD_MODEL_OWN);

  return self->reward_model;
}

/**
 * hr_grpo_job_get_value_model_path:
 * @self: a job
 *
 * Gets which model foresees rewards.
 *
 * Returns: (transfer none): its path or its id, or `policy` for one like the model that is trained
 */
const char *
hr_grpo_job_get_value_model_path (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), NULL);

  return self->value_model_path;
}

/**
 * hr_grpo_job_get_reward_model_path:
 * @self: a job
 *
 * Gets which model scores answers.
 *
 * Returns: (transfer none): its path or its id, or `policy` for one like the model that is trained
 */
const char *
hr_grpo_job_get_reward_model_path (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), NULL);

  return self->reward_model_path;
}

/**
 * hr_grpo_job_get_rollout_batch_size:
 * @self: a job
 *
 * Gets how many prompts are answered, and answers read without gradients, at once.
 *
 * Returns: the value of the setting
 */
guint64
hr_grpo_job_get_rollout_batch_size (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), 0);

  return self->rollout_batch_size;
}

/**
 * hr_grpo_job_get_num_mini_batches:
 * @self: a job
 *
 * Gets into how many parts the answers of a rollout are split.
 *
 * Returns: the value of the setting
 */
guint64
hr_grpo_job_get_num_mini_batches (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), 0);

  return self->num_mini_batches;
}

/**
 * hr_grpo_job_get_log_prob_micro_batch_size:
 * @self: a job
 *
 * Gets how many answers are read at once without gradients.
 *
 * Returns: the value of the setting, 0 where it is as many as are trained on at once
 */
guint64
hr_grpo_job_get_log_prob_micro_batch_size (HrGrpoJob *self)
{
  g_return_val_if_fail (HR_IS_GRPO_JOB (self), 0);

  return self->log_prob_micro_batch_size;
}

/**
 * hr_algorithm_is_policy:
 * @algorithm: an algorithm
 *
 * Finds out whether an algorithm compares answers that the model has generated.
 *
 * Returns: whether it does
 */
gboolean
hr_algorithm_is_policy (HrAlgorithm algorithm)
{
  return algorithm == HR_ALGORITHM_GRPO || algorithm == HR_ALGORITHM_DR_GRPO || algorithm == HR_ALGORITHM_DAPO ||
         algorithm == HR_ALGORITHM_GSPO || algorithm == HR_ALGORITHM_RLOO;
}

/**
 * hr_algorithm_generates:
 * @algorithm: an algorithm
 *
 * Finds out whether the answers that an algorithm trains on are generated in the course of it.
 *
 * Returns: whether they are
 */
gboolean
hr_algorithm_generates (HrAlgorithm algorithm)
{
  return hr_algorithm_is_policy (algorithm) || algorithm == HR_ALGORITHM_ONLINE_DPO ||
         algorithm == HR_ALGORITHM_PPO;
}

/**
 * hr_algorithm_is_preference:
 * @algorithm: an algorithm
 *
 * Finds out whether an algorithm compares a chosen with a rejected answer, so that sequences come in pairs.
 *
 * Returns: whether it does
 */
gboolean
hr_algorithm_is_preference (HrAlgorithm algorithm)
{
  return algorithm == HR_ALGORITHM_DPO || algorithm == HR_ALGORITHM_IPO || algorithm == HR_ALGORITHM_ORPO ||
         algorithm == HR_ALGORITHM_SIMPO || algorithm == HR_ALGORITHM_REWARD ||
         algorithm == HR_ALGORITHM_ONLINE_DPO;
}

/**
 * hr_algorithm_has_reference:
 * @algorithm: an algorithm
 *
 * Finds out whether an algorithm can compare the model with what it was at the start.
 *
 * Returns: whether it can
 */
gboolean
hr_algorithm_has_reference (HrAlgorithm algorithm)
{
  return algorithm != HR_ALGORITHM_SFT && algorithm != HR_ALGORITHM_ORPO && algorithm != HR_ALGORITHM_SIMPO &&
         algorithm != HR_ALGORITHM_REWARD;
}

/* Algorithms that compare the answers to a prompt with each other: the setting says how many. */
static gboolean
compares_groups (HrGrpoJob *self)
{
  GParamSpec *setting = properties[PROP_NUM_GENERATIONS];

  return hr_job_uses_setting (HR_JOB (self), setting, NULL);
}

/* The first release whose class of the algorithm's configuration counts the micro-batches of a generation together. */
static HrTrlRelease
get_first_release (HrGrpoJob *self)
{
  return self->algorithm == HR_ALGORITHM_RLOO ? HR_TRL_RELEASE_0_22 : HR_TRL_RELEASE_0_15;
}

/*
 * hr_grpo_job_dup_refusal:
 * @self: a job
 * @n_ranks: how many ranks there are
 *
 * Says why TRL does not start the job. It wants the answers that are generated at once to be whole groups of the
 * answers to a prompt: __post_init__ of trl/trainer/grpo_config.py and rloo_config.py; until 0.17, GRPOTrainer wanted
 * it of each micro-batch of all ranks, which refuses these jobs as well. KTOTrainer wants two answers at least
 * (trl/experimental/kto/kto_trainer.py).
 *
 * Returns: (transfer full) (nullable): a sentence in the user's language, or %NULL if nothing is known to refuse it
 */
char *
hr_grpo_job_dup_refusal (HrGrpoJob *self,
                         guint64    n_ranks)
{
  HrTrainingJob *job = HR_TRAINING_JOB (self);
  g_autofree char *answers_text = NULL;
  g_autofree char *group_text = NULL;
  guint64 answers = hr_training_job_get_micro_batch_size (job);

  g_return_val_if_fail (HR_IS_GRPO_JOB (self), NULL);
  g_return_val_if_fail (n_ranks >= 1, NULL);

  if (hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_TRL && self->algorithm == HR_ALGORITHM_KTO &&
      answers == 1)
    return g_strdup (_("KTOTrainer of TRL refuses a micro-batch of a single answer, as it compares each with one to "
                       "another prompt of the micro-batch"));
  if (hr_training_job_get_framework (job) != HR_TRAINING_FRAMEWORK_TRL || !compares_groups (self) ||
      hr_training_job_get_trl_release (job) < get_first_release (self))
    return NULL;

  answers *= n_ranks;
  answers *= self->steps_per_generation > 0 ? self->steps_per_generation
                                            : hr_training_job_get_gradient_accumulation_steps (job);
  if (answers % self->num_generations == 0)
    return NULL;

  answers_text = g_strdup_printf ("%" G_GUINT64_FORMAT, answers);
  group_text = g_strdup_printf ("%" G_GUINT64_FORMAT, self->num_generations);

  /* Translators: numbers of answers */
  return g_strdup_printf (_("TRL refuses this job: the answers that are generated at once (micro-batch size × GPUs × "
                            "micro-batches per generation) have to be divisible by the generations per prompt, and "
                            "%1$s is not divisible by %2$s"), answers_text, group_text);
}
