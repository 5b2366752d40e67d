from pathlib import Path

import pytest
from fakes import FakeEmbedder, FakeLanguageModel

from rag.answer import AnswerReady, EvidenceFound, Token
from rag.assistant import Assistant
from rag.settings import Settings
from vectorstore.store import Store

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


def open_assistant(tmp_path: Path, archive: Path, reply) -> tuple[Assistant, FakeLanguageModel]:
    model = FakeLanguageModel(reply)
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


def test_a_speaker_named_earlier_is_cited_too(tmp_path, archive) -> None:
    assistant, _ = open_assistant(
        tmp_path, archive,
        lambda m: "المختصر: عامين وثلاثة أشهر\nالجواب: قال سالم الناصري إن بناء الجسر استغرق عامين وثلاثة أشهر [1].",
    )  # fmt: skip
    with assistant:
        answer = assistant.ask("كم استغرق بناء الجسر؟")
    quotes = " ".join(c.quote for c in answer.citations)
    assert "استغرق عامين" in quotes and "سالم الناصري" in quotes


def test_a_question_without_an_answer_is_declined_with_the_nearest(tmp_path, archive) -> None:
    assistant, model = open_assistant(tmp_path, archive, good)
    with assistant:
        answer = assistant.ask("xyzzy qwerty?")
    assert not answer.answered and answer.reason == "not_in_archive" and answer.path == "declined"
    assert not answer.citations and not model.prompts


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
