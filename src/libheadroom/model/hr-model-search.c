/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-model-search.h"

#include <math.h>
#include <string.h>

#include "hr-model-catalogue.h"
#include "hr-search-private.h"

/*
 * How well a word of the query matches a word of a model. A query matches where each of its words does, so these only
 * order what is found: the better of two matches wins whatever the rest adds.
 */
#define SCORE_WORD 100
#define SCORE_SIZE 90
#define SCORE_NEAR_SIZE 70
#define SCORE_PREFIX 60
#define SCORE_INSIDE 35
#define SCORE_TYPO 20

/* What a match in the organisation or a keyword is worth, in percent of one in the name. */
#define PERCENT_ELSEWHERE 80

/* A size that is asked for may be as far from the true one: 7b means 7.6 billion too. */
#define SIZE_TOLERANCE 0.1

/* The least that any match has, so that what is taken off below never makes it none. */
#define SCORE_BASE 1000

/* What a whole name or identifier is worth: more than any number of words that are found in others. */
#define SCORE_EXACT 10000

/* A person who asks for a family most likely means its plain model, the newest, and one to talk to. */
#define PENALTY_FURTHER_WORD 20
#define BONUS_VERSION 4
#define MAX_VERSION 10
#define BONUS_CHAT 1

/* Words that say how a plain model was finished, not what else it is for. */
static const char * const finishes[] = { "instruct", "chat", "it", "base", "hf", "v", NULL };
static const char * const chats[] = { "instruct", "chat", "it", NULL };

/* Billions of parameters that a word such as `7b`, `0.5b`, `135m` or `1b1` states; 0 if it states none. */
static double
parse_size (const char *word)
{
  const char *unit;
  double number;

  if (!hr_search_parse_number (word, &number, &unit))
    return 0;

  if (g_str_equal (unit, "b"))
    return number;
  if (g_str_equal (unit, "m"))
    return number / 1000;
  if (g_str_equal (unit, "t"))
    return number * 1000;

  /* BLOOM writes 1b1 for 1.1 billion. */
  if (unit[0] == 'b' && g_ascii_isdigit (unit[1]) && unit[2] == '\0')
    return number + (unit[1] - '0') / 10.0;

  return 0;
}

static gboolean
begins_number (const char *start,
               const char *position)
{
  return position > start && g_ascii_isdigit (*position) && !g_ascii_isdigit (position[-1]) && position[-1] != '.';
}

static void
add_parts (const char *word,
           GPtrArray  *words)
{
  const char *start = word;
  gboolean is_size = parse_size (word) > 0;

  for (const char *p = word; *p != '\0' && !is_size; p++)
    {
      if (begins_number (start, p))
        {
          g_ptr_array_add (words, g_strndup (start, p - start));
          start = p;
        }
    }

  g_ptr_array_add (words, g_strdup (start));
}

/* Splits `Qwen2.5-7B` into `qwen`, `2.5` and `7b`; an underscore in a number is a point. */
static char **
split_name (const char *name)
{
  g_autofree char *copy = g_strdup (name);
  g_auto (GStrv) parts = NULL;
  g_autoptr (GPtrArray) words = g_ptr_array_new_null_terminated (0, g_free, TRUE);

  for (char *p = copy; *p != '\0'; p++)
    {
      if (*p == '_' && p > copy && g_ascii_isdigit (p[-1]) && g_ascii_isdigit (p[1]))
        *p = '.';
    }

  parts = hr_search_split (copy);
  for (guint i = 0; parts[i] != NULL; i++)
    add_parts (parts[i], words);

  return (char **) g_ptr_array_free (g_steal_pointer (&words), FALSE);
}

static guint
get_allowed_edits (gsize length)
{
  return length < 4 ? 0 : length < 8 ? 1 : 2;
}

/* The letters of a word, a bit for each. */
static guint32
get_letters (const char *word)
{
  guint32 letters = 0;

  for (; *word != '\0'; word++)
    {
      if (g_ascii_islower (*word))
        letters |= 1u << (*word - 'a');
    }

  return letters;
}

/* Letters that the other word does not have take an edit each, which costs less to see than the distance. */
static gboolean
may_be_typo (const char *wanted,
             const char *word,
             guint       allowed)
{
  guint32 missing = get_letters (wanted) & ~get_letters (word);
  guint n_missing = 0;

  for (; missing != 0; missing &= missing - 1)
    n_missing++;

  return n_missing <= allowed;
}

/* Whether @wanted is a misspelt beginning of @word. */
static gboolean
is_typo (const char *wanted,
         const char *word)
{
  gsize length = strlen (wanted);
  gsize word_length = strlen (word);
  guint allowed = get_allowed_edits (length);

  if (allowed == 0 || g_ascii_isdigit (*wanted) || word_length + allowed < length ||
      !may_be_typo (wanted, word, allowed))
    return FALSE;

  for (gsize cut = length - allowed; cut <= MIN (length + allowed, word_length); cut++)
    {
      g_autofree char *beginning = g_strndup (word, cut);

      if (hr_search_edit_distance (wanted, beginning) <= allowed)
        return TRUE;
    }

  return FALSE;
}

