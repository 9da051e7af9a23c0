"""A recap in German prose, written by a language model chapter by chapter and proven sentence by sentence.

    chapter of the extractive draft ──► claims ──► proven ──► composed ──► proven ──► written chapter
                                    └─► pointers ──► quotes
    all chapters' proven claims ──► composed ──► proven ──► headline, lead

What can't be proven goes back once, with the reasons. After that the piece that was proven before stands in for it: for
a composed sentence its claims, for claims the extractive sentences, for a quote the extractive quotes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

from jobs.german import Spoken, spoken_sentences, time_code
from jobs.programme import Talk
from jobs.proof.evidence import proven, verify
from jobs.proof.record import Record
from jobs.recap import Basis, Chapter, Question, Quote, Recap, Sentence
from jobs.timeline import Span
from jobs.transcript import Transcript, Utterance
from jobs.writing.house_style import HouseStyle, is_german
from jobs.writing.objections import Scrutiny, Statement, unique
from jobs.writing.pointers import quote_at
from jobs.writing.prompts import (
    MAX_ITEMS,
    Ask,
    Claims,
    Composition,
    Line,
    Pointer,
    Prompt,
    Repairs,
    Stationery,
    TooMuch,
    Translations,
    Unanswered,
    enclosed,
)

#: Words of a chapter for which one claim is asked, and the bounds of how many.
WORDS_PER_CLAIM = 50
CLAIMS = range(3, 9)
#: Utterances on each side of the cited ones, shown when a sentence goes back.
NEIGHBOURS = 1
#: A suggestion for a quote that overlaps another by more than this is the same one.
_SAME_QUOTE_S = 0.5

_Statements = Sequence[Statement]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a draft is written with."""

    ask: Ask
    stationery: Stationery
    style: HouseStyle
    #: German sentences; those under "check." and "style." tell the model what is wrong.
    labels: Mapping[str, str]
    #: Longest prompt, both messages, in characters.
    room: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """One chapter and what came of it."""

    chapter: Chapter
    #: Proven, in the order of the talk.
    claims: tuple[Statement, ...] = ()
    pointers: tuple[Pointer, ...] = ()
    #: What couldn't be shown, and was left out.
    lost: tuple[Statement, ...] = ()
    #: Whether the model gave an answer that could be read.
    answered: bool = True


def compose_recap(draft: Recap, transcript: Transcript, talk: Talk, desk: Desk) -> Recap:
    """Write an extractive draft anew, in German prose.

    Args:
        draft: of the extractive writer; gives chapters and frame, and stands in wherever nothing could be proven.
        transcript: what was said.
        talk: who was announced.
        desk: model, prompts, style.

    Raises:
        EngineError: no model can be reached.
    """
    writing = _Writing(Record(transcript, talk), desk, spoken_sentences(transcript))
    stretches = [writing.chapter(chapter) for chapter in draft.chapters]
    claims = [stretch.claims for stretch in stretches]
    headline, lead = writing.top(draft, claims)
    written = replace(
        draft,
        headline=headline,
        lead=lead,
        quotes=writing.quotes(draft, [stretch.pointers for stretch in stretches]),
        chapters=tuple(stretch.chapter for stretch in stretches),
        open_questions=(*_left_open(stretches), *draft.open_questions),
    )
    return proven(written, transcript, talk)


