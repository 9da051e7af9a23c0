"""The shapes that a recap is laid out in: news item, look back, show notes, newsletter, posts.

A shape is data, see `config/shapes.toml`. It chooses out of a checked draft, whoever wrote that: nothing is written
anew but frames, and every sentence keeps its evidence.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from jobs.german import quoted, time_code
from jobs.programme import Talk
from jobs.proof.evidence import verify
from jobs.recap import Basis, Chapter, Quote, Recap, Sentence
from jobs.transcript import Transcript, Utterance
from jobs.writing.framing import Naming, namings

#: A name of something written in capitals, or with one within: "ARD", "TikTok". Two letters ("KI") name nothing.
_SIGN = re.compile(r"\b(?=\w*[A-ZÄÖÜ]\w*[A-ZÄÖÜ])[^\W\d_]{3,}\b")
#: A post that quotes more is none.
MAX_POST_QUOTES = 2
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


class Section(StrEnum):
    """A part of a laid-out recap."""

    HEADLINE = "headline"
    LEAD = "lead"
    GUESTS = "guests"
    #: Key sentences one after the other, without their chapters.
    BODY = "body"
    QUOTES = "quotes"
    CHAPTERS = "chapters"
    #: What somebody must put a link to.
    LINKS = "links"
    #: For social networks.
    POSTS = "posts"
    QUESTIONS = "questions"


class Shape(BaseModel):
    """Which parts in which order, and how much of each; None: all there is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: What an editor calls it.
    title: str = Field(min_length=1)
    sections: tuple[Section, ...] = Field(min_length=1)
    lead_sentences: int | None = Field(None, ge=1)
    body_sentences: int | None = Field(None, ge=1)
    quotes: int | None = Field(None, ge=0)
    chapters: int | None = Field(None, ge=1)
    chapter_sentences: int | None = Field(None, ge=0)
    links: int | None = Field(None, ge=0)
    #: One post for each length, in characters.
    post_chars: tuple[int, ...] = ()


#: Everything that a draft holds, in the order an editor reads.
WHOLE = Shape(
    title="Rückblick",
    sections=(Section.HEADLINE, Section.LEAD, Section.QUOTES, Section.CHAPTERS, Section.QUESTIONS),
)


@dataclass(frozen=True, slots=True)
class Shaped:
    """A draft laid out: what isn't among the shape's sections is empty."""

    shape: Shape
    #: Cut to the shape.
    recap: Recap
    guests: tuple[Sentence, ...] = ()
    body: tuple[Sentence, ...] = ()
    links: tuple[Sentence, ...] = ()
    posts: tuple[Sentence, ...] = ()

    @property
    def whole(self) -> Recap:
        """The recap with everything that the shape has added, to be checked as one."""
        return replace(self.recap, lead=(*self.recap.lead, *self.guests, *self.body, *self.links, *self.posts))


def parse_shapes(data: Mapping[str, object]) -> Mapping[str, Shape]:
    """Read the content of `config/shapes.toml`.

    Raises:
        ValueError: a key or a section isn't known, or a limit isn't allowed (pydantic's errors are such).
    """
    return {name: Shape.model_validate(shape) for name, shape in data.items()}


def shape_name(given: str) -> str:
    """A shape's name as people write it: "Rückblick" is "rueckblick".

    Examples:
        >>> shape_name(" Rückblick ")
        'rueckblick'
    """
    return given.strip().casefold().translate(_UMLAUTS)


def shaped(recap: Recap, shape: Shape, transcript: Transcript, talk: Talk, labels: Mapping[str, str]) -> Shaped:
    """Lay a draft out.

    Args:
        recap: a checked draft of either writer.
        shape: how.
        transcript: what the draft was made from.
        talk: who was announced, and terms that may have been spoken of.
        labels: German words, those under "recap." and "shape.".
    """
    work = _Work(recap, shape, transcript, talk, labels, namings(transcript, talk, labels))
    has = set(shape.sections)
    cut = replace(
        recap,
        headline=recap.headline if Section.HEADLINE in has else None,
        lead=work.lead() if Section.LEAD in has else (),
        quotes=work.quotes() if Section.QUOTES in has else (),
        chapters=work.chapters() if Section.CHAPTERS in has else (),
        open_questions=recap.open_questions if Section.QUESTIONS in has else (),
    )
    return Shaped(
        shape,
        cut,
        guests=tuple(work.guests()) if Section.GUESTS in has else (),
        body=tuple(work.body()) if Section.BODY in has else (),
        links=tuple(work.links())[: shape.links] if Section.LINKS in has else (),
        posts=tuple(work.posts()) if Section.POSTS in has else (),
    )


