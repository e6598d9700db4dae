# SPDX-License-Identifier: GPL-3.0-or-later
"""Matrices of four bits as bitsandbytes holds them, stored in numbers that can be sharded (bnb_4bit_quant_storage)."""

import torch

# bitsandbytes asks for it where there is a device; its kernels are never called.
if not hasattr(torch._C, '_cuda_getCurrentRawStream'):  # pylint: disable=protected-access
    torch._C._cuda_getCurrentRawStream = lambda _device: 0  # pylint: disable=protected-access
import bitsandbytes  # pylint: disable=wrong-import-position


class Matrix(bitsandbytes.nn.Linear4bit):
    """Linear4bit whose parameter is a plain one, as sharding makes it of Params4bit."""

    def __init__(self, linear, dtype):
        # pylint: disable=super-init-not-called
        torch.nn.Linear.__init__(self, linear.in_features, linear.out_features, bias=False, device='meta')
        self.bias = linear.bias
        self.compute_dtype = dtype
        self.quant_state = None

    def forward(self, x):
        bias = None if self.bias is None else self.bias.to(self.compute_dtype)
        kept = x.dtype
        x = x.to(self.compute_dtype)
        return bitsandbytes.matmul_4bit(x, self.weight, bias=bias, quant_state=self.quant_state).to(kept)


def make_matrix(linear, dtype, double):
    """Linear4bit in the place of a linear layer, quantized where it is."""
    quantized = Matrix(linear, dtype)
    packed, state = bitsandbytes.functional.quantize_4bit(
        linear.weight.data, blocksize=64, compress_statistics=double, quant_type='nf4', quant_storage=dtype)
    quantized.weight = torch.nn.Parameter(packed, requires_grad=False)
    quantized.weight.compress_statistics = double
    quantized.weight.quant_type = 'nf4'
    quantized.quant_state = state
    return quantized


def quantize(model, settings):
    """All linear layers but the head, as transformers does it."""
    head = model.get_output_embeddings()
    dtype, double = getattr(torch, settings['dtype']), settings['quantization'] == 'bnb-nf4-dq'
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is torch.nn.Linear and child is not head:  # pylint: disable=unidiomatic-typecheck
                setattr(module, name, make_matrix(child, dtype, double))
    model.is_loaded_in_4bit = True
