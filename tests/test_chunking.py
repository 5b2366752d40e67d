from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chunking import split_passages
from rag.sentences import split_sentences

SENTENCE = "وقالت المديرة إن العمل في المكتبة الجديدة سيبدأ قريبا بعون الجميع. "


def lengths(text: str, **options) -> list[int]:
    return [p.end - p.start for p in split_passages(text, **options)]


def test_a_text_that_fits_is_one_passage():
    text = SENTENCE * 17
    assert 1100 < len(text) <= 1200
    assert len(split_passages(text)) == 1


def test_no_text_has_no_passages():
    assert split_passages(" \n ") == []


@pytest.mark.parametrize("count", [19, 20, 25, 37, 52, 113])
def test_passages_are_balanced(count):
    found = lengths(SENTENCE * count)
    assert min(found) >= 550
    assert max(found) <= 1050


def test_breaks_prefer_the_end_of_a_paragraph():
    paragraph = (SENTENCE * 10).strip()
    text = "\n".join([paragraph] * 4)
    for passage in split_passages(text):
        assert passage.end == len(text) or text[passage.end] == "\n"


def test_a_long_sentence_is_cut_at_clauses():
    text = "قال الوزير إن الأمور تسير على ما يرام، " * 60
    passages = split_passages(text)
    assert all(p.end - p.start <= 1200 for p in passages)
    for passage in passages[:-1]:
        assert text[passage.end - 1] == "،"


def test_a_word_without_end_is_cut_anywhere():
    assert lengths("ا" * 3000) == [1000, 1000, 1000]


def test_a_maximum_below_one_is_refused():
    with pytest.raises(ValueError, match="max_chars"):
        split_passages("نص", max_chars=0)


_TEXTS = st.lists(
    st.sampled_from([SENTENCE, "نص. ", "\n", "\n\n", "ا" * 90, "، ", " ", "😀", "\u200f", "3.5 "]),
    max_size=60,
).map("".join)


@given(_TEXTS | st.text(max_size=200), st.integers(1, 400))
def test_passages_hold_every_sentence_once_in_order(text, max_chars):
    passages = split_passages(text, max_chars)
    pieces = [s for p in passages for s in p.sentences]
    for passage in passages:
        assert passage.end - passage.start <= max_chars
        assert passage.start == passage.sentences[0].start
        assert passage.end == passage.sentences[-1].end
    assert all(a.end <= b.start for a, b in zip(pieces, pieces[1:], strict=False))
    assert all(text[s.start : s.end].strip() == text[s.start : s.end] != "" for s in pieces)
    whole = {(s.start, s.end) for s in split_sentences(text) if s.end - s.start <= max_chars}
    assert whole <= {(s.start, s.end) for s in pieces}
    covered = {i for s in pieces for i in range(s.start, s.end)}
    assert all(text[i].isspace() for i in range(len(text)) if i not in covered)
