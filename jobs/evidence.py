"""Whether a recap is borne out by its transcript, checked without knowing who wrote it.

Words that are given as said are compared token by token, never by likeness: "ein" for "kein" is 98 % alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from jobs.german import numbers
from jobs.programme import Talk
from jobs.recap import Basis, Chapter, Question, Quote, Recap, Sentence
from jobs.timeline import Seconds, Span
from jobs.transcript import Transcript, Utterance, Word

#: Times went through JSON, which holds milliseconds.
TOLERANCE_S: Seconds = 0.002

Part = Sentence | Quote | Chapter | Question


class Flaw(StrEnum):
    """What is wrong with a part of a recap."""

    #: It points at an utterance that isn't there.
    UNKNOWN_EVIDENCE = "unknown-evidence"
    #: It rests on an utterance that is marked as doubtful.
    DOUBTFUL_EVIDENCE = "doubtful-evidence"
    #: These words don't stand one after the other in its evidence, or not from one speaker.
    NOT_SAID = "not-said"
    #: Somebody else said it.
    WRONG_SPEAKER = "wrong-speaker"
    #: It was said at another time.
    WRONG_SPAN = "wrong-span"
    #: It holds a number that is neither in its evidence nor a fact of the recording.
    UNBACKED_NUMBER = "unbacked-number"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a recap and what is wrong with it."""

    part: Part
    flaw: Flaw


def verify(recap: Recap, transcript: Transcript, talk: Talk | None = None) -> tuple[Finding, ...]:
    """Check a recap against its transcript; nothing found means that everything is borne out.

    - Quotes and verbatim sentences stand in their evidence word for word, in one piece of one speaker's
      speech; quotes also by the speaker and at the time they name. A sentence may lose its last
      full stop, or the comma it breaks off at, and start with a capital letter, as headlines do.
    - All evidence exists, and nothing but an open question rests on a doubtful utterance.
    - Numbers in titles, framing, written and translated sentences stand in the evidence, in digits or words;
      framing sentences may also hold the recording's length, the count of its voices, and names and titles
      that `transcript` and `talk` give.
    """
    record = _Record(transcript)
    facts = _facts(transcript, talk or Talk())
    return tuple(Finding(part, flaw) for part in _parts(recap) for flaw in dict.fromkeys(_flaws(part, record, facts)))


def proven(recap: Recap, transcript: Transcript, talk: Talk | None = None) -> Recap:
    """The recap without the parts that `verify` objects to.

    A chapter whose title isn't borne out joins its neighbour, so that chapters still leave no gap.
    """
    bad = [finding.part for finding in verify(recap, transcript, talk)]
    return replace(
        recap,
        headline=None if recap.headline in bad else recap.headline,
        lead=tuple(sentence for sentence in recap.lead if sentence not in bad),
        quotes=tuple(quote for quote in recap.quotes if quote not in bad),
        chapters=_proven_chapters(recap.chapters, bad),
        open_questions=tuple(question for question in recap.open_questions if question not in bad),
    )


def _proven_chapters(chapters: Sequence[Chapter], bad: Sequence[Part]) -> tuple[Chapter, ...]:
    kept: list[Chapter] = []
    start: Seconds | None = None
    homeless: tuple[Sentence, ...] = ()
    for chapter in chapters:
        sentences = tuple(sentence for sentence in chapter.sentences if sentence not in bad)
        if chapter not in bad:
            span = chapter.span if start is None else Span(start, chapter.span.end)
            kept.append(replace(chapter, span=span, sentences=homeless + sentences))
            start, homeless = None, ()
        elif kept:
            span = Span(kept[-1].span.start, chapter.span.end)
            kept[-1] = replace(kept[-1], span=span, sentences=kept[-1].sentences + sentences)
        else:
            start, homeless = chapters[0].span.start, homeless + sentences
    return tuple(kept)


