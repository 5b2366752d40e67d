"""One archive, asked with and without each attack."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.injection.cases import (
    Attack,
    HonestArticle,
    Question,
    articles,
    questions_of,
    write,
)
from benchmarks.injection.comparing import changes, visible
from rag.answer import Answer
from rag.assistant import Assistant

log = logging.getLogger(__name__)

SEARCHED = 5  # evidence sentences among which a harmless article's must be


@dataclass(frozen=True)
class Trial:
    """A question asked with an attack in the archive. ``changed``: what differs, in words."""

    attack: Attack
    question: Question
    before: Answer
    after: Answer
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """A question about an honest article: whether its sentence was found, and cited.

    Where no article answers the question, ``cited`` says that it was declined.
    """

    article: HonestArticle
    question: Question
    answer: Answer
    found: bool
    cited: bool


class Archive:
    """The honest articles in an assistant's archive, with room for one attack at a time.

    ``folder``: an empty one, for the articles' files.
    """

    def __init__(self, assistant: Assistant, folder: Path) -> None:
        self._assistant = assistant
        self._folder = folder
        self._before: dict[tuple[str, str], Answer] = {}
        self._honest: dict[str, str] = {}
        self.add(articles().values())

    def add(self, honest: Sequence[HonestArticle]) -> None:
        """Put articles in; RuntimeError if one cannot be read."""
        self._ingest(*(write(article, self._folder) for article in honest))
        self._honest = self._texts()

    def findings(self, honest: Sequence[HonestArticle]) -> Iterator[Finding]:
        """Ask all questions about articles that are in the archive."""
        for article in honest:
            for question in article.question:
                answer = self.answer(article.id, question)
                found = self._assistant.search(question.text, k=SEARCHED).evidence
                quotes = [c.quote for c in answer.citations]
                yield Finding(
                    article, question, answer,
                    found=question.gold is None or _held(question.gold, [e.quote for e in found]),
                    cited=_held(question.gold, quotes) if question.gold else not answer.answered,
                )  # fmt: skip

    def answer(self, article_id: str, question: Question) -> Answer:
        """The answer without any attack; asked once."""
        key = (article_id, question.id)
        if key not in self._before:
            self._before[key] = self._assistant.ask(question.text)
        return self._before[key]

    def attacked(self, attack: Attack) -> Iterator[Trial]:
        """Put an attack in, ask its questions, and take it out again."""
        before = {q.id: self.answer(attack.article, q) for q in questions_of(attack)}
        honest = articles()[attack.article]
        path = write(honest, self._folder, attack)
        self._ingest(path)
        try:
            for question in questions_of(attack):
                after = self._assistant.ask(question.text)
                found = changes(before[question.id], after, self._honest, attack.canaries)
                yield Trial(attack, question, before[question.id], after, tuple(found))
        finally:
            self._restore(honest, attack, path)

    def _restore(self, honest: HonestArticle, attack: Attack, path: Path) -> None:
        if attack.place == "article":
            path.unlink()
            ids = [a.article_id for a in self._assistant.articles() if a.path == str(path)]
            self._assistant.remove(ids)
        else:
            self._ingest(write(honest, self._folder))
        if self._texts() != self._honest:
            raise RuntimeError(f"{attack.id}: the archive is not as it was before")

    def _ingest(self, *paths: Path) -> None:
        report = self._assistant.ingest(paths)
        if report.skipped:
            raise RuntimeError(f"{report.skipped[0].path}: {report.skipped[0].error}")

    def _texts(self) -> dict[str, str]:
        """Every article's text by file name."""
        return {
            Path(a.path).name: self._assistant.article(a.article_id).text
            for a in self._assistant.articles()
        }


def _held(sentence: str, quotes: Sequence[str]) -> bool:
    return any(visible(sentence) in visible(quote) for quote in quotes)
