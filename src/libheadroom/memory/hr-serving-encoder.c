/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-serving-encoder.h"

#include "hr-inference-cache.h"
#include "hr-media.h"
#include "hr-message.h"
#include "hr-model-private.h"
#include "hr-pass.h"
#include "hr-serving-run.h"

/*
 * The trial run of an encoder of pictures, with which vLLM's profile_run begins (GPUModelRunner.profile_run of
 * vllm/v1/worker/gpu_model_runner.py, EncoderRunner.profile_encoder_cache of vllm/v1/worker/gpu/mm/encoder_runner.py):
 * as many of the largest picture as the budget has room for go through the tower (MultiModalBudget of
 * vllm/multimodal/encoder_budget.py). Its layers are those of vllm/model_executor/models, which run operator by
 * operator. The pictures are local variables of profile_run, and what has been made of them is in the encoder cache,
 * until the decoder and the sampler have been tried.
 */

#define S HR_SYMBOL_SEQUENCE
#define H HR_SYMBOL_HIDDEN

/* More than any processor lays a picture out on. */
#define MAX_TILES 64

/* Rows of the table of positions that a patch lies between. */
#define N_CORNERS 4

/* Models whose tower is known here, operator by operator: rows of patches, and pictures of one size. */
static gboolean
knows_tower (HrModel       *model,
             const HrStack *tower)
{
  static const char * const rows[] = {
    "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", NULL
  };
  static const char * const pictures[] = {
    "gemma3", "llava", "llava_next", "internvl", "internvl_chat", "paligemma", NULL
  };
  const char *type = hr_model_get_model_type (model);

  if (tower->tower == HR_TOWER_QWEN_VL)
    return g_strv_contains (rows, type);

  return tower->tower == HR_TOWER_VIT && g_strv_contains (pictures, type);
}

/* Models whose tower ranks may have whole (supports_encoder_tp_data of vllm/model_executor/models). */
static gboolean
may_copy_tower (HrModel *model)
{
  static const char * const types[] = {
    "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "internvl", "internvl_chat",
    "glm4v", "glm4v_moe", "kimi_vl", "kimi_k25", "llama4", "minicpmv", "step3_vl", NULL
  };

  return g_strv_contains (types, hr_model_get_model_type (model));
}

static const HrStack *
find_tower (HrModel *model)
{
  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      if (stack->role == HR_STACK_VISION && stack->n_layers > 0 && stack->tower != HR_TOWER_UNKNOWN)
        return stack;
    }

  return NULL;
}

static gboolean
is_heard (HrModel *model)
{
  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      if (hr_model_get_stack (model, i)->role == HR_STACK_AUDIO)
        return TRUE;
    }

  return FALSE;
}

/* Keeps the picture that takes most tokens; sizes that the processor refuses are none. */
static void
try_size (const HrProcessor *processor,
          guint64            height,
          guint64            width,
          HrMediumTokens    *largest)
{
  HrMedium medium = { .kind = HR_MEDIUM_IMAGE, .width = width, .height = height };
  HrMediumTokens found;

  if (MAX (height, width) <= HR_MEDIUM_MAX_SIDE && hr_processor_count (processor, &medium, &found, NULL) &&
      found.tokens > largest->tokens)
    *largest = found;
}

/*
 * The picture that takes most tokens (get_image_size_with_most_features of the models): one that is too large, or one
 * that fills a canvas.
 */
