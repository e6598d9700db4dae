/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "hr-live-parameters.h"

#include "hr-autograd.h"
#include "hr-reduction.h"
#include "hr-tuning.h"

/*
 * PartitionedParameterCoordinator of deepspeed/runtime/zero/partitioned_param_coordinator.py (git edaa7221): each
 * module's parameters are gathered before it runs, forwards and back, and let go of behind it. A forward pass, with
 * what comes after it until the next begins, writes down in which order modules run; from then on parameters are
 * gathered ahead in that order, and those stay that are used again soon. Where another module runs than was written
 * down, the order is forgotten, and the next forward pass begins a new one.
 */

/* Of a mixture whose parameters are gathered at once, with adapters beside its matrices. */
#define MAX_OF_MODULE 32
#define MAX_OPEN 12
#define NEVER G_MININT64

/* Who uses a parameter: the module that has it, another that shares it, one for which it was gathered anew. */
#define USER_MODULE 1
#define USER_TABLE 2
#define USER_OWNER 4

/* target_group_size of CUDAQuantizer in deepspeed/runtime/zero/partition_parameters.py */
#define QUANTIZED_GROUP 8000

typedef enum
{
  AWAY,
  IN_FLIGHT,
  HERE,
} State;

/* ZeRoTraceMode: whether an order of modules is written down, gone by, or neither. */
typedef enum
{
  TRACE_RECORD,
  TRACE_COMPLETE,
  TRACE_INVALID,
} Trace;

/* What a module is to PEFT: one of the model, a layer around one of these, or one that was added in it. */
typedef enum
{
  MODULE_OF_MODEL,
  MODULE_AROUND,
  MODULE_ADDED,
} ModuleKind;

/* A parameter: what is gathered of it, and with what. Persistent ones are in the books before a step begins. */
typedef struct
{
  HrElement element;
  guint64 n_elements;
  guint64 n_part;
  gboolean persists;
  gboolean is_in_books; /* what stays of a persistent one, until it is let go of */
  gboolean is_frozen;
  State state;
  guint users;
  guint owner;          /* one more than the index of the module that @users has as %USER_OWNER */
  guint gathering;      /* one more than the index of what it was gathered with, until it has been asked for */
  gint64 fetched_for;
  HrValue value;
  gboolean has_secondary;   /* that of a frozen one is in the books before a step begins */
  HrValue secondary;    /* a part of the copy that fewer ranks share, where it is on the device */
} Parameter;

/*
 * The parameters of a module; of a table with two uses each module is another user. @n_awaited is of how many of its
 * inputs there are no gradients yet (ds_grads_remaining).
 */
typedef struct
{
  guint parameters[MAX_OF_MODULE];
  guint user;
  guint n_parameters;
  ModuleKind kind;
  gint n_awaited;
  gboolean is_leaf;
} Module;

/* Parameters that are gathered at once: into one piece, from which each is copied when the first is asked for. */
typedef struct
{
  HrValue flat;
  HrValue scales;       /* of integers that @flat holds */
  HrValue wide;         /* what these stand for */
  guint64 n_wide;
  guint n_in_flight;
  gboolean is_copied;
} Gathering;

/* A use of a parameter, in the order of all uses. */
typedef struct
{
  guint parameter;
  guint step;
} Awaited;

struct _HrLiveParameters
{
  HrLiveSettings settings;
  Trace trace;
  HrComponentId component; /* in whose books persistent parameters are */
  gboolean is_adding;
  gboolean passes_added_by; /* whether what PEFT has added is switched off */
  gboolean is_reading;      /* without gradients */
  GArray *parameters;     /* of Parameter */
  GArray *modules;        /* of Module */
  GArray *first_of_layer; /* of guint: the modules with which layers begin */
  GArray *order;          /* of guint: the module of each step */
  GArray *queue;          /* of Awaited */
  GArray *gatherings;     /* of Gathering */
  guint next_module;
  guint next_anew;
  gboolean is_recomputing;
  gboolean has_stopped;   /* whether no module runs any more in a layer that is computed anew */
  guint next_awaited;
  guint step;
  gint64 n_available;
  guint open[MAX_OPEN];
  guint n_open;
  GArray *returning;      /* of guint: modules whose backward pass has begun, in that order */
  guint n_nested;         /* modules that are open within a leaf */
  guint n_of_leaf;        /* parameters of those that have been entered */
  gboolean is_collecting; /* whether these are new */
  GArray *held;           /* of HrValue: gradients of a leaf */
  gboolean is_holding;
};

/*
 * hr_live_parameters_new:
 * @settings: how parameters are gathered
 * @component: in whose books those are that stay gathered
 *
 * Creates what gathers the parameters of a model, of which no module has run.
 *
 * Returns: (transfer full): the parameters
 */
HrLiveParameters *
hr_live_parameters_new (const HrLiveSettings *settings,
                        HrComponentId         component)
{
  HrLiveParameters *self = g_new0 (HrLiveParameters, 1);

  self->settings = *settings;
  self->component = component;
  self->trace = TRACE_INVALID;
  self->parameters = g_array_new (FALSE, FALSE, sizeof (Parameter));
  self->modules = g_array_new (FALSE, FALSE, sizeof (Module));
  self->first_of_layer = g_array_new (FALSE, TRUE, sizeof (guint));
  self->order = g_array_new (FALSE, FALSE, sizeof (guint));
  self->queue = g_array_new (FALSE, FALSE, sizeof (Awaited));
  self->gatherings = g_array_new (FALSE, FALSE, sizeof (Gathering));
  self->held = g_array_new (FALSE, FALSE, sizeof (HrValue));
  self->returning = g_array_new (FALSE, FALSE, sizeof (guint));

  return self;
}

void
hr_live_parameters_free (HrLiveParameters *self)
{
  g_return_if_fail (self != NULL);

  g_array_unref (self->parameters);
  g_array_unref (self->modules);
  g_array_unref (self->first_of_layer);
  g_array_unref (self->order);
  g_array_unref (self->queue);
  g_array_unref (self->gatherings);
  g_array_unref (self->held);
  g_array_unref (self->returning);
  g_free (self);
}

