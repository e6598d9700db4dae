# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of TRL's own trainers, where the package is there; the third one is measured, as a whole."""

import random
import tempfile

import datasets
import tokenizers
import transformers
import trl

N_STEPS = 3
WORDS = 1000
LOSSES = {'cross-entropy': 'nll', 'chunked-nll': 'chunked_nll'}


def make_tokenizer():
    """One token for each word."""
    vocabulary = {f'w{i}': i for i in range(WORDS)}
    vocabulary.update({'<pad>': WORDS, '<eos>': WORDS + 1})
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token='w0'))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token='<pad>', eos_token='<eos>')


def make_words(count):
    return ' '.join(f'w{random.randrange(WORDS)}' for _ in range(count))


def make_ids(count):
    return [random.randrange(WORDS) for _ in range(count)]


class Watch(transformers.TrainerCallback):
    """Enters phases as the trainer comes to them; each step begins anew."""

    def __init__(self, meter):
        self.meter = meter

    def on_step_begin(self, *_arguments, **_options):
        self.meter.restart()
        self.meter.mark('step-start')
        self.meter.enter('step')

    def on_pre_optimizer_step(self, *_arguments, **_options):
        self.meter.enter('optimizer')

    def on_step_end(self, *_arguments, **_options):
        self.meter.enter(None)
        self.meter.mark('end')


def make_options(settings, folder):
    """What all of TRL's trainers are told."""
    options = {
        'output_dir': folder, 'max_steps': N_STEPS, 'report_to': [], 'save_strategy': 'no', 'logging_steps': 1,
        'per_device_train_batch_size': settings['micro-batch-size'],
        'gradient_accumulation_steps': settings['gradient-accumulation-steps'],
        'bf16': settings['autocast'] == 'bfloat16', 'fp16': settings['autocast'] == 'float16',
        'gradient_checkpointing': settings['gradient-checkpointing'] == 'full',
        'gradient_checkpointing_kwargs': {'use_reentrant': settings['reentrant-checkpointing']},
        'max_grad_norm': 1.0 if settings['gradient-clipping'] else 0.0,
        'optim': 'adamw_torch_fused' if settings['optimizer-implementation'] == 'fused' else 'adamw_torch',
        'use_liger_kernel': settings.get('fused-kernels') == 'liger', 'learning_rate': 1e-5,
    }
    return options


def make_adapters(settings):
    if settings['fine-tuning-method'] != 'lora':
        return None
    import adapters  # pylint: disable=import-outside-toplevel

    return adapters.CONFIGS['lora'](settings)


def make_rows(settings, make_row):
    return datasets.Dataset.from_list([make_row() for _ in range(8 * settings['micro-batch-size'] * N_STEPS)])


def make_sft_trainer(model, settings, options):
    rows = make_rows(settings, lambda: {'input_ids': make_ids(settings['sequence-length'])})
    config = trl.SFTConfig(max_length=settings['sequence-length'], loss_type=LOSSES[settings['loss-implementation']],
                           **options)
    return trl.SFTTrainer(model=model, args=config, train_dataset=rows, processing_class=make_tokenizer(),
                          peft_config=make_adapters(settings))


def make_dpo_trainer(model, settings, options):
    half = settings['sequence-length'] // 2

    def make_row():
        better, worse = make_words(half - 1), make_words(half - 1)
        return {'prompt': make_words(half), 'chosen': f' {better}', 'rejected': f' {worse}'}

    config = trl.DPOConfig(max_length=settings['sequence-length'],
                           precompute_ref_log_probs=not settings['reference-model'], **options)
    return trl.DPOTrainer(model=model, args=config, train_dataset=make_rows(settings, make_row),
                          processing_class=make_tokenizer(), peft_config=make_adapters(settings))


def make_grpo_trainer(model, settings, options):
    length = settings['completion-length']
    config = trl.GRPOConfig(num_generations=settings['num-generations'], max_completion_length=length,
                            beta=0.04 if settings['reference-model'] else 0.0,
                            generation_kwargs={'min_new_tokens': length}, **options)
    return trl.GRPOTrainer(model=model, args=config, processing_class=make_tokenizer(),
                           train_dataset=make_rows(settings, lambda: {'prompt': make_words(settings['prompt-length'])}),
                           reward_funcs=lambda completions, **_options: [random.random() for _ in completions],
                           peft_config=make_adapters(settings))


def save_for_reference(model, settings, folder):
    """A model that is trained whole is read a second time, from where it says that it is from."""
    if settings['fine-tuning-method'] == 'full' and settings['reference-model']:
        model.save_pretrained(folder)
        model.config._name_or_path = folder  # pylint: disable=protected-access


MAKERS = {'sft': make_sft_trainer, 'dpo': make_dpo_trainer, 'grpo': make_grpo_trainer}


def measure(model, settings, meter):
    """Trains, and notes the shape of what the model reads in the step that is measured."""
    shapes = []
    with tempfile.TemporaryDirectory() as folder:
        save_for_reference(model, settings, folder)
        make = MAKERS[settings['algorithm']]
        trainer = make(model, settings, make_options(settings, folder))
        trainer.add_callback(Watch(meter))
        hook = trainer.model.get_input_embeddings().register_forward_hook(
            lambda _module, arguments, _output: shapes.append(list(arguments[0].shape)))
        try:
            trainer.train()
        finally:
            hook.remove()
    meter.levels['last-batch'] = shapes[-1]
