from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.align import MAX_GAP_S, MAX_PAUSE_S, assign_speakers, utterances
from jobs.timeline import Span
from jobs.transcribe import Segment
from jobs.transcript import Turn, Word

FIXTURES = Path(__file__).parents[1] / "fixtures"
SPEAKERS = ("SPEAKER_00", "SPEAKER_01", "SPEAKER_02")

#: Times on a grid of 10 ms, so that borders often coincide.
ticks = st.integers(0, 300)


@st.composite
def words_in_order(draw):
    starts = sorted(draw(st.lists(ticks, max_size=25)))
    texts = st.sampled_from(["ja", "Nein.", "Haus,", "um", "3.", "Mai", "Wirklich?"])
    return tuple(
        Word(draw(texts), Span(start / 10, (start + draw(st.integers(0, 12))) / 10), draw(st.floats(0, 1)))
        for start in starts
    )


@st.composite
def exclusive_turns(draw):
    borders = sorted(draw(st.lists(ticks, max_size=16, unique=True)))
    return tuple(
        Turn(Span(start / 10, end / 10), draw(st.sampled_from(SPEAKERS)))
        for start, end in pairwise(borders)
        if draw(st.booleans())
    )


@st.composite
def segments_of_words(draw):
    words = draw(words_in_order())
    cuts = sorted({0, len(words), *draw(st.lists(st.integers(0, len(words)), max_size=4))})
    return tuple(
        Segment(words[start:end], draw(st.sampled_from(["de", "en"])), -0.2, 1.2, 0.0) for start, end in pairwise(cuts)
    )


def said(segments):
    return [word for segment in segments for word in segment.words]


@given(words_in_order(), exclusive_turns())
def test_every_word_stays_where_and_what_it_was(words, turns):
    assigned = assign_speakers(words, turns)
    assert tuple(replace(word, speaker=None) for word in assigned) == words


@given(words_in_order(), exclusive_turns())
def test_a_word_goes_to_whoever_covers_most_of_it_else_to_the_nearest(words, turns):
    for word in assign_speakers(words, turns):
        covered = defaultdict(float)
        for turn in turns:
            covered[turn.speaker] += turn.span.overlap(word.span)
        most = max(covered.values(), default=0.0)
        near = {turn.speaker for turn in turns if turn.span.gap(word.span) <= MAX_GAP_S}
        distance = min((turn.span.gap(word.span) for turn in turns), default=None)
        if most > 0:
            assert covered[word.speaker] == pytest.approx(most)
        elif near:
            nearest = {t.speaker for t in turns if t.span.gap(word.span) == pytest.approx(distance)}
            assert word.speaker in nearest
        else:
            assert word.speaker is None


@given(words_in_order(), exclusive_turns())
def test_a_word_inside_one_turn_is_that_speakers(words, turns):
    for word in assign_speakers(words, turns):
        for turn in turns:
            if turn.span.start < word.span.start and word.span.end < turn.span.end:
                assert word.speaker == turn.speaker


@given(segments_of_words(), exclusive_turns())
def test_no_word_is_lost_doubled_or_moved(segments, turns):
    spoken = [word for utterance in utterances(segments, turns) for word in utterance.words]
    assert [replace(word, speaker=None) for word in spoken] == said(segments)


@given(segments_of_words(), exclusive_turns())
def test_an_utterance_has_one_speaker_one_language_and_words(segments, turns):
    found = utterances(segments, turns)
    languages = iter([segment.language for segment in segments for _ in segment.words])
    for utterance in found:
        assert utterance.words
        assert {word.speaker for word in utterance.words} == {utterance.speaker}
        assert {next(languages) for _ in utterance.words} == {utterance.language}
        assert all(one.span.gap(other.span) <= MAX_PAUSE_S for one, other in pairwise(utterance.words))


@given(segments_of_words(), exclusive_turns())
def test_utterances_are_numbered_in_order(segments, turns):
    found = utterances(segments, turns)
    assert [utterance.id for utterance in found] == [f"u{number:04}" for number in range(1, len(found) + 1)]
    assert all(one.span.start <= other.span.start for one, other in pairwise(found))


@given(segments_of_words())
def test_without_turns_nobody_is_named(segments):
    assert all(utterance.speaker is None for utterance in utterances(segments, ()))


def reference(name):
    """A fixture's lines as words spread over their turns, and the turns of its RTTM."""
    turns, words = [], []
    rows = (FIXTURES / f"{name}.rttm").read_text().splitlines()
    lines = (FIXTURES / f"{name}.txt").read_text().splitlines()
    for row, line in zip(rows, lines, strict=True):
        _, _, _, start, duration, *_, speaker, _, _ = row.split()
        span = Span(float(start), float(start) + float(duration))
        turns.append(Turn(span, speaker))
        texts = line.split()
        pace = span.duration / sum(len(text) + 1 for text in texts)
        at = span.start
        for text in texts:
            words.append(Word(text, Span(at, at + len(text) * pace), 0.9))
            at += (len(text) + 1) * pace
    return tuple(turns), tuple(words), [line for line in lines for _ in line.split()]


