/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-estimate-private.h"

#include <glib/gi18n-lib.h>

#include "hr-job-enums.h"
#include "hr-memory-enums.h"
#include "hr-timeline.h"

#define MAX_PHASES HR_N_PHASES

#define SOURCE_RESERVE N_("the setting “memory-reserve”: what is to stay free on each GPU, in MiB")
#define SOURCE_FRAGMENTATION \
  "c10/cuda/CUDACachingAllocator.cpp: every request of the first steps replayed; segments − what is allocated"

/* A component of which nothing but its size is known. */
typedef struct
{
  HrComponentId id;
  guint64 bytes;
} BareComponent;

/*
 * @bytes and @by_component are without what only the heap tells, and do not change. Of jobs that are compared nobody
 * looks at the list of components, which takes longer to make than to find out.
 */
typedef struct
{
  guint64 bytes;
  guint64 by_component[HR_N_COMPONENTS];
  GListStore *components;   /* %NULL until it is needed */
  BareComponent bare[HR_N_COMPONENTS];  /* what is to be in it */
  guint n_bare;
} HrEstimateDevice;

/* What takes longer than all else, and is done when it is asked for. */
typedef struct
{
  HrHeapFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Heap;

/**
 * HrEstimate:
 *
 * What a job takes: the peak of the worst device, its parts at that moment, the peaks of the phases, and the same by
 * the rule of thumb. An estimate does not change.
 */
struct _HrEstimate
{
  GObject parent_instance;

  HrMode mode;
  HrEstimateMethod method;
  HrModel *model;
  guint64 n_trainable_parameters;
  GArray *devices;
  guint worst_device;
  guint64 n_ranks;  /* 0: one for each device */
  guint n_stages;   /* of a pipeline, whose stages are the devices; 0: they are no stages */
  HrPhase phases[MAX_PHASES];
  guint n_phases;
  HrPhaseId peak_phase;
  const char *peak_moment;
  char *peak_operation;
  HrTimeline *timeline;
  HrEstimate *rule_of_thumb;
  GPtrArray *warnings;
  guint below, above;
  guint64 margin;
  guint64 context;
  const char *margin_reason;
  gboolean has_no_margin;
  gboolean knows_growth;
  guint64 linear_bytes, square_bytes;  /* of activations */
  gboolean knows_room;
  guint64 room_tokens, room_requests;  /* of the cache of an engine */
  guint n_layers, n_host_layers, n_host_experts;  /* of a model that a host has a part of */
  gboolean reserves_unknown;
  GMutex mutex;
  Heap *heap;       /* %NULL once what comes of it is there */
  guint64 rest_bytes;   /* of @heap: what the allocator of the worst device reserves beside what it hands out */
  GArray *media;         /* of HrMediumTokens */
  guint64 text_tokens;
};

enum
{
  PROP_MODE = 1,
  PROP_TOTAL_BYTES,
  PROP_PEAK_PHASE,
  PROP_PEAK_MOMENT,
  PROP_PEAK_OPERATION,
  PROP_COMPONENTS,
  PROP_RULE_OF_THUMB,
  N_PROPS,
};

G_DEFINE_FINAL_TYPE (HrEstimate, hr_estimate, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static const char * const phase_names[HR_N_PHASES] = {
  [HR_PHASE_LOAD] = "load",
  [HR_PHASE_PREFILL] = "prefill",
  [HR_PHASE_HEAD] = "head",
  [HR_PHASE_DECODE] = "decode",
  [HR_PHASE_GENERATION] = "generation",
  [HR_PHASE_OLD_POLICY] = "old-policy",
  [HR_PHASE_REFERENCE] = "reference",
  [HR_PHASE_VALUE] = "value",
  [HR_PHASE_REWARD] = "reward",
  [HR_PHASE_FORWARD] = "forward",
  [HR_PHASE_LOSS] = "loss",
  [HR_PHASE_BACKWARD_LOSS] = "backward-loss",
  [HR_PHASE_BACKWARD] = "backward",
  [HR_PHASE_OPTIMIZER] = "optimizer",
  [HR_PHASE_STATISTICS] = "statistics",
};

static void
device_clear (gpointer data)
{
  HrEstimateDevice *device = data;

  g_clear_object (&device->components);
}

static HrEstimateDevice *
get_device (HrEstimate *self,
            guint       device)
{
  return &g_array_index (self->devices, HrEstimateDevice, device);
}

static void
heap_free (Heap *heap)
{
  heap->destroy (heap->data);
  g_free (heap);
}

static guint64
get_bytes (HrEstimate    *self,
           HrComponentId  id)
{
  return get_device (self, self->worst_device)->by_component[id];
}

/* What is known without the heap. */
static guint64
get_allocated (HrEstimate *self)
{
  return get_device (self, self->worst_device)->bytes - get_bytes (self, HR_COMPONENT_FRAMEWORK) -
         get_bytes (self, HR_COMPONENT_FRAGMENTATION) - get_bytes (self, HR_COMPONENT_RESERVE);
}

static GListStore *
make_list (HrEstimateDevice *device)
{
  if (device->components != NULL)
    return device->components;

  device->components = g_list_store_new (HR_TYPE_COMPONENT);
  for (guint i = 0; i < device->n_bare; i++)
    {
      g_autoptr (HrComponent) component =
        hr_component_new (device->bare[i].id, device->bare[i].bytes, NULL, NULL, NULL);

      g_list_store_append (device->components, component);
    }

  return device->components;
}

static void
append_component (HrEstimate    *self,
                  guint          device,
                  HrComponentId  id,
                  guint64        bytes,
                  const char    *formula,
                  const char    *substitution,
                  const char    *source)
{
  HrEstimateDevice *own = get_device (self, device);
  g_autoptr (HrComponent) component = NULL;

  if (own->components == NULL && formula == NULL && substitution == NULL && source == NULL &&
      own->n_bare < HR_N_COMPONENTS)
    {
      own->bare[own->n_bare++] = (BareComponent) { id, bytes };
      return;
    }

  component = hr_component_new (id, bytes, formula, substitution, source);
  g_list_store_append (make_list (own), component);
}

static void
add_reserved (HrEstimate *self,
              guint64     reserved)
{
  guint64 allocated = get_allocated (self);
  guint64 rest = reserved - MIN (allocated, reserved);
  g_autofree char *substitution = NULL;

  if (rest == 0)
    return;

  substitution = g_strdup_printf ("%" G_GUINT64_FORMAT " − %" G_GUINT64_FORMAT, reserved, allocated);
  append_component (self, self->worst_device, HR_COMPONENT_FRAGMENTATION, rest, "reserved − allocated", substitution,
                    SOURCE_FRAGMENTATION);
  self->rest_bytes = rest;
  for (guint i = 0; i < self->n_phases; i++)
    self->phases[i].peak_bytes += rest;
}

/* Whoever comes while another thread is at it waits. */
static void
ensure_heap (HrEstimate *self)
{
  Heap *heap;

  if (g_atomic_pointer_get (&self->heap) == NULL)
    return;

  g_mutex_lock (&self->mutex);
  heap = self->heap;
  if (heap != NULL)
    {
      add_reserved (self, heap->func (heap->data));
      g_atomic_pointer_set (&self->heap, NULL);
      heap_free (heap);
    }
  g_mutex_unlock (&self->mutex);
}

static void
hr_estimate_finalize (GObject *object)
{
  HrEstimate *self = HR_ESTIMATE (object);

  g_clear_pointer (&self->heap, heap_free);
  g_mutex_clear (&self->mutex);
  g_clear_object (&self->model);
  g_clear_object (&self->rule_of_thumb);
  g_clear_pointer (&self->devices, g_array_unref);
  g_clear_pointer (&self->warnings, g_ptr_array_unref);
  g_clear_pointer (&self->media, g_array_unref);
  g_clear_pointer (&self->peak_operation, g_free);
  g_clear_pointer (&self->timeline, hr_timeline_free);

  G_OBJECT_CLASS (hr_estimate_parent_class)->finalize (object);
}

static void
hr_estimate_get_property (GObject    *object,
                          guint       prop_id,
                          GValue     *value,
                          GParamSpec *pspec)
{
  HrEstimate *self = HR_ESTIMATE (object);

  switch (prop_id)
    {
    case PROP_MODE:
      g_value_set_enum (value, self->mode);
      break;

    case PROP_TOTAL_BYTES:
      g_value_set_uint64 (value, hr_estimate_get_total_bytes (self));
      break;

    case PROP_PEAK_PHASE:
      g_value_set_enum (value, self->peak_phase);
      break;

    case PROP_PEAK_MOMENT:
      g_value_set_string (value, self->peak_moment);
      break;

    case PROP_PEAK_OPERATION:
      g_value_set_string (value, self->peak_operation);
      break;

    case PROP_COMPONENTS:
      g_value_set_object (value, hr_estimate_get_components (self));
      break;

    case PROP_RULE_OF_THUMB:
      g_value_set_object (value, self->rule_of_thumb);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_estimate_class_init (HrEstimateClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = hr_estimate_finalize;
  object_class->get_property = hr_estimate_get_property;

  /**
   * HrEstimate:mode:
   *
   * The mode of the job.
   */
  properties[PROP_MODE] = g_param_spec_enum ("mode", NULL, NULL, HR_TYPE_MODE, HR_MODE_INFERENCE,
                                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrEstimate:total-bytes:
   *
   * The peak of the worst device, in bytes.
   */
  properties[PROP_TOTAL_BYTES] = g_param_spec_uint64 ("total-bytes", NULL, NULL, 0, G_MAXUINT64, 0,
                                                      G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrEstimate:peak-phase:
   *
   * The phase in which the peak is reached.
   */
  properties[PROP_PEAK_PHASE] = g_param_spec_enum ("peak-phase", NULL, NULL, HR_TYPE_PHASE_ID, HR_PHASE_LOAD,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrEstimate:peak-moment:
   *
   * What happens when the peak is reached; a message id to be translated.
   */
  properties[PROP_PEAK_MOMENT] = g_param_spec_string ("peak-moment", NULL, NULL, NULL,
                                                      G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrEstimate:peak-operation:
   *
   * The module and the operation that reach the peak, as the framework names them.
   */
  properties[PROP_PEAK_OPERATION] = g_param_spec_string ("peak-operation", NULL, NULL, NULL,
                                                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrEstimate:components:
   *
   * The parts of the peak: a list of [class@Component].
   */
  properties[PROP_COMPONENTS] = g_param_spec_object ("components", NULL, NULL, G_TYPE_LIST_MODEL,
                                                     G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrEstimate:rule-of-thumb:
   *
   * The same job by the formulas that people know.
   */
  properties[PROP_RULE_OF_THUMB] = g_param_spec_object ("rule-of-thumb", NULL, NULL, HR_TYPE_ESTIMATE,
                                                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
hr_estimate_init (HrEstimate *self)
{
  g_mutex_init (&self->mutex);
  self->devices = g_array_sized_new (FALSE, TRUE, sizeof (HrEstimateDevice), 1);
  g_array_set_clear_func (self->devices, device_clear);
  self->warnings = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->warnings, NULL);
}

/*
 * _hr_estimate_new:
 * @mode: the mode of the job
 * @method: how it is made
 * @model: the model
 *
 * Creates an estimate without devices; those that make it add them, in order.
 *
 * Returns: (transfer full): a new estimate
 */
HrEstimate *
_hr_estimate_new (HrMode            mode,
                  HrEstimateMethod  method,
                  HrModel          *model)
{
  HrEstimate *self = g_object_new (HR_TYPE_ESTIMATE, NULL);

  self->mode = mode;
  self->method = method;
  self->model = g_object_ref (model);

  return self;
}

/*
 * _hr_estimate_set_n_trainable_parameters:
 * @self: an estimate
 * @n_parameters: how many
 *
 * States how many parameters the job trains.
 */
void
_hr_estimate_set_n_trainable_parameters (HrEstimate *self,
                                         guint64     n_parameters)
{
  self->n_trainable_parameters = n_parameters;
}

/*
 * _hr_estimate_add_device:
 * @self: an estimate
 *
 * Adds a device.
 *
 * Returns: its index
 */
guint
_hr_estimate_add_device (HrEstimate *self)
{
  HrEstimateDevice device = { .components = NULL };

  g_array_append_val (self->devices, device);

  return self->devices->len - 1;
}

/* What the worst device takes but for what only the heap tells. */
guint64
_hr_estimate_get_known_bytes (HrEstimate *self)
{
  return get_device (self, self->worst_device)->bytes;
}

/*
 * _hr_estimate_join_ranks:
 * @self: the estimate of the rank that takes most
 * @all: (array length=n): estimates of ranks that differ, of one device each, @self among them
 * @n: how many
 * @n_ranks: how many ranks there are, those that are alike included
 *
 * Makes the devices of all ranks those of one estimate.
 */
void
_hr_estimate_join_ranks (HrEstimate         *self,
                         HrEstimate * const *all,
                         guint               n,
                         guint64             n_ranks)
{
  g_autoptr (GArray) devices = g_array_sized_new (FALSE, TRUE, sizeof (HrEstimateDevice), n);

  g_array_set_clear_func (devices, device_clear);
  for (guint i = 0; i < n; i++)
    {
      HrEstimateDevice device = *get_device (all[i], 0);

      if (device.components != NULL)
        g_object_ref (device.components);
      g_array_append_val (devices, device);
      if (all[i] == self)
        self->worst_device = i;
    }
  g_array_unref (self->devices);
  self->devices = g_steal_pointer (&devices);
  self->n_ranks = n_ranks;
}

/* How many stages of a pipeline the devices are. */
void
_hr_estimate_set_n_stages (HrEstimate *self,
                           guint       n_stages)
{
  self->n_stages = n_stages;
}

/* How many ranks there are, those that are alike included. */
void
_hr_estimate_set_n_ranks (HrEstimate *self,
                          guint64     n_ranks)
{
  self->n_ranks = n_ranks;
}

/*
 * _hr_estimate_set_device_bytes:
 * @self: an estimate
 * @device: the index of a device
 * @bytes: its peak, the sum of its components
 *
 * States the peak of a device.
 */
void
_hr_estimate_set_device_bytes (HrEstimate *self,
                               guint       device,
                               guint64     bytes)
{
  get_device (self, device)->bytes = bytes;
}

/*
 * _hr_estimate_add_component:
 * @self: an estimate
 * @device: the index of a device
 * @id: what the memory is held for
 * @bytes: how much
 * @formula: the formula
 * @substitution: the formula in numbers
 * @source: where it comes from
 *
 * Adds a part to the peak of a device.
 */
void
_hr_estimate_add_component (HrEstimate    *self,
                            guint          device,
                            HrComponentId  id,
                            guint64        bytes,
                            const char    *formula,
                            const char    *substitution,
                            const char    *source)
{
  get_device (self, device)->by_component[id] += bytes;
  append_component (self, device, id, bytes, formula, substitution, source);
}

/*
 * _hr_estimate_add_reserve:
 * @self: an estimate
 * @bytes: what is to stay free
 *
 * Adds what somebody wants to stay free on each device, all the time.
 */
void
_hr_estimate_add_reserve (HrEstimate *self,
                          guint64     bytes)
{
  g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·2²⁰", bytes >> 20);

  if (bytes == 0)
    return;

  for (guint i = 0; i < self->devices->len; i++)
    {
      _hr_estimate_add_component (self, i, HR_COMPONENT_RESERVE, bytes, "R_f·2²⁰", substitution,
                                  SOURCE_RESERVE);
      get_device (self, i)->bytes += bytes;
    }
  for (guint i = 0; i < self->n_phases; i++)
    self->phases[i].peak_bytes += bytes;
}

/*
 * _hr_estimate_set_heap:
 * @self: an estimate of one device, to which nothing else is added
 * @func: replays the requests of the job
 * @data: what @func works on
 * @destroy: frees @data
 *
 * Leaves open what the allocator takes from the driver beside what it hands out, until somebody asks for it.
 */
void
_hr_estimate_set_heap (HrEstimate     *self,
                       HrHeapFunc      func,
                       gpointer        data,
                       GDestroyNotify  destroy)
{
  self->heap = g_new (Heap, 1);
  *self->heap = (Heap) { func, data, destroy };
}

/*
 * _hr_estimate_set_spread:
 * @self: an estimate
 * @below: thousandths of what is reserved that cases which were measured had less, but for one in twenty
 * @above: thousandths that they had more, but for one in twenty
 *
 * States how far measurements lie from what the estimate says is reserved.
 */
void
_hr_estimate_set_spread (HrEstimate *self,
                         guint       below,
                         guint       above)
{
  self->below = below;
  self->above = above;
}

/*
 * _hr_estimate_set_margin:
 * @self: an estimate, of a program whose allocator is not replayed
 * @bytes: what cases which were measured had more than the estimate says, but for one in twenty
 * @reason: (transfer none): what that is of, a sentence that is translated where it is shown
 *
 * States how far measurements lie above the total.
 */
void
_hr_estimate_set_margin (HrEstimate *self,
                         guint64     bytes,
                         const char *reason)
{
  self->margin = bytes;
  self->margin_reason = reason;
}

/*
 * _hr_estimate_set_no_margin:
 * @self: an estimate, of a program whose allocator is not replayed
 * @reason: (transfer none): why, a sentence that is translated where it is shown
 *
 * States that it is not known how far measurements lie above the total.
 */
void
_hr_estimate_set_no_margin (HrEstimate *self,
                            const char *reason)
{
  self->has_no_margin = TRUE;
  self->margin_reason = reason;
}

/*
 * _hr_estimate_set_context:
 * @self: an estimate
 * @bytes: what of the framework's part is the context
 *
 * States that the context is there before the program looks at what is held beside torch's allocator.
 */
void
_hr_estimate_set_context (HrEstimate *self,
                          guint64     bytes)
{
  self->context = bytes;
}

/*
 * _hr_estimate_add_phase:
 * @self: an estimate
 * @id: a phase
 * @peak_bytes: the most that the worst device holds during it
 *
 * Adds a phase; they come in the order of time.
 */
void
_hr_estimate_add_phase (HrEstimate *self,
                        HrPhaseId   id,
                        guint64     peak_bytes)
{
  g_return_if_fail (self->n_phases < MAX_PHASES);

  self->phases[self->n_phases++] = (HrPhase) { id, peak_bytes };
}

/*
 * _hr_estimate_set_growth:
 * @self: an estimate
 * @linear: activations at the peak that grow as the length of sequences does, in bytes
 * @square: those that grow as its square does, in bytes
 *
 * States how the activations grow.
 */
void
_hr_estimate_set_growth (HrEstimate *self,
                         guint64     linear,
                         guint64     square)
{
  self->knows_growth = TRUE;
  self->linear_bytes = linear;
  self->square_bytes = square;
}

/*
 * _hr_estimate_set_room:
 * @self: an estimate
 * @tokens: tokens that the cache of a copy of the model has room for
 * @requests: requests of the job’s prompt and output that it has room for at once
 *
 * States what an engine has room for that takes a share of the memory.
 */
void
_hr_estimate_set_room (HrEstimate *self,
                       guint64     tokens,
                       guint64     requests)
{
  self->knows_room = TRUE;
  self->room_tokens = tokens;
  self->room_requests = requests;
}

/*
 * _hr_estimate_set_host_layers:
 * @self: an estimate
 * @n_layers: the layers of the model, the head being one of them
 * @n_host_layers: how many of them the processor computes
 * @n_host_experts: how many others have experts that the host keeps
 *
 * States what part of a model is not on GPUs.
 */
void
_hr_estimate_set_host_layers (HrEstimate *self,
                              guint       n_layers,
                              guint       n_host_layers,
                              guint       n_host_experts)
{
  self->n_layers = n_layers;
  self->n_host_layers = n_host_layers;
  self->n_host_experts = n_host_experts;
}

/*
 * _hr_estimate_set_peak:
 * @self: an estimate
 * @device: the device that takes the most
 * @phase: the phase in which it does
 * @moment: (nullable): what happens then, a static message id
 * @operation: (transfer full) (nullable): the module and its operation
 *
 * States when and where the peak is reached.
 */
void
_hr_estimate_set_peak (HrEstimate *self,
                       guint       device,
                       HrPhaseId   phase,
                       const char *moment,
                       char       *operation)
{
  self->worst_device = device;
  self->peak_phase = phase;
  self->peak_moment = moment;
  g_free (self->peak_operation);
  self->peak_operation = operation;
}

/*
 * _hr_estimate_take_timeline:
 * @self: an estimate
 * @timeline: (transfer full): what the worst device holds over the course of the job
 *
 * Attaches the timeline of the worst device.
 */
void
_hr_estimate_take_timeline (HrEstimate *self,
                            HrTimeline *timeline)
{
  g_clear_pointer (&self->timeline, hr_timeline_free);
  self->timeline = timeline;
}

/*
 * _hr_estimate_set_rule_of_thumb:
 * @self: an estimate
 * @rule_of_thumb: the same by the formulas that people know
 *
 * Attaches the rule of thumb.
 */
void
_hr_estimate_set_rule_of_thumb (HrEstimate *self,
                                HrEstimate *rule_of_thumb)
{
  g_set_object (&self->rule_of_thumb, rule_of_thumb);
}

/*
 * _hr_estimate_take_warning:
 * @self: an estimate
 * @warning: (transfer full): a sentence
 *
 * Adds something that was assumed.
 */
void
_hr_estimate_take_warning (HrEstimate *self,
                           char       *warning)
{
  g_ptr_array_insert (self->warnings, self->warnings->len - 1, warning);
}

/**
 * hr_estimate_get_mode:
 * @self: an estimate
 *
 * Gets the mode of the job that was estimated.
 *
 * Returns: the mode
 */
HrMode
hr_estimate_get_mode (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), HR_MODE_INFERENCE);

  return self->mode;
}

/**
 * hr_estimate_get_method:
 * @self: an estimate
 *
 * Gets how the estimate was made.
 *
 * Returns: the method
 */
HrEstimateMethod
hr_estimate_get_method (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), HR_ESTIMATE_METHOD_EXACT);

  return self->method;
}

/**
 * hr_estimate_get_model:
 * @self: an estimate
 *
 * Gets the model that was estimated.
 *
 * Returns: (transfer none): the model
 */
HrModel *
hr_estimate_get_model (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);

  return self->model;
}

/**
 * hr_estimate_get_n_trainable_parameters:
 * @self: an estimate
 *
 * Gets how many parameters the job trains, those of the model and those of adapters; inference trains none.
 *
 * Returns: how many
 */
guint64
hr_estimate_get_n_trainable_parameters (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return self->n_trainable_parameters;
}

/**
 * hr_estimate_get_total_bytes:
 * @self: an estimate
 *
 * Gets the peak of the worst device, which is the sum of its components.
 *
 * Returns: the size in bytes
 */
guint64
hr_estimate_get_total_bytes (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return hr_estimate_get_device_bytes (self, self->worst_device);
}

/**
 * hr_estimate_get_component_bytes:
 * @self: an estimate
 * @id: a component's id
 *
 * Gets the size of one component of the peak of the worst device.
 *
 * Returns: the size in bytes; 0 where there is no such component
 */
guint64
hr_estimate_get_component_bytes (HrEstimate    *self,
                                 HrComponentId  id)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  /* All others are known before what is reserved. */
  if (id != HR_COMPONENT_FRAGMENTATION)
    return get_bytes (self, id);

  ensure_heap (self);

  return get_bytes (self, id) + self->rest_bytes;
}

/**
 * hr_estimate_count_component_bytes:
 * @self: an estimate
 * @id: a component's id
 *
 * Adds up what one component takes of the peaks of all devices.
 *
 * Returns: the size in bytes
 */
guint64
hr_estimate_count_component_bytes (HrEstimate    *self,
                                   HrComponentId  id)
{
  guint64 bytes = 0;

  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  for (guint i = 0; i < hr_estimate_get_n_devices (self); i++)
    {
      GListModel *components = hr_estimate_get_device_components (self, i);

      for (guint j = 0; j < g_list_model_get_n_items (components); j++)
        {
          g_autoptr (HrComponent) component = g_list_model_get_item (components, j);

          if (hr_component_get_id (component) == id)
            bytes += hr_component_get_bytes (component);
        }
    }

  return bytes;
}

/**
 * hr_estimate_find_component:
 * @self: an estimate
 * @id: a component's id
 *
 * Finds one component of the peak of the worst device.
 *
 * Returns: (transfer none) (nullable): the component, or %NULL where there is none
 */
HrComponent *
hr_estimate_find_component (HrEstimate    *self,
                            HrComponentId  id)
{
  GListModel *components;

  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);

  components = hr_estimate_get_components (self);
  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);

      if (hr_component_get_id (component) == id)
        return component;
    }

  return NULL;
}

/**
 * hr_estimate_get_allocated_bytes:
 * @self: an estimate
 *
 * Gets what the framework's allocator hands out at the peak of the worst device, which is comparable with
 * `torch.cuda.max_memory_allocated()`.
 *
 * Returns: the size in bytes
 */
guint64
hr_estimate_get_allocated_bytes (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return get_allocated (self);
}

/**
 * hr_estimate_get_least_bytes:
 * @self: an estimate
 *
 * Gets what is known of the total at once: what the allocator hands out, what the driver and the libraries hold beside
 * it, and what is to stay free. The total has what the allocator keeps as well, which is known only after its requests
 * have been made again.
 *
 * Returns: the size in bytes, no more than the total
 */
guint64
hr_estimate_get_least_bytes (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return get_allocated (self) + get_bytes (self, HR_COMPONENT_FRAMEWORK) + get_bytes (self, HR_COMPONENT_RESERVE);
}

/**
 * hr_estimate_get_reserved_bytes:
 * @self: an estimate
 *
 * Gets what the framework's allocator has taken from the driver at the peak of the worst device, which is comparable
 * with `torch.cuda.max_memory_reserved()`. The total has what the driver and the libraries hold on top of it, as
 * `nvidia-smi` shows it.
 *
 * Returns: the size in bytes
 */
guint64
hr_estimate_get_reserved_bytes (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return hr_estimate_get_total_bytes (self) - get_bytes (self, HR_COMPONENT_FRAMEWORK) -
         get_bytes (self, HR_COMPONENT_RESERVE);
}

static guint64
get_thousandths (guint64 bytes,
                 guint   thousandths)
{
  return bytes / 1000 * thousandths + bytes % 1000 * thousandths / 1000;
}

/* What the allocator reserves beside what it hands out is not known. */
void
_hr_estimate_doubt_reserved (HrEstimate *self)
{
  self->reserves_unknown = TRUE;
}

/**
 * hr_estimate_knows_reserved:
 * @self: an estimate
 *
 * Checks whether it is known what the allocator takes from the driver; where it is not, the total is without what that
 * is more than it hands out.
 *
 * Returns: whether it is
 */
gboolean
hr_estimate_knows_reserved (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), FALSE);

  return !self->reserves_unknown;
}

