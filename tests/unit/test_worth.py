import pytest

from jobs.german import Spoken, bare
from jobs.timeline import Span
from jobs.transcript import Word
from jobs.worth import Kind, read, worth

ARTICLES = {"der", "die", "das", "ein", "eine"}


def judged(text, *, probability=0.9):
    words = tuple(Word(token, Span(i, i + 0.5), probability, "SPEAKER_00") for i, token in enumerate(text.split()))

    def tag(tokens, language):  # noqa: ARG001
        return [
            Kind.PRONOUN if (bare(token).lower(), follower[:1].islower()) == ("das", True)
            else Kind.DETERMINER if bare(token).lower() in ARTICLES
            else Kind.NOUN if token[:1].isupper() else Kind.VERB
            for token, follower in zip(tokens, [*tokens[1:], "X"], strict=True)
        ]  # fmt: skip

    def frequency(word, language):  # noqa: ARG001
        return 0.0 if word == "günstlich" else 7.0 - min(4.0, len(word) / 3)

    return worth(read(Spoken(words, ("u0001",), "SPEAKER_00", "de"), tag=tag, frequency=frequency))


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
    assert judged("Lachen hilft.", probability=0.3).confidence == pytest.approx(0.5)


def test_anecdotes_are_less_general():
    assert judged("Vor drei Jahren saß ich im Regen.").general < judged("Regen macht nass.").general == 1.0
