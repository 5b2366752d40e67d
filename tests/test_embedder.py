"""Choosing a backend; with the real weights, the accelerated one against the reference."""

from __future__ import annotations

import itertools
import logging
import time
from pathlib import Path

import numpy as np
import pytest

from models import embedder as opening
from models.catalogue import get_spec
from models.embedder import open_embedder
from models.embedding_inputs import normalised
from models.protocols import EmbedderIdentity, ModelError, PassageInput
from models.token_vectors import nearest

IDENTITY = EmbedderIdentity("toy", "0" * 64, "query: ", "title: {title} | text: ", 4)


class Opened(Exception):
    """Raised instead of loading weights: which backend was chosen, and with what."""


@pytest.fixture
def choices(monkeypatch):
    """Backends that only say that they were chosen."""
    import models.openvino_embedder
    import models.torch_embedder

    def choose(name):
        def choice(folder, identity, *rest):
            raise Opened(name, *rest)

        return choice

    monkeypatch.setattr(models.openvino_embedder, "open_openvino", choose("openvino"))
    monkeypatch.setattr(models.torch_embedder, "TorchEmbedder", choose("torch"))
    monkeypatch.setattr(opening, "accelerator", lambda: None)
    monkeypatch.setattr(opening, "missing_ability", lambda: None)
    return monkeypatch


def chosen(**options) -> tuple:
    with pytest.raises(Opened) as opened:
        open_embedder(Path("nowhere"), IDENTITY, **options)
    return opened.value.args


def test_a_processor_alone_means_openvino(choices):
    assert chosen(threads=3) == ("openvino", 3, None)


def test_a_gpu_comes_first(choices):
    choices.setattr(opening, "accelerator", lambda: "cuda")
    assert chosen() == ("torch", "cuda", 0)
    assert chosen(backend="openvino") == ("openvino", 0, None)


def test_without_fast_integers_pytorch_is_used_and_the_reason_logged(choices, caplog):
    choices.setattr(opening, "missing_ability", lambda: "no fast 8-bit arithmetic")
    with caplog.at_level(logging.WARNING):
        assert chosen() == ("torch", "cpu", 0)
    assert "no fast 8-bit arithmetic" in caplog.text


def test_what_was_asked_for_by_name_is_used_or_refused(choices):
    assert chosen(backend="torch") == ("torch", "cpu", 0)
    choices.setattr(opening, "missing_ability", lambda: "nncf not installed")
    with pytest.raises(ModelError, match="nncf not installed"):
        open_embedder(Path("nowhere"), IDENTITY, backend="openvino")


def test_an_unknown_backend_is_refused():
    with pytest.raises(ModelError, match="'onnx'; known: auto, openvino, torch"):
        open_embedder(Path("nowhere"), IDENTITY, backend="onnx")


def test_a_missing_package_is_named(monkeypatch):
    real = opening.importlib.util.find_spec
    monkeypatch.setattr(
        opening.importlib.util, "find_spec", lambda name: None if name == "nncf" else real(name)
    )
    assert opening.missing_ability() == "nncf not installed"


# With the real weights ---------------------------------------------------------------------------

ARABIC = (
    "أعلن {who} في {where} أن {what} بلغ {number} مليون ريال خلال العام {year}.",
    "قال {who} إن {what} في {where} تراجع بنسبة {number} في المئة مقارنة بعام {year}، "
    "وأضاف أن اللجنة ستجتمع لبحث الأسباب.",
    "لماذا ارتفع {what} في {where} منذ {year}؟",
)
ENGLISH = (
    "{who} announced in {where} that {what} reached {number} million in {year}.",
    "According to {who}, {what} in {where} fell by {number} per cent against {year}; "
    "a committee is to look into the causes next week.",
    "Why has {what} in {where} grown since {year}?",
)
WORDS = {
    ARABIC: (
        ("وزير الموانئ", "رئيسة البلدية", "المتحدث باسم النادي", "مدير المستشفى"),
        ("مدينة الساحل", "الجزيرة الشمالية", "حي الميناء"),
        ("حجم الصادرات", "عدد الزوار", "إنتاج الزيتون"),
    ),
    ENGLISH: (
        ("the harbour minister", "the mayor", "a club spokesman", "the hospital's director"),
        ("the coastal town", "the northern island", "the port district"),
        ("the volume of exports", "the number of visitors", "the olive harvest"),
    ),
}


