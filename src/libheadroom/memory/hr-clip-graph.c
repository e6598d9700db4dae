/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-clip-graph.h"

#include "hr-ggml-type.h"
#include "hr-inference-cache.h"

/*
 * The graphs of llama.cpp's towers (tools/mtmd/clip.cpp, clip_graph::build_vit, build_inp, build_attn, build_ffn,
 * build_rope_2d, build_patch_merge_permute, resize_position_embeddings; tools/mtmd/models/siglip.cpp, internvl.cpp,
 * pixtral.cpp, qwen2vl.cpp, qwen3vl.cpp, at b11669): one picture, in the order in which the functions put their nodes
 * into the graph.
 */

typedef struct
{
  const HrLlamaProjector *projector;
  HrGgmlGraph *graph;
  gint place;
  guint64 columns;         /* patches of a row */
  guint64 rows;
  guint64 n_positions;     /* patches, and the class */
  guint64 hidden;
  gint positions[2];
  gint mask;               /* of windows, HR_GGML_NONE where there are none */
  guint layer;
} Builder;

static gint
add_made (Builder       *b,
          HrGgmlOp       op,
          guint          type,
          const guint64 *ne,
          gint           first,
          gint           second)
{
  return hr_ggml_graph_add_made (b->graph, op, type, ne, (const gint[]) { first, second }, 2);
}

static gint
add_like (Builder  *b,
          HrGgmlOp  op,
          gint      input,
          gint      other)
{
  return hr_ggml_graph_add_like (b->graph, op, input, other, HR_GGML_NONE);
}

static gint
add_reshape (Builder *b,
             gint     of,
             guint64  ne0,
             guint64  ne1,
             guint64  ne2)
{
  return hr_ggml_graph_add_reshape (b->graph, of, ne0, ne1, ne2, 1);
}

/* ggml_cont_4d of a permutation. */
static gint
add_turned (Builder     *b,
            gint         of,
            const guint *axes,
            guint64      ne0,
            guint64      ne1,
            guint64      ne2)
{
  gint turned = hr_ggml_graph_add_permutation (b->graph, of, axes);

  return add_made (b, HR_GGML_OP_CONT, hr_ggml_graph_get (b->graph, of)->type,
                   (const guint64[]) { ne0, ne1, ne2, 1 }, turned, HR_GGML_NONE);
}

static const HrTensor *
find_tensor (const Builder *b,
             const HrBlock *block,
             HrModule       module)
{
  HrModel *model = b->projector->plan->pass->model;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (tensor->block == block->path && tensor->module == module && tensor->n_dimensions > 1)
        return tensor;
    }

  return NULL;
}

static guint
find_type (const Builder *b,
           const HrBlock *block,
           HrModule       module)
{
  const HrTensor *tensor = find_tensor (b, block, module);

  return tensor != NULL ? hr_llama_projector_get_type (b->projector, tensor) : HR_GGML_F32;
}

static gint
add_vector (Builder  *b,
            HrGgmlOp  op,
            gint      input,
            guint64   size)
{
  return add_like (b, op, input, hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, b->place, size, 1, 1));
}

static gint
add_product (Builder       *b,
             const HrBlock *block,
             HrModule       module,
             gint           input,
             guint64        in,
             guint64        out,
             gboolean       has_bias)
{
  gint matrix = hr_ggml_graph_add_weight (b->graph, find_type (b, block, module), b->place, in, out, 1);
  gint result = hr_ggml_graph_add_product (b->graph, matrix, input);

  return has_bias ? add_vector (b, HR_GGML_OP_ADD, result, out) : result;
}

static gint
add_linear (Builder       *b,
            const HrBlock *block,
            gint           input)
{
  return add_product (b, block, HR_MODULE_SELF, input, block->linear.in_features, block->linear.out_features,
                      block->linear.has_bias);
}

