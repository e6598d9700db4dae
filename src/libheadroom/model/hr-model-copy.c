/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-model-copy.h"

#include <string.h>

#include "hr-model-catalogue.h"

/* Copies of models in other formats, whose repositories are called like the model, with the format behind it. */

typedef struct
{
  const char *suffix;
  const char *settings;   /* a quantization_config */
} CopyFormat;

#define AWQ "{\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 128, \"zero_point\": true, \"version\": \"gemm\"}"
#define GPTQ(bits) "{\"quant_method\": \"gptq\", \"bits\": " bits ", \"group_size\": 128, \"sym\": true}"
#define COMPRESSED(format, weights) \
  "{\"quant_method\": \"compressed-tensors\", \"format\": \"" format "\", \"config_groups\": {\"group_0\": " \
  "{\"targets\": [\"Linear\"], \"weights\": " weights "}}, " \
  "\"ignore\": [\"lm_head\", \"re:.*visual.*\", \"re:.*vision.*\", \"re:.*multi_modal_projector.*\"]}"

/*
 * What the tools take where nobody says otherwise, and what most copies have: examples of AutoAWQ (docs/examples.md)
 * and AutoGPTQ, the schemes of LLM Compressor (FP8, FP8_DYNAMIC, W8A8, W4A16), whose examples leave towers that see as
 * they are (examples/quantization_w8a8_fp8), ModelOpt's NVFP4, of whose copies those of NVIDIA (Gemma 4, Kimi K2.5) do
 * so as well, and unsloth's settings of bitsandbytes. The longer ending comes first.
 */
static const CopyFormat formats[] = {
  { "-AWQ-INT4", AWQ },
  { "-AWQ", AWQ },
  { "-GPTQ-Int8", GPTQ ("8") },
  { "-GPTQ-Int4", GPTQ ("4") },
  { "-GPTQ", GPTQ ("4") },
  { "-FP8-dynamic", COMPRESSED ("float-quantized",
                                "{\"num_bits\": 8, \"type\": \"float\", \"strategy\": \"channel\"}") },
  { "-FP8", COMPRESSED ("float-quantized", "{\"num_bits\": 8, \"type\": \"float\", \"strategy\": \"tensor\"}") },
  { "-quantized.w8a8", COMPRESSED ("int-quantized",
                                   "{\"num_bits\": 8, \"type\": \"int\", \"strategy\": \"channel\"}") },
  { "-quantized.w4a16", COMPRESSED ("pack-quantized",
                                    "{\"num_bits\": 4, \"type\": \"int\", \"strategy\": \"group\", "
                                    "\"group_size\": 128}") },
  { "-NVFP4", "{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\", \"group_size\": 16, "
              "\"exclude_modules\": [\"lm_head\", \"*visual*\", \"*vision*\", \"*mm_projector*\", "
              "\"*multi_modal_projector*\"]}" },
  { "-unsloth-bnb-4bit", NULL },   /* keeps some matrices of each model as they are: which is in its config alone */
  { "-bnb-4bit", "{\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true, \"bnb_4bit_quant_type\": \"nf4\", "
                 "\"bnb_4bit_use_double_quant\": true, \"bnb_4bit_compute_dtype\": \"bfloat16\"}" },
};

/* The model of the catalogue that @id is called like, but for @suffix and who made the copy. */
static HrModelEntry *
find_original (const char *id,
               const char *suffix)
{
  const char *slash = strrchr (id, '/');
  const char *name = slash != NULL ? slash + 1 : id;
  gsize length = strlen (name);
  gsize suffix_length = strlen (suffix);
  g_autofree char *stem = NULL;

  if (length <= suffix_length || g_ascii_strcasecmp (name + length - suffix_length, suffix) != 0)
    return NULL;

  stem = g_strndup (name, length - suffix_length);

  return hr_model_catalogue_lookup (stem, NULL);
}

/*
 * hr_model_copy_find:
 * @id: what somebody typed, which is not in the catalogue
 * @settings: (out): the `quantization_config` that copies of such a name usually have
 *
 * Finds the model that something is a copy of by its name, such as `someone/Qwen2.5-7B-Instruct-AWQ`.
 *
 * Returns: (transfer full) (nullable): the model, or %NULL
 */
HrModelEntry *
hr_model_copy_find (const char  *id,
                    const char **settings)
{
  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (settings != NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      HrModelEntry *original = find_original (id, formats[i].suffix);

      if (original == NULL)
        continue;
      *settings = formats[i].settings;
      if (*settings == NULL)
        g_clear_object (&original);
      return original;
    }

  return NULL;
}

/*
 * hr_model_copy_find_gguf:
 * @id: what somebody typed, which is not in the catalogue
 *
 * Finds the model of a repository with files of llama.cpp, such as `someone/Qwen2.5-7B-Instruct-GGUF`: which of them is
 * meant its name does not say.
 *
 * Returns: (transfer full) (nullable): the model, or %NULL
 */
HrModelEntry *
hr_model_copy_find_gguf (const char *id)
{
  g_return_val_if_fail (id != NULL, NULL);

  return find_original (id, "-GGUF");
}
