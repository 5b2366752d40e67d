"""From a draft to an answer: what is supported is kept, the article's own words are added.

A sentence of the model stays only if the evidence supports it and it holds what was asked for. The
best evidence it rests on is quoted after it (translated where the answer is in another language and
the translation's figures and names check out), so that a reader sees the article's words at once.
When nothing of the model's stays, the answer is the quotes alone. Where another article gives
another figure for what was asked, it is quoted as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.answer import AnswerSentence, Citation, Path
from rag.bounds import with_bounds
from rag.citing import Citer, markers
from rag.drafts import CITED, Draft
from rag.excerpts import (
    beginning,
    find_words,
    offers_answers,
    share_held,
    snap,
    stands_in,
    trimmed,
    without_echo,
)
from rag.expectations import (
    Expected,
    asks_name,
    asks_who,
    asks_who_said,
    expected,
    meets,
    names_somebody,
)
from rag.figures import missing_figures
from rag.language import in_script_of
from rag.misreadings import counts_something_else, echoes, names_nobody, reads_another
from rag.names import Glossary
from rag.parts import asks_of_several_articles
from rag.phrases import phrase
from rag.premises import denies_premise, speaks_against
from rag.quoting import CLOSE, SHORTEST_QUOTE, Quoter, best_of, counted, ranked
from rag.sources import Source
from rag.verification import Claim, Verdict, Verifier
from vectorstore.analysis import analyse
from vectorstore.store import Store

MOST_WORDS = 75  # of an answer
MOST_WORDS_SEVERAL = 140  # of an answer to a question that asks several things
HELD = 0.5  # of the short answer's words in the model's sentences: they give it
_INTRODUCTION = re.compile(r"^[^«“]{1,200}: (?=[«“])")


@dataclass(frozen=True)
class Composed:
    """The parts of an answer that rest on evidence; no sentences where nothing could be said."""

    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    short: str | None
    path: Path
    corrects: bool = False  # what the question takes for granted

    def untranslated(self, language: str) -> bool:
        """Whether there are quotes alone and none of them in the answer's language."""
        told = (_INTRODUCTION.sub("", s.text) for s in self.sentences)
        return self.path == "quoted" and not any(in_script_of(text, language) for text in told)


