"""From a question in the box to a verified answer in the chat: the page's event handlers.

What the chat shows is always rendered from its turns, so nothing that a browser sends back is ever
taken for an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from models.protocols import Cancelled, ModelError
from rag.answer import Answer, AnswerReady, EvidenceFound, Retrieved, Token
from ui.conversations import Rated
from ui.desk import Desk
from ui.render import answer_html, failure_html, pending_html, question_html, redacted_html
from ui.runs import Runs
from ui.texts import Language, text
from ui.turns import Turn
from vectorstore.types import Filters, StoreError

log = logging.getLogger(__name__)

NO_FILTERS = Filters()
REMEMBERED_TURNS = 4  # what a follow-up can refer to


@dataclass(frozen=True)
class Chat:
    """What a tab has open: a saved conversation (None: a new one) and what it holds."""

    conversation_id: str | None = None
    rated: tuple[Rated, ...] = ()
    editing: str | None = None  # the turn whose question is being asked anew
    noting: str | None = None  # the turn whose note is open

    def before(self, turn_id: str | None) -> Chat:
        """The conversation up to a turn; all of it for None."""
        ids = [r.turn.turn_id for r in self.rated]
        kept = self.rated[: ids.index(turn_id)] if turn_id in ids else self.rated
        return replace(self, rated=kept, editing=None)


def transcript(rated: Sequence[Rated], language: Language) -> list[dict[str, str]]:
    """All bubbles of a conversation."""
    return [message for r in rated for message in messages_of(r.turn, language, r.rating)]


def messages_of(turn: Turn, language: Language, rating: int | None = None) -> list[dict[str, str]]:
    """The two bubbles of a turn."""
    if turn.answer is not None:
        shown = answer_html(
            turn.answer, language, sample=turn.sample, key=turn.turn_id, rating=rating
        )
    elif turn.error:
        shown = failure_html(turn.error, language)
    else:
        shown = redacted_html(language)
    asked = question_html(turn.question, language, turn.turn_id)
    return [_bubble("user", asked), _bubble("assistant", shown)]


def history(rated: Sequence[Rated]) -> list[dict[str, str]]:
    """The last turns as the assistant takes them; failed and stopped ones are left out."""
    messages = []
    for turn in [r.turn for r in rated[-REMEMBERED_TURNS:]]:
        if turn.answer is not None and turn.answer.text:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer.text})
    return messages


def ask(
    desk: Desk,
    runs: Runs,
    tab: str,
    question: str,
    before: Sequence[Rated],
    language: Language,
    filters: Filters = NO_FILTERS,
) -> Iterator[tuple[list[dict[str, str]], Turn | None]]:
    """Yield the chat as it grows, and with the last of it the finished turn.

    Stops within a tick when the tab's run is stopped or the iteration is left.
    """
    sample = desk.is_demo
    shown = [*transcript(before, language), _bubble("user", question_html(question, language))]

    def bubbles(retrieved: Retrieved | None, draft: str, status: str) -> list[dict[str, str]]:
        return [
            *shown,
            _bubble("assistant", pending_html(retrieved, draft, status, language, sample)),
        ]

    assistant = desk.assistant
    status = text("searching", language)
    yield bubbles(None, "", status), None
    run = runs.start(
        tab,
        lambda cancel: assistant.stream(
            question, filters=filters, history=history(before), cancel=cancel
        ),
    )
    turn = Turn(question, sample=sample, filters=filters)
    retrieved, draft = None, ""
    try:
        for event in run.events():
            if isinstance(event, EvidenceFound):
                retrieved = event.retrieved
                status = text("reading", language, count=len(retrieved.evidence))
            elif isinstance(event, Token):
                draft += event.text
            elif isinstance(event, AnswerReady):
                turn = replace(turn, answer=event.answer)
                break
            elif run.cancelled.is_set():  # the stop button, while the model is silent
                break
            elif not draft and (ahead := runs.ahead(tab)) > 0:
                status = text("waiting", language, count=ahead)
            yield bubbles(retrieved, draft, status), None
    except Cancelled:
        pass
    except (ModelError, StoreError) as error:
        turn = replace(turn, error=str(error))
    except Exception:
        # The log keeps where it failed, never what was asked.
        log.exception("an answer failed")
        turn = replace(turn, error=text("failed", language))
    finally:
        runs.finished(tab, run)
    if turn.answer is None and turn.error is None:
        turn = replace(turn, answer=_stopped(question, retrieved, language))
    yield [*shown, messages_of(turn, language)[1]], turn


def _stopped(question: str, retrieved: Retrieved | None, language: Language) -> Answer:
    return Answer(
        question=question,
        language=language,
        answered=False,
        text="",
        short=None,
        reason="cancelled",
        confidence=0.0,
        path="declined",
        evidence=retrieved.evidence if retrieved else (),
    )


def _bubble(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
