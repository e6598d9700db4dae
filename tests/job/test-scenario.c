/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib/gstdio.h>

#include "headroom.h"
#include "jobs.h"

typedef struct
{
  char *folder;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  user_data)
{
  fixture->folder = g_dir_make_tmp ("headroom-scenario-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
}

static guint
remove_files (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n_files = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_assert_no_errno (g_remove (path));
      n_files++;
    }

  return n_files;
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  user_data)
{
  remove_files (fixture->folder);
  g_assert_no_errno (g_rmdir (fixture->folder));
  g_free (fixture->folder);
}

static GFile *
write_file (Fixture    *fixture,
            const char *name,
            const char *text)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));

  return g_file_new_for_path (path);
}

static void
test_round_trip (Fixture       *fixture,
                 gconstpointer  user_data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "scenario.headroom", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (HrScenario) loaded = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (job, "batch-size", (guint64) 4, "use-cache", FALSE, "quantization", HR_QUANTIZATION_Q4_K_M, NULL);
  scenario = hr_scenario_new ("Qwen/Qwen2.5-7B-Instruct", job);
  hr_scenario_set_gpu (scenario, "RTX \"4090\" \\ 显卡", 2);

  g_assert_true (hr_scenario_save (scenario, file, &error));
  g_assert_no_error (error);

  loaded = hr_scenario_new_from_file (file, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (hr_scenario_get_model (loaded), ==, "Qwen/Qwen2.5-7B-Instruct");
  g_assert_cmpstr (hr_scenario_get_gpu (loaded), ==, "RTX \"4090\" \\ 显卡");
  g_assert_cmpuint (hr_scenario_get_n_gpus (loaded), ==, 2);
  g_assert_true (hr_job_equal (hr_scenario_get_job (loaded), job));

  /* Saved over what was there, and nothing but the one file is left. */
  g_assert_true (hr_scenario_save (loaded, file, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (remove_files (fixture->folder), ==, 1);
}

static void
test_training_round_trip (Fixture       *fixture,
                          gconstpointer  user_data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "scenario.headroom", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_FINE_TUNING);
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (HrScenario) loaded = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (job, "micro-batch-size", (guint64) 4, "lora-dropout", 0.05, "lora-targets", "q_proj,v_proj",
                "gradient-checkpointing", HR_GRADIENT_CHECKPOINTING_FULL, NULL);
  scenario = hr_scenario_new ("Qwen/Qwen2.5-7B-Instruct", job);
  g_assert_true (hr_scenario_save (scenario, file, &error));
  g_assert_no_error (error);

  loaded = hr_scenario_new_from_file (file, &error);
  g_assert_no_error (error);
  g_assert_cmpint (hr_job_get_mode (hr_scenario_get_job (loaded)), ==, HR_MODE_FINE_TUNING);
  g_assert_true (hr_job_equal (hr_scenario_get_job (loaded), job));
}

static const HrMode modes[] = { HR_MODE_INFERENCE, HR_MODE_FINE_TUNING, HR_MODE_TRAINING, HR_MODE_GRPO,
                                HR_MODE_MULTIMODAL };

static HrScenario *
save_and_load (Fixture    *fixture,
               HrScenario *scenario)
{
  g_autofree char *path = g_build_filename (fixture->folder, "scenario.headroom", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  HrScenario *loaded;

  g_assert_true (hr_scenario_save (scenario, file, &error));
  g_assert_no_error (error);
  loaded = hr_scenario_new_from_file (file, &error);
  g_assert_no_error (error);

  return loaded;
}

/* Each setting alone, and then all of them: none hides behind another. */
static void
test_every_setting (Fixture       *fixture,
                    gconstpointer  user_data)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (HrJob) all = job_new_changed (modes[i]);
      g_autofree GParamSpec **settings = NULL;
      guint n_settings;

      settings = hr_job_list_settings (all, &n_settings);
      for (guint j = 0; j <= n_settings; j++)
        {
          g_autoptr (HrJob) job = j < n_settings ? hr_job_new (modes[i]) : g_object_ref (all);
          g_autoptr (HrScenario) scenario = NULL;
          g_autoptr (HrScenario) loaded = NULL;

          if (j < n_settings && !job_change_setting (job, settings[j]))
            continue;

          scenario = hr_scenario_new ("x", job);
          loaded = save_and_load (fixture, scenario);
          g_assert_true (hr_job_equal (hr_scenario_get_job (loaded), job));
        }
    }
}

static void
test_other_modes (Fixture       *fixture,
                  gconstpointer  user_data)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (HrJob) own = job_new_changed (modes[i]);
      g_autoptr (HrScenario) scenario = hr_scenario_new ("x", own);
      g_autoptr (HrScenario) loaded = NULL;

      for (guint j = 0; j < G_N_ELEMENTS (modes); j++)
        {
          g_autoptr (HrJob) job = job_new_changed (modes[j]);

          if (j != i)
            hr_scenario_add_job (scenario, job);
        }

      loaded = save_and_load (fixture, scenario);
      g_assert_cmpint (hr_job_get_mode (hr_scenario_get_job (loaded)), ==, modes[i]);
      for (guint j = 0; j < G_N_ELEMENTS (modes); j++)
        {
          g_autoptr (HrJob) job = job_new_changed (modes[j]);

          g_assert_true (hr_job_equal (hr_scenario_get_job_of_mode (loaded, modes[j]), job));
        }
    }
}

