"""Counting and following voices on embeddings made here: each voice a direction, each window that and noise."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jobs import voices
from jobs.voices import Activity, Cells

FRAME_S = 0.02
DIMENSION = 192


def _activity(parts: list[tuple[float, int]], *, borders: bool = True) -> Activity:
    """Stretches of seconds and number of voices."""
    count = np.concatenate([np.full(round(seconds / FRAME_S), number) for seconds, number in parts] or [[]]).astype(int)
    border = np.zeros(len(count), bool)
    edges = np.cumsum([round(seconds / FRAME_S) for seconds, _ in parts])
    border[edges[edges < len(count)]] = borders
    return Activity(count, border, FRAME_S)


def _embed(speech: Cells, turns: list[tuple[float, int]], *, noise: float, alike: float = 0.3) -> NDArray[np.float64]:
    """Unit vectors of voices whose directions have a cosine of `alike`; `noise` is a length beside the voice's 1.0."""
    rng = np.random.default_rng(7)
    number = max(voice for _, voice in turns) + 1
    basis = np.linalg.qr(rng.normal(size=(DIMENSION, number + 1)))[0].T
    directions = np.sqrt(alike) * basis[-1] + np.sqrt(1 - alike) * basis[:-1]
    ends = np.cumsum([seconds for seconds, _ in turns])
    owner = np.array([voice for _, voice in turns])[
        np.minimum(np.searchsorted(ends, speech.spans.mean(axis=1), side="right"), len(turns) - 1)
    ]
    noises = rng.normal(size=(len(speech), DIMENSION)) * noise / np.sqrt(DIMENSION)
    found = directions[owner] + noises
    unit: NDArray[np.float64] = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def _found(
    turns: list[tuple[float, int]], *, noise: float = 0.6, alike: float = 0.3, borders: bool = True, **bounds: int
) -> tuple[Cells, NDArray[np.float64], NDArray[np.int_]]:
    speech = voices.cells(_activity([(seconds, 1) for seconds, _ in turns], borders=borders))
    embeddings = _embed(speech, turns, noise=noise, alike=alike)
    found, _ = voices.group(speech, embeddings, **bounds)
    return speech, found, voices.follow(speech, embeddings, found)


stretches = st.lists(st.tuples(st.floats(0.02, 4.0), st.integers(0, 3)), min_size=1, max_size=8)


@given(stretches)
def test_cells_cover_all_speech_once_and_nothing_else(parts: list[tuple[float, int]]) -> None:
    activity = _activity(parts)
    speech = voices.cells(activity)
    assert np.diff(speech.spans)[:, 0].sum() == pytest.approx((activity.count > 0).sum() * FRAME_S)
    assert np.all(speech.spans[1:, 0] >= speech.spans[:-1, 1] - 1e-9)
    middles = speech.spans.mean(axis=1) / FRAME_S
    assert np.array_equal(speech.count, activity.count[middles.astype(int)])
    assert np.all(np.diff(speech.spans)[:, 0] <= voices.CELL_S * 1.5)


@given(stretches)
def test_a_window_holds_its_cell_and_crosses_no_border(parts: list[tuple[float, int]]) -> None:
    activity = _activity(parts)
    speech = voices.cells(activity)
    assert np.all(speech.windows[:, 0] <= speech.spans[:, 0] + 1e-9)
    assert np.all(speech.windows[:, 1] >= speech.spans[:, 1] - 1e-9)
    assert np.all(np.diff(speech.windows)[:, 0] <= voices.WINDOW_S + 1e-9)
    edges = np.flatnonzero(activity.border) * FRAME_S
    inside = (speech.windows[:, :1] + 1e-6 < edges) & (edges < speech.windows[:, 1:] - 1e-6)
    assert not inside.any()


def test_the_first_frame_may_start_late() -> None:
    activity = Activity(np.ones(50, int), np.zeros(50, bool), FRAME_S, start_s=0.03)
    speech = voices.cells(activity)
    assert (speech.spans[0, 0], speech.spans[-1, 1]) == pytest.approx((0.03, 1.03))


def test_no_speech_has_no_cells_and_no_turns() -> None:
    speech = voices.cells(_activity([(3.0, 0)]))
    assert len(speech) == 0
    assert voices.turns(speech, np.zeros(0, int)) == ((), ())


