/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-gpu-catalogue.h"
#include "hr-gpu-price-private.h"

static void
test_rows (void)
{
  guint n_prices;
  const HrGpuPrice *prices = hr_gpu_price_list (&n_prices);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_assert_cmpuint (n_prices, >=, 25);
  for (guint i = 0; i < n_prices; i++)
    {
      g_autofree char *key = g_strdup_printf ("%s %s", prices[i].provider, prices[i].gpu);
      g_autofree char *moment = g_strconcat (prices[i].checked, "T00:00:00Z", NULL);
      g_autoptr (GDateTime) checked = g_date_time_new_from_iso8601 (moment, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (prices[i].gpu, &error);

      g_test_message ("%s", key);
      g_assert_no_error (error);
      g_assert_cmpstr (hr_gpu_get_id (gpu), ==, prices[i].gpu);
      g_assert_nonnull (checked);
      g_assert_true (g_str_has_prefix (prices[i].source, "https://"));
      g_assert_cmpstr (prices[i].currency, ==, "USD");
      g_assert_true (g_hash_table_add (seen, g_steal_pointer (&key)));
    }
}

static void
test_lowest (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("h100-pcie-80gb", &error);
  guint n_prices, n = 0;
  const HrGpuPrice *prices = hr_gpu_price_list (&n_prices);
  const HrGpuPrice *price;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  price = hr_gpu_find_price (gpu);
  g_assert_nonnull (price);
  for (guint i = 0; i < n_prices; i++)
    {
      if (!g_str_equal (prices[i].gpu, "h100-pcie-80gb"))
        continue;
      g_assert_cmpfloat (price->per_hour, <=, prices[i].per_hour);
      n++;
    }
  g_assert_cmpuint (n, >=, 3);

  text = hr_gpu_price_dup_text (price, 2);
  g_assert_cmpstr (text, ==, "5.00 USD an hour from Hyperstack (2026-08-26)");
}

static void
test_unknown (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("gtx-1080", &error);

  g_assert_no_error (error);
  g_assert_null (hr_gpu_find_price (gpu));
}

static const struct
{
  const char *text;
  const char *expected;
} wrong[] = {
  { "{ \"schema\": \"headroom-prices/2\", \"currency\": \"USD\", \"offers\": [] }", "headroom-prices/1" },
  { "{ \"schema\": \"headroom-prices/1\", \"offers\": [] }", "currency" },
  { "{ \"schema\": \"headroom-prices/1\", \"currency\": \"USD\", \"offers\": [ { \"provider\": \"A\","
    " \"source\": \"B\", \"checked\": \"2026-01-01\", \"per-hour\": { \"t4\": 0 } } ] }", "t4" },
  { "{ \"schema\": \"headroom-prices/1\", \"currency\": \"USD\", \"offers\": [ { \"provider\": \"A\","
    " \"checked\": \"2026-01-01\", \"per-hour\": { \"t4\": 1 } } ] }", "source" },
};

static void
test_wrong (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GArray) prices = g_array_new (FALSE, FALSE, sizeof (HrGpuPrice));
      g_autoptr (GError) error = NULL;
      g_autoptr (HrJson) document = hr_json_new_from_data (wrong[i].text, -1, "prices.json", HR_JSON_STRICT, &error);

      g_assert_no_error (error);
      g_assert_false (_hr_gpu_price_load (document, prices, &error));
      g_assert_nonnull (error);
      g_test_message ("%s", error->message);
      g_assert_nonnull (g_strstr_len (error->message, -1, wrong[i].expected));
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/gpu-price/each_row_is_of_a_gpu_of_the_catalogue_and_says_where_and_when", test_rows);
  g_test_add_func ("/gpu-price/the_lowest_is_found_and_multiplied", test_lowest);
  g_test_add_func ("/gpu-price/what_is_not_known_has_none", test_unknown);
  g_test_add_func ("/gpu-price/what_is_wrong_is_refused", test_wrong);

  return g_test_run ();
}
