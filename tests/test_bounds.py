import pytest

from rag.bounds import with_bounds, with_bounds_of
from rag.excerpts import find_words


@pytest.mark.parametrize(
    ("text", "figure", "words"),
    [
        ("قدمت لما يقرب من 150 دولة", "150 دولة", "ما يقرب من 150 دولة"),
        ("وأكثر من ٢٠٠٠ جهاز", "2000", "أكثر من ٢٠٠٠"),
        ("It sent more than 50,000 masks", "50,000", "more than 50,000"),
        ("It sent 50,000 masks", "50,000", "50,000"),
        ("they spoke about Iraq", "Iraq", "Iraq"),  # no figure
    ],
)
def test_a_figure_keeps_what_bounds_it(text: str, figure: str, words: str) -> None:
    start, end = find_words(figure, text)
    assert text[with_bounds(start, text) : end] == words


@pytest.mark.parametrize(
    ("translation", "source", "right"),
    [
        ("aid to more than 150 towns", "إلى ما يقرب من 150 مدينة", "aid to nearly 150 towns"),
        ("aid to 150 towns", "إلى أكثر من 150 مدينة", "aid to more than 150 towns"),
        ("aid to about 150 towns", "إلى 150 مدينة", "aid to 150 towns"),
        ("aid to around 150 towns", "إلى نحو ١٥٠ مدينة", "aid to around 150 towns"),
        ("at least 7 and 8", "ما لا يقل عن 7 وأقل من 8", "at least 7 and less than 8"),
        ("more than 7 or 7", "نحو 7 ثم 7", "more than 7 or 7"),  # unclear which is meant
        ("more than two", "اثنان", "more than two"),
    ],
)
def test_a_translation_bounds_figures_as_its_source(translation, source, right) -> None:
    assert with_bounds_of(translation, source) == right
