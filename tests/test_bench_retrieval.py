"""The tables of search quality and speed, over a small invented collection with a fake embedder."""

from __future__ import annotations

import json
import re

import pytest
from scripted_archive import BOATS, COST, QUAY

import rag.evaluation.archive as archives
from benchmarks import retrieval
from benchmarks.parts import Parts, Remembering
from fakes import FakeEmbedder
from models.protocols import PassageInput
from rag.retrieval import Weights

PARAGRAPHS = [
    (
        f"{QUAY} {COST}",
        "كم بلغت كلفته بالدينار كما قالت سلمى؟",
        "How much did it cost?",
        "17 مليون دينار",
    ),
    (f"{BOATS} وقد بني من الخشب.", "كم قاربا يستقبل الرصيف؟", "How many boats?", "40 قاربا"),
    ("ذهب العمال إلى الحقل. وكان الجو باردا.", "إلى أين ذهب العمال؟", "Where to?", "الحقل"),
]


def squad(language):
    data = []
    for number, (text, arabic, english, answer) in enumerate(PARAGRAPHS):
        question = arabic if language == "ar" else english
        context = text if language == "ar" else f"{english} {answer}"
        answers = [{"text": answer, "answer_start": context.index(answer)}]
        qas = [{"id": str(number), "question": question, "answers": answers}]
        data.append({"title": "", "paragraphs": [{"context": context, "qas": qas}]})
    return json.dumps({"data": data})


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A collection as MUSTANAD_SHARED has it; fakes embed, and the cache is the test's own."""
    folder = tmp_path / "shared"
    for name in ("xquad", "corpus", "questions", "news"):
        (folder / name).mkdir(parents=True)
    for language in ("ar", "en"):
        (folder / "xquad" / f"dev.{language}.json").write_text(squad(language))
    (folder / "corpus" / "quay.txt").write_text(f"{QUAY}\n{COST}\n{BOATS}\n")
    line = {"id": "q", "lang": "ar", "question": PARAGRAPHS[0][1], "type": "number"}
    line |= {"must_include": [["17"]], "evidence": [{"doc": "quay.txt", "quote": COST}]}
    (folder / "questions" / "dev.jsonl").write_text(json.dumps(line))
    for number, (text, *_) in enumerate(PARAGRAPHS):
        (folder / "news" / f"{number}.txt").write_text(text)
    monkeypatch.setenv("MUSTANAD_SHARED", str(folder))
    monkeypatch.setattr("rag.assistant.embedder_of", lambda settings, listener: FakeEmbedder())
    monkeypatch.setattr(archives, "_code", lambda places: "one version")
    monkeypatch.setattr(archives, "user_cache_path", lambda *a, **k: tmp_path / "cache")
    return folder


def test_the_tables_compare_the_product_with_its_parts(shared, capsys):
    assert retrieval.main([]) == 0
    out = capsys.readouterr().out
    assert "3 Arabic, 3 English questions over 3 Arabic paragraphs" in out
    rows = re.findall(r"^\| (Arabic|English) \| (.+?) \| (.*) \|$", out, re.M)
    names = ["dense alone", "BM25 alone", "simple fusion", "Mustanad"]
    assert [row[:2] for row in rows] == [(lang, n) for lang in ("Arabic", "English") for n in names]
    figures = {row[:2]: [float(cell) for cell in row[2].split(" | ")] for row in rows}
    # Arabic questions share words with the right sentence; English ones with none.
    assert figures["Arabic", "BM25 alone"] == [1.0] * 7
    assert figures["Arabic", "Mustanad"] == [1.0] * 7
    assert figures["English", "BM25 alone"] == [0.0] * 7
    assert all(len(row) == 7 for row in figures.values())
    assert "dev.jsonl over corpus: 1 questions with gold" in out
    assert "| all | 1.000 | 1.000 |" in out and "| ar | 1.000 | 1.000 |" in out


