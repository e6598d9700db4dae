/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Peaks and levels of real training steps, by phase, against the replay. What differs is printed; a case that gets
 * worse than what is recorded for it, or whose peak comes in another phase, fails.
 */

#include <math.h>

#include "hr-float8.h"
#include "hr-inference-cache.h"
#include "hr-job-enums.h"
#include "hr-liger.h"
#include "hr-model.h"
#include "hr-training-packing.h"
#include "hr-training.h"
#include "hr-weights.h"

#include "oracle.h"

/* Of the peak, whatever is recorded for phases and levels of a case. */
#define MAX_MEDIAN_PERCENT 0.00001
#define MAX_WORST_PERCENT 0.001

/* What is recorded is rounded to as much. */
#define NOISE_PERCENT 1e-6

static gboolean
is (JsonObject *settings,
    const char *key,
    const char *value)
{
  return g_str_equal (json_object_get_string_member (settings, key), value);
}

/* What a setting names; nothing for "none", nor where the case does not have it. */
static HrElement
get_element (JsonObject *settings,
             const char *key)
{
  if (!json_object_has_member (settings, key) || is (settings, key, "none"))
    return HR_ELEMENT_NONE;
  if (is (settings, key, "float32"))
    return HR_ELEMENT_FLOAT32;

  return is (settings, key, "float16") ? HR_ELEMENT_FLOAT16 : HR_ELEMENT_BFLOAT16;
}

static HrAttentionImplementation
get_attention (JsonObject *settings)
{
  if (is (settings, "attention", "eager"))
    return HR_ATTENTION_IMPLEMENTATION_EAGER;
  if (is (settings, "attention", "flash"))
    return HR_ATTENTION_IMPLEMENTATION_FLASH;

  return is (settings, "attention", "sdpa-math") ? HR_ATTENTION_IMPLEMENTATION_SDPA_MATH
                                                 : HR_ATTENTION_IMPLEMENTATION_SDPA;
}

static HrTunedBy
get_tuned_by (JsonObject *settings)
{
  if (is (settings, "fine-tuning-method", "dora"))
    return HR_TUNED_BY_DORA;
  if (is (settings, "fine-tuning-method", "vera"))
    return HR_TUNED_BY_VERA;
  if (is (settings, "fine-tuning-method", "adalora"))
    return HR_TUNED_BY_ADALORA;
  if (is (settings, "fine-tuning-method", "loha"))
    return HR_TUNED_BY_LOHA;

  return is (settings, "fine-tuning-method", "lora-fa") ? HR_TUNED_BY_LORA_FA : HR_TUNED_BY_LORA;
}

/* What the method of the case does to the model; nothing where all of it is trained. */
static HrTuning *
make_tuning (HrModel    *model,
             JsonObject *settings)
{
  HrElement element = json_object_has_member (settings, "adapter-dtype") ? get_element (settings, "adapter-dtype")
                                                                         : HR_ELEMENT_FLOAT32;
  HrElement model_element = get_element (settings, "dtype");
  g_autoptr (HrAdapter) adapter = NULL;
  g_autoptr (GError) error = NULL;
  HrTuning *tuning;

  if (is (settings, "fine-tuning-method", "full"))
    return NULL;
  if (is (settings, "fine-tuning-method", "freeze"))
    return hr_tuning_new_for_layers (model, model_element, json_object_get_int_member (settings, "trained-layers"));
  if (is (settings, "fine-tuning-method", "bitfit"))
    return hr_tuning_new_for_biases (model, model_element);
  if (is (settings, "fine-tuning-method", "prompt") || is (settings, "fine-tuning-method", "p-tuning"))
    return hr_tuning_new_for_prompt (model, element,
                                     is (settings, "fine-tuning-method", "prompt") ? HR_PROMPT_EMBEDDED
                                                                                   : HR_PROMPT_ENCODED,
                                     json_object_get_int_member (settings, "virtual-tokens"));

  if (is (settings, "fine-tuning-method", "prefix"))
    return hr_tuning_new_for_prefix (model, element, json_object_get_int_member (settings, "virtual-tokens"));

  if (is (settings, "fine-tuning-method", "ia3"))
    {
      adapter = hr_adapter_new_lora (1, json_object_get_string_member (settings, "ia3-targets"));
      tuning = hr_tuning_new_for_ia3 (adapter, json_object_get_string_member (settings, "ia3-feedforward"), model,
                                      model_element, element, &error);
      g_assert_no_error (error);
      return tuning;
    }

  adapter = hr_adapter_new_lora (json_object_get_int_member (settings, "lora-rank"),
                                 json_object_get_string_member (settings, "lora-targets"));
  if (is (settings, "fine-tuning-method", "lokr"))
    {
      tuning = hr_tuning_new_for_kronecker (adapter,
                                            json_object_get_int_member_with_default (settings, "lokr-factor", 0),
                                            json_object_get_boolean_member_with_default (settings,
                                                                                         "lokr-decompose-both", FALSE),
                                            model, model_element, element, &error);
      g_assert_no_error (error);
      return tuning;
    }

  hr_adapter_set_saved (adapter, json_object_get_string_member_with_default (settings, "modules-to-save", "none"));
  tuning = hr_tuning_new_for_adapter (adapter, get_tuned_by (settings), model, model_element, element,
                                      &error);
  g_assert_no_error (error);
  hr_tuning_set_dropout (tuning, json_object_get_double_member_with_default (settings, "lora-dropout", 0) > 0);

  return tuning;
}

