# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the bytes that fake tensors of a device would take, operator by operator."""

import collections
import contextlib
import dataclasses
import functools
import sys
import weakref

import torch
import torch._dynamo.eval_frame
from torch.distributed.tensor import DTensor
from torch._prims_common import is_non_overlapping_and_dense_or_false
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import host_values

aten = torch.ops.aten

ROUND = 512  # kMinBlockSize of c10/cuda/CUDACachingAllocator.cpp

# Backward formulas write these into what they have just made, out of place only where a tensor is of a subclass
# (torch/csrc/autograd/FunctionsManual.cpp, areAnyTensorSubclassLike).
WRITTEN_IN_PLACE = {
    aten.index_put.default: aten.index_put_.default,
    aten.scatter.src: aten.scatter_.src,
    aten.scatter_add.default: aten.scatter_add_.default,
}
# What stands between an operator and its dispatch to a mode.
BETWEEN = {__file__, torch._compile.__file__, torch._dynamo.eval_frame.__file__}
ENGINE = '_engine_run_backward'


def round_up(n_bytes):
    return (n_bytes + ROUND - 1) // ROUND * ROUND


def find_caller():
    """The frame of Python that called the operator: none but the engine's where autograd itself did."""
    frame = sys._getframe(1)  # pylint: disable=protected-access
    while frame is not None and frame.f_code.co_filename in BETWEEN:
        frame = frame.f_back
    return frame


def is_called_by_engine():
    """Whether no code of Python stands between autograd's engine and the operator."""
    if torch._C._current_graph_task_id() == -1:  # pylint: disable=protected-access
        return False
    caller = find_caller()
    return caller is None or caller.f_code.co_name == ENGINE


def count_holders(tensor):
    """Who holds the tensor, and who its storage, as C++ counts them while Python sees the tensor as an argument; what
    Python holds beside, such as hooks that keep a gradient, is one holder to C++ and counted by Python."""
    storage = tensor.untyped_storage()
    holders = torch._C._storage_Use_Count(storage._cdata)  # pylint: disable=protected-access
    return tensor._use_count(), holders, sys.getrefcount(tensor)  # pylint: disable=protected-access


@dataclasses.dataclass
class Storage:
    """Bytes that are alive, what made them, and the reference that says when they no longer are."""

    size: int
    name: object
    reference: weakref.ref


class Tracker(TorchDispatchMode):
    """Adds up the storages that are alive, and keeps the highest sum since it was last asked to forget it.

    Two sums run side by side: what the allocator hands out, in whole blocks, and what it is asked for.
    """

    def __init__(self):
        super().__init__()
        self.alive = {}
        self.allocated = self.requested = 0
        self.peak = self.requested_peak = 0
        self.operator = None
        self.at_peak = None
        self.explains = False
        self.inner_bytes = {}
        self.writes_sums = False
        self.fresh = None

    def reset_peak(self):
        self.peak, self.requested_peak = self.allocated, self.requested
        self.operator, self.at_peak = None, None

    def note_peak(self, operator, inner=()):
        """@inner is what the operator takes beside its outputs while it runs."""
        allocated = self.allocated + sum(map(round_up, inner))
        self.requested_peak = max(self.requested_peak, self.requested + sum(inner))
        if allocated > self.peak:
            self.peak, self.operator = allocated, operator
            if self.explains:
                self.at_peak = [*((storage.size, storage.name) for storage in self.alive.values()),
                                *((size, f'inside {operator}') for size in inner)]

    def list_peak(self):
        """What was alive at the peak: how many bytes, how often, made by what."""
        rows = collections.Counter((size, str(name)) for size, name in self.at_peak or ())
        return [[size, count, name] for (size, name), count in
                sorted(rows.items(), key=lambda row: row[0][0] * row[1], reverse=True)]

    def forget(self, key, _reference):
        storage = self.alive.pop(key)
        self.allocated -= round_up(storage.size)
        self.requested -= storage.size

    def add(self, tensor, operator):
        """Counts the storage of a tensor, once."""
        if tensor.device.type != 'cuda':
            return
        storage = tensor.untyped_storage()
        key = storage._cdata  # pylint: disable=protected-access
        if key in self.alive:
            return
        size = storage.nbytes()
        name = f'{operator} {list(tensor.shape)} {str(tensor.dtype)[6:]}' if self.explains else operator
        self.allocated += round_up(size)
        self.requested += size
        # The storage's object of Python lives as long as the storage does.
        self.alive[key] = Storage(size, name, weakref.ref(storage, functools.partial(self.forget, key)))

    def resize(self, storage):
        """Counts a storage anew that has got another size; its bytes count as it was made."""
        held = self.alive.get(storage._cdata)  # pylint: disable=protected-access
        if held is None:
            return
        size = storage.nbytes()
        self.allocated += round_up(size) - round_up(held.size)
        self.requested += size - held.size
        held.size = size
        self.note_peak('resize_')

    def write_in_place(self, function, arguments, options):
        """Runs the operator's twin that writes into its first argument; the result is that storage."""
        function(*arguments, **options)
        return aten.detach.default(arguments[0])

    def holds_last(self, tensor):
        """can_accumulate_inplace of torch/csrc/autograd/input_buffer.cpp."""
        return is_non_overlapping_and_dense_or_false(tensor) and count_holders(tensor) == self.fresh

    def run(self, function, arguments, options):
        """Runs an operator as it would run on tensors that are of no subclass."""
        if function is aten.add.Tensor:
            if self.writes_sums:
                return self.write_in_place(aten.add_.Tensor, arguments, options)
            if is_called_by_engine():
                if self.fresh is None:
                    self.fresh = count_holders(arguments[0])
                if self.holds_last(arguments[0]):
                    return self.write_in_place(aten.add_.Tensor, arguments, options)
        elif function is torch.ops._c10d_functional.wait_tensor.default:
            # It hands back what it was given (torch/csrc/distributed/c10d/Functional.cpp).
            return aten.detach.default(arguments[0])
        elif function in WRITTEN_IN_PLACE and is_called_by_engine():
            return self.write_in_place(WRITTEN_IN_PLACE[function], arguments, options)
        return host_values.run(function, arguments, options, self)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        # What is sharded first becomes operators on the shards.
        if any(issubclass(kind, DTensor) for kind in types):
            return NotImplemented
        result = self.run(func, args, kwargs or {})
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor):
                self.add(value, func)
        self.note_peak(func, self.inner_bytes[func](*args) if func in self.inner_bytes else ())
        return result

    @contextlib.contextmanager
    def writing_sums(self):
        """Composites add a bias or a mask in place, but for subclasses."""
        before, self.writes_sums = self.writes_sums, True
        try:
            yield
        finally:
            self.writes_sums = before

    def calibrate(self):
        """Two gradients that nobody else holds are added up: what is counted then says that of others."""
        self.fresh = None
        x = torch.ones(8, 8, device='cuda', requires_grad=True)
        y = x * 1.0
        (y * 2.0 + y * 3.0).sum().backward()
        if self.fresh is None:
            raise RuntimeError('autograd added up no gradients that could be seen')