static Parameter *
get_parameter (HrLiveParameters *self,
               guint             index)
{
  return &g_array_index (self->parameters, Parameter, index);
}

static Module *
get_module (HrLiveParameters *self,
            guint             index)
{
  return &g_array_index (self->modules, Module, index);
}

static State
get_first_state (const Parameter *parameter)
{
  return parameter->persists ? HERE : AWAY;
}

/*
 * invalidate_secondary_tensor of deepspeed/runtime/zero/stage3.py knows the parameters of the optimizer alone: second
 * copies of all others stay from the first step on.
 */
static gboolean
keeps_secondary (const HrLiveParameters *self,
                 const Parameter        *parameter)
{
  return parameter->is_frozen && self->settings.n_secondary_ranks > 1 && self->settings.n_ranks > 1;
}

/*
 * hr_live_parameters_reset:
 * @self: parameters of a model that a rehearsal has run
 *
 * Has what is gathered be as it is between two steps, on a tape of its own. The order of modules stays.
 */
void
hr_live_parameters_reset (HrLiveParameters *self)
{
  for (guint i = 0; i < self->parameters->len; i++)
    {
      Parameter *parameter = get_parameter (self, i);

      parameter->state = get_first_state (parameter);
      parameter->is_in_books = parameter->persists;
      parameter->users = parameter->owner = parameter->gathering = 0;
      parameter->value = parameter->secondary = HR_NO_VALUE;
      parameter->has_secondary = keeps_secondary (self, parameter);
    }
}

/*
 * hr_live_parameters_forget:
 * @self: parameters of a model that a rehearsal has run, so that its modules are known
 *
 * Has all be as it is before the first step.
 */
void
hr_live_parameters_forget (HrLiveParameters *self)
{
  hr_live_parameters_reset (self);
  self->trace = TRACE_INVALID;
  g_array_set_size (self->order, 0);
  g_array_set_size (self->queue, 0);
  g_array_set_size (self->gatherings, 0);
}

/*
 * hr_live_parameters_count:
 * @self: parameters, of which the order is known
 *
 * Returns: how many they are, of all modules that have run
 */
guint64
hr_live_parameters_count (const HrLiveParameters *self)
{
  guint64 n = 0;

  for (guint i = 0; i < self->parameters->len; i++)
    n += g_array_index (self->parameters, Parameter, i).n_elements;

  return n;
}

/* What is made here is none of what a layer makes that is computed anew. */
static HrValue
make_element (HrReplay   *replay,
              const char *operation,
              const char *name,
              HrElement   element,
              guint64     n_elements)
{
  guint n_made = replay->n_made;
  HrValue value;

  replay->symbols[HR_SYMBOL_KEPT] = n_elements;
  value = hr_replay_make (replay, operation, name, HR_COMPONENT_COMMUNICATION, HR_SHAPE (element, HR_SYMBOL_KEPT));
  replay->n_made = n_made;

  return value;
}

static HrValue
make (HrReplay   *replay,
      const char *operation,
      const char *name,
      guint64     n_elements)
{
  return make_element (replay, operation, name, replay->parameter_dtype, n_elements);
}

/* What a rank has gathered of a persistent parameter, which is in the books. */
static guint64
get_persistent_bytes (const HrLiveParameters *self,
                      const Parameter        *parameter)
{
  if (self->settings.n_ranks == 1)
    return 0;

  return hr_ledger_round (parameter->n_part * self->settings.n_ranks * hr_element_get_bytes (parameter->element));
}

/* Parts that wait on the host come to the device first. */
static void
fetch_parts (HrReplay  *replay,
             HrElement  element,
             guint64    n_part)
{
  if (replay->live->settings.is_offloaded)
    hr_replay_drop (replay, make_element (replay, "_to_copy", "ds_tensor", element, n_part));
}

static gboolean
has_secondary (const HrLiveParameters *self,
               guint                   index)
{
  return g_array_index (self->parameters, Parameter, index).has_secondary;
}

/*
 * CUDAQuantizer.quantize: groups of at most 8000 numbers have a scale each, as few as divide them in eights; the kernel
 * reads fp16.
 */
static guint64
count_groups (guint64 n_elements)
{
  guint64 n = (n_elements + QUANTIZED_GROUP - 1) / QUANTIZED_GROUP;

  while (n < n_elements && n_elements % (8 * n) != 0)
    n++;
  while (n_elements % (16 * n) == 0 && n_elements / n > QUANTIZED_GROUP)
    n *= 2;

  return n;
}

/* The parts of several parameters are put together first. */
static void
send_quantized (HrReplay  *replay,
                Gathering *gathering,
                guint64    n_part,
                guint64    n_ranks,
                gboolean   is_one)
{
  guint64 n_groups = count_groups (n_part);
  HrValue parts = is_one ? HR_NO_VALUE : make (replay, "cat", "ds_tensor", n_part);
  HrValue narrow, scales;

  if (is_one && replay->live->settings.is_offloaded)
    parts = make (replay, "_to_copy", "ds_tensor", n_part);
  if (replay->parameter_dtype != HR_ELEMENT_FLOAT16)
    {
      HrValue half = make_element (replay, "_to_copy", "param.to (half)", HR_ELEMENT_FLOAT16, n_part);

      hr_replay_drop (replay, parts);
      parts = half;
    }
  scales = make_element (replay, "empty", "scales", HR_ELEMENT_FLOAT32, n_groups);
  narrow = make_element (replay, "empty", "quantized_param", HR_ELEMENT_INT8, n_part);
  hr_replay_drop (replay, parts);
  gathering->scales = make_element (replay, "all_gather_into_tensor", "quant_scale_buffer", HR_ELEMENT_FLOAT32,
                                    n_groups * n_ranks);
  hr_replay_drop (replay, narrow);
  hr_replay_drop (replay, scales);
}

/*
 * all_gather_coalesced of deepspeed/runtime/zero/partition_parameters.py: one parameter is gathered where it stays,
 * several into one piece; integers stay in what they were gathered in until they are waited for.
 */
