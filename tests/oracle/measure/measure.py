#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures on a real GPU what Headroom estimates: the peaks of inference and training, phase by phase.

Models are built from their hyper-parameters, with random weights; nothing is downloaded. The figures are those of
torch's allocator, and of the device. A case that runs out of memory is left out, and says so.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time

import fake
import grid
import results


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--grid', metavar='FILE', help='the models and settings to measure')
    parser.add_argument('--output', metavar='FILE', help='where the figures go; standard output if not given')
    parser.add_argument('--list', action='store_true', help='list the cases of the grid, measure nothing')
    parser.add_argument('--context', action='store_true',
                        help='measure what CUDA and its libraries take, in a process of its own')
    parser.add_argument('--alone', type=int, metavar='N',
                        help='measure each case in a process of its own, N at once')
    parser.add_argument('--case', metavar='ID', help='measure this one of the grid')
    parser.add_argument('--fake', action='store_true',
                        help='add up what fake tensors would take, on a machine without a GPU')
    parser.add_argument('--explain', action='store_true',
                        help='with --fake: say what is alive at the peak of each phase')
    parser.add_argument('--seconds', type=float, metavar='N', help='begin no further case after so many seconds')
    return parser


def run_smi(query):
    """Asks the driver; one answer, of the first GPU."""
    command = ['nvidia-smi', f'--query-gpu={query}', '--format=csv,noheader,nounits']
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0].strip()


def describe_gpu():
    import torch  # pylint: disable=import-outside-toplevel

    return {'gpu': torch.cuda.get_device_name(), 'driver': run_smi('driver_version'), 'cuda': torch.version.cuda,
            'memory-bytes': torch.cuda.mem_get_info()[1]}


def describe_machine(has_gpu):
    import torch  # pylint: disable=import-outside-toplevel
    import transformers  # pylint: disable=import-outside-toplevel

    machine = describe_gpu() if has_gpu else {}
    machine.update({'torch': torch.__version__, 'transformers': transformers.__version__})
    try:
        import peft  # pylint: disable=import-outside-toplevel
        machine['peft'] = peft.__version__
    except ImportError:
        pass
    return machine


def run_case(case, hyper_parameters, tracker):
    """Builds the model, measures, and leaves nothing behind. Returns a row of the file.

    @tracker counts what fake tensors take; None where there is a GPU.
    """
    import inference  # pylint: disable=import-outside-toplevel
    import meter as metering  # pylint: disable=import-outside-toplevel
    import models  # pylint: disable=import-outside-toplevel
    import training  # pylint: disable=import-outside-toplevel

    metering.clean()
    meter = metering.Meter() if tracker is None else metering.FakeMeter(tracker)
    if case.settings.get('framework') in grid.TITAN:
        model = None
    else:
        model = models.build(models.score(hyper_parameters, case.settings), case.settings['dtype'],
                             case.settings['attention'])
    if case.settings.get('quantization', 'none') != 'none':
        import quantizing  # pylint: disable=import-outside-toplevel
        quantizing.quantize(model, case.settings)
        metering.clean()
    counts = None
    if model is None and case.settings.get('pipeline-parallel', 1) > 1:
        import titan_stages  # pylint: disable=import-outside-toplevel
        counts = titan_stages.measure(hyper_parameters, case.settings, meter)
    elif model is None:
        import titan  # pylint: disable=import-outside-toplevel
        counts = titan.measure(hyper_parameters, case.settings, meter)
    elif results.is_inference(case):
        inference.measure(model, case.settings, meter)
    elif case.settings.get('framework') == 'trl':
        import trainers  # pylint: disable=import-outside-toplevel
        trainers.measure(model, case.settings, meter)
    elif case.settings.get('framework') == 'deepspeed' and case.settings.get('pipeline-parallel', 1) > 1:
        import deep_stages  # pylint: disable=import-outside-toplevel
        counts = deep_stages.measure(training.prepare(model, case.settings), case.settings, meter)
    elif case.settings.get('framework') in grid.SHARING:
        import sharding  # pylint: disable=import-outside-toplevel
        counts = sharding.measure(training.prepare(model, case.settings), case.settings, meter)
    elif case.settings.get('pipeline-parallel', 1) > 1:
        import pipelining  # pylint: disable=import-outside-toplevel
        counts = pipelining.measure(training.prepare(model, case.settings), case.settings, meter)
    else:
        if case.settings.get('tensor-parallel', 1) > 1:
            import dividing  # pylint: disable=import-outside-toplevel
            dividing.divide(model, case.settings, dividing.begin(case.settings['tensor-parallel']))
        model = training.prepare(model, case.settings)
        training.measure(model, case.settings, meter)
    measurement = meter.read()
    measurement.update(counts or {'parameters': models.count(model), 'trainable': models.count(model, trainable=True)})
    if tracker is None:
        measurement.update(metering.read_device())
        del model
        measurement['workspace-bytes'] = metering.left_over()
    return results.make_case(case, measurement)


