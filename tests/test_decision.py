"""Whether to answer: from what was found, and from a model's doubt that has read it."""

from __future__ import annotations

import math

import pytest

from fakes import FakeEmbedder, FakeLanguageModel
from rag.assistant import Assistant
from rag.decision import DOUBT, FOUND, Decision, load_decision, load_doubt, log_odds
from rag.generation import LEAST
from rag.prompts import answer_prompt
from rag.settings import Settings
from vectorstore.store import Store

DOUBTS = Decision(0.0, {FOUND: 1.0, DOUBT: -1.0}, 0.5)  # declines once the doubt outweighs


def test_a_decision_is_a_logistic_model() -> None:
    decision = Decision(-1.0, {"a": 2.0, "b": -1.0}, 0.5)
    assert decision.probability({"a": 1.0, "b": 1.0}) == 0.5
    assert decision.probability({"a": 1.0}) == pytest.approx(1 / (1 + math.exp(-1)))


def test_an_embedder_that_nothing_was_fitted_for_goes_by_words_alone() -> None:
    assert load_decision("nobody") == load_decision("any")
    assert set(load_decision("nobody").weights) == {"coverage"}


def test_a_model_that_nothing_was_fitted_for_is_not_asked() -> None:
    assert load_doubt("embeddinggemma-300m", "nobody", "ar") is None


def test_more_is_let_through_where_a_model_is_heard_next() -> None:
    both, one = Decision(0.0, {}, 0.5, 0.1), Decision(0.0, {}, 0.5)
    assert both.least(doubted=True) == 0.1 and both.least(doubted=False) == 0.5
    assert one.least(doubted=True) == 0.5


def test_log_odds_stay_finite() -> None:
    assert log_odds(0.5) == 0
    least = math.log(1e-6 / (1 - 1e-6))
    assert log_odds(0) == pytest.approx(least) and log_odds(1) == pytest.approx(-least)


ANSWERS = "المختصر: 12 مليون دينار\nالجواب: قال سالم إن جسر مرسى نور كلف 12 مليون دينار [1]."


QUESTION = "كم كلف جسر مرسى نور؟"


def ask(
    tmp_path, monkeypatch, probabilities, decision=DOUBTS, reply=ANSWERS, question=QUESTION,
    sentence="قال سالم إن جسر مرسى نور كلف 12 مليون دينار.",
):  # fmt: skip
    for module in ("answering", "authoring"):
        monkeypatch.setattr(f"rag.{module}.load_doubt", lambda *names: decision)
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "a.txt").write_text(sentence, "utf-8")
    model = FakeLanguageModel(lambda messages: reply, probabilities)
    with Assistant(
        Store.open(tmp_path / "home"), Settings(),
        embedder=lambda: FakeEmbedder(), language_model=lambda: model,
    ) as assistant:  # fmt: skip
        assistant.ingest([articles])
        return assistant.ask(question), model


def test_a_model_in_doubt_is_not_asked_for_an_answer(tmp_path, monkeypatch) -> None:
    hesitant = Decision(-50.0, {FOUND: 0.0, DOUBT: -1.0}, 0.5)
    first = answer_prompt("ar").unstated[0]
    answer, model = ask(tmp_path, monkeypatch, {first: 0.9}, hesitant)
    assert not answer.answered and answer.reason == "not_in_archive"
    assert len(model.prompts) == 1


def test_a_premise_that_the_best_sentence_contradicts_is_corrected_in_doubt_too(
    tmp_path, monkeypatch
) -> None:
    hesitant = Decision(-50.0, {FOUND: 0.0, DOUBT: -1.0}, 0.5)
    first = answer_prompt("ar").unstated[0]
    question = "لماذا رفض سالم جسر مرسى نور؟"
    sentence = "قال سالم إنه يؤيد بناء جسر مرسى نور."
    answer, model = ask(
        tmp_path, monkeypatch, {first: 0.9}, hesitant, question=question, sentence=sentence
    )
    assert answer.path == "quoted" and sentence.rstrip(".") in answer.text
    assert answer.text.startswith("ما ورد في المقالات خلاف ذلك") and len(model.prompts) == 1


def test_a_model_that_declines_in_words_is_corrected_too(tmp_path, monkeypatch) -> None:
    question, sentence = "لماذا رفض سالم جسر مرسى نور؟", "قال سالم إنه يؤيد بناء جسر مرسى نور."
    answer, _ = ask(
        tmp_path, monkeypatch, None, None, "المختصر: غير مذكور", question=question,
        sentence=sentence,
    )  # fmt: skip
    assert answer.text.startswith("ما ورد في المقالات خلاف ذلك")


@pytest.mark.parametrize(("refusing", "answered"), [(0.9, False), (0.4, True)])
def test_a_model_that_would_rather_refuse_is_believed(
    tmp_path, monkeypatch, refusing: float, answered: bool
) -> None:
    hopeful = Decision(50.0, {FOUND: 0.0, DOUBT: -1.0}, 0.5)
    first = answer_prompt("ar").unstated[0]
    answer, _ = ask(tmp_path, monkeypatch, {first: refusing}, hopeful)
    assert answer.answered is answered
    if not answered:
        assert answer.confidence == pytest.approx(refusing)


def test_a_model_without_doubt_answers_and_is_sure(tmp_path, monkeypatch) -> None:
    answer, model = ask(tmp_path, monkeypatch, {})
    assert answer.answered and answer.path == "generated"
    # Its doubt is the least there is: log odds of what was found plus log(1 / LEAST).
    assert answer.confidence > 1 / (1 + LEAST) - 0.05


def test_a_model_without_probabilities_is_believed(tmp_path, monkeypatch) -> None:
    answer, model = ask(tmp_path, monkeypatch, None)
    assert answer.answered and len(model.prompts) == 1


@pytest.mark.parametrize("probabilities", [None, {}])
def test_a_model_that_nothing_was_fitted_for_gives_its_own_verdict(
    tmp_path, monkeypatch, probabilities
) -> None:
    reply = "المختصر: غير مذكور\nالجواب: لا تذكر المقالات كلفة الجسر."
    answer, model = ask(tmp_path, monkeypatch, probabilities, None, reply)
    assert not answer.answered and answer.reason == "not_in_archive" and len(model.prompts) == 1


@pytest.mark.parametrize("language", ["ar", "en"])
def test_worked_examples_refuse_and_answer_as_the_prompt_says(language) -> None:
    prompt = answer_prompt(language)
    refused = {reply.startswith(prompt.refusal) for _, reply in prompt.examples}
    assert refused == {True, False}
    for _, reply in prompt.examples:
        assert reply.startswith(prompt.short)


@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_words_of_doubt_begin_differently(language) -> None:
    unstated = answer_prompt(language).unstated
    assert len(set(unstated)) == len(unstated) > 1
    assert all(words.startswith(" ") for words in unstated)  # tokens begin with their space
