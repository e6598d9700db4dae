/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * The caching allocator against cases worked out by hand from c10/cuda/CUDACachingAllocator.cpp, and the requests of a
 * job against its books: they hold the same at the peak.
 */

#include "hr-caching-allocator.h"
#include "hr-estimator.h"
#include "hr-fine-tuning-job.h"
#include "hr-heap.h"
#include "hr-inference-heap.h"
#include "hr-inference-job.h"
#include "hr-model-catalogue.h"
#include "hr-training-estimate.h"
#include "hr-training-heap.h"

#include "estimates.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)

static void
test_small (void)
{
  g_autoptr (HrCachingAllocator) allocator = hr_caching_allocator_new ();

  for (guint i = 0; i < 4096; i++)
    hr_caching_allocator_allocate (allocator, 1 + i % 512);
  g_assert_cmpuint (hr_caching_allocator_get_allocated (allocator), ==, 2 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 2 * MIB);

  hr_caching_allocator_allocate (allocator, MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 4 * MIB);
  hr_caching_allocator_allocate (allocator, MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 4 * MIB);

  /* A byte more is a large block, of a segment of 20 MiB. */
  hr_caching_allocator_allocate (allocator, MIB + 1);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 24 * MIB);
}

static void
test_segments (void)
{
  g_autoptr (HrCachingAllocator) allocator = hr_caching_allocator_new ();

  /* Three of 6 MiB lie in a segment; the 2 MiB that are left are too few for another. */
  for (guint i = 0; i < 4; i++)
    hr_caching_allocator_allocate (allocator, 6 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 40 * MIB);
  hr_caching_allocator_allocate (allocator, 2 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 40 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_allocated (allocator), ==, 26 * MIB);

  /* One of 10 MiB or more has a segment of its own, rounded up to 2 MiB; a rest of 1 MiB is not split off. */
  hr_caching_allocator_allocate (allocator, 15 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 56 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_allocated (allocator), ==, 42 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_peak (allocator), ==, 41 * MIB);
}

static void
test_best_fit (void)
{
  g_autoptr (HrCachingAllocator) allocator = hr_caching_allocator_new ();
  guint32 large = hr_caching_allocator_allocate (allocator, 40 * MIB);
  guint32 fitting = hr_caching_allocator_allocate (allocator, 20 * MIB);

  hr_caching_allocator_release (allocator, large);
  hr_caching_allocator_release (allocator, fitting);

  /* 18 MiB come from the 20 MiB, whose rest of 2 MiB and the 40 MiB stay whole for those that follow. */
  hr_caching_allocator_allocate (allocator, 18 * MIB);
  hr_caching_allocator_allocate (allocator, 2 * MIB);
  hr_caching_allocator_allocate (allocator, 40 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 60 * MIB);
}

static void
test_merging (void)
{
  g_autoptr (HrCachingAllocator) allocator = hr_caching_allocator_new ();
  guint32 blocks[3];

  for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
    blocks[i] = hr_caching_allocator_allocate (allocator, 6 * MIB);

  /* The first stands alone; the last joins the rest of the segment, which makes 8 MiB. */
  hr_caching_allocator_release (allocator, blocks[0]);
  hr_caching_allocator_release (allocator, blocks[2]);
  blocks[2] = hr_caching_allocator_allocate (allocator, 8 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 20 * MIB);

  /* 9 MiB are free nowhere in one piece before the one between is free as well. */
  hr_caching_allocator_release (allocator, blocks[1]);
  hr_caching_allocator_allocate (allocator, 9 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 20 * MIB);
  hr_caching_allocator_release (allocator, blocks[2]);
  hr_caching_allocator_allocate (allocator, 9 * MIB + MIB / 2);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 20 * MIB);
  hr_caching_allocator_allocate (allocator, 9 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, 40 * MIB);
}

/* A cache that grows by torch.cat finds no room in what its shorter self leaves, but in what two of these make. */
static void
test_growth (void)
{
  g_autoptr (HrCachingAllocator) allocator = hr_caching_allocator_new ();
  guint32 cache = hr_caching_allocator_allocate (allocator, 20 * MIB);

  for (guint i = 1; i <= 3; i++)
    {
      guint32 longer = hr_caching_allocator_allocate (allocator, (20 + 2 * i) * MIB);

      hr_caching_allocator_release (allocator, cache);
      cache = longer;
    }
  g_assert_cmpuint (hr_caching_allocator_get_allocated (allocator), ==, 26 * MIB);
  g_assert_cmpuint (hr_caching_allocator_get_reserved (allocator), ==, (20 + 22 + 24 + 26) * MIB);
}