static void
find_largest (const HrProcessor *processor,
              HrMediumTokens    *largest)
{
  const HrProcessorEntry *entry = &processor->entries[HR_MEDIUM_IMAGE];
  guint64 side = entry->values[HR_PROCESSOR_IMAGE_SIZE];
  guint64 tiles = MIN (entry->values[HR_PROCESSOR_MAX_TILES], MAX_TILES);

  *largest = (HrMediumTokens) { .tokens = 0 };
  try_size (processor, HR_MEDIUM_MAX_SIDE, HR_MEDIUM_MAX_SIDE, largest);
  for (guint i = 0; entry->canvases != NULL && i < entry->canvases->len; i++)
    {
      const HrProcessorCanvas *canvas = &g_array_index (entry->canvases, HrProcessorCanvas, i);

      try_size (processor, canvas->height, canvas->width, largest);
    }
  for (guint64 i = 1; side > 0 && i <= tiles; i++)
    {
      for (guint64 j = 1; i * j <= tiles; j++)
        try_size (processor, i * side, j * side, largest);
    }
}

/* The largest picture, where a limit of the job is below that of the processor (--mm-processor-kwargs). */
static void
find_largest_of_job (HrModel        *whole,
                     HrInferenceJob *job,
                     HrMediumTokens *largest)
{
  HrProcessor processor = *_hr_model_get_processor (whole);
  guint64 *most = &processor.entries[HR_MEDIUM_IMAGE].values[HR_PROCESSOR_MAX_PIXELS];
  guint64 pixels = hr_inference_job_get_mm_max_pixels (job);

  if (pixels > 0 && *most > 0)
    *most = pixels;
  find_largest (&processor, largest);
}

/* The width of what the decoder reads. */
static guint64
get_text_hidden (HrModel *model)
{
  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);
      const HrBlock *token = hr_chain_find_block (&stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);

      if (stack->role == HR_STACK_DECODER && token != NULL)
        return token->token_embedding.hidden_size;
    }

  return 0;
}

/* What the tower sees of the pictures, and what comes of it (hr-media-towers). */
static gboolean
measure_tower (HrServingEncoder      *self,
               HrModel               *whole,
               const HrMediumTokens  *largest,
               GError               **error)
{
  g_autoptr (HrMedia) media = hr_media_new_alike (largest, self->n_items);
  const HrTower *tower;

  if (!hr_media_add_towers (media, whole, 1, error))
    return FALSE;

  tower = &g_array_index (media->towers, HrTower, 0);
  self->positions = tower->batch * tower->sequence;
  self->pixels = MAX (tower->batch, tower->given) * tower->picture;
  self->seen = tower->seen;
  self->merge = tower->merge;
  self->text_hidden = get_text_hidden (whole);

  return TRUE;
}

/* How many pictures are tried at once (MultiModalBudget._get_max_items; a prompt may have any number of them). */
static guint64
count_items (const HrServingPlan *plan,
             guint64              tokens)
{
  guint64 budget = MAX (plan->max_num_batched_tokens, tokens);
  guint64 of_prompt = MAX (plan->max_model_len / tokens, 1);

  return MAX (MIN (budget / tokens, plan->max_num_seqs * of_prompt), 1);
}

/*
 * Ranks that have the whole tower share the pictures: the first has as many as any other, and what comes of them is
 * gathered with as much from each (run_dp_sharded_mrope_vision_model of vllm/model_executor/models/vision.py).
 */
static void
share_pictures (HrServingEncoder *self,
                guint64           n_ranks)
{
  guint64 n_items = (self->n_items + n_ranks - 1) / n_ranks;

  self->given = self->pixels;
  self->pixels = self->pixels / self->n_items * n_items;
  self->positions = self->positions / self->n_items * n_items;
  self->seen = self->seen / self->n_items * n_items;
  self->gathered = self->seen * n_ranks;
}

/* Whether it is known that ranks have the whole of a tower where they are told to. */
static gboolean
resolve_copies (HrServingEncoder  *self,
                HrModel           *whole,
                HrInferenceJob    *job,
                GError           **error)
{
  self->is_copied = hr_inference_job_get_mm_encoder_data_parallel (job) && !self->is_left_out &&
                    hr_job_get_tensor_parallel (HR_JOB (job)) > 1 && find_tower (whole) != NULL;
  if (!self->is_copied || may_copy_tower (whole))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("mm-encoder-data-parallel: expected false, as it is not known of “%s” that GPUs which share "
                           "its layers have each the whole tower; found true"), hr_model_get_name (whole));

  return FALSE;
}

