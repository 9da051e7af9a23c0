import pytest

from jobs.german import Spoken, bare
from jobs.timeline import Span
from jobs.transcript import Word
from jobs.writing.titles import MAX_TITLE_WORDS, chapter_title, noun_counts, plain_question
from jobs.writing.worth import Kind, read

KINDS = {
    **dict.fromkeys(("der", "die", "das", "den", "dem", "ein", "eine", "des", "unsere", "unserem"), Kind.DETERMINER),
    **dict.fromkeys(("über", "zu", "zur", "zum", "in", "um", "auf", "für", "im", "mit"), Kind.PREPOSITION),
    **dict.fromkeys(("künstlichen", "lokale", "alte", "letzten", "großen"), Kind.ADJECTIVE),
    **dict.fromkeys(("drei", "zehn"), Kind.NUMBER),
}

LEMMAS = {"Landkreisen": "Landkreis", "Zeitungen": "Zeitung", "Menschen": "Mensch", "Podcasts": "Podcast"}
#: Never said by anybody.
UNHEARD = {"Zeitunge", "Mensche"}


def frequency(word, language):  # noqa: ARG001
    return 0.0 if word in UNHEARD else 7 - min(4.0, len(word) / 3)


def readings(*texts, speaker="SPEAKER_00"):
    def tag(words, language):  # noqa: ARG001
        return [
            (KINDS.get(bare(word).lower(), Kind.NOUN if i and word[:1].isupper() else Kind.OTHER),
             LEMMAS.get(bare(word), bare(word)))
            for i, word in enumerate(words)
        ]  # fmt: skip

    made = []
    for number, text in enumerate(texts, start=1):
        words = tuple(Word(token, Span(i, i + 0.5), 0.9, speaker) for i, token in enumerate(text.split()))
        spoken = Spoken(words, (f"u{number:04}",), speaker, "de")
        made.append(read(spoken, tag=tag, frequency=frequency))
    return made


def title(*texts, asks=None):
    chapter = readings(*texts)
    return chapter_title(chapter, counts=noun_counts(chapter), asks=asks)


@pytest.mark.parametrize(
    ("opening", "named"),
    [
        ("Kommen wir zur künstlichen Intelligenz.", "Künstliche Intelligenz"),
        ("Kommen wir zum Geld, wer bezahlt das alles, Frau Ott?", "Geld"),
        ("Vielen Dank, kommen wir zum Geld.", "Geld"),
        ("Damit zum letzten Thema, der künstlichen Intelligenz, Frau Ott, wer schreibt?", "Künstliche Intelligenz"),
        ("Kommen wir zu unserem Podcast.", "Unser Podcast"),
        # Masculine or neuter, and which ending? As it was said.
        ("Kommen wir zum großen Haushalt.", "Zum großen Haushalt"),
        ("Kommen wir zum Menschen.", "Zum Menschen"),
        ("Lassen Sie uns zuerst über Geld sprechen.", "Geld"),
        ("Sprechen wir über den großen Haushalt.", "Über den großen Haushalt"),
        ("Reden wir über die Menschen in der Redaktion.", "Die Menschen in der Redaktion"),
        ("Wir sprechen heute über Medien und Werbung.", "Medien und Werbung"),
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


def test_a_question_to_somebody_names_a_chapter_only_if_it_says_what_about():
    assert title("Frau Ott, wer hört Ihnen zu?", "Dann kam eine alte Zeitung.")[0] != "Wer hört Ihnen zu?"
    assert title("Frau Ott, wer liest Ihre Zeitung?", "So ist es.")[0] == "Wer liest Ihre Zeitung?"


def test_nouns_stand_in_a_form_that_stands_alone():
    assert title("So geht es in vielen Landkreisen.")[0] == "Landkreise"
    assert title("So geht es mit den Zeitungen.")[0] == "Zeitungen"
    assert title("So ist das Ende des Podcasts.")[0] == "Podcast"


def test_one_phrase_is_better_than_two_words_of_two_sentences():
    name = title("So kam die Straßenbahn.", "Es gibt eine Werbung für Lokalzeitungen.")[0]
    assert name == "Eine Werbung für Lokalzeitungen"


def test_people_and_farewells_are_no_topics():
    name = title("Das nehme ich gern als Schlusswort.", "Es gab Streit mit Frau Bergerhausen.")[0]
    assert name == "Streit"


def test_a_title_that_the_house_forbids_gives_way_to_the_next():
    chapter = readings("Kommen wir zur Glückslotterie.", "Die Stadtbibliothek öffnet.")
    given = {"counts": noun_counts(chapter), "asks": None}
    first, *_ = chapter_title(chapter, **given)
    other, *_ = chapter_title(chapter, **given, allowed=lambda text: "Glück" not in text)
    assert "Glückslotterie" in first
    assert "Stadtbibliothek" in other
    assert chapter_title(chapter, **given, allowed=lambda _text: False)[0]


@pytest.mark.parametrize(("host", "named"), [("SPEAKER_01", True), (None, False)])
def test_a_hosts_next_question_names_a_chapter_better_than_a_noun(host, named):
    said = readings(*(f"Die Stadtbibliothek öffnet um {place}." for place in ("acht", "neun", "zehn", "elf", "zwölf")))
    chapter = [*said, *readings("Warum liest niemand mehr eine Lokalzeitung?", speaker="SPEAKER_01")]
    title, *_ = chapter_title(chapter, counts=noun_counts(chapter), asks=host)
    assert (title == "Warum liest niemand mehr eine Lokalzeitung?") is named