static void
gather_from (HrReplay    *replay,
             const guint *indices,
             guint        n,
             guint64      n_ranks,
             gboolean     is_one)
{
  HrLiveParameters *self = replay->live;
  Gathering gathering = { .flat = HR_NO_VALUE, .scales = HR_NO_VALUE, .wide = HR_NO_VALUE, .n_in_flight = n };
  guint64 n_part = 0;

  for (guint i = 0; i < n; i++)
    {
      Parameter *parameter = get_parameter (self, indices[i]);

      n_part += parameter->n_part * self->settings.n_ranks / n_ranks;
      parameter->state = IN_FLIGHT;
      parameter->gathering = self->gatherings->len + 1;
      self->n_available += parameter->n_elements;
    }
  gathering.is_copied = is_one && !self->settings.is_quantized;
  gathering.n_wide = is_one ? get_parameter (self, indices[0])->n_elements : n_part * n_ranks;
  if (self->settings.n_ranks > 1)
    {
      const char *sentence = replay->sentence;
      HrElement own = get_parameter (self, indices[0])->element;
      HrElement element = self->settings.is_quantized ? HR_ELEMENT_INT8 : own;
      HrValue made;

      replay->sentence = N_("while parameters of all ranks are gathered");
      made = make_element (replay, "all_gather_into_tensor", is_one ? "param_buffer" : "flat_tensor", element,
                           n_part * n_ranks);
      if (self->settings.is_quantized)
        send_quantized (replay, &gathering, n_part, n_ranks, is_one);
      else
        fetch_parts (replay, own, n_part);
      replay->sentence = sentence;
      if (gathering.is_copied)
        get_parameter (self, indices[0])->value = made;
      else
        gathering.flat = made;
    }
  g_array_append_val (self->gatherings, gathering);
}

/* Several parameters are gathered apart by their data types (_all_gather_coalesced), adapters in fp32 so. */
static void
gather_by_element (HrReplay    *replay,
                   const guint *indices,
                   guint        n,
                   guint64      n_ranks)
{
  static const HrElement elements[] = { HR_ELEMENT_FLOAT16, HR_ELEMENT_BFLOAT16, HR_ELEMENT_FLOAT32 };
  g_autofree guint *chosen = g_new (guint, n);

  for (guint j = 0; j < G_N_ELEMENTS (elements); j++)
    {
      guint n_chosen = 0;

      for (guint i = 0; i < n; i++)
        {
          if (get_parameter (replay->live, indices[i])->element == elements[j])
            chosen[n_chosen++] = indices[i];
        }
      if (n_chosen > 0)
        gather_from (replay, chosen, n_chosen, n_ranks, n == 1);
    }
}

/* Parameters of which there is a second copy are gathered from that, apart from the others. */
static void
gather (HrReplay    *replay,
        const guint *indices,
        guint        n)
{
  HrLiveParameters *self = replay->live;
  g_autofree guint *chosen = g_new (guint, n + 1);

  for (guint from_secondary = 2; from_secondary-- > 0;)
    {
      guint n_chosen = 0;

      for (guint i = 0; i < n; i++)
        {
          if (has_secondary (self, indices[i]) == (gboolean) from_secondary)
            chosen[n_chosen++] = indices[i];
        }
      if (n_chosen > 0)
        gather_by_element (replay, chosen, n_chosen,
                           from_secondary ? self->settings.n_secondary_ranks : self->settings.n_ranks);
    }
}

/* What integers stand for, of all that was gathered at once, in fp16. */
static void
widen (HrReplay  *replay,
       Gathering *gathering)
{
  if (replay->live->settings.is_quantized && replay->live->settings.n_ranks > 1)
    gathering->wide = make_element (replay, "dequantize", "flat_tensor", HR_ELEMENT_FLOAT16, gathering->n_wide);
}

static void
copy_parameter (HrReplay  *replay,
                Parameter *parameter,
                gboolean   is_one)
{
  gboolean is_quantized = replay->live->settings.is_quantized;

  if (is_quantized && !is_one)
    {
      HrValue half = make_element (replay, "cat", "param.data", HR_ELEMENT_FLOAT16, parameter->n_elements);

      parameter->value = half;
      if (replay->parameter_dtype == HR_ELEMENT_FLOAT16)
        return;
      parameter->value = make (replay, "_to_copy", "param.data", parameter->n_elements);
      hr_replay_drop (replay, half);
      return;
    }

  parameter->value = make_element (replay, is_quantized ? "_to_copy" : "cat", "param.data", parameter->element,
                                   parameter->n_elements);
}

/* AllGatherCoalescedHandle.wait, AllGatherHandle.wait */
static void
copy_all (HrReplay *replay,
          guint     index)
{
  HrLiveParameters *self = replay->live;
  Gathering *gathering = &g_array_index (self->gatherings, Gathering, index);
  const char *sentence = replay->sentence;
  gboolean is_one = gathering->n_in_flight == 1;

  replay->sentence = N_("while parameters of all ranks are copied from where they were gathered");
  widen (replay, gathering);
  for (guint i = 0; i < self->parameters->len; i++)
    {
      Parameter *parameter = get_parameter (self, i);

      if (parameter->gathering != index + 1)
        continue;
      if (self->settings.n_ranks > 1)
        copy_parameter (replay, parameter, is_one);
      parameter->state = HERE;
    }
  replay->sentence = sentence;
}

/* A piece goes when the last of what was gathered in it has been asked for (__inflight_param_registry). */
static void
await (HrReplay  *replay,
       Parameter *parameter)
{
  HrLiveParameters *self = replay->live;
  guint index = parameter->gathering - 1;
  Gathering *gathering;

  if (parameter->gathering == 0)
    return;

  gathering = &g_array_index (self->gatherings, Gathering, index);
  if (!gathering->is_copied)
    copy_all (replay, index);
  gathering->is_copied = TRUE;
  parameter->state = HERE;
  parameter->gathering = 0;
  if (--gathering->n_in_flight > 0)
    return;

  hr_replay_drop (replay, gathering->wide);
  hr_replay_drop (replay, gathering->scales);
  hr_replay_drop (replay, gathering->flat);
}

