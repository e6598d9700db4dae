/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-published-speeds.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <math.h>

#include "hr-gpu-catalogue.h"
#include "hr-job-enums.h"
#include "hr-roofline.h"

/*
 * Speeds that others have published (data/speeds/published.json), beside what the roofline says of the same jobs. The
 * efficiencies of the roofline were read off these very rows, so that how near they come is a fit. What is said of a
 * source with the efficiencies that all others have is not: no row of it was looked at.
 */

#define SPEEDS_PATH "/io/github/headroom/Headroom/data/speeds/published.json"

/* What a test works out from the rows, in percent. */
static const HrSpeedErrors stated_errors = {
  .n_fitted = 138, .median = 9, .worst = 38, .n_held_out = 76, .held_out_median = 22, .held_out_worst = 54,
};

/* Where the bytes of a token take milliseconds, the rest says how near to the bandwidth a program comes. */
#define LARGE_SECONDS 0.005

/* The efficiencies of the bandwidth and of waiting are read off each other's rows in turns. */
#define N_TURNS 8

/*
 * Shares of what a data sheet says, and seconds for each layer and each kernel; 0 where there is no row to read it off.
 * Of two, the second is that of training.
 */
typedef struct
{
  double compute[2];
  double products[2];
  double launch[2];
  double memory;
  double latency;
} Fit;

static void
speed_free (gpointer data)
{
  HrPublishedSpeed *self = data;

  g_free (self->id);
  g_free (self->engine);
  g_free (self->source);
  g_free (self);
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double first = *(const double *) a, second = *(const double *) b;

  return (first > second) - (first < second);
}

static double
get_median (GArray *values)
{
  if (values->len == 0)
    return 0;

  g_array_sort (values, compare_doubles);

  return g_array_index (values, double, values->len / 2);
}

static HrJob *
create_job (JsonObject  *row,
            GError     **error)
{
  g_autoptr (GEnumClass) modes = g_type_class_ref (HR_TYPE_MODE);
  const GEnumValue *mode = g_enum_get_value_by_nick (modes, json_object_get_string_member (row, "mode"));
  g_autoptr (HrJob) job = hr_job_new (mode->value);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init (&iter, json_object_get_object_member (row, "settings"));
  while (json_object_iter_next (&iter, &name, &value))
    {
      g_autofree char *text = json_to_string (value, FALSE);

      g_strdelimit (text, "\"", ' ');
      if (!hr_job_set_from_string (job, name, g_strstrip (text), error))
        return NULL;
    }

  return g_steal_pointer (&job);
}

static HrModel *
load_model (JsonObject  *row,
            GError     **error)
{
  const char *name = json_object_get_string_member (row, "model");
  g_autofree char *config = NULL;

  if (!json_object_has_member (row, "config"))
    return hr_model_new_from_id (name, error);

  config = json_to_string (json_object_get_member (row, "config"), FALSE);

  return hr_model_new_from_data (config, -1, name, error);
}

static HrComputePhaseId
get_phase_id (JsonObject *row)
{
  const char *what = json_object_get_string_member (row, "what");

  if (g_str_equal (what, "training"))
    return HR_COMPUTE_PHASE_TRAINING_STEP;

  return g_str_equal (what, "prefill") ? HR_COMPUTE_PHASE_PREFILL : HR_COMPUTE_PHASE_DECODE;
}

/* Loops over transformers' own code, of which nothing fuses the kernels. */
static const char * const eager_engines[] = { "transformers", "PyTorch", NULL };

static HrPublishedSpeed *
run_row (JsonObject  *row,
         GError     **error)
{
  g_autoptr (HrModel) model = load_model (row, error);
  g_autoptr (HrJob) job = model != NULL ? create_job (row, error) : NULL;
  g_autoptr (HrGpu) gpu = NULL;
  g_autoptr (HrCompute) compute = NULL;
  const HrComputePhase *phase;
  const HrComputeTime *time;
  HrPublishedSpeed *self;

  if (job != NULL)
    gpu = hr_gpu_catalogue_lookup (json_object_get_string_member (row, "gpu"), error);
  if (gpu != NULL)
    compute = hr_compute_new (model, job, gpu, 1, error);
  if (compute == NULL)
    return NULL;

  phase = hr_compute_find_phase (compute, get_phase_id (row));
  self = g_new0 (HrPublishedSpeed, 1);
  self->id = g_strdup (json_object_get_string_member (row, "id"));
  self->engine = g_strdup (json_object_get_string_member (row, "engine"));
  self->source = g_strdup (json_object_get_string_member (row, "source"));
  self->n_parameters = hr_model_get_n_parameters (model);
  self->trains = hr_compute_phase_id_trains (phase->id);
  self->is_eager = g_strv_contains (eager_engines, self->engine);
  time = self->is_eager ? &phase->time : &phase->fused;
  self->bound = time->bound;
  self->compute = time->compute;
  self->memory = time->memory;
  self->streaming = time->streaming;
  self->n_kernels = phase->n_kernels;
  self->n_layers = self->trains ? 0 : phase->n_layers;
  self->tokens = phase->tokens;
  self->measured = json_object_get_double_member (row, "tokens-per-second");

  return self;
}