@dataclass(frozen=True, slots=True)
class _Writing:
    """One draft being written."""

    record: Record
    desk: Desk
    sentences: tuple[Spoken, ...]

    def chapter(self, chapter: Chapter) -> _Stretch:
        utterances = [u for u in self.record.transcript.utterances if u.doubt is None and _within(u, chapter.span)]
        try:
            answers = list(self._heard(utterances))
        except Unanswered:
            return _Stretch(chapter, answered=False)
        shown = {utterance.id for utterance in utterances}
        told = [Statement(c.text, unique(c.evidence)) for answer in answers for c in answer.claims[:MAX_ITEMS]]
        claims, lost = self._proven(told, shown)
        pointers = tuple(pointer for answer in answers for pointer in answer.quotes)
        if not claims:
            return _Stretch(chapter, pointers=pointers, lost=lost)
        fitting = self._fitting("compose", claims)
        title, sentences, unsaid = self._composed("compose", fitting, most=self.desk.style.chapter_sentences)
        written = replace(chapter, sentences=tuple(map(_sentence, sentences)))
        if title is not None:
            written = replace(written, title=title.text, evidence=title.evidence, language="de")
        return _Stretch(written, claims, pointers, (*lost, *unsaid))

    def top(
        self, draft: Recap, chapters: Sequence[tuple[Statement, ...]]
    ) -> tuple[Sentence | None, tuple[Sentence, ...]]:
        """Headline and lead: of the first claim of each chapter, then the second of each, as many as there is room."""
        in_turn = [claim for claim in chain(*zip_longest(*chapters)) if claim is not None]
        claims = self._fitting("lead", in_turn)
        if not claims:
            return draft.headline, draft.lead
        title, sentences, _ = self._composed("lead", claims, most=self.desk.style.lead_sentences, strict=True)
        frame = [sentence for sentence in draft.lead if sentence.basis is Basis.FRAME]
        lead = (*frame[:-1], *map(_sentence, sentences), *frame[-1:]) if sentences else draft.lead
        return draft.headline if title is None else _sentence(title), lead

    def quotes(self, draft: Recap, pointers: Sequence[tuple[Pointer, ...]]) -> tuple[Quote, ...]:
        """The places pointed at, chapters taking turns, then the extractive ones; in time order."""
        most = self.desk.style.quotes
        in_turn = [pointer for pointer in chain(*zip_longest(*pointers)) if pointer is not None]
        found = (quote_at(pointer, self.sentences, max_words=self.desk.style.quote_words) for pointer in in_turn)
        chosen: list[Quote] = []
        for quote in chain(found, draft.quotes):
            if quote is not None and all(quote.span.overlap(other.span) <= _SAME_QUOTE_S for other in chosen):
                chosen.append(quote)
        return self._translated(sorted(chosen[:most], key=lambda quote: quote.span), draft)

    def _heard(self, utterances: Sequence[Utterance]) -> Iterator[Claims]:
        """What the model takes from each part that fits; halved further where its window proves to be smaller."""
        for part in self._parts(utterances):
            try:
                yield self.desk.ask(self._passage(part), Claims)
            except TooMuch:
                if len(part) < 2:
                    raise
                middle = len(part) // 2
                yield from self._heard(part[:middle])
                yield from self._heard(part[middle:])

    def _passage(self, part: Sequence[Utterance]) -> Prompt:
        words = sum(len(utterance.words) for utterance in part)
        most = min(CLAIMS[-1], max(CLAIMS[0], round(words / WORDS_PER_CLAIM)))
        return self.desk.stationery.prompt("claims", {"utterances": [self._shown(u) for u in part]}, most=most)

    def _parts(self, utterances: Sequence[Utterance]) -> Iterator[list[Utterance]]:
        room = self.desk.room - self._passage(()).chars
        part: list[Utterance] = []
        filled = 0
        for utterance in utterances:
            size = len(enclosed(self._shown(utterance))) + 1
            if part and filled + size > room:
                yield part
                part, filled = [], 0
            part.append(utterance)
            filled += size
        if part:
            yield part

    def _shown(self, utterance: Utterance) -> dict[str, object]:
        speaker, voices = utterance.speaker, self.record.transcript.speakers
        voice = 0 if speaker is None else voices.index(speaker) + 1
        return {"id": utterance.id, "voice": voice, "speaker": self._name(speaker), "text": utterance.text}

    def _name(self, speaker: str | None) -> str:
        named = (person.name for person in self.record.people if speaker in person.voices)
        return next(named, self.desk.labels["recap.unnamed"])

    def _composed(
        self, task: str, claims: _Statements, *, most: int, strict: bool = False
    ) -> tuple[Statement | None, tuple[Statement, ...], tuple[Statement, ...]]:
        """A title, sentences, and what of them couldn't be shown; a sentence that fails gives way to its claims.

        With `strict` it gives way to nothing.
        """
        numbered = [self._numbered(number, claim) for number, claim in enumerate(claims, start=1)]
        try:
            answer = self.desk.ask(self.desk.stationery.prompt(task, {"claims": numbered}, most=most), Composition)
        except Unanswered:
            return None, () if strict else tuple(claims[:most]), ()
        lines = [_stated(answer.title, claims, is_title=True), *(_stated(line, claims) for line in answer.sentences)]
        shown = {one for claim in claims for one in claim.evidence}
        kept = self._passed(lines, shown)
        title, sentences = kept[0], kept[1:]
        lost = tuple(line for line, one in zip(lines[1:], sentences, strict=True) if one is None)
        if not strict:
            sentences = list(_filled(sentences, answer.sentences, claims))
        return title, tuple(dict.fromkeys(one for one in sentences if one is not None))[:most], lost

    def _numbered(self, number: int, claim: Statement) -> dict[str, object]:
        speakers = dict.fromkeys(self._name(utterance.speaker) for utterance in self.record.sound(claim.evidence))
        return {"number": number, "speaker": ", ".join(speakers), "text": claim.text}

    def _fitting(self, task: str, claims: _Statements) -> list[Statement]:
        room = self.desk.room - self.desk.stationery.prompt(task, {"claims": []}).chars
        fitting: list[Statement] = []
        for number, claim in enumerate(claims, start=1):
            room -= len(enclosed(self._numbered(number, claim))) + 1
            if room < 0:
                break
            fitting.append(claim)
        return fitting

    def _proven(self, statements: _Statements, shown: set[str]) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
        """Those that can be shown, some after being written again, and those that can't."""
        kept = self._passed(statements, shown)
        lost = tuple(told for told, one in zip(statements, kept, strict=True) if one is None)
        return tuple(dict.fromkeys(one for one in kept if one is not None)), lost

    def _passed(self, statements: _Statements, shown: set[str]) -> list[Statement | None]:
        """Each statement if it can be shown, else as it was written again, else None."""
        scrutiny = Scrutiny(self.record, self.desk.style, self.desk.labels)
        reasons = [scrutiny.objections(statement, shown) for statement in statements]
        kept = [None if why else told for told, why in zip(statements, reasons, strict=True)]
        again = self._repaired([i for i, why in enumerate(reasons) if why], statements, reasons)
        for index, (statement, seen) in again.items():
            if not scrutiny.objections(statement, seen):
                kept[index] = statement
        return kept

    def _repaired(
        self, failed: Sequence[int], statements: _Statements, reasons: Sequence[tuple[str, ...]]
    ) -> dict[int, tuple[Statement, set[str]]]:
        """What came back of what was sent back: statement and the ids that were shown with it, by index."""
        if not failed:
            return {}
        entries: list[dict[str, object]] = []
        seen: dict[int, set[str]] = {}
        for index in failed:
            around = self._around(statements[index].evidence)
            entry: dict[str, object] = {
                "number": index + 1,
                "kind": "title" if statements[index].is_title else "sentence",
                "text": statements[index].text,
                "reasons": list(reasons[index]),
                "utterances": [self._shown(utterance) for utterance in around],
            }
            if self._repair([*entries, entry]).chars <= self.desk.room:
                entries.append(entry)
                seen[index] = {utterance.id for utterance in around}
        try:
            answer = self.desk.ask(self._repair(entries), Repairs) if entries else Repairs(repaired=())
        except Unanswered:
            return {}
        return {
            one.number - 1: (replace(statements[one.number - 1], text=one.text, evidence=unique(one.evidence)),
                             seen[one.number - 1])
            for one in answer.repaired if one.number - 1 in seen
        }  # fmt: skip

    def _repair(self, entries: Sequence[dict[str, object]]) -> Prompt:
        return self.desk.stationery.prompt("repair", {"sentences": list(entries)})

    def _around(self, ids: Sequence[str]) -> list[Utterance]:
        every = [u for u in self.record.transcript.utterances if u.doubt is None]
        cited = [place for place, utterance in enumerate(every) if utterance.id in ids]
        near = {i for place in cited for i in range(place - NEIGHBOURS, place + NEIGHBOURS + 1) if 0 <= i < len(every)}
        return [every[i] for i in sorted(near)]

    def _translated(self, quotes: Sequence[Quote], draft: Recap) -> tuple[Quote, ...]:
        """Foreign quotes with a German translation beside them, where there is one that is borne out."""
        foreign = {index: quote for index, quote in enumerate(quotes) if quote.language not in {"de", "und"}}
        if not foreign:
            return tuple(quotes)
        data = [{"number": i + 1, "language": quote.language, "text": quote.text} for i, quote in foreign.items()]
        try:
            answer = self.desk.ask(self.desk.stationery.prompt("translate", {"quotes": data}), Translations)
        except Unanswered:
            return tuple(quotes)
        translated = {
            one.number - 1: replace(foreign[one.number - 1], translation=one.text)
            for one in answer.translations
            if one.number - 1 in foreign and one.text and is_german(one.text)
        }
        alone = replace(
            draft, headline=None, lead=(), quotes=tuple(translated.values()), chapters=(), open_questions=()
        )
        # Not even a warning is left to the editor: without its translation the quote is as good.
        bad = [finding.part for finding in verify(alone, self.record.transcript, self.record.talk)]
        kept = {index: quote for index, quote in translated.items() if quote not in bad}
        return tuple(kept.get(index, quote) for index, quote in enumerate(quotes))


