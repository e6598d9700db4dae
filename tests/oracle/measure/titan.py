# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of one rank of torchtitan, which must be importable: its own models, divided by its own functions.

The process group sends nothing. The loop is that of torchtitan's trainer (Trainer.train_step in torchtitan/trainer.py):
parameters are sharded before they get memory, the loss is a sum over all logits at once, gradients are clipped.
"""

import dataclasses
import functools
import os

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor
from torch.testing._internal.distributed.fake_pg import FakeStore

import models
import training
from meter import entered_before

N_STEPS = 3
MASK_BLOCK = 128  # _DEFAULT_SPARSE_BLOCK_SIZE of torch/nn/attention/flex_attention.py


def begin(settings):
    """Makes the group of all ranks, of which one is measured: each of those that share a layer may have other rows."""
    n_inner = settings['data-parallel'] * settings.get('tensor-parallel', 1) * settings.get('context-parallel', 1)
    size = n_inner * settings.get('pipeline-parallel', 1)
    os.environ.update({'RANK': '0', 'LOCAL_RANK': '0', 'WORLD_SIZE': str(size), 'MASTER_ADDR': 'localhost',
                       'MASTER_PORT': '29500'})
    torch.autograd.set_multithreading_enabled(False)
    rank = settings['rank'] + n_inner * settings.get('pipeline-stage', 0)
    dist.init_process_group('fake', store=FakeStore(), rank=rank, world_size=size)


def attend(query, key, value, *_lengths, scale=None, enable_gqa=False, **_options):
    """varlen_attn of torch.nn.attention.varlen runs the flash kernel on all tokens in a row."""
    batched = (tensor.unsqueeze(0).transpose(1, 2) for tensor in (query, key, value))
    result = torch.nn.functional.scaled_dot_product_attention(*batched, is_causal=True, scale=scale,
                                                              enable_gqa=enable_gqa)
    return result.transpose(1, 2).squeeze(0)


class Flex(torch.autograd.Function):
    """What inductor makes of flex_attention and its derivative (torch/_inductor/kernel/flex/flex_attention.py): each
    kernel writes into tensors that are made before it, and a sum of products is one kernel."""

    # pylint: disable=arguments-differ,abstract-method
    @staticmethod
    def forward(ctx, query, key, value, _mask):
        sums = torch.empty(query.shape[:-1], dtype=torch.float32, device=query.device)
        largest = torch.empty_like(sums)
        output = torch.empty_like(query)
        ctx.save_for_backward(query, key, value, output, sums)
        del largest
        return output

    @staticmethod
    def backward(ctx, gradient):
        query, key, value, _output, sums = ctx.saved_tensors
        del gradient
        delta = torch.empty_like(sums)
        results = [torch.empty_like(x) for x in (query, value, key)]
        del delta
        return results[0], results[2], results[1], None


def attend_flexibly(query, key, value, *, block_mask, **_options):
    """FlexAttention._compiled_flex_attn, without what AuxRequest asks for"""
    return Flex.apply(query, key, value, block_mask), None


def make_block_mask(positions, n_ranks):
    """The tensors of the mask that _create_cp_block_mask makes for a rank, and those that its function reads."""
    from torch.nn.attention.flex_attention import BlockMask  # pylint: disable=import-outside-toplevel

    n_tokens = positions.shape[0]
    columns = n_tokens // MASK_BLOCK
    rows = columns // n_ranks
    options = {'dtype': torch.int32, 'device': positions.device}
    held = [torch.empty(1, n_tokens, dtype=torch.int64, device=positions.device),
            torch.empty((n_tokens + 1 + MASK_BLOCK - 1) // MASK_BLOCK * MASK_BLOCK, **options),
            torch.empty(n_tokens, **options)]
    counts = [torch.empty(1, 1, n, **options) for n in (rows, rows, columns, columns)]
    indices = [torch.empty(1, 1, *size, **options) for size in 2 * [(rows, columns)] + 2 * [(columns, rows)]]

    def finds(_batch, _head, _query, _key):
        return held

    return BlockMask(seq_lengths=(n_tokens // n_ranks, n_tokens), kv_num_blocks=counts[0], kv_indices=indices[0],
                     full_kv_num_blocks=counts[1], full_kv_indices=indices[1], q_num_blocks=counts[2],
                     q_indices=indices[2], full_q_num_blocks=counts[3], full_q_indices=indices[3],
                     BLOCK_SIZE=(MASK_BLOCK, MASK_BLOCK), mask_mod=finds)


def share_sequence(dims, tensors):
    """What a rank has of a micro-batch: cp_shard of torchtitan/distributed/context_parallel/api.py, and its mask."""
    from torchtitan.distributed.context_parallel.api import cp_shard  # pylint: disable=import-outside-toplevel

    mesh = dims.get_mesh('cp')
    (tokens, labels, positions), _masks = cp_shard(mesh, tensors, None)
    return tokens, labels, positions, make_block_mask(tensors[2], mesh.size())


def configure(hyper_parameters, n_tokens, backend='varlen'):
    """The configuration of torchtitan's model of that kind, and the function that says how it is divided."""
    from torchtitan.models import llama3, qwen3  # pylint: disable=import-outside-toplevel
    from torchtitan.models.common import rope  # pylint: disable=import-outside-toplevel
    from torchtitan.models.common.embedding import Embedding  # pylint: disable=import-outside-toplevel
    from torchtitan.models.common.linear import Linear  # pylint: disable=import-outside-toplevel
    from torchtitan.models.common.nn_modules import RMSNorm  # pylint: disable=import-outside-toplevel

    width, n_rows = hyper_parameters['hidden_size'], hyper_parameters['vocab_size']
    n_heads = hyper_parameters['num_attention_heads']
    head_dim = hyper_parameters.get('head_dim', width // n_heads)
    options = {'n_layers': hyper_parameters['num_hidden_layers'], 'dim': width, 'n_heads': n_heads,
               'n_kv_heads': hyper_parameters['num_key_value_heads'], 'attn_backend': backend,
               'hidden_dim': hyper_parameters['intermediate_size']}
    is_qwen3 = hyper_parameters['model_type'] == 'qwen3'
    turns = rope.CosSinRoPE if is_qwen3 else rope.ComplexRoPE
    options['rope'] = turns.Config(dim=head_dim, max_context_length=n_tokens, theta=10000.0)
    if is_qwen3:
        options['head_dim'] = head_dim
    family, build = (qwen3, qwen3._build_qwen3_layers) if is_qwen3 else (llama3, llama3._build_llama3_layers)
    kind = family.Qwen3Model if is_qwen3 else family.Llama3Model
    is_tied = hyper_parameters['tie_word_embeddings']
    config = kind.Config(
        dim=width, vocab_size=n_rows, layers=build(**options), enable_weight_tying=is_tied,
        tok_embeddings=Embedding.Config(num_embeddings=n_rows, embedding_dim=width),
        norm=RMSNorm.Config(normalized_shape=width), lm_head=Linear.Config(in_features=width, out_features=n_rows))
    return config, is_qwen3


def divide(config, is_qwen3, divides_sequence):
    from torchtitan.models.llama3.sharding import set_llama3_sharding_config  # pylint: disable=import-outside-toplevel
    from torchtitan.models.qwen3.sharding import set_qwen3_sharding_config  # pylint: disable=import-outside-toplevel

    if is_qwen3:
        set_qwen3_sharding_config(config, enable_sp=divides_sequence, enable_ep=False)
    else:
        set_llama3_sharding_config(config, enable_sp=divides_sequence)


def get_checkpointing(settings):
    from torchtitan.distributed import activation_checkpoint  # pylint: disable=import-outside-toplevel

    kinds = {'full': activation_checkpoint.FullAC, 'selective': activation_checkpoint.SelectiveAC}
    kind = kinds.get(settings['gradient-checkpointing'])
    return kind.Config(preserve_rng_state=False, determinism_check='none') if kind else None


def prepare(hyper_parameters, settings):
    """The configuration of a model, how it is divided, the dimensions of that, and the function that divides it."""
    # pylint: disable=import-outside-toplevel
    from torchtitan.config import ParallelismConfig
    from torchtitan.distributed import ParallelDims
    from torchtitan.distributed import utils
    from torchtitan.models.common import attention
    from torchtitan.models.llama3.parallelize import parallelize_llama
    from torchtitan.models.qwen3.parallelize import parallelize_qwen3
    from torchtitan.tools import utils as tools

    attention.varlen_attn = attend
    attention.FlexAttention._compiled_flex_attn = attend_flexibly
    tools.get_cuda_flash_attention_impl = lambda: None
    config, is_qwen3 = configure(hyper_parameters, settings['sequence-length'],
                                   'flex' if settings.get('context-parallel', 1) > 1 else 'varlen')
    parallelism = ParallelismConfig(
        tensor_parallel_degree=settings.get('tensor-parallel', 1),
        enable_sequence_parallel=settings['sequence-parallel'],
        context_parallel_degree=settings.get('context-parallel', 1),
        pipeline_parallel_degree=settings.get('pipeline-parallel', 1),
        data_parallel_shard_degree=settings['data-parallel'] // settings['data-parallel-replicas'],
        data_parallel_replicate_degree=settings['data-parallel-replicas'],
        fsdp_reshard_after_forward='never' if settings['fsdp'] == 'shard-grad-op' else 'default')
    divide(config, is_qwen3, settings['sequence-parallel'])
    utils.set_spmd_backend(parallelism.spmd_backend)
    dims = ParallelDims.from_config(parallelism, dist.get_world_size())
    dims.build_mesh()
    return config, parallelism, dims, parallelize_qwen3 if is_qwen3 else parallelize_llama


def materialize(model):
    """What a model does between being divided and the first step."""
    model.to_empty(device='cuda')
    for module in model.modules():
        if hasattr(module, '_init_self_buffers'):
            module._init_self_buffers(buffer_device=torch.device('cuda'))
    if model.config.enable_weight_tying:  # as Decoder.init_states does
        model.tok_embeddings.weight = model.lm_head.weight
    model.train()


def build(hyper_parameters, settings):
    """The model of a rank, and the dimensions that it is divided along."""
    from torchtitan.config import CompileConfig, TrainingConfig  # pylint: disable=import-outside-toplevel

    config, parallelism, dims, parallelize = prepare(hyper_parameters, settings)
    with torch.device('meta'):
        model = config.build()
    parallelize(model, parallel_dims=dims, training=TrainingConfig(dtype=settings['dtype']), parallelism=parallelism,
                compile_config=CompileConfig(), ac_config=get_checkpointing(settings), dump_folder='')
    materialize(model)
    return model, dims


def make_batch(model, settings):
    n_tokens = settings['micro-batch-size'] * settings['sequence-length']
    tokens, labels = (models.tokens(1, n_tokens, model.config.vocab_size).squeeze(0) for _ in range(2))
    return tokens, labels, torch.zeros(n_tokens, dtype=torch.long, device='cuda')


def make_loss(model):
    from torchtitan.components.loss import CrossEntropyLoss  # pylint: disable=import-outside-toplevel

    return CrossEntropyLoss(CrossEntropyLoss.Config(global_vocab_size=model.config.vocab_size))


def run_step(model, optimizer, batch, run, settings, meter):
    from torchtitan.distributed import utils  # pylint: disable=import-outside-toplevel

    whole = batch
    for _ in range(settings['gradient-accumulation-steps']):
        meter.enter('forward')
        tokens, labels, positions, masks = run.share(whole)
        with run.context():
            logits = model(tokens, positions=positions, attention_masks=masks)
            loss, _metrics = run.loss(logits, labels, run.n_valid)
            del logits
            meter.mark('end-forward')
            meter.enter('backward-loss')
            loss.backward()
        meter.enter(None)
    meter.mark('end-backward')
    meter.enter('optimizer')
    if settings['gradient-clipping']:
        utils.clip_grad_norm_(list(model.parameters()), 1.0, foreach=True)
    optimizer.step()
    meter.enter(None)
    meter.mark('end-optimizer')
    optimizer.zero_grad(set_to_none=True)


@dataclasses.dataclass
class Run:
    """What the trainer holds for all steps."""

    context: object
    share: object
    loss: object
    n_valid: object


def watch(meter, _module, arguments):
    """The gradient of the head's input ends the loss's way back."""
    if arguments[0].requires_grad:
        arguments[0].register_hook(lambda _gradient: meter.enter('backward'))


def count_own(parameter):
    """What of a parameter the ranks have that share a layer, all that share it by rows together."""
    if not isinstance(parameter, DTensor) or 'tp' not in parameter.device_mesh.mesh_dim_names:
        return parameter.numel()
    place = parameter.device_mesh.mesh_dim_names.index('tp')
    is_divided = parameter.placements[place].is_shard()
    return parameter.numel() // (parameter.device_mesh.size(place) if is_divided else 1)


def run_steps(hyper_parameters, settings, meter):
    from torchtitan.distributed import utils  # pylint: disable=import-outside-toplevel
    from torchtitan.models.common.attention import VarlenMetadata  # pylint: disable=import-outside-toplevel

    model, dims = build(hyper_parameters, settings)
    counts = dict.fromkeys(('parameters', 'trainable'), sum(map(count_own, model.parameters())))
    optimizer = training.make_optimizer([p for p in model.parameters() if p.requires_grad], settings)
    batch = make_batch(model, settings)
    masks = VarlenMetadata(None, None, 0, 0)
    share = functools.partial(share_sequence, dims) if dims.cp_enabled else lambda whole: (*whole, masks)
    run = Run(utils.get_spmd_context(parallel_dims=dims), share, make_loss(model),
              torch.ones((), device='cuda'))
    hook = model.lm_head.register_forward_pre_hook(functools.partial(watch, meter))
    with entered_before(model.lm_head, meter, training.HEAD):
        for _ in range(N_STEPS):
            meter.restart()
            meter.mark('step-start')
            run_step(model, optimizer, batch, run, settings, meter)
    hook.remove()
    return counts


def measure(hyper_parameters, settings, meter):
    """Runs the steps, and leaves the last one's figures in the meter."""
    begin(settings)
    try:
        return run_steps(hyper_parameters, settings, meter)
    finally:
        dist.destroy_process_group()
