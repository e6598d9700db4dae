#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure that was read off is typed, kept as this machine's calibration, there at the next start, and dropped."""

import re
import sys
import tempfile

import cli
import configs
import tap
from journey import Application

MIB = 1 << 20
ABOVE = 300 * MIB


def press_button(app, name):
    app.tab_to('push button', app.translate(name))
    app.press('space')


def sentence(app):
    """The line that tells of the calibration, with a place for the size alone."""
    message = app.translate('%1$s on this machine: %2$s against the estimate, as %3$s showed on %4$s')
    return re.compile('.+'.join(re.escape(part) for part in re.split(r'%[1-4]\$s', message)))


def tells(app, wanted):
    pattern = sentence(app)
    app.wait_for_match(lambda text: pattern.search(text) and cli.shows_bytes(text, wanted), f'{wanted} on this machine')


def a_measurement_is_kept_and_dropped():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(prefix='headroom home ') as home:
        path = configs.write_qwen(folder)
        total = cli.estimate(path)['total-bytes']
        measured = round((total + ABOVE) / MIB)

        with Application(path, home=home) as app:
            app.wait_for_bytes(total, 'the total')
            app.tab_to('text', app.translate('What you have measured'))
            app.type(f'{measured} MiB')
            press_button(app, 'Keep as Calibration')
            tells(app, measured * MIB)
            app.quit()

        with Application(path, home=home) as app:
            app.wait_for_bytes(total, 'the total again')
            tells(app, measured * MIB)
            press_button(app, 'Drop Calibration')
            pattern = sentence(app)
            app.wait(lambda: not any(pattern.search(text) for text in app.texts()), 'the calibration to be gone')
            app.quit()


if __name__ == '__main__':
    sys.exit(tap.main('ui/calibration', a_measurement_is_kept_and_dropped))
