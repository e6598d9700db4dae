/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-model-size.h"

#include <math.h>
#include <string.h>

#include "hr-json.h"
#include "hr-model.h"
#include "hr-model-catalogue.h"

/* Below, nearly everything would be embeddings; above, nobody has trained a dense model. */
#define MIN_PARAMETERS 1e7
#define MAX_PARAMETERS 1e14

/* The feed-forward blocks' width is a multiple of this, as in the models of the list. */
#define WIDTH_STEP 128

#define MAX_LAYERS 4096

/* Llama's own sizes and, between them, those of Qwen 2.5, which is built like Llama. */
static const char * const references[] = {
  "Qwen/Qwen2.5-0.5B", "meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.2-3B", "meta-llama/Meta-Llama-3.1-8B",
  "Qwen/Qwen2.5-14B", "Qwen/Qwen2.5-32B", "meta-llama/Meta-Llama-3.1-70B", "meta-llama/Meta-Llama-3.1-405B",
};

/**
 * hr_model_parse_size:
 * @text: what somebody typed
 * @n_parameters: (out): how many parameters it stands for
 *
 * Reads the size of a model, such as `7B`, `0.5b`, `350M` or `1.5T`: all that is known of some.
 *
 * Returns: whether @text is the size of a model
 */
gboolean
hr_model_parse_size (const char *text,
                     guint64    *n_parameters)
{
  g_autoptr (GRegex) pattern = g_regex_new ("^\\s*([0-9]{1,6}(?:\\.[0-9]{1,6})?) ?([MBT])\\s*$", G_REGEX_CASELESS, 0,
                                            NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *number = NULL;
  g_autofree char *unit = NULL;
  double size;

  g_return_val_if_fail (text != NULL, FALSE);
  g_return_val_if_fail (n_parameters != NULL, FALSE);

  if (!g_utf8_validate (text, -1, NULL) || !g_regex_match (pattern, text, 0, &match))
    return FALSE;

  number = g_match_info_fetch (match, 1);
  unit = g_match_info_fetch (match, 2);
  size = g_ascii_strtod (number, NULL) * pow (1000, 2 + (strchr ("MBT", g_ascii_toupper (unit[0])) - "MBT"));
  if (size < MIN_PARAMETERS || size > MAX_PARAMETERS)
    return FALSE;

  *n_parameters = llround (size);

  return TRUE;
}

static gboolean
read_reference (const char   *id,
                HrModelSize  *size,
                GError      **error)
{
  g_autofree char *text = hr_model_catalogue_dup_config (id, NULL, error);
  g_autoptr (HrJson) config = text != NULL ? hr_json_new_from_data (text, -1, id, HR_JSON_STRICT, error) : NULL;

  *size = (HrModelSize) { .reference = id };

  return config != NULL &&
         hr_json_get_uint (config, "hidden_size", 1, G_MAXUINT32, &size->hidden_size, error) &&
         hr_json_get_uint (config, "intermediate_size", 1, G_MAXUINT32, &size->intermediate_size, error) &&
         hr_json_get_uint (config, "num_attention_heads", 1, G_MAXUINT32, &size->num_attention_heads, error) &&
         hr_json_get_uint (config, "num_key_value_heads", 1, G_MAXUINT32, &size->num_key_value_heads, error) &&
         hr_json_get_uint (config, "num_hidden_layers", 1, G_MAXUINT32, &size->num_hidden_layers, error) &&
         hr_json_get_uint (config, "vocab_size", 1, G_MAXUINT32, &size->vocab_size, error) &&
         hr_json_get_boolean (config, "tie_word_embeddings", &size->tied, error);
}

/* Queries and output, keys and values, the three matrices of the MLP, two norms. */
static guint64
count_layer (const HrModelSize *self)
{
  guint64 key_size = self->hidden_size / self->num_attention_heads * self->num_key_value_heads;

  return 2 * self->hidden_size * (self->hidden_size + key_size) + 3 * self->hidden_size * self->intermediate_size +
         2 * self->hidden_size;
}

/* The embeddings, the output if it has a matrix of its own, the last norm. */
static guint64
count_rest (const HrModelSize *self)
{
  return self->vocab_size * self->hidden_size * (self->tied ? 1 : 2) + self->hidden_size;
}

static double
get_distance (const HrModelSize *reference,
              guint64            n_parameters)
{
  guint64 size = reference->num_hidden_layers * count_layer (reference) + count_rest (reference);

  return fabs (log ((double) size / n_parameters));
}

static gboolean
find_reference (guint64        n_parameters,
                HrModelSize   *nearest,
                GError       **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (references); i++)
    {
      HrModelSize reference;

      if (!read_reference (references[i], &reference, error))
        return FALSE;
      if (i == 0 || get_distance (&reference, n_parameters) < get_distance (nearest, n_parameters))
        *nearest = reference;
    }

  return TRUE;
}