/**
 * hr_estimate_get_host_layers: (skip)
 * @self: an estimate
 * @n_layers: (out): the layers of the model, the head being one of them
 * @n_host_layers: (out): how many of them the processor computes
 * @n_host_experts: (out): how many others have experts that the host keeps
 *
 * Gets what part of a model is not on GPUs, with llama.cpp and Ollama.
 *
 * Returns: whether there is such a part
 */
gboolean
hr_estimate_get_host_layers (HrEstimate *self,
                             guint      *n_layers,
                             guint      *n_host_layers,
                             guint      *n_host_experts)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), FALSE);

  *n_layers = self->n_layers;
  *n_host_layers = self->n_host_layers;
  *n_host_experts = self->n_host_experts;

  return self->n_host_layers > 0 || self->n_host_experts > 0;
}

/**
 * hr_estimate_get_room: (skip)
 * @self: an estimate
 * @tokens: (out): tokens that the cache of a copy of the model has room for
 * @requests: (out): requests of the job’s prompt and output that it has room for at once
 *
 * Gets what an engine has room for that takes a share of the memory for its cache, whatever the job needs.
 *
 * Returns: whether it is such an engine, and starts
 */
gboolean
hr_estimate_get_room (HrEstimate *self,
                      guint64    *tokens,
                      guint64    *requests)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), FALSE);

  *tokens = self->room_tokens;
  *requests = self->room_requests;

  return self->knows_room;
}

