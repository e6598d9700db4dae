# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports carry the scenario that they are about: opened again, they give the same estimate to the byte."""

import json
import pathlib
import sys
import tempfile

import tap
from cli.program import CONFIG, MODEL, fail, succeed, succeed_json

CARRIERS = ('html', 'md', 'svg', 'pdf', 'png', 'json')
JOBS = (
    (MODEL, '--batch-size', '7', '--gpu', 'h100-sxm5-80gb', '--gpus', '2'),
    (MODEL, '--mode', 'fine-tuning', '--lora-targets', 'q_proj,v_proj', '--lora-rank', '32'),
    (MODEL, '--mode', 'training', '--optimizer', 'adafactor', '--sequence-length', '512'),
    (MODEL, '--mode', 'grpo', '--completion-length', '128'),
)


def without_time(estimate):
    """An estimate but for when it was made."""
    return {key: value for key, value in estimate.items() if key != 'generator'}


def write(folder, job, extension):
    path = pathlib.Path(folder, f'report.{extension}')
    succeed('estimate', *job, '--output', str(path))
    return path


def every_report_gives_the_same_estimate_again():
    with tempfile.TemporaryDirectory() as folder:
        for job in JOBS:
            wanted = without_time(succeed_json('estimate', *job))
            for extension in CARRIERS:
                path = write(folder, job, extension)
                found = without_time(succeed_json('estimate', '--scenario', str(path)))
                assert found == wanted, (job, extension)
                found = without_time(succeed_json('estimate', str(path)))
                assert found == wanted, (job, extension)


def a_setting_may_be_other_than_in_the_report():
    with tempfile.TemporaryDirectory() as folder:
        path = write(folder, (MODEL, '--batch-size', '7'), 'html')
        changed = succeed_json('estimate', '--scenario', str(path), '--batch-size', '9')
        assert without_time(changed) == without_time(succeed_json('estimate', MODEL, '--batch-size', '9'))


def a_model_that_moved_with_its_report_is_found():
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        config = pathlib.Path(first, 'config.json')
        config.write_text(json.dumps(CONFIG))
        for extension in CARRIERS:
            path = write(first, (str(config),), extension)
            wanted = succeed_json('estimate', str(path))['total-bytes']
            path.rename(pathlib.Path(second, path.name))
        config.rename(pathlib.Path(second, 'config.json'))
        for extension in CARRIERS:
            assert succeed_json('estimate', str(pathlib.Path(second, f'report.{extension}')))['total-bytes'] == wanted


def a_report_that_is_cut_off_is_refused():
    """At every length the scenario is whole, or there is one sentence that names the file."""
    with tempfile.TemporaryDirectory() as folder:
        for extension in CARRIERS:
            path = write(folder, JOBS[0], extension)
            whole = path.read_bytes()
            wanted = succeed_json('estimate', '--scenario', str(path))['total-bytes']
            begin = whole.find(b'headroom-scenario{')
            lengths = {0, 1, len(whole) // 3, len(whole) - 3}
            if begin >= 0:
                end = whole.find(b'}', begin)
                lengths |= set(range(begin, end, 97)) | {begin + 17, begin + 18, begin + 35, end}
            for length in sorted(lengths):
                path.write_bytes(whole[:length])
                if begin >= 0 and length > end:
                    assert succeed_json('estimate', '--scenario', str(path))['total-bytes'] == wanted
                else:
                    assert path.name in fail('estimate', '--scenario', str(path))


def a_scenario_that_is_damaged_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        path = write(folder, JOBS[0], 'html')
        whole = path.read_bytes()
        begin = whole.find(b'headroom-scenario{') + len(b'headroom-scenario{')
        for place in range(begin, whole.find(b'}', begin), 53):
            other = b'A' if whole[place:place + 1] != b'A' else b'B'
            path.write_bytes(whole[:place] + other + whole[place + 1:])
            assert path.name in fail('estimate', '--scenario', str(path))


def a_file_without_a_scenario_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        for name, contents in (('page.html', '<!DOCTYPE html><p>headroom</p>'), ('notes.md', '# Notes'),
                               ('report.json', '{"schema": "headroom-estimate/1"}')):
            path = pathlib.Path(folder, name)
            path.write_text(contents)
            assert name in fail('estimate', str(path))


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/scenario-in-reports',
        every_report_gives_the_same_estimate_again,
        a_setting_may_be_other_than_in_the_report,
        a_model_that_moved_with_its_report_is_found,
        a_report_that_is_cut_off_is_refused,
        a_scenario_that_is_damaged_is_refused,
        a_file_without_a_scenario_is_refused,
    ))
