# SPDX-License-Identifier: GPL-3.0-or-later
"""The library from another language."""

import json
import sys

import tap

try:
    import gi

    gi.require_version('Headroom', '0')
    from gi.repository import GLib, GObject, Headroom
except ImportError as reason:
    print(f'1..0 # SKIP {reason}')
    sys.exit(0)

MODEL = 'Qwen/Qwen2.5-7B-Instruct'


def an_estimate_can_be_run():
    model = Headroom.Model.new_from_id(MODEL)
    job = Headroom.InferenceJob(batch_size=2)
    estimate = Headroom.estimator_run(model, job, None, 1)
    components = list(estimate.get_components())
    assert model.get_n_parameters() == 7615616512
    assert components[0].get_id() == Headroom.ComponentId.WEIGHTS
    assert sum(component.get_bytes() for component in components) == estimate.get_total_bytes()
    assert ['CUDA context' in warning for warning in estimate.get_warnings()] == [True]


def a_report_can_be_written():
    model = Headroom.Model.new_from_id(MODEL)
    job = Headroom.Job.new(Headroom.Mode.INFERENCE)
    gpu = Headroom.Gpu.catalogue_lookup('rtx-4090')
    report = Headroom.Report.new(Headroom.estimator_run(model, job, gpu, 1), job, gpu, 1, Headroom.UnitSystem.BINARY)
    result = json.loads(report.to_json())
    assert result['schema'] == 'headroom-estimate/1'
    assert result['gpu']['memory-bytes'] == gpu.get_memory()
    assert report.get_fits() is True
    assert report.dup_verdict().startswith('Fits on one')


def settings_are_properties():
    job = Headroom.InferenceJob()
    settings = job.list_settings()
    assert 'batch-size' in [setting.name for setting in settings]
    changes = []
    job.connect('notify::batch-size', lambda *_: changes.append(job.props.batch_size))
    job.props.batch_size = 8
    job.set_from_string('batch-size', '9')
    assert changes == [8, 9]
    assert isinstance(job, GObject.Object)


def errors_are_exceptions():
    job = Headroom.InferenceJob()
    for call, text in (
        (lambda: job.set_from_string('batch-size', '0'), 'from 1 to 65536'),
        (lambda: Headroom.Model.new_from_id('nobody/nothing'), 'nobody/nothing'),
        (lambda: Headroom.Gpu.catalogue_lookup('no such gpu'), 'no such gpu'),
    ):
        try:
            call()
        except GLib.Error as error:
            assert error.domain == 'hr-error-quark', error.domain
            assert text in error.message
        else:
            assert False, 'no error'


if __name__ == '__main__':
    sys.exit(tap.main('introspection', an_estimate_can_be_run, a_report_can_be_written, settings_are_properties,
                      errors_are_exceptions))
