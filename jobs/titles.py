"""Short titles for chapters, in words that were said there and in the form they were said in."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from jobs.german import bare
from jobs.phrases import EMPTY, SPEAKS_ABOUT, is_chatter, opens_topic
from jobs.worth import Kind, Reading

MAX_TITLE_WORDS = 12
#: A topic is named when it is opened, or not at all.
OPENING_SENTENCES = 4

_NOUNS = frozenset({Kind.NOUN, Kind.NAME})
_WITHIN = frozenset({Kind.NOUN, Kind.NAME, Kind.ADJECTIVE, Kind.DETERMINER, Kind.NUMBER})
#: A phrase with one of these keeps the case it was said in: "Zur künstlichen Intelligenz", "Über Geld".
_ABOUT = frozenset({"über", "about"})
_TOPIC_PREPOSITIONS = frozenset({"über", "zu", "zum", "zur", "um", "about", "on"})

#: Forms that a title can stand in by themselves; "dem", "den", "des" want a sentence around them.
_OBLIQUE = frozenset({"des", "eines", "dem", "einem", "den", "beim", "im", "am", "zum", "vom"})
_UPRIGHT = frozenset(
    {"die", "das", "der", "ein", "eine", "unser", "unsere", "mein", "meine", "the", "a", "an", "our", "my"}
)
#: What stands before a question and isn't part of it: "Meine erste Frage lautet: ", "Ja, Frau Berger, ".
_PREFACE = re.compile(
    r"^(?:(?:meine|die|eine|my) (?:\w+ )?(?:frage|question)(?: \w+)?[,:] )?"
    r"(?:(?:und|aber|ja|gut|also|so|and|but)[, ]+)*(?:(?:frau|herrn?|ms\.?|mr\.?) \S+, |(?-i:[A-ZÄÖÜ])\w+, )?",
    re.IGNORECASE,
)
#: A title has nobody before it whom these could mean.
_WHOSE = re.compile(r"(?:sein|ihr)(?:e[rsmn]?)?$|his$|her$|their$", re.IGNORECASE)
_VAGUE = re.compile(r"\b(?:das|damit|dazu|daran|davon|dabei|es|dies\w*|that|this|it)\b", re.IGNORECASE)

Counts = Mapping[str, int]


def chapter_title(chapter: Sequence[Reading], *, counts: Counts, asks: str | None) -> tuple[str, tuple[str, ...], str]:
    """Name a chapter: by its announced topic, by the question it answers, or by its most telling words.

    Args:
        chapter: its sentences in time order, at least one.
        counts: how often each noun is said in the whole recording, see `noun_counts`.
        asks: label of the voice whose questions open topics; None where a single voice asks itself.

    Returns:
        The title, the ids of the utterances its words stand in, and its language.
    """
    opening = chapter[:OPENING_SENTENCES]
    for find in (_announced, lambda reading: _question(reading, asks)):
        for reading in opening:
            title = find(reading)
            if title:
                return _capital(title), reading.spoken.evidence, reading.spoken.language
    return _keywords(chapter, counts)


def noun_counts(readings: Sequence[Reading]) -> Counter[str]:
    """How often each noun and name is said, by its lower-case form."""
    return Counter(
        bare(word.text).lower()
        for reading in readings
        for word, kind in zip(reading.spoken.words, reading.kinds, strict=True)
        if kind in _NOUNS
    )


def _announced(reading: Reading) -> str | None:
    """What a sentence announces: the phrase after "über", after another such preposition, or its most telling noun."""
    announced = opens_topic(reading.text)
    if not (announced or SPEAKS_ABOUT.search(reading.text)) or reading.text.endswith("?"):
        return None
    places = [i for i, word in enumerate(reading.spoken.words) if word.text.lower() in _TOPIC_PREPOSITIONS]
    for index in sorted(places, key=lambda i: reading.spoken.words[i].text.lower() not in _ABOUT):
        end = _phrase_end(reading, index + 1)
        whose = any(_WHOSE.match(word.text) for word in reading.spoken.words[index + 1 : end])
        if reading.kinds[index] is Kind.PREPOSITION and not whose and _telling(reading, range(index + 1, end)):
            return _text(reading, range(index, end))
    nouns = [i for i in range(len(reading.kinds)) if _telling(reading, range(i, i + 1))]
    if not announced or not nouns:
        return None
    return _around(reading, max(nouns, key=lambda i: (_around(reading, i).count(" ") > 0, reading.rarity[i])))


def _phrase_end(reading: Reading, start: int) -> int:
    """Where a noun phrase that starts at `start` ends: with its noun, a genitive and one phrase of place or time."""
    end, noun, index = start, False, start
    words, kinds = reading.spoken.words, reading.kinds
    while index < len(words) and index - start < 8:
        kind = kinds[index]
        attached = (
            noun and kind is Kind.PREPOSITION and words[index].text.lower() in {"in", "im", "von", "of", "für", "for"}
        )
        joins = (
            noun
            and words[index].text.lower() in {"und", "and"}
            and kinds[index + 1 : index + 2] in ((Kind.NOUN,), (Kind.NAME,))
        )
        if kind not in _WITHIN and not attached and not joins:
            break
        if kind in _NOUNS:
            noun, end = True, index + 1
        if words[index].text.endswith((",", ".", ";", ":", "?", "!")):
            break
        index += 1
    return end


def _genitive(word: str, kind: Kind) -> bool:
    return kind is Kind.DETERMINER and word.lower() in {"des", "der", "eines", "einer", "unserer", "unseres"}


def _telling(reading: Reading, part: range) -> bool:
    """Whether a phrase holds a noun about the matter rather than about the talk."""
    return any(
        reading.kinds[i] in _NOUNS
        and bare(reading.spoken.words[i].text).lower() not in EMPTY
        and reading.rarity[i] > 0.1
        for i in part
    )


def plain_question(text: str) -> str:
    """A question without what stands before it: "Meine Frage lautet, warum ist das so?" → "Warum ist das so?"."""
    return _capital(_PREFACE.sub("", text.rsplit(": ", 1)[-1]))


def _question(reading: Reading, asks: str | None) -> str | None:
    """A question, without "Frau Berger, " in front of it, if it is short and says what it is about."""
    if not reading.text.endswith("?") or (asks is not None and reading.spoken.speaker != asks):
        return None
    text = plain_question(reading.text)
    long_enough = 3 <= len(text.split()) <= MAX_TITLE_WORDS + 2
    return text if long_enough and not _VAGUE.search(text) else None


def _keywords(chapter: Sequence[Reading], counts: Counts) -> tuple[str, tuple[str, ...], str]:
    """The phrase around the noun that tells most and is said here rather than elsewhere, and the next best noun."""
    languages = Counter(r.spoken.language for r in chapter for _ in r.kinds)
    chapter = [r for r in chapter if r.spoken.language == languages.most_common(1)[0][0]]
    here = noun_counts(chapter)
    scored: dict[str, tuple[float, Reading, int]] = {}
    for place, reading in enumerate(chapter):
        if is_chatter(reading.text):
            continue
        for index, (word, kind) in enumerate(zip(reading.spoken.words, reading.kinds, strict=True)):
            key = bare(word.text).lower()
            if kind not in _NOUNS or key in EMPTY or word.probability < 0.4:
                continue
            score = reading.rarity[index] * here[key] ** 0.7 * (here[key] / max(counts[key], 1)) ** 0.5
            score *= 1.15 if place < OPENING_SENTENCES else 1.0
            score *= 0.4 if index and reading.spoken.words[index - 1].text.lower() in _OBLIQUE else 1.0
            if key not in scored or score > scored[key][0]:
                scored[key] = (score, reading, index)
    ranked = sorted(scored.values(), key=lambda item: -item[0])[:2]
    if not ranked:
        first = chapter[0]
        return _capital(_text(first, range(min(6, len(first.kinds))))), first.spoken.evidence, first.spoken.language
    parts: list[str] = []
    evidence: list[str] = []
    for _, reading, index in ranked:
        phrase = _around(reading, index)
        if not any(phrase.lower() in part.lower() or part.lower() in phrase.lower() for part in parts):
            parts.append(phrase)
            evidence += reading.spoken.evidence
    return _capital(", ".join(parts)), tuple(dict.fromkeys(evidence)), ranked[0][1].spoken.language


def _around(reading: Reading, index: int) -> str:
    """The noun with its adjectives if they stand in a form that can stand alone, else the noun alone."""
    start = index
    while start and reading.kinds[start - 1] in (Kind.ADJECTIVE, Kind.NUMBER, Kind.NAME):
        start -= 1
    before = bare(reading.spoken.words[start - 1].text).lower() if start else ""
    oblique = start > 1 and reading.kinds[start - 2] is Kind.PREPOSITION
    if start < index and reading.kinds[start] is Kind.NUMBER and reading.kinds[start - 1] is not Kind.PREPOSITION:
        return _text(reading, range(start, index + 1))
    if start == index or before not in _UPRIGHT or oblique:
        return bare(reading.spoken.words[index].text)
    return _text(reading, range(start - 1, index + 1))


def _text(reading: Reading, part: range) -> str:
    return " ".join(word.text for word in reading.spoken.words[part.start : part.stop]).rstrip(" .,;:!")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
