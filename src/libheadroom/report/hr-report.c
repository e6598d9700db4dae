/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-report-private.h"

#include <glib/gi18n-lib.h>

#include "hr-advice.h"
#include "hr-capacity.h"
#include "hr-format-choice.h"
#include "hr-gpu-choice.h"
#include "hr-largest.h"
#include "hr-base-enums.h"
#include "hr-fit.h"
#include "hr-inference-job.h"
#include "hr-job-context.h"
#include "hr-labels.h"

/* What should be left of a GPU's memory, as the help has it (guide:fits): a twentieth. */
#define LEAST_ROOM 20

/**
 * HrReport:
 *
 * An estimate put into words: as text, JSON, CSV, Markdown or HTML, in the user's language.
 *
 * A report says what was asked, what came out, how each figure comes about and what was assumed, and which version of
 * Headroom said so and when. It does not change.
 */
struct _HrReport
{
  GObject parent_instance;

  HrEstimate *estimate;
  HrJob *job;
  HrJob *asked_job;
  HrGpu *gpu;
  guint n_gpus;
  HrUnitSystem unit_system;
  guint64 measured_bytes;
  GDateTime *date;
  HrFit fit;
  HrCompute *compute;
  char *compute_reason;
  HrAnatomy *anatomy;
  HrScenario *scenario;
  HrLog *log;
  HrCalibration *calibration;
};

