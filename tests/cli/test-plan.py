# SPDX-License-Identifier: GPL-3.0-or-later
"""headroom-cli plan: layouts, what is fixed, the fewest GPUs, and what is refused."""

import csv
import io
import sys

import tap
from cli.program import expect, fail, succeed, succeed_json

MODEL = 'meta-llama/Meta-Llama-3-8B'
JOB = ('--mode', 'training', '--sequence-length', '4096')
GPUS = ('--gpu', 'h100-sxm5-80gb', '--gpus', '16', '--network', '400Gb/s', '--sequences', '64')


def plan(*words):
    return succeed_json('plan', MODEL, *JOB, *words)


def layouts_are_told_with_their_memory_and_time():
    result = plan(*GPUS)
    assert result['schema'] == 'headroom-plan/1'
    assert result['gpus']['count'] == 16 and result['gpus']['per-node'] == 8
    assert result['gpus']['network-bytes-per-second'] == 50_000_000_000
    assert result['sequences'] == 64
    assert result['layouts'] > result['fitting'] > 20
    assert len(result['choices']) == 20
    seconds = [choice['seconds']['total'] for choice in result['choices']]
    assert seconds == sorted(seconds)
    for choice in result['choices']:
        settings = choice['settings']
        degrees = [settings[f'{name}-parallel'] for name in ('tensor', 'pipeline', 'context', 'data')]
        assert choice['gpus'] == degrees[0] * degrees[1] * degrees[2] * degrees[3] <= 16
        assert settings['data-parallel'] * settings['micro-batch-size'] * settings['gradient-accumulation-steps'] == 64
        assert choice['free-bytes'] == result['gpus']['usable-memory-bytes'] - choice['peak-bytes']
        assert choice['known-by'] in ('exact', 'formulas')
        parts = {name: value for name, value in choice['seconds'].items() if name != 'total'}
        assert abs(sum(parts.values()) / choice['seconds']['total'] - 1) < 1e-9
        assert 0 < choice['model-flops-utilization'] < 1


def a_layout_is_estimated_as_it_is_told():
    result = plan(*GPUS, '--zero-stage', '1', '--context-parallel', '1')
    choice = next(choice for choice in result['choices'] if choice['known-by'] == 'exact' and choice['free-bytes'] > 0)
    words = [word for name, value in choice['settings'].items() for word in (f'--{name}', str(value).lower())]
    words += ['--selective-checkpointing', 'attention']
    estimate = succeed_json('estimate', MODEL, *JOB, '--framework', 'megatron-lm', '--gpu', 'h100-sxm5-80gb', '--gpus',
                            str(choice['gpus']), *words)
    assert estimate['total-bytes'] == choice['peak-bytes'], (estimate['total-bytes'], choice)


def what_is_given_of_a_layout_stays():
    result = plan(*GPUS, '--tensor-parallel', '4', '--micro-batch-size', '2')
    assert result['choices']
    assert {choice['settings']['tensor-parallel'] for choice in result['choices']} == {4}
    assert {choice['settings']['micro-batch-size'] for choice in result['choices']} == {2}


def without_a_network_there_are_no_times():
    result = plan('--gpu', 'h100-sxm5-80gb', '--gpus', '16')
    assert 'network' in result['without-times']
    assert all('seconds' not in choice for choice in result['choices'])
    expect(succeed('plan', MODEL, *JOB, '--gpu', 'h100-sxm5-80gb', '--gpus', '16').decode(), 'not said')


def what_does_not_fit_is_status_1():
    expect(succeed('plan', MODEL, *JOB, '--gpu', '4090', '--gpus', '2', status=1).decode(), 'None of')


def the_fewest_gpus_come_first():
    result = plan('--least', '--sequences', '64')
    counts = [least['count'] for least in result['least'] if 'count' in least]
    assert counts == sorted(counts) and len(counts) > 10
    named = plan('--least', '--sequences', '64', '--gpu', 'h100-sxm5-80gb')['least']
    assert len(named) == 1 and named[0]['count'] > 1
    assert named[0]['peak-bytes'] <= named[0]['gpu']['memory-bytes']