static void
init_optimizer (HrOptimizer        *optimizer,
                const HrTrainables *parameters,
                JsonObject         *settings)
{
  const HrOptimizerSettings chosen = {
    .kind = oracle_get_enum (settings, "optimizer", HR_TYPE_OPTIMIZER_KIND),
    .implementation = oracle_get_enum (settings, "optimizer-implementation", HR_TYPE_OPTIMIZER_IMPLEMENTATION),
  };

  hr_optimizer_init (optimizer, &chosen, parameters);
}

static const HrBlock *
find_convolution (const HrStack *stack)
{
  for (guint i = 0; stack != NULL && i < stack->embeddings.n_blocks; i++)
    {
      if (stack->embeddings.blocks[i].kind == HR_BLOCK_CONVOLUTION)
        return &stack->embeddings.blocks[i];
    }

  return NULL;
}

/* As many tokens go into an encoder as come out of its decoder, or a sound of one length. */
static void
set_source (HrInference *pass)
{
  const HrAttention *cross = hr_layer_class_get_cross_attention (&pass->stack->layer_classes[0]);
  const HrBlock *sound = find_convolution (pass->encoder);

  pass->source_length = cross != NULL && cross->source_positions > 0 ? cross->source_positions : pass->prompt;
  if (sound != NULL)
    pass->features = 2 * pass->source_length * sound->convolution.in_channels;
}

static HrCheckpointing
get_checkpointing (JsonObject *settings)
{
  gboolean reentrant = json_object_get_boolean_member_with_default (settings, "reentrant-checkpointing", FALSE);
  HrCheckpointing checkpointing = { reentrant ? HR_CHECKPOINTING_REENTRANT : HR_CHECKPOINTING_FULL, 0, 0 };
  gint64 n_layers = json_object_get_int_member_with_default (settings, "checkpointing-layers", 2);

  if (is (settings, "gradient-checkpointing", "none"))
    checkpointing.kind = HR_CHECKPOINTING_NONE;
  if (!is (settings, "gradient-checkpointing", "selective"))
    return checkpointing;

  if (is (settings, "selective-checkpointing", "operators"))
    checkpointing.kind = HR_CHECKPOINTING_OPERATORS;
  else if (is (settings, "selective-checkpointing", "attention"))
    checkpointing.kind = HR_CHECKPOINTING_ATTENTION;
  else if (is (settings, "selective-checkpointing", "every-nth"))
    checkpointing.every = n_layers;
  else
    checkpointing.first = n_layers;

  return checkpointing;
}

/* Whose kernels run, and what computes the loss: what a type of models comes with where nothing is said. */
static void
choose_kernels (HrTraining *training,
                HrModel    *model,
                JsonObject *settings)
{
  const char *kernels = json_object_get_string_member_with_default (settings, "fused-kernels", "none");

  if (g_str_equal (kernels, "liger"))
    {
      training->liger = hr_liger_find (hr_model_get_model_type (model));
      g_assert_nonnull (training->liger);
      training->loss_implementation = training->liger->loss;
    }
  if (json_object_has_member (settings, "loss-implementation"))
    training->loss_implementation = oracle_get_enum (settings, "loss-implementation", HR_TYPE_LOSS_IMPLEMENTATION);
}

/* Which linear layers compute in fp8: accelerate leaves the first alone, and pads the factors. */
static HrFloat8 *
make_float8 (HrModel    *model,
             JsonObject *settings)
{
  gboolean is_by_accelerate = json_object_has_member (settings, "framework");
  HrFp8Recipe recipe;

  if (!json_object_has_member (settings, "fp8-recipe"))
    return NULL;

  recipe = oracle_get_enum (settings, "fp8-recipe", HR_TYPE_FP8_RECIPE);

  return json_object_has_member (settings, "fp8-backend")
           ? hr_float8_new_for_engine (model, recipe)
           : hr_float8_new (model, recipe, is_by_accelerate, is_by_accelerate);
}