enum
{
  PROP_0,
  PROP_ESTIMATE,
  PROP_JOB,
  PROP_GPU,
  PROP_N_GPUS,
  PROP_UNIT_SYSTEM,
  PROP_MEASURED_BYTES,
  PROP_DATE,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HrReport, hr_report, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
hr_report_constructed (GObject *object)
{
  HrReport *self = HR_REPORT (object);
  HrJob *job;

  G_OBJECT_CLASS (hr_report_parent_class)->constructed (object);

  /* A copy, so that the report does not change when the job does; and resolved, so that it says what "auto" came to. */
  job = hr_job_resolve (self->job, hr_estimate_get_model (self->estimate));
  self->asked_job = hr_job_copy (self->job);
  g_object_unref (self->job);
  self->job = job;

  if (self->date == NULL)
    self->date = g_date_time_new_now_local ();

  if (self->gpu != NULL)
    hr_estimate_compare_with_gpu (self->estimate, self->gpu, self->n_gpus, &self->fit);
}

static void
hr_report_finalize (GObject *object)
{
  HrReport *self = HR_REPORT (object);

  g_clear_object (&self->estimate);
  g_clear_object (&self->job);
  g_clear_object (&self->asked_job);
  g_clear_object (&self->gpu);
  g_clear_object (&self->scenario);
  g_clear_object (&self->log);
  g_clear_object (&self->calibration);
  g_clear_pointer (&self->date, g_date_time_unref);
  g_clear_pointer (&self->compute, hr_compute_free);
  g_free (self->compute_reason);
  g_clear_object (&self->anatomy);

  G_OBJECT_CLASS (hr_report_parent_class)->finalize (object);
}

static void
hr_report_get_property (GObject    *object,
                        guint       prop_id,
                        GValue     *value,
                        GParamSpec *pspec)
{
  HrReport *self = HR_REPORT (object);

  switch (prop_id)
    {
    case PROP_ESTIMATE:
      g_value_set_object (value, self->estimate);
      break;

    case PROP_JOB:
      g_value_set_object (value, self->job);
      break;

    case PROP_GPU:
      g_value_set_object (value, self->gpu);
      break;

    case PROP_N_GPUS:
      g_value_set_uint (value, self->n_gpus);
      break;

    case PROP_UNIT_SYSTEM:
      g_value_set_enum (value, self->unit_system);
      break;

    case PROP_MEASURED_BYTES:
      g_value_set_uint64 (value, self->measured_bytes);
      break;

    case PROP_DATE:
      g_value_set_boxed (value, self->date);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_report_set_property (GObject      *object,
                        guint         prop_id,
                        const GValue *value,
                        GParamSpec   *pspec)
{
  HrReport *self = HR_REPORT (object);

  switch (prop_id)
    {
    case PROP_ESTIMATE:
      self->estimate = g_value_dup_object (value);
      break;

    case PROP_JOB:
      self->job = g_value_dup_object (value);
      break;

    case PROP_GPU:
      self->gpu = g_value_dup_object (value);
      break;

    case PROP_N_GPUS:
      self->n_gpus = g_value_get_uint (value);
      break;

    case PROP_UNIT_SYSTEM:
      self->unit_system = g_value_get_enum (value);
      break;

    case PROP_MEASURED_BYTES:
      self->measured_bytes = g_value_get_uint64 (value);
      break;

    case PROP_DATE:
      self->date = g_value_dup_boxed (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_report_class_init (HrReportClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = hr_report_constructed;
  object_class->finalize = hr_report_finalize;
  object_class->get_property = hr_report_get_property;
  object_class->set_property = hr_report_set_property;

  /**
   * HrReport:estimate:
   *
   * What is reported.
   */
  properties[PROP_ESTIMATE] =
    g_param_spec_object ("estimate", NULL, NULL,
                         HR_TYPE_ESTIMATE,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * HrReport:job:
   *
   * What was asked; read back, its "auto" settings are what they came to.
   */
  properties[PROP_JOB] =
    g_param_spec_object ("job", NULL, NULL,
                         HR_TYPE_JOB,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * HrReport:gpu:
   *
   * The GPU that the job shall fit on, or %NULL.
   */
  properties[PROP_GPU] =
    g_param_spec_object ("gpu", NULL, NULL,
                         HR_TYPE_GPU,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * HrReport:n-gpus:
   *
   * How many GPUs there are.
   */
  properties[PROP_N_GPUS] =
    g_param_spec_uint ("n-gpus", NULL, NULL,
                       1, G_MAXUINT, 1,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * HrReport:measured-bytes:
   *
   * What somebody has measured, to be set beside the estimate; 0 stands for nothing.
   */
  properties[PROP_MEASURED_BYTES] =
    g_param_spec_uint64 ("measured-bytes", NULL, NULL,
                         0, G_MAXUINT64, 0,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * HrReport:unit-system:
   *
   * The units that sizes are written in.
   */
  properties[PROP_UNIT_SYSTEM] =
    g_param_spec_enum ("unit-system", NULL, NULL,
                       HR_TYPE_UNIT_SYSTEM, HR_UNIT_SYSTEM_BINARY,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * HrReport:date:
   *
   * When the report was made; the present if it is not given.
   */
  properties[PROP_DATE] =
    g_param_spec_boxed ("date", NULL, NULL,
                        G_TYPE_DATE_TIME,
                        G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
hr_report_init (HrReport *self)
{
  self->n_gpus = 1;
}

char *
hr_report_dup_footer (GDateTime *date)
{
  g_autofree char *time = g_date_time_format (date, "%Y-%m-%d %H:%M");

  /* Translators: the last line of a report: the version of the program, and when it was made */
  return g_strdup_printf (_("Headroom %s, %s"), PACKAGE_VERSION, time);
}

/**
 * hr_report_new:
 * @estimate: an estimate
 * @job: what was asked
 * @gpu: (nullable): the GPU that the job shall fit on, or %NULL
 * @n_gpus: how many of them there are
 * @unit_system: the units to write sizes in
 *
 * Creates a report of an estimate, dated now.
 *
 * Returns: (transfer full): a new report
 */
HrReport *
hr_report_new (HrEstimate   *estimate,
               HrJob        *job,
               HrGpu        *gpu,
               guint         n_gpus,
               HrUnitSystem  unit_system)
{
  g_return_val_if_fail (HR_IS_ESTIMATE (estimate), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), NULL);
  g_return_val_if_fail (n_gpus >= 1, NULL);

  return g_object_new (HR_TYPE_REPORT,
                       "estimate", estimate,
                       "job", job,
                       "gpu", gpu,
                       "n-gpus", n_gpus,
                       "unit-system", unit_system,
                       NULL);
}

/**
 * hr_report_get_measured_bytes:
 * @self: a report
 *
 * Gets what somebody has measured.
 *
 * Returns: the bytes, or 0
 */
guint64
hr_report_get_measured_bytes (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), 0);

  return self->measured_bytes;
}

/**
 * hr_report_get_estimate:
 * @self: a report
 *
 * Gets what is reported.
 *
 * Returns: (transfer none): the estimate
 */
HrEstimate *
hr_report_get_estimate (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return self->estimate;
}

/**
 * hr_report_get_model:
 * @self: a report
 *
 * Gets the model that was estimated.
 *
 * Returns: (transfer none): the model
 */
HrModel *
hr_report_get_model (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return hr_estimate_get_model (self->estimate);
}

/**
 * hr_report_get_job:
 * @self: a report
 *
 * Gets what was asked, with the values that its "auto" settings came to.
 *
 * Returns: (transfer none): the job
 */
HrJob *
hr_report_get_job (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return self->job;
}

/**
 * hr_report_get_asked_job:
 * @self: a report
 *
 * Gets what was asked, with its "auto" settings left open: what a change of one setting is made to, as others may
 * follow it.
 *
 * Returns: (transfer none): the job
 */
HrJob *
hr_report_get_asked_job (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return self->asked_job;
}

/* What keys and values are kept in, or would be if the model were run. */
HrDtype
hr_report_get_kv_cache_dtype (HrReport *self)
{
  if (HR_IS_INFERENCE_JOB (self->job))
    return hr_inference_job_get_kv_cache_dtype (HR_INFERENCE_JOB (self->job));

  return hr_job_get_dtype (self->job);
}

/**
 * hr_report_get_gpu:
 * @self: a report
 *
 * Gets the GPU that the job shall fit on.
 *
 * Returns: (transfer none) (nullable): the GPU, or %NULL if none was named
 */
HrGpu *
hr_report_get_gpu (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return self->gpu;
}

/**
 * hr_report_get_n_gpus:
 * @self: a report
 *
 * Gets how many GPUs there are.
 *
 * Returns: the number
 */
guint
hr_report_get_n_gpus (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), 1);

  return self->n_gpus;
}

/**
 * hr_report_get_unit_system:
 * @self: a report
 *
 * Gets the units that sizes are written in.
 *
 * Returns: the units
 */
HrUnitSystem
hr_report_get_unit_system (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), HR_UNIT_SYSTEM_BINARY);

  return self->unit_system;
}

/**
 * hr_report_get_scenario:
 * @self: a report
 *
 * Gets the scenario that the report carries, so that somebody else can open it.
 *
 * Returns: (transfer none) (nullable): the scenario, or %NULL if it carries none
 */
HrScenario *
hr_report_get_scenario (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return self->scenario;
}

/**
 * hr_report_set_scenario:
 * @self: a report
 * @scenario: (nullable): what it is about, or %NULL
 *
 * Has the report carry the scenario that it is about: only who asked knows where the model came from.
 */
void
hr_report_set_scenario (HrReport   *self,
                        HrScenario *scenario)
{
  g_return_if_fail (HR_IS_REPORT (self));
  g_return_if_fail (scenario == NULL || HR_IS_SCENARIO (scenario));

  g_set_object (&self->scenario, scenario);
}

/**
 * hr_report_get_log:
 * @self: a report
 *
 * Gets what a program has written that did the job.
 *
 * Returns: (transfer none) (nullable): the log, or %NULL if there is none
 */
HrLog *
hr_report_get_log (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return self->log;
}

/**
 * hr_report_set_log:
 * @self: a report
 * @log: (nullable): what a program has written that did the job, or %NULL
 *
 * Has the report set a log beside the estimate.
 */
void
hr_report_set_log (HrReport *self,
                   HrLog    *log)
{
  g_return_if_fail (HR_IS_REPORT (self));
  g_return_if_fail (log == NULL || HR_IS_LOG (log));

  g_set_object (&self->log, log);
}

/**
 * hr_report_get_calibration:
 * @self: a report
 *
 * Gets what is known of the machine.
 *
 * Returns: (transfer none) (nullable): the calibration, or %NULL if there is none
 */
HrCalibration *
hr_report_get_calibration (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return self->calibration;
}

/**
 * hr_report_set_calibration:
 * @self: a report
 * @calibration: (nullable): what is known of the machine, or %NULL
 *
 * Has the report tell beside the estimate what the machine has shown of it.
 */
void
hr_report_set_calibration (HrReport      *self,
                           HrCalibration *calibration)
{
  g_return_if_fail (HR_IS_REPORT (self));
  g_return_if_fail (calibration == NULL || HR_IS_CALIBRATION (calibration));

  g_set_object (&self->calibration, calibration);
}

/**
 * hr_report_get_date:
 * @self: a report
 *
 * Gets when the report was made.
 *
 * Returns: (transfer none): the time
 */
GDateTime *
hr_report_get_date (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return self->date;
}

/**
 * hr_report_get_compute: (skip)
 * @self: a report
 * @reason: (out) (optional) (transfer none) (nullable): why it is not counted
 *
 * Gets what the job computes, which is counted when somebody first asks.
 *
 * Returns: (transfer none) (nullable): that, or %NULL if it is not counted
 */
const HrCompute *
hr_report_get_compute (HrReport    *self,
                       const char **reason)
{
  if (self->compute == NULL && self->compute_reason == NULL)
    {
      g_autoptr (GError) error = NULL;

      self->compute = hr_compute_new (hr_report_get_model (self), self->job, self->gpu, self->n_gpus, &error);
      if (self->compute == NULL)
        self->compute_reason = g_strdup (error->message);
    }
  if (reason != NULL)
    *reason = self->compute_reason;

  return self->compute;
}

/**
 * hr_report_get_fits:
 * @self: a report
 *
 * Checks whether the peak of every device fits into the memory of a GPU of its own.
 *
 * Returns: whether the job fits, or no GPU was named
 */
gboolean
hr_report_get_fits (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), FALSE);

  return self->gpu == NULL || self->fit.fits;
}

/**
 * hr_report_get_free_bytes:
 * @self: a report
 *
 * Gets what is left of the memory of the fullest GPU.
 *
 * Returns: the size in bytes; 0 if the job does not fit, or no GPU was named
 */
guint64
hr_report_get_free_bytes (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), 0);

  return self->gpu == NULL ? 0 : self->fit.free_bytes;
}

/**
 * hr_report_get_missing_bytes:
 * @self: a report
 *
 * Gets what the memory of a GPU lacks for the fullest device.
 *
 * Returns: the size in bytes; 0 if nothing is lacking, or no GPU was named
 */
guint64
hr_report_get_missing_bytes (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), 0);

  return self->gpu == NULL ? 0 : self->fit.missing_bytes;
}

/* What is longer than the model was made for; of images and the like the estimate says so itself. */
static void
warn_of_length (HrReport     *self,
                GStrvBuilder *builder)
{
  guint64 tokens = hr_estimate_get_context_tokens (self->estimate, self->job);
  g_autofree char *tokens_text = hr_format_integer (tokens);
  g_autofree char *longest_text = NULL;
  g_autofree char *warning = NULL;
  guint64 longest = 0;
  guint n_media;

  hr_estimate_get_media (self->estimate, &n_media);
  if (n_media > 0 || !hr_model_get_hyper_parameter (hr_report_get_model (self), "max_position_embeddings", &longest) ||
      longest == 0 || tokens <= longest)
    return;

  longest_text = hr_format_integer (longest);
  /* Translators: two numbers of tokens */
  warning = g_strdup_printf (_("Each sequence has %1$s tokens, and the model is made for %2$s "
                               "(max_position_embeddings)"), tokens_text, longest_text);
  g_strv_builder_add (builder, warning);
}

/* What fits with next to nothing to spare, or only if the allocator does no worse than is usual. */
static void
warn_of_little_room (HrReport     *self,
                     GStrvBuilder *builder)
{
  guint64 room = self->gpu != NULL && hr_report_get_fits (self) ? hr_report_get_free_bytes (self) : G_MAXUINT64;
  g_autofree char *room_text = NULL;
  g_autofree char *needed_text = NULL;
  g_autofree char *warning = NULL;
  guint64 low, high, more = 0;

  if (room == G_MAXUINT64)
    return;

  if (hr_estimate_knows_reserved (self->estimate) && hr_estimate_get_reserved_range (self->estimate, &low, &high))
    more = high - MIN (high, hr_estimate_get_reserved_bytes (self->estimate));
  if (room >= hr_gpu_get_usable_memory (self->gpu) / LEAST_ROOM && room >= more)
    return;

  room_text = hr_format_bytes (room, self->unit_system);
  needed_text = hr_format_bytes (more, self->unit_system);
  if (room < more)
    /* Translators: 1 what is left on the GPU, 2 how much more has been reserved in measurements */
    warning = g_strdup_printf (_("It fits narrowly: %1$s are left, and what is reserved has been measured up to %2$s "
                                 "above its estimate. Leave more room against running out of memory"),
                               room_text, needed_text);
  else
    /* Translators: what is left on the GPU */
    warning = g_strdup_printf (_("It fits narrowly: %s are left, less than a twentieth of the GPU. Leave more room for "
                                 "longer texts and for other programs"), room_text);
  g_strv_builder_add (builder, warning);
}

/* A sentence about files: where they are on this machine is nobody's business who reads the report. */
static void
add_warning (HrReport     *self,
             GStrvBuilder *builder,
             const char   *warning)
{
  const char *source = hr_model_get_source (hr_report_get_model (self));
  g_autofree char *folder = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) parts = NULL;

