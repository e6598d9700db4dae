/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>

#include "hr-document.h"

#define INDENTATION 6

typedef struct
{
  const char *option;
  const char *text;
} OptionHelp;

static const OptionHelp estimate_options[] = {
  { "--mode MODE",
    N_("What to do with the model: inference (the default), fine-tuning, training, grpo or multimodal") },
  { "--scenario FILE", N_("Take everything from a scenario; further options override it") },
  { "--command TEXT", N_("Take the model and the settings from the command that starts a server, such as "
                         "“llama-server -m …”, or from the log of vLLM, SGLang, llama.cpp or Ollama, which tells "
                         "them; further options override them, “-” is the standard input") },
  { "--gpu NAME", N_("The GPU that it shall fit on; “headroom-cli list gpus” names them") },
  { "--gpus N", N_("How many of them there are (1)") },
  { "--format FORMAT", N_("text (the default), json, csv, markdown, html, pdf, svg or png") },
  { "--chart CHART", N_("The chart to draw, pie or timeline; without it a report has both, a picture is the pie") },
  { "--output FILE", N_("Write to a file; without --format, its extension says what") },
  { "--units UNITS", N_("Sizes in binary (GiB, the default) or decimal (GB) units") },
  { "--measured SIZE", N_("What you have measured, such as 23.4GiB or 23991MiB, to be set beside the estimate") },
  { "--log FILE", N_("What a program has written that did the job, to be set beside the estimate part by part; “-” is "
                     "the standard input") },
  { "--calibrate FILE", N_("Keep by how much “--log” or “--measured” is above the estimate, for this kind of GPU and "
                           "what does the job, in a file of this machine") },
  { "--calibration FILE", N_("Tell beside the estimate what this file knows of the machine") },
};

static const OptionHelp inspect_options[] = {
  { "--tensors", N_("List every tensor; JSON always does. CSV is then the list alone") },
  { "--compare MODEL", N_("Set another model beside it") },
  { "--inputs INPUTS",
    N_("Only count the tokens of images, sounds and videos, as the setting “further-inputs” has them") },
  { "--architecture FILE", N_("Read the model’s file with an architecture file of your own") },
  { "--format FORMAT", N_("text (the default), json, csv, markdown or html") },
  { "--units UNITS", N_("Sizes in binary (GiB, the default) or decimal (GB) units") },
};

static const OptionHelp sweep_options[] = {
  { "--over SETTING[=VALUES]",
    N_("The setting to go over, a number or “gpus”; VALUES are FROM..TO, FROM..TO..STEP, FROM..TO..xFACTOR or "
       "numbers with commas between them, without which the usual range is taken") },
  { "--by SETTING=VALUE,VALUE…", N_("A line for each value of another setting, of each model") },
  { "--capacity GPU,GPU…", N_("Further GPUs to hold the lines against") },
  { "--component NAME", N_("A part of the peak to look at alone, such as kv-cache or activations") },
  { "--mode MODE",
    N_("What to do with the model: inference (the default), fine-tuning, training, grpo or multimodal") },
  { "--gpu NAME", N_("The GPU that it shall fit on; “headroom-cli list gpus” names them") },
  { "--gpus N", N_("How many of them there are (1)") },
  { "--format FORMAT", N_("text (the default), json, csv, markdown, html, pdf, svg or png") },
  { "--output FILE", N_("Write to a file; without --format, its extension says what") },
  { "--units UNITS", N_("Sizes in binary (GiB, the default) or decimal (GB) units") },
};

static const OptionHelp compare_options[] = {
  { "--with \"SETTING=VALUE…\"", N_("What is different in the second one; with one MODEL alone, of the same") },
  { "--mode MODE",
    N_("What to do with the model: inference (the default), fine-tuning, training, grpo or multimodal") },
  { "--gpu NAME", N_("The GPU that it shall fit on; “headroom-cli list gpus” names them") },
  { "--gpus N", N_("How many of them there are (1)") },
  { "--format FORMAT", N_("text (the default), json, csv or markdown") },
  { "--output FILE", N_("Write to a file; without --format, its extension says what") },
  { "--units UNITS", N_("Sizes in binary (GiB, the default) or decimal (GB) units") },
};

