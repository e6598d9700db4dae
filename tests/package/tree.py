# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the source tree, as the package tests see them."""

import os
import re

ROOT = os.environ['HEADROOM_SOURCE_ROOT']
BUILD = os.environ['HEADROOM_BUILD_ROOT']
APPLICATION_ID = 'io.github.headroom.Headroom'


def files(*folders, suffixes=('',)):
    """Returns the files under the folders, sorted, as paths from the root, without what is built."""
    found = []
    for folder in folders or ('.',):
        for path, names, leaves in os.walk(os.path.join(ROOT, folder)):
            names[:] = [name for name in names
                        if name not in ('.git', '__pycache__', '_build')
                        and not os.path.exists(os.path.join(path, name, 'build.ninja'))]
            found += [os.path.relpath(os.path.join(path, leaf), ROOT) for leaf in leaves
                      if leaf.endswith(tuple(suffixes)) and not leaf.endswith(('~', '.pyc', '.swp'))]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


def without_comments(source):
    """Blanks the comments of C, keeping line numbers and what stands in strings."""
    def blank(match):
        text = match.group(0)
        return text if text.startswith(('"', "'")) else re.sub(r'[^\n]', ' ', text)
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', blank, source, flags=re.DOTALL)


def line_of(text, offset):
    return text.count('\n', 0, offset) + 1