static double
get_seconds (const HrPublishedSpeed *self)
{
  return self->tokens / self->measured;
}

/* What the processor does not make wait for it. */
static double
predict_eager (const HrPublishedSpeed *self,
               const Fit              *fit)
{
  return MAX (self->compute / fit->products[self->trains], (self->memory - self->streaming) / fit->memory) +
         self->streaming / fit->memory;
}

/* How long it takes with such efficiencies, or 0 where one of those that it needs is not known. */
static double
predict (const HrPublishedSpeed *self,
         const Fit              *fit)
{
  double launch = self->n_kernels * fit->launch[self->trains];

  if (fit->memory == 0)
    return 0;
  if (self->is_eager)
    return fit->products[self->trains] == 0 || launch == 0 ? 0 : MAX (predict_eager (self, fit), launch);
  if (fit->compute[self->trains] == 0)
    return 0;

  return MAX (self->compute / fit->compute[self->trains], self->memory / fit->memory) + self->n_layers * fit->latency;
}

static Fit
get_stated (void)
{
  Fit fit = {
    .memory = hr_roofline_get_efficiency (HR_BOUND_MEMORY, FALSE)->typical,
    .latency = hr_roofline_get_latency ()->typical,
  };

  for (guint trains = 0; trains < 2; trains++)
    {
      fit.compute[trains] = hr_roofline_get_efficiency (HR_BOUND_COMPUTE, trains)->typical;
      fit.products[trains] = hr_roofline_get_products (trains)->typical;
      fit.launch[trains] = hr_roofline_get_launch (trains);
    }

  return fit;
}

/**
 * hr_published_speed_waits: (skip)
 * @self: a speed
 *
 * Whether the processor, which starts the kernels, decides how long it takes: the GPU is done with them sooner, however
 * little of its peak the products reach.
 *
 * Returns: whether it does
 */
gboolean
hr_published_speed_waits (const HrPublishedSpeed *self)
{
  Fit fit = get_stated ();

  return self->is_eager && predict_eager (self, &fit) < self->n_kernels * fit.launch[self->trains];
}

/**
 * hr_published_speed_get_share: (skip)
 * @self: a speed that the processor does not decide
 *
 * Gets which share of the peak was reached: where each operator is a kernel of its own, by the products, without the
 * time of what is done between them.
 *
 * Returns: the share
 */
double
hr_published_speed_get_share (const HrPublishedSpeed *self)
{
  double streaming = self->streaming / hr_roofline_get_efficiency (HR_BOUND_MEMORY, FALSE)->typical;

  return MAX (self->compute, self->memory - self->streaming) / (get_seconds (self) - streaming);
}

/* What rows say of each figure of a fit. */
typedef struct
{
  GArray *compute[2];
  GArray *products[2];
  GArray *launch[2];
  GArray *memory;
  GArray *latency;
} Readings;

static GArray *
create_values (void)
{
  return g_array_new (FALSE, FALSE, sizeof (double));
}

static void
readings_init (Readings *self)
{
  for (guint i = 0; i < 2; i++)
    {
      self->compute[i] = create_values ();
      self->products[i] = create_values ();
      self->launch[i] = create_values ();
    }
  self->memory = create_values ();
  self->latency = create_values ();
}

static void
readings_clear (Readings *self)
{
  for (guint i = 0; i < 2; i++)
    {
      g_array_unref (self->compute[i]);
      g_array_unref (self->products[i]);
      g_array_unref (self->launch[i]);
    }
  g_array_unref (self->memory);
  g_array_unref (self->latency);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Readings, readings_clear)

static void
readings_add (Readings               *self,
              const HrPublishedSpeed *speed,
              const Fit              *fit)
{
  double seconds = get_seconds (speed);
  GArray *values;
  double value;

  if (hr_published_speed_waits (speed))
    {
      values = self->launch[speed->trains];
      value = seconds / speed->n_kernels;
    }
  else if (speed->is_eager || speed->bound == HR_BOUND_COMPUTE)
    {
      values = speed->is_eager ? self->products[speed->trains] : self->compute[speed->trains];
      value = hr_published_speed_get_share (speed);
    }
  else if (speed->memory >= LARGE_SECONDS)
    {
      values = self->memory;
      value = MIN (speed->memory / (seconds - speed->n_layers * fit->latency), 1);
    }
  else
    {
      values = self->latency;
      value = MAX (seconds - speed->memory / (fit->memory > 0 ? fit->memory : 1), 0) / speed->n_layers;
    }
  g_array_append_val (values, value);
}

