/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-flop-pass.h"

#include "hr-tower.h"

/*
 * A walk through a model in the order in which it computes. What each matrix multiplies is known from its tensor; what
 * its derivatives multiply, from whether it is trained and whether a gradient flows to what it reads.
 */

/* What a tower computes is shown as one. */
HrFlopPart
hr_flop_walk_get_part (const HrFlopWalk *self,
                       HrFlopPart        part)
{
  return self->is_tower ? self->part : part;
}

/*
 * hr_flop_walk_multiply:
 * @self: a walk
 * @part: what computes
 * @rows: rows that are multiplied
 * @size: multiplications for each
 *
 * Runs a product.
 *
 * Returns: its operations
 */
guint64
hr_flop_walk_multiply (HrFlopWalk *self,
                       HrFlopPart  part,
                       guint64     rows,
                       guint64     size)
{
  HrFlopPart shown = hr_flop_walk_get_part (self, part);
  guint64 n = hr_flop_count_add (self->count, shown, rows, size);

  hr_flop_count_sum (self->count, &self->layer_forward[shown], n);
  self->last_part = shown;
  self->last = n;
  self->saves_last = FALSE;

  return n;
}

/* Whether a block is trained with all of the layer that runs. */
gboolean
hr_flop_walk_trains_layer (const HrFlopWalk *self,
                           const HrBlock    *block)
{
  return self->pass->trains && self->is_read && hr_tuning_trains_layer (self->pass->tuning, self->layer) &&
         !hr_tuning_freezes (self->pass->tuning, block->path);
}

/* Whether its biases are. */
gboolean
hr_flop_walk_trains_biases (const HrFlopWalk *self,
                            const HrBlock    *block)
{
  return self->pass->trains && self->is_read && hr_tuning_trains_biases (self->pass->tuning) &&
         !hr_tuning_freezes (self->pass->tuning, block->path);
}

/* Whether a module's own parameters are trained. */
gboolean
hr_flop_walk_trains (const HrFlopWalk *self,
                     const HrBlock    *block,
                     HrModule          module)
{
  return hr_flop_walk_trains_layer (self, block) ||
         (self->pass->trains && self->is_read &&
          hr_tuning_is_whole (self->pass->tuning, block->path, module, self->layer));
}

static gboolean
is_matrix (const HrTensor *tensor)
{
  return tensor->role == HR_TENSOR_ROLE_LINEAR || tensor->role == HR_TENSOR_ROLE_ROUTER ||
         tensor->role == HR_TENSOR_ROLE_OUTPUT || tensor->role == HR_TENSOR_ROLE_EXPERT;
}

static gboolean
has_bias (const GPtrArray *tensors,
          HrModule         module)
{
  for (guint i = 0; i < tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (tensors, i);

      if (tensor->role == HR_TENSOR_ROLE_BIAS && tensor->module == module)
        return TRUE;
    }

  return FALSE;
}

/* Code that sends every token through every expert, and multiplies by weights of 0 (Llama4TextMoe). */
static gboolean
is_dense (const HrBlock  *block,
          const HrTensor *tensor)
{
  return tensor->n_experts > 0 && block->kind == HR_BLOCK_MIXTURE && block->mixture.path == HR_EXPERTS_DENSE;
}

/* How many of a tensor's matrices a row passes: of routed experts as many as are chosen for each token. */
static guint64
count_matrices (const HrBlock  *block,
                const HrTensor *tensor,
                guint64        *out_features,
                guint64        *in_features)
{
  guint64 n_matrices;

  hr_tensor_get_matrix (tensor, &n_matrices, out_features, in_features);
  n_matrices *= MAX (tensor->n_items, 1);
  if (tensor->n_experts == 0 || is_dense (block, tensor))
    return n_matrices;

  return n_matrices / tensor->n_experts * tensor->n_active_experts;
}

/*
 * hr_flop_walk_derive:
 * @self: a walk
 * @part: what computes
 * @n: the operations of a product
 * @flow: whether a gradient flows to what it reads
 * @is_trained: whether its matrix is trained
 *
 * What the derivatives of a product multiply: dX = dY·W where a gradient flows on, dW = dYᵀ·X where the matrix is
 * trained, each as much as the product itself.
 */
