# SPDX-License-Identifier: GPL-3.0-or-later
"""How long headroom-cli takes for an estimate, and for one with advice, what fits and the GPUs that would do."""

import resource
import sys

import tap
from cli.program import MODEL, run

N_RUNS = 20


def measure_processor_time(output_format):
    """The time that the process itself took: a benchmark may share its machine with others."""
    environment = {'G_DEBUG': '', 'MALLOC_PERTURB_': '0'}
    times = []
    for _ in range(N_RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run('estimate', MODEL, '--gpu', 'rtx-4090', '--format', output_format, **environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    print(f'# {output_format}, fastest of {N_RUNS}: {min(times) * 1e3:.1f} ms')
    return min(times)


def an_estimate_takes_little_more_than_the_start_of_the_program():
    assert measure_processor_time('csv') > 0


def an_estimate_with_all_lists_is_a_hundred_estimates():
    assert measure_processor_time('json') > 0


if __name__ == '__main__':
    sys.exit(tap.main(
        'bench/cli',
        an_estimate_takes_little_more_than_the_start_of_the_program,
        an_estimate_with_all_lists_is_a_hundred_estimates,
    ))
