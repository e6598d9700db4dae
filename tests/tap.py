# SPDX-License-Identifier: GPL-3.0-or-later
"""A few lines that run functions as TAP tests, for checks that are easier in Python than in C."""

import sys
import traceback


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


def main(prefix, *tests):
    """Runs each function of no argument; its name is the name of the test. A failure is an exception."""
    print(f'1..{len(tests)}')
    failed = False
    for number, test in enumerate(tests, 1):
        name = f'/{prefix}/{test.__name__}'
        try:
            test()
        except Skip as reason:
            print(f'ok {number} {name} # SKIP {reason}')
        except Exception as error:  # pylint: disable=broad-except
            failed = True
            print(f'not ok {number} {name}')
            text = str(error) if isinstance(error, AssertionError) and str(error) else traceback.format_exc()
            for line in text.splitlines():
                print(f'# {line}')
        else:
            print(f'ok {number} {name}')
        sys.stdout.flush()
    return 1 if failed else 0


def expect_none(problems, what):
    """Fails with the whole list, not with its first entry."""
    assert not problems, f'{what}:\n' + '\n'.join(f'  {problem}' for problem in problems)
