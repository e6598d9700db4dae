#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sweeping a setting and pinning a configuration, by keyboard alone."""

import re
import sys
import tempfile

import cli
import configs
import tap
from journey import Application
from line_chart import find_chart, go_to_sweep, pin, tab_to_chart


def the_keyboard_moves_along_a_sweep():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        with Application(path) as app:
            chart = find_chart(app)
            tab_to_chart(app, chart)
            app.press('Home')
            app.wait(lambda: '512' in re.split('[.。]', chart.description)[0], 'the first value')
            wanted = cli.estimate(path, '--prompt-length', '512')['total-bytes']
            app.wait(lambda: cli.shows_bytes(chart.description, wanted), 'the total of the first value')
            app.wait_for_match(lambda text: '512' in text and cli.shows_bytes(text, wanted),
                               'the value above the chart')


def f6_goes_through_the_parts_of_the_window():
    with tempfile.TemporaryDirectory() as folder:
        with Application(configs.write_qwen(folder)) as app:
            names = []
            first = app.focused().name
            for _ in range(24):
                before = app.focused()
                app.press('F6')
                app.wait(lambda: app.moved_from(before), 'the focus to move')
                names.append(app.focused().name)
                if len(names) > 1 and names[-1] == names[0]:
                    break
            title = app.translate('What the lines show')
            assert any(name.startswith(title) for name in names), (first, names)
            assert names[-1] == names[0] and len(names) > 8, names
            go_to_sweep(app)


def a_configuration_is_pinned_and_unpinned():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        with Application(path) as app:
            pin(app)
            beginning = re.compile('^' + re.escape(app.translate('Unpin “%s”').partition('%s')[0]))
            name = app.find('push button', beginning).name
            app.tab_to('push button', name, key='Shift+Tab')
            app.press('space')
            app.wait(lambda: app.look('push button', beginning) is None, 'no pinned configuration')


if __name__ == '__main__':
    sys.exit(tap.main(
        'ui/sweep',
        the_keyboard_moves_along_a_sweep,
        f6_goes_through_the_parts_of_the_window,
        a_configuration_is_pinned_and_unpinned,
    ))
