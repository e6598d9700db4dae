/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>

#include "headroom-number-bits.h"
#include "headroom-number-card.h"
#include "headroom-precision-window.h"
#include "headroom-test.h"

typedef struct
{
  HeadroomSession *session;
  GtkWidget *window;
  HeadroomNumberCard *cards[2];
} Fixture;

static void
collect_cards (GtkWidget           *widget,
               HeadroomNumberCard **cards,
               guint               *n_cards)
{
  if (HEADROOM_IS_NUMBER_CARD (widget) && *n_cards < 2)
    cards[(*n_cards)++] = HEADROOM_NUMBER_CARD (widget);

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    collect_cards (child, cards, n_cards);
}

static void
open_window (Fixture *fixture,
             int      width)
{
  guint n_cards = 0;

  fixture->session = headroom_session_new ();
  fixture->window = headroom_precision_window_new (fixture->session);
  gtk_window_set_default_size (GTK_WINDOW (fixture->window), width, 700);
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (fixture->window);

  collect_cards (fixture->window, fixture->cards, &n_cards);
  g_assert_cmpuint (n_cards, ==, 2);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  open_window (fixture, 920);
}

/* With the style of the application, which says how wide a bit is. */
static void
set_up_narrow (Fixture       *fixture,
               gconstpointer  data)
{
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, "/io/github/headroom/Headroom/style.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (), GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  open_window (fixture, 360);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  headroom_test_close (fixture->window);
  g_assert_finalize_object (fixture->session);
}

static void
type_number (Fixture    *fixture,
             const char *text)
{
  headroom_precision_window_set_text (HEADROOM_PRECISION_WINDOW (fixture->window), text);
}

static void
choose (Fixture    *fixture,
        guint       card,
        const char *id)
{
  headroom_number_card_set_format (fixture->cards[card], hr_number_format_find (id));
}

static HeadroomNumberBits *
get_bits (Fixture *fixture,
          guint    card)
{
  GtkWidget *bits = headroom_test_find (GTK_WIDGET (fixture->cards[card]), HEADROOM_TYPE_NUMBER_BITS, NULL);

  g_assert_nonnull (bits);

  return HEADROOM_NUMBER_BITS (bits);
}

static guint64
get_pattern (Fixture *fixture,
             guint    card)
{
  return headroom_number_bits_get_pattern (get_bits (fixture, card));
}

/* The button of a bit, counted from the left. */
static GtkWidget *
find_button (GtkWidget *widget,
             guint     *index)
{
  if (GTK_IS_TOGGLE_BUTTON (widget) && gtk_widget_has_css_class (widget, "bit"))
    {
      if (*index == 0)
        return widget;
      --*index;
    }

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_button (child, index);

      if (found != NULL)
        return found;
    }

  return NULL;
}

static void
press_bit (Fixture *fixture,
           guint    card,
           guint    index)
{
  GtkWidget *button = find_button (GTK_WIDGET (get_bits (fixture, card)), &index);

  g_assert_nonnull (button);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (button), !gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (button)));
}

static void
test_what_is_typed_shows_in_both_formats (Fixture       *fixture,
                                          gconstpointer  data)
{
  choose (fixture, 0, "fp32");
  choose (fixture, 1, "fp8-e4m3");
  type_number (fixture, "448");
  g_assert_cmphex (get_pattern (fixture, 0), ==, 0x43e00000);
  g_assert_cmphex (get_pattern (fixture, 1), ==, 0x7e);

  type_number (fixture, "  -0.1 ");
  g_assert_cmphex (get_pattern (fixture, 0), ==, 0xbdcccccd);
  g_assert_cmphex (get_pattern (fixture, 1), ==, 0x9d);
  g_assert_true (headroom_test_is_shown (fixture->window, "-0.100000001"));
  g_assert_true (headroom_test_is_shown (fixture->window, "-0.100000001490116119384765625"));
  g_assert_true (headroom_test_is_shown (fixture->window, "0xBDCCCCCD"));
}

static void
test_a_bit_that_is_pressed_changes_the_other_format (Fixture       *fixture,
                                                     gconstpointer  data)
{
  choose (fixture, 0, "fp16");
  choose (fixture, 1, "bf16");
  type_number (fixture, "1");
  g_assert_cmphex (get_pattern (fixture, 0), ==, 0x3c00);

  /* The lowest bit of an FP16 is too fine for a BF16; the sign is not. */
  press_bit (fixture, 0, 15);
  g_assert_cmphex (get_pattern (fixture, 0), ==, 0x3c01);
  g_assert_cmphex (get_pattern (fixture, 1), ==, 0x3f80);
  press_bit (fixture, 0, 0);
  g_assert_cmphex (get_pattern (fixture, 1), ==, 0xbf80);
  g_assert_true (headroom_test_is_shown (fixture->window, "-1.0009765625"));

  press_bit (fixture, 1, 15);
  g_assert_cmphex (get_pattern (fixture, 0), ==, 0xbc08);
}

