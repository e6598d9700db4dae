/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-sweep-values.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "hr-error.h"
#include "hr-inference-job.h"
#include "hr-labels.h"
#include "hr-layout.h"
#include "hr-multimodal-job.h"
#include "hr-scenario.h"
#include "hr-units.h"

/* Where a model does not say how long it was made for. */
#define USUAL_LENGTH 131072

/* Numbers that take no memory, or none to speak of. */
static const char * const passed_over[] = { "lora-alpha", "lora-dropout", NULL };

/* The ranges that people look at; the longest sequences are those that the model is made for. */
static const struct
{
  const char *setting;
  HrSweepRange range;
  gboolean is_length;
} usual_ranges[] = {
  { HR_SWEEP_GPUS, { 1, 8, 1, FALSE }, FALSE },
  { "prompt-length", { 512, USUAL_LENGTH, 2, TRUE }, TRUE },
  { "output-length", { 512, USUAL_LENGTH, 2, TRUE }, TRUE },
  { "sequence-length", { 512, USUAL_LENGTH, 2, TRUE }, TRUE },
  { "completion-length", { 512, USUAL_LENGTH, 2, TRUE }, TRUE },
  { "text-tokens", { 128, USUAL_LENGTH, 2, TRUE }, TRUE },
  { "batch-size", { 1, 256, 2, TRUE }, FALSE },
  { "micro-batch-size", { 1, 64, 2, TRUE }, FALSE },
  { "beams", { 1, 16, 1, FALSE }, FALSE },
  { "lora-rank", { 4, 512, 2, TRUE }, FALSE },
  { "virtual-tokens", { 8, 512, 2, TRUE }, FALSE },
  { "num-generations", { 2, 64, 2, TRUE }, FALSE },
  { "images", { 0, 16, 1, FALSE }, FALSE },
  { "image-width", { 256, 4096, 256, FALSE }, FALSE },
  { "image-height", { 256, 4096, 256, FALSE }, FALSE },
  { "audio-seconds", { 0, 600, 30, FALSE }, FALSE },
  { "video-seconds", { 0, 120, 10, FALSE }, FALSE },
  { "video-fps", { 0.25, 8, 2, TRUE }, FALSE },
  { "gpu-memory-utilization", { 0.1, 0.9, 0.1, FALSE }, FALSE },
  { "cache-max-entry-count", { 0.1, 0.9, 0.1, FALSE }, FALSE },
  { "free-gpu-memory-fraction", { 0.1, 0.9, 0.1, FALSE }, FALSE },
  { "mem-fraction-static", { 0.5, 0.95, 0.05, FALSE }, FALSE },
  { "data-parallel", { 1, 64, 2, TRUE }, FALSE },
  { "tensor-parallel", { 1, 8, 2, TRUE }, FALSE },
  { "pipeline-parallel", { 1, 16, 2, TRUE }, FALSE },
  { "zero-stage", { 0, 3, 1, FALSE }, FALSE },
};

/* How a job of training is divided among GPUs, and the least value that divides it. */
static const struct
{
  const char *setting;
  guint64 least;
} divisions[] = {
  { "data-parallel", 2 },
  { "tensor-parallel", 2 },
  { "pipeline-parallel", 2 },
  { "context-parallel", 2 },
  { "expert-parallel", 2 },
  { "zero-stage", 1 },
};

static GParamSpec *
find_setting (HrJob      *job,
              const char *setting)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      if (g_str_equal (settings[i]->name, setting))
        return settings[i];
    }

  return NULL;
}

static gboolean
is_number (GParamSpec *setting)
{
  return G_IS_PARAM_SPEC_UINT64 (setting) || G_IS_PARAM_SPEC_DOUBLE (setting);
}

