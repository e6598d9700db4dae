/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "headroom.h"

/* The spelling of names and values is a contract: scripts, scenario files and other programs use them. */
static const struct
{
  const char *property;
  const char *values;
} spellings[] = {
  { "task", "inference fine-tuning" },
  { "rule-of-thumb", "articles korthikanti megatron-lm" },
  { "selective-checkpointing", "operators attention every-nth first" },
  { "fp8-recipe", "none tensorwise rowwise rowwise-with-gw-hp delayed" },
  { "fp8-backend", "torchao transformer-engine" },
  { "activation-offload", "none save-on-cpu layer-inputs" },
  { "packing", "none padding-free bfd wrapped" },
  { "fused-kernels", "none liger" },
  { "loss-implementation", "auto cross-entropy liger-cross-entropy liger-fused-linear-cross-entropy "
    "cut-cross-entropy chunked-nll liger-grpo unsloth-fused megatron-fused" },
  { "framework", "pytorch transformers trl megatron-lm deepspeed torchtitan unsloth verl openrlhf colossalai" },
  { "autocast", "none bfloat16 float16" },
  { "master-dtype", "none float32" },
  { "gradient-dtype", "same float32 both" },
  { "precision-recipe", "custom fp32 autocast half mixed-16 mixed-18 mixed-20" },
  { "gradient-checkpointing", "none full selective" },
  { "optimizer",
    "adamw adam sgd sgd-momentum adafactor adamw-8bit paged-adamw-8bit paged-adamw adamw-4bit lion lion-8bit sophia "
    "muon galore apollo lomo adalomo adam-mini shampoo soap torch-adafactor" },
  { "optimizer-implementation", "auto foreach for-loop fused" },
  { "logits-upcast", "loss shifted forward" },
  { "fsdp", "none full-shard shard-grad-op hybrid-shard" },
  { "fsdp-version", "1 2" },
  { "pipeline-schedule", "1f1b gpipe zero-bubble zbv dualpipe-v" },
  { "moe-dispatcher", "allgather alltoall" },
  { "fsdp-backward-prefetch", "none backward-pre backward-post" },
  { "parameter-offload", "none cpu nvme" },
  { "optimizer-offload", "none cpu nvme" },
  { "zero-grad", "after-step before-backward kept" },
  { "gptq-kernel", "torch triton" },
  { "trl-release", "0-14 0-15 0-22 0-23 0-25 0-26 1-3 1-6" },
  { "fine-tuning-method",
    "full freeze lora qlora rslora dora lora-plus pissa lora-fa vera adalora loha lokr prefix p-tuning prompt ia3 "
    "houlsby bitfit" },
  { "frozen-parts", "none towers towers-and-projectors all-but-projectors" },
  { "adapter-dtype", "auto float64 float32 float16 bfloat16 float8 int8 int4" },
  { "algorithm", "sft dpo ipo grpo dr-grpo dapo gspo rloo kto orpo simpo reward online-dpo ppo" },
  { "value-model", "full lora head shared" },
  { "reward-model", "own shared elsewhere" },
  { "rollout", "none transformers vllm-colocated vllm-server" },
  { "rollout-sleep", "none level-1 level-2" },
  { "dtype", "auto float64 float32 float16 bfloat16 float8 int8 int4" },
  { "quantization",
    "auto none bnb-int8 bnb-nf4 bnb-nf4-dq bnb-fp4 bnb-fp4-dq gptq-int8 gptq-int4 gptq-int3 gptq-int2 "
    "awq-int4 fp8 fp8-channel fp8-tensor mxfp8 w8a8-int8 w8a16-int8 w4a16-int4 mxfp4 nvfp4 hqq-int8 "
    "hqq-int4 hqq-int3 hqq-int2 hqq-int1 quanto-int8 quanto-float8 quanto-int4 quanto-int2 eetq-int8 "
    "torchao-int8 torchao-float8 torchao-int4 aqlm-int2 bitnet mlx-int8 mlx-int6 mlx-int5 mlx-int4 mlx-int3 mlx-int2 "
    "mlx-mxfp8 mlx-mxfp4 mlx-nvfp4 exl3 q8_0 q6_k q5_k_m q5_k_s q5_1 q5_0 "
    "q4_k_m q4_k_s iq4_nl iq4_xs q4_1 q4_0 mxfp4_moe nvfp4_gguf q3_k_l q3_k_m q3_k_s iq3_m iq3_s "
    "iq3_xs iq3_xxs q2_k q2_k_s q2_0 iq2_m iq2_s iq2_xs iq2_xxs tq2_0 tq1_0 iq1_m iq1_s q1_0 bf16 f16 "
    "f32" },
  { "draft-quantization",
    "auto none bnb-int8 bnb-nf4 bnb-nf4-dq bnb-fp4 bnb-fp4-dq gptq-int8 gptq-int4 gptq-int3 gptq-int2 "
    "awq-int4 fp8 fp8-channel fp8-tensor mxfp8 w8a8-int8 w8a16-int8 w4a16-int4 mxfp4 nvfp4 hqq-int8 "
    "hqq-int4 hqq-int3 hqq-int2 hqq-int1 quanto-int8 quanto-float8 quanto-int4 quanto-int2 eetq-int8 "
    "torchao-int8 torchao-float8 torchao-int4 aqlm-int2 bitnet mlx-int8 mlx-int6 mlx-int5 mlx-int4 mlx-int3 mlx-int2 "
    "mlx-mxfp8 mlx-mxfp4 mlx-nvfp4 exl3 q8_0 q6_k q5_k_m q5_k_s q5_1 q5_0 "
    "q4_k_m q4_k_s iq4_nl iq4_xs q4_1 q4_0 mxfp4_moe nvfp4_gguf q3_k_l q3_k_m q3_k_s iq3_m iq3_s "
    "iq3_xs iq3_xxs q2_k q2_k_s q2_0 iq2_m iq2_s iq2_xs iq2_xxs tq2_0 tq1_0 iq1_m iq1_s q1_0 bf16 f16 "
    "f32" },
  { "method-of-estimate", "exact rule-of-thumb" },
  { "attention", "eager sdpa sdpa-efficient sdpa-math flash" },
  { "attention-mask", "none ones padded" },
  { "engine", "transformers llama.cpp vllm ollama sglang lmdeploy tensorrt-llm mlx exllama" },
  { "split-mode", "layer none" },
  { "mmproj", "auto none f16 bf16 q8_0 f32" },
  { "flash-attention", "auto on off" },
  { "llama-release", "b11669 b10488 b9272 b7522 b4500" },
  { "vllm-release", "0.28 0.22 0.20 0.11 0.8 0.7" },
  { "sglang-release", "0.5.8 0.5 0.4.6 0.4 0.3" },
  { "lmdeploy-backend", "auto turbomind pytorch" },
  { "lmdeploy-release", "0.13 0.12 0.9.2 0.6 0.3 0.2" },
  { "kt-method", "none amxint4 amxint8 rawint4 fp8 fp8-perchannel bf16" },
  { "exllama-release", "1.4 0.0.3" },
  { "cache-type-k", "auto f32 f16 bf16 q8_0 q5_1 q5_0 iq4_nl q4_1 q4_0" },
  { "cache-type-v", "auto f32 f16 bf16 q8_0 q5_1 q5_0 iq4_nl q4_1 q4_0" },
  { "draft-cache-type-k", "auto f32 f16 bf16 q8_0 q5_1 q5_0 iq4_nl q4_1 q4_0" },
  { "draft-cache-type-v", "auto f32 f16 bf16 q8_0 q5_1 q5_0 iq4_nl q4_1 q4_0" },
  { "logits-to-keep", "last all" },
  { "kv-cache-dtype", "auto float64 float32 float16 bfloat16 float8 int8 int4" },
  { "state-dtype", "auto float64 float32 float16 bfloat16 float8 int8 int4" },
};

