# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of fine-tuning in a plain loop; the last one is measured, when the optimizer's states are there."""

import contextlib

import torch

import models
from meter import entered_before

N_STEPS = 3

HEAD = {'forward': 'loss'}


def add_adapters(model, settings):
    import peft  # pylint: disable=import-outside-toplevel

    targets = settings['lora-targets']
    config = peft.LoraConfig(r=settings['lora-rank'], lora_alpha=settings['lora-alpha'],
                             lora_dropout=settings['lora-dropout'],
                             target_modules=targets if targets == 'all-linear' else targets.split(','))
    return peft.get_peft_model(model, config, autocast_adapter_dtype=settings['adapter-dtype'] == 'float32')


def prepare(model, settings):
    """The model as it is trained: adapters first, then checkpointing, as trainers do it."""
    if settings['fine-tuning-method'] == 'lora':
        model = add_adapters(model, settings)
    if settings['gradient-checkpointing'] == 'full':
        model.gradient_checkpointing_enable({'use_reentrant': settings['reentrant-checkpointing']})
        if settings['fine-tuning-method'] == 'lora':
            model.enable_input_require_grads()
    return model.train()


def make_optimizer(parameters, settings):
    implementation = settings['optimizer-implementation']
    options = {'lr': 1e-5, 'foreach': implementation == 'foreach', 'fused': implementation == 'fused'}
    if settings['optimizer'] == 'sgd':
        return torch.optim.SGD(parameters, **options)
    if settings['optimizer'] == 'sgd-momentum':
        return torch.optim.SGD(parameters, momentum=0.9, **options)
    kind = torch.optim.AdamW if settings['optimizer'] == 'adamw' else torch.optim.Adam
    return kind(parameters, **options)


def make_batch(model, settings):
    batch, length = settings['micro-batch-size'], settings['sequence-length']
    ids = models.tokens(batch, length, model.config.get_text_config().vocab_size)
    inputs = {'input_ids': ids, 'labels': ids.clone()}
    attention_mask = models.mask(settings['attention-mask'], batch, length)
    if attention_mask is not None:
        inputs['attention_mask'] = attention_mask
    if not model.config.is_encoder_decoder and hasattr(model.config, 'use_cache'):
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


def run_micro_batch(model, inputs, settings, meter):
    meter.enter('forward')
    output = run_forward(model, inputs, settings)
    loss = output.loss / settings['gradient-accumulation-steps']
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
    with phases_by_head(model, meter):
        for _ in range(N_STEPS):
            meter.restart()
            meter.mark('step-start')
            run_step(model, optimizer, inputs, settings, meter)
