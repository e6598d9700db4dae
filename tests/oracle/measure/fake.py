# SPDX-License-Identifier: GPL-3.0-or-later
"""A CUDA device of fake tensors: measures what a case would take where there is no GPU.

Nothing is computed and nothing is allocated. Operators make fake tensors that know their shape, type and device;
torch's own dispatcher, autograd and autocast run above them, and a tracker adds up the storages that are alive. A build
of PyTorch without CUDA is needed, and a C++ compiler with PyTorch's headers, which every pip package of it brings.
"""

import contextlib
import ctypes
import functools
import hashlib
import importlib.util
import os
import pathlib
import subprocess
import tempfile
import types

SOURCE = pathlib.Path(__file__).with_name('fake_device.cpp')


class FakeDeviceError(Exception):
    """The fake device cannot be made; says what is missing."""


def build_device(folder):
    """Compiles the device guard; a library that is there already is taken. Returns its path."""
    package = importlib.util.find_spec('torch')
    if package is None:
        raise FakeDeviceError('PyTorch is needed, a build without CUDA')
    root = pathlib.Path(package.origin).parent
    text = SOURCE.read_bytes() + str(root).encode() + (root / 'version.py').read_bytes()
    path = pathlib.Path(folder) / f'fake_device-{hashlib.sha256(text).hexdigest()[:16]}.so'
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f'.{os.getpid()}')
    command = [os.environ.get('CXX', 'c++'), '-std=c++20', '-O1', '-shared', '-fPIC', f'-I{root / "include"}',
               str(SOURCE), '-o', str(part), f'-L{root / "lib"}', f'-Wl,-rpath,{root / "lib"}', '-ltorch_cpu', '-lc10']
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise FakeDeviceError(f'a C++ compiler is needed: {error.filename} is not there') from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if 'error' in line] or ['no reason given']
        raise FakeDeviceError(f'{SOURCE.name} cannot be compiled: {lines[0]}') from error
    part.replace(path)
    return path


def get_cache():
    base = os.environ.get('XDG_CACHE_HOME')
    return pathlib.Path(base) / 'headroom' if base else pathlib.Path(tempfile.gettempdir()) / f'headroom-{os.getuid()}'


def load_device():
    """Gives PyTorch its one device, before it looks for one and remembers that there is none."""
    ctypes.CDLL(str(build_device(get_cache())), mode=ctypes.RTLD_GLOBAL)
    import torch  # pylint: disable=import-outside-toplevel

    if torch.version.cuda is not None or torch.version.hip is not None:
        raise FakeDeviceError(f'a build of PyTorch without CUDA is needed, found torch {torch.__version__}')


def answer_as_device(tracker):
    """torch.cuda as code asks it; the allocator's figures are the tracker's."""
    import torch  # pylint: disable=import-outside-toplevel

    answers = {
        'is_available': lambda: True, 'is_initialized': lambda: True, '_lazy_init': lambda: None,
        'device_count': lambda: 1, 'current_device': lambda: 0, 'set_device': lambda _device: None,
        'is_bf16_supported': lambda *_arguments, **_options: True,
        'get_device_name': lambda *_arguments: 'fake device', 'get_device_capability': lambda *_arguments: (9, 0),
        'get_device_properties': lambda *_arguments: types.SimpleNamespace(name='fake device', total_memory=80 << 30),
        'synchronize': lambda *_arguments: None, 'empty_cache': lambda: None,
        'is_current_stream_capturing': lambda: False,
        'memory_allocated': lambda *_arguments: tracker.allocated,
        'max_memory_allocated': lambda *_arguments: tracker.peak,
        'reset_peak_memory_stats': lambda *_arguments: tracker.reset_peak(),
        'memory_stats': lambda *_arguments: {'requested_bytes.all.peak': tracker.requested_peak},
    }
    for name, answer in answers.items():
        setattr(torch.cuda, name, answer)
    for name in ('range_push', 'range_pop'):
        setattr(torch.cuda.nvtx, name, lambda *_arguments: None)


def add_kernels():
    """Operators that are one where CUDA has a kernel for them, and composites where nothing has."""
    import torch  # pylint: disable=import-outside-toplevel

    library = torch.library.Library('aten', 'IMPL', 'CUDA')

    def refuse(*_arguments, **_options):
        raise NotImplementedError('the fake device computes nothing')

    for name in ('silu_backward', 'mish_backward', '_fused_rms_norm'):
        library.impl(name, refuse)
    return library


def move_module(module, convert, recurse=True):
    """torch.nn.Module._apply, which would swap fake parameters even for themselves and refuse where one is watched."""
    import torch  # pylint: disable=import-outside-toplevel

    if recurse:
        for child in module.children():
            move_module(child, convert)
    for name, parameter in module._parameters.items():  # pylint: disable=protected-access
        if parameter is not None:
            with torch.no_grad():
                moved = convert(parameter)
            if moved is not parameter:
                module._parameters[name] = torch.nn.Parameter(  # pylint: disable=protected-access
                    moved, parameter.requires_grad)
    for name, buffer in module._buffers.items():  # pylint: disable=protected-access
        if buffer is not None:
            module._buffers[name] = convert(buffer)  # pylint: disable=protected-access
    return module