static gint
add_norm (Builder    *b,
          HrNormKind  kind,
          gint        input,
          gboolean    has_weight,
          gboolean    has_bias)
{
  gboolean is_layer_norm = kind == HR_NORM_LAYER || kind == HR_NORM_LAYER_FP32;
  guint64 size = hr_ggml_graph_get (b->graph, input)->ne[0];
  gint result = add_like (b, is_layer_norm ? HR_GGML_OP_NORM : HR_GGML_OP_RMS_NORM, input, HR_GGML_NONE);

  if (has_weight)
    result = add_vector (b, HR_GGML_OP_MUL, result, size);

  return has_bias ? add_vector (b, HR_GGML_OP_ADD, result, size) : result;
}

static gint
add_norm_of (Builder       *b,
             const HrBlock *block,
             gint           input)
{
  return add_norm (b, block->norm.kind, input, block->norm.has_weight, block->norm.has_bias);
}

static const HrBlock *
find_block (const HrChain *chain,
            HrBlockKind    kind,
            guint          nth)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == kind && nth-- == 0)
        return &chain->blocks[i];
    }

  return NULL;
}

/*
 * ggml_conv_2d: patches laid out side by side in sixteen bits, whatever the kernel is in, multiplied by the kernel,
 * channels put last.
 */
static gint
add_patches (Builder *b,
             gint     pixels)
{
  static const guint pictures_inner[] = { 0, 1, 3, 2 };
  const HrBlock *block = find_block (&b->projector->tower->embeddings, HR_BLOCK_CONVOLUTION, 0);
  guint type = find_type (b, block, HR_MODULE_SELF);
  guint64 patch = b->projector->patch;
  guint64 size = patch * patch * block->convolution.in_channels;
  gint kernel = hr_ggml_graph_add_weight (b->graph, type, b->place, patch, patch,
                                          block->convolution.in_channels * b->hidden);
  gint laid_out = add_made (b, HR_GGML_OP_IM2COL, HR_GGML_F16, (const guint64[]) { size, b->columns, b->rows, 1 },
                            kernel, pixels);
  gint product = hr_ggml_graph_add_product (b->graph,
                                            add_reshape (b, laid_out, size, b->columns * b->rows, 1),
                                            add_reshape (b, kernel, size, b->hidden, 1));

  product = hr_ggml_graph_add_reshape (b->graph, product, b->columns, b->rows, 1, b->hidden);

  return add_turned (b, product, pictures_inner, b->columns, b->rows, b->hidden);
}

static gint
add_pixels (Builder *b)
{
  guint64 patch = b->projector->patch;
  gint pixels = hr_ggml_graph_add (b->graph, HR_GGML_F32, b->columns * patch, b->rows * patch, 3, 1);

  g_array_index (b->graph->tensors, HrGgmlTensor, pixels).is_input = TRUE;

  return pixels;
}

static gboolean
has_patch_bias (const Builder *b)
{
  return find_block (&b->projector->tower->embeddings, HR_BLOCK_CONVOLUTION, 0)->convolution.has_bias;
}

/* build_inp. */
static gint
add_input (Builder *b)
{
  static const guint transposed[] = { 1, 0, 2, 3 };
  gint result = add_reshape (b, add_patches (b, add_pixels (b)), b->columns * b->rows, b->hidden, 1);

  result = add_turned (b, result, transposed, b->hidden, b->columns * b->rows, 1);

  return has_patch_bias (b) ? add_vector (b, HR_GGML_OP_ADD, result, b->hidden) : result;
}

/* Rows of two patches of each of two rows become neighbours. */
static gint
add_regrouped (Builder *b,
               gint     input)
{
  static const guint rows_inner[] = { 0, 2, 1, 3 };
  gint result = hr_ggml_graph_add_reshape (b->graph, input, b->hidden * 2, b->columns / 2, 2, b->rows / 2);

  return add_turned (b, result, rows_inner, b->hidden, b->columns * b->rows, 1);
}

