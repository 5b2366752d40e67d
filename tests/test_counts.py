"""Which figure of a sentence a question asks for."""

from __future__ import annotations

import pytest

from rag.counts import counted_figure, counts_another

AID = (
    "قدمت الوزارة 6000 كمامة و6 ملايين طقم فحص و50 ألف جهاز حرارة، "
    "وأكثر من 2000 جهاز تنفس لتسع مدن."
)


@pytest.mark.parametrize(
    ("question", "text", "words"),
    [
        ("كم جهاز تنفس قدمت الوزارة؟", AID, "2000 جهاز تنفس"),
        ("كم جهاز حرارة قدمت الوزارة؟", AID, "50 ألف جهاز حرارة"),
        ("وكم كمامة قدمت؟", AID, "6000 كمامة"),
        ("كم طقما وزعت؟", AID, "6 ملايين طقم"),
        ("كم وحدة بنيت؟", "بنيت أربع وحدات للطاقة في ثلاث سنوات", "أربع وحدات"),
        ("How many tents came?", "Lorries brought 300 tents and 40 beds.", "300 tents"),
    ],
)
def test_the_figure_of_the_noun_is_found(question, text, words) -> None:
    start, end = counted_figure(question, text)
    assert text[start:end] == words


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("كم بلغ حجم التجارة؟", "بلغ حجم التجارة 40 مليار دولار"),  # no noun is counted
        ("كم مليارا تخطت التجارة؟", "بلغ حجم التجارة 40 مليار دولار"),
        ("كم بلغت الأرباح؟", "كانت الأرباح 2 مليار مقارنة بعام 2014، والتي بلغت 3 مليارات"),
        ("كم قاربا غرق؟", "غرق 12، والقوارب الأخرى نجت"),
        ("كم جهازا قدمت الوزارة؟", AID),  # two kinds of them
        ("متى قدمت الوزارة 2000 جهاز تنفس؟", AID),
        ("How many people came?", "Lorries brought 300 tents."),
        ("كم؟", AID),
        ("كم عدد الاستحواذات؟", "له 136 استحواذا في مسيرته و5 استحواذات هذا العام."),
        ("كم استثمارا أعلن؟", "أعلنت الشركة 7 استحواذات."),
    ],
)
def test_where_that_is_not_sure_nothing_is(question, text) -> None:
    assert counted_figure(question, text) is None


@pytest.mark.parametrize(
    ("question", "told", "another"),
    [
        ("كم سائقا وظفت البلدية للحافلات؟", "18 حافلة", True),
        ("كم حافلة اشترت البلدية؟", "18 حافلة", False),
        ("كم طنا من السمك صيد؟", "3200 طن من الزيتون", True),
        ("كم طنا من السمك صيد؟", "3200 طن من الأسماك", False),
        ("كم طنا من السمك صيد؟", "3200 طن", False),
        ("How many drivers run the buses?", "18 buses", True),
        ("How many drivers run the buses?", "220 kilometres", True),
        ("كم سائقا وظفت البلدية؟", "220 كيلومترا", True),
        ("كم عدد ورش العمل؟", "٣٠ ساعة", True),
        ("كم ساعة تدوم الورشة؟", "30 ساعة", False),
        ("كم شخصا حضر؟", "38 يوم الأحد", False),
        ("كم المهلة الممنوحة؟", "45 ساعة", False),
        ("How many musical instruments were lent?", "35 instruments", False),
        ("كم بلغ الراتب؟", "180 ألف حاوية", False),  # unclear
        ("من قاد الحافلات؟", "18 حافلة", False),
        ("كم حافلة دخلت في 2025؟", "في عام 2025", False),  # the question's own figure
    ],
)
def test_a_figure_may_count_something_else(question: str, told: str, another: bool) -> None:
    assert counts_another(question, told) is another


@pytest.mark.parametrize("question", ["كم مليارا تخطت التجارة؟", "How many billions was trade?"])
def test_thousands_and_millions_are_of_whatever(question) -> None:
    assert not counts_another(question, "40 مليار دولار أو 40 billion dollars")
