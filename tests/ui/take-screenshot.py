#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""take-screenshot.py LANGUAGE light|dark FILE: a picture of the window with an estimate in it."""

import subprocess
import sys

from journey import Application


def main():
    language, style, path = sys.argv[1:]
    settings = {'color-scheme': f"'{style}'", 'gpu': "'rtx-4090'"}
    with Application(language=language, settings=settings) as app:
        app.find('entry', app.translate('Search models'))
        app.press('Control+f')
        app.type('qwen2.5 7b instruct')
        app.find(name='Qwen/Qwen2.5-7B-Instruct')
        app.press('Return')
        app.wait_for_text('RTX 4090.*GiB')
        # What moves comes to rest: two pictures in a row are the same.
        previous = None

        def picture():
            return subprocess.run(['import', '-window', 'root', 'rgb:-'], check=True, capture_output=True).stdout

        def at_rest():
            nonlocal previous
            current, before = picture(), previous
            previous = current
            return current == before

        app.wait(at_rest, 'the window to come to rest')
        subprocess.run(['import', '-window', 'root', '-strip', path], check=True)


if __name__ == '__main__':
    main()