static guint
score_word (const char *wanted,
            const char *word)
{
  double size = parse_size (wanted);

  if (g_str_equal (wanted, word))
    return SCORE_WORD;
  if (size > 0)
    return fabs (parse_size (word) - size) < 1e-9 ? SCORE_SIZE : 0;
  if (g_str_has_prefix (word, wanted))
    return SCORE_PREFIX;
  if (g_ascii_isdigit (*wanted))
    return 0;
  if (strlen (wanted) >= 3 && strstr (word, wanted) != NULL)
    return SCORE_INSIDE;

  return is_typo (wanted, word) ? SCORE_TYPO : 0;
}

static guint
score_words (const char         *wanted,
             const char * const *words,
             gboolean           *used)
{
  guint best = 0;
  guint best_index = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      guint score = score_word (wanted, words[i]);

      if (score > best)
        {
          best = score;
          best_index = i;
        }
    }

  if (best > 0 && used != NULL)
    used[best_index] = TRUE;

  return best;
}

/* What @split makes of @entry, which is kept with it: a search that is typed asks for it at each key. */
static const char * const *
get_kept_words (HrModelEntry *entry,
                const char   *key,
                char       **(*split) (HrModelEntry *entry))
{
  char **words = g_object_get_data (G_OBJECT (entry), key);

  if (words == NULL)
    {
      words = split (entry);
      g_object_set_data_full (G_OBJECT (entry), key, words, (GDestroyNotify) g_strfreev);
    }

  return (const char * const *) words;
}

static char **
split_entry_name (HrModelEntry *entry)
{
  return split_name (hr_model_entry_get_name (entry));
}

static char **
split_identifier (HrModelEntry *entry)
{
  return split_name (hr_model_entry_get_id (entry));
}

/* The words of the organisation, the family and the keywords. */
static char **
split_surroundings (HrModelEntry *entry)
{
  const char * const *keywords = hr_model_entry_get_keywords (entry);
  const char *id = hr_model_entry_get_id (entry);
  const char *slash = strchr (id, '/');
  g_autoptr (GString) text = g_string_new_len (id, slash != NULL ? slash - id : 0);

  g_string_append_printf (text, " %s", hr_model_entry_get_family (entry));
  for (guint i = 0; keywords[i] != NULL; i++)
    g_string_append_printf (text, " %s", keywords[i]);

  return split_name (text->str);
}

static guint
score_size (const char   *wanted,
            HrModelEntry *entry)
{
  double size = parse_size (wanted);
  guint64 n_parameters;

  if (size <= 0 || !hr_model_entry_get_n_parameters (entry, &n_parameters))
    return 0;

  return fabs (n_parameters / 1e9 - size) <= SIZE_TOLERANCE * size ? SCORE_NEAR_SIZE : 0;
}

static gboolean
is_version (const char *word)
{
  const char *unit;
  double number;

  return hr_search_parse_number (word, &number, &unit) && *unit == '\0' && number < MAX_VERSION;
}

/* The width of a format is no version: FP8, Int4, w8a8. */
static gboolean
is_width (const char * const *words,
          guint               index)
{
  static const char * const formats[] = { "fp", "nvfp", "mxfp", "int", "8a", NULL };

  return index > 0 && g_strv_contains (formats, words[index - 1]);
}

/* What speaks for and against a model among those that match equally well. */
static int
get_preference (const char * const *words,
                const gboolean     *used)
{
  int preference = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (is_version (words[i]) && !is_width (words, i))
        preference += BONUS_VERSION * g_ascii_strtod (words[i], NULL);
      else if (!used[i] && parse_size (words[i]) <= 0 && !g_strv_contains (finishes, words[i]))
        preference -= PENALTY_FURTHER_WORD;

      if (g_strv_contains (chats, words[i]))
        preference += BONUS_CHAT;
    }

  return preference;
}

static gboolean
is_identifier (HrModelEntry       *entry,
               const char * const *wanted)
{
  return g_strv_equal (get_kept_words (entry, "identifier-words", split_identifier), wanted);
}

static gboolean
is_one_word (const char *query)
{
  g_autofree char *stripped = g_strstrip (g_strdup (query));

  return strpbrk (stripped, " \t") == NULL;
}

/* Words apart that state no version, such as `qwen 7b`, ask for a family, and not for its first model, Qwen-7B. */
static gboolean
may_be_name (const char         *query,
             const char * const *wanted)
{
  for (guint i = 0; wanted[i] != NULL; i++)
    {
      if (is_version (wanted[i]))
        return TRUE;
    }

  return is_one_word (query);
}

