"""A small invented archive and an assistant that answers by script, for tests of evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag.answer import Answer, AnswerSentence, Citation, Evidence, FoundPassage, Retrieved, Timings
from rag.settings import Settings
from vectorstore.types import Article, ArticleSummary, StoreError

QUAY = "افتتحت بلدية مرسى الورد الرصيف الجديد في مارس."
COST = "وقالت رئيسة البلدية سلمى الحاج إن كلفته بلغت 17 مليون دينار."
BOATS = "ويستقبل الرصيف 40 قاربا كل يوم."
LIGHT = "The lighthouse of Marsa al-Ward burns <b>170</b> litres of oil a month."

ARTICLES = {
    "a1": Article("/news/quay.txt", "", f"{QUAY}\n{COST} {BOATS}", title="الرصيف", source="الساحل"),
    "a2": Article("/news/copy.txt", "", f"نقلا عن الساحل. {COST}", source="شبكة الميناء"),
    "a3": Article("/news/light.txt", "", LIGHT, language="en", url="https://example.org/light"),
}
COPIES = {"a1": ["a2"], "a2": ["a1"]}


def summary(article_id: str) -> ArticleSummary:
    a = ARTICLES[article_id]
    return ArticleSummary(
        article_id,
        a.path,
        a.record,
        a.title,
        a.source,
        a.author,
        a.date,
        a.date_kind,
        a.url,
        a.language,
        len(a.text),
    )


def place(article_id: str, words: str) -> tuple[int, int]:
    """Where words stand in an article."""
    start = ARTICLES[article_id].text.index(words)
    return start, start + len(words)


def evidence(article_id: str, words: str, score: float = 1.0) -> Evidence:
    a, (start, end) = ARTICLES[article_id], place(article_id, words)
    return Evidence(article_id, a.title, a.source, a.date, a.url, a.path, start, end, words, score)


def passage(article_id: str, score: float = 1.0) -> FoundPassage:
    a = ARTICLES[article_id]
    return FoundPassage(article_id, a.title, a.source, a.date, 0, len(a.text), a.text, score)


def cite(n: int, article_id: str, words: str) -> Citation:
    a, (start, end) = ARTICLES[article_id], place(article_id, words)
    return Citation(n, article_id, a.title, a.source, a.date, a.url, a.path, start, end, words)


def answer(
    text: str,
    *citations: Citation,
    short: str | None = None,
    confidence: float = 0.9,
    answered: bool = True,
    found: Sequence[Evidence] = (),
    question: str = "",
) -> Answer:
    """An answer of one sentence, or a decline."""
    return Answer(
        question=question,
        language="ar",
        answered=answered,
        text=text,
        short=short,
        reason=None if answered else "not_in_archive",
        confidence=confidence,
        path="generated" if answered else "declined",
        sentences=(AnswerSentence(text, tuple(c.n for c in citations), True, 0.8),)
        if answered
        else (),
        citations=citations,
        evidence=tuple(found),
        passages=tuple(passage(e.article_id) for e in found),
        timings=Timings(5.0, 100.0 if answered else None, 300.0),
    )


class _Copies:
    @staticmethod
    def copies(article_id: str) -> list[ArticleSummary]:
        return [summary(i) for i in COPIES.get(article_id, [])]


class ScriptedAssistant:
    """Answers from a dict by question; counts what it is asked."""

    def __init__(self, answers: Mapping[str, Answer], settings: Settings | None = None) -> None:
        self.answers = dict(answers)
        self.settings = settings or Settings()
        self.store = _Copies()
        self.asked: list[str] = []
        self.searched: list[str] = []
        self.histories: list[tuple] = []
        self.warm_ups = 0

    def articles(self) -> list[ArticleSummary]:
        return [summary(i) for i in ARTICLES]

    def article(self, article_id: str) -> Article:
        if article_id not in ARTICLES:
            raise StoreError(f"no article {article_id!r}")
        return ARTICLES[article_id]

    def warm_up(self) -> None:
        self.warm_ups += 1

    def search(self, question: str, k: int = 5, *, history=()) -> Retrieved:
        self.searched.append(question)
        found = self.answers.get(question)
        return Retrieved(
            question,
            found.evidence[:k] if found else (),
            found.passages[:k] if found else (),
            retrieve_ms=5.0,
        )

    def ask(self, question: str, history: Sequence = ()) -> Answer:
        self.asked.append(question)
        self.histories.append(tuple(history))
        return self.answers[question]
