# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the accessibility bus for all that is in a window at once, and finds what has no name.

A call for each widget and each of its properties takes minutes: a widget is asked for its children, and then the
application for all that it has been asked for, with its name, role and states.
"""

from accessibility import ACCESSIBLE, FOCUSABLE, VISIBLE, states_in

# What is in these has the focus, not they themselves; and a label's text is its name.
HOLDERS = ('group', 'label', 'list', 'list box', 'panel', 'scroll pane', 'tab panel', 'table', 'tab list', 'text',
           'tree grid', 'viewport', 'widget', 'window')

# Screen readers read what is in these where they have no name of their own.
NAMED_BY_CONTENT = ('list item', 'row', 'table row', 'cell', 'table cell', 'tree item')

# Rows of a table are alike.
N_ROWS = 12


class Item:
    """A widget as the bus knows it."""

    def __init__(self, item):
        (_, self.path), _, (_, self.parent), _, _, _, self.name, _, _, states = item
        self.states = states_in(states)
        self.children = []

    def is_named(self):
        """A widget that nobody has named is called by its type."""
        return self.name.strip() != '' and not self.name.startswith(('Gtk', 'Adw', 'Headroom'))


class Names:
    """The names of all that is in the windows of an application."""

    def __init__(self, bus):
        self.bus = bus

    def look_at(self, window):
        """Returns all items in a window by their paths, with their children."""
        children, parents = {}, [window.path]
        while parents:
            families = [family[:N_ROWS] for family in self.bus.children(parents)]
            children.update(zip(parents, families))
            parents = [path for family in families for path in family]
        nodes = {}
        for item in self.bus.call('/org/a11y/atspi/cache', 'org.a11y.atspi.Cache', 'GetItems'):
            node = Item(item)
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
            role = self.bus.call(node.path, ACCESSIBLE, 'GetRoleName')
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
