/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-estimate-parts.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-component-text.h"
#include "hr-estimate-private.h"
#include "hr-matrix-format.h"
#include "hr-message.h"

/* Parts that estimates of all modes have, each with its formula, the numbers and its source. */

#define SOURCE_WEIGHTS \
  "torch.nn.Module: parameters and buffers, each rounded up to 512 bytes (c10/cuda/CUDACachingAllocator.cpp)"
#define SOURCE_MODELS "transformers, src/transformers/models"
#define SOURCE_ACTIVATIONS "what the variables of its functions hold at the moment of the peak"
#define SOURCE_LOGITS "the output head in the forward of %s, logits_to_keep"
#define SOURCE_TEMPORARY \
  "transformers/cache_utils.py: torch.cat makes the new keys beside the old; kernels' own buffers"
#define SOURCE_FRAGMENTATION "c10/cuda/CUDACachingAllocator.cpp: kSmallBuffer, kLargeBuffer, kRoundLarge"

/* A formula of a quantization with the numbers of these weights. */
static char *
dup_quantized_numbers (const char      *formula,
                       const HrWeights *weights,
                       double           element)
{
  const struct
  {
    const char *name;
    double value;
  } names[] = {
    { "linear", weights->quantized_elements },
    { "rows", weights->quantized_rows },
    { "columns", weights->quantized_columns },
    { "matrices", weights->quantized_matrices },
    { "rest", weights->other_elements },
    { "kept", weights->kept_elements },
    { "e", element },
    { "buffers", weights->buffer_bytes },
  };
  GString *text = g_string_new (NULL);

  for (const char *p = formula; *p != '\0';)
    {
      gsize length = strspn (p, "abcdefghijklmnopqrstuvwxyz");
      guint i = 0;

      while (length > 0 && i < G_N_ELEMENTS (names) &&
             (strlen (names[i].name) != length || strncmp (p, names[i].name, length) != 0))
        i++;
      if (length == 0)
        g_string_append_c (text, *p++);
      else if (i < G_N_ELEMENTS (names))
        g_string_append_printf (text, "%.15g", names[i].value);
      else
        g_string_append_len (text, p, length);
      p += length;
    }

  return g_string_free (text, FALSE);
}

/*
 * hr_estimate_add_weights:
 * @self: an estimate
 * @index: a device
 * @id: whose weights they are: the model's or those of the one it is compared with
 * @storage: how the tensors are stored
 * @weights: those that are on the device
 * @bytes: what they take
 *
 * Adds the weights.
 */
void
hr_estimate_add_weights (HrEstimate            *self,
                         guint                  index,
                         HrComponentId          id,
                         const HrWeightStorage *storage,
                         const HrWeights       *weights,
                         guint64                bytes)
{
  const HrMatrixFormat *format = hr_weight_storage_get_format (storage);
  const char *source = hr_matrix_format_get_source (storage->quantization);
  double element = hr_dtype_get_bits (storage->dtype) / 8.0;
  g_autofree char *formula = NULL;
  g_autofree char *substitution = NULL;

  if (hr_quantization_is_gguf (storage->quantization))
    {
      formula = g_strdup ("Σ blocks · bytes of a block + buffers");
      substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·%.4g/8 + %" G_GUINT64_FORMAT, weights->quantized_elements,
                                      8.0 * (bytes - weights->buffer_bytes) / weights->quantized_elements,
                                      weights->buffer_bytes);
    }
  else if (format != NULL)
    {
      g_autofree char *matrices = hr_matrix_format_dup_formula (format, storage->dtype);

      formula = g_strconcat (matrices, weights->kept_elements > 0 ? " + kept·4" : "", " + buffers", NULL);
      substitution = dup_quantized_numbers (formula, weights, element);
    }
  else
    {
      g_autofree char *kept = weights->kept_elements > 0
                                ? g_strdup_printf (" + %" G_GUINT64_FORMAT "·4", weights->kept_elements)
                                : g_strdup ("");

      formula = g_strdup ("Σ parameters·e + buffers");
      substitution = g_strdup_printf ("%" G_GUINT64_FORMAT "·%g%s + %" G_GUINT64_FORMAT, weights->other_elements,
                                      element, kept, weights->buffer_bytes);
    }

  _hr_estimate_add_component (self, index, id, bytes, formula, substitution,
                              source != NULL ? source : SOURCE_WEIGHTS);
}

/*
 * hr_estimate_dup_source:
 * @model: a model
 * @id: what memory is held for
 *
 * Says where the code stands whose variables hold a component.
 *
 * Returns: (transfer full): the file and the place in it
 */
