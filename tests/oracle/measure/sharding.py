# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of one rank among several, on one GPU: its process group sends nothing, and takes what a real one is handed.

The frameworks are set up as their own programs do it: accelerate's plugins for DistributedDataParallel,
FullyShardedDataParallel and fully_shard, DeepSpeed's engine for ZeRO. What NCCL takes is not part of the figures.
"""

import contextlib
import os

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import _mesh_resources
from torch.testing._internal.distributed.fake_pg import FakeStore

import answers
import host_values
import models
import training

# ZeRO's third stage records the order of modules in the second step and goes by it from the third.
N_STEPS = 4

SHARDED = ('full-shard', 'shard-grad-op', 'hybrid-shard')


def uses(settings):
    """Whether a case is one of a rank among several."""
    return settings.get('framework') in ('transformers', 'deepspeed')


def begin(settings):
    """Makes the group of all ranks, of which this is one."""
    rank = settings.get('rank', 0)
    size = settings['data-parallel'] * settings.get('tensor-parallel', 1) * settings.get('context-parallel', 1)
    os.environ.update({'RANK': str(rank), 'LOCAL_RANK': '0', 'WORLD_SIZE': str(size), 'LOCAL_WORLD_SIZE': str(size),
                       'MASTER_ADDR': 'localhost', 'MASTER_PORT': '29500', 'DS_BUILD_OPS': '0'})
    dist.init_process_group('fake', store=FakeStore(), rank=rank, world_size=size)
    # All are of one host, by which DTensor weighs what to exchange (MeshTopoInfo.build_from_mesh).
    _mesh_resources.num_devices_per_host = lambda _kind: size


def list_layers(model):
    """The classes of layers, where the model names some that it has not (fsdp_transformer_layer_cls_to_wrap)."""
    from accelerate.utils import dataclasses  # pylint: disable=import-outside-toplevel

    names = model._no_split_modules or []
    found = [name for name in names if dataclasses.get_module_class_from_name(model, name) is not None]
    return sorted(name for name in found if 'Embeddings' not in name) if len(found) < len(names) else None


def make_fsdp_plugin(model, settings):
    """FullyShardedDataParallelPlugin with the settings that accelerate's configuration file has for them."""
    import accelerate  # pylint: disable=import-outside-toplevel

    options = {
        'fsdp_version': settings['fsdp-version'],
        'auto_wrap_policy': 'transformer_based_wrap',
        'cpu_offload': settings['parameter-offload'] == 'cpu',
        'cpu_ram_efficient_loading': False,
        'state_dict_type': 'sharded_state_dict',
        'transformer_cls_names_to_wrap': list_layers(model),
    }
    if settings['fsdp-version'] == 2:
        options['reshard_after_forward'] = settings['fsdp'] == 'full-shard'
    else:
        options['sharding_strategy'] = settings['fsdp'].replace('-', '_')
        options['backward_prefetch'] = {'none': 'no_prefetch'}.get(
            settings['fsdp-backward-prefetch'], settings['fsdp-backward-prefetch'].replace('-', '_'))
        options['use_orig_params'] = settings['fsdp-use-orig-params']
    return accelerate.FullyShardedDataParallelPlugin(**options)


def wrap_adapters(model, settings, plugin):
    """Of flat parameters each that is trained gets a unit of its own: update_fsdp_plugin_peft of transformers."""
    if settings['fsdp-version'] == 1 and hasattr(model, 'peft_config'):
        from peft.utils.other import fsdp_auto_wrap_policy  # pylint: disable=import-outside-toplevel
        plugin.auto_wrap_policy = fsdp_auto_wrap_policy(model)


def make_reference(model, settings):
    """The model that answers are compared with, where it is one of its own; before the other is changed."""
    if not settings.get('reference-model') or settings['fine-tuning-method'] != 'full':
        return None
    with torch.device('cuda'):
        return type(model)._from_config(  # pylint: disable=protected-access
            model.config, dtype=model.dtype, attn_implementation=model.config._attn_implementation)


