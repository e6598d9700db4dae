/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-launch-scope.h"

#include "hr-draft-kind.h"
#include "hr-fine-tuning-job.h"
#include "hr-layout.h"
#include "hr-inference-job.h"
#include "hr-model-private.h"

#define HYPER_PARAMETER "config."

/*
 * Nothing is left open: QLoRA says how the model is quantized. Only what vLLM keeps states in is not told to it, where
 * the job leaves that to it, as most models have none.
 */
static HrJob *
resolve (HrJob   *job,
         HrModel *model)
{
  HrJob *resolved = hr_job_resolve (job, model);

  if (HR_IS_FINE_TUNING_JOB (job) && hr_job_get_quantization (resolved) == HR_QUANTIZATION_NONE &&
      hr_fine_tuning_job_get_fine_tuning_method (HR_FINE_TUNING_JOB (job)) == HR_FINE_TUNING_METHOD_QLORA)
    g_object_set (resolved, "quantization", HR_QLORA_QUANTIZATION, NULL);
  if (HR_IS_INFERENCE_JOB (job) && hr_inference_job_get_state_dtype (HR_INFERENCE_JOB (job)) == HR_DTYPE_AUTO)
    g_object_set (resolved, "state-dtype", HR_DTYPE_AUTO, NULL);

  return resolved;
}

/* Fails where the GPUs cannot be divided as the job says. */
gboolean
hr_launch_scope_init (HrLaunchScope  *self,
                      HrModel        *model,
                      HrJob          *job,
                      guint           n_gpus,
                      GError        **error)
{
  HrLayout layout = { .n_ranks = 1 };

  if (HR_IS_TRAINING_JOB (job) && !hr_layout_init (&layout, HR_TRAINING_JOB (job), n_gpus, error))
    return FALSE;

  *self = (HrLaunchScope) {
    .model = g_object_ref (model),
    .job = resolve (job, model),
    .n_gpus = n_gpus,
    .data_parallel = layout.data,
    .n_ranks = layout.n_ranks,
    .texts = g_ptr_array_new_with_free_func (g_free),
  };

  return TRUE;
}

void
hr_launch_scope_clear (HrLaunchScope *self)
{
  g_clear_object (&self->model);
  g_clear_object (&self->job);
  g_clear_pointer (&self->texts, g_ptr_array_unref);
  g_clear_pointer (&self->asked, g_hash_table_unref);
}

/* Takes a text and keeps it as long as the scope. */
const char *
hr_launch_scope_keep (HrLaunchScope *self,
                      char          *text)
{
  g_ptr_array_add (self->texts, text);

  return text;
}

static void
set_text (HrLaunchScope *self,
          char          *text,
          HrValue       *value)
{
  *value = (HrValue) { HR_VALUE_STRING, .string = hr_launch_scope_keep (self, text) };
}

static void
set_integer (HrValue *value,
             gint64   integer)
{
  *value = (HrValue) { HR_VALUE_INTEGER, .integer = integer };
}

static void
look_up_setting (HrLaunchScope *self,
                 GParamSpec    *setting,
                 HrValue       *value)
{
  g_auto (GValue) held = G_VALUE_INIT;

  g_object_get_property (G_OBJECT (self->job), setting->name, &held);
  if (self->asked != NULL)
    g_hash_table_add (self->asked, (gpointer) setting->name);

  if (G_IS_PARAM_SPEC_UINT64 (setting))
    set_integer (value, MIN (g_value_get_uint64 (&held), G_MAXINT64));
  else if (G_IS_PARAM_SPEC_DOUBLE (setting))
    *value = (HrValue) { HR_VALUE_REAL, .real = g_value_get_double (&held) };
  else if (G_IS_PARAM_SPEC_BOOLEAN (setting))
    *value = (HrValue) { HR_VALUE_BOOLEAN, .boolean = g_value_get_boolean (&held) };
  else
    set_text (self, hr_job_get_as_string (self->job, setting->name), value);
}

