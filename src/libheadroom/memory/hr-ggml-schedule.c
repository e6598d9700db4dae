/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-ggml-schedule.h"

#include <string.h>

#include "hr-ggml-allocator.h"
#include "hr-ggml-type.h"

/*
 * What ggml's scheduler and allocator make of a graph (ggml/src/ggml-backend.cpp, ggml_backend_sched_split_graph;
 * ggml/src/ggml-alloc.c, ggml_gallocr_alloc_graph_impl, at b11669). Nodes run where their weights are; what lies
 * between goes with its neighbours. Where the place changes, a split begins, at whose start what it reads from
 * elsewhere is copied. GPUs are taken to be able to compute all there is but some scans and convolutions of states.
 */

/* ggml_backend_cuda_buffer_type_get_alignment, and TENSOR_ALIGNMENT of ggml-impl.h. */
#define DEVICE_ALIGNMENT 128
#define HOST_ALIGNMENT 32

/* Rows of quantized matrices are padded on CUDA (MATRIX_ROW_PADDING of ggml-cuda/common.cuh). */
#define ROW_PADDING 512

#define NO_PLACE (-1)

/* What the allocator knows of a tensor. */
typedef struct
{
  guint n_children;
  guint n_views;
  gint place;
  guint64 offset;
  gboolean is_allocated;
  gboolean is_kept;        /* never freed, nor taken over: a copy that another batch may need */
} State;

/* The nodes of a split, with the copies that are made at its start. */
typedef struct
{
  gint index;
  gint place;
} Step;

typedef struct
{
  const HrGgmlSchedule *schedule;
  HrGgmlGraph *graph;
  guint n_places;
  gint *places;            /* of each tensor where it is or is computed */
  gint *copies;            /* for each tensor and place the copy there, or HR_GGML_NONE */
  GArray *steps;           /* of Step: all nodes in their order, those that the copies need among them */
  GArray *kept;            /* of Step: what is allocated before all else */
  State *states;
  HrGgmlAllocator *allocators[HR_GGML_MAX_PLACES];
  HrGgmlAllocator *before[HR_GGML_MAX_PLACES]; /* at the first of two moments, and where what follows begins with was */
  State state_before;
  gboolean is_exact;       /* whether what is left out would make no buffer larger */
} Run;

static HrGgmlTensor *
get_tensor (const Run *run,
            gint       index)
{
  return &g_array_index (run->graph->tensors, HrGgmlTensor, index);
}

static gint
get_host (const Run *run)
{
  return run->schedule->n_devices;
}

static gint
get_node (const Run *run,
          guint      i)
{
  return g_array_index (run->graph->nodes, gint, i);
}

/* How many tokens an operation is for (get_op_batch_size in ggml-cuda.cu). */
static guint64
count_batch (const HrGgmlTensor *tensor)
{
  switch ((guint) tensor->op)
    {
    case HR_GGML_OP_GET_ROWS:
      return 0;

    case HR_GGML_OP_MUL_MAT:
      return tensor->ne[1];

    case HR_GGML_OP_MUL_MAT_ID:
    case HR_GGML_OP_ROPE:
      return tensor->ne[2];

    default:
      return tensor->ne[1] * tensor->ne[2] * tensor->ne[3];
    }
}

/*
 * hr_ggml_backend_has_scan:
 * @self: what a GPU computes with
 * @state_size: the size of a state
 * @head_dim: how many channels each head has: one in Mamba, several in Mamba 2
 * @n_heads: how many heads there are
 *
 * Gets whether a GPU has a kernel for the scan of a state space (ggml_backend_cuda_device_supports_op and
 * ggml_backend_vk_device_supports_op, GGML_OP_SSM_SCAN).
 *
 * Returns: whether there is one
 */
gboolean
hr_ggml_backend_has_scan (HrGgmlBackend self,
                          guint64       state_size,
                          guint64       head_dim,
                          guint64       n_heads)
{
  if (head_dim == 1)
    return self == HR_GGML_BACKEND_CUDA && state_size == 16 && n_heads % 128 == 0;

  return (state_size == 128 || state_size == 256) && head_dim % 16 == 0;
}

/*
 * hr_ggml_backend_has_convolution:
 * @self: what a GPU computes with
 * @n_channels: how many channels are convolved
 *
 * Gets whether a GPU has a kernel for the convolution of states (likewise, GGML_OP_SSM_CONV).
 *
 * Returns: whether there is one
 */