/* build_inp_with_temporal_merge, of one picture, and what follows it. */
static gint
add_qwen_input (Builder *b)
{
  static const guint channels_first[] = { 1, 2, 0, 3 };
  gint pixels = add_pixels (b);
  gint first = add_patches (b, pixels);
  gint result = add_like (b, HR_GGML_OP_ADD, first, add_patches (b, pixels));

  result = add_turned (b, result, channels_first, b->hidden * 2, b->columns / 2, b->rows);
  result = add_regrouped (b, result);

  return has_patch_bias (b) ? add_vector (b, HR_GGML_OP_ADD, result, b->hidden) : result;
}

/* resize_position_embeddings, and the order of the patches. */
static gint
add_qwen_positions (Builder *b,
                    gint     input)
{
  static const guint last_first[] = { 2, 0, 1, 3 };
  static const guint first_last[] = { 1, 2, 0, 3 };
  const HrBlock *block = find_block (&b->projector->tower->embeddings, HR_BLOCK_POSITION_EMBEDDING, 0);
  guint64 n = block->position_embedding.n_positions;
  gint table = hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, b->place, b->hidden, n, 1);
  guint64 side = 1;

  while (side * side < n)
    side++;
  if (side != b->columns || side != b->rows)
    {
      table = hr_ggml_graph_add_permutation (b->graph, add_reshape (b, table, b->hidden, side, side), last_first);
      table = add_made (b, HR_GGML_OP_UPSCALE, HR_GGML_F32, (const guint64[]) { b->columns, b->rows, b->hidden, 1 },
                        table, HR_GGML_NONE);
      table = add_turned (b, table, first_last, b->hidden, b->columns * b->rows, 1);
    }
  table = add_made (b, HR_GGML_OP_CONT, HR_GGML_F32, (const guint64[]) { b->hidden * 2, b->columns / 2, b->rows, 1 },
                    table, HR_GGML_NONE);

  return add_like (b, HR_GGML_OP_ADD, input, add_regrouped (b, table));
}

/* Another type, which is what it writes into as well (ggml_cast). */
static gint
add_cast (Builder *b,
          gint     of)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, of);
  gint result = add_made (b, HR_GGML_OP_CPY, HR_GGML_F16, tensor.ne, of, HR_GGML_NONE);

  g_array_index (b->graph->tensors, HrGgmlTensor, result).sources[1] = result;

  return result;
}

/* build_rope_2d: one half of each head by one of the axes, then the other half by the other. */
static gint
add_axes (Builder *b,
          gint     input)
{
  return add_like (b, HR_GGML_OP_ROPE, add_like (b, HR_GGML_OP_ROPE, input, b->positions[0]), b->positions[1]);
}

static gint
add_rotation (Builder *b,
              gint     input)
{
  switch (b->projector->kind)
    {
    case HR_CLIP_PIXTRAL:
      return add_axes (b, input);

    case HR_CLIP_QWEN2VL:
    case HR_CLIP_QWEN25VL:
    case HR_CLIP_QWEN3VL:
      return add_like (b, HR_GGML_OP_ROPE, input, b->positions[0]);

    case HR_CLIP_NONE:
    case HR_CLIP_GEMMA3:
    case HR_CLIP_IDEFICS3:
    case HR_CLIP_INTERNVL:
    default:
      return input;
    }
}

/* Queries, keys and values as views of one matrix' result. */
static void
add_fused_heads (Builder       *b,
                 const HrBlock *block,
                 gint           input,
                 gint          *heads)
{
  const HrAttention *a = &block->attention;
  gint all = add_product (b, block, HR_MODULE_QUERY_KEY_VALUE, input, b->hidden, 3 * b->hidden, a->has_query_bias);
  HrGgmlTensor row = *hr_ggml_graph_get (b->graph, all);
  const guint64 ne[] = { a->head_dim, a->num_attention_heads, b->n_positions, 1 };
  const guint64 nb[] = { row.nb[0], row.nb[0] * a->head_dim, row.nb[1], row.nb[2] };

  for (guint i = 0; i < 3; i++)
    heads[i] = hr_ggml_graph_add_view (b->graph, all, ne, nb);
}