/*
 * hr_serving_encoder_resolve:
 * @plan: a plan, whose batches are known
 * @whole: the model
 * @job: a job
 * @error: return location for an error
 *
 * Finds out what the encoder of a model is tried with, if it is known and is tried at all.
 *
 * Returns: whether that went well
 */
gboolean
hr_serving_encoder_resolve (HrServingPlan   *plan,
                            HrModel         *whole,
                            HrInferenceJob  *job,
                            GError         **error)
{
  HrServingEncoder *self = &plan->encoder;
  const HrStack *tower = find_tower (whole);
  HrMediumTokens largest;

  self->is_left_out = hr_inference_job_get_language_model_only (job);
  self->is_skipped = hr_inference_job_get_skip_mm_profiling (job);
  if (!resolve_copies (self, whole, job, error))
    return FALSE;
  if (plan->profile->is_eager || self->is_left_out || self->is_skipped || tower == NULL || is_heard (whole) ||
      !knows_tower (whole, tower))
    return TRUE;

  find_largest_of_job (whole, job, &largest);
  if (largest.tokens == 0)
    return TRUE;

  /* Models whose tower sees rows of patches say themselves how many there are (get_mm_max_tokens_per_item). */
  self->tokens = plan->profile->counts_markers && tower->tower != HR_TOWER_QWEN_VL ? largest.tokens + largest.around
                                                                                   : largest.seen;
  self->n_items = count_items (plan, self->tokens);
  if (!measure_tower (self, whole, &largest, error))
    return FALSE;
  if (self->is_copied)
    share_pictures (self, hr_job_get_tensor_parallel (HR_JOB (job)));

  return TRUE;
}

/* What layers of the tower make beside what goes on, for the first layers of the decoder. */
static guint
count_handed_on (const HrStack *tower)
{
  guint n = 0;

  for (guint i = 0; tower->hands_on != NULL && i < tower->n_layers; i++)
    n += tower->hands_on[i];

  return n;
}

static void
set_symbols (const HrServingPlan *plan,
             HrReplay            *replay,
             const HrStack       *tower)
{
  const HrLayerClass *klass = &tower->layer_classes[0];
  const HrBlock *mlp = hr_layer_class_find_block (klass, HR_BLOCK_MLP);
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  guint64 *symbols = replay->symbols;

  hr_pass_set_attention_symbols (replay, attention);
  symbols[S] = plan->encoder.positions;
  symbols[H] = attention->hidden_size;
  symbols[HR_SYMBOL_INTERMEDIATE] = mlp->mlp.intermediate_size;
  symbols[HR_SYMBOL_PICTURE] = plan->encoder.pixels;
  symbols[HR_SYMBOL_SEEN] = plan->encoder.seen;
  symbols[HR_SYMBOL_MERGED] = attention->hidden_size * plan->encoder.merge * plan->encoder.merge;
  symbols[HR_SYMBOL_TEXT_HIDDEN] = plan->encoder.text_hidden;
}

/*
 * Queries and keys rotated (apply_rotary_pos_emb_vision of qwen2_vl.py, ApplyRotaryEmb of
 * layers/rotary_embedding/common.py): each by itself in fp32, of which only the result stays, or both side by side in
 * what the model computes in.
 */
