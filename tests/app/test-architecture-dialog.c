/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>
#include <hr-architecture-file.h>

#include "headroom-preferences.h"
#include "headroom-test.h"

#define CONFIG \
  "{\"model_type\": \"zebra\", \"torch_dtype\": \"float16\", \"hidden_size\": 64, \"intermediate_size\": 128, " \
  "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"vocab_size\": 100}"

#define ARCHITECTURE \
  "{\"model-type\": \"zebra\", \"architectures\": [\"ZebraForCausalLM\"], \"extends\": \"_decoder\", " \
  "\"source\": \"a test\", \"values\": {\"qkv_bias\": true, \"output_bias\": true}}"

/* 64 + 32 + 32 + 64 in each of two layers. */
#define N_BIASES 384

static GtkWidget *
find_toplevel (GType type)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      if (g_type_is_a (G_OBJECT_TYPE (window), type))
        return window;
    }

  return NULL;
}

static guint64
count (HeadroomWindow *window)
{
  return hr_model_get_n_parameters (headroom_session_get_model (headroom_window_get_session (window)));
}

static void
test_an_architecture_is_added_and_removed (void)
{
  HeadroomWindow *window = headroom_test_window_new ();
  g_autoptr (GFile) config = headroom_test_write ("config.json", CONFIG);
  g_autoptr (GFile) architecture = headroom_test_write ("own.json", ARCHITECTURE);
  GtkWidget *dialog, *preferences, *button;
  g_auto (GStrv) left = NULL;
  guint64 common;

  gtk_window_present (GTK_WINDOW (window));
  headroom_test_window_open (window, config);
  common = count (window);

  /* It is asked first. */
  headroom_window_open (window, architecture);
  HEADROOM_TEST_WAIT_FOR (find_toplevel (ADW_TYPE_MESSAGE_DIALOG) != NULL);
  g_assert_cmpuint (count (window), ==, common);

  dialog = find_toplevel (ADW_TYPE_MESSAGE_DIALOG);
  adw_message_dialog_response (ADW_MESSAGE_DIALOG (dialog), "add");
  HEADROOM_TEST_WAIT_FOR (count (window) == common + N_BIASES);
  gtk_window_destroy (GTK_WINDOW (dialog));

  preferences = headroom_preferences_new ();
  gtk_window_set_modal (GTK_WINDOW (preferences), FALSE);
  gtk_window_present (GTK_WINDOW (preferences));
  g_assert_nonnull (headroom_test_find_label (preferences, "zebra"));
  button = headroom_test_find (preferences, GTK_TYPE_BUTTON, "remove-zebra");
  g_assert_nonnull (button);
  g_signal_emit_by_name (button, "clicked");
  HEADROOM_TEST_WAIT_FOR (count (window) == common);
  HEADROOM_TEST_WAIT_FOR (headroom_test_find_label (preferences, "zebra") == NULL);
  left = hr_architecture_file_list ();
  g_assert_cmpuint (g_strv_length (left), ==, 0);

  gtk_window_destroy (GTK_WINDOW (preferences));
  headroom_test_window_destroy (window);
}

static void
test_a_fault_is_told (void)
{
  HeadroomWindow *window = headroom_test_window_new ();
  g_autoptr (GFile) architecture = headroom_test_write ("own.json", "{\"model-type\": \"zebra\", \"stacks\": 1}");

  gtk_window_present (GTK_WINDOW (window));
  headroom_window_open (window, architecture);
  HEADROOM_TEST_WAIT_FOR (headroom_test_is_shown (GTK_WIDGET (window), _("The architecture file has a fault")));
  g_assert_null (find_toplevel (ADW_TYPE_MESSAGE_DIALOG));

  headroom_test_window_destroy (window);
}

int
main (int   argc,
      char *argv[])
{
  g_autofree char *folder = g_dir_make_tmp ("headroom-XXXXXX", NULL);

  g_setenv ("XDG_DATA_HOME", folder, TRUE);
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  g_test_add_func ("/app/architecture/one_is_added_and_removed", test_an_architecture_is_added_and_removed);
  g_test_add_func ("/app/architecture/a_fault_is_told", test_a_fault_is_told);

  return g_test_run ();
}
