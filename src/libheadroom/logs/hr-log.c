/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-log.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "hr-error.h"
#include "hr-file.h"
#include "hr-log-patterns.h"
#include "hr-message.h"
#include "hr-units.h"

/* Longer lines are cut: no program says in so many characters what it takes. */
#define MAX_LINE_BYTES 16384

/**
 * HrLog:
 *
 * What programs that run models, and programs that look on, have written about memory: the start of vLLM, SGLang,
 * LMDeploy, TensorRT-LLM, llama.cpp or Ollama, what nvidia-smi shows, a summary or an error of torch.
 *
 * Lines may have anything before and after what is looked for, as time stamps and names of processes. Where a
 * program was started several times in one log, the last start that says something is read.
 */
struct _HrLog
{
  GObject parent_instance;

  GArray *figures;
  const HrLogProgram *program;
  char *version;
};

G_DEFINE_FINAL_TYPE (HrLog, hr_log, G_TYPE_OBJECT)

static const struct
{
  const char *name;
  gboolean is_count;
} terms[HR_N_LOG_TERMS] = {
  [HR_LOG_WEIGHTS] = { "weights", FALSE },
  [HR_LOG_KV_CACHE] = { "kv-cache", FALSE },
  [HR_LOG_RECURRENT_STATE] = { "recurrent-state", FALSE },
  [HR_LOG_ACTIVATIONS] = { "activations", FALSE },
  [HR_LOG_COMPUTE_BUFFER] = { "compute-buffer", FALSE },
  [HR_LOG_OUTPUT_BUFFER] = { "output-buffer", FALSE },
  [HR_LOG_CUDA_GRAPHS] = { "cuda-graphs", FALSE },
  [HR_LOG_NON_TORCH] = { "non-torch", FALSE },
  [HR_LOG_CONSUMED] = { "consumed", FALSE },
  [HR_LOG_ALLOCATED] = { "allocated", FALSE },
  [HR_LOG_ALLOCATED_PEAK] = { "allocated-peak", FALSE },
  [HR_LOG_RESERVED] = { "reserved", FALSE },
  [HR_LOG_RESERVED_PEAK] = { "reserved-peak", FALSE },
  [HR_LOG_REQUESTED] = { "requested", FALSE },
  [HR_LOG_PROCESS] = { "process", FALSE },
  [HR_LOG_DEVICE_USED] = { "device-used", FALSE },
  [HR_LOG_DEVICE_FREE] = { "device-free", FALSE },
  [HR_LOG_DEVICE_TOTAL] = { "device-total", FALSE },
  [HR_LOG_FREE_BEFORE_LOAD] = { "free-before-load", FALSE },
  [HR_LOG_FREE_AFTER_LOAD] = { "free-after-load", FALSE },
  [HR_LOG_FREE_AFTER_POOL] = { "free-after-pool", FALSE },
  [HR_LOG_KV_TOKENS] = { "kv-tokens", TRUE },
  [HR_LOG_KV_BLOCKS] = { "kv-blocks", TRUE },
  [HR_LOG_PARAMETERS] = { "parameters", TRUE },
  [HR_LOG_LAYERS_ON_GPU] = { "layers-on-gpu", TRUE },
};

/* What has been read of one program so far. */
typedef struct
{
  const HrLogProgram *program;
  GArray *figures;
  char *version;
  char *device;
} Reading;

static void
clear_figure (gpointer data)
{
  HrLogFigure *figure = data;

  g_free (figure->device);
}

static GArray *
create_figures (void)
{
  GArray *figures = g_array_new (FALSE, FALSE, sizeof (HrLogFigure));

  g_array_set_clear_func (figures, clear_figure);

  return figures;
}

static void
reading_clear (gpointer data)
{
  Reading *self = data;

  g_array_unref (self->figures);
  g_free (self->version);
  g_free (self->device);
}

