#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The help: opened by the keyboard on the setting that has the focus, searched, and read, in both languages."""

import sys
import tempfile

import configs
import tap
from journey import Application


def look_up(language):
    with tempfile.TemporaryDirectory() as folder:
        with Application(configs.write_qwen(folder), language=language) as app:
            app.wait_for_text('494[ \u00a0]M')
            app.tab_to('spin button', app.translate('Prompt length'))
            app.press('F1')
            app.focus_new_window()
            window = app.find('frame', app.translate('Help'))
            app.wait_for_text('prompt-length', inside=window)
            app.tab_to('entry', app.translate('Search the help'))
            app.type('nf4')
            app.wait_for_text('^QLoRA$', inside=window)


def a_row_has_a_menu_that_leads_to_the_help():
    with tempfile.TemporaryDirectory() as folder:
        with Application(configs.write_qwen(folder)) as app:
            app.wait_for_text('494[ \u00a0]M')
            app.tab_to(None, app.translate('Data type'))
            app.press('Shift+F10')
            app.find(None, app.translate('_Help on “%s”').replace('_', '') % app.translate('Data type'))
            app.press('Return')
            app.focus_new_window()
            window = app.find('frame', app.translate('Help'))
            app.wait_for_text('bfloat16', inside=window)


def a_setting_is_looked_up_and_a_word_is_found():
    look_up('C')


def the_same_works_in_chinese():
    look_up('zh_CN')


if __name__ == '__main__':
    sys.exit(tap.main(
        'ui',
        a_row_has_a_menu_that_leads_to_the_help,
        a_setting_is_looked_up_and_a_word_is_found,
        the_same_works_in_chinese,
    ))
