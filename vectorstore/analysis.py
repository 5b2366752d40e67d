"""Text to index tokens: one analysis for what is stored and for what is asked.

Arabic words are folded, freed of clitics (conjunctions و ف, prepositions ب ك ل, the future س, the
article ال) by the few rules below, and stemmed by Snowball; Snowball alone leaves clitics such as
the preposition in «بالصين» and «للصين» apart from «الصين». Latin words go through Snowball's
English stemmer. Numbers become one spelling: ٤٠ is 40, 1,000,000 is 1000000, 19.8 stays.

BM25 over the 240 Arabic paragraphs of XQuAD's dev half, 594 questions, hit@1 / hit@5
(``python -m benchmarks.search analysis``): folding alone .808/.928; Snowball alone .845/.961; with
clitics off and no stop words, as here, .889/.978. A suffix stripper of our own in Snowball's place
measured the same (.887/.980), so the library stays.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache

import snowballstemmer

from vectorstore.arabic import fold

# A number with its separators; a dotted abbreviation (u.s.); a Latin word, digits allowed after its
# first letter (g20, covid19); a word of any other script. Arabic letters glued to digits (11عاما)
# come apart.
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*%?|(?:[a-z]\.){2,}|[a-z][a-z0-9]*|[^\W\d_a-z]+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3}){2,}")
_DECIMAL = re.compile(r"\d+[.,]\d{1,2}|\d+\.\d+")
_ARABIC = re.compile("[\u0621-\u064a]")

_ARTICLES = ("وبال", "وكال", "فبال", "وال", "فال", "بال", "كال", "ولل", "فلل", "لل", "ال")
_MIN_STEM = 3
_MIN_WORD_FOR_PREPOSITION = 6  # shorter words begin with a root letter more often

_STOP_WORDS = frozenset(
    map(
        fold,
        """
        في من إلى على عن هو هي هم هذا هذه ذلك تلك التي الذي الذين اللذين ما ماذا متى أين كيف كم هل
        لماذا أي أن إن كان كانت قد لقد لا لم لن و أو ثم بين مع كل بعض غير عند حتى إذا هناك منذ بعد
        قبل خلال حيث كما أيضا فقد وقد وفي ومن وهو وهي عليه عليها فيه فيها منه منها به بها له لها
        a an and are as at be by did do does for from has have how in is it its of on or that the
        their this to was were what when where which whom whose why will with
        """.split(),
    )
)

_arabic_stemmer = snowballstemmer.stemmer("arabic")
_english_stemmer = snowballstemmer.stemmer("english")
_stemming = threading.Lock()  # a stemmer keeps the word it works on in itself


def analyse(text: str) -> list[str]:
    """Tokens of a text in order, repeats kept; the same for index and queries.

    A percentage gives two tokens, "19.8" and "19.8%", so that it is found with and without its
    sign and an exact match counts more. A text of nothing but stop words gives no tokens.
    """
    tokens: list[str] = []
    for word in _TOKEN.findall(fold(text)):
        if word[0].isdigit():
            tokens.extend(_numbers(word))
        elif "." in word:
            tokens.append(word.replace(".", ""))
        elif word not in _STOP_WORDS and len(stem := _stem(word)) > 0:
            tokens.append(stem)
    return tokens


def _numbers(word: str) -> list[str]:
    """Spellings of one number, or the numbers of a list or date ("12.5.2020" gives three)."""
    number = word.removesuffix("%")
    if _THOUSANDS.fullmatch(number):
        whole = number.replace(",", "") if "," in number else number.replace(".", "")
        parts = [whole]
    elif _DECIMAL.fullmatch(number):
        parts = [number.replace(",", ".")]
    else:
        parts = re.split("[.,]", number)
    if word.endswith("%"):
        parts.append(parts[-1] + "%")
    return parts


@lru_cache(maxsize=1 << 18)
def _stem(word: str) -> str:
    if _ARABIC.search(word):
        with _stemming:
            return fold(_arabic_stemmer.stemWord(_without_clitics(word)))
    if word.isascii() and word.isalpha():
        if len(word) == 1:
            return ""
        with _stemming:
            return _english_stemmer.stemWord(word)
    return word


def _without_clitics(word: str) -> str:
    for article in _ARTICLES:
        if word.startswith(article) and len(word) - len(article) >= _MIN_STEM:
            return word[len(article) :]
    if word[0] in "وف" and len(word) > _MIN_STEM:
        word = word[1:]
    if word[0] in "بلكس" and len(word) >= _MIN_WORD_FOR_PREPOSITION:
        word = word[1:]
    return word
