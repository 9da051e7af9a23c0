"""A recap as an edited file has it: each line is told by the line of the file it was made from.

What a line of that file shows is found by its text, so that layouts may change: what shows no part of the recap is a
heading, a label or a mark, and says only in which section one is.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain

from pydantic import TypeAdapter
from rapidfuzz import fuzz

from jobs.export.readable import clean
from jobs.export.voices import Voices
from jobs.german import quoted, time_code
from jobs.manuscript import Line
from jobs.pairing import Text, paired
from jobs.proof.quotes import locate
from jobs.proof.record import Record
from jobs.recap import Basis, Chapter, Quote, Recap, Sentence

#: "— Anna Berg, 0:20" below a quote.
_VOICE = re.compile(r"[—–-]\s*(?P<name>[^\n]{1,120}?)(?:,\s*[\d:]+)?")
#: Behind a name that nobody has confirmed.
_UNCONFIRMED = " (?)"
_MARKS = '„“”»«"‚‘ '
#: A sentence in another language that is less alike than this has been translated.
_TRANSLATED = 60.0  # percent


_RECAP = TypeAdapter(Recap)


class _Kind(StrEnum):
    HEADLINE = "headline"
    LEAD = "lead"
    QUOTE = "quote"
    TRANSLATION = "translation"
    CHAPTER = "chapter"
    SENTENCE = "sentence"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A part of a recap, and how a file shows it."""

    kind: _Kind
    part: Sentence | Quote | Chapter | None
    text: str
    #: What stands before and behind it on its line.
    before: str = ""
    behind: str = ""

    def within(self, line: Line) -> str:
        """The text of an edited line, without what its file had put around it."""
        text = line.text.removeprefix(self.before).removesuffix(self.behind)
        return clean(text.removeprefix(self.before.rstrip()).removesuffix(self.behind.lstrip()))


@dataclass(frozen=True, slots=True)
class Revision:
    """What an edited file makes of a recap."""

    #: Still a draft; without open questions.
    recap: Recap
    #: The title that an editor gave it; None where nobody did.
    title: str | None = None
    #: Speaker label → the name that an editor gave to a voice.
    names: Mapping[str, str] = field(default_factory=dict)
    #: Questions that were left standing.
    left_open: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Printed:
    """A file that shows a recap."""

    recap: Recap
    lines: tuple[Line, ...]
    #: The names of the voices in it, and its open questions.
    voices: Voices
    questions: tuple[str, ...]
    #: What an editor has already given it: a title, and names of voices by speaker label.
    title: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)


def revised(printed: Printed, after: Sequence[Line], record: Record) -> Revision:
    """Read an edited file.

    A sentence that was reworded keeps its evidence, one that was added has what the times in brackets behind it name.
    What the file didn't show, nobody has approved.

    Args:
        printed: The file as it was.
        after: Its lines now.
        record: The transcript.
    """
    before = printed.lines
    shown = _shown(printed)
    desk = _Desk(record, printed)
    pairs = paired(tuple(map(_text, before)), tuple(map(_text, after)))
    sections = _sections(before, shown)
    title = None if _title(before) in pairs.values() else _title(after)
    for place, line in enumerate(after):
        old = pairs.get(place)
        if place == title:
            desk.title = line.text
        elif old is None:
            desk.add(line)
        elif old in shown:
            desk.take(line, shown[old], before[old])
        elif old in sections:
            desk.section = sections[old]
        else:
            desk.pass_by(line, before[old], is_title=old == _title(before))
    return desk.revision(printed.recap)


def _text(line: Line) -> Text:
    return Text("quote" if line.is_quote else "text", line.text, line.times)


def _title(before: Sequence[Line]) -> int | None:
    return next((place for place, line in enumerate(before) if line.is_heading), None)


def _parts(recap: Recap, questions: Sequence[str]) -> Iterator[_Shown]:
    if recap.headline is not None:
        yield _Shown(_Kind.HEADLINE, recap.headline, clean(recap.headline.text))
    for sentence in recap.lead:
        yield _Shown(_Kind.LEAD, sentence, clean(sentence.text))
    for quote in recap.quotes:
        yield _Shown(_Kind.QUOTE, quote, quoted(clean(quote.text)))
        if quote.translation:
            yield _Shown(_Kind.TRANSLATION, quote, quoted(clean(quote.translation)))
    for chapter in recap.chapters:
        yield _Shown(_Kind.CHAPTER, chapter, clean(chapter.title))
        for sentence in chapter.sentences:
            yield _Shown(_Kind.SENTENCE, sentence, clean(sentence.text))
    for question in questions:
        yield _Shown(_Kind.QUESTION, None, clean(question))


