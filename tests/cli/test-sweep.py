# SPDX-License-Identifier: GPL-3.0-or-later
"""headroom-cli sweep."""

import csv
import io
import json
import pathlib
import sys
import tempfile

import tap
from cli.program import CONFIG, MODEL, expect, fail, succeed, succeed_json

MODES = (
    ('inference', 'prompt-length', '512..2048', ()),
    ('fine-tuning', 'lora-rank', '8,16', ('--fine-tuning-method', 'lora', '--sequence-length', '256')),
    ('training', 'micro-batch-size', '1..2', ('--sequence-length', '256')),
    ('grpo', 'completion-length', '64,128', ()),
)


def every_point_is_what_an_estimate_says():
    for mode, setting, values, options in MODES:
        common = ('--mode', mode, '--gpu', '4090', *options)
        result = json.loads(succeed('sweep', 'Qwen/Qwen2.5-0.5B-Instruct', '--over', f'{setting}={values}', *common,
                                    '--format', 'json'))
        assert result['schema'] == 'headroom-sweep/1' and result['setting'] == setting
        line, = result['lines']
        assert len(line['points']) >= 2
        for point in line['points']:
            estimate = succeed_json('estimate', 'Qwen/Qwen2.5-0.5B-Instruct', *common, f'--{setting}',
                                    str(point['value']), status=0 if point['fits'] else 1)
            for name in ('total-bytes', 'allocated-bytes', 'reserved-bytes'):
                assert point[name] == estimate[name], (mode, point, estimate[name])
            assert point['fits'] == estimate['gpu']['fits']


def the_table_has_a_row_for_each_configuration_and_value():
    text = succeed('sweep', MODEL, 'Qwen/Qwen2.5-0.5B-Instruct', '--over', 'batch-size=1,2,4', '--by',
                   'attention=sdpa,eager', '--gpu', 'h100-sxm', '--format', 'csv').decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2 * 2 * 3
    assert {row['configuration'] for row in rows} == {
        f'{name}, {value}' for name in (MODEL, 'Qwen/Qwen2.5-0.5B-Instruct') for value in ('sdpa', 'eager')}
    assert [row['value'] for row in rows[:3]] == ['1', '2', '4']
    assert all(int(row['allocated-bytes']) <= int(row['reserved-bytes']) < int(row['total-bytes']) for row in rows)
    text = succeed('sweep', MODEL, 'Qwen/Qwen2.5-0.5B-Instruct', '--over', 'batch-size=1,2', '--format',
                   'markdown').decode()
    expect(text, '| Batch size |', MODEL, '| 2 | 15.0')


def gpus_are_lines_that_configurations_cross():
    arguments = ('sweep', MODEL, '--over', 'prompt-length=8192..65536', '--gpu', '4090', '--capacity',
                 'h100-sxm,rtx-3060')
    result = succeed_json(*arguments)
    assert [item['memory-bytes'] > 0 for item in result['capacities']] == [True] * 3
    most, everything, none = [fit.get('up-to') for fit in result['lines'][0]['fits']]
    assert 32768 < most < 65536 and everything == 65536 and none is None
    # The value that is told fits, and the next one does not.
    for value, status in ((most, 0), (most + 1, 1)):
        succeed('estimate', MODEL, '--gpu', '4090', '--prompt-length', str(value), status=status)
    expect(succeed(*arguments).decode(), f'fits up to {most:,}', 'fits at none', 'fits at all')
    row = next(csv.DictReader(io.StringIO(succeed(*arguments, '--format', 'csv').decode())))
    assert row['rtx-4090-fits-up-to'] == str(most) and row['rtx-4090-fits-from'] == ''
    assert int(row['h100-sxm5-80gb-memory-bytes']) > int(row['rtx-4090-memory-bytes'])
    expect(succeed(*arguments, '--format', 'svg').decode(), f'{most:,}', 'H100')
    succeed('sweep', MODEL, '--over', 'prompt-length=8192..16384', '--gpu', 'rtx-3060', status=1)


def layouts_are_swept_where_the_framework_divides_a_job_so():
    arguments = ('sweep', MODEL, '--mode', 'training', '--sequence-length', '1024', '--gpu', 'h100-sxm')
    megatron = (*arguments, '--framework', 'megatron-lm', '--over')
    for setting in ('tensor-parallel', 'pipeline-parallel'):
        line, = succeed_json(*megatron, f'{setting}=1,2,4')['lines']
        totals = [point['total-bytes'] for point in line['points']]
        assert totals == sorted(totals, reverse=True) and totals[0] > 1.8 * totals[1], totals
        assert line['fits'][0]['from'] == 2
    line, = succeed_json(*megatron, 'gpus=1,2,4', '--zero-stage', '1')['lines']
    assert line['points'][0]['total-bytes'] > line['points'][2]['total-bytes']
    expect(fail(*arguments, '--framework', 'deepspeed', '--over', 'tensor-parallel'), 'tensor-parallel', 'DeepSpeed')
    expect(fail(*arguments, '--over', 'gpus', '--data-parallel', '2'), 'gpus', 'data-parallel=0', '2')


