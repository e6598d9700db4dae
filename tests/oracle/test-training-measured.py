#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of fine-tuning that were measured on a GPU: whole, consistent, and such that they can be measured again."""

import json
import os
import sys

import grid
import tap

PHASES = ['forward', 'loss', 'backward-loss', 'backward', 'optimizer']
FUSED_PHASES = ['forward', 'backward-loss', 'optimizer']
LEVELS = ['step-start', 'loss-computed', 'end-forward', 'end-backward', 'end-optimizer', 'end']
BYTES = {'float32': 4, 'float16': 2, 'bfloat16': 2}


def load():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'training-measured.json')
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def rows():
    return [row for row in load()['cases'] if 'skipped' not in row]


def problems(check):
    return [f'{row["id"]}: {problem}' for row in rows() for problem in check(row)]


def every_case_can_be_measured_again():
    plan = grid.expand(load())
    assert [case.id for case in plan.cases] == [row['id'] for row in load()['cases']]
    assert len(rows()) >= 110, f'{len(rows())} cases'


def every_phase_and_level_is_there():
    def check(row):
        expected = row['expected']
        # A loss that is computed with the head never calls it, and has no phase of its own.
        is_fused = row['settings'].get('loss-implementation') == 'liger-fused-linear-cross-entropy'
        if sorted(expected['phases']) != sorted(FUSED_PHASES if is_fused else PHASES):
            yield f'phases {list(expected["phases"])}'
        if sorted(expected['levels']) != sorted(LEVELS):
            yield f'levels {list(expected["levels"])}'

    tap.expect_none(problems(check), 'phases and levels')


def the_total_is_the_highest_phase():
    def check(row):
        expected = row['expected']
        if expected['total'] != max(expected['phases'].values()):
            yield 'the total is not the highest phase'
        if expected['phases'][expected['phase']] != expected['total']:
            yield f'{expected["phase"]} is not the highest phase'

    tap.expect_none(problems(check), 'totals')


def a_step_ends_as_it_began():
    def check(row):
        levels = row['expected']['levels']
        if levels['end'] != levels['step-start']:
            yield f'{levels["end"]} bytes at the end, {levels["step-start"]} at the start'

    tap.expect_none(problems(check), 'what a step leaves behind')


def no_phase_is_below_what_is_alive():
    def check(row):
        expected, parameters = row['expected'], row['expected']['parameters']
        for phase, peak in expected['phases'].items():
            if peak < expected['levels']['step-start']:
                yield f'{phase} is below the start of the step'
        if expected['levels']['step-start'] < parameters * BYTES[row['settings']['dtype']]:
            yield 'the weights do not fit into what is alive'

    tap.expect_none(problems(check), 'peaks')


def the_device_has_what_the_allocator_has():
    def check(row):
        if not row['requested-bytes'] <= row['expected']['total'] <= row['reserved-bytes'] <= row['device-bytes']:
            yield 'requested, handed out, reserved and used bytes are not in this order'
        if row['context-bytes'] != row['device-bytes'] - row['reserved-bytes']:
            yield 'the context is not what the device has beside the allocator'

    tap.expect_none(problems(check), 'what the device shows')


def all_methods_but_full_train_few():
    def check(row):
        expected = row['expected']
        trains_few = row['settings']['fine-tuning-method'] != 'full'
        if trains_few != (expected['trainable'] < expected['parameters']):
            yield f'{expected["trainable"]} of {expected["parameters"]} parameters are trained'

    tap.expect_none(problems(check), 'trained parameters')


if __name__ == '__main__':
    sys.exit(tap.main(
        'oracle/training-measured',
        every_case_can_be_measured_again,
        every_phase_and_level_is_there,
        the_total_is_the_highest_phase,
        a_step_ends_as_it_began,
        no_phase_is_below_what_is_alive,
        the_device_has_what_the_allocator_has,
        all_methods_but_full_train_few,
    ))
