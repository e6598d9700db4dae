/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-parallel-rules.h"

#include <string.h>

/* In the order of #HrParallelStyle, as transformers calls them. */
static const char * const known_styles[] = {
  "whole", "colwise", "colwise_gather_output", "rowwise", "rowwise_split_input", "grouped_gemm", NULL,
};

/* What transformers' own plans call the parameters that have the matrices of all experts of a layer. */
#define FIRST_EXPERTS "experts.gate_up_proj"
#define LAST_EXPERTS "experts.down_proj"

struct _HrParallelRules
{
  char **modules[G_N_ELEMENTS (known_styles) - 1];  /* names of modules or parameters, `*` for the index of the layer */
};

static gboolean
read_section (HrParallelRules  *self,
              HrJson           *section,
              GError          **error)
{
  if (!hr_json_check_members (section, &known_styles[1], error))
    return FALSE;

  for (guint i = HR_PARALLEL_COLUMNS; i < G_N_ELEMENTS (self->modules); i++)
    {
      if (!hr_json_get_strings (section, known_styles[i], &self->modules[i], error))
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_parallel_rules_check:
 * @section: a section of an architecture file
 * @error: return location for an error
 *
 * Checks a section.
 *
 * Returns: whether it has lists of names by known styles
 */
gboolean
hr_parallel_rules_check (HrJson  *section,
                         GError **error)
{
  g_autoptr (HrParallelRules) rules = g_new0 (HrParallelRules, 1);

  return read_section (rules, section, error);
}

/*
 * hr_parallel_rules_new:
 * @section: a section that was checked
 *
 * Reads a section.
 *
 * Returns: (transfer full): the rules
 */
HrParallelRules *
hr_parallel_rules_new (HrJson *section)
{
  HrParallelRules *self = g_new0 (HrParallelRules, 1);

  read_section (self, section, NULL);

  return self;
}

void
hr_parallel_rules_free (HrParallelRules *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->modules); i++)
    g_strfreev (self->modules[i]);
  g_free (self);
}

static gboolean
is_bias (const HrTensor *tensor)
{
  return tensor->role == HR_TENSOR_ROLE_BIAS;
}

/* Experts may have matrices of their own in a file; the class joins those of all of them. */
static const char *
get_experts_name (const HrTensor *tensor)
{
  switch ((guint) tensor->module)
    {
    case HR_MODULE_EXPERT_GATE:
    case HR_MODULE_EXPERT_UP:
    case HR_MODULE_EXPERT_GATE_UP:
      return is_bias (tensor) ? FIRST_EXPERTS "_bias" : FIRST_EXPERTS;

    case HR_MODULE_EXPERT_DOWN:
      return is_bias (tensor) ? LAST_EXPERTS "_bias" : LAST_EXPERTS;

    default:
      return NULL;
    }
}

/* “model.layers.*.mlp.up_proj”, of “model.layers.{}.mlp.up_proj.weight”. */
static char *
dup_module_name (const HrTensor *tensor,
                 gboolean        with_parameter)
{
  g_auto (GStrv) parts = g_strsplit (tensor->pattern, "{}", -1);
  char *name = g_strjoinv ("*", parts);
  char *parameter = strrchr (name, '.');

  if (!with_parameter && parameter != NULL)
    *parameter = '\0';

  return name;
}

/* A class without a head has no path before that of its layers. */
static gboolean
is_name (const char *listed,
         const char *name)
{
  gsize length = strlen (listed), n = strlen (name);

  return g_str_equal (listed, name) ||
         (length > n && listed[length - n - 1] == '.' && g_str_equal (listed + length - n, name));
}

static gboolean
is_listed (char       **modules,
           const char  *experts,
           const char  *parameter,
           const char  *module)
{
  for (guint i = 0; modules != NULL && modules[i] != NULL; i++)
    {
      if (experts != NULL ? g_str_has_suffix (modules[i], experts)
                          : is_name (modules[i], parameter) || is_name (modules[i], module))
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_parallel_rules_find:
 * @self: rules
 * @tensor: a tensor of the model that they are of
 *
 * Finds what ranks have of a tensor (_get_parameter_tp_plan).
 *
 * Returns: the style of its module
 */
HrParallelStyle
hr_parallel_rules_find (const HrParallelRules *self,
                        const HrTensor        *tensor)
{
  const char *experts = get_experts_name (tensor);
  g_autofree char *parameter = dup_module_name (tensor, TRUE);
  g_autofree char *module = dup_module_name (tensor, FALSE);

  for (guint i = HR_PARALLEL_COLUMNS; i < G_N_ELEMENTS (self->modules); i++)
    {
      if (is_listed (self->modules[i], experts, parameter, module))
        return i;
    }

  return HR_PARALLEL_WHOLE;
}
