/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What saves memory by other means than checkpointing, as a person meets it: settings, warnings and refusals. */

#include <string.h>

#include "hr-error.h"
#include "hr-estimator.h"

#include "estimates.h"

static const char llama[] =
  "{\"model_type\": \"llama\", \"vocab_size\": 2048, \"hidden_size\": 512, \"intermediate_size\": 1376, "
  "\"num_hidden_layers\": 3, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"torch_dtype\": \"bfloat16\"}";

static const char mamba[] =
  "{\"model_type\": \"mamba\", \"vocab_size\": 2048, \"hidden_size\": 512, \"num_hidden_layers\": 2, "
  "\"state_size\": 16, \"torch_dtype\": \"bfloat16\"}";

static const char tied[] =
  "{\"model_type\": \"qwen2\", \"vocab_size\": 2048, \"hidden_size\": 512, \"intermediate_size\": 1376, "
  "\"num_hidden_layers\": 3, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, "
  "\"tie_word_embeddings\": true, \"torch_dtype\": \"bfloat16\"}";

static const char gpt2[] =
  "{\"model_type\": \"gpt2\", \"vocab_size\": 2048, \"n_embd\": 512, \"n_layer\": 2, \"n_head\": 8, "
  "\"torch_dtype\": \"bfloat16\"}";

static const char falcon[] =
  "{\"model_type\": \"falcon\", \"vocab_size\": 2048, \"hidden_size\": 512, \"num_hidden_layers\": 2, "
  "\"num_attention_heads\": 8, \"torch_dtype\": \"bfloat16\"}";

/* An estimate of four sequences of up to 512 tokens with settings such as “packing=bfd attention=flash”. */
static HrEstimate *
run (const char  *config,
     const char  *settings,
     GError     **error)
{
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "small", NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_TRAINING);
  g_auto (GStrv) words = g_strsplit (settings, " ", -1);

  g_assert_nonnull (model);
  g_assert_true (hr_job_set_from_string (job, "micro-batch-size", "4", NULL));
  g_assert_true (hr_job_set_from_string (job, "sequence-length", "512", NULL));
  for (guint i = 0; words[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (words[i], "=", 2);

      g_assert_true (hr_job_set_from_string (job, pair[0], pair[1], NULL));
    }

  return hr_estimator_run (model, job, NULL, 1, error);
}

static HrEstimate *
estimate (const char *settings)
{
  g_autoptr (GError) error = NULL;
  HrEstimate *result = run (llama, settings, &error);

  g_assert_no_error (error);

  return result;
}

/* What the allocator hands out at the peak, in which the order of requests plays no part. */
static guint64
get_allocated (HrEstimate *result)
{
  return hr_estimate_get_total_bytes (result) - get_component_bytes (result, HR_COMPONENT_FRAGMENTATION);
}

/* Four examples of 128 tokens are one sequence of 512, with positions beside it: eight bytes for each token. */
static void
test_padding_free (void)
{
  g_autoptr (HrEstimate) free = estimate ("packing=padding-free example-length=128 attention=flash");
  g_autoptr (HrEstimate) one = estimate ("micro-batch-size=1 attention=flash");
  g_autoptr (HrEstimate) padded = estimate ("attention=flash");
  guint64 positions = 512 * sizeof (gint64);

  g_assert_cmpuint (get_component_bytes (free, HR_COMPONENT_INPUTS), ==,
                    get_component_bytes (one, HR_COMPONENT_INPUTS) + positions);
  g_assert_cmpuint (get_component_bytes (free, HR_COMPONENT_LOGITS), ==,
                    get_component_bytes (one, HR_COMPONENT_LOGITS));
  g_assert_cmpuint (get_allocated (free), <, get_allocated (padded));
  g_assert_true (has_warning (free, "75 %"));
  g_assert_false (has_warning (free, "512 × 512"));
}

