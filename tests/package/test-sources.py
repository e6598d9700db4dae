#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Housekeeping over the whole tree: licences, leftovers, data files, scripts."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import tap
import tree

CODE = ('.c', '.h', '.py', '.sh', '.ui', '.css')
TEXT = CODE + ('.build', '.txt', '.md', '.json', '.xml', '.in', '.svg', '.po', '.supp')
LIBRARY = ('src/libheadroom/', 'src/charts/', 'src/export/')


def is_script(path):
    with open(os.path.join(tree.ROOT, path), 'rb') as file:
        return file.read(2) == b'#!'


def code_files():
    return [path for path in tree.files('src', 'tests', 'build-aux', '.ci') + ['run', 'check']
            if path.endswith(CODE) or is_script(path)]


def text_files():
    folders = ('src', 'data', 'po', 'tests', 'flatpak', 'build-aux')
    return sorted(set(code_files()) | set(tree.files(*folders, suffixes=TEXT))
                  | {'meson.build', 'meson_options.txt', 'README.md', 'HACKING.md', '.editorconfig', '.clang-format'})


def every_source_file_states_its_licence():
    problems = []
    for path in code_files():
        head = '\n'.join(tree.read(path).splitlines()[:5])
        match = re.search(r'SPDX-License-Identifier: (\S+)', head)
        expected = 'LGPL-3.0-or-later' if path.startswith(LIBRARY) else 'GPL-3.0-or-later'
        if match is None or match.group(1) != expected:
            problems.append(f'{path}: expected {expected}, found {match.group(1) if match else "none"}')
    tap.expect_none(problems, 'SPDX-License-Identifier')


def the_licences_are_there():
    assert 'GNU GENERAL PUBLIC LICENSE' in tree.read('COPYING')
    assert 'GNU LESSER GENERAL PUBLIC LICENSE' in tree.read('COPYING.LESSER')


def nothing_is_left_to_do():
    # Put together here, so that this file does not find itself.
    words = re.compile(r'\b(' + '|'.join(('TO' 'DO', 'FIX' 'ME', 'X' 'XX', 'HA' 'CK')) + r')\b')
    problems = [f'{path}:{number}: {line.strip()}'
                for path in code_files() + tree.files('src', 'data', suffixes=('.build', '.md', '.json', '.xml'))
                for number, line in enumerate(tree.read(path).splitlines(), 1) if words.search(line)]
    tap.expect_none(problems, 'left to do')


def no_line_ends_in_blanks():
    problems = []
    for path in text_files():
        text = tree.read(path)
        problems += [f'{path}:{number}' for number, line in enumerate(text.split('\n'), 1) if line != line.rstrip()]
        if text and not text.endswith('\n'):
            problems.append(f'{path}: no line end at its end')
        if path.endswith(('.c', '.h', '.py', '.ui', '.css')) and '\t' in text:
            problems.append(f'{path}: a tab')
    tap.expect_none(problems, 'blanks at the end of a line')


def no_line_of_code_is_longer_than_a_hundred_and_twenty():
    problems = [f'{path}:{number}: {len(line)} characters' for path in code_files() if not path.endswith('.ui')
                for number, line in enumerate(tree.read(path).splitlines(), 1) if len(line) > 120]
    tap.expect_none(problems, 'long lines')


def pairs_without_repetition(pairs):
    keys = [key for key, _ in pairs]
    repeated = {key for key in keys if keys.count(key) > 1}
    assert not repeated, f'given twice: {repeated}'
    return dict(pairs)


def load(path):
    try:
        return json.loads(tree.read(path), object_pairs_hook=pairs_without_repetition)
    except (ValueError, AssertionError) as error:
        raise AssertionError(f'{path}: {error}') from error


def every_json_file_is_strict():
    for path in tree.files('data', 'tests', 'flatpak', suffixes=('.json',)):
        if not path.startswith('tests/fuzz/') and '/bad/' not in path:
            load(path)


def every_row_of_data_states_its_source():
    folders = ('data/architectures', 'data/gpus', 'data/launch', 'data/logs', 'data/models',
               'data/prices', 'data/speeds')
    problems = []
    for folder in folders:
        paths = tree.files(folder, suffixes=('.json',))
        assert paths, f'{folder} is empty'
        for path in paths:
            document = load(path)
            # What the files of a folder look like, for editors; no data of its own.
            if path.endswith('/schema.json'):
                continue
            rows = [row for value in document.values() if isinstance(value, list)
                    for row in value if isinstance(row, dict) and 'id' in row]
            for row in rows or [document]:
                source = row.get('source', document.get('source'))
                if not source or not isinstance(source, (str, list)):
                    problems.append(f'{path}: {row.get("id", "the file")}')
    tap.expect_none(problems, 'rows without a source')


