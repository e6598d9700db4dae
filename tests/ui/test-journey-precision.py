#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The precision explorer: opened by the keyboard, a number typed, its bits read and pressed, in both languages."""

import sys
import tempfile

import configs
import tap
from journey import Application


def play_with_a_number(language):
    with tempfile.TemporaryDirectory() as folder:
        with Application(configs.write_qwen(folder), language=language) as app:
            app.wait_for_text('494[ \u00a0]M')
            app.press('Control+p')
            app.focus_new_window()
            window = app.find('frame', app.translate('Precision Explorer'))
            app.wait_for_text('0x3DCD', inside=window)
            # The number has the focus from the start: 65520 is halfway to what an FP16 has no room for.
            app.press('Control+a')
            app.type('65520')
            app.wait_for_text('^inf$', inside=window)
            app.wait_for_text('0x4780', inside=window)
            app.press('Alt+2')
            app.wait_for_text('448', inside=window)


def bits_follow_what_is_typed():
    play_with_a_number('C')


def the_same_works_in_chinese():
    play_with_a_number('zh_CN')


if __name__ == '__main__':
    sys.exit(tap.main('ui', bits_follow_what_is_typed, the_same_works_in_chinese))