def count_copy(x, *_others):
    """Im2Col.cu and Col2Im.cu read what is contiguous."""
    return [] if x.is_contiguous() else [x.numel() * x.element_size()]


def replace_functions(tracker):
    """Functions of torch that choose by what a fake device cannot say, or that treat subclasses in another way."""
    import torch  # pylint: disable=import-outside-toplevel
    from torch.nn import functional  # pylint: disable=import-outside-toplevel
    import fake_attention  # pylint: disable=import-outside-toplevel

    linear, make_tensor = functional.linear, torch.tensor

    def run_linear(x, weight, bias=None):
        with tracker.writing_sums() if bias is not None else contextlib.nullcontext():
            return linear(x, weight, bias)

    def read(data):
        """torch.tensor() reads tensors in lists number by number."""
        if isinstance(data, (list, tuple)):
            return [read(part) for part in data]
        return data.item() if isinstance(data, torch.Tensor) and data.dim() == 0 else data

    def run_tensor(data, **options):
        return make_tensor(read(data) if isinstance(data, (list, tuple)) else data, **options)

    torch.tensor = run_tensor
    # There is no generator on the device whose state could be kept.
    torch.random.fork_rng = lambda *_arguments, **_options: contextlib.nullcontext()
    torch.nn.Module._apply = move_module  # pylint: disable=protected-access
    functional.linear = run_linear
    tracker.inner_bytes.update({torch.ops.aten.im2col.default: count_copy, torch.ops.aten.col2im.default: count_copy})
    functional.scaled_dot_product_attention = fake_attention.Attention(tracker)


def answer_as_real():
    """transformers takes fake tensors for a graph that is traced, and then decides nothing by values; weights that are
    never read are not drawn."""
    from transformers import modeling_utils  # pylint: disable=import-outside-toplevel
    from transformers.utils import import_utils  # pylint: disable=import-outside-toplevel

    import_utils.is_fake_tensor = lambda _tensor: False
    modeling_utils.PreTrainedModel.initialize_weights = lambda _model: None


def tell_apart():
    """accelerate finds the parameters of an optimizer by where they are on the device."""
    from torch._subclasses.fake_tensor import FakeTensor  # pylint: disable=import-outside-toplevel

    FakeTensor.data_ptr = lambda tensor: tensor.untyped_storage()._cdata  # pylint: disable=protected-access


def number_ranks():
    """The ranks of a mesh of devices are numbers of the host, by which other ranks are found."""
    import torch  # pylint: disable=import-outside-toplevel
    from torch.distributed import device_mesh  # pylint: disable=import-outside-toplevel
    from torch.distributed.fsdp._fully_shard import _fsdp_init  # pylint: disable=import-outside-toplevel
    from torch.utils._python_dispatch import _disable_current_modes  # pylint: disable=import-outside-toplevel

    def run_as_real(function):
        @functools.wraps(function)
        def run(*arguments, **options):
            with _disable_current_modes():
                return function(*arguments, **options)
        return run

    for name in ('__init__', '__getitem__', '_unflatten', '_flatten', '_concatenate'):
        function = device_mesh.DeviceMesh.__dict__[name]
        is_static = isinstance(function, staticmethod)
        wrapped = run_as_real(function.__func__ if is_static else function)
        setattr(device_mesh.DeviceMesh, name, staticmethod(wrapped) if is_static else wrapped)
    device_mesh.DeviceMesh.mesh = property(run_as_real(device_mesh.DeviceMesh.mesh.fget))
    for module in (device_mesh, torch.distributed, _fsdp_init):
        module.init_device_mesh = run_as_real(device_mesh.init_device_mesh)


@contextlib.contextmanager
def device(explains=False):
    """The device, for as long as the context lasts; what it replaces in torch stays replaced in this process."""
    load_device()
    import fake_streams  # pylint: disable=import-outside-toplevel
    import tracker as tracking  # pylint: disable=import-outside-toplevel
    from torch._subclasses.fake_tensor import FakeTensorMode  # pylint: disable=import-outside-toplevel

    tracker = tracking.Tracker()
    tracker.explains = explains
    kernels = add_kernels()
    answer_as_device(tracker)
    fake_streams.install(tracker)
    answer_as_real()
    tell_apart()
    number_ranks()
    replace_functions(tracker)
    # torch.tensor() makes its tensor on the host, since there is no device to make it on.
    FakeTensorMode.avoid_device_init = True
    with FakeTensorMode(allow_non_fake_inputs=True), tracker:
        tracker.calibrate()
        yield tracker
    kernels._destroy()  # pylint: disable=protected-access