static const struct
{
  const char *property;
  const char *value;
  const char *message;
} refusals[] = {
  { "checkpointing-layers", "0", "“checkpointing-layers”: expected a whole number from 1 to 10000, found “0”" },
  { "batch-size", "0", "“batch-size”: expected a whole number from 1 to 65536, found “0”" },
  { "batch-size", "65537", "“batch-size”: expected a whole number from 1 to 65536, found “65537”" },
  { "batch-size", "-1", "“batch-size”: expected a whole number from 1 to 65536, found “-1”" },
  { "batch-size", "1.5", "“batch-size”: expected a whole number from 1 to 65536, found “1.5”" },
  { "batch-size", "1e3", "“batch-size”: expected a whole number from 1 to 65536, found “1e3”" },
  { "batch-size", "", "“batch-size”: expected a whole number from 1 to 65536, found “”" },
  { "batch-size", " 1", "“batch-size”: expected a whole number from 1 to 65536, found “ 1”" },
  { "batch-size", "18446744073709551617",
    "“batch-size”: expected a whole number from 1 to 65536, found “18446744073709551617”" },
  { "use-cache", "yes", "“use-cache”: expected true or false, found “yes”" },
  { "use-cache", "", "“use-cache”: expected true or false, found “”" },
  { "logits-to-keep", "first", "“logits-to-keep”: expected one of last, all, found “first”" },
  { "logits-to-keep", "", "“logits-to-keep”: expected one of last, all, found “”" },
  { "attention", "SDPA", "“attention”: expected one of eager, sdpa, sdpa-efficient, sdpa-math, flash, found “SDPA”" },
  { "engine", "exllamav2",
    "“engine”: expected one of transformers, llama.cpp, vllm, ollama, sglang, lmdeploy, tensorrt-llm, mlx, exllama, "
    "found “exllamav2”" },
  { "micro-batch-size", "0", "“micro-batch-size”: expected a whole number from 1 to 65536, found “0”" },
  { "optimizer-implementation", "c",
    "“optimizer-implementation”: expected one of auto, foreach, for-loop, fused, found “c”" },
  { "gradient-clipping", "1", "“gradient-clipping”: expected true or false, found “1”" },
  { "lora-dropout", "1.01", "“lora-dropout”: expected a number from 0 to 1, found “1.01”" },
  { "lora-dropout", "-0.1", "“lora-dropout”: expected a number from 0 to 1, found “-0.1”" },
  { "lora-dropout", "0,1", "“lora-dropout”: expected a number from 0 to 1, found “0,1”" },
  { "lora-dropout", "nan", "“lora-dropout”: expected a number from 0 to 1, found “nan”" },
  { "lora-dropout", "0x1", "“lora-dropout”: expected a number from 0 to 1, found “0x1”" },
  { "lora-dropout", "", "“lora-dropout”: expected a number from 0 to 1, found “”" },
  { "lora-targets", "", "“lora-targets”: expected names with commas between them, found “”" },
  { "lora-targets", "q_proj,", "“lora-targets”: expected names with commas between them, found “q_proj,”" },
  { "lora-targets", ",q_proj", "“lora-targets”: expected names with commas between them, found “,q_proj”" },
  { "lora-targets", "q_proj, v_proj",
    "“lora-targets”: expected names with commas between them, found “q_proj, v_proj”" },
};

