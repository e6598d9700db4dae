# SPDX-License-Identifier: GPL-3.0-or-later
"""An application as the accessibility bus tells of it to a screen reader.

An answer takes the application a fraction of a millisecond, and the way there and back several times that. So whatever
is asked of many widgets is sent for all of them before the first answer is awaited.
"""

import gi
gi.require_version('Atspi', '2.0')
# pylint: disable=wrong-import-position
from gi.repository import Atspi, Gio, GLib

ACCESSIBLE = 'org.a11y.atspi.Accessible'
COMPONENT = 'org.a11y.atspi.Component'
PROPERTIES = 'org.freedesktop.DBus.Properties'
REGISTRY = 'org.a11y.atspi.Registry'
ROOT = '/org/a11y/atspi/accessible/root'
TEXT = 'org.a11y.atspi.Text'
VALUE = 'org.a11y.atspi.Value'

FOCUSABLE, FOCUSED, SHOWING, VISIBLE = (1 << int(state) for state in (
    Atspi.StateType.FOCUSABLE, Atspi.StateType.FOCUSED, Atspi.StateType.SHOWING, Atspi.StateType.VISIBLE))

# Longer than anything takes on a busy machine, in milliseconds.
PATIENCE = 60000

# Roles of widgets that say nothing themselves, and of those whose text is not their name.
CONTAINERS = ('panel', 'filler', 'scroll pane', 'alert')
ENTRIES = ('label', 'text', 'entry')


class Node:
    """What the application says of one of its widgets, asked each time. GLib.Error: the widget is no more."""

    def __init__(self, bus, path):
        self.bus = bus
        self.path = path

    def __eq__(self, other):
        return isinstance(other, Node) and self.path == other.path

    def __hash__(self):
        return hash(self.path)

    @property
    def role(self):
        return self.bus.roles([self.path])[0]

    @property
    def name(self):
        return self.bus.call(*name_of(self.path))

    @property
    def description(self):
        return self.bus.call(*property_of(self.path, ACCESSIBLE, 'Description'))

    @property
    def value(self):
        return self.bus.call(*property_of(self.path, VALUE, 'CurrentValue'))

    def has_focus(self):
        return bool(states_in(self.bus.call(self.path, ACCESSIBLE, 'GetState')) & FOCUSED)


