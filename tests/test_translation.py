from types import SimpleNamespace

import pytest

from fakes import FakeLanguageModel
from rag.answer import Evidence
from rag.generation import Writer
from rag.names import Glossary
from rag.rereading import Pointed
from rag.sources import Source
from rag.translation import Translator, plain_dates, respelt, with_ways_of, without_stutter


def finish(events) -> str:
    while True:
        try:
            next(events)
        except StopIteration as stop:
            return stop.value


def test_names_are_spelt_as_given() -> None:
    meanings = {"توكاييف": "Tokayev", "الصين": "China"}
    assert respelt("Tukayev thanked China.", meanings) == "Tokayev thanked China."
    assert respelt("Lavrov thanked China.", meanings) == "Lavrov thanked China."


def test_the_model_gets_the_meanings_and_is_asked_once() -> None:
    model = FakeLanguageModel(lambda messages: "Aid reached Sudan.")
    translator = Translator(Glossary())
    for _ in range(2):
        text = finish(translator.translate(model, "وصلت مساعدات إلى السودان", "", "", None))
        assert text == "Aid reached Sudan."
    assert len(model.prompts) == 1
    assert "السودان = Sudan" in model.prompts[0][-1].content


def test_names_of_several_words_are_spelt_word_by_word() -> None:
    meanings = {"وانغ يي": "Wang Yi", "سالم الناصري": "Salem Nasiri"}
    assert respelt("Wang Yi met Salim Naseri.", meanings) == "Wang Yi met Salem Nasiri."


def test_what_is_said_twice_is_said_once() -> None:
    once = "The ministry promised to build roads, schools and bridges."
    loop = "promised to build roads, schools and bridges"
    assert without_stutter(once) == once
    assert without_stutter(f"The ministry {loop}, and {loop}.") == once
    assert without_stutter(f"The ministry {loop}, {loop}, {loop}.") == once
    apart = "He said that the port is ready, and she said that the port is not."
    assert without_stutter(apart) == apart


def test_words_left_in_arabic_become_english_if_known() -> None:
    model = FakeLanguageModel(lambda messages: "Aid reached السودان and قرمزانه.")
    translator = Translator(Glossary())
    text = finish(translator.translate(model, "وصلت مساعدات إلى السودان", "", "", None))
    assert text == "Aid reached Sudan and قرمزانه."


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Since February 20th, it grew.", "Since February 20, it grew."),
        ("On the 3rd of May 2020", "On 3 May 2020"),
        ("The 20th of February was dry.", "20 February was dry."),
        ("the 20th and 21st of May", "the 20th and 21st of May"),
        ("February 20th-25th", "February 20th-25th"),
        ("the 5th March of Return", "the 5th March of Return"),
        ("from 21st August to August 22nd", "from 21 August to August 22"),
        ("the 20th anniversary on May 20", "the 20th anniversary on May 20"),
        ("the 20th Mayor", "the 20th Mayor"),
    ],
)
def test_days_are_bare(written: str, plain: str) -> None:
    assert plain_dates(written) == plain


def test_one_goes_the_way_that_the_source_says() -> None:
    names = {"سيدرا": "Sidra", "ووهان": "Wuhan"}
    back = "عادوا من مدينة ووهان ثم ذهبوا إلى سيدرا"
    assert with_ways_of("They returned to Wuhan", back, names) == "They returned from Wuhan"
    assert with_ways_of("They went to Sidra", back, names) == "They went to Sidra"
    assert with_ways_of("He is close to Wuhan", back, names) == "He is close to Wuhan"
    both = "من ووهان إلى ووهان"
    assert with_ways_of("They came to Wuhan", both, names) == "They came to Wuhan"


def test_an_answers_words_are_also_translated_as_what_they_answer() -> None:
    model = FakeLanguageModel(
        lambda messages: "barley" if "Question" in messages[-1].content else ""
    )
    translator = Translator(Glossary())
    asked = "Which crop suffered?"
    assert finish(translator.translate(model, "الشعير", asked, "", None, answer=True)) == "barley"
    assert finish(translator.translate(model, "الشعير", asked, "", None)) == ""


def test_figures_alone_are_not_translated() -> None:
    model, source = FakeLanguageModel(), SimpleNamespace(text="")
    writer = Writer(Translator(Glossary()), 160)
    asked = "What is its population?"
    assert finish(writer.translated(model, "17,786,419", asked, source, None)) == ("17,786,419",)
    assert not model.prompts
    assert len(finish(writer.translated(model, "نحو 17 ألفا", asked, source, None))) == 2


@pytest.mark.parametrize(
    ("first", "second", "translation"),
    [
        ("The English translation is:", "Aid reached Sudan.", "Aid reached Sudan."),
        ("The English translation is:", "", "The English translation is:"),
        ("The minister said:", "unused", "The minister said:"),
    ],
)
def test_the_announcement_of_a_translation_is_none(first, second, translation) -> None:
    said = iter([first, second])
    model = FakeLanguageModel(lambda messages: next(said))
    text = finish(Translator(Glossary()).translate(model, "وصلت مساعدات", "", "", None))
    assert text == translation
    assert model.prefills == ["", f"{first}\n"][: len(model.prefills)]
    assert len(model.prefills) == (1 if second == "unused" else 2)


def test_where_the_answering_figure_is_lost_its_clause_is_translated() -> None:
    first = "قبل أن تصاب بنكسة كبيرة منذ سيطرة الجماعة على غالبية المحافظات"
    first = f"{first} والموانئ والمطارات في شرق البلاد وغربها"
    clause = "حيث تسببت في توقف 14 قناة محلية"
    quote = f"{first}، {clause}، اضطرت غالبيتها إلى الانتقال."
    start = quote.index("14")
    pointed = Pointed(SimpleNamespace(score_of=lambda *span: 1.0), 0, (start, start + 2))

    def asked(translations):
        model = FakeLanguageModel(lambda messages: translations["بنكسة" in messages[-1].content])
        source = Source(
            Evidence("a", None, None, None, None, "", 0, len(quote), quote, 1.0),
            quote, 0, "ar", quote, None, None, quote, pointed=pointed,
        )  # fmt: skip
        sources = [source]
        writer = Writer(Translator(Glossary()), 160)
        finish(writer.ask(model, "How many channels?", sources, "en", None))
        return sources[0]

    kept = asked({True: "It stopped 14 channels.", False: "unused"})
    assert (kept.shown, kept.part) == ("It stopped 14 channels.", quote)
    mended = asked({True: "It stopped stations.", False: "It stopped 14 local channels."})
    assert mended.shown == "It stopped 14 local channels."
    assert clause in mended.part and first not in mended.part
    lost = asked({True: "It stopped stations.", False: "It stopped channels."})
    assert (lost.shown, lost.part) == ("It stopped stations.", quote)
