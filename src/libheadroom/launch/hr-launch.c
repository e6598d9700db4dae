/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-launch.h"

#include <glib/gi18n-lib.h>

#include "hr-grpo-job-private.h"
#include "hr-launch-block.h"
#include "hr-launch-text.h"
#include "hr-labels.h"

#define LAUNCH_PATH "/io/github/headroom/Headroom/data/launch/"

/* What there can be; the file of data of the same name has the blocks of each. */
static const struct
{
  const char *id;
  const char *title;
  const char *name;
  HrLaunchSyntax syntax;
} kinds[] = {
  { "python", N_("Python"), "train.py", HR_LAUNCH_SYNTAX_PYTHON },
  { "accelerate", N_("Configuration of Accelerate"), "accelerate.yaml", HR_LAUNCH_SYNTAX_YAML },
  { "deepspeed", N_("Configuration of DeepSpeed"), "deepspeed.json", HR_LAUNCH_SYNTAX_JSON },
  { "megatron", N_("Arguments of Megatron-LM"), "pretrain.sh", HR_LAUNCH_SYNTAX_COMMAND_LINE },
  { "torchtitan", N_("Configuration of torchtitan"), "torchtitan.toml", HR_LAUNCH_SYNTAX_TOML },
  { "trtllm", N_("Settings of trtllm-serve"), "trtllm.yaml", HR_LAUNCH_SYNTAX_YAML },
  { "ollama", N_("Modelfile of Ollama"), "Modelfile", HR_LAUNCH_SYNTAX_MODELFILE },
  { "command", N_("Command"), "launch.sh", HR_LAUNCH_SYNTAX_COMMAND_LINE },
};

static void
file_free (gpointer data)
{
  HrLaunchFile *self = data;

  g_strfreev (self->programs);
  g_strfreev (self->sources);
  g_free (self->text);
  g_free (self);
}

/**
 * hr_launch_free: (skip)
 * @self: (transfer full): launch settings
 *
 * Frees launch settings.
 */
void
hr_launch_free (HrLaunch *self)
{
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_strfreev (self->unsaid);
  g_free (self->refusal);
  g_free (self);
}

/* The blocks of a kind of file that say something for the job. */
static gboolean
load_blocks (guint           kind,
             HrLaunchScope  *scope,
             GHashTable     *said,
             GPtrArray      *blocks,
             GError        **error)
{
  g_autofree char *path = g_strconcat (LAUNCH_PATH, kinds[kind].id, ".json", NULL);
  g_autoptr (HrJson) root = hr_json_new_from_resource (path, error);
  HrJson *list = root != NULL ? hr_json_require_member (root, "blocks", error) : NULL;
  HrJson *shared = NULL;

  if (list == NULL ||
      !hr_json_check_type (list, HR_JSON_ARRAY, error) ||
      !hr_json_get_object (root, "shared", &shared, error))
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (list); i++)
    {
      HrJson *data = hr_json_get_element (list, i);
      HrLaunchBlock *block;
      gboolean applies;

      if (!hr_launch_block_applies (data, scope, &applies, error))
        return FALSE;
      block = applies ? hr_launch_block_new (data, shared, scope, said, error) : NULL;
      if (applies && block == NULL)
        return FALSE;
      if (applies)
        g_ptr_array_add (blocks, block);
    }

  return TRUE;
}

/* A program once for each source that its options are from. */
static void
add_program (GPtrArray     *programs,
             GPtrArray     *sources,
             HrLaunchBlock *block)
{
  if (g_ptr_array_find_with_equal_func (sources, block->source, g_str_equal, NULL))
    return;

  g_ptr_array_add (programs, g_strdup (block->program));
  g_ptr_array_add (sources, g_strdup (block->source));
}

static char **
free_to_strv (GPtrArray *strings)
{
  g_ptr_array_add (strings, NULL);

  return (char **) g_ptr_array_free (strings, FALSE);
}

static HrLaunchFile *
file_new (guint      kind,
          GPtrArray *blocks)
{
  GPtrArray *programs = g_ptr_array_new ();
  GPtrArray *sources = g_ptr_array_new ();
  HrLaunchFile *self = g_new0 (HrLaunchFile, 1);

  for (guint i = 0; i < blocks->len; i++)
    add_program (programs, sources, g_ptr_array_index (blocks, i));

  *self = (HrLaunchFile) {
    .id = kinds[kind].id,
    .title = _(kinds[kind].title),
    .name = kinds[kind].name,
    .programs = free_to_strv (programs),
    .sources = free_to_strv (sources),
    .text = hr_launch_text_write (blocks, kinds[kind].syntax),
  };

  return self;
}