/* The first mode that has a setting. */
static HrJob *
create_job_with (const char *property)
{
  g_autoptr (GEnumClass) modes = g_type_class_ref (HR_TYPE_MODE);

  for (guint i = 0; i < modes->n_values; i++)
    {
      g_autoptr (HrJob) job = hr_job_new (modes->values[i].value);

      if (g_object_class_find_property (G_OBJECT_GET_CLASS (job), property) != NULL)
        return g_steal_pointer (&job);
    }

  return NULL;
}

typedef GParamSpec *SettingList;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SettingList, g_free)

static void
count_notification (GObject    *object,
                    GParamSpec *pspec,
                    gpointer    user_data)
{
  guint *count = user_data;

  *count += 1;
}

static void
assert_holds (HrJob      *job,
              const char *property,
              const char *expected)
{
  g_autofree char *value = hr_job_get_as_string (job, property);

  g_assert_cmpstr (value, ==, expected);
}

/* Another value than the one that a setting has. */
static char *
get_other_value (HrJob      *job,
                 GParamSpec *setting)
{
  g_autofree char *value = hr_job_get_as_string (job, setting->name);

  if (G_IS_PARAM_SPEC_UINT64 (setting))
    return g_strdup_printf ("%" G_GUINT64_FORMAT, g_ascii_strtoull (value, NULL, 10) + 1);

  if (G_IS_PARAM_SPEC_BOOLEAN (setting))
    return g_strdup (g_str_equal (value, "true") ? "false" : "true");

  if (G_IS_PARAM_SPEC_DOUBLE (setting))
    return g_strdup (g_str_equal (value, "0.05") ? "0.25" : "0.05");

  if (G_IS_PARAM_SPEC_STRING (setting))
    return g_strdup (g_str_equal (value, "q_proj,v_proj") ? "model.layers.0.mlp" : "q_proj,v_proj");

  for (guint i = 0; i < G_PARAM_SPEC_ENUM (setting)->enum_class->n_values; i++)
    {
      const char *nick = G_PARAM_SPEC_ENUM (setting)->enum_class->values[i].value_nick;

      if (!g_str_equal (nick, value))
        return g_strdup (nick);
    }

  return NULL;
}

