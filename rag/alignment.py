"""Which words of an English sentence have no counterpart in Arabic evidence.

Words of two languages that mean the same have vectors that are near in the embedder's states, so
that each can be held against the words of the other text without a dictionary (SimAlign, Jalili
Sabet et al. 2020). The vector of a whole sentence hardly changes when one word of it is wrong:
where an answer in XQuAD's sentences is replaced by another of the same paragraph, its cosine has an
AUROC of .75, the nearness of the answer's words one of .95, that of single words replaced at random
.97 (``python -m benchmarks.alignment``). Of right sentences, freely translated by people, one in
seven has a word without a counterpart all the same: then the article's own words are shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

import numpy as np

from models.protocols import TextTokens
from vectorstore.analysis import analyse

# Nearness, in the states of the one embedder of the catalogue, below which a word has no
# counterpart: so far are 1.6 % of the words of XQuAD's English sentences from the Arabic ones, and
# 58 % of the words put into their places at random.
COUNTERPART = 0.13
# Names and figures are looked for by their own rules; a word of two letters, or a part of a
# compound, has no vector to speak of.
_WORD = re.compile(r"(?<![\w'’.@-])[a-z]{3,}(?![\w'’@-]|\.\w)")
# Words that Arabic puts into the form of others, or leaves out.
_GRAMMAR = frozenset(
    "been being would could should shall will may might must can cannot also about such than very "
    "just even each any all both much many more most other another some there then them these "
    "those your our his her him she you they who whose whom because although though while until "
    "upon into onto over under not nor but yet too own same per via".split()
)


def unaligned(
    text: str, tokens: TextTokens, evidence: Sequence[np.ndarray], known: Set[str]
) -> list[str]:
    """The small-written words of ``text`` that come near to no token of the evidence.

    ``tokens``: of ``text``; ``evidence``: (t, d) token vectors of each text; ``known``: stems of
    words that need no counterpart.
    """
    return [
        match.group()
        for match, near in nearness(text, tokens, evidence)
        if near < COUNTERPART and not known & set(analyse(match.group()))
    ]


def nearness(
    text: str, tokens: TextTokens, evidence: Sequence[np.ndarray]
) -> list[tuple[re.Match[str], float]]:
    """The small-written words of ``text`` but those of grammar, each with the mean over its tokens
    of the cosine with the nearest token of the evidence; -1 without any. Words behind what the
    embedder reads of a text are left out."""
    near = np.full(len(tokens.spans), -1.0, dtype=np.float32)
    for vectors in evidence:
        if len(vectors) and len(near):
            near = np.maximum(near, (tokens.vectors @ vectors.T).max(axis=1))
    starts = np.array([start for start, _ in tokens.spans])
    ends = np.array([end for _, end in tokens.spans])
    found = []
    for match in words_of(text):
        own = near[(starts < match.end()) & (ends > match.start())]
        if len(own):
            found.append((match, float(own.mean())))
    return found


def words_of(text: str) -> list[re.Match[str]]:
    """The words that are held against the evidence."""
    words = _WORD.finditer(text)
    return [m for m in words if m.group() not in _GRAMMAR and analyse(m.group())]
