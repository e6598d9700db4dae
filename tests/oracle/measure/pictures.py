# SPDX-License-Identifier: GPL-3.0-or-later
"""What a processor gives a model of images and sounds, made from their sizes: no processor is downloaded."""

import torch
from torch.utils._python_dispatch import _disable_current_modes

import models

# Whose decoder reads the pictures across, with no tokens for them in the text.
CROSS_ATTENTION = ('mllama',)


def random(*shape):
    return torch.rand(*shape, device='cuda')


def ones(*shape):
    return torch.ones(*shape, dtype=torch.long, device='cuda')


def make_patches(config, rows, settings):
    """Qwen2-VL and those after it: patches of all images in a row, sides rounded to whole tokens."""
    vision = config.vision_config
    unit = vision.patch_size * vision.spatial_merge_size
    grid = [1, *(max(1, round(settings[side] / unit)) * vision.spatial_merge_size
                 for side in ('image-height', 'image-width'))]
    count = rows * settings['images']
    numbers = vision.in_channels * vision.temporal_patch_size * vision.patch_size ** 2
    return {'pixel_values': random(count * grid[1] * grid[2], numbers),
            'image_grid_thw': torch.tensor([grid] * count, device='cuda')}


def get_side(config):
    side = config.vision_config.image_size
    return side if isinstance(side, int) else side[0]


def make_pictures(config, rows, settings):
    """Pictures of the one size that the tower sees."""
    side = get_side(config)
    return {'pixel_values': random(rows * settings['images'], 3, side, side)}


