/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-traffic.h"

#include <math.h>

#include "hr-inference-cache.h"

/* What goes between a GPU and its memory: each weight once, however many tokens are multiplied by it. */

/* Counts are kept below 2^63; what is beyond is as good as that. */
static guint64
to_bytes (double bytes)
{
  return bytes < G_MAXINT64 ? (guint64) bytes : G_MAXINT64;
}

static gboolean
is_in_pass (const HrFlopPass *pass,
            const HrTensor   *tensor)
{
  HrStackRole role = hr_trainable_get_stack_role (pass->model, tensor);

  if (role == HR_STACK_ENCODER)
    return pass->is_first || pass->inference->stack->role == HR_STACK_ENCODER;
  if (role == HR_STACK_DECODER)
    return TRUE;

  return pass->is_first && pass->inference->towers != NULL && pass->inference->towers->len > 0;
}

/*
 * How much of a tensor is read: of experts, as many as some token is expected to choose if all are chosen alike, which
 * is the most there can be: E·(1 − (1 − k/E)^T). Of experts that several groups of ranks share each group has a part,
 * which the tokens of all come to.
 */
static double
get_share (const HrFlopPass *pass,
           const HrTensor   *tensor)
{
  double tokens = (double) pass->inference->batch * pass->sequence;
  double n_senders = MAX (pass->n_senders, 1);
  double chosen;

  if (tensor->n_experts == 0)
    return 1;

  chosen = (double) tensor->n_active_experts / tensor->n_experts;

  return (1 - pow (1 - chosen, tokens * n_senders)) / n_senders;
}

static guint64
get_stored_bytes (const HrWeightStorage *storage,
                  guint                  index)
{
  guint64 n_copies = hr_tensor_get_copies (hr_model_get_tensor (storage->model, index));
  guint64 bytes = 0, sum = 0;

  if (storage->mixture == NULL)
    {
      hr_weight_storage_get_bytes (storage, index, 0, &bytes);
      return bytes * n_copies;
    }

  for (guint64 copy = 0; copy < n_copies; copy++, sum += bytes)
    hr_weight_storage_get_bytes (storage, index, copy, &bytes);

  return sum;
}

