# SPDX-License-Identifier: GPL-3.0-or-later
"""headroom-cli launch: the files are read as the programs read them, and held against the options that these have."""

import ast
import json
import pathlib
import shlex
import sys
import tempfile
import tomllib

import tap
from cli.program import expect, fail, succeed, succeed_json

MODEL = 'Qwen/Qwen2.5-0.5B-Instruct'
ACCEPTED = json.loads(pathlib.Path(__file__).with_name('launch-options.json').read_text(encoding='utf-8'))

METHODS = ('full', 'freeze', 'lora', 'qlora', 'rslora', 'dora', 'lora-plus', 'pissa', 'lora-fa', 'vera', 'adalora',
           'loha', 'lokr', 'prefix', 'p-tuning', 'prompt', 'ia3', 'bitfit')
ALGORITHMS = ('sft', 'dpo', 'ipo', 'kto', 'orpo', 'simpo', 'reward', 'online-dpo', 'ppo', 'grpo', 'dr-grpo', 'dapo',
              'gspo', 'rloo')
SETTINGS = (
    ('gradient-checkpointing=full', 'reentrant-checkpointing=true', 'autocast=bfloat16'),
    ('gradient-accumulation-steps=4', 'optimizer=paged-adamw-8bit', 'fused-kernels=liger', 'torch-compile=true'),
    ('optimizer=galore', 'attention=flash', 'autocast=float16'),
    ('quantization=bnb-int8', 'attention=eager'),
    ('quantization=bnb-fp4-dq', 'optimizer-implementation=foreach'),
)
LAYOUTS = (
    (), ('fsdp=full-shard', 'fsdp-version=1', 'parameter-offload=cpu'), ('fsdp=shard-grad-op', 'fsdp-version=2'),
    ('fsdp=hybrid-shard', 'fsdp-version=1', 'data-parallel-replicas=2', 'fsdp-backward-prefetch=none'),
    ('zero-stage=1',), ('zero-stage=3', 'parameter-offload=cpu'),
)


def arguments(settings):
    return [word for setting in settings for word in ('--' + setting.split('=')[0], setting.split('=')[1])]


def files(*words):
    result = succeed_json('launch', *words)
    assert result['schema'] == 'headroom-launch/1'
    return {file['id']: file for file in result['files']}, result['unsaid']


def kind_of(value):
    kinds = {bool: 'boolean', int: 'integer', float: 'real', str: 'string', list: 'list', dict: 'object'}
    return kinds[type(value)]


def accept(program, name, value):
    """That a program has an option, and that it takes such a value."""
    options = dict(ACCEPTED[program]['options'])
    if 'extends' in ACCEPTED[program]:
        options = {**ACCEPTED[ACCEPTED[program]['extends']]['options'], **options}
    assert name in options, f'{program} has no option {name}'
    kinds = options[name].split('|')
    found = kind_of(value)
    assert 'any' in kinds or found in kinds or (found == 'integer' and 'real' in kinds), \
        f'{program}: {name} takes {kinds}, not {value!r}'


def accept_python(text):
    """Every name is defined or imported before it is used, but for layers and a loss, which are a program's own, and
    every argument is one that there is."""
    known, imported = {'layers', 'loss_fn'}, {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.ImportFrom):
            imported.update({name.name: statement.module for name in statement.names})
            continue
        call = statement.value
        function = ast.unparse(call.func)
        assert function.split('.')[0] in imported or function.split('.')[0] in known, function
        for keyword in call.keywords:
            if isinstance(keyword.value, ast.Name):
                assert keyword.value.id in known, keyword.value.id
                accept_name(function.split('.')[-1], keyword.arg)
            else:
                accept(function.split('.')[-1], keyword.arg, ast.literal_eval(keyword.value))
        known.add(statement.targets[0].id)
    return known


def accept_name(program, name):
    assert name in ACCEPTED[program]['options'], f'{program} has no option {name}'


def accept_nested(program, value, path=''):
    for name, member in value.items():
        if isinstance(member, dict):
            accept_nested(program, member, f'{path}{name}.')
        else:
            accept(program, path + name, member)


def parse_yaml(text):
    """The part of YAML that is written: names with scalars of JSON, one level of indentation."""
    root, inner = {}, None
    for line in text.splitlines():
        if line.startswith('#'):
            continue
        name, _, value = line.strip().partition(':')
        if not value:
            inner = root[name] = {}
        else:
            (inner if line.startswith('  ') else root)[name] = json.loads(value)
    return root


def accept_megatron(text):
    words = shlex.split(text.replace('\\\n', ' '), comments=True)
    start = words.index('pretrain_gpt.py') + 1
    for word in words[start:]:
        if word.startswith('--'):
            accept_name('megatron', word)
    return words[start:]


def expect_none_of(text, *parts):
    for part in parts:
        assert part not in text, part


def accept_all(launched):
    for name, file in launched.items():
        assert file['sources'] and file['programs'] and file['text'].endswith('\n')
        if name == 'python':
            accept_python(file['text'])
        elif name == 'accelerate':
            accept_nested('accelerate', parse_yaml(file['text']))
        elif name == 'deepspeed':
            accept_nested('deepspeed', json.loads(file['text']))
        elif name == 'torchtitan':
            accept_nested('torchtitan', tomllib.loads(file['text']))
        elif name == 'megatron':
            accept_megatron(file['text'])