def prepare_reference(model, accelerator):
    """prepare_fsdp of trl/models/utils.py: fully_shard takes all of the model at once."""
    plugin = accelerator.state.fsdp_plugin
    if plugin.fsdp_version == 2:
        from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard  # pylint: disable=import-outside-toplevel

        fully_shard(model, reshard_after_forward=plugin.reshard_after_forward, offload_policy=plugin.cpu_offload,
                    mp_policy=plugin.mixed_precision_policy or MixedPrecisionPolicy())
        return model.eval()
    from torch.distributed.fsdp import FullyShardedDataParallel  # pylint: disable=import-outside-toplevel

    plugin.set_auto_wrap_policy(model)
    return FullyShardedDataParallel(
        model, sharding_strategy=plugin.sharding_strategy, cpu_offload=plugin.cpu_offload,
        auto_wrap_policy=plugin.auto_wrap_policy, mixed_precision=plugin.mixed_precision_policy,
        sync_module_states=plugin.sync_module_states, backward_prefetch=plugin.backward_prefetch,
        forward_prefetch=plugin.forward_prefetch, use_orig_params=plugin.use_orig_params,
        param_init_fn=plugin.param_init_fn, ignored_modules=plugin.ignored_modules,
        limit_all_gathers=plugin.limit_all_gathers, device_id=accelerator.device).eval()


def pass_on(_state, bucket):
    """A hook of DistributedDataParallel that hands back what it was given, as the group of ranks returns nothing."""
    future = torch.futures.Future()
    future.set_result(bucket.buffer())
    return future


def divide_modules(model, settings):
    """Has transformers divide the modules, among those that accelerate's mesh has for it."""
    import accelerate  # pylint: disable=import-outside-toplevel
    import dividing  # pylint: disable=import-outside-toplevel

    config = accelerate.ParallelismConfig(dp_shard_size=settings['data-parallel'], tp_size=settings['tensor-parallel'])
    dividing.divide(model, settings, config.get_device_mesh('cuda')['tp'])
    return config


class Accelerated:
    """A model and its optimizer as accelerate prepares them."""

    def __init__(self, model, settings):
        import accelerate  # pylint: disable=import-outside-toplevel

        options = {}
        if settings['fsdp'] in SHARDED:
            os.environ['ACCELERATE_USE_FSDP'] = 'true'
            os.environ['FSDP_VERSION'] = str(settings['fsdp-version'])
            options['fsdp_plugin'] = make_fsdp_plugin(model, settings)
            wrap_adapters(model, settings, options['fsdp_plugin'])
        if settings.get('tensor-parallel', 1) > 1:
            options['parallelism_config'] = divide_modules(model, settings)
        self.steps = settings['gradient-accumulation-steps']
        self.accelerator = accelerate.Accelerator(
            mixed_precision={'none': 'no', 'bfloat16': 'bf16', 'float16': 'fp16'}[settings['autocast']],
            gradient_accumulation_steps=self.steps, **options)
        reference = make_reference(model, settings)
        # Trainer delays the optimizer until parameters are flat (delay_optimizer_creation of transformers/trainer.py).
        if settings.get('fsdp-version') == 1:
            model = self.accelerator.prepare(model)
        optimizer = training.make_optimizer([p for p in model.parameters() if p.requires_grad], settings)
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        if settings['fsdp'] not in SHARDED:
            self.model.register_comm_hook(None, pass_on)
        self.reference = prepare_reference(reference, self.accelerator) if reference is not None else None
        self.clips = settings['gradient-clipping']

    def accumulate(self):
        return self.accelerator.accumulate(self.model)

    def backward(self, loss):
        self.accelerator.backward(loss)

    def step(self):
        if self.clips:
            self.accelerator.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    def end(self):
        self.optimizer.zero_grad(set_to_none=True)


