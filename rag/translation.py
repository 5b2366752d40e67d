"""Arabic evidence in English: the meanings of its names and terms are given to the model."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping

from models.protocols import LanguageModel
from rag.answer import Token
from rag.names import Glossary
from rag.prompts import translation_prompt
from rag.transliteration import same_name

_NAME = re.compile(r"[A-Z][a-z]{2,}")
_KEPT = 512  # translations kept in memory


class Translator:
    """Translates sentences with the language model; the same text and names are done once."""

    def __init__(self, glossary: Glossary) -> None:
        self._glossary = glossary
        self._done: dict[tuple[str, str, str], str] = {}

    def translate(
        self,
        model: LanguageModel,
        text: str,
        question: str,
        article: str,
        cancel: threading.Event | None,
    ) -> Iterator[Token]:
        """Yield the translation of ``text`` as it comes and return it whole.

        ``question`` and ``article`` help with names: see ``Glossary.meanings``.
        """
        meanings = self._glossary.meanings(text, question, article)
        words = "; ".join(f"{arabic} = {english}" for arabic, english in meanings.items())
        key = (model.identity, words, text)
        if key in self._done:
            return self._done[key]
        prompt = translation_prompt()
        written = ""
        for piece in model.generate(
            prompt.messages(words=words, text=text), constant=prompt.constant, max_tokens=220,
            stop=("\n",), cancel=cancel,
        ):  # fmt: skip
            written += piece
            yield Token(piece)
        if len(self._done) >= _KEPT:
            self._done.pop(next(iter(self._done)), None)  # another thread may have been first
        self._done[key] = respelt(written.strip(), meanings)
        return self._done[key]


def respelt(translation: str, meanings: Mapping[str, str]) -> str:
    """A translation with its names spelt as given: "Tukayev" is "Tokayev" if «توكاييف» is."""
    given = {word for english in meanings.values() for word in english.split()}

    def spelling(match: re.Match[str]) -> str:
        name = match.group()
        if name in given:
            return name
        for arabic, english in meanings.items():
            if len(english.split()) == 1 and english[0].isupper() and same_name(name, arabic):
                return english
        return name

    return _NAME.sub(spelling, translation)