def what_is_written_for_every_method_is_what_peft_and_transformers_take():
    for framework in ('transformers', 'trl'):
        for method in METHODS:
            launched, _ = files(MODEL, '--mode', 'fine-tuning', '--framework', framework, '--fine-tuning-method',
                                method, '--lora-targets', 'q_proj,v_proj')
            accept_all(launched)
            without = ('full', 'freeze', 'bitfit', 'adalora')
            assert ('PEFT 0.21' in launched['python']['programs']) == (method not in without)


def what_is_written_for_every_algorithm_is_what_trl_takes():
    for algorithm in ALGORITHMS:
        for more in ((), ('--fine-tuning-method', 'lora')):
            launched, _ = files(MODEL, '--mode', 'grpo', '--framework', 'trl', '--algorithm', algorithm, *more)
            accept_all(launched)
            assert 'TRL 1.6' in launched['python']['programs'], algorithm
            # A number of 0 is how a job leaves it to the program.
            expect_none_of(launched['python']['text'], 'steps_per_generation=0', 'forward_batch_size=0')


def a_reference_model_is_read_in_what_the_other_is_and_an_engine_sleeps():
    """TRL reads it in float32 where nothing is said (create_model_from_path of trl/trainer/utils.py)."""
    words = (MODEL, '--mode', 'grpo', '--framework', 'trl', '--dtype', 'bfloat16', '--fine-tuning-method', 'full')
    for algorithm in ('dpo', 'kto', 'grpo', 'rloo'):
        launched, _ = files(*words, '--algorithm', algorithm)
        accept_all(launched)
        expect(launched['python']['text'], 'model_init_kwargs={"dtype": "bfloat16"}')
    launched, _ = files(*words, '--rollout', 'vllm-colocated', '--rollout-sleep', 'level-2', '--gpus', '8', '--fsdp',
                        'full-shard', '--fsdp-version', '2')
    accept_all(launched)
    expect(launched['python']['text'], 'vllm_enable_sleep_mode=True')
    expect(launched['accelerate']['text'], 'fsdp_version: 2')


def what_is_written_for_settings_and_layouts_is_what_the_programs_take():
    for settings in SETTINGS:
        for framework in ('transformers', 'trl'):
            launched, _ = files(MODEL, '--mode', 'fine-tuning', '--framework', framework, *arguments(settings))
            accept_all(launched)
    for layout in LAYOUTS:
        launched, _ = files(MODEL, '--mode', 'fine-tuning', '--framework', 'transformers', '--gpus', '4',
                            *arguments(layout))
        accept_all(launched)
        assert {'python', 'accelerate', 'command'} <= set(launched)
        assert ('deepspeed' in launched) == any('zero' in setting for setting in layout)
    for framework in ('deepspeed', 'megatron-lm', 'torchtitan'):
        launched, _ = files('meta-llama/Meta-Llama-3-8B', '--mode', 'training', '--framework', framework, '--gpus', '8')
        accept_all(launched)


def what_is_written_for_inference_is_what_transformers_takes():
    for words in ((), ('--quantization', 'bnb-nf4', '--attention', 'flash'), ('--beams', '4', '--use-cache', 'false'),
                  ('--gpus', '2')):
        launched, unsaid = files(MODEL, *words)
        assert list(launched) == ['python'] and unsaid == []
        accept_all(launched)
    launched, _ = files('Qwen/Qwen2.5-VL-7B-Instruct', '--mode', 'inference', '--output-length', '77')
    expect(launched['python']['text'], 'AutoModelForImageTextToText', 'max_new_tokens=77', 'device_map="cuda"')


def what_is_written_for_llama_cpp_is_what_its_server_takes():
    for words in ((), ('--max-model-len', '4096', '--max-num-seqs', '4', '--kv-unified', 'true'),
                  ('--cache-type-k', 'q8_0', '--cache-type-v', 'q8_0', '--flash-attention', 'on', '--swa-full', 'true'),
                  ('--gpu-layers', '12', '--n-cpu-moe', '3', '--kv-offload', 'false', '--dtype', 'float16'),
                  ('--draft-model', 'Qwen/Qwen2.5-0.5B', '--draft-gpu-layers', '5', '--draft-quantization', 'q8_0',
                   '--draft-cache-type-k', 'q8_0', '--draft-batched-tokens', '64'),
                  ('--override-tensor', 'exps=CPU', '--n-cpu-ffn', '2', '--op-offload', 'false'),
                  ('--gpus', '2', '--tensor-split', '3,1'), ('--gpus', '2', '--split-mode', 'none'),
                  ('--mmproj', 'f16', '--mmproj-offload', 'false', '--image-max-tokens', '1024')):
        launched, unsaid = files(MODEL, '--engine', 'llama.cpp', '--quantization', 'q4_k_m', *words)
        assert list(launched) == ['command'] and unsaid == [], (words, list(launched), unsaid)
        line = shlex.split(launched['command']['text'].replace('\\\n', ' '), comments=True)
        assert line[0] == 'llama-server'
        for word in line:
            if word.startswith('--'):
                accept_name('llama-server', word)
        for name, value in zip(words[::2], words[1::2]):
            if name.startswith('--cache-type') or name in ('--gpu-layers', '--n-cpu-moe'):
                assert line[line.index(name) + 1] == value, (name, line)
        assert ('--swa-full' in line) == ('--swa-full' in words)
        assert ('--spec-draft-model' in line) == ('--draft-model' in words)
        assert ('mmproj-F16.gguf' in line) == ('--mmproj' in words)
        if '--max-num-seqs' in words:
            assert line[line.index('--ctx-size') + 1] == str(4 * 4096)