static const OptionHelp plan_options[] = {
  { "--gpu NAME", N_("The kind of GPU; “headroom-cli list gpus” names them") },
  { "--gpus N", N_("How many of them there are (1)") },
  { "--per-node N", N_("How many of them a machine has (8)") },
  { "--network RATE",
    N_("What each GPU can send to other machines, such as 400Gb/s or 50GB/s; without it there are no times beyond one "
       "machine") },
  { "--bridged",
    N_("Cards that stand beside each other have a bridge, such as NVLink’s, which is sold apart") },
  { "--sequences N",
    N_("Sequences of a step, those of all GPUs together (as the settings of the job have them on each GPU; one for "
       "each GPU of Megatron-LM), or requests at once (--batch-size)") },
  { "--top N", N_("How many layouts to list (20)") },
  { "--least",
    N_("The fewest GPUs of the kind that is named, or of each kind, that the job fits on, in place of layouts") },
  { "--mode MODE",
    N_("What to do with the model: inference (the default), fine-tuning, training or grpo; with --least any mode") },
  { "--format FORMAT", N_("text (the default), json, csv or markdown") },
  { "--output FILE", N_("Write to a file; without --format, its extension says what") },
  { "--units UNITS", N_("Sizes in binary (GiB, the default) or decimal (GB) units") },
};

static const OptionHelp launch_options[] = {
  { "--file NAME", N_("Only one of the files, such as deepspeed, as it is") },
  { "--mode MODE",
    N_("What to do with the model: inference (the default), fine-tuning, training, grpo or multimodal") },
  { "--gpus N", N_("How many of them there are (1)") },
  { "--format FORMAT", N_("text (the default) or json") },
  { "--output FILE", N_("Write to a file; without --format, its extension says what") },
};

static const OptionHelp log_options[] = {
  { "--format FORMAT", N_("text (the default) or json") },
  { "--output FILE", N_("Write to a file; without --format, its extension says what") },
  { "--units UNITS", N_("Sizes in binary (GiB, the default) or decimal (GB) units") },
};

static const OptionHelp list_options[] = {
  { "--format FORMAT", N_("text (the default) or json") },
};

static void
append_wrapped (GString    *string,
                const char *text)
{
  g_string_append_printf (string, "%*s", INDENTATION, "");
  hr_document_append_wrapped (string, text, INDENTATION);
}

static void
append_options (GString          *string,
                const OptionHelp *options,
                guint             n_options)
{
  g_string_append_printf (string, "\n%s\n", _("Options:"));

  for (guint i = 0; i < n_options; i++)
    {
      g_string_append_printf (string, "  %s\n", options[i].option);
      append_wrapped (string, _(options[i].text));
    }
}

static void
append_setting (GString    *string,
                HrJob      *job,
                GParamSpec *setting)
{
  g_autofree char *range = hr_job_dup_setting_range (setting);
  g_autofree char *value = hr_job_get_as_string (job, setting->name);
  /* Translators: what a setting takes, and its default */
  g_autofree char *values = g_strdup_printf (_("%s; default %s"), range, value);

  /* Translators: stands for the value of an option; keep it in capitals if your script has them */
  g_string_append_printf (string, "  --%s %s\n", setting->name, _("VALUE"));
  append_wrapped (string, hr_setting_get_description (setting));
  append_wrapped (string, values);
}

static void
append_settings_heading (GString    *string,
                         GEnumClass *modes,
                         guint       mask)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < modes->n_values; i++)
    {
      if ((mask & 1 << i) == 0)
        continue;

      if (names->len > 0)
        /* Translators: between the names of modes, as in “Fine-tuning”, “Training” */
        g_string_append (names, C_("between names in a list", ", "));
      /* Translators: the name of a mode in quotation marks */
      g_string_append_printf (names, _("“%s”"), hr_mode_get_label (modes->values[i].value));
    }

  if (mask == (1u << modes->n_values) - 1)
    g_string_append (string, _("\nSettings of all modes:\n"));
  else
    /* Translators: the heading of a list of options; the place is the name of a mode, or several with commas */
    g_string_append_printf (string, _("\nSettings of %s:\n"), names->str);
}