static void
replay_rotation (const HrServingPlan *plan,
                 HrReplay            *replay,
                 HrValue             *copies,
                 HrValue             *rotated)
{
  HrElement e = replay->dtype;
  HrValue joined = HR_SHAPE (e, S, HR_SYMBOL_QUERY);

  if (!plan->profile->rotates_apart)
    {
      joined.count = 2;
      *copies = hr_op_like (replay, "contiguous", "qk_reshaped", joined);
      *rotated = hr_op_like (replay, "apply_rotary_emb", "qk_rotated", joined);
      return;
    }

  *copies = hr_op_like (replay, "contiguous", "q, k, v", HR_SHAPE (e, S, HR_SYMBOL_FUSED));
  for (guint i = 0; i < 2; i++)
    {
      HrValue wide = hr_op_like (replay, "float", "t_", HR_SHAPE (HR_ELEMENT_FLOAT32, S, HR_SYMBOL_QUERY));
      HrValue output = hr_op_like (replay, "apply_rotary_emb", "output",
                                   HR_SHAPE (HR_ELEMENT_FLOAT32, S, HR_SYMBOL_QUERY));
      HrValue result = hr_op_like (replay, "type_as", "output", HR_SHAPE (e, S, HR_SYMBOL_QUERY));

      hr_replay_drop (replay, output);
      hr_replay_drop (replay, wide);
      /* It takes the place of the copy that was rotated. */
      hr_replay_drop (replay, result);
    }
}

static gboolean
is_rotated (const HrAttention *attention)
{
  return attention->position != HR_POSITION_NONE && attention->position != HR_POSITION_LEARNED;
}

/* What a rank that has the whole tower makes is no part of a sum (disable_tp of RowParallelLinear). */
static HrValue
replay_row_parallel (const HrServingPlan *plan,
                     HrReplay            *replay)
{
  if (!plan->encoder.is_copied)
    return hr_serving_run_row_parallel (plan, replay);

  return hr_op_like (replay, "linear", "output", HR_SHAPE (replay->dtype, S, H));
}

/* An attention without a cache (MMEncoderAttention, MultiHeadAttention), over what one matrix makes of the patches. */
static HrValue
replay_attention (const HrServingPlan *plan,
                  HrReplay            *replay,
                  const HrAttention   *attention)
{
  HrElement e = replay->dtype;
  HrValue qkv = hr_op_like (replay, "linear", "qkv", HR_SHAPE (e, S, HR_SYMBOL_FUSED));
  HrValue copies = HR_NO_VALUE, rotated = HR_NO_VALUE;
  HrValue heads, output;

  if (is_rotated (attention))
    replay_rotation (plan, replay, &copies, &rotated);
  heads = hr_op_like (replay, "flash_attn_varlen_func", "context_layer", HR_SHAPE (e, S, HR_SYMBOL_QUERY));
  output = replay_row_parallel (plan, replay);
  hr_replay_drop (replay, heads);
  hr_replay_drop (replay, rotated);
  hr_replay_drop (replay, copies);
  hr_replay_drop (replay, qkv);

  return output;
}

/* The gate's half and the other are one product; without a gate what is activated takes its place. */
static HrValue
replay_perceptron (const HrServingPlan *plan,
                   HrReplay            *replay,
                   gboolean             is_gated)
{
  HrValue shape = HR_SHAPE (replay->dtype, S, HR_SYMBOL_INTERMEDIATE);
  HrValue wide = shape;
  HrValue first, act, output;

  wide.count = is_gated ? 2 : 1;
  first = hr_op_like (replay, "linear", is_gated ? "gate_up" : "fc1", wide);
  act = hr_op_like (replay, is_gated ? "silu_and_mul" : "act", "act(x)", shape);
  if (!is_gated)
    hr_replay_drop (replay, first);
  output = replay_row_parallel (plan, replay);
  hr_replay_drop (replay, act);
  if (is_gated)
    hr_replay_drop (replay, first);

  return output;
}

/*
 * A layer, whose caller holds what it reads. Where the norms of a tower are those of a language model, the second adds
 * the residual in place (Qwen2_5_VisionBlock); otherwise each sum is a new tensor
 * (Qwen3_VisionBlock, SiglipEncoderLayer, InternVisionEncoderLayer).
 */
