"""A recap draft laid out for reading, every sentence with what was said: the same in every format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.export.checking import objections, reason, tally
from jobs.export.heading import Heading, recap_heading
from jobs.export.labels import Labels, sentence
from jobs.export.readable import clean
from jobs.export.said import Said, anchor, foreign, said
from jobs.export.voices import Voices, voices_of
from jobs.german import quoted, time_code
from jobs.programme import Talk
from jobs.proof.checks import Flaw
from jobs.proof.evidence import Part
from jobs.recap import Chapter, Quote, Recap, Sentence
from jobs.shapes import WHOLE, Section, Shape, shaped
from jobs.timeline import Seconds
from jobs.transcript import Transcript, Utterance
from jobs.writing.framing import namings

#: The file that evidence links lead to.
TRANSCRIPT_PAGE = "transcript.html"
#: Sections whose sentences are items of a list rather than a text.
LISTS = frozenset({Section.GUESTS, Section.LINKS, Section.QUESTIONS})


@dataclass(frozen=True, slots=True)
class Evidence:
    """The utterance that bears a sentence out."""

    link: str
    voice: str
    said: Said


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, a title or an open question, and what it rests on."""

    text: str
    #: ISO 639-1 where it isn't German and so needs a translation; None where it is.
    language: str | None
    evidence: tuple[Evidence, ...]
    #: What speaks against it and what to do about it: evidence that isn't there, numbers and names that aren't in it, …
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuoteView:
    """Somebody's words, already in quotation marks."""

    claim: Claim
    voice: str
    time: str
    link: str
    #: In quotation marks.
    translation: str | None


@dataclass(frozen=True, slots=True)
class ChapterView:
    """A stretch on one topic."""

    title: Claim
    time: str
    link: str
    sentences: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class RecapView:
    """A recap draft as it is read, in the order of `sections`. What is empty is not to be shown."""

    heading: Heading
    sections: tuple[Section, ...]
    headline: Claim | None
    lead: tuple[Claim, ...]
    guests: tuple[Claim, ...]
    body: tuple[Claim, ...]
    quotes: tuple[QuoteView, ...]
    chapters: tuple[ChapterView, ...]
    links: tuple[Claim, ...]
    posts: tuple[Claim, ...]
    questions: tuple[Claim, ...]

    def claims(self, section: Section) -> tuple[Claim, ...]:
        """What stands in a section that is a list of sentences."""
        listed = {
            Section.LEAD: self.lead,
            Section.GUESTS: self.guests,
            Section.BODY: self.body,
            Section.LINKS: self.links,
            Section.POSTS: self.posts,
            Section.QUESTIONS: self.questions,
        }
        return listed[section]


def view_recap(recap: Recap, transcript: Transcript, talk: Talk, labels: Labels, shape: Shape = WHOLE) -> RecapView:
    """Lay a recap out for reading, in a shape."""
    laid = shaped(recap, shape, transcript, talk, labels)
    utterances = {utterance.id: utterance for utterance in transcript.utterances}
    whole = laid.whole
    found = objections(whole, transcript, talk)
    warnings = {
        part: [
            reason(check, labels) for check in against if check.flaw is not Flaw.UNKNOWN_EVIDENCE
        ]  # told with its id
        for part, against in found.items()
    }
    names = {label: one.name for label, one in namings(transcript, talk, labels).items() if one.is_known}
    source = _Source(utterances, voices_of(transcript, labels), names, labels, warnings)
    return RecapView(
        heading=recap_heading(recap, transcript, talk, labels, checked=tally(whole, found, labels)),
        sections=shape.sections,
        headline=None if laid.recap.headline is None else source.claim(laid.recap.headline),
        lead=tuple(map(source.claim, laid.recap.lead)),
        guests=tuple(map(source.claim, laid.guests)),
        body=tuple(map(source.claim, laid.body)),
        quotes=tuple(map(source.quote, laid.recap.quotes)),
        chapters=tuple(map(source.chapter, laid.recap.chapters)),
        links=tuple(map(source.claim, laid.links)),
        posts=tuple(map(source.claim, laid.posts)),
        questions=tuple(
            source.proven(question, sentence(labels, "question", question.code, question.fields), None)
            for question in laid.recap.open_questions
        ),
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """The transcript that a recap is shown against."""

    utterances: Mapping[str, Utterance]
    voices: Voices
    #: Speaker label → name, with a mark where nobody has confirmed it.
    names: Mapping[str, str]
    labels: Labels
    #: By the part's identity: parts that are alike may stand in two places.
    warnings: Mapping[int, Sequence[str]]

    def claim(self, written: Sentence) -> Claim:
        return self.proven(written, written.text, foreign(written.language))

    def proven(self, part: Part, text: str, language: str | None) -> Claim:
        known = [self.utterances[one] for one in part.evidence if one in self.utterances]
        missing = (self.labels["export.missing"].format(id=one) for one in part.evidence if one not in self.utterances)
        warnings = (*missing, *self.warnings.get(id(part), ()))
        return Claim(clean(text), language, tuple(map(self.evidence, known)), tuple(map(clean, warnings)))

    def evidence(self, utterance: Utterance) -> Evidence:
        voice = self.voices.name(utterance.speaker)
        return Evidence(_link(utterance.span.start), voice, said(utterance, self.labels))

    def quote(self, spoken: Quote) -> QuoteView:
        claim = self.proven(spoken, quoted(clean(spoken.text)), foreign(spoken.language))
        translation = clean(spoken.translation or "")
        return QuoteView(
            claim=claim,
            voice=self.whose(spoken.speaker),
            time=time_code(spoken.span.start),
            link=claim.evidence[0].link if claim.evidence else TRANSCRIPT_PAGE,
            translation=quoted(translation) if translation else None,
        )

    def whose(self, speaker: str | None) -> str:
        """A voice as the transcript calls it; where somebody has still to confirm its name, with both."""
        voice, name = self.voices.name(speaker), clean(self.names.get(speaker or "", ""))
        return f"{name}, {voice}" if name and name != voice else voice

    def chapter(self, stretch: Chapter) -> ChapterView:
        return ChapterView(
            title=self.proven(stretch, stretch.title, foreign(stretch.language)),
            time=time_code(stretch.span.start),
            link=self.link_at(stretch.span.start),
            sentences=tuple(map(self.claim, stretch.sentences)),
        )

    def link_at(self, start: Seconds) -> str:
        """Where the transcript goes on after a point in time."""
        following = (one.span.start for one in self.utterances.values() if one.span.end > start)
        return next(map(_link, following), TRANSCRIPT_PAGE)


def _link(start: Seconds) -> str:
    return f"{TRANSCRIPT_PAGE}#{anchor(start)}"
