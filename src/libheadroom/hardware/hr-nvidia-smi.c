/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-gpu-detect-private.h"

#define MEBIBYTE (G_GUINT64_CONSTANT (1) << 20)

/* A line for a GPU has a hundred bytes. */
#define MAX_OUTPUT 65536

enum
{
  FIELD_NAME,
  FIELD_UUID,
  FIELD_DRIVER_VERSION,
  FIELD_TOTAL,
  FIELD_FREE,
  N_FIELDS,
};

enum
{
  PROCESS_FIELD_UUID,
  PROCESS_FIELD_PID,
  PROCESS_FIELD_USED,
  PROCESS_FIELD_NAME,
  N_PROCESS_FIELDS,
};

/* A program that is running: it is over once it has exited, and has written all or was stopped. */
typedef struct
{
  GSubprocess *process;
  GCancellable *cancellable;
  GString *output;
  gboolean written;
  gboolean stopped;
  gboolean exited;
  gboolean successful;
} Run;

static void
stop (Run *self)
{
  self->stopped = TRUE;
  g_subprocess_force_exit (self->process);
}

static gboolean
timeout_cb (gpointer user_data)
{
  stop (user_data);

  return G_SOURCE_REMOVE;
}

static gboolean
readable_cb (GObject  *stream,
             gpointer  user_data)
{
  Run *self = user_data;
  char buffer[4096];
  gssize n_read = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (stream), buffer, sizeof buffer,
                                                            NULL, NULL);

  if (n_read > 0 && self->output->len < MAX_OUTPUT)
    {
      g_string_append_len (self->output, buffer, n_read);
      return G_SOURCE_CONTINUE;
    }

  if (n_read == 0)
    self->written = TRUE;
  else
    stop (self);

  return G_SOURCE_REMOVE;
}

static void
exited_cb (GObject      *object,
           GAsyncResult *result,
           gpointer      user_data)
{
  Run *self = user_data;

  self->successful = g_subprocess_wait_check_finish (G_SUBPROCESS (object), result, NULL);
  self->exited = TRUE;
}

/* In whatever thread it is cancelled. */
static void
cancelled_cb (GCancellable *cancellable,
              gpointer      context)
{
  g_main_context_wakeup (context);
}

/*
 * The source of the output does not watch the cancellable: in GLib 2.74, who cancels while the source is taken away may
 * wait for ever for the lock of its context, which has gone.
 */
static void
wait_until_over (Run   *self,
                 guint  timeout_ms)
{
  GPollableInputStream *stream = G_POLLABLE_INPUT_STREAM (g_subprocess_get_stdout_pipe (self->process));
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) timeout = g_timeout_source_new (timeout_ms);
  g_autoptr (GSource) readable = g_pollable_input_stream_create_source (stream, NULL);
  gulong cancelled = 0;

  g_main_context_push_thread_default (context);

  g_source_set_callback (timeout, timeout_cb, self, NULL);
  g_source_attach (timeout, context);
  g_source_set_callback (readable, G_SOURCE_FUNC (readable_cb), self, NULL);
  g_source_attach (readable, context);
  g_subprocess_wait_check_async (self->process, NULL, exited_cb, self);

  if (self->cancellable != NULL)
    cancelled = g_cancellable_connect (self->cancellable, G_CALLBACK (cancelled_cb), context, NULL);

  while (!self->exited || (!self->written && !self->stopped))
    {
      g_main_context_iteration (context, TRUE);
      if (!self->stopped && g_cancellable_is_cancelled (self->cancellable))
        stop (self);
    }

  g_cancellable_disconnect (self->cancellable, cancelled);
  g_source_destroy (readable);
  g_source_destroy (timeout);
  g_main_context_pop_thread_default (context);
}

/* What @program prints, or %NULL if it is not there, fails, or takes too long. */
static char *
run_program (const char   *program,
             const char   *query,
             guint         timeout_ms,
             GCancellable *cancellable)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GString) output = g_string_new (NULL);
  Run run = { .cancellable = cancellable, .output = output };

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, program, query,
                              "--format=csv,noheader,nounits", NULL);
  if (process == NULL)
    return NULL;

  run.process = process;
  wait_until_over (&run, timeout_ms);

  if (!run.written || !run.successful || !g_utf8_validate (output->str, output->len, NULL))
    return NULL;

  return g_string_free (g_steal_pointer (&output), FALSE);
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
  g_autofree char *output = run_program (program, "--query-gpu=name,uuid,driver_version,memory.total,memory.free",
                                         timeout_ms, cancellable);
  g_auto (GStrv) lines = NULL;

  if (output == NULL)
    return FALSE;

  lines = g_strsplit (output, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    add_line (lines[i], gpus);

  return TRUE;
}

/* The name of a program may have commas of its own, and comes last. */
static void
add_process (const char *line,
             HrGpuUsage *usage)
{
  g_auto (GStrv) fields = g_strsplit (line, ",", N_PROCESS_FIELDS);
  guint64 pid, bytes = 0;

  if (g_strv_length (fields) != N_PROCESS_FIELDS)
    return;

  for (guint i = 0; i < N_PROCESS_FIELDS; i++)
    g_strstrip (fields[i]);
  parse_mebibytes (fields[PROCESS_FIELD_USED], &bytes);
  if (g_str_equal (fields[PROCESS_FIELD_UUID], usage->uuid) &&
      g_ascii_string_to_unsigned (fields[PROCESS_FIELD_PID], 10, 0, G_MAXUINT32, &pid, NULL))
    _hr_gpu_usage_add_process (usage, pid, fields[PROCESS_FIELD_NAME], bytes);
}

/* It tells of programs that compute alone. */
gboolean
_hr_nvidia_smi_add_processes (const char   *program,
                              guint         timeout_ms,
                              GCancellable *cancellable,
                              HrGpuUsage   *usage)
{
  g_autofree char *output = run_program (program, "--query-compute-apps=gpu_uuid,pid,used_memory,name", timeout_ms,
                                         cancellable);
  g_auto (GStrv) lines = NULL;

  if (output == NULL)
    return FALSE;

  lines = g_strsplit (output, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    add_process (lines[i], usage);

  return TRUE;
}
