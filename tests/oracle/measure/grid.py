# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be measured: a grid of settings, multiplied out into cases. No torch is needed here."""

import dataclasses
import itertools
import json

SCHEMA = 'headroom-measured/1'

# Every setting that the program obeys, with its default, in the words of headroom-cli.
INFERENCE = {
    'dtype': 'bfloat16',
    'attention': 'sdpa',
    'attention-mask': 'none',
    'batch-size': 1,
    'prompt-length': 512,
    'output-length': 1,
    'logits-to-keep': 'last',
}
FINE_TUNING = {
    'dtype': 'bfloat16',
    'attention': 'sdpa',
    'attention-mask': 'none',
    'autocast': 'none',
    'fp32-outputs': False,
    'keep-outputs': False,
    'quantization': 'none',
    'fine-tuning-method': 'full',
    'lora-rank': 16,
    'lora-alpha': 32,
    'lora-dropout': 0.0,
    'lora-targets': 'all-linear',
    'adapter-dtype': 'float32',
    'optimizer': 'adamw',
    'optimizer-implementation': 'foreach',
    'virtual-tokens': 20,
    'trained-layers': 2,
    'frozen-parts': 'none',
    'gradient-checkpointing': 'none',
    'selective-checkpointing': 'operators',
    'checkpointing-layers': 2,
    'reentrant-checkpointing': False,
    'fused-kernels': 'none',
    'loss-implementation': 'cross-entropy',
    'torch-compile': False,
    'framework': 'pytorch',
    'gradient-accumulation-steps': 1,
    'gradient-clipping': False,
    'micro-batch-size': 1,
    'sequence-length': 512,
    'pipeline-parallel': 1,
    'pipeline-schedule': '1f1b',
    'virtual-pipeline-parallel': 1,
    'pipeline-stage': 0,
    'count-embedding-as-layer': False,
    'count-loss-as-layer': False,
    'data-parallel': 2,
    'context-parallel': 1,
    'rank': 0,
    'data-parallel-replicas': 1,
    'tensor-parallel': 1,
    'sequence-parallel': True,
    'fsdp': 'none',
    'fsdp-version': 1,
    'fsdp-backward-prefetch': 'backward-pre',
    'fsdp-use-orig-params': True,
    'zero-stage': 0,
    'gradient-dtype': 'same',
    'reduce-bucket-size': 500000000,
    'overlap-comm': False,
    'contiguous-gradients': True,
    'stage3-prefetch-bucket-size': 50000000,
    'stage3-param-persistence-threshold': 100000,
    'stage3-max-live-parameters': 1000000000,
    'stage3-max-reuse-distance': 1000000000,
    'sub-group-size': 1000000000,
    'zero-hpz-partition-size': 1,
    'zero-quantized-weights': False,
    'zero-quantized-gradients': False,
    'parameter-offload': 'none',
    'optimizer-offload': 'none',
}
INPUTS = {
    'text-tokens': 128,
    'images': 1,
    'image-width': 672,
    'image-height': 672,
    'audio-seconds': 0.0,
    'further-inputs': 'none',
}


def without(settings, *names):
    return {key: value for key, value in settings.items() if key not in names}


