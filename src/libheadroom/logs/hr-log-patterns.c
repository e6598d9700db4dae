/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-log-patterns.h"

#include <glib/gi18n-lib.h>

#include "hr-file.h"
#include "hr-json.h"

#define LOGS_PATH "/io/github/headroom/Headroom/data/logs"

/*
 * What programs say of memory: `data/logs`, a file for each program. The patterns live as long as the program.
 *
 * A unit is what the program counts in, whatever it writes: many write GB and divide by 2³⁰.
 */

static const struct
{
  const char *name;
  guint64 bytes;
} units[] = {
  { "count", 1 },
  { "million", 1000000 },
  { "thousand-million", 1000000000 },
  { "B", 1 },
  { "KiB", G_GUINT64_CONSTANT (1) << 10 },
  { "MiB", G_GUINT64_CONSTANT (1) << 20 },
  { "GiB", G_GUINT64_CONSTANT (1) << 30 },
  { "TiB", G_GUINT64_CONSTANT (1) << 40 },
  { "MB", 1000000 },
  { "GB", 1000000000 },
};

/* The unit that a program writes beside each number. */
#define WRITTEN "written"

static GRegex *
load_regex (HrJson      *node,
            const char  *group,
            GError     **error)
{
  g_autoptr (GRegex) regex = NULL;
  const char *pattern = NULL;

  if (!hr_json_read_string (node, &pattern, error))
    return NULL;

  regex = g_regex_new (pattern, G_REGEX_OPTIMIZE, 0, NULL);
  if (regex == NULL || (group != NULL && g_regex_get_string_number (regex, group) < 0))
    {
      hr_json_set_error (node, HR_ERROR_SCHEMA, _("a regular expression with the groups that are named"), error);
      return NULL;
    }

  return g_steal_pointer (&regex);
}

static gboolean
load_term (HrJson     *node,
           const char *name,
           HrLogTerm  *term,
           GError    **error)
{
  if (hr_log_term_from_name (name, term))
    return TRUE;

  hr_json_set_error (node, HR_ERROR_SCHEMA, _("the name of a figure"), error);

  return FALSE;
}

static gboolean
load_unit (HrJson              *node,
           HrLogFigurePattern  *figure,
           GError             **error)
{
  const char *name = NULL;

  if (!hr_json_read_string (node, &name, error))
    return FALSE;

  if (g_str_equal (name, WRITTEN))
    {
      figure->unit_group = g_strconcat (figure->group, "_unit", NULL);
      return TRUE;
    }

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      if (!g_str_equal (units[i].name, name))
        continue;
      figure->unit = units[i].bytes;
      return TRUE;
    }

  hr_json_set_error (node, HR_ERROR_SCHEMA, _("a unit"), error);

  return FALSE;
}

/* A group is called like its figure: `kv_cache` stands for kv-cache. */
static gboolean
load_figure (HrJson            *node,
             HrLogLinePattern  *line,
             GError           **error)
{
  const char *name = hr_json_get_key (node);
  HrLogFigurePattern figure = { .group = g_strdelimit (g_strdup (name), "-", '_') };

  if (!load_term (node, name, &figure.term, error) || !load_unit (node, &figure, error))
    return FALSE;

  if (g_regex_get_string_number (line->regex, figure.group) < 0 ||
      (figure.unit_group != NULL && g_regex_get_string_number (line->regex, figure.unit_group) < 0))
    {
      hr_json_set_error (node, HR_ERROR_SCHEMA, _("a regular expression with the groups that are named"), error);
      return FALSE;
    }

  figure.percent_group = g_strconcat (figure.group, "_percent", NULL);
  if (g_regex_get_string_number (line->regex, figure.percent_group) < 0)
    g_clear_pointer (&figure.percent_group, g_free);
  g_array_append_val (line->figures, figure);

  return TRUE;
}

static gboolean
load_line (HrJson            *node,
           HrLogLinePattern  *line,
           GError           **error)
{
  static const char * const members[] = { "has", "pattern", "figures", "adds", "cuts", "source", NULL };
  const char *source = NULL;
  HrJson *figures = NULL;
  HrJson *pattern;

  if (!hr_json_check_type (node, HR_JSON_OBJECT, error) || !hr_json_check_members (node, members, error) ||
      !hr_json_require_text (node, "has", &line->has, error) ||
      !hr_json_require_text (node, "source", &source, error) ||
      !hr_json_get_boolean (node, "adds", &line->adds, error) ||
      !hr_json_get_boolean (node, "cuts", &line->cuts, error) ||
      !hr_json_get_object (node, "figures", &figures, error))
    return FALSE;

  pattern = hr_json_require_member (node, "pattern", error);
  if (pattern == NULL)
    return FALSE;
  line->regex = load_regex (pattern, figures == NULL ? "device" : NULL, error);
  if (line->regex == NULL)
    return FALSE;

  line->has_device = g_regex_get_string_number (line->regex, "device") >= 0;
  line->figures = g_array_new (FALSE, FALSE, sizeof (HrLogFigurePattern));
  for (guint i = 0; figures != NULL && i < hr_json_get_length (figures); i++)
    {
      if (!load_figure (hr_json_get_element (figures, i), line, error))
        return FALSE;
    }

  return TRUE;
}