static void
test_pins (Fixture       *fixture,
           gconstpointer  user_data)
{
  static const char * const labels[] = { "Mine", "\"8\" \\ 个批次", "", "a", "a" };
  g_autofree char *model = g_build_filename (fixture->folder, "config.json", NULL);
  g_autoptr (GFile) config = write_file (fixture, "config.json", "{}");
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrScenario) scenario = hr_scenario_new (model, job);
  g_autoptr (HrScenario) loaded = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      g_autoptr (HrJob) pinned = job_new_changed (modes[i]);
      g_autoptr (HrScenario) pin = hr_scenario_new (i % 2 == 0 ? model : "Qwen/Qwen3-8B", pinned);

      hr_scenario_set_gpu (pin, i % 2 == 0 ? NULL : "rtx-4090", i + 1);
      hr_scenario_add_pin (scenario, labels[i], pin);
    }

  loaded = save_and_load (fixture, scenario);
  g_assert_cmpuint (hr_scenario_get_n_pins (loaded), ==, G_N_ELEMENTS (labels));
  g_assert_null (hr_scenario_get_label (loaded));
  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      HrScenario *pin = hr_scenario_get_pin (loaded, i);
      HrScenario *before = hr_scenario_get_pin (scenario, i);

      g_assert_cmpstr (hr_scenario_get_label (pin), ==, labels[i]);
      g_assert_cmpstr (hr_scenario_get_model (pin), ==, hr_scenario_get_model (before));
      g_assert_cmpstr (hr_scenario_get_gpu (pin), ==, hr_scenario_get_gpu (before));
      g_assert_cmpuint (hr_scenario_get_n_gpus (pin), ==, i + 1);
      g_assert_true (hr_job_equal (hr_scenario_get_job (pin), hr_scenario_get_job (before)));
      g_assert_cmpuint (hr_scenario_get_n_pins (pin), ==, 0);
    }
}