/* What is needed now is no longer waited for. */
static void
take_from_queue (HrLiveParameters *self,
                 const Module     *module)
{
  guint n = 0;

  for (guint i = 0; i < module->n_parameters; i++)
    n += get_parameter (self, module->parameters[i])->fetched_for < self->step;
  for (; n > 0 && self->next_awaited < self->queue->len; n--)
    {
      const Awaited *awaited = &g_array_index (self->queue, Awaited, self->next_awaited++);

      get_parameter (self, awaited->parameter)->fetched_for = awaited->step;
    }
}

static gboolean
contains (const guint *indices,
          guint        n,
          guint        index)
{
  for (guint i = 0; i < n; i++)
    {
      if (indices[i] == index)
        return TRUE;
    }

  return FALSE;
}

static void
gather_ahead (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;
  gint64 room = MIN ((gint64) self->settings.max_elements - self->n_available,
                     (gint64) self->settings.prefetch_elements);
  g_autofree guint *chosen = g_new (guint, self->queue->len - self->next_awaited + 1);
  gint64 n_elements = 0;
  guint n = 0;

  while (self->next_awaited < self->queue->len && n_elements < room)
    {
      const Awaited *awaited = &g_array_index (self->queue, Awaited, self->next_awaited++);
      Parameter *parameter = get_parameter (self, awaited->parameter);

      parameter->fetched_for = MAX (parameter->fetched_for, (gint64) awaited->step);
      if (parameter->state != AWAY || contains (chosen, n, awaited->parameter))
        continue;
      chosen[n++] = awaited->parameter;
      n_elements += parameter->n_elements;
    }
  gather (replay, chosen, n);
}

/*
 * _partition_param_sec: the first time that a parameter goes in a step, each rank keeps its part of a copy that the
 * ranks of a group share, on the device or where parameters wait.
 */
static void
keep_secondary (HrReplay  *replay,
                Parameter *parameter)
{
  HrLiveParameters *self = replay->live;
  const char *sentence = replay->sentence;
  guint64 n_part = parameter->n_part * self->settings.n_ranks / MAX (self->settings.n_secondary_ranks, 1);

  if (self->settings.n_secondary_ranks <= 1 || parameter->has_secondary || self->settings.n_ranks == 1)
    return;

  replay->sentence = N_("while a rank keeps its part of a second copy of a parameter");
  parameter->has_secondary = TRUE;
  if (!self->settings.is_offloaded)
    parameter->secondary = make (replay, "empty", "ds_secondary_tensor", n_part);
  replay->sentence = sentence;
}

static void
let_go (HrReplay  *replay,
        Parameter *parameter)
{
  keep_secondary (replay, parameter);
  if (parameter->is_in_books)
    hr_ledger_remove (&replay->ledger, replay->live->component, get_persistent_bytes (replay->live, parameter));
  parameter->is_in_books = FALSE;
  hr_replay_drop (replay, parameter->value);
  parameter->value = HR_NO_VALUE;
  parameter->state = AWAY;
  replay->live->n_available -= parameter->n_elements;
}

/* Waits for all that was gathered at once, and lets go of what of it nobody uses. */
static void
clean (HrReplay *replay,
       guint     index)
{
  HrLiveParameters *self = replay->live;

  if (!g_array_index (self->gatherings, Gathering, index).is_copied)
    copy_all (replay, index);
  for (guint i = 0; i < self->parameters->len; i++)
    {
      Parameter *parameter = get_parameter (self, i);

      if (parameter->gathering != index + 1)
        continue;
      parameter->state = HERE;
      parameter->gathering = 0;
      if (parameter->users == 0)
        let_go (replay, parameter);
    }
}

/*
 * _clean_inflight_param_registry: what was gathered ahead and nobody has asked for goes; the pieces that it was
 * gathered in stay until the registry is cleared.
 */
static void
let_go_of_gathered (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;

  for (guint i = 0; i < self->gatherings->len; i++)
    {
      if (g_array_index (self->gatherings, Gathering, i).n_in_flight > 0)
        clean (replay, i);
    }
  for (guint i = 0; i < self->gatherings->len; i++)
    {
      Gathering *gathering = &g_array_index (self->gatherings, Gathering, i);

      if (gathering->n_in_flight == 0)
        continue;
      gathering->n_in_flight = 0;
      hr_replay_drop (replay, gathering->wide);
      hr_replay_drop (replay, gathering->scales);
      hr_replay_drop (replay, gathering->flat);
    }
}

/* construct_parameter_trace_from_module_trace */
static void
fill_queue (HrLiveParameters *self)
{
  for (guint i = 0; i < self->order->len; i++)
    {
      const Module *module = get_module (self, g_array_index (self->order, guint, i));

      for (guint j = 0; j < module->n_parameters; j++)
        {
          Awaited awaited = { .parameter = module->parameters[j], .step = i };

          g_array_append_val (self->queue, awaited);
        }
    }
}

static void
forget_order (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;

  self->trace = TRACE_INVALID;
  g_array_set_size (self->order, 0);
  g_array_set_size (self->queue, 0);
  let_go_of_gathered (replay);
}

/*
 * hr_live_parameters_begin:
 * @replay: a tape
 *
 * Begins a forward pass (reset_step).
 */
void
hr_live_parameters_begin (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;

  if (self == NULL)
    return;

  let_go_of_gathered (replay);
  if (self->trace == TRACE_RECORD)
    fill_queue (self);
  if (self->trace != TRACE_COMPLETE)
    self->trace = self->trace == TRACE_RECORD ? TRACE_COMPLETE : TRACE_RECORD;
  self->next_module = self->next_awaited = self->step = self->n_open = self->n_nested = 0;
  self->n_available = 0;
  self->is_recomputing = FALSE;
  self->passes_added_by = replay->tuning == NULL;
  self->is_reading = !replay->training;
  g_array_set_size (self->gatherings, 0);
  for (guint i = 0; i < self->parameters->len; i++)
    get_parameter (self, i)->fetched_for = NEVER;
}

/* Whether a module is not the one that was written down (trace_prologue). */
static gboolean
is_unexpected (const HrLiveParameters *self,
               guint                   index)
{
  return self->step >= self->order->len || g_array_index (self->order, guint, self->step) != index;
}