/* Numbers as programs write them: digits in groups, a point, an exponent. */
static gboolean
read_number (const char *text,
             guint64     unit,
             guint64    *value,
             guint64    *margin)
{
  g_autofree char *plain = g_strdelimit (g_strdup (text), ",", ' ');
  const char *point;
  double number;
  int n_decimals;
  char *end = NULL;
  char *to = plain;

  for (const char *from = plain; *from != '\0'; from++)
    {
      if (*from != ' ')
        *to++ = *from;
    }
  *to = '\0';

  number = g_ascii_strtod (plain, &end);
  if (end == plain || *end != '\0' || !isfinite (number) || number < 0 || number * unit >= (double) G_MAXINT64)
    return FALSE;

  point = strchr (plain, '.');
  n_decimals = point != NULL ? (int) strlen (point + 1) : 0;
  *value = llround (number * unit);
  *margin = unit > 1 ? llround (0.5 * unit * pow (10, -n_decimals)) : 0;

  return TRUE;
}

static gboolean
read_unit (const char *text,
           guint64    *unit)
{
  static const char prefixes[] = "KMGT";
  const char *prefix = *text != '\0' ? strchr (prefixes, g_ascii_toupper (*text)) : NULL;

  *unit = 1;
  if (prefix != NULL)
    *unit <<= 10 * (prefix - prefixes + 1);

  return prefix != NULL || *text == 'B';
}

static HrLogFigure *
find_figure (GArray     *figures,
             HrLogTerm   term,
             const char *device)
{
  for (guint i = 0; i < figures->len; i++)
    {
      HrLogFigure *figure = &g_array_index (figures, HrLogFigure, i);

      if (figure->term == term && g_strcmp0 (figure->device, device) == 0)
        return figure;
    }

  return NULL;
}

/* What is said once more of the same device has changed; where a device has several of a kind, they add up. */
static void
reading_add (Reading    *self,
             HrLogTerm   term,
             const char *device,
             guint64     value,
             guint64     margin,
             guint       line,
             gboolean    adds)
{
  HrLogFigure *known = find_figure (self->figures, term, device);
  HrLogFigure figure = { .program = self->program->id, .term = term, .value = value, .margin = margin, .line = line };

  if (known != NULL)
    {
      known->value = adds ? known->value + value : value;
      known->margin = adds ? known->margin + margin : margin;
      known->line = line;
      return;
    }

  figure.device = g_strdup (device);
  figure.is_host = device != NULL && self->program->host != NULL &&
                   g_regex_match (self->program->host, device, 0, NULL);
  g_array_append_val (self->figures, figure);
}

/* What is meant of a number that was cut, or of which percents were said, and how far that may be off. */
static void
finish_number (const HrLogLinePattern   *pattern,
               const HrLogFigurePattern *figure,
               GMatchInfo               *match,
               const char               *number,
               guint64                  *value,
               guint64                  *margin)
{
  g_autofree char *text = NULL;
  guint64 percent, unused;

  if (pattern->cuts && strchr (number, '.') == NULL)
    *value += *margin;
  if (figure->percent_group != NULL)
    text = g_match_info_fetch_named (match, figure->percent_group);
  if (text == NULL || *text == '\0' || !read_number (text, 1, &percent, &unused))
    return;

  *margin = *margin * percent / 100 + *value / 200;
  *value = *value * percent / 100;
}

static void
reading_add_match (Reading                *self,
                   const HrLogLinePattern *pattern,
                   GMatchInfo             *match,
                   const char             *device,
                   guint                   line)
{
  for (guint i = 0; i < pattern->figures->len; i++)
    {
      const HrLogFigurePattern *figure = &g_array_index (pattern->figures, HrLogFigurePattern, i);
      g_autofree char *number = g_match_info_fetch_named (match, figure->group);
      g_autofree char *unit_text = NULL;
      guint64 unit = figure->unit;
      guint64 value;
      guint64 margin;

      if (figure->unit_group != NULL)
        unit_text = g_match_info_fetch_named (match, figure->unit_group);
      /* A group that is optional may have matched nothing. */
      if (number == NULL || *number == '\0' || (unit_text != NULL && !read_unit (unit_text, &unit)) ||
          !read_number (number, unit, &value, &margin))
        continue;
      finish_number (pattern, figure, match, number, &value, &margin);
      reading_add (self, figure->term, device, value, margin, line, pattern->adds);
    }
}

