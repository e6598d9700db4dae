#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a file: from the command line, and from the window."""

import sys
import tempfile

import cli
import configs
import tap
from journey import Application


def a_config_on_the_command_line_is_shown_with_its_total():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        total = cli.estimate(path)['total-bytes']
        with Application(path) as app:
            app.wait_for_bytes(total, 'the total')
            # Its number of parameters stands among the facts.
            app.wait_for_text('494[ \u00a0]M')


def a_folder_with_a_config_is_opened():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        total = cli.estimate(path)['total-bytes']
        with Application(path.rpartition('/')[0]) as app:
            app.wait_for_bytes(total, 'the total')


def a_bad_file_is_explained_and_the_estimate_stays():
    with tempfile.TemporaryDirectory() as folder:
        good, bad = configs.write_qwen(folder), configs.write_broken(folder)
        total = cli.estimate(good)['total-bytes']
        with Application(good) as app:
            app.wait_for_bytes(total, 'the total')
            app.open_file(bad)
            # The file, the key and what was expected.
            app.wait_for_text('broken.json')
            app.wait_for_text('num_hidden_layers')
            app.wait_for_bytes(total, 'the estimate to stay')
            # The next file that can be opened takes the message away.
            app.open_file(good)
            app.wait(lambda: 'num_hidden_layers' not in ' '.join(app.texts()), 'the message to go')


if __name__ == '__main__':
    sys.exit(tap.main(
        'ui',
        a_config_on_the_command_line_is_shown_with_its_total,
        a_folder_with_a_config_is_opened,
        a_bad_file_is_explained_and_the_estimate_stays,
    ))