  if (source == NULL || !g_path_is_absolute (source))
    {
      g_strv_builder_add (builder, hr_text_translate (warning));
      return;
    }

  folder = g_path_get_dirname (source);
  parts = g_strsplit (hr_text_translate (warning), folder, -1);
  for (guint i = 1; !g_str_equal (folder, G_DIR_SEPARATOR_S) && parts[i] != NULL; i++)
    {
      char *rest = g_strdup (parts[i][0] == G_DIR_SEPARATOR ? parts[i] + 1 : parts[i]);

      g_free (parts[i]);
      parts[i] = rest;
    }
  text = g_strjoinv (g_str_equal (folder, G_DIR_SEPARATOR_S) ? folder : "", parts);
  g_strv_builder_add (builder, text);
}

/**
 * hr_report_dup_warnings:
 * @self: a report
 *
 * Gets what was assumed about the model and the job. Files of the model are named without their folder.
 *
 * Returns: (transfer full): sentences in the user's language
 */
GStrv
hr_report_dup_warnings (HrReport *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const char * const *of_model;
  const char * const *of_estimate;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  of_model = hr_model_get_warnings (hr_report_get_model (self));
  of_estimate = hr_estimate_get_warnings (self->estimate);

  for (guint i = 0; of_model != NULL && of_model[i] != NULL; i++)
    add_warning (self, builder, of_model[i]);

  for (guint i = 0; of_estimate != NULL && of_estimate[i] != NULL; i++)
    {
      if (of_model == NULL || !g_strv_contains (of_model, of_estimate[i]))
        add_warning (self, builder, of_estimate[i]);
    }

  warn_of_length (self, builder);
  warn_of_little_room (self, builder);

  return g_strv_builder_end (builder);
}

