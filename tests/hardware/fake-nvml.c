/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A stand-in for the library of NVIDIA's driver: a card that tells all, one that shares the main memory and so tells no
 * size, and one that has fallen off the bus.
 */

#include <stdint.h>
#include <string.h>

#define SUCCESS 0
#define NOT_SUPPORTED 3
#define GPU_IS_LOST 15

typedef struct
{
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
} Memory;

typedef struct
{
  unsigned int version;
  unsigned long long total;
  unsigned long long reserved;
  unsigned long long free;
  unsigned long long used;
} Reserved;

typedef struct
{
  unsigned int pid;
  unsigned long long used;
  unsigned int gpu_instance;
  unsigned int compute_instance;
} Process;

int nvmlInit_v2 (void);
int nvmlShutdown (void);
int nvmlSystemGetDriverVersion (char *version, unsigned int length);
int nvmlDeviceGetCount_v2 (unsigned int *count);
int nvmlDeviceGetHandleByIndex_v2 (unsigned int index, void **device);
int nvmlDeviceGetName (void *device, char *name, unsigned int length);
int nvmlDeviceGetUUID (void *device, char *uuid, unsigned int length);
int nvmlDeviceGetMemoryInfo (void *device, Memory *memory);
int nvmlDeviceGetMemoryInfo_v2 (void *device, Reserved *memory);
int nvmlDeviceGetHandleByUUID (const char *uuid, void **device);
int nvmlDeviceGetComputeRunningProcesses_v3 (void *device, unsigned int *count, Process *processes);
int nvmlDeviceGetGraphicsRunningProcesses_v2 (void *device, unsigned int *count, Process *processes);
int nvmlSystemGetProcessName (unsigned int pid, char *name, unsigned int length);

static const char * const names[] = { "NVIDIA GeForce RTX 4090", "NVIDIA GB10" };

static void
copy (char         *target,
      const char   *text,
      unsigned int  length)
{
  strncpy (target, text, length - 1);
  target[length - 1] = '\0';
}

int
nvmlInit_v2 (void)
{
  return SUCCESS;
}

int
nvmlShutdown (void)
{
  return SUCCESS;
}

int
nvmlSystemGetDriverVersion (char         *version,
                            unsigned int  length)
{
  copy (version, "580.65.06", length);

  return SUCCESS;
}

int
nvmlDeviceGetCount_v2 (unsigned int *count)
{
  *count = 3;

  return SUCCESS;
}

int
nvmlDeviceGetHandleByIndex_v2 (unsigned int   index,
                               void         **device)
{
  if (index > 1)
    return GPU_IS_LOST;

  *device = (void *) (uintptr_t) (index + 1);

  return SUCCESS;
}

int
nvmlDeviceGetName (void         *device,
                   char         *name,
                   unsigned int  length)
{
  copy (name, names[(uintptr_t) device - 1], length);

  return SUCCESS;
}

int
nvmlDeviceGetUUID (void         *device,
                   char         *uuid,
                   unsigned int  length)
{
  copy (uuid, (uintptr_t) device == 1 ? "GPU-1" : "GPU-2", length);

  return SUCCESS;
}

int
nvmlDeviceGetMemoryInfo (void   *device,
                         Memory *memory)
{
  if ((uintptr_t) device != 1)
    return NOT_SUPPORTED;

  memory->total = 24564ull << 20;
  memory->free = 20000ull << 20;
  memory->used = memory->total - memory->free;

  return SUCCESS;
}

int
nvmlDeviceGetMemoryInfo_v2 (void     *device,
                            Reserved *memory)
{
  if ((uintptr_t) device != 1 || memory->version != (40 | 2 << 24))
    return NOT_SUPPORTED;

  memory->total = 24564ull << 20;
  memory->reserved = 490ull << 20;

  return SUCCESS;
}

int
nvmlDeviceGetHandleByUUID (const char  *uuid,
                           void       **device)
{
  *device = (void *) (uintptr_t) (strcmp (uuid, "GPU-1") == 0 ? 1 : 2);

  return SUCCESS;
}

int
nvmlDeviceGetComputeRunningProcesses_v3 (void         *device,
                                         unsigned int *count,
                                         Process      *processes)
{
  *count = 2;
  processes[0] = (Process) { .pid = 31, .used = 300ull << 20 };
  processes[1] = (Process) { .pid = 77, .used = 3500ull << 20 };

  return SUCCESS;
}

/* One of these computes as well, and of another the driver does not tell what it has. */
int
nvmlDeviceGetGraphicsRunningProcesses_v2 (void         *device,
                                          unsigned int *count,
                                          Process      *processes)
{
  *count = 2;
  processes[0] = (Process) { .pid = 31, .used = 320ull << 20 };
  processes[1] = (Process) { .pid = 5, .used = ~0ull };

  return SUCCESS;
}

int
nvmlSystemGetProcessName (unsigned int  pid,
                          char         *name,
                          unsigned int  length)
{
  copy (name, pid == 31 ? "/usr/lib/xorg/Xorg" : pid == 77 ? "/opt/python3" : "kwin_wayland", length);

  return SUCCESS;
}
