"""Gold quotes found in an archive by base name, url and id, and in copies."""

from __future__ import annotations

import pytest
from scripted_archive import COST, LIGHT, QUAY, ScriptedAssistant, place

from rag.evaluation.gold import GoldFinder, Place, find_quote
from rag.evaluation.questions import EvaluationError, GoldParagraph, GoldQuote, Question


def finder():
    assistant = ScriptedAssistant({})
    return GoldFinder(assistant.articles(), assistant.article, assistant.store.copies)


def ask(*quotes, **more):
    return Question("q1", "ar", "؟", "fact", evidence=quotes, **more)


def test_quotes_are_found_exactly_else_folded():
    assert find_quote("أب جد أب", "أب") == [(0, 2), (6, 8)]
    assert find_quote("قال  أحمدُ\n إنه", "احمد انه") == [(5, 15)]
    assert find_quote("ابجد", "هوز") == []
    assert find_quote("ابجد", "") == []


@pytest.mark.parametrize("doc", ["quay.txt", "a1", "some/folder/quay.txt"])
def test_an_article_is_named_by_its_file_or_id(doc):
    (gold,) = finder().find(ask(GoldQuote(doc, QUAY)))
    assert gold.places == (Place("a1", *place("a1", QUAY)),)


def test_an_article_is_named_by_its_url():
    (gold,) = finder().find(ask(GoldQuote("https://example.org/light", LIGHT)))
    assert gold.places[0].article_id == "a3"


def test_a_quote_also_stands_in_copies_of_the_story():
    (gold,) = finder().find(ask(GoldQuote("quay.txt", COST)))
    assert gold.places == (Place("a1", *place("a1", COST)), Place("a2", *place("a2", COST)))


def test_what_is_not_there_is_named():
    with pytest.raises(EvaluationError, match="'q1'.*no article 'absent.txt'"):
        finder().find(ask(GoldQuote("absent.txt", QUAY)))
    with pytest.raises(EvaluationError, match="'q1'.*'لا شيء كهذا'.*'quay.txt'"):
        finder().find(ask(GoldQuote("quay.txt", "لا شيء كهذا")))


def test_a_squad_paragraph_is_found_by_its_text():
    gold = finder().find(ask(paragraph=GoldParagraph(LIGHT, 0, len(LIGHT))))
    assert gold[0].whole_article and gold[0].places == (Place("a3", 0, len(LIGHT)),)
    with pytest.raises(EvaluationError, match="'q1'.*not an article"):
        finder().find(ask(paragraph=GoldParagraph("something else", 0, 9)))


def test_unanswerable_questions_have_no_gold():
    question = Question("q1", "ar", "؟", "unanswerable", evidence=(GoldQuote("absent", "x"),))
    assert finder().find(question) == ()
