# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives the application through the accessibility bus and the keyboard, as a person with a screen reader does.

Nothing here sleeps for a time that is guessed: every step waits for a condition, and fails with what stood on the
screen when the condition did not come in time.
"""

import contextlib
import gettext
import os
import re
import subprocess
import tempfile
import time

from gi.repository import GLib

import cli
from accessibility import FOCUSED, ROOT as TOP, Bus, Node, name_of
from screen import Screen

ROOT = os.environ['HEADROOM_SOURCE_ROOT']
BUILD = os.environ['HEADROOM_BUILD_ROOT']

# How long a label that has been read before is watched alone, and the bus listened to for the focus, before everything
# is looked at, in seconds.
PATIENCE = 1

# How many labels that were read before are kept in mind.
N_KNOWN = 8

# Generous, because the machine may be busy: a wait ends as soon as its condition holds.
TIMEOUT = 30


# The cells of a table are left out: they say again what stands beside.
LEAVES = ('label', 'image', 'level bar', 'scroll bar', 'separator', 'spin button', 'table', 'tree table')


def wait_for(condition, what, timeout=TIMEOUT, otherwise=None):
    """Turns the main loop until condition() is true, and returns what it returned."""
    context = GLib.MainContext.default()
    deadline = time.monotonic() + timeout
    while True:
        with contextlib.suppress(GLib.Error):
            result = condition()
            if result:
                return result
        if time.monotonic() > deadline:
            raise AssertionError(f'waited {timeout} s for {what}' + (f'\n{otherwise()}' if otherwise else ''))
        # Wakes up for an event of the bus, or after a twentieth of a second to look again.
        tick = GLib.timeout_add(50, lambda: GLib.SOURCE_CONTINUE)
        context.iteration(True)
        GLib.source_remove(tick)


class Application:
    """The application from the build folder, with settings and folders of its own. Use it in a `with` statement.

    settings: keys of GSettings and their values as GVariant text, such as {'color-scheme': "'dark'"}. The GPU is the
    one of cli.estimate() where nothing else is said.

    home: a folder for all that the application keeps, for who starts it again; else there is one for this start alone.
    """

    def __init__(self, *arguments, language=None, settings=None, home=None):
        self.language = language or os.environ.get('LANGUAGE', 'C')
        self.own_home = None if home else tempfile.TemporaryDirectory(prefix='headroom journey ')
        self.home = home or self.own_home.name
        self.errors = open(os.path.join(self.home, 'errors'), 'w+', encoding='utf-8')
        self.process = None
        self.has_quit = False
        self.bus = Bus()
        self.top = Node(self.bus, TOP)
        self.window = None
        self.arguments = arguments
        self.settings = {'gpu': "'rtx-4090'", **(settings or {})}
        self.screen = Screen()
        # What the bus last told to have the focus, and where texts that were waited for stood.
        self.told = None
        self.known = []

    def __enter__(self):
        keys = os.path.join(self.home, 'config', 'glib-2.0', 'settings')
        os.makedirs(keys, exist_ok=True)
        with open(os.path.join(keys, 'keyfile'), 'w', encoding='utf-8') as file:
            file.write('[io/github/headroom/Headroom]\n')
            file.writelines(f'{key}={value}\n' for key, value in self.settings.items())
        environment = dict(os.environ)
        environment.pop('GTK_A11Y', None)
        environment.update({
            'HOME': self.home,
            'XDG_CONFIG_HOME': os.path.join(self.home, 'config'),
            'XDG_DATA_HOME': os.path.join(self.home, 'data'),
            'XDG_STATE_HOME': os.path.join(self.home, 'state'),
            'XDG_CACHE_HOME': os.path.join(self.home, 'cache'),
            'XDG_RUNTIME_DIR': self.home,
            'GSETTINGS_BACKEND': 'keyfile',
            'GSETTINGS_SCHEMA_DIR': os.path.join(BUILD, 'data'),
            'HEADROOM_LOCALEDIR': os.path.join(BUILD, 'po'),
            'GTK_USE_PORTAL': '0',
            'ADW_DISABLE_PORTAL': '1',
            'GSK_RENDERER': 'cairo',
            'LC_ALL': 'C.UTF-8',
            'LANGUAGE': self.language,
        })
        environment.pop('GTK_THEME', None)
        environment.pop('G_DEBUG', None)
        self.process = subprocess.Popen([os.path.join(BUILD, 'src/app/headroom'), *self.arguments],
                                        env=environment, stderr=self.errors, cwd=self.home)
        wait_for(self._appeared, 'the application on the accessibility bus', otherwise=self.said)
        self.bus.listen_for_focus(self._focus_changed)
        self.window = wait_for(self.bus.windows, 'a window on the accessibility bus', otherwise=self.said)[0]
        wait_for(self.screen.windows, 'a window on the screen', otherwise=self.said)
        self.screen.focus_top_window()
        return self

    def __exit__(self, kind, value, trace):
        ended_early = None if self.has_quit else self.process.poll()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        said = self.said()
        self.errors.close()
        if self.own_home:
            self.own_home.cleanup()
        if kind is None:
            assert ended_early is None, f'the application ended by itself with status {ended_early}\n{said}'
            complaints = [line for line in said.splitlines()
                          if re.search('-(CRITICAL|WARNING|ERROR) |runtime error', line)]
            assert not complaints, 'the application complained:\n' + '\n'.join(complaints)

    def _appeared(self):
        status = self.process.poll()
        assert status is None, f'the application ended with status {status}\n{self.said()}'
        return self.bus.find_application(self.process.pid)

    def _focus_changed(self, node):
        self.told = node

    def said(self):
        """Returns what the application wrote to standard error."""
        self.errors.flush()
        with open(self.errors.name, encoding='utf-8', errors='replace') as file:
            return file.read()

    def translate(self, message):
        """Returns a message in the language that the application was started in."""
        catalogue = gettext.translation('headroom', os.path.join(BUILD, 'po'), [self.language], fallback=True)
        return catalogue.gettext(message)

    # What is on the screen

    def walk(self, node=None, leaves=LEAVES):
        """Returns what is showing, depth first."""
        return [found for found, _ in self.bus.walk(node or self.top, leaves)]

    def outline(self):
        """Returns what is showing as indented lines, for messages of failed tests."""
        walked = self.bus.walk(self.top, ())
        lines, above = [], []
        for (node, depth), text in zip(walked, self.bus.texts([node for node, _ in walked])):
            if node.role in ('panel', 'filler'):
                continue
            while above and above[-1] >= depth:
                above.pop()
            lines.append(f'{"  " * len(above)}{node.role} {text!r}')
            above.append(depth)
        return '\n'.join(lines) + '\n' + self.said()

    def look(self, role=None, name=None, inside=None):
        """Returns the first thing that shows and matches, or None. A name is a string or a compiled expression."""
        found = [node for node in self.walk(inside) if role is None or node.role == role]
        if name is None:
            return next(iter(found), None)
        matches = name.search if isinstance(name, re.Pattern) else name.__eq__
        names = self.bus.ask(name_of(node.path) for node in found)
        return next((node for node, called in zip(found, names) if matches(called or '')), None)

    def find(self, role=None, name=None, inside=None):
        """Waits for what look() finds."""
        wanted = ' '.join(str(part.pattern if isinstance(part, re.Pattern) else part) for part in (role, name) if part)
        return wait_for(lambda: self.look(role, name, inside), wanted, otherwise=self.outline)

    def wait(self, condition, what):
        return wait_for(condition, what, otherwise=self.outline)

    def texts(self, inside=None):
        """Returns every text that is showing, labels and values alike."""
        return [text for _, text in self.read(inside)]

    def read(self, inside=None):
        """Returns everything that shows a text, with its text."""
        nodes = self.walk(inside)
        return [(node, text) for node, text in zip(nodes, self.bus.texts(nodes)) if text]

    def read_known(self):
        """Returns what read() does of those that showed a text that was looked for before, and still do."""
        return [(node, text) for node, text in zip(self.known, self.bus.texts(self.known))
                if text and self.bus.shows(node)]

    def seek(self, matches, inside=None, everywhere=True):
        """Returns what matches() made of the first text that it takes, or None.

        A walk of the window takes its time, and most texts come up again where they stood before, so that is looked at
        first; or alone.
        """
        for node, text in self.read_known() if inside is None else ():
            found = matches(text)
            if found:
                return found
        for node, text in self.read(inside) if everywhere else ():
            found = matches(text)
            if found:
                self.known = [node, *(other for other in self.known if other != node)][:N_KNOWN]
                return found
        return None

    def wait_for_match(self, matches, what, inside=None):
        """Waits until seek() finds something, and returns it."""
        watched_until = time.monotonic() + (PATIENCE if self.known and inside is None else 0)
        return self.wait(lambda: self.seek(matches, inside, time.monotonic() >= watched_until), what)

    def wait_for_text(self, pattern, inside=None):
        """Waits until a text that matches is showing, and returns the match."""
        return self.wait_for_match(re.compile(pattern).search, f'the text /{pattern}/', inside)

    def wait_for_bytes(self, wanted, what):
        """Waits until a text shows a size, as rounded as the text has it."""
        self.wait_for_match(lambda text: cli.shows_bytes(text, wanted), f'{what}: {wanted} bytes')

    # What a person does

    def press(self, *combinations):
        for combination in combinations:
            self.screen.press(combination)

    def type(self, text):
        self.screen.type(text)

    def quit(self, key='Control+q'):
        """Ends the application, as a person does."""
        self.press(key)
        self.has_quit = True
        wait_for(lambda: self.process.poll() is not None, 'the application to end')
        assert self.process.returncode == 0, f'the application ended with status {self.process.returncode}'

    def tab_to(self, role=None, name=None, key='Tab'):
        """Presses Tab until the focus is on what matches, and returns it; Shift+Tab goes backwards."""
        passed = []
        before = self.focused()
        for _ in range(200):
            self.press(key)
            node = self.wait(lambda: self.moved_from(before), f'the focus to move on from {describe(before)}')
            if (role is None or node.role == role) and (name is None or node.name == name):
                return node
            passed.append(describe(node))
            before = node
        raise AssertionError(f'Tab did not reach {role} {name}, but passed\n' + '\n'.join(passed))

    def moved_from(self, before):
        node = self.focused()
        return node if node is not None and node != before else None

    def choose_from_menu(self, button, item):
        """Tabs to a button of the header bar, opens its menu, goes to an item. An underscore marks a mnemonic."""
        self.tab_to('push button', button, key='Shift+Tab')
        self.press('space')
        wanted = without_mnemonic(item)
        self.wait_for_match(lambda text: text == wanted, f'the item {wanted}')
        for _ in range(30):
            if wanted in self.focused_names():
                self.press('Return')
                return
            before = self.focused()
            self.press('Down')
            self.wait(lambda: self.moved_from(before), f'the focus to move on from {describe(before)}')
        raise AssertionError(f'the menu {button} has no item {wanted}\n{self.outline()}')

    def focused_names(self):
        """Waits until what has the focus, or something in it, has a name, and returns all of them.

        A row may have the focus before it is filled.
        """
        def names():
            node = self.focused()
            inside = [] if node is None else [node, *self.walk(node)]
            return [name for name in self.bus.ask(name_of(found.path) for found in inside) if name]
        return self.wait(names, 'a name of what has the focus')

    def enter(self, name, text):
        """Tabs to the spin button of that name and puts a text into it."""
        self.tab_to('spin button', name)
        self.press('Control+a')
        self.type(text)
        self.press('Return')

    def focus_new_window(self):
        """Gives the keyboard to the window that has just opened above the others."""
        self.wait(lambda: len(self.screen.windows()) > 1, 'a second window')
        self.screen.focus_top_window()

    def other_window(self):
        """Returns the window that stands beside the one that the application began with, or None."""
        return next((window for window in self.bus.windows() if window != self.window), None)

    def answer_file_dialog(self, path):
        """Types a path into the file dialog that is about to open, and accepts it."""
        self.focus_new_window()
        dialog = self.wait(self.other_window, 'the dialog')
        self.wait(lambda: self.look_for_focus(dialog), 'the focus in the dialog')
        self.press('Control+a')
        self.type(path)
        self.wait_for_match(lambda text: text == path, f'{path} in the dialog', dialog)
        self.press('Return')
        self.wait(lambda: len(self.bus.windows()) == 1, 'the dialog to close')
        self.screen.focus_top_window()

    def open_file(self, path):
        self.press('Control+o')
        self.answer_file_dialog(path)

    def verdict(self):
        """Returns the sentence that says whether the job fits: it names the GPU and an amount of memory."""
        verdict = re.compile(r'GeForce RTX 4090.*\d[ \u00a0][MG]iB')
        return self.seek(lambda text: text if verdict.search(text) else None)

    def focused(self):
        """Returns what has the focus, or None. The bus tells of it; only where it does not is it looked for."""
        context = GLib.MainContext.default()
        deadline = time.monotonic() + PATIENCE
        while self.told is not None and time.monotonic() < deadline:
            while context.pending():
                context.iteration(False)
            with contextlib.suppress(GLib.Error):
                if self.told.has_focus():
                    return self.told
        return self.look_for_focus()

    def look_for_focus(self, inside=None):
        """Returns what has the focus in a node, or None."""
        nodes = self.walk(inside, leaves=('label', 'image'))
        states = self.bus.states([node.path for node in nodes])
        return next((node for node, state in zip(nodes, states) if state & FOCUSED), None)


def without_mnemonic(text):
    """Returns a label as it is shown."""
    return text.replace('_', '')


def describe(node):
    """Says what a node is, which may have gone or be too busy to answer."""
    with contextlib.suppress(GLib.Error):
        return 'nothing' if node is None else f'{node.role} “{node.name}”'
    return 'what does not answer'