/* Files as they were written before there were pins and other modes. */
static void
test_old_files (Fixture       *fixture,
                gconstpointer  user_data)
{
  static const struct
  {
    const char *name;
    HrMode mode;
    const char *model;
    const char *gpu;
    guint n_gpus;
    const char *setting;
    const char *value;
  } rows[] = {
    { "inference", HR_MODE_INFERENCE, "Qwen/Qwen2.5-7B-Instruct", "rtx-4090", 2, "prompt-length", "3000" },
    { "inference", HR_MODE_INFERENCE, "Qwen/Qwen2.5-7B-Instruct", "rtx-4090", 2, "kv-cache-dtype", "int8" },
    { "fine-tuning", HR_MODE_FINE_TUNING, "Qwen/Qwen2.5-7B-Instruct", "h100-sxm5-80gb", 1, "lora-rank", "48" },
    { "fine-tuning", HR_MODE_FINE_TUNING, "Qwen/Qwen2.5-7B-Instruct", "h100-sxm5-80gb", 1, "lora-dropout", "0.05" },
    { "training", HR_MODE_TRAINING, "Qwen/Qwen2.5-0.5B", NULL, 1, "optimizer", "adafactor" },
    { "grpo", HR_MODE_GRPO, "Qwen/Qwen2.5-0.5B", NULL, 1, "algorithm", "dpo" },
    { "multimodal", HR_MODE_MULTIMODAL, "Qwen/Qwen2.5-VL-7B-Instruct", NULL, 1, "text-tokens", "77" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *name = g_strconcat (rows[i].name, ".headroom", NULL);
      g_autofree char *path = g_test_build_filename (G_TEST_DIST, "job", "scenarios", name, NULL);
      g_autoptr (GFile) file = g_file_new_for_path (path);
      g_autoptr (HrScenario) scenario = NULL;
      g_autofree char *value = NULL;
      g_autoptr (GError) error = NULL;

      scenario = hr_scenario_new_from_file (file, &error);
      g_assert_no_error (error);
      g_assert_cmpint (hr_job_get_mode (hr_scenario_get_job (scenario)), ==, rows[i].mode);
      g_assert_cmpstr (hr_scenario_get_model (scenario), ==, rows[i].model);
      g_assert_cmpstr (hr_scenario_get_gpu (scenario), ==, rows[i].gpu);
      g_assert_cmpuint (hr_scenario_get_n_gpus (scenario), ==, rows[i].n_gpus);
      value = hr_job_get_as_string (hr_scenario_get_job (scenario), rows[i].setting);
      g_assert_cmpstr (value, ==, rows[i].value);
      g_assert_cmpuint (hr_scenario_get_n_pins (scenario), ==, 0);
    }
}

static void
test_least (Fixture       *fixture,
            gconstpointer  user_data)
{
  g_autoptr (GFile) file = write_file (fixture, "a.headroom",
                                       "{\"schema\": \"headroom-scenario/1\", \"model\": \"x\"}");
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (GError) error = NULL;

  scenario = hr_scenario_new_from_file (file, &error);
  g_assert_no_error (error);
  g_assert_true (hr_job_equal (hr_scenario_get_job (scenario), job));
  g_assert_null (hr_scenario_get_gpu (scenario));
  g_assert_cmpuint (hr_scenario_get_n_gpus (scenario), ==, 1);
}

static void
test_relative (Fixture       *fixture,
               gconstpointer  user_data)
{
  g_autofree char *model = g_build_filename (fixture->folder, "config.json", NULL);
  g_autoptr (GFile) config = write_file (fixture, "config.json", "{}");
  g_autofree char *path = g_build_filename (fixture->folder, "a.headroom", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrScenario) scenario = hr_scenario_new (model, job);
  g_autoptr (HrScenario) loaded = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  g_assert_true (hr_scenario_save (scenario, file, &error));
  g_assert_no_error (error);

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "\"config.json\""));
  g_assert_null (strstr (text, fixture->folder));

  loaded = hr_scenario_new_from_file (file, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (hr_scenario_get_model (loaded), ==, model);
}