static guint64
round_to (double  number,
          guint64 step)
{
  return MAX (llround (number / step), 1) * step;
}

/*
 * hr_model_size_init:
 * @self: (out): the shape
 * @n_parameters: how many parameters are wanted, within the range of hr_model_parse_size()
 * @error: return location for an error
 *
 * Finds a shape for a size: that of the nearest of a few published models, with its width scaled by the third root of
 * how much larger the size is, and as many layers as bring it nearest to the size.
 *
 * Returns: whether the catalogue has the model
 */
gboolean
hr_model_size_init (HrModelSize  *self,
                    guint64       n_parameters,
                    GError      **error)
{
  guint64 head_dim, reference_size;
  double ratio, layers;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (n_parameters >= MIN_PARAMETERS && n_parameters <= MAX_PARAMETERS, FALSE);

  if (!find_reference (n_parameters, self, error))
    return FALSE;

  reference_size = self->num_hidden_layers * count_layer (self) + count_rest (self);
  ratio = cbrt ((double) n_parameters / reference_size);
  head_dim = self->hidden_size / self->num_attention_heads;

  self->n_parameters = n_parameters;
  self->num_attention_heads = round_to (self->num_attention_heads * ratio, self->num_key_value_heads);
  self->intermediate_size = round_to ((double) self->intermediate_size * self->num_attention_heads * head_dim /
                                      self->hidden_size, WIDTH_STEP);
  self->hidden_size = self->num_attention_heads * head_dim;
  self->vocab_size = MIN (self->vocab_size, n_parameters / 3 / self->hidden_size / (self->tied ? 1 : 2));

  layers = ((double) n_parameters - count_rest (self)) / count_layer (self);
  self->num_hidden_layers = CLAMP (llround (layers), 1, MAX_LAYERS);

  return TRUE;
}

/*
 * hr_model_size_dup_config:
 * @self: a shape
 *
 * Writes the shape as the `config.json` of a decoder without anything special.
 *
 * Returns: (transfer full): the text
 */
char *
hr_model_size_dup_config (const HrModelSize *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_strdup_printf ("{ \"model_type\": \"llama\", \"torch_dtype\": \"bfloat16\", \"hidden_size\": %"
                          G_GUINT64_FORMAT ", \"intermediate_size\": %" G_GUINT64_FORMAT ", \"num_hidden_layers\": %"
                          G_GUINT64_FORMAT ", \"num_attention_heads\": %" G_GUINT64_FORMAT
                          ", \"num_key_value_heads\": %" G_GUINT64_FORMAT ", \"vocab_size\": %" G_GUINT64_FORMAT
                          ", \"tie_word_embeddings\": %s }",
                          self->hidden_size, self->intermediate_size, self->num_hidden_layers,
                          self->num_attention_heads, self->num_key_value_heads, self->vocab_size,
                          self->tied ? "true" : "false");
}
