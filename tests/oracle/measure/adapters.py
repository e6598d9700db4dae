# SPDX-License-Identifier: GPL-3.0-or-later
"""Methods of fine-tuning that train something beside the model, as PEFT makes them."""

import peft
import torch


def adapter_targets(settings):
    targets = settings['lora-targets']
    return targets if targets == 'all-linear' else targets.split(',')


def lora_options(settings):
    # Of a class for sequences a copy of the head is trained as well.
    task = 'SEQ_CLS' if settings.get('algorithm') == 'reward' else None
    return {'task_type': task, 'r': settings['lora-rank'], 'lora_alpha': settings['lora-alpha'],
            'lora_dropout': settings['lora-dropout'],
            'target_modules': adapter_targets(settings)}


def low_rank_options(settings):
    return {'r': settings['lora-rank'], 'target_modules': adapter_targets(settings)}


def virtual_options(settings):
    return {'num_virtual_tokens': settings['virtual-tokens']}


CONFIGS = {
    'lora': lambda settings: peft.LoraConfig(**lora_options(settings)),
    'rslora': lambda settings: peft.LoraConfig(use_rslora=True, **lora_options(settings)),
    'dora': lambda settings: peft.LoraConfig(use_dora=True, **lora_options(settings)),
    'vera': lambda settings: peft.VeraConfig(**low_rank_options(settings)),
    'loha': lambda settings: peft.LoHaConfig(**low_rank_options(settings)),
    'lokr': lambda settings: peft.LoKrConfig(**low_rank_options(settings)),
    'ia3': lambda settings: peft.IA3Config(task_type='CAUSAL_LM'),
    'prefix': lambda settings: peft.PrefixTuningConfig(task_type='CAUSAL_LM', **virtual_options(settings)),
    'prompt': lambda settings: peft.PromptTuningConfig(task_type='CAUSAL_LM', **virtual_options(settings)),
    'p-tuning': lambda settings: peft.PromptEncoderConfig(task_type='CAUSAL_LM', **virtual_options(settings)),
}


def freeze(model, n_layers):
    """Only the last layers, and what follows them, are trained."""
    layers = next(module for module in model.modules() if isinstance(module, torch.nn.ModuleList))
    model.requires_grad_(False)
    layers[-n_layers:].requires_grad_(True)


def let_copy(head):
    """A fake tensor has no numbers that could be copied: the head's copy is made as the head was."""
    head.__deepcopy__ = lambda _memo: torch.nn.Linear(
        head.in_features, head.out_features, bias=head.bias is not None, device='cuda', dtype=head.weight.dtype)


def add(model, settings):
    """The model with what the method adds to it; VeRA draws its projections on the host."""
    method = settings['fine-tuning-method']
    if settings.get('algorithm') == 'reward':
        let_copy(model.score)
    with torch.device('cpu' if method == 'vera' else 'cuda'):
        model = peft.get_peft_model(model, CONFIGS[method](settings),
                                    autocast_adapter_dtype=settings['adapter-dtype'] == 'float32')
    return model.cuda()