/* What is recorded is asked for again; what it leaves is the same from some time on. */
static void
test_repetition (void)
{
  g_autoptr (HrHeap) heap = hr_heap_new (4 * MIB);
  HrHeapBlock blocks[2];

  hr_heap_take (heap, 100 * MIB);
  hr_heap_set_recording (heap, TRUE);
  blocks[0] = hr_heap_take (heap, 30 * MIB);
  hr_heap_multiply (heap, HR_HEAP_THREAD_FORWARD);
  hr_heap_set_recording (heap, FALSE);
  hr_heap_take (heap, 7 * MIB);
  hr_heap_set_recording (heap, TRUE);
  blocks[1] = hr_heap_take (heap, 12 * MIB);
  hr_heap_give (heap, blocks[0]);
  hr_heap_give (heap, blocks[1]);
  g_assert_cmpuint (hr_heap_get_reserved (heap), ==, (100 + 30 + 20 + 12) * MIB);
  g_assert_cmpuint (hr_heap_get_peak (heap), ==, (100 + 30 + 4 + 7 + 12) * MIB);

  hr_heap_set_recording (heap, FALSE);
  hr_heap_take (heap, 25 * MIB);
  hr_heap_repeat (heap, 10);
  g_assert_cmpuint (hr_heap_get_reserved (heap), ==, (100 + 30 + 20 + 12 + 30) * MIB);
}

/* What is left is found by its size, the first of them first. */
static void
test_left (void)
{
  g_autoptr (HrHeap) heap = hr_heap_new (0);
  HrHeapBlock small = hr_heap_take (heap, MIB);
  HrHeapBlock first = hr_heap_take (heap, 30 * MIB);
  HrHeapBlock second = hr_heap_take (heap, 30 * MIB);

  hr_heap_leave (heap, small, HR_COMPONENT_GRADIENTS, MIB);
  hr_heap_leave (heap, first, HR_COMPONENT_GRADIENTS, 30 * MIB);
  hr_heap_leave (heap, second, HR_COMPONENT_GRADIENTS, 30 * MIB);
  g_assert_cmpuint (hr_heap_adopt (heap, HR_COMPONENT_TEMPORARY, MIB), ==, HR_NO_BLOCK);
  g_assert_cmpuint (hr_heap_adopt (heap, HR_COMPONENT_GRADIENTS, 31 * MIB), ==, HR_NO_BLOCK);
  g_assert_cmpuint (hr_heap_adopt (heap, HR_COMPONENT_GRADIENTS, 30 * MIB), ==, first);
  hr_heap_give_left (heap, HR_COMPONENT_GRADIENTS);
  g_assert_cmpuint (hr_heap_adopt (heap, HR_COMPONENT_GRADIENTS, 30 * MIB), ==, HR_NO_BLOCK);

  /* What was given back is there for others. */
  hr_heap_take (heap, 30 * MIB);
  g_assert_cmpuint (hr_heap_get_reserved (heap), ==, 62 * MIB);
}

static const char llama[] =
  "{\"model_type\": \"llama\", \"vocab_size\": 4000, \"hidden_size\": 512, \"intermediate_size\": 1376, "
  "\"num_hidden_layers\": 5, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, \"torch_dtype\": \"bfloat16\"}";
static const char gpt2[] =
  "{\"model_type\": \"gpt2\", \"vocab_size\": 4000, \"n_embd\": 256, \"n_layer\": 4, \"n_head\": 4, "
  "\"torch_dtype\": \"bfloat16\"}";
static const char gemma2[] =
  "{\"model_type\": \"gemma2\", \"vocab_size\": 4000, \"hidden_size\": 256, \"intermediate_size\": 1024, "
  "\"num_hidden_layers\": 4, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 64, "
  "\"torch_dtype\": \"bfloat16\"}";
static const char t5[] =
  "{\"model_type\": \"t5\", \"vocab_size\": 4000, \"d_model\": 256, \"d_ff\": 1024, \"d_kv\": 64, \"num_layers\": 3, "
  "\"num_heads\": 4, \"torch_dtype\": \"bfloat16\"}";
static const char mixtral[] =
  "{\"model_type\": \"mixtral\", \"vocab_size\": 4000, \"hidden_size\": 256, \"intermediate_size\": 512, "
  "\"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"num_local_experts\": 4, "
  "\"torch_dtype\": \"bfloat16\"}";
