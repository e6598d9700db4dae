# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs that the journeys open: hyper-parameters of Qwen2.5-0.5B, and what people give a program by mistake."""

import json
import os

QWEN = {
    'architectures': ['Qwen2ForCausalLM'],
    'hidden_act': 'silu',
    'hidden_size': 896,
    'intermediate_size': 4864,
    'max_position_embeddings': 32768,
    'model_type': 'qwen2',
    'num_attention_heads': 14,
    'num_hidden_layers': 24,
    'num_key_value_heads': 2,
    'rms_norm_eps': 1e-06,
    'tie_word_embeddings': True,
    'torch_dtype': 'bfloat16',
    'vocab_size': 151936,
}

# 494,032,768 parameters: the number that the reference implementation's parameters() adds up to.
QWEN_PARAMETERS = 494032768


def write(folder, text, name='config.json'):
    """Writes a file into the folder, and returns its path. The folder's name has a space in it, as people's have."""
    path = os.path.join(folder, 'my models', name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    return path


def write_qwen(folder):
    return write(folder, json.dumps(QWEN, indent=2))


def write_broken(folder):
    """A head count that does not divide: a sentence has to name the file, the key and what was expected."""
    return write(folder, json.dumps(dict(QWEN, num_hidden_layers='twenty-four'), indent=2), 'broken.json')
