#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another language, without starting again."""

import sys
import tempfile

import configs
import tap
from journey import Application


def the_language_changes_without_a_restart():
    with tempfile.TemporaryDirectory() as folder:
        with Application(configs.write_qwen(folder), language='en') as app:
            app.wait_for_text('^Batch size$')
            app.wait_for_text('^Weights$')
            app.press('Control+comma')
            app.focus_new_window()
            app.tab_to('combo box', 'Language')
            # Opens the list; the first entry follows the system.
            app.press('space')
            app.wait_for_text('^简体中文$')
            app.press('Down', 'Return')
            # The preferences themselves, and the window behind them.
            app.wait_for_text('^语言')
            app.wait_for_text('^批大小$')
            app.wait_for_text('^权重$')
            app.wait(lambda: 'Batch size' not in app.texts(), 'English to go')


def the_system_language_is_followed_and_english_can_be_chosen():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        with Application(path, language='zh_CN') as app:
            app.wait_for_text('^批大小$')
        with Application(path, language='zh_CN', settings={'language': "'en'"}) as app:
            app.wait_for_text('^Batch size$')


if __name__ == '__main__':
    sys.exit(tap.main(
        'ui',
        the_language_changes_without_a_restart,
        the_system_language_is_followed_and_english_can_be_chosen,
    ))
