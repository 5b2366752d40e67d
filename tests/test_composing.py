"""What of a draft stays, and which of the articles' words stand beside it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from fakes import FakeEmbedder
from rag.answer import Evidence
from rag.composing import Composer
from rag.drafts import Draft, parse_draft
from rag.names import Glossary
from rag.prompts import answer_prompt
from rag.rereading import Pointed
from rag.sources import Source, narrowed
from rag.verification import Verifier

COST = "قال رئيس البلدية سالم الناصري إن جسر مرسى نور كلف 12 مليون دينار."
TIME = "وأضاف أن بناء جسر مرسى نور استغرق عامين وثلاثة أشهر."
TEXT = f"{COST} {TIME}"


def source(quote: str, rank: int, score: float, **more) -> Source:
    start = TEXT.index(quote)
    evidence = Evidence(
        "a1", None, "صحيفة المرفأ", None, None, "a.txt", start, start + len(quote), quote, score
    )
    fields = {"language": "ar", "shown": quote, "speaker": None, "speaker_at": None} | more
    return Source(evidence, TEXT, rank, **fields)


def make_composer() -> Composer:
    glossary = Glossary()
    return Composer(
        SimpleNamespace(copies=lambda article_id: ()),
        Verifier(lambda: FakeEmbedder(), glossary),
        glossary,
        lambda question, language: {},
    )


def compose(question: str, draft: Draft, sources, language: str = "ar"):
    return make_composer().compose(question, question, sources, draft, language)


@pytest.mark.parametrize(
    ("best", "quoted"),
    [(2.04, [TIME]), (2.14, [TIME, COST])],  # about as good, clearly better
)
def test_the_quote_is_what_the_answer_rests_on_unless_another_is_clearly_better(
    best: float, quoted: list[str]
) -> None:
    draft = Draft("عامين", ("استغرق بناء جسر مرسى نور عامين وثلاثة أشهر [2]",))
    sources = [source(COST, 0, best), source(TIME, 1, 2.0)]
    composed = compose("كم استغرق بناء الجسر؟", draft, sources)
    assert composed.path == "generated"
    assert [c.quote for c in composed.citations] == quoted


def test_a_short_answer_is_shown_where_it_stands() -> None:
    draft = Draft("عامين وثلاثة أشهر", ("استمر العمل وقتا طويلا",))
    sources = [source(COST, 0, 2.1), source(TIME, 1, 2.0)]
    composed = compose("ما المدة؟", draft, sources)
    assert composed.path == "quoted" and composed.short == "عامين وثلاثة أشهر"
    assert [c.quote for c in composed.citations] == [COST, TIME]


def test_the_best_quote_is_cut_last() -> None:
    long = "قال سالم " + "، ".join(f"إن العمل رقم {i} تم" for i in range(12)) + "، وافتتح الجسر."
    text = f"{long} {COST}"
    sources = []
    for rank, quote in enumerate((long, COST)):
        start = text.index(quote)
        end = start + len(quote)
        evidence = Evidence("a1", None, "ر", None, None, "a.txt", start, end, quote, 2.0)
        sources.append(Source(evidence, text, rank, "ar", quote, None, None))
    composed = compose("ماذا افتتح سالم؟", Draft("", ()), sources)
    assert long in composed.sentences[0].text and len(composed.sentences) == 1


@pytest.mark.parametrize(
    ("other", "shown"),
    [
        ("وقال الدفاع المدني إن 14 قاربا تضرر في العاصفة.", True),
        ("وقال الدفاع المدني إن 17 قاربا تضرر في العاصفة.", False),  # the same figure
        ("وقال الدفاع المدني إن 14 شخصا أصيب في العاصفة.", False),  # of something else
    ],
)
def test_where_articles_disagree_both_are_quoted(other: str, shown: bool) -> None:
    union = "قال اتحاد الصيادين إن 17 قاربا تضرر في العاصفة."
    sources = [
        Source(
            Evidence(name, None, outlet, None, None, None, 0, len(text), text, 2.1 - rank / 10),
            text, rank, "ar", text, None, None,
        )
        for rank, (name, outlet, text) in enumerate([("a", "المرفأ", union), ("b", "الجبل", other)])
    ]  # fmt: skip
    draft = Draft("17 قاربا", ("قال اتحاد الصيادين إن 17 قاربا تضرر في العاصفة [1]",))
    composed = compose("كم قاربا تضرر في العاصفة؟", draft, sources)
    assert composed.path == "generated"
    assert [c.quote for c in composed.citations] == ([union, other] if shown else [union])


def test_what_only_repeats_the_question_is_no_short_answer() -> None:
    draft = Draft("بناء جسر مرسى نور استغرق", ("استمر العمل وقتا طويلا",))
    composed = compose("ماذا استغرق بناء جسر مرسى نور؟", draft, [source(TIME, 0, 2.0)])
    assert composed.short is None and composed.sentences


@pytest.mark.parametrize(("short", "kept"), [("two years", "two years"), ("ten weeks", None)])
def test_few_words_of_a_translation_are_kept_where_it_shows_them(short, kept) -> None:
    english = "Building the Marsa Nour bridge took two years and three months"
    one = source(TIME, 0, 2.0, shown=english, translated=True)
    draft = Draft(short, (f"{english} [1]",))
    composed = compose("How long did it take?", draft, [one], "en")
    assert composed.short == kept


def test_the_questions_own_words_are_no_english_answer() -> None:
    english = "Building the Marsa Nour bridge took two years and three months"
    one = source(TIME, 0, 2.0, shown=english, translated=True)
    draft = Draft("Building the bridge", (f"{english} [1]",))
    composed = compose("What took so long in building the bridge?", draft, [one], "en")
    assert composed.path == "quoted" and composed.short is None and composed.sentences


def test_the_outlet_that_introduces_a_quote_is_no_short_answer() -> None:
    english = "Building the Marsa Nour bridge took two years and three months"
    one = source(TIME, 0, 2.0, shown=english, translated=True)
    outlet = replace(one, evidence=replace(one.evidence, source="Nile Post"))
    composed = compose("Whose bridge is it?", Draft("Nile", ("Nobody knows [1]",)), [outlet], "en")
    assert "Nile" in composed.sentences[0].text and composed.short is None


def test_a_pronoun_is_no_short_answer() -> None:
    assert parse_draft("Short: These\nAnswer: They came [1].", answer_prompt("en")).short == ""


def test_of_several_sentences_those_with_the_short_answer_stay() -> None:
    draft = Draft("12 مليون دينار", (f"{COST} [1]", f"{TIME} [2]"))
    sources = [source(COST, 0, 2.1), source(TIME, 1, 2.08)]
    composed = compose("كم كلف الجسر؟", draft, sources)
    assert [c.quote for c in composed.citations] == [COST]


@pytest.mark.parametrize(
    ("question", "short", "answered"),
    [
        ("من بنى جسر مرسى نور؟", "جسر مرسى نور", False),
        ("من بنى جسر مرسى نور؟", "سالم الناصري", True),
        ("من بنى جسر مرسى نور؟", "صحيفة المرفأ", False),
        ("من قال إن جسر مرسى نور كلف 12 مليون دينار؟", "جسر مرسى نور", True),
        ("ماذا كلف جسر مرسى نور؟", "جسر مرسى نور", True),
        ("ما اسم رئيس بلدية مرسى نور؟", "سالم الناصري", True),
        ("ما اسم رئيس بلدية مرسى نور؟", "رئيس البلدية", False),
        ("ما اسم رئيس بلدية مرسى نور؟", "رؤساء البلدية", False),
        ("ما اسم الجسر الذي كلف 12 مليون دينار؟", "الجسر", True),
    ],
)
def test_who_is_not_told_by_the_words_of_the_question_a_title_or_the_outlet(
    question, short, answered
) -> None:
    composed = compose(question, Draft(short, ("لا أعلم",)), [source(COST, 0, 2.1)])
    assert bool(composed.sentences) is answered


@pytest.mark.parametrize(
    ("question", "answered"),
    [("كم كلفت جسور العراق تحديدا؟", False), ("كم كلفت جسور العراق؟", True)],
)
def test_what_a_question_insists_on_is_named(question: str, answered: bool) -> None:
    composed = compose(question, Draft("", ()), [source(COST, 0, 2.1)])
    assert bool(composed.sentences) is answered


def test_a_premise_that_the_articles_contradict_is_not_let_pass() -> None:
    text = "وأيد سالم الناصري بناء الجسر."
    evidence = Evidence("a1", None, "المرفأ", None, None, "a.txt", 0, len(text), text, 2.0)
    sources = [Source(evidence, text, 0, "ar", text, None, None)]
    against = compose("لماذا رفض سالم الناصري بناء الجسر؟", Draft("", ()), sources)
    with_it = compose("لماذا أيد سالم الناصري بناء الجسر؟", Draft("", ()), sources)
    assert against.sentences[0].text.startswith("ما ورد في المقالات خلاف ذلك")
    assert with_it.sentences[0].text.startswith("المرفأ")


def test_a_mere_count_does_not_tell_which() -> None:
    text = "شاركت في المعرض 54 دولة منها مصر والسودان."
    evidence = Evidence("a1", None, "المرفأ", None, None, "a.txt", 0, len(text), text, 2.0)
    sources = [Source(evidence, text, 0, "ar", text, None, None)]
    draft = Draft("54 دولة", ("شاركت في المعرض 54 دولة [1]",))
    assert compose("ما الدول التي شاركت في المعرض؟", draft, sources).short is None
    assert compose("كم دولة شاركت في المعرض؟", draft, sources).short == "54 دولة"


def test_what_the_articles_contradict_is_not_said() -> None:
    text = "وأيد سالم الناصري بناء جسر مرسى نور."
    evidence = Evidence("a1", None, "المرفأ", None, None, "a.txt", 0, len(text), text, 2.0)
    shown = "Salem Nasiri supported building the Marsa Nour bridge"
    one = Source(evidence, text, 0, "ar", shown, None, None, translated=True)
    said = "Salem Nasiri rejected building the Marsa Nour bridge [1]"
    composed = compose("Why did Salem Nasiri reject the bridge?", Draft("", (said,)), [one], "en")
    assert composed.path == "quoted" and "rejected" not in composed.sentences[0].text


def pointed(words: str, score: float) -> Pointed:
    start = TIME.index(words)
    return Pointed(SimpleNamespace(score_of=lambda *span: score), 0, (start, start + len(words)))


@pytest.mark.parametrize(
    ("score", "short", "kept"),
    [(2.0, "12 months", False), (-2.0, "12 months", True), (2.0, "3 months", True)],
)
def test_a_figure_that_the_reader_is_sure_of_wins_over_the_models(score, short, kept) -> None:
    shown = "It took 3 months and not 12 months to build the Marsa Nour bridge"
    text = TIME.replace("ثلاثة أشهر", "3 أشهر لا 12")
    one = source(TIME, 0, 2.0, shown=shown, translated=True)
    evidence = replace(one.evidence, quote=text)
    at = text.index("3 أشهر")
    reading = replace(pointed("ثلاثة", score), span=(at, at + len("3 أشهر")))
    draft = Draft(short, (f"It took {short} to build the Marsa Nour bridge [1]",))
    sources = [replace(one, evidence=evidence, pointed=reading)]
    composed = compose("How many months did the bridge take?", draft, sources, "en")
    assert (composed.path == "generated") is kept


def test_an_english_answer_in_arabic_quotes_begins_with_the_translated_words() -> None:
    one = source(TIME, 0, 2.0, shown="It took 40 years.", translated=True)  # which is not borne out
    composer = make_composer()
    question = "How long did it take?"
    quoted = composer.compose(question, question, [one], Draft("", ()), "en")
    assert quoted.untranslated("en") and TIME.rstrip(".") in quoted.sentences[0].text
    words = "عامين"
    told = composer.worded(quoted, words, ["two years", "40 years"], question, "en", first=True)
    assert [s.text for s in told.sentences][0] == "two years [1]" and told.short == "two years"
    assert told.sentences[1:] == quoted.sentences and not told.untranslated("en")
    assert composer.worded(quoted, words, ["40 years"], question, "en") == quoted


@pytest.mark.parametrize(
    ("language", "quoted"),
    [
        ("en", "“said ‘wait’ «now» twice over to them”"),
        ("ar", "«said “wait” “now” twice over to them»"),
    ],
)
def test_a_quotation_within_a_quotation_has_marks_of_its_own(language, quoted) -> None:
    text = "said “wait” «now» twice over to them"
    evidence = replace(source(TIME, 0, 2.0).evidence, quote=text, start=0, end=len(text))
    one = Source(evidence, text, 0, "en", text, None, None)
    assert quoted in compose("?", Draft("", ()), [one], language).sentences[0].text


def test_without_sources_there_is_nothing_to_say() -> None:
    assert not compose("?", Draft("", ()), [], "en").sentences


@pytest.mark.parametrize(
    ("question", "short", "behind", "stands"),
    [
        ("ما الذي قيل عن الجسر؟", "12 مليون دينار", 0.05, True),
        ("ما الذي قيل عن الجسر؟", "12 مليون دينار", 0.11, False),  # clearly worse
        ("ما الذي قيل عن الجسر؟", "جسر مرسى نور", 0.05, False),  # stands in the best as well
        ("ما الذي قيل عن الجسر؟", "", 0.05, False),
        ("متى افتتح الجسر؟", "سالم الناصري", 0.05, False),  # no time
    ],
)
def test_a_short_answer_of_the_kind_asked_for_may_stand_elsewhere(question, short, behind, stands):
    sources = [source(TIME, 0, 2.0), source(COST, 1, 2.0 - behind)]
    found = make_composer().elsewhere(question, sources, Draft(short, ()), "ar")
    assert found is stands
    assert not make_composer().elsewhere(question, sources, Draft(short, ()), "en")


def test_the_sentence_that_holds_the_short_answer_is_quoted_alone_if_it_is_about_as_good() -> None:
    draft = Draft("12 مليون دينار", ("استمر العمل وقتا طويلا",))
    for behind, quoted in ((0.05, [COST]), (0.11, [TIME, COST])):
        sources = [source(TIME, 0, 2.0), source(COST, 1, 2.0 - behind)]
        composed = compose("ما الذي قيل عن الجسر؟", draft, sources)
        assert [c.quote for c in composed.citations] == quoted
    sources = [source(TIME, 0, 2.0), source(COST, 1, 1.95)]
    chosen, _ = make_composer().quoter.choose("?", sources, [], draft.short, several=True)
    assert chosen == [0, 1]


@pytest.mark.parametrize(("sure", "longer"), [(0.0, True), (-2.0, True), (0.0, False)])
def test_the_clause_that_the_reader_is_sure_of_is_narrower(sure: float, longer: bool) -> None:
    text = f"{'، '.join(['وتحدث الحاضرون عن المدينة وأهلها'] * longer * 4)}، وبلغ طوله 340 مترا"
    at = text.index("340")
    reading = Pointed(SimpleNamespace(score_of=lambda *span: sure), 0, (at, at + 3))
    evidence = replace(source(TIME, 0, 2.0).evidence, quote=text)
    one = Source(evidence, text, 0, "ar", "It", None, None, text, translated=True, pointed=reading)
    clause = narrowed(one)
    assert (clause is not None) is (longer and sure == 0.0)
    if clause is not None:
        assert "340" in clause.part and len(clause.part) < len(text)
        assert clause.shown == clause.part and not clause.translated
