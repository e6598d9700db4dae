/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Commands of servers, as people have written them, against the settings that they stand for. */

#include <json-glib/json-glib.h>
#include <string.h>

#include "hr-command-line.h"
#include "hr-inference-job.h"
#include "hr-launch.h"

/* How many places of a command are damaged, where not all are (-m slow). */
#define N_PLACES 4

/* Loaded once; each test reads a row. */
static JsonNode *root;

static JsonNode *
load_rows (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "launch", "commands.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);

  return json_parser_steal_root (parser);
}

static JsonArray *
get_rows (const char *name)
{
  return json_object_get_array_member (json_node_get_object (root), name);
}

static void
check_settings (HrJob      *job,
                JsonObject *settings)
{
  g_autoptr (GList) names = json_object_get_members (settings);

  for (GList *name = names; name != NULL; name = name->next)
    {
      g_autofree char *found = hr_job_get_as_string (job, name->data);

      g_test_message ("%s: %s", (char *) name->data, found);
      g_assert_cmpstr (found, ==, json_object_get_string_member (settings, name->data));
    }
}

static void
check_unread (HrCommandLine *command,
              JsonArray     *expected)
{
  const char * const *unread = hr_command_line_get_unread (command);

  g_assert_cmpuint (g_strv_length ((char **) unread), ==, json_array_get_length (expected));
  for (guint i = 0; unread[i] != NULL; i++)
    g_assert_cmpstr (unread[i], ==, json_array_get_string_element (expected, i));
}

static void
test_command (gconstpointer data)
{
  JsonObject *row = json_array_get_object_element (get_rows ("commands"), GPOINTER_TO_UINT (data));
  const char *text = json_object_get_string_member (row, "command");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrCommandLine) command = hr_command_line_new (text, &error);
  g_autoptr (HrModel) model = NULL;
  g_autoptr (HrJob) job = NULL;
  guint n_gpus;

  g_assert_no_error (error);
  g_assert_cmpstr (hr_command_line_get_model (command), ==, json_object_get_string_member (row, "model"));
  check_unread (command, json_object_get_array_member (row, "unread"));

  model = hr_model_new_from_id (json_object_get_string_member_with_default (row, "with",
                                                                            hr_command_line_get_model (command)),
                                &error);
  g_assert_no_error (error);
  job = hr_command_line_create_job (command, model, &n_gpus, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_gpus, ==, json_object_get_int_member_with_default (row, "gpus", 0));
  check_settings (job, json_object_get_object_member (row, "settings"));
}

/* Each says what was expected and what was found. */
static void
test_refused (void)
{
  JsonArray *rows = get_rows ("refused");

  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);
      g_autoptr (GError) error = NULL;
      const char *text = json_object_get_string_member (row, "command");
      g_autoptr (HrCommandLine) command = hr_command_line_new (text, &error);
      g_autoptr (HrModel) model = NULL;
      g_autoptr (HrJob) job = NULL;
      guint n_gpus;

      if (command != NULL)
        {
          model = hr_model_new_from_id (hr_command_line_get_model (command), &error);
          g_assert_no_error (error);
          job = hr_command_line_create_job (command, model, &n_gpus, &error);
        }
      g_assert_null (job);
      g_assert_nonnull (error);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, json_object_get_string_member (row, "sentence")));
    }
}

