"""Words of the prompts' worked examples that a small model carries over into its answers.

Of a sentence with six figures it made "50,000 blood pressure monitors", which a worked example of a
translation has, and it set a battle in the town of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import cache
from itertools import pairwise

from rag.prompts import answer_prompt, translation_prompt
from vectorstore.analysis import analyse

_WORD = re.compile(r"[^\W\d_]+")


def leaked_pairs(text: str, held: Set[str]) -> list[str]:
    """Two content words in a row that the examples' answers have so as well, where ``held``, the
    stems of the evidence in the language of ``text``, has neither."""
    examples = {stems for answer in _answers() for stems, _ in _pairs(answer)}
    return [words for stems, words in _pairs(text) if stems in examples and not held & {*stems}]


def leaked_words(text: str, held: Set[str]) -> list[str]:
    """Single words of the examples, where ``held`` does not have them."""
    return [word for word in _WORD.findall(text) if {*analyse(word)} & _example_stems() - held]


@cache
def _answers() -> tuple[str, ...]:
    prompts = (
        *(answer_prompt(language) for language in ("ar", "en")),
        *(translation_prompt(answer=answer) for answer in (False, True)),
    )
    return tuple(answer for prompt in prompts for _, answer in prompt.examples)


@cache
def _example_stems() -> frozenset[str]:
    return frozenset(stem for answer in _answers() for stem in analyse(answer))


def _pairs(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Stems of two content words of one line that follow each other, with the words."""
    for line in text.splitlines():
        words = [(tuple(analyse(word)), word) for word in _WORD.findall(line)]
        for (first, one), (second, two) in pairwise(words):
            if len(first) == len(second) == 1:
                yield (first[0], second[0]), f"{one} {two}"