def what_is_written_for_colossalchat_is_what_its_scripts_take():
    scripts = {'sft': 'sft', 'dpo': 'dpo', 'simpo': 'dpo', 'orpo': 'orpo', 'kto': 'kto'}
    for algorithm, script in scripts.items():
        for offload, plugin in (('none', 'zero2'), ('cpu', 'zero2_cpu')):
            launched, unsaid = files('meta-llama/Llama-2-7b-hf', '--mode', 'grpo', '--framework', 'colossalai',
                                     '--algorithm', algorithm, '--fine-tuning-method', 'full', '--gpus', '4',
                                     '--optimizer-offload', offload, '--dtype', 'bfloat16', '--attention', 'flash',
                                     '--gradient-checkpointing', 'full', '--sequence-length', '2048')
            assert list(launched) == ['command'] and unsaid == [], (list(launched), unsaid)
            words = shlex.split(launched['command']['text'].replace('\\\n', ' '), comments=True)
            assert words[:5] == ['colossalai', 'run', '--nproc_per_node', '4', f'train_{script}.py'], words
            for word in words[5:]:
                if word.startswith('--'):
                    accept_name(words[4], word)
            value = dict(zip(words[5:], words[6:]))
            assert value['--plugin'] == plugin and value['--mixed_precision'] == 'bf16'
            assert value['--max_len' if script == 'sft' else '--max_length'] == '2048'
            assert {'--grad_checkpoint', '--use_flash_attn'} <= set(words)
            assert ('--loss_type' in words) == ('--disable_reference_model' in words) == (algorithm == 'simpo')


def what_is_written_for_vllm_is_what_its_server_takes():
    for words in ((), ('--max-model-len', '4096', '--max-num-seqs', '64', '--max-num-batched-tokens', '1024'),
                  ('--kv-cache-dtype', 'float8', '--block-size', '32', '--enforce-eager', 'true'),
                  ('--gpu-memory-utilization', '0.75', '--dtype', 'float16')):
        launched, unsaid = files(MODEL, '--engine', 'vllm', *words)
        assert list(launched) == ['command'] and unsaid == [], (words, list(launched), unsaid)
        line = shlex.split(launched['command']['text'].replace('\\\n', ' '), comments=True)
        assert line[:3] == ['vllm', 'serve', MODEL], line
        for word in line:
            if word.startswith('--'):
                accept_name('vllm', word)
        assert '--mamba-ssm-cache-dtype' not in line, line
        for name, value in zip(words[::2], words[1::2]):
            if value not in ('true', 'float8'):
                assert line[line.index(name) + 1] == value, (name, line)
        assert ('--enforce-eager' in line) == ('--enforce-eager' in words)
        assert ('fp8' in line) == ('float8' in words)
    launched, unsaid = files(MODEL, '--engine', 'vllm', '--gpus', '4', '--tensor-parallel', '2')
    line = shlex.split(launched['command']['text'].replace('\\\n', ' '), comments=True)
    assert unsaid == [] and line[line.index('--tensor-parallel-size') + 1] == '2', (line, unsaid)
    assert line[line.index('--data-parallel-size') + 1] == '2' and '--pipeline-parallel-size' not in line, line


def sglang_line(*words):
    launched, unsaid = files(MODEL, '--engine', 'sglang', *words)
    assert list(launched) == ['command'] and unsaid == [], (words, list(launched), unsaid)
    line = shlex.split(launched['command']['text'].replace('\\\n', ' '), comments=True)
    assert line[:5] == ['python', '-m', 'sglang.launch_server', '--model-path', MODEL], line
    for word in line:
        if word.startswith('--'):
            accept_name('sglang', word)
    return line


def what_is_written_for_sglang_is_what_its_server_takes():
    assert '--mem-fraction-static' not in sglang_line()
    for words, expected in ((('--max-model-len', '4096'), ['--context-length', '4096']),
                            (('--max-num-seqs', '64'), ['--max-running-requests', '64']),
                            (('--max-num-batched-tokens', '1024'), ['--chunked-prefill-size', '1024']),
                            (('--mem-fraction-static', '0.75'), ['--mem-fraction-static', '0.75']),
                            (('--kv-cache-dtype', 'float8'), ['--kv-cache-dtype', 'fp8_e4m3']),
                            (('--block-size', '64'), ['--page-size', '64']),
                            (('--enforce-eager', 'true'), ['--disable-cuda-graph']),
                            (('--max-loras', '4', '--max-lora-rank', '32'),
                             ['--max-loras-per-batch', '4', '--max-lora-rank', '32', '--lora-target-modules', 'all']),
                            (('--quantization', 'fp8-tensor'), ['--quantization', 'fp8'])):
        line = sglang_line(*words)
        assert any(line[i:i + len(expected)] == expected for i in range(len(line))), (expected, line)
    line = sglang_line('--gpus', '4', '--tensor-parallel', '2')
    assert line[line.index('--tp-size') + 1] == '2' and line[line.index('--dp-size') + 1] == '2', line
    line = sglang_line('--gpus', '4', '--tensor-parallel', '2', '--data-parallel', '2', '--dp-attention', 'true')
    assert line[line.index('--tp-size') + 1] == '4' and '--enable-dp-attention' in line, line


