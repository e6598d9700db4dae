#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of data/architectures against their schema, each other and the list of what is built in."""

import json
import os
import re
import sys

import tap
from tree import files, read

FOLDER = 'data/architectures'


def architecture_files():
    return [path for path in files(FOLDER, suffixes=('.json',)) if not path.endswith('/schema.json')]


def load(path):
    def pairs(members):
        keys = [key for key, _ in members]
        assert len(keys) == len(set(keys)), f'{path}: a key is repeated'
        return dict(members)
    return json.loads(read(path), object_pairs_hook=pairs)


def every_file_is_valid():
    try:
        import jsonschema
    except ImportError as error:
        raise tap.Skip('no jsonschema module') from error
    schema = json.loads(read(f'{FOLDER}/schema.json'))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    problems = [f'{path}: {"/".join(map(str, error.path))}: {error.message[:200]}'
                for path in architecture_files() for error in validator.iter_errors(load(path))]
    tap.expect_none(problems, 'not as the schema says')


def the_example_of_the_readme_is_valid():
    try:
        import jsonschema
    except ImportError as error:
        raise tap.Skip('no jsonschema module') from error
    example, = re.findall(r'```json\n(.*?)```', read(f'{FOLDER}/README.md'), re.DOTALL)
    jsonschema.validate(json.loads(example), json.loads(read(f'{FOLDER}/schema.json')))


def every_file_is_named_after_its_model_type():
    tap.expect_none([path for path in architecture_files()
                     if load(path)['model-type'] + '.json' != os.path.basename(path)], 'another name')


def every_file_is_built_in():
    listed = set(re.findall(r'<file>(architectures/[^<]+)</file>', read('data/headroom-data.gresource.xml')))
    found = {path[len('data/'):] for path in architecture_files()}
    tap.expect_none(sorted(listed ^ found), 'in one place only')


def a_name_belongs_to_one_file():
    owners = {}
    problems = []
    for path in architecture_files():
        content = load(path)
        for name in [content['model-type']] + content.get('aliases', []):
            if name in owners:
                problems.append(f'{name}: {owners[name]} and {path}')
            owners[name] = path
    tap.expect_none(problems, 'in two files')


def every_operation_and_block_is_documented():
    definitions = json.loads(read(f'{FOLDER}/schema.json'))['$defs']
    text = read(f'{FOLDER}/README.md')
    names = definitions['operation']['prefixItems'][0]['enum'] + definitions['block']['properties']['block']['enum']
    tap.expect_none([name for name in names if f'`{name}`' not in text], 'not in the README')


def every_parameter_of_a_block_is_documented():
    code = ''.join(read(path) for path in files('src/libheadroom/model', suffixes=('.c',)) if '/hr-block-' in path)
    text = read(f'{FOLDER}/README.md')
    names = re.findall(r'^  (?:SIZE|COUNT|BOOLEAN|CHOICE|SHAPE) \("([^"]+)"', code, re.MULTILINE)
    choices = re.findall(r'^  { "([^"]+)", HR_(?!ACTIVATION)', code, re.MULTILINE)
    assert len(names) > 40 and len(choices) > 20
    tap.expect_none(sorted({name for name in names + choices if f'`{name}`' not in text}), 'not in the README')


if __name__ == '__main__':
    sys.exit(tap.main('package/architectures', every_file_is_valid, the_example_of_the_readme_is_valid,
                      every_file_is_named_after_its_model_type,
                      every_file_is_built_in, a_name_belongs_to_one_file, every_operation_and_block_is_documented,
                      every_parameter_of_a_block_is_documented))
