import pytest

from rag.expectations import (
    Expected,
    asks_name,
    asks_who,
    asks_who_said,
    expected,
    meets,
    names_somebody,
)


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
        ("What was the air-conditioner market worth in 2014?", Expected.FIGURE),
        ("What yearly salary did the club offer?", Expected.FIGURE),
        ("How large a loan was granted?", Expected.FIGURE),
        ("How old is the bridge?", Expected.FIGURE),
        ("How far from the coast does it end?", Expected.FIGURE),
        ("How long after the quake did help arrive?", Expected.FIGURE),
        ("How old, according to police, was the suspect?", Expected.FIGURE),
        ("Does it say how long the truce lasts?", Expected.FIGURE),
        ("Who was content with how high relations now stand?", Expected.ANYTHING),
        ("What did the minister say about the cost of living?", Expected.ANYTHING),
        ("What are the sites worth visiting in Petra?", Expected.ANYTHING),
        ("Which price index fell?", Expected.ANYTHING),
        ("What did the war cost the country?", Expected.ANYTHING),
        ("هل فرضت أي غرامة على الشركة؟", Expected.ANYTHING),
        ("بأي سعر بيعت التمور؟", Expected.FIGURE),
        ("ما راتب المدير؟", Expected.FIGURE),
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
        ("بُني عام 1961", True),
        ("بُني في 3/5", True),
        ("بُني في الخمسينيات", True),
        ("بُني في الستينات", True),
        ("بُني عام 79", True),
        ("It was built in 44 BC", True),
        ("It opened on the 5th", True),
        ("فاز الفريق 2-1", False),
        ("بقوة 6.3 درجات", False),
        ("يتسع لخمسة آلاف", False),
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
        ("كم قتيلا سقط؟", "واستمر القتال حتى الليل", False),
        ("كم طلبوا تعويضا؟", "طالبوا بمليون دينار", True),
        ("How long must they stay away?", "حرم مالكاهما من المشاركة موسمين", True),
        ("How many boats sank?", "Dozens of boats sank", True),
    ],
)
def test_how_many_is_also_told_without_a_figure(question: str, text: str, told: bool) -> None:
    assert meets(text, question) is told


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("ما اسم وزير خارجية النرويج؟", True),
        ("ما اسم العملية التي أجراها الطبيب؟", False),
        ("What is the name of the Norwegian foreign minister?", True),
        ("ما اسم صديقة الفتاة؟", True),
        ("ما اسم المرأة التي نجت؟", True),
        ("What is the name of the 19-year-old boyfriend who went with her?", True),
        ("ما اسم زوجته؟", True),
        ("What is the name of the victim's brother?", True),
        ("What is the name of the man's company?", False),
        ("What is the name of the film about the man who died?", False),
        ("What is the name of the company accused of fraud?", False),
        ("ما اسم المؤسسة التي بنت الجسر؟", False),
        ("What is the name of the film that the director made?", False),
        ("What is the name of the medicine her doctor prescribed?", False),
        ("What is the name of the head covering worn by men?", False),
    ],
)
def test_whose_name_is_asked_for(question: str, asks: bool) -> None:
    assert asks_name(question) is asks


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("Who said it?", True),
        ("على لسان من ورد ذلك؟", True),
        ("من حذر من ذلك؟", True),
        ("Who added the second goal?", False),
        ("من أضاف الهدف الثاني؟", False),
    ],
)
def test_who_said_it_is_not_who_did_it(question: str, asks: bool) -> None:
    assert asks_who_said(question) is asks
    assert asks_who(question) or not asks


@pytest.mark.parametrize(
    ("words", "somebody"),
    [("أمين سلام", True), ("كامل الوزير", True), ("وزراء", False), ("وزير الاقتصاد", False)],
)
def test_a_title_is_nobody(words: str, somebody: bool) -> None:
    assert names_somebody(words, "ما اسم وزير الاقتصاد؟") is somebody


def test_whose_friend_somebody_is_tells_no_name() -> None:
    assert not names_somebody("her friend", "What is the name of the boyfriend?")


def test_a_count_of_three_digits_is_no_year() -> None:
    asked = "From what date did the meetings take place?"
    assert not meets("China held 114 meetings with experts in 53 countries", asked)
    assert meets("It held them from 1914", asked) and meets("in the year 476", asked)