static void
add_heads (Builder       *b,
           const HrBlock *block,
           gint           input,
           gint          *heads)
{
  static const HrModule modules[] = { HR_MODULE_QUERY, HR_MODULE_KEY, HR_MODULE_VALUE };
  const HrAttention *a = &block->attention;
  gboolean is_fused = a->projection != HR_PROJECTION_SEPARATE;
  const gboolean biases[] = { a->has_query_bias, is_fused ? a->has_query_bias : a->has_key_bias,
                              is_fused ? a->has_query_bias : a->has_value_bias };

  if (b->projector->kind == HR_CLIP_QWEN3VL)
    {
      add_fused_heads (b, block, input, heads);
    }
  else
    {
      for (guint i = 0; i < 3; i++)
        heads[i] = add_product (b, block, is_fused ? HR_MODULE_QUERY_KEY_VALUE : modules[i], input, b->hidden,
                                b->hidden, biases[i]);
      for (guint i = 0; i < 2 && a->qk_norm == HR_QK_NORM_FULL; i++)
        heads[i] = add_norm (b, a->qk_norm_kind, heads[i], TRUE, a->qk_norm_has_bias);
      for (guint i = 0; i < 3; i++)
        heads[i] = add_reshape (b, heads[i], a->head_dim, a->num_attention_heads, b->n_positions);
    }

  for (guint i = 0; i < 2; i++)
    heads[i] = add_rotation (b, heads[i]);
}

static gint
add_flash (Builder           *b,
           const HrAttention *a,
           const gint        *heads,
           gint               mask)
{
  static const guint heads_last[] = { 0, 2, 1, 3 };
  const guint64 ne[] = { a->head_dim, a->num_attention_heads, b->n_positions, 1 };
  gint parts[4];
  gint result;

  for (guint i = 0; i < 3; i++)
    parts[i] = hr_ggml_graph_add_permutation (b->graph, heads[i], heads_last);
  for (guint i = 1; i < 3; i++)
    parts[i] = add_cast (b, parts[i]);
  parts[3] = mask;
  result = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_FLASH_ATTENTION, HR_GGML_F32, ne, parts, 4);

  return add_reshape (b, result, b->hidden, b->n_positions, 1);
}

static gint
add_scores (Builder           *b,
            const HrAttention *a,
            const gint        *heads,
            gint               mask)
{
  static const guint heads_last[] = { 0, 2, 1, 3 };
  static const guint positions_first[] = { 1, 2, 0, 3 };
  gint query = hr_ggml_graph_add_permutation (b->graph, heads[0], heads_last);
  gint keys = hr_ggml_graph_add_permutation (b->graph, heads[1], heads_last);
  gint values = add_turned (b, heads[2], positions_first, b->n_positions, a->head_dim, a->num_attention_heads);
  gint scores = hr_ggml_graph_add_product (b->graph, keys, query);

  scores = add_like (b, HR_GGML_OP_SOFT_MAX, scores, mask);

  return add_turned (b, hr_ggml_graph_add_product (b->graph, values, scores), heads_last, b->hidden, b->n_positions, 1);
}

/* build_attn. */
static gint
add_attention (Builder       *b,
               const HrBlock *block,
               gint           input)
{
  const HrAttention *a = &block->attention;
  gint mask = a->sliding_window > 0 ? b->mask : HR_GGML_NONE;
  gint heads[3], result;

  add_heads (b, block, input, heads);
  for (guint i = 0; i < 3; i++)
    hr_ggml_graph_expand (b->graph, heads[i]);
  result = b->projector->flash ? add_flash (b, a, heads, mask) : add_scores (b, a, heads, mask);

  return add_product (b, block, HR_MODULE_OUTPUT, result, b->hidden, b->hidden, a->has_output_bias);
}