/* Of a table of tokens rows are looked up; a head that is tied to it reads all of it, whether or not it has a row. */
static double
count_weights (const HrInferencePlan *plan,
               const HrFlopPass      *pass)
{
  const HrBlock *head = pass->inference->head == NULL ? NULL
                                                      : hr_chain_find_block (pass->inference->head, HR_BLOCK_HEAD);
  double bytes = 0;

  for (guint i = 0; i < hr_model_get_n_tensors (pass->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (pass->model, i);

      if (is_in_pass (pass, tensor) && tensor->role != HR_TENSOR_ROLE_EMBEDDING &&
          tensor->role != HR_TENSOR_ROLE_OUTPUT)
        bytes += get_stored_bytes (&plan->storage, i) * get_share (pass, tensor);
    }

  if (head != NULL)
    bytes += (double) head->head.vocab_size * head->head.hidden_size * hr_element_get_bytes (plan->element);

  return bytes;
}

static double
sum (HrTraffic *self)
{
  return (double) self->weights + self->cache + self->activations + self->optimizer + self->kernels;
}

/* What layers on another device read: the hidden states. */
static double
count_exchanged (const HrInferencePlan *plan,
                 const HrFlopPass      *pass)
{
  guint64 width = 0;

  hr_model_get_hyper_parameter (pass->model, "hidden_size", &width);

  return (double) pass->inference->batch * pass->sequence * width * hr_element_get_bytes (plan->element);
}

/*
 * hr_traffic_init_pass:
 * @self: (out): what is moved
 * @plan: how the model is held
 * @pass: a pass of it without gradients
 * @total: what it computes
 *
 * Counts what a pass moves. A prompt writes its cache; a token reads what is there, and adds to it.
 */
void
hr_traffic_init_pass (HrTraffic             *self,
                      const HrInferencePlan *plan,
                      const HrFlopPass      *pass,
                      const HrFlops         *total)
{
  guint64 last = pass->past + pass->sequence;

  *self = (HrTraffic) { 0 };
  self->weights = to_bytes (count_weights (plan, pass));
  if (pass->inference->use_cache)
    self->cache = hr_inference_get_cache_level (pass->inference, last, plan->element);
  self->activations = to_bytes ((double) total->elements * hr_element_get_bytes (plan->element));
  self->total = to_bytes (sum (self));
  self->exchanged = to_bytes (count_exchanged (plan, pass));
}

/*
 * hr_traffic_add:
 * @self: what is moved
 * @other: what else is
 * @times: how often that is
 *
 * Adds both.
 */
void
hr_traffic_add (HrTraffic       *self,
                const HrTraffic *other,
                guint64          times)
{
  self->weights = to_bytes (self->weights + (double) other->weights * times);
  self->cache = to_bytes (self->cache + (double) other->cache * times);
  self->activations = to_bytes (self->activations + (double) other->activations * times);
  self->optimizer = to_bytes (self->optimizer + (double) other->optimizer * times);
  self->kernels = to_bytes (self->kernels + (double) other->kernels * times);
  self->exchanged = to_bytes (self->exchanged + (double) other->exchanged * times);
  self->total = to_bytes (sum (self));
}

/*
 * hr_traffic_repeat_weights:
 * @self: what is moved, of which the activations are those of all passes
 * @times: how many passes there are
 *
 * Counts what each pass reads anew.
 */
void
hr_traffic_repeat_weights (HrTraffic *self,
                           guint64    times)
{
  HrTraffic once = *self;

  once.activations = 0;
  hr_traffic_add (self, &once, times - 1);
}

/*
 * hr_traffic_init_training:
 * @self: (out): what is moved
 * @plan: what is trained, and how
 * @pass: the forward pass of a micro-batch
 * @total: what all micro-batches compute
 *
 * Counts what a step moves: weights in the forward pass, in the backward pass and where layers are computed anew; what
 * products read and write, twice as much in the backward pass; each gradient written and read; the optimizer's states
 * and the parameters read and written. PPO goes over its answers several times, and updates more often.
 */
void
hr_traffic_init_training (HrTraffic             *self,
                          const HrTrainingPlan  *plan,
                          const HrFlopPass      *pass,
                          const HrFlops         *total)
{
  gboolean is_ppo = plan->training.algorithm == HR_ALGORITHM_PPO;
  guint64 epochs = is_ppo ? plan->training.n_epochs : 1;
  guint64 updates = is_ppo ? epochs * plan->training.n_mini_batches : 1;
  guint64 steps = plan->training.accumulation_steps * epochs;
  guint64 parameters = hr_trainables_get_bytes (plan->parameters, FALSE);
  double element = hr_element_get_bytes (plan->autocast != HR_ELEMENT_NONE ? plan->autocast : plan->pass.element);
  double again = total->forward > 0 ? (double) total->recomputed / total->forward : 0;

  *self = (HrTraffic) { 0 };
  self->weights = to_bytes (count_weights (&plan->pass, pass) * steps * (2 + again));
  self->activations = to_bytes (total->elements * element * (3 + again));
  self->optimizer = to_bytes (2.0 * parameters * steps + updates * (2.0 * plan->training.optimizer.state_bytes +
                                                                    2.0 * plan->training.master_bytes +
                                                                    2.0 * parameters));
  self->total = to_bytes (sum (self));
}

/*
 * hr_traffic_add_kernels:
 * @self: what is moved
 * @kernels: what is run
 *
 * Adds what kernels move that multiply no matrices.
 */
void
hr_traffic_add_kernels (HrTraffic       *self,
                        const HrKernels *kernels)
{
  self->kernels = to_bytes (self->kernels + kernels->bytes);
  self->total = to_bytes (sum (self));
}
