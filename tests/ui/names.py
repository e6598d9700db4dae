# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the accessibility bus for all that is in a window at once, and finds what has no name.

A call for each widget and each of its properties takes minutes: a widget is asked for its children, and then the
application for all that it has been asked for, with its name, role and states.
"""

import gi
gi.require_version('Atspi', '2.0')
# pylint: disable=wrong-import-position
from gi.repository import Atspi, Gio, GLib

ACCESSIBLE = 'org.a11y.atspi.Accessible'

# What is in these has the focus, not they themselves; and a label's text is its name.
HOLDERS = ('group', 'label', 'list', 'list box', 'panel', 'scroll pane', 'tab panel', 'table', 'tab list', 'text',
           'tree grid', 'viewport', 'widget', 'window')

# Screen readers read what is in these where they have no name of their own.
NAMED_BY_CONTENT = ('list item', 'row', 'table row', 'cell', 'table cell', 'tree item')

# Rows of a table are alike.
N_ROWS = 12

FOCUSABLE = 1 << int(Atspi.StateType.FOCUSABLE)
VISIBLE = 1 << int(Atspi.StateType.VISIBLE)


class Node:
    """A widget as the bus knows it."""

    def __init__(self, item):
        (_, self.path), _, (_, self.parent), _, _, _, self.name, _, _, (low, high) = item
        self.states = low | high << 32
        self.children = []

    def is_named(self):
        """A widget that nobody has named is called by its type."""
        return self.name.strip() != '' and not self.name.startswith(('Gtk', 'Adw', 'Headroom'))


class Names:
    """The names of all that is in the windows of an application."""

    def __init__(self, accessible):
        session = Gio.bus_get_sync(Gio.BusType.SESSION)
        address = session.call_sync('org.a11y.Bus', '/org/a11y/bus', 'org.a11y.Bus', 'GetAddress', None, None,
                                    Gio.DBusCallFlags.NONE, -1, None).unpack()[0]
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.bus = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        self.process = accessible.get_process_id()
        self.owner = self._find_owner()

    def _call(self, path, interface, method, owner=None):
        return self.bus.call_sync(owner or self.owner, path, interface, method, None, None, Gio.DBusCallFlags.NONE,
                                  60000, None).unpack()[0]

    def _find_owner(self):
        root = '/org/a11y/atspi/accessible/root'
        for owner, _ in self._call(root, ACCESSIBLE, 'GetChildren', 'org.a11y.atspi.Registry'):
            answer = self.bus.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                                        'GetConnectionUnixProcessID', GLib.Variant('(s)', (owner,)), None,
                                        Gio.DBusCallFlags.NONE, -1, None)
            if answer.unpack()[0] == self.process:
                return owner
        raise AssertionError('the application is not on the accessibility bus')

    def windows(self):
        return [path for owner, path in self._call('/org/a11y/atspi/accessible/root', ACCESSIBLE, 'GetChildren')
                if owner == self.owner]

    def look_at(self, window):
        """Returns all nodes in a window by their paths, with their children."""
        children, waiting = {}, [window]
        while waiting:
            path = waiting.pop()
            children[path] = [child for owner, child in self._call(path, ACCESSIBLE, 'GetChildren')
                              if owner == self.owner][:N_ROWS]
            waiting += children[path]
        nodes = {}
        for item in self._call('/org/a11y/atspi/cache', 'org.a11y.atspi.Cache', 'GetItems'):
            node = Node(item)
            if node.path in children:
                node.children = children[node.path]
                nodes[node.path] = node
        return nodes

    def has_named_content(self, node, nodes):
        return any(nodes[child].is_named() or self.has_named_content(nodes[child], nodes)
                   for child in node.children if child in nodes)

    def nameless(self, window, left_out=()):
        """Yields where in a window the focus can come to something without a name, but for some roles and types."""
        nodes = self.look_at(window)
        for node in nodes.values():
            if node.is_named() or not node.states & FOCUSABLE or not node.states & VISIBLE:
                continue
            role = self._call(node.path, ACCESSIBLE, 'GetRoleName')
            if (role, node.name) in left_out or role in HOLDERS:
                continue
            if role in NAMED_BY_CONTENT and self.has_named_content(node, nodes):
                continue
            yield f'{role} “{node.name}” in ' + ' in '.join(self.describe_parents(node, nodes))

    def describe_parents(self, node, nodes):
        while node.parent in nodes:
            node = nodes[node.parent]
            if node.name.strip():
                yield f'“{node.name}”'
