# SPDX-License-Identifier: GPL-3.0-or-later
"""Models with random weights, from their hyper-parameters alone."""

import contextlib

import torch
import transformers
from torch.nn.attention import SDPBackend, sdpa_kernel

IMPLEMENTATIONS = {'eager': 'eager', 'flash': 'flash_attention_2'}
BACKENDS = {'sdpa-efficient': SDPBackend.EFFICIENT_ATTENTION, 'sdpa-math': SDPBackend.MATH}
CLASSES = ('AutoModelForCausalLM', 'AutoModelForSeq2SeqLM', 'AutoModelForMaskedLM', 'AutoModel')


def find_class(config, hyper_parameters):
    """The class that the hyper-parameters name, else the first of those for which the type is known."""
    for name in hyper_parameters.get('architectures') or []:
        if hasattr(transformers, name):
            return getattr(transformers, name)
    for name in CLASSES:
        mapping = getattr(transformers, name)._model_mapping  # pylint: disable=protected-access
        if type(config) in mapping:
            return mapping[type(config)]
    raise ValueError(f'no class for {config.model_type}')


def score(hyper_parameters, settings):
    """What is built where answers are scored: the class of the same model that gives each sequence a number."""
    if settings.get('algorithm') != 'reward':
        return hyper_parameters
    names = [name.replace('ForCausalLM', 'ForSequenceClassification') for name in hyper_parameters['architectures']]
    return {**hyper_parameters, 'architectures': names, 'num_labels': 1, 'pad_token_id': 0}


def build(hyper_parameters, dtype, attention):
    """Makes the model on the GPU, its weights where they will stay."""
    settings = {key: value for key, value in hyper_parameters.items() if key not in ('model_type', 'torch_dtype')}
    config = transformers.AutoConfig.for_model(hyper_parameters['model_type'], **settings)
    implementation = IMPLEMENTATIONS.get(attention, 'sdpa')
    with torch.device('cuda'):
        return find_class(config, hyper_parameters)._from_config(  # pylint: disable=protected-access
            config, dtype=getattr(torch, dtype), attn_implementation=implementation)


def kernels(attention):
    """The kernels that scaled_dot_product_attention may take: all of them unless one is asked for."""
    backend = BACKENDS.get(attention)
    return contextlib.nullcontext() if backend is None else sdpa_kernel(backend)


def output_head(model):
    """The module that makes the logits, or scores sequences; None where there is none."""
    return model.get_output_embeddings() or getattr(model, 'score', None)


def count(model, trainable=False):
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad or not trainable)


def tokens(batch, length, vocabulary):
    return torch.randint(0, vocabulary, (batch, length), device='cuda')


def mask(kind, batch, length):
    """The mask of a batch: none, ones, or the first sequence padded on the left by a quarter."""
    if kind == 'none':
        return None
    ones = torch.ones(batch, length, dtype=torch.long, device='cuda')
    if kind == 'padded':
        ones[0, :length // 4] = 0
    return ones
