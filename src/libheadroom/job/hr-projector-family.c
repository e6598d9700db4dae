/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-projector-family.h"


/*
 * clip_model_loader::load_hparams of llama.cpp's tools/mtmd/clip.cpp at b11669. That graphs were the same before is
 * known from logs of May and summer 2026, whose buffers are those of b11669 (tests/oracle/llama-buffers.json).
 */
static const HrProjectorFamily families[] = {
  { "gemma3", HR_CLIP_GEMMA3, 0, 0, HR_LLAMA_RELEASE_B11669 },
  { "idefics3", HR_CLIP_IDEFICS3, 0, 0, HR_LLAMA_RELEASE_B11669 },
  { "smolvlm", HR_CLIP_IDEFICS3, 0, 0, HR_LLAMA_RELEASE_B11669 },
  { "internvl", HR_CLIP_INTERNVL, 0, 0, HR_LLAMA_RELEASE_B11669 },
  { "mistral3", HR_CLIP_PIXTRAL, 256, 1024, HR_LLAMA_RELEASE_B10488 },
  { "qwen2_vl", HR_CLIP_QWEN2VL, 46 * 46, 4096, HR_LLAMA_RELEASE_B11669 },
  { "qwen2_5_vl", HR_CLIP_QWEN25VL, 46 * 46, 4096, HR_LLAMA_RELEASE_B11669 },
  { "qwen3_vl", HR_CLIP_QWEN3VL, 46 * 46, 4096, HR_LLAMA_RELEASE_B10488 },
  { "qwen3_vl_moe", HR_CLIP_QWEN3VL, 46 * 46, 4096, HR_LLAMA_RELEASE_B10488 },
  { "qwen3_5", HR_CLIP_QWEN3VL, 46 * 46, 4096, HR_LLAMA_RELEASE_B10488 },
  { "qwen3_5_moe", HR_CLIP_QWEN3VL, 46 * 46, 4096, HR_LLAMA_RELEASE_B10488 },
};

static gboolean
has_tower (HrModel *model)
{
  const HrStack *tower = hr_model_find_stack (model, HR_STACK_VISION);

  for (guint i = 0; tower != NULL && tower->n_layers > 0 && i < tower->embeddings.n_blocks; i++)
    {
      if (tower->embeddings.blocks[i].kind == HR_BLOCK_CONVOLUTION)
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_projector_family_find:
 * @model: a model
 *
 * Finds out how llama.cpp computes what a model sees.
 *
 * Returns: (nullable): the family, or %NULL where the model does not see or it is not known here
 */
const HrProjectorFamily *
hr_projector_family_find (HrModel *model)
{
  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      if (g_strcmp0 (families[i].model_type, hr_model_get_model_type (model)) == 0)
        return has_tower (model) ? &families[i] : NULL;
    }

  return NULL;
}

/*
 * hr_projector_family_choose_file:
 * @model: a model
 * @job: a job of it
 *
 * Finds out which projector is loaded where that is left to llama.cpp: with -hf the one of the repository whose number
 * of bits is nearest to the model's (common/download.cpp, find_best_mmproj). That is one of 16 bits wherever there is
 * none of eight. Ollama loads the one that the model's file holds, in 16 bits as its converter writes it
 * (llm/llama_server.go, NewLlamaServerRunner). Of towers that are not known here none is counted.
 *
 * Returns: the file, never %HR_PROJECTOR_FILE_AUTO
 */
HrProjectorFile
hr_projector_family_choose_file (HrModel        *model,
                                 HrInferenceJob *job)
{
  HrProjectorFile file = hr_inference_job_get_mmproj (job);
  const HrProjectorFamily *family = hr_projector_family_find (model);

  if (file != HR_PROJECTOR_FILE_AUTO)
    return file;

  return hr_inference_job_runs_llama (job) && family != NULL &&
         hr_inference_job_get_run_release (job) <= family->earliest
           ? HR_PROJECTOR_FILE_F16 : HR_PROJECTOR_FILE_NONE;
}
