"""When a word was said: what a recognizer's times leave open is worked out from speech and from the words around.

Whisper's times come from its attention (arXiv:2212.04356, section 2.3 has them for segments only): a word beside a
pause is stretched into it, and where one token takes all the attention its neighbours get no time at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from jobs.doubt import syllables
from jobs.timeline import Seconds, Span
from jobs.transcribe import Segment
from jobs.transcript import Word

#: Whisper's clock ticks every 20 ms (arXiv:2212.04356, section 2.2): a shorter word has no time of its own.
TICK_S: Seconds = 0.02
#: Usual length of a syllable: six a second (Coupé et al. 2019, doi:10.1126/sciadv.aaw2594).
SYLLABLE_S: Seconds = 1 / 6
#: A detector of speech opens before the first sound, and a recognizer takes the first word to begin with what it is
#: given: by about this much (median of 142 synthesized sentences 0.07 s, 95 % up to 0.19 s).
ONSET_S: Seconds = 0.1
#: A word is at most this long: drawled, and with the breath before it.
LONGEST_SYLLABLE_S: Seconds = 0.4
LONGEST_BREATH_S: Seconds = 0.6


def settled(segments: Sequence[Segment], speech: Sequence[Span]) -> tuple[Segment, ...]:
    """The same words with times that can be true: none spans a pause, none is longer than can be said, none is empty.

    `segments` and `speech` are in time order. Starts stay in order, and words within the time that their segment had.
    What was worked out is marked as estimated.
    """
    return tuple(_settled(segment, speech) for segment in segments)


def _settled(segment: Segment, speech: Sequence[Span]) -> Segment:
    whole = Span(segment.words[0].span.start, max(word.span.end for word in segment.words))
    near = [span for span in speech if span.overlap(whole) > 0]
    told: list[Word] = []
    for word in segment.words:
        start = max(word.span.start, told[-1].span.end) if told else word.span.start
        one = replace(word, span=Span(start, max(start, word.span.end)))
        first = not told or told[-1].text.endswith((".", "?", "!", "…"))
        told.append(_capped(_from_onset(_out_of_pause(one, near), near), from_end=first))
    return replace(segment, words=_filled(told))


def _out_of_pause(word: Word, speech: Sequence[Span]) -> Word:
    """Cut a word that reaches over a pause to the stretch of speech that holds most of it."""
    held = [span for span in speech if span.overlap(word.span) > 0]
    if not held or word.span.duration <= TICK_S:
        return word
    most = max(held, key=lambda span: (span.overlap(word.span), span.start))
    if most.overlap(word.span) < TICK_S:
        return word
    return replace(word, span=Span(max(most.start, word.span.start), min(most.end, word.span.end)))


def _from_onset(word: Word, speech: Sequence[Span]) -> Word:
    """Let a word that begins with a stretch of speech begin with the first sound, where it is long enough."""
    begun = next((span.start for span in speech if abs(span.start - word.span.start) < TICK_S), None)
    if begun is None or word.span.duration < 2 * ONSET_S:
        return word
    return replace(word, span=Span(max(word.span.start, begun + ONSET_S), word.span.end))


def _capped(word: Word, *, from_end: bool) -> Word:
    """Shorten what nobody drawls so long: before a sentence's first word there was a pause, after any other one."""
    longest = LONGEST_BREATH_S + LONGEST_SYLLABLE_S * syllables(word.text)
    if word.span.duration <= longest:
        return word
    start, end = word.span.start, word.span.end
    cut = Span(max(start, end - longest), end) if from_end else Span(start, min(end, start + longest))
    return replace(word, span=cut, estimated=True)


def _filled(words: Sequence[Word]) -> tuple[Word, ...]:
    """Give words without a time of their own a share of the time around them, by the length of what is said.

    `words` follow each other without overlap.
    """
    told = list(words)
    at = 0
    while at < len(told):
        until = at
        while until < len(told) and told[until].span.duration < TICK_S:
            until += 1
        if until > at:
            first, last, room = _room(told, at, until)
            told[first:last] = shared(told[first:last], room)
        at = until + 1
    return tuple(told)


def _room(words: Sequence[Word], at: int, until: int) -> tuple[int, int, Span]:
    """Where the words from `at` to `until` can be: between their neighbours, or else on the time of one of them."""
    left = words[at - 1].span.end if at else words[at].span.start
    right = words[until].span.start if until < len(words) else words[until - 1].span.end
    need = sum(map(usual, words[at:until]))
    if right - left >= need / 2:
        start = max(left, min(words[at].span.start, right - need))
        return at, until, Span(start, min(right, start + need))
    slack = [
        (words[place].span.duration - usual(words[place]), place)
        for place in (at - 1, until)
        if 0 <= place < len(words)
    ]
    lender = max(slack)[1] if slack else at
    first, last = min(at, lender), max(until, lender + 1)
    return first, last, Span(words[first].span.start, right if lender < at else words[last - 1].span.end)


def usual(word: Word) -> Seconds:
    """How long it takes to say a word."""
    return SYLLABLE_S * syllables(word.text)


def shared(words: Sequence[Word], room: Span) -> Iterator[Word]:
    """Spread words over `room` by the length of what is said, all marked as estimated."""
    needs = [usual(word) for word in words]
    scale = room.duration / sum(needs) if words else 0.0
    start = room.start
    for word, need in zip(words, needs, strict=True):
        end = min(room.end, start + need * scale)
        yield replace(word, span=Span(start, end), estimated=True)
        start = end
