/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-workers.h"

/*
 * Estimates that do not depend on each other, spread over the cores of the machine. Who asks for them works as well,
 * and goes on when all are there, so that nothing runs behind anybody's back.
 */

/* More than this many estimates at a time are seldom there to be made. */
#define MAX_WORKERS 16

typedef struct
{
  HrWorkFunc work;
  gpointer user_data;
  guint n;
  guint next;           /* atomic: the first piece that nobody has taken */
  guint n_helpers;      /* threads that may still work on it, guarded by @mutex */
  GMutex mutex;
  GCond is_over;
} Batch;

static void
work_on (Batch *batch)
{
  guint index;

  while ((index = (guint) g_atomic_int_add (&batch->next, 1)) < batch->n)
    batch->work (index, batch->user_data);
}

static void
help (gpointer data,
      gpointer user_data G_GNUC_UNUSED)
{
  Batch *batch = data;

  work_on (batch);
  g_mutex_lock (&batch->mutex);
  if (--batch->n_helpers == 0)
    g_cond_signal (&batch->is_over);
  g_mutex_unlock (&batch->mutex);
}

/* Its threads are those that GLib shares among all pools; a limit could let work wait for work that waits for it. */
static GThreadPool *
get_pool (void)
{
  static gsize pool;

  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool, (gsize) g_thread_pool_new (help, NULL, -1, FALSE, NULL));

  return (GThreadPool *) pool;
}

/*
 * hr_workers_get_n:
 *
 * Gets how many pieces of work are done at a time.
 *
 * Returns: the number, at least 1
 */
guint
hr_workers_get_n (void)
{
  return CLAMP (g_get_num_processors (), 1, MAX_WORKERS);
}

/*
 * hr_workers_run:
 * @n: how many pieces of work there are
 * @work: does one
 * @user_data: what to hand to it
 *
 * Does all pieces of work, in several threads if there are several cores, and returns when the last is done.
 */
void
hr_workers_run (guint      n,
                HrWorkFunc work,
                gpointer   user_data)
{
  Batch batch = { .work = work, .user_data = user_data, .n = n };
  guint n_helpers = MIN (n, hr_workers_get_n ());

  g_return_if_fail (work != NULL);

  if (n_helpers <= 1)
    {
      work_on (&batch);
      return;
    }

  g_mutex_init (&batch.mutex);
  g_cond_init (&batch.is_over);
  batch.n_helpers = n_helpers - 1;
  for (guint i = 1; i < n_helpers; i++)
    g_thread_pool_push (get_pool (), &batch, NULL);
  work_on (&batch);

  g_mutex_lock (&batch.mutex);
  while (batch.n_helpers > 0)
    g_cond_wait (&batch.is_over, &batch.mutex);
  g_mutex_unlock (&batch.mutex);
  g_cond_clear (&batch.is_over);
  g_mutex_clear (&batch.mutex);
}
