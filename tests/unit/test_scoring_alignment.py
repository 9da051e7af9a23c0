import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.scoring.alignment import UNIT_WORDS, align, basic_spots, by_segment, spots
from jobs.scoring.measure import Errors
from jobs.scoring.reference import Segment

#: None of them is a numeral, a unit, a filler or another's spelling.
_WORDS = ("anker", "birne", "campus", "distel")
_TEXTS = st.lists(st.lists(st.sampled_from(_WORDS), max_size=30).map(" ".join), max_size=6)


def segments(texts):
    return tuple(map(Segment, texts))


@given(_TEXTS, _TEXTS)
def test_the_word_error_rate_is_that_of_jiwer(said, heard):
    total = align(segments(said), segments(heard)).measure.total
    words = " ".join(said).split()
    if not words:
        assert (total.added, total.of) == (len(" ".join(heard).split()), 0)
        assert total.rate is None
        return
    oracle = jiwer.process_words(" ".join(words), " ".join(heard))
    assert total.count == oracle.insertions + oracle.deletions + oracle.substitutions
    assert total.of == len(words)
    assert total.rate == pytest.approx(oracle.wer)


@given(_TEXTS, _TEXTS)
def test_every_word_has_its_place_once_and_in_order(said, heard):
    aligned = align(segments(said), segments(heard))
    assert [step.said for step in aligned.steps if step.said is not None] == list(range(len(aligned.said)))
    assert [step.heard for step in aligned.steps if step.heard is not None] == list(range(len(aligned.heard)))
    for step in aligned.steps:
        both = step.said is not None and step.heard is not None
        assert step.matched == (both and aligned.said[step.said].text == aligned.heard[step.heard].text)


@given(_TEXTS, _TEXTS)
def test_parts_of_the_text_add_up_to_all_of_it(said, heard):
    aligned = align(segments(said), segments(heard))
    assert sum((step.errors for step in aligned.steps), Errors()) == aligned.measure.total
    for (segment, piece), errors in aligned.by_place.items():
        if said and said[segment].split():
            assert errors.of == min(UNIT_WORDS, len(said[segment].split()) - piece * UNIT_WORDS)


@given(_TEXTS)
def test_what_is_heard_as_it_was_said_has_no_errors(said):
    assert align(segments(said), segments([" ".join(said).upper()])).measure.total.count == 0


def test_errors_belong_to_the_segment_that_they_stand_in():
    aligned = align(segments(["Anker Birne", "Campus Distel"]), segments(["so Anker Birne und Campus"]))
    assert aligned.by_place == {(0, 0): Errors(added=2, of=2), (1, 0): Errors(missed=1, of=2)}


def test_words_with_times_are_read_as_words_without():
    (segment,) = segments(["am 3. Mai um 20.15 Uhr"])
    assert [spot.text for spot in spots([segment])] == ["am", "3", "mai", "um", "20", "uhr", "15"]
    assert [spot.text for spot in basic_spots([segment])] == ["am", "3", "mai", "um", "20", "15", "uhr"]
    assert list(by_segment(spots([Segment(""), segment, Segment("so")]))) == [(1, range(7)), (2, range(7, 8))]
