# SPDX-License-Identifier: GPL-3.0-or-later
"""One generation: the prompt in one pass, then token after token."""

import inspect

import torch
from transformers.modeling_outputs import BaseModelOutput

import models
import pictures
from meter import clean, entered_before

HEAD = {'prefill': 'head'}
CACHES = ('past_key_values', 'cache_params', 'state')


def make_batch(model, settings):
    """The prompt, and the token that the decoding begins with: the same one, as the values do not matter."""
    batch = settings['batch-size']
    vocabulary = model.config.get_text_config().vocab_size
    if 'task' in settings:
        inputs = pictures.make_batch(model, batch, settings)
    else:
        inputs = {'input_ids': models.tokens(batch, settings['prompt-length'], vocabulary)}
    attention_mask = models.mask(settings['attention-mask'], *inputs['input_ids'].shape)
    if attention_mask is not None:
        inputs['attention_mask'] = attention_mask
    token = models.tokens(batch, 1, vocabulary)
    if model.config.is_encoder_decoder:
        inputs['decoder_input_ids'] = token
    return inputs, token


def make_options(model, settings):
    """What the model's forward pass understands of the settings."""
    known = inspect.signature(model.forward).parameters
    options = {}
    if 'use_cache' in known:
        options['use_cache'] = True
    if 'logits_to_keep' in known and settings['logits-to-keep'] == 'last':
        options['logits_to_keep'] = 1
    return options


def take_cache(output):
    for name in CACHES:
        if getattr(output, name, None) is not None:
            return name, getattr(output, name)
    return None, None


def next_inputs(model, inputs, token, encoded):
    """The inputs of a step: one token, the mask one longer; an encoder's result is handed on."""
    attention_mask = inputs.get('attention_mask')
    step = {}
    if model.config.is_encoder_decoder:
        step['decoder_input_ids'] = token
        step['encoder_outputs'] = BaseModelOutput(last_hidden_state=encoded)
    else:
        step['input_ids'] = token
        if attention_mask is not None:
            attention_mask = torch.cat([attention_mask, attention_mask.new_ones(len(token), 1)], dim=-1)
    if attention_mask is not None:
        step['attention_mask'] = attention_mask
    return step


def generate(model, settings, meter):
    """Runs the passes; the names of the phases and levels are those of the oracle."""
    inputs, token = make_batch(model, settings)
    options = make_options(model, settings)
    meter.mark('after-load')
    with models.kernels(settings['attention']), torch.no_grad():
        meter.enter('prefill')
        output = model(**inputs, **options)
        meter.enter(None)
        meter.mark('end-prefill')
        name, cache = take_cache(output)
        encoded = getattr(output, 'encoder_last_hidden_state', None)
        del output
        if cache is None:
            return
        meter.mark('cache')
        for _ in range(settings['output-length']):
            # What the prompt had beside its text stays alive, as generate() keeps it, but is not read again.
            step = next_inputs(model, inputs, token, encoded)
            inputs.update(step)
            meter.enter('decode')
            output = model(**step, **{name: cache}, **options)
            meter.enter(None)
            meter.mark('end-decode')
            del output
        meter.mark('end')


def measure(model, settings, meter):
    """A short generation first, which loads the kernels and makes the libraries take their workspaces."""
    model.eval()
    generate(model, {**settings, 'prompt-length': 16, 'text-tokens': 16, 'output-length': 1}, meter)
    clean()
    meter.restart()
    with entered_before(models.output_head(model), meter, HEAD):
        generate(model, settings, meter)
