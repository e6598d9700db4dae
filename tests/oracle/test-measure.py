#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the measuring program that need no GPU: what a grid means, and the form of its results."""

import contextlib
import json
import pathlib
import sys
import tempfile
import types
from unittest import mock

import fake
import grid
import results
import tap

MODELS = {'a': {'model_type': 'llama'}, 'b': {'model_type': 'gpt2'}}
MACHINE = {'gpu': 'GPU', 'driver': '1', 'torch': '2', 'transformers': '5'}
MEASUREMENT = {
    'phases': {'prefill': 30, 'head': 40, 'decode': 40},
    'levels': {'after-load': 10},
    'parameters': 5,
    'trainable': 0,
    'workspace-bytes': 1,
    'requested-bytes': 39,
    'reserved-bytes': 64,
    'device-bytes': 100,
}


def expand(*rows):
    return grid.expand({'models': MODELS, 'cases': list(rows)})


def expect_refusal(place, *rows):
    try:
        expand(*rows)
    except grid.GridError as error:
        assert place in str(error), f'{error} does not name {place}'
    else:
        raise AssertionError(f'{rows} is accepted')


def lists_are_multiplied_out():
    cases = expand({'model': ['a', 'b'], 'settings': {'batch-size': [1, 2], 'prompt-length': [16, 32]}}).cases
    assert len(cases) == 8
    assert cases[0].settings['batch-size'] == 1 and cases[1].settings['prompt-length'] == 32


def what_is_left_open_gets_its_default():
    case, = expand({'model': 'a', 'settings': {'batch-size': 4}}).cases
    assert case.settings == {**grid.INFERENCE, 'batch-size': 4}


def the_same_case_is_measured_once():
    assert len(expand({'model': 'a'}, {'model': 'a', 'settings': {'batch-size': [1, 2]}}).cases) == 2


def full_fine_tuning_has_no_adapters():
    full, lora = expand({'model': 'a', 'mode': 'fine-tuning',
                         'settings': {'fine-tuning-method': ['full', 'lora']}}).cases
    assert 'lora-rank' not in full.settings and lora.settings['lora-rank'] == 16


def a_multimodal_job_has_the_settings_of_its_task():
    inference, training = expand({'model': 'a', 'mode': 'multimodal',
                                  'settings': {'task': ['inference', 'fine-tuning']}}).cases
    assert 'batch-size' in inference.settings and 'micro-batch-size' not in inference.settings
    assert 'micro-batch-size' in training.settings and 'sequence-length' not in training.settings
    assert results.is_inference(inference) and not results.is_inference(training)


def a_job_may_have_sounds_and_no_images():
    case, = expand({'model': 'a', 'mode': 'multimodal',
                    'settings': {'images': 0, 'further-inputs': 'audio-12.5'}}).cases
    assert case.settings['images'] == 0 and case.settings['audio-seconds'] == 0.0
    expect_refusal('case 1: text-tokens', {'model': 'a', 'mode': 'multimodal', 'settings': {'text-tokens': 0}})


def pairs_have_one_length_and_answers_have_two():
    pairs, answers = expand({'model': 'a', 'mode': 'grpo', 'settings': {'algorithm': ['dpo', 'grpo']}}).cases
    assert 'sequence-length' in pairs.settings and 'completion-length' not in pairs.settings
    assert 'sequence-length' not in answers.settings and 'completion-length' in answers.settings


def a_rank_has_the_settings_of_what_divides_its_model():
    plain, zero, wrapped, whole = expand(
        {'model': 'a', 'mode': 'fine-tuning'},
        {'model': 'a', 'mode': 'fine-tuning', 'settings': {'framework': 'deepspeed', 'zero-stage': 3}},
        {'model': 'a', 'mode': 'fine-tuning', 'settings': {'framework': 'transformers', 'fsdp': 'full-shard'}},
        {'model': 'a', 'mode': 'fine-tuning', 'settings': {'framework': 'transformers', 'data-parallel': 8}}).cases
    assert 'data-parallel' not in plain.settings and 'zero-stage' not in plain.settings
    assert zero.settings['stage3-prefetch-bucket-size'] == 50000000 and 'fsdp' not in zero.settings
    assert wrapped.settings['fsdp-use-orig-params'] and 'sub-group-size' not in wrapped.settings
    assert whole.settings['data-parallel'] == 8 and 'fsdp-version' not in whole.settings


def an_id_names_what_differs_from_the_defaults():
    case, = expand({'model': 'a', 'mode': 'fine-tuning',
                    'settings': {'micro-batch-size': 8, 'fp32-outputs': True, 'dtype': 'bfloat16'}}).cases
    assert case.id == 'a/fine-tuning/fp32-outputs=true/micro-batch-size=8', case.id


