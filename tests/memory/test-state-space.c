/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Mixers of state-space models against their own code: the functions of transformers' modelling files were run on
 * torch's meta device, with every storage that lives counted in blocks of 512 bytes. What the kernel of a convolution
 * copies was made beside it. Weights and token ids are not in the figures.
 */

#include "hr-estimator.h"
#include "hr-inference-job.h"
#include "hr-model.h"

#include "estimates.h"

typedef struct
{
  const char *name;
  const char *config;     /* ' stands for " */
  guint64 batch;
  guint64 prompt;
  HrDtype dtype;
  HrAttentionMask mask;
  guint64 prefill;        /* the peak of the prompt */
  guint64 decode;         /* the peak of the token after it */
} Case;

#define MAMBA "'model_type': 'mamba', 'vocab_size': 5028, 'hidden_size': 768, 'num_hidden_layers': 3"
#define FALCON_MAMBA \
  "'model_type': 'falcon_mamba', 'vocab_size': 6502, 'hidden_size': 4096, 'intermediate_size': 8192, " \
  "'num_hidden_layers': 4, 'time_step_rank': 256"
#define MAMBA2 "'model_type': 'mamba2', 'vocab_size': 3276, 'hidden_size': 512, 'num_heads': 16, 'num_hidden_layers': 3"

#define JAMBA \
  "'model_type': 'jamba', 'vocab_size': 5028, 'hidden_size': 768, 'num_hidden_layers': 8, 'num_attention_heads': 12, " \
  "'num_key_value_heads': 4, 'intermediate_size': 1536, 'num_experts': 8"
#define NEMOTRON_H \
  "'model_type': 'nemotron_h', 'vocab_size': 5028, 'hidden_size': 768, 'num_attention_heads': 12, " \
  "'num_key_value_heads': 4, 'head_dim': 64, 'mamba_num_heads': 16, 'mamba_head_dim': 64, 'n_groups': 2"
#define NEMOTRON_H_DENSE \
  NEMOTRON_H ", 'hybrid_override_pattern': 'M-M*', 'intermediate_size': 1536, 'ssm_state_size': 64"
#define NEMOTRON_H_MIXTURE \
  NEMOTRON_H ", 'hybrid_override_pattern': 'MEM*E', 'ssm_state_size': 16, 'chunk_size': 32, 'n_routed_experts': 16, " \
  "'num_experts_per_tok': 4, 'moe_intermediate_size': 512, 'moe_shared_expert_intermediate_size': 1024"

#define DELTA \
  "'vocab_size': 5028, 'hidden_size': 512, 'num_hidden_layers': 4, 'num_attention_heads': 8, " \
  "'num_key_value_heads': 2, 'head_dim': 64, 'intermediate_size': 1024, 'linear_num_key_heads': 4, " \
  "'linear_num_value_heads': 8, 'linear_key_head_dim': 32, 'linear_value_head_dim': 64"
#define QWEN3_NEXT \
  "'model_type': 'qwen3_next', 'num_experts': 8, 'num_experts_per_tok': 2, 'moe_intermediate_size': 256, " \
  "'shared_expert_intermediate_size': 128, " DELTA
#define QWEN3_5 "'model_type': 'qwen3_5_text', " DELTA

#define ATTENTION \
  "'vocab_size': 5028, 'hidden_size': 512, 'num_hidden_layers': 4, 'num_attention_heads': 8, 'num_key_value_heads': 2"
#define LFM2 \
  "'model_type': 'lfm2', 'intermediate_size': 1024, 'layer_types': ['conv', 'conv', 'full_attention', 'conv'], " \
  ATTENTION
#define LFM2_MOE \
  "'model_type': 'lfm2_moe', 'intermediate_size': 1024, 'num_experts': 8, 'num_experts_per_tok': 2, " \
  "'moe_intermediate_size': 256, 'layer_types': ['conv', 'conv', 'full_attention', 'conv'], " ATTENTION
#define MINIMAX \
  "'model_type': 'minimax', 'head_dim': 64, 'intermediate_size': 64, 'num_local_experts': 2, " \
  "'num_experts_per_tok': 1, " ATTENTION ", " \
  "'layer_types': ['linear_attention', 'linear_attention', 'full_attention', 'linear_attention']"
#define MIXER "'mamba_n_heads': 16, 'mamba_d_state': 32, 'mamba_chunk_size': 64, 'intermediate_size': 1024, " ATTENTION
#define BAMBA "'model_type': 'bamba', 'attn_layer_indices': [1], " MIXER
#define GRANITE \
  "'model_type': 'granitemoehybrid', 'shared_intermediate_size': 1024, 'num_local_experts': 0, " \
  "'num_experts_per_tok': 0, 'layer_types': ['mamba', 'attention', 'mamba', 'mamba'], " MIXER
#define FALCON_H1 \
  "'model_type': 'falcon_h1', 'mamba_d_ssm': 768, 'mamba_n_heads': 16, 'mamba_d_state': 32, " \
  "'mamba_chunk_size': 64, 'intermediate_size': 1024, 'vocab_size': 5028, 'hidden_size': 512, " \
  "'num_hidden_layers': 3, 'num_attention_heads': 8, 'num_key_value_heads': 2"

