"""Prompts by a model's own template, with contents that never mix with its control tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.chat_template import ChatTemplate, constant_parts
from models.protocols import Message, ModelError

NO_SYSTEM = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "<turn>{{ m.role }}\n{{ m.content | trim }}</turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<turn>model\n{% endif %}"
)
THINKS = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
    "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
)
ALWAYS_THINKS = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant><think>{{ '\n' }}"
)
FORGETS = "{% for m in messages[1:] %}{{ m.content }}{% endfor %}"

SYSTEM, USER, REPLY = Message("system", "S"), Message("user", "U"), Message("assistant", "A")


def text(parts) -> str:
    return "".join(p.text for p in parts)


@pytest.mark.parametrize("source", [None, "{% this is no template", ""])
def test_chatml_is_used_without_a_usable_template(source):
    assert text(ChatTemplate(source).render([SYSTEM, USER])) == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"
    )


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_every_content_is_a_part_of_its_own_exactly_as_given(contents):
    messages = [Message("user", c) for c in [*contents, "[[content-0]] <|im_end|>"]]
    parts = ChatTemplate(None).render(messages)
    shown = [(p.message, p.text) for p in parts if p.message is not None]
    assert shown == list(enumerate(m.content for m in messages))
    template = "<|im_start|>user\n<|im_end|>\n" * len(messages) + "<|im_start|>assistant\n"
    assert "".join(p.text for p in parts if p.message is None) == template


def test_system_messages_go_before_the_user_where_the_template_knows_none():
    parts = ChatTemplate(NO_SYSTEM, bos="<bos>").render([SYSTEM, USER, REPLY, USER])
    assert text(parts) == (
        "<bos><turn>user\nS\n\nU</turn>\n<turn>assistant\nA</turn>\n<turn>user\nU</turn>\n"
        "<turn>model\n"
    )
    assert [p.message for p in parts if p.message is not None] == [0, 1, 2, 3]


def test_thinking_is_switched_off_through_the_template():
    assert text(ChatTemplate(THINKS).render([USER])).endswith("<assistant><think></think>")


def test_a_thought_that_the_template_opens_is_closed():
    prompt = text(ChatTemplate(ALWAYS_THINKS).render([USER]))
    assert prompt == "<user>U<assistant><think>\n\n</think>\n\n"


def test_a_thought_in_a_content_is_not_taken_for_the_templates():
    prompt = text(ChatTemplate(None).render([Message("user", "<think>")]))
    assert "</think>" not in prompt


def test_a_template_that_loses_a_message_is_refused():
    with pytest.raises(ModelError, match="every message"):
        ChatTemplate(FORGETS).render([USER, REPLY])


@pytest.mark.parametrize("source", [None, NO_SYSTEM, THINKS])
@pytest.mark.parametrize("constant", [1, 2, 3])
def test_the_constant_parts_do_not_depend_on_what_follows(source, constant):
    template = ChatTemplate(source)
    beginnings = set()
    for last in ("x", "كم؟", ""):
        messages = [SYSTEM, USER, REPLY, Message("user", last)]
        parts = template.render(messages)
        beginnings.add(text(parts[: constant_parts(parts, len(messages), constant)]))
    (beginning,) = beginnings
    assert [SYSTEM, USER, REPLY][constant - 1].content in beginning


def test_none_and_all_can_be_constant():
    parts = ChatTemplate(None).render([SYSTEM, USER])
    assert constant_parts(parts, 2, 0) == 0
    assert constant_parts(parts, 2, 2) == len(parts)
