# SPDX-License-Identifier: GPL-3.0-or-later
"""Every figure of every mode says how it comes about: in symbols, in numbers that come to it, and by which source."""

import json
import math
import re
import sys

import tap
from cli.program import MODEL, run, succeed

# The first two with every job, the others with those that come first.
MODELS = ('Qwen/Qwen2.5-0.5B-Instruct', 'meta-llama/Llama-3.2-1B', 'openai-community/gpt2-medium', 'google-t5/t5-small',
          'mistralai/Mixtral-8x7B-v0.1', 'state-spaces/mamba-130m-hf', 'Qwen/Qwen2.5-VL-7B-Instruct')
N_WITH_ALL = 2
N_JOBS_OF_OTHERS = 4
H100 = ('--gpu', 'h100-sxm5-80gb')
JOBS = {
    'inference': [(), ('--batch-size', '4', '--attention-mask', 'padded', *H100),
                  ('--beams', '2', '--attention', 'eager'), ('--kv-cache-dtype', 'int4'), ('--gpus', '2', *H100)]
                 + [('--quantization', name) for name in (
                     'bnb-nf4', 'bnb-nf4-dq', 'bnb-int8', 'gptq-int4', 'gptq-int3', 'awq-int4', 'fp8', 'fp8-channel',
                     'fp8-tensor', 'mxfp8', 'mxfp4', 'nvfp4', 'hqq-int4', 'aqlm-int2', 'torchao-int4', 'q4_k_m',
                     'w8a8-int8', 'quanto-int4', 'bitnet', 'eetq-int8')],
    'training': [(), ('--gradient-checkpointing', 'full', *H100), ('--optimizer', 'adafactor'),
                 ('--framework', 'megatron-lm', '--precision-recipe', 'mixed-18'),
                 ('--framework', 'deepspeed', '--precision-recipe', 'mixed-16'), ('--fused-kernels', 'liger'),
                 ('--framework', 'torchtitan'), ('--gradient-accumulation-steps', '4', '--attention-mask', 'ones'),
                 ('--framework', 'transformers', '--fsdp', 'full-shard', '--gpus', '2', *H100),
                 ('--framework', 'megatron-lm', '--tensor-parallel', '2', '--pipeline-parallel', '2', '--gpus', '4',
                  *H100)],
    'fine-tuning': [('--fine-tuning-method', name) for name in (
        'full', 'freeze', 'lora', 'dora', 'vera', 'adalora', 'loha', 'lokr', 'ia3', 'houlsby', 'prompt', 'p-tuning',
        'prefix', 'bitfit')] + [('--fine-tuning-method', 'qlora', '--gradient-checkpointing', 'full')],
    'grpo': [('--algorithm', name) for name in ('sft', 'dpo', 'ipo', 'grpo', 'kto', 'orpo', 'simpo', 'reward',
                                                'online-dpo', 'ppo')]
            + [('--framework', 'trl'), ('--framework', 'verl', '--fine-tuning-method', 'full'),
               ('--framework', 'openrlhf', '--fine-tuning-method', 'full', '--precision-recipe', 'mixed-16'),
               ('--framework', 'colossalai', '--fine-tuning-method', 'full', '--algorithm', 'kto', '--gpus', '2',
                *H100)]
            + [('--fine-tuning-method', 'lora', '--rollout', 'transformers'), ('--rollout', 'vllm-colocated', *H100)],
    'multimodal': [('--images', '2'), ('--images', '2', '--task', 'fine-tuning')],
}

# What a formula may leave out, in bytes: each tensor is rounded up to 512 bytes.
ROUNDING = 400_000
# What else it may, as a share: the bits of a type of llama.cpp have four digits, and so has a state of an optimizer.
SHARE = 0.001


def evaluate(numbers):
    text = numbers.replace('·', '*').replace('−', '-').replace('²', '**2')
    return eval(re.sub('⌈(.*?)⌉', r'math.ceil(\1)', text), {'math': math})


def check_component(component, what):
    for key in ('formula', 'substitution', 'source', 'bytes'):
        assert component[key], (key, component['id'], what)
    value = evaluate(component['substitution'])
    least = 65_536 if component['id'] == 'inputs' else ROUNDING
    assert abs(value - component['bytes']) <= max(least, component['bytes'] * SHARE), (
        component['id'], component['formula'], component['substitution'], value, component['bytes'], what)


def check_result(result, what):
    components = [*result['components'], *((result['rule-of-thumb'] or {}).get('components') or ())]
    for component in components:
        check_component(component, what)
    parts = [part for phase in result['compute']['phases'] for part in phase['parts']]
    for part in parts:
        assert part['formula'] and part['source'], (part['id'], what)
        operations = evaluate(part['substitution'])
        assert operations == part.get('forward-flops', part['flops']), (part['id'], part['substitution'], what)
    return len(components) + len(parts)


def check_mode(mode):
    n_figures = 0
    n_jobs = dict.fromkeys(JOBS[mode], 0)
    for position, model in enumerate(MODELS):
        for settings in JOBS[mode] if position < N_WITH_ALL else JOBS[mode][:N_JOBS_OF_OTHERS]:
            process = run('estimate', model, '--mode', mode, *settings, '--format', 'json')
            # Not every model can be estimated with every setting; one that is refused says so.
            assert process.returncode in (0, 1, 2), (model, settings, process)
            if process.returncode == 2:
                assert process.stderr, (model, settings)
                continue
            n_figures += check_result(json.loads(process.stdout), (model, mode, settings))
            n_jobs[settings] += 1
    print(f'# {mode}: {n_figures} figures of {sum(n_jobs.values())} jobs')
    assert all(n_jobs.values()), n_jobs


def the_numbers_of_inference_come_to_its_figures():
    check_mode('inference')


def the_numbers_of_training_come_to_its_figures():
    check_mode('training')


def the_numbers_of_fine_tuning_come_to_its_figures():
    check_mode('fine-tuning')


def the_numbers_of_training_on_answers_come_to_its_figures():
    check_mode('grpo')


def the_numbers_of_images_come_to_their_figures():
    check_mode('multimodal')


def layers_of_a_framework_have_its_source():
    for framework, name in (('megatron-lm', 'megatron/core'), ('torchtitan', 'torchtitan/models'),
                            ('unsloth', 'unsloth/models'), ('pytorch', 'transformers/models')):
        method = 'lora' if framework == 'unsloth' else 'full'
        result = json.loads(succeed('estimate', 'meta-llama/Llama-3.2-1B', '--mode', 'fine-tuning', '--framework',
                                    framework, '--fine-tuning-method', method, '--micro-batch-size', '8', '--format',
                                    'json'))
        sources = {component['id']: component['source'] for component in result['components']}
        assert name in sources['activations'], (framework, sources)


def formulas_are_read_with_their_digits_in_groups():
    text = succeed('estimate', MODEL).decode('utf-8')
    assert '2 × 2,048 × 12,845,056 × 56' in text, text
    assert not re.search(r'\d,\d{1,2}(?!\d)', text.split('How the operations come about')[1].split('What was')[0])


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/formulas',
        the_numbers_of_inference_come_to_its_figures,
        the_numbers_of_training_come_to_its_figures,
        the_numbers_of_fine_tuning_come_to_its_figures,
        the_numbers_of_training_on_answers_come_to_its_figures,
        the_numbers_of_images_come_to_their_figures,
        layers_of_a_framework_have_its_source,
        formulas_are_read_with_their_digits_in_groups,
    ))
