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

import gi
gi.require_version('Atspi', '2.0')
# pylint: disable=wrong-import-position
from gi.repository import Atspi, GLib

import cli
from screen import Screen

ROOT = os.environ['HEADROOM_SOURCE_ROOT']
BUILD = os.environ['HEADROOM_BUILD_ROOT']

# How long a label that has been read before is watched alone, before everything is looked at again.
PATIENCE = 1

# How many labels that were read before are kept in mind.
N_KNOWN = 8

# Generous, because the machine may be busy: a wait ends as soon as its condition holds.
TIMEOUT = 30


# What is asked on every look at the window is asked over the bus, so what cannot matter is not asked.
CONTAINERS = ('panel', 'filler', 'scroll pane', 'alert')
ENTRIES = ('label', 'text', 'entry')
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
        self.accessible = None
        self.window = None
        self.arguments = arguments
        self.settings = {'gpu': "'rtx-4090'", **(settings or {})}
        self.screen = Screen()
        # What the bus last told to have the focus, and where texts that were waited for stood.
        self.told = None
        self.known = []
        self.listener = Atspi.EventListener.new(self._focus_changed)

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
        self.listener.register('object:state-changed:focused')
        wait_for(self._appeared, 'the application on the accessibility bus', otherwise=self.said)
        self.window = self.find('frame')
        wait_for(self.screen.windows, 'a window on the screen', otherwise=self.said)
        self.screen.focus_top_window()
        return self

    def __exit__(self, kind, value, trace):
        # The bus may be busy with what it still has to tell.
        with contextlib.suppress(GLib.Error):
            self.listener.deregister('object:state-changed:focused')
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
        desktop = Atspi.get_desktop(0)
        for index in range(desktop.get_child_count()):
            child = desktop.get_child_at_index(index)
            if child is not None and child.get_process_id() == self.process.pid:
                self.accessible = child
                # Ask the application each time: what it says now is what is tested.
                child.set_cache_mask(Atspi.Cache.NONE)
                return True
        return False

    def _focus_changed(self, event):
        with contextlib.suppress(GLib.Error):
            if event.detail1 and event.source.get_process_id() == self.process.pid:
                self.told = event.source

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
        """Yields what is showing, depth first. The cells of a table are left out: they say again what stands beside."""
        node = node or self.accessible
        for index in range(node.get_child_count()):
            child = None
            with contextlib.suppress(GLib.Error):
                child = node.get_child_at_index(index)
            if child is None:
                continue
            with contextlib.suppress(GLib.Error):
                role = child.get_role_name()
                if is_there(child, role):
                    yield child
                    if role not in leaves:
                        yield from self.walk(child, leaves)

    def outline(self):
        """Returns what is showing as indented lines, for messages of failed tests."""
        def lines(node, depth):
            for index in range(node.get_child_count()):
                child = node.get_child_at_index(index)
                if child is None or not is_there(child, child.get_role_name()):
                    continue
                text = text_of(child)
                speaks = child.get_role_name() not in ('panel', 'filler') or text
                if speaks:
                    yield f'{"  " * depth}{child.get_role_name()} “{child.get_name()}” {text!r}'
                yield from lines(child, depth + 1 if speaks else depth)
        with contextlib.suppress(GLib.Error):
            return '\n'.join(lines(self.accessible, 0)) + '\n' + self.said()
        return self.said()

    def look(self, role=None, name=None, inside=None, where=None):
        """Returns the first thing that shows and matches, or None. A name is a string or a compiled expression."""
        for node in self.walk(inside):
            with contextlib.suppress(GLib.Error):
                if role is not None and node.get_role_name() != role:
                    continue
                if isinstance(name, str) and node.get_name() != name:
                    continue
                if isinstance(name, re.Pattern) and not name.search(node.get_name() or ''):
                    continue
                if where is None or where(node):
                    return node
        return None

    def find(self, role=None, name=None, inside=None, where=None):
        """Waits for what look() finds."""
        wanted = ' '.join(str(part.pattern if isinstance(part, re.Pattern) else part) for part in (role, name) if part)
        return wait_for(lambda: self.look(role, name, inside, where), wanted, otherwise=self.outline)

    def wait(self, condition, what):
        return wait_for(condition, what, otherwise=self.outline)

    def texts(self, inside=None):
        """Returns every text that is showing, labels and values alike."""
        return [text for _, text in self.read(inside)]

    def read(self, inside=None):
        """Yields everything that shows a text, with its text."""
        for node in self.walk(inside):
            with contextlib.suppress(GLib.Error):
                text = shown_by(node)
                if text:
                    yield node, text

    def read_known(self):
        """Yields what read() does of those that showed a text that was looked for before, and still do."""
        for node in list(self.known):
            with contextlib.suppress(GLib.Error):
                text = shown_by(node) if self.shows(node) else None
                if text:
                    yield node, text

    def shows(self, node):
        """Returns whether a walk of the windows would come to a node: all that it stands in is showing."""
        while node is not None and node != self.accessible:
            if not is_there(node, node.get_role_name()):
                return False
            node = node.get_parent()
        return node is not None

    def seek(self, matches, inside=None, everywhere=True):
        """Returns what matches() made of the first text that it takes, or None.

        A walk of the window takes seconds, and most texts come up again where they stood before, so that is looked at
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
        for _ in range(120):
            self.press(key)
            node = self.wait(lambda: self.moved_from(before), f'the focus to move on from {describe(before)}')
            if (role is None or node.get_role_name() == role) and (name is None or node.get_name() == name):
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
            if wanted in (node.get_name() for node in self.focused_and_inside()):
                self.press('Return')
                return
            before = self.focused()
            self.press('Down')
            self.wait(lambda: self.moved_from(before), f'the focus to move on from {describe(before)}')
        raise AssertionError(f'the menu {button} has no item {wanted}\n{self.outline()}')

    def focused_and_inside(self):
        node = self.focused()
        return [] if node is None else [node, *self.walk(node)]

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
        for index in range(self.accessible.get_child_count()):
            child = self.accessible.get_child_at_index(index)
            if child is not None and child != self.window:
                return child
        return None

    def answer_file_dialog(self, path):
        """Types a path into the file dialog that is about to open, and accepts it."""
        self.focus_new_window()
        dialog = self.wait(self.other_window, 'the dialog')
        self.press('Control+a')
        self.type(path)
        self.wait_for_match(lambda text: text == path, f'{path} in the dialog', dialog)
        self.press('Return')
        self.wait(lambda: self.accessible.get_child_count() == 1, 'the dialog to close')
        self.screen.focus_top_window()

    def open_file(self, path):
        self.press('Control+o')
        self.answer_file_dialog(path)

    def verdict(self):
        """Returns the sentence that says whether the job fits: it names the GPU and an amount of memory."""
        verdict = re.compile(r'GeForce RTX 4090.*\d[ \u00a0][MG]iB')
        return self.seek(lambda text: text if verdict.search(text) else None)

    def focused(self):
        """Returns what has the focus, or None. The bus tells of it; only where it has not is it looked for."""
        context = GLib.MainContext.default()
        while context.pending():
            context.iteration(False)
        with contextlib.suppress(GLib.Error):
            if self.told is not None and has_focus(self.told):
                return self.told
        for node in self.walk(leaves=('label', 'image')):
            with contextlib.suppress(GLib.Error):
                if has_focus(node):
                    return node
        return None


def without_mnemonic(text):
    """Returns a label as it is shown."""
    return text.replace('_', '')


def is_there(node, role):
    """Returns whether a node is on the screen, or would be after scrolling.

    GTK 4.8 tells of windows only whether they are showing. What stands on a hidden page, or in a closed revealer, is
    visible to it, but the page or the revealer has no size.
    """
    states = node.get_state_set()
    if states.contains(Atspi.StateType.SHOWING):
        return True
    if not states.contains(Atspi.StateType.VISIBLE):
        return False
    if role not in CONTAINERS:
        return True
    component = node.get_component_iface()
    if component is None:
        return True
    extents = component.get_extents(Atspi.CoordType.WINDOW)
    return extents.width > 0 and extents.height > 0


def has_focus(node):
    return node.get_state_set().contains(Atspi.StateType.FOCUSED)


def describe(node):
    """Says what a node is, which may have gone or be too busy to answer."""
    with contextlib.suppress(GLib.Error):
        return 'nothing' if node is None else f'{node.get_role_name()} “{node.get_name()}”'
    return 'what does not answer'


def shown_by(node):
    """Returns the text that a node shows, or None."""
    role = node.get_role_name()
    if role in CONTAINERS:
        return None
    return text_of(node) if role in ENTRIES else node.get_name()


def text_of(node):
    """Returns the text of a label or an entry; an empty string for what has none."""
    with contextlib.suppress(GLib.Error):
        return Atspi.Text.get_text(node, 0, 1 << 20) or ''
    return ''
