from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from archive import put

from fakes import FakeEmbedder
from vectorstore.store import Store
from vectorstore.types import Article, Filters, StoreError

QUAY = "افتتحت بلدية مرسى الورد الرصيف الشرقي في مارس. وبلغت كلفة الرصيف 17 مليون دينار."
STORM = "أغلق الميناء يومين بسبب العاصفة. وعاد الصيادون إلى البحر صباح الخميس."
LIGHT = "The lighthouse of Marsa al-Ward burns 170 litres of oil a month. Its keeper is Salma."


def article(name: str, text: str, **fields) -> Article:
    return Article(f"/news/{name}.txt", "", text, **fields)


ARTICLES = {
    "quay": article(
        "quay", QUAY, title="الرصيف", source="شينخوا", date="2020-05-10T08:30:00+03:00"
    ),
    "storm": article("storm", STORM, source="الساحل", date="2020-05-11"),
    "light": article("light", LIGHT, language="en", source="Harbour Gazette"),
}


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture
def store(tmp_path: Path, embedder: FakeEmbedder):
    with Store.open(tmp_path / "home") as opened:
        put(opened, embedder, ARTICLES)
        yield opened


def ids(found) -> list[str]:
    return [passage.article_id for passage, _ in found]


def long_articles(n: int) -> dict[str, Article]:
    """Articles of different words and several passages."""
    return {
        f"a{i:04}": article(f"a{i:04}", "\n".join(f"خبر{i} فقرة{j} " * 60 + "." for j in range(3)))
        for i in range(n)
    }


def test_spans_and_vectors_belong_together(store: Store, embedder: FakeEmbedder) -> None:
    for article_id, stored in ARTICLES.items():
        assert store.get(article_id).article == stored
        passages = store.passages(article_id)
        assert passages
        for passage in passages:
            matrix = store.sentence_vectors([passage.passage_id])[passage.passage_id]
            assert matrix.shape == (len(passage.sentences), 64) and matrix.dtype == np.float32
            for row, span in zip(matrix, passage.sentences, strict=True):
                sentence = stored.text[span.start : span.end]
                assert sentence == sentence.strip() != ""
                np.testing.assert_allclose(row, embedder._vector(sentence), atol=1e-3)
            vector = store.passage_vectors([passage.passage_id])[passage.passage_id]
            text = stored.text[passage.start : passage.end]
            np.testing.assert_allclose(vector, embedder._vector(text), atol=1e-3)


def test_search_finds_the_passage_both_ways(store: Store, embedder: FakeEmbedder) -> None:
    assert ids(store.search_keywords("كم كلفة الرصيف؟", 5))[0] == "quay"
    assert ids(store.search_keywords("lighthouse keepers", 5)) == ["light"]
    assert (
        ids(store.search_vectors(embedder.embed_query("عاد الصيادون إلى البحر"), 3))[0] == "storm"
    )
    assert store.search_keywords("من في على", 5) == []
    assert store.search_keywords('"""()*^ AND NEAR', 5) == []


def test_an_exact_number_counts(store: Store) -> None:
    assert ids(store.search_keywords("١٧", 5)) == ["quay"]
    assert ids(store.search_keywords("170", 5)) == ["light"]


def test_a_quoted_phrase_counts(tmp_path: Path, embedder: FakeEmbedder) -> None:
    with Store.open(tmp_path / "phrases") as store:
        apart = article("apart", "الرصيف واسع جدا. والشرقي ضيق.")
        together = article("together", "هذا الرصيف الشرقي جدا واسع. ضيق.")
        put(store, embedder, {"apart": apart, "together": together})
        plain = dict((p.article_id, s) for p, s in store.search_keywords("الرصيف الشرقي", 2))
        quoted = dict((p.article_id, s) for p, s in store.search_keywords("«الرصيف الشرقي»", 2))
        assert plain["apart"] == pytest.approx(quoted["apart"])
        assert quoted["together"] - quoted["apart"] > plain["together"] - plain["apart"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), ["storm", "quay", "light"]),
        (Filters(sources=("Xinhua",)), ["quay"]),
        (Filters(sources=("شينخوا", "الساحل")), ["storm", "quay"]),
        (Filters(sources=("Reuters",)), []),
        (Filters(language="en"), ["light"]),
        (Filters(date_from="2020-05-10", date_to="2020-05-10"), ["quay"]),
        (Filters(date_from="2020-05-11"), ["storm"]),
        (Filters(date_to="2020-05-11"), ["storm", "quay"]),
        (Filters(article_ids=("quay", "light"), language="ar"), ["quay"]),
    ],
)
def test_filters_apply_before_the_best_are_picked(
    store: Store, embedder: FakeEmbedder, filters: Filters, expected: list[str]
) -> None:
    assert [s.article_id for s in store.summaries(filters)] == expected
    assert store.matching(filters) == len(expected)
    for text in (QUAY, STORM, LIGHT):
        found = store.search_vectors(embedder.embed_query(text), 1, filters)
        assert len(found) == min(1, len(expected)) and set(ids(found)) <= set(expected)
        assert set(ids(store.search_keywords(text, 1, filters))) <= set(expected)
    every_word = f"{QUAY} {STORM} {LIGHT}"
    assert sorted(ids(store.search_keywords(every_word, 10, filters))) == sorted(expected)