def a_fault_names_its_row_and_setting():
    expect_refusal('case 2: model', {'model': 'a'}, {'model': 'c'})
    expect_refusal('case 1: mode', {'model': 'a', 'mode': 'pretraining'})
    expect_refusal('case 1: micro-batch-size', {'model': 'a', 'settings': {'micro-batch-size': 1}})
    expect_refusal('case 1: batch-size', {'model': 'a', 'settings': {'batch-size': 0}})
    expect_refusal('case 1: batch-size', {'model': 'a', 'settings': {'batch-size': True}})
    expect_refusal('case 1: attention', {'model': 'a', 'settings': {'attention': ['sdpa', 'fast']}})
    expect_refusal('no cases')


def a_row_has_the_peak_and_its_phase():
    case, = expand({'model': 'a'}).cases
    row = results.make_case(case, MEASUREMENT)
    assert row['expected']['total'] == 40 and row['expected']['phase'] == 'head'
    assert row['context-bytes'] == 36
    assert 'trainable' not in row['expected']


def without_a_gpu_nothing_is_said_of_one():
    case, = expand({'model': 'a'}).cases
    figures = {key: MEASUREMENT[key] for key in ('phases', 'levels', 'parameters', 'requested-bytes')}
    row = results.make_case(case, {**figures, 'peaks': {'head': {'operator': 'aten.mm.default'}}})
    assert not {'workspace-bytes', 'reserved-bytes', 'device-bytes', 'context-bytes'} & set(row)
    assert row['requested-bytes'] == 39 and row['peaks']['head']['operator'] == 'aten.mm.default'
    content = results.make_file({'torch': '2', 'transformers': '5'}, MODELS, [row])
    assert 'fake' in content['source'] and 'measured' not in content['source'], content['source']
    assert grid.expand(content).cases == [case]


@contextlib.contextmanager
def torch_installed(folder):
    """A package that has what building the fake device looks at."""
    package = pathlib.Path(folder) / 'torch'
    package.mkdir()
    (package / 'version.py').touch()
    spec = types.SimpleNamespace(origin=str(package / '__init__.py'))
    with mock.patch('importlib.util.find_spec', return_value=spec):
        yield


def expect_no_device(reason, folder):
    try:
        fake.build_device(folder)
    except fake.FakeDeviceError as error:
        assert reason in str(error), error
    else:
        raise AssertionError('a device was built')


def a_fake_device_says_what_it_lacks():
    with mock.patch('importlib.util.find_spec', return_value=None):
        expect_no_device('PyTorch is needed', '/nowhere')
    with tempfile.TemporaryDirectory() as folder, torch_installed(folder):
        with mock.patch.dict('os.environ', {'CXX': '/nowhere/c++'}):
            expect_no_device('/nowhere/c++', folder)
        with mock.patch.dict('os.environ', {'CXX': 'false'}):
            expect_no_device('fake_device.cpp cannot be compiled', folder)


def a_fake_device_is_built_once():
    with tempfile.TemporaryDirectory() as folder, torch_installed(folder):
        compiler = pathlib.Path(folder) / 'compiler'
        compiler.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done; echo >"$2"\n', encoding='utf-8')
        compiler.chmod(0o755)
        with mock.patch.dict('os.environ', {'CXX': str(compiler)}):
            path = fake.build_device(folder)
        with mock.patch.dict('os.environ', {'CXX': 'false'}):
            assert fake.build_device(folder) == path


def a_file_of_results_is_a_grid():
    cases = expand({'model': 'a', 'settings': {'batch-size': [1, 2]}},
                   {'model': 'a', 'mode': 'fine-tuning', 'settings': {'fine-tuning-method': 'lora'}}).cases
    rows = [results.make_case(case, MEASUREMENT) for case in cases[:-1]]
    rows.append(results.make_skipped(cases[-1], 'out of memory'))
    content = json.loads(results.format_file(results.make_file(MACHINE, MODELS, rows)))
    assert list(content['models']) == ['a']
    assert grid.expand(content).cases == cases


if __name__ == '__main__':
    sys.exit(tap.main(
        'oracle/measure',
        lists_are_multiplied_out,
        what_is_left_open_gets_its_default,
        the_same_case_is_measured_once,
        full_fine_tuning_has_no_adapters,
        a_multimodal_job_has_the_settings_of_its_task,
        a_job_may_have_sounds_and_no_images,
        pairs_have_one_length_and_answers_have_two,
        a_rank_has_the_settings_of_what_divides_its_model,
        an_id_names_what_differs_from_the_defaults,
        a_fault_names_its_row_and_setting,
        a_row_has_the_peak_and_its_phase,
        without_a_gpu_nothing_is_said_of_one,
        a_fake_device_says_what_it_lacks,
        a_fake_device_is_built_once,
        a_file_of_results_is_a_grid,
    ))
