/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-layout-space.h"

/*
 * Every layout is a value for each dimension, and each dimension a setting of the job, which may be fixed. Which values
 * go together is what hr-layout says, of which an estimate takes the same.
 */

typedef enum
{
  TENSOR,
  PIPELINE,
  PARTS,
  COUNT_EMBEDDING,
  COUNT_LOSS,
  FIRST_LAYERS,
  LAST_LAYERS,
  CONTEXT,
  EXCHANGE,
  EXPERT,
  DATA,
  ZERO,
  CHECKPOINTING,
  MICRO_BATCH,
  N_DIMENSIONS,
} Dimension;

static const char * const settings[N_DIMENSIONS] = {
  [TENSOR] = "tensor-parallel",
  [PIPELINE] = "pipeline-parallel",
  [PARTS] = "virtual-pipeline-parallel",
  [COUNT_EMBEDDING] = "count-embedding-as-layer",
  [COUNT_LOSS] = "count-loss-as-layer",
  [FIRST_LAYERS] = "first-stage-layers",
  [LAST_LAYERS] = "last-stage-layers",
  [CONTEXT] = "context-parallel",
  [EXCHANGE] = "ulysses-parallel",
  [EXPERT] = "expert-parallel",
  [DATA] = "data-parallel",
  [ZERO] = "zero-stage",
  [CHECKPOINTING] = "gradient-checkpointing",
  [MICRO_BATCH] = "micro-batch-size",
};

#define MAX_ZERO_STAGE 3

/* From what saves least. */
static const HrGradientCheckpointing checkpointings[] = {
  HR_GRADIENT_CHECKPOINTING_NONE, HR_GRADIENT_CHECKPOINTING_SELECTIVE, HR_GRADIENT_CHECKPOINTING_FULL,
};

struct _HrLayoutSpace
{
  const HrLayoutParts *parts;
  guint64 max_gpus;
  guint64 n_sequences;
  gboolean is_fixed[N_DIMENSIONS];
  guint64 values[N_DIMENSIONS];
  gboolean divides_sequence;    /* wherever ranks share a layer */
  GPtrArray *divisions;
  GArray *groups;
};

static gboolean
allows (const HrLayoutSpace *self,
        Dimension            dimension,
        guint64              value)
{
  return !self->is_fixed[dimension] || self->values[dimension] == value;
}

static guint64
get_value (HrTrainingJob *job,
           const char    *setting)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (job), setting);
  g_auto (GValue) value = G_VALUE_INIT;

  g_object_get_property (G_OBJECT (job), setting, &value);

  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    return g_value_get_boolean (&value);

  return G_IS_PARAM_SPEC_ENUM (pspec) ? (guint64) g_value_get_enum (&value) : g_value_get_uint64 (&value);
}

static void
add_experts (HrLayoutSpace *self,
             HrLayoutGroup *group)
{
  guint64 n_experts = MAX (1, hr_layout_parts_get_n_experts (self->parts));

  for (guint64 i = 1; i <= MIN (n_experts, self->max_gpus); i++)
    {
      if (n_experts % i != 0 || !allows (self, EXPERT, i))
        continue;

      group->layout.expert = i;
      group->layout.expert_tensor = n_experts > 1 ? 1 : 0;
      g_array_append_val (self->groups, *group);
    }
}

/* Ranks that share a sequence are groups that exchange its tokens for heads, between which it goes round a ring. */
static void
add_exchanges (HrLayoutSpace *self,
               HrLayoutGroup *group)
{
  HrLayout *layout = &group->layout;

  for (layout->exchange = 1; layout->exchange <= layout->context; layout->exchange++)
    {
      if (layout->context % layout->exchange == 0 && allows (self, EXCHANGE, layout->exchange) &&
          hr_layout_parts_can_exchange (self->parts, layout))
        add_experts (self, group);
    }
}

static void
add_contexts (HrLayoutSpace *self,
              HrLayoutGroup *group)
{
  guint64 n_tokens = hr_layout_parts_get_n_tokens (self->parts);
  guint64 most = self->max_gpus / (group->layout.tensor * group->layout.pipeline);

  for (guint64 i = 1; i <= MIN (most, n_tokens); i++)
    {
      group->layout.context = i;
      if (allows (self, CONTEXT, i) && hr_layout_divides_tokens (&group->layout, n_tokens))
        add_exchanges (self, group);
    }
}

/* Stages, and parts of each; @least is how many layers a part counts at least. */
static void
add_parts (HrLayoutSpace *self,
           HrLayout      *layout,
           guint64        n_counted,
           guint64        least)
{
  guint64 n_layers = hr_layout_parts_get_n_layers (self->parts);

  if (!allows (self, COUNT_EMBEDDING, layout->counts_embedding) || !allows (self, COUNT_LOSS, layout->counts_loss) ||
      !allows (self, FIRST_LAYERS, layout->first_layers) || !allows (self, LAST_LAYERS, layout->last_layers))
    return;

  for (layout->parts = 1; layout->pipeline * layout->parts * least <= n_counted; layout->parts++)
    {
      if (layout->parts > 1 && layout->pipeline == 1)
        break;
      if (hr_layout_divides_layers (layout, n_layers) && allows (self, PARTS, layout->parts))
        g_ptr_array_add (self->divisions, hr_layout_parts_divide (self->parts, layout));
    }
}

