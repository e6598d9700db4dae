/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-gpu-private.h"

/**
 * HrGpu:
 *
 * A GPU or another accelerator: a row of the catalogue, or a device of this machine.
 *
 * Objects of this type do not change. Figures that no source states are absent, never 0.
 */
struct _HrGpu
{
  GObject parent_instance;

  HrGpuFacts *facts;
};

enum
{
  PROP_0,
  PROP_ID,
  PROP_NAME,
  PROP_VENDOR,
  PROP_MEMORY,
  PROP_LOCAL,
  N_PROPS,
};

G_DEFINE_FINAL_TYPE (HrGpu, hr_gpu, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

HrGpuFacts *
_hr_gpu_facts_new (void)
{
  return g_new0 (HrGpuFacts, 1);
}

HrGpuFacts *
_hr_gpu_facts_copy (const HrGpuFacts *self)
{
  HrGpuFacts *copy = g_memdup2 (self, sizeof *self);

  copy->id = g_strdup (self->id);
  copy->name = g_strdup (self->name);
  copy->vendor = g_strdup (self->vendor);
  copy->architecture = g_strdup (self->architecture);
  copy->compute_capability = g_strdup (self->compute_capability);
  copy->source = g_strdup (self->source);
  copy->checked = g_strdup (self->checked);
  copy->memory_counter = g_strdup (self->memory_counter);
  copy->interconnect = g_strdup (self->interconnect);
  copy->bridge = g_strdup (self->bridge);
  copy->aliases = g_strdupv (self->aliases);
  copy->driver_names = g_strdupv (self->driver_names);
  copy->uuid = g_strdup (self->uuid);
  copy->driver_version = g_strdup (self->driver_version);

  return copy;
}

void
_hr_gpu_facts_free (HrGpuFacts *self)
{
  g_free (self->id);
  g_free (self->name);
  g_free (self->vendor);
  g_free (self->architecture);
  g_free (self->compute_capability);
  g_free (self->source);
  g_free (self->checked);
  g_free (self->memory_counter);
  g_free (self->interconnect);
  g_free (self->bridge);
  g_strfreev (self->aliases);
  g_strfreev (self->driver_names);
  g_free (self->uuid);
  g_free (self->driver_version);
  g_free (self);
}

static void
hr_gpu_finalize (GObject *object)
{
  HrGpu *self = HR_GPU (object);

  g_clear_pointer (&self->facts, _hr_gpu_facts_free);

  G_OBJECT_CLASS (hr_gpu_parent_class)->finalize (object);
}

static void
hr_gpu_get_property (GObject    *object,
                     guint       prop_id,
                     GValue     *value,
                     GParamSpec *pspec)
{
  HrGpu *self = HR_GPU (object);

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_string (value, hr_gpu_get_id (self));
      break;

    case PROP_NAME:
      g_value_set_string (value, hr_gpu_get_name (self));
      break;

    case PROP_VENDOR:
      g_value_set_string (value, hr_gpu_get_vendor (self));
      break;

    case PROP_MEMORY:
      g_value_set_uint64 (value, hr_gpu_get_memory (self));
      break;

    case PROP_LOCAL:
      g_value_set_boolean (value, hr_gpu_is_local (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_gpu_class_init (HrGpuClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = hr_gpu_finalize;
  object_class->get_property = hr_gpu_get_property;

  /**
   * HrGpu:id:
   *
   * The stable identifier.
   */
  properties[PROP_ID] =
    g_param_spec_string ("id", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrGpu:name:
   *
   * The name as the vendor writes it.
   */
  properties[PROP_NAME] =
    g_param_spec_string ("name", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrGpu:vendor:
   *
   * Who makes it.
   */
  properties[PROP_VENDOR] =
    g_param_spec_string ("vendor", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrGpu:memory:
   *
   * The memory in bytes.
   */
  properties[PROP_MEMORY] =
    g_param_spec_uint64 ("memory", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrGpu:local:
   *
   * Whether it is a device of this machine.
   */
  properties[PROP_LOCAL] =
    g_param_spec_boolean ("local", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
hr_gpu_init (HrGpu *self)
{
}

HrGpu *
_hr_gpu_new_take (HrGpuFacts *facts)
{
  HrGpu *self = g_object_new (HR_TYPE_GPU, NULL);

  g_assert (facts->name != NULL && facts->memory > 0);

  self->facts = facts;

  return self;
}

const HrGpuFacts *
_hr_gpu_get_facts (HrGpu *self)
{
  return self->facts;
}

/**
 * hr_gpu_get_id:
 * @self: a GPU
 *
 * Gets the identifier, which does not change between versions of the catalogue, such as `rtx-4090`.
 *
 * A device of this machine has the identifier of the row it was matched to.
 *
 * Returns: (transfer none) (nullable): the identifier, or %NULL for a device of this machine that the catalogue does
 *   not have
 */
const char *
hr_gpu_get_id (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->id;
}

/**
 * hr_gpu_get_name:
 * @self: a GPU
 *
 * Gets the name as the vendor writes it, without the vendor.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_gpu_get_name (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->name;
}

/**
 * hr_gpu_get_vendor:
 * @self: a GPU
 *
 * Gets who makes it.
 *
 * Returns: (transfer none): the vendor, such as `NVIDIA`
 */
const char *
hr_gpu_get_vendor (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->vendor;
}

/**
 * hr_gpu_get_architecture:
 * @self: a GPU
 *
 * Gets the name of its generation.
 *
 * Returns: (transfer none) (nullable): the architecture, such as `Hopper`, or %NULL if it is not known
 */
const char *
hr_gpu_get_architecture (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->architecture;
}

/**
 * hr_gpu_get_compute_capability:
 * @self: a GPU
 *
 * Gets what compilers call its instruction set: CUDA’s compute capability, such as `8.9`, or ROCm’s target, such as
 * `gfx942`.
 *
 * Returns: (transfer none) (nullable): the instruction set, or %NULL if it is not known or has no such name
 */
const char *
hr_gpu_get_compute_capability (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->compute_capability;
}

/**
 * hr_gpu_get_cuda_capability:
 * @self: (nullable): a GPU
 *
 * Gets CUDA’s compute capability as a number that can be compared: ten times its major part and the minor one, such as
 * 89 for 8.9.
 *
 * Returns: the capability, or 0 if it is not known or CUDA does not run there
 */
guint
hr_gpu_get_cuda_capability (HrGpu *self)
{
  guint64 major, minor = 0;
  char *end;

  g_return_val_if_fail (self == NULL || HR_IS_GPU (self), 0);

  if (self == NULL || self->facts->compute_capability == NULL || g_strcmp0 (hr_gpu_get_vendor (self), "NVIDIA") != 0)
    return 0;

  major = g_ascii_strtoull (self->facts->compute_capability, &end, 10);
  if (*end == '.')
    minor = g_ascii_strtoull (end + 1, NULL, 10);

  return major * 10 + minor;
}

/**
 * hr_gpu_get_multiprocessors:
 * @self: a GPU
 * @count: (out) (optional): how many streaming multiprocessors it has, 1 to 10,000; untouched if that is not known
 *
 * Gets how many streaming multiprocessors CUDA runs kernels on.
 *
 * Returns: whether it is known, which is so for most of NVIDIA's GPUs only
 */
gboolean
hr_gpu_get_multiprocessors (HrGpu *self,
                            guint *count)
{
  g_return_val_if_fail (HR_IS_GPU (self), FALSE);

  if (self->facts->multiprocessors == 0)
    return FALSE;

  if (count != NULL)
    *count = self->facts->multiprocessors;

  return TRUE;
}

/**
 * hr_gpu_get_source:
 * @self: a GPU
 *
 * Gets where its figures are from.
 *
 * Returns: (transfer none): addresses or documents; for a device of this machine also who was asked
 */
const char *
hr_gpu_get_source (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->source;
}

/**
 * hr_gpu_get_checked:
 * @self: a GPU
 *
 * Gets when the figures were last compared with their source.
 *
 * Returns: (transfer none) (nullable): a date, `YYYY-MM-DD`, or %NULL for a device that the catalogue does not have
 */
const char *
hr_gpu_get_checked (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->checked;
}

/**
 * hr_gpu_get_memory:
 * @self: a GPU
 *
 * Gets its memory, by the counter that [method@Gpu.get_memory_counter] names.
 *
 * Returns: the memory in bytes
 */
guint64
hr_gpu_get_memory (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), 0);

  return self->facts->memory;
}

/**
 * hr_gpu_get_usable_memory:
 * @self: a GPU
 *
 * Gets what programs may have of its memory altogether, contexts included: what CUDA's runtime calls the total
 * (`cudaMemGetInfo()`, `torch.cuda.get_device_properties().total_memory`), which is less than `nvidia-smi` shows by
 * what the driver keeps for itself. Where that is not known, it is all of the memory.
 *
 * Returns: the size in bytes
 */
guint64
hr_gpu_get_usable_memory (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), 0);

  return self->facts->usable_memory > 0 ? self->facts->usable_memory : self->facts->memory;
}

/**
 * hr_gpu_knows_usable_memory:
 * @self: a GPU
 *
 * Gets whether it is known how much of the memory the driver keeps for itself.
 *
 * Returns: whether [method@Gpu.get_usable_memory] is from a report of its own
 */
gboolean
hr_gpu_knows_usable_memory (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), FALSE);

  return self->facts->usable_memory > 0;
}

/**
 * hr_gpu_get_memory_counter:
 * @self: a GPU
 *
 * Gets who counted the memory. The same card has several sizes: what is soldered on, what the driver shows, what a
 * program may have.
 *
 * - `nvml`: the total of `nvidia-smi`
 * - `cuda`: the total of the CUDA runtime, which leaves out what the driver keeps for itself
 * - `amdgpu`, `rocm-smi`, `xe`, `npu-smi`, …: the total that this driver or program shows
 * - `working-set`: what Metal recommends as the largest working set of the unified memory
 * - `nominal`: the size on the data sheet, since no report of a driver was found
 *
 * Returns: (transfer none): the counter
 */
const char *
hr_gpu_get_memory_counter (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->memory_counter;
}

/**
 * hr_gpu_get_bandwidth:
 * @self: a GPU
 * @bytes_per_second: (out) (optional): the peak bandwidth of its memory
 *
 * Gets how fast its memory is, by the data sheet.
 *
 * Returns: whether it is known
 */
gboolean
hr_gpu_get_bandwidth (HrGpu   *self,
                      guint64 *bytes_per_second)
{
  g_return_val_if_fail (HR_IS_GPU (self), FALSE);

  if (self->facts->bandwidth == 0)
    return FALSE;

  if (bytes_per_second != NULL)
    *bytes_per_second = self->facts->bandwidth;

  return TRUE;
}

/**
 * hr_gpu_get_throughput:
 * @self: a GPU
 * @dtype: what is multiplied
 * @flop_per_second: (out) (optional): the peak throughput of dense matrices
 *
 * Gets how fast it multiplies dense matrices, by the data sheet: never the figure with structured sparsity. A
 * multiplication and an addition count as two operations. `float32` is without TF32.
 *
 * Returns: whether it is known
 */
gboolean
hr_gpu_get_throughput (HrGpu   *self,
                       HrDtype  dtype,
                       guint64 *flop_per_second)
{
  g_return_val_if_fail (HR_IS_GPU (self), FALSE);
  g_return_val_if_fail ((guint) dtype < HR_GPU_N_DTYPES, FALSE);

  if (self->facts->throughput[dtype] == 0)
    return FALSE;

  if (flop_per_second != NULL)
    *flop_per_second = self->facts->throughput[dtype];

  return TRUE;
}

/**
 * hr_gpu_get_interconnect:
 * @self: a GPU
 * @bytes_per_second: (out) (optional): the sum of both directions and all links of a GPU, as vendors state it; 0 if it
 *   is not known
 *
 * Gets what joins it to other GPUs.
 *
 * Returns: (transfer none) (nullable): the kind, such as `NVLink 4`, or %NULL if it is not known
 */
const char *
hr_gpu_get_interconnect (HrGpu   *self,
                         guint64 *bytes_per_second)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  if (bytes_per_second != NULL)
    *bytes_per_second = self->facts->interconnect_bandwidth;

  return self->facts->interconnect;
}

/**
 * hr_gpu_get_peer_bandwidth:
 * @self: a GPU
 *
 * Gets what two GPUs exchange where each is joined to each by links of its own, with no switch between them: the rest
 * of what hr_gpu_get_interconnect() says goes to others.
 *
 * Returns: bytes a second, the sum of both directions; 0 where two GPUs may use all that there is
 */
guint64
hr_gpu_get_peer_bandwidth (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), 0);

  return self->facts->peer_bandwidth;
}

/**
 * hr_gpu_get_bridge:
 * @self: a GPU
 * @bytes_per_second: (out) (optional): the sum of both directions and all links of a card that has it
 * @n_gpus: (out) (optional): how many cards it joins
 *
 * Gets the bridge that joins cards beside the bus, which is sold apart.
 *
 * Returns: (transfer none) (nullable): the kind, such as `NVLink 3`, or %NULL if none is known
 */
const char *
hr_gpu_get_bridge (HrGpu   *self,
                   guint64 *bytes_per_second,
                   guint   *n_gpus)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  if (bytes_per_second != NULL)
    *bytes_per_second = self->facts->bridge_bandwidth;
  if (n_gpus != NULL)
    *n_gpus = self->facts->n_bridged;

  return self->facts->bridge;
}

