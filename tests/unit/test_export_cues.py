"""Subtitles: the laws that hold for every transcript, and two readers that aren't ours."""

from dataclasses import replace
from html import unescape
from itertools import pairwise, zip_longest

import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from jobs.export import transcript_srt, transcript_vtt
from jobs.export.cues import MAX_LAG_S, MAX_SHOWN_S, MIN_SHOWN_S, Cue, Layout, cues
from jobs.export.readable import clean
from jobs.programme import Talk
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word

MS = 0.001
USUAL = Layout()


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Any words, also none that show; utterances in order of start, some over others, some of no length."""
    word_texts = st.one_of(
        st.sampled_from(["Ja.", "und", "Zeitungsredaktionen", "nein,", "3.", "a" * 130]), st.text(max_size=50)
    )
    at, utterances = 0.0, []
    for number in range(draw(st.integers(0, 6))):
        at += draw(st.sampled_from([0.0, 0.2, 2.0, 9.0]))
        start, words = at, []
        for text in draw(st.lists(word_texts, min_size=1, max_size=25)):
            start += draw(st.sampled_from([0.0, 0.05, 0.7, 3.0]))
            end = start + draw(st.sampled_from([0.0, 0.08, 0.4, 1.5]))
            words.append(Word(text, Span(start, end), 0.5))
            start = end
        speaker = draw(st.sampled_from(["SPEAKER_00", "SPEAKER_01", None]))
        doubt = draw(st.sampled_from([None, None, Doubt.LOOP]))
        utterances.append(Utterance(f"u{number:04}", tuple(words), speaker, "de", doubt))
        at = draw(st.sampled_from([at, start]))
    return Transcript("r-1", at + 60.0, "de", tuple(utterances), names={"SPEAKER_01": draw(st.text(max_size=60))})


def letters(cue: Cue) -> str:
    """What a cue says, without white space and without the brackets around doubt."""
    text = "".join("".join(cue.lines).split())
    return text if cue.doubt is None else text[1:-1]


def said(transcript: Transcript, speaker: str | None) -> str:
    words = [word.text for u in transcript.utterances if u.speaker == speaker for word in u.words]
    return "".join("".join(clean(word).split()) for word in words)


@given(transcripts())
def test_no_letter_is_lost_added_or_given_to_somebody_else(transcript: Transcript) -> None:
    shown = cues(transcript, USUAL)
    for speaker in {None, *transcript.speakers}:
        assert "".join(letters(cue) for cue in shown if cue.speaker == speaker) == said(transcript, speaker)


@given(transcripts())
def test_cues_follow_each_other_and_never_come_before_the_speech(transcript: Transcript) -> None:
    shown = cues(transcript, USUAL)
    assert all(cue.span.duration > 0 for cue in shown)
    assert all(before.span.end <= after.span.start for before, after in pairwise(shown))
    first = min((u.span.start for u in transcript.utterances), default=0.0)
    assert all(cue.span.start >= first - MS for cue in shown)


@given(transcripts())
def test_two_lines_of_42_characters(transcript: Transcript) -> None:
    for cue in cues(transcript, USUAL, lambda _: "Anna Berg-Petersen:"):
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < len(line) <= 42 and line == line.strip() for line in cue.lines)


@given(transcripts(), st.builds(Layout, st.integers(20, 60), st.integers(1, 3), st.floats(5.0, 40.0)))
def test_other_layouts_are_kept_as_well(transcript: Transcript, layout: Layout) -> None:
    shown = cues(transcript, layout)
    for cue in shown:
        assert 1 <= len(cue.lines) <= layout.lines
        assert all(0 < len(line) <= layout.line_length for line in cue.lines)
    for speaker in {None, *transcript.speakers}:
        assert "".join(letters(cue) for cue in shown if cue.speaker == speaker) == said(transcript, speaker)


@given(transcripts())
def test_every_cue_is_readable_where_the_next_one_leaves_time(transcript: Transcript) -> None:
    shown = cues(transcript, USUAL)
    for cue, after in zip_longest(shown, shown[1:]):
        needed = max(MIN_SHOWN_S, (sum(map(len, cue.lines)) + len(cue.lines) - 1) / USUAL.reading_speed)
        left = needed if after is None else after.span.start - cue.span.start
        assert cue.span.duration >= min(needed, left) - 2 * MS


@given(transcripts())
def test_the_speaker_is_introduced_exactly_where_the_voice_changes(transcript: Transcript) -> None:
    before: object = ()
    for cue in cues(transcript, USUAL, lambda speaker: f"<{speaker}>:"):
        assert cue.lines[0].startswith(f"<{cue.speaker}>:") == (cue.speaker != before)
        before = cue.speaker


@given(transcripts())
def test_webvtt_py_reads_what_was_shown(transcript: Transcript) -> None:
    data = transcript_vtt.write(transcript, Talk(), LABELS, USUAL).data.decode()
    shown = cues(transcript, USUAL)
    read = webvtt.from_string(data, strict=True).captions
    assert [unescape(caption.text) for caption in read] == ["\n".join(cue.lines) for cue in shown]
    assert [caption.start_in_seconds for caption in read] == [int(cue.span.start) for cue in shown]
    known = clean(transcript.names["SPEAKER_01"]).replace("--", "–")  # at its end it would make an arrow
    assert all(
        unescape(c.voice) == known for c, cue in zip(read, shown, strict=True) if cue.speaker == "SPEAKER_01" and known
    )


@given(transcripts())
def test_pysubs2_reads_the_same_times_from_both_formats(transcript: Transcript) -> None:
    vtt = pysubs2.SSAFile.from_string(
        transcript_vtt.write(transcript, Talk(), LABELS, USUAL).data.decode(), format_="vtt"
    )
    srt = pysubs2.SSAFile.from_string(
        transcript_srt.write(transcript, Talk(), LABELS, USUAL).data.decode(), format_="srt"
    )
    assert [(e.start, e.end) for e in vtt] == [
        (round(c.span.start * 1000), round(c.span.end * 1000)) for c in cues(transcript, USUAL)
    ]
    assert all(before.end <= after.start for before, after in pairwise(srt))


LABELS = {
    "draft.label": "ENTWURF",
    "export.voice": "Stimme {number}",
    "export.voice_unknown": "?",
    "export.untitled": "Ohne Titel",
    "export.made": "",
    "notice.no-speech": "Keine Sprache",
    "doubt.loop": "Schleife",
}


def talk_of(
    text: str, *, start: float = 0.0, pace: float = 0.3, speaker: str = "SPEAKER_00", number: int = 1
) -> Utterance:
    words = tuple(Word(w, Span(start + i * pace, start + (i + 1) * pace), 0.9) for i, w in enumerate(text.split()))
    return Utterance(f"u{number:04}", words, speaker, "de")


def shown_texts(*utterances: Utterance) -> list[str]:
    return [" ".join(cue.lines) for cue in cues(Transcript("r-1", 60.0, "de", utterances), USUAL)]


def test_breaks_stand_at_the_ends_of_sentences() -> None:
    first = "Wir haben im Mai zum ersten Mal mehr digitale als gedruckte Ausgaben verkauft."
    second = "Das hat uns selbst überrascht, und es hat gewirkt."
    assert shown_texts(talk_of(f"{first} {second}")) == [first, second]


def test_a_date_is_no_end_of_a_sentence() -> None:
    text = "Ganz ehrlich, das war für uns am 3. Mai noch gar nicht abzusehen, aber wir haben dann sofort reagiert."
    assert not any(shown.endswith("3.") for shown in shown_texts(talk_of(text)))


UNITS = (
    "z. B.", "12,9 Millionen", "3. Mai", "§ 5", "20.15 Uhr", "Dr. Ott", "140.000 Abonnenten", "12 000", "4,9 Prozent",
    "Nr. 7",
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("words_before", range(3, 14))
def test_what_means_one_thing_stands_in_one_line(unit: str, words_before: int) -> None:
    text = " ".join(("etwa",) * words_before) + f" {unit} " + " ".join(("gestern",) * 9)
    lines = [line for cue in cues(Transcript("r-1", 60.0, "de", (talk_of(text),)), USUAL) for line in cue.lines]
    assert any(unit in line for line in lines)


def test_no_line_ends_with_an_article_where_another_break_is_as_good() -> None:
    text = "Wir haben den Umbau der Redaktion mit den Leserinnen und Lesern der Zeitung besprochen und dann die Seiten."
    shown = cues(Transcript("r-1", 60.0, "de", (talk_of(text),)), USUAL)
    ends = {line.split()[-1] for cue in shown for line in cue.lines}
    assert not ends & {"der", "den", "die", "mit", "und"}


def test_each_language_has_its_own_subtitles() -> None:
    english = replace(talk_of("And now in English.", start=2.0, number=2), language="en")
    transcript = Transcript("r-1", 60.0, "de", (talk_of("Guten Abend."), english))
    assert [cue.language for cue in cues(transcript, USUAL)] == ["de", "en"]
    data = transcript_vtt.write(transcript, Talk(), LABELS, USUAL).data.decode()
    assert data.count("<lang en>And now in English.</lang>") == data.count("<lang") == 1


def test_a_long_sentence_breaks_at_its_comma() -> None:
    text = (
        "Wir haben die Redaktion im vergangenen Jahr umgebaut, weil die Abonnenten am Abend lesen und nicht am Morgen."
    )
    assert shown_texts(talk_of(text))[0].endswith("umgebaut,")


def test_nothing_is_held_over_a_long_pause() -> None:
    before, after = talk_of("Moment noch", pace=0.5), talk_of("bitte sehr.", start=20.0, number=2)
    assert shown_texts(before, after) == ["Moment noch", "bitte sehr."]
    assert cues(Transcript("r-1", 60.0, "de", (before, after)), USUAL)[0].span.end < 3.0


def test_slow_speech_is_not_held_longer_than_seven_seconds() -> None:
    slow = cues(
        Transcript("r-1", 60.0, "de", (talk_of("Das ist die erste und auch die letzte Frage dazu.", pace=1.2),)), USUAL
    )
    assert all(cue.span.duration <= MAX_SHOWN_S for cue in slow)


def test_quick_interjections_wait_but_not_for_long() -> None:
    chatter = [talk_of("Ja.", start=i * 0.2, pace=0.2, speaker=f"SPEAKER_{i % 2:02}", number=i + 1) for i in range(40)]
    shown = cues(Transcript("r-1", 60.0, "de", tuple(chatter)), USUAL)
    lags = [cue.span.start - u.span.start for cue, u in zip(shown, chatter, strict=True)]
    assert max(lags[:4]) <= MAX_LAG_S + MIN_SHOWN_S
    assert min(cue.span.duration for cue in shown) >= 0.3 - MS


@pytest.mark.parametrize("name", ["A", "Prof. Dr. Annegret von Kramp-Hohenstein zu Oberammergau"])
def test_a_name_leaves_room_for_speech(name: str) -> None:
    transcript = Transcript("r-1", 60.0, "de", (talk_of("Guten Abend."),), names={"SPEAKER_00": name})
    (event,) = pysubs2.SSAFile.from_string(
        transcript_srt.write(transcript, Talk(), LABELS, USUAL).data.decode(), format_="srt"
    )
    assert event.plaintext.replace("\n", " ").startswith(name[:20])
    assert event.plaintext.replace("\n", " ").endswith(": Guten Abend.")
    assert max(map(len, event.plaintext.split("\n"))) <= USUAL.line_length
