/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

/* Blocks of a tensor or of none that stand around the layers of encoders. */

static const char * const no_names[] = { NULL };

static const HrParameter type_embedding_parameters[] = {
  COUNT ("types", type_embedding.n_types),
  COUNT ("hidden-size", type_embedding.hidden_size),
  { NULL }
};

static const HrParameter activation_parameters[] = {
  CHOICE ("activation", activation.activation, hr_block_activations),
  BOOLEAN ("gated", activation.gated),
  { NULL }
};

static const HrParameter regrouping_parameters[] = {
  COUNT ("side", regrouping.side),
  SIZE ("copies", regrouping.copies),
  BOOLEAN ("averages", regrouping.averages),
  BOOLEAN ("unfolds", regrouping.unfolds),
  BOOLEAN ("turned", regrouping.turned),
  { NULL }
};

static const HrParameter state_parameters[] = {
  SIZE ("conv", state.conv),
  SIZE ("recurrent", state.recurrent),
  BOOLEAN ("fp32", state.fp32),
  SIZE ("per-token", state.per_token),
  { NULL }
};

static const HrParameter compressed_attention_parameters[] = {
  COUNT ("num-attention-heads", compressed.num_attention_heads),
  COUNT ("head-dim", compressed.head_dim),
  COUNT ("query-latent-size", compressed.query_latent_size),
  COUNT ("output-groups", compressed.output_groups),
  COUNT ("output-latent-size", compressed.output_latent_size),
  COUNT ("sliding-window", compressed.sliding_window),
  SIZE ("rate", compressed.rate),
  BOOLEAN ("overlaps", compressed.overlaps),
  SIZE ("index-num-heads", compressed.index_num_heads),
  SIZE ("index-head-dim", compressed.index_head_dim),
  SIZE ("index-topk", compressed.index_topk),
  COUNT ("streams", compressed.streams),
  { NULL }
};

static gboolean
build_type_embedding (const HrBlockContext *context,
                      HrJson               *description,
                      HrBlock              *block,
                      GError              **error)
{
  return hr_block_add_tensor (context, block->path, NULL, "weight", HR_PART_EMBEDDING, HR_TENSOR_ROLE_EMBEDDING,
                              block->type_embedding.n_types, block->type_embedding.hidden_size, error);
}

static gboolean
build_nothing (const HrBlockContext *context,
               HrJson               *description,
               HrBlock              *block,
               GError              **error)
{
  return TRUE;
}

const HrBlockClass hr_block_class_type_embedding = {
  "type-embedding", HR_BLOCK_TYPE_EMBEDDING, type_embedding_parameters, no_names, build_type_embedding,
};

/* What a layer keeps of a sequence, where its tensors are listed one by one. */
const HrBlockClass hr_block_class_state = {
  "state", HR_BLOCK_STATE, state_parameters, no_names, build_nothing,
};

/* How a layer attends, where its tensors are listed one by one. */
const HrBlockClass hr_block_class_compressed_attention = {
  "compressed-attention", HR_BLOCK_COMPRESSED_ATTENTION, compressed_attention_parameters, no_names, build_nothing,
};

const HrBlockClass hr_block_class_activation = {
  "activation", HR_BLOCK_ACTIVATION, activation_parameters, no_names, build_nothing,
};

/* Patches side by side become one vector: pixel_shuffle of InternVL. */
const HrBlockClass hr_block_class_regrouping = {
  "regrouping", HR_BLOCK_REGROUPING, regrouping_parameters, no_names, build_nothing,
};
