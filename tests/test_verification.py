import re

import pytest

from fakes import FakeEmbedder
from rag.attribution import _SAID_EN
from rag.names import Glossary
from rag.verification import Claim, Verifier

VERIFIER = Verifier(lambda: FakeEmbedder(), Glossary())
TRADE = Claim(
    "بلغ حجم التجارة الثنائية بين المدينتين 40 مليار دولار خلال أربعة أشهر.", "شينخوا وانغ"
)
SPORT = Claim("فاز الفريق المحلي بالمباراة الأخيرة أمام جمهور كبير.", "إذاعة الجبل")


def test_a_sentence_in_the_evidences_words_is_supported_by_that_evidence() -> None:
    verdict = VERIFIER.check(
        "بلغ حجم التجارة الثنائية 40 مليار دولار [1].", [SPORT, TRADE], same_language=True
    )
    assert verdict.supported and verdict.evidence == (1,)


def test_the_models_own_citation_is_only_a_hint() -> None:
    verdict = VERIFIER.check(
        "بلغ حجم التجارة 40 مليار دولار [1].", [SPORT, TRADE], same_language=True, hint=[0]
    )
    assert verdict.evidence == (1,)


@pytest.mark.parametrize(
    "sentence",
    [
        "بلغ حجم التجارة الثنائية 400 مليار دولار.",
        "بلغ حجم التجارة الثنائية 40 مليون دولار.",
        "رفضت الحكومة إرسال السفن إلى الميناء القديم.",
        "بلغ حجم التجارة الثنائية مع العراق 40 مليار دولار.",
    ],
)
def test_another_figure_or_other_words_are_not_supported(sentence: str) -> None:
    assert not VERIFIER.check(sentence, [SPORT, TRADE], same_language=True).supported


def test_two_sentences_may_support_one_claim_together() -> None:
    opened = Claim("افتتح رئيس البلدية الجسر الجديد في 12 مارس.", "")
    cost = Claim("كلف الجسر الجديد 9 ملايين دينار.", "")
    verdict = VERIFIER.check(
        "افتتح رئيس البلدية الجسر الجديد في 12 مارس وكلف 9 ملايين دينار.",
        [opened, cost], same_language=True,
    )  # fmt: skip
    assert verdict.supported and set(verdict.evidence) == {0, 1}


def test_a_foreign_name_must_stand_in_the_evidence_in_some_spelling() -> None:
    claim = Claim("قال لافروف إن روسيا مستعدة للتعاون.", "")
    held = VERIFIER.check("Lavrov said Russia is ready.", [claim], same_language=False)
    other = VERIFIER.check("Shoukry said Egypt is ready.", [claim], same_language=False)
    assert held.missing == ()
    assert other.missing == ("Shoukry", "Egypt") and not other.supported


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ("Charles Richard developed it.", ()),
        ("Charles Porter drove it.", ()),
        ("Richard Porter developed it.", ("Richard Porter",)),
        ("Lothar Maizier took part.", ()),
        ("Kassym-Jomart Tokayev spoke.", ()),
        ("Charles's Lothar took part.", ()),
    ],
)
def test_the_words_of_a_name_must_stand_together(sentence: str, missing: tuple[str, ...]) -> None:
    evidence = Claim(
        "طوره تشارلز ريتشارد للمخترع تشارلز بورتر، وحضر لوثار دي مايزير وقاسم جومارت توكاييف.", ""
    )
    assert VERIFIER.check(sentence, [evidence], same_language=False).missing == missing


@pytest.mark.parametrize(
    ("sentence", "evidence", "missing"),
    [
        ("Charles Porter came.", "جاء تشارلز وويليام بورتر.", ("Charles Porter",)),
        ("Charles Porter came.", "جاء تشارلز، بورتر غاب.", ("Charles Porter",)),
        ("Saudi Arabia and Latin America came.", "جاءت العربية السعودية وأمريكا اللاتينية.", ()),
        ("The Israeli Knesset met.", "اجتمع الكنيست الإسرائيلي.", ()),
        ("Iraqi Kurdistan voted.", "صوت كردستان العراق.", ()),
    ],
)
def test_words_stand_together_as_arabic_puts_them(sentence, evidence, missing) -> None:
    verdict = VERIFIER.check(sentence, [Claim(evidence, "")], same_language=False)
    assert verdict.missing == missing


def test_a_name_without_consonants_is_not_taken_for_any_short_word() -> None:
    claim = Claim("قال أي مسؤول يا سيدي إن 20 سفينة وصلت مع شي.", "")
    missing = VERIFIER.check("Xi saw EU and UAE.", [claim], same_language=False).missing
    assert missing == ("EU", "UAE")