/* How well the words match, without what speaks for the model otherwise; 0 if they do not. */
static guint
score_match (HrModelEntry       *entry,
             const char * const *wanted,
             gboolean            is_name,
             int                *preference)
{
  const char * const *words = get_kept_words (entry, "name-words", split_entry_name);
  const char * const *surroundings = NULL;
  g_autofree gboolean *used = g_new0 (gboolean, g_strv_length ((char **) words) + 1);
  guint score = SCORE_BASE;

  if (is_name && (g_strv_equal (words, wanted) || is_identifier (entry, wanted)))
    score += SCORE_EXACT;

  for (guint i = 0; wanted[i] != NULL; i++)
    {
      guint best = score_words (wanted[i], words, used);

      if (best < SCORE_WORD && surroundings == NULL)
        surroundings = get_kept_words (entry, "surrounding-words", split_surroundings);
      if (best < SCORE_WORD)
        best = MAX (best, MAX (score_size (wanted[i], entry),
                               score_words (wanted[i], surroundings, NULL) * PERCENT_ELSEWHERE / 100));
      if (best == 0)
        return 0;

      score += best;
    }

  *preference = get_preference (words, used);

  return score;
}

/* Judges a model by each of its names, and leaves in @entry the one that matches best: of equals the one of its row. */
static guint
score_names (HrModelEntry       **entry,
             GPtrArray           *aliases,
             const char * const  *wanted,
             const char          *query)
{
  int preference = 0;
  guint best = score_match (*entry, wanted, may_be_name (query, wanted), &preference);

  for (guint i = 0; aliases != NULL && i < aliases->len; i++)
    {
      int own_preference;
      guint score = score_match (g_ptr_array_index (aliases, i), wanted, is_one_word (query), &own_preference);

      if (score <= best)
        continue;
      best = score;
      preference = own_preference;
      *entry = g_ptr_array_index (aliases, i);
    }

  return best > 0 ? MAX ((int) best + preference, 1) : 0;
}

/**
 * hr_model_search_score:
 * @entry: a model of the catalogue
 * @query: what a person has typed, such as `qwen 7b`
 *
 * Judges how well a model matches a query. Each word of the query must be found: in the name, as a size (`7b` matches
 * 7.6 billion parameters), in the organisation, the family or the keywords; as a whole word, as the beginning of one,
 * inside one, or misspelt, in falling order. An empty query matches everything.
 *
 * Returns: 0 if it does not match, otherwise the more the better
 */
guint
hr_model_search_score (HrModelEntry *entry,
                       const char   *query)
{
  g_auto (GStrv) wanted = NULL;

  g_return_val_if_fail (HR_IS_MODEL_ENTRY (entry), 0);
  g_return_val_if_fail (query != NULL, 0);

  wanted = split_name (query);

  return score_names (&entry, NULL, (const char * const *) wanted, query);
}

typedef struct
{
  HrModelEntry *entry;
  guint score;
  guint position;
} Match;

static int
compare_matches (gconstpointer a,
                 gconstpointer b)
{
  const Match *one = a;
  const Match *other = b;

  if (one->score != other->score)
    return one->score > other->score ? -1 : 1;

  return one->position < other->position ? -1 : 1;
}

/**
 * hr_model_search:
 * @query: what a person has typed, such as `qwen 7b`
 *
 * Finds the models of the catalogue that match a query, the best first, as [func@model_search_score] judges, each once
 * and under that of its names that matches best. An empty query finds all, in the order of the catalogue.
 *
 * Returns: (transfer full): a list of [class@ModelEntry]
 */
GListModel *
hr_model_search (const char *query)
{
  GListModel *entries = hr_model_catalogue_get_default ();
  g_autoptr (GArray) matches = g_array_new (FALSE, FALSE, sizeof (Match));
  GListStore *found = g_list_store_new (HR_TYPE_MODEL_ENTRY);
  g_auto (GStrv) wanted = NULL;

  g_return_val_if_fail (query != NULL, NULL);

  wanted = split_name (query);
  for (guint i = 0; i < g_list_model_get_n_items (entries); i++)
    {
      g_autoptr (HrModelEntry) entry = g_list_model_get_item (entries, i);
      Match match = { entry, 1, i };

      if (*wanted != NULL)
        match.score = score_names (&match.entry, hr_model_entry_get_aliases (entry), (const char * const *) wanted,
                                   query);
      if (match.score > 0)
        g_array_append_val (matches, match);
    }

  g_array_sort (matches, compare_matches);
  for (guint i = 0; i < matches->len; i++)
    g_list_store_append (found, g_array_index (matches, Match, i).entry);

  return G_LIST_MODEL (found);
}
