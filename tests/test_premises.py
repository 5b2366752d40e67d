import pytest

from rag.premises import denies_premise, speaks_against


@pytest.mark.parametrize(
    ("question", "found", "against"),
    [
        ("لماذا رفضت المدينة الجسر؟", "وأيدت المدينة بناء الجسر", True),
        ("Why did the town reject the bridge?", "وأيدت المدينة بناء الجسر", True),
        ("Why did the town reject the bridge?", "The town approved the bridge", True),
        ("Why did the town approve the bridge?", "The town rejected the bridge", True),
        ("Why did the town reject the bridge?", "The town rejected what others supported", False),
        ("Why did the town reject the bridge?", "The town did not approve the bridge", False),
        ("Where did Salem stop on his tour?", "توقف سالم في مرسى نور وعزز العلاقات", False),
        ("Where did Salem stop on his tour?", "وزار سالم مرسى نور لتعزيز العلاقات", False),
        ("Why did the town not reject the bridge?", "The town approved the bridge", False),
        ("Who built the bridge?", "The town approved the bridge", False),
        ("لماذا رفض اللاعب العرض؟", "قبل أيام أبى لاعب كرة القدم العرض", False),
        ("من خسر النهائي؟", "فاز الفريق على ضيفه في النهائي", False),
        ("What did the mayor who rejects bridges see?", "The town approved the bridge", False),
        ("ماذا رأى الرئيس الذي يرفض الجسور؟", "أيدت المدينة الجسر", False),
        ("من الذي رفض الجسر؟", "أيدت المدينة الجسر", True),
        ("Why was the south left out of the plan?", "وتشمل الخطة جميع مدن الجنوب", True),
        ("Why was the plan left on the table?", "وتشمل الخطة جميع مدن الجنوب", False),
        ("Why did the town abandon the plan?", "والمدينة ملتزمة بالخطة", True),
        ("Who left out of fear?", "وتشمل الخطة جميع مدن الجنوب", False),
        ("Who committed the robbery?", "The robbers abandoned their car", False),
        ("Why did the man abandon his car?", "He had committed three robberies", False),
        ("How many were there in all?", "There were 120, excluding the crew", False),
        ("ما الحد الأقصى للقرض؟", "ويشمل القرض جميع المواطنين", False),
        ("", "", False),
    ],
)
def test_opposite_words_speak_against_a_premise(question, found, against) -> None:
    assert denies_premise(question, found) is against


def test_what_a_model_says_in_a_clause_is_said_all_the_same() -> None:
    said = "The mayor said that Salem rejected the bridge"
    assert speaks_against(said, "The mayor said Salem approved the bridge")
