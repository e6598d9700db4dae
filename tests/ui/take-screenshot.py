#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""take-screenshot.py LANGUAGE light|dark window|fine-tuning|anatomy FILE: a picture of the window with an estimate in
it, of one of fine-tuning, or of the anatomy of its model.
"""

import subprocess
import sys

from journey import Application


def main():
    language, style, subject, path = sys.argv[1:]
    settings = {'color-scheme': f"'{style}'", 'gpu': "'rtx-4090'"}
    if subject == 'fine-tuning':
        settings['window-height'] = '1150'
    with Application(language=language, settings=settings) as app:
        app.find('entry', app.translate('Search models'))
        app.press('Control+f')
        app.type('qwen2.5 7b instruct')
        app.find(name='Qwen/Qwen2.5-7B-Instruct')
        app.press('Return')
        app.wait_for_text('RTX 4090.*GiB')
        window = 'root'
        if subject == 'fine-tuning':
            app.tab_to('page tab', app.translate('Fine-tuning'), key='Shift+Tab')
            app.press('space')
            app.find(name=app.translate('LoRA rank'))
        if subject == 'anatomy':
            app.press('Control+i')
            app.focus_new_window()
            window = str(app.screen.windows()[-1][0])
            app.find('frame', app.translate('Anatomy of the Model'))
        # What moves comes to rest: two pictures in a row are the same.
        previous = None

        def picture():
            return subprocess.run(['import', '-window', window, 'rgb:-'], check=True, capture_output=True).stdout

        def at_rest():
            nonlocal previous
            current, before = picture(), previous
            previous = current
            return current == before

        app.wait(at_rest, 'the window to come to rest')
        subprocess.run(['import', '-window', window, '-strip', path], check=True)


if __name__ == '__main__':
    main()
