"""Runs: resumed, sampled, in any order the same; over a home and over an archive of files."""

from __future__ import annotations

import json

import pytest
from scripted_archive import BOATS, COST, LIGHT, QUAY, ScriptedAssistant, answer, cite, evidence

import rag.evaluation.archive as archives
import rag.evaluation.runner as runner
from fakes import FakeEmbedder, FakeLanguageModel
from models.protocols import ModelError
from rag.assistant import Assistant
from rag.evaluation import EvaluationError, evaluate
from rag.evaluation.judge import Judge
from rag.evaluation.questions import Paragraph
from rag.settings import Settings
from vectorstore.store import Store

ASKED = {
    "q1": "كم بلغت كلفة الرصيف؟",
    "q2": "كم قاربا يستقبل الرصيف؟",
    "q3": "كم عدد سكان المدينة؟",
    "q4": "How much oil does the lighthouse burn?",
}


def line(name, **more):
    return {"id": name, "lang": "ar", "question": ASKED[name], "type": "number", **more}


LINES = [
    line(
        "q1",
        answers=["17 مليون دينار"],
        must_include=[["17"]],
        evidence=[{"doc": "quay.txt", "quote": COST}],
    ),
    line(
        "q2",
        answers=["40 قاربا"],
        must_include=[["40"]],
        evidence=[{"doc": "quay.txt", "quote": BOATS}],
    ),
    line("q3", type="unanswerable"),
    line(
        "q4",
        lang="en",
        answers=["170 litres"],
        must_include=[["170"]],
        evidence=[{"doc": "https://example.org/light", "quote": LIGHT}],
    ),
]
SCRIPT = {
    ASKED["q1"]: answer(
        f"«{COST}» [1]",
        cite(1, "a1", COST),
        short="17 مليون",
        found=[evidence("a1", COST), evidence("a1", BOATS)],
    ),
    ASKED["q2"]: answer(
        "نحو 400 قارب [1]",
        cite(1, "a1", QUAY),
        short="400",
        found=[evidence("a1", QUAY), evidence("a1", BOATS)],
    ),
    ASKED["q3"]: answer("لا يذكره الأرشيف", answered=False, found=[evidence("a1", QUAY)]),
    ASKED["q4"]: answer("It burns 170 litres [1]", cite(1, "a3", LIGHT), short="170 litres",
                        found=[evidence("a3", LIGHT)]),
}  # fmt: skip


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in LINES))
    return path


@pytest.fixture(autouse=True)
def one_version(monkeypatch):
    """Nothing of an answer depends here on the code being edited while the tests run."""
    monkeypatch.setattr(runner, "answering_code", lambda: "one version")


def without_timings(document):
    text = json.dumps({k: v for k, v in document.items() if k != "run"}, sort_keys=True)
    loaded = json.loads(text)
    for group in (loaded, *loaded["by_lang"].values(), *loaded["by_type"].values()):
        group.pop("latency_ms")
        group["intervals"] = {k: v for k, v in group["intervals"].items() if "latency" not in k}
    for item in loaded["items"]:
        del item["timings"], item["fingerprint"]
    return loaded


def test_a_run_end_to_end(questions, tmp_path):
    assistant, out = ScriptedAssistant(SCRIPT), tmp_path / "out"
    seen = []
    m = evaluate(questions, out=out, assistant=assistant, progress=lambda *e: seen.append(e))
    assert m["n"] == 4 and m["answers"]["pass"] == 0.75
    assert m["by_lang"]["ar"]["answers"]["pass"] == round(2 / 3, 4)
    assert m["evidence"]["hit@1"] == round(2 / 3, 4) and m["evidence"]["hit@5"] == 1
    assert m["citations"] == {
        "precision": round(2 / 3, 4),
        "recall": round(2 / 3, 4),
        "resolvable": 1,
    }
    items = {i["id"]: i for i in m["items"]}
    assert items["q2"]["verdicts"]["problems"] == ["says none of: 40"]
    assert assistant.warm_ups == 1
    assert [e for e in seen if e[0] == "questions"][0] == ("questions", 0, 4)
    assert ("questions", 4, 4) in seen
    written = json.loads((out / "metrics.json").read_text())
    assert written == {k: v for k, v in m.items() if k != "items"}
    assert "server_api_key" not in written["run"]["settings"]
    lines = [json.loads(x) for x in (out / "items.jsonl").read_text().splitlines()]
    assert lines == m["items"] and [x["id"] for x in lines] == ["q1", "q2", "q3", "q4"]
    assert (out / "report.html").stat().st_size > 0


def test_the_order_of_questions_is_no_matter(questions, tmp_path):
    first = evaluate(questions, assistant=ScriptedAssistant(SCRIPT))
    turned = tmp_path / "turned.jsonl"
    turned.write_text("\n".join(questions.read_text().splitlines()[::-1]))
    second = evaluate(turned, assistant=ScriptedAssistant(SCRIPT))
    assert without_timings(first) == without_timings(second)