/* A mask of all tokens by all tokens, which each layer adds to its scores in 16 bits, and keeps. */
static void
test_mask (void)
{
  g_autoptr (HrEstimate) flash = estimate ("packing=bfd example-length=128 attention=flash");
  g_autoptr (HrEstimate) sdpa = estimate ("packing=bfd example-length=128");
  guint64 square = 2048 * 2048;

  g_assert_cmpuint (get_allocated (sdpa), >, get_allocated (flash) + 3 * 2 * square);
  g_assert_true (has_warning (sdpa, "2048 × 2048"));
  g_assert_false (has_warning (flash, "2048 × 2048"));
}

/* Rows that were cut off a stream are full, and come with a mask of ones. */
static void
test_wrapped (void)
{
  g_autoptr (HrEstimate) wrapped = estimate ("packing=wrapped");
  g_autoptr (HrEstimate) ones = estimate ("attention-mask=ones");

  g_assert_cmpuint (get_allocated (wrapped), ==, get_allocated (ones));
}

/* What is computed anew goes; the logits are not copied to fp32. */
static void
test_compile (void)
{
  g_autoptr (HrEstimate) compiled = estimate ("torch-compile=true");
  g_autoptr (HrEstimate) eager = estimate ("torch-compile=false");

  g_assert_cmpuint (get_component_bytes (compiled, HR_COMPONENT_ACTIVATIONS), <,
                    get_component_bytes (eager, HR_COMPONENT_ACTIVATIONS));
  g_assert_cmpuint (get_component_bytes (compiled, HR_COMPONENT_LOGITS), <,
                    get_component_bytes (eager, HR_COMPONENT_LOGITS));
  g_assert_true (has_warning (compiled, "torch.compile"));
}

/* What all layers keep until the loss is computed, with the weights. */
static guint64
get_kept (const char *config,
          guint       n_layers)
{
  g_autofree char *whole = g_strdup_printf ("{%s, \"num_hidden_layers\": %u, \"torch_dtype\": \"bfloat16\"}", config,
                                            n_layers);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrEstimate) result = run (whole, "torch-compile=true micro-batch-size=2 sequence-length=96 optimizer=sgd",
                                       &error);

  g_assert_no_error (error);

  return get_handed_out (result, HR_PHASE_LOSS) - get_component_bytes (result, HR_COMPONENT_WEIGHTS);
}

/*
 * What one more layer keeps: the tensors that min_cut_rematerialization_partition of torch 2.14.1 hands from the graph
 * of the forward pass of transformers 5.12.1 to that of the backward pass, without parameters and views of what is
 * handed on as well. The kernel of a GPU keeps the state of its random numbers beside them.
 */
