# SPDX-License-Identifier: GPL-3.0-or-later
"""headroom-cli inspect and list."""

import sys

import tap
from cli.program import MODEL, expect, succeed, succeed_json


def the_tensors_of_a_model_add_up_to_its_parameters():
    for name, total in ((MODEL, 7615616512), ('Qwen/Qwen2.5-0.5B-Instruct', 494032768)):
        result = succeed_json('inspect', name)
        assert result['schema'] == 'headroom-model/1'
        parameters = result['model']['parameters']
        assert parameters['total'] == total
        parts = ('embedding', 'attention', 'mlp', 'norm', 'output', 'vision', 'other')
        assert sum(parameters[part] for part in parts) == total
        assert sum(tensor['parameters'] for tensor in result['tensors'] if tensor['tied-to'] is None) == total
        for tensor in result['tensors']:
            product = 1
            for size in tensor['shape']:
                product *= size
            assert product == tensor['parameters'], tensor
            assert tensor['dtype'] == 'bfloat16' or name != MODEL
        names = [tensor['name'] for tensor in result['tensors']]
        assert len(names) == len(set(names))
        assert 'model.layers.23.self_attn.k_proj.bias' in names


def a_tied_tensor_names_the_one_it_shares():
    result = succeed_json('inspect', 'Qwen/Qwen2.5-0.5B-Instruct')
    tied = {tensor['name']: tensor['tied-to'] for tensor in result['tensors'] if tensor['tied-to']}
    assert tied == {'lm_head.weight': 'model.embed_tokens.weight'}, tied


def the_text_shows_parts_and_with_a_flag_tensors():
    text = succeed('inspect', MODEL).decode('utf-8')
    expect(text, MODEL, 'Attention', '7,615,616,512', 'num_key_value_heads', 'Qwen2ForCausalLM')
    assert 'model.layers.0' not in text
    text = succeed('inspect', MODEL, '--tensors').decode('utf-8')
    expect(text, 'model.layers.27.mlp.down_proj.weight', '[3584, 18944]', '67,895,296')


def every_list_is_text_and_json():
    for name in ('models', 'gpus', 'architectures', 'precisions', 'engines'):
        rows = succeed_json('list', name)[name]
        text = succeed('list', name).decode('utf-8')
        assert rows, name
        ids = [row['id'] for row in rows]
        assert len(ids) == len(set(ids)), name
        for identifier in ids:
            expect(text, identifier)


def lists_know_what_they_list():
    models = {row['id']: row for row in succeed_json('list', 'models')['models']}
    assert models[MODEL]['parameters'] == 7615616512
    gpus = {row['id']: row for row in succeed_json('list', 'gpus')['gpus']}
    assert 23 * 1024**3 < gpus['rtx-4090']['memory-bytes'] <= 24 * 1024**3
    assert all(row['source'] for row in gpus.values())
    precisions = {row['id']: row for row in succeed_json('list', 'precisions')['precisions']}
    assert precisions['bfloat16']['bits'] == 16 and 'q4_k_m' in precisions
    assert 'qwen2' in {row['id'] for row in succeed_json('list', 'architectures')['architectures']}
    assert [row['id'] for row in succeed_json('list', 'engines')['engines']] == ['transformers']


def every_model_of_the_list_can_be_estimated():
    for row in succeed_json('list', 'models')['models']:
        result = succeed_json('estimate', row['id'])
        assert result['model']['name'] == row['id']
        if row['parameters'] is not None:
            assert result['model']['parameters']['total'] == row['parameters'], row


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/inspect-and-list',
        the_tensors_of_a_model_add_up_to_its_parameters,
        a_tied_tensor_names_the_one_it_shares,
        the_text_shows_parts_and_with_a_flag_tensors,
        every_list_is_text_and_json,
        lists_know_what_they_list,
        every_model_of_the_list_can_be_estimated,
    ))