class Bus:
    """The accessibility bus, and one application on it once find_application() has found it."""

    def __init__(self):
        session = Gio.bus_get_sync(Gio.BusType.SESSION)
        address = session.call_sync('org.a11y.Bus', '/org/a11y/bus', 'org.a11y.Bus', 'GetAddress', None, None,
                                    Gio.DBusCallFlags.NONE, PATIENCE, None).unpack()[0]
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.connection = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        self.owner = None
        # A path is of one widget as long as the application runs, and a widget keeps its role and its parent.
        self.known_roles = {}
        self.parents = {}

    def find_application(self, process):
        """Returns whether the application of that process is there."""
        for owner, _ in self._call(REGISTRY, ROOT, ACCESSIBLE, 'GetChildren'):
            if self._call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                          'GetConnectionUnixProcessID', GLib.Variant('(s)', (owner,))) == process:
                self.owner = owner
                return True
        return False

    def listen_for_focus(self, told):
        """Calls told(node) whenever the application tells that a widget has got the focus."""
        self.connection.call_sync(REGISTRY, '/org/a11y/atspi/registry', REGISTRY, 'RegisterEvent',
                                  GLib.Variant('(sass)', ('object:state-changed:focused', [], '')), None,
                                  Gio.DBusCallFlags.NONE, PATIENCE, None)

        def changed(_connection, _sender, path, _interface, _signal, parameters):
            if parameters.unpack()[1]:
                told(Node(self, path))
        self.connection.signal_subscribe(self.owner, 'org.a11y.atspi.Event.Object', 'StateChanged', None, 'focused',
                                         Gio.DBusSignalFlags.NONE, changed)

    def _call(self, owner, path, interface, method, arguments=None):
        return self.connection.call_sync(owner, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE,
                                         PATIENCE, None).unpack()[0]

    def call(self, path, interface, method, arguments=None):
        """Returns the answer to one question."""
        return self._call(self.owner, path, interface, method, arguments)

    def ask(self, questions):
        """Returns the answers to questions, each the arguments of call(); None for what had no answer."""
        questions = list(questions)
        answers = [None] * len(questions)
        n_waiting = len(questions)

        def answered(connection, result, index):
            nonlocal n_waiting
            n_waiting -= 1
            try:
                answers[index] = connection.call_finish(result).unpack()[0]
            except GLib.Error:
                # The widget has gone, or has no such side.
                pass
        for index, (path, interface, method, *arguments) in enumerate(questions):
            self.connection.call(self.owner, path, interface, method, *(arguments or (None,)), None,
                                 Gio.DBusCallFlags.NONE, PATIENCE, None, answered, index)
        while n_waiting:
            GLib.MainContext.default().iteration(True)
        return answers

    def roles(self, paths):
        """Returns the names of the roles of widgets, as screen readers know them; None for one that is no more."""
        unknown = [path for path in paths if path not in self.known_roles]
        for path, role in zip(unknown, self.ask((path, ACCESSIBLE, 'GetRole') for path in unknown)):
            if role is not None:
                self.known_roles[path] = Atspi.role_get_name(Atspi.Role(role))
        return [self.known_roles.get(path) for path in paths]

    def children(self, paths):
        """Returns the paths of the children of widgets, a list for each."""
        return [[child for owner, child in answer or () if owner == self.owner]
                for answer in self.ask((path, ACCESSIBLE, 'GetChildren') for path in paths)]

    def windows(self):
        return [Node(self, path) for path in self.children([ROOT])[0]]

    def states(self, paths):
        """Returns the states of widgets as a set of bits; 0 for one that is no more."""
        return [states_in(answer or (0, 0)) for answer in self.ask((path, ACCESSIBLE, 'GetState') for path in paths)]

    def texts(self, nodes):
        """Returns what each node shows: the text of a label or an entry, the name of another, '' of a container."""
        speaking = [node for node in nodes if node.role not in CONTAINERS]
        answers = self.ask(text_in(node.path) if node.role in ENTRIES else name_of(node.path) for node in speaking)
        shown = dict(zip(speaking, answers))
        return [shown.get(node) or '' for node in nodes]

    def are_there(self, paths):
        """Returns which widgets are on the screen, or would be after scrolling.

        GTK 4.8 tells of windows only whether they are showing. What stands on a hidden page, or in a closed revealer,
        is visible to it, but the page or the revealer has no size.
        """
        states = dict(zip(paths, self.states(paths)))
        sized = [path for path, role in zip(paths, self.roles(paths))
                 if role in CONTAINERS and states[path] & VISIBLE and not states[path] & SHOWING]
        extents = self.ask((path, COMPONENT, 'GetExtents', GLib.Variant('(u)', (int(Atspi.CoordType.WINDOW),)))
                           for path in sized)
        empty = {path for path, answer in zip(sized, extents) if answer is None or answer[2] <= 0 or answer[3] <= 0}
        return [states[path] & (SHOWING | VISIBLE) != 0 and path not in empty for path in paths]

    def shows(self, node):
        """Returns whether a walk of the windows, by which a node was found before, would come to it again."""
        chain = []
        path = node.path
        while path in self.parents:
            chain.append(path)
            path = self.parents[path]
        return all(self.are_there(chain))

    def walk(self, top, leaves):
        """Returns all that is there in a node and how deep, depth first; what is in `leaves`' roles is not entered."""
        inside = {}
        parents = [top.path]
        while parents:
            families = self.children(parents)
            found = [path for family in families for path in family]
            there = {path for path, is_there in zip(found, self.are_there(found)) if is_there}
            for parent, family in zip(parents, families):
                inside[parent] = [path for path in family if path in there]
                self.parents.update((path, parent) for path in inside[parent])
            parents = [path for path, role in zip(found, self.roles(found)) if path in there and role not in leaves]

        def enter(path, depth):
            for child in inside.get(path, ()):
                yield Node(self, child), depth
                yield from enter(child, depth + 1)
        return list(enter(top.path, 0))


def property_of(path, interface, name):
    """Returns the question for a property."""
    return path, PROPERTIES, 'Get', GLib.Variant('(ss)', (interface, name))


def name_of(path):
    return property_of(path, ACCESSIBLE, 'Name')


def text_in(path):
    return path, TEXT, 'GetText', GLib.Variant('(ii)', (0, 1 << 20))


def states_in(answer):
    low, high = answer
    return low | high << 32