gboolean
hr_ggml_backend_has_convolution (HrGgmlBackend self,
                                 guint64       n_channels)
{
  return self != HR_GGML_BACKEND_CUDA || n_channels % 128 == 0;
}

static gboolean
has_kernel (const Run          *run,
            const HrGgmlTensor *tensor)
{
  const HrGgmlTensor *states;

  if (tensor->op == HR_GGML_OP_SSM_CONV)
    return hr_ggml_backend_has_convolution (run->schedule->backend, tensor->ne[0]);
  if (tensor->op != HR_GGML_OP_SSM_SCAN)
    return TRUE;

  states = get_tensor (run, tensor->sources[0]);

  return hr_ggml_backend_has_scan (run->schedule->backend, states->ne[0], states->ne[1], states->ne[2]);
}

/* Where a tensor has to be, as far as that follows from itself. */
static gint
find_own_place (const Run *run,
                gint       index)
{
  const HrGgmlTensor *tensor = get_tensor (run, index);
  gint place = tensor->view != HR_GGML_NONE ? get_tensor (run, tensor->view)->place : tensor->place;

  if (tensor->computed_at != HR_GGML_NONE)
    return tensor->computed_at;
  if (place != HR_GGML_NONE)
    return place;
  if (tensor->is_input || !has_kernel (run, tensor))
    return get_host (run);
  if (tensor->op == HR_GGML_OP_ROPE || tensor->op == HR_GGML_OP_FLASH_ATTENTION)
    return NO_PLACE;

  for (guint i = 0; i < HR_GGML_MAX_SOURCES; i++)
    {
      const HrGgmlTensor *source = tensor->sources[i] != HR_GGML_NONE ? get_tensor (run, tensor->sources[i]) : NULL;

      if (source == NULL || !source->is_weight)
        continue;
      if (source->place == get_host (run) && run->schedule->n_devices > 0 && run->schedule->offloads &&
          count_batch (tensor) >= HR_GGML_MIN_OFFLOAD)
        return 0;
      return source->place;
    }

  return NO_PLACE;
}

static gboolean
is_view (const Run *run,
         gint       index)
{
  return get_tensor (run, index)->op == HR_GGML_OP_VIEW;
}

/* What has no place yet gets that of its neighbour on one side; at first only GPUs spread. */
static void
spread (Run      *run,
        gboolean  downwards,
        gboolean  only_devices)
{
  guint n = run->graph->nodes->len;
  gint current = NO_PLACE;

  for (guint i = 0; i < n; i++)
    {
      gint index = get_node (run, downwards ? i : n - 1 - i);

      if (is_view (run, index))
        continue;
      if (run->places[index] != NO_PLACE)
        current = only_devices && run->places[index] == get_host (run) ? NO_PLACE : run->places[index];
      else
        run->places[index] = current;
    }
}

static void
place_sources (Run  *run,
               gint  index)
{
  const HrGgmlTensor *tensor = get_tensor (run, index);

  if (tensor->view != HR_GGML_NONE && run->places[index] == NO_PLACE)
    run->places[index] = run->places[tensor->view];

  for (guint i = 0; i < HR_GGML_MAX_SOURCES; i++)
    {
      gint source = tensor->sources[i];
      gint view = source != HR_GGML_NONE ? get_tensor (run, source)->view : HR_GGML_NONE;

      if (source != HR_GGML_NONE && run->places[source] == NO_PLACE)
        run->places[source] = view != HR_GGML_NONE ? run->places[view] : run->places[index];
    }
}

static void
place_all (Run *run)
{
  GArray *lists[] = { run->graph->leafs, run->graph->nodes };

  for (guint i = 0; i < run->graph->tensors->len; i++)
    run->places[i] = NO_PLACE;
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      for (guint j = 0; j < lists[i]->len; j++)
        {
          gint index = g_array_index (lists[i], gint, j);

          run->places[index] = find_own_place (run, index);
        }
    }

  spread (run, TRUE, TRUE);
  spread (run, FALSE, TRUE);
  spread (run, TRUE, FALSE);
  spread (run, FALSE, FALSE);
  for (guint i = 0; i < run->graph->nodes->len; i++)
    place_sources (run, get_node (run, i));
}

static void
add_step (GArray *steps,
          gint    index,
          gint    place)
{
  const Step step = { index, place };

  g_array_append_val (steps, step);
}

