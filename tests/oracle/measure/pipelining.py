# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of one rank of a pipeline, on one GPU: torch.distributed.pipelining runs its part of the schedule, and the
process group sends nothing.

A part of a model of transformers is the model with fewer layers: embeddings are the first part's, the last norm and the
head the last one's. The loss is that of transformers.
"""

import copy
import os
import time

import torch
import torch.distributed as dist
import torch.distributed.pipelining as pipelining
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.pipelining import schedules, stage
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils._python_dispatch import _disable_current_modes
from transformers.loss.loss_utils import ForCausalLMLoss

import models
import sharding
import training

N_STEPS = 3

BACKWARD = stage._PipelineStageBase.backward_maybe_with_nosync  # pylint: disable=protected-access

# By how a rank's parts of the layers run; those with one part are of another class.
SCHEDULES = {
    '1f1b': (pipelining.Schedule1F1B, pipelining.ScheduleInterleaved1F1B),
    'gpipe': (pipelining.ScheduleGPipe, pipelining.ScheduleLoopedBFS),
    'zero-bubble': (pipelining.ScheduleInterleavedZeroBubble, pipelining.ScheduleInterleavedZeroBubble),
    'zbv': (None, pipelining.ScheduleZBVZeroBubble),
    'dualpipe-v': (None, pipelining.ScheduleDualPipeV),
}
# Those whose second parts come in the opposite order.
GO_BACK = ('zbv', 'dualpipe-v')


def uses(settings):
    """Whether a case is one of a rank of a pipeline."""
    return settings.get('pipeline-parallel', 1) > 1


class HeldUntilWaited(dist.Work):
    """Holds what it sends or receives until it is waited for, as ProcessGroupNCCL does (stashed_for_allocator_safety_
    in torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp)."""

    def __init__(self, tensors):
        super().__init__()
        self.tensors = tensors

    def wait(self, timeout=None):
        del timeout
        self.tensors = []
        return True


class HeldByWork(dist.Work):
    """Holds what it sends as long as it lives itself, as ProcessGroupNCCL does where nothing is sent together with it
    (outputs_, which pointToPoint of torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp sets)."""

    def __init__(self, tensor):
        super().__init__()
        self.tensor = tensor

    def wait(self, timeout=None):
        del timeout
        return True


def send(tensor, *_args, **_options):
    """torch.distributed.isend."""
    return HeldByWork(tensor)


def hand_over(operations):
    """torch.distributed.batch_isend_irecv, one work for all that is sent and received together."""
    return [HeldUntilWaited([operation.tensor for operation in operations])]


class Part(torch.nn.Module):
    """A part of a causal language model, between others."""

    def __init__(self, model, layers, is_first, is_last):
        super().__init__()
        self.inner = copy.copy(model.model)
        self.inner._modules = dict(model.model._modules)  # pylint: disable=protected-access
        self.inner.layers = layers
        if not is_first:
            self.inner.embed_tokens = None
        if not is_last:
            self.inner.norm = torch.nn.Identity()
        self.head = model.lm_head if is_last else None
        self.reads_tokens = is_first

    def forward(self, x):
        inputs = {'input_ids': x} if self.reads_tokens else {'inputs_embeds': x}
        hidden = self.inner(**inputs, use_cache=False).last_hidden_state
        return hidden if self.head is None else self.head(hidden)


def backward_and_rest(self, *args, **options):
    """What stage.py calls for each backward pass; the engine's thread lets go of its last task when it has answered."""
    result = BACKWARD(self, *args, **options)
    time.sleep(0.01)
    return result


def list_parts(settings):
    """The numbers of the parts that the rank has, of all parts."""
    n_ranks, n_parts = settings['pipeline-parallel'], settings['virtual-pipeline-parallel']
    rank = settings['pipeline-stage']
    if settings['pipeline-schedule'] in GO_BACK:
        return [rank, 2 * n_ranks - 1 - rank]
    return [rank + i * n_ranks for i in range(n_parts)]


def begin(settings):
    """Makes the groups of all ranks, of which this is the first among the copies of its stage. Returns their
    meshes."""
    n_stages, n_copies = settings['pipeline-parallel'], settings['data-parallel']
    os.environ.update({'MASTER_ADDR': 'localhost', 'MASTER_PORT': '29500'})
    dist.init_process_group('fake', store=FakeStore(), rank=settings['pipeline-stage'] * n_copies,
                            world_size=n_stages * n_copies)
    # Which ranks there are is computed with tensors, whose values count.
    with _disable_current_modes():
        mesh = init_device_mesh('cuda', (n_stages, n_copies), mesh_dim_names=('pp', 'dp'))
        return {name: mesh[name] for name in mesh.mesh_dim_names}


