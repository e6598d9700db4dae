# SPDX-License-Identifier: GPL-3.0-or-later
"""The line chart of the window, for journeys that come by it."""

import re


def find_chart(app):
    """The line chart is described by its axis; the settings have the same title, but are no pictures."""
    name = app.translate('Line chart: %1$s, by %2$s').replace('%2$s', app.translate('Prompt length'))
    return app.find('image', re.compile('^' + re.escape(name.partition('%1$s')[0])))


def go_to_sweep(app):
    """Shift+F6 goes from the settings to the last parts of the result, of which the sweep is one."""
    name = app.translate('What the lines show')
    for _ in range(5):
        before = app.focused()
        app.press('Shift+F6')
        app.wait(lambda: app.moved_from(before), 'the focus to move')
        if app.focused().name.startswith(name):
            return
    raise AssertionError('Shift+F6 did not reach the sweep')


def tab_to_chart(app, chart):
    go_to_sweep(app)
    for _ in range(8):
        if app.tab_to('image').name == chart.name:
            return
    raise AssertionError('Tab did not reach the line chart')


def pin(app):
    """Pins the configuration that is shown, by the keyboard."""
    tab_to_chart(app, find_chart(app))
    app.tab_to('push button', app.translate('Pin'))
    app.press('space')
