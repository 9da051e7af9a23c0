"""Scores of speakers, beside the tools that they are taken from and beside what can be worked out by hand."""

import sys
from itertools import pairwise, permutations

import meeteval
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import SetupError
from jobs.scoring.alignment import align
from jobs.scoring.measure import Errors
from jobs.scoring.reference import Hypothesis, Reference, Segment
from jobs.timeline import Span
from jobs.transcript import Turn
from worker.scoring.scores import scores

_WORDS = ("anker", "birne", "campus", "distel")


def said(speaker, start, end, text):
    return Segment(text, Span(start, end), speaker)


def talk(speakers):
    """Segments one after the other, each of one of the speakers."""
    lines = st.tuples(
        st.sampled_from(speakers),
        st.lists(st.sampled_from(_WORDS), min_size=1, max_size=5).map(" ".join),
        st.integers(1, 4),
    )

    def in_a_row(rows):
        ends = [0]
        for _, _, length in rows:
            ends.append(ends[-1] + length)
        return tuple(said(speaker, *ends[n : n + 2], text) for n, (speaker, text, _) in enumerate(rows))

    return st.lists(lines, min_size=1, max_size=7).map(in_a_row)


def turns_of(segments):
    return tuple(Turn(one.span, one.speaker) for one in segments)


def stm(segments):
    lines = (f"it 1 {one.speaker} {one.span.start} {one.span.end} {one.text}" for one in segments)
    return meeteval.io.STM.parse("\n".join(lines))


@given(talk("ABC"), talk("xyz"))
def test_cpwer_and_tcpwer_are_those_of_meeteval(reference, hypothesis):
    found = scores(Reference(reference), Hypothesis(hypothesis))
    cpwer = meeteval.wer.cpwer(stm(reference), stm(hypothesis))["it"]
    tcpwer = meeteval.wer.tcpwer(stm(reference), stm(hypothesis), collar=5)["it"]
    assert (found.cpwer.total.count, found.cpwer.total.of) == (cpwer.errors, cpwer.length)
    assert (found.tcpwer.total.count, found.tcpwer.total.of) == (tcpwer.errors, tcpwer.length)


@given(talk("AB"), talk("xy"))
def test_cpwer_is_the_best_way_to_say_who_is_who(reference, hypothesis):
    def errors(names):
        renamed = dict(zip("xy", names, strict=True))
        return sum(
            align(
                [one for one in reference if one.speaker == name],
                [one for one in hypothesis if renamed[one.speaker] == name],
            ).measure.total.count
            for name in "AB"
        )

    assert scores(Reference(reference), Hypothesis(hypothesis)).cpwer.total.count == min(
        map(errors, permutations("AB"))
    )


@given(talk("ABC"), talk("wxyz"))
def test_wer_and_cpwer_hold_the_same_units(reference, hypothesis):
    found = scores(Reference(reference), Hypothesis(hypothesis))
    assert [unit.of for unit in found.cpwer.units] == [unit.of for unit in found.wer.units]


def test_a_word_of_the_wrong_speaker_is_missed_in_one_place_and_added_in_another():
    reference = (said("A", 0, 2, "anker birne"), said("B", 2, 4, "campus distel"))
    hypothesis = (said("x", 0, 3, "anker birne campus"), said("y", 3, 4, "distel"))
    found = scores(Reference(reference), Hypothesis(hypothesis))
    assert found.wer.rate == 0
    assert found.cpwer.units == (Errors(added=1, of=2), Errors(missed=1, of=2))


def test_words_of_nobody_are_those_of_a_speaker_too_many():
    reference = (said("A", 0, 2, "anker birne"),)
    hypothesis = (said("x", 0, 1, "anker"), said(None, 1, 2, "birne"))
    assert scores(Reference(reference), Hypothesis(hypothesis)).cpwer.total == Errors(added=1, missed=1, of=2)


def test_a_word_at_another_time_is_no_hit():
    reference, hypothesis = (said("A", 0, 1, "anker"),), (said("x", 30, 31, "anker"),)
    found = scores(Reference(reference), Hypothesis(hypothesis))
    assert (found.cpwer.rate, found.tcpwer.rate) == (0, 2)


def test_numbers_cost_nothing_here_either():
    reference, hypothesis = (said("A", 0, 3, "vierzig Prozent"),), (said("x", 0, 3, "40 %"),)
    found = scores(Reference(reference), Hypothesis(hypothesis))
    assert (found.cpwer.rate, found.tcpwer.rate) == (0, 0)