/**
 * hr_estimate_get_growth:
 * @self: an estimate
 * @linear: (out) (optional): those that grow as the length does, in bytes
 * @square: (out) (optional): those that grow as its square does, in bytes
 *
 * Gets how the activations at the peak grow with the length of sequences. Each tensor is counted by how many of its
 * sizes are numbers of tokens; what is left of the activations does not depend on the length.
 *
 * Returns: whether that is known: of training, where all tensors are written down in such sizes
 */
gboolean
hr_estimate_get_growth (HrEstimate *self,
                        guint64    *linear,
                        guint64    *square)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), FALSE);

  if (linear != NULL)
    *linear = self->linear_bytes;
  if (square != NULL)
    *square = self->square_bytes;

  return self->knows_growth;
}

/**
 * hr_estimate_get_reserved_range:
 * @self: an estimate
 * @low: (out) (optional): the lower end, in bytes
 * @high: (out) (optional): the upper end, in bytes
 *
 * Gets where nine of ten cases that were measured lie around [method@Estimate.get_reserved_bytes]. What decides it
 * cannot be known: which workspaces and kernels libraries choose, what was loaded in which order, other streams. No
 * less is reserved than is allocated.
 *
 * Returns: whether such cases were measured
 */
gboolean
hr_estimate_get_reserved_range (HrEstimate *self,
                                guint64    *low,
                                guint64    *high)
{
  guint64 reserved;

  g_return_val_if_fail (HR_IS_ESTIMATE (self), FALSE);

  if (self->above == 0)
    return FALSE;

  reserved = hr_estimate_get_reserved_bytes (self);
  if (low != NULL)
    *low = MAX (reserved - get_thousandths (reserved, self->below), get_allocated (self));
  if (high != NULL)
    *high = reserved + get_thousandths (reserved, self->above);

  return TRUE;
}