def a_part_of_the_peak_is_looked_at_alone():
    arguments = ('sweep', MODEL, '--over', 'prompt-length=512..4096', '--component', 'kv-cache')
    result = succeed_json(*arguments)
    assert result['component'] == 'kv-cache'
    for point in result['lines'][0]['points']:
        assert point['components']['kv-cache'] == point['value'] * 57344
        assert sum(point['components'].values()) == point['total-bytes']
    expect(succeed(*arguments).decode(), 'KV cache at the peak', '28.0', '224.0')
    expect(succeed(*arguments, '--format', 'svg').decode(), 'KV cache', 'from 28.0')
    rows = list(csv.DictReader(io.StringIO(succeed(*arguments, '--format', 'csv').decode())))
    assert [int(row['kv-cache-bytes']) for row in rows] == [512 * 2 ** i * 57344 for i in range(4)]
    line, = succeed_json('sweep', MODEL, '--mode', 'training', '--sequence-length', '4096', '--over',
                         'micro-batch-size=1,2,4', '--component', 'activations')['lines']
    first, second, third = (point['components']['activations'] for point in line['points'])
    assert first < second < third
    expect(fail(*arguments[:-1], 'heap'), '--component', 'kv-cache', 'heap')


def activations_are_drawn_apart_by_how_they_grow():
    common = (MODEL, '--over', 'sequence-length=2048,4096,8192', '--component', 'activations')
    for mode, *options in (('training', '--attention', 'eager'), ('fine-tuning', '--attention', 'eager'),
                           ('training', '--attention', 'sdpa'), ('training', '--attention', 'sdpa-math')):
        line, = succeed_json('sweep', *common, '--mode', mode, *options)['lines']
        points = [point for point in line['points'] if 'activations-linear-bytes' in point]
        assert len(points) > 1, (mode, options)
        rests = set()
        for point, twice in zip(points, points[1:]):
            assert twice['activations-linear-bytes'] == 2 * point['activations-linear-bytes'], (mode, options, point)
            assert twice['activations-square-bytes'] == 4 * point['activations-square-bytes'], (mode, options, point)
            rests.add(point['components']['activations'] - point['activations-linear-bytes'] -
                      point['activations-square-bytes'])
        assert len(rests) == 1, (mode, options, rests)
        assert (points[0]['activations-square-bytes'] > 0) == ('eager' in options or 'sdpa-math' in options), options
    eager = ('sweep', *common, '--mode', 'training', '--attention', 'eager', '--format', 'svg')
    expect(succeed(*eager).decode(), 'Of these, as the length of sequences', 'Of these, as its square')
    text = succeed('estimate', MODEL, '--mode', 'training', '--attention', 'eager').decode()
    expect(' '.join(text.split()), 'With the length of sequences, ', 'with the square of the length.')


def a_value_without_an_estimate_is_a_gap_with_its_reason():
    arguments = ('sweep', MODEL, '--attention', 'eager', '--batch-size', '65536', '--over', 'prompt-length=8,16777216')
    first, last = succeed_json(*arguments)['lines'][0]['points']
    assert first['total-bytes'] > 0
    assert 'total-bytes' not in last and 'fits' not in last and 'more memory than can be counted' in last['refused']
    rows = list(csv.DictReader(io.StringIO(succeed(*arguments, '--format', 'csv').decode())))
    assert rows[1]['total-bytes'] == '' and 'counted' in rows[1]['refused']
    expect(succeed(*arguments).decode(), 'Without an Estimate', '—')
    expect(fail(*arguments[:-1], 'prompt-length=16777215,16777216'), 'more memory than can be counted')


def scenarios_are_configurations():
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, 'config.json').write_text(json.dumps(CONFIG))
        scenario = pathlib.Path(folder, 'a.headroom')
        scenario.write_text(json.dumps({'schema': 'headroom-scenario/1', 'model': 'config.json', 'mode': 'inference',
                                        'settings': {'batch-size': 3}, 'gpu': 'rtx-4090'}))
        result = succeed_json('sweep', str(scenario), MODEL, '--over', 'prompt-length=16,32')
        assert [line['settings']['batch-size'] for line in result['lines']] == [3, 1]
        assert result['lines'][0]['gpu'] and not result['lines'][1]['gpu']
        output = pathlib.Path(folder, 'sweep.csv')
        assert succeed('sweep', str(scenario), '--over', 'batch-size', '--output', str(output)) == b''
        assert output.read_text().startswith('configuration,')


