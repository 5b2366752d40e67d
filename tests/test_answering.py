import threading
from pathlib import Path

import pytest

from fakes import FakeEmbedder, FakeLanguageModel
from models.protocols import ModelError
from rag.answer import AnswerReady, EvidenceFound, Token
from rag.assistant import Assistant
from rag.decision import Decision
from rag.settings import Settings
from vectorstore.store import Store
from vectorstore.types import Filters

BRIDGE = (
    "قال رئيس البلدية سالم الناصري إن جسر مرسى نور كلف 12 مليون دينار.\n"
    "وأضاف أن بناء الجسر استغرق عامين وثلاثة أشهر.\n"
    "وحضر الافتتاح عدد كبير من السكان والطلاب والصيادين."
)
HARBOUR = "أعلنت إدارة الميناء وصول 45 سفينة صيد إلى رصيف مرسى نور خلال شهر مارس."


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    (folder / "harbour.txt").write_text(HARBOUR, encoding="utf-8")
    return folder


def open_assistant(
    tmp_path: Path, archive: Path, reply, copied: str | None = None
) -> tuple[Assistant, FakeLanguageModel]:
    model = FakeLanguageModel(reply, copied=copied)
    assistant = Assistant(
        Store.open(tmp_path / "home"), Settings(),
        embedder=lambda: FakeEmbedder(), language_model=lambda: model,
    )  # fmt: skip
    assistant.ingest([archive])
    return assistant, model


def good(messages) -> str:
    return "المختصر: 12 مليون دينار\nالجواب: قال سالم الناصري إن الجسر كلف 12 مليون دينار [1]."


def test_evidence_comes_first_then_tokens_then_the_verified_answer(tmp_path, archive) -> None:
    assistant, _ = open_assistant(tmp_path, archive, good)
    with assistant:
        events = list(assistant.stream("كم كلف جسر مرسى نور؟"))
    assert isinstance(events[0], EvidenceFound) and isinstance(events[-1], AnswerReady)
    assert events[1:-1] and all(isinstance(e, Token) for e in events[1:-1])
    answer = events[-1].answer
    assert answer.answered and answer.path == "generated" and answer.short == "12 مليون دينار"
    assert answer.sentences[0].supported and answer.sentences[0].citations


def test_every_quote_slices_the_article(tmp_path, archive) -> None:
    assistant, _ = open_assistant(tmp_path, archive, good)
    with assistant:
        answer = assistant.ask("كم كلف جسر مرسى نور؟")
        assert answer.citations
        for c in answer.citations:
            assert assistant.article(c.article_id).text[c.start : c.end] == c.quote


def test_an_invented_figure_is_cut_and_the_articles_words_stand_in(tmp_path, archive) -> None:
    assistant, _ = open_assistant(
        tmp_path,
        archive,
        lambda m: "المختصر: 99 مليون\nالجواب: كلف جسر مرسى نور 99 مليون دينار [1].",
    )
    with assistant:
        answer = assistant.ask("كم كلف جسر مرسى نور؟")
    assert answer.answered and answer.path == "quoted"
    assert "99" not in answer.text and "12 مليون دينار" in answer.text and answer.short is None


@pytest.mark.parametrize(
    ("question", "cited"),
    [("من قال إن بناء الجسر استغرق عامين؟", True), ("كم استغرق بناء الجسر؟", False)],
)
def test_who_speaks_is_cited_where_that_was_asked(tmp_path, archive, question, cited) -> None:
    assistant, _ = open_assistant(
        tmp_path, archive,
        lambda m: "المختصر: سالم الناصري\n"
        "الجواب: قال سالم الناصري إن بناء الجسر استغرق عامين وثلاثة أشهر [1].",
    )  # fmt: skip
    with assistant:
        answer = assistant.ask(question)
    quotes = " ".join(c.quote for c in answer.citations)
    assert "استغرق عامين" in quotes and "سالم الناصري" in answer.text
    assert ("سالم الناصري" in quotes) == cited


