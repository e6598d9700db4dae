# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, in the form of the oracle's cases. No torch is needed here."""

import json

import grid

FAKE_SOURCE = ('storages alive after each operator of fake CUDA tensors, each rounded up to 512 bytes, of models with '
               'random weights')
SOURCE = ('torch.cuda.max_memory_allocated() by phase, of models with random weights; what the libraries took from the '
          'allocator for themselves stands in workspace-bytes and is part of the peaks')


def phase_of_peak(phases):
    """The phase that is the peak of the step: the first of those that are equally high."""
    return max(phases, key=phases.get)


def is_inference(case):
    return case.mode == 'inference' or case.settings.get('task') == 'inference'


def make_device_figures(measurement):
    """What only a GPU can tell; nothing where there was none."""
    if 'device-bytes' not in measurement:
        return {}
    return {**{key: measurement[key] for key in ('workspace-bytes', 'reserved-bytes', 'device-bytes')},
            'context-bytes': measurement['device-bytes'] - measurement['reserved-bytes']}


def make_case(case, measurement):
    """One row of the file."""
    phases = measurement['phases']
    return {
        'id': case.id,
        'model': case.model,
        'mode': case.mode,
        'settings': case.settings,
        'expected': {
            'total': max(phases.values()),
            'phase': phase_of_peak(phases),
            'phases': phases,
            'levels': measurement['levels'],
            'parameters': measurement['parameters'],
            **({'trainable': measurement['trainable']} if not is_inference(case) else {}),
        },
        'requested-bytes': measurement['requested-bytes'],
        **make_device_figures(measurement),
        **({'peaks': measurement['peaks']} if 'peaks' in measurement else {}),
    }


def make_skipped(case, reason):
    return {'id': case.id, 'model': case.model, 'mode': case.mode, 'settings': case.settings, 'skipped': reason}


def describe_source(machine):
    versions = f"torch {machine['torch']}, transformers {machine['transformers']}"
    if 'gpu' not in machine:
        return f'{versions}: {FAKE_SOURCE}'
    return f"measured on an {machine['gpu']}, driver {machine['driver']}, {versions}: {SOURCE}"


def make_file(machine, models, rows):
    """The whole file: what it was measured on, the models that were measured, a row for each case."""
    used = {row['model'] for row in rows}
    return {
        'schema': grid.SCHEMA,
        'source': describe_source(machine),
        'machine': machine,
        'models': {name: config for name, config in models.items() if name in used},
        'cases': rows,
    }


def format_members(members):
    return ',\n'.join(f'    {json.dumps(name)}: {json.dumps(value)}' for name, value in members.items())


def format_file(content):
    """JSON with a line for each model and for each case, so that two files can be compared line by line."""
    head = {key: value for key, value in content.items() if key not in ('models', 'cases')}
    lines = [f'  {json.dumps(key)}: {json.dumps(value)},' for key, value in head.items()]
    rows = ',\n'.join(f'    {json.dumps(row)}' for row in content['cases'])
    return '\n'.join(['{', *lines, '  "models": {', format_members(content['models']), '  },',
                      '  "cases": [', rows, '  ]', '}', ''])
