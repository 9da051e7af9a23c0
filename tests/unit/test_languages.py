import math
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.audio import SAMPLE_RATE
from jobs.languages import LONGEST_PIECE_S, SHORTEST_PIECE_S, divided, smooth_languages, told_apart
from jobs.timeline import Span

LANGUAGES = ("de", "en")
#: Samples are counted, spans are not.
NEAR = 2 / SAMPLE_RATE


def sound(*lengths):
    """Noise of so many seconds again and again, a tenth of a second of silence between."""
    noise = np.random.default_rng(0).normal(0, 0.1, round(sum(lengths) * SAMPLE_RATE)).astype(np.float32)
    at = 0.0
    for length in lengths[:-1]:
        at += length
        noise[round((at - 0.05) * SAMPLE_RATE) : round((at + 0.05) * SAMPLE_RATE)] = 0
    return noise


class Ear:
    """It hears how much of a span is German, and notes what it was asked."""

    def __init__(self, *german, unsure=()):
        self.german, self.unsure, self.asked = german, unsure, []

    def glimpse(self, span):
        unsure = any(span.overlap(part) > 0 for part in self.unsure)
        return self.vote(1 - self.share(span) if unsure else self.share(span))

    def alone(self, span):
        self.asked.append(span)
        return self.vote(self.share(span))

    def share(self, span):
        return sum(span.overlap(part) for part in self.german) / span.duration

    @staticmethod
    def vote(share):
        share = min(max(share, 0.005), 0.995)
        return {"de": share, "en": 1 - share}


def heard(ear, samples, *speech):
    """Where German is spoken, to the tenth of a second, neighbours joined."""
    pieces = told_apart(samples, speech or (Span(0, len(samples) / SAMPLE_RATE),), ear.glimpse, ear.alone)
    runs = [list(run) for _, run in groupby(pieces, key=lambda piece: piece.language)]
    return [(run[0].language, round(run[0].span.start, 1), round(run[-1].span.end, 1)) for run in runs]


@given(st.lists(st.floats(0.3, 9), min_size=1, max_size=6), st.floats(2 * SHORTEST_PIECE_S, 9))
def test_parts_follow_each_other_cover_the_span_and_are_neither_too_long_nor_too_short(lengths, longest):
    samples = sound(*lengths)
    span = Span(0, len(samples) / SAMPLE_RATE)
    parts = divided(samples, span, longest)
    assert (parts[0].start, parts[-1].end) == (span.start, span.end)
    assert all(one.end == other.start for one, other in pairwise(parts))
    assert all(part.duration <= longest for part in parts)
    assert len(parts) == 1 or all(part.duration >= SHORTEST_PIECE_S - NEAR for part in parts)


@given(st.floats(SHORTEST_PIECE_S + 0.1, LONGEST_PIECE_S - 0.3))
def test_a_span_is_divided_where_it_is_quietest(quiet):
    first, _ = divided(sound(quiet, 6.0 - quiet), Span(0, 6), LONGEST_PIECE_S)
    assert first.end == pytest.approx(quiet, abs=0.03)


def test_speech_without_any_sound_is_divided_all_the_same():
    parts = divided(np.zeros(20 * SAMPLE_RATE, np.float32), Span(0, 20), LONGEST_PIECE_S)
    assert sum(part.duration for part in parts) == pytest.approx(20)


def test_two_languages_in_one_breath_are_told_apart():
    samples = sound(4.0, 3.0, 4.0)
    assert heard(Ear(Span(0, 4), Span(7, 11)), samples) == [("de", 0.0, 4.0), ("en", 4.0, 7.0), ("de", 7.0, 11.0)]


def test_a_change_within_a_piece_is_found_by_halving_it():
    samples = sound(6.0, 2.1, 2.1, 6.0)
    speech = (Span(0, 6), Span(6, 10.2), Span(10.2, 16.2))
    assert heard(Ear(Span(0, 6), Span(6, 8.1)), samples, *speech) == [("de", 0.0, 8.1), ("en", 8.1, 16.2)]


