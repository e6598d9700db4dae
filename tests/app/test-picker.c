/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-picker.h"
#include "headroom-test.h"

static const char * const names[] = { "apple", "apricot", "banana", "cherry", NULL };

static GListModel *
search (const char *text,
        gpointer    user_data)
{
  GListStore *items = g_list_store_new (HEADROOM_TYPE_PICKER_ITEM);

  for (guint i = 0; names[i] != NULL; i++)
    {
      if (g_str_has_prefix (names[i], text))
        {
          g_autoptr (HeadroomPickerItem) item = headroom_picker_item_new (NULL, names[i], "fruit", "1", NULL);

          g_list_store_append (items, item);
        }
    }

  return G_LIST_MODEL (items);
}

static void
picked_cb (HeadroomPicker      *picker,
           HeadroomPickerItem  *item,
           const char         **picked)
{
  *picked = headroom_picker_item_get_title (item);
}

typedef struct
{
  GtkWidget *window;
  GtkEditable *entry;
  HeadroomPicker *picker;
  const char *picked;
} Fixture;

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  fixture->entry = GTK_EDITABLE (gtk_search_entry_new ());
  fixture->picker = HEADROOM_PICKER (headroom_picker_new ());
  headroom_picker_set_search (fixture->picker, search, NULL);
  headroom_picker_set_entry (fixture->picker, fixture->entry);
  headroom_picker_refresh (fixture->picker);
  g_signal_connect (fixture->picker, "picked", G_CALLBACK (picked_cb), &fixture->picked);

  gtk_box_append (GTK_BOX (box), GTK_WIDGET (fixture->entry));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (fixture->picker));
  fixture->window = gtk_window_new ();
  gtk_window_set_child (GTK_WINDOW (fixture->window), box);
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (fixture->window);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  gpointer alive = fixture->picker;

  g_object_add_weak_pointer (G_OBJECT (fixture->picker), &alive);
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  HEADROOM_TEST_WAIT_FOR (alive == NULL);
}

/* What the entry's key controller does, without the help of a keyboard. */
static void
press (Fixture *fixture,
       guint    keyval)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (GTK_WIDGET (fixture->entry));

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);
      gboolean handled = FALSE;

      if (GTK_IS_EVENT_CONTROLLER_KEY (controller))
        g_signal_emit_by_name (controller, "key-pressed", keyval, 0, 0, &handled);

      if (handled)
        return;
    }
}

static void
test_typing_narrows_the_list (Fixture       *fixture,
                              gconstpointer  data)
{
  g_assert_cmpuint (g_list_model_get_n_items (headroom_picker_get_results (fixture->picker)), ==, 4);
  gtk_editable_set_text (fixture->entry, "ap");
  g_assert_cmpuint (g_list_model_get_n_items (headroom_picker_get_results (fixture->picker)), ==, 2);
}

static void
test_enter_picks_the_best (Fixture       *fixture,
                           gconstpointer  data)
{
  gtk_editable_set_text (fixture->entry, "ap");
  g_signal_emit_by_name (fixture->entry, "activate");
  g_assert_cmpstr (fixture->picked, ==, "apple");
}

static void
test_arrows_move_and_stop_at_the_ends (Fixture       *fixture,
                                       gconstpointer  data)
{
  press (fixture, GDK_KEY_Down);
  press (fixture, GDK_KEY_Down);
  g_signal_emit_by_name (fixture->entry, "activate");
  g_assert_cmpstr (fixture->picked, ==, "banana");

  press (fixture, GDK_KEY_Page_Down);
  press (fixture, GDK_KEY_Down);
  g_signal_emit_by_name (fixture->entry, "activate");
  g_assert_cmpstr (fixture->picked, ==, "cherry");

  press (fixture, GDK_KEY_Page_Up);
  press (fixture, GDK_KEY_Up);
  g_signal_emit_by_name (fixture->entry, "activate");
  g_assert_cmpstr (fixture->picked, ==, "apple");
}

static void
test_nothing_found_is_said (Fixture       *fixture,
                            gconstpointer  data)
{
  gtk_editable_set_text (fixture->entry, "zucchini");
  gtk_test_widget_wait_for_draw (fixture->window);
  g_assert_true (gtk_widget_get_mapped (headroom_test_find (fixture->window, ADW_TYPE_STATUS_PAGE, NULL)));

  fixture->picked = NULL;
  g_signal_emit_by_name (fixture->entry, "activate");
  g_assert_null (fixture->picked);
}

#define ADD(name, function) g_test_add ("/app/picker/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  ADD ("typing_narrows_the_list", test_typing_narrows_the_list);
  ADD ("enter_picks_the_best", test_enter_picks_the_best);
  ADD ("arrows_move_and_stop_at_the_ends", test_arrows_move_and_stop_at_the_ends);
  ADD ("nothing_found_is_said", test_nothing_found_is_said);

  return g_test_run ();
}