static void
test_default (gconstpointer mode)
{
  g_autoptr (HrJob) job = hr_job_new (GPOINTER_TO_INT (mode));
  g_autoptr (SettingList) settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  g_assert_cmpuint (n_settings, >, 10);

  for (guint i = 0; i < n_settings; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (job), settings[i]->name, &value);
      g_test_message ("%s", settings[i]->name);
      g_assert_true (g_param_value_defaults (settings[i], &value));
    }
}

static void
test_notify (gconstpointer mode)
{
  g_autoptr (HrJob) job = hr_job_new (GPOINTER_TO_INT (mode));
  g_autoptr (SettingList) settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *old_value = hr_job_get_as_string (job, settings[i]->name);
      g_autofree char *new_value = get_other_value (job, settings[i]);
      g_autofree char *signal = g_strconcat ("notify::", settings[i]->name, NULL);
      guint n_all = 0;
      guint n_of_setting = 0;

      g_test_message ("%s", settings[i]->name);
      g_signal_connect (job, "notify", G_CALLBACK (count_notification), &n_all);
      g_signal_connect (job, signal, G_CALLBACK (count_notification), &n_of_setting);

      g_assert_true (hr_job_set_from_string (job, settings[i]->name, old_value, NULL));
      g_assert_cmpuint (n_all, ==, 0);

      if (new_value != NULL)
        {
          g_assert_true (hr_job_set_from_string (job, settings[i]->name, new_value, NULL));
          g_assert_cmpuint (n_all, ==, 1);
          g_assert_cmpuint (n_of_setting, ==, 1);
          assert_holds (job, settings[i]->name, new_value);
        }

      g_signal_handlers_disconnect_by_data (job, &n_all);
      g_signal_handlers_disconnect_by_data (job, &n_of_setting);
    }
}

static void
test_range (gconstpointer mode)
{
  g_autoptr (HrJob) job = hr_job_new (GPOINTER_TO_INT (mode));
  g_autoptr (SettingList) settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *range = hr_job_dup_setting_range (settings[i]);

      g_assert_cmpstr (range, !=, "");

      if (G_IS_PARAM_SPEC_UINT64 (settings[i]))
        {
          GParamSpecUInt64 *limits = G_PARAM_SPEC_UINT64 (settings[i]);
          g_autofree char *minimum = g_strdup_printf ("%" G_GUINT64_FORMAT, limits->minimum);
          g_autofree char *maximum = g_strdup_printf ("%" G_GUINT64_FORMAT, limits->maximum);
          g_autofree char *too_large = g_strdup_printf ("%" G_GUINT64_FORMAT, limits->maximum + 1);
          g_autoptr (GError) error = NULL;

          g_assert_true (hr_job_set_from_string (job, settings[i]->name, minimum, NULL));
          assert_holds (job, settings[i]->name, minimum);
          g_assert_true (hr_job_set_from_string (job, settings[i]->name, maximum, NULL));
          assert_holds (job, settings[i]->name, maximum);
          g_assert_false (hr_job_set_from_string (job, settings[i]->name, too_large, &error));
          g_assert_error (error, HR_ERROR, HR_ERROR_VALUE);
          assert_holds (job, settings[i]->name, maximum);

          /* No product of settings may reach what a byte count can hold: JSON has signed numbers. */
          g_assert_cmpuint (limits->maximum, <=, G_MAXUINT32);
        }
    }
}