class Composer:
    """Composes answers over one store."""

    def __init__(
        self,
        store: Store,
        verifier: Verifier,
        glossary: Glossary,
        word_weights: Callable[[str, str], Mapping[str, float]],
    ) -> None:
        self._store = store
        self._verifier = verifier
        self.glossary = glossary
        self.quoter = Quoter(verifier, glossary, word_weights)

    def compose(
        self,
        question: str,
        asked: str,
        sources: Sequence[Source],
        draft: Draft,
        language: str,
        *,
        parts: int = 1,
    ) -> Composed:
        """The verified answer to ``question``; without sentences if nothing can be said.

        ``asked``: the question as it is read for, a follow-up with what it points to; ``parts``:
        how many questions are answered together, of which this is one.
        """
        cite = Citer(self._store, asks_who=asks_who(asked))
        several = asks_of_several_articles(question)
        if reads_another(question, draft, sources) or echoes(question, draft, sources):
            draft = Draft("", ())
        short = self._short(question, draft, sources, language)
        kept = self._kept(question, sources, draft, language)
        if not several:
            kept = _that_answer(kept, short)
        path: Path = "generated" if kept else "quoted"
        translated = any(source.language != language for source in sources)
        nobody = not translated and names_nobody(question, draft, sources, bool(kept))
        nameless = asks_name(question) and not names_somebody(draft.short, question)
        if nobody or (draft.short and nameless) or counts_something_else(question, draft, sources):
            return Composed((), (), None, path)
        sentences = [
            cite.sentence(_plain(text), [sources[i] for i in verdict.evidence], verdict.support)
            for text, verdict in kept
        ]
        used = list(dict.fromkeys(i for _, verdict in kept for i in verdict.evidence))
        quotes, answering = self.quoter.choose(question, sources, used, short, several)
        most = MOST_WORDS_SEVERAL // parts if several or parts > 1 else MOST_WORDS
        for left, i in zip(range(len(quotes), 0, -1), quotes, strict=True):
            said = " ".join(s.text for s in sentences)
            room = most - len(said.split())
            # Several articles share it; else the best is cut last.
            room = room // left if several else room - SHORTEST_QUOTE * (left - 1)
            another = sentences and not several and i not in answering
            if another and len(sources[i].evidence.quote.split()) > room:
                continue  # a second quote is whole or left out
            beside = "" if several and i not in used else said
            quoted = self.quoter.quote(sources[i], asked, language, room, beside, cite.asks_who)
            if quoted is not None:
                sentences.append(cite.sentence(quoted, [sources[i]], 1.0))
        against = denies_premise(question, " ".join(c.quote for c in cite.citations))
        if sentences and against:
            said = phrase("otherwise", language, said=sentences[0].text)
            sentences[0], short = replace(sentences[0], text=said), None
        elif path == "quoted" or (short is None and translated):
            # A translation's words are verified by the sentence that shows them.
            speakers = [self.quoter.speaker(source, language) or "" for source in sources]
            wanted = short or (draft.short if translated else None)
            short = _shown(wanted, sentences[: len(kept)], sentences[len(kept) :], speakers)
        return Composed(tuple(sentences), tuple(cite.citations), short, path, corrects=against)

    def pointed(
        self, question: str, sources: Sequence[Source], *, likely: bool = False
    ) -> str | None:
        """The words of the best sentence that the reader is sure of, if they answer: they give what
        is asked for, and not only the question's own words. ``likely``: likely ones will do, since
        there is nothing else."""
        best = best_of(sources)
        said = (likely or best.speaker is not None) and asks_who_said(question)
        sure = best.pointed is not None and (best.pointed.likely if likely else best.pointed.sure)
        if not sure or said:
            return None
        words = _minimal(best.evidence.quote, *best.pointed.span, question)
        if not words or not meets(words, question):
            return None
        if not likely and counted(question, sources) is not None:
            return None
        new = set(analyse(words)) - set(analyse(question))
        return words if new or offers_answers(question) else None

    def surer(
        self, question: str, sources: Sequence[Source], draft: Draft, language: str
    ) -> str | None:
        """``pointed``, where the draft's short answer is clearly worse or stands nowhere; between
        sentences that are about as good the model may choose."""
        best = best_of(sources)
        words = self.pointed(question, sources) if best.language == language else None
        quote = best.evidence.quote
        drafted = snap(draft.short, quote) if words and draft.short else None
        if drafted and stands_in(words, quote[slice(*drafted)]):
            return None
        if words and self.elsewhere(question, sources, draft, language):
            return None
        return words if drafted is None or best.pointed.clearly_better(*drafted) else None

    def elsewhere(
        self, question: str, sources: Sequence[Source], draft: Draft, language: str
    ) -> bool:
        """Whether the draft's short answer, if it is of the kind asked for, stands in a sentence of
        the answer's language that is about as good as the best found, and not in that."""
        if not draft.short or not meets(draft.short, question):
            return False
        best = best_of(sources)
        least = best.evidence.score - CLOSE
        near = [s for s in sources if s.language == language and s.evidence.score >= least]
        held = [s for s in near if snap(draft.short, s.evidence.quote)]
        return bool(held) and best not in held

    def worded(
        self,
        composed: Composed,
        words: str,
        translations: Sequence[str],
        question: str,
        language: str,
        *,
        first: bool = False,
    ) -> Composed:
        """An answer with the best translation of the answering words as its short answer, if these
        words support one, whether the translated quote puts it in the same words or not. ``first``:
        as its first sentence too, before the quote that holds the words."""
        plain = [trimmed(t.strip().rstrip(".").strip('"'), question) for t in translations]
        fitting = [t for t in plain if t and in_script_of(t, language) and meets(t, question)]
        claim = Claim(words, "")
        verdicts = [self._verifier.check(t, [claim], same_language=False) for t in fitting]
        best = max(range(len(fitting)), key=lambda i: verdicts[i].support, default=None)
        if best is None or not verdicts[best].supported:
            return composed
        composed = replace(composed, short=fitting[best])
        if not first:
            return composed
        cited = composed.sentences[0].citations
        told = AnswerSentence(
            f"{fitting[best]}{markers(cited)}", cited, True, verdicts[best].support
        )
        return replace(composed, sentences=(told, *composed.sentences))

    def _kept(
        self, question: str, sources: Sequence[Source], draft: Draft, language: str
    ) -> list[tuple[str, Verdict]]:
        """The model's sentences that the evidence supports, of a draft that holds what is asked
        for, with their verdicts."""
        said = " ".join(draft.sentences)
        wanted = counted(question, sources)
        if not (_gives(draft) and meets(CITED.sub("", said), question)):
            return []
        if wanted is not None and missing_figures(wanted, said):
            return []
        verdicts = [
            (text, self._verify(text, sources, language, question)) for text in draft.sentences
        ]
        return [
            (text, verdict)
            for text, verdict in verdicts
            if verdict.supported
            and in_script_of(text, language)
            and not speaks_against(
                text, " ".join(sources[i].evidence.quote for i in verdict.evidence)
            )
        ]

    def _verify(
        self, text: str, sources: Sequence[Source], language: str, question: str = ""
    ) -> Verdict:
        return self._verifier.check(
            text,
            [s.claim for s in sources],
            question=question,
            same_language=all(s.language == language for s in sources),
            hint=[int(n) - 1 for n in CITED.findall(text)],
        )

    def _short(
        self, question: str, draft: Draft, sources: Sequence[Source], language: str
    ) -> str | None:
        """The short answer in the evidence's own words; across languages, if these support it."""
        if figure := counted(question, sources):
            return figure
        best_first = [sources[i] for i in ranked(sources)]
        if best_first and best_first[0].speaker and asks_who_said(question):
            return self.quoter.speaker(best_first[0], language)
        if not draft.short:
            return None
        for source in best_first:
            if source.language == language and (span := snap(draft.short, source.evidence.quote)):
                return _minimal(source.evidence.quote, *span, question)
        if all(source.language == language for source in sources):
            return None
        if not self._verify(draft.short, sources, language).supported:
            return None
        for source in best_first:
            if span := find_words(draft.short, source.shown):
                start = with_bounds(span[0], source.shown)
                return trimmed(source.shown[start : span[1]], question)
        return draft.short


