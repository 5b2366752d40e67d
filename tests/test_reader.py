"""The head that finds the answering words: its arithmetic, its spans, and which model it is for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.reader import (
    Head,
    head_without,
    held_out,
    measured,
    read_heads,
    train,
    widened,
    write_heads,
)
from benchmarks.reading_examples import Example, fold_of
from fakes import DIMENSION, FakeEmbedder
from models.embedding_inputs import own_ends, own_spans
from models.protocols import TokenStates
from rag.reader import (
    TOGETHER,
    Reader,
    Reading,
    beside,
    load_reader,
    states_of,
    tokens_of,
)

SENTENCE = "قال رامي (المدير) إن الجسر، وطوله 340 مترا، افتتح يوم الأحد."


def words_of(text: str) -> tuple[int, ...]:
    """A token a word with the space before it: where each ends."""
    spaces = [i for i, letter in enumerate(text) if letter == " "] + [len(text)]
    return tuple(len(text[:i].encode()) for i in spaces)


def random_reader(width: int = 8) -> tuple[Head, Reader]:
    torch.manual_seed(1)
    head = Head(width).eval()
    mean, deviation = np.full(width, 0.5, np.float32), np.full(width, 2.0, np.float32)
    return head, Reader(head.weights(mean, deviation))


def reading(starts: dict[int, float], ends: dict[int, float]) -> Reading:
    """Of SENTENCE, with a token a word."""
    n = len(SENTENCE.split())
    ends_of = words_of(SENTENCE)
    head, reader = random_reader()
    plain = reader.reading(SENTENCE, TokenStates(np.zeros((n, 8), np.float32), ends_of))
    log = lambda chosen: np.array([chosen.get(i, -9.0) for i in range(n)], np.float32)  # noqa: E731
    return Reading(log(starts), log(ends), np.zeros(n), 0.0, plain.words, plain.tokens)


def test_it_computes_what_was_trained():
    head, reader = random_reader()
    n = len(SENTENCE.split())
    states = np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)
    found = reader.reading(SENTENCE, TokenStates(states, words_of(SENTENCE)))
    with torch.no_grad():
        tokens, answers = head(torch.from_numpy((states - 0.5) / 2)[None], torch.tensor([n]))
    begins, ends = torch.log_softmax(tokens[0, :, :2], dim=0).T.numpy()
    # The weights are kept in half precision.
    assert found.starts == pytest.approx(begins, abs=0.01)
    assert found.ends == pytest.approx(ends, abs=0.01)
    assert found.inside == pytest.approx(tokens[0, :, 2].numpy(), abs=0.01)
    assert found.answers == pytest.approx(float(answers[0]), abs=0.01)


def test_heads_are_averaged():
    random = np.random.default_rng(0)
    weights = [Head(8).weights(np.full(8, m, np.float32), np.ones(8, np.float32)) for m in (0, 1)]
    states = TokenStates(
        random.normal(size=(len(SENTENCE.split()), 8)).astype(np.float32), words_of(SENTENCE)
    )
    alone = [Reader(w).reading(SENTENCE, states) for w in weights]
    both = {name: np.concatenate([w[name] for w in weights]) for name in weights[0]}
    together = Reader(both).reading(SENTENCE, states)
    for part in ("starts", "ends", "inside", "answers"):
        mean = np.mean([getattr(reading, part) for reading in alone], axis=0)
        if part in ("starts", "ends"):  # probabilities
            mean = mean - np.logaddexp.reduce(mean)
        assert getattr(together, part) == pytest.approx(mean, abs=1e-4)


def test_padding_changes_nothing():
    head, _ = random_reader()
    rows = torch.randn(2, 7, 8)
    with torch.no_grad():
        both, answers = head(rows, torch.tensor([7, 4]))
        alone, answer = head(rows[1:, :4], torch.tensor([4]))
    assert torch.allclose(both[1, :4], alone[0], atol=1e-5)
    assert torch.allclose(answers[1], answer[0], atol=1e-5)


def test_training_finds_the_words_and_the_sentences_that_answer(monkeypatch):
    monkeypatch.setattr("benchmarks.reader.EPOCHS", 40)
    random = np.random.default_rng(0)
    examples, states = [], []
    for i in range(48):
        words = [f"كلمة{j}" for j in range(10)]
        holds, place = i % 2 == 0, int(random.integers(0, 9))
        answer = (" ".join(words[place : place + 2]),) if holds else ()
        sentence = " ".join(words)
        examples.append(Example("س", sentence, "ar", "x", str(i), i % 5, holds, answer))
        found = random.normal(size=(10, 8)).astype(np.float32)
        if holds:  # what answers is told by two of the numbers
            found[place, 0] += 6
            found[place + 1, 1] += 6
        states.append(TokenStates(found, words_of(sentence)))
    reader = Reader(train(examples, states))
    readings = [reader.reading(e.sentence, s) for e, s in zip(examples, states, strict=True)]
    right = [r.best() == e.span for e, r in zip(examples, readings, strict=True) if e.holds]
    told = [(r.answers > 0) == e.holds for e, r in zip(examples, readings, strict=True)]
    assert np.mean(right) > 0.9 and np.mean(told) > 0.9


@pytest.mark.parametrize("rate", [0.0, 1e-2])
def test_a_head_is_trained_further_from_where_it_is(rate, monkeypatch):
    monkeypatch.setattr("benchmarks.reader.RATE", rate)
    head, _ = random_reader()
    start = head.weights(np.full(8, 0.5, dtype=np.float32), np.full(8, 2.0, dtype=np.float32))
    examples = [
        Example("س", SENTENCE, "ar", "x", str(i), 0, i % 2 == 0, ("رامي",)) for i in range(4)
    ]
    states = TokenStates(np.ones((len(SENTENCE.split()), 8), np.float32), words_of(SENTENCE))
    further = train(examples, [states] * 4, start)
    same = {name: (further[name] == w).all() for name, w in start.items()}
    assert same.pop("mean") and same.pop("deviation")
    assert all(same.values()) if rate == 0.0 else not same["project"]


def test_what_is_held_out_is_read_by_a_head_that_was_not_trained_on_it(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.reader.EPOCHS", 1)
    articles = [f"article {i}" for i in range(12)]
    random = np.random.default_rng(0)
    examples = [
        Example("س", SENTENCE, "ar", "x", str(i), fold_of(article), i % 2 == 0, ("رامي",))
        for i, article in enumerate(articles)
    ]
    n = len(SENTENCE.split())
    states = [
        TokenStates(random.normal(size=(n, 8)).astype(np.float32), words_of(SENTENCE))
        for _ in articles
    ]
    trained = []

    def spy(examples, *given):
        trained.append({e.question_id for e in examples})
        return train(examples, *given)

    monkeypatch.setattr("benchmarks.reader.train", spy)
    heads = held_out(examples, states)
    further = held_out(examples, states, heads)
    rows = measured(examples, states, [*heads, *further])
    found = {e.question_id: odds for e, odds, _ in rows}
    write_heads([*heads, *further], tmp_path / "reader.npz")
    again = read_heads(tmp_path / "reader.npz")
    assert len(again) == 6 and (again[4]["mean"] == further[1]["mean"]).all()
    with np.load(tmp_path / "reader.npz") as weights:
        together = Reader(dict(weights))
    for i, (article, state) in enumerate(zip(articles, states, strict=True)):
        for of_the_fold in (trained[fold_of(article)], trained[3 + fold_of(article)]):
            assert str(i) not in of_the_fold and len(of_the_fold) > 1
        alone = head_without(together, article).reading(SENTENCE, state)
        assert alone.answers == pytest.approx(found[str(i)], abs=0.01)


def test_the_best_words_come_without_the_punctuation_around_them():
    start, end = reading({6: 0.0}, {7: 0.0}).best()
    assert SENTENCE[start:end] == "340 مترا"
    start, end = reading({2: 0.0}, {2: 0.0}).best()
    assert SENTENCE[start:end] == "المدير"
    start, end = reading({9: 0.0}, {10: 0.0}).best()
    assert SENTENCE[start:end] == "يوم الأحد"


def test_an_end_before_the_beginning_is_none():
    start, end = reading({7: 0.0, 1: -3.0}, {1: 0.0}).best()
    assert SENTENCE[start:end] == "رامي"


def test_words_can_be_scored():
    found = reading({6: 0.0}, {7: 0.0})
    place = SENTENCE.index("340")
    assert found.score_of(place, place + 8) > found.score_of(place, place + 3) + 5
    assert found.score_of(0, 3) < found.score_of(place, place + 8)
    assert found.score_of(len(SENTENCE), len(SENTENCE)) is None


def test_a_sentence_without_words_has_no_best():
    _, reader = random_reader()
    assert reader.reading("؟", TokenStates(np.zeros((1, 8), np.float32), (2,))).best() is None


def test_tokens_that_split_words_and_letters():
    # «رامي» is 8 bytes; tokens end inside its second letter and behind its last.
    assert tokens_of(4, 8, "قال رامي", (7, 10, 15)) == (1, 2)
    assert tokens_of(0, 3, "قال رامي", (7, 10, 15)) == (0, 0)


def test_another_model_s_states_stand_beside_the_tokens_that_they_touch():
    states = TokenStates(np.array([[1.0], [2.0], [3.0]], np.float32), (7, 10, 15))
    others = TokenStates(np.array([[10.0], [20.0], [60.0], [80.0]], np.float32), (3, 9, 12, 15))
    found = beside(states, others)
    assert found.ends == states.ends
    # Bytes 0-7 touch the first two, 7-10 the second and the third, 10-15 the last two.
    assert found.states.tolist() == [[1.0, 15.0], [2.0, 40.0], [3.0, 70.0]]
    assert beside(others, states).states[:, 1].tolist() == [1.0, 1.5, 2.5, 3.0]
    cut = TokenStates(others.states[:2], others.ends[:2])
    assert beside(states, cut).states[:, 1].tolist() == [15.0, 20.0, 20.0]
    none = TokenStates(np.zeros((0, 1), np.float32), ())
    assert beside(states, none).states.tolist() == [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]


def test_both_models_read_the_sentence_with_the_question():
    asked = []

    class Model:
        def token_states(self, text, **given):
            asked.append((text, given))
            return TokenStates(np.ones((2, 3), np.float32), (3, len(text.encode())))

    embedder = FakeEmbedder()
    found = states_of(Model(), embedder, "من؟", "قال رامي")
    assert found.ends == (3, 15) and found.states.shape == (2, 3 + DIMENSION)
    ((text, given),) = asked
    assert text == "قال رامي" and "من؟" in given["before"] and text in given["before"]
    alone = embedder.token_states("قال رامي", before=TOGETHER.format(question="من؟")).states
    assert np.allclose(found.states[:, 3:], [alone[0], alone.mean(axis=0)])


def test_tokens_end_in_bytes():
    # The first begins in the prompt; «رامي» has eight bytes.
    assert own_ends("رامي go", own_spans([(3, 9), (9, 12)], 5)) == (8, 11)


def test_a_head_that_is_widened_finds_what_it_found():
    head, reader = random_reader()
    weights = head.weights(np.full(8, 0.5, np.float32), np.full(8, 2.0, np.float32))
    n = len(SENTENCE.split())
    states = np.random.default_rng(0).normal(size=(n, 11)).astype(np.float32)
    wide = TokenStates(states, words_of(SENTENCE))
    found = Reader(widened(weights, [wide])).reading(SENTENCE, wide)
    before = reader.reading(SENTENCE, TokenStates(states[:, :8], words_of(SENTENCE)))
    assert found.answers == pytest.approx(before.answers, abs=1e-5)
    assert found.starts == pytest.approx(before.starts, abs=1e-5)
    assert widened(weights, [TokenStates(states[:, :8], wide.ends)]) is weights


def test_there_is_none_for_a_model_that_none_was_trained_for():
    assert load_reader("http://127.0.0.1:1/v1", "embeddinggemma-300m") is None
    assert load_reader("qwen2.5-coder-1.5b-instruct", "another") is None
    assert load_reader("../decision", "") is None


def test_the_one_for_the_default_models_fits_them():
    reader = load_reader("qwen2.5-coder-1.5b-instruct", "embeddinggemma-300m")
    n = len(SENTENCE.split())
    found = reader.reading(
        SENTENCE, TokenStates(np.zeros((n, 1536 + 768), np.float32), words_of(SENTENCE))
    )
    assert np.isfinite(found.answers) and np.exp(found.starts).sum() == pytest.approx(1, abs=1e-3)
