# SPDX-License-Identifier: GPL-3.0-or-later
"""headroom-cli inspect and list."""

import csv
import io
import json
import os
import pathlib
import sys
import tempfile

import tap
from cli.program import CONFIG, MODEL, expect, fail, succeed, succeed_json


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


def inputs_are_counted_as_the_processor_does():
    name = 'Qwen/Qwen2.5-VL-7B-Instruct'
    result = succeed_json('inspect', name, '--inputs', 'image-640x480,video-10-2-640x480')
    assert result['schema'] == 'headroom-tokens/1'
    assert [item['tokens'] for item in result['inputs']] == [391, 3910], result
    expect(succeed('inspect', name, '--inputs', 'image-1024x1024').decode('utf-8'), '1,369', '(1036/28)')
    expect(fail('inspect', name, '--inputs', 'audio-3'), 'audio')
    expect(fail('inspect', name, '--inputs', 'image'), 'further-inputs', 'image-WIDTHxHEIGHT')
    expect(fail('inspect', name, '--inputs', 'image-9x9', '--format', 'html'), '--format', 'text, json', 'html')


def the_text_shows_parts_and_with_a_flag_tensors():
    text = succeed('inspect', MODEL).decode('utf-8')
    expect(text, MODEL, 'Attention', '7,615,616,512', 'num_key_value_heads', 'Qwen2ForCausalLM')
    assert 'model.layers.0' not in text
    text = succeed('inspect', MODEL, '--tensors').decode('utf-8')
    expect(text, 'model.layers.27.mlp.down_proj.weight', '[3584, 18944]', '67,895,296')


# config.json of Qwen3-8B and Qwen2.5-7B has 4,096 and 131,072, with use_sliding_window off.
def a_window_is_a_fact_where_a_layer_sees_one():
    for name in ('Qwen/Qwen3-8B', MODEL):
        assert 'sliding_window' not in succeed_json('inspect', name)['model']['hyper-parameters'], name
    for name, window in (('google/gemma-3-1b-it', 512), ('openai/gpt-oss-20b', 128), ('google/gemma-4-E2B-it', 512)):
        assert succeed_json('inspect', name)['model']['hyper-parameters']['sliding_window'] == window, name


def the_tables_of_a_model_add_up_to_its_parameters():
    for name in (MODEL, 'deepseek-ai/DeepSeek-V2-Lite', 'state-spaces/mamba-130m-hf'):
        result = succeed_json('inspect', name)
        total = result['model']['parameters']['total']
        rows = [row for row in result['expansion'] if row['depth'] == 0 and row['id'] != 'total']
        assert sum(row['parameters'] for row in rows) == total
        assert [row['parameters'] for row in result['expansion'] if row['id'] == 'total'] == [total]
        assert sum(row['bytes'] for row in result['parts'] if row['id'] != 'total') == result['load']['bytes']
        assert sum(tensor['bytes'] for tensor in result['tensors']) == result['load']['bytes']


def sizes_are_those_of_the_settings():
    result = succeed_json('inspect', MODEL, '--dtype', 'float32', '--batch-size', '3', '--prompt-length', '1000',
                          '--output-length', '24')
    assert result['load']['bytes'] == 4 * 7615616512
    assert [row['value'] for row in result['cache'] if row['id'] == 'total'] == [3 * 1024 * 2 * 57344]
    assert fail('inspect', MODEL, '--batch-size', '0') and fail('inspect', MODEL, '--no-such-option', '1')


def two_models_are_set_side_by_side():
    result = succeed_json('inspect', MODEL, '--compare', 'mistralai/Mixtral-8x7B-Instruct-v0.1')
    rows = {row['id']: row for row in result['comparison']}
    assert result['compared-with']['name'] == 'mistralai/Mixtral-8x7B-Instruct-v0.1'
    assert rows['parameters']['first'] == 7615616512 and rows['parameters']['second'] == 46702792704
    assert rows['parameters']['difference'] == 46702792704 - 7615616512
    assert rows['kv-cache-bytes-per-token']['second'] == 131072
    text = succeed('inspect', MODEL, '--compare', 'mistralai/Mixtral-8x7B-Instruct-v0.1').decode('utf-8')
    expect(text, 'Side by Side', '12,879,', '+39,087,176,192')
    assert 'Mixtral-9x9B' in fail('inspect', MODEL, '--compare', 'mistralai/Mixtral-9x9B')


