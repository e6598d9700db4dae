# SPDX-License-Identifier: GPL-3.0-or-later
"""Input that cannot be used: one line that says which file or option, where in it and what was expected; status 2."""

import json
import os
import pathlib
import sys
import tempfile

import tap
from cli.program import CONFIG, MODEL, WITHOUT_PRIVILEGE, expect, fail, run, succeed, succeed_json


def with_config(changes, *parts, language='C', raw=None):
    """Writes a config with changes (None removes a key), and expects that it fails with a line that holds the parts."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'config.json')
        config = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
        path.write_bytes(raw if raw is not None else json.dumps(config, indent=1).encode())
        for verb in ('estimate', 'inspect'):
            expect(fail(verb, str(path), language=language), 'config.json', *parts)


def options_that_do_not_exist_are_named():
    expect(fail('estimate', MODEL, '--batch', '4'), 'batch')
    expect(fail('estimate', MODEL, '--lora-rank', '4'), 'lora-rank', 'inference')
    expect(fail('estimate', MODEL, '-x'), '-x')
    expect(fail('estimate', MODEL, '--tensors'), 'tensors')
    expect(fail('inspect', MODEL, '--batch-sizes', '4'), 'batch-sizes')
    expect(fail('list', 'gpus', '--gpu', 'x'), 'gpu')
    expect(fail('dream'), 'dream', 'estimate, inspect, list')
    expect(fail(), 'estimate, inspect, list')


def values_out_of_range_are_named_with_their_range():
    expect(fail('estimate', MODEL, '--batch-size', '0'), '“batch-size”', 'from 1 to 65536', '“0”')
    expect(fail('estimate', MODEL, '--batch-size'), '--batch-size', 'value')
    expect(fail('estimate', MODEL, '--batch-size='), '“batch-size”', 'from 1 to 65536')
    expect(fail('estimate', MODEL, '--attention', 'fast'), '“attention”', 'eager, sdpa', '“fast”')
    expect(fail('estimate', MODEL, '--mode', 'dreaming'), 'mode', 'inference', 'dreaming')
    expect(fail('estimate', MODEL, '--gpus', '0'), '--gpus', 'from 1', '“0”')
    expect(fail('estimate', MODEL, '--gpu', 'no such gpu'), '--gpu', 'no such gpu')
    expect(fail('estimate', MODEL, '--format', 'docx'), '--format', 'markdown', 'docx')
    expect(fail('estimate', MODEL, '--output', 'report.docx'), '--output', 'report.docx')
    expect(fail('estimate', MODEL, '--units', 'feet'), '--units', '“binary” or “decimal”', 'feet')
    expect(fail('inspect', MODEL, '--format', 'pdf'), '--format', 'text, json, csv, markdown, html', 'pdf')
    expect(fail('list', 'cats'), 'list', 'models', 'cats')
    expect(fail('list'), 'list', 'models')
    expect(fail('estimate', MODEL, 'another'), 'another')
    expect(fail('estimate'), 'estimate', 'model')
    expect(fail('inspect'), 'inspect', 'model')


def models_that_are_not_there_are_named():
    expect(fail('estimate', 'nobody/nothing'), 'nobody/nothing')
    expect(fail('estimate', '/nowhere/config.json'), '/nowhere/config.json')
    expect(fail('estimate', '--scenario', '/nowhere/a.headroom'), '/nowhere/a.headroom')


def a_file_that_is_not_json_is_named_with_the_place():
    with_config({}, 'line 1', raw=b'this is not JSON')
    with_config({}, 'line 2', raw=b'{"hidden_size": 1,\n  oops}')
    with_config({}, raw=b'')
    with_config({}, raw=b'\xff\xfe\x00')
    with_config({}, raw=b'{"model_type": "llama"')
    with_config({}, raw=b'[' * 100000)


def json_of_the_wrong_shape_is_named_with_the_place():
    with_config({}, 'object', raw=b'[1, 2]')
    with_config({}, 'object', raw=b'7')
    with_config({}, raw=b'{}')
    with_config({'hidden_size': '64'}, 'hidden_size', '64')
    with_config({'num_hidden_layers': 2.5}, 'num_hidden_layers', '2.5')
    with_config({'vocab_size': [1]}, 'vocab_size')
    with_config({'model_type': 5}, 'model_type', '5')


def sizes_that_make_no_sense_are_named():
    with_config({'hidden_size': 0}, 'hidden_size', '0')
    with_config({'hidden_size': -64}, 'hidden_size', '-64')
    with_config({'num_hidden_layers': -1}, 'num_hidden_layers', '-1')
    with_config({'vocab_size': 10**18}, 'vocab_size')
    with_config({'vocab_size': 10**30}, 'vocab_size')
    with_config({'num_attention_heads': 0}, 'num_attention_heads')


def what_is_assumed_is_said():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'config.json')
        for changes, word in (({'model_type': 'quantum', 'architectures': ['QuantumForCausalLM']}, 'quantum'),
                              ({'hidden_size': None}, 'hidden_size')):
            config = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
            path.write_text(json.dumps(config), encoding='utf-8')
            for verb in ('estimate', 'inspect'):
                warnings = succeed_json(verb, str(path))['warnings']
                assert any(word in warning for warning in warnings), warnings
            expect(succeed('estimate', str(path)).decode('utf-8'), 'What was assumed', word)


def files_that_are_no_files_are_refused_at_once():
    with tempfile.TemporaryDirectory() as folder:
        expect(fail('estimate', folder), folder)
        fifo = pathlib.Path(folder, 'fifo.json')
        os.mkfifo(fifo)
        expect(fail('estimate', str(fifo)), 'fifo.json')
        expect(fail('estimate', '--scenario', str(fifo)), 'fifo.json')
        expect(fail('estimate', '/dev/zero'), '/dev/zero')
        huge = pathlib.Path(folder, 'huge.json')
        with open(huge, 'wb') as file:
            file.truncate(2 * 1024**3)
        expect(fail('estimate', str(huge)), 'huge.json')
        expect(fail('estimate', '--scenario', str(huge)), 'huge.json')


def a_file_that_may_not_be_read_is_named():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'config.json')
        path.write_text('{}', encoding='utf-8')
        path.chmod(0)
        expect(fail('estimate', str(path), prefix=WITHOUT_PRIVILEGE), 'config.json', 'ermission')


def comments_and_trailing_commas_are_forgiven_with_a_warning():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'config.json')
        text = json.dumps(CONFIG, indent=1)
        path.write_text('// pasted from somewhere\n' + text.rstrip('}\n') + ',\n}\n', encoding='utf-8')
        result = succeed_json('estimate', str(path))
        plain = pathlib.Path(folder, 'plain.json')
        plain.write_text(text, encoding='utf-8')
        assert result['total-bytes'] == succeed_json('estimate', str(plain))['total-bytes']
        assert any('comment' in warning for warning in result['warnings']), result['warnings']
        assert any('comma' in warning for warning in result['warnings']), result['warnings']


def a_bad_scenario_is_named_with_the_place():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'a.headroom')
        head = {'schema': 'headroom-scenario/1', 'model': MODEL}
        for changes, parts in (
            ({'settings': {'batch-size': 0}}, ('settings.batch-size', 'from 1 to 65536')),
            ({'settings': {'bach-size': 1}}, ('bach-size',)),
            ({'modle': 'x'}, ('modle',)),
            ({'gpu': 'no such gpu'}, ('no such gpu',)),
            ({'model': 'nobody/nothing'}, ('nobody/nothing',)),
        ):
            path.write_text(json.dumps({**head, **changes}), encoding='utf-8')
            expect(fail('estimate', '--scenario', str(path)), *parts)


def a_name_with_control_characters_stays_on_one_line():
    expect(fail('estimate', 'a\nb\033[31mc'), 'b')
    result = run('estimate', b'/nowhere/\xff\xfe.json'.decode('utf-8', 'surrogateescape'))
    assert result.returncode == 2
    result.stderr.decode('utf-8')


def messages_are_in_the_language_of_the_user():
    for arguments, parts in (
        (['estimate', MODEL, '--batch-size', '0'], ('batch-size', '1', '65536')),
        (['estimate', '/nowhere/config.json'], ('/nowhere/config.json',)),
        (['estimate', MODEL, '--gpu', 'no such gpu'], ('no such gpu',)),
    ):
        line = fail(*arguments, language='zh_CN')
        expect(line, *parts)
        assert any('\u4e00' <= character <= '\u9fff' for character in line), line


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/bad-input',
        options_that_do_not_exist_are_named,
        values_out_of_range_are_named_with_their_range,
        models_that_are_not_there_are_named,
        a_file_that_is_not_json_is_named_with_the_place,
        json_of_the_wrong_shape_is_named_with_the_place,
        sizes_that_make_no_sense_are_named,
        what_is_assumed_is_said,
        files_that_are_no_files_are_refused_at_once,
        a_file_that_may_not_be_read_is_named,
        comments_and_trailing_commas_are_forgiven_with_a_warning,
        a_bad_scenario_is_named_with_the_place,
        a_name_with_control_characters_stays_on_one_line,
        messages_are_in_the_language_of_the_user,
    ))
