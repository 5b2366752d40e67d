"""Question sets: what is read, and what is refused with its place."""

from __future__ import annotations

import json

import pytest

from rag.evaluation.questions import EvaluationError, Paragraph, is_squad, load_questions

LINE = {
    "id": "q1",
    "lang": "ar",
    "question": "كم بلغت الكلفة؟",
    "type": "number",
    "answers": ["17 مليون دينار"],
    "must_include": [["17", "سبعة عشر"]],
    "evidence": [{"doc": "quay.txt", "quote": "بلغت 17 مليون دينار"}],
    "claim_holder": "سلمى الحاج",
    "note": None,
}


def write(tmp_path, *lines):
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines))
    return path


def test_a_line_is_read_whole(tmp_path):
    history = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    follow_up = LINE | {"id": "q2", "type": "followup", "history": history}
    first, second = load_questions(write(tmp_path, LINE, "", follow_up)).questions
    assert (first.id, first.lang, first.type) == ("q1", "ar", "number")
    assert first.must_include == (("17", "سبعة عشر"),)
    assert (first.evidence[0].doc, first.evidence[0].quote) == ("quay.txt", "بلغت 17 مليون دينار")
    assert first.answerable and first.history == ()
    assert second.history == tuple(history)


def test_unknown_keys_are_left_alone_but_slips_are_not(tmp_path):
    assert load_questions(write(tmp_path, LINE | {"difficulty": 3})).questions
    slip = {("must_inclde" if key == "must_include" else key): v for key, v in LINE.items()}
    with pytest.raises(EvaluationError, match="line 2.*'must_inclde'.*'must_include'"):
        load_questions(write(tmp_path, LINE, slip))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: not JSON"),
        (LINE, "line 2: the id 'q1' was already used"),
        (LINE | {"id": "q2", "lang": "fr"}, "line 2: lang: .*'ar' or 'en'.*\"fr\""),
        (LINE | {"id": "q2", "type": "riddle"}, "line 2: type"),
        ({"id": "q2"}, "line 2: lang: Field required"),
        (LINE | {"id": "q2", "must_include": ["17"]}, "line 2: must_include.0"),
        (LINE | {"id": "q2", "must_include": [[]]}, "line 2: must_include.0"),
        (LINE | {"id": "q2", "evidence": [{"doc": "x"}]}, "line 2: evidence.0.quote"),
        (LINE | {"id": "q2", "question": ""}, "line 2: question"),
        ("[1]", "line 2: the line"),
    ],
)
def test_bad_lines_are_named(tmp_path, line, message):
    with pytest.raises(EvaluationError, match=message):
        load_questions(write(tmp_path, LINE, line))


def test_an_empty_or_missing_file_is_an_error(tmp_path):
    with pytest.raises(EvaluationError, match="holds no question"):
        load_questions(write(tmp_path, "", ""))
    with pytest.raises(EvaluationError, match="no such question set"):
        load_questions(tmp_path / "absent.jsonl")


ARABIC = "يقع الميناء في مرسى الورد. طول الرصيف 300 متر. بني عام 1950."
ENGLISH = "The port is in Marsa al-Ward. The quay is 300 metres long. It was built in 1950."


def squad(tmp_path, name, context, *entries, title="Port"):
    qas = [
        {
            "id": i,
            "question": question,
            "answers": [{"text": text, "answer_start": context.index(text)}] if text else [],
        }
        for i, question, text in entries
    ]
    path = tmp_path / name
    data = [{"title": title, "paragraphs": [{"context": context, "qas": qas}]}]
    path.write_text(json.dumps({"version": "1.1", "data": data}))
    return path


def test_squad_gold_is_the_sentence_that_holds_the_answer(tmp_path):
    path = squad(tmp_path, "dev.ar.json", ARABIC, ("s1", "كم طول الرصيف؟", "300 متر"))
    assert is_squad(path)
    loaded = load_questions(path)
    (question,) = loaded.questions
    assert loaded.paragraphs == (Paragraph("Port", ARABIC),)
    assert (question.lang, question.type, question.answers) == ("ar", "fact", ("300 متر",))
    assert question.must_include == (("300 متر",),)
    gold = question.paragraph
    assert gold.text[gold.start : gold.end] == "طول الرصيف 300 متر."


def test_squad_pairs_languages_by_question_id(tmp_path):
    arabic = squad(tmp_path, "dev.ar.json", ARABIC, ("s1", "كم طول الرصيف؟", "300 متر"))
    english = squad(tmp_path, "dev.en.json", ENGLISH, ("s1", "How long is the quay?", "300 metres"))
    loaded = load_questions(english, arabic)
    (question,) = loaded.questions
    assert loaded.paragraphs == (Paragraph("Port", ARABIC),)
    assert (question.lang, question.answers) == ("en", ("300 metres",))
    assert question.paragraph.text == ARABIC
    assert ARABIC[question.paragraph.start : question.paragraph.end] == "طول الرصيف 300 متر."
    other = squad(tmp_path, "other.json", ENGLISH, ("s2", "Where is the port?", "Marsa al-Ward"))
    with pytest.raises(EvaluationError, match="'s2' has no counterpart"):
        load_questions(other, arabic)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Marsa_al-Ward_(port)", "Marsa al-Ward (port)"),
        ("%D9%85%D8%B1%D8%B3%D9%89_Ward", "مرسى Ward"),
        ("", None),
    ],
)
def test_a_squad_title_is_read_as_people_write_it(tmp_path, written, read):
    path = squad(tmp_path, "dev.json", ARABIC, ("s1", "كم؟", "300 متر"), title=written)
    assert load_questions(path).paragraphs == (Paragraph(read, ARABIC),)


def test_a_squad_question_without_an_answer_is_unanswerable(tmp_path):
    path = squad(tmp_path, "dev.json", ENGLISH, ("s1", "Who built the port?", ""))
    (question,) = load_questions(path).questions
    assert question.type == "unanswerable" and question.paragraph is None


def test_a_wrong_answer_start_is_an_error(tmp_path):
    path = squad(tmp_path, "dev.json", ENGLISH, ("s1", "How long?", "300 metres"))
    path.write_text(path.read_text().replace('"answer_start": 42', '"answer_start": 43'))
    with pytest.raises(EvaluationError, match="'s1'.*'300 metres'.*answer_start 43"):
        load_questions(path)


def test_jsonl_questions_cannot_be_paired_with_a_squad_file(tmp_path):
    path = squad(tmp_path, "dev.json", ENGLISH, ("s1", "How long?", "300 metres"))
    with pytest.raises(EvaluationError, match="cannot be paired"):
        load_questions(write(tmp_path, LINE), path)
