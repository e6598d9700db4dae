# SPDX-License-Identifier: GPL-3.0-or-later
"""headroom-cli estimate --output: each format as a file, in both languages, whole or not at all."""

import csv
import html.parser
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import tap
from cli.program import MODEL, WITHOUT_PRIVILEGE, expect, fail, succeed

EXTENSIONS = {'text': 'txt', 'json': 'json', 'csv': 'csv', 'markdown': 'md', 'html': 'html', 'pdf': 'pdf', 'svg': 'svg',
              'png': 'png'}


def export(name, *arguments, **options):
    """The contents of a file that was exported; nothing else is left in its folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, name)
        assert succeed('estimate', MODEL, '--gpu', 'rtx-4090', '--output', str(path), *arguments, **options) == b''
        assert os.listdir(folder) == [name]
        return path.read_bytes()


def the_extension_says_the_format():
    assert export('a.txt').decode().startswith(MODEL)
    assert json.loads(export('a.json'))['schema'] == 'headroom-estimate/1'
    assert export('a.csv').startswith(b'section,id,')
    assert export('a.md').startswith(b'# ')
    assert export('A.MARKDOWN').startswith(b'# ')
    assert export('a.html').startswith(b'<!DOCTYPE html>')
    assert export('a.PDF').startswith(b'%PDF-')
    assert b'<svg' in export('a.svg')[:400]
    assert export('a.png').startswith(b'\x89PNG\r\n\x1a\n')


def the_format_wins_over_the_extension():
    assert export('a.txt', '--format', 'pdf').startswith(b'%PDF-')
    assert json.loads(export('report', '--format', 'json'))['mode'] == 'inference'


def the_standard_output_gets_the_same():
    for name in EXTENSIONS:
        data = succeed('estimate', MODEL, '--gpu', 'rtx-4090', '--format', name)
        assert len(data) > 500, name


def csv_has_the_numbers_of_json():
    result = json.loads(export('a.json'))
    rows = list(csv.DictReader(io.StringIO(export('a.csv').decode('utf-8'))))
    components = {row['id']: int(row['value']) for row in rows if row['section'] == 'component'}
    assert components.pop('total') == result['total-bytes']
    assert components == {component['id']: component['bytes'] for component in result['components']}
    settings = {row['id']: row['value'] for row in rows if row['section'] == 'setting'}
    assert settings['dtype'] == 'bfloat16' and settings['mode'] == 'inference'
    assert all(None not in row and len(row) == 8 for row in rows)


def markdown_has_a_row_for_each_component():
    result = json.loads(export('a.json'))
    lines = export('a.md').decode('utf-8').splitlines()
    for component in result['components']:
        bytes_text = f'{component["bytes"]:,}'
        assert any(line.startswith(f'| {component["label"]} |') and f'| {bytes_text} |' in line
                   for line in lines), component


class Page(html.parser.HTMLParser):
    VOID = {'meta', 'br', 'hr', 'img', 'link', 'input'}

    def __init__(self):
        super().__init__()
        self.open = []
        self.seen = set()
        self.text = ''

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f'</{tag}> closes {self.open[-3:]}'
        self.open.pop()

    def handle_data(self, data):
        self.text += data


def html_is_one_file_with_the_pie_in_it():
    for language, words in (('C', ('Weights', 'Fits on one')), ('zh_CN', ('权重', 'KV 缓存'))):
        text = export('a.html', language=language).decode('utf-8')
        page = Page()
        page.feed(text)
        page.close()
        assert page.open == [], page.open
        assert {'svg', 'table', 'dl', 'style'} <= page.seen
        assert not {'script', 'link', 'img', 'iframe'} & page.seen
        expect(page.text, MODEL, *words)


def pdf_has_the_text_in_embedded_fonts():
    if not shutil.which('pdftotext') or not shutil.which('pdffonts'):
        raise tap.Skip('pdftotext and pdffonts are not installed')
    for language, words in (('C', ('Weights', 'KV cache', 'Formula')), ('zh_CN', ('权重', '缓存'))):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, 'a.pdf')
            # cairo 1.16 leaks a few arrays when it takes what it needs out of a CFF font, as Chinese ones are.
            path.write_bytes(export('a.pdf', language=language, ASAN_OPTIONS='detect_leaks=0'))
            text = subprocess.run(['pdftotext', '-layout', path, '-'], capture_output=True, check=True).stdout.decode()
            fonts = subprocess.run(['pdffonts', path], capture_output=True, check=True).stdout.decode().splitlines()[2:]
        expect(text, MODEL, *words)
        assert fonts and all(font.split()[-5] == 'yes' for font in fonts), fonts


def svg_is_xml_and_png_has_pixels():
    for language in ('C', 'zh_CN'):
        root = xml.etree.ElementTree.fromstring(export('a.svg', language=language))
        assert root.tag == '{http://www.w3.org/2000/svg}svg'
        data = export('a.png', language=language)
        width, height = int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')
        assert width >= 600 and height >= 400, (width, height)


def the_chart_can_be_chosen():
    for language, words in (('C', ('Prefill', 'at the peak')), ('zh_CN', ('预填充', '峰值'))):
        pie = export('a.svg', '--chart', 'pie', language=language)
        timeline = export('a.svg', '--chart', 'timeline', language=language)
        assert pie == export('a.svg', language=language) and pie != timeline
        root = xml.etree.ElementTree.fromstring(timeline)
        description = ' '.join(root[i].text for i in (0, 1))
        expect(description, *words)
        assert export('a.png', '--chart', 'timeline', language=language) != export('a.png', language=language)


def a_report_has_both_charts_or_the_one_that_is_chosen():
    both, pie, timeline = (export('a.html', *arguments).decode() for arguments in
                           ((), ('--chart', 'pie'), ('--chart', 'timeline')))
    assert [text.count('<svg') for text in (both, pie, timeline)] == [2, 1, 1]
    ids = [part.split('"', 1)[0] for part in both.split(' id="')[1:]]
    assert len(ids) == len(set(ids)), 'two pictures of a page share an id'
    assert len(export('a.pdf')) > len(export('a.pdf', '--chart', 'timeline'))


def a_chart_that_cannot_be_drawn_is_refused():
    expect(fail('estimate', MODEL, '--format', 'svg', '--chart', 'bars'), '--chart', 'pie, timeline', 'bars')
    expect(fail('estimate', MODEL, '--format', 'json', '--chart', 'timeline'), '--chart', 'svg', 'json')
    expect(fail('estimate', MODEL, '--format', 'svg', '--chart', 'timeline', '--method-of-estimate', 'rule-of-thumb'),
           'timeline', 'rule of thumb')


def what_is_there_is_replaced_and_keeps_its_mode():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'a.json')
        path.write_text('old', encoding='utf-8')
        path.chmod(0o640)
        succeed('estimate', MODEL, '--output', str(path))
        assert json.loads(path.read_bytes())['schema'] == 'headroom-estimate/1'
        assert path.stat().st_mode & 0o777 == 0o640


def what_cannot_be_written_is_named_and_leaves_nothing():
    with tempfile.TemporaryDirectory() as folder:
        for name in EXTENSIONS.values():
            path = pathlib.Path(folder, 'none', f'a.{name}')
            expect(fail('estimate', MODEL, '--output', str(path)), f'a.{name}', 'folder does not exist')
        target = pathlib.Path(folder, 'a.pdf')
        target.mkdir()
        expect(fail('estimate', MODEL, '--output', str(target)), 'a.pdf', 'folder')
        assert os.listdir(folder) == ['a.pdf']
    for name in EXTENSIONS:
        expect(fail('estimate', MODEL, '--format', name, '--output', '/dev/full'), '/dev/full', 'the disk is full')
    assert pathlib.Path('/dev/full').is_char_device()


def a_folder_that_may_not_be_written_is_named():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o500)
        try:
            line = fail('estimate', MODEL, '--output', os.path.join(folder, 'a.pdf'), prefix=WITHOUT_PRIVILEGE)
            expect(line, 'a.pdf', 'permission denied')
            assert os.listdir(folder) == []
        finally:
            os.chmod(folder, 0o700)


def a_full_file_system_leaves_what_was_there():
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', folder], capture_output=True,
                          check=False).returncode != 0:
            raise tap.Skip('a small file system cannot be mounted')
        try:
            path = pathlib.Path(folder, 'a.html')
            path.write_text('old', encoding='utf-8')
            pathlib.Path(folder, 'ballast').write_bytes(b'x' * 8192)
            expect(fail('estimate', MODEL, '--output', str(path)), 'a.html', 'the disk is full')
            assert path.read_text(encoding='utf-8') == 'old'
            assert sorted(os.listdir(folder)) == ['a.html', 'ballast']
        finally:
            subprocess.run(['umount', folder], check=True)


def an_estimate_that_does_not_fit_is_exported_all_the_same():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'a.pdf')
        succeed('estimate', MODEL, '--gpu', 'rtx-4090', '--batch-size', '64', '--prompt-length', '16384',
                '--output', str(path), status=1)
        assert path.read_bytes().startswith(b'%PDF-')


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/export',
        the_extension_says_the_format,
        the_format_wins_over_the_extension,
        the_standard_output_gets_the_same,
        csv_has_the_numbers_of_json,
        markdown_has_a_row_for_each_component,
        html_is_one_file_with_the_pie_in_it,
        pdf_has_the_text_in_embedded_fonts,
        svg_is_xml_and_png_has_pixels,
        the_chart_can_be_chosen,
        a_report_has_both_charts_or_the_one_that_is_chosen,
        a_chart_that_cannot_be_drawn_is_refused,
        what_is_there_is_replaced_and_keeps_its_mode,
        what_cannot_be_written_is_named_and_leaves_nothing,
        a_folder_that_may_not_be_written_is_named,
        a_full_file_system_leaves_what_was_there,
        an_estimate_that_does_not_fit_is_exported_all_the_same,
    ))