def the_fewest_gpus_that_answer_requests_are_estimated():
    serving = (MODEL, '--least', '--engine', 'vllm', '--max-model-len', '8192', '--prompt-length', '4096')
    least = succeed_json('plan', *serving, '--gpu', 't4')['least'][0]
    assert least['count'] > 1 and least['known-by'] == 'exact'
    assert least['settings'] == {'tensor-parallel': least['count']}
    estimate = succeed_json('estimate', MODEL, *serving[2:], '--gpu', 't4', '--gpus', str(least['count']),
                            '--tensor-parallel', str(least['count']))
    assert estimate['gpu']['fits'] is True and estimate['gpu']['count'] == least['count']
    table = succeed('plan', *serving, '--gpu', 't4', '--format', 'csv').decode()
    assert int(next(csv.DictReader(io.StringIO(table)))['tensor-parallel']) == least['count']


SERVING = ('--engine', 'vllm', '--max-model-len', '8192', '--prompt-length', '2048', '--output-length', '512',
           '--batch-size', '64')


def layouts_of_engines_are_told_with_what_they_give():
    result = succeed_json('plan', MODEL, *SERVING, '--gpu', 'h100-sxm5-80gb', '--gpus', '8')
    assert result['mode'] == 'inference' and result['sequences'] == 64
    degrees = {tuple(choice['settings'][f'{name}-parallel'] for name in ('tensor', 'pipeline', 'data'))
               for choice in result['choices']}
    assert degrees == {(tensor, pipeline, 8 // tensor // pipeline) for tensor in (1, 2, 4, 8)
                       for pipeline in (1, 2, 4, 8) if tensor * pipeline <= 8}
    seconds = [choice['seconds']['total'] for choice in result['choices']]
    assert seconds == sorted(seconds)
    for choice in result['choices']:
        assert choice['known-by'] == 'exact' and choice['gpus'] == 8
        assert choice['free-bytes'] == result['gpus']['usable-memory-bytes'] - choice['peak-bytes']
        total = choice['seconds']['first-token'] + 511 * choice['seconds']['each-token']
        assert abs(total / choice['seconds']['total'] - 1) < 1e-9
        assert abs(choice['tokens-per-second'] * choice['seconds']['total'] / (64 * 512) - 1) < 1e-9
        assert choice['room-for-requests'] >= choice['requests'] == 64


def a_layout_of_an_engine_is_estimated_as_it_is_told():
    for engine, model in (('vllm', 'Qwen/Qwen3-30B-A3B'), ('sglang', 'Qwen/Qwen3-30B-A3B'), ('tensorrt-llm', MODEL),
                          ('lmdeploy', MODEL)):
        job = ('--engine', engine, '--max-model-len', '8192', '--prompt-length', '2048', '--batch-size', '16')
        result = succeed_json('plan', model, *job, '--gpu', 'h100-sxm5-80gb', '--gpus', '4')
        assert result['fitting'] == result['layouts'] >= 3, (engine, result['layouts'])
        for choice in result['choices']:
            words = [word for name, value in choice['settings'].items()
                     for word in (f'--{name}', str(value).lower())]
            estimate = succeed_json('estimate', model, *job[:-2], *words, '--gpu', 'h100-sxm5-80gb', '--gpus', '4')
            assert estimate['total-bytes'] == choice['peak-bytes'], (engine, choice)


def a_layout_of_a_framework_is_estimated_as_it_is_told():
    gpus = ('--gpu', 'h100-sxm5-80gb', '--gpus', '4')
    for mode, job, kinds in (
            ('fine-tuning', ('--fine-tuning-method', 'qlora', '--framework', 'trl'),
             {'none', 'full-shard', 'hybrid-shard'}),
            ('fine-tuning', ('--fine-tuning-method', 'full', '--framework', 'transformers', '--dtype', 'bfloat16'),
             {'none', 'full-shard', 'shard-grad-op', 'hybrid-shard'}),
            ('training', ('--framework', 'deepspeed', '--dtype', 'bfloat16'), {None}),
            ('training', ('--framework', 'torchtitan'), {None}),
            ('grpo', ('--framework', 'trl'), {'none'})):
        words = ('--mode', mode, *job, *(() if mode == 'grpo' else ('--sequence-length', '1024')))
        result = succeed_json('plan', MODEL, *words, *gpus, '--sequences', '16', '--top', '1000')
        seconds = [choice['seconds']['total'] for choice in result['choices']]
        microseconds = [int(1e6 * value) for value in seconds]
        assert microseconds == sorted(microseconds) and len(seconds) == result['fitting'], job
        assert {choice['settings'].get('fsdp') for choice in result['choices']} >= kinds, job
        for choice in result['choices']:
            settings = choice['settings']
            assert (settings['data-parallel'] * settings['micro-batch-size'] *
                    settings['gradient-accumulation-steps'] == 16), settings
        for choice in result['choices'][::max(1, len(seconds) // 4)]:
            estimate = succeed_json('estimate', MODEL, *words, *gpus, *(
                word for name, value in choice['settings'].items() for word in (f'--{name}', str(value).lower())))
            assert estimate['total-bytes'] == choice['peak-bytes'], (job, choice)


def what_is_given_of_a_framework_stays():
    result = succeed_json('plan', MODEL, '--mode', 'fine-tuning', '--framework', 'trl', '--gpu', 'h100-sxm5-80gb',
                          '--gpus', '4', '--micro-batch-size', '2', '--gradient-checkpointing', 'full', '--fsdp',
                          'full-shard', '--sequences', '16')
    assert result['choices']
    for choice in result['choices']:
        assert choice['settings']['micro-batch-size'] == 2 and choice['settings']['fsdp'] == 'full-shard'
        assert choice['settings']['gradient-checkpointing'] == 'full'


def what_no_engine_can_divide_is_told():
    result = succeed_json('plan', MODEL, *SERVING, '--gpu', 'h100-sxm5-80gb', '--gpus', '12')
    assert result['refused'] > 0 and 'num_attention_heads' in result['refused-because']
    assert all(choice['settings']['tensor-parallel'] in (1, 2, 4) for choice in result['choices'])
    given = succeed_json('plan', MODEL, *SERVING, '--gpu', 'h100-sxm5-80gb', '--gpus', '8', '--tensor-parallel', '2',
                         '--sequences', '16')
    assert {choice['settings']['tensor-parallel'] for choice in given['choices']} == {2}
    assert given['sequences'] == 16 and given['choices'][0]['requests'] == 16


def tables_are_written_as_files_have_them():
    table = succeed('plan', MODEL, *JOB, *GPUS, '--top', '5', '--format', 'csv').decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == 5
    assert int(rows[0]['peak-bytes']) > 0 and float(rows[0]['step-seconds']) > 0
    expect(succeed('plan', MODEL, *JOB, *GPUS, '--format', 'markdown').decode(), 'TP', '---')
    table = succeed('plan', MODEL, *SERVING, '--gpu', 'h100-sxm5-80gb', '--gpus', '8', '--format', 'csv').decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert float(rows[0]['tokens-per-second']) > 0 and 'tensor-parallel=' in rows[0]['settings']


def what_cannot_be_planned_is_refused_in_one_line():
    gpu = ('--gpu', 'H100')
    training = (MODEL, '--mode', 'training')
    for words, reason in (
            ((MODEL, '--mode', 'multimodal', *gpu), 'fine-tuning'),
            ((MODEL, '--mode', 'fine-tuning', '--fine-tuning-method', 'lora', '--framework', 'megatron-lm', *gpu),
             'full'),
            (training, '--gpu'),
            ((*training, *gpu, '--network', 'fast'), '--network'),
            ((*training, *gpu, '--per-node', '0'), '--per-node'),
            ((*training, *gpu, '--top', 'all'), '--top'),
            ((*training, *gpu, '--sequences', '-1'), '--sequences'),
            (('google-t5/t5-small', '--mode', 'training', *gpu), 'decoder'),
            ((*training, *gpu, '--format', 'pdf'), '--format'),
            ((), 'model'),
    ):
        expect(fail('plan', *words), reason)


def it_is_there_in_chinese():
    expect(succeed('plan', MODEL, *JOB, *GPUS, language='zh_CN').decode(), '布局', '显存')
    expect(succeed('plan', '--help', language='zh_CN').decode(), '--per-node', '用法')


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/plan',
        layouts_are_told_with_their_memory_and_time,
        a_layout_is_estimated_as_it_is_told,
        what_is_given_of_a_layout_stays,
        without_a_network_there_are_no_times,
        what_does_not_fit_is_status_1,
        the_fewest_gpus_come_first,
        the_fewest_gpus_that_answer_requests_are_estimated,
        layouts_of_engines_are_told_with_what_they_give,
        a_layout_of_an_engine_is_estimated_as_it_is_told,
        a_layout_of_a_framework_is_estimated_as_it_is_told,
        what_is_given_of_a_framework_stays,
        what_no_engine_can_divide_is_told,
        tables_are_written_as_files_have_them,
        what_cannot_be_planned_is_refused_in_one_line,
        it_is_there_in_chinese,
    ))