static const char bert[] =
  "{\"model_type\": \"bert\", \"architectures\": [\"BertForMaskedLM\"], \"vocab_size\": 4000, \"hidden_size\": 256, "
  "\"intermediate_size\": 1024, \"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"torch_dtype\": \"bfloat16\"}";

static const char * const models[] = { llama, gpt2, gemma2, t5, mixtral, bert };

static const char * const settings[] = {
  "fine-tuning-method=full",
  "fine-tuning-method=full gradient-checkpointing=full",
  "fine-tuning-method=full gradient-checkpointing=full reentrant-checkpointing=true",
  "fine-tuning-method=full attention=eager gradient-accumulation-steps=3 gradient-clipping=true",
  "fine-tuning-method=full autocast=bfloat16 dtype=float32 fp32-outputs=true",
  "fine-tuning-method=full autocast=float16 dtype=float32",
  "fine-tuning-method=full keep-outputs=true optimizer=sgd",
  "fine-tuning-method=full optimizer=sgd-momentum zero-grad=before-backward",
  "fine-tuning-method=full optimizer-implementation=for-loop",
  "fine-tuning-method=full optimizer-implementation=fused",
  "fine-tuning-method=full master-dtype=float32",
  "fine-tuning-method=full master-dtype=float32 gradient-dtype=float32",
  "fine-tuning-method=full optimizer=adafactor",
  "fine-tuning-method=full optimizer=adamw-8bit",
  "fine-tuning-method=full optimizer=lion",
  "fine-tuning-method=full optimizer=muon",
  "fine-tuning-method=full optimizer=lomo",
  "fine-tuning-method=full activation-offload=save-on-cpu",
  "fine-tuning-method=full activation-offload=save-on-cpu gradient-checkpointing=full",
  "fine-tuning-method=lora activation-offload=layer-inputs gradient-checkpointing=full autocast=bfloat16",
  "fine-tuning-method=full packing=bfd example-length=50",
  "fine-tuning-method=full fp8-recipe=tensorwise",
  "fine-tuning-method=full fp8-recipe=delayed fp8-backend=transformer-engine autocast=bfloat16 dtype=float32",
  "fine-tuning-method=full fp8-recipe=rowwise-with-gw-hp autocast=bfloat16 dtype=float32",
  "fine-tuning-method=full torch-compile=true",
  "fine-tuning-method=lora torch-compile=true autocast=bfloat16 attention=eager",
  "fine-tuning-method=full packing=padding-free attention=flash gradient-checkpointing=full",
  "fine-tuning-method=lora activation-offload=save-on-cpu attention=eager",
  "fine-tuning-method=full activation-offload=save-on-cpu autocast=bfloat16 dtype=float32",
  "fine-tuning-method=full fused-kernels=liger",
  "fine-tuning-method=full loss-implementation=liger-cross-entropy gradient-checkpointing=full",
  "fine-tuning-method=full loss-implementation=cut-cross-entropy",
  "fine-tuning-method=full loss-implementation=chunked-nll",
  "fine-tuning-method=lora loss-implementation=chunked-nll autocast=bfloat16 dtype=float32",
  "fine-tuning-method=lora fused-kernels=liger autocast=bfloat16 dtype=float32",
  "fine-tuning-method=full loss-implementation=liger-fused-linear-cross-entropy autocast=bfloat16 dtype=float32",
  "fine-tuning-method=freeze trained-layers=2",
  "fine-tuning-method=lora",
  "fine-tuning-method=lora gradient-checkpointing=full",
  "fine-tuning-method=lora lora-dropout=0.1 lora-targets=all-linear",
  "fine-tuning-method=qlora",
  "fine-tuning-method=bitfit",
  "fine-tuning-method=prompt",
  "framework=colossalai fine-tuning-method=full data-parallel=4",
  "framework=colossalai fine-tuning-method=full gradient-checkpointing=full gradient-accumulation-steps=3",
  "framework=colossalai fine-tuning-method=full gradient-checkpointing=full data-parallel=2 optimizer-offload=cpu",
  "algorithm=dpo framework=colossalai fine-tuning-method=full gradient-checkpointing=full",
  "algorithm=simpo framework=colossalai fine-tuning-method=full data-parallel=4 logits-upcast=forward",
  "algorithm=orpo framework=colossalai fine-tuning-method=full gradient-accumulation-steps=3",
  "algorithm=kto framework=colossalai fine-tuning-method=full optimizer-offload=cpu gradient-checkpointing=full",
};