static void
get_limits (GParamSpec *setting,
            double     *minimum,
            double     *maximum)
{
  if (setting == NULL)
    {
      *minimum = 1;
      *maximum = HR_SCENARIO_MAX_GPUS;
    }
  else if (G_IS_PARAM_SPEC_UINT64 (setting))
    {
      *minimum = (double) G_PARAM_SPEC_UINT64 (setting)->minimum;
      *maximum = (double) G_PARAM_SPEC_UINT64 (setting)->maximum;
    }
  else
    {
      *minimum = G_PARAM_SPEC_DOUBLE (setting)->minimum;
      *maximum = G_PARAM_SPEC_DOUBLE (setting)->maximum;
    }
}

/* Whether what each GPU holds is known where a job is divided so. */
static gboolean
check_division (HrJob       *job,
                const char  *setting,
                guint64      value,
                guint        n_gpus,
                GError     **error)
{
  g_autoptr (HrJob) divided = hr_job_copy (job);
  HrLayout layout;

  if (setting != NULL)
    g_object_set (divided, setting, value, NULL);

  return hr_layout_init (&layout, HR_TRAINING_JOB (divided), n_gpus, error) &&
         hr_layout_check (&layout, HR_TRAINING_JOB (divided), error);
}

/* Layers are spread over several GPUs in inference; in training more GPUs are more copies, unless those are counted. */
static gboolean
check_gpus (HrJob   *job,
            GError **error)
{
  guint64 n_inner;

  if (!HR_IS_TRAINING_JOB (job))
    return TRUE;

  if (hr_job_get_data_parallel (job) != 0)
    {
      g_autofree char *found = g_strdup_printf ("%" G_GUINT64_FORMAT, hr_job_get_data_parallel (job));

      g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                   /* Translators: a number */
                   _("gpus: has no effect while data-parallel says how many copies there are; expected "
                     "data-parallel=0, which takes as many as the GPUs allow, found %s"), found);
      return FALSE;
    }

  n_inner = hr_job_get_tensor_parallel (job) * hr_job_get_pipeline_parallel (job) * hr_job_get_context_parallel (job);

  return check_division (job, NULL, 0, MIN (2 * n_inner, HR_SCENARIO_MAX_GPUS), error);
}

/* Whether a setting that divides a job says anything of a framework. */
static gboolean
check_setting (HrJob       *job,
               const char  *setting,
               GError     **error)
{
  for (guint i = 0; HR_IS_TRAINING_JOB (job) && i < G_N_ELEMENTS (divisions); i++)
    {
      if (g_str_equal (divisions[i].setting, setting))
        return check_division (job, setting, divisions[i].least, 1, error);
    }

  return TRUE;
}

/**
 * hr_sweep_list_settings: (skip)
 * @job: a job
 *
 * Lists what a sweep of a job can go over: the settings that are numbers and have an effect as the others are, the
 * usual ones first, and the number of GPUs.
 *
 * Returns: (transfer full): their names
 */
char **
hr_sweep_list_settings (HrJob *job)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  g_return_val_if_fail (HR_IS_JOB (job), NULL);

  settings = hr_job_list_settings (job, &n_settings);
  for (guint expert = 0; expert <= 1; expert++)
    {
      for (guint i = 0; i < n_settings; i++)
        {
          if (is_number (settings[i]) && hr_job_setting_is_expert (settings[i]) == (expert == 1) &&
              hr_job_uses_setting (job, settings[i], NULL) && !g_strv_contains (passed_over, settings[i]->name) &&
              check_setting (job, settings[i]->name, NULL))
            g_ptr_array_add (names, g_strdup (settings[i]->name));
        }
      if (expert == 0 && check_gpus (job, NULL))
        g_ptr_array_add (names, g_strdup (HR_SWEEP_GPUS));
    }
  g_ptr_array_add (names, NULL);

  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

static char *
join_settings (HrJob *job)
{
  g_auto (GStrv) names = hr_sweep_list_settings (job);

  return g_strjoinv (", ", names);
}

/**
 * hr_sweep_has_setting: (skip)
 * @job: a job
 * @setting: the name of a setting, or %HR_SWEEP_GPUS
 * @error: return location for an error
 *
 * Checks whether a sweep of a job can go over a setting: it has to be a number that has an effect.
 *
 * Returns: whether it can
 */
