from fakes import FakeLanguageModel
from rag.names import Glossary
from rag.translation import Translator, respelt


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
