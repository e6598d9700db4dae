/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-help-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-formula-symbols.h"
#include "hr-job-enums.h"
#include "hr-labels.h"

/*
 * The help is one list of topics. Only guides and terms have texts of their own: what there is to say of components,
 * phases, settings and symbols is said elsewhere already.
 */

static const struct
{
  const char *name;
  const char *label;
} sections[HR_N_HELP_SECTIONS] = {
  [HR_HELP_SECTION_GUIDE] = { "guide", N_("How It Works") },
  [HR_HELP_SECTION_TERM] = { "term", N_("Terms") },
  [HR_HELP_SECTION_COMPONENT] = { "component", N_("Parts of the Memory") },
  [HR_HELP_SECTION_PHASE] = { "phase", N_("Phases") },
  [HR_HELP_SECTION_SETTING] = { "setting", N_("Settings") },
  [HR_HELP_SECTION_SYMBOL] = { "symbol", N_("Symbols in Formulas") },
};

static void
hr_help_topic_free (HrHelpTopic *self)
{
  g_free (self->id);
  g_free (self->title);
  g_free (self->text);
  g_strfreev (self->links);
  g_free (self);
}

static void
add_topic (GPtrArray          *topics,
           HrHelpSection       section,
           const char         *name,
           const char         *title,
           const char         *text,
           const char * const *links)
{
  HrHelpTopic *topic = g_new0 (HrHelpTopic, 1);

  topic->section = section;
  topic->id = g_strdup_printf ("%s:%s", sections[section].name, name);
  topic->title = g_strdup (title);
  topic->text = g_strdup (text);
  topic->links = links != NULL ? g_strdupv ((char **) links) : g_new0 (char *, 1);
  g_ptr_array_add (topics, topic);
}

static void
add_texts (GPtrArray        *topics,
           const HrHelpText *texts,
           guint             n_texts)
{
  for (guint i = 0; i < n_texts; i++)
    add_topic (topics, texts[i].section, texts[i].id, _(texts[i].title), _(texts[i].text), texts[i].links);
}

static void
add_components (GPtrArray *topics)
{
  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    add_topic (topics, HR_HELP_SECTION_COMPONENT, hr_component_id_get_name (id), hr_component_id_get_label (id),
               hr_component_id_get_description (id), NULL);
}

static void
add_phases (GPtrArray *topics)
{
  for (HrPhaseId id = 0; id < HR_N_PHASES; id++)
    add_topic (topics, HR_HELP_SECTION_PHASE, hr_phase_id_get_name (id), hr_phase_id_get_label (id),
               hr_phase_id_get_description (id), NULL);
}

static void
add_symbols (GPtrArray *topics)
{
  for (guint i = 0; i < hr_formula_get_n_symbols (); i++)
    add_topic (topics, HR_HELP_SECTION_SYMBOL, hr_formula_get_symbol (i), hr_formula_get_symbol (i),
               hr_formula_get_symbol_description (i), NULL);
}

/* In which modes a setting is there, as a list of their names. */
static char *
list_modes (GParamSpec *setting)
{
  g_autoptr (GEnumClass) modes = g_type_class_ref (HR_TYPE_MODE);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < modes->n_values; i++)
    {
      g_autoptr (HrJob) job = hr_job_new (modes->values[i].value);

      if (g_object_class_find_property (G_OBJECT_GET_CLASS (job), setting->name) != NULL)
        g_ptr_array_add (names, (char *) hr_mode_get_label (modes->values[i].value));
    }
  g_ptr_array_add (names, NULL);

  /* Translators: between the names in a list such as "Activations, Logits, CUDA context" */
  return g_strjoinv (C_("between names in a list", ", "), (char **) names->pdata);
}

static void
append_choices (GString    *text,
                GParamSpec *setting)
{
  GParamSpecEnum *choices = G_PARAM_SPEC_ENUM (setting);

  g_string_append_printf (text, "\n\n%s", _("Choices:"));
  for (guint i = 0; i < choices->enum_class->n_values; i++)
    {
      const GEnumValue *choice = &choices->enum_class->values[i];

      g_string_append_printf (text, "\n• %s (%s)", hr_setting_get_choice_label (setting, choice->value),
                              choice->value_nick);
    }
  g_string_append_c (text, '\n');
}

static char *
describe_setting (HrJob      *job,
                  GParamSpec *setting)
{
  g_autofree char *modes = list_modes (setting);
  g_autofree char *value = hr_job_get_as_string (job, setting->name);
  GString *text = g_string_new (hr_setting_get_description (setting));

  if (G_IS_PARAM_SPEC_ENUM (setting))
    {
      append_choices (text, setting);
    }
  else
    {
      g_autofree char *range = hr_job_dup_setting_range (setting);

      g_string_append (text, "\n\n");
      /* Translators: what values a setting takes, such as “1 to 65536” */
      g_string_append_printf (text, _("Values: %s"), range);
    }

  if (*value != '\0')
    {
      g_string_append_c (text, '\n');
      if (!G_IS_PARAM_SPEC_ENUM (setting))
        g_string_append_printf (text, _("Default: %s"), value);
      else
        g_string_append_printf (text, _("Default: %s"),
                                hr_setting_get_choice_label (setting, G_PARAM_SPEC_ENUM (setting)->default_value));
    }
  g_string_append_c (text, '\n');
  /* Translators: a list of modes, such as “Inference, Training” */
  g_string_append_printf (text, _("Modes: %s"), modes);
  g_string_append_c (text, '\n');
  /* Translators: the option of the command line, such as “batch-size” */
  g_string_append_printf (text, _("In the terminal and in files: %s"), setting->name);

  return g_string_free (text, FALSE);
}