@pytest.mark.parametrize("number", [1, 2, 3, 5])
@pytest.mark.parametrize("alike", [0.0, 0.3, 0.6])
def test_voices_are_counted_however_alike(number: int, alike: float) -> None:
    turns = [(3.0, place % number) for place in range(24)]
    _, found, labels = _found(turns, alike=alike)
    assert len(found) == number
    assert len(set(labels)) == number


@pytest.mark.parametrize("noise", [0.3, 0.6, 1.0])
def test_a_monologue_is_one_voice_whatever_the_noise(noise: float) -> None:
    _, found, _ = _found([(60.0, 0), (60.0, 0)], noise=noise)
    assert len(found) == 1


def test_a_voice_that_tires_in_the_course_of_an_hour_is_still_one() -> None:
    speech = voices.cells(_activity([(3.0, 1)] * 40))
    fresh, tired = (_embed(speech, [(120.0, voice), (0.1, 1)], noise=0.6, alike=0.88) for voice in (0, 1))
    embeddings = np.where(speech.spans[:, :1] < 60.0, fresh, tired)
    assert len(voices.group(speech, embeddings)[0]) == 1


def test_two_hosts_who_sound_nearly_the_same_are_two_once_both_have_spoken_for_long() -> None:
    speech, found, labels = _found([(3.0, 0), (2.0, 1)] * 40, alike=0.82)
    assert len(found) == 2
    reference = np.array([0, 1])[(speech.spans.mean(axis=1) % 5.0 > 3.0).astype(int)]
    assert max((labels == reference).mean(), (labels != reference).mean()) > 0.98


@pytest.mark.parametrize("seconds", [2.5, 4.0])
def test_a_sentence_spoken_otherwise_founds_no_voice(seconds: float) -> None:
    _, found, _ = _found([(60.0, 0), (seconds, 1), (60.0, 0)], alike=0.6)
    assert len(found) == 1


def test_a_short_answer_between_two_turns_is_heard_though_segmentation_missed_it() -> None:
    turns = [(4.0, 0), (4.0, 1)] * 5 + [(5.0, 0), (0.8, 1), (5.0, 0)]
    speech, _, labels = _found(turns, alike=0.5, noise=0.5, borders=False)
    middle = labels[(speech.spans[:, 0] > 45.2) & (speech.spans[:, 1] < 45.6)]
    before = labels[(speech.spans[:, 0] > 41.0) & (speech.spans[:, 1] < 44.0)]
    assert len(set(before)) == len(set(middle)) == 1
    assert set(before) != set(middle)


def test_a_cough_is_nobody() -> None:
    turns = [(10.0, 0), (10.0, 1), (1.0, 2), (10.0, 0), (10.0, 1)]
    assert len(_found(turns, alike=0.0)[1]) == 2


def test_changes_that_segmentation_missed_are_found() -> None:
    turns = [(1.6 + 0.7 * (place % 4), place % 2) for place in range(20)]
    speech, _, labels = _found(turns, borders=False)
    changes = speech.spans[np.flatnonzero(np.diff(labels)) + 1, 0]
    assert changes == pytest.approx(np.cumsum([seconds for seconds, _ in turns])[:-1], abs=0.15)


def test_long_recordings_are_grouped_in_blocks_with_one_voice_in_one_group() -> None:
    turns = [(40.0, place % 3) for place in range(40)]
    _, found, labels = _found(turns)
    assert len(found) == 3
    # A guest who has one question in nearly half an hour is still somebody.
    guest = [*turns[:33], (6.0, 3), *turns[33:]]
    _, found, labels = _found(guest)
    assert len(found) == len(set(labels)) == 4


