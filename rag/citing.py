"""The spans that an answer cites, numbered, with the other outlets that carry them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.answer import AnswerSentence, Citation, OtherOutlet
from rag.sources import Source
from rag.transliteration import same_name
from vectorstore.analysis import analyse
from vectorstore.store import Store


def markers(numbers: Iterable[int]) -> str:
    """What stands after a sentence that rests on the citations of these numbers."""
    return " " + "".join(f"[{n}]" for n in numbers)


class Citer:
    """Numbers the spans that an answer cites in the order in which they are first cited."""

    def __init__(self, store: Store, asks_who: bool) -> None:
        self._store = store
        self._numbers: dict[tuple[str, int, int], int] = {}
        self.asks_who = asks_who
        self.citations: list[Citation] = []

    def sentence(self, text: str, sources: Sequence[Source], support: float) -> AnswerSentence:
        """A sentence with the numbers of all that it rests on after it."""
        numbers = tuple(dict.fromkeys(n for s in sources for n in self._numbers_of(s, text)))
        return AnswerSentence(f"{text}{markers(numbers)}", numbers, True, support)

    def _numbers_of(self, source: Source, text: str) -> tuple[int, ...]:
        """Numbers of a source and, where the speaker is what was asked for and ``text`` gives
        them, of the sentence that names them."""
        e = source.evidence
        spans = [(e.start, e.end)]
        named = source.speaker_at is not None and source.speaker and _names(text, source.speaker)
        if self.asks_who and named:
            spans.append((source.speaker_at.start, source.speaker_at.end))
        return tuple(self._number(source, start, end) for start, end in spans)

    def _number(self, source: Source, start: int, end: int) -> int:
        e = source.evidence
        key = (e.article_id, start, end)
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers) + 1
            copies = tuple(
                OtherOutlet(a.article_id, a.source, a.date, a.url)
                for a in self._store.copies(e.article_id)
            )
            self.citations.append(
                Citation(
                    n=self._numbers[key],
                    article_id=e.article_id,
                    title=e.title,
                    source=e.source,
                    date=e.date,
                    url=e.url,
                    path=e.path,
                    start=start,
                    end=end,
                    quote=source.text[start:end],
                    also_in=copies,
                )  # fmt: skip
            )
        return self._numbers[key]


def _names(text: str, speaker: str) -> bool:
    """Whether a text names a speaker, in the speaker's script or in Latin letters."""
    words = set(analyse(speaker))
    return bool(words & set(analyse(text))) or any(
        same_name(latin, word)
        for latin in re.findall(r"[A-Z][\w'’-]+", text)
        for word in speaker.split()
    )
