# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of models that see or hear, told by the names of their modules, of which some are not trained."""

# What makes of the output of towers what the decoder reads; whatever else has such a part in its name is a tower.
PROJECTORS = ('multi_modal_projector', 'visual.merger', 'connector')
TOWERS = ('visual', 'vision_tower', 'vision_model', 'audio_tower')


def get_part(name):
    words = f'.{name}.'
    if any(f'.{part}' in words for part in PROJECTORS):
        return 'projectors'
    return 'towers' if any(f'.{part}.' in words for part in TOWERS) else 'decoder'


FROZEN = {
    'towers': ('towers',),
    'towers-and-projectors': ('towers', 'projectors'),
    'all-but-projectors': ('towers', 'decoder'),
}


def freeze(model, frozen):
    """LLaMA-Factory and the stages of LLaVA freeze parts so, before checkpointing is turned on."""
    for name, parameter in model.named_parameters():
        if get_part(name) in FROZEN[frozen]:
            parameter.requires_grad_(False)