def test_nobody_heard_is_all_missed():
    reference = (said("A", 0, 2, "anker birne"), said("B", 2, 4, "campus"))
    found = scores(Reference(reference, turns_of(reference)), Hypothesis((), ()))
    assert (found.cpwer.total, found.tcpwer.total) == (Errors(missed=3, of=3),) * 2
    assert found.der.total == Errors(missed=pytest.approx(3), of=pytest.approx(3))  # without collars
    assert found.jer.rate == 1


def test_without_speakers_or_times_only_words_are_scored():
    timeless = scores(Reference((Segment("anker", None, "A"),)), Hypothesis((Segment("anker", None, "x"),)))
    assert (timeless.wer.rate, timeless.cpwer.rate, timeless.tcpwer) == (0, 0, None)
    nameless = scores(Reference((Segment("anker"),)), Hypothesis((Segment("anker", None, "x"),), ()))
    assert (nameless.wer.rate, nameless.cpwer, nameless.der, nameless.jer) == (0, None, None, None)


def test_a_crowd_of_speakers_is_left_to_the_words():
    crowd = tuple(said(f"S{n}", n, n + 1, "anker") for n in range(25))
    found = scores(Reference(crowd), Hypothesis(crowd))
    assert (found.wer.rate, found.cpwer) == (0, None)


@pytest.mark.parametrize("collar", [0, 0.25, 1])
def test_a_border_off_by_less_than_the_collar_is_no_error(collar):
    reference = (Turn(Span(0, 20), "A"), Turn(Span(20, 40), "B"))
    hypothesis = (Turn(Span(0, 20.5), "B"), Turn(Span(20.5, 40), "C"))
    der = scores(Reference(None, reference), Hypothesis((), hypothesis), collar=collar).der.total
    assert der.confused == pytest.approx(max(0, 0.5 - collar))
    assert der.of == pytest.approx(40 - 4 * collar)
    assert (der.added, der.missed) == (0, 0)


def test_kinds_of_diarization_errors_are_told_apart():
    reference = (Turn(Span(0, 10), "A"), Turn(Span(8, 12), "B"))
    hypothesis = (Turn(Span(0, 10), "x"), Turn(Span(12, 15), "y"))
    der = scores(Reference(None, reference), Hypothesis((), hypothesis), collar=0).der.total
    assert der == Errors(added=pytest.approx(3), missed=pytest.approx(4), confused=0, of=pytest.approx(14))


@given(talk("ABC"), talk("wxyz"), st.sampled_from([0.0, 0.25]))
def test_stretches_of_time_add_up_to_the_rate_of_the_whole(reference, hypothesis, collar):
    from pyannote.core import Annotation, Segment as Stretch, Timeline  # noqa: I001, PLC0415
    from pyannote.metrics.diarization import DiarizationErrorRate  # noqa: PLC0415

    sides = []
    for segments in (reference, hypothesis):
        sides.append(Annotation())
        for place, one in enumerate(segments):
            sides[-1][Stretch(one.span.start, one.span.end), place] = one.speaker
    whole = DiarizationErrorRate(collar=2 * collar)(*sides, uem=Timeline([Stretch(0, 99)]), detailed=True)
    found = scores(Reference(None, turns_of(reference)), Hypothesis((), turns_of(hypothesis)), collar=collar).der.total
    assert found.of == pytest.approx(whole["total"])
    kinds = (found.added, found.missed, found.confused)
    assert kinds == pytest.approx((whole["false alarm"], whole["missed detection"], whole["confusion"]))


def test_hours_are_drawn_in_a_hundred_stretches():
    turns = tuple(Turn(Span(*ends), "AB"[n % 2]) for n, ends in enumerate(pairwise(range(0, 7200, 30))))
    found = scores(Reference(None, turns), Hypothesis((), turns))
    assert (len(found.der.units), found.der.rate) == (100, 0)


def test_labels_that_both_sides_use_mean_nothing():
    reference = (Turn(Span(0, 10), "A"), Turn(Span(10, 30), "B"))
    hypothesis = (Turn(Span(0, 10), "B"), Turn(Span(10, 30), "A"))
    assert scores(Reference(None, reference), Hypothesis((), hypothesis)).der.rate == 0


def test_without_meeteval_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "meeteval", None)
    reference = (said("A", 0, 1, "anker"),)
    with pytest.raises(SetupError, match=r"nachlese\[evaluate\]"):
        scores(Reference(reference), Hypothesis(reference))