static void
replay_layer (const HrServingPlan *plan,
              HrReplay            *replay,
              const HrLayerClass  *klass)
{
  HrValue shape = HR_SHAPE (replay->dtype, S, H);
  gboolean is_gated = hr_layer_class_find_block (klass, HR_BLOCK_MLP)->mlp.gated;
  HrValue read = hr_op_like (replay, "add", "hidden_states", shape);
  HrValue normed = hr_op_like (replay, "norm", "norm1(x)", shape);
  HrValue mixed = replay_attention (plan, replay, hr_layer_class_get_attention (klass));
  HrValue output, sum;

  hr_replay_drop (replay, normed);
  if (!is_gated)
    {
      sum = hr_op_like (replay, "add", "x", shape);
      hr_replay_drop (replay, mixed);
      mixed = sum;
      normed = hr_op_like (replay, "norm", "norm2(x)", shape);
    }
  output = replay_perceptron (plan, replay, is_gated);
  sum = hr_op_like (replay, "add", "x", shape);
  hr_replay_drop (replay, output);
  if (!is_gated)
    hr_replay_drop (replay, normed);
  hr_replay_drop (replay, mixed);
  hr_replay_drop (replay, read);
  hr_replay_drop (replay, sum);
}

/*
 * Patches embedded; where each lies between four rows of a table, these are looked up and weighted
 * (fast_pos_embed_interpolate of qwen3_vl.py). Returns what of it stays while the layers run.
 */
static HrValue
replay_embeddings (HrReplay      *replay,
                   const HrStack *tower)
{
  const HrBlock *positions = hr_chain_find_block (&tower->embeddings, HR_BLOCK_POSITION_EMBEDDING);
  HrValue shape = HR_SHAPE (replay->dtype, S, H);
  HrValue corners = shape;
  HrValue hidden = hr_op_like (replay, "linear", "hidden_states", shape);
  HrValue rows, products, embeds;

  if (positions == NULL || tower->tower != HR_TOWER_QWEN_VL)
    {
      hr_replay_drop (replay, hidden);
      return HR_NO_VALUE;
    }

  corners.count = N_CORNERS;
  rows = hr_op_like (replay, "embedding", "embeds", corners);
  products = hr_op_like (replay, "mul", "weighted_embeds", corners);
  embeds = hr_op_like (replay, "add", "pos_embeds", shape);
  hr_replay_drop (replay, products);
  hr_replay_drop (replay, rows);
  hr_replay_drop (replay, hidden);

  return embeds;
}

/*
 * What a projector makes of the patches, in no more than a layer takes: rows of them through a perceptron, those that
 * make one vector side by side (Qwen2_5_VisionPatchMerger).
 */
static HrValue
replay_projector (HrReplay      *replay,
                  const HrStack *tower)
{
  HrElement e = replay->dtype;
  HrValue hidden = hr_op_like (replay, "add", "hidden_states", HR_SHAPE (e, S, H));
  HrValue normed = hr_op_like (replay, "norm", "norm(x)", HR_SHAPE (e, S, H));
  HrValue first = HR_NO_VALUE, act = HR_NO_VALUE;
  HrValue vectors;

  if (tower->tower == HR_TOWER_QWEN_VL)
    {
      first = hr_op_like (replay, "linear", "x_parallel", HR_SHAPE (e, HR_SYMBOL_SEEN, HR_SYMBOL_MERGED));
      act = hr_op_like (replay, "gelu", "x_parallel", HR_SHAPE (e, HR_SYMBOL_SEEN, HR_SYMBOL_MERGED));
    }
  hr_replay_drop (replay, first);
  vectors = hr_op_like (replay, "linear", "out", HR_SHAPE (e, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN));
  hr_replay_drop (replay, act);
  hr_replay_drop (replay, normed);
  hr_replay_drop (replay, hidden);

  return vectors;
}

