"""Words of an English sentence against the Arabic evidence."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fakes import FakeEmbedder
from models.protocols import TextTokens
from rag.alignment import COUNTERPART, unaligned
from rag.names import Glossary
from rag.verification import Claim, Verifier

ARABIC = {"flowers": "الورود", "players": "للاعبين", "gave": "قدم", "fans": "مشجعون"}
EVIDENCE = "قدم مشجعون الورود للاعبين"


class Bilingual(FakeEmbedder):
    """Two words are near if the table has them; all others are at right angles."""

    words = [*ARABIC.values()]

    def embed_query_tokens(self, text: str) -> TextTokens:
        found = list(re.finditer(r"[\w'-]+", text))
        vectors = np.zeros((len(found), 64), dtype=np.float32)
        for row, match in enumerate(found):
            word = ARABIC.get(match.group(), match.group())
            known = word in self.words
            vectors[row, self.words.index(word) if known else 63 - match.group().isascii()] = 1
        return TextTokens(vectors, tuple(match.span() for match in found))


@pytest.fixture(autouse=True)
def counterparts(monkeypatch) -> None:
    """As they are, since this embedder knows both languages."""
    monkeypatch.setattr("rag.alignment.COUNTERPART", COUNTERPART)


def apart(text: str, *evidence: str, known=frozenset()) -> list[str]:
    embedder = Bilingual()
    read = [embedder.embed_query_tokens(e).vectors for e in evidence]
    return unaligned(text, embedder.embed_query_tokens(text), read, known)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fans gave flowers", []),
        ("fans gave shirts", ["shirts"]),
        ("The fans of the Al-Ittihad gave 12 flowers to it", []),  # names, figures, small words
        ("fans' flowers would also have been gave", []),  # grammar
        ("pro-shirts, www.shirts", []),  # parts of words
        ("Shirts: red shirts", ["red", "shirts"]),
        ("", []),
    ],
)
def test_words_without_a_counterpart_are_found(text: str, words: list[str]) -> None:
    assert apart(text, EVIDENCE) == words


def test_a_word_may_have_its_counterpart_in_any_of_the_evidence() -> None:
    assert apart("fans gave flowers", "قدم مشجعون", "الورود") == []
    assert apart("fans gave flowers", "قدم مشجعون") == ["flowers"]
    assert apart("fans gave flowers") == ["fans", "gave", "flowers"]


def test_a_known_word_needs_none() -> None:
    assert apart("fans gave shirts", EVIDENCE, known={"shirt"}) == []


def test_the_tokens_of_a_word_count_together() -> None:
    near = np.eye(2, dtype=np.float32)
    tokens = TextTokens(near, ((0, 3), (3, 7)))
    assert unaligned("flowers", tokens, [near[:1]], set()) == []  # 1 and 0
    assert unaligned("flowers", tokens, [near[:1] * COUNTERPART], set()) == ["flowers"]


def test_words_behind_what_the_embedder_reads_are_left_out() -> None:
    tokens = TextTokens(np.eye(1, dtype=np.float32), ((0, 4),))
    told = [np.zeros((1, 1), dtype=np.float32)]
    assert unaligned("fans shirts", tokens, told, set()) == ["fans"]


def test_words_of_the_heading_count() -> None:
    verifier = Verifier(lambda: Bilingual(), Glossary())
    claim = Claim("قدم مشجعون", "الورود")
    assert verifier.check("Then fans gave flowers", [claim], same_language=False).missing == ()


def test_the_sentence_that_holds_all_of_the_rest_is_added() -> None:
    verifier = Verifier(lambda: Bilingual(), Glossary())
    claims = [Claim("قدم", ""), Claim("قدم مشجعون", ""), Claim("قدم مشجعون الورود", "")]
    said = "Then fans gave flowers"
    verdict = verifier.check(said, claims, same_language=False, hint=[0, 0])
    assert verdict.missing == () and 2 in verdict.evidence


def test_a_sentence_with_a_word_of_its_own_is_not_supported() -> None:
    verifier = Verifier(lambda: Bilingual(), Glossary())
    claims = [Claim(EVIDENCE, "")]
    said = "Some fans gave shirts."
    verdict = verifier.check(said, claims, same_language=False)
    assert not verdict.supported and verdict.missing == ("shirts",)
    asked = verifier.check(said, claims, same_language=False, question="Who gave shirts?")
    assert asked.missing == ()
