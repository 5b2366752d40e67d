"""The stock recipe and its measurement, with fakes for the models."""

from __future__ import annotations

import json
import re

import pytest
from langchain_core.embeddings import Embeddings

from benchmarks import stock
from benchmarks.recipe import CHUNK_CHARS, StockAssistant, says_it_declines
from fakes import FakeEmbedder
from rag.evaluation import evaluate
from rag.settings import Settings


class FakeEmbeddings(Embeddings):
    def __init__(self):
        self.fake = FakeEmbedder()

    def embed_documents(self, texts):
        return [self.fake._vector(text).tolist() for text in texts]

    def embed_query(self, text):
        return self.fake.embed_query(text).tolist()


class FakeLlama:
    def __init__(self, reply):
        self.reply = reply
        self.prompts = []

    def create_chat_completion(self, messages, stream=False, **options):
        self.prompts.append(messages)
        words = re.findall(r"\s*\S+", self.reply)
        pieces = [{"role": "assistant"}, *({"content": word} for word in words)]
        return ({"choices": [{"delta": piece}]} for piece in pieces)


FILLER = "مهرجان الربيع يجمع العائلات في الحديقة العامة كل عام. " * 30


@pytest.fixture
def assistant(tmp_path):
    (tmp_path / "articles").mkdir()
    quay = "بلغت كلفة رصيف مرسى الورد 17 مليون دينار."
    (tmp_path / "articles" / "quay.txt").write_text(f"{FILLER}\n{quay}\n")
    llama = FakeLlama("الكلفة 17 مليون دينار [1]")
    system = StockAssistant(Settings(), FakeEmbeddings(), lambda: llama)
    system.ingest([tmp_path / "articles"], tmp_path / "index")
    system.warm_up()
    system.llama = llama
    return system


def test_chunks_are_spans_of_the_article(assistant):
    found = assistant.search("كم بلغت كلفة رصيف مرسى الورد؟")
    assert len(found.evidence) == len(found.passages) > 1
    text = assistant.article("quay.txt").text
    for e in found.evidence:
        assert text[e.start : e.end] == e.quote and len(e.quote) <= CHUNK_CHARS


def test_the_prompt_is_the_recipes(assistant):
    history = [{"role": "user", "content": "سؤال سابق"}]
    answer = assistant.ask("كم بلغت كلفة الرصيف؟", history=history)
    system, before, question = assistant.llama.prompts[-1]
    assert "Answer in Arabic." in system["content"] and "\n\n[1] " in system["content"]
    assert before == history[0]
    assert question == {"role": "user", "content": "كم بلغت كلفة الرصيف؟"}
    assert answer.answered and answer.path == "generated"
    assert [c.n for c in answer.citations] == [1]
    assert answer.citations[0].quote == answer.evidence[0].quote
    assert answer.timings.first_token_ms <= answer.timings.total_ms


def test_citations_of_what_is_not_there_are_left_out(assistant):
    assistant.llama.reply = "قيل [9] وقيل [2]"
    assert [c.n for c in assistant.ask("كم؟").citations] == [2]


@pytest.mark.parametrize(
    ("text", "declines"),
    [
        ("I don’t know.", True),
        ("The text does not contain it", True),
        ("هذا غير مذكور في النص", True),
        ("The quay cost 17 million", False),
        ("بلغت 17 مليونا", False),
    ],
)
def test_declines_are_told_by_their_words(text, declines):
    assert says_it_declines(text) is declines


def test_the_same_evaluator_scores_it(assistant, tmp_path):
    path = tmp_path / "set.jsonl"
    quote = "بلغت كلفة رصيف مرسى الورد 17 مليون دينار"
    line = {
        "id": "q1",
        "lang": "ar",
        "question": "كم بلغت كلفة رصيف مرسى الورد؟",
        "type": "number",
        "answers": ["17 مليون دينار"],
        "must_include": [["17"]],
        "evidence": [{"doc": "quay.txt", "quote": quote}],
    }
    path.write_text(json.dumps(line))
    m = evaluate(path, assistant=assistant)
    assert m["answers"]["pass"] == 1 and m["citations"]["resolvable"] == 1
    assistant.llama.reply = "لا أعرف كم بلغت، ربما 17"
    m = evaluate(path, assistant=assistant)
    assert m["answers"]["pass"] == 0 and m["abstention"]["false_decline"] == 1


def test_latencies_are_medians_of_medians():
    def turn(*totals):
        return [
            {"id": f"q{n}", "timings": {"retrieve_ms": 1, "total_ms": total}}
            for n, total in enumerate(totals)
        ]

    found = stock._latencies([turn(10, 100), turn(30, 100), turn(20, 400)])
    # Medians 20 and 100 by question, 60 between them.
    assert found == {"evidence_ms": 1, "first_token_ms": None, "total_ms": 60}


def _result(value, **costs):
    metrics = {"n": 1, "by_lang": {}}
    for name in stock.QUALITY:
        place = metrics
        *path, last = name.split(".")
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return {"metrics": metrics, **dict.fromkeys(stock.COSTS, 10.0), **costs}


def test_the_table_has_ratios_and_says_what_was_skipped():
    results = {
        "mustanad": _result(0.9, total_ms=500.0),
        "stock": _result(0.6, total_ms=1000.0),
        "chroma-default": {"skipped": "its weights are not here"},
    }
    text = stock.table(results)
    assert "| answers.pass | 0.900 | 0.600 | 1.50 |" in text
    assert "| whole answer, ms | 500 | 1,000 | 0.50 |" in text
    del results["mustanad"]["metrics"]["by_lang"]["en"]  # a limited set may lack a language
    assert "| by_lang.en.answers.pass | – | 0.600 | – |" in stock.table(results)
    assert "Chroma's default embedder: skipped: its weights are not here" in text


def test_only_the_first_questions(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text("1\n\n2\n3\n")
    assert stock._limited(path, None, tmp_path) == path
    (tmp_path / "out").mkdir()
    assert stock._limited(path, 2, tmp_path / "out").read_text() == "1\n2\n"


def test_it_needs_to_know_where_the_data_is(monkeypatch, capsys):
    monkeypatch.delenv("MUSTANAD_SHARED", raising=False)
    with pytest.raises(SystemExit) as stopped:
        stock.main([])
    assert stopped.value.code == 2 and "MUSTANAD_SHARED" in capsys.readouterr().err
