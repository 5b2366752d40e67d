"""Thoughts and stops are taken out of a stream however it is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.protocols import ModelError
from models.streams import until_stop, without_thoughts


def cut(text: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(p % (len(text) + 1) for p in places), len(text)]
    return [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_a_thought_is_removed_with_the_space_after_it(places):
    text = "a<b <think>x </thin y\n</think>\n\nنعم <think></think>c</think"
    assert "".join(without_thoughts(cut(text, places))) == "a<b نعم c</think"


@given(st.text("<think>/ab\n"), st.lists(st.integers(0, 1000), max_size=12))
def test_how_the_stream_is_cut_does_not_matter(text, places):
    def shown(pieces):
        try:
            return "".join(without_thoughts(pieces))
        except ModelError:
            return None

    assert shown(cut(text, places)) == shown([text])
    assert shown(list(text)) == shown([text])


def test_a_thought_without_end_hides_the_rest():
    assert "".join(without_thoughts(["yes <th", "ink> no", " no"])) == "yes "


def test_a_thought_whose_beginning_was_shown_is_an_error():
    with pytest.raises(ModelError, match="thinks aloud"):
        list(without_thoughts(["thought </th", "ink> answer"]))


def test_text_without_marks_is_passed_on_piece_by_piece():
    pieces = ["قال", " وانغ", " يي <", "3"]
    assert list(without_thoughts(pieces)) == ["قال", " وانغ", " يي ", "<3"]


@given(
    st.text("ab\n#"),
    st.lists(st.text("ab\n#", min_size=1, max_size=3), max_size=3),
    st.lists(st.integers(0, 1000), max_size=12),
)
@example(text="#aa", stops=["a", "#aa"], places=[2])
def test_the_stream_ends_before_the_first_stop(text, stops, places):
    first = min((text.find(stop) for stop in stops if stop in text), default=len(text))
    assert "".join(until_stop(cut(text, places), stops)) == text[:first]


def test_nothing_more_is_asked_for_after_a_stop():
    def pieces():
        yield "a#"
        raise AssertionError("read on after the stop")

    assert list(until_stop(pieces(), ["#"])) == ["a"]


def test_an_empty_stop_string_stops_nothing():
    assert list(until_stop(["a", "b"], [""])) == ["a", "b"]