/* A setting that is left as it is need not be said, nor one that says nothing. */
static gboolean
must_be_said (HrJob      *job,
              GParamSpec *setting)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (g_str_equal (setting->name, "method-of-estimate") || !hr_job_uses_setting (job, setting, NULL))
    return FALSE;

  g_object_get_property (G_OBJECT (job), setting->name, &value);

  return !g_param_value_defaults (setting, &value);
}

static char **
list_unsaid (HrJob      *job,
             GHashTable *said)
{
  GPtrArray *unsaid = g_ptr_array_new ();
  guint n_settings;
  g_autofree GParamSpec **settings = hr_job_list_settings (job, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      if (must_be_said (job, settings[i]) && !g_hash_table_contains (said, settings[i]->name))
        g_ptr_array_add (unsaid, g_strdup (settings[i]->name));
    }

  return free_to_strv (unsaid);
}

static gboolean
add_files (HrLaunch       *self,
           HrLaunchScope  *scope,
           GHashTable     *said,
           GError        **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_launch_block_free);

      if (!load_blocks (i, scope, said, blocks, error))
        return FALSE;
      if (blocks->len > 0)
        g_ptr_array_add (self->files, file_new (i, blocks));
    }

  if (self->files->len > 0)
    return TRUE;

  g_set_error_literal (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                       _("Headroom does not know how to launch this: there are launch settings for jobs of "
                         "transformers, TRL, DeepSpeed, Megatron-LM, torchtitan, llama.cpp, Ollama, vLLM, SGLang, "
                         "LMDeploy and TensorRT-LLM"));

  return FALSE;
}

/**
 * hr_launch_new: (skip)
 * @model: a model
 * @job: a job
 * @n_gpus: how many GPUs there are
 * @error: return location for an error
 *
 * Writes the settings that the programs take which do a job: files to copy or to save.
 *
 * Returns: (transfer full): the launch settings
 */
HrLaunch *
hr_launch_new (HrModel  *model,
               HrJob    *job,
               guint     n_gpus,
               GError  **error)
{
  g_autoptr (HrLaunch) self = g_new0 (HrLaunch, 1);
  g_autoptr (GHashTable) said = g_hash_table_new (g_str_hash, g_str_equal);
  g_auto (HrLaunchScope) scope = { NULL, };

  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (n_gpus >= 1, NULL);

  self->files = g_ptr_array_new_with_free_func (file_free);
  if (!hr_launch_scope_init (&scope, model, job, n_gpus, error) || !add_files (self, &scope, said, error))
    return NULL;

  self->unsaid = list_unsaid (job, said);
  if (HR_IS_GRPO_JOB (job))
    self->refusal = hr_grpo_job_dup_refusal (HR_GRPO_JOB (job), scope.n_ranks);

  return g_steal_pointer (&self);
}

/**
 * hr_launch_dup_unsaid: (skip)
 * @self: launch settings
 * @job: the job that they are of
 *
 * Says which settings have to be made elsewhere, because no file of these says them.
 *
 * Returns: (transfer full) (nullable): a sentence in the user’s language, or %NULL if there are none
 */
char *
hr_launch_dup_unsaid (const HrLaunch *self,
                      HrJob          *job)
{
  g_autoptr (GString) labels = g_string_new (NULL);

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);

  for (guint i = 0; self->unsaid[i] != NULL; i++)
    {
      GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), self->unsaid[i]);

      g_string_append (labels, i > 0 ? C_("between names in a list", ", ") : "");
      g_string_append (labels, hr_setting_get_label (setting));
    }

  if (labels->len == 0)
    return NULL;

  /* Translators: names of settings stand there, with commas between them. */
  return g_strdup_printf (_("These programs have no option for the following; see to it yourself: %s"), labels->str);
}

/**
 * hr_launch_dup_notes: (skip)
 * @self: launch settings
 * @job: the job that they are of
 *
 * Says what has to be known before the job is launched: why it would not start, and what no file of these says.
 *
 * Returns: (transfer full) (nullable): sentences in the user’s language, a line each, or %NULL if there are none
 */
char *
hr_launch_dup_notes (const HrLaunch *self,
                     HrJob          *job)
{
  g_autofree char *unsaid = hr_launch_dup_unsaid (self, job);

  g_return_val_if_fail (self != NULL, NULL);

  if (self->refusal != NULL && unsaid != NULL)
    return g_strconcat (self->refusal, "\n", unsaid, NULL);

  return self->refusal != NULL ? g_strdup (self->refusal) : g_steal_pointer (&unsaid);
}