/* What layers have handed on beside it is put behind each vector (Qwen3_VisionTransformer.forward). */
static void
join_features (HrReplay *replay,
               guint     n_handed_on,
               HrValue   features,
               HrValue  *vectors)
{
  HrValue joined = HR_SHAPE (replay->dtype, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN);
  HrValue all;

  if (n_handed_on == 0)
    return;

  joined.count = 1 + n_handed_on;
  all = hr_op_like (replay, "cat", "hidden_states", joined);
  hr_replay_drop (replay, *vectors);
  hr_replay_drop (replay, features);
  *vectors = all;
}

/* The pictures, and those of them that the rank looks at itself, one behind the other. */
static HrValue
replay_pixels (const HrServingPlan *plan,
               HrReplay            *replay,
               HrServingSeen       *seen)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_PICTURE);

  if (!plan->encoder.is_copied)
    {
      seen->pixels = hr_op_like (replay, "to", "pixel_values", shape);
      return HR_NO_VALUE;
    }

  replay->symbols[HR_SYMBOL_PICTURE] = plan->encoder.given;
  seen->pixels = hr_op_like (replay, "to", "pixel_values", shape);
  replay->symbols[HR_SYMBOL_PICTURE] = plan->encoder.pixels;

  return hr_op_like (replay, "cat", "pixel_values_local", shape);
}

/* What the rank has made of its pictures, and what others have of theirs. */
static void
gather_vectors (const HrServingPlan *plan,
                HrReplay            *replay,
                guint                n_handed_on,
                HrValue             *vectors)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN);
  HrValue all;

  if (!plan->encoder.is_copied)
    return;

  shape.count = 1 + n_handed_on;
  replay->symbols[HR_SYMBOL_SEEN] = plan->encoder.gathered;
  all = hr_op_like (replay, "all_gather", "gathered_embeds", shape);
  hr_replay_drop (replay, *vectors);
  *vectors = all;
}

/*
 * hr_serving_encoder_replay:
 * @plan: a plan
 * @replay: a tape, on which nothing has happened
 * @seen: (out): what stays
 *
 * Replays how the encoder is tried, if it is.
 */
void
hr_serving_encoder_replay (const HrServingPlan *plan,
                           HrReplay            *replay,
                           HrServingSeen       *seen)
{
  const HrStack *tower = find_tower (plan->pass->model);
  guint n_handed_on = tower != NULL ? count_handed_on (tower) : 0;
  HrValue features = HR_NO_VALUE, positions, own;
  HrStretch stretch;

  *seen = (HrServingSeen) { HR_NO_VALUE, HR_NO_VALUE };
  if (plan->encoder.n_items == 0 || tower == NULL)
    return;

  set_symbols (plan, replay, tower);
  hr_replay_begin (replay, &stretch, "embed_multimodal", -1);
  replay->sentence = N_("while as many of the largest picture as the encoder’s budget has room for go through it in "
                        "the trial run");
  own = replay_pixels (plan, replay, seen);
  positions = replay_embeddings (replay, tower);
  if (n_handed_on > 0)
    {
      HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN);

      shape.count = n_handed_on;
      features = hr_op_like (replay, "linear", "deepstack_feature_lists", shape);
    }
  replay_layer (plan, replay, &tower->layer_classes[tower->n_layer_classes - 1]);
  seen->vectors = replay_projector (replay, tower);
  join_features (replay, n_handed_on, features, &seen->vectors);
  gather_vectors (plan, replay, n_handed_on, &seen->vectors);
  hr_replay_drop (replay, positions);
  hr_replay_drop (replay, own);
  hr_replay_end (replay);
}

/*
 * hr_serving_encoder_drop:
 * @replay: a tape
 * @seen: what was seen
 *
 * Lets it go.
 */
void
hr_serving_encoder_drop (HrReplay      *replay,
                         HrServingSeen *seen)
{
  hr_replay_drop (replay, seen->vectors);
  hr_replay_drop (replay, seen->pixels);
}