ECHO = "المختصر: جسر مرسى نور\nالجواب: كلف جسر مرسى نور 99 مليون دينار [1]."


def echoing(tmp_path, archive, second: str) -> tuple:
    """The answer where a model echoes, points to the figure, and then writes ``second``."""
    replies = iter([ECHO, second])
    assistant, model = open_assistant(
        tmp_path, archive, lambda _: next(replies), copied=" 12 مليون دينار\n"
    )
    with assistant:
        return assistant.ask("بماذا أخبر سالم الناصري عن كلفة جسر مرسى نور؟"), model


def test_a_model_held_to_the_articles_words_writes_its_sentence_to_them(tmp_path, archive) -> None:
    second = " قال سالم الناصري إن الجسر كلف 12 مليون دينار [1]."
    answer, model = echoing(tmp_path, archive, second)
    assert answer.path == "repaired" and answer.short == "12 مليون دينار"
    assert answer.sentences[0].text.startswith("قال سالم الناصري")
    assert model.prefills[-1] == "المختصر: 12 مليون دينار\nالجواب:"


def test_the_words_pointed_to_are_shown_in_the_quote_where_no_sentence_holds(
    tmp_path, archive
) -> None:
    answer, _ = echoing(tmp_path, archive, " كلف جسر مرسى نور 99 مليون دينار [1].")
    assert answer.path == "quoted" and answer.short == "12 مليون دينار"
    assert "99" not in answer.text and len(answer.citations) == 1


def test_an_arabic_answer_is_not_held_to_english_words(tmp_path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "a.txt").write_text("Salem Nasiri said that the bridge cost 12 million.", "utf-8")
    assistant, _ = open_assistant(tmp_path, folder, lambda _: ECHO, copied=" Salem Nasiri\n")
    with assistant:
        answer = assistant.ask("who is Salem Nasiri of the bridge?", language="ar")
    assert answer.short is None


def test_of_two_sentences_as_close_one_is_quoted(tmp_path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "a.txt").write_text("افتتح الوزير الجسر الجديد. أغلق الوزير الجسر القديم.", "utf-8")
    assistant, _ = open_assistant(tmp_path, folder, lambda _: "المختصر: لا شيء")
    with assistant:
        answer = assistant.ask("هل افتتح الوزير الجسر الجديد وأغلق الوزير الجسر القديم؟")
    assert answer.path == "quoted" and len(answer.citations) == 1


@pytest.mark.parametrize("copied", [None, " 12 مليون دينار"])
def test_a_model_that_points_to_no_words_is_asked_with_the_best_sentence_alone(
    tmp_path, archive, copied, monkeypatch
) -> None:
    monkeypatch.setattr("rag.sources.BEHIND", 9.0)  # so that there are others
    assistant, model = open_assistant(
        tmp_path, archive, lambda m: ECHO if "[2]" in m[-1].content else good(m), copied=copied
    )
    with assistant:
        answer = assistant.ask("بماذا أخبر سالم الناصري عن كلفة جسر مرسى نور وبناء الجسر؟")
    assert "[2]" in model.prompts[0][-1].content and "[2]" not in model.prompts[-1][-1].content
    assert answer.path == "repaired" and answer.short == "12 مليون دينار"


def test_a_request_is_put_to_the_model_as_a_question(tmp_path, archive) -> None:
    assistant, model = open_assistant(tmp_path, archive, good)
    with assistant:
        answer = assistant.ask("اذكر كلفة جسر مرسى نور.")
    assert "ما كلفة جسر مرسى نور؟" in model.prompts[0][-1].content
    assert answer.question == "اذكر كلفة جسر مرسى نور." and answer.short == "12 مليون دينار"


