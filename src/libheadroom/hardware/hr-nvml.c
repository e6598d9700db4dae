/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-gpu-detect-private.h"

#include <gmodule.h>

/*
 * NVIDIA's management library, loaded when it is there. The names, types and values are those of its reference manual
 * (NVML API Reference Guide); a return value of 0 means success.
 */

#define NVML_SUCCESS 0
#define NVML_NAME_LENGTH 96
#define NVML_UUID_LENGTH 96
#define NVML_VERSION_LENGTH 80
#define NVML_ERROR_INSUFFICIENT_SIZE 7
#define NVML_PROCESS_NAME_LENGTH 256

/* More programs than use a GPU of a desktop. */
#define MAX_PROCESSES 128

typedef struct
{
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
} NvmlMemory;

/* nvmlMemory_v2_t, which drivers have since 510. */
typedef struct
{
  unsigned int version;
  unsigned long long total;
  unsigned long long reserved;
  unsigned long long free;
  unsigned long long used;
} NvmlReserved;

#define NVML_RESERVED_VERSION (sizeof (NvmlReserved) | 2 << 24)

/* nvmlProcessInfo_t, as the second and the third version of the calls have it; all ones are “not available”. */
typedef struct
{
  unsigned int pid;
  unsigned long long used;
  unsigned int gpu_instance;
  unsigned int compute_instance;
} NvmlProcess;

typedef int (* NvmlListProcesses) (void *device, unsigned int *count, NvmlProcess *processes);

typedef struct
{
  int (* init)                   (void);
  int (* shutdown)               (void);
  int (* get_driver_version)     (char *version, unsigned int length);
  int (* get_count)              (unsigned int *count);
  int (* get_handle)             (unsigned int index, void **device);
  int (* get_name)               (void *device, char *name, unsigned int length);
  int (* get_uuid)               (void *device, char *uuid, unsigned int length);
  int (* get_memory)             (void *device, NvmlMemory *memory);
  int (* get_reserved)           (void *device, NvmlReserved *memory);
} Nvml;

static gboolean
load_symbols (GModule *module,
              Nvml    *nvml)
{
  const struct
  {
    const char *name;
    gpointer *symbol;
  } symbols[] = {
    { "nvmlInit_v2", (gpointer *) &nvml->init },
    { "nvmlShutdown", (gpointer *) &nvml->shutdown },
    { "nvmlSystemGetDriverVersion", (gpointer *) &nvml->get_driver_version },
    { "nvmlDeviceGetCount_v2", (gpointer *) &nvml->get_count },
    { "nvmlDeviceGetHandleByIndex_v2", (gpointer *) &nvml->get_handle },
    { "nvmlDeviceGetName", (gpointer *) &nvml->get_name },
    { "nvmlDeviceGetUUID", (gpointer *) &nvml->get_uuid },
    { "nvmlDeviceGetMemoryInfo", (gpointer *) &nvml->get_memory },
  };

  for (guint i = 0; i < G_N_ELEMENTS (symbols); i++)
    {
      if (!g_module_symbol (module, symbols[i].name, symbols[i].symbol) || *symbols[i].symbol == NULL)
        return FALSE;
    }
  if (!g_module_symbol (module, "nvmlDeviceGetMemoryInfo_v2", (gpointer *) &nvml->get_reserved))
    nvml->get_reserved = NULL;

  return TRUE;
}

/* All that programs may have: what the driver keeps for itself is told by newer ones. */
static guint64
get_usable_memory (const Nvml *nvml,
                   void       *device)
{
  NvmlReserved memory = { .version = NVML_RESERVED_VERSION };

  if (nvml->get_reserved == NULL || nvml->get_reserved (device, &memory) != NVML_SUCCESS ||
      memory.reserved >= memory.total)
    return 0;

  return memory.total - memory.reserved;
}

