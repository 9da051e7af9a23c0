import pytest

from jobs.german import Spoken, bare
from jobs.timeline import Span
from jobs.titles import MAX_TITLE_WORDS, chapter_title, noun_counts, plain_question
from jobs.transcript import Word
from jobs.worth import Kind, read

KINDS = {
    **dict.fromkeys(("der", "die", "das", "ein", "eine", "des", "unsere"), Kind.DETERMINER),
    **dict.fromkeys(("über", "zu", "zur", "zum", "in", "um"), Kind.PREPOSITION),
    **dict.fromkeys(("künstlichen", "lokale", "alte"), Kind.ADJECTIVE),
    **dict.fromkeys(("drei", "zehn"), Kind.NUMBER),
}


def readings(*texts, speaker="SPEAKER_00"):
    def tag(words, language):  # noqa: ARG001
        return [
            KINDS.get(bare(word).lower(), Kind.NOUN if i and word[:1].isupper() else Kind.OTHER)
            for i, word in enumerate(words)
        ]

    made = []
    for number, text in enumerate(texts, start=1):
        words = tuple(Word(token, Span(i, i + 0.5), 0.9, speaker) for i, token in enumerate(text.split()))
        spoken = Spoken(words, (f"u{number:04}",), speaker, "de")
        made.append(read(spoken, tag=tag, frequency=lambda word, language: 7 - min(4.0, len(word) / 3)))  # noqa: ARG005
    return made


def title(*texts, asks=None):
    chapter = readings(*texts)
    return chapter_title(chapter, counts=noun_counts(chapter), asks=asks)


@pytest.mark.parametrize(
    ("opening", "named"),
    [
        ("Kommen wir zur künstlichen Intelligenz.", "Zur künstlichen Intelligenz"),
        ("Lassen Sie uns zuerst über Geld sprechen.", "Über Geld"),
        ("Reden wir über die Menschen in der Redaktion.", "Über die Menschen in der Redaktion"),
        ("Wir sprechen heute über Medien und Werbung.", "Über Medien und Werbung"),
        ("Ich möchte Ihnen drei Regeln mitgeben.", "Drei Regeln"),
        ("Ein Thema fehlt noch, und das ist die lokale Berichterstattung.", "Die lokale Berichterstattung"),
        ("Meine nächste Frage lautet: Wer bezahlt die Recherche?", "Wer bezahlt die Recherche?"),
        ("Frau Berger, wer bezahlt die Recherche?", "Wer bezahlt die Recherche?"),
    ],
)
def test_a_chapter_is_named_as_it_is_opened(opening, named):
    assert title(opening, "Dann kam eine alte Zeitung.") == (named, ("u0001",), "de")


def test_without_an_opening_the_most_telling_nouns_name_it():
    name, evidence, _ = title("Damals war die Straßenbahn neu.", "Heute fährt eine Straßenbahn ohne Schaffner.")
    assert "Straßenbahn" in name
    assert set(evidence) <= {"u0001", "u0002"}
    assert len(name.split()) <= MAX_TITLE_WORDS


def test_only_the_host_s_questions_name_chapters():
    assert title("Wer bezahlt die Recherche?", "So ist eine Zeitung.", asks="SPEAKER_00")[0].endswith("?")
    assert not title("Wer bezahlt die Recherche?", "So ist eine Zeitung.", asks="SPEAKER_09")[0].endswith("?")


def test_questions_are_freed_of_their_preface():
    assert plain_question("Meine erste Frage lautet, warum ist das so?") == "Warum ist das so?"
    assert plain_question("Warum ist das so?") == "Warum ist das so?"