gboolean
hr_sweep_has_setting (HrJob       *job,
                      const char  *setting,
                      GError     **error)
{
  g_autofree char *names = NULL;
  g_autofree char *reason = NULL;
  GParamSpec *pspec;

  g_return_val_if_fail (HR_IS_JOB (job), FALSE);
  g_return_val_if_fail (setting != NULL, FALSE);

  if (g_str_equal (setting, HR_SWEEP_GPUS))
    return check_gpus (job, error);

  pspec = find_setting (job, setting);
  if (pspec == NULL || !is_number (pspec))
    {
      names = join_settings (job);
      g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME,
                   /* Translators: 1 what was given, 2 the names of settings, 3 the name of a mode */
                   _("“%1$s”: expected a setting that is a number; the mode “%3$s” has %2$s"), setting, names,
                   hr_mode_get_name (hr_job_get_mode (job)));
      return FALSE;
    }

  reason = hr_job_dup_unused_reason (job, pspec);
  if (reason != NULL)
    g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED, _("%1$s: %2$s"), setting, reason);

  return reason == NULL && check_setting (job, setting, error);
}

/**
 * hr_sweep_dup_setting_label: (skip)
 * @job: a job
 * @setting: the name of a setting, or %HR_SWEEP_GPUS
 *
 * Gets what a person calls a setting.
 *
 * Returns: (transfer full): its title in the user's language
 */
char *
hr_sweep_dup_setting_label (HrJob      *job,
                            const char *setting)
{
  GParamSpec *pspec;

  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (setting != NULL, NULL);

  if (g_str_equal (setting, HR_SWEEP_GPUS))
    return g_strdup (_("Number of GPUs"));

  pspec = find_setting (job, setting);

  return g_strdup (pspec != NULL ? hr_setting_get_label (pspec) : setting);
}

/**
 * hr_sweep_setting_is_whole: (skip)
 * @job: a job
 * @setting: the name of a setting, or %HR_SWEEP_GPUS
 *
 * Checks whether a setting has whole numbers alone.
 *
 * Returns: whether it has
 */
gboolean
hr_sweep_setting_is_whole (HrJob      *job,
                           const char *setting)
{
  GParamSpec *pspec;

  g_return_val_if_fail (HR_IS_JOB (job), TRUE);
  g_return_val_if_fail (setting != NULL, TRUE);

  pspec = find_setting (job, setting);

  return pspec == NULL || G_IS_PARAM_SPEC_UINT64 (pspec);
}

/* What a job has now; 1 for the number of GPUs. */
static double
get_value (HrJob      *job,
           GParamSpec *setting)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (setting == NULL)
    return 1;

  g_object_get_property (G_OBJECT (job), setting->name, &value);

  return G_VALUE_HOLDS_UINT64 (&value) ? (double) g_value_get_uint64 (&value) : g_value_get_double (&value);
}

/**
 * hr_sweep_range_init: (skip)
 * @self: (out caller-allocates): a range
 * @job: a job
 * @model: (nullable): the model that it is for
 * @setting: the name of a setting, or %HR_SWEEP_GPUS
 *
 * Finds the range that people look at: powers of two of lengths and sizes of batches, as long as the model is made for
 * and as far as the job goes already; of other settings, from an eighth to eight times what the job has.
 */
void
hr_sweep_range_init (HrSweepRange *self,
                     HrJob        *job,
                     HrModel      *model,
                     const char   *setting)
{
  GParamSpec *pspec;
  double minimum, maximum, value;
  guint64 longest = 0;

  g_return_if_fail (self != NULL);
  g_return_if_fail (HR_IS_JOB (job));
  g_return_if_fail (setting != NULL);

  pspec = find_setting (job, setting);
  get_limits (pspec, &minimum, &maximum);
  value = get_value (job, pspec);

  *self = (HrSweepRange) { MAX (floor (MAX (value, 1) / 8), 1), MAX (value, 1) * 8, 2, TRUE };
  for (guint i = 0; i < G_N_ELEMENTS (usual_ranges); i++)
    {
      if (!g_str_equal (usual_ranges[i].setting, setting))
        continue;

      *self = usual_ranges[i].range;
      if (usual_ranges[i].is_length && model != NULL &&
          hr_model_get_hyper_parameter (model, "max_position_embeddings", &longest) && longest >= 2 * self->from)
        self->to = MIN (self->to, (double) longest);
      while (self->to < value && self->to * 2 <= maximum)
        self->to *= 2;
    }

  self->from = CLAMP (self->from, minimum, maximum);
  self->to = CLAMP (self->to, self->from, maximum);
}

