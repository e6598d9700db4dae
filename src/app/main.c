/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-application.h"
#include "headroom-language.h"

int
main (int   argc,
      char *argv[])
{
  g_autoptr (HeadroomApplication) application = NULL;

  headroom_language_init ();
  application = headroom_application_new ();

  return g_application_run (G_APPLICATION (application), argc, argv);
}
