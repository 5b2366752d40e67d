import json
from pathlib import Path

import pytest

from fakes import FakeEmbedder
from rag import retrieval
from rag.ingest import ingest
from rag.names import Glossary
from rag.retrieval import Retriever, Weights
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


def test_sentences_are_ranked_by_token_vectors_that_are_kept(retriever: Retriever) -> None:
    embedder = retriever._embedder()
    before = embedder.passages
    retriever.retrieve("كم كلف الجسر؟")
    assert embedder.passages == before


def test_token_vectors_that_are_not_kept_are_computed(
    retriever: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = retriever.retrieve("كم كلف الجسر؟")
    retriever._store._connection.execute("UPDATE vectors SET tokens = NULL")
    assert retriever.retrieve("كم كلف الجسر؟").evidence == kept.evidence
    monkeypatch.setattr(retrieval, "COMPUTED", 1)
    computed = retriever.retrieve("كم كلف الجسر؟")
    assert {e.article_id for e in computed.evidence} == {kept.evidence[0].article_id}
    assert {p.quote for p in computed.passages} == {p.quote for p in kept.passages}


def test_a_pronoun_is_read_with_the_sentence_before_it(tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "a.txt").write_text("زار الوزير سالم مدينة الساحل. وبقي فيها ثلاثة أيام كاملة.")
    (folder / "b.txt").write_text("زار المدرب نادي الجبل. وبقي فيها ثلاثة أيام كاملة هناك.")
    embedder = FakeEmbedder()
    with Store.open(tmp_path / "home") as store:
        ingest(store, lambda: embedder, [folder])
        weights = Weights(passage=0.0, expected=0.0, lead=0.0)
        found = Retriever(store, lambda: embedder, Glossary(), weights).retrieve(
            "كم بقي الوزير سالم في مدينة الساحل؟"
        )
    stayed = [e.quote for e in found.evidence if e.quote.startswith("وبقي")]
    assert stayed[0] == "وبقي فيها ثلاثة أيام كاملة."


def test_a_sentence_is_read_with_the_first_of_its_article(tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    told = "شكر الوزير المتبرعين. وبقي فيها ثلاثة أيام كاملة."
    (folder / "a.txt").write_text(f"زار الوزير سالم مدينة الساحل. {told}")
    (folder / "b.txt").write_text(f"زار المدرب كمال نادي الجبل. {told}")
    embedder = FakeEmbedder()
    with Store.open(tmp_path / "home") as store:
        ingest(store, lambda: embedder, [folder])
        weights = Weights(passage=0.0, expected=0.0)
        retriever = Retriever(store, lambda: embedder, Glossary(), weights)
        for subject, first in (
            ("الوزير سالم في مدينة الساحل", "زار الوزير سالم"),
            ("المدرب كمال في نادي الجبل", "زار المدرب كمال"),
        ):
            found = retriever.retrieve(f"كم بقي {subject}؟")
            stayed = [e for e in found.evidence if e.quote.startswith("وبقي")]
            assert store.get(stayed[0].article_id).article.text.startswith(first)


@pytest.mark.parametrize(("weight", "first"), [(0.0, "en"), (0.5, "ar")])
def test_of_two_alike_the_article_in_the_questions_language_comes_first(
    tmp_path: Path, weight: float, first: str
) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    english = "The harbour was busy all week and the town hall said nothing of it for long."
    (folder / "en.txt").write_text(f"{english} كم سفينة صيد وصلت إلى الميناء. {english}")
    (folder / "ar.txt").write_text("كم سفينة صيد كبيرة وصلت إلى الميناء. وشكرت الوزارة المتبرعين.")
    embedder = FakeEmbedder()
    with Store.open(tmp_path / "home") as store:
        ingest(store, lambda: embedder, [folder])
        weights = Weights(passage=0.0, context=0.0, lead=0.0, language=weight)
        retriever = Retriever(store, lambda: embedder, Glossary(), weights)
        best = retriever.retrieve("كم سفينة صيد وصلت إلى الميناء اليوم؟").evidence[0]
        assert store.get(best.article_id).article.language == first


def test_a_follow_up_is_searched_by_its_own_words_too(retriever: Retriever) -> None:
    before = "كم سفينة صيد وصلت إلى الميناء؟"
    joined = retriever.retrieve(f"{before} ومن شكر المتبرعين؟")
    assert joined.evidence[0].quote.startswith("وصلت 45 سفينة")
    found = retriever.retrieve("ومن شكر المتبرعين؟", before=before)
    assert found.evidence[0].quote == "وشكرت الوزارة المتبرعين."
    assert found.question == "ومن شكر المتبرعين؟" and found.signals["sentence"] > 0


PREFERRED = {
    "a": ("شينخوا", "2020-09-12", "أعلنت البلدية أن عدد زوار الميناء بلغ 500 زائر في أسبوع."),
    "b": ("الساحل اليوم", "2019-05-03", "أعلنت البلدية أن عدد زوار الميناء بلغ 700 زائر في أسبوع."),
    "c": (None, None, "أعلنت البلدية أن عدد زوار الميناء بلغ 900 زائر في أسبوع."),
}


@pytest.mark.parametrize(
    ("named", "figure"),
    [
        ("وفق شينخوا", "500"),
        ("في سبتمبر 2020", "500"),
        ("حسب صحيفة الساحل اليوم", "700"),
        ("يوم 2 مايو 2019", "700"),
        ("في عام 2019", "700"),
    ],
)
def test_an_outlet_or_a_date_in_the_question_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, figure: str
) -> None:
    lines = [
        {"source": source, "date": date, "content": text}
        for source, date, text in PREFERRED.values()
    ]
    path = tmp_path / "news.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    embedder = FakeEmbedder()
    # Even where a search of everything reaches only one of them.
    monkeypatch.setattr(retrieval, "CANDIDATES", 1)
    with Store.open(tmp_path / "home") as store:
        ingest(store, lambda: embedder, [path])
        found = Retriever(store, lambda: embedder, Glossary()).retrieve(
            f"كم بلغ عدد زوار الميناء {named}؟"
        )
        assert figure in found.evidence[0].quote and figure in found.passages[0].quote
        others = Filters(date_from="2021-01-01")
        assert (
            not Retriever(store, lambda: embedder, Glossary())
            .retrieve(f"كم بلغ عدد زوار الميناء {named}؟", filters=others)
            .evidence
        )


def test_every_part_of_a_question_gets_evidence(retriever: Retriever) -> None:
    found = retriever.retrieve("كم سفينة صيد وصلت إلى رصيف الميناء، وكم مليون دينار كلف الجسر؟")
    first = " ".join(e.quote for e in found.evidence[:3])
    assert "45 سفينة" in first and "12 مليون" in first


def test_a_question_about_several_articles_gets_the_best_of_each(retriever: Retriever) -> None:
    found = retriever.retrieve("ماذا ذكر المقالان عن الجسر الذي كلف والسكان والميناء؟")
    articles = [e.article_id for e in found.evidence]
    assert len(set(articles[:3])) == 3
