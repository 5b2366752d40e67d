import pytest

from rag.figures import find_figures, missing_figures


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("٤٠ مليار دولار", [40e9]),
        ("قدرت بملياري دولار", [2e9]),
        ("40 billion dollars", [40e9]),
        ("40,000,000,000", [40e9]),
        ("بزيادة 19.8 بالمئة", [19.8]),
        ("الذكرى الـ20", [20]),
        ("the 20th anniversary", [20]),
        ("أكثر من ألفي جهاز", [2000]),
        ("مئتان وثلاثة وتسعون", [293]),
        ("twenty-four ships, fifty thousand crates", [24, 50_000]),
        ("1.000.000 و6 ملايين و50 ألف", [1e6, 6e6, 5e4]),
        ("2,5 مليون", [2.5e6]),
        ("1,500 seats", [1500]),
        ("من 10 إلى 16 سبتمبر", [10, 16]),
        ("one of them, واحد منهم", []),
        ("توفي أحد عشر شخصا، وأحد الحاضرين", [11]),
        ("إحدى عشرة ساعة واثنا عشر عاملا واثنتي عشرة مدينة", [11, 12, 12]),
        ("ثلاثة عشر رجلا وخمس عشرة امرأة والتاسع عشر", [13, 15, 19]),
        ("في الخامس عشر من مايو والحادي والعشرين منه", [15, 21]),
        ("خمسة وعشرة", [5, 10]),
        ("واحدا وعشرين يوما وواحد منهم", [21]),
        ("القرن الحادي عشر", [11]),
        ("خمسة عشر ألف دينار", [15_000]),
        ("مئة وأحد عشر", [111]),
        ("كلف مليون دينار ومليارا آخر", [1e6, 1e9]),
        ("a million dollars, one billion more", [1e6, 1e9]),
        ("نصف مليون، half a million", []),
        ("ملايين الناس, millions", []),
        ("$3bn and 20k", [3e9, 20e3]),
        ("5km, 10mm", [5, 10]),
        ("بكين،2020", [2020]),
        ("1.234.567,89 and 1,234.5", [1_234_567.89, 1234.5]),
        ("1,234.567.8", [12_345_678]),
        ("", []),
    ],
)
def test_values(text: str, values: list[float]) -> None:
    assert [f.value for f in find_figures(text)] == values


def test_a_figure_is_missing_unless_the_evidence_holds_its_value() -> None:
    assert missing_figures("It sent 17 teams.", "أرسلت 170 فريقا") == [17]
    assert missing_figures("It sent 50,000 masks.", "أرسلت ٥٠ ألف كمامة") == []
    assert missing_figures("It rose 19.8 percent.", "بزيادة ١٩٫٨٪") == []
    assert missing_figures("بلغ العدد أربع وحدات", "four units were built") == []


def test_two_in_words_is_a_dual_and_not_asked_for() -> None:
    assert missing_figures("the two countries", "البلدان") == []
    assert missing_figures("2 countries", "البلدان") == [2]


@pytest.mark.parametrize(
    ("claim", "evidence", "held"),
    [
        ("A third of the power", "ثلث الكهرباء", True),
        ("two-thirds of the votes", "ثلثي الأصوات", True),
        ("one quarter", "وربع السكان", True),
        ("a third of the power", "ثلثا الكهرباء", False),
        ("the third meeting", "الاجتماع الثالث", True),
        ("a third meeting", "اجتماع ثالث", True),
        ("the third meeting", "ثلث الاجتماعات", False),
    ],
)
def test_fractions_are_no_ordinals(claim: str, evidence: str, held: bool) -> None:
    assert (not missing_figures(claim, evidence)) is held


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("19.8%", []),
        ("95 percent", []),
        ("90%", []),
        ("1348%", [1348.0]),
        ("1,348 people", []),
        ("from 20% to 25%", []),
        ("10% and 30%", []),
        ("7%", [7.0]),
    ],
)
def test_a_share_is_one_in_the_evidence_too(claim: str, missing: list[float]) -> None:
    evidence = (
        "بزيادة 19.8 بالمئة، وبلغ 1348 راكبا، و٪95 منهم، وتسعون في المائة، من 20 إلى 25 بالمئة، "
    )
    evidence += "و10 و30 (بالمئة)، و7 أيام"
    assert missing_figures(claim, evidence) == missing
