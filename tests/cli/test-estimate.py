# SPDX-License-Identifier: GPL-3.0-or-later
"""headroom-cli estimate: what it prints, and its exit status."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import tap
from cli.program import CONFIG, MODEL, expect, fail, run, succeed, succeed_json


def the_json_of_an_estimate_adds_up():
    result = succeed_json('estimate', MODEL)
    assert result['schema'] == 'headroom-estimate/1'
    assert result['model']['parameters']['total'] == 7615616512
    assert result['model']['kv-cache-bytes-per-token'] == 57344
    assert result['gpu'] is None
    assert sum(c['bytes'] for c in result['components']) == result['total-bytes']
    assert max(p['peak-bytes'] for p in result['phases']) == result['total-bytes']
    for device in result['devices']:
        assert sum(c['bytes'] for c in device['components']) == device['peak-bytes']
    assert max(d['peak-bytes'] for d in result['devices']) == result['total-bytes']
    rule = result['rule-of-thumb']
    assert sum(c['bytes'] for c in rule['components']) == rule['total-bytes']
    assert result['settings']['batch-size'] == 1
    assert 'auto' not in result['settings'].values()
    assert [p['id'] for p in result['phases']] == ['load', 'prefill', 'head', 'decode']


LOG = (
    'INFO [model_runner.py:1146] Model loading took 14.2487 GiB and 8.2 seconds\n'
    'INFO [worker.py:287] model weights take 14.25GiB; non_torch_memory takes 0.50GiB; PyTorch activation peak memory '
    'takes 1.20GiB; the rest of the memory reserved for KV Cache is 25.11GiB.\n'
)


def what_a_machine_shows_is_kept_and_told():
    with tempfile.TemporaryDirectory() as folder:
        log, kept = os.path.join(folder, 'vllm.log'), os.path.join(folder, 'new', 'calibration.json')
        pathlib.Path(log).write_text(LOG)
        job = ('estimate', MODEL, '--engine', 'vllm', '--gpu', 'l40s')
        first = succeed_json(*job, '--log', log, '--calibrate', kept)
        logged = [f for f in first['log']['figures'] if f['id'] == 'non-torch'][0]
        assert logged['log-bytes'] == 2 ** 29
        assert first['calibration']['difference-bytes'] == -logged['difference-bytes'] != 0, first['calibration']
        # Another job of the same program on the same kind of GPU is told the same, another program nothing.
        second = succeed_json(*job, '--max-model-len', '4096', '--calibration', kept)
        difference = second['calibration']['total-bytes'] - second['total-bytes']
        assert difference == first['calibration']['difference-bytes'], second['calibration']
        assert succeed_json('estimate', MODEL, '--gpu', 'l40s', '--calibration', kept)['calibration'] is None
        assert succeed_json(*job[:-1], 'h200', '--calibration', kept)['calibration'] is None
        assert 'Calibration' in succeed(*job, '--calibration', kept).decode()
        assert succeed_json(*job)['calibration'] is None


def a_calibration_without_figures_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        kept = os.path.join(folder, 'calibration.json')
        expect(fail('estimate', MODEL, '--gpu', 'l40s', '--calibrate', kept), '--calibrate', '--log', '--measured')
        expect(fail('estimate', MODEL, '--measured', '20GiB', '--calibrate', kept), 'GPU')
        assert not os.path.exists(kept)
        pathlib.Path(kept).write_text('{"schema": "headroom-calibration/1", "rows": [{"program": 3}]}')
        expect(fail('estimate', MODEL, '--gpu', 'l40s', '--calibration', kept), 'rows[0].program', '3')


def a_safe_figure_of_an_engine_says_what_its_margin_is_of():
    for engine, words in (('vllm', 'CUDA graphs'), ('llama.cpp', 'Compute buffers')):
        result = succeed_json('estimate', MODEL, '--gpu', 'h200', '--engine', engine)
        assert result['total-bytes'] < result['safe-bytes'] < 1.1 * result['total-bytes'], result
        assert result['safe-reason'].startswith(words) and result['safe-reason'].endswith('.'), result
        text = succeed('estimate', MODEL, '--gpu', 'h200', '--engine', engine).decode()
        assert 'Safe figure' in text and words in text, text
    assert 'safe-reason' not in succeed_json('estimate', MODEL, '--gpu', 'h200')


def allocated_and_reserved_stand_beside_what_the_device_shows():
    result = succeed_json('estimate', MODEL, '--mode', 'fine-tuning', '--gpu', 'h200')
    parts = {part['id']: part['bytes'] for part in result['components']}
    assert result['reserved-bytes'] == result['total-bytes'] - parts['framework'] > 0, result
    assert result['allocated-bytes'] == result['reserved-bytes'] - parts['fragmentation'] > 0, result
    assert 'reserved-range' in succeed_json('estimate', MODEL, '--gpu', 'h200')
    spread = result['reserved-range']
    assert result['safe-bytes'] == result['total-bytes'] + spread['high-bytes'] - result['reserved-bytes']
    assert result['allocated-bytes'] <= spread['low-bytes'] < result['reserved-bytes'] < spread['high-bytes'], result
    assert spread['reason'].endswith('.'), spread
    assert parts['framework'] > 0 and parts['fragmentation'] > 0, parts
    expect(succeed('estimate', MODEL, '--gpu', 'h200').decode(), 'Allocated', 'Reserved', 'Shown by the device',
           'What formulas miss')
    expect(succeed('estimate', MODEL, '--mode', 'training').decode(), 'Range of what is reserved', 'nine of ten')
    assert 'Shown by the device' not in succeed('estimate', MODEL).decode()
    # Where the highest moment has no sentence of its own as well.
    assert succeed_json('estimate', MODEL, '--mode', 'training', '--autocast', 'bfloat16', '--dtype', 'float32',
                        '--fp32-outputs', 'true', '--micro-batch-size', '64')['allocated-bytes'] > 0
    assert 'allocated-bytes' not in succeed_json('estimate', MODEL, '--method-of-estimate', 'rule-of-thumb')


def an_option_is_a_property_under_the_same_name():
    result = succeed_json('estimate', MODEL, '--batch-size', '4', '--prompt-length=1000', '--use-cache', 'true',
                          '--dtype', 'float16', '--quantization', 'none')
    assert result['settings']['batch-size'] == 4
    assert result['settings']['prompt-length'] == 1000
    assert result['settings']['use-cache'] is True
    assert result['settings']['dtype'] == result['settings']['kv-cache-dtype'] == 'float16'


def the_last_of_two_equal_options_holds():
    result = succeed_json('estimate', MODEL, '--batch-size', '4', '--batch-size', '2')
    assert result['settings']['batch-size'] == 2


def a_longer_prompt_takes_more():
    totals = [succeed_json('estimate', MODEL, '--prompt-length', str(n))['total-bytes'] for n in (1024, 8192, 32768)]
    assert totals == sorted(totals) and len(set(totals)) == 3, totals


def the_exit_status_says_whether_it_fits():
    result = succeed_json('estimate', MODEL, '--gpu', 'rtx-4090')
    assert result['gpu']['fits'] is True
    assert result['gpu']['free-bytes'] == result['gpu']['usable-memory-bytes'] - result['total-bytes']
    result = succeed_json('estimate', MODEL, '--gpu', 'rtx-4090', '--batch-size', '64', '--prompt-length', '16384',
                          status=1)
    assert result['gpu']['fits'] is False
    assert result['gpu']['missing-bytes'] == result['total-bytes'] - result['gpu']['usable-memory-bytes']
    assert result['gpu']['free-bytes'] == 0


def the_text_is_a_table_without_escapes_in_a_pipe():
    text = succeed('estimate', MODEL, '--gpu', 'rtx-4090').decode('utf-8')
    expect(text, MODEL, 'Fits on one', 'Weights', 'KV cache', 'Total', 'Prefill', 'Rule of thumb', 'Headroom 0.')
    assert '\033' not in text and '█' not in text
    rows = [line for line in text.splitlines() if line.startswith('  Weights')]
    assert rows and '%' in rows[0]


def a_terminal_gets_colours_unless_it_says_no():
    command = f'"{os.environ["HEADROOM_CLI"]}" estimate {MODEL}'
    texts = {}
    for no_color in ('', '1'):
        environment = dict(os.environ, TERM='xterm-256color', NO_COLOR=no_color)
        try:
            result = subprocess.run(['script', '-qec', command, '/dev/null'], stdin=subprocess.DEVNULL,
                                    capture_output=True, env=environment, timeout=60, check=True)
            texts[no_color] = result.stdout.decode()
        except FileNotFoundError as error:
            raise tap.Skip('script(1) is not installed') from error
    assert '\033[38;2;' in texts[''] and '█' in texts['']
    assert '\033' not in texts['1'] and '█' in texts['1']


def chinese_under_its_language():
    text = succeed('estimate', MODEL, '--gpu', 'rtx-4090', language='zh_CN').decode('utf-8')
    expect(text, '权重', 'KV 缓存', '激活值')
    assert 'Weights' not in text
    labels = [c['label'] for c in succeed_json('estimate', MODEL, language='zh_CN')['components']]
    assert '权重' in labels
    totals = [succeed_json('estimate', MODEL, language=language)['total-bytes'] for language in ('C', 'zh_CN')]
    assert totals[0] == totals[1]


def the_plain_locale_gives_utf_8():
    text = succeed('estimate', MODEL, LC_ALL='C').decode('utf-8')
    expect(text, '─')
    expect(fail('estimate', 'no-such-model', LC_ALL='C'), '“no-such-model”')


def a_path_a_folder_and_a_scenario_are_models_too():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'config.json')
        path.write_text(json.dumps(CONFIG), encoding='utf-8')
        scenario = pathlib.Path(folder, 'a.headroom')
        scenario.write_text(json.dumps({'schema': 'headroom-scenario/1', 'model': 'config.json'}), encoding='utf-8')
        totals = [succeed_json('estimate', *arguments, cwd=folder)['total-bytes']
                  for arguments in ([str(path)], [folder], ['config.json'], ['./config.json'], [str(scenario)],
                                    ['--scenario', str(scenario)])]
        assert len(set(totals)) == 1, totals
        assert json.loads(succeed('estimate', '--format', 'json', '--', str(path)))['total-bytes'] == totals[0]


def a_name_of_ollamas_library_is_what_ollama_runs():
    named = succeed_json('estimate', 'qwen3:0.6b', '--gpu', 'rtx-4090')
    run = succeed_json('estimate', '--command', 'ollama run qwen3:0.6b', '--gpu', 'rtx-4090')
    left = succeed_json('estimate', 'llama3.2', '--engine', 'ollama', '--gpu', 'rtx-4090')
    assert named['total-bytes'] == run['total-bytes'], (named['total-bytes'], run['total-bytes'])
    assert named['settings']['engine'] == left['settings']['engine'] == 'ollama'
    assert named['settings']['tensor-types'] != 'none'
    expect(fail('estimate', 'no-such-model:7b', LC_ALL='C'), '“no-such-model:7b”')


def options_override_a_scenario():
    with tempfile.TemporaryDirectory() as folder:
        scenario = pathlib.Path(folder, 'a.headroom')
        scenario.write_text(json.dumps({
            'schema': 'headroom-scenario/1', 'model': MODEL, 'mode': 'inference',
            'settings': {'batch-size': 3, 'prompt-length': 100}, 'gpu': 'rtx-4090', 'gpus': 2,
        }), encoding='utf-8')
        result = succeed_json('estimate', '--scenario', str(scenario), '--batch-size', '5')
        assert result['settings']['batch-size'] == 5
        assert result['settings']['prompt-length'] == 100
        assert result['gpu']['count'] == 2
        result = succeed_json('estimate', '--scenario', str(scenario), 'openai-community/gpt2-medium', '--gpu', 't4',
                              '--gpus', '1')
        assert result['model']['name'] == 'openai-community/gpt2-medium'
        assert result['gpu']['count'] == 1 and 'T4' in result['gpu']['name']


def training_and_full_fine_tuning_are_estimated_alike():
    tuned = succeed_json('estimate', MODEL, '--mode', 'fine-tuning', '--fine-tuning-method', 'full',
                         '--micro-batch-size', '2', '--gpu', 'h200')
    trained = succeed_json('estimate', MODEL, '--mode', 'training', '--micro-batch-size', '2', '--gpu', 'h200')
    assert tuned['total-bytes'] == trained['total-bytes']
    for result, mode in ((tuned, 'fine-tuning'), (trained, 'training')):
        assert result['mode'] == mode
        assert result['model']['parameters']['trainable'] == result['model']['parameters']['total']
        assert sum(c['bytes'] for c in result['components']) == result['total-bytes']
        assert all(c['formula'] and c['substitution'] and c['source'] for c in result['components'])
        assert max(p['peak-bytes'] for p in result['phases']) == result['total-bytes']
        assert [p['id'] for p in result['phases']] == ['load', 'forward', 'loss', 'backward-loss', 'backward',
                                                       'optimizer']
        assert result['gpu']['fits'] is True
        assert {'framework', 'activations', 'optimizer', 'weights'} <= {c['id'] for c in result['components']}
        rule = result['rule-of-thumb']
        assert sum(c['bytes'] for c in rule['components']) == rule['total-bytes'] != result['total-bytes']


def the_numbers_of_a_formula_give_its_bytes():
    for settings in ((), ('--gradient-checkpointing', 'full'), ('--dtype', 'float32', '--autocast', 'bfloat16'),
                     ('--optimizer', 'sgd', '--sequence-length', '64'), ('--attention', 'eager')):
        for mode in ('training', 'fine-tuning'):
            result = succeed_json('estimate', MODEL, '--mode', mode, *settings)
            for component in result['components']:
                if component['id'] not in ('activations', 'logits', 'temporary', 'gradients', 'inputs'):
                    continue
                assert 'A_l' not in component['formula'], component
                value = eval(component['substitution'].replace('·', '*').replace('/', '//'))
                # Each tensor is rounded up to 512 bytes.
                assert 0 <= component['bytes'] - value < 400000, (settings, component, value)


def a_buffer_of_ones_own_is_a_part_of_each_estimate():
    for mode in ('inference', 'training', 'multimodal'):
        common = ('estimate', 'Qwen/Qwen2-VL-2B-Instruct' if mode == 'multimodal' else MODEL, '--mode', mode)
        plain = succeed_json(*common)
        kept = succeed_json(*common, '--memory-reserve', '2048')
        assert kept['total-bytes'] - plain['total-bytes'] == 2 << 30
        assert kept['allocated-bytes'] == plain['allocated-bytes']
        assert kept['reserved-bytes'] == plain['reserved-bytes']
        part, = (item for item in kept['components'] if item['id'] == 'reserve')
        assert part['bytes'] == 2 << 30 and part['formula'] and '2048' in part['substitution']
        assert sum(item['bytes'] for item in kept['components']) == kept['total-bytes']
        assert kept['rule-of-thumb']['total-bytes'] - plain['rule-of-thumb']['total-bytes'] == 2 << 30
        for before, after in zip(plain['phases'], kept['phases']):
            assert after['peak-bytes'] - before['peak-bytes'] == 2 << 30
    expect(fail('estimate', MODEL, '--memory-reserve', '99999999'), 'memory-reserve', '16777216')


def the_rule_of_thumb_has_fields_of_its_own():
    common = ('estimate', MODEL, '--mode', 'training', '--sequence-length', '512')
    plain = succeed_json(*common)
    other = succeed_json(*common, '--rule-overhead', '0', '--rule-buffers', '1024')
    assert other['total-bytes'] == plain['total-bytes']
    rule = {item['id']: item['bytes'] for item in other['rule-of-thumb']['components']}
    usual = {item['id']: item['bytes'] for item in plain['rule-of-thumb']['components']}
    assert rule.pop('temporary') == 1 << 30
    tenth = usual.pop('temporary')
    assert rule == usual and abs(tenth - sum(usual.values()) / 10) <= 1
    expect(fail(*common, '--rule-overhead', '-1'), 'rule-overhead')


def a_measurement_is_set_beside_the_estimate():
    result = succeed_json('estimate', MODEL, '--measured', '16 GiB', '--gpu', 'h200')
    assert result['measured']['bytes'] == 16 * 1024**3
    for name, bytes_ in (('device', result['total-bytes']), ('allocated', result['allocated-bytes'])):
        assert result['measured'][name]['estimated-bytes'] == bytes_
        assert result['measured'][name]['difference-bytes'] == bytes_ - 16 * 1024**3
    assert succeed_json('estimate', MODEL)['measured'] is None
    # 50 against 75 is a third of the one and half of the other.
    text = succeed('estimate', '1B', '--method-of-estimate', 'rule-of-thumb', '--measured', '75GB').decode('utf-8')
    expect(text, '% of what was measured', '% of the estimate')
    expect(fail('estimate', MODEL, '--measured', 'much'), '--measured', 'much', 'GiB')


def training_can_be_written_in_every_format():
    for name in ('text', 'csv', 'markdown', 'html', 'svg', 'pdf', 'png'):
        assert len(succeed('estimate', MODEL, '--mode', 'training', '--format', name)) > 1000
    expect(succeed('estimate', MODEL, '--mode', 'training', language='zh_CN').decode(), '训练', '梯度', '优化器状态')


def a_setting_of_another_mode_is_refused():
    expect(fail('estimate', MODEL, '--mode', 'training', '--batch-size', '2'), 'batch-size', 'training')
    expect(fail('estimate', MODEL, '--lora-rank', '8'), 'lora-rank', 'inference')
    expect(fail('estimate', MODEL, '--mode', 'fine-tuning', '--lora-dropout', '2'), 'lora-dropout', '0 to 1', '2')


def a_scenario_can_be_one_of_training():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'tuning.headroom')
        path.write_text(json.dumps({'schema': 'headroom-scenario/1', 'model': MODEL, 'mode': 'fine-tuning',
                                    'settings': {'fine-tuning-method': 'full', 'micro-batch-size': 2}}))
        result = succeed_json('estimate', '--scenario', str(path), '--sequence-length', '512')
        assert result['mode'] == 'fine-tuning'
        assert result['settings']['micro-batch-size'] == 2
        assert result['settings']['sequence-length'] == 512


def a_report_leaves_out_settings_that_say_nothing():
    tuned = ('estimate', MODEL, '--mode', 'fine-tuning', '--fine-tuning-method')
    expect(succeed(*tuned, 'lora').decode(), 'LoRA rank', 'Data type of adapters')
    text = succeed(*tuned, 'full').decode()
    assert 'LoRA rank' not in text and 'Virtual tokens' not in text and 'Micro-batch size' in text, text


def a_full_disk_behind_the_standard_output_is_an_error():
    with open('/dev/full', 'wb') as full:
        result = run('estimate', MODEL, stdout=full)
    assert result.returncode == 2
    assert result.stderr.decode().count('\n') == 1
    expect(result.stderr.decode(), 'standard output', 'No space left')


def a_closed_pipe_is_silent():
    reader, writer = os.pipe()
    os.close(reader)
    result = run('inspect', MODEL, '--tensors', stdout=writer)
    os.close(writer)
    assert result.returncode == 2
    assert result.stderr == b'', result.stderr


def the_help_lists_every_setting_with_its_range():
    text = succeed('estimate', '--help').decode('utf-8')
    for mode in ((), ('--mode', 'training'), ('--mode', 'fine-tuning', '--fine-tuning-method', 'full')):
        for setting in succeed_json('estimate', MODEL, *mode)['settings']:
            assert text.count(f'  --{setting} ') == 1, setting
    expect(text, 'a whole number from 1 to 65536; default 1', '--gpus', '--output')
    assert max(len(line) for line in text.splitlines()) <= 80
    expect(succeed('--help').decode(), 'estimate', 'inspect', 'list')
    expect(succeed('inspect', '--help').decode(), '--tensors')
    expect(succeed('list', '-h').decode(), 'architectures')
    assert succeed('--version').decode().startswith('headroom-cli 0.')


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/estimate',
        the_json_of_an_estimate_adds_up,
        what_a_machine_shows_is_kept_and_told,
        a_calibration_without_figures_is_refused,
        a_safe_figure_of_an_engine_says_what_its_margin_is_of,
        allocated_and_reserved_stand_beside_what_the_device_shows,
        an_option_is_a_property_under_the_same_name,
        the_last_of_two_equal_options_holds,
        a_longer_prompt_takes_more,
        the_exit_status_says_whether_it_fits,
        the_text_is_a_table_without_escapes_in_a_pipe,
        a_terminal_gets_colours_unless_it_says_no,
        chinese_under_its_language,
        the_plain_locale_gives_utf_8,
        a_path_a_folder_and_a_scenario_are_models_too,
        a_name_of_ollamas_library_is_what_ollama_runs,
        options_override_a_scenario,
        training_and_full_fine_tuning_are_estimated_alike,
        the_numbers_of_a_formula_give_its_bytes,
        a_buffer_of_ones_own_is_a_part_of_each_estimate,
        the_rule_of_thumb_has_fields_of_its_own,
        a_measurement_is_set_beside_the_estimate,
        training_can_be_written_in_every_format,
        a_setting_of_another_mode_is_refused,
        a_scenario_can_be_one_of_training,
        a_report_leaves_out_settings_that_say_nothing,
        a_full_disk_behind_the_standard_output_is_an_error,
        a_closed_pipe_is_silent,
        the_help_lists_every_setting_with_its_range,
    ))
