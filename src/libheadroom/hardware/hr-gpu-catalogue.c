/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gpu-catalogue-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-file.h"
#include "hr-gpu-private.h"
#include "hr-search-private.h"

#define GPUS_PATH "/io/github/headroom/Headroom/data/gpus"

/* Wider than any figure there is; a figure outside is a slip of the keyboard. */
#define MIN_MEMORY (G_GUINT64_CONSTANT (1) << 30)
#define MAX_MEMORY (G_GUINT64_CONSTANT (1) << 40)
#define MIN_RATE (G_GUINT64_CONSTANT (1000000000))
#define MAX_RATE (G_GUINT64_CONSTANT (100000000000000000))
#define MIN_YEAR 2010
#define MAX_YEAR 2100
#define MAX_MULTIPROCESSORS 10000
#define MAX_BRIDGED 16

#define MAX_SUGGESTIONS 5
#define MAX_CANDIDATES 8

/**
 * HrGpuCatalogue:
 *
 * The GPUs that Headroom knows, from `data/gpus/`, a file for each vendor. A row looks like this:
 *
 * ```json
 * { "id": "rtx-4090", "name": "GeForce RTX 4090", "memory-bytes": 25757220864, "memory-counter": "nvml",
 *   "usable-memory-bytes": 25243418624, "bandwidth-bytes-per-second": 1008000000000,
 *   "throughput": { "float16": 165200000000000 },
 *   "interconnect": { "kind": "PCIe 4.0 x16", "bytes-per-second": 64000000000 }, "year": 2022,
 *   "architecture": "Ada Lovelace", "compute-capability": "8.9",
 *   "multiprocessors": 128, "source": "…", "checked": "2026-11-20" }
 * ```
 *
 * Only `id`, `name`, `memory-bytes`, `memory-counter`, `source` and `checked` must be there.
 */

static gboolean
load_string (HrJson      *row,
             const char  *key,
             char       **string,
             GError     **error)
{
  const char *value = NULL;

  if (!hr_json_get_string (row, key, &value, error))
    return FALSE;

  *string = g_strdup (value);

  return TRUE;
}

static gboolean
load_required_string (HrJson      *row,
                      const char  *key,
                      char       **string,
                      GError     **error)
{
  return hr_json_require_member (row, key, error) != NULL && load_string (row, key, string, error);
}