static void
add_device (const Nvml *nvml,
            guint       index,
            const char *driver_version,
            GListStore *gpus)
{
  char name[NVML_NAME_LENGTH];
  char uuid[NVML_UUID_LENGTH];
  NvmlMemory memory;
  HrGpuReport report = {
    .vendor = "NVIDIA", .driver_version = driver_version, .counter = "nvml", .origin = "NVML",
  };
  void *device;

  if (nvml->get_handle (index, &device) != NVML_SUCCESS ||
      nvml->get_name (device, name, sizeof name) != NVML_SUCCESS)
    return;

  report.name = name;
  if (nvml->get_uuid (device, uuid, sizeof uuid) == NVML_SUCCESS)
    report.uuid = uuid;
  if (nvml->get_memory (device, &memory) == NVML_SUCCESS)
    {
      report.memory = memory.total;
      report.usable_memory = get_usable_memory (nvml, device);
      report.has_free_memory = TRUE;
      report.free_memory = memory.free;
    }

  _hr_gpu_detect_add (gpus, &report);
}

gboolean
_hr_nvml_detect (const char *library,
                 GListStore *gpus)
{
  GModule *module = g_module_open (library, G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL);
  Nvml nvml;
  gboolean answered;

  if (module == NULL)
    return FALSE;

  answered = load_symbols (module, &nvml) && nvml.init () == NVML_SUCCESS;
  if (answered)
    {
      char version[NVML_VERSION_LENGTH];
      gboolean has_version = nvml.get_driver_version (version, sizeof version) == NVML_SUCCESS;
      unsigned int count = 0;

      answered = nvml.get_count (&count) == NVML_SUCCESS;
      for (guint i = 0; answered && i < count; i++)
        add_device (&nvml, i, has_version ? version : NULL, gpus);

      nvml.shutdown ();
    }

  g_module_close (module);

  return answered;
}

/* Drivers have the third version since 510, and the second since 450. */
static NvmlListProcesses
find_list (GModule    *module,
           const char *kind)
{
  static const char * const versions[] = { "v3", "v2" };
  gpointer symbol = NULL;

  for (guint i = 0; symbol == NULL && i < G_N_ELEMENTS (versions); i++)
    {
      g_autofree char *name = g_strdup_printf ("nvmlDeviceGet%sRunningProcesses_%s", kind, versions[i]);

      if (!g_module_symbol (module, name, &symbol))
        symbol = NULL;
    }

  return (NvmlListProcesses) symbol;
}

static void
add_processes (GModule    *module,
               void       *device,
               HrGpuUsage *usage)
{
  static const char * const kinds[] = { "Compute", "Graphics" };
  gpointer get_name = NULL;

  g_module_symbol (module, "nvmlSystemGetProcessName", &get_name);
  for (guint i = 0; get_name != NULL && i < G_N_ELEMENTS (kinds); i++)
    {
      NvmlListProcesses list = find_list (module, kinds[i]);
      NvmlProcess processes[MAX_PROCESSES];
      unsigned int count = MAX_PROCESSES;
      int result = list != NULL ? list (device, &count, processes) : NVML_ERROR_INSUFFICIENT_SIZE;

      for (unsigned int j = 0; result == NVML_SUCCESS && j < MIN (count, MAX_PROCESSES); j++)
        {
          char name[NVML_PROCESS_NAME_LENGTH];
          int named = ((int (*) (unsigned int, char *, unsigned int)) get_name) (processes[j].pid, name, sizeof name);

          if (named == NVML_SUCCESS && g_utf8_validate (name, -1, NULL))
            _hr_gpu_usage_add_process (usage, processes[j].pid, name,
                                       processes[j].used == G_MAXUINT64 ? 0 : processes[j].used);
        }
    }
}

gboolean
_hr_nvml_add_processes (const char *library,
                        HrGpuUsage *usage)
{
  GModule *module = g_module_open (library, G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL);
  gpointer find = NULL;
  Nvml nvml;
  void *device;
  gboolean answered;

  if (module == NULL)
    return FALSE;

  answered = load_symbols (module, &nvml) && g_module_symbol (module, "nvmlDeviceGetHandleByUUID", &find) &&
             nvml.init () == NVML_SUCCESS;
  if (answered)
    {
      answered = ((int (*) (const char *, void **)) find) (usage->uuid, &device) == NVML_SUCCESS;
      if (answered)
        add_processes (module, device, usage);
      nvml.shutdown ();
    }
  g_module_close (module);

  return answered;
}
