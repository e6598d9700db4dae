/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-article.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "hr-article-expression.h"
#include "hr-labels.h"

#define FIGURES_PATH "/io/github/headroom/Headroom/data/articles/figures.json"

/*
 * Widely read articles on the memory of language models, of which people know the formulas and examples:
 * `data/articles/figures.json` has every figure that they print, and, as expressions, their own formula and what is so
 * for the real model.
 */

static const struct
{
  const char *name;
  HrArticleUnit unit;
  const char *label;
} units[] = {
  { "params", HR_ARTICLE_UNIT_PARAMETERS, N_("%s parameters") },
  { "bytes", HR_ARTICLE_UNIT_BYTES, "%s" },
  { "bytes/token", HR_ARTICLE_UNIT_BYTES, N_("%s a token") },
  { "bytes/token/layer", HR_ARTICLE_UNIT_BYTES, N_("%s a token and layer") },
  { "bytes/param", HR_ARTICLE_UNIT_BYTES, N_("%s a parameter") },
  { "bits", HR_ARTICLE_UNIT_NUMBER, N_("%s bits") },
  { "tokens", HR_ARTICLE_UNIT_NUMBER, N_("%s tokens") },
  { "elements", HR_ARTICLE_UNIT_NUMBER, N_("%s elements") },
  { "flops", HR_ARTICLE_UNIT_NUMBER, N_("%s FLOPs") },
  { "ratio", HR_ARTICLE_UNIT_RATIO, "%s×" },
  { "count", HR_ARTICLE_UNIT_NUMBER, "%s" },
  { "value", HR_ARTICLE_UNIT_NUMBER, "%s" },
};

/* The worked examples that have a model of the catalogue; a heading that begins like this belongs to them. */
static const HrArticleExample examples[] = {
  { "000", "以 Qwen2.5-7B 为例", N_("Qwen2.5-3B (called 7B there) with 32,768 tokens"), "Qwen/Qwen2.5-3B-Instruct",
    HR_MODE_INFERENCE, "prompt-length=32767 output-length=1" },
  { "001", "GPU 内存占用估算公式 / 推理", N_("Baichuan-7B (called LLaMA there) in FP32"), "baichuan-inc/Baichuan-7B",
    HR_MODE_INFERENCE, "dtype=float32" },
  { "002", "基础概念 / 3. 模型参数计算", N_("A model of 7B in INT4"), "Qwen/Qwen2.5-7B-Instruct", HR_MODE_INFERENCE,
    "quantization=awq-int4" },
  { "002", "微调模式计算 / PEFT方法 / LoRA微调", N_("LoRA on LLaMA-7B at rank 8"), "huggyllama/llama-7b",
    HR_MODE_FINE_TUNING, "fine-tuning-method=lora lora-rank=8 lora-targets=q_proj,v_proj" },
  { "002", "微调模式计算 / PEFT方法 / Prefix Tuning", N_("Prefix tuning with 128 tokens"), "Qwen/Qwen2.5-7B-Instruct",
    HR_MODE_FINE_TUNING, "fine-tuning-method=prefix virtual-tokens=128" },
  { "002", "实际案例 / 案例1", N_("Qwen2.5-7B in INT4 with 4,096 tokens"), "Qwen/Qwen2.5-7B-Instruct",
    HR_MODE_INFERENCE, "quantization=awq-int4 prompt-length=4095 output-length=1" },
  { "002", "实际案例 / 案例2", N_("QLoRA on Llama 3.1 70B at rank 16"), "meta-llama/Meta-Llama-3.1-70B-Instruct",
    HR_MODE_FINE_TUNING, "fine-tuning-method=qlora lora-rank=16 lora-targets=all-linear micro-batch-size=4 "
    "sequence-length=2048 gradient-checkpointing=full" },
  { "002", "实际案例 / 案例3", N_("Qwen2.5-VL-7B with four pictures"), "Qwen/Qwen2.5-VL-7B-Instruct",
    HR_MODE_MULTIMODAL, "text-tokens=100 images=4 image-width=1024 image-height=1024" },
  { "002", "实际案例 / 案例4", N_("GRPO on Qwen2.5-7B with eight completions"), "Qwen/Qwen2.5-7B-Instruct",
    HR_MODE_GRPO, "algorithm=grpo num-generations=8 micro-batch-size=16 prompt-length=1024 completion-length=1024 "
    "fine-tuning-method=qlora" },
  { "002", "多模态模式计算 / 2. 图像模态", N_("A picture of 1024 × 1024 in Qwen2.5-VL-7B"), "Qwen/Qwen2.5-VL-7B-Instruct",
    HR_MODE_MULTIMODAL, "images=1 image-width=1024 image-height=1024" },
  { "003", "Decoder-Only 架构 / 推理过程的显存占用 / KV cache", N_("Llama 3 8B with 64 sequences"),
    "meta-llama/Meta-Llama-3-8B", HR_MODE_INFERENCE, "batch-size=64 prompt-length=512 output-length=32" },
  { "003", "前言 config.json", N_("Mistral 7B v0.2"), "mistralai/Mistral-7B-Instruct-v0.2", HR_MODE_INFERENCE, "" },
  { "004", "参数量", N_("Parameters of Llama 2 13B"), "meta-llama/Llama-2-13b-hf", HR_MODE_INFERENCE, "" },
  { "004", "KV cache 显存计算公式", N_("KV cache of Llama 3 8B for 512 tokens"), "meta-llama/Meta-Llama-3-8B",
    HR_MODE_INFERENCE, "prompt-length=511 output-length=1" },
  { "004", "计算量", N_("One token of Llama 2 13B"), "meta-llama/Llama-2-13b-hf", HR_MODE_INFERENCE,
    "prompt-length=1 output-length=1" },
};

