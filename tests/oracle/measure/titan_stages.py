# SPDX-License-Identifier: GPL-3.0-or-later
"""Models as torchtitan (commit b5bcd76c) trains them, and what its trainer does around a step of a pipeline.

What runs is torch: fully_shard, checkpoints, stages and schedules. The modules say which operators torchtitan's have
one after the other; each names the class or function that it stands for. Tokens lie in one row, as they do there.
"""

import typing

import torch
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.nn import functional
from torch.utils.checkpoint import create_selective_checkpoint_contexts

import checkpointing

ENDS = ('tok_embeddings', 'norm', 'lm_head')


class Documents(typing.NamedTuple):
    """VarlenMetadata: where documents begin."""

    starts: torch.Tensor
    longest: int


class Rotation(torch.nn.Module):
    """ComplexRoPE, or CosSinRoPE where heads have norms of their own, with a table in each layer."""

    def __init__(self, length, width, by_halves):
        super().__init__()
        self.by_halves = by_halves
        size, dtype = (2 * width, torch.float32) if by_halves else (width // 2, torch.complex64)
        table = torch.empty(length, size, dtype=dtype)
        self.register_buffer('cache', table, persistent=False)

    def forward(self, query, key, positions):
        torch._assert_async(torch.all(positions <= self.cache.shape[0] - 1))  # pylint: disable=protected-access
        rows = self.cache[positions].view(query.shape[0], 1, self.cache.shape[-1])
        if self.by_halves:
            return turn_halves(query, key, rows)
        turned = [torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2)) for x in (query, key)]
        results = [torch.view_as_real(x * rows).flatten(-2) for x in turned]
        return results[0].type_as(query), results[1].type_as(key)


def swap_halves(x):
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    return torch.cat((-second, first), dim=-1)


def turn_halves(query, key, rows):
    """CosSinRoPE.apply_rotary_emb"""
    width = query.shape[-1]
    cos, sin = rows[..., :width], rows[..., width:]
    wide_query, wide_key = query.float(), key.float()
    turned_query = (wide_query * cos) + (swap_halves(wide_query) * sin)
    turned_key = (wide_key * cos) + (swap_halves(wide_key) * sin)
    return turned_query.type_as(query), turned_key.type_as(key)


class Products(torch.nn.Module):
    """FusedQKVLinear"""

    def __init__(self, config):
        super().__init__()
        self.width = config.head_dim
        self.heads_per_group = config.num_attention_heads // config.num_key_value_heads
        rows = (self.heads_per_group + 2) * config.num_key_value_heads * config.head_dim
        self.wqkv = torch.nn.Linear(config.hidden_size, rows, bias=False)

    def forward(self, x):
        mixed = self.wqkv(x)
        mixed = mixed.view(x.shape[0], -1, self.heads_per_group + 2, self.width)
        parts = torch.split(mixed, [self.heads_per_group, 1, 1], dim=-2)
        return tuple(part.reshape(x.shape[0], -1, self.width).contiguous() for part in parts)


class Attention(torch.nn.Module):
    """GQAttention with VarlenAttention"""

    def __init__(self, config, length, has_norms):
        super().__init__()
        self.is_grouped = config.num_attention_heads > config.num_key_value_heads
        self.rope = Rotation(length, config.head_dim, has_norms)
        self.qkv_linear = Products(config)
        self.wo = torch.nn.Linear(config.num_attention_heads * config.head_dim, config.hidden_size, bias=False)
        self.q_norm = torch.nn.RMSNorm(config.head_dim, eps=config.rms_norm_eps) if has_norms else None
        self.k_norm = torch.nn.RMSNorm(config.head_dim, eps=config.rms_norm_eps) if has_norms else None

    def attend(self, query, key, value, _documents):
        """varlen_attn of torch.nn.attention.varlen runs the flash kernel on all tokens in a row."""
        batched = (x.to(torch.bfloat16).unsqueeze(0).transpose(1, 2) for x in (query, key, value))
        output = functional.scaled_dot_product_attention(*batched, is_causal=True, enable_gqa=self.is_grouped)
        return output.transpose(1, 2).squeeze(0).to(query.dtype)

    def forward(self, x, documents, positions):
        query, key, value = self.qkv_linear(x)
        if self.q_norm is not None:
            query, key = self.q_norm(query), self.k_norm(key)
        query, key = self.rope(query, key, positions)
        output = self.attend(query, key, value, documents).contiguous()
        return self.wo(output.view(output.shape[0], -1))


class FeedForward(torch.nn.Module):
    """FeedForward"""

    def __init__(self, config):
        super().__init__()
        self.w1 = torch.nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.w2 = torch.nn.Linear(config.intermediate_size, config.hidden_size, bias=False)
        self.w3 = torch.nn.Linear(config.hidden_size, config.intermediate_size, bias=False)

    def forward(self, x):
        return self.w2(functional.silu(self.w1(x)) * self.w3(x))


class Block(torch.nn.Module):
    """Llama3TransformerBlock, and Qwen3TransformerBlock without experts"""

    def __init__(self, config, length, has_norms):
        super().__init__()
        self.attention = Attention(config, length, has_norms)
        self.feed_forward = FeedForward(config)
        self.attention_norm = torch.nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.ffn_norm = torch.nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(self, x, documents, positions):
        hidden = x + self.attention(self.attention_norm(x), documents, positions)
        return hidden + self.feed_forward(self.ffn_norm(hidden))