/* How the rows of a batch are packed. */
static void
pack (HrTraining *training,
      JsonObject *settings)
{
  HrInference *pass = &training->pass;
  guint64 n_tokens = pass->batch * pass->prompt;

  if (json_object_has_member (settings, "packing"))
    hr_training_pack (pass, n_tokens, n_tokens / json_object_get_int_member (settings, "example-length"));
}

/* What waits on the host. */
static void
offload (HrTraining *training,
         JsonObject *settings)
{
  if (!json_object_has_member (settings, "activation-offload"))
    return;

  training->offloads_inputs = training->checkpointing.kind != HR_CHECKPOINTING_NONE;
  training->offloads = is (settings, "activation-offload", "save-on-cpu");
  if (is (settings, "activation-offload", "layer-inputs"))
    training->checkpointing.kind = HR_CHECKPOINTING_REENTRANT;
}

static HrTraining
make_training (HrModel            *model,
               HrElement           element,
               const HrTuning     *tuning,
               const HrTrainables *parameters,
               JsonObject         *settings)
{
  const HrStack *encoder = hr_model_find_stack (model, HR_STACK_ENCODER);
  const HrStack *decoder = hr_model_find_stack (model, HR_STACK_DECODER);
  HrTraining training = {
    .tuning = tuning,
    .pass = {
      .stack = decoder != NULL ? decoder : encoder, .encoder = decoder != NULL ? encoder : NULL,
      .head = hr_model_get_head (model), .has_inputs = TRUE,
      .has_norm = TRUE, .has_head = TRUE, .beams = 1, .all_logits = TRUE,
      .batch = json_object_get_int_member (settings, "micro-batch-size"),
      .prompt = json_object_get_int_member (settings, "sequence-length") + hr_tuning_get_n_embedded (tuning),
      .attention = get_attention (settings),
      .mask = is (settings, "attention-mask", "padded") ? HR_ATTENTION_MASK_PADDED : HR_ATTENTION_MASK_NONE,
    },
    .checkpointing = get_checkpointing (settings),
    .clipping = json_object_get_boolean_member_with_default (settings, "gradient-clipping", FALSE),
    .fp32_outputs = json_object_get_boolean_member_with_default (settings, "fp32-outputs", FALSE),
    .keep_outputs = json_object_get_boolean_member_with_default (settings, "keep-outputs", FALSE),
    .n_gradients = hr_trainables_get_n_parameters (parameters),
    .accumulation_steps = json_object_get_int_member (settings, "gradient-accumulation-steps"),
  };
  HrWeightStorage storage = {
    .model = model, .dtype = element == HR_ELEMENT_FLOAT32 ? HR_DTYPE_FLOAT32 : HR_DTYPE_BFLOAT16,
    .quantization = HR_QUANTIZATION_NONE,
  };
  HrWeights weights;

  hr_weights_init_model (&weights, &storage);
  training.pass.weight_bytes = weights.bytes;
  training.pass.n_layers = training.pass.stack->n_layers;
  if (training.pass.encoder != NULL)
    set_source (&training.pass);
  init_optimizer (&training.optimizer, parameters, settings);
  choose_kernels (&training, model, settings);
  pack (&training, settings);
  offload (&training, settings);

  return training;
}

/* The difference in percent of what is right, which is printed where there is one. */
static double
compare (const char *id,
         const char *name,
         guint64     found,
         JsonObject *expected)
{
  gint64 right = json_object_get_int_member (expected, name);
  double percent = oracle_get_percent (found, right);

  if (found != (guint64) right)
    g_test_message ("%-70s %-14s %15" G_GUINT64_FORMAT " %15" G_GINT64_FORMAT " %+9.4f %%", id, name, found, right,
                    percent);

  return fabs (percent);
}

static double
compare_phases (const char *id,
                HrReplay   *replay,
                JsonObject *peaks)
{
  static const HrPhaseId phases[] = {
    HR_PHASE_FORWARD, HR_PHASE_LOSS, HR_PHASE_BACKWARD_LOSS, HR_PHASE_BACKWARD, HR_PHASE_OPTIMIZER,
  };
  double worst = 0;

  for (guint i = 0; i < G_N_ELEMENTS (phases); i++)
    worst = MAX (worst, compare (id, hr_phase_id_get_name (phases[i]), replay->ledger.phase_peaks[phases[i]], peaks));

  return worst;
}