/**
 * hr_gpu_get_year:
 * @self: a GPU
 * @year: (out) (optional): the year
 *
 * Gets when it was introduced.
 *
 * Returns: whether it is known
 */
gboolean
hr_gpu_get_year (HrGpu *self,
                 guint *year)
{
  g_return_val_if_fail (HR_IS_GPU (self), FALSE);

  if (self->facts->year == 0)
    return FALSE;

  if (year != NULL)
    *year = self->facts->year;

  return TRUE;
}

/**
 * hr_gpu_get_driver_names:
 * @self: a GPU
 *
 * Gets the names and the PCI identifiers that drivers give it.
 *
 * Returns: (transfer none) (array zero-terminated=1): the names
 */
const char * const *
hr_gpu_get_driver_names (HrGpu *self)
{
  static const char * const none[] = { NULL };

  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->driver_names != NULL ? (const char * const *) self->facts->driver_names : none;
}

/**
 * hr_gpu_get_free_memory:
 * @self: a GPU
 * @bytes: (out) (optional): the memory that nobody held when it was asked
 *
 * Gets how much memory of a device of this machine was free when it was found.
 *
 * Returns: whether it is known
 */
gboolean
hr_gpu_get_free_memory (HrGpu   *self,
                        guint64 *bytes)
{
  g_return_val_if_fail (HR_IS_GPU (self), FALSE);

  if (!self->facts->has_free_memory)
    return FALSE;

  if (bytes != NULL)
    *bytes = self->facts->free_memory;

  return TRUE;
}

