"""Who is speaking: the named subject of reported speech, carried over «وقال إن…», "He added…".

News names a speaker once and goes on with "he said". A sentence that reports speech without naming
anyone belongs to the last named speaker before it in the same article.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vectorstore.types import Span

_BACK = 8  # sentences looked back for a name
_VERBS = (
    "قال|قالت|قالا|أضاف|أضافت|أكد|أكدت|أوضح|أوضحت|أشار|أشارت|ذكر|ذكرت|صرح|صرحت|شدد|شددت|لفت|لفتت|"
    "دعا|دعت|حث|حثت|أعرب|أعربت|أعلن|أعلنت|تابع|تابعت|بيّن|بينت|نوه|نوهت|كشف|كشفت|حذر|حذرت|اعتبر|"
    "اعتبرت|رأى|رأت|زعم|زعمت|نفى|نفت|تعهد|تعهدت|انتقد|انتقدت|طالب|طالبت|رحب|رحبت|أفاد|أفادت"
)
_LINKS = (
    "إن|أن|إنه|أنه|إنها|أنها|إنهم|أنهم|بأن|بأنه|إلى|عن|على|في|خلال|عقب|بعد|قبل|عند|أثناء|"
    "الجانبين|أمس|اليوم"
)
# «بيّن» ("made clear") only with its shadda: without it, it is the word "between".
_REPORTS_AR = re.compile(
    rf"(?:^|(?<=[\s،؛:\"«“(]))(?:و|ف|كما )?(?:قد )?(?:{_VERBS})"
    rf"(?P<subject>(?:\s+(?!(?:{_LINKS})\b)[\w()-]+){{0,9}}?)"
    rf"\s*(?=\s(?:{_LINKS})\b|[،:.\"«“]|$)"
)
_PRONOUN = frozenset("هو هي هم أيضا أيضاً كذلك he she they it also".split())
_REPORTS_EN = re.compile(
    r"(?P<subject>(?:[A-Z][\w.'’-]*\s+)(?:(?:of|the|al|el|bin|[A-Z][\w.'’-]*)\s+){0,7}?)"
    r"(?:said|says|added|told|stressed|noted|announced|warned|denied|pledged|stated|argued|claimed"
    r"|explained|confirmed)\b"
)
_NOT_SUBJECTS = re.compile(r"^(?:He|She|It|They|We|I|The|This|That|These|Those|But|And)\s*$")


@dataclass(frozen=True)
class Speaker:
    """``name`` as the article has it, and the sentence that names it."""

    name: str
    sentence: Span


def speaker_of(text: str, sentences: Sequence[Span], index: int) -> Speaker | None:
    """The named speaker of ``sentences[index]``, or None if it reports no speech.

    Looks at the sentence itself first, and only if it reports speech without naming anyone at the
    ones before it.
    """
    named, reports = _named(text[sentences[index].start : sentences[index].end])
    if named:
        return Speaker(named, sentences[index])
    if not reports:
        return None
    for earlier in range(index - 1, max(-1, index - 1 - _BACK), -1):
        span = sentences[earlier]
        named, _ = _named(text[span.start : span.end])
        if named:
            return Speaker(named, span)
    return None


def with_speaker(sentence: str, name: str) -> str:
    """A sentence that reports speech without a name, with ``name`` after its verb."""
    for match in _REPORTS_AR.finditer(sentence):
        if not match["subject"].strip():
            at = match.start("subject")
            return f"{sentence[:at]} {name}{sentence[at:]}"
    return sentence


def _named(sentence: str) -> tuple[str | None, bool]:
    """The last named subject of a report in a sentence, and whether it reports at all."""
    name, reports = None, False
    for match in _REPORTS_AR.finditer(sentence):
        reports = True
        subject = " ".join(w for w in match["subject"].split() if w not in _PRONOUN)
        if len(subject) > 1:
            name = subject
            break
    if name is None:
        for match in _REPORTS_EN.finditer(sentence):
            reports = True
            if not _NOT_SUBJECTS.match(match["subject"]):
                name = re.sub(r"^(?:The|But|And)\s+", "", match["subject"].strip())
                break
    return name, reports
