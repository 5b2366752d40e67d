"""From a question in the box to a verified answer in the chat: the page's event handlers.

A conversation is a list of ``Turn``; what the chat shows is always rendered from it, so nothing
that a browser sends back is ever taken for an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from models.protocols import Cancelled, ModelError
from rag.answer import Answer, AnswerReady, EvidenceFound, Retrieved, Token
from ui.desk import Desk
from ui.render import answer_html, failure_html, pending_html, question_html
from ui.runs import Runs
from ui.texts import Language, text
from vectorstore.types import Filters, StoreError

log = logging.getLogger(__name__)

LONGEST_QUESTION = 2000  # characters
REMEMBERED_TURNS = 4  # what a follow-up can refer to


@dataclass(frozen=True)
class Turn:
    """A question and what came of it: an answer, or ``error`` in words."""

    question: str
    answer: Answer | None = None
    error: str | None = None
    sample: bool = False  # answered from the sample archive
    turn_id: str = ""

    def messages(self, language: Language) -> list[dict[str, str]]:
        """The two bubbles of the turn."""
        if self.answer is not None:
            shown = answer_html(self.answer, language, sample=self.sample, key=self.turn_id)
        else:
            shown = failure_html(self.error or "", language)
        return [_bubble("user", question_html(self.question)), _bubble("assistant", shown)]


def transcript(turns: Sequence[Turn], language: Language) -> list[dict[str, str]]:
    """All bubbles of a conversation."""
    return [message for turn in turns for message in turn.messages(language)]


def history(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """The last turns as the assistant takes them; failed ones are left out."""
    messages = []
    for turn in turns[-REMEMBERED_TURNS:]:
        if turn.answer is not None:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer.text})
    return messages


def ask(
    desk: Desk,
    runs: Runs,
    tab: str,
    question: str,
    turns: Sequence[Turn],
    language: Language,
    filters: Filters | None = None,
) -> Iterator[tuple[list[dict[str, str]], Turn | None]]:
    """Yield the chat as it grows, and with the last of it the finished turn.

    Stops within a tick when the tab's run is stopped or the iteration is left.
    """
    sample = desk.is_demo
    shown = [*transcript(turns, language), _bubble("user", question_html(question))]

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
            question, filters=filters or Filters(), history=history(turns), cancel=cancel
        ),
    )
    turn = Turn(question, sample=sample)
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
            elif not draft and (ahead := assistant.queued() - 1) > 0:
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
        turn = replace(turn, answer=_stopped(question, retrieved))
    yield [*shown, turn.messages(language)[1]], turn


def _stopped(question: str, retrieved: Retrieved | None) -> Answer:
    return Answer(
        question=question,
        language="ar",
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