/* How many values there are, as a number that may be large. */
static double
count_values (const HrSweepRange *self)
{
  if (self->is_geometric)
    return floor (log (self->to / self->from) / log (self->step) + 1e-9) + 1;

  return floor ((self->to - self->from) / self->step + 1e-9) + 1;
}

/**
 * hr_sweep_range_check: (skip)
 * @self: a range
 * @job: a job
 * @setting: the name of one of its settings, or %HR_SWEEP_GPUS
 * @error: return location for an error
 *
 * Checks that a range has values that the setting can have, in order, and not too many of them.
 *
 * Returns: whether it has
 */
gboolean
hr_sweep_range_check (const HrSweepRange  *self,
                      HrJob               *job,
                      const char          *setting,
                      GError             **error)
{
  double minimum, maximum;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (HR_IS_JOB (job), FALSE);
  g_return_val_if_fail (setting != NULL, FALSE);

  get_limits (find_setting (job, setting), &minimum, &maximum);
  if (!(self->from >= minimum && self->to <= maximum && self->from <= self->to))
    {
      g_autofree char *least = hr_sweep_format_value (minimum);
      g_autofree char *most = hr_sweep_format_value (maximum);
      g_autofree char *from = hr_sweep_format_value (self->from);
      g_autofree char *to = hr_sweep_format_value (self->to);

      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   /* Translators: 1 a setting, 2 and 3 the ends of its range, 4 and 5 those that were given */
                   _("“%1$s”: expected values from %2$s to %3$s, in order; found %4$s to %5$s"), setting, least, most,
                   from, to);
      return FALSE;
    }

  if (self->is_geometric ? !(self->step > 1 && self->from > 0) : !(self->step > 0))
    {
      g_autofree char *step = hr_sweep_format_value (self->step);

      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   self->is_geometric
                     ? _("“%s”: expected a factor above 1, and values above 0 to multiply; found %s")
                     : _("“%s”: expected a step above 0, found %s"),
                   setting, step);
      return FALSE;
    }

  if (count_values (self) > HR_SWEEP_MAX_VALUES)
    {
      g_autofree char *number = hr_sweep_format_value (count_values (self));

      g_set_error (error, HR_ERROR, HR_ERROR_TOO_LARGE, _("“%s”: expected at most %d values, found %s"), setting,
                   HR_SWEEP_MAX_VALUES, number);
      return FALSE;
    }

  return TRUE;
}

static void
append_value (GArray   *values,
              double    value,
              gboolean  is_whole)
{
  if (is_whole)
    value = round (value);
  if (values->len == 0 || g_array_index (values, double, values->len - 1) < value)
    g_array_append_val (values, value);
}

/**
 * hr_sweep_range_list: (skip)
 * @self: a range that has been checked
 * @is_whole: whether values are whole numbers
 *
 * Lists the values of a range, both ends included.
 *
 * Returns: (transfer full) (element-type double): the values, in order
 */
GArray *
hr_sweep_range_list (const HrSweepRange *self,
                     gboolean            is_whole)
{
  GArray *values = g_array_new (FALSE, FALSE, sizeof (double));
  guint n_values;

  g_return_val_if_fail (self != NULL, values);

  n_values = (guint) CLAMP (count_values (self), 1, HR_SWEEP_MAX_VALUES);
  for (guint i = 0; i < n_values; i++)
    append_value (values, self->is_geometric ? self->from * pow (self->step, i) : self->from + i * self->step,
                  is_whole);

  /* The end of the range is looked at, even where it is no whole number of steps away. */
  if (n_values < HR_SWEEP_MAX_VALUES && self->to - g_array_index (values, double, values->len - 1) > self->to * 1e-9)
    append_value (values, self->to, is_whole);

  return values;
}