def an_anatomy_is_a_table_markdown_and_a_page():
    rows = list(csv.DictReader(io.StringIO(succeed('inspect', MODEL, '--tensors', '--format', 'csv').decode('utf-8'))))
    assert len(rows) == 339 and sum(int(row['parameters']) for row in rows) == 7615616512
    assert rows[1]['shape'] == '[3584]' and rows[1]['bytes'] == '7168'
    rows = list(csv.DictReader(io.StringIO(succeed('inspect', MODEL, '--format', 'csv').decode('utf-8'))))
    figures = {(row['section'], row['id'], row['figure']): row['value'] for row in rows}
    assert figures['heads', 'mha', 'bytes-per-token'] == str(7 * 57344)
    assert figures['parts', 'attention', 'parameters'] == '822212608'
    expect(succeed('inspect', MODEL, '--format', 'markdown').decode('utf-8'), f'# {MODEL}', '| 28 × 3,584²')
    expect(succeed('inspect', MODEL, '--format', 'html').decode('utf-8'), '<!DOCTYPE html>', '233,057,792')
    assert 'pdf' in fail('inspect', MODEL, '--format', 'pdf')


def a_model_is_read_with_an_architecture_of_ones_own():
    with tempfile.TemporaryDirectory() as folder:
        config, architecture = pathlib.Path(folder, 'config.json'), pathlib.Path(folder, 'own.json')
        config.write_text(json.dumps({**CONFIG, 'model_type': 'zebra', 'architectures': ['ZebraForCausalLM']}),
                          encoding='utf-8')
        own = {'model-type': 'zebra', 'architectures': ['ZebraForCausalLM'], 'extends': '_decoder', 'source': 'a test',
               'values': {'qkv_bias': True}}
        architecture.write_text(json.dumps(own), encoding='utf-8')
        result = succeed_json('inspect', str(config), '--architecture', str(architecture))
        names = [tensor['name'] for tensor in result['tensors']]
        assert 'model.layers.0.self_attn.q_proj.bias' in names and not result['warnings'], result['warnings']
        architecture.write_text(json.dumps({**own, 'extends': '_nothing'}), encoding='utf-8')
        expect(fail('inspect', str(config), '--architecture', str(architecture)), 'own.json', 'extends')
        assert 'missing.json' in fail('inspect', str(config), '--architecture', folder + '/missing.json')


def every_list_is_text_and_json():
    for name in ('models', 'gpus', 'architectures', 'precisions', 'formats', 'engines', 'speeds', 'glossary'):
        rows = succeed_json('list', name)[name]
        text = succeed('list', name).decode('utf-8')
        assert rows, name
        ids = [row['id'] for row in rows]
        assert len(ids) == len(set(ids)), name
        # A glossary is read by its terms, which may be broken into lines.
        for row in rows:
            expect(' '.join(text.split()), row['id'] if name != 'glossary' else row['title'])
    assert len(succeed_json('list', 'glossary')['glossary']) > 100
    expect(succeed('list', 'glossary', language='zh_CN').decode(), '梯度检查点', '分组查询注意力')


def lists_know_what_they_list():
    models = {row['id']: row for row in succeed_json('list', 'models')['models']}
    assert models[MODEL]['parameters'] == 7615616512
    gpus = {row['id']: row for row in succeed_json('list', 'gpus')['gpus']}
    assert 23 * 1024**3 < gpus['rtx-4090']['memory-bytes'] <= 24 * 1024**3
    assert all(row['source'] for row in gpus.values())
    precisions = {row['id']: row for row in succeed_json('list', 'precisions')['precisions']}
    assert precisions['bfloat16']['bits'] == 16 and precisions['q4_k_m']['bits'] == 4.5
    assert all(row['bits'] and row['source'] for row in precisions.values() if row['kind'] == 'quantization')
    assert 'qwen2' in {row['id'] for row in succeed_json('list', 'architectures')['architectures']}
    formats = {row['id']: row for row in succeed_json('list', 'formats')['formats']}
    assert formats['fp32']['largest'] == 3.40282347e38
    assert formats['fp8-e4m3']['largest'] == 448 and formats['fp8-e4m3']['layout'] == '1 + 4 + 3 = 8'
    assert formats['fp32']['digits'] == 6 and formats['fp64']['digits'] == 15 and formats['int8']['digits'] is None
    assert formats['int8']['epsilon'] is None and formats['tf32']['bits'] == 32
    engines = [row['id'] for row in succeed_json('list', 'engines')['engines']]
    assert engines == ['transformers', 'llama.cpp', 'vllm', 'ollama', 'sglang', 'lmdeploy', 'tensorrt-llm', 'mlx',
                       'exllama']