/* Medians over the rows of all sources but one, by the rules that the stated efficiencies were found by. */
static void
read_off (GPtrArray  *speeds,
          const char *without,
          Fit        *fit)
{
  g_auto (Readings) readings = { 0 };

  readings_init (&readings);
  for (guint i = 0; i < speeds->len; i++)
    {
      const HrPublishedSpeed *speed = g_ptr_array_index (speeds, i);

      if (!g_str_equal (speed->source, without))
        readings_add (&readings, speed, fit);
    }

  fit->memory = get_median (readings.memory);
  fit->latency = get_median (readings.latency);
  for (guint i = 0; i < 2; i++)
    {
      fit->compute[i] = get_median (readings.compute[i]);
      fit->products[i] = get_median (readings.products[i]);
      fit->launch[i] = get_median (readings.launch[i]);
    }
}

static void
hold_out (GPtrArray        *speeds,
          HrPublishedSpeed *speed)
{
  Fit fit = { .memory = 1 };
  double seconds;

  for (guint turn = 0; turn < N_TURNS; turn++)
    read_off (speeds, speed->source, &fit);

  seconds = predict (speed, &fit);
  speed->held_out = seconds > 0 ? speed->tokens / seconds : 0;
}

/**
 * hr_published_speeds_list: (skip)
 * @error: return location for an error
 *
 * Lists published speeds beside what is estimated of the same jobs.
 *
 * Returns: (transfer full) (element-type HrPublishedSpeed): these, or %NULL with @error set
 */
GPtrArray *
hr_published_speeds_list (GError **error)
{
  g_autoptr (GPtrArray) speeds = g_ptr_array_new_with_free_func (speed_free);
  g_autoptr (GBytes) bytes = g_resources_lookup_data (SPEEDS_PATH, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  g_autoptr (JsonParser) parser = json_parser_new ();
  Fit stated = get_stated ();
  JsonArray *cases;
  gsize size;
  const char *text;

  if (bytes == NULL)
    return NULL;

  text = g_bytes_get_data (bytes, &size);
  if (!json_parser_load_from_data (parser, text, size, error))
    return NULL;

  cases = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "cases");
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      HrPublishedSpeed *speed = run_row (json_array_get_object_element (cases, i), error);

      if (speed == NULL)
        return NULL;

      speed->estimated = speed->tokens / predict (speed, &stated);
      g_ptr_array_add (speeds, speed);
    }

  for (guint i = 0; i < speeds->len; i++)
    hold_out (speeds, g_ptr_array_index (speeds, i));

  return g_steal_pointer (&speeds);
}

/**
 * hr_published_speeds_get_errors: (skip)
 * @speeds: (element-type HrPublishedSpeed): published speeds
 * @held_out: whether efficiencies are those of all other sources
 * @n_speeds: (out): how many there are an estimate of
 * @median: (out): the median of how far these are off, in percent
 * @worst: (out): the largest of that
 *
 * Says how far estimates are off.
 */
void
hr_published_speeds_get_errors (GPtrArray *speeds,
                                gboolean   held_out,
                                guint     *n_speeds,
                                double    *median,
                                double    *worst)
{
  g_autoptr (GArray) errors = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < speeds->len; i++)
    {
      const HrPublishedSpeed *speed = g_ptr_array_index (speeds, i);
      double estimated = held_out ? speed->held_out : speed->estimated;
      double off = 100 * fabs (estimated / speed->measured - 1);

      if (estimated > 0)
        g_array_append_val (errors, off);
    }

  *n_speeds = errors->len;
  *median = get_median (errors);
  *worst = errors->len > 0 ? g_array_index (errors, double, errors->len - 1) : 0;
}

/**
 * hr_published_speeds_get_stated: (skip)
 *
 * Gets what is said of the errors wherever a time is shown, for which there is no time to work them out.
 *
 * Returns: (transfer none): the figures
 */
const HrSpeedErrors *
hr_published_speeds_get_stated (void)
{
  return &stated_errors;
}

/**
 * hr_published_speeds_dup_summary: (skip)
 *
 * Says in a few sentences how far estimates are off, and what that is worth.
 *
 * Returns: (transfer full): the text
 */
char *
hr_published_speeds_dup_summary (void)
{
  const HrSpeedErrors *errors = &stated_errors;

  /* Translators: 1 and 4 numbers of measurements, 2, 3, 5 and 6 percentages */
  return g_strdup_printf (_("Of %1$u speeds, published by others or measured for Headroom on an H100, the estimate is "
                            "off by %2$u %% in the median, by %3$u %% at worst; but the efficiencies were read off "
                            "the same measurements. With those that all other sources have, which can be done for "
                            "%4$u of them, it is off by %5$u %% and %6$u %%: so far may a time be off for a program "
                            "that is not among them. “headroom-cli list speeds” lists every one."),
                          errors->n_fitted, errors->median, errors->worst, errors->n_held_out,
                          errors->held_out_median, errors->held_out_worst);
}
