import pytest

from rag.expectations import Expected, expected, meets


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("كم سفينة وصلت؟", Expected.FIGURE),
        ("وبكم بيعت؟", Expected.ANYTHING),
        ("ما عدد السفن؟", Expected.FIGURE),
        ("How many ships arrived?", Expected.FIGURE),
        ("متى افتتح الجسر؟", Expected.TIME),
        ("ومتى؟", Expected.TIME),
        ("كم كلف الجسر؟ ومتى؟", Expected.TIME),
        ("متى افتتح؟ «وكم» كلف؟", Expected.FIGURE),
        ("؟!", Expected.ANYTHING),
        ("في أي عام بني الجسر؟", Expected.DATE),
        ("ما تاريخ افتتاح الجسر؟", Expected.DATE),
        ("من كتب في تاريخ الجسور؟", Expected.ANYTHING),
        ("On what date was it built?", Expected.DATE),
        ("When was it built?", Expected.TIME),
        ("What sea lay there when he died?", Expected.ANYTHING),
        ("What was the air-conditioner market worth in 2014?", Expected.MONEY),
        ("What yearly salary did the club offer?", Expected.MONEY),
        ("How much did the bridge cost?", Expected.MONEY),
        ("How much water did the plant cost them?", Expected.FIGURE),
        ("What did the price reveal?", Expected.ANYTHING),
        ("بأي سعر بيعت التمور؟", Expected.MONEY),
        ("كم يبلغ راتب المدير؟", Expected.MONEY),
        ("كم بلغت القيمة المالية للشحنة؟", Expected.MONEY),
        ("كم بلاغا دفع البلدية إلى التحرك؟", Expected.FIGURE),
        ("من افتتح الجسر؟", Expected.ANYTHING),
        ("Who opened the bridge?", Expected.ANYTHING),
    ],
)
def test_expected(question: str, kind: Expected) -> None:
    assert expected(question) is kind


def test_meets() -> None:
    asked = "كم سفينة وصلت؟"
    assert meets("وصلت ٤٥ سفينة", asked) and not meets("وصلت سفن كثيرة", asked)
    assert meets("في سبتمبر", "متى؟") and meets("last May", "When?")
    assert meets("افتتح (مارس)", "متى؟") and meets("أُعلن منذ «أمس»؛", "متى؟")
    assert not meets("افتتحه رئيس البلدية", "متى افتتح؟")
    assert meets("", "من افتتحه؟")


def test_a_date_is_more_than_a_time() -> None:
    asked = "On what date did they meet?"
    assert meets("They met on Friday", asked) and meets("لقاء 3 مايو", asked)
    assert not meets("They met after the war", asked) and meets("after the war", "When was it?")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ويتقاضى 900 دينار", True),
        ("ويتقاضى $900", True),
        ("ويتقاضى ألفي ريال", True),
        ("ويقل راتبه 18 في المئة عن زميله", True),
        ("وترتفع الطاقة إلى 260 ألف حاوية", False),
        ("ويتقاضى بالدينار", False),
    ],
)
def test_a_sum_is_of_money(text: str, told: bool) -> None:
    assert meets(text, "كم يبلغ راتب مدير الميناء؟") is told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("بُني عام 1961", True),
        ("بُني في 3/5", True),
        ("بُني في الخمسينيات", True),
        ("يوم الأحد", True),
        ("خفض السن إلى 18 عاما", False),
        ("قاله أحد الحاضرين", False),
    ],
)
def test_a_figure_is_no_date_by_itself(text: str, told: bool) -> None:
    assert meets(text, "في أي سنة بني الجسر؟") is told


def test_a_figure_of_the_question_does_not_answer_it() -> None:
    asked = "كم سفينة وصلت في عام 2020؟"
    assert not meets("وصلت سفن كثيرة في 2020", asked) and meets("وصلت 7 سفن في 2020", asked)


@pytest.mark.parametrize(
    ("question", "text", "told"),
    [
        ("كم أسبوعا سيغيب اللاعب؟", "سيغيب لأسبوعين بسبب الإصابة", True),
        ("كم مرة فاز الفريق؟", "فازوا بالكأس مرتين", True),
        ("كم طفلا لديها؟", "ولها طفل واحد", True),
        ("كم قتيلا سقط؟", "سقط عشرات القتلى", True),
        ("كم أسبوعا سيغيب اللاعب؟", "سيغيب بسبب الإصابة", False),
        ("كم سيغيب اللاعب؟", "سيغيب حتى نهاية الموسم", True),
        ("كم طلبوا تعويضا؟", "طالبوا بمليون دينار", True),
        ("How long must they stay away?", "حرم مالكاهما من المشاركة موسمين", True),
        ("How many boats sank?", "Dozens of boats sank", True),
    ],
)
def test_how_many_is_also_told_without_a_figure(question: str, text: str, told: bool) -> None:
    assert meets(text, question) is told
