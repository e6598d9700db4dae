#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may include whom, and what the finished programs link: the rules of src/DESIGN.md that meson cannot see."""

import os
import re
import subprocess
import sys

import tap
import tree

LIBRARY = ['base', 'logs', 'model', 'hardware', 'job', 'memory', 'compute', 'labels', 'advice', 'plan', 'launch',
           'report']

# Each floor, and the floors whose headers it may include besides its own.
FLOORS = {
    'src/libheadroom/base': [],
    'src/libheadroom/logs': ['base'],
    'src/libheadroom/model': ['base'],
    'src/libheadroom/hardware': ['base'],
    'src/libheadroom/job': ['base', 'model', 'hardware'],
    'src/libheadroom/memory': ['base', 'model', 'hardware', 'job'],
    'src/libheadroom/compute': ['base', 'model', 'hardware', 'job', 'memory'],
    'src/libheadroom/labels': ['base', 'logs', 'model', 'hardware', 'job', 'memory'],
    'src/libheadroom/advice': ['base', 'model', 'hardware', 'job', 'memory', 'compute', 'labels'],
    'src/libheadroom/plan': ['base', 'model', 'hardware', 'job', 'memory', 'compute', 'advice'],
    'src/libheadroom/launch': ['base', 'model', 'hardware', 'job', 'memory', 'labels'],
    'src/libheadroom/report': LIBRARY[:-1],
    'src/charts': [],
    'src/export': LIBRARY + ['charts'],
    'src/cli': LIBRARY + ['charts', 'export'],
    'src/app': LIBRARY + ['charts', 'export'],
}

# What a folder must not include, whatever the compiler finds: GIO shares GLib's directory, cairo stands in the
# system's.
FORBIDDEN = {
    'src/libheadroom': r'(gtk|gdk|gsk|adwaita|cairo|pango)',
    'src/libheadroom/memory': r'(gtk|gdk|gsk|adwaita|cairo|pango|json-glib|stdio|locale|libintl|time|fcntl|unistd'
                              r'|glib/gstdio)',
    'src/libheadroom/compute': r'(gtk|gdk|gsk|adwaita|cairo|pango|json-glib|stdio|locale|libintl|time|fcntl|unistd'
                               r'|glib/gstdio)',
    'src/libheadroom/advice': r'(gtk|gdk|gsk|adwaita|cairo|pango|json-glib)',
    'src/libheadroom/plan': r'(gtk|gdk|gsk|adwaita|cairo|pango|json-glib)',
    'src/charts': r'(gtk|gdk|gsk|adwaita|json-glib)',
    'src/export': r'(gtk|gdk|gsk|adwaita|json-glib)',
    'src/cli': r'(gtk|gdk|gsk|adwaita)',
    'src/app': r'json-glib',
}

# What would let the clock, the locale, a file or chance into an estimate.
IMPURE = re.compile(
    r'^(f?open(64|at)?|f(read|write|printf|puts|gets)|printf|puts|getenv|setlocale|localeconv|newlocale|uselocale'
    r'|time|gettimeofday|clock_gettime|localtime(_r)?|rand(om)?|d?c?n?gettext|dcn?gettext'
    r'|g_getenv|g_setenv|g_get_(monotonic|real)_time|g_date_time_new_now\w*|g_random_\w+|g_rand_new'
    r'|g_d\w*gettext\w*|g_file_\w+|g_fopen|g_open|g_print(err)?|g_settings_\w+|g_resources?_\w+)$')

# What GObject's macros keep for each type: written once, under its lock.
WRITTEN_ONCE = re.compile(r'(static_g_define_type_id|\w+_parent_class|\w+_private_offset|gtype_id|properties|signals'
                          r'|__asan_\w+|__odr_asan\w*|__ubsan\w*|\.L\w+|_?\*)', re.IGNORECASE)

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)


def sources(folder):
    return tree.files(folder, suffixes=('.c', '.h'))


def no_floor_includes_one_above():
    homes = {os.path.basename(path): floor for floor in FLOORS for path in sources(floor) if path.endswith('.h')}
    problems = []
    for floor, below in FLOORS.items():
        for path in sources(floor):
            for header in INCLUDE.findall(tree.read(path)):
                home = homes.get(os.path.basename(header))
                if home is not None and home != floor and os.path.basename(home) not in below:
                    problems.append(f'{path} includes {header} of {home}')
    tap.expect_none(problems, 'a floor includes from above')


def no_floor_includes_a_library_it_must_not_know():
    problems = []
    for folder, pattern in FORBIDDEN.items():
        forbidden = re.compile(pattern + r'(/|\.h$|-)')
        for path in sources(folder):
            problems += [f'{path} includes {header}' for header in INCLUDE.findall(tree.read(path))
                         if forbidden.match(header)]
    tap.expect_none(problems, 'forbidden includes')


def objects_of(floor):
    folder = os.path.join(tree.BUILD, floor, f'libhr-{os.path.basename(floor)}.a.p')
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith('.o')]


def the_memory_and_compute_models_are_pure():
    problems = []
    for path in objects_of('src/libheadroom/memory') + objects_of('src/libheadroom/compute'):
        symbols = subprocess.run(['nm', '--format=sysv', path], capture_output=True, text=True, check=True).stdout
        for row in (line.split('|') for line in symbols.splitlines() if line.count('|') == 6):
            name, kind, section = row[0].strip(), row[2].strip(), row[6].strip()
            if kind == 'U' and IMPURE.match(name):
                problems.append(f'{os.path.basename(path)} calls {name}')
            # Tables of pointers stand in .data.rel.ro, which is read-only once loaded.
            if re.match(r'\.(data|bss)(?!\.rel\.ro)', section) and not WRITTEN_ONCE.match(name):
                problems.append(f'{os.path.basename(path)} keeps the writable global {name}')
    tap.expect_none(problems, 'memory/ or compute/ is not pure')


def loaded_by(program):
    return subprocess.run(['ldd', os.path.join(tree.BUILD, program)], capture_output=True, text=True, check=True).stdout


def the_command_line_program_links_no_toolkit():
    for name in ('libgtk', 'libadwaita', 'libgdk_pixbuf'):
        assert name not in loaded_by('src/cli/headroom-cli'), name


def the_library_draws_nothing():
    for name in ('libgtk', 'libadwaita', 'libcairo', 'libpango'):
        assert name not in loaded_by('src/libheadroom/libheadroom.so'), name


if __name__ == '__main__':
    sys.exit(tap.main(
        'package',
        no_floor_includes_one_above,
        no_floor_includes_a_library_it_must_not_know,
        the_memory_and_compute_models_are_pure,
        the_command_line_program_links_no_toolkit,
        the_library_draws_nothing,
    ))