static char *
reading_dup_device (Reading                *self,
                    const HrLogLinePattern *pattern,
                    GMatchInfo             *match,
                    const char             *text)
{
  g_autoptr (GMatchInfo) rank = NULL;
  g_autofree char *device = NULL;

  if (pattern->has_device)
    device = g_match_info_fetch_named (match, "device");
  else if (self->program->rank != NULL && g_regex_match (self->program->rank, text, 0, &rank))
    device = g_match_info_fetch_named (rank, "device");
  else
    device = g_strdup (self->device);

  return device != NULL && *device != '\0' ? g_strstrip (g_steal_pointer (&device)) : NULL;
}

static void
reading_match_lines (Reading    *self,
                     const char *text,
                     guint       line)
{
  for (guint i = 0; i < self->program->lines->len; i++)
    {
      const HrLogLinePattern *pattern = &g_array_index (self->program->lines, HrLogLinePattern, i);
      g_autoptr (GMatchInfo) match = NULL;
      g_autofree char *device = NULL;

      if (strstr (text, pattern->has) == NULL || !g_regex_match (pattern->regex, text, 0, &match))
        continue;

      device = reading_dup_device (self, pattern, match, text);
      if (pattern->figures->len > 0)
        {
          reading_add_match (self, pattern, match, device, line);
          continue;
        }
      g_free (self->device);
      self->device = g_steal_pointer (&device);
    }
}

static void
reading_match_version (Reading    *self,
                       const char *text)
{
  for (guint i = 0; i < self->program->versions->len; i++)
    {
      g_autoptr (GMatchInfo) match = NULL;

      if (!g_regex_match (g_ptr_array_index (self->program->versions, i), text, 0, &match))
        continue;
      g_free (self->version);
      self->version = g_match_info_fetch_named (match, "version");
      return;
    }
}

static gboolean
reading_is_start (Reading    *self,
                  const char *text)
{
  for (guint i = 0; i < self->program->starts->len; i++)
    {
      if (strstr (text, g_ptr_array_index (self->program->starts, i)) != NULL)
        return TRUE;
    }

  return FALSE;
}

/* What an earlier start has said is kept until the next one says something itself. */
static void
reading_read_line (Reading    *self,
                   GArray    **earlier,
                   const char *text,
                   guint       line)
{
  if (self->figures->len > 0 && reading_is_start (self, text))
    {
      g_clear_pointer (earlier, g_array_unref);
      *earlier = g_steal_pointer (&self->figures);
      self->figures = create_figures ();
    }

  reading_match_version (self, text);
  reading_match_lines (self, text, line);
}

static void
reading_add_differences (Reading *self)
{
  for (guint i = 0; i < self->program->differences->len; i++)
    {
      const HrLogDifference *rule = &g_array_index (self->program->differences, HrLogDifference, i);

      for (guint j = 0; j < self->figures->len; j++)
        {
          HrLogFigure from = g_array_index (self->figures, HrLogFigure, j);
          HrLogFigure *less = find_figure (self->figures, rule->less, from.device);

          if (from.term == rule->from && less != NULL && less->value <= from.value &&
              find_figure (self->figures, rule->term, from.device) == NULL)
            reading_add (self, rule->term, from.device, from.value - less->value, from.margin + less->margin,
                         less->line, FALSE);
        }
    }
}