/* A tensor of the same layout (ggml_dup_tensor_layout). */
static gint
add_copy (Run  *run,
          gint  of)
{
  HrGgmlTensor tensor = *get_tensor (run, of);
  gint index = hr_ggml_graph_add (run->graph, tensor.type, tensor.ne[0], tensor.ne[1], tensor.ne[2], tensor.ne[3]);

  memcpy (get_tensor (run, index)->nb, tensor.nb, sizeof tensor.nb);

  return index;
}

static gint *
get_copy (Run  *run,
          gint  of,
          gint  place)
{
  return &run->copies[of * run->n_places + place];
}

/* Where there are several copies, one of each is in use, and all of them stay. */
static void
keep_copies (Run  *run,
             gint  first,
             gint  place)
{
  add_step (run->kept, first, place);
  for (guint i = 1; i < run->schedule->n_copies; i++)
    add_step (run->kept, add_copy (run, first), place);
}

/* Whether what is left out has as large a tensor. */
static gboolean
knows_bytes (const Run *run,
             gint       source)
{
  const HrGgmlTensor *tensor = get_tensor (run, source);

  return run->graph->repeats->len == 0 || !tensor->is_weight ||
         (run->graph->has_weight_bytes && tensor->place == get_host (run));
}

static void
fetch (Run    *run,
       gint    source,
       gint    place,
       GArray *inputs)
{
  gint *copy = get_copy (run, source, place);

  if (*copy != HR_GGML_NONE)
    return;

  *copy = add_copy (run, source);
  if (!knows_bytes (run, source))
    run->is_exact = FALSE;
  if (run->schedule->n_copies > 1)
    keep_copies (run, *copy, place);
  g_array_append_val (inputs, source);
}

/* Whether a node reads a weight of another device, so that the memory of those before it can be used again. */
static gboolean
reads_foreign_weight (const Run          *run,
                      const HrGgmlTensor *tensor,
                      gint                place)
{
  for (guint i = 0; i < HR_GGML_MAX_SOURCES; i++)
    {
      const HrGgmlTensor *source = tensor->sources[i] != HR_GGML_NONE ? get_tensor (run, tensor->sources[i]) : NULL;

      if (source != NULL && source->is_weight && source->place != place)
        return TRUE;
    }

  return FALSE;
}

/* What is read from elsewhere is waited for, and there is room for it, when the split begins. */
static void
add_split (Run    *run,
           guint   begin,
           guint   end,
           gint    place,
           GArray *inputs)
{
  for (guint i = 0; i < inputs->len; i++)
    {
      gint input = g_array_index (inputs, gint, i);
      HrGgmlTensor waiting = *get_tensor (run, input);
      gint index = hr_ggml_graph_add_view (run->graph, input, waiting.ne, waiting.nb);

      get_tensor (run, index)->op = HR_GGML_OP_NONE;
      add_step (run->steps, index, run->places[input]);
      add_step (run->steps, *get_copy (run, input, place), place);
    }
  for (guint i = begin; i < end; i++)
    add_step (run->steps, get_node (run, i), run->places[get_node (run, i)]);
  g_array_set_size (inputs, 0);
}

static void
keep_input (Run  *run,
            gint  source)
{
  gint *copy = get_copy (run, source, run->places[source]);

  if (!get_tensor (run, source)->is_input || run->schedule->n_copies == 1 || *copy != HR_GGML_NONE)
    return;

  *copy = source;
  keep_copies (run, source, run->places[source]);
}

static void
fetch_sources (Run    *run,
               gint    index,
               gint    place,
               GArray *inputs)
{
  for (guint i = 0; i < HR_GGML_MAX_SOURCES; i++)
    {
      gint source = get_tensor (run, index)->sources[i];

      if (source == HR_GGML_NONE)
        continue;

      keep_input (run, source);
      if (run->places[source] == place)
        continue;

      fetch (run, source, place, inputs);
      get_tensor (run, index)->sources[i] = *get_copy (run, source, place);
    }
}

/* An input that no node reads has copies as well, as host buffers of llama.cpp's log show. */
static void
keep_unread_inputs (Run *run)
{
  for (guint i = 0; i < run->graph->leafs->len; i++)
    keep_input (run, g_array_index (run->graph->leafs, gint, i));
}

