"""The words of a sentence that answer, as a grammar under which a model can only copy them.

A small model asked for a short answer in its own words often repeats the question's. Held to the
sentence's words, beginning with one that the question does not have, it points to the answer.
"""

from __future__ import annotations

import json
import re

from rag.excerpts import offers_answers
from rag.premises import denies
from vectorstore.analysis import analyse

# A word, and the punctuation around it, which may part words but begins and ends no answer.
_WORD = re.compile(r"([(\[«“\"']*)([^\s]*?)([)\]»”\"'،,;:.؛؟?!…]*)(?:\s+|$)")
_STOP = frozenset("؛;؟?!")  # no answer goes on after these; a full stop may end an abbreviation
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Without them an answer says something else, as without a negation.
_TIMES = frozenset("قبل بعد منذ حتى خلال بين before after since until during between".split())


def copying_grammar(text: str, question: str) -> str | None:
    """A GBNF grammar of a space, a run of words of ``text``, and a line break.

    A run begins with a word that is neither the question's own, unless the question offers its
    answers, nor one that says nothing by itself ("of", "that"), and not behind a negation: "not
    safe" is never "safe". None where there is no such word.
    """
    asked = frozenset() if offers_answers(question) else frozenset(analyse(question))
    words = [m.groups() for m in _WORD.finditer(text) if m.group(2)]
    beginnings: list[str] = []
    rules: list[str] = []
    for i, (_, word, after) in enumerate(words):
        end = "end"
        if i + 1 < len(words) and not _STOP & set(after):
            end = f"(end | {_quoted(f'{after} {words[i + 1][0]}')} w{i + 1})"
        rules.append(f"w{i} ::= {_quoted(word)} {end}")
        stems = set(analyse(word))
        denied = i > 0 and denies(words[i - 1][1])
        if denies(word) or word.lower() in _TIMES or (stems and not stems <= asked and not denied):
            beginnings.append(f"w{i}")
    if not beginnings:
        return None
    return "\n".join([f'root ::= " " ({" | ".join(beginnings)})', r'end ::= "\n"', *rules])


def _quoted(text: str) -> str:
    """A literal of the grammar, which escapes quotes and backslashes as JSON does; control
    characters are left out."""
    return json.dumps(_CONTROL.sub("", text), ensure_ascii=False)
