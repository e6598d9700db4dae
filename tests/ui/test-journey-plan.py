#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning how GPUs share a model that answers requests, and taking a layout over, by keyboard alone."""

import json
import os
import re
import sys
import tempfile

import tap
from journey import Application

SCENARIO = {
    'schema': 'headroom-scenario/1', 'model': 'Qwen/Qwen2.5-7B-Instruct', 'mode': 'inference',
    'settings': {'engine': 'vllm', 'max-model-len': 8192, 'batch-size': 16, 'prompt-length': 1024},
    'gpu': 'h100-sxm5-80gb', 'gpus': 8,
}


def everything(app, window):
    """All texts of a window, those in tables included."""
    return set(app.bus.texts([node for node, _ in app.bus.walk(window, ())]))


def a_layout_of_an_engine_is_planned_and_applied():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'serving.headroom')
        with open(path, 'w', encoding='utf-8') as stream:
            json.dump(SCENARIO, stream)
        with Application(path) as app:
            app.wait_for_text('GiB')
            app.press('Control+Shift+p')
            window = app.wait(app.other_window, 'the window of the planner')
            app.focus_new_window()
            # 28 heads can be shared by four, and not by eight.
            words = re.split(r'%\d\$s', app.translate('%1$s of %2$s layouts fit on %3$s × %4$s.'))
            app.wait_for_match(lambda text: 'H100' in text and all(word in text for word in words), 'the verdict',
                               window)
            titles = {app.translate(title) for title in ('Tokens/s', 'Each token', 'First token', 'Room for', 'EP')}
            app.wait(lambda: titles <= everything(app, window), 'the columns of what answers requests')
            label = app.translate('_Apply')
            app.tab_to('push button', f"{label} {label.replace('_', '')}")
            app.press('space')
            app.wait_for_match(lambda text: text == app.translate('The settings are those of the layout'), 'the toast',
                               window)


if __name__ == '__main__':
    sys.exit(tap.main('ui/plan', a_layout_of_an_engine_is_planned_and_applied))