/**
 * hr_estimate_get_safe_bytes:
 * @self: an estimate
 * @bytes: (out) (optional): the size, in bytes
 *
 * Gets what to have room for: of cases that were measured, nineteen of twenty stay below the total with as much more as
 * the upper end of [method@Estimate.get_reserved_range] lies above what the estimate says is reserved, or with the
 * margin that [method@Estimate.get_safe_reason] is about.
 *
 * Returns: whether such cases were measured
 */
gboolean
hr_estimate_get_safe_bytes (HrEstimate *self,
                            guint64    *bytes)
{
  guint64 high;

  g_return_val_if_fail (HR_IS_ESTIMATE (self), FALSE);

  if (self->has_no_margin)
    return FALSE;
  if (self->margin_reason != NULL)
    {
      if (bytes != NULL)
        *bytes = hr_estimate_get_total_bytes (self) + self->margin;
      return TRUE;
    }
  if (self->reserves_unknown || !hr_estimate_get_reserved_range (self, NULL, &high))
    return FALSE;

  if (bytes != NULL)
    *bytes = hr_estimate_get_total_bytes (self) + high - MIN (high, hr_estimate_get_reserved_bytes (self));

  return TRUE;
}

/**
 * hr_estimate_get_safe_reason:
 * @self: an estimate
 *
 * Gets what the margin of [method@Estimate.get_safe_bytes] is of, where no allocator is replayed, or why there is none.
 *
 * Returns: (transfer none) (nullable): a sentence to be translated, or %NULL if there is none
 */