/* build_ffn. */
static gint
add_perceptron (Builder       *b,
                const HrBlock *block,
                gint           input)
{
  const HrMlp *mlp = &block->mlp;
  gint up = add_product (b, block, HR_MODULE_UP, input, mlp->hidden_size, mlp->intermediate_size, mlp->has_bias);
  gint result = up;

  if (mlp->gated)
    {
      gint gate = add_product (b, block, HR_MODULE_GATE, input, mlp->hidden_size, mlp->intermediate_size,
                               mlp->has_bias);

      result = add_like (b, HR_GGML_OP_GLU, gate, up);
    }
  else
    {
      result = add_like (b, HR_GGML_OP_UNARY, up, HR_GGML_NONE);
    }

  return add_product (b, block, HR_MODULE_DOWN, result, mlp->intermediate_size, mlp->hidden_size, mlp->has_bias);
}

static gint
add_block (Builder       *b,
           const HrBlock *block,
           gint           input)
{
  switch ((guint) block->kind)
    {
    case HR_BLOCK_NORM:
      return add_norm_of (b, block, input);

    case HR_BLOCK_ATTENTION:
      return add_attention (b, block, input);

    case HR_BLOCK_MLP:
      return add_perceptron (b, block, input);

    case HR_BLOCK_PARAMETER:
      return add_vector (b, HR_GGML_OP_MUL, input, b->hidden);

    case HR_BLOCK_LINEAR:
      return add_linear (b, block, input);

    case HR_BLOCK_ACTIVATION:
      return add_like (b, HR_GGML_OP_UNARY, input, HR_GGML_NONE);

    default:
      return input;
    }
}

static gint
add_chain (Builder       *b,
           const HrChain *chain,
           guint          first,
           gint           input)
{
  for (guint i = first; i < chain->n_blocks; i++)
    input = add_block (b, &chain->blocks[i], input);

  return input;
}

/* The residual is the first source behind the attention, and the second behind the perceptron. */
static gint
add_layer (Builder *b,
           gint     input)
{
  const HrStack *tower = b->projector->tower;
  const HrLayerClass *layer_class = &tower->layer_classes[tower->layer_class_of[b->layer]];

  for (guint i = 0; i < layer_class->n_sublayers; i++)
    {
      gint result = add_chain (b, &layer_class->sublayers[i].branches[0], 0, input);

      input = i == 0 ? add_like (b, HR_GGML_OP_ADD, result, input) : add_like (b, HR_GGML_OP_ADD, input, result);
    }

  return input;
}

static gint
add_layers (Builder *b,
            gint     input)
{
  for (b->layer = 0; b->layer < b->projector->tower->n_layers; b->layer++)
    input = add_layer (b, input);

  return input;
}

static gint
add_last_norm (Builder *b,
               gint     input)
{
  const HrBlock *norm = find_block (&b->projector->tower->final, HR_BLOCK_NORM, 0);

  return norm != NULL ? add_norm_of (b, norm, input) : input;
}

static const HrStack *
get_stack (const Builder *b,
           const char    *id)
{
  HrModel *model = b->projector->plan->pass->model;

  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      if (g_strcmp0 (hr_model_get_stack (model, i)->id, id) == 0)
        return hr_model_get_stack (model, i);
    }

  return NULL;
}

static gint
add_position_table (Builder *b,
                    gint     input)
{
  gint table = hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, b->place, b->hidden, b->n_positions, 1);

  return add_like (b, HR_GGML_OP_ADD, input, table);
}