/* What is written for a job is read as the job again. */
static void
test_round_trip (void)
{
  static const char * const jobs[] = {
    "engine=llama.cpp max-num-seqs=2 max-model-len=4096",
    "engine=llama.cpp max-num-seqs=1 max-model-len=1000 kv-unified=true gpu-layers=12 flash-attention=on",
    "engine=llama.cpp max-num-seqs=4 max-model-len=8192 max-num-batched-tokens=4096 cache-type-k=q8_0 "
    "cache-type-v=q5_1",
    "engine=vllm max-model-len=4096 gpu-memory-utilization=0.85 max-num-seqs=16 kv-cache-dtype=float8 "
    "enforce-eager=true",
    "engine=vllm max-model-len=3000 quantization=bnb-nf4 tensor-parallel=2",
    "engine=vllm max-model-len=4096 kv-cache-memory=24.5 num-gpu-blocks-override=8000 cuda-graph-max-bs=64",
    "engine=vllm max-model-len=30000 max-num-batched-tokens=4096 block-size=32 dtype=float16",
    "engine=vllm max-model-len=4096 cpu-offload-gb=7.5 chunked-prefill=false",
    "engine=sglang max-model-len=4096 max-mamba-cache-size=48",
    "engine=sglang max-model-len=4096 max-loras=4 max-lora-rank=32",
    "engine=sglang max-model-len=4096 cpu-offload-gb=7",
    "engine=llama.cpp max-num-seqs=1 max-model-len=4096 tensor-split=3,1.5",
    "engine=llama.cpp max-num-seqs=1 max-model-len=4096 split-mode=none",
    "engine=llama.cpp max-num-seqs=1 max-model-len=4096 fit=true",
    "engine=llama.cpp max-num-seqs=1 max-model-len=4096 fit=true gpu-layers=12",
    "engine=llama.cpp max-num-seqs=1 max-model-len=4096 mmproj=q8_0 mmproj-offload=false image-max-tokens=2048",
    "engine=llama.cpp max-num-seqs=1 max-model-len=4096 mmproj=bf16",
    "engine=ollama",
    "engine=ollama max-model-len=8192 max-num-seqs=4 max-num-batched-tokens=256 gpu-layers=12 cache-type-k=q8_0 "
    "flash-attention=on",
    "engine=ollama gpu-layers=9999 flash-attention=off max-num-seqs=2",
    "engine=sglang max-model-len=4096 mem-fraction-static=0.85 max-num-seqs=16 kv-cache-dtype=float8 "
    "enforce-eager=true max-total-tokens=65536",
    "engine=sglang max-model-len=3000 quantization=bnb-nf4 tensor-parallel=2 cuda-graph-max-bs=64",
    "engine=sglang max-model-len=30000 max-num-batched-tokens=4096 block-size=64 tensor-parallel=2",
    "engine=vllm max-model-len=4096 num-speculative-tokens=5 draft-model=Qwen/Qwen2.5-0.5B",
    "engine=sglang max-model-len=4096 num-speculative-tokens=2 draft-model=Qwen/Qwen2.5-0.5B",
    "engine=sglang max-model-len=4096 num-speculative-tokens=3 speculative-eagle-topk=1 speculative-num-draft-tokens=4",
    "engine=sglang max-model-len=4096 kt-method=amxint4 kt-num-gpu-experts=8",
    "engine=sglang max-model-len=4096 kt-method=fp8-perchannel kt-gpu-prefill-token-threshold=400",
    "engine=lmdeploy max-model-len=4096 cache-max-entry-count=0.5 max-num-seqs=16 kv-cache-dtype=int8 "
    "lmdeploy-backend=turbomind",
    "engine=lmdeploy max-model-len=3000 quantization=awq-int4 tensor-parallel=2 block-size=32",
    "engine=lmdeploy max-model-len=30000 max-num-batched-tokens=4096 kv-cache-dtype=float8 lmdeploy-backend=pytorch "
    "enforce-eager=true",
    "engine=tensorrt-llm max-model-len=4096 free-gpu-memory-fraction=0.8 max-num-seqs=64 kv-cache-dtype=float8",
    "engine=tensorrt-llm max-model-len=8192 max-num-batched-tokens=4096 tensor-parallel=2 pipeline-parallel=2",
    "engine=mlx output-length=300 kv-bits=8 quantized-kv-start=1000 kv-group-size=32",
    "engine=mlx max-kv-size=4096",
    "engine=mlx prompt-cache-size=3 batch-size=4 max-num-batched-tokens=512",
    "engine=exllama max-total-tokens=32768 cache-mode=5,4 max-num-batched-tokens=1024 max-num-seqs=4",
    "engine=exllama max-model-len=16384 max-total-tokens=65536 autosplit-reserve=512 n-cpu-moe=8",
    "engine=llama.cpp max-num-seqs=3 max-model-len=8192 kv-offload=false swa-full=true n-cpu-moe=5 flash-attention=off",
    "engine=llama.cpp max-num-seqs=2 fit=true fit-target=2048 fit-ctx=8192",
    "engine=llama.cpp max-num-seqs=1 max-model-len=4096 n-cpu-ffn=3 op-offload=false "
    "override-tensor=blk\\.1\\.ffn_.*=CUDA0,attn=CPU",
    "engine=ollama max-num-seqs=2 gpu-overhead=512 sched-spread=true fit-target=2048 gpu-layers=20",
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B-Instruct", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    {
      g_autoptr (HrJob) job = HR_JOB (hr_inference_job_new ());
      g_autoptr (HrJob) found = NULL;
      g_autoptr (HrLaunch) launch = NULL;
      g_autoptr (HrCommandLine) command = NULL;
      g_auto (GStrv) settings = g_strsplit (jobs[i], " ", -1);
      g_autoptr (GString) text = g_string_new (NULL);
      guint n_gpus;

      hr_job_set_all_from_string (job, jobs[i], &error);
      g_assert_no_error (error);
      launch = hr_launch_new (model, job, 1, &error);
      g_assert_no_error (error);
      for (guint j = 0; j < launch->files->len; j++)
        {
          const HrLaunchFile *file = g_ptr_array_index (launch->files, j);

          g_string_append (text, file->text);
        }
      g_test_message ("%s", text->str);
      command = hr_command_line_new (text->str, &error);
      g_assert_no_error (error);
      g_assert_null (hr_command_line_get_unread (command)[0]);
      found = hr_command_line_create_job (command, model, &n_gpus, &error);
      g_assert_no_error (error);
      for (guint j = 0; settings[j] != NULL; j++)
        {
          g_auto (GStrv) pair = g_strsplit (settings[j], "=", 2);
          g_autofree char *value = hr_job_get_as_string (found, pair[0]);

          g_test_message ("%s", settings[j]);
          g_assert_cmpstr (value, ==, pair[1]);
        }
    }
}

