"""All sentences of a recording, measured, and how to choose among them.

Transcript → sentences → readings, meaning, chapters → candidates.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jobs.chapters import chapter_starts, moderator
from jobs.german import Spoken
from jobs.timeline import Seconds
from jobs.writing.phrases import JOINS, LEAVES_OFF, SAYS_THAT, SUBORDINATES
from jobs.writing.worth import Instruments, Kind, Reading, Worth, names_something, part, read, worth

#: Sentences embedded at once, so that memory stays flat on a day of speech.
BATCH = 256
#: A choice among more candidates than this gets no better.
SHORTLIST = 300
#: Below this a sentence leaves its reader asking "who?" or "what?".
SELF_CONTAINED = 0.6
#: Sentences this much alike say the same: trailers and hosts repeat the best ones. Measured on repeats that the
#: recognizer heard differently: 0.74 and more; on sentences that only resemble each other: 0.65 at most.
TWINS = 0.72
#: Whoever speaks later than this after a question doesn't answer it.
MAX_ANSWER_S: Seconds = 8.0
#: Right before its verb one of these is the subject of a main clause.
_SUBJECTS = frozenset({"das", "wir", "ich", "man", "es"})
#: A talk of one voice that is no longer than this is a statement.
MAX_STATEMENT_S: Seconds = 180.0
#: The first sentences of a turn answer the question before it, those after them may be about anything.
ANSWERING = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence with everything that is known about it."""

    index: int
    reading: Reading
    #: The same without an "aber" or "und" in front; what it is worth, and what stands in running text.
    statement: Reading
    worth: Worth
    #: Share of the other sentences that lie farther from the middle of the whole talk, 0.0 to 1.0.
    central: float
    #: The same within its chapter.
    central_here: float
    chapter: int
    by_host: bool

    @property
    def spoken(self) -> Spoken:
        """The sentence as it was said."""
        return self.reading.spoken

    @property
    def usable(self) -> float:
        """What every use of the sentence asks for."""
        return self.worth.matter * self.worth.independence * self.worth.confidence

    @property
    def well_heard(self) -> bool:
        """Whether the recognizer was sure enough, and of words that exist."""
        return self.worth.confidence >= 0.5 and not self.reading.unheard

    @property
    def clear(self) -> bool:
        """Whether it can stand without what was said before, and was heard well."""
        return self.worth.independence > SELF_CONTAINED and self.well_heard

    @property
    def asks(self) -> bool:
        """Whether it is a question."""
        return self.reading.text.endswith("?")


@dataclass(frozen=True, slots=True)
class Material:
    """All sentences of a recording, measured."""

    candidates: tuple[Candidate, ...]
    #: Centred meaning of each sentence, rows of length 1.
    vectors: NDArray[np.float32]
    #: Indices of the sentences that open chapters.
    starts: tuple[int, ...]
    host: str | None
    #: Words of the names that an editor or the programme gives.
    people: frozenset[str]

    def alike(self, one: int, other: int) -> float:
        """Cosine of two sentences' meaning, 0.0 for unrelated ones."""
        return max(0.0, float(self.vectors[one] @ self.vectors[other]))

    def twins(self, chosen: Sequence[int]) -> set[int]:
        """The chosen sentences and all that say the same."""
        return {int(i) for one in chosen for i in np.flatnonzero(self.vectors @ self.vectors[one] >= TWINS)} | set(
            chosen
        )

    def question(self, index: int) -> int | None:
        """The question that a sentence answers: the last one of the voice before, which it follows at once."""
        speaker = self.candidates[index].spoken.speaker
        first = index
        while first and index - first < ANSWERING and self.candidates[first - 1].spoken.speaker == speaker:
            first -= 1
        if speaker is None or not first or index - first >= ANSWERING:
            return None
        asked, answered = self.candidates[first - 1], self.candidates[first]
        late = answered.spoken.span.start - asked.spoken.span.end > MAX_ANSWER_S
        return None if late or not asked.asks or asked.spoken.speaker is None else first - 1

    @property
    def is_statement(self) -> bool:
        """Whether somebody speaks alone, and not for long."""
        alone = len({c.spoken.speaker for c in self.candidates}) == 1
        return alone and max(c.spoken.span.end for c in self.candidates) <= MAX_STATEMENT_S

    @property
    def opening_s(self) -> Seconds:
        """Until when the talk introduces itself."""
        return max(45.0, 0.12 * max(candidate.spoken.span.end for candidate in self.candidates))


@dataclass(frozen=True, slots=True)
class Taste:
    """How to choose among good sentences."""

    #: Picks at most.
    count: int
    #: Price of being alike in meaning, 0.0 to 1.0.
    variety: float
    #: Picks closer in time than this cost up to half their score.
    spread_s: float = 0.0
    #: Price of each earlier pick by the same speaker, 0.0 to 1.0.
    voices: float = 0.0


