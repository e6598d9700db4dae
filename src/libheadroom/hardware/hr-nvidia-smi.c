/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-gpu-detect-private.h"

#define MEBIBYTE (G_GUINT64_CONSTANT (1) << 20)

enum
{
  FIELD_NAME,
  FIELD_UUID,
  FIELD_DRIVER_VERSION,
  FIELD_TOTAL,
  FIELD_FREE,
  N_FIELDS,
};

typedef struct
{
  char *output;
  gboolean done;
} Run;

static void
communicate_cb (GObject      *object,
                GAsyncResult *result,
                gpointer      user_data)
{
  GSubprocess *process = G_SUBPROCESS (object);
  Run *run = user_data;

  if (!g_subprocess_communicate_utf8_finish (process, result, &run->output, NULL, NULL) ||
      !g_subprocess_get_successful (process))
    g_clear_pointer (&run->output, g_free);

  run->done = TRUE;
}

static gboolean
timeout_cb (gpointer user_data)
{
  g_subprocess_force_exit (G_SUBPROCESS (user_data));

  return G_SOURCE_REMOVE;
}

/* What @program prints, or %NULL if it is not there, fails, or takes too long. */
static char *
run_program (const char   *program,
             guint         timeout_ms,
             GCancellable *cancellable)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GSource) timeout = g_timeout_source_new (timeout_ms);
  Run run = { NULL, FALSE };

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, program,
                              "--query-gpu=name,uuid,driver_version,memory.total,memory.free",
                              "--format=csv,noheader,nounits", NULL);
  if (process == NULL)
    return NULL;

  g_main_context_push_thread_default (context);
  g_source_set_callback (timeout, timeout_cb, process, NULL);
  g_source_attach (timeout, context);
  g_subprocess_communicate_utf8_async (process, NULL, cancellable, communicate_cb, &run);
  while (!run.done)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (timeout);
  g_main_context_pop_thread_default (context);

  return run.output;
}

/* A field of MiB; `[N/A]` and the like are not numbers. */
static gboolean
parse_mebibytes (const char *field,
                 guint64    *bytes)
{
  guint64 mebibytes;

  if (!g_ascii_string_to_unsigned (field, 10, 0, G_MAXUINT64 / MEBIBYTE, &mebibytes, NULL))
    return FALSE;

  *bytes = mebibytes * MEBIBYTE;

  return TRUE;
}

static void
add_line (const char *line,
          GListStore *gpus)
{
  g_auto (GStrv) fields = g_strsplit (line, ",", N_FIELDS);
  HrGpuReport report = { .vendor = "NVIDIA", .counter = "nvml", .origin = "nvidia-smi" };

  if (g_strv_length (fields) != N_FIELDS)
    return;

  for (guint i = 0; i < N_FIELDS; i++)
    g_strstrip (fields[i]);

  report.name = fields[FIELD_NAME];
  report.uuid = fields[FIELD_UUID];
  report.driver_version = fields[FIELD_DRIVER_VERSION];
  parse_mebibytes (fields[FIELD_TOTAL], &report.memory);
  report.has_free_memory = parse_mebibytes (fields[FIELD_FREE], &report.free_memory);

  _hr_gpu_detect_add (gpus, &report);
}

gboolean
_hr_nvidia_smi_detect (const char   *program,
                       guint         timeout_ms,
                       GCancellable *cancellable,
                       GListStore   *gpus)
{
  g_autofree char *output = run_program (program, timeout_ms, cancellable);
  g_auto (GStrv) lines = NULL;

  if (output == NULL)
    return FALSE;

  lines = g_strsplit (output, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    add_line (lines[i], gpus);

  return TRUE;
}
