"""A recap in the speakers' own words: sentences are chosen, never written.

Transcript → sentences → measures (words, meaning) → chapters → headline, lead, quotes, key sentences.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jobs.chapters import chapter_starts, moderator
from jobs.evidence import proven
from jobs.german import Spoken, bare, counted, enumeration, is_finished, spoken_sentences, time_code
from jobs.phrases import ADDRESSES, INTRODUCES
from jobs.programme import Talk
from jobs.recap import Basis, Chapter, Question, Quote, Recap, Sentence
from jobs.recording import Provenance
from jobs.timeline import Span
from jobs.titles import chapter_title, noun_counts, plain_question
from jobs.transcript import Transcript
from jobs.worth import Instruments, Reading, Worth, names_something, read, worth

#: Sentences embedded at once, so that memory stays flat on a day of speech.
BATCH = 256
#: Quotes an editor can use: long enough to stand, short enough to print.
QUOTE_WORDS = range(8, 31)
KEY_WORDS = range(5, 41)
HEADLINE_WORDS = range(5, 17)
#: A choice among more candidates than this gets no better.
SHORTLIST = 300
#: Below this a quote leaves its reader asking "who?" or "what?": rather no quote.
SELF_CONTAINED = 0.5
#: Sentences this much alike say the same: trailers and hosts repeat the best ones.
TWINS = 0.9
#: From this share of doubtful words on, the editor is asked to listen.
MUCH_DOUBT = 0.05


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One sentence with everything that is known about it."""

    index: int
    reading: Reading
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


@dataclass(frozen=True, slots=True)
class _Material:
    """All sentences of a recording, measured."""

    candidates: tuple[_Candidate, ...]
    #: Centred meaning of each sentence, rows of length 1.
    vectors: NDArray[np.float32]
    #: Indices of the sentences that open chapters.
    starts: tuple[int, ...]
    host: str | None

    def alike(self, one: int, other: int) -> float:
        """Cosine of two sentences' meaning, 0.0 for unrelated ones."""
        return max(0.0, float(self.vectors[one] @ self.vectors[other]))

    def twins(self, chosen: Sequence[int]) -> set[int]:
        """The chosen sentences and all that say the same."""
        return {int(i) for one in chosen for i in np.flatnonzero(self.vectors @ self.vectors[one] >= TWINS)} | set(
            chosen
        )


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
    empty = Recap(
        recording_id=transcript.recording_id,
        headline=None,
        lead=(),
        quotes=(),
        chapters=(),
        open_questions=_open_questions(transcript, talk),
        provenance=provenance,
    )
    sentences = spoken_sentences(transcript)
    if not sentences:
        return empty
    material = _measure(sentences, transcript, instruments)
    headline = _headline(material)
    taken = material.twins(() if headline is None else headline[:1])
    lead = _lead(material, taken, transcript)
    taken |= material.twins(lead)
    quotes = _quotes(material, taken, transcript)
    taken |= material.twins([index for quote in quotes for index in quote])
    recap = replace(
        empty,
        headline=None if headline is None else headline[1],
        lead=_framed([_sentence(material, index, transcript) for index in lead], transcript, talk, labels),
        quotes=tuple(_quote(material, indices, transcript) for indices in quotes),
        chapters=_chapters(material, taken, transcript),
    )
    return proven(recap, transcript, talk)


def _measure(sentences: Sequence[Spoken], transcript: Transcript, instruments: Instruments) -> _Material:
    readings = [read(s, tag=instruments.tag, frequency=instruments.frequency) for s in sentences]
    vectors = _embedded([reading.text for reading in readings], instruments)
    middle = vectors.mean(axis=0)
    centred = _centred(vectors, [s.language for s in sentences])
    host = moderator(sentences)
    starts = chapter_starts(sentences, centred, duration_s=transcript.duration_s, host=host)
    chapter_of = np.searchsorted(np.array(starts), np.arange(len(sentences)), side="right") - 1
    units = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    here = np.zeros(len(sentences))
    for chapter in range(len(starts)):
        inside = chapter_of == chapter
        here[inside] = _ranks(units[inside] @ units[inside].mean(axis=0))
    central = _ranks(vectors @ middle)
    candidates = tuple(
        _Candidate(
            i,
            r,
            worth(r),
            float(central[i]),
            float(here[i]),
            int(chapter_of[i]),
            host is not None and r.spoken.speaker == host,
        )
        for i, r in enumerate(readings)
    )
    return _Material(candidates, units.astype(np.float32), starts, host)


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
    best: tuple[float, int, str] | None = None
    for candidate in material.candidates:
        for text, bonus in _headline_texts(material, candidate):
            words = text.split()
            if len(words) not in HEADLINE_WORDS or len(text) > 110:
                continue
            w = candidate.worth
            score = bonus * w.matter * w.confidence * w.general * (0.3 + w.information) * (0.3 + candidate.central)
            score *= (
                (0.4 + max(w.stance, 0.6 * text.endswith("?")))
                * (1.0 if len(words) <= 12 else 0.75)
                * (0.6 if candidate.by_host else 1.0)
            )
            if best is None or score > best[0]:
                best = (score, candidate.index, text)
    if best is None or best[0] <= 0:
        return None
    spoken = material.candidates[best[1]].spoken
    text = best[2].removesuffix(".")
    return best[1], Sentence(text=text, evidence=spoken.evidence, basis=Basis.VERBATIM, language=spoken.language)


