"""The made-up news: articles that are read, and questions that they answer or do not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.retrieval import MADE_UP
from rag.evaluation.matching import unmet_groups
from rag.evaluation.questions import load_questions
from rag.loaders import find_files, load


@pytest.fixture(scope="module")
def questions():
    return load_questions(MADE_UP / "questions.jsonl").questions


def test_quotes_stand_in_the_articles(questions):
    files = find_files([MADE_UP / "articles"])
    texts = {Path(file).name: " ".join(item.text for item in load(file)) for file in files}
    assert len(texts) == 56
    for question in questions:
        for evidence in question.evidence:
            assert evidence.quote in texts[evidence.doc], question.id


def test_half_have_an_answer_that_meets_its_own_conditions(questions):
    counts = Counter((q.lang, q.answerable) for q in questions)
    assert counts == {("ar", True): 168, ("ar", False): 168, ("en", True): 56, ("en", False): 56}
    for question in questions:
        gold = (question.answers, question.must_include, question.evidence)
        assert all(gold) if question.answerable else not any(gold), question.id
        for answer in question.answers:
            assert unmet_groups(answer, question.must_include) == [], question.id


def test_readme_counts_them_right(questions):
    readme = (MADE_UP / "README.md").read_text(encoding="utf-8")
    assert f"{len(questions)} questions" in readme


def test_questions_are_json_lines_without_escapes():
    lines = (MADE_UP / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(json.dumps(json.loads(line), ensure_ascii=False) == line for line in lines)