/* Averages of squares of patches, then a norm and a matrix that is turned for it. */
static gint
build_gemma3 (Builder *b)
{
  static const guint transposed[] = { 1, 0, 2, 3 };
  const HrBlock *projection = find_block (&get_stack (b, "projector")->final, HR_BLOCK_PARAMETER, 0);
  guint64 out = projection->parameter.shape.sizes[1];
  guint64 columns = b->columns / b->projector->merge, rows = b->rows / b->projector->merge;
  gint result = add_last_norm (b, add_layers (b, add_position_table (b, add_input (b))));
  gint matrix;

  result = add_turned (b, result, transposed, b->columns, b->rows, b->hidden);
  result = add_made (b, HR_GGML_OP_POOL, HR_GGML_F32, (const guint64[]) { columns, rows, b->hidden, 1 }, result,
                     HR_GGML_NONE);
  result = add_reshape (b, result, columns * rows, b->hidden, 1);
  result = add_turned (b, result, transposed, b->hidden, columns * rows, 1);
  result = add_norm (b, HR_NORM_RMS, result, TRUE, FALSE);
  matrix = hr_ggml_graph_add_weight (b->graph, find_type (b, projection, HR_MODULE_SELF), b->place, out, b->hidden, 1);
  matrix = add_turned (b, matrix, transposed, b->hidden, out, 1);

  return hr_ggml_graph_add_product (b->graph, matrix, result);
}

/* build_patch_merge_permute: squares of patches side by side, at the right and at the bottom with zeros. */
static gint
add_squares (Builder *b,
             gint     input)
{
  static const guint rows_inner[] = { 0, 2, 1, 3 };
  guint64 side = b->projector->merge;
  guint64 columns = (b->columns + side - 1) / side, rows = (b->rows + side - 1) / side;
  gint result = add_reshape (b, input, b->hidden, b->columns, b->rows);

  if (columns * side != b->columns || rows * side != b->rows)
    result = add_made (b, HR_GGML_OP_PAD, HR_GGML_F32,
                       (const guint64[]) { b->hidden, columns * side, rows * side, 1 }, result, HR_GGML_NONE);
  result = add_reshape (b, result, b->hidden * side, columns, rows * side);
  result = add_turned (b, result, rows_inner, b->hidden * side * side, rows, columns);

  return add_turned (b, result, rows_inner, b->hidden * side * side, columns * rows, 1);
}

static gint
build_idefics3 (Builder *b)
{
  gint result = add_last_norm (b, add_layers (b, add_position_table (b, add_input (b))));

  return add_linear (b, find_block (&get_stack (b, "projector")->final, HR_BLOCK_LINEAR, 0), add_squares (b, result));
}

/* The class comes behind the patches, and goes once the layers have run. */
static gint
build_internvl (Builder *b)
{
  guint64 n = b->columns * b->rows;
  gint result = add_input (b);
  const guint64 row[] = { b->hidden, 1, 1, 1 };
  gint class = hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, b->place, b->hidden, 1, 1);

  b->n_positions = n + 1;
  class = add_made (b, HR_GGML_OP_REPEAT, HR_GGML_F32, row, class, HR_GGML_NONE);
  result = add_made (b, HR_GGML_OP_CONCAT, HR_GGML_F32, (const guint64[]) { b->hidden, n + 1, 1, 1 }, result, class);
  result = add_last_norm (b, add_layers (b, add_position_table (b, result)));
  result = hr_ggml_graph_add_view (b->graph, result, (const guint64[]) { b->hidden, n, 1, 1 },
                                   hr_ggml_graph_get (b->graph, result)->nb);
  result = add_made (b, HR_GGML_OP_CONT, HR_GGML_F32, (const guint64[]) { b->hidden, n, 1, 1 }, result, HR_GGML_NONE);

  return add_chain (b, &get_stack (b, "projector")->final, 1, add_squares (b, result));
}

/* ggml_im2col without a kernel of weights, then the matrix that merges what it has laid out. */
static gint
add_merged (Builder *b,
            gint     input)
{
  static const guint channels_last[] = { 2, 0, 1, 3 };
  const HrChain *final = &get_stack (b, "projector")->final;
  guint64 side = b->projector->merge;
  guint64 columns = b->columns / side, rows = b->rows / side;
  gint result = add_norm_of (b, find_block (final, HR_BLOCK_NORM, 0), input);
  gint kernel;

  result = add_reshape (b, result, b->hidden, b->columns, b->rows);
  result = add_turned (b, result, channels_last, b->columns, b->rows, b->hidden);
  kernel = hr_ggml_graph_add_view (b->graph, result, (const guint64[]) { side, side, b->hidden, 1 }, NULL);
  result = add_made (b, HR_GGML_OP_IM2COL, HR_GGML_F32,
                     (const guint64[]) { b->hidden * side * side, columns, rows, 1 }, kernel, result);
  result = add_reshape (b, result, b->hidden * side * side, columns * rows, 1);

  return add_linear (b, find_block (final, HR_BLOCK_LINEAR, 0), result);
}