class Answers:
    """What a step of TRL's trainers does with answers beside the loss of the policy."""

    def __init__(self, engine, settings, meter):
        self.engine, self.settings, self.meter = engine, settings, meter

    def run(self, model, arguments):
        with models.kernels(self.settings['attention']):
            return model(**arguments)

    @contextlib.contextmanager
    def without_gradients(self, phase, after):
        """Checkpointing is off meanwhile (disable_gradient_checkpointing of trl/models/utils.py)."""
        inner = self.engine.accelerator.unwrap_model(self.engine.model)
        checkpoints = inner.is_gradient_checkpointing
        if checkpoints:
            inner.gradient_checkpointing_disable()
        self.meter.enter(phase)
        with torch.no_grad():
            yield inner
        self.meter.enter(after)
        if checkpoints:
            inner.gradient_checkpointing_enable({'use_reentrant': self.settings['reentrant-checkpointing']})

    def read_reference(self, read, batch, after):
        """By a model of its own, or by the one that is trained without what was added to it."""
        with self.without_gradients('reference', after) as inner:
            if self.engine.reference is not None:
                return read(self.run, self.engine.reference, batch)
            with inner.disable_adapter():
                return read(self.run, self.engine.model, batch)

    def read_own(self, batch):
        with self.without_gradients('old-policy', None):
            return answers.read_answers(self.run, self.engine.model, batch)

    def read_pairs(self, batch):
        return self.read_reference(lambda *arguments: answers.score_pairs(*arguments)[1], batch, 'loss')

    def summon(self):
        """DistributedBackend.summon_full_params of trl/distributed.py: what is around layers of flat parameters."""
        from torch.distributed.fsdp import FullyShardedDataParallel  # pylint: disable=import-outside-toplevel

        if self.settings['fsdp-version'] == 2:
            return contextlib.nullcontext()
        return FullyShardedDataParallel.summon_full_params(self.engine.model, recurse=False)

    def generate(self, batches):
        """The answers to all prompts of a step, by the model as it is divided: GRPOTrainer._generate_single_turn."""
        with self.without_gradients('generation', None) as inner, self.summon():
            answers.generate(inner, answers.join_prompts(batches), self.settings)

    def push(self):
        """VLLMGeneration.sync_weights of trl where fully_shard divides: adapters are merged meanwhile."""
        inner = self.engine.accelerator.unwrap_model(self.engine.model)
        is_adapted = hasattr(inner, 'peft_config')
        self.meter.enter('generation')
        if is_adapted:
            inner.merge_adapter()
        for name, parameter in inner.state_dict().items():
            if not is_adapted or inner.prefix not in name:
                parameter = parameter.full_tensor()
        del parameter
        if is_adapted:
            inner.unmerge_adapter()
        self.meter.enter(None)

    def prepare(self, batches):
        """What goes before the first micro-batch."""
        if answers.is_pairs(self.settings):
            return
        if self.settings['rollout'] == 'transformers':
            self.generate(batches)
        elif self.settings['rollout'] != 'none':
            self.push()
            # vLLM's own probabilities are held against those of the model that is trained.
            for batch in batches:
                batch['own'] = self.read_own(batch)
        if self.settings['reference-model']:
            for batch in batches:
                batch['reference'] = self.read_reference(answers.read_answers, batch, None)

    def compute_loss(self, batch):
        read = self.read_pairs if self.settings['reference-model'] else None
        return answers.compute_loss(self.run, self.engine.model, batch, self.settings, read)


def make_offload(device):
    return {'device': device, 'pin_memory': True}


