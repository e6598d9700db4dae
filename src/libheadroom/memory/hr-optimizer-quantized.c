/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-optimizer-private.h"

/*
 * Optimizers whose states have fewer bits than parameters: block-wise, with a largest value in fp32 for each block.
 */

#define FLOAT sizeof (float)

/* bitsandbytes/optim/optimizer.py: min_8bit_size, blocksize, and the size from which states are paged. */
#define MIN_QUANTIZED_ELEMENTS 4096
#define BLOCK_ELEMENTS 256
#define MIN_PAGED_ELEMENTS 100000

/* F.create_dynamic_map: 256 values of fp32, one map for each of the two kinds of state. */
#define MAP_BYTES (256 * FLOAT)

static gboolean
is_quantized (const HrOptimizerSettings *settings,
              const HrTrainable         *parameter)
{
  if (settings->fp32_embeddings && parameter->role == HR_TENSOR_ROLE_EMBEDDING)
    return FALSE;

  return parameter->n_elements >= MIN_QUANTIZED_ELEMENTS;
}

static guint64
count_state (const HrOptimizerSettings *settings,
             const HrTrainable         *parameter)
{
  return hr_trainable_get_bytes_as (parameter, is_quantized (settings, parameter) ? 1 : FLOAT);
}

static guint64
count_maxima (const HrOptimizerSettings *settings,
              const HrTrainable         *parameter)
{
  guint64 n_blocks = parameter->n_elements / BLOCK_ELEMENTS + (parameter->n_elements % BLOCK_ELEMENTS != 0);

  return is_quantized (settings, parameter) ? hr_ledger_round (n_blocks * FLOAT) : 0;
}

static guint64
count_two (const HrOptimizerSettings *settings,
           const HrTrainable         *parameter)
{
  return 2 * (count_state (settings, parameter) + count_maxima (settings, parameter));
}

static guint64
count_one (const HrOptimizerSettings *settings,
           const HrTrainable         *parameter)
{
  return count_state (settings, parameter) + count_maxima (settings, parameter);
}

static gboolean
is_paged (const HrTrainable *parameter)
{
  return parameter->n_elements >= MIN_PAGED_ELEMENTS;
}

/* get_state_buffer: the largest values of the blocks are never paged. */
static guint64
count_unpaged (const HrOptimizerSettings *settings,
               const HrTrainable         *parameter)
{
  guint64 maxima = 2 * count_maxima (settings, parameter);

  return is_paged (parameter) ? maxima : maxima + 2 * count_state (settings, parameter);
}

static guint64
count_paged (const HrOptimizerSettings *settings,
             const HrTrainable         *parameter)
{
  return is_paged (parameter) ? 2 * count_state (settings, parameter) : 0;
}

static guint64
count_unpaged_fp32 (const HrOptimizerSettings *settings,
                    const HrTrainable         *parameter)
{
  return is_paged (parameter) ? 0 : 2 * hr_trainable_get_bytes_as (parameter, FLOAT);
}

static guint64
count_paged_fp32 (const HrOptimizerSettings *settings,
                  const HrTrainable         *parameter)
{
  return is_paged (parameter) ? 2 * hr_trainable_get_bytes_as (parameter, FLOAT) : 0;
}

static gboolean
any_is_quantized (const HrTrainables *parameters)
{
  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      if (hr_trainables_get_item (parameters, i)->n_elements >= MIN_QUANTIZED_ELEMENTS)
        return TRUE;
    }

  return FALSE;
}

static guint64
count_maps (const HrTrainables *parameters)
{
  return any_is_quantized (parameters) ? 2 * hr_ledger_round (MAP_BYTES) : 0;
}

static guint64
count_map (const HrTrainables *parameters)
{
  return any_is_quantized (parameters) ? hr_ledger_round (MAP_BYTES) : 0;
}

#define BITSANDBYTES_SOURCE "bitsandbytes/optim/optimizer.py: "

const HrOptimizerAlgorithm hr_optimizer_adamw_8bit = {
  .count_states = count_two, .count_shared = count_maps, .source = BITSANDBYTES_SOURCE "Optimizer2State.init_state",
};

const HrOptimizerAlgorithm hr_optimizer_paged_adamw_8bit = {
  .count_states = count_unpaged, .count_shared = count_maps, .count_paged = count_paged,
  .source = BITSANDBYTES_SOURCE "Optimizer8bit.get_state_buffer",
};

const HrOptimizerAlgorithm hr_optimizer_paged_adamw = {
  .count_states = count_unpaged_fp32, .count_paged = count_paged_fp32,
  .source = BITSANDBYTES_SOURCE "Optimizer8bit.get_state_buffer",
};

const HrOptimizerAlgorithm hr_optimizer_lion_8bit = {
  .count_states = count_one, .count_shared = count_map, .source = BITSANDBYTES_SOURCE "Optimizer1State.init_state",
};

/* torchao/optim/subclass_4bit.py: two codes a byte, a scale for each block, and a map of 16 values with each state. */
#define TORCHAO_BLOCK_ELEMENTS 128
#define TORCHAO_MAP_BYTES (16 * FLOAT)

static guint64
count_4bit (const HrOptimizerSettings *settings,
            const HrTrainable         *parameter)
{
  guint64 n = parameter->n_elements;

  if (n < MIN_QUANTIZED_ELEMENTS || n % TORCHAO_BLOCK_ELEMENTS != 0)
    return 2 * hr_trainable_get_bytes (parameter);

  return 2 * (hr_ledger_round (n / 2) + hr_ledger_round (n / TORCHAO_BLOCK_ELEMENTS * FLOAT) +
              hr_ledger_round (TORCHAO_MAP_BYTES));
}

const HrOptimizerAlgorithm hr_optimizer_adamw_4bit = {
  .count_states = count_4bit, .source = "torchao/optim/adam.py: AdamW4bit",
};
