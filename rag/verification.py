"""Does the evidence support this sentence? Figures, names and wording, across languages.

A sentence of an answer is checked against the evidence sentences, not against the question: what
the question assumes is no evidence. Hard rules come first: a figure or a name that the evidence
does not hold (in the same language, a name that the glossary knows; in another, any), a speaker
who says nothing there, or across languages a word without a counterpart (``rag.alignment``) makes a
sentence unsupported whatever else speaks for it. What remains is a
probability from the share of its words that the evidence holds and from the similarity of their
vectors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models.protocols import Embedder, PassageInput
from rag.alignment import unaligned, words_of
from rag.attribution import names_office, near_speech, offices, reporters
from rag.countries import countries_in, is_country, names_all
from rag.drafts import CITED
from rag.excerpts import share_held
from rag.figures import missing_figures
from rag.language import in_script_of
from rag.leaks import leaked_pairs, leaked_words
from rag.names import Glossary
from rag.terms import common_english
from rag.transliteration import arabic_skeleton, find_transliterated, latin_skeleton, same_name
from vectorstore.analysis import analyse
from vectorstore.arabic import fold

# (slope, middle) of logistic curves: in the share of a sentence's words that the evidence holds, in
# the cosine across languages, and in the share of a few words held through the glossary. Of 29
# right translations the cosines lay between .69 and .91, of other sentences at .64 or below.
OVERLAP = (12.0, 0.7)
COSINE = (16.0, 0.62)
CROSSED_OVERLAP = (12.0, 0.6)
FEW_WORDS = 10  # stems
TEXTS_KEPT = 32  # whose token vectors are remembered: a text is checked several times
SUPPORTED = 0.5  # probability from which a sentence counts as supported
APART = 2  # words of an Arabic text within which the next word of a name follows
SHORT_NAME = 3  # letters
SHORT_SKELETON = 3  # consonants of a name that many words have
STEM = 4  # letters that a people and its country share
_LATIN_NAME = re.compile(r"(?<![\w'’-])[A-Z][\w'’-]*")
# A word half in Arabic and half in Latin letters, which a small model slips into; a particle before
# a Latin name («بـCGTN», «لـ BBC») makes none.
_MIXED = re.compile(r"\w*[\u0621-\u063a\u0641-\u064a]{3}[A-Za-z]\w*|\w*[A-Za-z][\u0620-\u064a]\w*")
# Arabic words that a name follows.
_NAMED = re.compile(
    r"(?<!\w)[وفبل]?(?:محافظة|مدينة|بلدة|قرية|ولاية|مديرية|جزيرة|السيد|السيدة|الدكتور|الدكتورة|الشيخ"
    r"|الأمير|الأميرة|الملك|المهندس|شركة|نادي|جامعة|مستشفى|قناة|صحيفة)\s+(?P<name>\w+)"
)
# Words written large in English, mostly at a sentence's beginning, that name nothing.
_NO_NAMES = frozenset(
    "a an the this that these those he she it they we i you his her its their our my who what "
    "which and but or so yet yes no not both all each every some many most more several other "
    "another one two three four five six seven eight nine ten in on at by for from of to with "
    "without into over under between among during since until till after before about against "
    "through across according regarding concerning despite although though while when where if "
    "because as than also however moreover meanwhile therefore thus then now today yesterday "
    "there here once only still already later earlier finally first second third last next "
    "until up out off per via mr mrs ms dr president minister prime foreign king queen prince "
    "sheikh council state states ministry government secretary general side party agency "
    "article articles archive news translation he's it's".split()
)


# Stems that a sentence may take over from the question without asserting anything by them.
_LIGHT = frozenset(
    stem
    for word in "بلغ بلغت يبلغ عدد حجم نسبة قيمة قال قالت ذكر ذكرت أعلن أعلنت أكد أضاف أشار تم جرى "
    "وفق بحسب حسب مقال خبر تقرير صحيفة وكالة عام سنة شهر يوم اسم name number amount total said "
    "told according article report year month day reach reached will would shall".split()
    for stem in analyse(word)
)


@dataclass(frozen=True)
class Claim:
    """What a sentence is checked against: the words of an article and who stands behind them.

    ``heading`` holds source, title and date, in which names may also be found. ``article_id``:
    two sentences support one claim together only if they are of one article. ``part``: of ``text``
    what was translated, with whose vector a translation's is compared; else all is. ``speaker``:
    who says it, where an earlier sentence names them. ``outlet``: who publishes it, who may be said
    to say it too.
    """

    text: str
    heading: str
    article_id: str = ""
    part: str = ""
    speaker: str | None = None
    outlet: str = ""


@dataclass(frozen=True)
class Verdict:
    """``support``: probability that the evidence entails the sentence. ``evidence``: indices of
    the evidence it rests on, best first. ``missing``: figures, names and words that were not
    found."""

    supported: bool
    support: float
    evidence: tuple[int, ...]
    missing: tuple[str, ...] = ()


class Verifier:
    """Checks sentences of one language against evidence of the same or another."""

    def __init__(self, embedder: Callable[[], Embedder], glossary: Glossary) -> None:
        self._embedder = embedder
        self._glossary = glossary
        self._tokens = lru_cache(maxsize=TEXTS_KEPT)(
            lambda text: self._embedder().embed_query_tokens(text)
        )

    def check(
        self,
        sentence: str,
        claims: Sequence[Claim],
        *,
        same_language: bool,
        question: str = "",
        hint: Sequence[int] = (),
    ) -> Verdict:
        """Verdict on one sentence; ``hint``: indices that the model itself cited.

        A sentence that only repeats ``question`` says nothing and is not supported, and neither is
        one that takes a word over from the question which the evidence does not hold: so a false
        premise would be asserted.
        """
        plain = CITED.sub("", sentence).strip()
        asked = set(analyse(question))
        if not claims or not set(analyse(plain)) - asked - (_LIGHT if asked else frozenset()):
            return Verdict(False, 0.0, ())
        supports = self._supports(plain, claims, same_language)
        best = max(range(len(claims)), key=lambda i: (supports[i] + 0.05 * (i in hint), -i))
        chosen = [best]
        missing = self._missing(plain, [claims[best]], same_language, asked)
        if missing:  # a second sentence may hold what the first lacks
            for i in sorted(range(len(claims)), key=lambda i: -supports[i]):
                if i == best or claims[i].article_id != claims[best].article_id:
                    continue
                fewer = self._missing(plain, [claims[best], claims[i]], same_language, asked)
                if len(fewer) < len(missing):
                    chosen, missing = [best, i], fewer
                if not missing:
                    break
        support = max(supports[i] for i in chosen)
        if same_language and len(chosen) > 1:
            joined = " ".join(claims[i].text for i in chosen)
            support = max(support, _logistic(share_held(plain, joined), *OVERLAP))
        if same_language and not missing:
            held = set(analyse(" ".join(f"{claims[i].text} {claims[i].heading}" for i in chosen)))
            missing = sorted((set(analyse(plain)) & asked) - held - _LIGHT)
        if missing:
            support = min(support, 0.2)
        return Verdict(support >= SUPPORTED, round(support, 4), tuple(chosen), tuple(missing))

    def _supports(self, plain: str, claims: Sequence[Claim], same_language: bool) -> list[float]:
        """For each claim the probability that it entails the sentence, figures and names apart."""
        if same_language:
            return [_logistic(share_held(plain, f"{c.text} {c.heading}"), *OVERLAP) for c in claims]
        vectors = self._embedder().embed_passages(
            [PassageInput(text, None, ()) for text in (plain, *(c.part or c.text for c in claims))]
        )
        rows = np.stack([v.passage for v in vectors])
        supports = [_logistic(float(cosine), *COSINE) for cosine in rows[1:] @ rows[0]]
        if len(set(analyse(plain))) > FEW_WORDS:
            return supports
        # A few words have no vector to speak of; the glossary can tell whether they are there.
        return [
            max(support, _logistic(_words_held(plain, self._in_english(c)), *CROSSED_OVERLAP))
            for support, c in zip(supports, claims, strict=True)
        ]

    def _in_english(self, claim: Claim) -> str:
        """The English of the words that the glossary knows, with what is Latin already."""
        held = f"{claim.text} {claim.heading}"
        return " ".join((held, *self._glossary.meanings(held).values()))

    def _missing(
        self, plain: str, claims: Sequence[Claim], same_language: bool, asked: set[str]
    ) -> list[str]:
        held = " ".join(f"{c.text} {c.heading}" for c in claims)
        missing = [f"{value:g}" for value in missing_figures(plain, held)]
        missing += [word for word in _MIXED.findall(plain) if word not in held]
        if same_language:
            missing += self._missing_known_names(plain, held)
            told = held
        else:
            told = " ".join((held, *self._glossary.meanings(held).values()))
        missing += self._missing_names(plain, held) + self._silent(plain, claims)
        if not same_language:
            missing += self._missing_countries(plain, held)
            missing += self._unaligned(plain, claims, {*analyse(told), *asked, *_LIGHT})
        return list(dict.fromkeys((*missing, *leaked_pairs(plain, {*analyse(told)}))))

    def _unaligned(self, plain: str, claims: Sequence[Claim], known: set[str]) -> list[str]:
        if not words_of(plain):
            return []
        texts = [text for c in claims for text in (c.text, c.heading) if text]
        evidence = [self._tokens(text).vectors for text in texts]
        return unaligned(plain, self._tokens(plain), evidence, known)

    def _missing_countries(self, plain: str, held: str) -> list[str]:
        """Countries of few consonants that the evidence names by no word for them: "Kuwait" sounds
        like «أخطاء», "mistakes". Peoples ("Kuwaiti") are not looked at."""
        return [
            names[0]
            for code, names in countries_in(plain, self._glossary).items()
            if len(latin_skeleton(names[0])) <= SHORT_SKELETON
            and not names_all(held, {code: names})
        ]

    def _silent(self, plain: str, claims: Sequence[Claim]) -> list[str]:
        """Who is said to have said something and does not in the evidence: that "Xi watched the
        ceremony" does not make what stands beside it his words."""
        named, told = reporters(plain), offices(plain)
        if not (named or told):
            return []

        def saying(*, subjects: bool) -> str:
            texts = [text for c in claims for text in (c.text, c.heading)]
            near = [part for text in texts for part in near_speech(text, subjects=subjects)]
            return " ، ".join(near + [c.speaker or "" for c in claims] + [c.outlet for c in claims])

        widely, by_subjects = saying(subjects=False), saying(subjects=True)

        def speaks(name: str) -> bool:
            near = widely if is_country(name, self._glossary) else by_subjects  # by a minister
            if not in_script_of(name, "ar"):
                return not self._missing_names(name.split()[-1], near)
            titles = [m for m in self._glossary.find_arabic(name) if not m.term.name]
            common = {stem for m in titles for stem in analyse(name[m.start : m.end])}
            own = set(analyse(name)) - common
            return not own or bool(own & set(analyse(near)))

        best = claims[0]
        near = " ، ".join((*near_speech(best.text), best.speaker or ""))
        silent = [name for name in named if not speaks(name)]
        # Who is named before is not told by an office that stands nowhere near.
        return silent + [
            f"{nation} {office}"
            for nation, office in told
            if nation.lower() not in _NO_NAMES
            and (self._missing_names(nation, widely) or (best.speaker and not names_office(near)))
        ]

    def _missing_known_names(self, plain: str, held: str) -> list[str]:
        """Names that the evidence does not hold in any form: of countries, people and bodies, and
        unknown words after one that a name follows («مدينة …») or out of a worked example."""
        present = set(analyse(held))
        known = self._glossary.find_arabic(plain)
        missing = [
            match.term.arabic
            for match in known
            if match.term.name and not present.intersection(analyse(match.term.arabic))
        ]
        unknown = [m["name"] for m in _NAMED.finditer(plain)]
        if in_script_of(plain, "ar"):  # English ones are looked at in pairs
            unknown += leaked_words(plain, present)
        common = {stem for match in known for stem in analyse(plain[match.start : match.end])}
        held_or_common = present | common | _LIGHT
        return missing + [w for w in unknown if analyse(w) and not {*analyse(w)} & held_or_common]

    def _missing_names(self, plain: str, held: str) -> list[str]:
        known = {
            word for english in self._glossary.meanings(held).values() for word in _words(english)
        } | set(_words(held))
        missing = []
        before: tuple[int, str, bool] | None = None  # where a name of the evidence ended
        for match in _LATIN_NAME.finditer(plain):
            last, before = before, None
            name = re.sub("['’]s$", "", match.group())
            common = name.lower() in _NO_NAMES or (
                match.start() == 0 and name.lower() in common_english()
            )
            if common:
                continue
            spelt = find_transliterated(name, held) is not None
            akin = any(_akin(part, known) for part in _words(name))
            if not (spelt or akin or _short_name_held(name, held)):
                missing.append(name)
            if spelt:
                before = (match.start() + len(name), name, akin)  # "Arabia's Arab" is no name
                follows = last is not None and last[0] + 1 == match.start()
                known_both = follows and akin and last[2]  # "Saudi Arabia": not a person's name
                if follows and not known_both and not _in_a_row(last[1], name, held):
                    missing.append(f"{last[1]} {name}")
        return missing