def served_line(engine, call, *words, beside=()):
    launched, unsaid = files(MODEL, '--engine', engine, *words)
    assert list(launched) == [*beside, 'command'] and unsaid == [], (words, list(launched), unsaid)
    line = shlex.split(launched['command']['text'].replace('\\\n', ' '), comments=True)
    assert line[:len(call) + 1] == [*call, MODEL], line
    for word in line:
        if word.startswith('--'):
            accept_name(engine, word)
    return line


def what_is_written_for_lmdeploy_is_what_its_server_takes():
    call = ['lmdeploy', 'serve', 'api_server']
    line = served_line('lmdeploy', call)
    assert line[line.index('--backend') + 1] == 'turbomind', line
    for words, expected in ((('--max-model-len', '4096'), ['--session-len', '4096']),
                            (('--max-num-seqs', '64'), ['--max-batch-size', '64']),
                            (('--max-num-batched-tokens', '1024'), ['--max-prefill-token-num', '1024']),
                            (('--cache-max-entry-count', '0.5'), ['--cache-max-entry-count', '0.5']),
                            (('--kv-cache-dtype', 'int8'), ['--quant-policy', '8']),
                            (('--kv-cache-dtype', 'int4'), ['--quant-policy', '4']),
                            (('--block-size', '32'), ['--cache-block-seq-len', '32']),
                            (('--lmdeploy-backend', 'pytorch', '--enforce-eager', 'true'), ['--eager-mode']),
                            (('--quantization', 'awq-int4'), ['--model-format', 'awq'])):
        line = served_line('lmdeploy', call, *words)
        assert any(line[i:i + len(expected)] == expected for i in range(len(line))), (expected, line)
    line = served_line('lmdeploy', call, '--gpus', '4', '--tensor-parallel', '2')
    assert line[line.index('--tp') + 1] == '2' and line[line.index('--dp') + 1] == '2', line


def what_is_written_for_tensorrt_llm_is_what_its_server_takes():
    call = ['trtllm-serve', 'serve']
    for words, expected in ((('--max-model-len', '4096'), ['--max_seq_len', '4096']),
                            (('--max-num-seqs', '64'), ['--max_batch_size', '64']),
                            (('--max-num-batched-tokens', '1024'), ['--max_num_tokens', '1024']),
                            (('--free-gpu-memory-fraction', '0.75'), ['--kv_cache_free_gpu_memory_fraction', '0.75']),
                            (('--kv-cache-dtype', 'float8'), ['--kv_cache_dtype', 'fp8'])):
        line = served_line('tensorrt-llm', call, *words)
        assert any(line[i:i + len(expected)] == expected for i in range(len(line))), (expected, line)
    for words, expected in ((('--block-size', '64'), 'kv_cache_config:\n  tokens_per_block: 64\n'),
                            (('--max-total-tokens', '90000'), 'kv_cache_config:\n  max_tokens: 90000\n'),
                            (('--block-size', '64', '--max-total-tokens', '90000'),
                             'kv_cache_config:\n  tokens_per_block: 64\n  max_tokens: 90000\n')):
        line = served_line('tensorrt-llm', call, *words, beside=['trtllm'])
        assert line[line.index('--extra_llm_api_options') + 1] == 'trtllm.yaml', line
        launched, _ = files(MODEL, '--engine', 'tensorrt-llm', *words)
        assert launched['trtllm']['text'].endswith(expected), launched['trtllm']['text']
    line = served_line('tensorrt-llm', call, '--gpus', '4', '--tensor-parallel', '2', '--pipeline-parallel', '2')
    assert line[line.index('--tp_size') + 1] == '2' and line[line.index('--pp_size') + 1] == '2', line


def what_is_written_for_exllama_is_what_tabbyapi_takes():
    for words, expected in ((('--max-total-tokens', '32768'), ['--cache-size', '32768']),
                            (('--prompt-length', '1000', '--output-length', '25'), ['--cache-size', '1280']),
                            (('--cache-mode', '5,4'), ['--cache-mode', '5,4']),
                            (('--max-num-batched-tokens', '1024'), ['--chunk-size', '1024']),
                            (('--n-cpu-moe', '9'), ['--cpu-moe-offload-layers', '9'])):
        launched, unsaid = files(MODEL, '--engine', 'exllama', *words)
        assert list(launched) == ['command'] and unsaid == [], (words, list(launched), unsaid)
        line = shlex.split(launched['command']['text'].replace('\\\n', ' '), comments=True)
        assert line[:2] == ['python', 'main.py'] and line[line.index('--model-name') + 1] == MODEL, line
        for word in line:
            if word.startswith('--'):
                accept_name('exllama', word)
        assert any(line[i:i + len(expected)] == expected for i in range(len(line))), (expected, line)
    launched, unsaid = files(MODEL, '--engine', 'exllama', '--quantization', 'exl3', '--bits-per-weight', '3.5')
    assert unsaid == [], unsaid
    convert, serve = launched['command']['text'].replace('\\\n', ' ').split('python main.py')
    for word in shlex.split(convert, comments=True):
        if word.startswith('--'):
            accept_name('exllama-convert', word)
    assert '--bits 3.5' in ' '.join(convert.split()) and '--model-name exl3' in ' '.join(serve.split())


