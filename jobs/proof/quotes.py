"""Where a quote stands in a transcript. Words, speaker and time are the transcript's; whoever asks only points.

Words are compared one by one, never by likeness: "ein" for "kein" is 98 % alike.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from jobs.german import bare
from jobs.proof.record import Record
from jobs.recap import Quote
from jobs.timeline import Seconds, Span
from jobs.transcript import Utterance, Word

#: One voice goes on after a silence or an interjection of this length; a quote doesn't reach over more.
MAX_SILENCE_S: Seconds = 6.0


def locate(text: str, ids: Sequence[str], record: Record) -> Quote | None:
    """The place where exactly these words are said; punctuation, case and ß or ss aside.

    Looks in the utterances `ids` and those beside them, then everywhere; words said at several other places only are
    nobody's quote. Doubtful utterances are never quoted. The quote holds the transcript's own words.
    """
    wanted = sounds(text.split())
    if not wanted:
        return None
    found = [part for run in _runs(record) for part in _same(run, wanted)]
    cited = [part for part in found if {one.id for one, _ in part} & set(ids)]
    if cited:
        return _quote(max(cited, key=lambda part: len({one.id for one, _ in part} & set(ids))))
    return _quote(found[0]) if len(found) == 1 else None


_Part = list[tuple[Utterance, Word]]


def _runs(record: Record) -> Iterator[_Part]:
    """Each voice's speech, in one piece as long as it only pauses or is interrupted."""
    sound = [u for u in record.transcript.utterances if u.doubt is None]
    voices = sorted(sound, key=lambda u: (u.speaker is None, u.speaker or ""))
    for _, own in groupby(voices, key=lambda u: u.speaker):
        run: _Part = []
        for utterance in own:
            if run and (
                utterance.language != run[-1][0].language
                or utterance.span.start - run[-1][0].span.end > MAX_SILENCE_S
                or not record.passage((run[-1][0].id, utterance.id))
            ):
                yield run
                run = []
            run += [(utterance, word) for word in utterance.words]
        yield run


def _same(run: _Part, wanted: Sequence[str]) -> Iterator[_Part]:
    """Every stretch of the run that holds exactly the wanted words; bare punctuation among them doesn't count."""
    told = [(plain, index) for index, (_, word) in enumerate(run) for plain in sounds(word.text.split())]
    for start in occurrences(wanted, [plain for plain, _ in told]):
        yield run[told[start][1] : told[start + len(wanted) - 1][1] + 1]


def sounds(words: Iterable[str]) -> list[str]:
    """Words as they sound, without punctuation: `casefold` makes ß to ss.

    Examples:
        >>> sounds(["„Große", "Straße“", "–"])
        ['grosse', 'strasse']
    """
    return [word for word in (bare(token).casefold() for token in words) if word]


def occurrences(wanted: Sequence[str], heard: Sequence[str]) -> Iterator[int]:
    """Every index at which exactly these words stand in others, one after the other; none for no words."""
    if wanted:
        yield from (i for i in range(len(heard) - len(wanted) + 1) if list(heard[i : i + len(wanted)]) == list(wanted))


def _quote(part: _Part) -> Quote:
    first = part[0][0]
    return Quote(
        text=" ".join(word.text for _, word in part),
        speaker=first.speaker,
        span=Span(part[0][1].span.start, max(word.span.end for _, word in part)),
        language=first.language,
        evidence=tuple(dict.fromkeys(utterance.id for utterance, _ in part)),
    )