/* A model of which the host has a part fits as well, and is slower for it. */
static char *
add_host_layers (HrReport *self,
                 char     *verdict)
{
  g_autofree char *sentence = verdict;
  g_autofree char *layers = NULL;
  g_autofree char *host = NULL;
  guint n_layers, n_host_layers, n_host_experts;

  if (!hr_estimate_get_host_layers (self->estimate, &n_layers, &n_host_layers, &n_host_experts))
    return g_steal_pointer (&sentence);

  layers = hr_format_integer (n_layers);
  host = hr_format_integer (n_host_layers > 0 ? n_host_layers : n_host_experts);
  if (n_host_layers > 0)
    /* Translators: “Fits on one RTX 4090 with 1.0 GiB to spare”, and two numbers of layers */
    return g_strdup_printf (_("%1$s; the processor computes %2$s of %3$s layers"), sentence, host, layers);

  /* Translators: “Fits on one RTX 4090 with 1.0 GiB to spare”, and two numbers of layers */
  return g_strdup_printf (_("%1$s; the host keeps experts of %2$s of %3$s layers"), sentence, host, layers);
}

/**
 * hr_report_dup_verdict:
 * @self: a report with a GPU
 *
 * Says in words whether the job fits: "Fits on one RTX 4090 with 3.1 GiB to spare", and what the host computes of it.
 *
 * Returns: (transfer full) (nullable): the sentence, with no full stop, or %NULL if no GPU was named
 */