/* Whether more nodes of the kind are left out. */
static gboolean
is_repeated (const Run *run,
             guint      node)
{
  const GArray *moments = run->graph->repeats;

  for (guint i = 0; i + 1 < moments->len; i += 2)
    {
      if (node >= g_array_index (moments, HrGgmlMoment, i).node &&
          node < g_array_index (moments, HrGgmlMoment, i + 1).node)
        return TRUE;
    }

  return FALSE;
}

static void
split (Run *run)
{
  g_autoptr (GArray) inputs = g_array_new (FALSE, FALSE, sizeof (gint));
  guint n = run->graph->nodes->len;
  gint place = NO_PLACE;
  guint begin = 0;

  for (guint i = 0; i < n; i++)
    {
      gint index = get_node (run, i);
      gint own = run->places[index];
      guint n_kept = run->kept->len;

      if (is_view (run, index))
        continue;
      if (place == NO_PLACE)
        place = own;
      if (own != place || (inputs->len > 0 && reads_foreign_weight (run, get_tensor (run, index), place)))
        {
          add_split (run, begin, i, place, inputs);
          begin = i;
          place = own;
        }
      fetch_sources (run, index, place, inputs);
      if (run->kept->len > n_kept && is_repeated (run, i))
        run->is_exact = FALSE;
    }
  add_split (run, begin, n, place, inputs);
  keep_unread_inputs (run);
}

/* CUDA's flash attention takes fp16 copies of other keys and values, of values that are part of the keys none. */
static guint64
add_copies (const Run          *run,
            const HrGgmlTensor *tensor,
            guint64             bytes)
{
  const HrGgmlTensor *keys = get_tensor (run, tensor->sources[1]);
  const HrGgmlTensor *values = get_tensor (run, tensor->sources[2]);
  gboolean is_one = keys->view == values->view;
  const HrGgmlTensor *caches[] = { keys, is_one ? NULL : values };

  for (guint i = 0; i < G_N_ELEMENTS (caches); i++)
    {
      if (caches[i] != NULL && caches[i]->type != HR_GGML_F16)
        bytes = (bytes + DEVICE_ALIGNMENT - 1) / DEVICE_ALIGNMENT * DEVICE_ALIGNMENT +
                2 * caches[i]->ne[0] * caches[i]->ne[1] * caches[i]->ne[2] * caches[i]->ne[3];
    }

  return bytes;
}

/* What a backend asks for a tensor. */
static guint64
get_bytes (const Run *run,
           gint       index,
           gint       place)
{
  const HrGgmlTensor *tensor = get_tensor (run, index);
  const HrGgmlType *type = hr_ggml_type_get (tensor->type);
  guint64 bytes = hr_ggml_graph_get_bytes (run->graph, index);

  if (place == get_host (run))
    return bytes;

  if (run->schedule->backend == HR_GGML_BACKEND_CUDA && !run->schedule->kernels.has_copies &&
      tensor->op == HR_GGML_OP_FLASH_ATTENTION && get_tensor (run, tensor->sources[0])->ne[1] > 1)
    bytes = add_copies (run, tensor, bytes);
  if (type->block_size > 1 && tensor->ne[0] % ROW_PADDING != 0)
    bytes += (ROW_PADDING - tensor->ne[0] % ROW_PADDING) / type->block_size * type->block_bytes;

  return bytes;
}

/* ggml_op_can_inplace. */
static gboolean
works_in_place (HrGgmlOp op)
{
  switch ((guint) op)
    {
    case HR_GGML_OP_SCALE:
    case HR_GGML_OP_ADD:
    case HR_GGML_OP_ADD_ID:
    case HR_GGML_OP_MUL:
    case HR_GGML_OP_DIV:
    case HR_GGML_OP_SQR:
    case HR_GGML_OP_UNARY:
    case HR_GGML_OP_ROPE:
    case HR_GGML_OP_RMS_NORM:
    case HR_GGML_OP_SOFT_MAX:
      return TRUE;

    default:
      return FALSE;
    }
}

static gboolean
has_same_layout (const HrGgmlTensor *a,
                 const HrGgmlTensor *b)
{
  return a->type == b->type && memcmp (a->ne, b->ne, sizeof a->ne) == 0 && memcmp (a->nb, b->nb, sizeof a->nb) == 0;
}