def measured(
    sentences: Sequence[Spoken], duration_s: Seconds, instruments: Instruments, *, people: Sequence[str],
    terms: Sequence[str] = (),
) -> Material:  # fmt: skip
    """Read, weigh and place every sentence.

    Args:
        sentences: ordered by start, at least one.
        duration_s: length of the recording.
        instruments: what sentences are measured with.
        people: full names that an editor or the programme gives.
        terms: what else the programme spells.
    """
    spelt = frozenset(word.casefold() for name in (*people, *terms) for word in name.split())
    readings = [read(s, tag=instruments.tag, frequency=instruments.frequency, spelt=spelt) for s in sentences]
    vectors = _embedded([reading.text for reading in readings], instruments)
    centred = _centred(vectors, [s.language for s in sentences])
    host = moderator(sentences)
    starts = chapter_starts(sentences, centred, duration_s=duration_s, host=host)
    chapter_of = np.searchsorted(np.array(starts), np.arange(len(sentences)), side="right") - 1
    units = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    here = np.zeros(len(sentences))
    for chapter in range(len(starts)):
        inside = chapter_of == chapter
        here[inside] = _ranks(units[inside] @ units[inside].mean(axis=0))
    central = _ranks(vectors @ vectors.mean(axis=0))
    statements = [_statement(reading) for reading in readings]
    candidates = tuple(
        Candidate(
            index=i,
            reading=reading,
            statement=statements[i],
            worth=worth(statements[i]),
            central=float(central[i]),
            central_here=float(here[i]),
            chapter=int(chapter_of[i]),
            by_host=host is not None and reading.spoken.speaker == host,
        )
        for i, reading in enumerate(readings)
    )
    words = frozenset(word for name in people for word in name.split())
    return Material(candidates, units.astype(np.float32), starts, host, words)


def chosen(material: Material, scores: Mapping[int, float], taste: Taste) -> list[int]:
    """Pick the best, each pick making those that are like it less welcome (maximal marginal relevance).

    `scores` maps sentence indices to how good they are; nothing at or below 0.0 is picked.
    """
    picked: list[int] = []
    pool = sorted((i for i in scores if scores[i] > 0), key=lambda i: -scores[i])[:SHORTLIST]
    while pool and len(picked) < taste.count:
        best = max(pool, key=lambda i: scores[i] * _welcome(material, i, picked, taste))
        if _welcome(material, best, picked, taste) == 0:
            break
        pool.remove(best)
        picked.append(best)
    return picked


def clauses(reading: Reading) -> Iterator[Reading]:
    """A statement, and those of its parts that are statements of their own: main clauses, and what follows a colon.

    Recognizers write a comma where somebody begins anew: "Entscheidend ist der Ton, wir erklären den Haushalt."
    """
    if reading.text.endswith("?"):
        return
    yield reading
    words = [word.text for word in reading.spoken.words]
    borders = [i + 1 for i, word in enumerate(words[:-1]) if word.endswith(",") and _begins_anew(reading, i + 1)]
    edges = [0, *borders, len(words)]
    for start, end in pairwise(edges) if borders else ():
        clause = part(reading, range(start, end))
        starts_whole = start == 0 or LEAVES_OFF.match(" ".join(words[start:])) is None
        if starts_whole and not SUBORDINATES.match(clause.text) and names_something(clause):
            yield clause
    colon = next((i for i, word in enumerate(words[:-1]) if word.endswith(":")), None)
    if colon is not None and words[colon + 1][:1].isupper():
        yield part(reading, range(colon + 1, len(words)))


def _begins_anew(reading: Reading, place: int) -> bool:
    """Whether a main clause starts behind a comma: with a word that does so, or with a noun and its verb."""
    words = [word.text for word in reading.spoken.words]
    if LEAVES_OFF.match(" ".join(words[place:])):
        return True
    if len(words) < place + 4 or reading.kinds[place + 1] not in (Kind.VERB, Kind.AUXILIARY):
        return False
    if SUBORDINATES.match(reading.text) or SAYS_THAT.search(words[place - 1]):
        return False
    noun = reading.kinds[place] is Kind.NOUN and words[place][:1].isupper()
    # "kochen, Musik hören": an infinitive goes on with the clause before.
    return words[place].lower() in _SUBJECTS or (noun and not words[place + 1].endswith("n"))


def _statement(reading: Reading) -> Reading:
    joins = JOINS.match(reading.text) is not None and len(reading.kinds) > 1
    return part(reading, range(1, len(reading.kinds))) if joins else reading


def _embedded(texts: Sequence[str], instruments: Instruments) -> NDArray[np.float32]:
    parts = [instruments.embed(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
    return np.concatenate(parts)


def _centred(vectors: NDArray[np.float32], languages: Sequence[str]) -> NDArray[np.float32]:
    """Take away what all sentences of a language share: it hides what tells them apart.

    A language of fewer than five sentences is centred with all the others.
    """
    centred: NDArray[np.float32] = vectors - vectors.mean(axis=0)
    for language in set(languages):
        own = np.array([one == language for one in languages])
        if own.sum() >= 5:
            centred[own] = vectors[own] - vectors[own].mean(axis=0)
    return centred


def _ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each value's place among the others, from 0.0 to 1.0; 1.0 for a single one."""
    if len(values) == 1:
        return np.ones(1)
    ranks: NDArray[np.float64] = np.argsort(np.argsort(values)) / (len(values) - 1)
    return ranks


def _welcome(material: Material, index: int, picked: Sequence[int], taste: Taste) -> float:
    """What is left of a sentence's score beside those already picked."""
    spoken, left = material.candidates[index].spoken, 1.0
    for other in picked:
        before = material.candidates[other].spoken
        if material.alike(index, other) >= TWINS:
            return 0.0
        left *= 1 - taste.variety * material.alike(index, other)
        if taste.spread_s:
            left *= 1 - 0.5 * max(0.0, 1 - abs(spoken.span.start - before.span.start) / taste.spread_s)
        if before.speaker == spoken.speaker:
            left *= 1 - taste.voices
    return left