/* Terminals are told colours in between, and a paste may have lost half a character. */
static char *
clean_line (const char *start,
            gsize       length)
{
  g_autofree char *valid = g_utf8_make_valid (start, MIN (length, MAX_LINE_BYTES));
  char *to = valid;

  for (const char *from = valid; *from != '\0'; from++)
    {
      if (from[0] == '\033' && from[1] == '[')
        {
          from += 2;
          while (*from != '\0' && !g_ascii_isalpha (*from))
            from++;
          if (*from == '\0')
            break;
          continue;
        }
      *to++ = *from == '\r' ? ' ' : *from;
    }
  *to = '\0';

  return g_steal_pointer (&valid);
}

static void
read_lines (GArray     *readings,
            GPtrArray  *earlier,
            const char *text,
            gsize       length)
{
  const char *end = text + length;
  guint line = 1;

  for (const char *start = text; start < end; line++)
    {
      const char *stop = memchr (start, '\n', end - start);
      g_autofree char *clean = clean_line (start, (stop != NULL ? stop : end) - start);

      for (guint i = 0; i < readings->len; i++)
        reading_read_line (&g_array_index (readings, Reading, i), (GArray **) &g_ptr_array_index (earlier, i), clean,
                           line);
      start = stop != NULL ? stop + 1 : end;
    }
}

static gboolean
is_said_by_device (GArray            *figures,
                   const HrLogFigure *total)
{
  for (guint i = 0; i < figures->len; i++)
    {
      const HrLogFigure *figure = &g_array_index (figures, HrLogFigure, i);

      if (figure->term == total->term && figure->device != NULL)
        return TRUE;
    }

  return FALSE;
}

/* A sum over all devices says nothing more where each device has a figure of its own. */
static void
reading_drop_totals (Reading *self)
{
  for (guint i = self->figures->len; i > 0; i--)
    {
      const HrLogFigure *figure = &g_array_index (self->figures, HrLogFigure, i - 1);

      if (figure->device == NULL && is_said_by_device (self->figures, figure))
        g_array_remove_index (self->figures, i - 1);
    }
}

/* The program that says most is the one that ran the model. */
static void
hr_log_choose_program (HrLog  *self,
                       GArray *readings)
{
  const Reading *best = NULL;

  for (guint i = 0; i < readings->len; i++)
    {
      const Reading *reading = &g_array_index (readings, Reading, i);

      if (reading->figures->len == 0)
        continue;
      if (best == NULL || (reading->program->is_engine && !best->program->is_engine) ||
          (reading->program->is_engine == best->program->is_engine && reading->figures->len > best->figures->len))
        best = reading;
    }

  if (best == NULL)
    return;

  self->program = best->program;
  self->version = g_strdup (best->version);
}

static void
hr_log_take (HrLog  *self,
             GArray *readings)
{
  for (guint i = 0; i < readings->len; i++)
    {
      GArray *figures = g_array_index (readings, Reading, i).figures;

      for (guint j = 0; j < figures->len; j++)
        {
          HrLogFigure figure = g_array_index (figures, HrLogFigure, j);

          figure.device = g_strdup (figure.device);
          g_array_append_val (self->figures, figure);
        }
    }
}

static void
hr_log_read (HrLog      *self,
             const char *text,
             gsize       length)
{
  const GPtrArray *programs = _hr_log_programs_get ();
  g_autoptr (GArray) readings = g_array_new (FALSE, TRUE, sizeof (Reading));
  g_autoptr (GPtrArray) earlier = g_ptr_array_new ();

  g_array_set_clear_func (readings, reading_clear);
  for (guint i = 0; i < programs->len; i++)
    {
      Reading reading = { .program = g_ptr_array_index (programs, i), .figures = create_figures () };

      g_array_append_val (readings, reading);
      g_ptr_array_add (earlier, NULL);
    }

  read_lines (readings, earlier, text, length);

  for (guint i = 0; i < readings->len; i++)
    {
      Reading *reading = &g_array_index (readings, Reading, i);
      g_autoptr (GArray) before = g_ptr_array_index (earlier, i);

      if (reading->figures->len == 0 && before != NULL)
        {
          g_array_unref (reading->figures);
          reading->figures = g_steal_pointer (&before);
        }
      reading_drop_totals (reading);
      reading_add_differences (reading);
    }

  hr_log_choose_program (self, readings);
  hr_log_take (self, readings);
}

