/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "headroom.h"
#include "hr-gpu-catalogue-private.h"

#define MEBIBYTE (G_GUINT64_CONSTANT (1) << 20)
#define GIBIBYTE (G_GUINT64_CONSTANT (1) << 30)

#define FIRST_GPU_YEAR 2016

/* What a figure of memory may have been counted by. */
static const char * const counters[] = {
  "nvml", "amdgpu", "amdsmi", "rocminfo", "rocm-smi", "npu-smi", "mxsml", "hgml", "working-set", "nominal", NULL,
};

static void
foreach_gpu (void (*check) (HrGpu *gpu))
{
  GListModel *gpus = hr_gpu_catalogue_get_default ();

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (gpus, i);

      g_test_message ("%s", hr_gpu_get_id (gpu));
      check (gpu);
    }
}

static void
check_identifier (HrGpu *gpu)
{
  const char *id = hr_gpu_get_id (gpu);

  g_assert_true (g_regex_match_simple ("^[a-z0-9]+(-[a-z0-9]+)*$", id, G_REGEX_DEFAULT, G_REGEX_MATCH_DEFAULT));
}

static void
test_identifiers_are_lower_case_words (void)
{
  foreach_gpu (check_identifier);
}

static void
test_identifiers_and_names_are_unique (void)
{
  GListModel *gpus = hr_gpu_catalogue_get_default ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (gpus, i);

      g_test_message ("%s", hr_gpu_get_id (gpu));
      g_assert_true (g_hash_table_add (seen, g_strdup (hr_gpu_get_id (gpu))));
      g_assert_true (g_hash_table_add (seen, g_strjoin (" ", hr_gpu_get_vendor (gpu), hr_gpu_get_name (gpu), NULL)));
    }
}

static void
check_identifier_finds (HrGpu *gpu)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) found = hr_gpu_catalogue_lookup (hr_gpu_get_id (gpu), &error);

  g_assert_no_error (error);
  g_assert_true (found == gpu);
}

static void
test_each_identifier_finds_its_gpu (void)
{
  foreach_gpu (check_identifier_finds);
}

static void
check_source (HrGpu *gpu)
{
  g_autoptr (GDateTime) checked = NULL;
  g_autofree char *moment = g_strconcat (hr_gpu_get_checked (gpu), "T00:00:00Z", NULL);

  g_assert_nonnull (strstr (hr_gpu_get_source (gpu), "://"));
  g_assert_true (g_regex_match_simple ("^\\d{4}-\\d\\d-\\d\\d$", hr_gpu_get_checked (gpu), G_REGEX_DEFAULT,
                                       G_REGEX_MATCH_DEFAULT));
  checked = g_date_time_new_from_iso8601 (moment, NULL);
  g_assert_nonnull (checked);
}

static void
test_each_row_says_where_it_is_from_and_when_it_was_checked (void)
{
  foreach_gpu (check_source);
}

static void
check_memory (HrGpu *gpu)
{
  guint64 memory = hr_gpu_get_memory (gpu);

  g_assert_true (g_strv_contains (counters, hr_gpu_get_memory_counter (gpu)));
  g_assert_cmpuint (memory, >=, 2 * GIBIBYTE);
  g_assert_cmpuint (memory, <=, 512 * GIBIBYTE);

  /* An advertised “80 GB” are not 80 · 10⁹ bytes. */
  g_assert_cmpuint (memory % 1000000000, !=, 0);

  /* Apple lets a GPU have two thirds or three quarters of the memory; all others count in mebibytes. */
  if (!g_str_equal (hr_gpu_get_memory_counter (gpu), "working-set"))
    g_assert_cmpuint (memory % MEBIBYTE, ==, 0);
  if (g_str_equal (hr_gpu_get_memory_counter (gpu), "nominal"))
    g_assert_cmpuint (memory % GIBIBYTE, ==, 0);
}

static void
test_memory_is_counted_in_binary_units (void)
{
  foreach_gpu (check_memory);
}

/* What the driver keeps for itself is little, and who tells it is said. */
static void
check_usable_memory (HrGpu *gpu)
{
  guint64 memory = hr_gpu_get_memory (gpu);
  guint64 usable = hr_gpu_get_usable_memory (gpu);

  g_assert_cmpuint (usable, <=, memory);
  g_assert_cmpuint (usable, >=, memory / 10 * 9);
  g_assert_cmpuint (usable < memory, ==, hr_gpu_knows_usable_memory (gpu));
  g_assert_true (hr_gpu_knows_usable_memory (gpu) == (strstr (hr_gpu_get_source (gpu), "usable memory: ") != NULL));
}

