# SPDX-License-Identifier: GPL-3.0-or-later
"""What headroom-cli says of the same job: the figure that the window has to show."""

import json
import os
import re
import subprocess

BUILD = os.environ['HEADROOM_BUILD_ROOT']


def estimate(model, *options):
    """Returns the estimate as the command line gives it, for one RTX 4090."""
    result = subprocess.run([os.path.join(BUILD, 'src/cli/headroom-cli'), 'estimate', model, '--gpu', 'rtx-4090',
                             '--format', 'json', *options], capture_output=True, text=True, check=False)
    assert result.returncode in (0, 1), result.stderr
    return json.loads(result.stdout)


def shows_bytes(text, wanted):
    """Returns whether a text holds the size, as rounded as the text has it."""
    for number, unit in re.findall(r'([0-9]+(?:\.[0-9]+)?)[ \u00a0\u202f]?([KMGT]iB)', text):
        scale = 1024 ** ('KMGT'.index(unit[0]) + 1)
        decimals = len(number.partition('.')[2])
        if abs(float(number) - wanted / scale) <= 0.5001 * 10 ** -decimals:
            return True
    return False