class _Interrupted(ScriptedAssistant):
    """Fails at the third question; the run before has written a line of it only in part."""

    def ask(self, question, history=()):
        if len(self.asked) == 2:
            raise ModelError("the model stopped")
        return super().ask(question, history)


def test_an_interrupted_run_resumes(questions, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ModelError):
        evaluate(questions, out=out, assistant=_Interrupted(SCRIPT))
    assert len((out / "items.jsonl").read_text().splitlines()) == 2
    with (out / "items.jsonl").open("a") as file:
        file.write('{"id": "q3", "answ')
    assistant = ScriptedAssistant(SCRIPT)
    resumed = evaluate(questions, out=out, assistant=assistant)
    assert assistant.asked == [ASKED["q3"], ASKED["q4"]]
    whole = evaluate(questions, assistant=ScriptedAssistant(SCRIPT))
    assert without_timings(resumed) == without_timings(whole)
    # Once more: nothing is left to ask, and no model is loaded.
    again = ScriptedAssistant(SCRIPT)
    assert without_timings(evaluate(questions, out=out, assistant=again)) == without_timings(whole)
    assert again.asked == [] and again.warm_ups == 0


def test_what_another_question_model_or_setting_gave_is_asked_again(questions, tmp_path):
    out = tmp_path / "out"
    evaluate(questions, out=out, assistant=ScriptedAssistant(SCRIPT))
    other = ScriptedAssistant(SCRIPT, Settings(evidence_sentences=3))
    evaluate(questions, out=out, assistant=other)
    assert len(other.asked) == 4
    changed = [LINES[0] | {"note": "another"}, *LINES[1:]]
    questions.write_text("\n".join(json.dumps(one) for one in changed))
    same = ScriptedAssistant(SCRIPT, Settings(evidence_sentences=3))
    evaluate(questions, out=out, assistant=same)
    assert same.asked == [ASKED["q1"]]


def test_another_version_of_the_code_asks_again(questions, tmp_path, monkeypatch):
    evaluate(questions, out=tmp_path / "out", assistant=ScriptedAssistant(SCRIPT))
    monkeypatch.setattr(runner, "answering_code", lambda: "another version")
    assistant = ScriptedAssistant(SCRIPT)
    evaluate(questions, out=tmp_path / "out", assistant=assistant)
    assert len(assistant.asked) == 4


def test_the_codes_digest_covers_what_answers_and_not_what_evaluates(monkeypatch, tmp_path):
    for name in ("models/a.py", "vectorstore/b.py", "rag/__init__.py", "rag/evaluation/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")

    class Spec:
        origin = str(tmp_path / "rag" / "__init__.py")

    monkeypatch.setattr(archives, "find_spec", lambda name: Spec)
    before = archives.answering_code()
    (tmp_path / "rag/evaluation/c.py").write_text("two")
    assert archives.answering_code() == before
    (tmp_path / "vectorstore/b.py").write_text("two")
    assert archives.answering_code() != before


def test_retrieval_only_never_asks(questions, tmp_path):
    assistant = ScriptedAssistant(SCRIPT)
    m = evaluate(questions, out=tmp_path / "out", assistant=assistant, retrieval_only=True)
    assert assistant.asked == [] and assistant.warm_ups == 0
    assert m["retrieval_only"] is True and m["answers"] is None
    assert m["evidence"]["hit@1"] == round(2 / 3, 4) and m["retrieval"]["n"] == 3
    assert "llm" not in m["run"]["models"]


def test_a_follow_up_is_asked_with_its_history(tmp_path):
    turns = [{"role": "user", "content": "كم كلف الرصيف؟"}, {"role": "assistant", "content": "17"}]
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(LINES[1] | {"type": "followup", "history": turns}))
    assistant = ScriptedAssistant(SCRIPT)
    evaluate(path, assistant=assistant)
    assert assistant.histories == [tuple(turns)]


def test_samples_are_drawn_by_seed_whatever_the_order(questions, tmp_path):
    def drawn(path, **how):
        m = evaluate(path, assistant=ScriptedAssistant(SCRIPT), **how)
        return [i["id"] for i in m["items"]]

    turned = tmp_path / "turned.jsonl"
    turned.write_text("\n".join(questions.read_text().splitlines()[::-1]))
    two = drawn(questions, sample=2, seed=0)
    assert len(two) == 2 and two == drawn(turned, sample=2, seed=0)
    assert any(drawn(questions, sample=2, seed=s) != two for s in range(1, 9))
    assert len(drawn(questions, sample=99)) == 4
    with pytest.raises(EvaluationError, match="--sample 0"):
        drawn(questions, sample=0)