void
hr_flop_walk_derive (HrFlopWalk *self,
                     HrFlopPart  part,
                     guint64     n,
                     gboolean    flow,
                     gboolean    is_trained)
{
  HrFlops *flops = &self->count->parts[hr_flop_walk_get_part (self, part)];

  if (!self->is_read || !self->pass->trains)
    return;

  hr_flop_count_sum (self->count, &flops->input_gradients, flow ? n : 0);
  hr_flop_count_sum (self->count, &flops->weight_gradients, is_trained ? n : 0);
}

/*
 * hr_flop_walk_note_skipped:
 * @self: a walk
 * @part: what computes
 * @n: the operations of a product by a matrix without a bias
 *
 * Every second of these is computed anew where some operators are.
 */
void
hr_flop_walk_note_skipped (HrFlopWalk *self,
                           HrFlopPart  part,
                           guint64     n)
{
  if (++self->n_products % 2 == 0)
    hr_flop_count_sum (self->count, &self->skipped[hr_flop_walk_get_part (self, part)], n);
}

/*
 * hr_flop_walk_run_module:
 * @self: a walk
 * @part: what computes
 * @block: a block
 * @module: one of its modules
 * @rows: rows that go through it
 * @flow: whether a gradient flows to what it reads
 *
 * Runs the matrices of a module, and what a method of fine-tuning adds to them.
 *
 * Returns: whether a gradient flows to what it makes
 */
gboolean
hr_flop_walk_run_module (HrFlopWalk    *self,
                         HrFlopPart     part,
                         const HrBlock *block,
                         HrModule       module,
                         guint64        rows,
                         gboolean       flow)
{
  const GPtrArray *tensors = g_hash_table_lookup (self->tensors, block->path);
  const HrTunedModule *tuned = hr_tuning_find (self->pass->tuning, block->path, module, self->layer);
  gboolean is_trained = hr_flop_walk_trains (self, block, module);
  gboolean is_tuned = (self->pass->trains || self->pass->is_adapted) && tuned != NULL;
  gboolean has_any = FALSE, bias = FALSE;

  for (guint i = 0; tensors != NULL && i < tensors->len; i++)
    {
      const HrTensor *tensor = g_ptr_array_index (tensors, i);
      guint64 n_matrices, out_features, in_features, n;

      if (!is_matrix (tensor) || tensor->module != module)
        continue;

      has_any = TRUE;
      bias = has_bias (tensors, module);
      n_matrices = count_matrices (block, tensor, &out_features, &in_features);
      n = hr_flop_walk_multiply (self, part, rows, n_matrices * out_features * in_features);
      hr_flop_count_move (self->count, hr_flop_walk_get_part (self, part), rows * n_matrices,
                          out_features + in_features);
      hr_flop_walk_derive (self, part, n, flow, is_trained && !tensor->is_frozen);
      if (is_dense (block, tensor))
        hr_flop_count_sum (self->count, &self->count->parts[part].hidden,
                           n / tensor->n_experts * (tensor->n_experts - tensor->n_active_experts));
      if (!bias && tensor->n_experts == 0)
        hr_flop_walk_note_skipped (self, part, n);
      if (is_tuned)
        hr_flop_walk_run_adapter (self, tuned, rows, n_matrices, out_features, in_features, flow);
    }

  return has_any && (flow || is_trained || (is_tuned && self->is_read && self->pass->trains) ||
                     (bias && hr_flop_walk_trains_biases (self, block)));
}

static gboolean
run_chain (HrFlopWalk    *self,
           const HrChain *chain,
           gboolean       flow)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    flow = hr_flop_walk_run_block (self, &chain->blocks[i], flow);

  return flow;
}

static gboolean
run_sublayer (HrFlopWalk       *self,
              const HrSublayer *sublayer,
              gboolean          flow)
{
  gboolean result = sublayer->residual && flow;
  gboolean shared = run_chain (self, &sublayer->shared, flow);

  for (guint i = 0; i < sublayer->n_branches; i++)
    result |= run_chain (self, &sublayer->branches[i], shared);

  return run_chain (self, &sublayer->after, result);
}

/*
 * What of a layer is computed anew. torch stops where the last tensor that the backward pass needs is there again: the
 * last product has only to be read (_StopRecomputationError of torch/utils/checkpoint.py).
 */
