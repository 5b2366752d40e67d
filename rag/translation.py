"""Arabic evidence in English: names and figures put in first, the model's words checked after."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from models.protocols import LanguageModel
from rag.answer import Token
from rag.names import Glossary
from rag.prompts import translation_prompt

_KEPT = 512  # translations kept in memory


class Translator:
    """Translates sentences with the language model; the same text and names are done once."""

    def __init__(self, glossary: Glossary) -> None:
        self._glossary = glossary
        self._done: dict[tuple[str, str], str] = {}

    def translate(
        self, model: LanguageModel, text: str, question: str, cancel: threading.Event | None
    ) -> Iterator[Token]:
        """Yield the translation's words as they come and return it whole."""
        prepared = self.with_english_names(text, question)
        key = (model.identity, prepared)
        if key in self._done:
            return self._done[key]
        prompt = translation_prompt()
        written = ""
        for piece in model.generate(
            prompt.messages(text=prepared), constant=prompt.constant, max_tokens=220,
            stop=("\n",), cancel=cancel,
        ):  # fmt: skip
            written += piece
            yield Token(piece)
        if len(self._done) >= _KEPT:
            self._done.pop(next(iter(self._done)))
        self._done[key] = written.strip()
        return self._done[key]

    def with_english_names(self, text: str, question: str) -> str:
        """``text`` with its names and terms in English, the question's own spellings first."""
        for arabic, english in sorted(
            self._glossary.names_for(text, question).items(), key=lambda item: -len(item[0])
        ):
            text = text.replace(arabic, english)
        return text