/* Which of transformers' Auto classes has the class of the model (models/auto/modeling_auto.py). */
static const char *
get_auto_class (HrModel *model)
{
  static const struct
  {
    const char *ending;
    const char *auto_class;
  } classes[] = {
    { "ForCausalLM", "AutoModelForCausalLM" },
    { "LMHeadModel", "AutoModelForCausalLM" },
    { "ForConditionalGeneration", "AutoModelForSeq2SeqLM" },
    { "ForSequenceClassification", "AutoModelForSequenceClassification" },
    { "ForTokenClassification", "AutoModelForTokenClassification" },
    { "ForQuestionAnswering", "AutoModelForQuestionAnswering" },
    { "ForMaskedLM", "AutoModelForMaskedLM" },
  };
  const char *class_name = hr_model_get_architecture (model);

  if (_hr_model_get_processor (model)->entries[HR_MEDIUM_IMAGE].rule != HR_PROCESSOR_NONE)
    return "AutoModelForImageTextToText";

  for (guint i = 0; class_name != NULL && i < G_N_ELEMENTS (classes); i++)
    {
      if (g_str_has_suffix (class_name, classes[i].ending))
        return classes[i].auto_class;
    }

  return "AutoModelForCausalLM";
}

static gboolean
has_tied_head (HrModel *model)
{
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (tensor->tied_to != NULL)
        return TRUE;
    }

  return FALSE;
}

/* What SGLang calls the way in which tokens are guessed ahead (SpeculativeAlgorithm of sglang/srt/speculative). */
static const char *
get_algorithm (HrJob *job)
{
  static const char * const names[] = {
    [HR_DRAFT_NONE] = "EAGLE",
    [HR_DRAFT_MODEL] = "STANDALONE",
    [HR_DRAFT_EAGLE] = "EAGLE",
    [HR_DRAFT_EAGLE3] = "EAGLE3",
  };

  return names[hr_draft_kind_of_job (HR_INFERENCE_JOB (job))];
}

/* #HrExpressionLookup. What is not there is nothing, so that one file can serve several kinds of jobs. */
HrLookup
hr_launch_scope_lookup (const char  *name,
                        gpointer     scope,
                        HrValue     *value,
                        GError     **error)
{
  HrLaunchScope *self = scope;
  GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (self->job), name);
  guint64 size;

  *value = (HrValue) { HR_VALUE_NOTHING };

  if (g_str_equal (name, "data-parallel") && setting != NULL)
    {
      look_up_setting (self, setting, value);
      set_integer (value, self->data_parallel);
    }
  else if (setting != NULL)
    look_up_setting (self, setting, value);
  else if (g_str_equal (name, "gpus"))
    set_integer (value, self->n_gpus);
  else if (g_str_equal (name, "mode"))
    set_text (self, g_strdup (hr_mode_get_name (hr_job_get_mode (self->job))), value);
  else if (g_str_equal (name, "model"))
    set_text (self, g_strdup (hr_model_get_name (self->model)), value);
  else if (g_str_equal (name, "model-type"))
    set_text (self, g_strdup (hr_model_get_model_type (self->model)), value);
  else if (g_str_equal (name, "speculative-algorithm") && HR_IS_INFERENCE_JOB (self->job))
    set_text (self, g_strdup (get_algorithm (self->job)), value);
  else if (g_str_equal (name, "auto-class"))
    set_text (self, g_strdup (get_auto_class (self->model)), value);
  else if (g_str_equal (name, "tied"))
    *value = (HrValue) { HR_VALUE_BOOLEAN, .boolean = has_tied_head (self->model) };
  else if (g_str_has_prefix (name, HYPER_PARAMETER) &&
           hr_model_get_hyper_parameter (self->model, name + strlen (HYPER_PARAMETER), &size))
    set_integer (value, MIN (size, G_MAXINT64));

  return HR_LOOKUP_FOUND;
}