static void
test_partition (void)
{
  static const struct
  {
    const char *config;
    guint64 bytes;
  } rows[] = {
    { "\"model_type\": \"llama\", \"vocab_size\": 2048, \"hidden_size\": 512, \"intermediate_size\": 1376, "
      "\"num_attention_heads\": 8, \"num_key_value_heads\": 2", 3165696 },
    { "\"model_type\": \"qwen3\", \"vocab_size\": 2048, \"hidden_size\": 512, \"intermediate_size\": 1376, "
      "\"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"head_dim\": 128, \"tie_word_embeddings\": true",
      4451328 },
    { "\"model_type\": \"gemma2\", \"vocab_size\": 3000, \"hidden_size\": 512, \"intermediate_size\": 1376, "
      "\"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"head_dim\": 64", 3560448 },
    { "\"model_type\": \"olmo2\", \"vocab_size\": 3000, \"hidden_size\": 512, \"intermediate_size\": 1376, "
      "\"num_attention_heads\": 8, \"num_key_value_heads\": 2", 3412992 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      guint64 bytes = get_kept (rows[i].config, 5) - get_kept (rows[i].config, 4);

      g_test_message ("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, bytes, rows[i].bytes);
      g_assert_cmpfloat (ABS ((double) bytes / rows[i].bytes - 1), <, 0.003);
    }
}

/* Of four sequences of 512 tokens, the vectors of 512 numbers of two bytes that go into each of the layers. */
static void
test_layer_inputs (void)
{
  g_autoptr (HrEstimate) moved = estimate ("gradient-checkpointing=full activation-offload=layer-inputs optimizer=sgd");
  g_autoptr (HrEstimate) kept = estimate ("gradient-checkpointing=full reentrant-checkpointing=true optimizer=sgd");
  guint64 input = 4 * 512 * 512 * 2;

  g_assert_cmpuint (get_handed_out (kept, HR_PHASE_BACKWARD_LOSS), ==,
                    get_handed_out (moved, HR_PHASE_BACKWARD_LOSS) + 3 * input);
}

/*
 * The trainers patch a model that they are given, and name no norms of heads of Qwen3's: those keep their input in fp32
 * and as it is normalized, where Liger-Kernel's keep it as it is.
 */
static void
test_patched_instance (void)
{
  static const char qwen3[] =
    "{\"model_type\": \"qwen3\", \"vocab_size\": 8192, \"hidden_size\": 256, \"intermediate_size\": 512, "
    "\"head_dim\": 128, \"num_hidden_layers\": 3, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, "
    "\"torch_dtype\": \"bfloat16\"}";
  static const char settings[] = "fused-kernels=liger loss-implementation=cross-entropy attention-mask=ones framework=";
  guint64 kept[2];
  static const char * const frameworks[] = { "pytorch", "transformers" };

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    {
      g_autofree char *words = g_strconcat (settings, frameworks[i], NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrEstimate) result = run (qwen3, words, &error);

      g_assert_no_error (error);
      kept[i] = get_component_bytes (result, HR_COMPONENT_ACTIVATIONS);
    }

  g_assert_cmpuint (kept[1], ==, kept[0] + 3 * 2048 * 4 * (8 + 2) * 128);
}

/* Half the bytes of bfloat16 is what a factor takes, but it is made through fp32, and nothing less is kept. */
static void
test_fp8 (void)
{
  g_autoptr (HrEstimate) fp8 = estimate ("fp8-recipe=tensorwise");
  g_autoptr (HrEstimate) plain = estimate ("fp8-recipe=none");
  g_autoptr (HrEstimate) trainer = estimate ("fp8-recipe=tensorwise framework=transformers");

  g_assert_cmpuint (get_handed_out (fp8, HR_PHASE_LOSS), ==, get_handed_out (plain, HR_PHASE_LOSS));
  g_assert_cmpuint (get_handed_out (fp8, HR_PHASE_BACKWARD), >, get_handed_out (plain, HR_PHASE_BACKWARD));
  g_assert_true (has_warning (fp8, "21 of 22 linear layers"));
  g_assert_true (has_warning (trainer, "20 of 22 linear layers"));
  g_assert_true (has_warning (trainer, "autocast bfloat16"));
  g_assert_false (has_warning (fp8, "autocast bfloat16"));
}

/*
 * Of three layers and the head in bfloat16, 2,048 tokens: each linear layer keeps its input in fp8 for itself, and its
 * weight twice; the inputs that nothing else needs in bfloat16 go: those of queries, keys and values, of gate and up,
 * and of down, while the model's function holds that of the head. Two scales of each layer, the workspace, and the
 * histories of delayed scaling come to it.
 */
static void
test_transformer_engine (void)
{
  g_autoptr (HrEstimate) delayed = estimate ("fp8-recipe=delayed fp8-backend=transformer-engine");
  g_autoptr (HrEstimate) current = estimate ("fp8-recipe=tensorwise fp8-backend=transformer-engine");
  g_autoptr (HrEstimate) plain = estimate ("fp8-recipe=none");
  guint64 h = 512, i = 1376, v = 2048, n_tokens = 2048, n = 3 * 7 + 1;
  guint64 weights = 3 * (h * h + 2 * h * 128 + h * h + 3 * h * i) + h * v;
  guint64 kept = n_tokens * (3 * (6 * h + i) + h) + 2 * weights + n * 2 * 512;
  guint64 workspace = 32 * 1024 * 1024 + 1024;
  guint64 gone = 2 * n_tokens * 3 * (2 * h + i);

  g_assert_cmpuint (get_handed_out (current, HR_PHASE_LOSS) + gone, ==,
                    get_handed_out (plain, HR_PHASE_LOSS) + kept + workspace);
  g_assert_cmpuint (get_component_bytes (current, HR_COMPONENT_WEIGHTS), ==,
                    get_component_bytes (plain, HR_COMPONENT_WEIGHTS) + workspace);
  g_assert_cmpuint (get_component_bytes (delayed, HR_COMPONENT_WEIGHTS), ==,
                    get_component_bytes (current, HR_COMPONENT_WEIGHTS) + n * (2 * 512 + 1024 * (3 + 2) * 4));
  g_assert_true (has_warning (delayed, "22 of 22 linear layers"));
}

static void
test_refusals (void)
{
  static const struct
  {
    const char *config;
    const char *settings;
    const char *property;
    const char *found;
  } refused[] = {
    { llama, "packing=bfd example-length=600", "example-length", "600" },
    { llama, "packing=bfd framework=megatron-lm", "packing", "bfd" },
    { mamba, "packing=padding-free", "packing", "mamba" },
    { mamba, "torch-compile=true", "torch-compile", "true" },
    { llama, "activation-offload=layer-inputs", "activation-offload", "layer-inputs" },
    { llama, "activation-offload=save-on-cpu gradient-checkpointing=selective", "activation-offload", "save-on-cpu" },
    { llama, "fp8-recipe=tensorwise micro-batch-size=1 sequence-length=100", "sequence-length", "100 tokens" },
    { llama, "fp8-recipe=delayed", "fp8-backend", "torchao" },
    { llama, "fp8-recipe=rowwise fp8-backend=transformer-engine", "fp8-recipe", "rowwise" },
    { llama, "fp8-recipe=delayed fp8-backend=transformer-engine micro-batch-size=1 sequence-length=100",
      "sequence-length", "100 tokens" },
    { tied, "fp8-recipe=delayed fp8-backend=transformer-engine", "fp8-backend", "transformer-engine" },
    { llama, "fp8-recipe=rowwise torch-compile=true", "fp8-recipe", "torch.compile" },
    { llama, "fp8-recipe=rowwise framework=megatron-lm", "fp8-recipe", "rowwise" },
    { mamba, "fp8-recipe=rowwise", "fp8-recipe", "rowwise" },
    { gpt2, "fp8-recipe=rowwise", "fp8-recipe", "multiples of 16" },
    { falcon, "fp8-recipe=rowwise", "fp8-recipe", "in place" },
    { llama, "torch-compile=true attention=flash", "torch-compile", "true" },
    { llama, "torch-compile=true packing=bfd", "torch-compile", "true" },
    { llama, "torch-compile=true fused-kernels=liger", "torch-compile", "true" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (run (refused[i].config, refused[i].settings, &error));
      g_assert_nonnull (error);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, refused[i].property));
      g_assert_nonnull (strstr (error->message, refused[i].found));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/training-savers/a_batch_without_padding_is_one_row_of_its_tokens", test_padding_free);
  g_test_add_func ("/training-savers/without_flash_attention_a_packed_row_needs_a_mask_of_its_square", test_mask);
  g_test_add_func ("/training-savers/rows_that_are_cut_off_a_stream_are_full", test_wrapped);
  g_test_add_func ("/training-savers/what_is_compiled_keeps_less_and_copies_no_logits", test_compile);
  g_test_add_func ("/training-savers/what_a_compiled_layer_keeps_is_what_the_partitioner_keeps", test_partition);
  g_test_add_func ("/training-savers/what_goes_into_layers_can_wait_on_the_host", test_layer_inputs);
  g_test_add_func ("/training-savers/a_trainer_leaves_the_norms_of_heads_to_transformers", test_patched_instance);
  g_test_add_func ("/training-savers/in_fp8_nothing_less_is_kept_where_layers_are_not_compiled", test_fp8);
  g_test_add_func ("/training-savers/transformer_engine_keeps_inputs_and_weights_in_fp8", test_transformer_engine);
  g_test_add_func ("/training-savers/what_is_not_known_is_refused_by_name", test_refusals);

  return g_test_run ();
}
