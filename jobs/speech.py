"""Stretches of speech: where they are, and how they are packed into clips for the recognizer."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from jobs.audio import SAMPLE_RATE
from jobs.languages import Piece
from jobs.timeline import Seconds, Span
from jobs.transcript import Word

#: Whisper hears 30 s at once (arXiv:2212.04356, section 2.1); a little is left for the borders.
MAX_CLIP_S: Seconds = 28.0
#: A pause longer than this inside a clip only invites invented words.
MAX_PAUSE_S: Seconds = 1.5
#: Speech without a word for so long has been skipped, not breathed.
MIN_UNHEARD_S: Seconds = 1.5
#: A word's times are right to about this much.
WORD_MARGIN_S: Seconds = 0.2
#: How much of a recording a detector is given at once: a few times this many samples is what it needs of memory.
PIECE_S: Seconds = 300.0
#: What begins so shortly before the end of a piece may not have been noticed yet.
_ONSET_S: Seconds = 1.0
# Samples that Silero's detector looks at together: pieces begin where one would begin anyway.
_FRAME = 512

Samples = NDArray[np.float32]


def in_pieces(
    samples: Samples, detect: Callable[[Samples], Sequence[Span]], *, piece_s: Seconds = PIECE_S
) -> tuple[Span, ...]:
    """Where `detect` hears speech in all of `samples`, shape (n,) at 16 kHz, given to it piece by piece.

    A stretch that reaches the end of its piece may go on, so that the next piece begins with it: none is cut where the
    pieces meet. `detect` gives disjoint spans in time order, from its piece's start, each far shorter than `piece_s`.
    """
    size, onset = round(piece_s * SAMPLE_RATE), round(_ONSET_S * SAMPLE_RATE)
    found: list[Span] = []
    at = 0
    while True:
        spans = detect(samples[at : at + size])
        last = at + size >= len(samples)
        closed = [span for span in spans if last or span.end * SAMPLE_RATE <= size - onset]
        for span in closed:
            begun, ended = at / SAMPLE_RATE + span.start, at / SAMPLE_RATE + span.end
            begun = max(begun, found[-1].end) if found else begun
            # Less than a sample: the piece begins with the last frame of a stretch that is known.
            if ended - begun > 0.5 / SAMPLE_RATE:
                found.append(Span(begun, ended))
        if last:
            return tuple(found)
        going_on = spans[len(closed) :]
        forward = (round(going_on[0].start * SAMPLE_RATE) if going_on else 0) or size - onset
        at += max(_FRAME, forward // _FRAME * _FRAME)


def unbroken(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Join spans that touch, as long as none becomes longer than a clip; `spans` are in time order and disjoint."""
    found: list[Span] = []
    for span in spans:
        if found and found[-1].end == span.start and span.end - found[-1].start <= MAX_CLIP_S:
            found[-1] = found[-1].hull(span)
        else:
            found.append(span)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of the recording in one language, short enough to be decoded in one go."""

    span: Span
    #: ISO 639-1
    language: str
    #: By itself it sounds like another language than what stands around it.
    contested: bool = False


def in_clips(wholes: Sequence[Span], pieces: Sequence[Piece]) -> Iterator[Clip]:
    """Clips in one language each: a whole one as it is where all of its pieces are, else its pieces, packed anew.

    A piece whose language is contested stands alone. `pieces` lie within `wholes`; both are in time order and disjoint.
    """
    rest = iter(pieces)
    piece = next(rest, None)
    for whole in wholes:
        within = []
        while piece is not None and piece.span.middle < whole.end:
            within.append(piece)
            piece = next(rest, None)
        languages = {one.language for one in within}
        if len(languages) == 1 and not any(one.contested for one in within):
            yield Clip(whole, languages.pop())
        else:
            yield from _packed(within)


def _packed(pieces: Sequence[Piece]) -> Iterator[Clip]:
    for contested, run in groupby(pieces, key=lambda piece: piece.contested):
        part = list(run)
        if contested:
            yield from (Clip(piece.span, piece.language, contested=True) for piece in part)
        else:
            yield from pack([piece.span for piece in part], [piece.language for piece in part])


def pack(speech: Sequence[Span], languages: Sequence[str]) -> Iterator[Clip]:
    """Join neighbouring stretches of one language into clips of at most `MAX_CLIP_S`.

    Where a clip is full it is cut at the longest pause of its second half, which is likely a sentence's end.
    """
    run: list[Span] = []
    for place, span in enumerate(speech):
        if run and (
            languages[place] != languages[place - 1]
            or run[-1].gap(span) > MAX_PAUSE_S
            or span.end - run[0].start > MAX_CLIP_S
        ):
            full = languages[place] == languages[place - 1] and run[-1].gap(span) <= MAX_PAUSE_S
            cut = _best_cut(run, span) if full else len(run)
            yield Clip(Span(run[0].start, run[cut - 1].end), languages[place - 1])
            run = run[cut:]
            if run and span.end - run[0].start > MAX_CLIP_S:
                yield Clip(Span(run[0].start, run[-1].end), languages[place - 1])
                run = []
        run.append(span)
    if run:
        yield Clip(Span(run[0].start, run[-1].end), languages[-1])


def _best_cut(run: Sequence[Span], following: Span) -> int:
    """How many stretches of a full run stay together."""
    middle = (run[0].start + run[-1].end) / 2
    pauses = [
        (run[i].gap(run[i + 1] if i + 1 < len(run) else following), i + 1)
        for i in range(len(run))
        if run[i].end >= middle
    ]
    return max(pauses)[1] if pauses else len(run)


def unheard(within: Span, speech: Sequence[Span], words: Sequence[Word]) -> tuple[Span, ...]:
    """Stretches of speech, at least `MIN_UNHEARD_S` long, that no word lies in.

    Decoding thirty seconds at once now and then skips a sentence: it is found here and decoded on its own. `speech` and
    `words` are in time order.
    """
    found: list[Span] = []
    for span in speech:
        start, end = max(span.start, within.start), min(span.end, within.end)
        if end - start < MIN_UNHEARD_S:
            continue
        for word in words:
            if word.span.end + WORD_MARGIN_S <= start or word.span.start - WORD_MARGIN_S >= end:
                continue
            if word.span.start - WORD_MARGIN_S - start >= MIN_UNHEARD_S:
                found.append(Span(start, word.span.start - WORD_MARGIN_S))
            start = max(start, word.span.end + WORD_MARGIN_S)
        if end - start >= MIN_UNHEARD_S:
            found.append(Span(start, end))
    return tuple(_joined(found, words))


def _joined(spans: Sequence[Span], words: Sequence[Word]) -> Iterator[Span]:
    """Join what only a breath keeps apart: a word in between would be heard twice."""
    current: Span | None = None
    for span in spans:
        if (
            current is not None
            and current.gap(span) <= MAX_PAUSE_S
            and span.end - current.start <= MAX_CLIP_S
            and not any(current.end <= word.span.middle <= span.start for word in words)
        ):
            current = current.hull(span)
        else:
            if current is not None:
                yield current
            current = span
    if current is not None:
        yield current


def most_spoken(clips: Sequence[Clip]) -> str:
    """The language of most of the speech; "und" where there is none."""
    seconds: defaultdict[str, Seconds] = defaultdict(float)
    for clip in clips:
        seconds[clip.language] += clip.span.duration
    return max(seconds, key=seconds.__getitem__) if seconds else "und"