def make_zero_options(settings):
    """The part zero_optimization of DeepSpeed's configuration."""
    if settings['zero-stage'] == 0:
        return {'stage': 0}

    options = {
        'stage': settings['zero-stage'],
        'reduce_bucket_size': settings['reduce-bucket-size'],
        'overlap_comm': settings['overlap-comm'],
        'contiguous_gradients': settings['contiguous-gradients'],
    }
    if settings['zero-stage'] == 3:
        options['stage3_prefetch_bucket_size'] = settings['stage3-prefetch-bucket-size']
        options['stage3_param_persistence_threshold'] = settings['stage3-param-persistence-threshold']
        options['stage3_max_live_parameters'] = settings['stage3-max-live-parameters']
        options['stage3_max_reuse_distance'] = settings['stage3-max-reuse-distance']
        options['sub_group_size'] = settings['sub-group-size']
        options['zero_hpz_partition_size'] = settings['zero-hpz-partition-size']
        options['zero_quantized_weights'] = settings['zero-quantized-weights']
        options['zero_quantized_gradients'] = settings['zero-quantized-gradients']
    if settings['parameter-offload'] != 'none':
        options['offload_param'] = make_offload(settings['parameter-offload'])
    if settings['optimizer-offload'] != 'none':
        options['offload_optimizer'] = make_offload(settings['optimizer-offload'])
    return options


def make_config(settings):
    """DeepSpeed's configuration."""
    config = {
        'train_micro_batch_size_per_gpu': settings['micro-batch-size'],
        'gradient_accumulation_steps': settings['gradient-accumulation-steps'],
        'gradient_clipping': 1.0 if settings['gradient-clipping'] else 0.0,
        'zero_optimization': make_zero_options(settings),
        'zero_allow_untested_optimizer': True,
        'zero_force_ds_cpu_optimizer': False,
        'steps_per_print': 1000000,
    }
    precision = settings['autocast'] if settings['autocast'] != 'none' else settings['dtype']
    if settings.get('gradient-dtype') == 'both':
        config['data_types'] = {'grad_accum_dtype': 'fp32'}
    if precision != 'float32':
        config['bf16' if precision == 'bfloat16' else 'fp16'] = {'enabled': True}
    return config


def share_sequences(model, settings):
    """Registers the attention of ranks that share sequences, as accelerate does (sp_backend deepspeed)."""
    import deepspeed  # pylint: disable=import-outside-toplevel
    from deepspeed.runtime.sequence_parallel.ulysses_sp import (  # pylint: disable=import-outside-toplevel
        UlyssesSPAttentionHF)

    deepspeed.init_distributed()
    return UlyssesSPAttentionHF.register_with_transformers(
        model_name_or_path=model, core_attn_implementation=model.config._attn_implementation,
        sequence_parallel_size=settings['context-parallel'], micro_batch_size=settings['micro-batch-size'],
        seq_length_is_variable=True)


def divide(inputs, n_ranks):
    """What UlyssesSPDataLoaderAdapter hands to the first rank of a sequence, with labels as the Trainer has them."""
    length = inputs['input_ids'].shape[1] // n_ranks
    batch = {key: value for key, value in inputs.items() if key == 'use_cache'}
    batch['input_ids'] = inputs['input_ids'][:, :length].clone()
    batch['position_ids'] = torch.arange(length, device='cuda').expand(batch['input_ids'].shape).clone()
    if 'attention_mask' in inputs:
        batch['attention_mask'] = inputs['attention_mask'][:, :length].clone()
    batch['labels'] = batch['shift_labels'] = inputs['labels'][:, 1:length + 1].clone()
    return batch


def weigh(loss, labels, n_ranks):
    """The mean over all ranks' tokens: deepspeed_sp_compute_loss of transformers/integrations/deepspeed.py."""
    from deepspeed.utils import groups  # pylint: disable=import-outside-toplevel

    group = groups._get_sequence_parallel_group()
    losses = torch.distributed.nn.functional.all_gather(loss, group=group)
    counts = torch.distributed.nn.functional.all_gather((labels != -100).view(-1).sum(), group=group)
    return sum(losses[rank] * counts[rank] for rank in range(n_ranks)) / sum(counts)