static void
recompute (HrFlopWalk          *self,
           HrCheckpointingKind  kind)
{
  for (guint i = 0; i < HR_N_FLOP_PARTS; i++)
    {
      guint64 n = self->layer_forward[i];

      if (kind == HR_CHECKPOINTING_ATTENTION && i != HR_FLOP_PART_SCORES)
        continue;
      if (kind == HR_CHECKPOINTING_OPERATORS)
        n = self->skipped[i];
      else if (kind == HR_CHECKPOINTING_FULL && i == self->last_part && !self->saves_last)
        n -= MIN (n, self->last);
      hr_flop_count_sum (self->count, &self->count->parts[i].recomputed, n);
    }
}

static gboolean
run_layer (HrFlopWalk         *self,
           const HrLayerClass *klass,
           gboolean            flow)
{
  HrCheckpointingKind kind = hr_checkpointing_get_kind (&self->pass->checkpointing, self->layer);

  memset (self->layer_forward, 0, sizeof self->layer_forward);
  memset (self->skipped, 0, sizeof self->skipped);
  self->n_products = 0;
  for (guint i = 0; i < klass->n_sublayers; i++)
    flow = run_sublayer (self, &klass->sublayers[i], flow);

  if (flow && kind != HR_CHECKPOINTING_NONE)
    recompute (self, kind);

  return flow;
}

/*
 * Where nothing that is embedded is trained, gradients end at the first thing that is, unless checkpoints have made
 * embeddings need one (enable_input_require_grads): those of towers where transformers knows them.
 */
static gboolean
needs_gradient (const HrFlopWalk *self,
                gboolean          flow)
{
  gboolean hooks = hr_checkpointing_recomputes_layers (&self->pass->checkpointing);

  if (flow || !self->pass->trains || self->pass->tuning == NULL)
    return flow;
  if (self->is_tower)
    return hooks && self->stack->hooks_embeddings;

  return hooks || hr_tuning_get_n_embedded (self->pass->tuning) > 0;
}

/* What comes before the layers. Those that attend to what another tower has seen begin with latents, beside that. */
static gboolean
run_embeddings (HrFlopWalk    *self,
                const HrStack *stack,
                gboolean       flow)
{
  guint64 sequence = self->sequence;
  const HrBlock *latents;

  if (stack == self->pass->inference->stack)
    hr_flop_walk_run_prompt (self);
  if (stack->tower == HR_TOWER_UNFOLDED)
    {
      self->sequence = self->tower->patches;
      flow = needs_gradient (self, run_chain (self, &stack->embeddings, flow));
      self->sequence = sequence;
      return flow;
    }
  if (stack->tower != HR_TOWER_RESAMPLER)
    return needs_gradient (self, run_chain (self, &stack->embeddings, flow));

  latents = hr_tower_find_parameter (&stack->embeddings, HR_PARAMETER_LATENTS);
  self->sequence = self->source;
  self->source_flow = run_chain (self, &stack->embeddings, flow);
  self->sequence = sequence;

  return hr_flop_walk_trains (self, latents, HR_MODULE_SELF);
}

/* What comes behind the layers: of some towers of squares of patches. */
static gboolean
run_final (HrFlopWalk    *self,
           const HrStack *stack,
           gboolean       flow)
{
  guint64 batch = self->batch, sequence = self->sequence;

  if (stack->tower == HR_TOWER_UNFOLDED)
    {
      self->batch = 1;
      self->sequence = self->tower->seen;
    }
  flow = run_chain (self, &stack->final, flow);
  self->batch = batch;
  self->sequence = sequence;

  return flow;
}

static gboolean
run_stack (HrFlopWalk    *self,
           const HrStack *stack,
           gboolean       flow)
{
  gboolean handed_on = FALSE;

  self->stack = stack;
  self->layer = -1;
  flow = run_embeddings (self, stack, flow);
  for (guint i = 0; i < stack->n_layers; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[stack->layer_class_of[i]];

      self->layer = i;
      if (stack->feature_layer > 0 && i == stack->feature_layer)
        {
          /* What comes after the layer that is read is computed, and gets no gradient. */
          handed_on = flow;
          self->is_read = FALSE;
          flow = FALSE;
        }
      if (!klass->skipped || self->source > 0)
        flow = run_layer (self, klass, flow);
    }
  self->layer = -1;
  flow = run_final (self, stack, flow) || handed_on;
  self->is_read = TRUE;

  return flow;
}