/**
 * hr_gpu_get_uuid:
 * @self: a GPU
 *
 * Gets the identifier that the driver gives this one device.
 *
 * Returns: (transfer none) (nullable): the identifier, or %NULL if it is not a device of this machine or its driver
 *   gives none
 */
const char *
hr_gpu_get_uuid (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->uuid;
}

/**
 * hr_gpu_get_driver_version:
 * @self: a GPU
 *
 * Gets the version of the driver of a device of this machine.
 *
 * Returns: (transfer none) (nullable): the version, or %NULL if it is not known
 */
const char *
hr_gpu_get_driver_version (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), NULL);

  return self->facts->driver_version;
}

/**
 * hr_gpu_get_unified_memory:
 * @self: a GPU
 *
 * Gets whether it shares its memory with the processor and the programs that run there.
 *
 * Returns: whether the memory is unified
 */
gboolean
hr_gpu_get_unified_memory (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), FALSE);

  return self->facts->unified_memory;
}

/**
 * hr_gpu_is_local:
 * @self: a GPU
 *
 * Gets whether it is a device of this machine.
 *
 * Returns: whether it was detected here
 */
gboolean
hr_gpu_is_local (HrGpu *self)
{
  g_return_val_if_fail (HR_IS_GPU (self), FALSE);

  return self->facts->is_local;
}