/* Whatever is left of a command is read, or refused with a sentence of one line. */
static void
check_any (const char *text,
           HrModel    *model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HrCommandLine) command = hr_command_line_new (text, &error);
  g_autoptr (HrJob) job = NULL;
  guint n_gpus;

  g_assert_true (command != NULL || error != NULL);
  if (command != NULL)
    job = hr_command_line_create_job (command, model, &n_gpus, &error);
  g_assert_true (job != NULL || error != NULL);
  if (error != NULL)
    {
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_cmpuint (strlen (error->message), >, 10);
    }
}

/* A place in @length, in order where all are looked at, else at random. */
static gsize
get_place (guint i,
           gsize length)
{
  return g_test_slow () ? i : (gsize) g_test_rand_int_range (0, length);
}

static void
check_damaged (const char *text,
               HrModel    *model)
{
  static const char bytes[] = "-='\"\\ 0x$;|&\n#";
  gsize length = strlen (text);
  guint n = g_test_slow () ? length : N_PLACES;

  for (guint i = 0; i < n; i++)
    {
      gsize at = get_place (i, length);
      g_autofree char *cut = g_strndup (text, at);
      g_autofree char *changed = g_strdup (text);

      check_any (cut, model);
      changed[at] = bytes[g_test_rand_int_range (0, sizeof bytes - 1)];
      if (g_utf8_validate (changed, -1, NULL))
        check_any (changed, model);
    }
}

static void
test_damaged (void)
{
  JsonArray *rows = get_rows ("commands");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B-Instruct", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < json_array_get_length (rows); i++)
    check_damaged (json_object_get_string_member (json_array_get_object_element (rows, i), "command"), model);
}

/* Each variable has the one before it twice, in arrays and in what stands for variables that are not set as well. */
static void
test_endless_variables (void)
{
  static const char * const steps[] = { "A=$A$A; ", "A=(\"${A[@]}\" \"${A[@]}\"); ", "A=${B:-${A:-${B:-$A}}}$A; " };
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = hr_model_new_from_id ("Qwen/Qwen2.5-0.5B-Instruct", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GString) text = g_string_new ("A=x; A=(x); ");
      g_autofree char *nested = NULL;

      for (guint j = 0; j < 500; j++)
        g_string_append (text, steps[i]);
      g_string_append (text, "vllm serve $A ${A[@]}");
      check_any (text->str, model);
      nested = g_strnfill (20000, '{');
      g_string_append_printf (text, " $%s", nested);
      check_any (text->str, model);
    }
}

int
main (int   argc,
      char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  root = load_rows ();

  for (guint i = 0; i < json_array_get_length (get_rows ("commands")); i++)
    {
      g_autofree char *path = g_strdup_printf ("/command-line/it_is_read_as_its_author_meant_it/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_command);
    }
  g_test_add_func ("/command-line/what_cannot_be_read_is_refused_with_a_sentence", test_refused);
  g_test_add_func ("/command-line/what_is_written_for_a_job_is_read_as_the_job", test_round_trip);
  g_test_add_func ("/command-line/what_is_damaged_is_read_or_refused", test_damaged);
  g_test_add_func ("/command-line/variables_that_double_each_other_are_read_as_far_as_they_go", test_endless_variables);

  result = g_test_run ();
  json_node_unref (root);

  return result;
}
