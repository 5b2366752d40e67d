import pytest

from rag.attribution import speaker_of
from rag.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "index", "name"),
    [
        ("من جانبه، قال لافروف إن الشراكة تقدمت. وأضاف أن بلاده مستعدة.", 1, "لافروف"),
        ("قال رئيس البلدية سالم الناصري إن الجسر جاهز.", 0, "رئيس البلدية سالم الناصري"),
        ("وأوضحت الدكتورة ليلى العامري، مديرة المركز، أن العدد زاد.\nوأشارت إلى نقص الأطباء.", 1,
         "الدكتورة ليلى العامري"),
        ("Mayor Salem Nasiri said the bridge is ready. He added that it cost a lot.", 1,
         "Mayor Salem Nasiri"),
        ("قال لافروف إن الشراكة تقدمت. وأضاف أن التعاون بين الصين وروسيا في الطاقة زاد.", 1,
         "لافروف"),
        ("زادت التجارة بين البلدين خلال العام. وأضاف أن العمل انتهى.", 1, None),
        ("افتتح الجسر أمس. وأضاف أن العمل انتهى.", 1, None),
        ("قال سالم إن الجسر جاهز. الطقس جميل.", 1, None),
    ],
)  # fmt: skip
def test_speaker(text: str, index: int, name: str | None) -> None:
    speaker = speaker_of(text, split_sentences(text), index)
    assert (speaker.name if speaker else None) == name


def test_the_speakers_sentence_is_the_one_that_names_them() -> None:
    text = "قال كريم بدران إن الفريق جاهز.\nوأكد أن اللاعبين تدربوا.\nوأضاف أن المباراة صعبة."
    spans = split_sentences(text)
    assert speaker_of(text, spans, 2).sentence == spans[0]