/*
 * update_recompute_parameters: where a layer is computed anew, what is frozen is held for the module whose backward
 * pass began last, which has asked for that.
 */
static void
own (HrLiveParameters *self,
     Parameter        *parameter,
     guint             index)
{
  guint owner;

  if (!self->is_recomputing || !parameter->is_frozen || self->returning->len == 0)
    return;

  owner = g_array_index (self->returning, guint, self->returning->len - 1);
  parameter->owner = owner + 1;
  if (owner != index)
    parameter->users |= USER_OWNER;
}

/* fetch_sub_module */
static void
fetch (HrReplay *replay,
       guint     index)
{
  HrLiveParameters *self = replay->live;
  const Module *module = get_module (self, index);
  guint needed[MAX_OF_MODULE];
  guint n = 0;

  if (self->trace == TRACE_COMPLETE && is_unexpected (self, index))
    forget_order (replay);
  if (self->trace == TRACE_RECORD)
    g_array_append_val (self->order, index);
  for (guint i = 0; i < module->n_parameters; i++)
    {
      if (get_parameter (self, module->parameters[i])->state == AWAY)
        needed[n++] = module->parameters[i];
    }
  gather (replay, needed, n);
  for (guint i = 0; i < module->n_parameters; i++)
    {
      Parameter *parameter = get_parameter (self, module->parameters[i]);

      parameter->users |= module->user;
      own (self, parameter, index);
      await (replay, parameter);
    }
  if (self->trace == TRACE_COMPLETE)
    {
      take_from_queue (self, module);
      gather_ahead (replay);
    }
  self->step++;
}

/* Whether a parameter is used again by modules that come soon (__params_to_release). */
static gboolean
is_used_soon (HrLiveParameters *self,
              guint             index)
{
  guint64 n_passed = 0;

  for (guint i = self->step; i < self->order->len && n_passed < self->settings.reuse_elements; i++)
    {
      const Module *module = get_module (self, g_array_index (self->order, guint, i));

      for (guint j = 0; j < module->n_parameters; j++)
        {
          if (module->parameters[j] == index)
            return TRUE;
          n_passed += get_parameter (self, module->parameters[j])->n_elements;
        }
    }

  return FALSE;
}

/* release_sub_module */
static void
release (HrReplay *replay,
         guint     index)
{
  HrLiveParameters *self = replay->live;
  const Module *module = get_module (self, index);

  for (guint i = 0; i < module->n_parameters; i++)
    {
      Parameter *parameter = get_parameter (self, module->parameters[i]);

      parameter->users &= ~module->user;
      if (parameter->state == HERE && parameter->users == 0 &&
          (self->trace != TRACE_COMPLETE ||
           (!parameter->persists && parameter->fetched_for <= (gint64) self->step &&
            !is_used_soon (self, module->parameters[i]))))
        let_go (replay, parameter);
    }
}

/*
 * release_sub_module, of a backward pass: what was held for this module as it was computed anew goes with its own
 * parameters, be it that it is used again soon.
 */
static void
release_returned (HrReplay *replay,
                  guint     index)
{
  HrLiveParameters *self = replay->live;
  const Module *module = get_module (self, index);

  for (guint i = 0; i < module->n_parameters; i++)
    get_parameter (self, module->parameters[i])->users &= ~module->user;
  for (guint i = 0; i < self->parameters->len; i++)
    {
      Parameter *parameter = get_parameter (self, i);

      if (parameter->owner != index + 1)
        continue;
      parameter->owner = 0;
      parameter->users &= ~USER_OWNER;
      if (parameter->state == HERE && parameter->users == 0 && !parameter->persists)
        let_go (replay, parameter);
    }
  release (replay, index);
  for (guint i = 0; i < self->returning->len; i++)
    {
      if (g_array_index (self->returning, guint, i) == index)
        g_array_remove_index (self->returning, i);
    }
}

/* Beside what PEFT adds nothing is trained; a pass without gradients, which may come first, does not tell. */
static gboolean
is_frozen (const HrReplay *replay,
           HrValue         shape)
{
  if (replay->live->settings.n_wrappers == 0)
    return hr_tuning_freezes (replay->tuning, replay->block);

  return !replay->live->is_adding && !hr_value_needs_gradient (shape);
}

static guint
add_parameter (HrReplay *replay,
               HrValue   shape)
{
  HrLiveParameters *self = replay->live;
  Parameter parameter = {
    .element = shape.element, .n_elements = hr_value_get_elements (shape, replay->symbols), .fetched_for = NEVER,
    .value = HR_NO_VALUE, .secondary = HR_NO_VALUE,
  };

  parameter.is_frozen = is_frozen (replay, shape);
  parameter.n_part = (parameter.n_elements + self->settings.n_ranks - 1) / self->settings.n_ranks;
  parameter.persists = parameter.n_elements <= self->settings.persistent_elements;
  parameter.is_in_books = parameter.persists;
  parameter.state = get_first_state (&parameter);
  g_array_append_val (self->parameters, parameter);

  return self->parameters->len - 1;
}

static void
add_parameters (HrReplay      *replay,
                Module        *module,
                const HrValue *shapes,
                guint          n_shapes)
{
  for (guint i = 0; i < n_shapes; i++)
    {
      g_return_if_fail (module->n_parameters < MAX_OF_MODULE);

      if (shapes[i].n_symbols > 0)
        module->parameters[module->n_parameters++] = add_parameter (replay, shapes[i]);
    }
}

/* Where what PEFT has added is switched off, layers around those of the model run all the same. */
static void
pass_by (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;

  for (; self->passes_added_by && self->next_module < self->modules->len; self->next_module++)
    {
      ModuleKind kind = get_module (self, self->next_module)->kind;

      if (kind == MODULE_OF_MODEL)
        return;
      if (kind == MODULE_AROUND)
        fetch (replay, self->next_module);
    }
}