/* Each setting once, together with those that the same modes have. */
static void
append_settings (GString    *string,
                 GEnumClass *modes,
                 guint       mask)
{
  g_autoptr (HrJob) job = hr_job_new (modes->values[g_bit_nth_lsf (mask, -1)].value);
  g_autofree GParamSpec **settings = NULL;
  gboolean has_heading = FALSE;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      guint modes_of_setting = 0;

      for (guint j = 0; j < modes->n_values; j++)
        {
          g_autoptr (HrJob) other = hr_job_new (modes->values[j].value);

          if (g_object_class_find_property (G_OBJECT_GET_CLASS (other), settings[i]->name) != NULL)
            modes_of_setting |= 1u << j;
        }

      if (modes_of_setting != mask)
        continue;

      if (!has_heading)
        append_settings_heading (string, modes, mask);
      has_heading = TRUE;
      append_setting (string, job, settings[i]);
    }
}

static void
append_estimate_help (GString *string)
{
  g_autoptr (GEnumClass) modes = g_type_class_ref (HR_TYPE_MODE);
  guint all = (1u << modes->n_values) - 1;

  g_string_append (string,
                   _("Usage: headroom-cli estimate MODEL [OPTION…]\n"
                     "\n"
                     "Says how much GPU memory a job takes and where it goes. MODEL is a config.json,\n"
                     "a folder that holds one, a scenario (.headroom), the id of a model of the\n"
                     "catalogue, or only a size, such as 7B.\n"));
  append_options (string, estimate_options, G_N_ELEMENTS (estimate_options));
  append_settings (string, modes, all);
  for (guint first = 0; first < modes->n_values; first++)
    {
      for (guint mask = all - 1; mask > 0; mask--)
        {
          if (g_bit_nth_lsf (mask, -1) == (int) first)
            append_settings (string, modes, mask);
        }
    }
  g_string_append_c (string, '\n');
  hr_document_append_wrapped (string,
                              _("Exit status: 0 it fits, or no GPU was named; 1 it does not fit; 2 there is no "
                                "estimate."), 0);
}