static HrJob *
make_job (const char *text)
{
  g_autoptr (HrJob) job = hr_job_new (g_str_has_prefix (text, "algorithm") ? HR_MODE_GRPO : HR_MODE_FINE_TUNING);
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  g_object_set (job, "micro-batch-size", G_GUINT64_CONSTANT (2), "sequence-length", G_GUINT64_CONSTANT (512), NULL);
  for (guint i = 0; words[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (words[i], "=", 2);
      g_autoptr (GError) error = NULL;

      hr_job_set_from_string (job, pair[0], pair[1], &error);
      g_assert_no_error (error);
    }

  return g_steal_pointer (&job);
}

/* Layers that ask for what one of them has asked for reserve what they do where each of them is replayed. */
static void
check_layers (HrTrainingPlan       *plan,
              const HrTrainingHeap *heap,
              const char           *text)
{
  HrTrainingHeap all;

  plan->training.pass.every_layer = TRUE;
  hr_training_heap_init (&all, plan, 0, FALSE);
  plan->training.pass.every_layer = FALSE;
  if (all.reserved_bytes != heap->reserved_bytes || all.peak_bytes != heap->peak_bytes)
    g_test_message ("%s", text);
  g_assert_cmpuint (all.peak_bytes, ==, heap->peak_bytes);
  g_assert_cmpuint (all.reserved_bytes, ==, heap->reserved_bytes);
}

/*
 * What is asked for at the peak of the first steps is what the books hold at the peak of a step. Returns whether the
 * job can be done at all.
 */
static gboolean
check_requests (const char *config,
                const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (config, -1, "model", &error);
  g_autoptr (HrJob) job = make_job (text);
  g_autoptr (HrTrainingPlan) plan = g_new0 (HrTrainingPlan, 1);
  g_autoptr (HrEstimate) estimate = NULL;
  HrTrainingHeap heap;

  g_assert_no_error (error);
  if (!hr_training_plan_init (plan, model, HR_TRAINING_JOB (job), 1, 0, NULL, NULL))
    return FALSE;

  estimate = hr_training_estimate_new (plan, NULL, FALSE, NULL);
  if (estimate == NULL)
    return FALSE;

  hr_training_heap_init (&heap, plan, 0, FALSE);
  check_layers (plan, &heap, text);
  g_test_message ("%s %s: %" G_GUINT64_FORMAT " allocated, %" G_GUINT64_FORMAT " asked for, %" G_GUINT64_FORMAT
                  " reserved", hr_model_get_model_type (model), text, get_allocated_bytes (estimate), heap.peak_bytes,
                  heap.reserved_bytes);
  g_assert_cmpuint (heap.peak_bytes, ==, get_allocated_bytes (estimate));
  g_assert_cmpuint (heap.reserved_bytes, >=, heap.peak_bytes);

  return TRUE;
}

static void
test_requests (void)
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      for (guint j = 0; j < G_N_ELEMENTS (settings); j++)
        n += check_requests (models[i], settings[j]);
    }
  g_test_message ("%u jobs", n);
  g_assert_cmpuint (n, >=, 100);
}

/* What is reserved where each layer is replayed, and where others ask for what one of their class has asked for. */
static gboolean
check_scripts (HrModel    *model,
               const char *text)
{
  g_autoptr (HrJob) job = HR_JOB (hr_inference_job_new ());
  g_auto (HrInferencePlan) plan = { 0 };
  g_autoptr (GError) error = NULL;
  guint64 reserved;

  hr_job_set_all_from_string (job, text, &error);
  g_assert_no_error (error);
  if (!hr_inference_plan_init (&plan, model, HR_INFERENCE_JOB (job), NULL))
    return FALSE;

  reserved = hr_inference_heap_run (&plan, 8 * MIB, HR_PROCESS_SERVES);
  plan.inference.every_layer = TRUE;
  g_assert_cmpuint (reserved, ==, hr_inference_heap_run (&plan, 8 * MIB, HR_PROCESS_SERVES));

  return TRUE;
}

static gboolean
check_training_scripts (HrModel    *model,
                        HrMode      mode,
                        const char *text)
{
  g_autoptr (HrJob) job = hr_job_new (mode);
  g_autoptr (HrTrainingPlan) plan = g_new0 (HrTrainingPlan, 1);
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;
  HrTrainingHeap heap;

  if (!hr_job_set_all_from_string (job, text, &error) ||
      !hr_training_plan_init (plan, model, HR_TRAINING_JOB (job), 1, 0, NULL, NULL))
    return FALSE;
  estimate = hr_training_estimate_new (plan, NULL, FALSE, NULL);
  if (estimate == NULL)
    return FALSE;

  hr_training_heap_init (&heap, plan, 0, FALSE);
  check_layers (plan, &heap, text);

  return TRUE;
}

