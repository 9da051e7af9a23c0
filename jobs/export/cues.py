"""From utterances to subtitles: what is shown together, how it is set in lines, and for how long.

Breaks are chosen per stretch of speech so that the sum of all costs is least (the idea of Knuth and Plass,
"Breaking Paragraphs into Lines", 1981): a cue should end where a sentence or a clause does, be readable in
its time, and not flash by. The numbers are those of Netflix' Timed Text Style Guide (general requirements,
and the German guide for line length and reading speed).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, groupby, pairwise

from jobs.export.breaks import NEVER, SENTENCE, WORD, break_cost
from jobs.export.readable import clean
from jobs.interjections import as_heard
from jobs.timeline import Seconds, Span
from jobs.transcript import Doubt, Transcript, Utterance

MIN_SHOWN_S: Seconds = 5 / 6
MAX_SHOWN_S: Seconds = 7.0
#: Over a silence this long no cue is held.
LONG_PAUSE_S: Seconds = 1.5
#: Where people talk at once, cues wait for each other. Up to this lag each gets `MIN_SHOWN_S`, then `HURRIED_S`.
MAX_LAG_S: Seconds = 2.0
HURRIED_S: Seconds = 0.3

#: Cost of a cue that stands too long: any word is better parted from the next, but not "3." from "Mai".
_TOO_LONG = 20.0
#: Cost of one more cue: fewer and fuller ones are calmer.
_CUE = 1.5


@dataclass(frozen=True, slots=True)
class Layout:
    """How much a subtitle may hold."""

    #: Characters; 20 at least.
    line_length: int = 42
    lines: int = 2
    #: Characters a second that an adult reads.
    reading_speed: float = 17.0


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle of one voice in one language. Times are whole milliseconds; successive cues don't overlap."""

    span: Span
    #: As `Layout` allows, not escaped; doubtful speech stands in brackets.
    lines: tuple[str, ...]
    speaker: str | None
    #: ISO 639-1; "und" where unknown.
    language: str
    doubt: Doubt | None


def cues(
    transcript: Transcript, layout: Layout, introduce: Callable[[str | None], str] = lambda _: ""
) -> tuple[Cue, ...]:
    """Set a transcript as subtitles, in time order.

    Args:
        transcript: may be empty.
        layout: what fits.
        introduce: what to write before a speaker's first words, at most a line less 2 characters ("Anna:"); "" for
            nothing.
    """
    drafts: list[Cue] = []
    before: object = ()
    for run in _runs(transcript.utterances, layout):
        intro = introduce(run.speaker) if run.speaker != before else ""
        before = run.speaker
        drafts += _set(run.introduced(intro) if intro else run)
    return tuple(_timed(drafts, layout))