class _Record:
    """A transcript, laid out for looking up who said what after what."""

    def __init__(self, transcript: Transcript) -> None:
        self.utterances: dict[str, Utterance] = {}
        self._place: dict[str, int] = {}
        spoken: dict[str | None, int] = {}
        for utterance in transcript.utterances:
            self.utterances[utterance.id] = utterance
            self._place[utterance.id] = spoken[utterance.speaker] = spoken.get(utterance.speaker, -1) + 1

    def passage(self, ids: Sequence[str]) -> tuple[Word, ...]:
        """The words of utterances that follow each other in one speaker's speech; none if they don't."""
        chosen = [self.utterances[one] for one in sorted(set(ids), key=self._place.__getitem__)]
        places = [self._place[utterance.id] for utterance in chosen]
        together = places == list(range(places[0], places[0] + len(places)))
        if not together or len({utterance.speaker for utterance in chosen}) > 1:
            return ()
        return tuple(word for utterance in chosen for word in utterance.words)


def _parts(recap: Recap) -> Iterator[Part]:
    yield from () if recap.headline is None else (recap.headline,)
    yield from recap.lead
    yield from recap.quotes
    for chapter in recap.chapters:
        yield chapter
        yield from chapter.sentences
    yield from recap.open_questions


def _flaws(part: Part, record: _Record, facts: frozenset[Decimal]) -> Iterator[Flaw]:
    if any(one not in record.utterances for one in part.evidence):
        yield Flaw.UNKNOWN_EVIDENCE
        return
    if isinstance(part, Question):
        return
    evidence = [record.utterances[one] for one in part.evidence]
    if any(utterance.doubt is not None for utterance in evidence):
        yield Flaw.DOUBTFUL_EVIDENCE
    backing = _backing(evidence)
    if isinstance(part, Quote):
        yield from _quote_flaws(part, record)
        if part.translation is not None and not numbers(part.translation) <= backing:
            yield Flaw.UNBACKED_NUMBER
    elif isinstance(part, Chapter):
        if not numbers(part.title) <= backing:
            yield Flaw.UNBACKED_NUMBER
    elif part.basis is Basis.VERBATIM:
        if not any(_places(part.text, record.passage(part.evidence))):
            yield Flaw.NOT_SAID
    elif not numbers(part.text) <= backing | (facts if part.basis is Basis.FRAME else frozenset()):
        yield Flaw.UNBACKED_NUMBER


def _quote_flaws(quote: Quote, record: _Record) -> Iterator[Flaw]:
    places = list(_places(quote.text, record.passage(quote.evidence), whole=True))
    if not places:
        yield Flaw.NOT_SAID
        return
    if record.utterances[quote.evidence[0]].speaker != quote.speaker:
        yield Flaw.WRONG_SPEAKER
    if not any(_same_time(place, quote.span) for place in places):
        yield Flaw.WRONG_SPAN


def _places(text: str, words: Sequence[Word], *, whole: bool = False) -> Iterator[Span]:
    """Every time at which exactly these words are said.

    Unless `whole`, the last full stop or comma may be missing and the first letter may be a capital.
    """
    wanted = text.split()
    tokens = [(token, word.span) for word in words for token in word.text.split()]
    for start in range(len(tokens) - len(wanted) + 1 if wanted else 0):
        said = tokens[start : start + len(wanted)]
        heard = [token for token, _ in said]
        if heard == wanted or (
            not whole and _as_heading(heard, open_end=wanted[-1][-1:] not in ".,") == _as_heading(wanted)
        ):
            yield Span(said[0][1].start, max(span.end for _, span in said))


def _as_heading(tokens: Sequence[str], *, open_end: bool = False) -> list[str]:
    """The tokens with a capital first letter, and with `open_end` without their last full stop or comma."""
    heading = [tokens[0][:1].upper() + tokens[0][1:], *tokens[1:]]
    return [*heading[:-1], heading[-1].removesuffix(".").removesuffix(",")] if open_end else heading


def _same_time(one: Span, other: Span) -> bool:
    return abs(one.start - other.start) <= TOLERANCE_S and abs(one.end - other.end) <= TOLERANCE_S


def _backing(evidence: Sequence[Utterance]) -> frozenset[Decimal]:
    return frozenset().union(*(numbers(utterance.text, articles=True) for utterance in evidence))


def _facts(transcript: Transcript, talk: Talk) -> frozenset[Decimal]:
    """Numbers true of the recording: its length, rounded and cut into h, min, s, its voices, those within names."""
    given = " ".join((talk.title or "", *(guest.name for guest in talk.guests), *transcript.names.values()))
    minutes = round(transcript.duration_s / 60)
    whole = (round(transcript.duration_s), minutes, *divmod(minutes, 60), len(transcript.speakers))
    return numbers(given) | {Decimal(value) for value in whole}