def _shown(printed: Printed) -> Mapping[int, _Shown]:
    """By the place of its line, the part that is shown there; each part once, in the order of the recap."""
    waiting = [part for part in _parts(printed.recap, printed.questions) if part.text]
    found: dict[int, _Shown] = {}
    for place, line in enumerate(printed.lines):
        fitting = (one for one in waiting if one.text in line.text and _may_stand(one, line))
        # The longest: "Ja" stands in many a line.
        part = max(fitting, key=lambda one: len(one.text), default=None)
        if part is not None:
            head, _, tail = line.text.partition(part.text)
            found[place] = replace(part, before=head, behind=tail)
            waiting.remove(part)
    return found


def _may_stand(part: _Shown, line: Line) -> bool:
    """Whether a line of that kind may show such a part."""
    if line.is_heading:
        return part.kind is _Kind.CHAPTER
    return part.kind in (_Kind.QUOTE, _Kind.TRANSLATION) if line.is_quote else part.kind is not _Kind.CHAPTER


def _sections(lines: Sequence[Line], shown: Mapping[int, _Shown]) -> Mapping[int, _Kind]:
    """By the place of a heading that shows no part: what the lines below it are."""
    found: dict[int, _Kind] = {}
    for place, line in enumerate(lines):
        if line.is_heading and place not in shown and place != _title(lines):
            below = next((shown[one].kind for one in range(place, len(lines)) if one in shown), None)
            if below is not None:
                found[place] = below
    return found


class _Desk:
    """An edited file that is being read: what has been read so far."""

    def __init__(self, record: Record, printed: Printed) -> None:
        self.section = _Kind.LEAD
        self.title = printed.title
        self._record = record
        self._printed = printed
        self._headline: Sentence | None = None
        self._lead: list[Sentence] = []
        self._quotes: list[Quote] = []
        self._chapters: list[Chapter] = []
        self._names: dict[str, str] = {}
        #: Whether the next name below words is that of the last quote's speaker.
        self._after_quote = False
        self._left_open: list[str] = []

    def revision(self, recap: Recap) -> Revision:
        changed = replace(
            recap, headline=self._headline, lead=tuple(self._lead), quotes=tuple(self._quotes),
            chapters=tuple(self._chapters), open_questions=(),
        )  # fmt: skip
        return Revision(changed, self.title, {**self._printed.names, **self._names}, tuple(self._left_open))

    def take(self, line: Line, shown: _Shown, was: Line) -> None:
        """A line that shows a part of the recap, as it was or reworded."""
        text = shown.within(line)
        if shown.kind is _Kind.QUESTION:
            self.section = _Kind.QUESTION
            self._left_open.append(text)
        elif isinstance(shown.part, Quote):
            self._quote(text, shown, shown.part)
        elif isinstance(shown.part, Chapter):
            self.section = _Kind.CHAPTER
            self._chapters.append(replace(shown.part, title=text, sentences=()))
        elif isinstance(shown.part, Sentence):
            self._sentence(self._edited(shown.part, text, line, was), shown.kind)

    def add(self, line: Line) -> None:
        """A line that wasn't there before."""
        voice = _VOICE.fullmatch(line.text) if line.is_quote else None
        if voice is not None:
            self._ascribe(voice["name"])
            return
        evidence = self._at(line.times)
        found = locate(line.text.strip(_MARKS), evidence, self._record) if line.is_quote else None
        if found is not None:
            self._quotes.append(found)
            self._after_quote = True
        elif self.section is _Kind.QUESTION:
            self._left_open.append(line.text)
        else:
            self._sentence(Sentence(line.text, evidence, Basis.EDITED), self.section)

    def pass_by(self, line: Line, was: Line, *, is_title: bool) -> None:
        """A line that shows no part: it may be a title, or say whose words a quote is."""
        if is_title and line.text != was.text:
            self.title = line.text
        said, named = _VOICE.fullmatch(was.text), _VOICE.fullmatch(line.text)
        if line.is_quote and said is not None and named is not None and said["name"] != named["name"]:
            self._ascribe(named["name"])

    def _sentence(self, sentence: Sentence, kind: _Kind) -> None:
        self._after_quote = False
        if kind is _Kind.HEADLINE and self._headline is None:
            self._headline = sentence
        elif self._chapters and self.section in (_Kind.CHAPTER, _Kind.SENTENCE):
            last = self._chapters[-1]
            self._chapters[-1] = replace(last, sentences=(*last.sentences, sentence))
        else:
            self._lead.append(sentence)

    def _edited(self, old: Sentence, text: str, line: Line, was: Line) -> Sentence:
        evidence = old.evidence if line.times in ((), was.times) else self._at(line.times, old.evidence)
        if text == clean(old.text):
            return old if evidence == old.evidence else replace(old, evidence=evidence, basis=Basis.EDITED)
        language = old.language if fuzz.ratio(text, clean(old.text)) >= _TRANSLATED else "de"
        return Sentence(text, evidence, Basis.EDITED, language)

    def _at(self, times: Sequence[str], known: Sequence[str] = ()) -> tuple[str, ...]:
        """The utterances that begin at these times; where some were known there, only those."""
        began = [(u.id, time_code(u.span.start)) for u in self._record.transcript.utterances]
        meant = []
        for time in times:
            there = [one for one, at in began if at == time]
            meant += [one for one in there if one in known] or there
        return tuple(dict.fromkeys(meant))

    def _quote(self, text: str, shown: _Shown, old: Quote) -> None:
        same = text.strip(_MARKS) == shown.text.strip(_MARKS)
        self._after_quote = True
        if shown.kind is _Kind.QUOTE:
            self._quotes.append(replace(old, text=old.text if same else text.strip(_MARKS), translation=None))
        elif self._quotes:
            translation = old.translation if same else text.strip(_MARKS)
            self._quotes[-1] = replace(self._quotes[-1], translation=translation)

    def _ascribe(self, name: str) -> None:
        """Somebody else is named for the last quote: another voice, or the same one by its name."""
        if not self._after_quote:
            return
        last = self._quotes[-1]
        shown = self._printed.voices.name(last.speaker)
        name = clean(name).removesuffix(f", {shown}").removesuffix(_UNCONFIRMED)
        label = self._voice_of(name)
        if last.speaker is None or label not in (None, last.speaker):
            self._quotes[-1] = replace(last, speaker=label)
        elif name != shown and self._names.setdefault(last.speaker, name) != name:
            self._quotes[-1] = replace(last, speaker=None)

    def _voice_of(self, name: str) -> str | None:
        """The voice that is called so, or is probably somebody of that name; None where that may be anybody."""
        called = (label for label, known in self._printed.voices.names.items() if known == name)
        suggested = (label for person in self._record.people if person.name == name for label in person.voices)
        return next(chain(called, suggested), None)


