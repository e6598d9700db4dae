#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ./run does around the programs, and how ./check adds up; with programs that only say how they were called."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile

import tap
import tree

RUN = os.path.join(tree.ROOT, 'run')

PROGRAM = '''#!/bin/sh
echo "{name}"
for argument in "$@"; do echo "<$argument>"; done
exit {status}
'''


@contextlib.contextmanager
def built_tree(status=0):
    """A build folder, in a place with a space in it, that is newer than every source."""
    with tempfile.TemporaryDirectory(prefix='a build ') as folder:
        for name, path in (('window', 'src/app/headroom'), ('terminal', 'src/cli/headroom-cli')):
            program = os.path.join(folder, path)
            os.makedirs(os.path.dirname(program))
            with open(program, 'w', encoding='utf-8') as file:
                file.write(PROGRAM.format(name=name, status=status))
            os.chmod(program, 0o755)
        with open(os.path.join(folder, '.headroom-built'), 'w', encoding='utf-8') as file:
            file.write(os.path.realpath(tree.ROOT) + '\n')
        yield folder


def run(build, *arguments, cwd='/', **variables):
    environment = {'PATH': os.environ['PATH'], 'HEADROOM_BUILD_DIR': build, 'HOME': '/nonexistent', **variables}
    return subprocess.run([RUN, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


def without_a_display_the_estimate_is_printed_and_the_reason_given():
    with built_tree() as build:
        result = run(build, 'a config.json')
        assert result.stdout == 'terminal\n<estimate>\n<a config.json>\n', result
        assert 'no display' in result.stderr, result
        assert result.returncode == 0, result


def a_display_that_does_not_answer_is_none():
    with built_tree() as build:
        result = run(build, 'config.json', DISPLAY=':4711')
        assert result.stdout.startswith('terminal'), result
        assert ':4711 does not answer' in result.stderr, result


def the_exit_status_is_the_one_of_the_estimate():
    with built_tree(status=1) as build:
        assert run(build, 'one', 'two').returncode == 1


def without_a_display_and_a_file_it_says_what_to_name():
    with built_tree() as build:
        result = run(build)
        assert result.returncode == 2 and result.stdout == '', result
        assert './run path/to/config.json' in result.stderr, result


def people_are_spoken_to_in_their_language():
    with built_tree() as build:
        assert '没有图形显示' in run(build, 'x', LANG='zh_CN.UTF-8').stderr


def it_works_through_a_link_and_from_any_folder():
    with built_tree() as build, tempfile.TemporaryDirectory(prefix='some where ') as folder:
        link = os.path.join(folder, 'open headroom')
        os.symlink(RUN, link)
        result = subprocess.run([link, 'here.json'], cwd=folder, capture_output=True, text=True, check=False,
                                env={'PATH': os.environ['PATH'], 'HEADROOM_BUILD_DIR': build})
        assert result.stdout == 'terminal\n<estimate>\n<here.json>\n', result


def an_unknown_option_is_refused():
    with built_tree() as build:
        result = run(build, '--instal')
        assert result.returncode == 2 and '--instal' in result.stderr, result


def count(*suites):
    """Runs count-tests over suites (name, junit, entries of the JSON log); returns its lines and exit status."""
    with tempfile.TemporaryDirectory() as folder:
        for name, junit, entries in suites:
            with open(os.path.join(folder, f'check-{name}.junit.xml'), 'w', encoding='utf-8') as file:
                file.write(f'<testsuites>{junit}</testsuites>')
            with open(os.path.join(folder, f'check-{name}.json'), 'w', encoding='utf-8') as file:
                file.writelines(json.dumps(entry) + '\n' for entry in entries)
        result = subprocess.run([sys.executable, os.path.join(tree.ROOT, 'build-aux/count-tests'), folder,
                                 *(name for name, _, _ in suites), *(() if suites else ('absent',))],
                                capture_output=True, text=True, check=False)
        assert result.stderr == '', result.stderr
        return result.stdout.splitlines(), result.returncode


def tap_suite(name, *cases):
    return (f'<testsuite name="headroom.headroom:x / {name}">' +
            ''.join(f'<testcase name="{case}" classname="headroom.headroom:x / {name}">{content}</testcase>'
                    for case, content in cases) + '</testsuite>')


def entry(name, result):
    return {'name': f'headroom:x / {name}', 'result': result, 'returncode': 0 if result == 'OK' else 1}


def the_sum_counts_every_subtest():
    lines, status = count(('headless', tap_suite('a', ('1 one', ''), ('2 two', '<skipped/>')), [entry('a', 'OK')]))
    assert (lines[-1], status) == ('1 passed, 0 failed, 1 skipped', 0), lines


def the_sum_knows_programs_that_crashed():
    lines, status = count(('headless', tap_suite('a', ('1 one', '')), [entry('a', 'ERROR')]))
    assert (lines[-1], status) == ('1 passed, 1 failed, 0 skipped', 1), lines


def a_failed_subtest_is_counted_once():
    lines, status = count(('headless', tap_suite('a', ('1 one', '<failure/>')), [entry('a', 'FAIL')]))
    assert (lines[-1], status) == ('0 passed, 1 failed, 0 skipped', 1), lines


def a_skipped_display_test_is_a_failure():
    lines, status = count(('display-en', tap_suite('a', ('1 one', ''), ('2 two', '<skipped/>')), [entry('a', 'OK')]))
    assert (lines[-1], status) == ('1 passed, 1 failed, 0 skipped', 1), lines


def a_suite_that_did_not_run_is_a_failure():
    lines, status = count()
    assert (lines[-1], status) == ('0 passed, 1 failed, 0 skipped', 1), lines


if __name__ == '__main__':
    sys.exit(tap.main(
        'package',
        without_a_display_the_estimate_is_printed_and_the_reason_given,
        a_display_that_does_not_answer_is_none,
        the_exit_status_is_the_one_of_the_estimate,
        without_a_display_and_a_file_it_says_what_to_name,
        people_are_spoken_to_in_their_language,
        it_works_through_a_link_and_from_any_folder,
        an_unknown_option_is_refused,
        the_sum_counts_every_subtest,
        the_sum_knows_programs_that_crashed,
        a_failed_subtest_is_counted_once,
        a_skipped_display_test_is_a_failure,
        a_suite_that_did_not_run_is_a_failure,
    ))