static void
test_refusals (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autoptr (HrJob) job = create_job_with (refusals[i].property);
      g_autoptr (HrJob) untouched = create_job_with (refusals[i].property);
      g_autoptr (GError) error = NULL;

      g_assert_false (hr_job_set_from_string (job, refusals[i].property, refusals[i].value, &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_VALUE);
      g_assert_cmpstr (error->message, ==, refusals[i].message);
      g_assert_true (hr_job_equal (job, untouched));
    }
}

static void
test_unknown_setting (void)
{
  static const char * const names[] = { "batch_size", "lora-rank", "", "batch-size ", "parent-instance" };
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      /* GObject takes an underscore for a dash; the contract has dashes. */
      if (g_str_equal (names[i], "batch_size"))
        continue;

      g_assert_false (hr_job_set_from_string (job, names[i], "1", &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
      g_assert_nonnull (strstr (error->message, names[i]));
      g_assert_nonnull (strstr (error->message, "inference"));
    }
}

static void
test_alike_settings (void)
{
  static const struct
  {
    HrMode mode;
    const char *typed;
    const char *message;
  } cases[] = {
    { HR_MODE_INFERENCE, "max-modellen",
      "“max-modellen”: the mode “inference” has no such setting; similar ones are: max-model-len" },
    { HR_MODE_INFERENCE, "context-length",
      "“context-length”: the mode “inference” has no such setting; similar ones are: max-model-len" },
    { HR_MODE_TRAINING, "tensor_parallel_size",
      "“tensor_parallel_size”: the mode “training” has no such setting; similar ones are: tensor-parallel" },
    { HR_MODE_FINE_TUNING, "method",
      "“method”: the mode “fine-tuning” has no such setting; similar ones are: fine-tuning-method, "
      "method-of-estimate" },
    { HR_MODE_INFERENCE, "colour", "“colour”: the mode “inference” has no such setting" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HrJob) job = hr_job_new (cases[i].mode);
      g_autoptr (GError) error = NULL;

      g_assert_false (hr_job_set_from_string (job, cases[i].typed, "1", &error));
      g_assert_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
      g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

static void
test_spellings (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++)
    {
      g_autoptr (HrJob) job = create_job_with (spellings[i].property);
      GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), spellings[i].property);
      GEnumClass *enum_class = G_PARAM_SPEC_ENUM (setting)->enum_class;
      g_auto (GStrv) values = g_strsplit (spellings[i].values, " ", -1);

      g_assert_cmpuint (enum_class->n_values, ==, g_strv_length (values));
      for (guint j = 0; values[j] != NULL; j++)
        {
          g_assert_cmpstr (enum_class->values[j].value_nick, ==, values[j]);
          g_assert_true (hr_job_set_from_string (job, spellings[i].property, values[j], NULL));
          assert_holds (job, spellings[i].property, values[j]);
          g_assert_cmpstr (hr_setting_get_choice_label (setting, enum_class->values[j].value), !=, "");
        }
    }
}

static gboolean
is_spelt (const char *property)
{
  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++)
    {
      if (g_str_equal (spellings[i].property, property))
        return TRUE;
    }

  return FALSE;
}