def test_only_what_seems_to_be_in_another_language_is_heard_alone_as_well():
    speech = tuple(Span(start, start + 3.0) for start in range(0, 30, 3))
    ear = Ear(*speech, unsure=speech[4:5])
    assert heard(ear, sound(*[3.0] * 10), *speech) == [("de", 0.0, 30.0)]
    assert [span for span in ear.asked if span in speech] == [speech[4]]


@pytest.mark.parametrize(
    ("length", "known", "contested"), [(1.3, 1.0, True), (1.1, 1.0, False), (1.3, 0.5, False)],
    ids=["contested", "too short", "like neither language"],
)  # fmt: skip
def test_a_piece_that_sounds_unlike_its_neighbours_is_contested(length, known, contested):
    other = Span(4, 4 + length)
    speech = (Span(0, 4), other, Span(other.end, other.end + 4))

    def vote(span):
        return {"de": 0.1 * known, "en": 0.9 * known} if span == other else {"de": 0.9, "en": 0.1}

    pieces = told_apart(sound(4.0, length, 4.0), speech, vote, vote)
    assert [piece.language for piece in pieces] == ["de"] * 3
    assert [piece.contested for piece in pieces] == [False, contested, False]


def test_where_nobody_speaks_nothing_is_asked():
    ear = Ear()
    assert told_apart(np.zeros(SAMPLE_RATE, np.float32), (), ear.glimpse, ear.alone) == ()
    assert ear.asked == []


votes = st.floats(0.5, 1, exclude_min=True)
durations = st.floats(0.1, 28)


@given(st.lists(st.tuples(votes, durations), max_size=20), st.sampled_from(LANGUAGES))
def test_votes_that_agree_are_never_changed(ballots, winner):
    loser = "en" if winner == "de" else "de"
    cast = [{winner: share, loser: 1 - share} for share, _ in ballots]
    assert smooth_languages(cast, [seconds for _, seconds in ballots]) == (winner,) * len(ballots)


@given(st.lists(st.tuples(st.floats(0, 1), durations, st.floats(0.01, 1)), min_size=1, max_size=9))
def test_the_path_is_the_likeliest_of_all(rows):
    """Against every path there is: its votes, weighted by length and by what is known, and 0.1 for each change."""
    ballots = [(share, seconds) for share, seconds, _ in rows]
    cast = [{"de": share * known, "en": (1 - share) * known} for share, _, known in rows]

    def likelihood(path):
        voted = sum(
            min(1.0, seconds, sum(vote.values())) * math.log(max(vote[language] / sum(vote.values()), 1e-3))
            for vote, (_, seconds), language in zip(cast, ballots, path, strict=True)
        )
        return voted + math.log(0.1) * sum(one != other for one, other in pairwise(path))

    every = [tuple(LANGUAGES[number >> i & 1] for i in range(len(ballots))) for number in range(2 ** len(ballots))]
    found = smooth_languages(cast, [seconds for _, seconds in ballots])
    assert likelihood(found) == pytest.approx(max(map(likelihood, every)))


ENGLISH, GERMAN = {"de": 0.005, "en": 0.995}, {"de": 0.998, "en": 0.002}


def test_a_clear_sentence_in_another_language_stands_even_if_it_is_short():
    found = smooth_languages([ENGLISH, ENGLISH, GERMAN, ENGLISH], [12.0, 5.0, 1.5, 9.0])
    assert found == ("en", "en", "de", "en")


def test_a_vote_for_hardly_anything_is_overruled_by_its_neighbours():
    faint = {language: share * 0.4 for language, share in GERMAN.items()}
    assert smooth_languages([ENGLISH, faint, ENGLISH], [12.0, 4.0, 9.0]) == ("en",) * 3


def test_a_very_short_or_unsure_vote_is_overruled_by_its_neighbours():
    assert smooth_languages([ENGLISH, GERMAN, ENGLISH], [12.0, 0.5, 9.0]) == ("en",) * 3
    assert smooth_languages([ENGLISH, {"de": 0.9, "en": 0.1}, ENGLISH], [12.0, 4.0, 9.0]) == ("en",) * 3
