# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs headroom-cli, as a user or a script would."""

import json
import os
import subprocess

MODEL = 'Qwen/Qwen2.5-7B-Instruct'

CONFIG = {
    'architectures': ['LlamaForCausalLM'],
    'model_type': 'llama',
    'hidden_size': 64,
    'intermediate_size': 128,
    'num_hidden_layers': 2,
    'num_attention_heads': 4,
    'num_key_value_heads': 2,
    'vocab_size': 100,
    'max_position_embeddings': 128,
    'torch_dtype': 'float16',
}


# Takes from root the right to open what permissions close.
WITHOUT_PRIVILEGE = ('setpriv', '--bounding-set', '-dac_override,-dac_read_search') if os.geteuid() == 0 else ()


def run(*arguments, language='C', stdout=subprocess.PIPE, cwd=None, prefix=(), **variables):
    environment = dict(os.environ, LANGUAGE=language, **variables)
    return subprocess.run([*prefix, os.environ['HEADROOM_CLI'], *arguments], stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, env=environment, cwd=cwd, timeout=60, check=False)


def succeed(*arguments, status=0, **options):
    result = run(*arguments, **options)
    assert result.returncode == status, f'{arguments}: status {result.returncode}: {result.stderr.decode()}'
    assert result.stderr == b'', f'{arguments}: {result.stderr.decode()}'
    return result.stdout


def succeed_json(*arguments, **options):
    return json.loads(succeed(*arguments, '--format', 'json', **options))


def fail(*arguments, **options):
    """Nothing on the standard output, one line on the standard error, status 2; returns the line."""
    result = run(*arguments, **options)
    line = result.stderr.decode('utf-8')
    assert result.returncode == 2, f'{arguments}: status {result.returncode}: {line}'
    assert not result.stdout, f'{arguments}: printed {result.stdout[:200]}'
    assert line.startswith('headroom-cli: '), f'{arguments}: {line}'
    assert line.count('\n') == 1 and line.endswith('\n'), f'{arguments}: not one line: {line!r}'
    assert len(line) > len('headroom-cli: \n') + 10, f'{arguments}: says nothing: {line}'
    return line


def expect(text, *parts):
    for part in parts:
        assert part in text, f'“{part}” is missing in: {text}'
