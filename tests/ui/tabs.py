# SPDX-License-Identifier: GPL-3.0-or-later
"""What journeys through the tabs of the modes have in common."""

from journey import describe


def open_tab(app, name):
    app.tab_to('page tab', app.translate(name), key='Shift+Tab')
    app.press('space')


def choose(app, row, choice, first=None):
    """Opens the list of a row, goes to a choice and takes it. Of a long list the first choices are there at first."""
    wanted = app.translate(choice)
    shown = app.translate(first or choice)
    app.tab_to('combo box', app.translate(row))
    app.press('space')
    app.wait_for_match(lambda text: text == shown, f'the choice {shown}')
    app.press('Home')
    for _ in range(30):
        before = app.focused()
        if wanted in app.focused_names():
            app.press('Return')
            return
        app.press('Down')
        app.wait(lambda: app.moved_from(before), f'the choice after {describe(before)}')
    raise AssertionError(f'there is no choice {wanted}\n{app.outline()}')
