"""Evidence sentences made ready for the model: chosen, clipped, in article order, with speakers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rag.answer import Evidence
from rag.attribution import speaker_of, with_speaker
from rag.excerpts import LONGEST_SENTENCE, around, clip
from rag.orders import printable
from rag.rereading import Pointed, Reread
from rag.sentences import split_sentences
from rag.verification import Claim
from vectorstore.store import Store
from vectorstore.types import Span, UnknownArticle

LONGEST_EVIDENCE = 960  # characters of all sentences in a prompt, about 320 tokens
# Characters of a sentence in a prompt that is translated for it, around the words that answer or,
# where none are likely to, the question's own: a small model's translations of longer ones are slow
# and drop and twist what they say (260 is the one length that was tried).
LONGEST_TRANSLATED = 260
LONGEST_CLAUSE = 120  # of what is translated alone, because something got lost
TRANSLATED = 2  # sentences of another language in a prompt: translating each takes seconds
# Difference of scores beyond which the best sentence is the one that answers: what stands further
# behind costs time to read, and a small model answers from it all the same.
BEHIND = 0.12


@dataclass(frozen=True)
class Source:
    """An evidence sentence as the model sees it, with the text of its article.

    ``rank``: 0 for the best found. ``shown``: its words in the prompt, clipped, with the speaker
    put in, and translated where the answer is in another language; ``part``: which these are in the
    article, without the speaker. ``speaker``: who says it, where an earlier sentence,
    ``speaker_at``, names them. ``pointed``: its words that answer best.
    """

    evidence: Evidence
    text: str
    rank: int
    language: str
    shown: str
    speaker: str | None
    speaker_at: Span | None
    part: str = ""
    translated: bool = False
    pointed: Pointed | None = None

    @property
    def heading(self) -> str:
        """Outlet and speaker, as the prompt introduces the sentence."""
        name = self.evidence.source or self.evidence.title or "–"
        return f"{name}؛ {self.speaker}" if self.speaker else name

    @property
    def claim(self) -> Claim:
        """What an answer's sentence is checked against."""
        e = self.evidence
        heading = " ".join(filter(None, (e.source, e.title, e.date, self.speaker)))
        part = self.part if self.translated else ""
        return Claim(e.quote, heading, e.article_id, part, self.speaker, e.source or "")


def read_sources(
    store: Store,
    found: Reread,
    word_weights: Callable[[str], Mapping[str, float]],
    language: str,
    most: int,
    several: bool = False,
) -> list[Source]:
    """The best sentences that fit the prompt; of one article together and in its order.

    ``found``: that of articles removed meanwhile is left out, and so is what scores
    far below the best, unless the question is about ``several`` articles.
    ``word_weights(language)``: the question's words by worth, for text of a language.
    ``language``: of the answer. At most ``most`` sentences.
    """
    sources: list[Source] = []
    room = LONGEST_EVIDENCE
    crossed = 0
    for rank, e in enumerate(found.evidence):
        try:
            article = store.get(e.article_id).article
        except UnknownArticle:
            continue
        if sources and not several and sources[0].evidence.score - e.score > BEHIND:
            break
        crossed += article.language != language
        if len(sources) == most or (
            crossed > TRANSLATED + several and article.language != language
        ):
            break
        longest = min(LONGEST_SENTENCE, room)
        if longest < LONGEST_SENTENCE / 3:
            break
        pointed = found.pointed.get((e.article_id, e.start))
        read = pointed is not None and (article.language, language) == ("ar", "en")
        if read:
            longest = min(longest, LONGEST_TRANSLATED)
        if read and pointed.likely:
            start, end = around(e.quote, pointed.span, longest)
        else:
            start, end = clip(e.quote, word_weights(article.language), longest)
        room -= end - start
        speaker, at = _speaker(article.text, e)
        shown = part = printable(e.quote[start:end])
        if speaker is not None:
            shown = with_speaker(shown, speaker)
        sources.append(
            Source(
                e, article.text, rank, article.language, shown, speaker, at, part, pointed=pointed
            )
        )
    first: dict[str, int] = {}
    for source in sources:
        first.setdefault(source.evidence.article_id, source.rank)
    return sorted(sources, key=lambda s: (first[s.evidence.article_id], s.evidence.start))


def narrowed(source: Source) -> Source | None:
    """The clause alone that holds the words which the reader is sure of, to be translated; None
    where it is of none or the source is no longer than that."""
    if source.pointed is None or not source.pointed.sure:
        return None
    start, end = around(source.evidence.quote, source.pointed.span, LONGEST_CLAUSE)
    part = printable(source.evidence.quote[start:end])
    if len(part) >= len(source.part):
        return None
    shown = with_speaker(part, source.speaker) if source.speaker else part
    return replace(source, shown=shown, part=part, translated=False)


def _speaker(text: str, e: Evidence) -> tuple[str | None, Span | None]:
    """Who speaks in an evidence sentence that leaves its speaker unnamed, and where they are."""
    spans = split_sentences(text)
    index = next((i for i, s in enumerate(spans) if s.end > e.start), None)
    speaker = speaker_of(text, spans, index) if index is not None else None
    if speaker is None or speaker.sentence.start <= e.start < speaker.sentence.end:
        return None, None
    return speaker.name, speaker.sentence
