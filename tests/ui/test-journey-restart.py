#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving the application and coming back: everything is as it was left."""

import json
import os
import re
import sys
import tempfile

import cli
import configs
import tap
from journey import Application
from line_chart import pin
from tabs import open_tab

SESSION = os.path.join('state', 'headroom', 'session.headroom')


def read_session(home):
    with open(os.path.join(home, SESSION), encoding='utf-8') as file:
        return json.load(file)


def what_was_left_is_there_again():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(prefix='headroom home ') as home:
        path = configs.write_qwen(folder)
        inference = cli.estimate(path, '--batch-size', '3')['total-bytes']
        tuning = cli.estimate(path, '--mode', 'fine-tuning', '--lora-rank', '48')['total-bytes']

        with Application(path, home=home) as app:
            app.wait_for_bytes(cli.estimate(path)['total-bytes'], 'the first total')
            app.enter(app.translate('Batch size'), '3')
            app.wait_for_bytes(inference, 'the total of three sequences')
            pin(app)
            unpin = app.find('push button', re.compile('^' + re.escape(app.translate('Unpin “%s”').partition('%s')[0])))
            unpin = unpin.name
            open_tab(app, 'Fine-tuning')
            app.enter(app.translate('LoRA rank'), '48')
            app.wait_for_bytes(tuning, 'the total of rank 48')
            app.quit()

        kept = read_session(home)
        assert kept['model'] == path and kept['mode'] == 'fine-tuning', kept
        assert len(kept['pins']) == 1, kept['pins']

        # The window is closed this time, and nothing is changed: what is kept stays.
        with Application(home=home) as app:
            app.wait_for_bytes(tuning, 'the total of rank 48 again')
            app.find('page tab', app.translate('Fine-tuning'))
            spin = app.find('spin button', app.translate('LoRA rank'))
            assert spin.value == 48
            open_tab(app, 'Inference')
            app.wait_for_bytes(inference, 'the total of three sequences again')
            app.find('push button', unpin)
            app.quit('Control+w')
        kept['mode'] = 'inference'
        assert read_session(home)['pins'] == kept['pins']

        # Who names a file gets that.
        os.rename(path, os.path.join(folder, 'elsewhere.json'))
        other = configs.write(folder, json.dumps(dict(configs.QWEN, num_hidden_layers=12)), 'other.json')
        with Application(other, home=home) as app:
            app.wait_for_bytes(cli.estimate(other)['total-bytes'], 'the total of the file')


def a_model_that_is_gone_is_named_and_the_settings_stay():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(prefix='headroom home ') as home:
        path = configs.write_qwen(folder)
        with Application(path, home=home) as app:
            app.wait_for_bytes(cli.estimate(path)['total-bytes'], 'the first total')
            app.enter(app.translate('Batch size'), '3')
            app.wait_for_bytes(cli.estimate(path, '--batch-size', '3')['total-bytes'], 'the total of three sequences')
            app.quit()
        os.remove(path)

        with Application(home=home) as app:
            app.wait_for_text(re.escape(app.translate('Not everything of the last session could be restored')))
            app.wait_for_text(re.escape(path))
            configs.write_qwen(folder)
            app.open_file(path)
            app.wait_for_bytes(cli.estimate(path, '--batch-size', '3')['total-bytes'], 'the total of three sequences')


def a_damaged_file_is_named_and_kept_aside():
    with tempfile.TemporaryDirectory(prefix='headroom home ') as home:
        file = os.path.join(home, SESSION)
        os.makedirs(os.path.dirname(file))
        with open(file, 'w', encoding='utf-8') as stream:
            stream.write('{"schema": "headroom-scenario/2"}')
        with Application(home=home) as app:
            app.wait_for_text(re.escape(app.translate('“%s” could not be opened') % 'session.headroom'))
            app.wait_for_text(re.escape(app.translate('The last session could not be restored')))
            app.wait_for_text('headroom-scenario/1')
            app.wait_for_text('session-damaged.headroom')
        assert not os.path.exists(file)
        assert os.path.exists(os.path.join(os.path.dirname(file), 'session-damaged.headroom'))


def who_wants_to_begins_with_nothing():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(prefix='headroom home ') as home:
        path = configs.write_qwen(folder)
        with Application(path, home=home) as app:
            app.wait_for_bytes(cli.estimate(path)['total-bytes'], 'the total')
            app.quit()
        before = read_session(home)
        with Application(home=home, settings={'restore-session': 'false'}) as app:
            app.find('entry', app.translate('Search models'))
            app.find('list item')
            assert app.look('spin button') is None
            app.quit()
        assert read_session(home) == before


if __name__ == '__main__':
    sys.exit(tap.main(
        'ui/restart',
        what_was_left_is_there_again,
        a_model_that_is_gone_is_named_and_the_settings_stay,
        a_damaged_file_is_named_and_kept_aside,
        who_wants_to_begins_with_nothing,
    ))
