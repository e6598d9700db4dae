/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"

G_BEGIN_DECLS

/*
 * HrArticleModels:
 *
 * The models that expressions name, each built when it is first needed.
 */
typedef struct
{
  HrJson *configs;
  GHashTable *models;
} HrArticleModels;

void     hr_article_models_init         (HrArticleModels  *self,
                                         HrJson           *configs);
void     hr_article_models_clear        (HrArticleModels  *self);
gboolean hr_article_expression_evaluate (HrJson           *expression,
                                         HrArticleModels  *models,
                                         double           *value,
                                         GError          **error);

G_END_DECLS