/* The tensors of each block: they name it by the very string that it has. */
static GHashTable *
group_tensors (HrModel *model)
{
  GHashTable *groups = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      GPtrArray *group;

      if (tensor->block == NULL)
        continue;

      group = g_hash_table_lookup (groups, tensor->block);
      if (group == NULL)
        {
          group = g_ptr_array_new ();
          g_hash_table_insert (groups, (gpointer) tensor->block, group);
        }
      g_ptr_array_add (group, (gpointer) tensor);
    }

  return groups;
}

/* A tower that sees or hears, and what it hands on. Its parameters are trained with all others. */
static gboolean
run_tower (const HrFlopWalk *self,
           const HrTower    *tower)
{
  const HrTower *inner = tower->inner != NULL ? &g_array_index (tower->inner, HrTower, 0) : NULL;
  HrFlopWalk walk = *self;
  gboolean flow = inner != NULL && run_tower (self, inner);
  gboolean features;

  walk.is_tower = TRUE;
  walk.part = tower->stack->role == HR_STACK_AUDIO ? HR_FLOP_PART_AUDIO : HR_FLOP_PART_VISION;
  walk.tower = tower;
  walk.batch = tower->batch;
  walk.sequence = tower->sequence;
  walk.past = 0;
  walk.source = inner != NULL ? inner->sequence : 0;
  flow = features = run_stack (&walk, tower->stack, flow);
  walk.batch = 1;
  /* Tiles are put together again, and what is at their borders is cut off, when they have been projected. */
  walk.sequence = tower->maps != NULL ? tower->batch * tower->mapped : tower->seen;
  if (tower->projector != NULL && tower->projector != tower->stack)
    flow = run_stack (&walk, tower->projector, flow);
  if (tower->features != NULL)
    features = run_stack (&walk, tower->features, features);

  return flow || features;
}

static void
run_encoder (const HrFlopWalk *self)
{
  const HrInference *inference = self->pass->inference;
  HrFlopWalk walk = *self;

  walk.batch = inference->batch / MAX (inference->beams, 1);
  walk.sequence = inference->source_length;
  walk.past = 0;
  run_stack (&walk, inference->encoder, FALSE);
}

/* Of each sequence the last token is enough, where nobody asks for more. */
static void
run_head (HrFlopWalk *self,
          gboolean    flow)
{
  const HrChain *head = self->pass->inference->head;
  gboolean all = self->pass->all_logits || self->pass->inference->stack->role == HR_STACK_ENCODER;

  for (guint i = 0; head != NULL && i < head->n_blocks; i++)
    all |= head->blocks[i].kind == HR_BLOCK_HEAD &&
           (head->blocks[i].head.every_token || head->blocks[i].head.all_logits);

  self->sequence = all ? self->pass->sequence : 1;
  if (self->pass->n_logits > 0)
    self->sequence = MIN (self->pass->n_logits, self->pass->sequence);
  if (head != NULL)
    run_chain (self, head, flow);
}

/*
 * hr_flop_pass_count:
 * @self: a pass
 *
 * Counts the operations of matrices, convolutions, attentions and states. What is done to each number by itself
 * (norms, activations, softmax, rotations) is not counted, as nobody does.
 *
 * Returns: (transfer full): what each part computes
 */
HrFlopCount *
hr_flop_pass_count (const HrFlopPass *self)
{
  g_autoptr (GHashTable) tensors = group_tensors (self->model);
  const HrInference *inference = self->inference;
  HrFlopCount *count = hr_flop_count_new ();
  HrFlopWalk walk = {
    .pass = self, .count = count, .tensors = tensors, .batch = inference->batch, .sequence = self->sequence,
    .past = self->past, .source = inference->source_length, .layer = -1, .is_read = TRUE,
  };
  gboolean flow = FALSE;

  for (guint i = 0; self->is_first && inference->towers != NULL && i < inference->towers->len; i++)
    flow |= run_tower (&walk, &g_array_index (inference->towers, HrTower, i));
  if (hr_pass_crosses (inference))
    {
      walk.source_flow = flow;
      flow = FALSE;
    }
  if (self->is_first && inference->encoder != NULL)
    run_encoder (&walk);
  run_head (&walk, run_stack (&walk, inference->stack, flow));

  return count;
}