/* Finds the module that runs next; the first pass of all tells which there are. */
static guint
begin_module (HrReplay      *replay,
              const HrValue *shapes,
              guint          n_shapes,
              gboolean       is_table,
              ModuleKind     kind)
{
  HrLiveParameters *self = replay->live;
  Module module = { .user = USER_MODULE, .kind = self->is_adding ? MODULE_ADDED : kind };
  guint index;

  if (self->is_recomputing)
    return self->next_anew++;

  pass_by (replay);
  index = self->next_module++;
  if (index < self->modules->len)
    return index;

  if (is_table)
    {
      module.user = USER_TABLE;
      module.n_parameters = 1;
    }
  add_parameters (replay, &module, shapes, n_shapes);
  g_array_append_val (self->modules, module);

  return index;
}

/* Whether a layer that is computed anew has come to what is not needed any more. */
static gboolean
is_over (const HrReplay *replay)
{
  return replay->n_made >= replay->make_limit;
}

/*
 * The gradients of a leaf are reduced when that of its input is there (reduce_leaf_module_grads of
 * create_reduce_and_remove_grad_hooks in deepspeed/runtime/zero/stage3.py).
 */
static void
reduce_held (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;

  self->is_holding = FALSE;
  for (guint i = 0; i < self->held->len; i++)
    hr_reduction_take (replay, g_array_index (self->held, HrValue, i));
  g_array_set_size (self->held, 0);
}

/*
 * _run_after_backward_hook of deepspeed/runtime/zero/parameter_offload.py counts the gradients that a module awaits:
 * its parameters go with the last. A call without gradients that comes between its forward and its backward pass
 * begins the count anew, so that it never ends, and its parameters stay until the whole backward pass is over.
 */
static void
backward_enter (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  Module *module = get_module (replay->live, node->module);

  gradients[0] = hr_replay_hold (replay, gradient);
  if (--module->n_awaited != 0)
    return;

  if (module->is_leaf)
    reduce_held (replay);
  release_returned (replay, node->module);
}

static void
begin_return (HrLiveParameters *self,
              guint             index)
{
  if (!contains ((const guint *) self->returning->data, self->returning->len, index))
    g_array_append_val (self->returning, index);
}

static void
backward_leave (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  begin_return (replay->live, node->module);
  fetch (replay, node->module);
  replay->live->is_holding |= get_module (replay->live, node->module)->is_leaf;
  gradients[0] = hr_replay_hold (replay, gradient);
}

/* Where a gradient that comes to @value has something done first. */
static void
hook (HrReplay   *replay,
      HrValue    *value,
      HrBackward  backward,
      guint       module)
{
  HrValue inner = *value;

  if (hr_value_needs_gradient (inner) && hr_autograd_record (replay, value, backward, &inner, 1))
    replay->graph->nodes[value->node].module = module;
}

static void
enter (HrReplay *replay,
       HrValue **inputs,
       guint     n_inputs,
       guint     module)
{
  HrLiveParameters *self = replay->live;

  g_return_if_fail (self->n_open < MAX_OPEN);

  self->open[self->n_open++] = module;
  /* What is kept last is so when its module has computed it, which is cut short there (_StopRecomputationError). */
  if (!self->has_stopped)
    fetch (replay, module);
  self->has_stopped = is_over (replay);
  get_module (self, module)->n_awaited = 0;
  for (guint i = 0; i < n_inputs; i++)
    {
      get_module (self, module)->n_awaited += hr_value_needs_gradient (*inputs[i]);
      hook (replay, inputs[i], backward_enter, module);
    }
}

static gboolean
is_in_leaf (const HrLiveParameters *self)
{
  return self->n_open > 0 && g_array_index (self->modules, Module, self->open[self->n_open - 1]).is_leaf;
}

static guint
count_shapes (const HrValue *shapes,
              guint          n_shapes)
{
  guint n = 0;

  for (guint i = 0; i < n_shapes; i++)
    n += shapes[i].n_symbols > 0;

  return n;
}

/* How many parameters of a leaf come before its experts, of those that were read before these. */
static guint
count_before_experts (const HrLiveParameters *self,
                      guint                   n_read)
{
  switch (self->settings.leaf_order)
    {
    case HR_LEAF_ORDER_EXPERTS:
      return 0;

    case HR_LEAF_ORDER_ROUTER:
      return MIN (n_read, 1);

    case HR_LEAF_ORDER_READ:
    default:
      return n_read;
    }
}

/* Puts the experts of a leaf where its class has them: behind the router, or before it; the router was read last. */
static void
insert_experts (const HrLiveParameters *self,
                Module                 *leaf,
                const Module           *experts)
{
  guint n_read = leaf->n_parameters;
  guint n_before = count_before_experts (self, n_read);
  guint n_behind = n_read - n_before;
  guint read[MAX_OF_MODULE];

  memcpy (read, leaf->parameters, n_read * sizeof *read);
  if (self->settings.leaf_order == HR_LEAF_ORDER_READ)
    memcpy (leaf->parameters, read, n_before * sizeof *read);
  else
    memcpy (leaf->parameters, read + n_behind, n_before * sizeof *read);
  memcpy (leaf->parameters + n_before, experts->parameters, experts->n_parameters * sizeof *read);
  memcpy (leaf->parameters + n_before + experts->n_parameters, read, n_behind * sizeof *read);
  leaf->n_parameters += experts->n_parameters;
}

/*
 * What is within a leaf has no hooks: its parameters are the leaf's, in the order in which its class makes them. Its
 * experts alone are a module of several parameters.
 */
static guint
nest (HrReplay      *replay,
      const HrValue *shapes,
      guint          n_shapes)
{
  HrLiveParameters *self = replay->live;
  Module *leaf = get_module (self, self->open[self->n_open - 1]);
  guint n = count_shapes (shapes, n_shapes);
  guint first = n > 1 ? count_before_experts (self, self->n_of_leaf) : self->n_of_leaf;

  self->n_nested++;
  self->n_of_leaf += n;
  if (self->is_collecting)
    {
      Module own = { .user = USER_MODULE };

      add_parameters (replay, &own, shapes, n_shapes);
      g_return_val_if_fail (leaf->n_parameters + n <= MAX_OF_MODULE, 0);
      if (n > 1)
        {
          insert_experts (self, leaf, &own);
        }
      else
        {
          memcpy (leaf->parameters + leaf->n_parameters, own.parameters, n * sizeof *own.parameters);
          leaf->n_parameters += n;
        }
    }

  return first < leaf->n_parameters ? leaf->parameters[first] : 0;
}