def from_json(data: bytes) -> Recap:
    """Read an edited `recap.json`; a sentence without evidence counts as written by whoever edited it.

    Raises:
        ValueError: it is none.
    """
    document = json.loads(data)
    for sentence in _sentences(document):
        if not sentence.get("evidence"):
            sentence.update(evidence=[], basis=Basis.EDITED.value)
    return _RECAP.validate_python(document)


def _sentences(document: object) -> Iterator[dict[str, object]]:
    """All objects within a document that have the fields of a sentence."""
    if isinstance(document, dict):
        if "text" in document and "span" not in document:
            yield document
        else:
            yield from (one for value in document.values() for one in _sentences(value))
    elif isinstance(document, list):
        yield from (one for value in document for one in _sentences(value))


def settled(given: Recap, draft: Recap, names: Mapping[str, str]) -> Revision:
    """What an edited recap changes of its draft; nothing but its words and their evidence is taken from it.

    Args:
        given: The edited recap: the draft, or what was approved of it last.
        draft: The draft.
        names: What voices were called in what was approved last.
    """
    kept = {one for one in (draft.headline, *draft.lead) if one is not None}
    kept |= {sentence for chapter in draft.chapters for sentence in chapter.sentences}

    def edited(sentence: Sentence) -> Sentence:
        return sentence if sentence in kept else replace(sentence, basis=Basis.EDITED)

    chapters = (replace(one, sentences=tuple(map(edited, one.sentences))) for one in given.chapters)
    recap = replace(
        draft, headline=None if given.headline is None else edited(given.headline), lead=tuple(map(edited, given.lead)),
        quotes=given.quotes, chapters=tuple(chapters), open_questions=(),
    )  # fmt: skip
    return Revision(recap) if given.approval is None else Revision(recap, given.approval.title, names)
