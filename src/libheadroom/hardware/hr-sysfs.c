/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-gpu-detect-private.h"

#include <string.h>

/*
 * What the kernel's drivers show of AMD's and Intel's GPUs: amdgpu its memory in `mem_info_vram_*`, i915 in `lmem_*`,
 * xe in `physical_vram_size_bytes`. Drivers that show no size leave the PCI identifier, by which the catalogue may
 * know it.
 */

static char *
read_text (const char *folder,
           const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;

  return g_strstrip (text);
}

static gboolean
read_number (const char *folder,
             const char *name,
             guint64    *number)
{
  g_autofree char *text = read_text (folder, name);
  const char *digits = text;
  guint base = 10;

  if (text == NULL)
    return FALSE;

  if (g_str_has_prefix (text, "0x"))
    {
      digits += strlen ("0x");
      base = 16;
    }

  return g_ascii_string_to_unsigned (digits, base, 0, G_MAXUINT64, number, NULL);
}

static void
read_free_memory (const char  *folder,
                  const char  *used_name,
                  HrGpuReport *report)
{
  guint64 used;

  if (report->memory > 0 && read_number (folder, used_name, &used) && used <= report->memory)
    {
      report->has_free_memory = TRUE;
      report->free_memory = report->memory - used;
    }
}

static void
add_amd (const char *device,
         const char *pci_id,
         GListStore *gpus)
{
  g_autofree char *name = read_text (device, "product_name");
  g_autofree char *uuid = read_text (device, "unique_id");
  HrGpuReport report = {
    .vendor = "AMD", .pci_id = pci_id, .counter = "amdgpu", .origin = "sysfs (amdgpu)",
    .name = name != NULL && *name != '\0' ? name : NULL, .uuid = uuid,
  };

  read_number (device, "mem_info_vram_total", &report.memory);
  read_free_memory (device, "mem_info_vram_used", &report);
  _hr_gpu_detect_add (gpus, &report);
}

static void
add_intel (const char *card,
           const char *device,
           const char *pci_id,
           GListStore *gpus)
{
  HrGpuReport report = { .vendor = "Intel", .pci_id = pci_id, .counter = "i915", .origin = "sysfs (i915)" };
  guint64 available;

  if (read_number (card, "lmem_total_bytes", &report.memory))
    {
      if (read_number (card, "lmem_avail_bytes", &available) && available <= report.memory)
        {
          report.has_free_memory = TRUE;
          report.free_memory = available;
        }
    }
  else
    {
      report.counter = "xe";
      report.origin = "sysfs (xe)";
      read_number (device, "tile0/physical_vram_size_bytes", &report.memory);
    }

  _hr_gpu_detect_add (gpus, &report);
}

static void
add_card (const char *card,
          GListStore *gpus)
{
  g_autofree char *device = g_build_filename (card, "device", NULL);
  g_autofree char *pci_id = NULL;
  guint64 vendor_id, device_id;

  if (!read_number (device, "vendor", &vendor_id) || !read_number (device, "device", &device_id))
    return;

  pci_id = g_strdup_printf ("%04x:%04x", (guint) vendor_id, (guint) device_id);
  if (vendor_id == 0x1002)
    add_amd (device, pci_id, gpus);
  else if (vendor_id == 0x8086)
    add_intel (card, device, pci_id, gpus);
}

/* The number of `card1`; -1 for connectors (`card1-DP-1`) and all else. */
static int
get_card_number (const char *name)
{
  guint64 number;

  if (!g_str_has_prefix (name, "card") ||
      !g_ascii_string_to_unsigned (name + strlen ("card"), 10, 0, G_MAXINT, &number, NULL))
    return -1;

  return number;
}

static int
compare_numbers (gconstpointer a,
                 gconstpointer b)
{
  int one = *(const int *) a;
  int other = *(const int *) b;

  return one < other ? -1 : one > other;
}

gboolean
_hr_sysfs_detect (const char *root,
                  GListStore *gpus)
{
  g_autofree char *folder = g_build_filename (root, "class", "drm", NULL);
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (int));
  const char *name;

  if (directory == NULL)
    return FALSE;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      int number = get_card_number (name);

      if (number >= 0)
        g_array_append_val (numbers, number);
    }

  g_array_sort (numbers, compare_numbers);
  for (guint i = 0; i < numbers->len; i++)
    {
      g_autofree char *card = g_strdup_printf ("%s/card%d", folder, g_array_index (numbers, int, i));

      add_card (card, gpus);
    }

  return TRUE;
}