def _within(utterance: Utterance, span: Span) -> bool:
    return span.start <= utterance.span.start < span.end


def _stated(line: Line, claims: _Statements, *, is_title: bool = False) -> Statement:
    """A line with the evidence of its claims; none where a number is wrong, so that it is objected to."""
    known = [claims[number - 1] for number in line.claims if 0 < number <= len(claims)]
    wrong = len(known) < len(line.claims)
    evidence = () if wrong else unique([one for claim in known for one in claim.evidence])
    return Statement(line.text, evidence, is_title)


def _filled(kept: Sequence[Statement | None], lines: Sequence[Line], claims: _Statements) -> Iterator[Statement]:
    """The sentences that passed; for those that didn't, or where there are none, the claims that nothing else tells."""
    told = {number for one, line in zip(kept, lines, strict=True) if one is not None for number in line.claims}
    for one, line in zip(kept, lines, strict=True):
        if one is not None:
            yield one
            continue
        for number in line.claims:
            if number not in told and 0 < number <= len(claims):
                told.add(number)
                yield claims[number - 1]
    if not any(kept) and not told:
        yield from claims


def _sentence(statement: Statement) -> Sentence:
    return Sentence(statement.text, statement.evidence, Basis.WRITTEN)


def _left_open(stretches: Sequence[_Stretch]) -> Iterator[Question]:
    """What the editor must know about what is missing. Never the words that couldn't be shown."""
    unread = [stretch.chapter for stretch in stretches if not stretch.answered]
    if unread:
        fields: dict[str, str | int | float] = {"count": len(unread), "time": time_code(unread[0].span.start)}
        yield Question("chapters-unwritten", fields, unique([one for c in unread for one in c.evidence]))
    lost = [(stretch.chapter, statement) for stretch in stretches for statement in stretch.lost]
    if lost:
        fields = {"count": len(lost), "time": time_code(lost[0][0].span.start)}
        yield Question("claims-unproven", fields, unique([one for chapter, _ in lost for one in chapter.evidence]))