static gboolean
load_throughput (HrJson      *row,
                 HrGpuFacts  *facts,
                 GError     **error)
{
  HrJson *throughput = NULL;

  if (!hr_json_get_object (row, "throughput", &throughput, error))
    return FALSE;

  for (guint i = 0; throughput != NULL && i < hr_json_get_length (throughput); i++)
    {
      HrJson *member = hr_json_get_element (throughput, i);
      HrDtype dtype;

      if (!hr_dtype_from_name (hr_json_get_key (member), &dtype) || dtype == HR_DTYPE_AUTO)
        {
          hr_json_set_error (member, HR_ERROR_SCHEMA, _("the name of a dtype"), error);
          return FALSE;
        }

      if (!hr_json_read_uint (member, MIN_RATE, MAX_RATE, &facts->throughput[dtype], error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
load_bridge (HrJson      *interconnect,
             HrGpuFacts  *facts,
             GError     **error)
{
  static const char * const members[] = { "kind", "bytes-per-second", "gpus", NULL };
  HrJson *bridge = NULL;
  guint64 n_gpus = 0;

  if (!hr_json_get_object (interconnect, "bridge", &bridge, error))
    return FALSE;
  if (bridge == NULL)
    return TRUE;

  if (!hr_json_check_members (bridge, members, error) ||
      !load_required_string (bridge, "kind", &facts->bridge, error) ||
      !hr_json_require_member (bridge, "bytes-per-second", error) ||
      !hr_json_get_uint (bridge, "bytes-per-second", MIN_RATE, MAX_RATE, &facts->bridge_bandwidth, error) ||
      !hr_json_require_member (bridge, "gpus", error) ||
      !hr_json_get_uint (bridge, "gpus", 2, MAX_BRIDGED, &n_gpus, error))
    return FALSE;

  facts->n_bridged = n_gpus;

  return TRUE;
}

static gboolean
load_interconnect (HrJson      *row,
                   HrGpuFacts  *facts,
                   GError     **error)
{
  static const char * const members[] = { "kind", "bytes-per-second", "peer-bytes-per-second", "bridge", NULL };
  HrJson *interconnect = NULL;

  if (!hr_json_get_object (row, "interconnect", &interconnect, error))
    return FALSE;

  return interconnect == NULL ||
         (hr_json_check_members (interconnect, members, error) &&
          load_required_string (interconnect, "kind", &facts->interconnect, error) &&
          hr_json_get_uint (interconnect, "bytes-per-second", MIN_RATE, MAX_RATE, &facts->interconnect_bandwidth,
                            error) &&
          hr_json_get_uint (interconnect, "peer-bytes-per-second", MIN_RATE, MAX_RATE, &facts->peer_bandwidth,
                            error) &&
          load_bridge (interconnect, facts, error));
}

static gboolean
load_row (HrJson      *row,
          HrGpuFacts  *facts,
          GError     **error)
{
  static const char * const members[] = {
    "id", "name", "aliases", "driver-names", "memory-bytes", "memory-counter", "usable-memory-bytes", "unified-memory",
    "bandwidth-bytes-per-second", "throughput", "interconnect", "year", "architecture", "compute-capability",
    "multiprocessors", "source", "checked", NULL,
  };
  guint64 year = 0, multiprocessors = 0;

  if (!hr_json_check_type (row, HR_JSON_OBJECT, error) ||
      !hr_json_check_members (row, members, error) ||
      !load_required_string (row, "id", &facts->id, error) ||
      !load_required_string (row, "name", &facts->name, error) ||
      !load_required_string (row, "memory-counter", &facts->memory_counter, error) ||
      !load_required_string (row, "source", &facts->source, error) ||
      !load_required_string (row, "checked", &facts->checked, error) ||
      hr_json_require_member (row, "memory-bytes", error) == NULL ||
      !hr_json_get_uint (row, "memory-bytes", MIN_MEMORY, MAX_MEMORY, &facts->memory, error) ||
      !hr_json_get_uint (row, "usable-memory-bytes", MIN_MEMORY, facts->memory, &facts->usable_memory, error) ||
      !hr_json_get_uint (row, "bandwidth-bytes-per-second", MIN_RATE, MAX_RATE, &facts->bandwidth, error) ||
      !hr_json_get_uint (row, "year", MIN_YEAR, MAX_YEAR, &year, error) ||
      !hr_json_get_uint (row, "multiprocessors", 1, MAX_MULTIPROCESSORS, &multiprocessors, error) ||
      !hr_json_get_boolean (row, "unified-memory", &facts->unified_memory, error) ||
      !load_string (row, "architecture", &facts->architecture, error) ||
      !load_string (row, "compute-capability", &facts->compute_capability, error) ||
      !hr_json_get_strings (row, "aliases", &facts->aliases, error) ||
      !hr_json_get_strings (row, "driver-names", &facts->driver_names, error) ||
      !load_throughput (row, facts, error) ||
      !load_interconnect (row, facts, error))
    return FALSE;

  facts->year = year;
  facts->multiprocessors = multiprocessors;

  return TRUE;
}

gboolean
_hr_gpu_catalogue_load (HrJson      *document,
                        GListStore  *gpus,
                        GError     **error)
{
  static const char * const members[] = { "schema", "vendor", "gpus", NULL };
  const char *schema;
  const char *vendor;
  HrJson *rows;

  if (!hr_json_check_type (document, HR_JSON_OBJECT, error) ||
      !hr_json_check_members (document, members, error) ||
      !hr_json_require_member (document, "schema", error) ||
      !hr_json_require_member (document, "vendor", error) ||
      !hr_json_require_member (document, "gpus", error) ||
      !hr_json_get_string (document, "schema", &schema, error) ||
      !hr_json_get_string (document, "vendor", &vendor, error) ||
      !hr_json_get_array (document, "gpus", &rows, error))
    return FALSE;

  if (g_strcmp0 (schema, "headroom-gpus/1") != 0)
    {
      hr_json_set_error (hr_json_get_member (document, "schema"), HR_ERROR_SCHEMA, "“headroom-gpus/1”", error);
      return FALSE;
    }

  for (guint i = 0; i < hr_json_get_length (rows); i++)
    {
      g_autoptr (HrGpuFacts) facts = _hr_gpu_facts_new ();
      g_autoptr (HrGpu) gpu = NULL;

      facts->vendor = g_strdup (vendor);
      if (!load_row (hr_json_get_element (rows, i), facts, error))
        return FALSE;

      gpu = _hr_gpu_new_take (g_steal_pointer (&facts));
      g_list_store_append (gpus, gpu);
    }

  return TRUE;
}

static gpointer
load_default (gpointer unused)
{
  g_autoptr (GListStore) gpus = g_list_store_new (HR_TYPE_GPU);
  g_auto (GStrv) paths = hr_file_list_resources (GPUS_PATH);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; paths[i] != NULL; i++)
    {
      g_autoptr (HrJson) document = hr_json_new_from_resource (paths[i], &error);

      /* The files are part of the library: one that cannot be read is a fault of the build. */
      if (document == NULL || !_hr_gpu_catalogue_load (document, gpus, &error))
        g_error ("%s", error->message);
    }

  return g_steal_pointer (&gpus);
}

/**
 * hr_gpu_catalogue_get_default:
 *
 * Gets the GPUs that Headroom knows, vendor by vendor, each from the oldest to the newest. It may be called from any
 * thread, and the list does not change.
 *
 * Returns: (transfer none): a list of [class@Gpu]
 */
GListModel *
hr_gpu_catalogue_get_default (void)
{
  static GOnce once = G_ONCE_INIT;

  return G_LIST_MODEL (g_once (&once, load_default, NULL));
}

/* The words of a GPU's name, its aliases and what its driver calls it, string after string. */
static void
foreach_name (const HrGpuFacts  *facts,
              void             (*visit) (const char *name,
                                         gpointer    user_data),
              gpointer           user_data)
{
  g_autofree char *full_name = g_strconcat (facts->vendor, " ", facts->name, NULL);

  if (facts->id != NULL)
    visit (facts->id, user_data);
  visit (facts->name, user_data);
  visit (full_name, user_data);
  for (guint i = 0; facts->aliases != NULL && facts->aliases[i] != NULL; i++)
    visit (facts->aliases[i], user_data);
  for (guint i = 0; facts->driver_names != NULL && facts->driver_names[i] != NULL; i++)
    visit (facts->driver_names[i], user_data);
}

typedef struct
{
  const char *wanted;
  gboolean unfinished;
  gboolean found;
} WordSearch;

static void
find_word (const char *name,
           gpointer    user_data)
{
  WordSearch *search = user_data;
  g_auto (GStrv) words = NULL;

  if (search->found)
    return;

  words = hr_search_split (name);
  search->found = hr_search_words_contain ((const char * const *) words, search->wanted, search->unfinished);
}

static void
find_squeezed (const char *name,
               gpointer    user_data)
{
  WordSearch *search = user_data;
  g_autofree char *squeezed = NULL;

  if (search->found)
    return;

  squeezed = hr_search_squeeze (name);
  search->found = g_str_equal (squeezed, search->wanted);
}

static gboolean
is_unit (const char *word)
{
  return g_str_equal (word, "g") || g_str_equal (word, "gb") || g_str_equal (word, "gib");
}

/* The words of what a person has typed; `24 GB` is one. */
static char **
split_typed (const char *text)
{
  g_auto (GStrv) words = hr_search_split (text);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (words[i + 1] != NULL && is_unit (words[i + 1]) && g_ascii_isdigit (words[i][strlen (words[i]) - 1]))
        {
          g_autofree char *size = g_strconcat (words[i], words[i + 1], NULL);

          g_strv_builder_add (builder, size);
          i++;
        }
      else
        {
          g_strv_builder_add (builder, words[i]);
        }
    }

  return g_strv_builder_end (builder);
}

/* Drivers keep up to a fifteenth of a card for error correction and themselves: 24 GB may show as 22.5 GiB. */
static gboolean
is_memory_word (const char *word,
                guint64     memory)
{
  double gib = memory / 1073741824.0;
  const char *unit;
  double number;

  return hr_search_parse_number (word, &number, &unit) && is_unit (unit) && number > gib * 0.985 && number < gib * 1.08;
}

static gboolean
has_word (const HrGpuFacts *facts,
          const char       *word,
          gboolean          unfinished)
{
  WordSearch search = { word, unfinished, FALSE };

  foreach_name (facts, find_word, &search);

  return search.found || is_memory_word (word, facts->memory);
}

static gboolean
has_all_words (const HrGpuFacts   *facts,
               const char * const *words,
               gboolean            unfinished)
{
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (!has_word (facts, words[i], unfinished))
        return FALSE;
    }

  return TRUE;
}

static gboolean
is_called (const HrGpuFacts *facts,
           const char       *squeezed)
{
  WordSearch search = { squeezed, FALSE, FALSE };

  foreach_name (facts, find_squeezed, &search);

  return search.found;
}

/* Whether @other says all that @self's name says: `RTX 4090 Laptop` does so of `RTX 4090`. */
static gboolean
is_base_of (HrGpu *self,
            HrGpu *other)
{
  g_auto (GStrv) words = hr_search_split (hr_gpu_get_name (self));
  g_auto (GStrv) other_words = hr_search_split (hr_gpu_get_name (other));

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (!g_strv_contains ((const char * const *) other_words, words[i]))
        return FALSE;
    }

  return TRUE;
}

