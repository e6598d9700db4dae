/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"

G_BEGIN_DECLS

/*
 * The small language of architecture files. An expression is a JSON value: a number, true or false stand for
 * themselves; a string is a text, or with a dollar sign before it the name of a value; an array is an operation, its
 * name first, its arguments after it: ["product", "$num_attention_heads", "$head_dim"]. null, and a name that has no
 * value, is "nothing".
 */

typedef enum
{
  HR_VALUE_NOTHING,
  HR_VALUE_BOOLEAN,
  HR_VALUE_INTEGER,
  HR_VALUE_REAL,
  HR_VALUE_STRING,
  HR_VALUE_JSON,      /* an array or an object of the config */
} HrValueType;

typedef struct
{
  HrValueType type;
  union
  {
    gboolean boolean;
    gint64 integer;
    double real;
    const char *string;
    HrJson *json;
  };
} HrValue;

typedef enum
{
  HR_LOOKUP_FOUND,
  HR_LOOKUP_UNKNOWN,   /* nothing defines the name */
  HR_LOOKUP_FAILED,    /* its value cannot be had; the error is set */
} HrLookup;

/* Finds the value of a name; one that is defined and has no value is %HR_VALUE_NOTHING. */
typedef HrLookup (*HrExpressionLookup) (const char  *name,
                                        gpointer     user_data,
                                        HrValue     *value,
                                        GError     **error);

gboolean hr_expression_evaluate (HrJson              *expression,
                                 HrExpressionLookup   lookup,
                                 gpointer             user_data,
                                 HrValue             *value,
                                 GError             **error);
gboolean hr_value_from_json     (HrJson              *node,
                                 HrValue             *value,
                                 GError             **error);
gboolean hr_value_equal         (const HrValue       *a,
                                 const HrValue       *b);
char    *hr_value_to_string     (const HrValue       *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