char *
hr_report_dup_verdict (HrReport *self)
{
  g_autofree char *size = NULL;
  const char *name;
  guint n_ranks;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  if (self->gpu == NULL)
    return NULL;

  name = hr_gpu_get_name (self->gpu);
  n_ranks = hr_estimate_get_n_ranks (self->estimate);
  size = hr_format_bytes (self->fit.missing_bytes > 0 ? self->fit.missing_bytes : self->fit.free_bytes,
                          self->unit_system);

  if (self->fit.missing_bytes > 0)
    {
      if (n_ranks == 1)
        /* Translators: the name of a GPU, and a size */
        return g_strdup_printf (_("Does not fit on one %s: %s too much"), name, size);

      /* Translators: a number, the name of a GPU, and a size */
      return g_strdup_printf (_("Does not fit on %u × %s: %s too much on the fullest"), n_ranks, name, size);
    }

  if (self->fit.missing_gpus > 0)
    /* Translators: two numbers of GPUs, and the name of the GPU */
    return g_strdup_printf (_("Needs %u GPUs, and there are %u × %s"), n_ranks, self->n_gpus, name);

  if (n_ranks == 1)
    /* Translators: the name of a GPU, and a size */
    return add_host_layers (self, g_strdup_printf (_("Fits on one %s with %s to spare"), name, size));

  /* Translators: a number, the name of a GPU, and a size */
  return add_host_layers (self, g_strdup_printf (_("Fits on %u × %s with %s to spare on the fullest"), n_ranks, name,
                                                 size));
}