def every_source_of_a_model_is_an_address_to_read():
    """People read it in the window: how the row was made is said in words, not by a mark before the address."""
    mark = re.compile(r'(?:^|\()(page|page-derived|embedded|file|file-excerpt|reconstructed|class-default):')
    problems = []
    for path in tree.files('data/models', suffixes=('.json',)):
        document = load(path)
        rows = [document] + [row for value in document.values() if isinstance(value, list)
                             for row in value if isinstance(row, dict)]
        for row in rows:
            match = mark.search(row.get('source', ''))
            if match:
                problems.append(f'{path}: {row.get("id", "the file")}: begins with “{match.group(1)}:”')
    tap.expect_none(problems, 'sources that begin with a mark')


def every_data_file_is_in_the_program():
    listed = set(re.findall(r'<file[^>]*>([^<]+)</file>', tree.read('data/headroom-data.gresource.xml')))
    folders = ('data/architectures', 'data/articles', 'data/formats', 'data/gpus', 'data/launch', 'data/logs',
               'data/models', 'data/prices', 'data/speeds')
    present = {path[len('data/'):] for path in tree.files(*folders, suffixes=('.json',))}
    present -= {'architectures/schema.json'}
    assert listed == present, f'not listed: {sorted(present - listed)}; not there: {sorted(listed - present)}'


def every_xml_file_is_well_formed():
    for path in tree.files('data', 'src', suffixes=('.xml', '.xml.in', '.ui', '.svg')):
        try:
            ElementTree.parse(os.path.join(tree.ROOT, path))
        except ElementTree.ParseError as error:
            raise AssertionError(f'{path}: {error}') from error


def every_c_file_is_built():
    """A file that no meson.build names is dead."""
    built = '\n'.join(tree.read(path) for path in tree.files('src', 'tests', suffixes=('meson.build',)))
    problems = []
    for path in tree.files('src', 'tests', suffixes=('.c',)):
        name = os.path.basename(path)
        ways = (name, name[:-2], name[:-2].removeprefix('test-'))
        if not any(f"'{way}'" in built for way in ways):
            problems.append(path)
    tap.expect_none(problems, 'named by no meson.build')


def the_scripts_parse():
    for path in ('run', 'check', '.ci/run', 'build-aux/common.sh', 'build-aux/with-display',
                 'build-aux/update-potfiles', 'build-aux/take-screenshots', 'build-aux/update-translations',
                 'build-aux/extract-strings'):
        result = subprocess.run(['sh', '-n', os.path.join(tree.ROOT, path)], capture_output=True, text=True,
                                check=False)
        assert result.returncode == 0, result.stderr
        assert path.endswith('.sh') or os.access(os.path.join(tree.ROOT, path), os.X_OK), f'{path} is not executable'


def the_list_of_packages_is_complete():
    rows = [line.split() for line in tree.read('build-aux/packages.txt').splitlines()
            if line and not line.startswith('#')]
    for row in rows:
        assert len(row) == 5, row
        assert row[0] in ('build', 'test', 'asan', 'valgrind'), row
        assert re.match('(cmd|pkg|file|py|gi|font):', row[1]), row
    # Every library that meson asks for stands in the list, with at least that version.
    listed = {row[1][4:].partition('>=')[0] for row in rows if row[1].startswith('pkg:')}
    for needed in ('gio-unix-2.0', 'json-glib-1.0', 'pangocairo', 'gtk4', 'libadwaita-1'):
        assert needed in listed, needed


def every_link_of_the_documents_leads_somewhere():
    for path in ('README.md', 'HACKING.md', 'src/DESIGN.md'):
        text = tree.read(path)
        for target in re.findall(r'\]\(([^)#\s]+)[^)]*\)', text) + re.findall(r'<img[^>]* src="([^"]+)"', text):
            if not re.match(r'[a-z]+:', target):
                resolved = os.path.join(tree.ROOT, os.path.dirname(path), target)
                assert os.path.exists(resolved), f'{path} links to {target}, which is not there'


if __name__ == '__main__':
    sys.exit(tap.main(
        'package',
        every_source_file_states_its_licence,
        the_licences_are_there,
        nothing_is_left_to_do,
        no_line_ends_in_blanks,
        no_line_of_code_is_longer_than_a_hundred_and_twenty,
        every_json_file_is_strict,
        every_row_of_data_states_its_source,
        every_source_of_a_model_is_an_address_to_read,
        every_data_file_is_in_the_program,
        every_xml_file_is_well_formed,
        every_c_file_is_built,
        the_scripts_parse,
        the_list_of_packages_is_complete,
        every_link_of_the_documents_leads_somewhere,
    ))
