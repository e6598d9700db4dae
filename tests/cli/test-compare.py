# SPDX-License-Identifier: GPL-3.0-or-later
"""headroom-cli compare."""

import csv
import io
import json
import pathlib
import sys
import tempfile

import tap
from cli.program import CONFIG, MODEL, expect, fail, succeed, succeed_json

SMALL = 'Qwen/Qwen2.5-0.5B-Instruct'


def check(result, first, second):
    """The figures are those of the two estimates, and the differences theirs."""
    for name in ('components', 'phases'):
        by_id = [{item['id']: item.get('bytes', item.get('peak-bytes')) for item in estimate[name]}
                 for estimate in (first, second)]
        assert {item['id'] for item in result[name]} == set(by_id[0]) | set(by_id[1])
        for item in result[name]:
            assert item.get('first-bytes') == by_id[0].get(item['id']), item
            assert item.get('second-bytes') == by_id[1].get(item['id']), item
            assert item['difference-bytes'] == by_id[1].get(item['id'], 0) - by_id[0].get(item['id'], 0), item
    total, = result['totals']
    assert total['first-bytes'] == first['total-bytes'] and total['second-bytes'] == second['total-bytes']
    assert sum(item['difference-bytes'] for item in result['components']) == total['difference-bytes']


def two_estimates_are_set_side_by_side():
    cases = (
        ((SMALL, '--with', 'attention=eager batch-size=4'), (SMALL,),
         (SMALL, '--attention', 'eager', '--batch-size', '4'), {'attention', 'batch-size'}),
        ((SMALL, '--mode', 'training', '--sequence-length', '256', '--with', 'gradient-checkpointing=full'),
         (SMALL, '--mode', 'training', '--sequence-length', '256'),
         (SMALL, '--mode', 'training', '--sequence-length', '256', '--gradient-checkpointing', 'full'),
         {'gradient-checkpointing'}),
        ((SMALL, MODEL), (SMALL,), (MODEL,), {'model'}),
        ((SMALL, SMALL), (SMALL,), (SMALL,), set()),
    )
    for arguments, first, second, settings in cases:
        result = succeed_json('compare', *arguments)
        assert result['schema'] == 'headroom-comparison/1'
        assert {item['setting'] for item in result['settings']} == settings, result['settings']
        check(result, succeed_json('estimate', *first), succeed_json('estimate', *second))


def scenarios_of_different_modes_are_compared():
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, 'config.json').write_text(json.dumps(CONFIG))
        paths = [pathlib.Path(folder, name) for name in ('a.headroom', 'b.headroom')]
        for path, mode in zip(paths, ('inference', 'training')):
            path.write_text(json.dumps({'schema': 'headroom-scenario/1', 'model': 'config.json', 'mode': mode,
                                        'settings': {}, 'gpu': 'rtx-4090'}))
        result = succeed_json('compare', *map(str, paths))
        check(result, *(succeed_json('estimate', str(path)) for path in paths))
        differences = {item['setting']: (item['first'], item['second']) for item in result['settings']}
        assert differences['mode'] == ('inference', 'training')
        assert differences['micro-batch-size'] == (None, '1') and differences['batch-size'] == ('1', None)
        assert any('first-bytes' not in item for item in result['components'])


def it_is_text_markdown_and_a_table():
    arguments = ('compare', MODEL, '--with', 'batch-size=8')
    expect(succeed(*arguments).decode(), 'Batch size', 'Total', 'KV cache', '+', 'Prefill')
    expect(succeed(*arguments, '--format', 'markdown').decode(), '| Batch size | 1 | 8 |', '**Total**')
    rows = list(csv.DictReader(io.StringIO(succeed(*arguments, '--format', 'csv').decode())))
    assert rows[0]['section'] == 'setting' and (rows[0]['first'], rows[0]['second']) == ('1', '8')
    assert all(int(row['second'] or 0) - int(row['first'] or 0) == int(row['difference']) for row in rows[1:])
    expect(succeed('compare', MODEL, MODEL).decode(), 'are the same')
    expect(succeed(*arguments, language='zh_CN').decode(), '批大小', '总计')
    succeed('compare', MODEL, '--gpu', '4090', '--with', 'batch-size=64', status=1)


def a_person_reads_what_values_are_called_and_a_program_what_they_are():
    words = ('compare', MODEL, '--with', 'attention=eager')
    text = ' '.join(succeed(*words).decode().split())
    expect(text, 'Attention', 'Eager')
    assert {'setting': 'attention', 'first': 'sdpa', 'second': 'eager'} in succeed_json(*words)['settings']


def what_cannot_be_compared_is_refused_in_a_sentence():
    expect(fail('compare'), 'compare', 'model')
    expect(fail('compare', MODEL), 'compare', '--with')
    expect(fail('compare', MODEL, '--with', 'batch-size=0'), '--with', 'batch-size', '1')
    expect(fail('compare', MODEL, '--with', 'nothing'), '--with', 'nothing')
    expect(fail('compare', MODEL, MODEL, MODEL), MODEL)
    expect(fail('compare', MODEL, 'nobody/nothing'), 'nobody/nothing')
    expect(fail('compare', MODEL, MODEL, '--format', 'png'), '--format', 'markdown', 'png')


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/compare',
        two_estimates_are_set_side_by_side,
        scenarios_of_different_modes_are_compared,
        it_is_text_markdown_and_a_table,
        a_person_reads_what_values_are_called_and_a_program_what_they_are,
        what_cannot_be_compared_is_refused_in_a_sentence,
    ))
