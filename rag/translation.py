"""Arabic evidence in English: the meanings of its names and terms are given to the model."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Mapping, Sequence

from babel import Locale

from models.protocols import LanguageModel, Message
from rag.answer import Token
from rag.bounds import with_bounds_of
from rag.names import Glossary
from rag.prompts import translation_prompt
from rag.transliteration import same_name

_NAME = re.compile(r"[A-Z][a-z]{2,}")
_ARABIC_RUN = re.compile(r"[\u0621-\u065f\u0670-\u06d3]+(?:\s+[\u0621-\u065f\u0670-\u06d3]+)*")
_MOVES = re.compile(
    r"\b(?:return\w*|c[ao]me|coming|went|go|going|arriv\w+|travel\w*|fl[ei]w|fly|flying|back|sent|"
    r"mov(?:ed|ing)|fled|flee\w*|head(?:ed|ing))\s+(?:\w+\s+){0,2}?(?P<way>to|from)\s+"
    r"(?:the\s+)?(?:(?:city|town|capital|region|port)\s+(?:of\s+)?)?(?P<name>[A-Z][\w'’-]+)"
)
_PLACE = r"(?:(?:ال)?(?:مدينة|بلدة|عاصمة|منطقة|ميناء|دولة|جمهورية)\s+)?"
_WAYS = {"من": "from", "إلى": "to", "الى": "to"}
_ANNOUNCES = re.compile(r"\btranslat\w*\b[^:]*:\s*$", re.IGNORECASE)  # "The translation is:"
_MONTH = rf"(?:{'|'.join(Locale('en').months['format']['wide'].values())})"
_ORDINAL_DAY = re.compile(
    rf"\b(?P<before>{_MONTH} \d{{1,2}})(?:st|nd|rd|th)\b(?![-–]\d)"
    rf"|\b(?<!and )(?:[Tt]he )?(?P<after>\d{{1,2}})(?:st|nd|rd|th)(?: of)?(?= {_MONTH}\b(?! of))"
)
_STUTTER = 6  # words said twice that no sentence says on purpose
_JOINT = 2  # words between them
_KEPT = 512  # translations kept in memory


class Translator:
    """Translates sentences with the language model; the same text and names are done once."""

    def __init__(self, glossary: Glossary) -> None:
        self._glossary = glossary
        self._done: dict[tuple[str, str, str, str], str] = {}

    def translate(
        self,
        model: LanguageModel,
        text: str,
        question: str,
        article: str,
        cancel: threading.Event | None,
        *,
        answer: bool = False,
    ) -> Generator[Token, None, str]:
        """Yield the translation of ``text`` as it comes and return it whole.

        ``question`` and ``article`` help with names: see ``Glossary.meanings``. ``answer``: a few
        words, translated as what answers the question.
        """
        meanings = self._glossary.meanings(text, question, article)
        words = "; ".join(f"{arabic} = {english}" for arabic, english in meanings.items())
        key = (model.identity, words, text, question if answer else "")
        if key in self._done:
            return self._done[key]
        prompt = translation_prompt(answer=answer)
        messages = prompt.messages(words=words, text=text, question=question)
        written = yield from _first_line(model, messages, prompt.constant, "", cancel)
        if _ANNOUNCES.search(written) and model.capabilities.prefill:
            yield Token("\n")
            before = f"{written.rstrip()}\n"
            line = yield from _first_line(model, messages, prompt.constant, before, cancel)
            written = line if line.strip() else written
        if len(self._done) >= _KEPT:
            self._done.pop(next(iter(self._done)), None)  # another thread may have been first
        english = self._without_arabic(without_stutter(written.strip()), article)
        english = with_ways_of(respelt(plain_dates(english), meanings), text, meanings)
        self._done[key] = with_bounds_of(english, text)
        return self._done[key]

    def _without_arabic(self, translation: str, article: str) -> str:
        """Words that the model left in Arabic, in English where the glossary has them all."""

        def english(match: re.Match[str]) -> str:
            run = match.group()
            known = self._glossary.meanings(run, article=article)
            covered = sum(len(words.split()) for words in known)
            return " ".join(known.values()) if covered == len(run.split()) else run

        return _ARABIC_RUN.sub(english, translation)


def _first_line(
    model: LanguageModel,
    messages: Sequence[Message],
    constant: int,
    before: str,
    cancel: threading.Event | None,
) -> Generator[Token, None, str]:
    """Yield what the model writes after ``before`` up to the end of the line, and return it."""
    written = ""
    for piece in model.generate(
        messages, constant=constant, prefill=before, max_tokens=220, stop=("\n",), cancel=cancel
    ):
        written += piece
        yield Token(piece)
    return written


def respelt(translation: str, meanings: Mapping[str, str]) -> str:
    """A translation with its names spelt as given: "Tukayev" is "Tokayev" if «توكاييف» is.

    Names of several words go word by word, where both languages have as many: "Wong Yi".
    """
    given = {word for english in meanings.values() for word in english.split()}
    names = [
        pair
        for arabic, english in meanings.items()
        if len(arabic.split()) == len(english.split())
        for pair in zip(arabic.split(), english.split(), strict=True)
        if pair[1][0].isupper()
    ]

    def spelling(match: re.Match[str]) -> str:
        name = match.group()
        if name not in given:
            for arabic, english in names:
                if same_name(name, arabic):
                    return english
        return name

    return _NAME.sub(spelling, translation)


def with_ways_of(translation: str, source: str, meanings: Mapping[str, str]) -> str:
    """An English translation in which one goes to or comes from a place as in ``source``.

    «عادوا من» ("they returned from") becomes "returned to" in a small model's words.
    ``meanings``: the source's names with their English.
    """

    def way(match: re.Match[str]) -> str:
        for arabic, english in meanings.items():
            if english == match["name"]:
                before = rf"(?<!\w)({'|'.join(_WAYS)})\s+{_PLACE}{re.escape(arabic)}"
                ways = {_WAYS[word] for word in re.findall(before, source)}
                if len(ways) == 1 and match["way"] not in ways:
                    start, end = (place - match.start() for place in match.span("way"))
                    return match.group()[:start] + ways.pop() + match.group()[end:]
        return match.group()

    return _MOVES.sub(way, translation)


def plain_dates(translation: str) -> str:
    """English dates as news agencies write them, with bare days: "February 20th" as "February
    20"."""
    return _ORDINAL_DAY.sub(lambda m: m["before"] or m["after"], translation)


def without_stutter(text: str) -> str:
    """A text without the repetition of six words and more right after themselves.

    A weak model loops on long lists; up to two words ("and also") may join the two runs.
    """
    words = text.split()
    plain = [word.strip(",.;:").lower() for word in words]
    i = 0
    while i + 2 * _STUTTER <= len(words):
        for length in range((len(words) - i) // 2, _STUTTER - 1, -1):
            for joint in range(_JOINT + 1):
                again = i + length + joint
                if plain[i : i + length] == plain[again : again + length]:
                    del words[i:again], plain[i:again]
                    break
            else:
                continue
            break
        else:
            i += 1
    once = " ".join(words)
    return once[:1].upper() + once[1:] if text[:1].isupper() else once