char *
hr_estimate_dup_source (HrModel       *model,
                        HrComponentId  id)
{
  const char *source = hr_model_get_architecture_source (model);
  const char *name = hr_model_get_architecture (model);

  if (id == HR_COMPONENT_TEMPORARY)
    return g_strdup (SOURCE_TEMPORARY);

  if (source == NULL)
    source = SOURCE_MODELS;
  if (id == HR_COMPONENT_LOGITS)
    return g_strdup_printf ("%s: " SOURCE_LOGITS, source, name != NULL ? name : hr_model_get_model_type (model));

  return g_strdup_printf ("%s: " SOURCE_ACTIVATIONS, source);
}

/*
 * hr_estimate_add_from_tape:
 * @self: an estimate
 * @index: a device
 * @model: the model
 * @moment: the moment of the device's peak
 * @id: what the memory is held for
 * @bytes: how much
 *
 * Adds what the tape holds of a component, with the shapes and the names of the variables.
 */
void
hr_estimate_add_from_tape (HrEstimate     *self,
                           guint           index,
                           HrModel        *model,
                           const HrMoment *moment,
                           HrComponentId   id,
                           guint64         bytes)
{
  g_autofree char *formula = hr_component_text_new_formula (moment, id);
  g_autofree char *substitution = hr_component_text_new_substitution (moment, id);
  g_autofree char *source = hr_estimate_dup_source (model, id);

  _hr_estimate_add_component (self, index, id, bytes, formula, substitution, source);
}

/*
 * hr_estimate_add_framework:
 * @self: an estimate
 * @index: a device
 * @framework: what the driver and the libraries hold
 *
 * Adds what a process holds before it holds anything of the model's.
 *
 * Returns: the size in bytes
 */
guint64
hr_estimate_add_framework (HrEstimate        *self,
                           guint              index,
                           const HrFramework *framework)
{
  guint64 bytes = framework->context_bytes + framework->workspace_bytes + framework->engine_bytes;
  g_autoptr (GString) formula = g_string_new ("context + cuBLAS workspace");
  g_autoptr (GString) substitution = g_string_new (NULL);
  g_autoptr (GString) source = g_string_new (framework->source);

  g_string_printf (substitution, "%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT, framework->context_bytes,
                   framework->workspace_bytes);
  if (framework->engine_bytes > 0)
    {
      g_string_append (formula, " + Transformer Engine workspace");
      g_string_append_printf (substitution, " + %" G_GUINT64_FORMAT, framework->engine_bytes);
      g_string_append (source, "; Transformer Engine workspace: transformer_engine/pytorch/cpp_extensions/gemm.py");
    }
  _hr_estimate_add_component (self, index, HR_COMPONENT_FRAMEWORK, bytes, formula->str, substitution->str,
                              source->str);

  return bytes;
}

/*
 * hr_estimate_add_fragmentation:
 * @self: an estimate
 * @index: a device
 * @waste: a size in bytes
 *
 * Adds what the allocator has taken from the driver beyond what is alive.
 *
 * Returns: @waste
 */
guint64
hr_estimate_add_fragmentation (HrEstimate *self,
                               guint       index,
                               guint64     waste)
{
  g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT, waste);

  if (waste > 0)
    _hr_estimate_add_component (self, index, HR_COMPONENT_FRAGMENTATION, waste, "Σ (⌈x⌉ − x)", substitution,
                                SOURCE_FRAGMENTATION);

  return waste;
}

/*
 * hr_estimate_add_phases:
 * @self: an estimate
 * @ledger: the books of the worst device
 * @beside: what it holds all the time beside what is in the books
 *
 * Adds the phases that there were.
 */
void
hr_estimate_add_phases (HrEstimate     *self,
                        const HrLedger *ledger,
                        guint64         beside)
{
  for (guint i = 0; i < HR_N_PHASES; i++)
    {
      if (ledger->phase_peaks[i] > 0)
        _hr_estimate_add_phase (self, i, ledger->phase_peaks[i] + beside);
    }
}

/*
 * hr_estimate_add_warnings:
 * @self: an estimate
 * @plan: the plan that it was made by
 *
 * Adds what the model and the plan warn of.
 */
void
hr_estimate_add_warnings (HrEstimate            *self,
                          const HrInferencePlan *plan)
{
  const char * const *model_warnings = hr_model_get_warnings (plan->model);

  for (guint i = 0; model_warnings != NULL && model_warnings[i] != NULL; i++)
    _hr_estimate_take_warning (self, g_strdup (model_warnings[i]));

  for (guint i = 0; i < plan->warnings->len; i++)
    _hr_estimate_take_warning (self, g_strdup (g_ptr_array_index (plan->warnings, i)));
}

/*
 * hr_estimate_set_too_large:
 * @error: (out): return location for an error
 * @model: a model
 *
 * Says that a job takes more memory than 64 bits count, or than its parts are meant for.
 */
void
hr_estimate_set_too_large (GError  **error,
                           HrModel  *model)
{
  hr_message_set_error (error, HR_ERROR_TOO_LARGE,
                        /* Translators: the place is the name of a model. */
                        N_("“%s”: this job takes more memory than can be counted; expected fewer sequences or tokens"),
                        hr_model_get_name (model));
}