def generated(templates: tuple[str, ...]) -> list[str]:
    """100 texts of one language, from a question to a passage of six sentences."""
    sentences = [
        template.format(who=who, where=where, what=what, number=7 + 13 * i, year=1990 + i)
        for i, (template, who, where, what) in enumerate(
            itertools.product(templates, *WORDS[templates])
        )
    ]
    lengths = itertools.cycle((1, 1, 2, 3, 6))
    return [
        " ".join(sentences[(7 * i + 5 * j) % len(sentences)] for j in range(next(lengths)))
        for i in range(100)
    ]


@pytest.fixture(scope="module")
def identity() -> EmbedderIdentity:
    return get_spec("embeddinggemma-300m").identity


@pytest.fixture(scope="module")
def accelerated(weights, identity):
    return open_embedder(weights["embedder"], identity, backend="openvino")


@pytest.fixture(scope="module")
def reference(weights, identity):
    return open_embedder(weights["embedder"], identity, backend="torch")


@pytest.fixture(scope="module")
def passages() -> list[PassageInput]:
    texts = generated(ARABIC) + generated(ENGLISH)
    assert len(texts) == len(set(texts)) == 200
    return [
        PassageInput(text, ("none", "عنوان الخبر", None)[i % 3], ()) for i, text in enumerate(texts)
    ]


@pytest.mark.slow
def test_accelerated_vectors_are_those_of_the_reference(accelerated, reference, passages):
    fast = np.stack([v.passage for v in accelerated.embed_passages(passages)])
    true = np.stack([v.passage for v in reference.embed_passages(passages)])
    cosines = (fast * true).sum(axis=1)
    assert cosines.mean() >= 0.995
    assert cosines.min() >= 0.990


@pytest.mark.slow
def test_prompts_are_those_of_sentence_transformers(accelerated, reference):
    model = reference.model
    question, text = "متى افتتح الميناء الجديد؟", "افتتح الميناء في الربيع. The port opened."
    whole = PassageInput(text, None, ((0, 24), (25, len(text))))
    by_hand = model.encode_query(question), model.encode_document(text)
    for vector, true in zip(
        (reference.embed_query(question), reference.embed_passages([whole])[0].passage),
        by_hand,
        strict=True,
    ):
        assert np.allclose(vector, true, atol=1e-5)
    assert accelerated.embed_query(question) @ by_hand[0] >= 0.99
    assert accelerated.embed_passages([whole])[0].passage @ by_hand[1] >= 0.99
    sentences = [text[start:end] for start, end in whole.sentences]
    expected = model.encode_document(sentences)
    for embedder, least in ((accelerated, 0.99), (reference, 0.9999)):
        found = embedder.embed_passages([whole])[0].sentences
        assert found.shape == (2, 768)
        assert (found * expected).sum(axis=1).min() >= least


@pytest.mark.slow
def test_tokens_are_those_of_sentence_transformers(weights, reference):
    from models.openvino_embedder import load_tokenizer

    texts = [
        "title: none | text: " + text
        for text in (
            "",
            " leading and trailing ",
            "نصّ مُشكَّل وتطويـــل ١٢٣ 456 \u202b",
            "emoji 👩‍🚀\r\n\ttabs <eos> <bos>",
            "كلمة " * 3000,
        )
    ]
    ours = [
        e.ids for e in load_tokenizer(weights["embedder"] / "tokenizer.json").encode_batch(texts)
    ]
    for text, ids in zip(texts, ours, strict=True):
        theirs = reference.model.preprocess([text])["input_ids"][0].tolist()
        assert ids == theirs
    assert len(ours[-1]) == 2048


@pytest.mark.slow
def test_vectors_do_not_depend_on_their_company(accelerated, passages):
    together = accelerated.embed_passages(passages[:60])
    for i in (0, 4, 17, 59):
        alone = accelerated.embed_passages([passages[i]])[0].passage
        assert np.abs(together[i].passage - alone).max() < 1e-5
    others = accelerated.embed_passages(passages[30:60])
    for one, other in zip(together[30:], others, strict=True):
        assert np.abs(one.passage - other.passage).max() < 1e-5


@pytest.mark.slow
def test_vectors_have_the_promised_form(accelerated):
    vectors = accelerated.embed_passages(
        [PassageInput("جملة أولى. جملة ثانية.", "عنوان", ((0, 10), (11, 22)))]
    )[0]
    assert vectors.passage.shape == (768,) and vectors.sentences.shape == (2, 768)
    assert vectors.passage.dtype == vectors.sentences.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors.sentences, axis=1), 1, atol=1e-5)
    assert accelerated.embed_passages([]) == []
    assert accelerated.embed_query("").shape == (768,)