def stamp(seconds: Seconds, point: str) -> str:
    """A time as subtitle files write it, hh:mm:ss and milliseconds.

    Examples:
        >>> stamp(3723.5, "."), stamp(0.25, ",")
        ('01:02:03.500', '00:00:00,250')
    """
    minutes, milliseconds = divmod(_ms(seconds), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


@dataclass(frozen=True, slots=True)
class _Token:
    """What is never broken: a word, or a part of one that is wider than a line."""

    text: str
    start: Seconds
    end: Seconds
    #: Cost of a break after it.
    break_cost: float
    is_intro: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    """A stretch of one speaker, language and doubt without a long pause; at least one token."""

    tokens: tuple[_Token, ...]
    speaker: str | None
    language: str
    doubt: Doubt | None
    layout: Layout

    @property
    def line(self) -> int:
        """Characters that a line may hold, the brackets around doubtful speech not counted."""
        return self.layout.line_length - (0 if self.doubt is None else 2)

    def introduced(self, intro: str) -> "_Run":
        """The same run with a name before it."""
        start = self.tokens[0].start
        return replace(self, tokens=(_Token(intro, start, start, NEVER, is_intro=True), *self.tokens))


def _runs(utterances: Sequence[Utterance], layout: Layout) -> Iterator[_Run]:
    heard = (part for _, part in as_heard(utterances))
    for (speaker, language, doubt), group in groupby(heard, key=lambda u: (u.speaker, u.language, u.doubt)):
        tokens = [token for utterance in group for token in _tokens(utterance, layout.line_length - 2)]
        pauses = [i for i, (a, b) in enumerate(pairwise(tokens), 1) if b.start - a.end >= LONG_PAUSE_S]
        for begin, end in pairwise((0, *pauses, len(tokens))):
            if begin < end:
                yield _Run(tuple(tokens[begin:end]), speaker, language, doubt, layout)


def _tokens(utterance: Utterance, width: int) -> Iterator[_Token]:
    for index, word in enumerate(utterance.words):
        parts = clean(word.text).split()
        pieces = [part[i : i + width] for part in parts for i in range(0, len(part), width)]
        for piece in pieces[:-1]:
            yield _Token(piece, word.span.start, word.span.start, WORD)
        if pieces:
            yield _Token(pieces[-1], word.span.start, word.span.end, break_cost(utterance.words, index))


def _set(run: _Run) -> Iterator[Cue]:
    """Cut a run into cues at the least total cost."""
    tokens = run.tokens
    offsets = [0]
    for token in tokens:
        offsets.append(offsets[-1] + len(token.text) + 1)
    # By number of tokens: the least cost of setting that many, and where the last cue of that setting begins.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(tokens) + 1):
        options = []
        for begin in range(end - 1, -1, -1):
            if not _fits(run, offsets, begin, end):
                break
            options.append((best[begin][0] + _cost(run, offsets, begin, end), begin))
        best.append(min(options))
    borders = [len(tokens)]
    while borders[-1] > 0:
        borders.append(best[borders[-1]][1])
    for end, begin in reversed(list(pairwise(borders))):
        part = tokens[begin:end]
        span = Span(part[0].start, max(part[0].start, *(token.end for token in part)))
        yield Cue(span, _lines(part, run), run.speaker, run.language, run.doubt)


def _fits(run: _Run, offsets: Sequence[int], begin: int, end: int) -> bool:
    """Whether tokens[begin:end] fit into the lines; `offsets[i]` is where token i starts in the text."""
    for _ in range(run.layout.lines):
        begin = bisect_right(offsets, offsets[begin] + run.line + 1, begin, end + 1) - 1
        if begin >= end:
            return True
    return False


def _cost(run: _Run, offsets: Sequence[int], begin: int, end: int) -> float:
    last = run.tokens[end - 1]
    start = run.tokens[begin].start
    until = run.tokens[end].start if end < len(run.tokens) else max(last.end, start + MIN_SHOWN_S)
    reading = (offsets[end] - offsets[begin] - 1) / run.layout.reading_speed
    return (
        _CUE
        + (last.break_cost if end < len(run.tokens) else SENTENCE)
        + 2.0 * max(0.0, reading - (until - start))
        + 4.0 * max(0.0, MIN_SHOWN_S - (until - start))
        + (4.0 * over + _TOO_LONG if (over := last.end - start - MAX_SHOWN_S) > 0.0 else 0.0)
    )


def _lines(tokens: Sequence[_Token], run: _Run) -> tuple[str, ...]:
    """Set a cue in as few lines as hold it, alike in length and broken where it makes sense."""
    texts = [token.text for token in tokens]
    if run.doubt is not None:
        spoken = next((i for i, token in enumerate(tokens) if not token.is_intro), 0)
        texts[spoken] = f"[{texts[spoken]}"
        texts[-1] = f"{texts[-1]}]"
    for number in range(1, run.layout.lines + 1):
        fitting = [
            (_unevenness(tokens, breaks, lines), lines)
            for breaks in combinations(range(1, len(texts)), number - 1)
            if max(map(len, lines := _cut(texts, breaks))) <= run.layout.line_length
        ]
        if fitting:
            return min(fitting)[1]
    raise AssertionError("what doesn't fit was taken for a cue")


def _cut(texts: Sequence[str], breaks: Sequence[int]) -> tuple[str, ...]:
    return tuple(" ".join(texts[begin:end]) for begin, end in pairwise((0, *breaks, len(texts))))


def _unevenness(tokens: Sequence[_Token], breaks: Sequence[int], lines: Sequence[str]) -> float:
    """How ill lines look together: unlike in length, or broken within a clause."""
    lengths = [len(line) for line in lines]
    return max(lengths) - min(lengths) + sum(4 * tokens[index - 1].break_cost for index in breaks)


def _timed(drafts: Sequence[Cue], layout: Layout) -> Iterator[Cue]:
    """Show every cue long enough to be read where the next one leaves the time; push apart what overlaps."""
    free = 0  # ms, when the cue before has gone
    for index, cue in enumerate(drafts):
        spoken = _ms(cue.span.start)
        start = max(spoken, free)
        characters = sum(map(len, cue.lines)) + len(cue.lines) - 1
        wanted = max(_ms(cue.span.end), start + _ms(max(MIN_SHOWN_S, characters / layout.reading_speed)))
        if index + 1 < len(drafts):
            least = MIN_SHOWN_S if start - spoken < _ms(MAX_LAG_S) else HURRIED_S
            wanted = min(wanted, max(_ms(drafts[index + 1].span.start), start + _ms(least)))
        free = wanted
        yield replace(cue, span=Span(start / 1000, wanted / 1000))


def _ms(seconds: Seconds) -> int:
    return round(seconds * 1000)
