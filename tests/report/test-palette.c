/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <glib.h>
#include <math.h>

#include "hr-palette.h"

#define N_SCHEMES 4

/* What components stand on: windows, views and cards of libadwaita 1.2, and paper. */
static const struct
{
  HrPaletteScheme scheme;
  guint32 background;
  double contrast;
} grounds[] = {
  { HR_PALETTE_SCHEME_LIGHT, 0xffffff, 3 },
  { HR_PALETTE_SCHEME_LIGHT, 0xfafafa, 3 },
  { HR_PALETTE_SCHEME_DARK, 0x1e1e1e, 3 },
  { HR_PALETTE_SCHEME_DARK, 0x242424, 3 },
  { HR_PALETTE_SCHEME_DARK, 0x363636, 3 },
  { HR_PALETTE_SCHEME_HIGH_CONTRAST, 0xffffff, 4.5 },
  { HR_PALETTE_SCHEME_HIGH_CONTRAST_DARK, 0x1e1e1e, 4.5 },
};

/* Machado, Oliveira and Fernandes (2009), severity 1: full vision, protanopia, deuteranopia. On linear RGB. */
static const double visions[][3][3] = {
  { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
  { { 0.152286, 1.052583, -0.204868 }, { 0.114503, 0.786281, 0.099216 }, { -0.003882, -0.048116, 1.051998 } },
  { { 0.367322, 0.860646, -0.227968 }, { 0.280085, 0.672501, 0.047413 }, { -0.011820, 0.042940, 0.968881 } },
};

/* What comes next to each other in the pies of the modes; components that a job does not have are skipped. */
static const HrComponentId orders[][9] = {
  { HR_COMPONENT_WEIGHTS, HR_COMPONENT_KV_CACHE, HR_COMPONENT_ACTIVATIONS, HR_COMPONENT_LOGITS, HR_COMPONENT_TEMPORARY,
    HR_COMPONENT_INPUTS, HR_COMPONENT_FRAMEWORK, HR_COMPONENT_FRAGMENTATION, HR_COMPONENT_RESERVE },
  { HR_COMPONENT_WEIGHTS, HR_COMPONENT_ADAPTERS, HR_COMPONENT_ACTIVATIONS, HR_COMPONENT_GRADIENTS,
    HR_COMPONENT_OPTIMIZER, HR_COMPONENT_MASTER_WEIGHTS, HR_COMPONENT_REFERENCE_MODEL,
    HR_COMPONENT_TEMPORARY, HR_COMPONENT_COMMUNICATION },
  { HR_COMPONENT_WEIGHTS, HR_COMPONENT_ADAPTERS, HR_COMPONENT_OPTIMIZER, HR_COMPONENT_ROLLOUT_ENGINE,
    HR_COMPONENT_INPUTS, HR_COMPONENT_FRAMEWORK, HR_COMPONENT_WEIGHTS, HR_COMPONENT_ROLLOUT_ENGINE,
    HR_COMPONENT_TEMPORARY },
};

static void
get_linear (guint32 color,
            double  linear[3])
{
  for (guint i = 0; i < 3; i++)
    {
      double value = (color >> (16 - 8 * i) & 0xff) / 255.0;

      linear[i] = value <= 0.04045 ? value / 12.92 : pow ((value + 0.055) / 1.055, 2.4);
    }
}

static double
get_contrast (guint32 a,
              guint32 b)
{
  double luminance[2], linear[3];
  guint32 colors[] = { a, b };

  for (guint i = 0; i < 2; i++)
    {
      get_linear (colors[i], linear);
      luminance[i] = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05;
    }

  return MAX (luminance[0], luminance[1]) / MIN (luminance[0], luminance[1]);
}

/* A colour as someone sees it, in Oklab, where equal distances look about equally different. */
static void
get_seen (guint32      color,
          const double vision[3][3],
          double       lab[3])
{
  double linear[3], seen[3], l, m, s;

  get_linear (color, linear);
  for (guint i = 0; i < 3; i++)
    seen[i] = CLAMP (vision[i][0] * linear[0] + vision[i][1] * linear[1] + vision[i][2] * linear[2], 0, 1);

  l = cbrt (0.4122214708 * seen[0] + 0.5363325363 * seen[1] + 0.0514459929 * seen[2]);
  m = cbrt (0.2119034982 * seen[0] + 0.6806995451 * seen[1] + 0.1073969566 * seen[2]);
  s = cbrt (0.0883024619 * seen[0] + 0.2817188376 * seen[1] + 0.6299787005 * seen[2]);
  lab[0] = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
  lab[1] = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
  lab[2] = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
}

static double
get_difference (guint32      a,
                guint32      b,
                const double vision[3][3])
{
  double first[3], second[3];

  get_seen (a, vision, first);
  get_seen (b, vision, second);

  return sqrt (pow (first[0] - second[0], 2) + pow (first[1] - second[1], 2) + pow (first[2] - second[2], 2));
}

static void
test_components_stand_out (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (grounds); i++)
    for (guint id = 0; id < HR_N_COMPONENTS; id++)
      {
        guint32 color = hr_palette_get_color (id, grounds[i].scheme);
        double contrast = get_contrast (color, grounds[i].background);

        g_test_message ("#%06x on #%06x: %.2f", color, grounds[i].background, contrast);
        g_assert_cmpfloat (contrast, >=, grounds[i].contrast);
      }
}

static void
test_no_two_components_look_alike (void)
{
  for (guint scheme = 0; scheme < N_SCHEMES; scheme++)
    for (guint a = 0; a < HR_N_COMPONENTS; a++)
      for (guint b = 0; b < a; b++)
        {
          guint32 first = hr_palette_get_color (a, scheme), second = hr_palette_get_color (b, scheme);

          g_assert_cmpfloat (get_difference (first, second, visions[0]), >=, 0.035);
        }
}

static void
test_neighbours_differ_for_every_eye (void)
{
  const HrPaletteScheme schemes[] = { HR_PALETTE_SCHEME_LIGHT, HR_PALETTE_SCHEME_DARK };

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    for (guint order = 0; order < G_N_ELEMENTS (orders); order++)
      for (guint j = 1; j < G_N_ELEMENTS (orders[order]); j++)
        for (guint vision = 0; vision < G_N_ELEMENTS (visions); vision++)
          {
            HrComponentId a = orders[order][j - 1], b = orders[order][j];
            double difference = get_difference (hr_palette_get_color (a, schemes[i]),
                                                hr_palette_get_color (b, schemes[i]), visions[vision]);

            g_test_message ("%s and %s, vision %u: %.3f", hr_component_id_get_name (a), hr_component_id_get_name (b),
                            vision, difference);
            g_assert_cmpfloat (difference, >=, 0.05);
          }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/report/palette/components_stand_out_from_every_background", test_components_stand_out);
  g_test_add_func ("/report/palette/no_two_components_look_alike", test_no_two_components_look_alike);
  g_test_add_func ("/report/palette/neighbours_differ_for_every_eye", test_neighbours_differ_for_every_eye);

  return g_test_run ();
}
