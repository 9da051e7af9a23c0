from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.german import Spoken, bare
from jobs.timeline import Span
from jobs.transcript import Word
from jobs.writing.worth import Kind, dangling, part, read, worth

ARTICLES = {"der", "die", "das", "den", "ein", "eine", "einen", "seinen", "ihre"}


def judged(text, *, probability=0.9):
    return worth(reading(text, probability=probability))


def reading(text, *, probability=0.9):
    words = tuple(Word(token, Span(i, i + 0.5), probability, "SPEAKER_00") for i, token in enumerate(text.split()))

    def tag(tokens, language):  # noqa: ARG001
        kinds = [
            Kind.PRONOUN if (bare(token).lower(), follower[:1].islower()) == ("das", True)
            else Kind.DETERMINER if bare(token).lower() in ARTICLES
            else Kind.OTHER if token in {"am", "Ich"} else Kind.NOUN if token[:1].isupper() else Kind.VERB
            for token, follower in zip(tokens, [*tokens[1:], "X"], strict=True)
        ]  # fmt: skip
        return [(kind, bare(token)) for kind, token in zip(kinds, tokens, strict=True)]

    def frequency(word, language):  # noqa: ARG001
        return 0.0 if word == "günstlich" else 7.0 - min(4.0, len(word) / 3)

    return read(Spoken(words, ("u0001",), "SPEAKER_00", "de"), tag=tag, frequency=frequency)


@pytest.mark.parametrize(
    "text",
    [
        "Deshalb wirkt die Werbung besser als im Radio.",
        "Das klingt nach einer guten Nachricht.",
        "Er kennt jeden Namen in der Stadt.",
        "Dieses Versprechen habe ich gehalten.",
        "kann man von Werbung nicht leben.",
        "Die Werbung ist",
        "Ich habe es nach zwei Minuten gemerkt.",
        "Kommen wir zur künstlichen Intelligenz.",
        "Ich gebe zu, dass wir lange darüber gestritten haben.",
        "Die meisten lesen keine Zeitung.",
        "Das Wetter darf sie gern sprechen.",
        "Die Frau am Stand.",
    ],
)
def test_a_sentence_that_leaves_a_reader_asking_back_is_not_independent(text):
    assert judged(text).independence < 0.7


@pytest.mark.parametrize(
    "text",
    [
        "Das Publikum hat sich verändert.",
        "Wer Vertrauen gewinnen will, muss offen über Fehler sprechen.",
        "Die Leser merken, dass sie belogen werden.",
        "Weil die Werbung fehlt, fehlt auch die Recherche.",
        "Wenn jeder ein anderes Produkt lobt, glaubt niemand mehr daran.",
        "Die Redaktion arbeitet daran, dass jeder Fehler auffällt.",
        "Dieses Jahr wächst die Auflage.",
    ],
)
def test_a_sentence_that_stands_alone_is_independent(text):
    assert judged(text).independence >= 0.8


def test_greetings_don_t_matter():
    assert judged("Guten Morgen und herzlich willkommen in Hamburg.").matter == 0.0
    assert judged("Hamburg verliert jeden Morgen eine Zeitung.").matter == 1.0


def test_who_takes_a_stance_is_heard():
    neutral, strong = (
        judged("Die Halle steht am Hafen."),
        judged("Ich glaube, niemand darf den Lesern etwas verschweigen."),
    )
    assert neutral.stance == 0.0 < strong.stance


def test_a_slip_of_the_recognizer_costs_confidence():
    assert judged("Lachen lässt sich günstlich erzeugen.").confidence < judged("Lachen lässt sich erzeugen.").confidence


def test_each_word_that_carries_the_meaning_and_that_the_recognizer_doubts_costs_confidence():
    sure, fair, doubted = (judged("Lachen hilft.", probability=one).confidence for one in (0.9, 0.7, 0.5))
    assert 1.0 == sure > fair > doubted
    assert judged("Lachen hilft Menschen.", probability=0.5).confidence < doubted