static double
compare_levels (const char             *id,
                const HrTrainingLevels *levels,
                JsonObject             *expected)
{
  double worst = compare (id, "step-start", levels->step_start.total, expected);

  worst = MAX (worst, compare (id, "loss-computed", levels->loss_computed.total, expected));
  worst = MAX (worst, compare (id, "end-forward", levels->end_forward.total, expected));
  worst = MAX (worst, compare (id, "end-backward", levels->end_backward.total, expected));
  worst = MAX (worst, compare (id, "end-optimizer", levels->end_optimizer.total, expected));

  return MAX (worst, compare (id, "end", levels->end.total, expected));
}

static double
run_case (JsonNode   *root,
          JsonObject *test)
{
  const char *id = json_object_get_string_member (test, "id");
  JsonObject *settings = json_object_get_object_member (test, "settings");
  JsonObject *peaks = json_object_get_object_member (test, "peaks");
  g_autoptr (HrModel) model = oracle_load_model (root, json_object_get_string_member (test, "model"));
  HrElement element = get_element (settings, "dtype");
  g_autoptr (HrTuning) tuning = make_tuning (model, settings);
  g_autoptr (HrTrainables) whole = hr_trainables_new_for_model (model, element);
  const HrTrainables *parameters = tuning != NULL ? hr_tuning_get_trainables (tuning) : whole;
  g_autoptr (HrTrainables) reached = hr_trainables_new_reached (parameters, HR_REACH_TEXT);
  HrTraining training = make_training (model, element, tuning, reached, settings);
  g_autoptr (HrFloat8) float8 = make_float8 (model, settings);
  g_autofree HrReplay *replay = g_new0 (HrReplay, 1);
  double recorded = json_object_get_double_member_with_default (test, "worst-error", 0);
  HrTrainingLevels levels;
  double worst;

  hr_replay_init (replay, element, HR_QUANTIZATION_NONE);
  replay->autocast = get_element (settings, "autocast");
  /* What a kernel takes for itself is not seen on fake tensors. */
  replay->sorts_no_rows = TRUE;
  training.float8 = float8;
  training.buffer_bytes = float8 != NULL ? hr_float8_get_state_bytes (float8) : 0;
  hr_training_replay (&training, replay, &levels);
  g_assert_false (replay->ledger.overflowed);

  if (json_object_has_member (test, "trainable"))
    g_assert_cmpuint (hr_trainables_get_n_elements (parameters), ==, json_object_get_int_member (test, "trainable"));
  g_assert_cmpstr (hr_phase_id_get_name (replay->ledger.peak_phase), ==, json_object_get_string_member (test, "phase"));
  worst = MAX (compare_phases (id, replay, peaks),
               compare_levels (id, &levels, json_object_get_object_member (test, "levels")));
  g_assert_cmpfloat (worst, <=, recorded + NOISE_PERCENT);

  return compare (id, "total", replay->ledger.peak.total, peaks);
}

static void
test_peaks (gconstpointer name)
{
  oracle_judge_cases (name, run_case, MAX_MEDIAN_PERCENT, MAX_WORST_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/oracle/peaks_of_training_are_those_of_the_framework", "training-peaks.json", test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_methods_of_fine_tuning_are_those_of_the_framework",
                        "training-peaks-methods.json", test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_further_adapters_are_those_of_the_framework",
                        "training-peaks-adapters.json", test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_training_encoders_are_those_of_the_framework", "training-peaks-encoders.json",
                        test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_training_mixers_are_those_of_the_framework", "training-peaks-mixers.json",
                        test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_training_further_families_are_those_of_the_framework",
                        "training-peaks-families.json", test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_training_by_text_keep_nothing_for_towers", "training-peaks-towers.json",
                        test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_training_with_what_saves_memory_are_those_of_the_framework",
                        "training-peaks-savers.json", test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_training_with_liger_kernel_are_those_of_its_code",
                        "training-peaks-liger.json", test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_training_with_activations_on_the_host_are_those_of_torch",
                        "training-peaks-offload.json", test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_training_with_rows_of_several_examples_are_those_of_torch",
                        "training-peaks-packing.json", test_peaks);
  g_test_add_data_func ("/oracle/peaks_of_training_with_losses_of_chunks_are_those_of_their_code",
                        "training-peaks-losses.json", test_peaks);

  g_test_add_data_func ("/oracle/peaks_of_training_in_fp8_are_those_of_torchao", "training-peaks-fp8.json", test_peaks);

  return g_test_run ();
}
