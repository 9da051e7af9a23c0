"""Whether a recap is borne out by its transcript, checked without knowing who wrote it.

Words that are given as said are compared token by token, never by likeness: "ein" for "kein" is 98 % alike.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from jobs.german import printed_date
from jobs.programme import Talk
from jobs.proof.attributed import attribution_flaws
from jobs.proof.checks import Check, Flaw, Verdict
from jobs.proof.claims import check_quantities, check_sentence
from jobs.proof.denials import PERHAPS, STRONG, signs
from jobs.proof.quantities import Quantity, quantities
from jobs.proof.record import Record, said_quantities
from jobs.recap import Basis, Chapter, Question, Quote, Recap, Sentence
from jobs.timeline import Seconds, Span
from jobs.transcript import Transcript, Utterance, Word

#: Times went through JSON, which holds milliseconds.
TOLERANCE_S: Seconds = 0.002

#: What is looked for in a translation. Its words are others than those that were said.
_OF_TRANSLATIONS = frozenset({Flaw.UNBACKED_NUMBER, Flaw.WRONG_UNIT, Flaw.NEGATION, Flaw.OPPOSITE, Flaw.UNBACKED_NAME})

#: English words that German denials translate, beside those that deny in both languages.
_HARD = re.compile(
    r"\b(?:hard|difficult|only|barely|scarcely|until|unless|far from|too \w+ to|other than)\b", re.IGNORECASE
)

Part = Sentence | Quote | Chapter | Question


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a recap and what is wrong with it."""

    part: Part
    check: Check

    @property
    def flaw(self) -> Flaw:
        """What is wrong."""
        return self.check.flaw

    @property
    def verdict(self) -> Verdict:
        """How grave it is."""
        return self.check.verdict


def verify(recap: Recap, transcript: Transcript, talk: Talk | None = None) -> tuple[Finding, ...]:
    """Check a recap against its transcript; nothing found means that everything is borne out.

    - Quotes and verbatim sentences stand in their evidence word for word, in one piece of one speaker's
      speech; quotes also by the speaker and at the time they name. A sentence may lose its last
      full stop, or the comma it breaks off at, and start with a capital letter, as headlines do.
    - Attributed sentences are made of their evidence's words and of who says them, see `attribution_flaws`.
    - All evidence exists, and nothing but an open question rests on a doubtful utterance.
    - Written and edited sentences pass `check_sentence`; some of its objections are warnings. An edited one may hold
      facts of the recording, see below, and one without evidence is a warning.
    - Translations pass `check_sentence` as to numbers, denials and names, held against the quoted words alone.
    - Numbers in titles and framing stand in the evidence, in digits or words; framing sentences may also
      hold the recording's length, the count of its voices, and names and titles that `transcript` and `talk` give.
    """
    record = Record(transcript, talk)
    facts = _facts(record)
    return tuple(Finding(part, check) for part in _parts(recap) for check in _objections(part, record, facts))


def proven(recap: Recap, transcript: Transcript, talk: Talk | None = None) -> Recap:
    """The recap without the parts that fail; those with a warning stay.

    A chapter whose title isn't borne out joins its neighbour, so that chapters still leave no gap.
    """
    bad = [finding.part for finding in verify(recap, transcript, talk) if finding.verdict is Verdict.FAIL]
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


def _parts(recap: Recap) -> Iterator[Part]:
    yield from () if recap.headline is None else (recap.headline,)
    yield from recap.lead
    yield from recap.quotes
    for chapter in recap.chapters:
        yield chapter
        yield from chapter.sentences
    yield from recap.open_questions


def _objections(part: Part, record: Record, facts: Sequence[Quantity]) -> Iterator[Check]:
    if isinstance(part, Sentence) and not part.evidence:
        yield Check(Flaw.WITHOUT_EVIDENCE, Verdict.WARNING)
    elif any(one not in record.utterances for one in part.evidence):
        yield _fail(Flaw.UNKNOWN_EVIDENCE)
    elif isinstance(part, Sentence) and part.basis is Basis.WRITTEN:
        yield from check_sentence(part.text, part.evidence, record)
    elif isinstance(part, Sentence) and part.basis is Basis.EDITED:
        yield from _edited_objections(part, record, facts)
    elif not isinstance(part, Question):
        evidence = [record.utterances[one] for one in part.evidence]
        if any(utterance.doubt is not None for utterance in evidence):
            yield _fail(Flaw.DOUBTFUL_EVIDENCE)
        if isinstance(part, Quote):
            yield from map(_fail, _quote_flaws(part, record))
            yield from _translation_objections(part, record)
        elif isinstance(part, Chapter):
            yield from check_quantities(part.title, said_quantities(evidence))
        elif part.basis is Basis.FRAME:
            yield from check_quantities(part.text, (*said_quantities(evidence), *facts))
        elif part.basis is Basis.ATTRIBUTED:
            yield from attribution_flaws(part.text, part.evidence, record)
        elif not any(_places(part.text, record.passage(part.evidence))):
            yield _fail(Flaw.NOT_SAID)


