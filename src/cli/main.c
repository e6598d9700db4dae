/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "headroom-cli.h"

int
main (int    argc,
      char **argv)
{
  return headroom_cli_run (argv + MIN (argc, 1));
}
