/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib/gstdio.h>

#include "headroom.h"
#include "hr-gpu-detect-private.h"

#define MEBIBYTE (G_GUINT64_CONSTANT (1) << 20)

/* A machine of its own: a folder that stands for sysfs, and a place for a program that stands for nvidia-smi. */
typedef struct
{
  char *folder;
  char *program;
  HrGpuProbe probe;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  user_data)
{
  fixture->folder = g_dir_make_tmp ("headroom-detect-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
  fixture->program = g_build_filename (fixture->folder, "nvidia-smi", NULL);
  fixture->probe = (HrGpuProbe) {
    .nvml = "libheadroom-has-no-such-library.so", .nvidia_smi = fixture->program, .sysfs = fixture->folder,
    .timeout_ms = 5000,
  };
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }

  g_assert_no_errno (g_remove (path));
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  user_data)
{
  remove_tree (fixture->folder);
  g_free (fixture->program);
  g_free (fixture->folder);
}

static void
write_program (Fixture    *fixture,
               const char *body)
{
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\n%s\n", body);

  g_assert_true (g_file_set_contents_full (fixture->program, text, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
}

/* Writes what the kernel shows of a card in @name, a path below the folder of the cards. */
static void
write_card (Fixture    *fixture,
            const char *name,
            const char *text)
{
  g_autofree char *path = g_build_filename (fixture->folder, "class", "drm", name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_no_errno (g_mkdir_with_parents (parent, 0700));
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static GListModel *
detect (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GListModel *gpus = _hr_gpu_detect_with (&fixture->probe, NULL, &error);

  g_assert_no_error (error);

  return gpus;
}

static HrGpu *
detect_one (Fixture *fixture)
{
  g_autoptr (GListModel) gpus = detect (fixture);

  g_assert_cmpuint (g_list_model_get_n_items (gpus), ==, 1);

  return g_list_model_get_item (gpus, 0);
}

static void
assert_free_memory (HrGpu   *gpu,
                    guint64  expected)
{
  guint64 free_memory;

  g_assert_true (hr_gpu_get_free_memory (gpu, &free_memory));
  g_assert_cmpuint (free_memory, ==, expected);
}

static void
test_machine_without_gpus_is_no_error (Fixture       *fixture,
                                       gconstpointer  user_data)
{
  g_autoptr (GListModel) gpus = detect (fixture);

  g_assert_cmpuint (g_list_model_get_n_items (gpus), ==, 0);
}

static void
test_nvml_tells_memory_and_the_catalogue_the_rest (Fixture       *fixture,
                                                   gconstpointer  user_data)
{
  g_autofree char *library = g_test_build_filename (G_TEST_BUILT, "hardware", "libfake-nvml.so", NULL);
  g_autoptr (GListModel) gpus = NULL;
  g_autoptr (HrGpu) gpu = NULL;
  guint64 bandwidth;

  fixture->probe.nvml = library;
  gpus = detect (fixture);

  g_assert_cmpuint (g_list_model_get_n_items (gpus), ==, 2);
  gpu = g_list_model_get_item (gpus, 0);
  g_assert_cmpstr (hr_gpu_get_id (gpu), ==, "rtx-4090");
  g_assert_cmpuint (hr_gpu_get_memory (gpu), ==, 24564 * MEBIBYTE);
  g_assert_cmpuint (hr_gpu_get_usable_memory (gpu), ==, (24564 - 490) * MEBIBYTE);
  g_assert_cmpstr (hr_gpu_get_memory_counter (gpu), ==, "nvml");
  assert_free_memory (gpu, 20000 * MEBIBYTE);
  g_assert_cmpstr (hr_gpu_get_uuid (gpu), ==, "GPU-1");
  g_assert_cmpstr (hr_gpu_get_driver_version (gpu), ==, "580.65.06");
  g_assert_true (hr_gpu_is_local (gpu));
  g_assert_true (hr_gpu_get_bandwidth (gpu, &bandwidth));
}

static GPtrArray *
read_usage (Fixture *fixture,
            HrGpu   *gpu)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *usages = _hr_gpu_usage_read_with (&fixture->probe, gpu, NULL, &error);

  g_assert_no_error (error);

  return usages;
}

static void
assert_process (const HrGpuUsage *usage,
                guint             index,
                guint64           pid,
                const char       *name,
                guint64           mebibytes)
{
  const HrGpuProcess *process = g_ptr_array_index (usage->processes, index);

  g_assert_cmpuint (process->pid, ==, pid);
  g_assert_cmpstr (process->name, ==, name);
  g_assert_cmpuint (process->bytes, ==, mebibytes * MEBIBYTE);
}

/* A program that draws and computes is one, and that of which the driver does not tell comes last. */
static void
test_nvml_tells_what_is_in_use (Fixture       *fixture,
                                gconstpointer  user_data)
{
  g_autofree char *library = g_test_build_filename (G_TEST_BUILT, "hardware", "libfake-nvml.so", NULL);
  g_autoptr (GListModel) gpus = NULL;
  g_autoptr (HrGpu) gpu = NULL;
  g_autoptr (GPtrArray) usages = NULL;
  const HrGpuUsage *usage;

  fixture->probe.nvml = library;
  gpus = detect (fixture);
  gpu = g_list_model_get_item (gpus, 0);
  usages = read_usage (fixture, gpu);

  g_assert_cmpuint (usages->len, ==, 1);
  usage = g_ptr_array_index (usages, 0);
  g_assert_cmpuint (usage->memory_bytes, ==, 24564 * MEBIBYTE);
  g_assert_cmpuint (usage->free_bytes, ==, 20000 * MEBIBYTE);
  g_assert_cmpuint (usage->processes->len, ==, 3);
  assert_process (usage, 0, 77, "python3", 3500);
  assert_process (usage, 1, 31, "Xorg", 320);
  assert_process (usage, 2, 5, "kwin_wayland", 0);
}

static void
test_nvidia_smi_tells_what_is_in_use (Fixture       *fixture,
                                      gconstpointer  user_data)
{
  g_autoptr (GListModel) gpus = NULL;
  g_autoptr (HrGpu) gpu = NULL;
  g_autoptr (GPtrArray) usages = NULL;

  write_program (fixture,
                 "case $1 in\n"
                 "--query-gpu=*) echo 'NVIDIA L4, GPU-3, 550.54.15, 23034, 2000'; "
                 "echo 'NVIDIA L4, GPU-4, 550.54.15, 23034, 22000' ;;\n"
                 "*) echo 'GPU-3, 12, 19000, /usr/bin/python3, with a comma'; echo 'GPU-3, 13, [N/A], other'; "
                 "echo 'GPU-4, 14, 500, third'; echo nonsense ;;\n"
                 "esac");
  gpus = detect (fixture);
  gpu = g_list_model_get_item (gpus, 0);
  usages = read_usage (fixture, gpu);

  g_assert_cmpuint (usages->len, ==, 2);
  g_assert_cmpstr (((HrGpuUsage *) g_ptr_array_index (usages, 0))->uuid, ==, "GPU-4");
  assert_process (g_ptr_array_index (usages, 0), 0, 14, "third", 500);
  g_assert_cmpstr (((HrGpuUsage *) g_ptr_array_index (usages, 1))->uuid, ==, "GPU-3");
  assert_process (g_ptr_array_index (usages, 1), 0, 12, "python3, with a comma", 19000);
  assert_process (g_ptr_array_index (usages, 1), 1, 13, "other", 0);
}

/* It was there before, and is no longer. */
static void
test_gpu_that_went_away_has_no_usage (Fixture       *fixture,
                                      gconstpointer  user_data)
{
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup ("l4", NULL);
  g_autoptr (GPtrArray) usages = NULL;
  g_autoptr (GError) error = NULL;

  usages = _hr_gpu_usage_read_with (&fixture->probe, gpu, NULL, &error);
  g_assert_null (usages);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_unified_memory_is_as_the_catalogue_says (Fixture       *fixture,
                                              gconstpointer  user_data)
{
  g_autofree char *library = g_test_build_filename (G_TEST_BUILT, "hardware", "libfake-nvml.so", NULL);
  g_autoptr (HrGpu) row = hr_gpu_catalogue_lookup ("gb10", NULL);
  g_autoptr (GListModel) gpus = NULL;
  g_autoptr (HrGpu) gpu = NULL;
  guint64 free_memory;

  fixture->probe.nvml = library;
  gpus = detect (fixture);
  gpu = g_list_model_get_item (gpus, 1);

  g_assert_cmpstr (hr_gpu_get_id (gpu), ==, "gb10");
  g_assert_true (hr_gpu_get_unified_memory (gpu));
  g_assert_cmpuint (hr_gpu_get_memory (gpu), ==, hr_gpu_get_memory (row));
  g_assert_false (hr_gpu_get_free_memory (gpu, &free_memory));
}

static void
test_library_that_is_not_nvml_is_left_alone (Fixture       *fixture,
                                             gconstpointer  user_data)
{
  g_autoptr (HrGpu) gpu = NULL;

  fixture->probe.nvml = "libm.so.6";
  write_program (fixture, "echo 'NVIDIA L4, GPU-3, 550.54.15, 23034, 22000'");
  gpu = detect_one (fixture);

  g_assert_cmpstr (hr_gpu_get_id (gpu), ==, "l4");
}

static void
test_nvidia_smi_answers_where_nvml_does_not (Fixture       *fixture,
                                             gconstpointer  user_data)
{
  g_autoptr (GListModel) gpus = NULL;
  g_autoptr (HrGpu) gpu = NULL;
  g_autoptr (HrGpu) other = NULL;

  write_program (fixture,
                 "echo 'NVIDIA H100 80GB HBM3, GPU-5, 550.54.15, 81559, 81000'\n"
                 "echo 'NVIDIA H100 80GB HBM3, GPU-6, 550.54.15, 81559, 0'");
  gpus = detect (fixture);

  g_assert_cmpuint (g_list_model_get_n_items (gpus), ==, 2);
  gpu = g_list_model_get_item (gpus, 0);
  g_assert_cmpstr (hr_gpu_get_id (gpu), ==, "h100-sxm5-80gb");
  g_assert_cmpuint (hr_gpu_get_memory (gpu), ==, 81559 * MEBIBYTE);
  g_assert_cmpuint (hr_gpu_get_usable_memory (gpu), ==, 81079 * MEBIBYTE);
  assert_free_memory (gpu, 81000 * MEBIBYTE);
  other = g_list_model_get_item (gpus, 1);
  assert_free_memory (other, 0);
}

static void
test_nvidia_smi_is_asked_what_it_understands (Fixture       *fixture,
                                              gconstpointer  user_data)
{
  g_autoptr (HrGpu) gpu = NULL;

  write_program (fixture,
                 "test \"$1\" = --query-gpu=name,uuid,driver_version,memory.total,memory.free || exit 2\n"
                 "test \"$2\" = --format=csv,noheader,nounits || exit 2\n"
                 "echo 'NVIDIA L4, GPU-3, 550.54.15, 23034, 22000'");
  gpu = detect_one (fixture);

  g_assert_cmpstr (hr_gpu_get_id (gpu), ==, "l4");
}

static void
test_nvidia_smi_may_not_know_a_number (Fixture       *fixture,
                                       gconstpointer  user_data)
{
  g_autoptr (HrGpu) gpu = NULL;
  guint64 free_memory;

  write_program (fixture, "echo 'NVIDIA GB10, GPU-4, 580.95.05, [N/A], [N/A]'");
  gpu = detect_one (fixture);

  g_assert_cmpstr (hr_gpu_get_id (gpu), ==, "gb10");
  g_assert_false (hr_gpu_get_free_memory (gpu, &free_memory));
}

static void
test_card_that_the_catalogue_lacks_is_still_offered (Fixture       *fixture,
                                                     gconstpointer  user_data)
{
  g_autoptr (HrGpu) gpu = NULL;
  guint64 bandwidth;

  write_program (fixture, "echo 'NVIDIA Z9999, GPU-7, 700.10, 200000, 199000'");
  gpu = detect_one (fixture);

  g_assert_null (hr_gpu_get_id (gpu));
  g_assert_cmpstr (hr_gpu_get_name (gpu), ==, "Z9999");
  g_assert_cmpstr (hr_gpu_get_vendor (gpu), ==, "NVIDIA");
  g_assert_cmpuint (hr_gpu_get_memory (gpu), ==, 200000 * MEBIBYTE);
  g_assert_cmpuint (hr_gpu_get_usable_memory (gpu), ==, 200000 * MEBIBYTE);
  g_assert_false (hr_gpu_knows_usable_memory (gpu));
  g_assert_false (hr_gpu_get_bandwidth (gpu, &bandwidth));
}

static void
test_failing_nvidia_smi_means_none (Fixture       *fixture,
                                    gconstpointer  user_data)
{
  g_autoptr (GListModel) gpus = NULL;

  write_program (fixture, "echo 'NVIDIA L4, GPU-3, 550.54.15, 23034, 22000'; exit 9");
  gpus = detect (fixture);

  g_assert_cmpuint (g_list_model_get_n_items (gpus), ==, 0);
}

static void
test_endless_answers_mean_none (Fixture       *fixture,
                                gconstpointer  user_data)
{
  g_autoptr (GListModel) gpus = NULL;

  write_program (fixture, "exec yes 'NVIDIA L4, GPU-3, 550.54.15, 23034, 22000'");
  gpus = detect (fixture);

  g_assert_cmpuint (g_list_model_get_n_items (gpus), ==, 0);
}

static void
test_strange_answers_mean_none (Fixture       *fixture,
                                gconstpointer  user_data)
{
  g_autoptr (GListModel) gpus = NULL;

  write_program (fixture, "echo 'No devices were found'; echo; echo ,,,; printf '\\377\\376,a,b,100000,5\\n'");
  gpus = detect (fixture);

  g_assert_cmpuint (g_list_model_get_n_items (gpus), ==, 0);
}

static void
test_hanging_nvidia_smi_is_given_up (Fixture       *fixture,
                                     gconstpointer  user_data)
{
  g_autoptr (GListModel) gpus = NULL;
  gint64 start = g_get_monotonic_time ();

  fixture->probe.timeout_ms = 100;
  write_program (fixture, "sleep 20 & sleep 20");
  gpus = detect (fixture);

  g_assert_cmpuint (g_list_model_get_n_items (gpus), ==, 0);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 15 * G_USEC_PER_SEC);
}

static gpointer
cancel_soon (gpointer user_data)
{
  g_usleep (100000);
  g_cancellable_cancel (user_data);

  return NULL;
}

static void
test_hanging_nvidia_smi_can_be_cancelled (Fixture       *fixture,
                                          gconstpointer  user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GThread) thread = NULL;
  g_autoptr (GError) error = NULL;

  fixture->probe.timeout_ms = 60000;
  write_program (fixture, "sleep 20");
  thread = g_thread_new ("cancel", cancel_soon, cancellable);

  g_assert_null (_hr_gpu_detect_with (&fixture->probe, cancellable, &error));

  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (g_steal_pointer (&thread));
}

static void
test_amd_tells_its_memory_through_sysfs (Fixture       *fixture,
                                         gconstpointer  user_data)
{
  g_autoptr (HrGpu) gpu = NULL;

  write_card (fixture, "card1/device/vendor", "0x1002\n");
  write_card (fixture, "card1/device/device", "0x744c\n");
  write_card (fixture, "card1/device/mem_info_vram_total", "25753026560\n");
  write_card (fixture, "card1/device/mem_info_vram_used", "753026560\n");
  write_card (fixture, "card1/device/unique_id", "5be1d21c0b4e1f3a\n");
  write_card (fixture, "card1-DP-1/status", "connected\n");
  write_card (fixture, "version", "drm 1.1.0 20060810\n");
  gpu = detect_one (fixture);

  g_assert_cmpstr (hr_gpu_get_id (gpu), ==, "rx-7900-xtx");
  g_assert_cmpuint (hr_gpu_get_memory (gpu), ==, G_GUINT64_CONSTANT (25753026560));
  g_assert_cmpstr (hr_gpu_get_memory_counter (gpu), ==, "amdgpu");
  assert_free_memory (gpu, G_GUINT64_CONSTANT (25000000000));
  g_assert_cmpstr (hr_gpu_get_uuid (gpu), ==, "5be1d21c0b4e1f3a");
}

static void
test_intel_tells_its_memory_through_sysfs (Fixture       *fixture,
                                           gconstpointer  user_data)
{
  g_autoptr (GListModel) gpus = NULL;
  g_autoptr (HrGpu) gpu = NULL;
  g_autoptr (HrGpu) other = NULL;

  write_card (fixture, "card0/device/vendor", "0x8086\n");
  write_card (fixture, "card0/device/device", "0x56a0\n");
  write_card (fixture, "card0/lmem_total_bytes", "17079205888\n");
  write_card (fixture, "card0/lmem_avail_bytes", "16000000000\n");
  write_card (fixture, "card10/device/vendor", "0x8086\n");
  write_card (fixture, "card10/device/device", "0xe20b\n");
  write_card (fixture, "card10/device/tile0/physical_vram_size_bytes", "0x2f0000000\n");
  gpus = detect (fixture);

  g_assert_cmpuint (g_list_model_get_n_items (gpus), ==, 2);
  gpu = g_list_model_get_item (gpus, 0);
  g_assert_cmpstr (hr_gpu_get_vendor (gpu), ==, "Intel");
  g_assert_cmpstr (hr_gpu_get_memory_counter (gpu), ==, "i915");
  assert_free_memory (gpu, G_GUINT64_CONSTANT (16000000000));
  other = g_list_model_get_item (gpus, 1);
  g_assert_cmpstr (hr_gpu_get_memory_counter (other), ==, "xe");
  g_assert_cmpuint (hr_gpu_get_memory (other), ==, G_GUINT64_CONSTANT (0x2f0000000));
}

static void
test_display_controllers_are_not_offered (Fixture       *fixture,
                                          gconstpointer  user_data)
{
  g_autoptr (GListModel) gpus = NULL;

  write_card (fixture, "card0/device/vendor", "0x1002\n");
  write_card (fixture, "card0/device/device", "0x164e\n");
  write_card (fixture, "card0/device/mem_info_vram_total", "536870912\n");
  write_card (fixture, "card1/device/vendor", "0x8086\n");
  write_card (fixture, "card1/device/device", "0x4680\n");
  write_card (fixture, "card2/device/vendor", "0x1a03\n");
  write_card (fixture, "card2/device/device", "0x2000\n");
  write_card (fixture, "card3/device/vendor", "not a number\n");
  gpus = detect (fixture);

  g_assert_cmpuint (g_list_model_get_n_items (gpus), ==, 0);
}

static void
test_more_used_than_there_is_tells_nothing (Fixture       *fixture,
                                            gconstpointer  user_data)
{
  g_autoptr (HrGpu) gpu = NULL;
  guint64 free_memory;

  write_card (fixture, "card0/device/vendor", "0x1002\n");
  write_card (fixture, "card0/device/device", "0x744c\n");
  write_card (fixture, "card0/device/mem_info_vram_total", "25753026560\n");
  write_card (fixture, "card0/device/mem_info_vram_used", "25753026561\n");
  gpu = detect_one (fixture);

  g_assert_false (hr_gpu_get_free_memory (gpu, &free_memory));
}

static void
test_cancelled_detection_says_so (Fixture       *fixture,
                                  gconstpointer  user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);

  g_assert_null (_hr_gpu_detect_with (&fixture->probe, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

typedef struct
{
  GListModel *gpus;
  GError *error;
  gboolean done;
} Answer;

static void
detect_cb (GObject      *object,
           GAsyncResult *result,
           gpointer      user_data)
{
  Answer *answer = user_data;

  answer->gpus = hr_gpu_detect_finish (result, &answer->error);
  answer->done = TRUE;
}

static void
wait_for_answer (Answer       *answer,
                 GCancellable *cancellable)
{
  hr_gpu_detect_async (cancellable, detect_cb, answer);
  g_assert_false (answer->done);
  while (!answer->done)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_detection_in_a_thread_returns_a_list (void)
{
  Answer answer = { NULL, NULL, FALSE };

  wait_for_answer (&answer, NULL);

  g_assert_no_error (answer.error);
  g_assert_true (g_list_model_get_item_type (answer.gpus) == HR_TYPE_GPU);
  g_object_unref (answer.gpus);
}

static void
test_detection_in_a_thread_can_be_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Answer answer = { NULL, NULL, FALSE };

  g_cancellable_cancel (cancellable);
  wait_for_answer (&answer, cancellable);

  g_assert_null (answer.gpus);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_error_free (answer.error);
}

static void
add (const char *path,
     void      (*test) (Fixture       *fixture,
                        gconstpointer  user_data))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("/gpu-detect/machine-without-gpus-is-no-error", test_machine_without_gpus_is_no_error);
  add ("/gpu-detect/nvml-tells-memory-and-the-catalogue-the-rest", test_nvml_tells_memory_and_the_catalogue_the_rest);
  add ("/gpu-detect/unified-memory-is-as-the-catalogue-says", test_unified_memory_is_as_the_catalogue_says);
  add ("/gpu-detect/nvml-tells-what-is-in-use", test_nvml_tells_what_is_in_use);
  add ("/gpu-detect/nvidia-smi-tells-what-is-in-use", test_nvidia_smi_tells_what_is_in_use);
  add ("/gpu-detect/gpu-that-went-away-has-no-usage", test_gpu_that_went_away_has_no_usage);
  add ("/gpu-detect/library-that-is-not-nvml-is-left-alone", test_library_that_is_not_nvml_is_left_alone);
  add ("/gpu-detect/nvidia-smi-answers-where-nvml-does-not", test_nvidia_smi_answers_where_nvml_does_not);
  add ("/gpu-detect/nvidia-smi-is-asked-what-it-understands", test_nvidia_smi_is_asked_what_it_understands);
  add ("/gpu-detect/nvidia-smi-may-not-know-a-number", test_nvidia_smi_may_not_know_a_number);
  add ("/gpu-detect/card-that-the-catalogue-lacks-is-still-offered",
       test_card_that_the_catalogue_lacks_is_still_offered);
  add ("/gpu-detect/failing-nvidia-smi-means-none", test_failing_nvidia_smi_means_none);
  add ("/gpu-detect/endless-answers-mean-none", test_endless_answers_mean_none);
  add ("/gpu-detect/strange-answers-mean-none", test_strange_answers_mean_none);
  add ("/gpu-detect/hanging-nvidia-smi-is-given-up", test_hanging_nvidia_smi_is_given_up);
  add ("/gpu-detect/hanging-nvidia-smi-can-be-cancelled", test_hanging_nvidia_smi_can_be_cancelled);
  add ("/gpu-detect/amd-tells-its-memory-through-sysfs", test_amd_tells_its_memory_through_sysfs);
  add ("/gpu-detect/intel-tells-its-memory-through-sysfs", test_intel_tells_its_memory_through_sysfs);
  add ("/gpu-detect/display-controllers-are-not-offered", test_display_controllers_are_not_offered);
  add ("/gpu-detect/more-used-than-there-is-tells-nothing", test_more_used_than_there_is_tells_nothing);
  add ("/gpu-detect/cancelled-detection-says-so", test_cancelled_detection_says_so);
  g_test_add_func ("/gpu-detect/detection-in-a-thread-returns-a-list", test_detection_in_a_thread_returns_a_list);
  g_test_add_func ("/gpu-detect/detection-in-a-thread-can-be-cancelled", test_detection_in_a_thread_can_be_cancelled);

  return g_test_run ();
}