def downloaded_models_are_listed_and_found_by_their_ids():
    with tempfile.TemporaryDirectory() as folder:
        for name in ('models--Some--Model', 'models--Qwen--Qwen2.5-7B-Instruct'):
            path = pathlib.Path(folder, 'hub', name, 'snapshots', 'abc')
            path.mkdir(parents=True)
            (path / 'config.json').write_text(json.dumps(CONFIG), encoding='utf-8')
        models = {row['id']: row for row in succeed_json('list', 'models', HF_HOME=folder)['models']}
        assert models['Some/Model']['local-path'].startswith(folder)
        assert models[MODEL]['local-path'].startswith(folder) and models[MODEL]['parameters'] == 7615616512
        assert models['Qwen/Qwen2.5-0.5B-Instruct']['local-path'] is None
        expect(succeed('list', 'models', HF_HOME=folder).decode('utf-8'), 'Some/Model', '✓')
        result = succeed_json('estimate', 'some/model', HF_HOME=folder)
        assert result['model']['name'] == 'Some/Model', result['model']
        # What the catalogue knows is taken from there.
        assert succeed_json('inspect', MODEL, HF_HOME=folder)['model']['parameters']['total'] == 7615616512
        assert 'Some/Other' in fail('estimate', 'Some/Other', HF_HOME=folder)


def a_quantized_matrix_lists_what_stands_for_it():
    config = {'model_type': 'llama', 'hidden_size': 512, 'intermediate_size': 1024, 'num_hidden_layers': 2,
              'num_attention_heads': 8, 'vocab_size': 1000, 'torch_dtype': 'float16',
              'quantization_config': {'quant_method': 'gptq', 'bits': 4, 'group_size': 128}}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'config.json')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(config, file)
        tensors = {row['name']: row for row in succeed_json('inspect', path)['tensors']}
    up = tensors['model.layers.1.mlp.up_proj.weight']
    assert up['dtype'] == 'gptq-int4' and up['shape'] == [1024, 512]
    assert [(piece['suffix'], piece['dtype'], piece['shape']) for piece in up['pieces']] == [
        ('.qweight', 'I32', [64, 1024]), ('.qzeros', 'I32', [4, 128]), ('.scales', 'F16', [4, 1024]),
        ('.g_idx', 'I32', [512])], up
    assert 'pieces' not in tensors['model.norm.weight'] and 'pieces' not in tensors['lm_head.weight']
    types = {row['name']: row['dtype'] for row in succeed_json('inspect', 'meta-llama/Llama-2-7b-hf', '--quantization',
                                                               'q4_k_m')['tensors']}
    assert types['model.layers.0.mlp.down_proj.weight'] == 'Q6_K', types['model.layers.0.mlp.down_proj.weight']
    assert types['model.layers.4.mlp.down_proj.weight'] == 'Q4_K' and types['lm_head.weight'] == 'Q6_K'
    assert types['model.norm.weight'] == 'F32'


def models_of_the_list_can_be_estimated():
    """Each is estimated in tests/model; here one of thirty is asked for by its id."""
    for row in succeed_json('list', 'models')['models'][::30]:
        # Of DeepSeek-V4 it is known what vLLM takes, and no other engine.
        engine = 'vllm' if 'DeepSeek-V4' in row['id'] else 'transformers'
        result = succeed_json('estimate', row['id'], '--engine', engine)
        assert result['model']['name'] == row['id']
        if row['parameters'] is not None:
            assert result['model']['parameters']['total'] == row['parameters'], row


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/inspect-and-list',
        the_tensors_of_a_model_add_up_to_its_parameters,
        a_tied_tensor_names_the_one_it_shares,
        inputs_are_counted_as_the_processor_does,
        the_text_shows_parts_and_with_a_flag_tensors,
        a_window_is_a_fact_where_a_layer_sees_one,
        the_tables_of_a_model_add_up_to_its_parameters,
        sizes_are_those_of_the_settings,
        two_models_are_set_side_by_side,
        an_anatomy_is_a_table_markdown_and_a_page,
        a_model_is_read_with_an_architecture_of_ones_own,
        a_quantized_matrix_lists_what_stands_for_it,
        every_list_is_text_and_json,
        lists_know_what_they_list,
        downloaded_models_are_listed_and_found_by_their_ids,
        models_of_the_list_can_be_estimated,
    ))