const char *
hr_estimate_get_safe_reason (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);

  return self->margin_reason;
}

/**
 * hr_estimate_get_non_torch_bytes:
 * @self: an estimate
 *
 * Gets what a program that looks for it finds beside torch’s allocator: what the libraries take, with the context
 * unless that is there before the program looks.
 *
 * Returns: the size in bytes
 */
guint64
hr_estimate_get_non_torch_bytes (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return hr_estimate_get_component_bytes (self, HR_COMPONENT_FRAMEWORK) +
         hr_estimate_get_component_bytes (self, HR_COMPONENT_COMMUNICATION) - self->context;
}

/**
 * hr_estimate_get_missed_bytes:
 * @self: an estimate
 *
 * Gets what of the total is in no tensor, and so in no formula that adds up tensors: the context, the workspaces of
 * libraries, and what the allocator has reserved beside what it hands out.
 *
 * Returns: the size in bytes
 */
guint64
hr_estimate_get_missed_bytes (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return hr_estimate_get_total_bytes (self) - get_allocated (self);
}

/**
 * hr_estimate_get_peak_phase:
 * @self: an estimate
 *
 * Gets the phase in which the worst device reaches its peak.
 *
 * Returns: the phase
 */
HrPhaseId
hr_estimate_get_peak_phase (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), HR_PHASE_LOAD);

  return self->peak_phase;
}

