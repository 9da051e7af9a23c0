"""A recap in the speakers' own words: sentences are chosen and framed, never written.

Transcript → sentences → measures (`material`) → choice (`selection`) → frames (`framing`, `occasion`) → recap.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jobs.german import quoted, spoken_sentences
from jobs.programme import Talk
from jobs.proof.evidence import proven
from jobs.recap import Basis, Chapter, Quote, Recap, Sentence
from jobs.recording import Provenance
from jobs.timeline import Seconds, Span
from jobs.transcript import Transcript
from jobs.writing.framing import Framing, Heading, namings
from jobs.writing.headlines import Form
from jobs.writing.house_style import HouseStyle, allows, allows_sentence
from jobs.writing.key_sentences import key_sentences, next_best
from jobs.writing.material import Material, measured
from jobs.writing.occasion import length, occasion
from jobs.writing.questions import open_questions
from jobs.writing.selection import Choice, Wishes, choose, presents
from jobs.writing.titles import chapter_title, noun_counts
from jobs.writing.worth import Instruments

#: Where no house style says how long and how many.
HEADLINE_CHARS, QUOTES, QUOTE_WORDS, LEAD_SENTENCES, CHAPTER_SENTENCES = 110, 5, 45, 3, 2
#: A chapter shorter than this is told in one sentence, a longer one in two, and in one more for each further stretch.
SHORT_CHAPTER_S: Seconds = 60.0
ONE_MORE_S: Seconds = 180.0


@dataclass(frozen=True, slots=True)
class Office:
    """What a draft is made with."""

    #: What sentences are measured with.
    instruments: Instruments
    #: German sentences, of which those under "recap." frame the draft.
    labels: Mapping[str, str]
    #: What the recap is stored with.
    provenance: Provenance
    #: None: nothing is forbidden.
    style: HouseStyle | None = None


def write_recap(transcript: Transcript, talk: Talk, office: Office) -> Recap:
    """Draft a recap out of what was said.

    Args:
        transcript: doubtful utterances are never used; without any sentence the recap stays empty.
        talk: who was announced, when and where; used for framing and open questions only.
        office: instruments, words and style.
    """
    questions = open_questions(transcript, talk)
    empty = Recap(transcript.recording_id, None, (), (), (), open_questions=questions, provenance=office.provenance)
    sentences = spoken_sentences(transcript)
    if not sentences:
        return empty
    people = (*transcript.names.values(), *(guest.name for guest in talk.guests))
    material = measured(sentences, transcript.duration_s, office.instruments, people=people, terms=talk.terms)
    framing = Framing(material, namings(transcript, talk, office.labels), office.labels, transcript.language)
    writing = _Writing(transcript, talk, office, material, framing)
    return proven(writing.recap(empty), transcript, talk)


@dataclass(frozen=True, slots=True)
class _Writing:
    """One draft being made."""

    transcript: Transcript
    talk: Talk
    office: Office
    material: Material
    framing: Framing

    def recap(self, empty: Recap) -> Recap:
        choice = choose(self.material, self.transcript.duration_s, self._wishes())
        quotes = tuple(self._quote(indices) for indices in choice.quotes)
        return replace(
            empty,
            headline=self._headline(choice),
            lead=self._lead(choice),
            quotes=quotes,
            chapters=self._chapters(choice, quotes),
        )

    def _wishes(self) -> Wishes:
        style = self.office.style
        known = any(naming.is_known for naming in self.framing.namings.values())
        return Wishes(
            headline_chars=HEADLINE_CHARS if style is None else style.headline_chars,
            quotes=QUOTES if style is None else style.quotes,
            quote_words=QUOTE_WORDS if style is None else style.quote_words,
            lead_sentences=LEAD_SENTENCES if style is None else style.lead_sentences,
            allowed=lambda text: style is None or allows_sentence(text, style),
            quotable=lambda text: style is None or allows(text, style),
            people_known=known or bool(self.talk.guests),
            topic_known=self.talk.title is not None,
        )

    def _headline(self, choice: Choice) -> Sentence | None:
        """A statement in quotation marks: a headline has nobody beside it who says so."""
        found = choice.headline
        if found is None:
            return None
        spoken = self.material.candidates[found.index].spoken
        said = found.form is Form.STATEMENT
        return Sentence(
            text=quoted(found.text) if said else found.text,
            evidence=spoken.evidence,
            basis=Basis.ATTRIBUTED if said else Basis.VERBATIM,
            language=self._language(spoken.language),
        )

    def _lead(self, choice: Choice) -> tuple[Sentence, ...]:
        """Who speaks when, where and about what, what is said on it, and how long it takes."""
        material, until_s = self.material, self.material.opening_s
        presented = tuple(
            one
            for c in material.candidates
            if c.spoken.span.start <= until_s and presents(c.reading, material.people)
            for one in c.spoken.evidence
        )
        who = occasion(self.transcript, self.talk, self.framing.namings, presented=presented, labels=self.office.labels)
        opening = tuple(map(self.framing.opens, choice.introduction))
        said = self.framing.theses(choice.theses)
        return (*who, *opening, *said, length(self.transcript, self.talk, self.framing.namings, self.office.labels))

    def _quote(self, indices: tuple[int, ...]) -> Quote:
        parts = [self.material.candidates[i].spoken for i in indices]
        return Quote(
            text=" ".join(part.text for part in parts),
            speaker=parts[0].speaker,
            span=Span(parts[0].span.start, max(part.span.end for part in parts)),
            language=self._language(parts[0].language),
            evidence=tuple(dict.fromkeys(one for part in parts for one in part.evidence)),
        )

    def _chapters(self, choice: Choice, quotes: tuple[Quote, ...]) -> tuple[Chapter, ...]:
        material, style = self.material, self.office.style
        readings = [candidate.reading for candidate in material.candidates]
        counts, taken = noun_counts(readings), material.twins(choice.used)
        end_s = max(self.transcript.duration_s, *(c.spoken.span.end for c in material.candidates))
        begins = [0.0, *(material.candidates[i].spoken.span.start for i in material.starts[1:])]
        stops = [*material.starts[1:], len(readings)]
        chapters = []
        for start, stop, begin, end in zip(material.starts, stops, begins, [*begins[1:], end_s], strict=True):
            title, evidence, language = chapter_title(
                readings[start:stop],
                counts=counts,
                asks=material.host,
                people=material.people,
                allowed=lambda text: style is None or allows(text, style, title=True),
            )
            most = most_sentences(end - begin, CHAPTER_SENTENCES if style is None else style.chapter_sentences)
            key = key_sentences(material, range(start, stop), taken, most=most, allowed=self._wishes().allowed)
            pointer = self._pointer(Span(begin, end), quotes)
            if not key and not pointer:
                key = next_best(material, range(start, stop), taken, allowed=self._wishes().allowed)
            sentences = self.framing.chapter(key, Heading(title, evidence, taken)) or pointer
            taken = taken | material.twins(key)
            chapters.append(Chapter(title, Span(begin, end), evidence, sentences, self._language(language)))
        return tuple(chapters)

    def _pointer(self, span: Span, quotes: tuple[Quote, ...]) -> tuple[Sentence, ...]:
        """Where all that there is to tell of a chapter stands above: that it does."""
        within = [quote for quote in quotes if span.start <= quote.span.start < span.end]
        return tuple(self.framing.above(quote.speaker, quote.evidence) for quote in within[:1])

    def _language(self, language: str) -> str:
        return self.transcript.language if language == "und" else language


def most_sentences(length_s: Seconds, limit: int) -> int:
    """How many sentences a chapter of this length is told in, at most."""
    return min(limit, 1 if length_s < SHORT_CHAPTER_S else 2 + int(length_s / ONE_MORE_S))
