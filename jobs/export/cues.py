"""From utterances to subtitles: what is shown together, how it is set in lines, and for how long.

Breaks are chosen per stretch of speech so that the sum of all costs is least (the idea of Knuth and Plass,
"Breaking Paragraphs into Lines", 1981): a cue should end where a sentence or a clause does, be readable in
its time, and not flash by. The numbers are those of Netflix' Timed Text Style Guide (general requirements,
and the German guide for reading speed).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from jobs.export.readable import clean
from jobs.german import is_sentence_end
from jobs.timeline import Seconds, Span
from jobs.transcript import Doubt, Transcript, Utterance, Word

MAX_LINE = 42  # characters
MAX_LINES = 2
#: Characters a second that an adult reads.
READING_SPEED = 17.0
MIN_SHOWN_S: Seconds = 5 / 6
MAX_SHOWN_S: Seconds = 7.0
#: A silence this long is a good place for a break …
PAUSE_S: Seconds = 0.5
#: … and over one this long no cue is held.
LONG_PAUSE_S: Seconds = 1.5
#: Where people talk at once, cues wait for each other. Up to this lag each gets `MIN_SHOWN_S`, then `HURRIED_S`.
MAX_LAG_S: Seconds = 2.0
HURRIED_S: Seconds = 0.3

#: Cost of a break after the last word of a sentence, after a clause, anywhere else, and within what stays together.
_SENTENCE, _CLAUSE, _WORD, _NEVER = 0.0, 1.0, 4.0, 50.0
#: Cost of one more cue: fewer and fuller ones are calmer.
_CUE = 1.5


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: one or two lines, one voice. Times are whole milliseconds; successive cues don't overlap."""

    span: Span
    #: At most `MAX_LINES` of at most `MAX_LINE` characters, not escaped; doubtful speech stands in brackets.
    lines: tuple[str, ...]
    speaker: str | None
    doubt: Doubt | None


def cues(transcript: Transcript, introduce: Callable[[str | None], str] = lambda _: "") -> tuple[Cue, ...]:
    """Set a transcript as subtitles, in time order.

    Args:
        transcript: may be empty.
        introduce: what to write before a speaker's first words, at most `MAX_LINE` - 2 characters ("Anna:"); ""
            for nothing.
    """
    drafts: list[Cue] = []
    before: object = ()
    for run in _runs(transcript.utterances):
        intro = introduce(run.speaker) if run.speaker != before else ""
        before = run.speaker
        drafts += _set(run.introduced(intro) if intro else run)
    return tuple(_timed(drafts))


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
    """A stretch of one speaker and one doubt without a long pause; at least one token."""

    tokens: tuple[_Token, ...]
    speaker: str | None
    doubt: Doubt | None

    @property
    def line(self) -> int:
        """Characters that a line may hold, the brackets around doubtful speech not counted."""
        return MAX_LINE if self.doubt is None else MAX_LINE - 2

    def introduced(self, intro: str) -> "_Run":
        """The same run with a name before it."""
        start = self.tokens[0].start
        return replace(self, tokens=(_Token(intro, start, start, _NEVER, is_intro=True), *self.tokens))


def _runs(utterances: Sequence[Utterance]) -> Iterator[_Run]:
    for (speaker, doubt), group in groupby(utterances, key=lambda u: (u.speaker, u.doubt)):
        tokens = [token for utterance in group for token in _tokens(utterance)]
        pauses = [i for i, (a, b) in enumerate(pairwise(tokens), 1) if b.start - a.end >= LONG_PAUSE_S]
        for begin, end in pairwise((0, *pauses, len(tokens))):
            if begin < end:
                yield _Run(tuple(tokens[begin:end]), speaker, doubt)


def _tokens(utterance: Utterance) -> Iterator[_Token]:
    for index, word in enumerate(utterance.words):
        pieces = _pieces(word)
        for piece in pieces[:-1]:
            yield _Token(piece, word.span.start, word.span.start, _WORD)
        if pieces:
            yield _Token(pieces[-1], word.span.start, word.span.end, _break_cost(utterance.words, index))


