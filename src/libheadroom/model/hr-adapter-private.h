/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-adapter.h"

G_BEGIN_DECLS

/* Which modules a setting means: all linear ones, those with one of several names, or those that a text matches. */
typedef struct
{
  gboolean is_given;
  gboolean all_linear;
  char **names;
  GRegex *regex;
} HrModuleSet;

typedef struct
{
  GRegex *regex;
  guint64 rank;
} HrRankPattern;

typedef struct
{
  char *module;
  guint64 n_rows;
} HrTokenRows;

/**
 * HrExpertPart:
 * @HR_EXPERT_PART_ROUTER: the matrix that chooses experts
 * @HR_EXPERT_PART_GATE: the gates of all experts, joined with their inputs
 * @HR_EXPERT_PART_UP: their inputs
 * @HR_EXPERT_PART_DOWN: their outputs
 *
 * What becomes a target as a parameter where it has been one as modules.
 */
typedef enum
{
  HR_EXPERT_PART_ROUTER,
  HR_EXPERT_PART_GATE,
  HR_EXPERT_PART_UP,
  HR_EXPERT_PART_DOWN,
  HR_N_EXPERT_PARTS,
} HrExpertPart;

struct _HrAdapter
{
  char *origin;           /* a file; NULL for one that is made of a job's settings */
  char *kind;             /* "LORA" */
  char *base;
  char *bias;             /* "none", "all" or "lora_only" */
  char *uncounted;        /* a setting that adds parameters which are not counted; NULL if there is none */
  HrModuleSet parameters; /* parameters that are targets themselves */
  guint64 n_tokens;       /* rows of the input embedding that are trained */
  GPtrArray *token_rows;  /* of HrTokenRows: rows of embeddings that are named */
  guint64 rank;
  double alpha;
  gboolean has_alpha;
  gboolean use_dora;
  gboolean lora_bias;
  gboolean leaves_others; /* whether experts, routers and what PEFT refuses get none */
  gboolean is_converted;  /* whether names of modules that have become parameters are known: for LoRA alone */
  HrModuleSet targets;
  HrModuleSet excluded;
  HrModuleSet saved;
  GPtrArray *rank_patterns;   /* of HrRankPattern */
  GArray *layers;             /* of guint64; NULL for all of them */
  GPtrArray *layer_regexes;   /* of GRegex */
};

const char * const *_hr_adapter_get_expert_names  (HrModel             *model);
int                 _hr_adapter_find_expert_part  (const char * const  *names,
                                                   const char          *target);

G_END_DECLS