static void
test_less_may_be_used_than_the_driver_tells (void)
{
  g_autoptr (HrGpu) l40s = hr_gpu_catalogue_lookup ("l40s", NULL);

  foreach_gpu (check_usable_memory);
  g_assert_cmpuint (hr_gpu_get_memory (l40s), ==, 46068 * MEBIBYTE);
  g_assert_cmpuint (hr_gpu_get_usable_memory (l40s), ==, 45457 * MEBIBYTE);
}

static void
check_rates (HrGpu *gpu)
{
  guint64 bandwidth, link_bandwidth, bridge_bandwidth;
  guint year, n_bridged;

  if (hr_gpu_get_bandwidth (gpu, &bandwidth))
    {
      g_assert_cmpuint (bandwidth, >=, G_GUINT64_CONSTANT (50000000000));
      g_assert_cmpuint (bandwidth, <=, G_GUINT64_CONSTANT (10000000000000));
    }

  if (hr_gpu_get_interconnect (gpu, &link_bandwidth) != NULL && link_bandwidth > 0)
    g_assert_cmpuint (link_bandwidth, <=, G_GUINT64_CONSTANT (4000000000000));

  /* Links to single GPUs are parts of the whole, and a bridge is there for being faster than the bus. */
  if (hr_gpu_get_peer_bandwidth (gpu) > 0)
    g_assert_cmpuint (link_bandwidth % hr_gpu_get_peer_bandwidth (gpu), ==, 0);
  if (hr_gpu_get_bridge (gpu, &bridge_bandwidth, &n_bridged) != NULL)
    {
      g_assert_true (g_str_has_prefix (hr_gpu_get_interconnect (gpu, NULL), "PCIe"));
      g_assert_cmpuint (bridge_bandwidth, >, link_bandwidth);
      g_assert_true (n_bridged == 2 || n_bridged == 4);
    }

  if (hr_gpu_get_year (gpu, &year))
    {
      g_assert_cmpuint (year, >=, FIRST_GPU_YEAR);
      g_assert_cmpuint (year, <=, 2026);
    }
}

/* Each of the cores multiplies and adds once a cycle; a multiprocessor has 64 or 128 of them. */
static void
check_multiprocessors (HrGpu *gpu)
{
  const char *capability = hr_gpu_get_compute_capability (gpu);
  static const char * const small[] = { "6.0", "7.0", "7.5", "8.0", NULL };
  guint n_cores, n_multiprocessors;
  guint64 rate;

  if (!hr_gpu_get_multiprocessors (gpu, &n_multiprocessors))
    return;

  g_assert_nonnull (capability);
  n_cores = g_strv_contains (small, capability) ? 64 : 128;
  g_assert_cmpstr (hr_gpu_get_vendor (gpu), ==, "NVIDIA");
  if (hr_gpu_get_throughput (gpu, HR_DTYPE_FLOAT32, &rate))
    {
      double clock = (double) rate / (2 * n_cores * n_multiprocessors);

      g_assert_cmpfloat (clock, >=, 0.9e9);
      g_assert_cmpfloat (clock, <=, 3e9);
    }
}

static void
test_multiprocessors_have_clocks_that_are_known (void)
{
  foreach_gpu (check_multiprocessors);
}

static void
test_rates_and_years_are_in_range (void)
{
  foreach_gpu (check_rates);
}

static void
assert_at_most (HrGpu   *gpu,
                HrDtype  dtype,
                HrDtype  of,
                double   ratio)
{
  guint64 rate, other;

  if (hr_gpu_get_throughput (gpu, dtype, &rate) && hr_gpu_get_throughput (gpu, of, &other))
    g_assert_cmpfloat (rate, <=, other * ratio * 1.02);
}

static void
check_throughput (HrGpu *gpu)
{
  /* Half the width is at best twice the speed on the same units; figures for sparse matrices are twice that. */
  assert_at_most (gpu, HR_DTYPE_FLOAT8, HR_DTYPE_FLOAT16, 2.0);
  assert_at_most (gpu, HR_DTYPE_BFLOAT16, HR_DTYPE_FLOAT16, 1.0);
  assert_at_most (gpu, HR_DTYPE_FLOAT16, HR_DTYPE_FLOAT32, 64.0);
}

static void
test_throughput_is_that_of_dense_matrices (void)
{
  foreach_gpu (check_throughput);
}

static void
check_driver_names (HrGpu *gpu)
{
  const char * const *names = hr_gpu_get_driver_names (gpu);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autoptr (HrGpu) found = hr_gpu_catalogue_identify (names[i], hr_gpu_get_memory (gpu));

      g_test_message ("%s", names[i]);
      g_assert_true (found == gpu);
    }
}

