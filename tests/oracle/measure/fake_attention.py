# SPDX-License-Identifier: GPL-3.0-or-later
"""F.scaled_dot_product_attention on fake CUDA tensors: which kernel is taken, and what it takes inside.

The choice is that of aten/src/ATen/native/transformers/cuda/sdp_utils.cpp, what is done before and after a kernel that
of aten/src/ATen/native/transformers/attention.cpp, the bytes inside those of cuda/attention_backward.cu and
cuda/flash_attn/flash_api.cpp. The operators themselves are torch's, so what autograd keeps is what torch keeps.
"""

import collections

import torch
from torch.nn import functional

aten = torch.ops.aten

HALVES = (torch.float16, torch.bfloat16)
FLASH_MOST_HEAD_DIM = 256
FLASH_ALIGNMENT = 8
EFFICIENT_ALIGNMENT_BYTES = 16
MASK_ALIGNMENT = 16

calls = collections.Counter()


def multiple(count, unit):
    return (count + unit - 1) // unit * unit


def is_aligned(tensor):
    return tensor.shape[-1] * tensor.element_size() % EFFICIENT_ALIGNMENT_BYTES == 0


def can_flash(query, key, value, mask):
    return (torch.backends.cuda.flash_sdp_enabled() and query.dtype in HALVES and mask is None
            and query.shape[-1] <= FLASH_MOST_HEAD_DIM and query.shape[-1] == key.shape[-1] == value.shape[-1])


def can_be_efficient(query, key, value):
    return (torch.backends.cuda.mem_efficient_sdp_enabled() and query.dtype != torch.float64
            and all(map(is_aligned, (query, key, value))))


def needs_gradient(*tensors):
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


def run_flash(query, key, value, dropout, is_causal, scale):
    width = query.shape[-1]
    scale = width ** -0.5 if scale is None else scale
    if width % FLASH_ALIGNMENT != 0:
        gap = (0, multiple(width, FLASH_ALIGNMENT) - width)
        query, key, value = (functional.pad(tensor, gap) for tensor in (query, key, value))
    output = aten._scaled_dot_product_flash_attention(query, key, value, dropout, is_causal, False, scale=scale)[0]
    return output[..., :width] if output.shape[-1] != width else output


def make_additive(mask, dtype):
    """convert_boolean_attn_mask"""
    if mask is None or mask.dtype != torch.bool:
        return mask
    return torch.where(mask, torch.zeros((), dtype=dtype, device=mask.device), float('-inf'))


def pad_rows(mask, query, key):
    """preprocess_mask: rows begin at what the kernel can read, and there is one for each head."""
    length = mask.shape[-1]
    if length % MASK_ALIGNMENT != 0:
        mask = functional.pad(mask, (0, multiple(length, MASK_ALIGNMENT) - length))[..., :length]
    return mask.expand(query.shape[0], query.shape[1], query.shape[2], key.shape[2])


def run_efficient(query, key, value, mask, dropout, is_causal, scale):
    mask = make_additive(mask, query.dtype)
    if mask is not None:
        mask = pad_rows(mask, query, key)
    return aten._scaled_dot_product_efficient_attention(
        query, key, value, mask, needs_gradient(query, key, value), dropout, is_causal, scale=scale)[0]


class Attention:
    """What stands in for F.scaled_dot_product_attention."""

    def __init__(self, tracker):
        self.tracker = tracker
        tracker.inner_bytes.update({
            aten._scaled_dot_product_flash_attention_backward.default: count_flash_bytes,
            aten._scaled_dot_product_efficient_attention_backward.default: count_efficient_bytes,
            aten._safe_softmax.default: count_softmax_bytes,
        })

    def run_math(self, query, key, value, mask, dropout, is_causal, scale, enable_gqa):
        mask = make_additive(mask, query.dtype)
        with self.tracker.writing_sums():
            return aten._scaled_dot_product_attention_math(query, key, value, mask, dropout, is_causal, None,
                                                           scale=scale, enable_gqa=enable_gqa)[0]

    def run_kernel(self, query, key, value, mask, dropout, is_causal, scale, enable_gqa):
        if can_flash(query, key, value, mask):
            calls['flash'] += 1
            return run_flash(query, key, value, dropout, is_causal, scale)
        if can_be_efficient(query, key, value):
            calls['efficient'] += 1
            return run_efficient(query, key, value, mask, dropout, is_causal, scale)
        calls['math'] += 1
        return self.run_math(query, key, value, mask, dropout, is_causal, scale, enable_gqa)

    def __call__(self, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
                 enable_gqa=False):
        """Under autocast the operator's inputs are cast, and what it is composed of is not
        (lower_precision_fp of aten/src/ATen/autocast_mode.h)."""
        arguments = [query, key, value, attn_mask]
        if torch.is_autocast_enabled('cuda'):
            arguments = [cast(tensor, torch.get_autocast_dtype('cuda')) for tensor in arguments]
        keys = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCUDA)
        with torch._C._ExcludeDispatchKeyGuard(keys):
            return self.run_kernel(*arguments, dropout_p, is_causal, scale, enable_gqa)


def cast(tensor, dtype):
    is_eligible = tensor is not None and tensor.is_floating_point() and tensor.dtype != torch.float64
    return tensor.to(dtype) if is_eligible else tensor


def count_flash_bytes(gradient, query, key, _value, output, *_others):
    """_flash_attention_backward: copies of the output and its gradient where tokens do not come first in memory; and
    mha_bwd: sums of the output's gradient, the queries' gradient in 32 bits, and that of keys and values for each head
    of the queries where these are more."""
    batch, heads, length, width = query.shape
    copies = [tensor.numel() * tensor.element_size() for tensor in (gradient, output)
              if not tensor.transpose(1, 2).is_contiguous()]
    length = multiple(length, 128)
    inner = [4 * batch * heads * length,
             4 * batch * heads * length * (multiple(width, 32) if width <= 192 else 256)]
    if key.shape[1] != heads:
        inner += 2 * [query.element_size() * batch * key.shape[2] * heads * width]
    return copies + inner


def count_efficient_bytes(_gradient, query, *_others):
    """_efficient_attention_backward: delta, and the queries' gradient in 32 bits where it is of 16."""
    inner = [4 * query.shape[0] * query.shape[1] * query.shape[2]]
    if query.dtype in HALVES:
        inner.append(4 * query.numel())
    return inner


def count_softmax_bytes(scores, *_others):
    """_safe_softmax: which elements are -inf, which rows are so throughout, and a zero for these."""
    return [scores.numel(), scores.numel() // scores.shape[-1], scores.element_size()]