/**
 * hr_report_dup_file_name:
 * @self: a report
 * @extension: an extension without its dot
 *
 * Suggests a name for a file, such as `Qwen2.5-7B-Instruct-inference.pdf`.
 *
 * Returns: (transfer full): a name that is good in every file system
 */
char *
hr_report_dup_file_name (HrReport   *self,
                         const char *extension)
{
  g_autofree char *name = NULL;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);
  g_return_val_if_fail (extension != NULL, NULL);

  name = hr_model_dup_file_name (hr_report_get_model (self));

  return g_strdup_printf ("%s-%s.%s", name, hr_mode_get_name (hr_estimate_get_mode (self->estimate)), extension);
}

/**
 * hr_report_list_advice: (skip)
 * @self: a report
 *
 * Lists what could be asked for instead of the report's job, as [func@advice_list] does.
 *
 * Returns: (transfer full) (element-type HrAdvice): changes
 */
GPtrArray *
hr_report_list_advice (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return hr_advice_list (self->estimate, self->asked_job, self->gpu, self->n_gpus);
}

/**
 * hr_report_list_gpus: (skip)
 * @self: a report
 *
 * Lists the GPUs on which the report's job fits, as [func@gpu_choice_list] does.
 *
 * Returns: (transfer full) (element-type HrGpuChoice): GPUs that would do
 */
