# SPDX-License-Identifier: GPL-3.0-or-later
"""Gradient checkpointing: of all layers, of some, or of some of their operators."""

import torch
from torch.utils.checkpoint import CheckpointPolicy, create_selective_checkpoint_contexts
from transformers.modeling_layers import GradientCheckpointingLayer

aten = torch.ops.aten

PRODUCTS = (aten.mm.default, aten.linear.default)
# What torchtitan keeps (torchtitan/distributed/activation_checkpoint.py).
KEPT = (
    *PRODUCTS,
    aten.addmm.default,
    aten.bmm.default,
    aten.baddbmm.default,
    aten._scaled_dot_product_efficient_attention.default,
    aten._scaled_dot_product_flash_attention.default,
    aten._scaled_dot_product_cudnn_attention.default,
    aten.max.default,
)


def make_policy():
    """Keeps attentions and every second product."""
    n_products = {True: 0, False: 0}

    def policy(context, function, *_arguments, **_options):
        if function in PRODUCTS:
            n_products[context.is_recompute] += 1
        computed_again = function in PRODUCTS and n_products[context.is_recompute] % 2 == 0
        if function in KEPT and not computed_again:
            return CheckpointPolicy.MUST_SAVE
        return CheckpointPolicy.PREFER_RECOMPUTE

    return policy


def is_checkpointed(settings, i):
    kind, n = settings['selective-checkpointing'], settings.get('checkpointing-layers', 0)
    if kind == 'every-nth':
        return (i + 1) % n == 0
    return kind == 'operators' or i < n


def enable(model, settings):
    """Turns it on as trainers do; the flag of a layer says whether it takes part."""
    if settings['gradient-checkpointing'] == 'none':
        return
    options = {'use_reentrant': settings['reentrant-checkpointing']}
    selective = settings['gradient-checkpointing'] == 'selective'
    if selective and settings['selective-checkpointing'] == 'operators':
        options['context_fn'] = lambda: create_selective_checkpoint_contexts(make_policy())
    model.gradient_checkpointing_enable(options)
    if settings['fine-tuning-method'] != 'full':
        model.enable_input_require_grads()
    if selective:
        layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
        for i, layer in enumerate(layers):
            layer.gradient_checkpointing = is_checkpointed(settings, i)
