from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.german import (
    MAX_SENTENCE_WORDS,
    counted,
    decimal,
    enumeration,
    is_finished,
    numeral,
    ordinal,
    quoted,
    sentence_ranges,
    spoken_sentences,
    time_code,
)
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word


def said(text, *, start=0.0, speaker="SPEAKER_00", pause_after=None):
    words, time = [], start
    for token in text.split():
        words.append(Word(token, Span(time, time + 0.3), 0.9, speaker))
        time += 3.0 if token == pause_after else 0.4
    return tuple(words)


def sentences(text, **how):
    words = said(text, **how)
    return [" ".join(word.text for word in words[part.start : part.stop]) for part in sentence_ranges(words)]


@pytest.mark.parametrize(
    "text",
    [
        "Er kam am 3. Mai nach Hamburg. | Dann ging er.",
        "Das kostet z. B. zehn Euro. | Es ist viel.",
        "Frau Dr. Weber und Prof. Klein kamen. | Sie blieben.",
        "Wir haben 1.500 Leser. | Das sind 3.5 Prozent.",
        "Der 2. Weltkrieg war lang. | Er endete 1945. | Danach kam Ruhe.",
        "Im 21. Jahrhundert geht das nicht. | Woran liegt es?",
        "Er sagte: „Nein.“ | Dann ging er.",
        "Das war Plan B. | Der Plan war gut.",
        "J. S. Bach war hier. | Wer noch?",
        "Wir verkaufen Bücher, Hefte usw. | Das läuft gut.",
        "Das sind 3 Mio. Euro. | Viel Geld.",
        "Ich mag Musik. | Das ist meine Art. | Und Ihre?",
        "Es waren 12. | Die Zahl stimmt.",
        "Moment... das geht nicht. | Doch!",
        "Und Sie? | Ich auch!",
        "The first. | It was never, e.g. here, finished.",
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text):
    assert sentences(text.replace(" |", "")) == text.split(" | ")


def test_a_long_silence_ends_a_sentence_but_not_after_a_comma():
    assert sentences("wir haben lange gewartet dann kam er", pause_after="gewartet") == [
        "wir haben lange gewartet",
        "dann kam er",
    ]
    assert len(sentences("wir haben lange gewartet, dann kam er", pause_after="gewartet,")) == 1


def test_another_voice_ends_a_sentence():
    words = said("ich glaube") + said("nein", start=1.0, speaker="SPEAKER_01")
    assert [len(part) for part in sentence_ranges(words)] == [2, 1]


@given(
    st.lists(
        st.sampled_from(["wort", "Haus", "Ende.", "Dr.", "3.", "so?", "ja,", "B.", "„Nein.“", "..."]), max_size=200
    )
)
def test_sentences_keep_every_word_in_order(tokens):
    words = said(" ".join(tokens))
    parts = sentence_ranges(words)
    assert [i for part in parts for i in part] == list(range(len(words)))
    assert all(0 < len(part) <= MAX_SENTENCE_WORDS for part in parts)


def utterance(number, text, *, start, speaker="SPEAKER_00", doubt=None, language="de"):
    return Utterance(f"u{number:04}", said(text, start=start, speaker=speaker), speaker, language, doubt)


def transcript(*utterances):
    return Transcript("r-test", 100.0, "de", utterances)


def test_a_sentence_never_goes_on_past_what_somebody_else_says():
    """Whoever quotes it would put together what was said apart: here two answers, and a question between them."""
    parts = (
        utterance(1, "Vertrauen kann man", start=0.0),
        utterance(2, "Stimmt.", start=1.0, speaker="SPEAKER_01"),
        utterance(3, "schnell verspielen.", start=1.5),
    )
    assert [s.text for s in spoken_sentences(transcript(*parts))] == [
        "Vertrauen kann man", "Stimmt.", "schnell verspielen."
    ]  # fmt: skip


def test_a_sentence_goes_on_past_an_interjection_that_lies_inside():
    host = utterance(1, "Vertrauen kann man schnell", start=0.0)
    spoken = spoken_sentences(
        transcript(
            host,
            utterance(2, "Mhm.", start=host.words[1].span.start, speaker="SPEAKER_01"),
            utterance(3, "verspielen.", start=host.span.end + 0.2),
        )
    )
    assert [(s.text, s.evidence) for s in spoken] == [
        ("Vertrauen kann man schnell verspielen.", ("u0001", "u0003")),
        ("Mhm.", ("u0002",)),
    ]


def test_doubt_and_language_cut_a_sentence():
    doubtful = utterance(2, "Untertitel im Auftrag", start=1.3, doubt=Doubt.BOILERPLATE)
    parts = (utterance(1, "Das ist", start=0.0), doubtful, utterance(3, "ein Test.", start=3.0))
    assert [s.text for s in spoken_sentences(transcript(*parts))] == ["Das ist", "ein Test."]
    english = utterance(3, "a test.", start=1.3, language="en")
    assert [s.text for s in spoken_sentences(transcript(parts[0], english))] == ["Das ist", "a test."]


def test_nobody_is_not_one_voice():
    parts = (
        utterance(1, "Das ist", start=0.0, speaker=None),
        utterance(2, "Ja.", start=0.9, speaker="SPEAKER_01"),
        utterance(3, "kein Satz.", start=1.4, speaker=None),
    )
    assert [s.text for s in spoken_sentences(transcript(*parts))] == ["Das ist", "Ja.", "kein Satz."]


@given(st.integers(0, 10**6 - 1))
def test_digits_and_their_grouping_mean_the_same(value):
    grouped = f"{value:,}".replace(",", ".")
    assert decimal(str(value)) == decimal(grouped) == decimal(f"{value:,}", language="en") == Decimal(value)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("null", 0), ("zwölf", 12), ("siebzehn", 17), ("einundzwanzig", 21), ("dreißig", 30), ("dreissig", 30),
        ("hundert", 100), ("zweihundertfünf", 205), ("tausend", 1000), ("neunzehnhundertfünfundvierzig", 1945),
        ("zweitausendsechsundzwanzig", 2026), ("hundertvierzigtausend", 140_000), ("twelve", 12), ("forty-two", 42),
        ("Wunder", None), ("hundertmal", None), ("jahrhundert", None), ("und", None), ("", None),
    ],
)  # fmt: skip
def test_numerals(word, value):
    assert numeral(word) == value


