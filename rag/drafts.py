"""What a language model wrote, taken apart: its short answer and its sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.prompts import AnswerPrompt
from rag.sentences import split_sentences

CITED = re.compile(r"\s*\[(\d+)\]")
_PRONOUNS = frozenset("this that these those he she it they him her them".split())


@dataclass(frozen=True)
class Draft:
    """What the model wrote: its short answer and its sentences."""

    short: str
    sentences: tuple[str, ...]


def parse_draft(written: str, prompt: AnswerPrompt) -> Draft:
    """The marked lines of a reply; of one without marks, the first line is the answer.

    What follows is dropped: a small model goes on with a question of its own.
    """
    short, lines = "", []
    for line in map(str.strip, written.splitlines()):
        if line.startswith(prompt.short):
            short = CITED.sub("", line.removeprefix(prompt.short)).strip().rstrip(".")
        elif line.startswith(prompt.long) or (line and not lines):
            lines.append(line.removeprefix(prompt.long).strip())
    text = "\n".join(lines)
    short = "" if short.lower() in _PRONOUNS else short
    return Draft(short, tuple(text[s.start : s.end] for s in split_sentences(text)))
