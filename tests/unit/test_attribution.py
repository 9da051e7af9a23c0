import pytest

from jobs.writing.attribution import is_attributed


@pytest.mark.parametrize("text", [
    "Der Verlag habe im Mai mehr digitale Ausgaben verkauft.",
    "Berg sagt, das Vertrauen ist ihr Kapital.",
    "Laut Berg ist das Vertrauen ihr Kapital.",
    "Das Vertrauen ist, so Berg, ihr Kapital.",
    "Nach Angaben von Berg sind es 400.",
    "Die Leserinnen und Leser seien jung.",
    "800 Mitglieder zahlten jeden Monat 5 Euro.",
])  # fmt: skip
def test_what_is_told_as_told(text):
    assert is_attributed(text, others=())


@pytest.mark.parametrize("text", [
    "Der Elbkurier ist die beste Zeitung der Welt.",
    "Anna Berg leitet die beste Zeitung der Welt.",
    "Die Zeitung hat 400 Abonnenten.",
    "Es ist so.",
])  # fmt: skip
def test_what_is_stated_as_a_fact(text):
    assert not is_attributed(text, others=("Claire Dunn",))


def test_a_host_may_introduce_a_guest():
    assert is_attributed("Claire Dunn leitet den Podcast.", others=("Claire Dunn",))
    assert not is_attributed("Claire Dunn leitet den Podcast.", others=())


@pytest.mark.parametrize(("title", "good"), [
    ("Das Geld der Lokalzeitungen", True),
    ("Wer hat noch Vertrauen?", True),
    ("Berg: Vertrauen ist das Kapital", True),
    ("Vertrauen sei das Kapital", True),
    ("Der Elbkurier ist die beste Zeitung", False),
])  # fmt: skip
def test_a_title_names_a_topic_or_its_source(title, good):
    assert is_attributed(title, others=(), is_title=True) is good