/* A source that nobody needs any more, and that the result fits into. */
static gint
find_parent (const Run *run,
             gint       index)
{
  const HrGgmlTensor *tensor = get_tensor (run, index);

  if (!works_in_place (tensor->op))
    return HR_GGML_NONE;

  for (guint i = 0; i < HR_GGML_MAX_SOURCES; i++)
    {
      gint parent = tensor->sources[i];
      const State *state = parent != HR_GGML_NONE ? &run->states[parent] : NULL;

      if (state != NULL && state->is_allocated && !state->is_kept && state->n_children == 1 && state->n_views == 0 &&
          has_same_layout (tensor, get_tensor (run, parent)))
        return parent;
    }

  return HR_GGML_NONE;
}

static void
allocate (Run  *run,
          gint  index,
          gint  place)
{
  const HrGgmlTensor *tensor = get_tensor (run, index);
  State *state = &run->states[index];
  gint parent;

  if (state->is_allocated || tensor->view != HR_GGML_NONE || tensor->place != HR_GGML_NONE)
    return;

  state->is_allocated = TRUE;
  parent = find_parent (run, index);
  if (parent != HR_GGML_NONE)
    {
      state->place = run->states[parent].place;
      state->offset = run->states[parent].offset;
      run->states[parent].is_allocated = FALSE;
      return;
    }

  state->place = place;
  state->offset = hr_ggml_allocator_take (run->allocators[place], get_bytes (run, index, place));
}

static void
release (Run  *run,
         gint  index)
{
  State *state = &run->states[index];

  if (state->is_kept || !state->is_allocated)
    return;

  hr_ggml_allocator_return (run->allocators[state->place], state->offset, get_bytes (run, index, state->place));
  state->is_allocated = FALSE;
}

static void
forget_source (Run  *run,
               gint  source)
{
  State *state = &run->states[source];
  gint view = get_tensor (run, source)->view;

  state->n_children--;
  if (state->n_children > 0 || state->n_views > 0)
    return;

  if (view == HR_GGML_NONE)
    {
      release (run, source);
      return;
    }

  run->states[view].n_views--;
  if (run->states[view].n_views == 0 && run->states[view].n_children == 0)
    release (run, view);
}

static void
allocate_ahead (Run *run)
{
  for (guint i = 0; i < run->kept->len; i++)
    {
      const Step *step = &g_array_index (run->kept, Step, i);

      run->states[step->index].is_kept = TRUE;
      allocate (run, step->index, step->place);
    }
  for (guint i = 0; i < run->graph->leafs->len; i++)
    {
      gint leaf = g_array_index (run->graph->leafs, gint, i);

      allocate (run, leaf, run->places[leaf]);
    }
}

static void
count_uses (Run *run)
{
  for (guint i = 0; i < run->steps->len; i++)
    {
      const HrGgmlTensor *tensor = get_tensor (run, g_array_index (run->steps, Step, i).index);

      if (tensor->view != HR_GGML_NONE && tensor->op != HR_GGML_OP_NONE)
        run->states[tensor->view].n_views++;
      for (guint j = 0; j < HR_GGML_MAX_SOURCES; j++)
        {
          if (tensor->sources[j] != HR_GGML_NONE)
            run->states[tensor->sources[j]].n_children++;
        }
    }
}

/*
 * At the first of two moments it is noted how the buffers are, at the second they have to be so again: what is left out
 * behind it is what lies between both, and would leave them so once more.
 */
static void
look (Run   *run,
      guint  i)
{
  const HrGgmlMoment *moment = &g_array_index (run->graph->repeats, HrGgmlMoment, i);
  const State *state = &run->states[moment->tensor];

  if (i % 2 == 0)
    {
      for (guint j = 0; j < run->n_places; j++)
        run->before[j] = hr_ggml_allocator_copy (run->allocators[j]);
      run->state_before = *state;
      return;
    }

  run->is_exact = run->is_exact && state->is_allocated == run->state_before.is_allocated &&
                   state->place == run->state_before.place && state->offset == run->state_before.offset;
  for (guint j = 0; j < run->n_places; j++)
    {
      run->is_exact = run->is_exact && hr_ggml_allocator_equal (run->allocators[j], run->before[j]);
      g_clear_pointer (&run->before[j], hr_ggml_allocator_free);
    }
}

static gboolean
is_at_moment (const Run  *run,
              guint       i,
              const Step *step)
{
  const GArray *moments = run->graph->repeats;

  return i < moments->len && get_node (run, g_array_index (moments, HrGgmlMoment, i).node) == step->index;
}

