import json
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from jobs.artifacts import canonical_json
from jobs.diarize import GHOST_S, MERGE_GAP_S, SLIVER_S, Diarization, exclusive_turns, ghosts, without_ghosts
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.transcript import Turn

A, B = "SPEAKER_00", "SPEAKER_01"
LENGTHS = st.floats(0.001, 8.0)


def _row(parts: list[tuple[float, float, str]]) -> tuple[Turn, ...]:
    """Turns one behind the other, given as pause, length and speaker."""
    found: list[Turn] = []
    at = 0.0
    for pause, length, speaker in parts:
        at += pause
        found.append(Turn(Span(at, at + length), speaker))
        at += length
    return tuple(found)


rows = st.lists(st.tuples(st.floats(0.0, 3.0), LENGTHS, st.sampled_from("abc")), max_size=12).map(_row)
# Turns of any kind, overlapping or not.
heaps = st.lists(st.tuples(st.floats(0.0, 60.0), LENGTHS, st.sampled_from("abc")), max_size=12).map(
    lambda parts: tuple(Turn(Span(start, start + length), speaker) for start, length, speaker in parts)
)


@given(rows)
def test_exclusive_turns_stay_in_order_and_apart(turns: tuple[Turn, ...]) -> None:
    found = exclusive_turns(turns)
    assert all(one.span.end <= other.span.start for one, other in pairwise(found))
    assert all(turn.span.duration >= SLIVER_S for turn in found)
    for one, other in pairwise(found):
        assert one.speaker != other.speaker or one.span.gap(other.span) >= MERGE_GAP_S


@given(rows)
def test_exclusive_turns_add_no_time_but_small_gaps(turns: tuple[Turn, ...]) -> None:
    found = exclusive_turns(turns)
    for speaker in "abc":
        before = sum(turn.span.duration for turn in turns if turn.speaker == speaker)
        after = sum(turn.span.duration for turn in found if turn.speaker == speaker)
        assert after <= before + MERGE_GAP_S * len(turns) + 1e-9
    assert {turn.speaker for turn in found} <= {turn.speaker for turn in turns}


@given(rows)
def test_exclusive_turns_have_nothing_left_to_clean(turns: tuple[Turn, ...]) -> None:
    found = exclusive_turns(turns)
    assert exclusive_turns(found) == found


@given(heaps)
def test_no_ghost_is_left_and_speakers_are_numbered_by_appearance(turns: tuple[Turn, ...]) -> None:
    found, same = without_ghosts(turns, turns)
    assert found == same
    labels = list(dict.fromkeys(turn.speaker for turn in found))
    assert labels == [f"SPEAKER_{number:02d}" for number in range(len(labels))]
    longest = [max(turn.span.duration for turn in found if turn.speaker == label) for label in labels]
    assert len(labels) == bool(turns) or all(seconds >= GHOST_S for seconds in longest)
    assert bool(found) == bool(turns)


@given(heaps)
def test_real_speakers_keep_all_their_turns(turns: tuple[Turn, ...]) -> None:
    found, _ = without_ghosts(turns, ())
    real = {turn.speaker for turn in turns if turn.span.duration >= GHOST_S}
    kept = sorted(turn.span for turn in turns if turn.speaker in real)
    assert not real or sorted(turn.span for turn in found) == kept


def test_a_ghost_is_dropped_from_both_lists() -> None:
    voice, blip = Turn(Span(0.0, 5.0), "x"), Turn(Span(2.0, 2.2), "y")
    assert without_ghosts((voice, blip), (voice, blip)) == ((Turn(voice.span, A),), (Turn(voice.span, A),))


@given(heaps)
def test_whoever_is_left_out_is_told_of_once(turns: tuple[Turn, ...]) -> None:
    found, _ = without_ghosts(turns, ())
    voices = {turn.speaker for turn in turns}
    told = ghosts(turns)
    assert list(told) == sorted(told)
    assert set(told) <= {min(turn.span.start for turn in turns if turn.speaker == voice) for voice in voices}
    assert len(told) + len({turn.speaker for turn in found}) == len(voices)


def test_turns_that_were_stored_before_ghosts_were_told_of_can_still_be_read() -> None:
    made = Diarization((), (), Provenance("engine", "1", None, "0" * 16, "0.1.0", datetime(2026, 11, 3, tzinfo=UTC)))
    stored = json.loads(canonical_json(made))
    del stored["ghosts"]
    assert TypeAdapter(Diarization).validate_python(stored) == made


def test_a_hand_over_sliver_disappears() -> None:
    turns = (Turn(Span(0.0, 2.0), A), Turn(Span(2.0, 2.05), "x"), Turn(Span(2.05, 4.0), B))
    assert exclusive_turns(turns) == (turns[0], turns[2])
