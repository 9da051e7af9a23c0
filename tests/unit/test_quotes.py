from hypothesis import given
from hypothesis import strategies as st

from jobs.proof.quotes import locate
from jobs.proof.record import Record
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word

A, B = "SPEAKER_00", "SPEAKER_01"


def utterance(number, text, start, speaker=A, doubt=None):
    words = tuple(Word(t, Span(start + i, start + i + 0.5), 0.9, speaker) for i, t in enumerate(text.split()))
    return Utterance(f"u{number}", words, speaker, "de", doubt)


RECORD = Record(
    Transcript(
        "r",
        100.0,
        "de",
        (
            utterance(1, "Das ist keine große Straße,", 0.0),
            utterance(2, "Stimmt.", 5.2, B),
            utterance(3, "sondern ein Weg.", 6.5),
            utterance(4, "Das stimmt so nicht, glaube ich.", 30.0, B),
            utterance(5, "Das stimmt so nicht, glaube ich.", 40.0),
            utterance(6, "Untertitel im Auftrag", 50.0, doubt=Doubt.BOILERPLATE),
        ),
    )
)


def test_words_speaker_and_time_are_the_transcripts_own():
    quote = locate("„das ist keine GROSSE Strasse – sondern ein Weg“", ("u1",), RECORD)
    assert quote is not None
    assert (quote.text, quote.speaker, quote.evidence) == (
        "Das ist keine große Straße, sondern ein Weg.", A, ("u1", "u3"),
    )  # fmt: skip
    assert quote.span == Span(0.0, 9.0)


def test_one_other_word_is_another_quote():
    assert locate("Das ist eine große Straße", ("u1",), RECORD) is None
    assert locate("Das ist große Straße", ("u1",), RECORD) is None
    assert locate("", ("u1",), RECORD) is None


def test_words_of_several_belong_to_the_one_who_is_cited():
    assert [locate("Das stimmt so nicht", ids, RECORD).speaker for ids in (("u4",), ("u5",))] == [B, A]
    assert locate("Das stimmt so nicht", ("u1",), RECORD) is None
    assert locate("sondern ein Weg", ("u4",), RECORD).evidence == ("u3",)


def test_doubtful_words_are_never_quoted():
    assert locate("Untertitel im Auftrag", ("u6",), RECORD) is None


@given(st.data())
def test_whatever_was_said_is_found_where_it_was_said(data):
    cited = data.draw(st.sampled_from([u for u in RECORD.utterances.values() if u.doubt is None]))
    start = data.draw(st.integers(0, len(cited.words) - 1))
    stop = data.draw(st.integers(start + 1, len(cited.words)))
    part = cited.words[start:stop]
    quote = locate(" ".join(word.text.strip(".,").upper() for word in part), (cited.id,), RECORD)
    assert quote is not None
    assert quote.evidence == (cited.id,)
    assert quote.speaker == cited.speaker
    assert quote.text.casefold() == " ".join(word.text for word in part).casefold()