def test_undated_articles_are_counted(store: Store) -> None:
    assert store.undated(Filters(date_from="2020-01-01")) == 1
    assert store.undated(Filters(date_from="2020-01-01", language="ar")) == 0
    assert store.undated(Filters(language="en")) == 0
    with pytest.raises(StoreError, match="YYYY-MM-DD"):
        store.matching(Filters(date_from="May 2020"))


def test_ties_are_in_order_of_article_and_place(tmp_path: Path, embedder: FakeEmbedder) -> None:
    with Store.open(tmp_path / "ties") as store:
        put(store, embedder, {i: article(i, QUAY) for i in ("c", "a", "b")})
        query = embedder.embed_query("الرصيف")
        assert ids(store.search_vectors(query, 2)) == ["a", "b"]
        assert ids(store.search_keywords("الرصيف", 3)) == ["a", "b", "c"]
        assert store.status()["vectors"] == 1  # shared


def test_document_frequencies(store: Store) -> None:
    assert store.document_frequencies(["رصيف", "170", "لا-شيء"]) == {
        "رصيف": 1,
        "170": 1,
        "لا-شيء": 0,
    }
    assert store.passage_count() == 3


def test_unknown_ids_are_named_with_near_ones(store: Store) -> None:
    with pytest.raises(StoreError, match="no article 'qua'.*quay"):
        store.get("qua")
    with pytest.raises(StoreError, match="no article 'strom'.*storm"):
        store.passages("strom")
    with pytest.raises(StoreError, match="nothing-like"):
        store.remove(["quay", "nothing-like"])
    assert store.get("quay")


def test_copies_of_a_story(tmp_path: Path, embedder: FakeEmbedder) -> None:
    story = " ".join(f"كلمة{i}" for i in range(60))
    copy = "نقلا عن الوكالة " + story + " انتهى"
    other = " ".join(f"لفظ{i}" for i in range(60))
    with Store.open(tmp_path / "copies") as store:
        put(store, embedder, {"one": article("one", story), "two": article("two", copy)})
        put(store, embedder, {"other": article("other", other), "same": article("same", story)})
        assert [s.article_id for s in store.copies("one")] == ["same", "two"]
        assert [s.article_id for s in store.copies("two")] == ["one", "same"]
        assert store.copies("other") == []
        put(store, embedder, {"same": article("same", other)})
        assert [s.article_id for s in store.copies("one")] == ["two"]
        assert [s.article_id for s in store.copies("other")] == ["same"]
        store.remove(["two"])
        assert store.copies("one") == []


def test_changed_articles_are_searched_as_they_are_now(
    store: Store, embedder: FakeEmbedder
) -> None:
    before = embedder.embed_query(QUAY)
    assert ids(store.search_vectors(before, 1)) == ["quay"]
    put(store, embedder, {"quay": article("quay", "خبر آخر تماما عن المتحف.")})
    assert ids(store.search_keywords("الرصيف", 5)) == []
    assert ids(store.search_vectors(embedder.embed_query("المتحف"), 1)) == ["quay"]
    assert store.search_vectors(before, 1)[0][1] < 0.9
    assert store.status()["vectors"] == 3


def test_removed_articles_leave_no_trace(tmp_path: Path, embedder: FakeEmbedder) -> None:
    home = tmp_path / "home"
    secret = "كلمةالسر" * 3
    with Store.open(home) as store:
        put(store, embedder, long_articles(40))
        put(
            store,
            embedder,
            {"secret": article("secret", f"{secret} Zanzibarium. " * 200, title="Qwertyuiop")},
        )
        put(store, embedder, {f"b{k}": a for k, a in long_articles(10).items()})
        assert store.remove(["secret", "a0035"]) == ["secret", "a0035"]
        assert ids(store.search_keywords(f"{secret} Zanzibarium Qwertyuiop", 5)) == []
        assert "secret" not in ids(store.search_vectors(embedder.embed_query(secret), 200))
        assert store.document_frequencies(["zanzibarium", "qwertyuiop"]) == {
            "zanzibarium": 0,
            "qwertyuiop": 0,
        }
        with pytest.raises(StoreError):
            store.get("secret")
        everything = b"".join(f.read_bytes() for f in home.rglob("*") if f.is_file())
        for trace in (secret, "Zanzibarium", "zanzibarium", "Qwertyuiop", "خبر35 فقرة", "secret"):
            assert trace.encode() not in everything, trace
        assert "خبر4 فقرة".encode() in everything
        with_vectors = embedder._vector(f"{secret} Zanzibarium.").astype("<f2").tobytes()
        assert with_vectors not in everything


