# SPDX-License-Identifier: GPL-3.0-or-later
"""What CUDA and its libraries take of a GPU before a model does anything, step by step in a new process."""

import torch

from measure import run_smi

MIB = 1 << 20


def read(stage):
    """What the driver says is used, and what of it torch's allocator has and has handed out."""
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    reserved = torch.cuda.memory_reserved()
    return {'stage': stage, 'device-bytes': total - free, 'reserved-bytes': reserved,
            'allocated-bytes': torch.cuda.memory_allocated(), 'context-bytes': total - free - reserved}


def multiply(dtype):
    a = torch.ones(256, 256, device='cuda', dtype=dtype)
    return a @ a


def run_linear(dtype):
    layer = torch.nn.Linear(256, 256, device='cuda', dtype=dtype)
    return layer(torch.ones(256, 256, device='cuda', dtype=dtype))


def train_linear(dtype):
    layer = torch.nn.Linear(256, 256, device='cuda', dtype=dtype)
    layer(torch.ones(256, 256, device='cuda', dtype=dtype)).sum().backward()


def attend(dtype):
    q = torch.ones(1, 8, 256, 64, device='cuda', dtype=dtype)
    return torch.nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True)


STAGES = (
    ('a tensor', lambda: torch.ones(1, device='cuda')),
    ('a product in bfloat16', lambda: multiply(torch.bfloat16)),
    ('a product in float32', lambda: multiply(torch.float32)),
    ('a linear layer with a bias in bfloat16', lambda: run_linear(torch.bfloat16)),
    ('an attention in bfloat16', lambda: attend(torch.bfloat16)),
    ('a backward pass in bfloat16', lambda: train_linear(torch.bfloat16)),
)


def measure():
    """Each stage's result is dropped before the figures are read, so that what stays is the libraries'."""
    before = int(run_smi('memory.used')) * MIB
    torch.cuda.init()
    rows = [read('the context alone')]
    for stage, run in STAGES:
        run()
        torch.cuda.synchronize()
        rows.append(read(stage))
    return {'gpu': torch.cuda.get_device_name(), 'driver': run_smi('driver_version'), 'torch': torch.__version__,
            'cuda': torch.version.cuda, 'used-before-bytes': before,
            'used-after-bytes': int(run_smi('memory.used')) * MIB, 'stages': rows}
