#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exporting a report in every format from the window, and reading what was written."""

import csv
import html.parser
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import cli
import configs
import tap
from journey import Application


def export(check, item, extension):
    """Exports what `item` of the menu names, and hands the file to check (path, total in bytes, the application)."""
    with tempfile.TemporaryDirectory() as folder:
        config = configs.write_qwen(folder)
        estimate = cli.estimate(config)
        with Application(config) as app:
            app.wait_for_text(r'GiB|MiB')
            path = os.path.join(folder, 'the report.' + extension)
            app.choose_from_menu(app.translate('Export'), app.translate(item))
            app.answer_file_dialog(path)
            app.wait(lambda: os.path.exists(path), f'the file {path}')
            check(path, estimate, app)
            left = [name for name in os.listdir(folder) if name not in ('my models', os.path.basename(path))]
            assert not left, f'left behind: {left}'


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def speaks(app, text):
    """The report is in the language of the window."""
    assert app.translate('Weights') in text, text[:2000]


def a_pdf_holds_the_total_and_text_that_can_be_found():
    def check(path, estimate, app):
        with open(path, 'rb') as file:
            assert file.read(5) == b'%PDF-'
        text = subprocess.run(['pdftotext', '-layout', path, '-'], capture_output=True, text=True, check=True).stdout
        assert cli.shows_bytes(text, estimate['total-bytes']), text
        speaks(app, text)
    export(check, '_PDF Document…', 'pdf')


def a_web_page_is_one_file_with_its_picture_inside():
    def check(path, estimate, app):
        text = read(path)
        assert text.lstrip().lower().startswith('<!doctype html>'), text[:80]
        html.parser.HTMLParser().feed(text)
        assert '<svg' in text and ' src="http' not in text and '<link' not in text
        assert cli.shows_bytes(text, estimate['total-bytes'])
        speaks(app, text)
    export(check, '_Web Page (HTML)…', 'html')


def markdown_holds_a_table_of_components():
    def check(path, estimate, app):
        text = read(path)
        assert text.startswith('#'), text[:80]
        assert '|---' in text.replace(' ', '').replace(':', '')
        assert cli.shows_bytes(text, estimate['total-bytes'])
        speaks(app, text)
    export(check, '_Markdown…', 'md')


def csv_adds_up_to_the_total():
    def check(path, estimate, app):
        with open(path, newline='', encoding='utf-8-sig') as file:
            rows = list(csv.reader(file))
        numbers = [int(cell) for row in rows[1:] for cell in row if cell.isdigit()]
        for component in estimate['components']:
            assert component['bytes'] in numbers, component
    export(check, '_Table (CSV)…', 'csv')


def json_is_what_the_command_line_prints():
    def check(path, estimate, app):
        report = json.loads(read(path))
        assert report['schema'] == 'headroom-estimate/1'
        assert report['total-bytes'] == estimate['total-bytes']
        assert sum(part['bytes'] for part in report['components']) == report['total-bytes']
        assert report['model']['parameters']['total'] == configs.QWEN_PARAMETERS
    export(check, '_JSON…', 'json')


def the_chart_is_a_scalable_picture():
    def check(path, estimate, app):
        root = ElementTree.parse(path).getroot()
        assert root.tag == '{http://www.w3.org/2000/svg}svg', root.tag
        assert list(root.iter('{http://www.w3.org/2000/svg}path')), 'no path in it'
    export(check, '_Scalable Picture (SVG)…', 'svg')


def the_chart_is_a_picture():
    def check(path, estimate, app):
        with open(path, 'rb') as file:
            head = file.read(24)
        assert head[:8] == b'\x89PNG\r\n\x1a\n'
        assert int.from_bytes(head[16:20], 'big') >= 400, 'too small to read'
    export(check, 'P_icture (PNG)…', 'png')


if __name__ == '__main__':
    sys.exit(tap.main(
        'ui',
        a_pdf_holds_the_total_and_text_that_can_be_found,
        a_web_page_is_one_file_with_its_picture_inside,
        markdown_holds_a_table_of_components,
        csv_adds_up_to_the_total,
        json_is_what_the_command_line_prints,
        the_chart_is_a_scalable_picture,
        the_chart_is_a_picture,
    ))