def make_pictures_of_any_size(config, rows, settings):
    """Pixtral's tower: whole patches."""
    unit = config.vision_config.patch_size * getattr(config, 'spatial_merge_size', 1)
    height, width = (max(1, settings[side] // unit) * unit for side in ('image-height', 'image-width'))
    count = rows * settings['images']
    return {'pixel_values': random(count, 3, height, width),
            'image_sizes': torch.tensor([[height, width]] * count, device='cuda')}


def make_tiles(config, rows, settings):
    """LLaVA-NeXT: the grid that the picture fits, and the whole of it."""
    side = get_side(config)
    n_tiles = 1 + (settings['image-height'] // side) * (settings['image-width'] // side)
    count = rows * settings['images']
    return {'pixel_values': random(count, n_tiles, 3, side, side),
            'image_sizes': torch.tensor([[settings['image-height'], settings['image-width']]] * count, device='cuda')}


def make_split_pictures(config, rows, settings):
    """Idefics 3 and SmolVLM: parts of a picture, and the whole of it."""
    side = get_side(config)
    parts = (settings['image-height'] // side) * (settings['image-width'] // side)
    count = settings['images'] * (parts + 1 if parts > 1 else 1)
    return {'pixel_values': random(rows, count, 3, side, side),
            'pixel_attention_mask': torch.ones(rows, count, side, side, dtype=torch.bool, device='cuda')}


def make_tiles_across(config, rows, settings):
    """Llama 3.2 Vision: up to four tiles, which the decoder's cross attention reads."""
    side, tiles, images = get_side(config), config.vision_config.max_num_tiles, settings['images']
    return {'pixel_values': random(rows, images, tiles, 3, side, side),
            'aspect_ratio_ids': ones(rows, images), 'aspect_ratio_mask': ones(rows, images, tiles)}


def make_features(config, rows, settings):
    """Whisper's features of windows of 30 seconds."""
    bins, count = config.audio_config.num_mel_bins, rows * settings['images']
    return {'input_features': random(count, bins, 3000), 'feature_attention_mask': ones(count, 3000)}


MAKERS = {
    'qwen2_vl': make_patches,
    'qwen2_5_vl': make_patches,
    'qwen3_vl': make_patches,
    'llava': make_pictures,
    'llava_next': make_tiles,
    'gemma3': make_pictures,
    'internvl': make_pictures,
    'paligemma': make_pictures,
    'mistral3': make_pictures_of_any_size,
    'idefics3': make_split_pictures,
    'smolvlm': make_split_pictures,
    'mllama': make_tiles_across,
    'qwen2_audio': make_features,
}


def get_image_token(config):
    for name in ('image_token_id', 'image_token_index', 'audio_token_id', 'audio_token_index'):
        if getattr(config, name, None) is not None:
            return getattr(config, name)
    raise ValueError(f'no token stands for images or sounds of {config.model_type}')


def find_text_end(config):
    """Tokens below this are of text: none of them stands for an image."""
    end = config.get_text_config().vocab_size - 1000
    return end if config.model_type in CROSS_ATTENTION else min(end, get_image_token(config))


def count_rows(features):
    """Vectors for the decoder, in whatever a release of transformers returns them."""
    features = getattr(features, 'pooler_output', features)
    if isinstance(features, (list, tuple)):
        return sum(count_rows(part) for part in features)
    return features.numel() // features.shape[-1]


def count_image_tokens(model, pictures):
    """As many as the model makes vectors of the pictures."""
    if model.config.model_type == 'qwen2_audio':
        return 750 * len(pictures['input_features'])
    with torch.no_grad():
        return count_rows(model.get_image_features(**pictures))


def put_text_between(image_token, n_tokens, text, n_images):
    """A token of text before each image, the rest after them, so that models can tell images apart."""
    seen = torch.full((len(text), n_tokens // n_images), image_token, device='cuda')
    parts = [part for i in range(n_images) for part in (text[:, i:i + 1], seen)]
    return torch.cat([*parts, text[:, n_images:]], dim=1)


def read_inputs(settings):
    """All inputs of a sequence, in their order: the words of headroom-cli's further-inputs."""
    image = f"image-{settings['image-width']}x{settings['image-height']}"
    words = [image] * settings['images']
    words += [f"audio-{settings['audio-seconds']}"] if settings['audio-seconds'] > 0 else []
    words += [word for word in settings['further-inputs'].split(',') if word != 'none']
    return [(word.split('-')[0], [float(number) for number in word.split('-')[1].split('x')]) for word in words]


def process_pictures(sizes):
    """Phi-4-multimodal's own processor, on the host: how many crops a picture has is a matter of its size."""
    from transformers.models.phi4_multimodal import (  # pylint: disable=import-outside-toplevel
        image_processing_phi4_multimodal as processing)

    with _disable_current_modes():
        pictures = [torch.zeros(3, int(height), int(width), dtype=torch.uint8, device='cpu')
                    for width, height in sizes]
        batch = processing.Phi4MultimodalImageProcessor()(pictures, return_tensors='pt')
    return {name: batch[name] for name in ('image_pixel_values', 'image_sizes', 'image_attention_mask')}, \
        [int(count) for count in batch['num_img_tokens']]


def process_sounds(lengths, config):
    """Its extractor: frames of a spectrogram, padded to the longest, with a mask where there are several."""
    from transformers.models.phi4_multimodal import (  # pylint: disable=import-outside-toplevel
        feature_extraction_phi4_multimodal as extraction)

    with _disable_current_modes(), torch.device('cpu'):
        extractor = extraction.Phi4MultimodalFeatureExtractor(feature_size=config.audio_config.input_size)
        rate = extractor.sampling_rate
        sounds = [torch.zeros(int(seconds * rate)) for seconds, in lengths]
        batch = extractor([sound.numpy() for sound in sounds], sampling_rate=rate, return_tensors='pt')
    return dict(batch), [int(count) for count in batch['audio_embed_sizes']]


def make_mixture(model, rows, settings):
    """Phi-4-multimodal: pictures and sounds of all sequences, each with a token of text before it."""
    config, inputs = model.config, read_inputs(settings)
    ids = {'image': config.vision_config.image_token_id, 'audio': config.audio_config.audio_token_id}
    batch, counts = {}, {}
    for kind in ids:
        sizes = [numbers for other, numbers in inputs if other == kind] * rows
        if sizes:
            given, counts[kind] = process_pictures(sizes) if kind == 'image' else process_sounds(sizes, config)
            batch.update({name: tensor.to('cuda') for name, tensor in given.items()})
    text = models.tokens(rows, settings['text-tokens'], min(ids.values()) - 1)
    parts = []
    for number, (kind, _sizes) in enumerate(inputs):
        place = [other for other, _ in inputs[:number]].count(kind)
        parts += [text[:, number:number + 1], torch.full((rows, counts[kind][place]), ids[kind], device='cuda')]
    return {'input_ids': torch.cat([*parts, text[:, len(inputs):]], dim=1), **batch}


def make_batch(model, rows, settings):
    """Text after what is seen or heard; the marks around these count as text."""
    config = model.config
    if config.model_type == 'phi4_multimodal':
        return make_mixture(model, rows, settings)
    if settings['audio-seconds'] > 0 or settings['further-inputs'] != 'none':
        raise ValueError(f'audio-seconds and further-inputs are not known of {config.model_type}')
    inputs = MAKERS[config.model_type](config, rows, settings)
    text = models.tokens(rows, settings['text-tokens'], find_text_end(config))
    if config.model_type in CROSS_ATTENTION:
        tiles = inputs['aspect_ratio_mask'].shape[-1]
        inputs['cross_attention_mask'] = ones(rows, settings['text-tokens'], settings['images'], tiles)
        return {'input_ids': text, **inputs}
    n_tokens = count_image_tokens(model, inputs) // rows
    inputs['input_ids'] = put_text_between(get_image_token(config), n_tokens, text, settings['images'])
    kinds = (inputs['input_ids'] == get_image_token(config)).long()
    if config.model_type in ('gemma3', 'paligemma'):
        inputs['token_type_ids'] = kinds
    if config.model_type.startswith('qwen') and 'image_grid_thw' in inputs:
        inputs['mm_token_type_ids'] = kinds
    return inputs