static void
figure_free (gpointer data)
{
  HrArticleFigure *self = data;

  g_free (self->id);
  g_free (self->article);
  g_free (self->section);
  g_free (self->lines);
  g_free (self->printed);
  g_free (self->formula);
  g_strfreev (self->reasons);
  g_free (self);
}

static gboolean
load_string (HrJson      *object,
             const char  *key,
             char       **string,
             GError     **error)
{
  const char *value = NULL;

  if (!hr_json_get_string (object, key, &value, error))
    return FALSE;

  *string = g_strdup (value);

  return TRUE;
}

static gboolean
load_value (HrJson           *object,
            const char       *key,
            HrArticleModels  *models,
            gboolean         *has_value,
            double           *value,
            GError          **error)
{
  HrJson *expression = hr_json_get_member (object, key);

  *has_value = expression != NULL;

  return expression == NULL || hr_article_expression_evaluate (expression, models, value, error);
}

/* The title of the article with the key that stands there. */
static char *
dup_title (HrJson     *articles,
           const char *id)
{
  for (guint i = 0; i < hr_json_get_length (articles); i++)
    {
      HrJson *article = hr_json_get_element (articles, i);
      const char *found = NULL, *title = NULL;

      if (hr_json_get_string (article, "id", &found, NULL) && g_strcmp0 (found, id) == 0 &&
          hr_json_get_string (article, "title", &title, NULL))
        return g_strdup (title);
    }

  return NULL;
}