def test_anecdotes_are_less_general():
    assert judged("Vor drei Jahren saß ich im Regen.").general < judged("Regen macht nass.").general == 1.0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Das Wetter darf sie sprechen.", 1),
        ("Die Maschine sagt, was sie weiß.", 0),
        ("Den Haushalt versteht, wer ihn erklärt.", 0),
        ("Eine Zeitung braucht ihn.", 1),
        ("Ein Gast las Zahlen, bis sie ihn langweilten.", 0),
        ("Wer liest, kennt seinen Nachbarn.", 0),
        ("Sie haben recht.", 0),
    ],
)
def test_a_pronoun_needs_a_noun_of_its_gender_before_it(text, count):
    # "Sie" at the start may be an address; `leans` has judged it already.
    assert dangling(reading(text)) == count or text.startswith("Sie")


def test_a_word_the_recognizer_doubts_costs_confidence():
    sure = reading("Vertrauen kann man schnell verspielen.")
    words = (*sure.spoken.words[:-1], replace(sure.spoken.words[-1], probability=0.3))
    assert worth(replace(sure, spoken=replace(sure.spoken, words=words))).confidence < worth(sure).confidence / 2


@given(st.integers(0, 5), st.integers(1, 6))
def test_a_part_keeps_its_words_and_stands_as_a_sentence(start, length):
    whole = reading("Aber allein von Werbung kann, wer druckt, nicht leben, und das bleibt.")
    piece = part(whole, range(start, start + length))
    said = [word.text for word in whole.spoken.words[start : start + length]]
    assert [bare(token).lower() for token in piece.text.split()] == [bare(token).lower() for token in said]
    assert piece.text[0].isupper()
    assert not piece.text.endswith(",")
    assert len(piece.kinds) == len(piece.bases) == len(piece.rarity) == len(piece.spoken.words) == length


@pytest.mark.parametrize(
    ("said", "is_greeting"),
    [
        ("Guten Tag und herzlich willkommen.", True),
        ("Die Familie verkauft an einem guten Tag 600 Brötchen.", False),
        ("Abonniert unseren Podcast und erzählt es weiter.", True),
        ("Die meisten haben noch nie eine Zeitung abonniert.", False),
        ("Please subscribe to our channel.", True),
        ("We had eleven hundred people who subscribe.", False),
    ],
)
def test_greetings_are_told_from_what_only_sounds_like_one(said, is_greeting):
    assert (judged(said).matter == 0) is is_greeting


@pytest.mark.parametrize(
    "said", ["Null, das ist die Zahl der Handys.", "Acht von neun, und im Team sind es mehr.", "Noch, sagt Anna."]
)
def test_an_answer_that_begins_without_a_verb_needs_its_question(said):
    named = replace(reading(said), kinds=tuple(kind_of(word) for word in said.split()))
    assert worth(named).independence < 0.6


@pytest.mark.parametrize(
    "said",
    [
        "Ein Eigentümer, der weit weg wohnt, lässt ein Haus leer.",
        "In Städten, sagt Anna, gibt es keine Zeitung.",
        "Presse, Funk und Bühne leben von Werbung.",
    ],
)
def test_a_beginning_that_belongs_to_what_follows_is_whole(said):
    named = replace(reading(said), kinds=tuple(kind_of(word) for word in said.split()))
    assert worth(named).independence >= 0.6


def kind_of(word):
    verbs = {"ist", "sind", "wohnt", "lässt", "sagt", "gibt", "leben"}
    token = bare(word)
    return Kind.VERB if token in verbs else Kind.NOUN if token[:1].isupper() else Kind.OTHER


@pytest.mark.parametrize(
    "said",
    [
        "Wir Vertrauen gewinnen will, muss offen über Fehler sprechen.",
        "Ich mache das jeden, äh, jeden ersten Mittwoch.",
        "Was wir, was wir niemals machen, sind Mikrowellen.",
    ],
)
def test_broken_grammar_and_stammering_cost_confidence(said):
    assert judged(said).confidence < 0.5
