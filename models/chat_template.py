"""Messages to prompt parts, with the template's own words kept apart from the contents.

The template that comes with a model is rendered with placeholders where the contents belong.
What the template wrote may contain control tokens; what stands in a content is data and must be
tokenised as plain text, so the two never share a string.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import TemplateError
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from models.protocols import Message, ModelError

CHATML = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_PLACEHOLDER = re.compile(r"\[\[content-(\d+)\]\]")


@dataclass(frozen=True)
class PromptPart:
    """A stretch of a prompt. ``message`` is whose content it is; None: the template's words."""

    text: str
    message: int | None


class ChatTemplate:
    """The chat template of a model (Jinja), or ChatML where it has none or an unusable one."""

    def __init__(self, source: str | None, *, bos: str = "", eos: str = "") -> None:
        try:
            self._formatter = Jinja2ChatFormatter(
                template=source or CHATML, bos_token=bos, eos_token=eos
            )
        except TemplateError:
            self._formatter = Jinja2ChatFormatter(template=CHATML, bos_token=bos, eos_token=eos)

    def render(self, messages: Sequence[Message]) -> list[PromptPart]:
        """The parts of the prompt, in order, up to where the model is to speak.

        Thinking is switched off: through the template where it knows ``enable_thinking``, and by
        closing a thought that the template itself opened. Raises ModelError where the template
        cannot show these messages.
        """
        turns = [_Turn(m.role, (i,)) for i, m in enumerate(messages)]
        try:
            rendered = self._rendered(turns)
        except (TemplateError, ValueError) as error:
            # Gemma's template, among others, knows no system role and raises.
            turns = _without_system(turns)
            try:
                rendered = self._rendered(turns)
            except (TemplateError, ValueError):
                raise ModelError(f"the model's chat template refuses: {error}") from error
        parts = _split(rendered, turns, messages)
        if [p.message for p in parts if p.message is not None] != list(range(len(messages))):
            raise ModelError(
                "the model's chat template does not show every message once and in order; "
                "use a GGUF with another template"
            )
        return parts

    def _rendered(self, turns: Sequence[_Turn]) -> str:
        placeholders = [
            {"role": turn.role, "content": f"[[content-{i}]]"} for i, turn in enumerate(turns)
        ]
        prompt = self._formatter(messages=placeholders, enable_thinking=False).prompt
        opened, closed = prompt.rfind("<think>"), prompt.rfind("</think>")
        return prompt.rstrip() + "\n\n</think>\n\n" if opened > closed else prompt


@dataclass(frozen=True)
class _Turn:
    """A turn as the template sees it: the contents of one or more messages, by their indices."""

    role: str
    messages: tuple[int, ...]


def _without_system(turns: Sequence[_Turn]) -> list[_Turn]:
    """System turns put in front of the user's turn that follows them."""
    merged: list[_Turn] = []
    waiting: tuple[int, ...] = ()
    for turn in turns:
        if turn.role == "system":
            waiting += turn.messages
        elif turn.role == "user":
            merged.append(_Turn("user", waiting + turn.messages))
            waiting = ()
        else:
            merged.append(turn)
    return [*merged, _Turn("user", waiting)] if waiting else merged


def _split(rendered: str, turns: Sequence[_Turn], messages: Sequence[Message]) -> list[PromptPart]:
    parts, position = [], 0
    for match in _PLACEHOLDER.finditer(rendered):
        parts.append(PromptPart(rendered[position : match.start()], None))
        for place, index in enumerate(turns[int(match[1])].messages):
            if place:
                parts.append(PromptPart("\n\n", None))
            parts.append(PromptPart(messages[index].content, index))
        position = match.end()
    parts.append(PromptPart(rendered[position:], None))
    return [p for p in parts if p.text or p.message is not None]


def constant_parts(parts: Sequence[PromptPart], messages: int, constant: int) -> int:
    """How many leading parts depend only on the first ``constant`` of ``messages`` messages.

    The template's words between the last constant content and the first changing one count in:
    they follow from the roles alone, and cutting there never splits a stretch of the template.
    """
    if constant <= 0:
        return 0
    if constant >= messages:
        return len(parts)
    return next(i for i, part in enumerate(parts) if part.message == constant)