static void
add_settings (GPtrArray *topics)
{
  g_autoptr (GEnumClass) modes = g_type_class_ref (HR_TYPE_MODE);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < modes->n_values; i++)
    {
      g_autoptr (HrJob) job = hr_job_new (modes->values[i].value);
      g_autofree GParamSpec **settings = NULL;
      guint n_settings;

      settings = hr_job_list_settings (job, &n_settings);
      for (guint j = 0; j < n_settings; j++)
        {
          g_autofree char *text = NULL;

          if (!g_hash_table_add (seen, (char *) settings[j]->name))
            continue;

          text = describe_setting (job, settings[j]);
          add_topic (topics, HR_HELP_SECTION_SETTING, settings[j]->name, hr_setting_get_label (settings[j]), text,
                     NULL);
        }
    }
}

/**
 * hr_help_section_get_label: (skip)
 * @section: a section of the help
 *
 * Gets what a section is called.
 *
 * Returns: (transfer none): the label in the user's language
 */
const char *
hr_help_section_get_label (HrHelpSection section)
{
  g_return_val_if_fail (section < HR_N_HELP_SECTIONS, NULL);

  return _(sections[section].label);
}

/**
 * hr_help_section_get_name: (skip)
 * @section: a section of the help
 *
 * Gets what the keys of its topics begin with, such as `setting`.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_help_section_get_name (HrHelpSection section)
{
  g_return_val_if_fail (section < HR_N_HELP_SECTIONS, NULL);

  return sections[section].name;
}

/**
 * hr_help_list_topics: (skip)
 *
 * Lists all topics of the help, section by section.
 *
 * Returns: (transfer full) (element-type HrHelpTopic): the topics
 */
GPtrArray *
hr_help_list_topics (void)
{
  GPtrArray *topics = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_help_topic_free);
  const HrHelpText *texts;
  guint n_texts;

  texts = _hr_help_list_guides (&n_texts);
  add_texts (topics, texts, n_texts);
  texts = _hr_help_list_terms (&n_texts);
  add_texts (topics, texts, n_texts);
  add_components (topics);
  add_phases (topics);
  add_settings (topics);
  add_symbols (topics);

  return topics;
}

/**
 * hr_help_find: (skip)
 * @topics: (element-type HrHelpTopic): topics
 * @id: a key, such as `component:kv-cache`
 *
 * Finds a topic by its key.
 *
 * Returns: (transfer none) (nullable): the topic
 */
const HrHelpTopic *
hr_help_find (GPtrArray  *topics,
              const char *id)
{
  g_return_val_if_fail (topics != NULL, NULL);
  g_return_val_if_fail (id != NULL, NULL);

  for (guint i = 0; i < topics->len; i++)
    {
      const HrHelpTopic *topic = g_ptr_array_index (topics, i);

      if (g_str_equal (topic->id, id))
        return topic;
    }

  return NULL;
}

static gboolean
has_all_words (const char         *text,
               const char * const *words)
{
  g_autofree char *folded = g_utf8_casefold (text, -1);

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (strstr (folded, words[i]) == NULL)
        return FALSE;
    }

  return TRUE;
}

/**
 * hr_help_topic_match: (skip)
 * @self: a topic
 * @query: words, of which all must be found
 *
 * Finds out how well a topic answers a search. Letters of formulas are told apart by their case.
 *
 * Returns: 4 if its title or the name in its key is the query, 3 if that begins with it, 2 if it has all its words, 1
 *   if the text has, 0 if some word is not there
 */
guint
hr_help_topic_match (const HrHelpTopic *self,
                     const char        *query)
{
  g_autofree char *folded = NULL;
  g_autofree char *title = NULL;
  g_autofree char *all = NULL;
  g_auto (GStrv) words = NULL;
  const char *name;

  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (query != NULL, 0);

  folded = g_strstrip (g_utf8_casefold (query, -1));
  title = g_utf8_casefold (self->title, -1);
  words = g_strsplit_set (folded, " \t", -1);
  name = strchr (self->id, ':') + 1;
  all = g_strdup_printf ("%s %s %s", self->title, self->id, self->text);

  if (self->section == HR_HELP_SECTION_SYMBOL)
    return g_str_equal (self->title, query) ? 4 : has_all_words (self->text, (const char * const *) words) ? 1 : 0;
  if (g_str_equal (title, folded) || g_str_equal (name, folded))
    return 4;
  if (g_str_has_prefix (title, folded) || g_str_has_prefix (name, folded))
    return 3;
  if (has_all_words (title, (const char * const *) words) || has_all_words (name, (const char * const *) words))
    return 2;

  return has_all_words (all, (const char * const *) words) ? 1 : 0;
}

/**
 * hr_help_search: (skip)
 * @topics: (element-type HrHelpTopic): topics, which must stay
 * @query: words, of which all must be found; an empty one finds everything
 *
 * Finds topics, the best ones first and otherwise in their order.
 *
 * Returns: (transfer container) (element-type HrHelpTopic): what was found
 */
GPtrArray *
hr_help_search (GPtrArray  *topics,
                const char *query)
{
  GPtrArray *found = g_ptr_array_new ();
  g_autofree char *stripped = NULL;
  g_autofree guint *matches = NULL;

  g_return_val_if_fail (topics != NULL, found);
  g_return_val_if_fail (query != NULL, found);

  stripped = g_strstrip (g_strdup (query));
  matches = g_new (guint, topics->len + 1);
  for (guint i = 0; i < topics->len; i++)
    matches[i] = *stripped == '\0' ? 1 : hr_help_topic_match (g_ptr_array_index (topics, i), stripped);

  for (guint match = 4; match > 0; match--)
    {
      for (guint i = 0; i < topics->len; i++)
        {
          if (matches[i] == match)
            g_ptr_array_add (found, g_ptr_array_index (topics, i));
        }
    }

  return found;
}