def _in_a_row(first: str, second: str, text: str) -> bool:
    """Whether two words of a name stand together in an Arabic text, at most one word between them:
    of "Charles Porter and Charles Richard" nobody is "Richard Porter".

    What tells more of a name follows it in Arabic, so the second may also stand right before.
    """
    words = re.findall(r"\w+|[^\w\s-]", text)
    for i in range(len(words)):
        for length in (1, 2):  # «قاسم جومارت» is one "Kassym-Jomart"
            name = "".join(words[i : i + length])
            if not (name.isalnum() and same_name(first, name)):
                continue
            near = words[i + length : i + length + APART]
            between = near[0] if near else ""
            if not between[:1].isalnum() or between.startswith("و"):
                near = near[:1]  # "and William" is somebody else
            if find_transliterated(second, " ".join(near)):
                return True
            if i and same_name(second, words[i - 1]):
                return True
    return False


def _short_name_held(name: str, held: str) -> bool:
    """Whether a name of hardly any consonants (Xi, Yi) stands in the text: «شي», «يي»."""
    skeleton = latin_skeleton(name) if len(name) <= SHORT_NAME else ""
    return bool(skeleton) and any(
        len(word) <= SHORT_NAME and arabic_skeleton(word) == skeleton
        for word in re.findall(r"\w+", held)
    )


def _akin(word: str, known: set[str]) -> bool:
    """Whether a word is known, or is of one stem with a known one: Chinese, China."""
    return word in known or (len(word) >= STEM and any(k[:STEM] == word[:STEM] for k in known))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", fold(text))


def _words_held(sentence: str, evidence: str) -> float:
    """As ``share_held``, of the words alone: figures are looked for by value; 1 without words."""
    stems = {stem for stem in analyse(sentence) if not stem[0].isdigit()}
    return len(stems & set(analyse(evidence))) / len(stems) if stems else 1.0


def _logistic(score: float, slope: float, middle: float) -> float:
    return 1 / (1 + math.exp(-slope * (score - middle)))
