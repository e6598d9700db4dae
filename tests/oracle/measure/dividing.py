# SPDX-License-Identifier: GPL-3.0-or-later
"""A model whose modules transformers divides among ranks (tp_plan="auto"): the part of the first rank, with its hooks.

The process group sends nothing, and takes what a real one is handed.
"""

import os

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.testing._internal.distributed.fake_pg import FakeStore
from transformers.integrations import tensor_parallel


def receive_in_one_piece():
    """ProcessGroupNCCL::allgather receives into one tensor, from which it copies."""
    all_gather = dist.all_gather

    def gather(tensors, tensor, **options):
        flat = torch.empty(len(tensors) * tensor.numel(), dtype=tensor.dtype, device=tensor.device)
        del flat
        return all_gather(tensors, tensor, **options)

    dist.all_gather = gather


def begin(n_ranks):
    os.environ.update({'RANK': '0', 'LOCAL_RANK': '0', 'WORLD_SIZE': str(n_ranks), 'MASTER_ADDR': 'localhost',
                       'MASTER_PORT': '29500'})
    dist.init_process_group('fake', store=FakeStore(), rank=0, world_size=n_ranks)
    return init_device_mesh('cuda', (n_ranks,))


def divide(model, settings, mesh):
    """Leaves of the parameters what the rank has of them, each in a storage of its own as from a file."""
    n_ranks = settings['tensor-parallel']
    receive_in_one_piece()
    tensor_parallel.distribute_model(model, 'auto', None, mesh, n_ranks)
    for name, parameter in list(model.named_parameters()):
        tensor_parallel.shard_and_distribute_module(
            model, parameter.detach(), parameter, name, parameter.dtype, True, 0, mesh)
        module, _, attribute = name.rpartition('.')
        part = getattr(model.get_submodule(module), attribute)
        setattr(model.get_submodule(module), attribute, torch.nn.Parameter(part.detach().clone(), part.requires_grad))
    # What tells the shape of the parameter that was divided last has no memory where a model is loaded.
    for style in tensor_parallel.ALL_PARALLEL_STYLES.values():
        style.empty_param = None
    return model