/* The help for a verb, or for the program if @verb is %NULL. */
char *
headroom_cli_dup_help (const char *verb)
{
  GString *string = g_string_new (NULL);

  if (g_strcmp0 (verb, "estimate") == 0)
    append_estimate_help (string);
  else if (g_strcmp0 (verb, "inspect") == 0)
    {
      g_string_append (string,
                       _("Usage: headroom-cli inspect MODEL [OPTION…]\n"
                         "\n"
                         "Shows a model itself: its parameters by part, its layers, how its parameters and its\n"
                         "cache add up, and its tensors. Settings of the mode “inference”, such as --dtype,\n"
                         "--quantization, --batch-size and --prompt-length, say what the sizes are those of.\n"));
      append_options (string, inspect_options, G_N_ELEMENTS (inspect_options));
    }
  else if (g_strcmp0 (verb, "sweep") == 0)
    {
      g_string_append (string,
                       _("Usage: headroom-cli sweep MODEL… --over SETTING[=VALUES] [OPTION…]\n"
                         "\n"
                         "Says how much GPU memory a job takes at each of several values of a setting, for up\n"
                         "to seven models and scenarios side by side. Settings are those of “estimate”.\n"));
      append_options (string, sweep_options, G_N_ELEMENTS (sweep_options));
      g_string_append_c (string, '\n');
      hr_document_append_wrapped (string,
                                  _("Exit status: 0 some value fits, or no GPU was named; 1 none fits; 2 there is no "
                                    "estimate at any value."), 0);
    }
  else if (g_strcmp0 (verb, "compare") == 0)
    {
      g_string_append (string,
                       _("Usage: headroom-cli compare MODEL [MODEL] [OPTION…]\n"
                         "\n"
                         "Sets two estimates side by side: the settings that differ, the parts of the peak and\n"
                         "the phases with their differences. Each MODEL may be a scenario. Settings are those of\n"
                         "“estimate”, and are for both.\n"));
      append_options (string, compare_options, G_N_ELEMENTS (compare_options));
    }
  else if (g_strcmp0 (verb, "plan") == 0)
    {
      g_string_append (string,
                       _("Usage: headroom-cli plan MODEL --gpu NAME --gpus N [OPTION…]\n"
                         "\n"
                         "Lists the layouts of a job that fit on some GPUs, the fastest first. Of one that answers\n"
                         "requests, all ways in which its engine divides the model: tensor, pipeline, expert and\n"
                         "data parallelism, with the speed and the requests that each has room for. Of training\n"
                         "with Megatron-LM, or of all parameters where no framework is named, all degrees of\n"
                         "tensor, pipeline, context, expert and data parallelism, stages of ZeRO, ways of\n"
                         "checkpointing and micro-batches that go together; of other training and fine-tuning,\n"
                         "all ways in which its framework shares it, such as FSDP, hybrid shards, ZeRO and DDP.\n"
                         "Settings are those of “estimate”; those of a layout that are given stay as they are.\n"
                         "\n"
                         "With --least: the fewest GPUs on which the job fits, with what they share.\n"));
      append_options (string, plan_options, G_N_ELEMENTS (plan_options));
      g_string_append_c (string, '\n');
      hr_document_append_wrapped (string,
                                  _("Exit status: 0 some layout fits; 1 none fits; 2 layouts of such a job are not "
                                    "known."), 0);
    }
  else if (g_strcmp0 (verb, "launch") == 0)
    {
      g_string_append (string,
                       _("Usage: headroom-cli launch MODEL [OPTION…]\n"
                         "\n"
                         "Writes the settings of a job as the programs take them that do it: Python for\n"
                         "transformers, PEFT and TRL, the configurations of Accelerate, DeepSpeed and\n"
                         "torchtitan, the arguments of Megatron-LM. Settings are those of “estimate”.\n"));
      append_options (string, launch_options, G_N_ELEMENTS (launch_options));
    }
  else if (g_strcmp0 (verb, "log") == 0)
    {
      g_string_append (string,
                       _("Usage: headroom-cli log FILE [OPTION…]\n"
                         "\n"
                         "Says what a program has written about memory: the start of vLLM, SGLang, LMDeploy,\n"
                         "TensorRT-LLM, llama.cpp or Ollama, what nvidia-smi shows, torch.cuda.memory_summary()\n"
                         "or an error of torch that memory has run out. FILE may be “-”, the standard input.\n"));
      append_options (string, log_options, G_N_ELEMENTS (log_options));
    }
  else if (g_strcmp0 (verb, "list") == 0)
    {
      g_string_append (string,
                       _("Usage: headroom-cli list WHAT [OPTION…]\n"
                         "\n"
                         "Lists what Headroom knows; WHAT is one of models, gpus, architectures, precisions,\n"
                         "formats, engines, speeds (published ones, beside estimates) and glossary.\n"));
      append_options (string, list_options, G_N_ELEMENTS (list_options));
    }
  else if (g_strcmp0 (verb, "help") == 0)
    {
      g_string_append (string,
                       _("Usage: headroom-cli help [WORD…] [OPTION…]\n"
                         "\n"
                         "Says what the help has on these words: a term, a setting, a part of the memory, a\n"
                         "phase or a symbol. Without words it lists its topics.\n"));
      append_options (string, list_options, G_N_ELEMENTS (list_options));
    }
  else
    g_string_append (string,
                     _("Usage: headroom-cli COMMAND [ARGUMENT…]\n"
                       "\n"
                       "How much GPU memory a language model takes, where it goes, and whether it fits.\n"
                       "\n"
                       "Commands:\n"
                       "  estimate MODEL   estimate the memory of a job\n"
                       "  inspect MODEL    show the parameters and tensors of a model\n"
                       "  sweep MODEL      estimate a job at several values of a setting\n"
                       "  compare A B      set two estimates side by side\n"
                       "  plan MODEL       list the layouts of a job on many GPUs\n"
                       "  launch MODEL     write the settings as programs take them\n"
                       "  log FILE         read what a program has written about memory\n"
                       "  list WHAT        list models, gpus, architectures, precisions, formats, engines,\n"
                       "                   speeds or the glossary\n"
                       "  help WORD…       look up a term, a setting, a part of the memory or a symbol\n"
                       "\n"
                       "  --version        show the version\n"
                       "  --help           show this help; with a command, the help for it\n"
                       "\n"
                       "Example:\n"
                       "  headroom-cli estimate Qwen/Qwen2.5-7B-Instruct --prompt-length 8192 --gpu 4090\n"));

  return g_string_free (string, FALSE);
}