/* The one of @candidates that the others are variants of. */
static HrGpu *
find_base (GPtrArray *candidates)
{
  for (guint i = 0; i < candidates->len; i++)
    {
      gboolean is_base = TRUE;

      for (guint j = 0; is_base && j < candidates->len; j++)
        is_base = i == j || (is_base_of (candidates->pdata[i], candidates->pdata[j]) &&
                             !is_base_of (candidates->pdata[j], candidates->pdata[i]));

      if (is_base)
        return candidates->pdata[i];
    }

  return NULL;
}

static GPtrArray *
find_called (const char *name)
{
  g_autofree char *squeezed = hr_search_squeeze (name);
  GListModel *gpus = hr_gpu_catalogue_get_default ();
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (gpus, i);

      if (is_called (_hr_gpu_get_facts (gpu), squeezed))
        g_ptr_array_add (found, g_steal_pointer (&gpu));
    }

  return g_steal_pointer (&found);
}

static GPtrArray *
find_with_words (const char *name)
{
  g_auto (GStrv) words = split_typed (name);
  GListModel *gpus = hr_gpu_catalogue_get_default ();
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (gpus, i);

      if (has_all_words (_hr_gpu_get_facts (gpu), (const char * const *) words, FALSE))
        g_ptr_array_add (found, g_steal_pointer (&gpu));
    }

  return g_steal_pointer (&found);
}