/* Whose home folder it is, is not told; at home the model is found again. */
static void
test_home (Fixture       *fixture,
           gconstpointer  user_data)
{
  g_autofree char *folder = g_build_filename (g_get_home_dir (), "my models", NULL);
  g_autofree char *model = g_build_filename (folder, "config.json", NULL);
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_GRPO);
  g_autoptr (HrScenario) scenario = NULL;
  g_autoptr (HrScenario) at_home = NULL;
  g_autoptr (HrScenario) elsewhere = NULL;
  g_autoptr (GFile) beside = NULL;
  g_autofree char *beside_path = NULL;
  g_autofree char *reward = NULL;
  g_autofree char *json = NULL;

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  g_assert_true (g_file_set_contents (model, "{}", -1, NULL));
  g_object_set (job, "reward-model-path", model, NULL);

  scenario = hr_scenario_new (model, job);
  json = hr_scenario_to_json (scenario);
  g_assert_null (strstr (json, g_get_home_dir ()));
  g_assert_nonnull (strstr (json, "~/my models/config.json"));

  at_home = save_and_load (fixture, scenario);
  reward = hr_job_get_as_string (hr_scenario_get_job (at_home), "reward-model-path");
  g_assert_cmpstr (hr_scenario_get_model (at_home), ==, model);
  g_assert_cmpstr (reward, ==, model);

  /* Where it was sent to, the model may lie beside it. */
  g_assert_no_errno (g_remove (model));
  g_assert_no_errno (g_rmdir (folder));
  beside = write_file (fixture, "config.json", "{}");
  beside_path = g_file_get_path (beside);
  elsewhere = save_and_load (fixture, scenario);
  g_assert_cmpstr (hr_scenario_get_model (elsewhere), ==, beside_path);
}

#define HEAD "{\"schema\": \"headroom-scenario/1\", \"model\": \"x\", "

static const struct
{
  const char *text;
  const char *place;
  const char *expected;
  HrError code;
} faults[] = {
  { "", "a.headroom", NULL, HR_ERROR_SYNTAX },
  { "not JSON", "a.headroom", NULL, HR_ERROR_SYNTAX },
  { "[]", "a.headroom", "object", HR_ERROR_SCHEMA },
  { "{}", "schema", NULL, HR_ERROR_SCHEMA },
  { "{\"schema\": \"headroom-scenario/2\", \"model\": \"x\"}", "schema", "headroom-scenario/1", HR_ERROR_SCHEMA },
  { "{\"schema\": \"headroom-scenario/1\"}", "model", NULL, HR_ERROR_SCHEMA },
  { "{\"schema\": \"headroom-scenario/1\", \"model\": 7}", "model", "string", HR_ERROR_SCHEMA },
  { HEAD "\"modle\": \"y\"}", "modle", "model", HR_ERROR_SCHEMA },
  { HEAD "\"mode\": \"dreaming\"}", "mode", "inference", HR_ERROR_UNKNOWN_NAME },
  { HEAD "\"gpus\": 0}", "gpus", "1", HR_ERROR_VALUE },
  { HEAD "\"gpu\": 1}", "gpu", "string", HR_ERROR_SCHEMA },
  { HEAD "\"settings\": []}", "settings", "object", HR_ERROR_SCHEMA },
  { HEAD "\"settings\": {\"batch-size\": 0}}", "settings.batch-size", "from 1 to 65536", HR_ERROR_VALUE },
  { HEAD "\"settings\": {\"batch-size\": \"4\"}}", "settings.batch-size", "from 1 to 65536", HR_ERROR_VALUE },
  { HEAD "\"settings\": {\"batch-size\": 1.5}}", "settings.batch-size", "from 1 to 65536", HR_ERROR_VALUE },
  { HEAD "\"settings\": {\"batch-size\": 1e99}}", "settings.batch-size", "from 1 to 65536", HR_ERROR_VALUE },
  { HEAD "\"settings\": {\"use-cache\": 1}}", "settings.use-cache", "true or false", HR_ERROR_VALUE },
  { HEAD "\"settings\": {\"attention\": \"fast\"}}", "settings.attention", "sdpa", HR_ERROR_VALUE },
  { HEAD "\"settings\": {\"attention\": null}}", "settings.attention", "sdpa", HR_ERROR_VALUE },
  { HEAD "\"settings\": {\"lora-rank\": 8}}", "lora-rank", "inference", HR_ERROR_UNKNOWN_NAME },
  { HEAD "\"pins\": {}}", "pins", "array", HR_ERROR_SCHEMA },
  { HEAD "\"pins\": [7]}", "pins[0]", "object", HR_ERROR_SCHEMA },
  { HEAD "\"pins\": [{\"model\": \"x\"}]}", "pins[0].label", NULL, HR_ERROR_SCHEMA },
  { HEAD "\"pins\": [{\"label\": \"x\"}]}", "pins[0].model", NULL, HR_ERROR_SCHEMA },
  { HEAD "\"pins\": [{\"label\": \"x\", \"model\": \"x\", \"pins\": []}]}", "pins[0].pins", "label",
    HR_ERROR_SCHEMA },
  { HEAD "\"pins\": [{\"label\": \"x\", \"model\": \"x\", \"settings\": {\"batch-size\": 0}}]}",
    "pins[0].settings.batch-size", "from 1 to 65536", HR_ERROR_VALUE },
  { HEAD "\"pins\": [0, 1, 2, 3, 4, 5, 6]}", "pins", "at most 6", HR_ERROR_VALUE },
  { HEAD "\"other-modes\": []}", "other-modes", "object", HR_ERROR_SCHEMA },
  { HEAD "\"other-modes\": {\"dreaming\": {}}}", "dreaming", "training", HR_ERROR_UNKNOWN_NAME },
  { HEAD "\"other-modes\": {\"training\": 7}}", "other-modes.training", "object", HR_ERROR_SCHEMA },
  { HEAD "\"other-modes\": {\"training\": {\"lora-rank\": 8}}}", "lora-rank", "training", HR_ERROR_UNKNOWN_NAME },
};

