#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the desktop reads: desktop file, metainfo, file types, schema, icons, Flatpak manifest."""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import tap
import tree

DATA = os.path.join(tree.BUILD, 'data')


def built(suffix):
    return os.path.join(DATA, tree.APPLICATION_ID + suffix)


def succeeds(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f'{" ".join(command)}\n{result.stdout}{result.stderr}'
    return result.stdout + result.stderr


def desktop_entry():
    parser = configparser.RawConfigParser(delimiters='=', comment_prefixes='#')
    parser.optionxform = str
    parser.read(built('.desktop'), encoding='utf-8')
    return parser['Desktop Entry']


def the_desktop_file_is_valid():
    output = succeeds('desktop-file-validate', built('.desktop'))
    assert output.strip() == '', output


def the_desktop_file_speaks_chinese():
    entry = desktop_entry()
    for key in ('GenericName', 'Comment', 'Keywords'):
        assert re.search('[\u4e00-\u9fff]', entry[f'{key}[zh_CN]']), key


def the_metainfo_is_valid():
    succeeds('appstreamcli', 'validate', '--no-net', built('.metainfo.xml'))


def the_metainfo_names_this_version_and_its_screenshots_exist():
    root = ElementTree.parse(built('.metainfo.xml')).getroot()
    version = re.search(r"version: '([^']+)'", tree.read('meson.build')).group(1)
    assert root.find('releases/release').get('version') == version
    for image in root.iter('image'):
        path = image.text.partition('/main/')[2]
        assert os.path.isfile(os.path.join(tree.ROOT, path)), f'no file {path}'


def every_file_type_of_the_desktop_file_is_known():
    with tempfile.TemporaryDirectory() as folder:
        packages = os.path.join(folder, 'mime', 'packages')
        os.makedirs(packages)
        shutil.copy(built('.mime.xml'), packages)
        succeeds('update-mime-database', os.path.join(folder, 'mime'))
        with open(os.path.join(folder, 'mime', 'globs2'), encoding='utf-8') as globs:
            ours = dict(reversed(line.strip().split(':')[1:3]) for line in globs if not line.startswith('#'))
    assert ours == {'*.headroom': 'application/x-headroom-scenario+json',
                    '*.safetensors': 'application/x-safetensors',
                    '*.gguf': 'application/x-gguf'}, ours
    named = set(desktop_entry()['MimeType'].strip(';').split(';'))
    assert named == set(ours.values()) | {'application/json'}, named


def the_bus_starts_the_program_that_the_desktop_file_names():
    parser = configparser.RawConfigParser()
    parser.read(built('.service'))
    entry = desktop_entry()
    assert entry['DBusActivatable'] == 'true'
    assert parser['D-BUS Service']['Name'] == tree.APPLICATION_ID
    program, option = parser['D-BUS Service']['Exec'].split()
    assert os.path.basename(program) == entry['Exec'].split()[0]
    assert option == '--gapplication-service'


def the_settings_schema_is_valid():
    succeeds('glib-compile-schemas', '--strict', '--dry-run', os.path.join(tree.ROOT, 'data'))


def the_icons_are_drawings_on_their_grid():
    for path, size in ((f'scalable/apps/{tree.APPLICATION_ID}.svg', '128'),
                       (f'symbolic/apps/{tree.APPLICATION_ID}-symbolic.svg', '16')):
        root = ElementTree.parse(os.path.join(tree.ROOT, 'data/icons/hicolor', path)).getroot()
        assert (root.get('width'), root.get('height')) == (size, size), path
        assert root.get('viewBox') == f'0 0 {size} {size}', path
        tags = {element.tag.rpartition('}')[2] for element in root.iter()}
        assert 'image' not in tags, f'{path} embeds a bitmap'
        assert tags & {'path', 'rect', 'circle'}, path
    assert desktop_entry()['Icon'] == tree.APPLICATION_ID


def the_flatpak_reaches_neither_network_nor_files():
    manifest = json.loads(tree.read(f'flatpak/{tree.APPLICATION_ID}.json'))
    assert manifest['id'] == tree.APPLICATION_ID
    assert manifest['command'] == desktop_entry()['Exec'].split()[0]
    assert manifest['runtime'] == 'org.gnome.Platform'
    # To draw, and no more: files come through the portals.
    assert set(manifest['finish-args']) == {
        '--share=ipc', '--socket=fallback-x11', '--socket=wayland', '--device=dri'}, manifest['finish-args']
    module = manifest['modules'][-1]
    assert module['buildsystem'] == 'meson'
    for option in module['config-opts']:
        name = re.fullmatch(r'-D([a-z]+)=\w+', option).group(1)
        assert f"option('{name}'" in tree.read('meson_options.txt'), option


if __name__ == '__main__':
    sys.exit(tap.main(
        'package',
        the_desktop_file_is_valid,
        the_desktop_file_speaks_chinese,
        the_metainfo_is_valid,
        the_metainfo_names_this_version_and_its_screenshots_exist,
        every_file_type_of_the_desktop_file_is_known,
        the_bus_starts_the_program_that_the_desktop_file_names,
        the_settings_schema_is_valid,
        the_icons_are_drawings_on_their_grid,
        the_flatpak_reaches_neither_network_nor_files,
    ))