static void
test_each_driver_name_identifies_its_gpu (void)
{
  foreach_gpu (check_driver_names);
}

static void
test_what_drivers_report_is_stored (void)
{
  const struct
  {
    const char *id;
    guint64 mebibytes;
  } reports[] = {
    { "rtx-4090", 24564 }, { "h100-sxm5-80gb", 81559 }, { "l4", 23034 }, { "t4", 15360 }, { "a10", 23028 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (reports); i++)
    {
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (reports[i].id, NULL);

      g_assert_nonnull (gpu);
      g_assert_cmpuint (hr_gpu_get_memory (gpu), ==, reports[i].mebibytes * MEBIBYTE);
      g_assert_cmpstr (hr_gpu_get_memory_counter (gpu), ==, "nvml");
    }
}

static void
test_what_people_type_finds_the_gpu (void)
{
  const char * const typed[][2] = {
    { "RTX 4090", "rtx-4090" },
    { "rtx-4090", "rtx-4090" },
    { "rtx4090", "rtx-4090" },
    { "4090", "rtx-4090" },
    { "  4090 ", "rtx-4090" },
    { "NVIDIA GeForce RTX 4090", "rtx-4090" },
    { "4090 laptop", "rtx-4090-laptop" },
    { "4090 48GB", "rtx-4090-48gb" },
    { "RTX 4060 Ti 16GB", "rtx-4060-ti-16gb" },
    { "RTX 4060 Ti 8 GB", "rtx-4060-ti-8gb" },
    { "H100", "h100-sxm5-80gb" },
    { "H100 80GB", "h100-sxm5-80gb" },
    { "a100 80gb", "a100-sxm4-80gb" },
    { "A100-SXM4-40GB", "a100-sxm4-40gb" },
    { "V100 SXM2 32 GB", "v100-sxm2-32gb" },
    { "MI300X", "mi300x" },
    { "7900 XTX", "rx-7900-xtx" },
    { "昇腾 910B2", "ascend-910b2" },
    { "m2 ultra 192gb", "m2-ultra-192gb" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (typed); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (typed[i][0], &error);

      g_assert_no_error (error);
      g_assert_cmpstr (hr_gpu_get_id (gpu), ==, typed[i][1]);
    }
}

static void
assert_unknown (const char *typed,
                const char *hint)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hr_gpu_catalogue_lookup (typed, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
  g_assert_nonnull (strstr (error->message, typed));
  if (hint != NULL)
    g_assert_nonnull (strstr (error->message, hint));
}

static void
test_ambiguous_names_list_the_candidates (void)
{
  assert_unknown ("a100", "a100-pcie-40gb, a100-sxm4-40gb, a100-pcie-80gb, a100-sxm4-80gb");
  assert_unknown ("4060 ti", "rtx-4060-ti-8gb, rtx-4060-ti-16gb");
  assert_unknown ("m2 ultra", "m2-ultra-64gb, m2-ultra-128gb, m2-ultra-192gb");
  assert_unknown ("910b", "ascend-910b2, ascend-910b3, ascend-910b4");
  assert_unknown ("nvidia", " …");
}

static void
test_unknown_names_suggest_the_nearest (void)
{
  assert_unknown ("rtx 4091", "rtx-4090");
  assert_unknown ("gtx1081", "gtx-1080");
  assert_unknown ("xyzzy", NULL);
  assert_unknown ("", NULL);
  assert_unknown ("%s%n", NULL);
}

static void
test_memory_tells_cards_of_one_name_apart (void)
{
  g_autoptr (HrGpu) small = hr_gpu_catalogue_identify ("NVIDIA GeForce RTX 4060 Ti", 8188 * MEBIBYTE);
  g_autoptr (HrGpu) large = hr_gpu_catalogue_identify ("NVIDIA GeForce RTX 4060 Ti", 16380 * MEBIBYTE);
  g_autoptr (HrGpu) other = hr_gpu_catalogue_identify ("NVIDIA GeForce RTX 4060 Ti", 32000 * MEBIBYTE);
  g_autoptr (HrGpu) unsized = hr_gpu_catalogue_identify ("NVIDIA GeForce RTX 4060 Ti", 0);

  g_assert_cmpstr (hr_gpu_get_id (small), ==, "rtx-4060-ti-8gb");
  g_assert_cmpstr (hr_gpu_get_id (large), ==, "rtx-4060-ti-16gb");
  g_assert_null (other);
  g_assert_null (unsized);
}

static void
test_memory_tells_a_refitted_card (void)
{
  g_autoptr (HrGpu) plain = hr_gpu_catalogue_identify ("NVIDIA GeForce RTX 4090", 24564 * MEBIBYTE);
  g_autoptr (HrGpu) refitted = hr_gpu_catalogue_identify ("NVIDIA GeForce RTX 4090", 49140 * MEBIBYTE);

  g_assert_cmpstr (hr_gpu_get_id (plain), ==, "rtx-4090");
  g_assert_cmpstr (hr_gpu_get_id (refitted), ==, "rtx-4090-48gb");
}

static void
test_names_of_drivers_are_not_guessed (void)
{
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_identify ("NVIDIA RTX", 24564 * MEBIBYTE);

  g_assert_null (gpu);
}

static void
test_lists_can_be_filtered_while_typing (void)
{
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("rtx-4090", NULL);

  g_assert_true (hr_gpu_matches (gpu, ""));
  g_assert_true (hr_gpu_matches (gpu, "r"));
  g_assert_true (hr_gpu_matches (gpu, "40"));
  g_assert_true (hr_gpu_matches (gpu, "nvidia 409"));
  g_assert_true (hr_gpu_matches (gpu, "24 GB"));
  g_assert_true (hr_gpu_matches (gpu, "GeForce 24gb"));
  g_assert_false (hr_gpu_matches (gpu, "4080"));
  g_assert_false (hr_gpu_matches (gpu, "amd 4090"));
}

static gboolean
load (const char  *text,
      GListStore  *gpus,
      GError     **error)
{
  g_autoptr (HrJson) document = hr_json_new_from_data (text, -1, "gpus.json", HR_JSON_STRICT, error);

  g_assert_no_error (*error);

  return _hr_gpu_catalogue_load (document, gpus, error);
}

#define ROW_START "\"id\": \"x-1\", \"name\": \"X 1\", \"memory-bytes\": 8589934592, \"memory-counter\": \"nominal\", "
#define ROW_END "\"source\": \"https://example.com/\", \"checked\": \"2026-11-20\""
#define DOCUMENT(row) "{ \"schema\": \"headroom-gpus/1\", \"vendor\": \"X\", \"gpus\": [ { " row " } ] }"

static void
test_absent_figures_stay_absent (void)
{
  g_autoptr (GListStore) gpus = g_list_store_new (HR_TYPE_GPU);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = NULL;
  guint64 number;
  guint year;

  g_assert_true (load (DOCUMENT (ROW_START ROW_END), gpus, &error));
  g_assert_no_error (error);
  gpu = g_list_model_get_item (G_LIST_MODEL (gpus), 0);

  g_assert_cmpstr (hr_gpu_get_vendor (gpu), ==, "X");
  g_assert_false (hr_gpu_get_bandwidth (gpu, &number));
  g_assert_false (hr_gpu_get_throughput (gpu, HR_DTYPE_FLOAT16, &number));
  g_assert_null (hr_gpu_get_interconnect (gpu, &number));
  g_assert_null (hr_gpu_get_architecture (gpu));
  g_assert_null (hr_gpu_get_compute_capability (gpu));
  g_assert_false (hr_gpu_get_multiprocessors (gpu, NULL));
  g_assert_false (hr_gpu_get_year (gpu, &year));
  g_assert_false (hr_gpu_get_free_memory (gpu, &number));
  g_assert_false (hr_gpu_is_local (gpu));
}

static void
test_faults_in_the_data_are_errors (void)
{
  const char * const faults[] = {
    "[]",
    "{}",
    "{ \"schema\": \"headroom-gpus/2\", \"vendor\": \"X\", \"gpus\": [] }",
    "{ \"schema\": \"headroom-gpus/1\", \"vendor\": \"X\", \"gpus\": [], \"more\": 1 }",
    "{ \"schema\": \"headroom-gpus/1\", \"vendor\": \"X\", \"gpus\": [ 1 ] }",
    DOCUMENT (ROW_START "\"source\": \"https://example.com/\""),
    DOCUMENT (ROW_START "\"memory\": 1, " ROW_END),
    DOCUMENT (ROW_START "\"bandwidth-bytes-per-second\": \"fast\", " ROW_END),
    DOCUMENT (ROW_START "\"bandwidth-bytes-per-second\": 1008, " ROW_END),
    DOCUMENT (ROW_START "\"throughput\": { \"float17\": 1000000000000 }, " ROW_END),
    DOCUMENT (ROW_START "\"throughput\": { \"float16\": -1 }, " ROW_END),
    DOCUMENT (ROW_START "\"interconnect\": { \"bytes-per-second\": 64000000000 }, " ROW_END),
    DOCUMENT (ROW_START "\"interconnect\": { \"kind\": \"X\", \"bridge\": { \"kind\": \"Y\" } }, " ROW_END),
    DOCUMENT (ROW_START "\"interconnect\": { \"kind\": \"X\", \"bridge\": { \"kind\": \"Y\", "
              "\"bytes-per-second\": 64000000000, \"gpus\": 1 } }, " ROW_END),
    DOCUMENT (ROW_START "\"year\": 1999, " ROW_END),
    DOCUMENT (ROW_START "\"aliases\": [ 1 ], " ROW_END),
    DOCUMENT ("\"id\": \"x-1\", \"name\": \"X 1\", \"memory-bytes\": 8, \"memory-counter\": \"nominal\", " ROW_END),
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (GListStore) gpus = g_list_store_new (HR_TYPE_GPU);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", faults[i]);
      g_assert_false (load (faults[i], gpus, &error));
      g_assert_nonnull (error);
      g_assert_true (error->domain == HR_ERROR);
      g_assert_nonnull (strstr (error->message, "gpus.json"));
    }
}

static void
test_cuda_capability (void)
{
  static const struct
  {
    const char *id;
    guint capability;
  } rows[] = {
    { "rtx-4090", 89 }, { "h100-sxm5-80gb", 90 }, { "mi300x", 0 }, { "m4-max-64gb", 0 },
  };

  g_assert_cmpuint (hr_gpu_get_cuda_capability (NULL), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (rows[i].id, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (hr_gpu_get_cuda_capability (gpu), ==, rows[i].capability);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/gpu-catalogue/identifiers-are-lower-case-words", test_identifiers_are_lower_case_words);
  g_test_add_func ("/gpu-catalogue/identifiers-and-names-are-unique", test_identifiers_and_names_are_unique);
  g_test_add_func ("/gpu-catalogue/each-identifier-finds-its-gpu", test_each_identifier_finds_its_gpu);
  g_test_add_func ("/gpu-catalogue/each-row-says-where-it-is-from-and-when-it-was-checked",
                   test_each_row_says_where_it_is_from_and_when_it_was_checked);
  g_test_add_func ("/gpu-catalogue/memory-is-counted-in-binary-units", test_memory_is_counted_in_binary_units);
  g_test_add_func ("/gpu-catalogue/less-may-be-used-than-the-driver-tells",
                   test_less_may_be_used_than_the_driver_tells);
  g_test_add_func ("/gpu-catalogue/rates-and-years-are-in-range", test_rates_and_years_are_in_range);
  g_test_add_func ("/gpu-catalogue/multiprocessors-have-clocks-that-are-known",
                   test_multiprocessors_have_clocks_that_are_known);
  g_test_add_func ("/gpu-catalogue/throughput-is-that-of-dense-matrices", test_throughput_is_that_of_dense_matrices);
  g_test_add_func ("/gpu-catalogue/each-driver-name-identifies-its-gpu", test_each_driver_name_identifies_its_gpu);
  g_test_add_func ("/gpu-catalogue/what-drivers-report-is-stored", test_what_drivers_report_is_stored);
  g_test_add_func ("/gpu-catalogue/what-people-type-finds-the-gpu", test_what_people_type_finds_the_gpu);
  g_test_add_func ("/gpu-catalogue/ambiguous-names-list-the-candidates", test_ambiguous_names_list_the_candidates);
  g_test_add_func ("/gpu-catalogue/unknown-names-suggest-the-nearest", test_unknown_names_suggest_the_nearest);
  g_test_add_func ("/gpu-catalogue/memory-tells-cards-of-one-name-apart", test_memory_tells_cards_of_one_name_apart);
  g_test_add_func ("/gpu-catalogue/memory-tells-a-refitted-card", test_memory_tells_a_refitted_card);
  g_test_add_func ("/gpu-catalogue/names-of-drivers-are-not-guessed", test_names_of_drivers_are_not_guessed);
  g_test_add_func ("/gpu-catalogue/lists-can-be-filtered-while-typing", test_lists_can_be_filtered_while_typing);
  g_test_add_func ("/gpu-catalogue/absent-figures-stay-absent", test_absent_figures_stay_absent);
  g_test_add_func ("/gpu-catalogue/capabilities-of-cuda-can-be-compared", test_cuda_capability);
  g_test_add_func ("/gpu-catalogue/faults-in-the-data-are-errors", test_faults_in_the_data_are_errors);

  return g_test_run ();
}
