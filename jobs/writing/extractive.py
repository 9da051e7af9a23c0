"""A recap in the speakers' own words: sentences are chosen, never written.

Transcript → sentences → measures (words, meaning) → chapters → headline, lead, quotes, key sentences.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jobs.chapters import chapter_starts, moderator
from jobs.german import Spoken, bare, counted, enumeration, is_finished, spoken_sentences
from jobs.programme import Talk
from jobs.proof.evidence import proven
from jobs.recap import Basis, Chapter, Quote, Recap, Sentence
from jobs.recording import Provenance
from jobs.timeline import Seconds, Span
from jobs.transcript import Transcript
from jobs.writing.phrases import (
    ADDRESSES,
    FIRST_PERSON,
    INTRODUCES,
    JOINS,
    LEAVES_OFF,
    PRESENTS,
    SPEAKS_ABOUT,
    SUBORDINATES,
)
from jobs.writing.questions import open_questions
from jobs.writing.titles import announced_topic, chapter_title, noun_counts, plain_question
from jobs.writing.worth import Instruments, Kind, Reading, Worth, names_something, part, read, worth

#: Sentences embedded at once, so that memory stays flat on a day of speech.
BATCH = 256
#: Quotes an editor can use: long enough to stand, short enough to print.
QUOTE_WORDS = range(8, 31)
#: Rather one of these than fewer quotes than an editor needs.
ANY_QUOTE_WORDS = range(5, 46)
#: So many quotes an editor needs of any recording with as much speech as this.
LEAST_QUOTES = 3
SPEECH_FOR_QUOTES_S: Seconds = 45.0
KEY_WORDS = range(5, 41)
HEADLINE_WORDS = range(4, 17)
#: A choice among more candidates than this gets no better.
SHORTLIST = 300
#: Below this a quote leaves its reader asking "who?" or "what?": rather no quote.
SELF_CONTAINED = 0.6
#: Sentences this much alike say the same: trailers and hosts repeat the best ones. Measured on repeats that the
#: recognizer heard differently: 0.74 and more; on sentences that only resemble each other: 0.65 at most.
TWINS = 0.72
#: What the announced topic is worth as a headline, against theses of 0.0 to about 0.5: most say more than it does.
ANNOUNCED = 0.12


@dataclass(frozen=True, slots=True)
class _Candidate:
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


@dataclass(frozen=True, slots=True)
class _Material:
    """All sentences of a recording, measured."""

    candidates: tuple[_Candidate, ...]
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


@dataclass(frozen=True, slots=True)
class _Choice:
    """What stands above the chapters, as indices of sentences."""

    headline: Sentence | None
    #: Sentences that tell who is here and what it is about.
    introduction: tuple[int, ...]
    theses: tuple[int, ...]
    quotes: tuple[tuple[int, ...], ...]
    #: The headline's sentence and its like.
    top: frozenset[int]

    @property
    def used(self) -> list[int]:
        """All sentences that are spoken for."""
        return [*self.top, *self.introduction, *self.theses, *(index for quote in self.quotes for index in quote)]


@dataclass(frozen=True, slots=True)
class _Taste:
    """How to choose among good sentences."""

    #: Picks at most.
    count: int
    #: Price of being alike in meaning, 0.0 to 1.0.
    variety: float
    #: Picks closer in time than this cost up to half their score.
    spread_s: float = 0.0
    #: Price of each earlier pick by the same speaker, 0.0 to 1.0.
    voices: float = 0.0


def write_recap(
    transcript: Transcript,
    talk: Talk,
    *,
    instruments: Instruments,
    labels: Mapping[str, str],
    provenance: Provenance,
) -> Recap:
    """Draft a recap out of what was said.

    Args:
        transcript: doubtful utterances are never used; without any sentence the recap stays empty.
        talk: who was announced; used for framing and open questions only.
        instruments: what sentences are measured with.
        labels: German sentences, of which those under "recap." frame the draft.
        provenance: what the recap is stored with.
    """
    questions = open_questions(transcript, talk)
    empty = Recap(transcript.recording_id, None, (), (), (), open_questions=questions, provenance=provenance)
    sentences = spoken_sentences(transcript)
    if not sentences:
        return empty
    people = (*transcript.names.values(), *(guest.name for guest in talk.guests))
    material = _measure(sentences, transcript.duration_s, instruments, people=people)
    choice = _choose(material, transcript)
    recap = replace(
        empty,
        headline=choice.headline,
        lead=_lead(material, choice, transcript, talk, labels),
        quotes=tuple(_quote(material, indices, transcript) for indices in choice.quotes),
        chapters=_chapters(material, material.twins(choice.used), transcript),
    )
    return proven(recap, transcript, talk)


def _choose(material: _Material, transcript: Transcript) -> _Choice:
    """Headline, introduction, theses, quotes, in this order; each sentence serves once.

    Where quotes would be too few, a thesis is quoted instead, then whatever a quote may be made of, then the headline.
    """
    headline = _headline(material)
    top = material.twins([] if headline is None else headline[:1])
    introduction = _introduction(material)
    said = material.twins(introduction)
    theses = _theses(material, top | said, transcript, beside=len(introduction))
    above = material.twins(theses)
    speech_s = sum(c.spoken.span.duration for c in material.candidates)
    long = speech_s >= SPEECH_FOR_QUOTES_S
    quotes: list[tuple[int, ...]] = []
    for strict, taken in ((True, top | said | above), (True, top | said), (not long, top | said), (not long, said)):
        quotes = _quotes(material, taken, transcript, strict=strict)
        if len(quotes) >= (LEAST_QUOTES if long else 1):
            break
    quoted = {index for indices in quotes for index in indices}
    if quoted & above:
        theses = _theses(material, top | said | material.twins(list(quoted)), transcript, beside=len(introduction))
    return _Choice(
        None if headline is None else headline[1], tuple(introduction), tuple(theses), tuple(quotes), frozenset(top)
    )


def _measure(
    sentences: Sequence[Spoken], duration_s: Seconds, instruments: Instruments, *, people: Sequence[str]
) -> _Material:
    readings = [read(s, tag=instruments.tag, frequency=instruments.frequency) for s in sentences]
    vectors = _embedded([reading.text for reading in readings], instruments)
    middle = vectors.mean(axis=0)
    centred = _centred(vectors, [s.language for s in sentences])
    host = moderator(sentences)
    starts = chapter_starts(sentences, centred, duration_s=duration_s, host=host)
    chapter_of = np.searchsorted(np.array(starts), np.arange(len(sentences)), side="right") - 1
    units = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    here = np.zeros(len(sentences))
    for chapter in range(len(starts)):
        inside = chapter_of == chapter
        here[inside] = _ranks(units[inside] @ units[inside].mean(axis=0))
    central = _ranks(vectors @ middle)
    statements = [_statement(reading) for reading in readings]
    candidates = tuple(
        _Candidate(
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
    return _Material(candidates, units.astype(np.float32), starts, host, words)


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


def _chosen(material: _Material, scores: Mapping[int, float], taste: _Taste) -> list[int]:
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


def _welcome(material: _Material, index: int, picked: Sequence[int], taste: _Taste) -> float:
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


def _headline(material: _Material) -> tuple[int, Sentence] | None:
    """A short statement in the middle of what the talk is about, or the question that it sets out to answer."""
    scored = [
        (score, candidate.index, text)
        for candidate in material.candidates
        for text, score in _headlines(material, candidate)
        if len(text.split()) in HEADLINE_WORDS and len(text) <= 110 and not text[:1].islower()
    ]
    scored += [(ANNOUNCED, candidate.index, text) for candidate, text in _announcements(material)]
    score, index, text = max(scored, key=lambda item: item[0], default=(0.0, 0, ""))
    if score <= 0:
        return None
    spoken = material.candidates[index].spoken
    text = text.removesuffix(".")
    return index, Sentence(text=text, evidence=spoken.evidence, basis=Basis.VERBATIM, language=spoken.language)


def _headlines(material: _Material, candidate: _Candidate) -> Iterator[tuple[str, float]]:
    """What of a sentence could be a headline, and how good a one."""
    if not is_finished(candidate.reading.text):
        return
    for reading in _clauses(candidate.statement):
        w = worth(reading)
        yield reading.text, w.independence**2 * _promise(candidate, reading.text, w)
    question = _opening_question(material, candidate)
    if question is not None:
        # "Die Frage lautet: Was bleibt …?" asked at the beginning is what the talk is about, whoever asks.
        w = replace(candidate.worth, stance=max(candidate.worth.stance, 0.6))
        yield question, 4.0 * _promise(candidate, question, w)


def _promise(candidate: _Candidate, text: str, w: Worth) -> float:
    """How much a headline tells, in how few words, and whether a reader knows who speaks."""
    score = w.matter * w.confidence * w.general * (0.3 + w.information) * (0.2 + candidate.central) * (0.4 + w.stance)
    words = text.split()
    score *= 1.0 if len(words) <= 12 else 0.8 if len(words) <= 14 else 0.5
    score *= 0.5 if FIRST_PERSON.search(text) else 1.0
    score *= 0.6 if ADDRESSES.search(text) or words[0].lower() in {"wenn", "if"} else 1.0
    return score * (0.6 if candidate.by_host else 1.0)


def _clauses(reading: Reading) -> Iterator[Reading]:
    """A statement, its main clause, what follows a colon."""
    if reading.text.endswith("?"):
        return
    yield reading
    words = [word.text for word in reading.spoken.words]
    comma = next((i for i, word in enumerate(words[:-1]) if word.endswith(",")), None)
    if comma is not None and LEAVES_OFF.match(" ".join(words[comma + 1 :])):
        clause = part(reading, range(comma + 1))
        if not SUBORDINATES.match(clause.text) and names_something(clause):
            yield clause
    colon = next((i for i, word in enumerate(words[:-1]) if word.endswith(":")), None)
    if colon is not None and words[colon + 1][:1].isupper():
        yield part(reading, range(colon + 1, len(words)))


def _opening_question(material: _Material, candidate: _Candidate) -> str | None:
    """The question that somebody says at the beginning the talk is about."""
    text = candidate.reading.text
    if not text.endswith("?") or candidate.index > 0.12 * len(material.candidates):
        return None
    question = plain_question(text)
    before = text if question != text else material.candidates[max(0, candidate.index - 1)].reading.text
    return question if "frage" in before.lower().split()[:8] and not ADDRESSES.search(question) else None


def _announcements(material: _Material) -> Iterator[tuple[_Candidate, str]]:
    """Topics that are announced at the beginning, in the words they are announced in."""
    until_s = _opening_s(material)
    for candidate in material.candidates:
        if candidate.spoken.span.start > until_s or not SPEAKS_ABOUT.search(candidate.reading.text):
            continue
        topic = announced_topic(candidate.reading) or ""
        if len(topic.split()) >= 2 and topic.lower() in candidate.reading.text.lower():
            yield candidate, topic[:1].upper() + topic[1:]


def _opening_s(material: _Material) -> Seconds:
    """Until when a talk introduces itself."""
    return max(45.0, 0.12 * max(candidate.spoken.span.end for candidate in material.candidates))


def _introduction(material: _Material) -> list[int]:
    """Who is here and what it is about, as somebody says it at the beginning: no, one or two sentences."""
    until_s = _opening_s(material)
    early = [c for c in material.candidates if c.spoken.span.start <= until_s and _tells(c)]
    good = {c.index: c.worth.confidence * (0.3 + c.worth.information) * (0.6 + 0.4 * c.worth.matter) for c in early}
    who = [c.index for c in early if _presents(c.reading, material.people)]
    what = [c.index for c in early if INTRODUCES.search(c.reading.text) and names_something(c.reading)]
    first = max(who, key=good.__getitem__, default=None)
    if first is not None and SPEAKS_ABOUT.search(material.candidates[first].reading.text):
        return [first]
    second = max((index for index in what if index != first), key=good.__getitem__, default=None)
    return [index for index in (first, second) if index is not None]


def _tells(candidate: _Candidate) -> bool:
    text = candidate.reading.text
    asked = text.endswith("?") and ": " not in text
    return len(candidate.spoken.words) in range(6, 41) and is_finished(text) and not asked


def _presents(reading: Reading, people: frozenset[str]) -> bool:
    """Whether a host says who is here, by name; the tagger may take a known name for a noun."""
    named = Kind.NAME in reading.kinds or any(bare(word.text) in people for word in reading.spoken.words)
    return named and PRESENTS.search(reading.text) is not None


def _theses(material: _Material, taken: set[int], transcript: Transcript, *, beside: int) -> list[int]:
    """Statements that are closest to the middle of the talk and stand without their speaker; one or two, in time order.

    Args:
        material: all sentences.
        taken: those that are spoken for.
        transcript: gives the length.
        beside: how many sentences introduce the lead already.
    """
    scores = {}
    for c in material.candidates:
        fits = len(c.spoken.words) in range(7, 31) and not c.reading.text.endswith("?") and not c.by_host and c.clear
        score = fits * c.usable * c.worth.general * c.worth.independence * c.worth.information * (0.3 + c.central)
        score *= 0.2 + c.worth.stance
        # Nobody is named beside it whose "we" or "you" it could be: that makes a better quote.
        score *= 0.4 if FIRST_PERSON.search(c.reading.text) else 1.0
        scores[c.index] = score * (0.2 if ADDRESSES.search(c.reading.text) else 1.0)
    floor = (0.2 if beside else 0.1) * max(scores.values(), default=0.0)
    scores = {index: score for index, score in scores.items() if score >= floor and index not in taken}
    count = 1 if beside and len(material.candidates) < 60 else min(2, len(material.candidates) // 4)
    taste = _Taste(count=count, variety=0.7, spread_s=transcript.duration_s / 4, voices=0.3)
    return sorted(_chosen(material, scores, taste))


def _quotes(material: _Material, taken: set[int], transcript: Transcript, *, strict: bool) -> list[tuple[int, ...]]:
    """Sentences, or two in a row, that somebody stands for; spread over voices and time; in time order.

    `strict` asks of each that it stands alone, has a good length and isn't far behind the best.
    """
    forms: dict[int, tuple[int, ...]] = {}
    scores: dict[int, float] = {}
    for candidate in material.candidates:
        for indices in ((candidate.index,), _pair(material, candidate.index)):
            score = 0.0 if set(indices) & taken else _quotable(material, indices, strict=strict)
            if score > scores.get(candidate.index, 0.0):
                scores[candidate.index], forms[candidate.index] = score, indices
    floor = 0.3 * max(scores.values(), default=0.0) if strict else 0.0
    scores = {index: score for index, score in scores.items() if score >= floor}
    count = min(5, max(LEAST_QUOTES, round(transcript.duration_s / 180)), max(LEAST_QUOTES, len(scores) // 3))
    taste = _Taste(count=2 * count, variety=0.6, spread_s=transcript.duration_s / (count + 1), voices=0.5)
    picked: list[tuple[int, ...]] = []
    for index in _chosen(material, scores, taste):
        if len(picked) < count and not {i for indices in picked for i in indices} & set(forms[index]):
            picked.append(forms[index])
    return sorted(picked)


def _pair(material: _Material, index: int) -> tuple[int, ...]:
    """The sentence and the next one of the same speaker, if nothing but a breath lies between; else nothing."""
    if index + 1 >= len(material.candidates):
        return ()
    one, two = material.candidates[index], material.candidates[index + 1]
    follows = one.spoken.speaker == two.spoken.speaker and one.spoken.language == two.spoken.language
    close = two.spoken.span.start - one.spoken.span.end < 1.5
    return (index, index + 1) if follows and close and one.chapter == two.chapter else ()


def _quotable(material: _Material, indices: tuple[int, ...], *, strict: bool) -> float:
    """How good a quote the sentences make; 0.0 for none at all."""
    parts = [material.candidates[i] for i in indices]
    words = sum(len(p.spoken.words) for p in parts)
    if not parts or words not in (QUOTE_WORDS if strict else ANY_QUOTE_WORDS):
        return 0.0
    if any(p.reading.text.endswith("?") or not is_finished(p.reading.text) for p in parts):
        return 0.0
    if len(parts) > 1 and any(len(p.spoken.words) > 18 for p in parts):
        return 0.0
    first = parts[0]
    if strict and not (first.worth.independence >= SELF_CONTAINED and all(p.well_heard for p in parts)):
        return 0.0
    confidence = min(p.worth.confidence for p in parts) * min(p.worth.matter for p in parts)
    stance = max(p.worth.stance for p in parts)
    information = sum(p.worth.information for p in parts) / len(parts)
    # Where quotes must be made of what is there, standing alone counts twice.
    alone = first.worth.independence if strict else first.worth.independence**2
    score = alone * confidence * (0.25 + stance) * (0.25 + information)
    # Two sentences that lean on each other make one thought, two that don't make two.
    score *= 1.0 if len(parts) == 1 else 0.95
    # A quote keeps its first word, and with it the question what went before.
    score *= 0.7 if first.statement is not first.reading else 1.0
    # Said to somebody in the room.
    score *= 0.6 if any(ADDRESSES.search(p.reading.text) for p in parts) else 1.0
    return score * first.worth.general * (0.25 if first.by_host else 1.0)


def _quote(material: _Material, indices: tuple[int, ...], transcript: Transcript) -> Quote:
    parts = [material.candidates[i].spoken for i in indices]
    return Quote(
        text=" ".join(part.text for part in parts),
        speaker=parts[0].speaker,
        span=Span(parts[0].span.start, max(part.span.end for part in parts)),
        language=_language(parts[0], transcript),
        evidence=tuple(dict.fromkeys(one for part in parts for one in part.evidence)),
    )


def _sentence(material: _Material, index: int, transcript: Transcript) -> Sentence:
    spoken = material.candidates[index].spoken
    return Sentence(
        text=material.candidates[index].statement.text,
        evidence=spoken.evidence,
        basis=Basis.VERBATIM,
        language=_language(spoken, transcript),
    )


def _language(spoken: Spoken, transcript: Transcript) -> str:
    return transcript.language if spoken.language == "und" else spoken.language


def _chapters(material: _Material, taken: set[int], transcript: Transcript) -> tuple[Chapter, ...]:
    readings = [candidate.reading for candidate in material.candidates]
    counts = noun_counts(readings)
    end_s = max(transcript.duration_s, *(c.spoken.span.end for c in material.candidates))
    begins = [0.0, *(material.candidates[i].spoken.span.start for i in material.starts[1:])]
    chapters = []
    for start, stop, begin, end in zip(
        material.starts, [*material.starts[1:], len(readings)], begins, [*begins[1:], end_s], strict=True
    ):
        title, evidence, language = chapter_title(readings[start:stop], counts=counts, asks=material.host)
        key = _key_sentences(material, range(start, stop), taken, length_s=end - begin)
        sentences = tuple(_sentence(material, index, transcript) for index in key)
        chapters.append(
            Chapter(
                title, Span(begin, end), evidence, sentences, transcript.language if language == "und" else language
            )
        )
    return tuple(chapters)


def _key_sentences(material: _Material, chapter: range, taken: set[int], *, length_s: Seconds) -> list[int]:
    """One or two sentences that hold most of a chapter, in time order.

    What stands above already, and what the host says, serves only where nothing else can be understood.
    """
    scores = {}
    for index in chapter:
        c = material.candidates[index]
        fits = len(c.spoken.words) in KEY_WORDS and not c.reading.text.endswith("?")
        position = 1.1 if index - chapter.start < 4 else 1.0
        score = fits * c.usable * c.worth.information * (0.3 + c.central_here) * (0.6 + 0.4 * c.worth.stance)
        scores[index] = score * position * (0.4 if c.by_host else 1.0)
    clear = {i for i in scores if scores[i] > 0 and material.candidates[i].clear}
    guests = {i for i in clear if not material.candidates[i].by_host}
    pool: set[int] = next((tier for tier in (guests - taken, guests, clear - taken) if tier), set(scores))
    floor = 0.25 * max((scores[i] for i in pool), default=0.0)
    scores = {index: scores[index] for index in pool if scores[index] >= floor}
    return sorted(_chosen(material, scores, _Taste(count=1 if length_s < 60 else 2, variety=0.6)))


def _lead(
    material: _Material, choice: _Choice, transcript: Transcript, talk: Talk, labels: Mapping[str, str]
) -> tuple[Sentence, ...]:
    """Who speaks about what, what is said on it, and how long it takes.

    The programme's guests are listed only if nobody introduces them: announced isn't heard.
    """
    first = {u.speaker: u.id for u in reversed(transcript.utterances) if u.speaker is not None and u.doubt is None}
    named = {
        label: transcript.names[label] for label in transcript.speakers if label in transcript.names and label in first
    }
    anyone = next(u.id for u in transcript.utterances if u.doubt is None)
    presented = any(_presents(material.candidates[i].reading, material.people) for i in choice.introduction)
    who: tuple[Sentence, ...] = ()
    if named:
        text = labels["recap.voices"].format(names=enumeration(list(named.values())))
        who = (Sentence(text, tuple(first[label] for label in named), Basis.FRAME),)
    elif talk.guests and not presented:
        text = labels["recap.announced"].format(names=enumeration([guest.name for guest in talk.guests]))
        who = (Sentence(text, (anyone,), Basis.FRAME),)
    length = labels["recap.length"].format(
        length=_length(transcript.duration_s), voices=counted(len(first), "eine Stimme", "Stimmen")
    )
    said = [_sentence(material, index, transcript) for index in (*choice.introduction, *choice.theses)]
    return (*who, *said, Sentence(length, tuple(first.values()) or (anyone,), Basis.FRAME))


def _length(duration_s: float) -> str:
    if duration_s < 90:
        return counted(round(duration_s), "eine Sekunde", "Sekunden")
    hours, minutes = divmod(round(duration_s / 60), 60)
    parts = [counted(hours, "eine Stunde", "Stunden")] * (hours > 0) + [counted(minutes, "eine Minute", "Minuten")] * (
        minutes > 0
    )
    return enumeration(parts)
