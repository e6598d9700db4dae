# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of those fake tensors that decide something: positions, masks, sizes of images, counts.

A fake tensor has no values, yet code asks for some: whether a mask hides anything, how many tokens an image has. What
is made of numbers that the program itself has is small and is computed on the host beside the fake tensor; weights,
pictures and what is computed of them have no values here, and nothing may ask for them.
"""

import torch
from torch.utils._mode_utils import no_dispatch
from torch.utils._pytree import tree_leaves, tree_map
from torch._subclasses.fake_tensor import FakeTensor

aten = torch.ops.aten

# How many elements are computed: integers are positions and masks, other numbers are few where they decide anything.
MOST_INTEGERS = 1 << 24
MOST_FLOATS = 1 << 16
# What a number is said to be that is computed of what has no value, where a framework asks whether gradients overflow.
numbers = {'unknown': None}
# Whose result's size is a matter of values.
OF_UNKNOWN_SIZE = {
    aten.nonzero.default, aten.masked_select.default, aten.unique_consecutive.default, aten._unique2.default,
    aten.unique_dim.default, aten.repeat_interleave.Tensor, aten.bincount.default,
}


class Value:
    """A tensor on the host, and whether it still says what the fake one would."""

    def __init__(self, tensor, validity=None):
        self.tensor = tensor
        self.validity = validity or [True]


def get(tensor):
    """The tensor's value, None where it has none. A tensor that is not fake is its own."""
    if not isinstance(tensor, FakeTensor):
        return Value(tensor) if tensor.device.type == 'cpu' else None
    value = getattr(tensor, 'host_value', None)
    return value if value is not None and value.validity[0] else None


def is_small(tensor):
    return tensor.numel() <= (MOST_FLOATS if tensor.is_floating_point() else MOST_INTEGERS)


def get_written(function, arguments, options):
    """The tensors that the operator writes into."""
    places = function._schema.arguments  # pylint: disable=protected-access
    for number, place in enumerate(places):
        if place.alias_info is not None and place.alias_info.is_write:
            given = arguments[number] if number < len(arguments) else options.get(place.name)
            yield from (value for value in tree_leaves(given) if isinstance(value, torch.Tensor))


def compute(function, arguments, options):
    """What the operator makes of its arguments' values; None where one has none."""
    values = {}
    for leaf in tree_leaves((arguments, options)):
        if isinstance(leaf, torch.Tensor):
            value = get(leaf)
            if value is None:
                return None, values
            values[id(leaf)] = value

    def on_host(leaf):
        if isinstance(leaf, torch.Tensor):
            return values[id(leaf)].tensor
        return torch.device('cpu') if isinstance(leaf, torch.device) else leaf

    arguments, options = tree_map(on_host, (tuple(arguments), dict(options)))
    options.pop('pin_memory', None)
    try:
        with no_dispatch():
            return function(*arguments, **options), values
    except (RuntimeError, NotImplementedError, IndexError):
        return None, values


def attach(results, computed, values):
    """Hands the values to the fake tensors; what shares a storage is valid together."""
    shared = {value.tensor.untyped_storage()._cdata: value.validity for value in values.values()}
    for fake, real in zip(tree_leaves(results), tree_leaves(computed)):
        if isinstance(fake, FakeTensor) and isinstance(real, torch.Tensor):
            fake.host_value = Value(real, shared.get(real.untyped_storage()._cdata))


def forget_written(function, arguments, options):
    if function._schema.is_mutable:  # pylint: disable=protected-access
        for tensor in get_written(function, arguments, options):
            value = get(tensor)
            if value is not None:
                value.validity[0] = False


def make_like(real, device):
    return torch.empty_strided(real.shape, real.stride(), dtype=real.dtype, device=device)


def select(arguments):
    """masked_select: as many elements as the mask has ones."""
    tensor, mask = arguments
    value = get(mask)
    if value is None:
        return None
    with no_dispatch():
        count = int(value.tensor.expand(torch.broadcast_shapes(tensor.shape, mask.shape)).sum())
    return torch.empty(count, dtype=tensor.dtype, device=tensor.device)


def run_of_unknown_size(function, arguments, options):
    """The result that has the size of the value's; the operator itself where there is no value."""
    computed, values = compute(function, arguments, options)
    if computed is None:
        result = select(arguments) if function is aten.masked_select.default else None
        return function(*arguments, **options) if result is None else result
    device = arguments[0].device
    result = tree_map(lambda real: make_like(real, device), computed)
    attach(result, computed, values)
    return result


def as_positions(index, tracker):
    """expandTensors of aten/src/ATen/native/IndexingUtils.h: a mask becomes the positions of its ones."""
    if not isinstance(index, torch.Tensor) or index.dtype not in (torch.bool, torch.uint8) or get(index) is None:
        return [index]
    positions = run_of_unknown_size(aten.nonzero.default, (index,), {})
    tracker.add(positions, aten.nonzero.default)
    return [run(aten.select.int, (positions, 1, i), {}, tracker) for i in range(index.dim())]


def run(function, arguments, options, tracker):
    """Runs the operator on fake tensors, and on the host where all it reads has values."""
    if function is aten._local_scalar_dense.default:
        value = get(arguments[0])
        if value is not None:
            with no_dispatch():
                return value.tensor.item()
        if numbers['unknown'] is not None and arguments[0].device.type == 'cuda':
            return numbers['unknown']
    if function in OF_UNKNOWN_SIZE:
        return run_of_unknown_size(function, arguments, options)
    if function is aten.index.Tensor:
        arguments = (arguments[0], [part for index in arguments[1] for part in as_positions(index, tracker)])
    if function is aten.equal.default:
        computed, _values = compute(function, arguments, options)
        if computed is not None:
            return computed
    result = function(*arguments, **options)
    tensors = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
    computed = None
    if tensors and all(map(is_small, tensors)):
        computed, values = compute(function, arguments, options)
    if computed is None:
        forget_written(function, arguments, options)
    else:
        attach(result, computed, values)
    return result
