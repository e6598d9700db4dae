/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-component.h"

#include "hr-memory-enums.h"

/**
 * HrComponent:
 *
 * A part of an estimate: so many bytes for one purpose, with the formula that gives them, the same formula with the
 * numbers of the job in it, and where the formula comes from.
 */
struct _HrComponent
{
  GObject parent_instance;

  HrComponentId id;
  guint64 bytes;
  char *formula;
  char *substitution;
  const char *source;
  const char *faults[HR_COMPONENT_MAX_FAULTS + 1];
  guint n_faults;
};

enum
{
  PROP_ID = 1,
  PROP_BYTES,
  PROP_FORMULA,
  PROP_SUBSTITUTION,
  PROP_SOURCE,
  N_PROPS,
};

G_DEFINE_FINAL_TYPE (HrComponent, hr_component, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static const char * const component_names[HR_N_COMPONENTS] = {
  [HR_COMPONENT_WEIGHTS] = "weights",
  [HR_COMPONENT_ADAPTERS] = "adapters",
  [HR_COMPONENT_KV_CACHE] = "kv-cache",
  [HR_COMPONENT_ACTIVATIONS] = "activations",
  [HR_COMPONENT_LOGITS] = "logits",
  [HR_COMPONENT_GRADIENTS] = "gradients",
  [HR_COMPONENT_OPTIMIZER] = "optimizer",
  [HR_COMPONENT_MASTER_WEIGHTS] = "master-weights",
  [HR_COMPONENT_REFERENCE_MODEL] = "reference-model",
  [HR_COMPONENT_VALUE_MODEL] = "value-model",
  [HR_COMPONENT_REWARD_MODEL] = "reward-model",
  [HR_COMPONENT_ROLLOUT_ENGINE] = "rollout-engine",
  [HR_COMPONENT_TEMPORARY] = "temporary",
  [HR_COMPONENT_COMMUNICATION] = "communication",
  [HR_COMPONENT_CUDA_GRAPHS] = "cuda-graphs",
  [HR_COMPONENT_INPUTS] = "inputs",
  [HR_COMPONENT_FRAMEWORK] = "framework",
  [HR_COMPONENT_FRAGMENTATION] = "fragmentation",
  [HR_COMPONENT_RESERVE] = "reserve",
};

static void
hr_component_finalize (GObject *object)
{
  HrComponent *self = HR_COMPONENT (object);

  g_free (self->formula);
  g_free (self->substitution);

  G_OBJECT_CLASS (hr_component_parent_class)->finalize (object);
}

static void
hr_component_get_property (GObject    *object,
                           guint       prop_id,
                           GValue     *value,
                           GParamSpec *pspec)
{
  HrComponent *self = HR_COMPONENT (object);

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_enum (value, self->id);
      break;

    case PROP_BYTES:
      g_value_set_uint64 (value, self->bytes);
      break;

    case PROP_FORMULA:
      g_value_set_string (value, self->formula);
      break;

    case PROP_SUBSTITUTION:
      g_value_set_string (value, self->substitution);
      break;

    case PROP_SOURCE:
      g_value_set_string (value, self->source);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_component_class_init (HrComponentClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = hr_component_finalize;
  object_class->get_property = hr_component_get_property;

  /**
   * HrComponent:id:
   *
   * What the memory is held for.
   */
  properties[PROP_ID] = g_param_spec_enum ("id", NULL, NULL, HR_TYPE_COMPONENT_ID, HR_COMPONENT_WEIGHTS,
                                           G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrComponent:bytes:
   *
   * How much memory, in bytes.
   */
  properties[PROP_BYTES] = g_param_spec_uint64 ("bytes", NULL, NULL, 0, G_MAXUINT64, 0,
                                                G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrComponent:formula:
   *
   * The formula, in the symbols of the model's hyper-parameters.
   */
  properties[PROP_FORMULA] = g_param_spec_string ("formula", NULL, NULL, NULL,
                                                  G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrComponent:substitution:
   *
   * The formula with the numbers of the model and the job in place of its symbols.
   */
  properties[PROP_SUBSTITUTION] = g_param_spec_string ("substitution", NULL, NULL, NULL,
                                                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrComponent:source:
   *
   * The paper or the file of a framework that the formula comes from.
   */
  properties[PROP_SOURCE] = g_param_spec_string ("source", NULL, NULL, NULL,
                                                 G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
hr_component_init (HrComponent *self)
{
}

/**
 * hr_component_new:
 * @id: what the memory is held for
 * @bytes: how much, in bytes
 * @formula: the formula, in symbols
 * @substitution: the formula with numbers in it
 * @source: the paper or file that the formula comes from
 *
 * Creates a component.
 *
 * Returns: (transfer full): a new component
 */
HrComponent *
hr_component_new (HrComponentId  id,
                  guint64        bytes,
                  const char    *formula,
                  const char    *substitution,
                  const char    *source)
{
  HrComponent *self = g_object_new (HR_TYPE_COMPONENT, NULL);

  g_return_val_if_fail (id < HR_N_COMPONENTS, self);

  self->id = id;
  self->bytes = bytes;
  self->formula = g_strdup (formula);
  self->substitution = g_strdup (substitution);
  self->source = g_intern_string (source);

  return self;
}

/**
 * hr_component_get_id:
 * @self: a component
 *
 * Gets what the memory is held for.
 *
 * Returns: the id
 */
HrComponentId
hr_component_get_id (HrComponent *self)
{
  g_return_val_if_fail (HR_IS_COMPONENT (self), HR_COMPONENT_WEIGHTS);

  return self->id;
}

/**
 * hr_component_get_bytes:
 * @self: a component
 *
 * Gets how much memory is held.
 *
 * Returns: the size in bytes
 */
guint64
hr_component_get_bytes (HrComponent *self)
{
  g_return_val_if_fail (HR_IS_COMPONENT (self), 0);

  return self->bytes;
}

/**
 * hr_component_get_formula:
 * @self: a component
 *
 * Gets the formula in symbols.
 *
 * Returns: (transfer none) (nullable): the formula, or %NULL where it was not asked for
 */
const char *
hr_component_get_formula (HrComponent *self)
{
  g_return_val_if_fail (HR_IS_COMPONENT (self), NULL);

  return self->formula;
}

/**
 * hr_component_get_substitution:
 * @self: a component
 *
 * Gets the formula with the numbers of the model and the job in it.
 *
 * Returns: (transfer none) (nullable): the formula in numbers, or %NULL where it was not asked for
 */
const char *
hr_component_get_substitution (HrComponent *self)
{
  g_return_val_if_fail (HR_IS_COMPONENT (self), NULL);

  return self->substitution;
}

/**
 * hr_component_get_source:
 * @self: a component
 *
 * Gets the paper or the file of a framework that the formula comes from.
 *
 * Returns: (transfer none) (nullable): the source, or %NULL where it was not asked for
 */
const char *
hr_component_get_source (HrComponent *self)
{
  g_return_val_if_fail (HR_IS_COMPONENT (self), NULL);

  return self->source;
}

/**
 * hr_component_get_faults:
 * @self: a component
 *
 * Gets what the formula gets wrong for this job, where it is one that people know by heart: keys for
 * hr_article_reason_get_text().
 *
 * Returns: (transfer none) (array zero-terminated=1): the keys, of which there may be none
 */
const char * const *
hr_component_get_faults (HrComponent *self)
{
  g_return_val_if_fail (HR_IS_COMPONENT (self), NULL);

  return self->faults;
}

/*
 * _hr_component_add_fault:
 * @self: a component
 * @id: a string that stays: a key for hr_article_reason_get_text()
 *
 * Says what the formula gets wrong, before the component is handed out.
 */
void
_hr_component_add_fault (HrComponent *self,
                         const char  *id)
{
  g_return_if_fail (HR_IS_COMPONENT (self));
  g_return_if_fail (self->n_faults < HR_COMPONENT_MAX_FAULTS);

  self->faults[self->n_faults++] = id;
}

/**
 * hr_component_id_is_static:
 * @id: a component
 *
 * Tells what is there during a whole step from what comes and goes in it.
 *
 * Returns: whether it stays
 */
gboolean
hr_component_id_is_static (HrComponentId id)
{
  return id == HR_COMPONENT_WEIGHTS || id == HR_COMPONENT_ADAPTERS || id == HR_COMPONENT_OPTIMIZER ||
         id == HR_COMPONENT_MASTER_WEIGHTS || id == HR_COMPONENT_REFERENCE_MODEL || id == HR_COMPONENT_VALUE_MODEL ||
         id == HR_COMPONENT_REWARD_MODEL || id == HR_COMPONENT_ROLLOUT_ENGINE || id == HR_COMPONENT_CUDA_GRAPHS ||
         id == HR_COMPONENT_INPUTS || id == HR_COMPONENT_FRAMEWORK || id == HR_COMPONENT_RESERVE;
}

/**
 * hr_component_id_get_name:
 * @id: a component's id
 *
 * Gets the name that the JSON result uses, such as `kv-cache`.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_component_id_get_name (HrComponentId id)
{
  g_return_val_if_fail (id < HR_N_COMPONENTS, NULL);

  return component_names[id];
}

/**
 * hr_component_id_is_allocated:
 * @id: a component's id
 *
 * Finds out whether the framework's allocator hands a component out, so that `torch.cuda.memory_allocated()` counts it.
 * The driver and the libraries, and the gaps between blocks, are beside that.
 *
 * Returns: whether it does
 */
gboolean
hr_component_id_is_allocated (HrComponentId id)
{
  return id != HR_COMPONENT_FRAMEWORK && id != HR_COMPONENT_FRAGMENTATION && id != HR_COMPONENT_RESERVE;
}
