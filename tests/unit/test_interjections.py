"""A listener's "mhm" leaves the sentence around it whole, wherever the transcript goes from there."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import backchannels as listed
from config.settings import labels
from jobs.artifacts import Artifact
from jobs.edits import corrected, distance
from jobs.export import transcript_docx, transcript_json, transcript_vtt
from jobs.export.cues import Layout, cues
from jobs.export.transcript_view import view_transcript
from jobs.export.voices import voices_of
from jobs.german import spoken_sentences
from jobs.interjections import as_heard, backchannels, undivided
from jobs.programme import Talk
from jobs.timeline import Span
from jobs.transcript import Doubt, Transcript, Utterance, Word
from worker.desk.correction import read

KNOWN = backchannels(listed())
HOST, GUEST = "SPEAKER_00", "SPEAKER_01"
BEFORE, AFTER = "Wir haben im ersten Jahr", "vierhundert Leute gefunden."


def conversation(*said: tuple[str | None, str], pause_s: float = 0.1) -> tuple[Utterance, ...]:
    """Utterances one behind the other, each word a third of a second long."""
    at, found = 0.0, []
    for number, (speaker, text) in enumerate(said, start=1):
        words = []
        for token in text.split():
            words.append(Word(token, Span(round(at, 3), round(at + 0.3, 3)), 0.9, speaker))
            at += 0.3
        found.append(Utterance(f"u{number:04}", tuple(words), speaker, "de"))
        at += pause_s
    return tuple(found)


def told(utterances: tuple[Utterance, ...]) -> list[tuple[str, str | None, str]]:
    return [(one.id, one.speaker, one.text) for one in utterances]


@pytest.mark.parametrize("hum", ["mhm", "Mhm.", "ja,", "Ja, genau.", "Uh-huh,", "ach so", "I see"])
def test_the_sentence_is_one_utterance_and_the_interjection_follows_with_its_own_times(hum: str) -> None:
    parts = conversation((HOST, BEFORE), (GUEST, hum), (HOST, AFTER), (GUEST, "Viel."))
    found = undivided(parts, KNOWN)
    assert told(found) == [("u0001", HOST, f"{BEFORE} {AFTER}"), ("u0002", GUEST, hum), ("u0003", GUEST, "Viel.")]
    assert found[1].words == parts[1].words
    assert found[0].span.start < found[1].span.start < found[1].span.end < found[0].span.end


def test_a_sentence_may_be_interrupted_more_than_once() -> None:
    parts = conversation((HOST, BEFORE), (GUEST, "mhm"), (HOST, "etwa"), ("SPEAKER_02", "ja"), (HOST, AFTER))
    assert told(undivided(parts, KNOWN)) == [
        ("u0001", HOST, f"{BEFORE} etwa {AFTER}"), ("u0002", GUEST, "mhm"), ("u0003", "SPEAKER_02", "ja"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        ((HOST, "Das war es."), (GUEST, "Mhm."), (HOST, "Jetzt kommt etwas anderes.")),  # no sentence is open
        ((HOST, BEFORE), (GUEST, "nein"), (HOST, AFTER)),  # no listener
        ((HOST, BEFORE), (GUEST, "ja genau ja"), (HOST, AFTER)),  # a turn of its own
        ((HOST, "war das bei euch auch so,"), (GUEST, "ja,"), (HOST, "dann los.")),  # an answer
        ((HOST, BEFORE), (GUEST, "mhm"), ("SPEAKER_02", AFTER)),
        ((HOST, BEFORE), (None, "mhm"), (HOST, AFTER)),
        ((None, BEFORE), (GUEST, "mhm"), (None, AFTER)),
        ((HOST, BEFORE), (GUEST, "mhm")),
        ((GUEST, "mhm"), (HOST, AFTER)),
    ],
)
def test_whatever_else_changes_speaker_stays_as_it_is(said: tuple[tuple[str | None, str], ...]) -> None:
    parts = conversation(*said)
    assert undivided(parts, KNOWN) == parts


def test_long_pauses_other_languages_and_doubt_break_a_sentence() -> None:
    parts = conversation((HOST, BEFORE), (GUEST, "mhm"), (HOST, AFTER))
    late = conversation((HOST, BEFORE), (GUEST, "mhm"), (HOST, AFTER), pause_s=1.2)
    for kept in (
        late,
        (*parts[:2], replace(parts[2], language="en")),
        (*parts[:2], replace(parts[2], doubt=Doubt.LOOP)),
    ):
        assert undivided(kept, KNOWN) == kept


turns = st.lists(
    st.tuples(st.sampled_from([HOST, GUEST, None]), st.sampled_from(["mhm", "ja", "Nein.", "wir haben", "ja, gut,"])),
    max_size=12,
).map(lambda said: conversation(*said))


@given(turns)
def test_no_voice_loses_a_word_and_starts_stay_in_order(parts: tuple[Utterance, ...]) -> None:
    found = undivided(parts, KNOWN)
    before, after = defaultdict(list), defaultdict(list)
    for heard, utterances in ((before, parts), (after, found)):
        for one in utterances:
            heard[one.speaker] += one.words
    assert before == after
    assert [one.id for one in found] == [f"u{number:04}" for number in range(1, len(found) + 1)]
    assert all(one.span.start <= other.span.start for one, other in pairwise(found))


@given(turns)
def test_as_heard_every_word_stands_in_order_of_time_again(parts: tuple[Utterance, ...]) -> None:
    found = undivided(parts, KNOWN)
    heard = list(as_heard(found))
    assert [word for _, part in heard for word in part.words] == [word for part in parts for word in part.words]
    assert all(found[place].speaker == part.speaker for place, part in heard)


@pytest.fixture
def interrupted() -> Transcript:
    """A sentence with an interjection, and the next one."""
    parts = conversation((HOST, f"{BEFORE} und im zweiten"), (GUEST, "mhm"), (HOST, AFTER), (GUEST, "Das ist viel."))
    return Transcript("r-1", 20.0, "de", undivided(parts, KNOWN))


def test_subtitles_show_the_interjection_where_it_is_heard(interrupted: Transcript) -> None:
    shown = cues(interrupted, Layout())
    assert [(cue.speaker, " ".join(cue.lines)) for cue in shown] == [
        (HOST, f"{BEFORE} und im zweiten"), (GUEST, "mhm"), (HOST, AFTER), (GUEST, "Das ist viel."),
    ]  # fmt: skip
    assert all(before.span.end <= after.span.start for before, after in pairwise(shown))


def test_readers_see_the_whole_sentence_and_then_the_interjection(interrupted: Transcript) -> None:
    view = view_transcript(interrupted, Talk(), labels())
    assert [(one.voice, one.passages[0].said.text) for one in view.paragraphs] == [
        ("Stimme 1", f"{BEFORE} und im zweiten {AFTER}"), ("Stimme 2", "mhm"),
    ]  # fmt: skip
    assert [one.said.text for one in view.paragraphs[1].passages] == ["mhm", "Das ist viel."]
    whole = spoken_sentences(interrupted)[0]
    assert (whole.text, whole.evidence) == (f"{BEFORE} und im zweiten {AFTER}", ("u0001",))


def written(interrupted: Transcript) -> tuple[Artifact, ...]:
    return (
        transcript_json.write(interrupted, Talk(), labels()),
        transcript_vtt.write(interrupted, Talk(), labels(), Layout()),
        transcript_docx.write(interrupted, Talk(), labels()),
    )


def test_what_comes_back_is_as_it_was_whichever_order_the_file_has(interrupted: Transcript, tmp_path) -> None:
    voices = voices_of(interrupted, labels())
    for artifact in written(interrupted):
        (tmp_path / artifact.name).write_bytes(artifact.data)
        lines = read(tmp_path / artifact.name).lines
        assert distance(interrupted, lines, voices) == 0
        assert corrected(interrupted, lines, voices) == interrupted


def test_a_word_put_right_within_a_sentence_that_was_broken_into_keeps_it_whole(
    interrupted: Transcript, tmp_path
) -> None:
    for artifact in written(interrupted)[1:2]:
        (tmp_path / artifact.name).write_bytes(artifact.data.replace(b"vierhundert", b"achthundert"))
        found = corrected(interrupted, read(tmp_path / artifact.name).lines, voices_of(interrupted, labels()))
        assert [one.text for one in found.utterances] == [
            f"{BEFORE} und im zweiten achthundert Leute gefunden.", "mhm", "Das ist viel.",
        ]  # fmt: skip
        assert [word.span for word in found.utterances[0].words] == [w.span for w in interrupted.utterances[0].words]
