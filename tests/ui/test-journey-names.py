#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the focus can come to has a name that a screen reader says, in every window."""

import sys
import tempfile

import configs
import tap
from journey import Application
from names import Names
from tabs import open_tab

MODES = ('Fine-tuning', 'Training', 'GRPO')

# The tabs of a window of preferences with one page, which are hidden, and its search: libadwaita 1.2 names neither.
LIBADWAITA = (('tab', 'GtkLabel'), ('search box', 'GtkSearchEntry'))

# Windows, the key that opens each, and the one that closes it.
WINDOWS = (
    ('anatomy', 'Control+i', 'Control+w'),
    ('precision explorer', 'Control+p', 'Control+w'),
    ('comparison', 'Control+d', 'Control+w'),
    ('examples', 'Control+Shift+e', 'Control+w'),
    ('launch settings', 'Control+Shift+l', 'Control+w'),
    ('planner', 'Control+Shift+p', 'Control+w'),
    ('help', 'F1', 'Control+w'),
    ('preferences', 'Control+comma', 'Escape'),
)


def assert_none(nameless):
    assert not nameless, f'{len(nameless)} without a name:\n' + '\n'.join(nameless)


def everything_in_the_window_has_a_name():
    with tempfile.TemporaryDirectory() as folder:
        with Application(configs.write_qwen(folder)) as app:
            app.wait_for_text('GiB')
            names = Names(app.bus)
            nameless = list(names.nameless(app.bus.windows()[0]))
            for mode in MODES:
                open_tab(app, mode)
            app.wait_for_text('GiB')
            assert_none(nameless + list(names.nameless(app.bus.windows()[0])))


def everything_in_other_windows_has_a_name():
    with tempfile.TemporaryDirectory() as folder:
        with Application(configs.write_qwen(folder)) as app:
            app.wait_for_text('GiB')
            names = Names(app.bus)
            open_tab(app, 'Training')
            app.wait_for_text('GiB')
            first = app.bus.windows()
            nameless = []
            for title, opening, closing in WINDOWS:
                app.press(opening)
                app.wait(lambda: len(app.bus.windows()) == 2, f'the window of the {title}')
                app.focus_new_window()
                window = next(window for window in app.bus.windows() if window not in first)
                nameless += names.nameless(window, LIBADWAITA if title == 'preferences' else ())
                app.press(closing)
                app.wait(lambda: app.bus.windows() == first, f'the window of the {title} to close')
                app.screen.focus_top_window()
            assert_none(nameless)


if __name__ == '__main__':
    sys.exit(tap.main(
        'ui/names',
        everything_in_the_window_has_a_name,
        everything_in_other_windows_has_a_name,
    ))