/**
 * hr_estimate_get_peak_moment:
 * @self: an estimate
 *
 * Gets what happens when the peak is reached, as a message id to be translated where it is shown.
 *
 * Returns: (transfer none) (nullable): half a sentence, or %NULL where the method knows no moments
 */
const char *
hr_estimate_get_peak_moment (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);

  return self->peak_moment;
}

/**
 * hr_estimate_get_peak_operation:
 * @self: an estimate
 *
 * Gets the module and the operation that reach the peak, in the framework's own names: `model.layers.31.mlp, mul`.
 *
 * Returns: (transfer none) (nullable): the operation, or %NULL where the method knows none
 */
const char *
hr_estimate_get_peak_operation (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);

  return self->peak_operation;
}

/**
 * hr_estimate_get_components:
 * @self: an estimate
 *
 * Gets the parts of the peak at its moment. They add up to the total exactly.
 *
 * Returns: (transfer none): a list of [class@Component]
 */
GListModel *
hr_estimate_get_components (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);

  return hr_estimate_get_device_components (self, self->worst_device);
}

/**
 * hr_estimate_get_phases:
 * @self: an estimate
 * @n_phases: (out): how many there are
 *
 * Gets the phases of the job in the order of time.
 *
 * Returns: (transfer none) (array length=n_phases): the phases
 */