def test_a_country_is_not_held_by_a_word_that_sounds_like_it() -> None:
    claim = Claim("فاز المنتخب السعودي على قطر 3-2 بعد أخطاء اللاعبين.", "")
    for country, missing in (("Qatar", ()), ("Kuwait", ("Kuwait",))):
        verdict = VERIFIER.check(
            f"The Saudi team beat {country} 3-2.", [claim], same_language=False
        )
        assert verdict.missing == missing


def test_nothing_supports_nothing() -> None:
    assert not VERIFIER.check("نعم", [], same_language=True).supported
    assert not VERIFIER.check("[1]", [TRADE], same_language=True).supported


def test_an_echo_of_the_question_says_nothing() -> None:
    verdict = VERIFIER.check(
        "حجم التجارة الثنائية في الأشهر الأربعة.", [TRADE], same_language=True,
        question="ما حجم التجارة الثنائية في الأشهر الأربعة؟",
    )  # fmt: skip
    assert not verdict.supported


def test_a_premise_that_the_evidence_does_not_hold_is_not_asserted() -> None:
    claim = Claim("أرسلت الحكومة فرق إنقاذ وأطباء وخياما إلى القرى الجبلية.", "")
    verdict = VERIFIER.check(
        "رفضت الحكومة إرسال فرق إنقاذ وأطباء وخيام إلى القرى الجبلية.", [claim],
        same_language=True, question="لماذا رفضت الحكومة إرسال فرق إنقاذ؟",
    )  # fmt: skip
    assert not verdict.supported and verdict.missing


def test_a_few_words_cross_languages_through_the_glossary() -> None:
    claim = Claim("أرسلت الصين 50 ألف جهاز لقياس الحرارة إلى السودان.", "")
    for words, supported in (
        ("50,000", True),
        ("40,000", False),
        ("Sudan", True),
        ("a bridge", False),
    ):
        assert VERIFIER.check(words, [claim], same_language=False).supported is supported, words


def test_a_common_word_at_the_beginning_is_no_name() -> None:
    held = Claim("Independent schools were recognised with public schools.", "Coast Agency")
    said = "{} with public schools, independent schools were recognised."
    common, name = (
        VERIFIER.check(said.format(word), [held], same_language=True)
        for word in ("Along", "Dennis")
    )
    assert "Along" not in common.missing and name.missing == ("Dennis",)


XI = Claim(
    "شهد الرئيس شي مراسم وضع حجر الأساس لمشروع الطاقة في المدينة الساحلية، وفقا لما قال.", ""
)


@pytest.mark.parametrize(
    ("sentence", "claim", "silent"),
    [
        ("According to what President Xi said, it was a start.", XI, ("President Xi",)),
        ("President Xi watched the ceremony.", XI, ()),
        ("Lavrov said Russia is ready.", Claim("قال لافروف إن روسيا مستعدة.", ""), ()),
        (
            "Lavrov said Russia is ready.",
            Claim("وقال إن روسيا مستعدة.", "لافروف", speaker="لافروف"),
            (),
        ),
        ("Lavrov said Russia is ready.", Claim("روسيا مستعدة.", "اجتماع لافروف"), ("Lavrov",)),
        ("Lavrov said Russia is ready.", Claim("روسيا مستعدة.", "لافروف: نتعاون"), ()),
        (
            "Xi credited Tokayev.",
            Claim("قال توكاييف إن شي حقق النجاح.", ""),
            ("Xi",),
        ),
        ("Tokayev credited Xi.", Claim("قال توكاييف إن شي حقق النجاح.", ""), ()),
        ("Lavrov said Russia is ready.", Claim("قال الوزير، لافروف، إن روسيا مستعدة.", ""), ()),
        ("Lavrov stressed it.", Claim("التقى لافروف نظيره، وأكد أهمية التعاون هناك.", ""), ()),
        ("Russia said it is ready.", Claim("قال لافروف إن روسيا مستعدة.", ""), ()),
        ("Russia said it is ready.", Claim("وقال إن الشركة مستعدة.", "في روسيا"), ("Russia",)),
        ("Xinhua said it is ready.", Claim("الشركة مستعدة.", "شينخوا", outlet="شينخوا"), ()),
        ("Xinhua said it is ready.", Claim("الشركة مستعدة.", "شينخوا"), ("Xinhua",)),
        ("Lavrov said it is ready.", Claim("حضر لافروف، ودفع مليون دينار.", ""), ("Lavrov",)),
        ("Lavrov expressed it.", Claim("وعبر لافروف عن تقديره للصين.", ""), ()),
        ("Lavrov hailed from Sochi.", Claim("ولد لافروف في سوتشي.", ""), ()),
        ("Lavrov said Russia is ready.", Claim("حضر لافروف، وروسيا مستعدة.", ""), ("Lavrov",)),
    ],
)
def test_who_says_nothing_in_the_evidence_is_no_speaker(sentence, claim, silent) -> None:
    assert VERIFIER.check(sentence, [claim], same_language=False).missing == silent


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("On Monday Lavrov said the port is open.", "قال لافروف يوم الاثنين إن الميناء مفتوح."),
        ("Witnesses said the port is open.", "أفاد شهود عيان بأن الميناء مفتوح."),
        ("President Erdoğan said the port is open.", "قال الرئيس أردوغان إن الميناء مفتوح."),
        ("Lavrov announced a plan.", "وضع لافروف خطة."),
        ("Lavrov said the port is open.", "يؤكد لافروف أن الميناء مفتوح."),
        ("Lavrov said the port is open.", "لافروف: الميناء مفتوح."),
    ],
)
def test_who_speaks_in_other_words_is_a_speaker(sentence, evidence) -> None:
    assert VERIFIER.check(sentence, [Claim(evidence, "")], same_language=False).missing == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "قالت الشركة إن أرباحها بلغت 5 ملايين دولار",
        "وصل إلى المدينة في مايو",
        "افتتح الجامعة التي بناها",
        "يرى المحلل أحمد خليل أن الأسعار سترتفع",
    ],
)
def test_a_sentence_supports_itself(sentence: str) -> None:
    assert VERIFIER.check(sentence, [Claim(sentence, "")], same_language=True).supported