static void
test_promises (gconstpointer mode)
{
  g_autoptr (HrJob) job = hr_job_new (GPOINTER_TO_INT (mode));
  g_autoptr (SettingList) settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_test_message ("%s", settings[i]->name);
      g_assert_true (!G_IS_PARAM_SPEC_ENUM (settings[i]) || is_spelt (settings[i]->name));
    }
}

static void
test_titles (gconstpointer mode)
{
  g_autoptr (HrJob) job = hr_job_new (GPOINTER_TO_INT (mode));
  g_autoptr (GHashTable) titles = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (SettingList) settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      const char *title = g_param_spec_get_nick (settings[i]);
      const char *description = g_param_spec_get_blurb (settings[i]);

      g_test_message ("%s", settings[i]->name);
      g_assert_cmpstr (title, !=, settings[i]->name);
      g_assert_true (g_hash_table_add (titles, (gpointer) title));
      g_assert_nonnull (description);
      g_assert_cmpstr (description, !=, title);
      g_assert_false (g_str_has_suffix (description, "."));
    }
}

static void
test_order (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (SettingList) settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);

  g_assert_cmpstr (settings[0]->name, ==, "engine");
  g_assert_cmpstr (settings[1]->name, ==, "dtype");
  g_assert_cmpstr (settings[n_settings - 1]->name, ==, "method-of-estimate");
  g_assert_true (hr_job_setting_is_expert (settings[n_settings - 1]));
  g_assert_false (hr_job_setting_is_expert (settings[1]));
}

static void
test_training_defaults (void)
{
  static const struct
  {
    const char *property;
    const char *value;
  } defaults[] = {
    { "framework", "pytorch" }, { "autocast", "none" }, { "micro-batch-size", "1" }, { "sequence-length", "2048" },
    { "gradient-accumulation-steps", "1" }, { "master-dtype", "none" }, { "gradient-dtype", "same" },
    { "fp32-outputs", "false" }, { "optimizer", "adamw" }, { "optimizer-implementation", "auto" },
    { "gradient-checkpointing", "none" }, { "reentrant-checkpointing", "false" }, { "gradient-clipping", "false" },
    { "keep-outputs", "false" }, { "logits-upcast", "loss" }, { "zero-grad", "after-step" },
    { "trl-release", "1-6" }, { "precision-recipe", "custom" },
    { "attention", "sdpa" }, { "attention-mask", "none" },
    { "fine-tuning-method", "lora" }, { "lora-rank", "16" }, { "lora-alpha", "32" }, { "lora-dropout", "0" },
    { "lora-targets", "auto" }, { "modules-to-save", "none" }, { "adapter-dtype", "auto" },
    { "virtual-tokens", "20" }, { "trained-layers", "2" }, { "frozen-parts", "none" },
    { "ia3-targets", "auto" }, { "ia3-feedforward", "auto" }, { "upcast-unquantized", "true" },
    { "lokr-factor", "0" }, { "lokr-decompose-both", "false" },
  };
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);

  g_assert_true (HR_IS_TRAINING_JOB (job));
  for (guint i = 0; i < G_N_ELEMENTS (defaults); i++)
    assert_holds (job, defaults[i].property, defaults[i].value);
}

static void
test_training_order (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (SettingList) settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);

  g_assert_cmpstr (settings[0]->name, ==, "fine-tuning-method");
  g_assert_cmpstr (settings[1]->name, ==, "lora-rank");
}

static void
test_recipe_order (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_TRAINING);
  g_autoptr (SettingList) settings = NULL;
  guint n_settings;
  guint i = 0;

  settings = hr_job_list_settings (job, &n_settings);
  while (i < n_settings && !g_str_equal (settings[i]->name, "precision-recipe"))
    i++;

  g_assert_cmpuint (i + 1, <, n_settings);
  g_assert_cmpint (hr_job_setting_get_group (settings[i]), ==, HR_SETTING_GROUP_PRECISION);
  g_assert_cmpstr (settings[i + 1]->name, ==, "dtype");
}