@given(st.text("hundertausendzwölfe", max_size=400))
def test_long_words_are_no_burden(word):
    numeral(word)
    ordinal(word)


@pytest.mark.parametrize(
    ("figure", "language", "value"),
    [
        ("4,9", "de", "4.9"), ("4.9", "de", "4.9"), ("4.900", "de", "4900"), ("4,900", "en", "4900"),
        ("1.234.567,5", "de", "1234567.5"), ("3.5.2024", "de", None), ("20:15", "de", None),
    ],
)  # fmt: skip
def test_figures(figure, language, value):
    assert decimal(figure, language=language) == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("erste", 1), ("zweiten", 2), ("dritter", 3), ("siebtes", 7), ("achten", 8), ("neunzehnte", 19),
        ("zwanzigste", 20), ("einundzwanzigsten", 21), ("hundertste", 100), ("viertens", 4),
        ("Leute", None), ("beste", None), ("meisten", None), ("heute", None), ("zehnste", None), ("zwanzigte", None),
    ],
)  # fmt: skip
def test_ordinals(word, value):
    assert ordinal(word) == value


def test_quotation_marks_nest():
    assert quoted("Er sagte „Nein“ und ging.") == "„Er sagte ‚Nein‘ und ging.“"
    assert quoted('"Nein", sagte er') == "„‚Nein‘, sagte er“"


def test_wording():
    assert [time_code(s) for s in (0, 59.99, 60, 3600, 36_061)] == ["0:00", "0:59", "1:00", "1:00:00", "10:01:01"]
    assert [enumeration(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == [
        "",
        "A",
        "A und B",
        "A, B und C",
    ]
    assert [counted(n, "eine Stimme", "Stimmen") for n in (0, 1, 12, 13)] == [
        "null Stimmen", "eine Stimme", "zwölf Stimmen", "13 Stimmen",
    ]  # fmt: skip
    assert not is_finished("und dann...")
