/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-adapter.h"
#include "hr-checkpoint.h"
#include "hr-gguf-config.h"
#include "hr-json.h"

G_BEGIN_DECLS

/**
 * HrModelSource:
 * @config: (nullable): what describes the model; %NULL if only its tensors are known
 * @architecture: (nullable): the architecture file to read @config with, where somebody has chosen one
 * @file: (nullable): the file that the name and the source of the model come from
 * @name: (nullable): the model's name, where @config does not give it
 * @origin: (nullable): where @config is from, where that is not its file
 * @is_published: whether there are weights to @config somewhere, as to those of the catalogue
 * @checkpoint: (nullable): the weights as they are stored
 * @words: (nullable): how the model's tensors are named in @checkpoint, of a GGUF file
 * @gguf: (nullable): the metadata of a GGUF file; owns @checkpoint
 * @quantization: (nullable): what a file beside @config says about how the checkpoint was quantized
 * @image_processor: (nullable): `preprocessor_config.json` beside @config
 * @video_processor: (nullable): `video_preprocessor_config.json` beside it
 * @processor: (nullable): `processor_config.json` beside it
 * @obstacle: (nullable): why there is no @config, as a sentence without a full stop
 * @adapters: (element-type HrAdapter): what was opened instead of its base model
 * @warnings: (element-type utf8): what is odd about the files
 *
 * What a file stands for, when somebody opens it as a model.
 */
typedef struct
{
  HrJson *config;
  HrJson *architecture;
  GFile *file;
  char *name;
  char *origin;
  gboolean is_published;
  HrCheckpoint *checkpoint;
  HrGgufConfig *words;
  HrGguf *gguf;
  HrJson *quantization;
  HrJson *image_processor;
  HrJson *video_processor;
  HrJson *processor;
  char *obstacle;
  GPtrArray *adapters;
  GPtrArray *warnings;
} HrModelSource;

void     hr_model_source_init  (HrModelSource  *self);
void     hr_model_source_clear (HrModelSource  *self);
gboolean hr_model_source_open  (HrModelSource  *self,
                                GFile          *file,
                                GError        **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrModelSource, hr_model_source_clear)

G_END_DECLS
