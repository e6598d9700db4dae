/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-block-factory.h"

G_BEGIN_DECLS

/* What the files that build blocks share. */

/* A spelling in an architecture file or a config, and what it stands for. */
typedef struct
{
  const char *name;
  int value;
} HrChoice;

typedef enum
{
  PARAMETER_SIZE,       /* may be 0 */
  PARAMETER_COUNT,      /* at least 1 */
  PARAMETER_BOOLEAN,
  PARAMETER_CHOICE,
  PARAMETER_SHAPE,      /* a list of sizes of at least 1 */
} HrParameterType;

typedef struct
{
  const char *name;
  HrParameterType type;
  gsize offset;             /* in HrBlock */
  const HrChoice *choices;
} HrParameter;

typedef struct
{
  const char *name;
  HrBlockKind kind;
  const HrParameter *parameters;
  const char * const *names;   /* the modules that the file may rename, each followed by what it is called otherwise */
  gboolean (*build) (const HrBlockContext *context,
                     HrJson               *description,
                     HrBlock              *block,
                     GError              **error);
} HrBlockClass;

#define SIZE(name, member) { name, PARAMETER_SIZE, G_STRUCT_OFFSET (HrBlock, member), NULL }
#define COUNT(name, member) { name, PARAMETER_COUNT, G_STRUCT_OFFSET (HrBlock, member), NULL }
#define BOOLEAN(name, member) { name, PARAMETER_BOOLEAN, G_STRUCT_OFFSET (HrBlock, member), NULL }
#define SHAPE(name, member) { name, PARAMETER_SHAPE, G_STRUCT_OFFSET (HrBlock, member), NULL }
#define CHOICE(name, member, choices) { name, PARAMETER_CHOICE, G_STRUCT_OFFSET (HrBlock, member), choices }

extern const HrChoice hr_block_activations[];
extern const HrChoice hr_block_parts[];
extern const HrChoice hr_block_positions[];
extern const HrChoice hr_block_position_scales[];

extern const HrBlockClass hr_block_class_activation;
extern const HrBlockClass hr_block_class_convolution;
extern const HrBlockClass hr_block_class_gated_delta;
extern const HrBlockClass hr_block_class_latent_attention;
extern const HrBlockClass hr_block_class_lightning_attention;
extern const HrBlockClass hr_block_class_mamba;
extern const HrBlockClass hr_block_class_mamba2;
extern const HrBlockClass hr_block_class_mixture;
extern const HrBlockClass hr_block_class_parameter;
extern const HrBlockClass hr_block_class_regrouping;
extern const HrBlockClass hr_block_class_rg_lru;
extern const HrBlockClass hr_block_class_short_convolution;
extern const HrBlockClass hr_block_class_state;
extern const HrBlockClass hr_block_class_compressed_attention;
extern const HrBlockClass hr_block_class_type_embedding;

const char *hr_block_get_module_name     (HrJson                *description,
                                          const char * const    *names,
                                          const char            *key);
gboolean    hr_block_set_too_large_error (const HrBlockContext  *context,
                                          const char            *path,
                                          GError               **error);
gboolean    hr_block_add_tensor          (const HrBlockContext  *context,
                                          const char            *module,
                                          const char            *submodule,
                                          const char            *parameter,
                                          HrPart                 part,
                                          HrTensorRole           role,
                                          guint64                first_size,
                                          guint64                second_size,
                                          GError               **error);
gboolean    hr_block_add_shape           (const HrBlockContext  *context,
                                          const char            *module,
                                          const char            *parameter,
                                          HrPart                 part,
                                          HrTensorRole           role,
                                          const guint64         *shape,
                                          guint                  n_dimensions,
                                          GError               **error);
gboolean    hr_block_add_linear          (const HrBlockContext  *context,
                                          const char            *module,
                                          const char            *submodule,
                                          HrModule               kind,
                                          HrPart                 part,
                                          guint64                out_features,
                                          guint64                in_features,
                                          gboolean               has_bias,
                                          gboolean               is_conv1d,
                                          GError               **error);
void        hr_block_set_module          (const HrBlockContext  *context,
                                          HrModule               kind);
gboolean    hr_block_add_convolution     (const HrBlockContext  *context,
                                          const HrBlock         *block,
                                          const char            *module,
                                          guint64                channels,
                                          guint64                kernel_size,
                                          gboolean               has_bias,
                                          GError               **error);

G_END_DECLS