class Buckets:
    """The reducer of DistributedDataParallel, with the buckets of its first step."""

    def __init__(self, reducer):
        self.reducer = reducer

    def __getattr__(self, name):
        return getattr(self.reducer, name)

    def _rebuild_buckets(self):
        return False


def copy_part(part, mesh):
    """A part whose gradients are reduced among the ranks that have copies of it."""
    if mesh['dp'].size() == 1:
        return part
    # Steps are measured, not what is compared and sent before the first; buffers are the frequencies of rotations.
    copied = torch.nn.parallel.DistributedDataParallel(part, process_group=mesh['dp'].get_group(), init_sync=False,
                                                       forward_sync_buffers=False)
    # Buckets that are made anew for the order in which gradients come take as much; which, is sent as values.
    copied.reducer = Buckets(copied.reducer)
    copied.register_comm_hook(None, sharding.pass_on)
    return copied


def make_stages(model, settings, mesh):
    """The stages of the rank, each with its part of the layers."""
    n_all = settings['pipeline-parallel'] * settings['virtual-pipeline-parallel']
    per_part = len(model.model.layers) // n_all
    layers = model.model.layers
    batch, length = settings['micro-batch-size'], settings['sequence-length']
    hidden = torch.empty(batch, length, model.config.hidden_size, dtype=model.dtype, device='meta', requires_grad=True)
    tokens = torch.empty(batch, length, dtype=torch.long, device='meta')
    logits = torch.empty(batch, length, model.config.vocab_size, dtype=model.dtype, device='meta', requires_grad=True)
    stages = []
    for number in list_parts(settings):
        is_first, is_last = number == 0, number + 1 == n_all
        part = Part(model, layers[number * per_part:(number + 1) * per_part], is_first, is_last)
        stages.append(pipelining.PipelineStage(copy_part(part, mesh), number, n_all, torch.device('cuda'),
                                               input_args=tokens if is_first else hidden,
                                               output_args=logits if is_last else hidden,
                                               group=mesh['pp'].get_group()))
    # What other ranks have goes.
    model.model.layers = torch.nn.ModuleList()
    model.model.embed_tokens = model.model.norm = model.lm_head = None
    return stages


def make_schedule(stages, settings, loss):
    single, several = SCHEDULES[settings['pipeline-schedule']]
    n = settings['gradient-accumulation-steps']
    if len(stages) == 1 and issubclass(single, schedules.PipelineScheduleSingle):
        return single(stages[0], n, loss_fn=loss)
    return several(stages, n, loss_fn=loss)


def replace_functions():
    """What is sent is held as long as NCCL holds it, and the engine's thread has time to let go."""
    dist.batch_isend_irecv = hand_over
    # pylint: disable-next=protected-access
    stage._PipelineStageBase.backward_maybe_with_nosync = backward_and_rest
    dist.isend = dist.distributed_c10d.isend = send


def measure(model, settings, meter):
    """Runs the steps, and leaves the last one's figures in the meter."""
    mesh = begin(settings)
    replace_functions()
    n, size = settings['gradient-accumulation-steps'], (settings['micro-batch-size'], settings['sequence-length'])
    vocab_size = model.config.vocab_size
    stages = make_stages(model, settings, mesh)
    del model
    is_first, is_last = any(part.is_first for part in stages), any(part.is_last for part in stages)
    args = [(models.tokens(*size, vocab_size),) for _ in range(n)] if is_first else None
    targets = [models.tokens(*size, vocab_size) for _ in range(n)] if is_last else None
    parameters = [parameter for part in stages for parameter in part.submod.parameters()]
    optimizer = training.make_optimizer(parameters, settings)

    def loss(output, target):
        return ForCausalLMLoss(output, target, vocab_size)

    schedule = make_schedule(stages, settings, loss)
    for _ in range(N_STEPS):
        meter.restart()
        meter.mark('step-start')
        meter.enter('step')
        with models.kernels(settings['attention']):
            schedule.step(arg_mbs=args, target_mbs=targets, return_outputs=False)
        meter.mark('end-backward')
        meter.enter('optimizer')
        optimizer.step()
        meter.enter(None)
        meter.mark('end-optimizer')
        optimizer.zero_grad(set_to_none=True)
        meter.mark('end')
    n_parameters = sum(parameter.numel() for parameter in parameters)
    return {'parameters': n_parameters, 'trainable': n_parameters}