@pytest.mark.parametrize("name", ["gespraech", "einzel", "zwiegespraech", "zweisprachig"])
def test_every_word_of_a_reference_goes_to_the_voice_that_says_it(name):
    turns, words, lines = reference(name)
    who = dict(zip((FIXTURES / f"{name}.txt").read_text().splitlines(), (t.speaker for t in turns), strict=True))
    found = assign_speakers(words, turns)
    assert [word.speaker for word in found] == [who[line] for line in lines]


@pytest.mark.parametrize(("late", "least"), [(-0.3, 0.93), (-0.1, 0.99), (0.1, 0.99), (0.3, 0.93)])
def test_turn_borders_that_are_a_little_off_cost_few_words(late, least):
    turns, words, _ = reference("gespraech")
    right = [word.speaker for word in assign_speakers(words, turns)]
    moved = [replace(turn, span=turn.span.shift(late)) for turn in turns]
    found = [word.speaker for word in assign_speakers(words, moved)]
    assert sum(one == other for one, other in zip(found, right, strict=True)) >= least * len(right)


def spaced(*said):
    """Words of 0.2 s, each given with the pause before it, and turns that change 0.02 s before the word named "|"."""
    at, words, change = 0.0, [], 0.0
    for pause, text in said:
        if text.startswith("|"):
            change = at + pause - 0.02 if pause else at
        at += pause
        words.append(Word(text.lstrip("|"), Span(round(at, 3), round(at + 0.2, 3)), 0.9))
        at += 0.2
    turns = (Turn(Span(0.0, change), SPEAKERS[0]), Turn(Span(change, at), SPEAKERS[1]))
    return [u.text for u in utterances((Segment(tuple(words), "de", -0.2, 1.2, 0.0),), turns)]


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        # Late by a word: the pause stands out.
        (((0, "und"), (0.05, "dann"), (0.4, "aber"), (0.05, "|nicht"), (0.05, "so")), ["und dann", "aber nicht so"]),
        # Early by a word.
        (((0, "und"), (0.05, "dann"), (0.05, "|noch"), (0.4, "aber"), (0.05, "so")), ["und dann noch", "aber so"]),
        # Too short a pause, and one that is nothing special.
        (((0, "und"), (0.05, "dann"), (0.25, "aber"), (0.05, "|nicht"), (0.05, "so")), ["und dann aber", "nicht so"]),
        (((0, "und"), (0.05, "dann"), (0.4, "aber"), (0.25, "|nicht"), (0.05, "so")), ["und dann aber", "nicht so"]),
        # A sentence border in reach counts for more.
        (((0, "und"), (0.05, "dann"), (0.4, "aus."), (0.05, "Nicht"), (0.02, "|so")), ["und dann aus.", "Nicht so"]),
        # Out of reach.
        (((0, "und"), (0.4, "dann"), (0.05, "aber"), (0.05, "|nicht"), (0.05, "so")), ["und dann aber", "nicht so"]),
    ],
)  # fmt: skip
def test_a_change_of_speaker_within_a_sentence_moves_to_the_pause_beside_it(said, parts):
    assert spaced(*said) == parts


def test_the_demonstration_breaks_into_its_sentences():
    turns, words, lines = reference("gespraech")
    found = utterances((Segment(words, "de", -0.2, 1.2, 0.0),), turns)
    whole = {line for line in lines if line[:-1].count(".") + line[:-1].count("?") == 0}
    assert whole <= {utterance.text for utterance in found}
    assert "Das hat uns in zehn Jahren die Hälfte unserer Leser gekostet." in {u.text for u in found}


def test_hours_of_words_and_turns_take_no_more_looks_than_there_are_neighbours(monkeypatch):
    """A day on stage: what is looked at grows with its length, not with the square of it."""
    looks = 0
    gap = Span.gap

    def counted(one, other):
        nonlocal looks
        looks += 1
        return gap(one, other)

    monkeypatch.setattr(Span, "gap", counted)
    turns = tuple(Turn(Span(4.0 * place, 4.0 * place + 3.0), SPEAKERS[place % 3]) for place in range(2000))
    words = tuple(Word("ja", Span(0.5 * place, 0.5 * place + 0.3), 0.9) for place in range(16_000))
    found = utterances((Segment(words, "de", -0.2, 1.2, 0.0),), turns)
    assert sum(len(utterance.words) for utterance in found) == len(words)
    assert looks <= 8 * len(words)
