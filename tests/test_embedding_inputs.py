"""What every embedding backend does alike: prompts, flattening, batching."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.embedding_inputs import (
    TITLE_CHARACTERS,
    document_prompt,
    flatten,
    normalised,
    padded_length,
    plan_batches,
    turn_of,
)
from models.protocols import EmbedderIdentity, ModelError, PassageInput

IDENTITY = EmbedderIdentity("toy", "0" * 64, "query: ", "title: {title} | text: ", 4)


def test_a_document_prompt_carries_the_title_on_one_line():
    assert document_prompt(IDENTITY, "  خبر\n عاجل ") == "title: خبر عاجل | text: "
    assert document_prompt(IDENTITY, "{0} & {title}") == "title: {0} & {title} | text: "


@pytest.mark.parametrize("failure", [RuntimeError("bad allocation"), MemoryError("no room")])
def test_a_failure_while_a_model_runs_is_a_model_error_and_the_next_has_its_turn(failure):
    lock = threading.Lock()
    with pytest.raises(ModelError, match=f"toy failed while it ran: {failure}"):
        with turn_of(lock, IDENTITY):
            raise failure
    with turn_of(lock, IDENTITY):
        assert lock.locked()
    assert not lock.locked()


def test_no_title_reads_none():
    for title in (None, "", " \n"):
        assert document_prompt(IDENTITY, title) == "title: none | text: "


def test_a_long_title_is_cut_at_a_word():
    words = "عنوان " * 100
    shown = document_prompt(IDENTITY, words).removeprefix("title: ").removesuffix(" | text: ")
    assert len(shown) <= TITLE_CHARACTERS
    assert set(shown.split()) == {"عنوان"}
    assert len(document_prompt(IDENTITY, "x" * 900)) == len("title:  | text: ") + TITLE_CHARACTERS


def test_texts_are_the_passage_and_its_sentences_in_order():
    inputs = flatten([PassageInput("One. Two.", "T", ((0, 4), (5, 9)))], IDENTITY)
    assert inputs.texts == (
        "title: T | text: One. Two.",
        "title: T | text: One.",
        "title: T | text: Two.",
    )
    assert inputs.places == ((0, (1, 2)),)


def test_equal_texts_are_embedded_once():
    alone = PassageInput("Only one.", None, ((0, 9),))
    inputs = flatten([alone, alone, PassageInput("Only one.", "T", ())], IDENTITY)
    assert inputs.texts == ("title: none | text: Only one.", "title: T | text: Only one.")
    assert inputs.places == ((0, (0,)), (0, (0,)), (1, ()))


def test_vectors_return_to_their_passages():
    passages = [
        PassageInput("A. B.", None, ((0, 2), (3, 5))),
        PassageInput("B.", None, ((0, 2),)),
        PassageInput("C", None, ()),
    ]
    inputs = flatten(passages, IDENTITY)
    vectors = np.arange(len(inputs.texts) * 4, dtype=np.float32).reshape(-1, 4)
    assert inputs.sentences == {1, 2}
    prompt = len("title: none | text: ")
    assert inputs.prompts == (prompt,) * len(inputs.texts)
    tokens = {i: np.full((i, 1), i, np.uint8) for i in inputs.sentences}
    first, second, third = inputs.assemble(vectors, tokens)
    b = vectors[inputs.texts.index("title: none | text: B.")]
    assert np.array_equal(first.passage, vectors[0])
    assert np.array_equal(first.sentences[1], b)
    assert np.array_equal(second.passage, b) and np.array_equal(second.sentences, b[None])
    assert third.sentences.shape == (0, 4)
    assert first.tokens.counts.tolist() == [1, 2] and first.tokens.bits.tolist() == [[1], [2], [2]]
    assert second.tokens.counts.tolist() == [2] and second.tokens.bits.tolist() == [[2], [2]]
    assert third.tokens.counts.shape == (0,) and third.tokens.bits.shape == (0, 1)


def test_nothing_gives_nothing():
    inputs = flatten([], IDENTITY)
    assert inputs.texts == () and inputs.assemble(np.zeros((0, 4), np.float32), {}) == []


@given(
    lengths=st.lists(st.integers(1, 3000), max_size=80),
    padded_tokens=st.integers(1, 4096),
    texts=st.integers(1, 64),
)
def test_batches_hold_every_input_once_within_the_limits(lengths, padded_tokens, texts):
    batches = plan_batches(lengths, padded_tokens, texts)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        widths = {padded_length(lengths[i]) for i in batch}
        assert len(widths) == 1 and 1 <= len(batch) <= texts
        assert len(batch) * widths.pop() <= padded_tokens or len(batch) == 1


def test_equal_widths_share_a_batch_and_shorter_ones_come_first():
    assert plan_batches([90, 10, 96, 11, 200], padded_tokens=200, texts=8) == [[1, 3], [0, 2], [4]]


def test_padding_is_little_grows_with_the_length_and_ends_at_the_model_s_limit():
    widths = [padded_length(tokens) for tokens in range(1, 2049)]
    assert widths == sorted(widths)
    assert all(0 <= width - tokens < max(4, tokens / 7) for tokens, width in enumerate(widths, 1))
    assert widths[-1] == 2048 and len(set(widths)) < 100


def test_rows_are_scaled_to_length_one_and_zeros_stay():
    scaled = normalised(np.array([[3, 4], [0, 0]], dtype=np.float32))
    assert scaled.dtype == np.float32
    assert np.allclose(scaled, [[0.6, 0.8], [0, 0]])