static void
test_faults (Fixture       *fixture,
             gconstpointer  user_data)
{
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (GFile) file = write_file (fixture, "a.headroom", faults[i].text);
      g_autoptr (HrScenario) scenario = NULL;
      g_autoptr (GError) error = NULL;

      scenario = hr_scenario_new_from_file (file, &error);
      g_assert_null (scenario);
      g_test_message ("%s → %s", faults[i].text, error->message);
      g_assert_error (error, HR_ERROR, (int) faults[i].code);
      g_assert_nonnull (strstr (error->message, "a.headroom"));
      g_assert_nonnull (strstr (error->message, faults[i].place));
      if (faults[i].expected != NULL)
        g_assert_nonnull (strstr (error->message, faults[i].expected));
    }
}

static void
test_absent (Fixture       *fixture,
             gconstpointer  user_data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "none.headroom", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFile) folder = g_file_new_for_path (fixture->folder);
  g_autoptr (GError) error = NULL;

  g_assert_null (hr_scenario_new_from_file (file, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);

  g_assert_null (hr_scenario_new_from_file (folder, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
}

static void
test_not_saved (Fixture       *fixture,
                gconstpointer  user_data)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrScenario) scenario = hr_scenario_new ("x", job);
  g_autofree char *path = g_build_filename (fixture->folder, "none", "a.headroom", NULL);
  g_autoptr (GFile) without_folder = g_file_new_for_path (path);
  g_autoptr (GFile) folder = g_file_new_for_path (fixture->folder);
  g_autoptr (GFile) full = g_file_new_for_path ("/dev/full");
  g_autoptr (GError) error = NULL;

  g_assert_false (hr_scenario_save (scenario, without_folder, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "a.headroom"));
  g_clear_error (&error);

  g_assert_false (hr_scenario_save (scenario, folder, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  g_clear_error (&error);

  g_assert_false (hr_scenario_save (scenario, full, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_true (g_file_test ("/dev/full", G_FILE_TEST_EXISTS));

  g_assert_cmpuint (remove_files (fixture->folder), ==, 0);
}

static void
test_link (Fixture       *fixture,
           gconstpointer  user_data)
{
  g_autoptr (HrJob) job = hr_job_new (HR_MODE_INFERENCE);
  g_autoptr (HrScenario) scenario = hr_scenario_new ("x", job);
  g_autoptr (GFile) target = write_file (fixture, "target.headroom", "old");
  g_autofree char *path = g_build_filename (fixture->folder, "link.headroom", NULL);
  g_autoptr (GFile) link = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (HrScenario) loaded = NULL;

  g_assert_true (g_file_make_symbolic_link (link, "target.headroom", NULL, NULL));
  g_assert_true (hr_scenario_save (scenario, link, &error));
  g_assert_no_error (error);

  g_assert_true (g_file_test (path, G_FILE_TEST_IS_SYMLINK));
  loaded = hr_scenario_new_from_file (target, &error);
  g_assert_no_error (error);
}

/* What is typed in a terminal: nothing that is at its default, and in quotes what a shell would take apart. */
static void
test_command_line (Fixture       *fixture,
                   gconstpointer  user_data)
{
  static const struct
  {
    HrMode mode;
    const char *model;
    const char *settings[7];
    const char *gpu;
    guint n_gpus;
    const char *line;
  } rows[] = {
    { HR_MODE_INFERENCE, "Qwen/Qwen3-8B", { NULL }, NULL, 1, "headroom-cli estimate Qwen/Qwen3-8B" },
    { HR_MODE_INFERENCE, "/tmp/my model", { "batch-size", "8" }, "rtx 4090", 2,
      "headroom-cli estimate '/tmp/my model' --batch-size=8 --gpu='rtx 4090' --gpus=2" },
    { HR_MODE_FINE_TUNING, "Qwen/Qwen3-8B",
      { "fine-tuning-method", "qlora", "lora-targets", "q_proj,v_proj", "gradient-clipping", "true" }, NULL, 1,
      "headroom-cli estimate Qwen/Qwen3-8B --mode=fine-tuning --fine-tuning-method=qlora "
      "--lora-targets=q_proj,v_proj --gradient-clipping=true" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (HrJob) job = hr_job_new (rows[i].mode);
      g_autoptr (HrScenario) scenario = NULL;
      g_autofree char *line = NULL;

      for (guint j = 0; rows[i].settings[j] != NULL; j += 2)
        {
          g_autoptr (GError) error = NULL;

          hr_job_set_from_string (job, rows[i].settings[j], rows[i].settings[j + 1], &error);
          g_assert_no_error (error);
        }
      scenario = hr_scenario_new (rows[i].model, job);
      hr_scenario_set_gpu (scenario, rows[i].gpu, rows[i].n_gpus);
      line = hr_scenario_dup_command_line (scenario);
      g_assert_cmpstr (line, ==, rows[i].line);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add ("/scenario/what_is_saved_is_what_is_loaded", Fixture, NULL, set_up, test_round_trip, tear_down);
  g_test_add ("/scenario/a_job_of_fine_tuning_is_loaded_as_it_was_saved", Fixture, NULL, set_up,
              test_training_round_trip, tear_down);
  g_test_add ("/scenario/every_setting_of_every_mode_is_loaded_as_it_was_saved", Fixture, NULL, set_up,
              test_every_setting, tear_down);
  g_test_add ("/scenario/what_is_set_in_other_modes_goes_with_it", Fixture, NULL, set_up, test_other_modes, tear_down);
  g_test_add ("/scenario/what_is_pinned_goes_with_it", Fixture, NULL, set_up, test_pins, tear_down);
  g_test_add ("/scenario/files_of_before_open_as_they_did", Fixture, NULL, set_up, test_old_files, tear_down);
  g_test_add ("/scenario/the_name_of_the_home_folder_is_not_told", Fixture, NULL, set_up, test_home, tear_down);
  g_test_add ("/scenario/what_is_not_said_has_its_default", Fixture, NULL, set_up, test_least, tear_down);
  g_test_add ("/scenario/a_model_beside_it_moves_with_it", Fixture, NULL, set_up, test_relative, tear_down);
  g_test_add ("/scenario/a_fault_is_reported_with_file_place_and_expectation", Fixture, NULL,
              set_up, test_faults, tear_down);
  g_test_add ("/scenario/what_is_no_file_cannot_be_loaded", Fixture, NULL, set_up, test_absent, tear_down);
  g_test_add ("/scenario/what_cannot_be_saved_leaves_nothing_behind", Fixture, NULL, set_up, test_not_saved, tear_down);
  g_test_add ("/scenario/a_command_line_names_what_is_not_at_its_default", Fixture, NULL, set_up, test_command_line,
              tear_down);
  g_test_add ("/scenario/a_symbolic_link_stays_one", Fixture, NULL, set_up, test_link, tear_down);

  return g_test_run ();
}
