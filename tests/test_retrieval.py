from pathlib import Path

import pytest

from fakes import FakeEmbedder
from rag.ingest import ingest
from rag.names import Glossary
from rag.retrieval import Retriever
from vectorstore.analysis import analyse
from vectorstore.store import Store
from vectorstore.types import Filters

BRIDGE = "قال رئيس البلدية إن الجسر كلف 12 مليون دينار. وحضر الافتتاح عدد كبير من السكان."
HARBOUR = "وصلت 45 سفينة صيد إلى رصيف الميناء في شهر مارس. وزادت كميات السمك في السوق."
SUDAN = "وصلت مساعدات طبية إلى السودان يوم الأحد. وشكرت الوزارة المتبرعين."


@pytest.fixture
def retriever(tmp_path: Path):
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in (
        ("bridge", BRIDGE),
        ("harbour", HARBOUR),
        ("sudan", SUDAN),
        ("copy", BRIDGE),
    ):
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    embedder = FakeEmbedder()
    with Store.open(tmp_path / "home") as store:
        ingest(store, lambda: embedder, [folder])
        yield Retriever(store, lambda: embedder, Glossary())


def test_the_sentence_that_answers_comes_first(retriever: Retriever) -> None:
    found = retriever.retrieve("كم سفينة صيد وصلت إلى الميناء؟")
    assert found.evidence[0].quote.startswith("وصلت 45 سفينة")
    assert found.passages[0].quote == HARBOUR
    assert [e.score for e in found.evidence] == sorted(
        (e.score for e in found.evidence), reverse=True
    )


def test_quotes_slice_the_article_and_copies_count_once(retriever: Retriever) -> None:
    found = retriever.retrieve("كم كلف الجسر؟")
    quotes = [e.quote for e in found.evidence]
    assert len(quotes) == len(set(quotes))
    assert [p.quote for p in found.passages].count(BRIDGE) == 1


def test_results_repeat(retriever: Retriever) -> None:
    first, second = (retriever.retrieve("وصلت مساعدات") for _ in range(2))
    assert first.evidence == second.evidence and first.passages == second.passages


def test_a_name_crosses_languages(retriever: Retriever) -> None:
    found = retriever.retrieve("What arrived in Sudan?")
    words = retriever.word_weights("What arrived in Sudan?", crossed=True)
    assert set(analyse("السودان")) <= set(words)
    assert found.signals["crossed"] == 1.0 and found.signals["crossed_coverage"] > 0


def test_filters_that_leave_nothing_find_nothing(retriever: Retriever) -> None:
    found = retriever.retrieve("كم كلف الجسر؟", filters=Filters(date_from="2024-01-01"))
    assert not found.evidence and not found.passages and found.dropped_undated == 4


def test_at_most_as_many_as_asked_for(retriever: Retriever) -> None:
    found = retriever.retrieve("الجسر والميناء", passages=1, evidence=2)
    assert len(found.passages) == 1 and len(found.evidence) == 2


def test_every_part_of_a_question_gets_evidence(retriever: Retriever) -> None:
    found = retriever.retrieve("كم سفينة صيد وصلت إلى رصيف الميناء، وكم مليون دينار كلف الجسر؟")
    first = " ".join(e.quote for e in found.evidence[:3])
    assert "45 سفينة" in first and "12 مليون" in first