typedef gboolean (*LoadElement) (HrJson        *element,
                                 HrLogProgram  *program,
                                 GError       **error);

/* Each element of a list that may be absent. */
static gboolean
load_elements (HrJson        *document,
               const char    *key,
               LoadElement    load,
               HrLogProgram  *program,
               GError       **error)
{
  HrJson *elements = NULL;

  if (!hr_json_get_array (document, key, &elements, error))
    return FALSE;

  for (guint i = 0; elements != NULL && i < hr_json_get_length (elements); i++)
    {
      if (!load (hr_json_get_element (elements, i), program, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
add_line (HrJson        *element,
          HrLogProgram  *program,
          GError       **error)
{
  HrLogLinePattern line = { 0 };

  if (!load_line (element, &line, error))
    return FALSE;

  g_array_append_val (program->lines, line);

  return TRUE;
}

static gboolean
add_version (HrJson        *element,
             HrLogProgram  *program,
             GError       **error)
{
  GRegex *regex = load_regex (element, "version", error);

  if (regex == NULL)
    return FALSE;

  g_ptr_array_add (program->versions, regex);

  return TRUE;
}

static gboolean
load_starts (HrJson        *document,
             HrLogProgram  *program,
             GError       **error)
{
  g_auto (GStrv) starts = NULL;

  if (!hr_json_get_strings (document, "starts", &starts, error))
    return FALSE;

  for (guint i = 0; starts != NULL && starts[i] != NULL; i++)
    g_ptr_array_add (program->starts, (gpointer) g_intern_string (starts[i]));

  return TRUE;
}

static gboolean
add_difference (HrJson        *element,
                HrLogProgram  *program,
                GError       **error)
{
  static const char * const members[] = { "term", "from", "less", NULL };
  HrLogDifference difference;
  HrLogTerm *terms[] = { &difference.term, &difference.from, &difference.less };

  if (!hr_json_check_type (element, HR_JSON_OBJECT, error) || !hr_json_check_members (element, members, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (terms); i++)
    {
      const char *name = NULL;

      if (!hr_json_require_text (element, members[i], &name, error) || !load_term (element, name, terms[i], error))
        return FALSE;
    }

  g_array_append_val (program->differences, difference);

  return TRUE;
}

static gboolean
load_program (HrJson        *document,
              HrLogProgram  *program,
              GError       **error)
{
  static const char * const members[] = {
    "schema", "id", "name", "engine", "source", "versions", "starts", "host", "rank", "lines", "differences",
    NULL,
  };
  HrJson *host = hr_json_get_member (document, "host");
  HrJson *rank = hr_json_get_member (document, "rank");

  program->versions = g_ptr_array_new ();
  program->starts = g_ptr_array_new ();
  program->lines = g_array_new (FALSE, FALSE, sizeof (HrLogLinePattern));
  program->differences = g_array_new (FALSE, FALSE, sizeof (HrLogDifference));
  if (!hr_json_check_type (document, HR_JSON_OBJECT, error) || !hr_json_check_members (document, members, error) ||
      !hr_json_require_text (document, "id", &program->id, error) ||
      !hr_json_require_text (document, "name", &program->name, error) ||
      !hr_json_get_boolean (document, "engine", &program->is_engine, error) ||
      !load_elements (document, "versions", add_version, program, error) ||
      !load_starts (document, program, error) || hr_json_require_member (document, "lines", error) == NULL)
    return FALSE;

  if (rank != NULL)
    program->rank = load_regex (rank, "device", error);

  if (host != NULL)
    program->host = load_regex (host, NULL, error);

  return (rank == NULL || program->rank != NULL) && (host == NULL || program->host != NULL) &&
         load_elements (document, "lines", add_line, program, error) &&
         load_elements (document, "differences", add_difference, program, error);
}

static gpointer
load_programs (gpointer unused)
{
  GPtrArray *programs = g_ptr_array_new ();
  g_auto (GStrv) paths = hr_file_list_resources (LOGS_PATH);

  for (guint i = 0; paths[i] != NULL; i++)
    {
      HrLogProgram *program = g_new0 (HrLogProgram, 1);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrJson) document = hr_json_new_from_resource (paths[i], &error);

      /* The files are part of the library: one that cannot be read is a fault of the build. */
      if (document == NULL || !load_program (document, program, &error))
        g_error ("%s", error->message);
      g_ptr_array_add (programs, program);
    }

  return programs;
}

/*
 * _hr_log_programs_get:
 *
 * Gets what is known of the logs of programs. It may be called from any thread, and the list does not change.
 *
 * Returns: (transfer none) (element-type HrLogProgram): the programs
 */
const GPtrArray *
_hr_log_programs_get (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, load_programs, NULL);
}
