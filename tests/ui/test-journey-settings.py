#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing a model and turning a knob, by keyboard alone."""

import sys
import tempfile

import cli
import configs
import tap
from journey import Application

MODEL = 'Qwen/Qwen2.5-7B-Instruct'


def a_model_of_the_catalogue_is_found_by_typing_part_of_its_name():
    total = cli.estimate(MODEL)['total-bytes']
    with Application() as app:
        app.find('entry', app.translate('Search models'))
        app.press('Control+f')
        app.type('qwen2.5 7b inst')
        app.find(name=MODEL)
        app.press('Return')
        app.wait_for_bytes(total, 'the total')


def the_batch_size_changes_the_total_and_the_verdict():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        small = cli.estimate(path)
        large = cli.estimate(path, '--batch-size', '512')
        assert small['gpu']['fits'] and not large['gpu']['fits']
        with Application(path) as app:
            app.wait_for_bytes(small['total-bytes'], 'the total of one sequence')
            fits = app.verdict()
            app.enter(app.translate('Batch size'), '512')
            app.wait_for_bytes(large['total-bytes'], 'the total of 512 sequences')
            app.wait(lambda: app.verdict() != fits, 'another verdict')
            # Out of the entry, which has an undo of its own for what is typed.
            app.press('Tab', 'Control+z')
            app.wait_for_bytes(small['total-bytes'], 'the first total again')
            app.wait(lambda: app.verdict() == fits, 'the first verdict again')


def bare(formula):
    """A formula without what makes it legible: signs of multiplication, groups of digits, letters below the line."""
    return formula.replace(' × ', '·').replace(',', '').replace('_', '')


def arrow_keys_pick_a_slice_and_the_explanation_follows():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        components = [part for part in cli.estimate(path)['components'] if part['bytes'] > 0]
        with Application(path) as app:
            pie = app.tab_to('image')
            seen = []
            for _ in components:
                before = pie.description
                app.press('Right')
                app.wait(lambda: pie.description != before, 'another slice')
                # "Selected: Weights, 942.3 MiB. …": the part, and then every part.
                beginning, rest = app.translate('Selected: %1$s, %2$s. %3$s').split('%1$s')
                name = pie.description[len(beginning):].partition(rest.partition('%2$s')[0])[0]
                part = next(part for part in components if app.translate(part['label']) == name)
                for key, what in (('formula', f'the formula of {name}'), ('substitution', 'its numbers')):
                    app.wait_for_match(lambda text: bare(text) == bare(part[key]), f'{what}: {part[key]}')
                seen.append(name)
            assert sorted(seen) == sorted(app.translate(part['label']) for part in components), seen


if __name__ == '__main__':
    sys.exit(tap.main(
        'ui',
        a_model_of_the_catalogue_is_found_by_typing_part_of_its_name,
        the_batch_size_changes_the_total_and_the_verdict,
        arrow_keys_pick_a_slice_and_the_explanation_follows,
    ))
