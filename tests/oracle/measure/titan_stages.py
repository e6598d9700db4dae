# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of one rank of a pipeline of torchtitan (commit b5bcd76c): its own stages (pipeline_llm) of its own models,
divided by its own functions, and what its trainer does around a step. Tokens lie in one row, as they do there.
"""

import functools
import types

import torch
import torch.distributed as dist
from torch.distributed.pipelining import PipelineStage

import pipelining
import titan
import training

# pipeline_parallel_schedule, with one part on a rank and with several.
SCHEDULES = {'1f1b': ('1F1B', 'Interleaved1F1B'), 'gpipe': ('GPipe', 'LoopedBFS'),
             'zero-bubble': (None, 'InterleavedZeroBubble'), 'zbv': (None, 'ZBVZeroBubble'),
             'dualpipe-v': (None, 'DualPipeV')}


def count_tokens(settings):
    """How many tokens a rank has of a micro-batch, and how many of these lie between the matrices of its layers."""
    n_tokens = settings['micro-batch-size'] * settings['sequence-length'] // settings['context-parallel']
    return n_tokens, n_tokens // (settings.get('tensor-parallel', 1) if settings['sequence-parallel'] else 1)


def make_stage(sizes, settings, submodule, number, n_all, device, group, get_mesh=None):
    """A PipelineStage that is told what it receives and sends; it would ask the others, who are not there."""
    del get_mesh
    n_tokens, n_between = count_tokens(settings)
    width, n_rows = sizes
    options = {'dtype': torch.bfloat16, 'device': 'meta', 'requires_grad': True}
    hidden = torch.empty(n_between, width, **options)
    logits = torch.empty(n_tokens, n_rows // settings.get('tensor-parallel', 1), **options)
    tokens = torch.empty(n_tokens, dtype=torch.long, device='meta')
    return PipelineStage(submodule, number, n_all, device, input_args=tokens if number == 0 else hidden,
                         output_args=logits if number + 1 == n_all else hidden, group=group)


def set_pipeline(parallelism, settings, n_layers):
    """How the layers are dealt out to the stages, and which schedule runs them."""
    first, last = int(settings['count-embedding-as-layer']), int(settings['count-loss-as-layer'])
    n_parts = settings['virtual-pipeline-parallel']
    parallelism.pipeline_parallel_schedule = SCHEDULES[settings['pipeline-schedule']][n_parts > 1]
    parallelism.pipeline_parallel_first_stage_less_layers = first
    parallelism.pipeline_parallel_last_stage_less_layers = last
    parallelism.pipeline_parallel_layers_per_stage = -(-(n_layers + first + last) //
                                                       (settings['pipeline-parallel'] * n_parts))
    parallelism.num_pp_microbatches = settings['gradient-accumulation-steps']


def build(hyper_parameters, settings):
    """The schedule of the rank, its parts of the model, whether it has the first and the last, and the dimensions."""
    # pylint: disable=import-outside-toplevel
    from torchtitan.config import CompileConfig, TrainingConfig
    from torchtitan.distributed import pipeline_parallel
    from torchtitan.tools.utils import set_default_dtype

    config, parallelism, dims, parallelize = titan.prepare(hyper_parameters, settings)
    set_pipeline(parallelism, settings, len(config.layers))

    def make(*_whole):
        with torch.device('meta'), set_default_dtype(getattr(torch, settings['dtype'])):
            return config.build()

    # _split_module copies the whole model for each part, which fake tensors do not allow.
    pipeline_parallel.copy = types.SimpleNamespace(deepcopy=make)
    pipeline_parallel.PipelineStage = functools.partial(make_stage, (config.dim, config.vocab_size), settings)
    model = make()
    schedule, parts, *ends = pipeline_parallel.pipeline_llm(
        model, parallel_dims=dims, training=TrainingConfig(dtype=settings['dtype']), parallelism=parallelism,
        compile_config=CompileConfig(), ac_config=titan.get_checkpointing(settings), dump_folder='',
        device=torch.device('cuda'), model_config=config, parallelize_fn=parallelize, loss_fn=titan.make_loss(model))
    for part in parts:
        titan.materialize(part)
    return schedule, parts, ends, dims


class Step:
    """Trainer.train_step and pp_forward_backward_step of torchtitan/trainer.py, for one group of micro-batches."""

    def __init__(self, schedule, parts, ends, dims, settings):
        from torchtitan.distributed import utils  # pylint: disable=import-outside-toplevel

        self.schedule, self.dims, self.settings = schedule, dims, settings
        self.vocabulary = parts[0].config.vocab_size
        self.has_first, self.has_last = ends
        self.optimizers = [training.make_optimizer(list(part.parameters()), settings) for part in parts]
        self.parameters = [parameter for part in parts for parameter in part.parameters()]
        self.context, self.clip = utils.get_spmd_context(parallel_dims=dims), utils.clip_grad_norm_

    def bring(self):
        """What a micro-batch has on the device, on every rank."""
        n_tokens = self.settings['micro-batch-size'] * self.settings['sequence-length']
        tokens = torch.randint(0, self.vocabulary, (n_tokens,), device='cuda')
        return tokens, torch.zeros(n_tokens, dtype=torch.int64, device='cuda')

    def find_documents(self, positions):
        """create_varlen_metadata_for_document: each row is one document."""
        from torchtitan.models.common.attention import VarlenMetadata  # pylint: disable=import-outside-toplevel

        length = self.settings['sequence-length']
        starts = torch.arange(0, positions.shape[0] + 1, length, dtype=torch.int32, device=positions.device)
        return VarlenMetadata(starts, starts, length, length)

    def share(self, tokens, positions, labels):
        """post_dataloading_process: what the rank has of a micro-batch."""
        if not self.dims.cp_enabled:
            return tokens, labels, positions, self.find_documents(positions)
        return titan.share_sequence(self.dims, (tokens, labels, positions))

    def run_pipeline(self, batches, labels, global_valid_tokens):
        inputs, targets, options = [], [], []
        for (tokens, positions), label in zip(batches, labels):
            tokens, label, positions, masks = self.share(tokens, positions, label)
            inputs.append((tokens,))
            targets.append(label)
            options.append({'positions': positions, 'attention_masks': masks})
        losses = [] if self.has_last else None
        with self.context():
            self.schedule.step(arg_mbs=inputs if self.has_first else None, kwarg_mbs=options,
                               target_mbs=targets if self.has_last else None, losses=losses,
                               loss_kwargs={'global_valid_tokens': global_valid_tokens}, return_outputs=False)
        return torch.sum(torch.stack(losses)) if self.has_last else torch.full([1], -1.0, device='cuda')

    def run(self, meter):
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        meter.enter('step')
        global_valid_tokens = torch.ones((), dtype=torch.int64, device='cuda')
        is_finite = torch.ones((), dtype=torch.int32, device='cuda')
        batches = [self.bring() for _ in range(self.settings['gradient-accumulation-steps'])]
        labels = [torch.empty_like(tokens) for tokens, _positions in batches]
        loss = self.run_pipeline(batches, labels, global_valid_tokens)
        is_finite.logical_and_(torch.isfinite(loss.detach()).all())
        meter.mark('end-backward')
        meter.enter('optimizer')
        norm = None
        if self.settings['gradient-clipping']:
            norm = self.clip(self.parameters, 1.0, foreach=True, pp_mesh=self.dims.get_optional_mesh('pp'))
        for optimizer in self.optimizers:
            optimizer.step()
        del norm
        meter.enter(None)
        meter.mark('end-optimizer')


def measure(hyper_parameters, settings, meter):
    """Runs the steps, and leaves the last one's figures in the meter."""
    titan.begin(settings)
    pipelining.replace_functions()
    try:
        schedule, parts, ends, dims = build(hyper_parameters, settings)
        step = Step(schedule, parts, ends, dims, settings)
        for _ in range(pipelining.N_STEPS):
            meter.restart()
            meter.mark('step-start')
            step.run(meter)
            meter.mark('end')
        return dict.fromkeys(('parameters', 'trainable'), sum(map(titan.count_own, step.parameters)))
    finally:
        dist.destroy_process_group()