/*
 * Where stages cannot have as many layers each, the first and the last share what the others leave, which have as many
 * as it takes. The last, which has the head as well, has the fewer.
 */
static void
add_unequal_divisions (HrLayoutSpace *self,
                       HrLayout      *layout)
{
  guint64 n_layers = hr_layout_parts_get_n_layers (self->parts);
  guint64 n_inner = (layout->pipeline - 2) * ((n_layers + layout->pipeline - 1) / layout->pipeline);

  if (n_layers % layout->pipeline == 0 || n_inner + 2 > n_layers)
    return;

  layout->last_layers = (n_layers - n_inner) / 2;
  layout->first_layers = n_layers - n_inner - layout->last_layers;
  add_parts (self, layout, n_layers, 1);
}

static void
add_fixed_divisions (HrLayoutSpace *self,
                     HrLayout      *layout)
{
  layout->first_layers = self->is_fixed[FIRST_LAYERS] ? self->values[FIRST_LAYERS] : 0;
  layout->last_layers = self->is_fixed[LAST_LAYERS] ? self->values[LAST_LAYERS] : 0;
  add_parts (self, layout, hr_layout_parts_get_n_layers (self->parts), 1);
}

/*
 * The embedding and the loss count as layers together or not at all; where they do, each part counts two layers at
 * least, so that none is left without.
 */
static void
add_counting_divisions (HrLayoutSpace *self,
                        HrLayout      *layout)
{
  layout->counts_embedding = layout->counts_loss = TRUE;
  add_parts (self, layout, hr_layout_parts_get_n_layers (self->parts) + 2, 2);
}

static void
add_divisions_of (HrLayoutSpace *self,
                  guint64        n_stages)
{
  HrLayout fixed = { .pipeline = n_stages }, counting = { .pipeline = n_stages }, unequal = { .pipeline = n_stages };
  guint before = self->divisions->len;

  add_fixed_divisions (self, &fixed);
  if (n_stages == 1)
    return;

  add_counting_divisions (self, &counting);
  if (self->divisions->len == before)
    add_unequal_divisions (self, &unequal);
}

static void
add_divisions (HrLayoutSpace *self)
{
  guint64 most = MIN (hr_layout_parts_get_n_layers (self->parts), self->max_gpus);

  for (guint64 n_stages = 1; n_stages <= most; n_stages++)
    {
      if (allows (self, PIPELINE, n_stages))
        add_divisions_of (self, n_stages);
    }
}

static void
add_groups (HrLayoutSpace *self)
{
  guint most = MIN (hr_layout_parts_get_max_tensor (self->parts), self->max_gpus);

  for (guint tensor = 1; tensor <= most; tensor++)
    {
      if (!hr_layout_parts_has_tensor (self->parts, tensor) || !allows (self, TENSOR, tensor))
        continue;

      for (guint i = 0; i < self->divisions->len; i++)
        {
          const HrDivision *division = g_ptr_array_index (self->divisions, i);
          HrLayoutGroup group = { division->layout, division };

          group.layout.data = 1;
          group.layout.exchange = 1;
          group.layout.tensor = tensor;
          group.layout.divides_sequence = tensor > 1 && self->divides_sequence;
          add_contexts (self, &group);
        }
    }
}

/*
 * hr_layout_space_new:
 * @parts: a model and a job, which stay as they are
 * @job: the job
 * @max_gpus: how many GPUs there are
 * @n_sequences: sequences of a step, those of all copies together
 * @fixed: (nullable) (array zero-terminated=1): settings that are not to be changed
 *
 * Lists all layouts.
 *
 * Returns: (transfer full): a space
 */
HrLayoutSpace *
hr_layout_space_new (const HrLayoutParts *parts,
                     HrTrainingJob       *job,
                     guint64              max_gpus,
                     guint64              n_sequences,
                     const char * const  *fixed)
{
  HrLayoutSpace *self = g_new0 (HrLayoutSpace, 1);

  self->parts = parts;
  self->max_gpus = max_gpus;
  self->n_sequences = n_sequences;
  self->divides_sequence = fixed == NULL || !g_strv_contains (fixed, "sequence-parallel") ||
                           hr_training_job_get_sequence_parallel (job);
  for (Dimension i = 0; i < N_DIMENSIONS; i++)
    {
      self->is_fixed[i] = fixed != NULL && g_strv_contains (fixed, settings[i]);
      self->values[i] = get_value (job, settings[i]);
    }
  /* 0 stands for as many copies as there are GPUs for. */
  self->is_fixed[DATA] = self->is_fixed[DATA] && self->values[DATA] > 0;

  self->divisions = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_division_free);
  self->groups = g_array_new (FALSE, FALSE, sizeof (HrLayoutGroup));
  add_divisions (self);
  add_groups (self);

  return self;
}