def _edited_objections(part: Sentence, record: Record, facts: Sequence[Quantity]) -> Iterator[Check]:
    """What speaks against a sentence that a person wrote; its numbers may be facts of the recording as well."""
    said = said_quantities(record.utterances[one] for one in part.evidence)
    backed = not any(check_quantities(part.text, (*said, *facts)))
    numbers = (Flaw.UNBACKED_NUMBER, Flaw.WRONG_UNIT)
    for check in check_sentence(part.text, part.evidence, record):
        if not (backed and check.flaw in numbers):
            yield check


def _fail(flaw: Flaw) -> Check:
    return Check(flaw, Verdict.FAIL)


def _quote_flaws(quote: Quote, record: Record) -> Iterator[Flaw]:
    places = list(_places(quote.text, record.passage(quote.evidence), whole=True))
    if not places:
        yield Flaw.NOT_SAID
        return
    if record.utterances[quote.evidence[0]].speaker != quote.speaker:
        yield Flaw.WRONG_SPEAKER
    if not any(_same_time(place, quote.span) for place in places):
        yield Flaw.WRONG_SPAN


def _translation_objections(quote: Quote, record: Record) -> Iterator[Check]:
    """What speaks against a translation; what stands beside the quoted words in their utterances bears nothing out."""
    cited = record.sound(quote.evidence)
    if not quote.translation or len(cited) < len(set(quote.evidence)):
        return
    near = record.around([utterance.id for utterance in cited], before=2, after=1)
    excerpt = tuple(_quoted_part(u, quote.span) if u in cited else u for u in near)
    turned = False
    alone = Record(replace(record.transcript, utterances=excerpt), record.talk)
    for check in check_sentence(quote.translation, [utterance.id for utterance in cited], alone):
        if check.flaw in (Flaw.WRONG_SPEAKER, Flaw.UNCLEAR_SPEAKER):
            # Whoever is named here is spoken of: all of it was said by the one who is quoted.
            if check.fields["name"] not in quote.text:
                yield Check(Flaw.UNBACKED_NAME, check.verdict, check.fields)
        elif check.flaw in _OF_TRANSLATIONS:
            yield check
            turned = turned or check.flaw is Flaw.NEGATION
    if not turned and _is_turned(quote.text, quote.translation):
        yield Check(Flaw.NEGATION, Verdict.WARNING, {"said": quote.text})


def _is_turned(said: str, translation: str) -> bool:
    """Whether one of two texts that should say the same denies something, and the other an even number of things.

    Not where the other may do so by the meaning of a word: "they failed to ask" is "sie fragten nicht".
    """
    denials = {
        text: sum(text[start:end].lower() != "nor" for start, end in signs(text)) for text in (said, translation)
    }
    fewer, more = sorted((said, translation), key=denials.__getitem__)
    odd = (denials[more] - denials[fewer]) % 2 == 1 or (denials[more] > 0 and denials[fewer] == 0)
    return odd and not any(word.search(fewer) for word in (STRONG, PERHAPS, _HARD))


def _quoted_part(utterance: Utterance, span: Span) -> Utterance:
    """The utterance with its quoted words alone; the whole of it where there are none."""
    start, end = span.start - TOLERANCE_S, span.end + TOLERANCE_S
    words = tuple(word for word in utterance.words if start <= word.span.start and word.span.end <= end)
    return replace(utterance, words=words or utterance.words)


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


def _facts(record: Record) -> tuple[Quantity, ...]:
    """Numbers true of the recording: its length, rounded and cut into h, min, s, its voices, those within names."""
    transcript, talk = record.transcript, record.talk
    minutes = round(transcript.duration_s / 60)
    hours, rest = divmod(minutes, 60)
    counted = (
        f"{round(transcript.duration_s)} Sekunden; {minutes} Minuten; {hours} Stunden; {rest} Minuten",
        f"{len(transcript.speakers)} Stimmen",
    )
    held = ("" if talk.day is None else printed_date(talk.day), talk.stage or "")
    guests = (f"{guest.name} {guest.role or ''}" for guest in talk.guests)
    given = (talk.title or "", *held, *guests, *transcript.names.values(), *counted)
    return tuple(one for text in given for one in quantities(text, spoken=True))