def measure_case(case, hyper_parameters, tracker):
    """A case that does not fit, or that the framework cannot run, does not end the program: its row says so."""
    import torch  # pylint: disable=import-outside-toplevel

    try:
        return run_case(case, hyper_parameters, tracker)
    except torch.cuda.OutOfMemoryError:
        return results.make_skipped(case, 'out of memory')
    except Exception as error:  # pylint: disable=broad-except
        return results.make_skipped(case, f'failed: {(str(error).strip().splitlines() or [type(error).__name__])[0]}')


def read_row(path):
    try:
        with open(path, encoding='utf-8') as file:
            row, = json.load(file)['cases']
        return row
    except (OSError, ValueError, KeyError):
        return None


def measure_alone(options, case):
    """Measures a case in a process of its own, which ends with it. Returns its row."""
    command = [sys.executable, os.path.abspath(__file__), '--grid', options.grid, '--case', case.id]
    command += [f'--{name}' for name in ('fake', 'explain') if getattr(options, name)]
    with tempfile.TemporaryDirectory() as folder:
        # Frameworks write to the standard output.
        path = os.path.join(folder, 'case.json')
        process = subprocess.run([*command, '--output', path], capture_output=True, text=True, check=False)
        row = read_row(path)
    if row is None:
        last = (process.stderr.strip().splitlines() or [f'exit status {process.returncode}'])[-1]
        row = results.make_skipped(case, f'failed: {last}')
    total = row['expected']['total'] if 'expected' in row else row['skipped']
    print(f'{case.id}: {total}', file=sys.stderr, flush=True)
    return row


def measure_each_alone(options, plan):
    """Measures so many cases at once; what the device shows is that of all of them then, and says nothing."""
    start = time.monotonic()

    def run(case):
        if options.seconds is not None and time.monotonic() - start > options.seconds:
            return results.make_skipped(case, 'out of time')
        return measure_alone(options, case)

    with concurrent.futures.ThreadPoolExecutor(options.alone) as pool:
        return list(pool.map(run, plan.cases))


def measure_grid(plan, seconds, tracker=None):
    rows = []
    start = time.monotonic()
    for case in plan.cases:
        before = time.monotonic()
        if seconds is not None and before - start > seconds:
            rows.append(results.make_skipped(case, 'out of time'))
        else:
            rows.append(measure_case(case, plan.models[case.model], tracker))
        row = rows[-1]
        total = row['expected']['total'] if 'expected' in row else row['skipped']
        print(f'{time.monotonic() - before:6.1f} s  {case.id}: {total}', file=sys.stderr, flush=True)
    return rows


def measure_all(options, plan):
    """The rows, each case in a process of its own or all in this one, on a GPU or on the fake device."""
    if options.alone is not None:
        return measure_each_alone(options, plan)
    if not options.fake:
        return measure_grid(plan, options.seconds)
    with fake.device(options.explain) as tracker:
        return measure_grid(plan, options.seconds, tracker)


def write(text, path):
    if path is None:
        sys.stdout.write(text)
        return
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def main():
    options = make_parser().parse_args()
    # The kernels load when they are first called, as in every program that does not ask for more.
    os.environ.setdefault('CUDA_MODULE_LOADING', 'LAZY')
    if options.context:
        import context  # pylint: disable=import-outside-toplevel
        write(json.dumps(context.measure(), indent=2) + '\n', options.output)
        return 0
    if options.grid is None:
        print('measure.py: name a grid with --grid, or ask for --context', file=sys.stderr)
        return 2
    try:
        plan = grid.load(options.grid)
    except (grid.GridError, OSError) as error:
        print(f'{options.grid}: {error}', file=sys.stderr)
        return 2
    if options.case is not None:
        plan = grid.Grid(plan.models, [case for case in plan.cases if case.id == options.case])
    if options.list:
        print('\n'.join(case.id for case in plan.cases))
        return 0
    try:
        rows = measure_all(options, plan)
    except fake.FakeDeviceError as error:
        print(f'measure.py: {error}', file=sys.stderr)
        return 1
    machine = describe_machine(not options.fake)
    write(results.format_file(results.make_file(machine, plan.models, rows)), options.output)
    return 0


if __name__ == '__main__':
    sys.exit(main())
