#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The anatomy of a model: opened by the keyboard, its tensors searched, its total read, in both languages."""

import re
import sys
import tempfile

import configs
import tap
from journey import Application


def read_the_anatomy(language):
    with tempfile.TemporaryDirectory() as folder:
        with Application(configs.write_qwen(folder), language=language) as app:
            app.wait_for_text('494[ \u00a0]M')
            app.press('Control+i')
            app.focus_new_window()
            window = app.find('frame', app.translate('Anatomy of the Model'))
            # The whole number of parameters stands among the figures, each with its name.
            app.wait(lambda: '494,032,768' in app.texts(window), 'the number of parameters')
            app.find('image', re.compile('494'), inside=window)
            app.press('Control+f')
            app.find('entry', app.translate('Search tensors'), inside=window)
            app.type('k_proj.weight')
            app.wait_for_text('24 .*2,752,512', inside=window)
            app.press('Alt+4')
            app.wait_for_text('L × e × 2 × K × d = 24 × ', inside=window)


def tensors_are_searched_and_the_total_is_read():
    read_the_anatomy('C')


def the_same_works_in_chinese():
    read_the_anatomy('zh_CN')


if __name__ == '__main__':
    sys.exit(tap.main('ui', tensors_are_searched_and_the_total_is_read, the_same_works_in_chinese))
