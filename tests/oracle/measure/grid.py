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
    'fine-tuning-method': 'full',
    'lora-rank': 16,
    'lora-alpha': 32,
    'lora-dropout': 0.0,
    'lora-targets': 'all-linear',
    'adapter-dtype': 'float32',
    'optimizer': 'adamw',
    'optimizer-implementation': 'foreach',
    'gradient-checkpointing': 'none',
    'reentrant-checkpointing': False,
    'gradient-accumulation-steps': 1,
    'gradient-clipping': False,
    'micro-batch-size': 1,
    'sequence-length': 512,
}
SETTINGS = {'inference': INFERENCE, 'fine-tuning': FINE_TUNING}
ADAPTER_SETTINGS = ('lora-rank', 'lora-alpha', 'lora-dropout', 'lora-targets', 'adapter-dtype')

CHOICES = {
    'dtype': ('float32', 'float16', 'bfloat16'),
    'attention': ('eager', 'sdpa', 'sdpa-efficient', 'sdpa-math', 'flash'),
    'attention-mask': ('none', 'ones', 'padded'),
    'logits-to-keep': ('last', 'all'),
    'autocast': ('none', 'bfloat16', 'float16'),
    'fine-tuning-method': ('full', 'lora'),
    'adapter-dtype': ('float32', 'float16', 'bfloat16'),
    'optimizer': ('adamw', 'adam', 'sgd', 'sgd-momentum'),
    'optimizer-implementation': ('foreach', 'for-loop', 'fused'),
    'gradient-checkpointing': ('none', 'full'),
}


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
        defaults = SETTINGS[self.mode]
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
    elif isinstance(value, int) and not isinstance(value, bool) and value < 1:
        raise GridError(f'{place}: {key}: expected a positive number, found {value}')


def as_list(value):
    return value if isinstance(value, list) else [value]


def complete(mode, settings):
    """The settings with the defaults of the mode; what a method does not have is left out."""
    complete_settings = {**SETTINGS[mode], **settings}
    if mode == 'fine-tuning' and complete_settings['fine-tuning-method'] != 'lora':
        for key in ADAPTER_SETTINGS:
            del complete_settings[key]
    return complete_settings


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
