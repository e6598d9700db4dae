# SPDX-License-Identifier: GPL-3.0-or-later
"""headroom-cli help."""

import sys

import tap
from cli.program import expect, fail, succeed, succeed_json


def words_find_what_is_called_so():
    expect(succeed('help', 'multi-head', 'attention').decode('utf-8'), 'Multi-head attention (MHA)', 'Every query head')
    text = succeed('help', 'setting:batch-size').decode('utf-8')
    expect(text, 'Values:', 'Default:', 'batch-size')
    assert 'Micro-batch' not in text, text
    expect(fail('help', 'zebra'), '“zebra”')


def without_words_all_topics_are_listed():
    text = succeed('help').decode('utf-8')
    topics = succeed_json('help')['topics']
    assert len(topics) > 100, len(topics)
    for topic in topics:
        assert (topic['title'] if topic['id'].startswith('symbol:') else topic['id']) in text, topic['id']
        assert topic['text'], topic['id']


def a_key_finds_its_topic_alone_in_json():
    result = succeed_json('help', 'component:kv-cache')
    assert result['schema'] == 'headroom-help/1'
    assert [topic['id'] for topic in result['topics']] == ['component:kv-cache'], result
    assert result['topics'][0]['section'] == 'component', result
    symbol, = succeed_json('help', 'symbol:L_w')['topics']
    assert (symbol['section'], symbol['section-label']) == ('symbol', 'Symbols in Formulas'), symbol


def the_names_of_sections_are_the_same_in_every_language():
    topic, = succeed_json('help', 'guide:exact', language='zh_CN')['topics']
    assert topic['section'] == 'guide', topic
    assert topic['section-label'] != 'How It Works', topic


if __name__ == '__main__':
    sys.exit(tap.main(
        'cli/help',
        words_find_what_is_called_so,
        without_words_all_topics_are_listed,
        a_key_finds_its_topic_alone_in_json,
        the_names_of_sections_are_the_same_in_every_language,
    ))