const HrPhase *
hr_estimate_get_phases (HrEstimate *self,
                        guint      *n_phases)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);
  g_return_val_if_fail (n_phases != NULL, NULL);

  ensure_heap (self);
  *n_phases = self->n_phases;

  return self->phases;
}

/**
 * hr_estimate_get_n_devices:
 * @self: an estimate
 *
 * Gets the number of devices that the job runs on.
 *
 * Returns: how many, at least 1
 */
guint
hr_estimate_get_n_devices (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return self->devices->len;
}

/**
 * hr_estimate_get_n_ranks:
 * @self: an estimate
 *
 * Gets the number of GPUs that the job is divided among, of which those that hold the same are one device of the
 * estimate.
 *
 * Returns: the number, at least that of the devices
 */
guint64
hr_estimate_get_n_ranks (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return MAX (self->n_ranks, self->devices->len);
}

/**
 * hr_estimate_get_worst_device:
 * @self: an estimate
 *
 * Gets the device that takes most, whose peak is that of the estimate.
 *
 * Returns: its index
 */
guint
hr_estimate_get_worst_device (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return self->worst_device;
}

/**
 * hr_estimate_get_n_stages:
 * @self: an estimate
 *
 * Gets how many stages of a pipeline the devices are, one after the other.
 *
 * Returns: the number of devices, or 0 if they are no stages
 */