/* A token ends each row but the last; all are put behind their rows in a copy. */
static gint
add_breaks (Builder *b,
            gint     input)
{
  guint64 columns = b->columns / b->projector->merge, rows = b->rows / b->projector->merge;
  guint64 width = hr_ggml_graph_get (b->graph, input)->ne[0];
  gint tokens = add_reshape (b, input, width, columns, rows);
  gint ends = add_like (b, HR_GGML_OP_SCALE, hr_ggml_graph_add (b->graph, HR_GGML_F32, width, 1, rows, 1),
                        HR_GGML_NONE);

  ends = add_vector (b, HR_GGML_OP_ADD, ends, width);
  tokens = add_made (b, HR_GGML_OP_CONCAT, HR_GGML_F32, (const guint64[]) { width, columns + 1, rows, 1 }, tokens,
                     ends);

  return hr_ggml_graph_add_view (b->graph, tokens,
                                 (const guint64[]) { width, columns * rows + rows - 1, 1, 1 }, NULL);
}

static gint
build_pixtral (Builder *b)
{
  const HrBlock *first = find_block (&b->projector->tower->embeddings, HR_BLOCK_NORM, 0);
  const HrChain *final = &get_stack (b, "projector")->final;
  gint result;

  for (guint i = 0; i < 2; i++)
    b->positions[i] = hr_ggml_graph_add_input (b->graph, HR_GGML_I32, b->n_positions, 1);
  result = add_input (b);
  if (first != NULL)
    result = add_norm_of (b, first, result);
  result = add_merged (b, add_layers (b, result));
  result = add_linear (b, find_block (final, HR_BLOCK_LINEAR, 1), result);
  result = add_like (b, HR_GGML_OP_UNARY, result, HR_GGML_NONE);

  return add_breaks (b, add_linear (b, find_block (final, HR_BLOCK_LINEAR, 2), result));
}

/* Rows of four patches are put in the order of windows, or back. */
static gint
add_window_order (Builder *b,
                  gint     input,
                  guint64  width)
{
  guint64 n = b->columns * b->rows / 4;

  return hr_ggml_graph_add_rows (b->graph, add_reshape (b, input, width, n, 1),
                                 hr_ggml_graph_add_input (b->graph, HR_GGML_I32, n, 1));
}

static gint
add_windows (Builder *b,
             gint     input)
{
  guint64 n = b->columns * b->rows;

  b->mask = hr_ggml_graph_add_input (b->graph, b->projector->flash ? HR_GGML_F16 : HR_GGML_F32, n, n);

  return add_reshape (b, add_window_order (b, input, b->hidden * 4), b->hidden, n, 1);
}

/* A perceptron over squares of patches. */
static gint
add_merger (Builder     *b,
            const HrChain *chain,
            gint         input)
{
  gint result = add_linear (b, find_block (chain, HR_BLOCK_LINEAR, 0), input);

  return add_linear (b, find_block (chain, HR_BLOCK_LINEAR, 1),
                     add_like (b, HR_GGML_OP_UNARY, result, HR_GGML_NONE));
}

static gint
build_qwen2vl (Builder *b)
{
  const HrChain *merger = &get_stack (b, "merger")->final;
  guint64 n = b->columns * b->rows;
  gboolean has_windows = b->projector->kind == HR_CLIP_QWEN25VL;
  gint result = add_qwen_input (b);

  b->positions[0] = hr_ggml_graph_add_input (b->graph, HR_GGML_I32, n * 4, 1);
  if (has_windows)
    result = add_windows (b, result);
  result = add_norm_of (b, find_block (merger, HR_BLOCK_NORM, 0), add_layers (b, result));
  result = add_merger (b, merger, add_reshape (b, result, b->hidden * 4, n / 4, 1));

  return has_windows ? add_window_order (b, result, hr_ggml_graph_get (b->graph, result)->ne[0]) : result;
}

