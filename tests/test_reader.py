"""The reader: what its logits mean, and that the shipped network computes what was trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from models.protocols import EmbedderIdentity, ModelError, PairStates
from models.reader import Reader, Reading, open_reader

SPANS = np.array([(-1, -1), (-1, -1), (0, 2), (2, 7), (7, 8), (9, 12), (12, 17), (-1, -1)])
#                  begin      question  "in"    " 1999"  "."     "Two"    " dogs"   end


def reading(**columns: dict[int, float]) -> Reading:
    logits = np.zeros((len(SPANS), 4), dtype=np.float32)
    for k, name in enumerate(("start", "end", "sentence", "answerable")):
        for token, value in columns.get(name, {}).items():
            logits[token, k] = value
    return Reading(logits, SPANS)


def test_the_whole_text_is_judged_at_the_begin_mark():
    assert reading(answerable={0: 1.5, 3: 9.0}).answerable == 1.5


def test_a_sentence_is_the_mean_of_its_tokens():
    read = reading(sentence={2: 3.0, 3: 0.0, 4: 3.0, 5: -1.0, 6: -3.0, 0: 99.0})
    assert read.sentence(0, 8) == pytest.approx(2.0)
    assert read.sentence(9, 17) == pytest.approx(-2.0)


def test_where_no_token_lies_nothing_answers():
    assert reading().sentence(100, 120) < -1e6
    assert reading().answer(100, 120) is None


def test_the_answer_is_the_best_run_of_tokens_within_the_limits():
    read = reading(start={3: 5.0, 5: 9.0}, end={3: 5.0, 6: 9.0, 4: 1.0})
    assert read.answer(0, 8)[:2] == (2, 7)
    assert read.answer(0, 17)[:2] == (9, 17)
    assert 0.5 < read.answer(0, 8)[2] < 1


def test_an_answer_does_not_end_before_it_starts():
    read = reading(start={4: 5.0, 2: 4.0}, end={2: 5.0, 4: 1.0})
    start, end, _ = read.answer(0, 8)
    assert start < end


def test_tokens_of_the_question_are_never_the_answer():
    read = reading(start={1: 50.0, 3: 1.0}, end={1: 50.0, 3: 1.0})
    assert read.answer(0, 17)[:2] == (2, 7)


@dataclass
class Together:
    """An embedder that gives the same states for every text."""

    states: np.ndarray
    identity: EmbedderIdentity = EmbedderIdentity("nobody", "0", "", "", 8)

    def read_together(self, pairs):
        return [PairStates(self.states, SPANS) for _ in pairs]


def test_what_is_written_computes_what_was_trained(tmp_path):
    torch = pytest.importorskip("torch")
    from benchmarks.reader import write
    from benchmarks.reader_head import ReaderHead, Reduction, Shipped

    torch.manual_seed(0)
    states = torch.randn(len(SPANS), 3, 8)
    reduction = Reduction.fit(torch.randn(200, 3, 8), 6)
    head = ReaderHead(6, inner=16, heads=2).eval()
    write(Shipped(head, reduction), 3, 8, tmp_path / "r.xml")
    read = Reader(Together(states.numpy()), tmp_path / "r.xml").read("?", ["in 1999."] * 2)
    with torch.inference_mode():
        marks = torch.from_numpy((SPANS[:, 1] > 0).astype(np.int64))[None]
        wanted = head(reduction(states)[None], marks)[0].numpy()
    assert len(read) == 2
    np.testing.assert_allclose(read[1].logits, wanted, atol=0.02)  # weights in half precision


def test_an_embedder_that_nothing_was_trained_for_has_no_reader():
    assert open_reader(Together(np.zeros((8, 3, 8), np.float32))) is None


def test_a_broken_reader_says_what_to_do(tmp_path):
    (tmp_path / "r.xml").write_text("no model")
    with pytest.raises(ModelError, match="Install Mustanad again"):
        Reader(Together(np.zeros((8, 3, 8), np.float32)), tmp_path / "r.xml")