def the_values_are_those_of_the_job():
    launched, _ = files('meta-llama/Meta-Llama-3-8B', '--mode', 'training', '--framework', 'megatron-lm', '--gpus', '8',
                        '--tensor-parallel', '4', '--sequence-parallel', 'true', '--micro-batch-size', '2',
                        '--gradient-accumulation-steps', '16', '--sequence-length', '4096', '--zero-stage', '1')
    words = accept_megatron(launched['megatron']['text'])
    value = dict(zip(words, words[1:]))
    assert value['--tensor-model-parallel-size'] == '4' and value['--global-batch-size'] == str(2 * 16 * 2)
    assert value['--seq-length'] == '4096' and value['--num-query-groups'] == '8'
    assert {'--sequence-parallel', '--use-distributed-optimizer', '--swiglu'} <= set(words)

    launched, unsaid = files('meta-llama/Meta-Llama-3-8B', '--mode', 'training', '--framework', 'megatron-lm', '--gpus',
                             '8', '--tensor-parallel', '2', '--pipeline-parallel', '4', '--virtual-pipeline-parallel',
                             '2', '--gradient-accumulation-steps', '8', '--gradient-checkpointing', 'full',
                             '--layers-per-checkpoint', '2', '--distribute-checkpoints', 'true', '--attention', 'eager',
                             '--micro-batch-group-size', '8', '--count-embedding-as-layer', 'true',
                             '--count-loss-as-layer', 'true', '--loss-implementation', 'megatron-fused',
                             '--deferred-head-gradients', '2', '--optimizer', 'muon', '--mtp-num-layers', '1')
    words = accept_megatron(launched['megatron']['text'])
    value = dict(zip(words, words[1:]))
    assert value['--mtp-num-layers'] == '1'
    assert '--defer-embedding-wgrad-compute' in words and value['--wgrad-deferral-limit'] == '2'
    assert value['--optimizer'] == 'muon'
    assert '--cross-entropy-loss-fusion' in words and value['--cross-entropy-fusion-impl'] == 'native'
    assert value['--microbatch-group-size-per-virtual-pipeline-stage'] == '8'
    assert {'--account-for-embedding-in-pipeline-split', '--account-for-loss-in-pipeline-split'} <= set(words)
    assert value['--num-virtual-stages-per-pipeline-rank'] == '2' and value['--recompute-num-layers'] == '2'
    assert value['--recompute-method'] == 'uniform' and value['--transformer-impl'] == 'local'
    assert '--distribute-saved-activations' in words and unsaid == []

    launched, unsaid = files('mistralai/Mixtral-8x7B-v0.1', '--mode', 'training', '--framework', 'megatron-lm',
                             '--gpus', '8', '--tensor-parallel', '2', '--sequence-parallel', 'true',
                             '--expert-parallel', '8', '--expert-tensor-parallel', '1', '--moe-dispatcher', 'alltoall',
                             '--expert-capacity-factor', '1.5', '--pad-to-capacity', 'true', '--moe-grouped-gemm',
                             'true')
    words = accept_megatron(launched['megatron']['text'])
    value = dict(zip(words, words[1:]))
    assert value['--expert-model-parallel-size'] == '8' and value['--expert-tensor-parallel-size'] == '1'
    assert value['--moe-token-dispatcher-type'] == 'alltoall' and value['--moe-expert-capacity-factor'] == '1.5'
    assert value['--num-experts'] == '8' and value['--moe-router-topk'] == '2' and unsaid == []
    assert {'--moe-grouped-gemm', '--moe-pad-expert-input-to-capacity'} <= set(words)

    launched, unsaid = files('meta-llama/Meta-Llama-3-8B', '--mode', 'training', '--framework', 'megatron-lm', '--gpus',
                             '4', '--pipeline-parallel', '4', '--first-stage-layers', '7', '--last-stage-layers', '5')
    words = accept_megatron(launched['megatron']['text'])
    value = dict(zip(words, words[1:]))
    assert value['--decoder-first-pipeline-num-layers'] == '7' and unsaid == []
    assert value['--decoder-last-pipeline-num-layers'] == '5'

    launched, unsaid = files('meta-llama/Meta-Llama-3-8B', '--mode', 'training', '--framework', 'megatron-lm', '--gpus',
                             '8', '--context-parallel', '8', '--ulysses-parallel', '2')
    words = accept_megatron(launched['megatron']['text'])
    value = dict(zip(words, words[1:]))
    at = words.index('--hierarchical-context-parallel-sizes')
    assert value['--context-parallel-size'] == '8' and value['--cp-comm-type'] == 'a2a+p2p' and unsaid == []
    assert words[at + 1:at + 3] == ['2', '4']

    launched, _ = files('meta-llama/Meta-Llama-3-8B', '--mode', 'training', '--framework', 'megatron-lm', '--gpus', '8',
                        '--context-parallel', '8', '--ulysses-parallel', '8')
    words = accept_megatron(launched['megatron']['text'])
    assert words[words.index('--cp-comm-type') + 1] == 'a2a' and '--hierarchical-context-parallel-sizes' not in words

    launched, unsaid = files('meta-llama/Meta-Llama-3-8B', '--mode', 'training', '--framework', 'megatron-lm',
                             '--gradient-checkpointing', 'selective', '--selective-checkpointing', 'first',
                             '--checkpointing-layers', '4', '--attention', 'sdpa-math')
    words = accept_megatron(launched['megatron']['text'])
    value = dict(zip(words, words[1:]))
    assert value['--recompute-granularity'] == 'full' and value['--recompute-method'] == 'block'
    assert value['--recompute-num-layers'] == '4' and value['--attention-backend'] == 'unfused' and unsaid == []

    launched, _ = files(MODEL, '--mode', 'grpo', '--framework', 'trl', '--rollout', 'vllm-colocated',
                        '--gpu-memory-utilization', '0.3', '--num-generations', '4', '--fine-tuning-method', 'qlora')
    expect(launched['python']['text'], 'vllm_gpu_memory_utilization=0.3', 'num_generations=4', 'load_in_4bit=True',
           'bnb_4bit_use_double_quant=True', 'vllm_mode="colocate"')

    launched, _ = files('meta-llama/Meta-Llama-3-8B', '--mode', 'training', '--framework', 'torchtitan', '--gpus', '8',
                        '--fp8-recipe', 'rowwise-with-gw-hp')
    config = tomllib.loads(launched['torchtitan']['text'])
    assert config['quantize']['linear']['float8']['recipe_name'] == 'rowwise_with_gw_hp'
    assert config['model'] == {'name': 'llama3', 'flavor': '8B', 'converters': ['quantize.linear.float8']}