def _pieces(word: Word) -> list[str]:
    width = MAX_LINE - 2
    return [part[i : i + width] for part in clean(word.text).split() for i in range(0, len(part), width)]


def _break_cost(words: Sequence[Word], index: int) -> float:
    if is_sentence_end(words, index):
        return _SENTENCE
    pause = words[index + 1].span.start - words[index].span.end
    return _CLAUSE if pause >= PAUSE_S or words[index].text.rstrip("“”\"'»)").endswith(tuple(",;:–—")) else _WORD


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
            if not _fits(offsets, begin, end, run.line):
                break
            options.append((best[begin][0] + _cost(run, offsets, begin, end), begin))
        best.append(min(options))
    borders = [len(tokens)]
    while borders[-1] > 0:
        borders.append(best[borders[-1]][1])
    for end, begin in reversed(list(pairwise(borders))):
        part = tokens[begin:end]
        span = Span(part[0].start, max(part[0].start, *(token.end for token in part)))
        yield Cue(span, _lines(part, run.doubt), run.speaker, run.doubt)


def _fits(offsets: Sequence[int], begin: int, end: int, line: int) -> bool:
    """Whether tokens[begin:end] fit into `MAX_LINES` lines; `offsets[i]` is where token i starts in the text."""
    for _ in range(MAX_LINES):
        begin = bisect_right(offsets, offsets[begin] + line + 1, begin, end + 1) - 1
        if begin >= end:
            return True
    return False


def _cost(run: _Run, offsets: Sequence[int], begin: int, end: int) -> float:
    last = run.tokens[end - 1]
    start = run.tokens[begin].start
    until = run.tokens[end].start if end < len(run.tokens) else max(last.end, start + MIN_SHOWN_S)
    reading = (offsets[end] - offsets[begin] - 1) / READING_SPEED
    return (
        _CUE
        + (last.break_cost if end < len(run.tokens) else _SENTENCE)
        + 2.0 * max(0.0, reading - (until - start))
        + 4.0 * max(0.0, MIN_SHOWN_S - (until - start))
        + 4.0 * max(0.0, last.end - start - MAX_SHOWN_S)
    )


def _lines(tokens: Sequence[_Token], doubt: Doubt | None) -> tuple[str, ...]:
    texts = [token.text for token in tokens]
    if doubt is not None:
        spoken = next((i for i, token in enumerate(tokens) if not token.is_intro), 0)
        texts[spoken] = f"[{texts[spoken]}"
        texts[-1] = f"{texts[-1]}]"
    whole = " ".join(texts)
    if len(whole) <= MAX_LINE:
        return (whole,)
    halves = ((i, " ".join(texts[:i]), " ".join(texts[i:])) for i in range(1, len(texts)))
    fitting = (half for half in halves if max(len(half[1]), len(half[2])) <= MAX_LINE)
    return min(fitting, key=lambda half: _imbalance(tokens[half[0] - 1], *half[1:]))[1:]


def _imbalance(last: _Token, first: str, second: str) -> float:
    """How ill two lines look together: unlike in length, or broken within a clause."""
    return abs(len(first) - len(second)) + 4 * min(last.break_cost, _WORD)


def _timed(drafts: Sequence[Cue]) -> Iterator[Cue]:
    """Show every cue long enough to be read where the next one leaves the time; push apart what overlaps."""
    free = 0  # ms, when the cue before has gone
    for index, cue in enumerate(drafts):
        spoken = _ms(cue.span.start)
        start = max(spoken, free)
        characters = sum(map(len, cue.lines)) + len(cue.lines) - 1
        wanted = max(_ms(cue.span.end), start + _ms(max(MIN_SHOWN_S, characters / READING_SPEED)))
        if index + 1 < len(drafts):
            least = MIN_SHOWN_S if start - spoken < _ms(MAX_LAG_S) else HURRIED_S
            wanted = min(wanted, max(_ms(drafts[index + 1].span.start), start + _ms(least)))
        free = wanted
        yield replace(cue, span=Span(start / 1000, wanted / 1000))


def _ms(seconds: Seconds) -> int:
    return round(seconds * 1000)
