#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every string that a person reads is marked, extracted and translated."""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import tap
import tree

# Calls whose string arguments a person reads. Property names and signals are not among them.
SPEAKING_CALLS = re.compile(
    r'\b(g_set_error|g_set_error_literal|g_error_new|g_error_new_literal|g_prefix_error|g_task_return_new_error'
    r'|gtk_label_new|gtk_label_new_with_mnemonic|gtk_label_set_(?:text|label|markup)'
    r'|gtk_button_new_with_(?:label|mnemonic)|gtk_button_set_label'
    r'|gtk_widget_set_tooltip_(?:text|markup)|gtk_window_set_title'
    r'|gtk_file_chooser_native_new|gtk_file_filter_set_name'
    r'|adw_toast_new|adw_message_dialog_(?:new|set_heading|set_body|add_response|format_heading|format_body)'
    r'|adw_(?:preferences_row|preferences_group|preferences_page|status_page|window_title|action_row|expander_row)'
    r'_set_(?:title|subtitle|description)'
    r'|adw_window_title_new|adw_view_stack_add_titled|adw_view_stack_page_set_title'
    r'|g_option_context_new|g_option_context_set_(?:summary|description)|g_param_spec_\w+) \(')

SPEAKING_PROPERTIES = {
    'label', 'title', 'subtitle', 'description', 'tooltip-text', 'placeholder-text', 'heading', 'body', 'text',
    'button-label', 'secondary-text', 'copyright', 'comments'}

# Marks that hand a string to gettext, now or later.
MARKS = re.compile(r'\b(?:_|N_|C_|NC_|Q_|ngettext|g_dngettext|g_dgettext|g_dpgettext2|gettext) ?\(')

STRING = re.compile(r'"((?:\\.|[^"\\])*)"')


def end_of_call(text, start):
    """Returns the offset after the bracket that closes the one before start."""
    depth, position = 1, start
    while depth:
        match = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[()]').search(text, position)
        depth += {'(': 1, ')': -1}.get(match.group(0), 0)
        position = match.end()
    return position


def without_marked(text):
    """Blanks every _("…") of the text."""
    while True:
        match = MARKS.search(text)
        if match is None:
            return text
        end = end_of_call(text, match.end())
        text = text[:match.start()] + ' ' * (end - match.start()) + text[end:]


def is_english(literal):
    literal = re.sub(r'%[-+ #0-9.*]*(?:l|ll|h|z)?[a-zA-Z]', ' ', literal)
    is_list_of_values = re.fullmatch(r'[a-z0-9_:.-]+(, [a-z0-9_.-]+)*', literal.strip())
    return re.search(r'[A-Za-z]{3,}', literal) is not None and not is_list_of_values


def every_file_with_strings_stands_in_potfiles():
    result = subprocess.run([os.path.join(tree.ROOT, 'build-aux/update-potfiles'), '--check'],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, 'run build-aux/update-translations\n' + result.stdout + result.stderr


def every_string_is_translated_into_every_language():
    with tempfile.TemporaryDirectory() as folder:
        pot = os.path.join(folder, 'headroom.pot')
        with open(pot, 'wb') as output:
            subprocess.run([os.path.join(tree.ROOT, 'build-aux/extract-strings')], stdout=output, check=True)
        for language in tree.read('po/LINGUAS').split():
            path = os.path.join(tree.ROOT, 'po', language + '.po')
            merged = os.path.join(folder, language + '.po')
            subprocess.run(['msgmerge', '--quiet', '--no-fuzzy-matching', '-o', merged, path, pot], check=True)
            for wrong in ('--untranslated', '--only-fuzzy'):
                left = subprocess.run(['msgattrib', '--no-obsolete', wrong, merged],
                                      capture_output=True, text=True, check=True).stdout
                assert left.strip() == '', f'{language}, {wrong[2:]}: run build-aux/update-translations\n{left}'
            obsolete = subprocess.run(['msgattrib', '--only-obsolete', merged],
                                      capture_output=True, text=True, check=True).stdout
            assert obsolete.strip() == '', f'{language}: no longer in the sources\n{obsolete}'


def every_catalogue_passes_msgfmt():
    for language in tree.read('po/LINGUAS').split():
        result = subprocess.run(['msgfmt', '--check', '--check-accelerators=_', '--output-file=/dev/null',
                                 os.path.join(tree.ROOT, 'po', language + '.po')],
                                capture_output=True, text=True, check=False)
        assert result.returncode == 0 and not result.stderr.strip(), result.stderr


def chinese_is_set_as_chinese():
    """Full-width punctuation between Chinese characters, a space between them and Latin words or figures."""
    problems = []
    text = subprocess.run(['msgcat', '--no-wrap', os.path.join(tree.ROOT, 'po/zh_CN.po')],
                          capture_output=True, text=True, check=True).stdout
    for translation in re.findall(r'^msgstr(?:\[0\])? "(.*)"$', text, flags=re.MULTILINE):
        for pattern, what in ((r'[\u4e00-\u9fff][,;:?!]', 'half-width punctuation after Chinese'),
                              (r'[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]', 'no space beside Latin'),
                              (r'[\u4e00-\u9fff] +[\u4e00-\u9fff]', 'space between Chinese')):
            # The lists of search terms of desktop files are separated by half-width semicolons.
            if what.startswith('half') and translation.endswith(';'):
                continue
            # A letter of an escape sequence or of a format is none of the text.
            plain = re.sub(r'\\[nt]', '。', re.sub(r'%[-+ #0-9.*$]*(?:l|ll|h|z)?[a-zA-Z]', '。', translation))
            if re.search(pattern, plain):
                problems.append(f'{what}: {translation}')
    tap.expect_none(problems, 'zh_CN.po')


def no_english_reaches_the_user_unmarked_from_c():
    problems = []
    for path in tree.files('src', suffixes=('.c',)):
        text = tree.without_comments(tree.read(path))
        for call in SPEAKING_CALLS.finditer(text):
            arguments = without_marked(text[call.end():end_of_call(text, call.end())])
            if call.group(1).startswith('g_param_spec_'):
                # The first string is the property's name.
                arguments = STRING.sub('', arguments, count=1)
            for literal in STRING.findall(arguments):
                if is_english(literal):
                    problems.append(f'{path}:{tree.line_of(text, call.start())}: "{literal}"')
    tap.expect_none(problems, 'strings without _()')


def no_english_reaches_the_user_unmarked_from_templates():
    problems = []
    for path in tree.files('src', suffixes=('.ui',)):
        for element in ElementTree.parse(os.path.join(tree.ROOT, path)).getroot().iter():
            if element.tag not in ('property', 'attribute', 'item'):
                continue
            speaking = element.tag == 'item' or element.get('name', '').replace('_', '-') in SPEAKING_PROPERTIES
            if speaking and element.get('translatable') not in ('yes', 'true') and is_english(element.text or ''):
                problems.append(f'{path}: <{element.tag} name="{element.get("name")}">{element.text}')
    tap.expect_none(problems, 'strings without translatable="yes"')


if __name__ == '__main__':
    sys.exit(tap.main(
        'package',
        every_file_with_strings_stands_in_potfiles,
        every_string_is_translated_into_every_language,
        every_catalogue_passes_msgfmt,
        chinese_is_set_as_chinese,
        no_english_reaches_the_user_unmarked_from_c,
        no_english_reaches_the_user_unmarked_from_templates,
    ))