def test_a_quote_that_is_not_in_the_article_stops_the_run_before_any_question(questions):
    bad = LINES[0] | {"evidence": [{"doc": "quay.txt", "quote": "ليس هنا"}]}
    questions.write_text(json.dumps(bad))
    assistant = ScriptedAssistant(SCRIPT)
    with pytest.raises(EvaluationError, match="'q1'.*'ليس هنا'"):
        evaluate(questions, assistant=assistant)
    assert assistant.asked == []


def test_a_judge_is_kept_apart(questions):
    model = FakeLanguageModel(lambda m: '{"correct": 1, "supported": 0, "why": "x"}')
    judged = evaluate(questions, assistant=ScriptedAssistant(SCRIPT), judge=Judge(model))
    assert judged["judge"] == {"correct": 1, "supported": 0, "n": 3, "unreadable": 0}
    plain = evaluate(questions, assistant=ScriptedAssistant(SCRIPT))
    assert "judge" not in plain
    for key in ("answers", "citations", "abstention", "intervals"):
        assert judged[key] == plain[key]


# -- over a real archive, with models that need no weights -----------------------------------------


@pytest.fixture
def built(tmp_path, monkeypatch):
    """Archives are built with fakes, in a cache of their own; the list holds every embedder."""
    embedders = []

    def opened(home, settings=None, *, read_only=False):
        embedders.append(FakeEmbedder())
        return Assistant(
            Store.open(home, read_only=read_only),
            settings or Settings(),
            embedder=lambda mine=embedders[-1]: mine,
            language_model=lambda: FakeLanguageModel(),
        )

    monkeypatch.setattr(Assistant, "open", staticmethod(opened))
    monkeypatch.setattr(archives, "_code", lambda places: "one version")
    monkeypatch.setattr(archives, "user_cache_path", lambda *a, **k: tmp_path / "cache")
    return embedders


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "quay.txt").write_text(f"{QUAY}\n{COST} {BOATS}\n")
    (folder / "other.txt").write_text("مهرجان الربيع يجمع العائلات في الحديقة العامة كل عام.\n")
    return folder


def test_an_archive_of_files_is_built_once(questions, files, built):
    questions.write_text("\n".join(json.dumps(one) for one in LINES[:2]))
    first = evaluate(questions, archive=[files], settings=Settings(), retrieval_only=True)
    assert first["evidence"]["hit@5"] == 1 and built[-1].passages > 0
    second = evaluate(questions, archive=[files], settings=Settings(), retrieval_only=True)
    assert built[-1].passages == 0
    assert without_timings(first) == without_timings(second)
    (files / "third.txt").write_text("خبر ثالث عن سوق السمك في المدينة القديمة.\n")
    evaluate(questions, archive=[files], settings=Settings(), retrieval_only=True)
    assert built[-1].passages > 0


def test_squad_questions_over_their_own_and_over_another_languages_paragraphs(tmp_path, built):
    def squad(name, context, question, text):
        entry = {
            "id": "s1",
            "question": question,
            "answers": [{"text": text, "answer_start": context.index(text)}],
        }
        path = tmp_path / name
        path.write_text(
            json.dumps({"data": [{"paragraphs": [{"context": context, "qas": [entry]}]}]})
        )
        return path

    arabic = squad("ar.json", f"{QUAY} {BOATS}", ASKED["q2"], "40 قاربا")
    english = squad("en.json", LIGHT, "How many boats?", "170")
    own = evaluate(arabic, settings=Settings(), retrieval_only=True)
    assert own["retrieval"]["hit@1"] == own["evidence"]["hit@5"] == 1
    crossed = evaluate(english, archive=[arabic], settings=Settings(), retrieval_only=True)
    (item,) = crossed["items"]
    assert (item["lang"], item["answers"], item["gold"][0]["quote"]) == ("en", ["170"], BOATS)
    with pytest.raises(EvaluationError, match="takes one SQuAD file"):
        evaluate(english, archive=[arabic, english])


def test_paragraphs_are_articles_with_their_titles_and_kept_apart_from_others(tmp_path, built):
    def titles(*paragraphs):
        with archives.build_archive([], paragraphs, Settings(), lambda *_: None) as assistant:
            (summary,) = assistant.articles()
            return summary.title, assistant.article(summary.article_id).text

    assert titles(Paragraph("Quay", QUAY)) == ("Quay", QUAY)
    assert built[-1].passages == 1
    assert titles(Paragraph(None, QUAY)) == (None, QUAY)
    assert built[-1].passages == 1
    titles(Paragraph("Quay", QUAY))
    assert built[-1].passages == 0


def test_a_missing_archive_and_an_empty_home_are_errors(questions, tmp_path, built):
    with pytest.raises(EvaluationError, match="no such file or folder"):
        evaluate(questions, archive=[tmp_path / "absent"], settings=Settings())
    empty = tmp_path / "home"
    Store.open(empty).close()
    with pytest.raises(EvaluationError, match="archive is empty"):
        evaluate(questions, home=empty)
