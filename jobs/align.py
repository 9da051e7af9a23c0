"""Words meet turns: who said each word, and where one utterance ends and the next begins."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from jobs.german import is_sentence_end
from jobs.timeline import Seconds, Span
from jobs.transcribe import Segment
from jobs.transcript import Turn, Utterance, Word

#: A word that no turn touches takes the nearest turn within this distance.
MAX_GAP_S: Seconds = 0.5
#: How far a change of speaker may be moved to meet a sentence border: words, and seconds. Whoever answers quickly is
#: often written into the sentence before: of 17 recordings, one lost eleven points of cpWER to 4 words and 1.5 s.
MAX_SNAP_WORDS = 1
MAX_SNAP_S: Seconds = 0.5
#: Without a sentence border in reach it may be moved to a pause this long, where the others in reach are at most half
#: as long.
MIN_PAUSE_S: Seconds = 0.3
#: A pause that ends an utterance even within a sentence.
MAX_PAUSE_S: Seconds = 2.0


def assign_speakers(words: Sequence[Word], turns: Sequence[Turn]) -> tuple[Word, ...]:
    """Give each word the speaker whose turns cover most of it.

    `turns` are exclusive and in time order. A word that no turn touches takes the nearest turn within `MAX_GAP_S`,
    else it keeps `speaker=None`: an editor decides, we don't guess. Every word keeps its place, text and times.
    """
    row = _Row(turns)
    return tuple(replace(word, speaker=_speaker(word, row)) for word in words)


class _Row:
    """Exclusive turns in time order, where those near a span are found without a look at the others."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        # Exclusive turns end in the order they start.
        self._ends = [turn.span.end for turn in turns]

    def near(self, span: Span, reach: Seconds) -> Iterator[Turn]:
        """The turns that are at most `reach` away, in time order."""
        for place in range(bisect_left(self._ends, span.start - reach), len(self._turns)):
            if self._turns[place].span.start > span.end + reach:
                return
            yield self._turns[place]


def _speaker(word: Word, row: _Row) -> str | None:
    covered: dict[str, Seconds] = {}
    nearest: tuple[Seconds, str] | None = None
    for turn in row.near(word.span, MAX_GAP_S):
        covered[turn.speaker] = covered.get(turn.speaker, 0.0) + turn.span.overlap(word.span)
        distance = turn.span.gap(word.span)
        if nearest is None or distance < nearest[0]:
            nearest = (distance, turn.speaker)
    if covered and max(covered.values()) > 0:
        return max(covered, key=covered.__getitem__)
    return nearest[1] if nearest is not None and nearest[0] <= MAX_GAP_S else None


def snapped(words: Sequence[Word]) -> tuple[Word, ...]:
    """Move a change of speaker to the sentence border beside it, else to a pause, if there is one within a few words.

    A diarizer is right about who talks, but a little early or late about when; people mostly hand over where a sentence
    ends, or take a breath. Interjections stay: both sides must keep more words than are moved.
    """
    told = list(words)
    plain = [replace(word, speaker=None) for word in words]
    for index in range(len(told) - 1):
        if told[index].speaker == told[index + 1].speaker or is_sentence_end(plain, index):
            continue
        target = next((at for at in _targets(plain, index) if at != index and _may_move(told, index, at)), index)
        if target != index:
            first, last = min(index, target) + 1, max(index, target)
            speaker = told[index].speaker if target > index else told[index + 1].speaker
            told[first : last + 1] = [replace(word, speaker=speaker) for word in told[first : last + 1]]
    return tuple(told)


def _targets(words: Sequence[Word], index: int) -> list[int]:
    """Where a change of speaker after `words[index]` may belong: sentence ends, the nearest first, or else a pause."""
    near = range(max(0, index - MAX_SNAP_WORDS), min(len(words) - 1, index + MAX_SNAP_WORDS + 1))
    ends = sorted((at for at in near if is_sentence_end(words, at)), key=lambda at: abs(at - index))
    pauses = sorted(((words[at].span.gap(words[at + 1].span), at) for at in near), reverse=True)
    longest, others = pauses[0], pauses[1:]
    stands_out = longest[0] >= MIN_PAUSE_S and all(pause <= longest[0] / 2 for pause, _ in others)
    return ends or ([longest[1]] if stands_out else [])


def _may_move(words: Sequence[Word], index: int, target: int) -> bool:
    """Whether the words between a change of speaker and a sentence border are few, short, and of one voice."""
    first, last = min(index, target) + 1, max(index, target)
    moved = words[first : last + 1]
    if len({word.speaker for word in moved}) != 1 or moved[-1].span.end - moved[0].span.start > MAX_SNAP_S:
        return False
    after, before = words[last + 1 : last + 2 + len(moved)], words[max(0, first - 1 - len(moved)) : first]
    keeps = after if target > index else before
    return len(keeps) > len(moved) and {word.speaker for word in keeps} == {moved[0].speaker}


def utterances(segments: Sequence[Segment], turns: Sequence[Turn]) -> tuple[Utterance, ...]:
    """Break the recognizer's segments into utterances: at a change of speaker or language, sentence end and long pause.

    `turns` are exclusive and in time order. No word is lost, doubled or moved.
    """
    found: list[Utterance] = []
    for language, run in groupby(segments, key=lambda segment: segment.language):
        words = snapped(assign_speakers([word for segment in run for word in segment.words], turns))
        for start, stop in _breaks(words):
            said = words[start:stop]
            found.append(Utterance(f"u{len(found) + 1:04d}", said, said[0].speaker, language))
    return tuple(found)


def _breaks(words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    start = 0
    for index in range(len(words)):
        last = index + 1 == len(words)
        if (
            last
            or words[index].speaker != words[index + 1].speaker
            or words[index].span.gap(words[index + 1].span) > MAX_PAUSE_S
            or is_sentence_end(words, index)
        ):
            yield start, index + 1
            start = index + 1
