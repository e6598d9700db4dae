#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Training a model on answers: the algorithm, the models beside it, and where answers come from, by keyboard alone."""

import sys
import tempfile

import cli
import configs
import tap
from journey import Application
from tabs import choose, open_tab

MODE = ('--mode', 'grpo')
PPO = ('--algorithm', 'ppo')


def total(path, *settings):
    return cli.estimate(path, *MODE, *settings)['total-bytes']


def an_algorithm_brings_its_own_settings():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        grpo, dpo, longer = (total(path, *settings) for settings in (
            (), ('--algorithm', 'dpo'), ('--completion-length', '1024')))
        assert len({grpo, dpo, longer}) == 3
        with Application(path) as app:
            open_tab(app, 'GRPO')
            app.wait_for_bytes(grpo, 'the total of GRPO')
            app.enter(app.translate('Completion length'), '1024')
            app.wait_for_bytes(longer, 'the total of longer answers')
            open_tab(app, 'GRPO')
            choose(app, 'Algorithm', 'DPO')
            app.wait_for_bytes(dpo, 'the total of DPO')
            assert app.look('spin button', app.translate('Completion length')) is None, 'a completion of DPO'
            assert app.look('spin button', app.translate('Sequence length')) is not None, 'no length of DPO'


def a_reward_model_of_another_size_is_named():
    with tempfile.TemporaryDirectory() as folder:
        path = configs.write_qwen(folder)
        ppo, other = total(path, *PPO), total(path, *PPO, '--reward-model-path', 'Qwen/Qwen2.5-1.5B')
        assert ppo != other
        with Application(path) as app:
            open_tab(app, 'GRPO')
            choose(app, 'Algorithm', 'PPO', first='DPO')
            app.wait_for_bytes(ppo, 'the total of PPO')
            app.tab_to('text', app.translate('Model of the rewards'))
            app.type('Qwen/Qwen2.5-1.5B')
            app.press('Return')
            app.wait_for_bytes(other, 'the total with another reward model')
            app.press('Control+a')
            app.type('no/such-model')
            app.press('Return')
            app.wait_for_match(lambda text: 'reward-model-path' in text, 'the reason why there is no estimate')


if __name__ == '__main__':
    sys.exit(tap.main(
        'ui',
        an_algorithm_brings_its_own_settings,
        a_reward_model_of_another_size_is_named,
    ))