void
hr_layout_space_free (HrLayoutSpace *self)
{
  g_array_unref (self->groups);
  g_ptr_array_unref (self->divisions);
  g_free (self);
}

/* Returns: how many groups of layouts there are */
guint
hr_layout_space_get_n_groups (const HrLayoutSpace *self)
{
  return self->groups->len;
}

/* Layouts of one number of copies, with micro-batches of all sizes that divide their sequences. */
typedef struct
{
  const HrLayoutSpace *space;
  HrLayoutStep step;
  const HrDivision *division;
  HrLayoutFunc func;
  gpointer user_data;
} Visit;

static void
visit_micro_batches (Visit   *self,
                     guint64  most)
{
  guint64 each = self->space->n_sequences / self->step.layout.data;

  for (guint64 size = 1; size <= MIN (each, most); size++)
    {
      if (each % size != 0 || !allows (self->space, MICRO_BATCH, size) ||
          !hr_layout_can_interleave (&self->step.layout, each / size))
        continue;

      self->step.micro_batch = size;
      self->step.n_micro_batches = each / size;
      self->func (&self->step, self->division, self->user_data);
    }
}

/* Where nobody has the same parameters there is nothing to share. */
static gboolean
can_share (const HrLayout *layout)
{
  return layout->zero_stage == 0 || hr_layout_count_sharers (layout) > 1;
}

static void
visit_shares (Visit *self,
              guint  first_checkpointing,
              guint64 most)
{
  HrLayout *layout = &self->step.layout;

  for (layout->zero_stage = 0; layout->zero_stage <= MAX_ZERO_STAGE; layout->zero_stage++)
    {
      if (!allows (self->space, ZERO, layout->zero_stage) || !can_share (layout) || !hr_layout_can_share (layout))
        continue;

      for (guint i = first_checkpointing; i < G_N_ELEMENTS (checkpointings); i++)
        {
          self->step.checkpointing = checkpointings[i];
          if (allows (self->space, CHECKPOINTING, checkpointings[i]))
            visit_micro_batches (self, most);
        }
    }
}

static gboolean
take_copies (Visit   *self,
             guint64  copies)
{
  HrLayout *layout = &self->step.layout;

  layout->data = copies;
  layout->n_ranks = layout->data * layout->tensor * layout->pipeline * layout->context;

  return self->space->n_sequences % copies == 0 && allows (self->space, DATA, copies) &&
         hr_layout_divides_ranks (layout);
}

static guint64
init_visit (Visit               *self,
            const HrLayoutSpace *space,
            guint                index,
            HrLayoutFunc         func,
            gpointer             user_data)
{
  const HrLayoutGroup *group = &g_array_index (space->groups, HrLayoutGroup, index);
  const HrLayout *layout = &group->layout;

  *self = (Visit) {
    .space = space, .step = { .layout = *layout }, .division = group->division, .func = func, .user_data = user_data,
  };

  return MIN (space->max_gpus / (layout->tensor * layout->pipeline * layout->context), space->n_sequences);
}

/*
 * hr_layout_space_visit:
 * @self: a space
 * @group: the index of a group
 * @func: what to call for each layout
 * @user_data: what to hand to it
 *
 * Goes through the layouts of a group, with as many copies of the model as there are GPUs for.
 */
void
hr_layout_space_visit (const HrLayoutSpace *self,
                       guint                group,
                       HrLayoutFunc         func,
                       gpointer             user_data)
{
  Visit visit;
  guint64 copies = init_visit (&visit, self, group, func, user_data);

  while (copies > 0 && !take_copies (&visit, copies))
    copies--;
  if (copies > 0)
    visit_shares (&visit, 0, G_MAXUINT64);
}

/*
 * hr_layout_space_visit_least:
 * @self: a space
 * @group: the index of a group
 * @func: what to call for each layout
 * @user_data: what to hand to it
 *
 * Goes through those layouts of a group that may need least, with any number of copies: all is computed anew that may
 * be, a micro-batch has one sequence, and a stage one part, unless settings are fixed.
 */
void
hr_layout_space_visit_least (const HrLayoutSpace *self,
                             guint                group,
                             HrLayoutFunc         func,
                             gpointer             user_data)
{
  Visit visit;
  guint64 most = init_visit (&visit, self, group, func, user_data);
  guint first = self->is_fixed[CHECKPOINTING] ? 0 : G_N_ELEMENTS (checkpointings) - 1;

  if (visit.step.layout.parts > 1 && !self->is_fixed[PARTS])
    return;

  for (guint64 copies = 1; copies <= most; copies++)
    {
      if (take_copies (&visit, copies))
        visit_shares (&visit, first, self->is_fixed[MICRO_BATCH] ? G_MAXUINT64 : 1);
    }
}
