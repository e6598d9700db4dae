# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of training in a plain loop; the last one is measured, when the optimizer's states are there."""

import contextlib

import torch

import answers
import checkpointing
import fused
import models
import parts
import pictures
from meter import entered_before

HEAD = {'forward': 'loss'}


def prepare(model, settings):
    """The model as it is trained: adapters first, then checkpointing, as trainers do it."""
    fused.apply(model, settings)
    method = settings['fine-tuning-method']
    if method == 'freeze':
        import adapters  # pylint: disable=import-outside-toplevel
        adapters.freeze(model, settings['trained-layers'])
    elif method != 'full':
        import adapters  # pylint: disable=import-outside-toplevel
        model = adapters.add(model, settings)
    elif settings.get('frozen-parts', 'none') != 'none':
        parts.freeze(model, settings['frozen-parts'])
    checkpointing.enable(model, settings)
    return model.train()


def make_optimizer(parameters, settings):
    implementation = settings['optimizer-implementation']
    options = {'lr': 1e-5, 'foreach': implementation == 'foreach', 'fused': implementation == 'fused'}
    if settings['optimizer'] == 'sgd':
        return torch.optim.SGD(parameters, **options)
    if settings['optimizer'] == 'sgd-momentum':
        return torch.optim.SGD(parameters, momentum=0.9, **options)
    if settings['optimizer'] == 'adafactor':
        from transformers.optimization import Adafactor  # pylint: disable=import-outside-toplevel
        return Adafactor(parameters, lr=1e-5, relative_step=False, scale_parameter=False)
    if settings['optimizer'] == 'torch-adafactor':
        return torch.optim.Adafactor(parameters, lr=1e-5, foreach=implementation == 'foreach')
    kind = torch.optim.AdamW if settings['optimizer'] == 'adamw' else torch.optim.Adam
    return kind(parameters, **options)


def make_text(model, settings):
    batch, length = settings['micro-batch-size'], settings['sequence-length']
    inputs = {'input_ids': models.tokens(batch, length, model.config.get_text_config().vocab_size)}
    attention_mask = models.mask(settings['attention-mask'], batch, length)
    if attention_mask is not None:
        inputs['attention_mask'] = attention_mask
    return inputs


def make_batch(model, settings):
    if 'algorithm' in settings:
        return answers.make_batch(model, settings)
    if 'task' in settings:
        inputs = pictures.make_batch(model, settings['micro-batch-size'], settings)
    else:
        inputs = make_text(model, settings)
    inputs['labels'] = inputs['input_ids'].clone()
    keeps_cache = not model.config.is_encoder_decoder and hasattr(model.config.get_text_config(), 'use_cache')
    if keeps_cache and settings['fine-tuning-method'] != 'prefix':
        inputs['use_cache'] = False
    return inputs


@contextlib.contextmanager
def phases_by_head(model, meter):
    """The head's call begins the loss; the gradient of its input ends the loss's way back."""
    head = models.output_head(model)

    def watch(_module, arguments):
        if arguments[0].requires_grad:
            arguments[0].register_hook(lambda _gradient: meter.enter('backward'))

    with entered_before(head, meter, HEAD):
        hook = head.register_forward_pre_hook(watch)
        try:
            yield
        finally:
            hook.remove()


def run_forward(model, inputs, settings):
    """Returns the outputs, in 32 bits where a trainer makes them so."""
    cast = contextlib.nullcontext()
    if settings['autocast'] != 'none':
        cast = torch.autocast('cuda', dtype=getattr(torch, settings['autocast']))
    with cast, models.kernels(settings['attention']):
        output = model(**inputs)
    if settings['fp32-outputs']:
        output.logits = output.logits.float()
    return output


def compute_loss(model, inputs, settings):
    """Returns the loss, and the outputs where it is the model that computes it."""
    if 'algorithm' in settings:
        def run(policy, arguments):
            return run_forward(policy, arguments, settings)
        return answers.compute_loss(run, model, inputs, settings), None
    output = run_forward(model, inputs, settings)
    return output.loss, output


def run_micro_batch(model, inputs, settings, meter):
    meter.enter('forward')
    loss, output = compute_loss(model, inputs, settings)
    if settings['gradient-accumulation-steps'] > 1:
        loss = loss / settings['gradient-accumulation-steps']
    meter.mark('loss-computed')
    kept = [output] if settings['keep-outputs'] else []
    del output
    meter.mark('end-forward')
    meter.enter('backward-loss')
    with models.kernels(settings['attention']):
        loss.backward()
    meter.enter(None)
    return kept


def run_step(model, optimizer, inputs, settings, meter):
    if settings.get('rollout') == 'transformers':
        meter.enter('generation')
        answers.generate(model, inputs, settings)
        meter.enter(None)
    kept = []  # what a loop's own variable keeps alive to the end of the step
    for _ in range(settings['gradient-accumulation-steps']):
        kept[:] = run_micro_batch(model, inputs, settings, meter)
    meter.mark('end-backward')
    meter.enter('optimizer')
    if settings['gradient-clipping']:
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    optimizer.step()
    meter.enter(None)
    meter.mark('end-optimizer')
    optimizer.zero_grad(set_to_none=True)
    kept.clear()
    meter.mark('end')


def measure(model, settings, meter):
    """Runs the steps, and leaves the last one's figures in the meter."""
    inputs = make_batch(model, settings)
    optimizer = make_optimizer([p for p in model.parameters() if p.requires_grad], settings)
    compiled = settings.get('torch-compile', False)
    if compiled:
        model.compile()
    # A hook would break the graph of a compiled model, whose forward pass is one phase.
    with contextlib.nullcontext() if compiled else phases_by_head(model, meter):
        for _ in range(meter.n_steps):
            meter.restart()
            meter.mark('step-start')
            run_step(model, optimizer, inputs, settings, meter)
