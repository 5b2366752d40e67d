"""Metrics of single questions, by hand."""

from __future__ import annotations

import pytest
from scripted_archive import (
    ARTICLES,
    BOATS,
    COST,
    LIGHT,
    QUAY,
    ScriptedAssistant,
    answer,
    cite,
    evidence,
    passage,
    place,
)

from rag.evaluation.gold import Gold, GoldFinder, Place
from rag.evaluation.metrics import (
    answer_verdicts,
    answerability,
    covers,
    declined,
    hit_at,
    judged,
    problems,
    ranks,
    recall_at,
    reciprocal_rank,
    retrieval_verdicts,
)
from rag.evaluation.questions import GoldQuote, Question

TEXTS = {i: a.text for i, a in ARTICLES.items()}


def gold(*quotes, whole=False):
    return [
        Gold("d", words, (Place(i, *place(i, words)),), whole_article=whole) for i, words in quotes
    ]


def question(kind="number", must=(("17",),), lang="ar", answers=("17 مليون دينار",), **more):
    return Question("q1", lang, "كم بلغت الكلفة؟", kind, answers, must, **more)


@pytest.mark.parametrize(
    ("a", "b", "covered"),
    [
        ((0, 10), (0, 10), True),
        ((0, 10), (5, 15), True),  # 5 of 10
        ((0, 10), (6, 16), False),  # 4 of 10
        ((0, 100), (40, 44), True),  # the shorter lies inside
        ((0, 100), (98, 102), True),  # 2 of 4
        ((0, 100), (99, 103), False),  # 1 of 4
        ((0, 10), (10, 20), False),
        ((0, 0), (0, 10), False),
    ],
)
def test_half_of_the_shorter_span(a, b, covered):
    assert covers(*a, *b) is covered and covers(*b, *a) is covered


def test_ranking_metrics_by_hand():
    found = [3, None, 1, 6]  # four quotes; the second is not found
    assert [hit_at(found, k) for k in (1, 3)] == [1, 1]
    assert [recall_at(found, k) for k in (1, 3, 5, 8)] == [0.25, 0.5, 0.5, 0.75]
    assert reciprocal_rank(found) == 1
    assert reciprocal_rank([None, 4]) == 0.25
    assert hit_at([None, 4], 3) == 0 and hit_at([None, 4], 4) == 1
    assert reciprocal_rank([None]) == hit_at([None], 10) == recall_at([None], 10) == 0


def spans(*found):
    return [{"article_id": f.article_id, "start": f.start, "end": f.end} for f in found]


def test_ranks_of_gold_among_evidence_and_passages():
    wanted = gold(("a1", COST), ("a1", BOATS))
    found = spans(evidence("a3", LIGHT), evidence("a1", BOATS), evidence("a1", QUAY))
    assert ranks(found, wanted) == [None, 2]
    retrieved = {"evidence": found, "passages": spans(passage("a3"), passage("a1"))}
    assert retrieval_verdicts(wanted, retrieved) == {
        "passage_ranks": [2, 2],
        "evidence_ranks": [None, 2],
    }
    assert retrieval_verdicts([], retrieved) == {}


def test_a_squad_passage_is_a_hit_wherever_it_lies_in_the_paragraph():
    # Nothing of the gold sentence is in this span, but it is of the question's paragraph.
    found = spans(evidence("a1", QUAY))
    wanted = gold(("a1", BOATS), whole=True)
    assert ranks(found, wanted, passages=True) == [1]
    assert ranks(found, wanted) == [None]


def test_a_copy_of_the_story_is_as_good():
    finder = GoldFinder((a := ScriptedAssistant({})).articles(), a.article, a.store.copies)
    wanted = finder.find(Question("q", "ar", "؟", "fact", evidence=(GoldQuote("quay.txt", COST),)))
    assert ranks(spans(evidence("a2", COST)), wanted) == [1]


def verdicts(of, given, wanted=(), sources=()):
    return answer_verdicts(of, wanted, given.to_dict(), sources, TEXTS)


