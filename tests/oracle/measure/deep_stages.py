# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of one rank of a pipeline that DeepSpeed's PipelineEngine runs, on one GPU; the process group sends nothing.

A stage is one layer of the PipelineModule: a part of the model, as pipelining.py makes it.
"""

import os

import torch
import torch.distributed as dist
from torch.testing._internal.distributed.fake_pg import FakeStore
from transformers.loss.loss_utils import ForCausalLMLoss

import host_values
import models
import pipelining
import sharding
import training

N_STEPS = 4


def begin(settings):
    """Makes the group of all ranks, of which this is the first of its stage."""
    n_copies = settings['data-parallel']
    rank, size = settings['pipeline-stage'] * n_copies, settings['pipeline-parallel'] * n_copies
    os.environ.update({'RANK': str(rank), 'LOCAL_RANK': '0', 'WORLD_SIZE': str(size), 'LOCAL_WORLD_SIZE': str(size),
                       'MASTER_ADDR': 'localhost', 'MASTER_PORT': '29500', 'DS_BUILD_OPS': '0'})
    dist.init_process_group('fake', store=FakeStore(), rank=rank, world_size=size)


class Stage(pipelining.Part):
    """The layers of a stage."""

    def __init__(self, model, n_stages, number):
        per_stage = len(model.model.layers) // n_stages
        super().__init__(model, model.model.layers[number * per_stage:(number + 1) * per_stage], number == 0,
                         number + 1 == n_stages)


def make_engine(model, settings):
    import deepspeed  # pylint: disable=import-outside-toplevel
    from deepspeed.pipe import LayerSpec, PipelineModule  # pylint: disable=import-outside-toplevel

    n_stages, vocab_size, dtype = settings['pipeline-parallel'], model.config.vocab_size, model.dtype
    deepspeed.init_distributed()
    module = PipelineModule([LayerSpec(Stage, model, n_stages, i) for i in range(n_stages)], num_stages=n_stages,
                            partition_method='uniform',
                            loss_fn=lambda output, labels: ForCausalLMLoss(output, labels, vocab_size))
    optimizer = training.make_optimizer(list(module.parameters()), settings)
    shape = [settings['micro-batch-size'], settings['sequence-length'], model.config.hidden_size]
    engine, *_others = deepspeed.initialize(model=module, optimizer=optimizer, config=sharding.make_config(settings))
    # Nobody says what is sent.
    # pylint: disable-next=protected-access
    engine._recv_tensor_meta = lambda _stage: engine._allocate_or_extend_buffers(0, shape, dtype)
    return engine


def watch(engine, meter):
    """Enters the phase of the optimizer when the engine comes to it."""
    step = engine._take_model_step  # pylint: disable=protected-access

    def run(*arguments, **options):
        meter.mark('end-backward')
        meter.enter('optimizer')
        step(*arguments, **options)
        meter.enter(None)
        meter.mark('end-optimizer')

    engine._take_model_step = run  # pylint: disable=protected-access


def measure(model, settings, meter):
    """Runs the steps, and leaves the last one's figures in the meter."""
    # Zeros overflow nowhere, and BF16_Optimizer refuses a norm that is 0.
    host_values.numbers['unknown'] = 0 if settings['zero-stage'] and 'gradient-dtype' not in settings else 1
    begin(settings)
    size, vocab_size = (settings['micro-batch-size'], settings['sequence-length']), model.config.vocab_size
    engine = make_engine(model, settings)
    # What other stages have goes.
    model.model.layers = torch.nn.ModuleList()
    model.model.embed_tokens = model.model.norm = model.lm_head = None
    batch = [tensor.cpu() for tensor in (models.tokens(*size, vocab_size), models.tokens(*size, vocab_size))]
    watch(engine, meter)
    for _ in range(N_STEPS):
        meter.restart()
        meter.mark('step-start')
        meter.enter('step')
        with models.kernels(settings['attention']):
            engine.train_batch(iter([batch] * settings['gradient-accumulation-steps']))
        meter.mark('end')
    n_parameters = sum(parameter.numel() for parameter in engine.module.parameters())
    return {'parameters': n_parameters, 'trainable': n_parameters}