def test_each_part_of_a_question_is_answered_by_itself(tmp_path, archive) -> None:
    def reply(messages) -> str:
        arrived = "المختصر: 45 سفينة\nالجواب: وصلت 45 سفينة صيد إلى رصيف مرسى نور [1]."
        return arrived if "سفينة صيد وصلت" in messages[-1].content else good(messages)

    assistant, model = open_assistant(tmp_path, archive, reply)
    with assistant:
        answer = assistant.ask("كم كلف جسر مرسى نور، وكم سفينة صيد وصلت إلى رصيف مرسى نور؟")
        assert all(
            assistant.article(c.article_id).text[c.start : c.end] == c.quote
            for c in answer.citations
        )
    assert answer.short == "12 مليون دينار؛ 45 سفينة صيد" and len(model.prompts) == 2
    assert [c.n for c in answer.citations] == [1, 2]
    assert "12 مليون دينار [1]" in answer.text and "» [2]" in answer.text


def test_a_part_that_leans_is_asked_with_the_rest(tmp_path, archive, monkeypatch) -> None:
    monkeypatch.setattr("rag.answering.load_decision", lambda name: Decision(50.0, {}, 0.5))
    assistant, model = open_assistant(tmp_path, archive, good)
    with assistant:
        assistant.ask("كم كلف جسر مرسى نور الجديد، وكم استغرق بناؤه بالسنوات والأشهر؟")
    asked = [messages[-1].content for messages in model.prompts]
    assert any("بناؤه بالسنوات والأشهر؟ (كم كلف جسر مرسى نور الجديد)" in text for text in asked)


def test_a_question_given_up_between_its_parts_ends(tmp_path, archive) -> None:
    cancel = threading.Event()

    def reply(messages) -> str:
        cancel.set()
        return good(messages)

    assistant, model = open_assistant(tmp_path, archive, reply)
    with assistant:
        events = assistant.stream(
            "كم كلف جسر مرسى نور، وكم سفينة صيد وصلت إلى رصيف مرسى نور؟", cancel=cancel
        )
        *_, last = events
    assert last.answer.reason == "cancelled" and len(model.prompts) == 1


def test_a_question_without_an_answer_is_declined_with_the_nearest(tmp_path, archive) -> None:
    assistant, model = open_assistant(tmp_path, archive, good)
    with assistant:
        answer = assistant.ask("xyzzy qwerty?")
    assert not answer.answered and answer.reason == "not_in_archive" and answer.path == "declined"
    assert not answer.citations and not model.prompts


def test_a_country_that_no_article_names_is_not_answered_for(tmp_path, archive) -> None:
    assistant, model = open_assistant(tmp_path, archive, good)
    with assistant:
        answer = assistant.ask("كم كلف جسر مرسى نور في منغوليا؟")
    assert not answer.answered and answer.reason == "not_in_archive" and not model.prompts
    assert answer.confidence >= 0.8