static const Case cases[] = {
  { "mamba", MAMBA, 1, 128, HR_DTYPE_FLOAT32, HR_ATTENTION_MASK_NONE, 45752320, 1091072 },
  { "mamba-bf16", MAMBA, 2, 64, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 42291200, 1585664 },
  { "mamba-with-a-mask", MAMBA, 2, 64, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_ONES, 42291200, 1585664 },
  { "falcon-mamba", FALCON_MAMBA, 1, 96, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 168996864, 4819456 },
  { "mamba2", MAMBA2 ", 'n_groups': 2", 1, 300, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 1663192064, 2939904 },
  { "mamba2-fp32", MAMBA2 ", 'n_groups': 2", 2, 512, HR_DTYPE_FLOAT32, HR_ATTENTION_MASK_NONE, 3343319040, 8606720 },
  { "mamba2-with-a-mask", MAMBA2 ", 'n_groups': 2, 'chunk_size': 64", 2, 700, HR_DTYPE_BFLOAT16,
    HR_ATTENTION_MASK_ONES, 1607357440, 5878784 },
  { "mamba2-of-many-chunks", MAMBA2 ", 'n_groups': 1, 'chunk_size': 64, 'state_size': 16", 2, 3000, HR_DTYPE_BFLOAT16,
    HR_ATTENTION_MASK_NONE, 2219695104, 798720 },
  { "jamba", JAMBA, 1, 64, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 21406208, 1155072 },
  { "jamba-with-padding", JAMBA, 2, 100, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_PADDED, 66167296, 2283520 },
  { "nemotron-h", NEMOTRON_H_DENSE, 1, 300, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 426087936, 1786880 },
  { "nemotron-h-with-a-mask", NEMOTRON_H_DENSE, 2, 300, HR_DTYPE_FLOAT32, HR_ATTENTION_MASK_ONES, 858043904, 5570048 },
  { "nemotron-h-with-experts", NEMOTRON_H_MIXTURE, 1, 2048, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 419767808,
    3237376 },
  { "qwen3-next", QWEN3_NEXT, 1, 150, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 5316096, 414720 },
  { "qwen3-next-of-one-chunk", QWEN3_NEXT, 1, 64, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 2467840, 370688 },
  { "qwen3-next-of-several-prompts", QWEN3_NEXT, 3, 1000, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 83456000,
    2675200 },
  { "lfm2", LFM2, 1, 600, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 6621184, 477696 },
  { "lfm2-with-experts", LFM2_MOE, 1, 600, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 7909376, 477696 },
  { "minimax", MINIMAX, 1, 600, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 7886336, 709632 },
  { "minimax-of-several-prompts", MINIMAX, 2, 700, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 19493376, 1518592 },
  { "bamba", BAMBA, 1, 600, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 279056896, 1070592 },
  { "granite-4", GRANITE, 1, 600, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 278903296, 1069568 },
  { "falcon-h1", FALCON_H1, 1, 600, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 235108864, 1498624 },
  { "qwen3.5", QWEN3_5, 1, 150, HR_DTYPE_BFLOAT16, HR_ATTENTION_MASK_NONE, 4926976, 411648 },
};

static void
test_mixer (gconstpointer data)
{
  const Case *test = data;
  g_autofree char *text = g_strdelimit (g_strconcat ("{ ", test->config, " }", NULL), "'", '"');
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_data (text, -1, test->name, &error);
  g_autoptr (HrInferenceJob) job = hr_inference_job_new ();
  g_autoptr (HrEstimate) estimate = NULL;
  const HrPhase *phases;
  guint64 outside;
  guint n_phases;
  guint n_found = 0;

  g_assert_no_error (error);
  g_object_set (job, "batch-size", test->batch, "prompt-length", test->prompt, "output-length", (guint64) 1,
                "dtype", test->dtype, "attention-mask", test->mask, NULL);
  estimate = hr_estimator_run (model, HR_JOB (job), NULL, 1, &error);
  g_assert_no_error (error);

  outside = get_beside_bytes (estimate) + get_component_bytes (estimate, HR_COMPONENT_WEIGHTS) +
            get_component_bytes (estimate, HR_COMPONENT_INPUTS);
  phases = hr_estimate_get_phases (estimate, &n_phases);
  for (guint i = 0; i < n_phases; i++)
    {
      guint64 bytes = phases[i].peak_bytes - outside;

      if (phases[i].id == HR_PHASE_PREFILL)
        g_assert_cmpuint (bytes, ==, test->prefill);
      else if (phases[i].id == HR_PHASE_DECODE)
        g_assert_cmpuint (bytes, ==, test->decode);
      else
        continue;
      n_found++;
    }
  g_assert_cmpuint (n_found, ==, 2);
  /* That the prompt takes less with other packages is said. */
  g_assert_nonnull (hr_estimate_get_warnings (estimate)[0]);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/state-space/a_mixer_holds_what_its_code_does/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_mixer);
    }

  return g_test_run ();
}