guint
hr_estimate_get_n_stages (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return self->n_stages;
}

/**
 * hr_estimate_get_device_bytes:
 * @self: an estimate
 * @device: the index of a device
 *
 * Gets the peak of one device.
 *
 * Returns: the size in bytes
 */
guint64
hr_estimate_get_device_bytes (HrEstimate *self,
                              guint       device)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);
  g_return_val_if_fail (device < self->devices->len, 0);

  ensure_heap (self);

  return get_device (self, device)->bytes + (device == self->worst_device ? self->rest_bytes : 0);
}

/**
 * hr_estimate_compare_with_gpu:
 * @self: an estimate
 * @gpu: a GPU
 * @n_gpus: how many of it there are
 * @fit: (out caller-allocates): what to fill in
 *
 * Compares what the devices of an estimate need, with what is reserved, with the memory of GPUs: the verdict.
 */
void
hr_estimate_compare_with_gpu (HrEstimate *self,
                              HrGpu      *gpu,
                              guint       n_gpus,
                              HrFit      *fit)
{
  g_autofree guint64 *bytes = NULL;

  g_return_if_fail (HR_IS_ESTIMATE (self));
  g_return_if_fail (HR_IS_GPU (gpu));
  g_return_if_fail (fit != NULL);

  bytes = g_new (guint64, self->devices->len);
  for (guint i = 0; i < self->devices->len; i++)
    bytes[i] = hr_estimate_get_device_bytes (self, i);
  hr_fit_init (fit, gpu, n_gpus, bytes, self->devices->len, hr_estimate_get_n_ranks (self));
}

/**
 * hr_estimate_get_device_components:
 * @self: an estimate
 * @device: the index of a device
 *
 * Gets the parts of the peak of one device.
 *
 * Returns: (transfer none): a list of [class@Component]
 */
GListModel *
hr_estimate_get_device_components (HrEstimate *self,
                                   guint       device)
{
  g_autoptr (GMutexLocker) locker = NULL;

  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);
  g_return_val_if_fail (device < self->devices->len, NULL);

  ensure_heap (self);
  locker = g_mutex_locker_new (&self->mutex);

  return G_LIST_MODEL (make_list (get_device (self, device)));
}

/**
 * hr_estimate_get_timeline: (skip)
 * @self: an estimate
 *
 * Gets what the allocator of the worst device has handed out over the course of the job. Its highest point is the total
 * without the components `framework` and `fragmentation`.
 *
 * Returns: (transfer none) (nullable): the timeline, or %NULL where none was asked for or the method knows no moments
 */
const HrTimeline *
hr_estimate_get_timeline (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);

  return self->timeline;
}

/**
 * hr_estimate_get_rule_of_thumb:
 * @self: an estimate
 *
 * Gets the same job as the formulas that people know would have it.
 *
 * Returns: (transfer none) (nullable): an estimate, or %NULL if @self is one itself
 */
HrEstimate *
hr_estimate_get_rule_of_thumb (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);

  return self->rule_of_thumb;
}

/*
 * _hr_estimate_take_media:
 * @self: an estimate
 * @mode: what the job was that had its task estimated
 * @media: (transfer full) (element-type HrMediumTokens): images, sounds and videos of each sequence
 * @text_tokens: tokens of text of each
 *
 * Says what was read beside the text.
 */
void
_hr_estimate_take_media (HrEstimate *self,
                         HrMode      mode,
                         GArray     *media,
                         guint64     text_tokens)
{
  self->mode = mode;
  if (self->rule_of_thumb != NULL)
    self->rule_of_thumb->mode = mode;
  self->media = media;
  self->text_tokens = text_tokens;
}

/**
 * hr_estimate_get_media: (skip)
 * @self: an estimate
 * @n_media: (out): how many there are
 *
 * Gets the images, sounds and videos of each sequence, with the tokens that they come to.
 *
 * Returns: (transfer none) (nullable): an array, or %NULL if there are none
 */
const HrMediumTokens *
hr_estimate_get_media (HrEstimate *self,
                       guint      *n_media)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);
  g_return_val_if_fail (n_media != NULL, NULL);

  *n_media = self->media != NULL ? self->media->len : 0;

  return *n_media > 0 ? (const HrMediumTokens *) self->media->data : NULL;
}

/**
 * hr_estimate_get_text_tokens:
 * @self: an estimate
 *
 * Gets how many tokens of text each sequence of a multimodal job has.
 *
 * Returns: the number, 0 in other modes
 */
guint64
hr_estimate_get_text_tokens (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), 0);

  return self->text_tokens;
}

/**
 * hr_estimate_get_warnings:
 * @self: an estimate
 *
 * Gets what was assumed, or could not be taken into account.
 *
 * Returns: (transfer none) (array zero-terminated=1): sentences
 */
const char * const *
hr_estimate_get_warnings (HrEstimate *self)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (self), NULL);

  return (const char * const *) self->warnings->pdata;
}

/**
 * hr_phase_id_get_name:
 * @id: a phase
 *
 * Gets the name that the JSON result uses, such as `prefill`.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_phase_id_get_name (HrPhaseId id)
{
  g_return_val_if_fail (id < HR_N_PHASES, NULL);

  return phase_names[id];
}