def the_schedule_of_a_pipeline_is_said_for_torchtitan():
    for schedule, parts, name in (('1f1b', '1', '1F1B'), ('1f1b', '2', 'Interleaved1F1B'), ('gpipe', '1', 'GPipe'),
                                  ('gpipe', '2', 'LoopedBFS'), ('zero-bubble', '2', 'InterleavedZeroBubble'),
                                  ('zbv', '2', 'ZBVZeroBubble'), ('dualpipe-v', '2', 'DualPipeV')):
        launched, unsaid = files('meta-llama/Meta-Llama-3-8B', '--mode', 'training', '--framework', 'torchtitan',
                                 '--gpus', '8', '--pipeline-parallel', '4', '--pipeline-schedule', schedule,
                                 '--virtual-pipeline-parallel', parts,
                                 '--micro-batch-size', '2', '--gradient-accumulation-steps', '8')
        config = tomllib.loads(launched['torchtitan']['text'])
        assert config['parallelism']['pipeline_parallel_schedule'] == name and unsaid == [], (schedule, unsaid)
        assert config['parallelism']['pipeline_parallel_microbatch_size'] == 2
        # Parts of equal numbers of layers: torchtitan would have the embedding and the head count as one each.
        assert 'pipeline_parallel_layers_per_stage' not in config['parallelism']
        assert config['parallelism']['pipeline_parallel_first_stage_less_layers'] == 0
        assert config['training']['local_batch_size'] == 16 and config['training']['global_batch_size'] == 32
        accept_all(launched)


def layers_that_ranks_share_are_said_for_torchtitan_and_transformers():
    words = ('meta-llama/Meta-Llama-3-8B', '--mode', 'training', '--tensor-parallel', '4', '--framework')
    launched, unsaid = files(*words, 'torchtitan', '--gpus', '8', '--sequence-parallel', 'true')
    parallelism = tomllib.loads(launched['torchtitan']['text'])['parallelism']
    assert parallelism['tensor_parallel_degree'] == 4 and parallelism['data_parallel_shard_degree'] == 2, parallelism
    assert unsaid == [] and 'fsdp_reshard_after_forward' not in parallelism, (unsaid, parallelism)
    accept_all(launched)
    launched, unsaid = files(*words, 'torchtitan', '--gpus', '8', '--sequence-parallel', 'true', '--fsdp',
                             'shard-grad-op')
    parallelism = tomllib.loads(launched['torchtitan']['text'])['parallelism']
    assert parallelism['fsdp_reshard_after_forward'] == 'never' and unsaid == [], (parallelism, unsaid)
    accept_all(launched)
    launched, unsaid = files(*words, 'torchtitan', '--gpus', '32', '--sequence-parallel', 'true',
                             '--pipeline-parallel', '2', '--context-parallel', '2', '--gradient-accumulation-steps',
                             '8')
    parallelism = tomllib.loads(launched['torchtitan']['text'])['parallelism']
    degrees = [parallelism[f'{name}_degree'] for name in ('data_parallel_shard', 'tensor_parallel',
                                                          'pipeline_parallel', 'context_parallel')]
    assert degrees == [2, 4, 2, 2] and unsaid == [], (parallelism, unsaid)
    accept_all(launched)
    # What is estimated: one micro-batch for each stage where nothing is said, computed in bfloat16.
    launched, _ = files(*words, 'torchtitan', '--gpus', '32', '--sequence-parallel', 'true', '--pipeline-parallel', '8')
    training = tomllib.loads(launched['torchtitan']['text'])['training']
    assert training['local_batch_size'] == 8 and training['mixed_precision_param'] == 'bfloat16', training
    accept_all(launched)
    launched, _ = files(*words, 'transformers', '--gpus', '4')
    expect(launched['python']['text'], 'tp_plan="auto"')
    expect_none_of(launched['python']['text'], 'device_mesh')
    accept_all(launched)
    launched, _ = files(*words, 'transformers', '--gpus', '8', '--fsdp', 'full-shard', '--fsdp-version', '2')
    expect(launched['python']['text'], 'ParallelismConfig(', 'dp_shard_size=2', 'tp_size=4', 'device_mesh=device_mesh',
           'parallelism_config=parallelism_config')
    mesh = parse_yaml(launched['accelerate']['text'])['parallelism_config']
    assert mesh == {'parallelism_config_dp_shard_size': 2, 'parallelism_config_tp_size': 4}, mesh
    accept_all(launched)