def test_english_evidence_is_not_held_to_the_words_of_the_examples() -> None:
    told = Claim("Profits of the cement company rose by 5 percent in 2020.", "")
    said = "Profits of the cement company increased by 5 percent in 2020"
    assert VERIFIER.check(said, [told], same_language=True).supported


@pytest.mark.parametrize("verb", re.findall(r"\w+(?: out)?", re.sub(r"\(.*?\)", "", _SAID_EN)))
def test_every_verb_of_saying_is_one_in_the_evidence_too(verb: str) -> None:
    said = f"Putin {verb} that the port is open."
    assert VERIFIER.check(said, [Claim(said, "")], same_language=True).missing == ()


def test_another_speaker_with_the_same_title_is_another() -> None:
    what = "إن حجم التجارة بين المدينتين نما كثيرا خلال العام كله"
    told = f"قال الرئيس سالم الناصري {what}، وحضر الرئيس بوتين"
    said = f"قال الرئيس بوتين {what}"
    assert not VERIFIER.check(said, [Claim(told, "")], same_language=True).supported


def test_who_says_nothing_is_no_speaker_in_arabic_either() -> None:
    said = "قال الرئيس سالم إن الجسر افتتح"
    opened = Claim("افتتح الرئيس سالم الجسر.", "")
    assert not VERIFIER.check(said, [opened], same_language=True).supported
    told = Claim("وأعلن الرئيس سالم أن الجسر افتتح.", "")
    assert VERIFIER.check(said, [told], same_language=True).supported


@pytest.mark.parametrize(
    "invented",
    ["في محافظة مرجانة ", "في سيدرا ", "على المصاifes "],  # a name, an example's, half Latin
)
def test_a_word_that_no_article_has_is_caught_in_a_long_sentence(invented: str) -> None:
    told = "كان المتمردون يستغلون الموقع وقت اقتحامه في تدريب أعداد ضخمة من الشباب قبل المواجهات"
    claim = Claim(told, "")
    assert VERIFIER.check(told, [claim], same_language=True).supported
    assert not VERIFIER.check(invented + told, [claim], same_language=True).supported


def test_a_translation_is_compared_with_what_was_translated() -> None:
    part = "ورحبت موسكو بالقرار"
    claims = [Claim(f"وصل الوفد مساء أمس، {part}", "", part=p) for p in ("", part)]
    supports = [VERIFIER.check(part, [c], same_language=False).support for c in claims]
    assert supports[1] > supports[0]


@pytest.mark.parametrize(
    ("evidence", "speaker", "silent"),
    [
        ("كما أعرب عن استعداد قازاقستان للتعاون مع الصين.", "توكاييف", ("Chinese president",)),
        ("كما أعرب عن استعداد قازاقستان للتعاون مع الصين.", None, ()),
        ("وأعرب الرئيس الصيني عن استعداده للتعاون مع قازاقستان.", "توكاييف", ()),
        ("وأعرب الرئيس عن استعداده للتعاون مع قازاقستان.", None, ("Chinese president",)),
        ("وأعرب عن استعداده للتعاون مع قازاقستان.", "الرئيس الصيني شي", ()),
    ],
)
def test_who_is_told_by_nation_and_office_must_speak(evidence, speaker, silent) -> None:
    said = "The Chinese president expressed readiness for cooperation with Kazakhstan."
    claim = Claim(evidence, speaker or "", speaker=speaker)
    missing = VERIFIER.check(said, [claim], same_language=False).missing
    assert tuple(name for name in missing if "president" in name) == silent
    plain = said.replace("Chinese ", "")
    assert VERIFIER.check(plain, [claim], same_language=False).missing == ()
