import pytest
from babel import Locale

from rag.countries import countries, names_all
from rag.names import Glossary

GLOSSARY = Glossary()
TALKS = "بحث الوزير النرويجي مع نظيره القازاقي التجارة، وقالت واشنطن إنها ترحب بها."


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("كم بلغت التجارة بين النرويج وكازاخستان؟", {"NO", "KZ"}),
        ("How much do Norway and the United States trade?", {"NO", "US"}),
        ("ماذا قال الوزير النرويجي؟", set()),  # of a people, and not the country
        ("Who spoke?", set()),
    ],
)
def test_the_countries_of_a_question(question, codes) -> None:
    assert countries(question, GLOSSARY).keys() == codes


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("كم بلغت التجارة بين النرويج وكازاخستان؟", True),  # in another spelling
        ("كم بلغت التجارة بين النرويج ومنغوليا؟", False),
        ("How much do Norway and Kazakhstan trade?", True),
        ("How much do Norway and Mongolia trade?", False),
        ("ما موقف الولايات المتحدة من النرويج؟", True),
    ],
)
def test_a_country_is_named_by_its_people_too(question, named) -> None:
    assert names_all(TALKS, countries(question, GLOSSARY)) is named


def test_an_english_text() -> None:
    text = "The Norwegian minister met his Dutch colleague."
    assert names_all(text, countries("بين هولندا والنرويج", GLOSSARY))
    assert not names_all(text, countries("بين فنلندا والنرويج", GLOSSARY))


@pytest.mark.parametrize("particle", ["", "و", "ب", "ل", "وب"])
def test_every_country_is_named_by_its_own_name(particle) -> None:
    """Of all names of CLDR that a question is known to be about."""
    asked = 0
    for code, name in Locale("ar").territories.items():
        found = countries(f"ماذا جرى في {name}؟", GLOSSARY)
        if code in found:
            asked += 1
            assert names_all(f"جرى {particle}{name} أمس", {code: found[code]}), name
    assert asked > 200


@pytest.mark.parametrize("people", ["الكندية", "الأتراك", "واللبنانيون", "البولندي", "Spanish"])
def test_peoples_name_their_countries(people) -> None:
    country = {
        "الكن": "كندا",
        "الأت": "تركيا",
        "والل": "لبنان",
        "البو": "بولندا",
        "Span": "إسبانيا",
    }
    assert names_all(people, countries(f"ما سكان {country[people[:4]]}؟", GLOSSARY))


@pytest.mark.parametrize(
    "question",
    [
        "How many medals did Jordan Burroughs win?",
        "Which has more people, Norway or Sweden?",
        "How does Norway's fund compare with Qatar's?",
    ],
)
def test_people_and_comparisons_are_about_no_country(question) -> None:
    assert not countries(question, GLOSSARY)