def a_bucket_of_deepspeed_is_said():
    launched, unsaid = files(MODEL, '--mode', 'training', '--framework', 'deepspeed', '--gpus', '4',
                             '--zero-stage', '2', '--reduce-bucket-size', '1000000', '--overlap-comm', 'true')
    zero = json.loads(launched['deepspeed']['text'])['zero_optimization']
    assert zero == {'stage': 2, 'reduce_bucket_size': 1000000, 'overlap_comm': True,
                    'contiguous_gradients': True} and unsaid == []
    accept_all(launched)


def sequences_that_deepspeed_shares_are_said():
    launched, unsaid = files(MODEL, '--mode', 'fine-tuning', '--framework', 'transformers', '--gpus', '8',
                             '--context-parallel', '4', '--zero-stage', '3', '--autocast', 'bfloat16',
                             '--fine-tuning-method', 'full', '--sequence-length', '4096')
    accept_all(launched)
    shares = parse_yaml(launched['accelerate']['text'])['parallelism_config']
    assert shares['parallelism_config_sp_size'] == 4 and shares['parallelism_config_dp_shard_size'] == 2, shares
    assert shares['parallelism_config_sp_backend'] == 'deepspeed' and unsaid == [], (shares, unsaid)
    launched, unsaid = files(MODEL, '--mode', 'training', '--framework', 'deepspeed', '--gpus', '8',
                             '--context-parallel', '4', '--zero-stage', '1', '--micro-batch-size', '2',
                             '--sequence-length', '4096')
    accept_all(launched)
    expect(launched['python']['text'], 'UlyssesSPAttentionHF.register_with_transformers(', 'sequence_parallel_size=4',
           'micro_batch_size=2')
    assert unsaid == [], unsaid


def stages_of_a_pipeline_of_deepspeed_are_said():
    launched, unsaid = files(MODEL, '--mode', 'training', '--framework', 'deepspeed', '--gpus', '8',
                             '--pipeline-parallel', '4', '--zero-stage', '1', '--gradient-accumulation-steps', '8')
    accept_all(launched)
    expect(launched['python']['text'], 'from deepspeed.pipe import PipelineModule', 'num_stages=4',
           'partition_method="type:(Layer|Block)$"')
    assert json.loads(launched['deepspeed']['text'])['gradient_accumulation_steps'] == 8
    assert unsaid == [], unsaid


def the_third_stage_of_deepspeed_is_said():
    launched, unsaid = files(MODEL, '--mode', 'training', '--framework', 'deepspeed', '--gpus', '4',
                             '--zero-stage', '3', '--stage3-max-live-parameters', '5', '--sub-group-size', '7',
                             '--parameter-offload', 'cpu', '--optimizer-offload', 'cpu')
    zero = json.loads(launched['deepspeed']['text'])['zero_optimization']
    assert zero['stage'] == 3 and zero['stage3_max_live_parameters'] == 5 and zero['sub_group_size'] == 7
    assert zero['stage3_prefetch_bucket_size'] == 50000000
    assert zero['offload_param'] == zero['offload_optimizer'] == {'device': 'cpu', 'pin_memory': True}
    assert unsaid == []
    accept_all(launched)


def get_trainer(text):
    """The arguments of the trainer, as they stand in the program."""
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == 'args':
            return {keyword.arg: ast.literal_eval(keyword.value) for keyword in statement.value.keywords
                    if isinstance(keyword.value, ast.Constant)}
    return None


def what_the_trainer_is_told_is_what_deepspeed_is_told():
    """HfTrainerDeepSpeedConfig.trainer_config_process of transformers/integrations/deepspeed.py refuses the rest."""
    jobs = [('fine-tuning', framework, ()) for framework in ('transformers', 'trl')]
    jobs += [('grpo', 'trl', (f'algorithm={algorithm}',)) for algorithm in ('sft', 'dpo', 'grpo', 'reward')]
    precisions = (('dtype=bfloat16',), ('dtype=float16',), ('dtype=float32',), ('autocast=bfloat16',),
                  ('dtype=float32', 'autocast=bfloat16'), ('dtype=bfloat16', 'autocast=float16'))
    seen = set()
    for mode, framework, own in jobs:
        for index, precision in enumerate(precisions):
            rest = (f'zero-stage={index % 3 + 1}', 'gradient-accumulation-steps=8', 'micro-batch-size=4',
                    f'gradient-clipping={"true" if index % 2 else "false"}')
            launched, _ = files(MODEL, '--mode', mode, '--framework', framework, '--gpus', '4',
                                *arguments((*own, *precision, *rest)))
            told, trainer = json.loads(launched['deepspeed']['text']), get_trainer(launched['python']['text'])
            assert told['train_micro_batch_size_per_gpu'] == trainer['per_device_train_batch_size'], (told, trainer)
            assert told['gradient_accumulation_steps'] == trainer['gradient_accumulation_steps'] == 8
            assert told.get('gradient_clipping', 1.0) == trainer.get('max_grad_norm', 1.0), (told, trainer)
            for name in ('bf16', 'fp16'):
                assert told.get(name, {}).get('enabled', False) == trainer[name], (name, told, trainer)
            seen.add((trainer['bf16'], trainer['fp16']))
    assert seen == {(True, False), (False, True), (False, False)}