static gboolean
hr_log_is_engine (const char *id)
{
  const GPtrArray *programs = _hr_log_programs_get ();

  for (guint i = 0; i < programs->len; i++)
    {
      const HrLogProgram *program = g_ptr_array_index (programs, i);

      if (g_str_equal (program->id, id))
        return program->is_engine;
    }

  return FALSE;
}

static void
hr_log_finalize (GObject *object)
{
  HrLog *self = HR_LOG (object);

  g_array_unref (self->figures);
  g_free (self->version);

  G_OBJECT_CLASS (hr_log_parent_class)->finalize (object);
}

static void
hr_log_class_init (HrLogClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hr_log_finalize;
}

static void
hr_log_init (HrLog *self)
{
  self->figures = create_figures ();
}

static char *
join_program_names (void)
{
  const GPtrArray *programs = _hr_log_programs_get ();
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < programs->len; i++)
    {
      const HrLogProgram *program = g_ptr_array_index (programs, i);

      g_string_append_printf (names, "%s%s", i > 0 ? C_("between names in a list", ", ") : "", program->name);
    }

  return g_string_free (g_steal_pointer (&names), FALSE);
}

/**
 * hr_log_new_from_text:
 * @text: what a program has written
 * @length: its length in bytes, or -1 where it ends with a zero
 * @origin: what the text is called in errors
 * @error: return location for an error
 *
 * Reads what a program has written about memory.
 *
 * Returns: (transfer full) (nullable): what it says, or %NULL with an error of %HR_ERROR where it says nothing of
 *   memory that is known
 */
HrLog *
hr_log_new_from_text (const char  *text,
                      gssize       length,
                      const char  *origin,
                      GError     **error)
{
  g_autoptr (HrLog) self = NULL;
  g_autofree char *names = NULL;
  gsize n_bytes;

  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (origin != NULL, NULL);

  n_bytes = length < 0 ? strlen (text) : (gsize) length;
  if (n_bytes > HR_LOG_MAX_BYTES)
    {
      g_autofree char *most = hr_format_bytes (HR_LOG_MAX_BYTES, HR_UNIT_SYSTEM_BINARY);
      g_autofree char *found = hr_format_bytes (n_bytes, HR_UNIT_SYSTEM_BINARY);

      hr_message_set_error (error, HR_ERROR_TOO_LARGE, N_("%s: expected at most %s, found %s"), origin, most, found);
      return NULL;
    }

  self = g_object_new (HR_TYPE_LOG, NULL);
  hr_log_read (self, text, n_bytes);
  if (self->program != NULL)
    return g_steal_pointer (&self);

  names = join_program_names ();
  hr_message_set_error (error, HR_ERROR_SYNTAX,
                        N_("%s: expected lines in which one of these programs says what it takes: %s; found none"),
                        origin, names);

  return NULL;
}

/**
 * hr_log_new_from_file:
 * @file: a file with what a program has written
 * @error: return location for an error
 *
 * Reads what a program has written about memory.
 *
 * Returns: (transfer full) (nullable): what it says, or %NULL with an error
 */
HrLog *
hr_log_new_from_file (GFile   *file,
                      GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *name = NULL;
  const char *text;
  gsize length;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  bytes = hr_file_load (file, HR_LOG_MAX_BYTES, error);
  if (bytes == NULL)
    return NULL;

  name = g_file_get_parse_name (file);
  text = g_bytes_get_data (bytes, &length);

  return hr_log_new_from_text (text != NULL ? text : "", length, name, error);
}

/**
 * hr_log_get_program:
 * @self: a log
 *
 * Gets the id of the program that ran the model, or else of the one that looked on.
 *
 * Returns: (transfer none): such as `vllm`
 */
const char *
hr_log_get_program (HrLog *self)
{
  g_return_val_if_fail (HR_IS_LOG (self), NULL);

  return self->program->id;
}