GPtrArray *
hr_report_list_gpus (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return hr_gpu_choice_list (self->estimate, self->asked_job, self->gpu, self->n_gpus);
}

/**
 * hr_report_list_largest: (skip)
 * @self: a report
 *
 * Lists how much of each setting fits on the report's GPUs, as [func@largest_list] does.
 *
 * Returns: (transfer full) (element-type HrLargest): the largest values
 */
GPtrArray *
hr_report_list_largest (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return hr_largest_list (self->estimate, self->asked_job, self->gpu, self->n_gpus);
}

/**
 * hr_report_list_capacities: (skip)
 * @self: a report
 *
 * Lists how long the requests may be that are served at once, as [func@capacity_list] does.
 *
 * Returns: (transfer full) (element-type HrCapacity): capacities
 */
GPtrArray *
hr_report_list_capacities (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return hr_capacity_list (self->estimate, self->asked_job, self->gpu, self->n_gpus);
}

/**
 * hr_report_list_formats: (skip)
 * @self: a report
 *
 * Lists the formats that the model’s weights can be in, as [func@format_choice_list] does.
 *
 * Returns: (transfer full) (element-type HrFormatChoice): formats
 */
GPtrArray *
hr_report_list_formats (HrReport *self)
{
  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  return hr_format_choice_list (self->estimate, self->asked_job, self->gpu, self->n_gpus);
}

/**
 * hr_report_to_text:
 * @self: a report
 * @style: what the text is for
 *
 * Writes the report as text in columns.
 *
 * Returns: (transfer full): the text
 */
char *
hr_report_to_text (HrReport          *self,
                   HrReportTextStyle  style)
{
  g_autoptr (HrDocument) document = NULL;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  document = hr_report_create_document (self);

  return hr_document_to_text (document, style);
}

/**
 * hr_report_to_markdown:
 * @self: a report
 *
 * Writes the report as GitHub-flavoured Markdown.
 *
 * Returns: (transfer full): the Markdown
 */
char *
hr_report_to_markdown (HrReport *self)
{
  g_autoptr (HrDocument) document = NULL;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  document = hr_report_create_document (self);

  return hr_document_to_markdown (document);
}

/**
 * hr_report_to_html:
 * @self: a report
 * @chart: (nullable): a picture of the components as SVG, or %NULL for none
 * @timeline: (nullable): a picture of the time as SVG, or %NULL for none
 *
 * Writes the report as one HTML file that loads nothing.
 *
 * Returns: (transfer full): the HTML
 */
char *
hr_report_to_html (HrReport   *self,
                   const char *chart,
                   const char *timeline)
{
  g_autoptr (HrDocument) document = NULL;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  document = hr_report_create_document (self);

  return hr_document_to_html (document, chart, timeline);
}

/* The job that reads and generates: images, sounds and videos are so many tokens more of its prompt. */
HrJob *
hr_report_dup_reading (HrReport *self)
{
  guint64 tokens = hr_estimate_count_media_tokens (self->estimate);

  return tokens > 0 ? hr_job_dup_reading (self->job, tokens) : g_object_ref (self->job);
}

/* What the model is made of, for the lengths of this job. */
HrAnatomy *
hr_report_get_anatomy (HrReport *self)
{
  if (self->anatomy == NULL)
    {
      g_autoptr (HrJob) reading = hr_report_dup_reading (self);

      self->anatomy = hr_anatomy_new (hr_estimate_get_model (self->estimate), reading);
    }

  return self->anatomy;
}