def a_picture_is_what_the_format_says():
    arguments = ('sweep', MODEL, '--over', 'batch-size=1,2,4', '--by', 'attention=sdpa,eager', '--gpu', '4090')
    for name, magic in (('svg', b'<?xml'), ('png', b'\x89PNG'), ('pdf', b'%PDF'), ('html', b'<!DOCTYPE html>')):
        assert succeed(*arguments, '--format', name).startswith(magic), name
    svg = succeed(*arguments, '--format', 'svg').decode()
    expect(svg, '<title>Line chart: ', 'Batch size', f'{MODEL}, eager', 'GeForce RTX 4090: fits at all')
    expect(succeed(*arguments, '--format', 'html').decode(), '<svg', f'{MODEL}, sdpa')
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder, 'sweep.pdf')
        assert succeed(*arguments, '--output', str(output)) == b''
        assert output.read_bytes().startswith(b'%PDF')


def the_longest_context_is_marked():
    arguments = ('sweep', MODEL, '--over', 'prompt-length=1024..1048576', '--output-length', '1000')
    line = succeed_json(*arguments)['lines'][0]
    assert line['longest-context']['value'] == line['longest-context']['tokens'] - 1000, line['longest-context']
    tokens = f"{line['longest-context']['tokens']:,}"
    expect(succeed(*arguments).decode(), f'the longest context, {tokens} tokens, is reached at')
    for name in ('svg', 'html'):
        expect(succeed(*arguments, '--format', name).decode(), f'the longest context, {tokens} tokens, is reached at')
    assert 'longest-context' not in succeed_json('sweep', MODEL, '--over', 'batch-size=1,2')['lines'][0]


def what_cannot_be_swept_is_refused_in_a_sentence():
    expect(fail('sweep', MODEL), '--over', 'prompt-length')
    expect(fail('sweep', '--over', 'batch-size'), 'model')
    expect(fail('sweep', MODEL, '--over', 'dtype'), '--over', 'dtype', 'prompt-length')
    expect(fail('sweep', MODEL, '--over', ''), '--over')
    expect(fail('sweep', MODEL, '--over', 'batch-size=0..4'), '--over', 'batch-size', '1')
    expect(fail('sweep', MODEL, '--over', 'batch-size=4..1'), '--over', 'batch-size')
    expect(fail('sweep', MODEL, '--over', 'batch-size=x'), '--over', 'FROM..TO', 'x')
    expect(fail('sweep', MODEL, '--over', 'batch-size', '--by', 'attention'), '--by', 'attention')
    expect(fail('sweep', MODEL, '--over', 'batch-size', '--by', 'attention=fast'), 'attention', 'fast')
    expect(fail('sweep', MODEL, '--over', 'batch-size', '--by', 'prompt-length=1,2,3,4,5,6,7,8'), '7')
    expect(fail('sweep', MODEL, '--over', 'batch-size', '--capacity', 'no such'), '--capacity', 'no such')
    expect(fail('sweep', MODEL, '--over', 'batch-size', '--format', 'docx'), '--format', 'csv', 'docx')
    expect(fail('sweep', MODEL, '--over', 'batch-size', '--tensors'), 'tensors')
    expect(fail('sweep', *[MODEL] * 8, '--over', 'batch-size'), MODEL)


def it_is_there_in_chinese():
    text = succeed('sweep', MODEL, '--over', 'prompt-length=512,1024', '--gpu', '4090', language='zh_CN').decode()
    expect(text, '提示词长度', '装得下')
    expect(succeed('sweep', '--help', language='zh_CN').decode(), '--over', '用法')


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/sweep',
        every_point_is_what_an_estimate_says,
        the_table_has_a_row_for_each_configuration_and_value,
        gpus_are_lines_that_configurations_cross,
        layouts_are_swept_where_the_framework_divides_a_job_so,
        a_part_of_the_peak_is_looked_at_alone,
        activations_are_drawn_apart_by_how_they_grow,
        a_value_without_an_estimate_is_a_gap_with_its_reason,
        scenarios_are_configurations,
        a_picture_is_what_the_format_says,
        the_longest_context_is_marked,
        what_cannot_be_swept_is_refused_in_a_sentence,
        it_is_there_in_chinese,
    ))