static void
test_what_is_no_number_is_said_and_changes_nothing (Fixture       *fixture,
                                                    gconstpointer  data)
{
  g_autofree char *message =
    g_strdup_printf (_("“%s” is not a number: expected something like 0.1, -3, 1e-8, 0x1.8p3, inf or nan"), "zwei");
  guint64 pattern;

  type_number (fixture, "2");
  pattern = get_pattern (fixture, 0);
  type_number (fixture, "zwei");
  g_assert_cmphex (get_pattern (fixture, 0), ==, pattern);
  g_assert_true (headroom_test_is_shown (fixture->window, message));

  type_number (fixture, "3");
  g_assert_false (headroom_test_is_shown (fixture->window, message));
  g_assert_cmphex (get_pattern (fixture, 0), !=, pattern);
}

static void
test_a_format_without_nan_says_so (Fixture       *fixture,
                                   gconstpointer  data)
{
  choose (fixture, 0, "int8");
  choose (fixture, 1, "fp16");
  type_number (fixture, "nan");
  g_assert_true (headroom_test_is_shown (fixture->window, _("This format has no pattern for what is not a number.")));
  g_assert_true (headroom_test_is_shown (fixture->window, _("Not a number (NaN)")));
}

static void
test_limits_are_one_press_away_in_every_format (Fixture       *fixture,
                                                gconstpointer  data)
{
  for (guint i = 0; i < hr_get_n_number_formats (); i++)
    {
      const HrNumberFormat *format = hr_number_format_get (i);

      headroom_number_card_set_format (fixture->cards[0], format);
      g_assert_true (gtk_widget_activate_action (GTK_WIDGET (fixture->cards[0]), "number.go-to", "s", "largest"));
      g_assert_cmphex (get_pattern (fixture, 0), ==, hr_number_format_get_largest (format));
      g_assert_true (gtk_widget_activate_action (GTK_WIDGET (fixture->cards[0]), "number.go-to", "s", "one"));
      g_assert_cmpfloat (hr_number_format_decode (format, get_pattern (fixture, 0)), ==, 1);
      gtk_test_widget_wait_for_draw (fixture->window);
    }
}

static void
test_a_narrow_window_has_room_for_every_format (Fixture       *fixture,
                                                gconstpointer  data)
{
  for (guint i = 0; i < hr_get_n_number_formats (); i++)
    {
      int minimum;

      headroom_number_card_set_format (fixture->cards[0], hr_number_format_get (i));
      gtk_widget_measure (fixture->window, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
      g_assert_cmpint (minimum, <=, 360);
    }
}

static void
test_the_weights_of_the_model_follow_it (Fixture       *fixture,
                                         gconstpointer  data)
{
  g_autoptr (GError) error = NULL;

  choose (fixture, 0, "bf16");
  g_assert_false (headroom_test_is_shown (fixture->window, _("Weights of this model")));

  g_assert_true (headroom_session_choose_model (fixture->session, "Qwen/Qwen2.5-7B-Instruct", &error));
  g_assert_no_error (error);
  g_assert_true (headroom_test_is_shown (fixture->window, _("Weights of this model")));
  /* 7,615,616,512 parameters of two bytes. */
  g_assert_true (headroom_test_is_shown (fixture->window, "14.2\u00a0GiB"));

  headroom_precision_window_show_page (HEADROOM_PRECISION_WINDOW (fixture->window), "formats");
  gtk_test_widget_wait_for_draw (fixture->window);
  g_assert_true (headroom_test_is_shown (fixture->window, "56.7\u00a0GiB"));
}

#define ADD(path, set_up, test) g_test_add ("/app/precision-window/" path, Fixture, NULL, set_up, test, tear_down)

int
main (int   argc,
      char *argv[])
{
  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  ADD ("what is typed shows in both formats", set_up, test_what_is_typed_shows_in_both_formats);
  ADD ("a bit that is pressed changes the other format", set_up, test_a_bit_that_is_pressed_changes_the_other_format);
  ADD ("what is no number is said and changes nothing", set_up, test_what_is_no_number_is_said_and_changes_nothing);
  ADD ("a format without NaN says so", set_up, test_a_format_without_nan_says_so);
  ADD ("limits are one press away in every format", set_up, test_limits_are_one_press_away_in_every_format);
  ADD ("a narrow window has room for every format", set_up_narrow, test_a_narrow_window_has_room_for_every_format);
  ADD ("the weights of the model follow it", set_up, test_the_weights_of_the_model_follow_it);

  return g_test_run ();
}