class Engine:
    """A model and its optimizer in DeepSpeed's engine."""

    def __init__(self, model, settings):
        import deepspeed  # pylint: disable=import-outside-toplevel

        options = {'mpu': share_sequences(model, settings)} if settings['context-parallel'] > 1 else {}
        optimizer = training.make_optimizer([p for p in model.parameters() if p.requires_grad], settings)
        self.model, *_others = deepspeed.initialize(model=model, optimizer=optimizer, config=make_config(settings),
                                                    **options)
        self.steps = settings['gradient-accumulation-steps']
        self.n_done = 0

    def accumulate(self):
        self.n_done += 1
        return contextlib.nullcontext()

    def backward(self, loss):
        self.model.backward(loss)
        if self.n_done % self.steps != 0:
            self.model.step()

    def step(self):
        self.model.step()

    def end(self):
        pass


def finish_step(engine, meter):
    meter.mark('end-backward')
    meter.enter('optimizer')
    engine.step()
    meter.enter(None)
    meter.mark('end-optimizer')
    engine.end()


def run_step_on_answers(engine, batches, settings, meter):
    step = Answers(engine, settings, meter)
    step.prepare(batches)
    for batch in batches:
        with engine.accumulate():
            meter.enter('forward')
            loss = step.compute_loss(batch)
            meter.mark('end-forward')
            meter.enter('backward-loss')
            with models.kernels(settings['attention']):
                engine.backward(loss)
            meter.enter(None)
            del loss
    finish_step(engine, meter)
    meter.mark('end')


def run_step(engine, batches, settings, meter):
    if 'algorithm' in settings:
        run_step_on_answers(engine, batches, settings, meter)
        return
    n_sharers = settings.get('context-parallel', 1)
    for inputs in batches:
        with engine.accumulate():
            meter.enter('forward')
            with models.kernels(settings['attention']):
                output = engine.model(**inputs)
            meter.mark('loss-computed')
            loss = output.loss
            if n_sharers > 1:
                loss = weigh(loss, inputs['shift_labels'], n_sharers)
            kept = output if settings['keep-outputs'] else None
            del output
            meter.mark('end-forward')
            meter.enter('backward-loss')
            with models.kernels(settings['attention']):
                engine.backward(loss)
            meter.enter(None)
            del loss
    finish_step(engine, meter)
    del kept
    meter.mark('end')


def count_tokens_of_expert(config, settings):
    """How many come to each, where the model's code asks for their number and all have as many."""
    n_chosen = settings['micro-batch-size'] * settings['sequence-length'] * config.num_experts_per_tok
    return n_chosen // config.num_local_experts


def measure(model, settings, meter):
    """Runs the steps, and leaves the last one's figures in the meter."""
    begin(settings)
    # Trainer.get_batch_samples brings all of a step's to the device.
    batches = [training.make_batch(model, settings) for _ in range(settings['gradient-accumulation-steps'])]
    if settings.get('context-parallel', 1) > 1:
        batches = [divide(inputs, settings['context-parallel']) for inputs in batches]
    counts = {'parameters': models.count(model), 'trainable': models.count(model, trainable=True)}
    make = Engine if settings['framework'] == 'deepspeed' else Accelerated
    if make is Engine:
        host_values.numbers['unknown'] = 0
    if getattr(model.config, 'num_local_experts', 0) and model.config.model_type.startswith('granitemoe'):
        host_values.numbers['unknown'] = count_tokens_of_expert(model.config, settings)
    engine = make(model, settings)
    if settings.get('tensor-parallel', 1) > 1:
        counts = {'parameters': models.count(model), 'trainable': models.count(model, trainable=True)}
    with training.phases_by_head(model, meter):
        for _ in range(N_STEPS):
            meter.restart()
            meter.mark('step-start')
            run_step(engine, batches, settings, meter)
    return counts
