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
  .n_fitted = 76, .median = 10, .worst = 38, .n_held_out = 72, .held_out_median = 23, .held_out_worst = 54,
};

/* Where the bytes of a token take milliseconds, the rest says how near to the bandwidth a program comes. */
#define LARGE_SECONDS 0.005

/* The efficiencies of the bandwidth and of waiting are read off each other's rows in turns. */
#define N_TURNS 8

/* Shares of what a data sheet says, and seconds for each layer; 0 where there is no row to read it off. */
typedef struct
{
  double training;
  double prompts;
  double memory;
  double latency;
  double launch;
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

static HrPublishedSpeed *
run_row (JsonObject  *row,
         GError     **error)
{
  g_autoptr (HrModel) model = load_model (row, error);
  g_autoptr (HrJob) job = model != NULL ? create_job (row, error) : NULL;
  g_autoptr (HrGpu) gpu = NULL;
  g_autoptr (HrCompute) compute = NULL;
  const HrComputePhase *phase;
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
  self->is_eager = g_str_equal (self->engine, "transformers");
  self->bound = phase->time.bound;
  self->compute = phase->time.compute;
  self->memory = phase->time.memory;
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

/* How long it takes with such efficiencies, or 0 where one of those that it needs is not known. */
static double
predict (const HrPublishedSpeed *self,
         const Fit              *fit)
{
  double compute = self->trains ? fit->training : fit->prompts;
  double seconds;

  if (self->is_eager && fit->launch == 0)
    return 0;
  if (compute == 0 || fit->memory == 0)
    return 0;

  seconds = MAX (self->compute / compute, self->memory / fit->memory) + self->n_layers * fit->latency;

  return self->is_eager ? MAX (seconds, self->n_layers * fit->launch) : seconds;
}

static Fit
get_stated (void)
{
  return (Fit) {
    .training = hr_roofline_get_efficiency (HR_BOUND_COMPUTE, TRUE)->typical,
    .prompts = hr_roofline_get_efficiency (HR_BOUND_COMPUTE, FALSE)->typical,
    .memory = hr_roofline_get_efficiency (HR_BOUND_MEMORY, FALSE)->typical,
    .latency = hr_roofline_get_latency ()->typical,
    .launch = hr_roofline_get_launch (),
  };
}

/* Medians over the rows of all sources but one, by the rules that the stated efficiencies were found by. */
static void
read_off (GPtrArray  *speeds,
          const char *without,
          Fit        *fit)
{
  g_autoptr (GArray) training = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) prompts = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) memory = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) latency = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) launch = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < speeds->len; i++)
    {
      const HrPublishedSpeed *speed = g_ptr_array_index (speeds, i);
      double seconds = get_seconds (speed);
      double value;

      if (g_str_equal (speed->source, without))
        continue;

      if (speed->is_eager)
        {
          value = seconds / speed->n_layers;
          g_array_append_val (launch, value);
        }
      else if (speed->bound == HR_BOUND_COMPUTE)
        {
          value = MAX (speed->compute, speed->memory) / seconds;
          g_array_append_val (speed->trains ? training : prompts, value);
        }
      else if (speed->memory >= LARGE_SECONDS)
        {
          value = MIN (speed->memory / (seconds - speed->n_layers * fit->latency), 1);
          g_array_append_val (memory, value);
        }
      else
        {
          value = MAX (seconds - speed->memory / (fit->memory > 0 ? fit->memory : 1), 0) / speed->n_layers;
          g_array_append_val (latency, value);
        }
    }

  *fit = (Fit) { get_median (training), get_median (prompts), get_median (memory), get_median (latency),
                 get_median (launch) };
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
  return g_strdup_printf (_("Of %1$u published speeds the estimate is off by %2$u %% in the median, by %3$u %% at "
                            "worst; but the efficiencies were read off the same measurements. With those that all "
                            "other sources have, which can be done for %4$u of them, it is off by %5$u %% and %6$u %%: "
                            "so far may a time be off for a program that is not among them. “headroom-cli list "
                            "speeds” lists every one."),
                          errors->n_fitted, errors->median, errors->worst, errors->n_held_out,
                          errors->held_out_median, errors->held_out_worst);
}