static gboolean
parse_number (const char *text,
              double     *number)
{
  char *end;

  if (*text == '\0' || strspn (text, "0123456789.") != strlen (text))
    return FALSE;

  *number = g_ascii_strtod (text, &end);

  return *end == '\0';
}

/* A range without a step has few values: powers of two of the first, or even steps where there is no room for these. */
static void
choose_step (HrSweepRange *range,
             gboolean      is_whole)
{
  range->is_geometric = range->from > 0 && range->to >= 8 * range->from;
  range->step = range->is_geometric ? 2 : (range->to - range->from) / 16;
  if (!range->is_geometric && is_whole)
    range->step = MAX (ceil (range->step), 1);
  if (range->step <= 0)
    range->step = 1;
}

static gboolean
parse_range (const char   *text,
             gboolean      is_whole,
             HrSweepRange *range)
{
  g_auto (GStrv) parts = g_strsplit (text, "..", 3);
  guint n_parts = g_strv_length (parts);

  if (n_parts < 2 || !parse_number (parts[0], &range->from) || !parse_number (parts[1], &range->to))
    return FALSE;

  if (n_parts == 2)
    {
      choose_step (range, is_whole);
      return TRUE;
    }

  range->is_geometric = *parts[2] == 'x';

  return parse_number (parts[2] + (range->is_geometric ? 1 : 0), &range->step);
}

/* Whether each is a value of the setting, and larger than the one before. */
static gboolean
parse_list (HrJob       *job,
            const char  *setting,
            const char  *text,
            GArray      *values,
            GError     **error)
{
  gboolean is_whole = hr_sweep_setting_is_whole (job, setting);
  g_auto (GStrv) parts = g_strsplit (*text != '\0' ? text : ",", ",", HR_SWEEP_MAX_VALUES + 1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      HrSweepRange single = { .step = 1 };

      if (!parse_number (parts[i], &single.from) || (is_whole && single.from != floor (single.from)) ||
          (values->len > 0 && g_array_index (values, double, values->len - 1) >= single.from))
        {
          g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                       _("“%s”: expected FROM..TO, FROM..TO..STEP, FROM..TO..xFACTOR or numbers in order with commas "
                         "between them, found “%s”"), setting, text);
          return FALSE;
        }
      single.to = single.from;
      if (!hr_sweep_range_check (&single, job, setting, error))
        return FALSE;
      g_array_append_val (values, single.from);
    }

  return TRUE;
}

/**
 * hr_sweep_values_parse: (skip)
 * @job: a job
 * @setting: the name of one of its settings, or %HR_SWEEP_GPUS
 * @text: `FROM..TO`, `FROM..TO..STEP`, `FROM..TO..xFACTOR`, or numbers with commas between them
 * @error: return location for an error
 *
 * Reads the values of a sweep.
 *
 * Returns: (transfer full) (element-type double): the values, in order, or %NULL with @error set
 */
GArray *
hr_sweep_values_parse (HrJob       *job,
                       const char  *setting,
                       const char  *text,
                       GError     **error)
{
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (double));
  HrSweepRange range;

  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (setting != NULL && text != NULL, NULL);

  if (parse_range (text, hr_sweep_setting_is_whole (job, setting), &range))
    return hr_sweep_range_check (&range, job, setting, error)
           ? hr_sweep_range_list (&range, hr_sweep_setting_is_whole (job, setting)) : NULL;

  return parse_list (job, setting, text, values, error) ? g_steal_pointer (&values) : NULL;
}

/**
 * hr_sweep_format_value: (skip)
 * @value: a value of a setting
 *
 * Writes a value as it stands on the command line.
 *
 * Returns: (transfer full): the text
 */
char *
hr_sweep_format_value (double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup (g_ascii_formatd (text, sizeof text, "%.15g", value));
}
