"""The report: everything there, escaped, right-to-left where Arabic, and no network."""

from __future__ import annotations

import re

import pytest
from scripted_archive import BOATS, COST, LIGHT, QUAY, ScriptedAssistant, place
from test_evaluation_runner import ASKED, LINES, SCRIPT

from rag.evaluation import evaluate
from rag.evaluation.excerpts import Mark, cut_excerpts, segments
from rag.evaluation.report import direction, outcome, render_report


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    import json

    path = tmp_path_factory.mktemp("set") / "<i>set.jsonl"
    hostile = LINES[2] | {"note": "</details><script>alert(1)</script>"}
    path.write_text("\n".join(json.dumps(one) for one in [*LINES[:2], hostile, LINES[3]]))
    return evaluate(path, assistant=ScriptedAssistant(SCRIPT))


@pytest.fixture(scope="module")
def page(run):
    return render_report(run, run["items"])


def test_every_item_is_there_with_its_outcome(run, page):
    assert page.count('<details class="item"') == 4
    assert {i["id"]: outcome(i) for i in run["items"]} == {
        "q1": "pass", "q2": "fail", "q3": "pass", "q4": "pass",
    }  # fmt: skip
    assert "says none of: 40" in page


def test_figures_have_intervals_and_languages(page):
    row = re.search(r"<tr><td>answers\.pass</td>.*?</tr>", page).group()
    assert "0.750" in row and "0.667" in row and "1.000" in row
    assert page.count("<svg") == 6


def test_evidence_is_highlighted_in_the_article(page):
    assert f'<mark class="cited found gold" title="cited, found, gold">{COST}</mark>' in page
    assert f'<mark class="cited found" title="cited, found">{QUAY}</mark>' in page
    assert f'<mark class="found gold" title="found, gold">{BOATS}</mark>' in page


def test_direction_follows_the_text(page):
    assert f'dir="rtl" style="display:block">{ASKED["q1"]}' in page
    assert f'dir="ltr" style="display:block">{ASKED["q4"]}' in page
    assert direction("افتتاح ميناء") == "rtl" and direction("a port") == "ltr"


def test_everything_is_escaped(page):
    assert "<b>170</b>" not in page and "&lt;b&gt;170&lt;/b&gt;" in page  # from an article
    assert "alert(1)</script>" not in page and "<i>set" not in page and "&lt;i&gt;set" in page
    assert page.count("<script>") == 1
    assert LIGHT not in page


def test_the_page_needs_no_network(page):
    assert "default-src 'none'" in page
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    assert not re.search(r'(?:src|href|url\()\s*=?\s*["\']?(?:https?:)?//', without_names)
    assert "<link" not in page and "<img" not in page and "@import" not in page


def test_ids_of_the_charts_do_not_collide(page):
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_the_same_run_gives_the_same_bytes(run, page):
    assert render_report(run, run["items"]) == page


def test_excerpts_hold_their_marks_and_cut_no_word():
    article = ScriptedAssistant({}).article
    start, end = place("a1", COST)
    (excerpt,) = cut_excerpts([Mark("a1", start, end, "gold")], article)
    found = excerpt.to_dict()
    pieces = segments(found)
    assert "".join(text for text, _ in pieces) == article("a1").text[excerpt.start : excerpt.end]
    assert [text for text, kinds in pieces if kinds == ("gold",)] == [COST]


def test_excerpts_of_marks_far_apart_are_two():
    from vectorstore.types import Article

    words = "كلمة " * 400
    article = Article("/x", "", words)
    marks = [Mark("x", 0, 4, "gold"), Mark("x", 1500, 1504, "found")]
    first, second = cut_excerpts(marks, lambda _: article)
    assert first.end < second.start and first.start == 0
    assert not second.text[0].isspace() and words[second.start - 1] == " "
    overlapping = [Mark("x", 0, 9, "gold"), Mark("x", 5, 14, "found")]
    (both,) = cut_excerpts(overlapping, lambda _: article)
    kinds = [k for _, k in segments(both.to_dict())]
    assert kinds[:3] == [("gold",), ("found", "gold"), ("found",)]
