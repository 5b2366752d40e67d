from __future__ import annotations

import pytest

from vectorstore.outlets import (
    canonical,
    display_name,
    find_outlets,
    outlet_of_url,
    outlets,
    parts,
    same_outlet,
)


def test_every_name_of_every_outlet_leads_back_to_it():
    for outlet in outlets().values():
        for name in outlet.names:
            assert same_outlet(name, outlet.name), name


@pytest.mark.parametrize(
    "names",
    [
        ("Xinhua", "شينخوا", "وكالة شينخوا", "وكالة أنباء الصين الجديدة", "((شينخوا))", "XINHUA"),
        ("AFP", "أ ف ب", "أ.ف.ب.", "فرانس برس", "Agence France-Presse", "وكالة فرانس برس"),
        ("SPA", "واس", "was", "وكالة الأنباء السعودية", "و ا س"),
        ("CGTN", "CGTN العربية", "CGTN Arabic", "CGTN العربية/"),
    ],
)
def test_names_of_one_outlet_are_equal(names):
    assert {canonical(name) for name in names} == {names[0]}


def test_different_outlets_differ():
    assert not same_outlet("Xinhua", "رويترز")
    assert not same_outlet("Xinhua", None)
    assert not same_outlet("", "رويترز")
    assert canonical("The Harbour Gazette") == "the harbour gazette"


def test_a_spelling_that_two_outlets_share_finds_both():
    assert same_outlet("الجزيرة", "aljazirah")
    assert same_outlet("الجزيرة", "Al Jazeera")
    assert not same_outlet("صحيفة الجزيرة", "Al Jazeera")


def test_each_part_of_a_stacked_source_is_found():
    source = "شبكة طريق الحرير الصيني الإخبارية / CGTN العربية"
    assert parts(source) == ("شبكة طريق الحرير الصيني الإخبارية", "CGTN العربية")
    assert same_outlet("CGTN", source)
    assert same_outlet("China Silk Road News Network", source)
    assert same_outlet("طريق الحرير", source)
    assert not same_outlet("رويترز", source)


def test_an_unknown_outlet_is_found_by_whole_words_only():
    assert same_outlet("gazette", "The Harbour Gazette")
    assert not same_outlet("arbour", "The Harbour Gazette")
    assert same_outlet("جريدة الميناء", "جريدةُ المينـــاء")


def test_a_longer_name_is_found_by_every_name_of_the_outlet_in_it():
    assert same_outlet("شينخوا", "Harbour sample (after Xinhua)")
    assert same_outlet("Xinhua", "نشرة شينخوا المسائية")
    assert not same_outlet("Al Riyadh", "بلدية الرياض")


def test_display_name():
    source = "شبكة طريق الحرير الصيني الإخبارية / CGTN العربية / نشرة الحي"
    assert display_name(source, "en") == "China Silk Road News Network / CGTN / نشرة الحي"
    assert display_name("Reuters", "ar") == "رويترز"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://arabic.news.cn/2020-09/17/c_1.htm", "Xinhua"),
        ("https://www.bbc.co.uk/arabic", "BBC"),
        ("spa.gov.sa/123", "SPA"),
        ("https://notreuters.com/x", None),
        ("http://[broken", None),
        ("", None),
    ],
)
def test_outlet_of_url(url, expected):
    assert outlet_of_url(url) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("ماذا قالت شينخوا عن القمة؟", ["Xinhua"]),
        ("كم دولة ساعدتها الصين وفق مقال CGTN العربية؟", ["CGTN"]),
        ("ماذا قال الوزير لوكالة الأناضول ولرويترز؟", ["Anadolu", "Reuters"]),
        ("according to CGTN Arabic and AFP, who won?", ["CGTN", "AFP"]),
        ("ما عدد سكان الرياض اليوم في المدينة؟", []),
        ("ماذا كتبت صحيفة الرياض؟", ["Al Riyadh"]),
        ("ماذا كتبت «الشرق الأوسط» عن ذلك؟", ["Asharq Al-Awsat"]),
        ("ما مستقبل السلام في الشرق الأوسط؟", []),
        ("ماذا نشرت صحيفة الجزيرة؟", ["Al-Jazirah"]),
        ("What was said by SPA?", ["SPA"]),
        ("When was the spa opened?", []),
        ("ما وكالة الأنباء التي أجرت المقابلة؟", []),
        ("ما موقع المدينة القديمة؟", []),
        ("ما سرعة شبكة الصين للقطارات؟", []),
        ("", []),
    ],
)
def test_find_outlets(question, expected):
    assert find_outlets(question) == expected


def test_find_outlets_of_the_archive():
    known = ["صوت الميناء", "The Harbour Gazette / Reuters", "Gazette"]
    assert find_outlets("ما الذي ذكرته صوت الميناء؟", known) == ["صوت الميناء"]
    assert find_outlets("What did the Harbour Gazette say?", known) == ["the harbour gazette"]
    assert find_outlets("What does a gazette say?", known) == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("كم بلغ عدد الزوار حسب الساحل؟", ["الساحل"]),
        ("ماذا قالت صحيفة الساحل؟", ["الساحل"]),
        ("كم سفينة وصلت إلى الساحل؟", []),
        ("according to Gazette, how many?", ["gazette"]),
        ("What did the Gazette newspaper say?", ["gazette"]),
        ("ماذا ذكرت 3alyoum عن المدرسة؟", ["3alyoum"]),
    ],
)
def test_a_one_word_name_of_the_archive_needs_a_word_that_says_so(question, expected):
    assert find_outlets(question, ["الساحل", "Gazette", "3alyoum"]) == expected
