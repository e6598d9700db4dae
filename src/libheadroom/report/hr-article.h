/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-article-reason.h"
#include "hr-job.h"
#include "hr-units.h"

G_BEGIN_DECLS

/**
 * HrArticleUnit: (skip)
 * @HR_ARTICLE_UNIT_NUMBER: a number of anything
 * @HR_ARTICLE_UNIT_PARAMETERS: parameters
 * @HR_ARTICLE_UNIT_BYTES: bytes
 * @HR_ARTICLE_UNIT_RATIO: how many times as much
 *
 * What a figure of an article counts.
 */
typedef enum
{
  HR_ARTICLE_UNIT_NUMBER,
  HR_ARTICLE_UNIT_PARAMETERS,
  HR_ARTICLE_UNIT_BYTES,
  HR_ARTICLE_UNIT_RATIO,
} HrArticleUnit;

/**
 * HrArticleFigure: (skip)
 * @id: a key
 * @article: (nullable): the title of the article; %NULL if the figure is in none of them, but about one of their models
 * @section: (nullable): the heading that it is under, in the article's language
 * @lines: (nullable): where it is in the text
 * @printed: (nullable): the figure as the article prints it
 * @formula: (nullable): the formula as the article writes it
 * @unit: what @rule and @exact count
 * @label: how a value is written with it, for hr_text_translate()
 * @has_rule: whether there is @rule
 * @rule: what the article's formula comes to
 * @has_exact: whether there is @exact
 * @exact: what is so for the real model
 * @reasons: (array zero-terminated=1): why these differ, for hr_article_reason_get_text()
 *
 * A figure that an article on the memory of language models prints, recomputed.
 */
typedef struct
{
  char *id;
  char *article;
  char *section;
  char *lines;
  char *printed;
  char *formula;
  HrArticleUnit unit;
  const char *label;
  gboolean has_rule;
  double rule;
  gboolean has_exact;
  double exact;
  char **reasons;
} HrArticleFigure;

/**
 * HrArticleExample: (skip)
 * @article: the number of the article, such as `002`
 * @section: how the headings of its figures begin
 * @title: what it is about, for hr_text_translate()
 * @model: the id of its model in the catalogue
 * @mode: the mode of the job
 * @settings: the settings that are not the usual ones, `name=value`, with spaces between
 *
 * A worked example of an article, as a job that can be estimated.
 */
typedef struct
{
  const char *article;
  const char *section;
  const char *title;
  const char *model;
  HrMode mode;
  const char *settings;
} HrArticleExample;

GPtrArray              *hr_article_list_figures       (GError                 **error) G_GNUC_WARN_UNUSED_RESULT;
char                   *hr_article_figure_format      (const HrArticleFigure   *self,
                                                       double                   value,
                                                       HrUnitSystem             unit_system) G_GNUC_WARN_UNUSED_RESULT;
char                   *hr_article_figure_dup_reasons (const HrArticleFigure   *self) G_GNUC_WARN_UNUSED_RESULT;
const HrArticleExample *hr_article_find_example       (const HrArticleFigure   *figure);
HrJob                  *hr_article_example_create_job (const HrArticleExample  *self,
                                                       GError                 **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
