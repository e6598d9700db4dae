# SPDX-License-Identifier: GPL-3.0-or-later
"""A keyboard for the X server that the test runs under, by libX11 and libXtst, which the accessibility bus brings."""

import ctypes

CURRENT_TIME = 0
REVERT_TO_PARENT = 2
IS_VIEWABLE = 2

KEYS = {
    'Return': 0xff0d, 'Escape': 0xff1b, 'Tab': 0xff09, 'BackSpace': 0xff08, 'Delete': 0xffff, 'Home': 0xff50,
    'Left': 0xff51, 'Up': 0xff52, 'Right': 0xff53, 'Down': 0xff54, 'End': 0xff57, 'space': 0x20,
    'Control': 0xffe3, 'Shift': 0xffe1, 'Alt': 0xffe9, 'comma': 0x2c, 'F1': 0xffbe, 'F6': 0xffc3, 'F10': 0xffc7,
}


class WindowAttributes(ctypes.Structure):
    """XWindowAttributes of Xlib.h."""
    _fields_ = [(name, ctypes.c_int) for name in ('x', 'y', 'width', 'height', 'border_width', 'depth')] + [
        ('visual', ctypes.c_void_p), ('root', ctypes.c_ulong)] + [
        (name, ctypes.c_int) for name in ('window_class', 'bit_gravity', 'win_gravity', 'backing_store')] + [
        ('backing_planes', ctypes.c_ulong), ('backing_pixel', ctypes.c_ulong), ('save_under', ctypes.c_int),
        ('colormap', ctypes.c_ulong), ('map_installed', ctypes.c_int), ('map_state', ctypes.c_int),
        ('all_event_masks', ctypes.c_long), ('your_event_mask', ctypes.c_long),
        ('do_not_propagate_mask', ctypes.c_long), ('override_redirect', ctypes.c_int), ('screen', ctypes.c_void_p)]


class Screen:
    """The screen that DISPLAY names."""

    def __init__(self):
        self.x11 = ctypes.CDLL('libX11.so.6')
        self.xtst = ctypes.CDLL('libXtst.so.6')
        self.x11.XOpenDisplay.restype = ctypes.c_void_p
        self.x11.XDefaultRootWindow.restype = ctypes.c_ulong
        self.x11.XKeysymToKeycode.restype = ctypes.c_ubyte
        self.x11.XkbKeycodeToKeysym.restype = ctypes.c_ulong
        self.display = ctypes.c_void_p(self.x11.XOpenDisplay(None))
        assert self.display, 'no display'
        # A window may go between being listed and being asked about; that is no reason to end.
        handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self.ignore_errors = handler(lambda display, event: 0)
        self.x11.XSetErrorHandler(self.ignore_errors)

    def windows(self):
        """Returns the windows that are on the screen, the lowest first: (id, x, y, width, height)."""
        root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
        children = ctypes.POINTER(ctypes.c_ulong)()
        self.x11.XQueryTree(self.display, self.x11.XDefaultRootWindow(self.display), ctypes.byref(root),
                            ctypes.byref(parent), ctypes.byref(children), ctypes.byref(count))
        found = []
        for window in children[:count.value]:
            attributes = WindowAttributes()
            self.x11.XGetWindowAttributes(self.display, ctypes.c_ulong(window), ctypes.byref(attributes))
            if attributes.map_state == IS_VIEWABLE and attributes.width > 1:
                found.append((window, attributes.x, attributes.y, attributes.width, attributes.height))
        return found

    def focus_top_window(self):
        """Does what a window manager does when a window opens."""
        window = self.windows()[-1][0]
        self.x11.XSetInputFocus(self.display, ctypes.c_ulong(window), REVERT_TO_PARENT, CURRENT_TIME)
        self.x11.XSync(self.display, 0)

    def _send(self, keysym, down):
        code = self.x11.XKeysymToKeycode(self.display, ctypes.c_ulong(keysym))
        assert code != 0, f'no key for {keysym:#x}'
        self.xtst.XTestFakeKeyEvent(self.display, ctypes.c_uint(code), int(down), ctypes.c_ulong(CURRENT_TIME))

    def press(self, combination):
        """Presses one combination, such as "Control+o"."""
        keysyms = [KEYS.get(name) or ord(name) for name in combination.split('+')]
        for keysym in keysyms:
            self._send(keysym, True)
        for keysym in reversed(keysyms):
            self._send(keysym, False)
        self.x11.XSync(self.display, 0)

    def type(self, text):
        """Types ASCII text."""
        for letter in text:
            code = self.x11.XKeysymToKeycode(self.display, ctypes.c_ulong(ord(letter)))
            plain = self.x11.XkbKeycodeToKeysym(self.display, ctypes.c_ubyte(code), 0, 0)
            if plain != ord(letter):
                self._send(KEYS['Shift'], True)
            self._send(ord(letter), True)
            self._send(ord(letter), False)
            if plain != ord(letter):
                self._send(KEYS['Shift'], False)
        self.x11.XSync(self.display, 0)