class Decoder(torch.nn.Module):
    """Decoder, of which a stage keeps some modules (_split_module of torchtitan/distributed/pipeline_parallel.py)"""

    def __init__(self, config, length, layers, is_first, is_last):
        super().__init__()
        has_norms = config.model_type == 'qwen3'
        vocabulary, width = config.vocab_size, config.hidden_size
        self.tok_embeddings = torch.nn.Embedding(vocabulary, width) if is_first else None
        self.layers = torch.nn.ModuleDict({str(i): Block(config, length, has_norms) for i in layers})
        self.norm = torch.nn.RMSNorm(width, eps=config.rms_norm_eps) if is_last else None
        self.lm_head = torch.nn.Linear(width, vocabulary, bias=False) if is_last else None

    def forward(self, x, positions, attention_masks):
        hidden = self.tok_embeddings(x) if self.tok_embeddings is not None else x
        for layer in self.layers.values():
            hidden = layer(hidden, attention_masks, positions)
        hidden = self.norm(hidden) if self.norm is not None else hidden
        return self.lm_head(hidden) if self.lm_head is not None else hidden


def deal_layers(n_layers, n_stages, first_weight, last_weight):
    """_generate_llm_fqn_per_model_part: the numbers of the layers of each stage."""
    each, more = divmod(n_layers + first_weight + last_weight, n_stages)
    stages, begin = [], 0
    for i in range(n_stages):
        n = each + (1 if i < more else 0) - (first_weight if i == 0 else 0) - (last_weight if i + 1 == n_stages else 0)
        stages.append(range(begin, begin + n))
        begin += n
    return stages


def wrap_block(block, settings):
    """FullAC and SelectiveAC of torchtitan/distributed/activation_checkpoint.py"""
    if settings['gradient-checkpointing'] == 'full':
        return checkpoint_wrapper(block, early_stop=False)
    if settings['gradient-checkpointing'] == 'selective':
        return checkpoint_wrapper(
            block, early_stop=False,
            context_fn=lambda: create_selective_checkpoint_contexts(checkpointing.make_policy()))
    return block


def shard(model, mesh):
    """apply_fsdp_to_decoder of torchtitan/distributed/fsdp.py beside a pipeline, whose default reshards nothing."""
    options = {'mesh': mesh, 'mp_policy': MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32,
                                                               cast_forward_inputs=False)}
    if model.tok_embeddings is not None:
        fully_shard(model.tok_embeddings, **options, reshard_after_forward=False)
    if model.lm_head is not None:
        fully_shard([model.norm, model.lm_head], **options, reshard_after_forward=False)
    for block in model.layers.values():
        fully_shard(block, **options, reshard_after_forward=False)
    fully_shard(model, **options)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)


def make_part(config, settings, layers, is_first, is_last, mesh):
    """pipeline_llm and parallelize_llama: a stage's modules, checkpointed and sharded."""
    torch.set_default_dtype(getattr(torch, settings['dtype']))
    with torch.device('cuda'):
        model = Decoder(config, settings['sequence-length'], layers, is_first, is_last)
    torch.set_default_dtype(torch.float32)
    for name, block in model.layers.named_children():
        model.layers.register_module(name, wrap_block(block, settings))
    shard(model, mesh)
    return model.train()


def find_documents(positions, settings):
    """create_varlen_metadata_for_document: each row is one document."""
    length = settings['sequence-length']
    starts = torch.arange(0, positions.shape[0] + 1, length, dtype=torch.int32, device=positions.device)
    return Documents(starts, length)


def compute_loss(output, target, global_valid_tokens):
    """CrossEntropyLoss, without what it logs"""
    loss = functional.cross_entropy(output.float(), target, reduction='sum', ignore_index=-100)
    return loss / global_valid_tokens


class Step:
    """Trainer.train_step and pp_forward_backward_step of torchtitan/trainer.py, for one group of micro-batches."""

    def __init__(self, schedule, parameters, optimizers, settings, vocabulary, ends):
        self.schedule, self.parameters, self.optimizers = schedule, parameters, optimizers
        self.settings, self.vocabulary = settings, vocabulary
        self.has_first, self.has_last = ends

    def bring(self):
        """What a micro-batch has on the device, on every rank."""
        n_tokens = self.settings['micro-batch-size'] * self.settings['sequence-length']
        return {'input': torch.randint(0, self.vocabulary, (n_tokens,), device='cuda'),
                'positions': torch.zeros(n_tokens, dtype=torch.int64, device='cuda')}

    def run_pipeline(self, batches, labels, global_valid_tokens):
        inputs = [(batch['input'],) for batch in batches] if self.has_first else None
        options = [{'positions': batch['positions'],
                    'attention_masks': find_documents(batch['positions'], self.settings)} for batch in batches]
        losses = [] if self.has_last else None
        self.schedule.step(arg_mbs=inputs, kwarg_mbs=options, target_mbs=labels if self.has_last else None,
                           losses=losses, loss_kwargs={'global_valid_tokens': global_valid_tokens},
                           return_outputs=False)
        return torch.sum(torch.stack(losses)) if self.has_last else torch.full([1], -1.0, device='cuda')

    def run(self, meter):
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        meter.enter('step')
        global_valid_tokens = torch.ones((), dtype=torch.int64, device='cuda')
        is_finite = torch.ones((), dtype=torch.int32, device='cuda')
        batches = [self.bring() for _ in range(self.settings['gradient-accumulation-steps'])]
        labels = [torch.empty_like(batch['input']) for batch in batches]
        loss = self.run_pipeline(batches, labels, global_valid_tokens)
        is_finite.logical_and_(torch.isfinite(loss.detach()).all())
        meter.mark('end-backward')
        meter.enter('optimizer')
        norm = None
        if self.settings['gradient-clipping']:
            norm = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
        for optimizer in self.optimizers:
            optimizer.step()
        del norm
        meter.enter(None)
        meter.mark('end-optimizer')