/**
 * hr_log_get_program_name:
 * @self: a log
 *
 * Gets what that program calls itself.
 *
 * Returns: (transfer none): such as `vLLM`
 */
const char *
hr_log_get_program_name (HrLog *self)
{
  g_return_val_if_fail (HR_IS_LOG (self), NULL);

  return self->program->name;
}

/**
 * hr_log_get_version:
 * @self: a log
 *
 * Gets the version of that program.
 *
 * Returns: (transfer none) (nullable): the version, or %NULL where the log does not say it
 */
const char *
hr_log_get_version (HrLog *self)
{
  g_return_val_if_fail (HR_IS_LOG (self), NULL);

  return self->version;
}

/**
 * hr_log_get_figures: (skip)
 * @self: a log
 * @n_figures: (out): the number of figures
 *
 * Gets all that a log says, program by program.
 *
 * Returns: (transfer none) (array length=n_figures): the figures
 */
const HrLogFigure *
hr_log_get_figures (HrLog *self,
                    guint *n_figures)
{
  g_return_val_if_fail (HR_IS_LOG (self), NULL);
  g_return_val_if_fail (n_figures != NULL, NULL);

  *n_figures = self->figures->len;

  return (const HrLogFigure *) self->figures->data;
}

/* Ollama and llama.cpp, which it runs, say the same in other words. */
static gboolean
hr_log_counts (HrLog             *self,
               const HrLogFigure *figure)
{
  return g_str_equal (figure->program, self->program->id) || !hr_log_is_engine (figure->program);
}

/**
 * hr_log_get_largest: (skip)
 * @self: a log
 * @term: what to look for
 * @value: (out): how much, in bytes or as a count
 * @margin: (out) (nullable): how far the true value may be from it
 *
 * Finds the largest figure of a kind, which is that of the GPU that has most. Of several programs that run models it
 * is what the one says that the log is of.
 *
 * Returns: whether the log says it
 */
gboolean
hr_log_get_largest (HrLog     *self,
                    HrLogTerm  term,
                    guint64   *value,
                    guint64   *margin)
{
  const HrLogFigure *largest = NULL;

  g_return_val_if_fail (HR_IS_LOG (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  for (guint i = 0; i < self->figures->len; i++)
    {
      const HrLogFigure *figure = &g_array_index (self->figures, HrLogFigure, i);

      if (figure->term == term && !figure->is_host && hr_log_counts (self, figure) &&
          (largest == NULL || figure->value > largest->value))
        largest = figure;
    }

  if (largest == NULL)
    return FALSE;

  *value = largest->value;
  if (margin != NULL)
    *margin = largest->margin;

  return TRUE;
}

/**
 * hr_log_term_get_name:
 * @term: a term
 *
 * Gets the id of a term, as files have it.
 *
 * Returns: (transfer none): such as `kv-cache`
 */
const char *
hr_log_term_get_name (HrLogTerm term)
{
  g_return_val_if_fail (term < HR_N_LOG_TERMS, NULL);

  return terms[term].name;
}

/**
 * hr_log_term_is_bytes:
 * @term: a term
 *
 * Finds out whether a term is a size.
 *
 * Returns: whether it is in bytes, and no count
 */
gboolean
hr_log_term_is_bytes (HrLogTerm term)
{
  g_return_val_if_fail (term < HR_N_LOG_TERMS, FALSE);

  return !terms[term].is_count;
}

/**
 * hr_log_term_from_name: (skip)
 * @name: an id of a term
 * @term: (out): the term
 *
 * Finds a term.
 *
 * Returns: whether there is one
 */
gboolean
hr_log_term_from_name (const char *name,
                       HrLogTerm  *term)
{
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (term != NULL, FALSE);

  for (guint i = 0; i < HR_N_LOG_TERMS; i++)
    {
      if (!g_str_equal (terms[i].name, name))
        continue;
      *term = i;
      return TRUE;
    }

  return FALSE;
}