static gboolean
load_unit (HrJson           *object,
           HrArticleFigure  *figure,
           GError          **error)
{
  HrJson *member = hr_json_require_member (object, "unit", error);
  const char *name = NULL;

  if (member == NULL || !hr_json_read_string (member, &name, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      if (!g_str_equal (units[i].name, name))
        continue;
      figure->unit = units[i].unit;
      figure->label = units[i].label;
      return TRUE;
    }

  hr_json_set_error (member, HR_ERROR_SCHEMA, _("what the figure counts"), error);

  return FALSE;
}

static gboolean
load_figure (HrJson           *object,
             HrJson           *articles,
             HrArticleModels  *models,
             HrArticleFigure  *figure,
             GError          **error)
{
  g_autofree char *article = NULL;

  if (!load_unit (object, figure, error) ||
      !load_string (object, "id", &figure->id, error) ||
      !load_string (object, "article", &article, error) ||
      !load_string (object, "section", &figure->section, error) ||
      !load_string (object, "lines", &figure->lines, error) ||
      !load_string (object, "printed", &figure->printed, error) ||
      !load_string (object, "formula", &figure->formula, error) ||
      !hr_json_get_strings (object, "reasons", &figure->reasons, error) ||
      !load_value (object, "rule", models, &figure->has_rule, &figure->rule, error) ||
      !load_value (object, "exact", models, &figure->has_exact, &figure->exact, error))
    return FALSE;

  if (article != NULL)
    figure->article = dup_title (articles, article);
  if (figure->reasons == NULL)
    figure->reasons = g_new0 (char *, 1);

  return TRUE;
}

static gboolean
load_figures (HrJson           *figures,
              HrJson           *articles,
              HrArticleModels  *models,
              GPtrArray        *list,
              GError          **error)
{
  for (guint i = 0; i < hr_json_get_length (figures); i++)
    {
      HrArticleFigure *figure = g_new0 (HrArticleFigure, 1);

      g_ptr_array_add (list, figure);
      if (!load_figure (hr_json_get_element (figures, i), articles, models, figure, error))
        return FALSE;
    }

  return TRUE;
}

/**
 * hr_article_list_figures: (skip)
 * @error: return location for an error
 *
 * Lists the figures of the articles, in their order, each recomputed.
 *
 * Returns: (transfer full) (element-type HrArticleFigure): the figures
 */
GPtrArray *
hr_article_list_figures (GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (figure_free);
  g_autoptr (HrJson) root = hr_json_new_from_resource (FIGURES_PATH, error);
  HrArticleModels models = { NULL, };
  HrJson *articles, *configs, *figures;
  gboolean done;

  if (root == NULL)
    return NULL;

  articles = hr_json_require_member (root, "articles", error);
  configs = articles != NULL ? hr_json_require_member (root, "models", error) : NULL;
  figures = configs != NULL ? hr_json_require_member (root, "figures", error) : NULL;
  if (figures == NULL)
    return NULL;

  hr_article_models_init (&models, configs);
  done = load_figures (figures, articles, &models, list, error);
  hr_article_models_clear (&models);

  return done ? g_steal_pointer (&list) : NULL;
}

static char *
format_number (double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (value >= 0 && value < 1e15 && value == floor (value))
    return hr_format_integer (value);

  return g_strdup (g_ascii_formatd (text, sizeof text, value > 1e15 ? "%.10g" : "%.6g", value));
}

/* Also in bytes, so that nothing is lost; half a byte for a parameter is no size. */
static char *
format_size (double       value,
             HrUnitSystem unit_system)
{
  g_autofree char *number = format_number (value);
  g_autofree char *size = NULL;

  if (value < 1024)
    return g_strdup_printf ("%s\u00a0B", number);

  size = hr_format_bytes (value, unit_system);

  /* Translators: a number of bytes, and the same in a larger unit. */
  return g_strdup_printf (_("%1$s B = %2$s"), number, size);
}

/**
 * hr_article_figure_format: (skip)
 * @self: a figure
 * @value: one of its values
 * @unit_system: the units of sizes
 *
 * Writes a value with what it counts, in the user's language.
 *
 * Returns: (transfer full): the text
 */
char *
hr_article_figure_format (const HrArticleFigure *self,
                          double                 value,
                          HrUnitSystem           unit_system)
{
  g_autofree char *number = NULL;
  g_autoptr (GString) text = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  number = self->unit == HR_ARTICLE_UNIT_BYTES ? format_size (value, unit_system) : format_number (value);
  text = g_string_new (hr_text_translate (self->label));
  g_string_replace (text, "%s", number, 1);

  return g_strdup (text->str);
}

/**
 * hr_article_figure_dup_reasons: (skip)
 * @self: a figure
 *
 * Says why a figure is not what is so, in the user's language.
 *
 * Returns: (transfer full) (nullable): sentences
 */
char *
hr_article_figure_dup_reasons (const HrArticleFigure *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return hr_article_reasons_join ((const char * const *) self->reasons);
}

/**
 * hr_article_find_example: (skip)
 * @figure: a figure
 *
 * Gets the worked example that a figure belongs to.
 *
 * Returns: (transfer none) (nullable): the example
 */
const HrArticleExample *
hr_article_find_example (const HrArticleFigure *figure)
{
  g_return_val_if_fail (figure != NULL, NULL);

  for (guint i = 0; figure->section != NULL && i < G_N_ELEMENTS (examples); i++)
    {
      /* A key begins with the number of its article: S002-C1a. */
      if (g_str_has_prefix (figure->id + 1, examples[i].article) &&
          g_str_has_prefix (figure->section, examples[i].section))
        return &examples[i];
    }

  return NULL;
}

/**
 * hr_article_example_create_job: (skip)
 * @self: an example
 * @error: return location for an error
 *
 * Makes the job of an example.
 *
 * Returns: (transfer full): the job
 */
HrJob *
hr_article_example_create_job (const HrArticleExample  *self,
                               GError                 **error)
{
  g_autoptr (HrJob) job = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  job = hr_job_new (self->mode);
  if (!hr_job_set_all_from_string (job, self->settings, error))
    return NULL;

  return g_steal_pointer (&job);
}