@dataclass(frozen=True, slots=True)
class _Work:
    recap: Recap
    shape: Shape
    transcript: Transcript
    talk: Talk
    labels: Mapping[str, str]
    namings: Mapping[str, Naming]

    def lead(self) -> tuple[Sentence, ...]:
        """Its first sentences, at least one of which somebody said: whatever its frame takes up."""
        most, lead = self.shape.lead_sentences, self.recap.lead
        if most is None:
            return lead
        if len(lead) > 1 and lead[-1].basis is Basis.FRAME:
            lead = lead[:-1]
        told = [sentence for sentence in lead if sentence.basis is not Basis.FRAME]
        framed = [sentence for sentence in lead if sentence.basis is Basis.FRAME][: max(0, most - 1) if told else most]
        kept = [*framed, *told[: most - len(framed)]]
        return tuple(sentence for sentence in lead if sentence in kept)

    def quotes(self) -> tuple[Quote, ...]:
        """As many as there may be, of every voice one before any has two, in time order."""
        kept = self._in_turn()[: self.shape.quotes]
        return tuple(quote for quote in self.recap.quotes if quote in kept)

    def chapters(self) -> tuple[Chapter, ...]:
        """The longest ones, in time order, each with its first sentences."""
        most, chapters = self.shape.chapters, self.recap.chapters
        longest = sorted(chapters, key=lambda one: -one.span.duration)[:most]
        kept = [chapter for chapter in chapters if chapter in longest]
        shown = self.quotes() if Section.QUOTES in self.shape.sections else ()
        return tuple(
            replace(one, sentences=tuple(self._told(one, shown))[: self.shape.chapter_sentences]) for one in kept
        )

    def body(self) -> Iterator[Sentence]:
        """The first sentence of each chapter; of too many, those spread over the whole talk."""
        shown = self.quotes() if Section.QUOTES in self.shape.sections else ()
        stands = {*(s.text for s in self.lead()), *(quoted(quote.text) for quote in shown)}
        told = (
            self._without_heading(sentence, chapter)
            for chapter in self.recap.chapters
            for sentence in list(self._told(chapter, shown, point=False))[:1]
        )
        first = [sentence for sentence in told if sentence.text not in stands]
        most = self.shape.body_sentences
        if most is None or len(first) <= most:
            yield from first
        else:
            yield from (first[round(i * (len(first) - 1) / max(1, most - 1))] for i in range(most))

    def _without_heading(self, sentence: Sentence, chapter: Chapter) -> Sentence:
        """An answer to the question in its chapter's title, with that question."""
        name, _, rest = self.labels["recap.answers"].format(name="\0", words="\1").partition("\1")[0].partition("\0")
        source, found, words = sentence.text.partition(f"{rest}„")
        if sentence.basis is not Basis.ATTRIBUTED or not found or not chapter.title.endswith("?"):
            return sentence
        text = self.labels["recap.asked"].format(
            question=quoted(chapter.title), name=source.removeprefix(name), words=f"„{words}", time=""
        )
        return replace(sentence, text=text, evidence=tuple(dict.fromkeys((*chapter.evidence, *sentence.evidence))))

    def _told(self, chapter: Chapter, shown: Sequence[Quote], *, point: bool = True) -> Iterator[Sentence]:
        """A chapter's sentences; where one points to a quote that isn't shown, the quote."""
        for sentence in chapter.sentences:
            quote = next((q for q in self.recap.quotes if q.evidence == sentence.evidence), None)
            if sentence.basis is not Basis.FRAME or quote is None:
                yield sentence
            elif quote not in shown:
                yield self._quoted(quote)
            elif point:
                yield sentence

    def guests(self) -> Iterator[Sentence]:
        """Whoever is announced, and whoever's voice has a name besides."""
        for _, text, evidence in self._people():
            yield Sentence(text, (evidence,), Basis.FRAME)

    def _people(self) -> Iterator[tuple[str, str, str]]:
        """Name, how it is told, and evidence: the first utterance of the voice, else of the recording."""
        sound = self._sound()
        if not sound:
            return
        first = {u.speaker: u.id for u in reversed(sound)}
        voices = {naming.plain: label for label, naming in self.namings.items() if naming.plain is not None}
        for guest in self.talk.guests:
            text = f"{guest.name}, {guest.role}" if guest.role else guest.name
            yield guest.name, text, first.get(voices.get(guest.name), sound[0].id)
        announced = {guest.name for guest in self.talk.guests}
        for name, label in voices.items():
            if name not in announced and label in first:
                yield name, self.namings[label].name, first[label]

    def links(self) -> Iterator[Sentence]:
        """A place to fill for every guest, and for every term of the programme or sign that was spoken of."""
        found = {name: (evidence,) for name, _, evidence in self._people()}
        for utterance in self._sound():
            signs = _SIGN.findall(utterance.text)
            terms = (term for term in self.talk.terms if _holds(utterance.text, term))
            for name in (*terms, *signs):
                found.setdefault(name, (utterance.id,))
        for name, evidence in found.items():
            yield Sentence(self.labels["shape.link"].format(name=name), evidence, Basis.FRAME)

    def posts(self) -> Iterator[Sentence]:
        """One text for each length: as many quotes as fit, two at most, and the title where there is room."""
        told = [self._quoted(quote) for quote in self._in_turn() if quote.language == "de"]
        told += [s for s in (*self.recap.lead, self.recap.headline) if s is not None and s.basis is not Basis.FRAME]
        told += [self._quoted(quote) for quote in self._in_turn() if quote.language != "de"]
        posts: list[Sentence] = []
        for most in self.shape.post_chars:
            post = self._post(told, most)
            if post is not None and all(post.text != other.text for other in posts):
                posts.append(post)
        yield from (post for post in posts if self._holds(post))

    def _in_turn(self) -> Sequence[Quote]:
        """The quotes, of every voice one before any has two."""
        quotes = self.recap.quotes
        turn = [sum(other.speaker == one.speaker for other in quotes[:i]) for i, one in enumerate(quotes)]
        return [quotes[i] for i in sorted(range(len(quotes)), key=lambda i: (turn[i], i))]

    def _post(self, told: Sequence[Sentence], most: int) -> Sentence | None:
        more = self.labels["shape.more"]
        title = "" if self.talk.title is None or re.search("[„“]", self.talk.title) else self.talk.title
        endings = (f"{title} – {more}" if title else more, more, "")
        for ending in endings:
            chosen: list[Sentence] = []
            for sentence in told:
                text = " ".join((*(one.text for one in chosen), sentence.text, ending)).strip()
                if len(chosen) < MAX_POST_QUOTES and len(text) <= most:
                    chosen.append(sentence)
            if chosen:
                text = " ".join((*(one.text for one in chosen), ending)).strip()
                evidence = tuple(dict.fromkeys(one for sentence in chosen for one in sentence.evidence))
                return replace(chosen[0], text=text, evidence=evidence)
        return None

    def _holds(self, post: Sentence) -> bool:
        alone = replace(self.recap, headline=None, lead=(post,), quotes=(), chapters=(), open_questions=())
        return not verify(alone, self.transcript, self.talk)

    def _quoted(self, quote: Quote) -> Sentence:
        """A quote as a sentence, with who says it and when."""
        unknown = self.labels["recap.unnamed"]
        naming = self.namings.get(quote.speaker or "", Naming(unknown, unknown))
        impersonal = "_impersonal" if not naming.is_known and len(self.namings) < 2 else ""
        text = self.labels[f"recap.says{impersonal}"].format(
            words=quoted(quote.text.removesuffix(".")), name=naming.name, time=time_code(quote.span.start)
        )
        return Sentence(text[:1].upper() + text[1:], quote.evidence, Basis.ATTRIBUTED, quote.language)

    def _sound(self) -> tuple[Utterance, ...]:
        return tuple(u for u in self.transcript.utterances if u.doubt is None)


def _holds(text: str, term: str) -> bool:
    """Whether a word of the text begins as the term does."""
    return term in text and re.search(rf"\b{re.escape(term)}", text) is not None