def _that_answer(
    kept: Sequence[tuple[str, Verdict]], short: str | None
) -> Sequence[tuple[str, Verdict]]:
    """Of several sentences, those that hold the short answer, where one does."""
    return [(text, v) for text, v in kept if short and stands_in(short, text)] or kept


def _minimal(text: str, start: int, end: int, question: str) -> str | None:
    """The words of ``text[start:end]`` that answer, or None where they only repeat the question."""
    words = without_echo(text[with_bounds(beginning(start, end, text), text) : end], question)
    return trimmed(words, question) if words and not _only_counts(words, question) else None


def _only_counts(words: str, question: str) -> bool:
    """Whether some words put nothing but a figure to the question's own, which asks for none:
    "54 countries" does not tell which."""
    stems, asked = set(analyse(words)), set(analyse(question))
    new = stems - asked
    asks_none = expected(question) is Expected.ANYTHING
    figures = bool(new) and all(stem[0].isdigit() for stem in new)
    return asks_none and figures and new != stems


def _gives(draft: Draft) -> bool:
    """Whether the model's sentences hold its short answer."""
    return not draft.short or share_held(draft.short, " ".join(draft.sentences)) >= HELD


def _shown(
    words: str | None,
    said: Sequence[AnswerSentence],
    quotes: Sequence[AnswerSentence],
    speakers: Sequence[str],
) -> str | None:
    """The words, if the model's sentences or the quotes hold them; what introduces a quote, an
    outlet's name above all, tells no more than who speaks."""
    if not words:
        return None
    told = [s.text for s in said] + [_INTRODUCTION.sub("", s.text) for s in quotes]
    shown = any(stands_in(words, text) for text in (*told, *(speakers if quotes else ())))
    return words if shown else None


def _plain(text: str) -> str:
    return CITED.sub("", text).strip().rstrip(" .،,")
