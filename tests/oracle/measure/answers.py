# SPDX-License-Identifier: GPL-3.0-or-later
"""Training on answers in a plain loop: the losses of TRL's trainers (git f2cd5771), over a model's logits."""

import torch
from torch.nn import functional

import models

TEMPERATURE = 0.9
CLIP = 0.2
BETA = 0.1


def is_pairs(settings):
    return settings['algorithm'] in ('dpo', 'reward')


def make_batch(model, settings):
    """Pairs of answers, the better ones first; or prompts with an answer each."""
    batch, vocabulary = settings['micro-batch-size'], model.config.get_text_config().vocab_size

    def ids(rows, length):
        return models.tokens(rows, length, vocabulary)

    def ones(rows, length):
        return torch.ones(rows, length, dtype=torch.long, device='cuda')

    if is_pairs(settings):
        length = settings['sequence-length']
        inputs = {'ids': ids(2 * batch, length), 'mask': ones(2 * batch, length)}
        if settings['algorithm'] == 'reward':
            return inputs
        inputs['answers'] = ones(2 * batch, length)
        if not settings['reference-model']:
            inputs['reference'] = [torch.zeros(batch, device='cuda') for _ in range(2)]
        return inputs
    prompt, completion = settings['prompt-length'], settings['completion-length']
    return {'prompt': ids(batch, prompt), 'prompt-mask': ones(batch, prompt), 'completion': ids(batch, completion),
            'completion-mask': ones(batch, completion), 'advantages': torch.randn(batch, device='cuda')}


def select_log_probabilities(logits, index):
    """selective_log_softmax: sequence by sequence in 16 bits, by a log-sum-exp in 32."""
    index = index.unsqueeze(-1)
    if logits.dtype == torch.float32:
        chosen = torch.gather(logits, dim=-1, index=index)
        sums = torch.stack([torch.logsumexp(row, dim=-1) for row in logits])
        return (chosen - sums.unsqueeze(-1)).squeeze(-1)
    rows = []
    for row, row_index in zip(logits, index, strict=True):
        log_softmax = functional.log_softmax(row, dim=-1)
        rows.append(log_softmax.gather(dim=-1, index=row_index))
    return torch.stack(rows).squeeze(-1)


def compute_entropies(logits):
    """entropy_from_logits: 128 tokens at once."""
    flat = logits.reshape(-1, logits.shape[-1])
    parts = []
    for chunk in flat.split(128, dim=0):
        log_softmax = functional.log_softmax(chunk, dim=-1)
        parts.append(-(torch.exp(log_softmax) * log_softmax).sum(-1))
    return torch.cat(parts, dim=0).reshape(logits.shape[:-1])


def read_completions(run, model, ids, mask, keep):
    """Logits of the answers, by the temperature."""
    arguments = {'input_ids': ids, 'attention_mask': mask, 'use_cache': False, 'logits_to_keep': keep + 1}
    logits = run(model, arguments).logits
    logits = logits[:, :-1, :]
    logits = logits[:, -keep:, :]
    logits.div_(TEMPERATURE)
    return logits


def grpo_loss(run, model, batch):
    """GRPOTrainer._compute_loss with beta 0 and one update for each generation."""
    ids = torch.cat([batch['prompt'], batch['completion']], dim=1)
    mask = torch.cat([batch['prompt-mask'], batch['completion-mask']], dim=1)
    answers, keep = batch['completion-mask'], batch['completion'].size(1)

    def read():
        logits = read_completions(run, model, ids, mask, keep)
        chosen = select_log_probabilities(logits, ids[:, -keep:])
        with torch.no_grad():
            entropies = compute_entropies(logits)
        return torch.cat([chosen], dim=0), torch.cat([entropies], dim=0)

    chosen, _entropies = read()
    ratio = torch.exp(chosen - chosen.detach())
    clipped = torch.clamp(ratio, 1 - CLIP, 1 + CLIP)
    advantages = batch['advantages'].unsqueeze(1)
    loss = -torch.min(ratio * advantages, clipped * advantages)
    return ((loss * answers).sum(-1) / answers.sum(-1).clamp(min=1.0)).mean()


def score_pairs(run, model, batch):
    """Logits of pairs of answers, and the log-probabilities of both."""
    logits = run(model, {'input_ids': batch['ids'], 'attention_mask': batch['mask'], 'use_cache': False}).logits
    shifted, labels, answers = logits[..., :-1, :], batch['ids'][..., 1:], batch['answers'][..., 1:]
    chosen = select_log_probabilities(shifted, labels)
    chosen[answers == 0] = 0.0
    return logits, chosen.sum(dim=1).chunk(2, dim=0)


def dpo_loss(run, model, batch, read=None):
    """DPOTrainer._compute_loss; @read has the reference model read the pairs, unless that was done before."""
    _logits, (better, worse) = score_pairs(run, model, batch)
    reference = batch['reference'] if read is None else read(batch)
    difference = (better - reference[0]) - (worse - reference[1])
    return -functional.logsigmoid(BETA * difference).mean()


def reward_loss(run, model, batch):
    """RewardTrainer.compute_loss: a number for each answer, of which that of the better one is to be larger."""
    scores = run(model, {'input_ids': batch['ids'], 'attention_mask': batch['mask'], 'use_cache': False}).logits
    chosen, rejected = torch.chunk(scores.squeeze(-1), chunks=2)
    return -functional.logsigmoid(chosen - rejected).mean()


def compute_loss(run, model, batch, settings, read=None):
    """@run calls the model as the settings say."""
    if settings['algorithm'] == 'reward':
        return reward_loss(run, model, batch)
    return dpo_loss(run, model, batch, read) if is_pairs(settings) else grpo_loss(run, model, batch)


def read_answers(run, model, batch):
    """The log-probabilities of answers without gradients: GRPOTrainer._get_per_token_logps_and_entropies."""
    ids = torch.cat([batch['prompt'], batch['completion']], dim=1)
    mask = torch.cat([batch['prompt-mask'], batch['completion-mask']], dim=1)
    keep = batch['completion'].size(1)
    return select_log_probabilities(read_completions(run, model, ids, mask, keep), ids[:, -keep:])


def join_prompts(batches):
    """The prompts of several micro-batches, and their masks."""
    return {key: torch.cat([batch[key] for batch in batches]) for key in ('prompt', 'prompt-mask')}


def generate(model, batch, settings):
    """The answers, by generate(); their values do not matter."""
    length = settings['completion-length']
    was_training = model.training
    model.eval()
    model.generation_config.eos_token_id = None
    with torch.no_grad():
        model.generate(input_ids=batch['prompt'], attention_mask=batch['prompt-mask'], do_sample=False,
                       max_new_tokens=length, use_cache=True)
    model.train(was_training)