def test_removal_of_one_of_two_equal_articles_keeps_the_other(
    tmp_path: Path, embedder: FakeEmbedder
) -> None:
    with Store.open(tmp_path / "home") as store:
        put(store, embedder, {"one": article("one", QUAY), "two": article("two", QUAY)})
        store.remove(["one"])
        assert ids(store.search_vectors(embedder.embed_query(QUAY), 5)) == ["two"]
        store.remove(["two"])
        assert store.search_vectors(embedder.embed_query(QUAY), 5) == []
        assert store.status()["vectors"] == store.status()["passages"] == 0


def test_a_text_may_pass_from_one_article_to_another_in_one_batch(
    tmp_path: Path, embedder: FakeEmbedder
) -> None:
    with Store.open(tmp_path / "home") as store:
        put(store, embedder, {"one": article("one", QUAY)})
        put(store, embedder, {"one": article("one", STORM), "two": article("two", QUAY)})
        assert ids(store.search_vectors(embedder.embed_query(QUAY), 5))[0] == "two"
        assert store.status()["vectors"] == store.status()["passages"]


def test_another_embedder_is_refused_and_a_variant_is_not(
    store: Store, embedder: FakeEmbedder
) -> None:
    with pytest.raises(StoreError, match="'another' instead of 'fake'.*--home"):
        store.use_embedder(FakeEmbedder("another").identity, "fake")
    store.use_embedder(embedder.identity, "fake-int8")
    assert store.status()["embedder_variant"] == "fake-int8"
    again = Store.open(store.home, read_only=True)
    again.use_embedder(embedder.identity, "torch-fp32")  # a reader checks, and records nothing
    assert again.status()["embedder_variant"] == "fake-int8"
    again.close()
    wider = replace(embedder.identity, dimension=65)
    with pytest.raises(StoreError, match="dimension 65 instead of 64"):
        store.use_embedder(wider, "fake")
    with pytest.raises(StoreError, match=r"\(65,\)"):
        store.search_vectors(np.zeros(65, np.float32), 3)


def test_an_archive_without_vectors_takes_another_embedder(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        store.use_embedder(FakeEmbedder("one").identity, "fake")
        store.use_embedder(FakeEmbedder("two").identity, "fake")
        assert store.embedder().name == "two"


def test_the_folder_is_private(store: Store) -> None:
    assert stat.S_IMODE(os.stat(store.home).st_mode) == 0o700


def test_a_second_writer_is_told_who_holds_the_archive(store: Store) -> None:
    with pytest.raises(StoreError, match=f"process {os.getpid()} .*holds the archive"):
        Store.open(store.home)
    script = f"from vectorstore.store import Store; Store.open({str(store.home)!r})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert f"process {os.getpid()}" in done.stderr and done.returncode == 1
    store.close()
    Store.open(store.home).close()


def test_a_reader_beside_a_writer_sees_finished_batches(
    store: Store, embedder: FakeEmbedder
) -> None:
    with Store.open(store.home, read_only=True) as reader:
        query = embedder.embed_query("المتحف")
        assert len(reader.search_vectors(query, 10)) == 3
        put(store, embedder, {"museum": article("museum", "افتتح المتحف أبوابه.")})
        assert ids(reader.search_vectors(query, 1)) == ["museum"]
        assert ids(reader.search_keywords("المتحف", 1)) == ["museum"]
        store.remove(["museum"])
        assert "museum" not in ids(reader.search_vectors(query, 10))
        with pytest.raises(StoreError, match="reading only"):
            reader.remove(["quay"])


def test_a_reader_in_another_process_answers_while_this_one_writes(
    store: Store, embedder: FakeEmbedder
) -> None:
    script = textwrap.dedent(
        f"""
        import json
        from pathlib import Path
        from vectorstore.store import Store
        with Store.open(Path({str(store.home)!r}), read_only=True) as store:
            print(json.dumps([p.article_id for p, _ in store.search_keywords("الرصيف", 5)]))
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert json.loads(done.stdout) == ["quay"], done.stderr


def test_reading_an_archive_that_does_not_exist_makes_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "none", read_only=True) as store:
        assert store.summaries() == [] and store.passage_count() == 0
        assert store.search_vectors(np.ones(64, np.float32), 3) == []
        assert store.status()["articles"] == 0
    assert not (tmp_path / "none").exists()


def test_an_archive_too_large_for_memory_is_scanned_with_the_same_result(
    tmp_path: Path, embedder: FakeEmbedder
) -> None:
    with Store.open(tmp_path / "home") as store:
        put(store, embedder, long_articles(30))
        queries = [embedder.embed_query(f"خبر{i} فقرة1") for i in range(0, 30, 3)]
        exact = [store.search_vectors(q, 7) for q in queries]
        with Store.open(store.home, read_only=True, exact_search_passages=10) as reader:
            scanned = [reader.search_vectors(q, 7) for q in queries]
    for one, other in zip(exact, scanned, strict=True):
        assert [p for p, _ in one] == [p for p, _ in other]
        assert [s for _, s in one] == pytest.approx([s for _, s in other], abs=2e-6)
