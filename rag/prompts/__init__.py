"""Prompts: a file a language, read once, turned into messages."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from models.protocols import Message


@dataclass(frozen=True)
class Prompt:
    """A system message, worked examples, and the template of the user's turn.

    ``constant`` messages (system and examples) are the same for every question, so that a model
    can keep their state.
    """

    system: str
    examples: tuple[tuple[str, str], ...]
    user: str

    @property
    def constant(self) -> int:
        return 1 + 2 * len(self.examples)

    @property
    def fixed(self) -> list[Message]:
        """The constant messages."""
        turns = [Message("system", self.system)]
        for user, assistant in self.examples:
            turns += [Message("user", user), Message("assistant", assistant)]
        return turns

    def messages(self, **fields: str) -> list[Message]:
        """System, examples, and the user's turn with its fields filled in."""
        return [*self.fixed, Message("user", self.user.format(**fields))]


@dataclass(frozen=True)
class AnswerPrompt(Prompt):
    """``short`` and ``long`` mark the two lines of the model's reply. Where the sentences do not
    tell, it begins with ``refusal``; other such beginnings of a short answer are in ``unstated``,
    no two with the same first token."""

    sentence: str
    short: str
    long: str
    unstated: tuple[str, ...]
    refusal: str

    def numbered(self, sentences: Sequence[tuple[str, str]]) -> str:
        """(source, quote) pairs as numbered lines."""
        return "\n".join(
            self.sentence.format(n=n, source=source, quote=" ".join(quote.split()))
            for n, (source, quote) in enumerate(sentences, start=1)
        )


def _examples(rows: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((row["user"], row["assistant"]) for row in rows)


@cache
def _file(language: str) -> dict:
    return tomllib.loads(files("rag.prompts").joinpath(f"{language}.toml").read_text("utf-8"))


@cache
def answer_prompt(language: str) -> AnswerPrompt:
    """The prompt for answering in "ar" or "en"."""
    data = _file(language)
    return AnswerPrompt(
        data["system"], _examples(data["examples"]), data["user"],
        data["sentence"], data["short"], data["long"], tuple(data["unstated"]), data["refusal"],
    )  # fmt: skip


@cache
def translation_prompt(*, answer: bool = False) -> Prompt:
    """The prompt for translating an Arabic sentence into English, or a few words of it that
    ``answer`` a question."""
    data = _file("en")["translate_answer" if answer else "translate"]
    return Prompt(data["system"], _examples(data["examples"]), data["user"])