/*
 * hr_live_parameters_enter:
 * @replay: a tape
 * @x: (inout): what a module is called with
 * @weight: the shape of its weight
 * @bias: the shape of its bias, or none
 *
 * Has the parameters of a module gathered before it runs, and let go of when the gradient of @x is there.
 */
void
hr_live_parameters_enter (HrReplay *replay,
                          HrValue  *x,
                          HrValue   weight,
                          HrValue   bias)
{
  const HrValue shapes[] = { weight, bias };
  HrValue *inputs[] = { x };

  hr_live_parameters_enter_module (replay, inputs, x != NULL ? 1 : 0, shapes, G_N_ELEMENTS (shapes));
}

/*
 * hr_live_parameters_enter_module:
 * @replay: a tape
 * @inputs: (array length=n_inputs): pointers to what a module is called with
 * @n_inputs: how many
 * @shapes: (array length=n_shapes): the shapes of its own parameters; some may be none
 * @n_shapes: how many
 *
 * Likewise, of a module with any parameters and inputs.
 *
 * Returns: the index of the first of its parameters
 */
guint
hr_live_parameters_enter_module (HrReplay      *replay,
                                 HrValue      **inputs,
                                 guint          n_inputs,
                                 const HrValue *shapes,
                                 guint          n_shapes)
{
  guint module;

  if (replay->live == NULL)
    return 0;
  if (is_in_leaf (replay->live))
    return nest (replay, shapes, n_shapes);

  module = begin_module (replay, shapes, n_shapes, FALSE, MODULE_OF_MODEL);
  enter (replay, inputs, n_inputs, module);

  return get_module (replay->live, module)->parameters[0];
}

/*
 * hr_live_parameters_lend:
 * @replay: a tape
 * @index: what hr_live_parameters_enter_module() returned for the module of a parameter, and on
 * @weight: the parameter
 *
 * Finds what was gathered of a parameter, which a view of it keeps when the parameter itself is let go of: an operator
 * that saves that for its derivative, and not the parameter, holds what was gathered.
 *
 * Returns: @weight, with the storage that was gathered for it
 */
HrValue
hr_live_parameters_lend (HrReplay *replay,
                         guint     index,
                         HrValue   weight)
{
  if (replay->live != NULL && weight.storage < 0)
    weight.storage = get_parameter (replay->live, index)->value.storage;

  return weight;
}

/*
 * hr_live_parameters_enter_table:
 * @replay: a tape
 * @x: (inout): what a module is called with
 *
 * Likewise, where its weight is that of the first module.
 */
void
hr_live_parameters_enter_table (HrReplay *replay,
                                HrValue  *x)
{
  if (replay->live != NULL)
    enter (replay, &x, 1, begin_module (replay, NULL, 0, TRUE, MODULE_OF_MODEL));
}

static void
enter_leaf (HrReplay *replay,
            HrValue  *x)
{
  HrLiveParameters *self = replay->live;
  guint n_modules = self->modules->len;
  guint module = begin_module (replay, NULL, 0, FALSE, MODULE_OF_MODEL);

  self->is_collecting = self->modules->len > n_modules;
  self->n_of_leaf = 0;
  get_module (self, module)->is_leaf = TRUE;
  enter (replay, &x, 1, module);
}

/*
 * hr_live_parameters_enter_mixture:
 * @replay: a tape
 * @x: (inout): what a mixture of experts is called with
 * @bias: the shape of a parameter of its own, or none
 *
 * Likewise, of a mixture. One that is a leaf is gathered together with all modules within it (z3_leaf_module of
 * deepspeed/utils/z3_leaf_module.py), and its gradients are reduced when all of them are there.
 */
void
hr_live_parameters_enter_mixture (HrReplay *replay,
                                  HrValue  *x,
                                  HrValue   bias)
{
  if (replay->live != NULL && replay->live->settings.has_leaves)
    enter_leaf (replay, x);
  else
    hr_live_parameters_enter (replay, x, bias, HR_NO_VALUE);
}

/*
 * hr_live_parameters_reads_router:
 * @replay: a tape
 *
 * A parameter that another module reads than the one that has it is gathered with that one from then on
 * (ZeROOrderedDict and register_external_parameter of deepspeed/runtime/zero/parameter_offload.py).
 *
 * Returns: whether the matrix of a router is one of those of its mixture
 */
gboolean
hr_live_parameters_reads_router (HrReplay *replay)
{
  return replay->live != NULL && replay->live->settings.reads_router;
}

/*
 * hr_live_parameters_hold:
 * @replay: a tape
 * @gradient: the gradient of a parameter
 *
 * Holds a gradient that is one of a leaf.
 *
 * Returns: whether it is, and @gradient was taken
 */
gboolean
hr_live_parameters_hold (HrReplay *replay,
                         HrValue   gradient)
{
  HrLiveParameters *self = replay->live;

  if (self == NULL || !self->is_holding)
    return FALSE;

  hr_replay_reassign_component (replay, gradient, HR_COMPONENT_GRADIENTS);
  g_array_append_val (self->held, gradient);

  return TRUE;
}

/*
 * hr_live_parameters_call:
 * @replay: a tape
 *
 * Enters a module that has no parameters of its own.
 */
void
hr_live_parameters_call (HrReplay *replay)
{
  hr_live_parameters_enter_module (replay, NULL, 0, NULL, 0);
}

/*
 * hr_live_parameters_call_around:
 * @replay: a tape
 *
 * Enters the layer that PEFT has put around one of the model's.
 */
void
hr_live_parameters_call_around (HrReplay *replay)
{
  if (replay->live != NULL)
    enter (replay, NULL, 0, begin_module (replay, NULL, 0, FALSE, MODULE_AROUND));
}

/*
 * hr_live_parameters_set_adding:
 * @replay: a tape
 * @is_adding: whether the modules that follow are ones that PEFT has added
 *
 * Tells modules that run only where adapters are switched on.
 */
void
hr_live_parameters_set_adding (HrReplay *replay,
                               gboolean  is_adding)
{
  if (replay->live != NULL)
    replay->live->is_adding = is_adding;
}