static void
test_copy (gconstpointer mode)
{
  g_autoptr (HrJob) job = hr_job_new (GPOINTER_TO_INT (mode));
  g_autoptr (HrJob) copy = NULL;
  g_autoptr (SettingList) settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *value = get_other_value (job, settings[i]);

      if (value != NULL)
        g_assert_true (hr_job_set_from_string (job, settings[i]->name, value, NULL));
    }

  copy = hr_job_copy (job);
  g_assert_true (copy != job);
  g_assert_true (hr_job_equal (job, copy));

  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *old_value = hr_job_get_as_string (job, settings[i]->name);
      g_autofree char *value = get_other_value (job, settings[i]);

      if (value == NULL)
        continue;

      g_test_message ("%s", settings[i]->name);
      g_assert_true (hr_job_set_from_string (job, settings[i]->name, value, NULL));
      g_assert_false (hr_job_equal (job, copy));
      g_assert_true (hr_job_set_from_string (job, settings[i]->name, old_value, NULL));
      g_assert_true (hr_job_equal (job, copy));
    }
}

static void
test_mode (void)
{
  g_autoptr (GEnumClass) modes = g_type_class_ref (HR_TYPE_MODE);
  g_autoptr (GError) error = NULL;
  HrMode mode;

  for (guint i = 0; i < modes->n_values; i++)
    {
      g_autoptr (HrJob) job = hr_job_new (modes->values[i].value);

      g_assert_cmpint (hr_job_get_mode (job), ==, modes->values[i].value);
      g_assert_true (hr_mode_from_name (hr_mode_get_name (hr_job_get_mode (job)), &mode, NULL));
      g_assert_cmpint (mode, ==, modes->values[i].value);
      g_assert_cmpstr (hr_mode_get_label (mode), !=, "");
    }

  g_assert_cmpstr (hr_mode_get_name (HR_MODE_INFERENCE), ==, "inference");
  g_assert_false (hr_mode_from_name ("dreaming", &mode, &error));
  g_assert_error (error, HR_ERROR, HR_ERROR_UNKNOWN_NAME);
  g_assert_nonnull (strstr (error->message, "inference"));
}

static void
test_finalize (void)
{
  HrJob *job = hr_job_new (HR_MODE_INFERENCE);

  g_assert_finalize_object (job);
}

static void
add_for_each_mode (const char    *name,
                   GTestDataFunc  test)
{
  g_autoptr (GEnumClass) modes = g_type_class_ref (HR_TYPE_MODE);

  for (guint i = 0; i < modes->n_values; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s", name, modes->values[i].value_nick);

      g_test_add_data_func (path, GINT_TO_POINTER (modes->values[i].value), test);
    }
}

static GParamSpec *
get_setting (HrJob      *job,
             const char *name)
{
  return g_object_class_find_property (G_OBJECT_GET_CLASS (job), name);
}

/* Groups come in the order in which people think, and each is in one piece. */
static void
test_groups (void)
{
  static const HrMode modes[] = { HR_MODE_INFERENCE, HR_MODE_FINE_TUNING, HR_MODE_TRAINING, HR_MODE_GRPO,
                                  HR_MODE_MULTIMODAL };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (HrJob) job = hr_job_new (modes[i]);
      g_autofree GParamSpec **settings = NULL;
      HrSettingGroup last = HR_SETTING_GROUP_METHOD;
      guint n_settings;

      settings = hr_job_list_settings (job, &n_settings);
      for (guint j = 0; j < n_settings; j++)
        {
          HrSettingGroup group = hr_job_setting_get_group (settings[j]);

          g_assert_cmpint (group == HR_SETTING_GROUP_EXPERT, ==, hr_job_setting_is_expert (settings[j]));
          if (group == HR_SETTING_GROUP_EXPERT)
            continue;

          g_assert_cmpint (group, >=, last);
          last = group;
        }
    }
}

