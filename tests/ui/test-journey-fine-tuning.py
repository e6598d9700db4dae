#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuning a model, and following its memory over time, by keyboard alone."""

import re
import sys
import tempfile

import cli
import configs
import tap
from journey import Application
from tabs import choose, open_tab

MODE = ('--mode', 'fine-tuning')


def a_model_is_fine_tuned_with_lora_of_another_rank():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        inference = cli.estimate(path)['total-bytes']
        full, lora, wide = (cli.estimate(path, *MODE, *settings)['total-bytes'] for settings in (
            ('--fine-tuning-method', 'full'), ('--fine-tuning-method', 'lora'),
            ('--fine-tuning-method', 'lora', '--lora-rank', '256')))
        assert len({inference, full, lora, wide}) == 4
        with Application(path) as app:
            app.wait_for_bytes(inference, 'the total of inference')
            open_tab(app, 'Fine-tuning')
            app.wait_for_bytes(lora, 'the total of LoRA')
            choose(app, 'Method', 'Full fine-tuning')
            app.wait_for_bytes(full, 'the total of full fine-tuning')
            assert app.look('spin button', app.translate('LoRA rank')) is None, 'a rank without LoRA'
            app.press('Control+z')
            app.wait_for_bytes(lora, 'the total of LoRA again')
            app.enter(app.translate('LoRA rank'), '256')
            app.wait_for_bytes(wide, 'the total of a larger rank')
            open_tab(app, 'Inference')
            app.wait_for_bytes(inference, 'the total of inference again')


def the_keyboard_moves_along_the_time():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        with Application(path) as app:
            title = app.translate('Memory over time')
            chart = app.find('image', re.compile('^' + re.escape(title)))
            for _ in range(3):
                if app.tab_to('image').name == chart.name:
                    break
            app.press('Home')
            load = app.translate('Load')
            app.wait(lambda: chart.description.startswith(load), 'the first moment')
            app.press('Control+Right')
            prefill = app.translate('Prefill')
            app.wait(lambda: chart.description.startswith(prefill), 'the next phase')
            moment = chart.description.partition(':')[0].partition('：')[0]
            app.wait_for_match(lambda text: text.endswith(moment), f'the moment {moment} above the chart')
            app.press('Escape')
            app.wait(lambda: not chart.description.startswith(moment), 'the peak again')


if __name__ == '__main__':
    sys.exit(tap.main(
        'ui',
        a_model_is_fine_tuned_with_lora_of_another_rank,
        the_keyboard_moves_along_the_time,
    ))
