#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures on a real GPU how long a prompt, a token and a step of training take, in a plain loop over transformers.

Takes the grids of measure.py. Each figure is the median of several runs after others that warm up, timed by CUDA's
own events.
"""

import argparse
import json
import os
import statistics
import sys
import time

import grid
import results

N_WARM = 3
N_TOKENS = 16
N_RUNS = 7


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--grid', metavar='FILE', required=True, help='the models and settings to measure')
    parser.add_argument('--output', metavar='FILE', help='where the figures go; standard output if not given')
    parser.add_argument('--seconds', type=float, metavar='N', help='begin no further case after so many seconds')
    return parser


def time_once(run):
    """Seconds from the first kernel to the last."""
    import torch  # pylint: disable=import-outside-toplevel

    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    begin.record()
    run()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / 1000


def time_often(run):
    for _ in range(N_WARM):
        run()
    return statistics.median(time_once(run) for _ in range(N_RUNS))


def time_inference(model, settings):
    """The prompt in one pass with a new cache; then tokens, each of which makes the cache longer."""
    import torch  # pylint: disable=import-outside-toplevel

    import inference  # pylint: disable=import-outside-toplevel
    import models  # pylint: disable=import-outside-toplevel

    model.eval()
    inputs, token = inference.make_batch(model, settings)
    options = inference.make_options(model, settings)
    with models.kernels(settings['attention']), torch.no_grad():
        prefill = time_often(lambda: model(**inputs, **options))
        name, cache = inference.take_cache(model(**inputs, **options))

        def decode():
            for _ in range(N_TOKENS):
                model(input_ids=token, **{name: cache}, **options)

        decode()
        tokens = [time_once(decode) / N_TOKENS for _ in range(N_RUNS)]
    batch = settings['batch-size']
    return {'prefill': (prefill, batch * settings['prompt-length']), 'decode': (statistics.median(tokens), batch)}


def time_training(model, settings):
    import training  # pylint: disable=import-outside-toplevel

    import meter as metering  # pylint: disable=import-outside-toplevel

    model = training.prepare(model, settings)
    inputs = training.make_batch(model, settings)
    optimizer = training.make_optimizer([p for p in model.parameters() if p.requires_grad], settings)
    meter = metering.Meter()
    seconds = time_often(lambda: training.run_step(model, optimizer, inputs, settings, meter))
    tokens = settings['micro-batch-size'] * settings['sequence-length'] * settings['gradient-accumulation-steps']
    return {'training': (seconds, tokens)}


def measure_case(case, hyper_parameters):
    """Rows of one case: what was timed, and how many tokens a second that is."""
    import torch  # pylint: disable=import-outside-toplevel

    import meter as metering  # pylint: disable=import-outside-toplevel
    import models  # pylint: disable=import-outside-toplevel

    metering.clean()
    model = models.build(hyper_parameters, case.settings['dtype'], case.settings['attention'])
    timer = time_inference if results.is_inference(case) else time_training
    times = timer(model, case.settings)
    del model
    torch.cuda.empty_cache()
    return [{'id': f'{case.id}/{what}', 'model': case.model, 'mode': case.mode, 'what': what,
             'settings': case.settings, 'seconds': round(seconds, 7), 'tokens-per-second': round(tokens / seconds, 2)}
            for what, (seconds, tokens) in times.items()]


def measure_grid(plan, seconds):
    rows = []
    start = time.monotonic()
    for case in plan.cases:
        if seconds is not None and time.monotonic() - start > seconds:
            print(f'out of time before {case.id}', file=sys.stderr)
            break
        try:
            rows += measure_case(case, plan.models[case.model])
        except Exception as error:  # pylint: disable=broad-except
            print(f'{case.id}: {(str(error).strip().splitlines() or [type(error).__name__])[0]}', file=sys.stderr)
            continue
        print(f'{time.monotonic() - start:6.1f} s  {rows[-1]["id"]}: {rows[-1]["tokens-per-second"]} tokens a second',
              file=sys.stderr, flush=True)
    return rows


def main():
    options = make_parser().parse_args()
    os.environ.setdefault('CUDA_MODULE_LOADING', 'LAZY')
    try:
        plan = grid.load(options.grid)
    except (grid.GridError, OSError) as error:
        print(f'{options.grid}: {error}', file=sys.stderr)
        return 2
    from measure import describe_machine, write  # pylint: disable=import-outside-toplevel

    machine = describe_machine()
    content = results.make_file(machine, plan.models, measure_grid(plan, options.seconds))
    content['source'] = content['source'].replace(results.SOURCE, 'the median of several runs, of models with random '
                                                  'weights, timed by CUDA events in a plain loop')
    write(results.format_file(content), options.output)
    return 0


if __name__ == '__main__':
    sys.exit(main())