def test_of_two_articles_the_one_that_names_the_country_is_asked(tmp_path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, country in (("a", "النرويج"), ("b", "منغوليا")):
        (folder / f"{name}.txt").write_text(f"كلف جسر {country} 12 مليون دينار.", "utf-8")
    assistant, model = open_assistant(tmp_path, folder, good)
    with assistant:
        assistant.ask("كم كلف الجسر في منغوليا؟")
    assert "منغوليا" in model.prompts[0][-1].content
    assert "النرويج" not in model.prompts[0][-1].content


def test_an_empty_archive_says_so(tmp_path) -> None:
    model = FakeLanguageModel(good)
    with Assistant(
        Store.open(tmp_path / "home"), Settings(),
        embedder=lambda: FakeEmbedder(), language_model=lambda: model,
    ) as assistant:  # fmt: skip
        assert assistant.ask("كم كلف الجسر؟").reason == "empty_archive"


def test_small_talk_needs_no_retrieval(tmp_path, archive) -> None:
    assistant, model = open_assistant(tmp_path, archive, good)
    with assistant:
        answer = assistant.ask("مرحبا")
    assert answer.path == "conversation" and not model.prompts and not answer.citations


def test_a_conversation_remembers(tmp_path, archive) -> None:
    assistant, model = open_assistant(tmp_path, archive, good)
    with assistant:
        chat = assistant.conversation()
        chat.ask("كم كلف جسر مرسى نور؟")
        chat.ask("وكم استغرق؟")
    assert [turn["role"] for turn in chat.history] == ["user", "assistant"] * 2
    assert "كم كلف جسر مرسى نور" in model.prompts[-1][-1].content


def test_a_model_that_fails_midway_leaves_the_articles_words(tmp_path, archive) -> None:
    def fail(messages) -> str:
        raise ModelError("the prompt is too long")

    assistant, model = open_assistant(tmp_path, archive, fail)
    with assistant:
        answer = assistant.ask("كم كلف جسر مرسى نور؟")
    assert model.prompts and answer.answered and answer.path == "quoted" and answer.citations
    assert "12 مليون دينار" in answer.text
    assert answer.to_dict()["model_error"] == "the prompt is too long"


def test_a_model_that_is_not_there_is_an_error(tmp_path, archive) -> None:
    def missing():
        raise ModelError("not installed; run: mustanad models pull")

    with Assistant(
        Store.open(tmp_path / "home"), Settings(),
        embedder=lambda: FakeEmbedder(), language_model=missing,
    ) as assistant:  # fmt: skip
        assistant.ingest([archive])
        with pytest.raises(ModelError, match="models pull"):
            assistant.ask("كم كلف جسر مرسى نور؟")


def test_an_article_removed_during_a_question_does_no_harm(tmp_path, archive) -> None:
    def remove_all(messages) -> str:
        assistant.remove([a.article_id for a in assistant.articles()])
        return good(messages)

    assistant, _ = open_assistant(tmp_path, archive, remove_all)
    with assistant:
        answer = assistant.ask("كم كلف جسر مرسى نور؟")
    assert answer.answered and all(c.quote in BRIDGE + HARBOUR for c in answer.citations)


def test_articles_removed_between_search_and_reading_are_left_out(
    tmp_path, archive, monkeypatch
) -> None:
    assistant, model = open_assistant(tmp_path, archive, good)
    with assistant:
        search = assistant.store.search_keywords

        def search_then_remove(*args):
            found = search(*args)
            assistant.remove([a.article_id for a in assistant.articles()])
            return found

        monkeypatch.setattr(assistant.store, "search_keywords", search_then_remove)
        assert not assistant.search("كم كلف جسر مرسى نور؟").evidence
        assert assistant.ask("كم كلف جسر مرسى نور؟").reason == "empty_archive"
    assert not model.prompts


def test_an_arabic_question_answered_in_english_clips_by_its_own_words(tmp_path, archive) -> None:
    filler = "، ".join(f"وتحدث الحاضرون عن الموضوع رقم {i}" for i in range(20))
    long = f"{filler}، وكلف مسبح الحي الشرقي 77 مليون دينار، {filler}"
    (archive / "pool.txt").write_text(long, encoding="utf-8")
    assistant, model = open_assistant(tmp_path, archive, lambda m: "")
    with assistant:
        answer = assistant.ask("كم كلف مسبح الحي الشرقي؟", language="en")
    assert answer.language == "en" and "77 مليون" in answer.text
    assert any("77 مليون" in prompt[-1].content for prompt in model.prompts)


def test_an_arabic_question_over_english_evidence_is_not_answered_in_english(
    tmp_path, archive
) -> None:
    tower = "Mayor Salem Nasiri said that the Marsa Tower (برج مرسى) cost 88 million dinars."
    (archive / "tower.txt").write_text(tower, encoding="utf-8")
    written = "Mayor Salem Nasiri said that the tower cost 88 million dinars [1]."
    assistant, model = open_assistant(
        tmp_path, archive, lambda m: f"المختصر: 88 million dinars\nالجواب: {written}"
    )
    with assistant:
        filters = Filters(language="en")
        answer = assistant.ask("88 million Marsa Tower برج مرسى", language="ar", filters=filters)
    assert model.prompts and answer.language == "ar" and answer.path == "quoted"
    assert answer.citations[0].quote == tower and f"«{tower}»" in answer.text


@pytest.mark.parametrize("question", ["؟!", "🚢🚢", "{} {0} {question} %s", "'\"; --", "؟" * 300])
def test_odd_questions_are_declined(tmp_path, archive, question: str) -> None:
    assistant, _ = open_assistant(tmp_path, archive, good)
    with assistant:
        assert not assistant.ask(question).answered
        assert assistant.search(question).passages


def test_marks_alone_ask_nothing_whatever_their_vector(tmp_path, archive, monkeypatch) -> None:
    monkeypatch.setattr("rag.answering.load_decision", lambda _: Decision(9.0, {}, 0.1))
    assistant, model = open_assistant(tmp_path, archive, good)
    with assistant:
        for question in ("؟!", "🚢"):
            assert assistant.ask(question).reason == "not_in_archive"
    assert not model.prompts


def test_braces_in_articles_and_questions_reach_the_model_as_they_are(tmp_path, archive) -> None:
    (archive / "code.txt").write_text("كلف برج {سيدرا} مبلغ {0} 88 مليون دينار.", encoding="utf-8")
    assistant, model = open_assistant(tmp_path, archive, lambda m: "{short} {0}")
    with assistant:
        answer = assistant.ask("كم كلف برج {سيدرا}؟")
    assert "{سيدرا} مبلغ {0} 88" in model.prompts[0][-1].content
    assert "{سيدرا} مبلغ {0} 88" in answer.text


def test_questions_that_cannot_be_read_are_refused(tmp_path, archive) -> None:
    assistant, _ = open_assistant(tmp_path, archive, good)
    with assistant:
        for ask in (assistant.ask, assistant.search, assistant.stream):
            with pytest.raises(ValueError, match="20000 characters"):
                ask("جسر " * 5000)
            with pytest.raises(ValueError, match="empty"):
                ask(" \n")
        with pytest.raises(ValueError, match="at least 1"):
            assistant.search("الجسر", k=0)


def test_a_conversation_over_a_malformed_history_is_refused(tmp_path, archive) -> None:
    assistant, _ = open_assistant(tmp_path, archive, good)
    with assistant, pytest.raises(ValueError, match="history turn 0"):
        assistant.conversation(["ومتى؟"])


def test_an_empty_question_is_refused(tmp_path, archive) -> None:
    assistant, _ = open_assistant(tmp_path, archive, good)
    with assistant, pytest.raises(ValueError, match="empty"):
        assistant.ask("  ")


def test_langchain_documents_carry_the_citation(tmp_path, archive) -> None:
    assistant, _ = open_assistant(tmp_path, archive, good)
    with assistant:
        documents = assistant.as_retriever(k=2).invoke("كم كلف جسر مرسى نور؟")
        assert len(documents) == 2
        first = documents[0]
        text = assistant.article(first.metadata["article_id"]).text
        assert text[first.metadata["start"] : first.metadata["end"]] == first.page_content
        assert assistant.as_runnable().invoke("كم كلف جسر مرسى نور؟").answered


def test_an_article_is_not_introduced_by_a_title_in_another_language(tmp_path, archive) -> None:
    page = f"<html><head><title>The bridge</title></head><body><p>{BRIDGE}</p></body></html>"
    (archive / "bridge.txt").unlink()
    (archive / "bridge.html").write_text(page, encoding="utf-8")
    assistant, _ = open_assistant(tmp_path, archive, lambda m: "")
    with assistant:
        answer = assistant.ask("كم كلف جسر مرسى نور؟")
    assert answer.citations[0].title == "The bridge"
    assert "The bridge" not in answer.text and answer.text.startswith("مقال: «")
