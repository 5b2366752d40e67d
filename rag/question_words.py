"""The words of a question as they are looked up in text of its own and of the other language."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vectorstore.analysis import analyse


class QuestionWords:
    """A question of a ``language``. ``crossing``: what of it can be found in text of the other one.
    ``weigh`` gives the worth of the analysed words of either, and is called once for each."""

    def __init__(
        self,
        question: str,
        crossing: str,
        language: str,
        weigh: Callable[[bool], Mapping[str, float]],
    ) -> None:
        self.language = language
        self._texts = {False: question, True: crossing}
        self._weigh = weigh
        self._weights: dict[bool, Mapping[str, float]] = {}

    def text(self, crossed: bool) -> str:
        """What to look up; ``crossed``: in text of the other language."""
        return self._texts[crossed]

    def weights(self, crossed: bool) -> Mapping[str, float]:
        """Share of each analysed word in the worth of all."""
        if crossed not in self._weights:
            self._weights[crossed] = self._weigh(crossed)
        return self._weights[crossed]


def overlap(weights: Mapping[str, float], text: str) -> float:
    """Worth of the words that a text holds."""
    if not weights:
        return 0.0
    present = set(analyse(text))
    return sum(w for token, w in weights.items() if token in present)