ANSWERS = {
    'algorithm': 'grpo',
    'reference-model': False,
    'rollout': 'none',
    'num-generations': 8,
    'prompt-length': 256,
    'completion-length': 512,
    'sequence-length': 1024,
}
MULTIMODAL = {
    'inference': {'task': 'inference', **INPUTS, **without(INFERENCE, 'prompt-length')},
    'fine-tuning': {'task': 'fine-tuning', **INPUTS, **without(FINE_TUNING, 'sequence-length')},
}
SETTINGS = {
    'inference': INFERENCE,
    'fine-tuning': FINE_TUNING,
    'grpo': {**FINE_TUNING, **ANSWERS},
    'multimodal': {**MULTIMODAL['inference'], **MULTIMODAL['fine-tuning'], 'task': 'inference'},
}
LOW_RANK = ('lora', 'rslora', 'dora', 'vera', 'loha', 'lokr')
VIRTUAL = ('prefix', 'prompt', 'p-tuning')
# What shares a model among ranks, of which one is measured.
SHARING = ('transformers', 'deepspeed')
# What has models of its own.
TITAN = ('torchtitan',)
SHARDED = ('full-shard', 'shard-grad-op', 'hybrid-shard')
PIPELINES = (2, 3, 4, 8)
SHARERS = (2, 4, 8)
# What a setting says anything with: another setting, and the values of it.
ONLY_WITH = {
    'quantization': ('quantization', ('bnb-nf4', 'bnb-nf4-dq')),
    'lora-rank': ('fine-tuning-method', LOW_RANK),
    'lora-alpha': ('fine-tuning-method', ('lora', 'rslora', 'dora')),
    'lora-dropout': ('fine-tuning-method', ('lora', 'rslora', 'dora')),
    'lora-targets': ('fine-tuning-method', LOW_RANK),
    'adapter-dtype': ('fine-tuning-method', (*LOW_RANK, *VIRTUAL, 'ia3')),
    'virtual-tokens': ('fine-tuning-method', VIRTUAL),
    'trained-layers': ('fine-tuning-method', ('freeze',)),
    'frozen-parts': ('frozen-parts', ('towers', 'towers-and-projectors', 'all-but-projectors')),
    'selective-checkpointing': ('gradient-checkpointing', ('selective',)),
    'checkpointing-layers': ('selective-checkpointing', ('every-nth', 'first')),
    'fused-kernels': ('fused-kernels', ('liger',)),
    'torch-compile': ('torch-compile', (True,)),
    'framework': ('framework', ('trl', *SHARING, *TITAN)),
    'pipeline-parallel': ('pipeline-parallel', PIPELINES),
    'pipeline-schedule': ('pipeline-parallel', PIPELINES),
    'virtual-pipeline-parallel': ('pipeline-parallel', PIPELINES),
    'pipeline-stage': ('pipeline-parallel', PIPELINES),
    'count-embedding-as-layer': ('framework', TITAN),
    'count-loss-as-layer': ('framework', TITAN),
    'data-parallel': ('framework', (*SHARING, *TITAN)),
    'context-parallel': ('framework', ('deepspeed', *TITAN)),
    'rank': ('framework', (*SHARING, *TITAN)),
    'data-parallel-replicas': ('framework', TITAN),
    'tensor-parallel': ('tensor-parallel', SHARERS),
    'sequence-parallel': ('framework', TITAN),
    'fsdp': ('framework', ('transformers', 'torchtitan')),
    'fsdp-version': ('fsdp', SHARDED),
    'fsdp-backward-prefetch': ('fsdp-version', (1,)),
    'fsdp-use-orig-params': ('fsdp-version', (1,)),
    'zero-stage': ('framework', ('deepspeed',)),
    'gradient-dtype': ('gradient-dtype', ('both',)),
    'reduce-bucket-size': ('zero-stage', (1, 2, 3)),
    'overlap-comm': ('zero-stage', (1, 2, 3)),
    'contiguous-gradients': ('zero-stage', (1, 2, 3)),
    'stage3-prefetch-bucket-size': ('zero-stage', (3,)),
    'stage3-param-persistence-threshold': ('zero-stage', (3,)),
    'stage3-max-live-parameters': ('zero-stage', (3,)),
    'stage3-max-reuse-distance': ('zero-stage', (3,)),
    'sub-group-size': ('zero-stage', (3,)),
    'zero-hpz-partition-size': ('zero-stage', (3,)),
    'zero-quantized-weights': ('zero-stage', (3,)),
    'zero-quantized-gradients': ('zero-stage', (3,)),
    'parameter-offload': ('framework', SHARING),
    'optimizer-offload': ('zero-stage', (1, 2, 3)),
    'num-generations': ('framework', ('trl',)),
    'prompt-length': ('algorithm', ('grpo',)),
    'completion-length': ('algorithm', ('grpo',)),
    'sequence-length': ('algorithm', ('sft', 'dpo', 'reward')),
}

# The same, of what says something with another setting as well.
ALSO_WITH = {
    'data-parallel': ('pipeline-parallel', PIPELINES),
}

CHOICES = {
    'dtype': ('float32', 'float16', 'bfloat16'),
    'quantization': ('none', 'bnb-nf4', 'bnb-nf4-dq'),
    'attention': ('eager', 'sdpa', 'sdpa-efficient', 'sdpa-math', 'flash'),
    'attention-mask': ('none', 'ones', 'padded'),
    'logits-to-keep': ('last', 'all'),
    'autocast': ('none', 'bfloat16', 'float16'),
    'fine-tuning-method': ('full', 'freeze', *LOW_RANK, 'ia3', *VIRTUAL),
    'frozen-parts': ('none', 'towers', 'towers-and-projectors', 'all-but-projectors'),
    'adapter-dtype': ('float32', 'float16', 'bfloat16'),
    'optimizer': ('adamw', 'adam', 'sgd', 'sgd-momentum', 'adafactor', 'torch-adafactor'),
    'optimizer-implementation': ('foreach', 'for-loop', 'fused'),
    'gradient-checkpointing': ('none', 'full', 'selective'),
    'selective-checkpointing': ('operators', 'every-nth', 'first'),
    'fused-kernels': ('none', 'liger'),
    'loss-implementation': ('cross-entropy', 'chunked-nll', 'liger-cross-entropy', 'liger-fused-linear-cross-entropy'),
    'algorithm': ('sft', 'dpo', 'grpo', 'reward'),
    'framework': ('pytorch', 'trl', *SHARING, *TITAN),
    'fsdp': ('none', *SHARDED),
    'fsdp-version': (1, 2),
    'fsdp-backward-prefetch': ('none', 'backward-pre', 'backward-post'),
    'zero-stage': (0, 1, 2, 3),
    'gradient-dtype': ('same', 'both'),
    'parameter-offload': ('none', 'cpu', 'nvme'),
    'optimizer-offload': ('none', 'cpu', 'nvme'),
    'pipeline-parallel': (1, *PIPELINES),
    'pipeline-schedule': ('1f1b', 'gpipe', 'zero-bubble', 'zbv', 'dualpipe-v'),
    'rollout': ('none', 'transformers', 'vllm-server'),
    'task': ('inference', 'fine-tuning'),
}