@pytest.mark.slow
def test_token_vectors_are_the_text_s_own_and_alike_in_both(accelerated, reference):
    text, title = "افتتح الميناء الجديد في الربيع. It opened in spring.", "The port of the north"
    passage = PassageInput(text, title, ((0, 31), (32, len(text))))
    ours, theirs = (e.embed_passages([passage])[0].tokens for e in (accelerated, reference))
    assert ours.counts.tolist() == theirs.counts.tolist()
    assert all(3 < count < 14 for count in ours.counts)  # neither prompt nor title
    assert ours.bits.shape == theirs.bits.shape == (ours.counts.sum(), 32)
    assert np.unpackbits(ours.bits ^ theirs.bits).mean() < 0.05
    alone = accelerated.embed_passages([PassageInput(text[:31], title, ((0, 31),))])[0].tokens
    assert np.unpackbits(alone.bits ^ ours.bits[: len(alone.bits)]).mean() < 0.01
    question = "متى افتتح الميناء؟"
    tokens = [e.embed_query_tokens(question) for e in (accelerated, reference)]
    assert tokens[0].spans == tokens[1].spans
    assert "".join(question[a:b] for a, b in tokens[0].spans).replace(" ", "") == "متىافتتحالميناء؟"
    one, other = (t.vectors for t in tokens)
    assert one.shape == other.shape and (one * other).sum(axis=1).mean() >= 0.98
    assert np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-4)
    first, second = nearest(one, ours).mean(axis=0)
    assert first > second > 0.2


@pytest.mark.slow
def test_token_states_are_alike_in_both_and_see_what_stands_before(accelerated, reference):
    text = "افتتح الميناء الجديد في الربيع. It opened in spring."
    asked = "query: متى افتتح الميناء؟\nSentence: "
    ours, theirs = (e.token_states(text, before=asked) for e in (accelerated, reference))
    assert ours.ends == theirs.ends and ours.ends[-1] == len(text.encode())
    assert ours.states.shape == theirs.states.shape == (len(ours.ends), 768)
    assert cosines(ours.states, theirs.states).mean() >= 0.99
    other = accelerated.token_states(text, before="query: من بنى الميناء؟\nSentence: ")
    assert other.ends == ours.ends
    assert cosines(ours.states, other.states).mean() < 0.999


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (normalised(one) * normalised(other)).sum(axis=1)


@pytest.mark.slow
def test_a_question_is_computed_once_for_its_vector_and_its_tokens(accelerated, monkeypatch):
    first, second = "متى افتتح الميناء؟", "Who opened the port?"
    before = accelerated.embed_query(first)
    runs = []
    run = accelerated._run
    monkeypatch.setattr(accelerated, "_run", lambda *given: (runs.append(given[0]), run(*given)))
    tokens = accelerated.embed_query_tokens(first)
    assert runs == []
    other = accelerated.embed_query(second)
    assert len(runs) == 1 and not np.allclose(before, other)
    assert np.array_equal(accelerated.embed_query(first), before)
    assert np.array_equal(accelerated.embed_query_tokens(first).vectors, tokens.vectors)
    assert len(runs) == 2


@pytest.mark.slow
def test_a_failure_while_it_runs_is_a_model_error(accelerated, monkeypatch):
    class Failing:
        def infer(self, *_, **__):
            raise RuntimeError("bad allocation")

    monkeypatch.setattr(accelerated, "_request", Failing())
    with pytest.raises(ModelError, match="failed while it ran: bad allocation"):
        accelerated.token_states("الميناء", before="متى؟ ")
    monkeypatch.undo()
    assert len(accelerated.token_states("الميناء", before="متى؟ ").states)


@pytest.mark.slow
def test_a_question_takes_at_most_60_ms_warm(accelerated):
    questions = [
        f"كم بلغ عدد زوار الميناء في عام {year} وفق البلدية؟" for year in range(2000, 2021)
    ]
    accelerated.embed_query(questions[0])
    seconds = []
    for question in questions:
        began = time.perf_counter()
        accelerated.embed_query(question)
        seconds.append(time.perf_counter() - began)
    assert np.quantile(seconds, 0.1) <= 0.060  # other work on the machine only ever adds to it


@pytest.mark.slow
def test_a_damaged_conversion_is_refused_with_the_remedy(weights, identity, tmp_path):
    from models.openvino_embedder import OpenVINOEmbedder

    (tmp_path / "model.xml").write_text("<net", encoding="utf-8")
    with pytest.raises(ModelError, match="Remove that folder"):
        OpenVINOEmbedder(weights["embedder"], identity, tmp_path, 0)
