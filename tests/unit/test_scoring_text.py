"""What words, times and marks tell by themselves: names, word times, inventions, doubt, languages, chapters."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.scoring.alignment import align, spots
from jobs.scoring.chapters import NEAR_S, chapter_errors
from jobs.scoring.doubts import doubt, doubt_cost, invented, merged
from jobs.scoring.languages import language_errors
from jobs.scoring.measure import Errors
from jobs.scoring.names import name_errors
from jobs.scoring.reference import Hypothesis, Reference, Segment
from jobs.scoring.scores import Scores, text_scores
from jobs.scoring.word_times import time_errors
from jobs.timeline import Span
from jobs.transcript import Turn, Word

_SPANS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 9)).map(lambda pair: Span(pair[0], pair[0] + pair[1])), max_size=9
)


def timed(text, start, **known):
    """A segment with a word a second."""
    words = tuple(Word(one, Span(start + n, start + n + 0.8), 1.0) for n, one in enumerate(text.split()))
    return Segment(text, Span(start, start + len(words)), words=words, **known)


# Names


@pytest.mark.parametrize(
    ("said", "heard", "wrong", "mentions"),
    [
        ("Heute spricht Anna Lindner", "Heute spricht Anna Lindner", 0, 1),
        ("Heute spricht Anna Lindner", "Heute spricht Hanna Lindner", 1, 1),
        ("Frau Lindner und Herr Brandt", "Frau Lindner und Herr Brand", 1, 2),
        ("Lindners Buch", "Lindner Buch", 0, 1),
        ("Lindner Buch", "Lindners Buch", 0, 1),
        ("beim Elbkurier", "beim Elb Kurier", 1, 1),
        ("beim ELBKURIER", "beim Elbkurier", 0, 1),
        # It stands there, but not where it is said.
        ("Lindner sagt das und Brandt hört zu", "Brandt sagt das und Lindner hört zu", 2, 2),
        ("Die Zeit schreibt", "die Zeit schreibt", 0, 1),
    ],
)
def test_a_name_is_right_where_it_is_said(said, heard, wrong, mentions):
    aligned = align([Segment(said)], [Segment(heard)])
    found = name_errors(aligned, ("Anna Lindner", "Jonas Brandt", "Elbkurier", "Die Zeit"))
    assert (found.total.confused, found.total.of) == (wrong, mentions)


def test_everyday_words_of_a_name_are_no_mentions():
    aligned = align([Segment("Die Leute haben keine Zeit")], [Segment("")])
    assert name_errors(aligned, ("Die Zeit",)) is None
    assert name_errors(aligned, ()) is None


# Word times


def test_times_of_words_are_compared_where_both_have_them():
    said, heard = timed("hund maus katze", 1.0), timed("hund tasse vogel katze", 1.25)
    assert time_errors(align([said], [heard]), [said], [heard]) == pytest.approx((0.25, 0.25, 1.25, 1.25))


def test_a_segment_knows_its_first_start_and_its_last_end():
    said, heard = Segment("hund katze maus", Span(0.5, 4.5)), timed("hund katze maus", 1.0)
    assert time_errors(align([said], [heard]), [said], [heard]) == pytest.approx((0.5, 0.7))


def test_a_filler_at_the_edge_hides_when_the_first_word_begins():
    said, heard = Segment("Äh hund katze", Span(0.0, 4.0)), timed("hund katze", 1.0)
    assert time_errors(align([said], [heard]), [said], [heard]) == pytest.approx((1.2,))


def test_without_times_nothing_is_off():
    said, heard = Segment("hund"), timed("hund", 0.0)
    assert time_errors(align([said], [heard]), [said], [heard]) is None
    assert time_errors(align([heard], [said]), [heard], [said]) is None


# Inventions


def counted(hypothesis, speech):
    everything, unmarked = invented(speech, hypothesis)
    return everything.total.added, unmarked.total.added, everything.total.of


def test_all_words_on_silence_are_invented():
    hypothesis = Hypothesis((timed("Vielen Dank", 1.0, doubtful=True), Segment("Untertitel des ZDF")))
    assert counted(hypothesis, ()) == (5, 3, 5)


def test_words_far_from_speech_are_invented():
    hypothesis = Hypothesis((timed("da ist hund katze maus", 0.0), timed("ende", 20.0, doubtful=True)))
    # Speech ends at 2 s; within half a second of it words may stand.
    assert counted(hypothesis, (Span(0.0, 1.5), Span(1.0, 2.0))) == (3, 2, 6)


def test_words_without_a_time_may_be_speech():
    assert counted(Hypothesis((Segment("hund katze"),)), (Span(0, 1),)) == (0, 0, 2)


@given(_SPANS)
def test_merged_spans_cover_the_same_and_never_touch(spans):
    joined = merged(spans)
    covered, still = ({at for at in range(60) if any(span.start <= at < span.end for span in some)}
                      for some in (spans, joined))  # fmt: skip
    assert covered == still
    assert all(one.end < other.start for one, other in pairwise(joined))


# Doubt


def test_doubt_is_deserved_by_wrong_words():
    said = (Segment("hund katze maus vogel"),)
    heard = (Segment("hund katze"), Segment("tasse vogel", doubtful=True), Segment("untertitel von amara"))
    undeserved, missing = doubt(align(said, heard), None, Hypothesis(heard))
    assert undeserved.units == (Errors(of=1),)
    assert missing.units == (Errors(of=1), Errors(missed=1, of=1))


def test_doubt_is_deserved_in_labelled_passages():
    heard = (timed("hund katze", 0.0, doubtful=True), timed("maus vogel", 10.0), timed("ende gut", 20.0))
    undeserved, missing = doubt(None, (Span(9, 11), Span(10.5, 13), Span(21, 30)), Hypothesis(heard))
    assert undeserved.units == (Errors(confused=1, of=1),)
    assert missing.units == (Errors(missed=1, of=1),) * 2


def test_doubt_of_right_words_has_its_cost():
    said, heard = (Segment("hund katze maus"),), (Segment("hund katze", doubtful=True), Segment("maus"))
    assert doubt_cost(align(said, heard), heard).total == Errors(confused=2, of=3)


# Languages


def test_an_utterance_is_in_the_language_spoken_during_most_of_it():
    said = (Segment("x", Span(0, 4), language="de"), Segment("y", Span(4, 10), language="en"))
    heard = (
        Segment("x", Span(0, 5), language="de"), Segment("y", Span(5, 8), language="de"),
        Segment("y", Span(8, 12), language="en"), Segment("z", Span(12, 14), language="fr"), Segment("z", Span(0, 9)),
    )  # fmt: skip
    utterances, seconds = language_errors(said, heard)
    assert utterances.total == Errors(confused=1, of=3)
    assert (seconds.total.confused, seconds.total.of) == (1 + 3, 5 + 3 + 2)


def test_without_languages_or_times_none_is_wrong():
    here = (Segment("x", Span(0, 4), language="de"),)
    for other in ((Segment("x", Span(0, 4)),), (Segment("x", language="de"),), ()):
        assert language_errors(here, other) is None
        assert language_errors(other, here) is None


# Chapters


@pytest.mark.parametrize(
    ("there", "found", "missed", "extra"),
    [
        ([0, 100, 200], [0, 100, 200], 0, 0),
        ([0, 100, 200], [20, 80, 220.5], 1, 1),
        ([100], [90, 110], 0, 1),
        ([90, 110], [100], 1, 0),
        ([10, 40], [25, 55], 0, 0),
        ([], [5], 0, 1),
        ([5], [], 1, 0),
    ],
)
def test_a_chapter_is_found_once(there, found, missed, extra):
    lost, more = chapter_errors(there, found)
    assert (lost.total.missed, lost.total.of) == (missed, len(there))
    assert (more.total.added, more.total.of) == (extra, len(found))


@given(st.lists(st.integers(0, 200), max_size=5), st.lists(st.integers(0, 200), max_size=5))
def test_as_many_chapters_are_found_as_can_be(there, found):
    def most(left, right):
        """By trying every pairing."""
        if not left:
            return 0
        here, rest = left[0], left[1:]
        options = [
            1 + most(rest, right[:n] + right[n + 1 :]) for n, one in enumerate(right) if abs(one - here) <= NEAR_S
        ]
        return max([most(rest, right), *options])

    lost, more = chapter_errors(there, found)
    assert len(there) - lost.total.missed == most(there, found) == len(found) - more.total.added


# All together


def test_what_is_not_known_is_not_scored():
    heard = Hypothesis((timed("hund", 0.0, language="de"),), (Turn(Span(0, 1), "A"),), (0.0,))
    assert text_scores(Reference(None), heard) == Scores()
    only_turns = text_scores(Reference(None, (Turn(Span(0, 1), "A"),)), heard)
    assert {name for name in Scores.__slots__ if getattr(only_turns, name) is not None} == {
        "invented", "invented_unmarked"
    }  # fmt: skip


def test_a_silent_recording_has_inventions_and_no_word_error_rate():
    found = text_scores(Reference(()), Hypothesis((timed("Vielen Dank", 0.0, doubtful=True),)))
    assert found.wer is None
    assert found.invented.total.added == 2
    assert found.invented_unmarked.total.added == 0
    assert found.doubt_recall.units == (Errors(of=1),)


def test_a_perfect_transcript_has_no_errors():
    said = (timed("guten tag", 0.0, speaker="A", language="de"), timed("good morning", 3.0, speaker="B", language="en"))
    turns = tuple(Turn(one.span, one.speaker) for one in said)
    found = text_scores(Reference(said, turns, ("Tag",), (0.0,)), Hypothesis(said, turns, (0.0,)))
    for name in (
        "wer",
        "wer_basic",
        "names",
        "languages",
        "language_time",
        "invented",
        "doubt_cost",
        "chapters_missed",
    ):
        assert getattr(found, name).rate == 0
    assert set(found.word_times) == {0.0}
    assert spots(said)[0].text == "guten"