def test_a_right_answer_passes():
    given = answer(f"«{COST}» [1]", cite(1, "a1", COST), short="17 مليون دينار", confidence=0.7)
    found = verdicts(question(), given, gold(("a1", COST)))
    assert found["pass"] is True and found["problems"] == []
    assert found["token_f1"] == 1 and found["language_ok"] is True
    assert found["cited_on_gold"] == [True] and found["resolvable"] is True
    assert found["sentences_on_gold"] == [[0.8, True]]
    assert found["answerability"] == 0.7 and found["declined"] is False


def test_a_refusal_never_passes():
    for given in (
        answer("لا يذكر الأرشيف كلفة تبلغ 17 مليون دينار", answered=False),
        answer("لا أعرف إن كانت الكلفة 17 مليونا"),  # it calls itself an answer
    ):
        found = verdicts(question(), given, gold(("a1", COST)))
        assert found["pass"] is False and found["declined"] is True
        assert found["problems"] == ["declined"] and found["token_f1"] == 0
        assert found["cited_on_gold"] is None


def test_a_wrong_number_does_not_pass():
    found = verdicts(question(), answer("بلغت 170 مليون دينار"))
    assert found["problems"] == ["says none of: 17"]


def test_a_dump_of_quotes_does_not_pass():
    dump = f"{QUAY} {COST} {BOATS}"
    found = verdicts(question(), answer(dump), sources=[TEXTS["a1"]])
    assert found["problems"] == ["3 quoted sentences, at most 2"]
    many = question("list")
    assert verdicts(many, answer(dump), sources=[TEXTS["a1"]])["pass"] is True


def test_unanswerable_questions_want_a_decline():
    of = question("unanswerable", must=(), answers=())
    right = verdicts(of, answer("لا يذكره الأرشيف", answered=False, confidence=0.8))
    assert right["pass"] is True and right["token_f1"] is None
    assert right["answerability"] == pytest.approx(0.2)
    wrong = verdicts(of, answer("بلغت 17"))
    assert wrong["pass"] is False and "archive does not say" in wrong["problems"][0]


def test_false_premises_want_a_correction():
    of = Question(
        "q1",
        "en",
        "Why did the mayor refuse to open the quay?",
        "false_premise",
        ("She did not: she opened it in March",),
        (("opened",),),
    )

    def why(text, **more):
        return problems(of, answer(text, **more).to_dict(), [])

    assert why("The mayor did not refuse; she opened it in March.") == []
    assert why("The mayor opened it in March.") == []
    assert why("The mayor refused for a year, then opened the quay.") == [
        "asserts the false premise"
    ]
    assert why("The archive does not say.", answered=False) == ["declined"]


def test_citations_off_gold_and_unresolvable():
    given = answer("x [1][2][3]", cite(1, "a1", COST), cite(2, "a1", BOATS), cite(3, "a2", COST))
    found = verdicts(question(), given, gold(("a1", COST)))
    # The copy counts only where the finder has listed its place; here it has not.
    assert found["cited_on_gold"] == [True, False, False]
    shifted = cite(1, "a1", COST)
    shifted = type(shifted)(**{**vars(shifted), "start": shifted.start + 1})
    assert verdicts(question(), answer("x [1]", shifted))["resolvable"] is False
    assert verdicts(question(), answer("x"))["resolvable"] is None
    unknown = type(shifted)(**{**vars(shifted), "article_id": "gone"})
    assert verdicts(question(), answer("x [1]", unknown))["resolvable"] is False


def test_the_language_of_a_decline_counts_too():
    of = question("unanswerable", must=(), answers=())
    assert verdicts(of, answer("It is not in the archive", answered=False))["language_ok"] is False


def test_answerability_turns_the_confidence_of_a_decline():
    assert answerability(answer("x", confidence=0.9).to_dict()) == 0.9
    given = answer("x", answered=False, confidence=0.9).to_dict()
    assert answerability(given) == pytest.approx(0.1) and declined(given)


def test_a_question_without_must_include_is_not_judged():
    assert not judged(question(must=())) and judged(question("unanswerable", must=()))
    assert verdicts(question(must=()), answer("anything"))["pass"] is None