/*
 * hr_live_parameters_leave:
 * @replay: a tape
 * @output: (inout): what a module returns
 *
 * Lets go of the parameters of the module that was entered last, which are gathered again before the gradient of
 * @output is used.
 */
void
hr_live_parameters_leave (HrReplay *replay,
                          HrValue  *output)
{
  HrLiveParameters *self = replay->live;
  guint module;

  if (self == NULL)
    return;

  g_return_if_fail (self->n_open > 0);

  if (self->n_nested > 0)
    {
      self->n_nested--;
      return;
    }

  module = self->open[--self->n_open];
  if (!is_over (replay))
    release (replay, module);
  hook (replay, output, backward_leave, module);
}

/*
 * hr_live_parameters_begin_layer:
 * @replay: a tape
 * @layer: the index of a layer
 * @is_recomputing: whether it is computed anew
 *
 * Begins the forward pass of a layer.
 */
void
hr_live_parameters_begin_layer (HrReplay *replay,
                                guint     layer,
                                gboolean  is_recomputing)
{
  HrLiveParameters *self = replay->live;

  if (self == NULL)
    return;

  self->is_recomputing = is_recomputing;
  self->has_stopped = FALSE;
  if (!is_recomputing)
    pass_by (replay);
  if (self->first_of_layer->len <= layer)
    g_array_set_size (self->first_of_layer, layer + 1);
  if (is_recomputing)
    self->next_anew = g_array_index (self->first_of_layer, guint, layer);
  else
    g_array_index (self->first_of_layer, guint, layer) = self->next_module;
}

/*
 * hr_live_parameters_end_layer:
 * @replay: a tape
 *
 * Ends what hr_live_parameters_begin_layer() has begun.
 */
void
hr_live_parameters_end_layer (HrReplay *replay)
{
  if (replay->live != NULL)
    replay->live->is_recomputing = replay->live->has_stopped = FALSE;
}

/*
 * hr_live_parameters_end:
 * @replay: a tape
 *
 * Ends a backward pass: what modules have left that no gradient has come out of goes (release_backward_leftovers).
 */
void
hr_live_parameters_end (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;

  if (self == NULL)
    return;

  for (guint i = 0; i < self->parameters->len; i++)
    {
      Parameter *parameter = get_parameter (self, i);

      if (parameter->users != 0 && parameter->state == HERE && !parameter->persists)
        let_go (replay, parameter);
      parameter->users = parameter->owner = 0;
    }
  g_array_set_size (self->returning, 0);
}

/*
 * hr_live_parameters_gather_all:
 * @replay: a tape
 *
 * Gathers all parameters at once, each where it stays (deepspeed.zero.GatheredParameters, _allgather_params_coalesced).
 */
void
hr_live_parameters_gather_all (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;
  guint64 n_parts = 0;
  HrValue parts = HR_NO_VALUE;

  for (guint i = 0; i < self->parameters->len; i++)
    {
      Parameter *parameter = get_parameter (self, i);

      if (parameter->state != AWAY)
        continue;
      n_parts += parameter->n_part;
      if (self->settings.n_ranks > 1)
        parameter->value = make_element (replay, "all_gather_into_tensor", "param.data", parameter->element,
                                         parameter->n_part * self->settings.n_ranks);
      parameter->state = HERE;
    }
  if (self->settings.is_offloaded)
    parts = make (replay, "_to_copy", "local_tensors", n_parts);
  hr_replay_drop (replay, parts);
}

/*
 * hr_live_parameters_gather_each:
 * @replay: a tape
 *
 * Gathers one parameter after the other, and lets go of it: those that stay, too.
 */
void
hr_live_parameters_gather_each (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;

  for (guint i = 0; i < self->parameters->len; i++)
    {
      Parameter *parameter = get_parameter (self, i);

      if (parameter->state == AWAY && self->settings.n_ranks > 1)
        {
          parameter->value = make_element (replay, "all_gather_into_tensor", "param.data", parameter->element,
                                           parameter->n_part * self->settings.n_ranks);
          fetch_parts (replay, parameter->element, parameter->n_part);
        }
      let_go (replay, parameter);
    }
}

/*
 * hr_live_parameters_release_all:
 * @replay: a tape
 * @forgets_order: whether the order of modules is forgotten
 *
 * Lets go of all parameters, of those that stay as well.
 */
void
hr_live_parameters_release_all (HrReplay *replay,
                                gboolean  forgets_order)
{
  HrLiveParameters *self = replay->live;

  if (forgets_order)
    forget_order (replay);
  for (guint i = 0; i < self->parameters->len; i++)
    {
      Parameter *parameter = get_parameter (self, i);

      if (parameter->state == HERE)
        let_go (replay, parameter);
    }
}

/*
 * hr_live_parameters_let_go:
 * @replay: a tape
 *
 * Lets go of all parameters before the optimizer steps (_partition_all_parameters).
 */
void
hr_live_parameters_let_go (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;

  if (self == NULL)
    return;

  for (guint i = 0; i < self->parameters->len; i++)
    {
      Parameter *parameter = get_parameter (self, i);

      if (parameter->gathering != 0)
        await (replay, parameter);
      if (parameter->state == HERE)
        let_go (replay, parameter);
      parameter->users = 0;
    }
}

/*
 * hr_live_parameters_end_step:
 * @replay: a tape
 *
 * Lets go of second copies, when the optimizer has stepped (invalidate_secondary_tensor), and gathers the parameters
 * that stay.
 */
void
hr_live_parameters_end_step (HrReplay *replay)
{
  HrLiveParameters *self = replay->live;

  for (guint i = 0; self != NULL && i < self->parameters->len; i++)
    {
      Parameter *parameter = get_parameter (self, i);

      hr_replay_drop (replay, parameter->secondary);
      parameter->secondary = HR_NO_VALUE;
      parameter->has_secondary = keeps_secondary (self, parameter);
      if (!parameter->persists)
        continue;
      hr_ledger_add (&replay->ledger, self->component, get_persistent_bytes (self, parameter));
      parameter->is_in_books = TRUE;
      parameter->state = HERE;
    }
}