static char *
join_ids (GPtrArray *gpus,
          guint      maximum)
{
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 0; i < MIN (gpus->len, maximum); i++)
    /* Translators: between the items of a list. */
    g_string_append_printf (ids, "%s%s", i > 0 ? C_("between names in a list", ", ") : "",
                            hr_gpu_get_id (gpus->pdata[i]));

  if (gpus->len > maximum)
    g_string_append (ids, " …");

  return g_string_free (g_steal_pointer (&ids), FALSE);
}

typedef struct
{
  const char *wanted;
  guint distance;
} NearestSearch;

static void
measure_distance (const char *name,
                  gpointer    user_data)
{
  NearestSearch *search = user_data;
  g_autofree char *squeezed = hr_search_squeeze (name);

  search->distance = MIN (search->distance, hr_search_edit_distance (search->wanted, squeezed));
}

typedef struct
{
  HrGpu *gpu;
  guint distance;
} NearGpu;

static int
compare_nearness (gconstpointer a,
                  gconstpointer b)
{
  const NearGpu *one = a;
  const NearGpu *other = b;

  return one->distance < other->distance ? -1 : one->distance > other->distance;
}

/* The GPUs whose names are spelt most like @name, if any is at all. */
static GPtrArray *
find_nearest (const char *name)
{
  g_autofree char *squeezed = hr_search_squeeze (name);
  GListModel *gpus = hr_gpu_catalogue_get_default ();
  g_autoptr (GArray) near_gpus = g_array_new (FALSE, FALSE, sizeof (NearGpu));
  g_autoptr (GPtrArray) nearest = g_ptr_array_new_with_free_func (g_object_unref);
  guint limit = MAX (1, strlen (squeezed) / 3);

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (gpus, i);
      NearestSearch search = { squeezed, G_MAXUINT };

      foreach_name (_hr_gpu_get_facts (gpu), measure_distance, &search);
      if (search.distance <= limit)
        g_array_append_val (near_gpus, ((NearGpu) { gpu, search.distance }));
    }

  g_array_sort (near_gpus, compare_nearness);
  for (guint i = 0; i < MIN (near_gpus->len, MAX_SUGGESTIONS); i++)
    g_ptr_array_add (nearest, g_object_ref (g_array_index (near_gpus, NearGpu, i).gpu));

  return g_steal_pointer (&nearest);
}

