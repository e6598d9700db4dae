/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-help-text.h"

#include <glib/gi18n-lib.h>

#include "hr-document.h"
#include "hr-error.h"
#include "hr-help.h"
#include "hr-report-private.h"

/*
 * The topic of a key, or else only the best matches: topics that are called so, or else those whose titles have the
 * words, or all.
 */
static GPtrArray *
find_topics (GPtrArray   *topics,
             const char  *query,
             GError     **error)
{
  const HrHelpTopic *topic = hr_help_find (topics, query);
  g_autoptr (GPtrArray) found = NULL;
  guint best;

  if (topic != NULL)
    {
      found = g_ptr_array_new ();
      g_ptr_array_add (found, (gpointer) topic);
      return g_steal_pointer (&found);
    }

  found = hr_help_search (topics, query);
  if (found->len == 0)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“%s”: the help has nothing on that"), query);
      return NULL;
    }

  best = hr_help_topic_match (g_ptr_array_index (found, 0), query);
  for (guint i = 1; i < found->len; i++)
    {
      if (hr_help_topic_match (g_ptr_array_index (found, i), query) < best)
        {
          g_ptr_array_set_size (found, i);
          break;
        }
    }

  return g_steal_pointer (&found);
}

static void
add_paragraphs (HrDocument *document,
                const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (*lines[i] != '\0')
        hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, lines[i]);
    }
}

static void
add_topic (HrDocument        *document,
           const HrHelpTopic *topic)
{
  HrDocumentBlock *list;

  hr_document_add_text (document, HR_DOCUMENT_SUBHEADING, topic->title);
  add_paragraphs (document, topic->text);
  if (topic->links[0] == NULL)
    return;

  list = hr_document_add_list (document);
  for (guint i = 0; topic->links[i] != NULL; i++)
    hr_document_block_add_item (list, topic->links[i]);
}

/* What there is, section by section: titles, with the keys that find them in every language. */
static void
add_contents (HrDocument *document,
              GPtrArray  *topics)
{
  HrDocumentBlock *facts = NULL;

  for (guint i = 0; i < topics->len; i++)
    {
      const HrHelpTopic *topic = g_ptr_array_index (topics, i);
      const HrHelpTopic *last = i > 0 ? g_ptr_array_index (topics, i - 1) : NULL;

      if (last == NULL || last->section != topic->section)
        {
          hr_document_add_text (document, HR_DOCUMENT_HEADING, hr_help_section_get_label (topic->section));
          facts = hr_document_add_facts (document);
        }
      if (topic->section == HR_HELP_SECTION_SYMBOL)
        hr_document_block_add_fact (facts, topic->title, topic->text, HR_DOCUMENT_PLAIN);
      else
        hr_document_block_add_fact (facts, topic->id, topic->title, HR_DOCUMENT_PLAIN);
    }
}

/**
 * hr_help_to_text: (skip)
 * @query: (nullable): words to look for, or a key such as `setting:batch-size`; %NULL for the contents
 * @style: how to write
 * @error: where to put an error, of the domain %HR_ERROR
 *
 * Writes the topics of the help that answer a query best, or what topics there are.
 *
 * Returns: (transfer full) (nullable): the text in the user's language, or %NULL if there is nothing on it
 */
char *
hr_help_to_text (const char         *query,
                 HrReportTextStyle   style,
                 GError            **error)
{
  g_autoptr (GPtrArray) topics = hr_help_list_topics ();
  g_autoptr (HrDocument) document = hr_document_new ();
  g_autoptr (GPtrArray) found = NULL;
  g_autofree char *text = NULL;

  if (query == NULL)
    {
      add_contents (document, topics);
    }
  else
    {
      found = find_topics (topics, query, error);
      if (found == NULL)
        return NULL;
      for (guint i = 0; i < found->len; i++)
        add_topic (document, g_ptr_array_index (found, i));
    }

  text = hr_document_to_text (document, style);

  return g_str_has_suffix (text, "\n") ? g_steal_pointer (&text) : g_strconcat (text, "\n", NULL);
}

/**
 * hr_help_to_json: (skip)
 * @query: (nullable): words to look for, or a key; %NULL for everything
 * @error: where to put an error, of the domain %HR_ERROR
 *
 * Writes the topics of the help that answer a query best as JSON, with the schema `headroom-help/1`.
 *
 * Returns: (transfer full) (nullable): the JSON, or %NULL if there is nothing on it
 */
char *
hr_help_to_json (const char  *query,
                 GError     **error)
{
  g_autoptr (GPtrArray) topics = hr_help_list_topics ();
  g_autoptr (GPtrArray) found = query != NULL ? find_topics (topics, query, error) : g_ptr_array_ref (topics);
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  if (found == NULL)
    return NULL;

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "schema", "headroom-help/1");
  json_builder_set_member_name (builder, "topics");
  json_builder_begin_array (builder);
  for (guint i = 0; i < found->len; i++)
    {
      const HrHelpTopic *topic = g_ptr_array_index (found, i);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "id", topic->id);
      hr_json_build_string (builder, "section", hr_help_section_get_name (topic->section));
      hr_json_build_string (builder, "section-label", hr_help_section_get_label (topic->section));
      hr_json_build_string (builder, "title", topic->title);
      hr_json_build_string (builder, "text", topic->text);
      json_builder_set_member_name (builder, "links");
      json_builder_begin_array (builder);
      for (guint j = 0; topic->links[j] != NULL; j++)
        json_builder_add_string_value (builder, topic->links[j]);
      json_builder_end_array (builder);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);

  return hr_json_builder_to_text (builder);
}
