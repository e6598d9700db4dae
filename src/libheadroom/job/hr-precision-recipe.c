/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-precision-recipe.h"

#include "hr-message.h"
#include "hr-training-profile.h"

/*
 * Recipes that are known by the bytes that they take for a parameter with Adam: what a parameter, its gradient, its
 * copy and its two moments are held in. A recipe stands for the settings that say so one by one.
 */

typedef enum
{
  HELD_IN_FP32,
  HELD_IN_16_BITS,
} Held;

static const struct
{
  Held held;
  gboolean autocasts;
  HrMasterDtype master;
  HrGradientDtype gradient;
} recipes[] = {
  [HR_PRECISION_RECIPE_FP32] = { HELD_IN_FP32 },
  [HR_PRECISION_RECIPE_AUTOCAST] = { HELD_IN_FP32, .autocasts = TRUE },
  [HR_PRECISION_RECIPE_HALF] = { HELD_IN_16_BITS },
  [HR_PRECISION_RECIPE_MIXED_16] = { HELD_IN_16_BITS, .master = HR_MASTER_DTYPE_FLOAT32 },
  [HR_PRECISION_RECIPE_MIXED_18] = { HELD_IN_16_BITS, .master = HR_MASTER_DTYPE_FLOAT32,
                                     .gradient = HR_GRADIENT_DTYPE_FLOAT32 },
  [HR_PRECISION_RECIPE_MIXED_20] = { HELD_IN_16_BITS, .master = HR_MASTER_DTYPE_FLOAT32,
                                     .gradient = HR_GRADIENT_DTYPE_BOTH },
};

static gboolean
has_16_bits (HrDtype dtype)
{
  return dtype == HR_DTYPE_FLOAT16 || dtype == HR_DTYPE_BFLOAT16;
}

/* What the parameters are held in, if no recipe says otherwise. */
static HrDtype
get_dtype (HrTrainingJob *job,
           HrModel       *model)
{
  HrDtype dtype = hr_job_get_dtype (HR_JOB (job));

  return dtype != HR_DTYPE_AUTO ? dtype : hr_model_get_dtype (model);
}

/* Whether nothing is said of precision but what the parameters are held in. */
static gboolean
says_nothing_else (HrTrainingJob *job)
{
  return hr_training_job_get_autocast (job) == HR_AUTOCAST_NONE &&
         hr_training_job_get_master_dtype (job) == HR_MASTER_DTYPE_NONE &&
         hr_training_job_get_gradient_dtype (job) == HR_GRADIENT_DTYPE_SAME;
}

/*
 * hr_precision_recipe_find:
 * @job: a job
 * @model: the model that is trained
 *
 * Finds the recipe of a job: the one that it names, or else that of a framework which trains parameters of 16 bits in
 * no other way.
 *
 * Returns: the recipe
 */
HrPrecisionRecipe
hr_precision_recipe_find (HrTrainingJob *job,
                          HrModel       *model)
{
  HrPrecisionRecipe recipe = hr_training_job_get_precision_recipe (job);
  const HrTrainingProfile *profile = hr_training_profile_get (hr_training_job_get_framework (job));

  if (recipe == HR_PRECISION_RECIPE_CUSTOM && profile != NULL && has_16_bits (get_dtype (job, model)) &&
      says_nothing_else (job))
    return profile->recipe;

  return recipe;
}

static gboolean
choose_dtype (HrTrainingJob      *job,
              HrModel            *model,
              HrPrecisionRecipe   recipe,
              GError            **error)
{
  gboolean in_16_bits = recipes[recipe].held == HELD_IN_16_BITS;
  HrDtype dtype = hr_job_get_dtype (HR_JOB (job));

  if (dtype == HR_DTYPE_AUTO)
    {
      dtype = in_16_bits ? hr_model_get_dtype (model) : HR_DTYPE_FLOAT32;
      if (in_16_bits && !has_16_bits (dtype))
        dtype = HR_DTYPE_BFLOAT16;
      g_object_set (job, "dtype", dtype, NULL);
    }
  if (in_16_bits ? has_16_bits (dtype) : dtype == HR_DTYPE_FLOAT32)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        in_16_bits
                          ? N_("dtype: expected auto, bfloat16 or float16, as the precision recipe holds parameters in "
                               "16 bits; found %s")
                          : N_("dtype: expected auto or float32, as the precision recipe holds parameters in fp32; "
                               "found %s"),
                        hr_dtype_get_name (dtype));

  return FALSE;
}

/* A setting that the recipe decides has its default, or says the same. */
static gboolean
choose (HrTrainingJob  *job,
        const char     *setting,
        int             value,
        GError        **error)
{
  GParamSpecEnum *pspec = G_PARAM_SPEC_ENUM (g_object_class_find_property (G_OBJECT_GET_CLASS (job), setting));
  g_autofree char *found = NULL;
  int old_value;

  g_object_get (job, setting, &old_value, NULL);
  if (old_value == pspec->default_value)
    {
      g_object_set (job, setting, value, NULL);
      return TRUE;
    }
  if (old_value == value)
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (job), setting);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the name of a setting, and two of its values */
                        N_("%s: expected %s, which the precision recipe stands for; found %s"), setting,
                        g_enum_get_value (pspec->enum_class, value)->value_nick, found);

  return FALSE;
}

/*
 * hr_precision_recipe_apply:
 * @job: a job
 * @model: the model that is trained
 * @error: return location for an error
 *
 * Gives the settings of precision the values that the recipe stands for.
 *
 * Returns: whether none of them says otherwise
 */
gboolean
hr_precision_recipe_apply (HrTrainingJob  *job,
                           HrModel        *model,
                           GError        **error)
{
  HrPrecisionRecipe recipe = hr_precision_recipe_find (job, model);
  HrAutocast autocast = HR_AUTOCAST_NONE;

  if (recipe == HR_PRECISION_RECIPE_CUSTOM)
    return TRUE;

  if (recipes[recipe].autocasts)
    autocast = hr_training_job_get_autocast (job) != HR_AUTOCAST_NONE ? hr_training_job_get_autocast (job)
                                                                      : HR_AUTOCAST_BFLOAT16;

  return choose_dtype (job, model, recipe, error) &&
         choose (job, "autocast", autocast, error) &&
         choose (job, "master-dtype", recipes[recipe].master, error) &&
         choose (job, "gradient-dtype", recipes[recipe].gradient, error);
}