static void
set_unknown_error (const char  *name,
                   GError     **error)
{
  g_autoptr (GPtrArray) nearest = find_nearest (name);
  g_autofree char *ids = join_ids (nearest, MAX_SUGGESTIONS);

  if (nearest->len > 0)
    /* Translators: the second argument is a list of names of GPUs. */
    g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME,
                 _("There is no GPU “%s” in the catalogue; similar ones are: %s"), name, ids);
  else
    g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("There is no GPU “%s” in the catalogue"), name);
}

/**
 * hr_gpu_catalogue_lookup:
 * @name: what a person types: an identifier, a name or a part of it, such as `rtx-4090`, `4090` or `H100 80GB`
 * @error: return location for an error
 *
 * Finds the one GPU that @name means. A name that several GPUs share means the plain one (`RTX 4090` is not the
 * laptop’s); where there is none (`A100` has 40 or 80 GB), the error lists them.
 *
 * Returns: (transfer full): the GPU, or %NULL with %HR_ERROR_UNKNOWN_NAME
 */
HrGpu *
hr_gpu_catalogue_lookup (const char  *name,
                         GError     **error)
{
  g_autoptr (GPtrArray) candidates = NULL;
  g_autofree char *ids = NULL;
  HrGpu *base;

  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  candidates = find_called (name);
  if (candidates->len == 0 && *name != '\0')
    {
      g_clear_pointer (&candidates, g_ptr_array_unref);
      candidates = find_with_words (name);
    }

  if (candidates->len == 0)
    {
      set_unknown_error (name, error);
      return NULL;
    }

  base = find_base (candidates);
  if (base != NULL)
    return g_object_ref (base);

  ids = join_ids (candidates, MAX_CANDIDATES);
  /* Translators: the second argument is a list of names of GPUs. */
  g_set_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME, _("“%s” may be several GPUs; say which: %s"), name, ids);

  return NULL;
}

/**
 * hr_gpu_catalogue_identify:
 * @driver_name: what a driver calls a device, or its PCI identifier, such as `1002:744c`
 * @memory: the memory that the driver shows, in bytes; 0 if it does not
 *
 * Finds the row of the catalogue that describes a device. Where cards of several sizes share a name, the memory
 * decides. A card that differs by more than an eighth is another one, even if it is called the same.
 *
 * Returns: (transfer full) (nullable): the GPU, or %NULL if the catalogue has none that is called so, or several
 */
HrGpu *
hr_gpu_catalogue_identify (const char *driver_name,
                           guint64     memory)
{
  g_autoptr (GPtrArray) candidates = NULL;
  HrGpu *best = NULL;
  guint64 least = memory / 8 + 1;

  g_return_val_if_fail (driver_name != NULL, NULL);

  candidates = find_called (driver_name);
  for (guint i = 0; i < candidates->len; i++)
    {
      guint64 other = hr_gpu_get_memory (candidates->pdata[i]);
      guint64 difference = other > memory ? other - memory : memory - other;

      /* A driver that does not tell the size leaves only the name. */
      if (memory == 0)
        difference = 0;

      if (difference < least)
        {
          best = candidates->pdata[i];
          least = difference;
        }
      else if (difference == least)
        best = NULL;
    }

  return best != NULL ? g_object_ref (best) : NULL;
}

/**
 * hr_gpu_matches:
 * @self: a GPU
 * @text: what a person has typed so far
 *
 * Gets whether each word of @text begins a word of the GPU’s names or states its memory, for lists that are filtered
 * while typing. An empty @text matches everything.
 *
 * Returns: whether it matches
 */
gboolean
hr_gpu_matches (HrGpu      *self,
                const char *text)
{
  g_auto (GStrv) words = NULL;

  g_return_val_if_fail (HR_IS_GPU (self), FALSE);
  g_return_val_if_fail (text != NULL, FALSE);

  words = split_typed (text);

  return has_all_words (_hr_gpu_get_facts (self), (const char * const *) words, TRUE);
}