def what_no_file_says_is_named():
    # AdaLoRA wants to know how many steps there will be, which no setting says.
    _, unsaid = files(MODEL, '--mode', 'fine-tuning', '--framework', 'transformers', '--fine-tuning-method', 'adalora')
    assert unsaid == ['fine-tuning-method'], unsaid
    _, unsaid = files(MODEL, '--mode', 'fine-tuning', '--framework', 'transformers', '--fine-tuning-method', 'lora-fa',
                      '--activation-offload', 'save-on-cpu')
    assert unsaid == ['fine-tuning-method', 'activation-offload'], unsaid
    text = succeed('launch', MODEL, '--mode', 'fine-tuning', '--framework', 'transformers', '--activation-offload',
                   'save-on-cpu').decode()
    expect(' '.join(text.split()), 'train.py', 'see to it yourself: Activation offload')
    _, unsaid = files(MODEL, '--mode', 'fine-tuning', '--framework', 'trl', '--packing', 'bfd')
    assert unsaid == [], unsaid


def what_trl_refuses_is_said():
    """GRPOConfig and RLOOConfig want whole groups of answers: micro-batch × ranks × micro-batches per generation."""
    for refused, *words in [
        ('1', '--micro-batch-size', '1'),
        ('12', '--micro-batch-size', '4', '--gradient-accumulation-steps', '3'),
        ('4', '--micro-batch-size', '2', '--gradient-accumulation-steps', '8', '--steps-per-generation', '2'),
        ('6', '--micro-batch-size', '3', '--gpus', '2', '--algorithm', 'rloo'),
        (None, '--micro-batch-size', '8'),
        (None, '--micro-batch-size', '1', '--gradient-accumulation-steps', '8'),
        (None, '--micro-batch-size', '4', '--gpus', '2'),
        (None, '--micro-batch-size', '3', '--num-generations', '3'),
        (None, '--micro-batch-size', '1', '--algorithm', 'dpo'),
    ]:
        job = [MODEL, '--mode', 'grpo', '--framework', 'trl', *words]
        launched = succeed_json('launch', *job)['warnings']
        estimated = [text for text in succeed_json('estimate', *job)['warnings'] if 'TRL refuses' in text]
        assert launched == estimated, (words, launched, estimated)
        assert len(launched) == (refused is not None), (words, launched)
        if refused:
            expect(launched[0], f'{refused} is not divisible by')
            assert launched[0] in ' '.join(succeed('launch', *job).decode().split()), words
    assert not any('TRL refuses' in text
                   for text in succeed_json('estimate', MODEL, '--mode', 'grpo', '--micro-batch-size', '1')['warnings'])


def one_file_is_written_as_it_is():
    job = (MODEL, '--mode', 'fine-tuning', '--framework', 'transformers', '--gpus', '2', '--zero-stage', '3')
    text = succeed('launch', *job, '--file', 'deepspeed').decode()
    assert json.loads(text)['zero_optimization']['stage'] == 3
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder, 'anything.conf')
        assert succeed('launch', *job, '--file', 'deepspeed', '--output', str(output)) == b''
        assert output.read_text(encoding='utf-8') == text


def what_cannot_be_launched_is_refused_in_a_sentence():
    expect(fail('launch', MODEL, '--mode', 'fine-tuning', '--framework', 'pytorch'), 'transformers', 'Megatron-LM')
    expect(fail('launch', MODEL, '--mode', 'grpo', '--framework', 'verl'), 'transformers')
    expect(fail('launch', MODEL, '--mode', 'fine-tuning', '--framework', 'trl', '--file', 'deepspeed'), '--file',
           'python', 'deepspeed')
    expect(fail('launch', MODEL, '--mode', 'fine-tuning', '--framework', 'trl', '--file', 'python', '--format', 'json'),
           '--file', '--format')
    expect(fail('launch', MODEL, '--mode', 'training', '--framework', 'megatron-lm', '--gpus', '6',
                '--tensor-parallel', '4'), '4')
    expect(fail('launch'), 'model')


def it_is_there_in_chinese():
    text = succeed('launch', MODEL, '--mode', 'fine-tuning', '--framework', 'transformers', '--activation-offload',
                   'save-on-cpu', language='zh_CN').decode()
    expect(text, 'train.py', '激活值')
    expect(succeed('launch', '--help', language='zh_CN').decode(), '--file', '用法')


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/launch',
        what_is_written_for_every_method_is_what_peft_and_transformers_take,
        what_is_written_for_every_algorithm_is_what_trl_takes,
        a_reference_model_is_read_in_what_the_other_is_and_an_engine_sleeps,
        what_is_written_for_settings_and_layouts_is_what_the_programs_take,
        what_is_written_for_inference_is_what_transformers_takes,
        what_is_written_for_llama_cpp_is_what_its_server_takes,
        what_is_written_for_colossalchat_is_what_its_scripts_take,
        what_is_written_for_vllm_is_what_its_server_takes,
        what_is_written_for_sglang_is_what_its_server_takes,
        what_is_written_for_lmdeploy_is_what_its_server_takes,
        what_is_written_for_tensorrt_llm_is_what_its_server_takes,
        what_is_written_for_exllama_is_what_tabbyapi_takes,
        the_values_are_those_of_the_job,
        the_schedule_of_a_pipeline_is_said_for_torchtitan,
        layers_that_ranks_share_are_said_for_torchtitan_and_transformers,
        a_bucket_of_deepspeed_is_said,
        sequences_that_deepspeed_shares_are_said,
        stages_of_a_pipeline_of_deepspeed_are_said,
        the_third_stage_of_deepspeed_is_said,
        what_the_trainer_is_told_is_what_deepspeed_is_told,
        what_no_file_says_is_named,
        what_trl_refuses_is_said,
        one_file_is_written_as_it_is,
        what_cannot_be_launched_is_refused_in_a_sentence,
        it_is_there_in_chinese,
    ))