def test_news_is_ingested_once_and_searched(shared, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(retrieval, "SMALL", 2)
    assert retrieval.main(["--news", "--home", str(tmp_path / "home"), "--limit", "1"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^\| first \| 3 \| 3 \| ", out, re.M)
    assert re.search(r"^\| again, unchanged \| 3 \| 0 \| ", out, re.M)
    assert re.search(r"^\| 3 \| 3 \| \d+ \| \d+ \|$", out, re.M)
    assert re.search(r"^\| 2 \| 2 \| \d+ \| \d+ \|$", out, re.M)
    assert "1 Arabic, 1 English questions" in out


def test_tuning_tries_every_weight_and_keeps_what_is_better(shared, capsys, monkeypatch):
    monkeypatch.setattr(retrieval, "FACTORS", (2.0,))
    made_up = shared / "made_up"
    (made_up / "articles").mkdir(parents=True)
    (made_up / "articles" / "quay.txt").write_text(f"{QUAY}\n{COST}\n{BOATS}\n")
    (made_up / "questions.jsonl").write_text((shared / "questions" / "dev.jsonl").read_text())
    monkeypatch.setattr(retrieval, "MADE_UP", made_up)
    # As if hit@1 rose with the weight of BM25 and with no other.
    tried = []

    def hits(verdicts):
        tried.append(seen[0].weights)
        return [1.0 if seen[0].weights.keyword > Weights().keyword else 0.5] * 7

    seen = []
    product = retrieval.product
    monkeypatch.setattr(retrieval, "product", lambda r: seen.append(r) or product(r))
    monkeypatch.setattr(retrieval, "hits", hits)
    assert retrieval.main(["--tune"]) == 0
    out = capsys.readouterr().out
    assert f"best: Weights(keyword={2 * Weights().keyword}, nearness={Weights().nearness}" in out
    assert {w.late for w in tried} == {Weights().late, 2 * Weights().late}
    tuned = len(Weights.__dataclass_fields__) - len(retrieval.UNTOLD)
    assert out.count("\n| ") == 2 + 1 + tuned - 1
    assert {w.outlet for w in tried} == {Weights().outlet}
    assert "XQuAD:" not in out
    assert len(set(map(id, seen))) == 2 and "sentence top 1, made up, ar" in out
    assert len({line.count("|") for line in out.splitlines() if line.startswith("|")}) == 1


def test_without_the_data_it_says_so_loudly(monkeypatch, capsys):
    monkeypatch.delenv("MUSTANAD_SHARED", raising=False)
    assert retrieval.main([]) == 0
    assert "!!! XQuAD, corpus and news NOT RUN: MUSTANAD_SHARED" in capsys.readouterr().out


def test_an_unusable_archive_is_one_line(shared, tmp_path, capsys):
    (shared / "questions" / "dev.jsonl").write_text("{}")
    assert retrieval.main(["--limit", "1"]) == 1
    assert "line 1" in capsys.readouterr().err


def test_parts_rank_by_what_they_are_called(shared):
    with retrieval.xquad(shared / "xquad", None) as (store, retriever, embedder, asked):
        parts = Parts(store, retriever, embedder)
        for question, gold in asked["ar"]:
            found = parts.rank(question.question)
            vector = embedder.embed_query(question.question)
            dense = [(p.article_id, p.start, p.end) for p, _ in store.search_vectors(vector, 3)]
            got = [
                (p["article_id"], p["start"], p["end"]) for p in found["dense alone"]["passages"]
            ]
            assert got == dense
            (bm25, _), *_ = store.search_keywords(question.question, 3)
            assert found["BM25 alone"]["passages"][0]["article_id"] == bm25.article_id
            text = store.get(bm25.article_id).article.text
            best = found["BM25 alone"]["evidence"][0]
            assert gold[0].quote == text[best["start"] : best["end"]]


def test_no_question_is_embedded_twice():
    fake = FakeEmbedder()
    remembering = Remembering(fake)
    for _ in range(2):
        remembering.embed_query("كم؟")
    assert fake.queries == 1
    assert len(remembering.embed_passages([PassageInput(QUAY, None, ())])) == 1
