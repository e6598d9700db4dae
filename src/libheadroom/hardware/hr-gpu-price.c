/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gpu-price-private.h"

#include <glib/gi18n-lib.h>

#define PRICES_PATH "/io/github/headroom/Headroom/data/prices/rent.json"

/* Wider than any price there is; a price outside is a slip of the keyboard. */
#define MIN_PRICE 0.01
#define MAX_PRICE 1000.0

/* What a GPU costs an hour: `data/prices/rent.json`. The texts live as long as the program. */

static gboolean
load_price (HrJson      *member,
            HrGpuPrice  *price,
            GError     **error)
{
  if (!hr_json_read_double (member, &price->per_hour, error))
    return FALSE;

  if (price->per_hour < MIN_PRICE || price->per_hour > MAX_PRICE)
    {
      hr_json_set_error (member, HR_ERROR_SCHEMA, _("a price an hour"), error);
      return FALSE;
    }

  price->gpu = g_intern_string (hr_json_get_key (member));

  return TRUE;
}

static gboolean
load_offer (HrJson      *offer,
            const char  *currency,
            GArray      *prices,
            GError     **error)
{
  static const char * const members[] = { "id", "provider", "source", "checked", "per-hour", NULL };
  HrGpuPrice price = { .currency = currency };
  HrJson *per_hour = NULL;

  if (!hr_json_check_type (offer, HR_JSON_OBJECT, error) || !hr_json_check_members (offer, members, error) ||
      !hr_json_require_text (offer, "provider", &price.provider, error) ||
      !hr_json_require_text (offer, "source", &price.source, error) ||
      !hr_json_require_text (offer, "checked", &price.checked, error) ||
      hr_json_require_member (offer, "per-hour", error) == NULL ||
      !hr_json_get_object (offer, "per-hour", &per_hour, error))
    return FALSE;

  for (guint i = 0; i < hr_json_get_length (per_hour); i++)
    {
      if (!load_price (hr_json_get_element (per_hour, i), &price, error))
        return FALSE;
      g_array_append_val (prices, price);
    }

  return TRUE;
}

/*
 * _hr_gpu_price_load:
 * @document: what a file of prices holds
 * @prices: (element-type HrGpuPrice): takes its prices
 * @error: return location for an error
 *
 * Reads prices.
 *
 * Returns: whether they could be read
 */
gboolean
_hr_gpu_price_load (HrJson   *document,
                    GArray   *prices,
                    GError  **error)
{
  static const char * const members[] = { "schema", "currency", "offers", NULL };
  const char *schema = NULL;
  const char *currency = NULL;
  HrJson *offers = NULL;

  if (!hr_json_check_type (document, HR_JSON_OBJECT, error) || !hr_json_check_members (document, members, error) ||
      !hr_json_require_text (document, "schema", &schema, error) ||
      !hr_json_require_text (document, "currency", &currency, error) ||
      hr_json_require_member (document, "offers", error) == NULL ||
      !hr_json_get_array (document, "offers", &offers, error))
    return FALSE;

  if (g_strcmp0 (schema, "headroom-prices/1") != 0)
    {
      hr_json_set_error (hr_json_get_member (document, "schema"), HR_ERROR_SCHEMA, "“headroom-prices/1”", error);
      return FALSE;
    }

  for (guint i = 0; i < hr_json_get_length (offers); i++)
    {
      if (!load_offer (hr_json_get_element (offers, i), currency, prices, error))
        return FALSE;
    }

  return TRUE;
}

static gpointer
load_default (gpointer unused)
{
  GArray *prices = g_array_new (FALSE, FALSE, sizeof (HrGpuPrice));
  g_autoptr (GError) error = NULL;
  g_autoptr (HrJson) document = hr_json_new_from_resource (PRICES_PATH, &error);

  /* The file is part of the library: one that cannot be read is a fault of the build. */
  if (document == NULL || !_hr_gpu_price_load (document, prices, &error))
    g_error ("%s", error->message);

  return prices;
}

/**
 * hr_gpu_price_list: (skip)
 * @n_prices: (out): the number of prices
 *
 * Lists the prices that are known. It may be called from any thread, and the list does not change.
 *
 * Returns: (transfer none) (array length=n_prices): the prices, offer by offer
 */
const HrGpuPrice *
hr_gpu_price_list (guint *n_prices)
{
  static GOnce once = G_ONCE_INIT;
  GArray *prices = g_once (&once, load_default, NULL);

  g_return_val_if_fail (n_prices != NULL, NULL);

  *n_prices = prices->len;

  return (const HrGpuPrice *) prices->data;
}

/**
 * hr_gpu_find_price: (skip)
 * @gpu: a GPU
 *
 * Finds the lowest price for which a GPU is known to be rented.
 *
 * Returns: (transfer none) (nullable): the price, or %NULL if none is known
 */
const HrGpuPrice *
hr_gpu_find_price (HrGpu *gpu)
{
  const HrGpuPrice *lowest = NULL;
  const HrGpuPrice *prices;
  guint n_prices;

  g_return_val_if_fail (HR_IS_GPU (gpu), NULL);

  prices = hr_gpu_price_list (&n_prices);
  for (guint i = 0; i < n_prices; i++)
    {
      if (g_strcmp0 (prices[i].gpu, hr_gpu_get_id (gpu)) == 0 &&
          (lowest == NULL || prices[i].per_hour < lowest->per_hour))
        lowest = &prices[i];
    }

  return lowest;
}

/**
 * hr_gpu_price_dup_text: (skip)
 * @self: a price
 * @n_gpus: how many GPUs
 *
 * Says what it costs to rent so many GPUs, from whom, and on which day that was so.
 *
 * Returns: (transfer full): a text in the user’s language
 */
char *
hr_gpu_price_dup_text (const HrGpuPrice *self,
                       guint             n_gpus)
{
  g_return_val_if_fail (self != NULL, NULL);

  /* Translators: a price, its currency, who asks for it, and a day such as 2026-09-25 */
  return g_strdup_printf (_("%1$.2f %2$s an hour from %3$s (%4$s)"), self->per_hour * n_gpus, self->currency,
                          self->provider, self->checked);
}