def _headline_texts(material: _Material, candidate: _Candidate) -> Iterator[tuple[str, float]]:
    """What of a sentence could be a headline, and how much it stands alone."""
    text = candidate.reading.text
    if not is_finished(text):
        return
    independence = candidate.worth.independence
    first = bare(text.split()[0]).lower()
    if not text.endswith("?"):
        yield text, independence**2 * (0.6 if first in {"ich", "wir", "i", "we", "ja", "wenn", "if"} else 1.0)
    _, colon, clause = text.partition(": ")
    if text.endswith("?"):
        clause = plain_question(text)
        before = text if clause != text else material.candidates[max(0, candidate.index - 1)].reading.text
        # "Die Frage lautet: Was bleibt …?" asked at the beginning is what the talk is about.
        opening = candidate.index <= 0.12 * len(material.candidates) and not ADDRESSES.search(clause)
        if opening and "frage" in before.lower().split()[:8]:
            yield clause, 4.0
    elif colon and clause[:1].isupper():
        yield clause, 0.9


def _lead(material: _Material, taken: set[int], transcript: Transcript) -> list[int]:
    """What the talk says it is about, if it does so early, and the statements that are closest to its middle."""
    early = max(60.0, 0.12 * transcript.duration_s)
    topics = {
        c.index: c.worth.confidence * c.worth.information
        for c in material.candidates
        if c.spoken.span.start <= early and c.index not in taken and _states_topic(c)
    }
    lead = sorted(topics, key=lambda i: -topics[i])[:1]
    scores = {
        c.index: c.usable
        * c.worth.general
        * c.worth.independence
        * c.worth.information
        * (0.3 + c.central)
        * (0.4 + c.worth.stance)
        * (0.5 if c.by_host else 1.0)
        for c in material.candidates
        if c.index not in taken
        and c.index not in lead
        and len(c.spoken.words) in range(7, 31)
        and not c.reading.text.endswith("?")
    }
    floor = 0.35 * max(scores.values(), default=0.0)
    scores = {index: score for index, score in scores.items() if score >= floor}
    count = 1 if lead and len(material.candidates) < 60 else min(2, len(material.candidates) // 4)
    theses = _chosen(material, scores, _Taste(count=count, variety=0.7, spread_s=transcript.duration_s / 4, voices=0.3))
    return lead + sorted(theses)


def _states_topic(candidate: _Candidate) -> bool:
    """Whether a sentence tells who is here or what the talk is about."""
    text = candidate.reading.text
    asked = text.endswith("?") and ": " not in text
    fits = len(candidate.spoken.words) in range(6, 36) and is_finished(text) and not asked
    return fits and INTRODUCES.search(text) is not None and names_something(candidate.reading)


def _quotes(material: _Material, taken: set[int], transcript: Transcript) -> list[tuple[int, ...]]:
    """Sentences, or two in a row, that somebody stands for; spread over voices and time; in time order."""
    forms: dict[int, tuple[int, ...]] = {}
    scores: dict[int, float] = {}
    for candidate in material.candidates:
        for indices in ((candidate.index,), _pair(material, candidate.index)):
            score = _quotable(material, indices, taken)
            if score > scores.get(candidate.index, 0.0):
                scores[candidate.index], forms[candidate.index] = score, indices
    floor = 0.3 * max(scores.values(), default=0.0)
    scores = {index: score for index, score in scores.items() if score >= floor}
    count = min(5, max(3, round(transcript.duration_s / 180)), max(1, len(material.candidates) // 4))
    picked: list[tuple[int, ...]] = []
    for index in _chosen(
        material, scores, _Taste(count=2 * count, variety=0.6, spread_s=transcript.duration_s / (count + 1), voices=0.2)
    ):
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


def _quotable(material: _Material, indices: tuple[int, ...], taken: set[int]) -> float:
    parts = [material.candidates[i] for i in indices]
    words = sum(len(part.spoken.words) for part in parts)
    if (
        not parts
        or words not in QUOTE_WORDS
        or set(indices) & taken
        or any(p.reading.text.endswith("?") for p in parts)
    ):
        return 0.0
    if len(parts) > 1 and any(len(p.spoken.words) > 18 for p in parts):
        return 0.0
    if any(part.reading.unheard for part in parts):
        return 0.0
    first = parts[0]
    confidence = min(part.worth.confidence for part in parts) * min(part.worth.matter for part in parts)
    if first.worth.independence < SELF_CONTAINED or not all(is_finished(part.reading.text) for part in parts):
        return 0.0
    stance = max(part.worth.stance for part in parts)
    information = sum(part.worth.information for part in parts) / len(parts)
    score = first.worth.independence * confidence * (0.25 + stance) * (0.25 + information)
    # A second sentence that leans on the first makes one thought of both; one that doesn't, makes two.
    score *= 1.0 if len(parts) == 1 else 0.95
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
        text=spoken.text, evidence=spoken.evidence, basis=Basis.VERBATIM, language=_language(spoken, transcript)
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


def _key_sentences(material: _Material, chapter: range, taken: set[int], *, length_s: float) -> list[int]:
    """One to three sentences that hold most of a chapter, in time order; what is used above comes last."""
    scores = {}
    for index in chapter:
        c = material.candidates[index]
        fits = len(c.spoken.words) in KEY_WORDS and not c.reading.text.endswith("?")
        position = 1.1 if index - chapter.start < 4 else 1.0
        scores[index] = (
            fits * c.usable * c.worth.information * (0.3 + c.central_here) * position * (0.6 + 0.4 * c.worth.stance)
        )
        scores[index] *= (0.3 if index in taken else 1.0) * (0.4 if c.by_host else 1.0)
    floor = 0.25 * max(scores.values(), default=0.0)
    scores = {index: score for index, score in scores.items() if score >= floor}
    count = 1 if length_s < 60 else 2 if length_s < 150 else 3
    return sorted(_chosen(material, scores, _Taste(count=count, variety=0.6)))


def _framed(
    sentences: Sequence[Sentence], transcript: Transcript, talk: Talk, labels: Mapping[str, str]
) -> tuple[Sentence, ...]:
    """The lead: who speaks, what about; how long it takes."""
    first = {u.speaker: u.id for u in reversed(transcript.utterances) if u.speaker is not None and u.doubt is None}
    named = {
        label: transcript.names[label] for label in transcript.speakers if label in transcript.names and label in first
    }
    anyone = next(u.id for u in transcript.utterances if u.doubt is None)
    who: tuple[Sentence, ...] = ()
    if named:
        text = labels["recap.voices"].format(names=enumeration(list(named.values())))
        who = (Sentence(text, tuple(first[label] for label in named), Basis.FRAME),)
    elif talk.guests:
        text = labels["recap.announced"].format(names=enumeration([guest.name for guest in talk.guests]))
        who = (Sentence(text, (anyone,), Basis.FRAME),)
    length = labels["recap.length"].format(
        length=_length(transcript.duration_s), voices=counted(len(first), "eine Stimme", "Stimmen")
    )
    return (*who, *sentences, Sentence(length, tuple(first.values()) or (anyone,), Basis.FRAME))


def _length(duration_s: float) -> str:
    if duration_s < 90:
        return counted(round(duration_s), "eine Sekunde", "Sekunden")
    hours, minutes = divmod(round(duration_s / 60), 60)
    parts = [counted(hours, "eine Stunde", "Stunden")] * (hours > 0) + [counted(minutes, "eine Minute", "Minuten")] * (
        minutes > 0
    )
    return enumeration(parts)


def _open_questions(transcript: Transcript, talk: Talk) -> tuple[Question, ...]:
    """What an editor must settle: voices without a name, guests without a voice, too much that is in doubt."""
    questions = []
    for number, label in enumerate(transcript.speakers, start=1):
        if label not in transcript.names:
            first = next(u for u in transcript.utterances if u.speaker == label)
            fields: dict[str, str | int | float] = {"number": number, "time": time_code(first.span.start)}
            questions.append(Question("unnamed-speaker", fields, (first.id,)))
    questions += [
        Question("guest-not-heard", {"guest": guest.name})
        for guest in talk.guests
        if guest.name not in transcript.names.values()
    ]
    words = sum(len(u.words) for u in transcript.utterances)
    doubtful = [u for u in transcript.utterances if u.doubt is not None]
    share = sum(len(u.words) for u in doubtful) / words if words else 0.0
    if share >= MUCH_DOUBT:
        much: dict[str, str | int | float] = {
            "percent": round(100 * share),
            "count": len(doubtful),
            "time": time_code(doubtful[0].span.start),
        }
        questions.append(Question("much-doubt", much, tuple(u.id for u in doubtful[:20])))
    return tuple(questions)
