from rag.names import Glossary

GLOSSARY = Glossary({"Marsa Nour Port": "ميناء مرسى نور"})


def test_cldr_names_with_clitics() -> None:
    names = GLOSSARY.meanings("سافر الوفد إلى كازاخستان وروسيا في سبتمبر")
    assert names["كازاخستان"] == "Kazakhstan"
    assert names["وروسيا"] == "Russia"
    assert names["سبتمبر"] == "September"


def test_the_users_names_win_and_the_questions_spelling_wins_over_all() -> None:
    assert GLOSSARY.meanings("افتتاح ميناء مرسى نور")["ميناء مرسى نور"] == "Marsa Nour Port"
    assert GLOSSARY.meanings("قال توكاييف", "What did Toqaev say?")["توكاييف"] == "Toqaev"


def test_what_crosses_languages() -> None:
    crossing = GLOSSARY.crossing_terms("What reached Sudan in 2020?", "en").split()
    assert "السودان" in crossing and "2020" in crossing and "reached" not in crossing
    assert "Sudan" in GLOSSARY.crossing_terms("ماذا وصل إلى السودان؟", "ar")


def test_share_of_a_questions_names_in_a_text() -> None:
    text = "وصلت مساعدات من الصين إلى السودان عام 2020، وفق لافروف"
    assert GLOSSARY.share_of_names("What did China send to Sudan in 2020?", text) == 1
    assert GLOSSARY.share_of_names("What did Lavrov say about Mongolia?", text) == 0.5
    assert GLOSSARY.share_of_names("ماذا أرسلت الصين إلى العراق؟", text) == 0.5
    assert GLOSSARY.share_of_names("ماذا حدث؟", text) == 1


def test_a_part_of_a_name_has_the_persons_english() -> None:
    article = "وصل شي جين بينغ إلى العاصمة."
    assert GLOSSARY.meanings("شينخوا ـ استقبل شي الوفد", article=article)["شي"] == "Xi"


def test_texts_without_words() -> None:
    for text in ("", "؟!", "ـ ـــ", "\u064b", "🚢", "{}"):
        assert GLOSSARY.meanings(text, text, text) == {}
        assert GLOSSARY.crossing_terms(text, "ar") == GLOSSARY.crossing_terms(text, "en") == ""
        assert GLOSSARY.share_of_names(text, text) == 1