def test_who_opens_a_day_and_closes_it_hours_later_a_little_tired_is_one_voice() -> None:
    """A moderator at both ends of 24 blocks of windows, and a guest an hour between."""
    windows, hours, host = 24_000, 8, 8
    owner = np.repeat([host, *range(8), host], windows // 10)
    rng = np.random.default_rng(5)
    fresh, tired = np.split(np.linalg.qr(rng.normal(size=(DIMENSION, 18)))[0].T, 2)
    angle = np.linspace(0, np.arccos(0.9), windows)[: len(owner), None]
    found = np.cos(angle) * fresh[owner] + np.sin(angle) * tired[owner]
    found += rng.normal(size=found.shape) * 0.6 / np.sqrt(DIMENSION)
    starts = np.arange(windows * 5) * voices.CELL_S
    speech = Cells(
        np.stack([starts, starts + voices.CELL_S], axis=1), np.stack([starts, starts + voices.WINDOW_S], axis=1),
        np.ones(len(starts), int), np.zeros(len(starts), bool),
    )  # fmt: skip
    embeddings = np.zeros((len(starts), DIMENSION), np.float32)
    embeddings[::5] = found / np.linalg.norm(found, axis=1, keepdims=True)
    groups, brief = voices.group(speech, embeddings)
    assert brief == ()
    labels = (embeddings[::5] @ groups.T).argmax(axis=1)
    assert len(groups) == hours + 1
    assert all(len(set(labels[owner == one])) == 1 for one in range(hours + 1))


@pytest.mark.parametrize(("seconds", "told"), [(1.0, (30.0,)), (1.5, (30.0,)), (6.0, ())])
def test_who_speaks_too_briefly_to_be_a_voice_is_told_of(seconds: float, told: tuple[float, ...]) -> None:
    turns = [(30.0, 0), (seconds, 2), (30.0, 1), (20.0, 0)]
    speech = voices.cells(_activity([(length, 1) for length, _ in turns]))
    found, brief = voices.group(speech, _embed(speech, turns, noise=0.6, alike=0.0))
    assert (len(found), brief) == (2 if told else 3, pytest.approx(told, abs=voices.WINDOW_S))


@pytest.mark.parametrize("at_least", [1, 3, 6])
def test_voices_that_only_a_bound_asks_for_are_nobody_else(at_least: int) -> None:
    speech = voices.cells(_activity([(60.0, 1)]))
    assert voices.group(speech, _embed(speech, [(60.0, 0)], noise=0.6), at_least=at_least)[1] == ()


@pytest.mark.parametrize(("at_least", "at_most", "number"), [(1, 2, 2), (1, 1, 1), (1, 5, 3), (3, 3, 3), (5, 6, 5)])
def test_bounds_are_bounds(at_least: int, at_most: int, number: int) -> None:
    turns = [(3.0, place % 3) for place in range(24)]
    _, found, _ = _found(turns, at_least=at_least, at_most=at_most)
    assert len(found) == number


@given(st.integers(1, 40), st.integers(1, 4))
@settings(max_examples=30)
def test_at_most_holds_for_any_length(tenths: int, at_most: int) -> None:
    _, found, _ = _found([(tenths / 10, 0), (tenths / 10, 1), (tenths / 10, 2)], at_most=at_most)
    assert 1 <= len(found) <= at_most


def test_a_blip_goes_with_its_neighbours() -> None:
    turns = [(4.0, 0), (4.0, 1), (4.0, 0), (0.1, 1), (4.0, 0)]
    speech, _, labels = _found(turns)
    blip = (speech.spans[:, 0] >= 12.0 - 1e-6) & (speech.spans[:, 1] <= 12.1 + 1e-6)
    assert blip.any()
    assert set(labels[blip]) == {labels[0]}


def test_the_second_of_two_at_once_is_the_nearest_other() -> None:
    speech = voices.cells(_activity([(2.0, 1), (0.4, 2), (2.0, 1), (2.0, 1), (0.4, 2), (1.0, 1)]))
    owner = np.searchsorted([2.4, 4.4], speech.spans.mean(axis=1))
    turns, exclusive = voices.turns(speech, owner)
    spoken = {(turn.speaker, round(turn.span.start, 3), round(turn.span.end, 3)) for turn in turns}
    assert spoken == {
        ("SPEAKER_00", 0.0, 2.4),
        ("SPEAKER_01", 2.0, 4.4),
        ("SPEAKER_01", 6.4, 6.8),
        ("SPEAKER_02", 4.4, 7.8),
    }
    assert all(one.span.end <= other.span.start + 1e-9 for one, other in pairwise(exclusive))
    assert sum(turn.span.duration for turn in exclusive) == pytest.approx(7.8)


def test_one_voice_alone_overlaps_with_nobody() -> None:
    speech = voices.cells(_activity([(1.0, 1), (1.0, 2)]))
    turns, exclusive = voices.turns(speech, np.zeros(len(speech), int))
    assert turns == exclusive
    assert len(turns) == 1
