/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-command-line.h"
#include "hr-json.h"

G_BEGIN_DECLS

/*
 * HrGivenOption:
 * @option: the option, in the data
 * @word: its name, as it was given
 * @value: (nullable): what was given for it
 *
 * An option of a command.
 */
typedef struct
{
  HrJson *option;
  char *word;
  char *value;
} HrGivenOption;

/*
 * HrCommandLine:
 * @data: the commands that are known
 * @modelfile: (nullable): what a Modelfile of Ollama can say
 * @block: the program that is called
 * @instructions: (nullable): the block of @modelfile
 * @given: (element-type HrGivenOption): its options
 * @unread: (element-type utf8): those that are not known
 * @model: (nullable): the path or the id of the model
 * @quantization: (nullable): how it is quantized, by the name of its file
 * @tensor_types: (nullable): types of its tensors that are not those of that, as Ollama's library has it
 */
struct _HrCommandLine
{
  HrJson *data;
  HrJson *modelfile;
  HrJson *block;
  HrJson *instructions;
  GArray *given;
  GPtrArray *unread;
  char *model;
  char *quantization;
  char *tensor_types;
};

gboolean _hr_command_line_is_flag (HrJson *option);

G_END_DECLS