/* The smallest model of each type that can be estimated, by the name of the type. */
static GHashTable *
get_smallest_of_types (void)
{
  GListModel *entries = hr_model_catalogue_get_default ();
  GHashTable *smallest = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);
      g_autoptr (HrModel) model = hr_model_new_from_id (hr_model_entry_get_id (entry), NULL);
      HrModel *other;

      if (model == NULL || !hr_model_check_can_be_estimated (model, NULL))
        continue;

      other = g_hash_table_lookup (smallest, hr_model_get_model_type (model));
      if (other == NULL || hr_model_get_n_parameters (model) < hr_model_get_n_parameters (other))
        g_hash_table_insert (smallest, g_strdup (hr_model_get_model_type (model)), g_object_ref (model));
    }

  return smallest;
}

/* Calls @func with a model of each type of the catalogue: a small one, for each of its layers is replayed. */
static guint
foreach_type (guint (*func) (HrModel *model))
{
  g_autoptr (GHashTable) smallest = get_smallest_of_types ();
  GHashTableIter iter;
  gpointer model;
  guint n = 0;

  g_hash_table_iter_init (&iter, smallest);
  while (g_hash_table_iter_next (&iter, NULL, &model))
    {
      g_test_message ("%s", hr_model_get_name (model));
      n += func (model);
    }
  g_test_message ("%u jobs of %u types", n, g_hash_table_size (smallest));

  return n;
}

static guint
check_training_of_type (HrModel *model)
{
  static const char * const texts[] = {
    "fine-tuning-method=lora sequence-length=512",
    "fine-tuning-method=qlora gradient-checkpointing=full sequence-length=700 micro-batch-size=2",
    "fine-tuning-method=full attention=eager sequence-length=300 optimizer=adamw-8bit",
    "fine-tuning-method=lora attention=eager sequence-length=300 gradient-checkpointing=selective "
    "selective-checkpointing=attention",
    "fine-tuning-method=full autocast=bfloat16 dtype=float32 gradient-checkpointing=full sequence-length=256",
  };
  static const char * const answers[] = {
    "algorithm=grpo fine-tuning-method=lora completion-length=200 micro-batch-size=4",
    "algorithm=ppo fine-tuning-method=full gradient-checkpointing=full completion-length=100",
    "algorithm=dpo fine-tuning-method=full completion-length=100 micro-batch-size=2",
  };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    n += check_training_scripts (model, HR_MODE_FINE_TUNING, texts[i]) ? 1 : 0;
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    n += check_training_scripts (model, HR_MODE_GRPO, answers[i]) ? 1 : 0;

  return n;
}

/* A model of each type, in training. */
static void
test_training_scripts (void)
{
  g_assert_cmpuint (foreach_type (check_training_of_type), >=, 300);
}

static guint
check_inference_of_type (HrModel *model)
{
  static const char * const texts[] = {
    "batch-size=2 prompt-length=300", "batch-size=2 prompt-length=4000", "beams=3 prompt-length=77 batch-size=3",
    "use-cache=false prompt-length=130",
    "attention=eager attention-mask=padded batch-size=3 prompt-length=500 output-length=9",
    "kv-cache-dtype=int4 prompt-length=5000",
  };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    n += check_scripts (model, texts[i]) ? 1 : 0;

  return n;
}

/* A model of each type, with caches of all kinds. */
static void
test_scripts (void)
{
  g_assert_cmpuint (foreach_type (check_inference_of_type), >=, 300);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/heap/blocks_up_to_a_mebibyte_share_segments_of_two", test_small);
  g_test_add_func ("/heap/large_blocks_share_segments_of_twenty_or_have_their_own", test_segments);
  g_test_add_func ("/heap/the_smallest_free_block_that_is_large_enough_is_taken", test_best_fit);
  g_test_add_func ("/heap/free_blocks_join_their_free_neighbours", test_merging);
  g_test_add_func ("/heap/a_block_that_grows_leaves_holes_behind", test_growth);
  g_test_add_func ("/heap/a_recorded_step_is_asked_for_again", test_repetition);
  g_test_add_func ("/heap/what_leaves_the_tape_is_found_again", test_left);
  g_test_add_func ("/heap/layers_of_a_class_ask_for_what_one_of_them_asks_for", test_scripts);
  g_test_add_func ("/heap/layers_that_are_trained_ask_for_what_one_of_them_asks_for", test_training_scripts);
  g_test_add_func ("/heap/requests_of_a_job_add_up_to_its_books", test_requests);

  return g_test_run ();
}