static void
test_use (void)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  GParamSpec *because;

  g_object_set (job, "fine-tuning-method", HR_FINE_TUNING_METHOD_FULL, NULL);
  g_assert_false (hr_job_uses_setting (job, get_setting (job, "lora-rank"), &because));
  g_assert_cmpstr (because->name, ==, "fine-tuning-method");
  g_assert_true (hr_job_uses_setting (job, get_setting (job, "micro-batch-size"), &because));
  g_assert_null (because);

  g_object_set (job, "fine-tuning-method", HR_FINE_TUNING_METHOD_QLORA, NULL);
  g_assert_true (hr_job_uses_setting (job, get_setting (job, "lora-rank"), NULL));
  g_assert_false (hr_job_uses_setting (job, get_setting (job, "virtual-tokens"), NULL));
}

/* Every method but those that need no more words has one setting that says how much it trains. */
static void
test_methods_use_settings (void)
{
  g_autoptr (GEnumClass) methods = g_type_class_ref (HR_TYPE_FINE_TUNING_METHOD);
  static const char * const own[] = { "lora-rank", "trained-layers", "virtual-tokens", "ia3-targets",
                                      "reduction-factor" };

  for (guint i = 0; i < methods->n_values; i++)
    {
      g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
      gboolean needs_one = methods->values[i].value != HR_FINE_TUNING_METHOD_FULL &&
                           methods->values[i].value != HR_FINE_TUNING_METHOD_BITFIT;
      guint n_used = 0;

      g_object_set (job, "fine-tuning-method", methods->values[i].value, NULL);
      for (guint j = 0; j < G_N_ELEMENTS (own); j++)
        n_used += hr_job_uses_setting (job, get_setting (job, own[j]), NULL);
      g_assert_cmpuint (n_used, ==, needs_one);
    }
}

static void
test_find_changed (void)
{
  static const char * const names[] = { "beams", "batch-size", NULL };
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);

  g_assert_null (hr_job_find_changed (job, names));
  g_object_set (job, "batch-size", G_GUINT64_CONSTANT (3), NULL);
  g_assert_cmpstr (hr_job_find_changed (job, names), ==, "batch-size");
  g_object_set (job, "beams", G_GUINT64_CONSTANT (2), NULL);
  g_assert_cmpstr (hr_job_find_changed (job, names), ==, "beams");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_for_each_mode ("/job/every_setting_starts_with_its_declared_default", test_default);
  add_for_each_mode ("/job/a_new_value_notifies_once_and_the_same_value_not_at_all", test_notify);
  add_for_each_mode ("/job/both_ends_of_each_range_are_taken_and_what_lies_beyond_is_not", test_range);
  g_test_add_func ("/job/a_refusal_names_the_property_the_range_and_the_value", test_refusals);
  g_test_add_func ("/job/a_setting_that_the_mode_lacks_is_refused", test_unknown_setting);
  g_test_add_func ("/job/settings_that_are_called_much_alike_are_named", test_alike_settings);
  g_test_add_func ("/job/choices_are_spelt_as_promised", test_spellings);
  add_for_each_mode ("/job/every_setting_has_a_title_and_a_description", test_titles);
  add_for_each_mode ("/job/every_choice_is_promised", test_promises);
  g_test_add_func ("/job/usual_settings_come_first", test_order);
  g_test_add_func ("/job/the_method_of_fine_tuning_comes_first", test_training_order);
  g_test_add_func ("/job/a_recipe_stands_before_the_settings_that_it_stands_for", test_recipe_order);
  g_test_add_func ("/job/fine_tuning_begins_with_a_plain_loop_and_lora", test_training_defaults);
  add_for_each_mode ("/job/a_copy_is_equal_and_differs_with_each_setting", test_copy);
  g_test_add_func ("/job/settings_are_grouped_by_what_they_are_about", test_groups);
  g_test_add_func ("/job/a_setting_of_another_method_is_not_used", test_use);
  g_test_add_func ("/job/every_method_uses_settings_of_its_own", test_methods_use_settings);
  g_test_add_func ("/job/modes_have_names", test_mode);
  g_test_add_func ("/job/a_job_is_finalized", test_finalize);
  g_test_add_func ("/job/the_first_setting_that_is_changed_is_found", test_find_changed);

  return g_test_run ();
}
