#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing a pinned configuration with what is set now, by keyboard alone."""

import sys
import tempfile

import cli
import configs
import tap
from journey import Application
from line_chart import pin


def a_pin_is_compared_with_what_is_set_now():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        with Application(path) as app:
            pin(app)
            app.enter(app.translate('Batch size'), '16')
            totals = [cli.estimate(path, '--batch-size', size)['total-bytes'] for size in ('1', '16')]
            app.wait_for_match(lambda text: cli.shows_bytes(text, totals[1]), 'the new total')
            app.press('Control+d')
            window = app.wait(app.other_window, 'the window of the comparison')
            for total in totals:
                app.wait_for_match(lambda text: cli.shows_bytes(text, total), 'both totals side by side', window)


if __name__ == '__main__':
    sys.exit(tap.main('ui/compare', a_pin_is_compared_with_what_is_set_now))