# Numbers that turn something off where they are 0.
MAY_BE_ZERO = ('images', 'rank', 'pipeline-stage', 'stage3-prefetch-bucket-size', 'stage3-param-persistence-threshold',
               'stage3-max-live-parameters', 'stage3-max-reuse-distance')


class GridError(Exception):
    """A grid that cannot be measured; says where and why."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One measurement: a model, and settings with nothing left open."""

    model: str
    mode: str
    settings: dict

    @property
    def id(self):
        """Names what differs from the defaults."""
        defaults = get_defaults(self.mode, self.settings)
        words = [f'{key}={self.settings[key]}'.lower() for key in defaults
                 if key in self.settings and self.settings[key] != defaults[key]]
        return '/'.join([self.model, self.mode, *words])


@dataclasses.dataclass(frozen=True)
class Grid:
    """The models by name, each with its hyper-parameters, and the cases in the order of the file."""

    models: dict
    cases: list


def check_value(place, key, value, default):
    """A value must be of its default's kind, and one of the choices where there are any."""
    if key in CHOICES:
        if value not in CHOICES[key]:
            raise GridError(f'{place}: {key}: expected one of {", ".join(CHOICES[key])}, found {value!r}')
    elif isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise GridError(f'{place}: {key}: expected a number, found {value!r}')
    elif type(value) is not type(default):
        raise GridError(f'{place}: {key}: expected {type(default).__name__}, found {value!r}')
    elif isinstance(value, int) and not isinstance(value, bool) and value < 1 and key not in MAY_BE_ZERO:
        raise GridError(f'{place}: {key}: expected a positive number, found {value}')


def as_list(value):
    return value if isinstance(value, list) else [value]


def get_defaults(mode, settings):
    """The settings of a mode, those of a task where the mode has tasks: inference unless another is named."""
    if mode != 'multimodal':
        defaults = SETTINGS[mode]
        return {**defaults, 'data-parallel': 1} if settings.get('pipeline-parallel', 1) > 1 else defaults
    return {**MULTIMODAL[settings.get('task', 'inference')], 'task': 'inference'}


def is_among(key, settings, table):
    """Whether the setting that a table names beside another has one of the values that it names."""
    other, values = table[key]
    return settings.get(other) in values and (other == key or says_something(other, settings))


def says_something(key, settings):
    """Whether a setting means anything beside the others."""
    if key not in ONLY_WITH or ONLY_WITH[key][0] not in settings:
        return True
    return is_among(key, settings, ONLY_WITH) or (key in ALSO_WITH and is_among(key, settings, ALSO_WITH))


def complete(mode, settings):
    """The settings with the defaults of the mode; what says nothing beside the others is left out."""
    settings = {**get_defaults(mode, settings), **settings}
    return {key: value for key, value in settings.items() if says_something(key, settings)}


def expand_row(place, row, models):
    """Multiplies out one row of the grid: every model with every combination of its settings' values."""
    mode = row.get('mode', 'inference')
    if mode not in SETTINGS:
        raise GridError(f'{place}: mode: expected one of {", ".join(SETTINGS)}, found {mode!r}')
    names = as_list(row.get('model', []))
    for name in names:
        if name not in models:
            raise GridError(f'{place}: model: {name!r} is not among the models')
    settings = {key: as_list(values) for key, values in row.get('settings', {}).items() if key != 'engine'}
    for key, values in settings.items():
        if key not in SETTINGS[mode]:
            raise GridError(f'{place}: {key} is no setting of {mode}')
        for value in values:
            check_value(place, key, value, SETTINGS[mode][key])
    for name in names:
        for values in itertools.product(*settings.values()):
            yield Case(name, mode, complete(mode, dict(zip(settings, values))))


def expand(grid):
    """A grid, or a file of results, which measures the same cases again."""
    models = grid.get('models', {})
    cases = {}
    for number, row in enumerate(grid.get('cases', []), 1):
        for case in expand_row(f'case {number}', row, models):
            cases.setdefault(case.id, case)
    if not cases:
        raise GridError('there are no cases')
    return Grid(models, list(cases.values()))


def load(path):
    with open(path, encoding='utf-8') as file:
        try:
            return expand(json.load(file))
        except json.JSONDecodeError as error:
            raise GridError(f'line {error.lineno}: {error.msg}') from error