static gint
build_qwen3vl (Builder *b)
{
  const HrStack *tower = b->projector->tower, *deepstack = get_stack (b, "deepstack");
  const HrChain *merger = &get_stack (b, "merger")->final;
  guint64 n = b->columns * b->rows;
  gint result = add_qwen_positions (b, add_qwen_input (b));
  gint features = HR_GGML_NONE;

  b->positions[0] = hr_ggml_graph_add_input (b->graph, HR_GGML_I32, n * 4, 1);
  for (b->layer = 0; b->layer < tower->n_layers; b->layer++)
    {
      const HrChain *chain;
      gint handed;

      result = add_layer (b, result);
      if (deepstack == NULL || tower->hands_on == NULL || !tower->hands_on[b->layer])
        continue;
      chain = &deepstack->layer_classes[0].sublayers[0].branches[0];
      handed = add_reshape (b, result, b->hidden * 4, n / 4, 1);
      handed = add_merger (b, chain, add_norm_of (b, find_block (chain, HR_BLOCK_NORM, 0), handed));
      if (features != HR_GGML_NONE)
        {
          HrGgmlTensor both = *hr_ggml_graph_get (b->graph, features);

          both.ne[0] += hr_ggml_graph_get (b->graph, handed)->ne[0];
          handed = add_made (b, HR_GGML_OP_CONCAT, HR_GGML_F32, both.ne, features, handed);
        }
      features = handed;
    }

  result = add_norm_of (b, find_block (merger, HR_BLOCK_NORM, 0), result);
  result = add_merger (b, merger, add_reshape (b, result, b->hidden * 4, n / 4, 1));
  if (features != HR_GGML_NONE)
    {
      HrGgmlTensor both = *hr_ggml_graph_get (b->graph, result);

      both.ne[0] += hr_ggml_graph_get (b->graph, features)->ne[0];
      result = add_made (b, HR_GGML_OP_CONCAT, HR_GGML_F32, both.ne, result, features);
    }

  return result;
}

static gint
build (Builder *b)
{
  switch (b->projector->kind)
    {
    case HR_CLIP_GEMMA3:
      return build_gemma3 (b);
    case HR_CLIP_IDEFICS3:
      return build_idefics3 (b);
    case HR_CLIP_INTERNVL:
      return build_internvl (b);
    case HR_CLIP_PIXTRAL:
      return build_pixtral (b);
    case HR_CLIP_QWEN2VL:
    case HR_CLIP_QWEN25VL:
      return build_qwen2vl (b);
    case HR_CLIP_QWEN3VL:
      return build_qwen3vl (b);
    case HR_CLIP_NONE:
    default:
      g_assert_not_reached ();
    }
}

/*
 * hr_clip_graph_new:
 * @projector: a projector that there is
 * @patches: (array fixed-size=2): patches of a row and of a column of a picture
 *
 * Builds what llama.cpp computes of a picture.
 *
 * Returns: (transfer full): the graph
 */
HrGgmlGraph *
hr_clip_graph_new (const HrLlamaProjector *projector,
                   const guint64          *patches)
{
  const HrLayerClass *layer_class = &projector->tower->layer_classes[0];
  Builder builder = {
    .projector = projector,
    .graph = hr_ggml_graph_new (),
    .place = 0,
    .columns = patches[0],
    .rows = patches[1],
    .n_positions = patches[0] * patches[1],
    .hidden = hr_layer_class_get_attention (layer_class)->hidden_size,
    .positions = { HR_GGML_NONE, HR_GGML_NONE },
    .mask = HR_GGML_NONE,
  };

  hr_ggml_graph_expand (builder.graph, build (&builder));

  return builder.graph;
}