static void
allocate_all (Run *run)
{
  guint next = 0;

  allocate_ahead (run);
  count_uses (run);
  for (guint i = 0; i < run->steps->len; i++)
    {
      const Step *step = &g_array_index (run->steps, Step, i);
      const HrGgmlTensor *tensor = get_tensor (run, step->index);

      while (is_at_moment (run, next, step))
        look (run, next++);
      for (guint j = 0; j < HR_GGML_MAX_SOURCES; j++)
        {
          if (tensor->sources[j] != HR_GGML_NONE)
            allocate (run, tensor->sources[j], step->place);
        }
      allocate (run, step->index, step->place);
      for (guint j = 0; j < HR_GGML_MAX_SOURCES; j++)
        {
          if (tensor->sources[j] != HR_GGML_NONE)
            forget_source (run, tensor->sources[j]);
        }
    }
}

static void
run_init (Run                  *self,
          const HrGgmlSchedule *schedule,
          HrGgmlGraph          *graph)
{
  gsize n_copies = (gsize) graph->tensors->len * (schedule->n_devices + 1);

  *self = (Run) {
    .schedule = schedule,
    .graph = graph,
    .n_places = schedule->n_devices + 1,
    .places = g_new (gint, graph->tensors->len),
    .copies = g_new (gint, n_copies),
    .steps = g_array_new (FALSE, FALSE, sizeof (Step)),
    .kept = g_array_new (FALSE, FALSE, sizeof (Step)),
    .is_exact = TRUE,
  };
  for (gsize i = 0; i < n_copies; i++)
    self->copies[i] = HR_GGML_NONE;
  for (guint i = 0; i < self->n_places; i++)
    self->allocators[i] = hr_ggml_allocator_new (i < schedule->n_devices ? DEVICE_ALIGNMENT : HOST_ALIGNMENT);
}

static void
run_clear (Run *self)
{
  for (guint i = 0; i < self->n_places; i++)
    hr_ggml_allocator_free (self->allocators[i]);
  g_array_unref (self->kept);
  g_array_unref (self->steps);
  g_free (self->copies);
  g_free (self->places);
  g_free (self->states);
}

/*
 * hr_ggml_schedule_place:
 * @self: a schedule
 * @graph: a graph
 * @places: (out caller-allocates) (array): for each tensor of @graph
 *
 * Finds out where everything of a graph is or is computed.
 */
void
hr_ggml_schedule_place (const HrGgmlSchedule *self,
                        HrGgmlGraph          *graph,
                        gint                 *places)
{
  Run run;

  run_init (&run, self, graph);
  place_all (&run);
  memcpy (places, run.places, graph->tensors->len * sizeof (gint));
  run_clear (&run);
}

/*
 * hr_ggml_schedule_measure:
 * @self: a schedule
 * @graph: a graph, whose nodes read copies of what is elsewhere afterwards
 * @bytes: (out caller-allocates) (array): the sizes of the compute buffers of the devices and of the host, which are
 *   made larger where @graph needs more
 *
 * Finds out what is reserved for a graph, if that does not depend on how much of it is left out.
 *
 * Returns: whether it does not; otherwise @bytes are as they were
 */
gboolean
hr_ggml_schedule_measure (const HrGgmlSchedule *self,
                          HrGgmlGraph          *graph,
                          guint64              *bytes)
{
  Run run;
  gboolean is_exact;

  run_init (&run, self, graph);
  place_all (&run);
  split (&run);
  run.states = g_new0 (State, graph->tensors->len);
  allocate_all (&run);
  is_exact = run.is_exact;
  for (guint i = 0; is_exact && i < run.n_places; i++)
    bytes[i] = MAX (bytes[i], hr_ggml_allocator_get_size (run.allocators[i]));
  run_clear (&run);

  return is_exact;
}

/*
 * hr_ggml_schedule_measure_pools:
 * @self: a schedule
 * @graph: a graph
 * @bytes: (out caller-allocates) (array): what the kernels of each device take beside the compute buffer, which is
 *   made larger where @graph needs more
 *
 * Finds out what a graph takes from the pools of the devices when it is computed.
 */
void
hr_ggml_schedule_measure_pools (const HrGgmlSchedule *self,
                                HrGgmlGraph          *graph,
                                guint64              *bytes)
{
  Run run;

  run_init (&run, self, graph);
  place_all (&run);
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      gint node = get_node (&run, i);
      gint place = run.places[node];

      if (place >= 0 && place < get_host (&run))
        bytes[place] = MAX (bytes[place], hr_ggml_pool_get_bytes (graph, node, &self->kernels));
    }
  run_clear (&run);
}
